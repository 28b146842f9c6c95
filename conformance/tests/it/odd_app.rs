//! `fixtures/odd-app` with each of its habits: what its configuration needs, and what doctor says without that.

use std::{path::Path, process::Command};

pub(crate) const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/odd-app/app.py");

/// How the configuration starts it.
pub(crate) const EXEC: &str = concat!(
    "command = \"exec python3 '",
    env!("CARGO_MANIFEST_DIR"),
    "/../fixtures/odd-app/app.py'\""
);

/// Quick cases of several groups; a right app passes them.
pub(crate) const CASES: &[&str] = &[
    "callback/state-missing",
    "callback/state-mismatch",
    "id-token/aud-wrong",
    "authorization/state-unique",
];

/// A configuration with lines put in the place of others.
pub(crate) fn configuration(habits: &str, changes: &[(&str, &str)]) -> String {
    let mut text = format!(
        r#"[target]
url = "http://localhost:{{port}}"
sign_in = {{ get = "/login" }}
sign_out = {{ form = "/me" }}
callback = "/callback"
post_logout = ["http://localhost:{{port}}/"]

[target.session]
probe = "/me"
signed_in = {{ status = 200, contains = "{{user.email}}" }}
signed_out = {{ status = 302 }}

[target.declares]
scopes = ["openid", "profile", "email"]

[target.start]
{EXEC}
wait_for = "http://localhost:{{port}}/healthz"

[target.start.env]
PORT = "{{port}}"
OKTA_ISSUER = "{{idp.issuer}}"
OKTA_CLIENT_ID = "{{idp.client.id}}"
OKTA_CLIENT_SECRET = "{{idp.client.secret}}"
HABITS = "{habits}"

[run]
patience = 12
"#
    );
    for (before, after) in changes {
        assert!(text.contains(before), "{before}");
        text = text.replace(before, after);
    }
    text
}

/// Exit code, and what both streams said.
pub(crate) fn conformance(folder: &Path, arguments: &[&str]) -> (i32, String) {
    conformance_with(folder, arguments, &[])
}

/// The same with these variables in its environment.
pub(crate) fn conformance_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CONFORMANCE_") || name.to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.envs(environment.iter().copied());
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

pub(crate) fn in_folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), text).unwrap();
    folder
}

/// With these lines the app is judged, and passes.
pub(crate) fn is_judged(habits: &str, changes: &[(&str, &str)]) {
    let folder = in_folder(&configuration(habits, changes));
    let (code, text) = conformance(folder.path(), &[&["run"], CASES].concat());
    assert_eq!(code, 0, "{habits}\n{text}");
    assert!(
        text.contains(&format!("{} cases: {} pass", CASES.len(), CASES.len())),
        "{habits}\n{text}"
    );
}

/// Without them, doctor says what is missing and exits with 3. Returns what it printed.
pub(crate) fn is_told(habits: &str, changes: &[(&str, &str)], words: &[&str]) -> String {
    let folder = in_folder(&configuration(habits, changes));
    let (code, text) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 3, "{habits}\n{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "{habits}: {word}\n{text}");
    }
    assert!(
        !text.contains("Some(") && !text.contains("Err("),
        "no debug text\n{text}"
    );
    text
}

pub(crate) const SESSION: &str = "signed_in = { status = 200, contains = \"{user.email}\" }";
pub(crate) const START: &str = "[target.start]\n";

#[test]
fn an_app_without_habits_is_ready_and_passes() {
    is_judged("", &[]);
    let folder = in_folder(&configuration("", &[]));
    let (code, text) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().last().unwrap().starts_with("ready: "), "{text}");
    assert!(text.contains("ok    setup/issuer-is-ours"), "{text}");
}

#[test]
fn a_choice_of_providers_is_walked_by_steps() {
    let steps = "{ steps = [{ open = \"/login\" }, { press = \"Sign in with Okta\" }] }";
    is_judged("providers", &[("{ get = \"/login\" }", steps)]);
    is_told("providers", &[], &["it offers `Sign in with GitHub`", "press = "]);
    is_told(
        "providers",
        &[("{ get = \"/login\" }", "{ form = \"/login/okta\" }")],
        &["anti-forgery token of a form", "press its button"],
    );
    let by_form = "{ steps = [{ open = \"/login\" }, { submit = \"/login/okta\" }] }";
    is_judged("providers", &[("{ get = \"/login\" }", by_form)]);
}

