//! Users, and who is signed in next without the page.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Control,
    input::{Body, Part},
    problem::Problem,
    system::Done,
};
use crate::{
    flow::armed::NextLogin,
    tenant::{EVERYONE, User, UserStatus},
};

/// Somebody who can sign in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Person {
    /// The `sub` of ID tokens.
    id: String,
    login: String,
    email: String,
    given_name: String,
    family_name: String,
    groups: Vec<String>,
    /// Further profile attributes by claim name.
    profile: Map<String, Value>,
    /// Whether a password of their own is wanted; otherwise every one but `wrong` is right.
    has_password: bool,
    /// Whether a second factor is asked for.
    has_totp: bool,
    /// As the management API says it: `ACTIVE`, `SUSPENDED`, …
    status: Value,
}

impl Person {
    fn of(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            login: user.login.clone(),
            email: user.email.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            groups: user.groups.clone(),
            profile: user.profile.clone(),
            has_password: user.password.is_some(),
            has_totp: user.totp.is_some(),
            status: serde_json::to_value(user.status).unwrap_or_default(),
        }
    }
}

/// What is to change; what is left out stays, or is as for a user given by login alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PersonInput {
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    /// All of them; `Everyone` is always added.
    groups: Option<Vec<String>>,
    /// A password of their own.
    password: Option<String>,
    /// A second factor: the secret of an authenticator app, base32, or `email:` and the code that every e-mail holds.
    totp: Option<String>,
    /// Profile attributes by claim name; they replace those of the same name, and `null` takes one away.
    profile: Option<Map<String, Value>>,
    /// `ACTIVE`, `SUSPENDED`, `LOCKED_OUT`, `PASSWORD_EXPIRED`, …
    #[schemars(with = "Option<String>")]
    status: Option<UserStatus>,
}

/// Longer logins are refused, in characters (Okta's limit).
const LONGEST_LOGIN: usize = 100;

pub(crate) async fn list(State(control): State<Control>) -> Json<Vec<Person>> {
    Json(control.idp.tenant().users.iter().map(|user| Person::of(user)).collect())
}

pub(crate) async fn one(State(control): State<Control>, Part(login): Part) -> Result<Json<Person>, Problem> {
    let tenant = control.idp.tenant();
    tenant
        .user(&login)
        .map(|user| Json(Person::of(user)))
        .ok_or_else(|| control.no_user(&login))
}

pub(crate) async fn put(
    State(control): State<Control>,
    Part(login): Part,
    Body(input): Body<PersonInput>,
) -> Result<(StatusCode, Json<Person>), Problem> {
    if login.trim().is_empty() || login.chars().count() > LONGEST_LOGIN || login.chars().any(char::is_control) {
        return Err(Problem::bad(format!(
            "a login has 1 to {LONGEST_LOGIN} printable characters"
        )));
    }
    let changed = control.idp.change_tenant(|tenant| {
        let known = tenant
            .users
            .iter()
            .position(|user| user.login.eq_ignore_ascii_case(&login));
        let status = if known.is_some() {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        let at = known.unwrap_or_else(|| {
            tenant.users.push(Arc::new(User::with_login(&login)));
            tenant.users.len() - 1
        });
        let user = Arc::make_mut(&mut tenant.users[at]);
        input.apply(user);
        let person = Person::of(user);
        tenant.found_groups();
        (status, Json(person))
    });
    Ok(changed)
}

impl PersonInput {
    fn apply(self, user: &mut User) {
        let set = |place: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        set(&mut user.email, self.email);
        set(&mut user.given_name, self.given_name);
        set(&mut user.family_name, self.family_name);
        if let Some(mut groups) = self.groups {
            if !groups.iter().any(|group| group == EVERYONE) {
                groups.insert(0, EVERYONE.to_owned());
            }
            user.groups = groups;
        }
        if self.password.is_some() {
            user.password = self.password;
        }
        if self.totp.is_some() {
            user.totp = self.totp;
        }
        for (name, value) in self.profile.into_iter().flatten() {
            if value.is_null() {
                user.profile.shift_remove(&name);
            } else {
                user.profile.insert(name, value);
            }
        }
        if let Some(status) = self.status {
            user.status = status;
        }
    }
}

pub(crate) async fn delete(State(control): State<Control>, Part(login): Part) -> Result<Json<Done>, Problem> {
    let found = control.idp.tenant().user(&login).cloned();
    let user = found.ok_or_else(|| control.no_user(&login))?;
    control
        .idp
        .change_tenant(|tenant| tenant.users.retain(|other| other.id != user.id));
    control.idp.end_everything(&user.id);
    Ok(Done::yes())
}

/// Somebody who waits to be signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LoginView {
    user: String,
    /// Only at this client; any, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Whether this counts for one sign-in only.
    once: bool,
}

impl From<NextLogin> for LoginView {
    fn from(next: NextLogin) -> Self {
        Self {
            user: next.login,
            client: next.client,
            once: next.once,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginInput {
    /// The login of somebody of this org.
    user: String,
    /// Only at this client.
    client: Option<String>,
    /// For one sign-in only, which is the default.
    #[serde(default = "yes")]
    once: bool,
}

const fn yes() -> bool {
    true
}

pub(crate) async fn login(
    State(control): State<Control>,
    Body(input): Body<LoginInput>,
) -> Result<Json<LoginView>, Problem> {
    let found = control.idp.tenant().user(&input.user).cloned();
    let user = found.ok_or_else(|| control.no_user(&input.user))?;
    if let Some(client) = &input.client {
        control.known_client(client)?;
    }
    let next = NextLogin {
        login: user.login.clone(),
        client: input.client,
        once: input.once,
    };
    control.idp.store.next_logins.add(&next);
    Ok(Json(next.into()))
}

pub(crate) async fn next_logins(State(control): State<Control>) -> Json<Vec<LoginView>> {
    let list = control.idp.store.next_logins.list();
    Json(list.into_iter().map(LoginView::from).collect())
}

pub(crate) async fn clear_logins(State(control): State<Control>) -> Json<Done> {
    control.idp.store.next_logins.clear();
    Done::yes()
}

impl Control {
    pub(crate) fn no_user(&self, login: &str) -> Problem {
        let tenant = self.idp.tenant();
        Problem::unknown("user", login, tenant.users.iter().map(|user| user.login.as_str()))
    }

    pub(crate) fn known_client(&self, id: &str) -> Result<(), Problem> {
        let tenant = self.idp.tenant();
        match tenant.client(id) {
            Some(_) => Ok(()),
            None => Err(Problem::unknown(
                "client",
                id,
                tenant.clients.iter().map(|client| client.id.as_str()),
            )),
        }
    }
}
