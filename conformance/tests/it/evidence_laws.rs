//! Laws of judging that hold for any evidence: no judgement panics, and nothing that is added in the way of faults turns a
//! fail into a pass.

use conformance::{
    case::{Case, Variant},
    catalog,
    evidence::{Answer, Evidence, Leg, Problem, Shows},
    outcome::Verdict,
    target::Profile,
    verdict::{self, Afterwards, Control, Controls, Judgement, judge_all},
};
use mock_idp::{
    Fault,
    flow::{
        record::{Endpoint, Event, Record, Request, Stamp},
        scenario::FlowId,
    },
};
use proptest::prelude::*;

use crate::made;

/// One thing that is wrong, missing, doubled or out of order in what a walk left behind.
#[derive(Clone, Debug)]
enum Dent {
    DropHop(usize),
    DropRecord(usize),
    SwapRecords(usize, usize),
    Status(usize, u16),
    Body(usize, String),
    Header(usize, String, String),
    Breaks(usize),
    Target(usize, String),
    Show(usize, u8),
    Sends(usize),
    Asks(u8, String),
    Unanswered,
    NobodyKnown,
    Obstacle(String),
}

fn dent() -> impl Strategy<Value = Dent> {
    let text = "[ -~äöü\u{0}\u{202e}%&=;,\\r\\n]{0,60}";
    prop_oneof![
        any::<usize>().prop_map(Dent::DropHop),
        any::<usize>().prop_map(Dent::DropRecord),
        any::<(usize, usize)>().prop_map(|(one, other)| Dent::SwapRecords(one, other)),
        (any::<usize>(), 0_u16..1000).prop_map(|(at, status)| Dent::Status(at, status)),
        (any::<usize>(), text).prop_map(|(at, body)| Dent::Body(at, body)),
        (
            any::<usize>(),
            "location|set-cookie|cache-control|content-type|date",
            text
        )
            .prop_map(|(at, name, value)| Dent::Header(at, name, value)),
        any::<usize>().prop_map(Dent::Breaks),
        (any::<usize>(), text).prop_map(|(at, target)| Dent::Target(at, target)),
        (any::<usize>(), 0_u8..6).prop_map(|(at, shows)| Dent::Show(at, shows)),
        any::<usize>().prop_map(Dent::Sends),
        (0_u8..6, text).prop_map(|(endpoint, body)| Dent::Asks(endpoint, body)),
        Just(Dent::Unanswered),
        Just(Dent::NobodyKnown),
        text.prop_map(Dent::Obstacle),
    ]
}

fn at<T>(list: &mut [T], index: usize) -> Option<&mut T> {
    let count = list.len();
    list.get_mut(index.checked_rem(count)?)
}

fn apply(evidence: &mut Evidence, dent: Dent) {
    match dent {
        Dent::DropHop(index) if !evidence.hops.is_empty() => {
            let index = index % evidence.hops.len();
            evidence.hops.remove(index);
            evidence.probes.retain(|probe| probe.hop < evidence.hops.len());
        }
        Dent::DropRecord(index) if !evidence.records.is_empty() => {
            let index = index % evidence.records.len();
            evidence.records.remove(index);
        }
        Dent::SwapRecords(one, other) if !evidence.records.is_empty() => {
            let count = evidence.records.len();
            evidence.records.swap(one % count, other % count);
        }
        Dent::Status(index, code) => {
            if let Some(Answer::Http { status, .. }) = at(&mut evidence.hops, index).map(|hop| &mut hop.response) {
                *status = code;
            }
        }
        Dent::Body(index, text) => {
            if let Some(Answer::Http { body, .. }) = at(&mut evidence.hops, index).map(|hop| &mut hop.response) {
                *body = text;
            }
        }
        Dent::Header(index, name, value) => {
            if let Some(Answer::Http { headers, .. }) = at(&mut evidence.hops, index).map(|hop| &mut hop.response) {
                headers.push((name, value));
            }
        }
        Dent::Breaks(index) => {
            if let Some(hop) = at(&mut evidence.hops, index) {
                hop.response = Answer::Broken {
                    problem: Problem::Closed,
                    text: "gone".to_owned(),
                };
            }
        }
        Dent::Target(index, text) => {
            if let Some(hop) = at(&mut evidence.hops, index) {
                hop.unedited = Some(Box::new(hop.request.clone()));
                hop.url = format!("http://localhost:3000/{text}");
                hop.request.target = text;
            }
        }
        Dent::Show(index, shows) => {
            if let Some(probe) = at(&mut evidence.probes, index) {
                probe.shows = match shows {
                    0 => Shows::Nobody,
                    1 => Shows::Person("user".to_owned()),
                    2 => Shows::Person("victim".to_owned()),
                    3 => Shows::Several(vec!["user".to_owned(), "victim".to_owned()]),
                    4 => Shows::Nameless,
                    _ => Shows::Unclear("odd".to_owned()),
                };
            }
        }
        Dent::Sends(index) => evidence.records.push(sent(fault(index))),
        Dent::Asks(endpoint, body) => {
            let endpoint = [
                Endpoint::Authorize,
                Endpoint::Token,
                Endpoint::Userinfo,
                Endpoint::Jwks,
                Endpoint::Metadata,
                Endpoint::SecondOrigin,
            ][usize::from(endpoint)];
            let request = Request {
                method: "POST".to_owned(),
                target: format!("/{body}"),
                body,
                ..Request::default()
            };
            evidence.records.push(record(Event::Received {
                exchange: 9,
                endpoint,
                request,
            }));
        }
        Dent::Unanswered => evidence
            .flows
            .iter_mut()
            .for_each(|flow| flow.authorization_response = None),
        Dent::NobodyKnown => evidence.people.clear(),
        Dent::Obstacle(text) => evidence.obstacles.push(text),
        Dent::DropHop(_) | Dent::DropRecord(_) | Dent::SwapRecords(..) => {}
    }
}

