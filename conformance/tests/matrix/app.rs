//! The flawed app inside this process, and what each setting of it means for the app, the registration and the harness.

use std::{path::Path, time::Duration};

use conformance::{
    case::Case,
    run::RunResult,
    runner::{InProcess, Options, Vars, run},
    target::Config,
};
use flawed_app::{
    Flaw, Flaws, Habits,
    config::{ClientAuth, ResponseMode},
    flaw::Setting,
};
use libtest_mimic::Failed;
use mock_idp::tenant::AuthMethod;
use tempfile::TempDir;

use crate::overlay;

/// The mail domain of everybody whom the harness invents.
const MAIL_DOMAIN: &str = "users.example.test";

/// How long short sessions live: long enough for a sign-in on a busy machine, short enough to be waited for.
const IDLE: u64 = 6;
const LIFETIME: u64 = 12;

/// How long the harness waits for an app that waits for its authorization server; the app itself gives up after ten seconds.
const PATIENCE: u64 = 30;

/// How long the app that never fetches its keys again is left alone. To learn it from that app takes two minutes: only
/// `MATRIX=both` and `MATRIX=full` do.
const COOL_DOWN: u64 = 5;

/// How the app is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) setting: Setting,
    pub(crate) mode: ResponseMode,
}

/// Runs these cases against the app with these flaws, in this process.
pub(crate) fn judged(flaws: Flaws, shape: Shape, cases: Vec<&'static Case>, seed: u64) -> Result<RunResult, Failed> {
    judged_with(flaws, Habits::none(), &[], shape, cases, seed)
}

/// As [`judged`], for an app with these habits, of which its owner tells this.
pub(crate) fn judged_with(
    flaws: Flaws,
    habits: Habits,
    told: &[&str],
    shape: Shape,
    cases: Vec<&'static Case>,
    seed: u64,
) -> Result<RunResult, Failed> {
    let folder = TempDir::new()?;
    let mut config = configuration(shape.setting, told, folder.path())?;
    if flaws.has(Flaw::JwksNeverRefetched) && !crate::wide() {
        config.run.cool_down = Some(COOL_DOWN);
    }
    let options = Options {
        launcher: Some(app(flaws, habits, shape)),
        https_issuer: shape.setting == Setting::HttpsIssuer,
        seed,
        ..Options::new(cases)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let talkative = std::env::var_os("MATRIX_VERBOSE").is_some();
    let result = runtime.block_on(run(&config, &options, &mut |event| {
        if talkative {
            eprintln!("{event:?}");
        }
    }));
    match &result.aborted {
        Some(reason) => Err(format!("nothing was judged: {reason}").into()),
        None => Ok(result),
    }
}

/// The configuration that everybody else would use, with what this setting declares.
fn configuration(setting: Setting, told: &[&str], folder: &Path) -> Result<Config, Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/flawed-app/conformance.toml");
    let mut config = overlay::configuration(&std::fs::read_to_string(&file)?, told)?;
    config.target.start = None;
    config.run.patience = Some(PATIENCE);
    folder.clone_into(&mut config.folder);
    let declares = &mut config.target.declares;
    match setting {
        Setting::RefreshTokens => declares.scopes.push("offline_access".to_owned()),
        Setting::MailDomain => declares.mail_domain = Some(MAIL_DOMAIN.to_owned()),
        Setting::ShortSessions => {
            declares.session_idle = Some(IDLE);
            declares.session_lifetime = Some(LIFETIME);
        }
        Setting::SecretJwt => config.idp.client_auth = AuthMethod::ClientSecretJwt,
        Setting::Default | Setting::StepUp | Setting::HttpsIssuer => {}
    }
    Ok(config)
}

/// The app as this setting configures it.
fn app(flaws: Flaws, habits: Habits, shape: Shape) -> InProcess {
    InProcess::new(move |listener, vars| {
        let config = app_configuration(shape, &vars).map(|config| config.with_habits(habits.clone()));
        let flaws = flaws.clone();
        async move {
            let router = flawed_app::start(config?, flaws).await?;
            Ok(async move { axum::serve(listener, router).await })
        }
    })
}

fn app_configuration(shape: Shape, vars: &Vars) -> Result<flawed_app::Config, String> {
    let mut config = flawed_app::Config::from_vars(vars);
    config.response_mode = shape.mode;
    match shape.setting {
        Setting::RefreshTokens => config.refresh_tokens = true,
        Setting::MailDomain => config.mail_domain = Some(MAIL_DOMAIN.to_owned()),
        Setting::StepUp => {
            config.max_age = Some(3600);
            config.acr_values = Some("urn:okta:loa:1fa:pwd".to_owned());
        }
        Setting::SecretJwt => config.client_auth = ClientAuth::SecretJwt,
        Setting::ShortSessions => {
            config.session_idle = Duration::from_secs(IDLE);
            config.session_lifetime = Duration::from_secs(LIFETIME);
        }
        Setting::HttpsIssuer => {
            let bundle = std::fs::read_to_string(&vars["idp.ca"]);
            config.extra_roots = Some(bundle.map_err(|error| error.to_string())?);
        }
        Setting::Default => {}
    }
    Ok(config)
}
