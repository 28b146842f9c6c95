//! The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0) as Okta has it: the hint is required.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::{
    delivery,
    endpoint::{
        answer::{self, Answered, Refusal},
        page, sessions,
    },
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        store::{Flow, Session, TokenKind},
        tamper,
    },
    idp::{Server, with_context},
    okta::error::{HINT_INVALID, HINT_OTHER_USER, OAuthError, POST_LOGOUT_UNREGISTERED},
    protocol::{draft::Reply, params::Params},
    tenant::Client,
};

/// `GET|POST {as}/v1/logout`
pub(crate) fn end_session(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = if exchange.form.is_empty() {
        exchange.query.clone()
    } else {
        exchange.form.clone()
    };
    let hint = hint(exchange, &server, params.filled("id_token_hint").unwrap_or_default());
    if let Some(flow) = hint.as_ref().and_then(|hint| hint.flow.clone()) {
        exchange.bind(&flow);
    }
    let flow = exchange.flow().cloned();
    let honest = ending(exchange, &server, &params, hint).map_err(Refusal::Page)?;
    let faults: Vec<Fault> = flow.iter().flat_map(|flow| flow.faults(Message::EndSession)).collect();
    if faults.is_empty() {
        return Ok(honest);
    }
    let mut reply = honest.clone();
    with_context(&exchange.idp, &server, flow.as_ref(), None, |context| {
        for fault in &faults {
            tamper::end_session(&mut reply, *fault, context);
        }
    });
    exchange.sent(&faults, &delivery::rendering(&honest), &delivery::rendering(&reply));
    Ok(reply)
}

/// What an ID token used as a hint tells.
struct Hint {
    subject: String,
    client: Arc<Client>,
    flow: Option<Arc<Flow>>,
}

/// Reads the hint: a token that was written here, or one that this server's key verifies; expired ones are fine.
fn hint(exchange: &Exchange, server: &Server, text: &str) -> Option<Hint> {
    let known = exchange.idp.store.tokens.get(text);
    if let Some(token) = known.filter(|token| token.kind == TokenKind::Id && token.server == server.id) {
        let grant = token.grant?;
        return Some(Hint {
            subject: grant.subject.persona.sub.clone(),
            client: exchange.idp.client(&token.client_id)?,
            flow: Some(grant.flow),
        });
    }
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.set_issuer(&[&server.issuer]);
    rules.set_required_spec_claims(&["iss", "sub", "aud"]);
    let key = serde_json::from_value(server.keys.jwk()).ok()?;
    let key = DecodingKey::from_jwk(&key).ok()?;
    let claims = jsonwebtoken::decode::<Value>(text, &key, &rules).ok()?.claims;
    Some(Hint {
        subject: claims.get("sub")?.as_str()?.to_owned(),
        client: exchange.idp.client(claims.get("aud")?.as_str()?)?,
        flow: None,
    })
}

fn ending(exchange: &mut Exchange, server: &Server, params: &Params, hint: Option<Hint>) -> Result<Reply, OAuthError> {
    let session = sessions::current(exchange);
    let uri = params.filled("post_logout_redirect_uri");
    let Some(hint) = hint else {
        return Err(exchange.refuse(&HINT_INVALID));
    };
    if session
        .as_ref()
        .is_some_and(|session| session.subject.persona.sub != hint.subject)
        && !hint
            .flow
            .as_ref()
            .is_some_and(|flow| flow.watched && !flow.scenario.sso)
    {
        return Err(exchange.refuse(&HINT_OTHER_USER));
    }
    let destination = match uri {
        Some(uri) if hint.client.post_logout_redirect_uris.iter().any(|known| known == uri) => with_state(uri, params),
        Some(_) => {
            let admin = format!(
                "{}/admin/app/oidc_client/instance/{}#tab-general",
                exchange.org(),
                hint.client.id
            );
            return Err(exchange.refuse(&POST_LOGOUT_UNREGISTERED.with(&admin)));
        }
        None => format!("{}/", exchange.idp.metadata(server, &exchange.idp.tenant()).org),
    };
    let mut frames = Vec::new();
    if let Some(session) = &session {
        frames = others(exchange, session, &hint.client);
        sessions::end(exchange, session);
    }
    let mut reply = if frames.is_empty() {
        answer::redirect(302, &destination)
    } else {
        page::signing_out(exchange, &frames, &destination)
    };
    sessions::clear_cookies(&mut reply);
    Ok(reply)
}

/// The front-channel logout URIs of the other applications that this session went to, as they are called: with `iss` and
/// `sid` where the application wants them.
fn others(exchange: &Exchange, session: &Session, client: &Client) -> Vec<String> {
    let visited = exchange.idp.store.visited.take(&session.sid);
    let mut frames = Vec::new();
    for (server, id) in visited.unwrap_or_default() {
        let Some(other) = exchange.idp.client(&id).filter(|other| other.id != client.id) else {
            continue;
        };
        let Some(uri) = &other.frontchannel_logout_uri else {
            continue;
        };
        if !other.frontchannel_logout_session_required {
            frames.push(uri.clone());
            continue;
        }
        let pairs = [
            ("iss".to_owned(), exchange.idp.issuer_of(&server)),
            ("sid".to_owned(), session.sid.clone()),
        ];
        let join = if uri.contains('?') { '&' } else { '?' };
        frames.push(format!("{uri}{join}{}", Params::write(&pairs)));
    }
    frames
}

fn with_state(uri: &str, params: &Params) -> String {
    let Some(state) = params.filled("state") else {
        return uri.to_owned();
    };
    let pair = Params::write(&[("state".to_owned(), state.to_owned())]);
    format!("{uri}{}{pair}", if uri.contains('?') { '&' } else { '?' })
}
