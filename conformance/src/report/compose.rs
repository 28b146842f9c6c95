//! From what the runner says to the document: redacted, with everything that a report needs to know about a case.

use mock_idp::Fault as IdpFault;

use super::{
    Setting, change,
    document::{
        About, Answer, Attempt, Case, Change, Check, Clause, Control, Failure, Fault, Framework, NotAssessed,
        Preflight, Run, Sent, ServerError, Target, Triple, Variant,
    },
    finding,
    redact::redact,
    secrets::Secrets,
};
use crate::{
    case, catalog, describe,
    evidence::{Evidence, Hop},
    outcome::Outcome,
    run::{self, CaseResult, Header, RunResult},
    spec, verdict,
};

/// Lines of the app's output that are shown.
const LOG_LINES: usize = 6;
/// Characters of a shown message; all of it is in the evidence.
const MESSAGE: usize = 400;

/// A run of which nothing is known yet but its header.
#[must_use]
pub fn begun(header: &Header, setting: &Setting) -> Run {
    let about = About {
        id: header.id.clone(),
        seed: header.seed.clone(),
        profile: header.profile.name().to_owned(),
        driver: header.driver.clone(),
        browser: header.browser.clone(),
        driver_url: header.driver_url.clone(),
        tool: header.tool.clone(),
        started: header.started.clone(),
        config: header.config.clone(),
        config_fingerprint: setting.config_fingerprint.clone(),
        selected: header.selected,
        shard: setting.shard.clone(),
        policy: setting.policy,
        ..About::default()
    };
    let target = Target {
        url: header.target.clone(),
        issuer: header.issuer.clone(),
        framework: None,
    };
    Run::begun(about, target)
}

/// The document of a run that is over.
#[must_use]
pub fn run(result: &RunResult, setting: &Setting) -> Run {
    let mut run = begun(&result.header, setting);
    run.preflight = result.preflight.iter().map(preflight).collect();
    run.controls = result.controls.iter().map(control).collect();
    run.cases = result
        .cases
        .iter()
        .map(|own| case(own, &result.header.seed, setting))
        .collect();
    finish(&mut run, result);
    run
}

/// What is known only when a run is over; its cases are in the document already.
pub fn finish(run: &mut Run, result: &RunResult) {
    run.target = Target {
        url: result.header.target.clone(),
        issuer: result.header.issuer.clone(),
        framework: result.framework.as_ref().map(|(guess, why)| Framework {
            guess: guess.clone(),
            why: why.clone(),
        }),
    };
    run.notices = result.notices.iter().map(|notice| redact(notice)).collect();
    run.run.duration_ms = result.duration_ms;
    run.run.starts = (result.starts > 0).then_some(result.starts);
    run.run.aborted = result.aborted.as_deref().map(redact);
    run.run.interrupted = result.interrupted;
    run.run.partial = run.cases.len() < run.run.selected;
    // What was not selected is not named: the header says how many cases were.
    run.run.not_assessed = verdict::not_assessed(result)
        .into_iter()
        .filter(|(id, _)| result.cases.iter().any(|own| own.case.id == *id))
        .map(|(case, why)| NotAssessed {
            case: case.to_owned(),
            why: redact(&why),
        })
        .collect();
    run.sort();
    run.settle();
}

impl Run {
    /// Cases in the order of the catalogue, unknown ones last.
    pub fn sort(&mut self) {
        let place = |id: &str| catalog::all().position(|case| case.id == id).unwrap_or(usize::MAX);
        self.cases.sort_by_cached_key(|case| place(&case.id));
    }
}

/// A check of the set-up.
#[must_use]
pub fn preflight(check: &run::Preflight) -> Preflight {
    Preflight {
        id: check.id.to_string(),
        ok: check.ok,
        warning: check.warning,
        saw: redact(&check.saw),
        wanted: redact(&check.wanted),
        fix: check.fix.clone(),
    }
}

/// An honest sign-in.
#[must_use]
pub fn control(control: &run::Control) -> Control {
    Control {
        lane: control.lane.clone(),
        ok: control.ok,
        text: redact(&control.text),
        duration_ms: control.duration_ms,
        failure: control.failure.as_ref().map(failure),
    }
}

