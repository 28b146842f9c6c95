//! Who tests that the tester does not cry wolf: an app with a habit is right, and every case must leave it alone.
//!
//! The trials `habit::…` are one for each habit, so `cargo test -p conformance --test matrix -- habit::session` runs some of
//! them. By default a few habits meet a sample of the cases; with `HABITS=brief` every habit meets a sample, each another one;
//! with `HABITS=full` every habit meets every case, and so do seeded pairs of habits (`habit::pair::…`), of which `HABITS=pairs` runs
//! nothing else. `HABITS_OUT=FILE` writes what was seen into the table of that file; rows of others stay.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use conformance::{
    case::{Case, Lane},
    catalog,
    outcome::Verdict,
    run::CaseResult,
};
use flawed_app::{Flaws, Habit, Habits, config::ResponseMode, flaw::Setting, habit::Remark};
use libtest_mimic::{Failed, Trial};

use crate::{
    app::{self, Shape},
    proved::{Met, Seen},
};

/// How many pairs the documented command walks.
const PAIRS: usize = 16;

/// Habits that the sample of `cargo test` walks, chosen for what they change: state, ways in, refusals, cookies, pages.
const SAMPLED: &[Habit] = &[
    Habit::AttemptSigned,
    Habit::TemporaryRedirect,
    Habit::RefusedFlash,
    Habit::SessionChunked,
    Habit::CsrfHostCookie,
    Habit::CatchAll,
    Habit::CompressedAlways,
    Habit::AnonymousPage,
];

/// Every n-th case in that sample.
const EVERY: usize = 9;

/// Pairs that go wrong together more often than apart, and those that the seed draws beside them.
const KNOWN_PAIRS: &[[Habit; 2]] = &[
    [Habit::OneAttempt, Habit::CsrfHostCookie],
    [Habit::CsrfCookie, Habit::SessionHostPrefix],
    [Habit::CatchAll, Habit::SignInProtected],
    [Habit::SessionChunked, Habit::AnalyticsCookie],
    [Habit::SessionRotating, Habit::CompressedAlways],
    [Habit::StrictAfterPage, Habit::RefusedHome],
    [Habit::German, Habit::SignInForm],
];

/// All trials of habits.
pub(crate) fn trials(seen: &Arc<Mutex<Seen>>, seed: u64) -> Vec<Trial> {
    let (every, full, pairs) = match std::env::var("HABITS").as_deref() {
        Ok("full") => (true, true, true),
        Ok("brief") => (true, false, false),
        Ok("pairs") => (false, false, true),
        _ => (false, false, false),
    };
    let mut trials = Vec::new();
    for (at, habit) in Habit::ALL.iter().enumerate() {
        let asked = every || !pairs && SAMPLED.contains(habit);
        let meets = match full {
            true => Meets::Everything,
            false if every => Meets::Sample(at % EVERY),
            false => Meets::Sample(0),
        };
        if asked {
            let name = format!("habit::{habit}");
            trials.push(trial(name, vec![*habit], ResponseMode::Query, meets, seen));
        }
    }
    if pairs {
        for [one, other] in KNOWN_PAIRS.iter().copied().chain(drawn(seed)) {
            let name = format!("habit::pair::{one}+{other}");
            trials.push(trial(
                name,
                vec![one, other],
                ResponseMode::Query,
                Meets::Everything,
                seen,
            ));
        }
        // Form post is a habit too, and most that is right about cookies differs there.
        for habit in Habit::ALL.iter().filter(|habit| is_about_cookies(**habit)) {
            let name = format!("habit::pair::{habit}+form-post");
            trials.push(trial(
                name,
                vec![*habit],
                ResponseMode::FormPost,
                Meets::Everything,
                seen,
            ));
        }
    }
    trials
}

fn is_about_cookies(habit: Habit) -> bool {
    matches!(
        habit,
        Habit::AttemptSigned
            | Habit::AttemptOnServer
            | Habit::SessionHostPrefix
            | Habit::SessionChunked
            | Habit::VisitorSession
            | Habit::RefusedFlash
    )
}

