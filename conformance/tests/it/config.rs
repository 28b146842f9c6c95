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
        ("sign_in = { get = \"/login\" }\n", ""),
        ("probe = \"/me\"\n", ""),
        ("get = \"/login\"", "get = \"/login\", form = \"/\""),
        ("[302, 401]", "[302, 401"),
        ("status = 200", "status = \"ok\""),
        ("sign_in = { get = \"/login\" }", "sign_in = \"/login\""),
        ("sign_in = { get = \"/login\" }", "sign_in = {}"),
        ("callback = \"/callback\"", "callback = /callback"),
        ("callback = \"/callback\"", "callback = \"/callback"),
        ("callback = \"/callback\"", "callback ="),
        (
            "callback = \"/callback\"",
            "callback = \"/callback\"\ncallback = \"/cb\""
        ),
        ("callback = \"/callback\"", "callback = [\"/callback\"]"),
        (
            "callback = \"/callback\"",
            "callback = \"/callback\"\ncallback_method = \"form_post\""
        ),
        (
            "callback = \"/callback\"",
            "callback = \"/callback\"\njavascript = \"yes\""
        ),
        (
            "callback = \"/callback\"",
            "callback = \"/callback\"\ncommand = \"npm start\""
        ),
        (
            "post_logout = [\"http://localhost:{port}/\"]",
            "post_logout = \"http://localhost:{port}/\""
        ),
        ("PORT = \"{port}\"", "PORT = 3000"),
        ("[target.session]", "[session]"),
        ("[target.start]", "[target.strat]"),
    ]));
}

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    insta::assert_snapshot!(mistakes(&[
        ("url = \"http://localhost:{port}\"", "url = \"https://shop.example\""),
        ("url = \"http://localhost:{port}\"", "url = \"localhost:3000\""),
        (
            "url = \"http://localhost:{port}\"",
            "url = \"http://localhost:{port}/app\""
        ),
        ("url = \"http://localhost:{port}\"", "url = \"http://{idp.host}\""),
        ("probe = \"/me\"", "probe = \"me\""),
        ("{ get = \"/login\" }", "{ get = \"http://localhost:3000/login\" }"),
        ("{ get = \"/login\" }", "{ click = \" \" }"),
        ("{ get = \"/login\" }", "{ steps = [] }"),
        ("{ get = \"/login\" }", "{ steps = [{ press = \"Continue\" }] }"),
        (
            "{ get = \"/login\" }",
            "{ steps = [{ open = \"/login\" }, { fill = { email = \"{user.mail}\" } }] }"
        ),
        (
            "{ get = \"/login\" }",
            "{ steps = [{ open = \"/login\" }, { fill = { email = \"a\" } }] }"
        ),
        (
            "{ get = \"/login\" }",
            "{ steps = [{ open = \"/login\", press = \"Continue\" }] }"
        ),
        ("callback = \"/callback\"", "callback = \"callback\""),
        ("http://localhost:{port}/\"]", "/\"]"),
        ("http://localhost:{port}/\"]", "http://localhost:{ports}/\"]"),
        ("{idp.issuer}", "{idp.isuer}"),
        ("{idp.issuer}", "{user.email}"),
        ("{user.email}", "{user.mail}"),
        ("contains = \"{user.email}\"", "matches = \"Hi (\""),
        ("contains = \"{user.email}\"", "json = \"user.email\""),
        ("status = 200, contains = \"{user.email}\"", ""),
        ("{ status = [302, 401] }", "{ status = 99 }"),
        (
            "{ status = [302, 401] }",
            "{ status = 200, contains = \"{user.email}\" }"
        ),
        ("command = \"npm start\"", "command = \"npm start\"\nport = 99999"),
        ("command = \"npm start\"", "command = \"\""),
        (
            "command = \"npm start\"",
            "command = \"npm start\"\nwait_for = \"/healthz\""
        ),
        ("command = \"npm start\"", "command = \"npm start\"\ntimeout = \"60s\""),
    ]));
}

