//! A real browser through its gate, against small pages. Without a browser these tests fail under `CI=true` and say that
//! they were not run otherwise.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Redirect},
    routing::{any, get},
};
use conformance::{
    browser::{
        http::Client,
        pool::{Lease, Pool, PoolOptions},
        webdriver::{BrowserError, Hold, Kind, Owner, Owners, Rule, Session, driver},
    },
    evidence::Answer,
};
use url::Url;

const LIMIT: Duration = Duration::from_secs(5);

#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
/// Whether browser tests can run here; without a browser they fail under `CI=true` and say so otherwise.
pub(crate) fn machine_has_a_browser() -> bool {
    let found = driver::find().is_some();
    if !found {
        assert!(
            std::env::var_os("CI").is_none(),
            "no chromedriver: `conformance browser install` installs it"
        );
        eprintln!("NOT RUN: this machine has no chromedriver (`conformance browser install`)");
    }
    found
}

/// Browsers, where this machine has any.
pub(crate) async fn pool(limit: Duration) -> Option<Pool> {
    if !machine_has_a_browser() {
        return None;
    }
    let options = PoolOptions {
        driver: None,
        headed: false,
        size: 3,
        limit,
    };
    Some(Pool::open(&options).await.unwrap())
}

/// Serves pages on a free port of the loopback interface.
pub(crate) async fn serve(pages: Router) -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, pages).await });
    port
}

/// `localhost` is the app, `127.0.0.1` the authorization server.
pub(crate) fn owners() -> Owners {
    Arc::new(|url: &Url| match url.host_str() {
        Some("localhost") => Owner::App,
        Some("127.0.0.1") => Owner::Idp,
        _ => Owner::Other,
    })
}

async fn browser(lease: &Lease) -> Session {
    lease.browser(&Client::new(LIMIT), owners()).await.unwrap()
}

fn cookie_of(request: &conformance::browser::http::Outgoing) -> String {
    let field = request.headers.iter().find(|(name, _)| name == "cookie");
    field.map_or(String::new(), |(_, value)| String::from_utf8_lossy(value).into_owned())
}

