//! The key set: how often it is fetched, and whether a new key is found.

use mock_idp::flow::{
    record::{Endpoint, Event, Record, Stamp},
    scenario::FlowId,
};

use super::{Check, no_flow, requests::at_most};
use crate::{
    evidence::{Evidence, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds},
    script::{AFTER, MAIN, OTHER, Slot, THIRD},
};

/// Label of the probe while the key set is out of order.
pub const DURING: &str = "during";

/// A token of the new key is accepted; unless the app has just fetched the keys and waits before it asks again.
pub const ACCEPTS_NEW_KEY: Check = Check {
    id: "accepts-new-key",
    expects: "sign-in with a token of the new key",
    ask: |evidence| accepted_after_cool_down(evidence, MAIN),
};

/// The key set was fetched again for the new key.
pub const KEYS_FETCHED_AGAIN: Check = Check {
    id: "keys-fetched-again",
    expects: "a new fetch of the key set after the rotation",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        let Some(issued) = issued_at(evidence, flow.id) else {
            return CannotTell("no token of the new key was issued".to_owned());
        };
        if fetches(evidence).any(|at| at >= issued) {
            return Holds;
        }
        // An app that fetches the keys at every sign-in may have done so shortly before.
        let started = evidence
            .hops
            .iter()
            .find(|hop| hop.flow == Some(MAIN))
            .map(|hop| hop.at);
        match started {
            Some(started) if fetches(evidence).any(|at| at >= started) => Holds,
            _ => Broken("the key set was not fetched again, although the token names a new key".to_owned()),
        }
    },
};

/// A kid that is never found costs a few fetches, not one after the other.
pub const FEW_FETCHES: Check = Check {
    id: "few-fetches",
    expects: "at most five fetches of the key set for one sign-in",
    ask: |evidence| at_most(fetches(evidence).count(), 5, "fetches of the key set for one sign-in"),
};

/// A hundred unknown kids do not become a hundred fetches.
pub const FETCHES_STAY_BOUNDED: Check = Check {
    id: "fetches-stay-bounded",
    expects: "beside the first one at most 20 fetches of the key set within 10 s",
    ask: |evidence| {
        const LIMIT: usize = 20;
        // The first fetch is that of an app without keys: no unknown kid asked for it.
        let fetches: Vec<Stamp> = fetches(evidence).skip(1).collect();
        let tokens: Vec<Stamp> = issues(evidence).map(|(_, at)| at).collect();
        let most = within_ten_seconds(&tokens);
        // Whoever fetches for each token fetches no more often than tokens come.
        let is_for_each = fetches.len() * 2 > tokens.len();
        if most > 0 && most <= LIMIT + 1 && is_for_each {
            return CannotTell(format!(
                "no more than {most} tokens came within 10 s, and most of them made the app fetch the keys: too few to tell \
                 whether it limits that"
            ));
        }
        at_most(
            within_ten_seconds(&fetches),
            LIMIT,
            "fetches of the key set within 10 s",
        )
    },
};

/// The most of these moments that lie within ten seconds.
fn within_ten_seconds(moments: &[Stamp]) -> usize {
    let from = |start: &Stamp| {
        let window = start.0..start.0 + 10_000_000;
        moments.iter().filter(|at| window.contains(&at.0)).count()
    };
    moments.iter().map(from).max().unwrap_or(0)
}

/// A good sign-in works after all of them.
pub const GOOD_SIGN_IN_WORKS: Check = Check {
    id: "good-sign-in-works",
    expects: "an honest sign-in afterwards works",
    ask: |evidence| accepted(evidence, OTHER, AFTER),
};

/// Without keys nobody gets in.
pub const REFUSED_WITHOUT_KEYS: Check = Check {
    id: "refused-without-keys",
    expects: "refusal while there are no keys to verify with",
    ask: |evidence| match evidence.probe(DURING).map(|probe| &probe.shows) {
        Some(Shows::Nobody) => Holds,
        Some(Shows::Unclear(what)) => CannotTell(format!("the protected page fits neither pattern: {what}")),
        Some(_) => Broken("somebody is signed in although no key could be fetched".to_owned()),
        None => CannotTell("the protected page was not asked".to_owned()),
    },
};

