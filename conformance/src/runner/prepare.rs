//! What is known before the first case is walked on a fresh app: a plain sign-in works there, the hooks of the faults to
//! come do no harm, and how the app fetches keys. One app tells all of it, where nothing is wrong with it.

use std::time::Instant;

use mock_idp::{Fault, flow::fault::Message};

use super::{
    context::Context,
    control,
    cool_down::CoolDown,
    ground::Ground,
    keys::{cool_down_of, fetches_at_once},
    seed::seed_of,
    stage::Stage,
    task::Task,
};
use crate::{
    case::Lane,
    run,
    verdict::{Control, controls},
    walk::server_faults,
};

/// What is known before the first of these cases is walked.
pub(super) struct Prepared {
    /// A plain sign-in on a fresh app.
    pub(super) before: Control,
    /// Those of certificates are missing until [`Prepared::try_certificates`].
    pub(super) twins: Twins,
    /// How long the app waits between two fetches of the key set; `None` when nobody needed to know.
    pub(super) cool_down: Option<CoolDown>,
    /// Whether it fetches the key set at once for a key that it does not have.
    pub(super) fetches_at_once: bool,
    /// The app that told it, which runs and signed somebody in.
    pub(super) stage: Option<Stage>,
}

/// Twins of server-wide faults with what they came to.
pub(super) struct Twins(Vec<(Fault, Control)>);

/// Finds out what the tasks stand on, and tells the control.
pub(super) async fn prepare(context: &Context<'_, '_>, ground: Ground<'_>, tasks: &[Task]) -> Prepared {
    let began = Instant::now();
    let mut documents = hooks_of(tasks);
    documents.retain(|twin| !is_certificate(*twin));
    let together = match ground.options.own_apps {
        true => None,
        false => all_at_once(ground, &documents).await,
    };
    let before = match &together {
        Some((_, walk)) => Control::Worked(walk.clone()),
        // Whether a hook does harm, or the app does not work at all, is seen one by one.
        None => ground.control(&[]).await,
    };
    let control = run::Control {
        failure: None,
        lane: "fresh app, fresh issuer".to_owned(),
        ok: before.refusal().is_none(),
        text: before
            .refusal()
            .unwrap_or("an ordinary sign-in works on a fresh app")
            .to_owned(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    context.control(control);
    let mut prepared = Prepared {
        before,
        twins: Twins(Vec::new()),
        cool_down: None,
        fetches_at_once: false,
        stage: None,
    };
    if prepared.before.refusal().is_some() {
        return prepared;
    }
    let Some((stage, _)) = together else {
        prepared.twins = one_by_one(ground, &documents).await;
        return prepared;
    };
    let worked = |twin| (twin, prepared.before.clone());
    prepared.twins.0.extend(documents.into_iter().map(worked));
    stage.world.idp.behave(&stage.world.server);
    prepared.stage = Some(stage);
    prepared
}

/// Whether a fault reaches everybody on its listener: a certificate is changed when nobody else is there.
pub(super) fn is_certificate(fault: Fault) -> bool {
    fault.message() == Message::Tls
}

impl Prepared {
    /// Walks the twins of the certificates that these tasks change, on an app that works, or each on an app of its own.
    pub(super) async fn try_certificates(&mut self, ground: Ground<'_>, stage: Option<&Stage>, tasks: &[Task]) {
        for twin in hooks_of(tasks).into_iter().filter(|twin| is_certificate(*twin)) {
            let control = match stage {
                Some(stage) => with_certificate(ground, stage, twin).await,
                None => ground.control(&[twin]).await,
            };
            self.twins.0.push((twin, control));
        }
    }

    /// Asks the app how it fetches keys, where that decides something. Afterwards it may sign nobody in for a while.
    pub(super) async fn ask_about_keys(&mut self, ground: Ground<'_>, tasks: &[Task]) {
        let Some(stage) = &self.stage else { return };
        if tasks.iter().any(|task| task.asks_for_keys_again()) {
            let cool_down = cool_down_of(ground, stage).await;
            self.cool_down = Some(cool_down);
            self.fetches_at_once = cool_down.is_none();
        } else if tasks.iter().filter(|task| task.case.lane == Lane::Server).count() > 1 {
            self.fetches_at_once = fetches_at_once(ground, stage).await;
        }
    }
}

impl Twins {
    /// What the twins of a task came to; the first that was refused decides.
    pub(super) fn of(&self, task: Task) -> Control {
        let mut used = Control::NotNeeded;
        for twin in hooks(task) {
            match self.0.iter().find(|(walked, _)| *walked == twin) {
                None => {}
                Some((_, Control::Refused(why))) => {
                    return Control::Refused(format!("the twin {twin} was not accepted: {why}"));
                }
                Some((_, control)) => used = control.clone(),
            }
        }
        used
    }
}

fn hooks(task: Task) -> impl Iterator<Item = Fault> {
    server_faults(task.variant().faults).into_iter().map(Fault::twin)
}

fn hooks_of(tasks: &[Task]) -> Vec<Fault> {
    let mut all: Vec<Fault> = Vec::new();
    for twin in tasks.iter().copied().flat_map(hooks) {
        if !all.contains(&twin) {
            all.push(twin);
        }
    }
    all
}

/// A fresh app that works through all these hooks, and the walk that showed it.
async fn all_at_once(ground: Ground<'_>, twins: &[Fault]) -> Option<(Stage, String)> {
    let raised = ground.org.fresh(ground.config, ground.options, twins, false).await;
    let stage = raised.ok().filter(|stage| stage.start_problem.is_none())?;
    let seed = seed_of(ground.options.seed, "fresh control");
    let (evidence, outcome) = control::works(&stage.world, seed).await;
    if outcome.is_err() {
        stage.close().await;
        return None;
    }
    Some((stage, controls::walked(&evidence)))
}

async fn with_certificate(ground: Ground<'_>, stage: &Stage, twin: Fault) -> Control {
    stage.world.idp.misbehave(&stage.world.server, &[twin]);
    let seed = seed_of(ground.options.seed, format!("fresh control {}", twin.id()));
    let (evidence, outcome) = control::works(&stage.world, seed).await;
    stage.world.idp.behave(&stage.world.server);
    Control::of(&evidence, &outcome)
}

/// Walks each twin on an app of its own.
async fn one_by_one(ground: Ground<'_>, hooks: &[Fault]) -> Twins {
    let mut twins = Vec::new();
    for twin in hooks {
        twins.push((*twin, ground.control(&[*twin]).await));
    }
    Twins(twins)
}
