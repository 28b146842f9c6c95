//! The token endpoint (RFC 6749 §3.2): one function for each grant type.

use std::sync::{Arc, atomic::Ordering};

use axum::http::header;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        authorize,
        client_auth::{self, objection, refusal},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        record::Event,
        store::{Code, Token, TokenKind, locked},
        tamper,
    },
    idp::{Server, with_context},
    protocol::{
        draft::{Body, Reply},
        error::*,
        params::Params,
        pkce,
    },
    tenant::{Client, Rotation},
};

/// Grant types that a server knows, as its errors list them.
const GRANT_TYPES: &str = "authorization_code, refresh_token";
/// How long a rotated refresh token still works, seconds.
const GRACE: i64 = 30;

/// `POST {as}/v1/token`
pub(crate) fn issue(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = parameters(exchange)?;
    bind(exchange, &params);
    grant(exchange, &server, &params)
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

/// The code or the refresh token tells the flow, whoever presents it.
fn bind(exchange: &mut Exchange, params: &Params) {
    let store = &exchange.idp.store;
    let by_code = params
        .get("code")
        .and_then(|code| locked(&store.codes).get(code).map(|code| code.grant.flow.clone()));
    let by_refresh = params.get("refresh_token").and_then(|token| {
        let tokens = locked(&store.tokens);
        tokens.get(token)?.grant.as_ref().map(|grant| grant.flow.clone())
    });
    if let Some(flow) = by_code.or(by_refresh) {
        exchange.bind(&flow);
    }
}

fn grant(exchange: &mut Exchange, server: &Arc<Server>, params: &Params) -> Answered {
    if !params.duplicates().is_empty() {
        objection(exchange, &DUPLICATE_PARAMETERS)?;
    }
    let client = client_auth::authenticate(exchange, params)?;
    let Some(grant_type) = params.filled("grant_type") else {
        return Err(refusal(exchange, &GRANT_TYPE_MISSING.with(GRANT_TYPES)));
    };
    match grant_type {
        "authorization_code" => authorization_code(exchange, server, &client, params),
        "refresh_token" => refresh_token(exchange, server, &client, params),
        _ => Err(refusal(exchange, &GRANT_TYPE_UNSUPPORTED.with(GRANT_TYPES))),
    }
}

fn allowed(exchange: &mut Exchange, client: &Client, grant_type: &str) -> Result<(), Refusal> {
    if client.grant_types.iter().any(|known| known == grant_type) {
        return Ok(());
    }
    let list = client.grant_types.join(", ");
    objection(exchange, &GRANT_TYPE_NOT_ALLOWED.with(&list))
}

fn authorization_code(
    exchange: &mut Exchange,
    server: &Arc<Server>,
    client: &Arc<Client>,
    params: &Params,
) -> Answered {
    allowed(exchange, client, "authorization_code")?;
    let Some(text) = params.filled("code") else {
        return Err(refusal(exchange, &PARAMETER_MISSING.with("code")));
    };
    let found = locked(&exchange.idp.store.codes).get(text).cloned();
    let Some(code) = found else {
        return Err(refusal(exchange, &CODE_INVALID));
    };
    // A code is used up or stale for everybody: going on would hide what the relying party's users would see.
    if code.redeemed {
        return Err(refusal(exchange, &CODE_REUSED));
    }
    if code.expires < exchange.idp.clock.now() {
        return Err(refusal(exchange, &CODE_EXPIRED));
    }
    let request = code.grant.request.clone();
    if request.server != server.id {
        return Err(refusal(exchange, &CODE_OTHER_SERVER));
    }
    if request.client_id != client.id {
        return Err(refusal(exchange, &CODE_OTHER_CLIENT));
    }
    let sent = params.filled("redirect_uri");
    if sent != Some(&request.redirect_uri) && (sent.is_some() || request.redirect_uri_sent) {
        objection(exchange, &REDIRECT_URI_MISMATCH)?;
    }
    verify_pkce(exchange, &code, params)?;
    // Two redemptions at the same moment: only one finds the code unused.
    let is_first = locked(&exchange.idp.store.codes)
        .get_mut(text)
        .is_some_and(|code| !std::mem::replace(&mut code.redeemed, true));
    if !is_first {
        return Err(refusal(exchange, &CODE_REUSED));
    }
    let issue = Issue {
        server,
        client,
        grant: &code.grant,
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        refresh: false,
        refresh_token: wants_refresh_token(client, &request.scopes).then(tokens::new_refresh_token),
    };
    answer_with(exchange, &issue, Message::TokenResponse)
}

fn wants_refresh_token(client: &Client, scopes: &[String]) -> bool {
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    offline && client.grant_types.iter().any(|grant| grant == "refresh_token")
}

fn verify_pkce(exchange: &mut Exchange, code: &Code, params: &Params) -> Result<(), Refusal> {
    let error = match (&code.grant.request.challenge, params.filled("code_verifier")) {
        (None, None) => return Ok(()),
        (None, Some(_)) => &VERIFIER_UNEXPECTED,
        (Some(_), None) => &VERIFIER_MISSING,
        (Some((challenge, method)), Some(verifier)) => {
            let proves = pkce::is_well_formed(verifier) && pkce::proves(verifier, challenge, method);
            if proves {
                return Ok(());
            }
            &PKCE_FAILED
        }
    };
    if authorize::pkce_is_enforced(&code.grant.flow) {
        return Err(refusal(exchange, error));
    }
    objection(exchange, error)
}

fn refresh_token(exchange: &mut Exchange, server: &Arc<Server>, client: &Arc<Client>, params: &Params) -> Answered {
    allowed(exchange, client, "refresh_token")?;
    let Some(text) = params.filled("refresh_token") else {
        return Err(refusal(exchange, &PARAMETER_MISSING.with("refresh_token")));
    };
    let now = exchange.idp.clock.now();
    let found = locked(&exchange.idp.store.tokens).get(text).cloned();
    let usable = found.filter(|token| {
        token.kind == TokenKind::Refresh
            && token.server == server.id
            && token.client_id == client.id
            && token.expires > now
    });
    let Some((token, grant)) = usable.and_then(|token| token.grant.clone().map(|grant| (token, grant))) else {
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    };
    if token.revoked || grant.revoked.load(Ordering::Acquire) {
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    }
    if token.grace_until.is_some_and(|until| until < now) {
        // A rotated token after its grace: somebody copied it. Everything since the sign-in ends.
        grant.revoked.store(true, Ordering::Release);
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    }
    let scopes = subset(exchange, &token, params)?;
    let faulty = grant
        .flow
        .scenario
        .faults
        .iter()
        .copied()
        .any(tamper::rotates_refresh_token);
    let rotates = client.rotation == Rotation::Rotate || faulty;
    let next = if rotates {
        tokens::new_refresh_token()
    } else {
        text.to_owned()
    };
    let issue = Issue {
        server,
        client,
        grant: &grant,
        scopes,
        nonce: None,
        refresh: true,
        refresh_token: Some(next),
    };
    let reply = answer_with(exchange, &issue, Message::RefreshResponse)?;
    if rotates && let Some(token) = locked(&exchange.idp.store.tokens).get_mut(text) {
        // Under the fault the old token is dead at once.
        token
            .grace_until
            .get_or_insert(if faulty { now - 1 } else { now + GRACE });
    }
    Ok(reply)
}

/// The scopes of a refresh: those asked for, which must have been granted.
fn subset(exchange: &mut Exchange, token: &Token, params: &Params) -> Result<Vec<String>, Refusal> {
    let Some(asked) = params.filled("scope") else {
        return Ok(token.scopes.clone());
    };
    let asked: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    let denied: Vec<String> = asked
        .iter()
        .filter(|scope| !token.scopes.contains(scope))
        .cloned()
        .collect();
    if denied.is_empty() {
        return Ok(asked);
    }
    Err(refusal(exchange, &REFRESH_SCOPES_DENIED.with(&denied.join(", "))))
}

/// Issues the tokens and writes the answer through its hook.
fn answer_with(exchange: &mut Exchange, issue: &Issue<'_>, message: Message) -> Answered {
    let Ok(issued) = tokens::issue(exchange, issue) else {
        return Err(refusal(exchange, &SERVER_ERROR));
    };
    let honest = answer::json(200, issued.response);
    let flow = &issue.grant.flow;
    let faults: Vec<Fault> = flow.faults(message).collect();
    let mut reply = honest.clone();
    if !faults.is_empty() {
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
