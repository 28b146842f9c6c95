//! The program as people run it: help, listings, mistakes, exit codes.

use std::{
    io::Read,
    process::Stdio,
    time::{Duration, Instant},
};

use assert_cmd::Command;

/// The program, heedless of the variables of whoever runs the tests.
fn conformance() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CONFORMANCE_")
            || ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS"].contains(&name.as_str())
        {
            command.env_remove(name);
        }
    }
    command
}

/// Exit code, standard output, standard error.
fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn help_is_an_interface() {
    let mut text = String::new();
    for command in [
        "", "run", "doctor", "list", "explain", "show", "diff", "rejudge", "report", "baseline", "replay", "env",
        "init", "schema", "browser", "version",
    ] {
        text.push_str(&format!(
            "==== conformance {command}\n{}\n",
            conformance::cli::help(command)
        ));
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 110),
        "no line is wider than the page"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn every_flag_that_takes_part_in_a_run_has_an_environment_twin() {
    let help = conformance::cli::help("run");
    let flags = help
        .split("\n      --")
        .skip(1)
        .chain(help.split("\n  -").skip(1).filter(|text| !text.starts_with('-')));
    for flag in flags.filter(|flag| !flag.starts_with("h, --help")) {
        assert!(flag.contains("CONFORMANCE_"), "{flag}");
    }
}

/// The pages that tell people about this program.
const READMES: [&str; 2] = [include_str!("../../../README.md"), include_str!("../../README.md")];

/// The flags of other programs on those pages: Cargo, pip, npm, Docker.
const FOREIGN_FLAGS: [&str; 11] = [
    "--bin",
    "--from",
    "--locked",
    "--package",
    "--path",
    "--publish",
    "--rm",
    "--save-dev",
    "--tag",
    "--test",
    "--workspace",
];

#[test]
fn the_readme_speaks_of_commands_and_flags_that_exist() {
    let help: String = [
        "", "run", "doctor", "list", "explain", "show", "diff", "rejudge", "report", "baseline", "replay", "env",
        "init", "schema", "browser", "version",
    ]
    .iter()
    .map(|command| conformance::cli::help(command))
    .collect();
    for readme in READMES {
        let words = readme.split(|c: char| c.is_whitespace() || "`|(),=[]".contains(c));
        let flags = words.filter(|word| word.starts_with("--") && word.trim_matches('-').len() > 1);
        for flag in flags.filter(|flag| !FOREIGN_FLAGS.contains(flag)) {
            assert!(help.contains(flag), "the README names {flag}, which no command has");
        }
        let spans = readme.split('`').skip(1).step_by(2);
        let blocks = readme
            .split("```sh\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap());
        for command in spans.chain(blocks.flat_map(str::lines)) {
            let Some(command) = command.trim_start().strip_prefix("conformance ") else {
                continue;
            };
            let command = command.split_whitespace().next().unwrap_or_default();
            assert!(
                !conformance::cli::help(command).is_empty() && help.contains(&format!("\n  {command} ")),
                "the README names `conformance {command}`, which does not exist"
            );
        }
    }
    for (code, sentence) in conformance::exit::ALL {
        assert!(
            READMES[1].contains(&format!("| {code} | {sentence} |")),
            "conformance/README.md tells what exit code {code} means: {sentence}"
        );
    }
}

#[test]
fn the_readmes_configuration_is_right() {
    for readme in READMES {
        let blocks: Vec<&str> = readme
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
            .collect();
        assert!(!blocks.is_empty());
        for block in blocks {
            let parsed = conformance::target::Config::parse(block, std::path::Path::new("README.md"), &[]);
            assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
        }
    }
}

#[test]
fn a_listing_has_every_case_in_every_format() {
    let ids: Vec<&str> = conformance::catalog::all().map(|case| case.id).collect();
    let (code, text, _) = outcome(conformance().args(["list", "--ascii"]));
    assert_eq!(code, 0);
    let (_, json, _) = outcome(conformance().args(["list", "--format", "json"]));
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let (_, md, _) = outcome(conformance().args(["list", "--format", "md"]));
    assert_eq!(json.len(), ids.len());
    for (id, entry) in ids.iter().zip(&json) {
        assert_eq!(entry["id"], *id);
        assert!(text.contains(id) && md.contains(&format!("| `{id}` |")), "{id}");
    }
}

/// What `HABITS.md` says of a habit is what the app with it does today. A habit that has not met every case is not in it.
#[test]
fn the_habits_that_are_proved_are_listed_in_every_format() {
    let (code, text, _) = outcome(conformance().args(["list", "--habits", "--ascii"]));
    assert_eq!(code, 0);
    let (_, json, _) = outcome(conformance().args(["list", "--habits", "--format", "json"]));
    let listed: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let (_, md, _) = outcome(conformance().args(["list", "--habits", "--format", "md"]));
    assert!(listed.len() >= 60, "{} habits", listed.len());
    for entry in &listed {
        let name = entry["name"].as_str().unwrap();
        let habit = flawed_app::Habit::from_name(name).unwrap_or_else(|| panic!("{name} is no habit"));
        assert_eq!(entry["does"], habit.description(), "{habit}");
        assert!(entry["passed"].as_u64() > Some(0), "{habit}");
        assert!(
            text.contains(habit.name()) && md.contains(&format!("| `{habit}` |")),
            "{habit}"
        );
    }
    let (code, _, error) = outcome(conformance().args(["list", "--habits", "callback"]));
    assert!(code == 2 && error.contains("--habits"), "{error}");
}

#[test]
fn selectors_narrow_a_listing() {
    let listed = |selectors: &[&str]| -> Vec<String> {
        let (code, json, error) = outcome(conformance().args(["list", "--format", "json"]).args(selectors));
        assert_eq!(code, 0, "{error}");
        let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        json.iter()
            .map(|case| case["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let group = listed(&["callback"]);
    assert!(group.iter().all(|id| id.starts_with("callback/")) && group.len() > 2);
    assert_eq!(group, listed(&["callback/*"]));
    let without = listed(&["callback", "not callback/state-*"]);
    assert!(without.len() < group.len() && without.iter().all(|id| !id.starts_with("callback/state-")));
    let both = listed(&["callback", "id-token", "level:should"]);
    let level = |id: &String| conformance::catalog::all().find(|case| case.id == id).unwrap().level;
    assert!(!both.is_empty() && both.iter().all(|id| level(id) == conformance::outcome::Level::Should));
    let slow = listed(&["lane:slow"]);
    assert!(
        group.iter().all(|id| !slow.contains(id)),
        "slow cases come only when asked for"
    );
}

#[test]
fn an_unknown_selector_says_what_was_perhaps_meant() {
    let (code, _, error) = outcome(conformance().args(["list", "callback/state-mising"]));
    assert_eq!(code, 4);
    assert!(error.contains("did you mean callback/state-missing"), "{error}");
}

#[test]
fn every_case_explains_itself() {
    for (index, case) in conformance::catalog::all().enumerate() {
        // Both forms say the same of every case; that the other one does for some is enough.
        let forms = [&["explain", case.id, "--md"][..], &["explain", case.id, "--ascii"]];
        for form in &forms[..if index % 10 == 0 { 2 } else { 1 }] {
            let (code, page, error) = outcome(conformance().args(*form));
            assert_eq!(code, 0, "{error}");
            assert!(!page.contains("with without"), "{page}");
            for section in conformance::explain::page(case, &conformance::explain::Fixes::Names) {
                assert!(page.contains(section.heading), "{} lacks {}", case.id, section.heading);
            }
            for variant in case.variants.iter().filter(|_| case.variants.len() > 1) {
                assert!(
                    page.contains(variant.name),
                    "{} lacks variant {}",
                    case.id,
                    variant.name
                );
            }
            for check in case.variants.iter().flat_map(|variant| variant.expect) {
                assert!(
                    page.contains(check.check.id),
                    "{} lacks check {}",
                    case.id,
                    check.check.id
                );
            }
        }
    }
}

#[test]
fn an_explanation_on_paper() {
    let page = |arguments: &[&str]| {
        let (code, page, error) = outcome(
            conformance()
                .args(["explain", "callback/state-mismatch"])
                .args(arguments),
        );
        assert_eq!(code, 0, "{error}");
        page
    };
    insta::assert_snapshot!("explain", page(&["--framework", "express"]));
    insta::assert_snapshot!("explain_markdown", page(&["--framework", "go", "--md"]));
    let all = page(&["--md"]);
    for framework in conformance::remedy::Framework::ALL {
        assert!(all.contains(framework.title()), "{}", framework.title());
    }
}

#[test]
fn snippets_follow_the_framework_that_the_last_run_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let page = |extra: &[&str]| {
        let (code, page, error) = outcome(
            conformance()
                .current_dir(folder.path())
                .args(["explain", "id-token/nonce-wrong"])
                .args(extra),
        );
        assert_eq!(code, 0, "{error}");
        page
    };
    assert!(page(&[]).contains("--framework NAME, with one of express,"));
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    let latest = folder.path().join(".conformance/latest");
    std::fs::create_dir_all(&latest).unwrap();
    let run = r#"{"target":{"framework":{"guess":"spring","why":"guessed from the cookie JSESSIONID"}},"cases":[]}"#;
    std::fs::write(latest.join("run.json"), run).unwrap();
    let guessed = page(&[]);
    assert!(guessed.contains("For Spring Security (guessed from the cookie JSESSIONID, by the last run)"));
    assert!(guessed.contains("Written for Spring Security"));
    let other = page(&["--framework", "flask"]);
    assert!(other.contains("Written for Flask") && !other.contains("Spring"));
    let unknown = run.replace("spring", "apache");
    std::fs::write(latest.join("run.json"), unknown).unwrap();
    assert!(page(&[]).contains("--framework NAME, with one of express,"));
}

#[test]
fn an_unknown_case_or_framework_says_what_was_perhaps_meant() {
    let (code, _, error) = outcome(conformance().args(["explain", "callback/state-mismach"]));
    assert_eq!(code, 2);
    assert!(error.contains("did you mean callback/state-mismatch"), "{error}");
    let (code, _, error) = outcome(conformance().args(["explain", "zzz"]));
    assert_eq!(code, 2);
    assert!(error.contains("`conformance list` shows them all"), "{error}");
    let (code, _, error) = outcome(conformance().args(["explain", "callback/state-mismatch", "--framework", "expres"]));
    assert_eq!(code, 2);
    assert!(
        error.contains("did you mean express? known are express, next-auth"),
        "{error}"
    );
}

#[test]
fn mistakes_have_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, error) = outcome(conformance().current_dir(folder.path()).arg("run"));
    assert_eq!(code, 2);
    assert!(error.contains("no conformance.toml here or above"), "{error}");
    std::fs::write(folder.path().join("conformance.toml"), "[target]\nurll = 1\n").unwrap();
    let (code, _, error) = outcome(conformance().current_dir(folder.path()).arg("run"));
    assert_eq!(code, 2);
    assert!(
        error.contains("conformance.toml:2:1: unknown key `urll`") && error.contains("did you mean `url`?"),
        "{error}"
    );
    assert_eq!(outcome(conformance().args(["run", "--jobs", "0"])).0, 2);
    assert_eq!(outcome(conformance().args(["run", "a.toml", "b.toml"])).0, 2);
    assert_eq!(outcome(conformance().arg("explain").arg("no/such-case")).0, 2);
    assert_eq!(outcome(conformance().arg("--version")).0, 0);
}

#[test]
fn a_browser_that_is_named_is_driven_and_contradictions_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    let doctor = |arguments: &[&str]| {
        let mut command = conformance();
        command.current_dir(folder.path()).arg("doctor").args(arguments);
        let nowhere = folder.path().join("nowhere");
        outcome(command.env("GECKODRIVER", &nowhere).env("CHROMEDRIVER", &nowhere))
    };
    for arguments in [
        &["--browser", "firefox"][..],
        &["--browser", "firefox", "--driver", "webdriver"],
    ] {
        let (code, out, _) = doctor(arguments);
        assert_eq!(code, 3, "{out}");
        assert!(out.contains("no geckodriver was found"), "{out}");
        assert!(out.contains("conformance browser install --browser firefox"), "{out}");
    }
    let (_, out, _) = doctor(&["--driver", "webdriver"]);
    assert!(out.contains("no chromedriver was found"), "{out}");
    let (code, _, error) = doctor(&["--driver", "http", "--browser", "firefox"]);
    assert_eq!(code, 2);
    assert!(error.contains("leave one of them away"), "{error}");
    let (code, _, error) = doctor(&["--browser", "safari"]);
    assert_eq!(code, 2);
    assert!(error.contains("chrome") && error.contains("firefox"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn windows_that_nobody_could_see_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    for brand in ["chrome", "firefox"] {
        let mut command = conformance();
        command
            .current_dir(folder.path())
            .args(["run", "--driver", "webdriver", "--headed", "--browser", brand])
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        let (code, out, _) = outcome(&mut command);
        assert_eq!(code, 3, "{out}");
        assert!(out.contains("setup/display"), "{out}");
        assert!(out.contains("leave --headed away") && out.contains("xvfb-run"), "{out}");
    }
}

/// An app that is started by hand, on a port where nothing listens.
const BY_HAND: &str = r#"
[target]
url = "http://localhost:9"
sign_in = { get = "/login" }
callback = "/callback"
post_logout = ["http://localhost:9/"]
[target.session]
probe = "/me"
signed_in = { contains = "{user.email}" }
signed_out = { status = 401 }
[idp]
port = 0
"#;

#[test]
fn the_environment_for_an_app_that_is_started_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("conformance.toml"),
        BY_HAND.replace("port = 0", "client_secret = \"it's\""),
    )
    .unwrap();
    let (code, text, _) = outcome(conformance().current_dir(folder.path()).arg("env"));
    assert_eq!(code, 0);
    insta::assert_snapshot!(text, @r"
    export OKTA_ISSUER='http://127.0.0.1:9494/oauth2/default'
    export OKTA_CLIENT_ID='conformance-web-app'
    export OKTA_CLIENT_SECRET='it'\''s'
    export OKTA_REDIRECT_URI='http://localhost:9/callback'
    export OKTA_POST_LOGOUT_REDIRECT_URI='http://localhost:9/'
    ");
    let (_, json, _) = outcome(
        conformance()
            .current_dir(folder.path())
            .args(["env", "--format", "json"]),
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["OKTA_CLIENT_SECRET"], "it's");
}

#[test]
fn an_app_that_is_down_is_a_setup_problem_and_passes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    for command in ["run", "doctor"] {
        let (code, text, error) = outcome(conformance().current_dir(folder.path()).args([command, "--ascii"]));
        assert_eq!(code, 3, "{text}{error}");
        assert!(text.contains("setup/app-answers"), "{text}");
        // A red run that is kept ends with the path of its page.
        let last = text.lines().rfind(|line| !line.starts_with("report ")).unwrap();
        assert_eq!(text.contains("report   .conformance/runs/"), command == "run", "{text}");
        let (begins, ends) = match command {
            "run" => ("0 cases: 0 pass", "profile okta: not assessed   exit 3"),
            _ => ("not ready: ", "run `conformance doctor` again   exit 3"),
        };
        assert!(last.starts_with(begins) && last.ends_with(ends), "{last}");
    }
}

#[test]
fn an_app_that_cannot_start_is_told_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let start = "[target.start]\ncommand = \"echo no database; exit 9\"\n[idp]";
    let text = BY_HAND
        .replace("[idp]", start)
        .replace("localhost:9", "localhost:{port}");
    std::fs::write(folder.path().join("conformance.toml"), text).unwrap();
    let (code, text, error) = outcome(conformance().current_dir(folder.path()).arg("run"));
    assert_eq!(code, 3, "{text}{error}");
    assert!(
        text.contains("exit status: 9") && text.contains("no database"),
        "{text}"
    );
}

