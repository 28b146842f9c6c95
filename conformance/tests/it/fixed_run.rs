//! A run that never changes, with one case of every verdict: what renderers are tested on.

use conformance::{
    case::{Case, Explain, Lane, Must, Should, Variant},
    check::sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
    evidence::{AppLine, Evidence},
    feature::Feature,
    outcome::{Level, Outcome, Verdict},
    run::{
        Attempt, CaseResult, CheckResult, Control, ControlTriple, Delivered, Header, Preflight, RunEvent, RunResult,
        VariantResult,
    },
    script::SIGN_IN,
    spec::{OIDC_CORE, RFC6749, RFC9700},
    target::Profile,
};
use mock_idp::flow::record::Stamp;
use serde_json::json;

const EXPLAIN: Explain = Explain {
    story: "An attacker starts a sign-in.\nThe victim's browser is made to finish it.",
    right: "Compares state with the value of this browser.",
    false_alarm: "Never.",
    maps: &["CVE-2012-6134", "P#64"],
};

const fn case(id: &'static str, title: &'static str, level: Level, variants: &'static [Variant]) -> Case {
    Case {
        id,
        title,
        level,
        positive: false,
        why: "An attacker could sign the victim into the attacker's account and read what he writes there.",
        spec: &[],
        needs: &[],
        lane: Lane::Parallel,
        variants,
        deviation: None,
        explain: EXPLAIN,
    }
}

static HAPPY: Case = Case {
    positive: true,
    ..case(
        "callback/happy-control",
        "an honest sign-in",
        Level::Must,
        &[Variant::of("plain", SIGN_IN, &[], &[Must(SIGNS_IN_AS_USER)])],
    )
};
static STATE: Case = Case {
    spec: &[RFC6749.section("10.12"), RFC9700.section("4.7")],
    ..case(
        "callback/state-cross-session",
        "the callback accepts a code with somebody else's state",
        Level::Must,
        &[
            Variant::of(
                "code-and-state",
                SIGN_IN,
                &[],
                &[Must(REFUSES_SIGN_IN), Must(NEVER_AS_SOMEBODY_ELSE)],
            ),
            Variant::of("state-only", SIGN_IN, &[], &[Must(REFUSES_SIGN_IN)]),
        ],
    )
};
static AUD: Case = Case {
    spec: &[OIDC_CORE.section("3.1.3.7 (3)")],
    ..case(
        "id-token/aud-wrong",
        "an ID token for another client",
        Level::Must,
        &[Variant::of(
            "other",
            SIGN_IN,
            &[],
            &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
        )],
    )
};
static ROTATION: Case = case(
    "jwks/rotation-mid-flow",
    "keys rotate during a sign-in",
    Level::Must,
    &[Variant::of("plain", SIGN_IN, &[], &[Must(SIGNS_IN_AS_USER)])],
);
static SUB: Case = Case {
    needs: &[Feature::CallsUserinfo],
    ..case("userinfo/sub-mismatch", "userinfo of another user", Level::Must, &[])
};
static HANG: Case = case("userinfo/hang", "userinfo never answers", Level::Should, &[]);
static BROKEN: Case = case(
    "logout/rp-init-basic",
    "sign-out at the authorization server",
    Level::Must,
    &[],
);

/// The cases, in order.
pub(crate) fn cases() -> Vec<&'static Case> {
    vec![&HAPPY, &STATE, &AUD, &ROTATION, &SUB, &HANG, &BROKEN]
}

/// The run.
pub(crate) fn run() -> RunResult {
    let passed = |case: &'static Case, milliseconds| result(case, Verdict::Pass, milliseconds, vec![]);
    let mut happy = passed(&HAPPY, 120);
    happy.variants = vec![variant(
        "plain",
        Verdict::Pass,
        vec![attempt(vec![check(SIGNS_IN_AS_USER.id, Outcome::Holds)], vec![])],
    )];
    happy.notes = vec!["the refusal came with status 200".to_owned()];
    RunResult {
        header: Header {
            id: "0193-7f3a".to_owned(),
            seed: "7f3a".to_owned(),
            profile: Profile::Okta,
            driver: "http".to_owned(),
            browser: None,
            driver_url: None,
            tool: "0.1.0".to_owned(),
            started: "2026-09-20T10:00:00Z".to_owned(),
            target: "http://localhost:3000".to_owned(),
            issuer: "http://127.0.0.1:9494/oauth2/default".to_owned(),
            config: "shop/conformance.toml".to_owned(),
            selected: 7,
        },
        preflight: vec![
            Preflight {
                id: "setup/app-answers",
                ok: true,
                warning: false,
                saw: "200".to_owned(),
                wanted: "any answer".to_owned(),
                fix: String::new(),
            },
            Preflight {
                id: "setup/hosts-differ",
                ok: true,
                warning: true,
                saw: "app and authorization server are both on 127.0.0.1".to_owned(),
                wanted: "two hosts, as in production: cookies do not know ports".to_owned(),
                fix: "call the app http://localhost:3000".to_owned(),
            },
        ],
        controls: vec![Control {
            lane: "parallel".to_owned(),
            ok: true,
            text: "user signed in, /me shows her, signed out".to_owned(),
            duration_ms: 412,
            failure: None,
        }],
        framework: Some(("express".to_owned(), "guessed from the cookie connect.sid".to_owned())),
        cases: vec![
            happy,
            cross_session(),
            aud_with_server_error(),
            result(
                &ROTATION,
                Verdict::Inconclusive("the app never fetched the new key set, so nothing was tested".to_owned()),
                900,
                vec![],
            ),
            result(
                &SUB,
                Verdict::Skipped("no userinfo request in the control sign-in".to_owned()),
                0,
                vec![],
            ),
            result(
                &HANG,
                Verdict::Skipped("no userinfo request in the control sign-in".to_owned()),
                0,
                vec![],
            ),
            result(
                &BROKEN,
                Verdict::Error("the app could not be started again".to_owned()),
                30,
                vec![],
            ),
        ],
        left_out: vec![],
        notices: vec!["parallelism lowered to 1: the app mixed up two sign-ins at once".to_owned()],
        starts: 0,
        aborted: None,
        interrupted: false,
        duration_ms: 9_812,
    }
}

