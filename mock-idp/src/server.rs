//! [`MockIdp`]: bind, serve, begin flows, read what happened; stops when its last handle is dropped.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::{broadcast, watch},
    task::spawn_blocking,
};
use tower::ServiceExt as _;
use url::Url;

use crate::{
    control, data,
    endpoint::{
        logout_token::{self, LogoutTokenError},
        serve,
        universal_logout::{self, UniversalLogout},
    },
    flow::{
        Arming,
        fault::Fault,
        record::{Record, Stamp},
        scenario::{Barrier, FlowId, Scenario},
        store::Remote,
    },
    idp::{CannotJoin, Idp, Settings},
    router,
    tenant::{Client, Scope, Tenant, User},
    tls::Tls,
    wire,
};

mod flow_handle;
mod visit;

pub use flow_handle::FlowHandle;
pub use visit::{Visit, VisitError};

/// A fake Okta that listens. Cloning gives another handle; when the last one is dropped, it stops.
///
/// ```
/// # #[tokio::main] async fn main() {
/// let idp = mock_idp::MockIdp::start().await.unwrap();
/// assert_eq!(idp.issuer(), format!("{}oauth2/default", idp.origin()));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MockIdp {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    idp: Arc<Idp>,
    port: u16,
    tls: Option<Tls>,
    http: reqwest::Client,
    stop: watch::Sender<bool>,
    router: axum::Router,
    runtime: Handle,
    data: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Why a mock-idp did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there, or the address is not ours.
    #[error("cannot listen on {host}:{port}: {source}")]
    Bind {
        /// The address.
        host: IpAddr,
        /// The port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// The issuer is no URL that an issuer can be.
    #[error("the issuer `{0}` is not a URL like http://127.0.0.1:9494 (scheme, host and port only)")]
    Issuer(String),
    /// No certificate could be made.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// No client for logout tokens could be made.
    #[error("cannot set up the HTTP client that posts logout tokens: {0}")]
    HttpClient(#[source] reqwest::Error),
    /// The store that several processes share is none.
    #[error("{0}")]
    Store(String),
    /// The file with users, clients and sessions is none.
    #[error("cannot keep users, clients and sessions: {0}")]
    Data(String),
}

/// How a mock-idp is to be started. Everything has a default.
#[derive(Clone, Debug)]
pub struct Builder {
    tenant: Tenant,
    host: IpAddr,
    port: u16,
    issuer: Option<String>,
    tls: bool,
    certificate: Option<(String, String)>,
    data: Option<PathBuf>,
    store: Option<String>,
    settings: Settings,
    own_clients: bool,
    own_users: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            tenant: Tenant::default(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            issuer: None,
            tls: false,
            certificate: None,
            data: None,
            store: None,
            settings: Settings::default(),
            own_clients: false,
            own_users: false,
        }
    }
}

