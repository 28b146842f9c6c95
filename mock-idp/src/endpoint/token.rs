//! The token endpoint (RFC 6749 §3.2): who asks, and for which grant. Each grant type is a file in `grant/`.

use std::sync::Arc;

use axum::http::header;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        client_auth::{self, objection, refusal},
        dpop, grant,
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        record::Event,
        store::Token,
        tamper,
    },
    idp::{Server, with_context},
    okta::{
        error::*,
        metadata::{CUSTOM_SCOPES, ORG_SCOPES},
    },
    protocol::{
        draft::{Body, Reply},
        params::Params,
    },
    tenant::{AuthMethod, Client},
};

/// A token request whose client is known.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) server: Arc<Server>,
    pub(crate) client: Arc<Client>,
    pub(crate) params: Params,
    /// The thumbprint of the key that a DPoP proof came with.
    pub(crate) jkt: Option<String>,
}

type Redeem = fn(&mut Exchange, &TokenRequest) -> Answered;

/// Grant types in the order in which errors list them.
#[rustfmt::skip]
const GRANTS: &[(&str, Redeem)] = &[
    ("authorization_code",                                  grant::authorization_code::redeem),
    ("refresh_token",                                       grant::refresh_token::redeem),
    ("password",                                            grant::password::redeem),
    ("client_credentials",                                  grant::client_credentials::redeem),
    ("interaction_code",                                    grant::interaction_code::redeem),
    ("urn:ietf:params:oauth:grant-type:device_code",        grant::device_code::redeem),
    ("urn:ietf:params:oauth:grant-type:token-exchange",     grant::token_exchange::redeem),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer",         grant::jwt_bearer::redeem),
    ("urn:ietf:params:oauth:grant-type:saml2-bearer",       grant::saml2_bearer::redeem),
    ("urn:openid:params:grant-type:ciba",                   grant::ciba::redeem),
    ("urn:okta:params:oauth:grant-type:otp",                grant::direct::redeem_otp),
    ("urn:okta:params:oauth:grant-type:oob",                grant::direct::redeem_oob),
    ("http://auth0.com/oauth/grant-type/mfa-otp",           grant::direct::redeem_mfa_otp),
    ("http://auth0.com/oauth/grant-type/mfa-oob",           grant::direct::redeem_mfa_oob),
];

/// `POST {as}/v1/token`
pub(crate) fn issue(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = parameters(exchange)?;
    bind(exchange, &params);
    if !params.duplicates().is_empty() {
        objection(exchange, &DUPLICATE_PARAMETERS)?;
    }
    let client = client_auth::authenticate(exchange, &params)?;
    if client.org_server_only && !server.id.is_empty() {
        objection(exchange, &ORG_SERVER_ONLY)?;
    }
    let names: Vec<&str> = GRANTS.iter().map(|(name, _)| *name).collect();
    let Some(grant_type) = params.filled("grant_type") else {
        return Err(refusal(exchange, &GRANT_TYPE_MISSING.with(&names.join(", "))));
    };
    let Some((_, redeem)) = GRANTS.iter().find(|(name, _)| *name == grant_type) else {
        return Err(refusal(exchange, &GRANT_TYPE_UNSUPPORTED.with(&names.join(", "))));
    };
    if !client.grant_types.iter().any(|known| known == grant_type) {
        let configured = client.grant_types.join(", ");
        objection(exchange, &GRANT_TYPE_NOT_ALLOWED.with(&configured))?;
    }
    judge_origin(exchange, &client, &params, grant_type)?;
    let jkt = proof(exchange, &client)?;
    let request = TokenRequest {
        server,
        client,
        params,
        jkt,
    };
    redeem(exchange, &request)
}

/// The parameters: from a form, or with an empty body from the query, as Okta's own samples send them.
fn parameters(exchange: &mut Exchange) -> Result<Params, Refusal> {
    if !exchange.form.is_empty() {
        return Ok(exchange.form.clone());
    }
    if exchange.body.is_empty() {
        return Ok(exchange.query.clone());
    }
    let is_form = exchange.header(header::CONTENT_TYPE).is_some_and(|value| {
        value
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    });
    if is_form {
        Ok(Params::default())
    } else {
        Err(API_MEDIA_TYPE.into())
    }
}

/// The code or the token in the request tells the flow, whoever presents it.
fn bind(exchange: &mut Exchange, params: &Params) {
    let store = &exchange.idp.store;
    let by_code = ["code", "interaction_code"]
        .into_iter()
        .find_map(|name| store.codes.read(params.get(name)?, |code| code.grant.flow.clone()));
    let by_token = ["refresh_token", "subject_token"].into_iter().find_map(|name| {
        let flow = |token: &Token| token.grant.as_ref().map(|grant| grant.flow.clone());
        store.tokens.read(params.get(name)?, flow).flatten()
    });
    if let Some(flow) = by_code.or(by_token) {
        exchange.bind(&flow);
    }
}

