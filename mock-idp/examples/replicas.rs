//! How fast processes that share a store sign people in, and what that costs, beside one process that remembers by itself.
//!
//! `cargo run --release -p mock-idp --example replicas [-- --sign-ins 4000] [--replicas 1,2] [--concurrency 16]
//! [--store redis://…]`
//! `… -- --sign-ins 100000 --kill-every 10`
//!
//! Each server is a child process, so that its CPU time is its alone; so is Redis, which is started here (`redis-server`) unless
//! one is named. A sign-in is: authorization request, hosted page with its form, token request, userinfo; each request goes to
//! the next server, whoever answered before. With `--kill-every` one process after the other is killed and started again: a
//! request that it did not take goes to another one, as a proxy does it; one that it was answering is cut off, and its sign-in
//! is counted as cut and begun again. Whoever is signed in must be who asked for it; a sign-in that was not cut and came to
//! anything else is counted as wrong, and is not tried again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::{
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use driver::{Browser, Process, Servers, Trouble};

mod driver;

// The servers allocate as the command does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let default = if load.kill_every.is_some() { "2" } else { "1,2" };
    let turns = text("--replicas").unwrap_or_else(|| default.to_owned());
    for replicas in turns.split(',').map(|turn| turn.parse().unwrap()) {
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
        let origins = Servers::new(servers.iter().map(|server| server.lock().unwrap().origin()).collect());
        self.work(&origins, 200, &Arc::default()).await;
        let counts = Arc::<Counts>::default();
        let cpu = || -> Duration { servers.iter().map(|server| server.lock().unwrap().cpu()).sum() };
        let (ours, theirs, begun) = (cpu(), redis.map(|redis| redis.process.cpu()), Instant::now());
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
        let redis = redis.map(|(redis, before)| format!("{:.0} µs", each(redis.process.cpu() - before)));
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

    async fn work(&self, origins: &Arc<Servers>, sign_ins: usize, counts: &Arc<Counts>) {
        let left = Arc::new(AtomicI64::new(i64::try_from(sign_ins).unwrap()));
        let workers: Vec<_> = (0..self.concurrency)
            .map(|_| {
                let (left, counts, browser) = (left.clone(), counts.clone(), Browser::new(origins.clone()));
                tokio::spawn(async move {
                    loop {
                        let number = left.fetch_sub(1, Ordering::Relaxed);
                        if number <= 0 {
                            return;
                        }
                        let login = format!("person-{}@example.test", usize::try_from(number).unwrap() % PEOPLE);
                        let begun = Instant::now();
                        loop {
                            match browser.sign_in(&login).await {
                                Ok(()) => break,
                                Err(Trouble::Cut) => counts.cut.fetch_add(1, Ordering::Relaxed),
                                Err(Trouble::Wrong(what)) => {
                                    println!("{login}: {what}");
                                    counts.wrong.fetch_add(1, Ordering::Relaxed);
                                    break;
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

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server that can be killed and started again.
struct Server {
    process: Process,
    arguments: Vec<String>,
    port: u16,
    /// What its predecessors took.
    earlier: Duration,
}

impl Server {
    fn start(port: u16, store: Option<&str>) -> Self {
        // The address of the proxy that would be before them.
        let mut arguments = vec!["serve", "--issuer", "http://127.0.0.1:9494", "--port"];
        let text = port.to_string();
        arguments.push(&text);
        if let Some(store) = store {
            arguments.extend(["--store", store]);
        }
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        Self {
            process: Process::start(&arguments).0,
            arguments,
            port,
            earlier: Duration::ZERO,
        }
    }

    fn start_again(&mut self) {
        self.earlier = self.cpu();
        self.process.kill();
        self.process = Process::start(&self.arguments).0;
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn cpu(&self) -> Duration {
        self.earlier + self.process.cpu()
    }
}

/// A Redis for this run.
struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        let port = free_port();
        // Installed by: apt-get install redis-server
        let mut command = Command::new("redis-server");
        let text = port.to_string();
        command
            .args([
                "--port",
                &text,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--maxmemory", "1gb", "--maxmemory-policy", "volatile-ttl"])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null());
        let process = Process::spawn(&mut command);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, port }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

async fn serve(port: u16, store: Option<String>, issuer: &str) {
    let mut builder = driver::server().port(port).issuer(issuer);
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
