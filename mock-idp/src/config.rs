//! `mock-idp.toml`: an org in a file. Unknown keys are refused with their place and the nearest known name.

use std::{fmt, ops::Range, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;
use url::Url;

use crate::{
    protocol::totp,
    tenant::{
        ApplicationType, AuthMethod, AuthServer, ClaimRule, ClaimToken, ClaimValue, Client, ConsentMethod, Features,
        GroupFilter, IssuerMode, PageStyle, PolicyRule, RateLimit, Rotation, Scope, Tenant, Unverified, User,
        UserStatus,
    },
};

/// What a configuration file says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The org's URL as clients see it.
    pub issuer: Option<String>,
    /// The org. What the file does not mention is as in [`Tenant::default`].
    pub tenant: Tenant,
}

/// A mistake in a configuration file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as given.
    pub file: String,
    /// Line and column from 1, and the line itself; `None` for the file as a whole.
    pub place: Option<(usize, usize, String)>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What mends it.
    pub mend: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((line, column, text)) = &self.place else {
            return write!(f, "{}: {}\n  {}", self.file, self.message, self.mend);
        };
        let number = line.to_string();
        let (gutter, indent) = (" ".repeat(number.len()), " ".repeat(column - 1));
        write!(
            f,
            "{}:{line}:{column}: {}\n {gutter} |\n {number} | {text}\n {gutter} | {indent}^ {}",
            self.file, self.message, self.mend
        )
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read or says something that no org can be.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&file, &text),
        Err(error) => Err(ConfigError {
            file,
            place: None,
            message: format!("cannot be read: {error}"),
            mend: "give the path of a TOML file, or leave --config away".to_owned(),
        }),
    }
}

