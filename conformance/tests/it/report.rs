//! Reports of a run that never changes.

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use conformance::{
    exit::{self, Policy, exit_code},
    outcome::Verdict,
    report::{
        Setting, compose,
        console::Console,
        document::{ProfileStatus, Run, Word},
        github::Place,
        journal::{self, Event},
        junit,
        kind::{Kind, Source},
        look::Look,
        past::Earlier,
        plain::Plain,
        recorder::Recorder,
        store::{self, ReadError, Store},
        summary,
    },
    run::RunEvent,
};
use indicatif::{InMemoryTerm, ProgressDrawTarget};

use crate::fixed_run;

pub(crate) fn setting() -> Setting {
    Setting {
        policy: Policy::default(),
        locations: [("callback".to_owned(), "src/auth/callback.ts:41".to_owned())].into(),
        config: "shop/conformance.toml".to_owned(),
        base: PathBuf::from("shop"),
        folder: PathBuf::from("shop/.conformance/runs/0193-7f3a"),
        ..Setting::default()
    }
}

pub(crate) fn document() -> Run {
    compose::run(&fixed_run::run(), &setting())
}

/// Everything that happens, and the document at the end.
fn told(mut on: impl FnMut(&Event)) -> Run {
    let mut recorder = Recorder::new(setting(), None);
    fixed_run::tell(&fixed_run::run(), |event| on(&recorder.take(event)));
    recorder.run().unwrap().clone()
}

fn plain(look: Look, github: bool, quiet: bool) -> String {
    let mut out = Vec::new();
    let mut reporter = Plain::new(&mut out, look, setting(), github.then_some(Place), quiet);
    let run = told(|event| reporter.on(event).unwrap());
    reporter.end(&run).unwrap();
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
    let run = told(|event| {
        if matches!(event, Event::RunFinished { .. }) {
            live = terminal.contents();
        }
        reporter.on(event);
    });
    reporter.end(&run);
    assert_eq!(terminal.contents(), "", "nothing of the bars stays");
    (said.take(), live)
}

fn source(run: &Run) -> Source<'_> {
    Source { run, folder: None }
}

#[test]
fn the_console_shows_bars_then_causes_then_what_is_worth_reading() {
    let (said, live) = console(
        Look {
            color: false,
            ascii: false,
            width: Some(110),
            height: None,
            program: None,
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
            program: None,
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
            program: None,
        },
        false,
    );
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m"), "{coloured}");
    assert!(
        !coloured.contains("\u{1b}[90m"),
        "bright black is the background in some colour schemes"
    );
    assert_eq!(strip(&coloured), said, "colour adds nothing but colour");
}

#[test]
fn quiet_leaves_what_is_not_well_and_the_counts() {
    let (said, _) = console(Look::default(), true);
    assert!(said.contains("FAIL callback/state-cross-session"), "{said}");
    assert!(!said.contains("target"), "{said}");
    assert!(said.trim_end().ends_with("exit 1"), "{said}");
}

#[test]
fn ci_gets_one_line_per_case_and_the_same_causes() {
    let text = plain(Look::default(), false, false);
    insta::assert_snapshot!("plain", text);
    let (said, _) = console(Look::default(), false);
    assert_eq!(
        text.lines().last(),
        said.lines().last(),
        "the counts are the same everywhere"
    );
}

#[test]
fn github_gets_a_folded_list_and_annotations() {
    insta::assert_snapshot!("github", plain(Look::default(), true, false));
}

#[test]
fn run_json_has_the_published_shape_and_no_secret() {
    let run = document();
    let text = store::text(&run);
    assert!(
        !text.contains("af0ifjsldkj") && !text.contains("3uOT8k"),
        "codes and states are hidden"
    );
    insta::assert_snapshot!("run_json", text);
    let schema = jsonschema::validator_for(&Run::schema()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let problems: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(problems, [""; 0]);
    let wrong = serde_json::json!({ "schema": "conformance-run/1", "cases": [{ "id": 7 }] });
    assert!(!schema.is_valid(&wrong), "the schema says something");
    let again: Run = serde_json::from_str(&text).unwrap();
    assert_eq!(again, run, "what was written is read back");
}

#[test]
fn the_published_schema_changes_only_on_purpose() {
    insta::assert_snapshot!("run_schema", format!("{:#}", Run::schema()));
}

#[test]
fn junit_is_well_formed_and_says_the_same() {
    let text = junit::document(&document()).unwrap();
    insta::assert_snapshot!("junit", text);
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    let (tests, failures, errors) = (report.tests, report.failures, report.errors);
    assert_eq!((tests, failures, errors), (7, 1, 2));
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["callback", "id-token", "jwks", "userinfo", "logout"]);
    assert!(
        text.contains("message=\"WARN (SHOULD)"),
        "a viewer shows the warning: {text}"
    );
}

