//! Whoever reads standard output: slowly, not to the end, or not at all. Results and exit code are those of the verdicts.
#![cfg(target_os = "linux")]

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use conformance::report::store;

use crate::{hostile_pages::soon, kept};

/// Reads one byte a second until the run's results lie there, then the rest, and says how much that was. Its pipe is as small
/// as pipes get, so that whoever waits for the reader would wait for minutes.
const SLOW: &str = r#"
import fcntl, os, sys, time
fcntl.fcntl(0, 1031, 4096)
while not os.path.exists("kept/run.json"):
    assert os.read(0, 1), "it ended without results"
    time.sleep(1)
print(1 + len(sys.stdin.buffer.read()))
"#;

/// Reads nothing until it is killed.
const DEAF: &str = r#"
import fcntl, time
fcntl.fcntl(0, 1031, 4096)
open("deaf", "w").close()
time.sleep(600)
"#;

/// Cases about which more is said than such a pipe holds.
const MANY: &str = "callback id-token authorization";

/// `conformance run callback/state-mismatch CASES… | READER` in a shell: the exit codes of both, and what the reader said.
fn piped(folder: &Path, cases: &str, reader: &str) -> (String, String) {
    let program = env!("CARGO_BIN_EXE_conformance");
    let script = format!("'{program}' run {cases} --out kept {reader}; echo \"codes ${{PIPESTATUS[*]}}\"");
    let output = shell(folder, &script).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (said, codes) = text.split_once("codes ").unwrap();
    (codes.trim().to_owned(), said.trim().to_owned())
}

fn shell(folder: &Path, script: &str) -> Command {
    // The variables of whoever runs the tests are taken away there.
    let like = kept::conformance(folder, "state-unchecked", &[]);
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).current_dir(folder).stdin(Stdio::null());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    bash
}

#[test]
fn a_failed_case_is_red_whoever_reads() {
    let folder = kept::folder();
    let cases = "callback/state-mismatch callback/state-missing";
    for (reader, its_code) in [
        ("| grep -q target", "0"),
        ("| head -1", "0"),
        ("| head -c 0", "0"),
        ("| true", "0"),
    ] {
        let (codes, _) = piped(folder.path(), cases, reader);
        assert_eq!(codes, format!("1 {its_code}"), "{reader}");
        let run = store::read(&folder.path().join("kept")).unwrap().run;
        assert_eq!(
            (run.cases.len(), run.exit_code, run.run.partial),
            (2, 1, false),
            "{reader}"
        );
        assert!(folder.path().join("kept/report.html").is_file(), "{reader}");
    }
    // As scripts write it.
    let program = env!("CARGO_BIN_EXE_conformance");
    let script = format!("set -euo pipefail; '{program}' run {cases} | grep -q target; echo green");
    let output = shell(folder.path(), &script).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
}

#[test]
fn a_reader_of_a_byte_a_second_holds_nothing_up_and_gets_everything() {
    let folder = kept::folder();
    std::fs::write(folder.path().join("slow.py"), SLOW).unwrap();
    let (codes, read) = piped(folder.path(), MANY, "| python3 slow.py");
    assert_eq!(codes, "1 0", "{read}");
    assert!(
        read.parse::<usize>().unwrap() > 4096,
        "more than its pipe holds: {read}"
    );
}

#[test]
fn a_reader_who_reads_nothing_is_left_by_an_interrupt() {
    let folder = kept::folder();
    std::fs::write(folder.path().join("deaf.py"), DEAF).unwrap();
    let mut deaf = Command::new("python3")
        .arg("deaf.py")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(soon(|| folder.path().join("deaf").exists()), "its pipe is small");
    let arguments: Vec<&str> = ["run"]
        .into_iter()
        .chain(MANY.split(' '))
        .chain(["--out", "kept"])
        .collect();
    let mut run = kept::conformance(folder.path(), "state-unchecked", &arguments)
        .stdout(deaf.stdin.take().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(
        soon(|| folder.path().join("kept/report.html").exists()),
        "results are not held up"
    );
    assert!(run.try_wait().unwrap().is_none(), "it waits for its reader");
    let interrupted = Instant::now();
    let mut ended = None;
    let is_over = soon(|| {
        // Whoever presses the keys once more is heard as well.
        let _sent = Command::new("kill")
            .args(["-INT", &run.id().to_string()])
            .stderr(Stdio::null())
            .status();
        ended = run.try_wait().unwrap();
        ended.is_some()
    });
    deaf.kill().unwrap();
    deaf.wait().unwrap();
    if !is_over {
        run.kill().unwrap();
    }
    assert!(is_over, "it still waits after {:?}", interrupted.elapsed());
    assert_eq!(ended.unwrap().code(), Some(1), "the verdicts stand");
}
