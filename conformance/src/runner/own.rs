//! Walks one variant on a fresh app with a fresh issuer, which nobody else uses.

use mock_idp::Fault;

use super::{
    control,
    ground::Ground,
    keys::cool_down,
    seed::seed_of,
    stage::Stage,
    task::{Task, met_limit},
};
use crate::{
    evidence::Evidence,
    verdict::{Afterwards, Cause, Control, controls},
    walk::{begins_misbehaviour, refresh_records, server_faults, walk, wants_odd_client},
};

/// What a fresh app left behind.
pub(super) struct Fresh {
    pub(super) task: Task,
    pub(super) result: Result<(Evidence, Afterwards), String>,
    /// Why nobody signs in on another fresh app either, where that was tried.
    pub(super) elsewhere: Option<String>,
}

/// Walks it, and finds out whether the app still works afterwards.
pub(super) async fn walk_afresh(ground: Ground<'_>, task: Task) -> Fresh {
    let this = task.variant();
    let from_start: Vec<Fault> = if begins_misbehaviour(this.script) {
        Vec::new()
    } else {
        server_faults(this.faults)
    };
    let odd = wants_odd_client(this.script);
    // Learnt on an app of its own, whose port this one may need.
    let patience = match task.asks_for_keys_again() {
        true => Some(cool_down(ground).await.patience(task.attempt)),
        false => None,
    };
    let stage = ground.org.fresh(ground.config, ground.options, &from_start, odd).await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            return Fresh {
                task,
                result: Err(error),
                elsewhere: None,
            };
        }
    };
    if let Some(patience) = patience {
        stage.be_patient(patience);
    }
    let seed = task.seed(ground.options.seed);
    // An app that does not start with these faults cannot be walked; what that means the checks decide.
    let script = if stage.start_problem.is_some() {
        &[]
    } else {
        this.script
    };
    let mut evidence = walk(&stage.world, script, this.faults, seed).await;
    evidence.start_problem = stage.start_problem.take();
    stage.world.idp.behave(&stage.world.server);
    // What the app does when its very configuration is wrong is asked by checks; it may well refuse to go on.
    let has_ended = from_start.is_empty() && stage.died();
    let mut nowhere = None;
    let after = match met_limit(task, &evidence) {
        Some(cause) => Afterwards::Failed {
            saw: "the walk itself was cut short".to_owned(),
            cause,
        },
        // Nothing was asked of it.
        None if odd && evidence.start_problem.is_some() => Afterwards::NotNeeded,
        // An app whose credentials are odd may never work; what the walk did shows on an ordinary one.
        None if odd => match elsewhere(ground, &mut stage).await {
            Control::Worked(walk) => Afterwards::Worked(format!("{walk} on another fresh app")),
            Control::NotNeeded => Afterwards::NotNeeded,
            Control::Refused(saw) => {
                nowhere = Some(saw.clone());
                Afterwards::Failed {
                    saw,
                    cause: Cause::Unknown,
                }
            }
        },
        None => {
            let seed = seed_of(seed, "after");
            afterwards(ground, &mut stage, &evidence, seed, has_ended, &mut nowhere).await
        }
    };
    refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
    evidence.app_output = stage.output_since(0);
    evidence.app_lines = stage.lines_since(0);
    stage.close().await;
    Fresh {
        task,
        result: Ok((evidence, after)),
        elsewhere: nowhere,
    }
}

/// The control after. An app that keeps what it read at its start works after a restart; only one that stays broken,
/// or that ended, is blamed, and only while another fresh app works: `nowhere` says where it does not.
async fn afterwards(
    ground: Ground<'_>,
    stage: &mut Stage,
    walk: &Evidence,
    seed: u64,
    has_ended: bool,
    nowhere: &mut Option<String>,
) -> Afterwards {
    let (control, outcome) = control::works(&stage.world, seed).await;
    let Err(saw) = outcome else {
        return Afterwards::Worked(controls::walked(&control));
    };
    if let Some(cause) = Cause::shown_by(&control, has_ended).filter(Cause::clears_the_walk) {
        if cause.cut_short(walk) {
            return Afterwards::Failed { saw, cause };
        }
        // A limit counts in the process: one that was started afresh has counted nothing yet.
        return match restarted(stage, seed).await {
            Ok(walk) => Afterwards::Worked(walk),
            Err(_) => Afterwards::Failed { saw, cause },
        };
    }
    if !has_ended {
        let restarted = restarted(stage, seed).await;
        if let Ok(walk) = restarted {
            return Afterwards::Worked(walk);
        }
    }
    match elsewhere(ground, stage).await {
        Control::Worked(_) | Control::NotNeeded if has_ended => Afterwards::Broke {
            saw: format!("the app ended; {saw}"),
        },
        Control::Worked(_) | Control::NotNeeded => Afterwards::Broke { saw },
        Control::Refused(why) => {
            let saw = format!("{saw}; and on another fresh app: {why}");
            *nowhere = Some(why);
            Afterwards::Failed {
                saw,
                cause: Cause::Unknown,
            }
        }
    }
}

/// The control on another fresh app. Where that needs the port of this one, this one ends.
async fn elsewhere(ground: Ground<'_>, stage: &mut Stage) -> Control {
    if stage.is_pinned() {
        stage.make_way().await;
    }
    ground.control(&[]).await
}

/// A plain sign-in on the app as it is, or, where that fails, on the app started anew: what worked.
pub(super) async fn at_work(stage: &mut Stage, seed: u64) -> Result<String, String> {
    let (control, outcome) = control::works(&stage.world, seed).await;
    match outcome {
        Ok(()) => Ok(controls::walked(&control)),
        Err(_) => restarted(stage, seed).await,
    }
}

/// The app started anew with the same authorization server: what worked then.
pub(super) async fn restarted(stage: &mut Stage, seed: u64) -> Result<String, String> {
    stage.restart().await?;
    let (control, outcome) = control::works(&stage.world, seed_of(seed, "restarted")).await;
    outcome.map(|()| format!("{} after a restart", controls::walked(&control)))
}
