//! What every endpoint sees: the org, its servers' keys, the stores, the journal and the clock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use crate::{
    clock::Clock,
    flow::{
        Arming,
        armed::NextLogin,
        fault::Fault,
        journal::{Journal, RECORD_BYTES},
        scenario::Scenario,
        store::{Flow, Remote, Store, locked},
        tamper::{self, Earlier},
    },
    okta::metadata::Metadata,
    protocol::{keys::KeyRing, random},
    tenant::{AuthServer, Client, IssuerMode, Persona, Subject, Tenant, UserStatus},
};

mod org;

pub(crate) use org::CannotJoin;

/// The shared state of one mock-idp.
#[derive(Debug)]
pub(crate) struct Idp {
    /// The org's base URL as text, without a trailing slash. Fixed; never taken from a Host header.
    pub(crate) org: String,
    pub(crate) origin: Url,
    pub(crate) second_origin: Url,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    /// Posts to applications; set once the server listens.
    pub(crate) http: OnceLock<reqwest::Client>,
    /// Whether refusals that Okta would make are recorded only, for everybody.
    pub(crate) lax: bool,
    /// Wanted from whoever calls the control API.
    pub(crate) admin_token: Option<String>,
    /// The org as it was at start, the faults that were armed then, and who was signed in without the page.
    seed: Tenant,
    seed_faults: Vec<Arming>,
    seed_login: Option<String>,
    /// Whether it takes part in an org that others serve, and has none of its own.
    joins: bool,
    tenant: RwLock<Arc<Tenant>>,
    servers: RwLock<HashMap<String, Arc<Server>>>,
    /// Told whenever a server changes in this process.
    changes: watch::Sender<()>,
    /// Which state of the org this process knows, where several share it.
    version: Mutex<String>,
}

/// So many earlier keys are published at most.
const MOST_RETIRED: usize = 8;

/// An authorization server while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Empty for the org server.
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) settings: AuthServer,
    pub(crate) keys: KeyRing,
    /// Earlier keys that are still published, by their generation.
    pub(crate) retired: Vec<(u64, KeyRing)>,
    generation: u64,
    /// Server-wide faults.
    pub(crate) faults: Vec<Fault>,
    /// The second origin of whoever armed them, where several processes share it.
    second_origin: Option<Url>,
}

/// What a mock-idp is told at start beside its org.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) lax: bool,
    pub(crate) record_bytes: usize,
    /// Where several processes share what they remember.
    pub(crate) remote: Option<Arc<Remote>>,
    /// Wanted from whoever calls the control API.
    pub(crate) admin_token: Option<String>,
    /// Takes part in what others serve from the shared store.
    pub(crate) joins: bool,
    /// Armed from the start.
    pub(crate) faults: Vec<Arming>,
    /// Whoever is signed in without the page, from the start.
    pub(crate) auto_login: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lax: false,
            record_bytes: RECORD_BYTES,
            remote: None,
            admin_token: None,
            joins: false,
            faults: Vec::new(),
            auto_login: None,
        }
    }
}

impl Idp {
    pub(crate) fn new(tenant: Tenant, org: String, origin: Url, second_origin: Url, settings: Settings) -> Self {
        let idp = Self {
            org,
            origin,
            store: Store::new(settings.remote.clone(), second_origin.clone()),
            second_origin,
            clock: Clock::default(),
            journal: Journal::new(settings.record_bytes, settings.remote.as_ref()),
            joins: settings.joins,
            lax: settings.lax,
            admin_token: settings.admin_token,
            seed: tenant,
            seed_faults: settings.faults,
            seed_login: settings.auto_login,
            http: OnceLock::new(),
            servers: RwLock::default(),
            tenant: RwLock::default(),
            changes: watch::Sender::new(()),
            version: Mutex::default(),
        };
        idp.found(|_, _| {});
        if idp.store.remote().is_none() {
            idp.arm_configured();
        }
        idp
    }

