//! Runs of the program against a real app: what is kept when they are ended, parts and wholes, causes.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use conformance::{
    case::{Case, Lane},
    catalog,
    report::{
        Setting,
        cause::{Cause, causes},
        console::Console,
        document::{Run, Word},
        look::Look,
        rejudge, store, summary,
    },
};
use flawed_app::Flaws;
use indicatif::ProgressDrawTarget;

/// This program as the app under test: `FLAW` says what is wrong with it, `ANSWERS_500` lets every refusal be a server error.
#[tokio::test]
#[ignore = "an app for the other tests, which start it"]
async fn the_app_itself() {
    let Ok((config, port)) = flawed_app::Config::from_env() else {
        return;
    };
    let flaws = Flaws::parse(&std::env::var("FLAW").unwrap_or_default()).unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    if std::env::var_os("ANSWERS_500").is_none() {
        flawed_app::serve(listener, config, flaws).await.unwrap();
        return;
    }
    // The app behind a handler that forgets to catch.
    let inner = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let behind = inner.local_addr().unwrap().port();
    tokio::spawn(flawed_app::serve(inner, config, flaws));
    axum::serve(listener, crashing::router(behind)).await.unwrap();
}

/// Passes requests on, and turns refusals at the callback into server errors.
mod crashing {
    use axum::{
        Router,
        body::Body,
        extract::{Request, State},
        http::StatusCode,
        response::Response,
    };

    pub(super) fn router(port: u16) -> Router {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Router::new().fallback(pass).with_state((port, client))
    }

    #[allow(clippy::print_stdout, reason = "an app prints its traces")]
    async fn pass(State((port, client)): State<(u16, reqwest::Client)>, request: Request) -> Response {
        let is_callback = request.uri().path() == "/authorization-code/callback";
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let url = format!("http://127.0.0.1:{port}{target}");
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
        let answer = client.request(method, url).headers(headers).body(body).send().await;
        let Ok(answer) = answer else {
            return Response::builder()
                .status(StatusCode::BAD_GATEWAY)
                .body(Body::empty())
                .unwrap();
        };
        let refused = is_callback && answer.status().is_client_error();
        if refused {
            println!("Traceback: uncaught refusal in callback handler");
        }
        let status = if refused {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            answer.status()
        };
        let mut response = Response::builder().status(status);
        for (name, value) in answer.headers() {
            if name != "transfer-encoding" && name != "content-length" {
                response = response.header(name, value);
            }
        }
        let body = answer.bytes().await.unwrap();
        response.body(Body::from(body)).unwrap()
    }
}

/// A folder with a configuration for this app.
pub(crate) fn folder() -> tempfile::TempDir {
    folder_of("")
}

/// The same, whose flaw stands in the file `flaw` beside the configuration: an app that is fixed by a change of a file, once
/// it was built anew.
pub(crate) fn folder_with_flaw(flaw: &str) -> tempfile::TempDir {
    let folder = folder_of("FLAW=$(cat .conformance/built) ");
    let file = folder.path().join("conformance.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let build = "build = \"mkdir -p .conformance && cp flaw .conformance/built\"\ncommand = ";
    std::fs::write(&file, text.replace("command = ", build)).unwrap();
    std::fs::write(folder.path().join("flaw"), flaw).unwrap();
    folder
}

fn folder_of(before: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/flawed-app/conformance.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let app = std::env::current_exe().unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("build = ")).map(|line| {
        if line.starts_with("command = ") {
            format!(
                "command = \"{before}exec '{}' --exact kept::the_app_itself --ignored --nocapture\"",
                app.display()
            )
        } else {
            line.to_owned()
        }
    });
    let text: Vec<String> = lines.collect();
    std::fs::write(folder.path().join("conformance.toml"), text.join("\n")).unwrap();
    folder
}

pub(crate) fn conformance(folder: &Path, flaw: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CONFORMANCE_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .args(arguments)
        .env("FLAW", flaw)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("CI")
        .stdin(Stdio::null());
    command
}

