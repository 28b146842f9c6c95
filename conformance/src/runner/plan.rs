//! Which variants share a fresh app. Pure: it looks at faults and scripts, and starts nothing.
//!
//! What may share: variants under the same faults; *failures*, from which an app keeps nothing, one after the other before
//! the repair; faults of the key set one after the other, each with a new signing key, where an app fetches the keys at
//! once for a key that it does not have; and discovery documents that every app must accept, all in one document. What
//! does not come to a pass there is walked again on an app of its own, so that sharing decides nothing but passes.

use mock_idp::{
    Fault,
    flow::fault::{JwksFault, Message, MetadataFault},
};

use super::task::{Task, VariantId};
use crate::{
    case::Lane,
    script::{Act, IdpAct, SIGN_IN, Step},
    walk::{begins_misbehaviour, server_faults, wants_odd_client},
};

/// How many new keys an app is asked to fetch: libraries that limit such fetches let some through at once.
const NEW_KEYS_PER_APP: usize = 5;

/// How many, where findings are looked at once more: what an app limits must not be found twice.
const NEW_KEYS_AGAIN: usize = 2;

/// Several variants on one app, which is started as often as there are [`Start`]s.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// One after the other; the last one leaves the app that `later` is walked on.
    pub(super) starts: Vec<Start>,
    /// On the app that works with an honest authorization server. Those of one group share a key set.
    pub(super) later: Vec<Vec<Task>>,
}

/// What is walked on one process.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// Server-wide faults that hold from the start of the process.
    pub(super) faults: Vec<Fault>,
    pub(super) tasks: Vec<Task>,
}

/// Who walks where.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) batches: Vec<Batch>,
    /// Each on an app of its own.
    pub(super) own: Vec<Task>,
}

/// What is known about the app that the plan is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether it fetches the key set at once for a key that it does not have.
    pub(super) fetches_at_once: bool,
    /// Whether walks can rest between two steps: browsers are too dear to be kept open for that.
    pub(super) can_rest: bool,
}

/// How a variant's faults reach the app.
enum Way {
    /// It needs an app of its own.
    Own,
    /// Later: an honest app with keys, on which faults come and go.
    Later,
    /// From the start, with those under the same faults.
    Same,
    /// From the start, among the failures of the discovery document, or of the key set.
    FailingDocument,
    FailingKeys,
    /// From the start, in one document with others that every app must accept.
    Acceptable,
    /// From the start and alone, because the app lets the harness wait, or because it must not have any keys.
    Lone,
}

impl Plan {
    /// Shares as much as the faults allow.
    pub(super) fn of(tasks: &[Task], manner: Manner) -> Self {
        let mut plan = Self::default();
        let (mut documents, mut lone, mut later) = (Vec::<Start>::new(), Vec::new(), Vec::new());
        let (mut bad_documents, mut bad_keys, mut acceptable) = (Vec::new(), Vec::new(), Vec::new());
        for task in tasks.iter().copied() {
            match way(task, manner) {
                Way::Own => plan.own.push(task),
                Way::Later => later.push(task),
                Way::Same => share(&mut documents, task),
                Way::FailingDocument => bad_documents.push(task),
                Way::FailingKeys => bad_keys.push(task),
                Way::Acceptable => acceptable.push(task),
                Way::Lone => lone.push(task),
            }
        }
        let (waiting, crowded): (Vec<Task>, Vec<Task>) = lone.into_iter().partition(|task| waits_long(*task));
        // After these the app works with an honest server, or should: they come last in their batches.
        let anchors = [bad_documents, bad_keys, acceptable].into_iter().filter_map(Start::of);
        let crowded = crowded.into_iter().filter_map(|task| Start::of(vec![task]));
        // A crowd that waits for slow keys leaves the machine to the others.
        let anchors: Vec<Start> = crowded.chain(anchors).collect();
        plan.batches = anchors.into_iter().map(Batch::ending_with).collect();
        plan.find_room(later);
        plan.spread(documents);
        let waiting = waiting.into_iter().filter_map(|task| Start::of(vec![task]));
        // Whoever waits longest begins first.
        plan.batches.splice(0..0, waiting.map(Batch::ending_with));
        plan
    }

