//! The command line, as somebody types it.

use assert_cmd::Command;

use crate::app;

fn output(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-idp"));
    // No file beside us, and nothing that the machine sets.
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("MOCK_IDP_HTTPS");
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn env_tells_an_app_its_issuer_and_client() {
    let printed = output(&["env", "--client", "web:s3cret=http://localhost:3000/callback"]);
    assert_eq!(
        printed,
        "export OKTA_ISSUER='http://127.0.0.1:9494/oauth2/default'\nexport OKTA_CLIENT_ID='web'\nexport \
         OKTA_CLIENT_SECRET='s3cret'\n"
    );
}

#[test]
fn env_names_the_ca_where_https_is_served() {
    let printed = output(&["env", "--https=/run/tls", "--format", "dotenv"]);
    assert!(
        printed.starts_with("OKTA_ISSUER=https://127.0.0.1:9494/oauth2/default\n"),
        "{printed}"
    );
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
        assert!(printed.contains(&format!("\n{name}=/run/tls/ca.pem\n")), "{printed}");
    }
    // Without a folder it is one beside us.
    let printed = output(&["env", "--https", "--format", "dotenv"]);
    assert!(printed.contains("/.mock-idp/ca.pem\n"), "{printed}");
}

/// What a command says that fails, and its exit code.
fn refusal(arguments: &[&str], folder: &std::path::Path) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mock-idp"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn faults_are_listed_by_the_beginning_of_their_ids() {
    let listed = output(&["faults", "id-token.aud-wrong"]);
    assert!(listed.lines().count() > 3, "{listed}");
    assert!(
        listed.lines().all(|line| line.starts_with("id-token.aud-wrong.")),
        "{listed}"
    );
    assert!(output(&["faults", "id-token.alg-none"]).contains("sign in as id-token.alg-none@fault.test"));
    let (code, told) = refusal(&["faults", "id-token.alg-nonne"], &std::env::temp_dir());
    assert_eq!(code, 2);
    assert!(told.contains("did you mean `id-token.alg-none`?"), "{told}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_mistake() {
    let script = format!("set -o pipefail; {} faults | head -n 1", env!("CARGO_BIN_EXE_mock-idp"));
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_file_to_begin_with_is_written_once_and_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_mock-idp"))
            .args(arguments)
            .current_dir(&folder)
            .assert()
    };
    run(&["init"]).success();
    run(&["check"]).success();
    let schema = std::fs::read_to_string(folder.path().join(".mock-idp/schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(
        schema["$defs"]["client"]["properties"]["redirect_uris"]["type"],
        "array"
    );
    run(&["init"]).failure();
}

#[test]
fn check_tells_every_mistake_and_what_lax_would_take() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("mock-idp.toml"),
        "[[auth_server]]\nid = \"default\"\naccess_token_lifetime = 10\n[[client]]\nid = \"w\"\nredirect_uris = \
         [\"http://localhost:*/callback\"]\n",
    )
    .unwrap();
    let (code, told) = refusal(&["check"], folder.path());
    assert_eq!(code, 2);
    assert!(
        told.contains("mock-idp.toml:3:") && told.contains("mock-idp.toml:6:") && told.contains("2 mistakes"),
        "{told}"
    );
    let (code, told) = refusal(&["check", "--lax"], folder.path());
    assert_eq!(code, 0, "{told}");
}

/// A server as somebody starts it, and what it says.
pub(crate) struct Running {
    child: std::process::Child,
    stderr: std::sync::Arc<std::sync::Mutex<String>>,
    pub(crate) issuer: String,
}

