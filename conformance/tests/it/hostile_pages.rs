//! Pages that a browser stumbles over in the middle of a case, and drivers that do not work: each is told clearly or makes
//! one case inconclusive, with a picture, and the run goes on.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
};
use conformance::{
    browser::webdriver::Brand,
    catalog,
    outcome::Verdict,
    run::{CaseResult, RunResult},
    runner::{Driver, InProcess, Options, run},
    target::Config,
};
use flawed_app::Flaws;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use crate::webdriver::{machine_has_a_browser, pool};

const CONFIG: &str = include_str!("../../../fixtures/flawed-app/conformance.toml");

/// The case in whose middle it happens, and one that comes later.
const CASES: [&str; 2] = ["callback/error-access-denied", "callback/clean-url"];

/// What the app answers when it is told that the user declined.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trick {
    Alert,
    PopUp,
    Download,
    Endless,
    Silent,
    Elsewhere,
    PasswordBox,
    Crash,
}

/// The right app, but for one answer.
#[derive(Clone)]
struct Tricky {
    trick: Trick,
    /// Stands in the command line of every browser.
    mark: String,
}

impl Tricky {
    /// The app inside this process.
    fn app(self) -> InProcess {
        InProcess::new(move |listener, vars| {
            let app = flawed_app::app(flawed_app::Config::from_vars(&vars), Flaws::none());
            let app = app.layer(middleware::from_fn_with_state(self.clone(), answer));
            async move { Ok(async move { axum::serve(listener, app).await }) }
        })
    }
}

async fn answer(State(tricky): State<Tricky>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/endless" {
        return "more".into_response();
    }
    if !request
        .uri()
        .query()
        .unwrap_or_default()
        .contains("error=access_denied")
    {
        return next.run(request).await;
    }
    let page = |script: &str| Html(format!("<p>Denied.</p><script>{script}</script>")).into_response();
    match tricky.trick {
        Trick::Alert => page("alert('You were denied')"),
        Trick::PopUp => page("window.open('/')"),
        Trick::Download => ([(header::CONTENT_DISPOSITION, "attachment; filename=a.bin")], "bytes").into_response(),
        Trick::Endless => page("async function more() { await fetch('/endless'); setTimeout(more, 50) } more()"),
        Trick::Silent => std::future::pending().await,
        Trick::Elsewhere => Redirect::to("https://elsewhere.example/denied").into_response(),
        Trick::PasswordBox => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Basic realm=\"denied\"")],
            "no",
        )
            .into_response(),
        Trick::Crash => {
            kill_all(&tricky.mark);
            page("")
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_page_does_to_the_browser_the_run_goes_on() {
    let limit = Duration::from_secs(8);
    let Some(pool) = pool(limit).await else { return };
    for trick in [
        Trick::Alert,
        Trick::PopUp,
        Trick::Download,
        Trick::Endless,
        Trick::Silent,
        Trick::Elsewhere,
        Trick::PasswordBox,
        Trick::Crash,
    ] {
        let mark = pool.mark();
        let mut config: Config = toml::from_str(CONFIG).unwrap();
        config.target.start = None;
        let options = Options {
            driver: Driver::WebDriver {
                brand: Brand::Chrome,
                url: None,
            },
            browsers: Some(pool.clone()),
            launcher: Some(Tricky { trick, mark }.app()),
            timeout: limit,
            jobs: 1,
            ..Options::new(catalog::all().filter(|case| CASES.contains(&case.id)).collect())
        };
        let result = run(&config, &options, &mut |_| {}).await;
        assert_eq!(result.aborted, None, "{trick:?}");
        let later = verdict(&result, CASES[1]);
        assert_eq!(later, &Verdict::Pass, "{trick:?}: the case after it is judged as ever");
        let hit = verdict(&result, CASES[0]);
        let screens: Vec<_> = found(&result, CASES[0])
            .variants
            .iter()
            .flat_map(|variant| &variant.attempts)
            .flat_map(|attempt| &attempt.evidence.screens)
            .collect();
        assert!(
            screens.iter().any(|screen| !screen.jpeg.is_empty()),
            "{trick:?}: no picture"
        );
        let reason = hit.reason().unwrap_or_default().to_owned();
        match trick {
            Trick::Alert => assert!(
                screens
                    .iter()
                    .any(|screen| screen.alerts.iter().any(|text| text == "You were denied")),
                "the alert box is told: {hit:?}"
            ),
            Trick::PopUp => assert!(reason.contains("opened another window"), "{hit:?}"),
            Trick::Endless => assert!(reason.contains("never came to rest"), "{hit:?}"),
            Trick::Crash => assert!(reason.contains("the browser has gone"), "{hit:?}"),
            // What the gate saw can be judged; how it is judged is the case's own business.
            Trick::Download | Trick::Silent | Trick::Elsewhere | Trick::PasswordBox => {
                assert!(!matches!(hit, Verdict::Error(_)), "{trick:?}: {hit:?}");
            }
        }
    }
}

fn found<'r>(result: &'r RunResult, id: &str) -> &'r CaseResult {
    result.cases.iter().find(|case| case.case.id == id).unwrap()
}

