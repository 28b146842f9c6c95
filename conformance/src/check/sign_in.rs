//! The three questions that most cases ask: was the user refused, was he signed in, did the app stay clean.

use mock_idp::flow::record::{Endpoint, Event};

use super::Check;
use crate::{
    evidence::{Evidence, Hop, Person, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds},
    script::{AFTER, BEFORE, MAIN},
};

/// REJ: the protected page shows nobody, or whoever was signed in before; no stranger's data on any page.
pub const REFUSES_SIGN_IN: Check = Check {
    id: "refuses-sign-in",
    expects: "refusal; the protected page shows nobody",
    ask: |evidence| match after(evidence) {
        Ok(Shows::Nobody) => no_stranger(evidence),
        Ok(Shows::Person(name)) if before(evidence).is_some_and(|earlier| earlier == name) => no_stranger(evidence),
        Ok(shows) => shown(shows, "refusal"),
        Err(why) => CannotTell(why),
    },
};

/// ACC: the protected page shows the person of the main flow, after exactly one token request and without a server error.
pub const SIGNS_IN_AS_USER: Check = Check {
    id: "signs-in-as-user",
    expects: "sign-in; the protected page shows the user",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return CannotTell("no flow was begun".to_owned());
        };
        match after(evidence) {
            Ok(Shows::Person(name)) if *name == flow.person => {}
            Ok(shows) => return shown(shows, "sign-in"),
            Err(why) => {
                return match probed(evidence).filter(|hop| hop.is_server_error()) {
                    Some(hop) => Broken(server_error(hop)),
                    None => CannotTell(why),
                };
            }
        }
        let requests = token_requests(evidence, flow.id);
        if requests != 1 {
            return Broken(format!("{requests} token requests for one callback"));
        }
        match evidence.app_hops().find(|hop| hop.is_server_error()) {
            Some(hop) => Broken(server_error(hop)),
            None => no_stranger(evidence),
        }
    },
};

/// CLEAN: no server error, no broken connection, no silence.
pub const STAYS_CLEAN: Check = Check {
    id: "stays-clean",
    expects: "no server error, no hang, no broken connection",
    ask: |evidence| match evidence.app_hops().find(|hop| hop.is_server_error()) {
        Some(hop) => Broken(server_error(hop)),
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
        let Some(flow) = evidence.flow(MAIN) else {
            return CannotTell("no flow was begun".to_owned());
        };
        match after(evidence) {
            Ok(Shows::Nobody) => no_stranger(evidence),
            Ok(Shows::Person(name)) if *name == flow.person => no_stranger(evidence),
            Ok(shows) => shown(shows, "the user himself or nobody"),
            Err(why) => CannotTell(why),
        }
    },
};

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

/// Broken when a page shows a canary of somebody whose browser it is not.
fn no_stranger(evidence: &Evidence) -> Outcome {
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
            if let Some(canary) = person
                .canaries()
                .find(|canary| body.contains(canary) && !sent.contains(canary))
            {
                return Broken(format!(
                    "{} shows `{canary}`, which belongs to the {}",
                    hop.url, person.name
                ));
            }
        }
    }
    Holds
}

/// A server error in words.
fn server_error(hop: &Hop) -> String {
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
