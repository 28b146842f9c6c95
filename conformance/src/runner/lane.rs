//! Walks cases and settles their verdicts: side by side, alone, or each on a fresh app with a fresh issuer.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    panic::AssertUnwindSafe,
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};

use mock_idp::{
    Fault,
    flow::{fault::Message, scenario::FlowId},
};
use tokio::task::JoinSet;

use super::{
    Driver, Listener, Options,
    control::{self, Known, Twins},
    ledger::{Ledger, Next, variant},
    stage::{Org, Stage},
};
use crate::{
    case::Case,
    catalog,
    evidence::Evidence,
    judge::{Judgement, judge, judge_all},
    outcome::{Level, Outcome, Verdict},
    run::{CheckResult, Control, ControlTriple},
    script::{Act, IdpAct, Pause, Step},
    target::Config,
    walk::{begins_misbehaviour, beyond_browsers, refresh_records, server_faults, walk, wants_odd_client},
};

/// A control after serves at most so many walks per worker: more would make the wait for verdicts long.
const WALKS_PER_CONTROL: usize = 8;

/// How many fresh apps work at once.
const FRESH_APPS: usize = 3;

/// How many more wait for an answer meanwhile.
const WAITING_APPS: usize = 12;

/// What all lanes share.
pub(super) struct Context<'c, 'l> {
    pub(super) config: &'c Config,
    pub(super) options: &'c Options,
    pub(super) known: &'c Known,
    pub(super) twins: &'c Twins,
    pub(super) org: &'c Org,
    pub(super) ledger: &'c mut Ledger,
    pub(super) on: &'c mut Listener<'l>,
}

/// One attempt at one variant.
#[derive(Clone, Copy, Debug)]
struct Task {
    case: &'static Case,
    variant: usize,
    attempt: u32,
}

/// A walk that is over and waits for its control after.
struct Walked {
    task: Task,
    evidence: Evidence,
    /// What the app had printed when the walk began.
    mark: u64,
}

impl Context<'_, '_> {
    /// Gives every variant of these cases the same reason for being left out.
    pub(super) fn skip_all(&mut self, cases: Vec<&'static Case>, reason: &str) {
        for case in cases {
            for index in 0..case.variants.len() {
                self.ledger
                    .settle(case, index, Verdict::Skipped(reason.to_owned()), self.on);
            }
        }
    }