    /// What shared apps found, in the order in which it came, looked at once more in the other order: whoever came before one
    /// of them does not come before it again. What would be with the same others again has an app of its own.
    pub(super) fn again(found: &[Task], manner: Manner) -> Self {
        let mut plan = Self::default();
        let (mut documents, mut later) = (Vec::new(), Vec::new());
        for task in found.iter().rev().copied() {
            match way(task, manner) {
                Way::Later if !repeats(task) => later.push(task),
                Way::Same => share(&mut documents, task),
                _ => plan.own.push(task),
            }
        }
        for group in grouped(later) {
            let keys = |batch: &Batch| batch.later.iter().map(|group| new_keys(group)).sum::<usize>();
            let room = |batch: &&mut Batch| keys(batch) + new_keys(&group) <= NEW_KEYS_AGAIN;
            match plan.batches.last_mut().filter(room) {
                Some(batch) => batch.later.push(group),
                None => plan.batches.push(Batch {
                    later: vec![group],
                    ..Batch::ending_with(Start::default())
                }),
            }
        }
        plan.spread(documents);
        plan
    }

    /// Each on an app of its own.
    pub(super) fn without_sharing(tasks: Vec<Task>) -> Self {
        Self {
            batches: Vec::new(),
            own: tasks,
        }
    }

    /// How often the app is started, as far as can be foreseen: an app that keeps a bad document is started once more.
    pub(super) fn starts(&self) -> usize {
        self.batches.iter().map(|batch| batch.starts.len()).sum::<usize>() + self.own.len()
    }

    /// Puts these before the last starts of the batches, which leave the apps for what is walked later.
    fn spread(&mut self, documents: Vec<Start>) {
        if self.batches.is_empty() && !documents.is_empty() {
            self.batches.push(Batch::default());
        }
        let count = self.batches.len();
        for (index, document) in documents.into_iter().enumerate() {
            self.batches[index % count].starts.insert(0, document);
        }
    }

    /// Spreads what is walked later over the apps that work then, and adds apps where they are too few.
    fn find_room(&mut self, later: Vec<Task>) {
        let groups = grouped(later);
        let wanted: usize = groups.iter().map(|group| new_keys(group)).sum();
        while self.batches.len() * NEW_KEYS_PER_APP < wanted || (self.batches.is_empty() && !groups.is_empty()) {
            self.batches.push(Batch::ending_with(Start::default()));
        }
        let count = self.batches.len();
        // Those without new keys last, so that the others are spread evenly.
        let (keys, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| new_keys(group) > 0);
        for (index, group) in keys.into_iter().chain(others).enumerate() {
            self.batches[index % count].later.push(group);
        }
        for batch in &mut self.batches {
            // A hundred unknown keys use up an app's patience.
            batch.later.sort_by_key(|group| group.iter().any(|task| repeats(*task)));
        }
    }
}

impl Batch {
    fn ending_with(start: Start) -> Self {
        Self {
            starts: vec![start],
            later: Vec::new(),
        }
    }

    /// Whether the app waits in it for an answer that does not come.
    pub(super) fn waits(&self) -> bool {
        self.starts
            .iter()
            .flat_map(|start| &start.tasks)
            .any(|task| waits_long(*task))
    }
}

