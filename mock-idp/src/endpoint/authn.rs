//! The authentication API (`/api/v1/authn`): a password, perhaps a second factor, for a session token.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    clock::iso8601,
    endpoint::{
        answer::{self, Answered, Refusal},
        api,
        authentication::{self, Failure, Passcode, TWO_FACTORS},
        sessions,
    },
    exchange::Exchange,
    flow::{
        store::{Flow, Session},
        waiting::{Attempt, Known, SessionToken, Status},
    },
    okta::error::*,
    protocol::{draft::Reply, random},
    tenant::{Subject, emailed_code, masked_address},
};

/// How long state tokens and session tokens are good, seconds.
const LIFETIME: i64 = 300;

/// The session that a session token gave.
pub(crate) struct Redeemed {
    pub(crate) session: Arc<Session>,
    /// The flow that a magic login brought.
    pub(crate) flow: Option<Arc<Flow>>,
}

/// Uses a session token up.
pub(crate) fn redeem(exchange: &Exchange, token: &str) -> Option<Redeemed> {
    let token = exchange.idp.store.session_tokens.take(token)?;
    let amr: Vec<&str> = token.amr.iter().map(String::as_str).collect();
    (token.expires > exchange.idp.clock.now()).then(|| Redeemed {
        session: sessions::open(exchange, token.subject, &amr, false),
        flow: token.flow,
    })
}

/// `POST /api/v1/authn`
pub(crate) fn authenticate(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (username, password) = (text("username"), text("password"));
    if username.is_empty() && password.is_empty() && !text("stateToken").is_empty() {
        let (token, attempt) = attempt(exchange, &body)?;
        return Ok(waiting(exchange, &token, &attempt));
    }
    if username.is_empty() || password.is_empty() {
        return Err(ApiError {
            causes: vec!["The 'username' and 'password' attributes are required in this context.".to_owned()],
            ..API_VALIDATION.with("authRequest")
        }
        .into());
    }
    let (known, password_expired) = match authentication::authenticate(exchange, None, username, password) {
        Ok(known) => (known, false),
        Err(Failure::PasswordExpired(known)) => (known, true),
        Err(Failure::LockedOut) if exchange.idp.tenant().features.show_lockout => {
            return Ok(locked_out(exchange, body.get("relayState").and_then(Value::as_str)));
        }
        Err(Failure::Unknown | Failure::LockedOut | Failure::WrongPassword) => {
            return Err(API_AUTHENTICATION_FAILED.into());
        }
    };
    if let Some(flow) = &known.flow {
        exchange.bind(flow);
    }
    let warns = body
        .get("options")
        .and_then(|options| options.get("warnBeforePasswordExpired"));
    let warns = warns.and_then(Value::as_bool) == Some(true) && known.password_expires_in.is_some();
    let status = match (&known.totp, password_expired) {
        (Some(_), _) => Status::MfaRequired,
        (None, true) => Status::PasswordExpired,
        (None, false) if known.must_enroll => Status::MfaEnroll,
        (None, false) if warns => Status::PasswordWarn,
        (None, false) => {
            let relay_state = body.get("relayState").and_then(Value::as_str);
            return Ok(succeeded(exchange, &known, &["pwd"], relay_state));
        }
    };
    let attempt = Attempt {
        known,
        status,
        password_expired,
        enrolling: None,
        relay_state: body.get("relayState").and_then(Value::as_str).map(str::to_owned),
        expires: exchange.idp.clock.now() + LIFETIME,
    };
    let token = format!("00{}", &random::token43()[..40]);
    let reply = waiting(exchange, &token, &attempt);
    exchange.idp.store.attempts.put(token, attempt);
    Ok(reply)
}

