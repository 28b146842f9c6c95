//! User name and password for tokens (RFC 6749 §4.3).

use super::{direct, direct_grant, issue_directly, required, unconsented};
use crate::{
    endpoint::{
        answer::Answered,
        authentication::{self, Failure},
        client_auth::refusal,
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    okta::error::*,
};

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let username = required(exchange, request, "username")?;
    let password = required(exchange, request, "password")?;
    let scopes = token::scopes(exchange, request)?;
    let known = match authentication::authenticate(exchange, None, &username, &password) {
        Ok(known) => known,
        Err(Failure::PasswordExpired(_)) => return Err(refusal(exchange, &PASSWORD_EXPIRED)),
        Err(_) => return Err(refusal(exchange, &PASSWORD_INVALID)),
    };
    unconsented(exchange, request, &scopes, &PASSWORD_CONSENT)?;
    if let Some(secret) = known.totp {
        // Direct authentication goes on with a second factor; without it the password grant ends here.
        if request.client.grant_types.iter().any(|grant| grant == direct::MFA_OTP) {
            return direct::ask_for_factor(exchange, request, known.flow, known.subject, secret, scopes);
        }
        return Err(refusal(exchange, &PASSWORD_WITH_MFA));
    }
    if known.must_enroll {
        return Err(refusal(exchange, &PASSWORD_WITH_MFA));
    }
    let grant = direct_grant(exchange, request, known.flow, known.subject, &["pwd"], &scopes);
    issue_directly(exchange, request, &grant, "password")
}
