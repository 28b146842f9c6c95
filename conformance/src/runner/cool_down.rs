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
