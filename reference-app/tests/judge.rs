//! The judge of mutation testing: drives this app, with one mutation in it, through the whole suite and says whether
//! anything was noticed. `.ci/mutants` has cargo-mutants run it for every mutant; it is no part of `cargo test`
//! (`test = false` in Cargo.toml).
//!
//! The harness comes as a binary (`CONFORMANCE`), so that a mutant costs one small build. The quick lanes are asked
//! first and the others only about what survived them (never with `JUDGE=quick`), and the run is broken off at the first
//! finding. A mutant is noticed when a case fails or warns, or when the sign-in does not work at all; what merely decides
//! nothing counts as unnoticed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a judge that cannot go on should stop, and its log is what it prints"
)]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// How this app is driven; only how it is started differs here.
const CONFIG: &str = include_str!("../conformance.toml");

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

    /// The configuration with the binary that Cargo has just built instead of a build of its own, and these limits.
    fn config(&self) -> String {
        let mut lines = Vec::new();
        for line in CONFIG.lines().filter(|line| !line.starts_with("build = ")) {
            if line.starts_with("command = ") {
                lines.push(format!(
                    "command = '''exec \"{}\"'''",
                    env!("CARGO_BIN_EXE_reference-app")
                ));
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

fn main() -> ExitCode {
    let harness = std::env::var_os("CONFORMANCE").unwrap_or_else(|| "conformance".into());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("conformance.toml");
    let is_quick = std::env::var("JUDGE").is_ok_and(|stages| stages == "quick");
    for stage in &STAGES[..if is_quick { 1 } else { STAGES.len() }] {
        std::fs::write(&config, stage.config()).unwrap();
        match ask(Path::new(&harness), &config, stage.selectors) {
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

/// What a run says.
enum Answer {
    Unnoticed,
    Noticed(String),
    Broken(Option<i32>),
}

/// Runs these cases and breaks off at the first that is not well.
fn ask(harness: &Path, config: &Path, selectors: &[&str]) -> Answer {
    let mut run = Command::new(harness);
    run.arg("run").arg(config).args(selectors);
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
            return Answer::Noticed(case.to_owned());
        }
        println!("{line}");
    }
    match run.wait().unwrap().code() {
        // 6: something was inconclusive, which on a busy machine happens to an app without a fault.
        Some(0 | 6) => Answer::Unnoticed,
        Some(3) => Answer::Noticed("the control sign-in, or an error".to_owned()),
        Some(1) => Answer::Noticed("a case".to_owned()),
        other => Answer::Broken(other),
    }
}
