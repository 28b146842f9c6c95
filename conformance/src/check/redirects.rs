//! Questions about where the app sends browsers (RFC 9700 §4.11.1, ASVS 5.0 §3.7.2).

use url::Url;

use super::{
    Check,
    facts::{all_authorization_requests, in_short, path_of, query_of, redemptions_of},
    pages::{navigations, refresh_target},
};
use crate::{
    evidence::{Evidence, Hop, Leg},
    outcome::Outcome::{Broken, CannotTell, Holds},
    script::MAIN,
};

/// What an injected header would be called, and what an injected cookie begins with.
const INJECTED_HEADER: &str = "x-crlf-probe";
const INJECTED_COOKIE: &str = "crlf-probe=";

/// The user lands where the deep link led.
pub const LANDS_ON_DEEP_LINK: Check = Check {
    id: "lands-on-deep-link",
    expects: "the same path and query as the deep link, after one sign-in",
    ask: |evidence| {
        let asked = evidence
            .hops
            .iter()
            .find(|hop| hop.leg == Leg::SignInStart && hop.flow == Some(MAIN));
        let Some(asked) = asked else {
            return CannotTell("no deep link was opened".to_owned());
        };
        let Some(landed) = landing(evidence) else {
            return CannotTell("no response was delivered".to_owned());
        };
        let requests = redemptions_of(evidence, MAIN).len();
        if requests > 1 {
            return Broken(format!("{requests} token requests for one sign-in"));
        }
        let same_path = path_of(&asked.request.target) == path_of(&landed.request.target);
        let same_query = super::facts::parameters(query_of(&asked.request.target))
            == super::facts::parameters(query_of(&landed.request.target));
        match same_path && same_query {
            true => Holds,
            false => Broken(format!(
                "opened `{}`, landed on `{}`",
                asked.request.target, landed.request.target
            )),
        }
    },
};

fn of_main(hop: &Hop) -> bool {
    hop.flow == Some(MAIN) && hop.was_sent()
}

/// The page on which the sign-in ended.
fn landing(evidence: &Evidence) -> Option<&Hop> {
    let ends = |hop: &&Hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback) && of_main(hop);
    evidence.hops.iter().rfind(ends)
}

/// The user lands where the party that began the sign-in asked for.
pub const LANDS_ON_TARGET_LINK: Check = Check {
    id: "lands-on-target-link",
    expects: "the path and query of `target_link_uri`",
    ask: |evidence| {
        let starts = evidence
            .hops
            .iter()
            .filter(|hop| hop.leg == Leg::SignInStart && of_main(hop));
        let asked = starts
            .flat_map(|hop| super::facts::parameters(query_of(&hop.request.target)))
            .find_map(|(name, value)| Some(value).filter(|_| name == "target_link_uri"));
        let Some(asked) = asked.and_then(|target| Url::parse(&target).ok()) else {
            return CannotTell("no `target_link_uri` was sent".to_owned());
        };
        let Some(landed) = landing(evidence) else {
            return CannotTell("no response was delivered".to_owned());
        };
        let asked = &asked[url::Position::BeforePath..url::Position::AfterQuery];
        match landed.request.target == asked {
            true => Holds,
            // The address alone: the code and the state of a callback are other ones each time.
            false => Broken(format!(
                "asked for `{asked}`, landed on `{}`",
                path_of(&landed.request.target)
            )),
        }
    },
};

/// Nothing leads out of the app but the way to the authorization server.
pub const STAYS_INSIDE: Check = Check {
    id: "stays-inside",
    expects: "no Location, refresh or script navigation away from the app and the authorization server",
    ask: |evidence| {
        let mut answers = evidence.app_hops().filter(|hop| hop.was_sent()).peekable();
        if answers.peek().is_none() {
            return CannotTell("the app gave no answer".to_owned());
        }
        match answers.find_map(|hop| Some((hop, leads_outside(evidence, hop)?))) {
            Some((hop, target)) => Broken(format!("{} leads to `{target}`", in_short(hop))),
            None => Holds,
        }
    },
};

/// No line break of the request became a header of the answer.
pub const NO_HEADER_INJECTED: Check = Check {
    id: "no-header-injected",
    expects: "no injected header or cookie in any answer",
    ask: |evidence| {
        let injected = evidence.app_hops().find(|hop| {
            hop.header(INJECTED_HEADER).is_some()
                || hop
                    .headers("set-cookie")
                    .any(|line| line.trim_start().starts_with(INJECTED_COOKIE))
        });
        match injected {
            Some(hop) => Broken(format!("{} carries a header that the request made up", in_short(hop))),
            None => Holds,
        }
    },
};

