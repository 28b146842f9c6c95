//! `mock-idp healthcheck [--wait TIME]`.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{args::Serve, say};

/// How long one question may take, and the pause before the next.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// Whether a mock-idp is up where these settings would put one. With `wait` it is asked until then.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn healthcheck(arguments: &Serve, wait: Option<Duration>) -> anyhow::Result<()> {
    let client = client()?.timeout(REQUEST_TIMEOUT).build()?;
    let until = wait.map(|wait| Instant::now() + wait);
    loop {
        let error = match ask(&client, arguments).await {
            Ok(line) => return say(&line),
            Err(error) => error,
        };
        if until.is_none_or(|until| Instant::now() >= until) {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A client for a server on this machine, whose certificate nobody has signed.
pub(crate) fn client() -> anyhow::Result<reqwest::ClientBuilder> {
    let builder = reqwest::Client::builder().no_proxy();
    Ok(builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true))
}

async fn ask(client: &reqwest::Client, arguments: &Serve) -> anyhow::Result<String> {
    let port = match (&arguments.port_file, arguments.port) {
        (Some(file), 0) => std::fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .with_context(|| format!("{} holds no port yet", file.display()))?,
        (_, port) => port,
    };
    let host = match arguments.host {
        host if !host.is_unspecified() => host,
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
    };
    let authority = std::net::SocketAddr::new(host, port);
    let url = format!("{}://{authority}/_mock/health", arguments.scheme());
    let answer = client
        .get(&url)
        .send()
        .await
        .with_context(|| format!("no answer from {url}"))?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if !status.is_success() || body["name"] != "mock-idp" {
        bail!("the server at {url} is not mock-idp (status {status})")
    }
    Ok(format!(
        "mock-idp {} is up at {authority}",
        body["version"].as_str().unwrap_or_default()
    ))
}
