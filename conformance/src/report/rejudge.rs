//! Judges the evidence of a stored run again: the law is pure, so a run of last year can be judged by today's.

use super::{
    compose,
    document::{Case, Run, Triple, Word},
    store::{self, CaseEvidence, Stored},
};
use crate::{
    case::{self, Lane},
    catalog,
    outcome::Verdict,
    run::{Attempt, ControlTriple, VariantResult},
    target::Profile,
    verdict::{self, Afterwards, Control, Controls, Judgement},
};

/// A run that was judged again.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// The run with today's verdicts.
    pub run: Run,
    /// Cases that were left as they were, each with the reason.
    pub kept: Vec<(String, String)>,
}

/// Judges again what has evidence.
#[must_use]
pub fn rejudge(stored: &Stored) -> Again {
    let mut run = stored.run.clone();
    let mut kept = Vec::new();
    let profile = match run.run.profile.as_str() {
        "core" => Profile::Core,
        "asvs" => Profile::Asvs,
        _ => Profile::Okta,
    };
    for case in &mut run.cases {
        match of_case(case, stored, profile) {
            Ok(()) => {}
            Err(why) => kept.push((case.id.clone(), why)),
        }
    }
    run.settle();
    Again { run, kept }
}

fn of_case(case: &mut Case, stored: &Stored, profile: Profile) -> Result<(), String> {
    let own = catalog::all()
        .find(|own| own.id == case.id)
        .ok_or("this version has no such case")?;
    if matches!(case.verdict, Word::Skipped) {
        return Ok(());
    }
    if own.lane == Lane::Watch {
        return Err(
            "it is judged on everything that the run recorded, controls included, which is not kept".to_owned(),
        );
    }
    if case.verdict == Word::Error {
        return Err("the harness or the set-up failed: there is nothing to judge".to_owned());
    }
    let evidence = store::read_evidence(&stored.folder, case).map_err(|error| error.to_string())?;
    let mut results = Vec::new();
    for variant in &mut case.variants {
        let literal = own.variants.iter().find(|own| own.name == variant.name);
        let literal = literal.ok_or_else(|| format!("this version has no variant {}", variant.name))?;
        let result = of_variant(own, literal, variant, &evidence, profile);
        if !result.attempts.is_empty() {
            *variant = compose::variant(own, &result);
        }
        results.push(result);
    }
    let (worst, _) = verdict::of_case(own, &results);
    case.verdict = (&worst).into();
    case.reason = worst.reason().map(super::redact::redact);
    Ok(())
}

/// The variant with today's verdict; as it was where it was settled without a walk, or its controls cannot be judged again.
fn of_variant(
    case: &'static case::Case,
    literal: &'static case::Variant,
    stored: &super::document::Variant,
    evidence: &CaseEvidence,
    profile: Profile,
) -> VariantResult {
    let kept = || VariantResult {
        name: literal.name,
        verdict: verdict_of(stored.verdict, stored.reason.as_deref()),
        attempts: Vec::new(),
    };
    let walks = evidence.variants.iter().find(|own| own.name == stored.name);
    let walks = walks.map(|own| own.attempts.as_slice()).unwrap_or_default();
    let mut attempts = Vec::new();
    let mut judgements: Vec<Judgement> = Vec::new();
    for (walk, was) in walks.iter().zip(&stored.attempts) {
        let Some(controls) = controls(&was.control) else {
            return kept();
        };
        let judgement = verdict::judge(case, literal, profile, walk, &controls);
        attempts.push(Attempt {
            checks: judgement.checks.clone(),
            delivered: judgement.delivered.clone(),
            control: ControlTriple {
                before: was.control.before.clone(),
                twin: was.control.twin.clone(),
                after: was.control.after.clone(),
            },
            evidence: walk.clone(),
        });
        judgements.push(judgement);
    }
    if attempts.is_empty() {
        return kept();
    }
    let all: Vec<&Judgement> = judgements.iter().collect();
    let undecided = "the stored attempts do not agree, and no other can be made";
    VariantResult {
        name: literal.name,
        verdict: verdict::agreed(&all).unwrap_or_else(|| Verdict::Inconclusive(undecided.to_owned())),
        attempts,
    }
}

/// The controls of an attempt as they were told. `None` for one after which nobody could sign in: its cause is not kept.
fn controls(was: &Triple) -> Option<Controls> {
    let control = |text: &str| match text.strip_prefix("ok") {
        Some(walk) => Control::Worked(walk.trim_start_matches(": ").to_owned()),
        None if text == "not needed" => Control::NotNeeded,
        None => Control::Refused(text.to_owned()),
    };
    let after = match control(&was.after) {
        Control::Worked(walk) => Afterwards::Worked(walk),
        Control::NotNeeded => Afterwards::NotNeeded,
        Control::Refused(_) => return None,
    };
    Some(Controls {
        before: control(&was.before),
        twin: control(&was.twin),
        after,
    })
}

fn verdict_of(word: Word, reason: Option<&str>) -> Verdict {
    let reason = reason.unwrap_or_default().to_owned();
    match word {
        Word::Pass => Verdict::Pass,
        Word::Skipped => Verdict::Skipped(reason),
        Word::Warn => Verdict::Warn,
        Word::Inconclusive => Verdict::Inconclusive(reason),
        Word::Error => Verdict::Error(reason),
        Word::Fail => Verdict::Fail,
    }
}
