//! Workflow commands of GitHub Actions: annotations within the limits of the runner.

use super::{
    cause::{Cause, causes, undecided},
    document::{Case, Run, Word},
    finding,
    look::{no_command, steers},
};

/// GitHub takes ten annotations of a kind per step; the last one says how many more there are.
const LIMIT: usize = 9;
/// GitHub takes titles of 255 characters and messages of 64 KiB; who reads an annotation wants much less.
const TITLE: usize = 120;
const MESSAGE: usize = 2_000;

/// That this is a step of a workflow, and where paths begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place;

/// One annotation per cause, `::error` or `::warning` by its verdict; before them what was wrong with the set-up.
#[must_use]
pub fn annotations(run: &Run, _place: &Place) -> String {
    let (mut errors, mut warnings): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for check in run.preflight.iter().filter(|check| !check.ok) {
        let text = format!("{}; wanted: {}; {}", check.saw, check.wanted, check.fix);
        let kind = if check.warning { &mut warnings } else { &mut errors };
        kind.push(command(
            if check.warning { "warning" } else { "error" },
            None,
            &check.id,
            &text,
        ));
    }
    for control in run.controls.iter().filter(|control| !control.ok) {
        let title = format!("control sign-in ({})", control.lane);
        errors.push(command("error", None, &title, &control.text));
    }
    if let (Some(why), true) = (&run.run.aborted, errors.is_empty()) {
        errors.push(command("error", None, "nothing was judged", why));
    }
    for cause in causes(run).into_iter().filter(|cause| !cause.known) {
        let is_red = run.run.policy.fails(cause.verdict);
        let (kind, all) = if is_red {
            ("error", &mut errors)
        } else {
            ("warning", &mut warnings)
        };
        let case = cause.lead.0;
        all.push(command(kind, Some(case), &case.id, &sentence(&cause)));
    }
    for group in undecided(run) {
        let is_red = group.verdict == Word::Error || !run.run.policy.allow_inconclusive;
        let (kind, all) = if is_red {
            ("error", &mut errors)
        } else {
            ("warning", &mut warnings)
        };
        let Some(case) = group.cases.first() else { continue };
        let more = match group.cases.len() {
            1 => String::new(),
            count => format!(" ({count} cases)"),
        };
        let text = format!("{}{more}: {}", group.verdict, group.reason);
        all.push(command(kind, Some(case), &case.id, &text));
    }
    if let Some(overlay) = run.baseline.as_ref().filter(|overlay| !overlay.stale.is_empty()) {
        let text = format!(
            "{} entries of the baseline no longer apply: conformance baseline prune --baseline {}",
            overlay.stale.len(),
            overlay.file
        );
        errors.push(command("error", None, "stale baseline", &text));
    }
    limited("error", errors) + &limited("warning", warnings)
}

fn sentence(cause: &Cause<'_>) -> String {
    let (case, variant) = cause.lead;
    let found = finding::of_variant(&case.id, variant);
    let seen = found
        .first()
        .map(|found| format!("Expected: {}. Observed: {}. ", found.expected, found.saw))
        .unwrap_or_default();
    let more = match cause.cases.len() {
        1 => String::new(),
        count => format!(" ({count} cases)"),
    };
    format!("{}{more}. {seen}conformance explain {}", cause.headline, case.id)
}

fn limited(kind: &str, all: Vec<String>) -> String {
    let more = all.len().saturating_sub(LIMIT);
    let mut text: String = all.into_iter().take(LIMIT).collect();
    if more > 0 {
        text.push_str(&format!(
            "::{kind}::and {more} more: see the summary of this step, or the report\n"
        ));
    }
    text
}

fn command(kind: &str, case: Option<&Case>, title: &str, text: &str) -> String {
    let place = case
        .map(|case| format!("file={},line={},", property(&case.location.file), case.location.line))
        .unwrap_or_default();
    let (title, text) = (cut(title, TITLE), cut(text, MESSAGE));
    format!("::{kind} {place}title={}::{}\n", property(&title), data(&text))
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The text of a command: newlines and `%` are escaped as the runner wants it.
fn data(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if steers(c) && c != '\n' { '\u{fffd}' } else { c })
        .collect();
    no_command(clean).replace('%', "%25").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(',', "%2C").replace(':', "%3A")
}
