//! The near miss of a refusal: what was sent, what is registered, what differs, and what fixes it. A plain value, computed by
//! a pure function; the terminal, the 400 page, the dashboard and the control API show the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::display::printable;

mod parameters;
mod people;
mod places;
mod redirect;
mod rules;
mod secret;

pub use people::{NotSignedIn, not_signed_in, unknown_fault};
pub use rules::{Refused, is_without, of};

/// What a refused request sent, beside what is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NearMiss {
    /// The rule that refused, a stable word: `redirect-uri-unregistered`.
    pub rule: String,
    /// One row for each parameter that matters.
    pub rows: Vec<Row>,
    /// What the application must change; empty where only the registration can be wrong.
    pub app: String,
    /// Lines for `mock-idp.toml` that make the request a good one; empty where none do.
    pub toml: String,
}

/// A parameter of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Its name on the wire.
    pub name: String,
    /// What was sent; `None` if it was absent. Secrets are shown by their first characters and their length.
    pub sent: Option<String>,
    /// What is registered or required.
    pub registered: Option<String>,
    /// What differs, in a sentence; `None` where both agree.
    pub differs: Option<String>,
}

impl NearMiss {
    /// About how much memory it takes, bytes, where each text takes so many beside its own.
    pub(crate) fn weight(&self, text: usize) -> usize {
        let of_rows = self.rows.iter().map(|row| {
            let values = [&row.sent, &row.registered, &row.differs];
            let values = values.into_iter().flatten().map(|value| value.len() + text);
            std::mem::size_of::<Row>() + row.name.len() + text + values.sum::<usize>()
        });
        of_rows.sum::<usize>() + self.rule.len() + self.app.len() + self.toml.len() + 3 * text
    }

    /// With these rows.
    fn new(rule: &str, rows: Vec<Row>) -> Self {
        Self {
            rule: rule.to_owned(),
            rows,
            ..Self::default()
        }
    }

    /// Fixed by the application.
    fn app(mut self, sentence: impl Into<String>) -> Self {
        self.app = sentence.into();
        self
    }

    /// Fixed by these lines; nobody registers what is longer than a screen.
    fn toml(mut self, lines: impl Into<String>) -> Self {
        const LONGEST: usize = 1_500;
        self.toml = lines.into();
        if self.toml.len() > LONGEST {
            self.toml.clear();
        }
        self
    }
}

impl Row {
    /// A parameter that is as it should be.
    fn good(name: &str, sent: &str) -> Self {
        Self {
            name: name.to_owned(),
            sent: Some(shortened(sent)),
            ..Self::default()
        }
    }

    /// A parameter that is not.
    fn bad(name: &str, sent: Option<&str>, registered: impl Into<String>, differs: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            sent: sent.map(shortened),
            registered: Some(registered.into()),
            differs: Some(differs.into()),
        }
    }
}

/// Nobody reads more of a value than this.
const SHOWN: usize = 300;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text.to_owned(),
    }
}

/// The table as the terminal shows it, each line indented by two.
impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let values = self.rows.iter().map(|row| shown(row).chars().count());
        let width = values.filter(|width| *width <= 48).max().unwrap_or(0);
        for row in &self.rows {
            let verdict = match (&row.registered, &row.differs) {
                (_, None) => "ok".to_owned(),
                (Some(registered), Some(_)) => format!("<- {}", printable(registered)),
                (None, Some(_)) => "<-".to_owned(),
            };
            writeln!(f, "  {:names$}  {:width$}  {verdict}", row.name, shown(row))?;
            if let Some(differs) = &row.differs {
                writeln!(f, "  {:names$}  {}", "", printable(differs))?;
            }
        }
        if !self.app.is_empty() {
            writeln!(f, "  {:names$}  in the app: {}", "", printable(&self.app))?;
        }
        if !self.toml.is_empty() {
            writeln!(f, "  {:names$}  in mock-idp.toml:", "")?;
            for line in self.toml.lines() {
                writeln!(f, "  {:names$}    {}", "", printable(line))?;
            }
        }
        Ok(())
    }
}

fn shown(row: &Row) -> String {
    row.sent.as_deref().map_or_else(|| "(absent)".to_owned(), printable)
}
