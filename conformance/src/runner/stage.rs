//! A stage: the app under test, running, on an authorization server of the fake org.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mock_idp::{
    Client as Registration, Fault, MockIdp,
    flow::record::{Event, Record, Stamp},
    tenant::{AuthServer, Tenant},
};
use tokio::{
    net::TcpStream,
    sync::{OnceCell, OwnedMutexGuard, broadcast::error::RecvError},
    task::JoinSet,
};
use url::Url;

use super::{
    cool_down::CoolDown,
    in_process::{InProcess, Launched},
    joined::Guest,
    options::Options,
};
use crate::{
    browser::{http::Client, pool::Pool},
    evidence::{AppLine, TargetFacts},
    placeholder,
    process::{App, READY_LIMIT, StartError, free_port},
    target::{Config, Idp, Port, Start},
    walk::{DEFAULT_PATIENCE, DEFAULT_SERVER, ODD, Pace, Site, World, patient_with, site::Surroundings},
};

/// How long to leave an app after a key fetch that cannot be asked: the longest cool-down of the common libraries is 60 s.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// How long the port of an app that has ended may take to become free.
const PORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The fake org, shared by all stages of a run.
pub(super) struct Org {
    idp: MockIdp,
    /// Where others serve it.
    guest: Option<Guest>,
    /// Bundle of the system's roots and ours, when the issuer is served over TLS.
    ca: Option<Bundle>,
    client: Client,
    driver: &'static str,
    browsers: Option<Pool>,
    complaints: Complaints,
    /// How long apps are left alone after a key fetch; learnt when it is first needed.
    pub(super) cool_down: OnceCell<CoolDown>,
    pub(super) pace: Arc<Pace>,
    /// Apps that are ending while the run goes on.
    endings: Endings,
    /// The main stage's authorization server; empty for the org's own.
    server: String,
    /// Held while an app starts: copies of one app share their folder, and a start script may build something in it.
    starting: Arc<tokio::sync::Mutex<()>>,
    /// How many stages there were.
    raised: AtomicUsize,
    /// How often apps were started.
    pub(super) starts: Arc<Starts>,
}

/// How often the app was started, and how long that took.
#[derive(Debug, Default)]
pub(super) struct Starts {
    count: AtomicUsize,
    /// Those after which the app was ready, and what they took.
    ready: AtomicU64,
    micros: AtomicU64,
}

impl Starts {
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// How long one takes after which the app is ready.
    pub(super) fn each(&self) -> Duration {
        let ready = self.ready.load(Ordering::Acquire).max(1);
        Duration::from_micros(self.micros.load(Ordering::Acquire) / ready)
    }

    fn add(&self, time: Duration, is_ready: bool) {
        self.count.fetch_add(1, Ordering::AcqRel);
        if is_ready {
            self.micros
                .fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::AcqRel);
            self.ready.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// The right to start an app.
type Turn = OwnedMutexGuard<()>;

/// What is to be said about how apps ended, by all stages.
type Complaints = Arc<Mutex<Vec<String>>>;

/// Apps that were asked to end and may take their time.
type Endings = Arc<Mutex<JoinSet<()>>>;

/// How long the next copies of an app may take to end that ignored SIGTERM once for all the time that it had.
const GRACE_OF_THE_DEAF: Duration = Duration::from_secs(3);

/// How many times as long as usual a start may take on a machine that is busy with others.
const SLUGGISH: u32 = 3;

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
    endings: Endings,
    /// Whether no other copy can run at the same time: the port is fixed.
    is_pinned: bool,
    /// Whether the app ran already and is used as it is.
    is_borrowed: bool,
    starting: Option<Arc<tokio::sync::Mutex<()>>>,
    starts: Arc<Starts>,
    /// When the app was started last.
    started: Stamp,
    /// A bundle of this stage's own, where its authorization server is its own org.
    _ca: Option<Bundle>,
    _scratch: Option<Scratch>,
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
        let client = Client::new(options.timeout);
        let mut server = match config.idp.server.as_str() {
            "org" => String::new(),
            custom => custom.to_owned(),
        };
        let (idp, ca, guest) = match &config.idp.url {
            Some(url) => {
                let guest = Guest::join(&config.idp, url, &client, RECORD_BYTES).await?;
                if is_told(config, options, &["idp.issuer", "idp.backend"]) {
                    server = guest.add_server();
                }
                let idp = guest.idp().clone();
                idp.add_scopes(&server, &config.target.custom_scopes(&config.idp));
                guest.is_served(&server, &client).await?;
                (idp, None, Some(guest))
            }
            None => {
                let https = start.is_some_and(|start| start.https_issuer) || options.https_issuer;
                // An app that may run already knows the issuer by the port that the configuration gives it.
                let is_ours = start.is_some_and(|start| !start.reuse_existing) || options.launcher.is_some();
                let port = if is_ours { 0 } else { config.idp.port };
                let (idp, ca) = open_org(config, &server, port, https).await?;
                (idp, ca, None)
            }
        };
        Ok(Self {
            idp,
            guest,
            ca,
            client,
            driver: options.driver.name(),
            browsers,
            complaints: Complaints::default(),
            cool_down: OnceCell::new(),
            pace: Arc::new(Pace::of(options.pace.map(NonZeroU32::get))),
            endings: Endings::default(),
            server,
            starting: Arc::default(),
            raised: AtomicUsize::new(0),
            starts: Arc::default(),
        })
    }

