//! The grant types of the token endpoint, one file each.

pub(crate) mod authorization_code;
pub(crate) mod ciba;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod direct;
mod id_jag;
pub(crate) mod interaction_code;
pub(crate) mod jwt_bearer;
pub(crate) mod password;
pub(crate) mod pending;
pub(crate) mod refresh_token;
pub(crate) mod saml2_bearer;
pub(crate) mod token_exchange;

use std::sync::Arc;

use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        client_auth::refusal,
        decide,
        token::{self, TokenRequest},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::{
        scenario::Scenario,
        store::{Flow, Grant, Request, Revocation, Session, locked},
    },
    okta::error::*,
    protocol::random,
    tenant::{Client, ConsentMethod, Persona, ScopeConsent, Subject},
};

/// Whether the client gets a refresh token for these scopes.
pub(crate) fn wants_refresh_token(client: &Client, scopes: &[String]) -> bool {
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    offline && client.grant_types.iter().any(|grant| grant == "refresh_token")
}

/// A grant that came about without the authorization endpoint.
pub(crate) fn direct_grant(
    exchange: &Exchange,
    request: &TokenRequest,
    flow: Option<Arc<Flow>>,
    subject: Arc<Subject>,
    amr: &[&str],
    scopes: &[String],
) -> Grant {
    let flow = flow.unwrap_or_else(|| {
        let nobody = Scenario::honest(Persona::default());
        exchange.idp.store.begin(false, nobody)
    });
    let now = exchange.idp.clock.now();
    Grant {
        flow,
        request: Arc::new(Request {
            server: request.server.id.clone(),
            client_id: request.client.id.clone(),
            scopes: scopes.to_vec(),
            grant_type: request.params.filled("grant_type").unwrap_or_default().to_owned(),
            ..Request::default()
        }),
        session: Arc::new(Session {
            cookie: "".into(),
            idx: "".into(),
            sid: format!("idx{}", random::token22()),
            subject: subject.clone(),
            auth_time: now,
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            expires: now,
            remembered: false,
        }),
        subject,
        revoked: Arc::new(Revocation::new()),
    }
}

/// Issues tokens for a user who proved himself without the authorization endpoint, if assignment and policy let him.
pub(crate) fn issue_directly(
    exchange: &mut Exchange,
    request: &TokenRequest,
    grant: &Grant,
    grant_type: &str,
) -> Answered {
    let party = (grant.request.server.clone(), grant.request.client_id.clone());
    *locked(&grant.flow.party) = Some(party);
    *locked(&grant.flow.session) = Some(grant.session.clone());
    exchange.bind(&grant.flow);
    exchange.adopt(&grant.flow);
    let scopes = grant.request.scopes.clone();
    permit(exchange, request, Some(&grant.subject), grant_type, &scopes)?;
    let issue = Issue {
        server: &request.server,
        client: &request.client,
        grant,
        nonce: None,
        refresh: false,
        machine: false,
        issued_token_type: None,
        jkt: request.jkt.clone(),
        refresh_token: wants_refresh_token(&request.client, &scopes).then(tokens::new_refresh_token),
        scopes,
    };
    token::respond(exchange, &issue)
}

/// Assignment and access policy.
pub(crate) fn permit(
    exchange: &mut Exchange,
    request: &TokenRequest,
    subject: Option<&Subject>,
    grant_type: &str,
    scopes: &[String],
) -> Result<(), Refusal> {
    match decide::denial(&request.server, &request.client, subject, grant_type, scopes) {
        Some(error) => Err(refusal(exchange, &error)),
        None => Ok(()),
    }
}

/// Scopes for which a user would have to be asked, where nobody can be: refused with this error.
pub(crate) fn unconsented(
    exchange: &mut Exchange,
    request: &TokenRequest,
    scopes: &[String],
    error: &OAuthError,
) -> Result<(), Refusal> {
    if request.client.consent == ConsentMethod::Trusted {
        return Ok(());
    }
    let wants_consent = |name: &&String| {
        let scope = request.server.settings.scope(name);
        scope.is_some_and(|scope| scope.consent != ScopeConsent::Implicit)
    };
    let names: Vec<&str> = scopes.iter().filter(wants_consent).map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(refusal(exchange, &error.with(&names.join(", "))))
}

/// A required parameter.
pub(crate) fn required(exchange: &mut Exchange, request: &TokenRequest, name: &str) -> Result<String, Refusal> {
    match request.params.filled(name) {
        Some(value) => Ok(value.to_owned()),
        None => Err(refusal(exchange, &PARAMETER_MISSING.with(name))),
    }
}
