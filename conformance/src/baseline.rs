//! The baseline: findings that are known and may stay for a while. What is new is red, what is known is shown and green,
//! what was fixed or has expired is red until its entry is taken out.
//!
//! ```toml
//! [[known]]
//! case = "callback/state-cross-session"
//! check = "refuses-sign-in"
//! fingerprint = "b41d9c"
//! reason = "login rewrite in progress"
//! owner = "@web-team"
//! issue = "https://example.test/issues/812"
//! expires = 2026-12-31
//! ```
//!
//! An entry stands for one check of one case and one way in which it fails: another misbehaviour is a new finding. Entries
//! are sorted and take one block each, so that two branches merge.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, macros::format_description};

use crate::{
    catalog,
    outcome::Level,
    report::{
        document::{Case, Known, Overlay, Run, Stale, Word},
        finding::{self, Finding},
        store::write_whole,
    },
    suggest::several,
};

/// The file beside the configuration that is used when none is named.
pub const FILE_NAME: &str = "conformance-baseline.toml";
/// How long an accepted finding of a MUST may stay when nobody says otherwise.
const DAYS: i64 = 90;

/// A baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Where it was read from, as shown to people.
    pub file: PathBuf,
    /// Its entries, sorted.
    pub known: Vec<Entry>,
    /// The day by which entries expire.
    pub today: Date,
}

/// One known finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The case.
    pub case: String,
    /// The check that is broken.
    pub check: String,
    /// Of case, check and observation.
    pub fingerprint: String,
    /// Why it may stay.
    #[serde(default)]
    pub reason: String,
    /// Who sees to it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Where it is followed up.
    #[serde(default)]
    pub issue: Option<String>,
    /// The last day on which it may stay.
    #[serde(default)]
    pub expires: Option<toml::value::Datetime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Entry>,
}

/// What is wrong with a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read or written.
    #[error("{}: {source}", .file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no baseline.
    #[error("{} is no baseline: {message}", .file.display())]
    Shape {
        /// Which.
        file: PathBuf,
        /// What is wrong, with its place.
        message: String,
    },
}

