//! The driver's process: found, started on a free port, asked for browsers, and ended with everything that it started.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::{BrowserError, Process, process::page_limit};
use crate::{
    process::{App, free_port},
    target::{Port, Start},
};

/// Where distributions put the driver when it is not on the path.
const USUAL_PLACES: &[&str] = &[
    "/usr/bin/chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
    "/usr/lib64/chromium-browser/chromedriver",
    "/opt/homebrew/bin/chromedriver",
    "/usr/local/bin/chromedriver",
    "/snap/bin/chromium.chromedriver",
];

/// Headless, fresh, and silent: nothing is fetched that no page asked for.
const FLAGS: &[&str] = &[
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    // No questions to strangers about forms that are filled in, pages that are slow, languages.
    "--disable-features=AutofillServerCommunication,OptimizationHints,Translate",
    "--disable-sync",
    "--mute-audio",
    "--window-size=1024,768",
];

/// A running driver.
#[derive(Debug)]
pub struct Driver {
    url: String,
    process: Option<App>,
    /// Where browsers put their profiles; removed with the driver.
    folder: Option<PathBuf>,
    headed: bool,
}

/// Browser and driver as they present themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// `chrome 156.0.8078.79`.
    pub browser: String,
    /// `ChromeDriver 156.0.8078.79`; empty when the driver does not tell.
    pub driver: String,
}

/// Why there is no driver.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// None was found.
    #[error("no chromedriver was found on the PATH; `conformance browser install` installs Chromium and its driver")]
    NotFound,
    /// It did not start.
    #[error("chromedriver did not start: {0}")]
    NotStarted(String),
    /// It could not open a browser.
    #[error("{0}")]
    NoBrowser(String),
}

impl Driver {
    /// Starts the driver of this machine.
    ///
    /// # Errors
    /// When there is none, or it does not start.
    pub async fn start(headed: bool) -> Result<Self, DriverError> {
        let program = find().ok_or(DriverError::NotFound)?;
        let failed = |error: io::Error| DriverError::NotStarted(error.to_string());
        let port = free_port().map_err(failed)?;
        let folder = env::temp_dir().join(format!("conformance-browser-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).map_err(failed)?;
        let url = format!("http://127.0.0.1:{port}");
        let start = Start {
            build: None,
            build_timeout: None,
            command: format!("exec '{}' --port={port} --log-level=SEVERE", program.display()),
            port: Port::Fixed(port),
            wait_for: Some(format!("{url}/status")),
            timeout: Some(20),
            reuse_existing: false,
            https_issuer: false,
            env: BTreeMap::from([("TMPDIR".to_owned(), folder.display().to_string())]),
        };
        let process = App::start(&start, &folder, &BTreeMap::new())
            .await
            .map_err(|error| DriverError::NotStarted(error.to_string()))?;
        Ok(Self {
            url,
            process: Some(process),
            folder: Some(folder),
            headed,
        })
    }

    /// Uses a driver that runs already. It must run on this machine: its browsers have to reach 127.0.0.1.
    #[must_use]
    pub fn at(url: &str, headed: bool) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            process: None,
            folder: None,
            headed,
        }
    }

    /// Starts a browser that can be given fresh profiles; where that is not possible, one with this proxy and the profile
    /// that it starts with.
    ///
    /// # Errors
    /// [`BrowserError::NotOpened`] with what the driver says.
    pub(crate) async fn process(&self, proxy: u16, limit: Duration) -> Result<Process, BrowserError> {
        let plain = self.client(None, limit).await?;
        match Process::reusable(plain, limit).await {
            Ok(process) => Ok(process),
            Err(_) => Ok(Process::single(self.client(Some(proxy), limit).await?, limit)),
        }
    }

    /// Opens a browser with a fresh profile and no gate: for tests that click through an app by themselves.
    ///
    /// # Errors
    /// [`BrowserError::NotOpened`] with what the driver says.
    pub async fn window(&self) -> Result<Client, BrowserError> {
        self.client(None, Duration::from_secs(30)).await
    }

