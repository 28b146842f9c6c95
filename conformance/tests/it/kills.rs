//! Runs that are ended at a random moment, from the first millisecond to the last: nothing is left running, and what was
//! judged is kept. Every test run ends a few; thirty, with their figures, are ended by
//!
//! `KILLS=30 SEED=1 cargo test -p conformance --test it kills::as_many -- --ignored --nocapture`
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    fs::File,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use conformance::report::{document::Run, journal, store};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    hostile_pages::{processes, soon},
    kept,
    webdriver::machine_has_a_browser,
};

const SIGNALS: [&str; 3] = ["-INT", "-TERM", "-KILL"];
const OPTIONS: &[&str] = &["run", "--out", "kept", "--report", "junit", "--timeout", "5"];

/// Who walks in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walker {
    Http,
    Browser,
}

/// What a kill left behind.
struct Left {
    status: ExitStatus,
    /// From the signal to the end of the program.
    took: Duration,
    /// From there to the end of all that it had started.
    cleared: Duration,
    judged: usize,
    selected: usize,
}

#[test]
fn nothing_is_lost_and_nothing_left_when_runs_are_killed() {
    kill_some(3, 7, &[Walker::Http]);
}

#[test]
#[ignore = "takes minutes: KILLS=30 SEED=1"]
fn as_many_runs_as_are_asked_for() {
    let number = |name: &str, usual: u64| {
        let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
        given.unwrap_or(usual)
    };
    let walkers: &[Walker] = match machine_has_a_browser() {
        true => &[Walker::Http, Walker::Http, Walker::Browser],
        false => &[Walker::Http],
    };
    kill_some(
        usize::try_from(number("KILLS", 30)).unwrap(),
        number("SEED", 1),
        walkers,
    );
}

/// Ends so many runs, with each signal in turn, at moments that the seed decides.
#[allow(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn kill_some(count: usize, seed: u64, walkers: &[Walker]) {
    let mut random = StdRng::seed_from_u64(seed);
    let whole: Vec<Duration> = walkers.iter().map(|walker| length_of_a_run(*walker)).collect();
    for number in 0..count {
        // Each signal meets each kind of walker, whatever the count.
        let (signal, at) = (SIGNALS[number % 3], (number / 3 + number) % walkers.len());
        let moment = whole[at].mul_f64(random.random::<f64>());
        let left = kill_one(walkers[at], signal, moment);
        println!(
            "{number:>2}  {signal:<5}  {:<8}at {:>6.0} ms  {:<18}  {:>3} of {} cases kept  ended after {:>4.0} ms, the rest after {:>4.0} ms",
            format!("{:?}", walkers[at]).to_lowercase(),
            moment.as_secs_f64() * 1e3,
            left.status
                .code()
                .map_or_else(|| left.status.to_string(), |code| format!("exit {code}")),
            left.judged,
            left.selected,
            left.took.as_secs_f64() * 1e3,
            left.cleared.as_secs_f64() * 1e3,
        );
    }
}

/// The app, a child of it in its process group, and a daemon that has left the group.
fn folder() -> tempfile::TempDir {
    let folder = kept::folder();
    let file = folder.path().join("conformance.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let command = "command = \"sleep 600 & setsid sleep 600 & exec ";
    let text = text.replace("command = \"exec ", command);
    assert!(text.contains(command));
    std::fs::write(file, text).unwrap();
    folder
}

fn start(folder: &Path, walker: Walker) -> Command {
    let mut run = kept::conformance(folder, "state-unchecked", OPTIONS);
    match walker {
        Walker::Http => run.arg("callback"),
        // Browsers take their time.
        Walker::Browser => run.args([
            "callback/state-mismatch",
            "callback/state-missing",
            "--driver",
            "webdriver",
        ]),
    };
    // Everything that is started has the folder in its environment, by which it is found.
    run.env("TMPDIR", folder)
        .stdout(File::create(folder.join("told")).unwrap())
        .stderr(Stdio::null());
    run
}

fn length_of_a_run(walker: Walker) -> Duration {
    let folder = folder();
    let began = Instant::now();
    let status = start(folder.path(), walker).status().unwrap();
    assert_eq!(status.code(), Some(1), "the app has a flaw");
    began.elapsed()
}

fn kill_one(walker: Walker, signal: &str, moment: Duration) -> Left {
    let folder = folder();
    let mut run = start(folder.path(), walker).spawn().unwrap();
    // No condition to wait for: the moment is what is tested.
    std::thread::sleep(moment);
    let _over = Command::new("kill")
        .args([signal, &run.id().to_string()])
        .stderr(Stdio::null())
        .status();
    let sent = Instant::now();
    let status = run.wait().unwrap();
    let took = sent.elapsed();
    let mark = folder.path().display().to_string();
    assert!(
        soon(|| processes(&mark).is_empty()),
        "{signal} after {moment:?} left {:?}",
        processes(&mark)
    );
    let cleared = sent.elapsed().saturating_sub(took);
    let (judged, selected) = what_is_kept(folder.path(), signal, status);
    Left {
        status,
        took,
        cleared,
        judged,
        selected,
    }
}

/// Cases that are kept, of so many.
fn what_is_kept(folder: &Path, signal: &str, status: ExitStatus) -> (usize, usize) {
    let kept = folder.join("kept");
    let read = |name: &str| std::fs::read_to_string(kept.join(name)).ok();
    let Some(journal) = read("journal.ndjson").and_then(|text| journal::read(&text)) else {
        // It had not begun: there was nothing to judge.
        assert!(status.code() != Some(1) && read("run.json").is_none());
        return (0, 0);
    };
    let stored = store::read(&kept).unwrap();
    let run = &stored.run;
    let told = std::fs::read_to_string(folder.join("told")).unwrap();
    let told: BTreeSet<&str> = told.lines().filter_map(case_of_line).collect();
    assert!(
        told.is_subset(&ids(run)) && ids(&journal) == ids(run),
        "what was told is kept"
    );
    for case in &run.cases {
        let evidence = case.evidence.is_none() || store::read_evidence(&kept, case).is_ok();
        assert!(evidence, "{} has its evidence", case.id);
    }
    let is_whole = run.cases.len() == run.run.selected;
    assert_eq!(run.run.partial, !is_whole || stored.from_journal.is_some());
    if stored.from_journal.is_none() {
        let junit = quick_junit::Report::deserialize_from_str(&read("junit.xml").unwrap()).unwrap();
        let cases: usize = junit.test_suites.iter().map(|suite| suite.test_cases.len()).sum();
        assert!(
            cases >= run.cases.len(),
            "{cases} in JUnit, {} in run.json",
            run.cases.len()
        );
        // It was interrupted, or over before the signal came.
        let expected = if run.run.interrupted { 130 } else { 1 };
        assert_eq!(status.code(), Some(expected));
    } else {
        assert_eq!(
            (signal, status.code()),
            ("-KILL", None),
            "only a kill keeps run.json from being written"
        );
    }
    let shown = kept::conformance(folder, "", &["show", "kept"]).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    (run.cases.len(), run.run.selected)
}

fn ids(run: &Run) -> BTreeSet<&str> {
    run.cases.iter().map(|case| case.id.as_str()).collect()
}

/// The case in a line such as `[12/40] pass callback/clean-url 0.12s MUST`.
fn case_of_line(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let is_case = words.next()?.strip_prefix('[')?.ends_with(']');
    words.nth(1).filter(|id| is_case && id.contains('/'))
}