    /// Back to the org as it was at start, with nothing that happened since; `keep` carries over what is to stay from the org
    /// as it is now (first argument) into the new one.
    pub(crate) fn start_over(&self, keep: impl FnOnce(&Tenant, &mut Tenant)) {
        self.shared(|| {
            self.found(keep);
            self.clock.shift_to(0);
        });
        self.store.clear();
        self.journal.clear();
        self.arm_configured();
    }

    /// The org as it is at start, in this process.
    fn found(&self, keep: impl FnOnce(&Tenant, &mut Tenant)) {
        let now = self.tenant();
        self.set_tenant(|current| {
            *current = self.seed.clone();
            keep(&now, current);
            current.found_groups();
        });
        self.set_servers(HashMap::new());
        self.install_here(AuthServer::new("", &self.org));
        for server in &self.tenant().servers {
            self.install_here(server.clone());
        }
    }

    /// Arms what is armed from the start.
    fn arm_configured(&self) {
        for arming in &self.seed_faults {
            self.store.arms.arm(arming);
        }
        if let Some(login) = &self.seed_login {
            self.store.next_logins.add(&NextLogin {
                login: login.clone(),
                client: None,
                once: false,
            });
        }
    }

    /// Shifts the clock, for every process.
    pub(crate) fn shift_clock(&self, offset: i64) {
        self.shared(|| self.clock.shift_to(offset));
    }

