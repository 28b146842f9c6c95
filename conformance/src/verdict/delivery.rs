//! What was delivered: computed from the bytes that were written, never from the scenario.

use mock_idp::{
    Fault,
    flow::{
        fault::Reach,
        record::{Event, Record},
    },
};

use crate::{
    case::Variant,
    edit::{Change, Edit, Text},
    evidence::{Evidence, Hop},
    run::Delivered,
};

/// What is said of a fault whose message the app did not ask for.
pub(super) const NEVER_ASKED: &str = "the app never asked for the message that carries it";

/// Whether each fault and each edited step of a variant was seen on the wire.
pub(super) fn deliveries(variant: &Variant, evidence: &Evidence) -> Vec<Delivered> {
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
