//! The authorization server's time: the system's, shifted when somebody asks.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use time::{OffsetDateTime, macros::format_description};

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

    /// How far it runs ahead of the system's, seconds.
    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Shifts the clock: from now on it runs this many seconds ahead of the system's (behind, if negative).
    pub(crate) fn shift_to(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}

/// Seconds since 1970 as Okta's JSON writes them: `2026-11-25T03:30:00.000Z`; the epoch for what no calendar holds.
pub(crate) fn iso8601(seconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(format).unwrap_or_default()
}
