//! Sign-in and sign-out as steps (`open`, `fill`, `press`, `submit`): a person walks them in Chromium as over HTTP, and both
//! say the same of the app.

use std::{collections::BTreeMap, path::Path};

use crate::{
    odd_app::{configuration, conformance, in_folder},
    webdriver::machine_has_a_browser,
};

/// A page with several providers, one that asks for the address, terms after the callback, and a sign-out that asks first.
const HABITS: &str = "providers,email-first,terms,asks-first";

const SIGN_IN: &str = r#"{ steps = [{ open = "/login" }, { submit = "/login/okta" },
    { fill = { "Work e-mail" = "{user.email}" } }, { press = "Continue" }] }"#;

const AFTER_CALLBACK: &str = r#"callback = "/callback"
after_callback = [{ open = "/terms" }, { press = "I agree" }]"#;

const SIGN_OUT: &str = r#"{ steps = [{ open = "/me" }, { press = "Sign out" }, { press = "Sign out" }] }"#;

/// Cases that walk one sign-in, a deep link, a second sign-in of the same browser, a sign-out to its end, and one that comes
/// from another site.
const CASES: &[&str] = &[
    "callback/state-mismatch",
    "id-token/aud-wrong",
    "logout/session-dead",
    "logout/rp-init-reaches-idp",
    "logout/csrf",
    "session/id-rotates",
    "logout/redirect-param",
];

/// What is asked of a sign-out that ends nothing.
const SIGN_OUT_CASES: &[&str] = &["logout/session-dead", "logout/csrf"];

/// The app and its steps, with one more habit and lines put in the place of others.
fn app(habit: &str, changes: &[(&str, &str)]) -> tempfile::TempDir {
    let habits = format!("{HABITS}{habit}");
    let steps = [
        (r#"{ get = "/login" }"#, SIGN_IN),
        (r#"{ form = "/me" }"#, SIGN_OUT),
        (r#"callback = "/callback""#, AFTER_CALLBACK),
    ];
    in_folder(&configuration(&habits, &[&steps, changes].concat()))
}

/// Exit code, output, and the verdict of each variant.
fn run(folder: &Path, driver: &str, cases: &[&str]) -> (i32, String, BTreeMap<String, String>) {
    let out = format!("run-{driver}");
    let arguments = ["run", "--driver", driver, "--out", &out];
    let (code, text) = conformance(folder, &[&arguments, cases].concat());
    let stored = std::fs::read(folder.join(&out).join("run.json")).unwrap_or_else(|error| panic!("{error}: {text}"));
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    let verdicts = stored["cases"].as_array().unwrap().iter().flat_map(|case| {
        let variants = case["variants"].as_array().unwrap().iter();
        variants.map(|variant| {
            let name = format!("{} {}", case["id"], variant["name"]);
            (name, variant["verdict"].to_string())
        })
    });
    let verdicts = verdicts.collect();
    (code, text, verdicts)
}

#[test]
fn both_drivers_walk_the_same_steps_and_edits_to_the_same_verdicts() {
    if !machine_has_a_browser() {
        return;
    }
    let folder = app("", &[]);
    let (code, text, over_http) = run(folder.path(), "http", CASES);
    assert_eq!(code, 0, "{text}");
    let (code, text, in_chromium) = run(folder.path(), "webdriver", CASES);
    assert_eq!(code, 0, "{text}");
    assert_eq!(over_http, in_chromium);
    assert!(over_http.len() >= CASES.len(), "{over_http:?}");
    assert!(
        over_http.values().all(|verdict| verdict.contains("pass")),
        "{over_http:?}"
    );
    // The sign-out in Chromium was pressed as the page has it: the target never reached the request that reads it, and an open
    // redirect passed.
    let sent = sign_outs(folder.path(), "http");
    assert_eq!(sent, sign_outs(folder.path(), "webdriver"));
    let posted: Vec<_> = sent
        .iter()
        .filter(|(request, _)| request == "\"POST\" /logout")
        .collect();
    assert!(
        !posted.is_empty() && posted.iter().all(|(_, edited)| *edited),
        "{sent:?}"
    );
}

#[test]
fn both_drivers_see_that_a_sign_out_by_steps_ends_nothing() {
    if !machine_has_a_browser() {
        return;
    }
    let folder = app(",keeps-session", &[]);
    let (code, text, over_http) = run(folder.path(), "http", SIGN_OUT_CASES);
    assert_eq!(code, 1, "{text}");
    let (code, text, in_chromium) = run(folder.path(), "webdriver", SIGN_OUT_CASES);
    assert_eq!(code, 1, "{text}");
    assert_eq!(over_http, in_chromium);
}

/// The path of each sign-out request of `logout/redirect-param`, and whether it names the target that the case puts on it.
fn sign_outs(folder: &Path, driver: &str) -> Vec<(String, bool)> {
    let file = folder.join(format!("run-{driver}/evidence/logout.redirect-param.json"));
    let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut requests = Vec::new();
    find(&stored, "hops", &mut |hops| {
        for hop in hops.as_array().unwrap().iter().filter(|hop| hop["leg"] == "sign-out") {
            let target = hop["request"]["target"].as_str().unwrap();
            let path = target.split('?').next().unwrap().to_owned();
            requests.push((
                format!("{} {path}", hop["request"]["method"]),
                target.contains("return_to="),
            ));
        }
    });
    requests
}

/// Shows every member of this name, at any depth.
fn find(value: &serde_json::Value, name: &str, shown: &mut dyn FnMut(&serde_json::Value)) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match key == name {
                    true => shown(value),
                    false => find(value, name, shown),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| find(item, name, shown)),
        _ => {}
    }
}

#[test]
fn a_step_that_cannot_be_made_stops_both_drivers_with_what_the_page_offers() {
    if !machine_has_a_browser() {
        return;
    }
    let folder = app("", &[("{ press = \"Continue\" }", "{ press = \"Next\" }")]);
    for driver in ["http", "webdriver"] {
        let (code, text) = conformance(folder.path(), &["run", "--driver", driver, "callback/state-mismatch"]);
        assert_eq!(code, 3, "{driver}\n{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["nothing says `Next`", "it offers `Continue`"] {
            assert!(flat.contains(words), "{driver}: {words}\n{text}");
        }
    }
}
