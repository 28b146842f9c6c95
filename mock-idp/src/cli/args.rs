//! The command line. Every flag has an environment twin; a flag wins over the environment, that over the file.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use mock_idp::{Client, Fault, Span, User, tenant::PageStyle};

use super::ctl::Ctl;

/// A fake Okta authorization server for development and tests. Its keys are public: its tokens prove nothing.
#[derive(Debug, Parser)]
#[command(name = "mock-idp", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server; the same as no command.
    Serve(Serve),
    /// Write a mock-idp.toml to start from, and its schema for editors.
    Init {
        /// Where.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Check a mock-idp.toml and print what it configures. All mistakes are reported at once.
    Check {
        /// The file.
        #[arg(default_value = "mock-idp.toml")]
        file: PathBuf,
        /// Accept what `serve --lax` accepts.
        #[arg(long)]
        lax: bool,
    },
    /// Print the environment variables that an app needs.
    Env {
        #[command(flatten)]
        serve: Serve,
        /// How.
        #[arg(long, value_enum, default_value_t = EnvFormat::Sh)]
        format: EnvFormat,
    },
    /// List the faults: what the server can do wrong on purpose.
    Faults {
        /// The beginning of their ids; a whole id is explained.
        prefix: Option<String>,
    },
    /// Print every key of mock-idp.toml with type, default and example, as Markdown.
    Reference {
        /// As a JSON schema for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Print the keys that sign the tokens of an authorization server, as a JWK set.
    Keys {
        #[command(flatten)]
        serve: Serve,
        /// The id of the authorization server; empty for the org's own.
        #[arg(long, default_value = "default")]
        server: String,
        /// With the private members, as a file for `signing_key`. These are test keys that everybody has.
        #[arg(long)]
        private: bool,
    },
    /// Inspect and control a running server from the terminal, by its control API.
    Ctl(Ctl),
    /// Check whether the server is up: exit code 0 if it is, 1 if not. Reads the same settings as the server.
    Healthcheck {
        #[command(flatten)]
        serve: Serve,
        /// Keep trying for this long, as in 10s or 500ms.
        #[arg(long, value_name = "TIME", value_parser = time)]
        wait: Option<Duration>,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page per command into a folder.
    Man {
        /// The folder; without it the main page is printed.
        dir: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EnvFormat {
    Sh,
    Dotenv,
    Json,
    Github,
    Fish,
    /// A compose file in which browser and container know the server by one issuer.
    Docker,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// The port; 0 takes a free one.
    #[arg(long, env = "MOCK_IDP_PORT", default_value_t = 9494)]
    pub(crate) port: u16,
    /// The address to listen on; anything but loopback exposes test keys to others.
    #[arg(long, env = "MOCK_IDP_HOST", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// The org's URL as clients see it; fixed, never taken from a Host header.
    #[arg(long, env = "MOCK_IDP_ISSUER", value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The file that describes the org; ./mock-idp.toml by default, if it exists.
    #[arg(long, env = "MOCK_IDP_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A user, with groups; may be repeated. Any password is accepted, except `wrong`.
    #[arg(
        long = "user",
        env = "MOCK_IDP_USER",
        value_name = "LOGIN[:GROUP,..]",
        value_delimiter = ';'
    )]
    pub(crate) users: Vec<UserArgument>,
    /// A registered client; public if it has no secret. May be repeated, also to add redirect URIs to a client.
    #[arg(
        long = "client",
        env = "MOCK_IDP_CLIENT",
        value_name = "ID[:SECRET]=REDIRECT_URI",
        value_delimiter = ';'
    )]
    pub(crate) clients: Vec<ClientArgument>,
    /// How the sign-in page looks.
    #[arg(long, env = "MOCK_IDP_PAGE", value_enum)]
    pub(crate) page: Option<Style>,
    /// Serve https, with a certificate of a CA that is made at start and written to DIR/ca.pem.
    #[arg(
        long,
        env = "MOCK_IDP_HTTPS",
        value_name = "DIR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ".mock-idp"
    )]
    pub(crate) https: Option<PathBuf>,
    /// Serve https with this certificate chain (PEM) instead.
    #[arg(long, env = "MOCK_IDP_CERT", value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert (PEM).
    #[arg(long, env = "MOCK_IDP_KEY", value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Arm a fault at the start, for every flow; may be repeated. [[fault]] in the file can limit one to a user or client.
    #[arg(long = "fault", env = "MOCK_IDP_FAULT", value_name = "ID", value_delimiter = ';')]
    pub(crate) faults: Vec<Fault>,
    /// Sign this user in without showing the sign-in page; the first user if none is named.
    #[arg(
        long,
        env = "MOCK_IDP_AUTO_LOGIN",
        value_name = "LOGIN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    pub(crate) auto_login: Option<String>,
    /// Callers of the control API must send this as a bearer token. With it, callers on other machines are answered too.
    #[arg(long, env = "MOCK_IDP_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<String>,
    /// Keep users, clients and sessions in this file across restarts.
    #[arg(long, env = "MOCK_IDP_DATA", value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Remember everything in Redis, which several processes share: redis://HOST:PORT/DB.
    #[arg(long, env = "MOCK_IDP_STORE", value_name = "URL", conflicts_with = "data")]
    pub(crate) store: Option<String>,
    /// Append every event to this file, one JSON object per line.
    #[arg(long, env = "MOCK_IDP_JOURNAL", value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Stop when the process that started this one has ended.
    #[arg(long, env = "MOCK_IDP_EXIT_WITH_PARENT")]
    pub(crate) exit_with_parent: bool,
    /// Print nothing about requests, and at the start only the last line.
    #[arg(short, long, env = "MOCK_IDP_QUIET", conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print for each request also its parameters and where it redirects.
    #[arg(short, long, env = "MOCK_IDP_VERBOSE")]
    pub(crate) verbose: bool,
    /// Write the port to this file once the server listens.
    #[arg(long, env = "MOCK_IDP_PORT_FILE", value_name = "FILE")]
    pub(crate) port_file: Option<PathBuf>,
    /// Accept requests that Okta would refuse; every page says so.
    #[arg(long, env = "MOCK_IDP_LAX")]
    pub(crate) lax: bool,
}

