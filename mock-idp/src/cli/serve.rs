//! `mock-idp serve`: starts, says where, tells of every request, stops.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use mock_idp::{Fault, MockIdp, StartError, User, config::Config, tenant::Client};
use tokio::sync::oneshot;

use super::{
    args::Serve,
    configuration,
    console::{self, Journal, Volume},
    env::CA_VARIABLES,
    narrate, say,
};

/// Starts and serves until told to stop.
#[tokio::main]
pub(crate) async fn serve(arguments: &Serve) -> anyhow::Result<()> {
    // At once: by the time that somebody reads of the start, his parent may be gone.
    let parent = arguments.exit_with_parent.then(parent).flatten();
    let config = configuration(arguments)?;
    let fingerprint = fingerprint(&config);
    let hints = config.hints.clone();
    let faults: Vec<Fault> = config.faults.iter().map(|arming| arming.fault).collect();
    let journal = arguments.journal.as_deref().map(Journal::open).transpose()?;
    let volume = match (arguments.quiet, arguments.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    let idp = started(arguments, config).await?;
    let (stop, stopped) = oneshot::channel();
    let follower = tokio::spawn(console::follow(idp.subscribe(), volume, journal, stopped));
    let ca_file = arguments.ca_file();
    if let (Some(file), Some(ca)) = (&ca_file, idp.ca_pem()) {
        write_ca(file, &ca)?;
    }
    if let Some(file) = &arguments.port_file {
        write_port(file, idp.port())?;
    }
    if !arguments.host.is_loopback() {
        narrate("  warning    not on loopback: whoever reaches this server can sign in as anybody");
    }
    if volume > Volume::Quiet {
        announce(&idp, ca_file.as_deref(), arguments.lax);
        for fault in &faults {
            narrate(&format!("  FAULT      {fault}: {}", fault.description()));
        }
        hints.iter().for_each(|hint| narrate(&format!("  hint       {hint}")));
    }
    say(&format!(
        "mock-idp ready issuer={} admin={}_mock pid={} config={fingerprint}",
        idp.issuer(),
        idp.origin(),
        std::process::id(),
    ))?;
    until_told_to_stop(parent).await?;
    idp.save();
    // The follower may have ended by itself; then nobody waits for this.
    let _ = stop.send(());
    let _ = follower.await;
    Ok(())
}

async fn started(arguments: &Serve, config: Config) -> anyhow::Result<MockIdp> {
    let mut builder = MockIdp::builder()
        .tenant(config.tenant.clone())
        .host(arguments.host)
        .port(arguments.port)
        .tls(arguments.https.is_some())
        .lax(arguments.lax);
    if let Some(login) = &arguments.auto_login {
        builder = builder.auto_login(&signed_in(login, &config.tenant.users)?);
    }
    for arming in config.faults {
        builder = builder.arm(arming);
    }
    if let Some(token) = &arguments.admin_token {
        builder = builder.admin_token(token);
    }
    if let Some(issuer) = &config.issuer {
        builder = builder.issuer(issuer);
    }
    if let (Some(cert), Some(key)) = (&arguments.cert, &arguments.key) {
        let read =
            |file: &Path| std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
        builder = builder.certificate(&read(cert)?, &read(key)?);
    }
    if let Some(store) = &config.store {
        builder = builder.store(store);
    }
    if let Some(file) = &arguments.data {
        builder = builder.data(file);
    }
    match builder.start().await {
        Ok(idp) => Ok(idp),
        Err(error @ StartError::Bind { .. }) => {
            Err(error).context("is another mock-idp running? --port 0 takes a free port")
        }
        Err(error) => Err(error.into()),
    }
}

/// Whom `--auto-login` names.
fn signed_in(login: &str, users: &[Arc<User>]) -> anyhow::Result<String> {
    let found = match login {
        "" => users.first(),
        login => users.iter().find(|user| user.login.eq_ignore_ascii_case(login)),
    };
    let logins = || {
        users
            .iter()
            .map(|user| user.login.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let user = found.with_context(|| format!("--auto-login={login}: there is no such user; there are {}", logins()))?;
    Ok(user.login.clone())
}

fn announce(idp: &MockIdp, ca_file: Option<&Path>, lax: bool) {
    let version = env!("CARGO_PKG_VERSION");
    narrate(&format!(
        "mock-idp {version}   TEST KEYS - tokens from this server prove nothing"
    ));
    narrate(&format!(
        "  issuer     {}      dashboard  {}_mock/",
        idp.issuer(),
        idp.origin()
    ));
    let env: Vec<String> = idp
        .env()
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "OKTA_CLIENT_ID" => format!("{name}={value}"),
            _ => name,
        })
        .collect();
    narrate(&format!("  app env    {}   (mock-idp env prints them)", env.join(", ")));
    if let Some(file) = ca_file {
        let names = CA_VARIABLES.join(", ");
        narrate(&format!("  CA         {}   ({names})", file.display()));
    }
    if let Some(client) = idp.client() {
        for uri in client.redirect_uris.iter().take(4) {
            narrate(&format!("  redirect   {uri}"));
        }
        let more = client.redirect_uris.len().saturating_sub(4);
        if more > 0 {
            narrate(&format!("             and {more} more"));
        }
        if let Some(note) = note(idp, &client) {
            narrate(&format!("  note       {note}"));
        }
    }
    if lax {
        narrate("  LAX        what Okta would refuse is accepted");
    }
}

/// Cookies ignore ports: an app on the server's own host shares its cookies with it.
fn note(idp: &MockIdp, client: &Client) -> Option<String> {
    let uri = url::Url::parse(client.redirect_uris.first()?).ok()?;
    let (app, own) = (uri.host_str()?, idp.origin().host_str()?);
    let origin = uri.origin().ascii_serialization();
    Some(if app == own {
        format!(
            "your app is expected on {origin}: the same host, so both share their cookies; localhost would be another"
        )
    } else {
        format!("your app is expected on {origin}: another host than this one, so cookies behave as in production")
    })
}

/// Makes the folder too. Whoever waits for the port file finds the CA.
fn write_ca(file: &Path, ca: &str) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, ca))
        .with_context(|| format!("cannot write the CA to {}", file.display()))
}

/// A reader must see the whole number or nothing: written aside, then moved.
fn write_port(file: &Path, port: u16) -> anyhow::Result<()> {
    let aside = file.with_extension("part");
    std::fs::write(&aside, port.to_string())
        .and_then(|()| std::fs::rename(&aside, file))
        .with_context(|| format!("cannot write the port to {}", file.display()))
}

/// The process that started this one.
fn parent() -> Option<u32> {
    #[cfg(unix)]
    return Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    None
}

async fn until_told_to_stop(parent: Option<u32>) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result?,
            _ = terminate.recv() => {}
            () = gone(parent) => {}
        }
    }
    #[cfg(not(unix))]
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        () = gone(parent) => {}
    }
    Ok(())
}

/// Returns when this process has another parent than that one. No event tells of it on every system.
async fn gone(before: Option<u32>) {
    const PAUSE: Duration = Duration::from_millis(200);
    match before {
        None => std::future::pending().await,
        Some(_) => {
            while parent() == before {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Four digits that tell one configuration from another.
fn fingerprint(config: &Config) -> String {
    let text = format!("{config:?}");
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:04x}", sum & 0xffff)
}
