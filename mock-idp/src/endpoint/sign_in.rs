//! The hosted sign-in page and its steps. The browser's URL stays on `/authorize` until the sign-in succeeds.

use std::sync::Arc;

use askama::Template;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        respond,
    },
    exchange::Exchange,
    flow::{
        fault::Fault,
        record::Event,
        scenario::{Persona, Scenario},
        store::{Flow, Request, Session, Transaction, locked},
    },
    protocol::{
        draft::Reply,
        error::{OAuthError, REQUEST_EXPIRED},
        random,
    },
    tenant::{PageStyle, Subject, WRONG_PASSWORD},
};

/// The hidden field that tells a step of the page from an authorization request.
pub(crate) const HANDLE: &str = "stateToken";
/// How long somebody may look at the page, seconds.
const PATIENCE: i64 = 3600;
/// How long a session lasts, seconds.
const SESSION: i64 = 2 * 3600;
/// Whoever signs in with such a login gets the fault of that id: `id-token.alg-none@fault.test`.
const MAGIC_DOMAIN: &str = "@fault.test";

/// Shows the page for an authorization request that passed its checks.
pub(crate) fn first_page(exchange: &mut Exchange, flow: &Arc<Flow>, request: Request) -> Reply {
    let transaction = Transaction {
        flow: flow.clone(),
        action: exchange.target.clone(),
        identifier: None,
        expires: exchange.idp.clock.now() + PATIENCE,
        request: Arc::new(request),
    };
    let handle = format!("00{}", random::alphanumeric(40));
    let hint = transaction.request.login_hint.clone().unwrap_or_default();
    let page = render(exchange, &transaction, &handle, &hint, Problem::None);
    locked(&exchange.idp.store.transactions).insert(handle, transaction);
    page
}

/// A submitted form.
pub(crate) fn step(exchange: &mut Exchange) -> Answered {
    let handle = exchange.form.get(HANDLE).unwrap_or_default().to_owned();
    let transaction = locked(&exchange.idp.store.transactions).get(&handle).cloned();
    let now = exchange.idp.clock.now();
    let Some(mut transaction) = transaction.filter(|transaction| transaction.expires > now) else {
        return Err(Refusal::Page(exchange.refuse(&REQUEST_EXPIRED)));
    };
    exchange.bind(&transaction.flow.clone());
    let field = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| exchange.form.get(name))
            .map(str::to_owned)
    };
    let identifier = field(["identifier", "username"]).or(transaction.identifier.clone());
    let identifier = identifier.unwrap_or_default().trim().to_owned();
    let password = field(["credentials.passcode", "password"]);
    if identifier.is_empty() {
        return Ok(render(exchange, &transaction, &handle, "", Problem::IdentifierMissing));
    }
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        // A script for the two-page form sends the identifier alone; on the second page an empty password is an error.
        let problem = match transaction.identifier.replace(identifier.clone()) {
            None => Problem::None,
            Some(_) => Problem::PasswordMissing,
        };
        let page = render(exchange, &transaction, &handle, &identifier, problem);
        locked(&exchange.idp.store.transactions).insert(handle, transaction);
        return Ok(page);
    };
    let Some((flow, subject)) = authenticate(exchange, &transaction.flow, &identifier, &password) else {
        let problem = if transaction.identifier.is_some() {
            Problem::PasswordWrong
        } else {
            Problem::Unable
        };
        return Ok(render(exchange, &transaction, &handle, &identifier, problem));
    };
    locked(&exchange.idp.store.transactions).remove(&handle);
    let session = open_session(
        exchange,
        subject,
        exchange.form.has("rememberMe") || exchange.form.has("remember"),
    );
    Ok(respond::signed_in(exchange, &flow, transaction.request, session, false))
}

