//! Custom authorization servers: scopes, claims, access policies.

use std::sync::Arc;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Client, FOUNDED, Subject, same_login, stable_id};
use crate::protocol::keys::SigningKey;

/// A custom authorization server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// The same as the management API tells it. Empty until it is asked: see [`AuthServer::change_policies`].
    pub policies: Vec<AccessPolicy>,
    /// Its name in the management API.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where its issuer is, for an org with a domain of its own.
    pub issuer_mode: IssuerMode,
    /// Whether it is active; an inactive one is not found by anybody but the management API.
    pub active: bool,
    /// When it was created and last changed, seconds since 1970.
    pub times: (i64, i64),
    /// Lifetime of access tokens in seconds, 300 to 86,400.
    pub access_token_lifetime: i64,
    /// Lifetime of refresh tokens in seconds, from the sign-in on.
    pub refresh_token_lifetime: i64,
    /// After so many seconds without use a refresh token is dead.
    pub refresh_token_idle: i64,
    /// What signs its tokens until keys are rotated, where it is no key that is stored with the crate.
    #[serde(skip)]
    pub signing_key: Option<Arc<SigningKey>>,
}

/// Where the issuer of a custom server is (`issuerMode`), for an org with a domain of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IssuerMode {
    /// At the org's URL.
    OrgUrl,
    /// At its own domain.
    CustomUrl,
    /// Wherever it is asked.
    #[default]
    Dynamic,
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
    /// Its name on the consent page; empty for its own.
    #[serde(default)]
    pub display_name: String,
    /// Whether the user can leave it out.
    #[serde(default)]
    pub optional: bool,
    /// Its id in the management API; empty for one that follows from its name.
    #[serde(skip)]
    pub id: String,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// Its id in the management API; empty for one that follows from its name.
    pub id: String,
    /// Whether it is put in at all.
    pub active: bool,
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClaimValue {
    /// The same for everybody.
    Static(Value),
    /// A profile attribute of the user.
    Attribute(String),
    /// The user's groups that pass.
    Groups(GroupFilter),
    /// These one after the other, as text.
    Joined(Vec<ClaimValue>),
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

/// A rule of an access policy; it matches if every list does, where users and groups are one. Empty lists match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyRule {
    /// Client ids.
    pub clients: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// Logins or ids.
    pub users: Vec<String>,
    /// Group names; one is enough.
    pub groups: Vec<String>,
    /// Scopes that may be asked for.
    pub scopes: Vec<String>,
    /// Logins or ids of those that are left out.
    pub except_users: Vec<String>,
    /// Names of groups that are left out.
    pub except_groups: Vec<String>,
    /// Lifetime of access tokens in seconds, where it is not that of the server.
    pub access_token_lifetime: Option<i64>,
    /// Lifetime of refresh tokens in seconds, where it is not that of the server.
    pub refresh_token_lifetime: Option<i64>,
    /// After so many seconds without use a refresh token is dead, where it is not that of the server.
    pub refresh_token_idle: Option<i64>,
}

/// An access policy: rules for some clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// The `00p…` id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is asked at all.
    pub active: bool,
    /// Client ids; empty for all.
    pub clients: Vec<String>,
    /// In the order in which they are asked.
    pub rules: Vec<AccessRule>,
    /// When it was created and last changed, seconds since 1970.
    pub times: (i64, i64),
}

