//! An authorization server that runs already: mock-idp processes that share a store. The harness takes part in what they serve.
//!
//! A run that starts its app has a server and a client of its own there, so that several runs (shards of one, for instance) do
//! not disturb each other. Both are removed when the run is over.

use std::sync::{Mutex, PoisonError};

use mock_idp::{MockIdp, flow::record::Stamp};
use serde_json::Value;
use url::Url;

use crate::{
    browser::http::{Client, Outgoing, Whole},
    target::Idp,
};

/// So many bytes of an answer are read.
const LIMIT: usize = 1 << 20;
/// So often the clocks are compared: a proxy gives each request to the next process.
const LOOKS: usize = 6;
/// How far clocks may differ, microseconds. What happened first is told by them.
const SKEW: u64 = 1_000;

/// What a run added to the org of others.
#[derive(Debug)]
pub(super) struct Guest {
    idp: MockIdp,
    servers: Mutex<Vec<String>>,
    clients: Mutex<Vec<String>>,
}

impl Guest {
    /// Takes part in what is served at `[idp] url`.
    ///
    /// # Errors
    /// Why that cannot be used, as a sentence.
    pub(super) async fn join(idp: &Idp, url: &str, client: &Client, record_bytes: usize) -> Result<Self, String> {
        let base = Url::parse(url).map_err(|error| format!("`{url}` of [idp] is no URL: {error}"))?;
        for _ in 0..LOOKS {
            look(&base, client).await?;
        }
        // Whoever serves there says how the org is, if nobody has asked it anything yet.
        metadata(&base, "default", client).await;
        let joined = MockIdp::builder()
            .issuer(url)
            .store(idp.store.as_deref().unwrap_or_default())
            .joins(true)
            .record_bytes(record_bytes)
            .start()
            .await
            .map_err(|error| format!("the harness cannot take part in what is served at {url}: {error}"))?;
        Ok(Self {
            idp: joined,
            servers: Mutex::default(),
            clients: Mutex::default(),
        })
    }

    pub(super) fn idp(&self) -> &MockIdp {
        &self.idp
    }

    /// A fresh authorization server, for this run alone.
    pub(super) fn add_server(&self) -> String {
        let server = self.idp.add_server();
        self.will_remove_server(&server);
        server
    }

    pub(super) fn will_remove_server(&self, server: &str) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.push(server.to_owned());
    }

    pub(super) fn will_remove_client(&self, client: &str) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push(client.to_owned());
    }

    /// Whether the processes there serve what this one added.
    ///
    /// # Errors
    /// That they do not, as a sentence.
    pub(super) async fn is_served(&self, server: &str, client: &Client) -> Result<(), String> {
        let wanted = self.idp.issuer_of(server);
        let found = metadata(self.idp.origin(), server, client).await;
        match found.as_ref().and_then(|document| document["issuer"].as_str()) {
            Some(issuer) if issuer == wanted => Ok(()),
            Some(issuer) => Err(format!(
                "the authorization server at {} calls itself {issuer}, not {wanted}: start it with --issuer, and write the \
                 same into `url` of [idp]",
                self.idp.origin()
            )),
            None => Err(format!(
                "the authorization server at {} does not serve {wanted}: it does not keep what it knows in `store` of [idp], or \
                 has no such server",
                self.idp.origin()
            )),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        for server in std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.idp.remove_server(&server);
        }
        for client in std::mem::take(&mut *self.clients.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.idp.remove_client(&client);
        }
    }
}

async fn json(url: &Url, client: &Client) -> Result<Value, String> {
    let answer = client.send_whole(&Outgoing::get(url), LIMIT).await;
    let Whole { body, .. } = answer.map_err(|(_, text)| text)?;
    serde_json::from_slice(&body).map_err(|_| "its answer is no JSON".to_owned())
}

async fn metadata(base: &Url, server: &str, client: &Client) -> Option<Value> {
    let path = format!("/oauth2/{server}/.well-known/openid-configuration");
    json(&base.join(&path).ok()?, client).await.ok()
}

/// Whether who answers there is a mock-idp of this version whose clock is ours.
async fn look(base: &Url, client: &Client) -> Result<(), String> {
    let url = base.join("/_mock/health").map_err(|error| error.to_string())?;
    let before = Stamp::now().0;
    let health = json(&url, client).await;
    let after = Stamp::now().0;
    let health =
        health.map_err(|why| format!("`url` of [idp] has to lead to a mock-idp, and {url} does not: {why}"))?;
    let text = |name: &str| health[name].as_str().unwrap_or_default().to_owned();
    if text("name") != "mock-idp" {
        return Err(format!(
            "`url` of [idp] has to lead to a mock-idp, and who answers at {url} is none"
        ));
    }
    let (theirs, ours) = (text("version"), mock_idp::VERSION);
    if theirs != ours {
        return Err(format!(
            "the mock-idp at {base} is version {theirs}, and this is {ours}: use the same"
        ));
    }
    let now = health["now"].as_u64().unwrap_or_default();
    if now + SKEW < before || now > after + SKEW {
        let away = now.abs_diff(u64::midpoint(before, after)) / 1_000;
        return Err(format!(
            "the clock of the mock-idp at {base} differs from this machine's by about {away} ms: what happened first could not \
             be told"
        ));
    }
    Ok(())
}
