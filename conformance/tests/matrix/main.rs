//! Who tests the tester: every planted flaw must redden exactly the cases that it declares, and the app without a flaw
//! none.
//!
//! Each flaw is a test of its own, so `cargo test -p conformance --test matrix -- nonce` runs a few of them. By default
//! a flaw meets the cases that it declares, their neighbours in the catalogue and one more drawn from its name; with
//! `MATRIX=full` it meets them all. The trials `form-post::…` are the same in an app that takes its authorization responses
//! by form post: a sample of them by default, all with `MATRIX=both` (each flaw's own cases and neighbours) or `MATRIX=full`.
//! The trials `clean::…` hold the other half of each statement: what a flaw reddens *passes* on the same app without it, in
//! the same setting; a skip does not count. Together with the law of `fixtures/flawed-app/tests/it/table.rs`, that every case
//! has a flaw, every case is seen passing and failing.
//!
//! `MATRIX_OUT=FILE` writes what was seen as a table; `MATRIX_SEED` changes the seed; `MATRIX_VERBOSE=1` prints what
//! the runs report.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop, and one that was asked to talk talks"
)]

mod app;
mod habits;
mod overlay;
mod proved;
mod table;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use conformance::{
    case::{Case, Lane, Variant},
    catalog,
    outcome::Verdict,
    run::{CaseResult, RunResult},
};
use flawed_app::{Flaw, Flaws, config::ResponseMode, flaw::Setting};
use libtest_mimic::{Arguments, Failed, Trial};

use self::{
    app::Shape,
    table::{Row, Table},
};

/// How many cases beside its own and their neighbours a flaw meets: usually, and with `MATRIX=both`.
const SAMPLE: usize = 1;
const WIDE_SAMPLE: usize = 6;

/// Trials at once, unless `--test-threads` says otherwise. Most of a trial is waiting for held and slow replies, not work.
const AT_ONCE: usize = 20;

/// Every way in which the app can be configured, by the name of its clean trial.
const SETTINGS: &[(&str, Setting)] = &[
    ("default", Setting::Default),
    ("refresh-tokens", Setting::RefreshTokens),
    ("step-up", Setting::StepUp),
    ("mail-domain", Setting::MailDomain),
    ("secret-jwt", Setting::SecretJwt),
    ("short-sessions", Setting::ShortSessions),
    ("https-issuer", Setting::HttpsIssuer),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let seen = Arc::new(Mutex::new(Table::default()));
    let clean = MODES.iter().flat_map(|mode| {
        let seen = &seen;
        SETTINGS.iter().map(move |(name, setting)| {
            let (seen, shape) = (
                Arc::clone(seen),
                Shape {
                    setting: *setting,
                    mode: *mode,
                },
            );
            Trial::test(format!("{}clean::{name}", prefix(*mode)), move || {
                clean_app_passes(name, shape, &seen)
            })
        })
    });
    // Whoever begins with what takes longest is done no later than the others.
    let (waiting, working): (Vec<_>, Vec<_>) = MODES
        .iter()
        .flat_map(|mode| Flaw::ALL.iter().map(|flaw| (*mode, *flaw)))
        .filter(|(mode, flaw)| *mode == ResponseMode::Query || meets_form_post(*flaw))
        .partition(|(_, flaw)| waits(*flaw));
    let trial = |(mode, flaw): (ResponseMode, Flaw)| {
        let seen = seen.clone();
        Trial::test(format!("{}{flaw}", prefix(mode)), move || {
            meets_its_cases(flaw, mode, &seen)
        })
    };
    let flaws = waiting
        .into_iter()
        .map(trial)
        .chain(clean)
        .chain(working.into_iter().map(trial));
    let known = Arc::new(Mutex::new(proved::Seen::default()));
    let all = flaws.chain(habits::trials(&known, seed())).collect();
    let conclusion = libtest_mimic::run(&arguments, all);
    if let Some(file) = std::env::var_os("HABITS_OUT") {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, known.written_over(&before)).expect("the table can be written where HABITS_OUT says");
    }
    if let Some(file) = std::env::var_os("MATRIX_OUT") {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::write(&file, seen.to_string()).expect("the table can be written where MATRIX_OUT says");
    }
    conclusion.exit_code()
}

/// Whether somebody waits in one of the cases that this flaw reddens.
fn waits(flaw: Flaw) -> bool {
    catalog::all()
        .filter(|case| flaw.reddens().contains(&case.id))
        .flat_map(|case| case.variants)
        .any(Variant::waits)
}

/// A flaw, and a case that is red with it or not as a race between people decides: neither is held against it. Why, says
/// `TRIALS.md`.
const BY_CHANCE: [(&str, &str); 2] = [
    ("profile-in-global", "jwks/stampede"),
    ("profile-in-global", "token-response/slow"),
];

const MODES: [ResponseMode; 2] = [ResponseMode::Query, ResponseMode::FormPost];

const fn prefix(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Query => "",
        ResponseMode::FormPost => "form-post::",
    }
}

/// By default only some flaws are tried in the second response mode too: those whose number ends with a seven.
fn meets_form_post(flaw: Flaw) -> bool {
    let position = Flaw::ALL.iter().position(|other| *other == flaw);
    wide() || position.is_some_and(|at| at % 10 == 7)
}