#[test]
fn what_other_programs_read_fits_their_schemas() {
    let run = document();
    for (kind, schema) in [
        (Kind::Sarif, include_str!("vendored/sarif-2.1.0.json")),
        (Kind::Ctrf, include_str!("vendored/ctrf-0.0.json")),
    ] {
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let text = kind.render(&source(&run)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let problems: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(problems, [""; 0], "{kind:?}");
    }
}

#[test]
fn every_finding_has_a_place_and_a_fingerprint_in_sarif() {
    let mut run = document();
    run.cases[2].known = Some(conformance::report::document::Known {
        reason: "being fixed".to_owned(),
        owner: None,
        issue: None,
        expires: None,
    });
    let text = Kind::Sarif.render(&source(&run)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = value["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1, "{result}");
        assert!(
            place["artifactLocation"]["uri"].as_str().unwrap().starts_with("shop/"),
            "{result}"
        );
        assert!(result["partialFingerprints"]["conformanceFinding/v1"].is_string());
    }
    assert_eq!(results[0]["level"], "error");
    assert_eq!(results[1]["suppressions"][0]["justification"], "being fixed");
}

#[test]
fn the_small_forms_on_paper() {
    let run = document();
    for kind in [Kind::Tap, Kind::Markdown, Kind::Gitlab, Kind::Text] {
        let name = format!("form_{}", Kind::ALL.iter().find(|(own, ..)| *own == kind).unwrap().1);
        insta::assert_snapshot!(name, kind.render(&source(&run)).unwrap());
    }
}

#[test]
fn nothing_that_an_app_says_steers_a_report() {
    let hostile = "<script>alert(1)</script> \u{0}\u{1b}[31m\u{202e}\u{2066} | `x` ::error::y %0A\n# z";
    let mut result = fixed_run::run();
    result.cases[3].verdict = Verdict::Inconclusive(hostile.to_owned());
    result.cases[1].notes.push(hostile.to_owned());
    result.notices.push(hostile.to_owned());
    let broken = &mut result.cases[1].variants[0].attempts[1].checks[0];
    broken.outcome = conformance::outcome::Outcome::Broken(hostile.to_owned());
    let run = compose::run(&result, &setting());
    for (kind, name, _) in Kind::ALL {
        let text = kind.render(&source(&run)).unwrap();
        for c in ['\u{0}', '\u{1b}', '\u{202e}', '\u{2066}'] {
            assert!(!text.contains(c), "{name}: {c:?}");
        }
        if matches!(kind, Kind::Html | Kind::Markdown | Kind::Junit) {
            assert!(!text.contains("<script>alert"), "{name}");
        }
    }
    assert!(quick_junit::Report::deserialize_from_str(&Kind::Junit.render(&source(&run)).unwrap()).is_ok());
    let annotations = conformance::report::github::annotations(&run, &Place);
    for line in annotations.lines() {
        assert!(line.starts_with("::"), "one command a line: {line}");
    }
    assert!(!annotations.contains('\u{202e}') && !annotations.contains('\u{1b}'));
}

/// A run with so many failed cases that nothing connects: each is a cause of its own. What was seen is this long.
fn unconnected(count: usize, long: usize) -> Run {
    let mut run = document();
    let pattern = run.cases[1].clone();
    run.cases.clear();
    let ids = conformance::catalog::all().map(|case| case.id);
    for id in ids.step_by(225 / count).take(count) {
        let mut case = pattern.clone();
        case.id = id.to_owned();
        for check in case
            .variants
            .iter_mut()
            .flat_map(|variant| &mut variant.attempts)
            .flat_map(|own| &mut own.checks)
        {
            check.id = format!("check-of-{id}");
            check.saw = Some(format!("seen in {id}: {}", "% & ü".repeat(long / 6)));
        }
        for attempt in case.variants.iter_mut().flat_map(|variant| &mut variant.attempts) {
            attempt.sent.clear();
        }
        run.cases.push(case);
    }
    run.settle();
    run
}

/// GitHub takes 10 annotations of a kind per step, titles of 255 characters, messages of 64 KiB, and a summary of 1 MiB.
#[test]
fn what_github_is_given_stays_within_its_limits() {
    let mut run = unconnected(75, 100_000);
    // Every third only warns, and one has a title of a page.
    for case in run.cases.iter_mut().step_by(3) {
        case.verdict = Word::Warn;
        case.variants.iter_mut().for_each(|own| own.verdict = Word::Warn);
    }
    run.preflight[1].id = "setup/".to_owned() + &"x".repeat(10_000);
    run.preflight[1].ok = false;
    run.settle();
    let text = conformance::report::github::annotations(&run, &Place);
    for kind in ["::error", "::warning"] {
        let all: Vec<&str> = text.lines().filter(|line| line.starts_with(kind)).collect();
        assert_eq!(all.len(), 10, "{kind}");
        for line in all {
            let title = line
                .split_once("title=")
                .map_or("", |(_, rest)| rest.split("::").next().unwrap());
            assert!(title.chars().count() <= 255, "{}", title.len());
            assert!(line.len() < 64 * 1024, "{}", line.len());
        }
    }
    let summary = Kind::Markdown.render(&source(&run)).unwrap();
    assert!(summary.len() <= 1024 * 1024, "{}", summary.len());
    assert!(
        summary.ends_with("this summary is full.\n"),
        "{}",
        &summary[summary.len() - 200..]
    );
    assert_eq!(summary.matches("```").count() % 2, 0, "no code is left open");
    assert!(
        summary.contains(&summary::last_line(&run)[..20]),
        "the counts come first"
    );
}

#[test]
fn annotations_stay_within_the_limits_of_the_runner() {
    let run = unconnected(25, 0);
    let text = conformance::report::github::annotations(&run, &Place);
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 10, "{text}");
    assert!(errors[9].contains("16 more"), "{}", errors[9]);
    assert!(
        errors[0].contains("file=shop/src/auth") || errors[0].contains("file=shop/conformance.toml"),
        "{}",
        errors[0]
    );
    assert!(
        errors[0].contains("conformance explain") && errors[0].contains("Observed: "),
        "{}",
        errors[0]
    );
}

#[test]
fn a_failed_control_is_annotated() {
    let mut result = fixed_run::run();
    result.cases.clear();
    result.controls[0].ok = false;
    result.controls[0].text = "after an ordinary sign-in /me must show the user, and shows nobody".to_owned();
    result.aborted = Some("the control sign-in failed".to_owned());
    let run = compose::run(&result, &setting());
    let text = conformance::report::github::annotations(&run, &Place);
    assert!(
        text.contains("::error title=control sign-in (parallel)::after an ordinary sign-in"),
        "{text}"
    );
    for (kind, name, _) in Kind::ALL {
        assert!(!kind.render(&source(&run)).unwrap().is_empty(), "{name}");
    }
}

#[test]
fn exit_codes_follow_the_table() {
    let keep = |words: &[&str]| {
        let mut run = document();
        run.cases.retain(|case| words.contains(&case.verdict.as_str()));
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
    let mut aborted = document();
    aborted.run.aborted = Some("the control failed".to_owned());
    assert_eq!(exit_code(&aborted, &zero), exit::NOT_JUDGED);
    aborted.run.interrupted = true;
    assert_eq!(exit_code(&aborted, &zero), exit::INTERRUPTED);
}

#[test]
fn a_profile_is_met_only_by_the_whole_catalogue() {
    let mut run = document();
    assert_eq!(summary::profile_status(&run), ProfileStatus::NotMet);
    run.cases.retain(|case| case.verdict == Word::Pass);
    run.run.aborted = Some("the control failed".to_owned());
    assert_eq!(summary::profile_status(&run), ProfileStatus::NotAssessed);
}

/// Runs into a folder as `conformance run` does; `until` says after how many cases it is killed.
fn kept(folder: &std::path::Path, id: &str, until: Option<usize>) -> Store {
    let mut result = fixed_run::run();
    result.header.id = id.to_owned();
    let mut store = Store::beside(folder, id);
    let mut recorder = Recorder::new(setting(), None);
    let mut finished = 0;
    store.open();
    fixed_run::tell(&result, |event| {
        if until.is_some_and(|until| finished >= until) {
            return;
        }
        let told = recorder.take(event);
        if let RunEvent::CaseFinished(result) = event {
            finished += 1;
            store.evidence(result);
        }
        store.event(&told);
    });
    if until.is_none() {
        store.finish(recorder.run().unwrap());
    }
    store
}

#[test]
fn a_run_is_kept_with_its_evidence_and_the_next_one_knows_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(store::last(folder.path()).is_none());
    for number in 10..23 {
        let mut store = kept(folder.path(), &format!("{number}"), None);
        assert_eq!(store.problems(), [""; 0]);
    }
    let last = store::last(folder.path()).unwrap().unwrap();
    assert_eq!(
        last.run.not_well(),
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
    let stored = store::read(&root.join("latest")).unwrap();
    assert_eq!(stored.run.cases.len(), 7);
    assert_eq!(stored.from_journal, None);
    let evidence = store::read_evidence(&stored.folder, &stored.run.cases[1]).unwrap();
    assert_eq!(evidence.variants[0].attempts.len(), 2);
    assert_eq!(
        evidence.variants[0].attempts[0],
        fixed_run::run().cases[1].variants[0].attempts[0].evidence,
        "it can be judged again"
    );
}

#[test]
fn what_was_judged_before_a_kill_is_read_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = kept(folder.path(), "10", Some(2));
    let journal = store.folder.join("journal.ndjson");
    // The kill came in the middle of a line.
    let mut text = std::fs::read_to_string(&journal).unwrap();
    text.push_str("{\"schema\":\"conformance-journal/1\",\"t\":1,\"event\":\"case_fin");
    std::fs::write(&journal, text).unwrap();
    let stored = store::read(&folder.path().join(".conformance/latest")).unwrap();
    assert!(stored.from_journal.is_some());
    assert_eq!(stored.run.cases.len(), 2);
    assert!(stored.run.run.partial);
    assert_eq!(stored.run.exit_code, exit::FAILED);
    assert_eq!(stored.run.not_well(), ["callback/state-cross-session"]);
    assert!(store::read_evidence(&stored.folder, &stored.run.cases[1]).is_ok());
    // A torn run.json does not hide the journal.
    std::fs::write(
        store.folder.join("run.json"),
        "{\"schema\": \"conformance-run/1\", \"ca",
    )
    .unwrap();
    let stored = store::read(&store.folder).unwrap();
    assert!(stored.from_journal.unwrap().contains("torn"));
}

#[test]
fn a_full_disk_costs_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::beside(folder.path(), "10");
    std::fs::create_dir_all(store.folder.join("evidence")).unwrap();
    store.open();
    // Everything but run.json meets a full disk.
    std::fs::remove_dir_all(store.folder.join("evidence")).unwrap();
    std::os::unix::fs::symlink("/dev/full", store.folder.join("evidence")).unwrap();
    let mut recorder = Recorder::new(setting(), None);
    fixed_run::tell(&fixed_run::run(), |event| {
        let told = recorder.take(event);
        if let RunEvent::CaseFinished(result) = event {
            store.evidence(result);
        }
        store.event(&told);
    });
    store.finish(recorder.run().unwrap());
    let problems = store.problems();
    assert_eq!(problems.len(), 1, "each thing is told once: {problems:?}");
    assert!(problems[0].contains("evidence cannot be written"), "{problems:?}");
    assert_eq!(store::read(&store.folder).unwrap().run, *recorder.run().unwrap());
}

