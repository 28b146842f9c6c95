//! The journal: appends records to their flow if it is watched, keeps the latest of all others, tells subscribers.
//!
//! What it keeps is bounded in number and in bytes, for both kinds: beyond that the oldest are forgotten.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use foldhash::HashMap;
use tokio::sync::broadcast;

use super::{
    record::{Event, Record, Stamp},
    scenario::FlowId,
    store::{Flow, Recorded, Remote, locked},
};

/// Records of nobody's and of unwatched flows are kept up to this many, all together.
const UNBOUND: usize = 20_000;
/// Records of one flow are kept up to this many; a relying party in a loop must not eat the memory.
const PER_FLOW: usize = 2_000;
/// How far a slow subscriber may fall behind before it loses records.
const BACKLOG: usize = 4_096;
/// So many bytes of records are kept by default, of either kind: many hundred sign-ins that can be looked at.
pub(crate) const RECORD_BYTES: usize = 8 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    unbound: Mutex<Kept>,
    /// Watched flows in the order of their first records.
    watched: Mutex<VecDeque<Weak<Flow>>>,
    /// Bytes of the records of watched flows.
    held: Arc<AtomicUsize>,
    limit: usize,
    forgotten: AtomicBool,
    /// What this process records.
    subscribers: broadcast::Sender<Arc<Record>>,
    /// Where several processes share their records.
    shared: Option<Shared>,
}

/// The records of all processes, as far as they were read.
#[derive(Debug)]
struct Shared {
    remote: Arc<Remote>,
    /// Up to this place in the stream.
    place: Mutex<String>,
    /// Those of flows that were begun; all others are kept where those of one process are.
    watched: Mutex<Watched>,
    subscribers: broadcast::Sender<Arc<Record>>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
}

/// The records of watched flows that several processes share.
#[derive(Debug, Default)]
struct Watched {
    flows: HashMap<FlowId, Vec<Arc<Record>>>,
    /// In the order of their first records.
    order: VecDeque<FlowId>,
    bytes: usize,
}

impl Watched {
    /// Beyond so many bytes the flow that began first is forgotten.
    fn keep(&mut self, id: FlowId, record: Arc<Record>, weight: usize, limit: usize) {
        let records = self.flows.entry(id).or_default();
        if records.is_empty() {
            self.order.push_back(id);
        }
        if records.len() >= PER_FLOW {
            return;
        }
        records.push(record);
        self.bytes += weight;
        while self.bytes > limit && self.order.len() > 1 {
            let oldest = self.order.pop_front().and_then(|oldest| self.flows.remove(&oldest));
            let weight: usize = oldest.iter().flatten().map(|record| record.weight()).sum();
            self.bytes = self.bytes.saturating_sub(weight);
        }
    }
}

/// The records of one watched flow; their bytes are given back when it is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Held {
    records: Vec<Arc<Record>>,
    bytes: usize,
    total: Arc<AtomicUsize>,
}

