//! One driver's process, and why there is none.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::brand::Brand;
use crate::{
    process::{App, free_port},
    target::{Port, Start},
};

/// A driver's process, where it listens, and the folder in which its browsers put their profiles: it goes with them.
#[derive(Debug)]
pub(super) struct Running {
    pub url: String,
    process: Option<App>,
    pub folder: PathBuf,
}

/// Why there is no driver.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// None was found.
    #[error("no {} was found on the PATH; {}", .0.driver(), not_found(*.0))]
    NotFound(Brand),
    /// It did not start.
    #[error("{} did not start: {reason}", .brand.driver())]
    NotStarted {
        /// Whose driver.
        brand: Brand,
        /// What it said, or the system.
        reason: String,
    },
    /// It could not open a browser.
    #[error("{0}")]
    NoBrowser(String),
    /// A driver that somebody else started could not open a second one beside it.
    #[error("{} opens one browser at a time: {reason}", .brand.driver())]
    OneAtATime {
        /// Whose driver.
        brand: Brand,
        /// What it said.
        reason: String,
    },
    /// Windows are to be shown, and there is nothing to show them on.
    #[error("windows are to be shown, and neither DISPLAY nor WAYLAND_DISPLAY is set")]
    NoDisplay,
}

impl DriverError {
    /// What was expected instead.
    #[must_use]
    pub const fn wanted(&self, brand: Brand) -> &'static str {
        match (self, brand) {
            (Self::NoDisplay, _) => "a display for them",
            (Self::OneAtATime { .. }, _) => "a driver that opens three at once: a case may have three people",
            (_, Brand::Chrome) => "a browser and a driver of the same major version",
            (_, Brand::Firefox) => "Firefox, and a geckodriver that is not much older",
        }
    }

    /// What to type.
    #[must_use]
    pub const fn fix(&self, brand: Brand) -> &'static str {
        match self {
            Self::NoDisplay => "leave --headed away, or put `xvfb-run` before the command",
            Self::OneAtATime { .. } => "leave `=URL` away: the harness starts drivers of its own",
            _ => brand.install_command(),
        }
    }
}

fn not_found(brand: Brand) -> String {
    let command = brand.install_command();
    match brand {
        Brand::Chrome => format!("`{command}` installs Chromium and its driver"),
        Brand::Firefox => format!("`{command}` installs Firefox and its driver, or says how"),
    }
}

impl Running {
    /// Starts the driver in a folder of its own below `below`.
    ///
    /// # Errors
    /// [`DriverError::NotStarted`] with what the system or the driver says.
    pub(super) async fn start(brand: Brand, program: &Path, below: &Path) -> Result<Self, DriverError> {
        let failed = |reason: String| DriverError::NotStarted { brand, reason };
        let port = free_port().map_err(|error| failed(error.to_string()))?;
        let folder = below.join(port.to_string());
        fs::create_dir_all(&folder).map_err(|error: io::Error| failed(error.to_string()))?;
        let url = format!("http://127.0.0.1:{port}");
        let mut running = Self {
            url: url.clone(),
            process: None,
            folder,
        };
        let folder = &running.folder;
        let start = Start {
            stop_timeout: Some(3),
            build: None,
            build_timeout: None,
            command: brand.command(program, port, folder),
            port: Port::Fixed(port),
            wait_for: Some(format!("{url}/status")),
            timeout: Some(20),
            reuse_existing: false,
            https_issuer: false,
            env: BTreeMap::from([("TMPDIR".to_owned(), folder.display().to_string())]),
        };
        let process = App::start(&start, folder, &BTreeMap::new())
            .await
            .map_err(|error| failed(error.to_string()))?;
        running.process = Some(process);
        Ok(running)
    }

    /// Ends the driver and every browser that it opened.
    pub(super) async fn stop(mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process group is killed before its folder goes.
        drop(self.process.take());
        let _gone = fs::remove_dir_all(&self.folder);
        // The last one takes the folder of all with it; before, it is not empty.
        let _gone = self.folder.parent().map(fs::remove_dir);
    }
}
