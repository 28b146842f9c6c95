//! Settings, from environment variables. Every error names the variable, what is wrong and a line that fixes it.

use std::time::Duration;

use aws_lc_rs::digest;
use axum_extra::extract::cookie::Key;
use url::{Host, Url};

use crate::secret::Secret;

/// The app's path that receives the authorization response. Register `BASE_URL` + this at Okta.
pub const CALLBACK_PATH: &str = "/authorization-code/callback";
/// Where the authorization server sends the browser after sign-out. Register `BASE_URL` + this at Okta.
pub const SIGNED_OUT_PATH: &str = "/signed-out";

/// Everything that differs between two installations.
#[derive(Clone)]
pub struct Config {
    /// `OKTA_ISSUER`: exactly the `issuer` of the metadata document, compared byte for byte.
    pub issuer: String,
    /// `OKTA_CLIENT_ID`.
    pub client_id: String,
    /// `OKTA_CLIENT_SECRET`; none for a public client, which proves itself by PKCE alone.
    pub client_secret: Option<Secret>,
    /// `OKTA_AUDIENCE`: the `aud` that access tokens must have; none switches their validation off, because the tokens
    /// of Okta's org authorization server are opaque. Default `api://default`.
    pub audience: Option<String>,
    /// `SCOPES`, separated by spaces. Default `openid profile email`.
    pub scopes: String,
    /// `ADMIN_GROUP`: the group whose members may see `/admin`, as the claim `groups` names it. Default `admins`.
    pub admin_group: String,
    /// `HOST`: the address to listen on. Default `127.0.0.1`.
    pub host: String,
    /// `PORT`. Default 3000.
    pub port: u16,
    /// `BASE_URL`: how browsers reach this app. Never taken from a request: a `Host` header is the visitor's word.
    /// Default `http://localhost:PORT`.
    pub base_url: Url,
    /// `DATABASE_URL`: SQLite or PostgreSQL. Default `sqlite::memory:`, which needs no set-up, leaves nothing behind and
    /// is never shared by two copies of the app by mistake; users and sessions last as long as the process.
    pub database_url: String,
    /// `SESSION_IDLE_SECONDS`: a session unused for this long has ended. Default 1800.
    pub session_idle: Duration,
    /// `SESSION_MAX_SECONDS`: a session has ended after this long, used or not. Default 28800.
    pub session_max: Duration,
    /// `COOKIE_KEY`: encrypts the cookies of unfinished sign-ins; 32 random characters or more. Without it one is made at start:
    /// then a sign-in does not survive a restart and cannot be finished by another copy of the app.
    pub cookie_key: Key,
    /// `UPSTREAM_TIMEOUT_SECONDS`: limit of one call to the authorization server. Default 10.
    pub upstream_timeout: Duration,
    /// `HEADER_TIMEOUT_SECONDS`: a connection is closed when a whole request header section has not arrived for this long,
    /// whether nothing was sent or a part. Default 30.
    pub header_timeout: Duration,
}

/// A setting is missing or wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}\n  for instance: {variable}={example}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
    example: &'static str,
}

const ISSUER_EXAMPLE: &str = "https://dev-123456.okta.com/oauth2/default";

impl Config {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads settings from wherever `lookup` finds them. An empty value counts as absent, except for `OKTA_AUDIENCE`.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let required = |variable, example| {
            given(variable).ok_or(ConfigError {
                variable,
                problem: "is not set".to_owned(),
                example,
            })
        };

        let issuer = required("OKTA_ISSUER", ISSUER_EXAMPLE)?;
        let allow_http = given("ALLOW_HTTP_ISSUER").is_some_and(|value| value == "true");
        check_issuer(&issuer, allow_http)?;
        let port = number(&given, "PORT", 3000, "3000")?;
        let port = u16::try_from(port).ok().filter(|port| *port != 0).ok_or(ConfigError {
            variable: "PORT",
            problem: format!("is `{port}`, which is no port"),
            example: "3000",
        })?;
        let seconds = |variable, default, example| {
            let seconds = number(&given, variable, default, example)?;
            // Room to calculate with: deadlines are sums and multiples of these.
            match u32::try_from(seconds) {
                Ok(1..) => Ok(Duration::from_secs(seconds)),
                _ => Err(ConfigError {
                    variable,
                    problem: format!("is `{seconds}`; expected 1 to {} seconds", u32::MAX),
                    example,
                }),
            }
        };
        Ok(Self {
            client_id: required("OKTA_CLIENT_ID", "0oa1b2c3d4e5f6g7h8i9")?,
            client_secret: given("OKTA_CLIENT_SECRET").map(Secret::new),
            audience: match lookup("OKTA_AUDIENCE") {
                None => Some("api://default".to_owned()),
                Some(audience) => Some(audience).filter(|audience| !audience.is_empty()),
            },
            scopes: scopes(given("SCOPES"))?,
            admin_group: given("ADMIN_GROUP").unwrap_or_else(|| "admins".to_owned()),
            host: given("HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
            base_url: base_url(given("BASE_URL"), port)?,
            database_url: given("DATABASE_URL").unwrap_or_else(|| "sqlite::memory:".to_owned()),
            session_idle: seconds("SESSION_IDLE_SECONDS", 1800, "1800")?,
            session_max: seconds("SESSION_MAX_SECONDS", 28_800, "28800")?,
            cookie_key: cookie_key(given("COOKIE_KEY"))?,
            upstream_timeout: seconds("UPSTREAM_TIMEOUT_SECONDS", 10, "10")?,
            header_timeout: seconds("HEADER_TIMEOUT_SECONDS", 30, "30")?,
            issuer,
            port,
        })
    }