/// A rule of an [`AccessPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// The `0pr…` id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is asked at all.
    pub active: bool,
    /// What it says. Its clients are those of the policy.
    pub rule: PolicyRule,
    /// When it was created and last changed, seconds since 1970.
    pub times: (i64, i64),
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
            policies: Vec::new(),
            name: id.to_owned(),
            description: String::new(),
            issuer_mode: IssuerMode::default(),
            active: true,
            times: (FOUNDED, FOUNDED),
            access_token_lifetime: 3600,
            refresh_token_lifetime: 90 * 24 * 3600,
            refresh_token_idle: 7 * 24 * 3600,
            signing_key: None,
        }
    }

    /// The scope of this name, if it is none of the built-in ones.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The policies as the management API tells them, where nobody has changed them yet.
    #[must_use]
    pub fn told_policies(&self) -> Vec<AccessPolicy> {
        if !self.policies.is_empty() {
            return self.policies.clone();
        }
        let rules = match &self.policy {
            Some(rules) if rules.is_empty() => return Vec::new(),
            Some(rules) => rules.clone(),
            None => vec![PolicyRule::default()],
        };
        let numbered = rules.into_iter().enumerate().map(|(number, rule)| AccessPolicy {
            id: stable_id("00p", &format!("policy {number} of {}", self.id)),
            name: if number == 0 {
                "Default Policy".to_owned()
            } else {
                format!("Policy {}", number + 1)
            },
            description: "Access policy of the configuration".to_owned(),
            active: true,
            clients: rule.clients.clone(),
            rules: vec![AccessRule {
                id: stable_id("0pr", &format!("rule {number} of {}", self.id)),
                name: "Default Policy Rule".to_owned(),
                active: true,
                rule,
                times: self.times,
            }],
            times: self.times,
        });
        numbered.collect()
    }

    /// Changes the policies; what they say is in force at once.
    pub fn change_policies<R>(&mut self, change: impl FnOnce(&mut Vec<AccessPolicy>) -> R) -> R {
        self.policies = self.told_policies();
        let result = change(&mut self.policies);
        let active = self.policies.iter().filter(|policy| policy.active);
        let rules = active.flat_map(|policy| {
            let rules = policy.rules.iter().filter(|rule| rule.active);
            rules.map(|rule| PolicyRule {
                clients: policy.clients.clone(),
                ..rule.rule.clone()
            })
        });
        self.policy = Some(rules.collect());
        result
    }

    /// The first rule that is meant for this client, user and grant.
    #[must_use]
    pub fn rule(&self, client: &Client, subject: Option<&Subject>, grant_type: &str) -> Option<&PolicyRule> {
        let rules = self.policy.as_ref()?;
        rules.iter().find(|rule| rule.is_for(client, subject, grant_type))
    }

    /// What the access policy says.
    #[must_use]
    pub fn decide(&self, client: &Client, subject: Option<&Subject>, grant_type: &str, scopes: &[String]) -> Decision {
        if self.policy.is_none() || subject.is_some_and(|subject| subject.guest) {
            return Decision::Allowed;
        }
        let Some(rule) = self.rule(client, subject, grant_type) else {
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
            .filter(|rule| rule.active && rule.token == token && (rule.always || !thin))
            .filter(|rule| rule.scopes.is_empty() || rule.scopes.iter().any(|scope| scopes.contains(scope)))
            .filter_map(|rule| Some((rule.name.clone(), rule.value.of(subject)?)))
            .collect()
    }
}

impl PolicyRule {
    fn is_for(&self, client: &Client, subject: Option<&Subject>, grant_type: &str) -> bool {
        let is_user = |users: &[String]| subject.is_some_and(|subject| names(users, subject));
        let is_in = |groups: &[String]| {
            subject.is_some_and(|subject| groups.iter().any(|group| subject.groups.contains(group)))
        };
        let anybody = self.users.is_empty() && self.groups.is_empty();
        lists(&self.clients, &client.id)
            && lists(&self.grant_types, grant_type)
            && (anybody || is_user(&self.users) || is_in(&self.groups))
            && !is_user(&self.except_users)
            && !is_in(&self.except_groups)
    }
}

/// Whether the list has this user, by login or by id.
fn names(users: &[String], subject: &Subject) -> bool {
    let persona = &subject.persona;
    users
        .iter()
        .any(|user| *user == persona.sub || same_login(user, &persona.login))
}

impl ClaimValue {
    /// The value for this user; `None` leaves the claim out.
    fn of(&self, subject: Option<&Subject>) -> Option<Value> {
        match self {
            Self::Static(value) => Some(value.clone()),
            Self::Attribute(name) => subject?.attribute(name),
            Self::Groups(filter) => Some(json!(filter.of(&subject?.groups))),
            Self::Joined(parts) => {
                let texts = parts.iter().map(|part| match part.of(subject) {
                    Some(Value::String(text)) => text,
                    Some(other) => other.to_string(),
                    None => String::new(),
                });
                Some(Value::String(texts.collect()))
            }
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
