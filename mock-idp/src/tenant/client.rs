//! Registered applications.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{FOUNDED, GroupFilter, Subject, same_login};
use crate::protocol::keys::digest43;

/// A registered application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`; a public client has none.
    pub secret: Option<String>,
    /// Shown on the consent page.
    pub name: String,
    /// Login redirect URIs, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Logout redirect URIs, compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are posted (OIDC Back-Channel Logout 1.0; a setting, as Okta has none).
    pub backchannel_logout_uri: Option<String>,
    /// Loaded in a frame at sign-out (OIDC Front-Channel Logout 1.0).
    pub frontchannel_logout_uri: Option<String>,
    /// How it proves itself.
    pub auth_method: AuthMethod,
    /// Grants that it may use, as `grant_type` values.
    pub grant_types: Vec<String>,
    /// Whether PKCE is required although the client has a secret.
    pub pkce_required: bool,
    /// What kind of application it is.
    pub application_type: ApplicationType,
    /// What happens to a refresh token when it is used.
    pub rotation: Rotation,
    /// Whether users are asked to consent.
    pub consent: ConsentMethod,
    /// Who may sign in: logins or ids, and groups as `group:NAME`; `None` for everybody.
    pub assigned: Option<Vec<String>>,
    /// Public keys, as JWKs, for private_key_jwt and request objects.
    pub jwks: Vec<Value>,
    /// The name and filter of the `groups` claim that the org server puts in.
    pub groups_claim: Option<(String, GroupFilter)>,
    /// Whether access tokens must be bound by DPoP.
    pub dpop_bound: bool,
    /// Whether it may use no authorization server but the org's.
    #[serde(default)]
    pub org_server_only: bool,
    /// Whether `iss` and `sid` go along to the front-channel logout URI.
    pub frontchannel_logout_session_required: bool,
    /// Where Universal Logout posts (global token revocation).
    pub global_token_revocation_uri: Option<String>,
    /// How long a rotated refresh token still works, seconds, 0 to 60.
    pub leeway: i64,
    /// Whether a `*` may stand in the lowest label of a https redirect URI (`wildcard_redirect`: `SUBDOMAIN`).
    pub wildcard_redirect: bool,
    /// Whether a `*` may stand for the port of a redirect URI. Okta has no such thing.
    #[serde(default)]
    pub wildcard_ports: bool,
    /// Whether the application is active; an inactive one is unknown to every endpoint.
    pub active: bool,
    /// When it was created and last changed, seconds since 1970.
    pub times: (i64, i64),
    /// Settings that nothing here depends on, by their names in the management API.
    pub settings: Map<String, Value>,
}

/// Whether users are asked to consent (`consent_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsentMethod {
    /// Never, unless the request prompts for it.
    #[default]
    Trusted,
    /// Once for each scope that wants it.
    Required,
}

/// How a client proves itself (`token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// With a secret, in the header or in the body: Okta takes both for either setting.
    #[default]
    ClientSecretBasic,
    /// As [`AuthMethod::ClientSecretBasic`].
    ClientSecretPost,
    /// With a JWT signed by the secret.
    ClientSecretJwt,
    /// With a JWT signed by a registered key.
    PrivateKeyJwt,
    /// Not at all: a public client.
    None,
}

/// What kind of application a client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// A server-side web application.
    #[default]
    Web,
    /// A single-page application.
    Browser,
    /// A native application.
    Native,
    /// A service without users.
    Service,
}

/// What happens to a refresh token when it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It stays.
    #[default]
    Static,
    /// It is replaced; the previous one works for 30 seconds more.
    Rotate,
}

impl Client {
    /// A confidential web application with a secret derived from its id (stable, so that it can be written into
    /// configuration files) and the authorization_code and refresh_token grants.
    #[must_use]
    pub fn web(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: Some(digest43(&format!("mock-idp secret of {id}"))),
            name: "My Web App".to_owned(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            frontchannel_logout_uri: None,
            auth_method: AuthMethod::ClientSecretBasic,
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            pkce_required: false,
            application_type: ApplicationType::Web,
            rotation: Rotation::Static,
            consent: ConsentMethod::Trusted,
            assigned: None,
            jwks: Vec::new(),
            groups_claim: None,
            dpop_bound: false,
            org_server_only: false,
            frontchannel_logout_session_required: false,
            global_token_revocation_uri: None,
            leeway: 30,
            wildcard_redirect: false,
            wildcard_ports: false,
            active: true,
            times: (FOUNDED, FOUNDED),
            settings: Map::new(),
        }
    }

