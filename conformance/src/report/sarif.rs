//! SARIF 2.1.0, the subset that code scanning reads: a rule per case, a result per finding, always with a physical location,
//! because GitHub refuses a whole file for one result without.

use serde_json::{Value, json};

use super::{
    document::{Case, Run, Variant, Weight, Word},
    finding::{self, Finding},
};
use crate::{catalog, explain};

/// The document.
#[must_use]
pub fn document(run: &Run) -> Value {
    let bad: Vec<&Case> = run.cases.iter().filter(|case| case.verdict.is_finding()).collect();
    let results: Vec<Value> = bad
        .iter()
        .enumerate()
        .flat_map(|(rule, case)| results(case, rule))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "conformance",
                "semanticVersion": run.run.tool,
                "informationUri": "https://openid.net/specs/openid-connect-core-1_0.html",
                "rules": bad.iter().map(|case| rule(case)).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("conformance/{}/", run.run.profile) },
            "invocations": [invocation(run)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// Whether it could judge, and what it has to say about itself.
fn invocation(run: &Run) -> Value {
    let undecided = run.cases.iter().filter(|case| case.verdict.is_undecided());
    let of_cases = undecided.map(|case| {
        json!({
            "level": if case.verdict == Word::Error { "error" } else { "warning" },
            "message": { "text": format!("{}: {} - {}", case.id, case.verdict, case.reason.as_deref().unwrap_or_default()) },
        })
    });
    let aborted = run
        .run
        .aborted
        .iter()
        .map(|why| json!({ "level": "error", "message": { "text": why } }));
    json!({
        "executionSuccessful": run.run.aborted.is_none() && !run.run.interrupted,
        "exitCode": run.exit_code,
        "startTimeUtc": run.run.started,
        "toolExecutionNotifications": aborted.chain(of_cases).collect::<Vec<_>>(),
    })
}

fn rule(case: &Case) -> Value {
    let help = catalog::all()
        .find(|own| own.id == case.id)
        .map(|own| explain::markdown(own, &explain::Fixes::Names));
    let url = case.clauses.first().map(|clause| clause.url.clone());
    let mut rule = json!({
        "id": case.id,
        "name": case.id.split('/').map(capitalised).collect::<String>(),
        "shortDescription": { "text": case.title },
        "fullDescription": { "text": if case.why.is_empty() { &case.title } else { &case.why } },
        "help": {
            "text": format!("{}\n\nconformance explain {}", case.why, case.id),
            "markdown": help.unwrap_or_else(|| case.why.clone()),
        },
        "defaultConfiguration": { "level": level(case.verdict) },
        "properties": {
            "tags": ["security", "authentication", case.level.to_string(), case.group()],
            "security-severity": severity(case.level),
            "precision": "very-high",
        },
    });
    if let Some(url) = url {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn results(case: &Case, rule: usize) -> Vec<Value> {
    finding::of_case(case)
        .into_iter()
        .map(|found| {
            let variant = case.bad_variants().find(|variant| {
                finding::of_variant(&case.id, variant)
                    .iter()
                    .any(|own| own.fingerprint == found.fingerprint)
            });
            result(case, rule, &found, variant)
        })
        .collect()
}

fn result(case: &Case, rule: usize, found: &Finding, variant: Option<&Variant>) -> Value {
    let text = format!("{}. Expected: {}. Observed: {}", case.title, found.expected, found.saw);
    let mut result = json!({
        "ruleId": case.id,
        "ruleIndex": rule,
        "level": if found.level >= Weight::MustStar { "error" } else { "warning" },
        "message": { "text": text },
        "locations": [location(case, None)],
        "partialFingerprints": { "conformanceFinding/v1": format!("{}:{}:{}", case.id, found.check, found.fingerprint) },
        "properties": { "verdict": case.verdict, "check": found.check, "replay": case.replay },
    });
    let steps = variant.map(steps).unwrap_or_default();
    if !steps.is_empty() {
        let places: Vec<Value> = steps
            .iter()
            .map(|step| json!({ "location": location(case, Some(step)) }))
            .collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": places }] }]);
    }
    if let Some(known) = &case.known {
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": known.reason }]);
    }
    result
}

/// What was done, sent and seen, in order.
fn steps(variant: &Variant) -> Vec<String> {
    let Some(attempt) = variant.attempts.last() else {
        return Vec::new();
    };
    let mut steps = attempt.did.clone();
    steps.extend(attempt.sent.iter().map(|sent| {
        match sent.changes.as_slice() {
            [] => format!("sent: {}", sent.sent),
            changes => changes
                .iter()
                .map(|change| change.sentence())
                .collect::<Vec<_>>()
                .join("; "),
        }
    }));
    steps.extend(
        attempt
            .broken()
            .filter_map(|check| check.saw.clone())
            .map(|saw| format!("observed: {saw}")),
    );
    steps
}

fn location(case: &Case, message: Option<&str>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&case.location.file) },
            "region": { "startLine": case.location.line.max(1) },
        },
    });
    if let Some(message) = message {
        location["message"] = json!({ "text": message });
    }
    location
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(path.trim_start_matches("./"), KEPT).to_string()
}

fn level(word: Word) -> &'static str {
    match word {
        Word::Fail => "error",
        _ => "warning",
    }
}

/// On the scale of CVSS, which GitHub sorts by.
fn severity(level: Weight) -> &'static str {
    match level {
        Weight::Must => "8.5",
        Weight::MustStar => "7.0",
        Weight::Should => "4.5",
        Weight::May => "2.0",
    }
}

/// `state-missing` → `StateMissing`: what names of rules look like.
fn capitalised(slug: &str) -> String {
    slug.split('-')
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        })
        .collect()
}