    /// What an application needs in its environment, and what Okta's management SDKs need.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let tenant = self.tenant();
        let mut env = vec![("OKTA_ISSUER", self.issuer_of("default"))];
        if let Some(client) = tenant.clients.first() {
            env.push(("OKTA_CLIENT_ID", client.id.clone()));
            env.extend(client.secret.clone().map(|secret| ("OKTA_CLIENT_SECRET", secret)));
        }
        env.push(("OKTA_CLIENT_ORGURL", self.org.clone()));
        let token = tenant.api_tokens.first().cloned();
        env.extend(token.map(|token| ("OKTA_CLIENT_TOKEN", token)));
        env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether a Host header names this server: by an address, as this machine, by the issuer's host or the org's own domain.
    /// A name of somebody else's that resolves to this machine (DNS rebinding) is none of these.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{host}/")) else {
            return false;
        };
        let is_ours = |name: &str| {
            let custom = self.tenant().custom_domain.clone();
            let custom = custom.and_then(|domain| Url::parse(&domain).ok());
            [Some(&self.origin), custom.as_ref()]
                .into_iter()
                .flatten()
                .any(|url| url.host_str() == Some(name))
        };
        match url.host() {
            Some(url::Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost") || is_ours(name)
            }
            // Whoever can name the address has reached it without a name.
            Some(_) => true,
            None => false,
        }
    }

    /// The org as it is now.
    pub(crate) fn tenant(&self) -> Arc<Tenant> {
        self.tenant.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the org; whoever reads it sees either the old or the new one.
    pub(crate) fn change_tenant<R>(&self, change: impl FnOnce(&mut Tenant) -> R) -> R {
        self.shared(|| self.set_tenant(change))
    }

    /// Changes the org as this process knows it.
    fn set_tenant<R>(&self, change: impl FnOnce(&mut Tenant) -> R) -> R {
        let mut tenant = self.tenant.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut tenant))
    }

    /// The active client of this id.
    pub(crate) fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.tenant().client(id).filter(|client| client.active).cloned()
    }

    /// The active authorization server of this id; empty for the org server.
    pub(crate) fn server(&self, id: &str) -> Option<Arc<Server>> {
        self.any_server(id).filter(|server| server.settings.active)
    }

    /// The authorization server of this id, active or not.
    pub(crate) fn any_server(&self, id: &str) -> Option<Arc<Server>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.get(id).cloned()
    }

    /// All custom authorization servers.
    pub(crate) fn custom_servers(&self) -> Vec<Arc<Server>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers
            .values()
            .filter(|server| !server.id.is_empty())
            .cloned()
            .collect()
    }

    fn all_servers(&self) -> Vec<Arc<Server>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.values().cloned().collect()
    }

    fn set_servers(&self, all: HashMap<String, Arc<Server>>) {
        *self.servers.write().unwrap_or_else(PoisonError::into_inner) = all;
        self.changes.send_replace(());
    }

    fn known_version(&self) -> MutexGuard<'_, String> {
        locked(&self.version)
    }

    pub(crate) fn remove_server(&self, id: &str) {
        self.shared(|| {
            let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
            servers.remove(id);
            self.changes.send_replace(());
        });
    }

    /// Who this is now: a user of the org may have changed since he signed in. `None` if he may no longer.
    pub(crate) fn current(&self, subject: &Arc<Subject>) -> Option<Arc<Subject>> {
        if subject.guest || subject.persona.sub.is_empty() {
            return Some(subject.clone());
        }
        let tenant = self.tenant();
        let user = tenant.user_by_id(&subject.persona.sub)?;
        (user.status == UserStatus::Active).then(|| Arc::new(Subject::of(user)))
    }

    /// Ends every session of this user, and revokes what was issued to him.
    pub(crate) fn end_everything(&self, user_id: &str) {
        self.end_sessions(user_id);
        self.store.tokens.each(|token| {
            let grant = token.grant.as_ref();
            if let Some(grant) = grant.filter(|grant| grant.subject.persona.sub == user_id) {
                self.store.revoke(grant);
            }
        });
    }

    pub(crate) fn end_sessions(&self, user_id: &str) {
        self.store
            .sessions
            .retain(|session| session.subject.persona.sub != user_id);
    }

    /// Adds (or replaces) an authorization server.
    pub(crate) fn install(&self, settings: AuthServer) {
        self.shared(|| self.install_here(settings));
    }

    /// Adds (or replaces) an authorization server in this process.
    fn install_here(&self, settings: AuthServer) {
        let id = settings.id.clone();
        let server = Server {
            issuer: self.issuer_for(&settings),
            keys: settings
                .signing_key
                .as_ref()
                .map_or_else(|| KeyRing::of(&id, 0), |key| key.ring()),
            retired: Vec::new(),
            generation: 0,
            faults: Vec::new(),
            second_origin: None,
            settings,
            id: id.clone(),
        };
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        servers.insert(id, Arc::new(server));
    }

    /// A fresh custom authorization server; its id.
    pub(crate) fn add_server(&self) -> String {
        let id = random::okta_id("aus");
        self.install(AuthServer::new(&id, "api://default"));
        id
    }

    /// Changes a server; `None` if there is none of this id.
    pub(crate) fn change_server<R>(&self, id: &str, change: impl FnOnce(&mut Server) -> R) -> Option<R> {
        self.shared(|| {
            let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
            let changed = servers.get_mut(id).map(|server| {
                let server = Arc::make_mut(server);
                let result = change(server);
                server.issuer = self.issuer_for(&server.settings);
                result
            });
            drop(servers);
            self.changes.send_replace(());
            changed
        })
    }

    /// Tells when a server has changed, as far as this process knows.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Whether a server-wide fault lets whoever asks this server wait.
    pub(crate) fn keeps_waiting(&self, server: &str) -> bool {
        let server = self.any_server(server);
        server.is_some_and(|server| server.faults.iter().any(|fault| fault.delays()))
    }

    /// From now on these server-wide faults are in force on this server, instead of earlier ones.
    pub(crate) fn misbehave(&self, server: &str, faults: &[Fault]) {
        self.change_server(server, |server| {
            server.faults = faults.to_vec();
            server.second_origin = self.store.remote().map(|_| self.second_origin.clone());
        });
    }

    pub(crate) fn issuer_of(&self, id: &str) -> String {
        match self.any_server(id) {
            Some(server) => server.issuer.clone(),
            None => format!("{}/oauth2/{id}", self.org),
        }
    }

    /// What the settings say, where the server is asked by the org's URL.
    fn issuer_for(&self, settings: &AuthServer) -> String {
        if settings.id.is_empty() {
            return self.org.clone();
        }
        let tenant = self.tenant();
        let own = tenant.custom_domain.as_deref();
        let base = own.filter(|_| settings.issuer_mode == IssuerMode::CustomUrl);
        format!("{}/oauth2/{}", base.unwrap_or(&self.org), settings.id)
    }

    /// The org's own domain, if this is its host.
    pub(crate) fn custom_domain(&self, host: &str) -> Option<String> {
        let tenant = self.tenant();
        let domain = tenant.custom_domain.as_deref()?;
        let authority = domain.split_once("://").map_or(domain, |(_, authority)| authority);
        authority.eq_ignore_ascii_case(host).then(|| domain.to_owned())
    }

    pub(crate) fn metadata<'a>(&'a self, server: &'a Server, tenant: &'a Tenant) -> Metadata<'a> {
        Metadata {
            org: &self.org,
            issuer: &server.issuer,
            is_org: server.id.is_empty(),
            custom_scopes: server
                .settings
                .scopes
                .iter()
                .filter(|scope| scope.published)
                .map(|scope| scope.name.as_str())
                .collect(),
            features: tenant.features,
            browser: tenant.browser_url.as_deref(),
            backend: tenant.backend_url.as_deref(),
        }
    }

    /// The session cookie's and the flow cookie's attributes: `SameSite=None; Secure` where browsers keep that, which is
    /// over https and on loopback; `Lax` elsewhere.
    pub(crate) fn cookie_attributes(&self) -> &'static str {
        let loopback = match self.origin.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        };
        if loopback || self.is_https() {
            "Path=/;Secure;HttpOnly;SameSite=None"
        } else {
            "Path=/;HttpOnly;SameSite=Lax"
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.origin.scheme() == "https"
    }
}

