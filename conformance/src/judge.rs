//! From evidence to a verdict. Synchronous and pure: a stored run can be judged again.

use mock_idp::{
    Fault,
    flow::{
        fault::{Message, Reach},
        record::{Event, Record},
    },
};

use crate::{
    case::{Case, Variant},
    edit::{Change, Edit, Text},
    evidence::{Evidence, Hop},
    outcome::{Level, Outcome, Verdict},
    run::{CheckResult, Delivered},
    target::Profile,
};

/// What one attempt at a variant comes to, before controls and repetition are considered.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What every check said.
    pub checks: Vec<CheckResult>,
    /// Whether faults and edits were seen on the wire.
    pub delivered: Vec<Delivered>,
    /// Things worth telling: broken MAYs and remarks.
    pub notes: Vec<String>,
}

/// Judges one attempt.
#[must_use]
pub fn judge(case: &Case, variant: &Variant, profile: Profile, evidence: &Evidence) -> Judgement {
    let mut notes = Vec::new();
    let checks: Vec<CheckResult> = case
        .asks(variant)
        .iter()
        .map(|expect| CheckResult {
            id: expect.check.id,
            level: under(profile, expect.level),
            expects: expect.check.expects,
            outcome: (expect.check.ask)(evidence),
        })
        .collect();
    for check in &checks {
        match (&check.outcome, check.level) {
            (Outcome::Broken(saw), Level::May) => notes.push(saw.clone()),
            (Outcome::HoldsWith(remark), _) => notes.push(remark.clone()),
            _ => {}
        }
    }
    let delivered = deliveries(case, variant, evidence);
    let verdict = verdict_of(&checks, &delivered, evidence);
    Judgement {
        verdict,
        checks,
        delivered,
        notes,
    }
}

const NEVER_ASKED: &str = "the app never asked for the message that carries it";

fn verdict_of(checks: &[CheckResult], delivered: &[Delivered], evidence: &Evidence) -> Verdict {
    if let Some(beyond) = evidence.beyond.first() {
        return Verdict::Skipped(beyond.clone());
    }
    if let Some(obstacle) = evidence.obstacles.first() {
        return Verdict::Inconclusive(obstacle.clone());
    }
    if let Some(missing) = delivered.iter().find(|delivered| !delivered.delivered) {
        // Whether an app refreshes at all is seen only once its token has run out, and that is what this walk waited for.
        let of_refresh = |fault: Fault| fault.message() == Message::RefreshResponse;
        if missing.id.parse().is_ok_and(of_refresh) && missing.sent == NEVER_ASKED {
            return Verdict::Skipped("the app was given a refresh token and did not use it".to_owned());
        }
        let why = if missing.sent.is_empty() {
            "it was never sent"
        } else {
            &missing.sent
        };
        return Verdict::Inconclusive(format!("{} was not delivered: {why}", missing.id));
    }
    let broken = |level: Level| {
        checks
            .iter()
            .any(|check| check.level == level && matches!(check.outcome, Outcome::Broken(_)))
    };
    if broken(Level::Must) || broken(Level::MustStar) {
        return Verdict::Fail;
    }
    if broken(Level::Should) {
        return Verdict::Warn;
    }
    let unknown = checks.iter().find_map(|check| match &check.outcome {
        Outcome::CannotTell(why) if check.level > Level::May => Some(why.clone()),
        _ => None,
    });
    if let Some(why) = unknown {
        return Verdict::Inconclusive(why);
    }
    let absent = checks.iter().find_map(|check| match &check.outcome {
        Outcome::Absent(what) if check.level > Level::May => Some(what.clone()),
        _ => None,
    });
    if let Some(what) = absent {
        return Verdict::Skipped(what);
    }
    Verdict::Pass
}

