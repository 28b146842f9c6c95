//! Grants that wait for somebody: a device, a push, a second factor. Who polls too fast is told to slow down.

pub(crate) use crate::flow::waiting::{Approval, Kind, Outcome, Pending};
use crate::{exchange::Exchange, okta::error::OAuthError, protocol::random};

/// Seconds between two polls.
pub(crate) const INTERVAL: i64 = 5;

/// The errors of one kind.
pub(crate) struct Words {
    pub(crate) pending: OAuthError,
    pub(crate) slow_down: OAuthError,
    pub(crate) expired: OAuthError,
    pub(crate) unknown: OAuthError,
    pub(crate) denied: OAuthError,
}

/// Starts waiting; the secret text under which it is asked for.
pub(crate) fn open(exchange: &Exchange, text: String, pending: Pending) -> String {
    exchange.idp.store.pendings.put(text.clone(), pending);
    text
}

/// How many of this client's requests nobody has answered yet.
pub(crate) fn waiting(exchange: &Exchange, kind: Kind, client_id: &str) -> usize {
    let now = exchange.idp.clock.now();
    let mut count = 0;
    exchange.idp.store.pendings.each(|entry| {
        let is_open = entry.expires > now && matches!(entry.outcome, Outcome::Waiting);
        count += usize::from(is_open && entry.kind == kind && entry.client_id == client_id);
    });
    count
}

/// A fresh secret text.
pub(crate) fn fresh_text() -> String {
    format!("ft{}", &random::token43()[..32])
}

/// One poll. `Ok` ends the waiting.
pub(crate) fn poll(
    exchange: &Exchange,
    text: &str,
    kind: Kind,
    client_id: &str,
    server: &str,
    words: &Words,
) -> Result<(Pending, Approval), OAuthError> {
    let now = exchange.idp.clock.now();
    exchange.idp.store.pendings.alter(text.to_owned(), |slot| {
        let entry = slot
            .as_mut()
            .filter(|entry| entry.kind == kind && entry.client_id == client_id && entry.server == server)
            .ok_or_else(|| words.unknown.clone())?;
        if entry.expires <= now {
            return Err(words.expired.clone());
        }
        let last = entry.polled.replace(now);
        match &entry.outcome {
            Outcome::Denied => Err(words.denied.clone()),
            Outcome::Approved(_) if kind != Kind::Device && last.is_none() => Err(words.pending.clone()),
            Outcome::Waiting | Outcome::Approved(_) if last.is_some_and(|last| now < last + INTERVAL) => {
                Err(words.slow_down.clone())
            }
            Outcome::Waiting => Err(words.pending.clone()),
            Outcome::Approved(approval) => {
                let ended = (entry.clone(), approval.clone());
                *slot = None;
                Ok(ended)
            }
        }
    })
}
