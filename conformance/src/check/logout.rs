//! Questions to sign-out: RP-Initiated, Back-Channel and Front-Channel Logout 1.0.

use mock_idp::{
    TIMED_OUT,
    flow::record::{Endpoint, Event},
};
use url::Url;

use super::{
    Check,
    facts::{
        all_authorization_requests, first, header, in_short, in_words, issued, parameters, query_of, shortened, shows,
    },
};
use crate::{
    evidence::{Evidence, Hop, Leg, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, MAIN, OTHER},
};

/// The browser arrives at the end-session endpoint.
pub const REACHES_END_SESSION: Check = Check {
    id: "reaches-end-session",
    expects: "the browser arrives at the published end-session endpoint",
    ask: |evidence| match end_session_request(evidence) {
        Some(_) => Holds,
        None if evidence.hops.iter().any(|hop| hop.leg == Leg::SignOut) => {
            Broken("sign-out never led to the end-session endpoint".to_owned())
        }
        None => CannotTell("nobody signed out".to_owned()),
    },
};

/// The authorization server learns whose session to end.
pub const HINTS_AT_THE_SESSION: Check = Check {
    id: "hints-at-the-session",
    expects: "id_token_hint with an ID token of this client and user, or client_id",
    ask: |evidence| {
        let Some(params) = end_session_request(evidence) else {
            return CannotTell("the end-session endpoint was not reached".to_owned());
        };
        match (first(&params, "id_token_hint"), first(&params, "client_id")) {
            (Some(hint), _) if issued(evidence).any(|tokens| tokens.id_token == Some(hint)) => Holds,
            (Some(hint), _) => Broken(format!(
                "id_token_hint `{}` is no ID token of this user",
                shortened(hint)
            )),
            (None, Some(client)) if client == evidence.target.client_id => {
                HoldsWith("client_id in place of id_token_hint; Okta wants the hint".to_owned())
            }
            (None, Some(client)) => Broken(format!("client_id `{client}`")),
            (None, None) => Broken("neither id_token_hint nor client_id".to_owned()),
        }
    },
};

/// The way back is the registered one.
pub const RETURN_URI_IS_REGISTERED: Check = Check {
    id: "return-uri-is-registered",
    expects: "a registered post_logout_redirect_uri, byte for byte",
    ask: |evidence| {
        let Some(params) = end_session_request(evidence) else {
            return CannotTell("the end-session endpoint was not reached".to_owned());
        };
        match first(&params, "post_logout_redirect_uri") {
            Some(uri) if evidence.target.post_logout.iter().any(|registered| registered == uri) => Holds,
            Some(uri) => Broken(format!(
                "post_logout_redirect_uri `{uri}`, registered: {}",
                evidence.target.post_logout.join(", ")
            )),
            None => HoldsWith("no post_logout_redirect_uri: the user stays at the authorization server".to_owned()),
        }
    },
};

/// The page to which sign-out returns is there for everybody.
pub const RETURN_PAGE_IS_PUBLIC: Check = Check {
    id: "return-page-is-public",
    expects: "2xx or 3xx on the page after sign-out",
    ask: |evidence| {
        if after_sign_out(evidence).next().is_none() {
            return never_returned(evidence);
        }
        match after_sign_out(evidence).find(|hop| hop.status().is_none_or(|status| status >= 400)) {
            Some(hop) => Broken(match hop.status() {
                Some(status) => format!("{} was answered with {status}", in_short(hop)),
                None => format!("{} got no answer", in_short(hop)),
            }),
            None => Holds,
        }
    },
};

/// A sign-out without a session sends no empty hint.
pub const NO_EMPTY_HINT: Check = Check {
    id: "no-empty-hint",
    expects: "no id_token_hint that is empty, null or undefined",
    ask: |evidence| {
        let leaving = evidence
            .hops
            .iter()
            .filter(|hop| hop.leg == Leg::EndSession)
            .flat_map(|hop| {
                parameters(query_of(&hop.url))
                    .into_iter()
                    .chain(parameters(&hop.request.body))
            });
        let mut hints = leaving
            .filter(|(name, _)| name == "id_token_hint")
            .map(|(_, value)| value);
        match hints.find(|hint| matches!(hint.as_str(), "" | "null" | "undefined" | "None" | "nil")) {
            Some(hint) => Broken(format!("id_token_hint=`{hint}`")),
            None => Holds,
        }
    },
};

/// After sign-out a sign-in begins afresh.
pub const NEXT_SIGN_IN_IS_FRESH: Check = Check {
    id: "next-sign-in-is-fresh",
    expects: "new state, nonce, challenge and session after sign-out",
    ask: |evidence| {
        let requests = all_authorization_requests(evidence);
        let of = |slot| {
            requests
                .iter()
                .find(|request| request.flow.is_some_and(|flow| flow.slot == slot))
        };
        let (Some(before), Some(now)) = (of(OTHER), of(MAIN)) else {
            return CannotTell("two sign-ins are needed".to_owned());
        };
        for name in ["state", "nonce", "code_challenge"] {
            if before.filled(name).is_some() && before.filled(name) == now.filled(name) {
                return Broken(format!("the {name} is the one from before sign-out"));
            }
        }
        let (Some(old), Some(new)) = (evidence.saved.get("first"), evidence.saved.get("second")) else {
            return CannotTell("the cookies of both sign-ins were not saved".to_owned());
        };
        let kept = new
            .iter()
            .filter(|(name, _)| evidence.target.session_cookies.contains(name))
            .find(|pair| old.contains(pair));
        match kept {
            Some((name, _)) => Broken(format!("the session cookie `{name}` is the one from before sign-out")),
            None => Holds,
        }
    },
};

