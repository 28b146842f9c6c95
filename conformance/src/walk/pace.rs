//! How fast sign-ins are begun, where an app limits them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Starts that are remembered: more than any limit that is worth learning lets through.
const REMEMBERED: usize = 1000;

/// Lets sign-ins begin one after the other with a gap between them; without a gap it only counts. One for a whole run: a
/// limit may be shared by every instance of an app.
#[derive(Debug, Default)]
pub struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    gap: Option<Duration>,
    next: Option<Instant>,
    begun: VecDeque<Instant>,
}

impl Pace {
    /// At most so many sign-ins a minute.
    #[must_use]
    pub fn of(per_minute: Option<u32>) -> Self {
        let pace = Self::default();
        if let Some(per_minute) = per_minute {
            pace.slow_down(per_minute);
        }
        pace
    }

    /// From now on at most so many sign-ins a minute.
    pub fn slow_down(&self, per_minute: u32) {
        self.state().gap = Some(Duration::from_secs(60) / per_minute.max(1));
    }

    /// Whether there is a gap between two sign-ins.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        self.state().gap
    }

    /// How many sign-ins began within this time.
    #[must_use]
    pub fn begun_within(&self, window: Duration) -> usize {
        let state = self.state();
        let now = Instant::now();
        let is_recent = |begun: &&Instant| now.duration_since(**begun) <= window;
        state.begun.iter().rev().take_while(is_recent).count()
    }

    /// Returns when the next sign-in may begin.
    pub async fn turn(&self) {
        // Not synchronisation: this is the pace that the app asks for.
        sleep_until(self.next(Instant::now())).await;
    }

    /// When somebody who asks now may begin.
    fn next(&self, now: Instant) -> Instant {
        let mut state = self.state();
        let at = state.next.map_or(now, |next| next.max(now));
        state.next = state.gap.map(|gap| at + gap);
        state.begun.push_back(at);
        if state.begun.len() > REMEMBERED {
            state.begun.pop_front();
        }
        at
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_ins_begin_with_the_gap_between_them() {
        let now = Instant::now();
        let seconds = |pace: &Pace| [0; 4].map(|_| pace.next(now).duration_since(now).as_secs());
        assert_eq!(seconds(&Pace::of(Some(30))), [0, 2, 4, 6]);
        let free = Pace::of(None);
        assert_eq!(seconds(&free), [0; 4]);
        assert_eq!(free.begun_within(Duration::from_secs(60)), 4);
        free.slow_down(60);
        assert_eq!(seconds(&free), [0, 1, 2, 3]);
    }
}
