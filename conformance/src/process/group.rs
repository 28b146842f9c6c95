//! A process group: signals to all of it, and the watchdog that outlives us.

use std::{io, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process, test_kill_process_group};
use tokio::process::{Child, Command};

/// The group of a started command; its id is that of the command's shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group(Pid);

impl Group {
    /// The group that a process leads.
    pub(super) fn of(pid: u32) -> Option<Self> {
        i32::try_from(pid).ok().and_then(Pid::from_raw).map(Self)
    }

    /// Its number.
    pub(super) fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Asks everything in it to end.
    pub(super) fn terminate(self) {
        let _gone = kill_process_group(self.0, Signal::TERM);
    }

    /// Ends everything in it.
    pub(super) fn kill(self) {
        let _gone = kill_process_group(self.0, Signal::KILL);
    }

    /// Whether anything in it still runs. Where the system tells, processes that have ended and were only not yet
    /// collected (common in containers whose first process collects nothing) do not count.
    pub(super) fn is_alive(self) -> bool {
        test_kill_process_group(self.0).is_ok() && self.living_members().is_none_or(|members| !members.is_empty())
    }

    /// Whether the process with the group's number runs, whatever group it is in now.
    pub(super) fn leader_is_alive(self) -> bool {
        test_kill_process(self.0).is_ok()
    }

    /// What in it still runs, where the system tells. Reads `/proc/*/stat`: `pid (name) state parent group ...`; the name
    /// may hold anything, so the last `)` counts.
    pub(super) fn living_members(self) -> Option<Vec<u32>> {
        let mut read_any = false;
        let mut members = Vec::new();
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
                continue;
            };
            let Some((pid, fields)) = stat.rsplit_once(')') else {
                continue;
            };
            let mut fields = fields.split_whitespace();
            let (state, group) = (fields.next(), fields.nth(1));
            read_any = true;
            if group == Some(self.id().to_string().as_str()) && !matches!(state, Some("Z" | "X")) {
                members.extend(pid.split(' ').next().and_then(|pid| pid.parse::<u32>().ok()));
            }
        }
        read_any.then_some(members)
    }

    /// A shell that kills this group, and what bears the mark, as soon as our end of its standard input is closed, however that
    /// came about. The pipe is closed in every other child, so nobody else keeps it open.
    pub(super) fn watchdog(self, mark: &str) -> io::Result<Child> {
        Command::new("sh")
            .args([
                "-c",
                r#"read -r _; kill -s KILL -- "-$1" 2>/dev/null
                for e in $(grep -lszF "$2" /proc/[0-9]*/environ 2>/dev/null); do
                    p=${e#/proc/}; p=${p%/environ}
                    [ "$p" = "$$" ] || kill -s KILL "$p" 2>/dev/null
                done"#,
                "conformance-watchdog",
                &self.id().to_string(),
                mark,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    }
}

/// Processes whose environment has this `NAME=value`. Reads `/proc/*/environ`; nothing where the system does not tell.
pub(super) fn bearing(mark: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else {
            continue;
        };
        if environment.split(|byte| *byte == 0).any(|line| line == mark.as_bytes()) && is_running(pid) {
            found.push(pid);
        }
    }
    found
}

/// Whether a process has not ended; one that was only not yet collected has.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, fields)| fields.split_whitespace().next());
    !matches!(state, None | Some("Z" | "X"))
}
