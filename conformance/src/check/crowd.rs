//! Questions to many sign-ins at once: is everybody himself, and nobody else?

use mock_idp::flow::record::{Event, Record};

use super::{Check, facts::in_words, sign_in::SHOWS_NO_STRANGER};
use crate::{
    evidence::{Evidence, Flow, Leg, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
};

/// The label under which every member of a crowd asks who is signed in.
pub const CROWD: &str = "crowd";

/// Everybody is signed in as himself.
pub const EACH_AS_ITSELF: Check = Check {
    id: "each-as-itself",
    expects: "every user signed in as himself, nobody's data on anybody else's page",
    ask: |evidence| each_member(evidence, |flow, shows| right_for(flow, shows, true)),
};

/// Exactly the good sign-ins worked.
pub const EXACTLY_THE_GOOD_ONES: Check = Check {
    id: "exactly-the-good-ones",
    expects: "the good sign-ins signed in, the bad ones refused",
    ask: |evidence| each_member(evidence, |flow, shows| right_for(flow, shows, is_good(flow))),
};

/// None of the bad sign-ins worked, and nobody got somebody else's session.
pub const BAD_ONES_REFUSED: Check = Check {
    id: "bad-ones-refused",
    expects: "the bad sign-ins refused, nobody signed in as somebody else",
    ask: |evidence| {
        each_member(evidence, |flow, shows| match shows {
            Shows::Nobody => Ok(()),
            Shows::Person(name) if *name == flow.person && is_good(flow) => Ok(()),
            other => Err(format!(
                "{}: the protected page shows {}, wanted {}",
                flow.person,
                in_words(other),
                if is_good(flow) { "himself or nobody" } else { "nobody" }
            )),
        })
    },
};

/// Nobody is ever signed in as somebody else.
pub const NOBODY_AS_ANOTHER: Check = Check {
    id: "nobody-as-another",
    expects: "nobody signed in as somebody else",
    ask: |evidence| {
        each_member(evidence, |flow, shows| match shows {
            Shows::Person(name) if *name != flow.person => Err(format!("{} is signed in as the {name}", flow.person)),
            Shows::Several(_) => Err(format!("{} sees {}", flow.person, in_words(shows))),
            _ => Ok(()),
        })
    },
};

/// While one reply is held, everybody else is served.
pub const OTHERS_DO_NOT_WAIT: Check = Check {
    id: "others-do-not-wait",
    expects: "everybody else signed in while one user's reply is held",
    ask: |evidence| {
        let released = |record: &&Record| matches!(record.event, Event::Released { .. });
        let Some(at) = evidence.records.iter().find(released).map(|record| record.at) else {
            return CannotTell("no reply was held".to_owned());
        };
        let is_held = |flow: &Flow| {
            evidence
                .records
                .iter()
                .filter(released)
                .any(|record| record.flow == Some(flow.id))
        };
        let late = evidence.flows.iter().filter(|flow| !is_held(flow)).find(|flow| {
            let last = evidence
                .hops
                .iter()
                .rfind(|hop| hop.flow == Some(flow.slot) && matches!(hop.leg, Leg::Callback | Leg::AfterCallback));
            last.is_some_and(|hop| hop.done > at)
        });
        match late {
            Some(flow) => Broken(format!(
                "{} had to wait until another user's reply was released",
                flow.person
            )),
            None => Holds,
        }
    },
};

/// While the authorization server lets the faulty ones wait, everybody else is served.
pub const OTHERS_ARE_SERVED_MEANWHILE: Check = Check {
    id: "others-are-served-meanwhile",
    expects: "everybody else done before the sign-in that waits is given up",
    ask: |evidence| {
        let done = |flow: &Flow| {
            let hops = evidence.hops.iter().filter(|hop| hop.flow == Some(flow.slot));
            hops.filter(|hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback))
                .map(|hop| hop.done)
                .max()
        };
        let (good, faulty): (Vec<&Flow>, Vec<&Flow>) = evidence.flows.iter().partition(|flow| is_good(flow));
        let Some(given_up) = faulty.iter().filter_map(|flow| done(flow)).min() else {
            return CannotTell("nobody had to wait".to_owned());
        };
        match good.iter().find(|flow| done(flow) > Some(given_up)) {
            Some(flow) => Broken(format!(
                "{} had to wait until another sign-in was given up",
                flow.person
            )),
            None => Holds,
        }
    },
};

/// Asks every member of the crowd what the protected page showed. Whom the app turned away because too many came at once says
/// nothing: how many it serves is its own affair, as long as it says so.
fn each_member(evidence: &Evidence, ask: impl Fn(&Flow, &Shows) -> Result<(), String>) -> Outcome {
    let mut asked = 0usize;
    let mut turned_away = 0usize;
    let mut unclear = None;
    for probe in evidence.probes.iter().filter(|probe| probe.label == CROWD) {
        let flow = evidence.flows.iter().rfind(|flow| flow.browser == probe.who);
        let Some(flow) = flow else { continue };
        if matches!(probe.shows, Shows::Nobody | Shows::Unclear(_)) && was_turned_away(evidence, flow) {
            turned_away += 1;
            continue;
        }
        asked += 1;
        if let Shows::Unclear(what) = &probe.shows {
            unclear.get_or_insert_with(|| format!("{}: {what}", flow.person));
            continue;
        }
        if let Err(saw) = ask(flow, &probe.shows) {
            return Broken(saw);
        }
    }
    if let Broken(saw) = (SHOWS_NO_STRANGER.ask)(evidence) {
        return Broken(saw);
    }
    match (asked, unclear) {
        (0 | 1, _) if turned_away > 0 => CannotTell(format!(
            "{turned_away} of {} were turned away: the app limits how many requests it answers at once",
            turned_away + asked
        )),
        (0, _) => CannotTell("no crowd signed in".to_owned()),
        (_, Some(what)) => CannotTell(what),
        (trials, None) if turned_away > 0 => HoldsWith(format!(
            "not seen in {trials} sign-ins; {turned_away} more were turned away with 429 or 503"
        )),
        (trials, None) => HoldsWith(format!("not seen in {trials} sign-ins")),
    }
}

/// Whether the app answered one of a member's requests with its limit.
fn was_turned_away(evidence: &Evidence, flow: &Flow) -> bool {
    let own = evidence.app_hops().filter(|hop| hop.who == flow.browser);
    own.into_iter().any(|hop| hop.is_of_a_crowd() && hop.is_limit())
}

/// Whether nothing is wrong with a sign-in.
fn is_good(flow: &Flow) -> bool {
    flow.faults.iter().all(|fault| fault.is_twin())
}

fn right_for(flow: &Flow, shows: &Shows, good: bool) -> Result<(), String> {
    match shows {
        Shows::Person(name) if good && *name == flow.person => Ok(()),
        Shows::Nobody if !good => Ok(()),
        other => Err(format!(
            "{}: the protected page shows {}, wanted {}",
            flow.person,
            in_words(other),
            if good { "himself" } else { "nobody" }
        )),
    }
}
