//! The block of a cause: what is wrong, which cases meet it, what was sent, expected and observed, and where to go from
//! there. JUnit, SARIF and the console print the same lines.

use super::{
    cause::Cause,
    document::{Case, Sent, Variant},
    finding,
    look::{Look, Tone},
    summary::listed,
};

/// Where the values stand.
const INDENT: usize = 15;
/// Things that are shown of a kind; a walk may have a dozen edits.
const SHOWN: usize = 3;

/// The block of a cause.
#[must_use]
pub fn of_cause(cause: &Cause<'_>, look: &Look, verbose: u8) -> String {
    let (case, variant) = cause.lead;
    let (label, tone) = if cause.known {
        ("known".to_owned(), Tone::Faint)
    } else {
        (cause.verdict.as_str().to_uppercase(), Tone::of(cause.verdict))
    };
    let head = format!("{label} {}   {}", cause.extent(), case.broken_level());
    let is_wide = look
        .width
        .is_some_and(|width| head.chars().count() + 2 + cause.headline.chars().count() > width);
    let between = if is_wide { "\n     " } else { "  " };
    let mut text = format!(
        "{} {}   {}{between}{}\n",
        look.paint(tone, &label),
        look.paint(Tone::Strong, &cause.extent()),
        case.broken_level(),
        look.hang(5, &cause.headline)
    );
    if cause.cases.len() > 1 {
        row(&mut text, look, "cases", &listed(&cause.cases, verbose));
    }
    variant_rows(&mut text, look, case, variant, verbose);
    row(&mut text, look, "why", &case.why);
    if let Some(remedy) = cause.remedy {
        row(&mut text, look, "fix", remedy.title());
    }
    pointers(&mut text, look, case);
    if verbose > 0 {
        for other in cause.cases.iter().skip(1) {
            text.push('\n');
            text.push_str(&of_case(other, look, verbose));
        }
    }
    text
}

/// The block of one case that speaks against the app.
#[must_use]
pub fn of_case(case: &Case, look: &Look, verbose: u8) -> String {
    let label = case.verdict.as_str().to_uppercase();
    let mut text = format!(
        "{} {}   {}  {}\n",
        look.paint(Tone::of(case.verdict), &label),
        look.paint(Tone::Strong, &case.id),
        case.broken_level(),
        look.hang(5, &case.title)
    );
    let bad: Vec<&Variant> = case.bad_variants().collect();
    for variant in bad.iter().take(SHOWN) {
        if case.variants.len() > 1 {
            row(&mut text, look, "variant", &variant.name);
        }
        variant_rows(&mut text, look, case, variant, verbose);
    }
    if bad.len() > SHOWN {
        let names: Vec<&str> = bad[SHOWN..].iter().map(|variant| variant.name.as_str()).collect();
        let more = format!("{} more: {}", names.len(), names.join(", "));
        row(&mut text, look, "and", &more);
    }
    row(&mut text, look, "why", &case.why);
    pointers(&mut text, look, case);
    text
}

/// One line for a case that decides nothing.
#[must_use]
pub fn undecided(case: &Case, look: &Look) -> String {
    let reason = case.reason.as_deref().unwrap_or_default();
    let line = format!("{}: {} - {reason}", case.id, case.verdict);
    let sign = look.paint(Tone::of(case.verdict), look.sign(Some(case.verdict)));
    format!("{sign}    {}\n", look.hang(5, &line))
}

/// One sentence for a place without room: what was expected and what was observed.
#[must_use]
pub fn sentence(case: &Case) -> String {
    let findings = finding::of_case(case);
    match findings.first() {
        Some(first) => format!("{}. Expected: {}. Observed: {}", case.title, first.expected, first.saw),
        None => match &case.reason {
            Some(reason) => format!("{}. {}: {reason}", case.title, case.verdict),
            None => case.title.clone(),
        },
    }
}

