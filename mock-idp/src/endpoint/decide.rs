//! Between "this is who it is" and the code: assignment, access policy, consent.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    endpoint::{answer, respond, sign_in},
    exchange::Exchange,
    flow::{
        record::Event,
        store::{Flow, Grant, Request, Session, locked},
    },
    idp::Server,
    protocol::{
        draft::Reply,
        error::{
            CONSENT_DENIED, CONSENT_REQUIRED, OAuthError, POLICY_ALL_SCOPES_DENIED, POLICY_FAILED,
            POLICY_SCOPES_DENIED, SERVER_ERROR, USER_NOT_ASSIGNED,
        },
    },
    tenant::{Client, ConsentMethod, Decision, ScopeConsent, Subject},
};

/// The person is known, from the page or (`sso`) from a session.
pub(crate) fn signed_in(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Session,
    sso: bool,
) -> Reply {
    exchange.event(Event::SignedIn {
        login: session.subject.persona.login.clone(),
        sso,
    });
    *locked(&flow.session) = Some(session.clone());
    *locked(&flow.party) = Some((request.server.clone(), request.client_id.clone()));
    let cookies = if sso { Vec::new() } else { cookies(exchange, &session) };
    let mut reply = judged(exchange, flow, request, session);
    for cookie in cookies {
        answer::put(&mut reply, "set-cookie", &cookie);
    }
    reply
}

/// `sid` for Classic and Identity Engine alike; it lasts as long as the browser is open unless it is to be remembered.
fn cookies(exchange: &Exchange, session: &Session) -> Vec<String> {
    let attributes = exchange.idp.cookie_attributes();
    let lifetime = if session.remembered {
        format!(";Max-Age={}", session.expires - session.auth_time)
    } else {
        String::new()
    };
    let mut cookies = vec![format!("sid={};Version=1;{attributes}{lifetime}", session.cookie)];
    if exchange.cookie("DT").is_none() {
        let device = crate::protocol::random::token22();
        cookies.push(format!("DT=DI1{device};Version=1;{attributes};Max-Age=63072000"));
    }
    cookies
}

fn judged(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, session: Session) -> Reply {
    let parties = exchange
        .idp
        .server(&request.server)
        .zip(exchange.idp.client(&request.client_id));
    let Some((server, client)) = parties else {
        let error = exchange.refuse(&SERVER_ERROR);
        return respond::refuse(exchange, &request, &error);
    };
    if let Some(error) = denial(
        &server,
        &client,
        Some(&session.subject),
        "authorization_code",
        &request.scopes,
    ) {
        let error = exchange.refuse(&error);
        return respond::refuse(exchange, &request, &error);
    }
    let asked = scopes_to_ask(exchange, &server, &client, &request, &session.subject);
    if asked.is_empty() {
        return granted(exchange, flow, request, session);
    }
    if request.prompt == "none" {
        let error = exchange.refuse(&CONSENT_REQUIRED.with(&asked.join(", ")));
        return respond::refuse(exchange, &request, &error);
    }
    sign_in::consent_page(exchange, flow, request, session, asked)
}

/// The user said yes to these scopes.
pub(crate) fn consented(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Session,
    scopes: Vec<String>,
) -> Reply {
    let key = (session.subject.persona.sub.clone(), request.client_id.clone());
    {
        let mut consents = locked(&exchange.idp.store.consents);
        let mut known = consents.get(&key).cloned().unwrap_or_default();
        known.extend(scopes);
        consents.insert(key, known);
    }
    granted(exchange, flow, request, session)
}

/// The user said no.
pub(crate) fn refused_by_user(exchange: &mut Exchange, request: &Request) -> Reply {
    let error = exchange.refuse(&CONSENT_DENIED);
    respond::refuse(exchange, request, &error)
}

fn granted(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, session: Session) -> Reply {
    let grant = Grant {
        flow: flow.clone(),
        subject: session.subject.clone(),
        session,
        request,
        revoked: Arc::new(AtomicBool::new(false)),
    };
    respond::granted(exchange, &grant)
}

/// Why this user does not get these scopes for this client, by assignment or access policy.
pub(crate) fn denial(
    server: &Server,
    client: &Client,
    subject: Option<&Subject>,
    grant_type: &str,
    scopes: &[String],
) -> Option<OAuthError> {
    if let Some(subject) = subject
        && !subject.guest
        && !client.is_assigned(subject)
    {
        return Some(USER_NOT_ASSIGNED);
    }
    match server.settings.decide(client, subject, grant_type, scopes) {
        Decision::Allowed => None,
        Decision::NoRule => Some(POLICY_FAILED),
        Decision::AllScopesDenied => Some(POLICY_ALL_SCOPES_DENIED),
        Decision::SomeScopesDenied(denied) => Some(POLICY_SCOPES_DENIED.with(&denied.join(", "))),
    }
}

/// The scopes that the user is asked about: those that want it, unless the client is trusted or the user said yes before;
/// all of them if the request prompts for consent.
fn scopes_to_ask(
    exchange: &Exchange,
    server: &Server,
    client: &Client,
    request: &Request,
    subject: &Subject,
) -> Vec<String> {
    let wanting: Vec<String> = request
        .scopes
        .iter()
        .filter(|name| {
            let scope = server.settings.scope(name);
            scope.is_some_and(|scope| scope.consent != ScopeConsent::Implicit)
        })
        .cloned()
        .collect();
    if request.prompt.contains("consent") {
        return wanting;
    }
    if client.consent == ConsentMethod::Trusted {
        return Vec::new();
    }
    let key = (subject.persona.sub.clone(), client.id.clone());
    let known = locked(&exchange.idp.store.consents)
        .get(&key)
        .cloned()
        .unwrap_or_default();
    wanting.into_iter().filter(|scope| !known.contains(scope)).collect()
}
