//! One token for another (RFC 8693): an access token of a user for one of another custom server; an ID token and a device
//! secret for another application's tokens (native SSO); an ID token for an ID-JAG.

use serde_json::Value;

use super::{direct_grant, id_jag, permit, required, unconsented, wants_refresh_token};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        client_auth::refusal,
        token::{self, TokenRequest},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::store::{Grant, Token, TokenKind},
    okta::error::*,
    tenant::ApplicationType,
};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const DEVICE_SECRET: &str = "urn:x-oath:params:oauth:token-type:device-secret";

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "subject_token")?;
    let kind = match required(exchange, request, "subject_token_type")?.as_str() {
        ACCESS_TOKEN => TokenKind::Access,
        ID_TOKEN => TokenKind::Id,
        _ => return Err(refusal(exchange, &SUBJECT_TOKEN_TYPE)),
    };
    let wanted = request.params.filled("requested_token_type").unwrap_or(ACCESS_TOKEN);
    // Only the org server makes ID-JAGs. What else Okta can be asked for belongs to products of their own.
    let wants_id_jag = wanted == id_jag::TYPE && request.server.id.is_empty();
    if wanted != ACCESS_TOKEN && !wants_id_jag {
        return Err(refusal(exchange, &REQUESTED_TOKEN_TYPE));
    }
    let original = subject(exchange, &text, kind)?;
    judge_actor(exchange, request, kind, &original)?;
    if wants_id_jag {
        return id_jag::issue(exchange, request, &original);
    }
    if request
        .params
        .filled("audience")
        .is_some_and(|audience| audience != request.server.settings.audience)
    {
        return Err(refusal(exchange, &EXCHANGE_AUDIENCE));
    }
    let scopes = token::scopes(exchange, request)?;
    let grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    permit(exchange, request, Some(&original.subject), grant_type, &scopes)?;
    unconsented(exchange, request, &scopes, &EXCHANGE_CONSENT)?;
    let flow = Some(original.flow.clone());
    let mut grant = direct_grant(exchange, request, flow, original.subject.clone(), &[], &scopes);
    grant.session = original.session.clone();
    let issue = Issue {
        server: &request.server,
        client: &request.client,
        grant: &grant,
        nonce: None,
        refresh: false,
        machine: false,
        issued_token_type: Some(ACCESS_TOKEN),
        jkt: request.jkt.clone(),
        refresh_token: wants_refresh_token(&request.client, &scopes).then(tokens::new_refresh_token),
        scopes,
    };
    token::respond(exchange, &issue)
}

/// Who the subject token speaks of, as the grant that it came from.
fn subject(exchange: &mut Exchange, text: &str, kind: TokenKind) -> Result<Grant, Refusal> {
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.tokens.get(text);
    let Some(token) = found.filter(|token| token.kind == kind) else {
        return Err(refusal(exchange, &SUBJECT_TOKEN));
    };
    if !token.is_alive(now) {
        return Err(refusal(exchange, &SUBJECT_TOKEN_EXPIRED));
    }
    let grant = token.grant.and_then(|grant| {
        let subject = exchange.idp.current(&grant.subject)?;
        Some(Grant { subject, ..grant })
    });
    grant.ok_or_else(|| refusal(exchange, &SUBJECT_TOKEN))
}

/// Native SSO: another application of the same device proves itself by the secret that came with the ID token.
fn judge_actor(
    exchange: &mut Exchange,
    request: &TokenRequest,
    kind: TokenKind,
    original: &Grant,
) -> Result<(), Refusal> {
    let Some(actor) = request.params.filled("actor_token") else {
        return Ok(());
    };
    if request.params.filled("actor_token_type") != Some(DEVICE_SECRET) {
        return Err(refusal(exchange, &ACTOR_TOKEN_TYPE));
    }
    if kind != TokenKind::Id {
        let mut error = SUBJECT_ACTOR_MATCH.with(DEVICE_SECRET);
        error.text = error.text.replace("{1}", ID_TOKEN).into();
        return Err(refusal(exchange, &error));
    }
    if request.client.application_type == ApplicationType::Service {
        return Err(refusal(exchange, &NATIVE_SSO_SERVICE));
    }
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.tokens.get(actor);
    let fits = |token: &Token| {
        let same = |grant: &Grant| grant.session.sid == original.session.sid;
        token.kind == TokenKind::DeviceSecret && token.is_alive(now) && token.grant.as_ref().is_some_and(same)
    };
    match found.as_ref().is_some_and(fits) {
        true => Ok(()),
        false => Err(refusal(exchange, &ACTOR_TOKEN)),
    }
}

/// A text claim, or nothing.
pub(super) fn claim<'a>(claims: &'a serde_json::Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}
