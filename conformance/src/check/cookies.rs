//! Questions to the cookies that the app sets (RFC 6265bis, ASVS 5.0 §3.3).

use mock_idp::flow::record::Stamp;

use super::{
    Check,
    facts::in_short,
    needles::Needles,
    randomness::{Randomness, judge},
};
use crate::{
    evidence::{Evidence, Hop, Leg, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
};

/// Longer than any sign-in at the authorization server takes, in seconds.
const FLOW_COOKIE_LIMIT: i64 = 24 * 3600;

/// Servers refuse more: nginx and Node begin at 8 KiB.
const HEADER_LIMIT: usize = 8192;

/// A longer cookie, in bytes, may hold the session itself.
const LONG: usize = 128;

/// The coarsest clock that cookies hold, in the unit of [`Stamp`].
const SECOND: u64 = 1_000_000;

/// A `Set-Cookie` line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value, as written.
    pub value: String,
    http_only: bool,
    secure: bool,
    same_site: Option<String>,
    domain: Option<String>,
    max_age: Option<i64>,
    expires: Option<String>,
    /// When it was set.
    at: Stamp,
}

/// The session cookie cannot be read by scripts.
pub const SESSION_COOKIE_IS_HTTP_ONLY: Check = Check {
    id: "session-cookie-is-http-only",
    expects: "HttpOnly on the session cookie",
    ask: |evidence| {
        each_session_cookie(evidence, |cookie| match cookie.http_only {
            true => Ok(()),
            false => Err(format!("`{}` lacks HttpOnly", cookie.name)),
        })
    },
};

/// Other sites' forms do not carry the session.
pub const SESSION_COOKIE_IS_SAME_SITE: Check = Check {
    id: "session-cookie-is-same-site",
    expects: "SameSite=Lax or Strict on the session cookie",
    ask: |evidence| {
        each_session_cookie(evidence, |cookie| match cookie.same_site.as_deref() {
            Some("lax" | "strict") | None => Ok(()),
            Some(other) => Err(format!("`{}` has SameSite={other}", cookie.name)),
        })
    },
};

/// Browsers differ in what a missing SameSite means.
pub const SESSION_COOKIE_SAYS_SAME_SITE: Check = Check {
    id: "session-cookie-says-same-site",
    expects: "a SameSite attribute on the session cookie",
    ask: |evidence| {
        each_session_cookie(evidence, |cookie| match cookie.same_site {
            Some(_) => Ok(()),
            None => Err(format!(
                "`{}` has no SameSite: Lax in Chromium, None elsewhere",
                cookie.name
            )),
        })
    },
};

/// The session goes to this host and no wider.
pub const SESSION_COOKIE_IS_NARROW: Check = Check {
    id: "session-cookie-is-narrow",
    expects: "no Domain wider than the app's host",
    ask: |evidence| {
        let host = evidence.target.app.host_str().unwrap_or_default().to_owned();
        each_session_cookie(evidence, |cookie| match cookie.domain.as_deref() {
            Some(domain) if domain.trim_start_matches('.') != host => {
                Err(format!("`{}` has Domain={domain}", cookie.name))
            }
            _ => Ok(()),
        })
    },
};

/// The session never travels in clear text, where the app has TLS.
pub const SESSION_COOKIE_IS_SECURE: Check = Check {
    id: "session-cookie-is-secure",
    expects: "Secure on the session cookie of an app on https",
    ask: |evidence| {
        if evidence.target.app.scheme() != "https" {
            return Holds;
        }
        each_session_cookie(evidence, |cookie| match cookie.secure {
            true => Ok(()),
            false => Err(format!("`{}` lacks Secure on an https app", cookie.name)),
        })
    },
};

/// On plain http `Secure` is a matter of the deployment: told, not judged.
pub const SESSION_COOKIE_SECURE_NOTE: Check = Check {
    id: "session-cookie-secure-note",
    expects: "Secure and a `__Host-` name, also on localhost",
    ask: |evidence| {
        each_session_cookie(evidence, |cookie| match cookie.secure {
            true if cookie.name.starts_with("__Host-") => Ok(()),
            true => Err(format!("`{}` has no `__Host-` prefix", cookie.name)),
            false => Err(format!("`{}` lacks Secure (plain http at present)", cookie.name)),
        })
    },
};