impl Builder {
    /// The whole org, instead of the default one.
    #[must_use]
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        (self.own_clients, self.own_users) = (true, true);
        self
    }

    /// Adds a user, by login alone or in full; the first one takes the place of the default users.
    #[must_use]
    pub fn user(mut self, user: impl Into<User>) -> Self {
        if !std::mem::replace(&mut self.own_users, true) {
            self.tenant.users.clear();
        }
        self.tenant.users.push(Arc::new(user.into()));
        self
    }

    /// Adds a client; the first one takes the place of the default client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        if !std::mem::replace(&mut self.own_clients, true) {
            self.tenant.clients.clear();
        }
        self.tenant.clients.push(Arc::new(client));
        self
    }

    /// The port; 0, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen on; 127.0.0.1 by default.
    #[must_use]
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// The org's URL as clients see it, where that differs from where we listen (a container, a proxy).
    #[must_use]
    pub fn issuer(mut self, url: &str) -> Self {
        self.issuer = Some(url.to_owned());
        self
    }

    /// Serve https with a certificate of a CA made at start; see [`MockIdp::ca_pem`].
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Serve https with this certificate chain and its private key, both PEM, instead of one made at start. Faults of the
    /// certificate are then certificates that nobody trusts.
    #[must_use]
    pub fn certificate(mut self, chain_pem: &str, key_pem: &str) -> Self {
        self.certificate = Some((chain_pem.to_owned(), key_pem.to_owned()));
        self.tls = true;
        self
    }

    /// Keep users, clients and sessions in this file: what it holds comes before what is configured, and it is written
    /// shortly after each change and by [`MockIdp::save`].
    #[must_use]
    pub fn data(mut self, file: &Path) -> Self {
        self.data = Some(file.to_owned());
        self
    }

    /// Remember nothing in this process, but everything in Redis, which several processes share: `redis://HOST:PORT/DB`. It is
    /// connected to when it is first needed; while it is away every request is answered with 503.
    #[must_use]
    pub fn store(mut self, url: &str) -> Self {
        self.store = Some(url.to_owned());
        self
    }

    /// Take part in what other processes serve from the store: begin flows, arm faults and read records for all of them, at the
    /// issuer that they serve. This one brings no users, clients and authorization servers with it, and leaves aside what was
    /// recorded before.
    #[must_use]
    pub fn joins(mut self, joins: bool) -> Self {
        self.settings.joins = joins;
        self
    }

    /// Accept what Okta would refuse, for everybody, and say so on every page.
    #[must_use]
    pub fn lax(mut self, lax: bool) -> Self {
        self.settings.lax = lax;
        self
    }

    /// How many bytes of records are kept of flows that were begun, and as many of all others; the oldest are forgotten first.
    /// 8 MiB each by default; with 0 nothing is recorded.
    #[must_use]
    pub fn record_bytes(mut self, bytes: usize) -> Self {
        self.settings.record_bytes = bytes;
        self
    }

    /// The control API answers only to whoever sends this token as a bearer token. Without one it answers to callers on this
    /// machine alone.
    #[must_use]
    pub fn admin_token(mut self, token: &str) -> Self {
        self.settings.admin_token = Some(token.to_owned());
        self
    }

    /// Arms this fault from the start, and again at each reset. One whose [`Arming::objection`] is not `None` is never given to
    /// anybody.
    #[must_use]
    pub fn arm(mut self, arming: Arming) -> Self {
        self.settings.faults.push(arming);
        self
    }

    /// Signs in whoever has this login wherever the page would be shown, without the page.
    #[must_use]
    pub fn auto_login(mut self, login: &str) -> Self {
        self.settings.auto_login = Some(login.to_owned());
        self
    }

    /// Listens and serves; ready when this returns.
    ///
    /// # Errors
    /// When the port is taken, the issuer is no origin, or TLS cannot be set up.
    pub async fn start(mut self) -> Result<MockIdp, StartError> {
        if let Some(url) = &self.store {
            if self.data.is_some() {
                let text = "users, clients and sessions are kept in the shared store already: leave the data file away";
                return Err(StartError::Store(text.to_owned()));
            }
            let remote = Remote::new(url, self.settings.record_bytes).map_err(StartError::Store)?;
            self.settings.remote = Some(remote);
        }
        if self.settings.joins {
            let tenant = &mut self.tenant;
            (tenant.users, tenant.clients) = (Vec::new(), Vec::new());
            (tenant.groups, tenant.servers) = (Vec::new(), Vec::new());
        }
        let listener = bind(self.host, self.port).await?;
        let second = bind(self.host, 0).await?;
        let port = local_port(&listener);
        let scheme = if self.tls { "https" } else { "http" };
        let listening = origin(scheme, self.host, port);
        let second_origin = origin("http", self.host, local_port(&second));
        let wanted = self.issuer.as_deref().unwrap_or(&listening);
        let wrong = || StartError::Issuer(wanted.to_owned());
        let url = Url::parse(wanted).map_err(|_| wrong())?;
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.has_host();
        if !is_origin || !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let org = url.as_str().trim_end_matches('/').to_owned();
        let second_origin = Url::parse(&second_origin).map_err(|_| wrong())?;
        let name = url.host_str().unwrap_or_default().to_owned();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(logout_token::ANSWER_LIMIT)
            .no_proxy()
            // Loading the system's roots would be most of our start-up, and applications under test sign their own.
            .tls_certs_only([])
            .tls_danger_accept_invalid_certs(true)
            .build()
            .map_err(StartError::HttpClient)?;
        let mut tenant = self.tenant;
        let saved = match &self.data {
            Some(file) => Some(data::load(file, &mut tenant).map_err(StartError::Data)?),
            None => None,
        };
        let joins = self.settings.joins;
        let idp = Arc::new(Idp::new(tenant, org, url, second_origin, self.settings));
        if joins {
            let idp = idp.clone();
            // Waits for Redis.
            let joined = spawn_blocking(move || idp.take_part()).await;
            joined
                .unwrap_or(Err(CannotJoin::Nobody))
                .map_err(|why| StartError::Store(why.to_string()))?;
        }
        let tls = match (self.tls, &self.certificate) {
            (true, Some((chain, key))) => Some(Tls::own(&idp, &name, self.host, chain, key).map_err(StartError::Tls)?),
            (true, None) => Some(Tls::make(&idp, &name, self.host).map_err(StartError::Tls)?),
            (false, _) => None,
        };
        if let Some(saved) = saved {
            saved.into_store(&idp);
        }
        let (stop, stopped) = watch::channel(false);
        // Nobody else has it yet.
        let _ = idp.http.set(http.clone());
        if idp.store.remote().is_some() {
            tokio::spawn(serve::follow(Arc::downgrade(&idp), stopped.clone()));
        } else {
            control::Control {
                idp: idp.clone(),
                tls: tls.clone(),
            }
            .enforce();
        }
        let router = router::router(&idp, tls.clone());
        tokio::spawn(wire::serve(listener, tls.clone(), router.clone(), stopped.clone()));
        if let Some(file) = self.data.clone() {
            tokio::spawn(data::keep(
                Arc::downgrade(&idp),
                idp.journal.subscribe(),
                file,
                stopped.clone(),
            ));
        }
        tokio::spawn(wire::serve(second, None, router::second_origin(&idp), stopped));
        Ok(MockIdp {
            running: Arc::new(Running {
                idp,
                port,
                tls,
                http,
                router,
                runtime: Handle::current(),
                stop,
                data: self.data,
            }),
        })
    }
}

