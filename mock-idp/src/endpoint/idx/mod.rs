//! The IDX API (`/idp/idx/*`): the steps of a sign-in as JSON, for the scripts of the hosted page and for applications with
//! a sign-in page of their own, which begin by `interact` and end with an interaction code.

mod envelope;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api, authorize, client_auth,
        decide::{self, Verdict},
        respond, sessions,
        sign_in::{self, Outcome, Submitted},
    },
    exchange::Exchange,
    flow::{
        scenario::Scenario,
        store::{Asker, Session, Stage, Transaction},
    },
    okta::{
        error::*,
        problem::{self, Message, Problem},
    },
    protocol::{draft::Reply, random},
    tenant::Persona,
};

/// `POST {as}/v1/interact`
pub(crate) fn interact(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = exchange.form.clone();
    let client = client_auth::authenticate(exchange, &params)?;
    let request = authorize::interaction(exchange, &server, &client, &params).map_err(Refusal::OAuth)?;
    let flow = exchange.idp.store.begin(false, Scenario::honest(Persona::default()));
    exchange.bind(&flow);
    let hint = request.login_hint.clone().unwrap_or_default();
    let (handle, transaction) = sign_in::begin(exchange, &flow, Arc::new(request), Stage::Identify, &hint);
    sign_in::keep(exchange, &handle, transaction);
    let interaction = random::token43();
    exchange.idp.store.interactions.put(interaction.clone(), handle);
    Ok(answer::json(200, json!({"interaction_handle": interaction})))
}

/// `POST /idp/idx/introspect`: where a transaction stands.
pub(crate) fn introspect(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let handle = match text("interactionHandle") {
        Some(interaction) => exchange.idp.store.interactions.get(interaction),
        None => text("stateToken").or(text("stateHandle")).map(before_tilde),
    };
    let handle = handle.unwrap_or_default();
    let Some(transaction) = sign_in::resume(exchange, &handle) else {
        return Ok(expired());
    };
    let is_new = matches!(transaction.stage, Stage::Identify) && transaction.request.asker == Asker::Interaction;
    match sessions::current(exchange) {
        Some(session) if is_new && !transaction.request.prompt.contains("login") => {
            known(exchange, &handle, transaction, session, true)
        }
        _ => Ok(asked(exchange, &handle, transaction, Problem::None)),
    }
}

/// `POST /idp/idx/identify`
pub(crate) fn identify(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let Some((handle, mut transaction)) = transaction(exchange, &body) else {
        return Ok(expired());
    };
    transaction.stage = Stage::Identify;
    step(exchange, &handle, transaction, &body)
}

/// `POST /idp/idx/challenge`: which authenticator is to be used.
pub(crate) fn challenge(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let Some((handle, transaction)) = transaction(exchange, &body) else {
        return Ok(expired());
    };
    let wanted = body.get("authenticator").and_then(|value| value.get("id")?.as_str());
    match envelope::authenticator(&transaction.stage) {
        Some(current) if wanted == Some(current.id) => Ok(asked(exchange, &handle, transaction, Problem::None)),
        Some(_) => Err(API_VALIDATION.with("authenticator").into()),
        None => Err(API_AUTHN_STATE.into()),
    }
}

/// `POST /idp/idx/challenge/answer`: the password, or the code.
pub(crate) fn answer_challenge(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let Some((handle, transaction)) = transaction(exchange, &body) else {
        return Ok(expired());
    };
    if envelope::authenticator(&transaction.stage).is_none() {
        return Err(API_AUTHN_STATE.into());
    }
    step(exchange, &handle, transaction, &body)
}

/// `POST /idp/idx/consent`
pub(crate) fn consent(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let Some((handle, mut transaction)) = transaction(exchange, &body) else {
        return Ok(expired());
    };
    let Stage::Consent { session, scopes } = transaction.stage.clone() else {
        return Err(API_AUTHN_STATE.into());
    };
    if body.get("consent").and_then(Value::as_bool) == Some(false) {
        sign_in::close(exchange, &handle);
        return Ok(told(exchange, &handle, transaction, 403, problem::DENIED));
    }
    decide::remember_consent(exchange, &transaction.request, &session, scopes);
    // Asked and answered: a request that prompts for consent does not prompt again.
    transaction.stage = Stage::Signed(session);
    finish(exchange, &handle, transaction, false)
}