impl Baseline {
    /// Reads a file; one that does not exist is empty.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn load(file: &Path) -> Result<Self, BaselineError> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(BaselineError::Io {
                    file: file.to_owned(),
                    source,
                });
            }
        };
        Self::parse(&text, file, OffsetDateTime::now_utc().date())
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is no baseline.
    pub fn parse(text: &str, file: &Path, today: Date) -> Result<Self, BaselineError> {
        let shape = |message: String| BaselineError::Shape {
            file: file.to_owned(),
            message,
        };
        let parsed: File = toml::from_str(text).map_err(|error| shape(error.to_string()))?;
        for entry in &parsed.known {
            if entry.expires.as_ref().is_some_and(|day| day.date.is_none()) {
                return Err(shape(format!(
                    "`expires` of {} is no day, such as 2026-12-31",
                    entry.case
                )));
            }
        }
        let mut baseline = Self {
            file: file.to_owned(),
            known: parsed.known,
            today,
        };
        baseline.sort();
        Ok(baseline)
    }

    /// The file's text: sorted, one block per entry.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "# Findings that are known: `conformance baseline --help`.\n".to_owned();
        for entry in &self.known {
            let quoted = |value: &str| toml::Value::String(value.to_owned()).to_string();
            let mut row = |name: &str, value: String| text.push_str(&format!("{name} = {value}\n"));
            row("\n[[known]]\ncase", quoted(&entry.case));
            row("check", quoted(&entry.check));
            row("fingerprint", quoted(&entry.fingerprint));
            row("reason", quoted(&entry.reason));
            for (name, value) in [("owner", &entry.owner), ("issue", &entry.issue)] {
                if let Some(value) = value {
                    row(name, quoted(value));
                }
            }
            if let Some(day) = &entry.expires {
                row("expires", day.to_string());
            }
        }
        text
    }

    /// Writes it back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<(), BaselineError> {
        write_whole(&self.file, &self.text()).map_err(|source| BaselineError::Io {
            file: self.file.clone(),
            source,
        })
    }

    /// Says of a case whether all that speaks against the app is known.
    pub fn mark(&self, case: &mut Case) {
        let findings = finding::of_case(case);
        let entries: Option<Vec<&Entry>> = findings.iter().map(|own| self.entry(&case.id, own)).collect();
        case.known = match entries.as_deref() {
            Some([first, ..]) => Some(Known {
                reason: first.reason.clone(),
                owner: first.owner.clone(),
                issue: first.issue.clone(),
                expires: first.expires.map(|day| day.to_string()),
            }),
            _ => None,
        };
    }

    /// Says of a run which entries no longer apply, and settles it anew.
    pub fn close(&self, run: &mut Run) {
        // One without entries has nothing to say.
        run.baseline = (!self.known.is_empty()).then(|| Overlay {
            file: self.file.display().to_string(),
            stale: self.stale(run),
        });
        run.settle();
    }

    /// Marks a stored run.
    pub fn apply(&self, run: &mut Run) {
        run.cases.iter_mut().for_each(|case| self.mark(case));
        self.close(run);
    }

    /// Entries that no longer apply to this run. What was not judged says nothing about them.
    #[must_use]
    pub fn stale(&self, run: &Run) -> Vec<Stale> {
        self.known
            .iter()
            .filter_map(|entry| {
                self.why_stale(entry, run).map(|why| Stale {
                    case: entry.case.clone(),
                    check: entry.check.clone(),
                    why,
                })
            })
            .collect()
    }

    fn why_stale(&self, entry: &Entry, run: &Run) -> Option<String> {
        let Some(literal) = catalog::all().find(|case| case.id == entry.case) else {
            let meant = several(&entry.case, catalog::all().map(|case| case.id), 1);
            let hint = meant
                .first()
                .map(|id| format!("; did you mean {id}?"))
                .unwrap_or_default();
            return Some(format!("no case is called `{}`{hint}", entry.case));
        };
        let case = run.case(&entry.case)?;
        match case.verdict {
            Word::Skipped | Word::Inconclusive | Word::Error => return None,
            Word::Pass => return Some("it no longer fails".to_owned()),
            Word::Fail | Word::Warn => {}
        }
        let findings = finding::of_case(case);
        let Some(own) = findings.iter().find(|own| entry.fits(own)) else {
            return Some(match findings.iter().any(|own| own.check == entry.check) {
                true => "it now fails in another way".to_owned(),
                false => "this check no longer fails".to_owned(),
            });
        };
        let is_must = matches!(literal.level, Level::Must | Level::MustStar);
        match entry.day() {
            Some(day) if day < self.today => Some(format!("it expired on {day} and still fails: {}", own.saw)),
            None if is_must => Some("a finding of a MUST cannot stay for good: it needs `expires`".to_owned()),
            _ => None,
        }
    }

    /// Adds what is new in a run, with an empty reason and, for a MUST, an end. Says how many entries that were.
    pub fn accept(&mut self, run: &Run) -> usize {
        let mut added = 0;
        for case in &run.cases {
            for own in finding::of_case(case) {
                if self.entry(&case.id, &own).is_some() {
                    continue;
                }
                let is_must = own.level >= crate::report::document::Weight::MustStar;
                let literal = catalog::all().find(|literal| literal.id == case.id);
                let must_case = literal.is_some_and(|own| matches!(own.level, Level::Must | Level::MustStar));
                let until = self.today.saturating_add(time::Duration::days(DAYS));
                added += 1;
                self.known.push(Entry {
                    case: case.id.clone(),
                    check: own.check,
                    fingerprint: own.fingerprint,
                    reason: String::new(),
                    owner: None,
                    issue: None,
                    expires: (is_must || must_case).then(|| day(until)).flatten(),
                });
            }
        }
        self.sort();
        added
    }

    /// Takes out what no longer applies to a run; adds nothing. Gives what was taken out.
    pub fn prune(&mut self, run: &Run) -> Vec<Stale> {
        let stale = self.stale(run);
        let all = std::mem::take(&mut self.known);
        let reference = self.clone();
        self.known = all
            .into_iter()
            .filter(|entry| reference.why_stale(entry, run).is_none())
            .collect();
        stale
    }

    /// What an owner should see to, whatever a run says: empty reasons, endings that are over, MUSTs without an end.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for entry in &self.known {
            // One check may fail in several ways, each an entry.
            let name = format!("{} {} {}", entry.case, entry.check, entry.fingerprint);
            if entry.reason.trim().is_empty() {
                problems.push(format!(
                    "{name}: `reason` is empty: say why it may stay (`conformance baseline review`)"
                ));
            }
            match catalog::all().find(|case| case.id == entry.case) {
                None => problems.push(format!(
                    "{name}: there is no case of this name (`conformance baseline prune` removes the entry)"
                )),
                Some(case) if matches!(case.level, Level::Must | Level::MustStar) && entry.expires.is_none() => {
                    problems.push(format!(
                        "{name}: a finding of a MUST cannot stay for good: add `expires = 2026-12-31`"
                    ));
                }
                Some(_) => {}
            }
            if let Some(day) = entry.day().filter(|day| *day < self.today) {
                problems.push(format!(
                    "{name}: it expired on {day}: fix it, or renew `expires` with a reason"
                ));
            }
        }
        problems
    }

    fn entry(&self, case: &str, finding: &Finding) -> Option<&Entry> {
        self.known
            .iter()
            .find(|entry| entry.case == case && entry.fits(finding))
    }

    fn sort(&mut self) {
        let key = |entry: &Entry| (entry.case.clone(), entry.check.clone(), entry.fingerprint.clone());
        self.known.sort_by_cached_key(key);
        self.known.dedup_by_key(|entry| key(entry));
    }
}

impl Entry {
    /// Whether it stands for this finding of its case.
    #[must_use]
    pub fn fits(&self, finding: &Finding) -> bool {
        self.check == finding.check && self.fingerprint == finding.fingerprint
    }

    /// The last day on which it may stay.
    fn day(&self) -> Option<Date> {
        let date = self.expires.as_ref()?.date?;
        let month = time::Month::try_from(date.month).ok()?;
        Date::from_calendar_date(i32::from(date.year), month, date.day).ok()
    }
}

fn day(date: Date) -> Option<toml::value::Datetime> {
    let text = date.format(format_description!("[year]-[month]-[day]")).ok()?;
    text.parse().ok()
}