    /// The variants that are to be walked; the others get their verdict here.
    fn tasks(&mut self, cases: &[&'static Case]) -> VecDeque<Task> {
        let mut tasks = VecDeque::new();
        for case in cases {
            for index in 0..case.variants.len() {
                match self.known_verdict(case, index) {
                    Some(verdict) => self.ledger.settle(case, index, verdict, self.on),
                    None => tasks.push_back(Task {
                        case,
                        variant: index,
                        attempt: 1,
                    }),
                }
            }
        }
        tasks
    }

    /// The verdict of a variant that need not be walked.
    fn known_verdict(&self, case: &'static Case, index: usize) -> Option<Verdict> {
        let skipped = self.config.run.skip.iter().find(|skip| {
            skip.case
                .parse::<crate::select::Selector>()
                .is_ok_and(|selector| selector.is_about(case))
        });
        if let Some(skip) = skipped {
            return Some(Verdict::Skipped(format!(
                "left out by the configuration: {}",
                skip.reason
            )));
        }
        let this = variant(case, index);
        if let Some(verdict) = self.known.lacks(case, this) {
            return Some(verdict);
        }
        if self.options.driver != Driver::Http
            && let Some(reason) = beyond_browsers(this.script, self.config.target.javascript)
        {
            return Some(Verdict::Skipped(reason));
        }
        self.twins.of(this).err().map(Verdict::Inconclusive)
    }

    /// Judges a walk whose control after was fine. Says whether the variant is to be walked again.
    fn settle(&mut self, stage: &Stage, walked: Walked, judged: Option<Judgement>) -> Option<Task> {
        let Walked {
            task,
            mut evidence,
            mark,
        } = walked;
        refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
        let this = variant(task.case, task.variant);
        let judgement = judged.unwrap_or_else(|| judge(task.case, this, self.options.profile, &evidence));
        if judgement.verdict != Verdict::Pass {
            evidence.app_output = stage.output_since(mark);
        }
        let after = match judgement.checks.iter().find(|check| check.id == CONTROL_AFTER) {
            Some(_) => "broken".to_owned(),
            None => "ok".to_owned(),
        };
        let twin = self.twins.of(this).map_or_else(|why| why, str::to_owned);
        let control = ControlTriple {
            before: "ok".to_owned(),
            twin,
            after,
        };
        let next = self
            .ledger
            .attempt(task.case, task.variant, evidence, judgement, control, self.on);
        (next == Next::Again).then_some(Task {
            attempt: task.attempt + 1,
            ..task
        })
    }

    /// A walk that panicked is a bug of the harness, and says nothing about the app.
    fn settle_bug(&mut self, task: Task) {
        let verdict = Verdict::Error("the harness has a bug: this walk panicked (see standard error)".to_owned());
        self.ledger.settle(task.case, task.variant, verdict, self.on);
    }

    fn seed(&self, task: Task) -> u64 {
        task.seed(self.options.seed)
    }
}

/// Id of the check that is added when a plain sign-in after a case fails.
const CONTROL_AFTER: &str = "control-after";

/// A seed for something named, drawn from the run's seed.
pub(super) fn seed_of(run: u64, name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    name.hash(&mut hasher);
    hasher.finish()
}

/// How many walks are in flight at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Of those that work.
    pub(super) jobs: usize,
    /// Of those that let the app wait for an answer; 0: only when nothing else is in flight, and one at a time.
    pub(super) waiting: usize,
}

/// Tasks that are still to be walked. Those in which the app waits for an answer take seconds and hardly any work: they
/// go beside the others, where the app bears that.
struct Queue {
    working: VecDeque<Task>,
    waiting: VecDeque<Task>,
}

impl Queue {
    fn new(tasks: impl IntoIterator<Item = Task>) -> Self {
        let (waiting, working) = tasks.into_iter().partition(|task| task.waits());
        Self { working, waiting }
    }

    fn push(&mut self, task: Task) {
        match task.waits() {
            true => self.waiting.push_back(task),
            false => self.working.push_back(task),
        }
    }

    /// The next walk, when so many are in flight: a task, and those that ask other questions of the same walk.
    fn next(&mut self, working: usize, waiting: usize, width: Width) -> Option<Vec<Task>> {
        let task = self.next_task(working, waiting, width)?;
        let mut together = vec![task];
        for queue in [&mut self.working, &mut self.waiting] {
            queue.retain(|other| {
                let alike = task.walks_like(*other);
                together.extend(alike.then_some(*other));
                !alike
            });
        }
        Some(together)
    }

    /// The next task, when so many are in flight.
    fn next_task(&mut self, working: usize, waiting: usize, width: Width) -> Option<Task> {
        let beside = waiting < width.waiting;
        let alone = width.waiting == 0 && working + waiting == 0 && self.working.is_empty();
        if beside || alone {
            let task = self.waiting.pop_front();
            if task.is_some() {
                return task;
            }
        }
        let room = working < width.jobs && (width.waiting > 0 || waiting == 0);
        room.then(|| self.working.pop_front()).flatten()
    }

    fn into_tasks(self) -> impl Iterator<Item = Task> {
        self.working.into_iter().chain(self.waiting)
    }
}

impl Task {
    /// Those that walk alike share it, so that each of them can be replayed alone.
    fn seed(self, run: u64) -> u64 {
        let this = variant(self.case, self.variant);
        let (id, name) = catalog::all()
            .flat_map(|case| case.variants.iter().map(|variant| (case.id, variant)))
            .find(|(_, variant)| variant.walks_like(this))
            .map_or((self.case.id, this.name), |(id, variant)| (id, variant.name));
        seed_of(run, (id, name, self.attempt))
    }