/// Judges a watching variant by everything that was recorded: each walk on its own, and all flows together (without
/// pages) for what only shows between flows. Broken anywhere is broken; what no walk can tell cannot be told.
#[must_use]
pub fn judge_all(_case: &Case, variant: &Variant, profile: Profile, walks: &[&Evidence]) -> Judgement {
    let together = flows_of(walks);
    let checks: Vec<CheckResult> = variant
        .expect
        .iter()
        .map(|expect| {
            let answers = walks
                .iter()
                .copied()
                .chain([&together])
                .map(|evidence| (expect.check.ask)(evidence));
            CheckResult {
                id: expect.check.id,
                level: under(profile, expect.level),
                expects: expect.check.expects,
                outcome: combined(answers),
            }
        })
        .collect();
    let verdict = verdict_of(&checks, &[], &Evidence::default());
    Judgement {
        verdict,
        checks,
        delivered: Vec::new(),
        notes: Vec::new(),
    }
}

/// The flows and records of all walks, without pages.
fn flows_of(walks: &[&Evidence]) -> Evidence {
    let target = walks.first().map(|first| first.target.clone()).unwrap_or_default();
    let mut whole = Evidence {
        target,
        ..Evidence::default()
    };
    for (number, part) in walks.iter().enumerate() {
        // The same three names recur in every walk.
        let rename = |name: &str| format!("{name}#{number}");
        whole.flows.extend(part.flows.iter().cloned().map(|mut flow| {
            flow.person = rename(&flow.person);
            flow.browser = rename(&flow.browser);
            flow
        }));
        whole.records.extend(part.records.iter().cloned());
    }
    whole.records.sort_by_key(|record| record.at);
    whole.records.dedup();
    whole
}

/// One answer out of many.
fn combined(answers: impl Iterator<Item = Outcome>) -> Outcome {
    let (mut held, mut unknown, mut broken, mut count) = (None, None, None, 0_usize);
    for answer in answers {
        match answer {
            Outcome::Broken(saw) => {
                count += 1;
                broken.get_or_insert(saw);
            }
            Outcome::CannotTell(why) | Outcome::Absent(why) => _ = unknown.get_or_insert(why),
            holds => _ = held.get_or_insert(holds),
        }
    }
    match (broken, held, unknown) {
        (Some(saw), _, _) if count > 1 => Outcome::Broken(format!("{saw} (and in {} other walks)", count - 1)),
        (Some(saw), _, _) => Outcome::Broken(saw),
        (None, Some(held), _) => held,
        (None, None, Some(why)) => Outcome::CannotTell(why),
        (None, None, None) => Outcome::CannotTell("nothing was recorded".to_owned()),
    }
}

/// A check's weight under a profile: only `MUST*` differs.
fn under(profile: Profile, level: Level) -> Level {
    match (profile, level) {
        (Profile::Core, Level::MustStar) => Level::Should,
        (_, Level::MustStar) => Level::Must,
        (_, level) => level,
    }
}

/// Whether each fault and each edited step of a variant was seen on the wire.
fn deliveries(_case: &Case, variant: &Variant, evidence: &Evidence) -> Vec<Delivered> {
    let by_server = |fault: &&Fault| fault.reach() == Reach::Server && fault_delivered(**fault, evidence).delivered;
    let stopped_early = variant.faults.iter().find(by_server);
    let faults = variant.faults.iter().map(|fault| {
        let mut delivered = fault_delivered(*fault, evidence);
        // Because of the server-wide fault the app never came to ask for the message that carries this one.
        if let (false, Some(other), Reach::Flow) = (delivered.delivered, stopped_early, fault.reach())
            && !evidence
                .records
                .iter()
                .any(|Record { event, .. }| was_sent(event, *fault))
        {
            delivered.delivered = true;
            delivered.sent = format!("not asked for: the app stopped at {other}");
        }
        delivered
    });
    let edits = variant.script.iter().enumerate().filter_map(|(index, step)| {
        let edits: Vec<&Edit> = step.act.edits().iter().filter(|edit| changes_bytes(edit)).collect();
        let index = u16::try_from(index).ok()?;
        (!edits.is_empty()).then(|| edit_delivered(index, &edits, evidence))
    });
    faults.chain(edits).collect()
}

