//! Apps that a killed run left behind: each started app is written down beside the reports while it runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};

use super::group::Group;

/// An app of an earlier run that still runs although that run is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Its process group.
    pub group: u32,
    /// The process that had started it.
    pub harness: u32,
    /// Its command.
    pub command: String,
    /// Where it was to answer.
    pub url: String,
}

impl Leftover {
    /// The command that ends it.
    #[must_use]
    pub fn fix(&self) -> String {
        format!("kill -KILL -- -{}", self.group)
    }
}

/// A note that lies in `.conformance/` while an app runs.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it. A folder that cannot be written to costs only this note.
    pub(super) fn write(folder: &Path, group: Group, command: &str, url: &str) -> Option<Self> {
        let folder = notes(folder);
        let group = u32::try_from(group.id()).ok()?;
        let note = Leftover {
            group,
            harness: process::id(),
            command: command.to_owned(),
            url: url.to_owned(),
        };
        let path = folder.join(format!("{group}.json"));
        fs::create_dir_all(&folder).ok()?;
        fs::write(&path, serde_json::to_vec(&note).ok()?).ok()?;
        Some(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

/// Reads the notes; those whose app is gone are thrown away, those of a run that still goes on are left alone.
pub(super) fn find(folder: &Path) -> Vec<Leftover> {
    let mut found = Vec::new();
    for entry in fs::read_dir(notes(folder)).into_iter().flatten().flatten() {
        let note = fs::read(entry.path())
            .ok()
            .and_then(|text| serde_json::from_slice::<Leftover>(&text).ok());
        match note {
            Some(note) if Group::of(note.group).is_some_and(Group::is_alive) => {
                if !Group::of(note.harness).is_some_and(Group::leader_is_alive) {
                    found.push(note);
                }
            }
            _ => {
                let _gone = fs::remove_file(entry.path());
            }
        }
    }
    found
}

fn notes(folder: &Path) -> PathBuf {
    folder.join(".conformance").join("apps")
}