/// Once the keys are back, people can sign in without a restart.
pub const WORKS_WITH_KEYS_AGAIN: Check = Check {
    id: "works-with-keys-again",
    expects: "sign-in once the key set is back, without a restart",
    ask: |evidence| accepted_after_cool_down(evidence, THIRD),
};

/// Thirty people at once do not fetch the keys more than thirty times.
pub const NO_STAMPEDE: Check = Check {
    id: "no-stampede",
    expects: "at most one fetch of the key set for each of the thirty",
    ask: |evidence| {
        at_most(
            fetches(evidence).count(),
            30,
            "fetches of the key set for thirty sign-ins",
        )
    },
};

/// One fetch would have been enough.
pub const ONE_FETCH: Check = Check {
    id: "one-fetch",
    expects: "one fetch of the key set, shared by all that wait",
    ask: |evidence| {
        at_most(
            fetches(evidence).count(),
            1,
            "fetches of the key set for thirty sign-ins",
        )
    },
};

fn accepted(evidence: &Evidence, slot: Slot, label: &str) -> Outcome {
    let Some(flow) = evidence.flow(slot) else {
        return no_flow();
    };
    match evidence.probe(label).map(|probe| &probe.shows) {
        Some(Shows::Person(name)) if *name == flow.person => Holds,
        Some(Shows::Unclear(what)) => CannotTell(format!("the protected page fits neither pattern: {what}")),
        Some(Shows::Nobody) => Broken("the protected page shows nobody, wanted sign-in".to_owned()),
        Some(other) => Broken(format!(
            "the protected page shows {other:?}, wanted the {}",
            flow.person
        )),
        None => CannotTell("the protected page was not asked".to_owned()),
    }
}

/// A refusal shortly after a fetch says nothing: many libraries wait before they ask for keys again.
fn accepted_after_cool_down(evidence: &Evidence, slot: Slot) -> Outcome {
    let outcome = accepted(evidence, slot, AFTER);
    let (Broken(_), Some(flow)) = (&outcome, evidence.flow(slot)) else {
        return outcome;
    };
    let Some(issued) = issued_at(evidence, flow.id) else {
        return outcome;
    };
    let last = fetches(evidence).filter(|at| *at < issued).last();
    let since = last.map(|at| (issued.0 - at.0) / 1_000_000);
    let fetched_again = fetches(evidence).any(|at| at >= issued);
    match since {
        Some(seconds) if !fetched_again && seconds < evidence.target.cool_down => CannotTell(format!(
            "the app had fetched the key set {seconds} s before and may wait {} s until it asks again",
            evidence.target.cool_down
        )),
        _ => outcome,
    }
}

fn issued_at(evidence: &Evidence, flow: FlowId) -> Option<Stamp> {
    issues(evidence).find(|(of, _)| *of == Some(flow)).map(|(_, at)| at)
}

/// When tokens were issued, and in which flow.
fn issues(evidence: &Evidence) -> impl Iterator<Item = (Option<FlowId>, Stamp)> {
    let issued = |record: &&Record| matches!(record.event, Event::TokensIssued { .. });
    evidence
        .records
        .iter()
        .filter(issued)
        .map(|record| (record.flow, record.at))
}