/// The cookies that hold state, nonce or verifier during sign-in.
pub const FLOW_COOKIES_HAVE_FLAGS: Check = Check {
    id: "flow-cookies-have-flags",
    expects: "flow cookies: HttpOnly, Secure on https, short-lived, not SameSite=Strict",
    ask: |evidence| {
        let secure_needed = evidence.target.app.scheme() == "https";
        let cookies = flow_cookies(evidence);
        if cookies.is_empty() {
            return HoldsWith("no cookie of the pending sign-in is known".to_owned());
        }
        for cookie in cookies {
            let name = &cookie.name;
            if !cookie.http_only {
                return Broken(format!("flow cookie `{name}` lacks HttpOnly"));
            }
            if secure_needed && !cookie.secure {
                return Broken(format!("flow cookie `{name}` lacks Secure"));
            }
            if cookie.is_strict() {
                return Broken(format!(
                    "flow cookie `{name}` is SameSite=Strict: some browsers do not send it on the way back"
                ));
            }
            if let Some(seconds) = cookie.lifetime().filter(|seconds| *seconds > FLOW_COOKIE_LIMIT) {
                return Broken(format!("flow cookie `{name}` lives for {seconds} seconds"));
            }
        }
        Holds
    },
};

/// A finished sign-in leaves nothing of itself behind.
pub const FLOW_COOKIES_ARE_GONE: Check = Check {
    id: "flow-cookies-are-gone",
    expects: "flow cookies gone after the callback",
    ask: |evidence| {
        let Some(left) = evidence.saved.get("after") else {
            return CannotTell("the cookies after sign-in were not saved".to_owned());
        };
        let still = flow_cookies(evidence).into_iter().find(|cookie| {
            left.iter()
                .any(|(name, value)| *name == cookie.name && *value == cookie.value)
        });
        match still {
            Some(cookie) => Broken(format!(
                "flow cookie `{}` is still there after the callback",
                cookie.name
            )),
            None => Holds,
        }
    },
};

/// A session id cannot be guessed.
pub const SESSION_ID_IS_UNPREDICTABLE: Check = Check {
    id: "session-id-is-unpredictable",
    expects: "a new session id each time, at least 128 bits, no counter and no clock",
    ask: session_id_is_unpredictable,
};

/// Session ids are no part of addresses: those are logged and sent on as Referer.
pub const SESSION_ID_IS_NOT_IN_URLS: Check = Check {
    id: "session-id-is-not-in-urls",
    expects: "no session id in any URL",
    ask: |evidence| {
        let sessions = session_needles(evidence);
        for hop in evidence.hops.iter().filter(|hop| hop.unedited.is_none()) {
            let addresses = [hop.url.as_str()]
                .into_iter()
                .chain(hop.header("location"))
                .chain(hop.header("refresh"));
            for address in addresses {
                if sessions.in_text(address).next().is_some() {
                    return Broken(format!("{} leads to a URL that holds the session id", in_short(hop)));
                }
                let lower = address.to_ascii_lowercase();
                if let Some(word) = [";jsessionid=", "phpsessid=", ";sid="]
                    .iter()
                    .find(|word| lower.contains(**word))
                {
                    let own = address.starts_with(evidence.target.app.as_str()) || address.starts_with('/');
                    if own {
                        return Broken(format!("{} leads to a URL with `{word}`", in_short(hop)));
                    }
                }
            }
        }
        match sessions.is_empty() {
            true => CannotTell("no session cookie was seen".to_owned()),
            false => Holds,
        }
    },
};

