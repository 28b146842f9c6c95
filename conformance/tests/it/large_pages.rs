//! Pages that take long to read: reading is bounded in time and depth, and an interrupt is heard in the middle of it.
#![cfg(target_os = "linux")]

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{hostile_pages::soon, kept};

/// An app whose sign-in is a page, `PAGE` being an expression of Python, and that says when it was asked for it.
const APP: &str = r#"
import http.server, os, sys
PAGE = eval(os.environ["PAGE"]).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        is_page = self.path.startswith("/login")
        body = PAGE if is_page else b""
        self.send_response(200 if is_page else 401)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if is_page: open("asked", "w").close()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

const CONFIG: &str = r#"
[target]
url = "http://localhost:{port}"
sign_in = { get = "/login" }
callback = "/callback"
[target.session]
probe = "/me"
signed_in = { status = 200, contains = "{user.email}" }
signed_out = { status = 401 }
[target.start]
command = "exec python3 app.py {port}"
"#;

/// Nested as deep as is read, and every one of a million rules looks through all of it for a paragraph that it would end.
const SLOW: &str = "'<span>' * 1900 + '<hr>' * 1_000_000";
/// Nested as no browser nests.
const DEEP: &str = "'<div>' * 1_000_000";

fn run(folder: &Path, page: &str, timeout: &str) -> Command {
    std::fs::write(folder.join("app.py"), APP).unwrap();
    std::fs::write(folder.join("conformance.toml"), CONFIG).unwrap();
    let mut run = kept::conformance(folder, "", &["run", "callback", "--timeout", timeout, "--out", "kept"]);
    run.env("PAGE", page);
    run
}

#[test]
fn a_page_of_a_million_nested_elements_is_named_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = kept::outcome(&mut run(folder.path(), DEEP, "20"));
    assert_eq!(code, 3, "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("the page /login cannot be read: its elements nest more than 2000 deep"),
        "{text}"
    );
}

#[test]
fn the_time_limit_of_a_request_is_that_of_reading_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let (code, text) = kept::outcome(&mut run(folder.path(), SLOW, "1"));
    assert_eq!(code, 3, "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("the page /login cannot be read: reading its markup takes too long"),
        "{text}"
    );
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn an_interrupt_is_heard_while_a_page_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path(), SLOW, "300")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let before = soon(|| folder.path().join("asked").exists()).then(|| processor_time(run.id()));
    let before = before.expect("the page is asked for");
    assert!(
        soon(|| processor_time(run.id()) > before + 50),
        "half a second of reading"
    );
    assert!(run.try_wait().unwrap().is_none(), "it is being read");
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let interrupted = Instant::now();
    let mut ended = None;
    let is_over = soon(|| {
        ended = run.try_wait().unwrap();
        ended.is_some()
    });
    run.kill().unwrap();
    assert!(is_over, "it still reads after {:?}", interrupted.elapsed());
    assert_eq!(ended.unwrap().code(), Some(130));
    assert!(
        interrupted.elapsed() < Duration::from_secs(20),
        "{:?}",
        interrupted.elapsed()
    );
    assert!(folder.path().join("kept/run.json").exists());
}

/// User and system time of a process, hundredths of a second.
fn processor_time(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields
        .get(11..13)
        .map_or(0, |own| own.iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
}
