//! Who asked how often, where the org limits that.

/// A window, seconds.
pub(crate) const WINDOW: i64 = 60;

/// The requests of somebody since the window began.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Window {
    began: i64,
    count: u32,
}

/// What a request leaves of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the window ends, seconds since 1970.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

/// Counts one request of somebody with this window, if there is one.
pub(crate) fn count(window: &mut Option<Window>, limit: u32, now: i64) -> Left {
    let fresh = Window { began: now, count: 0 };
    let window = window.get_or_insert(fresh);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_down_and_begins_again() {
        let mut window = None;
        let mut count = |now| count(&mut window, 2, now);
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
