//! Walks several variants on one fresh app. Each has a plain sign-in after it that worked on that very app; whom the app
//! fails there is walked again on an app of its own, and so is everybody whose walk did not come to a pass.

use std::collections::VecDeque;

use mock_idp::{
    Fault,
    flow::record::{Event, Stamp},
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    control,
    cool_down::CoolDown,
    ground::Ground,
    own::restarted,
    plan::{Batch, Start, hides_the_key, needs_new_key, repaired_at},
    seed::seed_of,
    stage::Stage,
    task::{Task, VariantId, met_limit},
};
use crate::{
    evidence::Evidence,
    verdict::{Afterwards, Control, controls},
    walk::{Walk, World, refresh_records, server_faults, walk},
};

/// What happened on a shared app.
pub(super) enum News {
    /// A walk begins.
    Begun(Task),
    /// A walk is over, and the app works.
    Walked(Box<Landed>),
    /// This one needs an app of its own.
    Alone(Task),
}

/// A walk that is over, and the sign-ins before and after it.
pub(super) struct Landed {
    pub(super) task: Task,
    pub(super) evidence: Evidence,
    pub(super) before: Control,
    pub(super) after: Afterwards,
    /// Whether another walk was made on the same process before it, or under other faults beside its own.
    pub(super) is_shared: bool,
    /// Those that did, and those whose faults held as well.
    pub(super) company: Vec<VariantId>,
}

/// What a batch is walked with.
#[derive(Clone)]
pub(super) struct Crew<'c> {
    pub(super) ground: Ground<'c>,
    /// The plain sign-in on a fresh app that worked before all of them.
    pub(super) before: Control,
    pub(super) cool_down: Option<CoolDown>,
    pub(super) tell: UnboundedSender<News>,
}

/// A walk that is over and waits for the sign-in after it.
struct Open {
    task: Task,
    evidence: Evidence,
    is_shared: bool,
    company: Vec<VariantId>,
    /// When its faults ended, where others followed before it was over.
    faults_ended: Option<Stamp>,
}

