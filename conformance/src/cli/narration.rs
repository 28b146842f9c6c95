//! `-v` and `-vv`: what is walked, told on standard error while a run goes on. Reports are not changed by it.

use crate::{
    outcome::Verdict,
    report::{
        exchange::{self, Actor, Exchange},
        look::Look,
        redact::redact,
        summary::{counted, seconds},
    },
    run::{Attempt, CaseResult, RunEvent, VariantResult},
};

/// From this on cases and their variants are told.
const CASES: u8 = 1;
/// From this on every request and answer, of browsers and of the app.
const REQUESTS: u8 = 2;

/// What is told of an event, line by line.
pub(super) fn lines(event: &RunEvent<'_>, verbose: u8, look: &Look) -> Vec<String> {
    if verbose < CASES {
        return Vec::new();
    }
    let lines = match event {
        RunEvent::Preflight(check) => vec![format!("{}: {}", check.id, redact(&check.saw))],
        RunEvent::CaseStarted(case) => vec![format!("{}: {}", case.id, case.title)],
        RunEvent::CaseFinished(result) => of_case(result, verbose),
        RunEvent::Watching(controls) => vec![format!(
            "judging the cases that only watch, by everything that was walked and by {}",
            counted(controls.len(), "control")
        )],
        _ => Vec::new(),
    };
    lines.iter().map(|line| look.text(line)).collect()
}

fn of_case(result: &CaseResult, verbose: u8) -> Vec<String> {
    let id = result.case.id;
    let mut lines: Vec<String> = result
        .variants
        .iter()
        .flat_map(|variant| of_variant(id, variant, verbose))
        .collect();
    lines.push(format!(
        "{id}: {}, {}",
        told(&result.verdict),
        seconds(result.duration_ms)
    ));
    lines
}

fn of_variant(id: &str, variant: &VariantResult, verbose: u8) -> Vec<String> {
    let mut lines = Vec::new();
    for (attempt, number) in variant.attempts.iter().zip(1..) {
        let place = format!("{id} {} attempt {number}", variant.name);
        lines.push(format!("{place}: {}", stands_on(attempt)));
        if verbose >= REQUESTS {
            let exchanges = exchange::exchanges(&attempt.evidence);
            lines.extend(exchanges.iter().map(|own| format!("  {}", line(own))));
        }
    }
    lines.push(format!("{id} {}: {}", variant.name, told(&variant.verdict)));
    lines
}

/// `control before ok: flow 12, twin ok, after ok: flow 19`.
fn stands_on(attempt: &Attempt) -> String {
    let control = &attempt.control;
    redact(&format!(
        "control before {}, twin {}, control after {}",
        control.before, control.twin, control.after
    ))
}

/// `user → app  GET /callback  302 → /home`.
fn line(own: &Exchange) -> String {
    let falsified = match own.falsified.is_empty() {
        true => "",
        false => "   (falsified)",
    };
    format!(
        "{} → {}  {}  {}{falsified}",
        name(&own.from),
        name(&own.to),
        own.label(),
        own.outcome()
    )
}

fn name(actor: &Actor) -> &str {
    match actor {
        Actor::Browser(owner) => owner,
        Actor::App => "app",
        Actor::Server => "authorization server",
        Actor::Elsewhere => "elsewhere",
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict.reason() {
        Some(reason) => format!("{} ({})", verdict.word(), redact(reason)),
        None => verdict.word().to_owned(),
    }
}
