//! What Chromium really does with `Secure`, `SameSite` and the name prefixes on `http://localhost` and
//! `http://127.0.0.1`, and that the HTTP driver's jar does the same.

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderMap, header},
    response::{AppendHeaders, Html},
    routing::{any, get},
};
use conformance::browser::{
    cookie_jar::{CookieJar, Situation},
    http::Client,
    webdriver::{Rule, Session},
};
use mock_idp::flow::record::Stamp;
use url::Url;

use crate::webdriver::{owners, pool, serve};

/// What a server sets, each under a name of its own.
const LINES: &[&str] = &[
    "plain=1; Path=/",
    "secure=1; Path=/; Secure",
    "httponly=1; Path=/; HttpOnly",
    "lax=1; Path=/; SameSite=Lax",
    "strict=1; Path=/; SameSite=Strict",
    "none=1; Path=/; SameSite=None",
    "none-secure=1; Path=/; SameSite=None; Secure",
    "odd=1; Path=/; SameSite=Sometimes",
    "__Host-good=1; Path=/; Secure",
    "__Host-plain=1; Path=/",
    "__Host-path=1; Path=/deep; Secure",
    "__Host-domain=1; Path=/; Secure; Domain=localhost",
    "__Secure-good=1; Path=/; Secure",
    "__Secure-plain=1; Path=/",
    "__host-lower=1; Path=/",
    "domain=1; Path=/; Domain=localhost",
    "other-domain=1; Path=/; Domain=example.test",
    "deep=1; Path=/deep",
    "session=1; Path=/; SameSite=Lax; Secure; HttpOnly",
    "gone=1; Path=/; Max-Age=0",
];

/// What is known, for people.
const WRITTEN_DOWN: &str = include_str!("../../src/browser/cookies.md");

/// How a request comes about.
const WAYS: &[&str] = &[
    "address bar",
    "cross-site link",
    "cross-site form",
    "cross-site image",
    "same-site link",
];

#[tokio::test]
async fn the_jar_keeps_and_sends_what_chromium_keeps_and_sends() {
    let Some(pool) = pool(Duration::from_secs(5)).await else {
        return;
    };
    let set: Vec<_> = LINES.iter().map(|line| (header::SET_COOKIE, *line)).collect();
    let set = AppendHeaders(set);
    let pages = Router::new()
        .route("/set", get(move || async move { (set.clone(), Html("set")) }))
        .route(
            "/seen",
            any(|headers: HeaderMap| async move { format!("{:?}", headers.get(header::COOKIE)) }),
        );
    let port = serve(pages).await;
    let lease = pool.lease(1).await.unwrap();
    let mut table = String::from("| host | request | cookies that Chromium sends |\n|---|---|---|\n");
    let mut differences = Vec::new();
    for (host, other) in [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost")] {
        let at = |host: &str, path: &str| Url::parse(&format!("http://{host}:{port}{path}")).unwrap();
        let mut browser = lease
            .browser(&Client::new(Duration::from_secs(5)), owners())
            .await
            .unwrap();
        browser.goto(at(host, "/set").as_str()).await.unwrap();
        let mut jar = CookieJar::default();
        for line in LINES {
            jar.take(&at(host, "/set"), line, Stamp::now());
        }
        for way in WAYS {
            let sent = ask(&mut browser, way, &at(host, "/seen"), &at(other, "/"), &at(host, "/")).await;
            let initiator = match *way {
                "address bar" => None,
                "same-site link" => Some(at(host, "/")),
                _ => Some(at(other, "/")),
            };
            let situation = Situation {
                initiator: initiator.as_ref(),
                method: if *way == "cross-site form" { "POST" } else { "GET" },
                top_level: *way != "cross-site image",
            };
            let pairs = jar.pairs(&at(host, "/seen"), situation, Stamp::now());
            let ours: Vec<String> = pairs
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let ours = ours.join("; ");
            table.push_str(&format!("| {host} | {way} | `{sent}` |\n"));
            if ours != sent {
                differences.push(format!("{host}, {way}:\n  chromium {sent}\n  jar      {ours}"));
            }
        }
        browser.close().await;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Where another browser or version differs, the table below goes into the document, and the jar follows.
    assert!(WRITTEN_DOWN.contains(&table), "measured:\n{table}");
    for line in LINES {
        assert!(WRITTEN_DOWN.contains(line), "`{line}` is not in the document");
    }
}

/// The `Cookie` field of a request that came about in this way.
async fn ask(browser: &mut Session, way: &str, target: &Url, other: &Url, own: &Url) -> String {
    if way != "address bar" {
        browser
            .blank(if way == "same-site link" { own } else { other })
            .await
            .unwrap();
    }
    browser.gate.arm(Rule::default());
    match way {
        "address bar" => browser.goto(target.as_str()).await.unwrap(),
        "cross-site form" => browser.send_form("post", target.as_str(), &[]).await.unwrap(),
        "cross-site image" => browser.load("img", target.as_str()).await.unwrap(),
        _ => browser.follow_link(target.as_str()).await.unwrap(),
    }
    browser.settle().await.unwrap();
    let seen = browser.gate.seen();
    let asked = seen
        .iter()
        .find(|seen| seen.request.target == "/seen")
        .expect("the request passes the gate");
    let field = asked.request.headers.iter().find(|(name, _)| name == "cookie");
    field.map_or(String::new(), |(_, value)| String::from_utf8_lossy(value).into_owned())
}
