//! The words of a judgement.

use serde::{Deserialize, Serialize};

/// The answer of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "saw", rename_all = "kebab-case")]
pub enum Outcome {
    /// What was expected is true.
    Holds,
    /// It is not; the text says what was seen instead.
    Broken(String),
    /// It holds, and this is worth telling.
    HoldsWith(String),
    /// The evidence cannot tell; the text says why.
    CannotTell(String),
    /// The app does not do or show what the question is about; the text says what. Nothing is judged: *skipped*.
    Absent(String),
}

impl Outcome {
    /// What was seen, or why nothing can be told.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Outcome::Holds => None,
            Outcome::Broken(text) | Outcome::HoldsWith(text) | Outcome::CannotTell(text) | Outcome::Absent(text) => {
                Some(text)
            }
        }
    }
}

/// How much a check weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Broken: a note.
    May,
    /// Broken: *warn*.
    Should,
    /// Broken: *fail*; in profile `core` only *warn*.
    #[serde(rename = "MUST*")]
    MustStar,
    /// Broken: *fail*.
    Must,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Level::May => "MAY",
            Level::Should => "SHOULD",
            Level::MustStar => "MUST*",
            Level::Must => "MUST",
        })
    }
}

/// The verdict of a variant, a case or a run: the only words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "kebab-case")]
pub enum Verdict {
    /// Controls before and after accepted, the fault was seen delivered, every check holds.
    Pass,
    /// The app lacks the feature, or the configuration says so.
    Skipped(String),
    /// A SHOULD is broken, or a refusal came as a server error.
    Warn,
    /// Nothing can be said; the reason.
    Inconclusive(String),
    /// The harness or the set-up failed; the reason.
    Error(String),
    /// A MUST is broken, seen twice.
    Fail,
}

impl Verdict {
    /// The word, as printed and stored.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skipped(_) => "skipped",
            Verdict::Warn => "warn",
            Verdict::Inconclusive(_) => "inconclusive",
            Verdict::Error(_) => "error",
            Verdict::Fail => "fail",
        }
    }

    /// The reason, where the verdict carries one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Verdict::Skipped(reason) | Verdict::Inconclusive(reason) | Verdict::Error(reason) => Some(reason),
            _ => None,
        }
    }
}