impl Server {
    /// A new key; the old one is withdrawn at once, with all before it, or stays in the key set (`overlap`).
    pub(crate) fn rotate(&mut self, overlap: bool) {
        self.generation += 1;
        let old = std::mem::replace(&mut self.keys, KeyRing::of(&self.id, self.generation));
        if overlap {
            self.retired.insert(0, (self.generation - 1, old));
            self.retired.truncate(MOST_RETIRED);
        } else {
            self.retired.clear();
        }
    }

    /// The key set that it publishes, the current key first.
    pub(crate) fn key_set(&self) -> Value {
        let retired = self.retired.iter().map(|(_, keys)| keys);
        let keys = std::iter::once(&self.keys).chain(retired);
        json!({"keys": keys.map(KeyRing::jwk).collect::<Vec<_>>()})
    }

    /// The keys that sign its access tokens: those of the org server are never published.
    pub(crate) fn access_token_keys(&self) -> KeyRing {
        if self.id.is_empty() {
            KeyRing::unpublished()
        } else {
            self.keys.clone()
        }
    }
}

/// Runs `body` with the context that the hooks of this flow get.
pub(crate) fn with_context<R>(
    idp: &Idp,
    server: &Server,
    flow: Option<&Arc<Flow>>,
    client: Option<&Client>,
    body: impl FnOnce(&tamper::Context<'_>) -> R,
) -> R {
    let made;
    let scenario = match flow {
        Some(flow) if !flow.scenario.user.login.is_empty() => &flow.scenario,
        Some(flow) => {
            // Faults that were armed, or came with the login: who signs in was not known when the flow began.
            let session = locked(&flow.session).clone();
            let mut scenario = flow.scenario.clone();
            if let Some(session) = session {
                scenario.user = session.subject.persona.clone();
            }
            made = scenario;
            &made
        }
        None => {
            made = Scenario::honest(Persona::default());
            &made
        }
    };
    body(&tamper::Context {
        scenario,
        issuer: &server.issuer,
        client_id: client.map_or("", |client| &client.id),
        client_secret: client.and_then(|client| client.secret.as_deref()),
        // Another process that shares the store may have been told about this, and listens there.
        second_origin: flow
            .and_then(|flow| flow.second_origin.as_ref())
            .or(server.second_origin.as_ref())
            .unwrap_or(&idp.second_origin),
        flow: flow.map(|flow| flow.id),
        keys: &server.keys,
        now: idp.clock.now(),
        own: flow.map(memory_of).unwrap_or_default(),
        earlier: flow.and_then(|flow| flow.earlier.as_ref()).map(memory_of),
    })
}

fn memory_of(flow: &Arc<Flow>) -> Earlier {
    locked(&flow.memory).clone()
}
