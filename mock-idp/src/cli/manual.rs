//! `mock-idp completions` and `mock-idp man`.

use std::{io::Write, path::Path};

use anyhow::Context;
use clap::CommandFactory;

use super::args::Arguments;

/// The script by which a shell completes commands and flags.
pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program(), "mock-idp", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// The main manual page on stdout, or a page per command in a folder.
pub(crate) fn manual(dir: Option<&Path>) -> anyhow::Result<()> {
    match dir {
        Some(dir) => std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(program(), dir))
            .with_context(|| format!("cannot write manual pages to {}", dir.display())),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(program()).render(&mut page)?;
            Ok(std::io::stdout().write_all(&page)?)
        }
    }
}

/// The command line; pages name the variables, not what they hold.
fn program() -> clap::Command {
    Arguments::command()
        .mut_args(|argument| argument.hide_env_values(true))
        .mut_subcommands(|command| command.mut_args(|argument| argument.hide_env_values(true)))
}