#[test]
fn settings_that_contradict_one_another_are_told() {
    let with = |more: &str| parse(&format!("{GOOD}\n{more}\n")).unwrap_err();
    let messages = [
        "[target.people]\nemail = \"ada@example.com\"",
        "[target.people]\nemail = \"{unique}\"",
        "[target.people]\nlogin = \"ada\"",
        "[target.people]\nemail = \"{unique}@one.example\"\n[target.declares]\nmail_domain = \"other.example\"",
        "[target.provision]\nbody = \"{}\"",
        "[target.provision]\ncommand = \"true\"\npost = \"/users\"",
        "[target.provision]\ncommand = \"true\"\nbody = \"{}\"",
        "[target.headers]\n\"x csrf\" = \"1\"",
        "[target.roles]\nadmins = \"/admin\"",
        "[[target.roles]]\ngroup = \"admins\"",
        "[[target.roles]]\ngroup = \"\"\npage = \"admin\"",
        "[[target.roles]]\ngroup = \"admins\"\npage = \"/admin\"\nshows = \"All accounts\"",
        "[[target.roles]]\ngroup = \"admins\"\npage = \"/of/{user.mail}\"\nshows = { json = \"users\" }",
        "[idp]\nbackend_url = \"idp:9494\"",
        "[idp]\nbackend_url = \"http://idp:{port}\"",
        "[idp]\nbuiltin = false",
        "[idp]\nstore = \"redis://127.0.0.1/0\"",
        "[idp]\nurl = \"http://127.0.0.1:9494\"",
        "[idp]\nurl = \"https://127.0.0.1:9494/oauth2\"\nstore = \"127.0.0.1:6379\"",
        "[idp]\nurl = \"http://127.0.0.1:9494\"\nstore = \"redis://127.0.0.1/0\"\nserver = \"org\"\nbackend_url = \"http://idp\"",
        "[idp]\nserver = \"my server\"",
        "[idp]\nserver = \"org\"\nscopes = [\"groups\"]",
        "[idp]\nclient_auth = \"private_key_jwt\"",
        "[idp]\nclient_auth = \"none\"",
        "[idp]\nclient_auth = \"client_secret\"",
        "[idp]\nport = 70000",
        "[run]\nprofile = \"strict\"",
        "[run]\njobs = 0",
        "[run]\ntimeout = 0",
        "[run]\npatience = 5",
        "[run]\nskip = [{ case = \"callback/state-mising\", reason = \"later\" }]",
        "[run]\nskip = [{ case = \"callback/state-missing\" }]",
        "[run]\nskip = [\"callback/state-missing\"]",
        "[locations]\ncallback = 41",
        "[targets]",
        "[run",
    ]
    .map(with);
    insta::assert_snapshot!(messages.join("\n----\n"));
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
    assert!(missing.contains("none.toml: there is no such file"), "{missing}");
}

#[test]
fn patience_is_not_shorter_than_an_answer_that_must_be_waited_for() {
    let with = |seconds: u64| parse(&format!("{GOOD}\n[run]\npatience = {seconds}\n"));
    assert_eq!(with(10).unwrap().run.patience, Some(10));
    let text = with(9).unwrap_err();
    assert!(text.contains("from 10 to 3600"), "{text}");
}

#[test]
fn the_steps_patterns_and_people_of_odd_apps_are_read() {
    let odd = GOOD
        .replace(
            "{ get = \"/login\" }",
            "{ steps = [{ open = \"/login\" }, { fill = { email = \"{user.email}\" } }, { press = \"Continue\" }] }",
        )
        .replace(
            "contains = \"{user.email}\"",
            "json = \"/user/name\", matches = \"^{user.given_name}\", ignore_case = true",
        )
        + "[target.people]\nemail = \"ada@{unique}.example.com\"\nclaims = { id = \"{unique}-{user.email}\", n = [1, true] }\n\
           [target.provision]\npost = \"/users\"\nbody = '{\"email\":\"{user.email}\"}'\n\
           [idp]\nserver = \"aus1\"\nscopes = [\"groups\"]\n";
    let config = parse(&odd).unwrap();
    assert_eq!(config.target.people.claims["n"], serde_json::json!([1, true]));
    assert!(config.target.session.signed_in.ignore_case);
    assert_eq!(config.target.custom_scopes(&config.idp), ["groups"]);
}

