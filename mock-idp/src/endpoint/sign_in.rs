//! The steps of a sign-in, whoever shows them: the hosted page's forms here, the IDX API in [`super::idx`].
//!
//! The browser's URL stays on `/authorize` until the sign-in succeeds.

use std::sync::Arc;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        authentication::{self, Failure, Passcode, TWO_FACTORS},
        decide, page, sessions,
    },
    exchange::Exchange,
    flow::{
        fault::{Fault, Reach},
        near_miss::{self, NotSignedIn},
        scenario::Scenario,
        store::{Flow, Request, Session, Stage, Transaction},
    },
    okta::{
        error::REQUEST_EXPIRED,
        page::{AUTHENTICATOR, AUTHENTICATORS, HANDLE},
        problem::Problem,
    },
    protocol::{draft::Reply, random},
    tenant::{PageStyle, Subject, Tenant},
};

/// How long somebody may look at the page, seconds.
const PAGE_LIFETIME: i64 = 3600;

/// Shows the page for an authorization request that passed its checks.
pub(crate) fn first_page(exchange: &mut Exchange, flow: &Arc<Flow>, request: Request) -> Reply {
    let hint = request.login_hint.clone().unwrap_or_default();
    open(exchange, flow, Arc::new(request), Stage::Identify, &hint)
}

/// Asks somebody who has a session for what the request wants beyond it.
pub(crate) fn further_page(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    subject: &Subject,
    stage: Stage,
) -> Reply {
    open(exchange, flow, request, stage, &subject.persona.login)
}

fn open(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, stage: Stage, identifier: &str) -> Reply {
    let (handle, transaction) = begin(exchange, flow, request, stage, identifier);
    let mut reply = page::show(exchange, &transaction, &handle, Problem::None);
    if let Some(cookie) = sessions::device_cookie(exchange) {
        answer::put(&mut reply, "set-cookie", cookie);
    }
    keep(exchange, &handle, transaction);
    reply
}

/// A new transaction and its handle.
pub(crate) fn begin(
    exchange: &Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    stage: Stage,
    identifier: &str,
) -> (String, Transaction) {
    let handle = match exchange.idp.tenant().page {
        // It is also the `okta_key` under which `/oauth2/v1/authorize/redirect` takes the request up again.
        PageStyle::Classic => random::token43(),
        _ => format!("02.id.{}", &random::token43()[..40]),
    };
    let transaction = Transaction {
        flow: flow.clone(),
        action: without_handle(&exchange.target),
        identifier: identifier.to_owned(),
        remember: false,
        stage,
        expires: exchange.idp.clock.now() + PAGE_LIFETIME,
        request,
    };
    (handle, transaction)
}

/// The transaction of this handle, if it is not stale. From now on the exchange belongs to its flow.
pub(crate) fn resume(exchange: &mut Exchange, handle: &str) -> Option<Transaction> {
    let transaction = exchange.idp.store.transactions.get(handle)?;
    if transaction.expires <= exchange.idp.clock.now() {
        return None;
    }
    exchange.bind(&transaction.flow);
    Some(transaction)
}

pub(crate) fn keep(exchange: &Exchange, handle: &str, transaction: Transaction) {
    exchange.idp.store.transactions.put(handle.to_owned(), transaction);
}

/// Ends the transaction; `false` if somebody else did so meanwhile.
pub(crate) fn close(exchange: &Exchange, handle: &str) -> bool {
    exchange.idp.store.transactions.take(handle).is_some()
}

/// What somebody typed.
#[derive(Debug, Default)]
pub(crate) struct Submitted {
    pub(crate) identifier: String,
    /// A password or a code.
    pub(crate) secret: String,
    pub(crate) remember: bool,
    /// On the page for a new password: the old one, where it is asked for, and the new one again.
    pub(crate) old: Option<String>,
    pub(crate) again: Option<String>,
}

/// What came of a step.
pub(crate) enum Outcome {
    /// Something is asked, of which the transaction's stage tells what.
    Ask(Problem),
    /// Somebody is known.
    Known(Arc<Session>),
}

/// One step forward, or the same question again.
pub(crate) fn advance(exchange: &mut Exchange, transaction: &mut Transaction, submitted: &Submitted) -> Outcome {
    transaction.remember |= submitted.remember;
    match transaction.stage.clone() {
        Stage::Identify => identify(exchange, transaction, submitted),
        Stage::Password if submitted.secret.is_empty() => missing_secret(),
        Stage::Password => password(exchange, transaction, &submitted.secret),
        Stage::Passcode { subject, secret } => {
            let code: String = submitted.secret.split_whitespace().collect();
            if code.is_empty() {
                return missing_secret();
            }
            match authentication::accept_passcode(exchange, &subject, &secret, &code) {
                Passcode::Right => known(exchange, transaction, subject, TWO_FACTORS),
                Passcode::Wrong => Outcome::Ask(Problem::PasscodeWrong),
                Passcode::Used => Outcome::Ask(Problem::PasscodeUsed),
            }
        }
        Stage::Enroll { subject, secret } => {
            let code: String = submitted.secret.split_whitespace().collect();
            if code.is_empty() {
                return missing_secret();
            }
            match authentication::accept_passcode(exchange, &subject, &secret, &code) {
                Passcode::Right => {
                    authentication::set_totp(exchange, &subject, &secret);
                    known(exchange, transaction, subject, TWO_FACTORS)
                }
                Passcode::Wrong => Outcome::Ask(Problem::PasscodeWrong),
                Passcode::Used => Outcome::Ask(Problem::PasscodeUsed),
            }
        }
        Stage::NewPassword { subject, amr } => new_password(exchange, transaction, subject, &amr, submitted),
        Stage::Consent { .. } | Stage::Signed(_) => Outcome::Ask(Problem::None),
    }
}

