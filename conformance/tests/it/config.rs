//! `conformance.toml`: what is accepted, and how each mistake is told.

use std::path::Path;

use conformance::target::{Config, Port};

const GOOD: &str = r#"
[target]
url = "http://localhost:{port}"
sign_in = { get = "/login" }
sign_out = { post = "/logout" }
callback = "/callback"
post_logout = ["http://localhost:{port}/"]

[target.session]
probe = "/me"
signed_in = { status = 200, contains = "{user.email}" }
signed_out = { status = [302, 401] }

[target.start]
command = "npm start"
env = { PORT = "{port}", OKTA_ISSUER = "{idp.issuer}", HOME_PAGE = "${HOME}" }
"#;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("conformance.toml"), &[]).map_err(|error| error.to_string())
}

/// The messages of several mistakes, one after the other.
fn mistakes(pairs: &[(&str, &str)]) -> String {
    let messages: Vec<String> = pairs.iter().map(|(good, wrong)| mistake(good, wrong)).collect();
    messages.join("\n----\n")
}

/// The message for the good file with one text replaced.
fn mistake(good: &str, wrong: &str) -> String {
    assert!(GOOD.contains(good), "{good}");
    parse(&GOOD.replace(good, wrong)).unwrap_err()
}

#[test]
fn a_good_file_is_read_and_completed() {
    let config = parse(GOOD).unwrap();
    let start = config.target.start.unwrap();
    assert_eq!(start.wait_for.as_deref(), Some("http://localhost:{port}"));
    assert_eq!(start.port, Port::Auto);
    assert_eq!(config.target.session.signed_out.status.0, [302, 401]);
}

#[test]
fn a_fixed_url_fixes_the_port_of_the_started_app() {
    let fixed = GOOD.replace("localhost:{port}", "localhost:4567");
    assert_eq!(parse(&fixed).unwrap().target.start.unwrap().port, Port::Fixed(4567));
}

#[test]
fn misspelt_keys_are_shown_at_their_place_with_what_was_meant() {
    insta::assert_snapshot!(mistakes(&[
        ("sign_in =", "sing_in ="),
        ("{ get =", "{ gett ="),
        ("command", "comand"),
        ("callback = \"/callback\"\n", ""),
        ("get = \"/login\"", "get = \"/login\", form = \"/\""),
        ("[302, 401]", "[302, 401"),
        ("status = 200", "status = \"ok\""),
    ]));
}

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    insta::assert_snapshot!(mistakes(&[
        ("url = \"http://localhost:{port}\"", "url = \"https://shop.example\""),
        ("probe = \"/me\"", "probe = \"me\""),
        ("{idp.issuer}", "{idp.isuer}"),
        ("{user.email}", "{user.mail}"),
        (
            "{ status = [302, 401] }",
            "{ status = 200, contains = \"{user.email}\" }"
        ),
        ("command = \"npm start\"", "command = \"npm start\"\nport = 99999"),
    ]));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = GOOD.replace("\"/login\"", "\"login\"").replace("\"/me\"", "\"\"")
        + "[run]\njobs = 0\nskip = [{ case = \"no/such-case\", reason = \"\", until = \"soon\" }]\n";
    insta::assert_snapshot!(parse(&text).unwrap_err());
}

#[test]
fn a_port_that_nobody_chooses_is_a_mistake() {
    let by_hand = GOOD.split("[target.start]").next().unwrap();
    insta::assert_snapshot!(parse(by_hand).unwrap_err());
}

#[test]
fn another_host_needs_consent() {
    let remote = GOOD.replace("http://localhost:{port}", "https://shop.example");
    assert!(Config::parse(&remote, Path::new("x.toml"), &["shop.example".to_owned()]).is_ok());
}

#[test]
fn a_file_is_found_upwards_and_its_folder_is_known() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    let file = root.path().join("conformance.toml");
    std::fs::write(&file, GOOD).unwrap();
    let found = Config::find(&deep).unwrap();
    assert_eq!(found, file);
    let config = Config::load(&found, &[]).unwrap();
    assert_eq!(config.folder, root.path().canonicalize().unwrap());
    let missing = Config::load(&deep.join("none.toml"), &[]).unwrap_err().to_string();
    assert!(missing.contains("none.toml: cannot be read"), "{missing}");
}

#[test]
fn patience_is_not_shorter_than_an_answer_that_must_be_waited_for() {
    let with = |seconds: u64| parse(&format!("{GOOD}\n[run]\npatience = {seconds}\n"));
    assert_eq!(with(10).unwrap().run.patience, Some(10));
    let text = with(9).unwrap_err();
    assert!(text.contains("at least 10"), "{text}");
}

#[test]
fn a_key_that_is_learnt_now_is_refused_with_what_to_do() {
    let message = mistake(
        "callback = \"/callback\"",
        "callback = \"/callback\"\ncallback_method = \"post\"",
    );
    assert!(message.contains("unknown key `callback_method`"), "{message}");
    assert!(
        message.contains("the response mode is learnt from the app's own request now; delete this line"),
        "{message}"
    );
}
