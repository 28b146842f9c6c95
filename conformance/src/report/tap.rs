//! TAP 14: one line per case, with a YAML block where a case is not well.

use super::{
    document::{Case, Run, Word},
    finding,
    look::{no_command, steers},
};

/// The document. What the baseline knows is a `TODO`; a *warn* that does not make the run red is one too.
#[must_use]
pub fn document(run: &Run) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", run.cases.len());
    for (case, number) in run.cases.iter().zip(1..) {
        text.push_str(&point(case, number, run));
    }
    if let Some(why) = &run.run.aborted {
        text.push_str(&format!("Bail out! {}\n", line(why)));
    } else if run.run.partial {
        text.push_str("Bail out! the run ended early\n");
    }
    text
}

fn point(case: &Case, number: usize, run: &Run) -> String {
    let reason = case.reason.as_deref().unwrap_or_default();
    let (ok, directive) = match (case.verdict, &case.known) {
        (Word::Pass, _) => (true, String::new()),
        (Word::Skipped, _) => (true, format!(" # SKIP {}", line(reason))),
        (_, Some(known)) => (false, format!(" # TODO known: {}", line(&known.reason))),
        (Word::Warn, None) if !run.run.policy.fails(Word::Warn) => (false, " # TODO warn: a broken SHOULD".to_owned()),
        _ => (false, String::new()),
    };
    let word = if ok { "ok" } else { "not ok" };
    let mut text = format!("{word} {number} - {}: {}{directive}\n", case.id, line(&case.title));
    if !ok {
        text.push_str("  ---\n");
        let mut row = |name: &str, value: &str| text.push_str(&format!("  {name}: {}\n", quoted(value)));
        row("verdict", case.verdict.as_str());
        row("level", &case.broken_level().to_string());
        if !reason.is_empty() {
            row("reason", reason);
        }
        if let Some(found) = finding::of_case(case).first() {
            row("expected", &found.expected);
            row("observed", &found.saw);
        }
        row("replay", &case.replay);
        text.push_str("  ...\n");
    }
    text
}

/// A text on one line, without what TAP reads as the beginning of a directive.
fn line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    clean.replace('\\', "\\\\").replace('#', "\\#")
}

/// A YAML scalar in double quotes, which JSON's strings are.
fn quoted(text: &str) -> String {
    let clean: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    serde_json::Value::String(no_command(clean)).to_string()
}
