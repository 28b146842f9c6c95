//! From the text of a file to an org.

use std::{path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, Deserializer},
};
use url::Url;

use super::{
    Config, Mistakes, Strictness, check,
    faults::FaultEntry,
    keys,
    mistake::{Notes, suggestion},
};
use crate::{
    protocol::{keys::SigningKey, totp},
    tenant::{
        ApplicationType, AuthMethod, AuthServer, ClaimRule, ClaimToken, ClaimValue, Client, ConsentMethod, Features,
        GroupFilter, IssuerMode, PageStyle, PolicyRule, RateLimit, Rotation, Scope, Tenant, Unverified, User,
        UserStatus, emailed_code,
    },
};

/// Claims that the authorization server itself makes: nobody's profile may say them.
const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "amr",
    "azp",
    "ver",
    "cid",
    "uid",
    "scp",
    "sid",
];

/// Claims that come with a scope of OpenID Connect and need no rule (OpenID Connect Core §5.4).
const OF_SCOPES: &[&str] = &[
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "address",
    "phone_number",
];

/// Reads the text; `folder` is where the files are that it names.
pub(super) fn config(file: &str, folder: &Path, text: &str, strictness: Strictness) -> Result<Config, Mistakes> {
    let mut reader = Reader {
        notes: Notes::new(file, text),
        folder,
        strictness,
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.syntax(error);
    }
    let config = errors.is_empty().then(|| reader.document(document)).flatten();
    let mistakes = reader.notes.into_mistakes();
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(Mistakes(mistakes)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: Option<Spanned<String>>,
    store: Option<Spanned<String>>,
    custom_domain: Option<Spanned<String>>,
    browser_url: Option<Spanned<String>>,
    backend_url: Option<Spanned<String>>,
    name: Option<String>,
    page: Option<PageStyle>,
    #[serde(default)]
    claims_need_rules: bool,
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
    fault: Vec<FaultEntry>,
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
    signing_key: Option<Spanned<String>>,
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
    #[serde(default)]
    wildcard_redirect: bool,
    #[serde(default)]
    wildcard_ports: bool,
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
    #[serde(default = "no_claims")]
    claims: Spanned<Map<String, Value>>,
    mfa: Option<Spanned<String>>,
    password_expires_in: Option<u32>,
    #[serde(default)]
    status: UserStatus,
}

fn no_claims() -> Spanned<Map<String, Value>> {
    Spanned::new(0..0, Map::new())
}

pub(super) struct Reader<'a> {
    pub(super) notes: Notes<'a>,
    folder: &'a Path,
    strictness: Strictness,
}

