//! The HTML report in a real browser: it opens from disk, axe finds nothing, keys and filter work.

use std::path::Path;

use conformance::{
    catalog,
    report::{
        evidence_file, html,
        kind::{Kind, Source},
    },
};
use fantoccini::{ClientBuilder, wd::Capabilities};
use serde_json::{Value, json};

use crate::{kept, report::document, webdriver::machine_has_a_browser};

const AXE: &str = include_str!("vendored/axe.min.js");

fn page(folder: &Path) -> String {
    let run = document();
    let source = Source {
        run: &run,
        folder: None,
    };
    let text = Kind::Html.render(&source).unwrap();
    let file = folder.join("report.html");
    std::fs::write(&file, &text).unwrap();
    format!("file://{}", file.display())
}

#[test]
fn a_page_stands_on_its_own_and_is_small() {
    let run = document();
    let text = html::document(&Source {
        run: &run,
        folder: None,
    })
    .unwrap();
    assert!(text.len() < html::LIMIT);
    for outside in ["src=\"http", "href=\"//", "@import", "url(http", "<link"] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.contains("default-src 'none'"));
    for wanted in [
        "Expected",
        "Delivered by the authorization server",
        "Observed in the app",
        "How to fix it",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(text.contains("Express with openid-client, guessed from the cookie connect.sid"));
}

/// A run in which every case of the catalogue fails, each for a reason of its own, with the evidence of a real walk and as much
/// output of the app as is shown. The page says everything about each, and shows requests as far as there is room.
#[test]
fn a_page_in_which_everything_fails_stays_below_its_limit_and_is_not_stripped() {
    let folder = kept::folder();
    let arguments = ["run", "id-token/aud-wrong", "--out", "kept"];
    let (code, text) = kept::outcome(&mut kept::conformance(folder.path(), "aud-unchecked", &arguments));
    assert_eq!(code, 1, "{text}");
    let mut stored = kept::stored(&folder.path().join("kept"));
    let walked = stored.run.cases.remove(0);
    let evidence = stored.folder.join(evidence_file(&walked.id));
    for literal in catalog::all() {
        let mut case = walked.clone();
        case.id = literal.id.to_owned();
        literal.title.clone_into(&mut case.title);
        literal.why.clone_into(&mut case.why);
        for attempt in case.variants.iter_mut().flat_map(|variant| &mut variant.attempts) {
            for change in attempt.sent.iter_mut().flat_map(|sent| &mut sent.changes) {
                change.what = format!("{} of {}", change.what, literal.id);
            }
            attempt.log = vec!["a line of the app that is as long as it may be, ".repeat(8); 6];
            for check in &mut attempt.checks {
                check.id = format!("{}-of-{}", check.id, literal.id.replace('/', "-"));
                check.saw = check.saw.as_ref().map(|saw| format!("{saw}, in {}", literal.title));
            }
        }
        let own = stored.folder.join(evidence_file(literal.id));
        if own != evidence {
            std::os::unix::fs::symlink(&evidence, own).unwrap();
        }
        stored.run.cases.push(case);
    }
    stored.run.settle();
    let all = stored.run.cases.len();
    let text = html::document(&Source {
        run: &stored.run,
        folder: Some(stored.folder),
    })
    .unwrap();
    let count = |part: &str| text.matches(part).count();
    let (causes, diagrams) = (count("<article class=\"cause "), count("<svg class=\"sequence\""));
    let size = text.len();
    assert!(size < html::LIMIT, "{size} bytes");
    assert_eq!(causes, all, "each a cause of its own");
    assert_eq!(diagrams + count("The page is full"), all);
    assert!(diagrams > all / 3, "{diagrams} diagrams of {all} in {size} bytes");
}

#[tokio::test]
async fn axe_finds_nothing_and_the_page_can_be_used_by_keyboard() {
    if !machine_has_a_browser() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = page(folder.path());
    let mut driver = Driver::start().await;
    for scheme in ["light", "dark"] {
        let client = driver.session(folder.path(), scheme).await;
        client.goto(&url).await.unwrap();
        assert_eq!(violations(&client, scheme).await, json!([]), "{scheme}");
        if scheme == "light" {
            used(&client).await;
        }
        client.close().await.unwrap();
    }
    driver.end();
}

