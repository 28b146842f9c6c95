//! What `conformance.toml` reaches beyond the habits of `odd_app.rs`: several issuers, folders of their own, slow ends, proxies,
//! apps that run already, both loopback addresses. All through the command line, on `fixtures/odd-app`.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::odd_app::{
    APP, CASES, EXEC, SESSION, START, configuration, conformance, conformance_with, in_folder, is_judged, is_told,
};

const ISSUER: &str = "OKTA_ISSUER = \"{idp.issuer}\"";

/// With these lines the app is judged on fresh copies too, and passes.
fn is_judged_afresh(habits: &str, changes: &[(&str, &str)]) -> String {
    let folder = in_folder(&configuration(habits, changes));
    let (code, out) = conformance(
        folder.path(),
        &[&["run"], CASES, &["discovery/issuer-mismatch"]].concat(),
    );
    assert_eq!(code, 0, "{habits}\n{out}");
    assert!(out.contains("5 cases: 5 pass"), "{habits}\n{out}");
    out
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_sign_in_form_is_sent_with_its_hidden_fields() {
    is_judged("form", &[("{ get = \"/login\" }", "{ form = \"/login\" }")]);
    let steps = "{ steps = [{ open = \"/login\" }, { press = \"Sign in\" }] }";
    is_judged("form", &[("{ get = \"/login\" }", steps)]);
    is_told("form", &[], &["it offers `Sign in`"]);
}

#[test]
fn people_are_called_as_the_configuration_says() {
    let people = (
        START,
        "[target.people]\ngiven_name = \"Ada{unique}\"\n\n[target.start]\n",
    );
    is_judged(
        "first-name",
        &[
            (
                SESSION,
                "signed_in = { matches = \"Hi Ada[a-z]{12}!\", contains = \"{user.given_name}\" }",
            ),
            people,
        ],
    );
}

const ROLE: &str =
    "[[target.roles]]\ngroup = \"App Admins\"\npage = \"/admin\"\nshows = { contains = \"Administration\" }\n\n";

#[test]
fn who_gets_the_page_of_a_group_is_judged() {
    let text = format!("{ROLE}{START}");
    let role = (START, text.as_str());
    let folder = in_folder(&configuration("admins=App Admins", &[role]));
    let (code, out) = conformance(folder.path(), &["run", "roles/*"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("6 cases: 6 pass"), "{out}");
    // Without `shows` the words of the page decide, and an app that refuses by its status needs no more.
    let bare = ROLE.replace("shows = { contains = \"Administration\" }\n", "");
    let text = format!("{bare}{START}");
    let folder = in_folder(&configuration("admins=App Admins", &[(START, text.as_str())]));
    let (code, out) = conformance(folder.path(), &["run", "roles/*"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("6 cases: 6 pass"), "{out}");
}

/// Nothing is judged without a member who gets in, and what may be wrong in the configuration is said.
#[test]
fn a_group_that_the_app_does_not_know_is_told() {
    let text = format!("{ROLE}{START}");
    let role = (START, text.as_str());
    let folder = in_folder(&configuration("admins=administrators", &[role]));
    let (code, out) = conformance(folder.path(), &["doctor"]);
    let flat = |out: &str| out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0, "a warning\n{out}");
    assert!(out.contains("WARN setup/roles"), "{out}");
    assert!(
        flat(&out).contains("a member of `App Admins` who opened /admin was answered with 403"),
        "{out}"
    );
    let (code, out) = conformance(folder.path(), &["run", "roles/*"]);
    assert_eq!(code, 6, "{out}");
    assert!(out.contains("6 cases: 0 pass") && !out.contains("FAIL"), "{out}");
    let folder = in_folder(&configuration("", &[]));
    let (code, out) = conformance(folder.path(), &["run", "roles/*", "callback/state-missing"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("7 cases: 1 pass") && out.contains("6 skipped"), "{out}");
}

#[test]
fn another_custom_authorization_server_can_be_the_issuer() {
    let server = ("[run]", "[idp]\nserver = \"aus1own\"\n\n[run]");
    is_judged_afresh("", &[server]);
    let folder = in_folder(&configuration("", &[server]));
    let (_, doctor) = conformance(folder.path(), &["doctor"]);
    assert!(doctor.contains("/oauth2/aus1own"), "{doctor}");
}

#[test]
fn the_issuer_can_be_put_together_from_the_org_or_its_host() {
    for issuer in ["{idp.org}/oauth2/default", "http://{idp.host}/oauth2/default"] {
        is_judged("", &[(ISSUER, &format!("OKTA_ISSUER = \"{issuer}\""))]);
    }
    let org = ("[run]", "[idp]\nserver = \"org\"\n\n[run]");
    is_judged("", &[(ISSUER, "OKTA_ISSUER = \"{idp.org}\""), org]);
}

#[test]
fn what_an_app_that_is_started_by_hand_needs_names_the_server() {
    for (server, path) in [
        ("default", "/oauth2/default"),
        ("aus1own", "/oauth2/aus1own"),
        ("org", "'"),
    ] {
        let text = configuration("", &[("[run]", &format!("[idp]\nserver = \"{server}\"\n\n[run]"))]);
        let folder = in_folder(&text);
        let (code, out) = conformance(folder.path(), &["env"]);
        assert_eq!(code, 0, "{out}");
        assert!(
            out.contains(&format!("OKTA_ISSUER='http://127.0.0.1:9494{path}")),
            "{out}"
        );
    }
}

/// Browsers are led to 127.0.0.1, and the app calls `localhost`, as a container calls a name of its network.
#[test]
fn an_app_reaches_the_authorization_server_by_another_name_than_browsers() {
    let backend = ("[run]", "[idp]\nbackend_url = \"http://localhost:{idp.port}\"\n\n[run]");
    let metadata = ("HABITS =", "METADATA_OF = \"{idp.backend}\"\nHABITS =");
    is_judged_afresh("backend=localhost", &[backend, metadata]);
    is_told("backend=localhost", &[], &["the app cannot reach"]);
}

#[test]
fn each_copy_of_the_app_has_a_folder_of_its_own() {
    is_judged_afresh("once={scratch}/lock", &[]);
    let folder = in_folder(&configuration("once=lock", &[]));
    let (code, out) = conformance(
        folder.path(),
        &["run", "callback/state-missing", "discovery/issuer-mismatch"],
    );
    assert_ne!(code, 0, "{out}");
    assert!(
        out.contains("FileExistsError"),
        "the second copy says why it does not start\n{out}"
    );
}

#[test]
fn an_app_is_given_the_time_that_it_needs_to_end() {
    let called = |changes: &[(&str, &str)]| {
        let folder = in_folder(&configuration("slow-stop=2", changes));
        let (code, out) = conformance(folder.path(), &["run", "callback/state-missing"]);
        assert_eq!(code, 0, "{out}");
        out.contains("did not end within 1 s of SIGTERM")
    };
    assert!(!called(&[]), "two seconds are no offence");
    assert!(called(&[(START, "[target.start]\nstop_timeout = 1\n")]));
}

/// As `npm start` does: the command ends at the signal, and the app, which takes longer, keeps the port.
#[test]
fn a_start_command_that_leaves_its_app_on_a_fixed_port_accuses_nobody() {
    let port = format!("http://localhost:{}", free_port());
    let command = format!("command = \"trap 'exit 0' TERM; python3 '{APP}' & wait $!\"");
    let changes = [
        (EXEC, command.as_str()),
        ("http://localhost:{port}", port.as_str()),
        (
            "PORT = \"{port}\"",
            &format!("PORT = \"{}\"", port.rsplit(':').next().unwrap()),
        ),
    ];
    // Both need an app that was started for them, on the one port that there is.
    let fresh = ["discovery/issuer-mismatch", "discovery/unknown-members"];
    let folder = in_folder(&configuration("slow-stop=1", &changes));
    let (code, out) = conformance(folder.path(), &[&["run"], CASES, &fresh].concat());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("6 cases: 6 pass"), "{out}");
}

#[test]
fn an_app_is_told_to_spare_the_issuer_from_the_proxy() {
    let folder = in_folder(&configuration("eager", &[]));
    // Nobody listens there: whoever asks the proxy gets nothing.
    let proxy = format!("http://127.0.0.1:{}", free_port());
    let environment = [("HTTP_PROXY", proxy.as_str()), ("http_proxy", proxy.as_str())];
    let (code, out) = conformance_with(folder.path(), &[&["run"], CASES].concat(), &environment);
    assert_eq!(code, 0, "{out}");
    let text = configuration("eager", &[("HABITS =", "NO_PROXY = \"\"\nno_proxy = \"\"\nHABITS =")]);
    let folder = in_folder(&text);
    let (code, out) = conformance_with(folder.path(), &["doctor"], &environment);
    assert_eq!(code, 3, "an app that does not spare it cannot start\n{out}");
}

#[test]
fn an_app_that_hangs_while_it_starts_keeps_no_other_from_starting() {
    // It reads its metadata before it listens: where they do not come it waits, and ends.
    let log = tempfile::NamedTempFile::new().unwrap();
    let habits = format!("eager=12,boot-log={}", log.path().display());
    let folder = in_folder(&configuration(&habits, &[("patience = 12", "patience = 15")]));
    let cases = ["discovery/unavailable", "discovery/issuer-trailing-slash"];
    let (code, out) = conformance(folder.path(), &[&["run"], &cases[..]].concat());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("2 cases: 2 pass"), "{out}");
    let log = std::fs::read_to_string(log.path()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let place = |wanted: String| lines.iter().position(|line| *line == wanted);
    let mut hanging = lines.iter().filter_map(|line| line.strip_prefix("gave up "));
    let others_started = hanging.any(|process| {
        let (started, gave_up) = (place(format!("started {process}")), place(format!("gave up {process}")));
        started
            .zip(gave_up)
            .is_some_and(|(started, gave_up)| gave_up > started + 1)
    });
    assert!(others_started, "{log}");
}

/// Its metadata never come, and it would wait for them longer than any `timeout`: three usual starts and `patience` are enough.
#[test]
fn an_app_that_hangs_while_it_starts_is_given_up_before_its_time() {
    let folder = in_folder(&configuration("eager=300", &[("patience = 12", "patience = 10")]));
    let (code, out) = conformance(folder.path(), &["run", "--out", "run", "discovery/unavailable"]);
    assert_eq!(code, 0, "{out}");
    let stored = std::fs::read_to_string(folder.path().join("run/run.json")).unwrap();
    let mut limits = stored.split("was not ready after ").skip(1).peekable();
    assert!(limits.peek().is_some(), "it was given up, and that is told\n{out}");
    for limit in limits {
        let seconds: u64 = limit.split(' ').next().unwrap().parse().unwrap();
        assert!(seconds < 60, "the default of `timeout` is 60 s: {seconds}");
    }
}

#[test]
fn what_an_app_printed_stands_in_the_summary_and_not_in_the_line_of_progress() {
    let picky = "command = \"case $OKTA_CLIENT_ID in *:*) echo no colon, please; exit 1;; esac; exec";
    let folder = in_folder(&configuration("", &[("command = \"exec", picky)]));
    let (code, out) = conformance(folder.path(), &["run", "token-request/basic-encoding"]);
    assert_eq!(code, 6, "{out}");
    let (progress, summary): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.starts_with("[1/1]"));
    let [progress] = progress[..] else {
        panic!("{out}");
    };
    assert!(
        progress.contains("INCONCLUSIVE") && progress.contains("the app did not start"),
        "{out}"
    );
    assert_eq!(out.matches("what it printed").count(), 1, "{out}");
    assert!(summary.iter().any(|line| line.ends_with("| no colon, please")), "{out}");
}

#[test]
fn an_issuer_over_plain_http_is_named_as_the_cause() {
    let folder = in_folder(&configuration("wants-https", &[]));
    let (code, out) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 3, "{out}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("Your Okta URL must start with https"), "{out}");
    assert!(flat.contains("setup/https-issuer"), "{out}");
    assert!(flat.contains("https_issuer = true"), "{out}");
}

#[test]
fn an_issuer_over_tls_is_trusted_with_the_systems_roots_or_without() {
    let https = (START, "[target.start]\nhttps_issuer = true\n");
    for trusted in ["{idp.ca}", "{idp.root_ca}"] {
        let file = format!("SSL_CERT_FILE = \"{trusted}\"\nHABITS =");
        is_judged("wants-https", &[https, ("HABITS =", &file)]);
    }
    let files = "SSL_CERT_FILE = \"{idp.ca}\"\nROOT = \"{idp.root_ca}\"\nHABITS =";
    let counts = "command = \"grep -c BEGIN $SSL_CERT_FILE > of-all; grep -c BEGIN $ROOT > of-root; exec";
    let counted = ("command = \"exec", counts);
    let folder = in_folder(&configuration("wants-https", &[https, ("HABITS =", files), counted]));
    let (code, out) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 0, "{out}");
    let count = |name: &str| -> usize {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        text.trim().parse().unwrap()
    };
    assert_eq!(count("of-root"), 1, "ours alone");
    assert!(count("of-all") > 1, "the system's as well");
}

