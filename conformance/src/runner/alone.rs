//! Walks cases one at a time on the running app, each with a control of its own, and finds out who or what broke it.

use std::{collections::VecDeque, time::Duration};

use super::{
    context::Context,
    control,
    running_app::RunningApp,
    seed::seed_of,
    stage::Stage,
    task::{Task, Walked},
};
use crate::{
    verdict::{Afterwards, Cause, Control, controls},
    walk::{pace::WHERE_NO_TIME_IS_NAMED, walk},
};

/// How long the harness waits for an app that asks to be left alone, where it cannot start it afresh.
const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// How long the rest of a run may take at a pace that nobody asked for.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Sign-ins of one walk and its control, roughly.
const SIGN_INS_PER_WALK: u32 = 3;

/// Walks tasks one after the other. An app that does not sign anybody in afterwards is brought back to work, and the walk
/// is made again as the first one on the fresh app: only what happens there is the walk's doing.
pub(super) async fn alone(context: &Context<'_, '_>, app: &mut RunningApp, tasks: impl IntoIterator<Item = Task>) {
    let mut queue: VecDeque<Task> = tasks.into_iter().collect();
    // Walks since the app was started; what came before this is not known.
    let mut walks: Option<u32> = None;
    while let Some(task) = queue.pop_front() {
        if app.has_ended(context, task) {
            continue;
        }
        context.started(task.case);
        let mark = app.stage.printed();
        let this = task.variant();
        let evidence = walk(&app.stage.world, this.script, this.faults, context.seed(task)).await;
        let walked = Walked { task, evidence, mark };
        let limit = walked.limit();
        let name = format!(
            "control after {} {} {}",
            task.case.id,
            task.variant().name,
            task.attempt
        );
        let (control, outcome) = control::sign_in(&app.stage.world, seed_of(context.options.seed, name)).await;
        let saw = match (limit.is_some(), outcome) {
            (false, Ok(())) => {
                walks = walks.map(|walks| walks + 1);
                let after = controls::walked(&control);
                queue.extend(app.settle(context, walked, Afterwards::Worked(after.clone())));
                app.before = Control::Worked(after);
                continue;
            }
            (true, Ok(())) => "the walk itself was cut short".to_owned(),
            (_, Err(why)) => why,
        };
        let cause = limit.or_else(|| Cause::shown_by(&control, app.stage.died()));
        cause.iter().for_each(|cause| app.meets(context, cause));
        let was_fresh = walks == Some(0);
        let before = restore(context, app, cause.as_ref(), queue.len()).await;
        walks = Some(0);
        let Some(before) = before else {
            let cause = cause.unwrap_or(Cause::Unknown);
            context.inconclusive(task, cause.reason(&saw));
            continue;
        };
        if !was_fresh {
            app.before = before;
            queue.push_front(task);
            continue;
        }
        let after = match cause {
            Some(cause) if cause.clears_the_walk() || !app.stage.restartable() => Afterwards::Failed { saw, cause },
            None if !app.stage.restartable() => Afterwards::Failed {
                saw,
                cause: Cause::Unknown,
            },
            cause => Afterwards::Broke {
                saw: match cause {
                    Some(Cause::Ended) => format!("the app ended; {saw}"),
                    _ => saw,
                },
            },
        };
        if matches!(after, Afterwards::Broke { .. }) {
            let text = format!(
                "{} breaks a fresh app: a plain sign-in afterwards failed ({})",
                task.case.id,
                after.why()
            );
            context.notice(text);
        }
        // The second attempt stands on the fresh app too.
        if let Some(again) = app.settle(context, walked, after) {
            queue.push_front(again);
        }
        app.before = before;
    }
}

/// Brings the app back to work: starts it afresh, or waits as long as it asks for. The sign-in that then worked; `None`
/// when the walks of this app have ended.
pub(super) async fn restore(
    context: &Context<'_, '_>,
    app: &mut RunningApp,
    cause: Option<&Cause>,
    remaining: usize,
) -> Option<Control> {
    if app.stage.restartable() {
        if let Err(error) = app.stage.restart().await {
            app.end(context, format!("the app could not be started again: {error}"));
            return None;
        }
    } else if let Some(Cause::Limited { retry_after, .. }) = cause
        && let Err(why) = slow_down(context, &app.stage, *retry_after, remaining).await
    {
        app.end(context, why);
        return None;
    }
    let (evidence, outcome) = control::sign_in(&app.stage.world, seed_of(context.options.seed, "restored")).await;
    match outcome {
        Ok(()) => Some(Control::Worked(controls::walked(&evidence))),
        Err(why) => {
            let shown = Cause::shown_by(&evidence, app.stage.died());
            shown.iter().for_each(|cause| app.meets(context, cause));
            let tried = if app.stage.restartable() {
                "after it was started afresh neither"
            } else {
                "and it was asked twice"
            };
            app.end(context, format!("the app signs nobody in any more, {tried}: {why}"));
            None
        }
    }
}

/// Waits as long as the app asks for, and goes on at the pace that it let through before.
async fn slow_down(
    context: &Context<'_, '_>,
    stage: &Stage,
    retry_after: Option<Duration>,
    remaining: usize,
) -> Result<(), String> {
    let window = retry_after.unwrap_or(WHERE_NO_TIME_IS_NAMED);
    if window > LONGEST_WAIT {
        return Err(format!(
            "the app limits requests and asks to be left alone for {} s",
            window.as_secs()
        ));
    }
    let pace = &stage.world.pace;
    if pace.per_minute().is_none() {
        let per_minute = pace.below().unwrap_or(1).max(1);
        let walks = u32::try_from(remaining).unwrap_or(u32::MAX);
        let rest = (Duration::from_secs(60) / per_minute).saturating_mul(walks.saturating_mul(SIGN_INS_PER_WALK));
        if rest > LONGEST_REST {
            return Err(format!(
                "the app limits requests: at {per_minute} sign-ins a minute the rest would take {} minutes; `pace = \
                 {per_minute}` under [run] walks it all the same",
                rest.as_secs() / 60
            ));
        }
        pace.slow_down(per_minute);
        let text = format!("going on with {per_minute} sign-ins a minute, as many as the app let through");
        context.notice(text);
    }
    // Not synchronisation: the app asks for this time.
    tokio::time::sleep(window).await;
    Ok(())
}
