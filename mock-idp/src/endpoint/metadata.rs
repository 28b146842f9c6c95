//! The metadata documents (OpenID Connect Discovery §4, RFC 8414 §3).

use serde_json::json;

use crate::{
    delivery,
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    flow::{fault::Message, tamper},
    idp::with_context,
    okta::error::API_CLIENT_UNKNOWN_IN_METADATA,
    tenant::PageStyle,
};

const MAX_AGE: u64 = 86_400;

/// `GET {issuer}/.well-known/oauth-authorization-server`, and `/.well-known/oauth-authorization-server{issuer path}`
pub(crate) fn oauth_authorization_server(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let tenant = exchange.idp.tenant();
    let document = exchange.idp.metadata(&server, &tenant).oauth_authorization_server();
    Ok(answer::cacheable(document, MAX_AGE))
}

/// `GET /.well-known/okta-organization`: what Okta's own tools ask first.
pub(crate) fn organization(exchange: &mut Exchange) -> Answered {
    let tenant = exchange.idp.tenant();
    let pipeline = if tenant.page == PageStyle::Classic { "v1" } else { "idx" };
    let document = json!({
        "id": tenant.id,
        "_links": {"organization": {"href": exchange.org()}},
        "settings": {"analyticsCollectionEnabled": false, "bugReportingEnabled": false, "omEnabled": false},
        "pipeline": pipeline,
    });
    Ok(answer::json(200, document))
}

/// `GET {issuer}/.well-known/openid-configuration`
pub(crate) fn openid_configuration(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let asks_for = exchange.query.filled("client_id");
    if asks_for.is_some_and(|id| exchange.idp.client(id).is_none()) {
        return Err(API_CLIENT_UNKNOWN_IN_METADATA.into());
    }
    let tenant = exchange.idp.tenant();
    let document = exchange.idp.metadata(&server, &tenant).openid_configuration();
    let honest = answer::cacheable(document, MAX_AGE);
    let faults: Vec<_> = server
        .faults
        .iter()
        .copied()
        .filter(|fault| fault.message() == Message::Metadata)
        .collect();
    let mut reply = honest;
    if !faults.is_empty() {
        let honest = reply.clone();
        with_context(&exchange.idp, &server, None, None, |context| {
            for fault in &faults {
                tamper::metadata(&mut reply, *fault, context);
            }
        });
        exchange.sent(&faults, &delivery::rendering(&honest), &delivery::rendering(&reply));
    }
    Ok(reply)
}
