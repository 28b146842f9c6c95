//! Between "this is who it is" and the code: assignment, access policy, consent.

use std::sync::Arc;

use crate::{
    endpoint::{answer, respond, sessions, sign_in},
    exchange::Exchange,
    flow::{
        record::Event,
        store::{Asker, Flow, Grant, Request, Revocation, Session, Stage, locked},
    },
    idp::Server,
    okta::error::{
        ACR_UNMET, CONSENT_DENIED, CONSENT_REQUIRED, ENROLL_NOT_ALLOWED, INTERACTION_REQUIRED, OAuthError,
        POLICY_ALL_SCOPES_DENIED, POLICY_FAILED, POLICY_SCOPES_DENIED, REAUTHENTICATION_REQUIRED, SERVER_ERROR,
        USER_NOT_ASSIGNED,
    },
    protocol::{draft::Reply, random},
    tenant::{Client, ConsentMethod, Decision, ScopeConsent, Subject},
};

/// The person is known, from the page or (`sso`) from a session.
pub(crate) fn signed_in(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Arc<Session>,
    sso: bool,
) -> Reply {
    note(exchange, flow, &request, &session, sso);
    let cookies = if sso {
        Vec::new()
    } else {
        sessions::cookies(exchange, &session)
    };
    let mut reply = match &request.asker {
        Asker::Home(page) => answer::redirect(302, page),
        _ => judged(exchange, flow, request, session),
    };
    for cookie in cookies {
        answer::put(&mut reply, "set-cookie", cookie);
    }
    reply
}

/// Everything was asked and answered by the IDX API: the browser gets what comes of it.
pub(crate) fn concluded(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Arc<Session>,
) -> Reply {
    note(exchange, flow, &request, &session, false);
    let cookies = sessions::cookies(exchange, &session);
    let mut reply = granted(exchange, flow, request, session);
    for cookie in cookies {
        answer::put(&mut reply, "set-cookie", cookie);
    }
    reply
}

/// Records who this is, in the flow and for sign-out.
pub(crate) fn note(exchange: &mut Exchange, flow: &Arc<Flow>, request: &Request, session: &Arc<Session>, sso: bool) {
    exchange.event(Event::SignedIn {
        login: session.subject.persona.login.clone(),
        sso,
    });
    let party = (request.server.clone(), request.client_id.clone());
    if !party.1.is_empty() {
        exchange.idp.store.visited.alter(session.sid.clone(), |parties| {
            let parties = parties.get_or_insert_default();
            if !parties.contains(&party) {
                parties.push(party.clone());
            }
        });
    }
    *locked(&flow.session) = Some(session.clone());
    *locked(&flow.party) = Some(party);
    exchange.adopt(flow);
}

fn judged(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, session: Arc<Session>) -> Reply {
    let subject = session.subject.clone();
    let stage = match verdict(exchange, &request, &session) {
        Verdict::Granted => return granted(exchange, flow, request, session),
        Verdict::Denied(error) => {
            let error = exchange.refuse(&error);
            return respond::refuse(exchange, &request, &error);
        }
        Verdict::Factor(_) | Verdict::Consent(_) if request.asker == Asker::Interaction => {
            let error = exchange.refuse(&INTERACTION_REQUIRED);
            return respond::refuse(exchange, &request, &error);
        }
        Verdict::Enroll(secret) => Stage::Enroll {
            subject: subject.clone(),
            secret,
        },
        Verdict::Factor(secret) => Stage::Passcode {
            subject: subject.clone(),
            secret,
        },
        Verdict::Consent(scopes) => Stage::Consent { session, scopes },
    };
    sign_in::further_page(exchange, flow, request, &subject, stage)
}

/// What comes of it that somebody is known.
pub(crate) enum Verdict {
    Granted,
    Denied(OAuthError),
    /// The second factor with this base32 secret is wanted first.
    Factor(String),
    /// The second factor with this base32 secret is to be set up first.
    Enroll(String),
    /// The user is asked about these scopes first.
    Consent(Vec<String>),
}

