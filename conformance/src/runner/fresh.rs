//! Walks each variant on a fresh app with a fresh issuer; several at a time, because they share nothing.

use futures_util::{StreamExt, stream::FuturesUnordered};
use mock_idp::{Fault, flow::fault::Message};

use super::{
    context::Context,
    control,
    ground::Ground,
    keys::cool_down,
    ledger::Next,
    options::Driver,
    seed::seed_of,
    stage::Stage,
    task::{Queue, Task, Width, met_limit},
};
use crate::{
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    run,
    verdict::{Afterwards, Cause, Control, Controls, controls, judge},
    walk::{begins_misbehaviour, refresh_records, server_faults, walk, wants_odd_client},
};

/// How many fresh apps work at once.
const FRESH_APPS: usize = 3;

/// How many more wait for an answer meanwhile.
const WAITING_APPS: usize = 12;

/// What a fresh app left behind.
struct Fresh {
    task: Task,
    result: Result<(Evidence, Afterwards), String>,
}

/// Twins of server-wide faults with what they came to.
type Twins = Vec<(Fault, Control)>;

/// Walks each variant on a fresh app with a fresh issuer.
pub(super) async fn afresh(context: &mut Context<'_, '_>, cases: Vec<&'static Case>) {
    let tasks = context.tasks(&cases);
    if tasks.is_empty() {
        return;
    }
    let ground = Ground {
        config: context.config,
        options: context.options,
        org: context.org,
    };
    let began = std::time::Instant::now();
    let before = ground.control(&[]).await;
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
    context.ledger.control(control, context.on);
    if let Some(why) = before.refusal() {
        for task in tasks {
            context.inconclusive(task, format!("the control on a fresh app failed: {why}"));
        }
        return;
    }
    let twins = twins(ground, &tasks).await;
    let (refused, accepted): (Vec<Task>, Vec<Task>) = tasks
        .into_iter()
        .partition(|task| twin_of(*task, &twins).refusal().is_some());
    for task in refused {
        context.inconclusive(task, twin_of(task, &twins).refusal().unwrap_or_default().to_owned());
    }
    // One listener presents one certificate: whoever spoils it must be alone.
    let (spoilers, others): (Vec<Task>, Vec<Task>) = accepted.into_iter().partition(|task| spoils_the_listener(*task));
    let width = Width {
        jobs: FRESH_APPS.min(context.options.jobs.max(1)),
        waiting: match context.options.driver {
            Driver::Http => WAITING_APPS,
            // Each keeps a browser while it waits.
            Driver::WebDriver { .. } => context.options.jobs.max(1),
        },
    };
    let stood_on = (&before, &twins);
    let alone = Width { jobs: 1, waiting: 0 };
    // One port holds one app at a time.
    let width = if context.config.target.has_fixed_port() {
        alone
    } else {
        width
    };
    walk_all(context, ground, others, width, stood_on).await;
    walk_all(context, ground, spoilers, alone, stood_on).await;
    if let Some(learnt) = ground.org.cool_down.get() {
        learnt
            .notice()
            .into_iter()
            .for_each(|text| context.ledger.notice(text, context.on));
    }
}

async fn walk_all(
    context: &mut Context<'_, '_>,
    ground: Ground<'_>,
    tasks: Vec<Task>,
    width: Width,
    stood_on: (&Control, &Twins),
) {
    let mut queue = Queue::new(tasks);
    let (mut working, mut waiting) = (0, 0);
    let mut running = FuturesUnordered::new();
    loop {
        while let Some(task) = queue.next_task(working, waiting, width) {
            context.ledger.started(task.case, context.on);
            *(if task.waits() { &mut waiting } else { &mut working }) += 1;
            running.push(walk_afresh(ground, task));
        }
        let Some(fresh) = running.next().await else { return };
        *(if fresh.task.waits() { &mut waiting } else { &mut working }) -= 1;
        settle(context, fresh, stood_on)
            .into_iter()
            .for_each(|task| queue.push(task));
    }
}

fn settle(context: &mut Context<'_, '_>, fresh: Fresh, (before, twins): (&Control, &Twins)) -> Option<Task> {
    let Fresh { task, result } = fresh;
    let (evidence, after) = match result {
        Ok(walked) => walked,
        Err(error) => {
            let verdict = Verdict::Error(error);
            context.ledger.settle(task.case, task.variant, verdict, context.on);
            return None;
        }
    };
    if let Afterwards::Failed { cause, .. } = &after {
        context.tell(cause);
    }
    let controls = Controls {
        before: before.clone(),
        twin: twin_of(task, twins),
        after,
    };
    let judgement = judge(task.case, task.variant(), context.options.profile, &evidence, &controls);
    let next = context.ledger.attempt(
        (task.case, task.variant),
        evidence,
        judgement,
        (&controls).into(),
        context.on,
    );
    (next == Next::Again).then_some(task.again())
}

