//! The gate: a proxy of the harness through which every request of one browser passes.
//!
//! A WebDriver tells neither redirects nor statuses nor headers. The gate sees them as they are on the wire, in every
//! browser alike, and it is where a walk stops: a navigation that must not be sent yet is *held* (answered with 204, on
//! which a browser stays where it is, RFC 9110 §15.3.5), and what the browser would have sent, cookies included, is
//! known exactly. Nothing but the app and the authorization server can be reached through it. TLS ends here (`tunnel.rs`) and
//! begins again on the way to the server.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use super::{
    passage::{Shared, State},
    proxy::serve,
};
use crate::browser::{
    http::Client,
    rule::{Kind, Owner, Owners, Rule, Seen},
};

/// The proxy of one browser. Dropping it closes every connection.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn open(client: Client, owners: Owners) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::new(client, owners));
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, server })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whose an address is.
    #[must_use]
    pub fn owner(&self, url: &Url) -> Owner {
        (self.shared.owners)(url)
    }

    /// From now on this rule holds; what was seen is forgotten.
    pub fn arm(&self, rule: Rule) {
        let mut state = self.shared.state();
        let in_flight = state.in_flight;
        let epoch = state.epoch + 1;
        *state = State::new(rule);
        state.in_flight = in_flight;
        state.epoch = epoch;
    }

    /// What was seen since the gate was armed, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = self.shared.state().seen.clone();
        seen.sort_by_key(|seen| seen.at);
        seen
    }

    /// How many requests were seen since the gate was armed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.state().seen.len()
    }

    /// Returns when a request was seen since the gate was armed, or after `limit`. Says whether one was.
    pub async fn something(&self, limit: Duration) -> bool {
        self.beyond(0, limit).await
    }

    /// Returns when more than so many requests were seen, or after `limit`. Says whether they were.
    pub async fn beyond(&self, count: usize, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.until(|state| state.seen.len() > count))
            .await
            .is_ok()
    }

    /// Returns when a navigation was seen since the gate was armed, or after `limit`. Says whether one was.
    pub async fn navigation(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.until(|state| state.documents > 0))
            .await
            .is_ok()
    }

    /// Whether the last navigation was answered without a page: it was held, or the answer was empty (204, 205).
    #[must_use]
    pub fn ended_without_page(&self) -> bool {
        let state = self.shared.state();
        let last = state.seen.iter().rfind(|seen| seen.kind == Kind::Document);
        last.is_some_and(Seen::is_pageless)
    }

    /// Whether the last navigation was answered without a page, and those before it led there: the page that was open
    /// when the gate was armed is open still.
    #[must_use]
    pub fn brought_no_page(&self) -> bool {
        let state = self.shared.state();
        let mut navigations = state.seen.iter().rev().filter(|seen| seen.kind == Kind::Document);
        navigations.next().is_some_and(Seen::is_pageless) && navigations.all(Seen::is_redirect)
    }

    /// Returns when nothing is on its way, and nothing has come for this long. Says whether that was so within `limit`.
    pub async fn quiet(&self, pause: Duration, limit: Duration) -> bool {
        let quiet = async {
            loop {
                self.until(|state| state.in_flight == 0).await;
                let last = self.shared.state().last;
                let Some(rest) = pause.checked_sub(last.elapsed()) else {
                    return;
                };
                // The pause is the meaning of "quiet": a script may ask for more as soon as it has an answer.
                tokio::time::sleep(rest).await;
                let state = self.shared.state();
                if state.in_flight == 0 && state.last == last {
                    return;
                }
            }
        };
        tokio::time::timeout(limit, quiet).await.is_ok()
    }

    async fn until(&self, fits: impl Fn(&State) -> bool) {
        loop {
            let news = self.shared.news.notified();
            if fits(&self.shared.state()) {
                return;
            }
            news.await;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}
