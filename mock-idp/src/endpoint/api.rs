//! What endpoints for holders of an API token share: the token, JSON bodies.

use axum::http::header;
use serde_json::{Map, Value};

use crate::{
    endpoint::answer::Refusal,
    exchange::Exchange,
    protocol::error::{API_BODY_MALFORMED, API_TOKEN_INVALID},
};

/// `Authorization: SSWS {token}` with one of the org's API tokens.
pub(crate) fn require_token(exchange: &Exchange) -> Result<(), Refusal> {
    let given = exchange
        .header(header::AUTHORIZATION)
        .and_then(|value| value.strip_prefix("SSWS "));
    let tenant = exchange.idp.tenant();
    match given {
        Some(token) if tenant.api_tokens.iter().any(|known| known == token.trim()) => Ok(()),
        _ => Err(API_TOKEN_INVALID.into()),
    }
}

/// The body as a JSON object.
pub(crate) fn object(exchange: &Exchange) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&exchange.body).map_err(|_| API_BODY_MALFORMED.into())
}
