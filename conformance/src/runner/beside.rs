//! Walks cases against one running app, as many at a time as it bears.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::{
    alone::alone,
    context::Context,
    control,
    running_app::RunningApp,
    seed::seed_of,
    task::{Queue, Task, Walked, Width},
};
use crate::{
    verdict::{Afterwards, Cause, Control, controls},
    walk::walk,
};

/// A control after serves at most so many walks per worker: more would make the wait for verdicts long.
const WALKS_PER_CONTROL: usize = 8;

/// What came of one walk: it is over for every task that it was for, or it panicked.
type Landed = Result<Vec<Walked>, Vec<Task>>;

/// Walks that are in flight or over, and not yet judged.
struct Flight {
    running: JoinSet<Landed>,
    /// How many of those in flight work, and how many let the app wait.
    working: usize,
    waiting: usize,
    over: Vec<Walked>,
}

/// Walks tasks side by side; `lane` names them in what is random. After some walks a plain sign-in must work: it serves all that
/// were over when it began. When it does not, or when the app limited a walk, those walks are made again one at a time.
pub(super) async fn side_by_side(
    context: &Context<'_, '_>,
    app: &mut RunningApp,
    lane: &str,
    tasks: Vec<Task>,
    width: Width,
) {
    let mut queue = Queue::new(tasks);
    let mut flight = Flight {
        running: JoinSet::new(),
        working: 0,
        waiting: 0,
        over: Vec::new(),
    };
    let mut controls = 0_u64;
    let limit = width.jobs * WALKS_PER_CONTROL;
    while !app.is_limited {
        // The next ones do not wait until the last of these is over: the control after them waits for none in flight.
        while flight.over.len() < limit
            && !flight.is_in_trouble()
            && let Some(tasks) = queue.next(flight.working, flight.waiting, width)
        {
            flight.begin(context, app, tasks);
        }
        if !flight.land(context).await && flight.over.is_empty() {
            return;
        }
        // Enough are over, or nothing else is to be done meanwhile.
        let is_idle = (flight.working == 0 && queue.working.is_empty()) || flight.running.is_empty();
        let due = flight.over.len() >= limit || is_idle || flight.is_in_trouble();
        if !due || flight.over.is_empty() {
            continue;
        }
        // This sign-in starts after the last hop of everything that is over; those in flight get another one.
        controls += 1;
        let name = format!("control {lane} {controls}");
        let (evidence, outcome) = control::sign_in(&app.stage.world, seed_of(context.options.seed, name)).await;
        let suspects = match &outcome {
            Ok(()) => {
                let walk = controls::walked(&evidence);
                let mut limited = Vec::new();
                for walked in std::mem::take(&mut flight.over) {
                    match walked.limit() {
                        None => {
                            let again = app.settle(context, walked, Afterwards::Worked(walk.clone()));
                            again.into_iter().for_each(|task| queue.push(task));
                        }
                        Some(cause) => {
                            app.meets(context, &cause);
                            limited.push(walked.task);
                        }
                    }
                }
                app.before = Control::Worked(walk);
                context.watch(evidence);
                limited
            }
            Err(why) => {
                // Whoever is still in flight may have done it.
                flight.land_all(context).await;
                let cause = Cause::shown_by(&evidence, app.stage.died());
                cause.iter().for_each(|cause| app.meets(context, cause));
                let count = flight.over.len();
                if !app.is_limited {
                    let text =
                        format!("a plain sign-in failed after {count} walks ({why}): walking them again one by one");
                    context.notice(text);
                }
                context.watch(evidence);
                flight.over.drain(..).map(|walked| walked.task).collect()
            }
        };
        if !suspects.is_empty() {
            flight.land_all(context).await;
            let more = flight.over.drain(..).map(|walked| walked.task);
            let suspects: Vec<Task> = suspects.into_iter().chain(more).collect();
            alone(context, app, suspects).await;
        }
    }
    alone(context, app, queue.into_tasks()).await;
}

impl Flight {
    /// Begins one walk for tasks that walk alike.
    fn begin(&mut self, context: &Context<'_, '_>, app: &RunningApp, mut tasks: Vec<Task>) {
        tasks.retain(|task| !app.has_ended(context, *task));
        let Some(&first) = tasks.first() else { return };
        for task in &tasks {
            context.started(task.case);
        }
        *self.count(tasks.iter().any(|task| task.waits())) += 1;
        let world = app.stage.world.clone();
        let seed = context.seed(first);
        let mark = app.stage.printed();
        let this = first.variant();
        self.running.spawn(async move {
            // A bug in a walk must cost one case, not the run.
            let walked = AssertUnwindSafe(walk(&world, this.script, this.faults, seed))
                .catch_unwind()
                .await;
            let Ok(evidence) = walked else { return Err(tasks) };
            let for_each = |task| Walked {
                task,
                evidence: evidence.clone(),
                mark,
            };
            Ok(tasks.into_iter().map(for_each).collect())
        });
    }

    fn count(&mut self, waits: bool) -> &mut usize {
        match waits {
            true => &mut self.waiting,
            false => &mut self.working,
        }
    }

    /// Takes in the next walk that is over, and all that are over by then. Says whether there was one.
    async fn land(&mut self, context: &Context<'_, '_>) -> bool {
        let mut landed = self.running.join_next().await;
        let any = landed.is_some();
        while let Some(next) = landed {
            let waits = match next {
                Ok(Ok(walked)) => {
                    let waits = walked.iter().any(|walked| walked.task.waits());
                    self.over.extend(walked);
                    Some(waits)
                }
                Ok(Err(tasks)) => {
                    let waits = tasks.iter().any(|task| task.waits());
                    tasks.into_iter().for_each(|task| context.settle_bug(task));
                    Some(waits)
                }
                Err(error) => {
                    let text = format!("a walk was cancelled: {error}");
                    context.notice(text);
                    None
                }
            };
            if let Some(waits) = waits {
                *self.count(waits) -= 1;
            }
            landed = self.running.try_join_next();
        }
        any
    }

    async fn land_all(&mut self, context: &Context<'_, '_>) {
        while self.land(context).await {}
        (self.working, self.waiting) = (0, 0);
    }

    /// Whether the last walks found an app that does not answer, or that limits requests: more of them would only wait.
    fn is_in_trouble(&self) -> bool {
        self.over
            .iter()
            .any(|walked| walked.met_silence() || walked.limit().is_some())
    }
}