fn spoils_the_listener(task: Task) -> bool {
    let faults = task.variant().faults;
    faults.iter().any(|fault| fault.message() == Message::Tls)
}

fn hooks(task: Task) -> impl Iterator<Item = Fault> {
    server_faults(task.variant().faults).into_iter().map(Fault::twin)
}

/// Walks the twin of every server-wide fault. One after the other: the twin of a wrong certificate puts the listener's own
/// one up again under everybody's feet.
async fn twins(ground: Ground<'_>, tasks: &[Task]) -> Twins {
    let mut twins: Twins = Vec::new();
    for twin in tasks.iter().copied().flat_map(hooks) {
        if !twins.iter().any(|(walked, _)| *walked == twin) {
            twins.push((twin, ground.control(&[twin]).await));
        }
    }
    twins
}

/// What the twins of a task came to; the first that was refused decides.
fn twin_of(task: Task, twins: &Twins) -> Control {
    let mut used = Control::NotNeeded;
    for twin in hooks(task) {
        match twins.iter().find(|(walked, _)| *walked == twin) {
            None => {}
            Some((_, Control::Refused(why))) => {
                return Control::Refused(format!("the twin {twin} was not accepted: {why}"));
            }
            Some((_, control)) => used = control.clone(),
        }
    }
    used
}

async fn walk_afresh(ground: Ground<'_>, task: Task) -> Fresh {
    let this = task.variant();
    let from_start: Vec<Fault> = if begins_misbehaviour(this.script) {
        Vec::new()
    } else {
        server_faults(this.faults)
    };
    let odd = wants_odd_client(this.script);
    // Learnt on an app of its own, whose port this one may need.
    let patience = match task.asks_for_keys_again() {
        true => Some(cool_down(ground).await),
        false => None,
    };
    let stage = ground.org.fresh(ground.config, ground.options, &from_start, odd).await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            return Fresh {
                task,
                result: Err(error),
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
    let after = match met_limit(task, &evidence) {
        Some(cause) => Afterwards::Failed {
            saw: "the walk itself was cut short".to_owned(),
            cause,
        },
        // An app whose credentials are odd may never work; what the walk did shows on an ordinary one.
        None if odd => match elsewhere(ground, &mut stage).await {
            Control::Worked(walk) => Afterwards::Worked(format!("{walk} on another fresh app")),
            Control::NotNeeded => Afterwards::NotNeeded,
            Control::Refused(saw) => Afterwards::Failed {
                saw,
                cause: Cause::Unknown,
            },
        },
        None => afterwards(ground, &mut stage, seed_of(seed, "after"), has_ended).await,
    };
    refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
    evidence.app_output = stage.output_since(0);
    evidence.app_lines = stage.lines_since(0);
    stage.close().await;
    Fresh {
        task,
        result: Ok((evidence, after)),
    }
}

/// The control after. An app that keeps what it read at its start is mended by a restart; only one that stays broken,
/// or that ended, is blamed, and only while another fresh app works.
async fn afterwards(ground: Ground<'_>, stage: &mut Stage, seed: u64, has_ended: bool) -> Afterwards {
    let (control, outcome) = control::works(&stage.world, seed).await;
    let Err(saw) = outcome else {
        return Afterwards::Worked(controls::walked(&control));
    };
    if let Some(cause) = Cause::shown_by(&control, has_ended).filter(Cause::clears_the_walk) {
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
        Control::Refused(why) => Afterwards::Failed {
            saw: format!("{saw}; and on another fresh app: {why}"),
            cause: Cause::Unknown,
        },
    }
}

/// The control on another fresh app. Where that needs the port of this one, this one ends.
async fn elsewhere(ground: Ground<'_>, stage: &mut Stage) -> Control {
    if stage.is_pinned() {
        stage.make_way().await;
    }
    ground.control(&[]).await
}

async fn restarted(stage: &mut Stage, seed: u64) -> Result<String, String> {
    stage.restart().await?;
    let (control, outcome) = control::works(&stage.world, seed_of(seed, "restarted")).await;
    outcome.map(|()| format!("{} after a restart", controls::walked(&control)))
}
