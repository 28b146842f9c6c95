//! `.ci/apps` with apps that misbehave as processes: each is named, and the next one still runs.

use std::{net::TcpListener, path::Path, process::Command};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/apps");

/// In the order in which they run; the last shows that everything before was survived.
const MODES: &[&str] = &["starts-not", "dies", "prints", "deaf", "children", "occupied", "honest"];

fn write_app(folder: &Path, mode: &str, port: &str) -> String {
    let url = format!("http://localhost:{}", if port == "auto" { "{port}" } else { port });
    let port = if port == "auto" { "\"auto\"" } else { port };
    let config = format!(
        r#"
[target]
url = "{url}"
sign_in = {{ get = "/login" }}
callback = "/callback"

[target.session]
probe = "/me"
signed_in = {{ status = 200, contains = "{{user.email}}" }}
signed_out = {{ status = 401 }}

[target.start]
command = "exec python3 app.py {{port}} {mode}"
port = {port}
stop_timeout = 3
env = {{ ISSUER = "{{idp.issuer}}", CLIENT_ID = "{{idp.client.id}}", CLIENT_SECRET = "{{idp.client.secret}}" }}
"#
    );
    let file = folder.join(format!("{mode}.conformance.toml"));
    std::fs::write(&file, config).unwrap();
    std::fs::write(folder.join(format!("{mode}.expected.toml")), "needs = []\n").unwrap();
    file.display().to_string()
}

#[test]
fn every_app_that_misbehaves_is_named_and_the_next_one_runs() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("bad");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("app.py"), include_str!("misbehaving.app.py")).unwrap();
    let squatter = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = squatter.local_addr().unwrap().port().to_string();
    let configs = MODES.iter().map(|mode| {
        let port = if *mode == "occupied" { &taken } else { "auto" };
        write_app(&folder, mode, port)
    });
    let output = Command::new("bash")
        .arg(SCRIPT)
        .args(configs)
        .env("CONFORMANCE", env!("CARGO_BIN_EXE_conformance"))
        .env("RUNS", temporary.path().join("runs"))
        .env("SELECTION", "callback/state-missing callback/state-mismatch")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = |words: &str| assert!(text.contains(words), "{words}\n---\n{text}\n---\n{errors}");

    told("FAIL bad-starts-not: exit code 3");
    told("no licence found");
    told("callback/state-missing: fail, expected pass");
    told("the app ended");
    told("FAIL bad-dies: not as expected");
    told("ok   bad-prints");
    told("the app did not end within 3 s of SIGTERM and was killed: pid ");
    told("ok   bad-deaf");
    told("left children behind that did not end within 3 s of SIGTERM and were killed: pid ");
    told("ok   bad-children");
    told(&format!("port {taken} is taken by pid {}", std::process::id()));
    told("FAIL bad-occupied: exit code 3");
    told("ok   bad-honest: as expected");
    told("apps: 4 passed, 3 failed, 0 skipped");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_expectation_that_nothing_fits_and_an_unknown_need_are_red() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("odd");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("app.py"), include_str!("misbehaving.app.py")).unwrap();
    let stale = write_app(&folder, "stale", "auto");
    let odd = write_app(&folder, "needy", "auto");
    let entry = "[[expected]]\ncase = \"callback/no-such-case\"\nverdict = \"fail\"\nreason = \"app.py\"\n";
    std::fs::write(folder.join("stale.expected.toml"), entry).unwrap();
    std::fs::write(folder.join("needy.expected.toml"), "needs = [\"cobol\"]\n").unwrap();
    let output = Command::new("bash")
        .arg(SCRIPT)
        .args([stale, odd])
        .env("CONFORMANCE", env!("CARGO_BIN_EXE_conformance"))
        .env("RUNS", temporary.path().join("runs"))
        .env("SELECTION", "callback/state-missing")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let all = format!("{text}\n---\n{errors}");
    assert!(
        text.contains("callback/no-such-case: expected fail, but no case of the run fits it"),
        "{all}"
    );
    assert!(text.contains("`cobol` is none of the tools"), "{all}");
    assert!(text.contains("apps: 0 passed, 2 failed, 0 skipped"), "{all}");
}