/// Reads the text of a file; `file` is its name in messages.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
    let reader = Reader { file, text };
    let read: File = toml::from_str(text).map_err(|error| reader.syntax(&error))?;
    reader.config(read)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: Option<Spanned<String>>,
    custom_domain: Option<Spanned<String>>,
    name: Option<String>,
    page: Option<PageStyle>,
    #[serde(default)]
    third_generation: bool,
    #[serde(default)]
    features: Features,
    #[serde(default)]
    unverified: Unverified,
    auth_server: Option<Vec<ServerEntry>>,
    client: Option<Vec<ClientEntry>>,
    user: Option<Vec<UserEntry>>,
    #[serde(default)]
    trusted_origins: Vec<String>,
    api_tokens: Option<Vec<String>>,
    #[serde(default)]
    rate_limit: RateLimit,
    #[serde(default)]
    universal_logout_by_email: bool,
    /// For editors; not read.
    #[serde(rename = "$schema")]
    _schema: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerEntry {
    id: Spanned<String>,
    audience: Option<String>,
    #[serde(default)]
    issuer_mode: IssuerMode,
    /// Names alone, for scopes that nobody is asked about.
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    scope: Vec<Scope>,
    #[serde(default)]
    claim: Vec<Spanned<ClaimEntry>>,
    policy: Option<Vec<PolicyRule>>,
    access_token_lifetime: Option<Spanned<i64>>,
    refresh_token_lifetime: Option<i64>,
    refresh_token_idle: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimEntry {
    name: String,
    value: Option<Value>,
    attribute: Option<String>,
    groups: Option<GroupFilter>,
    #[serde(default)]
    token: ClaimToken,
    always: Option<bool>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsClaimEntry {
    name: String,
    filter: GroupFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientEntry {
    id: Spanned<String>,
    secret: Option<Spanned<String>>,
    name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<Spanned<String>>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<Spanned<String>>,
    backchannel_logout_uri: Option<Spanned<String>>,
    frontchannel_logout_uri: Option<Spanned<String>>,
    token_endpoint_auth_method: Option<AuthMethod>,
    grant_types: Option<Vec<String>>,
    pkce_required: Option<bool>,
    application_type: Option<ApplicationType>,
    refresh_token_rotation: Option<Rotation>,
    consent_method: Option<ConsentMethod>,
    assigned: Option<Vec<String>>,
    #[serde(default)]
    jwks: Vec<Value>,
    groups_claim: Option<GroupsClaimEntry>,
    #[serde(default)]
    dpop_bound: bool,
    #[serde(default)]
    org_server_only: bool,
    #[serde(default)]
    frontchannel_logout_session_required: bool,
    global_token_revocation_uri: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    login: Spanned<String>,
    password: Option<String>,
    id: Option<String>,
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    groups: Option<Vec<String>>,
    #[serde(default)]
    claims: Map<String, Value>,
    mfa: Option<Spanned<String>>,
    password_expires_in: Option<u32>,
    #[serde(default)]
    status: UserStatus,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn config(&self, file: File) -> Result<Config, ConfigError> {
        let mut tenant = Tenant {
            features: file.features,
            unverified: file.unverified,
            ..Tenant::default()
        };
        tenant.page = file.page.unwrap_or_default();
        tenant.third_generation = file.third_generation;
        tenant.trusted_origins = file.trusted_origins;
        tenant.rate_limit = file.rate_limit;
        tenant.universal_logout_by_email = file.universal_logout_by_email;
        if let Some(tokens) = file.api_tokens {
            tenant.api_tokens = tokens;
        }
        if let Some(name) = file.name {
            tenant.name = name;
        }
        if let Some(servers) = file.auth_server {
            self.unique(servers.iter().map(|server| &server.id), "authorization server")?;
            tenant.servers = servers
                .into_iter()
                .map(|server| self.server(server))
                .collect::<Result<_, _>>()?;
        }
        if let Some(clients) = file.client {
            self.unique(clients.iter().map(|client| &client.id), "client")?;
            tenant.clients = clients
                .into_iter()
                .map(|client| self.client(client).map(Arc::new))
                .collect::<Result<_, _>>()?;
        }
        if let Some(users) = file.user {
            self.unique(users.iter().map(|user| &user.login), "user")?;
            tenant.users = users
                .into_iter()
                .map(|entry| self.user(entry).map(Arc::new))
                .collect::<Result<_, _>>()?;
        }
        let custom_domain = file.custom_domain.map(|domain| self.issuer(&domain)).transpose()?;
        tenant.custom_domain = custom_domain.map(|domain| domain.trim_end_matches('/').to_owned());
        let issuer = file.issuer.map(|issuer| self.issuer(&issuer)).transpose()?;
        Ok(Config { issuer, tenant })
    }

    fn server(&self, entry: ServerEntry) -> Result<AuthServer, ConfigError> {
        let id = entry.id.get_ref();
        let is_segment = !id.is_empty()
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_segment || id == "v1" {
            return Err(self.mistake(
                entry.id.span(),
                format!("`{id}` cannot be the id of an authorization server"),
                "use letters and digits, for instance `default`; the org server is there without being named",
            ));
        }
        let audience = entry.audience.unwrap_or_else(|| "api://default".to_owned());
        let mut server = AuthServer::new(id, &audience);
        let plain = entry.scopes.into_iter().map(|name| Scope {
            name,
            published: true,
            ..Scope::default()
        });
        server.scopes = plain.chain(entry.scope).collect();
        server.claims = entry
            .claim
            .into_iter()
            .map(|claim| self.claim(claim))
            .collect::<Result<_, _>>()?;
        server.policy = entry.policy;
        server.issuer_mode = entry.issuer_mode;
        if let Some(lifetime) = entry.refresh_token_lifetime {
            server.refresh_token_lifetime = lifetime;
        }
        if let Some(idle) = entry.refresh_token_idle {
            server.refresh_token_idle = idle;
        }
        if let Some(lifetime) = entry.access_token_lifetime {
            if !(300..=86_400).contains(lifetime.get_ref()) {
                return Err(self.mistake(
                    lifetime.span(),
                    format!("access tokens cannot live {} seconds", lifetime.get_ref()),
                    "Okta takes 300 (5 minutes) to 86400 (24 hours)",
                ));
            }
            server.access_token_lifetime = lifetime.into_inner();
        }
        Ok(server)
    }

    fn claim(&self, entry: Spanned<ClaimEntry>) -> Result<ClaimRule, ConfigError> {
        let span = entry.span();
        let entry = entry.into_inner();
        let value = match (entry.value, entry.attribute, entry.groups) {
            (Some(value), None, None) => ClaimValue::Static(value),
            (None, Some(name), None) => ClaimValue::Attribute(name),
            (None, None, Some(filter)) => ClaimValue::Groups(filter),
            _ => {
                return Err(self.mistake(
                    span,
                    format!(
                        "the claim `{}` needs exactly one of `value`, `attribute` and `groups`",
                        entry.name
                    ),
                    "for instance attribute = \"locale\", or groups = { starts_with = \"team-\" }",
                ));
            }
        };
        Ok(ClaimRule {
            name: entry.name,
            value,
            token: entry.token,
            always: entry.always.unwrap_or(true),
            scopes: entry.scopes,
            id: String::new(),
            active: true,
        })
    }

    fn client(&self, entry: ClientEntry) -> Result<Client, ConfigError> {
        let id = entry.id.get_ref();
        let mut client = if entry.secret.is_some() {
            Client::web(id)
        } else {
            Client::browser(id)
        };
        client.secret = entry.secret.map(|secret| self.secret(&secret)).transpose()?;
        if let Some(name) = entry.name {
            client.name = name;
        }
        client.redirect_uris = self.uris(entry.redirect_uris)?;
        client.post_logout_redirect_uris = self.uris(entry.post_logout_redirect_uris)?;
        client.backchannel_logout_uri = self.uris(entry.backchannel_logout_uri)?.pop();
        client.frontchannel_logout_uri = self.uris(entry.frontchannel_logout_uri)?.pop();
        if let Some(method) = entry.token_endpoint_auth_method {
            client.auth_method = method;
        }
        if let Some(grant_types) = entry.grant_types {
            client.grant_types = grant_types;
        }
        if let Some(required) = entry.pkce_required {
            client.pkce_required = required;
        }
        if let Some(kind) = entry.application_type {
            client.application_type = kind;
        }
        if let Some(rotation) = entry.refresh_token_rotation {
            client.rotation = rotation;
        }
        client.consent = entry.consent_method.unwrap_or_default();
        client.assigned = entry.assigned;
        client.jwks = entry.jwks;
        client.groups_claim = entry.groups_claim.map(|claim| (claim.name, claim.filter));
        client.dpop_bound = entry.dpop_bound;
        client.org_server_only = entry.org_server_only;
        client.frontchannel_logout_session_required = entry.frontchannel_logout_session_required;
        client.global_token_revocation_uri = self.uris(entry.global_token_revocation_uri)?.pop();
        Ok(client)
    }

    fn user(&self, entry: UserEntry) -> Result<User, ConfigError> {
        let totp = match &entry.mfa {
            None => None,
            Some(mfa) if mfa.get_ref() == "enroll" => None,
            Some(mfa) => match mfa.get_ref().strip_prefix("totp:") {
                Some(secret) if totp::code(secret, 0).is_some() => Some(secret.to_owned()),
                _ => {
                    return Err(self.mistake(
                        mfa.span(),
                        format!("`{}` is no second factor", mfa.get_ref()),
                        "write totp: and a base32 secret, as in totp:JBSWY3DPEHPK3PXP; or enroll, to have one set up",
                    ));
                }
            },
        };
        let status = entry.status;
        let must_enroll = entry.mfa.is_some() && totp.is_none();
        let password_expires_in = entry.password_expires_in;
        Ok(User {
            totp,
            must_enroll,
            password_expires_in,
            status,
            ..user(entry)
        })
    }

    /// A literal, or `env:NAME`.
    fn secret(&self, secret: &Spanned<String>) -> Result<String, ConfigError> {
        let Some(name) = secret.get_ref().strip_prefix("env:") else {
            return Ok(secret.get_ref().clone());
        };
        std::env::var(name).map_err(|_| {
            self.mistake(
                secret.span(),
                format!("the environment variable `{name}` is not set"),
                "set it, or write the secret itself: it is a test secret",
            )
        })
    }

    fn uris(&self, uris: impl IntoIterator<Item = Spanned<String>>) -> Result<Vec<String>, ConfigError> {
        uris.into_iter()
            .map(|uri| match Url::parse(uri.get_ref()) {
                Ok(url) if url.fragment().is_none() => Ok(uri.into_inner()),
                _ => Err(self.mistake(
                    uri.span(),
                    format!("`{}` is no absolute URI without a fragment", uri.get_ref()),
                    "write it in full, for instance http://localhost:3000/callback",
                )),
            })
            .collect()
    }

    fn issuer(&self, issuer: &Spanned<String>) -> Result<String, ConfigError> {
        let url = Url::parse(issuer.get_ref()).ok();
        match url.filter(|url| url.has_host() && url.path() == "/" && url.query().is_none()) {
            Some(_) => Ok(issuer.get_ref().clone()),
            None => Err(self.mistake(
                issuer.span(),
                format!("`{}` is not the URL of an org", issuer.get_ref()),
                "write scheme, host and port only, for instance http://127.0.0.1:9494; /oauth2/default is added",
            )),
        }
    }

    fn unique<'a>(&self, ids: impl Iterator<Item = &'a Spanned<String>>, what: &str) -> Result<(), ConfigError> {
        let mut seen: Vec<&str> = Vec::new();
        for id in ids {
            if seen.contains(&id.get_ref().as_str()) {
                return Err(self.mistake(
                    id.span(),
                    format!("there are two of the {what} `{}`", id.get_ref()),
                    "rename or remove one",
                ));
            }
            seen.push(id.get_ref());
        }
        Ok(())
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let message = error.message();
        // "unknown field `clinet`, expected one of `issuer`, `client`": names stand between backticks.
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (message, mend) = match names.split_first() {
            Some((wrong, known)) if message.starts_with("unknown field") => {
                (format!("unknown key `{wrong}`"), suggestion(wrong, known))
            }
            Some((wrong, known)) if message.starts_with("unknown variant") => {
                (format!("`{wrong}` is not one of the values"), suggestion(wrong, known))
            }
            _ => (
                message.to_owned(),
                "see the section on mock-idp.toml in the README".to_owned(),
            ),
        };
        self.mistake(error.span().unwrap_or_default(), message, &mend)
    }

    fn mistake(&self, span: Range<usize>, message: String, mend: &str) -> ConfigError {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        ConfigError {
            file: self.file.to_owned(),
            place: Some((
                self.text[..start].matches('\n').count() + 1,
                self.text[line_start..start].chars().count() + 1,
                self.text[line_start..line_end].trim_end().to_owned(),
            )),
            message,
            mend: mend.to_owned(),
        }
    }
}

fn suggestion(wrong: &str, known: &[&str]) -> String {
    let likeness = |name: &&&str| (strsim::jaro_winkler(wrong, name) * 1000.0) as u32;
    match known.iter().max_by_key(likeness) {
        Some(nearest) if likeness(&nearest) >= 780 => format!("did you mean `{nearest}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

fn user(entry: UserEntry) -> User {
    let mut user = User::with_login(entry.login.get_ref());
    user.password = entry.password;
    user.profile = entry.claims;
    let fields = [
        (&mut user.id, entry.id),
        (&mut user.email, entry.email),
        (&mut user.given_name, entry.given_name),
        (&mut user.family_name, entry.family_name),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            *field = value;
        }
    }
    if let Some(groups) = entry.groups {
        user.groups = groups;
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse("mock-idp.toml", text).expect_err("a mistake").to_string()
    }

    #[test]
    fn a_whole_org_is_read() {
        let config = parse(
            "mock-idp.toml",
            r#"
            issuer = "http://127.0.0.1:9494"
            name = "Acme"
            page = "classic"
            [[auth_server]]
            id = "default"
            scopes = ["api:read"]
            access_token_lifetime = 300
            [[client]]
            id = "web"
            secret = "literal"
            redirect_uris = ["http://localhost:3000/callback"]
            [[client]]
            id = "spa"
            [[user]]
            login = "ann@acme.test"
            groups = ["admins"]
            claims = { locale = "de-DE" }
            "#,
        )
        .unwrap();
        let tenant = config.tenant;
        assert_eq!(tenant.page, PageStyle::Classic);
        assert_eq!(tenant.servers[0].access_token_lifetime, 300);
        assert_eq!(tenant.client("web").unwrap().secret.as_deref(), Some("literal"));
        assert!(tenant.client("spa").unwrap().pkce_required);
        assert_eq!(tenant.user("ANN@acme.test").unwrap().profile["locale"], "de-DE");
        assert!(tenant.user("alice@example.test").is_none(), "the file's users only");
    }

    #[test]
    fn an_unknown_key_is_shown_at_its_place_with_the_nearest_name() {
        assert_eq!(
            refused("[[client]]\nid = \"web\"\nredirect_uri = [\"http://localhost/\"]\n"),
            "mock-idp.toml:3:1: unknown key `redirect_uri`\n   |\n 3 | redirect_uri = [\"http://localhost/\"]\n   | ^ did \
             you mean `redirect_uris`?"
        );
    }

    #[test]
    fn impossible_values_are_refused() {
        for (text, expected) in [
            ("issuer = \"http://h/oauth2/default\"", "is not the URL of an org"),
            (
                "[[client]]\nid = \"a\"\n[[client]]\nid = \"a\"",
                "there are two of the client `a`",
            ),
            (
                "[[client]]\nid = \"a\"\nredirect_uris = [\"/callback\"]",
                "is no absolute URI",
            ),
            ("[[auth_server]]\nid = \"v1\"", "cannot be the id"),
            (
                "[[auth_server]]\nid = \"a\"\naccess_token_lifetime = 5",
                "cannot live 5 seconds",
            ),
            (
                "[[client]]\nid = \"a\"\nsecret = \"env:MOCK_IDP_NO_SUCH\"",
                "`MOCK_IDP_NO_SUCH` is not set",
            ),
            ("page = \"clasic\"", "did you mean `classic`?"),
            ("issuer = ", "mock-idp.toml:1:"),
        ] {
            assert!(refused(text).contains(expected), "{text}: {}", refused(text));
        }
    }
}
