//! Direct authentication: one-time passwords and pushes without a browser, alone or as a second factor.
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
        answer::{self, Answered, Refusal},
        authentication::{self, Passcode, TWO_FACTORS},
        client_auth::{self, refusal},
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    flow::store::Flow,
    okta::error::*,
    tenant::{Subject, User},
};

const OTP: &str = "urn:okta:params:oauth:grant-type:otp";
const OOB: &str = "urn:okta:params:oauth:grant-type:oob";
pub(crate) const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
/// How long a transaction is good, seconds.
const LIFETIME: i64 = 300;
const CHANNELS: &[&str] = &["push", "sms", "voice"];

/// 403 `mfa_required` with the token that names the transaction.
pub(crate) fn ask_for_factor(
    exchange: &mut Exchange,
    request: &TokenRequest,
    flow: Option<Arc<Flow>>,
    subject: Arc<Subject>,
    secret: String,
    scopes: Vec<String>,
) -> Answered {
    let approval = Approval {
        flow,
        subject,
        amr: ["mfa", "pwd"].map(str::to_owned).to_vec(),
        secret: Some(secret),
    };
    let pending = waiting(exchange, request, Kind::Factor, scopes, approval);
    let mfa_token = pending::open(exchange, pending::fresh_text(), pending);
    let error = exchange.refuse(&MFA_REQUIRED);
    Ok(answer::json(
        error.status,
        json!({"error": error.error, "error_description": error.text, "mfa_token": mfa_token}),
    ))
}

/// `POST {as}/v1/oob-authenticate` and `/primary-authenticate`
pub(crate) fn authenticate_out_of_band(exchange: &mut Exchange) -> Answered {
    let request = request(exchange)?;
    if !request.client.grant_types.iter().any(|grant| grant == OOB) {
        let configured = request.client.grant_types.join(", ");
        return Err(refusal(exchange, &GRANT_TYPE_NOT_ALLOWED.with(&configured)));
    }
    let user = hinted_user(exchange, &request)?;
    let channel = channel(exchange, &request)?;
    let subject = Arc::new(Subject::of(&user));
    if !request.client.is_assigned(&subject) {
        return Err(refusal(exchange, &USER_NOT_ASSIGNED));
    }
    let approval = Approval {
        flow: None,
        subject,
        amr: ["swk", "pop"].map(str::to_owned).to_vec(),
        secret: None,
    };
    let pending = waiting(exchange, &request, Kind::OutOfBand, Vec::new(), approval);
    let code = pending::open(exchange, pending::fresh_text(), pending);
    Ok(answer::json(200, out_of_band(&code, &channel)))
}

/// `POST {as}/v1/challenge`
pub(crate) fn challenge(exchange: &mut Exchange) -> Answered {
    let request = request(exchange)?;
    let mfa_token = required(exchange, &request, "mfa_token")?;
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.pendings.get(mfa_token.as_str());
    let Some(factor) = found.filter(|entry| entry.kind == Kind::Factor && entry.expires > now) else {
        return Err(refusal(exchange, &MFA_TOKEN_EXPIRED.with("mfa_token")));
    };
    let types = request.params.filled("challenge_types_supported").unwrap_or(MFA_OTP);
    if types.split_whitespace().any(|kind| kind == MFA_OTP) {
        return Ok(answer::json(200, json!({"challenge_type": MFA_OTP})));
    }
    if !types.split_whitespace().any(|kind| kind == MFA_OOB) {
        return Err(refusal(exchange, &CHALLENGE_TYPE.with(types)));
    }
    let channel = channel(exchange, &request)?;
    let Outcome::Approved(mut approval) = factor.outcome else {
        return Err(refusal(exchange, &MFA_TOKEN_EXPIRED.with("mfa_token")));
    };
    approval.amr = ["mfa", "pwd", "swk"].map(str::to_owned).to_vec();
    let pending = waiting(exchange, &request, Kind::OutOfBand, factor.scopes, approval);
    let code = pending::open(exchange, pending::fresh_text(), pending);
    let mut body = json!({"challenge_type": MFA_OOB});
    if let (Some(body), Some(more)) = (body.as_object_mut(), out_of_band(&code, &channel).as_object()) {
        body.extend(more.clone());
    }
    Ok(answer::json(200, body))
}

pub(crate) fn redeem_otp(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let user = hinted_user(exchange, request)?;
    let otp = required(exchange, request, "otp")?;
    let scopes = token::scopes(exchange, request)?;
    let subject = Arc::new(Subject::of(&user));
    let right = user
        .totp
        .as_deref()
        .is_some_and(|secret| authentication::accept_passcode(exchange, &subject, secret, &otp) == Passcode::Right);
    if !right {
        return Err(refusal(exchange, &OTP_WRONG));
    }
    let grant = direct_grant(exchange, request, None, subject, &["otp"], &scopes);
    issue_directly(exchange, request, &grant, OTP)
}