/// Many abandoned sign-ins do not make the next request too large.
pub const COOKIE_HEADER_STAYS_SMALL: Check = Check {
    id: "cookie-header-stays-small",
    expects: "a Cookie header of less than 8 KiB, never 431",
    ask: |evidence| {
        for hop in evidence.app_hops().filter(|hop| hop.unedited.is_none()) {
            let length: usize = hop
                .request
                .headers
                .iter()
                .filter(|(name, _)| name == "cookie")
                .map(|(_, value)| value.len())
                .sum();
            if length >= HEADER_LIMIT {
                return Broken(format!("{} carries {length} bytes of cookies", in_short(hop)));
            }
            if hop.status() == Some(431) {
                return Broken(format!("{} was answered with 431", in_short(hop)));
            }
        }
        Holds
    },
};

/// Signing in changes the session cookie: what was there before is not what counts afterwards.
pub const SESSION_COOKIE_CHANGES: Check = Check {
    id: "session-cookie-changes",
    expects: "at least one session cookie has a new value after sign-in",
    ask: |evidence| {
        let (Some(before), Some(after)) = (evidence.saved.get("before"), evidence.saved.get("after")) else {
            return CannotTell("the cookies before and after sign-in were not saved".to_owned());
        };
        let ours = |(name, _): &&(String, String)| evidence.target.session_cookies.contains(name);
        let sessions: Vec<_> = after.iter().filter(ours).collect();
        if sessions.is_empty() {
            return CannotTell("no session cookie is known from the control sign-in".to_owned());
        }
        match sessions.iter().all(|pair| before.contains(pair)) {
            true => Broken(format!("`{}` kept its value from before sign-in", sessions[0].0)),
            false => Holds,
        }
    },
};

/// Protected pages stay out of every cache.
pub const PROTECTED_PAGE_IS_NO_STORE: Check = Check {
    id: "protected-page-is-no-store",
    expects: "Cache-Control: no-store on pages with the user's data",
    ask: |evidence| {
        let mut pages = evidence
            .probes
            .iter()
            .filter(|probe| matches!(probe.shows, Shows::Person(_)))
            .filter_map(|probe| evidence.hops.get(probe.hop))
            .peekable();
        if pages.peek().is_none() {
            return CannotTell("no protected page was seen".to_owned());
        }
        match pages.find(|hop| !cache_control(hop).contains("no-store")) {
            Some(hop) => Broken(format!(
                "{} has Cache-Control `{}`",
                in_short(hop),
                hop.header("cache-control").unwrap_or("(absent)")
            )),
            None => Holds,
        }
    },
};

/// Nobody gets somebody else's cookie out of a cache.
pub const SET_COOKIE_IS_NOT_PUBLIC: Check = Check {
    id: "set-cookie-is-not-public",
    expects: "nothing with Set-Cookie is publicly cacheable",
    ask: |evidence| {
        let public = evidence.app_hops().find(|hop| {
            let control = cache_control(hop);
            let shared = control.contains("public") || (control.contains("max-age") && !keeps_caches_away(hop));
            let fresh = !control.contains("max-age=0") && !control.contains("no-store");
            hop.header("set-cookie").is_some() && shared && fresh
        });
        match public {
            Some(hop) => Broken(format!(
                "{} sets a cookie with Cache-Control `{}`",
                in_short(hop),
                cache_control(hop)
            )),
            None => Holds,
        }
    },
};

/// Signing out takes the session cookies away.
pub const SESSION_COOKIES_ARE_CLEARED: Check = Check {
    id: "session-cookies-are-cleared",
    expects: "session cookies expired with matching name, Path and Domain",
    ask: |evidence| {
        let (Some(live), Some(after)) = (evidence.saved.get("live"), evidence.saved.get("after")) else {
            return CannotTell("the cookies before and after sign-out were not saved".to_owned());
        };
        let ours = |(name, _): &&(String, String)| evidence.target.session_cookies.contains(name);
        if !live.iter().any(|pair| ours(&pair)) {
            return CannotTell("no session cookie is known from the control sign-in".to_owned());
        }
        match live
            .iter()
            .filter(ours)
            .find(|pair| !pair.1.is_empty() && after.contains(pair))
        {
            Some((name, _)) => Broken(format!("`{name}` keeps its value after sign-out")),
            None => Holds,
        }
    },
};

