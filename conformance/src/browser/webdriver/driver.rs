//! The driver: found, started, asked for browsers, and ended with everything that it started.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;

pub use super::running::DriverError;
use super::{
    brand::{Brand, Wish},
    error::BrowserError,
    process::{Opened, Process, page_limit},
    running::Running,
};

/// What opens browsers of one brand.
#[derive(Debug)]
pub struct Driver {
    brand: Brand,
    source: Source,
    headed: bool,
    /// The browser without windows, until it turns out not to fit the driver.
    shell: Mutex<Option<PathBuf>>,
    /// Drivers whose browser somebody else holds.
    kept: Mutex<Vec<Running>>,
}

/// Where browsers come from.
#[derive(Debug)]
enum Source {
    /// A driver that somebody else started.
    Foreign(String),
    /// One driver for all browsers.
    Shared(Box<Running>),
    /// A driver for each browser, with its files below this folder.
    Each { program: PathBuf, folder: PathBuf },
}

/// Browser and driver as they present themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// `chrome 156.0.8078.79`.
    pub browser: String,
    /// `ChromeDriver 156.0.8078.79`; empty when the driver does not tell.
    pub driver: String,
}

impl Driver {
    /// Starts the driver of this machine; where each browser has its own, it starts with its browser.
    ///
    /// # Errors
    /// When there is none, or it does not start, or windows have nowhere to be shown.
    pub async fn start(brand: Brand, headed: bool) -> Result<Self, DriverError> {
        if headed && lacks_display() {
            return Err(DriverError::NoDisplay);
        }
        let program = brand.find_driver().ok_or(DriverError::NotFound(brand))?;
        let folder = folder_for(&program);
        let source = match brand.shares_driver() {
            true => Source::Shared(Box::new(Running::start(brand, &program, &folder).await?)),
            false => Source::Each { program, folder },
        };
        Ok(Self {
            brand,
            source,
            headed,
            shell: Mutex::new(brand.find_shell().filter(|_| !headed)),
            kept: Mutex::default(),
        })
    }

