//! Several processes that share a store: what one of them knows all know, what is good once is good once among all of them,
//! and one that is killed takes nothing with it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mock_idp::{
    Client, Event, MockIdp, Scenario, User,
    flow::{
        Arming,
        record::{Endpoint, Stamp},
        scenario::{Barrier, Point},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
};

use crate::{
    app::{self, ALICE, Browser, REDIRECT_URI, SECRET, VERIFIER, param, part},
    redis::{self, Redis},
};

/// Two servers that share a store. Both are known by the address of the first.
struct Two {
    one: MockIdp,
    other: MockIdp,
    redis: Redis,
}

async fn replica(url: &str, issuer: Option<&str>) -> MockIdp {
    let mut client = Client::web("web").secret(SECRET).redirect(REDIRECT_URI);
    (client.rotation, client.leeway) = (mock_idp::tenant::Rotation::Rotate, 10);
    let mut builder = MockIdp::builder().user(ALICE).client(client).store(url);
    if let Some(issuer) = issuer {
        builder = builder.issuer(issuer);
    }
    builder.start().await.unwrap()
}

impl Two {
    async fn start() -> Option<Self> {
        let redis = Redis::start()?;
        // One name for both, as a proxy before them would have.
        let issuer = Some("http://127.0.0.1:9");
        let one = replica(&redis.url(), issuer).await;
        let other = replica(&redis.url(), issuer).await;
        Some(Self { one, other, redis })
    }
}

/// Where a server really is.
fn at(idp: &MockIdp) -> String {
    format!("http://127.0.0.1:{}/oauth2/default", idp.port())
}