    /// Whether one walk serves both. What is asked again is walked anew for each: a first answer was not enough.
    fn walks_like(self, other: Self) -> bool {
        self.attempt == 1
            && other.attempt == 1
            && variant(self.case, self.variant).walks_like(variant(other.case, other.variant))
    }

    /// Whether the app waits for seconds in this walk.
    fn waits(self) -> bool {
        let this = variant(self.case, self.variant);
        let pauses = |step: &Step| match step.act {
            Act::Wait(pause) => pause != Pause::ClockTick,
            act => act == Act::Idp(IdpAct::CoolDown),
        };
        this.faults.iter().any(|fault| fault.delays()) || this.script.iter().any(pauses)
    }
}

/// Walks cases against one running app, as many at a time as it bears.
pub(super) async fn side_by_side(
    context: &mut Context<'_, '_>,
    stage: &mut Stage,
    cases: Vec<&'static Case>,
    width: Width,
) {
    let mut queue = Queue::new(context.tasks(&cases));
    let mut over: Vec<Walked> = Vec::new();
    let mut running: JoinSet<Landed> = JoinSet::new();
    // Which of those in flight wait.
    let (mut working, mut waiting) = (0, 0);
    let mut controls = 0_u64;
    loop {
        let limit = width.jobs * WALKS_PER_CONTROL;
        // The next ones do not wait until the last of these is over: the control after them waits for none in flight.
        while over.len() < limit
            && let Some(tasks) = queue.next(working, waiting, width)
        {
            for task in &tasks {
                context.ledger.started(task.case, context.on);
            }
            let waits = tasks.iter().any(|task| task.waits());
            *(if waits { &mut waiting } else { &mut working }) += 1;
            spawn(&mut running, context, stage, tasks);
        }
        let mut landed = running.join_next().await;
        if landed.is_none() && over.is_empty() {
            return;
        }
        while let Some(next) = landed {
            let waits = match next {
                Ok(Ok(walked)) => {
                    let waits = walked.iter().any(|walked| walked.task.waits());
                    over.extend(walked);
                    Some(waits)
                }
                Ok(Err(tasks)) => {
                    let waits = tasks.iter().any(|task| task.waits());
                    tasks.into_iter().for_each(|task| context.settle_bug(task));
                    Some(waits)
                }
                Err(error) => {
                    let text = format!("a walk was cancelled: {error}");
                    context.ledger.notice(text, context.on);
                    None
                }
            };
            if let Some(waits) = waits {
                *(if waits { &mut waiting } else { &mut working }) -= 1;
            }
            landed = running.try_join_next();
        }
        // Enough are over, or nothing else is to be done meanwhile.
        let due = over.len() >= limit || (working == 0 && queue.working.is_empty()) || running.is_empty();
        if !due || over.is_empty() {
            continue;
        }
        // This sign-in starts after the last hop of everything that is over; those in flight get another one.
        controls += 1;
        let (evidence, outcome) =
            control::sign_in(&stage.world, seed_of(context.options.seed, ("control", controls))).await;
        context.ledger.watched.push(evidence);
        match outcome {
            Ok(()) => {
                for walked in std::mem::take(&mut over) {
                    context
                        .settle(stage, walked, None)
                        .into_iter()
                        .for_each(|task| queue.push(task));
                }
            }
            Err(why) => {
                // Whoever is still in flight may have done it.
                while let Some(landed) = running.join_next().await {
                    match landed {
                        Ok(Ok(walked)) => over.extend(walked),
                        Ok(Err(tasks)) => tasks.into_iter().for_each(|task| context.settle_bug(task)),
                        Err(_) => {}
                    }
                }
                (working, waiting) = (0, 0);
                let suspects: Vec<Task> = std::mem::take(&mut over)
                    .into_iter()
                    .map(|walked| walked.task)
                    .collect();
                if !one_by_one(context, stage, suspects, &why, &mut queue).await {
                    return give_up(context, queue, &why);
                }
            }
        }
    }
}