pub(crate) fn outcome(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

pub(crate) fn stored(folder: &Path) -> store::Stored {
    store::read(folder).unwrap()
}

#[test]
fn what_was_judged_is_kept_however_a_run_ends() {
    for (signal, code) in [("-INT", Some(130)), ("-TERM", Some(130)), ("-KILL", None)] {
        let folder = folder();
        let arguments = [
            "run",
            "callback",
            "token-request",
            "--out",
            "kept",
            "--jobs",
            "1",
            "--report",
            "junit",
        ];
        let mut run = conformance(folder.path(), "state-unchecked", &arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let journal = folder.path().join("kept/journal.ndjson");
        let judged = || {
            let text = std::fs::read_to_string(&journal).unwrap_or_default();
            text.matches("\"event\":\"case_finished\"").count()
        };
        assert!(soon(|| judged() >= 2), "cases are written down while the run goes on");
        let sent = Command::new("kill")
            .args([signal, &run.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        assert_eq!(run.wait().unwrap().code(), code, "{signal}");
        let stored = stored(&folder.path().join("kept"));
        assert_eq!(stored.run.run.interrupted, code.is_some());
        assert!(stored.run.run.partial && stored.run.cases.len() >= 2, "{signal}");
        assert_eq!(stored.from_journal.is_some(), code.is_none());
        for case in &stored.run.cases {
            assert!(
                store::read_evidence(&stored.folder, case).is_ok(),
                "{} has its evidence",
                case.id
            );
        }
        let junit = std::fs::read_to_string(folder.path().join("kept/junit.xml"));
        assert_eq!(junit.is_ok(), code.is_some(), "{signal}");
        assert!(junit.is_err() || junit.is_ok_and(|text| text.contains("the run ended early")));
    }
}

/// Two bugs, one of which dozens of cases meet.
#[test]
fn two_bugs_are_at_most_five_causes() {
    let folder = folder();
    let arguments = [
        "run",
        "callback",
        "redirect",
        "authorization",
        "session",
        "--out",
        "kept",
    ];
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "state-unchecked,open-redirect",
        &arguments,
    ));
    assert_eq!(code, 1, "{text}");
    let run = stored(&folder.path().join("kept")).run;
    let causes = causes(&run);
    let findings: Vec<&str> = run
        .cases
        .iter()
        .filter(|case| case.verdict.is_finding())
        .map(|case| case.id.as_str())
        .collect();
    assert!(
        (2..=5).contains(&causes.len()),
        "{} causes of {findings:?}:\n{text}",
        causes.len()
    );
    let gathered: usize = causes.iter().map(|cause| cause.cases.len()).sum();
    assert_eq!(gathered, findings.len(), "every case is in one cause");
    on_one_screen(&run, &causes);
    assert!(text.contains("exit 1\nreport   kept/report.html\n"), "{text}");
    judged_again(folder.path());
}

#[test]
fn a_handler_that_forgets_to_catch_is_one_cause() {
    let folder = folder();
    let arguments = ["run", "callback", "token-response", "token-request", "--out", "kept"];
    let (_, text) = outcome(conformance(folder.path(), "", &arguments).env("ANSWERS_500", "1"));
    let run = stored(&folder.path().join("kept")).run;
    let warned = run.count(Word::Warn);
    let causes = causes(&run);
    assert!(
        warned > 5 && causes.len() <= 5,
        "{} causes of {warned} warnings:\n{text}",
        causes.len()
    );
    let first = &causes[0];
    assert!(
        first.headline.contains("/authorization-code/callback answers 500"),
        "{}",
        first.headline
    );
    assert!(
        text.contains("app log   Traceback: uncaught refusal"),
        "the lines of that request: {text}"
    );
    on_one_screen(&run, &causes);
    judged_again(folder.path());
}

/// Rows of a usual terminal.
const SCREEN: usize = 24;

/// What a terminal shows of such a run: a block for each cause and no more, and when it is over, each cause again and the
/// counts without scrolling.
fn on_one_screen(run: &Run, causes: &[Cause<'_>]) {
    for width in [80, 120] {
        let look = Look {
            width: Some(width),
            height: Some(SCREEN),
            ..Look::default()
        };
        let mut said = String::new();
        let selected: Vec<&'static Case> = catalog::all().filter(|case| run.case(case.id).is_some()).collect();
        let say = |text: &str| said.push_str(text);
        let hidden = ProgressDrawTarget::hidden();
        Console::new(say, hidden, look, Setting::default(), &selected, false).end(run);
        let is_head = |line: &&str| line.starts_with("FAIL ") || line.starts_with("WARN ");
        let heads = said.lines().filter(is_head).count();
        // In full, and again in a line, unless the only one is on the screen all the same.
        let is_shown = heads == 2 * causes.len() || (causes.len() == 1 && heads == 1);
        assert!(
            is_shown,
            "{heads} headings of {} causes at {width} columns:\n{said}",
            causes.len()
        );
        // Commands and addresses are not torn apart, and the counts are one line.
        let too_long = |line: &&str| line.chars().count() > width && !line.contains('/') && !line.contains(" exit ");
        assert_eq!(said.lines().find(too_long), None, "at {width} columns");
        let rows: Vec<&str> = said.trim_end().lines().collect();
        let end = rows[rows.len().saturating_sub(SCREEN - 1)..].join("\n");
        for cause in causes {
            assert!(end.contains(&cause.extent()), "{}:\n{end}", cause.extent());
        }
        assert_eq!(end.lines().last(), Some(summary::last_line(run).as_str()));
    }
}

/// Judged again, the run in `kept` comes to the same verdicts, those of the cases that only watch among them.
fn judged_again(folder: &Path) {
    let was = stored(&folder.join("kept"));
    let again = rejudge::rejudge(&was);
    let verdicts = |run: &Run| -> Vec<(String, Word)> {
        let all = run.cases.iter().map(|case| (case.id.clone(), case.verdict));
        all.collect()
    };
    assert_eq!(verdicts(&again.run), verdicts(&was.run));
    assert_eq!(again.kept, [], "everything is judged again");
    assert_eq!(again.run.exit_code, was.run.exit_code);
    let watching = conformance::catalog::all().filter(|case| case.lane == Lane::Watch);
    let judged = watching.filter(|case| was.run.case(case.id).is_some_and(|own| own.verdict == Word::Pass));
    let seen: Vec<&str> = judged.map(|case| case.id).collect();
    let (code, text) = outcome(&mut conformance(folder, "", &["rejudge", "kept"]));
    assert_eq!(code, i32::from(was.run.exit_code), "{text}");
    assert!(!text.contains("differs") && !text.contains("as it was"), "{text}");
    // Without what they were judged by, they stay as they were, and it is said why.
    let controls = folder.join("kept/evidence/controls.json");
    std::fs::remove_file(controls).unwrap();
    let again = rejudge::rejudge(&was);
    for id in &seen {
        let why = again
            .kept
            .iter()
            .find(|(case, _)| case == id)
            .map(|(_, why)| why.as_str());
        assert!(why.is_some_and(|why| why.contains("controls")), "{id}: {why:?}");
    }
    assert_eq!(verdicts(&again.run), verdicts(&was.run));
}

#[test]
fn the_parts_come_to_what_the_whole_comes_to() {
    let folder = folder();
    let selection = ["authorization", "token-request", "userinfo"];
    let run = |extra: &[&str]| {
        let arguments: Vec<&str> = ["run"].iter().chain(&selection).chain(extra).copied().collect();
        outcome(&mut conformance(
            folder.path(),
            "nonce-unchecked,userinfo-sub-unchecked",
            &arguments,
        ))
    };
    run(&["--out", "whole", "--seed", "7f3a"]);
    // As jobs of a workflow, of which the last one is to be red.
    for (out, shard) in [("one", "1/2"), ("two", "2/2")] {
        let (code, text) = run(&["--out", out, "--shard", shard, "--seed", "7f3a", "--exit-zero"]);
        assert_eq!(code, 0, "{text}");
    }
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "",
        &["report", "merge", "one", "two", "--out", "merged", "--report", "sarif"],
    ));
    let whole = stored(&folder.path().join("whole")).run;
    let merged = stored(&folder.path().join("merged")).run;
    let verdicts =
        |run: &Run| -> Vec<(String, Word)> { run.cases.iter().map(|case| (case.id.clone(), case.verdict)).collect() };
    assert_eq!(verdicts(&merged), verdicts(&whole), "{text}");
    assert_eq!((code, whole.exit_code), (1, 1), "{text}");
    assert_eq!(merged.run.profiles, whole.run.profiles);
    assert!(folder.path().join("merged/report.sarif").is_file());
    let one = stored(&folder.path().join("one")).run;
    assert!(one.cases.len() < whole.cases.len() && one.run.shard.as_deref() == Some("1/2"));
    // A part that is missing is told.
    let (_, text) = outcome(&mut conformance(
        folder.path(),
        "",
        &["report", "merge", "one", "--out", "half"],
    ));
    assert!(text.contains("parts are missing: 2/2"), "{text}");
    assert_eq!(
        merged.run.starts,
        one.run
            .starts
            .zip(stored(&folder.path().join("two")).run.run.starts)
            .map(|(one, two)| one + two)
    );
    // A whole run is no part of another.
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "",
        &["report", "merge", "one", "whole"],
    ));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("the number of parts differs"), "{text}");
}

