//! The cases that a profile requires, and those of them that a run did not judge. What they come to is told from the
//! document of a run, `report/summary.rs`, by [`law::profile`](super::law::profile).

use super::{
    case::word,
    law::{Required, Word},
};
use crate::{
    case::{Case, Lane},
    catalog,
    outcome::{Level, Outcome},
    run::{CaseResult, RunResult},
};

/// The cases that a profile requires: all of the catalogue with the level MUST or MUST*, but for the slow lane, which runs
/// only when asked for.
pub fn required() -> impl Iterator<Item = &'static Case> {
    catalog::all().filter(|case| matches!(case.level, Level::Must | Level::MustStar) && case.lane != Lane::Slow)
}

/// The required cases that were not judged, by name with the reason; a reason that many share stands once beside each.
#[must_use]
pub fn not_assessed(result: &RunResult) -> Vec<(&'static str, String)> {
    required()
        .filter(|case| judged(case, result) == Required::NotJudged)
        .map(|case| (case.id, why_not(case, result)))
        .collect()
}

fn judged(case: &Case, result: &RunResult) -> Required {
    let Some(own) = own(case, result) else {
        return Required::NotJudged;
    };
    let is_left_out = result.left_out.iter().any(|left_out| left_out.case == case.id);
    match word(&own.verdict) {
        Word::Fail => Required::Failed,
        Word::Inconclusive | Word::Error => Required::NotJudged,
        Word::Skipped | Word::Pass | Word::Warn if is_left_out || unanswered(own).is_some() => Required::NotJudged,
        Word::Skipped | Word::Pass | Word::Warn => Required::Judged,
    }
}

fn own<'r>(case: &Case, result: &'r RunResult) -> Option<&'r CaseResult> {
    result.cases.iter().find(|own| own.case.id == case.id)
}

/// A MUST that could not be answered beside a broken SHOULD: the case warns, and is not judged whole.
fn unanswered(case: &CaseResult) -> Option<&str> {
    let last = case.variants.iter().filter_map(|variant| variant.attempts.last());
    last.flat_map(|attempt| &attempt.checks)
        .find_map(|check| match &check.outcome {
            Outcome::CannotTell(why) if check.level >= Level::MustStar => Some(why.as_str()),
            _ => None,
        })
}

fn why_not(case: &Case, result: &RunResult) -> String {
    if let Some(left_out) = result.left_out.iter().find(|left_out| left_out.case == case.id) {
        return left_out.why.clone();
    }
    match own(case, result) {
        None => "not selected, or the run ended before it".to_owned(),
        Some(own) => own
            .verdict
            .reason()
            .or_else(|| unanswered(own))
            .unwrap_or_default()
            .to_owned(),
    }
}
