//! The app under test, as `conformance.toml` describes it.

use std::{collections::BTreeMap, path::PathBuf};

use mock_idp::tenant::AuthMethod;
use serde::Deserialize;

use crate::{placeholder, text::holds};

/// A whole `conformance.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The app.
    pub target: Target,
    /// The authorization server.
    #[serde(default)]
    pub idp: Idp,
    /// How to run.
    #[serde(default)]
    pub run: Run,
    /// Where findings land in annotations: callback, sign_in, sign_out, default → `file:line`.
    #[serde(default)]
    pub locations: BTreeMap<String, String>,
    /// Folder of the file; commands, relative paths and `.conformance/` are relative to it.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The file itself, for messages.
    #[serde(skip)]
    pub file: PathBuf,
}

/// The app: where it is, how one signs in and out, and who tells who is signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Origin; `{port}` comes from `[target.start]`.
    pub url: String,
    /// Further origins of the same app, for instance an API on a port of its own.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Header fields that every request to the app carries, for instance the basic authentication of a staging site.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How sign-in starts.
    pub sign_in: SignIn,
    /// What a person does on the pages that follow the callback, for instance agreeing to terms. A step whose button or
    /// field is not on the page is left out.
    #[serde(default)]
    pub after_callback: Vec<Move>,
    /// How sign-out happens; absent: the sign-out cases are skipped.
    #[serde(default)]
    pub sign_out: Option<SignOut>,
    /// Path of the redirection endpoint, or an absolute URL.
    pub callback: String,
    /// Registered post-logout redirect URIs.
    #[serde(default)]
    pub post_logout: Vec<String>,
    /// Registered back-channel logout URI (path or URL).
    #[serde(default)]
    pub backchannel_logout: Option<String>,
    /// Registered front-channel logout URI (path or URL).
    #[serde(default)]
    pub frontchannel_logout: Option<String>,
    /// Third-party-initiated sign-in (path or URL).
    #[serde(default)]
    pub initiate_login: Option<String>,
    /// Further protected paths.
    #[serde(default)]
    pub protected: Vec<String>,
    /// Scripts make its pages, so that only a browser can sign in (`--driver webdriver`).
    #[serde(default)]
    pub javascript: bool,
    /// Guessed when absent or `auto`; used for fix snippets.
    #[serde(default)]
    pub framework: Option<String>,
    /// The oracle.
    pub session: Oracle,
    /// The people who sign in.
    #[serde(default)]
    pub people: People,
    /// Pages that only the members of a group may see.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// What makes an account for each of them, where the app makes none at the first sign-in.
    #[serde(default)]
    pub provision: Option<Provision>,
    /// What cannot be seen from outside.
    #[serde(default)]
    pub declares: Declares,
    /// How to start the app; absent: it runs already.
    #[serde(default)]
    pub start: Option<Start>,
}

/// How sign-in starts. Exactly one key: `{ get = "/login" }`, `{ protected = "/me" }`, `{ form = "/login" }`,
/// `{ click = "Sign in" }`, `{ steps = [{ open = "/login" }, { press = "Continue" }] }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// GET this path.
    Get(String),
    /// Open this protected page; the app starts the sign-in.
    Protected(String),
    /// Open this page and submit its sign-in form, hidden fields kept.
    Form(String),
    /// Click what bears this text (browser driver; in HTTP a link or button of the start page).
    Click(String),
    /// Do these one after the other, until the app leads to the authorization server.
    Steps(Vec<Move>),
}

/// What a person does on a page. Exactly one key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Opens this path of the app.
    Open(String),
    /// Types into fields, known by name, id or label. `{user.email}` and the like are filled in.
    Fill(BTreeMap<String, String>),
    /// Presses the link or button with this text; the form of a button is sent with what was typed.
    Press(String),
    /// Sends the form with this `action` path or `id`, with what was typed.
    Submit(String),
}

/// How sign-out happens. Exactly one key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignOut {
    /// GET this path.
    Get(String),
    /// POST this path without fields.
    Post(String),
    /// Open this page and submit its sign-out form, hidden fields kept.
    Form(String),
    /// Click what bears this text.
    Click(String),
    /// Do these one after the other.
    Steps(Vec<Move>),
}

