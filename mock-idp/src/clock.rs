//! The authorization server's time: the system's, shifted when somebody asks.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Seconds since 1970, plus an offset that may change while the server runs.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    /// The present second of this clock.
    pub(crate) fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let system = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        system.saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Shifts the clock: from now on it runs this many seconds ahead of the system's (behind, if negative).
    pub(crate) fn shift_to(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}
