//! The wire beside a browser's driver, Chrome's DevTools or Firefox's BiDi, and the fresh profiles that it makes.

use fantoccini::Client;
use serde_json::Value;

use super::{bidi::BiDi, brand::Brand, devtools::DevTools, error::BrowserError};

/// The wire beside a browser's driver.
#[derive(Debug)]
pub(super) enum Wire {
    /// Chrome: its driver hands commands on to the DevTools of the open page. The socket is that of the whole browser;
    /// `None` where it cannot be reached.
    Chrome(Option<Box<DevTools>>),
    /// Firefox: everything goes over a socket.
    Firefox(Box<BiDi>),
}

impl Wire {
    /// Connects to this browser.
    ///
    /// # Errors
    /// When there is no such wire, and without it nothing could be told.
    pub(super) async fn connect(brand: Brand, client: &Client) -> Result<Self, BrowserError> {
        let told = client.capabilities().cloned().unwrap_or_default();
        match brand {
            Brand::Chrome => {
                let options = told.get("goog:chromeOptions");
                let address = options.and_then(|options| options.get("debuggerAddress"));
                let devtools = match address.and_then(Value::as_str) {
                    Some(address) => DevTools::connect(address).await.ok(),
                    None => None,
                };
                Ok(Wire::Chrome(devtools.map(Box::new)))
            }
            Brand::Firefox => {
                let Some(address) = told.get("webSocketUrl").and_then(Value::as_str) else {
                    let text = "it has no BiDi (webSocketUrl)";
                    return Err(BrowserError::NotOpened(brand.advice(text)));
                };
                let tab = String::from(client.window().await?);
                Ok(Wire::Firefox(Box::new(BiDi::connect(address, &tab).await?)))
            }
        }
    }

    /// Proves that this browser can be given fresh profiles with a proxy of their own, here the one on this port.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) async fn prove_profiles(&mut self, proxy: u16) -> Result<(), BrowserError> {
        match self {
            Wire::Chrome(Some(_)) => Ok(()),
            Wire::Chrome(None) => Err(no_devtools()),
            Wire::Firefox(bidi) => bidi.prove_proxies(proxy).await,
        }
    }

    /// Makes a fresh profile whose requests go to the proxy on this port. Returns its id.
    ///
    /// # Errors
    /// When the browser has gone or refuses.
    pub(super) async fn create_context(&mut self, proxy: u16) -> Result<String, BrowserError> {
        match self {
            Wire::Chrome(Some(devtools)) => devtools.create_context(proxy).await,
            Wire::Chrome(None) => Err(no_devtools()),
            Wire::Firefox(bidi) => bidi.create_context(proxy).await,
        }
    }

    /// Opens a window of this profile. Returns its id, which is also the driver's handle of it.
    ///
    /// # Errors
    /// As [`Wire::create_context`].
    pub(super) async fn open_window(&mut self, context: &str) -> Result<String, BrowserError> {
        match self {
            Wire::Chrome(Some(devtools)) => devtools.open_window(context).await,
            Wire::Chrome(None) => Err(no_devtools()),
            Wire::Firefox(bidi) => bidi.open_window(context).await,
        }
    }

    /// Closes every window of this profile and forgets all that was in it.
    ///
    /// # Errors
    /// As [`Wire::create_context`].
    pub(super) async fn dispose(&mut self, context: &str) -> Result<(), BrowserError> {
        match self {
            Wire::Chrome(Some(devtools)) => devtools.dispose(context).await,
            Wire::Chrome(None) => Err(no_devtools()),
            Wire::Firefox(bidi) => bidi.dispose(context).await,
        }
    }

    /// Takes note of the window that is open from now on; Chrome's driver knows it by itself.
    pub(super) fn look_at(&mut self, window: &str) {
        if let Wire::Firefox(bidi) = self {
            bidi.look_at(window);
        }
    }
}

fn no_devtools() -> BrowserError {
    BrowserError::NotOpened("its DevTools do not answer".to_owned())
}
