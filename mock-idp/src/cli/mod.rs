//! The commands, one file each.

use std::{io::Write, path::Path, sync::Arc};

use mock_idp::{
    Client,
    config::{self, Config, Strictness},
    flow::Arming,
};

use self::args::Serve;

pub(crate) mod args;
pub(crate) mod check;
pub(crate) mod console;
pub(crate) mod ctl;
pub(crate) mod env;
pub(crate) mod faults;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod manual;
pub(crate) mod serve;

/// A result, on stdout.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Anything else, on stderr.
pub(crate) fn narrate(line: &str) {
    // Nobody is left to be told that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// File, then flags over it.
pub(crate) fn configuration(arguments: &Serve) -> anyhow::Result<Config> {
    let beside = Path::new("mock-idp.toml");
    let file = arguments
        .config
        .clone()
        .or_else(|| beside.exists().then(|| beside.to_owned()));
    let strictness = if arguments.lax {
        Strictness::Lax
    } else {
        Strictness::Okta
    };
    let mut config = match file {
        Some(file) => config::load(&file, strictness)?,
        None => Config::default(),
    };
    if let Some(issuer) = &arguments.issuer {
        config.issuer = Some(issuer.clone());
    }
    if let Some(store) = &arguments.store {
        config.store = Some(store.clone());
    }
    if let Some(page) = arguments.page {
        config.tenant.page = page.into();
    }
    if !arguments.users.is_empty() {
        config.tenant.users = arguments.users.iter().map(|user| Arc::new(user.0.clone())).collect();
    }
    if !arguments.clients.is_empty() {
        config.tenant.clients = merged(arguments.clients.iter().map(|client| client.0.clone()));
    }
    config.faults.extend(arguments.faults.iter().copied().map(Arming::new));
    Ok(config)
}

/// Clients given several times are one with all the URIs.
fn merged(clients: impl Iterator<Item = Client>) -> Vec<Arc<Client>> {
    let mut known: Vec<Client> = Vec::new();
    for client in clients {
        match known.iter_mut().find(|other| other.id == client.id) {
            Some(other) => {
                other.redirect_uris.extend(client.redirect_uris);
                other.post_logout_redirect_uris.extend(client.post_logout_redirect_uris);
            }
            None => known.push(client),
        }
    }
    known.into_iter().map(Arc::new).collect()
}