impl Crew<'_> {
    /// Walks a batch from its first start to the end of its app.
    pub(super) async fn walk(self, batch: Batch) {
        let Batch { starts, later } = batch;
        let mut starts = VecDeque::from(starts);
        let first = starts.front().map(|start| start.faults.clone()).unwrap_or_default();
        let raised = self
            .ground
            .org
            .fresh(self.ground.config, self.ground.options, &first, false)
            .await;
        let Ok(mut stage) = raised else {
            // Why it does not start is said by those who need it.
            let tasks = starts.into_iter().flat_map(|start| start.tasks);
            return tasks
                .chain(later.into_iter().flatten())
                .for_each(|task| self.alone(task));
        };
        if let Some(cool_down) = self.cool_down {
            stage.be_patient(cool_down.time());
        }
        let mut open: Vec<Open> = Vec::new();
        // Who was walked on the process that runs.
        let mut earlier: Vec<VariantId> = Vec::new();
        let mut works = None;
        let mut is_up = true;
        while let Some(start) = starts.pop_front() {
            if !is_up {
                stage.restart_under(&start.faults).await;
            }
            is_up = false;
            let (walked, left) = self.walk_start(&mut stage, &start).await;
            for start in start.without_its_start(left).into_iter().rev() {
                starts.push_front(start);
            }
            earlier = walked.iter().map(|open| open.task.id()).collect();
            open.extend(walked);
            stage.world.idp.behave(&stage.world.server);
            works = match stage.start_problem.take() {
                Some(_) => None,
                None => self.signs_in(&stage, &start).await,
            };
            if let Some(walk) = &works {
                self.land(&stage, open.drain(..), &self.before, walk);
            }
        }
        if works.is_none() && !(open.is_empty() && later.is_empty()) {
            // An app that keeps what it read at its start needs another start.
            works = self.comes_back(&mut stage).await;
            earlier.clear();
            match &works {
                Some(walk) => self.land(&stage, open.drain(..), &self.before, walk),
                None => open.drain(..).for_each(|open| self.alone(open.task)),
            }
        }
        for group in later {
            works = match works {
                None => {
                    group.into_iter().for_each(|task| self.alone(task));
                    None
                }
                Some(before) => {
                    let before = Control::Worked(before);
                    match self.walk_group(&mut stage, &group, &before, &mut earlier).await {
                        Some(after) => Some(after),
                        None => {
                            earlier.clear();
                            self.comes_back(&mut stage).await
                        }
                    }
                }
            };
        }
        stage.close().await;
    }

    /// Walks what belongs to one start of the app, each up to the repair, and then each to its end. What needs a start of its
    /// own is given back.
    async fn walk_start(&self, stage: &mut Stage, start: &Start) -> (Vec<Open>, Vec<Task>) {
        if stage.start_problem.is_some() {
            // What that means the checks decide, for those whose faults alone did it.
            let (these, left) = start.tasks.iter().partition(|task| start.is_for(**task));
            let these: Vec<Task> = these;
            let mut open = Vec::new();
            for task in these {
                self.begun(task);
                let world = stage.world_since(stage.started(), task.variant().faults);
                let mut evidence = walk(&world, &[], task.variant().faults, self.seed(task)).await;
                evidence.start_problem.clone_from(&stage.start_problem);
                open.push(Open {
                    task,
                    evidence,
                    is_shared: false,
                    company: Vec::new(),
                    faults_ended: None,
                });
            }
            return (open, left);
        }
        let since = stage.started();
        let worlds: Vec<World> = start
            .tasks
            .iter()
            .map(|task| stage.world_since(since, task.variant().faults))
            .collect();
        let (idp, server) = (stage.world.idp.clone(), stage.world.server.clone());
        let mut resting = Vec::new();
        let mut left = Vec::new();
        for (task, world) in start.tasks.iter().copied().zip(&worlds) {
            // One that is by itself is walked all the same: another start would end like this one.
            if stage.died() && start.tasks.len() > 1 {
                left.push(task);
                continue;
            }
            self.begun(task);
            let this = task.variant();
            let mark = if resting.is_empty() { 0 } else { stage.printed() };
            let holds = start.holds_for(task);
            match holds {
                true => idp.misbehave(&server, &start.faults),
                false => idp.misbehave(&server, &server_faults(this.faults)),
            }
            let mut walk = Walk::begin(world, this.script, this.faults, self.seed(task)).await;
            if !holds {
                walk.count_from_now();
            }
            walk.go_on(repaired_at(this.script).unwrap_or(this.script.len())).await;
            resting.push((task, walk, mark, Stamp::now()));
        }
        let mut open = Vec::new();
        for (task, mut walk, mark, faults_ended) in resting {
            walk.go_on(task.variant().script.len()).await;
            let mut evidence = walk.finish().await;
            note_output(&mut evidence, stage, mark);
            open.push(Open {
                task,
                evidence,
                is_shared: start.tasks.len() > 1 || !start.is_for(task),
                company: start.company_of(task),
                faults_ended: (start.tasks.len() > 1).then_some(faults_ended),
            });
        }
        (open, left)
    }

    /// Walks those of one key set on an app that works: it gets a new key, so that it asks for the key set; the faults come
    /// and go. `earlier` tells who was walked on this process before, and then these as well. The sign-in that then worked;
    /// `None` when none did, and these are to be walked again.
    pub(super) async fn walk_group(
        &self,
        stage: &mut Stage,
        group: &[Task],
        before: &Control,
        earlier: &mut Vec<VariantId>,
    ) -> Option<String> {
        let (idp, server) = (stage.world.idp.clone(), stage.world.server.clone());
        let mut open = Vec::new();
        let began = Stamp::now();
        let first = group.first()?;
        if needs_new_key(group) {
            idp.rotate_keys(&server);
            idp.misbehave(&server, &server_faults(first.variant().faults));
        }
        if group.iter().any(|task| hides_the_key(*task)) {
            // The app learns the new key set from a token that names its key. What comes of that the walk shows.
            let seed = seed_of(self.seed(*first), "introduction");
            let _ = control::works(&stage.world, seed).await;
        }
        for task in group.iter().copied() {
            self.begun(task);
            let this = task.variant();
            let since = match server_faults(this.faults).is_empty() {
                true => Stamp::now(),
                false => began,
            };
            let mark = stage.printed();
            let world = stage.world_since(since, this.faults);
            let mut evidence = walk(&world, this.script, this.faults, self.seed(task)).await;
            note_output(&mut evidence, stage, mark);
            open.push(Open {
                task,
                evidence,
                is_shared: true,
                company: earlier.clone(),
                faults_ended: None,
            });
            earlier.push(task.id());
        }
        idp.behave(&server);
        let seed = seed_of(self.seed(*first), "after");
        let (control, outcome) = control::works(&stage.world, seed).await;
        match outcome {
            Ok(()) => {
                let walk = controls::walked(&control);
                self.land(stage, open.drain(..), before, &walk);
                Some(walk)
            }
            Err(_) => {
                open.into_iter().for_each(|open| self.alone(open.task));
                None
            }
        }
    }

    async fn signs_in(&self, stage: &Stage, start: &Start) -> Option<String> {
        let names: Vec<&str> = start.tasks.iter().map(|task| task.case.id).collect();
        let seed = seed_of(self.ground.options.seed, format!("after {}", names.join(" ")));
        let (control, outcome) = control::works(&stage.world, seed).await;
        outcome.ok().map(|()| controls::walked(&control))
    }

    async fn comes_back(&self, stage: &mut Stage) -> Option<String> {
        stage.world.idp.behave(&stage.world.server);
        restarted(stage, seed_of(self.ground.options.seed, "shared app"))
            .await
            .ok()
    }

    /// Hands over what the sign-in after it serves.
    fn land(&self, stage: &Stage, open: impl Iterator<Item = Open>, before: &Control, after: &str) {
        for Open {
            task,
            mut evidence,
            is_shared,
            company,
            faults_ended,
        } in open
        {
            if met_limit(task, &evidence).is_some() {
                self.alone(task);
                continue;
            }
            refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
            if let Some(ended) = faults_ended {
                // What was sent to those that came later is no proof for this one.
                let later = |event: &Event| matches!(event, Event::Sent { fault, .. } if is_server_wide(*fault));
                evidence
                    .records
                    .retain(|record| record.at <= ended || !later(&record.event));
            }
            let landed = Landed {
                task,
                evidence,
                before: before.clone(),
                after: Afterwards::Worked(after.to_owned()),
                is_shared,
                company,
            };
            self.say(News::Walked(Box::new(landed)));
        }
    }

    fn seed(&self, task: Task) -> u64 {
        task.seed(self.ground.options.seed)
    }

    fn begun(&self, task: Task) {
        self.say(News::Begun(task));
    }

    fn alone(&self, task: Task) {
        self.say(News::Alone(task));
    }

    fn say(&self, news: News) {
        // The run listens as long as a batch is walked.
        let _ = self.tell.send(news);
    }
}

fn is_server_wide(fault: Fault) -> bool {
    !server_faults(&[fault]).is_empty()
}

fn note_output(evidence: &mut Evidence, stage: &Stage, mark: u64) {
    evidence.app_output = stage.output_since(mark);
    evidence.app_lines = stage.lines_since(mark);
}
