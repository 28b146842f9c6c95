//! Okta's interaction code, which an application's own sign-in page gets from the IDX API, for tokens.

use super::{authorization_code, required};
use crate::{
    endpoint::{answer::Answered, token::TokenRequest},
    exchange::Exchange,
    okta::error::INTERACTION_CODE_INVALID,
};

pub(crate) fn redeem(exchange: &mut Exchange, request: &TokenRequest) -> Answered {
    let text = required(exchange, request, "interaction_code")?;
    let code = authorization_code::usable(exchange, request, &text, &INTERACTION_CODE_INVALID)?;
    authorization_code::verify_pkce(exchange, &code, &request.params)?;
    authorization_code::finish(exchange, request, &text, &code, &INTERACTION_CODE_INVALID)
}
