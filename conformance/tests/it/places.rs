//! Places that cannot be written, and files that are not what they should be: told, with a fitting code, and without the loss
//! of a verdict.

use std::path::Path;

use conformance::{
    exit,
    report::{document::Run, kind::Kind, store},
};

use crate::{
    kept::{conformance, folder, outcome, stored},
    report::document,
};

/// Every form of a report but the one for terminals, by its name.
fn forms() -> impl Iterator<Item = &'static str> {
    Kind::ALL
        .iter()
        .filter(|(kind, ..)| *kind != Kind::Text)
        .map(|(_, name, _)| *name)
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_costs_no_verdict() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("a-folder")).unwrap();
    std::fs::write(folder.path().join("a-file"), "").unwrap();
    for (flaw, code) in [("", exit::USAGE), ("state-unchecked", exit::FAILED)] {
        let mut arguments = vec!["run".to_owned(), "callback/state-mismatch".to_owned()];
        arguments.extend(["--out".to_owned(), "kept".to_owned()]);
        // A full disk, a folder in the way, a file where a folder must be, a place where nothing can be made.
        let places = ["/dev/full", "a-folder", "a-file/below", "/proc/nowhere/report"];
        let wanted: Vec<String> = forms()
            .zip(places.iter().cycle())
            .map(|(form, place)| format!("{form}={place}"))
            .collect();
        assert!(wanted.len() >= 8, "{wanted:?}");
        arguments.extend(["--report".to_owned(), wanted.join(",")]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (got, text) = outcome(&mut conformance(folder.path(), flaw, &arguments));
        assert_eq!(got, i32::from(code), "{text}");
        for place in places {
            let told = text
                .lines()
                .filter(|line| line.starts_with("error: ") && line.contains(place))
                .count();
            let asked = wanted.iter().filter(|own| own.ends_with(place)).count();
            assert_eq!(told, asked, "each is told: {place}: {text}");
        }
        let run = stored(&folder.path().join("kept")).run;
        assert_eq!(run.cases.len(), 1, "the verdicts are kept");
        assert!(text.contains("1 case: "), "{text}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
        let is_half = |entry: &&std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".part");
        assert!(
            !left.iter().any(|entry| is_half(&entry)),
            "nothing half is left: {left:?}"
        );
    }
}

#[test]
fn a_summary_that_cannot_be_written_is_told_and_costs_no_verdict() {
    let folder = folder();
    let arguments = ["run", "callback/state-mismatch", "--out", "kept"];
    let mut command = conformance(folder.path(), "state-unchecked", &arguments);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", "/dev/full");
    let (code, text) = outcome(&mut command);
    assert_eq!(code, i32::from(exit::FAILED), "{text}");
    assert!(text.contains("the step's summary cannot be written: "), "{text}");
    assert!(text.contains("::error file="), "{text}");
}

#[test]
fn a_stored_run_is_not_written_where_nothing_can_be() {
    let folder = folder();
    keep(folder.path(), "kept", &document());
    for arguments in [
        &["show", "kept", "--format", "junit", "--output", "/dev/full"][..],
        &["show", "kept", "--format", "html", "--output", "kept/run.json/below"],
        &["report", "merge", "kept", "--out", "kept/run.json"],
        &[
            "report",
            "merge",
            "kept",
            "--out",
            "merged",
            "--report",
            "junit=/dev/full",
        ],
        &["baseline", "accept", "kept", "--baseline", "kept/run.json/below"],
    ] {
        let (code, text) = outcome(&mut conformance(folder.path(), "", arguments));
        assert!([2, 74].contains(&code), "{arguments:?}: {code} {text}");
        let last = arguments.last().unwrap().trim_start_matches("junit=");
        assert!(text.contains("error: ") && text.contains(last), "{arguments:?}: {text}");
    }
    assert_eq!(stored(&folder.path().join("kept")).run, document(), "it is as it was");
}

fn keep(folder: &Path, name: &str, run: &Run) {
    std::fs::create_dir_all(folder.join(name)).unwrap();
    std::fs::write(folder.join(name).join("run.json"), store::text(run)).unwrap();
}

