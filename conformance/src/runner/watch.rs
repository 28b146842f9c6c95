//! The cases that only watch.

use std::collections::HashSet;

use mock_idp::flow::scenario::FlowId;

use super::context::Context;
use crate::{
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    verdict::{Afterwards, Control, Controls, judge_all, occurrence},
};

/// Judges the cases that only watch, over everything that was recorded.
pub(super) fn watch(context: &mut Context<'_, '_>, cases: Vec<&'static Case>) {
    if cases.is_empty() {
        return;
    }
    // A fresh app was given another registration, or met an authorization server that lies about itself: what it sends
    // there is asked by cases of its own.
    let ours: Vec<Evidence> = {
        let mut all = context.ledger.everything().peekable();
        let client_id = all.peek().map(|first| first.target.client_id.clone());
        // A walk that several cases were judged by is still one walk.
        let mut seen: HashSet<FlowId> = HashSet::new();
        all.filter(|walk| Some(&walk.target.client_id) == client_id.as_ref())
            .filter(|walk| walk.flows.first().is_none_or(|flow| seen.insert(flow.id)))
            .cloned()
            .collect()
    };
    let walks: Vec<&Evidence> = ours.iter().collect();
    let controls = Controls {
        before: context.known.before(),
        twin: Control::NotNeeded,
        after: Afterwards::NotNeeded,
    };
    for task in context.tasks(&cases) {
        let profile = context.options.profile;
        let judgement = judge_all(task.variant(), profile, &walks, &controls);
        // Whoever reads a finding wants to see where it was seen.
        let shown = match judgement.verdict {
            Verdict::Fail | Verdict::Warn => occurrence(task.variant(), profile, &walks),
            _ => None,
        };
        let evidence = shown.map(|at| walks[at].clone()).unwrap_or_default();
        let triple = (&controls).into();
        let place = (task.case, task.variant);
        context.ledger.judged(place, evidence, judgement, triple, context.on);
    }
}
