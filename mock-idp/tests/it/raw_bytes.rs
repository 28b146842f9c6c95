//! Raw bytes on connections: requests to every endpoint and every call of the control API, several on one connection, damaged
//! in places, in pieces, drop by drop, and left in the middle. No answer is a 5xx, nothing panics or hangs, memory stays level
//! and no descriptor is lost. Every test run sends some; ten minutes of it, with figures, are
//!
//! `MINUTES=10 SEED=1 cargo test -p mock-idp --test it raw_bytes::as_long -- --ignored --nocapture`
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    process::Stdio,
    sync::{Mutex, RwLock},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    any_request::{AUTHORIZATIONS, MEMBERS, NAMES, SEGMENTS, VALUES, path, percent},
    app::{self, ALICE, REDIRECT_URI, SECRET},
    endurance::Process,
};

/// Connections at once.
const WORKERS: u64 = 6;
/// No connection is held open longer by the server once nothing more is sent on it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long is read from what may wait for events.
const GLANCE: Duration = Duration::from_millis(300);
/// Between two looks at memory and descriptors.
const ROUND: Duration = Duration::from_secs(10);

const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "CONNECT", "PRI", "get",
];
const VERSIONS: &[&str] = &["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", ""];
const TYPES: &[&str] = &[
    "application/x-www-form-urlencoded",
    "application/json",
    "application/json; charset=utf-7",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
];
/// Header fields that change how a request is read or who is thought to have sent it.
const FIELDS: &[&str] = &[
    "x-mock-idp: 1",
    "expect: 100-continue",
    "connection: close",
    "connection: upgrade",
    "upgrade: websocket",
    "upgrade: h2c",
    "sec-fetch-site: cross-site",
    "origin: http://localhost:3000",
    "origin: null",
    "cookie: sid=x; sid=\"; $Path=/",
    "cookie: mock-idp-flow=f-1",
    "accept-encoding: gzip, br;q=0",
    "range: bytes=0-0,5-",
    "if-none-match: *",
    "transfer-encoding: identity",
    "content-length: 0",
    "content-length: 18446744073709551616",
    "x-forwarded-proto: https",
    "forwarded: for=\"_x\"",
    "dpop: eyJhbGciOiJub25lIn0.e30.",
    " folded: continuation",
    "no colon at all",
];
/// What damaged bytes are damaged with.
const SPLINTERS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b"%",
    b"%00",
    b"&&==",
    b"HTTP/1.1",
    b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[",
    b"99999999999999999999",
    b"-9223372036854775808",
    b"1e308",
    "\u{202e}\u{1f469}".as_bytes(),
];
/// Values of the control API.
const CONTROLS: &[&str] = &[
    "id-token.alg-none",
    "id-token.exp-past.1h",
    "users,clients",
    "exchanged",
    "1h",
    "-1h",
    "999999999999999h",
    "9223372036854775807",
    "0.1ms",
    "f-1",
    "f-1.har",
    "f-1.mmd",
];

#[test]
fn any_bytes_are_answered_or_refused() {
    fuzz(1, Span::Connections(60));
}

#[test]
#[ignore = "takes minutes: MINUTES=10 SEED=1"]
fn as_long_as_is_asked_for() {
    let number = |name: &str, usual: f64| {
        let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
        given.unwrap_or(usual)
    };
    let span = Duration::from_secs_f64(number("MINUTES", 10.0) * 60.0);
    fuzz(number("SEED", 1.0) as u64, Span::Time(span));
}

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
enum Span {
    /// Connections of each worker.
    Connections(usize),
    Time(Duration),
}

/// What was sent and what came back.
#[derive(Debug, Default)]
struct Tally {
    connections: u64,
    bytes: u64,
    answers: BTreeMap<u16, u64>,
    /// Bytes after which something was wrong, and what.
    wrong: Vec<(String, Vec<u8>)>,
}

