//! Questions to the session: who holds it, when it ends, what it is made of (ASVS 5.0 chapter 7).

use super::{
    Check,
    callback::{completes, shows_nobody, shows_user},
    cookies::set_by,
    facts::{in_short, in_words, never_began, path_of, shows},
    no_flow,
};
use crate::{
    evidence::{Evidence, Hop, Leg, Probe, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, MAIN, OTHER},
};

/// The sign-in that a case is about really happened. If it did not, there is nothing to judge: whether sign-ins work is
/// another case's question.
pub const SIGNED_IN_AFTER: Check = Check {
    id: "signed-in-after",
    expects: "signed in as the user",
    ask: |evidence| match shows_user(evidence, AFTER, MAIN) {
        Broken(saw) => CannotTell(saw),
        outcome => outcome,
    },
};

/// Cookies from before sign-in are worth nothing.
pub const OLD_COOKIES_ARE_DEAD: Check = Check {
    id: "old-cookies-are-dead",
    expects: "the cookie values from before show nobody",
    ask: |evidence| shows_nobody(evidence, "old"),
};

/// What an attacker planted is worth nothing after the victim signed in.
pub const PLANTED_COOKIES_ARE_DEAD: Check = Check {
    id: "planted-cookies-are-dead",
    expects: "the planted values show nobody in the attacker's browser",
    ask: |evidence| match shows(evidence, "victim") {
        Ok(Shows::Person(name)) if name == "victim" => shows_nobody(evidence, AFTER),
        Ok(other) => CannotTell(format!(
            "the victim did not sign in: the page shows {}",
            in_words(other)
        )),
        Err(why) => CannotTell(why),
    },
};

/// The session is over.
pub const SESSION_IS_DEAD: Check = Check {
    id: "session-is-dead",
    expects: "the session from before shows nobody",
    ask: |evidence| match shows(evidence, "signed-in") {
        Ok(Shows::Person(name)) => match shows(evidence, AFTER) {
            Ok(Shows::Nobody) => Holds,
            Ok(_) if evidence.no_way_out().is_some() => CannotTell(nothing_signed_out(evidence)),
            Ok(Shows::Person(still)) if still == name => Broken(format!(
                "the saved cookies still show the {name}{}",
                if is_self_contained(evidence) {
                    ": a self-contained session that nobody can revoke"
                } else {
                    ""
                }
            )),
            Ok(other) => Broken(format!("the saved cookies show {}", in_words(other))),
            Err(why) => CannotTell(why),
        },
        Ok(other) => CannotTell(format!("before, the protected page shows {}", in_words(other))),
        Err(why) => CannotTell(why),
    },
};

/// The browser itself is signed out.
pub const BROWSER_IS_SIGNED_OUT: Check = Check {
    id: "browser-is-signed-out",
    expects: "the protected page shows nobody",
    ask: |evidence| match shows_nobody(evidence, "jar") {
        Broken(_) if evidence.no_way_out().is_some() => CannotTell(nothing_signed_out(evidence)),
        outcome => outcome,
    },
};

/// Why nobody was signed out, with the line that fixes it.
pub(crate) fn nothing_signed_out(evidence: &Evidence) -> String {
    let Some(page) = evidence.no_way_out() else {
        return String::new();
    };
    let path = path_of(&page.request.target);
    let status = page.status().map(|status| format!(" ({status})")).unwrap_or_default();
    format!(
        "nothing was signed out: {path}{status} has no sign-out form or button; `sign_out` under [target] has to name the page \
         that has one"
    )
}

/// The session goes on.
pub const SESSION_IS_ALIVE: Check = Check {
    id: "session-is-alive",
    expects: "the session goes on",
    ask: |evidence| match (shows(evidence, "signed-in"), shows(evidence, AFTER)) {
        (Ok(Shows::Person(before)), Ok(Shows::Person(after))) if before == after => Holds,
        (Ok(Shows::Person(before)), Ok(after)) => Broken(format!(
            "the session of the {before} was ended: the protected page shows {}",
            in_words(after)
        )),
        (Ok(other), Ok(_)) => CannotTell(format!("before, the protected page shows {}", in_words(other))),
        (Err(why), _) | (_, Err(why)) => CannotTell(why),
    },
};

/// The same user's other session goes on. Apps that allow one session per user had ended it before.
pub const OTHER_SESSION_IS_ALIVE: Check = Check {
    id: "other-session-is-alive",
    expects: "the user's session in the other browser goes on",
    ask: |evidence| match shows(evidence, "other-browser") {
        Ok(Shows::Person(name)) if name == "user" => Holds,
        Ok(Shows::Nobody) if matches!(shows(evidence, "other-before"), Ok(Shows::Nobody)) => {
            HoldsWith("the session in the other browser had ended when the user signed in again".to_owned())
        }
        Ok(other) => Broken(format!("the other browser's protected page shows {}", in_words(other))),
        Err(why) => CannotTell(why),
    },
};

