//! GitLab's code quality report: a list of findings with place, weight and fingerprint, shown in merge requests.

use serde_json::{Value, json};

use super::{
    document::{Case, Run, Weight},
    finding, redact,
};

/// The document. What the baseline knows is left out: it is not new.
#[must_use]
pub fn document(run: &Run) -> Value {
    let new = run.cases.iter().filter(|case| case.known.is_none());
    Value::Array(new.flat_map(issues).collect())
}

fn issues(case: &Case) -> Vec<Value> {
    let issue = |found: finding::Finding| {
        json!({
            "description": format!("{}. Observed: {}", case.title, found.saw),
            "check_name": case.id,
            "fingerprint": redact::fingerprint(&format!("{} {} {}", case.id, found.check, found.fingerprint)),
            "severity": match found.level {
                Weight::Must => "critical",
                Weight::MustStar => "major",
                Weight::Should => "minor",
                Weight::May => "info",
            },
            "location": { "path": case.location.file, "lines": { "begin": case.location.line } },
        })
    };
    finding::of_case(case).into_iter().map(issue).collect()
}
