//! Walks the cases whose faults belong to nobody, on fresh apps with fresh issuers; several apps at a time, because they
//! share nothing. [`Plan`] says which variants share an app, [`batch`](super::batch) walks them, and
//! [`own`](super::own) those that need one of their own.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{FutureExt, LocalBoxFuture},
    stream::FuturesUnordered,
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

use super::{
    batch::{Crew, Landed, News},
    context::Context,
    ground::Ground,
    ledger::Next,
    options::Driver,
    own::{Fresh, at_work, walk_afresh},
    plan::{Batch, Manner, Plan},
    prepare::{Prepared, is_certificate, prepare},
    seed::seed_of,
    stage::{Stage, starts_in_turn},
    task::{Queue, Task, VariantId, Width},
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

/// After so many walks in a row for which no other fresh app worked, the fresh apps are given up.
const ENOUGH_IN_VAIN: usize = 2;

/// Starts that take less together are not announced.
const WORTH_A_LINE: Duration = Duration::from_secs(3);

/// What is in flight on fresh apps.
pub(super) struct Fleet<'g> {
    ground: Ground<'g>,
    prepared: Prepared,
    room: watch::Receiver<Width>,
    /// What was walked on a shared app and did not come to a pass there.
    aside: HashMap<VariantId, Aside>,
    /// Those of them that are to be looked at once more on other shared apps, when all batches are over.
    found: Vec<Task>,
    tell: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    /// What is still to be walked on an app of its own.
    own: Queue,
    /// How many walks in a row found that nobody can sign in on another fresh app either.
    in_vain: usize,
    /// Those that change the certificate of the authorization server, which everybody on its listener meets.
    spoilers: Vec<Task>,
}

/// A finding on a shared app, which counts when it is seen again where it stood alone, or in other company.
struct Aside {
    seen: Seen,
    company: Vec<VariantId>,
}

/// A walk and what it came to.
struct Seen {
    evidence: Evidence,
    judgement: Judgement,
    controls: Controls,
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
    /// There is more room, or less.
    Room,
}