    /// A public single-page application: no secret, PKCE required, rotating refresh tokens.
    #[must_use]
    pub fn browser(id: &str) -> Self {
        Self {
            secret: None,
            name: "My SPA".to_owned(),
            auth_method: AuthMethod::None,
            pkce_required: true,
            application_type: ApplicationType::Browser,
            rotation: Rotation::Rotate,
            ..Self::web(id)
        }
    }

    /// With this secret.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// With this login redirect URI beside those it has.
    #[must_use]
    pub fn redirect(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// With this logout redirect URI beside those it has.
    #[must_use]
    pub fn post_logout(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uris.push(uri.to_owned());
        self
    }

    /// Whether tokens for this client carry a session id: it has somewhere to be told that the session ended.
    #[must_use]
    pub fn wants_sid(&self) -> bool {
        self.backchannel_logout_uri.is_some() || self.frontchannel_logout_uri.is_some()
    }

    /// Whether one of its redirect URIs has this origin.
    #[must_use]
    pub fn has_origin(&self, origin: &str) -> bool {
        let origin_of = |uri: &String| Url::parse(uri).ok().map(|url| url.origin().ascii_serialization());
        self.redirect_uris
            .iter()
            .filter_map(origin_of)
            .any(|known| known == origin)
    }

    /// Whether this is one of its login redirect URIs: exactly, or by a wildcard where that is switched on.
    #[must_use]
    pub fn has_redirect(&self, uri: &str) -> bool {
        let fits = |known: &String| {
            known == uri
                || (self.wildcard_redirect && fits_wildcard(known, uri))
                || (self.wildcard_ports && fits_wildcard_port(known, uri))
        };
        self.redirect_uris.iter().any(fits)
    }

    /// Whether this is one of its redirect URIs on this machine, but for the port (RFC 8252 §7.3 asks that of servers; Okta
    /// does not).
    #[must_use]
    pub fn has_redirect_on_another_port(&self, uri: &str) -> bool {
        let without_port = |text: &str| {
            let mut url = Url::parse(text).ok()?;
            let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            url.set_port(None).ok().filter(|()| is_loopback)?;
            Some(url)
        };
        let wanted = without_port(uri);
        wanted.is_some() && self.redirect_uris.iter().any(|known| without_port(known) == wanted)
    }

    /// Whether this user may use the application.
    #[must_use]
    pub fn is_assigned(&self, subject: &Subject) -> bool {
        let Some(assigned) = &self.assigned else { return true };
        assigned.iter().any(|entry| match entry.strip_prefix("group:") {
            Some(group) => subject.groups.iter().any(|known| known == group),
            None => *entry == subject.persona.sub || same_login(entry, &subject.persona.login),
        })
    }

    /// Whether a redirect URI points to the host of a registered one: near enough for a flow that only watches.
    #[must_use]
    pub fn knows_host_of(&self, uri: &str) -> bool {
        let host = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        host(uri).is_some_and(|wanted| {
            self.redirect_uris
                .iter()
                .any(|known| host(known).as_deref() == Some(wanted.as_str()))
        })
    }
}

/// `http://localhost:*/callback`: any port, and a port only.
fn fits_wildcard_port(known: &str, uri: &str) -> bool {
    let Some((before, after)) = known.split_once(":*/") else {
        return false;
    };
    let rest = uri.strip_prefix(before).and_then(|rest| rest.strip_prefix(':'));
    let parts = rest.and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(port, path)| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok() && path == after
    })
}

/// `https://*.example.test/cb` and `https://app-*.example.test/cb`: https only, one `*`, in the lowest label.
fn fits_wildcard(known: &str, uri: &str) -> bool {
    let Some((before, after)) = known.split_once('*') else {
        return false;
    };
    let label = before.strip_prefix("https://");
    if after.contains('*') || label.is_none_or(|label| label.contains(['.', '/', '@'])) || !after.contains('.') {
        return false;
    }
    let middle = uri.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label_of_a_https_host() {
        let fits = |known: &str, uri: &str| fits_wildcard(known, uri);
        assert!(fits("https://*.example.test/cb", "https://pr-12.example.test/cb"));
        assert!(fits("https://app-*.example.test/cb", "https://app-7.example.test/cb"));
        for (known, uri) in [
            ("https://*.example.test/cb", "https://a.b.example.test/cb"),
            ("https://*.example.test/cb", "https://evil.test/.example.test/cb"),
            ("https://*.example.test/cb", "https://.example.test/cb"),
            ("http://*.example.test/cb", "http://a.example.test/cb"),
            ("https://example.test/*", "https://example.test/cb"),
            ("https://*.*.test/cb", "https://a.b.test/cb"),
        ] {
            assert!(!fits(known, uri), "{known} {uri}");
        }
    }
}
