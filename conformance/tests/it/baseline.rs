//! What is known, what is new, what is fixed: accept, run, fix one, break another.

use std::path::Path;

use assert_cmd::Command;
use conformance::{
    baseline::Baseline,
    exit,
    report::{
        document::{Answer, Run, Word},
        finding,
        kind::{Kind, Source},
        store,
    },
};
use time::macros::date;

use crate::report::document;

/// A run with two findings in cases that the catalogue has.
fn run() -> Run {
    let mut run = document();
    run.cases
        .retain(|case| case.verdict == Word::Pass || case.verdict.is_finding());
    run.cases[2].id = "id-token/aud-wrong".to_owned();
    run.run.selected = run.cases.len();
    run.run.policy.fail_on_warn = true;
    again(run)
}

/// Fingerprints and counts as a run would have them.
fn again(mut run: Run) -> Run {
    for case in &mut run.cases {
        let id = case.id.clone();
        for check in case
            .variants
            .iter_mut()
            .flat_map(|own| &mut own.attempts)
            .flat_map(|own| &mut own.checks)
        {
            if let (Answer::Broken, Some(saw)) = (check.outcome, &check.saw) {
                check.fingerprint = Some(finding::fingerprint(&id, &check.id, saw));
            }
        }
    }
    run.settle();
    run
}

fn empty() -> Baseline {
    Baseline::parse("", Path::new("conformance-baseline.toml"), date!(2026 - 09 - 21)).unwrap()
}

fn told(run: &Run) -> String {
    let source = Source { run, folder: None };
    let text = Kind::Text.render(&source).unwrap();
    let from = text.find("\n\n").unwrap();
    text[from..].trim().to_owned()
}

#[test]
fn accept_run_fix_one_break_another() {
    let mut baseline = empty();
    assert_eq!(run().exit_code, exit::FAILED);
    assert_eq!(baseline.accept(&run()), 2);
    insta::assert_snapshot!("baseline_file", baseline.text());
    for entry in &mut baseline.known {
        entry.reason = "the sign-in is being rewritten".to_owned();
    }
    // What is known is shown and green.
    let mut known = run();
    baseline.apply(&mut known);
    assert_eq!(known.exit_code, exit::CLEAN);
    assert_eq!(known.counts.known, 2);
    insta::assert_snapshot!("baseline_known", told(&known));
    // One is fixed: red, with the command that prunes it.
    let mut fixed = run();
    fixed.cases[1].verdict = Word::Pass;
    fixed.cases[1].variants.clear();
    baseline.apply(&mut fixed);
    assert_eq!(fixed.exit_code, exit::STALE_BASELINE);
    insta::assert_snapshot!("baseline_fixed", told(&fixed));
    // Another is broken, in another way: new, and red as such.
    let mut broken = fixed.clone();
    let check = &mut broken.cases[2].variants[0].attempts[0].checks[0];
    check.outcome = Answer::Broken;
    check.saw = Some("302 /dashboard; the protected page shows the user, wanted refusal".to_owned());
    broken.cases[2].verdict = Word::Fail;
    let mut broken = again(broken);
    baseline.apply(&mut broken);
    assert_eq!(broken.exit_code, exit::FAILED);
    insta::assert_snapshot!("baseline_broken", told(&broken));
    // Pruning takes out what is fixed and adds nothing.
    let gone = baseline.prune(&fixed);
    assert_eq!(gone.len(), 1);
    assert_eq!(baseline.known.len(), 1);
    let mut pruned = fixed.clone();
    baseline.apply(&mut pruned);
    assert_eq!(pruned.exit_code, exit::CLEAN);
}

#[test]
fn what_has_expired_or_may_not_stay_is_stale() {
    let mut baseline = empty();
    baseline.accept(&run());
    let mut later = baseline.clone();
    later.today = date!(2027 - 09 - 21);
    let mut run_later = run();
    later.apply(&mut run_later);
    assert_eq!(run_later.exit_code, exit::STALE_BASELINE);
    let why = &run_later.baseline.as_ref().unwrap().stale[0].why;
    assert!(why.contains("expired on 2026-12-20 and still fails"), "{why}");
    baseline.known[0].expires = None;
    let stale = baseline.stale(&run());
    assert!(stale[0].why.contains("needs `expires`"), "{stale:?}");
    baseline.known[0].case = "callback/state-cross-sesion".to_owned();
    let stale = baseline.stale(&run());
    assert!(
        stale[0].why.contains("did you mean callback/state-cross-session"),
        "{stale:?}"
    );
}

#[test]
fn what_was_not_judged_says_nothing_about_an_entry() {
    let mut baseline = empty();
    baseline.accept(&run());
    let mut partial = run();
    partial.cases[1].verdict = Word::Inconclusive;
    partial.cases.truncate(2);
    assert_eq!(baseline.stale(&partial), []);
}

#[test]
fn a_file_is_written_as_it_is_read_and_mistakes_are_told() {
    let mut baseline = empty();
    baseline.accept(&run());
    baseline.known[0].owner = Some("@web-team \"quoted\"".to_owned());
    let text = baseline.text();
    let read = Baseline::parse(&text, &baseline.file, baseline.today).unwrap();
    assert_eq!(read, baseline);
    for (text, said) in [
        ("[[known]]\ncase = 7\n", "invalid type"),
        ("[[known]]\ncase = \"a/b\"\n", "missing field"),
        ("[[knwon]]\n", "unknown field"),
        (
            "[[known]]\ncase = \"a/b\"\ncheck = \"c\"\nfingerprint = \"f\"\nexpires = 10:00:00\n",
            "is no day",
        ),
    ] {
        let error = Baseline::parse(text, &baseline.file, baseline.today)
            .unwrap_err()
            .to_string();
        assert!(error.contains("is no baseline") && error.contains(said), "{error}");
    }
}

#[test]
fn the_command_works_on_a_stored_run() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(kept.join("run.json"), store::text(&run())).unwrap();
    let baseline = |command: &str, ci: &str, said: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .current_dir(folder.path())
            .args(["baseline", command, "kept"])
            .env("CI", ci)
            .env_remove("CONFORMANCE_BASELINE")
            .write_stdin(said)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    };
    let (code, text) = baseline("accept", "true", "");
    assert_eq!(code, 2);
    assert!(text.contains("a pipeline does not accept its own failures"), "{text}");
    let (code, text) = baseline("accept", "", "");
    assert_eq!(code, 0, "{text}");
    let (code, text) = baseline("check", "", "");
    assert_eq!(code, 5, "reasons are missing: {text}");
    assert!(text.contains("`reason` is empty"), "{text}");
    let (code, text) = baseline("review", "", "being rewritten\nremove\n");
    assert_eq!(code, 0, "{text}");
    // Whoever is asked sees what the finding is.
    assert!(
        text.contains("  the callback accepts a code with somebody else's state\n")
            || text.contains("  observed: 302 /dashboard;"),
        "{text}"
    );
    assert_eq!(text.matches("  observed: ").count(), 2, "{text}");
    let (code, text) = baseline("check", "", "");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("1 entry in conformance-baseline.toml, 0 stale, 0 to see to"),
        "{text}"
    );
    let (code, text) = baseline("prune", "", "");
    assert_eq!((code, text.as_str()), (0, "0 entries removed, 1 left\n"));
}