impl Start {
    /// These tasks under the faults of all of them, where they go together, or else of the first.
    pub(super) fn of(tasks: Vec<Task>) -> Option<Self> {
        let first = *tasks.first()?;
        let mut faults = server_faults(first.variant().faults);
        if is_acceptable(first) {
            for fault in tasks.iter().flat_map(|task| server_faults(task.variant().faults)) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        Some(Self { faults, tasks })
    }

    /// Where the app did not start for those, or ended before them: in halves while nobody could be walked, so that one
    /// document that an app does not take costs the others little; and else one by one.
    pub(super) fn without_its_start(&self, left: Vec<Task>) -> Vec<Self> {
        let nobody = left.len() == self.tasks.len() && left.len() > 1;
        let size = if nobody { left.len().div_ceil(2) } else { 1 };
        left.chunks(size).filter_map(|part| Self::of(part.to_vec())).collect()
    }

    /// Which others of this start may show in the walk of a task: those before it; where its faults are not all that holds,
    /// or the walk rests until the faults of all are over, everybody.
    pub(super) fn company_of(&self, task: Task) -> Vec<VariantId> {
        let rests = repaired_at(task.variant().script).is_some();
        let others = self.tasks.iter().map(|other| other.id());
        match rests || !self.is_for(task) {
            true => others.filter(|other| *other != task.id()).collect(),
            false => others.take_while(|other| *other != task.id()).collect(),
        }
    }

    /// Whether the faults of a task hold from the start of the process.
    pub(super) fn holds_for(&self, task: Task) -> bool {
        let faults = server_faults(task.variant().faults);
        faults.iter().all(|fault| self.faults.contains(fault))
    }

    /// Whether they are all that holds.
    pub(super) fn is_for(&self, task: Task) -> bool {
        server_faults(task.variant().faults) == self.faults
    }
}

fn way(task: Task, manner: Manner) -> Way {
    let this = task.variant();
    let faults = server_faults(this.faults);
    let about = |message| faults.iter().any(|fault| fault.message() == message);
    if wants_odd_client(this.script) || begins_misbehaviour(this.script) {
        return Way::Own;
    }
    // Each must wait until the app asks for keys again: beside one another, and not one after the other.
    if !manner.fetches_at_once && (task.asks_for_keys_again() || hides_the_key(task)) {
        return Way::Own;
    }
    if faults.is_empty() {
        return Way::Later;
    }
    if faults.iter().any(|fault| fault.delays()) {
        return Way::Lone;
    }
    let repairs = repaired_at(this.script).is_some();
    let fails = faults.iter().all(|fault| leaves_nothing(*fault));
    match (about(Message::Metadata), fails) {
        (true, true) if manner.can_rest => Way::FailingDocument,
        (false, true) if repairs && manner.can_rest => Way::FailingKeys,
        (_, true) if repairs => Way::Lone,
        _ if is_acceptable(task) => Way::Acceptable,
        // Whatever else the lane `Restart` has is about what a process reads first.
        (false, false) if manner.fetches_at_once && task.case.lane == Lane::Server => Way::Later,
        _ => Way::Same,
    }
}

/// Whether an app that met this fault has nothing that it could keep.
const fn leaves_nothing(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Metadata(
            MetadataFault::Status503
                | MetadataFault::Status500
                | MetadataFault::Html
                | MetadataFault::Truncated
                | MetadataFault::Array
        ) | Fault::Jwks(JwksFault::Status404 | JwksFault::Status500 | JwksFault::Html | JwksFault::NoKeys)
    )
}

/// Whether every app must or should accept its discovery document, and nothing else is wrong. Values that nobody knows keep
/// whole families of libraries from starting: they have a start of their own.
fn is_acceptable(task: Task) -> bool {
    let is_document = |fault: &Fault| {
        fault.message() == Message::Metadata && *fault != Fault::Metadata(MetadataFault::UnknownAlgorithms)
    };
    task.case.positive && task.variant().faults.iter().all(is_document)
}

/// Where a script repairs the authorization server.
pub(super) fn repaired_at(script: &[Step]) -> Option<usize> {
    script.iter().position(|step| step.act == Act::Idp(IdpAct::Behave))
}

/// Whether the app would not ask for the right keys by itself: the token of its only sign-in does not name the new one.
pub(super) fn hides_the_key(task: Task) -> bool {
    let this = task.variant();
    this.script == SIGN_IN && this.faults.iter().any(|fault| fault.message() == Message::IdToken)
}

