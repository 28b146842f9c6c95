//! The block of a case that is not well: what was sent, expected and observed, and where to go from there.

use super::{
    Setting,
    look::{Look, Tone},
    redact::redact,
};
use crate::{
    case::Case,
    describe,
    outcome::{Level, Outcome, Verdict},
    run::{Attempt, CaseResult, CheckResult, Header, VariantResult},
    script::MAIN,
    verdict::title,
};

/// Where the values stand.
const INDENT: usize = 15;
/// Variants that are shown in full; a case may have dozens, and they mostly fail alike.
const SHOWN: usize = 3;

/// The block of a case that failed or warned.
#[must_use]
pub fn block(result: &CaseResult, header: &Header, setting: &Setting, look: &Look) -> String {
    let case = result.case;
    let (label, tone) = (result.verdict.word().to_uppercase(), Tone::of(&result.verdict));
    let level = broken_level(result).unwrap_or(case.level);
    let title = title(result);
    let head = format!("{label} {}   {level}  {title}", case.id);
    let is_wide = look.width.is_some_and(|width| head.chars().count() > width);
    let title = look.hang(5, title);
    let between = if is_wide { "\n     " } else { "  " };
    let mut text = format!(
        "{} {}   {level}{between}{title}\n",
        look.paint(tone, &label),
        look.paint(Tone::Strong, case.id)
    );
    let bad: Vec<&VariantResult> = result
        .variants
        .iter()
        .filter(|variant| matches!(variant.verdict, Verdict::Fail | Verdict::Warn))
        .collect();
    for (index, variant) in bad.iter().take(SHOWN).enumerate() {
        if result.variants.len() > 1 {
            row(&mut text, look, "variant", variant.name);
        }
        if let Some(attempt) = variant.attempts.last() {
            variant_rows(&mut text, look, case, variant, attempt, index == 0);
        }
    }
    if bad.len() > SHOWN {
        let names: Vec<&str> = bad[SHOWN..].iter().map(|variant| variant.name).collect();
        row(
            &mut text,
            look,
            "and",
            &format!("{} more: {}", names.len(), names.join(", ")),
        );
    }
    row(&mut text, look, "why", case.why);
    row(&mut text, look, "fix", &format!("conformance explain {}", case.id));
    row(&mut text, look, "replay", &setting.replay(case, &header.seed));
    if !setting.folder.as_os_str().is_empty() {
        row(
            &mut text,
            look,
            "evidence",
            &setting.folder.join(evidence_file(case)).display().to_string(),
        );
    }
    text
}

/// One line for a case that decides nothing.
#[must_use]
pub fn undecided(result: &CaseResult, look: &Look) -> String {
    let reason = redact(result.verdict.reason().unwrap_or_default());
    let line = format!("{}: {} - {reason}", result.case.id, result.verdict.word());
    let sign = look.paint(Tone::of(&result.verdict), look.sign(Some(&result.verdict)));
    format!("{sign}    {}\n", look.hang(5, &line))
}

/// Where a case's evidence lies in the run's folder.
#[must_use]
pub fn evidence_file(case: &Case) -> String {
    format!("evidence/{}.json", case.id.replace('/', "."))
}

/// The heaviest level of what is broken.
#[must_use]
pub fn broken_level(result: &CaseResult) -> Option<Level> {
    let attempts = result.variants.iter().filter_map(|variant| variant.attempts.last());
    attempts.flat_map(broken).map(|check| check.level).max()
}

fn variant_rows(text: &mut String, look: &Look, case: &Case, result: &VariantResult, attempt: &Attempt, first: bool) {
    let flow = attempt
        .evidence
        .flow(MAIN)
        .map(|flow| format!(", flow {}", flow.id))
        .unwrap_or_default();
    for delivered in &attempt.delivered {
        let seen = if delivered.delivered {
            "delivered"
        } else {
            "not seen delivered"
        };
        let what = if delivered.sent.is_empty() {
            delivered.id.clone()
        } else {
            shortened(&redact(&delivered.sent))
        };
        let id = if delivered.sent.is_empty() || delivered.sent == delivered.id {
            String::new()
        } else {
            format!("{}, ", delivered.id)
        };
        row(text, look, "sent", &format!("{what}   ({id}{seen}{flow})"));
    }
    if attempt.delivered.is_empty()
        && let Some(variant) = case.variants.iter().find(|variant| variant.name == result.name)
    {
        row(text, look, "did", &describe::steps(variant.script).join("; "));
    }
    let clauses: Vec<String> = case.spec.iter().map(ToString::to_string).collect();
    let mut told: Vec<(&str, &str)> = Vec::new();
    for check in broken(attempt) {
        // Two checks may ask the same thing with different weights.
        let saw = check.outcome.said().unwrap_or_default();
        if told.contains(&(check.expects, saw)) {
            continue;
        }
        let clauses = if first && told.is_empty() && !clauses.is_empty() {
            format!("   ({})", clauses.join(", "))
        } else {
            String::new()
        };
        row(text, look, "expected", &format!("{}{clauses}", check.expects));
        row(text, look, "observed", &redact(saw));
        told.push((check.expects, saw));
    }
    if attempt.evidence.app_hops().any(|hop| hop.is_server_error()) {
        let lines: Vec<&str> = attempt.evidence.app_output.lines().collect();
        for line in &lines[lines.len().saturating_sub(3)..] {
            row(text, look, "app log", &redact(line));
        }
    }
}

fn broken(attempt: &Attempt) -> impl Iterator<Item = &CheckResult> {
    // A MAY is a note, not a reason.
    let is_reason = |check: &&CheckResult| matches!(check.outcome, Outcome::Broken(_)) && check.level != Level::May;
    attempt.checks.iter().filter(is_reason)
}

/// What is needed to recognise a message; all of it is in the evidence.
fn shortened(text: &str) -> String {
    const LINES: usize = 4;
    const CHARACTERS: usize = 400;
    let lines: Vec<&str> = text.lines().take(LINES).collect();
    let mut short: String = lines.join("\n").chars().take(CHARACTERS).collect();
    if short.chars().count() < text.trim_end().chars().count() {
        short.push('…');
    }
    short
}

fn row(text: &mut String, look: &Look, label: &str, value: &str) {
    let label = look.paint(Tone::Faint, &format!("{label:<9}"));
    text.push_str(&format!("     {label} {}\n", look.hang(INDENT, value)));
}
