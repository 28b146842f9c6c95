//! Step 5a: what every token of this authorization server must be like before a word in it is believed: ID tokens,
//! access tokens and logout tokens (RFC 7515, RFC 7519, RFC 8725).

use std::{collections::HashSet, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, errors::ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{RelyingParty, fetch::FetchError, metadata::Metadata};

/// The only algorithm that is registered for this client. What a token's header or the metadata say changes nothing
/// (RFC 8725 §3.1).
pub const ALGORITHM: Algorithm = Algorithm::RS256;
/// How far the clocks may differ, in seconds; Okta's own verifiers allow as much.
pub const LEEWAY: i64 = 120;
/// How old a token may be when it arrives, in seconds.
const MAX_AGE: f64 = 3600.0;
/// A token with three hundred groups has some 32 KB.
const MAX_LENGTH: usize = 128 * 1024;

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is no JSON Web Token in compact serialisation")]
    Malformed,
    #[error("its algorithm is not RS256")]
    Algorithm,
    #[error("it has critical header parameters, and none is understood here")]
    Critical,
    #[error("its header says that it is another kind of token")]
    Kind,
    #[error("the keys cannot be had: {0}")]
    Keys(FetchError),
    #[error("no published key has its key id")]
    UnknownKey,
    #[error("it names no key although several are published")]
    NoKeyId,
    #[error("its signature is by none of the published keys")]
    Signature,
    #[error("its claims are no JSON object of the expected shape, with each name once")]
    Claims,
    #[error("it has no usable `{0}`")]
    Missing(&'static str),
    #[error("its issuer is another")]
    Issuer,
    #[error("its audience is another")]
    Audience,
    #[error("it is for others as well")]
    ExtraAudience,
    #[error("it was issued to another party")]
    AuthorizedParty,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it was issued in the future")]
    IssuedInFuture,
    #[error("it was issued long ago")]
    IssuedLongAgo,
    #[error("its nonce is not the one that was sent")]
    Nonce,
    #[error("it was issued with another access token")]
    AccessTokenHash,
    #[error("it was issued to another client")]
    Client,
    #[error("it is no logout token")]
    NoLogout,
    #[error("it was used before")]
    Replayed,
}

/// Verified claims, in the token's order.
pub type ClaimMap = Map<String, Value>;

/// What a kind of token must have.
pub struct Expected<'a> {
    /// `typ` values that are accepted, in lower case; a token without `typ` is always accepted, since Okta sends none.
    pub kinds: &'a [&'a str],
    /// The value that `aud` must hold.
    pub audience: &'a str,
    /// Claims that must be there, of those that jsonwebtoken knows: `exp`, `iss`, `aud`, `sub`, `nbf`. It checks `iss` and
    /// `aud` only when they are present, so that a token that leaves them out passes unless they are named here.
    pub required: &'a [&'static str],
}

impl RelyingParty {
    /// Verifies signature, issuer, audience and times, and returns the claims.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(super) async fn verify_token(
        &self,
        metadata: &Metadata,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<ClaimMap, TokenError> {
        let header = read_header(token)?;
        let kind = match header.get("typ") {
            None => None,
            Some(Value::String(kind)) => Some(kind.to_ascii_lowercase()),
            Some(_) => return Err(TokenError::Kind),
        };
        if kind.is_some_and(|kind| !expected.kinds.contains(&kind.as_str())) {
            return Err(TokenError::Kind);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str()),
            Some(_) => return Err(TokenError::Malformed),
        };
        // Keys come from the published set and from nowhere else: `jwk`, `jku`, `x5u` and `x5c` are not even read.
        let candidates = self.keys_for(metadata, key_id).await?;

        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = LEEWAY.unsigned_abs();
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[expected.audience]);
        validation.set_required_spec_claims(expected.required);
        let mut outcome = Err(TokenError::Signature);
        for key in &candidates {
            outcome = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|error| explain(error.kind()));
            if !matches!(outcome, Err(TokenError::Signature)) {
                break;
            }
        }
        let Claims(claims) = outcome?.claims;
        // jsonwebtoken also takes an array that holds the issuer. An issuer is one string (RFC 7519 §4.1.1).
        if claims.get("iss").and_then(Value::as_str) != Some(&self.config.issuer) {
            return Err(TokenError::Issuer);
        }
        Ok(claims)
    }
}

/// The JOSE header of a token of three segments, with the checks that come before any key is looked up.
fn read_header(token: &str) -> Result<Map<String, Value>, TokenError> {
    if token.len() > MAX_LENGTH || token.split('.').count() != 3 {
        return Err(TokenError::Malformed);
    }
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    let Claims(header) = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(TokenError::Algorithm);
    }
    // RFC 7515 §4.1.11. jsonwebtoken parses `crit` and leaves the decision to its caller.
    if header.contains_key("crit") {
        return Err(TokenError::Critical);
    }
    Ok(header)
}

fn explain(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::MissingAlgorithm => {
            TokenError::Algorithm
        }
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYetValid,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::MissingRequiredClaim(name) | ErrorKind::InvalidClaimFormat(name) => {
            TokenError::Missing(claim_name(name))
        }
        ErrorKind::Json(_) => TokenError::Claims,
        _ => TokenError::Malformed,
    }
}

fn claim_name(name: &str) -> &'static str {
    ["exp", "iss", "aud", "sub", "nbf"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("claim")
}

/// A claim that is a finite number of seconds; fractions and exponents are allowed (RFC 7519 §2, NumericDate).
pub(super) fn seconds(claims: &ClaimMap, name: &'static str) -> Result<f64, TokenError> {
    claims
        .get(name)
        .and_then(Value::as_f64)
        .ok_or(TokenError::Missing(name))
}

/// `iat` within reason: not from the future, and not older than an hour, whatever `exp` says. A code is redeemed and a
/// logout token sent within seconds; an older token was kept by somebody.
pub(super) fn verify_issued_at(claims: &ClaimMap, now: i64) -> Result<(), TokenError> {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 need 31 bits")]
    let (now, leeway) = (now as f64, LEEWAY as f64);
    let issued = seconds(claims, "iat")?;
    if issued > now + leeway {
        return Err(TokenError::IssuedInFuture);
    }
    if issued < now - MAX_AGE {
        return Err(TokenError::IssuedLongAgo);
    }
    Ok(())
}

/// A JSON object in which every name is there once (RFC 7519 §4). Of two subjects one is a lie, and parsers differ in
/// which one they believe.
#[derive(Debug, PartialEq)]
struct Claims(ClaimMap);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Claims;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Claims, A::Error> {
                let mut names = HashSet::new();
                let mut claims = Map::new();
                while let Some((name, value)) = object.next_entry::<String, Value>()? {
                    if !names.insert(name.clone()) {
                        return Err(de::Error::custom("a member comes twice"));
                    }
                    claims.insert(name, value);
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
