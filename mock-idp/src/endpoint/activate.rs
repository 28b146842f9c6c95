//! `/activate`: where a person enters the code that a device shows (RFC 8628 §3.3), then signs in like anywhere else.

use std::sync::Arc;

use crate::{
    endpoint::{
        answer::Answered,
        authorize, decide,
        grant::pending::{Approval, Outcome},
        page, sign_in,
    },
    exchange::Exchange,
    flow::{
        scenario::Scenario,
        store::{Asker, Grant, Request},
    },
    okta::page::HANDLE,
    protocol::draft::Reply,
    tenant::Persona,
};

/// `GET|POST /activate`
pub(crate) fn enter_code(exchange: &mut Exchange) -> Answered {
    if exchange.form.has(HANDLE) {
        return sign_in::step(exchange);
    }
    let typed = exchange
        .form
        .filled("user_code")
        .or_else(|| exchange.query.filled("user_code"));
    let Some(typed) = typed else {
        return Ok(page::activate(exchange, "", false));
    };
    // People type what they see in groups; the code itself has neither dash nor space.
    let code: String = typed
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_uppercase();
    if exchange.method != axum::http::Method::POST {
        return Ok(page::activate(exchange, &code, false));
    }
    let device = exchange.idp.store.user_codes.get(code.as_str());
    let pending = device
        .as_deref()
        .and_then(|device| exchange.idp.store.pendings.get(device));
    let now = exchange.idp.clock.now();
    let (Some(device), Some(pending)) = (device, pending.filter(|pending| pending.expires > now)) else {
        return Ok(page::activate(exchange, &code, true));
    };
    let nobody = Scenario::honest(Persona::default());
    let flow = exchange.idp.store.begin(false, nobody);
    exchange.bind(&flow);
    let request = Request {
        server: pending.server,
        client_id: pending.client_id,
        scopes: pending.scopes,
        asker: Asker::Device(device),
        ..Request::default()
    };
    Ok(match authorize::session_for(exchange, &flow) {
        Some(session) => decide::signed_in(exchange, &flow, Arc::new(request), session, true),
        None => sign_in::first_page(exchange, &flow, request),
    })
}

/// The person is known and may: the device gets its tokens at its next poll.
pub(crate) fn approve(exchange: &mut Exchange, grant: &Grant, device: &str) -> Reply {
    exchange.idp.store.pendings.change(device, |pending| {
        pending.outcome = Outcome::Approved(Approval {
            flow: Some(grant.flow.clone()),
            subject: grant.subject.clone(),
            amr: grant.session.amr.clone(),
            secret: None,
        });
    });
    page::activation(exchange, true)
}

/// The person may not, or did not want to.
pub(crate) fn deny(exchange: &mut Exchange, device: &str) -> Reply {
    let pendings = &exchange.idp.store.pendings;
    pendings.change(device, |pending| pending.outcome = Outcome::Denied);
    page::activation(exchange, false)
}
