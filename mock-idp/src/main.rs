//! The command `mock-idp`. Results go to stdout, narration to stderr.

use std::{io::Write, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use clap::{CommandFactory, Parser};
use mock_idp::{
    Client, Fault, MockIdp, StartError,
    config::{self, Config},
};

use crate::args::{Arguments, Command, EnvFormat, Serve};

mod args;

/// A sign-in takes hundreds of small allocations, most of them made by one worker and freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The variables by which platforms are told of a CA: Node, what uses OpenSSL's defaults (Go too), Python's requests.
const CA_VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];

/// Wrong usage or configuration, or the port is taken.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => serve(&arguments.serve),
        Some(Command::Serve(serve_arguments)) => serve(&serve_arguments),
        Some(Command::Check { file }) => check(&file),
        Some(Command::Env { serve, format }) => env(&serve, format),
        Some(Command::Faults { id }) => faults(id.as_deref()),
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Man { dir }) => manual(dir.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            narrate(&format!("mock-idp: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

#[tokio::main]
async fn serve(arguments: &Serve) -> anyhow::Result<()> {
    let config = configuration(arguments)?;
    let fingerprint = fingerprint(&config);
    let mut builder = MockIdp::builder()
        .tenant(config.tenant)
        .host(arguments.host)
        .port(arguments.port)
        .tls(arguments.https.is_some())
        .lax(arguments.lax);
    if let Some(issuer) = &config.issuer {
        builder = builder.issuer(issuer);
    }
    let idp = match builder.start().await {
        Ok(idp) => idp,
        Err(error @ StartError::Bind { .. }) => {
            return Err(error).context("is another mock-idp running? --port 0 takes a free port");
        }
        Err(error) => return Err(error.into()),
    };
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
    announce(&idp, ca_file.as_deref(), arguments.lax);
    say(&format!(
        "mock-idp ready issuer={} admin={}_mock pid={} config={fingerprint}",
        idp.issuer(),
        idp.origin(),
        std::process::id(),
    ))?;
    until_told_to_stop().await
}

/// File, then flags over it.
fn configuration(arguments: &Serve) -> anyhow::Result<Config> {
    let beside = Path::new("mock-idp.toml");
    let file = arguments
        .config
        .clone()
        .or_else(|| beside.exists().then(|| beside.to_owned()));
    let mut config = match file {
        Some(file) => config::load(&file)?,
        None => Config::default(),
    };
    if let Some(issuer) = &arguments.issuer {
        config.issuer = Some(issuer.clone());
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

fn announce(idp: &MockIdp, ca_file: Option<&Path>, lax: bool) {
    let version = env!("CARGO_PKG_VERSION");
    narrate(&format!(
        "mock-idp {version}   TEST KEYS - tokens from this server prove nothing"
    ));
    narrate(&format!("  issuer     {}", idp.issuer()));
    for (name, value) in idp.env() {
        narrate(&format!("  app env    {name}={value}"));
    }
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
    }
    if lax {
        narrate("  LAX        what Okta would refuse is accepted");
    }
}

fn check(file: &Path) -> anyhow::Result<()> {
    let config = config::load(file)?;
    say(&format!("{} is fine", file.display()))?;
    let tenant = config.tenant;
    let ids = |ids: Vec<&str>| ids.join(", ");
    say(&format!(
        "  authorization servers  {}",
        ids(tenant.servers.iter().map(|server| server.id.as_str()).collect())
    ))?;
    say(&format!(
        "  clients                {}",
        ids(tenant.clients.iter().map(|client| client.id.as_str()).collect())
    ))?;
    say(&format!(
        "  users                  {}",
        ids(tenant.users.iter().map(|user| user.login.as_str()).collect())
    ))
}

fn env(arguments: &Serve, format: EnvFormat) -> anyhow::Result<()> {
    let config = configuration(arguments)?;
    let scheme = if arguments.https.is_some() { "https" } else { "http" };
    let org = config
        .issuer
        .unwrap_or_else(|| format!("{scheme}://{}:{}", arguments.host, arguments.port));
    let Some(client) = config.tenant.clients.first() else {
        bail!("no client is configured")
    };
    let mut pairs = vec![
        ("OKTA_ISSUER", format!("{}/oauth2/default", org.trim_end_matches('/'))),
        ("OKTA_CLIENT_ID", client.id.clone()),
    ];
    pairs.extend(client.secret.clone().map(|secret| ("OKTA_CLIENT_SECRET", secret)));
    if let Some(file) = arguments.ca_file() {
        // Apps are started elsewhere. The file itself appears when the server starts.
        let file = std::path::absolute(&file).unwrap_or(file).display().to_string();
        pairs.extend(CA_VARIABLES.map(|name| (name, file.clone())));
    }
    match format {
        EnvFormat::Json => {
            let object: serde_json::Map<String, serde_json::Value> = pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            say(&serde_json::to_string_pretty(&object)?)
        }
        EnvFormat::Sh => pairs.iter().try_for_each(|(name, value)| {
            let quoted = value.replace('\'', "'\\''");
            say(&format!("export {name}='{quoted}'"))
        }),
        EnvFormat::Dotenv | EnvFormat::Github => pairs
            .iter()
            .try_for_each(|(name, value)| say(&format!("{name}={value}"))),
    }
}

fn faults(id: Option<&str>) -> anyhow::Result<()> {
    let Some(id) = id else {
        return Fault::all().try_for_each(|fault| say(&format!("{:<48} {}", fault.id(), fault.description())));
    };
    let fault: Fault = id.parse()?;
    say(&format!(
        "{fault}\n  {}\n  breaks    {}\n  try it    sign in as {fault}@fault.test with any password",
        fault.description(),
        fault.clause()
    ))
}

/// The script by which a shell completes commands and flags.
fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program(), "mock-idp", &mut script);
    std::io::stdout().write_all(&script).context("cannot write to stdout")
}

/// The main manual page on stdout, or a page per command in a folder.
fn manual(dir: Option<&Path>) -> anyhow::Result<()> {
    match dir {
        Some(dir) => std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(program(), dir))
            .with_context(|| format!("cannot write manual pages to {}", dir.display())),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(program()).render(&mut page)?;
            std::io::stdout().write_all(&page).context("cannot write to stdout")
        }
    }
}

/// The command line; pages name the variables, not what they hold.
fn program() -> clap::Command {
    Arguments::command()
        .mut_args(|argument| argument.hide_env_values(true))
        .mut_subcommands(|command| command.mut_args(|argument| argument.hide_env_values(true)))
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

async fn until_told_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Four digits that tell one configuration from another.
fn fingerprint(config: &Config) -> String {
    let text = format!("{config:?}");
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:04x}", sum & 0xffff)
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}

fn narrate(line: &str) {
    // Nobody is left to be told that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