#[test]
fn the_address_first_is_typed() {
    let steps = "{ steps = [{ open = \"/login\" }, { fill = { \"Work e-mail\" = \"{user.email}\" } }, { press = \"Continue\" }] }";
    is_judged("email-first", &[("{ get = \"/login\" }", steps)]);
    is_told("email-first", &[], &["it offers `Continue`"]);
}

#[test]
fn terms_are_agreed_to() {
    let agree = "callback = \"/callback\"\nafter_callback = [{ open = \"/terms\" }, { press = \"I agree\" }]";
    is_judged("terms", &[("callback = \"/callback\"", agree)]);
    is_told(
        "terms",
        &[],
        &[
            "leads to /terms first",
            "after_callback = [{ open = \"/terms\" }, { press = \"I agree\" }]",
        ],
    );
}

#[test]
fn groups_claims_and_scopes_are_given() {
    is_judged(
        "group=admins",
        &[(
            START,
            "[target.people]\ngroups = [\"Everyone\", \"admins\"]\n\n[target.start]\n",
        )],
    );
    is_told(
        "group=admins",
        &[],
        &["not a member of admins", "groups = [", "under [target.people]"],
    );
    is_judged(
        "claim=employee_id",
        &[(
            START,
            "[target.people]\nclaims = { employee_id = \"e-{unique}\" }\n\n[target.start]\n",
        )],
    );
    is_told("claim=employee_id", &[], &["lacks employee_id", "claims = {"]);
    let scope = ("HABITS =", "SCOPE = \"openid profile email groups\"\nHABITS =");
    is_judged("", &[scope, ("\"email\"]", "\"email\", \"groups\"]")]);
    let folder = in_folder(&configuration("", &[scope]));
    let (code, text) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("WARN setup/scopes") && text.contains("scopes = [\"groups\"] under [idp]"),
        "{text}"
    );
}

#[test]
fn accounts_are_made_by_a_command_or_a_request() {
    let command = "[target.provision]\ncommand = \"echo {user.email} >> accounts.txt\"\n\n[target.start]\n";
    is_judged("accounts=accounts.txt", &[(START, command)]);
    let request = "[target.provision]\npost = \"/accounts\"\nbody = '{\"email\":\"{user.email}\"}'\n\
                   headers = { authorization = \"Bearer test-only\" }\n\n[target.start]\n";
    is_judged("accounts=accounts.txt", &[(START, request)]);
    is_told(
        "accounts=accounts.txt",
        &[],
        &["no account for this address", "[target.provision]"],
    );
    let wrong = "[target.provision]\ncommand = \"echo not today; exit 3\"\n\n[target.start]\n";
    is_told(
        "accounts=accounts.txt",
        &[(START, wrong)],
        &["not today", "[target.provision]"],
    );
}

/// However it is entered and however little it shows, nothing is left open and nothing said against it.
#[test]
fn apps_of_other_shapes_leave_nothing_inconclusive() {
    const CASES: &[&str] = &[
        "redirect/malformed-target",
        "id-token/extra-claims",
        "identity/keyed-by-sub",
        "identity/sub-exact",
        "identity/claims-refreshed",
        "session/relogin-other-user",
    ];
    let get = "{ get = \"/login\" }";
    let steps = "{ steps = [{ open = \"/login\" }, { press = \"Sign in with Okta\" }] }";
    let command = "[target.provision]\ncommand = \"echo {user.email} >> accounts.txt\"\n\n[target.start]\n";
    let first_name = "signed_in = { contains = \"Hi {user.given_name}!\" }";
    let in_capitals = "signed_in = { contains = \"{user.email}\", ignore_case = true }";
    let field = "headers = { x-requested-by = \"conformance\" }\nsigned_out =";
    let shapes: [(&str, &[(&str, &str)]); 5] = [
        ("providers", &[(get, steps)]),
        ("accounts=accounts.txt", &[(START, command)]),
        ("first-name", &[(SESSION, first_name)]),
        ("upper-case", &[(SESSION, in_capitals)]),
        (
            "field",
            &[("signed_out =", field), ("{ form = \"/me\" }", "{ form = \"/\" }")],
        ),
    ];
    for (habits, changes) in shapes {
        let folder = in_folder(&configuration(habits, changes));
        let (code, text) = conformance(folder.path(), &[&["run"], CASES].concat());
        assert_eq!(code, 0, "{habits}\n{text}");
        assert!(text.contains("6 cases: 6 pass "), "{habits}\n{text}");
    }
}

