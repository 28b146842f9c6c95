//! One request on its way through: read whole, answered, recorded, written.

use std::sync::Arc;

use axum::{
    body::Body as HttpBody,
    http::{Request, Response, header},
};

use crate::{
    delivery,
    endpoint::{answer, cors, dpop, limits, page, userinfo},
    exchange::{Answer, Exchange, Refusal},
    flow::record::{Endpoint, Stamp},
    idp::Idp,
    okta::error::{API_BODY_MALFORMED, API_NO_PERMISSION, API_REQUEST_TOO_LARGE, ApiError},
    protocol::{draft::Reply, random},
    wire::{self, Cutter},
};

/// Larger bodies are refused.
const BODY_LIMIT: usize = 1024 * 1024;

/// Answers one request.
pub(crate) async fn answer(
    idp: Arc<Idp>,
    endpoint: Endpoint,
    handle: Answer,
    request: Request<HttpBody>,
) -> Response<HttpBody> {
    let at = Stamp::now();
    let (parts, body) = request.into_parts();
    let cutter = parts.extensions.get::<Cutter>().cloned();
    let accepts_gzip = parts
        .headers
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|value| value.to_str().is_ok_and(|value| value.contains("gzip")));
    let body = wire::read_body(body, BODY_LIMIT).await;
    let is_whole = body.is_ok();
    let mut exchange = Exchange::new(idp, endpoint, at, parts, body.unwrap_or_default());
    let reply = handled(&mut exchange, handle, is_whole);
    exchange.wait_at_barrier().await;
    let reply = delivery::serialised(reply);
    exchange.record_answer(&reply);
    delivery::write(reply, accepts_gzip, cutter.as_ref()).await
}

/// Decides and answers; the flow that the exchange is bound to decides what is drawn meanwhile.
fn handled(exchange: &mut Exchange, handle: Answer, is_whole: bool) -> Reply {
    let _scope = random::scope();
    let is_foreign = is_management(&exchange.path) && !is_for_us(exchange);
    let left = limits::count(exchange);
    let answered = if !is_whole {
        Err(API_BODY_MALFORMED.into())
    } else if is_foreign {
        Err(ApiError {
            causes: vec![
                "The Host header names another server: start this one with that name as its --issuer.".to_owned(),
            ],
            ..API_NO_PERMISSION
        }
        .into())
    } else if left.is_some_and(|left| left.exceeded) {
        Err(limits::refusal(exchange))
    } else if exchange.query.is_excessive() || exchange.form.is_excessive() {
        Err(API_REQUEST_TOO_LARGE.into())
    } else {
        handle(exchange)
    };
    let mut reply = answered.unwrap_or_else(|refusal| match refusal {
        Refusal::OAuth(error) => answer::oauth_error(exchange, &error),
        Refusal::Api(error) => {
            exchange.explain_api(&error);
            answer::api_error(&error)
        }
        Refusal::Page(error) => page::error(exchange, &error),
        Refusal::Dpop(error) => {
            let mut reply = answer::oauth_error(exchange, &error);
            if error.error == "use_dpop_nonce" {
                answer::put(&mut reply, "dpop-nonce", dpop::nonce(exchange));
            }
            reply
        }
        Refusal::Challenge(error) => userinfo::challenge(exchange, &error),
    });
    answer::complete(exchange, &mut reply, left);
    cors::allow(exchange, &mut reply);
    exchange.finish();
    reply
}

/// What administers the org: no name of somebody else's that resolves to this machine may reach it (DNS rebinding).
fn is_management(path: &str) -> bool {
    path.starts_with("/api/v1/") || path.starts_with("/oauth2/v1/clients")
}

fn is_for_us(exchange: &Exchange) -> bool {
    let host = exchange.header(header::HOST);
    host.is_none_or(|host| exchange.idp.is_own_host(host))
}