    pub(super) fn issuer(&self) -> String {
        self.idp.issuer_of(&self.server)
    }

    /// Waits until every app has ended.
    pub(super) async fn settle(&self) {
        let all = std::mem::take(&mut *self.endings.lock().unwrap_or_else(PoisonError::into_inner));
        all.join_all().await;
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
        let mut id = config.idp.client_id.clone();
        if let Some(guest) = &self.guest
            && is_told(config, options, &["idp.client.id"])
        {
            // Another run registers another address for its app.
            id = format!("{id}{}", Stamp::now().0);
            guest.will_remove_client(&id);
        }
        let credentials = Credentials {
            id,
            secret: (!config.target.declares.public_client).then(|| config.idp.client_secret.clone()),
        };
        let realm = Realm {
            idp: self.idp.clone(),
            server: self.server.clone(),
            ca: None,
            own_server: false,
        };
        self.raise(config, options, realm, credentials, &[], false).await
    }

    /// A fresh app on a fresh issuer that misbehaves from the start.
    pub(super) async fn fresh(
        &self,
        config: &Config,
        options: &Options,
        faults: &[Fault],
        odd_client: bool,
    ) -> Result<Stage, String> {
        let realm = if self.server.is_empty() {
            // An org has one org authorization server: a fresh one needs another org.
            let https = self.ca.is_some();
            let (idp, ca) = open_org(config, "", 0, https).await?;
            Realm {
                idp,
                server: String::new(),
                ca,
                own_server: true,
            }
        } else {
            let server = match &self.guest {
                Some(guest) => guest.add_server(),
                None => self.idp.add_server(),
            };
            self.idp.add_scopes(&server, &config.target.custom_scopes(&config.idp));
            Realm {
                idp: self.idp.clone(),
                server,
                ca: None,
                own_server: true,
            }
        };
        let odd = if odd_client { ODD } else { "" };
        let place = match realm.server.as_str() {
            "" => port_of(&realm.idp).to_string(),
            server => server.to_owned(),
        };
        let secret = format!("{odd}{}", config.idp.client_secret);
        let id = format!("{}{odd}{place}", config.idp.client_id);
        if let Some(guest) = &self.guest {
            guest.will_remove_client(&id);
        }
        let credentials = Credentials {
            id,
            secret: (!config.target.declares.public_client).then_some(secret),
        };
        let may_refuse = odd_client || !faults.is_empty();
        self.raise(config, options, realm, credentials, faults, may_refuse)
            .await
    }