fn pointers(text: &mut String, look: &Look, case: &Case) {
    command(text, look, "more", &format!("conformance explain {}", case.id));
    command(text, look, "replay", &case.replay);
    if let Some(caveat) = &case.replay_caveat {
        row(text, look, "", &format!("({caveat})"));
    }
    if let Some(known) = &case.known {
        let until = known
            .expires
            .as_deref()
            .map(|day| format!(", until {day}"))
            .unwrap_or_default();
        let owner = known
            .owner
            .as_deref()
            .map(|owner| format!(", {owner}"))
            .unwrap_or_default();
        let reason = if known.reason.is_empty() {
            "no reason given"
        } else {
            &known.reason
        };
        row(text, look, "known", &format!("{reason}{owner}{until}"));
    }
}

fn variant_rows(text: &mut String, look: &Look, case: &Case, variant: &Variant, verbose: u8) {
    let Some(attempt) = variant.attempts.last() else { return };
    let flow = attempt
        .flows
        .first()
        .map(|flow| format!(", flow {flow}"))
        .unwrap_or_default();
    for sent in attempt.sent.iter().take(SHOWN) {
        let seen = if sent.delivered {
            "delivered"
        } else {
            "not seen delivered"
        };
        let what = words_of(sent);
        let id = if sent.sent.is_empty() || sent.sent == sent.id || !sent.id.contains('.') {
            String::new()
        } else {
            format!("{}, ", sent.id)
        };
        row(text, look, "sent", &format!("{what}   ({id}{seen}{flow})"));
    }
    if attempt.sent.is_empty() && !attempt.did.is_empty() {
        // The end of a walk is what matters; all of it stands in `explain`.
        let skipped = if verbose > 0 {
            0
        } else {
            attempt.did.len().saturating_sub(SHOWN)
        };
        let before = if skipped > 0 { "…; " } else { "" };
        row(
            text,
            look,
            "steps",
            &format!("{before}{}", attempt.did[skipped..].join("; ")),
        );
    }
    // Two checks may ask the same thing with different weights.
    let mut told: Vec<(String, String)> = Vec::new();
    for found in finding::of_variant(&case.id, variant) {
        if told.contains(&(found.expected.clone(), found.saw.clone())) || (told.len() >= SHOWN && verbose == 0) {
            continue;
        }
        let clauses: Vec<&str> = case.clauses.iter().map(|clause| clause.text.as_str()).collect();
        let clauses = match (told.is_empty(), clauses.as_slice()) {
            (true, [_, ..]) => format!("   ({})", clauses.join(", ")),
            _ => String::new(),
        };
        row(text, look, "expected", &format!("{}{clauses}", found.expected));
        row(text, look, "observed", &found.saw);
        told.push((found.expected, found.saw));
    }
    // A trace beside a right refusal would only distract; with `-v` it is wanted.
    let is_about_it = attempt
        .server_error
        .as_ref()
        .is_some_and(|error| told.iter().any(|(_, saw)| saw.contains(&error.answer)));
    if is_about_it || verbose > 0 {
        for line in &attempt.log {
            row(text, look, "app log", line);
        }
    }
}

/// What was sent that was not as it should be: the parts that were changed, or the message.
pub(super) fn words_of(sent: &Sent) -> String {
    match sent.changes.as_slice() {
        [] if sent.sent.is_empty() => sent.id.clone(),
        [] => sent.sent.clone(),
        changes => {
            let parts: Vec<String> = changes.iter().take(SHOWN).map(|change| change.sentence()).collect();
            let request = sent.request().map(|request| format!("{request}, with "));
            format!("{}{}", request.unwrap_or_default(), parts.join("; "))
        }
    }
}

/// A line to copy: it is not wrapped.
fn command(text: &mut String, look: &Look, label: &str, line: &str) {
    let label = look.paint(Tone::Faint, &format!("{label:<9}"));
    let line = match (look.program, line.strip_prefix("conformance ")) {
        (Some(program), Some(rest)) => format!("{program} {rest}"),
        _ => line.to_owned(),
    };
    text.push_str(&format!("     {label} {}\n", look.text(&line)));
}

fn row(text: &mut String, look: &Look, label: &str, value: &str) {
    let label = look.paint(Tone::Faint, &format!("{label:<9}"));
    text.push_str(&format!("     {label} {}\n", look.hang(INDENT, value)));
}
