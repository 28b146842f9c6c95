//! `conformance env`: what an app that is started by hand needs to know.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Map, Value};
use url::Url;

use super::{CommandError, EnvArgs, load};
use crate::{exit, target::Config};

/// How the variables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// `export NAME='value'`, for `eval "$(conformance env)"`.
    Sh,
    /// `NAME=value`.
    Dotenv,
    /// One object.
    Json,
}

pub(super) fn env(args: EnvArgs) -> Result<u8, CommandError> {
    let config = load(args.file.as_deref(), &args.config)?;
    if config.target.start.as_ref().is_some_and(|start| !start.reuse_existing) {
        super::run::narrate(
            "note: [target.start] is given, so `conformance run` starts the app itself, with a free port for the \
             authorization server; these values are for a run without it",
        );
    }
    let variables = variables(&config);
    let mut out = io::stdout();
    match args.format {
        Format::Sh => {
            for (name, value) in &variables {
                writeln!(out, "export {name}='{}'", value.replace('\'', r"'\''"))?;
            }
        }
        Format::Dotenv => {
            for (name, value) in &variables {
                writeln!(out, "{name}={value}")?;
            }
        }
        Format::Json => {
            let object: Map<String, Value> = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
                .collect();
            writeln!(out, "{:#}", Value::Object(object))?;
        }
    }
    Ok(exit::CLEAN)
}

/// Names as in Okta's guides, and the redirect URIs that are registered.
fn variables(config: &Config) -> Vec<(&'static str, String)> {
    let idp = &config.idp;
    let target = &config.target;
    let org = match &idp.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://127.0.0.1:{}", idp.port),
    };
    let issuer = match idp.server.as_str() {
        "org" => org,
        server => format!("{org}/oauth2/{server}"),
    };
    let mut variables = vec![("OKTA_ISSUER", issuer), ("OKTA_CLIENT_ID", idp.client_id.clone())];
    if !target.declares.public_client {
        variables.push(("OKTA_CLIENT_SECRET", idp.client_secret.clone()));
    }
    if let Ok(redirect) = Url::parse(&target.url).and_then(|app| app.join(&target.callback)) {
        variables.push(("OKTA_REDIRECT_URI", redirect.to_string()));
    }
    if let Some(first) = target.post_logout.first() {
        variables.push(("OKTA_POST_LOGOUT_REDIRECT_URI", first.clone()));
    }
    variables
}