/// The page after sign-out does not start a sign-in by itself.
pub const NO_SILENT_RETURN: Check = Check {
    id: "no-silent-return",
    expects: "no sign-in by itself after sign-out",
    ask: |evidence| {
        let mut pages = evidence
            .hops
            .iter()
            .filter(|hop| matches!(hop.leg, Leg::AfterSignOut | Leg::Direct) && hop.was_sent())
            .peekable();
        if pages.peek().is_none() {
            return CannotTell("no page after sign-out was seen".to_owned());
        }
        let back = pages.find(|hop| {
            hop.header("location")
                .is_some_and(|location| super::facts::is_authorization_request(evidence, location))
        });
        match back {
            Some(hop) => Broken(format!("{} starts a sign-in by itself", in_short(hop))),
            None => Holds,
        }
    },
};

/// A good logout token is answered as the standard says.
pub const LOGOUT_TOKEN_ACCEPTED: Check = Check {
    id: "logout-token-accepted",
    expects: "200 or 204",
    ask: |evidence| {
        each_answer(evidence, |answer| match answer.status {
            Some(200 | 204) => Ok(()),
            Some(status) => Err(format!("the logout token was answered with {status}")),
            None => Err(format!("the logout token got no answer: {}", answer.problem)),
        })
    },
};

/// A bad logout token is refused.
pub const LOGOUT_TOKEN_REFUSED: Check = Check {
    id: "logout-token-refused",
    expects: "a refusal, 4xx",
    ask: |evidence| {
        each_answer(evidence, |answer| match answer.status {
            Some(400..=499) => Ok(()),
            Some(status) => Err(format!("the logout token was answered with {status}")),
            None if answer.was_cut_off() => Ok(()),
            None => Err(format!("the logout token got no answer: {}", answer.problem)),
        })
    },
};

/// The refusal is the very status of the standard.
pub const LOGOUT_TOKEN_REFUSED_WITH_400: Check = Check {
    id: "logout-token-refused-with-400",
    expects: "400",
    ask: |evidence| {
        each_answer(evidence, |answer| match answer.status {
            Some(400) | None => Ok(()),
            Some(status) => Err(format!("the logout token was answered with {status}")),
        })
    },
};

/// Whatever is posted, the app does not fall over.
pub const LOGOUT_TOKEN_CLEAN: Check = Check {
    id: "logout-token-clean",
    expects: "an answer below 500",
    ask: |evidence| {
        each_answer(evidence, |answer| match answer.status {
            Some(status) if status < 500 => Ok(()),
            Some(status) => Err(format!("the request was answered with {status}")),
            None if answer.was_cut_off() => Ok(()),
            None => Err(format!("the request got no answer: {}", answer.problem)),
        })
    },
};

/// The answer to a logout token stays out of caches.
pub const LOGOUT_ANSWER_IS_NO_STORE: Check = Check {
    id: "logout-answer-is-no-store",
    expects: "Cache-Control: no-store on the answer",
    ask: |evidence| {
        each_answer(evidence, |answer| match answer.cache_control.contains("no-store") {
            true => Ok(()),
            false => Err(format!("Cache-Control `{}`", answer.cache_control)),
        })
    },
};

/// A frame of the authorization server ends the session, as far as cookies went along.
pub const FRAME_ENDS_SESSION: Check = Check {
    id: "frame-ends-session",
    expects: "the session is dead after the frame was loaded",
    ask: |evidence| match (shows(evidence, "signed-in"), shows(evidence, AFTER)) {
        (Ok(Shows::Person(_)), Ok(Shows::Nobody)) => Holds,
        (Ok(Shows::Person(name)), Ok(after)) => match frame(evidence) {
            Some(hop) if header(&hop.request, "cookie").is_none() => CannotTell(format!(
                "the browser sent no cookies with the frame (SameSite), so the app could not know whose session to end; \
                 the page still shows {}",
                in_words(after)
            )),
            Some(_) => Broken(format!(
                "the frame was loaded with cookies, and the {name} is still signed in"
            )),
            None => CannotTell("the front-channel logout URI was not loaded".to_owned()),
        },
        (Ok(other), _) => CannotTell(format!("before, the protected page shows {}", in_words(other))),
        (Err(why), _) => CannotTell(why),
    },
};

