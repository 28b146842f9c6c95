//! What earlier runs of a configuration have to say about the next one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{
    redact::fingerprint,
    store::{self, ReadError},
};
use crate::select::Past;

/// Folders that hold no source of an app.
const SKIPPED: &[&str] = &[
    ".conformance",
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "target",
    "venv",
];
/// Files that are looked at; a bigger tree is not one app's.
const FILES: usize = 20_000;

/// What selectors may ask about.
#[must_use]
pub fn of(config_folder: &Path, now: Option<&str>) -> Past {
    let failed = match store::last(config_folder) {
        None => None,
        Some(Ok(_)) => store::last_failed(config_folder).map(Ok),
        Some(Err(error)) => Some(Err(error.to_string())),
    };
    Past {
        failed,
        judged: now.map(|now| judged(config_folder, now)).unwrap_or_default(),
    }
}

/// A fingerprint of the configuration's text and of the newest change among the files beside it.
#[must_use]
pub fn state(config_file: &Path, config_folder: &Path) -> String {
    let text = fs::read_to_string(config_file).unwrap_or_default();
    fingerprint(&format!(
        "{} {} {text}",
        env!("CARGO_PKG_VERSION"),
        newest(config_folder)
    ))
}

/// When the newest file below a folder was changed, in nanoseconds, and how many files there are.
#[must_use]
pub fn newest(folder: &Path) -> String {
    let (mut newest, mut count) = (0_u128, 0_usize);
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
                open.push(entry.path());
            } else if kind.is_file() {
                count += 1;
                let changed = entry.metadata().and_then(|own| own.modified()).ok();
                let since = changed.and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
                newest = newest.max(since.map(|since| since.as_nanos()).unwrap_or_default());
            }
            if count >= FILES {
                return format!("{newest} {count}");
            }
        }
    }
    format!("{newest} {count}")
}

/// Ids of the cases that were judged in this state, in whichever kept run.
fn judged(config_folder: &Path, now: &str) -> Vec<String> {
    let runs = fs::read_dir(config_folder.join(".conformance/runs"))
        .into_iter()
        .flatten()
        .flatten();
    let stored = runs.filter_map(|entry| store::read(&entry.path()).ok());
    let same = stored.filter(|stored| stored.run.run.config_fingerprint.as_deref() == Some(now));
    same.flat_map(|stored| stored.run.cases).map(|case| case.id).collect()
}

/// The stored run that somebody names: a folder, a `run.json`, an id of a kept run, or `latest`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn named(name: &str, config_folder: &Path) -> Result<store::Stored, ReadError> {
    if name == "latest" {
        return store::read(&config_folder.join(".conformance/latest"));
    }
    let kept = config_folder.join(".conformance/runs").join(name);
    let given = Path::new(name);
    if !given.exists() && kept.is_dir() {
        return store::read(&kept);
    }
    store::read(given)
}
