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

use conformance::{Suite, cargo_test, runner::InProcess, target::Config};
use reference_app::{app::App, clock::Clock, serve::serve};

fn main() -> ExitCode {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance.toml");
    let config = Config::load(&file, &[]).unwrap();
    cargo_test(Suite::new(config).in_process(app()))
}

/// This app inside this process, as `[target.start] env` in conformance.toml starts it outside.
fn app() -> InProcess {
    InProcess::new(|listener, vars| async move {
        let setting = |name: &str| {
            let variable = match name {
                "PORT" => "port",
                "OKTA_ISSUER" => "idp.issuer",
                "OKTA_CLIENT_ID" => "idp.client.id",
                "OKTA_CLIENT_SECRET" => "idp.client.secret",
                _ => return None,
            };
            vars.get(variable).cloned()
        };
        let config = reference_app::config::Config::from_lookup(setting).map_err(|error| error.to_string())?;
        let app = App::open(config, Clock::default()).await;
        let app = app.map_err(|error| error.to_string())?;
        Ok(async move { serve(listener, &app, std::future::pending()).await })
    })
}