#[tokio::test]
async fn redirects_are_seen_and_a_held_navigation_is_not_sent() {
    let Some(pool) = pool(LIMIT).await else { return };
    let pages = Router::new()
        .route(
            "/start",
            get(|| async {
                (
                    [(header::SET_COOKIE, "attempt=1; HttpOnly; SameSite=Lax")],
                    Redirect::to("/next"),
                )
            }),
        )
        .route(
            "/next",
            get(|headers: HeaderMap| async move {
                let host = headers[header::HOST]
                    .to_str()
                    .unwrap()
                    .replace("localhost", "127.0.0.1");
                Redirect::to(&format!("http://{host}/authorize?state=a%2Fb"))
            }),
        )
        .route("/authorize", any(|| async { "must not be asked" }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.gate.arm(Rule {
        hold: Hold::Idp,
        ..Rule::default()
    });
    browser.goto(&format!("http://localhost:{port}/start")).await.unwrap();
    browser.settle().await.unwrap();
    let seen = browser.gate.seen();
    let told: Vec<_> = seen
        .iter()
        .map(|seen| match &seen.answer {
            Answer::Http { status, .. } => (seen.request.target.as_str(), Some(*status)),
            _ => (seen.request.target.as_str(), None),
        })
        .collect();
    assert_eq!(
        told,
        [
            ("/start", Some(303)),
            ("/next", Some(303)),
            ("/authorize?state=a%2Fb", None)
        ]
    );
    assert_eq!(cookie_of(&seen[1].request), "attempt=1");
    assert!(seen[2].is_held() && seen[2].kind == Kind::Document);
    browser.close().await;
}

#[tokio::test]
async fn who_starts_a_navigation_decides_about_strict_cookies() {
    let Some(pool) = pool(LIMIT).await else { return };
    let cookies = [
        (header::SET_COOKIE, "s=1; SameSite=Strict"),
        (header::SET_COOKIE, "l=1; SameSite=Lax"),
    ];
    let pages = Router::new()
        .route(
            "/set",
            get(move || async move { (axum::response::AppendHeaders(cookies), Html("set")) }),
        )
        .route("/get", any(|| async { Html("got") }));
    let port = serve(pages).await;
    let app = format!("http://localhost:{port}/get");
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/set")).await.unwrap();

    browser.gate.arm(Rule::default());
    browser.goto(&app).await.unwrap();
    assert_eq!(cookie_of(&browser.gate.seen()[0].request), "s=1; l=1");

    let idp = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    browser.blank(&idp).await.unwrap();
    browser.gate.arm(Rule::default());
    browser.follow_link(&app).await.unwrap();
    browser.settle().await.unwrap();
    assert_eq!(cookie_of(&browser.gate.seen()[0].request), "l=1");

    browser.blank(&idp).await.unwrap();
    browser.gate.arm(Rule::default());
    let fields = [("code".to_owned(), "a b/ü".to_owned())];
    browser.send_form("post", &app, &fields).await.unwrap();
    browser.settle().await.unwrap();
    let posted = &browser.gate.seen()[0].request;
    assert_eq!(cookie_of(posted), "");
    assert_eq!(String::from_utf8_lossy(&posted.body), "code=a+b%2F%C3%BC");
    browser.close().await;
}

#[tokio::test]
async fn an_alert_box_is_told_and_does_not_stop_the_walk() {
    let Some(pool) = pool(LIMIT).await else { return };
    let page = "<button>Go on</button><script>alert('hello there')</script>";
    let port = serve(Router::new().route("/", get(move || async move { Html(page) }))).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("Go on"), "{}", document.html);
    assert_eq!(browser.alerts, ["hello there"]);
    browser.close().await;
}

#[tokio::test]
async fn a_page_that_never_comes_to_rest_is_given_up_in_time() {
    let limit = Duration::from_secs(2);
    let Some(pool) = pool(limit).await else { return };
    let page = "<p>busy</p><script>async function more() { await fetch('/more'); more() } more()</script>";
    let pages = Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/more", get(|| async { "more" }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = lease.browser(&Client::new(limit), owners()).await.unwrap();
    let began = Instant::now();
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    let document = browser.settle().await.unwrap();
    assert!(!document.settled);
    assert!(document.html.contains("busy"));
    assert!(began.elapsed() < 10 * limit, "{:?}", began.elapsed());
    browser.close().await;
}

#[tokio::test]
async fn scripts_refreshes_and_forms_that_send_themselves_are_followed_to_the_end() {
    let Some(pool) = pool(LIMIT).await else { return };
    let script = "<script>fetch('/data').then(r => r.text()).then(t => location.replace('/refresh?' + t))</script>";
    let refresh = "<meta http-equiv=refresh content='0; url=/form'>";
    let form = "<body onload='document.forms[0].submit()'><form method=post action=/end><input name=a value=b></form>";
    let pages = Router::new()
        .route("/", get(move || async move { Html(script) }))
        .route("/data", get(|| async { "answer" }))
        .route("/refresh", get(move || async move { Html(refresh) }))
        .route("/form", get(move || async move { Html(form) }))
        .route("/end", any(|body: String| async move { format!("the end: {body}") }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.gate.arm(Rule::default());
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("the end: a=b"), "{}", document.html);
    let told: Vec<_> = browser
        .gate
        .seen()
        .into_iter()
        .map(|seen| (seen.kind, seen.request.target))
        .collect();
    let expected = [
        (Kind::Document, "/"),
        (Kind::Fetch, "/data"),
        (Kind::Document, "/refresh?answer"),
        (Kind::Document, "/form"),
        (Kind::Document, "/end"),
    ];
    assert_eq!(told, expected.map(|(kind, target)| (kind, target.to_owned())));
    browser.close().await;
}

#[tokio::test]
async fn a_button_whose_script_thinks_before_and_after_it_asks_is_waited_for() {
    let Some(pool) = pool(LIMIT).await else { return };
    let page = "<p>in</p><button>Sign out</button><script>
        const think = () => new Promise(thought => setTimeout(thought, 700));
        document.querySelector('button').onclick = async () => {
            await think();
            await fetch('/revoke', { method: 'POST' });
            await think();
            location.href = '/out';
        };</script>";
    let pages = Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/revoke", any(|| async { "" }))
        .route("/out", get(|| async { Html("<p>out</p>") }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    browser.settle().await.unwrap();
    browser.gate.arm(Rule::default());
    assert!(browser.click_text("Sign out").await.unwrap());
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("<p>out</p>"), "{}", document.html);
    let asked: Vec<_> = browser
        .gate
        .seen()
        .into_iter()
        .map(|seen| seen.request.target)
        .collect();
    assert_eq!(asked, ["/revoke", "/out"]);
    browser.close().await;
}

#[tokio::test]
async fn a_second_look_has_the_session_storage_and_leaves_the_page_alone() {
    let Some(pool) = pool(LIMIT).await else { return };
    let set = "<p>here</p><script>sessionStorage.setItem('who', 'ada')</script>";
    let show = "<p></p><script>document.querySelector('p').textContent = 'signed in as '
        + sessionStorage.getItem('who'); sessionStorage.setItem('who', 'bob')</script>";
    let pages = Router::new()
        .route("/", get(move || async move { Html(set) }))
        .route("/show", get(move || async move { Html(show) }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    for _ in 0..2 {
        browser.gate.arm(Rule::default());
        let seen = browser.peek(&format!("http://localhost:{port}/show")).await.unwrap();
        assert!(seen.html.contains("signed in as ada"), "{}", seen.html);
    }
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("here"));
    browser.close().await;
}

#[tokio::test]
async fn downloads_empty_answers_and_foreign_addresses_are_no_obstacle() {
    let Some(pool) = pool(LIMIT).await else { return };
    let attachment = [(header::CONTENT_DISPOSITION, "attachment; filename=a.bin")];
    let pages = Router::new().route("/", get(|| async { Html("home") })).route(
        "/download",
        get(move || async move { (attachment, "bytes").into_response() }),
    );
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    browser.gate.arm(Rule::default());
    browser
        .goto(&format!("http://localhost:{port}/download"))
        .await
        .unwrap();
    browser.settle().await.unwrap();
    browser.goto("http://elsewhere.example/").await.unwrap();
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("home"), "{}", document.html);
    let seen = browser.gate.seen();
    assert_eq!(seen[0].request.target, "/download");
    let foreign: Vec<_> = seen
        .iter()
        .filter(|seen| seen.owner == Owner::Other && seen.kind == Kind::Document)
        .collect();
    assert_eq!(foreign.len(), 1);
    assert!(foreign[0].is_held());
    browser.close().await;
}

#[tokio::test]
async fn a_browser_that_crashes_says_so_and_the_next_one_works() {
    let Some(pool) = pool(LIMIT).await else { return };
    let port = serve(Router::new().route("/", get(|| async { Html("alive") }))).await;
    let lease = pool.lease(1).await.unwrap();
    let mut crashing = browser(&lease).await;
    let error = match crashing.goto("chrome://crash").await {
        Ok(()) => crashing.settle().await.map(drop).unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, BrowserError::Gone(_)), "{error:?}");
    crashing.close().await;
    let mut next = browser(&lease).await;
    next.goto(&format!("http://localhost:{port}/")).await.unwrap();
    assert!(next.settle().await.unwrap().html.contains("alive"));
    next.close().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn nothing_is_left_running_when_the_pool_is_dropped() {
    let Some(pool) = pool(LIMIT).await else { return };
    let lease = pool.lease(2).await.unwrap();
    let (one, two) = (browser(&lease).await, browser(&lease).await);
    let mark = pool.mark().to_owned();
    assert!(processes(&mark) > 2, "no browser runs");
    // As when a walk panics: nothing is closed in order.
    drop((one, two, lease, pool));
    let began = Instant::now();
    while processes(&mark) > 0 {
        assert!(began.elapsed() < LIMIT, "{} processes are left", processes(&mark));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Running processes whose command line holds this text.
#[cfg(target_os = "linux")]
fn processes(mark: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(mark)
        })
        .count()
}
