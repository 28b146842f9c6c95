//! A real browser: what [`Http`](super::Http) does by single requests, it does in one go, and its gate tells hop by hop.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use mock_idp::flow::record::Stamp;
use url::Url;

use super::{Ability, Driver, Order, Pairs, Part, Peek, Press, Sender, Shot, Sight, Visit};
use crate::{
    browser::{
        http::{Client, Outgoing},
        pool::Lease,
        rule::{Hold, Kind, Owners, Rule, Seen},
        webdriver::{BrowserError, Document, Session},
    },
    walk::Site,
};

/// One person's real browser.
pub(in crate::walk) struct Window {
    /// The right to open it; `None` when the browsers of the run were closed.
    lease: Option<Arc<Lease>>,
    client: Client,
    owners: Owners,
    /// Opened when it is first needed, and thrown away when it failed.
    session: Option<Session>,
}

impl Window {
    pub(in crate::walk) fn new(lease: Option<Arc<Lease>>, client: Client, site: Arc<Site>) -> Self {
        Self {
            lease,
            client,
            owners: Arc::new(move |url: &Url| site.owner(url)),
            session: None,
        }
    }

    async fn session(&mut self) -> Result<&mut Session, BrowserError> {
        if self.session.is_none() {
            let Some(lease) = &self.lease else {
                let reason = "the browsers of this run were closed".to_owned();
                return Err(BrowserError::NotOpened(reason));
            };
            self.session = Some(lease.browser(&self.client, Arc::clone(&self.owners)).await?);
        }
        self.session
            .as_mut()
            .ok_or_else(|| BrowserError::NotOpened("it was closed".to_owned()))
    }

    /// A browser that failed is thrown away; the next act gets a new one, which is a new browser for the same person.
    fn told(&mut self, error: &BrowserError) -> String {
        if matches!(error, BrowserError::Gone(_) | BrowserError::Hangs(_)) {
            self.session = None;
        }
        error.to_string()
    }

    /// Waits until the browser has come to rest, and tells what its gate saw meanwhile.
    async fn arrive(&mut self, sent: Result<(), BrowserError>) -> Visit {
        let Some(session) = self.session.as_mut() else {
            return Visit {
                trouble: sent.err().map(|error| error.to_string()),
                ..Visit::default()
            };
        };
        let came = match sent {
            Ok(()) => session.settle().await,
            Err(error) => Err(error),
        };
        let mut visit = Visit {
            seen: session.gate.seen(),
            ..Visit::default()
        };
        match came {
            Ok(document) => look(session, document, &mut visit).await,
            Err(error) => visit.trouble = Some(self.told(&error)),
        }
        visit
    }

    async fn go(&mut self, order: Order<'_>) -> Visit {
        let sent = match self.session().await {
            Ok(session) => navigate(session, order).await,
            Err(error) => Err(error),
        };
        self.arrive(sent).await
    }

    async fn click(&mut self, what: Press<'_>, rule: Rule) -> Option<Visit> {
        let pressed = match self.session().await {
            Ok(session) => {
                session.gate.arm(rule);
                match what {
                    Press::Text(text) => session.click_text(text).await,
                    Press::Form(words) => session.click_form(words).await,
                    Press::Filled(text, fields) => session.press_filled(text, fields).await,
                    Press::FilledForm(form, fields) => session.submit_filled(form, fields).await,
                    Press::Hosted(values) => session.fill_in(values).await,
                }
            }
            Err(error) => Err(error),
        };
        match pressed {
            Ok(false) => None,
            Ok(true) => Some(self.arrive(Ok(())).await),
            Err(error) => Some(self.arrive(Err(error)).await),
        }
    }

    /// What would go along with this address if it were typed in.
    async fn would_send(&mut self, page: &Outgoing) -> Result<Pairs, String> {
        let Some(session) = self.session.as_mut() else {
            return Ok(Pairs::new());
        };
        match session.cookies_for(&page.url()).await {
            Ok(Some(cookies)) => return Ok(cookies),
            Ok(None) => {}
            Err(error) => return Err(self.told(&error)),
        }
        let rule = Rule {
            hold: Hold::Everything,
            ..Rule::default()
        };
        session.gate.arm(rule);
        // Another query, so that no cache answers; cookies do not depend on it.
        let joint = if page.target.contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}conformance={}", page.url(), Stamp::now().0);
        let typed = session.goto(&url).await;
        let seen = session.gate.seen();
        let document = seen.into_iter().find(|seen| seen.kind == Kind::Document);
        match (document, typed) {
            (Some(seen), _) => Ok(cookies_of(&seen.request)),
            (None, Err(error)) => Err(self.told(&error)),
            (None, Ok(())) => Ok(Pairs::new()),
        }
    }

    async fn look_beside(&mut self, page: &Outgoing, beside: &Url, rule: Rule) -> Result<Option<Peek>, String> {
        let (peeked, seen) = match self.session().await {
            Ok(session) => {
                let peeked = match session.blank(beside).await {
                    Ok(()) => {
                        session.gate.arm(rule);
                        session.peek(&page.url()).await
                    }
                    Err(error) => Err(error),
                };
                (peeked, session.gate.seen())
            }
            Err(error) => (Err(error), Vec::new()),
        };
        let document = match peeked {
            Ok(document) => document,
            Err(error) => return Err(self.told(&error)),
        };
        let is_navigation = |seen: &Seen| seen.kind == Kind::Document;
        let led_away = seen.iter().any(|seen| seen.is_held() && is_navigation(seen));
        let last = seen.into_iter().rfind(|seen| is_navigation(seen) && !seen.is_held());
        Ok(last.map(|last| Peek {
            request: last.request,
            at: last.at,
            answer: last.answer,
            // A page that sends everybody to a sign-in shows nobody, whatever it showed for a moment.
            html: if led_away { String::new() } else { document.html },
        }))
    }
}