fn waits_long(task: Task) -> bool {
    let faults = server_faults(task.variant().faults);
    let in_a_crowd = task
        .variant()
        .script
        .iter()
        .any(|step| matches!(step.act, Act::Crowd(_)));
    !in_a_crowd && faults.iter().any(|fault| fault.delays())
}

fn repeats(task: Task) -> bool {
    task.variant()
        .script
        .iter()
        .any(|step| matches!(step.act, Act::Repeat(..)))
}

/// Whether the app is to fetch a key set of a new key before this group is walked.
pub(super) fn needs_new_key(group: &[Task]) -> bool {
    let about_keys = |fault: &Fault| fault.message() == Message::Jwks;
    group
        .iter()
        .any(|task| hides_the_key(*task) || task.variant().faults.iter().any(about_keys))
}

/// How many new keys the app is to fetch for this group.
fn new_keys(group: &[Task]) -> usize {
    let unknown = group.iter().any(|task| task.asks_for_keys_again());
    usize::from(needs_new_key(group)) + usize::from(unknown)
}

/// Those of the same key set together; those without, or that change the keys themselves, each on its own.
fn grouped(tasks: Vec<Task>) -> Vec<Vec<Task>> {
    let mut groups: Vec<Vec<Task>> = Vec::new();
    for task in tasks {
        let faults = server_faults(task.variant().faults);
        let alike = |group: &&mut Vec<Task>| {
            let first = group.first().map(|first| server_faults(first.variant().faults));
            !faults.is_empty() && first.as_ref() == Some(&faults)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(task),
            None => groups.push(vec![task]),
        }
    }
    groups
}

