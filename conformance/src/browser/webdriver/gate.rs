//! The gate: a proxy of the harness through which every request of one browser passes.
//!
//! A WebDriver tells neither redirects nor statuses nor headers. The gate sees them as they are on the wire, in every
//! browser alike, and it is where a walk stops: a navigation that must not be sent yet is *held* (answered with 204, on
//! which a browser stays where it is, RFC 9110 §15.3.5), and what the browser would have sent, cookies included, is
//! known exactly. Nothing but the app and the authorization server can be reached through it. TLS ends here (`tunnel.rs`) and
//! begins again on the way to the server.

use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ::http::{Request as HttpRequest, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use mock_idp::flow::record::Stamp;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::{JoinHandle, JoinSet},
};
use url::Url;

use crate::{
    browser::http::{Client, Outgoing},
    evidence::{Answer, Problem},
};

/// The path on which the gate itself answers with an empty page: a document of any origin, without asking that origin.
pub const BLANK_PATH: &str = "/conformance-blank";

/// Larger than any script that a page needs.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// More documents than any one step of a sign-in needs; what goes on after them is a loop.
const DOCUMENT_LIMIT: usize = 30;

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The app under test.
    App,
    /// The authorization server.
    Idp,
    /// Anybody else: never reached.
    Other,
}

/// Tells whose an address is.
pub type Owners = Arc<dyn Fn(&Url) -> Owner + Send + Sync>;

/// Which navigations are held. Those to other origins always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// None.
    #[default]
    Nothing,
    /// To the app.
    App,
    /// To the authorization server.
    Idp,
    /// Everything after the first: redirects are seen and not followed.
    AfterFirst,
    /// All.
    Everything,
}

impl Hold {
    /// Whether a navigation to this owner is held that so many went before.
    #[must_use]
    pub fn stops(self, owner: Owner, before: usize) -> bool {
        match self {
            _ if owner == Owner::Other => true,
            Hold::Nothing => false,
            Hold::App => owner == Owner::App,
            Hold::Idp => owner == Owner::Idp,
            Hold::AfterFirst => before > 0,
            Hold::Everything => true,
        }
    }
}

/// What the gate does until it is armed anew.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Which navigations are held.
    pub hold: Hold,
    /// Cookies that reach the app instead of the browser's, as if the jar had been tampered with.
    pub cookies: Option<Vec<(String, Vec<u8>)>>,
    /// The first navigation goes without any cookies.
    pub bare_first: bool,
}

/// What a request was for, by `Sec-Fetch-Dest` (Fetch Metadata).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its answer becomes the page.
    Document,
    /// Its answer becomes a frame of a page.
    Frame,
    /// A script asked for it.
    Fetch,
    /// Images, styles, scripts, and the browser's own errands.
    Other,
}

/// One request that passed or was held.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it came.
    pub at: Stamp,
    /// When its answer was complete.
    pub done: Stamp,
    /// What it was for.
    pub kind: Kind,
    /// Whose it was.
    pub owner: Owner,
    /// The request as it went on, or would have.
    pub request: Outgoing,
    /// The answer; [`Answer::NotSent`] when it was held.
    pub answer: Answer,
}

impl Seen {
    /// Whether it was held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.answer, Answer::NotSent { .. })
    }

    /// Whether a navigation ends here and leaves the open page where it is.
    fn is_pageless(&self) -> bool {
        self.is_held() || matches!(&self.answer, Answer::Http { status, .. } if matches!(*status, 204 | 205))
    }

    fn is_redirect(&self) -> bool {
        matches!(&self.answer, Answer::Http { status, .. } if matches!(*status, 301 | 302 | 303 | 307 | 308))
    }
}

