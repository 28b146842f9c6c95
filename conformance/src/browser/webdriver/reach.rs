//! What WebDriver itself cannot do, by the wire that each browser has for it: the cookies of all hosts, a small picture, the
//! console. With `wire.rs` everything that differs between the browsers once they run is said here, and nowhere else.

use base64::{Engine, engine::general_purpose::STANDARD};
use cookie::Cookie as RawCookie;
use serde_json::{Value, json};
use url::Url;

use super::{bidi::BiDi, cookie::HeldCookie, error::BrowserError, session::Session, wire::Wire};

impl Session {
    /// Types an address.
    ///
    /// # Errors
    /// When the browser does not do it. An answer without a page (204, a download) is none.
    pub async fn goto(&mut self, url: &str) -> Result<(), BrowserError> {
        let limit = self.limit;
        self.at_hosted_form = false;
        match self.bidi()? {
            None => self.command_once(json!({ "url": url }), "url").await.map(drop),
            Some(bidi) => match bidi.navigate(url, limit).await {
                Err(BrowserError::NoPage(_)) => Ok(()),
                other => other,
            },
        }
    }

    /// Whether the next page is on its way to take the open one's place: Chrome's driver waits for it before it asks a
    /// page anything, Firefox's does not.
    pub(super) async fn is_between_pages(&mut self) -> Result<bool, BrowserError> {
        let pageless = self.gate.ended_without_page();
        let Some(bidi) = self.bidi()? else { return Ok(false) };
        let under_way = bidi.is_under_way(pageless).await?;
        let alerts = bidi.take_alerts();
        self.alerts.extend(alerts);
        Ok(under_way)
    }

    /// Whether all that was asked for since the gate was armed has ended without a page, so that there is nothing to wait
    /// for. Firefox may be busy with it still.
    pub(super) fn is_left_alone(&mut self) -> Result<bool, BrowserError> {
        Ok(self.bidi()?.is_none() && self.gate.brought_no_page())
    }

    /// A small picture of the open page, as JPEG.
    ///
    /// # Errors
    /// When the browser gives none.
    pub async fn picture(&mut self) -> Result<Vec<u8>, BrowserError> {
        if let Some(bidi) = self.bidi()? {
            return bidi.picture().await;
        }
        let parameters = json!({ "format": "jpeg", "quality": 40, "optimizeForSpeed": true });
        let answer = self.devtools("Page.captureScreenshot", parameters).await?;
        let data = answer.get("data").and_then(Value::as_str).unwrap_or_default();
        STANDARD
            .decode(data)
            .map_err(|error| BrowserError::Refused(format!("the picture cannot be read: {error}")))
    }

    /// Errors that pages wrote to the console since the last call. Chrome counts what could not be loaded among them,
    /// Firefox only what scripts did.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn console_errors(&mut self) -> Result<Vec<String>, BrowserError> {
        if let Some(bidi) = self.bidi()? {
            return bidi.take_errors().await;
        }
        let entries = self.command(json!({ "type": "browser" }), "se/log").await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(entries
            .iter()
            .filter(|entry| text(entry, "level") == "SEVERE")
            .map(|entry| text(entry, "message"))
            .collect())
    }

    /// Every cookie that the browser holds, of all hosts.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn cookies(&mut self) -> Result<Vec<HeldCookie>, BrowserError> {
        if let Some(bidi) = self.bidi()? {
            return bidi.cookies().await;
        }
        let answer = self.devtools("Network.getAllCookies", json!({})).await?;
        let cookies = answer.get("cookies").cloned().unwrap_or_default();
        Ok(serde_json::from_value(cookies).unwrap_or_default())
    }

    /// The cookies that go along when this address is typed, those with the longest path first (RFC 6265 §5.4); of which one
    /// of equal paths is older, Chrome tells nothing. `None`: this browser tells only by sending them.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn cookies_for(&mut self, url: &str) -> Result<Option<Vec<(String, String)>>, BrowserError> {
        if self.bidi()?.is_some() {
            return Ok(None);
        }
        let answer = self.devtools("Network.getCookies", json!({ "urls": [url] })).await?;
        let cookies = answer.get("cookies").cloned().unwrap_or_default();
        let mut cookies: Vec<HeldCookie> = serde_json::from_value(cookies).unwrap_or_default();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        Ok(Some(
            cookies.into_iter().map(|cookie| (cookie.name, cookie.value)).collect(),
        ))
    }

    /// Puts a cookie into the jar, over one of the same name, as if the host of this address had set it with this line of
    /// `Set-Cookie`. Of the attributes `Path`, `Secure`, `HttpOnly` and `SameSite` count.
    ///
    /// # Errors
    /// When it is no cookie, or the browser refuses it.
    pub async fn plant(&mut self, origin: &Url, set_cookie: &str) -> Result<(), BrowserError> {
        let refused = |why: &str| BrowserError::Refused(format!("the browser refuses the cookie {set_cookie}: {why}"));
        let raw = RawCookie::parse(set_cookie).map_err(|error| refused(&error.to_string()))?;
        if let Some(bidi) = self.bidi()? {
            return bidi.set_cookie(origin.host_str().unwrap_or_default(), &raw).await;
        }
        let mut cookie = json!({
            "name": raw.name(),
            "value": raw.value(),
            "url": origin.as_str(),
            "path": raw.path().unwrap_or("/"),
            "secure": raw.secure() == Some(true),
            "httpOnly": raw.http_only() == Some(true),
        });
        if let Some(same_site) = raw.same_site() {
            cookie["sameSite"] = json!(same_site.to_string());
        }
        let answer = self.devtools("Network.setCookie", cookie).await?;
        match answer.get("success") {
            Some(Value::Bool(false)) => Err(refused("it says no more")),
            _ => Ok(()),
        }
    }

    /// Takes every cookie of this address's host away.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub async fn clear_cookies(&mut self, origin: &Url) -> Result<(), BrowserError> {
        let host = origin.host_str().unwrap_or_default();
        for cookie in self.cookies().await? {
            if cookie.domain.trim_start_matches('.') == host {
                self.delete_cookie(&cookie).await?;
            }
        }
        Ok(())
    }

    async fn delete_cookie(&mut self, cookie: &HeldCookie) -> Result<(), BrowserError> {
        if let Some(bidi) = self.bidi()? {
            return bidi.delete_cookie(cookie).await;
        }
        let which = json!({ "name": cookie.name, "domain": cookie.domain, "path": cookie.path });
        self.devtools("Network.deleteCookies", which).await.map(drop)
    }

    async fn devtools(&mut self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.command(json!({ "cmd": method, "params": params }), "goog/cdp/execute")
            .await
    }

    fn bidi(&mut self) -> Result<Option<&mut BiDi>, BrowserError> {
        let process = self.process.as_mut().ok_or_else(BrowserError::closed)?;
        Ok(match process.wire() {
            Wire::Firefox(bidi) => Some(bidi),
            Wire::Chrome(_) => None,
        })
    }
}
