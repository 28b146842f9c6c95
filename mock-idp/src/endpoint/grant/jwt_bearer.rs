//! A JWT that the client signed for a user, for tokens (RFC 7523 §2.1).

use serde_json::Value;

use super::{direct_grant, id_jag, issue_directly, required};
use crate::{
    endpoint::{
        answer::Answered,
        client_auth::refusal,
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    okta::error::*,
    protocol::jws::{self, Keys},
    tenant::Subject,
};

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let assertion = required(exchange, request, "assertion")?;
    if id_jag::is_one(&assertion) {
        return id_jag::redeem(exchange, request, &assertion);
    }
    let client = &request.client;
    let keys = Keys {
        secret: client.secret.as_deref(),
        jwks: &client.jwks,
    };
    let Ok(verified) = jws::verify(&assertion, keys) else {
        return Err(refusal(exchange, &BEARER_INVALID));
    };
    let claims = verified.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("aud") != request.server.issuer {
        return Err(refusal(exchange, &BEARER_AUDIENCE));
    }
    if text("iss") != client.id {
        return Err(refusal(exchange, &BEARER_ISSUER));
    }
    let now = exchange.idp.clock.now();
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now) {
        return Err(refusal(exchange, &BEARER_INVALID));
    }
    let jti = text("jti");
    if !jti.is_empty() && !exchange.idp.store.use_once(format!("bearer {} {jti}", client.id)) {
        return Err(refusal(exchange, &BEARER_REPLAYED));
    }
    let Some(user) = exchange.idp.tenant().user(text("sub")).cloned() else {
        return Err(refusal(exchange, &BEARER_INVALID));
    };
    let scopes = token::scopes(exchange, request)?;
    let subject = std::sync::Arc::new(Subject::of(&user));
    let grant = direct_grant(exchange, request, None, subject, &[], &scopes);
    issue_directly(exchange, request, &grant, "urn:ietf:params:oauth:grant-type:jwt-bearer")
}
