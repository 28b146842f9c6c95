//! A SAML 2.0 assertion for tokens (RFC 7522 §2.1), which Okta takes with its Classic Engine only.
//!
//! This org trusts no SAML identity provider, as there is no way to set one up: whatever is presented is no assertion that
//! is valid here.

use super::required;
use crate::{
    endpoint::{
        answer::Answered,
        client_auth::refusal,
        token::{self, TokenRequest},
    },
    exchange::Exchange,
    okta::error::{SAML_INVALID, SAML_UNSUPPORTED},
    tenant::PageStyle,
};

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    required(exchange, request, "assertion")?;
    token::scopes(exchange, request)?;
    let is_classic = exchange.idp.tenant().page == PageStyle::Classic;
    let error = if is_classic { &SAML_INVALID } else { &SAML_UNSUPPORTED };
    Err(refusal(exchange, error))
}
