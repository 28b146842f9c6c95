//! The app under test as a process: built once, started, watched, and ended together with everything that it started.
//!
//! The app gets a process group of its own. It is ended (SIGTERM, then SIGKILL) by [`App::stop`], killed when the [`App`]
//! is dropped, and killed by a small watchdog when this process disappears without dropping anything (SIGKILL, abort,
//! `exit`): the watchdog is a shell of its own that waits for the end of a pipe which only this process holds. Unlike a
//! parent-death signal it reaches grandchildren, needs no `unsafe` and works outside Linux. What leaves the group (a daemon
//! in a session of its own) is found by a mark in its environment, where the system shows environments (Linux).

mod error;
mod group;
mod launch;
mod leftover;
mod output;
mod port;
mod ready;
mod running;

use std::{collections::BTreeMap, path::Path, process::ExitStatus, time::Duration};

use tokio::time::timeout;

pub use self::{
    error::{StartError, WANTS_HTTPS},
    leftover::Leftover,
    port::{free_port, holder_of},
};
use self::{
    launch::Launch,
    running::{KILLED, Running},
};
use crate::{evidence::AppLine, target::Start};

/// How long `build` may take when the configuration does not say: a first build of a large project on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// How long the app may take to answer when the configuration does not say.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long the app may take to end after SIGTERM before it is killed, when the configuration does not say: what
/// orchestrators give.
const GRACE: Duration = Duration::from_secs(30);

/// A running app. Dropping it kills it and its children.
#[derive(Debug)]
pub struct App {
    /// `None` when an app that ran already is used.
    running: Option<Running>,
    /// How long it may take to end.
    grace: Duration,
}

/// How an app ended that was asked to. What had to be killed is named as `pid 4711 (node server.js)`; the list is empty
/// where the system does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// At once, with all that it had started.
    Willing,
    /// It still ran so long after SIGTERM.
    Deaf(Vec<String>, Duration),
    /// It ended, and what it had started still ran so long after SIGTERM.
    LeftBehind(Vec<String>, Duration),
    /// It ended, and what it had started in a session of its own went on.
    Daemons(Vec<String>),
}

impl Ending {
    /// A sentence for whoever wrote the app; `None` when there is nothing to say.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let secs = |grace: &Duration| grace.as_secs_f32();
        match self {
            Ending::Willing => None,
            Ending::Deaf(names, grace) => Some(format!(
                "the app did not end within {} s of SIGTERM and was killed: {}; `stop_timeout` under [target.start] is \
                 the time that it gets",
                secs(grace),
                names.join(", ")
            )),
            Ending::LeftBehind(names, grace) => Some(format!(
                "the app ended and left children behind that did not end within {} s of SIGTERM and were killed: {}; \
                 `stop_timeout` under [target.start] is the time that they get",
                secs(grace),
                names.join(", ")
            )),
            Ending::Daemons(names) => Some(format!(
                "the app leaves processes behind that left its process group: they were ended: {}",
                names.join(", ")
            )),
        }
    }
}

/// Runs `[target.start] build`, if there is one. Do this once per run, before the first [`App::start`].
///
/// It runs by `sh -c` in `folder`, without the app's environment, and may take `build_timeout` seconds (default 900).
///
/// # Errors
/// [`StartError::Build`], [`StartError::BuildTimeout`], [`StartError::Spawn`], each with the command and what it
/// printed, shortened.
pub async fn build(start: &Start, folder: &Path) -> Result<(), StartError> {
    let Some(command) = &start.build else { return Ok(()) };
    let limit = start.build_timeout.map_or(BUILD_LIMIT, Duration::from_secs);
    let mut build = Running::spawn(command, folder, &BTreeMap::new(), None)?;
    let ended = timeout(limit, build.ended()).await;
    if ended.is_ok() {
        build.output.drained().await;
    }
    let output = build.output.excerpt();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(StartError::Build {
            command: command.clone(),
            status,
            output,
        }),
        Err(_) => {
            build.stop(KILLED).await;
            Err(StartError::BuildTimeout {
                command: command.clone(),
                limit,
                output,
            })
        }
    }
}

