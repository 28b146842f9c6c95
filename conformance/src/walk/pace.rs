//! How fast sign-ins are begun, where an app limits them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use url::Url;

/// How long to leave an app alone that limits requests and does not say for how long.
pub const WHERE_NO_TIME_IS_NAMED: Duration = Duration::from_secs(60);

/// Of what an app let through, so much is below its limit: sign-ins of other kinds send a few requests more.
const BELOW: f64 = 0.7;

/// Lets sign-ins begin one after the other, with a gap between them where there is one, and counts those that the app let
/// through. One for a whole run: a limit may be shared by every instance of an app. What was let through is counted for each
/// instance, by its origin: most limits count in the process.
#[derive(Debug, Default)]
pub struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    per_minute: Option<u32>,
    next: Option<Instant>,
    /// Since when, and how many, by app.
    let_through: HashMap<Url, (Instant, u32)>,
    below: Option<u32>,
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
        self.state().per_minute = Some(per_minute.max(1));
    }

    /// How many sign-ins a minute may begin, where that is limited.
    #[must_use]
    pub fn per_minute(&self) -> Option<u32> {
        self.state().per_minute
    }

    /// How many sign-ins a minute stay below the limit that the app showed first; 0 where that is less than one. `None` while
    /// it showed none.
    #[must_use]
    pub fn below(&self) -> Option<u32> {
        self.state().below
    }

    /// This app was started afresh: it has counted nothing yet.
    pub fn begin_anew(&self, app: &Url) {
        self.state().let_through.remove(app);
    }

    /// This app let a sign-in begin.
    pub fn let_through(&self, app: &Url) {
        self.state().let_through(app, Instant::now());
    }

    /// This app refused a request because there were too many, and asks to be left alone so long.
    pub fn met_limit(&self, app: &Url, retry_after: Option<Duration>) {
        self.state().met_limit(app, Instant::now(), retry_after);
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
        state.next = state.per_minute.map(|count| at + Duration::from_secs(60) / count);
        at
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_through(&mut self, app: &Url, now: Instant) {
        let (_, count) = self.let_through.entry(app.clone()).or_insert((now, 0));
        *count += 1;
    }

    /// What was let through since the app started, over that time and the time that it asks for: where it counts from the
    /// first request on, both together are the time that its limit is for; elsewhere they are longer.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    fn met_limit(&mut self, app: &Url, now: Instant, retry_after: Option<Duration>) {
        if self.below.is_some() {
            return;
        }
        let Some((first, count)) = self.let_through.get(app) else {
            return;
        };
        let window = now.duration_since(*first) + retry_after.unwrap_or(WHERE_NO_TIME_IS_NAMED);
        let per_minute = f64::from(*count) * 60.0 / window.as_secs_f64().max(1.0);
        self.below = Some((per_minute * BELOW) as u32);
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
        free.slow_down(60);
        assert_eq!(seconds(&free), [0, 1, 2, 3]);
    }

    /// An instance of the app by its port.
    fn app(port: u16) -> Url {
        format!("http://localhost:{port}").parse().unwrap()
    }

    /// An instance of the app lets so many sign-ins through at once.
    fn lets_through(pace: &Pace, app: &Url, count: u32, now: Instant) {
        (0..count).for_each(|_| pace.state().let_through(app, now));
    }

    /// The pace below a limit that was met after so many sign-ins, so many seconds after the first of them.
    fn below(let_through: u32, after: u64, retry_after: Option<u64>) -> Option<u32> {
        let pace = Pace::of(None);
        let now = Instant::now();
        lets_through(&pace, &app(1), let_through, now);
        let later = now + Duration::from_secs(after);
        pace.state()
            .met_limit(&app(1), later, retry_after.map(Duration::from_secs));
        pace.below()
    }

    #[test]
    fn what_an_app_let_through_says_which_pace_is_below_its_limit() {
        // Ten a minute: the app names the whole minute, the rest of it, or nothing.
        assert_eq!(below(10, 3, Some(60)), Some(6));
        assert_eq!(below(10, 50, Some(10)), Some(7));
        assert_eq!(below(10, 0, None), Some(7));
        // Twenty-five in a quarter of an hour, and ten in it.
        assert_eq!(below(25, 0, Some(900)), Some(1));
        assert_eq!(below(10, 0, Some(900)), Some(0));
        // What the first request already met was not made by these sign-ins.
        assert_eq!(below(0, 0, Some(60)), None);
    }

    #[test]
    fn each_instance_of_an_app_counts_for_itself() {
        let pace = Pace::of(None);
        let now = Instant::now();
        lets_through(&pace, &app(1), 100, now);
        // Another one is started, and lets one sign-in through, while the first is walked.
        pace.begin_anew(&app(2));
        lets_through(&pace, &app(2), 1, now);
        pace.state().met_limit(&app(1), now, Some(Duration::from_secs(60)));
        assert_eq!(pace.below(), Some(70));
    }

    #[test]
    fn an_app_that_was_started_afresh_has_counted_nothing() {
        let pace = Pace::of(None);
        let now = Instant::now();
        lets_through(&pace, &app(1), 30, now);
        pace.begin_anew(&app(1));
        lets_through(&pace, &app(1), 10, now);
        pace.state().met_limit(&app(1), now, Some(Duration::from_secs(60)));
        assert_eq!(pace.below(), Some(7));
    }
}