/// Who is signed in?
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oracle {
    /// Path of a page that only signed-in users see.
    pub probe: String,
    /// What it is like for a signed-in user.
    pub signed_in: Pattern,
    /// What it is like for anybody else.
    pub signed_out: Pattern,
    /// Header fields that only the probe carries, for instance one against request forgery.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What an answer is like. All that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pattern {
    /// One status or several.
    pub status: Statuses,
    /// Text of the body; `{user.email}` and the other names of [`crate::placeholder::OF_PERSON`] are filled in.
    pub contains: Option<String>,
    /// A regular expression that finds something in the body; the same names are filled in, taken literally.
    pub matches: Option<String>,
    /// A JSON pointer (RFC 6901): `contains` and `matches` look at this value of a JSON body only. It has to be there and
    /// not `null`.
    pub json: Option<String>,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
}

impl Pattern {
    /// Whether nothing is given, so that it fits every answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_blank = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        self.status.0.is_empty() && is_blank(&self.contains) && is_blank(&self.matches) && self.json.is_none()
    }

    /// Whether it says who is there, by something that is different for everybody.
    #[must_use]
    pub fn names_people(&self) -> bool {
        let names = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains("{user."));
        names(&self.contains) || names(&self.matches)
    }

    /// Whether a body is as `contains`, `matches` and `json` want it; `vars` fill their placeholders. Without them any is.
    #[must_use]
    pub fn is_said_by(&self, body: &str, vars: &BTreeMap<String, String>) -> bool {
        let text = match &self.json {
            None => std::borrow::Cow::Borrowed(body),
            Some(pointer) => match json_value(body, pointer) {
                Some(text) => text.into(),
                None => return false,
            },
        };
        let contains = self.contains.as_deref().is_none_or(|wanted| {
            let wanted = placeholder::replace(wanted, vars);
            match self.ignore_case {
                true => holds(&text.to_lowercase(), &wanted.to_lowercase()),
                false => holds(&text, &wanted),
            }
        });
        let matches = self.matches.as_deref().is_none_or(|pattern| {
            let found = self.expression(pattern, vars);
            found.is_ok_and(|expression| expression.is_match(&text))
        });
        contains && matches
    }

    /// The regular expression with its placeholders filled in, whose values are taken literally.
    ///
    /// # Errors
    /// When it is none.
    pub fn expression(&self, pattern: &str, vars: &BTreeMap<String, String>) -> Result<regex::Regex, regex::Error> {
        // A name without a value would be read as a quantifier.
        let names = placeholder::names(pattern).filter(|name| name.starts_with("user."));
        let literal = names.map(|name| {
            (
                name.to_owned(),
                vars.get(name).map(|value| regex::escape(value)).unwrap_or_default(),
            )
        });
        let filled = placeholder::replace(pattern, &literal.collect());
        regex::RegexBuilder::new(&filled)
            .case_insensitive(self.ignore_case)
            .size_limit(1 << 20)
            .build()
    }
}

/// The value of a JSON text at a pointer, as text; `None` for what is no JSON, absent or `null`.
fn json_value(body: &str, pointer: &str) -> Option<String> {
    let whole: serde_json::Value = serde_json::from_str(body.trim()).ok()?;
    match whole.pointer(pointer)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The people who sign in. Each is invented anew; what identifies them is unguessable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Their e-mail addresses; `{unique}` is different for each.
    pub email: Option<String>,
    /// Their logins at the authorization server; the e-mail address where it is absent.
    pub login: Option<String>,
    /// Their given names.
    pub given_name: Option<String>,
    /// The `groups` claim of each.
    pub groups: Vec<String>,
    /// Further claims of each. `{unique}`, `{user.email}` and the like are filled in.
    pub claims: serde_json::Map<String, serde_json::Value>,
}

/// A page that only the members of a group may see.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The group, as the claim names it.
    pub group: String,
    /// The path of the page; what identifies the visitor is filled in.
    pub page: String,
    /// What members see on it and nobody else does. Empty: any answer with 2xx is the page.
    #[serde(default)]
    pub shows: Pattern,
    /// The claim that holds the groups.
    #[serde(default = "groups")]
    pub claim: String,
}

/// The name that Okta's guides give the claim.
fn groups() -> String {
    "groups".to_owned()
}

/// Makes an account for a person before the first sign-in. Either `command` or `post`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provision {
    /// Run by `sh -c` in the file's folder, with the environment of `[target.start]`.
    pub command: Option<String>,
    /// A path of the app, or an absolute URL, that is posted to.
    pub post: Option<String>,
    /// What is posted.
    pub body: Option<String>,
    /// Header fields of that request.
    pub headers: BTreeMap<String, String>,
}