fn verdict<'r>(result: &'r RunResult, id: &str) -> &'r Verdict {
    &found(result, id).verdict
}

#[tokio::test]
async fn a_driver_that_does_not_fit_the_browser_is_named_before_anything_starts() {
    let driver = MockServer::start().await;
    let told = "session not created: This version of ChromeDriver only supports Chrome version 114\nCurrent browser \
                version is 156.0.1.2";
    let refusal = serde_json::json!({ "value": { "error": "session not created", "message": told, "stacktrace": "" } });
    Mock::given(method("POST"))
        .and(path("/session"))
        .respond_with(ResponseTemplate::new(500).set_body_json(refusal))
        .mount(&driver)
        .await;
    let mut config: Config = toml::from_str(CONFIG).unwrap();
    config.target.start = None;
    // Any free one: the usual port may be in use on this machine.
    config.idp.port = 0;
    let options = Options {
        driver: Driver::WebDriver {
            brand: Brand::Chrome,
            url: Some(driver.uri()),
        },
        ..Options::new(catalog::all().take(1).collect())
    };
    let result = run(&config, &options, &mut |_| {}).await;
    assert!(result.aborted.is_some());
    let check = &result.preflight[0];
    assert_eq!((check.id, check.ok), ("setup/driver-version", false));
    assert!(check.saw.contains("only supports Chrome version 114"), "{}", check.saw);
    assert!(check.saw.contains("of the same major version"), "{}", check.saw);
    assert_eq!(check.fix, "conformance browser install");
}

/// An app whose sign-in never answers, and that says when it was asked.
const SLEEPER: &str = r#"
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/login"):
            open("asked", "w").close(); time.sleep(600)
        self.send_response(401); self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

const SLEEPER_CONFIG: &str = r#"
[target]
url = "http://localhost:{port}"
sign_in = { get = "/login" }
callback = "/callback"
[target.session]
probe = "/me"
signed_in = { status = 200, contains = "{user.email}" }
signed_out = { status = 401 }
[target.start]
command = "exec python3 sleeper.py {port}"
"#;

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_running_when_the_harness_is_interrupted_or_killed() {
    if !machine_has_a_browser() {
        return;
    }
    for (signal, code) in [("-INT", Some(130)), ("-TERM", Some(130)), ("-KILL", None)] {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        write("sleeper.py", SLEEPER);
        write("conformance.toml", SLEEPER_CONFIG);
        // Every process that the run starts has this in its environment, and browsers have it in their command line.
        let mark = folder.path().display().to_string();
        let mut harness = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args([
                "run",
                "--driver",
                "webdriver",
                "--timeout",
                "60",
                "callback/state-mismatch",
            ])
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert!(
            soon(|| folder.path().join("asked").exists()),
            "the browser is on its way"
        );
        assert!(processes(&mark).len() > 3, "no browser runs");
        let sent = Command::new("kill").args([signal, &harness.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(harness.wait().unwrap().code(), code);
        assert!(
            soon(|| processes(&mark).is_empty()),
            "{signal}: {:?} are left",
            processes(&mark)
        );
    }
}

#[test]
fn a_machine_without_a_driver_is_told_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), SLEEPER_CONFIG).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["run", "--driver", "webdriver", "--ascii", "callback/state-mismatch"])
        .current_dir(folder.path())
        .env("CHROMEDRIVER", folder.path().join("nowhere"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("setup/driver-version") && text.contains("conformance browser install"),
        "{text}"
    );
}

/// Ends every browser with this in its command line; the driver itself has it only in its environment.
fn kill_all(mark: &str) {
    for pid in matching(&|process| holds(&process.join("cmdline"), mark)) {
        let _gone = Command::new("kill")
            .args(["-KILL", &pid])
            .stderr(Stdio::null())
            .status();
    }
}

/// Running processes with this text in their command line or environment, as the system tells.
pub(crate) fn processes(mark: &str) -> Vec<String> {
    matching(&|process| holds(&process.join("cmdline"), mark) || holds(&process.join("environ"), mark))
}

fn matching(fits: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let is_process = pid.bytes().all(|byte| byte.is_ascii_digit());
        if is_process && pid != std::process::id().to_string() && fits(&entry.path()) {
            found.push(pid);
        }
    }
    found
}

fn holds(file: &Path, mark: &str) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&text).contains(mark)
}

/// Polls until it is true.
pub(crate) fn soon(mut what: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
