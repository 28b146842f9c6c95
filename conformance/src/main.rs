//! The `conformance` program. Everything is in the library; this only turns its answer into an exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ExitCode::from(conformance::cli::main(std::env::args_os()).await)
}
