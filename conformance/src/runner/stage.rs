//! A stage: the app under test, running, on an authorization server of the fake org.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use mock_idp::{Client as Registration, Fault, MockIdp};
use tokio::{net::TcpStream, sync::OnceCell};
use url::Url;

use super::{
    cool_down::CoolDown,
    in_process::{InProcess, Launched},
    options::Options,
};
use crate::{
    browser::{http::Client, pool::Pool},
    evidence::TargetFacts,
    process::{App, free_port},
    target::{Config, Idp, Port, Start},
    walk::{DEFAULT_SERVER, ODD, PATIENCE, Pace, Site, World},
};

/// How long to leave an app after a key fetch that cannot be asked: the longest cool-down of the common libraries is 60 s.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// How long the port of an app that has ended may take to become free.
const PORT_PATIENCE: Duration = Duration::from_secs(5);

/// The fake org, shared by all stages of a run.
pub(super) struct Org {
    idp: MockIdp,
    /// Bundle of the system's roots and ours, when the issuer is served over TLS.
    ca: Option<Bundle>,
    client: Client,
    driver: &'static str,
    browsers: Option<Pool>,
    complaints: Complaints,
    /// How long apps are left alone after a key fetch; learnt when it is first needed.
    pub(super) cool_down: OnceCell<CoolDown>,
    pace: Arc<Pace>,
}

/// What is to be said about how apps ended, by all stages.
type Complaints = Arc<Mutex<Vec<String>>>;

/// The app on an authorization server.
pub(super) struct Stage {
    /// Where walks happen.
    pub(super) world: World,
    /// Why the app did not become ready, where server-wide faults may be the reason.
    pub(super) start_problem: Option<String>,
    app: Option<Running>,
    starter: Option<Starter>,
    vars: BTreeMap<String, String>,
    complaints: Complaints,
}

/// An app that this stage started.
enum Running {
    Process(Box<App>),
    InProcess { _app: Launched },
}

/// How this stage starts its app.
enum Starter {
    Command { start: Start, folder: PathBuf },
    InProcess(InProcess),
}

/// Who the app is at the authorization server.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Option<String>,
}

/// So much of the authorization server's records may be held, bytes.
const RECORD_BYTES: usize = 1 << 30;

impl Org {
    pub(super) async fn open(config: &Config, options: &Options, browsers: Option<Pool>) -> Result<Self, String> {
        let start = config.target.start.as_ref();
        let https = start.is_some_and(|start| start.https_issuer) || options.https_issuer;
        let port = if start.is_some() || options.launcher.is_some() {
            0
        } else {
            config.idp.port
        };
        let idp = MockIdp::builder()
            .port(port)
            .tls(https)
            // A flow's record is read when the flow has ended, however many went on beside it.
            .record_bytes(RECORD_BYTES)
            .start()
            .await
            .map_err(|error| format!("the built-in authorization server does not start: {error}"))?;
        let ca = match idp.ca_pem() {
            Some(ours) => Some(Bundle::write(config, &ours, idp.port())?),
            None => None,
        };
        Ok(Self {
            idp,
            ca,
            client: Client::new(options.timeout),
            driver: options.driver.name(),
            browsers,
            complaints: Complaints::default(),
            cool_down: OnceCell::new(),
            pace: Arc::new(Pace::of(options.pace.map(NonZeroU32::get))),
        })
    }

    pub(super) fn issuer(&self) -> String {
        self.idp.issuer_of(DEFAULT_SERVER)
    }

    /// What is to be said about how apps ended so far: the first complaint of its kind, and how often it came.
    pub(super) fn complaints(&self) -> Vec<String> {
        let all = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        let mut counted: BTreeMap<String, (usize, &String)> = BTreeMap::new();
        for complaint in all.iter() {
            counted.entry(kind(complaint)).or_insert((0, complaint)).0 += 1;
        }
        let told = |(count, first): (usize, &String)| match count {
            1 => first.clone(),
            _ => format!("{first} ({count} times)"),
        };
        counted.into_values().map(told).collect()
    }

    /// The main stage: the configured client on the `default` authorization server.
    pub(super) async fn stage(&self, config: &Config, options: &Options) -> Result<Stage, String> {
        let credentials = Credentials {
            id: config.idp.client_id.clone(),
            secret: (!config.target.declares.public_client).then(|| config.idp.client_secret.clone()),
        };
        self.raise(config, options, DEFAULT_SERVER.to_owned(), credentials, &[])
            .await
    }

