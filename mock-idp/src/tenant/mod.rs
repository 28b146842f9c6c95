//! An Okta org as data: authorization servers, clients, users.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::metadata::Features;

mod client;
mod server;
mod user;

pub use client::{ApplicationType, AuthMethod, Client, ConsentMethod, Rotation};
pub use server::{
    AuthServer, ClaimRule, ClaimToken, ClaimValue, Decision, GroupFilter, PolicyRule, Scope, ScopeConsent,
};
pub use user::{Subject, User, UserStatus, WRONG_PASSWORD};

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
    /// Origins beside those of redirect URIs from which browsers may call.
    pub trusted_origins: Vec<String>,
    /// API tokens, sent as `Authorization: SSWS {token}`.
    pub api_tokens: Vec<String>,
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
            trusted_origins: Vec::new(),
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

    /// The user of this login; logins ignore case.
    #[must_use]
    pub fn user(&self, login: &str) -> Option<&Arc<User>> {
        self.users.iter().find(|user| user.login.eq_ignore_ascii_case(login))
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
