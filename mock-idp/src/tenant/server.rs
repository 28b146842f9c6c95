//! Custom authorization servers: scopes, claims, access policies.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Client, Subject};

/// A custom authorization server.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthServer {
    /// Its id: `default`, or `aus` and 17 characters.
    pub id: String,
    /// The `aud` of its access tokens.
    pub audience: String,
    /// Scopes beside the built-in ones.
    pub scopes: Vec<Scope>,
    /// Claims beside the built-in ones.
    pub claims: Vec<ClaimRule>,
    /// Who gets tokens; `None` for everybody, empty for nobody (as in new orgs).
    pub policy: Option<Vec<PolicyRule>>,
    /// Lifetime of access tokens in seconds, 300 to 86,400.
    pub access_token_lifetime: i64,
    /// Lifetime of refresh tokens in seconds, from the sign-in on.
    pub refresh_token_lifetime: i64,
    /// After so many seconds without use a refresh token is dead.
    pub refresh_token_idle: i64,
}

/// A scope of a custom server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// What the consent page calls it.
    #[serde(default)]
    pub description: String,
    /// Whether users are asked.
    #[serde(default)]
    pub consent: ScopeConsent,
    /// Whether a request without scopes gets it.
    #[serde(default)]
    pub default: bool,
    /// Whether the metadata lists it.
    #[serde(default = "yes")]
    pub published: bool,
}

/// Whether users are asked for a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScopeConsent {
    /// Never.
    #[default]
    Implicit,
    /// Always, if the client requires consent.
    Required,
    /// As `Required`, but granted silently to clients without users.
    Flexible,
}

/// A claim of a custom server.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRule {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: ClaimValue,
    /// Where it goes.
    pub token: ClaimToken,
    /// For ID tokens: also in those that stand next to an access token; otherwise only userinfo has it there.
    pub always: bool,
    /// Only with one of these scopes; empty for always.
    pub scopes: Vec<String>,
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimValue {
    /// The same for everybody.
    Static(Value),
    /// A profile attribute of the user.
    Attribute(String),
    /// The user's groups that pass.
    Groups(GroupFilter),
}

/// Which groups pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupFilter {
    /// Those that begin so.
    StartsWith(String),
    /// The one of this name.
    Equals(String),
    /// Those that hold this.
    Contains(String),
    /// Those that match this as a whole.
    Regex(String),
}

/// Where a claim goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimToken {
    /// Into the ID token (and userinfo).
    #[default]
    Id,
    /// Into the access token.
    Access,
}

/// A rule of an access policy; it matches if every list does. Empty lists match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyRule {
    /// Client ids.
    pub clients: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// Logins.
    pub users: Vec<String>,
    /// Group names; one is enough.
    pub groups: Vec<String>,
    /// Scopes that may be asked for.
    pub scopes: Vec<String>,
}

/// What an access policy says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed,
    /// No rule is meant for this client, user and grant.
    NoRule,
    /// None of the scopes may be asked for.
    AllScopesDenied,
    /// Some may not, and scopes are never trimmed.
    SomeScopesDenied(Vec<String>),
}

impl AuthServer {
    /// A server with access tokens of one hour, open to everybody.
    #[must_use]
    pub fn new(id: &str, audience: &str) -> Self {
        Self {
            id: id.to_owned(),
            audience: audience.to_owned(),
            scopes: Vec::new(),
            claims: Vec::new(),
            policy: None,
            access_token_lifetime: 3600,
            refresh_token_lifetime: 90 * 24 * 3600,
            refresh_token_idle: 7 * 24 * 3600,
        }
    }

    /// The scope of this name, if it is none of the built-in ones.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// What the access policy says.
    #[must_use]
    pub fn decide(&self, client: &Client, subject: Option<&Subject>, grant_type: &str, scopes: &[String]) -> Decision {
        let Some(rules) = &self.policy else {
            return Decision::Allowed;
        };
        if subject.is_some_and(|subject| subject.guest) {
            return Decision::Allowed;
        }
        let Some(rule) = rules.iter().find(|rule| rule.is_for(client, subject, grant_type)) else {
            return Decision::NoRule;
        };
        let denied: Vec<String> = scopes
            .iter()
            .filter(|scope| !lists(&rule.scopes, scope))
            .cloned()
            .collect();
        match denied.len() {
            0 => Decision::Allowed,
            count if count == scopes.len() => Decision::AllScopesDenied,
            _ => Decision::SomeScopesDenied(denied),
        }
    }

    /// Custom claims for one kind of token. `thin` is an ID token next to an access token.
    #[must_use]
    pub fn custom_claims(
        &self,
        token: ClaimToken,
        thin: bool,
        subject: Option<&Subject>,
        scopes: &[String],
    ) -> Map<String, Value> {
        self.claims
            .iter()
            .filter(|rule| rule.token == token && (rule.always || !thin))
            .filter(|rule| rule.scopes.is_empty() || rule.scopes.iter().any(|scope| scopes.contains(scope)))
            .filter_map(|rule| Some((rule.name.clone(), rule.value.of(subject)?)))
            .collect()
    }
}

impl PolicyRule {
    fn is_for(&self, client: &Client, subject: Option<&Subject>, grant_type: &str) -> bool {
        lists(&self.clients, &client.id)
            && lists(&self.grant_types, grant_type)
            && (self.users.is_empty() || subject.is_some_and(|subject| self.users.contains(&subject.persona.login)))
            && (self.groups.is_empty()
                || subject.is_some_and(|subject| self.groups.iter().any(|group| subject.groups.contains(group))))
    }
}

impl ClaimValue {
    /// The value for this user; `None` leaves the claim out.
    fn of(&self, subject: Option<&Subject>) -> Option<Value> {
        match self {
            Self::Static(value) => Some(value.clone()),
            Self::Attribute(name) => subject?.attribute(name),
            Self::Groups(filter) => Some(json!(filter.of(&subject?.groups))),
        }
    }
}

impl GroupFilter {
    /// The groups that pass.
    #[must_use]
    pub fn of(&self, groups: &[String]) -> Vec<String> {
        let whole = match self {
            Self::Regex(pattern) => Regex::new(&format!("^(?:{pattern})$")).ok(),
            _ => None,
        };
        let passes = |group: &&String| match self {
            Self::StartsWith(text) => group.starts_with(text),
            Self::Equals(text) => *group == text,
            Self::Contains(text) => group.contains(text),
            Self::Regex(_) => whole.as_ref().is_some_and(|pattern| pattern.is_match(group)),
        };
        groups.iter().filter(passes).cloned().collect()
    }
}

fn lists(list: &[String], entry: &str) -> bool {
    list.is_empty() || list.iter().any(|known| known == entry || known == "*")
}

fn yes() -> bool {
    true
}