fn fault(index: usize) -> Fault {
    let all: Vec<Fault> = Fault::all().collect();
    all[index % all.len()]
}

fn record(event: Event) -> Record {
    Record {
        at: Stamp(1_790_000_000_000_500),
        flow: Some(FlowId(1)),
        server: "default".to_owned(),
        event,
    }
}

/// A hook wrote something else than the valid value.
fn sent(fault: Fault) -> Record {
    record(Event::Sent {
        fault,
        message: fault.message(),
        twin: "valid".to_owned(),
        bytes: "forged".to_owned(),
    })
}

fn judge(case: &Case, variant: &Variant, profile: Profile, evidence: &Evidence) -> Judgement {
    verdict::judge(case, variant, profile, evidence, &good())
}

/// Controls that worked.
fn good() -> Controls {
    Controls {
        before: Control::Worked("flow 1".to_owned()),
        twin: Control::NotNeeded,
        after: Afterwards::Worked("flow 9".to_owned()),
    }
}

fn variants() -> impl Iterator<Item = (&'static Case, &'static Variant)> {
    catalog::all().flat_map(|case| case.variants.iter().map(move |variant| (case, variant)))
}

/// What an honest sign-in left, with this variant's faults delivered and these dents.
fn dented(variant: &Variant, dents: &[Dent]) -> Evidence {
    let mut evidence = made::signed_in();
    evidence.records.extend(variant.faults.iter().copied().map(sent));
    for dent in dents {
        apply(&mut evidence, dent.clone());
    }
    evidence
}

// Each of these meets every variant of every case.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn judging_never_panics(dents in prop::collection::vec(dent(), 0..12)) {
        for (case, variant) in variants() {
            let evidence = dented(variant, &dents);
            for profile in [Profile::Core, Profile::Okta] {
                let _ = judge(case, variant, profile, &evidence);
                let _ = judge_all(variant, profile, &[&evidence, &evidence], &good());
            }
        }
    }

    #[test]
    fn more_faults_never_turn_a_fail_into_a_pass(
        dents in prop::collection::vec(dent(), 0..8),
        more in prop::collection::vec(any::<usize>(), 1..6),
    ) {
        for (case, variant) in variants() {
            let evidence = dented(variant, &dents);
            if judge(case, variant, Profile::Okta, &evidence).verdict != Verdict::Fail {
                continue;
            }
            let mut worse = evidence;
            worse.records.extend(more.iter().map(|index| sent(fault(*index))));
            let verdict = judge(case, variant, Profile::Okta, &worse).verdict;
            prop_assert!(
                !matches!(verdict, Verdict::Pass | Verdict::Skipped(_)),
                "{} {}: {:?}", case.id, variant.name, verdict
            );
        }
    }
}

/// The property above must have something to hold: honest evidence that shows somebody else fails many cases.
#[test]
fn there_are_fails_to_be_kept() {
    let victim = [Dent::Show(0, 2)];
    let failing = variants()
        .filter(|(case, variant)| {
            judge(case, variant, Profile::Okta, &dented(variant, &victim)).verdict == Verdict::Fail
        })
        .count();
    assert!(failing > 100, "{failing}");
}

/// Werkzeug takes the line before a raw line feed for HTTP/0.9 and answers without a status line; Tomcat closes the connection.
#[test]
fn whatever_answers_what_is_no_request_line_is_no_server_error() {
    let answered = |target: &str, problem| {
        let mut hop = made::hop(Leg::Direct, "user", "http://localhost:3000/callback", 200, &[], "");
        target.clone_into(&mut hop.request.target);
        hop.response = Answer::Broken {
            problem,
            text: String::new(),
        };
        hop.is_server_error()
    };
    let no_request_line = "/callback?error=a\nX-Crlf-Probe:yes";
    for problem in [Problem::Malformed, Problem::Closed] {
        assert!(!answered(no_request_line, problem), "{problem:?}");
        assert!(answered("/callback?error=a", problem), "{problem:?}");
    }
    assert!(answered(no_request_line, Problem::Timeout));
}
