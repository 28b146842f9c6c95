//! What passes a gate: which requests are held, and what is remembered of each.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use mock_idp::flow::record::Stamp;
use tokio::sync::Notify;

use crate::{
    browser::{
        http::{Client, Outgoing},
        rule::{Kind, Owner, Owners, Rule, Seen},
    },
    evidence::{Answer, Problem},
};

/// More documents than any one step of a sign-in needs; what goes on after them is a loop.
const DOCUMENT_LIMIT: usize = 30;

/// What the gate and its connections both know.
pub(super) struct Shared {
    pub client: Client,
    pub owners: Owners,
    state: Mutex<State>,
    pub news: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What was seen since the gate was armed.
#[derive(Debug)]
pub(super) struct State {
    rule: Rule,
    pub seen: Vec<Seen>,
    pub documents: usize,
    pub in_flight: usize,
    pub last: Instant,
    /// Counts how often the gate was armed: an answer that comes late belongs to what was forgotten.
    pub epoch: u64,
}

impl State {
    pub(super) fn new(rule: Rule) -> Self {
        Self {
            rule,
            seen: Vec::new(),
            documents: 0,
            in_flight: 0,
            last: Instant::now(),
            epoch: 0,
        }
    }
}

impl Shared {
    pub(super) fn new(client: Client, owners: Owners) -> Self {
        Self {
            client,
            owners,
            state: Mutex::new(State::new(Rule::default())),
            news: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a request. Says under which number, or that it is held.
    pub(super) fn enter(&self, kind: Kind, owner: Owner, request: &mut Outgoing) -> Passage {
        let mut state = self.state();
        state.last = Instant::now();
        let navigates = kind == Kind::Document;
        let held = owner == Owner::Other || navigates && state.rule.hold.stops(owner, state.documents);
        let endless = navigates && state.documents >= DOCUMENT_LIMIT;
        state.documents += usize::from(navigates);
        if state.rule.bare_first && navigates && state.documents == 1 {
            replace_cookies(request, &[]);
        } else if let (Some(cookies), Owner::App) = (&state.rule.cookies, owner) {
            replace_cookies(request, cookies);
        }
        let answer = if endless {
            Answer::Broken {
                problem: Problem::Loop,
                text: format!("more than {DOCUMENT_LIMIT} pages in a row"),
            }
        } else if held {
            Answer::NotSent {
                why: "held at this point of the walk".to_owned(),
            }
        } else {
            Answer::Broken {
                problem: Problem::Closed,
                text: "the browser did not wait for the answer".to_owned(),
            }
        };
        let now = Stamp::now();
        state.seen.push(Seen {
            at: now,
            done: now,
            kind,
            owner,
            request: request.clone(),
            answer,
        });
        let passage = if held || endless {
            Passage::Held
        } else {
            state.in_flight += 1;
            Passage::Number(state.epoch, state.seen.len() - 1)
        };
        drop(state);
        self.news.notify_waiters();
        passage
    }
}

/// How a request goes on.
pub(super) enum Passage {
    Held,
    Number(u64, usize),
}

/// A request on its way; counted until it is dropped, also when the browser goes away meanwhile.
pub(super) struct OnItsWay<'s>(pub &'s Shared);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.last = Instant::now();
        drop(state);
        self.0.news.notify_waiters();
    }
}

fn replace_cookies(request: &mut Outgoing, cookies: &[(String, Vec<u8>)]) {
    request.headers.retain(|(name, _)| name != "cookie");
    if !cookies.is_empty() {
        let pairs: Vec<Vec<u8>> = cookies
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
            .collect();
        request.headers.push(("cookie".to_owned(), pairs.join(&b"; "[..])));
    }
}