    /// A fresh app on a fresh issuer that misbehaves from the start.
    pub(super) async fn fresh(
        &self,
        config: &Config,
        options: &Options,
        faults: &[Fault],
        odd_client: bool,
    ) -> Result<Stage, String> {
        let server = self.idp.add_server();
        let odd = if odd_client { ODD } else { "" };
        let secret = format!("{odd}{}", config.idp.client_secret);
        let credentials = Credentials {
            id: format!("{}{odd}{server}", config.idp.client_id),
            secret: (!config.target.declares.public_client).then_some(secret),
        };
        self.raise(config, options, server, credentials, faults).await
    }

    async fn raise(
        &self,
        config: &Config,
        options: &Options,
        server: String,
        credentials: Credentials,
        faults: &[Fault],
    ) -> Result<Stage, String> {
        let target = &config.target;
        let port = match target
            .start
            .as_ref()
            .map(|start| start.port)
            .or(options.launcher.as_ref().map(|_| Port::Auto))
        {
            Some(Port::Auto) => free_port().map_err(|error| format!("no free port for the app: {error}"))?,
            Some(Port::Fixed(port)) => port,
            None => Url::parse(&target.url)
                .ok()
                .and_then(|url| url.port_or_known_default())
                .unwrap_or(80),
        };
        let issuer = self.idp.issuer_of(&server);
        let facts = TargetFacts {
            idp: self.idp.origin().clone(),
            issuer: issuer.clone(),
            second_origin: self.idp.second_origin().clone(),
            client_id: credentials.id.clone(),
            client_secret: credentials.secret.clone(),
            driver: self.driver.to_owned(),
            restartable: target.start.is_some() || options.launcher.is_some(),
            ..TargetFacts::default()
        };
        let cool_down = config.run.cool_down.map_or(COOL_DOWN, Duration::from_secs);
        let facts = TargetFacts {
            cool_down: cool_down.as_secs(),
            ..facts
        };
        let site = Site::new(target, port, facts).map_err(|error| error.to_string())?;
        self.register(&config.idp, &credentials, &site);
        self.idp.misbehave(&server, faults);

        let starter = match (&options.launcher, &target.start) {
            (Some(launcher), _) => Some(Starter::InProcess(launcher.clone())),
            (None, Some(start)) => Some(Starter::Command {
                start: start.clone(),
                folder: config.folder.clone(),
            }),
            (None, None) => None,
        };
        let vars = BTreeMap::from([
            ("port".to_owned(), port.to_string()),
            ("url".to_owned(), site.origin.to_string()),
            ("idp.issuer".to_owned(), issuer),
            ("idp.client.id".to_owned(), credentials.id),
            ("idp.client.secret".to_owned(), credentials.secret.unwrap_or_default()),
            (
                "idp.ca".to_owned(),
                self.ca
                    .as_ref()
                    .map(|ca| ca.0.display().to_string())
                    .unwrap_or_default(),
            ),
            ("folder".to_owned(), config.folder.display().to_string()),
        ]);
        let mut stage = Stage {
            world: World {
                idp: self.idp.clone(),
                server,
                client: self.client.clone(),
                browsers: self.browsers.clone(),
                cool_down,
                patience: config.run.patience.map_or(PATIENCE, Duration::from_secs),
                crowd: options.crowd,
                pace: Arc::clone(&self.pace),
                site: Arc::new(site),
            },
            start_problem: None,
            app: None,
            starter,
            vars,
            complaints: Arc::clone(&self.complaints),
        };
        if stage.starter.is_some()
            && let Err(error) = stage.restart().await
        {
            if faults.is_empty() {
                return Err(error);
            }
            stage.start_problem = Some(error);
        }
        Ok(stage)
    }

    fn register(&self, idp: &Idp, credentials: &Credentials, site: &Site) {
        let mut client = match &credentials.secret {
            Some(secret) => Registration {
                auth_method: idp.client_auth,
                jwks: idp.client_jwks.clone(),
                ..Registration::web(&credentials.id).secret(secret)
            },
            None => Registration::browser(&credentials.id),
        };
        client = client.redirect(&site.facts.redirect_uri);
        for uri in &site.facts.post_logout {
            client = client.post_logout(uri);
        }
        client.backchannel_logout_uri = site.backchannel.as_ref().map(Url::to_string);
        client.frontchannel_logout_uri = site.frontchannel.as_ref().map(Url::to_string);
        self.idp.put_client(client);
    }
}

