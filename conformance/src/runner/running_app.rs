//! An app that runs and is walked: what its walks stand on, and whether they can go on.

use super::{
    context::Context,
    ledger::Next,
    stage::Stage,
    task::{Task, Walked},
};
use crate::{
    outcome::Verdict,
    verdict::{Afterwards, Cause, Control, Controls, judge},
    walk::refresh_records,
};

/// An app that runs and is walked.
pub(super) struct RunningApp {
    pub(super) stage: Stage,
    /// Its last plain sign-in that worked.
    pub(super) before: Control,
    /// Whether it limits requests or locks people out: then its walks are made one at a time.
    pub(super) is_limited: bool,
    /// Why it cannot be walked any more.
    ended: Option<String>,
}

impl RunningApp {
    pub(super) const fn new(stage: Stage, before: Control) -> Self {
        Self {
            stage,
            before,
            is_limited: false,
            ended: None,
        }
    }

    /// It met a cause; one that holds for the whole run slows its walks down.
    pub(super) fn meets(&mut self, context: &Context<'_, '_>, cause: &Cause) {
        self.is_limited |= context.tell(cause);
    }

    /// It is broken for good: what has not been judged on it cannot be.
    pub(super) fn end(&mut self, context: &Context<'_, '_>, why: String) {
        context.notice(format!("the walks of the running app end here: {why}"));
        self.ended = Some(why);
    }

    /// Whether it cannot be walked any more; then the task gets its verdict.
    pub(super) fn has_ended(&self, context: &Context<'_, '_>, task: Task) -> bool {
        let Some(why) = &self.ended else { return false };
        context.inconclusive(task, format!("not walked: {why}"));
        true
    }

    /// Judges a walk by the control after it. Says whether the variant is to be walked again.
    pub(super) fn settle(&self, context: &Context<'_, '_>, walked: Walked, after: Afterwards) -> Option<Task> {
        let Walked {
            task,
            mut evidence,
            mark,
        } = walked;
        let world = &self.stage.world;
        refresh_records(&world.idp, &world.server, &mut evidence);
        let controls = Controls {
            before: self.before.clone(),
            twin: context.twins.of(task.variant()),
            after,
        };
        let judgement = judge(task.case, task.variant(), context.options.profile, &evidence, &controls);
        if judgement.verdict != Verdict::Pass {
            evidence.app_output = self.stage.output_since(mark);
            evidence.app_lines = self.stage.lines_since(mark);
        }
        let next = context.attempt(task, evidence, judgement, &controls);
        (next == Next::Again).then_some(task.again())
    }
}