fn spoils_the_listener(task: Task) -> bool {
    task.variant().faults.iter().any(|fault| is_certificate(*fault))
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
    /// Finds out what the cases that need fresh apps stand on; `None` when nothing is to be walked. `room` is how many apps
    /// there may be at once: it may change while they are walked.
    pub(super) async fn assemble(
        context: &Context<'g, '_>,
        cases: &[&'static Case],
        room: watch::Receiver<Width>,
    ) -> Option<(Self, Vec<Task>)> {
        let tasks = context.tasks(cases);
        if tasks.is_empty() {
            return None;
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
            return None;
        }
        let (spoilers, others) = tasks.into_iter().partition(|task| spoils_the_listener(*task));
        let (tell, news) = unbounded_channel();
        let mut fleet = Self {
            ground,
            prepared,
            room,
            aside: HashMap::new(),
            found: Vec::new(),
            tell,
            news,
            own: Queue::new([]),
            in_vain: 0,
            spoilers,
        };
        let others = fleet.accepted(context, others);
        fleet.prepared.ask_about_keys(ground, &others).await;
        Some((fleet, others))
    }

    /// The app that told what is known. It works, or it waits before it fetches keys again.
    pub(super) fn take_stage(&mut self) -> Option<Stage> {
        self.prepared.stage.take()
    }

    /// Walks each variant on a fresh app with a fresh issuer.
    pub(super) async fn walk(&mut self, context: &Context<'_, '_>, tasks: Vec<Task>) {
        let plan = match context.options.own_apps {
            true => Plan::without_sharing(tasks),
            false => Plan::of(&tasks, self.manner()),
        };
        self.announce(context, &plan);
        self.walk_all(context, plan).await;
        if let Some(learnt) = self.ground.org.cool_down.get() {
            learnt.notice().into_iter().for_each(|text| context.notice(text));
        }
    }

    /// Walks those that change the certificate: when nobody else asks this authorization server for anything, on an app that
    /// runs already where it works.
    pub(super) async fn walk_spoilers(mut self, context: &Context<'_, '_>, stage: Option<Stage>) {
        if self.spoilers.is_empty() {
            if let Some(stage) = stage {
                stage.close().await;
            }
            return;
        }
        let mut stage = match stage {
            Some(stage) => self.at_work(stage).await,
            None => None,
        };
        let spoilers = std::mem::take(&mut self.spoilers);
        self.prepared
            .try_certificates(self.ground, stage.as_ref(), &spoilers)
            .await;
        let mut works = Some(self.prepared.before.clone());
        let mut earlier = Vec::new();
        for task in self.accepted(context, spoilers) {
            let Some((stage, before)) = stage.as_mut().zip(works.take()) else {
                self.own.push(task);
                continue;
            };
            let after = self.crew().walk_group(stage, &[task], &before, &mut earlier).await;
            works = after.map(Control::Worked);
            while let Ok(news) = self.news.try_recv() {
                self.hear(context, news);
            }
        }
        if let Some(stage) = stage {
            stage.close().await;
        }
        let (_alone, room) = watch::channel(Width { jobs: 1, waiting: 0 });
        self.room = room;
        self.walk_all(context, Plan::default()).await;
    }

    /// Those whose hooks do no harm; the others get their verdict.
    fn accepted(&self, context: &Context<'_, '_>, tasks: Vec<Task>) -> Vec<Task> {
        let mut accepted = tasks;
        accepted.retain(|task| match self.prepared.twins.of(*task).refusal() {
            Some(why) => {
                context.inconclusive(*task, why.to_owned());
                false
            }
            None => true,
        });
        accepted
    }

    /// An app that signs people in, as it is or started anew. One that does not is ended.
    async fn at_work(&self, mut stage: Stage) -> Option<Stage> {
        let seed = seed_of(self.ground.options.seed, "before certificates");
        if at_work(&mut stage, seed).await.is_err() {
            stage.close().await;
            return None;
        }
        Some(stage)
    }

    fn manner(&self) -> Manner {
        Manner {
            fetches_at_once: self.prepared.fetches_at_once,
            can_rest: self.ground.options.driver == Driver::Http,
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
    fn announce(&self, context: &Context<'_, '_>, plan: &Plan) {
        let starts = &self.ground.org.starts;
        let (so_far, each, more) = (starts.count(), starts.each(), plan.starts());
        // Fewer while the main app is walked beside them, which is the shorter part.
        let at_once = match starts_in_turn(context.config, context.options) {
            true => 1,
            false => width(context).jobs.max(1),
        };
        let rest = each * u32::try_from(more.div_ceil(at_once)).unwrap_or(u32::MAX);
        if rest < WORTH_A_LINE {
            return;
        }
        let text = format!(
            "about {} starts of the app ({so_far} so far) of {:.1} s each, {at_once} at a time: {:.0} s of starting",
            so_far + more,
            each.as_secs_f64(),
            rest.as_secs_f64(),
        );
        context.say(RunEvent::Notice(text));
    }

    async fn walk_all(&mut self, context: &Context<'_, '_>, plan: Plan) {
        let Plan { batches, own } = plan;
        let mut room = self.room.clone();
        own.into_iter().for_each(|task| self.own.push(task));
        let mut batches = VecDeque::from(batches);
        let (mut working, mut waiting) = (0, 0);
        // Batches that may find something which is looked at once more.
        let mut searching = 0;
        let mut running: FuturesUnordered<LocalBoxFuture<'g, Done>> = FuturesUnordered::new();
        loop {
            let width = *room.borrow_and_update();
            if batches.is_empty() && searching == 0 && !self.found.is_empty() {
                let again = Plan::again(&std::mem::take(&mut self.found), self.manner());
                batches.extend(again.batches);
                again.own.into_iter().for_each(|task| self.own.push(task));
            }
            while let Some(batch) = next_batch(&mut batches, working, waiting, width) {
                let waited = batch.waits();
                *(if waited { &mut waiting } else { &mut working }) += 1;
                searching += usize::from(!waited);
                let crew = self.crew();
                running.push(
                    async move {
                        crew.walk(batch).await;
                        Done::Batch { waited }
                    }
                    .boxed_local(),
                );
            }
            // Batches come first where there is work; an app that lets us wait takes nobody's place.
            let beside = match batches.is_empty() {
                true => width,
                false => Width { jobs: 0, ..width },
            };
            while let Some(task) = self.own.next_task(working, waiting, beside) {
                if self.in_vain >= ENOUGH_IN_VAIN {
                    context.inconclusive(
                        task,
                        "not walked: nobody can sign in on a fresh app any more".to_owned(),
                    );
                    continue;
                }
                context.started(task.case);
                *(if task.waits() { &mut waiting } else { &mut working }) += 1;
                let ground = self.ground;
                running.push(async move { Done::Own(Box::new(walk_afresh(ground, task).await)) }.boxed_local());
            }
            if running.is_empty() {
                // What the last batch said may mean more to walk.
                match self.news.try_recv() {
                    Ok(news) => self.hear(context, news),
                    Err(_) if self.found.is_empty() => return,
                    Err(_) => {}
                }
                continue;
            }
            let turn = tokio::select! {
                biased;
                Some(news) = self.news.recv() => Turn::News(news),
                Some(done) = running.next() => Turn::Done(done),
                // Where nobody changes it any more, this is none of the turns.
                Ok(()) = room.changed() => Turn::Room,
            };
            match turn {
                Turn::Room => {}
                Turn::News(news) => self.hear(context, news),
                Turn::Done(Done::Batch { waited }) => {
                    *(if waited { &mut waiting } else { &mut working }) -= 1;
                    searching -= usize::from(!waited);
                }
                Turn::Done(Done::Own(fresh)) => {
                    *(if fresh.task.waits() { &mut waiting } else { &mut working }) -= 1;
                    self.settle_own(context, *fresh);
                }
            }
        }
    }

    fn hear(&mut self, context: &Context<'_, '_>, news: News) {
        match news {
            News::Begun(task) => context.started(task.case),
            News::Alone(task) => self.own.push(task),
            News::Walked(landed) => self.settle_shared(context, *landed),
        }
    }

    /// On a shared app a pass decides. Whatever else came of it may be the doing of those before, unless it comes again when
    /// none of them was there.
    fn settle_shared(&mut self, context: &Context<'_, '_>, landed: Landed) {
        let Landed {
            task,
            evidence,
            before,
            after,
            is_shared,
            company,
        } = landed;
        let controls = Controls {
            before,
            twin: self.prepared.twins.of(task),
            after,
        };
        let judgement = judge(task.case, task.variant(), context.options.profile, &evidence, &controls);
        let seen = Seen {
            evidence,
            judgement,
            controls,
        };
        match seen.judgement.verdict.clone() {
            Verdict::Warn | Verdict::Fail if is_shared => match self.aside.get(&task.id()) {
                Some(first) if first.company.iter().all(|other| !company.contains(other)) => {
                    self.enter_agreed(context, task, seen);
                }
                Some(_) => self.own.push(task.again()),
                None => {
                    self.aside.insert(task.id(), Aside { seen, company });
                    match spoils_the_listener(task) {
                        true => self.own.push(task.again()),
                        false => self.found.push(task.again()),
                    }
                }
            },
            verdict if is_shared && verdict != Verdict::Pass => self.own.push(task),
            // An app that did not start was as much on its own as it would be the next time.
            Verdict::Inconclusive(_) if seen.evidence.start_problem.is_none() => self.own.push(task),
            _ => self.enter(context, task, seen),
        }
    }

    fn settle_own(&mut self, context: &Context<'_, '_>, fresh: Fresh) {
        let Fresh {
            task,
            result,
            elsewhere,
        } = fresh;
        match &elsewhere {
            None => self.in_vain = 0,
            Some(why) => {
                self.in_vain += 1;
                if self.in_vain == ENOUGH_IN_VAIN {
                    context.notice(format!(
                        "the walks on fresh apps end here: a plain sign-in on a fresh app fails now: {why}"
                    ));
                }
            }
        }
        let (evidence, after) = match result {
            Ok(walked) => walked,
            Err(error) => {
                let verdict = Verdict::Error(error);
                context.decide(task.case, task.variant, verdict);
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
        let seen = Seen {
            evidence,
            judgement,
            controls,
        };
        self.enter_agreed(context, task, seen);
    }

    /// What a shared app showed first counts where this shows the same.
    fn enter_agreed(&mut self, context: &Context<'_, '_>, task: Task, seen: Seen) {
        if let Some(Aside { seen: first, .. }) = self.aside.remove(&task.id())
            && matches!(
                verdict::agreed(&[&first.judgement, &seen.judgement]),
                Some(Verdict::Warn | Verdict::Fail)
            )
        {
            context.attempt(task, first.evidence, first.judgement, &first.controls);
        }
        self.enter(context, task, seen);
    }

    fn enter(&mut self, context: &Context<'_, '_>, task: Task, seen: Seen) {
        let next = context.attempt(task, seen.evidence, seen.judgement, &seen.controls);
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
