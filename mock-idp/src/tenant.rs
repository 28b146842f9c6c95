//! An Okta org as data: authorization servers, clients, users.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    flow::scenario::Persona,
    protocol::{keys::digest43, metadata::Features, random},
};

/// An org.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name, shown on its pages.
    pub name: String,
    /// Its `00o…` id, the `idp` claim of local users.
    pub id: String,
    /// Custom authorization servers. The org server is always there.
    pub servers: Vec<AuthServer>,
    /// Registered applications.
    pub clients: Vec<Arc<Client>>,
    /// People.
    pub users: Vec<Arc<User>>,
    /// How the hosted page looks.
    pub page: PageStyle,
    /// Feature-dependent rows of the metadata.
    pub features: Features,
}

/// A custom authorization server.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthServer {
    /// Its id: `default`, or `aus` and 17 characters.
    pub id: String,
    /// The `aud` of its access tokens.
    pub audience: String,
    /// Scopes beside the built-in ones.
    pub scopes: Vec<String>,
    /// Lifetime of access tokens in seconds, 300 to 86,400.
    pub access_token_lifetime: i64,
}

/// A registered application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// Somebody who can sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The `00u…` id.
    pub id: String,
    /// The login.
    pub login: String,
    /// The password; without one every password but `wrong` is right.
    pub password: Option<String>,
    /// The e-mail address.
    pub email: String,
    /// `given_name`.
    pub given_name: String,
    /// `family_name`.
    pub family_name: String,
    /// Further profile attributes by claim name (`locale`, `zoneinfo`, `phone_number`, ...), shown as scopes allow.
    pub profile: Map<String, Value>,
    /// Groups by name.
    pub groups: Vec<String>,
}

/// How the hosted page looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageStyle {
    /// Identity Engine, user name and password on one page.
    #[default]
    OnePage,
    /// Identity Engine, the password on a second page.
    IdentifierFirst,
    /// The classic one-page form.
    Classic,
}

/// Who a token speaks of: a [`Persona`] and what only some claims need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Identity.
    pub persona: Persona,
    /// Further profile attributes by claim name.
    pub profile: Map<String, Value>,
    /// Groups by name.
    pub groups: Vec<String>,
    /// When the profile was last changed, seconds since 1970.
    pub updated_at: i64,
}

impl Default for Tenant {
    /// The org that one gets without any file: `default` server, one web client, Alice and Bob.
    fn default() -> Self {
        Self {
            name: "Mock Org".to_owned(),
            id: "00omockorg0000000001".to_owned(),
            servers: vec![AuthServer::new("default", "api://default")],
            clients: vec![Arc::new(default_client())],
            users: vec![
                Arc::new(User::named("alice@example.test", "Alice", "Example")),
                Arc::new(User::named("bob@example.test", "Bob", "Example")),
            ],
            page: PageStyle::default(),
            features: Features::default(),
        }
    }
}

impl Tenant {
    /// The client of this id.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The user of this login; logins ignore case.
    #[must_use]
    pub fn user(&self, login: &str) -> Option<&Arc<User>> {
        self.users.iter().find(|user| user.login.eq_ignore_ascii_case(login))
    }
}

impl AuthServer {
    /// A server with access tokens of one hour.
    #[must_use]
    pub fn new(id: &str, audience: &str) -> Self {
        Self {
            id: id.to_owned(),
            audience: audience.to_owned(),
            scopes: Vec::new(),
            access_token_lifetime: 3600,
        }
    }
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

impl User {
    /// A user whose e-mail address is the login. The id is derived from the login, so it is stable.
    #[must_use]
    pub fn named(login: &str, given_name: &str, family_name: &str) -> Self {
        let tail: String = digest43(&format!("mock-idp user {login}"))
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(17)
            .collect();
        Self {
            id: format!("00u{tail:0<17}"),
            login: login.to_owned(),
            email: login.to_owned(),
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            groups: vec!["Everyone".to_owned()],
            ..Self::default()
        }
    }

    /// A user by e-mail address alone; the names come from its local part.
    #[must_use]
    pub fn with_login(login: &str) -> Self {
        let local = login.split('@').next().unwrap_or(login);
        let (first, last) = local.split_once('.').unwrap_or((local, "Example"));
        Self::named(login, &capitalised(first), &capitalised(last))
    }

    /// Whether this is the password.
    #[must_use]
    pub fn accepts(&self, password: &str) -> bool {
        match &self.password {
            Some(right) => right == password,
            None => password != WRONG_PASSWORD,
        }
    }
}

/// The password that nobody without a password of their own accepts.
pub const WRONG_PASSWORD: &str = "wrong";

impl Subject {
    /// The subject that this user is.
    #[must_use]
    pub fn of(user: &User) -> Self {
        let name = format!("{} {}", user.given_name, user.family_name);
        Self {
            persona: Persona {
                sub: user.id.clone(),
                login: user.login.clone(),
                email: user.email.clone(),
                given_name: user.given_name.clone(),
                family_name: user.family_name.clone(),
                id_token_name: name.clone(),
                userinfo_name: name,
                claims: Map::new(),
            },
            profile: user.profile.clone(),
            groups: user.groups.clone(),
            updated_at: PROFILE_CHANGED,
        }
    }

    /// The subject of a scenario.
    #[must_use]
    pub fn from_persona(persona: &Persona) -> Self {
        Self {
            persona: persona.clone(),
            profile: Map::new(),
            groups: vec!["Everyone".to_owned()],
            updated_at: PROFILE_CHANGED,
        }
    }

    /// Somebody new, for a magic sign-in: a fresh `sub` each time, the name of the login.
    #[must_use]
    pub fn fresh(login: &str) -> Self {
        let mut user = User::with_login(login);
        user.id = random::okta_id("00u");
        Self::of(&user)
    }
}

/// A web client that fits the apps of Okta's guides as they stand: their ports and callback paths are registered.
fn default_client() -> Client {
    const PORTS: [u16; 4] = [3000, 5000, 8000, 8080];
    const CALLBACKS: [&str; 4] = [
        "/authorization-code/callback",
        "/callback",
        "/auth/callback",
        "/login/oauth2/code/okta",
    ];
    let mut client = Client::web("mock-web-client");
    for port in PORTS {
        let home = format!("http://localhost:{port}");
        for callback in CALLBACKS {
            client.redirect_uris.push(format!("{home}{callback}"));
        }
        client.post_logout_redirect_uris.push(format!("{home}/"));
        client.post_logout_redirect_uris.push(home);
    }
    client
}

/// `updated_at` of profiles that were never changed.
const PROFILE_CHANGED: i64 = 1_760_000_000;

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
