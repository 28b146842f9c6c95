//! Rate limits, where the org switches them on: so many requests a minute for each client and for each user.
//!
//! A client is counted by its `client_id` and device cookie (Okta's address of the caller is always loopback here), an API
//! token by itself, a user by the name that he signs in with. Metadata and keys are never limited, as with Okta.

use axum::http::header;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    endpoint::answer::Refusal,
    exchange::Exchange,
    flow::{
        record::Endpoint,
        windows::{self, Left},
    },
    okta::error::{API_RATE_LIMIT, USER_RATE_LIMITED},
    tenant::RateLimit,
};

/// Counts this request; `None` where nothing is limited. The tighter of the two limits is told.
pub(crate) fn count(exchange: &Exchange) -> Option<Left> {
    let RateLimit {
        per_client, per_user, ..
    } = exchange.idp.tenant().rate_limit;
    let unlimited = matches!(
        exchange.endpoint,
        Endpoint::Metadata | Endpoint::Jwks | Endpoint::SecondOrigin
    );
    if unlimited || exchange.path.starts_with("/_mock") || exchange.flow_is_watched() {
        return None;
    }
    let by_client = per_client.and_then(|limit| Some((client(exchange)?, limit)));
    let by_user = per_user.and_then(|limit| Some((user(exchange)?, limit)));
    if by_client.is_none() && by_user.is_none() {
        return None;
    }
    let now = exchange.idp.clock.now();
    let windows = &exchange.idp.store.windows;
    let count = |who, limit| windows.alter(who, |window| windows::count(window, limit, now));
    let by_client = by_client.map(|(who, limit)| count(format!("client {who}"), limit));
    let by_user = by_user.map(|(who, limit)| count(format!("user {who}"), limit));
    [by_client, by_user]
        .into_iter()
        .flatten()
        .min_by_key(|left| (!left.exceeded, left.remaining))
}

/// The refusal: in the management shape, but for direct authentication.
pub(crate) fn refusal(exchange: &Exchange) -> Refusal {
    const DIRECT: &[&str] = &["/oob-authenticate", "/primary-authenticate", "/challenge"];
    if DIRECT.iter().any(|end| exchange.path.ends_with(end)) {
        Refusal::OAuth(USER_RATE_LIMITED)
    } else {
        API_RATE_LIMIT.into()
    }
}

/// Who calls: the API token, or client, address and device.
fn client(exchange: &Exchange) -> Option<String> {
    let authorization = exchange.header(header::AUTHORIZATION).unwrap_or_default();
    if let Some(token) = authorization.strip_prefix("SSWS ") {
        return Some(format!("token {}", token.trim()));
    }
    let basic = authorization
        .strip_prefix("Basic ")
        .and_then(|text| STANDARD.decode(text.trim()).ok())
        .and_then(|bytes| Some(String::from_utf8_lossy(&bytes).split_once(':')?.0.to_owned()));
    let named = [&exchange.form, &exchange.query]
        .into_iter()
        .find_map(|params| params.filled("client_id").map(str::to_owned));
    let device = exchange.cookie("DT").unwrap_or_default();
    basic.or(named).map(|id| format!("{id} {device}"))
}

/// Whose name is signed in with.
fn user(exchange: &Exchange) -> Option<String> {
    let names = ["identifier", "username", "login_hint"];
    let in_form = names.into_iter().find_map(|name| exchange.form.filled(name));
    let in_json = || {
        let body: serde_json::Value = serde_json::from_slice(&exchange.body).ok()?;
        let name = names.into_iter().find_map(|name| body.get(name)?.as_str());
        name.map(str::to_lowercase)
    };
    in_form.map(str::to_lowercase).or_else(in_json)
}
