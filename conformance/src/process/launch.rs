//! Starting the app: from the command to the app that answers, or to why it does not.

use std::{collections::BTreeMap, path::Path, process::ExitStatus, time::Duration};

use url::Url;

use super::{
    App, GRACE, READY_LIMIT, StartError,
    group::Group,
    running::{KILLED, Running},
};
use crate::{placeholder::fill, target::Start};

/// A command that was started and is not known to be ready yet.
pub(super) struct Launch {
    command: String,
    url: Url,
    /// How long it may take to be ready.
    pub limit: Duration,
    grace: Duration,
    running: Running,
}

/// Why a command is not ready.
pub(super) enum Unready {
    /// Time is up; this was the last thing that was seen.
    Late(String),
    /// It ended.
    Ended(ExitStatus),
}

impl Launch {
    /// Starts the command; `url` is where it is going to answer.
    ///
    /// # Errors
    /// When a placeholder cannot be filled in, or the command cannot be started.
    pub(super) fn of(
        start: &Start,
        folder: &Path,
        vars: &BTreeMap<String, String>,
        url: &Url,
    ) -> Result<Self, StartError> {
        let command = fill(&start.command, vars)?;
        let mut env = BTreeMap::new();
        for (name, value) in &start.env {
            let filled = fill(value, vars)?;
            // `{idp.ca}` without TLS: an empty SSL_CERT_FILE would take all certificates away from the app.
            if !filled.is_empty() || value.is_empty() {
                env.insert(name.clone(), filled);
            }
        }
        Ok(Self {
            running: Running::spawn(&command, folder, &env, Some(url.as_str()))?,
            command,
            url: url.clone(),
            limit: start.timeout.map_or(READY_LIMIT, Duration::from_secs),
            grace: start.stop_timeout.map_or(GRACE, Duration::from_secs),
        })
    }

    /// The process group of the command.
    pub(super) fn group(&self) -> Group {
        self.running.group
    }

    /// Returns when it is ready, when time is up, or when the command has ended.
    pub(super) async fn wait<T>(&mut self, ready: impl Future<Output = Result<T, String>>) -> Result<T, Unready> {
        tokio::select! {
            biased;
            status = self.running.ended() => Err(Unready::Ended(status)),
            waited = ready => waited.map_err(Unready::Late),
        }
    }

    /// The app, or what kept it from being ready; nothing is left running then.
    pub(super) async fn end<T>(self, waited: Result<T, Unready>) -> Result<(App, T), StartError> {
        let Self {
            command,
            url,
            limit,
            grace,
            mut running,
        } = self;
        match waited {
            Ok(told) => {
                let app = App {
                    running: Some(running),
                    grace,
                };
                Ok((app, told))
            }
            Err(Unready::Late(last)) => {
                let output = running.output.excerpt();
                running.stop(KILLED).await;
                Err(StartError::NotReady {
                    command,
                    url: url.to_string(),
                    limit,
                    last,
                    output,
                })
            }
            Err(Unready::Ended(status)) => {
                running.output.drained().await;
                Err(StartError::Exited {
                    command,
                    status,
                    output: running.output.excerpt(),
                })
            }
        }
    }
}
