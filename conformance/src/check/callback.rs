//! Questions to what the redirection endpoint does with a response (OIDC Core §3.1.2.5 to §3.1.2.7, RFC 9700 §4.7).

use mock_idp::flow::record::Event;

use super::{
    Check,
    cookies::set_by,
    facts::{
        first, in_short, in_words, is_authorization_request, never_began, parameters, path_of, query_of,
        redemptions_of, shows,
    },
    no_flow, pages,
    sign_in::REFUSES_SIGN_IN,
};
use crate::{
    evidence::{Evidence, Hop, Leg, ResponseMode, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, BEFORE, MAIN, OTHER, Slot},
};

/// More new authorization requests than one refused response explains.
const RESTART_LIMIT: usize = 3;

/// As `refuses-sign-in`, but PKCE and nonce may stand in for `state` where the target declares that they do.
pub const REFUSES_FOREIGN_STATE: Check = Check {
    id: "refuses-foreign-state",
    expects: "refusal; the protected page shows nobody",
    ask: |evidence| match (REFUSES_SIGN_IN.ask)(evidence) {
        Broken(_) if evidence.target.csrf_by_pkce && has_pkce_and_nonce(evidence, MAIN) => {
            HoldsWith("accepted; the target declares that PKCE and nonce stand in for state".to_owned())
        }
        outcome => outcome,
    },
};

/// As `refuses-sign-in`, where the target declares that it checks `iss`; otherwise told as a note.
pub const REFUSES_WHEN_ISSUER_IS_CHECKED: Check = Check {
    id: "refuses-when-issuer-is-checked",
    expects: "refusal, when the target declares that it checks `iss`",
    ask: |evidence| match (REFUSES_SIGN_IN.ask)(evidence) {
        Broken(_) if !evidence.target.checks_response_issuer => {
            HoldsWith("accepted; a client of one fixed issuer needs no defence against mix-up".to_owned())
        }
        outcome => outcome,
    },
};

/// Whatever a second response brings, the session stays whose it was, or ends.
pub const KEEPS_IDENTITY: Check = Check {
    id: "keeps-identity",
    expects: "the session stays whose it was, or ends",
    ask: |evidence| (REFUSES_SIGN_IN.ask)(evidence),
};

/// The first of two browsers was refused too.
pub const FIRST_BROWSER_REFUSED: Check = Check {
    id: "first-browser-refused",
    expects: "refusal in the first browser too",
    ask: |evidence| shows_nobody(evidence, "first"),
};

/// The victim's own sign-in survives the attack, or can be started again.
pub const OWN_FLOW_SURVIVES: Check = Check {
    id: "own-flow-survives",
    expects: "the victim's own sign-in can be completed, or started again",
    ask: |evidence| {
        let shown: Vec<&Shows> = ["own", "restarted"]
            .into_iter()
            .filter_map(|label| shows(evidence, label).ok())
            .collect();
        if shown.is_empty() {
            return CannotTell("the protected page was not asked after the attack".to_owned());
        }
        match shown.iter().any(|shows| **shows == Shows::Person("victim".to_owned())) {
            true => Holds,
            false => Broken(format!(
                "after the attack the protected page shows {}",
                shown
                    .iter()
                    .map(|shows| in_words(shows))
                    .collect::<Vec<_>>()
                    .join(", then ")
            )),
        }
    },
};

/// Nobody is signed in between an odd request and the real one.
pub const NOBODY_DURING: Check = Check {
    id: "nobody-during",
    expects: "nobody signed in by the request that is no navigation",
    ask: |evidence| shows_nobody(evidence, "during"),
};

/// The real navigation ends signed in.
pub const REAL_NAVIGATION_SIGNS_IN: Check = Check {
    id: "real-navigation-signs-in",
    expects: "the real navigation ends signed in",
    ask: |evidence| shows_user(evidence, AFTER, MAIN),
};

