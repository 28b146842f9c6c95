//! Reading `conformance.toml`: found, parsed, checked, with every mistake shown at its place.

mod problem;
mod validate;

pub(crate) use self::validate::date;

use std::{
    fs,
    path::{Path, PathBuf},
};

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
    /// Everything that is wrong with the file, each with line and column and what mends it.
    pub fn load(file: &Path, allow_hosts: &[String]) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(file).map_err(|error| {
            ConfigError::whole(
                file,
                format!("cannot be read: {error}"),
                "`conformance run FILE.toml` names another file",
            )
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
        let mut config: Config =
            toml::from_str(text).map_err(|error| ConfigError::new(file, vec![Problem::syntax(text, &error)]))?;
        let problems = validate::problems(&config, text, allow_hosts);
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
