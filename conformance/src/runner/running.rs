//! Server-wide faults on an app that cannot be started afresh.

use std::collections::VecDeque;

use super::{
    context::Context,
    control,
    running_app::RunningApp,
    seed::seed_of,
    task::{Task, Walked},
};
use crate::{
    case::Case,
    verdict::{Afterwards, Cause, Control, controls},
    walk::{begins_misbehaviour, server_faults, walk},
};

/// Walks cases one after the other on the running app, with server-wide faults on and off. For targets without a start
/// command: last, because key faults use up the app's patience with the key set.
pub(super) async fn on_the_running_app(context: &Context<'_, '_>, app: &mut RunningApp, cases: Vec<&'static Case>) {
    let mut queue: VecDeque<Task> = context.tasks(&cases).into();
    while let Some(task) = queue.pop_front() {
        if app.has_ended(context, task) {
            continue;
        }
        context.started(task.case);
        let this = task.variant();
        let stage = &app.stage;
        let mark = stage.printed();
        if !begins_misbehaviour(this.script) {
            stage
                .world
                .idp
                .misbehave(&stage.world.server, &server_faults(this.faults));
        }
        let evidence = walk(&stage.world, this.script, this.faults, context.seed(task)).await;
        stage.world.idp.behave(&stage.world.server);
        let walked = Walked { task, evidence, mark };
        let name = format!("control after {} {} {}", task.case.id, this.name, task.attempt);
        let (control, outcome) = control::sign_in(&stage.world, seed_of(context.options.seed, name)).await;
        let after = match outcome {
            Ok(()) => {
                let walk = controls::walked(&control);
                app.before = Control::Worked(walk.clone());
                Afterwards::Worked(walk)
            }
            Err(saw) => {
                // Without a restart a stale key set cannot be told from a broken app.
                let cause = Cause::shown_by(&control, stage.died()).unwrap_or(Cause::Unknown);
                app.meets(context, &cause);
                Afterwards::Failed { saw, cause }
            }
        };
        let is_open = matches!(after, Afterwards::Failed { .. });
        let again = app.settle(context, walked, after);
        // Asked again it would meet the app as this walk left it.
        match again {
            Some(task) if is_open => context.inconclusive(task, "the control after failed twice".to_owned()),
            again => queue.extend(again),
        }
    }
}
