//! The browser's own wire, beside the driver's: only it can make a fresh profile inside a browser that runs already.
//!
//! A browser needs most of a second to start, a context (cookies, storage and cache of its own, and a proxy of its own)
//! a tenth of that. Protocol: <https://chromedevtools.github.io/devtools-protocol/tot/Target/>.

use serde_json::{Value, json};

use super::{
    error::BrowserError,
    socket::{LIMIT, Socket, text},
};

/// A connection to a browser as a whole, not to one of its pages.
#[derive(Debug)]
pub(super) struct DevTools {
    socket: Socket,
}

impl DevTools {
    /// Connects to the browser that listens at this address, as the driver tells it: `localhost:41234`.
    ///
    /// # Errors
    /// When nobody answers there as a browser does.
    pub(super) async fn connect(address: &str) -> Result<Self, BrowserError> {
        let failed = |why: String| BrowserError::NotOpened(format!("its DevTools do not answer: {why}"));
        // Browsers listen on the IPv4 address only, and refuse host names but this one.
        let address = address.replace("localhost", "127.0.0.1");
        let connecting = async {
            let version = format!("http://{address}/json/version");
            let client = reqwest::Client::builder().no_proxy().build();
            let answer = client
                .map_err(|error| failed(error.to_string()))?
                .get(version)
                .send()
                .await;
            let told: Value = match answer {
                Ok(answer) => answer.json().await.map_err(|error| failed(error.to_string()))?,
                Err(error) => return Err(failed(error.to_string())),
            };
            let socket = told
                .get("webSocketDebuggerUrl")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Socket::connect(socket, "its DevTools closed the connection")
                .await
                .map_err(|error| failed(error.to_string()))
        };
        match tokio::time::timeout(LIMIT, connecting).await {
            Ok(socket) => Ok(Self { socket: socket? }),
            Err(_) => Err(BrowserError::Hangs(LIMIT)),
        }
    }

    /// Makes a fresh profile whose requests go to the proxy on this port, loopback addresses included. Returns its id.
    ///
    /// # Errors
    /// When the browser has gone or refuses.
    pub(super) async fn create_context(&mut self, proxy: u16) -> Result<String, BrowserError> {
        let wanted = json!({ "proxyServer": format!("http://127.0.0.1:{proxy}"), "proxyBypassList": "<-loopback>",
            "disposeOnDetach": true });
        let made = self.call("Target.createBrowserContext", wanted).await?;
        text(&made, "browserContextId")
    }

    /// Opens a window of this profile. Returns its id, which is also the driver's handle of it.
    ///
    /// # Errors
    /// As [`DevTools::create_context`].
    pub(super) async fn open_window(&mut self, context: &str) -> Result<String, BrowserError> {
        let wanted = json!({ "url": "about:blank", "browserContextId": context });
        let made = self.call("Target.createTarget", wanted).await?;
        text(&made, "targetId")
    }

    /// Closes every window of this profile and forgets all that was in it.
    ///
    /// # Errors
    /// As [`DevTools::create_context`].
    pub(super) async fn dispose(&mut self, context: &str) -> Result<(), BrowserError> {
        let which = json!({ "browserContextId": context });
        self.call("Target.disposeBrowserContext", which).await.map(drop)
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, BrowserError> {
        let mut answer = self.socket.call(method, params, LIMIT, |_event| {}).await?;
        match answer.get("error") {
            Some(error) => Err(BrowserError::Refused(format!("{method}: {error}"))),
            None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
        }
    }
}
