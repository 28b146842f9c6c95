//! The `conformance` program. Everything is in the library; this only turns its answer into an exit code.

use std::{process::ExitCode, time::Duration};

use tokio::runtime::Runtime;

/// How long what runs beside may take to end. A page that is still being read, or a reader of standard output who reads
/// nothing, is not waited for any longer.
const LEAVING: Duration = Duration::from_millis(500);

fn main() -> std::io::Result<ExitCode> {
    let runtime = Runtime::new()?;
    let code = runtime.block_on(conformance::cli::main(std::env::args_os()));
    runtime.shutdown_timeout(LEAVING);
    Ok(ExitCode::from(code))
}