fn failure(own: &run::Failure) -> Failure {
    let all = |lines: &[String]| lines.iter().map(|line| redact(line)).collect();
    Failure {
        trail: all(&own.trail),
        refused: own.refused.as_deref().map(redact),
        output: all(&own.output),
        cause: redact(&own.cause),
        fix: own.fix.clone(),
    }
}

/// A case with its verdict.
#[must_use]
pub fn case(result: &CaseResult, seed: &str, setting: &Setting) -> Case {
    let own = result.case;
    Case {
        id: own.id.to_owned(),
        title: verdict::title(result).to_owned(),
        level: own.level.into(),
        positive: own.positive,
        why: own.why.to_owned(),
        verdict: (&result.verdict).into(),
        reason: result.verdict.reason().map(redact),
        duration_ms: result.duration_ms,
        variants: result
            .variants
            .iter()
            .map(|variant| self::variant(own, variant))
            .collect(),
        notes: result.notes.iter().map(|note| redact(note)).collect(),
        refs: own.spec.iter().map(reference).collect(),
        clauses: own.spec.iter().map(clause).collect(),
        location: setting.location(own.id),
        evidence: (!result.variants.is_empty()).then(|| super::evidence_file(own.id)),
        replay: setting.replay(own.id, seed),
        replay_caveat: describe::replay_caveat(own).map(str::to_owned),
        known: None,
    }
}

/// A variant with its verdict.
#[must_use]
pub fn variant(case: &case::Case, result: &run::VariantResult) -> Variant {
    let literal = case.variants.iter().find(|own| own.name == result.name);
    let mut attempts: Vec<Attempt> = result
        .attempts
        .iter()
        .map(|attempt| self::attempt(case.id, literal, attempt))
        .collect();
    // What was printed beside several requests at once is this request's only when every attempt printed it.
    let logs: Vec<Vec<String>> = attempts.iter().map(|attempt| attempt.log.clone()).collect();
    if let Some(last) = attempts.last_mut() {
        let in_all = |line: &String| {
            let line = finding::normalised(line);
            logs.iter()
                .all(|log| log.iter().any(|other| finding::normalised(other) == line))
        };
        last.log.retain(in_all);
    }
    Variant {
        name: result.name.to_string(),
        verdict: (&result.verdict).into(),
        reason: result.verdict.reason().map(redact),
        attempts,
    }
}

fn attempt(case: &str, variant: Option<&case::Variant>, attempt: &run::Attempt) -> Attempt {
    let evidence = &attempt.evidence;
    let is_fault = |own: &&run::Delivered| own.id.parse::<IdpFault>().is_ok();
    let (faults, edits): (Vec<_>, Vec<_>) = attempt.delivered.iter().partition(is_fault);
    // A walk that is shown because of something else may have met a server error too: it is none of this case's business.
    let watches = variant.is_some_and(|own| own.script.is_empty());
    let failed = server_error(evidence).filter(|_| !watches);
    let secrets = Secrets::of(evidence);
    let steps = |own: &case::Variant| describe::steps(own.script);
    Attempt {
        edits: edits.iter().map(|edit| edit.id.clone()).collect(),
        faults: faults
            .iter()
            .map(|own| Fault {
                id: own.id.clone(),
                delivered: own.delivered,
            })
            .collect(),
        sent: attempt
            .delivered
            .iter()
            .map(|own| sent(own, evidence, &secrets))
            .collect(),
        did: match (attempt.delivered.is_empty(), variant) {
            (true, Some(variant)) => steps(variant),
            _ => Vec::new(),
        },
        flows: evidence.flows.iter().map(|flow| flow.id.to_string()).collect(),
        control: Triple {
            before: redact(&attempt.control.before),
            twin: redact(&attempt.control.twin),
            after: redact(&attempt.control.after),
        },
        checks: attempt
            .checks
            .iter()
            .map(|check| self::check(case, check, &secrets))
            .collect(),
        log: failed.map(|hop| log(evidence, hop, &secrets)).unwrap_or_default(),
        server_error: failed.map(|hop| ServerError {
            request: format!("{} {}", hop.request.method, path(hop)),
            answer: hop
                .status()
                .map_or_else(|| redact(hop.response.problem_text()), |status| status.to_string()),
        }),
    }
}

