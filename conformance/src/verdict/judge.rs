//! From evidence and controls to what one attempt comes to. Synchronous and pure: a stored run can be judged again.

use std::collections::HashSet;

use mock_idp::{
    Fault,
    flow::{fault::Message, scenario::FlowId},
};

use super::{
    controls::{Afterwards, Controls},
    delivery::{NEVER_ASKED, deliveries},
    law::{self, After, Because, Before, Checks, Delivery, Ruling, Steps},
};
use crate::{
    case::{Case, Expect, Variant},
    evidence::Evidence,
    outcome::{Level, Outcome, Verdict},
    run::{CheckResult, Delivered},
    target::Profile,
};

/// Id of the law's own check that a fresh app is not broken by the walk.
pub const RECOVERY: &str = "recovery";

/// What the recovery check is called where it fails.
pub const RECOVERY_TITLE: &str = "after this walk nobody can sign in any more";

/// What one attempt at a variant comes to, before repetition is considered.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What every check said, the law's own among them.
    pub checks: Vec<CheckResult>,
    /// Whether faults and edits were seen on the wire.
    pub delivered: Vec<Delivered>,
    /// Things worth telling: broken MAYs, remarks.
    pub notes: Vec<String>,
}

/// Judges one attempt.
#[must_use]
pub fn judge(case: &Case, variant: &Variant, profile: Profile, evidence: &Evidence, controls: &Controls) -> Judgement {
    let mut checks: Vec<CheckResult> = case
        .asks(variant)
        .iter()
        .map(|expect| CheckResult {
            id: expect.check.id,
            level: under(profile, expect.level),
            expects: expect.check.expects,
            outcome: answer(expect, evidence),
        })
        .collect();
    checks.extend(recovery(case, profile, controls));
    let delivered = deliveries(variant, evidence);
    ruled(checks, delivered, evidence, controls)
}

/// What a check says; where it cannot tell because the app did not even start, that is the reason.
fn answer(expect: &Expect, evidence: &Evidence) -> Outcome {
    let outcome = (expect.check.ask)(evidence);
    match (&outcome, evidence.failed_start()) {
        (Outcome::CannotTell(_), Some(why)) => Outcome::CannotTell(why),
        _ => outcome,
    }
}

/// The walks that watching cases are judged by, out of everything that a run recorded, the controls first. A fresh app was
/// given another registration, or met an authorization server that lies about itself: what it sends there is asked by cases
/// of its own. A walk that several cases were judged by is still one walk.
#[must_use]
pub fn watched<'e>(all: impl Iterator<Item = &'e Evidence>) -> Vec<&'e Evidence> {
    let mut all = all.peekable();
    let client_id = all.peek().map(|first| &first.target.client_id);
    let mut seen: HashSet<FlowId> = HashSet::new();
    all.filter(|walk| Some(&walk.target.client_id) == client_id)
        .filter(|walk| walk.flows.first().is_none_or(|flow| seen.insert(flow.id)))
        .collect()
}

/// Judges a watching variant by everything that was recorded: each walk on its own, and all flows together (without
/// pages) for what only shows between flows. Broken anywhere is broken; what no walk can tell cannot be told.
#[must_use]
pub fn judge_all(variant: &Variant, profile: Profile, walks: &[&Evidence], controls: &Controls) -> Judgement {
    let together = flows_of(walks);
    let checks = variant
        .expect
        .iter()
        .map(|expect| {
            let answers = walks
                .iter()
                .copied()
                .chain([&together])
                .map(|evidence| (expect.check.ask)(evidence));
            CheckResult {
                id: expect.check.id,
                level: under(profile, expect.level),
                expects: expect.check.expects,
                outcome: combined(answers),
            }
        })
        .collect();
    ruled(checks, Vec::new(), &Evidence::default(), controls)
}

/// Which of these walks shows best what a watching variant was found to break: the first that breaks a MUST, or else
/// anything. `None` when nothing is broken, or only what shows between walks.
#[must_use]
pub fn occurrence(variant: &Variant, profile: Profile, walks: &[&Evidence]) -> Option<usize> {
    let (musts, others): (Vec<&Expect>, Vec<&Expect>) = variant
        .expect
        .iter()
        .partition(|expect| matches!(under(profile, expect.level), Level::Must | Level::MustStar));
    let breaks = |expects: &[&Expect]| {
        let is_broken = |walk: &&Evidence| {
            let mut outcomes = expects.iter().map(|expect| (expect.check.ask)(walk));
            outcomes.any(|outcome| matches!(outcome, Outcome::Broken(_)))
        };
        walks.iter().position(is_broken)
    };
    breaks(&musts).or_else(|| breaks(&others))
}