#[allow(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn fuzz(seed: u64, span: Span) {
    let folder = tempfile::tempdir().unwrap();
    let errors = folder.path().join("errors");
    let client = format!("web:{SECRET}={REDIRECT_URI}");
    let arguments = ["--quiet", "--client", &client, "--user", ALICE];
    let process = Process::start_with(1024, &arguments, Stdio::from(std::fs::File::create(&errors).unwrap()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let issuer = format!("http://127.0.0.1:{}/oauth2/default", process.port);
    let signs_in = || {
        assert!(process.is_healthy());
        let reset = b"POST /_mock/reset HTTP/1.1\r\nhost: localhost\r\nx-mock-idp: 1\r\nconnection: close\r\n\r\n";
        let answer = exchange(&process, reset);
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        let tokens = runtime.block_on(app::sign_in(&issuer, ALICE, &[]));
        assert!(tokens["id_token"].is_string(), "{tokens}");
    };
    signs_in();
    let dictionary = Dictionary::of(&process);
    let (idle, began) = (process.descriptors(), Instant::now());
    let tally = Mutex::new(Tally::default());
    // Held for reading while a connection is used, and for writing while nobody may.
    let traffic = RwLock::new(());
    let is_over = |done: usize| match span {
        Span::Connections(count) => done >= count,
        Span::Time(time) => began.elapsed() >= time,
    };
    let mut resident = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|number| {
                let (process, dictionary, tally, traffic, is_over) =
                    (&process, &dictionary, &tally, &traffic, &is_over);
                scope.spawn(move || {
                    let mut maker = Maker {
                        random: StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number)),
                        dictionary,
                        port: process.port,
                    };
                    let mut done = 0;
                    while !is_over(done) {
                        let _busy = traffic.read().unwrap();
                        converse(process, &mut maker, tally);
                        done += 1;
                    }
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            let until = Instant::now() + ROUND;
            while Instant::now() < until && workers.iter().any(|worker| !worker.is_finished()) {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _quiet = traffic.write().unwrap();
            signs_in();
            // Connections end when their peers have gone; a stream of events that has nothing to tell notices it by its next sign
            // of life.
            let waiting = Instant::now();
            while process.descriptors() > idle && waiting.elapsed() < CLOSE_TIMEOUT {
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(
                process.descriptors() <= idle,
                "{} descriptors, {idle} at first",
                process.descriptors()
            );
            resident.push(process.resident());
            let tally = tally.lock().unwrap();
            println!(
                "{:>4} s  {:>7} connections  {:>6.1} MiB sent  {:>7} answers  {:>6.1} MiB resident  {} descriptors",
                began.elapsed().as_secs(),
                tally.connections,
                tally.bytes as f64 / f64::from(1 << 20),
                tally.answers.values().sum::<u64>(),
                resident.last().map_or(0.0, |kib| *kib as f64 / 1024.0),
                process.descriptors(),
            );
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("answers by status: {:?}", tally.answers);
    if let Some((what, bytes)) = tally.wrong.first() {
        panic!(
            "{} times, first: {what}\n{:?}",
            tally.wrong.len(),
            String::from_utf8_lossy(bytes)
        );
    }
    let answers: u64 = tally.answers.values().sum();
    assert!(
        answers > tally.connections / 4,
        "{answers} answers on {} connections",
        tally.connections
    );
    let complaints = std::fs::read_to_string(errors).unwrap();
    assert!(!complaints.contains("panicked"), "{complaints}");
    let (first, last) = resident.split_at(resident.len() / 2);
    let most = |half: &[u64]| half.iter().copied().max().unwrap_or_default();
    if first.len() >= 6 {
        let (before, after) = (most(first), most(last));
        assert!(
            after < before + before / 10 + 4096,
            "{before} KiB at most in the first half, {after} KiB in the second"
        );
    }
}

/// Everything that a whole connection gets, until the server closes it.
fn exchange(process: &Process, bytes: &[u8]) -> Vec<u8> {
    let mut stream = process.connect();
    stream.set_read_timeout(Some(CLOSE_TIMEOUT)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// One connection, in one of the ways in which clients behave and misbehave.
fn converse(process: &Process, maker: &mut Maker<'_>, tally: &Mutex<Tally>) {
    let bytes = maker.conversation();
    let mut stream = process.connect();
    stream.set_read_timeout(Some(CLOSE_TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(CLOSE_TIMEOUT)).unwrap();
    let way = maker.random.random_range(0..20);
    // A server that has heard enough closes, and writing fails: that is its right.
    let _heard_enough = match way {
        0..12 => stream.write_all(&bytes),
        12..16 => in_pieces(&mut stream, &bytes, maker),
        _ => drop_by_drop(&mut stream, &bytes, maker),
    };
    let mut answer = Vec::new();
    let mut wrong = None;
    // Every tenth leaves without reading.
    if maker.random.random_range(0..10) > 0 {
        let _closed = stream.shutdown(Shutdown::Write);
        let asks_to_wait = |part: &[u8]| part == b"/_mock/events" || part == b"/_mock/flows/w";
        let may_wait = [13, 14].iter().any(|length| bytes.windows(*length).any(asks_to_wait));
        let patience = if may_wait { GLANCE } else { CLOSE_TIMEOUT };
        let is_closed = read_until_closed(&mut stream, &mut answer, patience);
        if !is_closed && !may_wait {
            wrong = Some(format!("still open after {CLOSE_TIMEOUT:?}"));
        }
    }
    let mut tally = tally.lock().unwrap();
    tally.connections += 1;
    tally.bytes += bytes.len() as u64;
    for status in statuses(&answer) {
        *tally.answers.entry(status).or_default() += 1;
        if status >= 500 {
            wrong = Some(format!("{status}: {}", String::from_utf8_lossy(&answer)));
        }
    }
    if let Some(what) = wrong {
        tally.wrong.push((what, bytes));
    }
}

/// Reads for so long; says whether the connection was closed.
fn read_until_closed(stream: &mut TcpStream, answer: &mut Vec<u8>, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return false;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(count) => answer.extend(&buffer[..count]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return false,
                ErrorKind::Interrupted => {}
                _ => return true,
            },
        }
    }
}

fn in_pieces(stream: &mut TcpStream, bytes: &[u8], maker: &mut Maker<'_>) -> std::io::Result<()> {
    let size = maker.random.random_range(1..=bytes.len().max(2));
    for piece in bytes.chunks(size.max(bytes.len() / 20)) {
        stream.write_all(piece)?;
        std::thread::sleep(Duration::from_millis(maker.random.random_range(0..5)));
    }
    Ok(())
}

/// A few hundred bytes one by one, and the rest at once.
fn drop_by_drop(stream: &mut TcpStream, bytes: &[u8], maker: &mut Maker<'_>) -> std::io::Result<()> {
    let (drops, rest) = bytes.split_at(bytes.len().min(maker.random.random_range(1..400)));
    for byte in drops {
        stream.write_all(&[*byte])?;
        if maker.random.random_range(0..20) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    stream.write_all(rest)
}

/// The statuses of the answers on a connection.
fn statuses(answer: &[u8]) -> Vec<u16> {
    const START: &[u8] = b"HTTP/1.1 ";
    let starts = answer
        .windows(START.len() + 4)
        .filter(|window| window.starts_with(START) && window.ends_with(b" "));
    let digits = starts.filter_map(|window| std::str::from_utf8(&window[START.len()..START.len() + 3]).ok());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

/// Endpoints and names that the server itself tells.
struct Dictionary {
    /// Method and path, with parameters in braces.
    calls: Vec<(String, String)>,
    /// Members of bodies and parameters of queries.
    names: Vec<String>,
}

impl Dictionary {
    fn of(process: &Process) -> Self {
        let mut calls = Vec::new();
        for row in mock_idp::endpoints() {
            calls.extend(row.methods.iter().map(|method| (method.to_string(), row.path.clone())));
        }
        let oidc = calls.len();
        let request = b"GET /_mock/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answer = exchange(process, request);
        let text = String::from_utf8(answer).unwrap();
        let document: Value = serde_json::from_str(&text[text.find("\r\n\r\n").unwrap()..]).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let methods = methods.as_object().unwrap().keys();
            let path = match path.starts_with("/_mock") {
                true => path.clone(),
                false => format!("/_mock{path}"),
            };
            calls.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
        }
        assert!(calls.len() > oidc + 30, "the control API is known");
        // As many control calls as others.
        for _ in 0..oidc / (calls.len() - oidc) {
            let control = calls[oidc..].to_vec();
            calls.extend(control);
        }
        let mut names: Vec<String> = NAMES.iter().chain(MEMBERS).map(ToString::to_string).collect();
        gather(&document, &mut names);
        Self { calls, names }
    }
}

/// The names of all members and parameters of an OpenAPI document.
fn gather(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            if let (Some(Value::String(name)), Some(_)) = (members.get("name"), members.get("in")) {
                names.push(name.clone());
            }
            members.values().for_each(|member| gather(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, names)),
        _ => {}
    }
}

/// Makes up what is sent.
struct Maker<'d> {
    random: StdRng,
    dictionary: &'d Dictionary,
    port: u16,
}

impl Maker<'_> {
    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.random.random_range(0..list.len())]
    }

    /// True once in so many times.
    fn one_in(&mut self, times: u32) -> bool {
        self.random.random_range(0..times) == 0
    }

    /// Up to eight requests in a row, often damaged.
    fn conversation(&mut self) -> Vec<u8> {
        let count = if self.one_in(2) {
            1
        } else {
            self.random.random_range(1..=8)
        };
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.extend(self.request());
        }
        if self.one_in(20) {
            bytes = self.noise(2_000);
        }
        if self.one_in(2) {
            for _ in 0..self.random.random_range(1..6) {
                self.damage(&mut bytes);
            }
        }
        bytes
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let length = self.random.random_range(0..most);
        (0..length).map(|_| self.random.random()).collect()
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.random_range(0..=bytes.len());
        let end = (at + self.random.random_range(1..40)).min(bytes.len());
        match self.random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
            1 => _ = bytes.drain(at..end),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let splinter = self.pick(SPLINTERS);
                bytes.splice(at..at, splinter.iter().copied());
            }
            4 => {
                let noise = self.noise(30);
                bytes.splice(at..at, noise);
            }
            5 => {
                // More than a header section, or a parameter, may have.
                let long = vec![b'a'; self.random.random_range(1..150_000)];
                bytes.splice(at..at, long);
            }
            _ => bytes.truncate(at),
        }
    }

    fn request(&mut self) -> Vec<u8> {
        let (method, pattern) = {
            let calls = &self.dictionary.calls;
            calls[self.random.random_range(0..calls.len())].clone()
        };
        let method = if self.one_in(8) {
            self.pick(METHODS).to_owned()
        } else {
            method
        };
        let segments = [self.segment(), self.segment()];
        let mut target = path(&pattern, &[&segments[0], &segments[1]]);
        if self.one_in(3) {
            let _ = write!(target, "?{}", self.pairs());
        }
        if self.one_in(40) {
            target = format!("http://evil.test{target}");
        }
        let version = if self.one_in(25) {
            self.pick(VERSIONS)
        } else {
            "HTTP/1.1"
        };
        let mut head = format!("{method} {target} {version}\r\n");
        if !self.one_in(15) {
            let _ = write!(head, "host: 127.0.0.1:{}\r\n", self.port);
        } else {
            head.push_str(self.pick(&["host: evil.test\r\n", "host:\r\n", "host: a\r\nhost: b\r\n", ""]));
        }
        if self.one_in(2) {
            let _ = write!(head, "authorization: {}\r\n", self.pick(AUTHORIZATIONS));
        }
        for _ in 0..self.random.random_range(0..3) {
            let _ = write!(head, "{}\r\n", self.pick(FIELDS));
        }
        if self.one_in(60) {
            for number in 0..self.random.random_range(50..200) {
                let _ = write!(head, "x-{number}: y\r\n");
            }
        }
        let has_body = !matches!(method.as_str(), "GET" | "HEAD" | "DELETE") || self.one_in(10);
        if !has_body {
            return format!("{head}\r\n").into_bytes();
        }
        let (kind, body) = self.body(pattern.starts_with("/_mock"));
        let _ = write!(head, "content-type: {kind}\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.framed(&body));
        bytes
    }

    /// The rest of the header section and the body.
    fn framed(&mut self, body: &[u8]) -> Vec<u8> {
        let length = match self.random.random_range(0..20) {
            0 => body.len() + self.random.random_range(1..100),
            1 => body.len() / 2,
            2 => usize::MAX,
            3 | 4 => {
                let mut bytes = b"transfer-encoding: chunked\r\n\r\n".to_vec();
                for piece in body.chunks(self.random.random_range(1..50)) {
                    bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                    bytes.extend(piece);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
                return bytes;
            }
            _ => body.len(),
        };
        let mut bytes = format!("content-length: {length}\r\n\r\n").into_bytes();
        bytes.extend(body);
        bytes
    }

    fn body(&mut self, is_control: bool) -> (&'static str, Vec<u8>) {
        let json = if is_control { !self.one_in(10) } else { self.one_in(2) };
        let kind = match (self.one_in(15), json) {
            (true, _) => self.pick(TYPES),
            (false, true) => "application/json",
            (false, false) => "application/x-www-form-urlencoded",
        };
        match json {
            true => (kind, self.json(0).to_string().into_bytes()),
            false => (kind, self.pairs().into_bytes()),
        }
    }

    fn json(&mut self, depth: u32) -> Value {
        match self.random.random_range(0..if depth < 3 { 12 } else { 7 }) {
            0 => json!(self.random.random::<i64>()),
            1 => json!(self.random.random_range(-2..1000)),
            2 => json!(self.random.random::<bool>()),
            3 => Value::Null,
            4..7 => json!(self.value()),
            7 => (0..self.random.random_range(0..3))
                .map(|_| self.json(depth + 1))
                .collect(),
            _ => {
                let members = (0..self.random.random_range(0..5)).map(|_| (self.name(), self.json(depth + 1)));
                Value::Object(members.collect())
            }
        }
    }

    fn name(&mut self) -> String {
        let names = &self.dictionary.names;
        names[self.random.random_range(0..names.len())].clone()
    }

    fn value(&mut self) -> String {
        match self.random.random_range(0..10) {
            0..6 => self.pick(VALUES).to_owned(),
            6..9 => self.pick(CONTROLS).to_owned(),
            _ => String::from_utf8_lossy(&self.noise(40)).into_owned(),
        }
    }

    fn segment(&mut self) -> String {
        match self.random.random_range(0..4) {
            0 => percent(self.value().as_bytes()),
            1 => self.pick(CONTROLS).to_owned(),
            _ => self.pick(SEGMENTS).to_owned(),
        }
    }

    fn pairs(&mut self) -> String {
        let pairs: Vec<String> = (0..self.random.random_range(0..10))
            .map(|_| {
                format!(
                    "{}={}",
                    percent(self.name().as_bytes()),
                    percent(self.value().as_bytes())
                )
            })
            .collect();
        pairs.join("&")
    }
}