fn sent(own: &run::Delivered, evidence: &Evidence, secrets: &Secrets) -> Sent {
    let mut changes: Vec<Change> = if own.id.parse::<IdpFault>().is_ok() {
        change::of_fault(&own.id, evidence)
    } else {
        let edited = evidence
            .hops
            .iter()
            .filter(|hop| hop.was_sent() && hop.unedited.is_some());
        let changed = edited.map(change::of_hop).filter(|changes| !changes.is_empty());
        // Of several edited steps the one that this delivery speaks of names its own target.
        let mut all: Vec<Vec<Change>> = changed.collect();
        let speaks =
            |hop: &Hop| own.sent.starts_with(&format!("{} ", hop.request.method)) && own.sent.contains(path(hop));
        let place = evidence
            .hops
            .iter()
            .filter(|hop| hop.was_sent() && !change::of_hop(hop).is_empty())
            .position(speaks);
        match place {
            Some(place) if place < all.len() => all.swap_remove(place),
            _ => Vec::new(),
        }
    };
    for value in changes.iter_mut().flat_map(|own| [&mut own.before, &mut own.after]) {
        *value = value.as_deref().map(|text| secrets.hide(text));
    }
    Sent {
        id: own.id.clone(),
        delivered: own.delivered,
        sent: shortened(&secrets.hide(&own.sent)),
        changes: if own.delivered { changes } else { Vec::new() },
    }
}

fn check(case: &str, check: &run::CheckResult, secrets: &Secrets) -> Check {
    let (outcome, saw) = match &check.outcome {
        Outcome::Holds => (Answer::Holds, None),
        Outcome::HoldsWith(saw) => (Answer::HoldsWith, Some(secrets.hide(saw))),
        Outcome::Broken(saw) => (Answer::Broken, Some(secrets.hide(saw))),
        Outcome::CannotTell(why) => (Answer::CannotTell, Some(secrets.hide(why))),
        Outcome::Absent(what) => (Answer::Absent, Some(secrets.hide(what))),
    };
    Check {
        id: check.id.to_string(),
        level: check.level.into(),
        expected: check.expects.to_string(),
        outcome,
        fingerprint: match (outcome, &saw) {
            (Answer::Broken, Some(saw)) => Some(finding::fingerprint(case, check.id, saw)),
            _ => None,
        },
        saw,
    }
}

/// The request of this walk that the app answered with a server error; the first, whose consequences the others are.
fn server_error(evidence: &Evidence) -> Option<&Hop> {
    evidence.app_hops().find(|hop| hop.is_server_error())
}

/// What the app printed while it answered this request, where that can be told.
fn log(evidence: &Evidence, hop: &Hop, secrets: &Secrets) -> Vec<String> {
    /// Output takes a moment to arrive.
    const LATE: u64 = 20_000;
    let from = hop.at.0;
    let until = hop.done.0 + LATE;
    let own = evidence
        .app_lines
        .iter()
        .filter(|line| (from..=until).contains(&line.at.0) && !line.text.trim().is_empty());
    let mut lines: Vec<String> = own.map(|line| secrets.hide(&line.text)).collect();
    // Other walks may have met the same thing at the same time.
    lines.dedup();
    if lines.len() <= LOG_LINES {
        return lines;
    }
    // The cause stands first in a trace of Node or Rust and last in one of Python.
    let half = LOG_LINES / 2;
    let between = format!("… {} lines …", lines.len() - LOG_LINES);
    [&lines[..half], &[between], &lines[lines.len() - half..]].concat()
}

fn path(hop: &Hop) -> &str {
    hop.request.target.split('?').next().unwrap_or_default()
}

/// `RFC6749#10.12`.
fn reference(clause: &spec::Clause) -> String {
    let standard = clause.standard.name.replace(' ', "");
    if clause.section.is_empty() {
        standard
    } else {
        format!("{standard}#{}", clause.section)
    }
}

fn clause(clause: &spec::Clause) -> Clause {
    Clause {
        text: clause.to_string(),
        url: clause.url(),
    }
}

/// What is needed to recognise a message; all of it is in the evidence.
fn shortened(text: &str) -> String {
    const LINES: usize = 4;
    let lines: Vec<&str> = text.lines().take(LINES).collect();
    let mut short: String = lines.join("\n").chars().take(MESSAGE).collect();
    if short.chars().count() < text.trim_end().chars().count() {
        short.push('…');
    }
    short
}
