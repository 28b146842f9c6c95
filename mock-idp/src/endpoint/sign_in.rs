//! The hosted sign-in page and its steps. The browser's URL stays on `/authorize` until the sign-in succeeds.

use std::sync::Arc;

use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        decide,
        page::{self, Problem},
    },
    exchange::Exchange,
    flow::{
        fault::Fault,
        scenario::{Persona, Scenario},
        store::{Flow, Request, Session, Stage, Transaction, locked},
    },
    protocol::{draft::Reply, error::REQUEST_EXPIRED, random, totp},
    tenant::{Subject, UserStatus, WRONG_PASSWORD},
};

/// The hidden field that tells a step of the page from an authorization request.
pub(crate) const HANDLE: &str = "stateToken";
/// How long somebody may look at the page, seconds.
const PATIENCE: i64 = 3600;
/// How long a session lasts, seconds.
const SESSION: i64 = 2 * 3600;
/// How long a session lasts that is to be remembered, seconds.
const REMEMBERED: i64 = 30 * 24 * 3600;
/// Whoever signs in with such a login gets the fault of that id: `id-token.alg-none@fault.test`.
const MAGIC_DOMAIN: &str = "@fault.test";

/// Shows the page for an authorization request that passed its checks.
pub(crate) fn first_page(exchange: &mut Exchange, flow: &Arc<Flow>, request: Request) -> Reply {
    let hint = request.login_hint.clone().unwrap_or_default();
    open(exchange, flow, Arc::new(request), Stage::Identify, &hint)
}

/// Asks whether these scopes may be granted.
pub(crate) fn consent_page(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Session,
    scopes: Vec<String>,
) -> Reply {
    let session = Box::new(session);
    open(exchange, flow, request, Stage::Consent { session, scopes }, "")
}

fn open(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, stage: Stage, identifier: &str) -> Reply {
    let transaction = Transaction {
        flow: flow.clone(),
        action: exchange.target.clone(),
        stage,
        expires: exchange.idp.clock.now() + PATIENCE,
        request,
    };
    let handle = format!("00{}", random::alphanumeric(40));
    let reply = page::show(exchange, &transaction, &handle, identifier, Problem::None);
    locked(&exchange.idp.store.transactions).insert(handle, transaction);
    reply
}

/// A submitted form.
pub(crate) fn step(exchange: &mut Exchange) -> Answered {
    let handle = exchange.form.get(HANDLE).unwrap_or_default().to_owned();
    let transaction = locked(&exchange.idp.store.transactions).get(&handle).cloned();
    let now = exchange.idp.clock.now();
    let Some(transaction) = transaction.filter(|transaction| transaction.expires > now) else {
        return Err(Refusal::Page(exchange.refuse(&REQUEST_EXPIRED)));
    };
    exchange.bind(&transaction.flow.clone());
    Ok(match transaction.stage.clone() {
        Stage::Identify => identify(exchange, &handle, transaction),
        Stage::Password(identifier) => password(exchange, &handle, transaction, &identifier),
        Stage::Passcode { .. } => passcode(exchange, &handle, transaction),
        Stage::Consent { session, scopes } => {
            locked(&exchange.idp.store.transactions).remove(&handle);
            let (flow, request) = (transaction.flow, transaction.request);
            if exchange.form.has("cancel") {
                decide::refused_by_user(exchange, &request)
            } else {
                decide::consented(exchange, &flow, request, *session, scopes)
            }
        }
    })
}

/// One of several names under which the page styles send a field.
fn field(exchange: &Exchange, names: [&str; 2]) -> String {
    let value = names.into_iter().find_map(|name| exchange.form.get(name));
    value.unwrap_or_default().to_owned()
}

fn identify(exchange: &mut Exchange, handle: &str, transaction: Transaction) -> Reply {
    let identifier = field(exchange, ["identifier", "username"]).trim().to_owned();
    if identifier.is_empty() {
        return page::show(exchange, &transaction, handle, "", Problem::IdentifierMissing);
    }
    if field(exchange, ["credentials.passcode", "password"]).is_empty() {
        // Also on the one-page form: scripts for the two-page form send the identifier alone.
        let stage = Stage::Password(identifier.clone());
        return advance(exchange, handle, transaction, stage, &identifier);
    }
    password(exchange, handle, transaction, &identifier)
}

/// Shows the page of the next stage.
fn advance(
    exchange: &mut Exchange,
    handle: &str,
    mut transaction: Transaction,
    stage: Stage,
    identifier: &str,
) -> Reply {
    transaction.stage = stage;
    let reply = page::show(exchange, &transaction, handle, identifier, Problem::None);
    locked(&exchange.idp.store.transactions).insert(handle.to_owned(), transaction);
    reply
}