fn new_password(
    exchange: &mut Exchange,
    transaction: &mut Transaction,
    subject: Arc<Subject>,
    amr: &[String],
    submitted: &Submitted,
) -> Outcome {
    let old = submitted.old.as_deref();
    if old.is_some_and(|old| !authentication::is_password(exchange, &subject, old)) {
        return Outcome::Ask(Problem::OldPasswordWrong);
    }
    if submitted.secret.is_empty() {
        return Outcome::Ask(Problem::NewPasswordMissing);
    }
    if submitted.again.as_ref().is_some_and(|again| *again != submitted.secret) {
        return Outcome::Ask(Problem::NewPasswordsDiffer);
    }
    authentication::set_password(exchange, &subject, &submitted.secret);
    let amr: Vec<&str> = amr.iter().map(String::as_str).collect();
    known(exchange, transaction, subject, &amr)
}

fn missing_secret() -> Outcome {
    Outcome::Ask(Problem::Missing {
        identifier: false,
        secret: true,
    })
}

fn identify(exchange: &mut Exchange, transaction: &mut Transaction, submitted: &Submitted) -> Outcome {
    submitted.identifier.trim().clone_into(&mut transaction.identifier);
    let is_first_of_two = exchange.idp.tenant().page == PageStyle::IdentifierFirst;
    let (no_identifier, no_secret) = (transaction.identifier.is_empty(), submitted.secret.is_empty());
    if no_identifier || (no_secret && !is_first_of_two) {
        return Outcome::Ask(Problem::Missing {
            identifier: no_identifier,
            secret: no_secret && !is_first_of_two,
        });
    }
    if no_secret {
        transaction.stage = Stage::Password;
        return Outcome::Ask(Problem::None);
    }
    password(exchange, transaction, &submitted.secret)
}

fn password(exchange: &mut Exchange, transaction: &mut Transaction, password: &str) -> Outcome {
    let identifier = transaction.identifier.clone();
    match authentication::authenticate(exchange, Some(&transaction.flow), &identifier, password) {
        Ok(person) => {
            if let Some(flow) = person.flow {
                transaction.flow = flow;
            }
            match person.totp {
                Some(secret) => {
                    transaction.stage = Stage::Passcode {
                        subject: person.subject,
                        secret,
                    };
                    Outcome::Ask(Problem::None)
                }
                None if person.must_enroll => {
                    transaction.stage = Stage::Enroll {
                        subject: person.subject,
                        secret: random::base32(32),
                    };
                    Outcome::Ask(Problem::None)
                }
                None => known(exchange, transaction, person.subject, &["pwd"]),
            }
        }
        Err(Failure::PasswordExpired(person)) => {
            if let Some(flow) = person.flow {
                transaction.flow = flow;
            }
            transaction.stage = match person.totp {
                Some(secret) => Stage::Passcode {
                    subject: person.subject,
                    secret,
                },
                None => Stage::NewPassword {
                    subject: person.subject,
                    amr: vec!["pwd".to_owned()],
                },
            };
            Outcome::Ask(Problem::None)
        }
        Err(failure) => {
            let tenant = exchange.idp.tenant();
            exchange.explain(match authentication::unknown_fault(&identifier) {
                Some(id) => near_miss::unknown_fault(&identifier, &id),
                None => near_miss::not_signed_in(&tenant, &identifier, not_signed_in(&tenant, &identifier, &failure)),
            });
            let is_second_page = matches!(transaction.stage, Stage::Password);
            Outcome::Ask(match failure {
                Failure::WrongPassword if is_second_page => Problem::PasswordWrong,
                _ => Problem::Unable,
            })
        }
    }
}

/// The page does not say; the developer is told.
fn not_signed_in(tenant: &Tenant, identifier: &str, failure: &Failure) -> NotSignedIn {
    match failure {
        Failure::Unknown if tenant.user(identifier).is_none() => NotSignedIn::Unknown,
        Failure::Unknown | Failure::LockedOut => NotSignedIn::Inactive,
        Failure::WrongPassword | Failure::PasswordExpired(_) => NotSignedIn::Password,
    }
}