/// Who this is, and in which flow: a magic or awaited login brings its own.
fn authenticate(
    exchange: &Exchange,
    flow: &Arc<Flow>,
    identifier: &str,
    password: &str,
) -> Option<(Arc<Flow>, Arc<Subject>)> {
    let idp = &exchange.idp;
    let is = |persona: &Persona| !persona.login.is_empty() && persona.login.eq_ignore_ascii_case(identifier);
    let scenario = &flow.scenario;
    let persona = [Some(&scenario.user), scenario.victim.as_ref()]
        .into_iter()
        .flatten()
        .find(|persona| is(persona));
    if let Some(persona) = persona {
        let subject = Arc::new(Subject::from_persona(persona));
        return (password != WRONG_PASSWORD).then(|| (flow.clone(), subject));
    }
    if let Some(fault) = magic(identifier) {
        let subject = Subject::fresh(identifier);
        let scenario = Scenario::honest(subject.persona.clone()).with_faults([fault]);
        return (password != WRONG_PASSWORD).then(|| {
            let flow = idp.store.begin(false, scenario);
            (flow, Arc::new(subject))
        });
    }
    let awaited = locked(&idp.store.awaited).get(&identifier.to_lowercase()).cloned();
    if let Some(awaited) = awaited {
        let subject = Arc::new(Subject::from_persona(&awaited.scenario.user));
        // In a watched flow the browser may sign in as somebody else; its own faults stay in force.
        let flow = if flow.watched { flow.clone() } else { awaited.clone() };
        return (password != WRONG_PASSWORD).then_some((flow, subject));
    }
    let user = idp.tenant().user(identifier)?.clone();
    user.accepts(password)
        .then(|| (flow.clone(), Arc::new(Subject::of(&user))))
}

/// The fault of a magic login.
fn magic(identifier: &str) -> Option<Fault> {
    identifier.to_lowercase().strip_suffix(MAGIC_DOMAIN)?.parse().ok()
}

fn open_session(exchange: &Exchange, subject: Arc<Subject>, remember: bool) -> Session {
    let now = exchange.idp.clock.now();
    let session = Session {
        cookie: format!("102{}", random::token22()),
        sid: format!("idx{}", random::token22()),
        subject,
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        expires: now + if remember { 30 * 24 * 3600 } else { SESSION },
    };
    locked(&exchange.idp.store.sessions).insert(session.cookie.clone(), session.clone());
    session
}

/// Records the sign-in; called once for every way in.
pub(crate) fn signed_in_event(session: &Session, sso: bool) -> Event {
    Event::SignedIn {
        login: session.subject.persona.login.clone(),
        sso,
    }
}

/// What the page complains about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    None,
    IdentifierMissing,
    PasswordMissing,
    PasswordWrong,
    Unable,
}

impl Problem {
    fn banner(self) -> &'static str {
        match self {
            Self::None => "",
            Self::IdentifierMissing | Self::PasswordMissing => {
                "We found some errors. Please review the form and make corrections."
            }
            Self::PasswordWrong => "Password is incorrect",
            Self::Unable => "Unable to sign in",
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    org: &'a str,
    action: &'a str,
    handle: &'a str,
    identifier: &'a str,
    classic: bool,
    /// Identity Engine: what this page asks for.
    asks_identifier: bool,
    asks_password: bool,
    banner: &'a str,
    identifier_error: bool,
    password_error: bool,
    lax: bool,
}

fn render(exchange: &Exchange, transaction: &Transaction, handle: &str, identifier: &str, problem: Problem) -> Reply {
    let tenant = exchange.idp.tenant();
    let second_page = transaction.identifier.is_some();
    let page = SignInPage {
        org: &tenant.name,
        action: &transaction.action,
        handle,
        identifier,
        classic: tenant.page == PageStyle::Classic,
        asks_identifier: !second_page,
        asks_password: second_page || tenant.page != PageStyle::IdentifierFirst,
        banner: problem.banner(),
        identifier_error: problem == Problem::IdentifierMissing,
        password_error: matches!(problem, Problem::PasswordMissing | Problem::PasswordWrong),
        lax: exchange.idp.lax,
    };
    // A template over plain texts cannot fail to render.
    answer::page(200, page.render().unwrap_or_default())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    org: &'a str,
    home: &'a str,
    error: &'a str,
    description: &'a str,
    lax: bool,
}

/// Okta's error page: for refusals that have nowhere to be redirected to.
pub(crate) fn error_page(exchange: &Exchange, error: &OAuthError) -> Reply {
    let tenant = exchange.idp.tenant();
    let page = ErrorPage {
        org: &tenant.name,
        home: &exchange.idp.org,
        error: error.error,
        description: &error.text,
        lax: exchange.idp.lax,
    };
    answer::page(400, page.render().unwrap_or_default())
}
