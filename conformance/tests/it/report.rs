//! Reports of a run that never changes.

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use conformance::{
    exit::{self, Policy, exit_code},
    outcome::Verdict,
    report::{Setting, console::Console, json, junit, look::Look, plain::Plain, store, store::Store},
    run::RunResult,
    verdict,
};
use indicatif::{InMemoryTerm, ProgressDrawTarget};

use crate::fixed_run;

fn setting() -> Setting {
    Setting {
        policy: Policy::default(),
        locations: [("callback".to_owned(), "src/auth/callback.ts:41".to_owned())].into(),
        config: "shop/conformance.toml".to_owned(),
        folder: PathBuf::from("shop/.conformance/runs/0193-7f3a"),
    }
}

fn plain(look: Look, github: bool, quiet: bool) -> String {
    let mut out = Vec::new();
    let mut reporter = Plain::new(&mut out, look, setting(), github, quiet);
    fixed_run::tell(&fixed_run::run(), |event| reporter.on(event).unwrap());
    String::from_utf8(out).unwrap()
}

/// What a terminal of this width shows, and what stands on it while the run goes on.
fn console(look: Look, quiet: bool) -> (String, String) {
    let said = Rc::new(RefCell::new(String::new()));
    let terminal = InMemoryTerm::new(40, 120);
    let draw = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let out = Rc::clone(&said);
    let mut reporter = Console::new(
        move |text: &str| out.borrow_mut().push_str(text),
        draw,
        look,
        setting(),
        &fixed_run::cases(),
        quiet,
    );
    let mut live = String::new();
    fixed_run::tell(&fixed_run::run(), |event| {
        if matches!(event, conformance::run::RunEvent::Finished(_)) {
            live = terminal.contents();
        }
        reporter.on(event);
    });
    assert_eq!(terminal.contents(), "", "nothing of the bars stays");
    (said.take(), live)
}