/// The events that lead to it.
pub(crate) fn tell(run: &RunResult, mut on: impl FnMut(&RunEvent<'_>)) {
    on(&RunEvent::Started(&run.header));
    run.preflight.iter().for_each(|check| on(&RunEvent::Preflight(check)));
    run.controls.iter().for_each(|control| on(&RunEvent::Control(control)));
    run.notices
        .iter()
        .for_each(|notice| on(&RunEvent::Notice(notice.clone())));
    for case in &run.cases {
        on(&RunEvent::CaseStarted(case.case));
        on(&RunEvent::CaseFinished(case));
    }
    on(&RunEvent::Finished(run));
}

fn cross_session() -> CaseResult {
    let broken = || {
        attempt(
            vec![
                check(
                    REFUSES_SIGN_IN.id,
                    Outcome::Broken("302 /dashboard; the protected page shows the attacker, wanted refusal".to_owned()),
                ),
                check(NEVER_AS_SOMEBODY_ELSE.id, Outcome::Holds),
            ],
            vec![Delivered {
                id: "state of the other flow".to_owned(),
                delivered: true,
                sent: "GET /callback?code=3uOT8k&state=af0ifjsldkj".to_owned(),
            }],
        )
    };
    let variants = vec![
        variant("code-and-state", Verdict::Fail, vec![broken(), broken()]),
        variant(
            "state-only",
            Verdict::Pass,
            vec![attempt(vec![check(REFUSES_SIGN_IN.id, Outcome::Holds)], vec![])],
        ),
    ];
    result(&STATE, Verdict::Fail, 240, variants)
}

fn aud_with_server_error() -> CaseResult {
    let mut attempt = attempt(
        vec![
            check(REFUSES_SIGN_IN.id, Outcome::Holds),
            CheckResult {
                id: STAYS_CLEAN.id,
                level: Level::Should,
                expects: "a refusal without a server error",
                outcome: Outcome::Broken("the refusal came as a 500 at /callback".to_owned()),
            },
        ],
        vec![Delivered {
            id: "id-token.aud-wrong.other".to_owned(),
            delivered: true,
            sent: "\"aud\":\"another-client\"".to_owned(),
        }],
    );
    let hop = json!({
        "at": 1, "done": 2, "step": 0, "who": "user", "flow": 0, "leg": "callback",
        "url": "http://localhost:3000/callback?code=a&state=b",
        "request": { "method": "GET", "target": "/callback?code=a&state=b", "headers": [] },
        "response": { "kind": "http", "status": 500, "headers": [], "body": "oops", "truncated": false },
    });
    attempt.evidence.hops.push(serde_json::from_value(hop).unwrap());
    attempt.evidence.app_lines = [
        (0, "listening"),
        (2, "TypeError: audience mismatch"),
        (2, "    at verify (auth.js:7)"),
        (9_000_000, "another request"),
    ]
    .map(|(at, text)| AppLine {
        at: Stamp(at),
        text: text.to_owned(),
    })
    .to_vec();
    attempt.evidence.app_output = "listening\nTypeError: audience mismatch\n    at verify (auth.js:7)\n".to_owned();
    result(
        &AUD,
        Verdict::Warn,
        310,
        vec![variant("other", Verdict::Warn, vec![attempt])],
    )
}

fn result(case: &'static Case, verdict: Verdict, duration_ms: u64, variants: Vec<VariantResult>) -> CaseResult {
    CaseResult {
        case,
        verdict,
        duration_ms,
        variants,
        notes: vec![],
    }
}

fn variant(name: &'static str, verdict: Verdict, attempts: Vec<Attempt>) -> VariantResult {
    VariantResult {
        name,
        verdict,
        attempts,
    }
}

fn attempt(checks: Vec<CheckResult>, delivered: Vec<Delivered>) -> Attempt {
    let ok = || "ok".to_owned();
    let flow = json!({ "slot": 0, "id": 12, "person": "user", "browser": "user", "faults": [] });
    let evidence = Evidence {
        flows: vec![serde_json::from_value(flow).unwrap()],
        ..Evidence::default()
    };
    Attempt {
        checks,
        delivered,
        control: ControlTriple {
            before: ok(),
            twin: ok(),
            after: ok(),
        },
        evidence,
    }
}

fn check(id: &'static str, outcome: Outcome) -> CheckResult {
    let all = [REFUSES_SIGN_IN, SIGNS_IN_AS_USER, NEVER_AS_SOMEBODY_ELSE, STAYS_CLEAN];
    let expects = all.iter().find(|check| check.id == id).unwrap().expects;
    CheckResult {
        id,
        level: Level::Must,
        expects,
        outcome,
    }
}