/// What the types themselves take in a table, by asking them to read a key that nobody has.
fn taken_by_the_types(table: &str, key: &str) -> Vec<String> {
    let text = format!("{GOOD}\n{table}\n{key}\n");
    let error = toml::from_str::<Config>(&text).unwrap_err().message().to_owned();
    let (_, names) = error
        .split_once("expected ")
        .unwrap_or_else(|| panic!("{table}: {error}"));
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_list_of_keys_is_that_of_the_types() {
    use conformance::config::keys;
    const NOBODYS: &str = "zzz-nobodys-key = 1";
    let inline = |line: &str| GOOD.contains(line).then(|| line.to_owned()).unwrap();
    let tables = [
        ("idp", "[idp]"),
        ("run", "[run]"),
        ("target.people", "[target.people]"),
        ("target.provision", "[target.provision]"),
        ("target.declares", "[target.declares]"),
        ("role", "[[target.roles]]"),
        ("skip", "[[run.skip]]"),
    ];
    let mut compared = Vec::new();
    let mut compare = |list: &'static str, mut theirs: Vec<String>| {
        let mut ours: Vec<String> = keys::of(list).map(|key| key.name.to_owned()).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "the keys of {list}");
        compared.push(list);
    };
    for (list, heading) in tables {
        compare(list, taken_by_the_types(heading, NOBODYS));
    }
    for (list, before, after) in [
        ("target", "[target]".to_owned(), format!("[target]\n{NOBODYS}")),
        (
            "target.session",
            "[target.session]".to_owned(),
            format!("[target.session]\n{NOBODYS}"),
        ),
        (
            "target.start",
            "[target.start]".to_owned(),
            format!("[target.start]\n{NOBODYS}"),
        ),
        ("way in", inline("{ get = \"/login\" }"), format!("{{ {NOBODYS} }}")),
        ("way out", inline("{ post = \"/logout\" }"), format!("{{ {NOBODYS} }}")),
        (
            "step",
            inline("{ get = \"/login\" }"),
            format!("{{ steps = [{{ {NOBODYS} }}] }}"),
        ),
        (
            "pattern",
            inline("{ status = 200, contains = \"{user.email}\" }"),
            format!("{{ {NOBODYS} }}"),
        ),
    ] {
        let error = toml::from_str::<Config>(&GOOD.replace(&before, &after))
            .unwrap_err()
            .message()
            .to_owned();
        let (_, names) = error
            .split_once("expected ")
            .unwrap_or_else(|| panic!("{list}: {error}"));
        compare(list, names.split('`').skip(1).step_by(2).map(str::to_owned).collect());
    }
    let known: Vec<&str> = keys::TABLES
        .iter()
        .map(|(table, ..)| *table)
        .filter(|table| !table.is_empty())
        .collect();
    for table in known {
        assert!(compared.contains(&table), "{table} was not compared");
    }
}

#[test]
fn every_example_of_the_reference_can_be_read_and_every_required_key_is_missed() {
    use conformance::config::keys::{self, Kind};
    for key in keys::KEYS {
        let example = match key.kind {
            Kind::Table(list) if list != "pattern" => key.example.to_owned(),
            _ => format!("{} = {}", key.name, key.example),
        };
        let parsed = toml::from_str::<toml::Table>(&example);
        assert!(parsed.is_ok(), "{}: {example}", key.name);
        assert!(
            !key.about.is_empty() && key.about.ends_with(['.', '?']),
            "{} is explained",
            key.name
        );
    }
    for key in keys::of("target")
        .chain(keys::of("target.session"))
        .filter(|key| key.required)
    {
        if key.name == "session" {
            continue;
        }
        let line = GOOD
            .lines()
            .find(|line| line.starts_with(&format!("{} ", key.name)))
            .unwrap();
        let error = mistake(line, "");
        assert!(error.contains(&format!("the key `{}` is missing", key.name)), "{error}");
        assert!(conformance::config::reference::markdown().contains(&format!("the key `{}` is missing", key.name)));
    }
}

#[test]
fn the_reference_page_is_the_generated_one() {
    let page = include_str!("../../CONFIG.md");
    assert!(
        page == conformance::config::reference::markdown(),
        "write it anew: conformance explain config --md > conformance/CONFIG.md"
    );
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = conformance::config::reference::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let instance = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    assert!(validator.is_valid(&instance(GOOD)));
    for file in [
        include_str!("../../../reference-app/conformance.toml"),
        include_str!("../../../fixtures/flawed-app/conformance.toml"),
        include_str!("../../../fixtures/apps/express/conformance.toml"),
    ] {
        assert!(validator.is_valid(&instance(file)), "{file}");
    }
    for (good, wrong) in [
        ("sign_in =", "sing_in ="),
        ("status = 200", "status = \"ok\""),
        ("probe = \"/me\"\n", ""),
    ] {
        assert!(!validator.is_valid(&instance(&GOOD.replace(good, wrong))), "{wrong}");
    }
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

#[test]
fn locations_are_of_cases_and_groups() {
    let text = format!(
        "{GOOD}\n[locations]\ncallbak = \"src/a.ts:1\"\n\"callback/state-missing\" = \"src/b.ts\"\ndefault = \"x\"\n"
    );
    let error = parse(&text).unwrap_err();
    assert!(
        error.contains("`callbak` names no case and no group") && error.contains("did you mean `callback`?"),
        "{error}"
    );
    assert!(!error.contains("state-missing` names"), "{error}");
}
