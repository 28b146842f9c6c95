//! Every case of the conformance suite is a test of this app: `cargo test -p reference-app --test conformance -- callback/`
//! runs a few of them. The app runs inside this process, as `main.rs` would serve it.
//!
//! The selected cases share one run of the harness; under nextest each test is a process of its own and runs its case alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use std::{path::Path, process::ExitCode};

use conformance::{Suite, cargo_test, target::Config};

#[path = "it/in_process.rs"]
mod in_process;

fn main() -> ExitCode {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance.toml");
    let config = Config::load(&file, &[]).unwrap();
    cargo_test(Suite::new(config).in_process(in_process::app()))
}
