//! The command `mock-idp`. Results go to stdout, narration to stderr.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Arguments, Command};

mod cli;

/// A sign-in takes hundreds of small allocations, most of them made by one worker and freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The server is not up or is no mock-idp; or what `ctl` asked about is not as it should be.
const UNHEALTHY: u8 = 1;
/// Wrong usage or configuration, or the port is taken.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => cli::serve::serve(&arguments.serve),
        Some(Command::Serve(serve)) => cli::serve::serve(&serve),
        Some(Command::Init { folder }) => cli::init::init(&folder),
        Some(Command::Check { file, lax }) => cli::check::check(&file, lax),
        Some(Command::Env { serve, format }) => cli::env::env(&serve, format),
        Some(Command::Faults { prefix }) => cli::faults::faults(prefix.as_deref()),
        Some(Command::Reference { schema }) => cli::check::reference(schema),
        Some(Command::Keys { serve, server, private }) => cli::keys::keys(&serve, &server, private),
        Some(Command::Ctl(ctl)) => match cli::ctl::ctl(&ctl) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::from(UNHEALTHY),
            Err(error) => Err(error),
        },
        Some(Command::Completions { shell }) => cli::manual::completions(shell),
        Some(Command::Man { dir }) => cli::manual::manual(dir.as_deref()),
        Some(Command::Healthcheck { serve, wait }) => match cli::health::healthcheck(&serve, wait) {
            Ok(()) => Ok(()),
            Err(error) => {
                cli::narrate(&format!("mock-idp: {error:#}"));
                return ExitCode::from(UNHEALTHY);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read us has seen enough, as with `mock-idp faults | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::narrate(&format!("mock-idp: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