#[test]
fn an_interrupted_run_ends_its_app_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let start = "[target.start]\ncommand = \"echo $$ > pid; exec sleep 600\"\n[idp]";
    let text = BY_HAND
        .replace("[idp]", start)
        .replace("localhost:9", "localhost:{port}");
    std::fs::write(folder.path().join("conformance.toml"), text).unwrap();
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["run", "callback"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = || {
        std::fs::read_to_string(folder.path().join("pid"))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    assert!(soon(|| !pid().is_empty()), "the app was started");
    signal("-INT", &run.id().to_string());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let mut told = String::new();
    run.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("interrupted: ended after 0 of"), "{told}");
    assert!(soon(|| !signal("-0", &pid())), "the app is gone");
}

/// What a reader who goes away, or a full disk behind standard output, makes of a red run: nothing.
#[test]
fn the_exit_code_is_that_of_the_verdicts_whoever_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    for reader in ["| head -1", "| grep -q target", "> /dev/full", "| true", ">&-"] {
        let script = format!(
            "set -o pipefail; {} run callback {reader}",
            env!("CARGO_BIN_EXE_conformance")
        );
        let (code, _, error) = outcome(Command::new("bash").current_dir(folder.path()).args(["-c", &script]));
        // `grep -q` finds nothing when the run is over before it says so.
        assert_eq!(code, 3, "{reader}: {error}");
        let (shown, text, _) = outcome(conformance().current_dir(folder.path()).args(["show", "latest"]));
        assert_eq!(shown, 0);
        assert!(
            text.contains("setup/app-answers"),
            "{reader}: the results are kept: {text}"
        );
    }
}

