//! Tokens for the client itself (RFC 6749 §4.4): no user, no ID token, no refresh token.

use std::sync::Arc;

use super::{direct_grant, permit};
use crate::{
    endpoint::{
        answer::Answered,
        client_auth::refusal,
        token::{self, TokenRequest},
        tokens::Issue,
    },
    exchange::Exchange,
    okta::error::*,
    tenant::{ApplicationType, AuthMethod, ScopeConsent, Subject},
};

const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let client = &request.client;
    if request.server.id.is_empty() {
        if client.application_type != ApplicationType::Service {
            return Err(refusal(exchange, &ORG_CLIENT_CREDENTIALS_SERVICE));
        }
        if client.auth_method != AuthMethod::PrivateKeyJwt {
            return Err(refusal(exchange, &ORG_CLIENT_CREDENTIALS_METHOD));
        }
    }
    let scopes = token::scopes(exchange, request)?;
    if scopes.iter().any(|scope| OPENID_SCOPES.contains(&scope.as_str())) {
        return Err(refusal(exchange, &CLIENT_CREDENTIALS_OPENID));
    }
    if scopes.iter().any(|scope| scope.ends_with(".self")) {
        return Err(refusal(exchange, &CLIENT_CREDENTIALS_SELF));
    }
    let wants_consent = |name: &&String| {
        let scope = request.server.settings.scope(name);
        scope.is_some_and(|scope| scope.consent == ScopeConsent::Required)
    };
    let unconsented: Vec<String> = scopes.iter().filter(wants_consent).cloned().collect();
    if !unconsented.is_empty() {
        return Err(refusal(
            exchange,
            &CLIENT_CREDENTIALS_CONSENT.with(&unconsented.join(", ")),
        ));
    }
    permit(exchange, request, None, "client_credentials", &scopes)?;
    let nobody = Arc::new(Subject::default());
    let grant = direct_grant(exchange, request, None, nobody, &[], &scopes);
    let issue = Issue {
        server: &request.server,
        client,
        grant: &grant,
        scopes,
        nonce: None,
        refresh: false,
        machine: true,
        issued_token_type: None,
        jkt: request.jkt.clone(),
        refresh_token: None,
    };
    token::respond(exchange, &issue)
}
