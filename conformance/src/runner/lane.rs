//! Walks cases and settles their verdicts: side by side, alone, or each on a fresh app with a fresh issuer.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    panic::AssertUnwindSafe,
};

use futures_util::FutureExt;

use mock_idp::Fault;
use tokio::task::JoinSet;

use super::{
    Driver, Listener, Options,
    control::{self, Known, Twins},
    ledger::{Ledger, Next, variant},
    stage::{Org, Stage},
};
use crate::{
    case::Case,
    evidence::Evidence,
    judge::{Judgement, judge, judge_all},
    outcome::{Level, Outcome, Verdict},
    run::{CheckResult, Control, ControlTriple},
    target::Config,
    walk::{begins_misbehaviour, beyond_browsers, refresh_records, server_faults, walk, wants_odd_client},
};

/// A control after serves at most so many walks per worker: more would make the wait for verdicts long.
const WALKS_PER_CONTROL: usize = 8;

/// How many fresh apps run at once.
const FRESH_APPS: usize = 3;

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
            && let Some(reason) = beyond_browsers(this.script)
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
        seed_of(
            self.options.seed,
            (task.case.id, variant(task.case, task.variant).name, task.attempt),
        )
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

/// Walks cases against one running app, `jobs` at a time.
pub(super) async fn side_by_side(
    context: &mut Context<'_, '_>,
    stage: &mut Stage,
    cases: Vec<&'static Case>,
    jobs: usize,
) {
    let mut queue = context.tasks(&cases);
    let mut waiting: Vec<Walked> = Vec::new();
    let mut running: JoinSet<Result<Walked, Task>> = JoinSet::new();
    let mut controls = 0_u64;
    loop {
        while running.len() < jobs && waiting.len() + running.len() < jobs * WALKS_PER_CONTROL {
            let Some(task) = queue.pop_front() else { break };
            context.ledger.started(task.case, context.on);
            spawn(&mut running, context, stage, task);
        }
        match running.join_next().await {
            Some(Ok(Ok(walked))) => waiting.push(walked),
            Some(Ok(Err(task))) => context.settle_bug(task),
            Some(Err(error)) => context
                .ledger
                .notice(format!("a walk was cancelled: {error}"), context.on),
            None if waiting.is_empty() => return,
            None => {}
        }
        if !running.is_empty() || waiting.is_empty() {
            continue;
        }
        // Nothing is in flight: this sign-in starts after the last hop of everything that waits.
        controls += 1;
        let (evidence, outcome) =
            control::sign_in(&stage.world, seed_of(context.options.seed, ("control", controls))).await;
        context.ledger.watched.push(evidence);
        match outcome {
            Ok(()) => {
                for walked in std::mem::take(&mut waiting) {
                    queue.extend(context.settle(stage, walked, None));
                }
            }
            Err(why) => {
                let suspects: Vec<Task> = std::mem::take(&mut waiting)
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

fn spawn(running: &mut JoinSet<Result<Walked, Task>>, context: &Context<'_, '_>, stage: &Stage, task: Task) {
    let world = stage.world.clone();
    let seed = context.seed(task);
    let mark = stage.printed();
    let this = variant(task.case, task.variant);
    running.spawn(async move {
        // A bug in a walk must cost one case, not the run.
        let walked = AssertUnwindSafe(walk(&world, this.script, this.faults, seed))
            .catch_unwind()
            .await;
        walked.map(|evidence| Walked { task, evidence, mark }).map_err(|_| task)
    });
}

/// After a broken control: mends the app, then walks the suspects alone, each with a control of its own.
/// Says whether the app still works.
async fn one_by_one(
    context: &mut Context<'_, '_>,
    stage: &mut Stage,
    suspects: Vec<Task>,
    why: &str,
    queue: &mut VecDeque<Task>,
) -> bool {
    let count = suspects.len();
    context.ledger.notice(
        format!("a plain sign-in failed after {count} walks ({why}): walking them again one by one"),
        context.on,
    );
    if !mend(context, stage).await {
        for task in suspects {
            queue.push_back(task);
        }
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
            queue.extend(context.settle(stage, walked, None));
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
        queue.extend(again);
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
fn give_up(context: &mut Context<'_, '_>, queue: VecDeque<Task>, why: &str) {
    for task in queue {
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

/// What a fresh app left behind.
struct Fresh {
    task: Task,
    result: Result<(Evidence, Result<(), String>), String>,
}

/// Walks each variant on a fresh app with a fresh issuer; several at a time, because they share nothing.
pub(super) async fn afresh(context: &mut Context<'_, '_>, cases: Vec<&'static Case>) {
    let mut queue = context.tasks(&cases);
    if queue.is_empty() {
        return;
    }
    let began = std::time::Instant::now();
    let honest = fresh_control(context).await;
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
    let width = FRESH_APPS.min(context.options.jobs.max(1));
    while !queue.is_empty() {
        let batch: Vec<Task> = queue.drain(..queue.len().min(width)).collect();
        for task in &batch {
            context.ledger.started(task.case, context.on);
        }
        let walks = batch.iter().map(|task| walk_afresh(context, *task));
        for fresh in futures_util::future::join_all(walks).await {
            queue.extend(settle_fresh(context, fresh));
        }
    }
}

async fn fresh_control(context: &Context<'_, '_>) -> Result<(), String> {
    let stage = context.org.fresh(context.config, context.options, &[], false).await?;
    let (_, outcome) = control::sign_in(&stage.world, seed_of(context.options.seed, "fresh control")).await;
    stage.close().await;
    outcome
}

async fn walk_afresh(context: &Context<'_, '_>, task: Task) -> Fresh {
    let this = variant(task.case, task.variant);
    let from_start: Vec<Fault> = if begins_misbehaviour(this.script) {
        Vec::new()
    } else {
        server_faults(this.faults)
    };
    let odd = wants_odd_client(this.script);
    let stage = context
        .org
        .fresh(context.config, context.options, &from_start, odd)
        .await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            return Fresh {
                task,
                result: Err(error),
            };
        }
    };
    let seed = context.seed(task);
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
    let (_, mut after) = control::sign_in(&stage.world, after_seed).await;
    if after.is_err() && stage.restart().await.is_ok() {
        // An app that keeps what it read at its start is mended by a restart; only one that stays broken is blamed.
        after = control::sign_in(&stage.world, seed_of(after_seed, "restarted")).await.1;
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
        all.filter(|walk| Some(&walk.target.client_id) == client_id.as_ref())
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
