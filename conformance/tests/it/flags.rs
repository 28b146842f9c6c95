//! Flags of `conformance run` for local work, against a real app: what ends a run early, what is judged again, who reads.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use conformance::report::document::Word;

use crate::kept::{conformance, folder, folder_with_flaw, outcome, soon, stored};

/// Lines of a child, as they come.
fn lines(out: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line that has this in it; those before it are dropped.
fn line_with(lines: &Receiver<String>, part: &str) -> String {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(Duration::from_secs(60)) {
            Ok(line) if line.contains(part) => return line,
            Ok(line) => seen.push(line),
            Err(error) => panic!("{error}, no line has {part:?}: {seen:#?}"),
        }
    }
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn watch_judges_again_what_failed_when_a_file_changes() {
    let folder = folder_with_flaw("state-unchecked");
    let arguments = ["run", "--watch", "callback/state-mismatch", "id-token/aud-wrong"];
    let mut run = conformance(folder.path(), "", &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (said, told) = (lines(run.stdout.take().unwrap()), lines(run.stderr.take().unwrap()));
    // Both cases, of which one fails; then the one, on an app that was built, started and fixed; then both again.
    for (change, last) in [
        (None, "2 cases: 1 pass, 1 fail"),
        (Some(""), "1 case: 1 pass"),
        (Some("state-unchecked"), "2 cases: 1 pass, 1 fail"),
    ] {
        if let Some(flaw) = change {
            line_with(&told, "watching: ");
            std::fs::write(folder.path().join("flaw"), flaw).unwrap();
        }
        line_with(&said, last);
    }
    line_with(&told, "watching: ");
    interrupt(&run);
    assert_eq!(
        run.wait().unwrap().code(),
        Some(1),
        "the code is that of the last verdicts"
    );
}

#[test]
fn enough_failures_end_a_run() {
    let folder = folder();
    for (flags, least) in [(&["--bail"][..], 1), (&["--max-failures", "2"], 2)] {
        let mut arguments = vec!["run", "callback/state-*", "--jobs", "1", "--out", "kept"];
        arguments.extend(flags);
        let (code, text) = outcome(&mut conformance(folder.path(), "state-unchecked", &arguments));
        assert_eq!(code, 1, "{text}");
        let run = stored(&folder.path().join("kept")).run;
        let failed = run.count(Word::Fail);
        assert!(
            failed >= least && run.cases.len() < run.run.selected,
            "{flags:?}: {text}"
        );
        assert!(run.run.partial && !run.run.interrupted);
        let told = format!("ended after {failed} failure");
        assert!(text.contains(&told) && text.contains("--max-failures"), "{text}");
        let counts = format!("{} of {} cases: ", run.cases.len(), run.run.selected);
        assert!(text.contains(&counts), "{counts}: {text}");
    }
}

#[test]
fn changed_is_what_was_not_judged_in_this_state() {
    let folder = folder_with_flaw("");
    let run = || {
        let (code, text) = outcome(&mut conformance(folder.path(), "", &["run", "callback/state-mismatch"]));
        assert_eq!(code, 0, "{text}");
    };
    let is_selected = || {
        let (code, text) = outcome(&mut conformance(
            folder.path(),
            "",
            &["list", "changed", "--format", "json"],
        ));
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains("\"callback/state-missing\""),
            "it was never judged: {text}"
        );
        text.contains("\"callback/state-mismatch\"")
    };
    assert!(is_selected(), "it was never judged");
    run();
    assert!(!is_selected(), "nothing changed");
    std::fs::write(folder.path().join("flaw"), "\n").unwrap();
    assert!(is_selected(), "a file of the app changed");
    run();
    assert!(!is_selected());
    let config = folder.path().join("conformance.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "\n# changed\n").unwrap();
    assert!(is_selected(), "the configuration changed");
}

/// What a WebDriver was asked for in the first session that somebody wanted of it. It opens none.
fn asked_for(listener: &TcpListener) -> String {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let (head, body) = request(&mut stream);
        let is_session = head.starts_with("POST /session");
        let (status, answer) = match is_session {
            true => (
                "500 Internal Server Error",
                r#"{"value":{"error":"session not created","message":"no","stacktrace":""}}"#,
            ),
            false => ("200 OK", r#"{"value":{"ready":true,"message":""}}"#),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
        if is_session {
            return body;
        }
    }
    String::new()
}

fn request(stream: &mut TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn headed_reaches_the_browser() {
    let folder = folder();
    for headed in [true, false] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let driver = format!("webdriver=http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || asked_for(&listener));
        let mut arguments = vec!["replay", "callback/state-mismatch", "--driver", &driver];
        arguments.extend(headed.then_some("--headed"));
        let (code, text) = outcome(&mut conformance(folder.path(), "", &arguments));
        assert_eq!(code, 3, "{text}");
        let asked = asked.join().unwrap();
        assert!(asked.contains("goog:chromeOptions"), "{asked}");
        assert_eq!(asked.contains("--headless"), !headed, "{asked}");
    }
}

/// A run whose standard output is a full pipe that nobody reads, as far as its results go.
fn unread(folder: &Path) -> (Child, ChildStdout) {
    // As much as a pipe of Linux takes: whatever the run says has to wait.
    let filler = Command::new("sh")
        .args(["-c", "head -c 65536 /dev/zero; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_conformance"))
        .args(["run", "callback/state-mismatch", "--out", "kept"])
        .current_dir(folder)
        .env("FLAW", "state-unchecked")
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut run = filler.unwrap();
    let out = run.stdout.take().unwrap();
    let kept = folder.join("kept");
    let is_there = || kept.join("report.html").is_file() && kept.join("run.json").is_file();
    assert!(soon(is_there), "results do not wait for who reads");
    assert_eq!(run.try_wait().unwrap(), None, "it waits for who reads");
    (run, out)
}

#[test]
fn a_slow_reader_gets_everything_and_costs_no_result() {
    let folder = folder();
    let (mut run, mut out) = unread(folder.path());
    let mut text = Vec::new();
    out.read_to_end(&mut text).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(1));
    let said = String::from_utf8_lossy(&text[65536..]).into_owned();
    assert!(
        said.starts_with("target ") && said.contains("exit 1\nreport "),
        "{said}"
    );
}

#[test]
fn who_has_enough_of_a_slow_reader_gets_the_code_of_the_verdicts() {
    let folder = folder();
    let (mut run, _out) = unread(folder.path());
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert!(!stored(&folder.path().join("kept")).run.run.interrupted);
}
