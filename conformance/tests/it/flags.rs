//! Flags of `conformance run` for local work, against a real app: what ends a run early, what is judged again, who reads.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use conformance::report::{
    document::{Run, Word},
    store,
};

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
    watched(&[]);
}

#[test]
fn watch_knows_what_failed_wherever_runs_are_kept() {
    watched(&["--out", "kept"]);
}

fn watched(flags: &[&str]) {
    let folder = folder_with_flaw("state-unchecked");
    let mut arguments = vec!["run", "--watch", "callback/state-mismatch", "id-token/aud-wrong"];
    arguments.extend(flags);
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
fn failed_is_what_failed_in_the_last_run_wherever_it_was_kept() {
    let folder = folder_with_flaw("state-unchecked");
    let failed = |flags: &[&str]| {
        let mut arguments = vec!["run", "failed", "--report", "json=again.json"];
        arguments.extend(flags);
        let (_, text) = outcome(&mut conformance(folder.path(), "", &arguments));
        let run: Run = match std::fs::read(folder.path().join("again.json")) {
            Ok(json) => serde_json::from_slice(&json).unwrap(),
            Err(error) => panic!("{error}: {text}"),
        };
        run.cases.into_iter().map(|case| case.id).collect::<Vec<_>>()
    };
    let run = |arguments: &[&str]| {
        let (code, text) = outcome(&mut conformance(folder.path(), "", arguments));
        assert_eq!(code, 1, "{text}");
    };
    run(&["run", "callback/state-mismatch"]);
    run(&["run", "callback/state-missing", "--out", "kept"]);
    assert_eq!(failed(&["--out", "kept"]), ["callback/state-missing"], "the later one");
    assert_eq!(failed(&[]), ["callback/state-mismatch"], "nobody names the other place");
    // That run is the last now.
    assert_eq!(failed(&["--out", "kept"]), ["callback/state-mismatch"]);
}

/// Whether `changed` selects this case; it always selects those that were never judged.
fn is_changed(folder: &Path, case: &str) -> bool {
    let (code, text) = outcome(&mut conformance(folder, "", &["list", "changed", "--format", "json"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("\"callback/state-missing\""), "never judged: {text}");
    text.contains(&format!("\"{case}\""))
}

#[test]
fn what_a_build_and_a_run_write_beside_the_configuration_is_no_change() {
    let folder = folder_with_flaw("");
    let config = folder.path().join("conformance.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // A build that writes another file each time, as those do that put the moment into it.
    let text = text
        .replace(".conformance/built", "built")
        .replace("cp flaw built", "cp flaw built && echo $$ > stamp");
    std::fs::write(&config, text).unwrap();
    let is_selected = || is_changed(folder.path(), "callback/state-mismatch");
    let run = |flags: &[&str]| {
        let mut arguments = vec!["run", "callback/state-mismatch"];
        arguments.extend(flags);
        let (code, text) = outcome(&mut conformance(folder.path(), "", &arguments));
        assert_eq!(code, 0, "{text}");
    };
    run(&[]);
    assert!(!is_selected(), "the build wrote two files");
    // Its output is written anew, and a report.
    run(&["--report", "junit=junit.xml"]);
    assert!(!is_selected());
    run(&["--out", "kept"]);
    std::fs::write(folder.path().join("built"), "state-unchecked").unwrap();
    assert!(is_selected(), "somebody else wrote it");
    run(&[]);
    assert!(!is_selected());
    std::fs::write(folder.path().join("flaw"), "\n").unwrap();
    assert!(is_selected(), "a source changed");
}

#[test]
fn changed_is_what_was_not_judged_in_this_state() {
    let folder = folder_with_flaw("");
    let run = || {
        let (code, text) = outcome(&mut conformance(folder.path(), "", &["run", "callback/state-mismatch"]));
        assert_eq!(code, 0, "{text}");
    };
    let is_selected = || is_changed(folder.path(), "callback/state-mismatch");
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

/// What a driver is asked for when this is replayed, and what is said.
fn replayed(folder: &Path, driver: &TcpListener, arguments: &[&str]) -> (String, String) {
    let mut all = vec!["replay"];
    all.extend(arguments);
    let listener = driver.try_clone().unwrap();
    let asked = std::thread::spawn(move || asked_for(&listener));
    let (code, text) = outcome(&mut conformance(folder, "", &all));
    assert_eq!(code, 3, "{text}");
    (asked.join().unwrap(), text)
}

#[test]
fn a_replay_walks_as_the_stored_run_did() {
    let folder = folder_with_flaw("state-unchecked");
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["run", "callback/state-mismatch"]));
    assert_eq!(code, 1, "{text}");
    // The same run, as a browser would have made it.
    let latest = std::fs::canonicalize(folder.path().join(".conformance/latest")).unwrap();
    let walked_in = |driver: &str, browser: Option<&str>| {
        let mut run = stored(&latest).run;
        run.run.driver = driver.to_owned();
        run.run.browser = browser.map(str::to_owned);
        run.run.driver_url = Some(format!("http://{}", listener.local_addr().unwrap()));
        std::fs::write(latest.join("run.json"), store::text(&run)).unwrap();
        run.run.seed
    };
    let seed = walked_in("webdriver", Some("firefox"));
    for arguments in [
        &["callback/state-mismatch"][..],
        &["callback/state-mismatch", "--seed", &seed],
        &["latest"],
    ] {
        let (asked, text) = replayed(folder.path(), &listener, arguments);
        assert!(asked.contains("moz:firefoxOptions"), "{asked}");
        assert!(!text.contains("may differ"), "{text}");
    }
    // Another browser is an answer to another question, which is said.
    let url = format!("webdriver=http://{}", listener.local_addr().unwrap());
    let arguments = ["latest", "--browser", "chrome", "--driver", &url];
    let (asked, text) = replayed(folder.path(), &listener, &arguments);
    assert!(asked.contains("goog:chromeOptions"), "{asked}");
    assert!(
        text.contains("that run walked by webdriver (firefox), this one by webdriver (chrome)"),
        "{text}"
    );
    // A run of an earlier version does not say which browser it was.
    walked_in("webdriver", None);
    let (asked, text) = replayed(folder.path(), &listener, &["latest"]);
    assert!(asked.contains("goog:chromeOptions"), "{asked}");
    assert!(text.contains("does not say which browser walked"), "{text}");
    // What this version does not know is not replaced by something else.
    for (driver, browser) in [("carrier-pigeon", None), ("webdriver", Some("netscape"))] {
        walked_in(driver, browser);
        let (code, text) = outcome(&mut conformance(folder.path(), "", &["replay", "latest"]));
        assert_eq!(code, 2, "{text}");
        assert!(
            text.contains("CANNOT REPLAY") && text.contains(browser.unwrap_or(driver)),
            "{text}"
        );
    }
    // A seed is of one run: one that no kept run has says nothing of browsers.
    walked_in("webdriver", Some("firefox"));
    let arguments = ["replay", "callback/state-mismatch", "--seed", "abc"];
    let (code, text) = outcome(&mut conformance(folder.path(), "", &arguments));
    assert_eq!(code, 1, "{text}");
}

#[test]
fn more_is_told_of_a_run_with_each_v() {
    let folder = folder();
    let told = |flags: &[&str]| {
        let mut arguments = vec![
            "run",
            "callback/state-mismatch",
            "callback/state-missing",
            "userinfo/sub-mismatch",
        ];
        arguments.extend(flags);
        let output = conformance(folder.path(), "state-unchecked", &arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (said, told_0) = told(&[]);
    let (said_1, told_1) = told(&["-v"]);
    let (said_2, told_2) = told(&["-vv"]);
    let lead = "FAIL callback/state-";
    let blocks = |said: &str| said.matches(lead).count();
    // One cause: by itself its first case is shown in full, with -v each of them.
    assert!(blocks(&said_1) > blocks(&said), "{said}\n---\n{said_1}");
    assert_eq!(blocks(&said_2), blocks(&said_1));
    assert_eq!(told_0, "", "results are on standard output");
    for line in [
        "callback/state-mismatch: ",
        " attempt 1: control before ok: flow ",
        "callback/state-mismatch: fail, ",
        "setup/issuer-is-ours: ",
    ] {
        assert!(told_1.contains(line), "{line}: {told_1}");
        assert!(told_2.contains(line), "{line}: {told_2}");
    }
    let requests = |told: &str| told.lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(requests(&told_1), 0, "{told_1}");
    for line in [
        "user → app  GET /authorization-code/callback  303 → /profile   (falsified)",
        "app → authorization server  POST /oauth2/default/v1/token  200",
    ] {
        assert!(told_2.contains(line), "{line}: {told_2}");
    }
    assert!(requests(&told_2) > 20, "{told_2}");
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

/// `cargo run` starts the program by its path: the lines that are there to be copied name that path too.
#[test]
fn lines_to_copy_name_the_program_as_it_was_started() {
    let folder = folder();
    let program = Path::new(env!("CARGO_BIN_EXE_conformance"));
    std::os::unix::fs::symlink(program, folder.path().join("started")).unwrap();
    let output = Command::new("sh")
        .args(["-c", "exec ./started run callback/state-mismatch --out kept"])
        .current_dir(folder.path())
        .env("FLAW", "state-unchecked")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "more      ./started explain callback/state-mismatch",
        "replay    ./started replay ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // What is kept has the name, because it is read elsewhere.
    let kept = std::fs::read_to_string(folder.path().join("kept/report.html")).unwrap();
    assert!(kept.contains("conformance replay callback/state-mismatch"), "{kept}");
    assert!(!kept.contains("started replay"), "{kept}");
}