/// Assignment, access policy, `acr_values` and consent, in this order.
pub(crate) fn verdict(exchange: &Exchange, request: &Request, session: &Session) -> Verdict {
    let parties = exchange
        .idp
        .server(&request.server)
        .zip(exchange.idp.client(&request.client_id));
    let Some((server, client)) = parties else {
        return Verdict::Denied(SERVER_ERROR);
    };
    let subject = &session.subject;
    let grant_type = match request.asker {
        Asker::Interaction => "interaction_code",
        _ => "authorization_code",
    };
    if let Some(error) = denial(&server, &client, Some(subject), grant_type, &request.scopes) {
        return Verdict::Denied(error);
    }
    let is_silent = request.prompt == "none";
    match missing_factor(exchange, request, session) {
        Ok(None) => {}
        Ok(Some(_)) if is_silent => return Verdict::Denied(REAUTHENTICATION_REQUIRED),
        Ok(Some(secret)) => return Verdict::Factor(secret),
        Err(error) => return Verdict::Denied(error),
    }
    match enrollment(exchange, request, subject) {
        Ok(None) => {}
        Ok(Some(secret)) => return Verdict::Enroll(secret),
        Err(error) => return Verdict::Denied(error),
    }
    let asked = scopes_to_ask(exchange, &server, &client, request, subject);
    if asked.is_empty() {
        Verdict::Granted
    } else if is_silent {
        Verdict::Denied(CONSENT_REQUIRED.with(&asked.join(", ")))
    } else {
        Verdict::Consent(asked)
    }
}

/// The second factor that `acr_values` wants and the session lacks. Guests have whatever is wanted.
fn missing_factor(exchange: &Exchange, request: &Request, session: &Session) -> Result<Option<String>, OAuthError> {
    let wanted = request.acr.as_deref().unwrap_or_default();
    let is_phishing_resistant = matches!(wanted, "phr" | "phrh");
    if session.subject.guest || !(is_phishing_resistant || wanted == "urn:okta:loa:2fa:any") {
        return Ok(None);
    }
    if is_phishing_resistant {
        return Err(ACR_UNMET);
    }
    if session.amr.iter().any(|method| method == "mfa") {
        return Ok(None);
    }
    let tenant = exchange.idp.tenant();
    let user = tenant.users.iter().find(|user| user.id == session.subject.persona.sub);
    let secret = user.and_then(|user| user.totp.clone());
    secret.map(Some).ok_or(ACR_UNMET)
}

/// The secret of the second factor that the request has the user set up; nothing if he has what it names already. There are
/// passwords here and one-time codes of an app, and no other authenticators.
fn enrollment(exchange: &Exchange, request: &Request, subject: &Subject) -> Result<Option<String>, OAuthError> {
    if request.enroll.is_empty() || subject.guest {
        return Ok(None);
    }
    let has = |names: &[&str]| request.enroll.iter().any(|name| names.contains(&name.as_str()));
    let tenant = exchange.idp.tenant();
    let user = tenant.user_by_id(&subject.persona.sub);
    let is_enrolled = user.is_some_and(|user| user.totp.is_some());
    if has(&["google_otp", "otp"]) {
        return Ok((!is_enrolled).then(|| random::base32(32)));
    }
    if has(&["pwd"]) {
        return Ok(None);
    }
    Err(ENROLL_NOT_ALLOWED)
}

/// The user said yes to these scopes.
pub(crate) fn consented(
    exchange: &mut Exchange,
    flow: &Arc<Flow>,
    request: Arc<Request>,
    session: Arc<Session>,
    scopes: Vec<String>,
) -> Reply {
    remember_consent(exchange, &request, &session, scopes);
    granted(exchange, flow, request, session)
}

/// From now on this user is not asked about these scopes of this client.
pub(crate) fn remember_consent(exchange: &Exchange, request: &Request, session: &Session, scopes: Vec<String>) {
    let key = (session.subject.persona.sub.clone(), request.client_id.clone());
    exchange.idp.store.consents.alter(key, |known| {
        let known = known.get_or_insert_default();
        known.extend(
            scopes
                .iter()
                .filter(|scope| !known.contains(scope))
                .cloned()
                .collect::<Vec<_>>(),
        );
    });
}

/// The user said no.
pub(crate) fn refused_by_user(exchange: &mut Exchange, request: &Request) -> Reply {
    let error = exchange.refuse(&CONSENT_DENIED);
    respond::refuse(exchange, request, &error)
}

fn granted(exchange: &mut Exchange, flow: &Arc<Flow>, request: Arc<Request>, session: Arc<Session>) -> Reply {
    respond::granted(exchange, &grant(flow, request, session))
}

/// What this user granted to this client just now.
pub(crate) fn grant(flow: &Arc<Flow>, request: Arc<Request>, session: Arc<Session>) -> Grant {
    Grant {
        flow: flow.clone(),
        subject: session.subject.clone(),
        session,
        request,
        revoked: Arc::new(Revocation::new()),
    }
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
    let known = exchange.idp.store.consents.get(&key).unwrap_or_default();
    wanting.into_iter().filter(|scope| !known.contains(scope)).collect()
}
