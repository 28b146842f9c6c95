//! `mock-idp.toml`: an org in a file. All its mistakes are told at once, each with its place and what fixes it.

use std::path::Path;

use crate::{flow::Arming, tenant::Tenant};

mod check;
mod faults;
mod keys;
mod mistake;
mod read;
mod reference;
#[cfg(test)]
mod tests;

pub use mistake::{ConfigError, Mistakes};
pub use reference::{reference, schema};

/// What a configuration file says.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// The org's URL as clients see it.
    pub issuer: Option<String>,
    /// Where several processes share what they remember: the URL of Redis. Without one each remembers by itself.
    pub store: Option<String>,
    /// The org. What the file does not mention is as in [`Tenant::default`].
    pub tenant: Tenant,
    /// Faults that are armed from the start.
    pub faults: Vec<Arming>,
    /// What is no mistake and may surprise, one sentence each: for instance a claim that no rule puts into a token.
    pub hints: Vec<String>,
}

/// How strictly a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// What Okta would refuse is a mistake.
    #[default]
    Okta,
    /// Access tokens may live one second, and any redirect URI may have a `*` for its port (`--lax`).
    Lax,
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read or says something that no org can be: every mistake of it.
pub fn load(path: &Path, strictness: Strictness) -> Result<Config, Mistakes> {
    let file = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new("."));
    match std::fs::read_to_string(path) {
        Ok(text) => read::config(&file, folder, &text, strictness),
        Err(error) => Err(Mistakes(vec![ConfigError {
            file,
            place: None,
            message: format!("cannot be read: {error}"),
            fix: "give the path of a TOML file, or leave --config away".to_owned(),
        }])),
    }
}

/// Reads the text of a file as strictly as Okta would; `file` is its name in messages. Files that it names are looked for
/// in the current folder.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &str, text: &str) -> Result<Config, Mistakes> {
    read::config(file, Path::new("."), text, Strictness::Okta)
}
