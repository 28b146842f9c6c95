//! Where the time of a browser run goes: `cargo bench -p conformance --bench browser`.
//!
//! The median of each thing that a walk does in a browser, and the same cases by both drivers. Needs Chromium and its
//! driver (`conformance browser install`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and one that ran prints"
)]

mod right_app;

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, response::Html, routing::any};
use conformance::{
    browser::{
        http::Client,
        pool::{Pool, PoolOptions},
        webdriver::{Brand, Owner, Rule},
    },
    catalog,
    runner::{Driver, Options, run},
};
use url::Url;

const PAGE: &str = "<!doctype html><form method=post><input name=identifier><input name=password type=password>\
                    <button>Sign in</button></form>";
const ROUNDS: usize = 20;

/// What was measured, by name, in the order of the first time.
#[derive(Default)]
struct Times(Vec<(&'static str, Vec<Duration>)>);

impl Times {
    fn add(&mut self, name: &'static str, since: Instant) {
        let took = since.elapsed();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(took),
            None => self.0.push((name, vec![took])),
        }
    }

    fn print(&mut self) {
        for (name, all) in &mut self.0 {
            all.sort();
            println!("{name:<44} {:>8.1} ms", all[all.len() / 2].as_secs_f64() * 1000.0);
        }
    }
}

#[tokio::main]
async fn main() {
    let limit = Duration::from_secs(20);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let pages = Router::new().fallback(any(|| async { Html(PAGE) }));
    tokio::spawn(async move { axum::serve(listener, pages).await });

    let mut times = Times::default();
    let began = Instant::now();
    let options = PoolOptions {
        brand: Brand::Chrome,
        driver: None,
        headed: false,
        size: 8,
        limit,
    };
    let pool = Pool::open(&options).await.unwrap();
    times.add("driver and a first browser, once per run", began);
    let lease = pool.lease(1).await.unwrap();
    let owners = Arc::new(|url: &Url| match url.host_str() {
        Some("localhost") => Owner::App,
        _ => Owner::Other,
    });
    for round in 0..=ROUNDS {
        let began = Instant::now();
        let mut browser = lease.browser(&Client::new(limit), owners.clone()).await.unwrap();
        times.add(
            if round == 0 {
                "a further browser"
            } else {
                "a fresh profile"
            },
            began,
        );
        browser.gate.arm(Rule::default());
        let began = Instant::now();
        browser.goto(&url).await.unwrap();
        times.add("an address typed, until its page is loaded", began);
        let began = Instant::now();
        browser.settle().await.unwrap();
        times.add("until a page has come to rest", began);
        // As walks do before each act: the form's own navigation is waited for, not the one that brought the form.
        browser.gate.arm(Rule::default());
        let began = Instant::now();
        let values: [(&[&str], &str); 2] = [(&["identifier"], "ada@example.test"), (&["password"], "a password")];
        assert!(browser.fill_in(&values).await.unwrap());
        times.add("two fields filled in and sent", began);
        browser.settle().await.unwrap();
        let began = Instant::now();
        browser.picture().await.unwrap();
        times.add("a picture", began);
        let began = Instant::now();
        browser.console_errors().await.unwrap();
        times.add("the console's errors", began);
        let began = Instant::now();
        browser.close_others().await.unwrap();
        times.add("a look for other windows", began);
        let began = Instant::now();
        browser.close().await;
        times.add("a profile forgotten", began);
    }
    drop(lease);
    times.print();

    let cases: Vec<_> = catalog::all()
        .filter(|case| case.id.starts_with("id-token/aud-"))
        .collect();
    let variants: usize = cases.iter().map(|case| case.variants.len()).sum();
    println!("\n{} cases with {variants} variants, set-up included:", cases.len());
    let config = right_app::config();
    for (driver, browsers) in [
        (Driver::Http, None),
        (
            Driver::WebDriver {
                brand: Brand::Chrome,
                url: None,
            },
            Some(pool),
        ),
    ] {
        let name = driver.name();
        let options = Options {
            driver,
            browsers,
            launcher: Some(right_app::launcher()),
            timeout: limit,
            ..Options::new(cases.clone())
        };
        let result = run(&config, &options, &mut |_| {}).await;
        let worst = result
            .cases
            .iter()
            .map(|case| case.verdict.word())
            .find(|word| *word != "pass");
        println!(
            "{name:<44} {:>8.1} s  {}",
            result.duration_ms as f64 / 1000.0,
            worst.unwrap_or("all pass")
        );
    }
}