impl Serve {
    /// `https` or `http`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.https.is_some() || self.cert.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// Where the CA is written, if https is served.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        self.https.as_ref().map(|dir| dir.join("ca.pem"))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Style {
    /// Identity Engine, user name and password on one page.
    OnePage,
    /// Identity Engine, the password on a second page.
    IdentifierFirst,
    /// The classic form.
    Classic,
    /// As one-page, with a button for each user and a panel that makes the sign-in fail.
    Companion,
}

impl From<Style> for PageStyle {
    fn from(page: Style) -> Self {
        match page {
            Style::OnePage => Self::OnePage,
            Style::IdentifierFirst => Self::IdentifierFirst,
            Style::Classic => Self::Classic,
            Style::Companion => Self::Companion,
        }
    }
}

/// `10s`, `500ms`, `2m`, or seconds as a plain number.
fn time(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse()?;
    span.duration().ok_or_else(|| format!("`{text}` is negative"))
}

/// `LOGIN[:GROUP,..]`
#[derive(Clone, Debug)]
pub(crate) struct UserArgument(pub(crate) User);

impl FromStr for UserArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (login, groups) = text
            .split_once(':')
            .map_or((text, None), |(login, groups)| (login, Some(groups)));
        if login.is_empty() {
            return Err("a login is missing, as in alice@example.test:admins".to_owned());
        }
        let mut user = User::with_login(login);
        if let Some(groups) = groups {
            user.groups = groups.split(',').map(str::to_owned).collect();
        }
        Ok(Self(user))
    }
}

/// `ID[:SECRET]=REDIRECT_URI`
#[derive(Clone, Debug)]
pub(crate) struct ClientArgument(pub(crate) Client);

impl FromStr for ClientArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected ID[:SECRET]=REDIRECT_URI, as in web:secret=http://localhost:3000/callback";
        let (who, uri) = text.split_once('=').ok_or(expected)?;
        let parsed =
            url::Url::parse(uri).map_err(|error| format!("`{uri}` is no absolute URI ({error}); {expected}"))?;
        let client = match who.split_once(':') {
            Some((id, secret)) => Client::web(id).secret(secret),
            None => Client::browser(who),
        };
        if client.id.is_empty() {
            return Err(expected.to_owned());
        }
        let home = parsed.origin().ascii_serialization();
        Ok(Self(
            client.redirect(uri).post_logout(&home).post_logout(&format!("{home}/")),
        ))
    }
}