/// The page of a run of the program: with diagrams, requests, token and cookie tables, which the fixed run has no evidence for.
#[tokio::test]
async fn axe_finds_nothing_in_a_page_with_evidence() {
    if !machine_has_a_browser() {
        return;
    }
    let folder = kept::folder();
    let cases = ["run", "callback/state-mismatch", "id-token/aud-wrong"];
    let mut run = kept::conformance(folder.path(), "state-unchecked,aud-unchecked", &cases);
    run.args(["--out", "kept", "--report", "html"]);
    let (code, text) = tokio::task::spawn_blocking(move || kept::outcome(&mut run))
        .await
        .unwrap();
    assert_eq!(code, 1, "{text}");
    let url = format!("file://{}", folder.path().join("kept/report.html").display());
    let mut driver = Driver::start().await;
    for scheme in ["light", "dark"] {
        let client = driver.session(folder.path(), scheme).await;
        client.goto(&url).await.unwrap();
        assert_eq!(violations(&client, scheme).await, json!([]), "{scheme}");
        let parts = "return ['svg.sequence .falsified', '.tokens tbody tr', '.cookies tbody tr', '.exchange', 'article.cause']\
                     .map(own => document.querySelectorAll(own).length > 0)";
        let there = client.execute(parts, vec![]).await.unwrap();
        assert_eq!(there, json!([true, true, true, true, true]), "{scheme}");
        for width in [1280, 500] {
            client.set_window_size(width, 900).await.unwrap();
            let beyond = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(
                client.execute(beyond, vec![]).await.unwrap(),
                json!(0),
                "{scheme}, {width} pixels wide"
            );
        }
        client.close().await.unwrap();
    }
    driver.end();
}

/// What axe finds with everything opened, in the colour scheme that the session asks for.
async fn violations(client: &fantoccini::Client, scheme: &str) -> Value {
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(client.execute(dark, vec![]).await.unwrap(), json!(scheme == "dark"));
    client.execute(AXE, vec![]).await.unwrap();
    // The requests of a case are made when its part opens.
    client
        .execute_async(
            "const done = arguments[0]; const all = own => [...document.querySelectorAll(own)]; \
             const open = () => all('details').forEach(own => own.open = true); open(); \
             const made = () => all('details.steps').every(own => own.querySelector('.exchange')); \
             const ready = () => { if (!made()) { setTimeout(ready); return; } open(); \
             axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })\
             .then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; '))), e => done(String(e))); }; ready()",
            vec![],
        )
        .await
        .unwrap()
}

/// Jumps by `j`, filters, and finds what a link leads to.
async fn used(client: &fantoccini::Client) {
    let key = "document.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true })); return location.hash";
    let press = async |which: &str| client.execute(key, vec![json!(which)]).await.unwrap();
    assert_eq!(press("j").await, json!("#cause-1"));
    assert_eq!(press("j").await, json!("#cause-2"));
    assert_eq!(press("k").await, json!("#cause-1"));
    let filter = "const t = document.getElementById('text'); t.value = arguments[0]; t.dispatchEvent(new Event('input')); \
                  return [document.getElementById('hits').textContent, [...document.querySelectorAll('article.cause')].filter(c => !c.hidden).length]";
    let found = client.execute(filter, vec![json!("aud-wrong")]).await.unwrap();
    assert_eq!(found, json!(["1 case shown", 1]));
    let focus = "document.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true, cancelable: true })); return document.activeElement.id";
    assert_eq!(client.execute(focus, vec![]).await.unwrap(), json!("text"));
}

struct Driver {
    process: std::process::Child,
    port: u16,
}

impl Driver {
    #[allow(
        clippy::zombie_processes,
        reason = "`end` waits for it, and a test that fails ends this process"
    )]
    async fn start() -> Self {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process =
            std::process::Command::new(std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned()))
                .arg(format!("--port={port}"))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
        for _ in 0..2000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { process, port };
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the driver does not answer");
    }

    async fn session(&self, folder: &Path, scheme: &str) -> fantoccini::Client {
        let profile = folder.join(scheme);
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        if scheme == "dark" {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let wanted: Capabilities =
            serde_json::from_value(json!({ "goog:chromeOptions": { "args": arguments } })).unwrap();
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(wanted);
        builder
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }

    fn end(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
