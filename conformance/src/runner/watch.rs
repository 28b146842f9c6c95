//! The cases that only watch.

use super::context::Context;
use crate::{
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    run::RunEvent,
    verdict::{Afterwards, Control, Controls, judge_all, occurrence, watched},
};

/// Judges the cases that only watch, over everything that was recorded.
pub(super) fn watch(context: &Context<'_, '_>, cases: Vec<&'static Case>) {
    if cases.is_empty() {
        return;
    }
    let ours: Vec<Evidence> = context.enter(|ledger, on| {
        on(RunEvent::Watching(ledger.watched()));
        watched(ledger.everything()).into_iter().cloned().collect()
    });
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
        context.enter(|ledger, on| ledger.judged(place, evidence, judgement, triple, on));
    }
}
