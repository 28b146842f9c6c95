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
        webdriver::{
            Brand, BrowserError, HeldCookie, Hold, Kind, Owner, Owners, Rule, Session,
            driver::{Driver, DriverError},
        },
    },
    evidence::Answer,
};
use serde_json::json;
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

const LIMIT: Duration = Duration::from_secs(5);

/// Whether tests in Chrome can run here; without it they fail under `CI=true` and say so otherwise.
pub(crate) fn machine_has_a_browser() -> bool {
    machine_has(Brand::Chrome)
}

/// Whether this machine has the browser. Only Chrome's driver is in every distribution's packages, so only that must be here
/// under `CI=true`.
#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
fn machine_has(brand: Brand) -> bool {
    let found = brand.find_driver().is_some();
    if !found {
        let (driver, command) = (brand.driver(), brand.install_command());
        assert!(
            brand != Brand::Chrome || std::env::var_os("CI").is_none(),
            "no {driver}: `{command}` installs it"
        );
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        eprintln!("NOT RUN: {name}: this machine has no {driver} (`{command}`)");
    }
    found
}

/// Browsers, where this machine has any.
pub(crate) async fn pool(limit: Duration) -> Option<Pool> {
    pool_of(Brand::Chrome, limit).await
}

async fn pool_of(brand: Brand, limit: Duration) -> Option<Pool> {
    if !machine_has(brand) {
        return None;
    }
    let options = PoolOptions {
        brand,
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

/// Each of these sentences is held in every browser.
macro_rules! in_every_browser {
    ($($(#[$attribute:meta])* $test:ident,)*) => {
        mod chrome {
            use super::Brand;
            $($(#[$attribute])* #[tokio::test] async fn $test() { super::$test(Brand::Chrome).await; })*
        }
        mod firefox {
            use super::Brand;
            $($(#[$attribute])* #[tokio::test] async fn $test() { super::$test(Brand::Firefox).await; })*
        }
    };
}

in_every_browser! {
    redirects_are_seen_and_a_held_navigation_is_not_sent,
    who_starts_a_navigation_decides_about_strict_cookies,
    an_alert_box_is_told_and_does_not_stop_the_walk,
    a_page_that_never_comes_to_rest_is_given_up_in_time,
    scripts_refreshes_and_forms_that_send_themselves_are_followed_to_the_end,
    a_button_whose_script_thinks_before_and_after_it_asks_is_waited_for,
    a_second_look_has_the_session_storage_and_leaves_the_page_alone,
    downloads_empty_answers_and_foreign_addresses_are_no_obstacle,
    a_browser_that_crashes_says_so_and_the_next_one_works,
    cookies_of_scripts_and_servers_are_told_planted_and_taken_away,
    a_picture_and_what_scripts_complain_of_are_kept,
    nobody_finds_what_the_person_before_him_left,
    pages_over_tls_pass_the_gate_and_their_certificate_is_taken,
    #[cfg(target_os = "linux")]
    nothing_is_left_running_when_the_pool_is_dropped,
}

async fn browser(lease: &Lease) -> Session {
    lease.browser(&Client::new(LIMIT), owners()).await.unwrap()
}

fn cookie_of(request: &conformance::browser::http::Outgoing) -> String {
    let field = request.headers.iter().find(|(name, _)| name == "cookie");
    field.map_or(String::new(), |(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// As a geckodriver that runs already answers: its second browser would be that of a second person.
#[tokio::test]
async fn a_driver_with_room_for_one_person_is_told_of_before_anybody_walks() {
    let driver = MockServer::start().await;
    let session = json!({ "value": { "sessionId": "one", "capabilities": {
        "browserName": "firefox", "browserVersion": "153.0", "moz:geckodriverVersion": "0.37.1" } } });
    let refused = json!({ "value": { "error": "session not created", "message": "Session is already started", "stacktrace": "" } });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(session))
        .up_to_n_times(1)
        .mount(&driver)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500).set_body_json(refused))
        .mount(&driver)
        .await;
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "value": null })))
        .expect(1)
        .mount(&driver)
        .await;
    let told = Driver::at(Brand::Firefox, &driver.uri(), false).versions().await;
    let Err(error @ DriverError::OneAtATime { .. }) = told else {
        panic!("{told:?}");
    };
    assert!(error.to_string().contains("Session is already started"), "{error}");
    assert!(error.fix(Brand::Firefox).contains("leave `=URL` away"));
}

async fn redirects_are_seen_and_a_held_navigation_is_not_sent(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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
    let page = browser.settle().await.unwrap();
    // What the gate answered in the place of the page is nobody's.
    assert!(page.settled && !page.html.contains("must not be asked"), "{page:?}");
    if brand == Brand::Chrome {
        assert_eq!(page.html, "", "a page that nobody sent was read");
    }
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

async fn who_starts_a_navigation_decides_about_strict_cookies(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn an_alert_box_is_told_and_does_not_stop_the_walk(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn a_page_that_never_comes_to_rest_is_given_up_in_time(brand: Brand) {
    let limit = Duration::from_secs(2);
    let Some(pool) = pool_of(brand, limit).await else {
        return;
    };
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

async fn scripts_refreshes_and_forms_that_send_themselves_are_followed_to_the_end(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn a_button_whose_script_thinks_before_and_after_it_asks_is_waited_for(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn a_second_look_has_the_session_storage_and_leaves_the_page_alone(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn downloads_empty_answers_and_foreign_addresses_are_no_obstacle(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
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

async fn a_browser_that_crashes_says_so_and_the_next_one_works(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let port = serve(Router::new().route("/", get(|| async { Html("alive") }))).await;
    let lease = pool.lease(1).await.unwrap();
    let mut crashing = browser(&lease).await;
    match brand {
        Brand::Chrome => {}
        // It has no address that crashes it, which anybody may type.
        Brand::Firefox => kill_firefox(&pool.mark()),
    }
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

async fn cookies_of_scripts_and_servers_are_told_planted_and_taken_away(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let cookie = [(header::SET_COOKIE, "secret=1; HttpOnly; SameSite=Strict; Path=/deep")];
    let script = "<script>document.cookie = 'open=2'</script>";
    let pages = Router::new()
        .route("/deep/set", get(move || async move { (cookie, Html(script)) }))
        .route("/deep/show", any(|| async { Html("shown") }));
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    let app = Url::parse(&format!("http://localhost:{port}/deep/show")).unwrap();
    let set = |host: &str| format!("http://{host}:{port}/deep/set");
    browser.goto(&set("127.0.0.1")).await.unwrap();
    browser.goto(&set("localhost")).await.unwrap();
    let told = |held: Vec<HeldCookie>| {
        let mut told: Vec<_> = held
            .into_iter()
            .map(|held| format!("{}={} {}{}", held.name, held.value, held.domain, held.path))
            .collect();
        told.sort();
        told
    };
    let foreign = ["open=2 127.0.0.1/deep", "secret=1 127.0.0.1/deep"];
    let own = ["open=2 localhost/deep", "secret=1 localhost/deep"];
    let all = [foreign[0], own[0], foreign[1], own[1]];
    assert_eq!(told(browser.cookies().await.unwrap()), all);

    // What would go along with a typed address is what does: the strict one too, the longest path first, and none of the
    // other host's.
    browser.plant(&app, "short=3").await.unwrap();
    let asked = browser.cookies_for(app.as_str()).await.unwrap();
    browser.gate.arm(Rule::default());
    browser.goto(app.as_str()).await.unwrap();
    let sent = cookie_of(&browser.gate.seen()[0].request);
    let (deep, short) = sent.rsplit_once("; ").unwrap();
    let mut deep: Vec<_> = deep.split("; ").collect();
    deep.sort_unstable();
    assert_eq!((&deep[..], short), (&["open=2", "secret=1"][..], "short=3"));
    let asked = asked.map(|pairs| {
        let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs[..2].sort_unstable();
        pairs.join("; ")
    });
    let wanted = "open=2; secret=1; short=3".to_owned();
    assert_eq!(asked, (brand == Brand::Chrome).then_some(wanted));

    browser.clear_cookies(&app).await.unwrap();
    assert_eq!(told(browser.cookies().await.unwrap()), foreign);
    browser.plant(&app, "planted=a").await.unwrap();
    browser.plant(&app, "planted=b").await.unwrap();
    browser.gate.arm(Rule::default());
    browser.goto(app.as_str()).await.unwrap();
    assert_eq!(cookie_of(&browser.gate.seen()[0].request), "planted=b");
    browser.close().await;
}

async fn a_picture_and_what_scripts_complain_of_are_kept(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let page = "<p>here</p><script>console.log('chat'); console.error('no key'); missing()</script>";
    let port = serve(Router::new().route("/", get(move || async move { Html(page) }))).await;
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    browser.goto(&format!("http://localhost:{port}/")).await.unwrap();
    browser.settle().await.unwrap();
    let picture = browser.picture().await.unwrap();
    assert_eq!(&picture[..3], [0xff, 0xd8, 0xff], "a JPEG");
    let errors = browser.console_errors().await.unwrap();
    let says = |text: &str| errors.iter().any(|error| error.contains(text));
    assert!(says("no key") && says("missing is not defined"), "{errors:?}");
    assert!(!says("chat"), "{errors:?}");
    assert_eq!(browser.console_errors().await.unwrap(), Vec::<String>::new());
    browser.close().await;
}

async fn nobody_finds_what_the_person_before_him_left(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let page = "<p></p><script>
        document.querySelector('p').textContent = `${document.cookie}|${localStorage.who}`;
        document.cookie = 'who=ada'; localStorage.who = 'ada'</script>";
    let port = serve(Router::new().route("/", get(move || async move { Html(page) }))).await;
    let lease = pool.lease(2).await.unwrap();
    for _ in 0..2 {
        // Side by side, and one after the other in a browser that waited.
        let (mut one, mut other) = (browser(&lease).await, browser(&lease).await);
        for person in [&mut one, &mut other] {
            person.goto(&format!("http://localhost:{port}/")).await.unwrap();
            let document = person.settle().await.unwrap();
            assert!(document.html.contains("<p>|undefined</p>"), "{}", document.html);
        }
        one.close().await;
        other.close().await;
    }
}

async fn pages_over_tls_pass_the_gate_and_their_certificate_is_taken(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let lease = pool.lease(1).await.unwrap();
    let mut browser = browser(&lease).await;
    let origin = Url::parse("https://localhost:3443/").unwrap();
    browser.blank(&origin).await.unwrap();
    let document = browser.settle().await.unwrap();
    assert!(document.html.contains("<title>blank</title>"), "{}", document.html);
    assert!(document.url.starts_with(origin.as_str()), "{}", document.url);
    browser.close().await;
}

#[cfg(target_os = "linux")]
async fn nothing_is_left_running_when_the_pool_is_dropped(brand: Brand) {
    let Some(pool) = pool_of(brand, LIMIT).await else {
        return;
    };
    let lease = pool.lease(2).await.unwrap();
    let (one, two) = (browser(&lease).await, browser(&lease).await);
    let family = family(&pool.mark());
    assert!(
        family.len() > 4,
        "two browsers have more than {} processes",
        family.len()
    );
    // As when a walk panics: nothing is closed in order.
    drop((one, two, lease, pool));
    let began = Instant::now();
    loop {
        let left = family.iter().filter(|id| is_running(**id)).count();
        if left == 0 {
            return;
        }
        assert!(began.elapsed() < LIMIT, "{left} processes are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Running processes whose command line holds this text, and all that descend from them.
#[cfg(target_os = "linux")]
fn family(mark: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, Option<u32>)> = ids.map(|id| (id, parent_of(id))).collect();
    let is_marked = |id: u32| {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(mark)
    };
    let mut family: Vec<u32> = all.iter().map(|(id, _)| *id).filter(|id| is_marked(*id)).collect();
    loop {
        let is_child = |(id, parent): &&(u32, Option<u32>)| {
            !family.contains(id) && parent.is_some_and(|parent| family.contains(&parent))
        };
        let children: Vec<u32> = all.iter().filter(is_child).map(|(id, _)| *id).collect();
        if children.is_empty() {
            return family;
        }
        family.extend(children);
    }
}

/// The fourth field of `/proc/<id>/stat`, behind a name that may hold anything (proc_pid_stat(5)).
#[cfg(target_os = "linux")]
fn parent_of(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether it runs: one that has ended and that nobody has asked about yet does not.
#[cfg(target_os = "linux")]
fn is_running(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Ends the browsers whose command line holds this text, and not their drivers.
fn kill_firefox(mark: &str) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let is_driver = command.contains("geckodriver");
        if command.contains(mark) && !is_driver {
            let pid = entry.file_name();
            let _gone = std::process::Command::new("kill").arg("-KILL").arg(pid).status();
        }
    }
}
