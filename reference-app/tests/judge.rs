//! The judge of mutation testing: drives this app, with one mutation in it, through the whole suite and says whether
//! anything was noticed. `.ci/mutants` has cargo-mutants run it for every mutant; it is no part of `cargo test`
//! (`test = false` in Cargo.toml).
//!
//! The harness comes as a binary (`CONFORMANCE`), so that a mutant costs one small build. The quick lanes are asked
//! first and the others only about what survived them; `JUDGE=quick` and `JUDGE=rest` ask one of the two. A mutant is
//! noticed in one of two ways:
//!
//! - **by a red case**: a case fails or warns, or the sign-in does not work at all. The run is broken off there.
//! - **by another result**: a case has another verdict or another note than the app without a mutation (`RIGHT_APP`) gets.
//!   Somebody who looks at the report after a change sees that. On a busy machine it also happens by chance, so those
//!   cases are asked again alone: of the mutant and of the right app, twice each and in turns. It counts when both get the
//!   same result both times, and the two results differ.
//!
//! What the right app gets is recorded first, with `JUDGE=record`, in the file that `RIGHT_RESULTS` names.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a judge that cannot go on should stop, and its log is what it prints"
)]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// How this app is driven; only how it is started differs here.
const CONFIG: &str = include_str!("../conformance.toml");

/// The app that Cargo has just built, with the mutation in it.
const APP: &str = env!("CARGO_BIN_EXE_reference-app");

/// What is asked, in this order; the cheapest first.
const STAGES: [Stage; 4] = [
    Stage::of(&["lane:watch", "lane:parallel"]),
    Stage::of(&["lane:alone", "lane:server", "lane:restart"]),
    // One limit of a session at a time: with both the shorter one would hide the other.
    Stage {
        idle: 5,
        ..Stage::of(&["session/lifetime"])
    },
    Stage {
        lifetime: 5,
        ..Stage::of(&["session/lifetime"])
    },
];

/// How often the right app is asked when its results are recorded: what differs by chance should be seen to.
const RECORDINGS: usize = 3;

struct Stage {
    selectors: &'static [&'static str],
    /// Seconds that a session may be idle; 0: as the app has it.
    idle: u32,
    /// Seconds that a session may live; 0: as the app has it.
    lifetime: u32,
}

impl Stage {
    const fn of(selectors: &'static [&'static str]) -> Self {
        Self {
            selectors,
            idle: 0,
            lifetime: 0,
        }
    }

    /// The configuration with this binary instead of a build, and these limits.
    fn config(&self, app: &str) -> String {
        let mut lines = Vec::new();
        for line in CONFIG.lines().filter(|line| !line.starts_with("build = ")) {
            if line.starts_with("command = ") {
                lines.push(format!("command = '''exec \"{app}\"'''"));
                continue;
            }
            let mut line = line.to_owned();
            for (limit, variable, declaration) in [
                (self.idle, "SESSION_IDLE_SECONDS", "session_idle"),
                (self.lifetime, "SESSION_MAX_SECONDS", "session_lifetime"),
            ] {
                if limit > 0 && line.starts_with("env = { ") {
                    line = line.replacen("env = { ", &format!("env = {{ {variable} = \"{limit}\", "), 1);
                } else if limit > 0 && line == "[target.declares]" {
                    line.push_str(&format!("\n{declaration} = {limit}"));
                }
            }
            lines.push(line);
        }
        lines.join("\n")
    }
}

/// What a case came to, as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    verdict: String,
    notes: Vec<String>,
}

type Outcomes = BTreeMap<String, Outcome>;

/// What the right app got: for each stage, one or more runs.
type Recorded = Vec<Vec<Outcomes>>;

