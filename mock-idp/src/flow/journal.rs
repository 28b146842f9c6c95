//! The journal: appends records to their flow if it is watched, keeps the latest of all others, tells subscribers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
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

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    unbound: Mutex<VecDeque<Arc<Record>>>,
    subscribers: broadcast::Sender<Arc<Record>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            unbound: Mutex::default(),
            subscribers: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Journal {
    /// Appends what happened at this moment.
    pub(crate) fn append(&self, at: Stamp, flow: Option<&Arc<Flow>>, server: &str, event: Event) {
        let record = Arc::new(Record {
            at,
            flow: flow.map(|flow| flow.id),
            server: server.to_owned(),
            event,
        });
        match flow.filter(|flow| flow.watched) {
            Some(flow) => flow.append(&record, PER_FLOW),
            None => {
                let mut unbound = locked(&self.unbound);
                if unbound.len() == UNBOUND {
                    unbound.pop_front();
                }
                unbound.push_back(record.clone());
            }
        }
        if self.subscribers.receiver_count() > 0 {
            // An error means that the last one has just gone.
            let _ = self.subscribers.send(record);
        }
    }

    /// The records that belong to no watched flow, from this moment on.
    pub(crate) fn unbound(&self, since: Stamp) -> Vec<Record> {
        locked(&self.unbound)
            .iter()
            .filter(|record| record.at >= since)
            .map(|record| Record::clone(record))
            .collect()
    }

    /// The records of an unwatched flow that are still kept.
    pub(crate) fn of_unwatched(&self, flow: FlowId) -> Vec<Record> {
        locked(&self.unbound)
            .iter()
            .filter(|record| record.flow == Some(flow))
            .map(|record| Record::clone(record))
            .collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.subscribers.subscribe()
    }
}