#[test]
fn places_are_tried_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conformance.toml"), BY_HAND).unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let run = |out: &str| {
        outcome(
            conformance()
                .current_dir(folder.path())
                .args(["run", "callback", "--out", out]),
        )
    };
    let (code, out, error) = run("file/below");
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert!(error.contains("file/below cannot be written to"), "{error}");
    assert_eq!(run("kept").0, 3);
    let (code, _, error) = run("kept");
    assert_eq!(code, 3);
    assert!(
        error.contains("kept holds the run") && error.contains("replaces it"),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("kept/journal.ndjson")).unwrap();
    std::fs::write(folder.path().join("kept/run.json"), "{}").unwrap();
    let (code, _, error) = run("kept");
    assert_eq!(code, 2);
    assert!(error.contains("no run of this program"), "{error}");
}

#[test]
fn stored_runs_that_are_not_there_or_not_ours_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let show = |arguments: &[&str]| outcome(conformance().current_dir(folder.path()).arg("show").args(arguments));
    let (code, _, error) = show(&[]);
    assert_eq!(code, 2);
    assert!(error.contains("there is no run in"), "{error}");
    std::fs::write(
        folder.path().join("half.json"),
        "{\"schema\": \"conformance-run/1\", \"run\": {",
    )
    .unwrap();
    let (code, _, error) = show(&["half.json"]);
    assert_eq!(code, 2);
    assert!(error.contains("torn or no JSON"), "{error}");
    let (code, _, error) = show(&["--format", "junt"]);
    assert_eq!(code, 2, "{error}");
    let (code, schema, _) = outcome(conformance().args(["report", "schema"]));
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "conformance-run/1");
}

/// Sends a signal; false when there is no such process.
fn signal(which: &str, pid: &str) -> bool {
    let kill = std::process::Command::new("kill")
        .args([which, pid])
        .stderr(Stdio::null())
        .status();
    kill.unwrap().success()
}

/// Polls until it is true.
fn soon(mut what: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, _) = outcome(conformance().args(["completions", shell]));
        assert_eq!(code, 0);
        assert!(script.contains("explain") && script.contains("seed"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, _, said) = outcome(conformance().arg("man").arg(folder.path().join("man1")));
    assert_eq!((code, said.as_str()), (0, ""));
    let page = |name: &str| std::fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
    assert!(page("conformance.1").contains("conformance\\-explain(1)"));
    assert!(page("conformance-run.1").contains("\\-\\-seed"));
    let (_, main, _) = outcome(conformance().arg("man"));
    assert!(main.starts_with(".ie") || main.contains(".TH conformance 1"), "{main}");
}
