//! How fast processes that share a store sign people in, and what that costs, beside one process that remembers by itself.
//!
//! `cargo run --release -p mock-idp --example replicas [-- --sign-ins 4000] [--concurrency 16] [--store redis://…]`
//! `… -- --sign-ins 100000 --replicas 2 --kill-every 10`
//!
//! Each server is a child process, so that its CPU time is its alone; so is Redis, which is started here (`redis-server`) unless
//! one is named. A sign-in is: authorization request, hosted page with its form, token request, userinfo; each request goes to
//! the next server, whoever answered before. With `--kill-every` one process after the other is killed and started again: a
//! request that it did not take goes to another one, as a proxy does it; one that it was answering is cut off, and its sign-in
//! is counted as cut and begun again. Whoever is signed in must be who asked for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mock_idp::{Client, MockIdp};
use serde_json::Value;

// The servers allocate as the command does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REDIRECT_URI: &str = "http://localhost:3000/callback";
const SECRET: &str = "a-secret-that-is-long-enough-for-all";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PEOPLE: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: usize| text(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if arguments.get(1).is_some_and(|argument| argument == "serve") {
        let port = u16::try_from(number("--port", 0)).unwrap();
        runtime.block_on(serve(port, text("--store"), &text("--issuer").unwrap()));
        return;
    }
    let load = Load {
        sign_ins: number("--sign-ins", 4_000),
        concurrency: number("--concurrency", 16),
        kill_every: text("--kill-every").map(|text| Duration::from_secs_f64(text.parse().unwrap())),
    };
    let redis = text("--store").is_none().then(Redis::start);
    let store = text("--store").unwrap_or_else(|| redis.as_ref().unwrap().url());
    println!(
        "{:>20}  {:>10}  {:>12}  {:>12}  {:>8} {:>8} {:>8}",
        "", "sign-ins/s", "CPU/sign-in", "and Redis", "p50", "p95", "p99"
    );
    if load.kill_every.is_none() {
        runtime.block_on(load.run("memory", 1, None, None));
    }
    let most = number("--replicas", 2);
    let turns = if load.kill_every.is_some() {
        vec![most]
    } else {
        (1..=most).collect()
    };
    for replicas in turns {
        let name = format!("Redis, {replicas} process{}", if replicas == 1 { "" } else { "es" });
        runtime.block_on(load.run(&name, replicas, Some(&store), redis.as_ref()));
    }
}

struct Load {
    sign_ins: usize,
    concurrency: usize,
    kill_every: Option<Duration>,
}

/// What the workers counted.
#[derive(Default)]
struct Counts {
    cut: AtomicU64,
    wrong: AtomicU64,
    killed: AtomicU64,
    times: Mutex<Vec<Duration>>,
}

impl Load {
    async fn run(&self, name: &str, replicas: usize, store: Option<&str>, redis: Option<&Redis>) {
        let servers: Vec<Arc<Mutex<Server>>> = (0..replicas)
            .map(|_| Arc::new(Mutex::new(Server::start(free_port(), store))))
            .collect();
        let origins: Arc<Vec<String>> =
            Arc::new(servers.iter().map(|server| server.lock().unwrap().origin()).collect());
        self.work(&origins, 200, &Arc::default()).await;
        let counts = Arc::<Counts>::default();
        let cpu = || -> Duration { servers.iter().map(|server| server.lock().unwrap().cpu()).sum() };
        let (ours, theirs, begun) = (cpu(), redis.map(Redis::cpu), Instant::now());
        let killer = self
            .kill_every
            .map(|pace| tokio::spawn(kill(servers.clone(), pace, counts.clone())));
        self.work(&origins, self.sign_ins, &counts).await;
        if let Some(killer) = killer {
            killer.abort();
        }
        let seconds = begun.elapsed().as_secs_f64();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / self.sign_ins as f64;
        let mut times = std::mem::take(&mut *counts.times.lock().unwrap());
        times.sort_unstable();
        let percentile = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        let redis = redis.zip(theirs).filter(|_| store.is_some());
        let redis = redis.map(|(redis, before)| format!("{:.0} µs", each(redis.cpu() - before)));
        println!(
            "{name:>20}  {:>10.0}  {:>9.0} µs  {:>12}  {:>5.1} ms {:>5.1} ms {:>5.1} ms",
            self.sign_ins as f64 / seconds,
            each(cpu() - ours),
            redis.unwrap_or_default(),
            percentile(50),
            percentile(95),
            percentile(99),
        );
        let wrong = counts.wrong.load(Ordering::Relaxed);
        if self.kill_every.is_some() {
            println!(
                "{} sign-ins in {seconds:.0} s, {} processes killed: {wrong} wrong, {} cut in the middle of a request and begun \
                 again",
                self.sign_ins,
                counts.killed.load(Ordering::Relaxed),
                counts.cut.load(Ordering::Relaxed),
            );
        }
        assert_eq!(wrong, 0, "sign-ins were wrong or lost");
    }

