//! Walks the cases whose faults belong to nobody, on fresh apps with fresh issuers; several apps at a time, because they
//! share nothing. [`Plan`] says which variants share an app, [`batch`](super::batch) walks them, and
//! [`own`](super::own) those that need one of their own.

use std::collections::{HashMap, VecDeque};

use futures_util::{
    StreamExt,
    future::{FutureExt, LocalBoxFuture},
    stream::FuturesUnordered,
};
use mock_idp::flow::fault::Message;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    batch::{Crew, Landed, News},
    context::Context,
    ground::Ground,
    ledger::Next,
    options::Driver,
    own::{Fresh, walk_afresh},
    plan::{Batch, Manner, Plan},
    prepare::{Prepared, prepare},
    task::{Queue, Task, Width},
};
use crate::{
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    run::RunEvent,
    verdict::{self, Afterwards, Control, Controls, Judgement, judge},
};

/// How many fresh apps work at once.
const FRESH_APPS: usize = 3;

/// How many more wait for an answer meanwhile.
const WAITING_APPS: usize = 12;

/// What is in flight on fresh apps.
struct Fleet<'g> {
    ground: Ground<'g>,
    prepared: Prepared,
    width: Width,
    /// What was walked on a shared app and did not come to a pass there.
    aside: HashMap<(&'static str, usize), (Evidence, Judgement, Controls)>,
    tell: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    /// What is still to be walked on an app of its own.
    own: Queue,
}

/// What is over.
enum Done {
    Own(Box<Fresh>),
    Batch { waited: bool },
}

/// What happens next.
enum Turn {
    News(News),
    Done(Done),
}

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
    let prepared = prepare(context, ground, &tasks).await;
    if let Some(why) = prepared.before.refusal() {
        for task in tasks {
            context.inconclusive(task, format!("the control on a fresh app failed: {why}"));
        }
        return;
    }
    let (refused, accepted): (Vec<Task>, Vec<Task>) = tasks
        .into_iter()
        .partition(|task| prepared.twins.of(*task).refusal().is_some());
    for task in refused {
        let why = prepared.twins.of(task).refusal().unwrap_or_default().to_owned();
        context.inconclusive(task, why);
    }
    // One listener presents one certificate: whoever spoils it must be alone.
    let (spoilers, others): (Vec<Task>, Vec<Task>) = accepted.into_iter().partition(|task| spoils_the_listener(*task));
    let mut fleet = Fleet::new(context, ground, prepared);
    fleet.spoil(context, spoilers).await;
    let left = std::mem::replace(&mut fleet.own, Queue::new([]));
    fleet.prepared.ask_about_keys(ground, &others).await;
    if let Some(stage) = fleet.prepared.stage.take() {
        stage.close().await;
    }
    let manner = Manner {
        fetches_at_once: fleet.prepared.fetches_at_once,
        can_rest: context.options.driver == Driver::Http,
    };
    let plan = match context.options.own_apps {
        true => Plan::without_sharing(others),
        false => Plan::of(&others, manner),
    };
    fleet.announce(context, &plan);
    fleet.walk_all(context, plan).await;
    fleet.width = Width { jobs: 1, waiting: 0 };
    fleet
        .walk_all(context, Plan::without_sharing(left.into_tasks().collect()))
        .await;
    if let Some(learnt) = ground.org.cool_down.get() {
        learnt
            .notice()
            .into_iter()
            .for_each(|text| context.ledger.notice(text, context.on));
    }
}

fn spoils_the_listener(task: Task) -> bool {
    let faults = task.variant().faults;
    faults.iter().any(|fault| fault.message() == Message::Tls)
}

/// How many fresh apps at once.
pub(super) fn width(context: &Context<'_, '_>) -> Width {
    if context.config.target.has_fixed_port() {
        // One port holds one app at a time.
        return Width { jobs: 1, waiting: 0 };
    }
    Width {
        jobs: FRESH_APPS.min(context.options.jobs.max(1)),
        waiting: match context.options.driver {
            Driver::Http => WAITING_APPS,
            // Each keeps a browser while it waits.
            Driver::WebDriver { .. } => context.options.jobs.max(1),
        },
    }
}

impl<'g> Fleet<'g> {
    fn new(context: &Context<'_, '_>, ground: Ground<'g>, prepared: Prepared) -> Self {
        let (tell, news) = unbounded_channel();
        Self {
            ground,
            prepared,
            width: width(context),
            aside: HashMap::new(),
            tell,
            news,
            own: Queue::new([]),
        }
    }