/// `POST /api/v1/authn/factors/{id}/verify`
pub(crate) fn verify(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, mut attempt) = attempt(exchange, &body)?;
    if !matches!(attempt.status, Status::MfaRequired | Status::MfaChallenge) {
        return Err(API_AUTHN_STATE.into());
    }
    let factor = exchange.segment(4).to_owned();
    let secret = attempt
        .known
        .totp
        .clone()
        .filter(|_| factor == factor_id(&attempt.known));
    let Some(secret) = secret else {
        let text = format!("Resource not found: {factor} (FactorLifecycle)");
        return Err(API_NOT_FOUND.with(&text).into());
    };
    let code = body.get("passCode").and_then(Value::as_str).unwrap_or_default().trim();
    if code.is_empty() {
        attempt.status = Status::MfaChallenge;
        return Ok(kept(exchange, &token, attempt));
    }
    match authentication::accept_passcode(exchange, &attempt.known.subject, &secret, code) {
        Passcode::Wrong => Err(ApiError {
            causes: vec!["Your token doesn't match our records. Please try again.".to_owned()],
            ..API_PASSCODE_WRONG
        }
        .into()),
        Passcode::Used => Err(API_PASSCODE_USED.into()),
        Passcode::Right if attempt.password_expired => {
            attempt.status = Status::PasswordExpired;
            Ok(kept(exchange, &token, attempt))
        }
        Passcode::Right => {
            close(exchange, &token)?;
            Ok(succeeded(
                exchange,
                &attempt.known,
                TWO_FACTORS,
                attempt.relay_state.as_deref(),
            ))
        }
    }
}

/// `POST /api/v1/authn/factors`: begins to set up the one kind of second factor that there is.
pub(crate) fn enroll(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, mut attempt) = attempt(exchange, &body)?;
    if !matches!(attempt.status, Status::MfaEnroll | Status::MfaEnrollActivate) {
        return Err(API_AUTHN_STATE.into());
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("factorType"), text("provider")) != ("token:software:totp", "GOOGLE") {
        return Err(API_VALIDATION.with("factorEnrollRequest").into());
    }
    attempt.status = Status::MfaEnrollActivate;
    attempt.enrolling = Some(random::base32(32));
    Ok(kept(exchange, &token, attempt))
}

/// `POST /api/v1/authn/factors/{id}/lifecycle/activate`: its first code.
pub(crate) fn activate(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, attempt) = attempt(exchange, &body)?;
    let Some(secret) = attempt.enrolling.clone() else {
        return Err(API_AUTHN_STATE.into());
    };
    let factor = exchange.segment(4).to_owned();
    if factor != factor_id(&attempt.known) {
        let text = format!("Resource not found: {factor} (FactorLifecycle)");
        return Err(API_NOT_FOUND.with(&text).into());
    }
    let code = body.get("passCode").and_then(Value::as_str).unwrap_or_default().trim();
    match authentication::accept_passcode(exchange, &attempt.known.subject, &secret, code) {
        Passcode::Wrong => Err(API_PASSCODE_WRONG.into()),
        Passcode::Used => Err(API_PASSCODE_USED.into()),
        Passcode::Right => {
            close(exchange, &token)?;
            authentication::set_totp(exchange, &attempt.known.subject, &secret);
            let relay_state = attempt.relay_state.as_deref();
            Ok(succeeded(exchange, &attempt.known, TWO_FACTORS, relay_state))
        }
    }
}

/// `POST /api/v1/authn/skip`: the password stays until it expires.
pub(crate) fn skip(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, attempt) = attempt(exchange, &body)?;
    if attempt.status != Status::PasswordWarn {
        return Err(API_AUTHN_STATE.into());
    }
    close(exchange, &token)?;
    Ok(succeeded(
        exchange,
        &attempt.known,
        &["pwd"],
        attempt.relay_state.as_deref(),
    ))
}

/// `POST /api/v1/authn/recovery/unlock`: no mail can be sent, so nobody unlocks an account by himself.
pub(crate) fn unlock(exchange: &mut Exchange) -> Answered {
    body(exchange)?;
    Err(API_UNLOCK.into())
}

/// `POST /api/v1/authn/previous`: from the challenge back to the list of factors.
pub(crate) fn previous(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, mut attempt) = attempt(exchange, &body)?;
    attempt.status = match attempt.status {
        Status::MfaChallenge => Status::MfaRequired,
        Status::MfaEnrollActivate => Status::MfaEnroll,
        _ => return Err(API_AUTHN_STATE.into()),
    };
    attempt.enrolling = None;
    Ok(kept(exchange, &token, attempt))
}

/// `POST /api/v1/authn/cancel`
pub(crate) fn cancel(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, attempt) = attempt(exchange, &body)?;
    close(exchange, &token)?;
    Ok(answer::json(
        200,
        attempt
            .relay_state
            .map_or_else(|| json!({}), |state| json!({"relayState": state})),
    ))
}