    /// The registered redirect URI.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        self.url_of(CALLBACK_PATH)
    }

    /// The registered post-logout redirect URI.
    #[must_use]
    pub fn post_logout_redirect_uri(&self) -> String {
        self.url_of(SIGNED_OUT_PATH)
    }

    /// Whether browsers reach the app over TLS; decides about `Secure` cookies and `__Host-` names.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The issuer's origin; every endpoint must be there, see [`crate::oidc::metadata`].
    #[must_use]
    pub fn issuer_origin(&self) -> String {
        Url::parse(&self.issuer).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }

    fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))
    }
}

fn check_issuer(issuer: &str, allow_http: bool) -> Result<(), ConfigError> {
    let wrong = |problem: String| {
        Err(ConfigError {
            variable: "OKTA_ISSUER",
            problem,
            example: ISSUER_EXAMPLE,
        })
    };
    if issuer.contains(['{', '}']) {
        return wrong(format!("is `{issuer}`: replace the part in braces by your Okta domain"));
    }
    let Ok(url) = Url::parse(issuer) else {
        return wrong(format!("is `{issuer}`, which is no URL"));
    };
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return wrong(format!("is `{issuer}`: an issuer has no query, fragment or user"));
    }
    if url.host_str().is_some_and(|host| host.contains("-admin.")) {
        return wrong(format!(
            "is `{issuer}`, the address of the admin console: leave `-admin` out"
        ));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_http || is_loopback(&url) => Ok(()),
        "http" => wrong(format!(
            "is `{issuer}`: tokens and the client secret would travel in clear text. \
             Use https, or set ALLOW_HTTP_ISSUER=true in a test network"
        )),
        other => wrong(format!("has the scheme `{other}`; expected https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn base_url(given: Option<String>, port: u16) -> Result<Url, ConfigError> {
    let text = given.unwrap_or_else(|| format!("http://localhost:{port}"));
    let wrong = |problem: String| ConfigError {
        variable: "BASE_URL",
        problem,
        example: "https://app.example.com",
    };
    let url = Url::parse(&text).map_err(|_| wrong(format!("is `{text}`, which is no URL")))?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_origin || url.host().is_none() {
        return Err(wrong(format!("is `{text}`; expected scheme, host and port only")));
    }
    Ok(url)
}

fn scopes(given: Option<String>) -> Result<String, ConfigError> {
    let scopes = given.unwrap_or_else(|| "openid profile email".to_owned());
    let scopes: Vec<&str> = scopes.split_whitespace().collect();
    if !scopes.contains(&"openid") {
        return Err(ConfigError {
            variable: "SCOPES",
            problem: format!("is `{}`: without `openid` there is no ID token", scopes.join(" ")),
            example: "openid profile email",
        });
    }
    Ok(scopes.join(" "))
}

fn cookie_key(given: Option<String>) -> Result<Key, ConfigError> {
    match given {
        None => Ok(Key::generate()),
        // Hashed, so that hexadecimal or base64 text gives a key as strong as the bytes it stands for.
        Some(text) if text.len() >= 32 => Ok(Key::from(digest::digest(&digest::SHA512, text.as_bytes()).as_ref())),
        Some(text) => Err(ConfigError {
            variable: "COOKIE_KEY",
            problem: format!("has {} characters; expected 32 or more random ones", text.len()),
            example: "$(openssl rand -hex 32)",
        }),
    }
}

fn number(
    given: &impl Fn(&str) -> Option<String>,
    variable: &'static str,
    default: u64,
    example: &'static str,
) -> Result<u64, ConfigError> {
    given(variable).map_or(Ok(default), |text| {
        text.trim().parse().map_err(|_| ConfigError {
            variable,
            problem: format!("is `{text}`, which is no whole number"),
            example,
        })
    })
}
