//! Waiting until the app answers.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use reqwest::{Client, redirect::Policy};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::StartError;
use crate::{
    names::{LOOPBACK, is_localhost},
    placeholder::fill,
    target::Start,
};

/// What is polled: `wait_for`, else the target's URL, else the app's port on localhost.
pub(super) fn url(start: &Start, vars: &BTreeMap<String, String>) -> Result<Url, StartError> {
    let text = match (&start.wait_for, vars.get("url")) {
        (Some(text), _) => fill(text, vars)?,
        (None, Some(url)) => url.clone(),
        (None, None) => fill("http://localhost:{port}/", vars)?,
    };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => Err(StartError::WaitFor {
            text,
            why: "not an http or https URL".to_owned(),
        }),
        Err(error) => Err(StartError::WaitFor {
            text,
            why: error.to_string(),
        }),
    }
}

/// Polls until any status below 500 comes, at most for `limit`. The error says what came last.
pub(super) async fn wait(url: &Url, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    let client = client(url).map_err(|error| format!("cannot be polled: {error}"))?;
    let mut last = "gave no answer".to_owned();
    let mut pause = Duration::from_millis(10);
    loop {
        match timeout_at(deadline, ask(&client, url)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(answer)) => last = answer,
            Err(_) => return Err(last),
        }
        if Instant::now() + pause >= deadline {
            return Err(last);
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(200));
    }
}

/// As [`wait`]; any of these ports will do as well, once the URL has had two seconds more. Returns the other port.
pub(super) async fn wait_anywhere(
    url: &Url,
    limit: Duration,
    mut ports: impl FnMut() -> Vec<u16>,
) -> Result<Option<u16>, String> {
    let began = Instant::now();
    let mut elsewhere: Option<Instant> = None;
    loop {
        let Err(last) = wait(url, Duration::from_millis(400)).await else {
            return Ok(None);
        };
        let others = ports();
        let mut answering = None;
        for port in others.into_iter().filter(|port| Some(*port) != url.port()) {
            let mut other = url.clone();
            let _ = other.set_port(Some(port));
            if answers(&other).await {
                answering = Some(port);
                break;
            }
        }
        if let Some(port) = answering {
            let since = *elsewhere.get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_secs(2) {
                return Ok(Some(port));
            }
        }
        if began.elapsed() > limit {
            return Err(last);
        }
    }
}

/// Whether it answers at this moment.
pub(super) async fn answers(url: &Url) -> bool {
    match client(url) {
        Ok(client) => ask(&client, url).await.is_ok(),
        Err(_) => false,
    }
}

/// Redirects off (only the first answer is the app's), proxies off (it is on this machine), certificates unchecked (the
/// question is whether it serves, and a test certificate is all that it can have).
fn client(url: &Url) -> reqwest::Result<Client> {
    let mut builder = Client::builder();
    if let Some(host) = url.host_str().filter(|host| is_localhost(host)) {
        builder = builder.resolve_to_addrs(host, &LOOPBACK.map(|address| SocketAddr::new(address, 0)));
    }
    builder
        .redirect(Policy::none())
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .timeout(Duration::from_secs(5))
        .build()
}

async fn ask(client: &Client, url: &Url) -> Result<(), String> {
    match client.get(url.clone()).send().await {
        Ok(answer) if answer.status().as_u16() < 500 => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => Err("did not answer within 5 s".to_owned()),
        Err(error) if is_unknown_name(&error) => Err(format!(
            "has a name that cannot be looked up ({})",
            url.host_str().unwrap_or_default()
        )),
        Err(error) if error.is_connect() => Err("refused the connection (nobody listens)".to_owned()),
        Err(error) => Err(format!("gave no proper answer ({error})")),
    }
}

/// Whether the name of the host could not be looked up. The HTTP client tells it only in words.
fn is_unknown_name(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}
