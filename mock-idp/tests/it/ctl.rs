//! `mock-idp ctl`: the control API from the terminal, against a server as somebody starts it.

use std::path::Path;

use crate::{app, command::Running};

const WEB: &str = "web:a-secret-that-is-long-enough-for-all=http://localhost:3000/callback";

/// Exit code and what was printed, to stdout and to stderr.
fn ctl(server: &Running, arguments: &[&str]) -> (i32, String, String) {
    let url = server.issuer.replace("/oauth2/default", "");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mock-idp"));
    for name in ["MOCK_IDP_URL", "MOCK_IDP_ADMIN_TOKEN"] {
        command.env_remove(name);
    }
    let output = command.args(["ctl", "--url", &url]).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn says(server: &Running, arguments: &[&str], wanted: &str) -> String {
    let (code, out, error) = ctl(server, arguments);
    assert!(code == 0 && out.contains(wanted), "{arguments:?}: {code}\n{out}{error}");
    out
}

#[tokio::test]
async fn a_server_is_seen_and_steered_from_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(&["--client", WEB, "--user", "alice@example.test:admins"], folder.path());
    says(&server, &["health"], "\"ready\"");
    says(&server, &["env"], "OKTA_CLIENT_ID=web");
    says(&server, &["users"], "alice@example.test");
    says(&server, &["clients"], "http://localhost:3000/callback");
    says(&server, &["flows"], "none");
    says(&server, &["clock", "+2h"], "offset 7200 s");
    says(&server, &["clock", "0"], "offset 0 s");
    says(
        &server,
        &[
            "arm",
            "id-token.exp-past.1h",
            "--user",
            "alice@example.test",
            "--times",
            "1",
        ],
        "for user alice@example.test, 1 times  given 0, fired 0",
    );
    let (code, out, _) = ctl(&server, &["verify"]);
    assert!(
        code == 1 && out.contains("never fired: 1") && out.ends_with("not ok\n"),
        "{out}"
    );
    app::sign_in(&server.issuer, "alice@example.test", &[]).await;
    let out = says(&server, &["wait", "--user", "alice@example.test"], "exchanged");
    let flow = out.split_whitespace().next().unwrap();
    says(&server, &["flow", flow], "/oauth2/default/v1/token");
    says(&server, &["flow", flow, "--format", "mermaid"], "sequenceDiagram");
    says(&server, &["faults"], "given 1, fired 1");
    says(&server, &["verify"], "ok");

    let wrong = [("redirect_uri", Some("http://127.0.0.1:3000/callback"))];
    app::Browser::new()
        .get(app::authorization_url(&server.issuer, &wrong))
        .await;
    says(
        &server,
        &["requests", "--refused"],
        "<- registered: http://localhost:3000/callback",
    );
    assert_eq!(ctl(&server, &["verify"]).0, 1);
    says(&server, &["verify", "--expect", "redirect-uri-unregistered"], "ok");

    says(&server, &["login", "alice@example.test"], "alice@example.test");
    let page = app::Browser::new()
        .get(app::authorization_url(&server.issuer, &[]))
        .await;
    assert_eq!(page.status(), 302);
    let out = says(
        &server,
        &["token", "--user", "alice@example.test", "--expires-in", "-5m"],
        "id_token",
    );
    let tokens: serde_json::Value = serde_json::from_str(&out).unwrap();
    says(&server, &["explain", tokens["id_token"].as_str().unwrap()], "expired");
    let call = ["call", "PUT", "users/carol@example.test", r#"{"groups": ["staff"]}"#];
    says(&server, &call, "carol@example.test");
    says(&server, &["rotate-keys", "--overlap"], "kid");
    says(&server, &["reset", "--keep", "users"], "done");
    says(&server, &["users"], "staff");
    says(&server, &["disarm"], "done");
    let (code, _, error) = ctl(&server, &["wait", "--user", "nobody@example.test", "--timeout", "50ms"]);
    assert_eq!(code, 1, "{error}");
    let (code, _, error) = ctl(&server, &["arm", "id-token.alg-nonne"]);
    assert!(
        code == 2 && error.contains("did you mean `id-token.alg-none`?"),
        "{error}"
    );
}

#[tokio::test]
async fn faults_somebody_who_signs_in_and_a_token_are_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        Path::new(folder.path()).join("mock-idp.toml"),
        "[[client]]\nid = \"web\"\nredirect_uris = [\"http://localhost:3000/callback\"]\n[[user]]\nlogin = \
         \"alice@example.test\"\n[[fault]]\nid = \"id-token.alg-none\"\nuser = \"alice@example.test\"\n",
    )
    .unwrap();
    let token = "a-token";
    let server = Running::start(
        &[
            "--fault",
            "userinfo.sub-mismatch",
            "--auto-login",
            "--admin-token",
            token,
        ],
        folder.path(),
    );
    let said = server.said("FAULT      userinfo.sub-mismatch").await;
    assert!(said.contains("FAULT      id-token.alg-none"), "{said}");
    let (code, _, error) = ctl(&server, &["faults"]);
    assert!(
        code == 2 && error.contains("the admin token is missing or wrong"),
        "{error}"
    );
    let out = says(
        &server,
        &["faults", "--token", token],
        "id-token.alg-none  for user alice@example.test",
    );
    assert!(out.contains("userinfo.sub-mismatch  for everybody"), "{out}");
    let page = app::Browser::new()
        .get(app::authorization_url(&server.issuer, &[]))
        .await;
    assert_eq!(page.status(), 302, "nobody is asked");
}

#[test]
fn who_does_not_answer_is_named_with_the_way_to_name_another() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mock-idp"))
        .args(["ctl", "--url", "http://127.0.0.1:1", "health"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains("no answer from http://127.0.0.1:1") && error.contains("--url"),
        "{error}"
    );
}