/// What is no run of ours, whole or in part, is called so by every command that reads one.
#[test]
fn half_a_run_and_somebody_elses_are_refused_by_every_command() {
    let folder = folder();
    keep(folder.path(), "good", &document());
    let whole = store::text(&document());
    let files: &[(&str, &[u8], &str)] = &[
        ("half", &whole.as_bytes()[..whole.len() / 2], "torn or no JSON"),
        ("empty", b"", "torn or no JSON"),
        ("foreign", b"{\"results\": [], \"version\": \"2.1.0\"}", "it lacks"),
        ("list", b"[1, 2]", "it lacks"),
        ("bytes", b"\xff\xfe\x00{", "no text"),
        ("later", b"{\"schema\": \"conformance-run/2\"}", "conformance-run/2"),
        (
            "shaped",
            b"{\"schema\": \"conformance-run/1\", \"run\": {\"id\": 7}, \"target\": {}, \"cases\": [], \"counts\": {}, \"exit_code\": 0}",
            "expected a string",
        ),
    ];
    for (name, bytes, why) in files {
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("run.json"), bytes).unwrap();
        for arguments in [
            &["show", name][..],
            &["show", name, "--format", "html"],
            &["diff", "good", name],
            &["rejudge", name],
            &["replay", name],
            &["report", "merge", "good", name, "--out", "merged"],
            &["baseline", "accept", name],
            &["baseline", "prune", name],
            &["baseline", "check", name],
        ] {
            let (code, text) = outcome(&mut conformance(folder.path(), "", arguments));
            assert_eq!(code, i32::from(exit::USAGE), "{arguments:?}: {text}");
            assert!(
                text.contains("no run of this program") && text.contains(why),
                "{arguments:?}: {text}"
            );
        }
        assert!(!folder.path().join("merged").exists() && !folder.path().join("conformance-baseline.toml").exists());
    }
}

/// Cases that a later or an earlier version knew are no reason to refuse a run.
#[test]
fn a_run_with_cases_that_nobody_knows_is_read_all_the_same() {
    let folder = folder();
    let mut run = document();
    run.cases[1].id = "callback/of-another-version".to_owned();
    keep(folder.path(), "kept", &run);
    for (kind, name, _) in Kind::ALL {
        let (code, text) = outcome(&mut conformance(folder.path(), "", &["show", "kept", "--format", name]));
        assert_eq!(code, 0, "{kind:?}: {text}");
        assert!(text.contains("callback/of-another-version"), "{kind:?}: {text}");
    }
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["rejudge", "kept"]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("this version has no such case"), "{text}");
}

#[test]
fn a_baseline_with_cases_that_nobody_knows_is_told() {
    let folder = folder();
    let entry = |case: &str| {
        format!(
            "[[known]]\ncase = \"{case}\"\ncheck = \"refuses-sign-in\"\nfingerprint = \"b41d9c\"\nreason = \"later\"\nexpires = 2999-01-01\n"
        )
    };
    let file = folder.path().join("conformance-baseline.toml");
    std::fs::write(&file, entry("callback/state-mismach") + &entry("no/such-case")).unwrap();
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "",
        &["run", "callback/state-mismatch", "--out", "kept"],
    ));
    assert_eq!(code, i32::from(exit::STALE_BASELINE), "{text}");
    for said in [
        "no case is called `callback/state-mismach`; did you mean callback/state-mismatch?",
        "no case is called `no/such-case`",
        "conformance baseline prune",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["baseline", "check", "kept"]));
    assert_eq!(code, i32::from(exit::STALE_BASELINE), "{text}");
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["baseline", "prune", "kept"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 entries removed, 0 left"), "{text}");
    std::fs::write(&file, "[[known]]\ncase = 7\n").unwrap();
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["run", "callback/state-mismatch"]));
    assert_eq!(code, i32::from(exit::USAGE), "{text}");
    assert!(text.contains("is no baseline"), "{text}");
}