    /// `may_refuse`: that the app does not start is for the checks to judge, and no mistake of the set-up.
    async fn raise(
        &self,
        config: &Config,
        options: &Options,
        realm: Realm,
        credentials: Credentials,
        faults: &[Fault],
        may_refuse: bool,
    ) -> Result<Stage, String> {
        let Realm {
            idp,
            server,
            ca,
            own_server,
        } = realm;
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
        let issuer = idp.issuer_of(&server);
        let facts = TargetFacts {
            idp: idp.origin().clone(),
            issuer: issuer.clone(),
            second_origin: idp.second_origin().clone(),
            client_id: credentials.id.clone(),
            client_secret: credentials.secret.clone(),
            driver: self.driver.to_owned(),
            restartable: target.start.is_some() || options.launcher.is_some(),
            own_server,
            ..TargetFacts::default()
        };
        let cool_down = config.run.cool_down.map_or(COOL_DOWN, Duration::from_secs);
        let facts = TargetFacts {
            cool_down: cool_down.as_secs(),
            ..facts
        };
        let org = idp.origin().as_str().trim_end_matches('/').to_owned();
        let host = org.split_once("://").map_or(org.as_str(), |(_, host)| host).to_owned();
        let backend = config
            .idp
            .backend_url
            .as_deref()
            .map(|text| backend_url(text, port_of(&idp)));
        let backend = issuer.replacen(&org, backend.as_deref().unwrap_or(&org), 1);
        let bundle = ca.as_ref().or(self.ca.as_ref());
        let scratch = wants_scratch(config)
            .then(|| Scratch::make(config, self.raised.fetch_add(1, Ordering::AcqRel)))
            .transpose()?;
        let mut vars = BTreeMap::from([
            ("port".to_owned(), port.to_string()),
            ("idp.issuer".to_owned(), issuer),
            ("idp.org".to_owned(), org),
            ("idp.host".to_owned(), host),
            ("idp.port".to_owned(), port_of(&idp).to_string()),
            ("idp.backend".to_owned(), backend),
            ("idp.client.id".to_owned(), credentials.id.clone()),
            (
                "idp.client.secret".to_owned(),
                credentials.secret.clone().unwrap_or_default(),
            ),
            (
                "idp.ca".to_owned(),
                bundle.map(|ca| ca.all.display().to_string()).unwrap_or_default(),
            ),
            (
                "idp.root_ca".to_owned(),
                bundle.map(|ca| ca.root.display().to_string()).unwrap_or_default(),
            ),
            ("folder".to_owned(), config.folder.display().to_string()),
            (
                "scratch".to_owned(),
                scratch
                    .as_ref()
                    .map(|scratch| scratch.0.display().to_string())
                    .unwrap_or_default(),
            ),
        ]);
        let mut site = Site::new(target, &vars, facts).map_err(|error| error.to_string())?;
        vars.insert("url".to_owned(), site.origin.to_string());
        let env = target.start.iter().flat_map(|start| &start.env);
        site.surroundings = Surroundings {
            folder: config.folder.clone(),
            env: env
                .map(|(name, value)| (name.clone(), placeholder::replace(value, &vars)))
                .collect(),
        };
        register(&idp, &config.idp, &credentials, &site);
        idp.misbehave(&server, faults);
        let origins: Vec<Url> = [&site.origin, &site.callback]
            .into_iter()
            .chain(&site.origins)
            .cloned()
            .collect();
        let client = match target.headers.is_empty() {
            true => self.client.clone(),
            false => self.client.adding(&origins, &target.headers),
        };

        let starter = match (&options.launcher, &target.start) {
            (Some(launcher), _) => Some(Starter::InProcess(launcher.clone())),
            (None, Some(start)) => Some(Starter::Command {
                start: start.clone(),
                folder: config.folder.clone(),
            }),
            (None, None) => None,
        };
        let mut stage = Stage {
            world: World {
                idp,
                server,
                client,
                browsers: self.browsers.clone(),
                cool_down,
                patience: config.run.patience.map_or(DEFAULT_PATIENCE, Duration::from_secs),
                crowd: options.crowd,
                at_once: None,
                pace: Arc::clone(&self.pace),
                site: Arc::new(site),
            },
            start_problem: None,
            app: None,
            starter,
            vars,
            complaints: Arc::clone(&self.complaints),
            endings: Arc::clone(&self.endings),
            is_pinned: target.has_fixed_port(),
            is_borrowed: false,
            // Who has a folder of his own does not disturb anybody.
            starting: scratch.is_none().then(|| Arc::clone(&self.starting)),
            starts: Arc::clone(&self.starts),
            started: Stamp::default(),
            _ca: ca,
            _scratch: scratch,
        };
        if stage.starter.is_some()
            && let Err(error) = stage.restart_facing(faults).await
        {
            if !may_refuse {
                return Err(error);
            }
            stage.start_problem = Some(error);
        }
        Ok(stage)
    }
}

