//! Questions to the session: who holds it, when it ends, what it is made of (ASVS 5.0 chapter 7).

use super::{
    Check,
    callback::{completes, shows_nobody, shows_user},
    facts::{in_short, in_words, shows},
};
use crate::{
    evidence::{Evidence, Probe, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, MAIN, OTHER},
};

/// The sign-in that a case is about really happened.
pub const SIGNED_IN_AFTER: Check = Check {
    id: "signed-in-after",
    expects: "signed in as the user",
    ask: |evidence| shows_user(evidence, AFTER, MAIN),
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
    ask: |evidence| shows_nobody(evidence, "jar"),
};

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

/// The same user's other session goes on.
pub const OTHER_SESSION_IS_ALIVE: Check = Check {
    id: "other-session-is-alive",
    expects: "the user's session in the other browser goes on",
    ask: |evidence| match shows(evidence, "other-browser") {
        Ok(Shows::Person(name)) if name == "user" => Holds,
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

/// No trick on path or header opens a protected page.
pub const TRICK_OPENS_NOTHING: Check = Check {
    id: "trick-opens-nothing",
    expects: "never signed in",
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
        each_probe(evidence, |evidence, probe| closed(evidence, probe, true))
    },
};

/// Damaged cookies are nobody's.
pub const ANONYMOUS: Check = Check {
    id: "anonymous",
    expects: "treated as a visitor without a session",
    ask: |evidence| each_probe(evidence, |evidence, probe| closed(evidence, probe, true)),
};

/// After a second user signed in, only he is shown.
pub const SHOWS_SECOND_USER_ONLY: Check = Check {
    id: "shows-second-user-only",
    expects: "signed in as the second user only",
    ask: |evidence| shows_user(evidence, AFTER, OTHER),
};

/// The sign-in that was started last works.
pub const LAST_STARTED_SIGNS_IN: Check = Check {
    id: "last-started-signs-in",
    expects: "the sign-in that was started last ends signed in",
    ask: |evidence| match completes(evidence, OTHER) {
        None => CannotTell("no second flow was begun".to_owned()),
        Some(false) => Broken("the sign-in that was started last was not completed".to_owned()),
        Some(true) => shows_user(evidence, "last", OTHER),
    },
};

/// The sign-in of the first tab works too.
pub const FIRST_STARTED_SIGNS_IN: Check = Check {
    id: "first-started-signs-in",
    expects: "the sign-in of the first tab ends signed in too",
    ask: |evidence| match completes(evidence, MAIN) {
        None => CannotTell("no flow was begun".to_owned()),
        Some(false) => Broken("the sign-in of the first tab ended in a refusal".to_owned()),
        Some(true) => shows_user(evidence, "first", MAIN),
    },
};

/// Asks every probe with the usual label.
fn each_probe(evidence: &Evidence, ask: impl Fn(&Evidence, &Probe) -> Result<(), String>) -> Outcome {
    let probes: Vec<&Probe> = evidence.probes.iter().filter(|probe| probe.label == AFTER).collect();
    if probes.is_empty() {
        return CannotTell("the protected page was not asked".to_owned());
    }
    match probes.iter().find_map(|probe| ask(evidence, probe).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

/// Whether an answer shows nothing protected. Odd requests may get any answer without anybody's data (`lenient`), plain
/// ones must be refused or led to sign-in.
fn closed(evidence: &Evidence, probe: &Probe, lenient: bool) -> Result<(), String> {
    let Some(hop) = evidence.hops.get(probe.hop) else {
        return Ok(());
    };
    let at = in_short(hop);
    match &probe.shows {
        Shows::Nobody => Ok(()),
        Shows::Unclear(_) if lenient => Ok(()),
        shows @ (Shows::Person(_) | Shows::Several(_)) => Err(format!("{at} shows {}", in_words(shows))),
        Shows::Nameless | Shows::Unclear(_) => match hop.status() {
            // HEAD has no body, and OPTIONS at most the methods that it allows: what they answer opens nothing.
            Some(200..=299) if matches!(hop.request.method.as_str(), "HEAD" | "OPTIONS") && hop.body().is_empty() => {
                Ok(())
            }
            Some(200..=299) if hop.request.method == "OPTIONS" && hop.header("allow").is_some() => Ok(()),
            Some(status @ 200..=299) if !lenient => Err(format!("{at} was answered with {status}")),
            Some(200..=299) => Err(format!("{at} was answered as for a signed-in user")),
            _ => Ok(()),
        },
    }
}

/// Whether the session cookie holds the session itself, as far as its length tells.
fn is_self_contained(evidence: &Evidence) -> bool {
    super::cookies::session_values(evidence)
        .iter()
        .any(|value| value.len() > 128)
}
