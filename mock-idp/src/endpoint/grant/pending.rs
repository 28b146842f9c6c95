//! Grants that wait for somebody: a device, a push, a second factor. Who polls too fast is told to slow down.

use std::sync::Arc;

use crate::{
    exchange::Exchange,
    flow::store::{Flow, locked},
    protocol::{error::OAuthError, random},
    tenant::Subject,
};

/// Seconds between two polls.
pub(crate) const INTERVAL: i64 = 5;

/// What is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) kind: Kind,
    pub(crate) client_id: String,
    pub(crate) server: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: i64,
    pub(crate) outcome: Outcome,
    /// When it was last asked for.
    pub(crate) polled: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Device,
    Ciba,
    OutOfBand,
    /// A password was right, a second factor is wanted.
    Factor,
}

#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Nobody has answered. A push (`Ciba`, `OutOfBand`) is answered by the mock itself at the second poll.
    Waiting,
    /// This person said yes.
    Approved(Approval),
    /// Somebody said no.
    Denied,
}

/// Who said yes, or would.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) flow: Option<Arc<Flow>>,
    pub(crate) subject: Arc<Subject>,
    pub(crate) amr: Vec<String>,
    /// Base32; for [`Kind::Factor`].
    pub(crate) secret: Option<String>,
}

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
    locked(&exchange.idp.store.pendings).insert(text.clone(), pending);
    text
}

/// How many of this client's requests nobody has answered yet.
pub(crate) fn waiting(exchange: &Exchange, kind: Kind, client_id: &str) -> usize {
    let now = exchange.idp.clock.now();
    let pendings = locked(&exchange.idp.store.pendings);
    let waits = |entry: &&Pending| {
        let is_open = entry.expires > now && matches!(entry.outcome, Outcome::Waiting);
        is_open && entry.kind == kind && entry.client_id == client_id
    };
    pendings.values().filter(waits).count()
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
    let mut pendings = locked(&exchange.idp.store.pendings);
    let entry = pendings
        .get_mut(text)
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
            let (ended, approval) = (entry.clone(), approval.clone());
            pendings.remove(text);
            Ok((ended, approval))
        }
    }
}
