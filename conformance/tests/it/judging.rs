//! Judging: pure, total, and never kinder than the evidence.

use conformance::{
    case::{Case, Explain, Lane, May, Must, MustStar, Should, Variant},
    check::Check,
    edit::{Change, Edit},
    evidence::{Answer, Evidence, Hop, Leg},
    outcome::{Level, Outcome, Verdict},
    run::{Attempt, CaseResult, VariantResult},
    script::{Act, MAIN, SIGN_IN, Step, user},
    spec::OIDC_CORE,
    target::Profile,
    verdict::{self, Afterwards, Cause, Control, Controls, Judgement, of_case, title},
};
use mock_idp::{
    Event, Fault,
    flow::{
        fault::{IdTokenFault, Message, RefreshFault},
        record::{Record, Request, Stamp},
    },
};
use proptest::prelude::*;

const FORGED: Fault = Fault::IdToken(IdTokenFault::AlgNone);

const HOLDS: Check = Check {
    id: "holds",
    expects: "anything",
    ask: |_| Outcome::Holds,
};
const BROKEN: Check = Check {
    id: "broken",
    expects: "the impossible",
    ask: |_| Outcome::Broken("it".into()),
};
const BLIND: Check = Check {
    id: "blind",
    expects: "sight",
    ask: |_| Outcome::CannotTell("no light".into()),
};

const EDITED: &[Step] = &[user(Act::Deliver(MAIN, &[Edit::Query("state", Change::Remove)]))];

const VARIANTS: &[Variant] = &[
    Variant::of("holds", SIGN_IN, &[FORGED], &[Must(HOLDS)]),
    Variant::of("must", SIGN_IN, &[FORGED], &[Must(HOLDS), Must(BROKEN)]),
    Variant::of("must-star", SIGN_IN, &[FORGED], &[MustStar(BROKEN)]),
    Variant::of("should", SIGN_IN, &[FORGED], &[Should(BROKEN)]),
    Variant::of("may", SIGN_IN, &[FORGED], &[May(BROKEN)]),
    Variant::of("blind", SIGN_IN, &[FORGED], &[Must(BLIND)]),
    Variant::of(
        "refresh",
        SIGN_IN,
        &[Fault::RefreshResponse(RefreshFault::SubVictim)],
        &[Must(HOLDS)],
    ),
    Variant::of("edited", EDITED, &[], &[Must(HOLDS)]),
];

static CASE: Case = Case {
    id: "test/case",
    title: "a case",
    level: Level::Must,
    positive: false,
    why: "because",
    spec: &[OIDC_CORE.section("3.1.3.7")],
    needs: &[],
    lane: Lane::Parallel,
    variants: VARIANTS,
    deviation: None,
    explain: Explain {
        story: "",
        right: "",
        false_alarm: "",
        maps: &[],
    },
};

fn variant(name: &str) -> &'static Variant {
    VARIANTS.iter().find(|variant| variant.name == name).unwrap()
}

fn record(event: Event) -> Record {
    Record {
        at: Stamp(1),
        flow: None,
        server: String::new(),
        event,
    }
}

fn sent(twin: &str, bytes: &str) -> Record {
    let (twin, bytes) = (twin.to_owned(), bytes.to_owned());
    record(Event::Sent {
        fault: FORGED,
        message: Message::IdToken,
        twin,
        bytes,
    })
}

fn delivered() -> Evidence {
    Evidence {
        records: vec![sent("honest", "forged")],
        ..Evidence::default()
    }
}

fn hop(status: u16, target: &str, unedited: Option<&str>) -> Hop {
    let request = |target: &str| Request {
        method: "GET".into(),
        target: target.into(),
        ..Request::default()
    };
    Hop {
        at: Stamp(1),
        done: Stamp(2),
        step: 0,
        who: "user".into(),
        flow: None,
        leg: Leg::Callback,
        url: format!("http://localhost:1{target}"),
        request: request(target),
        unedited: unedited.map(|target| Box::new(request(target))),
        rendered: None,
        response: Answer::Http {
            status,
            headers: Vec::new(),
            body: String::new(),
            truncated: false,
        },
    }
}

fn verdict(name: &str, profile: Profile, evidence: &Evidence) -> Verdict {
    judge(name, profile, evidence).verdict
}

