//! Addresses that a browser is sent to on its way through a sign-in.

use std::sync::Arc;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        authn, decide, home, page, sessions, sign_in,
    },
    exchange::Exchange,
    flow::store::Stage,
    okta::{
        error::{REDIRECT_URL_UNTRUSTED, REQUEST_EXPIRED},
        page::HANDLE,
        problem::Problem,
    },
    protocol::params::Params,
};

/// `GET|POST /login/sessionCookieRedirect`: a session cookie for a session token, then on to a Trusted Origin.
pub(crate) fn session_cookie_redirect(exchange: &mut Exchange) -> Answered {
    let params = if exchange.form.is_empty() {
        exchange.query.clone()
    } else {
        exchange.form.clone()
    };
    let wanted = params.filled("redirectUrl").unwrap_or(home::USER_HOME);
    let Some(destination) = home::permitted(exchange, wanted) else {
        return Err(Refusal::Page(exchange.refuse(&REDIRECT_URL_UNTRUSTED)));
    };
    let token = params.filled("token").unwrap_or_default();
    let Some(redeemed) = authn::redeem(exchange, token) else {
        let from = Params::write(&[("fromURI".to_owned(), destination)]);
        return Ok(answer::redirect(
            302,
            &format!("{}{}?{from}", exchange.org(), home::LOGIN),
        ));
    };
    let mut reply = answer::redirect(302, &destination);
    for cookie in sessions::cookies(exchange, &redeemed.session) {
        answer::put(&mut reply, "set-cookie", cookie);
    }
    Ok(reply)
}

/// `GET /login/token/redirect?stateToken=`: what comes of a sign-in by the IDX API.
pub(crate) fn token_redirect(exchange: &mut Exchange) -> Answered {
    let handle = exchange.query.get(HANDLE).unwrap_or_default();
    let handle = handle.split('~').next().unwrap_or_default().to_owned();
    let Some(transaction) = sign_in::resume(exchange, &handle) else {
        return expired(exchange);
    };
    match transaction.stage {
        Stage::Signed(session) if sign_in::close(exchange, &handle) => {
            let (flow, request) = (transaction.flow, transaction.request);
            Ok(decide::concluded(exchange, &flow, request, session))
        }
        Stage::Signed(_) => expired(exchange),
        _ => Ok(page::show(exchange, &transaction, &handle, Problem::None)),
    }
}

/// `GET /login/step-up/redirect?stateToken=`: where "Don't Allow" leads.
pub(crate) fn step_up_redirect(exchange: &mut Exchange) -> Answered {
    let handle = exchange.query.get(HANDLE).unwrap_or_default().to_owned();
    match sign_in::resume(exchange, &handle) {
        Some(transaction)
            if matches!(transaction.stage, Stage::Consent { .. }) && sign_in::close(exchange, &handle) =>
        {
            Ok(decide::refused_by_user(exchange, &transaction.request))
        }
        _ => expired(exchange),
    }
}

/// `GET /oauth2/v1/authorize/redirect?okta_key=`: takes an authorization request up again, of whichever server it was, once
/// there is a session.
pub(crate) fn authorize_redirect(exchange: &mut Exchange) -> Answered {
    let key = exchange.query.get("okta_key").unwrap_or_default().to_owned();
    let Some(transaction) = sign_in::resume(exchange, &key) else {
        return expired(exchange);
    };
    match sessions::current(exchange) {
        Some(session) if sign_in::close(exchange, &key) => {
            let request = Arc::clone(&transaction.request);
            Ok(decide::signed_in(exchange, &transaction.flow, request, session, true))
        }
        Some(_) => expired(exchange),
        None => Ok(page::show(exchange, &transaction, &key, Problem::None)),
    }
}

fn expired(exchange: &mut Exchange) -> Answered {
    Err(Refusal::Page(exchange.refuse(&REQUEST_EXPIRED)))
}
