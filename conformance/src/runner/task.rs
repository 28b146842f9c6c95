//! What is still to be walked, and in which order.

use std::collections::VecDeque;

use super::seed::seed_of;
use crate::{
    case::{Case, Variant},
    catalog,
    evidence::{Answer, Evidence, Problem},
    script::{Act, IdpAct, Step},
    verdict::Cause,
};

/// One attempt at one variant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) case: &'static Case,
    pub(super) variant: usize,
    pub(super) attempt: u32,
}

/// A variant by the id of its case and its index there.
pub(super) type VariantId = (&'static str, usize);

/// A walk that is over and waits for its control after.
pub(super) struct Walked {
    pub(super) task: Task,
    pub(super) evidence: Evidence,
    /// What the app had printed when the walk began.
    pub(super) mark: u64,
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
pub(super) struct Queue {
    pub(super) working: VecDeque<Task>,
    waiting: VecDeque<Task>,
}

impl Queue {
    pub(super) fn new(tasks: impl IntoIterator<Item = Task>) -> Self {
        let (waiting, working) = tasks.into_iter().partition(|task| task.waits());
        Self { working, waiting }
    }

    pub(super) fn push(&mut self, task: Task) {
        match task.waits() {
            true => self.waiting.push_back(task),
            false => self.working.push_back(task),
        }
    }

    /// The next walk, when so many are in flight: a task, and those that ask other questions of the same walk.
    pub(super) fn next(&mut self, working: usize, waiting: usize, width: Width) -> Option<Vec<Task>> {
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
    pub(super) fn next_task(&mut self, working: usize, waiting: usize, width: Width) -> Option<Task> {
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

    pub(super) fn into_tasks(self) -> impl Iterator<Item = Task> {
        self.working.into_iter().chain(self.waiting)
    }
}

impl Task {
    pub(super) const fn id(self) -> VariantId {
        (self.case.id, self.variant)
    }

    /// What is walked.
    pub(super) fn variant(self) -> &'static Variant {
        &self.case.variants[self.variant]
    }

    /// Whether the walk needs the app to fetch the key set again, so that it must be left alone long enough before.
    pub(super) fn asks_for_keys_again(self) -> bool {
        let changes = |step: &Step| matches!(step.act, Act::Idp(IdpAct::CoolDown | IdpAct::RotateKeys));
        self.variant().script.iter().any(changes)
    }

    /// The next attempt at the same variant.
    pub(super) const fn again(self) -> Self {
        Self {
            attempt: self.attempt + 1,
            ..self
        }
    }

    /// Those that walk alike share it, so that each of them can be replayed alone.
    pub(super) fn seed(self, run: u64) -> u64 {
        let this = self.variant();
        let (id, name) = catalog::all()
            .flat_map(|case| case.variants.iter().map(|variant| (case.id, variant)))
            .find(|(_, variant)| variant.walks_like(this))
            .map_or((self.case.id, this.name), |(id, variant)| (id, variant.name));
        seed_of(run, format!("{id} {name} {}", self.attempt))
    }

    /// Whether one walk serves both. What is asked again is walked anew for each: a first answer was not enough.
    fn walks_like(self, other: Self) -> bool {
        self.attempt == 1 && other.attempt == 1 && self.variant().walks_like(other.variant())
    }

    /// Whether the app waits for seconds in this walk.
    pub(super) fn waits(self) -> bool {
        self.variant().waits()
    }
}

/// The limit on requests that a walk met, where it is not about a flood of them.
pub(super) fn met_limit(task: Task, evidence: &Evidence) -> Option<Cause> {
    let floods = |step: u16| {
        let step = task.variant().script.get(usize::from(step));
        step.is_some_and(|step| matches!(step.act, Act::Flood(_)))
    };
    let hops = evidence.app_hops();
    Cause::limit_in(hops.filter(|hop| hop.status() == Some(429) && !floods(hop.step)))
}

impl Walked {
    /// The limit on requests that this walk met.
    pub(super) fn limit(&self) -> Option<Cause> {
        met_limit(self.task, &self.evidence)
    }

    /// Whether the app gave no answer, so that it is to be looked at before more walks wait for it in vain.
    pub(super) fn met_silence(&self) -> bool {
        let delays = self.task.variant().faults.iter().any(|fault| fault.delays());
        let silent = |answer: &Answer| matches!(answer, Answer::Broken { problem, .. } if matches!(problem, Problem::Timeout | Problem::Refused));
        !delays && self.evidence.app_hops().last().is_some_and(|hop| silent(&hop.response))
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
