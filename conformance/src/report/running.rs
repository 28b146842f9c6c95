//! What runs at the moment, and for how long: so that nobody wonders whether a long run still does something.

use std::time::{Duration, Instant};

use super::journal::Event;

/// Nothing is silent for longer.
const SILENCE: Duration = Duration::from_secs(10);

/// How many cases are named.
const NAMED: usize = 3;

/// What runs at the moment.
#[derive(Debug)]
pub(super) struct Running {
    /// What happens while no case runs.
    phase: &'static str,
    since: Instant,
    /// Cases in flight, the longest first.
    cases: Vec<(String, Instant)>,
    left: usize,
    /// When something was written last.
    spoke: Instant,
}

impl Running {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            phase: "starting",
            since: now,
            cases: Vec::new(),
            left: 0,
            spoke: now,
        }
    }

    /// Takes one event, and whether it was told.
    pub(super) fn take(&mut self, event: &Event, told: bool, now: Instant) {
        if told {
            self.spoke = now;
        }
        let phase = match event {
            Event::RunStarted { run, .. } => {
                self.left = run.selected;
                "starting the app"
            }
            Event::Building { .. } => "building the app",
            Event::Built { .. } => "starting the app",
            Event::Preflight { .. } | Event::Control { .. } => "honest sign-ins",
            Event::CaseStarted { id } => {
                self.cases.push((id.clone(), now));
                return;
            }
            Event::CaseFinished { case } => {
                self.cases.retain(|(id, _)| *id != case.id);
                self.left = self.left.saturating_sub(1);
                match self.left {
                    0 => "waiting for the app to end",
                    _ => "between two cases",
                }
            }
            _ => return,
        };
        if phase != self.phase || self.cases.is_empty() {
            self.since = now;
        }
        self.phase = phase;
    }

    /// `jwks/fetch-fails 34 s, discovery/unavailable 12 s and 3 more`; without cases what happens instead.
    pub(super) fn text(&self, now: Instant) -> String {
        let seconds = |since: Instant| now.saturating_duration_since(since).as_secs();
        if self.cases.is_empty() {
            return format!("{} {} s", self.phase, seconds(self.since));
        }
        let named: Vec<String> = self
            .cases
            .iter()
            .take(NAMED)
            .map(|(id, began)| format!("{id} {} s", seconds(*began)))
            .collect();
        let more = match self.cases.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        named.join(", ") + &more
    }

    /// A line where nothing was told for too long.
    pub(super) fn line(&mut self, now: Instant) -> Option<String> {
        if now.saturating_duration_since(self.spoke) < SILENCE {
            return None;
        }
        self.spoke = now;
        Some(format!("still running: {}", self.text(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(id: &str) -> Event {
        Event::CaseStarted { id: id.to_owned() }
    }

    #[test]
    fn a_line_comes_only_after_a_silence_and_names_the_longest() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut running = Running::new(start);
        assert_eq!(running.line(at(9)), None);
        assert_eq!(running.line(at(10)).unwrap(), "still running: starting 10 s");
        for (second, id) in [(10, "a/one"), (12, "a/two"), (13, "a/three"), (14, "a/four")] {
            running.take(&started(id), false, at(second));
        }
        assert_eq!(running.line(at(19)), None, "it spoke nine seconds ago");
        assert_eq!(
            running.line(at(20)).unwrap(),
            "still running: a/one 10 s, a/two 8 s, a/three 7 s and 1 more"
        );
        running.take(&Event::Notice { text: String::new() }, true, at(25));
        assert_eq!(running.line(at(34)), None, "a notice was told");
        assert!(running.line(at(35)).is_some());
    }
}
