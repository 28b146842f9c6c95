//! One person's browser with a fresh profile: what it is asked to do by WebDriver, and when it has come to rest.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fantoccini::{
    Client,
    elements::Element,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{error::BrowserError, gate::Gate, process::Process, proxy::BLANK_PATH, script};
use crate::browser::rule::Owner;

/// How long after the last request a page with scripts counts as settled, at least and at most.
const PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// So many times as long as it took a page to say what it is, it may take to ask for something more.
const SLUGGISH: u32 = 10;

/// The longest `<meta http-equiv=refresh>` delay that is waited for; the same in the HTTP driver.
const REFRESH_LIMIT: f64 = 5.0;

/// The page that is open.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Document {
    /// Its address.
    pub url: String,
    /// Its markup as scripts have left it.
    pub html: String,
    /// Whether it runs scripts, so that the markup differs from what the server sent.
    pub scripted: bool,
    /// Whether everything that it loads has arrived.
    complete: bool,
    /// Whether it has a form to be posted that a person has to do something with.
    asks: bool,
    /// Seconds until it leads on by itself (`<meta http-equiv=refresh>`).
    refresh: Option<f64>,
    /// Whether it came to rest in time.
    #[serde(skip)]
    pub settled: bool,
    /// Whether it is a page of the authorization server that waits for a person: its scripts ask for nothing by themselves.
    #[serde(skip)]
    pub is_hosted_form: bool,
}

/// Browsers that wait for their next person.
pub(crate) type Idle = Arc<Mutex<Vec<Process>>>;

/// One person's browser. End it with [`Session::close`]; when it is dropped instead, it is closed behind the scenes.
#[derive(Debug)]
pub struct Session {
    pub(super) process: Option<Process>,
    /// Where the process goes when this person is done with it.
    idle: Idle,
    /// What its requests pass.
    pub gate: Gate,
    pub(super) limit: Duration,
    /// What alert boxes said; they were dismissed.
    pub alerts: Vec<String>,
    /// Whether the open page was a hosted form when it came to rest, and no address was typed since.
    pub(super) at_hosted_form: bool,
}

impl Session {
    /// A browser with a fresh profile and the gate as its proxy; no command may take longer than `limit`.
    pub(crate) fn new(process: Process, idle: Idle, gate: Gate, limit: Duration) -> Self {
        Self {
            process: Some(process),
            idle,
            gate,
            limit,
            alerts: Vec::new(),
            at_hosted_form: false,
        }
    }

    /// Whether the open page is a form of the authorization server, into which links may be put.
    #[must_use]
    pub fn is_at_hosted_form(&self) -> bool {
        self.at_hosted_form
    }

    /// Opens an empty page of this origin, which is not asked for it.
    ///
    /// # Errors
    /// As [`Session::goto`].
    pub async fn blank(&mut self, origin: &Url) -> Result<(), BrowserError> {
        let mut url = origin.clone();
        url.set_path(BLANK_PATH);
        url.set_query(None);
        self.goto(url.as_str()).await
    }

