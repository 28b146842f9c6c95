//! The flows of a script by number: scripts begin them, edits take values from them, evidence says which is which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One flow of a script: from its authorization request to its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u16);

/// As people count: the first sign-in of a script is sign-in 1.
impl fmt::Display for Slot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sign-in {}", self.0 + 1)
    }
}

/// The flow that carries the variant's faults.
pub const MAIN: Slot = Slot(0);
/// An honest flow beside it.
pub const OTHER: Slot = Slot(1);
/// A third one.
pub const THIRD: Slot = Slot(2);
/// A fourth one.
pub const FOURTH: Slot = Slot(3);
