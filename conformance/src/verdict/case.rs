//! Attempts to a variant's verdict, variants to a case's.

use super::{
    judge::{Judgement, RECOVERY, RECOVERY_TITLE, deciding, remark},
    law::{self, Came, Settled, Word},
};
use crate::{
    case::Case,
    outcome::Verdict,
    run::{CaseResult, VariantResult},
};

/// What the attempts at a variant come to together; `None` when one more is needed.
#[must_use]
pub fn agreed(attempts: &[&Judgement]) -> Option<Verdict> {
    let came: Vec<Came<'_>> = attempts.iter().map(|judgement| came(judgement)).collect();
    let last = attempts.last().map(|judgement| &judgement.verdict);
    match law::variant(&came) {
        Settled::Again => None,
        Settled::Pass => Some(Verdict::Pass),
        Settled::Warn => Some(Verdict::Warn),
        Settled::Fail => Some(Verdict::Fail),
        Settled::Differ => Some(Verdict::Inconclusive(flaky(attempts))),
        Settled::Untold | Settled::Skipped | Settled::Error => last.cloned(),
    }
}

fn came(judgement: &Judgement) -> Came<'_> {
    let broken = || deciding(&judgement.verdict, &judgement.checks);
    match &judgement.verdict {
        Verdict::Pass => Came::Pass,
        Verdict::Warn => Came::Warn(broken()),
        Verdict::Fail => Came::Fail(broken()),
        Verdict::Inconclusive(_) => Came::Inconclusive,
        Verdict::Skipped(_) => Came::Skipped,
        Verdict::Error(_) => Came::Error,
    }
}

fn flaky(attempts: &[&Judgement]) -> String {
    let words: Vec<String> = attempts
        .iter()
        .map(
            |judgement| match deciding(&judgement.verdict, &judgement.checks).as_slice() {
                [] => judgement.verdict.word().to_owned(),
                broken => format!("{} ({})", judgement.verdict.word(), broken.join(", ")),
            },
        )
        .collect();
    let reason = attempts
        .iter()
        .find_map(|judgement| judgement.verdict.reason())
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    format!("flaky: the attempts came to {}{reason}", words.join(", then "))
}

/// The word of a verdict.
#[must_use]
pub const fn word(verdict: &Verdict) -> Word {
    match verdict {
        Verdict::Skipped(_) => Word::Skipped,
        Verdict::Pass => Word::Pass,
        Verdict::Warn => Word::Warn,
        Verdict::Inconclusive(_) => Word::Inconclusive,
        Verdict::Error(_) => Word::Error,
        Verdict::Fail => Word::Fail,
    }
}

/// What a case comes to, and what is to be said beside its verdict.
#[must_use]
pub fn of_case(case: &Case, variants: &[VariantResult]) -> (Verdict, Vec<String>) {
    let decided = law::case(variants.iter().map(|variant| word(&variant.verdict)));
    let decides = |variant: &&VariantResult| Some(word(&variant.verdict)) == decided;
    let Some(first) = variants.iter().find(decides) else {
        return (
            Verdict::Error(format!("{} has no variants: this is a defect of the tool", case.id)),
            Vec::new(),
        );
    };
    let verdict = first.verdict.clone();
    let mut notes: Vec<String> = Vec::new();
    let mut tell = |note: String| {
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    for variant in variants {
        let checks = variant.attempts.last().map(|attempt| attempt.checks.as_slice());
        checks.unwrap_or_default().iter().filter_map(remark).for_each(&mut tell);
        if decides(&variant) {
            continue;
        }
        // What the case's one word does not say.
        let name = variant.name;
        match &variant.verdict {
            Verdict::Skipped(reason) => tell(format!("variant {name} skipped: {reason}")),
            Verdict::Inconclusive(reason) => tell(format!("variant {name} inconclusive: {reason}")),
            Verdict::Error(reason) => tell(format!("variant {name} error: {reason}")),
            Verdict::Warn => tell(format!("variant {name} warns: {}", saw(variant))),
            Verdict::Pass | Verdict::Fail => {}
        }
    }
    (verdict, notes)
}

/// What is wrong with a case: its title, or that of the recovery check where nothing but this check is broken.
#[must_use]
pub fn title(result: &CaseResult) -> &'static str {
    let bad = result
        .variants
        .iter()
        .filter(|variant| variant.verdict == result.verdict);
    let attempts = bad.filter_map(|variant| variant.attempts.last());
    let mut broken = attempts
        .flat_map(|attempt| deciding(&result.verdict, &attempt.checks))
        .peekable();
    if broken.peek().is_some() && broken.all(|check| check == RECOVERY) {
        RECOVERY_TITLE
    } else {
        result.case.title
    }
}

/// What the deciding checks of a variant saw.
fn saw(variant: &VariantResult) -> String {
    let Some(attempt) = variant.attempts.last() else {
        return String::new();
    };
    let ids = deciding(&variant.verdict, &attempt.checks);
    let mut seen: Vec<&str> = Vec::new();
    for check in attempt.checks.iter().filter(|check| ids.contains(&check.id)) {
        seen.extend(check.outcome.said().filter(|said| !seen.contains(said)));
    }
    seen.join("; ")
}
