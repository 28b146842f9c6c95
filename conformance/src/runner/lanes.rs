//! Which cases are walked where, and what is walked beside what.

use tokio::sync::{oneshot, watch};

use super::{
    beside,
    context::Context,
    copy,
    fresh::{self, Fleet},
    options::{Driver, Options},
    running,
    running_app::RunningApp,
    stage::Stage,
    task::{Task, Width},
};
use crate::case::{Case, Lane};

/// The selected cases by how they are walked.
pub(super) struct Lanes {
    pub(super) beside: Vec<&'static Case>,
    pub(super) alone: Vec<&'static Case>,
    server: Vec<&'static Case>,
    restart: Vec<&'static Case>,
    pub(super) watch: Vec<&'static Case>,
}

/// One after the other.
const ALONE: Width = Width { jobs: 1, waiting: 0 };

/// Whether fresh apps may work while the main one is walked.
pub(super) fn bears_company(stage: &Stage, options: &Options) -> bool {
    // What is walked at a pace is walked one after the other, and each browser wants a core.
    stage.restartable() && !stage.is_pinned() && options.driver == Driver::Http && options.pace.is_none()
}

impl Lanes {
    pub(super) fn of(cases: &[&'static Case]) -> Self {
        let of_lane = |wanted: &[Lane]| {
            let all = cases.iter().copied();
            all.filter(|case| wanted.contains(&case.lane)).collect()
        };
        Self {
            beside: of_lane(&[Lane::Parallel, Lane::Slow]),
            alone: of_lane(&[Lane::Alone]),
            server: of_lane(&[Lane::Server]),
            restart: of_lane(&[Lane::Restart]),
            watch: of_lane(&[Lane::Watch]),
        }
    }

    /// Those that want fresh apps, where the app can be started by the harness.
    pub(super) fn fresh(&self) -> Vec<&'static Case> {
        [&self.server[..], &self.restart].concat()
    }

    /// Walks all but those that watch; the app that ran, which may have ended.
    pub(super) async fn walk(self, context: &Context<'_, '_>, mut app: RunningApp, width: Width) -> RunningApp {
        let beside = context.tasks(&self.beside);
        if bears_company(&app.stage, context.options) {
            return self.walk_in_company(context, app, beside, width).await;
        }
        beside::side_by_side(context, &mut app, "beside", beside, width).await;
        beside::side_by_side(context, &mut app, "alone", context.tasks(&self.alone), ALONE).await;
        if !app.stage.restartable() {
            running::on_the_running_app(context, &mut app, self.server).await;
            context.leave_out(
                self.restart,
                "the configuration has no [target.start]: the app cannot be restarted",
            );
            return app;
        }
        if app.stage.is_pinned() {
            // The fresh copies need its port.
            app.stage.make_way().await;
        }
        let (_open, room) = watch::channel(fresh::width(context));
        if let Some((mut fleet, tasks)) = Fleet::assemble(context, &self.fresh(), room).await {
            let mut idle = fleet.take_stage();
            if let Some(stage) = idle.as_mut().filter(|stage| stage.is_pinned()) {
                stage.make_way().await;
            }
            fleet.walk(context, tasks).await;
            fleet.walk_spoilers(context, idle).await;
        }
        app
    }

    /// Walks them on three apps that share nothing: the main one; a copy of it, which is kept waiting for answers; and fresh
    /// ones, one at a time until the main one is done.
    async fn walk_in_company(
        self,
        context: &Context<'_, '_>,
        mut app: RunningApp,
        beside: Vec<Task>,
        width: Width,
    ) -> RunningApp {
        let all = fresh::width(context);
        let (open, changes) = watch::channel(Width { jobs: 1, ..all });
        let (give, copy) = oneshot::channel();
        let fresh_cases = self.fresh();
        let fresh = async {
            let (mut fleet, tasks) = Fleet::assemble(context, &fresh_cases, changes).await?;
            match fleet.take_stage() {
                Some(stage) => {
                    if let Err(stage) = give.send(stage) {
                        stage.close().await;
                    }
                }
                None => drop(give),
            }
            fleet.walk(context, tasks).await;
            Some(fleet)
        };
        // Where no fresh app is wanted there is no copy either: an app is not started for nothing.
        let (kept_waiting, beside): (Vec<Task>, Vec<Task>) = match fresh_cases.is_empty() {
            true => (Vec::new(), beside),
            false => beside.into_iter().partition(|task| task.waits()),
        };
        let facts = app.stage.world.site.facts.clone();
        let waiting = copy::walk(context, copy, &facts, kept_waiting, width);
        let main = async {
            beside::side_by_side(context, &mut app, "beside", beside, width).await;
            beside::side_by_side(context, &mut app, "alone", context.tasks(&self.alone), ALONE).await;
            open.send_replace(all);
        };
        let (fleet, (stage, left), ()) = futures_util::join!(fresh, waiting, main);
        beside::side_by_side(context, &mut app, "left", left, width).await;
        match (fleet, stage) {
            (Some(fleet), stage) => fleet.walk_spoilers(context, stage).await,
            (None, Some(stage)) => stage.close().await,
            (None, None) => {}
        }
        app
    }
}