/// The real navigation ends on a page that is no error.
pub const REAL_NAVIGATION_IS_NO_ERROR: Check = Check {
    id: "real-navigation-is-no-error",
    expects: "the real navigation is not answered with an error",
    ask: |evidence| {
        let last = evidence
            .hops
            .iter()
            .rfind(|hop| hop.leg == Leg::Callback && hop.was_sent());
        match last {
            None => CannotTell("no response was delivered".to_owned()),
            Some(hop) => match hop.status() {
                Some(status) if status < 400 => Holds,
                Some(status) => Broken(format!("{} was answered with {status}", in_short(hop))),
                None => Broken(format!("{} got no answer", in_short(hop))),
            },
        }
    },
};

/// The next ordinary sign-in works.
pub const NEXT_SIGN_IN_WORKS: Check = Check {
    id: "next-sign-in-works",
    expects: "the next sign-in works",
    ask: |evidence| shows_user(evidence, "again", OTHER),
};

/// A user who was refused finds a way on.
pub const OFFERS_ANOTHER_TRY: Check = Check {
    id: "offers-another-try",
    expects: "a page with a link or a form, or a redirect",
    ask: |evidence| {
        let Some(hop) = last_answer(evidence, MAIN) else {
            return CannotTell("no response was delivered".to_owned());
        };
        let leads_on = hop.status().is_some_and(|status| (300..400).contains(&status));
        match leads_on || pages::has_way_on(hop) {
            true => Holds,
            false => Broken(format!("{} ends on a page without a link or form", in_short(hop))),
        }
    },
};

/// Errors at every attempt end somewhere.
pub const STOPS_RESTARTING: Check = Check {
    id: "stops-restarting",
    expects: "at most three new authorization requests, then a page",
    ask: |evidence| {
        let restarts = evidence
            .hops
            .iter()
            .filter(|hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback))
            .filter(|hop| {
                hop.header("location")
                    .is_some_and(|location| is_authorization_request(evidence, location))
            })
            .count();
        let looped = evidence.app_hops().find(|hop| {
            matches!(
                &hop.response,
                crate::evidence::Answer::Broken {
                    problem: crate::evidence::Problem::Loop,
                    ..
                }
            )
        });
        match (restarts, looped) {
            (_, Some(hop)) => Broken(format!("{} redirects without end", in_short(hop))),
            (count, None) if count > RESTART_LIMIT => {
                Broken(format!("{count} new authorization requests, one after each error"))
            }
            _ => Holds,
        }
    },
};

/// Who comes back signed in is not sent away to sign in again: the session cookie is there on the first page, although
/// another site began the navigation that leads to it.
pub const RETURN_ENDS_SIGNED_IN: Check = Check {
    id: "return-ends-signed-in",
    expects: "the way back ends in the app, without a new sign-in",
    ask: |evidence| {
        let of_main = |hop: &&Hop, leg: Leg| hop.leg == leg && hop.flow == Some(MAIN);
        let mut since = evidence.hops.iter().skip_while(|hop| !of_main(hop, Leg::Callback));
        if since.clone().next().is_none() {
            return CannotTell("no authorization response was delivered".to_owned());
        }
        if !since.clone().any(|hop| of_main(&hop, Leg::Idp) && !hop.was_sent()) {
            return Holds;
        }
        let strict = since.find_map(|hop| set_by(hop).find(|cookie| cookie.is_strict() && !cookie.is_deletion()));
        Broken(match strict {
            Some(cookie) => format!(
                "the app starts a new sign-in: `{}` is SameSite=Strict and is not sent with what another site began",
                cookie.name
            ),
            None => "the app starts a new sign-in".to_owned(),
        })
    },
};

/// A stranger's error does not end a session.
pub const SESSION_IS_UNTOUCHED: Check = Check {
    id: "session-is-untouched",
    expects: "the session from before goes on",
    ask: |evidence| match (shows(evidence, BEFORE), shows(evidence, AFTER)) {
        (Ok(Shows::Person(before)), Ok(Shows::Person(after))) if before == after => Holds,
        (Ok(Shows::Person(before)), Ok(after)) => Broken(format!(
            "before: the {before}; afterwards the protected page shows {}",
            in_words(after)
        )),
        (Ok(other), Ok(_)) => CannotTell(format!("before, the protected page shows {}", in_words(other))),
        (Err(why), _) | (_, Err(why)) => CannotTell(why),
    },
};