impl Stage {
    /// Starts the app, ending it first where it runs.
    pub(super) async fn restart(&mut self) -> Result<(), String> {
        if self.app.is_some() {
            self.end().await;
            self.port_is_free().await;
        }
        self.app = match &self.starter {
            None => return Err("the app cannot be restarted: the configuration has no [target.start]".to_owned()),
            Some(Starter::InProcess(launcher)) => Some(Running::InProcess {
                _app: launcher.launch(self.vars.clone()).await?,
            }),
            Some(Starter::Command { start, folder }) => {
                let app = App::start(start, folder, &self.vars)
                    .await
                    .map_err(|error| error.to_string())?;
                Some(Running::Process(Box::new(app)))
            }
        };
        Ok(())
    }

    /// Returns when nobody listens on the app's port any more: what a start command left behind may need a moment to end.
    /// Whoever holds on to it is named by the next start.
    async fn port_is_free(&self) {
        let Some(port) = self.vars.get("port").and_then(|port| port.parse::<u16>().ok()) else {
            return;
        };
        let began = Instant::now();
        while began.elapsed() < PORT_PATIENCE && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            // Not synchronisation between parts of this program: another process is waited for.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the harness can start the app anew.
    pub(super) fn restartable(&self) -> bool {
        self.starter.is_some()
    }

    fn process(&self) -> Option<&App> {
        match &self.app {
            Some(Running::Process(app)) => Some(app),
            _ => None,
        }
    }

    /// Whether an app that the harness started has ended by itself.
    pub(super) fn died(&self) -> bool {
        self.process().is_some_and(|app| !app.is_running())
    }

    /// How much the app has printed so far: a mark for [`Stage::output_since`].
    pub(super) fn printed(&self) -> u64 {
        self.process().map(App::printed).unwrap_or_default()
    }

    /// What the app has printed since the mark.
    pub(super) fn output_since(&self, mark: u64) -> String {
        self.process().map(|app| app.output_since(mark)).unwrap_or_default()
    }

    /// Tells the walks what the control has learnt: which cookies carry a session and which a pending sign-in, and how
    /// responses arrive.
    pub(super) fn learn(&mut self, learnt: &TargetFacts) {
        let mut site = (*self.world.site).clone();
        site.facts.session_cookies.clone_from(&learnt.session_cookies);
        site.facts.flow_cookies.clone_from(&learnt.flow_cookies);
        site.facts.response_mode = learnt.response_mode;
        self.world.site = Arc::new(site);
    }

    /// Leaves the app alone for this long after a key fetch.
    pub(super) fn be_patient(&mut self, cool_down: Duration) {
        let mut site = (*self.world.site).clone();
        site.facts.cool_down = cool_down.as_secs();
        self.world.site = Arc::new(site);
        self.world.cool_down = cool_down;
    }

    /// Ends the app.
    pub(super) async fn close(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(Running::Process(app)) = self.app.take()
            && let Some(complaint) = app.stop().await.complaint()
        {
            let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
            complaints.push(complaint);
        }
    }
}

/// The system's roots and ours in one file, as some runtimes replace the roots by what they are given. It goes with the
/// run: its authority exists no longer.
struct Bundle(PathBuf);

impl Bundle {
    fn write(config: &Config, ours: &str, port: u16) -> Result<Self, String> {
        use base64::Engine;
        let folder = config.folder.join(".conformance");
        // Runs side by side have an authority each.
        let path = folder.join(format!("ca-bundle-{port}.pem"));
        let mut bundle = ours.to_owned();
        for certificate in rustls_native_certs::load_native_certs().certs {
            let text = base64::engine::general_purpose::STANDARD.encode(&certificate);
            bundle.push_str("-----BEGIN CERTIFICATE-----\n");
            for line in text.as_bytes().chunks(64) {
                bundle.push_str(&String::from_utf8_lossy(line));
                bundle.push('\n');
            }
            bundle.push_str("-----END CERTIFICATE-----\n");
        }
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, bundle))
            .map_err(|error| format!("cannot write the CA bundle to {}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // A leftover does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}
