//! Starts the app that is to be looked at: with the issuer over http, and over TLS where its library insists on that.

use std::{collections::BTreeMap, path::PathBuf};

use mock_idp::MockIdp;
use url::Url;

use super::{Wish, names};
use crate::{
    placeholder::replace,
    process::{App, free_port},
    target::{Idp, Port, Start},
    walk::DEFAULT_SERVER,
};

/// How long the app may take to answer, in seconds; builds belong to it here.
const READY: u64 = 180;

/// Words of libraries that refuse an issuer without TLS.
const WANTS_HTTPS: &[&str] = &["https"];

/// A running app.
pub(super) struct Launched {
    app: App,
    /// Where it answers.
    pub(super) origin: Url,
    /// How it was started.
    pub(super) start: Start,
    port: u16,
    ca: Option<PathBuf>,
    /// Variables that it reads and was not given, each with the file.
    pub(super) unknown: BTreeMap<String, String>,
}

impl Launched {
    pub(super) async fn stop(self) {
        self.app.stop().await;
        if let Some(path) = self.ca {
            // A leftover does no harm.
            let _ = std::fs::remove_file(path);
        }
    }

    /// What it printed.
    pub(super) fn output(&self) -> String {
        self.app.output()
    }

    /// Its URL for the file.
    pub(super) fn url(&self) -> String {
        self.with_placeholder(self.origin.as_str().trim_end_matches('/'))
    }

    /// A URL with `{port}` in place of the port that was chosen for this start.
    pub(super) fn with_placeholder(&self, url: &str) -> String {
        match self.start.port {
            Port::Auto => url.replacen(&format!(":{}", self.port), ":{port}", 1),
            Port::Fixed(_) => url.to_owned(),
        }
    }
}

/// Starts the command; a second time with TLS when the app ends or complains because the issuer has none.
pub(super) async fn launch(
    command: &str,
    wish: &Wish,
    tell: &mut dyn FnMut(&str),
) -> Result<(MockIdp, Launched), String> {
    let named = names::Named::in_folder(&wish.folder);
    if named.wants_certificates() {
        tell("it asks for certificates to trust: starting it with an issuer over https");
        return attempt(command, wish, &named, true, tell).await;
    }
    match attempt(command, wish, &named, false, tell).await {
        Ok((idp, app)) => {
            // An app that reads its issuer at the first sign-in complains only then.
            let said = provoke(&app).await.to_lowercase();
            if !WANTS_HTTPS.iter().any(|word| said.contains(word)) || !complains(&said) {
                return Ok((idp, app));
            }
            app.stop().await;
            tell("its library wants an issuer with https: starting it again with one");
            attempt(command, wish, &named, true, tell).await
        }
        Err(why) if complains(&why.to_lowercase()) => {
            tell("its library wants an issuer with https: starting it again with one");
            attempt(command, wish, &named, true, tell).await
        }
        Err(why) => Err(why),
    }
}

/// A variable of this process.
fn own(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn complains(text: &str) -> bool {
    let words = [
        "only requests to https",
        "must start with https",
        "must use https",
        "insecuretransport",
        "only https",
        "not https",
    ];
    words.iter().any(|word| text.contains(word))
}

/// Asks the usual places for a sign-in, so that the app tells what it does not like; what it printed.
async fn provoke(app: &Launched) -> String {
    let client = crate::browser::http::Client::new(super::TIMEOUT);
    let mut said = String::new();
    for path in ["/", "/login", "/signin"] {
        if let Ok(url) = app.origin.join(path) {
            let answer = client.send(&crate::browser::http::Outgoing::get(&url)).await;
            if let crate::evidence::Answer::Http { status, body, .. } = answer
                && status >= 500
            {
                said.push_str(&body);
            }
        }
    }
    said + &app.output()
}

async fn attempt(
    command: &str,
    wish: &Wish,
    named: &names::Named,
    https: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<(MockIdp, Launched), String> {
    let idp = MockIdp::builder()
        .tls(https)
        .start()
        .await
        .map_err(|error| format!("the built-in authorization server does not start: {error}"))?;
    let ca = idp.ca_pem().map(|pem| -> Result<PathBuf, String> {
        let folder = wish.folder.join(".conformance");
        let path = folder.join(format!("ca-bundle-{}.pem", idp.port()));
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, pem))
            .map_err(|error| format!("cannot write the CA bundle to {}: {error}", path.display()))?;
        Ok(path)
    });
    let ca = ca.transpose()?;
    let trusted = ca.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let environment = named.environment(https, own);
    let fixed = wish.url.as_ref().and_then(Url::port_or_known_default);
    let port = match fixed {
        Some(port) => port,
        None => free_port().map_err(|error| format!("no free port for the app: {error}"))?,
    };
    let ours = Idp::default();
    let vars: BTreeMap<String, String> = [
        ("port", port.to_string()),
        ("idp.issuer", idp.issuer_of(DEFAULT_SERVER)),
        ("idp.org", idp.origin().as_str().trim_end_matches('/').to_owned()),
        (
            "idp.host",
            idp.origin()
                .as_str()
                .trim_end_matches('/')
                .replacen("http://", "", 1)
                .replacen("https://", "", 1),
        ),
        ("idp.client.id", ours.client_id),
        ("idp.client.secret", ours.client_secret),
        ("idp.ca", trusted.clone()),
        ("idp.root_ca", trusted),
        ("folder", wish.folder.display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    super::register(&idp, "http://localhost/", &[]);
    let host = wish.url.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    let start = Start {
        command: command.to_owned(),
        port: fixed.map_or(Port::Auto, Port::Fixed),
        wait_for: Some(format!("http://{host}:{{port}}")),
        timeout: Some(READY),
        https_issuer: https,
        env: environment.env.clone(),
        ..Start::default()
    };
    let names: Vec<&str> = start.env.keys().map(String::as_str).collect();
    tell(&format!("starting `{command}` with {}", names.join(", ")));
    let started = App::start_anywhere(&start, &wish.folder, &vars).await;
    let (app, found) = started.map_err(|error| {
        let error = error.to_string();
        match environment.advice(&error) {
            Some(advice) => format!("{error}\n{advice}"),
            None => error,
        }
    })?;
    // An app that does not hear of PORT listens where it always does.
    let (port, start) = match found {
        Some(other) if other != port => {
            tell(&format!(
                "it does not listen on the port that it was given, but on {other}"
            ));
            let start = Start {
                port: Port::Fixed(other),
                wait_for: Some(format!("http://{host}:{other}")),
                ..start
            };
            (other, start)
        }
        _ => (port, start),
    };
    let origin = replace(
        &format!("http://{host}:{{port}}/"),
        &[("port".to_owned(), port.to_string())].into(),
    );
    let origin = Url::parse(&origin).map_err(|error| format!("{origin}: {error}"))?;
    let launched = Launched {
        app,
        origin,
        start,
        port,
        ca,
        unknown: environment.unknown,
    };
    Ok((idp, launched))
}