#[test]
fn the_console_shows_blocks_then_bars_then_what_is_worth_reading() {
    let (said, live) = console(
        Look {
            color: false,
            ascii: false,
            width: Some(110),
            height: None,
        },
        false,
    );
    insta::assert_snapshot!("console", said);
    insta::assert_snapshot!(
        "console_live",
        live.lines()
            .filter(|line| !line.contains("running"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn ascii_means_ascii_and_colour_is_never_alone() {
    let (said, _) = console(
        Look {
            color: false,
            ascii: true,
            width: Some(80),
            height: None,
        },
        false,
    );
    assert!(said.is_ascii(), "{said}");
    let (coloured, _) = console(
        Look {
            color: true,
            ascii: true,
            width: Some(80),
            height: None,
        },
        false,
    );
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m"), "{coloured}");
    assert_eq!(strip(&coloured), said, "colour adds nothing but colour");
}

#[test]
fn quiet_leaves_what_is_not_well_and_the_last_line() {
    let (said, _) = console(Look::default(), true);
    assert!(said.starts_with("\nFAIL callback/state-cross-session"), "{said}");
    assert!(said.trim_end().ends_with("exit 1"), "{said}");
}

#[test]
fn ci_gets_one_line_per_case_and_the_same_blocks() {
    let text = plain(Look::default(), false, false);
    insta::assert_snapshot!("plain", text);
    let (said, _) = console(Look::default(), false);
    assert_eq!(
        text.lines().last(),
        said.lines().last(),
        "the last line is the same everywhere"
    );
}

#[test]
fn github_gets_a_folded_list_and_annotations() {
    insta::assert_snapshot!("github", plain(Look::default(), true, false));
}

#[test]
fn run_json_has_the_published_shape_and_no_secret() {
    let document = json::document(&fixed_run::run(), &setting());
    let text = format!("{document:#}");
    assert!(
        !text.contains("af0ifjsldkj") && !text.contains("3uOT8k"),
        "codes and states are hidden"
    );
    insta::assert_snapshot!("run_json", text);
}

#[test]
fn junit_is_well_formed_and_says_the_same() {
    let text = junit::document(&fixed_run::run(), &setting()).unwrap();
    insta::assert_snapshot!("junit", text);
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    let (tests, failures, errors) = (report.tests, report.failures, report.errors);
    assert_eq!((tests, failures, errors), (7, 1, 2));
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["callback", "id-token", "jwks", "userinfo", "logout"]);
}

#[test]
fn control_characters_of_an_app_do_not_break_junit() {
    let mut run = fixed_run::run();
    run.cases[3].verdict = Verdict::Inconclusive("answered \u{0}\u{1b}[31m\u{b}".to_owned());
    let text = junit::document(&run, &setting()).unwrap();
    assert!(!text.contains('\u{0}') && !text.contains('\u{1b}'), "{text}");
    assert!(quick_junit::Report::deserialize_from_str(&text).is_ok());
}

#[test]
fn exit_codes_follow_the_table() {
    let keep = |words: &[&str]| {
        let mut run = fixed_run::run();
        run.cases.retain(|case| words.contains(&case.verdict.word()));
        run
    };
    let (strict, warn, allow) = (
        Policy::default(),
        Policy {
            fail_on_warn: true,
            ..Policy::default()
        },
        Policy {
            allow_inconclusive: true,
            ..Policy::default()
        },
    );
    let zero = Policy {
        exit_zero: true,
        fail_on_warn: true,
        ..Policy::default()
    };
    for (words, policy, code) in [
        (&["pass"][..], strict, exit::CLEAN),
        (&["pass", "skipped"], strict, exit::CLEAN),
        (&["pass", "warn"], strict, exit::CLEAN),
        (&["pass", "warn"], warn, exit::FAILED),
        (&["pass", "fail"], strict, exit::FAILED),
        (&["fail", "error", "inconclusive"], strict, exit::FAILED),
        (&["pass", "error", "inconclusive"], strict, exit::NOT_JUDGED),
        (&["pass", "inconclusive"], strict, exit::INCONCLUSIVE),
        (&["pass", "inconclusive"], allow, exit::CLEAN),
        (&["pass", "fail"], allow, exit::FAILED),
        (&["fail", "inconclusive"], zero, exit::CLEAN),
        (&["fail", "warn"], zero, exit::CLEAN),
        (&["pass", "error"], zero, exit::NOT_JUDGED),
        (&[], strict, exit::NOTHING_SELECTED),
    ] {
        assert_eq!(exit_code(&keep(words), &policy), code, "{words:?} {policy:?}");
    }
    let aborted = RunResult {
        aborted: Some("the control failed".to_owned()),
        ..fixed_run::run()
    };
    assert_eq!(exit_code(&aborted, &zero), exit::NOT_JUDGED);
    assert_eq!(
        exit_code(
            &RunResult {
                interrupted: true,
                ..aborted
            },
            &zero
        ),
        exit::INTERRUPTED
    );
}

#[test]
fn a_profile_is_met_only_by_the_whole_catalogue() {
    let mut run = fixed_run::run();
    assert_eq!(verdict::profile_status(&run), verdict::ProfileStatus::NotMet);
    run.cases.retain(|case| case.verdict == Verdict::Pass);
    run.aborted = Some("the control failed".to_owned());
    assert_eq!(verdict::profile_status(&run), verdict::ProfileStatus::NotAssessed);
}

#[test]
fn a_run_is_kept_with_its_evidence_and_the_next_one_knows_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(store::last_failed(folder.path()), None);
    for number in 10..23 {
        let mut run = fixed_run::run();
        run.header.id = format!("{number}");
        Store::beside(folder.path(), &run.header.id)
            .write(&run, &setting())
            .unwrap();
    }
    let failed = store::last_failed(folder.path()).unwrap();
    assert_eq!(
        failed,
        [
            "callback/state-cross-session",
            "id-token/aud-wrong",
            "jwks/rotation-mid-flow",
            "logout/rp-init-basic"
        ]
    );
    let root = folder.path().join(".conformance");
    assert_eq!(
        std::fs::read_link(root.join("latest")).unwrap(),
        PathBuf::from("runs/22")
    );
    assert_eq!(std::fs::read_dir(root.join("runs")).unwrap().count(), 5);
    let stored = std::fs::read(root.join("latest/evidence/callback.state-cross-session.json")).unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(stored["variants"][0]["attempts"].as_array().unwrap().len(), 2);
    let evidence = stored["variants"][0]["attempts"][0].clone();
    let evidence: conformance::evidence::Evidence = serde_json::from_value(evidence).unwrap();
    assert_eq!(
        evidence,
        fixed_run::run().cases[1].variants[0].attempts[0].evidence,
        "it can be judged again"
    );
}

fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[rest.find('m').unwrap() + 1..];
    }
    plain + rest
}