/// Status and body of a call of the control API.
async fn control(idp: &MockIdp, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = app::http(None)
        .request(method, format!("http://127.0.0.1:{}/_mock/{path}", idp.port()))
        .json(&body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const OFFLINE: &[(&str, Option<&str>)] = &[("scope", Some("openid email offline_access"))];

async fn code_from(idp: &MockIdp, login: &str, changes: &[(&str, Option<&str>)]) -> String {
    let mut browser = Browser::new();
    let back = app::authorize(&mut browser, &app::authorization_url(&at(idp), changes), login).await;
    param(&back, "code").expect("a code")
}

async fn refresh(idp: &MockIdp, token: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "web"),
        ("client_secret", SECRET),
    ];
    let answer = Browser::new().post(app::endpoint(&at(idp), "token"), &form).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_code_that_is_redeemed_at_both_at_once_is_good_once() {
    let Some(two) = Two::start().await else { return };
    for _ in 0..20 {
        let code = code_from(&two.one, ALICE, &[]).await;
        let (here, there) = (at(&two.one), at(&two.other));
        let (first, second) = tokio::join!(app::redeem(&here, &code, &[]), app::redeem(&there, &code, &[]));
        let mut statuses = [first.status().as_u16(), second.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

#[tokio::test]
async fn a_sign_in_goes_on_at_the_other_one_and_its_tokens_are_good_at_both() {
    let Some(two) = Two::start().await else { return };
    let mut browser = Browser::new();
    let url = app::authorization_url(&at(&two.one), &[]);
    let page = browser.get(&url).await.text().await.unwrap();
    let fields = [("identifier", ALICE), ("credentials.passcode", "any")];
    let there = app::authorization_url(&at(&two.other), &[]);
    let back = app::location(&browser.submit(&there, &page, &fields).await);
    let tokens: Value = app::redeem(&at(&two.one), &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["preferred_username"],
        ALICE
    );
    let info = app::userinfo(&at(&two.other), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 200);
    // Whoever is signed in at one is signed in at the other, until he signs out at either.
    assert_eq!(browser.get(&url).await.status(), 302);
    assert_eq!(browser.get(&there).await.status(), 302);
    let out = format!(
        "{}/v1/logout?id_token_hint={}",
        at(&two.one),
        tokens["id_token"].as_str().unwrap()
    );
    let cookies = browser.cookies.clone();
    assert_eq!(browser.get(&out).await.status(), 302);
    browser.cookies = cookies;
    assert_eq!(browser.get(&there).await.status(), 200, "the page is shown");
    assert_eq!(browser.get(&url).await.status(), 200, "the page is shown");
}

#[tokio::test]
async fn keys_are_the_same_everywhere_also_after_a_rotation() {
    let Some(two) = Two::start().await else { return };
    let keys = async |idp: &MockIdp| -> Value {
        let answer = Browser::new().get(app::endpoint(&at(idp), "keys")).await;
        answer.json().await.unwrap()
    };
    let before = keys(&two.one).await;
    assert_eq!(before, keys(&two.other).await);
    assert_eq!(
        control(&two.one, Method::POST, "keys/rotate", json!({"overlap": true}))
            .await
            .0,
        200
    );
    let after = keys(&two.other).await;
    assert_ne!(after, before);
    assert_eq!(after["keys"].as_array().unwrap().len(), 2);
    assert_eq!(after, keys(&two.one).await);
}

#[tokio::test]
async fn a_refresh_token_rotates_with_its_grace_and_its_family_ends_everywhere() {
    let Some(two) = Two::start().await else { return };
    let code = code_from(&two.one, ALICE, OFFLINE).await;
    let first: Value = app::redeem(&at(&two.one), &code, &[]).await.json().await.unwrap();
    let old = first["refresh_token"].as_str().unwrap();
    let (status, second) = refresh(&two.other, old).await;
    assert_eq!(status, 200, "{second}");
    let new = second["refresh_token"].as_str().unwrap();
    assert_ne!(old, new);
    assert_eq!(refresh(&two.one, old).await.0, 200, "within the grace");
    assert_eq!(
        control(&two.other, Method::PUT, "clock", json!({"offset": 60})).await.0,
        200
    );
    let (status, refused) = refresh(&two.one, old).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&two.other, new).await.0, 400, "the family has ended");
    let info = app::userinfo(&at(&two.other), second["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 401);
}

#[tokio::test]
async fn faults_follow_their_flow_to_either() {
    let Some(two) = Two::start().await else { return };
    let algorithm = async |idp: &MockIdp, code: &str| -> Value {
        let tokens: Value = app::redeem(&at(idp), code, &[]).await.json().await.unwrap();
        part(tokens["id_token"].as_str().unwrap(), 0)["alg"].clone()
    };
    let magic = code_from(&two.one, "id-token.alg-none@fault.test", &[]).await;
    assert_eq!(algorithm(&two.other, &magic).await, "none");
    let body = json!({"id": "id-token.alg-none", "times": 1, "when": {"user": ALICE}});
    let (status, armed) = control(&two.one, Method::POST, "faults", body).await;
    assert_eq!(status, 201, "{armed}");
    let (first, second) = (
        code_from(&two.other, ALICE, &[]).await,
        code_from(&two.one, ALICE, &[]).await,
    );
    assert_eq!(algorithm(&two.one, &second).await, "RS256", "it was for one flow");
    assert_eq!(algorithm(&two.one, &first).await, "none");
    let (_, seen) = control(
        &two.other,
        Method::GET,
        &format!("faults/{}", armed["number"]),
        json!({}),
    )
    .await;
    assert_eq!(
        (&seen["given"], &seen["fired"], &seen["waiting"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert_eq!(control(&two.one, Method::POST, "verify", json!({})).await.0, 200);
}

#[tokio::test]
async fn people_applications_and_records_are_known_to_both() {
    let Some(two) = Two::start().await else { return };
    let (status, _) = control(
        &two.one,
        Method::PUT,
        "users/carol@example.test",
        json!({"password": "right"}),
    )
    .await;
    assert_eq!(status, 201);
    let body = json!({"redirect_uris": ["http://localhost:5000/callback"], "secret": SECRET});
    assert_eq!(control(&two.other, Method::PUT, "clients/second", body).await.0, 201);
    let changes = [
        ("client_id", Some("second")),
        ("redirect_uri", Some("http://localhost:5000/callback")),
    ];
    let mut browser = Browser::new();
    let url = app::authorization_url(&at(&two.one), &changes);
    let page = browser.get(&url).await.text().await.unwrap();
    let fields = [("identifier", "carol@example.test"), ("credentials.passcode", "right")];
    let back = app::location(&browser.submit(&url, &page, &fields).await);
    assert!(param(&back, "code").is_some(), "{back}");
    let flows = async |idp: &MockIdp| {
        control(idp, Method::GET, "flows?user=carol@example.test", json!({}))
            .await
            .1
    };
    let (here, there) = (flows(&two.one).await, flows(&two.other).await);
    assert_eq!(here.as_array().unwrap().len(), 1, "{here}");
    assert_eq!(here, there);
    assert_eq!(here[0]["status"], "code-issued");
    // A fresh process takes over what is there, and a reset clears it for all.
    let third = replica(&two.redis.url(), Some("http://127.0.0.1:9")).await;
    assert_eq!(
        control(&third, Method::GET, "users/carol@example.test", json!({}))
            .await
            .0,
        200
    );
    assert_eq!(flows(&third).await, here);
    assert_eq!(control(&third, Method::POST, "reset", json!({})).await.0, 200);
    assert_eq!(
        control(&two.one, Method::GET, "users/carol@example.test", json!({}))
            .await
            .0,
        404
    );
    assert_eq!(
        control(&two.other, Method::GET, "clients/second", json!({})).await.0,
        404
    );
    assert_eq!(flows(&two.other).await, json!([]));
    assert_eq!(
        browser.get(&url).await.status(),
        400,
        "its session and its client are gone"
    );
}

#[tokio::test]
async fn a_changed_configuration_counts_and_what_the_api_made_stays() {
    let Some(redis) = Redis::start() else { return };
    let start = async |name: &str, uri: &str| {
        let user = User::named(ALICE, name, "Example");
        let client = Client::web("web").secret(SECRET).redirect(uri);
        let builder = MockIdp::builder().user(user).client(client).store(&redis.url());
        builder.issuer("http://127.0.0.1:9").start().await.unwrap()
    };
    let before = start("Alice", REDIRECT_URI).await;
    assert_eq!(
        control(&before, Method::PUT, "users/carol@example.test", json!({}))
            .await
            .0,
        201
    );
    let after = start("Alicia", "http://localhost:5000/callback").await;
    for idp in [&after, &before] {
        let (_, alice) = control(idp, Method::GET, &format!("users/{ALICE}"), json!({})).await;
        assert_eq!(alice["given_name"], "Alicia");
        let (_, client) = control(idp, Method::GET, "clients/web", json!({})).await;
        assert_eq!(client["redirect_uris"], json!(["http://localhost:5000/callback"]));
        assert_eq!(
            control(idp, Method::GET, "users/carol@example.test", json!({})).await.0,
            200
        );
    }
}

/// Takes part in what others serve from this store.
async fn guest(redis: &Redis) -> Result<MockIdp, mock_idp::StartError> {
    let builder = MockIdp::builder().store(&redis.url()).issuer("http://127.0.0.1:9");
    builder.joins(true).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_part_begins_and_holds_flows_and_reads_what_the_others_recorded() {
    let Some(two) = Two::start().await else { return };
    let refused = guest(&two.redis).await.expect_err("nobody has served yet");
    assert!(refused.to_string().contains("has served from this store"), "{refused}");
    app::sign_in(&at(&two.one), ALICE, &[]).await;
    let guest = guest(&two.redis).await.unwrap();
    assert!(guest.unbound(Stamp(0)).is_empty(), "that was before");
    assert_eq!(guest.client().map(|client| client.id).as_deref(), Some("web"));
    let mut news = guest.follow();
    let barrier = Barrier::new(Point::TokenResponse);
    let flow = guest.begin(Scenario {
        barrier: Some(barrier.clone()),
        ..Scenario::fault("userinfo.redirect.302".parse().unwrap())
    });
    let mut browser = Browser::new();
    let enter = format!("http://127.0.0.1:{}{}", two.one.port(), flow.enter.path());
    assert_eq!(browser.get(enter).await.status(), 204);
    let back = app::authorize(&mut browser, &app::authorization_url(&at(&two.other), &[]), ALICE).await;
    let (there, code) = (at(&two.one), param(&back, "code").unwrap());
    let redeemed = tokio::spawn(async move { app::redeem(&there, &code, &[]).await });
    while !matches!(news.recv().await.unwrap().event, Event::Held { .. }) {}
    let events = |wanted: fn(&Event) -> bool| {
        let records = guest.records(flow.id);
        records.iter().filter(|record| wanted(&record.event)).count()
    };
    let is_answer = |event: &Event| {
        matches!(
            event,
            Event::Answered {
                endpoint: Endpoint::Token,
                ..
            }
        )
    };
    assert_eq!(events(is_answer), 0, "it is held");
    barrier.release();
    let tokens: Value = redeemed.await.unwrap().json().await.unwrap();
    assert_eq!(events(is_answer), 1);
    assert_eq!(events(|event| matches!(event, Event::Released { .. })), 1);
    // The attacker's origin is the one that the watcher knows, whoever answers.
    let info = app::userinfo(&at(&two.other), tokens["access_token"].as_str().unwrap()).await;
    let elsewhere = app::location(&info);
    let port = guest.second_origin().port();
    assert_eq!((elsewhere.host_str(), elsewhere.port()), (Some("localhost"), port));
    Browser::new().get(elsewhere).await;
    assert_eq!(
        events(|event| matches!(
            event,
            Event::Received {
                endpoint: Endpoint::SecondOrigin,
                ..
            }
        )),
        1
    );
    // What it adds is served by the others, until it removes that.
    let server = guest.add_server();
    guest.misbehave(&server, &["metadata.cross-origin-redirect".parse().unwrap()]);
    let metadata = format!(
        "http://127.0.0.1:{}/oauth2/{server}/.well-known/openid-configuration",
        two.one.port()
    );
    let answer = Browser::new().get(&metadata).await;
    assert_eq!(app::location(&answer).origin(), guest.second_origin().origin());
    guest.remove_server(&server);
    assert_eq!(Browser::new().get(&metadata).await.status(), 404);
}

#[tokio::test]
async fn a_fault_of_the_configuration_is_in_force_once_also_where_redis_was_away() {
    for was_away in [false, true] {
        is_in_force_once(was_away).await;
    }
}

async fn is_in_force_once(was_away: bool) {
    let Some(mut redis) = Redis::start() else { return };
    let fault = "metadata.cross-origin-redirect".parse().unwrap();
    let builder = MockIdp::builder().store(&redis.url()).arm(Arming::new(fault));
    let idp = builder.start().await.unwrap();
    let metadata = format!("{}/.well-known/openid-configuration", at(&idp));
    if was_away {
        let port = redis.stop();
        for _ in 0..3 {
            assert_eq!(Browser::new().get(&metadata).await.status(), 503);
        }
        redis = Redis::at(port).expect("there was one before");
    }
    let begun = Instant::now();
    while Browser::new().get(&metadata).await.status() != 302 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let records = idp.unbound(Stamp(0));
    let sent = records
        .iter()
        .filter(|record| matches!(record.event, Event::Sent { .. }));
    assert_eq!(sent.count(), 1, "away before: {was_away}");
    drop(redis);
}

#[tokio::test]
async fn without_redis_every_request_is_answered_with_503_until_it_is_back() {
    let Some(redis) = Redis::start() else { return };
    let idp = replica(&redis.url(), None).await;
    let tokens = app::sign_in(&at(&idp), ALICE, &[]).await;
    let port = redis.stop();
    let url = app::authorization_url(&at(&idp), &[]);
    let answer = Browser::new().get(&url).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let body: Value = answer.json().await.unwrap();
    app::is_api_error(&body, "E0000010", "Service is in read only mode");
    let cause = body["errorCauses"][0]["errorSummary"].as_str().unwrap();
    assert!(cause.contains(&format!("redis://127.0.0.1:{port}/0")), "{cause}");
    assert_eq!(control(&idp, Method::GET, "users", json!({})).await.0, 503);
    let (status, health) = control(&idp, Method::GET, "health", json!({})).await;
    assert_eq!((status, &health["status"]), (200, &json!("ready")), "it lives");
    let redis = Redis::at(port).expect("there was one before");
    let begun = Instant::now();
    while Browser::new().get(&url).await.status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // This Redis has forgotten everything: the org is there again, tokens are not.
    app::sign_in(&at(&idp), ALICE, &[]).await;
    let info = app::userinfo(&at(&idp), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 401);
    drop(redis);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_paused_leaves_no_503_behind() {
    let Some(redis) = Redis::start() else { return };
    let idp = replica(&redis.url(), None).await;
    let url = app::authorization_url(&at(&idp), &[]);
    // Several connections are idle when it is paused.
    let ask = async || Browser::new().get(&url).await.status().as_u16();
    assert_eq!(tokio::join!(ask(), ask(), ask(), ask()), (200, 200, 200, 200));
    redis.signal("-STOP");
    assert_eq!(tokio::join!(ask(), ask()), (503, 503));
    redis.signal("-CONT");
    let begun = Instant::now();
    while ask().await != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..10 {
        assert_eq!(tokio::join!(ask(), ask(), ask(), ask()), (200, 200, 200, 200));
    }
    app::sign_in(&at(&idp), ALICE, &[]).await;
}

/// A way to Redis on which questions can be held.
struct Way {
    port: u16,
    /// Whether the next question is held.
    is_held: Arc<AtomicBool>,
    /// A question has come that is held.
    came: Arc<Notify>,
    /// It may go on.
    goes_on: Arc<Notify>,
}

impl Way {
    async fn to(redis: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Self {
            port: listener.local_addr().unwrap().port(),
            is_held: Arc::default(),
            came: Arc::default(),
            goes_on: Arc::default(),
        };
        let (is_held, came, goes_on) = (way.is_held.clone(), way.came.clone(), way.goes_on.clone());
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let (is_held, came, goes_on) = (is_held.clone(), came.clone(), goes_on.clone());
                let (mut questions, mut answers) = from.into_split();
                let to = tokio::net::TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                let (mut back, mut there) = to.into_split();
                // Both end when either side has gone.
                tokio::spawn(async move { tokio::io::copy(&mut back, &mut answers).await });
                tokio::spawn(async move {
                    let mut bytes = vec![0; 64 * 1024];
                    while let Ok(count) = questions.read(&mut bytes).await
                        && count > 0
                    {
                        if is_held.swap(false, Ordering::SeqCst) {
                            came.notify_one();
                            goes_on.notified().await;
                        }
                        if there.write_all(&bytes[..count]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        way
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_paused_while_it_waited_for_redis_answers() {
    let Some(redis) = Redis::start() else { return };
    let way = Way::to(redis.port()).await;
    let port = free_port();
    let store = format!("redis://127.0.0.1:{}/0", way.port);
    let process = Process::start(port, vec!["--store".to_owned(), store]);
    // One is answered without waiting for Redis on a thread, the other by a thread that waits.
    for path in ["oauth2/default/v1/keys", "_mock/keys"].repeat(3) {
        let url = format!("http://127.0.0.1:{port}/{path}");
        way.is_held.store(true, Ordering::SeqCst);
        let asked = tokio::spawn(app::http(None).get(&url).send());
        way.came.notified().await;
        // What goes on after a pause finds its reading interrupted.
        process.signal("-STOP");
        process.signal("-CONT");
        way.goes_on.notify_one();
        assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    }
}

/// A process that is killed, paused and started again.
struct Process {
    child: Child,
    port: u16,
    arguments: Vec<String>,
}

impl Process {
    fn start(port: u16, arguments: Vec<String>) -> Self {
        let child = spawn(port, &arguments);
        Self { child, port, arguments }
    }

    fn signal(&self, name: &str) {
        redis::signal(&self.child, name);
    }

    fn start_again(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(self.port, &self.arguments);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the command, and waits until it serves.
fn spawn(port: u16, arguments: &[String]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mock-idp"))
        .args(["--quiet", "--port", &port.to_string()])
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("mock-idp ready"), "{line}");
    child
}

/// Gives each connection to the next server that takes it. Its port.
async fn round_robin(servers: Vec<u16>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut turn = 0;
        while let Ok((mut from, _)) = listener.accept().await {
            turn += 1;
            let mut servers = servers.clone();
            servers.rotate_left(turn % 2);
            tokio::spawn(async move {
                for server in servers {
                    if let Ok(mut to) = tokio::net::TcpStream::connect(("127.0.0.1", server)).await {
                        // A connection that breaks off is what the test is about.
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                        return;
                    }
                }
            });
        }
    });
    port
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What came of a sign-in through the proxy.
#[derive(Debug)]
enum Outcome {
    Good,
    /// A connection broke off in the middle of a request.
    Cut,
}

const FAULTY: &str = "id-token.alg-none@fault.test";

/// Signs in, each request by a connection of its own; redeems the code twice at once; asks whether the session is kept.
async fn sign_in_through(http: &reqwest::Client, origin: &str, login: &str) -> Outcome {
    match attempt(http, origin, login).await {
        Ok(()) => Outcome::Good,
        Err(error) => {
            assert!(!error.is_builder(), "{error}");
            Outcome::Cut
        }
    }
}

async fn attempt(http: &reqwest::Client, origin: &str, login: &str) -> reqwest::Result<()> {
    let issuer = format!("{origin}/oauth2/default");
    let url = app::authorization_url(&issuer, &[]);
    let answer = http.get(url.clone()).send().await?;
    assert_eq!(answer.status(), 200);
    let (_, mut fields) = app::form(&answer.text().await?);
    fields.retain(|(name, _)| name != "identifier" && name != "credentials.passcode");
    fields.push(("identifier".to_owned(), login.to_owned()));
    fields.push(("credentials.passcode".to_owned(), "any".to_owned()));
    let back = http.post(url.clone()).form(&fields).send().await?;
    assert_eq!(back.status(), 302);
    let cookies: Vec<String> = back
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    let code = param(&app::location(&back), "code").expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", SECRET),
    ];
    let redeem = || http.post(app::endpoint(&issuer, "token")).form(&form).send();
    let (first, second) = tokio::join!(redeem(), redeem());
    let mut cut = None;
    let mut redeemed = 0;
    for answer in [first, second] {
        match answer {
            Ok(answer) if answer.status() == 200 => {
                redeemed += 1;
                let tokens: Value = answer.json().await?;
                let id_token = tokens["id_token"].as_str().unwrap();
                let algorithm = if login == FAULTY { "none" } else { "RS256" };
                assert_eq!(part(id_token, 0)["alg"], algorithm, "a fault is at another's flow");
                assert_eq!(part(id_token, 1)["preferred_username"], login);
            }
            Ok(answer) => assert_eq!(answer.status(), 400),
            Err(error) => cut = Some(error),
        }
    }
    assert!(redeemed <= 1, "a code was good twice");
    if let Some(error) = cut {
        return Err(error);
    }
    assert_eq!(redeemed, 1, "a code was lost");
    let again = http.get(url).header("cookie", cookies.join("; ")).send().await?;
    assert_eq!(again.status(), 302, "a session was lost");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_processes_are_killed_and_paused_nothing_is_lost_or_good_twice() {
    const WORKERS: usize = 4;
    let Some(redis) = Redis::start() else { return };
    let ports = [free_port(), free_port()];
    let origin = format!("http://127.0.0.1:{}", round_robin(ports.to_vec()).await);
    let mut arguments = vec![
        "--store".to_owned(),
        redis.url(),
        "--issuer".to_owned(),
        origin.clone(),
        "--client".to_owned(),
        format!("web:{SECRET}={REDIRECT_URI}"),
    ];
    for worker in 0..WORKERS {
        arguments.extend(["--user".to_owned(), format!("user-{worker}@example.test")]);
    }
    let mut processes = ports.map(|port| Process::start(port, arguments.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let (good, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let turn = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (stop, good, cut, turn, origin) =
                (stop.clone(), good.clone(), cut.clone(), turn.clone(), origin.clone());
            tokio::spawn(async move {
                let http = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .tls_certs_only([])
                    .pool_max_idle_per_host(0)
                    .no_proxy()
                    .build()
                    .unwrap();
                let own = format!("user-{worker}@example.test");
                while !stop.load(Ordering::Relaxed) {
                    let is_faulty = turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(4);
                    let login = if is_faulty { FAULTY } else { &own };
                    match sign_in_through(&http, &origin, login).await {
                        Outcome::Good => good.fetch_add(1, Ordering::Relaxed),
                        Outcome::Cut => cut.fetch_add(1, Ordering::Relaxed),
                    };
                }
            })
        })
        .collect();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..8 {
        // The pace of the trouble, not a synchronisation.
        tokio::time::sleep(Duration::from_millis(random.random_range(200..700))).await;
        let process = &mut processes[usize::from(random.random_bool(0.5))];
        if random.random_bool(0.5) {
            process.start_again();
        } else {
            process.signal("-STOP");
            tokio::time::sleep(Duration::from_millis(300)).await;
            process.signal("-CONT");
        }
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let (good, cut) = (good.load(Ordering::Relaxed), cut.load(Ordering::Relaxed));
    eprintln!("{good} sign-ins were good, {cut} were cut in the middle of a request");
    assert!(good > 20, "{good} good, {cut} cut");
}