/// A stranger's error does not end another tab's sign-in.
pub const OTHER_TAB_COMPLETES: Check = Check {
    id: "other-tab-completes",
    expects: "the pending sign-in of another tab can be completed",
    ask: |evidence| match (never_began(evidence), completes(evidence, OTHER)) {
        (Some(why), _) => CannotTell(why),
        (None, None) => CannotTell("no second flow was begun".to_owned()),
        (None, Some(true)) => Holds,
        (None, Some(false)) => Broken("the pending sign-in of another tab was not completed".to_owned()),
    },
};

/// A response by the other response mode is either taken for what it is, or refused.
pub const TAKES_OR_REFUSES_POST: Check = Check {
    id: "takes-or-refuses-post",
    expects: "sign-in, or a refusal such as 405",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        match shows(evidence, AFTER) {
            Ok(Shows::Person(name)) if *name == flow.person => Holds,
            Ok(Shows::Nobody) => match super::sign_in::server_error(evidence) {
                Some(hop) => Broken(format!("{} ended in a server error", in_short(hop))),
                None => HoldsWith(match evidence.target.response_mode {
                    ResponseMode::Query => "refused; the app takes its responses by GET".to_owned(),
                    ResponseMode::FormPost => "refused; the app takes its responses by form post".to_owned(),
                }),
            },
            Ok(other) => Broken(format!("the protected page shows {}", in_words(other))),
            Err(why) => CannotTell(why),
        }
    },
};

/// When a parameter comes twice, what is used is what was checked.
pub const DUPLICATES_ARE_HARMLESS: Check = Check {
    id: "duplicates-are-harmless",
    expects: "refusal, or one token request with the right code",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        match shows(evidence, AFTER) {
            Ok(Shows::Nobody) => Holds,
            Ok(Shows::Person(name)) if *name == flow.person => {
                let response = flow.authorization_response.as_deref().map(query_of).unwrap_or_default();
                let response = parameters(response);
                let redemptions = redemptions_of(evidence, MAIN);
                let codes: Vec<Option<&str>> = redemptions.iter().map(|request| request.get("code")).collect();
                match codes.as_slice() {
                    [one] if *one == first(&response, "code") => Holds,
                    codes => Broken(format!("signed in after {} token requests for this code", codes.len())),
                }
            }
            Ok(other) => Broken(format!("the protected page shows {}", in_words(other))),
            Err(why) => CannotTell(why),
        }
    },
};

/// Of two copies always the same one counts.
pub const ONE_COPY_DECIDES: Check = Check {
    id: "one-copy-decides",
    expects: "not both orders accepted: one copy decides",
    ask: |evidence| {
        let signed_in = |label| match shows(evidence, label) {
            Ok(Shows::Nobody) => Ok(false),
            Ok(_) => Ok(true),
            Err(why) => Err(why),
        };
        match (signed_in("good-first"), signed_in("bad-first")) {
            (Ok(true), Ok(true)) => {
                Broken("accepted with the good state first and with the good state last: any copy will do".to_owned())
            }
            (Ok(_), Ok(_)) => Holds,
            (Err(why), _) | (_, Err(why)) => CannotTell(why),
        }
    },
};

/// What the user sees in the address bar at the end holds no code.
pub const FINAL_URL_IS_CLEAN: Check = Check {
    id: "final-url-is-clean",
    expects: "no code and no state in the URL of the page reached",
    ask: |evidence| {
        let Some(hop) = last_answer(evidence, MAIN) else {
            return CannotTell("no response was delivered".to_owned());
        };
        let response = evidence
            .flow(MAIN)
            .and_then(|flow| flow.authorization_response.as_deref());
        let response = parameters(response.map(query_of).unwrap_or_default());
        let now = parameters(query_of(&hop.url));
        let left = ["code", "state"].into_iter().find(|name| {
            let value = first(&response, name);
            value.is_some() && now.iter().any(|(_, kept)| Some(kept.as_str()) == value)
        });
        match left {
            Some(name) => Broken(format!("the {name} stands in the URL of {}", path_of(&hop.url))),
            None => Holds,
        }
    },
};

