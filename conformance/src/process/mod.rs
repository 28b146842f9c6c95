//! The app under test as a process: built once, started, watched, and ended together with everything that it started.
//!
//! The app gets a process group of its own. It is ended (SIGTERM, then SIGKILL) by [`App::stop`], killed when the [`App`]
//! is dropped, and killed by a small watchdog when this process disappears without dropping anything (SIGKILL, abort,
//! `exit`): the watchdog is a shell of its own that waits for the end of a pipe which only this process holds. Unlike a
//! parent-death signal it reaches grandchildren, needs no `unsafe` and works outside Linux. What leaves the group (a daemon
//! in a session of its own) is found by a mark in its environment, where the system shows environments (Linux).

mod error;
mod group;
mod leftover;
mod output;
mod port;
mod ready;

use std::{
    collections::BTreeMap,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    sync::watch,
    time::{Instant, sleep, timeout},
};

pub use self::{
    error::StartError,
    leftover::Leftover,
    port::{free_port, holder_of},
};
use self::{group::Group, leftover::PidFile, output::Output, port::named};
use crate::{evidence::AppLine, placeholder::fill, target::Start};

/// How long `build` may take when the configuration does not say: a first build of a large project on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// How long the app may take to answer when the configuration does not say.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long the app may take to end after SIGTERM before it is killed, when the configuration does not say: what
/// orchestrators give.
const GRACE: Duration = Duration::from_secs(30);
/// How long the kernel may take to end what was killed.
const KILLED: Duration = Duration::from_secs(3);
/// Addresses of this machine that no proxy reaches.
const NO_PROXY: &str = "localhost,.localhost,127.0.0.1,::1";
/// The variable by which a process is known as one of ours that has left our group.
const MARK: &str = "CONFORMANCE_APP_MARK";

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
                "the app ignores SIGTERM: after {} s it was killed: {}; `stop_timeout` under [target.start] gives it more",
                secs(grace),
                names.join(", ")
            )),
            Ending::LeftBehind(names, grace) => Some(format!(
                "the app leaves children behind that ignore SIGTERM: after {} s they were killed: {}",
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

#[derive(Debug)]
struct Running {
    group: Group,
    mark: String,
    output: Output,
    exit: watch::Receiver<Option<ExitStatus>>,
    _watchdog: Option<Child>,
    _pid_file: Option<PidFile>,
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
    /// `vars` fill the placeholders of `command`, `env` and `wait_for` (see [`fill`]). Without `wait_for`, `vars["url"]`
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
        let command = fill(&start.command, vars)?;
        let mut env = BTreeMap::new();
        for (name, value) in &start.env {
            let filled = fill(value, vars)?;
            // `{idp.ca}` without TLS: an empty SSL_CERT_FILE would take all certificates away from the app.
            if !filled.is_empty() || value.is_empty() {
                env.insert(name.clone(), filled);
            }
        }
        let mut running = Running::spawn(&command, folder, &env, Some(url.as_str()))?;
        let limit = start.timeout.map_or(READY_LIMIT, Duration::from_secs);
        let grace = start.stop_timeout.map_or(GRACE, Duration::from_secs);
        let waited = tokio::select! {
            biased;
            status = running.ended() => Err(Err(status)),
            waited = ready::wait(&url, limit) => waited.map_err(Ok),
        };
        match waited {
            Ok(()) => Ok(App {
                running: Some(running),
                grace,
            }),
            Err(Ok(last)) => {
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
            Err(Err(status)) => {
                running.output.drained().await;
                Err(StartError::Exited {
                    command,
                    status,
                    output: running.output.excerpt(),
                })
            }
        }
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
        let command = fill(&start.command, vars)?;
        let mut env = BTreeMap::new();
        for (name, value) in &start.env {
            env.insert(name.clone(), fill(value, vars)?);
        }
        let mut running = Running::spawn(&command, folder, &env, Some(url.as_str()))?;
        let limit = start.timeout.map_or(READY_LIMIT, Duration::from_secs);
        let group = running.group;
        let found = tokio::select! {
            biased;
            status = running.ended() => Err(Err(status)),
            found = ready::wait_anywhere(&url, limit, || group.living_members().map(|pids| port::ports_of(&pids)).unwrap_or_default()) => {
                found.map_err(Ok)
            }
        };
        match found {
            Ok(port) => {
                let app = App {
                    running: Some(running),
                    grace: start.stop_timeout.map_or(GRACE, Duration::from_secs),
                };
                Ok((app, port))
            }
            Err(Ok(last)) => {
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
            Err(Err(status)) => {
                running.output.drained().await;
                Err(StartError::Exited {
                    command,
                    status,
                    output: running.output.excerpt(),
                })
            }
        }
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

impl Running {
    /// Starts `sh -c command` in a group of its own. With a URL it is an app: watched and written down against being
    /// left behind.
    fn spawn(
        command: &str,
        folder: &Path,
        env: &BTreeMap<String, String>,
        url: Option<&str>,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError::Spawn {
            command: command.to_owned(),
            folder: folder.to_owned(),
            source,
        };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let mark = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let mut child = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder)
            .envs(spared_by_proxies(env))
            .envs(env)
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let group = child
            .id()
            .and_then(Group::of)
            .ok_or_else(|| failed(std::io::Error::other("the process has no id")))?;
        let (told, exit) = watch::channel(None);
        let running = Self {
            output: Output::of(reader).map_err(failed)?,
            exit,
            _watchdog: group.watchdog(&format!("{MARK}={mark}")).map_err(failed)?.into(),
            _pid_file: url.and_then(|url| PidFile::write(folder, group, command, url)),
            group,
            mark,
        };
        tokio::spawn(async move {
            if let Ok(status) = child.wait().await {
                told.send_replace(Some(status));
            }
        });
        Ok(running)
    }

    /// Returns when the command itself has ended; its children may live on.
    async fn ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = *self.exit.borrow_and_update() {
                return status;
            }
            if self.exit.changed().await.is_err() {
                // The task that waits for the child ends without a status only together with the runtime.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn stop(&mut self, grace: Duration) -> Ending {
        self.group.terminate();
        let started = Instant::now();
        let mut ending = Ending::Willing;
        while self.group.is_alive() {
            if started.elapsed() > grace {
                if ending == Ending::Willing {
                    ending = self.reluctance(grace);
                }
                self.group.kill();
            }
            if started.elapsed() > grace + KILLED {
                return ending; // Only a process that the kernel cannot end stays; nothing is gained by waiting for it.
            }
            sleep(Duration::from_millis(10)).await;
        }
        let _collected = timeout(KILLED, self.ended()).await;
        let daemons = self.strays();
        if daemons.is_empty() {
            return ending;
        }
        let names: Vec<String> = daemons.iter().copied().map(named).collect();
        for pid in &daemons {
            end(*pid, Signal::TERM);
        }
        let started = Instant::now();
        while !self.strays().is_empty() && started.elapsed() < KILLED {
            sleep(Duration::from_millis(10)).await;
        }
        self.kill_strays();
        match ending {
            Ending::Willing => Ending::Daemons(names),
            worse => worse,
        }
    }

    /// Who still runs although everybody was asked to end.
    fn reluctance(&self, grace: Duration) -> Ending {
        let members = self.group.living_members().unwrap_or_default();
        let names = members.into_iter().map(named).collect();
        match *self.exit.borrow() {
            None => Ending::Deaf(names, grace),
            Some(_) => Ending::LeftBehind(names, grace),
        }
    }

    /// Processes that descend from the command and are in no group of ours any more.
    fn strays(&self) -> Vec<u32> {
        group::bearing(&format!("{MARK}={}", self.mark))
    }

    fn kill_strays(&self) {
        for pid in self.strays() {
            end(pid, Signal::KILL);
        }
    }
}

fn end(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = kill_process(pid, signal);
    }
}

/// The authorization server is on this machine: where proxies are set, the app is told not to look for it through one, as
/// browsers do by themselves. What the configuration says of `NO_PROXY` stands.
fn spared_by_proxies(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let set = |name: &str| {
        env.get(name)
            .cloned()
            .or_else(|| std::env::var(name).ok())
            .filter(|value| !value.is_empty())
    };
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let is_proxied = proxies
        .iter()
        .any(|name| set(name).is_some() || set(&name.to_lowercase()).is_some());
    if !is_proxied {
        return BTreeMap::new();
    }
    let kept = set("NO_PROXY").or_else(|| set("no_proxy"));
    let value = kept.map_or_else(|| NO_PROXY.to_owned(), |kept| format!("{kept},{NO_PROXY}"));
    ["NO_PROXY", "no_proxy"]
        .map(|name| (name.to_owned(), value.clone()))
        .into()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.group.kill();
        self.kill_strays();
    }
}
