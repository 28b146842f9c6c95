//! Request objects (OIDC Core §6, RFC 9101): an authorization request that the client signed.

use serde_json::Value;

use crate::{
    exchange::Exchange,
    idp::Server,
    okta::error::*,
    protocol::{
        jws::{self, JwsError, Keys},
        params::Params,
    },
};

/// How far ahead a request object may expire, seconds.
const LONGEST: i64 = 3600;
/// Claims about the object itself.
const ABOUT: &[&str] = &["iss", "aud", "exp", "iat", "nbf", "jti"];

/// The parameters with those of the object put in; where both have one, the object's wins.
pub(crate) fn unwrap(
    exchange: &Exchange,
    server: &Server,
    params: &Params,
    object: &str,
) -> Result<Params, OAuthError> {
    let id = params.filled("client_id").unwrap_or_default();
    let client = exchange.idp.client(id).ok_or(CLIENT_UNKNOWN)?;
    let keys = Keys {
        secret: client.secret.as_deref(),
        jwks: &client.jwks,
    };
    let claims = jws::verify(object, keys).map_err(why)?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = exchange.idp.clock.now();
    if text("iss") != client.id {
        return Err(OBJECT_ISSUER);
    }
    if text("aud") != server.issuer {
        return Err(OBJECT_AUDIENCE);
    }
    if number("exp").is_some_and(|exp| exp <= now) {
        return Err(OBJECT_EXPIRED);
    }
    if number("exp").is_some_and(|exp| exp > now + LONGEST) {
        return Err(OBJECT_EXP_FAR);
    }
    if number("iat").is_some_and(|iat| iat > now + 60) || number("nbf").is_some_and(|nbf| nbf > now + 60) {
        return Err(OBJECT_FUTURE);
    }
    let jti = text("jti");
    if !jti.is_empty() && !exchange.idp.store.use_once(format!("request {} {jti}", client.id)) {
        return Err(OBJECT_REPLAYED);
    }
    let mut merged = params.clone();
    merged.0.retain(|(name, _)| name != "request");
    for (name, value) in &claims {
        if ABOUT.contains(&name.as_str()) {
            continue;
        }
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        merged.0.retain(|(given, _)| given != name);
        merged.0.push((name.clone(), value));
    }
    Ok(merged)
}

fn why(error: JwsError) -> OAuthError {
    match error {
        JwsError::Unreadable => OBJECT_UNREADABLE,
        JwsError::Algorithm | JwsError::NoSecret => OBJECT_ALGORITHM,
        JwsError::NoKeys => OBJECT_NO_KEYS,
        JwsError::UnknownKey => OBJECT_KID,
        JwsError::SecretTooShort => OBJECT_SECRET_SHORT,
        JwsError::Signature => OBJECT_SIGNATURE,
    }
}
