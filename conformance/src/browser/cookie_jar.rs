//! The cookies of one browser, with the rules that decide whether a sign-in survives: SameSite by the document that
//! started a navigation, the two-minute grace for cookies without SameSite, name prefixes, `Secure` on loopback.
//!
//! `cookie_store` keeps the jar itself (domains, paths, expiry); this layer adds what it lacks (RFC 6265bis §5). What browsers
//! really do on this machine was measured:
//!
#![doc = include_str!("cookies.md")]

use std::collections::HashMap;

use cookie::{Cookie as RawCookie, SameSite};
use cookie_store::CookieStore;
use mock_idp::flow::record::Stamp;
use url::{Host, Url};

/// How long a cookie without SameSite also travels with a cross-site POST, as in Chromium.
const LAX_POST_GRACE_MICROS: u64 = 120 * 1_000_000;

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub struct CookieJar {
    store: CookieStore,
    born: HashMap<(String, String, String), Born>,
    count: u64,
}

/// When a cookie came into the jar.
#[derive(Clone, Copy, Debug)]
struct Born {
    at: Stamp,
    order: u64,
}

/// What the browser is doing when it asks for the cookies of a request.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The document that started the navigation; `None` when the user typed the address.
    pub initiator: Option<&'a Url>,
    /// The request method.
    pub method: &'a str,
    /// Whether the answer becomes the page (not an image or frame).
    pub top_level: bool,
}

impl CookieJar {
    /// Takes in what a response sets. Cookies that a browser would refuse are left out.
    pub fn take(&mut self, url: &Url, set_cookie: &str, now: Stamp) {
        let Ok(raw) = RawCookie::parse(set_cookie.to_owned()) else {
            return;
        };
        if !prefix_allows(&raw) || (raw.same_site() == Some(SameSite::None) && raw.secure() != Some(true)) {
            return;
        }
        let Ok(cookie) = cookie_store::Cookie::try_from_raw_cookie(&raw, url) else {
            return;
        };
        let key = key_of(&cookie);
        let cookie = cookie.into_owned();
        if self.store.insert(cookie, url).is_err() {
            return;
        }
        self.count += 1;
        let order = self.count;
        // A cookie that is overwritten keeps its place in the order, but the grace for POST counts from the new value.
        self.born
            .entry(key)
            .and_modify(|born| born.at = now)
            .or_insert(Born { at: now, order });
    }

    /// The `name=value` pairs that go along with this request, in the order in which a browser sends them.
    #[must_use]
    pub fn pairs(&self, url: &Url, situation: Situation<'_>, now: Stamp) -> Vec<(String, String)> {
        let same_site = situation.initiator.is_none_or(|document| same_site(document, url));
        let mut cookies: Vec<_> = self
            .store
            .matches(url)
            .into_iter()
            .filter(|cookie| same_site || self.crosses_sites(cookie, situation, now))
            .collect();
        cookies.sort_by_key(|cookie| {
            let path_length = cookie.path.as_ref().len();
            (
                std::cmp::Reverse(path_length),
                self.born.get(&key_of(cookie)).map_or(0, |born| born.order),
            )
        });
        cookies
            .iter()
            .map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned()))
            .collect()
    }

    /// Whether this cookie goes along with a request that another site started.
    fn crosses_sites(&self, cookie: &cookie_store::Cookie<'_>, situation: Situation<'_>, now: Stamp) -> bool {
        let safe_navigation = situation.top_level && matches!(situation.method, "GET" | "HEAD");
        match cookie.same_site() {
            Some(SameSite::None) => true,
            Some(SameSite::Strict) => false,
            Some(SameSite::Lax) => safe_navigation,
            None => {
                let young = self
                    .born
                    .get(&key_of(cookie))
                    .is_some_and(|born| now.0.saturating_sub(born.at.0) < LAX_POST_GRACE_MICROS);
                safe_navigation || (situation.top_level && young)
            }
        }
    }

    /// All unexpired cookies that this URL could see, whatever started the request.
    #[must_use]
    pub fn all_for(&self, url: &Url) -> Vec<(String, String)> {
        self.pairs(
            url,
            Situation {
                initiator: None,
                method: "GET",
                top_level: true,
            },
            Stamp::now(),
        )
    }

    /// Takes every cookie of this URL's host away.
    pub fn clear(&mut self, url: &Url) {
        let host = url.host_str().unwrap_or_default().to_owned();
        let doomed: Vec<_> = self
            .store
            .iter_any()
            .map(key_of)
            .filter(|(domain, _, _)| domain.trim_start_matches('.') == host)
            .collect();
        for (domain, path, name) in doomed {
            self.store.remove(&domain, &path, &name);
        }
    }
}