/// The authorization server may frame the logout URI.
pub const FRAME_IS_ALLOWED: Check = Check {
    id: "frame-is-allowed",
    expects: "framing allowed for the authorization server",
    ask: |evidence| {
        let Some(hop) = frame(evidence) else {
            return CannotTell("the front-channel logout URI was not loaded".to_owned());
        };
        let idp = evidence.target.idp.origin().ascii_serialization();
        let ancestors = hop
            .headers("content-security-policy")
            .flat_map(|policy| policy.split(';'))
            .find_map(|directive| directive.trim().strip_prefix("frame-ancestors"));
        match (ancestors, hop.header("x-frame-options")) {
            // A policy with frame-ancestors overrides X-Frame-Options (CSP Level 3 §7.7).
            (Some(list), _) if list.split_whitespace().any(|source| allows(source, &idp)) => Holds,
            (Some(list), _) => Broken(format!("frame-ancestors{list} keeps the authorization server out")),
            (None, Some(options)) => Broken(format!("X-Frame-Options: {options}")),
            (None, None) => Holds,
        }
    },
};

/// The answer to the frame stays out of caches.
pub const FRAME_IS_NO_STORE: Check = Check {
    id: "frame-is-no-store",
    expects: "Cache-Control: no-store on the frame",
    ask: |evidence| match frame(evidence) {
        None => CannotTell("the front-channel logout URI was not loaded".to_owned()),
        Some(hop) if hop.headers("cache-control").any(|control| control.contains("no-store")) => Holds,
        Some(hop) => Broken(format!(
            "Cache-Control `{}`",
            hop.header("cache-control").unwrap_or("(absent)")
        )),
    },
};

/// How the app answered a logout token.
struct LogoutAnswer {
    status: Option<u16>,
    cache_control: String,
    problem: String,
    /// Length of the token, bytes.
    length: usize,
}

impl LogoutAnswer {
    /// A server that refuses a long body before its end may close the connection, and its answer is lost with that: a
    /// refusal all the same. Whether the app lives on is for the sign-in after the case.
    fn was_cut_off(&self) -> bool {
        const LONG: usize = 64 * 1024;
        self.status.is_none() && self.length > LONG && self.problem != TIMED_OUT
    }
}

fn each_answer(evidence: &Evidence, ask: impl Fn(&LogoutAnswer) -> Result<(), String>) -> Outcome {
    let answers: Vec<LogoutAnswer> = evidence
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::LogoutTokenPosted {
                token,
                status,
                headers,
                problem,
                ..
            } => Some(LogoutAnswer {
                status: *status,
                length: token.len(),
                cache_control: headers
                    .iter()
                    .filter(|(name, _)| name.eq_ignore_ascii_case("cache-control"))
                    .map(|(_, value)| value.to_ascii_lowercase())
                    .collect::<Vec<_>>()
                    .join(","),
                problem: problem.clone().unwrap_or_default(),
            }),
            _ => None,
        })
        .collect();
    if answers.is_empty() {
        return CannotTell("no logout token was posted".to_owned());
    }
    match answers.iter().find_map(|answer| ask(answer).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

/// Parameters of the request to the end-session endpoint, as it arrived, or as the app wanted it.
fn end_session_request(evidence: &Evidence) -> Option<Vec<(String, String)>> {
    let arrived = evidence.received(Endpoint::Logout).next().map(|(_, request)| {
        let mut params = parameters(query_of(&request.target));
        params.extend(parameters(&request.body));
        params
    });
    arrived.or_else(|| {
        let hop = evidence.hops.iter().find(|hop| {
            hop.leg == Leg::EndSession
                && hop.was_sent()
                && Url::parse(&hop.url).is_ok_and(|url| url.origin() == evidence.target.idp.origin())
        })?;
        let mut params = parameters(query_of(&hop.url));
        params.extend(parameters(&hop.request.body));
        Some(params)
    })
}

/// Why no page after sign-out was seen: the app asked for none, or the way back was lost.
fn never_returned(evidence: &Evidence) -> Outcome {
    match end_session_request(evidence) {
        Some(params) if first(&params, "post_logout_redirect_uri").is_none() => {
            Outcome::Absent("the app asks for no way back from sign-out".to_owned())
        }
        Some(_) => CannotTell("the authorization server did not lead the browser back to the app".to_owned()),
        None => CannotTell("the end-session endpoint was not reached".to_owned()),
    }
}

/// Answers of the app on the way back from the end-session endpoint.
fn after_sign_out(evidence: &Evidence) -> impl Iterator<Item = &Hop> {
    evidence
        .hops
        .iter()
        .filter(|hop| hop.leg == Leg::AfterSignOut && hop.was_sent())
}

/// The load of the front-channel logout URI.
fn frame(evidence: &Evidence) -> Option<&Hop> {
    evidence
        .hops
        .iter()
        .find(|hop| hop.leg == Leg::Direct && hop.flow == Some(MAIN) && hop.was_sent())
}

/// Whether one source of `frame-ancestors` lets this origin in.
fn allows(source: &str, origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    source == "*"
        || source == origin
        || source == host
        || origin
            .strip_suffix(host)
            .is_some_and(|scheme| source == scheme.trim_end_matches('/'))
}