pub(crate) fn redeem_oob(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let scopes = token::scopes(exchange, request)?;
    let approval = poll_oob(exchange, request)?.1;
    let amr: Vec<&str> = approval.amr.iter().map(String::as_str).collect();
    let grant = direct_grant(exchange, request, approval.flow, approval.subject, &amr, &scopes);
    issue_directly(exchange, request, &grant, OOB)
}

pub(crate) fn redeem_mfa_otp(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let mfa_token = required(exchange, request, "mfa_token")?;
    let otp = required(exchange, request, "otp")?;
    let (factor, approval) = factor(exchange, request, &mfa_token)?;
    let secret = approval.secret.clone().unwrap_or_default();
    if authentication::accept_passcode(exchange, &approval.subject, &secret, &otp) != Passcode::Right {
        return Err(refusal(exchange, &OTP_WRONG));
    }
    exchange.idp.store.pendings.take(mfa_token.as_str());
    let grant = direct_grant(
        exchange,
        request,
        approval.flow,
        approval.subject,
        TWO_FACTORS,
        &factor.scopes,
    );
    issue_directly(exchange, request, &grant, MFA_OTP)
}

pub(crate) fn redeem_mfa_oob(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let mfa_token = required(exchange, request, "mfa_token")?;
    let (factor, _) = factor(exchange, request, &mfa_token)?;
    let approval = poll_oob(exchange, request)?.1;
    exchange.idp.store.pendings.take(mfa_token.as_str());
    let amr: Vec<&str> = approval.amr.iter().map(String::as_str).collect();
    let grant = direct_grant(exchange, request, approval.flow, approval.subject, &amr, &factor.scopes);
    issue_directly(exchange, request, &grant, MFA_OOB)
}

fn request(exchange: &mut Exchange) -> Result<TokenRequest, Refusal> {
    let server = exchange.server()?;
    let params = client_auth::form(exchange)?;
    let client = client_auth::authenticate(exchange, &params)?;
    Ok(TokenRequest {
        server,
        client,
        params,
        jkt: None,
    })
}

fn hinted_user(exchange: &mut Exchange, request: &TokenRequest) -> Result<Arc<User>, Refusal> {
    let Some(login) = request.params.filled("login_hint") else {
        return Err(refusal(exchange, &LOGIN_HINT_REQUIRED));
    };
    match exchange.idp.tenant().user(login).cloned() {
        Some(user) => Ok(user),
        None => Err(refusal(exchange, &LOGIN_HINT_UNKNOWN)),
    }
}

fn channel(exchange: &mut Exchange, request: &TokenRequest) -> Result<String, Refusal> {
    let channel = required(exchange, request, "channel_hint")?;
    if CHANNELS.contains(&channel.as_str()) {
        Ok(channel)
    } else {
        Err(refusal(exchange, &CHANNEL_HINT.with(&channel)))
    }
}

fn factor(exchange: &mut Exchange, request: &TokenRequest, mfa_token: &str) -> Result<(Pending, Approval), Refusal> {
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.pendings.get(mfa_token);
    let alive =
        found.filter(|entry| entry.kind == Kind::Factor && entry.expires > now && entry.client_id == request.client.id);
    match alive {
        Some(
            entry @ Pending {
                outcome: Outcome::Approved(_),
                ..
            },
        ) => {
            let Outcome::Approved(approval) = entry.outcome.clone() else {
                return Err(refusal(exchange, &MFA_TOKEN_EXPIRED.with("mfa_token")));
            };
            Ok((entry, approval))
        }
        _ => Err(refusal(exchange, &MFA_TOKEN_EXPIRED.with("mfa_token"))),
    }
}

fn poll_oob(exchange: &mut Exchange, request: &TokenRequest) -> Result<(Pending, Approval), Refusal> {
    let code = required(exchange, request, "oob_code")?;
    let words = Words {
        pending: OOB_PENDING,
        slow_down: CIBA_SLOW_DOWN,
        expired: MFA_TOKEN_EXPIRED.with("oob_code"),
        unknown: MFA_TOKEN_EXPIRED.with("oob_code"),
        denied: OOB_REJECTED,
    };
    let (client, server) = (&request.client.id, &request.server.id);
    pending::poll(exchange, &code, Kind::OutOfBand, client, server, &words).map_err(|error| refusal(exchange, &error))
}

fn waiting(
    exchange: &Exchange,
    request: &TokenRequest,
    kind: Kind,
    scopes: Vec<String>,
    approval: Approval,
) -> Pending {
    Pending {
        kind,
        client_id: request.client.id.clone(),
        server: request.server.id.clone(),
        scopes,
        expires: exchange.idp.clock.now() + LIFETIME,
        outcome: Outcome::Approved(approval),
        polled: None,
    }
}

fn out_of_band(code: &str, channel: &str) -> serde_json::Value {
    let mut body = json!({
        "oob_code": code,
        "channel": channel,
        "binding_method": if channel == "push" { "none" } else { "prompt" },
        "expires_in": LIFETIME,
    });
    if channel == "push" {
        body["interval"] = json!(INTERVAL);
    }
    body
}