#[test]
fn pages_that_show_little_tell_who_is_there() {
    is_judged(
        "first-name",
        &[(
            SESSION,
            "signed_in = { status = 200, matches = \"Hi {user.given_name}!\" }",
        )],
    );
    is_judged(
        "upper-case",
        &[(
            SESSION,
            "signed_in = { contains = \"{user.email}\", ignore_case = true }",
        )],
    );
    is_told("upper-case", &[], &["in other letters", "ignore_case = true"]);
    let masked = (
        "signed_out =",
        "signed_out = { status = 302 }\n[target.people]\nemail = \"ada@{unique}.example.com\"\n#",
    );
    is_judged(
        "masked",
        &[
            (SESSION, "signed_in = { contains = \"***@{user.email_domain}\" }"),
            masked,
        ],
    );
    is_told("masked", &[], &["in part only", "{user.email_domain}"]);
    is_told("nameless", &[], &["names nobody", "probe = a page that shows"]);
    let home = [
        ("probe = \"/me\"", "probe = \"/\""),
        (SESSION, "signed_in = { contains = \"Hello {user.name}\" }"),
        (
            "signed_out = { status = 302 }",
            "signed_out = { status = 200, contains = \"Sign in\" }",
        ),
    ];
    is_judged("nameless", &home);
    let json = [
        (
            SESSION,
            "signed_in = { status = 200, json = \"/user/mail\", contains = \"{user.email}\" }",
        ),
        ("signed_out = { status = 302 }", "signed_out = { status = 200 }"),
        ("{ form = \"/me\" }", "{ form = \"/\" }"),
    ];
    is_judged("json", &json);
}

/// The page with the sign-out form wants the field as well: nothing was signed out, so nothing is held against the app.
#[test]
fn a_sign_out_that_was_not_found_is_no_finding() {
    let fields = (
        "signed_out =",
        "headers = { x-requested-by = \"conformance\" }\nsigned_out =",
    );
    let folder = in_folder(&configuration("field", &[fields]));
    let (code, out) = conformance(folder.path(), &["run", "logout/session-dead", "callback/state-missing"]);
    assert_eq!(code, 6, "{out}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("WARN setup/sign-out"), "{out}");
    assert!(flat.contains("/me (401) has no sign-out form or button"), "{out}");
    assert!(flat.contains("sign_out = { form = "), "{out}");
    assert!(flat.contains("2 cases: 1 pass, 1 inconclusive"), "{out}");
    is_judged("field", &[fields, ("{ form = \"/me\" }", "{ form = \"/\" }")]);
}

#[test]
fn the_probe_has_the_fields_that_it_needs() {
    let fields = (
        "signed_out =",
        "headers = { x-requested-by = \"conformance\" }\nsigned_out =",
    );
    is_judged("field", &[fields]);
    is_told(
        "field",
        &[("signed_out = { status = 302 }", "signed_out = { status = 401 }")],
        &["header X-Requested-By", "headers = {"],
    );
    let everywhere = (
        "callback = \"/callback\"",
        "callback = \"/callback\"\nheaders = { x-requested-by = \"conformance\" }",
    );
    is_judged("field", &[everywhere]);
}

#[test]
fn an_app_on_two_origins_and_fixed_ports_is_judged_with_its_fresh_copies() {
    let free = || {
        std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let (pages, api) = (free().to_string(), free().to_string());
    let text = configuration(
        "two-origins",
        &[
            ("HABITS =", "API_PORT = \"@API\"\nHABITS ="),
            (
                "callback = \"/callback\"",
                "callback = \"http://localhost:@API/callback\"",
            ),
        ],
    )
    .replace("@API", &api)
    .replace("{port}", &pages);
    let folder = in_folder(&text);
    let (code, out) = conformance(
        folder.path(),
        &[&["run"], CASES, &["discovery/issuer-mismatch"]].concat(),
    );
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("5 cases: 5 pass"), "{out}");
}

#[test]
fn names_below_localhost_are_this_machine() {
    is_judged(
        "",
        &[
            ("HABITS =", "APP_HOST = \"app.localhost\"\nHABITS ="),
            ("http://localhost:{port}", "http://app.localhost:{port}"),
        ],
    );
}

#[test]
fn the_org_authorization_server_can_be_the_issuer() {
    let folder = in_folder(&configuration("", &[("[run]", "[idp]\nserver = \"org\"\n\n[run]")]));
    let (code, out) = conformance(
        folder.path(),
        &[&["run"], CASES, &["discovery/issuer-mismatch"]].concat(),
    );
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("5 cases: 5 pass"), "{out}");
}

