//! Faults armed for flows to come, and people who are to be signed in without the page.
//!
//! An armed fault is *given* to a flow as soon as user, client and endpoint fit, and travels with it from then on, like the
//! faults of a scenario. `times` counts the flows that it is given to; it has *fired* when a changed message was written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    arming::Arming,
    fault::{Fault, Reach},
    record::{Endpoint, Stamp},
    scenario::FlowId,
    store::{Flow, Remote, Table, locked},
};

/// So many are kept; those that are over make room.
const MOST: usize = 1_000;
/// So many flows of one are named.
const MOST_FLOWS: usize = 100;
/// Shared lists are kept so long after their last change, seconds.
const KEPT: u64 = 30 * 24 * 3_600;
/// The name of the only entry of a table.
const ALL: &str = "all";

/// Whom an armed fault is for; what is `None` fits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct When {
    /// The login, ignoring case.
    pub(crate) user: Option<String>,
    pub(crate) client: Option<String>,
    /// Given at the first request to this endpoint.
    pub(crate) endpoint: Option<Endpoint>,
}

/// A fault that waits for its flows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Armed {
    pub(crate) number: u64,
    pub(crate) fault: Fault,
    pub(crate) when: When,
    /// For faults that reach a whole authorization server.
    pub(crate) server: String,
    pub(crate) times: Option<u32>,
    pub(crate) ttl: Option<Duration>,
    since: Stamp,
    pub(crate) given: Given,
}

/// To whom it was given, and how often it fired.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) count: u32,
    pub(crate) fired: u64,
    /// The first of them.
    pub(crate) flows: Vec<FlowId>,
}

impl Armed {
    /// Whether its time is not over.
    pub(crate) fn is_in_time(&self) -> bool {
        let passed = Duration::from_micros(Stamp::now().0.saturating_sub(self.since.0));
        self.ttl.is_none_or(|ttl| passed < ttl)
    }

    /// Whether it still waits for flows.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_in_time() && self.times.is_none_or(|times| self.given.count < times)
    }

    fn fits(&self, user: Option<&str>, client: Option<&str>, endpoint: Endpoint) -> bool {
        let is_user = |wanted: &String| user.is_some_and(|user| user.eq_ignore_ascii_case(wanted));
        self.when.user.as_ref().is_none_or(is_user)
            && self.when.client.as_deref().is_none_or(|wanted| client == Some(wanted))
            && self.when.endpoint.is_none_or(|wanted| wanted == endpoint)
    }

    /// Takes one of its times.
    fn give(&mut self, flow: FlowId) {
        self.given.count = self.given.count.saturating_add(1);
        if self.given.flows.len() < MOST_FLOWS {
            self.given.flows.push(flow);
        }
    }

    fn fire(&mut self, flow: Option<FlowId>) {
        self.given.fired += 1;
        if let Some(flow) = flow
            && self.given.flows.len() < MOST_FLOWS
            && !self.given.flows.contains(&flow)
        {
            self.given.flows.push(flow);
        }
    }
}

/// What is armed, in the order of arming.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    last: u64,
    list: Vec<Armed>,
}

/// All that is armed.
#[derive(Debug)]
pub(crate) struct Arms {
    /// In memory, so that nobody waits for the lock while nothing is armed.
    count: Option<AtomicUsize>,
    table: Table<String, Waiting>,
}

impl Arms {
    pub(crate) fn new(remote: Option<&Arc<Remote>>) -> Self {
        Self {
            count: remote.is_none().then(AtomicUsize::default),
            table: Table::new(remote, "arms", KEPT),
        }
    }

    fn alter<R>(&self, mut change: impl FnMut(&mut Waiting) -> R) -> R {
        self.table.alter(ALL.to_owned(), |slot| {
            let waiting = slot.get_or_insert_default();
            let result = change(waiting);
            if let Some(count) = &self.count {
                count.store(waiting.list.len(), Ordering::Release);
            }
            result
        })
    }

    /// Arms a fault; `None` if a thousand are waiting.
    pub(crate) fn arm(&self, arming: &Arming) -> Option<Armed> {
        self.alter(|waiting| {
            if waiting.list.len() >= MOST {
                let over = waiting.list.iter().position(|armed| !armed.is_waiting())?;
                waiting.list.remove(over);
            }
            waiting.last += 1;
            let armed = Armed {
                number: waiting.last,
                fault: arming.fault,
                when: When {
                    user: arming.user.clone(),
                    client: arming.client.clone(),
                    endpoint: arming.endpoint,
                },
                server: arming.server.clone(),
                times: arming.times,
                ttl: arming.ttl,
                since: Stamp::now(),
                given: Given::default(),
            };
            waiting.list.push(armed.clone());
            Some(armed)
        })
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        let list = self.table.read(ALL, |waiting| waiting.list.clone());
        list.unwrap_or_default()
    }

