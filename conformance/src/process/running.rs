//! A command with all that it has started: a group of its own, watched, and found again where it left the group.

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

use super::{
    Ending, StartError,
    group::{self, Group},
    leftover::PidFile,
    output::Output,
    port::named,
};

/// How long the kernel may take to end what was killed.
pub(super) const KILLED: Duration = Duration::from_secs(3);
/// Addresses of this machine that no proxy reaches.
const NO_PROXY: &str = "localhost,.localhost,127.0.0.1,::1";
/// The variable by which a process is known as one of ours that has left our group.
const MARK: &str = "CONFORMANCE_APP_MARK";

/// A command that runs, with all that it has started.
#[derive(Debug)]
pub(super) struct Running {
    pub group: Group,
    mark: String,
    pub output: Output,
    pub exit: watch::Receiver<Option<ExitStatus>>,
    _watchdog: Option<Child>,
    _pid_file: Option<PidFile>,
}

impl Running {
    /// Starts `sh -c command` in a group of its own. With a URL it is an app: watched and written down against being
    /// left behind.
    pub(super) fn spawn(
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
    pub(super) async fn ended(&mut self) -> ExitStatus {
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

    /// Ends it and everything that it has started: SIGTERM, and SIGKILL after `grace`.
    pub(super) async fn stop(&mut self, grace: Duration) -> Ending {
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