/// `200` or `[302, 401]`; empty fits any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(pub Vec<u16>);

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Statuses;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a status code such as 200, or a list such as [302, 401]")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Statuses, E> {
                let code = u16::try_from(value).ok().filter(|code| (100..1000).contains(code));
                code.map(|code| Statuses(vec![code]))
                    .ok_or_else(|| E::custom(format!("{value} is no status code")))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Statuses, A::Error> {
                let mut codes = Vec::new();
                while let Some(code) = list.next_element()? {
                    codes.push(code);
                }
                Ok(Statuses(codes))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Target {
    /// A target of which only the address and the oracle are known: its sign-in is the protected page.
    #[must_use]
    pub fn bare(url: &str, session: Oracle) -> Self {
        Self {
            url: url.to_owned(),
            origins: Vec::new(),
            headers: BTreeMap::new(),
            sign_in: SignIn::Protected(session.probe.clone()),
            after_callback: Vec::new(),
            sign_out: None,
            callback: "/".to_owned(),
            post_logout: Vec::new(),
            backchannel_logout: None,
            frontchannel_logout: None,
            initiate_login: None,
            protected: Vec::new(),
            javascript: false,
            framework: None,
            session,
            people: People::default(),
            roles: Vec::new(),
            provision: None,
            declares: Declares::default(),
            start: None,
        }
    }

    /// Whether a started app is always on the same port, so that two copies cannot run at once.
    #[must_use]
    pub fn has_fixed_port(&self) -> bool {
        self.start
            .as_ref()
            .is_some_and(|start| matches!(start.port, Port::Fixed(_)))
    }

    /// Where the people's addresses are: the domain that the app is said to filter by, else one that is reserved for
    /// examples (RFC 2606) and that validators of addresses accept.
    #[must_use]
    pub fn email_template(&self) -> String {
        let domain = self.declares.mail_domain.as_deref().unwrap_or("example.com");
        let email = self.people.email.clone();
        email.unwrap_or_else(|| format!("ada.{{unique}}@{domain}"))
    }

    /// Scopes that the authorization server has to know beside the built-in ones: those of `[idp]`, and those that the app
    /// is said to ask for.
    #[must_use]
    pub fn custom_scopes(&self, idp: &Idp) -> Vec<String> {
        let mut scopes = idp.scopes.clone();
        for scope in &self.declares.scopes {
            if !built_in_scopes(idp).contains(&scope.as_str()) && !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }

    /// Every scope that the authorization server knows.
    #[must_use]
    pub fn known_scopes(&self, idp: &Idp) -> Vec<String> {
        let built_in = built_in_scopes(idp).iter().map(|scope| (*scope).to_owned());
        match idp.server.as_str() {
            "org" => built_in.collect(),
            _ => built_in.chain(self.custom_scopes(idp)).collect(),
        }
    }
}

/// Okta's own scopes; `groups` is one of the org authorization server alone.
fn built_in_scopes(idp: &Idp) -> &'static [&'static str] {
    match idp.server.as_str() {
        "org" => &[
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
            "groups",
        ],
        _ => &[
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
            "device_sso",
        ],
    }
}

impl Statuses {
    /// Whether this status fits.
    #[must_use]
    pub fn fits(&self, status: u16) -> bool {
        self.0.is_empty() || self.0.contains(&status)
    }
}

/// What cannot be seen from outside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declares {
    /// The app validates the access token, as Okta's redirect guide tells it to.
    pub validates_access_token: bool,
    /// A public client: no secret.
    pub public_client: bool,
    /// The scopes that it asks for.
    pub scopes: Vec<String>,
    /// Sign-out ends only the app's session, on purpose.
    pub local_sign_out_only: bool,
    /// Proxy headers that it is meant to trust.
    pub trusted_headers: Vec<String>,
    /// Parameters that it passes through to the authorization server on purpose.
    pub login_params: Vec<String>,
    /// PKCE and nonce stand in for `state` (RFC 9700 §2.1), on purpose and documented.
    pub csrf_by_pkce: bool,
    /// The app checks `iss` in authorization responses when the issuer advertises it (RFC 9207).
    pub checks_response_issuer: bool,
    /// Seconds without a request after which a session ends.
    pub session_idle: Option<u64>,
    /// Seconds after sign-in at which a session ends whatever happens.
    pub session_lifetime: Option<u64>,
    /// Mail domain that it filters users by.
    pub mail_domain: Option<String>,
}

