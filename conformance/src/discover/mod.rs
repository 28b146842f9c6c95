//! `conformance init`: looks at an app, signs in, and finds out what a `conformance.toml` has to say about it.
//!
//! [`names`] guesses under which names an app reads its settings, [`launch`] starts it, [`entrance`] finds where a sign-in
//! begins, [`session`] which page tells who is signed in and how to sign out, and [`write`] puts it all into a file. What
//! could not be found is said, with the line to fill in.

mod entrance;
mod launch;
mod names;
mod session;
mod write;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use mock_idp::{Client as Registration, MockIdp};
use url::Url;

use crate::{
    browser::http::Client,
    evidence::TargetFacts,
    target::{Port, SignIn, SignOut, Start, Target},
    walk::{DEFAULT_PATIENCE, DEFAULT_SERVER, Pace, Site, World},
};

/// Limit of one request while the app is looked at.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where the app answers, when somebody has started it.
    pub url: Option<Url>,
    /// What starts it.
    pub command: Option<String>,
    /// Where the file is to lie; commands run there.
    pub folder: PathBuf,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The app's URL as the file has it, with `{port}` where that is free.
    pub url: String,
    /// How a sign-in begins.
    pub sign_in: Option<SignIn>,
    /// Path of the redirection endpoint, or the whole redirect URI where it is on another origin.
    pub callback: Option<String>,
    /// The scopes that the app asks for.
    pub scopes: Vec<String>,
    /// Whether the client authenticates at the token endpoint.
    pub is_confidential: bool,
    /// The page that tells who is signed in.
    pub probe: Option<session::Oracle>,
    /// Further pages that only signed-in people see.
    pub protected: Vec<String>,
    /// How to sign out.
    pub sign_out: Option<SignOut>,
    /// Where the app wants to come back to after a sign-out.
    pub post_logout: Vec<String>,
    /// Whether the sign-out stays inside the app.
    pub is_local_sign_out: bool,
    /// Name and reason of the guess.
    pub framework: Option<(String, String)>,
    /// How the app was started.
    pub start: Option<Start>,
    /// Variables that the app reads and was not given, each with the file that reads it.
    pub unknown: BTreeMap<String, String>,
    /// What could not be found, each with the line to fill in.
    pub open: Vec<String>,
}

/// Looks at the app. `tell` is told what goes on.
///
/// # Errors
/// When there is no app to look at: it does not start, or does not answer.
pub async fn look(wish: &Wish, tell: &mut dyn FnMut(&str)) -> Result<Findings, String> {
    let mut findings = Findings::default();
    // An app that runs already was given the fixed address by `conformance env`.
    let (idp, app) = match &wish.command {
        Some(command) => {
            let (idp, app) = launch::launch(command, wish, tell).await?;
            (idp, Some(app))
        }
        None => {
            let port = crate::target::Idp::default().port;
            let idp =
                MockIdp::builder().port(port).start().await.map_err(|error| {
                    format!("the built-in authorization server does not start on port {port}: {error}")
                })?;
            (idp, None)
        }
    };
    let origin = match (&app, &wish.url) {
        (Some(app), _) => app.origin.clone(),
        (None, Some(url)) => url.clone(),
        (None, None) => {
            return Err("`conformance init URL` needs the app's address, or --command to start it".to_owned());
        }
    };
    let result = find(&idp, &origin, &mut findings, tell).await;
    if let Some(app) = app {
        findings.url = app.url();
        findings.start = Some(app.start.clone());
        findings.unknown.clone_from(&app.unknown);
        for uri in &mut findings.post_logout {
            *uri = app.with_placeholder(uri);
        }
        if let Some(callback) = &mut findings.callback {
            *callback = app.with_placeholder(callback);
        }
        app.stop().await;
    } else {
        findings.url = origin.as_str().trim_end_matches('/').to_owned();
    }
    result.map(|()| findings)
}

async fn find(idp: &MockIdp, origin: &Url, findings: &mut Findings, tell: &mut dyn FnMut(&str)) -> Result<(), String> {
    register(idp, "http://localhost/", &[]);
    let Some(entrance) = entrance::find(idp, origin, tell).await? else {
        findings.open.push(
            "no sign-in was found that leads to our authorization server; `sign_in` and `callback` under [target] have to be filled \
             in (does the app use our issuer? `conformance env` prints it)"
                .to_owned(),
        );
        return Ok(());
    };
    tell(&format!("a sign-in begins with {}", write::sign_in(&entrance.sign_in)));
    findings.scopes = entrance.scopes.clone();
    findings.callback = Some(entrance.callback(origin));
    findings.sign_in = Some(entrance.sign_in.clone());
    register(idp, &entrance.redirect_uri, &[]);
    session::find(idp, origin, &entrance, findings, tell).await
}

/// The client under both names that an app may have been given: ours, and that of `conformance env`.
fn register(idp: &MockIdp, redirect_uri: &str, post_logout: &[String]) {
    let ours = crate::target::Idp::default();
    let mut client = Registration::web(&ours.client_id)
        .secret(&ours.client_secret)
        .redirect(redirect_uri);
    for uri in post_logout {
        client = client.post_logout(uri);
    }
    idp.put_client(client);
}

/// A world for walks in this app, as far as it is known.
fn world(idp: &MockIdp, origin: &Url, target: &Target, redirect_uri: &str) -> Result<World, String> {
    let facts = TargetFacts {
        idp: idp.origin().clone(),
        issuer: idp.issuer_of(DEFAULT_SERVER),
        second_origin: idp.second_origin().clone(),
        ..TargetFacts::default()
    };
    let port = origin.port_or_known_default().unwrap_or(80).to_string();
    let vars = [("port".to_owned(), port)].into();
    let mut site = Site::new(target, &vars, facts).map_err(|error| error.to_string())?;
    redirect_uri.clone_into(&mut site.facts.redirect_uri);
    Ok(World {
        idp: idp.clone(),
        server: DEFAULT_SERVER.to_owned(),
        site: Arc::new(site),
        client: Client::new(TIMEOUT),
        browsers: None,
        cool_down: Duration::ZERO,
        patience: DEFAULT_PATIENCE,
        crowd: 0,
        at_once: None,
        pace: Arc::new(Pace::of(None)),
    })
}

impl Findings {
    /// The file's text.
    #[must_use]
    pub fn toml(&self) -> String {
        write::toml(self)
    }

    /// Whether the app is started on a port that is chosen anew each time.
    fn has_free_port(&self) -> bool {
        self.start.as_ref().is_some_and(|start| start.port == Port::Auto)
    }
}