impl Held {
    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        self.records.clone()
    }

    fn clear(&mut self) {
        self.records = Vec::new();
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Journal {
    /// One that keeps this many bytes of records of watched flows, and as many of all others.
    pub(crate) fn new(limit: usize, remote: Option<&Arc<Remote>>) -> Self {
        Self {
            unbound: Mutex::default(),
            watched: Mutex::default(),
            held: Arc::default(),
            limit,
            forgotten: AtomicBool::new(false),
            subscribers: remote.map_or_else(|| broadcast::Sender::new(BACKLOG), |remote| remote.told.clone()),
            shared: remote.map(|remote| Shared {
                remote: remote.clone(),
                place: Mutex::new("0".to_owned()),
                watched: Mutex::default(),
                subscribers: broadcast::Sender::new(BACKLOG),
            }),
        }
    }

    /// Appends what happened at this moment.
    pub(crate) fn append(&self, at: Stamp, flow: Option<&Arc<Flow>>, server: &str, event: Event) {
        if !self.is_on() {
            return;
        }
        let record = Arc::new(Record {
            at,
            flow: flow.map(|flow| flow.id),
            server: server.to_owned(),
            event,
        });
        if let Some(shared) = &self.shared {
            shared.remote.record(flow.is_some_and(|flow| flow.watched), record);
            return;
        }
        let weight = record.weight();
        match flow.filter(|flow| flow.watched) {
            Some(flow) => self.hold(flow, record.clone(), weight),
            None => self.keep(record.clone(), weight),
        }
        if self.subscribers.receiver_count() > 0 {
            // An error means that the last one has just gone.
            let _ = self.subscribers.send(record);
        }
    }

    fn hold(&self, flow: &Arc<Flow>, record: Arc<Record>, weight: usize) {
        let is_first = {
            let mut held = locked(&flow.records);
            if held.records.len() >= PER_FLOW {
                return;
            }
            let is_first = held.records.is_empty();
            if is_first {
                held.total = self.held.clone();
            }
            held.records.push(record);
            held.bytes += weight;
            self.held.fetch_add(weight, Ordering::Relaxed);
            is_first
        };
        let mut watched = locked(&self.watched);
        if is_first {
            // A flow that is gone would still take its own size here. The room doubles, so that looking costs little.
            if watched.len() == watched.capacity() {
                watched.retain(|flow| flow.strong_count() > 0);
                let living = watched.len();
                watched.reserve(living + 1);
            }
            watched.push_back(Arc::downgrade(flow));
        }
        while self.held.load(Ordering::Relaxed) > self.limit && watched.len() > 1 {
            let Some(oldest) = watched.pop_front() else { break };
            if let Some(oldest) = oldest.upgrade() {
                locked(&oldest.records).clear();
            }
        }
    }

    fn keep(&self, record: Arc<Record>, weight: usize) {
        let mut kept = locked(&self.unbound);
        kept.bytes += weight;
        kept.records.push_back(record);
        while kept.records.len() > UNBOUND || (kept.bytes > self.limit && kept.records.len() > 1) {
            let Some(oldest) = kept.records.pop_front() else {
                break;
            };
            self.forgotten.store(true, Ordering::Relaxed);
            kept.bytes = kept.bytes.saturating_sub(oldest.weight());
        }
    }

    /// Reads what all processes recorded since the last time, where they share it. With a store that is away nothing is read.
    pub(crate) fn catch_up(&self) {
        let Some(shared) = &self.shared else { return };
        let mut place = locked(&shared.place);
        loop {
            let read = shared.remote.unit(|| shared.remote.recorded_after(&place));
            let read = read.unwrap_or_default();
            let Some((last, _)) = read.last() else { return };
            last.clone_into(&mut place);
            for recorded in read.into_iter().flat_map(|(_, recorded)| recorded) {
                let (watched, record) = match recorded {
                    Recorded::Cleared => {
                        self.forget_all();
                        continue;
                    }
                    // Of another version.
                    Recorded::Unreadable => continue,
                    Recorded::Record { watched, record } => (watched, Arc::new(*record)),
                };
                let weight = record.weight();
                match record.flow.filter(|_| watched) {
                    Some(id) => locked(&shared.watched).keep(id, record.clone(), weight, self.limit),
                    None => self.keep(record.clone(), weight),
                }
                // An error means that nobody listens.
                let _ = shared.subscribers.send(record);
            }
        }
    }

    /// Leaves aside what was recorded until now.
    pub(crate) fn skip(&self) {
        if let Some(shared) = &self.shared {
            *locked(&shared.place) = shared.remote.last_place();
        }
    }

    /// Whether somebody waits for what other processes record.
    pub(crate) fn is_followed(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| shared.subscribers.receiver_count() > 0)
    }

    /// The records that belong to no watched flow, from this moment on.
    pub(crate) fn unbound(&self, since: Stamp) -> Vec<Arc<Record>> {
        self.catch_up();
        let unbound = locked(&self.unbound);
        let records = unbound.records.iter().filter(|record| record.at >= since);
        records.cloned().collect()
    }

    /// The records of a flow that are still kept. `held` is the flow, if it can be found by its name.
    pub(crate) fn of(&self, id: FlowId, held: Option<&Arc<Flow>>) -> Vec<Arc<Record>> {
        self.catch_up();
        if let Some(shared) = &self.shared
            && let Some(records) = locked(&shared.watched).flows.get(&id)
        {
            return records.clone();
        }
        if let (None, Some(flow)) = (&self.shared, held.filter(|flow| flow.watched)) {
            return flow.records();
        }
        let unbound = locked(&self.unbound);
        let records = unbound.records.iter().filter(|record| record.flow == Some(id));
        records.cloned().collect()
    }

    /// Every record that is kept, in order of time.
    pub(crate) fn everything(&self) -> Vec<Arc<Record>> {
        self.catch_up();
        let mut records: Vec<Arc<Record>> = locked(&self.unbound).records.iter().cloned().collect();
        if let Some(shared) = &self.shared {
            records.extend(locked(&shared.watched).flows.values().flatten().cloned());
        }
        let watched: Vec<Arc<Flow>> = locked(&self.watched).iter().filter_map(Weak::upgrade).collect();
        records.extend(watched.iter().flat_map(|flow| flow.records()));
        records.sort_by_key(|record| record.at);
        records
    }

    /// Whether older records had to make room since the start or the last [`Journal::clear`].
    pub(crate) fn has_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// Whether anything is recorded at all.
    pub(crate) fn is_on(&self) -> bool {
        self.limit > 0
    }

    /// Forgets what is kept.
    pub(crate) fn clear(&self) {
        if let Some(shared) = &self.shared {
            // With a store that is away, the call that cleared is answered with 503.
            let _ = shared.remote.unit(|| shared.remote.mark_cleared());
        }
        self.forget_all();
    }

    /// Forgets what this process has.
    fn forget_all(&self) {
        if let Some(shared) = &self.shared {
            *locked(&shared.watched) = Watched::default();
        }
        *locked(&self.unbound) = Kept::default();
        self.forgotten.store(false, Ordering::Relaxed);
        for flow in locked(&self.watched).drain(..).filter_map(|flow| flow.upgrade()) {
            locked(&flow.records).clear();
        }
    }

    /// What all processes record from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<Record>> {
        match &self.shared {
            Some(shared) => {
                self.catch_up();
                shared.subscribers.subscribe()
            }
            None => self.subscribe(),
        }
    }

    /// What this process records from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.subscribers.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::{
        Scenario,
        flow::{record::Endpoint, store::Store},
        tenant::Persona,
    };

    #[test]
    fn flows_that_are_gone_take_no_room() {
        let journal = Journal::new(RECORD_BYTES, None);
        let event = |number: usize| Event::Refused {
            endpoint: Endpoint::Token,
            rule: String::new(),
            error: number.to_string(),
            text: String::new(),
        };
        let scenario = Scenario::honest(Persona::default());
        let store = || Store::new(None, Url::parse("http://127.0.0.1:1").unwrap());
        let lasting = store();
        let first = lasting.begin(true, scenario.clone());
        journal.append(Stamp::now(), Some(&first), "default", event(0));
        for number in 1..10_000 {
            let passing = store().begin(true, scenario.clone());
            journal.append(Stamp::now(), Some(&passing), "default", event(number));
        }
        assert!(
            locked(&journal.watched).len() < 100,
            "{}",
            locked(&journal.watched).len()
        );
        assert_eq!(journal.everything().len(), 1, "the flow that lasts is still found");
    }
}
