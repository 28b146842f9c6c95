//! The words of the standards. No I/O, no axum, no faults.

pub mod draft;
pub mod keys;