    pub(crate) fn remove(&self, number: u64) -> Option<Armed> {
        self.alter(|waiting| {
            let at = waiting.list.iter().position(|armed| armed.number == number)?;
            Some(waiting.list.remove(at))
        })
    }

    pub(crate) fn clear(&self) -> Vec<Armed> {
        self.alter(|waiting| std::mem::take(&mut waiting.list))
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.count {
            Some(count) => count.load(Ordering::Acquire) == 0,
            None => self.table.read(ALL, |waiting| waiting.list.is_empty()).unwrap_or(true),
        }
    }

    /// Gives the flow what is armed for it. Whoever signs in as `user` gets what is armed for `client`, at this endpoint.
    pub(crate) fn give(&self, flow: &Arc<Flow>, user: Option<&str>, client: Option<&str>, endpoint: Endpoint) {
        if self.is_empty() {
            return;
        }
        let mut own = locked(&flow.armed);
        let is_for_it = |armed: &Armed| {
            armed.fault.reach() == Reach::Flow
                && armed.is_waiting()
                && !own.iter().any(|(number, _)| *number == armed.number)
                && armed.fits(user, client, endpoint)
        };
        if self.table.read(ALL, |waiting| waiting.list.iter().any(is_for_it)) != Some(true) {
            return;
        }
        let given = self.alter(|waiting| {
            let mut given = Vec::new();
            for armed in waiting.list.iter_mut().filter(|armed| is_for_it(armed)) {
                armed.give(flow.id);
                given.push((armed.number, armed.fault));
            }
            given
        });
        own.extend(given);
    }

    /// A message was changed by this fault: counted where it was armed.
    pub(crate) fn fired(&self, fault: Fault, flow: Option<&Arc<Flow>>, server: &str) {
        if self.is_empty() {
            return;
        }
        let own = flow.map(|flow| locked(&flow.armed).clone());
        let is_meant = |armed: &Armed| match &own {
            Some(own) => armed.fault == fault && own.iter().any(|(number, _)| *number == armed.number),
            None => armed.fault == fault && armed.server == server,
        };
        self.alter(|waiting| {
            for armed in waiting.list.iter_mut().filter(|armed| is_meant(armed)) {
                armed.fire(flow.map(|flow| flow.id));
            }
        });
    }
}

/// Somebody who is signed in as soon as the page would be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NextLogin {
    pub(crate) login: String,
    pub(crate) client: Option<String>,
    pub(crate) once: bool,
}

/// Who signs in next without a click.
#[derive(Debug)]
pub(crate) struct NextLogins(Table<String, Vec<NextLogin>>);

impl NextLogins {
    pub(crate) fn new(remote: Option<&Arc<Remote>>) -> Self {
        Self(Table::new(remote, "next-logins", KEPT))
    }

    /// Of two that wait for the same client the later one counts.
    pub(crate) fn add(&self, next: &NextLogin) {
        self.0.alter(ALL.to_owned(), |list| {
            let list = list.get_or_insert_default();
            if !next.once {
                list.retain(|other| other.once || other.client != next.client);
            }
            if list.len() < MOST {
                list.push(next.clone());
            }
        });
    }

    /// Who signs in to this client now; whoever waits once is used up, before those who stay.
    pub(crate) fn take(&self, client: &str) -> Option<String> {
        let fits = |next: &NextLogin| next.client.as_deref().is_none_or(|wanted| wanted == client);
        if self.0.read(ALL, |list| list.iter().any(fits)) != Some(true) {
            return None;
        }
        self.0.alter(ALL.to_owned(), |list| {
            let list = list.as_mut()?;
            if let Some(at) = list.iter().position(|next| next.once && fits(next)) {
                return Some(list.remove(at).login);
            }
            list.iter().find(|next| fits(next)).map(|next| next.login.clone())
        })
    }

    pub(crate) fn list(&self) -> Vec<NextLogin> {
        self.0.get(ALL).unwrap_or_default()
    }

    pub(crate) fn clear(&self) {
        self.0.take(ALL);
    }
}
