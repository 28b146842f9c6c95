//! What happened in a run, one JSON object a line, written while it goes on: what was judged stays known however the run
//! ends. The same lines are the report `ndjson`, and a run without `run.json` is read back from them.

use std::{
    io::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    document::{About, Case, Control, Counts, Overlay, Preflight, Run, Target},
    look::in_json,
};

/// The name of the shape of a line; members and events are only added under it.
pub const SCHEMA: &str = "conformance-journal/1";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// `conformance-journal/1`.
    pub schema: String,
    /// When, in milliseconds since 1970.
    pub t: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The selection is known and the target is about to be started.
    RunStarted {
        /// How it is run.
        run: About,
        /// The app.
        target: Target,
    },
    /// The app is built by this command, which may take minutes.
    Building {
        /// The command.
        command: String,
    },
    /// It was built.
    Built {
        /// In this time.
        duration_ms: u64,
    },
    /// A check of the set-up was made.
    Preflight {
        /// What it showed.
        preflight: Preflight,
    },
    /// A control sign-in was made.
    Control {
        /// What it showed.
        control: Control,
    },
    /// A case is about to be walked.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// A case has its verdict.
    CaseFinished {
        /// The case.
        case: Box<Case>,
    },
    /// The cases that only watch are about to be judged.
    Watching {
        /// How many controls and twins they are judged by, beside the walks of the other cases.
        controls: usize,
    },
    /// Something worth telling that is no case.
    Notice {
        /// What.
        text: String,
    },
    /// All is over.
    RunFinished {
        /// How it was run, and what it came to.
        run: About,
        /// The app.
        target: Target,
        /// Cases by verdict.
        counts: Counts,
        /// What a baseline said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        baseline: Option<Overlay>,
        /// The exit code.
        exit_code: u8,
    },
}

impl Event {
    /// The end of this run.
    #[must_use]
    pub fn finished(run: &Run) -> Self {
        Event::RunFinished {
            run: run.run.clone(),
            target: run.target.clone(),
            counts: run.counts,
            baseline: run.baseline.clone(),
            exit_code: run.exit_code,
        }
    }
}

/// Writes one line, with the present time.
///
/// # Errors
/// When the output cannot be written to.
pub fn write(mut out: impl Write, event: &Event) -> io::Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let entry = Entry {
        schema: SCHEMA.to_owned(),
        t: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        event: event.clone(),
    };
    // In one piece: a reader, or a kill, finds whole lines.
    let line = in_json(&serde_json::to_string(&entry)?) + "\n";
    out.write_all(line.as_bytes())
}

/// The run that these lines tell of, as far as they go; a torn last line is left away. `None`: no run was started.
#[must_use]
pub fn read(text: &str) -> Option<Run> {
    let mut run: Option<Run> = None;
    for line in text.lines() {
        let Ok(entry) = serde_json::from_str::<Entry>(line) else {
            continue;
        };
        match (entry.event, &mut run) {
            (Event::RunStarted { run: about, target }, _) => run = Some(Run::begun(about, target)),
            (_, None) => {}
            (event, Some(run)) => run.take(event),
        }
    }
    if let Some(run) = &mut run {
        run.sort();
        run.settle();
    }
    run
}

impl Run {
    /// A run of which only this is known.
    #[must_use]
    pub fn begun(about: About, target: Target) -> Self {
        Self {
            schema: super::document::SCHEMA.to_owned(),
            run: About { partial: true, ..about },
            target,
            preflight: Vec::new(),
            controls: Vec::new(),
            cases: Vec::new(),
            notices: Vec::new(),
            counts: Counts::default(),
            baseline: None,
            exit_code: 0,
        }
    }

    /// Takes in what happened.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Preflight { preflight } => self.preflight.push(preflight),
            Event::Control { control } => self.controls.push(control),
            Event::Notice { text } => self.notices.push(text),
            Event::CaseFinished { case } => self.cases.push(*case),
            Event::RunFinished {
                run, target, baseline, ..
            } => {
                self.run = run;
                self.target = target;
                self.baseline = baseline;
            }
            Event::RunStarted { .. }
            | Event::Building { .. }
            | Event::Built { .. }
            | Event::CaseStarted { .. }
            | Event::Watching { .. } => {}
        }
    }
}