fn main() -> ExitCode {
    let judge = Judge {
        harness: std::env::var_os("CONFORMANCE").unwrap_or_else(|| "conformance".into()),
        folder: tempfile::tempdir().unwrap(),
    };
    let recorded = PathBuf::from(std::env::var_os("RIGHT_RESULTS").unwrap());
    let way = std::env::var("JUDGE").unwrap_or_default();
    if way == "record" {
        let all: Recorded = STAGES.iter().map(|stage| judge.record(stage)).collect();
        fs::write(recorded, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
        return ExitCode::SUCCESS;
    }
    let recorded: Recorded = serde_json::from_slice(&fs::read(recorded).unwrap()).unwrap();
    let asked = match way.as_str() {
        "quick" => 0..1,
        "rest" => 1..STAGES.len(),
        _ => 0..STAGES.len(),
    };
    for (stage, right) in STAGES[asked.clone()].iter().zip(&recorded[asked]) {
        match judge.try_mutant(stage, right) {
            Answer::Unnoticed => {}
            Answer::Noticed(by) => {
                println!("noticed by {by}");
                return ExitCode::FAILURE;
            }
            Answer::Broken(code) => {
                // A judge that does not work must not count as one that noticed something.
                println!("the judge does not work: {code:?}");
                return ExitCode::SUCCESS;
            }
        }
    }
    println!("unnoticed");
    ExitCode::SUCCESS
}

/// What is said of a mutant.
enum Answer {
    Unnoticed,
    Noticed(String),
    Broken(Option<i32>),
}

/// How a run ended.
enum Run {
    /// It went to its end.
    Whole(Outcomes),
    /// It was broken off at this case.
    Red(String),
    /// The sign-in does not work, or a case ended in an error.
    NothingWorks,
    /// Neither is the app's doing.
    Broken(Option<i32>),
}

struct Judge {
    harness: OsString,
    folder: TempDir,
}

impl Judge {
    fn record(&self, stage: &Stage) -> Vec<Outcomes> {
        let one = |_| match self.run(stage, APP, stage.selectors) {
            Run::Whole(outcomes) => outcomes,
            Run::Red(case) => panic!("the app without a mutation is not right: {case}"),
            Run::NothingWorks => panic!("nobody can sign in to the app without a mutation"),
            Run::Broken(code) => panic!("the harness does not work: {code:?}"),
        };
        (0..RECORDINGS).map(one).collect()
    }

    fn try_mutant(&self, stage: &Stage, right: &[Outcomes]) -> Answer {
        let mut run = self.run(stage, APP, stage.selectors);
        if matches!(run, Run::NothingWorks) {
            run = self.run(stage, APP, stage.selectors);
        }
        let outcomes = match run {
            Run::Whole(outcomes) => outcomes,
            Run::Red(case) => return Answer::Noticed(format!("a red case: {case}")),
            Run::NothingWorks => return Answer::Noticed("a red case: the control sign-in, or an error".to_owned()),
            Run::Broken(code) => return Answer::Broken(code),
        };
        let differs = |(case, found): &(&String, &Outcome)| right.iter().all(|right| right.get(*case) != Some(*found));
        let suspects: Vec<&str> = outcomes.iter().filter(differs).map(|(case, _)| case.as_str()).collect();
        self.confirm(stage, &suspects)
            .map_or(Answer::Unnoticed, Answer::Noticed)
    }

    /// Asks these cases again: of the mutant and of the right app, twice each and in turns.
    fn confirm(&self, stage: &Stage, suspects: &[&str]) -> Option<String> {
        if suspects.is_empty() {
            return None;
        }
        println!("another result in: {}", suspects.join(" "));
        let right_app = std::env::var("RIGHT_APP").unwrap();
        let mut runs = Vec::new();
        for app in [APP, &right_app, APP, &right_app] {
            match self.run(stage, app, suspects) {
                Run::Whole(outcomes) => runs.push(outcomes),
                Run::Red(case) if app == APP => return Some(format!("a red case: {case}")),
                _ => return None,
            }
        }
        suspects.iter().find_map(|case| {
            let [mutant, right, mutant_again, right_again] = [0, 1, 2, 3].map(|run| runs[run].get(*case));
            let told =
                |outcome: Option<&Outcome>| outcome.map(|Outcome { verdict, notes }| format!("{verdict} {notes:?}"));
            (mutant == mutant_again && right == right_again && mutant != right).then(|| {
                format!(
                    "another result: {case}: {} instead of {}",
                    told(mutant).unwrap_or_default(),
                    told(right).unwrap_or_default()
                )
            })
        })
    }

    /// Runs these cases and breaks off at the first that is red.
    fn run(&self, stage: &Stage, app: &str, selectors: &[&str]) -> Run {
        let config = self.folder.path().join("conformance.toml");
        fs::write(&config, stage.config(app)).unwrap();
        let out = self.folder.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let mut run = Command::new(&self.harness);
        run.arg("run").arg(config).args(selectors).arg("--out").arg(&out);
        run.args(["--fail-on", "warn", "--seed", "5eed", "--color", "never"]);
        let mut run = run.env_remove("GITHUB_ACTIONS").stdout(Stdio::piped()).spawn().unwrap();
        for line in BufReader::new(run.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // "[ 7/48] FAIL callback/state-missing 0.24s MUST"
            let told = line.strip_prefix('[').and_then(|line| line.split_once("] "));
            if let Some((_, case)) = told.filter(|(_, case)| case.starts_with("FAIL ") || case.starts_with("WARN ")) {
                // The harness's watchdog ends the app.
                run.kill().unwrap();
                run.wait().unwrap();
                return Run::Red(case.to_owned());
            }
            println!("{line}");
        }
        match run.wait().unwrap().code() {
            // 6: something was inconclusive, which on a busy machine happens to an app without a fault.
            Some(0 | 6) => {
                let document = fs::read(out.join("run.json")).unwrap();
                Run::Whole(serde_json::from_slice::<Document>(&document).unwrap().outcomes())
            }
            Some(3) => Run::NothingWorks,
            Some(1) => Run::Red("named at the end of the run".to_owned()),
            other => Run::Broken(other),
        }
    }
}

/// The harness's `run.json`, as far as it is read.
#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(flatten)]
    outcome: Outcome,
}

impl Document {
    fn outcomes(self) -> Outcomes {
        let mut outcomes = Outcomes::new();
        for mut case in self.cases {
            case.outcome.notes.sort();
            outcomes.insert(case.id, case.outcome);
        }
        outcomes
    }
}