#[test]
fn a_sign_out_that_leads_to_a_sign_in_is_not_followed_back_in() {
    let folder = in_folder(&configuration("signs-in-again", &[]));
    let (code, out) = conformance(folder.path(), &["run", "logout/session-dead"]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_sign_out_that_ends_nothing_is_a_finding_and_the_run_goes_on() {
    let folder = in_folder(&configuration("keeps-session", &[]));
    let (code, out) = conformance(folder.path(), &["run", "logout/session-dead", "callback/state-missing"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("FAIL logout/session-dead"), "{out}");
    assert!(out.contains("2 cases: 1 pass, 1 fail"), "{out}");
}

#[test]
fn doctor_warns_of_settings_that_are_not_used_or_lead_nowhere() {
    let changes = [
        ("\"email\"]", "\"email\", \"offline_access\"]"),
        (
            "callback = \"/callback\"",
            "callback = \"/callback\"\nprotected = [\"/orders\"]\nbackchannel_logout = \"/bye\"",
        ),
        ("http://localhost:{port}/\"]", "http://localhost:{port}/bye\"]"),
        ("/healthz", "/nowhere"),
        ("signed_out = { status = 302 }", "signed_out = { status = 401 }"),
    ];
    let folder = in_folder(&configuration("", &changes));
    let (code, text) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 0, "warnings only\n{text}");
    for id in [
        "setup/scopes",
        "setup/routes",
        "setup/post-logout",
        "setup/wait-for",
        "setup/signed-out-matches",
    ] {
        assert!(text.contains(&format!("WARN {id}")), "{id}\n{text}");
    }
    assert!(text.contains("scopes = [\"openid\", \"profile\", \"email\"]"), "{text}");
    assert!(text.contains("post_logout = [\"http://localhost:{port}/\"]"), "{text}");
    assert!(text.contains("5 warnings"), "{text}");
}

#[test]
fn the_evidence_of_a_first_failure_is_kept_and_its_place_is_said() {
    let folder = in_folder(&configuration("group=admins", &[]));
    for (command, kept) in [("doctor", ".conformance/doctor"), ("run", ".conformance/latest")] {
        let (code, text) = conformance(folder.path(), &[command]);
        assert_eq!(code, 3, "{text}");
        for word in ["walked", "refused", "the app", "likely", "fix", "evidence"] {
            assert!(
                text.lines().any(|line| line.trim_start().starts_with(word)),
                "{word}\n{text}"
            );
        }
        assert!(
            text.contains("refused: You are not a member of admins"),
            "the app's own output\n{text}"
        );
        let file = folder.path().join(kept).join("evidence/first-sign-in.json");
        let evidence: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(evidence["evidence"]["hops"].as_array().unwrap().len() > 3);
    }
}
