//! How fast mock-idp signs people in, and what that costs, beside a stateless yardstick.
//!
//! `cargo run --release --workspace --example load [-- --sign-ins 4000] [--watched 100000]`
//!
//! `--watched` goes on with so many sign-ins while a dashboard is open and another reader takes every server-sent event: memory
//! has to stay where it is, and each sign-in has to be told. `--sign-ins 0` does that alone.
//!
//! Each server runs in a child process of its own, so that its CPU time is its alone: the clients are in the parent, whose
//! time is not counted. A sign-in is: authorization request,
//! hosted page with its form, token request, userinfo. The yardstick answers the same four requests by axum with bodies of the
//! same size, and signs two RS256 tokens of the same size with the same library; it remembers nothing and checks nothing: what no
//! server that signs two tokens can do without. The pages of memory that the records of the first thousands of sign-ins fill are
//! in the ratio.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    routing::{get, post},
};
use driver::{Browser, Process, Servers, http};
use mock_idp::protocol::{
    draft::{Signing, TokenDraft},
    keys::KeyRing,
};
use serde_json::{Map, Value, json};

mod driver;

// Both servers allocate as the command does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who signs in.
const ALICE: &str = "alice@example.test";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    match arguments.get(1).map(String::as_str) {
        Some("serve") => runtime().block_on(serve(None)),
        Some("unrecorded") => runtime().block_on(serve(Some(0))),
        Some("yardstick") => runtime().block_on(yardstick()),
        _ => runtime().block_on(measure(number("--sign-ins", 3_000), number("--watched", 0))),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

async fn measure(sign_ins: usize, watched: usize) {
    if sign_ins > 0 {
        compare(sign_ins).await;
    }
    if watched > 0 {
        endure(watched).await;
    }
}

/// Start, CPU beside the yardstick, and what recording costs.
async fn compare(sign_ins: usize) {
    let starts: Vec<Duration> = {
        let mut starts = Vec::new();
        for _ in 0..5 {
            starts.push(Server::start("serve").await.ready_after);
        }
        starts.sort();
        starts
    };
    println!(
        "start-up to first answer   {:.1} ms (median of 5 processes)",
        starts[2].as_secs_f64() * 1e3
    );
    println!(
        "{:>12}  {:>14} {:>14}  {:>14} {:>14}  {:>6}",
        "concurrency", "sign-ins/s", "CPU/sign-in", "yardstick/s", "CPU/round", "ratio"
    );
    for concurrency in [1, 8, 64] {
        let idp = Server::start("serve").await;
        idp.run(concurrency, 200).await;
        let ours = idp.run(concurrency, sign_ins).await;
        drop(idp);
        let stick = Server::start("yardstick").await;
        stick.run(concurrency, 200).await;
        let theirs = stick.run(concurrency, sign_ins).await;
        println!(
            "{concurrency:>12}  {:>14.0} {:>11.0} µs  {:>14.0} {:>11.0} µs  {:>6.2}",
            ours.per_second,
            ours.cpu_each.as_secs_f64() * 1e6,
            theirs.per_second,
            theirs.cpu_each.as_secs_f64() * 1e6,
            ours.cpu_each.as_secs_f64() / theirs.cpu_each.as_secs_f64()
        );
    }
    recording(sign_ins).await;
    let idp = Server::start("serve").await;
    println!("resident at start          {:.1} MiB", idp.resident_mib());
}

/// So many sign-ins with a dashboard open, in ten parts, and a reader of all events.
async fn endure(sign_ins: usize) {
    let idp = Server::start("serve").await;
    let seen = Arc::new(Seen::default());
    let readers = [
        tokio::spawn(dashboard(idp.origin.clone())),
        tokio::spawn(listen(idp.origin.clone(), seen.clone())),
    ];
    while seen.events.load(Ordering::Relaxed) == 0 {
        // Nothing is told before it listens.
        idp.run(1, 1).await;
    }
    // What these sign-ins are told by is not counted.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (first, begun) = (seen.tokens.load(Ordering::Relaxed), Instant::now());
    println!("sign-ins with a dashboard open, on {:.1} MiB", idp.resident_mib());
    let mut done = 0;
    for _ in 0..10 {
        let measured = idp.run(16, sign_ins / 10).await;
        done += sign_ins / 10;
        println!(
            "{done:>9} after {:>4.0} s      {:.1} MiB resident, {:.0} µs CPU each",
            begun.elapsed().as_secs_f64(),
            idp.resident_mib(),
            measured.cpu_each.as_secs_f64() * 1e6,
        );
    }
    let told = || usize::try_from(seen.tokens.load(Ordering::Relaxed) - first).unwrap();
    let waiting = Instant::now();
    while told() < done && waiting.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "told as events             {} of {done} sign-ins, {} events, {} missed",
        told(),
        seen.events.load(Ordering::Relaxed),
        seen.missed.load(Ordering::Relaxed)
    );
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

/// What a reader of the events has seen.
#[derive(Debug, Default)]
struct Seen {
    events: AtomicU64,
    /// Those that say that tokens were issued.
    tokens: AtomicU64,
    /// Those that the server says it could not wait with.
    missed: AtomicU64,
}

/// Reads every event as it comes.
async fn listen(origin: String, seen: Arc<Seen>) {
    let mut stream = http().get(format!("{origin}/_mock/events")).send().await.unwrap();
    let (mut unread, mut lags) = (Vec::new(), false);
    while let Ok(Some(chunk)) = stream.chunk().await {
        unread.extend_from_slice(&chunk);
        let whole = unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in unread[..whole].split(|byte| *byte == b'\n') {
            if let Some(name) = line.strip_prefix(b"event:") {
                seen.events.fetch_add(1, Ordering::Relaxed);
                lags = name.trim_ascii() == b"missed";
            }
            let Some(data) = line.strip_prefix(b"data:") else {
                continue;
            };
            // What happened stands near the beginning.
            let begin = String::from_utf8_lossy(&data[..data.len().min(200)]);
            if lags {
                seen.missed
                    .fetch_add(begin.trim().parse().unwrap_or(1), Ordering::Relaxed);
            } else if begin.contains("\"event\":\"tokens-issued\"") {
                seen.tokens.fetch_add(1, Ordering::Relaxed);
            }
        }
        unread.drain(..whole);
    }
}

/// What it costs to record, and to have a dashboard open beside that: the median of five turns of each.
async fn recording(sign_ins: usize) {
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (kind, costs) in ["unrecorded", "serve", "watched"].into_iter().zip(&mut costs) {
            let server = Server::start(if kind == "watched" { "serve" } else { kind }).await;
            let dashboard = (kind == "watched").then(|| tokio::spawn(dashboard(server.origin.clone())));
            server.run(8, 200).await;
            costs.push(server.run(8, sign_ins / 3).await.cpu_each.as_secs_f64() * 1e6);
            if let Some(dashboard) = dashboard {
                dashboard.abort();
            }
        }
    }
    let [without, with, watched] = costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    });
    println!("CPU/sign-in unrecorded     {without:.0} µs");
    println!(
        "            recorded       {with:.0} µs ({:+.1} %)",
        (with / without - 1.0) * 100.0
    );
    println!(
        "            and looked at  {watched:.0} µs ({:+.1} %)",
        (watched / without - 1.0) * 100.0
    );
}