/// A third party's invitation with a wrong issuer starts nothing.
pub const WRONG_ISSUER_STARTS_NOTHING: Check = Check {
    id: "wrong-issuer-starts-nothing",
    expects: "no authorization request for an issuer that is not the app's",
    ask: |evidence| {
        let tried = evidence
            .hops
            .iter()
            .any(|hop| hop.leg == Leg::SignInStart && hop.unedited.is_some() && hop.was_sent());
        if !tried {
            return CannotTell("the initiate-login URI was not requested".to_owned());
        }
        match all_authorization_requests(evidence).is_empty() {
            true => Holds,
            false => Broken("a sign-in was started although the issuer was a stranger's".to_owned()),
        }
    },
};

/// A sign-in cannot be started inside somebody's frame.
pub const START_IS_NOT_FRAMED: Check = Check {
    id: "start-is-not-framed",
    expects: "X-Frame-Options or frame-ancestors on the initiate-login URI",
    ask: |evidence| {
        let Some(hop) = evidence
            .hops
            .iter()
            .find(|hop| matches!(hop.leg, Leg::SignInStart | Leg::Direct) && hop.was_sent())
        else {
            return CannotTell("the initiate-login URI was not requested".to_owned());
        };
        let policy = hop
            .headers("content-security-policy")
            .any(|policy| policy.contains("frame-ancestors"));
        match hop.header("x-frame-options").is_some() || policy {
            true => Holds,
            false => Broken(format!("{} may be shown in a frame of another site", in_short(hop))),
        }
    },
};

/// Whether a state that the app sent holds the return target in clear or base64.
#[must_use]
pub fn state_carries_target(evidence: &Evidence) -> bool {
    let requests = all_authorization_requests(evidence);
    let mut states = requests.iter().filter_map(|request| request.get("state"));
    states.any(|state| holds_target(evidence, state))
}

/// Whether a cookie that a sign-in set holds the return target in clear or base64.
#[must_use]
pub fn cookie_carries_target(evidence: &Evidence) -> bool {
    let starts = evidence.hops.iter().filter(|hop| hop.leg == Leg::SignInStart);
    let mut cookies = starts.flat_map(super::cookies::set_by);
    cookies.any(|cookie| holds_target(evidence, &cookie.value))
}

/// Whether a value holds the path of the protected page.
fn holds_target(evidence: &Evidence, value: &str) -> bool {
    let Some(path) = evidence.target.protected.first().filter(|path| path.len() > 1) else {
        return false;
    };
    let decoded = percent_encoding::percent_decode_str(value)
        .decode_utf8_lossy()
        .into_owned();
    super::authorization::readings(&decoded)
        .iter()
        .any(|reading| reading.contains(path.as_str()))
}

/// Where an answer leads when that is neither the app nor the authorization server.
fn leads_outside(evidence: &Evidence, hop: &Hop) -> Option<String> {
    let base = Url::parse(&hop.url).ok()?;
    let redirects = hop.status().is_some_and(|status| (300..400).contains(&status));
    let locations = hop.headers("location").filter(|_| redirects).map(str::to_owned);
    let refreshes = hop.headers("refresh").filter_map(refresh_target);
    locations
        .chain(refreshes)
        .chain(navigations(hop))
        .find(|target| is_outside(evidence, &base, target))
}

/// Whether a browser that reads this address ends up elsewhere.
fn is_outside(evidence: &Evidence, base: &Url, target: &str) -> bool {
    // An address that no browser can read leads nowhere.
    let Ok(url) = base.join(target) else { return false };
    match url.scheme() {
        "http" | "https" => {
            let origin = url.origin();
            // Another port of the app's own host is another server of the same owner; the harness's foreign origin, which
            // may be on that host too, stands for everybody else.
            let is_own = url.host() == evidence.target.app.host() && origin != evidence.target.second_origin.origin();
            !is_own && origin != evidence.target.idp.origin()
        }
        "javascript" | "data" | "vbscript" => true,
        // Mail addresses, telephone numbers and the like are no pages.
        _ => false,
    }
}