/// Where a stage's authorization server is.
struct Realm {
    idp: MockIdp,
    server: String,
    ca: Option<Bundle>,
    own_server: bool,
}

/// A fake org with the authorization server that the configuration names.
async fn open_org(config: &Config, server: &str, port: u16, https: bool) -> Result<(MockIdp, Option<Bundle>), String> {
    let mut tenant = Tenant::default();
    let mut host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut port = port;
    if let Some(backend) = &config.idp.backend_url {
        // The metadata are written when the server starts, so its port has to be known before.
        if port == 0 {
            port = free_port().map_err(|error| format!("no free port for the authorization server: {error}"))?;
        }
        tenant.backend_url = Some(backend_url(backend, port));
        host = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    }
    if !server.is_empty() && server != DEFAULT_SERVER {
        tenant.servers.push(AuthServer::new(server, "api://default"));
    }
    let idp = MockIdp::builder()
        .tenant(tenant)
        .host(host)
        .port(port)
        .tls(https)
        // A flow's record is read when the flow has ended, however many went on beside it.
        .record_bytes(RECORD_BYTES)
        .start()
        .await
        .map_err(|error| format!("the built-in authorization server does not start: {error}"))?;
    if !server.is_empty() {
        idp.add_scopes(server, &config.target.custom_scopes(&config.idp));
    }
    let ca = match idp.ca_pem() {
        Some(ours) => Some(Bundle::write(config, &ours, idp.port())?),
        None => None,
    };
    Ok((idp, ca))
}

/// Where the app reaches the authorization server, without a trailing slash.
fn backend_url(text: &str, port: u16) -> String {
    let filled = placeholder::replace(text, &BTreeMap::from([("idp.port".to_owned(), port.to_string())]));
    filled.trim_end_matches('/').to_owned()
}

fn register(org: &MockIdp, idp: &Idp, credentials: &Credentials, site: &Site) {
    let mut client = match &credentials.secret {
        Some(secret) => {
            let mut client = Registration::web(&credentials.id).secret(secret);
            client.auth_method = idp.client_auth;
            client.jwks.clone_from(&idp.client_jwks);
            client
        }
        None => Registration::browser(&credentials.id),
    };
    client = client.redirect(&site.facts.redirect_uri);
    for uri in &site.facts.post_logout {
        client = client.post_logout(uri);
    }
    client.backchannel_logout_uri = site.backchannel.as_ref().map(Url::to_string);
    client.frontchannel_logout_uri = site.frontchannel.as_ref().map(Url::to_string);
    org.put_client(client);
}

/// Whether a copy of the app is to have a folder of its own.
fn wants_scratch(config: &Config) -> bool {
    config
        .target
        .start
        .as_ref()
        .is_some_and(|start| names(start, &["scratch"]))
}

/// Whether copies of the app start one after the other.
pub(super) fn starts_in_turn(config: &Config, options: &Options) -> bool {
    config.target.has_fixed_port() || (options.launcher.is_none() && !wants_scratch(config))
}

/// Whether how the app is started names one of these placeholders.
fn names(start: &Start, wanted: &[&str]) -> bool {
    let mut texts = start.env.values().chain([&start.command]);
    texts.any(|text| placeholder::names(text).any(|name| wanted.contains(&name)))
}

/// Whether the app is told one of these when it starts, instead of knowing it.
fn is_told(config: &Config, options: &Options, wanted: &[&str]) -> bool {
    let start = config.target.start.as_ref();
    options.launcher.is_some() || start.is_some_and(|start| !start.reuse_existing && names(start, wanted))
}

/// The port at which the authorization server is reached.
fn port_of(idp: &MockIdp) -> u16 {
    idp.origin().port_or_known_default().unwrap_or_else(|| idp.port())
}

/// An empty folder for one copy of the app; it goes with the stage.
struct Scratch(PathBuf);

