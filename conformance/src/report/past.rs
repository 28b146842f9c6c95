//! What earlier runs of a configuration have to say about the next one.

use std::{fs, path::Path};

use super::{
    document::Run,
    store::{self, ReadError, Stored},
    tree::State,
};
use crate::select::Past;

/// Earlier runs of a configuration: those that are kept beside it, and the one in the folder where the next will be kept.
#[derive(Debug)]
pub struct Earlier {
    runs: Vec<Stored>,
    /// The last of them; `Err`: it cannot be read.
    last: Option<Result<Run, ReadError>>,
}

impl Earlier {
    /// Reads them. `out` is where the next run goes when that is not beside the configuration.
    #[must_use]
    pub fn of(config_folder: &Path, out: Option<&Path>) -> Self {
        let kept = fs::read_dir(config_folder.join(".conformance/runs"));
        let kept = kept.into_iter().flatten().flatten();
        let mut runs: Vec<Stored> = kept.filter_map(|entry| store::read(&entry.path()).ok()).collect();
        let last = store::last(config_folder).map(|read| read.map(|stored| stored.run));
        let there = out.and_then(|folder| store::read(folder).ok());
        let is_later = |stored: &Stored| match &last {
            // Ids sort by time.
            Some(Ok(last)) => stored.run.run.id > last.run.id,
            _ => true,
        };
        let last = match there.as_ref().filter(|stored| is_later(stored)) {
            Some(stored) => Some(Ok(stored.run.clone())),
            None => last,
        };
        runs.extend(there);
        Self { runs, last }
    }

    /// The last kept run with this seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Option<Stored> {
        let has_seed = |stored: &Stored| u64::from_str_radix(&stored.run.run.seed, 16) == Ok(seed);
        let same = self.runs.into_iter().filter(has_seed);
        same.max_by(|one, other| one.run.run.id.cmp(&other.run.run.id))
    }

    /// The present state of the configuration and the files beside it.
    #[must_use]
    pub fn state(&self, config_file: &Path, config_folder: &Path) -> State {
        State::now(
            config_file,
            config_folder,
            self.runs.iter().map(|stored| &stored.run.run),
        )
    }

    /// What selectors may ask about in this state.
    #[must_use]
    pub fn past(&self, state: &State) -> Past {
        let failed = self.last.as_ref().map(|last| match last {
            Ok(run) => Ok(run.not_well()),
            Err(error) => Err(error.to_string()),
        });
        let now = state.fingerprint();
        let same = |stored: &&Stored| stored.run.run.config_fingerprint.as_deref() == Some(now.as_str());
        let judged = self.runs.iter().filter(same).flat_map(|stored| &stored.run.cases);
        Past {
            failed,
            judged: judged.map(|case| case.id.clone()).collect(),
        }
    }
}

/// The stored run that somebody names: a folder, a `run.json`, an id of a kept run, or `latest`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn named(name: &str, config_folder: &Path) -> Result<Stored, ReadError> {
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