/// What a response sets.
pub(crate) fn set_by(hop: &Hop) -> impl Iterator<Item = SetCookie> + '_ {
    hop.headers("set-cookie").filter_map(|line| parse(line, hop.done))
}

/// Values of session cookies, as far as they are long enough to be told apart from other text.
pub(crate) fn session_values(evidence: &Evidence) -> Vec<String> {
    let mut values: Vec<String> = session_cookies(evidence)
        .map(|cookie| cookie.value)
        .filter(|value| value.len() >= 16)
        .collect();
    values.sort();
    values.dedup();
    values
}

/// The same values, to look for in many texts.
pub(crate) fn session_needles(evidence: &Evidence) -> Needles {
    let mut needles = Needles::new();
    for value in session_values(evidence) {
        needles.add("a session id", &value);
    }
    needles
}

/// Whether a response tells shared caches to keep out.
pub(crate) fn keeps_caches_away(hop: &Hop) -> bool {
    let control = cache_control(hop);
    ["no-store", "private", "no-cache"]
        .iter()
        .any(|word| control.contains(word))
}

fn cache_control(hop: &Hop) -> String {
    hop.headers("cache-control")
        .collect::<Vec<_>>()
        .join(",")
        .to_ascii_lowercase()
}

/// Every setting of a session cookie that is no deletion.
fn session_cookies(evidence: &Evidence) -> impl Iterator<Item = SetCookie> + '_ {
    evidence
        .app_hops()
        .flat_map(set_by)
        .filter(|cookie| evidence.target.session_cookies.contains(&cookie.name) && !cookie.is_deletion())
}

/// The cookies that carry the pending sign-in, as a start sets them on its way to the authorization server.
fn flow_cookies(evidence: &Evidence) -> Vec<SetCookie> {
    evidence
        .hops
        .iter()
        .filter(|hop| hop.leg == Leg::SignInStart && hop.unedited.is_none())
        .flat_map(set_by)
        .filter(|cookie| is_of_flow(evidence, &cookie.name) && !cookie.is_deletion())
        .collect()
}

/// Whether the control showed that a cookie of this name carries a pending sign-in.
fn is_of_flow(evidence: &Evidence, name: &str) -> bool {
    let known = &evidence.target.flow_cookies;
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    };
    known.iter().any(fits) && !evidence.target.session_cookies.iter().any(|session| session == name)
}

