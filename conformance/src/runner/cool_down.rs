//! How long after a fetch of the key set an app declines to fetch it again.

use std::time::Duration;

/// What is left to an app that never fetched again: the longest cool-down of the common libraries is 60 s.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// What was learnt about the time between two fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoolDown {
    /// The configuration says so, or the app cannot be asked.
    Told(Duration),
    /// The app fetched again whenever it was asked to, so soon after the last time.
    AtOnce(Duration),
    /// The app fetched again after this time, and not before.
    Learnt(Duration),
    /// It did not, however long it was left alone.
    Never,
}

impl CoolDown {
    pub(super) const fn time(self) -> Duration {
        match self {
            CoolDown::Told(time) | CoolDown::AtOnce(time) | CoolDown::Learnt(time) => time,
            CoolDown::Never => LONGEST,
        }
    }

    /// How long a walk leaves the app alone. Where the app never fetched again, the first walk waits as long as any library
    /// does, and what it finds is looked at once more without waiting: a longer wait changed nothing twice by then.
    pub(super) const fn patience(self, attempt: u32) -> Duration {
        match self {
            CoolDown::Never if attempt > 1 => Duration::ZERO,
            _ => self.time(),
        }
    }

    /// Whether it fetches again at once, as far as that was seen.
    pub(super) const fn is_none(self) -> bool {
        match self {
            CoolDown::Told(time) => time.is_zero(),
            CoolDown::AtOnce(_) => true,
            CoolDown::Learnt(_) | CoolDown::Never => false,
        }
    }

    /// Worth a line where it made the run longer.
    pub(super) fn notice(self) -> Option<String> {
        const WORTH_A_LINE: Duration = Duration::from_secs(3);
        match self {
            CoolDown::Learnt(time) if time >= WORTH_A_LINE => Some(format!(
                "the app fetches the key set again only some seconds after the last time: waited for {} s (`cool_down = {}` \
                 under [run] saves the question)",
                time.as_secs(),
                time.as_secs()
            )),
            CoolDown::Never => Some(format!(
                "the app did not fetch the key set again for {} s, although tokens named a key that it did not have",
                LONGEST.as_secs()
            )),
            CoolDown::Told(_) | CoolDown::AtOnce(_) | CoolDown::Learnt(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_waited_for_in_vain_is_looked_at_again_without_waiting() {
        assert_eq!(CoolDown::Never.patience(1), LONGEST);
        assert_eq!(CoolDown::Never.patience(2), Duration::ZERO);
        let half_a_minute = Duration::from_secs(31);
        for learnt in [CoolDown::Learnt(half_a_minute), CoolDown::Told(half_a_minute)] {
            assert_eq!((learnt.patience(1), learnt.patience(2)), (half_a_minute, half_a_minute));
        }
    }
}
