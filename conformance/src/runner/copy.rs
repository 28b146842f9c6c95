//! Walks that keep the app waiting, on a copy of it: they take as long as the app lets itself be kept waiting, and meanwhile the
//! main one is walked.

use tokio::sync::oneshot;

use super::{
    beside, context::Context, own::at_work, running_app::RunningApp, seed::seed_of, stage::Stage, task::Task,
    task::Width,
};
use crate::{evidence::TargetFacts, verdict::Control};

/// Walks these tasks on the app that arrives, once it is known to work. The app, and the tasks that it was of no use for.
pub(super) async fn walk(
    context: &Context<'_, '_>,
    copy: oneshot::Receiver<Stage>,
    facts: &TargetFacts,
    tasks: Vec<Task>,
    width: Width,
) -> (Option<Stage>, Vec<Task>) {
    let Ok(mut stage) = copy.await else {
        return (None, tasks);
    };
    if tasks.is_empty() {
        return (Some(stage), tasks);
    }
    stage.takes_after(facts);
    // It was asked about its keys: it may wait before it fetches them again, and works once it is started anew.
    let Ok(before) = at_work(&mut stage, seed_of(context.options.seed, "copy")).await else {
        return (Some(stage), tasks);
    };
    let mut app = RunningApp::new(stage, Control::Worked(before));
    beside::side_by_side(context, &mut app, "copy", tasks, width).await;
    (Some(app.stage), Vec::new())
}