    /// Clicks a link on the open page that leads to this address.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub async fn follow_link(&mut self, url: &str) -> Result<(), BrowserError> {
        self.act(script::LINK, vec![json!(url)]).await?;
        self.gate.something(self.limit).await;
        Ok(())
    }

    /// Sends a form of the open page: these fields, by this method, to this address.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub async fn send_form(
        &mut self,
        method: &str,
        url: &str,
        fields: &[(String, String)],
    ) -> Result<(), BrowserError> {
        self.act(script::FORM, vec![json!(method), json!(url), json!(fields)])
            .await?;
        self.gate.something(self.limit).await;
        Ok(())
    }

    /// Loads this address as an image (`img`) or frame (`iframe`) of the open page.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub async fn load(&mut self, element: &str, url: &str) -> Result<(), BrowserError> {
        self.act(script::LOAD, vec![json!(element), json!(url)]).await?;
        self.gate.something(self.limit).await;
        Ok(())
    }

    /// Clicks the link or button that says exactly this. `false` when the page has none.
    ///
    /// # Errors
    /// When it cannot be clicked, for instance because something lies over it.
    pub async fn click_text(&mut self, text: &str) -> Result<bool, BrowserError> {
        let found = self.execute(script::FIND_TEXT, vec![json!(text)]).await?;
        self.press_found(found).await
    }

    /// Clicks the button of the form that says one of these words (lower case, without blanks), or of the only form.
    /// `false` when the page has no such form.
    ///
    /// # Errors
    /// When it cannot be clicked.
    pub async fn click_form(&mut self, words: &[&str]) -> Result<bool, BrowserError> {
        let found = self.execute(script::FIND_FORM, vec![json!(words)]).await?;
        self.press_found(found).await
    }

    /// Types into the fields of the open page, known by name, id, label or placeholder, and clicks what says `text`. `false`
    /// when the page has no such field or nothing to click.
    ///
    /// # Errors
    /// When a field takes no text, or what says the text cannot be clicked.
    pub async fn press_filled(&mut self, text: &str, fields: &[(String, String)]) -> Result<bool, BrowserError> {
        if !self.type_fields(fields).await? {
            return Ok(false);
        }
        let found = self.execute(script::FIND_SAYING, vec![json!(text)]).await?;
        self.press_found(found).await
    }

    /// Types into fields as [`Session::press_filled`] does, and sends the form of this id or action path.
    ///
    /// # Errors
    /// When a field takes no text, or the form's button cannot be clicked.
    pub async fn submit_filled(&mut self, form: &str, fields: &[(String, String)]) -> Result<bool, BrowserError> {
        if !self.type_fields(fields).await? {
            return Ok(false);
        }
        let found = self.execute(script::FIND_NAMED_FORM, vec![json!(form)]).await?;
        self.press_found(found).await
    }

    async fn type_fields(&mut self, fields: &[(String, String)]) -> Result<bool, BrowserError> {
        for (name, value) in fields {
            let found = self.execute(script::FIND_FIELD, vec![json!(name)]).await?;
            let Some(field) = self.element(found)? else {
                return Ok(false);
            };
            field.clear().await?;
            field.send_keys(value).await?;
        }
        Ok(true)
    }

    /// Fills in the hosted page and sends it: each value goes into the first field that has one of its names. `false`
    /// when the page has no form that can be filled in or only needs a click.
    ///
    /// # Errors
    /// When a field takes no text or the button cannot be clicked.
    pub async fn fill_in(&mut self, values: &[(&[&str], &str)]) -> Result<bool, BrowserError> {
        let sent = match self.act(script::FILL_IN, vec![json!(values)]).await? {
            Value::Bool(sent) => sent,
            Value::Array(fields) => self.type_in(fields, values).await?,
            // The next page took its place before it could answer.
            _ => true,
        };
        // Its forms lead on without any script: until they do, the page that was sent is still the open one, and a busy
        // browser's answer to the click may come before its request.
        if sent {
            self.gate.navigation(self.limit).await;
        }
        Ok(sent)
    }

    /// Types into fields that make something else of what is put into them, key by key, and clicks the button, the last of
    /// the fields.
    async fn type_in(&mut self, mut fields: Vec<Value>, values: &[(&[&str], &str)]) -> Result<bool, BrowserError> {
        let button = fields.pop().unwrap_or_default();
        for (field, (_, value)) in fields.into_iter().zip(values) {
            if let Some(field) = self.element(field)? {
                field.clear().await?;
                field.send_keys(value).await?;
            }
        }
        self.click_found(button).await
    }

    /// Who signs in or out is led to another page in the end. A script may think first, revoke a token, and think again:
    /// the next page is waited for until the open one has long been idle.
    async fn press_found(&mut self, found: Value) -> Result<bool, BrowserError> {
        let began = Instant::now();
        if !self.click_found(found).await? {
            return Ok(false);
        }
        let idle = began.elapsed() + LONGEST_PAUSE;
        tokio::select! {
            _ = self.gate.navigation(self.limit) => {}
            _ = self.gate.quiet(idle, self.limit) => {}
        }
        Ok(true)
    }

    async fn click_found(&mut self, found: Value) -> Result<bool, BrowserError> {
        let Some(element) = self.element(found)? else {
            return Ok(false);
        };
        element.click().await?;
        Ok(true)
    }

    fn element(&self, found: Value) -> Result<Option<Element>, BrowserError> {
        const REFERENCE: &str = "element-6066-11e4-a52e-4f735466cecf";
        let Some(id) = found.get(REFERENCE).and_then(Value::as_str) else {
            return Ok(None);
        };
        Ok(Some(Element::from_element_id(
            self.client()?.clone(),
            id.to_owned().into(),
        )))
    }

    /// Waits until the open page has come to rest and says what it is: nothing is on its way, and a page with scripts
    /// has asked for nothing for a moment. The answer is empty when no page came.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn settle(&mut self) -> Result<Document, BrowserError> {
        let began = Instant::now();
        loop {
            let rest = self.limit.saturating_sub(began.elapsed());
            self.gate.quiet(Duration::ZERO, rest).await;
            if self.is_left_alone()? {
                return Ok(Document {
                    settled: true,
                    ..Document::default()
                });
            }
            let before = self.gate.count();
            let asked = Instant::now();
            let mut document = self.document().await?;
            // A page that answers late does everything late: what it is about to ask for included.
            let pause = (asked.elapsed() * SLUGGISH).clamp(PAUSE, LONGEST_PAUSE);
            if began.elapsed() >= self.limit {
                document.settled = false;
                return Ok(document);
            }
            if !document.complete || self.gate.count() != before {
                // The browser is between two pages; its next request or the next look tells more.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            let leads_on = document.refresh.filter(|seconds| *seconds <= REFRESH_LIMIT);
            if let Some(seconds) = leads_on
                && self.gate.beyond(before, Duration::from_secs_f64(seconds + 1.0)).await
            {
                continue;
            }
            if document.scripted && !document.is_hosted_form {
                self.gate.quiet(pause, rest).await;
                if self.gate.count() != before {
                    continue;
                }
                document = self.document().await?;
            }
            document.settled = true;
            return Ok(document);
        }
    }

    /// The open page as it is at this moment.
    async fn document(&mut self) -> Result<Document, BrowserError> {
        let between_pages = self.is_between_pages().await?;
        let value = self.execute(script::DOCUMENT, Vec::new()).await?;
        let mut document: Document = serde_json::from_value(value).unwrap_or_default();
        document.complete &= !between_pages;
        let owner = Url::parse(&document.url).map(|url| self.gate.owner(&url));
        document.is_hosted_form = document.asks && owner == Ok(Owner::Idp);
        self.at_hosted_form = document.is_hosted_form;
        Ok(document)
    }

    /// Opens this address in a new tab that got a copy of the open page's session storage, as `window.open` gives it,
    /// waits until it has come to rest, and closes it.
    ///
    /// # Errors
    /// When the browser does not do it.
    pub async fn peek(&mut self, url: &str) -> Result<Document, BrowserError> {
        let client = self.client()?.clone();
        let here = client.window().await?;
        let before = client.windows().await?;
        self.act(script::OPEN, vec![json!(url)]).await?;
        let opened = client
            .windows()
            .await?
            .into_iter()
            .find(|window| !before.contains(window));
        let Some(opened) = opened else {
            return Err(BrowserError::Refused(format!("no tab could be opened for {url}")));
        };
        self.look_at(opened).await?;
        let document = match self.gate.something(self.limit).await {
            true => self.settle().await,
            false => self.document().await,
        };
        client.close_window().await?;
        self.look_at(here).await?;
        document
    }

    async fn look_at(&mut self, window: WindowHandle) -> Result<(), BrowserError> {
        self.at_hosted_form = false;
        self.process
            .as_mut()
            .ok_or_else(BrowserError::closed)?
            .look_at(window)
            .await
    }

    /// Closes the windows that pages opened beside the one that is open. Says how many there were.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn close_others(&mut self) -> Result<usize, BrowserError> {
        let Some(process) = &self.process else { return Ok(0) };
        let client = process.client();
        let mut others = client.windows().await?;
        others.retain(|window| Some(window) != process.home());
        if others.len() < 2 {
            return Ok(0);
        }
        let here = client.window().await?;
        others.retain(|window| *window != here);
        for other in &others {
            client.switch_to_window(other.clone()).await?;
            client.close_window().await?;
        }
        client.switch_to_window(here).await?;
        Ok(others.len())
    }

    /// Forgets the profile. The browser itself waits for the next person, unless it misbehaved.
    pub async fn close(mut self) {
        let Some(process) = self.process.take() else { return };
        if let Ok(Some(process)) = tokio::time::timeout(self.limit, process.leave()).await {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
    }

    async fn execute(&mut self, script: &str, args: Vec<Value>) -> Result<Value, BrowserError> {
        self.command(json!({ "script": script, "args": args }), "execute/sync")
            .await
    }

    /// A script that does something. When an alert box comes of it, it has done it.
    async fn act(&mut self, script: &str, args: Vec<Value>) -> Result<Value, BrowserError> {
        let body = json!({ "script": script, "args": args });
        self.command_once(body, "execute/sync").await
    }

    /// One command of the WebDriver protocol. An alert box in its way is noted, dismissed, and the command repeated.
    pub(super) async fn command(&mut self, body: Value, path: &'static str) -> Result<Value, BrowserError> {
        self.issue(body, path, true).await
    }

    /// One that must not be repeated.
    pub(super) async fn command_once(&mut self, body: Value, path: &'static str) -> Result<Value, BrowserError> {
        self.issue(body, path, false).await
    }

    async fn issue(&mut self, body: Value, path: &'static str, repeat: bool) -> Result<Value, BrowserError> {
        let client = self.client()?.clone();
        let mut between_pages = false;
        for _ in 0..5 {
            let command = Post {
                path,
                body: body.to_string(),
            };
            let answer = tokio::time::timeout(self.limit + Duration::from_secs(10), client.issue_cmd(command)).await;
            match answer {
                Err(_) => return Err(BrowserError::Hangs(self.limit)),
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => match BrowserError::from(error) {
                    BrowserError::Alert(text) => {
                        between_pages = false;
                        self.alerts.push(text);
                        if !repeat {
                            return Ok(Value::Null);
                        }
                    }
                    // What is asked of a page while the next one takes its place is asked again there.
                    BrowserError::BetweenPages if path == "execute/sync" && repeat => between_pages = true,
                    BrowserError::BetweenPages if path == "execute/sync" => return Ok(Value::Null),
                    // The address was reached and gave no page: a download, an empty answer.
                    BrowserError::NoPage(_) if path == "url" => return Ok(Value::Null),
                    other => return Err(other),
                },
            }
        }
        Err(match between_pages {
            true => BrowserError::BetweenPages,
            false => BrowserError::Refused("the page asks with alert boxes without end".to_owned()),
        })
    }

    fn client(&self) -> Result<&Client, BrowserError> {
        self.process
            .as_ref()
            .map(Process::client)
            .ok_or_else(BrowserError::closed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let (Some(process), Ok(runtime)) = (self.process.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(process.end());
        }
    }
}

/// A command that is a POST below the session's address.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (::http::Method, Option<String>) {
        (::http::Method::POST, Some(self.body.clone()))
    }
}
