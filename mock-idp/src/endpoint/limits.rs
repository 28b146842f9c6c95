//! Rate limits, where the org switches them on: so many requests a minute for each client and for each user.
//!
//! A client is counted by its `client_id` and device cookie (Okta's address of the caller is always loopback here), an API
//! token by itself, a user by the name that he signs in with. Metadata and keys are never limited, as with Okta.

use foldhash::HashMap;

use axum::http::header;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    endpoint::answer::Refusal,
    exchange::Exchange,
    flow::{record::Endpoint, store::locked},
    protocol::error::{API_RATE_LIMIT, USER_RATE_LIMITED},
    tenant::RateLimit,
};

/// A window, seconds.
const WINDOW: i64 = 60;
/// So many windows are remembered; beyond that, those that are over are forgotten.
const WINDOWS: usize = 20_000;

/// The requests of somebody since the window began.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: i64,
    count: u32,
}

/// Who asked how often.
#[derive(Debug, Default)]
pub(crate) struct Windows(HashMap<String, Window>);

/// What a request leaves of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the window ends, seconds since 1970.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

impl Windows {
    /// Counts one request.
    fn count(&mut self, key: String, limit: u32, now: i64) -> Left {
        if self.0.len() >= WINDOWS {
            self.0.retain(|_, window| window.began + WINDOW > now);
        }
        let fresh = Window { began: now, count: 0 };
        let window = self.0.entry(key).or_insert(fresh);
        if window.began + WINDOW <= now || window.began > now {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        Left {
            limit,
            remaining: limit.saturating_sub(window.count),
            reset: window.began + WINDOW,
            exceeded: window.count > limit,
        }
    }
}

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
    let mut windows = locked(&exchange.idp.store.windows);
    let by_client = by_client.map(|(who, limit)| windows.count(format!("client {who}"), limit, now));
    let by_user = by_user.map(|(who, limit)| windows.count(format!("user {who}"), limit, now));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_down_and_begins_again() {
        let mut windows = Windows::default();
        let mut count = |now| windows.count("client web".to_owned(), 2, now);
        let left = |remaining, exceeded| Left {
            limit: 2,
            remaining,
            reset: 1060,
            exceeded,
        };
        assert_eq!(
            [count(1000), count(1001), count(1059)],
            [left(1, false), left(0, false), left(0, true)]
        );
        assert_eq!(
            count(1060),
            Left {
                limit: 2,
                remaining: 1,
                reset: 1120,
                exceeded: false
            }
        );
    }
}