/// How to start the app.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Runs once before, without the app's environment.
    #[serde(default)]
    pub build: Option<String>,
    /// Time limit of `build` in seconds.
    #[serde(default)]
    pub build_timeout: Option<u64>,
    /// The app itself; run by `sh -c` in the file's folder.
    pub command: String,
    /// `auto`, or a number.
    #[serde(default)]
    pub port: Port,
    /// Polled until it answers (any status below 500).
    #[serde(default)]
    pub wait_for: Option<String>,
    /// How long to wait for it, in seconds.
    #[serde(default)]
    pub timeout: Option<u64>,
    /// How long the app may take to end after SIGTERM, in seconds.
    #[serde(default)]
    pub stop_timeout: Option<u64>,
    /// Use an app that answers at the URL already.
    #[serde(default)]
    pub reuse_existing: bool,
    /// Serve the issuer over TLS, for apps whose library insists on https.
    #[serde(default)]
    pub https_issuer: bool,
    /// The app's environment; the names of [`crate::placeholder::KNOWN`] are filled in.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// A port, or one that the harness chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Port {
    /// A free one.
    #[default]
    Auto,
    /// This one.
    Fixed(u16),
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Port;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a port number, or \"auto\" for a free one")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Port, E> {
                u16::try_from(value)
                    .map(Port::Fixed)
                    .map_err(|_| E::custom(format!("{value} is no port number")))
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Port, E> {
                match value {
                    "auto" => Ok(Port::Auto),
                    other => other
                        .parse()
                        .map(Port::Fixed)
                        .map_err(|_| E::custom(format!("`{other}` is no port"))),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The authorization server to use.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Idp {
    /// Start mock-idp in-process.
    pub builtin: bool,
    /// Which authorization server the app uses: `default`, the id of another custom one, or `org` for the org
    /// authorization server.
    pub server: String,
    /// Scopes that the custom authorization server knows beside the built-in ones.
    pub scopes: Vec<String>,
    /// Where an authorization server runs already, to be used instead of one in this process.
    pub url: Option<String>,
    /// Where that one keeps what it knows: a URL of Redis.
    pub store: Option<String>,
    /// Its port when the app is started by hand; with a start command it is free.
    pub port: u16,
    /// Where the app reaches it, where that is not where browsers do; `{idp.port}` is filled in.
    pub backend_url: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// How the client authenticates at the token endpoint: `client_secret_basic`, `client_secret_post`,
    /// `client_secret_jwt` or `private_key_jwt`.
    pub client_auth: AuthMethod,
    /// Public keys of a client that authenticates by `private_key_jwt`, as JWKs: `[{ kty = "RSA", n = "…", e = "AQAB" }]`.
    pub client_jwks: Vec<serde_json::Value>,
}

impl Default for Idp {
    fn default() -> Self {
        Self {
            builtin: true,
            server: "default".to_owned(),
            scopes: Vec::new(),
            url: None,
            store: None,
            port: 9494,
            backend_url: None,
            client_id: "conformance-web-app".to_owned(),
            client_secret: "conformance-secret-0123456789-abcdefghijkl".to_owned(),
            client_auth: AuthMethod::default(),
            client_jwks: Vec::new(),
        }
    }
}

/// How to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Run {
    /// `core`, `okta` or `asvs`.
    pub profile: Option<Profile>,
    /// Cases in flight at once.
    pub jobs: Option<usize>,
    /// Limit of one request in seconds.
    pub timeout: Option<f64>,
    /// How long the app may let its user wait, in seconds, when the authorization server answers late or never (65).
    /// Less makes runs against an app without time limits shorter; it must be more than the app's own limit.
    pub patience: Option<u64>,
    /// Seconds after a fetch of the key set within which the app may decline to fetch it again. Learnt by asking where the
    /// harness starts the app; else 60.
    pub cool_down: Option<u64>,
    /// Sign-ins a minute, for an app that limits requests; as fast as the app answers where it is not given.
    pub pace: Option<std::num::NonZeroU32>,
    /// Cases that are left out, each with its reason.
    pub skip: Vec<Skip>,
}

/// Which MUST* lines fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// OpenID Connect Core, RFC 6749, 7636, 9700 as written.
    Core,
    /// `core` plus what Okta's guides tell an app to do.
    #[default]
    Okta,
    /// `okta` plus OWASP ASVS 5.0 chapters 7 and 10.
    Asvs,
}

impl Profile {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Core => "core",
            Profile::Okta => "okta",
            Profile::Asvs => "asvs",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Profile::Core, Profile::Okta, Profile::Asvs];
        all.into_iter().find(|profile| profile.name() == name)
    }
}

/// A case that is left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// Case id or selector.
    pub case: String,
    /// Why.
    pub reason: String,
    /// Until when, `YYYY-MM-DD`.
    #[serde(default)]
    pub until: Option<String>,
}
