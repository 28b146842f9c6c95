//! Starts the app: settings from the environment, then serve until told to stop.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::Context;
use reference_app::{app::App, clock::Clock, config::Config, serve::serve};
use tokio::{net::TcpListener, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let address = (config.host.clone(), config.port);
    let base_url = config.base_url.clone();
    let redirect_uri = config.redirect_uri();
    let app = App::open(config, Clock::default()).await?;
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {}:{}; is the port in use?", address.0, address.1))?;
    tracing::info!(%base_url, %redirect_uri, "ready");
    serve(listener, &app, told_to_stop()).await;
    Ok(())
}

/// Ctrl-C, or SIGTERM where there are signals.
async fn told_to_stop() {
    let interrupt = async {
        let _ = signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => drop(stream.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