/// The same user's other session ends too.
pub const OTHER_SESSION_IS_DEAD: Check = Check {
    id: "other-session-is-dead",
    expects: "the user's session in the other browser ends too",
    ask: |evidence| shows_nobody(evidence, "other-browser"),
};

/// Another user is not concerned.
pub const STRANGER_IS_UNTOUCHED: Check = Check {
    id: "stranger-is-untouched",
    expects: "another user's session goes on",
    ask: |evidence| match shows(evidence, "stranger") {
        Ok(Shows::Person(name)) if name == "attacker" => Holds,
        Ok(other) => Broken(format!("the other user's protected page shows {}", in_words(other))),
        Err(why) => CannotTell(why),
    },
};

/// No answer to a visitor without a session holds anything protected.
pub const NOTHING_WITHOUT_SESSION: Check = Check {
    id: "nothing-without-session",
    expects: "a redirect to sign-in, 401 or 403 on every protected path; no protected data",
    ask: |evidence| each_probe(evidence, |evidence, probe| closed(evidence, probe, false)),
};

/// A visitor without a session is not served by a protected address, even if nobody's data is in the answer: what an app
/// answers to unknown addresses as well does not count.
pub const NOT_SERVED_WITHOUT_SESSION: Check = Check {
    id: "not-served-without-session",
    expects: "no 2xx answer, unless an unknown address gets the same",
    ask: |evidence| {
        each_probe(evidence, |evidence, probe| {
            let Some(hop) = evidence.hops.get(probe.hop) else {
                return Ok(None);
            };
            match (&probe.shows, hop.status()) {
                (Shows::Nameless | Shows::Unclear(_), Some(status @ 200..=299))
                    if !opens_nothing(hop) && !is_known_page(evidence, hop) =>
                {
                    Err(format!(
                        "{} was answered with {status}, without anybody's data, and not as an unknown address is",
                        in_short(hop)
                    ))
                }
                _ => Ok(None),
            }
        })
    },
};

/// No trick on path or header opens a protected page. What counts is somebody's data: apps with one page for all addresses,
/// and public home pages, answer many tricks with 200.
pub const TRICK_OPENS_NOTHING: Check = Check {
    id: "trick-opens-nothing",
    expects: "nobody's data",
    ask: |evidence| {
        let trusted = evidence
            .probes
            .iter()
            .filter(|probe| probe.label == AFTER)
            .filter_map(|probe| evidence.hops.get(probe.hop))
            .flat_map(|hop| hop.request.headers.iter())
            .find(|(name, _)| evidence.target.trusted_headers.iter().any(|trusted| trusted == name));
        if let Some((name, _)) = trusted {
            return HoldsWith(format!("the target declares that it trusts `{name}`"));
        }
        each_probe(evidence, |evidence, probe| {
            let Some(hop) = evidence.hops.get(probe.hop) else {
                return Ok(None);
            };
            match &probe.shows {
                shows @ (Shows::Person(_) | Shows::Several(_)) => {
                    Err(format!("{} shows {}", in_short(hop), in_words(shows)))
                }
                Shows::Nameless if !is_known_page(evidence, hop) => Ok(Some(format!(
                    "{} was answered with {} and a page without anybody's data, which no unknown address and no home page is",
                    in_short(hop),
                    hop.status().unwrap_or_default()
                ))),
                _ => Ok(None),
            }
        })
    },
};

/// Damaged cookies are nobody's.
pub const ANONYMOUS: Check = Check {
    id: "anonymous",
    expects: "treated as a visitor without a session",
    ask: |evidence| each_probe(evidence, |evidence, probe| closed(evidence, probe, true)),
};

/// After a second user signed in, the first one is not shown any more.
pub const SHOWS_SECOND_USER_ONLY: Check = Check {
    id: "shows-second-user-only",
    expects: "the second user, and nothing of the first",
    ask: |evidence| match second_sign_in(evidence, OTHER) {
        Err(why) => CannotTell(why),
        Ok(()) => match shows_user(evidence, AFTER, OTHER) {
            // Nobody signed in is a nuisance, not a mix-up: the next check has it.
            Broken(_) if matches!(shows(evidence, AFTER), Ok(Shows::Nobody)) => Holds,
            outcome => outcome,
        },
    },
};

/// The second user's sign-in over the first one's session works.
pub const SECOND_USER_IS_SIGNED_IN: Check = Check {
    id: "second-user-is-signed-in",
    expects: "signed in as the second user",
    ask: |evidence| match second_sign_in(evidence, OTHER) {
        Err(why) => CannotTell(why),
        Ok(()) => shows_user(evidence, AFTER, OTHER),
    },
};

