//! The revocation endpoint (RFC 7009): 200 and nothing for valid, unknown and already revoked tokens.

use crate::{
    endpoint::{
        answer::{self, Answered},
        client_auth::{self, refusal},
    },
    exchange::Exchange,
    flow::store::TokenKind,
    okta::error::TOKEN_REQUIRED,
};

/// `POST {as}/v1/revoke`
pub(crate) fn revoke(exchange: &mut Exchange) -> Answered {
    exchange.server()?;
    let params = client_auth::form(exchange)?;
    let text = params.filled("token").unwrap_or_default();
    let found = exchange.idp.store.tokens.get(text);
    if let Some(grant) = found.as_ref().and_then(|token| token.grant.as_ref()) {
        exchange.bind(&grant.flow.clone());
    }
    let client = client_auth::authenticate(exchange, &params)?;
    if text.is_empty() {
        return Err(refusal(exchange, &TOKEN_REQUIRED));
    }
    // A client can revoke only its own tokens; for others nothing happens, and it is not told.
    if let Some(token) = found.filter(|token| token.client_id == client.id && token.server == exchange.server_id) {
        // Revoking a refresh token revokes its access tokens too; not the reverse.
        if let (TokenKind::Refresh, Some(grant)) = (token.kind, &token.grant) {
            exchange.idp.store.revoke(grant);
        }
        exchange.idp.store.tokens.change(text, |token| token.revoked = true);
    }
    Ok(answer::empty(200))
}
