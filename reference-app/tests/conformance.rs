//! Every case of the conformance suite is a test of this app: `cargo test -p reference-app --test conformance -- callback/`
//! runs a few of them. The app runs inside this process, as `main.rs` would serve it.
//!
//! The selected cases share one run of the harness, because its controls, twins and recorded flows serve them all; the
//! first test that is asked starts it. Under nextest each test is a process of its own and runs its case alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use std::{path::Path, process::ExitCode, sync::OnceLock};

use conformance::{
    case::{Case, Lane},
    catalog,
    outcome::Verdict,
    run::RunResult,
    runner::{InProcess, Options, run},
    target::Config,
};
use libtest_mimic::{Arguments, Failed, Trial};
use reference_app::{app::App, clock::Clock};

static RESULT: OnceLock<RunResult> = OnceLock::new();

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases: Vec<&'static Case> = catalog::all().filter(|case| is_asked_for(&arguments, case)).collect();
    let trials = catalog::all().map(|case| {
        let cases = cases.clone();
        let trial = Trial::test(case.id, move || {
            let result = RESULT.get_or_init(|| judge(cases));
            verdict_of(result, case)
        });
        // A case that waits for a session to run out takes half a minute: `-- --include-ignored` runs it.
        trial.with_ignored_flag(case.lane == Lane::Slow)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What libtest-mimic will run, so that the harness walks no more than that.
fn is_asked_for(arguments: &Arguments, case: &Case) -> bool {
    let fits = |pattern: &String| {
        if arguments.exact {
            case.id == pattern
        } else {
            case.id.contains(pattern.as_str())
        }
    };
    let ignored = case.lane == Lane::Slow;
    !arguments.list
        && arguments.filter.as_ref().is_none_or(fits)
        && !arguments.skip.iter().any(fits)
        && (arguments.include_ignored || arguments.ignored == ignored)
}

fn judge(cases: Vec<&'static Case>) -> RunResult {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance.toml");
    let mut config: Config = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    config.target.start = None;
    let options = Options {
        launcher: Some(app()),
        ..Options::new(cases)
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(&config, &options, &mut |_| {}))
}

/// A pass, or a case that this app has nothing to show for, with the reason that the control saw.
fn verdict_of(result: &RunResult, case: &Case) -> Result<(), Failed> {
    if let Some(reason) = &result.aborted {
        return Err(format!("nothing was judged: {reason}").into());
    }
    let judged = result
        .cases
        .iter()
        .find(|judged| judged.case.id == case.id)
        .ok_or("the run has no verdict for it")?;
    match &judged.verdict {
        Verdict::Pass | Verdict::Skipped(_) => Ok(()),
        _ => Err(format!("{}\n{}", case.title, judged.story()).into()),
    }
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
        let router = app.map_err(|error| error.to_string())?.router();
        Ok(async move { axum::serve(listener, router).await })
    })
}
