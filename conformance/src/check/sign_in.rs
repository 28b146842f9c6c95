//! The three questions that most cases ask: was the user refused, was he signed in, did the app stay clean.

use mock_idp::flow::record::{Endpoint, Event};

use super::{
    Check,
    facts::{is_own_server_error, never_began, upstream_failed},
    no_flow,
};
use crate::{
    evidence::{Evidence, Hop, Leg, Person, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, BEFORE, MAIN},
    text::holds,
};

/// REJ: the protected page shows nobody, or whoever was signed in before; no stranger's data on any page.
pub const REFUSES_SIGN_IN: Check = Check {
    id: "refuses-sign-in",
    expects: "refusal; the protected page shows nobody",
    ask: |evidence| {
        if let Some(saw) = evidence.failed_start() {
            return HoldsWith(saw);
        }
        match after(evidence) {
            Ok(Shows::Nobody) => refused(evidence),
            Ok(Shows::Person(name)) if before(evidence).is_some_and(|earlier| earlier == name) => refused(evidence),
            Ok(shows) => shown(shows, "refusal"),
            Err(why) => CannotTell(why),
        }
    },
};

/// ACC: the protected page shows the person of the main flow, after exactly one token request and without a server error.
pub const SIGNS_IN_AS_USER: Check = Check {
    id: "signs-in-as-user",
    expects: "sign-in; the protected page shows the user",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        match after(evidence) {
            Ok(Shows::Person(name)) if *name == flow.person => {}
            Ok(shows) => return shown(shows, "sign-in"),
            Err(why) => {
                return match probed(evidence).filter(|hop| hop.is_server_error()) {
                    Some(hop) => Broken(in_words(hop)),
                    None => CannotTell(why),
                };
            }
        }
        let requests = token_requests(evidence, flow.id);
        if requests != 1 {
            return Broken(format!("{requests} token requests for one callback"));
        }
        // What the app answered in other flows of the walk, while the authorization server was down for instance, is no
        // part of this sign-in.
        let of_flow = |hop: &&Hop| hop.flow == Some(MAIN) && hop.is_server_error();
        match evidence.app_hops().find(of_flow) {
            Some(hop) => Broken(in_words(hop)),
            None => no_stranger(evidence),
        }
    },
};

/// CLEAN: no server error, no broken connection, no silence. 502, 503 and 504 say whose fault it was, and are right
/// answers to a fault of the authorization server (RFC 9110 §15.6.3).
pub const STAYS_CLEAN: Check = Check {
    id: "stays-clean",
    expects: "no server error, no hang, no broken connection (502, 503 or 504 for a failing authorization server is fine)",
    ask: |evidence| match server_error(evidence) {
        Some(hop) => Broken(in_words(hop)),
        None => Holds,
    },
};

/// Whatever happens, nobody else's data is shown to a browser.
pub const SHOWS_NO_STRANGER: Check = Check {
    id: "shows-no-stranger",
    expects: "no page shows data of anybody but the browser's own user",
    ask: no_stranger,
};

/// Signed in as the user or not at all; never as anybody else.
pub const NEVER_AS_SOMEBODY_ELSE: Check = Check {
    id: "never-as-somebody-else",
    expects: "the user himself, or nobody",
    ask: |evidence| {
        if let Some(saw) = evidence.failed_start() {
            return HoldsWith(saw);
        }
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        match after(evidence) {
            Ok(Shows::Nobody) => refused(evidence),
            Ok(Shows::Person(name)) if *name == flow.person => no_stranger(evidence),
            Ok(shows) => shown(shows, "the user himself or nobody"),
            Err(why) => CannotTell(why),
        }
    },
};

/// The first answer of the app that is a server error of its own making, or no answer at all.
#[must_use]
pub fn server_error(evidence: &Evidence) -> Option<&Hop> {
    let upstream_failed = upstream_failed(evidence);
    evidence
        .app_hops()
        // How many people at once an app serves is its own affair, as long as it says so.
        .filter(|hop| !(hop.is_of_a_crowd() && hop.is_limit()))
        .find(|hop| is_own_server_error(hop, upstream_failed))
}

