//! The connections: accepted, served over HTTP/1.1, closed when a request does not come, and finished before the app stops.

use std::time::Duration;

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::app::App;

/// Serves until `stop` is ready, then accepts no more and waits for the requests that have begun.
///
/// `axum::serve` does the same, without a limit on how long a client may take to send a request's header section: clients
/// that never finish one would hold their connections, and the process's file descriptors, for as long as they like.
pub async fn serve(mut listener: TcpListener, app: &App, stop: impl Future<Output = ()>) {
    // Each connection holds a receiver: told by it to finish, and known to have ended when it is dropped.
    let stopping = watch::Sender::new(());
    let router = app.router();
    let accept = async {
        loop {
            // Axum's, not the listener's own: it waits and tries again when the system has no file descriptor left.
            let (stream, _) = Listener::accept(&mut listener).await;
            let limit = app.config().header_timeout;
            tokio::spawn(connection(stream, router.clone(), limit, stopping.subscribe()));
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    stopping.send_replace(());
    stopping.closed().await;
}

async fn connection(stream: TcpStream, router: Router, header_timeout: Duration, mut stopping: watch::Receiver<()>) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        _ = stopping.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    // A client that goes away ends its connection with an error; nothing is to be done about it.
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection broke off");
    }
}
