//! WebDriver BiDi, the wire beside geckodriver: fresh profiles in a browser that runs already, its cookies and pictures,
//! and what happens to pages without anybody asking.
//!
//! Protocol: <https://w3c.github.io/webdriver-bidi/>. Events are read with the answer to the next command; the browser
//! writes both in the order in which they came about, so that an answer says that all earlier events are here.

use std::{collections::HashMap, mem, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use cookie::Cookie as RawCookie;
use serde_json::{Value, json};

use super::{
    cookie::HeldCookie,
    error::BrowserError,
    proxy::BLANK_PATH,
    socket::{LIMIT, Socket, text},
};

/// What is told of pages without anybody asking.
const EVENTS: &[&str] = &[
    "browsingContext.navigationStarted",
    "browsingContext.domContentLoaded",
    "browsingContext.navigationFailed",
    "browsingContext.fragmentNavigated",
    "browsingContext.userPromptOpened",
    "log.entryAdded",
];

/// What older browsers do not tell, and do not need to.
const NEWER_EVENTS: &[&str] = &["browsingContext.downloadWillBegin"];

/// A connection to one browser, and the page of it that is looked at.
#[derive(Debug)]
pub(super) struct BiDi {
    socket: Socket,
    /// The open tab.
    tab: String,
    /// The profile of the open tab; `None` for the one that the browser started with.
    profile: Option<String>,
    news: News,
}

/// What was told since it was last asked for.
#[derive(Debug, Default)]
struct News {
    /// Navigations that have led to no page yet, by tab.
    under_way: HashMap<String, String>,
    /// What alert boxes said.
    alerts: Vec<String>,
    /// Errors that pages wrote to the console.
    errors: Vec<String>,
}

impl BiDi {
    /// Connects to the browser at the address that the driver told, and looks at this tab.
    ///
    /// # Errors
    /// When nobody answers there, or it does not tell what is needed.
    pub(super) async fn connect(address: &str, tab: &str) -> Result<Self, BrowserError> {
        let failed = |why: String| BrowserError::NotOpened(format!("its BiDi connection (webSocketUrl) fails: {why}"));
        let connecting = Socket::connect(address, "it closed the BiDi connection");
        let socket = match tokio::time::timeout(LIMIT, connecting).await {
            Ok(connected) => connected.map_err(|error| failed(error.to_string()))?,
            Err(_) => return Err(BrowserError::Hangs(LIMIT)),
        };
        let mut bidi = Self {
            socket,
            tab: tab.to_owned(),
            profile: None,
            news: News::default(),
        };
        bidi.call("session.subscribe", json!({ "events": EVENTS }))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let _older = bidi.call("session.subscribe", json!({ "events": NEWER_EVENTS })).await;
        // Where it is not known, a file that no run asks for may be left in the folder for downloads.
        let denied = json!({ "downloadBehavior": { "type": "denied" } });
        let _older = bidi.call("browser.setDownloadBehavior", denied).await;
        Ok(bidi)
    }

    /// Makes a fresh profile whose requests go to the proxy on this port, loopback addresses included. Returns its id.
    ///
    /// # Errors
    /// When the browser has gone or refuses.
    pub(super) async fn create_context(&mut self, proxy: u16) -> Result<String, BrowserError> {
        let address = format!("127.0.0.1:{proxy}");
        let wanted = json!({ "acceptInsecureCerts": true,
            "proxy": { "proxyType": "manual", "httpProxy": address, "sslProxy": address } });
        let made = self.call("browser.createUserContext", wanted).await?;
        text(&made, "userContext")
    }

    /// Opens a tab of this profile and looks at it. Returns its id, which is also the driver's handle of it.
    ///
    /// # Errors
    /// As [`BiDi::create_context`].
    pub(super) async fn open_window(&mut self, context: &str) -> Result<String, BrowserError> {
        let wanted = json!({ "type": "tab", "userContext": context });
        let made = self.call("browsingContext.create", wanted).await?;
        let tab = text(&made, "context")?;
        self.news = News::default();
        self.profile = Some(context.to_owned());
        self.tab.clone_from(&tab);
        Ok(tab)
    }

    /// Closes every tab of this profile and forgets all that was in it.
    ///
    /// # Errors
    /// As [`BiDi::create_context`].
    pub(super) async fn dispose(&mut self, context: &str) -> Result<(), BrowserError> {
        let which = json!({ "userContext": context });
        self.call("browser.removeUserContext", which).await.map(drop)
    }

    /// Proves that a fresh profile sends its requests to the proxy on this port. Browsers that know nothing of proxies for
    /// profiles say nothing when one is wanted: only the gate can answer for a host that does not exist.
    ///
    /// # Errors
    /// When they go elsewhere.
    pub(super) async fn prove_proxies(&mut self, proxy: u16) -> Result<(), BrowserError> {
        let home = self.tab.clone();
        let context = self.create_context(proxy).await?;
        self.open_window(&context).await?;
        let come = self.navigate(&format!("http://gate.invalid{BLANK_PATH}"), LIMIT).await;
        self.dispose(&context).await?;
        self.profile = None;
        self.look_at(&home);
        come
    }

    /// From now on this tab is meant.
    pub(super) fn look_at(&mut self, tab: &str) {
        tab.clone_into(&mut self.tab);
    }

    /// Types an address and waits until its page is there, or `limit` is over: what goes on then is told by
    /// [`BiDi::is_under_way`].
    ///
    /// # Errors
    /// [`BrowserError::NoPage`] when the answer was none, or the browser shows a page of its own about what went wrong.
    pub(super) async fn navigate(&mut self, url: &str, limit: Duration) -> Result<(), BrowserError> {
        let wanted = json!({ "context": self.tab, "url": url, "wait": "complete" });
        match self.call_within("browsingContext.navigate", wanted, limit).await {
            Ok(_) | Err(BrowserError::Hangs(_)) => Ok(()),
            Err(error) => {
                self.news.under_way.remove(&self.tab);
                Err(error)
            }
        }
    }

    /// Whether the open tab is between two pages. `pageless`: the last answer on the way was one without a page, of which
    /// the browser says nothing until the next navigation.
    ///
    /// # Errors
    /// When the browser has gone.
    pub(super) async fn is_under_way(&mut self, pageless: bool) -> Result<bool, BrowserError> {
        self.catch_up().await?;
        if pageless {
            self.news.under_way.remove(&self.tab);
        }
        Ok(self.news.under_way.contains_key(&self.tab))
    }

    /// What alert boxes said since it was last asked; the browser has dismissed them.
    pub(super) fn take_alerts(&mut self) -> Vec<String> {
        mem::take(&mut self.news.alerts)
    }

    /// Errors that pages wrote to the console since it was last asked.
    ///
    /// # Errors
    /// When the browser has gone.
    pub(super) async fn take_errors(&mut self) -> Result<Vec<String>, BrowserError> {
        self.catch_up().await?;
        Ok(mem::take(&mut self.news.errors))
    }

    /// A small picture of the open tab, as JPEG.
    ///
    /// # Errors
    /// When the browser gives none.
    pub(super) async fn picture(&mut self) -> Result<Vec<u8>, BrowserError> {
        let wanted = json!({ "context": self.tab, "format": { "type": "image/jpeg", "quality": 0.4 } });
        let answer = self.call("browsingContext.captureScreenshot", wanted).await?;
        STANDARD
            .decode(text(&answer, "data")?)
            .map_err(|error| BrowserError::Refused(format!("the picture cannot be read: {error}")))
    }

    /// Every cookie of the open profile, of all hosts.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub(super) async fn cookies(&mut self) -> Result<Vec<HeldCookie>, BrowserError> {
        let answer = self
            .call("storage.getCookies", json!({ "partition": self.partition() }))
            .await?;
        let cookies = answer.get("cookies").and_then(Value::as_array);
        cookies.into_iter().flatten().map(held).collect()
    }

    /// Puts a cookie into the jar, for this host.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub(super) async fn set_cookie(&mut self, host: &str, raw: &RawCookie<'_>) -> Result<(), BrowserError> {
        let mut cookie = json!({
            "name": raw.name(),
            "value": { "type": "string", "value": raw.value() },
            "domain": host,
            "path": raw.path().unwrap_or("/"),
            "secure": raw.secure() == Some(true),
            "httpOnly": raw.http_only() == Some(true),
        });
        if let Some(same_site) = raw.same_site() {
            cookie["sameSite"] = json!(same_site.to_string().to_lowercase());
        }
        let wanted = json!({ "cookie": cookie, "partition": self.partition() });
        self.call("storage.setCookie", wanted).await.map(drop)
    }

    /// Takes a cookie away.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub(super) async fn delete_cookie(&mut self, cookie: &HeldCookie) -> Result<(), BrowserError> {
        let filter = json!({ "name": cookie.name, "domain": cookie.domain, "path": cookie.path });
        let wanted = json!({ "filter": filter, "partition": self.partition() });
        self.call("storage.deleteCookies", wanted).await.map(drop)
    }

    /// The jar of the open profile: not that of a frame, whose cookies may lie apart.
    fn partition(&self) -> Value {
        let profile = self.profile.as_deref().unwrap_or("default");
        json!({ "type": "storageKey", "userContext": profile })
    }

    /// Reads what was told up to now.
    async fn catch_up(&mut self) -> Result<(), BrowserError> {
        self.call("session.status", json!({})).await.map(drop)
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.call_within(method, params, LIMIT).await
    }

    async fn call_within(&mut self, method: &str, params: Value, limit: Duration) -> Result<Value, BrowserError> {
        let Self { socket, news, .. } = self;
        let mut answer = socket.call(method, params, limit, |event| news.hear(event)).await?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(refusal(method, error, &answer)),
            None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
        }
    }
}