/// The proxy of one browser. Dropping it closes every connection.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn open(client: Client, owners: Owners) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            client,
            owners,
            state: Mutex::new(State::new(Rule::default())),
            news: Notify::new(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, server })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whose an address is.
    #[must_use]
    pub fn owner(&self, url: &Url) -> Owner {
        (self.shared.owners)(url)
    }

    /// From now on this rule holds; what was seen is forgotten.
    pub fn arm(&self, rule: Rule) {
        let mut state = self.shared.state();
        let in_flight = state.in_flight;
        let epoch = state.epoch + 1;
        *state = State::new(rule);
        state.in_flight = in_flight;
        state.epoch = epoch;
    }

    /// What was seen since the gate was armed, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = self.shared.state().seen.clone();
        seen.sort_by_key(|seen| seen.at);
        seen
    }

    /// How many requests were seen since the gate was armed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.state().seen.len()
    }

    /// Returns when a request was seen since the gate was armed, or after `limit`. Says whether one was.
    pub async fn something(&self, limit: Duration) -> bool {
        self.beyond(0, limit).await
    }

    /// Returns when more than so many requests were seen, or after `limit`. Says whether they were.
    pub async fn beyond(&self, count: usize, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.until(|state| state.seen.len() > count))
            .await
            .is_ok()
    }

    /// Returns when a navigation was seen since the gate was armed, or after `limit`. Says whether one was.
    pub async fn navigation(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.until(|state| state.documents > 0))
            .await
            .is_ok()
    }

    /// Whether the last navigation was answered without a page: it was held, or the answer was empty (204, 205).
    #[must_use]
    pub fn ended_without_page(&self) -> bool {
        let state = self.shared.state();
        let last = state.seen.iter().rfind(|seen| seen.kind == Kind::Document);
        last.is_some_and(Seen::is_pageless)
    }

    /// Whether the last navigation was answered without a page, and those before it led there: the page that was open
    /// when the gate was armed is open still.
    #[must_use]
    pub fn brought_no_page(&self) -> bool {
        let state = self.shared.state();
        let mut navigations = state.seen.iter().rev().filter(|seen| seen.kind == Kind::Document);
        navigations.next().is_some_and(Seen::is_pageless) && navigations.all(Seen::is_redirect)
    }

    /// Returns when nothing is on its way, and nothing has come for this long. Says whether that was so within `limit`.
    pub async fn quiet(&self, pause: Duration, limit: Duration) -> bool {
        let quiet = async {
            loop {
                self.until(|state| state.in_flight == 0).await;
                let last = self.shared.state().last;
                let Some(rest) = pause.checked_sub(last.elapsed()) else {
                    return;
                };
                // The pause is the meaning of "quiet": a script may ask for more as soon as it has an answer.
                tokio::time::sleep(rest).await;
                let state = self.shared.state();
                if state.in_flight == 0 && state.last == last {
                    return;
                }
            }
        };
        tokio::time::timeout(limit, quiet).await.is_ok()
    }

    async fn until(&self, fits: impl Fn(&State) -> bool) {
        loop {
            let news = self.shared.news.notified();
            if fits(&self.shared.state()) {
                return;
            }
            news.await;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Shared {
    client: Client,
    owners: Owners,
    state: Mutex<State>,
    news: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    rule: Rule,
    seen: Vec<Seen>,
    documents: usize,
    in_flight: usize,
    last: Instant,
    /// Counts how often the gate was armed: an answer that comes late belongs to what was forgotten.
    epoch: u64,
}

impl State {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            seen: Vec::new(),
            documents: 0,
            in_flight: 0,
            last: Instant::now(),
            epoch: 0,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a request. Says under which number, or that it is held.
    fn enter(&self, kind: Kind, owner: Owner, request: &mut Outgoing) -> Passage {
        let mut state = self.state();
        state.last = Instant::now();
        let navigates = kind == Kind::Document;
        let held = owner == Owner::Other || navigates && state.rule.hold.stops(owner, state.documents);
        let endless = navigates && state.documents >= DOCUMENT_LIMIT;
        state.documents += usize::from(navigates);
        if state.rule.bare_first && navigates && state.documents == 1 {
            replace_cookies(request, &[]);
        } else if let (Some(cookies), Owner::App) = (&state.rule.cookies, owner) {
            replace_cookies(request, cookies);
        }
        let answer = if endless {
            Answer::Broken {
                problem: Problem::Loop,
                text: format!("more than {DOCUMENT_LIMIT} pages in a row"),
            }
        } else if held {
            Answer::NotSent {
                why: "held at this point of the walk".to_owned(),
            }
        } else {
            Answer::Broken {
                problem: Problem::Closed,
                text: "the browser did not wait for the answer".to_owned(),
            }
        };
        let now = Stamp::now();
        state.seen.push(Seen {
            at: now,
            done: now,
            kind,
            owner,
            request: request.clone(),
            answer,
        });
        let passage = if held || endless {
            Passage::Held
        } else {
            state.in_flight += 1;
            Passage::Number(state.epoch, state.seen.len() - 1)
        };
        drop(state);
        self.news.notify_waiters();
        passage
    }
}

enum Passage {
    Held,
    Number(u64, usize),
}

/// A request on its way; counted until it is dropped, also when the browser goes away meanwhile.
struct OnItsWay<'s>(&'s Shared);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.last = Instant::now();
        drop(state);
        self.0.news.notify_waiters();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request: HttpRequest<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            if request.method() != ::http::Method::CONNECT {
                return Ok::<_, Infallible>(pass(&shared, request, None).await);
            }
            let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            tokio::spawn(async move {
                if let Ok(stream) = hyper::upgrade::on(request).await {
                    tunnel(TokioIo::new(stream), authority, shared).await;
                }
            });
            Ok(plain(StatusCode::OK, ""))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_headers(512)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A browser closes connections as it likes.
    let _closed = connection.await;
}

