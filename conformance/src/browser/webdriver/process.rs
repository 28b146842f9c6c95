//! A browser process that serves one person after the other, each in a fresh profile.

use std::time::Duration;

use fantoccini::{
    Client,
    wd::{TimeoutConfiguration, WindowHandle},
};
use serde_json::Value;

use super::{BrowserError, devtools::DevTools};

/// A process is used so often before a new one takes its place: what leaks in a browser stays small.
const USES: u32 = 100;

/// How long the driver waits for a page whose requests are given up after `limit`: what the gate answers then is a page.
pub(super) fn page_limit(limit: Duration) -> Duration {
    limit + Duration::from_secs(5)
}

/// A running browser, and the profile that is open in it.
#[derive(Debug)]
pub struct Process {
    client: Client,
    /// How long a page may take.
    limit: Duration,
    profiles: Profiles,
    uses: u32,
}

/// How a process comes by fresh profiles.
#[derive(Debug)]
enum Profiles {
    /// It has only its own: a new person needs a new process.
    One,
    /// It makes as many as are wanted.
    Many {
        devtools: Box<DevTools>,
        /// The window that stays open between two people; without one the browser ends.
        home: WindowHandle,
        context: Option<String>,
    },
}

impl Process {
    /// A process whose profile is fresh and whose proxy was set at its start.
    pub(super) fn single(client: Client, limit: Duration) -> Self {
        Self {
            client,
            limit,
            profiles: Profiles::One,
            uses: 0,
        }
    }

    /// A process that was started without a proxy, to be given profiles.
    ///
    /// # Errors
    /// When its DevTools cannot be reached.
    pub(super) async fn reusable(client: Client, limit: Duration) -> Result<Self, BrowserError> {
        let options = client.capabilities().and_then(|told| told.get("goog:chromeOptions"));
        let address = options
            .and_then(|options| options.get("debuggerAddress"))
            .and_then(Value::as_str);
        let Some(address) = address else {
            return Err(BrowserError::NotOpened("the driver names no DevTools".to_owned()));
        };
        let devtools = Box::new(DevTools::connect(address).await?);
        let home = client.window().await?;
        Ok(Self {
            client,
            limit,
            profiles: Profiles::Many {
                devtools,
                home,
                context: None,
            },
            uses: 0,
        })
    }

    /// What speaks to it.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The window that is nobody's.
    pub(super) fn home(&self) -> Option<&WindowHandle> {
        match &self.profiles {
            Profiles::One => None,
            Profiles::Many { home, .. } => Some(home),
        }
    }

    /// Opens a window of a fresh profile whose requests go to this proxy, and whose pages may take so long.
    ///
    /// # Errors
    /// When the browser has gone.
    pub(crate) async fn enter(&mut self, proxy: u16, limit: Duration) -> Result<(), BrowserError> {
        if limit != self.limit {
            self.limit = limit;
            let page = Some(page_limit(limit));
            self.client
                .update_timeouts(TimeoutConfiguration::new(page, page, None))
                .await?;
        }
        let Profiles::Many { devtools, context, .. } = &mut self.profiles else {
            return Ok(());
        };
        self.uses += 1;
        let fresh = devtools.create_context(proxy).await?;
        let window = devtools.open_window(&fresh).await?;
        *context = Some(fresh);
        let handle = WindowHandle::try_from(window).map_err(|error| BrowserError::Refused(error.to_string()))?;
        self.client.switch_to_window(handle).await?;
        Ok(())
    }

    /// Forgets the profile. `None` when this process is not to be used again; it has been ended then.
    pub(crate) async fn leave(mut self) -> Option<Self> {
        if let Profiles::Many {
            devtools,
            home,
            context,
        } = &mut self.profiles
            && let Some(left) = context.take()
            && self.uses < USES
            && devtools.dispose(&left).await.is_ok()
            && self.client.switch_to_window(home.clone()).await.is_ok()
        {
            return Some(self);
        }
        self.end().await;
        None
    }

    /// Ends the browser.
    pub(crate) async fn end(self) {
        let _gone = self.client.close().await;
    }
}