/// The first user's session is over once the second one is signed in, where the app was told of it: ASVS 5.0 §7.2.4 ends the
/// *current* session, and a browser withholds a Lax cookie from a cross-site POST and a Strict one from every way back.
pub const FIRST_SESSION_IS_DEAD: Check = Check {
    id: "first-session-is-dead",
    expects: "the first user's cookies show nobody",
    ask: |evidence| match (first_session_ends(evidence), came_along(evidence, "old", OTHER)) {
        (Broken(saw), false) => HoldsWith(format!("{saw}, but {WITHHELD}")),
        (outcome, _) => outcome,
    },
};

/// An app to which the browser does not bring the first session's cookie can remember that session when the sign-in starts.
pub const WITHHELD_SESSION_IS_DEAD: Check = Check {
    id: "withheld-session-is-dead",
    expects: "the first session ends even where its cookie does not come along with the authorization response",
    ask: |evidence| match (first_session_ends(evidence), came_along(evidence, "old", OTHER)) {
        (Broken(saw), true) => CannotTell(format!("the first session's cookie came along: {saw}")),
        (Broken(saw), false) => Broken(format!("the first user's cookies are still good ({saw}): {WITHHELD}")),
        (outcome, _) => outcome,
    },
};

const WITHHELD: &str = "the browser did not send the first session's cookie along with the authorization response";

fn first_session_ends(evidence: &Evidence) -> Outcome {
    match second_sign_in(evidence, OTHER) {
        Err(why) => CannotTell(why),
        Ok(()) => shows_nobody(evidence, "old"),
    }
}

/// Whether the browser brought a cookie of the session that the probe of this label asks with when this flow's response was
/// delivered. Names decide, not values: some frameworks write the session's cookie anew at each start of a sign-in. Once the
/// app has set that cookie, it is the new session's. Where the probe's cookies are not known, it is taken to have done so.
fn came_along(evidence: &Evidence, label: &str, slot: crate::script::Slot) -> bool {
    let learnt = &evidence.target.session_cookies;
    let Some(asked) = evidence.probe(label).and_then(|probe| evidence.hops.get(probe.hop)) else {
        return true;
    };
    let saved: Vec<&str> = cookie_names(asked)
        .filter(|name| learnt.is_empty() || learnt.iter().any(|other| other == name))
        .collect();
    if saved.is_empty() {
        return true;
    }
    let delivered = evidence.hops.iter().filter(|hop| {
        hop.flow == Some(slot) && matches!(hop.leg, Leg::Callback | Leg::AfterCallback) && hop.was_sent()
    });
    for hop in delivered {
        if cookie_names(hop).any(|name| saved.contains(&name)) {
            return true;
        }
        if set_by(hop).any(|cookie| saved.contains(&cookie.name.as_str()) && !cookie.is_deletion()) {
            return false;
        }
    }
    false
}

/// The names of the cookies that a request brought.
fn cookie_names(hop: &Hop) -> impl Iterator<Item = &str> {
    let headers = hop.request.headers.iter();
    let lines = headers.filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    lines
        .flat_map(|(_, line)| line.split(';'))
        .map(|pair| pair.split('=').next().unwrap_or_default().trim())
}

/// The sign-in that was started last works, or finds the user signed in by the first one already.
pub const LAST_STARTED_SIGNS_IN: Check = Check {
    id: "last-started-signs-in",
    expects: "signed in after the sign-in that was started last",
    ask: |evidence| match (completes(evidence, OTHER), shows_user(evidence, "last", OTHER)) {
        (None, _) => CannotTell("no second flow was begun".to_owned()),
        (Some(false), Holds) => {
            HoldsWith("the second tab was refused; the first one had signed the user in".to_owned())
        }
        (Some(false), Broken(saw)) => Broken(format!("the sign-in that was started last was not completed: {saw}")),
        (Some(_), outcome) => outcome,
    },
};

/// The sign-in of the first tab works too.
pub const FIRST_STARTED_SIGNS_IN: Check = Check {
    id: "first-started-signs-in",
    expects: "the sign-in of the first tab ends signed in too",
    ask: |evidence| match (completes(evidence, MAIN), shows_user(evidence, "first", MAIN)) {
        (None, _) => no_flow(),
        (Some(false), Holds) => {
            HoldsWith("the first tab was refused; the second one had signed the user in".to_owned())
        }
        (Some(false), Broken(_)) => Broken("the sign-in of the first tab ended in a refusal".to_owned()),
        (Some(_), outcome) => outcome,
    },
};

