//! Reading `conformance.toml`: found, parsed, checked, with every mistake shown at its place.

pub mod keys;
mod problem;
pub mod reference;
mod shape;
mod validate;

pub(crate) use self::validate::date;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::de::DeTable;

pub use self::problem::{ConfigError, Place, Problem};
use crate::target::{Config, Port};

/// The name that is searched for.
pub const FILE_NAME: &str = "conformance.toml";

impl Config {
    /// The nearest `conformance.toml` in this folder or above it.
    #[must_use]
    pub fn find(folder: &Path) -> Option<PathBuf> {
        folder
            .ancestors()
            .map(|folder| folder.join(FILE_NAME))
            .find(|file| file.is_file())
    }

    /// Reads and checks a file. `allow_hosts` are the hosts that may be driven although they are not on this machine.
    ///
    /// What can be left out is filled in: a fixed URL fixes the port, and without `wait_for` the app's URL is polled.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each with line and column and what fixes it.
    pub fn load(file: &Path, allow_hosts: &[String]) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(file).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                std::io::ErrorKind::InvalidData => "cannot be read: it is not UTF-8 text".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            let fix = "`conformance run FILE.toml` names another file, `conformance init` writes one";
            ConfigError::whole(file, message, fix)
        })?;
        let mut config = Config::parse(&text, file, allow_hosts)?;
        config.folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        config.folder = fs::canonicalize(&config.folder).unwrap_or(config.folder);
        Ok(config)
    }

    /// As [`Config::load`], from a text. `file` is only named in messages; the folder stays empty.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path, allow_hosts: &[String]) -> Result<Config, ConfigError> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(ConfigError::new(file, Problem::of_syntax(text, &errors)));
        }
        let shape = shape::check(text, table.get_ref());
        let mut problems = shape.problems;
        let mut config = match Config::deserialize(shape.table) {
            Ok(config) => config,
            Err(error) => {
                // The list of keys and the types do not agree: a bug, and still no reason for a strange message.
                let message = format!("this cannot be read as a configuration: {}", error.message());
                problems.push(Problem::at(
                    text,
                    None,
                    message,
                    "`conformance explain config` has every key",
                ));
                return Err(ConfigError::new(file, problems));
            }
        };
        problems.extend(validate::problems(
            &config,
            text,
            table.get_ref(),
            &shape.repaired,
            allow_hosts,
        ));
        if !problems.is_empty() {
            return Err(ConfigError::new(file, problems));
        }
        complete(&mut config);
        file.clone_into(&mut config.file);
        Ok(config)
    }
}

/// Fills in what follows from the rest.
fn complete(config: &mut Config) {
    let Some(start) = &mut config.target.start else { return };
    if start.wait_for.is_none() {
        start.wait_for = Some(config.target.url.clone());
    }
    let fixed = url::Url::parse(&config.target.url)
        .ok()
        .and_then(|url| url.port_or_known_default());
    if let (Port::Auto, Some(port)) = (start.port, fixed) {
        start.port = Port::Fixed(port);
    }
}
