//! Client-initiated back-channel authentication (OpenID CIBA Core 1.0), poll mode: its request, and its polls.
//!
//! There is no phone to push to: the mock says yes in the user's name at the second poll.

use std::sync::Arc;

use serde_json::json;

use super::{
    direct_grant, issue_directly,
    pending::{self, Approval, INTERVAL, Kind, Outcome, Pending, Words},
    required,
};
use crate::{
    endpoint::{
        answer::{self, Answered},
        client_auth::{self, refusal},
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    flow::store::TokenKind,
    okta::error::*,
    tenant::Subject,
};

const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// How long a request is good, seconds.
const LIFETIME: i64 = 300;

/// `POST {as}/v1/bc/authorize`
pub(crate) fn authorize(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = client_auth::form(exchange)?;
    let client = client_auth::authenticate(exchange, &params)?;
    if !client.grant_types.iter().any(|known| known == GRANT_TYPE) {
        return Err(refusal(exchange, &CIBA_GRANT_TYPE));
    }
    let request = TokenRequest {
        server,
        client,
        params,
        jkt: None,
    };
    let scopes = token::scopes(exchange, &request)?;
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(refusal(exchange, &CIBA_OPENID));
    }
    let approval = hinted(exchange, &request).map_err(|error| refusal(exchange, &error))?;
    let asked = request.params.filled("request_expiry").map(str::parse::<i64>);
    let lifetime = match asked {
        None => LIFETIME,
        Some(Ok(seconds)) if (1..=LIFETIME).contains(&seconds) => seconds,
        Some(_) => return Err(refusal(exchange, &CIBA_EXPIRY)),
    };
    let pending = Pending {
        kind: Kind::Ciba,
        client_id: request.client.id.clone(),
        server: request.server.id.clone(),
        scopes,
        expires: exchange.idp.clock.now() + lifetime,
        outcome: Outcome::Approved(approval),
        polled: None,
    };
    let id = pending::open(exchange, pending::fresh_text(), pending);
    Ok(answer::json(
        200,
        json!({"auth_req_id": id, "expires_in": lifetime, "interval": INTERVAL}),
    ))
}

/// The person that the hint means: a user of the org who is assigned to the client.
fn hinted(exchange: &Exchange, request: &TokenRequest) -> Result<Approval, OAuthError> {
    let hints = (
        request.params.filled("login_hint"),
        request.params.filled("id_token_hint"),
    );
    let login = match hints {
        (Some(_), Some(_)) => return Err(CIBA_TWO_HINTS),
        (None, None) => return Err(CIBA_NO_HINT),
        (Some(login), None) => login.to_owned(),
        (None, Some(token)) => {
            let known = exchange.idp.store.tokens.get(token);
            let known = known.filter(|token| token.kind == TokenKind::Id);
            let grant = known.and_then(|token| token.grant);
            grant
                .map(|grant| grant.subject.persona.login.clone())
                .ok_or(CIBA_HINT)?
        }
    };
    let user = exchange.idp.tenant().user(&login).cloned().ok_or(CIBA_HINT)?;
    let subject = Subject::of(&user);
    if !request.client.is_assigned(&subject) {
        return Err(CIBA_HINT);
    }
    Ok(Approval {
        flow: None,
        subject: Arc::new(subject),
        amr: ["mfa", "pop", "swk"].map(str::to_owned).to_vec(),
        secret: None,
    })
}

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "auth_req_id")?;
    let words = Words {
        pending: CIBA_PENDING,
        slow_down: CIBA_SLOW_DOWN,
        expired: CIBA_EXPIRED,
        unknown: CIBA_EXPIRED,
        denied: CONSENT_DENIED,
    };
    let (client, server) = (&request.client.id, &request.server.id);
    let polled = pending::poll(exchange, &text, Kind::Ciba, client, server, &words);
    let (pending, approval) = polled.map_err(|error| refusal(exchange, &error))?;
    let amr: Vec<&str> = approval.amr.iter().map(String::as_str).collect();
    let grant = direct_grant(exchange, request, None, approval.subject, &amr, &pending.scopes);
    issue_directly(exchange, request, &grant, GRANT_TYPE)
}