/// Nobody is signed in, which is a refusal if there was something to refuse.
fn refused(evidence: &Evidence) -> Outcome {
    match never_began(evidence) {
        Some(why) => CannotTell(why),
        None => no_stranger(evidence),
    }
}

/// How many token requests were bound to this flow.
#[must_use]
pub fn token_requests(evidence: &Evidence, flow: mock_idp::flow::scenario::FlowId) -> usize {
    let asked = |event: &&Event| {
        matches!(
            event,
            Event::Received {
                endpoint: Endpoint::Token,
                ..
            }
        )
    };
    evidence.events_of(flow).filter(asked).count()
}

/// What the probe labelled `after` shows.
fn after(evidence: &Evidence) -> Result<&Shows, String> {
    let probe = evidence.probe(AFTER).ok_or("the protected page was not asked")?;
    match &probe.shows {
        Shows::Unclear(what) => Err(format!("the protected page fits neither pattern: {what}")),
        shows => Ok(shows),
    }
}

/// The request behind the probe labelled `after`.
fn probed(evidence: &Evidence) -> Option<&Hop> {
    evidence.hops.get(evidence.probe(AFTER)?.hop)
}

/// Whom the probe labelled `before` showed.
fn before(evidence: &Evidence) -> Option<&String> {
    match &evidence.probe(BEFORE)?.shows {
        Shows::Person(name) => Some(name),
        _ => None,
    }
}

/// A finding in words.
fn shown(shows: &Shows, wanted: &str) -> Outcome {
    Broken(match shows {
        Shows::Nobody => format!("the protected page shows nobody, wanted {wanted}"),
        Shows::Person(name) => format!("the protected page shows the {name}, wanted {wanted}"),
        Shows::Several(names) => format!("the protected page shows {} at once", names.join(" and ")),
        Shows::Nameless => {
            format!("signed in, observed: nobody (a page for signed-in users without a name), wanted {wanted}")
        }
        Shows::Unclear(what) => what.clone(),
    })
}

/// Broken when a page shows a canary of somebody whose browser it is not. An error page that repeats what the forged message
/// said tells its reader nothing that was not in his own message: a note.
fn no_stranger(evidence: &Evidence) -> Outcome {
    let mut repeated = None;
    for hop in evidence.app_hops() {
        let body = hop.shown();
        if body.is_empty() {
            continue;
        }
        let signed_in_here = |person: &&Person| {
            person.name == hop.who
                || evidence
                    .flows
                    .iter()
                    .any(|flow| flow.person == person.name && flow.browser == hop.who)
        };
        let sent = format!("{}{}", hop.request.target, hop.request.body);
        for person in evidence.people.iter().filter(|person| !signed_in_here(person)) {
            let mut shown = person
                .canaries()
                .filter(|canary| holds(body, canary) && !sent.contains(canary));
            let Some(canary) = shown.next() else { continue };
            if is_error_message(hop) && canary == person.persona.sub && shown.next().is_none() {
                repeated.get_or_insert_with(|| {
                    format!(
                        "the error page of {} repeats the `sub` of the forged message",
                        path_of(&hop.url)
                    )
                });
                continue;
            }
            return Broken(format!(
                "{} shows `{canary}`, which belongs to the {}",
                hop.url, person.name
            ));
        }
    }
    repeated.map_or(Holds, HoldsWith)
}

/// Whether an answer can be the message of a refused sign-in.
fn is_error_message(hop: &Hop) -> bool {
    matches!(hop.leg, Leg::Callback | Leg::AfterCallback)
}

/// A server error in words.
fn in_words(hop: &Hop) -> String {
    match hop.status() {
        Some(status) => format!(
            "{} {} was answered with {status}",
            hop.request.method,
            path_of(&hop.url)
        ),
        None => format!(
            "{} {} got no answer: {}",
            hop.request.method,
            path_of(&hop.url),
            hop.response.problem_text()
        ),
    }
}

/// The path of a URL, for findings: queries hold codes and states.
fn path_of(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
