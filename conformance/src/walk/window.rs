//! The acts in a real browser: what [`navigate`](super::navigate) does by single exchanges, a browser does in one go, and
//! its gate tells hop by hop. A visit ends where the browser comes to rest, or where the next navigation is held.

use base64::Engine;
use mock_idp::flow::record::Stamp;
use url::Url;

use super::{
    Walker,
    editing::{Manner, apply},
    navigate::{Landing, Purpose},
};
use crate::{
    browser::{
        http::Outgoing,
        webdriver::{BrowserError, Document, Hold, Kind, Owner, Rule, Seen, Session},
    },
    edit::{Edit, Initiator},
    evidence::{Answer, Leg, Screen},
    script::{Act, Place, Slot, Step, Who},
};

/// More pages than any hosted sign-in has.
const PAGE_LIMIT: usize = 10;

/// So many abandoned starts are a sample of what the app sends, and can be had one after the other; more are a load.
pub(super) const FEW_STARTS: u16 = 50;

/// What a real person presses on a page.
#[derive(Clone, Copy)]
pub(super) enum Press<'a> {
    /// What says exactly this.
    Text(&'a str),
    /// The button of the form that says one of these words.
    Form(&'a [&'a str]),
    /// What says exactly this, after these fields were filled in.
    Filled(&'a str, &'a [(String, String)]),
    /// The form with this `action` path or `id`, after these fields were filled in.
    FilledForm(&'a str, &'a [(String, String)]),
}

/// A navigation that was held at the gate: where the browser wanted to go.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub owner: Owner,
    pub request: Outgoing,
}

