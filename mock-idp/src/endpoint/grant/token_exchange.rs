//! One token for another (RFC 8693): an access token of a user for one of another custom server.

use super::{direct_grant, permit, required, wants_refresh_token};
use crate::{
    endpoint::{
        answer::Answered,
        client_auth::refusal,
        token::{self, TokenRequest},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::store::{TokenKind, locked},
    protocol::error::*,
};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "subject_token")?;
    let kind = match required(exchange, request, "subject_token_type")?.as_str() {
        ACCESS_TOKEN => TokenKind::Access,
        ID_TOKEN => TokenKind::Id,
        _ => return Err(refusal(exchange, &SUBJECT_TOKEN_TYPE)),
    };
    if request
        .params
        .filled("requested_token_type")
        .is_some_and(|wanted| wanted != ACCESS_TOKEN)
    {
        return Err(refusal(exchange, &REQUESTED_TOKEN_TYPE));
    }
    let now = exchange.idp.clock.now();
    let found = locked(&exchange.idp.store.tokens).get(text.as_str()).cloned();
    let subject = found
        .filter(|token| token.kind == kind && token.is_alive(now))
        .and_then(|token| token.grant);
    let Some(original) = subject else {
        return Err(refusal(exchange, &SUBJECT_TOKEN));
    };
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