/// What came of one walk: it is over for every task that it was for, or it panicked.
type Landed = Result<Vec<Walked>, Vec<Task>>;

/// Begins one walk for tasks that walk alike.
fn spawn(running: &mut JoinSet<Landed>, context: &Context<'_, '_>, stage: &Stage, tasks: Vec<Task>) {
    let Some(&first) = tasks.first() else { return };
    let world = stage.world.clone();
    let seed = context.seed(first);
    let mark = stage.printed();
    let this = variant(first.case, first.variant);
    running.spawn(async move {
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

/// After a broken control: mends the app, then walks the suspects alone, each with a control of its own.
/// Says whether the app still works.
async fn one_by_one(
    context: &mut Context<'_, '_>,
    stage: &mut Stage,
    suspects: Vec<Task>,
    why: &str,
    queue: &mut Queue,
) -> bool {
    let count = suspects.len();
    context.ledger.notice(
        format!("a plain sign-in failed after {count} walks ({why}): walking them again one by one"),
        context.on,
    );
    if !mend(context, stage).await {
        suspects.into_iter().for_each(|task| queue.push(task));
        return false;
    }
    for task in suspects {
        let world = stage.world.clone();
        let this = variant(task.case, task.variant);
        let mark = stage.printed();
        let evidence = walk(&world, this.script, this.faults, context.seed(task)).await;
        let walked = Walked { task, evidence, mark };
        let seed = seed_of(
            context.options.seed,
            ("control after", task.case.id, task.variant, task.attempt),
        );
        let (_, outcome) = control::sign_in(&stage.world, seed).await;
        let Err(why) = outcome else {
            context
                .settle(stage, walked, None)
                .into_iter()
                .for_each(|task| queue.push(task));
            continue;
        };
        let mut judgement = judge(task.case, this, context.options.profile, &walked.evidence);
        blame(task.case, &mut judgement, &why, stage.died());
        context.ledger.notice(
            format!(
                "{} breaks the app: a plain sign-in afterwards failed ({why})",
                task.case.id
            ),
            context.on,
        );
        let again = context.settle(stage, walked, Some(judgement));
        let working = mend(context, stage).await;
        again.into_iter().for_each(|task| queue.push(task));
        if !working {
            return false;
        }
    }
    true
}

/// A case after which nobody can sign in any more has broken the app, whatever its own checks say.
fn blame(case: &Case, judgement: &mut Judgement, why: &str, died: bool) {
    let saw = if died {
        format!("the app ended; {why}")
    } else {
        why.to_owned()
    };
    judgement.checks.push(CheckResult {
        id: CONTROL_AFTER,
        level: case.level,
        expects: "a plain sign-in straight afterwards works",
        outcome: Outcome::Broken(saw.clone()),
    });
    judgement.verdict = match case.level {
        Level::Must | Level::MustStar => Verdict::Fail,
        Level::Should => Verdict::Warn,
        Level::May => {
            judgement.notes.push(saw);
            Verdict::Pass
        }
    };
}

/// Brings the app back to work: restarts it where possible. Says whether a plain sign-in works again.
async fn mend(context: &mut Context<'_, '_>, stage: &mut Stage) -> bool {
    if stage.restartable()
        && let Err(error) = stage.restart().await
    {
        context
            .ledger
            .notice(format!("the app could not be restarted: {error}"), context.on);
        return false;
    }
    let (_, outcome) = control::sign_in(&stage.world, seed_of(context.options.seed, "mend")).await;
    outcome.is_ok()
}

/// The app is broken for good: what has not been judged cannot be.
fn give_up(context: &mut Context<'_, '_>, queue: Queue, why: &str) {
    for task in queue.into_tasks() {
        let reason = format!("the app no longer signs anybody in: {why}");
        context
            .ledger
            .settle(task.case, task.variant, Verdict::Inconclusive(reason), context.on);
    }
}

/// Walks cases one after the other on the running app, with server-wide faults on and off. For targets without a start
/// command: last, because key faults use up the app's patience with the key set.
pub(super) async fn on_the_running_app(context: &mut Context<'_, '_>, stage: &mut Stage, cases: Vec<&'static Case>) {
    let mut queue = context.tasks(&cases);
    while let Some(task) = queue.pop_front() {
        context.ledger.started(task.case, context.on);
        let this = variant(task.case, task.variant);
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
        let seed = seed_of(
            context.options.seed,
            ("control after", task.case.id, task.variant, task.attempt),
        );
        let (_, outcome) = control::sign_in(&stage.world, seed).await;
        match outcome {
            Ok(()) => queue.extend(context.settle(stage, walked, None)),
            Err(why) => {
                // Without a restart a stale key set cannot be told from a broken app.
                let reason =
                    format!("the control after failed ({why}); with a [target.start] the app would be started afresh");
                context
                    .ledger
                    .settle(task.case, task.variant, Verdict::Inconclusive(reason), context.on);
            }
        }
    }
}

/// Where fresh apps are raised.
#[derive(Clone, Copy)]
struct Ground<'c> {
    config: &'c Config,
    options: &'c Options,
    org: &'c Org,
}

/// What a fresh app left behind.
struct Fresh {
    task: Task,
    result: Result<(Evidence, Result<(), String>), String>,
}

/// Walks each variant on a fresh app with a fresh issuer; several at a time, because they share nothing.
pub(super) async fn afresh(context: &mut Context<'_, '_>, cases: Vec<&'static Case>) {
    let queue = context.tasks(&cases);
    if queue.is_empty() {
        return;
    }
    let began = std::time::Instant::now();
    let honest = fresh_control(context, &[]).await;
    let control = Control {
        lane: "fresh app, fresh issuer".to_owned(),
        ok: honest.is_ok(),
        text: honest
            .as_ref()
            .err()
            .cloned()
            .unwrap_or_else(|| "an ordinary sign-in works on a fresh app".to_owned()),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    context.ledger.control(control, context.on);
    if let Err(why) = honest {
        for task in queue {
            let reason = format!("the control on a fresh app failed: {why}");
            context
                .ledger
                .settle(task.case, task.variant, Verdict::Inconclusive(reason), context.on);
        }
        return;
    }
    // One listener presents one certificate: whoever spoils it must be alone.
    let (spoilers, others): (Vec<Task>, Vec<Task>) = with_twins(context, queue)
        .await
        .into_iter()
        .partition(|task| spoils_the_listener(*task));
    let width = Width {
        jobs: FRESH_APPS.min(context.options.jobs.max(1)),
        waiting: match context.options.driver {
            Driver::Http => WAITING_APPS,
            // Each keeps a browser while it waits.
            Driver::WebDriver { .. } => context.options.jobs.max(1),
        },
    };
    walk_all_afresh(context, others, width).await;
    let alone = Width { jobs: 1, waiting: 0 };
    walk_all_afresh(context, spoilers, alone).await;
}

async fn walk_all_afresh(context: &mut Context<'_, '_>, tasks: Vec<Task>, width: Width) {
    let ground = Ground {
        config: context.config,
        options: context.options,
        org: context.org,
    };
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
        settle_fresh(context, fresh)
            .into_iter()
            .for_each(|task| queue.push(task));
    }
}

fn spoils_the_listener(task: Task) -> bool {
    let faults = variant(task.case, task.variant).faults;
    faults.iter().any(|fault| fault.message() == Message::Tls)
}

/// Those whose server-wide hooks the app accepts with the value left valid; the others are inconclusive.
async fn with_twins(context: &mut Context<'_, '_>, queue: VecDeque<Task>) -> VecDeque<Task> {
    let hooks = |task: &Task| {
        server_faults(variant(task.case, task.variant).faults)
            .into_iter()
            .map(Fault::twin)
    };
    let mut twins: Vec<Fault> = Vec::new();
    for twin in queue.iter().flat_map(hooks) {
        if !twins.contains(&twin) {
            twins.push(twin);
        }
    }
    // One after the other: the twin of a wrong certificate puts the listener's own one up again under everybody's feet.
    let mut refused: Vec<(Fault, String)> = Vec::new();
    for twin in twins {
        if let Err(why) = fresh_control(context, &[twin]).await {
            refused.push((twin, why));
        }
    }
    let mut accepted = VecDeque::new();
    for task in queue {
        let wrong = hooks(&task).find_map(|twin| refused.iter().find(|(refused, _)| *refused == twin));
        match wrong {
            None => accepted.push_back(task),
            Some((twin, why)) => {
                let reason = format!("the twin {twin} was not accepted: {why}");
                context
                    .ledger
                    .settle(task.case, task.variant, Verdict::Inconclusive(reason), context.on);
            }
        }
    }
    accepted
}

/// An honest sign-in on a fresh app, through the hooks of these twins.
async fn fresh_control(context: &Context<'_, '_>, twins: &[Fault]) -> Result<(), String> {
    let stage = context.org.fresh(context.config, context.options, twins, false).await?;
    if let Some(problem) = &stage.start_problem {
        return Err(problem.clone());
    }
    let seed = seed_of(context.options.seed, ("fresh control", twins));
    let outcome = control::works(&stage.world, seed).await;
    stage.world.idp.behave(&stage.world.server);
    stage.close().await;
    outcome
}

async fn walk_afresh(ground: Ground<'_>, task: Task) -> Fresh {
    let Ground { config, options, org } = ground;
    let this = variant(task.case, task.variant);
    let from_start: Vec<Fault> = if begins_misbehaviour(this.script) {
        Vec::new()
    } else {
        server_faults(this.faults)
    };
    let odd = wants_odd_client(this.script);
    let stage = org.fresh(config, options, &from_start, odd).await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            return Fresh {
                task,
                result: Err(error),
            };
        }
    };
    let seed = task.seed(options.seed);
    // An app that does not start with these faults cannot be walked; what that means the checks decide.
    let script = if stage.start_problem.is_some() {
        &[]
    } else {
        this.script
    };
    let mut evidence = walk(&stage.world, script, this.faults, seed).await;
    evidence.start_problem = stage.start_problem.take();
    stage.world.idp.behave(&stage.world.server);
    let after_seed = seed_of(seed, "after");
    let mut after = control::works(&stage.world, after_seed).await;
    if after.is_err() && stage.restart().await.is_ok() {
        // An app that keeps what it read at its start is mended by a restart; only one that stays broken is blamed.
        after = control::works(&stage.world, seed_of(after_seed, "restarted")).await;
    }
    refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
    evidence.app_output = stage.output_since(0);
    stage.close().await;
    Fresh {
        task,
        result: Ok((evidence, after)),
    }
}

