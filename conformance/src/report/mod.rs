//! Reports: folds over run events and results. They know nothing of walking or judging.
//!
//! [`console`] is for people at a terminal, [`plain`] for logs of CI, both of the same [`block`]s; [`json`] is the truth
//! that [`store`] keeps beside the evidence; [`junit`] is one of its renderings. [`redact`] hides secrets in whatever is
//! shown, never in what is stored.

pub mod block;
pub mod console;
pub mod failure;
pub mod json;
pub mod junit;
pub mod look;
pub mod plain;
pub mod redact;
pub mod store;
pub mod summary;

use std::{collections::BTreeMap, path::PathBuf};

use crate::{case::Case, exit::Policy};

/// What a report needs to know beside the result.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// What makes the run red.
    pub policy: Policy,
    /// `[locations]` of the configuration.
    pub locations: BTreeMap<String, String>,
    /// The configuration file as given, for replay commands and as the location of last resort.
    pub config: String,
    /// Where this run is kept, as shown to people (relative where possible).
    pub folder: PathBuf,
}

impl Setting {
    /// Where findings of a case land in the app's source: file and line.
    #[must_use]
    pub fn location(&self, case: &Case) -> (String, u32) {
        let key = match case.group() {
            "callback" | "redirect" => "callback",
            "authorization" => "sign_in",
            "logout" => "sign_out",
            _ => "default",
        };
        let place = self.locations.get(key).or_else(|| self.locations.get("default"));
        match place.map(|place| {
            place
                .rsplit_once(':')
                .map_or((place.as_str(), None), |(f, l)| (f, l.parse().ok()))
        }) {
            Some((file, Some(line))) => (file.to_owned(), line),
            Some((_, None)) => (place.cloned().unwrap_or_default(), 1),
            None => (self.config.clone(), 1),
        }
    }

    /// The command that runs one case again with the same random values.
    #[must_use]
    pub fn replay(&self, case: &Case, seed: &str) -> String {
        let config = match self.config.as_str() {
            "" | "conformance.toml" => String::new(),
            file => format!("{file} "),
        };
        format!("conformance run {config}{} --seed {seed}", case.id)
    }
}
