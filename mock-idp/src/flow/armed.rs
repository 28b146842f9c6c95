//! Faults armed for flows to come, and people who are to be signed in without the page.
//!
//! An armed fault is *given* to a flow as soon as user, client and endpoint fit, and travels with it from then on, like the
//! faults of a scenario. `times` counts the flows that it is given to; it has *fired* when a changed message was written.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    arming::Arming,
    fault::Fault,
    record::Endpoint,
    scenario::FlowId,
    store::{Flow, locked},
};

/// So many are kept; those that are over make room.
const MOST: usize = 1_000;
/// So many flows of one are named.
const MOST_FLOWS: usize = 100;

/// Whom an armed fault is for; what is `None` fits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct When {
    /// The login, ignoring case.
    pub(crate) user: Option<String>,
    pub(crate) client: Option<String>,
    /// Given at the first request to this endpoint.
    pub(crate) endpoint: Option<Endpoint>,
}

/// A fault that waits for its flows.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) number: u64,
    pub(crate) fault: Fault,
    pub(crate) when: When,
    /// For faults that reach a whole authorization server.
    pub(crate) server: String,
    pub(crate) times: Option<u32>,
    pub(crate) ttl: Option<Duration>,
    since: Instant,
    given: Mutex<Given>,
}

/// To whom it was given, and how often it fired.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) count: u32,
    pub(crate) fired: u64,
    /// The first of them.
    pub(crate) flows: Vec<FlowId>,
}

impl Armed {
    pub(crate) fn given(&self) -> Given {
        locked(&self.given).clone()
    }

    /// Whether its time is not over.
    pub(crate) fn is_in_time(&self) -> bool {
        self.ttl.is_none_or(|ttl| self.since.elapsed() < ttl)
    }

    /// Whether it still waits for flows.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_in_time() && self.times.is_none_or(|times| locked(&self.given).count < times)
    }

    fn fits(&self, user: Option<&str>, client: Option<&str>, endpoint: Endpoint) -> bool {
        let is_user = |wanted: &String| user.is_some_and(|user| user.eq_ignore_ascii_case(wanted));
        self.when.user.as_ref().is_none_or(is_user)
            && self.when.client.as_deref().is_none_or(|wanted| client == Some(wanted))
            && self.when.endpoint.is_none_or(|wanted| wanted == endpoint)
    }

    /// Takes one of its times; `false` if none is left.
    fn give(&self, flow: FlowId) -> bool {
        let mut given = locked(&self.given);
        if !self.is_in_time() || self.times.is_some_and(|times| given.count >= times) {
            return false;
        }
        given.count = given.count.saturating_add(1);
        if given.flows.len() < MOST_FLOWS {
            given.flows.push(flow);
        }
        true
    }

    pub(crate) fn fire(&self, flow: Option<FlowId>) {
        let mut given = locked(&self.given);
        given.fired += 1;
        if let Some(flow) = flow
            && given.flows.len() < MOST_FLOWS
            && !given.flows.contains(&flow)
        {
            given.flows.push(flow);
        }
    }
}

/// All that is armed.
#[derive(Debug, Default)]
pub(crate) struct Arms {
    next: AtomicU64,
    /// So that nobody waits for the lock while nothing is armed.
    count: AtomicUsize,
    list: Mutex<Vec<Arc<Armed>>>,
}

impl Arms {
    /// Arms a fault; `None` if a thousand are waiting.
    pub(crate) fn arm(&self, arming: Arming) -> Option<Arc<Armed>> {
        let mut list = locked(&self.list);
        if list.len() >= MOST {
            let over = list.iter().position(|armed| !armed.is_waiting())?;
            list.remove(over);
        }
        let armed = Arc::new(Armed {
            number: self.next.fetch_add(1, Ordering::Relaxed) + 1,
            fault: arming.fault,
            when: When {
                user: arming.user,
                client: arming.client,
                endpoint: arming.endpoint,
            },
            server: arming.server,
            times: arming.times,
            ttl: arming.ttl,
            since: Instant::now(),
            given: Mutex::default(),
        });
        list.push(armed.clone());
        self.count.store(list.len(), Ordering::Release);
        Some(armed)
    }

    pub(crate) fn list(&self) -> Vec<Arc<Armed>> {
        locked(&self.list).clone()
    }

    pub(crate) fn remove(&self, number: u64) -> Option<Arc<Armed>> {
        let mut list = locked(&self.list);
        let at = list.iter().position(|armed| armed.number == number)?;
        let armed = list.remove(at);
        self.count.store(list.len(), Ordering::Release);
        Some(armed)
    }

    pub(crate) fn clear(&self) -> Vec<Arc<Armed>> {
        let mut list = locked(&self.list);
        self.count.store(0, Ordering::Release);
        std::mem::take(&mut *list)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Gives the flow what is armed for it. Whoever signs in as `user` gets what is armed for `client`, at this endpoint.
    pub(crate) fn give(&self, flow: &Arc<Flow>, user: Option<&str>, client: Option<&str>, endpoint: Endpoint) {
        if self.is_empty() {
            return;
        }
        let list = self.list();
        let mut own = locked(&flow.armed);
        for armed in list {
            let has = own.iter().any(|known| known.number == armed.number);
            let is_of_flows = armed.fault.reach() == super::fault::Reach::Flow;
            if is_of_flows && !has && armed.fits(user, client, endpoint) && armed.give(flow.id) {
                own.push(armed);
            }
        }
    }

    /// A message was changed by this fault: counted where it was armed.
    pub(crate) fn fired(&self, fault: Fault, flow: Option<&Arc<Flow>>, server: &str) {
        if self.is_empty() {
            return;
        }
        match flow {
            Some(flow) => {
                let own = locked(&flow.armed);
                for armed in own.iter().filter(|armed| armed.fault == fault) {
                    armed.fire(Some(flow.id));
                }
            }
            None => {
                let list = self.list();
                let here = |armed: &&Arc<Armed>| armed.fault == fault && armed.server == server;
                for armed in list.iter().filter(here) {
                    armed.fire(None);
                }
            }
        }
    }
}

/// Somebody who is signed in as soon as the page would be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextLogin {
    pub(crate) login: String,
    pub(crate) client: Option<String>,
    pub(crate) once: bool,
}

/// Who signs in next without a click.
#[derive(Debug, Default)]
pub(crate) struct NextLogins(Mutex<Vec<NextLogin>>);

impl NextLogins {
    /// Of two that wait for the same client the later one counts.
    pub(crate) fn add(&self, next: NextLogin) {
        let mut list = locked(&self.0);
        if !next.once {
            list.retain(|other| other.once || other.client != next.client);
        }
        if list.len() < MOST {
            list.push(next);
        }
    }

    /// Who signs in to this client now; whoever waits once is used up, before those who stay.
    pub(crate) fn take(&self, client: &str) -> Option<String> {
        let mut list = locked(&self.0);
        let fits = |next: &NextLogin| next.client.as_deref().is_none_or(|wanted| wanted == client);
        if let Some(at) = list.iter().position(|next| next.once && fits(next)) {
            return Some(list.remove(at).login);
        }
        list.iter().find(|next| fits(next)).map(|next| next.login.clone())
    }

    pub(crate) fn list(&self) -> Vec<NextLogin> {
        locked(&self.0).clone()
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}