#[test]
fn a_failure_is_replayed_and_told_when_it_is_fixed() {
    let folder = folder();
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "state-unchecked",
        &["run", "callback/state-mismatch", "callback/state-missing", "--bail"],
    ));
    assert_eq!(code, 1, "{text}");
    let replay = |flaw: &str| {
        outcome(&mut conformance(
            folder.path(),
            flaw,
            &["replay", "callback/state-mismatch"],
        ))
    };
    let (code, text) = replay("state-unchecked");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("STILL FAILS callback/state-mismatch") || text.contains("FAILS callback/state-mismatch"),
        "{text}"
    );
    let (code, text) = replay("");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("callback/state-mismatch"), "{text}");
    let (code, text) = outcome(&mut conformance(
        folder.path(),
        "",
        &["replay", "callback/state-mismach"],
    ));
    assert_eq!(code, 2);
    assert!(text.contains("did you mean callback/state-mismatch"), "{text}");
}

/// Whoever reads a finding of a case for which nothing is sent wants to see the walk in which it was seen.
#[test]
fn a_case_that_only_watches_shows_where_it_saw_what_it_tells() {
    let folder = folder();
    let cases = [
        "run",
        "authorization/pkce-s256",
        "callback/state-mismatch",
        "--out",
        "kept",
    ];
    let (code, text) = outcome(&mut conformance(folder.path(), "no-pkce", &cases));
    assert_eq!(code, 0, "a warning: {text}");
    let kept = folder.path().join("kept");
    let stored = stored(&kept);
    let watching = stored.run.cases.iter().find(|case| case.id == cases[1]).unwrap();
    assert_eq!(watching.verdict, Word::Warn);
    let evidence = store::read_evidence(&kept, watching).unwrap();
    let walk = &evidence.variants[0].attempts[0];
    let request = walk.hops.iter().find(|hop| hop.request.target.contains("/authorize?"));
    let target = &request.expect("the authorization request is there").request.target;
    assert!(!target.contains("code_challenge"), "{target}");
    // By the same name it is found in the report.
    let told = &watching.variants[0].attempts[0].flows;
    assert_eq!(
        told,
        &walk.flows.iter().map(|flow| flow.id.to_string()).collect::<Vec<_>>()
    );
    assert!(!told.is_empty());
}

