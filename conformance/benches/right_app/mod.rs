//! What the benchmarks run against: the flawed app without a flaw, inside this process.

use conformance::{runner::InProcess, target::Config};
use flawed_app::Flaws;

const CONFIG: &str = include_str!("../../../fixtures/flawed-app/conformance.toml");

/// Starts it.
pub(crate) fn launcher() -> InProcess {
    InProcess::new(|listener, vars| {
        let serving = flawed_app::serve(listener, flawed_app::Config::from_vars(&vars), Flaws::none());
        async { Ok(serving) }
    })
}

/// How it is driven, without the command that would start it as a process.
pub(crate) fn config() -> Config {
    let mut config: Config = toml::from_str(CONFIG).expect("the fixture's configuration is right");
    config.target.start = None;
    config
}