impl Reader<'_> {
    fn document(&mut self, document: Spanned<DeTable<'_>>) -> Option<Config> {
        let span = document.span();
        let top = keys::section("")?;
        let good = check::table(&mut self.notes, top, span.clone(), document.into_inner())?;
        match File::deserialize(Deserializer::from(Spanned::new(span, good))) {
            Ok(file) => Some(self.config(file)),
            Err(error) => {
                self.syntax(&error);
                None
            }
        }
    }

    fn config(&mut self, file: File) -> Config {
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
            self.unique(servers.iter().map(|server| &server.id), "authorization server");
            tenant.servers = servers.into_iter().map(|server| self.server(server)).collect();
        }
        if let Some(clients) = file.client {
            self.unique(clients.iter().map(|client| &client.id), "client");
            tenant.clients = clients
                .into_iter()
                .map(|client| Arc::new(self.client(client)))
                .collect();
        }
        let mut hints = Vec::new();
        if let Some(users) = file.user {
            self.unique(users.iter().map(|user| &user.login), "user");
            let users: Vec<User> = users.into_iter().map(|entry| self.user(entry)).collect();
            carry_claims(&mut tenant.servers, &users, file.claims_need_rules, &mut hints);
            tenant.users = users.into_iter().map(Arc::new).collect();
        }
        let mut base = |url: Option<Spanned<String>>| {
            let url = self.base(&url?)?;
            Some(url.trim_end_matches('/').to_owned())
        };
        tenant.custom_domain = base(file.custom_domain);
        tenant.browser_url = base(file.browser_url);
        tenant.backend_url = base(file.backend_url);
        let issuer = file.issuer.and_then(|issuer| self.base(&issuer));
        let entries = file.fault.into_iter();
        let faults = entries.filter_map(|entry| self.fault(entry, &tenant)).collect();
        let store = file.store.map(|url| {
            if !url.get_ref().starts_with("redis://") {
                self.notes.add(
                    url.span(),
                    format!("the store `{}` is no URL of Redis", url.get_ref()),
                    "write it like `redis://127.0.0.1:6379/0`, or leave it away: then one process remembers by itself",
                );
            }
            url.into_inner()
        });
        Config {
            issuer,
            store,
            tenant,
            faults,
            hints,
        }
    }

    fn server(&mut self, entry: ServerEntry) -> AuthServer {
        let id = entry.id.get_ref();
        let is_segment = !id.is_empty()
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_segment || id == "v1" {
            self.notes.add(
                entry.id.span(),
                format!("`{id}` cannot be the id of an authorization server"),
                "use letters and digits, for instance `default`; the org server is there without being named",
            );
        }
        let audience = entry.audience.unwrap_or_else(|| "api://default".to_owned());
        let mut server = AuthServer::new(id, &audience);
        let plain = entry.scopes.into_iter().map(|name| Scope {
            name,
            published: true,
            ..Scope::default()
        });
        server.scopes = plain.chain(entry.scope).collect();
        server.claims = entry.claim.into_iter().filter_map(|claim| self.claim(claim)).collect();
        server.policy = entry.policy;
        server.issuer_mode = entry.issuer_mode;
        server.signing_key = entry.signing_key.and_then(|key| self.signing_key(&key));
        if let Some(lifetime) = entry.refresh_token_lifetime {
            server.refresh_token_lifetime = lifetime;
        }
        if let Some(idle) = entry.refresh_token_idle {
            server.refresh_token_idle = idle;
        }
        if let Some(lifetime) = entry.access_token_lifetime {
            let (least, fix) = match self.strictness {
                Strictness::Okta => (
                    300,
                    "Okta takes 300 (5 minutes) to 86400 (24 hours); --lax takes any from 1 on",
                ),
                Strictness::Lax => (1, "take a whole number of seconds from 1 to 86400"),
            };
            if !(least..=86_400).contains(lifetime.get_ref()) {
                self.notes.add(
                    lifetime.span(),
                    format!("access tokens cannot live {} seconds", lifetime.get_ref()),
                    fix,
                );
            }
            server.access_token_lifetime = lifetime.into_inner();
        }
        server
    }

    /// A file with a private JWK.
    fn signing_key(&mut self, file: &Spanned<String>) -> Option<Arc<SigningKey>> {
        let path = self.folder.join(file.get_ref());
        let read =
            std::fs::read_to_string(&path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()));
        let key = read.and_then(|text| {
            SigningKey::from_jwk(&text).map_err(|error| format!("`{}` holds no signing key: {error}", path.display()))
        });
        match key {
            Ok(key) => Some(Arc::new(key)),
            Err(message) => {
                let fix = "give a file with a private RSA JWK; `mock-idp keys --private` writes one";
                self.notes.add(file.span(), message, fix);
                None
            }
        }
    }

    fn claim(&mut self, entry: Spanned<ClaimEntry>) -> Option<ClaimRule> {
        let span = entry.span();
        let entry = entry.into_inner();
        let value = match (entry.value, entry.attribute, entry.groups) {
            (Some(value), None, None) => ClaimValue::Static(value),
            (None, Some(name), None) => ClaimValue::Attribute(name),
            (None, None, Some(filter)) => ClaimValue::Groups(filter),
            _ => {
                self.notes.add(
                    span,
                    format!(
                        "the claim `{}` needs exactly one of `value`, `attribute` and `groups`",
                        entry.name
                    ),
                    "for instance attribute = \"locale\", or groups = { starts_with = \"team-\" }",
                );
                return None;
            }
        };
        Some(ClaimRule {
            name: entry.name,
            value,
            token: entry.token,
            always: entry.always.unwrap_or(true),
            scopes: entry.scopes,
            id: String::new(),
            active: true,
        })
    }

    fn client(&mut self, entry: ClientEntry) -> Client {
        let id = entry.id.get_ref();
        let mut client = if entry.secret.is_some() {
            Client::web(id)
        } else {
            Client::browser(id)
        };
        client.secret = entry.secret.and_then(|secret| self.secret(&secret));
        if let Some(name) = entry.name {
            client.name = name;
        }
        client.wildcard_redirect = entry.wildcard_redirect;
        client.wildcard_ports = entry.wildcard_ports || self.strictness == Strictness::Lax;
        client.redirect_uris = entry
            .redirect_uris
            .into_iter()
            .filter_map(|uri| self.redirect_uri(uri, client.wildcard_ports))
            .collect();
        client.post_logout_redirect_uris = self.uris(entry.post_logout_redirect_uris);
        client.backchannel_logout_uri = self.uris(entry.backchannel_logout_uri).pop();
        client.frontchannel_logout_uri = self.uris(entry.frontchannel_logout_uri).pop();
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
        client.global_token_revocation_uri = self.uris(entry.global_token_revocation_uri).pop();
        client
    }

    fn user(&mut self, entry: UserEntry) -> User {
        let totp = match &entry.mfa {
            None => None,
            Some(mfa) if mfa.get_ref() == "enroll" => None,
            Some(mfa) => match mfa.get_ref().strip_prefix("totp:") {
                Some(secret) if totp::code(secret, 0).is_some() => Some(secret.to_owned()),
                None if emailed_code(mfa.get_ref()).is_some_and(|code| !code.is_empty()) => Some(mfa.get_ref().clone()),
                _ => {
                    self.notes.add(
                        mfa.span(),
                        format!("`{}` is not a second factor", mfa.get_ref()),
                        "write totp: and a base32 secret, as in totp:JBSWY3DPEHPK3PXP; email: and a code, as in email:123456; \
                         or enroll, to have one set up",
                    );
                    None
                }
            },
        };
        for name in entry
            .claims
            .get_ref()
            .keys()
            .filter(|name| RESERVED.contains(&name.as_str()))
        {
            let fix = match name.as_str() {
                "sub" => "the key `id` of the user sets it",
                _ => "take it away; a fault (`mock-idp faults`) falsifies it",
            };
            self.notes.add(
                entry.claims.span(),
                format!("the claim `{name}` is the authorization server's own"),
                fix,
            );
        }
        let status = entry.status;
        let must_enroll = entry.mfa.is_some() && totp.is_none();
        let password_expires_in = entry.password_expires_in;
        User {
            totp,
            must_enroll,
            password_expires_in,
            status,
            ..user(entry)
        }
    }

    /// A literal, or `env:NAME`.
    fn secret(&mut self, secret: &Spanned<String>) -> Option<String> {
        let Some(name) = secret.get_ref().strip_prefix("env:") else {
            return Some(secret.get_ref().clone());
        };
        let value = std::env::var(name).ok();
        if value.is_none() {
            self.notes.add(
                secret.span(),
                format!("the environment variable `{name}` is not set"),
                "set it, or write the secret itself: it is a test secret",
            );
        }
        value
    }

    /// A redirect URI, whose port may be a `*` where that is switched on.
    fn redirect_uri(&mut self, uri: Spanned<String>, wildcard_ports: bool) -> Option<String> {
        let plain = uri.get_ref().replacen(":*/", ":1/", 1);
        if plain == *uri.get_ref() {
            return self.uris([uri]).pop();
        }
        if !wildcard_ports {
            self.notes.add(
                uri.span(),
                format!(
                    "`{}` has a wildcard for its port, which Okta does not have",
                    uri.get_ref()
                ),
                "write wildcard_ports = true under this client to have it all the same, or the port itself",
            );
            return None;
        }
        let span = uri.span();
        self.uris([Spanned::new(span, plain)]).pop().map(|_| uri.into_inner())
    }

    fn uris(&mut self, uris: impl IntoIterator<Item = Spanned<String>>) -> Vec<String> {
        let mut good = Vec::new();
        for uri in uris {
            match Url::parse(uri.get_ref()) {
                Ok(url) if url.fragment().is_none() => good.push(uri.into_inner()),
                _ => self.notes.add(
                    uri.span(),
                    format!("`{}` is no absolute URI without a fragment", uri.get_ref()),
                    "write it in full, for instance http://localhost:3000/callback",
                ),
            }
        }
        good
    }

    /// Scheme, host and port.
    fn base(&mut self, url: &Spanned<String>) -> Option<String> {
        let parsed = Url::parse(url.get_ref()).ok();
        let good = parsed.filter(|url| url.has_host() && url.path() == "/" && url.query().is_none());
        if good.is_none() {
            self.notes.add(
                url.span(),
                format!("`{}` is not the URL of an org", url.get_ref()),
                "write scheme, host and port only, for instance http://127.0.0.1:9494; /oauth2/default is added",
            );
        }
        good.map(|_| url.get_ref().clone())
    }

    fn unique<'a>(&mut self, ids: impl Iterator<Item = &'a Spanned<String>>, what: &str) {
        let mut seen: Vec<String> = Vec::new();
        for id in ids {
            let folded = match what {
                "user" => id.get_ref().to_lowercase(),
                _ => id.get_ref().clone(),
            };
            if seen.contains(&folded) {
                self.notes.add(
                    id.span(),
                    format!("there are two of the {what} `{}`", id.get_ref()),
                    "rename or remove one",
                );
            }
            seen.push(folded);
        }
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let message = error.message();
        // "unknown variant `a`, expected `b` or `c`": names stand between backticks.
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let fix = match names.split_first() {
            Some((wrong, known)) if message.starts_with("unknown ") => suggestion(wrong, known),
            _ => "`mock-idp reference` lists every key with an example".to_owned(),
        };
        self.notes
            .add(error.span().unwrap_or_default(), message.to_owned(), &fix);
    }
}

