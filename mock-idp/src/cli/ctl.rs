//! `mock-idp ctl`: the control API from the terminal. Each command is one call; lists are tables, everything else is JSON.

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::Value;

use self::{call::Call, server::Server};

mod call;
mod server;
mod table;

#[derive(Clone, Debug, Args)]
pub(crate) struct Ctl {
    /// The server's address.
    #[arg(long, global = true, env = "MOCK_IDP_URL", default_value = "http://127.0.0.1:9494")]
    url: url::Url,
    /// The token of --admin-token.
    #[arg(long, global = true, env = "MOCK_IDP_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print the server's JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Print whether the server is ready, and which one it is.
    Health,
    /// Print the environment variables that an app needs.
    Env,
    /// List sign-ins, the latest first.
    Flows {
        #[command(flatten)]
        filter: FlowFilter,
        /// Only those with a refused request.
        #[arg(long)]
        refused: bool,
        /// Keep printing flows as they change.
        #[arg(long, short)]
        follow: bool,
    },
    /// Show one flow with its requests, tokens and checks.
    Flow {
        /// Its name, as in f-12.
        flow: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Wait until a flow matches the filters; exit code 1 if none does in time.
    Wait {
        #[command(flatten)]
        filter: FlowFilter,
        /// How long to wait, at most 60s.
        #[arg(long, default_value = "10s")]
        timeout: String,
    },
    /// List requests, the latest first; under a refused one, what differs from what is registered.
    Requests {
        /// Only those that were refused.
        #[arg(long)]
        refused: bool,
        /// Only those of this flow.
        #[arg(long)]
        flow: Option<String>,
    },
    /// List armed faults, and how often each has fired.
    Faults,
    /// Arm a fault for the next flows that match.
    Arm {
        /// Its id; `mock-idp faults` lists them.
        id: String,
        /// Only for this user.
        #[arg(long)]
        user: Option<String>,
        /// Only for this client.
        #[arg(long)]
        client: Option<String>,
        /// From the flow's first request to this endpoint: authorize, token, userinfo, logout, ….
        #[arg(long)]
        endpoint: Option<String>,
        /// The authorization server, for faults of metadata, keys and certificate.
        #[arg(long)]
        server: Option<String>,
        /// For this many flows.
        #[arg(long)]
        times: Option<u32>,
        /// For this long, as in 10m.
        #[arg(long)]
        ttl: Option<String>,
    },
    /// Disarm one fault, or all of them.
    Disarm {
        /// The number that `faults` shows.
        number: Option<u64>,
    },
    /// Sign a user in at the next sign-in, without showing the page.
    Login {
        /// The login. If left out, the page is shown again.
        user: Option<String>,
        /// Only at this client.
        #[arg(long)]
        client: Option<String>,
        /// At every sign-in, not only the next.
        #[arg(long)]
        always: bool,
    },
    /// List users.
    Users,
    /// List registered clients.
    Clients,
    /// Print the server's time, or move it.
    Clock {
        /// How far to run ahead of the system's time, as in +2h, -1d or 0.
        #[arg(allow_hyphen_values = true)]
        offset: Option<String>,
    },
    /// Replace the signing key.
    RotateKeys {
        /// Keep the old key in the key set beside the new one.
        #[arg(long)]
        overlap: bool,
        /// Of which authorization server.
        #[arg(long, default_value = "default")]
        server: String,
    },
    /// Restore the org to what it was at the start.
    Reset {
        /// What to keep: users, clients.
        #[arg(long, value_delimiter = ',')]
        keep: Vec<String>,
    },
    /// Check that every armed fault fired and no request was refused; exit code 1 if not.
    Verify {
        /// A refusal that is expected, by rule or error; may be repeated.
        #[arg(long = "expect", value_name = "RULE")]
        expected: Vec<String>,
    },
    /// Issue tokens without a sign-in.
    Token {
        /// The login of the user.
        #[arg(long)]
        user: String,
        /// The client; the first one if left out.
        #[arg(long)]
        client: Option<String>,
        /// `openid profile email` if left out.
        #[arg(long)]
        scope: Option<String>,
        /// Their lifetime, as in 5m; negative for expired tokens.
        #[arg(long, allow_hyphen_values = true)]
        expires_in: Option<String>,
        /// A claim to set, as NAME=JSON or NAME=TEXT; may be repeated.
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
    },
    /// Decode a token, and list what an app must check.
    Explain {
        /// The token.
        token: String,
    },
    /// Print every event from now on, one JSON object per line.
    Events,
    /// Make any call of the control API, as in `call PUT users/carol@example.test '{"groups": ["admins"]}'`.
    Call {
        method: Method,
        /// Below /_mock.
        path: String,
        /// A JSON body.
        body: Option<String>,
    },
}

#[derive(Clone, Debug, Args)]
struct FlowFilter {
    /// Who signed in.
    #[arg(long)]
    user: Option<String>,
    #[arg(long)]
    client: Option<String>,
    /// started, page, signed-in, code-issued, exchanged or refused.
    #[arg(long)]
    status: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Mermaid,
    Har,
}

/// Sends the call and prints the answer; `false` if the answer is that something is not as it should be.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn ctl(arguments: &Ctl) -> anyhow::Result<bool> {
    let server = Server::new(arguments)?;
    if let Command::Events = arguments.command {
        return server.events().await;
    }
    if let Command::Flows { follow: true, .. } = arguments.command {
        return server.follow(arguments).await;
    }
    let call = Call::of(&arguments.command)?;
    let (status, text) = server.send(&call).await?;
    let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let is_no = matches!(
        (&arguments.command, status),
        (Command::Verify { .. }, 409) | (Command::Wait { .. }, 408)
    );
    if status >= 400 && !is_no {
        let said = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        match said("fix").as_str() {
            "" if answer["message"].is_null() => bail!("{call} was answered with {status}"),
            "" => bail!("{}", said("message")),
            fix => bail!("{}\n  {fix}", said("message")),
        }
    }
    table::print(arguments, &answer)?;
    Ok(!is_no)
}
