//! People, and what tokens say about them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FOUNDED, Persona, stable_id};
use crate::protocol::random;

/// Somebody who can sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// A second factor: the secret of an authenticator app, base32 (RFC 6238, six digits every thirty seconds), or
    /// `email:` and the code that every e-mail holds.
    #[serde(default, skip_serializing)]
    pub totp: Option<String>,
    /// Whether a second factor must be set up at the next sign-in.
    #[serde(default)]
    pub must_enroll: bool,
    /// In how many days the password expires, if that is to be warned of.
    #[serde(default)]
    pub password_expires_in: Option<u32>,
    /// Where in its life the account stands.
    #[serde(default)]
    pub status: UserStatus,
    /// When what happened to the account.
    #[serde(default)]
    pub times: UserTimes,
}

/// The code of a second factor by e-mail; `None` if it is the secret of an authenticator app.
pub(crate) fn emailed_code(factor: &str) -> Option<&str> {
    factor.strip_prefix("email:")
}

/// An address as Okta shows it to somebody who is not signed in yet: `a***e@example.test`.
pub(crate) fn masked_address(address: &str) -> String {
    let (name, domain) = address.split_once('@').unwrap_or((address, ""));
    let first = name.chars().next().map(String::from).unwrap_or_default();
    let last = name.chars().skip(1).last().map(String::from).unwrap_or_default();
    format!("{first}***{last}@{domain}")
}

/// When what happened to an account, seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserTimes {
    /// It was created.
    pub created: i64,
    /// It became active.
    pub activated: Option<i64>,
    /// Its status was last changed.
    pub status_changed: Option<i64>,
    /// It was last changed in any way.
    pub changed: i64,
    /// Its password was last set.
    pub password_changed: Option<i64>,
}

impl Default for UserTimes {
    fn default() -> Self {
        Self {
            created: FOUNDED,
            activated: Some(FOUNDED),
            status_changed: Some(FOUNDED),
            changed: FOUNDED,
            password_changed: Some(FOUNDED),
        }
    }
}

/// Where in its life an account stands; only active users can sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserStatus {
    /// Created, not activated.
    Staged,
    /// Activated, without a password yet.
    Provisioned,
    /// Can sign in.
    #[default]
    Active,
    /// Suspended.
    Suspended,
    /// Deactivated.
    Deprovisioned,
    /// Too many wrong passwords.
    LockedOut,
    /// The password must be changed first.
    PasswordExpired,
    /// A reset of the password was begun.
    Recovery,
}

/// Who a token speaks of: a [`Persona`] and what only some claims need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Identity.
    pub persona: Persona,
    /// Further profile attributes by claim name.
    pub profile: Map<String, Value>,
    /// Groups by name.
    pub groups: Vec<String>,
    /// Whether this is nobody of the org: a scenario's or a magic user, who is assigned to everything.
    pub guest: bool,
    /// When the profile was last changed, seconds since 1970.
    pub updated_at: i64,
}

impl User {
    /// A user whose e-mail address is the login, if that is an address; otherwise he has none. The id is derived from the login, so it is stable.
    #[must_use]
    pub fn named(login: &str, given_name: &str, family_name: &str) -> Self {
        Self {
            id: stable_id("00u", &format!("user {login}")),
            login: login.to_owned(),
            email: if login.contains('@') {
                login.to_owned()
            } else {
                String::new()
            },
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

impl From<&str> for User {
    /// As [`User::with_login`].
    fn from(login: &str) -> Self {
        Self::with_login(login)
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
            guest: false,
            updated_at: user.times.changed,
        }
    }

    /// A profile attribute, by its name in claims or in Okta's profiles.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Value> {
        let persona = &self.persona;
        let text = match name {
            "login" | "preferred_username" | "userName" => &persona.login,
            "email" if persona.email.is_empty() => return None,
            "email" => &persona.email,
            "given_name" | "firstName" => &persona.given_name,
            "family_name" | "lastName" => &persona.family_name,
            _ => {
                return self
                    .profile
                    .get(claim_name(name))
                    .filter(|value| !value.is_null())
                    .cloned();
            }
        };
        Some(Value::String(text.clone()))
    }

    /// The subject of a scenario.
    #[must_use]
    pub fn from_persona(persona: &Persona) -> Self {
        Self {
            persona: persona.clone(),
            profile: Map::new(),
            groups: vec!["Everyone".to_owned()],
            guest: true,
            updated_at: FOUNDED,
        }
    }

    /// Somebody new, for a magic sign-in: a fresh `sub` each time, the name of the login.
    #[must_use]
    pub fn fresh(login: &str) -> Self {
        let mut user = User::with_login(login);
        user.id = random::okta_id("00u");
        Self {
            guest: true,
            ..Self::of(&user)
        }
    }
}

/// Attributes whose names in Okta's profiles and in claims differ.
pub(crate) const PROFILE_NAMES: &[(&str, &str)] = &[
    ("nickName", "nickname"),
    ("middleName", "middle_name"),
    ("profileUrl", "profile"),
    ("timezone", "zoneinfo"),
    ("primaryPhone", "phone_number"),
];

/// The name under which an attribute is kept: that of its claim.
fn claim_name(name: &str) -> &str {
    let known = PROFILE_NAMES.iter().find(|(profile, _)| *profile == name);
    known.map_or(name, |(_, claim)| claim)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