/// Serves what the browser believes to be a TLS connection to this server.
async fn tunnel(stream: impl AsyncRead + AsyncWrite + Unpin + Send, authority: String, shared: Arc<Shared>) {
    let Some(acceptor) = super::tunnel::acceptor() else {
        return;
    };
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| {
        let (shared, authority) = (Arc::clone(&shared), authority.clone());
        async move { Ok::<_, Infallible>(pass(&shared, request, Some(&authority)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_headers(512)
        .serve_connection(TokioIo::new(stream), service);
    let _closed = connection.await;
}

/// Hands a request on, or holds it. `tunnel`: to whom, for a request that came over TLS.
async fn pass(shared: &Shared, request: HttpRequest<Incoming>, tunnel: Option<&str>) -> Response<Full<Bytes>> {
    let Some(mut outgoing) = read(request, tunnel).await else {
        return plain(
            StatusCode::BAD_REQUEST,
            "the conformance harness cannot read this request",
        );
    };
    if outgoing.target.starts_with(BLANK_PATH) {
        return blank();
    }
    let kind = kind_of(&outgoing);
    if outgoing.target == "/favicon.ico" && kind == Kind::Other {
        return plain(StatusCode::NOT_FOUND, "");
    }
    if matches!(kind, Kind::Other | Kind::Fetch) && is_browsers_own(&outgoing) {
        return plain(StatusCode::BAD_GATEWAY, "the harness lets no browser call home");
    }
    let owner = (shared.owners)(&outgoing.origin);
    let (epoch, number) = match shared.enter(kind, owner, &mut outgoing) {
        Passage::Held => return plain(StatusCode::NO_CONTENT, ""),
        Passage::Number(epoch, number) => (epoch, number),
    };
    let on_its_way = OnItsWay(shared);
    let answer = shared.client.send_whole(&outgoing, BODY_LIMIT).await;
    let record = match &answer {
        Ok(whole) => whole.record(),
        Err((problem, text)) => Answer::Broken {
            problem: *problem,
            text: text.clone(),
        },
    };
    {
        let mut state = shared.state();
        let current = state.epoch == epoch;
        if let Some(seen) = state.seen.get_mut(number).filter(|_| current) {
            seen.answer = record;
            seen.done = Stamp::now();
        }
    }
    drop(on_its_way);
    match answer {
        Ok(whole) => hand_on(whole.head, whole.body),
        Err((_, text)) => plain(StatusCode::BAD_GATEWAY, &format!("no answer: {text}")),
    }
}

/// Whether the browser asks for itself (its clock, its components), whatever its command line says: no page is behind it.
fn is_browsers_own(outgoing: &Outgoing) -> bool {
    let home = |host: &str| {
        const HOMES: &[&str] = &[
            ".google.com",
            ".googleapis.com",
            ".gvt1.com",
            ".gstatic.com",
            ".mozilla.com",
            ".mozilla.net",
            ".mozilla.org",
            ".firefox.com",
        ];
        HOMES.iter().any(|suffix| host.ends_with(suffix))
    };
    let of_a_page = outgoing
        .headers
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "referer" | "origin"));
    !of_a_page && outgoing.origin.host_str().is_some_and(home)
}

/// The request as it goes on: addressed to its server, without what was meant for a proxy. Compression is not asked
/// for, so that bodies can be read.
async fn read(request: HttpRequest<Incoming>, tunnel: Option<&str>) -> Option<Outgoing> {
    let (head, body) = request.into_parts();
    let origin = match tunnel {
        Some(authority) => format!("https://{authority}/"),
        None => format!("{}://{}/", head.uri.scheme_str()?, head.uri.authority()?),
    };
    let origin = Url::parse(&origin).ok()?;
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes().to_vec();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in &head.headers {
        if !is_hop_by_hop(name.as_str()) && name != "accept-encoding" {
            headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
        }
    }
    Some(Outgoing {
        origin,
        method: head.method.as_str().to_owned(),
        target,
        headers,
        body,
    })
}

fn hand_on(head: ::http::response::Parts, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = head.status;
    for (name, value) in &head.headers {
        if !is_hop_by_hop(name.as_str()) && name != "content-length" {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Fields for one connection only (RFC 9110 §7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "proxy-connection" | "keep-alive" | "transfer-encoding" | "te" | "trailer" | "upgrade"
    )
}

fn kind_of(request: &Outgoing) -> Kind {
    let field = |wanted: &str| {
        let found = request.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    match field("sec-fetch-dest").as_deref() {
        Some("document") => Kind::Document,
        Some("iframe" | "frame" | "fencedframe") => Kind::Frame,
        Some("empty") => Kind::Fetch,
        Some(_) => Kind::Other,
        // Browsers tell this only to origins that they trust; a navigation asks for https instead.
        None if field("upgrade-insecure-requests").is_some() => Kind::Document,
        None => Kind::Other,
    }
}

fn replace_cookies(request: &mut Outgoing, cookies: &[(String, Vec<u8>)]) {
    request.headers.retain(|(name, _)| name != "cookie");
    if !cookies.is_empty() {
        let pairs: Vec<Vec<u8>> = cookies
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
            .collect();
        request.headers.push(("cookie".to_owned(), pairs.join(&b"; "[..])));
    }
}

fn blank() -> Response<Full<Bytes>> {
    let mut response = plain(StatusCode::OK, "<!doctype html><title>blank</title><body>");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "origin"),
    ] {
        response
            .headers_mut()
            .insert(name, ::http::HeaderValue::from_static(value));
    }
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