impl App {
    /// Starts the app and returns when it is ready: when `wait_for` answers with a status below 500.
    ///
    /// `vars` fill the placeholders of `command`, `env` and `wait_for` (see [`crate::placeholder::fill`]). Without `wait_for`, `vars["url"]`
    /// is polled, and without that `http://localhost:{port}/`. A variable of `env` whose placeholders leave nothing is
    /// not set.
    ///
    /// # Errors
    /// Everything that can keep an app from being ready, as [`StartError`]; nothing is left running then.
    pub async fn start(start: &Start, folder: &Path, vars: &BTreeMap<String, String>) -> Result<App, StartError> {
        let url = ready::url(start, vars)?;
        if let Some(port) = port::occupied(&url).await {
            if start.reuse_existing && ready::answers(&url).await {
                return Ok(App {
                    running: None,
                    grace: GRACE,
                });
            }
            return Err(StartError::PortTaken {
                port,
                url: url.to_string(),
                holder: holder_of(port),
                leftover: Self::leftovers(folder).into_iter().next(),
            });
        }
        let mut launch = Launch::of(start, folder, vars, &url)?;
        let ready = ready::wait(&url, launch.limit);
        let waited = launch.wait(ready).await;
        launch.end(waited).await.map(|(app, ())| app)
    }

    /// Starts an app of which it is not known whether it listens where it is told to: besides `wait_for`, any port on which
    /// its processes listen and answer will do, and is returned.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_anywhere(
        start: &Start,
        folder: &Path,
        vars: &BTreeMap<String, String>,
    ) -> Result<(App, Option<u16>), StartError> {
        let url = ready::url(start, vars)?;
        let mut launch = Launch::of(start, folder, vars, &url)?;
        let group = launch.group();
        let ports = || {
            group
                .living_members()
                .map(|pids| port::ports_of(&pids))
                .unwrap_or_default()
        };
        let ready = ready::wait_anywhere(&url, launch.limit, ports);
        let found = launch.wait(ready).await;
        launch.end(found).await
    }

    /// Apps that an earlier run in this folder left behind because it was killed, and that still run.
    #[must_use]
    pub fn leftovers(folder: &Path) -> Vec<Leftover> {
        leftover::find(folder)
    }

    /// What the app printed, stdout and stderr in order: the last 256 KiB. Empty for an app that ran already.
    #[must_use]
    pub fn output(&self) -> String {
        self.running
            .as_ref()
            .map(|running| running.output.text())
            .unwrap_or_default()
    }

    /// Bytes printed so far, also those that were forgotten: two calls tell which part of [`App::output`] is new.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.running.as_ref().map_or(0, |running| running.output.printed())
    }

    /// The same by lines, with the times at which they arrived.
    #[must_use]
    pub fn lines_since(&self, mark: u64) -> Vec<AppLine> {
        let lines = self.running.as_ref().map(|running| running.output.lines_since(mark));
        let line = |(at, text)| AppLine { at, text };
        lines.unwrap_or_default().into_iter().map(line).collect()
    }

    /// What the app printed since [`App::printed`] said `mark`, as far as it is remembered.
    #[must_use]
    pub fn output_since(&self, mark: u64) -> String {
        self.running
            .as_ref()
            .map(|running| running.output.since(mark))
            .unwrap_or_default()
    }

    /// Whether the started command still runs. An app that ran already counts as running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.exit().is_none() && self.running.as_ref().is_none_or(|running| running.group.is_alive())
    }

    /// How the started command ended, when it has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitStatus> {
        *self.running.as_ref()?.exit.borrow()
    }

    /// Whether this app ran already and is not ours to end.
    #[must_use]
    pub fn is_borrowed(&self) -> bool {
        self.running.is_none()
    }

    /// Ends the app and everything that it started: SIGTERM, and SIGKILL after `stop_timeout`. Returns when all has ended.
    /// An app that ran already is left alone.
    pub async fn stop(self) -> Ending {
        self.stop_within(Duration::MAX).await
    }

    /// As [`App::stop`], with SIGKILL not later than this: for a copy of an app that is known to ignore SIGTERM.
    pub async fn stop_within(mut self, at_most: Duration) -> Ending {
        let grace = self.grace.min(at_most);
        match self.running.take() {
            Some(mut running) => running.stop(grace).await,
            None => Ending::Willing,
        }
    }
}
