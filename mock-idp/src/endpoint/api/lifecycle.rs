//! `POST /api/v1/users/{id}/lifecycle/{operation}`: the states of an account.

use serde_json::json;

use super::{cause, flag, invalid, not_found, ok, part};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        api::{
            self,
            users::{change, document, mailed, named, set_status},
        },
    },
    exchange::Exchange,
    okta::error::{API_ALREADY_ACTIVE, API_PATH_NOT_FOUND, API_STATE, API_UNLOCK},
    protocol::random,
    tenant::{User, UserStatus},
};

/// What fails by its name where Okta names no field; seen where somebody was to be unsuspended.
const SUSPEND: &str = "suspendUser";

type Operation = fn(&Exchange, &User) -> Answered;

#[rustfmt::skip]
const OPERATIONS: &[(&str, Operation)] = &[
    ("activate",        activate),
    ("reactivate",      reactivate),
    ("deactivate",      deactivate),
    ("suspend",         suspend),
    ("unsuspend",       unsuspend),
    ("unlock",          unlock),
    ("reset_password",  reset_password),
    ("expire_password", expire_password),
    ("reset_factors",   reset_factors),
];

/// `POST /api/v1/users/{id}/lifecycle/{operation}`
pub(crate) fn user(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let name = part(exchange, 5);
    let Some((_, operation)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
        return Err(API_PATH_NOT_FOUND.into());
    };
    let user = named(exchange)?;
    operation(exchange, &user)
}

fn to(exchange: &Exchange, user: &User, status: UserStatus) -> Result<(), Refusal> {
    change(exchange, &user.id, |user, now| set_status(user, status, now)).map(|_| ())
}

fn activate(exchange: &Exchange, user: &User) -> Answered {
    match user.status {
        UserStatus::Staged | UserStatus::Deprovisioned | UserStatus::Provisioned => {}
        UserStatus::Active => return Err(API_ALREADY_ACTIVE.into()),
        _ => return Err(API_STATE.into()),
    }
    let status = if user.password.is_some() {
        UserStatus::Active
    } else {
        UserStatus::Provisioned
    };
    to(exchange, user, status)?;
    change(exchange, &user.id, |user, now| {
        user.times.activated.get_or_insert(now);
    })?;
    activation(exchange)
}

fn reactivate(exchange: &Exchange, user: &User) -> Answered {
    if user.status != UserStatus::Provisioned {
        return Err(API_STATE.into());
    }
    activation(exchange)
}

fn activation(exchange: &Exchange) -> Answered {
    let token = random::alphanumeric(20);
    let url = format!("{}/welcome/{token}", exchange.org());
    mailed(exchange, json!({"activationUrl": url, "activationToken": token}))
}

fn deactivate(exchange: &Exchange, user: &User) -> Answered {
    if user.status == UserStatus::Deprovisioned {
        return Err(not_found(&user.id, "User"));
    }
    exchange.idp.end_everything(&user.id);
    to(exchange, user, UserStatus::Deprovisioned)?;
    ok(json!({}))
}

fn suspend(exchange: &Exchange, user: &User) -> Answered {
    if user.status != UserStatus::Active {
        return Err(invalid(SUSPEND, &[cause::NOT_ACTIVE.to_owned()]));
    }
    exchange.idp.end_sessions(&user.id);
    to(exchange, user, UserStatus::Suspended)?;
    ok(json!({}))
}

fn unsuspend(exchange: &Exchange, user: &User) -> Answered {
    if user.status != UserStatus::Suspended {
        return Err(invalid(SUSPEND, &[cause::NOT_SUSPENDED.to_owned()]));
    }
    to(exchange, user, UserStatus::Active)?;
    ok(json!({}))
}

fn unlock(exchange: &Exchange, user: &User) -> Answered {
    if user.status != UserStatus::LockedOut {
        return Err(API_UNLOCK.into());
    }
    to(exchange, user, UserStatus::Active)?;
    ok(json!({}))
}

fn reset_password(exchange: &Exchange, user: &User) -> Answered {
    let may = matches!(
        user.status,
        UserStatus::Active | UserStatus::PasswordExpired | UserStatus::Recovery | UserStatus::LockedOut
    );
    if !may {
        return Err(API_STATE.into());
    }
    if flag(exchange, "revokeSessions", false) {
        exchange.idp.end_sessions(&user.id);
    }
    to(exchange, user, UserStatus::Recovery)?;
    let url = format!("{}/reset_password/{}", exchange.org(), random::alphanumeric(20));
    mailed(exchange, json!({ "resetPasswordUrl": url }))
}

fn expire_password(exchange: &Exchange, user: &User) -> Answered {
    if !matches!(
        user.status,
        UserStatus::Active | UserStatus::PasswordExpired | UserStatus::Recovery
    ) {
        return Err(API_STATE.into());
    }
    let temporary = flag(exchange, "tempPassword", false).then(|| random::alphanumeric(12));
    let changed = change(exchange, &user.id, |user, now| {
        if let Some(password) = &temporary {
            user.password = Some(password.clone());
            user.times.password_changed = Some(now);
        }
        set_status(user, UserStatus::PasswordExpired, now);
    })?;
    match temporary {
        Some(password) => ok(json!({ "tempPassword": password })),
        None => ok(document(exchange, &changed, true)),
    }
}

fn reset_factors(exchange: &Exchange, user: &User) -> Answered {
    change(exchange, &user.id, |user, _| user.totp = None)?;
    ok(json!({}))
}
