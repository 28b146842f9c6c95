//! The controls that a verdict stands on, as they were walked.

use super::{cause::Cause, law::Twin};
use crate::{evidence::Evidence, run::ControlTriple};

/// A control that was walked before an attempt, or the twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// It worked; the text names the walk: `flow 12`.
    Worked(String),
    /// Nothing in the variant needs it.
    NotNeeded,
    /// It did not; the text says how.
    Refused(String),
}

/// The control after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It worked; the text names the walk.
    Worked(String),
    /// Nothing was sent that could have broken anything.
    NotNeeded,
    /// It failed, for this cause.
    Failed {
        /// What the control showed.
        saw: String,
        /// Why, as far as it could be found.
        cause: Cause,
    },
    /// A fresh app without the walk works, and this fresh app stopped working after it.
    Broke {
        /// What the control showed.
        saw: String,
    },
}

/// All three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controls {
    /// An ordinary sign-in before the walk.
    pub before: Control,
    /// The same hooks with the value left valid.
    pub twin: Control,
    /// An ordinary sign-in that began after the walk's last request.
    pub after: Afterwards,
}

impl Control {
    /// The control that this walk was.
    #[must_use]
    pub fn of(evidence: &Evidence, accepted: &Result<(), String>) -> Self {
        match accepted {
            Ok(()) => Control::Worked(walked(evidence)),
            Err(why) => Control::Refused(why.clone()),
        }
    }

    /// How it did not work.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Control::Refused(why) => Some(why),
            _ => None,
        }
    }

    /// As a column of the law.
    pub(super) const fn as_twin(&self) -> Twin {
        match self {
            Control::Worked(_) => Twin::Accepted,
            Control::NotNeeded => Twin::NotNeeded,
            Control::Refused(_) => Twin::Refused,
        }
    }
}

impl Afterwards {
    /// Why a failed control decides nothing: the cause and what fixes it.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Afterwards::Failed { saw, cause } => cause.reason(saw),
            Afterwards::Broke { saw } => saw.clone(),
            Afterwards::Worked(_) | Afterwards::NotNeeded => String::new(),
        }
    }
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Control::Worked(walk) => write!(f, "ok: {walk}"),
            Control::NotNeeded => f.write_str("not needed"),
            Control::Refused(why) => write!(f, "broken: {why}"),
        }
    }
}

impl std::fmt::Display for Afterwards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Afterwards::Worked(walk) => write!(f, "ok: {walk}"),
            Afterwards::NotNeeded => f.write_str("not needed"),
            Afterwards::Failed { saw, cause } => write!(f, "broken: {saw} ({})", cause.id()),
            Afterwards::Broke { saw } => write!(f, "broken by this walk: {saw}"),
        }
    }
}

impl From<&Controls> for ControlTriple {
    fn from(controls: &Controls) -> Self {
        Self {
            before: controls.before.to_string(),
            twin: controls.twin.to_string(),
            after: controls.after.to_string(),
        }
    }
}

/// A walk by the name that the authorization server's record knows it by.
#[must_use]
pub fn walked(evidence: &Evidence) -> String {
    match evidence.flows.first() {
        Some(flow) => format!("flow {}", flow.id),
        None => "no flow was begun".to_owned(),
    }
}