/// Domain, path and name: what identifies a cookie.
fn key_of(cookie: &cookie_store::Cookie<'_>) -> (String, String, String) {
    let domain = cookie
        .domain
        .as_cow()
        .map(|domain| domain.into_owned())
        .unwrap_or_default();
    (domain, cookie.path.as_ref().to_owned(), cookie.name().to_owned())
}

/// `__Host-` and `__Secure-` (RFC 6265bis §4.1.3).
fn prefix_allows(cookie: &RawCookie<'_>) -> bool {
    let name = cookie.name().to_ascii_lowercase();
    let secure = cookie.secure() == Some(true);
    if name.starts_with("__host-") {
        return secure && cookie.domain().is_none() && cookie.path() == Some("/");
    }
    !name.starts_with("__secure-") || secure
}

/// Whether two URLs are of the same site: scheme and registrable domain; ports do not count.
#[must_use]
pub fn same_site(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && match (one.host(), other.host()) {
            (Some(Host::Domain(one)), Some(Host::Domain(other))) => registrable(one) == registrable(other),
            (Some(one), Some(other)) => one == other,
            _ => false,
        }
}

/// The last two labels: exact for `localhost` and the names of tests, a fair guess for others.
fn registrable(host: &str) -> &str {
    match host.rmatch_indices('.').nth(1) {
        Some((dot, _)) => &host[dot + 1..],
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_000_000_000);

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn names(jar: &CookieJar, target: &str, initiator: Option<&str>, method: &str, now: Stamp) -> Vec<String> {
        let initiator = initiator.map(url);
        let situation = Situation {
            initiator: initiator.as_ref(),
            method,
            top_level: true,
        };
        jar.pairs(&url(target), situation, now)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn same_site_is_decided_by_the_document_that_started_the_navigation() {
        let mut jar = CookieJar::default();
        for line in [
            "strict=1; SameSite=Strict",
            "lax=1; SameSite=Lax",
            "none=1; SameSite=None; Secure",
            "plain=1",
        ] {
            jar.take(&url("http://localhost:3000/"), line, NOW);
        }
        let from_idp = Some("http://127.0.0.1:9494/authorize");
        assert_eq!(
            names(&jar, "http://localhost:3000/cb", from_idp, "GET", NOW),
            ["lax", "none", "plain"]
        );
        assert_eq!(
            names(&jar, "http://localhost:3000/cb", from_idp, "POST", NOW),
            ["none", "plain"]
        );
        let later = Stamp(NOW.0 + LAX_POST_GRACE_MICROS);
        assert_eq!(
            names(&jar, "http://localhost:3000/cb", from_idp, "POST", later),
            ["none"]
        );
        assert_eq!(
            names(&jar, "http://localhost:3000/", None, "GET", NOW),
            ["strict", "lax", "none", "plain"]
        );
    }

    #[test]
    fn what_a_browser_refuses_is_not_kept() {
        let mut jar = CookieJar::default();
        for line in [
            "none=1; SameSite=None",
            "__Host-a=1; Path=/",
            "__Host-b=1; Secure",
            "__Secure-c=1",
        ] {
            jar.take(&url("http://localhost:3000/"), line, NOW);
        }
        jar.take(&url("http://localhost:3000/"), "__Host-good=1; Secure; Path=/", NOW);
        assert_eq!(names(&jar, "http://localhost:3000/", None, "GET", NOW), ["__Host-good"]);
    }

    #[test]
    fn ports_do_not_separate_cookies_but_hosts_do() {
        let mut jar = CookieJar::default();
        jar.take(&url("http://localhost:3000/"), "session=1", NOW);
        assert_eq!(names(&jar, "http://localhost:4000/", None, "GET", NOW), ["session"]);
        assert!(names(&jar, "http://127.0.0.1:3000/", None, "GET", NOW).is_empty());
    }

    #[test]
    fn expiry_takes_a_cookie_away() {
        let mut jar = CookieJar::default();
        jar.take(&url("http://localhost:3000/"), "session=1; Path=/", NOW);
        jar.take(&url("http://localhost:3000/"), "session=; Path=/; Max-Age=0", NOW);
        assert!(jar.all_for(&url("http://localhost:3000/")).is_empty());
    }
}