fn fetches(evidence: &Evidence) -> impl Iterator<Item = Stamp> {
    evidence.received(Endpoint::Jwks).map(|(record, _)| record.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{evidence, probed, received, recorded, request};

    fn fetched(evidence: Evidence) -> Evidence {
        received(evidence, Endpoint::Jwks, request("GET", "/keys", &[], ""))
    }

    fn issued(evidence: Evidence) -> Evidence {
        recorded(
            evidence,
            Event::TokensIssued {
                access_token: "a".to_owned(),
                id_token: None,
                refresh_token: None,
            },
        )
    }

    fn shown(evidence: Evidence, shows: Shows) -> Evidence {
        probed(evidence, AFTER, "user", "", shows)
    }

    #[test]
    fn a_refusal_within_the_cool_down_tells_nothing() {
        let user = || Shows::Person("user".to_owned());
        let again = fetched(issued(fetched(evidence(&[]))));
        assert_eq!((ACCEPTS_NEW_KEY.ask)(&shown(again.clone(), user())), Holds);
        assert_eq!((KEYS_FETCHED_AGAIN.ask)(&shown(again.clone(), user())), Holds);
        assert!(matches!((ACCEPTS_NEW_KEY.ask)(&shown(again, Shows::Nobody)), Broken(_)));
        let waiting = shown(issued(fetched(evidence(&[]))), Shows::Nobody);
        assert!(matches!((ACCEPTS_NEW_KEY.ask)(&waiting), CannotTell(_)));
        assert!(matches!(
            (KEYS_FETCHED_AGAIN.ask)(&issued(fetched(evidence(&[])))),
            Broken(_)
        ));
        let mut patient = waiting;
        patient.target.cool_down = 0;
        assert!(matches!((ACCEPTS_NEW_KEY.ask)(&patient), Broken(_)));
    }

    #[test]
    fn fetches_are_counted_within_ten_seconds() {
        let many = |count| (0..count).fold(evidence(&[]), |all, _| fetched(all));
        assert_eq!(
            (FETCHES_STAY_BOUNDED.ask)(&many(21)),
            Holds,
            "the first one is everybody's"
        );
        assert!(matches!((FETCHES_STAY_BOUNDED.ask)(&many(22)), Broken(_)));
        assert_eq!((FEW_FETCHES.ask)(&many(5)), Holds);
        assert!(matches!((FEW_FETCHES.ask)(&many(6)), Broken(_)));
        assert_eq!((NO_STAMPEDE.ask)(&many(30)), Holds);
        assert!(matches!((NO_STAMPEDE.ask)(&many(31)), Broken(_)));
        assert_eq!((ONE_FETCH.ask)(&many(1)), Holds);
        assert!(matches!((ONE_FETCH.ask)(&many(2)), Broken(_)));
        // A fetch each second never makes more than ten in ten seconds.
        let mut slow = many(100);
        for (second, record) in slow.records.iter_mut().enumerate() {
            record.at = Stamp(second as u64 * 1_000_000);
        }
        assert_eq!((FETCHES_STAY_BOUNDED.ask)(&slow), Holds);
    }

    #[test]
    fn an_app_that_fetches_for_each_of_few_tokens_is_not_seen_to_limit_that() {
        let came = |tokens: usize, fetches_per_ten: usize| {
            let mut all = fetched(evidence(&[]));
            for token in 0..tokens {
                all = issued(all);
                if token % 10 < fetches_per_ten {
                    all = fetched(all);
                }
            }
            all
        };
        let at_each_second = |mut all: Evidence| {
            for (second, record) in all.records.iter_mut().enumerate() {
                record.at = Stamp(second as u64 * 1_000_000);
            }
            (FETCHES_STAY_BOUNDED.ask)(&all)
        };
        // Five tokens came before a lockout; and a hundred came one by one, at a pace.
        assert!(matches!((FETCHES_STAY_BOUNDED.ask)(&came(5, 10)), CannotTell(_)));
        assert!(matches!(at_each_second(came(100, 10)), CannotTell(_)));
        // A few fetches for all of them are a limit, however slowly they came.
        assert_eq!(at_each_second(came(100, 1)), Holds);
        assert!(matches!((FETCHES_STAY_BOUNDED.ask)(&came(100, 10)), Broken(_)));
    }

    #[test]
    fn signing_in_without_keys_is_broken() {
        let during = |shows| probed(evidence(&[]), DURING, "user", "", shows);
        assert_eq!((REFUSED_WITHOUT_KEYS.ask)(&during(Shows::Nobody)), Holds);
        assert!(matches!(
            (REFUSED_WITHOUT_KEYS.ask)(&during(Shows::Nameless)),
            Broken(_)
        ));
        assert!(matches!((REFUSED_WITHOUT_KEYS.ask)(&evidence(&[])), CannotTell(_)));
    }
}