impl MockIdp {
    /// Starts with defaults: a free port on loopback, one web client, Alice and Bob.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// To start with something else than the defaults.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it is reached: `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn origin(&self) -> &Url {
        &self.idp().origin
    }

    /// The port on which it listens, which the origin may hide.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.running.port
    }

    /// The issuer of the `default` authorization server.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.issuer_of("default")
    }

    /// The issuer of an authorization server; the empty id is the org server.
    #[must_use]
    pub fn issuer_of(&self, server: &str) -> String {
        self.idp().issuer_of(server)
    }

    /// The attacker's origin: records every hit; paths that begin with a flow's id are bound to that flow.
    #[must_use]
    pub fn second_origin(&self) -> &Url {
        &self.idp().second_origin
    }

    /// The CA that signed the certificate, PEM; `None` without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.running.tls.as_ref().map(|tls| tls.ca_pem.clone())
    }

    /// What an application needs in its environment: `OKTA_ISSUER`, `OKTA_CLIENT_ID`, and `OKTA_CLIENT_SECRET` where the
    /// client has one; then what Okta's management SDKs need, `OKTA_CLIENT_ORGURL` and `OKTA_CLIENT_TOKEN`.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        self.idp().env()
    }

    /// A fresh custom authorization server with a `kid` of its own; its id.
    #[must_use]
    pub fn add_server(&self) -> String {
        self.idp().add_server()
    }

    /// Removes a custom authorization server.
    pub fn remove_server(&self, server: &str) {
        self.idp().remove_server(server);
    }

    /// Lets a server know these scopes beside the built-in ones, as an admin adds them; its metadata lists them.
    pub fn add_scopes(&self, server: &str, names: &[String]) {
        self.idp().change_server(server, |server| {
            let known = &mut server.settings.scopes;
            for name in names {
                if known.iter().all(|scope| scope.name != *name) {
                    known.push(Scope {
                        name: name.clone(),
                        published: true,
                        ..Scope::default()
                    });
                }
            }
        });
    }

    /// Answers a request without a connection, as it would be answered over one; for property tests and fuzzing.
    pub async fn answer(&self, request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let request = request.map(axum::body::Body::from);
        let Ok(answer) = self.running.router.clone().oneshot(request).await;
        let (parts, body) = answer.into_parts();
        // A body that breaks off on purpose is what came of it until then.
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        http::Response::from_parts(parts, body.to_vec())
    }

    /// From now on these server-wide faults (metadata, keys, certificate) are in force on this server, instead of earlier
    /// ones. A fault of the certificate is seen by whoever connects, whatever server he asks, and ends open connections.
    pub fn misbehave(&self, server: &str, faults: &[Fault]) {
        self.idp().misbehave(server, faults);
        if let Some(tls) = &self.running.tls {
            tls.misbehave(server, faults);
        }
    }

    /// Ends the server-wide faults of this server.
    pub fn behave(&self, server: &str) {
        self.misbehave(server, &[]);
    }

    /// A new signing key with a new `kid`; the old one leaves the key set at once.
    pub fn rotate_keys(&self, server: &str) {
        self.idp().change_server(server, |server| server.rotate(false));
    }

    /// The first registered client.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.idp().tenant().clients.first().map(|client| Client::clone(client))
    }

    /// Replaces all registrations.
    pub fn set_clients(&self, clients: Vec<Client>) {
        self.idp()
            .change_tenant(|tenant| tenant.clients = clients.into_iter().map(Arc::new).collect());
    }

    /// Registers a client, in the place of one with the same id if there is one.
    pub fn put_client(&self, client: Client) {
        let client = Arc::new(client);
        self.idp().change_tenant(
            |tenant| match tenant.clients.iter_mut().find(|known| known.id == client.id) {
                Some(known) => *known = client.clone(),
                None => tenant.clients.push(client.clone()),
            },
        );
    }

    /// Removes the registration of this id.
    pub fn remove_client(&self, id: &str) {
        self.idp()
            .change_tenant(|tenant| tenant.clients.retain(|client| client.id != id));
    }

    /// Begins a flow: watched, carrying its scenario, kept until it is forgotten. Its authorization server is the one that its
    /// authorization request names.
    #[must_use]
    pub fn begin(&self, scenario: Scenario) -> FlowHandle {
        let barrier = scenario.barrier.clone();
        let flow = self.idp().store.begin(true, scenario);
        if let Some(barrier) = barrier.filter(|_| self.idp().store.remote().is_some()) {
            self.tell_release(barrier, flow.id);
        }
        let mut enter = self.idp().origin.clone();
        enter.set_path(&format!("{}/flows/{}/enter", control::BASE, flow.id));
        FlowHandle::new(self, flow.id, enter)
    }

    /// Lets the other processes know when this barrier is open.
    fn tell_release(&self, barrier: Barrier, flow: FlowId) {
        let idp = Arc::downgrade(self.idp());
        self.running.runtime.spawn(async move {
            barrier.opened().await;
            if let Some(idp) = idp.upgrade() {
                // Waits for Redis.
                let _ = spawn_blocking(move || idp.store.release(flow)).await;
            }
        });
    }

    /// What happened in this flow so far, in order.
    #[must_use]
    pub fn records(&self, flow: FlowId) -> Vec<Record> {
        owned(self.idp().journal.of(flow, self.idp().store.flow(flow).as_ref()))
    }

    /// What happened since then outside of flows that were begun: metadata, keys, unknown codes and tokens, strangers at
    /// the second origin, and sign-ins that nobody began, which have a flow of their own. The latest 20,000 are kept.
    #[must_use]
    pub fn unbound(&self, since: Stamp) -> Vec<Record> {
        owned(self.idp().journal.unbound(since))
    }

    /// Every record of this process from now on. A subscriber that falls some thousand records behind loses the oldest.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.idp().journal.subscribe()
    }

    /// As [`MockIdp::subscribe`], with what the other processes record that share the store, if there is one.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Arc<Record>> {
        self.idp().journal.follow()
    }

    /// Frees what is kept of this flow; late requests of it are still answered, but no longer found here.
    pub fn forget(&self, flow: FlowId) {
        self.idp().store.forget(flow);
    }

    /// Shifts the server's clock: it runs this many seconds ahead of the system's.
    pub fn shift_clock(&self, seconds: i64) {
        self.idp().shift_clock(seconds);
    }

    /// Posts a logout token for the session of this flow to its client's back-channel logout URI, through the hook of the
    /// flow's faults; the answer is returned and recorded as `Event::LogoutTokenPosted`.
    ///
    /// # Errors
    /// When the flow has no sign-in yet or its client no such URI. What the relying party does wrong is no error.
    pub async fn send_logout_token(&self, flow: FlowId) -> Result<Option<u16>, LogoutTokenError> {
        logout_token::send(self.idp(), &self.running.http, flow).await
    }

    /// Ends every session and every token of the user with this login, and tells the applications that have a place for it, as
    /// Okta's Universal Logout does; what they answered. Empty if there is no such user.
    pub async fn universal_logout(&self, login: &str) -> Vec<UniversalLogout> {
        let Some(user) = self.idp().tenant().user(login).cloned() else {
            return Vec::new();
        };
        self.idp().end_everything(&user.id);
        universal_logout::send(self.idp().clone(), user).await
    }

    /// Writes users, clients and sessions into the file of [`Builder::data`] now, if there is one.
    pub fn save(&self) {
        if let Some(file) = &self.running.data {
            data::save(self.idp(), file);
        }
    }

    pub(crate) fn idp(&self) -> &Arc<Idp> {
        &self.running.idp
    }

    /// The client that trusts any certificate and follows no redirect.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.running.http.clone()
    }

    /// A handle that does not keep the server running.
    pub(crate) fn weak(&self) -> WeakIdp {
        WeakIdp(Arc::downgrade(&self.running))
    }
}

/// A handle on a mock-idp that may have stopped.
#[derive(Clone, Debug)]
pub(crate) struct WeakIdp(Weak<Running>);

impl WeakIdp {
    pub(crate) fn upgrade(&self) -> Option<MockIdp> {
        self.0.upgrade().map(|running| MockIdp { running })
    }
}

fn owned(records: Vec<Arc<Record>>) -> Vec<Record> {
    records.into_iter().map(Arc::unwrap_or_clone).collect()
}

async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((host, port))
        .await
        .map_err(|source| StartError::Bind { host, port, source })
}

fn local_port(listener: &TcpListener) -> u16 {
    listener.local_addr().map(|address| address.port()).unwrap_or_default()
}

fn origin(scheme: &str, host: IpAddr, port: u16) -> String {
    let shown = if host.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        host
    };
    match shown {
        IpAddr::V4(host) => format!("{scheme}://{host}:{port}"),
        IpAddr::V6(host) => format!("{scheme}://[{host}]:{port}"),
    }
}
