//! The encrypted cookies that hold unfinished sign-ins: one per attempt, named by its state.

use axum::http::HeaderMap;
use axum_extra::extract::cookie::{Cookie, PrivateCookieJar, SameSite};

use crate::{
    app::App,
    config::Config,
    oidc::{Attempt, attempt::LIFETIME},
};

/// Sign-ins that one browser may have open. A person has a few tabs; what is beyond that was abandoned, and would only
/// make every request heavier until a server in between refuses it.
const MAX_OPEN: usize = 5;

/// Adds this attempt's cookie and takes away the oldest ones beyond the limit.
pub fn add(app: &App, headers: &HeaderMap, attempt: &Attempt) -> PrivateCookieJar {
    let config = app.config();
    let open = PrivateCookieJar::from_headers(headers, config.cookie_key.clone());
    let prefix = prefix(config);
    let mut others: Vec<(i64, String)> = Vec::new();
    for cookie in open.iter().filter(|cookie| cookie.name().starts_with(prefix)) {
        // One that cannot be read counts as the oldest.
        let begun_at = read(cookie.value()).map_or(0, |attempt| attempt.begun_at);
        others.push((begun_at, cookie.name().to_owned()));
    }
    others.sort();
    let surplus = (others.len() + 1).saturating_sub(MAX_OPEN);
    let mut jar = open;
    for (_, name) in others.into_iter().take(surplus) {
        jar = jar.remove(cookie(config, name, String::new()));
    }
    let value = serde_json::to_string(attempt).unwrap_or_default();
    jar.add(cookie(config, format!("{prefix}{}", attempt.state), value))
}

/// The attempt of this state, if this browser began it.
#[must_use]
pub fn find(app: &App, headers: &HeaderMap, state: &str) -> Option<Attempt> {
    let config = app.config();
    // The cookie's name is authenticated together with its value, so a value under another name does not decrypt.
    let jar = PrivateCookieJar::from_headers(headers, config.cookie_key.clone());
    let cookie = jar.get(&format!("{}{state}", prefix(config)))?;
    read(cookie.value())
}

/// Takes this attempt's cookie away.
pub fn remove(app: &App, headers: &HeaderMap, state: &str) -> PrivateCookieJar {
    let config = app.config();
    let jar = PrivateCookieJar::from_headers(headers, config.cookie_key.clone());
    jar.remove(cookie(config, format!("{}{state}", prefix(config)), String::new()))
}

fn read(value: &str) -> Option<Attempt> {
    serde_json::from_str(value).ok()
}

fn prefix(config: &Config) -> &'static str {
    if config.is_https() { "__Host-signin_" } else { "signin_" }
}

/// `Lax`, not `Strict`: the browser comes back from another site, and must bring the cookie along.
fn cookie(config: &Config, name: String, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .http_only(true)
        .secure(config.is_https())
        .same_site(SameSite::Lax)
        .path("/")
        .max_age(time::Duration::seconds(LIFETIME))
        .build()
}
