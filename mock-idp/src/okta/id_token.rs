//! The claims of an ID token, in the order in which Okta writes them.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Map, Value, json};

use super::userinfo;
use crate::{protocol::random, tenant::Subject};

/// What an ID token says.
#[derive(Clone, Debug)]
pub struct IdToken<'a> {
    /// Who signed in.
    pub subject: &'a Subject,
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub client_id: &'a str,
    /// `iat`, seconds since 1970.
    pub now: i64,
    /// `exp` less `iat`, seconds.
    pub lifetime: i64,
    /// `auth_time`; unchanged on single sign-on and refresh.
    pub auth_time: i64,
    /// `amr`.
    pub amr: &'a [String],
    /// `acr`, if `acr_values` was sent.
    pub acr: Option<&'a str>,
    /// `idp`: the org's `00o…` id for local users.
    pub idp: &'a str,
    /// `nonce`, if it was sent; never on refresh.
    pub nonce: Option<&'a str>,
    /// Granted scopes.
    pub scopes: &'a [String],
    /// The access token next to it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The code next to it, for `c_hash`.
    pub code: Option<&'a str>,
    /// The session id, for clients that have a logout URI.
    pub sid: Option<&'a str>,
    /// Whether all claims of the granted scopes are in ("fat"), or only `name`, `email` and `preferred_username`.
    pub fat: bool,
    /// Custom claims, appended.
    pub custom: Map<String, Value>,
}

impl IdToken<'_> {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let user = &self.subject.persona;
        let has = |scope: &str| self.scopes.iter().any(|granted| granted == scope);
        let mut claims = Map::with_capacity(16);
        let mut put = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        put("sub", json!(user.sub));
        if has("profile") {
            put("name", json!(user.id_token_name));
        }
        if has("email") && !user.email.is_empty() {
            put("email", json!(user.email));
        }
        put("ver", json!(1));
        put("iss", json!(self.issuer));
        put("aud", json!(self.client_id));
        put("iat", json!(self.now));
        put("exp", json!(self.now + self.lifetime));
        put("jti", json!(format!("ID.{}", random::token43())));
        put("amr", json!(self.amr));
        if let Some(acr) = self.acr {
            put("acr", json!(acr));
        }
        put("idp", json!(self.idp));
        if let Some(nonce) = self.nonce {
            put("nonce", json!(nonce));
        }
        if has("profile") {
            put("preferred_username", json!(user.login));
        }
        put("auth_time", json!(self.auth_time));
        if let Some(token) = self.access_token {
            put("at_hash", json!(left_half(token)));
        }
        if let Some(code) = self.code {
            put("c_hash", json!(left_half(code)));
        }
        if let Some(sid) = self.sid {
            put("sid", json!(sid));
        }
        if self.fat {
            for (name, value) in userinfo::scope_claims(self.subject, self.scopes) {
                claims.entry(name).or_insert(value);
            }
        }
        claims.extend(self.custom.clone());
        userinfo::replace(&mut claims, &user.claims);
        claims
    }
}

/// The left half of the SHA-256 of a token, base64url (OIDC Core §3.1.3.6).
#[must_use]
pub fn left_half(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    B64.encode(&hash.as_ref()[..16])
}
