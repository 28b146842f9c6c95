//! JUnit XML as Jenkins, GitLab and others read it: a suite per group, a test case per case. It is valid under the schema
//! `junit-10.xsd` of Jenkins' xUnit plug-in.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{
    block,
    document::{Case, Run, Word},
    look::Look,
};

/// The document. A *fail* is a failure; *inconclusive* and *error* are errors; *skipped* and what the baseline knows are
/// skipped with their reason. A *warn* is a failure where the policy says so; elsewhere it is skipped with `WARN` in its
/// message, because viewers hide the output of what succeeds.
///
/// # Errors
/// Only what writing XML to memory can run into.
pub fn document(run: &Run) -> Result<String, SerializeError> {
    let mut report = Report::new("conformance");
    report.set_time(Duration::from_millis(run.run.duration_ms));
    let mut suites: Vec<(String, TestSuite)> = Vec::new();
    for case in &run.cases {
        let group = case.group();
        if suites.last().is_none_or(|(name, _)| name != group) {
            suites.push((group.to_owned(), TestSuite::new(group)));
        }
        if let Some((_, suite)) = suites.last_mut() {
            suite.add_test_case(test_case(case, run));
        }
    }
    if let Some(suite) = setup(run) {
        suites.push(("setup".to_owned(), suite));
    }
    report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    // The schema counts what was skipped in the suites only.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    Ok(report.to_string()?.replacen(&skipped, "", 1))
}

/// What went wrong before, or instead of, the cases: checks of the set-up, controls, an early end.
fn setup(run: &Run) -> Option<TestSuite> {
    let mut suite = TestSuite::new("setup");
    let mut error = |name: &str, kind: &str, message: &str, text: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_type(kind)
            .set_message(clean(message))
            .set_description(clean(&text));
        let mut test = TestCase::new(name, status);
        test.set_classname("conformance.setup");
        suite.add_test_case(test);
    };
    for check in run.preflight.iter().filter(|check| !check.ok && !check.warning) {
        let text = format!("saw: {}\nwanted: {}\nfix: {}", check.saw, check.wanted, check.fix);
        error(&check.id, "setup", &check.saw, text);
    }
    for control in run.controls.iter().filter(|control| !control.ok) {
        error(
            &format!("setup/control {}", control.lane),
            "control",
            &control.text,
            control.text.clone(),
        );
    }
    if let Some(why) = &run.run.aborted {
        error("setup/run", "not judged", why, why.clone());
    }
    if run.run.partial && run.run.aborted.is_none() {
        let (judged, all) = (run.cases.len(), run.run.selected);
        let text = format!("the run ended early: {judged} of {all} cases were judged");
        error("setup/run", "partial", &text, text.clone());
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}

fn test_case(case: &Case, run: &Run) -> TestCase {
    let plain = Look::default();
    let block = || clean(&block::of_case(case, &plain, 0));
    let skipped = |message: String, text: Option<String>| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(clean(&message));
        if let Some(text) = text {
            status.set_description(text);
        }
        status
    };
    let reason = case.reason.clone().unwrap_or_default();
    let status = match (case.verdict, &case.known) {
        (Word::Pass, _) => TestCaseStatus::success(),
        (Word::Skipped, _) => skipped(reason, None),
        (_, Some(known)) => skipped(format!("known: {}", known.reason), Some(block())),
        (Word::Warn, None) if !run.run.policy.fails(Word::Warn) => {
            skipped(format!("WARN ({}): {}", case.broken_level(), case.title), Some(block()))
        }
        (Word::Fail | Word::Warn, None) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(case.broken_level().to_string())
                .set_message(clean(&case.title))
                .set_description(block());
            status
        }
        (Word::Inconclusive | Word::Error, None) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status
                .set_type(case.verdict.as_str())
                .set_message(clean(&reason))
                .set_description(clean(&super::block::undecided(case, &plain)));
            status
        }
    };
    let mut test = TestCase::new(case.id.as_str(), status);
    test.set_classname(format!("conformance.{}", case.group()))
        .set_time(Duration::from_millis(case.duration_ms));
    test.set_system_out(clean(&properties(case)));
    test
}

/// What is known of a case, a line each. The schema has no properties of test cases; these lines in the output are what
/// readers take for them.
fn properties(case: &Case) -> String {
    let refs: Vec<&str> = case.clauses.iter().map(|clause| clause.text.as_str()).collect();
    let refs = refs.join(", ");
    let level = case.level.to_string();
    let all = [
        ("level", level.as_str()),
        ("verdict", case.verdict.as_str()),
        ("refs", &refs),
        ("replay", &case.replay),
    ];
    let said = all.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| format!("[[PROPERTY|{name}={value}]]\n"))
        .collect()
}

/// Without what XML cannot carry, and without what turns the order of a text.
fn clean(text: &str) -> String {
    let keeps = |c: char| {
        if super::look::steers(c) && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(keeps).collect()
}