/// Nothing is red, and what some flaw reddens in this setting passes without it.
fn clean_app_passes(name: &str, shape: Shape, seen: &Mutex<Table>) -> Result<(), Failed> {
    let Shape { setting, mode } = shape;
    let flaws = || Flaw::ALL.iter().filter(|flaw| flaw.setting() == setting);
    let mut owed: BTreeSet<&str> = flaws().flat_map(|flaw| flaw.reddens_by(mode)).collect();
    let cases = match setting {
        Setting::Default => everywhere(),
        _ => chosen(&owed, setting, name),
    };
    owed.retain(|id| cases.iter().any(|case| case.id == *id));
    let result = app::judged(Flaws::none(), shape, cases, seed())?;
    note(seen, Row::clean(name, mode, &result));
    let wrong = result.cases.iter().filter(|case| match &case.verdict {
        Verdict::Pass => false,
        Verdict::Skipped(_) => owed.contains(case.case.id),
        _ => true,
    });
    told(wrong.map(|case| story(&result, case.case.id)))
}

fn meets_its_cases(flaw: Flaw, mode: ResponseMode, seen: &Mutex<Table>) -> Result<(), Failed> {
    let owed: BTreeSet<&str> = flaw.reddens_by(mode).into_iter().collect();
    let cases = match full() && flaw.setting() != Setting::ShortSessions {
        true => everywhere(),
        false if owed.is_empty() => chosen(&flaw.reddens().iter().copied().collect(), flaw.setting(), flaw.name()),
        false => chosen(&owed, flaw.setting(), flaw.name()),
    };
    let met: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
    let shape = Shape {
        setting: flaw.setting(),
        mode,
    };
    let result = app::judged(Flaws::from(flaw), shape, cases, seed());
    if flaw.fails_control() {
        // An app that signs nobody in is not judged at all: that is what must be noticed.
        return match result {
            Err(_) => {
                note(seen, Row::aborted(flaw, mode));
                Ok(())
            }
            Ok(_) => Err("an app that signs nobody in was judged".into()),
        };
    }
    let result = result?;
    note(seen, Row::flawed(flaw, mode, &result));
    let declared: BTreeSet<&str> = owed.intersection(&met).copied().collect();
    let red: BTreeSet<&str> = result
        .cases
        .iter()
        .filter(|case| is_red(&case.verdict))
        .map(|case| case.case.id)
        .collect();
    let missed = declared
        .difference(&red)
        .map(|id| format!("not red: {}", story(&result, id)));
    let surprising = red
        .difference(&declared)
        .filter(|id| !BY_CHANCE.contains(&(flaw.name(), **id)))
        .map(|id| format!("red, not declared: {}", story(&result, id)));
    told(missed.chain(surprising))
}

fn is_red(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Warn)
}

fn full() -> bool {
    std::env::var("MATRIX").is_ok_and(|value| value == "full")
}

fn wide() -> bool {
    full() || std::env::var("MATRIX").is_ok_and(|value| value == "both")
}

fn seed() -> u64 {
    std::env::var("MATRIX_SEED").map_or(0, |text| text.parse().expect("MATRIX_SEED is a number"))
}

fn everywhere() -> Vec<&'static Case> {
    catalog::all().filter(|case| case.lane != Lane::Slow).collect()
}

/// These cases, the neighbours of each, and a sample that the name decides.
fn chosen(own: &BTreeSet<&str>, setting: Setting, name: &str) -> Vec<&'static Case> {
    let all: Vec<&'static Case> = catalog::all()
        .filter(|case| case.lane != Lane::Slow || own.contains(case.id))
        .collect();
    let is_own = |at: &usize| own.contains(all[*at].id);
    let mut chosen: BTreeSet<usize> = (0..all.len()).filter(is_own).collect();
    // Sessions that end after seconds end under longer walks as well.
    if setting != Setting::ShortSessions {
        for at in chosen.clone() {
            chosen.extend([at.saturating_sub(1), (at + 1).min(all.len() - 1)]);
        }
        let cheap = |at: &usize| matches!(all[*at].lane, Lane::Parallel | Lane::Watch);
        let start = usize::try_from(drawn_from(name) % 1009).unwrap_or_default();
        let sample = (0..all.len())
            .map(|step| (start + step * 37) % all.len())
            .filter(cheap)
            .take(if wide() { WIDE_SAMPLE } else { SAMPLE });
        chosen.extend(sample);
    }
    chosen.into_iter().map(|at| all[at]).collect()
}

/// A number that a text draws, the same on every toolchain: FNV-1a.
fn drawn_from(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

fn note(seen: &Mutex<Table>, row: Row) {
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(row);
}

fn told(stories: impl Iterator<Item = String>) -> Result<(), Failed> {
    let stories: Vec<String> = stories.collect();
    match stories.is_empty() {
        true => Ok(()),
        false => Err(stories.join("\n").into()),
    }
}

fn story(result: &RunResult, id: &str) -> String {
    let judged = result.cases.iter().find(|case| case.case.id == id);
    judged.map_or_else(|| format!("{id}: not run"), CaseResult::story)
}