/// Whoever left many sign-ins unfinished can still sign in. An app that refuses to begin one more says so with 429 or 503:
/// that limit is its own affair.
pub const SIGNS_IN_AFTER_ABANDONED_STARTS: Check = Check {
    id: "signs-in-after-abandoned-starts",
    expects: "sign-in all the same, or a plain refusal to begin another one (429 or 503)",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        let begun = evidence
            .flows
            .iter()
            .filter(|flow| flow.authorization_request.is_some());
        match refused_start(evidence, flow.slot) {
            Some(status) if flow.authorization_request.is_none() => HoldsWith(format!(
                "with {} sign-ins unfinished the app refuses to begin another one ({status})",
                begun.count()
            )),
            _ => shows_user(evidence, AFTER, MAIN),
        }
    },
};

/// The status with which the app refused to begin this sign-in: it limits how many may be pending, or how fast they come.
fn refused_start(evidence: &Evidence, slot: crate::script::Slot) -> Option<u16> {
    let starts = evidence
        .hops
        .iter()
        .filter(|hop| hop.flow == Some(slot) && hop.leg == Leg::SignInStart);
    starts
        .filter_map(Hop::status)
        .find(|status| matches!(status, 429 | 503))
}

/// Whether a second sign-in in this slot was begun and ended with tokens: an app that shows its page to whoever is signed in
/// may never begin one.
fn second_sign_in(evidence: &Evidence, slot: crate::script::Slot) -> Result<(), String> {
    if let Some(why) = never_began(evidence) {
        return Err(why);
    }
    match completes(evidence, slot) {
        Some(true) => Ok(()),
        // Where the app leads after the callback may be a page that answers only to scripts.
        Some(false) if shows_user(evidence, AFTER, slot) == Holds => Ok(()),
        Some(false) => Err("the second sign-in was refused, so nobody was signed in over the first session".to_owned()),
        None => Err("no second flow was begun".to_owned()),
    }
}

/// Whether a page is the one that a visitor without a session gets at an unknown address or at the app's root.
fn is_known_page(evidence: &Evidence, hop: &Hop) -> bool {
    // Long words are tokens and ids, which are others on every page.
    let words = |hop: &Hop| -> Vec<String> {
        let text = super::content::plain(hop.shown());
        text.split_whitespace()
            .filter(|word| word.len() < 16)
            .map(str::to_owned)
            .collect()
    };
    let page = words(hop);
    let is_public = |other: &&Hop| other.leg == Leg::Direct && other.who == hop.who && other.was_sent();
    evidence
        .hops
        .iter()
        .filter(is_public)
        .any(|public| words(public) == page)
}

/// Asks every probe with the usual label; an answer may be worth a remark.
fn each_probe(evidence: &Evidence, ask: impl Fn(&Evidence, &Probe) -> Result<Option<String>, String>) -> Outcome {
    let probes: Vec<&Probe> = evidence.probes.iter().filter(|probe| probe.label == AFTER).collect();
    if probes.is_empty() {
        return CannotTell("the protected page was not asked".to_owned());
    }
    let mut remark = None;
    for probe in probes {
        match ask(evidence, probe) {
            Err(saw) => return Broken(saw),
            Ok(said) => remark = remark.or(said),
        }
    }
    remark.map_or(Holds, HoldsWith)
}

/// Whether an answer shows nothing protected. Odd requests may get any answer without anybody's data (`lenient`), plain
/// ones must be refused or led to sign-in.
fn closed(evidence: &Evidence, probe: &Probe, lenient: bool) -> Result<Option<String>, String> {
    let Some(hop) = evidence.hops.get(probe.hop) else {
        return Ok(None);
    };
    let at = in_short(hop);
    match &probe.shows {
        Shows::Nobody => Ok(None),
        Shows::Unclear(_) if lenient => Ok(None),
        shows @ (Shows::Person(_) | Shows::Several(_)) => Err(format!("{at} shows {}", in_words(shows))),
        Shows::Nameless | Shows::Unclear(_) => match hop.status() {
            Some(200..=299) if opens_nothing(hop) => Ok(None),
            // Without anybody's data nothing was opened; the page may be the same for everybody.
            Some(200..=299) if !lenient => Ok(None),
            Some(200..=299) => Err(format!("{at} was answered as for a signed-in user")),
            _ => Ok(None),
        },
    }
}

/// HEAD has no body, and OPTIONS at most the methods that it allows: what they answer opens nothing.
fn opens_nothing(hop: &Hop) -> bool {
    match hop.request.method.as_str() {
        "HEAD" => hop.body().is_empty(),
        "OPTIONS" => hop.body().is_empty() || hop.header("allow").is_some(),
        _ => false,
    }
}

/// Whether the session cookie holds the session itself, as far as its length tells: only a word of the finding hangs on it.
fn is_self_contained(evidence: &Evidence) -> bool {
    super::cookies::session_values(evidence)
        .iter()
        .any(|value| value.len() > 128)
}