fn judge(name: &str, profile: Profile, evidence: &Evidence) -> Judgement {
    verdict::judge(&CASE, variant(name), profile, evidence, &good())
}

/// Controls that worked.
fn good() -> Controls {
    Controls {
        before: Control::Worked("flow 1".into()),
        twin: Control::Worked("flow 2".into()),
        after: Afterwards::Worked("flow 4".into()),
    }
}

#[test]
fn the_level_of_the_broken_check_decides() {
    let evidence = delivered();
    assert_eq!(verdict("holds", Profile::Okta, &evidence), Verdict::Pass);
    assert_eq!(verdict("must", Profile::Okta, &evidence), Verdict::Fail);
    assert_eq!(verdict("should", Profile::Okta, &evidence), Verdict::Warn);
    assert_eq!(verdict("may", Profile::Okta, &evidence), Verdict::Pass);
    assert!(matches!(
        verdict("blind", Profile::Okta, &evidence),
        Verdict::Inconclusive(_)
    ));
    let may = judge("may", Profile::Okta, &evidence);
    assert_eq!(may.notes, ["it"]);
}

#[test]
fn only_must_star_differs_between_profiles() {
    let evidence = delivered();
    assert_eq!(verdict("must-star", Profile::Core, &evidence), Verdict::Warn);
    assert_eq!(verdict("must-star", Profile::Okta, &evidence), Verdict::Fail);
    assert_eq!(verdict("must-star", Profile::Asvs, &evidence), Verdict::Fail);
    assert_eq!(verdict("must", Profile::Core, &evidence), Verdict::Fail);
}

#[test]
fn a_fault_that_was_never_written_decides_nothing() {
    for evidence in [
        Evidence::default(),
        Evidence {
            records: vec![sent("same", "same")],
            ..Evidence::default()
        },
    ] {
        for name in ["holds", "must", "should"] {
            let verdict = verdict(name, Profile::Okta, &evidence);
            assert!(matches!(verdict, Verdict::Inconclusive(_)), "{name}: {verdict:?}");
        }
    }
}

#[test]
fn an_app_that_never_refreshes_is_not_asked_how() {
    let verdict = verdict("refresh", Profile::Okta, &Evidence::default());
    assert!(
        matches!(&verdict, Verdict::Skipped(why) if why.contains("refresh token")),
        "{verdict:?}"
    );
}

#[test]
fn an_edit_is_delivered_when_the_hop_that_carried_it_differs() {
    let with = |unedited| Evidence {
        hops: vec![hop(400, "/cb?code=c", unedited)],
        ..Evidence::default()
    };
    assert_eq!(
        verdict("edited", Profile::Okta, &with(Some("/cb?code=c&state=s"))),
        Verdict::Pass
    );
    assert!(matches!(
        verdict("edited", Profile::Okta, &with(Some("/cb?code=c"))),
        Verdict::Inconclusive(_)
    ));
    assert!(matches!(
        verdict("edited", Profile::Okta, &with(None)),
        Verdict::Inconclusive(_)
    ));
}

#[test]
fn a_refusal_by_server_error_is_a_warning() {
    let evidence = Evidence {
        hops: vec![hop(500, "/cb", None)],
        ..delivered()
    };
    let judgement = judge("holds", Profile::Okta, &evidence);
    assert_eq!(judgement.verdict, Verdict::Warn);
    // A verdict never stands without a check that says what is wrong.
    let broken: Vec<_> = judgement
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Broken(_)))
        .map(|check| (check.id, check.level))
        .collect();
    assert_eq!(broken, [("stays-clean", Level::Should)]);
}

#[test]
fn a_gateway_error_is_a_right_answer_to_what_the_authorization_server_did() {
    for status in [502, 503, 504] {
        let evidence = Evidence {
            hops: vec![hop(status, "/cb", None)],
            ..delivered()
        };
        assert_eq!(verdict("holds", Profile::Okta, &evidence), Verdict::Pass, "{status}");
        // What the browser sends is no fault of the authorization server.
        let evidence = Evidence {
            hops: vec![hop(status, "/cb?code=c", Some("/cb?code=c&state=s"))],
            ..Evidence::default()
        };
        assert_eq!(verdict("edited", Profile::Okta, &evidence), Verdict::Warn, "{status}");
    }
}

