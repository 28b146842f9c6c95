//! The flawed app inside this process, and what a run says of it.

use conformance::{
    run::{CaseResult, RunResult},
    runner::InProcess,
    target::Config,
};
use flawed_app::{Flaw, Flaws, Habits};

/// Its configuration, without a command that starts it.
pub(crate) fn config() -> Config {
    let mut config: Config = toml::from_str(include_str!("../../../fixtures/flawed-app/conformance.toml")).unwrap();
    config.target.start = None;
    config
}

/// The app with this flaw, or the right one.
pub(crate) fn launcher(flaw: Option<Flaw>) -> InProcess {
    launcher_with(flaw, Habits::none())
}

/// The same with these habits.
pub(crate) fn launcher_with(flaw: Option<Flaw>, habits: Habits) -> InProcess {
    let flaws = flaw.map(Flaws::from).unwrap_or_default();
    InProcess::new(move |listener, vars| {
        let config = flawed_app::Config::from_vars(&vars).with_habits(habits.clone());
        let flaws = flaws.clone();
        async move {
            let router = flawed_app::start(config, flaws).await?;
            Ok(async move { axum::serve(listener, router).await })
        }
    })
}

/// Each variant with its verdict, in the order of the catalogue.
pub(crate) fn verdicts(result: &RunResult) -> Vec<String> {
    let of_case = |case: &CaseResult| {
        let id = case.case.id;
        let variants = case.variants.iter();
        variants
            .map(|variant| format!("{id} {}: {}", variant.name, variant.verdict.word()))
            .collect::<Vec<_>>()
    };
    result.cases.iter().flat_map(of_case).collect()
}
