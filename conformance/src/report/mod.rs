//! Reports: renderings of one [`document`], which [`compose`] makes of what the runner says and [`store`] keeps.
//!
//! [`console`] is for people at a terminal, [`plain`] for logs of CI, both of the same [`cause`]s; [`html`] is the page to
//! open; [`junit`], [`sarif`], [`ctrf`], [`tap`], [`markdown`], [`github`] and [`gitlab`] are what other programs read.
//! [`journal`] is what stands on disk while a run goes on. [`redact`] and [`secrets`] hide secrets in whatever is shown, never in
//! the stored evidence.

pub mod block;
pub mod cause;
pub mod change;
pub mod compose;
pub mod console;
pub mod ctrf;
pub mod diagram;
pub mod difference;
pub mod document;
pub mod exchange;
pub mod failure;
pub mod finding;
pub mod github;
pub mod gitlab;
pub mod har;
pub mod html;
pub mod journal;
pub mod junit;
pub mod kind;
pub mod look;
pub mod markdown;
pub mod merge;
pub mod past;
pub mod plain;
pub mod recorder;
pub mod redact;
pub mod rejudge;
mod running;
pub mod sarif;
pub mod secrets;
pub mod store;
pub mod summary;
pub mod tap;
pub mod tree;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use self::document::Location;
use crate::exit::Policy;

/// What a report needs to know beside the result.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// What makes the run red.
    pub policy: Policy,
    /// `[locations]` of the configuration.
    pub locations: BTreeMap<String, String>,
    /// The configuration file as given, for replay commands and as the location of last resort.
    pub config: String,
    /// The configuration's folder as seen from the root of the repository: `[locations]` are relative to the former, and
    /// those who show findings beside the source know the latter.
    pub base: PathBuf,
    /// Flags that decide what is judged and that the configuration does not say: a replay is given them again.
    pub flags: String,
    /// Of the configuration's text and the files beside it.
    pub config_fingerprint: Option<String>,
    /// `2/5`, where only a part of the selection is judged.
    pub shard: Option<String>,
    /// Where this run is kept, as shown to people (relative where possible).
    pub folder: PathBuf,
    /// How much is told: `-v` and `-vv`.
    pub verbose: u8,
}

impl Setting {
    /// Where findings of a case land in the app's source: by the case, its group, the default, the configuration.
    #[must_use]
    pub fn location(&self, case: &str) -> Location {
        let group = case.split('/').next().unwrap_or(case);
        // The names of the journey, for those groups that belong to one step of it.
        let step = match group {
            "redirect" => "callback",
            "authorization" => "sign_in",
            "logout" => "sign_out",
            other => other,
        };
        let place = [case, group, step, "default"]
            .iter()
            .find_map(|key| self.locations.get(*key));
        let own = Path::new(&self.config)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let place = place
            .cloned()
            .unwrap_or_else(|| own.unwrap_or_else(|| "conformance.toml".to_owned()));
        let (file, line) = match place.rsplit_once(':').map(|(file, line)| (file, line.parse())) {
            Some((file, Ok(line))) => (file.to_owned(), line),
            _ => (place.clone(), 1),
        };
        Location {
            file: self.base.join(file).display().to_string(),
            line,
        }
    }

    /// The command that judges one case again with the same random values, in the same profile and by the same driver.
    #[must_use]
    pub fn replay(&self, case: &str, seed: &str) -> String {
        let config = match self.config.as_str() {
            "" | "conformance.toml" => String::new(),
            file => format!(" --config {file}"),
        };
        format!("conformance replay {case} --seed {seed}{config}{}", self.flags)
    }
}

/// Where a case's evidence lies in the run's folder.
#[must_use]
pub fn evidence_file(case: &str) -> String {
    format!("evidence/{}.json", case.replace('/', "."))
}