/// Reduces what was seen to what the law looks at, and puts its ruling into words.
fn ruled(checks: Vec<CheckResult>, delivered: Vec<Delivered>, evidence: &Evidence, controls: &Controls) -> Judgement {
    let missing = delivered.iter().find(|delivered| !delivered.delivered);
    let shown = law::Attempt {
        before: match controls.before.refusal() {
            None => Before::Worked,
            Some(_) => Before::Failed,
        },
        twin: controls.twin.as_twin(),
        steps: match (evidence.beyond.first(), evidence.obstacles.first()) {
            (Some(_), _) => Steps::BeyondDriver,
            (None, Some(_)) => Steps::NotTaken,
            (None, None) => Steps::Taken,
        },
        delivery: match missing {
            None => Delivery::Seen,
            Some(missing) if is_unused(missing) => Delivery::Unused,
            Some(_) => Delivery::NotSeen,
        },
        after: after(&checks, controls),
        checks: weighed(&checks),
    };
    // A limit or a lockout is why steps and messages are missing, and what is to be mended first.
    let limit = match &controls.after {
        Afterwards::Failed { cause, .. } if cause.clears_the_walk() => Some(controls.after.why()),
        _ => None,
    };
    let why = |because: Because| match because {
        Because::Steps | Because::Delivery if limit.is_some() => limit.clone().unwrap_or_default(),
        Because::Before => controls.before.refusal().unwrap_or_default().to_owned(),
        Because::Twin => controls.twin.refusal().unwrap_or_default().to_owned(),
        Because::Steps => evidence
            .beyond
            .first()
            .or(evidence.obstacles.first())
            .cloned()
            .unwrap_or_default(),
        Because::Delivery => missing.map(undelivered).unwrap_or_default(),
        Because::After => controls.after.why(),
        Because::Checks => {
            let mut open = unanswered(&checks).chain(absent(&checks));
            open.next().unwrap_or_default().to_owned()
        }
    };
    let verdict = match law::attempt(shown) {
        Ruling::Pass => Verdict::Pass,
        Ruling::Warn => Verdict::Warn,
        Ruling::Fail => Verdict::Fail,
        Ruling::Skipped(because) => Verdict::Skipped(why(because)),
        Ruling::Inconclusive(because) => Verdict::Inconclusive(why(because)),
    };
    let notes = checks.iter().filter_map(remark).collect();
    Judgement {
        verdict,
        checks,
        delivered,
        notes,
    }
}

/// What a check says beside a verdict: a broken MAY, or something worth telling.
#[must_use]
pub fn remark(check: &CheckResult) -> Option<String> {
    match (&check.outcome, check.level) {
        (Outcome::Broken(saw), Level::May) => Some(saw.clone()),
        (Outcome::HoldsWith(remark), _) => Some(remark.clone()),
        _ => None,
    }
}

/// The heaviest answer.
fn weighed(checks: &[CheckResult]) -> Checks {
    // The recovery check has a column of its own.
    let own = || checks.iter().filter(|check| check.id != RECOVERY);
    let broken = |level: Level| own().any(|check| check.level == level && matches!(check.outcome, Outcome::Broken(_)));
    if broken(Level::Must) || broken(Level::MustStar) {
        Checks::MustBroken
    } else if broken(Level::Should) {
        Checks::ShouldBroken
    } else if unanswered(checks).next().is_some() {
        Checks::NotAnswered
    } else if absent(checks).next().is_some() {
        Checks::Absent
    } else if broken(Level::May) {
        Checks::MayBroken
    } else {
        Checks::Hold
    }
}

/// Why checks of weight could not be answered.
fn unanswered(checks: &[CheckResult]) -> impl Iterator<Item = &str> {
    checks.iter().filter_map(|check| match &check.outcome {
        Outcome::CannotTell(why) if check.level > Level::May => Some(why.as_str()),
        _ => None,
    })
}

/// What the app does not do or show that checks of weight are about.
fn absent(checks: &[CheckResult]) -> impl Iterator<Item = &str> {
    checks.iter().filter_map(|check| match &check.outcome {
        Outcome::Absent(what) if check.level > Level::May => Some(what.as_str()),
        _ => None,
    })
}

