//! An app inside this process, for the tests of an app that is written in Rust.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{net::TcpListener, task::JoinHandle};

/// How long the port of the app before may take to become free.
const PORT_TIMEOUT: Duration = Duration::from_secs(5);

/// What `[target.start] env` would be filled from: `port`, `idp.issuer`, `idp.client.id`, `idp.client.secret`, `idp.ca`.
pub type Vars = BTreeMap<String, String>;

type Started = Result<BoxFuture<'static, ()>, String>;

/// Starts the app as often as the run needs it fresh.
#[derive(Clone)]
pub struct InProcess(Arc<dyn Fn(TcpListener, Vars) -> BoxFuture<'static, Started> + Send + Sync>);

impl InProcess {
    /// `start` is given a listener on the app's port and the variables, makes the app, and returns what serves it; that is
    /// dropped when the run is done with it.
    ///
    /// ```
    /// use conformance::runner::{InProcess, Options};
    ///
    /// let app = InProcess::new(|listener, vars| async move {
    ///     let issuer = vars["idp.issuer"].clone();
    ///     let router = axum::Router::new().route("/", axum::routing::get(async || issuer));
    ///     Ok(async move { axum::serve(listener, router).await })
    /// });
    /// let options = Options { launcher: Some(app), ..Options::new(Vec::new()) };
    /// ```
    pub fn new<Start, Starting, Serving>(start: Start) -> Self
    where
        Start: Fn(TcpListener, Vars) -> Starting + Send + Sync + 'static,
        Starting: Future<Output = Result<Serving, String>> + Send + 'static,
        Serving: Future + Send + 'static,
    {
        Self(Arc::new(move |listener, vars| {
            let starting = start(listener, vars);
            async move {
                let serving = starting.await?;
                Ok(async move { drop(serving.await) }.boxed())
            }
            .boxed()
        }))
    }

    /// The app with these variables, until what is returned is dropped.
    ///
    /// # Errors
    /// When the port cannot be had, or the app does not start.
    pub(super) async fn launch(&self, vars: Vars) -> Result<Launched, String> {
        let port = vars.get("port").and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| "an app inside this process needs a port".to_owned())?;
        let serving = (self.0)(listen(port).await?, vars).await?;
        Ok(Launched(tokio::spawn(serving)))
    }
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

/// The app before ends when its task is dropped, which is a little after it was told so.
async fn listen(port: u16) -> Result<TcpListener, String> {
    let deadline = Instant::now() + PORT_TIMEOUT;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if Instant::now() > deadline => return Err(format!("port {port}: {error}")),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// An app that runs in this process until this is dropped.
#[derive(Debug)]
pub(super) struct Launched(JoinHandle<()>);

impl Drop for Launched {
    fn drop(&mut self) {
        self.0.abort();
    }
}
