//! A fake Okta authorization server, to develop and test sign-in against without a live Okta org.
//!
//! It is faithful to Okta on the wire and can misbehave on purpose, one flow at a time: a [`Fault`] travels *by value*
//! with the flow it was meant for, so that any number of flows can go wrong in different ways at the same time.
//!
//! The map: [`protocol`] holds the words of the standards and does no I/O; [`flow`] holds what happens between the first
//! request and the last token, and how it can go wrong.

pub mod flow;
pub mod protocol;

pub use flow::{fault::Fault, record::Event, scenario::Scenario};