/// Ids of the checks that are broken at the level that decides this verdict.
#[must_use]
pub fn deciding<'a>(verdict: &Verdict, checks: &'a [CheckResult]) -> Vec<&'a str> {
    let decides = |level: Level| match verdict {
        Verdict::Fail => level >= Level::MustStar,
        Verdict::Warn => level == Level::Should,
        _ => false,
    };
    let broken = |check: &&CheckResult| decides(check.level) && matches!(check.outcome, Outcome::Broken(_));
    checks.iter().filter(broken).map(|check| check.id).collect()
}

fn after(checks: &[CheckResult], controls: &Controls) -> After {
    match &controls.after {
        Afterwards::Worked(_) | Afterwards::NotNeeded => After::Worked,
        Afterwards::Failed { .. } => After::Failed,
        Afterwards::Broke { .. } => match checks.iter().find(|check| check.id == RECOVERY) {
            Some(check) if check.level >= Level::MustStar => After::BrokeMust,
            _ => After::BrokeShould,
        },
    }
}

/// A walk after which nobody can sign in any more has broken the app, whatever the case's own checks say.
fn recovery(case: &Case, profile: Profile, controls: &Controls) -> Option<CheckResult> {
    let Afterwards::Broke { saw } = &controls.after else {
        return None;
    };
    Some(CheckResult {
        id: RECOVERY,
        // An app that is down passes nothing, where the case is about a MAY neither.
        level: under(profile, case.level).max(Level::Should),
        expects: "a plain sign-in works after the walk, as it does on a fresh app without it",
        outcome: Outcome::Broken(saw.clone()),
    })
}

/// Whether an app refreshes at all is seen only once its token has run out, and that is what such a walk waited for.
fn is_unused(missing: &Delivered) -> bool {
    let of_refresh = |fault: Fault| fault.message() == Message::RefreshResponse;
    missing.id.parse().is_ok_and(of_refresh) && missing.sent == NEVER_ASKED
}

fn undelivered(missing: &Delivered) -> String {
    if is_unused(missing) {
        return "the app was given a refresh token and did not use it".to_owned();
    }
    let why = match missing.sent.as_str() {
        "" => "it was never sent",
        sent => sent,
    };
    format!("{} was not delivered: {why}", missing.id)
}

/// The flows and records of all walks, without pages.
fn flows_of(walks: &[&Evidence]) -> Evidence {
    let target = walks.first().map(|first| first.target.clone()).unwrap_or_default();
    let mut whole = Evidence {
        target,
        ..Evidence::default()
    };
    for (number, part) in walks.iter().enumerate() {
        // The same three names recur in every walk.
        let rename = |name: &str| format!("{name}#{number}");
        whole.flows.extend(part.flows.iter().cloned().map(|mut flow| {
            flow.person = rename(&flow.person);
            flow.browser = rename(&flow.browser);
            flow
        }));
        whole.records.extend(part.records.iter().cloned());
    }
    whole.records.sort_by_key(|record| record.at);
    whole.records.dedup();
    whole
}

/// One answer out of many.
fn combined(answers: impl Iterator<Item = Outcome>) -> Outcome {
    let (mut held, mut unknown, mut absent, mut broken, mut count) = (None, None, None, None, 0_usize);
    for answer in answers {
        match answer {
            Outcome::Broken(saw) => {
                count += 1;
                broken.get_or_insert(saw);
            }
            Outcome::CannotTell(why) => _ = unknown.get_or_insert(why),
            Outcome::Absent(what) => _ = absent.get_or_insert(what),
            holds => _ = held.get_or_insert(holds),
        }
    }
    match (broken, held, unknown, absent) {
        (Some(saw), ..) if count > 1 => Outcome::Broken(format!("{saw} (and in {} other walks)", count - 1)),
        (Some(saw), ..) => Outcome::Broken(saw),
        (None, Some(held), ..) => held,
        (None, None, Some(why), _) => Outcome::CannotTell(why),
        (None, None, None, Some(what)) => Outcome::Absent(what),
        (None, None, None, None) => Outcome::CannotTell("nothing was recorded".to_owned()),
    }
}

/// A check's weight under a profile: only `MUST*` differs.
fn under(profile: Profile, level: Level) -> Level {
    match (profile, level) {
        (Profile::Core, Level::MustStar) => Level::Should,
        (_, Level::MustStar) => Level::Must,
        (_, level) => level,
    }
}
