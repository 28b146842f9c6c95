//! `conformance schema`: the JSON schema of `conformance.toml`, so that editors complete and check it.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{CommandError, SchemaArgs};
use crate::{config::reference, exit};

pub(super) fn schema(args: &SchemaArgs) -> Result<u8, CommandError> {
    match &args.out {
        Some(path) => write(path)?,
        None => io::stdout().write_all(text().as_bytes())?,
    }
    Ok(exit::CLEAN)
}

/// Writes the schema to a file, and its folder where it is missing.
pub(super) fn write(path: &Path) -> Result<(), CommandError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text()))
        .map_err(|source| CommandError::Write {
            what: format!("{} cannot be written", path.display()),
            source,
        })
}

fn text() -> String {
    format!("{:#}\n", reference::schema())
}