impl Scratch {
    fn make(config: &Config, number: usize) -> Result<Self, String> {
        let name = format!("{}-{number}", std::process::id());
        let path = config.folder.join(".conformance").join("scratch").join(name);
        std::fs::create_dir_all(&path).map_err(|error| {
            format!(
                "no folder for a copy of the app can be made at {}: {error}",
                path.display()
            )
        })?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Stage {
    /// Starts the app, ending it first where it runs.
    pub(super) async fn restart(&mut self) -> Result<(), String> {
        self.restart_facing(&[]).await
    }

    /// The same while its authorization server has these faults.
    async fn restart_facing(&mut self, faults: &[Fault]) -> Result<(), String> {
        if self.app.is_some() {
            self.end().await;
            self.port_is_free().await;
        }
        self.started = Stamp::now();
        // A limit counts in the process.
        self.world.pace.begin_anew(&self.world.site.origin);
        self.app = Some(self.launch(faults).await?);
        Ok(())
    }

    async fn launch(&mut self, faults: &[Fault]) -> Result<Running, String> {
        match &self.starter {
            None => Err("the app cannot be restarted: the configuration has no [target.start]".to_owned()),
            Some(Starter::InProcess(launcher)) => {
                let began = Instant::now();
                let launched = launcher.launch(self.vars.clone()).await;
                self.starts.add(began.elapsed(), launched.is_ok());
                Ok(Running::InProcess { _app: launched? })
            }
            Some(Starter::Command { start, folder }) => {
                let start = &self.limited(start, faults);
                let turn = match &self.starting {
                    Some(turn) => Some(Arc::clone(turn).lock_owned().await),
                    None => None,
                };
                let began = Instant::now();
                let started = match turn {
                    Some(turn) => self.started_in_turn(start, folder, turn).await,
                    None => App::start(start, folder, &self.vars).await,
                };
                if !matches!(&started, Ok(app) if app.is_borrowed()) {
                    self.starts.add(began.elapsed(), started.is_ok());
                }
                let app = started.map_err(|error| error.to_string())?;
                if app.is_borrowed() {
                    // It was there before us: nobody may end it, and a fresh copy would find its place taken.
                    let mut site = (*self.world.site).clone();
                    site.facts.restartable = false;
                    self.world.site = Arc::new(site);
                    self.is_borrowed = true;
                }
                Ok(Running::Process(Box::new(app)))
            }
        }
    }

    /// Starts the app. The next one may start when it answers, or asks its authorization server for something: whatever a start
    /// script builds is there by then, and an app that is kept waiting for its metadata keeps nobody else.
    async fn started_in_turn(&self, start: &Start, folder: &Path, turn: Turn) -> Result<App, StartError> {
        let mut news = self.world.idp.subscribe();
        let is_asked =
            |record: &Record| record.server == self.world.server && matches!(record.event, Event::Received { .. });
        let asks = async {
            loop {
                match news.recv().await {
                    Ok(record) if is_asked(&record) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    // Nothing will be heard: then the app's own answer ends the turn.
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let started = App::start(start, folder, &self.vars);
        tokio::pin!(started);
        tokio::select! {
            started = &mut started => return started,
            () = asks => drop(turn),
        }
        started.await
    }

    /// Starts the app with an authorization server that misbehaves so from its start.
    pub(super) async fn restart_under(&mut self, faults: &[Fault]) {
        self.world.idp.misbehave(&self.world.server, faults);
        self.start_problem = self.restart_facing(faults).await.err();
    }

    /// An app that its authorization server keeps waiting gets no more time to start than a start takes and an answer may take:
    /// after that it waits for what does not come.
    fn limited(&self, start: &Start, faults: &[Fault]) -> Start {
        let usual = self.starts.each() * SLUGGISH;
        let limit = usual.saturating_add(self.world.patience).as_secs().saturating_add(1);
        let timeout = match faults.iter().any(|fault| fault.delays()) && !usual.is_zero() {
            true => Some(start.timeout.unwrap_or(READY_LIMIT.as_secs()).min(limit)),
            false => start.timeout,
        };
        Start {
            timeout,
            ..start.clone()
        }
    }

    /// When the app was started last.
    pub(super) fn started(&self) -> Stamp {
        self.started
    }

    /// The world for a walk with these faults, to which what the authorization server was asked since then belongs.
    pub(super) fn world_since(&self, since: Stamp, faults: &[Fault]) -> World {
        let mut world = patient_with(&self.world, faults).unwrap_or_else(|| self.world.clone());
        let mut site = (*world.site).clone();
        site.facts.own_since = Some(since);
        world.site = Arc::new(site);
        world
    }

    /// Returns when nobody listens on the app's port any more: what a start command left behind may need a moment to end.
    /// Whoever holds on to it is named by the next start.
    async fn port_is_free(&self) {
        let Some(port) = self.vars.get("port").and_then(|port| port.parse::<u16>().ok()) else {
            return;
        };
        let began = Instant::now();
        while began.elapsed() < PORT_TIMEOUT && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            // Not synchronisation between parts of this program: another process is waited for.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the harness can start the app anew.
    pub(super) fn restartable(&self) -> bool {
        self.starter.is_some() && !self.is_borrowed
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

    /// The same by lines, with their times.
    pub(super) fn lines_since(&self, mark: u64) -> Vec<AppLine> {
        self.process().map(|app| app.lines_since(mark)).unwrap_or_default()
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

    /// Makes it one more running app like that of these facts: several walk on it at the same time, so what its authorization
    /// server was asked belongs to one of them only where a value of its shows that.
    pub(super) fn takes_after(&mut self, learnt: &TargetFacts) {
        self.learn(learnt);
        let mut site = (*self.world.site).clone();
        site.facts.own_server = false;
        self.world.site = Arc::new(site);
    }

    /// Leaves the app alone for this long after a key fetch.
    pub(super) fn be_patient(&mut self, cool_down: Duration) {
        let mut site = (*self.world.site).clone();
        site.facts.cool_down = cool_down.as_secs();
        self.world.site = Arc::new(site);
        self.world.cool_down = cool_down;
    }

    /// Ends the app. Where another copy can start meanwhile, it takes its time while the run goes on.
    pub(super) async fn close(mut self) {
        if self.is_pinned {
            return self.end().await;
        }
        let endings = Arc::clone(&self.endings);
        let mut endings = endings.lock().unwrap_or_else(PoisonError::into_inner);
        endings.spawn(async move { self.end().await });
    }

    /// Ends the app and keeps everything else: a fresh copy can have its port.
    pub(super) async fn make_way(&mut self) {
        self.end().await;
    }

    /// Whether no other copy of the app can run at the same time.
    pub(super) fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    async fn end(&mut self) {
        let Some(Running::Process(app)) = self.app.take() else {
            return;
        };
        let is_deaf = {
            let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
            complaints.iter().any(|complaint| complaint.contains("SIGTERM"))
        };
        let ending = match is_deaf {
            true => app.stop_within(GRACE_OF_THE_DEAF).await,
            false => app.stop().await,
        };
        if let Some(complaint) = ending.complaint() {
            let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
            complaints.push(complaint);
        }
    }
}

/// What the app is to trust. The files go with the run: its authority exists no longer.
struct Bundle {
    /// The system's roots and ours, as some runtimes replace the roots by what they are given.
    all: PathBuf,
    /// Ours alone. A runtime that reads its certificates for each request is several times as fast with it.
    root: PathBuf,
}

impl Bundle {
    fn write(config: &Config, ours: &str, port: u16) -> Result<Self, String> {
        use base64::Engine;
        let folder = config.folder.join(".conformance");
        // Runs side by side have an authority each.
        let written = Self {
            all: folder.join(format!("ca-bundle-{port}.pem")),
            root: folder.join(format!("ca-root-{port}.pem")),
        };
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
            .and_then(|()| std::fs::write(&written.all, bundle))
            .and_then(|()| std::fs::write(&written.root, ours))
            .map_err(|error| format!("cannot write the CA bundle to {}: {error}", folder.display()))?;
        Ok(written)
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        for file in [&self.all, &self.root] {
            // A leftover does no harm.
            let _ = std::fs::remove_file(file);
        }
    }
}
