//! CTRF, the Common Test Report Format (version 0.0.0 of its schema): `status` in its words, `rawStatus` in ours.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    block,
    document::{Case, Run, Word},
    look::Look,
};

/// The document.
#[must_use]
pub fn document(run: &Run) -> Value {
    let start = OffsetDateTime::parse(&run.run.started, &Rfc3339)
        .map(|moment| moment.unix_timestamp() * 1000)
        .unwrap_or_default();
    let duration = i64::try_from(run.run.duration_ms).unwrap_or(i64::MAX);
    let count = |status: &str| run.cases.iter().filter(|case| self::status(case) == status).count();
    json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "runId": run.run.id,
        "generatedBy": format!("conformance {}", run.run.tool),
        "results": {
            "tool": { "name": "conformance", "version": run.run.tool },
            "summary": {
                "tests": run.cases.len(),
                "passed": count("passed"),
                "failed": count("failed"),
                "skipped": count("skipped"),
                "pending": 0,
                "other": count("other"),
                "start": start,
                "stop": start.saturating_add(duration),
                "duration": duration,
                "extra": { "profile": run.run.profile, "exit_code": run.exit_code, "partial": run.run.partial },
            },
            "tests": run.cases.iter().map(test).collect::<Vec<_>>(),
        },
    })
}

fn status(case: &Case) -> &'static str {
    match case.verdict {
        Word::Pass => "passed",
        Word::Skipped => "skipped",
        Word::Fail if case.known.is_none() => "failed",
        Word::Fail | Word::Warn | Word::Inconclusive | Word::Error => "other",
    }
}

fn test(case: &Case) -> Value {
    let is_flaky = case.reason.as_deref().is_some_and(|reason| reason.starts_with("flaky"));
    let steps = case.variants.iter().map(|variant| {
        let status = match variant.verdict {
            Word::Pass => "passed",
            Word::Skipped => "skipped",
            Word::Fail => "failed",
            _ => "other",
        };
        json!({ "name": variant.name, "status": status })
    });
    let mut test = json!({
        "name": case.id,
        "status": status(case),
        "rawStatus": if case.known.is_some() { "known" } else { case.verdict.as_str() },
        "duration": case.duration_ms,
        "suite": [case.group()],
        "filePath": case.location.file,
        "line": case.location.line,
        "tags": [case.level.to_string()],
        "flaky": is_flaky,
        "extra": { "title": case.title, "refs": case.refs, "replay": case.replay },
    });
    let steps: Vec<Value> = steps.collect();
    if !steps.is_empty() {
        test["steps"] = Value::Array(steps);
    }
    if case.verdict.is_finding() {
        test["message"] = json!(block::sentence(case));
        test["trace"] = json!(block::of_case(case, &Look::default(), 0));
    } else if let Some(reason) = &case.reason {
        test["message"] = json!(reason);
    }
    test
}