fn settle_fresh(context: &mut Context<'_, '_>, fresh: Fresh) -> Option<Task> {
    let Fresh { task, result } = fresh;
    let this = variant(task.case, task.variant);
    let (evidence, after) = match result {
        Ok(walked) => walked,
        Err(error) => {
            context
                .ledger
                .settle(task.case, task.variant, Verdict::Error(error), context.on);
            return None;
        }
    };
    let mut judgement = judge(task.case, this, context.options.profile, &evidence);
    let mut control = ControlTriple {
        before: "ok".to_owned(),
        twin: "ok".to_owned(),
        after: "ok".to_owned(),
    };
    if let Err(why) = after {
        blame(task.case, &mut judgement, &why, false);
        control.after = format!("broken: {why}");
    }
    let next = context
        .ledger
        .attempt(task.case, task.variant, evidence, judgement, control, context.on);
    (next == Next::Again).then_some(Task {
        attempt: task.attempt + 1,
        ..task
    })
}

/// Judges the cases that only watch, over everything that was recorded.
pub(super) fn watch(context: &mut Context<'_, '_>, cases: Vec<&'static Case>) {
    if cases.is_empty() {
        return;
    }
    // A fresh app was given another registration, or met an authorization server that lies about itself: what it sends
    // there is asked by cases of its own.
    let ours: Vec<Evidence> = {
        let mut all = context.ledger.everything().peekable();
        let client_id = all.peek().map(|first| first.target.client_id.clone());
        // A walk that several cases were judged by is still one walk.
        let mut seen: HashSet<FlowId> = HashSet::new();
        all.filter(|walk| Some(&walk.target.client_id) == client_id.as_ref())
            .filter(|walk| walk.flows.first().is_none_or(|flow| seen.insert(flow.id)))
            .cloned()
            .collect()
    };
    let walks: Vec<&Evidence> = ours.iter().collect();
    for task in context.tasks(&cases) {
        let this = variant(task.case, task.variant);
        let judgement = judge_all(task.case, this, context.options.profile, &walks);
        let triple = ControlTriple {
            before: "ok".to_owned(),
            twin: "not needed".to_owned(),
            after: "ok".to_owned(),
        };
        context
            .ledger
            .judged(task.case, task.variant, judgement, triple, context.on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, variant: usize) -> Task {
        let case = catalog::all().find(|case| case.id == id).unwrap();
        Task {
            case,
            variant,
            attempt: 1,
        }
    }

    fn ids(tasks: Option<Vec<Task>>) -> Vec<&'static str> {
        tasks.unwrap_or_default().iter().map(|task| task.case.id).collect()
    }

    const SLOW: &str = "token-response/slow";
    const QUICK: [&str; 2] = ["callback/state-missing", "callback/state-mismatch"];

    fn queue() -> Queue {
        Queue::new([task(SLOW, 0), task(SLOW, 2), task(QUICK[0], 0), task(QUICK[1], 0)])
    }

    #[test]
    fn those_that_wait_go_beside_those_that_work() {
        let width = Width { jobs: 1, waiting: 1 };
        let mut queue = queue();
        assert_eq!(ids(queue.next(0, 0, width)), [SLOW]);
        assert_eq!(ids(queue.next(0, 1, width)), [QUICK[0]]);
        assert!(queue.next(1, 1, width).is_none(), "both places are taken");
        assert_eq!(ids(queue.next(0, 1, width)), [QUICK[1]]);
        assert_eq!(ids(queue.next(1, 0, width)), [SLOW]);
        assert!(queue.next(0, 0, width).is_none());
    }

    #[test]
    fn where_the_app_does_not_bear_it_those_that_wait_go_last_and_alone() {
        let width = Width { jobs: 1, waiting: 0 };
        let mut queue = queue();
        assert_eq!(ids(queue.next(0, 0, width)), [QUICK[0]]);
        assert!(queue.next(1, 0, width).is_none());
        assert_eq!(ids(queue.next(0, 0, width)), [QUICK[1]]);
        assert!(queue.next(1, 0, width).is_none(), "somebody works still");
        assert_eq!(ids(queue.next(0, 0, width)), [SLOW]);
        assert!(queue.next(0, 1, width).is_none(), "somebody waits already");
        assert_eq!(ids(queue.next(0, 0, width)), [SLOW]);
    }

    #[test]
    fn those_that_walk_alike_walk_together_with_one_seed_but_not_again() {
        const ALIKE: [&str; 2] = ["authorization/state-unique", "authorization/nonce-unique"];
        let width = Width { jobs: 4, waiting: 0 };
        let tasks = [task(ALIKE[0], 0), task(QUICK[0], 0), task(ALIKE[1], 0)];
        assert_eq!(tasks[0].seed(7), tasks[2].seed(7));
        assert_ne!(tasks[0].seed(7), tasks[1].seed(7));
        let mut queue = Queue::new(tasks);
        assert_eq!(ids(queue.next(0, 0, width)), ALIKE);
        assert_eq!(ids(queue.next(1, 0, width)), [QUICK[0]]);
        let again = Task { attempt: 2, ..tasks[0] };
        let mut queue = Queue::new([again, tasks[2]]);
        assert_eq!(ids(queue.next(0, 0, width)), [ALIKE[0]]);
        assert_eq!(ids(queue.next(1, 0, width)), [ALIKE[1]]);
    }
}
