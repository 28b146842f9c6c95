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

use tokio::sync::broadcast;

use super::{
    record::{Event, Record, Stamp},
    scenario::FlowId,
    store::{Flow, locked},
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
    subscribers: broadcast::Sender<Arc<Record>>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
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
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            unbound: Mutex::default(),
            watched: Mutex::default(),
            held: Arc::default(),
            limit,
            forgotten: AtomicBool::new(false),
            subscribers: broadcast::Sender::new(BACKLOG),
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
        let mut unbound = locked(&self.unbound);
        unbound.bytes += weight;
        unbound.records.push_back(record);
        while unbound.records.len() > UNBOUND || (unbound.bytes > self.limit && unbound.records.len() > 1) {
            let Some(oldest) = unbound.records.pop_front() else {
                break;
            };
            self.forgotten.store(true, Ordering::Relaxed);
            unbound.bytes = unbound.bytes.saturating_sub(oldest.weight());
        }
    }

    /// The records that belong to no watched flow, from this moment on.
    pub(crate) fn unbound(&self, since: Stamp) -> Vec<Arc<Record>> {
        let unbound = locked(&self.unbound);
        let records = unbound.records.iter().filter(|record| record.at >= since);
        records.cloned().collect()
    }

    /// The records of an unwatched flow that are still kept.
    pub(crate) fn of_unwatched(&self, flow: FlowId) -> Vec<Arc<Record>> {
        let unbound = locked(&self.unbound);
        let records = unbound.records.iter().filter(|record| record.flow == Some(flow));
        records.cloned().collect()
    }

    /// Every record that is kept, in order of time.
    pub(crate) fn everything(&self) -> Vec<Arc<Record>> {
        let mut records: Vec<Arc<Record>> = locked(&self.unbound).records.iter().cloned().collect();
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
        *locked(&self.unbound) = Kept::default();
        self.forgotten.store(false, Ordering::Relaxed);
        for flow in locked(&self.watched).drain(..).filter_map(|flow| flow.upgrade()) {
            locked(&flow.records).clear();
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.subscribers.subscribe()
    }
}