/// Whether an edit shows in the bytes of the request itself: who started it decides only which cookies go along, and what
/// is taken from another flow is the same where the app uses one value for all.
fn changes_bytes(edit: &Edit) -> bool {
    let borrowed = matches!(
        edit,
        Edit::Query(_, Change::Set(Text::RequestOf(..) | Text::ResponseOf(..)))
    );
    !borrowed && !matches!(edit, Edit::Identity | Edit::From(_) | Edit::NoCookies)
}

fn was_sent(event: &Event, wanted: Fault) -> bool {
    matches!(event, Event::Sent { fault, .. } if *fault == wanted)
}

/// A fault is delivered when bytes were written for it that differ from what the same hook writes with the value valid.
fn fault_delivered(fault: Fault, evidence: &Evidence) -> Delivered {
    let sent = evidence.records.iter().find_map(|Record { event, .. }| match event {
        Event::Sent {
            fault: sent,
            twin,
            bytes,
            ..
        } if *sent == fault => Some((twin, bytes)),
        _ => None,
    });
    match sent {
        Some((twin, bytes)) => Delivered {
            id: fault.id().to_owned(),
            delivered: fault.is_twin() || fault.is_rule() || twin != bytes,
            sent: if fault.is_rule() {
                fault.description().to_owned()
            } else if twin == bytes {
                "what was written is the same as the valid value".to_owned()
            } else {
                shorten(bytes)
            },
        },
        None => Delivered {
            id: fault.id().to_owned(),
            delivered: false,
            sent: NEVER_ASKED.to_owned(),
        },
    }
}

/// An edited step is delivered when its hop was sent and differs from the unedited request.
fn edit_delivered(step: u16, edits: &[&Edit], evidence: &Evidence) -> Delivered {
    let id = edits.iter().map(|edit| describe(edit)).collect::<Vec<_>>().join(", ");
    let hops: Vec<&Hop> = evidence
        .hops
        .iter()
        .filter(|hop| hop.step == step && hop.unedited.is_some())
        .collect();
    let differs = |hop: &&&Hop| hop.was_sent() && hop.unedited.as_ref().is_some_and(|plain| **plain != hop.request);
    match hops.iter().find(differs) {
        Some(hop) => Delivered {
            id,
            delivered: true,
            sent: format!("{} {}", hop.request.method, shorten(&hop.request.target)),
        },
        None if hops.is_empty() => Delivered {
            id,
            delivered: false,
            sent: "the walk ended before the request that carries it".to_owned(),
        },
        None => Delivered {
            id,
            delivered: false,
            sent: "the request was the same without it".to_owned(),
        },
    }
}

/// An edit in words.
#[must_use]
pub fn describe(edit: &Edit) -> String {
    match edit {
        Edit::Query(name, change) => format!("query {name}: {}", words(change)),
        Edit::Form(name, change) => format!("form field {name}: {}", words(change)),
        other => words(other),
    }
}

/// A value as kebab-case words: `DropLast(1)` → `drop-last(1)`.
fn words(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let mut words = String::new();
    let mut after_lower = false;
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            words.push('-');
        }
        after_lower = letter.is_ascii_lowercase();
        words.push(if after_lower || !letter.is_ascii_uppercase() {
            letter
        } else {
            letter.to_ascii_lowercase()
        });
    }
    shorten(&words)
}

fn shorten(text: &str) -> String {
    const LIMIT: usize = 400;
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text.to_owned(),
    }
}

/// The worst of several verdicts: fail, error, inconclusive, warn, pass, skipped.
#[must_use]
pub fn worst<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Option<&'a Verdict> {
    let rank = |verdict: &&Verdict| match verdict {
        Verdict::Skipped(_) => 0,
        Verdict::Pass => 1,
        Verdict::Warn => 2,
        Verdict::Inconclusive(_) => 3,
        Verdict::Error(_) => 4,
        Verdict::Fail => 5,
    };
    // `max_by_key` takes the last of equals; the first reason is the one to tell.
    verdicts.into_iter().fold(None, |worst, verdict| match worst {
        Some(worst) if rank(&worst) >= rank(&verdict) => Some(worst),
        _ => Some(verdict),
    })
}
