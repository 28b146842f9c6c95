//! `run.json`, schema `conformance-run/1`: the truth about a run. Everything else is a rendering of it and of the evidence
//! beside it.

use mock_idp::Fault;
use serde_json::{Map, Value, json};

use super::{
    Setting,
    block::evidence_file,
    redact::{fingerprint, redact},
    summary::{WORDS, profile_name},
};
use crate::{
    case::Case,
    exit::exit_code,
    outcome::{Level, Outcome},
    run::{Attempt, CaseResult, CheckResult, RunResult, VariantResult},
    spec::Clause,
    verdict::{not_assessed, profile_status},
};

/// The name of the shape; members are only added under it.
pub const SCHEMA: &str = "conformance-run/1";

/// The document of a finished run.
#[must_use]
pub fn document(result: &RunResult, setting: &Setting) -> Value {
    let header = &result.header;
    let mut profiles = Map::new();
    profiles.insert(profile_name(header.profile).to_owned(), json!(profile_status(result)));
    let framework = result
        .framework
        .as_ref()
        .map(|(guess, why)| json!({ "guess": guess, "why": why }));
    json!({
        "schema": SCHEMA,
        "run": {
            "id": header.id,
            "seed": header.seed,
            "profile": header.profile,
            "driver": header.driver,
            "tool": header.tool,
            "started": header.started,
            "duration_ms": result.duration_ms,
            "config": header.config,
            "selected": header.selected,
            "profiles": profiles,
            "not_assessed": not_assessed(result).into_iter()
                // What was not selected is not named: the header says how many cases were.
                .filter(|(id, _)| result.cases.iter().any(|own| own.case.id == *id))
                .map(|(case, why)| json!({ "case": case, "why": redact(&why) }))
                .collect::<Vec<_>>(),
            "aborted": result.aborted,
            "interrupted": result.interrupted,
        },
        "target": { "url": header.target, "issuer": header.issuer, "framework": framework },
        "preflight": result.preflight,
        "controls": result.controls,
        "cases": result.cases.iter().map(|case| case_value(case, result, setting)).collect::<Vec<_>>(),
        "notices": result.notices,
        "counts": counts(result),
        "exit_code": exit_code(result, &setting.policy),
    })
}

fn case_value(result: &CaseResult, run: &RunResult, setting: &Setting) -> Value {
    let case = result.case;
    let (file, line) = setting.location(case);
    json!({
        "id": case.id,
        "title": case.title,
        "level": level(case.level),
        "verdict": result.verdict.word(),
        "reason": result.verdict.reason().map(redact),
        "duration_ms": result.duration_ms,
        "variants": result.variants.iter().map(|variant| variant_value(case, variant)).collect::<Vec<_>>(),
        "notes": result.notes.iter().map(|note| redact(note)).collect::<Vec<_>>(),
        "refs": case.spec.iter().map(reference).collect::<Vec<_>>(),
        "location": { "file": file, "line": line },
        "evidence": if result.variants.is_empty() { Value::Null } else { json!(evidence_file(case)) },
        "replay": setting.replay(case, &run.header.seed),
    })
}

fn variant_value(case: &Case, result: &VariantResult) -> Value {
    json!({
        "name": result.name,
        "verdict": result.verdict.word(),
        "reason": result.verdict.reason().map(redact),
        "attempts": result.attempts.iter().map(|attempt| attempt_value(case, attempt)).collect::<Vec<_>>(),
    })
}

fn attempt_value(case: &Case, attempt: &Attempt) -> Value {
    let is_fault = |delivered: &&crate::run::Delivered| delivered.id.parse::<Fault>().is_ok();
    let (faults, edits): (Vec<_>, Vec<_>) = attempt.delivered.iter().partition(is_fault);
    let sent =
        |own: &crate::run::Delivered| json!({ "id": own.id, "delivered": own.delivered, "sent": redact(&own.sent) });
    json!({
        "edits": edits.iter().map(|edit| &edit.id).collect::<Vec<_>>(),
        "faults": faults.iter().map(|own| json!({ "id": own.id, "delivered": own.delivered })).collect::<Vec<_>>(),
        "sent": attempt.delivered.iter().map(sent).collect::<Vec<_>>(),
        "flows": attempt.evidence.flows.iter().map(|flow| flow.id.to_string()).collect::<Vec<_>>(),
        "control": attempt.control,
        "checks": attempt.checks.iter().map(|check| check_value(case, check)).collect::<Vec<_>>(),
    })
}

fn check_value(case: &Case, check: &CheckResult) -> Value {
    let (word, saw) = match &check.outcome {
        Outcome::Holds => ("holds", None),
        Outcome::HoldsWith(saw) => ("holds-with", Some(saw)),
        Outcome::Broken(saw) => ("broken", Some(saw)),
        Outcome::CannotTell(why) => ("cannot-tell", Some(why)),
        Outcome::Absent(what) => ("absent", Some(what)),
    };
    let print = match &check.outcome {
        Outcome::Broken(saw) => {
            Some(fingerprint(&format!("{} {} {}", case.id, check.id, normalised(saw)))[..6].to_owned())
        }
        _ => None,
    };
    json!({
        "id": check.id,
        "level": level(check.level),
        "expected": check.expects,
        "outcome": word,
        "saw": saw.map(|saw| redact(saw)),
        "fingerprint": print,
    })
}

fn counts(result: &RunResult) -> Value {
    // `known` and `fixed` are overlays of a baseline; they are part of the shape so that readers need not ask.
    let mut counts: Map<String, Value> = WORDS
        .iter()
        .map(|word| ((*word).to_owned(), json!(result.count(word))))
        .collect();
    counts.insert("known".to_owned(), json!(0));
    counts.insert("fixed".to_owned(), json!(0));
    Value::Object(counts)
}

/// `must`, `must*`, `should`, `may`.
fn level(level: Level) -> String {
    level.to_string().to_lowercase()
}

/// `RFC6749#10.12`.
fn reference(clause: &Clause) -> String {
    let standard = clause.standard.name.replace(' ', "");
    if clause.section.is_empty() {
        standard
    } else {
        format!("{standard}#{}", clause.section)
    }
}

/// What of an observation is the same in every run: words with a digit in them are numbers, random values, addresses.
fn normalised(saw: &str) -> String {
    let words = saw.split(|c: char| c.is_whitespace() || "&=,;()\"'`".contains(c));
    let stays = |word: &&str| !word.is_empty() && (!word.contains(|c: char| c.is_ascii_digit()) || is_status(word));
    words.filter(stays).collect::<Vec<_>>().join(" ")
}

fn is_status(word: &str) -> bool {
    word.len() == 3 && word.parse::<u16>().is_ok_and(|code| (100..600).contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_recognised_in_the_next_run() {
        let one = normalised("302 /dashboard; the page shows alice-81f2@example.test, wanted refusal");
        let two = normalised("302 /dashboard; the page shows alice-77aa@example.test, wanted refusal");
        assert_eq!(one, two);
        assert_ne!(
            one,
            normalised("200 /dashboard; the page shows alice-77aa@example.test, wanted refusal")
        );
    }
}
