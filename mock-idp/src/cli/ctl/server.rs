//! The connection to the server.

use std::time::Duration;

use anyhow::{Context, bail};
use mock_idp::display::in_json;
use serde_json::Value;

use super::{
    Command, Ctl,
    call::{Call, with_query},
    table,
};
use crate::cli::{health, say};

/// A server that runs somewhere.
pub(super) struct Server {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Server {
    pub(super) fn new(arguments: &Ctl) -> anyhow::Result<Self> {
        let url = &arguments.url;
        let is_here = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => bail!("`{url}` is no address of a server, as in http://127.0.0.1:9494"),
        };
        // The token is for nobody on the way to another machine.
        let http = if is_here {
            health::client()?
        } else {
            reqwest::Client::builder()
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').trim_end_matches("/_mock").to_owned(),
            token: arguments.token.clone(),
            http: http.build()?,
        })
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let url = format!("{}/_mock/{}", self.base, call.path);
        let mut request = self.http.request(call.method.clone(), url).header("x-mock-idp", "ctl");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    pub(super) async fn send(&self, call: &Call) -> anyhow::Result<(u16, String)> {
        let answer = self.answered(call).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.context("the answer broke off")?))
    }

    async fn answered(&self, call: &Call) -> anyhow::Result<reqwest::Response> {
        self.request(call).send().await.with_context(|| {
            let base = &self.base;
            format!("no answer from {base}: start mock-idp, or name its address by --url or MOCK_IDP_URL")
        })
    }

    /// The data of each server-sent event.
    pub(super) async fn events(&self) -> anyhow::Result<bool> {
        let mut answer = self.answered(&Call::get("events")).await?;
        if !answer.status().is_success() {
            bail!("GET /_mock/events was answered with {}", answer.status().as_u16())
        }
        let mut rest = Vec::new();
        while let Some(piece) = answer.chunk().await.context("the server has stopped")? {
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Some(data) = String::from_utf8_lossy(&line).trim_end().strip_prefix("data: ") {
                    say(&in_json(data))?;
                }
            }
        }
        Ok(true)
    }

    /// Flows in which something happened, until somebody stops it.
    pub(super) async fn follow(&self, arguments: &Ctl) -> anyhow::Result<bool> {
        const PAUSE: Duration = Duration::from_millis(300);
        let Command::Flows { filter, refused, .. } = &arguments.command else {
            return Ok(true);
        };
        let mut since = 0;
        loop {
            let refused = refused.then(|| "true".to_owned());
            let more = [("refused", refused), ("since", Some(since.to_string()))];
            let call = Call::get(with_query("flows", filter.pairs(more)));
            let (status, text) = self.send(&call).await?;
            if status >= 400 {
                bail!("{call} was answered with {status}: {text}")
            }
            let mut flows: Vec<Value> = serde_json::from_str(&text)?;
            flows.sort_by_key(|flow| flow["last"].as_u64());
            for flow in &flows {
                since = since.max(flow["last"].as_u64().unwrap_or_default());
                if arguments.json {
                    say(&in_json(&flow.to_string()))?;
                } else {
                    say(&table::flow_line(flow))?;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
