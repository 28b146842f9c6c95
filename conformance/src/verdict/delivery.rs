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
    let id = described(edits);
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

/// Edits in words. The same change to many parameters is told once: which parameter an app reads is not known beforehand.
fn described(edits: &[&Edit]) -> String {
    let mut told = Vec::new();
    let mut rest = edits;
    while let Some((first, others)) = rest.split_first() {
        let Edit::Query(name, change) = first else {
            told.push(first.to_string());
            rest = others;
            continue;
        };
        let same = others.iter().map_while(|edit| match edit {
            Edit::Query(name, other) if other == change => Some(*name),
            _ => None,
        });
        let same: Vec<&str> = same.collect();
        rest = &others[same.len()..];
        told.push(match same.as_slice() {
            [] => first.to_string(),
            [second] => format!("query parameters {name}, {second} {change}"),
            [second, more @ ..] => format!("query parameters {name}, {second} and {} more {change}", more.len()),
        });
    }
    shorten(&told.join(", "))
}

fn shorten(text: &str) -> String {
    const LIMIT: usize = 400;
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_to_many_parameters_is_told_once() {
        const TO_ELSEWHERE: Change = Change::Set(Text::Plain("https://elsewhere.example"));
        let of = |edits: &[Edit]| described(&edits.iter().collect::<Vec<_>>());
        let named = ["next", "url", "target", "dest"].map(|name| Edit::Query(name, TO_ELSEWHERE));
        assert_eq!(
            of(&named),
            "query parameters next, url and 2 more set to `https://elsewhere.example`"
        );
        let [first, ..] = named;
        assert_eq!(
            of(&[
                Edit::Method("POST"),
                first,
                Edit::Query("state", Change::DropLast(1)),
                Edit::PathUpper
            ]),
            "method POST, query parameter next set to `https://elsewhere.example`, query parameter state without its last \
             character, the path in upper case"
        );
        assert_eq!(
            of(&[Edit::Form("code", Change::Remove), Edit::Form("state", Change::Remove)]),
            "form field code left out, form field state left out"
        );
        assert_eq!(of(&[]), "");
    }
}