impl Driver for Window {
    fn lacks(&self, ability: Ability<'_>) -> Option<String> {
        lacks(ability)
    }

    fn visit<'a>(&'a mut self, order: Order<'a>) -> BoxFuture<'a, Visit> {
        self.go(order).boxed()
    }

    fn press<'a>(&'a mut self, what: Press<'a>, order: Order<'a>) -> BoxFuture<'a, Option<Visit>> {
        self.click(what, order.rule).boxed()
    }

    /// Of a typed address, whatever the sender: who else may send what is the browser's secret until it does.
    fn cookies<'a>(&'a mut self, request: &'a Outgoing, _: Sender<'a>) -> BoxFuture<'a, Result<Pairs, String>> {
        self.would_send(request).boxed()
    }

    fn plant<'a>(&'a mut self, url: &'a Url, set_cookie: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let planted = match self.session().await {
                Ok(session) => session.plant(url, set_cookie).await,
                Err(error) => Err(error),
            };
            planted.map_err(|error| self.told(&error))
        }
        .boxed()
    }

    fn clear<'a>(&'a mut self, origin: &'a Url) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let cleared = match self.session().await {
                Ok(session) => session.clear_cookies(origin).await,
                Err(error) => Err(error),
            };
            cleared.map_err(|error| self.told(&error))
        }
        .boxed()
    }

    /// Nothing is fetched beside it whose cookies it should keep: it lacks [`Ability::SameMoment`].
    fn take_in(&mut self, _: Seen) {}

    fn peek<'a>(
        &'a mut self,
        page: &'a Outgoing,
        beside: &'a Url,
        rule: Rule,
    ) -> BoxFuture<'a, Result<Option<Peek>, String>> {
        self.look_beside(page, beside, rule).boxed()
    }

    fn screen(&mut self, is_pictured: bool) -> BoxFuture<'_, Option<Shot>> {
        async move {
            let session = self.session.as_mut()?;
            let jpeg = match is_pictured {
                true => session.picture().await.unwrap_or_default(),
                false => Vec::new(),
            };
            let console = session.console_errors().await.unwrap_or_default();
            Some(Shot { jpeg, console })
        }
        .boxed()
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(session) = self.session.take() {
                session.close().await;
            }
        }
        .boxed()
    }
}

/// What no real browser can be made to do, and why.
pub(in crate::walk) fn lacks(ability: Ability<'_>) -> Option<String> {
    let reason = match ability {
        Ability::Scripts => return None,
        Ability::TwoTabs => "has one tab, and scripts may keep the sign-in of each tab in that tab",
        Ability::Crowd => "does not open as many browsers as a crowd needs",
        Ability::Flood => "does not start so many sign-ins at once",
        Ability::SameMoment => "cannot send one request twice at the same moment",
        Ability::RawBytes => "cannot write raw bytes",
        Ability::Header(name) => return Some(format!("cannot put the header `{name}` on a navigation")),
        Ability::Method(method) => return Some(format!("cannot navigate by {method}")),
        Ability::OtherBody => "cannot post anything but a form",
        Ability::GiveUp => "waits as long as its pages may take",
    };
    Some(reason.to_owned())
}

/// Makes the browser send this request from that document.
async fn navigate(session: &mut Session, order: Order<'_>) -> Result<(), BrowserError> {
    let Order {
        request,
        initiator,
        here,
        part,
        rule,
        ..
    } = order;
    let url = request.url();
    let by_get = request.method == "GET" && request.body.is_empty();
    let Some(document) = initiator.as_ref().or((!by_get).then_some(&request.origin)) else {
        session.gate.arm(rule);
        return session.goto(&url).await;
    };
    // What leads on from the hosted form starts there; any other page might do something with a link of ours.
    let is_there = session.is_at_hosted_form() && here.is_some() && initiator == here;
    if !(is_there && by_get) {
        session.blank(document).await?;
    }
    session.gate.arm(rule);
    match part {
        Some(Part::Frame) => return session.load("iframe", &url).await,
        Some(Part::Image) => return session.load("img", &url).await,
        None => {}
    }
    if by_get {
        return session.follow_link(&url).await;
    }
    let fields: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    session.send_form("post", &url, &fields).await
}

/// Takes in what stands there, and closes what was opened beside it.
async fn look(session: &mut Session, document: Document, visit: &mut Visit) {
    let Document {
        url,
        html,
        scripted,
        settled,
        is_hosted_form,
        ..
    } = document;
    let page = url.split(['?', '#']).next().unwrap_or(&url);
    if !settled {
        visit.notes.push(format!("{page} never came to rest"));
    }
    let alerts = std::mem::take(&mut session.alerts);
    let had_others = session.close_others().await.unwrap_or(0) > 0;
    if had_others {
        visit.notes.push(format!(
            "{page} opened another window, which was closed: sign-ins in pop-up windows are not walked"
        ));
    }
    visit.sight = Some(Sight {
        rendered: scripted.then_some(html),
        is_hosted_form,
        alerts,
        had_others,
        url,
    });
}

fn cookies_of(request: &Outgoing) -> Pairs {
    let field = request.headers.iter().find(|(name, _)| name == "cookie");
    let line = field.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        (name.to_owned(), value.to_owned())
    };
    line.map(|line| line.split("; ").map(pair).collect())
        .unwrap_or_default()
}
