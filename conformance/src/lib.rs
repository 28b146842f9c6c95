//! Drives any web app through OpenID Connect sign-in, callback and sign-out, injects faults and attacks, and judges.
//!
//! Five small vocabularies, each in one drawer: a [`case`] says what must be true and why; a [`script`] says how browsers
//! walk; an [`edit`] says what is wrong on the browser side and a [`Fault`](mock_idp::Fault) what is wrong at the
//! authorization server; a [`check`] is a pure question to the [`evidence`].

pub mod abridge;
pub mod baseline;
pub mod browser;
pub mod case;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod describe;
pub mod discover;
pub mod edit;
pub mod elsewhere;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod feature;
pub mod habits;
pub mod markup;
pub mod names;
pub mod outcome;
pub mod placeholder;
pub mod process;
pub mod remedy;
pub mod report;
pub mod run;
pub mod runner;
pub mod script;
pub mod select;
pub mod shard;
pub mod slot;
pub mod spec;
pub mod suggest;
pub mod suite;
pub mod target;
pub mod text;
pub mod verdict;
pub mod walk;

pub use suite::{Report, Suite, SuiteError, cargo_test};
