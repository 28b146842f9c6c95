//! Who somebody is: passwords, second factors, magic logins.

use std::sync::Arc;

use crate::{
    exchange::Exchange,
    flow::{
        fault::Fault,
        scenario::Scenario,
        store::{Flow, locked},
        waiting::Known,
    },
    protocol::totp,
    tenant::{Persona, Subject, User, UserStatus, WRONG_PASSWORD, emailed_code, same_login},
};

/// Whoever signs in with such a login gets the fault of that id: `id-token.alg-none@fault.test`.
const MAGIC_DOMAIN: &str = "@fault.test";

/// The `amr` of a password and a code (RFC 8176 §2).
pub(crate) const TWO_FACTORS: &[&str] = &["mfa", "otp", "pwd"];

/// Why a password does not let somebody in.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Nobody has this login, or the account is not active.
    Unknown,
    /// The account is locked.
    LockedOut,
    WrongPassword,
    /// It was right, and must be changed.
    PasswordExpired(Known),
}

/// Who this is, and in which flow: a magic or awaited login brings its own.
pub(crate) fn authenticate(
    exchange: &Exchange,
    flow: Option<&Arc<Flow>>,
    identifier: &str,
    password: &str,
) -> Result<Known, Failure> {
    let idp = &exchange.idp;
    let guest = |flow: Option<Arc<Flow>>, subject: Subject| {
        if password == WRONG_PASSWORD {
            return Err(Failure::WrongPassword);
        }
        Ok(Known {
            flow,
            subject: Arc::new(subject),
            totp: None,
            must_enroll: false,
            password_expires_in: None,
        })
    };
    let is = |persona: &&Persona| !persona.login.is_empty() && same_login(&persona.login, identifier);
    let people = flow.map(|flow| [Some(&flow.scenario.user), flow.scenario.victim.as_ref()]);
    if let Some(persona) = people.into_iter().flatten().flatten().find(is) {
        return guest(None, Subject::from_persona(persona));
    }
    if let Some(fault) = magic(identifier) {
        let subject = Subject::fresh(identifier);
        // The sign-in goes on in its flow, unless that has faults of its own.
        if let Some(flow) = flow.filter(|flow| !flow.watched && flow.scenario.faults.is_empty()) {
            let known = guest(None, subject)?;
            *locked(&flow.brought) = Some(fault);
            return Ok(known);
        }
        let scenario = Scenario::honest(subject.persona.clone()).with_faults([fault]);
        return guest(Some(idp.store.begin(false, scenario)), subject);
    }
    if let Some(flow) = flow {
        *locked(&flow.brought) = None;
    }
    let awaited = idp.store.awaited.get(&identifier.to_lowercase());
    if let Some(awaited) = awaited {
        let subject = Subject::from_persona(&awaited.scenario.user);
        // In a watched flow the browser may sign in as somebody else; its own faults stay in force.
        let is_watched = flow.is_some_and(|flow| flow.watched);
        return guest((!is_watched).then_some(awaited), subject);
    }
    let tenant = idp.tenant();
    let user = tenant.user(identifier).ok_or(Failure::Unknown)?;
    if user.status == UserStatus::LockedOut {
        return Err(Failure::LockedOut);
    }
    if !matches!(user.status, UserStatus::Active | UserStatus::PasswordExpired) {
        return Err(Failure::Unknown);
    }
    if !user.accepts(password) {
        return Err(Failure::WrongPassword);
    }
    let known = Known {
        flow: None,
        subject: Arc::new(Subject::of(user)),
        totp: user.totp.clone(),
        must_enroll: user.must_enroll && user.totp.is_none(),
        password_expires_in: user.password_expires_in,
    };
    match user.status {
        UserStatus::PasswordExpired => Err(Failure::PasswordExpired(known)),
        _ => Ok(known),
    }
}

/// The fault of a magic login.
fn magic(identifier: &str) -> Option<Fault> {
    identifier.to_lowercase().strip_suffix(MAGIC_DOMAIN)?.parse().ok()
}

/// What a magic login names that is no fault.
pub(crate) fn unknown_fault(identifier: &str) -> Option<String> {
    let id = identifier.to_lowercase().strip_suffix(MAGIC_DOMAIN)?.to_owned();
    id.parse::<Fault>().is_err().then_some(id)
}

/// Whether this user's password must be changed before anything else.
pub(crate) fn must_change_password(exchange: &Exchange, subject: &Subject) -> bool {
    let tenant = exchange.idp.tenant();
    let user = tenant.user_by_id(&subject.persona.sub);
    !subject.guest && user.is_some_and(|user| user.status == UserStatus::PasswordExpired)
}

/// Whether this is the user's password.
pub(crate) fn is_password(exchange: &Exchange, subject: &Subject, password: &str) -> bool {
    let tenant = exchange.idp.tenant();
    let user = tenant.user_by_id(&subject.persona.sub);
    !password.is_empty() && user.is_some_and(|user| user.accepts(password))
}

/// Gives the user a password; whoever had to change it may go on.
pub(crate) fn set_password(exchange: &Exchange, subject: &Subject, password: &str) {
    let now = exchange.idp.clock.now();
    change(exchange, subject, |user| {
        user.password = Some(password.to_owned());
        user.password_expires_in = None;
        user.times.password_changed = Some(now);
        if user.status == UserStatus::PasswordExpired {
            user.status = UserStatus::Active;
        }
    });
}

/// Gives the user a second factor.
pub(crate) fn set_totp(exchange: &Exchange, subject: &Subject, secret: &str) {
    change(exchange, subject, |user| {
        user.totp = Some(secret.to_owned());
        user.must_enroll = false;
    });
}

fn change(exchange: &Exchange, subject: &Subject, change: impl FnOnce(&mut User)) {
    exchange.idp.change_tenant(|tenant| {
        let mut users = tenant.users.iter_mut();
        if let Some(user) = users.find(|user| user.id == subject.persona.sub) {
            change(Arc::make_mut(user));
        }
    });
}

/// What a second-factor code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passcode {
    Right,
    Wrong,
    /// Right, but it was used before.
    Used,
}

/// Judges the code; a right one of an authenticator app is used up by this. The one that is e-mailed is the same every time.
pub(crate) fn accept_passcode(exchange: &Exchange, subject: &Subject, secret: &str, code: &str) -> Passcode {
    if let Some(emailed) = emailed_code(secret) {
        return if code == emailed {
            Passcode::Right
        } else {
            Passcode::Wrong
        };
    }
    let Some(step) = totp::step_of(secret, code, exchange.idp.clock.now()) else {
        return Passcode::Wrong;
    };
    let key = (subject.persona.sub.clone(), step);
    let is_new = exchange.idp.store.used_passcodes.insert_new(key, ());
    if is_new || exchange.idp.lax {
        Passcode::Right
    } else {
        Passcode::Used
    }
}
