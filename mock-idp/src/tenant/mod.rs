//! An Okta org as data: authorization servers, clients, users.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::keys::digest43;

mod client;
mod features;
mod group;
mod persona;
mod server;
mod unverified;
mod user;

pub use client::{ApplicationType, AuthMethod, Client, ConsentMethod, Rotation};
pub use features::Features;
pub use group::{EVERYONE, Group};
pub use persona::Persona;
pub use server::{
    AccessPolicy, AccessRule, AuthServer, ClaimRule, ClaimToken, ClaimValue, Decision, GroupFilter, IssuerMode,
    PolicyRule, Scope, ScopeConsent,
};
pub use unverified::Unverified;
pub(crate) use user::{PROFILE_NAMES, emailed_code, masked_address};
pub use user::{Subject, User, UserStatus, UserTimes, WRONG_PASSWORD};

/// An org.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name, shown on its pages.
    pub name: String,
    /// Its `00o…` id, the `idp` claim of local users.
    pub id: String,
    /// Where browsers reach it, if not at the issuer; without a trailing slash.
    pub browser_url: Option<String>,
    /// Where applications reach it, if not at the issuer; without a trailing slash.
    pub backend_url: Option<String>,
    /// Its own domain beside the URL that it is served at, without a trailing slash.
    pub custom_domain: Option<String>,
    /// Custom authorization servers. The org server is always there.
    pub servers: Vec<AuthServer>,
    /// Registered applications.
    pub clients: Vec<Arc<Client>>,
    /// People.
    pub users: Vec<Arc<User>>,
    /// Groups that exist beyond those that users, assignments and policies name.
    pub groups: Vec<Arc<Group>>,
    /// How the hosted page looks.
    pub page: PageStyle,
    /// Whether Identity Engine's pages have the elements of the third generation of Okta's widget, not those of the second.
    pub third_generation: bool,
    /// Feature-dependent rows of the metadata.
    pub features: Features,
    /// What is not known of Okta.
    pub unverified: Unverified,
    /// Origins beside those of redirect URIs from which browsers may call.
    pub trusted_origins: Vec<String>,
    /// How often somebody may ask.
    pub rate_limit: RateLimit,
    /// Whether Universal Logout names users by e-mail address instead of by issuer and id.
    pub universal_logout_by_email: bool,
    /// API tokens, sent as `Authorization: SSWS {token}`.
    pub api_tokens: Vec<String>,
}

/// How often somebody may ask, requests a minute; without a number as often as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimit {
    /// For each client (and device), and for each API token.
    pub per_client: Option<u32>,
    /// For each user who is signed in.
    pub per_user: Option<u32>,
    /// Not by the minute: how many user codes of one client may wait for somebody at once (`device/authorize`).
    pub user_codes: Option<u32>,
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
    /// As [`PageStyle::OnePage`], with a button for each user and a panel that makes the sign-in fail.
    Companion,
}

impl Default for Tenant {
    /// The org that one gets without any file: `default` server, one web client, Alice and Bob.
    fn default() -> Self {
        Self {
            name: "Mock Org".to_owned(),
            id: "00omockorg0000000001".to_owned(),
            browser_url: None,
            backend_url: None,
            custom_domain: None,
            servers: vec![AuthServer::new("default", "api://default")],
            clients: vec![Arc::new(default_client())],
            users: vec![
                Arc::new(User::named("alice@example.test", "Alice", "Example")),
                Arc::new(User::named("bob@example.test", "Bob", "Example")),
            ],
            groups: Vec::new(),
            page: PageStyle::default(),
            third_generation: false,
            features: Features::default(),
            unverified: Unverified::default(),
            trusted_origins: Vec::new(),
            rate_limit: RateLimit::default(),
            universal_logout_by_email: false,
            api_tokens: vec!["mock-api-token".to_owned()],
        }
    }
}

impl Tenant {
    /// The client of this id.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The user of this id.
    #[must_use]
    pub fn user_by_id(&self, id: &str) -> Option<&Arc<User>> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The group of this id.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// Makes a group of every name that users and assignments mention.
    pub(crate) fn found_groups(&mut self) {
        let of_users = self
            .users
            .iter()
            .flat_map(|user| user.groups.iter().map(String::as_str));
        let entries = self.clients.iter().flat_map(|client| client.assigned.iter().flatten());
        let of_clients = entries.filter_map(|entry| entry.strip_prefix("group:"));
        let mut names: Vec<&str> = [EVERYONE].into_iter().chain(of_users).chain(of_clients).collect();
        names.retain(|name| !self.groups.iter().any(|group| group.name == *name));
        names.sort_unstable();
        names.dedup();
        let groups: Vec<Arc<Group>> = names
            .into_iter()
            .map(|name| Arc::new(Group::named(name, FOUNDED)))
            .collect();
        self.groups.extend(groups);
    }

    /// The user of this login; logins ignore case.
    #[must_use]
    pub fn user(&self, login: &str) -> Option<&Arc<User>> {
        self.users.iter().find(|user| same_login(&user.login, login))
    }
}

/// Whether these are the same login: upper and lower case do not matter, of any alphabet.
pub(crate) fn same_login(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// When what a configuration names was created, as the management API tells it; seconds since 1970.
pub(crate) const FOUNDED: i64 = 1_760_000_000;

/// An Okta id that is the same in every run: the three characters that fix the type, and 17 from the digest of a text.
pub(crate) fn stable_id(prefix: &str, text: &str) -> String {
    let digest = digest43(&format!("mock-idp {text}"));
    let tail: String = digest.chars().filter(char::is_ascii_alphanumeric).take(17).collect();
    format!("{prefix}{tail:0<17}")
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
