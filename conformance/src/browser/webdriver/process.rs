//! A browser process that serves one person after the other, each in a fresh profile.

use std::time::Duration;

use fantoccini::{
    Client,
    wd::{TimeoutConfiguration, WindowHandle},
};

use super::{brand::Brand, error::BrowserError, running::Running, wire::Wire};

/// A process is used so often before a new one takes its place: what leaks in a browser stays small.
const USES: u32 = 100;

/// How long the driver waits for a page whose requests are given up after `limit`: what the gate answers then is a page.
pub(super) fn page_limit(limit: Duration) -> Duration {
    limit + Duration::from_secs(5)
}

/// A browser that was opened just now, and its driver where it has one for itself.
#[derive(Debug)]
pub(super) struct Opened {
    pub brand: Brand,
    pub client: Client,
    pub driver: Option<Running>,
}

/// A running browser, and the profile that is open in it.
#[derive(Debug)]
pub struct Process {
    client: Client,
    wire: Wire,
    /// How long a page may take.
    limit: Duration,
    profiles: Profiles,
    uses: u32,
    /// Ends with this process, and the browser with it.
    _driver: Option<Running>,
}

/// How a process comes by fresh profiles.
#[derive(Debug)]
enum Profiles {
    /// It has only its own: a new person needs a new process.
    One,
    /// It makes as many as are wanted.
    Many {
        /// The window that stays open between two people; without one the browser ends.
        home: WindowHandle,
        context: Option<String>,
    },
}

impl Process {
    /// A process whose profile is fresh and whose proxy was set at its start.
    ///
    /// # Errors
    /// When nothing could be told of such a browser.
    pub(super) async fn single(opened: Opened, limit: Duration) -> Result<Self, BrowserError> {
        let wire = Wire::connect(opened.brand, &opened.client).await?;
        Ok(Self::new(opened, wire, Profiles::One, limit))
    }

    /// A process that was started without a proxy, to be given profiles. `proxy`: where a gate is open, for a trial.
    ///
    /// # Errors
    /// When it cannot be given any.
    pub(super) async fn reusable(opened: Opened, proxy: u16, limit: Duration) -> Result<Self, BrowserError> {
        let mut wire = Wire::connect(opened.brand, &opened.client).await?;
        wire.prove_profiles(proxy).await?;
        let home = opened.client.window().await?;
        let profiles = Profiles::Many { home, context: None };
        Ok(Self::new(opened, wire, profiles, limit))
    }

    fn new(opened: Opened, wire: Wire, profiles: Profiles, limit: Duration) -> Self {
        Self {
            client: opened.client,
            wire,
            limit,
            profiles,
            uses: 0,
            _driver: opened.driver,
        }
    }

    /// What speaks to it.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What it can do beyond WebDriver.
    pub(super) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Looks at another of its windows.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn look_at(&mut self, window: WindowHandle) -> Result<(), BrowserError> {
        self.wire.look_at(&String::from(window.clone()));
        self.client.switch_to_window(window).await?;
        Ok(())
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
        let Profiles::Many { context, .. } = &mut self.profiles else {
            return Ok(());
        };
        self.uses += 1;
        let fresh = self.wire.create_context(proxy).await?;
        let window = self.wire.open_window(&fresh).await?;
        *context = Some(fresh);
        let handle = WindowHandle::try_from(window).map_err(|error| BrowserError::Refused(error.to_string()))?;
        self.client.switch_to_window(handle).await?;
        Ok(())
    }

    /// Forgets the profile. `None` when this process is not to be used again; it has been ended then.
    pub(crate) async fn leave(mut self) -> Option<Self> {
        // The driver looks at a window that has gone until the next person's is open.
        if let Profiles::Many { context, .. } = &mut self.profiles
            && let Some(left) = context.take()
            && self.uses < USES
            && self.wire.dispose(&left).await.is_ok()
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
