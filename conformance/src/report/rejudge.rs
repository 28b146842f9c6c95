//! Judges the evidence of a stored run again: the law is pure, so a run of last year can be judged by today's.

use std::io;

use super::{
    compose,
    document::{Case, Run, Triple, Word},
    store::{self, CaseEvidence, ReadError, Stored},
};
use crate::{
    case::{self, Lane},
    catalog,
    evidence::Evidence,
    outcome::Verdict,
    run::{Attempt, ControlTriple, VariantResult},
    target::Profile,
    verdict::{self, Afterwards, Control, Controls, Judgement, watched},
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
    let profile = Profile::named(&run.run.profile).unwrap_or_default();
    let all = everything(stored);
    for case in &mut run.cases {
        match of_case(case, stored, profile, &all) {
            Ok(()) => {}
            Err(why) => kept.push((case.id.clone(), why)),
        }
    }
    run.settle();
    Again { run, kept }
}

/// What the cases that only watch were judged by: the controls and twins, then the walks of all cases in their order.
fn everything(stored: &Stored) -> Result<Vec<Evidence>, String> {
    let mut all = store::read_controls(&stored.folder).map_err(|error| match error {
        ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            "the controls that it was judged by are not kept with this run".to_owned()
        }
        error => error.to_string(),
    })?;
    for case in stored.run.cases.iter().filter(|case| case.evidence.is_some()) {
        let evidence = store::read_evidence(&stored.folder, case).map_err(|error| error.to_string())?;
        let watches = catalog::all().any(|own| own.id == case.id && own.lane == Lane::Watch);
        if !watches {
            all.extend(evidence.variants.into_iter().flat_map(|variant| variant.attempts));
        }
    }
    Ok(all)
}

fn of_case(
    case: &mut Case,
    stored: &Stored,
    profile: Profile,
    all: &Result<Vec<Evidence>, String>,
) -> Result<(), String> {
    let own = catalog::all()
        .find(|own| own.id == case.id)
        .ok_or("this version has no such case")?;
    if matches!(case.verdict, Word::Skipped) {
        return Ok(());
    }
    if case.verdict == Word::Error {
        return Err("the harness or the set-up failed: there is nothing to judge".to_owned());
    }
    let watched = match own.lane {
        Lane::Watch => watched(all.as_ref().map_err(Clone::clone)?.iter()),
        _ => Vec::new(),
    };
    let evidence = store::read_evidence(&stored.folder, case).map_err(|error| error.to_string())?;
    let mut results = Vec::new();
    for variant in &mut case.variants {
        let literal = own.variants.iter().find(|own| own.name == variant.name);
        let literal = literal.ok_or_else(|| format!("this version has no variant {}", variant.name))?;
        let result = match own.lane {
            Lane::Watch => of_watching(literal, variant, &evidence, &watched, profile),
            _ => of_variant(own, literal, variant, &evidence, profile),
        };
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
    let kept = || as_it_was(literal, stored);
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
            control: told(&was.control),
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

/// A variant that only watches, with today's verdict.
fn of_watching(
    literal: &'static case::Variant,
    stored: &super::document::Variant,
    evidence: &CaseEvidence,
    walks: &[&Evidence],
    profile: Profile,
) -> VariantResult {
    let Some((was, controls)) = stored
        .attempts
        .first()
        .and_then(|was| Some((was, controls(&was.control)?)))
    else {
        return as_it_was(literal, stored);
    };
    let judgement = verdict::judge_all(literal, profile, walks, &controls);
    // The walk that it was seen in.
    let shown = evidence.variants.iter().find(|own| own.name == stored.name);
    let shown = shown.and_then(|own| own.attempts.first()).cloned();
    VariantResult {
        name: literal.name,
        verdict: judgement.verdict,
        attempts: vec![Attempt {
            checks: judgement.checks,
            delivered: judgement.delivered,
            control: told(&was.control),
            evidence: shown.unwrap_or_default(),
        }],
    }
}

fn as_it_was(literal: &'static case::Variant, stored: &super::document::Variant) -> VariantResult {
    VariantResult {
        name: literal.name,
        verdict: verdict_of(stored.verdict, stored.reason.as_deref()),
        attempts: Vec::new(),
    }
}

fn told(control: &Triple) -> ControlTriple {
    ControlTriple {
        before: control.before.clone(),
        twin: control.twin.clone(),
        after: control.after.clone(),
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
