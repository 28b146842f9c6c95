//! A bounded number of real browsers for the walks of a run.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    http::Client,
    webdriver::{
        Brand, BrowserError, Gate, Idle, Owners, Session,
        driver::{Driver, DriverError, Versions},
    },
};

/// Browsers of one run; cheap to clone. Dropping the last clone ends the driver and every browser.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Before the driver, so that a foreign driver is told to close them.
    idle: Idle,
    driver: Arc<Driver>,
    places: Arc<Semaphore>,
    size: u32,
    limit: Duration,
    /// What browser and driver call themselves.
    pub versions: Versions,
}

/// How to open browsers.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Which browser.
    pub brand: Brand,
    /// A driver that runs already; `None` starts one.
    pub driver: Option<String>,
    /// Whether the windows are shown.
    pub headed: bool,
    /// How many browsers may be open at once; at least three, because a case may need three people.
    pub size: u32,
    /// How long a page may take.
    pub limit: Duration,
}

/// The right to open so many browsers.
#[derive(Debug)]
pub struct Lease {
    pool: Pool,
    _places: OwnedSemaphorePermit,
}

impl Pool {
    /// Starts the driver and proves that it can open a browser.
    ///
    /// # Errors
    /// When there is no driver, or it does not fit the browser.
    pub async fn open(options: &PoolOptions) -> Result<Self, DriverError> {
        let driver = match &options.driver {
            Some(url) => Driver::at(options.brand, url, options.headed),
            None => Driver::start(options.brand, options.headed).await?,
        };
        let versions = driver.versions().await?;
        let size = options.size.max(3);
        Ok(Self {
            idle: Idle::default(),
            driver: Arc::new(driver),
            places: Arc::new(Semaphore::new(size as usize)),
            size,
            limit: options.limit,
            versions,
        })
    }

    /// Text that stands in the command line of every process of this pool's own driver; empty for a foreign driver.
    #[must_use]
    pub fn mark(&self) -> String {
        self.driver.mark()
    }

    /// Waits until so many browsers may be opened. All at once, so that two walks never wait for each other.
    pub async fn lease(&self, browsers: u32) -> Option<Lease> {
        let wanted = browsers.clamp(1, self.size);
        let places = Arc::clone(&self.places).acquire_many_owned(wanted).await.ok()?;
        Some(Lease {
            pool: self.clone(),
            _places: places,
        })
    }
}

impl Lease {
    /// Opens a browser with a fresh profile. `client` carries what passes its gate; `owners` tells whose an address is.
    ///
    /// # Errors
    /// When the driver opens none.
    pub async fn browser(&self, client: &Client, owners: Owners) -> Result<Session, BrowserError> {
        let gate = Gate::open(client.clone(), owners)
            .await
            .map_err(|error| BrowserError::NotOpened(format!("no port for its proxy: {error}")))?;
        let Pool { idle, driver, .. } = &self.pool;
        let limit = self.pool.limit.max(client.limit());
        loop {
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let is_new = waiting.is_none();
            let mut process = match waiting {
                Some(process) => process,
                None => driver.process(gate.port(), limit).await?,
            };
            match process.enter(gate.port(), limit).await {
                Ok(()) => return Ok(Session::new(process, Arc::clone(idle), gate, limit)),
                Err(error) => {
                    process.end().await;
                    // One that waited may have crashed meanwhile; a new one that fails tells why no browser can be had.
                    if is_new {
                        return Err(error);
                    }
                }
            }
        }
    }
}
