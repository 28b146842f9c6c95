//! `/oauth2/v1/global-token-revocation`: ends every session and every token of a user.

use serde_json::Value;

use crate::{
    endpoint::{
        answer::{self, Answered},
        api, universal_logout,
    },
    exchange::Exchange,
    okta::error::{API_NO_PERMISSION, API_NOT_FOUND, API_VALIDATION},
};

/// `POST /oauth2/v1/global-token-revocation`
pub(crate) fn revoke(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "universalLogout").map_err(|_| API_NO_PERMISSION)?;
    let body = api::object(exchange)?;
    let subject = body.get("sub_id").and_then(Value::as_object);
    let text = |name: &str| {
        subject
            .and_then(|subject| subject.get(name)?.as_str())
            .unwrap_or_default()
    };
    let user = match text("format") {
        "email" => {
            let email = text("email");
            exchange
                .idp
                .tenant()
                .users
                .iter()
                .find(|user| user.email == email)
                .cloned()
        }
        "iss_sub" if text("iss") == exchange.idp.org => {
            let id = text("sub");
            exchange.idp.tenant().users.iter().find(|user| user.id == id).cloned()
        }
        "opaque" => {
            let id = text("id");
            exchange.idp.tenant().users.iter().find(|user| user.id == id).cloned()
        }
        _ => return Err(API_VALIDATION.with("sub_id").into()),
    };
    let Some(user) = user else {
        return Err(API_NOT_FOUND.with("Resource not found: sub_id (User)").into());
    };
    exchange.idp.end_everything(&user.id);
    universal_logout::send_later(&exchange.idp, &user);
    Ok(answer::empty(204))
}