/// The claims of users that no scope and no rule puts into tokens get the rules that Okta would need, or a hint.
fn carry_claims(servers: &mut [AuthServer], users: &[User], need_rules: bool, hints: &mut Vec<String>) {
    let mut names: Vec<&str> = Vec::new();
    for name in users.iter().flat_map(|user| user.profile.keys()) {
        if !names.contains(&name.as_str()) && !OF_SCOPES.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for server in servers {
        for name in &names {
            let is_known = server.claims.iter().any(|rule| {
                rule.name == *name || matches!(&rule.value, ClaimValue::Attribute(attribute) if attribute == name)
            });
            if is_known {
                continue;
            }
            if need_rules {
                hints.push(format!(
                    "the claim `{name}` reaches no token of `{}`: under [[auth_server]] write [[auth_server.claim]] with \
                     name = \"{name}\" and attribute = \"{name}\", and token = \"access\" for access tokens",
                    server.id
                ));
                continue;
            }
            for token in [ClaimToken::Id, ClaimToken::Access] {
                server.claims.push(ClaimRule {
                    name: (*name).to_owned(),
                    value: ClaimValue::Attribute((*name).to_owned()),
                    token,
                    always: true,
                    scopes: Vec::new(),
                    id: String::new(),
                    active: true,
                });
            }
        }
    }
}

fn user(entry: UserEntry) -> User {
    let mut user = User::with_login(entry.login.get_ref());
    user.password = entry.password;
    user.profile = entry.claims.into_inner();
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

/// What serde says to a text, without the check against the list of keys.
#[cfg(test)]
pub(super) fn told_by_serde(text: &str) -> String {
    toml::from_str::<File>(text)
        .err()
        .map(|error| error.message().to_owned())
        .unwrap_or_default()
}
