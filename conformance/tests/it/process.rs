//! Real children: shells and Python servers that behave, misbehave, and refuse to die.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use conformance::{
    process::{App, StartError, build, free_port},
    target::Start,
};

/// A server that answers every GET with a status: `server.py PORT STATUS [deaf]`; `deaf` ignores SIGTERM.
const SERVER: &str = r#"
import http.server, os, signal, sys
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2])); self.end_headers()
        self.wfile.write(os.environ.get("GREETING", "").encode())
    def log_message(self, *args): print("asked", self.path, flush=True)
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// A folder with the server in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.py"), SERVER).unwrap();
    folder
}

fn start(command: &str) -> Start {
    let text = toml::to_string(&BTreeMap::from([("command", command)])).unwrap();
    toml::from_str(&format!("{text}\nstop_timeout = 3\n")).unwrap()
}

fn vars(port: u16) -> BTreeMap<String, String> {
    [
        ("port", port.to_string()),
        ("url", format!("http://127.0.0.1:{port}/")),
        ("idp.client.id", "web".to_owned()),
        ("idp.ca", String::new()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Polls until it is true; what a killed process leaves is not gone in the same instant.
fn soon(mut what: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_starts_with_its_environment_is_heard_and_stops() {
    let folder = folder();
    let port = free_port().unwrap();
    let mut start = start("echo cert=${CERT-unset}; exec python3 server.py {port} 404");
    start.env.insert("CERT".to_owned(), "{idp.ca}".to_owned());
    start
        .env
        .insert("GREETING".to_owned(), "client {idp.client.id} on {port}".to_owned());
    let app = App::start(&start, folder.path(), &vars(port)).await.unwrap();
    assert!(app.is_running());
    let page = reqwest::get(format!("http://127.0.0.1:{port}/hello")).await.unwrap();
    assert_eq!(page.text().await.unwrap(), format!("client web on {port}"));
    assert!(soon(|| app.output().contains("asked /hello")), "{}", app.output());
    assert!(app.output().contains("cert=unset"), "{}", app.output());
    let mark = app.printed();
    reqwest::get(format!("http://127.0.0.1:{port}/again")).await.unwrap();
    assert!(
        soon(|| app.output_since(mark).trim() == "asked /again"),
        "{}",
        app.output_since(mark)
    );
    assert_eq!(app.stop().await.complaint(), None);
    assert!(!listens(port));
    assert_eq!(App::leftovers(folder.path()), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_ignores_sigterm_is_killed_after_the_grace_period() {
    let folder = folder();
    let port = free_port().unwrap();
    let app = App::start(
        &start("exec python3 server.py {port} 200 deaf"),
        folder.path(),
        &vars(port),
    )
    .await
    .unwrap();
    let stopping = Instant::now();
    let ending = app.stop().await;
    assert!(!listens(port));
    assert!(
        stopping.elapsed() >= Duration::from_secs(3),
        "it had its chance to end by itself"
    );
    let complaint = ending.complaint().unwrap();
    assert!(complaint.contains("did not end within 3 s of SIGTERM"), "{complaint}");
    assert!(complaint.contains("`stop_timeout`"), "{complaint}");
    #[cfg(target_os = "linux")]
    assert!(complaint.contains("python3 server.py"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grandchildren_end_with_the_app_by_stop_and_by_drop() {
    let folder = folder();
    for by_drop in [false, true] {
        let (port, beside) = (free_port().unwrap(), free_port().unwrap());
        let command = format!("(python3 server.py {beside} 200 deaf & wait) & python3 server.py {{port}} 200");
        let app = App::start(&start(&command), folder.path(), &vars(port)).await.unwrap();
        assert!(soon(|| listens(beside)), "the grandchild serves: {}", app.output());
        if by_drop {
            drop(app);
        } else {
            app.stop().await;
        }
        assert!(soon(|| !listens(port) && !listens(beside)), "by drop: {by_drop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_stay_behind_are_named() {
    let folder = folder();
    let (port, beside) = (free_port().unwrap(), free_port().unwrap());
    // The shell makes way for the app, so only the deaf child is left once that has ended.
    let command = format!("python3 server.py {beside} 200 deaf & exec python3 server.py {{port}} 200");
    let app = App::start(&start(&command), folder.path(), &vars(port)).await.unwrap();
    assert!(soon(|| listens(beside)), "the child serves: {}", app.output());
    let ending = app.stop().await;
    assert!(!listens(port) && !listens(beside));
    let complaint = ending.complaint().unwrap();
    assert!(complaint.contains("left children behind"), "{complaint}");
    #[cfg(target_os = "linux")]
    assert!(complaint.contains(&format!("server.py {beside}")), "{complaint}");
}

/// Makes a daemon of a server: two forks with a session of its own in between, so that no process group and no parent tells
/// whose it is.
#[cfg(target_os = "linux")]
const DAEMON: &str = r#"
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.execvp("python3", ["python3", "server.py", sys.argv[1], "200"] + sys.argv[2:])
"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn daemons_that_left_the_group_end_with_the_app_by_stop_and_by_drop() {
    let folder = folder();
    std::fs::write(folder.path().join("daemon.py"), DAEMON).unwrap();
    // As a daemon forks twice, and as a shell puts one aside.
    let daemon = |beside: u16| format!("python3 daemon.py {beside};");
    let deaf_daemon = |beside: u16| format!("python3 daemon.py {beside} deaf;");
    let set_aside = |beside: u16| format!("setsid python3 server.py {beside} 200 deaf &");
    let ways: [(&dyn Fn(u16) -> String, bool); 5] = [
        (&daemon, false),
        (&daemon, true),
        (&deaf_daemon, false),
        (&set_aside, false),
        (&set_aside, true),
    ];
    for (begins, by_drop) in ways {
        let (port, beside) = (free_port().unwrap(), free_port().unwrap());
        let begins = begins(beside);
        let command = format!("{begins} exec python3 server.py {{port}} 200");
        let app = App::start(&start(&command), folder.path(), &vars(port)).await.unwrap();
        assert!(soon(|| listens(beside)), "the daemon serves: {}", app.output());
        if by_drop {
            drop(app);
        } else {
            let complaint = app.stop().await.complaint().unwrap();
            assert!(complaint.contains("left its process group"), "{complaint}");
            assert!(complaint.contains(&format!("server.py {beside}")), "{complaint}");
        }
        assert!(
            soon(|| !listens(port) && !listens(beside)),
            "{begins} by drop: {by_drop}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_does_not_outlive_a_killed_harness() {
    let folder = folder();
    std::fs::write(folder.path().join("daemon.py"), DAEMON).unwrap();
    let (port, beside) = (free_port().unwrap(), free_port().unwrap());
    let command = format!("python3 daemon.py {beside}; exec python3 server.py {{port}} 200");
    let mut harness = harness(folder.path(), port, &command);
    assert!(soon(|| listens(beside)), "the daemon serves");
    harness.kill().unwrap();
    harness.wait().unwrap();
    assert!(soon(|| !listens(port) && !listens(beside)), "the watchdog ends both");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_outlives_neither_a_killed_harness_nor_its_own_children() {
    let folder = folder();
    let port = free_port().unwrap();
    let mut harness = harness(folder.path(), port, "python3 server.py {port} 200 deaf; true");
    assert!(listens(port));
    harness.kill().unwrap();
    harness.wait().unwrap();
    assert!(soon(|| !listens(port)), "the watchdog ends the app");
}

/// A process of its own that starts an app, returned once that is ready.
fn harness(folder: &Path, port: u16, command: &str) -> Child {
    let mut harness = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::helper_harness", "--ignored", "--nocapture"])
        .env("HELPER_FOLDER", folder)
        .env("HELPER_PORT", port.to_string())
        .env("HELPER_COMMAND", command)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(harness.stdout.take().unwrap());
    let mut lines = output.lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("the app is ready")),
        "the helper says so"
    );
    harness
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by other tests, in a process that is killed"]
async fn helper_harness() {
    let told = |name: &str| std::env::var(name).unwrap();
    let port = told("HELPER_PORT").parse().unwrap();
    let folder = told("HELPER_FOLDER");
    let app = App::start(&start(&told("HELPER_COMMAND")), Path::new(&folder), &vars(port))
        .await
        .unwrap();
    println!("the app is ready");
    std::future::pending::<()>().await;
    drop(app);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_ends_at_once_is_reported_with_its_last_lines() {
    let error = fail("echo starting; echo 'Error: no OKTA_ISSUER' >&2; exit 7").await;
    assert!(matches!(error, StartError::Exited { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("exit status: 7") && text.contains("| starting\n  | Error: no OKTA_ISSUER"),
        "{text}"
    );
    let silent = fail("exit 0").await.to_string();
    assert!(silent.contains("it printed nothing"), "{silent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_answers_only_server_errors_is_not_ready() {
    let error = fail("python3 server.py {port} 503").await;
    assert!(error.to_string().contains("answered 503"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_never_listens_is_not_ready_and_does_not_stay() {
    let folder = folder();
    let mut start = start("echo $$ > pid; echo thinking; exec sleep 600");
    start.timeout = Some(1);
    let error = App::start(&start, folder.path(), &vars(free_port().unwrap()))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("refused the connection") && text.contains("| thinking"),
        "{text}"
    );
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    let signal = Command::new("kill")
        .args(["-0", pid.trim()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!signal.success(), "process {pid} is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_an_error_that_names_the_holder_unless_the_app_may_be_reused() {
    let folder = folder();
    let port = free_port().unwrap();
    let first = App::start(&start("python3 server.py {port} 200"), folder.path(), &vars(port))
        .await
        .unwrap();
    let mut second = start("true");
    let error = App::start(&second, folder.path(), &vars(port)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("port {port} is taken")), "{text}");
    #[cfg(target_os = "linux")]
    assert!(text.contains("python3 server.py"), "{text}");
    second.reuse_existing = true;
    let reused = App::start(&second, folder.path(), &vars(port)).await.unwrap();
    assert!(reused.is_running());
    reused.stop().await;
    assert!(listens(port), "an app that ran already is left alone");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_no_web_app_is_not_reused() {
    let folder = folder();
    let deaf = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut start = start("true");
    start.reuse_existing = true;
    let error = App::start(&start, folder.path(), &vars(deaf.local_addr().unwrap().port()))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::PortTaken { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_without_end_is_read_and_forgotten() {
    let folder = folder();
    let port = free_port().unwrap();
    let app = App::start(&start("yes & python3 server.py {port} 200"), folder.path(), &vars(port))
        .await
        .unwrap();
    assert!(soon(|| app.printed() > 4 * 1024 * 1024));
    assert!(app.output().len() <= 256 * 1024);
    assert!(
        reqwest::get(format!("http://127.0.0.1:{port}/"))
            .await
            .unwrap()
            .status()
            .is_success()
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_runs_in_the_folder_without_the_apps_environment() {
    let folder = folder();
    let mut start = start("true");
    start.env.insert("GREETING".to_owned(), "hello".to_owned());
    start.build = Some("echo built ${GREETING:-without} > built".to_owned());
    build(&start, folder.path()).await.unwrap();
    let built = std::fs::read_to_string(folder.path().join("built")).unwrap();
    assert_eq!(built, "built without\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_or_hangs_is_reported_with_what_it_printed() {
    let mut start = start("true");
    start.build = Some("echo cannot find crate; exit 101".to_owned());
    let text = build(&start, Path::new(".")).await.unwrap_err().to_string();
    assert!(
        text.contains("exit status: 101") && text.contains("| cannot find crate"),
        "{text}"
    );
    start.build = Some("echo compiling; sleep 600".to_owned());
    start.build_timeout = Some(1);
    let text = build(&start, Path::new(".")).await.unwrap_err().to_string();
    assert!(
        text.contains("longer than 1 s") && text.contains("| compiling"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_placeholder_and_a_missing_folder_are_named() {
    let text = fail("serve --issuer {idp.isuer}").await.to_string();
    assert!(text.contains("did you mean `{idp.issuer}`"), "{text}");
    let text = App::start(
        &start("true"),
        Path::new("/nowhere/at/all"),
        &vars(free_port().unwrap()),
    )
    .await
    .unwrap_err()
    .to_string();
    assert!(text.contains("/nowhere/at/all"), "{text}");
}

async fn fail(command: &str) -> StartError {
    let folder = folder();
    let mut start = start(command);
    start.timeout = Some(2);
    App::start(&start, folder.path(), &vars(free_port().unwrap()))
        .await
        .unwrap_err()
}
