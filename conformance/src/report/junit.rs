//! JUnit XML in the dialect that Jenkins and its kin read: a suite per group, a test case per case.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{
    Setting,
    block::{block, broken_level, evidence_file, undecided},
    look::Look,
};
use crate::{
    outcome::Verdict,
    run::{CaseResult, RunResult},
};

/// The document. A *fail* is a failure; *inconclusive* and *error* are errors; *skipped* carries its reason; a *warn* is a
/// failure only where the policy says so, and a success with its block as output elsewhere.
///
/// # Errors
/// Only what writing XML to memory can run into.
pub fn document(result: &RunResult, setting: &Setting) -> Result<String, SerializeError> {
    let mut report = Report::new("conformance");
    report.set_time(Duration::from_millis(result.duration_ms));
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    for case in &result.cases {
        let group = case.case.group();
        if suites.last().is_none_or(|(name, _)| *name != group) {
            suites.push((group, TestSuite::new(group)));
        }
        if let Some((_, suite)) = suites.last_mut() {
            suite.add_test_case(test_case(case, result, setting));
        }
    }
    if let Some(why) = &result.aborted {
        let mut suite = TestSuite::new("setup");
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(why.as_str()).set_type("not judged");
        suite.add_test_case(TestCase::new("setup/run", status));
        suites.push(("setup", suite));
    }
    report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    report.to_string()
}

fn test_case(result: &CaseResult, run: &RunResult, setting: &Setting) -> TestCase {
    let case = result.case;
    let plain = Look::default();
    let status = match &result.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Warn if !setting.policy.fail_on_warn => TestCaseStatus::success(),
        Verdict::Fail | Verdict::Warn => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let level = broken_level(result).unwrap_or(case.level);
            status
                .set_type(level.to_string())
                .set_message(case.title)
                .set_description(block(result, &run.header, setting, &plain));
            status
        }
        Verdict::Inconclusive(reason) | Verdict::Error(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status
                .set_type(result.verdict.word())
                .set_message(reason.as_str())
                .set_description(undecided(result, &plain));
            status
        }
        Verdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut test = TestCase::new(case.id, status);
    test.set_classname(format!("conformance.{}", case.group()))
        .set_time(Duration::from_millis(result.duration_ms));
    let refs: Vec<String> = case.spec.iter().map(ToString::to_string).collect();
    test.add_property(Property::new("level", case.level.to_string()));
    test.add_property(Property::new("refs", refs.join(", ")));
    test.add_property(Property::new("replay", setting.replay(case, &run.header.seed)));
    if !result.variants.is_empty() && !setting.folder.as_os_str().is_empty() {
        let path = setting.folder.join(evidence_file(case));
        let mut output = format!("[[ATTACHMENT|{}]]\n", path.display());
        if result.verdict == Verdict::Warn {
            output.push_str(&block(result, &run.header, setting, &plain));
        }
        test.set_system_out(output);
    }
    test
}
