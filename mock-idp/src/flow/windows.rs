//! Who asked how often, where the org limits that.

use foldhash::HashMap;

/// A window, seconds.
const WINDOW: i64 = 60;
/// So many windows are remembered; beyond that, those that are over are forgotten.
const WINDOWS: usize = 20_000;

/// The requests of somebody since the window began.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: i64,
    count: u32,
}

/// Who asked how often.
#[derive(Debug, Default)]
pub(crate) struct Windows(HashMap<String, Window>);

/// What a request leaves of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the window ends, seconds since 1970.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

impl Windows {
    /// Counts one request.
    pub(crate) fn count(&mut self, key: String, limit: u32, now: i64) -> Left {
        if self.0.len() >= WINDOWS {
            self.0.retain(|_, window| window.began + WINDOW > now);
        }
        let fresh = Window { began: now, count: 0 };
        let window = self.0.entry(key).or_insert(fresh);
        if window.began + WINDOW <= now || window.began > now {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        Left {
            limit,
            remaining: limit.saturating_sub(window.count),
            reset: window.began + WINDOW,
            exceeded: window.count > limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_down_and_begins_again() {
        let mut windows = Windows::default();
        let mut count = |now| windows.count("client web".to_owned(), 2, now);
        let left = |remaining, exceeded| Left {
            limit: 2,
            remaining,
            reset: 1060,
            exceeded,
        };
        assert_eq!(
            [count(1000), count(1001), count(1059)],
            [left(1, false), left(0, false), left(0, true)]
        );
        assert_eq!(
            count(1060),
            Left {
                limit: 2,
                remaining: 1,
                reset: 1120,
                exceeded: false
            }
        );
    }
}
