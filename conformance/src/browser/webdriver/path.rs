//! Where programs lie.

use std::{env, path::PathBuf};

/// The program of this name that a shell would start.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|place| place.is_file())
}