/// `POST /idp/idx/cancel`: back to the first step.
pub(crate) fn cancel(exchange: &mut Exchange) -> Answered {
    let body = body(exchange)?;
    let Some((handle, mut transaction)) = transaction(exchange, &body) else {
        return Ok(expired());
    };
    sign_in::restart(&mut transaction);
    Ok(asked(exchange, &handle, transaction, Problem::None))
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

/// The transaction of the body's `stateHandle`.
fn transaction(exchange: &mut Exchange, body: &Map<String, Value>) -> Option<(String, Transaction)> {
    let handle = before_tilde(body.get("stateHandle").and_then(Value::as_str)?);
    let transaction = sign_in::resume(exchange, &handle)?;
    Some((handle, transaction))
}

/// What comes after the tilde of a state handle says nothing here.
fn before_tilde(text: &str) -> String {
    text.split('~').next().unwrap_or_default().to_owned()
}

fn step(exchange: &mut Exchange, handle: &str, mut transaction: Transaction, body: &Map<String, Value>) -> Answered {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let submitted = Submitted {
        identifier: text(body.get("identifier")),
        secret: text(
            body.get("credentials")
                .and_then(|credentials| credentials.get("passcode")),
        ),
        remember: body.get("rememberMe").and_then(Value::as_bool).unwrap_or(false),
        ..Submitted::default()
    };
    match sign_in::advance(exchange, &mut transaction, &submitted) {
        Outcome::Ask(problem) => Ok(asked(exchange, handle, transaction, problem)),
        Outcome::Known(session) => known(exchange, handle, transaction, session, false),
    }
}

/// Somebody is known: what assignment, policy and consent say.
fn known(
    exchange: &mut Exchange,
    handle: &str,
    mut transaction: Transaction,
    session: Arc<Session>,
    sso: bool,
) -> Answered {
    session.subject.persona.login.clone_into(&mut transaction.identifier);
    let verdict = match transaction.request.asker {
        Asker::Home(_) => Verdict::Granted,
        _ => decide::verdict(exchange, &transaction.request, &session),
    };
    match verdict {
        Verdict::Granted => {
            transaction.stage = Stage::Signed(session);
            finish(exchange, handle, transaction, sso)
        }
        Verdict::Factor(secret) => {
            transaction.stage = Stage::Passcode {
                subject: session.subject.clone(),
                secret,
            };
            Ok(asked(exchange, handle, transaction, Problem::None))
        }
        Verdict::Enroll(secret) => {
            transaction.stage = Stage::Enroll {
                subject: session.subject.clone(),
                secret,
            };
            Ok(asked(exchange, handle, transaction, Problem::None))
        }
        Verdict::Consent(scopes) => {
            let cookies = sessions::cookies(exchange, &session);
            transaction.stage = Stage::Consent { session, scopes };
            let mut reply = asked(exchange, handle, transaction, Problem::None);
            put_cookies(&mut reply, &cookies);
            Ok(reply)
        }
        Verdict::Denied(error) => {
            let error = exchange.refuse(&error);
            sign_in::close(exchange, handle);
            let (status, message) = if error == USER_NOT_ASSIGNED {
                (400, problem::NOT_ASSIGNED)
            } else {
                (403, problem::DENIED)
            };
            Ok(told(exchange, handle, transaction, status, message))
        }
    }
}

/// Nothing more is asked: a code for the application, or the address at which the browser gets what comes of it.
fn finish(exchange: &mut Exchange, handle: &str, transaction: Transaction, sso: bool) -> Answered {
    let Stage::Signed(session) = transaction.stage.clone() else {
        return Err(API_AUTHN_STATE.into());
    };
    let cookies = if sso {
        Vec::new()
    } else {
        sessions::cookies(exchange, &session)
    };
    let mut envelope = envelope::of(exchange, handle, &transaction, Problem::None);
    if transaction.request.asker == Asker::Interaction {
        if !sign_in::close(exchange, handle) {
            return Ok(expired());
        }
        let request = transaction.request.clone();
        decide::note(exchange, &transaction.flow, &request, &session, sso);
        let grant = decide::grant(&transaction.flow, request, session);
        let code = respond::issue_code(exchange, &grant);
        envelope::add_interaction_code(exchange, &mut envelope, &grant.request, &code);
    } else {
        sign_in::keep(exchange, handle, transaction);
    }
    let mut reply = ion(200, envelope.into());
    put_cookies(&mut reply, &cookies);
    Ok(reply)
}

/// What is asked next, with what was wrong so far.
fn asked(exchange: &Exchange, handle: &str, transaction: Transaction, problem: Problem) -> Reply {
    let status = match problem {
        Problem::None => 200,
        Problem::Missing { .. } | Problem::NewPasswordMissing => 400,
        _ => 401,
    };
    let envelope = envelope::of(exchange, handle, &transaction, problem);
    sign_in::keep(exchange, handle, transaction);
    ion(status, envelope.into())
}

/// The end, and why.
fn told(exchange: &Exchange, handle: &str, transaction: Transaction, status: u16, message: Message) -> Reply {
    let mut envelope = envelope::of(exchange, handle, &transaction, Problem::None);
    envelope.shift_remove("remediation");
    envelope.insert("messages".to_owned(), envelope::messages(message));
    ion(status, envelope.into())
}

fn expired() -> Reply {
    ion(
        401,
        json!({"version": "1.0.0", "messages": envelope::messages(problem::EXPIRED)}),
    )
}

fn ion(status: u16, body: Value) -> Reply {
    let mut reply = answer::json(status, body);
    for (name, value) in &mut reply.headers {
        if name == "content-type" {
            *value = envelope::ION.into();
        }
    }
    reply
}

fn put_cookies(reply: &mut Reply, cookies: &[String]) {
    for cookie in cookies {
        answer::put(reply, "set-cookie", cookie.clone());
    }
}