/// A page with the code in its address loads nothing from others.
pub const CALLBACK_LOADS_NOTHING_FOREIGN: Check = Check {
    id: "callback-loads-nothing-foreign",
    expects: "no third-party resource on a page of the redirection endpoint",
    ask: |evidence| {
        let mut pages = callback_hops(evidence, MAIN).peekable();
        if pages.peek().is_none() {
            return CannotTell("no response was delivered".to_owned());
        }
        let foreign = pages.find_map(|hop| Some((hop, pages::foreign_resource(hop, &evidence.target.app)?)));
        match foreign {
            Some((hop, resource)) => Broken(format!("{} loads {resource}", in_short(hop))),
            None => Holds,
        }
    },
};

/// Addresses are not told to others.
pub const REFERRER_POLICY_IS_SET: Check = Check {
    id: "referrer-policy-is-set",
    expects: "a Referrer-Policy on the page reached after the callback",
    ask: |evidence| {
        let Some(hop) = last_answer(evidence, MAIN) else {
            return CannotTell("no response was delivered".to_owned());
        };
        match hop.header("referrer-policy").is_some() || pages::has_meta_referrer(hop) {
            true => Holds,
            false => Broken(format!("{} has no Referrer-Policy", in_short(hop))),
        }
    },
};

/// Whether the browser's own sign-in of this slot ended with tokens and without an error page.
pub(crate) fn completes(evidence: &Evidence, slot: Slot) -> Option<bool> {
    let flow = evidence.flow(slot)?;
    let tokens = evidence
        .events_of(flow.id)
        .any(|event| matches!(event, Event::TokensIssued { .. }));
    let clean = last_answer(evidence, slot).is_some_and(|hop| hop.status().is_some_and(|status| status < 400));
    Some(tokens && clean)
}

/// Whether the probe of this label shows the person of this flow.
pub(crate) fn shows_user(evidence: &Evidence, label: &str, slot: Slot) -> Outcome {
    let Some(flow) = evidence.flow(slot) else {
        return no_flow();
    };
    match shows(evidence, label) {
        Ok(Shows::Person(name)) if *name == flow.person => Holds,
        Ok(other) => Broken(format!(
            "the protected page shows {}, wanted the {}",
            in_words(other),
            flow.person
        )),
        Err(why) => CannotTell(why),
    }
}

/// Whether the probe of this label shows nobody.
pub(crate) fn shows_nobody(evidence: &Evidence, label: &str) -> Outcome {
    match shows(evidence, label) {
        Ok(Shows::Nobody) => Holds,
        Ok(other) => Broken(format!("the protected page shows {}", in_words(other))),
        Err(why) => CannotTell(why),
    }
}

fn has_pkce_and_nonce(evidence: &Evidence, slot: Slot) -> bool {
    let request = evidence
        .flow(slot)
        .and_then(|flow| flow.authorization_request.as_deref());
    let params = parameters(request.map(query_of).unwrap_or_default());
    first(&params, "code_challenge_method") == Some("S256")
        && first(&params, "nonce").is_some_and(|nonce| !nonce.is_empty())
}

fn callback_hops(evidence: &Evidence, slot: Slot) -> impl Iterator<Item = &Hop> {
    evidence
        .hops
        .iter()
        .filter(move |hop| hop.leg == Leg::Callback && hop.flow == Some(slot) && hop.was_sent())
}

/// The last answer of the app to a delivered response: the page on which the user ends.
fn last_answer(evidence: &Evidence, slot: Slot) -> Option<&Hop> {
    evidence
        .hops
        .iter()
        .rfind(|hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback) && hop.flow == Some(slot) && hop.was_sent())
}