/// Rules for calls from browsers, which are known by their `Origin`.
fn judge_origin(exchange: &mut Exchange, client: &Client, params: &Params, grant_type: &str) -> Result<(), Refusal> {
    let Some(origin) = exchange.header(header::ORIGIN).map(str::to_owned) else {
        return Ok(());
    };
    let tenant = exchange.idp.tenant();
    let is_known = tenant.trusted_origins.contains(&origin) || client.has_origin(&origin);
    if !is_known {
        return objection(exchange, &BROWSER_ORIGIN);
    }
    if !matches!(grant_type, "authorization_code" | "refresh_token" | "interaction_code") {
        return objection(exchange, &BROWSER_GRANT_TYPE);
    }
    let is_confidential = client.auth_method != AuthMethod::None;
    if grant_type == "authorization_code" && is_confidential && !params.has("code_verifier") {
        return objection(exchange, &BROWSER_WITHOUT_PKCE);
    }
    Ok(())
}

/// The key that tokens are to be bound to.
fn proof(exchange: &mut Exchange, client: &Client) -> Result<Option<String>, Refusal> {
    match dpop::thumbprint(exchange, None) {
        Ok(None) if client.dpop_bound => Err(refusal(exchange, &DPOP_MISSING)),
        Ok(jkt) => Ok(jkt),
        Err(error) => Err(Refusal::Dpop(exchange.refuse(&error))),
    }
}

/// The scopes of a request without a browser: those asked for, or the default ones; all must be known here.
pub(crate) fn scopes(exchange: &mut Exchange, request: &TokenRequest) -> Result<Vec<String>, Refusal> {
    let settings = &request.server.settings;
    let is_org = request.server.id.is_empty();
    let asked = request.params.filled("scope").unwrap_or_default();
    let mut scopes: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        let defaults = settings.scopes.iter().filter(|scope| scope.default);
        scopes = defaults.map(|scope| scope.name.clone()).collect();
    }
    if scopes.is_empty() {
        let error = if is_org { &SCOPE_MISSING } else { &SCOPE_NO_DEFAULT };
        return Err(refusal(exchange, error));
    }
    let built_in = if is_org { ORG_SCOPES } else { CUSTOM_SCOPES };
    // The management scopes of the org server are not listed one by one.
    let is_known = |scope: &String| {
        built_in.contains(&scope.as_str()) || settings.scope(scope).is_some() || (is_org && scope.starts_with("okta."))
    };
    if scopes.iter().all(is_known) {
        Ok(scopes)
    } else {
        Err(refusal(exchange, &SCOPE_UNKNOWN))
    }
}

/// Issues the tokens and writes the answer through its hook.
pub(crate) fn respond(exchange: &mut Exchange, issue: &Issue<'_>) -> Answered {
    let Ok(response) = tokens::issue(exchange, issue) else {
        return Err(refusal(exchange, &SERVER_ERROR));
    };
    let honest = answer::json(200, response);
    let flow = &issue.grant.flow;
    let message = if issue.refresh {
        Message::RefreshResponse
    } else {
        Message::TokenResponse
    };
    let faults: Vec<Fault> = flow.faults(message).collect();
    let mut reply = honest;
    if !faults.is_empty() {
        let honest = reply.clone();
        with_context(&exchange.idp, issue.server, Some(flow), Some(issue.client), |context| {
            for fault in &faults {
                match message {
                    Message::RefreshResponse => tamper::refresh(&mut reply, *fault, context),
                    _ => tamper::token_response(&mut reply, *fault, context),
                }
            }
        });
        exchange.sent(&faults, &tokens::rendering(&honest), &tokens::rendering(&reply));
    }
    exchange.event(tokens_event(&reply));
    Ok(reply)
}

/// The tokens as they are really written: what the answer says after its hook.
fn tokens_event(reply: &Reply) -> Event {
    let member = |name: &str| match &reply.body {
        Body::Json(value) => value.get(name).and_then(|value| value.as_str()).map(str::to_owned),
        Body::Bytes(bytes) => serde_json::from_slice::<serde_json::Value>(bytes)
            .ok()
            .and_then(|value| value.get(name).and_then(|value| value.as_str()).map(str::to_owned)),
        _ => None,
    };
    Event::TokensIssued {
        access_token: member("access_token").unwrap_or_default(),
        id_token: member("id_token"),
        refresh_token: member("refresh_token"),
    }
}