    /// Opens a browser, asks what it is, and closes it.
    ///
    /// # Errors
    /// When browser and driver do not fit together, in the driver's words and with what mends it.
    pub async fn versions(&self) -> Result<Versions, DriverError> {
        let client = self
            .client(None, Duration::from_secs(20))
            .await
            .map_err(|error| DriverError::NoBrowser(advice(&error.to_string())))?;
        let told = client.capabilities().cloned().unwrap_or_default();
        let _closed = client.close().await;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let driver = text(told.get("chrome").and_then(|chrome| chrome.get("chromedriverVersion")));
        let driver = driver.split(' ').next().unwrap_or_default().to_owned();
        Ok(Versions {
            browser: format!("{} {}", text(told.get("browserName")), text(told.get("browserVersion"))),
            driver: if driver.is_empty() {
                driver
            } else {
                format!("ChromeDriver {driver}")
            },
        })
    }

    async fn client(&self, proxy: Option<u16>, limit: Duration) -> Result<Client, BrowserError> {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(self.capabilities(proxy, limit));
        let opening = builder.connect(&self.url);
        match tokio::time::timeout(Duration::from_secs(30), opening).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(BrowserError::NotOpened(error.to_string())),
            Err(_) => Err(BrowserError::NotOpened(
                "the driver gave no answer within 30 s".to_owned(),
            )),
        }
    }

    fn capabilities(&self, proxy: Option<u16>, limit: Duration) -> Capabilities {
        let mut flags: Vec<&str> = FLAGS.to_vec();
        if !self.headed {
            flags.push("--headless");
        }
        // Headless windows keep third-party cookies out, as private ones do; an ordinary window lets them in (measured).
        let preferences = json!({
            "download_restrictions": 3,
            "credentials_enable_service": false,
            "profile.cookie_controls_mode": 0,
        });
        let mut options = json!({ "args": flags, "prefs": preferences });
        if let Ok(binary) = env::var("CONFORMANCE_CHROME") {
            options["binary"] = json!(binary);
        }
        let limit = u64::try_from(page_limit(limit).as_millis()).unwrap_or(u64::MAX);
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        wanted.insert("acceptInsecureCerts".to_owned(), json!(true));
        wanted.insert("unhandledPromptBehavior".to_owned(), json!("dismiss and notify"));
        wanted.insert("timeouts".to_owned(), json!({ "pageLoad": limit, "script": limit }));
        if let Some(port) = proxy {
            let address = format!("127.0.0.1:{port}");
            // Without the exception browsers do not ask a proxy for loopback addresses.
            let proxy = json!({ "proxyType": "manual", "httpProxy": address, "sslProxy": address,
                "noProxy": ["<-loopback>"] });
            wanted.insert("proxy".to_owned(), proxy);
        }
        wanted
    }

    /// Text that stands in the command line of every process of this driver; empty when it was not started here.
    #[must_use]
    pub fn mark(&self) -> String {
        let name = self.folder.as_ref().and_then(|folder| folder.file_name());
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Ends the driver and every browser that it opened.
    pub async fn stop(mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The process group is killed before its folder goes.
        drop(self.process.take());
        if let Some(folder) = &self.folder {
            let _gone = fs::remove_dir_all(folder);
        }
    }
}

/// The driver of this machine: `CHROMEDRIVER`, else on the path, else in the folder `CHROMEWEBDRIVER` (hosted runners name
/// it so), else where distributions put it.
#[must_use]
pub fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMEDRIVER").map(PathBuf::from) {
        return named.is_file().then_some(named);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let runner = env::var_os("CHROMEWEBDRIVER").map(PathBuf::from);
    env::split_paths(&path)
        .chain(runner)
        .map(|folder| folder.join("chromedriver"))
        .chain(USUAL_PLACES.iter().map(PathBuf::from))
        .find(|place| is_program(place))
}

fn is_program(place: &Path) -> bool {
    place.is_file()
}

/// What the driver says, with what mends it.
fn advice(told: &str) -> String {
    let told = told.lines().next().unwrap_or_default();
    let mend = if told.contains("only supports Chrome version") {
        "browser and driver must be of the same major version: install both from one place (`conformance browser install`)"
    } else if told.contains("cannot find Chrome binary") {
        "install Chromium (`conformance browser install`), or name it in CONFORMANCE_CHROME"
    } else {
        "see whether `chromium --headless` starts on this machine"
    };
    format!("{told}; {mend}")
}
