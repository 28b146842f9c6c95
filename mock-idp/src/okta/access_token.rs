//! The claims of an access token, in the order in which Okta writes them.

use serde_json::{Map, Value, json};

use crate::{protocol::random, tenant::Subject};

/// What an access token says.
#[derive(Clone, Debug)]
pub struct AccessToken<'a> {
    /// Whose authorization it carries; `None` for client_credentials.
    pub subject: Option<&'a Subject>,
    /// `iss`; the org server's is its `aud` too.
    pub issuer: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// `cid`.
    pub client_id: &'a str,
    /// `iat`, seconds since 1970.
    pub now: i64,
    /// `exp` less `iat`, seconds.
    pub lifetime: i64,
    /// `scp`.
    pub scopes: &'a [String],
    /// `auth_time`, for users.
    pub auth_time: Option<i64>,
    /// `acr`, if `acr_values` was sent.
    pub acr: Option<&'a str>,
    /// Whether this is the org authorization server, whose order differs.
    pub org: bool,
    /// Custom claims, appended.
    pub custom: Map<String, Value>,
}

impl AccessToken<'_> {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let offline = self.scopes.iter().any(|scope| scope == "offline_access");
        let suffix = if offline {
            format!(".oar{}", random::alphanumeric(17))
        } else {
            String::new()
        };
        let sub = self.subject.map_or(self.client_id, |subject| &subject.persona.login);
        let uid = self.subject.map(|subject| &subject.persona.sub);
        let mut claims = Map::with_capacity(12);
        let mut put = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        put("ver", json!(1));
        put("jti", json!(format!("AT.{}{suffix}", random::token43())));
        put("iss", json!(self.issuer));
        put("aud", json!(self.audience));
        if self.org {
            put("sub", json!(sub));
        }
        put("iat", json!(self.now));
        put("exp", json!(self.now + self.lifetime));
        if let Some(acr) = self.acr {
            put("acr", json!(acr));
        }
        put("cid", json!(self.client_id));
        if let Some(uid) = uid {
            put("uid", json!(uid));
        }
        put("scp", json!(self.scopes));
        if let Some(auth_time) = self.auth_time {
            put("auth_time", json!(auth_time));
        }
        if !self.org {
            put("sub", json!(sub));
        }
        claims.extend(self.custom.clone());
        claims
    }
}
