//! Every way in which an app can fail to start, in the order in which they can happen.

use std::{path::PathBuf, process::ExitStatus, time::Duration};

use super::Leftover;
use crate::placeholder::UnknownPlaceholder;

/// Why the app is not ready. The text names what was wrong, what was wanted and what fixes it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A text of `[target.start]` holds a placeholder that nobody fills.
    #[error("[target.start]: {0}")]
    Placeholder(#[from] UnknownPlaceholder),
    /// There is nothing to poll.
    #[error(
        "[target.start]: `{text}` cannot be polled until the app is ready ({why}); give `wait_for` a URL of the app"
    )]
    WaitFor {
        /// What was to be polled.
        text: String,
        /// Why it cannot be.
        why: String,
    },
    /// No shell could be started.
    #[error("`{command}` could not be started in {folder}: {source}", folder = .folder.display())]
    Spawn {
        /// The command.
        command: String,
        /// Where.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `build` failed.
    #[error("the build failed ({status}): {command}{}", told(.output))]
    Build {
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed, shortened.
        output: String,
    },
    /// `build` took too long.
    #[error("the build took longer than {} s: {command}; raise `build_timeout`{}", .limit.as_secs(), told(.output))]
    BuildTimeout {
        /// The command.
        command: String,
        /// Its time limit.
        limit: Duration,
        /// What it printed, shortened.
        output: String,
    },
    /// Something else listens where the app should.
    #[error("port {port} is taken{}, so {url} would not be this app{}",
        .holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default(), port_fix(.leftover.as_ref()))]
    PortTaken {
        /// The port.
        port: u16,
        /// The URL that was to be polled.
        url: String,
        /// Process id and command line of who listens there, where the system tells.
        holder: Option<String>,
        /// An app of an earlier run that is likely to be the holder.
        leftover: Option<Leftover>,
    },
    /// The command ended instead of serving.
    #[error("the app ended before it answered ({status}): {command}{}{}", told(.output), hint(.output))]
    Exited {
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed, shortened.
        output: String,
    },
    /// It runs and does not answer as it should.
    #[error("the app was not ready after {} s: {url} {last}; wanted: any answer below 500. Is `wait_for` right, and does \
        the app listen on `{{port}}`? A slow app needs a larger `timeout`{}{}", .limit.as_secs(), told(.output), hint(.output))]
    NotReady {
        /// The command.
        command: String,
        /// What was polled.
        url: String,
        /// For how long.
        limit: Duration,
        /// What came last: "answered 502", "connection refused".
        last: String,
        /// What it printed, shortened.
        output: String,
    },
}

fn told(output: &str) -> String {
    if output.is_empty() {
        return "\n  it printed nothing".to_owned();
    }
    let mut text = "\n  what it printed:".to_owned();
    for line in output.lines() {
        text.push_str("\n  | ");
        text.push_str(line);
    }
    text
}

/// What libraries say (in lower case) that take no issuer over plain http: Okta's SDKs, oauthlib, Nimbus, openid-client.
pub const WANTS_HTTPS: &[&str] = &[
    "must start with https",
    "only requests to https",
    "must use https",
    "insecuretransport",
    "not https",
    "requires https",
    "only https",
];

/// The setting that an app asked for while it ended.
fn hint(output: &str) -> &'static str {
    let output = output.to_lowercase();
    match WANTS_HTTPS.iter().any(|words| output.contains(words)) {
        true => {
            "\n  setup/https-issuer: its library wants an issuer with https: `https_issuer = true` under [target.start], and the \
             bundle {idp.ca} in the variable that its runtime reads"
        }
        false => "",
    }
}

fn port_fix(leftover: Option<&Leftover>) -> String {
    match leftover {
        Some(leftover) => format!("; an earlier run left an app behind: `{}` ends it", leftover.fix()),
        None => "; end it, choose `port = \"auto\"`, or say `reuse_existing = true`".to_owned(),
    }
}