    /// Uses a driver that runs already. It must run on this machine: its browsers have to reach 127.0.0.1.
    #[must_use]
    pub fn at(brand: Brand, url: &str, headed: bool) -> Self {
        Self {
            brand,
            source: Source::Foreign(url.trim_end_matches('/').to_owned()),
            headed,
            shell: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// Starts a browser that can be given fresh profiles; where that is not possible, one with this proxy and the profile
    /// that it starts with.
    ///
    /// # Errors
    /// [`BrowserError::NotOpened`] with what the driver says.
    pub(crate) async fn process(&self, proxy: u16, limit: Duration) -> Result<Process, BrowserError> {
        let plain = self.open(None, limit).await?;
        match Process::reusable(plain, proxy, limit).await {
            Ok(process) => Ok(process),
            Err(_) => Process::single(self.open(Some(proxy), limit).await?, limit).await,
        }
    }

    /// Opens a browser with a fresh profile and no gate: for tests that click through an app by themselves.
    ///
    /// # Errors
    /// [`BrowserError::NotOpened`] with what the driver says.
    pub async fn window(&self) -> Result<Client, BrowserError> {
        let Opened { client, driver, .. } = self.open(None, Duration::from_secs(30)).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(driver);
        Ok(client)
    }

    /// Opens a browser, asks what it is, and closes it; of a driver that somebody else started, another one beside it.
    ///
    /// # Errors
    /// When browser and driver do not fit together, in the driver's words and with what fixes it.
    pub async fn versions(&self) -> Result<Versions, DriverError> {
        const LIMIT: Duration = Duration::from_secs(20);
        let opened = self
            .open(None, LIMIT)
            .await
            .map_err(|error| DriverError::NoBrowser(self.brand.advice(&error.to_string())))?;
        let told = opened.client.capabilities().cloned().unwrap_or_default();
        let second = match self.source {
            Source::Foreign(_) => Some(self.open(None, LIMIT).await),
            Source::Shared(_) | Source::Each { .. } => None,
        };
        let _closed = opened.client.close().await;
        match second {
            Some(Ok(second)) => drop(second.client.close().await),
            Some(Err(error)) => {
                return Err(DriverError::OneAtATime {
                    brand: self.brand,
                    reason: error.to_string(),
                });
            }
            None => {}
        }
        let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(Versions {
            browser: format!("{} {}", text("browserName"), text("browserVersion")),
            driver: self.brand.driver_version(&told),
        })
    }

    /// Opens a browser: the one without windows where it fits the driver, which may be of another version.
    async fn open(&self, proxy: Option<u16>, limit: Duration) -> Result<Opened, BrowserError> {
        let shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let with_shell = match &shell {
            Some(shell) => self.open_program(Some(shell), proxy, limit).await.ok(),
            None => None,
        };
        if let Some(opened) = with_shell {
            return Ok(opened);
        }
        let opened = self.open_program(None, proxy, limit).await?;
        // When this one can be opened and that one cannot, there is no use in asking for that one again.
        *self.shell.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(opened)
    }

    async fn open_program(
        &self,
        shell: Option<&Path>,
        proxy: Option<u16>,
        limit: Duration,
    ) -> Result<Opened, BrowserError> {
        let own = match &self.source {
            Source::Each { program, folder } => {
                let started = Running::start(self.brand, program, folder).await;
                Some(started.map_err(|error| BrowserError::NotOpened(error.to_string()))?)
            }
            Source::Foreign(_) | Source::Shared(_) => None,
        };
        let url = match (&self.source, &own) {
            (Source::Foreign(url), _) => url,
            (Source::Shared(running), _) => &running.url,
            (_, Some(running)) => &running.url,
            (Source::Each { .. }, None) => return Err(BrowserError::NotOpened("it has no driver".to_owned())),
        };
        let limit = u64::try_from(page_limit(limit).as_millis()).unwrap_or(u64::MAX);
        let wish = Wish {
            headed: self.headed,
            shell,
            proxy,
            limit,
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(self.brand.capabilities(wish));
        match tokio::time::timeout(Duration::from_secs(30), builder.connect(url)).await {
            Ok(Ok(client)) => Ok(Opened {
                brand: self.brand,
                client,
                driver: own,
            }),
            Ok(Err(error)) => Err(BrowserError::NotOpened(error.to_string())),
            Err(_) => Err(BrowserError::NotOpened(
                "the driver gave no answer within 30 s".to_owned(),
            )),
        }
    }

    /// Text that stands in the command line of every process of this driver; empty when it was not started here.
    #[must_use]
    pub fn mark(&self) -> String {
        let folder = match &self.source {
            Source::Foreign(_) => None,
            Source::Shared(running) => running.folder.parent(),
            Source::Each { folder, .. } => Some(folder.as_path()),
        };
        let name = folder.and_then(Path::file_name);
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Ends the driver and every browser that it opened.
    pub async fn stop(self) {
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let shared = match self.source {
            Source::Shared(running) => Some(*running),
            Source::Foreign(_) | Source::Each { .. } => None,
        };
        for running in kept.into_iter().chain(shared) {
            running.stop().await;
        }
    }
}

/// Whether windows have nowhere to be shown, as far as the environment tells.
fn lacks_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "linux") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY")
}

/// A folder of its own for what browsers write. Where the driver comes as a snap, it sees only what lies in the snap's.
fn folder_for(program: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let home = env::var_os("HOME").map(PathBuf::from);
    let base = match home {
        Some(home) if program.starts_with("/snap/bin") && program.ends_with("geckodriver") => {
            home.join("snap/firefox/common")
        }
        _ => env::temp_dir(),
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    base.join(format!("conformance-browser-{}-{number}-", std::process::id()))
}