#[test]
fn an_app_on_the_other_loopback_address_is_reached_or_told() {
    let folder = in_folder(&configuration("only-ipv6", &[]));
    let (code, out) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("listens on ::1 only"), "{out}");
    is_judged("only-ipv6", &[]);
    is_told(
        "only-ipv6",
        &[("url = \"http://localhost:{port}\"", "url = \"http://127.0.0.1:{port}\"")],
        &["setup/ipv6", "nobody listens on 127.0.0.1", "url = \"http://localhost:"],
    );
}

/// An app that this test started, and that ends with it.
struct Running(Child);

impl Running {
    fn start(port: u16, issuer: &str, habits: &str) -> Self {
        let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/odd-app/app.py");
        let child = Command::new("python3")
            .arg(app)
            .env("PORT", port.to_string())
            .env("OKTA_ISSUER", issuer)
            .env("OKTA_CLIENT_ID", "conformance-web-app")
            .env("OKTA_CLIENT_SECRET", "conformance-secret-0123456789-abcdefghijkl")
            .env("HABITS", habits)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Self(child);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the app does not listen");
            // Another process is waited for, which tells nobody when it listens.
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_app_that_runs_already_is_used_and_never_restarted() {
    let (port, idp) = (free_port(), free_port());
    let text = configuration("", &[(START, "[target.start]\nreuse_existing = true\n")])
        .replace("{port}", &port.to_string())
        .replace("[run]", &format!("[idp]\nport = {idp}\n\n[run]"));
    let folder = in_folder(&text);
    let mut app = Running::start(port, &format!("http://127.0.0.1:{idp}/oauth2/default"), "");
    let (code, out) = conformance(folder.path(), &[&["run"], CASES].concat());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("4 cases: 4 pass"), "{out}");
    assert!(app.0.try_wait().unwrap().is_none(), "nobody ended the app");
}

/// It was started with another issuer, and has read nothing since.
#[test]
fn an_app_that_knows_another_issuer_is_told_to_be_restarted() {
    let (port, idp) = (free_port(), free_port());
    let text = configuration("", &[]).replace("{port}", &port.to_string());
    let by_hand = text.split("[target.start]").next().unwrap().to_owned();
    let folder = in_folder(&format!("{by_hand}[idp]\nport = {idp}\n"));
    let _app = Running::start(port, &format!("http://127.0.0.1:{idp}/oauth2/other"), "");
    let (code, out) = conformance(folder.path(), &["doctor"]);
    assert_eq!(code, 3, "{out}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("setup/stale-metadata"), "{out}");
    assert!(flat.contains("restart the app"), "{out}");
}
