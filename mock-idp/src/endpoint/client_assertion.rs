//! Client authentication by a signed JWT: client_secret_jwt and private_key_jwt (RFC 7523 §2.2), with replay protection.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    endpoint::{
        answer::Refusal,
        client_auth::{objection, refusal},
    },
    exchange::Exchange,
    okta::error::*,
    protocol::{
        jws::{self, JwsError, Keys},
        params::Params,
    },
    tenant::{AuthMethod, Client},
};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead an assertion may expire, seconds.
const LONGEST: i64 = 3600;

/// The client that the assertion proves.
pub(crate) fn authenticate(exchange: &mut Exchange, params: &Params) -> Result<Arc<Client>, Refusal> {
    if params.filled("client_assertion_type") != Some(TYPE) {
        return Err(refusal(exchange, &ASSERTION_TYPE));
    }
    let text = params.filled("client_assertion").unwrap_or_default();
    let unverified = match unverified_claims(text) {
        Some(claims) => claims,
        None => return Err(refusal(exchange, &ASSERTION_UNREADABLE)),
    };
    let claimed = |name: &str| unverified.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(client) = exchange.idp.client(claimed("iss")) else {
        return Err(refusal(exchange, &ASSERTION_ISSUER));
    };
    if claimed("sub") != client.id {
        return Err(refusal(exchange, &ASSERTION_SUBJECT));
    }
    if params.filled("client_id").is_some_and(|id| id != client.id) {
        return Err(refusal(exchange, &CLIENT_AUTH_FAILED));
    }
    let keys = match client.auth_method {
        AuthMethod::PrivateKeyJwt => Keys {
            secret: None,
            jwks: &client.jwks,
        },
        AuthMethod::ClientSecretJwt => Keys {
            secret: client.secret.as_deref(),
            jwks: &[],
        },
        _ => return Err(refusal(exchange, &CLIENT_AUTH_FAILED)),
    };
    let verified = match jws::verify(text, keys) {
        Ok(verified) => verified,
        Err(error) => return Err(refusal(exchange, why(error, client.auth_method))),
    };
    judge(exchange, &client, &verified.claims)?;
    Ok(client)
}

fn why(error: JwsError, method: AuthMethod) -> &'static OAuthError {
    match (error, method) {
        (JwsError::Unreadable, _) => &ASSERTION_UNREADABLE,
        (JwsError::NoKeys, AuthMethod::PrivateKeyJwt) => &ASSERTION_NO_KEYS,
        (JwsError::UnknownKey, _) => &ASSERTION_KID,
        (JwsError::SecretTooShort, _) => &ASSERTION_SECRET_SHORT,
        (JwsError::Signature, _) => &ASSERTION_SIGNATURE,
        (JwsError::Algorithm | JwsError::NoKeys | JwsError::NoSecret, _) => &ASSERTION_ALGORITHM,
    }
}

/// What the signed claims must say. In a watched flow a claim that is wrong is recorded only: whoever watches judges it.
fn judge(exchange: &mut Exchange, client: &Client, claims: &Map<String, Value>) -> Result<(), Refusal> {
    let now = exchange.idp.clock.now();
    let endpoint = exchange.url();
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == endpoint,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| *audience == endpoint),
        _ => false,
    };
    let error = match number("exp") {
        _ if !for_us => Some(&ASSERTION_AUDIENCE),
        None => Some(&ASSERTION_NO_EXP),
        Some(exp) if exp <= now => Some(&ASSERTION_EXPIRED),
        Some(exp) if exp > now + LONGEST => Some(&ASSERTION_EXP_FAR),
        Some(_) if number("iat").is_some_and(|iat| iat > now + 5) => Some(&ASSERTION_FUTURE),
        Some(_) => None,
    };
    if let Some(error) = error {
        objection(exchange, error)?;
    }
    if let Some(jti) = claims.get("jti").and_then(Value::as_str) {
        let key = format!("assertion {} {jti}", client.id);
        if !exchange.idp.store.use_once(key) {
            objection(exchange, &ASSERTION_REPLAYED)?;
        }
    }
    Ok(())
}

fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
