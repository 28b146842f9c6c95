//! A refresh token for new tokens (RFC 6749 §6): static or rotating, with Okta's grace period and reuse detection.

use super::{permit, required};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        client_auth::refusal,
        token::{self, TokenRequest},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::{
        store::{Grant, Token, TokenKind},
        tamper,
    },
    okta::error::*,
    tenant::Rotation,
};

/// The longest `scope` of a refresh request, characters.
const LONGEST_SCOPE: usize = 4096;

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "refresh_token")?;
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.tokens.get(text.as_str());
    let usable = found.filter(|token| {
        token.kind == TokenKind::Refresh
            && token.server == request.server.id
            && token.client_id == request.client.id
            && token.expires > now
            && token.last_used.saturating_add(token.idle) > now
    });
    let Some((token, grant)) = usable.and_then(|token| token.grant.clone().map(|grant| (token, grant))) else {
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    };
    // Who was suspended or deactivated since gets nothing more; who was changed gets tokens that say so.
    let Some(subject) = exchange.idp.current(&grant.subject) else {
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    };
    let grant = Grant { subject, ..grant };
    if token.revoked || grant.is_revoked() {
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    }
    if token.grace_until.is_some_and(|until| until < now) {
        // A rotated token after its grace: somebody copied it. Everything since the sign-in ends.
        exchange.idp.store.revoke(&grant);
        return Err(refusal(exchange, &REFRESH_TOKEN_INVALID));
    }
    if token.jkt.is_some() && token.jkt != request.jkt {
        return Err(refusal(exchange, &DPOP_REFRESH_BINDING));
    }
    let scopes = subset(exchange, &token, request)?;
    // A custom server asks its policy again.
    permit(exchange, request, Some(&grant.subject), "authorization_code", &scopes)?;
    let faulty = grant
        .flow
        .scenario
        .faults
        .iter()
        .copied()
        .any(tamper::rotates_refresh_token);
    let rotates = request.client.rotation == Rotation::Rotate || faulty;
    let next = if rotates {
        tokens::new_refresh_token()
    } else {
        text.clone()
    };
    let issue = Issue {
        server: &request.server,
        client: &request.client,
        grant: &grant,
        scopes,
        nonce: None,
        refresh: true,
        machine: false,
        issued_token_type: None,
        jkt: request.jkt.clone(),
        refresh_token: Some(next.clone()),
    };
    let reply = token::respond(exchange, &issue)?;
    let stored = &exchange.idp.store.tokens;
    stored.change(text.as_str(), |old| {
        old.last_used = now;
        if rotates {
            // Under the fault the old token is dead at once.
            old.grace_until
                .get_or_insert(if faulty { now - 1 } else { now + request.client.leeway });
        }
    });
    if rotates {
        // Rotation keeps the expiry and the scopes of the original.
        stored.change(next.as_str(), |new| {
            new.expires = token.expires;
            new.scopes.clone_from(&token.scopes);
        });
    }
    Ok(reply)
}

/// The scopes of a refresh: those asked for, which must have been granted.
fn subset(exchange: &mut Exchange, token: &Token, request: &TokenRequest) -> Result<Vec<String>, Refusal> {
    let Some(asked) = request.params.filled("scope") else {
        return Ok(token.scopes.clone());
    };
    if asked.chars().count() > LONGEST_SCOPE {
        return Err(refusal(exchange, &SCOPE_UNKNOWN));
    }
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
