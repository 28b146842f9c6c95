//! What depends on the request in an answer: the org's settings, the stamp of the lax mode, limits. The classes of answers and
//! their header sets are Okta's, in [`crate::okta::answer`].

use axum::http::header;
use serde_json::json;

use crate::{
    exchange::Exchange,
    flow::record::Endpoint,
    flow::windows::Left,
    okta::error::OAuthError,
    protocol::{draft::Reply, random},
};
pub(crate) use crate::{
    exchange::{Answered, Refusal},
    okta::answer::{api_error, cacheable, clear_cookies, empty, json, page, page_with_script, put, redirect},
};

/// What every answer of this org has: the stamp of the lax mode, and what is left of a limit.
pub(crate) fn complete(exchange: &Exchange, reply: &mut Reply, left: Option<Left>) {
    if exchange.endpoint == Endpoint::SecondOrigin {
        return;
    }
    if exchange.idp.lax {
        put(reply, "x-mock-idp-lax", "what Okta would refuse is accepted here");
    }
    if exchange.idp.is_https() {
        put(
            reply,
            "strict-transport-security",
            "max-age=315360000; includeSubDomains",
        );
    }
    let is_stateless = matches!(
        exchange.endpoint,
        Endpoint::Token | Endpoint::Introspect | Endpoint::Par | Endpoint::Device
    );
    if is_stateless && exchange.header(header::COOKIE).is_none_or(str::is_empty) {
        clear_cookies(reply, &["sid", "xids"]);
        let session = random::hex(32).to_uppercase();
        let attributes = if exchange.idp.is_https() { "; Secure" } else { "" };
        put(
            reply,
            "set-cookie",
            format!("JSESSIONID={session}; Path=/{attributes}; HttpOnly"),
        );
    }
    let Some(left) = left else { return };
    reply.headers.retain(|(name, _)| !name.starts_with("x-rate-limit-"));
    put(reply, "x-rate-limit-limit", left.limit.to_string());
    put(reply, "x-rate-limit-remaining", left.remaining.to_string());
    put(reply, "x-rate-limit-reset", left.reset.to_string());
}

/// An OAuth error answered directly.
pub(crate) fn oauth_error(exchange: &Exchange, error: &OAuthError) -> Reply {
    let mut reply = json(
        error.status,
        json!({"error": error.error, "error_description": error.text}),
    );
    let is_challenged = error.status == 401 && error.error == "invalid_client";
    if is_challenged && exchange.idp.tenant().unverified.www_authenticate {
        // Its value was never seen; a Basic challenge is what RFC 6749 §5.2 asks for.
        put(&mut reply, "www-authenticate", "Basic realm=\"okta\"");
    }
    reply
}