fn each_session_cookie(evidence: &Evidence, ask: impl Fn(&SetCookie) -> Result<(), String>) -> Outcome {
    let cookies: Vec<SetCookie> = session_cookies(evidence).collect();
    if cookies.is_empty() {
        return CannotTell("no session cookie was seen: none is known from the control sign-in".to_owned());
    }
    match cookies.iter().find_map(|cookie| ask(cookie).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

fn session_id_is_unpredictable(evidence: &Evidence) -> Outcome {
    let mut judged = false;
    let mut notes = Vec::new();
    for name in &evidence.target.session_cookies {
        // The last value of each sign-in: earlier ones of the same browser may be visitors' ids.
        let mut cookies: Vec<SetCookie> = Vec::new();
        for flow in &evidence.flows {
            let of_flow = evidence
                .hops
                .iter()
                .filter(|hop| hop.flow == Some(flow.slot) && matches!(hop.leg, Leg::Callback | Leg::AfterCallback));
            let last = of_flow
                .flat_map(set_by)
                .filter(|cookie| cookie.name == *name && !cookie.is_deletion())
                .last();
            cookies.extend(last);
        }
        let (Some(first), Some(last)) = (cookies.first(), cookies.last()) else {
            continue;
        };
        // A long value may hold the session itself, encrypted or signed: the same user twice within one second of a time
        // stamp makes the same cookie, however many of them fall into it. Length alone is no proof of that, so what is
        // left is judged as any id.
        let long = cookies.iter().any(|cookie| cookie.value.len() > LONG);
        let distinct = without_repeats_of_a_second(&cookies);
        let ticked = last.at.0.saturating_sub(first.at.0) > SECOND;
        let values: Vec<&str> = match long {
            true => distinct.iter().map(|cookie| cookie.value.as_str()).collect(),
            false => cookies.iter().map(|cookie| cookie.value.as_str()).collect(),
        };
        match judge(&values) {
            Randomness::Weak(why) | Randomness::Short(why) => return Broken(format!("`{name}`: {why}")),
            Randomness::TooFew(_) if long && values.len() < cookies.len() && !ticked => {
                return CannotTell(format!(
                    "`{name}` holds its contents itself, and no clock in it had time to tick"
                ));
            }
            Randomness::TooFew(_) if long && values.len() < cookies.len() => {
                notes.push(format!("`{name}` holds its contents itself: there is no id to guess"));
            }
            Randomness::TooFew(_) => continue,
            Randomness::Good(_) => {}
        }
        judged = true;
    }
    match (judged, notes.is_empty()) {
        (false, _) => CannotTell("too few session cookies to judge".to_owned()),
        (true, true) => Holds,
        (true, false) => HoldsWith(notes.join("; ")),
    }
}

/// The cookies without those that were set once more within a second of the first of their kind.
fn without_repeats_of_a_second(cookies: &[SetCookie]) -> Vec<&SetCookie> {
    let mut kept: Vec<&SetCookie> = Vec::new();
    for cookie in cookies {
        let at_once = |other: &&SetCookie| {
            other.value == cookie.value && cookie.at.0.saturating_sub(other.at.0) <= SECOND + SECOND / 2
        };
        if !kept.iter().any(at_once) {
            kept.push(cookie);
        }
    }
    kept
}

/// A cookie that holds one of these secrets in clear, however it is encoded.
pub(crate) fn clear_text_holder(evidence: &Evidence, secrets: &Needles) -> Option<SetCookie> {
    let holds = |cookie: &SetCookie| {
        let decoded = percent_encoding::percent_decode_str(&cookie.value)
            .decode_utf8_lossy()
            .into_owned();
        super::authorization::readings(&decoded)
            .iter()
            .any(|reading| secrets.in_text(reading).next().is_some())
    };
    evidence.app_hops().flat_map(set_by).find(holds)
}

impl SetCookie {
    /// Whether scripts can read it.
    pub(crate) fn is_readable_by_scripts(&self) -> bool {
        !self.http_only
    }

    /// Whether it stays at home when another site starts the navigation.
    pub(crate) fn is_strict(&self) -> bool {
        self.same_site.as_deref() == Some("strict")
    }

    /// Whether it takes a cookie away.
    pub(crate) fn is_deletion(&self) -> bool {
        self.value.is_empty() || self.lifetime().is_some_and(|seconds| seconds <= 0)
    }

    /// Seconds that it lives; `None` until the browser closes.
    fn lifetime(&self) -> Option<i64> {
        if self.max_age.is_some() {
            return self.max_age;
        }
        let expires = httpdate::parse_http_date(&self.expires.as_deref()?.replace('-', " ")).ok()?;
        let set_at = std::time::UNIX_EPOCH + std::time::Duration::from_micros(self.at.0);
        Some(match expires.duration_since(set_at) {
            Ok(left) => i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            Err(_) => 0,
        })
    }
}

/// Reads a `Set-Cookie` line as browsers do (RFC 6265bis §5.6).
fn parse(line: &str, at: Stamp) -> Option<SetCookie> {
    let mut parts = line.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = SetCookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        at,
        ..SetCookie::default()
    };
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "httponly" => cookie.http_only = true,
            "secure" => cookie.secure = true,
            "samesite" => cookie.same_site = Some(value.to_ascii_lowercase()),
            "domain" => cookie.domain = Some(value.to_ascii_lowercase()),
            "max-age" => cookie.max_age = value.parse().ok(),
            "expires" => cookie.expires = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(cookie)
}