#[test]
fn places_that_are_not_what_they_seem_are_called_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".conformance");
    // `latest` is a folder.
    std::fs::create_dir_all(root.join("latest")).unwrap();
    let mut store = kept(folder.path(), "10", None);
    let problems = store.problems();
    assert!(problems[0].contains("is a folder and not a link"), "{problems:?}");
    assert!(store.folder.join("run.json").is_file(), "the run is kept all the same");
    // A run.json of somebody else is not overwritten.
    let other = folder.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    for (text, why) in [
        ("{\"runs\": []}", "it lacks"),
        ("not json", "torn or no JSON"),
        ("{\"schema\": \"conformance-run/9\"}", "conformance-run/9"),
        (
            "{\"schema\": \"conformance-run/1\", \"cases\": 7}",
            "expected a sequence",
        ),
    ] {
        std::fs::write(other.join("run.json"), text).unwrap();
        let error = Store::try_place(&other).unwrap_err().to_string();
        assert!(
            error.contains("no run of this program") && error.contains(why),
            "{error}"
        );
        assert!(matches!(store::read(&other), Err(ReadError::Foreign { .. })));
    }
    // A run of ours is replaced, and said so.
    assert_eq!(Store::try_place(&store.folder).unwrap().as_deref(), Some("10"));
    // What cannot be written to is told before anything is walked.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::try_place(&folder.path().join("file/below"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot be written to") && error.contains("--out"),
        "{error}"
    );
    // An unreadable last run is no absent one.
    std::fs::remove_dir(root.join("latest")).unwrap();
    std::fs::create_dir_all(root.join("latest")).unwrap();
    std::fs::write(root.join("latest/run.json"), "half").unwrap();
    let earlier = Earlier::of(folder.path(), None);
    let past = earlier.past(&earlier.state(&folder.path().join("conformance.toml"), folder.path()));
    let failed = conformance::select::select(&["failed".parse().unwrap()], &past)
        .unwrap_err()
        .to_string();
    assert!(failed.contains("run.json is no run of this program"), "{failed}");
}

#[test]
fn the_journal_is_the_run_event_by_event() {
    let mut lines = Vec::new();
    let run = told(|event| journal::write(&mut lines, event).unwrap());
    let read = journal::read(&String::from_utf8(lines).unwrap()).unwrap();
    assert_eq!(read.cases, run.cases);
    assert_eq!(read.exit_code, run.exit_code);
    assert_eq!(read.run, run.run);
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
