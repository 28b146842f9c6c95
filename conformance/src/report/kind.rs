//! The forms in which a stored run can be written.

use std::path::PathBuf;

use super::{
    Setting, console, ctrf,
    document::{Case, Run},
    gitlab, html, journal, junit,
    look::{Look, in_json},
    markdown, plain, sarif, store, summary, tap,
};
use crate::suggest::several;

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For reading in a terminal or a log.
    Text,
    /// One page with everything.
    Html,
    /// `run.json`.
    Json,
    /// One event a line.
    Ndjson,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// Common Test Report Format.
    Ctrf,
    /// Test Anything Protocol.
    Tap,
    /// Markdown, for summaries and comments.
    Markdown,
    /// GitLab code quality.
    Gitlab,
}

/// A run with what lies beside it.
#[derive(Clone, Debug)]
pub struct Source<'r> {
    /// The run.
    pub run: &'r Run,
    /// The folder with its evidence; `None`: there is none.
    pub folder: Option<PathBuf>,
}

impl Source<'_> {
    /// The evidence of a case, where there is any.
    #[must_use]
    pub fn evidence(&self, case: &Case) -> Option<store::CaseEvidence> {
        case.evidence.as_ref()?;
        store::read_evidence(self.folder.as_deref()?, case).ok()
    }
}

impl Kind {
    /// Every form with its name and the file that it is written to.
    pub const ALL: [(Kind, &str, &str); 10] = [
        (Kind::Text, "text", "report.txt"),
        (Kind::Html, "html", "report.html"),
        (Kind::Json, "json", "run.json"),
        (Kind::Ndjson, "ndjson", "run.ndjson"),
        (Kind::Junit, "junit", "junit.xml"),
        (Kind::Sarif, "sarif", "report.sarif"),
        (Kind::Ctrf, "ctrf", "ctrf.json"),
        (Kind::Tap, "tap", "report.tap"),
        (Kind::Markdown, "md", "report.md"),
        (Kind::Gitlab, "gitlab", "gl-code-quality.json"),
    ];

    /// By its name.
    ///
    /// # Errors
    /// A sentence with the names that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, own, _)| *own == name);
        found.map(|(kind, ..)| *kind).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(_, name, _)| *name).collect();
            let meant = match several(name, names.iter().copied(), 1).as_slice() {
                [meant, ..] => format!("did you mean {meant}? "),
                [] => String::new(),
            };
            format!("there is no report `{name}`; {meant}known are {}", names.join(", "))
        })
    }

    /// The file that it is written to in a run's folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("report", |(.., file)| file)
    }

    /// Writes a run in this form.
    ///
    /// # Errors
    /// A sentence; only XML and the page's template can fail.
    pub fn render(self, source: &Source<'_>) -> Result<String, String> {
        let run = source.run;
        let pretty = |value: serde_json::Value| in_json(&format!("{value:#}\n"));
        Ok(match self {
            Kind::Text => text(run, &Look::default(), 0),
            Kind::Html => html::document(source).map_err(|error| error.to_string())?,
            Kind::Json => store::text(run),
            Kind::Ndjson => kept_journal(source).unwrap_or_else(|| ndjson(run)),
            Kind::Junit => junit::document(run).map_err(|error| error.to_string())?,
            Kind::Sarif => pretty(sarif::document(run)),
            Kind::Ctrf => pretty(ctrf::document(run)),
            Kind::Tap => tap::document(run),
            Kind::Markdown => markdown::document(source),
            Kind::Gitlab => pretty(gitlab::document(run)),
        })
    }
}

/// A run for reading: its groups, the causes, what is undecided, the last line.
#[must_use]
pub fn text(run: &Run, look: &Look, verbose: u8) -> String {
    let setting = Setting {
        verbose,
        ..Setting::default()
    };
    let mut text = plain::opening(&run.run, &run.target, look);
    for check in run.preflight.iter().filter(|check| !check.ok || check.warning) {
        text.push_str(&plain::setup(check, look));
    }
    for control in run.controls.iter().filter(|control| !control.ok || verbose > 0) {
        text.push_str(&plain::control_line(control, look));
        text.push('\n');
    }
    if !run.cases.is_empty() {
        text.push_str(&format!("\n{}", console::table(run, look)));
    }
    let notices = run.notices.iter().map(|notice| summary::notice_line(notice, look));
    text.push('\n');
    text.extend(notices);
    text.push_str(&plain::closing(run, look, &setting));
    text.push_str(&format!("\n{}\n", summary::last_line(run)));
    text
}

/// The journal that was written while the run went on.
fn kept_journal(source: &Source<'_>) -> Option<String> {
    let text = std::fs::read_to_string(source.folder.as_ref()?.join(store::JOURNAL)).ok()?;
    // A merged or fixed run is another than its journal tells of.
    let told = journal::read(&text)?;
    (told.run.id == source.run.run.id && told.cases.len() == source.run.cases.len()).then_some(text)
}

/// The journal of a run, as it would have been written.
fn ndjson(run: &Run) -> String {
    use journal::Event;
    let started = Event::RunStarted {
        run: run.run.clone(),
        target: run.target.clone(),
    };
    let preflight = run
        .preflight
        .iter()
        .cloned()
        .map(|preflight| Event::Preflight { preflight });
    let controls = run.controls.iter().cloned().map(|control| Event::Control { control });
    let notices = run.notices.iter().cloned().map(|text| Event::Notice { text });
    let cases = run
        .cases
        .iter()
        .cloned()
        .map(|case| Event::CaseFinished { case: Box::new(case) });
    let events = std::iter::once(started)
        .chain(preflight)
        .chain(controls)
        .chain(notices)
        .chain(cases)
        .chain([Event::finished(run)]);
    let mut out = Vec::new();
    for event in events {
        let _memory = journal::write(&mut out, &event);
    }
    String::from_utf8_lossy(&out).into_owned()
}
