//! A code for tokens (RFC 6749 §4.1.3), with PKCE (RFC 7636 §4.5).

use super::{required, wants_refresh_token};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        authorize,
        client_auth::{objection, refusal},
        token::{self, TokenRequest},
        tokens::{self, Issue},
    },
    exchange::Exchange,
    flow::{fault::PkceRule, store::Code},
    okta::error::*,
    protocol::{params::Params, pkce},
};

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "code")?;
    let code = usable(exchange, request, &text, &CODE_INVALID)?;
    let asked = code.grant.request.clone();
    let sent = request.params.filled("redirect_uri");
    if sent != Some(&asked.redirect_uri) && (sent.is_some() || asked.redirect_uri_sent) {
        objection(exchange, &REDIRECT_URI_MISMATCH)?;
    }
    verify_pkce(exchange, &code, &request.params)?;
    finish(exchange, request, &text, &code, &CODE_REUSED)
}

/// The code, if this client may redeem it here and now.
pub(super) fn usable(
    exchange: &mut Exchange,
    request: &TokenRequest,
    text: &str,
    unknown: &OAuthError,
) -> Result<Code, Refusal> {
    let found = exchange.idp.store.codes.get(text);
    let Some(code) = found else {
        return Err(refusal(exchange, unknown));
    };
    // A code is used up or stale for everybody: going on would hide what the relying party's users would see.
    let error = if code.redeemed {
        if exchange.idp.tenant().unverified.code_reuse_revokes {
            exchange.idp.store.revoke(&code.grant);
        }
        &CODE_REUSED
    } else if code.expires < exchange.idp.clock.now() {
        &CODE_EXPIRED
    } else if code.grant.request.server != request.server.id {
        &CODE_OTHER_SERVER
    } else if code.grant.request.client_id != request.client.id {
        &CODE_OTHER_CLIENT
    } else {
        return Ok(code);
    };
    Err(refusal(exchange, error))
}

/// Marks the code as used and issues the tokens.
pub(super) fn finish(
    exchange: &mut Exchange,
    request: &TokenRequest,
    text: &str,
    code: &Code,
    reused: &OAuthError,
) -> Answered {
    // Two redemptions at the same moment: only one finds the code unused.
    let codes = &exchange.idp.store.codes;
    let is_first = codes.change(text, |code| !std::mem::replace(&mut code.redeemed, true));
    if is_first != Some(true) {
        return Err(refusal(exchange, reused));
    }
    let asked = &code.grant.request;
    let issue = Issue {
        server: &request.server,
        client: &request.client,
        grant: &code.grant,
        scopes: asked.scopes.clone(),
        nonce: asked.nonce.clone(),
        refresh: false,
        machine: false,
        issued_token_type: None,
        jkt: request.jkt.clone(),
        refresh_token: wants_refresh_token(&request.client, &asked.scopes).then(tokens::new_refresh_token),
    };
    token::respond(exchange, &issue)
}

pub(super) fn verify_pkce(exchange: &mut Exchange, code: &Code, params: &Params) -> Result<(), Refusal> {
    let rule = authorize::pkce_rule(&code.grant.flow);
    let error = match (&code.grant.request.challenge, params.filled("code_verifier")) {
        (None, None) => return Ok(()),
        (None, Some(_)) => &VERIFIER_UNEXPECTED,
        (Some(_), None) => &VERIFIER_MISSING,
        (Some((challenge, method)), Some(verifier)) => {
            if pkce::is_well_formed(verifier) && pkce::proves(verifier, challenge, method) {
                return Ok(());
            }
            // A verifier of another sign-in: the code is not this browser's.
            if rule == PkceRule::Watch && method == "S256" && pkce::is_well_formed(verifier) {
                return Err(refusal(exchange, &PKCE_FAILED));
            }
            &PKCE_FAILED
        }
    };
    if rule == PkceRule::Enforce {
        return Err(refusal(exchange, error));
    }
    objection(exchange, error)
}
