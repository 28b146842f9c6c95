//! `conformance browser`: a browser and its driver on this machine.

use std::io::{self, Write};

use super::{BrowserArgs, BrowserCommand, CommandError, run::narrate};
use crate::{browser::webdriver::install, exit};

pub(super) async fn browser(args: BrowserArgs) -> Result<u8, CommandError> {
    let BrowserCommand::Install { browser } = args.command;
    let versions = install::install(browser, &mut |command| narrate(&format!("running: {command}")))
        .await
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    let driver = if versions.driver.is_empty() {
        "its driver"
    } else {
        &versions.driver
    };
    writeln!(io::stdout(), "{} with {driver}", versions.browser)?;
    Ok(exit::CLEAN)
}
