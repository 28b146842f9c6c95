//! Makes the document while the run goes on, and hands on what happened as events that can be written down.

use std::time::Instant;

use super::{
    Setting, compose,
    document::{Case, Run},
    journal::Event,
    redact::redact,
};
use crate::{baseline::Baseline, run::RunEvent};

/// The document of a run that goes on.
#[derive(Debug)]
pub struct Recorder {
    setting: Setting,
    baseline: Option<Baseline>,
    run: Option<Run>,
    began: Instant,
}

impl Recorder {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(setting: Setting, baseline: Option<Baseline>) -> Self {
        Self {
            setting,
            baseline,
            run: None,
            began: Instant::now(),
        }
    }

    /// Takes in what the runner says.
    pub fn take(&mut self, event: &RunEvent<'_>) -> Event {
        let event = match event {
            RunEvent::Started(header) => {
                let run = compose::begun(header, &self.setting);
                let event = Event::RunStarted {
                    run: run.run.clone(),
                    target: run.target.clone(),
                };
                self.run = Some(run);
                return event;
            }
            RunEvent::Building(command) => Event::Building {
                command: (*command).to_owned(),
            },
            RunEvent::Built(time) => Event::Built {
                duration_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            },
            RunEvent::Preflight(check) => Event::Preflight {
                preflight: compose::preflight(check),
            },
            RunEvent::Control(control) => Event::Control {
                control: compose::control(control),
            },
            RunEvent::CaseStarted(case) => Event::CaseStarted { id: case.id.to_owned() },
            RunEvent::CaseFinished(result) => {
                let seed = self.run.as_ref().map(|run| run.run.seed.clone()).unwrap_or_default();
                let mut case = compose::case(result, &seed, &self.setting);
                self.mark(&mut case);
                Event::CaseFinished { case: Box::new(case) }
            }
            RunEvent::Watching(controls) => Event::Watching {
                controls: controls.len(),
            },
            RunEvent::Notice(text) => Event::Notice { text: redact(text) },
            RunEvent::Finished(result) => {
                let run = self
                    .run
                    .get_or_insert_with(|| compose::begun(&result.header, &self.setting));
                compose::finish(run, result);
                if let Some(baseline) = &self.baseline {
                    baseline.close(run);
                }
                return Event::finished(run);
            }
        };
        if let Some(run) = &mut self.run {
            run.take(event.clone());
        }
        event
    }

    /// The document as it stands when the run is ended early: by a signal, or because enough is known. `None` when it had
    /// not begun.
    pub fn interrupt(&mut self, by_signal: bool) -> Option<&Run> {
        let run = self.run.as_mut()?;
        run.run.interrupted = by_signal;
        run.run.partial = run.cases.len() < run.run.selected;
        run.run.duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        run.sort();
        if let Some(baseline) = &self.baseline {
            baseline.close(run);
        }
        run.settle();
        Some(run)
    }

    /// The document as far as it goes.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    fn mark(&self, case: &mut Case) {
        if let Some(baseline) = &self.baseline {
            baseline.mark(case);
        }
    }
}