    fn crew(&self) -> Crew<'g> {
        Crew {
            ground: self.ground,
            before: self.prepared.before.clone(),
            cool_down: self.prepared.cool_down,
            tell: self.tell.clone(),
        }
    }

    /// Says how often the app will be started, now that this is known, and how long that takes.
    fn announce(&self, context: &mut Context<'_, '_>, plan: &Plan) {
        let starts = &self.ground.org.starts;
        let (so_far, each, more) = (starts.count(), starts.each(), plan.starts());
        let at_once = self.width.jobs.max(1);
        let rest = each * u32::try_from(more.div_ceil(at_once)).unwrap_or(u32::MAX);
        let text = format!(
            "about {} starts of the app ({so_far} so far) of {:.1} s each, {at_once} at a time: {:.0} s of starting",
            so_far + more,
            each.as_secs_f64(),
            rest.as_secs_f64().max(1.0),
        );
        (context.on)(RunEvent::Notice(text));
    }

    /// Walks those that spoil the certificate on the app that told what is known, while no other is there.
    async fn spoil(&mut self, context: &mut Context<'_, '_>, spoilers: Vec<Task>) {
        let Some(mut stage) = self.prepared.stage.take() else {
            spoilers.into_iter().for_each(|task| self.own.push(task));
            return;
        };
        let mut works = Some(self.prepared.before.clone());
        for task in spoilers {
            works = match works {
                Some(before) => {
                    let after = self.crew().walk_group(&mut stage, &[task], &before).await;
                    after.map(Control::Worked)
                }
                None => {
                    self.own.push(task);
                    None
                }
            };
            while let Ok(news) = self.news.try_recv() {
                self.hear(context, news);
            }
        }
        match works {
            Some(_) => self.prepared.stage = Some(stage),
            None => stage.close().await,
        }
    }

    async fn walk_all(&mut self, context: &mut Context<'_, '_>, plan: Plan) {
        let Plan { batches, own } = plan;
        own.into_iter().for_each(|task| self.own.push(task));
        let mut batches = VecDeque::from(batches);
        let (mut working, mut waiting) = (0, 0);
        let mut running: FuturesUnordered<LocalBoxFuture<'g, Done>> = FuturesUnordered::new();
        loop {
            while let Some(batch) = next_batch(&mut batches, working, waiting, self.width) {
                let waited = batch.waits();
                *(if waited { &mut waiting } else { &mut working }) += 1;
                let crew = self.crew();
                running.push(
                    async move {
                        crew.walk(batch).await;
                        Done::Batch { waited }
                    }
                    .boxed_local(),
                );
            }
            while batches.is_empty()
                && let Some(task) = self.own.next_task(working, waiting, self.width)
            {
                context.ledger.started(task.case, context.on);
                *(if task.waits() { &mut waiting } else { &mut working }) += 1;
                let ground = self.ground;
                running.push(async move { Done::Own(Box::new(walk_afresh(ground, task).await)) }.boxed_local());
            }
            if running.is_empty() {
                // What the last batch said may mean more to walk.
                match self.news.try_recv() {
                    Ok(news) => self.hear(context, news),
                    Err(_) => return,
                }
                continue;
            }
            let turn = tokio::select! {
                biased;
                Some(news) = self.news.recv() => Turn::News(news),
                Some(done) = running.next() => Turn::Done(done),
            };
            match turn {
                Turn::News(news) => self.hear(context, news),
                Turn::Done(Done::Batch { waited }) => *(if waited { &mut waiting } else { &mut working }) -= 1,
                Turn::Done(Done::Own(fresh)) => {
                    *(if fresh.task.waits() { &mut waiting } else { &mut working }) -= 1;
                    self.settle_own(context, *fresh);
                }
            }
        }
    }

    fn hear(&mut self, context: &mut Context<'_, '_>, news: News) {
        match news {
            News::Begun(task) => context.ledger.started(task.case, context.on),
            News::Alone(task) => self.own.push(task),
            News::Walked(landed) => self.settle_shared(context, *landed),
        }
    }

    /// On a shared app a pass decides. Whatever else came of it may be the doing of those before.
    fn settle_shared(&mut self, context: &mut Context<'_, '_>, landed: Landed) {
        let Landed {
            task,
            evidence,
            before,
            after,
            is_shared,
        } = landed;
        let controls = Controls {
            before,
            twin: self.prepared.twins.of(task),
            after,
        };
        let judgement = judge(task.case, task.variant(), context.options.profile, &evidence, &controls);
        match judgement.verdict.clone() {
            Verdict::Warn | Verdict::Fail if is_shared => {
                self.aside
                    .insert((task.case.id, task.variant), (evidence, judgement, controls));
                self.own.push(task.again());
            }
            verdict if is_shared && verdict != Verdict::Pass => self.own.push(task),
            Verdict::Inconclusive(_) => self.own.push(task),
            _ => self.enter(context, task, evidence, judgement, &controls),
        }
    }

    fn settle_own(&mut self, context: &mut Context<'_, '_>, fresh: Fresh) {
        let Fresh { task, result } = fresh;
        let (evidence, after) = match result {
            Ok(walked) => walked,
            Err(error) => {
                let verdict = Verdict::Error(error);
                context.ledger.settle(task.case, task.variant, verdict, context.on);
                return;
            }
        };
        if let Afterwards::Failed { cause, .. } = &after {
            context.tell(cause);
        }
        let controls = Controls {
            before: self.prepared.before.clone(),
            twin: self.prepared.twins.of(task),
            after,
        };
        let judgement = judge(task.case, task.variant(), context.options.profile, &evidence, &controls);
        // What the shared app showed counts where an app of its own shows the same.
        if let Some((shared, came, stood_on)) = self.aside.remove(&(task.case.id, task.variant))
            && matches!(
                verdict::agreed(&[&came, &judgement]),
                Some(Verdict::Warn | Verdict::Fail)
            )
        {
            let place = (task.case, task.variant);
            context
                .ledger
                .attempt(place, shared, came, (&stood_on).into(), context.on);
        }
        self.enter(context, task, evidence, judgement, &controls);
    }

    fn enter(
        &mut self,
        context: &mut Context<'_, '_>,
        task: Task,
        evidence: Evidence,
        judgement: Judgement,
        controls: &Controls,
    ) {
        let place = (task.case, task.variant);
        let next = context
            .ledger
            .attempt(place, evidence, judgement, controls.into(), context.on);
        if next == Next::Again {
            self.own.push(task.again());
        }
    }
}

/// The next batch for which there is room.
fn next_batch(batches: &mut VecDeque<Batch>, working: usize, waiting: usize, width: Width) -> Option<Batch> {
    let has_room = |batch: &Batch| match batch.waits() {
        true if width.waiting > 0 => waiting < width.waiting,
        _ => working < width.jobs && (width.waiting > 0 || waiting == 0),
    };
    let index = batches.iter().position(has_room)?;
    batches.remove(index)
}