#[test]
fn a_control_that_failed_for_another_reason_accuses_nobody() {
    let limited = Controls {
        after: Afterwards::Failed {
            saw: "the protected page shows nobody".into(),
            cause: Cause::Limited {
                at: "/login answered 429".into(),
                retry_after: None,
            },
        },
        ..good()
    };
    for name in ["holds", "must", "should", "may"] {
        let judgement = verdict::judge(&CASE, variant(name), Profile::Okta, &delivered(), &limited);
        let reason = judgement.verdict.reason().unwrap_or_default();
        assert!(
            reason.contains("the app limits requests"),
            "{name}: {:?}",
            judgement.verdict
        );
    }
}

#[test]
fn a_walk_that_breaks_a_fresh_app_fails_the_recovery_check_under_its_own_title() {
    let broke = Controls {
        after: Afterwards::Broke {
            saw: "the app ended".into(),
        },
        ..good()
    };
    let judgement = verdict::judge(&CASE, variant("holds"), Profile::Okta, &delivered(), &broke);
    assert_eq!(judgement.verdict, Verdict::Fail);
    let result = case_result(vec![variant_result("holds", judgement)]);
    assert_eq!(title(&result), "after this walk nobody can sign in any more");
    // The app is down: a case about a MAY passes no more than others.
    static MAY: Case = Case {
        level: Level::May,
        id: "test/case",
        title: "a case",
        positive: false,
        why: "because",
        spec: &[],
        needs: &[],
        lane: Lane::Parallel,
        variants: VARIANTS,
        deviation: None,
        explain: CASE.explain,
    };
    let judgement = verdict::judge(&MAY, variant("may"), Profile::Okta, &delivered(), &broke);
    assert_eq!(judgement.verdict, Verdict::Warn);
}

fn variant_result(name: &'static str, judgement: Judgement) -> VariantResult {
    let Judgement {
        verdict,
        checks,
        delivered,
        ..
    } = judgement;
    VariantResult {
        name,
        verdict,
        attempts: vec![Attempt {
            checks,
            delivered,
            control: (&good()).into(),
            evidence: Evidence::default(),
        }],
    }
}

fn case_result(variants: Vec<VariantResult>) -> CaseResult {
    let (verdict, notes) = of_case(&CASE, &variants);
    CaseResult {
        case: &CASE,
        verdict,
        duration_ms: 0,
        variants,
        notes,
    }
}

#[test]
fn an_obstacle_of_the_harness_is_never_the_apps_fault() {
    let evidence = Evidence {
        obstacles: vec!["no browser".into()],
        ..delivered()
    };
    assert_eq!(
        verdict("must", Profile::Okta, &evidence),
        Verdict::Inconclusive("no browser".into())
    );
}

#[test]
fn one_flaky_variant_hides_nothing_of_its_siblings() {
    let evidence = delivered();
    let flaky = || VariantResult {
        name: "flaky",
        verdict: Verdict::Inconclusive("flaky: fail, then pass".into()),
        attempts: Vec::new(),
    };
    let of = |name: &'static str| variant_result(name, judge(name, Profile::Okta, &evidence));
    let failed = case_result(vec![flaky(), of("must")]);
    assert_eq!(failed.verdict, Verdict::Fail);
    assert_eq!(failed.notes, ["variant flaky inconclusive: flaky: fail, then pass"]);
    let warned = case_result(vec![of("should"), flaky()]);
    assert_eq!(warned.verdict, Verdict::Inconclusive("flaky: fail, then pass".into()));
    assert_eq!(warned.notes, ["variant should warns: it"]);
}

proptest! {
    /// Whatever else is in the evidence, a broken MUST with its fault delivered fails.
    #[test]
    fn more_evidence_never_turns_a_fail_into_a_pass(statuses in prop::collection::vec(100_u16..600, 0..8), extra in ".{0,40}") {
        let mut evidence = delivered();
        evidence.hops = statuses.into_iter().map(|status| hop(status, "/cb", None)).collect();
        evidence.records.push(sent(&extra, &extra));
        prop_assert_eq!(verdict("must", Profile::Okta, &evidence), Verdict::Fail);
        evidence.obstacles.push(extra);
        prop_assert_ne!(verdict("must", Profile::Okta, &evidence), Verdict::Pass);
    }
}