impl Walker<'_> {
    /// Whether real browsers walk.
    pub(super) fn is_real(&self) -> bool {
        self.world.browsers.is_some()
    }

    /// Waits until this script's people may have a browser each.
    pub(super) async fn take_places(&mut self, script: &[Step]) {
        if let Some(pool) = &self.world.browsers {
            let elsewhere = self.world.site.javascript && asks_with_saved_cookies(script);
            self.lease = pool.lease(people(script) + u32::from(elsewhere)).await;
        }
    }

    /// Closes every browser.
    pub(super) async fn leave(&mut self) {
        let sessions = self.browsers.values_mut().filter_map(|browser| browser.session.take());
        futures_util::future::join_all(sessions.map(Session::close)).await;
        self.lease = None;
    }

    /// This person's browser, opened when it is first needed. `None` after an obstacle was noted.
    async fn session(&mut self, who: &str) -> Option<&mut Session> {
        if self.browser(who).session.is_none() {
            let opened = match &self.lease {
                Some(lease) => {
                    let site = std::sync::Arc::clone(&self.world.site);
                    let owners = std::sync::Arc::new(move |url: &Url| match (site.is_app(url), site.is_idp(url)) {
                        (true, _) => Owner::App,
                        (_, true) => Owner::Idp,
                        _ => Owner::Other,
                    });
                    lease.browser(&self.world.client, owners).await
                }
                None => Err(BrowserError::NotOpened(
                    "the browsers of this run were closed".to_owned(),
                )),
            };
            match opened {
                Ok(session) => self.browser(who).session = Some(session),
                Err(error) => {
                    self.obstacle(error.to_string());
                    return None;
                }
            }
        }
        self.browser(who).session.as_mut()
    }

    /// Sends a request the way a browser can: by a typed address, a link, a form, an image, a frame. Returns the index of
    /// the hop that brought the page that is open now.
    pub(super) async fn visit(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> usize {
        let mut edited = outgoing.clone();
        let carrier = self.carrier(&outgoing);
        let (manner, problems) = apply(&mut edited, edits, carrier, self);
        self.evidence.obstacles.extend(problems);
        if let Err(reason) = expressible(&edited) {
            self.beyond(&reason);
            self.note_unsent(purpose, &edited, &reason);
            return self.evidence.hops.len() - 1;
        }
        let rule = self.rule(purpose, manner);
        let initiator = self.initiator(purpose.who, manner);
        let frame = self
            .world
            .site
            .frontchannel
            .as_ref()
            .is_some_and(|url| edited.target.starts_with(url.path()));
        // What leads on from the hosted form starts there; any other page might do something with a link of ours.
        let here = self.browser(purpose.who).document.clone();
        let Some(session) = self.session(purpose.who).await else {
            return self.nothing_came(purpose, &edited);
        };
        let is_there = session.is_at_hosted_form() && here.is_some() && initiator == here;
        let sent = navigate(session, &edited, initiator.as_ref(), is_there, manner, frame, rule).await;
        let plain = (!edits.is_empty()).then_some(&outgoing);
        self.arrive(purpose, &edited, plain, sent).await
    }

    /// Presses something on the open page. `None` when the page has no such thing.
    pub(super) async fn press(&mut self, purpose: Purpose<'_>, what: Press<'_>) -> Option<usize> {
        let rule = self.rule(purpose, Manner::default());
        let session = self.session(purpose.who).await?;
        session.gate.arm(rule);
        let pressed = match what {
            Press::Text(text) => session.click_text(text).await,
            Press::Form(words) => session.click_form(words).await,
            Press::Filled(text, fields) => session.press_filled(text, fields).await,
            Press::FilledForm(form, fields) => session.submit_filled(form, fields).await,
        };
        let page = self.browser(purpose.who).document.clone();
        let page = Outgoing::get(&page.unwrap_or_else(|| self.world.site.origin.clone()));
        match pressed {
            Ok(false) => None,
            Ok(true) => Some(self.arrive(purpose, &page, None, Ok(())).await),
            Err(error) => Some(self.arrive(purpose, &page, None, Err(error)).await),
        }
    }

    /// What the gate does during this leg: the walk stops where the next leg begins.
    fn rule(&mut self, purpose: Purpose<'_>, manner: Manner) -> Rule {
        let hold = match purpose.leg {
            Leg::Idp | Leg::EndSession => Hold::App,
            Leg::Direct => Hold::AfterFirst,
            _ => Hold::Idp,
        };
        Rule {
            hold,
            cookies: self.browser(purpose.who).cookies.clone(),
            bare_first: manner.no_cookies,
        }
    }

    fn initiator(&mut self, who: &str, manner: Manner) -> Option<Url> {
        match manner.initiator.unwrap_or_default() {
            Initiator::CurrentDocument => self.browser(who).document.clone(),
            Initiator::AddressBar => None,
            Initiator::OtherSiteLink | Initiator::OtherSiteForm | Initiator::OtherSiteSubresource => {
                Some(self.evidence.target.second_origin.clone())
            }
        }
    }

    /// Waits until the browser has come to rest and writes down what its gate saw.
    async fn arrive(
        &mut self,
        purpose: Purpose<'_>,
        wanted: &Outgoing,
        plain: Option<&Outgoing>,
        sent: Result<(), BrowserError>,
    ) -> usize {
        let who = purpose.who;
        let Some(session) = self.browser(who).session.as_mut() else {
            return self.nothing_came(purpose, wanted);
        };
        let came = match sent {
            Ok(()) => session.settle().await,
            Err(error) => Err(error),
        };
        let seen = session.gate.seen();
        let document = match came {
            Ok(document) => Some(document),
            Err(error) => {
                self.broken(who, &error);
                None
            }
        };
        let page = self.write_down(purpose, wanted, plain, seen);
        match document {
            Some(document) => self.look(who, page, document).await,
            // What stands there when something went wrong, where the browser still shows anything.
            None => self.keep_screen(who, wanted.url(), Vec::new()).await,
        }
        page.unwrap_or_else(|| self.nothing_came(purpose, wanted))
    }

    /// Turns what the gate saw into hops. Returns the hop of the last page.
    fn write_down(
        &mut self,
        purpose: Purpose<'_>,
        wanted: &Outgoing,
        plain: Option<&Outgoing>,
        seen: Vec<Seen>,
    ) -> Option<usize> {
        let carried = seen
            .iter()
            .position(|seen| seen.kind == Kind::Document)
            .or_else(|| seen.iter().position(|seen| seen.request.target == wanted.target));
        self.browser(purpose.who).held = None;
        let mut page = None;
        for (index, seen) in seen.into_iter().enumerate() {
            if seen.is_held() {
                if seen.kind == Kind::Document && self.browser(purpose.who).held.is_none() {
                    let Seen { owner, mut request, .. } = seen;
                    // What the browser adds by itself it will add again.
                    request.headers.retain(|(name, _)| name == "content-type");
                    self.browser(purpose.who).held = Some(Held { owner, request });
                }
                continue;
            }
            let first = Some(index) == carried;
            let server_error = matches!(&seen.answer, Answer::Http { status, .. } if *status >= 500);
            let telling = match (seen.kind, seen.owner) {
                _ if first => true,
                (Kind::Document, _) | (Kind::Fetch | Kind::Frame, Owner::App) => true,
                _ => server_error && seen.owner == Owner::App,
            };
            if !telling {
                continue;
            }
            let leg = match (seen.kind, purpose.leg) {
                _ if first => purpose.leg,
                (Kind::Document, Leg::Callback) => Leg::AfterCallback,
                (Kind::Document, leg) => leg,
                _ => Leg::Direct,
            };
            let unedited = plain.filter(|_| first).map(|plain| Outgoing {
                headers: seen.request.headers.clone(),
                ..plain.clone()
            });
            let is_page = first || seen.kind == Kind::Document;
            let hop = self.note(
                Purpose { leg, ..purpose },
                seen.at,
                &seen.request,
                unedited,
                seen.answer,
                false,
            );
            self.evidence.hops[hop].done = seen.done;
            if is_page {
                self.opened(purpose.who, hop);
                page = Some(hop);
            }
        }
        page
    }

    /// An answer that is no redirect is the open document from now on.
    fn opened(&mut self, who: &str, hop: usize) {
        let hop = &self.evidence.hops[hop];
        let is_page = hop
            .status()
            .is_some_and(|status| !(300..400).contains(&status) && status != 204);
        if is_page {
            let url = Url::parse(&hop.url).ok();
            self.browser(who).document = url;
        }
    }

    /// Keeps what scripts made of the page, a picture of it, and what it complained about.
    async fn look(&mut self, who: &str, page: Option<usize>, document: Document) {
        if !document.settled {
            self.obstacle(format!("{} never came to rest", without_query(&document.url)));
        }
        let answered = page.is_some_and(|page| {
            let status = self.evidence.hops[page].status();
            status.is_some_and(|status| !(300..400).contains(&status) && status != 204)
        });
        if let Some(page) = page.filter(|_| answered && document.scripted) {
            self.evidence.hops[page].rendered = Some(document.html);
        }
        let Some(session) = self.browser(who).session.as_mut() else {
            return;
        };
        let alerts = std::mem::take(&mut session.alerts);
        let opened = session.close_others().await.unwrap_or(0);
        if opened > 0 {
            self.obstacle(format!(
                "{} opened another window, which was closed: sign-ins in pop-up windows are not walked",
                without_query(&document.url)
            ));
        }
        // The hosted form is the same in every walk, and not the app's: a picture of it would tell nobody anything.
        let tells = answered && !document.is_hosted_form;
        if tells || !alerts.is_empty() || opened > 0 {
            self.keep_screen(who, document.url, alerts).await;
        }
    }

    /// Keeps a picture of what the browser shows, and what its console says.
    async fn keep_screen(&mut self, who: &str, url: String, alerts: Vec<String>) {
        let (step, is_unpictured) = (self.step, self.is_unpictured);
        let Some(session) = self.browser(who).session.as_mut() else {
            return;
        };
        let picture = match is_unpictured {
            true => Vec::new(),
            false => session.picture().await.unwrap_or_default(),
        };
        let console = session.console_errors().await.unwrap_or_default();
        self.evidence.screens.push(Screen {
            at: Stamp::now(),
            step,
            who: who.to_owned(),
            url,
            console,
            alerts,
            jpeg: base64::engine::general_purpose::STANDARD.encode(picture),
        });
    }

    /// A browser that failed is thrown away; the next act gets a new one, which is a new browser for the same person.
    fn broken(&mut self, who: &str, error: &BrowserError) {
        self.obstacle(error.to_string());
        if matches!(error, BrowserError::Gone(_) | BrowserError::Hangs(_)) {
            self.browser(who).session = None;
        }
    }

    /// No request reached the gate: the browser answered from its cache, or did nothing.
    fn nothing_came(&mut self, purpose: Purpose<'_>, wanted: &Outgoing) -> usize {
        self.note_unsent(purpose, wanted, "the browser sent no request");
        self.evidence.hops.len() - 1
    }

    pub(super) fn beyond(&mut self, reason: &str) {
        self.evidence.beyond.push(format!("the browser driver {reason}"));
    }

    /// Where the last visit ended.
    pub(super) fn landed(&mut self, purpose: Purpose<'_>) -> Landing {
        let Some(Held { owner, request }) = self.browser(purpose.who).held.take() else {
            return Landing::Page;
        };
        match owner {
            Owner::Idp => Landing::Idp(request),
            Owner::App => Landing::Page,
            Owner::Other => {
                let elsewhere = Purpose {
                    leg: Leg::Elsewhere,
                    ..purpose
                };
                self.note_unsent(elsewhere, &request, "neither the app nor the authorization server");
                Landing::Elsewhere
            }
        }
    }

    /// The request at which the last visit was held, whoever's it is.
    pub(super) fn held(&mut self, who: &str) -> Option<Outgoing> {
        self.browser(who).held.take().map(|held| held.request)
    }

    /// Sends the authorization request and signs in on the hosted page, by typing and clicking.
    pub(super) async fn authorize_window(&mut self, who: &str, slot: Slot, request: Outgoing, edits: &[Edit]) {
        let purpose = Purpose {
            who,
            leg: Leg::Idp,
            flow: Some(slot),
        };
        self.visit(purpose, request, edits).await;
        let login = self.login_of(slot);
        for _ in 0..PAGE_LIMIT {
            if let Some(response) = self.held(who) {
                return self.keep_response(purpose, slot, response);
            }
            let rule = self.rule(purpose, Manner::default());
            let values: [(&[&str], &str); 2] = [
                (&["identifier", "username"], &login),
                (&["credentials.passcode", "password"], super::sign_in::PASSWORD),
            ];
            let Some(session) = self.session(who).await else { return };
            session.gate.arm(rule);
            let filled = session.fill_in(&values).await;
            let page = self.browser(who).document.clone();
            let page = Outgoing::get(&page.unwrap_or_else(|| self.evidence.target.idp.clone()));
            match filled {
                // A page without a form is a dead end, which is a result.
                Ok(false) => return,
                Ok(true) => self.arrive(purpose, &page, None, Ok(())).await,
                Err(error) => {
                    self.arrive(purpose, &page, None, Err(error)).await;
                    return;
                }
            };
        }
        self.obstacle(format!("the hosted sign-in did not end after {PAGE_LIMIT} pages"));
    }

    /// The cookies that this browser would send to this address if it were typed in. Nothing is sent.
    pub(super) async fn would_send(&mut self, who: &str, page: &Outgoing) -> Vec<(String, String)> {
        if let Some(tampered) = self.browser(who).cookies.clone() {
            let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
            return tampered.into_iter().map(|(name, value)| (name, text(value))).collect();
        }
        let Some(session) = self.browser(who).session.as_mut() else {
            return Vec::new();
        };
        match session.cookies_for(&page.url()).await {
            Ok(Some(cookies)) => return cookies,
            Ok(None) => {}
            Err(error) => {
                self.broken(who, &error);
                return Vec::new();
            }
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
        if let Err(error) = typed {
            self.broken(who, &error);
        }
        let document = seen.into_iter().find(|seen| seen.kind == Kind::Document);
        document.map(|seen| cookies_of(&seen.request)).unwrap_or_default()
    }

    /// Opens a page in a tab of its own beside the open one, with the same cookies and storage, and says what it came to.
    pub(super) async fn peek(&mut self, who: &str, page: &Outgoing) -> Option<(Outgoing, Stamp, Answer, String)> {
        let origin = self.world.site.origin.clone();
        let rule = Rule {
            hold: Hold::Idp,
            cookies: self.browser(who).cookies.clone(),
            bare_first: false,
        };
        let session = self.session(who).await?;
        let peeked = match session.blank(&origin).await {
            Ok(()) => {
                session.gate.arm(rule);
                session.peek(&page.url()).await
            }
            Err(error) => Err(error),
        };
        let seen = session.gate.seen();
        let document = match peeked {
            Ok(document) => document,
            Err(error) => {
                self.broken(who, &error);
                return None;
            }
        };
        let led_away = seen.iter().any(|seen| seen.is_held() && seen.kind == Kind::Document);
        let last = seen
            .into_iter()
            .rfind(|seen| seen.kind == Kind::Document && !seen.is_held())?;
        // A page that sends everybody to a sign-in shows nobody, whatever it showed for a moment.
        let html = if led_away { String::new() } else { document.html };
        Some((last.request, last.at, last.answer, html))
    }

    /// Puts a cookie into the real jar.
    pub(super) async fn plant_window(&mut self, who: &str, url: &Url, set_cookie: &str) {
        let Some(session) = self.session(who).await else { return };
        if let Err(error) = session.plant(url, set_cookie).await {
            self.broken(who, &error);
        }
    }

    /// Empties the real jar of the app's cookies.
    pub(super) async fn clear_window(&mut self, who: &str) {
        let origin = self.world.site.origin.clone();
        let Some(session) = self.session(who).await else { return };
        if let Err(error) = session.clear_cookies(&origin).await {
            self.broken(who, &error);
        }
    }
}

/// Makes the browser send this request from that document. `is_there`: it is the one that is open, and links may be put
/// into it.
async fn navigate(
    session: &mut Session,
    request: &Outgoing,
    initiator: Option<&Url>,
    is_there: bool,
    manner: Manner,
    frame: bool,
    rule: Rule,
) -> Result<(), BrowserError> {
    let url = request.url();
    let by_get = request.method == "GET" && request.body.is_empty();
    let Some(document) = initiator.or((!by_get).then_some(&request.origin)) else {
        session.gate.arm(rule);
        return session.goto(&url).await;
    };
    if !(is_there && by_get) {
        session.blank(document).await?;
    }
    session.gate.arm(rule);
    if manner.initiator == Some(Initiator::OtherSiteSubresource) {
        return session.load(if frame { "iframe" } else { "img" }, &url).await;
    }
    if by_get {
        return session.follow_link(&url).await;
    }
    let fields: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    session.send_form("post", &url, &fields).await
}

/// Whether a browser can send such a request by navigating.
fn expressible(request: &Outgoing) -> Result<(), String> {
    let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
    let form = content_type.is_none_or(|(_, value)| value.starts_with(b"application/x-www-form-urlencoded"));
    let foreign = request.headers.iter().find(|(name, _)| name != "content-type");
    match (request.method.as_str(), foreign) {
        (_, Some((name, _))) => Err(format!("cannot put the header `{name}` on a navigation")),
        ("GET", None) if request.body.is_empty() => Ok(()),
        ("POST", None) if form => Ok(()),
        ("POST", None) => Err("cannot post anything but a form".to_owned()),
        (method, None) => Err(format!("cannot navigate by {method}")),
    }
}

/// Why no browser can walk this script, when that is plain before the first step. `javascript`: scripts make the pages.
#[must_use]
pub fn beyond_browsers(script: &[Step], javascript: bool) -> Option<String> {
    if javascript && needs_two_tabs(script) {
        let reason = "has one tab, and scripts may keep the sign-in of each tab in that tab";
        return Some(format!("the browser driver {reason}"));
    }
    script.iter().find_map(|step| {
        let reason = match step.act {
            Act::Crowd(_) => "does not open as many browsers as a crowd needs",
            Act::Flood(starts) if starts > FEW_STARTS => "does not start so many sign-ins at once",
            Act::SignOutRace(_) | Act::DeliverTwice(_) => "cannot send one request twice at the same moment",
            Act::RawBytes(_) => "cannot write raw bytes",
            Act::Repeat(_, steps) => return beyond_browsers(steps, javascript),
            act => return act.edits().iter().find_map(|edit| beyond_edit(&act, edit)),
        };
        Some(format!("the browser driver {reason}"))
    })
}

/// Whether somebody starts a second sign-in before he ends the first, and ends the first as well.
fn needs_two_tabs(script: &[Step]) -> bool {
    let mut open: Vec<(Who, Slot)> = Vec::new();
    let mut last: Vec<(Who, Slot)> = Vec::new();
    for Step { who, act } in script.iter().copied() {
        match act {
            Act::Start(slot, _) | Act::DeepLink(slot, _) | Act::InitiateLogin(slot, _) => {
                open.push((who, slot));
                last.retain(|(person, _)| *person != who);
                last.push((who, slot));
            }
            Act::SignIn(slot) | Act::SignInAs(_, slot) | Act::SignInWith(slot, _) => {
                last.retain(|(person, _)| *person != who);
                last.push((who, slot));
            }
            Act::Deliver(slot, _) => {
                let own = open.contains(&(who, slot));
                open.retain(|flow| *flow != (who, slot));
                if own && !last.contains(&(who, slot)) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Probes are sent beside the browser with its cookies, so they may carry anything.
fn beyond_edit(act: &Act, edit: &Edit) -> Option<String> {
    let reason = match edit {
        // Nor does a server that calls the app need a browser.
        _ if matches!(act, Act::ProbeProtected(..) | Act::Request(Place::BackChannel, _)) => return None,
        Edit::Header(name, _) => format!("cannot put the header `{name}` on a navigation"),
        Edit::Method(method) if !matches!(*method, "GET" | "POST") => format!("cannot navigate by {method}"),
        Edit::Body(kind, _) if !kind.starts_with("application/x-www-form-urlencoded") => {
            "cannot post anything but a form".to_owned()
        }
        _ => return None,
    };
    Some(format!("the browser driver {reason}"))
}

/// How many people act in a script.
fn people(script: &[Step]) -> u32 {
    fn add(script: &[Step], found: &mut Vec<Who>) {
        for step in script {
            if !found.contains(&step.who) {
                found.push(step.who);
            }
            if let Act::Repeat(_, steps) = step.act {
                add(steps, found);
            }
        }
    }
    let mut found = Vec::new();
    add(script, &mut found);
    u32::try_from(found.len()).unwrap_or(3)
}

/// Whether somebody asks with cookies that were saved: where scripts make the pages, in one more browser.
fn asks_with_saved_cookies(script: &[Step]) -> bool {
    script.iter().any(|step| match step.act {
        Act::ProbeWith(..) => true,
        Act::Repeat(_, steps) => asks_with_saved_cookies(steps),
        _ => false,
    })
}

fn cookies_of(request: &Outgoing) -> Vec<(String, String)> {
    let field = request.headers.iter().find(|(name, _)| name == "cookie");
    let line = field.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        (name.to_owned(), value.to_owned())
    };
    line.map(|line| line.split("; ").map(pair).collect())
        .unwrap_or_default()
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