#[test]
fn a_run_compared_with_itself_has_no_difference() {
    let folder = folder();
    let arguments = [
        "run",
        "callback/state-mismatch",
        "callback/code-replayed",
        "--out",
        "kept",
    ];
    outcome(&mut conformance(folder.path(), "state-unchecked", &arguments));
    let (code, text) = outcome(&mut conformance(folder.path(), "", &["diff", "kept", "kept"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("0 broke, 0 fail differently, 0 fixed"), "{text}");
}

/// A folder for looking at what was made: `LOOK_AT` names it.
#[test]
#[ignore = "for looking at reports: LOOK_AT=DIR FLAW=name [ONLY=selectors]"]
fn something_to_look_at() {
    let Some(out) = std::env::var_os("LOOK_AT").map(PathBuf::from) else {
        return;
    };
    let folder = folder();
    let flaw = std::env::var("FLAW").unwrap_or_default();
    let mut command = conformance(
        folder.path(),
        &flaw,
        &["run", "--report", "html,junit,sarif,ctrf,tap,md,gitlab", "--out"],
    );
    command.arg(&out);
    command.args(std::env::var("ONLY").unwrap_or_default().split_whitespace());
    if std::env::var_os("ANSWERS_500").is_some() {
        command.env("ANSWERS_500", "1");
    }
    let (_, text) = outcome(&mut command);
    std::fs::write(out.join("console.txt"), text).unwrap();
}

/// Polls until it is true.
pub(crate) fn soon(mut what: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
