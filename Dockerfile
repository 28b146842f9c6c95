# mock-idp as a container: `docker build --tag mock-idp . && docker run --rm --publish 9494:9494 mock-idp`.
# `--entrypoint conformance` is the harness instead, for an app that runs elsewhere: there is no shell here to start one.

FROM rust:1.95-alpine3.22 AS build
# hadolint ignore=DL3018
RUN apk add --no-cache build-base
WORKDIR /source
COPY . .
RUN cargo build --locked --workspace --profile dist --bin mock-idp --bin conformance

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /source/target/dist/mock-idp /source/target/dist/conformance /usr/local/bin/
COPY --from=build /source/LICENSE-APACHE /source/LICENSE-MIT /usr/share/doc/mock-idp/
# Inside a container loopback is reached by nobody. The port is published by whoever starts it: on 127.0.0.1, if they are wise.
ENV MOCK_IDP_HOST=0.0.0.0
WORKDIR /home/nonroot
USER 65532:65532
EXPOSE 9494
HEALTHCHECK --interval=5s --timeout=2s --start-period=2s CMD ["mock-idp", "healthcheck"]
ENTRYPOINT ["mock-idp"]