    async fn work(&self, origins: &Arc<Vec<String>>, sign_ins: usize, counts: &Arc<Counts>) {
        let left = Arc::new(AtomicI64::new(i64::try_from(sign_ins).unwrap()));
        let turn = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..self.concurrency)
            .map(|_| {
                let (left, turn, origins, counts) = (left.clone(), turn.clone(), origins.clone(), counts.clone());
                tokio::spawn(async move {
                    let mut browser = Browser::new(origins, turn);
                    loop {
                        let number = left.fetch_sub(1, Ordering::Relaxed);
                        if number <= 0 {
                            return;
                        }
                        let login = format!("person-{}@example.test", usize::try_from(number).unwrap() % PEOPLE);
                        let begun = Instant::now();
                        while let Err(trouble) = browser.sign_in(&login).await {
                            match trouble {
                                Trouble::Cut => counts.cut.fetch_add(1, Ordering::Relaxed),
                                Trouble::Wrong(what) => {
                                    println!("{login}: {what}");
                                    counts.wrong.fetch_add(1, Ordering::Relaxed)
                                }
                            };
                        }
                        counts.times.lock().unwrap().push(begun.elapsed());
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    }
}

/// Kills one process after the other, and starts it again.
async fn kill(servers: Vec<Arc<Mutex<Server>>>, pace: Duration, counts: Arc<Counts>) {
    for server in servers.iter().cycle() {
        tokio::time::sleep(pace).await;
        let server = server.clone();
        tokio::task::spawn_blocking(move || server.lock().unwrap().start_again())
            .await
            .unwrap();
        counts.killed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a sign-in came to nothing.
enum Trouble {
    /// A connection broke off in the middle of a request.
    Cut,
    Wrong(String),
}

/// Sends each request to the next server.
struct Browser {
    http: reqwest::Client,
    origins: Arc<Vec<String>>,
    turn: Arc<AtomicUsize>,
}

impl Browser {
    fn new(origins: Arc<Vec<String>>, turn: Arc<AtomicUsize>) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .no_proxy()
            .build()
            .unwrap();
        Self { http, origins, turn }
    }

    /// Status, `Location` and body. Who takes no connection has not begun: the next one is asked.
    async fn ask(
        &self,
        make: impl Fn(&reqwest::Client, String) -> reqwest::RequestBuilder,
    ) -> Result<(u16, String, String), Trouble> {
        let begun = Instant::now();
        loop {
            let origin = &self.origins[self.turn.fetch_add(1, Ordering::Relaxed) % self.origins.len()];
            match make(&self.http, format!("{origin}/oauth2/default/v1")).send().await {
                Err(error) if error.is_connect() && begun.elapsed() < Duration::from_secs(20) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(_) => return Err(Trouble::Cut),
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
                    let location = location.unwrap_or_default().to_owned();
                    let body = answer.text().await.map_err(|_| Trouble::Cut)?;
                    return Ok((status, location, body));
                }
            }
        }
    }

    async fn sign_in(&mut self, login: &str) -> Result<(), Trouble> {
        let request = [
            ("client_id", "web"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email"),
            ("state", "a-state-of-some-length-0123456789"),
            ("nonce", "a-nonce-of-some-length-0123456789"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let wrong = |what: &str, status: u16, body: &str| Trouble::Wrong(format!("{what}: {status} {body}"));
        let (status, _, page) = self
            .ask(|http, base| http.get(format!("{base}/authorize")).query(&request))
            .await?;
        let token = between(&page, "name=\"stateToken\" value=\"", "\"");
        let token = token.ok_or_else(|| wrong("no page", status, &page))?;
        let form = [
            ("stateToken", token),
            ("identifier", login),
            ("credentials.passcode", "any"),
        ];
        let (status, location, body) = self
            .ask(|http, base| http.post(format!("{base}/authorize")).form(&form))
            .await?;
        let location = format!("{location}&");
        let code = between(&location, "code=", "&").ok_or_else(|| wrong("no code", status, &body))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let (status, _, body) = self
            .ask(|http, base| {
                let request = http.post(format!("{base}/token"));
                request.basic_auth("web", Some(SECRET)).form(&form)
            })
            .await?;
        let tokens: Value = serde_json::from_str(&body).unwrap_or_default();
        if tokens["id_token"].as_str().and_then(person_of).as_deref() != Some(login) {
            return Err(wrong("not that person's ID token", status, &body));
        }
        let access_token = tokens["access_token"].as_str().unwrap_or_default();
        let (status, _, body) = self
            .ask(|http, base| http.get(format!("{base}/userinfo")).bearer_auth(access_token))
            .await?;
        let info: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == 200 && info["preferred_username"] == login {
            Ok(())
        } else {
            Err(wrong("not that person's userinfo", status, &body))
        }
    }
}

/// Whom an ID token names.
fn person_of(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["preferred_username"].as_str().map(str::to_owned)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A child process that serves.
struct Server {
    child: Child,
    port: u16,
    store: Option<String>,
    /// What its predecessors took.
    earlier: Duration,
}

impl Server {
    fn start(port: u16, store: Option<&str>) -> Self {
        let store = store.map(str::to_owned);
        Self {
            child: Self::spawn(port, store.as_deref()),
            port,
            store,
            earlier: Duration::ZERO,
        }
    }

    fn spawn(port: u16, store: Option<&str>) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // The address of the proxy that would be before them.
        command.args([
            "serve",
            "--issuer",
            "http://127.0.0.1:9494",
            "--port",
            &port.to_string(),
        ]);
        if let Some(store) = store {
            command.args(["--store", store]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(!line.is_empty(), "it does not start");
        child
    }

    fn start_again(&mut self) {
        self.earlier = self.cpu();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(self.port, self.store.as_deref());
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn cpu(&self) -> Duration {
        self.earlier + cpu_of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time, from fields 14 and 15 of `/proc/{pid}/stat`, in hundredths of a second.
fn cpu_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux's /proc");
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// A Redis for this run.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        let port = free_port();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--maxmemory", "1gb", "--maxmemory-policy", "volatile-ttl"])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed (apt-get install redis-server), or --store names one");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn cpu(&self) -> Duration {
        cpu_of(self.child.id())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve(port: u16, store: Option<String>, issuer: &str) {
    let client = Client::web("web").secret(SECRET).redirect(REDIRECT_URI);
    let mut builder = MockIdp::builder().client(client).port(port).issuer(issuer);
    for person in 0..PEOPLE {
        builder = builder.user(format!("person-{person}@example.test").as_str());
    }
    if let Some(store) = &store {
        builder = builder.store(store);
    }
    let idp = builder.start().await.unwrap();
    println!("{}", idp.origin());
    std::future::pending::<()>().await;
}
