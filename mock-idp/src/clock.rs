//! The authorization server's time: the system's, shifted when somebody asks.

use std::{
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
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

/// A duration: `90`, `90s`, `5m`, `2h`, `1d`, `500ms`, with a sign where it may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    milliseconds: i64,
}

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn of_seconds(seconds: i64) -> Self {
        Self {
            milliseconds: seconds.saturating_mul(1000),
        }
    }

    /// Whole seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.milliseconds / 1000
    }

    /// `None` if it is negative.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        u64::try_from(self.milliseconds).ok().map(Duration::from_millis)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a duration such as 90s, 5m, 2h, -1d or 500ms");
        let trimmed = text.trim();
        let (is_negative, rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..end].parse().map_err(|_| wrong())?;
        let unit = match rest[end..].trim() {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let milliseconds = number.checked_mul(unit).ok_or_else(wrong)?;
        Ok(Self {
            milliseconds: if is_negative { -milliseconds } else { milliseconds },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        let seconds = |text: &str| text.parse::<Span>().map(Span::seconds);
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("+2h"), Ok(7200));
        assert_eq!(seconds("-1d"), Ok(-86400));
        assert_eq!(seconds("1500ms"), Ok(1));
        for wrong in ["", "h", "2 weeks", "1e9", "99999999999999999d", "--1"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
