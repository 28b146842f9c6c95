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
    /// Where the server is.
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
    /// Whether it is ready, and which server it is.
    Health,
    /// The variables that an app needs.
    Env,
    /// Sign-ins, the latest first.
    Flows {
        #[command(flatten)]
        filter: FlowFilter,
        /// Only those of which a request was refused.
        #[arg(long)]
        refused: bool,
        /// Go on printing those in which something happens.
        #[arg(long, short)]
        follow: bool,
    },
    /// One flow with its requests, tokens and checks.
    Flow {
        /// Its name, as in f-12.
        flow: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Wait until a flow is as the filters say; exit code 1 when the time is up.
    Wait {
        #[command(flatten)]
        filter: FlowFilter,
        /// How long, at most 60s.
        #[arg(long, default_value = "10s")]
        timeout: String,
    },
    /// Requests and their answers, the latest first; below those that were refused, what differs from what is registered.
    Requests {
        /// Only those that were refused.
        #[arg(long)]
        refused: bool,
        /// Only those of this flow.
        #[arg(long)]
        flow: Option<String>,
    },
    /// What is armed, and what of it has fired.
    Faults,
    /// Arm a fault for the next flows that fit.
    Arm {
        /// Its id; `mock-idp faults` lists them.
        id: String,
        /// For whoever signs in with this login.
        #[arg(long)]
        user: Option<String>,
        /// For this client.
        #[arg(long)]
        client: Option<String>,
        /// From the flow's first request to this endpoint: authorize, token, userinfo, logout, ….
        #[arg(long)]
        endpoint: Option<String>,
        /// The authorization server, for faults of metadata, keys and certificate.
        #[arg(long)]
        server: Option<String>,
        /// For so many flows.
        #[arg(long)]
        times: Option<u32>,
        /// For so long, as in 10m.
        #[arg(long)]
        ttl: Option<String>,
    },
    /// Take back an armed fault, or all of them.
    Disarm {
        /// The number that `faults` shows.
        number: Option<u64>,
    },
    /// Sign somebody in without the page, at the next sign-in.
    Login {
        /// The login; without one the page is shown again.
        user: Option<String>,
        /// Only at this client.
        #[arg(long)]
        client: Option<String>,
        /// At every sign-in, not only the next.
        #[arg(long)]
        always: bool,
    },
    /// People who can sign in.
    Users,
    /// Registered applications.
    Clients,
    /// The server's time; moves it.
    Clock {
        /// How far it is to run ahead of the system's time, as in +2h, -1d or 0.
        #[arg(allow_hyphen_values = true)]
        offset: Option<String>,
    },
    /// Sign with a new key.
    RotateKeys {
        /// The old key stays in the key set beside the new one.
        #[arg(long)]
        overlap: bool,
        /// Of which authorization server.
        #[arg(long, default_value = "default")]
        server: String,
    },
    /// Back to the org as it was at start.
    Reset {
        /// What stays: users, clients.
        #[arg(long, value_delimiter = ',')]
        keep: Vec<String>,
    },
    /// Exit code 1 when an armed fault never fired or a request was refused, and which.
    Verify {
        /// A refusal that is right here, by rule or error; repeat it.
        #[arg(long = "expect", value_name = "RULE")]
        expected: Vec<String>,
    },
    /// Tokens without a sign-in.
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
        /// How long they are good, as in 5m; negative for expired ones.
        #[arg(long, allow_hyphen_values = true)]
        expires_in: Option<String>,
        /// A claim that is set, as NAME=JSON or NAME=TEXT; repeat it.
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
    },
    /// What a token says, and what an app must check.
    Explain {
        /// The token.
        token: String,
    },
    /// Everything that happens from now on, one JSON object a line.
    Events,
    /// Any call of the control API, as in `call PUT users/carol@example.test '{"groups": ["admins"]}'`.
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
