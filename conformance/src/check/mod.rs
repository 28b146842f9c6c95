//! Checks: pure questions to the evidence.

pub mod accounts;
pub mod authorization;
pub mod callback;
pub mod content;
pub mod cookies;
pub mod crowd;
pub(crate) mod facts;
pub mod keys;
pub mod leaks;
pub mod logout;
pub mod metadata;
mod needles;
pub mod pages;
mod randomness;
pub mod redirects;
pub mod requests;
pub mod roles;
pub mod second_origin;
pub mod session;
pub mod sign_in;
pub mod token;
pub mod token_request;
pub mod userinfo;

#[cfg(test)]
pub(crate) mod fixture;

use crate::{evidence::Evidence, outcome::Outcome};

/// A question to the evidence, with the sentence that a report shows as *expected*.
#[derive(Clone, Copy)]
pub struct Check {
    /// Permanent id, kebab case, for instance `refuses-sign-in`.
    pub id: &'static str,
    /// What must hold, as a report shows it: "refusal; the protected page shows nobody".
    pub expects: &'static str,
    /// The question. Must not panic on any evidence.
    pub ask: fn(&Evidence) -> Outcome,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Nothing can be said of a walk in which no sign-in was begun.
fn no_flow() -> Outcome {
    Outcome::CannotTell("no flow was begun".to_owned())
}
