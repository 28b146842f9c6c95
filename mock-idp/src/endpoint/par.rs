//! Pushed authorization requests (RFC 9126): checked like any authorization request, then named by a handle.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::json;

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        authorize, client_auth,
    },
    exchange::Exchange,
    flow::waiting::Pushed,
    idp::Server,
    okta::error::*,
    protocol::{params::Params, random},
};

/// How long a handle is good, seconds.
const LIFETIME: i64 = 3600;
const PREFIX: &str = "urn:okta:";
/// Parameters that prove the client and are no part of the request.
const CREDENTIALS: &[&str] = &["client_secret", "client_assertion", "client_assertion_type"];

/// `POST {as}/v1/par`
pub(crate) fn push(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let mut params = client_auth::form(exchange)?;
    let client = client_auth::authenticate(exchange, &params)?;
    if params.has("request_uri") {
        return Err(client_auth::refusal(exchange, &REQUEST_URI_PRESENT));
    }
    params.0.retain(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    if !params.has("client_id") {
        params.0.push(("client_id".to_owned(), client.id.clone()));
    }
    authorize::judge(exchange, &server, &params).map_err(Refusal::OAuth)?;
    // The published example decodes to a 43-character key and a colon.
    let handle = format!("{PREFIX}{}", B64.encode(format!("{}:", random::token43())));
    let pushed = Pushed {
        client_id: client.id.clone(),
        server: server.id.clone(),
        params,
        expires: exchange.idp.clock.now() + LIFETIME,
    };
    exchange.idp.store.pushed.put(handle.clone(), pushed);
    let status = if exchange.idp.tenant().features.par_created {
        201
    } else {
        200
    };
    Ok(answer::json(
        status,
        json!({"request_uri": handle, "expires_in": LIFETIME}),
    ))
}

/// The request that a handle names.
pub(crate) fn pushed(
    exchange: &Exchange,
    server: &Server,
    params: &Params,
    handle: &str,
) -> Result<Params, OAuthError> {
    let found = exchange.idp.store.pushed.get(handle);
    let alive = found.filter(|pushed| pushed.expires > exchange.idp.clock.now());
    let pushed = alive.ok_or(REQUEST_URI_INVALID)?;
    if pushed.server != server.id {
        return Err(REQUEST_URI_OTHER_SERVER);
    }
    if params.filled("client_id") != Some(&pushed.client_id) {
        return Err(REQUEST_URI_OTHER_CLIENT);
    }
    Ok(pushed.params)
}