/// Asks as the dashboard does: the stream of events, and once a second the flows that changed.
async fn dashboard(origin: String) {
    let http = http();
    let mut stream = http
        .get(format!("{origin}/_mock/events?brief=true"))
        .send()
        .await
        .unwrap();
    let mut newest = 0;
    let mut last = Instant::now();
    while let Ok(Some(_)) = stream.chunk().await {
        if last.elapsed() < Duration::from_secs(1) {
            continue;
        }
        last = Instant::now();
        let url = format!("{origin}/_mock/flows?limit=500&since={newest}");
        let flows: Value = http.get(url).send().await.unwrap().json().await.unwrap();
        let stamps = flows
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|flow| flow["last"].as_u64());
        newest = stamps.max().unwrap_or(newest);
    }
}

/// A child process that serves.
struct Server {
    process: Process,
    origin: String,
    /// Whether it is the yardstick.
    stick: bool,
    ready_after: Duration,
}

struct Measured {
    per_second: f64,
    cpu_each: Duration,
}

impl Server {
    async fn start(kind: &str) -> Self {
        let begun = Instant::now();
        let (process, origin) = Process::start(&[kind.to_owned()]);
        let first = format!("{origin}/oauth2/default/.well-known/openid-configuration");
        http().get(first).send().await.unwrap().bytes().await.unwrap();
        Self {
            process,
            origin,
            stick: kind == "yardstick",
            ready_after: begun.elapsed(),
        }
    }