/// `POST /api/v1/authn/credentials/change_password`
pub(crate) fn change_password(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let (token, attempt) = attempt(exchange, &body)?;
    if !matches!(attempt.status, Status::PasswordExpired | Status::PasswordWarn) {
        return Err(API_AUTHN_STATE.into());
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (old, new) = (text("oldPassword"), text("newPassword"));
    let is_right = authentication::is_password(exchange, &attempt.known.subject, old);
    if new.is_empty() || !is_right {
        return Err(ApiError {
            causes: vec!["oldPassword: The credentials provided were incorrect.".to_owned()],
            ..API_CREDENTIALS
        }
        .into());
    }
    close(exchange, &token)?;
    authentication::set_password(exchange, &attempt.known.subject, new);
    let amr: &[&str] = if attempt.known.totp.is_some() {
        TWO_FACTORS
    } else {
        &["pwd"]
    };
    Ok(succeeded(exchange, &attempt.known, amr, attempt.relay_state.as_deref()))
}

fn body(exchange: &Exchange) -> Result<Map<String, Value>, Refusal> {
    let is_json = exchange
        .header(axum::http::header::CONTENT_TYPE)
        .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    if !is_json {
        return Err(API_MEDIA_TYPE.into());
    }
    api::object(exchange)
}

/// The authentication that a state token names.
fn attempt(exchange: &mut Exchange, body: &Map<String, Value>) -> Result<(String, Attempt), Refusal> {
    let token = body.get("stateToken").and_then(Value::as_str).unwrap_or_default();
    let found = exchange.idp.store.attempts.get(token);
    let now = exchange.idp.clock.now();
    let attempt = found.filter(|attempt| attempt.expires > now).ok_or(API_TOKEN_INVALID)?;
    if let Some(flow) = &attempt.known.flow {
        exchange.bind(flow);
    }
    Ok((token.to_owned(), attempt))
}

fn kept(exchange: &Exchange, token: &str, attempt: Attempt) -> Reply {
    let reply = waiting(exchange, token, &attempt);
    exchange.idp.store.attempts.put(token.to_owned(), attempt);
    reply
}

/// Ends it; of two that try at the same moment one comes too late.
fn close(exchange: &Exchange, token: &str) -> Result<(), Refusal> {
    match exchange.idp.store.attempts.take(token) {
        Some(_) => Ok(()),
        None => Err(API_TOKEN_INVALID.into()),
    }
}

fn succeeded(exchange: &Exchange, known: &Known, amr: &[&str], relay_state: Option<&str>) -> Reply {
    let expires = exchange.idp.clock.now() + LIFETIME;
    let token = format!("20111{}", random::alphanumeric(50));
    exchange.idp.store.session_tokens.put(
        token.clone(),
        SessionToken {
            flow: known.flow.clone(),
            subject: known.subject.clone(),
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            expires,
        },
    );
    let mut body = Map::new();
    body.insert("expiresAt".to_owned(), iso8601(expires).into());
    body.insert("status".to_owned(), "SUCCESS".into());
    if let Some(state) = relay_state {
        body.insert("relayState".to_owned(), state.into());
    }
    body.insert("sessionToken".to_owned(), token.into());
    body.insert("_embedded".to_owned(), json!({"user": described(&known.subject)}));
    answer::json(200, body.into())
}

/// Where the org lets it be told.
fn locked_out(exchange: &Exchange, relay_state: Option<&str>) -> Reply {
    let href = format!("{}/api/v1/authn/recovery/unlock", exchange.org());
    let mut body = Map::new();
    body.insert("status".to_owned(), "LOCKED_OUT".into());
    if let Some(state) = relay_state {
        body.insert("relayState".to_owned(), state.into());
    }
    let next = json!({"name": "unlock", "href": href, "hints": {"allow": ["POST"]}});
    body.insert("_links".to_owned(), json!({"next": next}));
    answer::json(200, body.into())
}

/// How far an authentication is, and where it goes on.
fn waiting(exchange: &Exchange, token: &str, attempt: &Attempt) -> Reply {
    let org = exchange.org();
    let link = |name: Option<&str>, path: &str| {
        let mut link = Map::new();
        if let Some(name) = name {
            link.insert("name".to_owned(), name.into());
        }
        link.insert("href".to_owned(), format!("{org}/api/v1/authn/{path}").into());
        link.insert("hints".to_owned(), json!({"allow": ["POST"]}));
        Value::Object(link)
    };
    let known = &attempt.known;
    let verify = format!("factors/{}/verify", factor_id(known));
    let is_emailed = known
        .totp
        .as_deref()
        .is_some_and(|factor| emailed_code(factor).is_some());
    let factor = || {
        if is_emailed {
            return json!({
                "id": factor_id(known),
                "factorType": "email",
                "provider": "OKTA",
                "vendorName": "OKTA",
                "profile": {"email": masked_address(&known.subject.persona.email)},
            });
        }
        json!({
            "id": factor_id(known),
            "factorType": "token:software:totp",
            "provider": "GOOGLE",
            "vendorName": "GOOGLE",
            "profile": {"credentialId": known.subject.persona.login},
        })
    };
    let user = described(&known.subject);
    let (status, embedded, links) = match attempt.status {
        Status::MfaRequired => {
            let mut factor = factor();
            factor["_links"] = json!({"verify": link(None, &verify)});
            let policy = json!({
                "allowRememberDevice": false,
                "rememberDeviceLifetimeInMinutes": 0,
                "rememberDeviceByDefault": false,
                "factorsPolicyInfo": {},
            });
            (
                "MFA_REQUIRED",
                json!({"user": user, "factors": [factor], "policy": policy}),
                json!({"cancel": link(None, "cancel")}),
            )
        }
        Status::MfaChallenge => (
            "MFA_CHALLENGE",
            json!({"user": user, "factor": factor()}),
            json!({
                "next": link(Some("verify"), &verify),
                "prev": link(None, "previous"),
                "cancel": link(None, "cancel"),
            }),
        ),
        Status::MfaEnroll => {
            let offered = json!({
                "factorType": "token:software:totp",
                "provider": "GOOGLE",
                "vendorName": "GOOGLE",
                "status": "NOT_SETUP",
                "_links": {"enroll": link(None, "factors")},
            });
            (
                "MFA_ENROLL",
                json!({"user": user, "factors": [offered]}),
                json!({"cancel": link(None, "cancel")}),
            )
        }
        Status::MfaEnrollActivate => {
            let mut factor = factor();
            factor["_embedded"] = json!({"activation": {
                "timeStep": 30,
                "sharedSecret": attempt.enrolling,
                "encoding": "base32",
                "keyLength": 32,
            }});
            let activate = format!("factors/{}/lifecycle/activate", factor_id(known));
            (
                "MFA_ENROLL_ACTIVATE",
                json!({"user": user, "factor": factor}),
                json!({
                    "next": link(Some("activate"), &activate),
                    "prev": link(None, "previous"),
                    "cancel": link(None, "cancel"),
                }),
            )
        }
        Status::PasswordWarn => (
            "PASSWORD_WARN",
            json!({"user": user, "policy": {"expiration": {"passwordExpireDays": known.password_expires_in}}}),
            json!({
                "next": link(Some("changePassword"), "credentials/change_password"),
                "skip": link(Some("skip"), "skip"),
                "cancel": link(None, "cancel"),
            }),
        ),
        Status::PasswordExpired => (
            "PASSWORD_EXPIRED",
            json!({"user": user, "policy": {"complexity": {"minLength": 1}}}),
            json!({
                "next": link(Some("changePassword"), "credentials/change_password"),
                "cancel": link(None, "cancel"),
            }),
        ),
    };
    let mut body = Map::new();
    body.insert("stateToken".to_owned(), token.into());
    body.insert("expiresAt".to_owned(), iso8601(attempt.expires).into());
    body.insert("status".to_owned(), status.into());
    if let Some(state) = &attempt.relay_state {
        body.insert("relayState".to_owned(), state.clone().into());
    }
    body.insert("_embedded".to_owned(), embedded);
    body.insert("_links".to_owned(), links);
    answer::json(200, body.into())
}

/// The id of somebody's second factor: stable, as that of the user is.
fn factor_id(known: &Known) -> String {
    format!("uft{}", known.subject.persona.sub.get(3..).unwrap_or_default())
}

fn described(subject: &Subject) -> Value {
    let persona = &subject.persona;
    let text = |name: &str, otherwise: &str| match subject.profile.get(name).and_then(Value::as_str) {
        Some(value) => value.to_owned(),
        None => otherwise.to_owned(),
    };
    json!({
        "id": persona.sub,
        "passwordChanged": iso8601(subject.updated_at),
        "profile": {
            "login": persona.login,
            "firstName": persona.given_name,
            "lastName": persona.family_name,
            "locale": text("locale", "en").replace('-', "_"),
            "timeZone": text("zoneinfo", "America/Los_Angeles"),
        },
    })
}
