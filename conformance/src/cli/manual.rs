//! `conformance completions` and `conformance man`: what packages install beside the program.

use std::{
    fs,
    io::{self, Write},
};

use super::{CommandError, CompletionsArgs, ManArgs, program};
use crate::exit;

/// Prints the script by which a shell completes commands and flags.
pub(super) fn completions(args: &CompletionsArgs) -> Result<u8, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program(), "conformance", &mut script);
    io::stdout().write_all(&script)?;
    Ok(exit::CLEAN)
}

/// Prints the manual page, or writes one page per command into a folder.
pub(super) fn man(args: &ManArgs) -> Result<u8, CommandError> {
    match &args.dir {
        Some(dir) => fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(program(), dir))
            .map_err(|source| CommandError::Write {
                what: format!("cannot write manual pages to {}", dir.display()),
                source,
            })?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(program()).render(&mut page)?;
            io::stdout().write_all(&page)?;
        }
    }
    Ok(exit::CLEAN)
}