/// Puts a task to those that start under the same faults.
fn share(starts: &mut Vec<Start>, task: Task) {
    match starts.iter_mut().find(|start| start.is_for(task)) {
        Some(start) => start.tasks.push(task),
        None => starts.extend(Start::of(vec![task])),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::catalog;

    /// Of an app with which everything can be shared.
    const OBLIGING: Manner = Manner {
        fetches_at_once: true,
        can_rest: true,
    };

    fn fresh_cases() -> Vec<Task> {
        let fresh = catalog::all().filter(|case| matches!(case.lane, Lane::Server | Lane::Restart));
        let of_case = |case: &'static crate::case::Case| {
            (0..case.variants.len()).map(move |variant| Task {
                case,
                variant,
                attempt: 1,
            })
        };
        fresh.flat_map(of_case).collect()
    }

    fn planned(plan: &Plan) -> Vec<String> {
        let starts = plan.batches.iter().flat_map(|batch| &batch.starts);
        let first = starts.flat_map(|start| &start.tasks);
        let later = plan.batches.iter().flat_map(|batch| batch.later.iter().flatten());
        let all = first.chain(later).chain(&plan.own);
        let mut names: Vec<String> = all
            .map(|task| format!("{} {}", task.case.id, task.variant().name))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_planned_twice() {
        let tasks = fresh_cases();
        let wanted = planned(&Plan::without_sharing(tasks.clone()));
        for fetches_at_once in [true, false] {
            for can_rest in [true, false] {
                let plan = Plan::of(
                    &tasks,
                    Manner {
                        fetches_at_once,
                        can_rest,
                    },
                );
                assert_eq!(planned(&plan), wanted, "{fetches_at_once} {can_rest}");
            }
        }
    }

    #[test]
    fn the_whole_catalogue_needs_few_starts() {
        let tasks = fresh_cases();
        let bad_certificates = |task: &&Task| begins_misbehaviour(task.variant().script);
        let on_the_first_app = tasks.iter().filter(bad_certificates).count();
        let plan = Plan::of(&tasks, OBLIGING);
        // Beside the main app and the one of the controls.
        let starts = plan.starts() - on_the_first_app;
        assert!(starts <= 23, "{starts}: {plan:#?}");
        for batch in plan.batches.iter().filter(|batch| !batch.later.is_empty()) {
            let wanted: usize = batch.later.iter().map(|group| new_keys(group)).sum();
            assert!(wanted <= NEW_KEYS_PER_APP, "{batch:#?}");
        }
    }

    /// With whom each variant is, as the batches are walked.
    fn company(plan: &Plan) -> HashMap<VariantId, Vec<VariantId>> {
        let mut company = HashMap::new();
        for batch in &plan.batches {
            for start in &batch.starts {
                let with = start.tasks.iter().map(|task| (task.id(), start.company_of(*task)));
                company.extend(with);
            }
            let last = batch.starts.last().into_iter().flat_map(|start| &start.tasks);
            let mut earlier: Vec<VariantId> = last.map(|task| task.id()).collect();
            for task in batch.later.iter().flatten() {
                company.insert(task.id(), earlier.clone());
                earlier.push(task.id());
            }
        }
        company
    }

    #[test]
    fn what_is_looked_at_again_is_not_in_the_same_company() {
        let first = Plan::of(&fresh_cases(), OBLIGING);
        let starts = first.batches.iter().flat_map(|batch| {
            let of_starts = batch.starts.iter().flat_map(|start| &start.tasks);
            of_starts.chain(batch.later.iter().flatten())
        });
        let found: Vec<Task> = starts.copied().collect();
        let again = Plan::again(&found, OBLIGING);
        let (before, after) = (company(&first), company(&again));
        assert!(after.len() > 20, "{again:#?}");
        for (id, others) in &after {
            let same: Vec<&VariantId> = others.iter().filter(|other| before[id].contains(other)).collect();
            assert!(same.is_empty(), "{id:?} is with {same:?} again");
        }
        for batch in &again.batches {
            let wanted: usize = batch.later.iter().map(|group| new_keys(group)).sum();
            assert!(wanted <= NEW_KEYS_AGAIN, "{batch:#?}");
        }
    }

    #[test]
    fn a_document_that_an_app_does_not_take_costs_the_others_little() {
        let tasks: Vec<Task> = fresh_cases().into_iter().filter(|task| is_acceptable(*task)).collect();
        let start = Start::of(tasks.clone()).unwrap();
        let sizes = |left: Vec<Task>| -> Vec<usize> {
            let starts = start.without_its_start(left);
            starts.iter().map(|start| start.tasks.len()).collect()
        };
        assert_eq!(sizes(tasks.clone()), [tasks.len().div_ceil(2), tasks.len() / 2]);
        assert_eq!(
            sizes(tasks[1..].to_vec()),
            vec![1; tasks.len() - 1],
            "one of them was walked"
        );
        assert_eq!(sizes(Vec::new()), [0; 0]);
        assert!(start.tasks.iter().all(|task| start.holds_for(*task)));
        let all = fresh_cases();
        let other = all.iter().find(|task| task.case.id == "discovery/issuer-mismatch");
        assert!(!start.holds_for(*other.unwrap()));
    }

    #[test]
    fn where_keys_are_fetched_late_nobody_waits_for_another() {
        let manner = Manner {
            fetches_at_once: false,
            can_rest: true,
        };
        let plan = Plan::of(&fresh_cases(), manner);
        let shared = plan.batches.iter().flat_map(|batch| &batch.starts);
        assert!(
            shared
                .flat_map(|start| &start.tasks)
                .all(|task| !task.asks_for_keys_again())
        );
    }

    #[test]
    fn documents_that_differ_never_share_a_start() {
        let plan = Plan::of(&fresh_cases(), OBLIGING);
        let starts = plan.batches.iter().flat_map(|batch| &batch.starts);
        for start in starts.filter(|start| start.tasks.len() > 1) {
            let alike = start.tasks.iter().all(|task| start.is_for(*task));
            let accepted = start.tasks.iter().all(|task| is_acceptable(*task));
            let failing = start.tasks.iter().flat_map(|task| server_faults(task.variant().faults));
            assert!(
                alike || accepted || failing.into_iter().all(leaves_nothing),
                "{start:#?}"
            );
        }
    }
}
