//! Verifies what clients sign: assertions, request objects, proofs (RFC 7515 §5.2). The claims are for the caller to judge.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, jwk::Jwk};
use serde_json::{Map, Value};

/// The shortest client secret that may key an HMAC, in characters (RFC 7518 §3.2).
const SHORTEST_SECRET: usize = 32;

/// With what a signature may verify.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// For HS256, HS384, HS512.
    pub secret: Option<&'a str>,
    /// For RS*, ES*: public JWKs.
    pub jwks: &'a [Value],
}

/// A token whose signature holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Its header.
    pub header: Header,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// It is no JWS of a JSON object.
    Unreadable,
    /// An algorithm that is not accepted here, `none` among them.
    Algorithm,
    /// There are no public keys although the algorithm needs some.
    NoKeys,
    /// None of the keys has this `kid`.
    UnknownKey,
    /// The secret is too short for an HMAC.
    SecretTooShort,
    /// There is no secret although the algorithm needs one.
    NoSecret,
    /// The signature is wrong.
    Signature,
}

/// Verifies a compact JWS signed by a client.
///
/// # Errors
/// See [`JwsError`].
pub fn verify(token: &str, keys: Keys<'_>) -> Result<Verified, JwsError> {
    let header = read_header(token)?;
    match header.alg {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            let secret = keys.secret.ok_or(JwsError::NoSecret)?;
            if secret.len() < SHORTEST_SECRET {
                return Err(JwsError::SecretTooShort);
            }
            let key = DecodingKey::from_secret(secret.as_bytes()).map_err(|_| JwsError::Signature)?;
            with_key(token, header, &key)
        }
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::ES256 | Algorithm::ES384 => {
            if keys.jwks.is_empty() {
                return Err(JwsError::NoKeys);
            }
            let fits = |jwk: &&Value| match &header.kid {
                Some(kid) => jwk.get("kid").and_then(Value::as_str) == Some(kid),
                None => true,
            };
            let mut candidates = keys.jwks.iter().filter(fits).peekable();
            if candidates.peek().is_none() {
                return Err(JwsError::UnknownKey);
            }
            candidates
                .find_map(|jwk| with_jwk(token, header.clone(), jwk).ok())
                .ok_or(JwsError::Signature)
        }
        _ => Err(JwsError::Algorithm),
    }
}

/// Verifies a compact JWS by this public JWK alone, whatever its `kid`.
///
/// # Errors
/// See [`JwsError`].
pub fn verify_with(token: &str, jwk: &Value) -> Result<Verified, JwsError> {
    with_jwk(token, read_header(token)?, jwk)
}

/// The header alone; the algorithm is one that jsonwebtoken knows.
///
/// # Errors
/// [`JwsError::Algorithm`] for `none` and unknown algorithms, [`JwsError::Unreadable`] for what is no JWS.
pub fn read_header(token: &str) -> Result<Header, JwsError> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let unreadable = JwsError::Unreadable;
    if token.split('.').count() != 3 {
        return Err(unreadable);
    }
    let first = token.split('.').next().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(first).map_err(|_| unreadable)?;
    let raw: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| unreadable)?;
    let alg = raw.get("alg").and_then(Value::as_str).ok_or(unreadable)?;
    alg.parse::<Algorithm>().map_err(|_| JwsError::Algorithm)?;
    jsonwebtoken::decode_header(token).map_err(|_| unreadable)
}

fn with_jwk(token: &str, header: Header, jwk: &Value) -> Result<Verified, JwsError> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| JwsError::Signature)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| JwsError::Signature)?;
    with_key(token, header, &key)
}

fn with_key(token: &str, header: Header, key: &DecodingKey) -> Result<Verified, JwsError> {
    let mut rules = Validation::new(header.alg);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, key, &rules);
    match decoded {
        Ok(data) => Ok(Verified {
            header,
            claims: data.claims,
        }),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_)
            | jsonwebtoken::errors::ErrorKind::Base64(_)
            | jsonwebtoken::errors::ErrorKind::Utf8(_) => JwsError::Unreadable,
            _ => JwsError::Signature,
        }),
    }
}