    async fn run(&self, concurrency: usize, rounds: usize) -> Measured {
        let left = Arc::new(AtomicI64::new(i64::try_from(rounds).unwrap()));
        let servers = Servers::new(vec![self.origin.clone()]);
        let (cpu, begun) = (self.process.cpu(), Instant::now());
        let workers: Vec<_> = (0..concurrency)
            .map(|_| {
                let (left, origin, stick) = (left.clone(), self.origin.clone(), self.stick);
                let browser = Browser::new(servers.clone());
                tokio::spawn(async move {
                    let http = http();
                    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                        if stick {
                            round(&http, &origin).await;
                        } else {
                            let done = browser.sign_in(ALICE).await;
                            done.unwrap_or_else(|trouble| panic!("{trouble}"));
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let cpu = self.process.cpu() - cpu;
        Measured {
            per_second: rounds as f64 / begun.elapsed().as_secs_f64(),
            cpu_each: cpu / u32::try_from(rounds).unwrap(),
        }
    }

    fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// As many requests as a sign-in; the third signs twice.
async fn round(http: &reqwest::Client, origin: &str) {
    let page = format!("{origin}/page");
    http.get(&page).send().await.unwrap().bytes().await.unwrap();
    let form = [("stateToken", "a-handle"), ("identifier", "alice@example.test")];
    http.post(&page)
        .form(&form)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    http.post(format!("{origin}/token"))
        .body("grant_type=authorization_code")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    http.get(format!("{origin}/userinfo"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
}

async fn serve(record_bytes: Option<usize>) {
    let mut builder = driver::server();
    if let Some(bytes) = record_bytes {
        builder = builder.record_bytes(bytes);
    }
    let idp = builder.start().await.unwrap();
    println!("{}", idp.origin().as_str().trim_end_matches('/'));
    std::future::pending::<()>().await;
}

/// As long as the hosted page.
static PAGE: LazyLock<String> = LazyLock::new(|| format!("<!DOCTYPE html><title>Sign in</title>{:14300}", ""));

async fn yardstick() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let keys = Arc::new(KeyRing::of("default", 0));
    let draft = Arc::new(draft());
    let app = Router::new()
        .route(
            "/page",
            get(|| async { axum::response::Html(PAGE.as_str()) })
                .post(|_body: String| async { axum::response::Redirect::to("/") }),
        )
        .route(
            "/token",
            post(move |_body: String| async move {
                let id_token = keys.sign(&draft).unwrap();
                let access_token = keys.sign(&draft).unwrap();
                axum::Json(json!({"id_token": id_token, "access_token": access_token}))
            }),
        )
        .route("/userinfo", get(|| async { axum::Json(json!({"sub": "somebody"})) }));
    axum::serve(listener, app).await.unwrap();
}

/// A token as large as ours are.
fn draft() -> TokenDraft {
    let members = |value: Value| value.as_object().cloned().unwrap_or_else(Map::new);
    TokenDraft {
        header: members(json!({"kid": "0123456789012345678901234567890123456789012", "alg": "RS256"})),
        claims: members(json!({
            "sub": "00u0123456789abcdefgh", "name": "Alice Example", "email": "alice@example.test", "ver": 1,
            "iss": "http://127.0.0.1:9494/oauth2/default", "aud": "web", "iat": 1_760_000_000, "exp": 1_760_003_600,
            "jti": "ID.0123456789012345678901234567890123456789012", "amr": ["pwd"], "idp": "00o0123456789abcdefg",
            "nonce": "a-nonce-of-some-length-0123456789", "preferred_username": "alice@example.test",
            "auth_time": 1_760_000_000, "at_hash": "0123456789012345678901",
        })),
        signing: Signing::Current,
        mangle: Vec::new(),
        raw_payload: None,
        raw_header: None,
    }
}
