//! The flawed app inside this process, and what each setting of it means for the app, the registration and the harness.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use conformance::{
    case::Case,
    run::RunResult,
    runner::{Launch, Launched, Options, run},
    target::Config,
};
use flawed_app::{Flaws, config::ClientAuth, flaw::Setting};
use futures_util::{FutureExt, future::BoxFuture};
use libtest_mimic::Failed;
use mock_idp::tenant::AuthMethod;
use tempfile::TempDir;

/// The mail domain of everybody whom the harness invents.
const MAIL_DOMAIN: &str = "users.example.test";

/// How long short sessions live: long enough for a sign-in on a busy machine, short enough to be waited for.
const IDLE: u64 = 6;
const LIFETIME: u64 = 8;

/// Runs these cases against the app with these flaws, in this process.
pub(crate) fn judged(
    flaws: Flaws,
    setting: Setting,
    cases: Vec<&'static Case>,
    seed: u64,
) -> Result<RunResult, Failed> {
    let folder = TempDir::new()?;
    let config = configuration(setting, folder.path())?;
    let launcher: Arc<dyn Launch> = Arc::new(InProcess(flaws, setting));
    let options = Options {
        launcher: Some(launcher),
        https_issuer: setting == Setting::HttpsIssuer,
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
fn configuration(setting: Setting, folder: &Path) -> Result<Config, Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/flawed-app/conformance.toml");
    let mut config: Config = toml::from_str(&std::fs::read_to_string(&file)?)?;
    config.target.start = None;
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

struct InProcess(Flaws, Setting);

impl Launch for InProcess {
    fn launch(&self, vars: BTreeMap<String, String>) -> BoxFuture<'static, Result<Launched, String>> {
        let (flaws, setting) = (self.0.clone(), self.1);
        async move {
            let port: u16 = vars["port"].parse().map_err(|_| "the port is no number".to_owned())?;
            let listener = bind(port).await?;
            let origin = format!("http://localhost:{port}");
            let (id, secret) = (&vars["idp.client.id"], &vars["idp.client.secret"]);
            let mut config = flawed_app::Config::new(&vars["idp.issuer"], id, secret, &origin);
            match setting {
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
            let task = tokio::spawn(async move {
                let _ = flawed_app::serve(listener, config, flaws).await;
            });
            Ok(Box::new(AbortOnDrop(task)) as Launched)
        }
        .boxed()
    }
}

/// The port of the app before may be free only once its task has really ended.
async fn bind(port: u16) -> Result<tokio::net::TcpListener, String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
