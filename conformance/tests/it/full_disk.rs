//! A disk that fills up in the middle of a run: it is said, the verdicts decide the exit code, and what could be written is
//! there.
#![cfg(target_os = "linux")]

use std::{
    path::Path,
    process::{Command, Stdio},
};

use conformance::report::{journal, store};

use crate::kept;

/// A run inside a shell, with what the shell does before and after it.
#[derive(Default)]
struct Script<'s> {
    flaw: &'s str,
    /// In a namespace in which it may mount.
    unshared: bool,
    before: &'s str,
    arguments: &'s str,
    after: &'s str,
}

impl Script<'_> {
    /// Exit code of the run, what `after` said, and standard error.
    fn run(&self, folder: &Path) -> (i32, String, String) {
        let program = env!("CARGO_BIN_EXE_conformance");
        let script = format!(
            "{}\n'{program}' run {} > told; code=$?\n{}\nexit $code",
            self.before, self.arguments, self.after
        );
        let mut shell = match self.unshared {
            true => Command::new("unshare"),
            false => Command::new("bash"),
        };
        if self.unshared {
            shell.args(["-rm", "bash"]);
        }
        shell.args(["-c", &script]).current_dir(folder).stdin(Stdio::null());
        for (name, value) in kept::conformance(folder, self.flaw, &[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = shell.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap_or(-1),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

#[test]
fn what_is_too_large_is_named_and_the_verdicts_hold() {
    let folder = kept::folder();
    // No file may grow over 100 KiB: what is larger fails in the middle of a write. Needs no rights.
    let (code, _, error) = Script {
        flaw: "state-unchecked",
        before: "trap '' XFSZ; ulimit -f 100",
        arguments: "callback --out kept --report junit,html",
        ..Script::default()
    }
    .run(folder.path());
    assert_eq!(code, 1, "{error}");
    for what in ["the journal cannot be written", "run.json cannot be written"] {
        assert_eq!(error.matches(what).count(), 1, "{what} is said once: {error}");
    }
    let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
    assert!(
        told.contains("FAIL callback/state-mismatch") && told.contains("exit 1"),
        "{told}"
    );
    // The journal as far as it fits, without the line that was cut; no half of anything else.
    let kept = folder.path().join("kept");
    let stored = store::read(&kept).unwrap();
    assert!(
        stored.from_journal.is_some() && stored.run.cases.len() > 3,
        "{}",
        stored.run.cases.len()
    );
    for half in ["run.json", "run.json.part", "report.html.part", "junit.xml.part"] {
        assert!(!kept.join(half).exists(), "{half}");
    }
    assert!(kept.join("junit.xml").exists(), "what fits is written");
    for case in &stored.run.cases {
        let file = kept.join(case.evidence.as_ref().unwrap());
        assert!(
            !file.exists() || store::read_evidence(&kept, case).is_ok(),
            "{}",
            case.id
        );
    }
}

#[test]
fn a_green_run_that_cannot_be_kept_is_not_what_was_asked_for() {
    let folder = kept::folder();
    let (code, _, error) = Script {
        before: "trap '' XFSZ; ulimit -f 65",
        arguments: "callback/state-mismatch callback/state-missing id-token/aud-wrong authorization token-request --out kept",
        ..Script::default()
    }
    .run(folder.path());
    assert!(
        code == 2 && error.contains("run.json cannot be written"),
        "{code}: {error}"
    );
    for (flaw, expected) in [("", 2), ("state-unchecked", 1)] {
        let (code, _, error) = Script {
            flaw,
            arguments: "callback/state-mismatch --report junit=/dev/full",
            ..Script::default()
        }
        .run(folder.path());
        assert_eq!(code, expected, "{flaw}: {error}");
        assert!(
            error.contains("/dev/full cannot be written: No space left on device"),
            "{error}"
        );
    }
}

/// Mounts a file system of so many KiB at `kept`, which is gone with the last process of its namespace. `None` where nobody
/// may do that.
fn small_disk(kib: u32) -> Option<String> {
    let can = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    can.is_ok_and(|status| status.success())
        .then(|| format!("mkdir -p kept && mount -t tmpfs -o size={kib}k tmpfs kept || exit 99"))
}

#[test]
fn a_disk_that_fills_up_keeps_its_last_bytes_for_the_verdicts() {
    let Some(mount) = small_disk(3_000) else { return };
    let folder = kept::folder();
    let (code, evidence, error) = Script {
        flaw: "state-unchecked",
        unshared: true,
        before: &mount,
        arguments: "callback token-request --out kept --report junit",
        after: "cp kept/run.json kept/junit.xml kept/journal.ndjson .; ls kept/evidence | wc -l",
    }
    .run(folder.path());
    assert_eq!(code, 1, "{error}");
    let told = "evidence cannot be written from here on, verdicts still are, in kept: No space left on device";
    assert_eq!(error.matches(told).count(), 1, "{error}");
    let kept = store::read(folder.path()).unwrap();
    assert_eq!(kept.from_journal, None);
    assert_eq!(kept.run.cases.len(), kept.run.run.selected);
    let evidence: usize = evidence.trim().parse().unwrap();
    let cases = kept.run.cases.len();
    assert!(evidence > 0 && evidence < cases, "{evidence} of {cases}");
    let lines = std::fs::read_to_string(folder.path().join("journal.ndjson")).unwrap();
    assert_eq!(
        journal::read(&lines).unwrap().cases.len(),
        cases,
        "the journal goes on to the end"
    );
    assert!(folder.path().join("junit.xml").is_file());
}

#[test]
fn a_disk_that_is_full_already_is_told_before_anything_is_walked() {
    let Some(mount) = small_disk(20) else { return };
    let folder = kept::folder();
    let (code, _, error) = Script {
        unshared: true,
        before: &mount,
        arguments: "callback --out kept",
        ..Script::default()
    }
    .run(folder.path());
    assert_eq!(code, 2, "{error}");
    assert!(
        error.contains("kept cannot be written to: No space left on device"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("told")).unwrap(), "");
}