fn known(exchange: &Exchange, transaction: &mut Transaction, subject: Arc<Subject>, amr: &[&str]) -> Outcome {
    if authentication::must_change_password(exchange, &subject) {
        let amr = amr.iter().map(|method| (*method).to_owned()).collect();
        transaction.stage = Stage::NewPassword { subject, amr };
        return Outcome::Ask(Problem::None);
    }
    Outcome::Known(sessions::open(exchange, subject, amr, transaction.remember))
}

/// A submitted form.
pub(crate) fn step(exchange: &mut Exchange) -> Answered {
    let handle = exchange.form.get(HANDLE).unwrap_or_default().to_owned();
    let Some(mut transaction) = resume(exchange, &handle) else {
        return expired(exchange);
    };
    if let Stage::Consent { session, scopes } = transaction.stage {
        if !close(exchange, &handle) {
            return expired(exchange);
        }
        let (flow, request) = (transaction.flow, transaction.request);
        return Ok(if exchange.form.has("cancel") {
            decide::refused_by_user(exchange, &request)
        } else {
            decide::consented(exchange, &flow, request, session, scopes)
        });
    }
    if let Some(outcome) = chosen(exchange, &mut transaction) {
        return concluded(exchange, &handle, transaction, outcome);
    }
    let submitted = Submitted {
        identifier: field(exchange, &["identifier", "username"]),
        secret: field(exchange, &["credentials.passcode", "password", "answer", "newPassword"]),
        remember: exchange.form.has("rememberMe") || exchange.form.has("remember"),
        old: exchange.form.get("oldPassword").map(str::to_owned),
        again: exchange.form.get("confirmPassword").map(str::to_owned),
    };
    let outcome = advance(exchange, &mut transaction, &submitted);
    concluded(exchange, &handle, transaction, outcome)
}

/// Somebody's button on the companion page: signed in without a password, with the fault that was chosen for this sign-in.
fn chosen(exchange: &mut Exchange, transaction: &mut Transaction) -> Option<Outcome> {
    if exchange.idp.tenant().page != PageStyle::Companion || !matches!(transaction.stage, Stage::Identify) {
        return None;
    }
    let login = exchange.form.filled("person")?.to_owned();
    let tenant = exchange.idp.tenant();
    let user = tenant.user(&login)?;
    let fault = exchange.form.filled("fault").and_then(|id| id.parse::<Fault>().ok());
    if let Some(fault) = fault.filter(|fault| fault.reach() == Reach::Flow && !transaction.flow.watched) {
        let subject = Subject::of(user);
        let scenario = Scenario::honest(subject.persona).with_faults([fault]);
        transaction.flow = exchange.idp.store.begin(false, scenario);
    }
    transaction.identifier.clone_from(&user.login);
    let right = user.password.clone().unwrap_or_else(|| "any".to_owned());
    Some(password(exchange, transaction, &right))
}

/// Shows the page again, or leads back.
fn concluded(exchange: &mut Exchange, handle: &str, transaction: Transaction, outcome: Outcome) -> Answered {
    match outcome {
        Outcome::Ask(problem) => {
            let reply = page::show(exchange, &transaction, handle, problem);
            keep(exchange, handle, transaction);
            Ok(reply)
        }
        Outcome::Known(session) => {
            if !close(exchange, handle) {
                return expired(exchange);
            }
            let flow = transaction.flow;
            Ok(decide::signed_in(exchange, &flow, transaction.request, session, false))
        }
    }
}

/// "Back to sign in": the address of the page with the handle asks for its first step again.
pub(crate) fn back_to_start(exchange: &mut Exchange) -> Option<Reply> {
    let handle = exchange.query.get(HANDLE)?.to_owned();
    let mut transaction = resume(exchange, &handle)?;
    if exchange.query.has(AUTHENTICATORS) {
        return Some(page::authenticators(exchange, &transaction, &handle));
    }
    if exchange.query.has(AUTHENTICATOR) {
        return Some(page::show(exchange, &transaction, &handle, Problem::None));
    }
    restart(&mut transaction);
    let reply = page::show(exchange, &transaction, &handle, Problem::None);
    keep(exchange, &handle, transaction);
    Some(reply)
}

/// Back to the first step; nothing of what was typed stays.
pub(crate) fn restart(transaction: &mut Transaction) {
    transaction.stage = Stage::Identify;
    transaction.identifier = transaction.request.login_hint.clone().unwrap_or_default();
    transaction.remember = false;
}

fn expired(exchange: &mut Exchange) -> Answered {
    Err(Refusal::Page(exchange.refuse(&REQUEST_EXPIRED)))
}

/// The first of several names under which the page styles send a field.
fn field(exchange: &Exchange, names: &[&str]) -> String {
    let value = names.iter().find_map(|name| exchange.form.get(name));
    value.unwrap_or_default().to_owned()
}

/// Path and query without the handle that "Back to sign in" added.
fn without_handle(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let is_handle = |pair: &&str| pair.split('=').next() == Some(HANDLE);
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_handle(pair)).collect();
    if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", rest.join("&"))
    }
}