fn password(exchange: &mut Exchange, handle: &str, transaction: Transaction, identifier: &str) -> Reply {
    let password = field(exchange, ["credentials.passcode", "password"]);
    if password.is_empty() {
        return page::show(exchange, &transaction, handle, identifier, Problem::PasswordMissing);
    }
    let Some(known) = authenticate(exchange, Some(&transaction.flow), identifier, &password) else {
        let problem = match transaction.stage {
            Stage::Password(_) => Problem::PasswordWrong,
            _ => Problem::Unable,
        };
        return page::show(exchange, &transaction, handle, identifier, problem);
    };
    let remember = exchange.form.has("rememberMe") || exchange.form.has("remember");
    let flow = known.flow.unwrap_or_else(|| transaction.flow.clone());
    if let Some(secret) = known.totp {
        let stage = Stage::Passcode {
            flow,
            subject: known.subject,
            secret,
            remember,
        };
        return advance(exchange, handle, transaction, stage, identifier);
    }
    locked(&exchange.idp.store.transactions).remove(handle);
    let session = open_session(exchange, known.subject, &["pwd"], remember);
    decide::signed_in(exchange, &flow, transaction.request, session, false)
}

fn passcode(exchange: &mut Exchange, handle: &str, transaction: Transaction) -> Reply {
    let Stage::Passcode {
        flow,
        subject,
        secret,
        remember,
    } = transaction.stage.clone()
    else {
        return page::show(exchange, &transaction, handle, "", Problem::None);
    };
    let code = field(exchange, ["credentials.passcode", "answer"]);
    let login = subject.persona.login.clone();
    if code.trim().is_empty() {
        return page::show(exchange, &transaction, handle, &login, Problem::PasscodeMissing);
    }
    if !accept_passcode(exchange, &subject, &secret, code.trim()) {
        return page::show(exchange, &transaction, handle, &login, Problem::PasscodeWrong);
    }
    locked(&exchange.idp.store.transactions).remove(handle);
    let session = open_session(exchange, subject, &["mfa", "otp", "pwd"], remember);
    decide::signed_in(exchange, &flow, transaction.request, session, false)
}

/// Whether this second-factor code is right now and was not used before.
pub(crate) fn accept_passcode(exchange: &Exchange, subject: &Subject, secret: &str, code: &str) -> bool {
    let Some(step) = totp::step_of(secret, code, exchange.idp.clock.now()) else {
        return false;
    };
    let key = (subject.persona.sub.clone(), step);
    let mut used = locked(&exchange.idp.store.used_passcodes);
    let is_new = used.get(&key).is_none();
    used.insert(key, ());
    is_new
}

/// Somebody whose password was right.
pub(crate) struct Known {
    /// The flow that he brought with him; otherwise the one that he is in stays.
    pub(crate) flow: Option<Arc<Flow>>,
    pub(crate) subject: Arc<Subject>,
    /// The base32 secret of the second factor that is still to be asked for.
    pub(crate) totp: Option<String>,
}

/// Who this is, and in which flow: a magic or awaited login brings its own.
pub(crate) fn authenticate(
    exchange: &Exchange,
    flow: Option<&Arc<Flow>>,
    identifier: &str,
    password: &str,
) -> Option<Known> {
    let idp = &exchange.idp;
    let guest = |flow: Option<Arc<Flow>>, subject: Subject| {
        (password != WRONG_PASSWORD).then(|| Known {
            flow,
            subject: Arc::new(subject),
            totp: None,
        })
    };
    let is = |persona: &&Persona| !persona.login.is_empty() && persona.login.eq_ignore_ascii_case(identifier);
    let people = flow.map(|flow| [Some(&flow.scenario.user), flow.scenario.victim.as_ref()]);
    if let Some(persona) = people.into_iter().flatten().flatten().find(is) {
        return guest(None, Subject::from_persona(persona));
    }
    if let Some(fault) = magic(identifier) {
        let subject = Subject::fresh(identifier);
        let scenario = Scenario::honest(subject.persona.clone()).with_faults([fault]);
        return guest(Some(idp.store.begin(false, scenario)), subject);
    }
    let awaited = locked(&idp.store.awaited).get(&identifier.to_lowercase()).cloned();
    if let Some(awaited) = awaited {
        let subject = Subject::from_persona(&awaited.scenario.user);
        // In a watched flow the browser may sign in as somebody else; its own faults stay in force.
        let is_watched = flow.is_some_and(|flow| flow.watched);
        return guest((!is_watched).then_some(awaited), subject);
    }
    let user = idp.tenant().user(identifier)?.clone();
    let may = user.status == UserStatus::Active && user.accepts(password);
    may.then(|| Known {
        flow: None,
        subject: Arc::new(Subject::of(&user)),
        totp: user.totp.clone(),
    })
}

/// The fault of a magic login.
fn magic(identifier: &str) -> Option<Fault> {
    identifier.to_lowercase().strip_suffix(MAGIC_DOMAIN)?.parse().ok()
}

/// A new session, known by its cookie from now on.
pub(crate) fn open_session(exchange: &Exchange, subject: Arc<Subject>, amr: &[&str], remember: bool) -> Session {
    let now = exchange.idp.clock.now();
    let session = Session {
        cookie: format!("102{}", random::token22()),
        sid: format!("idx{}", random::token22()),
        subject,
        auth_time: now,
        amr: amr.iter().map(|method| (*method).to_owned()).collect(),
        expires: now + if remember { REMEMBERED } else { SESSION },
        remembered: remember,
    };
    locked(&exchange.idp.store.sessions).insert(session.cookie.clone(), session.clone());
    if !session.subject.guest {
        let id = session.subject.persona.sub.clone();
        locked(&exchange.idp.store.last_logins).insert(id, now);
    }
    session
}
