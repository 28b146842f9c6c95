//! The law of verdicts, in one room: evidence and controls in, verdict out. Nothing here does I/O, waits or draws random
//! values.
//!
//! [`law`] is the law as values that a test enumerates, [`words`] the same for people. [`judge()`] brings one attempt before
//! it, with what was [delivered](delivery) and the [`controls`] around it; [`cause`] says why a control failed; [`case`]
//! and [`profile`] settle attempts, variants and cases.

pub mod case;
pub mod cause;
pub mod controls;
pub mod delivery;
pub mod judge;
pub mod law;
pub mod profile;
pub mod words;

pub use self::{
    case::{agreed, of_case, title},
    cause::Cause,
    controls::{Afterwards, Control, Controls},
    judge::{Judgement, judge, judge_all, occurrence, watched},
    law::ProfileStatus,
    profile::{not_assessed, required},
};