/// Pairs that the seed draws; two habits that tell the configuration the same key, or decide the same thing, are no pair.
fn drawn(seed: u64) -> Vec<[Habit; 2]> {
    let mut state = crate::drawn_from(&format!("pairs of habits, seed {seed}"));
    let mut next = |limit: usize| {
        // A step of splitmix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % 1_000_003).unwrap_or_default() % limit
    };
    let kind = |habit: Habit| habit.name().split('-').next().unwrap_or_default();
    let mut pairs: Vec<[Habit; 2]> = Vec::new();
    while pairs.len() < PAIRS {
        let [one, other] = [next(Habit::ALL.len()), next(Habit::ALL.len())].map(|at| Habit::ALL[at]);
        let waits = |habit: Habit| {
            let waiting = [
                Habit::KeyPause30,
                Habit::KeyPause60,
                Habit::SlowPages,
                Habit::Serial,
                Habit::SmallPool,
                Habit::FrontProxy,
            ];
            waiting.contains(&habit)
        };
        let both_tell = !one.tells().is_empty() && !other.tells().is_empty();
        if one < other
            && kind(one) != kind(other)
            && !both_tell
            && !waits(one)
            && !waits(other)
            && !pairs.contains(&[one, other])
        {
            pairs.push([one, other]);
        }
    }
    pairs
}

fn trial(name: String, habits: Vec<Habit>, mode: ResponseMode, meets: Meets, seen: &Arc<Mutex<Seen>>) -> Trial {
    let seen = Arc::clone(seen);
    Trial::test(name, move || left_alone(habits, mode, meets, &seen))
}

/// Nothing is said of the app but what its habits' remarks allow.
fn left_alone(habits: Vec<Habit>, mode: ResponseMode, meets: Meets, seen: &Mutex<Seen>) -> Result<(), Failed> {
    let shape = Shape {
        setting: Setting::Default,
        mode,
    };
    let told: Vec<&str> = habits.iter().map(|habit| habit.tells()).collect();
    let own: Habits = habits.iter().copied().collect();
    let result = app::judged_with(Flaws::none(), own, &told, shape, cases(meets), crate::seed())?;
    let remarks: Vec<Remark> = habits.iter().flat_map(|habit| habit.remarks()).copied().collect();
    let mut met = Met {
        habits,
        mode,
        passed: 0,
        skipped: BTreeMap::new(),
        said: BTreeMap::new(),
    };
    let mut alarms = Vec::new();
    for case in &result.cases {
        let id = case.case.id;
        match &case.verdict {
            Verdict::Pass => met.passed += 1,
            Verdict::Skipped(reason) => _ = met.skipped.insert(id, reason.clone()),
            verdict => {
                let remark = remarks
                    .iter()
                    .find(|remark| remark.is_about(id) && remark.verdict == verdict.word());
                match remark {
                    Some(remark) => _ = met.said.insert(id, format!("{}: {}", verdict.word(), remark.reason)),
                    None => alarms.push(case),
                }
            }
        }
    }
    // Whom some case wrongly complains of is not proved, and does not stand in the table.
    if alarms.is_empty() {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0.push(met);
    }
    crate::told(alarms.into_iter().map(CaseResult::story))
}

/// Which cases a habit meets.
#[derive(Clone, Copy, Debug)]
enum Meets {
    /// Every case but those that wait for declared times.
    Everything,
    /// Every n-th of the quick ones, beginning with this one.
    Sample(usize),
}

fn cases(meets: Meets) -> Vec<&'static Case> {
    let all = catalog::all().filter(|case| case.lane != Lane::Slow);
    match meets {
        Meets::Everything => all.collect(),
        Meets::Sample(first) => all
            .filter(|case| matches!(case.lane, Lane::Parallel | Lane::Watch))
            .enumerate()
            .filter(|(at, _)| at % EVERY == first)
            .map(|(_, case)| case)
            .collect(),
    }
}
