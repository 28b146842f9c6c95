//! `conformance init` on the app with habits: from nothing to a judged run, without editing by hand.

use std::{path::Path, process::Command};

const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/odd-app/app.py");

/// Exit code, and everything that was printed.
fn conformance(folder: &Path, habits: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CONFORMANCE_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(arguments)
        .env("HABITS", habits)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

/// Writes a file for the app and judges it with that. Returns the file.
fn learnt(habits: &str) -> String {
    learnt_of(&format!("exec python3 '{APP}'"), habits)
}

/// The same for whatever this command starts.
fn learnt_of(start: &str, habits: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = conformance(folder.path(), habits, &["init", "--command", start]);
    let file = std::fs::read_to_string(folder.path().join("conformance.toml")).unwrap_or_default();
    assert_eq!(code, 0, "{habits}\n{text}\n{file}");
    assert!(file.starts_with("#:schema ./.conformance/schema.json\n"), "{file}");
    assert!(folder.path().join(".conformance/schema.json").is_file());
    let cases = [
        "run",
        "callback/state-missing",
        "id-token/aud-wrong",
        "logout/session-dead",
    ];
    let (code, text) = conformance(folder.path(), habits, &cases);
    assert_eq!(code, 0, "{habits}\n{text}\n{file}");
    file
}

#[test]
fn an_ordinary_app_is_learnt_and_judged_without_editing() {
    let file = learnt("");
    for line in [
        "url = \"http://localhost:{port}\"",
        "sign_in = { get = \"/login\" }",
        "sign_out = { form = \"/me\" }",
        "callback = \"/callback\"",
        "post_logout = [\"http://localhost:{port}/\"]",
        "probe = \"/me\"",
        "signed_in = { status = 200, contains = \"{user.email}\" }",
        "signed_out = { status = 302 }",
        "scopes = [\"openid\", \"profile\", \"email\"]",
        "OKTA_ISSUER = \"{idp.issuer}\"",
    ] {
        assert!(file.contains(line), "{line}\n{file}");
    }
}

/// An app of Rust.
#[test]
fn the_flawed_app_without_flaws_is_learnt_and_judged_without_editing() {
    let app = std::env::current_exe().unwrap();
    let start = format!(
        "exec '{}' --exact kept::the_app_itself --ignored --nocapture",
        app.display()
    );
    let file = learnt_of(&start, "");
    for line in [
        "sign_in = { get = \"/signin\" }",
        "callback = \"/authorization-code/callback\"",
        "sign_out = { form = ",
        "probe = \"/me\"",
    ] {
        assert!(file.contains(line), "{line}\n{file}");
    }
}

#[test]
fn a_variable_that_nobody_knows_is_named_where_the_app_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let source = "import os\nos.environ['SESSION_SECRET']\nprint('guide', os.environ['GUIDE'])\n";
    std::fs::write(folder.path().join("app.py"), source).unwrap();
    let (code, text) = conformance(folder.path(), "", &["init", "--command", "exec python3 app.py"]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("KeyError: 'GUIDE'"),
        "it was given a session secret: {text}"
    );
    assert!(
        text.contains("reads GUIDE (app.py)") && text.contains("`GUIDE=VALUE conformance init …`"),
        "{text}"
    );
}

#[test]
fn ours_is_pressed_among_several_providers() {
    let file = learnt("providers");
    let steps = "{ steps = [{ open = \"/login\" }, { press = \"Sign in with Okta\" }] }";
    assert!(file.contains(steps), "{file}");
}

#[test]
fn a_field_for_the_address_is_filled_in() {
    let file = learnt("email-first");
    assert!(
        file.contains("\"email\" = \"{user.email}\"") && file.contains("{ press = \"Continue\" }"),
        "{file}"
    );
}

#[test]
fn pages_that_show_little_are_understood() {
    assert!(learnt("upper-case").contains("ignore_case = true"));
    assert!(
        learnt("first-name").contains("contains = \"{user.given_name}\"")
            || learnt("first-name").contains("{user.name}")
    );
    let nameless = learnt("nameless");
    assert!(
        nameless.contains("probe = \"/\"") && nameless.contains("protected = [\"/me\""),
        "{nameless}"
    );
}

#[test]
fn a_sign_out_that_asks_first_is_found() {
    let file = learnt("asks-first");
    assert!(file.contains("sign_out = { form = \"/logout\" }"), "{file}");
}

#[test]
fn what_is_not_found_is_said_and_marked_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let start = format!("exec python3 '{APP}'");
    let (code, text) = conformance(folder.path(), "group=admins", &["init", "--command", &start]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("not found: ") && text.contains("FILL IN"), "{text}");
    let file = std::fs::read_to_string(folder.path().join("conformance.toml")).unwrap();
    assert!(file.contains("# probe = \"/me\"   # FILL IN"), "{file}");
    let (again, text) = conformance(folder.path(), "", &["init", "http://localhost:1"]);
    assert_eq!(again, 2, "nothing is written over\n{text}");
    assert!(text.contains("--force"), "{text}");
}

#[test]
fn an_app_that_does_not_start_is_told_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = conformance(folder.path(), "", &["init", "--command", "echo no database; exit 4"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("no database"), "{text}");
    assert!(!folder.path().join("conformance.toml").exists());
}