impl Running {
    pub(crate) fn start(arguments: &[&str], folder: &std::path::Path) -> Self {
        use std::{io::BufRead, process::Stdio};
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mock-idp"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let (mut from, into) = (child.stderr.take().unwrap(), stderr.clone());
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = std::io::Read::read(&mut from, &mut piece) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..count]));
            }
        });
        let mut ready = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let issuer = ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("issuer="))
            .expect(&ready);
        Self {
            issuer: issuer.to_owned(),
            child,
            stderr,
        }
    }

    /// What it said, once it has said this.
    pub(crate) async fn said(&self, wanted: &str) -> String {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let said = self.stderr.lock().unwrap().clone();
            if said.contains(wanted) {
                return said;
            }
            assert!(std::time::Instant::now() < until, "`{wanted}` was not said:\n{said}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const WEB: &str = "web:a-secret-that-is-long-enough-for-all=http://localhost:3000/callback";

#[tokio::test]
async fn the_terminal_tells_each_request_and_why_one_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(&["--client", WEB, "--journal", "all.ndjson"], folder.path());
    let said = server.said("app env").await;
    assert!(
        said.contains("TEST KEYS") && said.contains("dashboard") && said.contains("OKTA_CLIENT_ID=web"),
        "{said}"
    );

    let tokens = app::sign_in(&server.issuer, "alice@example.test", &[]).await;
    assert!(tokens["id_token"].is_string());
    let said = server.said("of alice@example.test").await;
    let line = |part: &str| {
        said.lines()
            .find(|line| line.contains(part))
            .unwrap_or_else(|| panic!("{part} in {said}"))
            .to_owned()
    };
    assert!(
        line("GET  /oauth2/default/v1/authorize").contains("web              200  page"),
        "{said}"
    );
    assert!(line("alice@example.test signed in").contains("302"), "{said}");
    assert!(
        line("/v1/token").contains("200  access, ID token of alice@example.test"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "no colour where no terminal is: {said}");

    let wrong = [("redirect_uri", Some("http://127.0.0.1:3000/callback"))];
    app::Browser::new()
        .get(app::authorization_url(&server.issuer, &wrong))
        .await;
    let said = server.said("redirect_uris = [").await;
    assert!(said.contains("<- registered: http://localhost:3000/callback"), "{said}");
    assert!(said.contains("400  invalid_request"), "{said}");

    let journal = std::fs::read_to_string(folder.path().join("all.ndjson")).unwrap();
    let events: Vec<serde_json::Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for wanted in ["received", "signed-in", "tokens-issued", "answered"] {
        assert!(
            events.iter().any(|record| record["event"]["event"] == wanted),
            "{wanted}"
        );
    }
}

#[tokio::test]
async fn quiet_says_nothing_of_requests_and_verbose_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = Running::start(&["--quiet", "--client", WEB], folder.path());
    let verbose = Running::start(&["--verbose", "--client", WEB], folder.path());
    for server in [&quiet, &verbose] {
        app::sign_in(&server.issuer, "alice@example.test", &[]).await;
    }
    verbose.said("  scope=openid profile email").await;
    let said = verbose.said("  -> http://localhost:3000/callback?code=").await;
    assert!(
        said.contains("  credentials.passcode=…") && !said.contains("any password"),
        "{said}"
    );
    app::Browser::new()
        .get(app::endpoint(&format!("{}t", verbose.issuer), "keys"))
        .await;
    verbose
        .said("404  E0000007  Not found: Resource not found: defaultt (AuthorizationServer)")
        .await;
    assert_eq!(*quiet.stderr.lock().unwrap(), "");
}

#[cfg(unix)]
#[test]
fn it_stops_when_its_parent_is_gone() {
    use std::io::Read;
    // The shell starts it and ends; its end of the pipe is closed when the server has ended too.
    let script = format!(
        "{} serve --port 0 --exit-with-parent & read -r _ < ready",
        env!("CARGO_BIN_EXE_mock-idp")
    );
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&ready)
            .status()
            .unwrap()
            .success()
    );
    let mut shell = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = shell.stdout.take().unwrap();
    let mut first = [0; 15];
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"mock-idp ready ");
    std::fs::write(&ready, "go\n").unwrap();
    shell.wait().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
}

#[test]
fn healthcheck_tells_whether_a_server_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |wait: &str| {
        let arguments = ["healthcheck", "--port", "0", "--port-file", "port", "--wait", wait];
        refusal(&arguments, folder.path())
    };
    let (code, told) = ask("50ms");
    assert_eq!(code, 1);
    assert!(told.contains("holds no port yet"), "{told}");
    let server = Running::start(&["--port-file", "port"], folder.path());
    assert_eq!(ask("10s").0, 0);
    drop(server);
    assert_eq!(ask("50ms").0, 1);
}
