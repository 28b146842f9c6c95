//! Markdown for step summaries, merge requests and comments: what came out, the causes, a diagram for each.

use super::{
    block,
    cause::{Cause, causes, undecided},
    diagram,
    document::Run,
    exchange, finding,
    kind::Source,
    look::steers,
    summary::{last_line, listed},
};
use crate::exit;

/// GitHub drops a summary near 1 MiB without a word.
const LIMIT: usize = 900 * 1024;
/// Causes that are told in full.
const IN_FULL: usize = 10;
/// Things that are shown of a kind.
const SHOWN: usize = 3;

/// The document.
#[must_use]
pub fn document(source: &Source<'_>) -> String {
    let run = source.run;
    let causes = causes(run);
    let mut text = format!("## conformance: {}\n\n{}\n\n", verdict(run), cell(&last_line(run)));
    text.push_str("| pass | fail | warn | known | inconclusive | error | skipped |\n|---|---|---|---|---|---|---|\n");
    let counts = &run.counts;
    text.push_str(&format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n\n",
        counts.pass, counts.fail, counts.warn, counts.known, counts.inconclusive, counts.error, counts.skipped
    ));
    for check in run.preflight.iter().filter(|check| !check.ok) {
        text.push_str(&format!(
            "- **`{}`**: {}. Wanted: {}. {}\n",
            check.id,
            cell(&check.saw),
            cell(&check.wanted),
            cell(&check.fix)
        ));
    }
    for control in run.controls.iter().filter(|control| !control.ok) {
        text.push_str(&format!(
            "- **control sign-in ({})**: {}\n",
            cell(&control.lane),
            cell(&control.text)
        ));
    }
    if let Some(why) = &run.run.aborted {
        text.push_str(&format!("\n**Nothing was judged:** {}\n\n", cell(why)));
    }
    if !causes.is_empty() {
        text.push_str("| | Cause | Cases | Level | Explained by |\n|---|---|---|---|---|\n");
        for cause in &causes {
            text.push_str(&format!(
                "| {} | {} | {} | {} | `conformance explain {}` |\n",
                word(cause),
                cell(&cause.headline),
                cause.cases.len(),
                cause.lead.0.broken_level(),
                cause.lead.0.id
            ));
        }
        text.push('\n');
    }
    for cause in causes.iter().filter(|cause| !cause.known).take(IN_FULL) {
        text.push_str(&told(cause, source));
    }
    for group in undecided(run) {
        text.push_str(&format!(
            "- {}: {} ({})\n",
            group.verdict,
            cell(group.reason),
            listed(&group.cases, 0)
        ));
    }
    if let Some(overlay) = &run.baseline {
        for entry in &overlay.stale {
            text.push_str(&format!(
                "- stale: `{}` {}: {}\n",
                entry.case,
                cell(&entry.check),
                cell(&entry.why)
            ));
        }
    }
    limited(text)
}

fn told(cause: &Cause<'_>, source: &Source<'_>) -> String {
    let (case, variant) = cause.lead;
    let mut text = format!(
        "### {} {}\n\n{}\n\n",
        word(cause),
        cell(&cause.headline),
        cell(&case.why)
    );
    if cause.cases.len() > 1 {
        text.push_str(&format!("Cases: {}\n\n", listed(&cause.cases, 0)));
    }
    let sent = variant.attempts.last().map(|attempt| attempt.sent.as_slice());
    for own in sent.unwrap_or_default().iter().take(SHOWN) {
        text.push_str(&format!("- sent: {}\n", cell(&block::words_of(own))));
    }
    // Two checks may ask the same thing with different weights.
    let mut told: Vec<String> = Vec::new();
    for found in finding::of_variant(&case.id, variant) {
        let lines = format!(
            "- expected: {}\n- observed: {}\n",
            cell(&found.expected),
            cell(&found.saw)
        );
        if told.len() < SHOWN && !told.contains(&lines) {
            told.push(lines);
        }
    }
    text.push_str(&told.concat());
    if let Some(remedy) = cause.remedy {
        text.push_str(&format!("- fix: {}\n", remedy.title()));
    }
    text.push_str(&format!("- replay: `{}`", cell(&case.replay)));
    if let Some(caveat) = &case.replay_caveat {
        text.push_str(&format!(" ({})", cell(caveat)));
    }
    text.push_str("\n\n");
    let evidence = source.evidence(case).and_then(|evidence| {
        let own = evidence.variants.into_iter().find(|own| own.name == variant.name)?;
        own.attempts.into_iter().last()
    });
    if let Some(evidence) = evidence {
        let exchanges = exchange::exchanges(&evidence);
        if !exchanges.is_empty() {
            text.push_str(&format!("```mermaid\n{}```\n\n", diagram::mermaid(&exchanges)));
        }
    }
    text
}

fn word(cause: &Cause<'_>) -> String {
    if cause.known {
        "known".to_owned()
    } else {
        cause.verdict.as_str().to_uppercase()
    }
}

fn verdict(run: &Run) -> &'static str {
    match run.exit_code {
        exit::CLEAN => "clean",
        _ if run.run.aborted.is_some() => "nothing was judged",
        exit::INTERRUPTED => "interrupted",
        exit::FAILED => "failed",
        exit::INCONCLUSIVE => "inconclusive",
        exit::STALE_BASELINE => "the baseline is stale",
        exit::NOTHING_SELECTED => "nothing was selected",
        _ => "error",
    }
}

/// Text from outside, as text: no markup, no table, no mention, nothing that turns its order.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            c if steers(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

fn limited(text: String) -> String {
    if text.len() <= LIMIT {
        return text;
    }
    let end = (0..=LIMIT)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default();
    let whole = text[..end].rfind("\n### ").unwrap_or(end);
    format!(
        "{}\n\nThe rest is in the report: this summary is full.\n",
        &text[..whole]
    )
}
