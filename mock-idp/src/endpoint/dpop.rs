//! Sender-constrained tokens (RFC 9449): proofs at the token endpoint, with a nonce, and at userinfo.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Map, Value};

use crate::{
    exchange::Exchange,
    okta::error::*,
    protocol::{
        jws::{self, JwsError},
        keys::digest43,
    },
};

/// How old a proof may be, seconds.
const OLDEST: i64 = 300;
/// How long one nonce is handed out, seconds.
const NONCE_LIFETIME: i64 = 24 * 3600;

/// The thumbprint of the key that proved itself; `None` if there is no proof.
///
/// `token` is the access token that the proof must be made for (`ath`); at the token endpoint there is none, and a nonce is
/// required.
pub(crate) fn thumbprint(exchange: &Exchange, token: Option<&str>) -> Result<Option<String>, OAuthError> {
    let mut proofs = exchange.headers.get_all("dpop").iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    if proofs.next().is_some() {
        return Err(DPOP_SEVERAL);
    }
    let proof = proof.to_str().map_err(|_| DPOP_UNREADABLE)?;
    let header = jws::read_header(proof).map_err(why)?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(DPOP_TYP);
    }
    let jwk = header.jwk.as_ref().and_then(|jwk| serde_json::to_value(jwk).ok());
    let jwk = jwk.ok_or(DPOP_INVALID)?;
    let claims = jws::verify_with(proof, &jwk).map_err(why)?.claims;
    judge(exchange, &claims, token)?;
    Ok(Some(thumbprint_of(&jwk)))
}

/// The nonce that proofs must carry now.
pub(crate) fn nonce(exchange: &Exchange) -> String {
    let period = exchange.idp.clock.now().div_euclid(NONCE_LIFETIME);
    digest43(&format!("mock-idp dpop nonce {} {period}", exchange.idp.org))
}

fn why(error: JwsError) -> OAuthError {
    match error {
        JwsError::Unreadable => DPOP_UNREADABLE,
        JwsError::Algorithm => DPOP_ALGORITHM,
        _ => DPOP_SIGNATURE,
    }
}

fn judge(exchange: &Exchange, claims: &Map<String, Value>, token: Option<&str>) -> Result<(), OAuthError> {
    let now = exchange.idp.clock.now();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(exchange.method.as_str()) {
        return Err(DPOP_HTM);
    }
    let htu = text("htu").and_then(|htu| htu.split(['?', '#']).next());
    if htu != Some(&exchange.url()) {
        return Err(DPOP_HTU);
    }
    let iat = claims.get("iat").and_then(Value::as_i64).ok_or(DPOP_IAT)?;
    if iat > now + OLDEST {
        return Err(DPOP_FUTURE);
    }
    if iat < now - OLDEST {
        return Err(DPOP_OLD);
    }
    if claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp <= now) {
        return Err(DPOP_EXPIRED);
    }
    let jti = text("jti").filter(|jti| !jti.is_empty()).ok_or(DPOP_JTI)?;
    match token {
        None if text("nonce") != Some(&nonce(exchange)) => return Err(DPOP_NONCE),
        Some(token) if text("ath") != Some(&digest43(token)) => return Err(DPOP_ATH),
        _ => {}
    }
    if !exchange.idp.store.use_once(format!("dpop {jti}")) {
        return Err(DPOP_REPLAYED);
    }
    Ok(())
}

/// RFC 7638: the required members in lexical order.
fn thumbprint_of(jwk: &Value) -> String {
    let names: &[&str] = match jwk.get("kty").and_then(Value::as_str) {
        Some("EC") => &["crv", "kty", "x", "y"],
        _ => &["e", "kty", "n"],
    };
    let members: Map<String, Value> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone())))
        .collect();
    let text = Value::Object(members).to_string();
    B64.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}
