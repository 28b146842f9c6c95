//! A device that shows a code for a person to enter elsewhere (RFC 8628): its request, and its polls.

use serde_json::json;

use super::{
    direct_grant, issue_directly,
    pending::{self, INTERVAL, Kind, Outcome, Pending, Words},
    required,
};
use crate::{
    endpoint::{
        answer::{self, Answered},
        client_auth::{self, refusal},
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    okta::error::*,
    protocol::random,
};

pub(crate) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long the codes are good, seconds.
const LIFETIME: i64 = 600;

/// `POST {as}/v1/device/authorize`
pub(crate) fn authorize(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let params = client_auth::form(exchange)?;
    let client = client_auth::authenticate(exchange, &params)?;
    if !client.grant_types.iter().any(|known| known == GRANT_TYPE) {
        let configured = client.grant_types.join(", ");
        return Err(refusal(exchange, &GRANT_TYPE_NOT_ALLOWED.with(&configured)));
    }
    let request = TokenRequest {
        server,
        client,
        params,
        jkt: None,
    };
    let scopes = token::scopes(exchange, &request)?;
    let most = exchange.idp.tenant().rate_limit.user_codes;
    let waiting = pending::waiting(exchange, Kind::Device, &request.client.id);
    if most.is_some_and(|most| waiting >= most as usize) {
        return Err(refusal(exchange, &USER_CODES_TOO_MANY));
    }
    let user_code = random::letters(8);
    let device_code = random::uuid();
    let pending = Pending {
        kind: Kind::Device,
        client_id: request.client.id.clone(),
        server: request.server.id.clone(),
        scopes,
        expires: exchange.idp.clock.now() + LIFETIME,
        outcome: Outcome::Waiting,
        polled: None,
    };
    pending::open(exchange, device_code.clone(), pending);
    exchange
        .idp
        .store
        .user_codes
        .put(user_code.clone(), device_code.clone());
    let place = format!("{}/activate", exchange.org());
    Ok(answer::json(
        200,
        json!({
            "user_code": user_code,
            "device_code": device_code,
            "interval": INTERVAL,
            "verification_uri_complete": format!("{place}?user_code={user_code}"),
            "verification_uri": place,
            "expires_in": LIFETIME,
        }),
    ))
}

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "device_code")?;
    let words = Words {
        pending: DEVICE_PENDING,
        slow_down: DEVICE_SLOW_DOWN,
        expired: DEVICE_EXPIRED,
        unknown: DEVICE_INVALID,
        denied: CONSENT_DENIED,
    };
    let polled = pending::poll(
        exchange,
        &text,
        Kind::Device,
        &request.client.id,
        &request.server.id,
        &words,
    );
    let (pending, approval) = polled.map_err(|error| refusal(exchange, &error))?;
    let amr: Vec<&str> = approval.amr.iter().map(String::as_str).collect();
    let grant = direct_grant(
        exchange,
        request,
        approval.flow,
        approval.subject,
        &amr,
        &pending.scopes,
    );
    issue_directly(exchange, request, &grant, GRANT_TYPE)
}
