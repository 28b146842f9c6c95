//! Calls from scripts on other origins (the Fetch standard's CORS protocol).

use std::borrow::Cow;

use axum::http::header;

use crate::{
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    flow::record::Endpoint,
    protocol::draft::Reply,
};

/// The answer to a preflight: always yes to the asking origin; the real request decides.
pub(crate) fn preflight(exchange: &mut Exchange) -> Answered {
    let is_api = is_api(exchange);
    let mut reply = answer::empty(if is_api { 200 } else { 204 });
    if let Some(origin) = exchange.header(header::ORIGIN) {
        answer::put(&mut reply, "access-control-allow-origin", origin.to_owned());
    }
    if is_api {
        answer::put(&mut reply, "access-control-allow-credentials", "true");
    }
    let methods = match exchange.endpoint {
        Endpoint::Token | Endpoint::Par => "POST",
        _ if is_api => "GET, POST, PUT, DELETE",
        _ => "GET, POST",
    };
    answer::put(&mut reply, "access-control-allow-methods", methods);
    answer::put(
        &mut reply,
        "access-control-allow-headers",
        "Accept, Authorization, Content-Type, DPoP, X-Okta-User-Agent-Extended, X-Okta-XsrfToken",
    );
    answer::put(&mut reply, "access-control-max-age", "3600");
    answer::put(&mut reply, "vary", "Origin");
    Ok(reply)
}

/// Lets the asking origin read the answer: a Trusted Origin everywhere and with cookies, the origin of a redirect URI at the
/// OAuth endpoints.
pub(crate) fn allow(exchange: &Exchange, reply: &mut Reply) {
    let Some(origin) = exchange.header(header::ORIGIN) else {
        return;
    };
    let is_set = |(name, _): &(Cow<'static, str>, Cow<'static, str>)| name == "access-control-allow-origin";
    if reply.headers.iter().any(is_set) {
        return;
    }
    let tenant = exchange.idp.tenant();
    let is_trusted = tenant.trusted_origins.iter().any(|known| known == origin);
    let is_apps = || tenant.clients.iter().any(|client| client.has_origin(origin));
    if !(is_trusted || (!is_api(exchange) && is_apps())) {
        return;
    }
    let origin = origin.to_owned();
    answer::put(reply, "access-control-allow-origin", origin);
    if is_trusted {
        answer::put(reply, "access-control-allow-credentials", "true");
    }
    if !reply.headers.iter().any(|(name, _)| name == "vary") {
        answer::put(reply, "vary", "Origin");
    }
}

/// Whether this is one of the APIs that know the browser by its cookies.
fn is_api(exchange: &Exchange) -> bool {
    exchange.path.starts_with("/api/") || exchange.path.starts_with("/idp/")
}