impl News {
    fn hear(&mut self, event: &Value) {
        let params = event.get("params").unwrap_or(&Value::Null);
        let told = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
        let (tab, navigation) = (told("context"), told("navigation"));
        match event.get("method").and_then(Value::as_str).unwrap_or_default() {
            // Other schemes lead to another program, or to a page that comes without a request.
            "browsingContext.navigationStarted" if told("url").starts_with("http") => {
                self.under_way.insert(tab.to_owned(), navigation.to_owned());
            }
            // One whose place a newer one took ends as well, and ends nothing.
            "browsingContext.domContentLoaded"
            | "browsingContext.navigationFailed"
            | "browsingContext.fragmentNavigated"
            | "browsingContext.downloadWillBegin"
                if self.under_way.get(tab).is_some_and(|newest| newest == navigation) =>
            {
                self.under_way.remove(tab);
            }
            "browsingContext.userPromptOpened" => self.alerts.push(told("message").to_owned()),
            "log.entryAdded" if told("level") == "error" => self.errors.push(told("text").to_owned()),
            _ => {}
        }
    }
}

fn refusal(method: &str, error: &str, answer: &Value) -> BrowserError {
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
    let text = message.lines().next().unwrap_or_default().trim_start_matches("Error: ");
    match error {
        "no such frame" | "invalid session id" => BrowserError::Gone(text.to_owned()),
        _ if text.starts_with("NS_") || method == "browsingContext.navigate" && error == "unknown error" => {
            BrowserError::NoPage(text.to_owned())
        }
        _ => BrowserError::Refused(format!("{method}: {error}: {text}")),
    }
}

/// A cookie as the browser tells it; a value that is no text comes encoded.
fn held(cookie: &Value) -> Result<HeldCookie, BrowserError> {
    let value = cookie.get("value").unwrap_or(&Value::Null);
    let told = text(value, "value")?;
    let value = match value.get("type").and_then(Value::as_str) {
        Some("base64") => String::from_utf8_lossy(&STANDARD.decode(&told).unwrap_or_default()).into_owned(),
        _ => told,
    };
    Ok(HeldCookie {
        name: text(cookie, "name")?,
        value,
        domain: text(cookie, "domain")?,
        path: text(cookie, "path")?,
    })
}
