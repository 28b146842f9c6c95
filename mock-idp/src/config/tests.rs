use super::*;
use crate::tenant::PageStyle;

fn refused(text: &str) -> String {
    parse("mock-idp.toml", text).expect_err("a mistake").to_string()
}

#[test]
fn a_whole_org_is_read() {
    let config = parse(
        "mock-idp.toml",
        r#"
        issuer = "http://127.0.0.1:9494"
        name = "Acme"
        page = "classic"
        [[auth_server]]
        id = "default"
        scopes = ["api:read"]
        access_token_lifetime = 300
        [[client]]
        id = "web"
        secret = "literal"
        redirect_uris = ["http://localhost:3000/callback"]
        [[client]]
        id = "spa"
        [[user]]
        login = "ann@acme.test"
        groups = ["admins"]
        claims = { locale = "de-DE" }
        "#,
    )
    .unwrap();
    let tenant = config.tenant;
    assert_eq!(tenant.page, PageStyle::Classic);
    assert_eq!(tenant.servers[0].access_token_lifetime, 300);
    assert_eq!(tenant.client("web").unwrap().secret.as_deref(), Some("literal"));
    assert!(tenant.client("spa").unwrap().pkce_required);
    assert_eq!(tenant.user("ANN@acme.test").unwrap().profile["locale"], "de-DE");
    assert!(tenant.user("alice@example.test").is_none(), "the file's users only");
}

#[test]
fn an_unknown_key_is_shown_at_its_place_with_the_nearest_name() {
    assert_eq!(
        refused("[[client]]\nid = \"web\"\nredirect_uri = [\"http://localhost/\"]\n"),
        "mock-idp.toml:3:1: unknown key `redirect_uri`\n   |\n 3 | redirect_uri = [\"http://localhost/\"]\n   | ^ did \
         you mean `redirect_uris`?"
    );
}

#[test]
fn impossible_values_are_refused() {
    for (text, expected) in [
        ("issuer = \"http://h/oauth2/default\"", "is not the URL of an org"),
        (
            "[[client]]\nid = \"a\"\n[[client]]\nid = \"a\"",
            "there are two of the client `a`",
        ),
        (
            "[[client]]\nid = \"a\"\nredirect_uris = [\"/callback\"]",
            "is no absolute URI",
        ),
        ("[[auth_server]]\nid = \"v1\"", "cannot be the id"),
        (
            "[[auth_server]]\nid = \"a\"\naccess_token_lifetime = 5",
            "cannot live 5 seconds",
        ),
        (
            "[[client]]\nid = \"a\"\nsecret = \"env:MOCK_IDP_NO_SUCH\"",
            "`MOCK_IDP_NO_SUCH` is not set",
        ),
        ("page = \"clasic\"", "did you mean `classic`?"),
        ("issuer = ", "mock-idp.toml:1:"),
    ] {
        assert!(refused(text).contains(expected), "{text}: {}", refused(text));
    }
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let told = refused(
        "issuer = \"http://h/oauth2/default\"\nnmae = \"Acme\"\n[[client]]\nid = \"web\"\nredirect_uris = [\"/callback\", \
         7]\npkce_required = \"yes\"\n[[user]]\npassword = \"x\"\n[[user]]\nlogin = \"a@example.test\"\nmfa = \
         \"sms\"\n[[user]]\nlogin = \"A@example.test\"\nclaims = { iss = \"x\" }\n",
    );
    for (line, expected) in [
        (1, "is not the URL of an org"),
        (2, "unknown key `nmae`"),
        (5, "`/callback` is no absolute URI"),
        (5, "`redirect_uris` is an integer"),
        (6, "`pkce_required` is a string"),
        (7, "`login` is missing"),
        (11, "`sms` is not a second factor"),
        (13, "there are two of the user"),
        (14, "the claim `iss` is the authorization server's own"),
    ] {
        assert!(
            told.lines()
                .any(|told| told.starts_with(&format!("mock-idp.toml:{line}:")) && told.contains(expected)),
            "{line} {expected}:\n{told}"
        );
    }
    assert!(told.ends_with("9 mistakes"), "{told}");
}

#[test]
fn faults_are_armed_from_the_start() {
    let config = parse(
        "mock-idp.toml",
        "[[fault]]\nid = \"id-token.exp-past.1h\"\nuser = \"slow@example.test\"\ntimes = 1\nendpoint = \"token\"\nttl = \
         \"10m\"\n[[fault]]\nid = \"jwks.fetch-fails.no-keys\"\n",
    )
    .unwrap();
    let [narrow, wide] = &config.faults[..] else {
        panic!("{:?}", config.faults)
    };
    assert_eq!((narrow.fault.id(), narrow.times), ("id-token.exp-past.1h", Some(1)));
    assert_eq!(narrow.ttl, Some(std::time::Duration::from_secs(600)));
    assert_eq!((wide.server.as_str(), wide.user.as_deref()), ("default", None));
    let told = refused(
        "[[fault]]\nid = \"id-token.alg-nonne\"\n[[fault]]\nid = \"jwks.fetch-fails.no-keys\"\nuser = \"a\"\n[[fault]]\nid = \
         \"id-token.alg-none\"\nclient = \"mock-web-clinet\"\nendpoint = \"tokn\"\nttl = \"soon\"\ntimes = 0\n",
    );
    for (line, expected) in [
        (2, "did you mean `id-token.alg-none`?"),
        (4, "it takes no user, client, endpoint or `times`"),
        (7, "`times` is at least 1"),
        (8, "did you mean `mock-web-client`?"),
        (9, "did you mean `token`?"),
        (10, "`soon` is not a duration"),
    ] {
        assert!(
            told.split("\n\n")
                .any(|told| told.starts_with(&format!("mock-idp.toml:{line}:")) && told.contains(expected)),
            "{line} {expected}:\n{told}"
        );
    }
}

#[test]
fn the_list_of_keys_is_that_of_what_is_read() {
    // What the reader knows is told by its message about a key that it does not know.
    let known = |path: &str| -> Vec<String> {
        let header = keys::section(path).unwrap().header;
        let required = if path == "auth_server" || path == "client" {
            "id = \"a\"\n"
        } else if path == "user" {
            "login = \"a\"\n"
        } else {
            ""
        };
        let parent = match path {
            "auth_server.scope" | "auth_server.claim" | "auth_server.policy" => "[[auth_server]]\nid = \"a\"\n",
            "client.groups_claim" => "[[client]]\nid = \"a\"\n",
            _ => "",
        };
        let text = if path == "filter" {
            "[[auth_server]]\nid = \"a\"\n[[auth_server.claim]]\nname = \"a\"\ngroups = { zzz = \"a\" }\n".to_owned()
        } else {
            format!("{parent}{header}\n{required}zzz = 1\n")
        };
        let told = read::told_by_serde(&text);
        told.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    };
    for section in keys::SECTIONS {
        let mut ours: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
        let mut read = known(section.path);
        ours.sort_unstable();
        read.sort_unstable();
        assert_eq!(read, ours, "[{}]", section.path);
    }
}

#[test]
fn every_example_is_accepted() {
    for section in keys::SECTIONS
        .iter()
        .filter(|section| !section.header.is_empty() || section.path.is_empty())
    {
        for key in section.keys {
            // What its section needs beside it.
            let mut beside: Vec<String> = Vec::new();
            for other in section.keys {
                if other.kind == keys::Kind::Required && other.name != key.name {
                    beside.push(format!("{} = {}", other.name, other.example));
                }
            }
            match (section.path, key.name) {
                ("auth_server.claim", "value" | "attribute" | "groups") => {}
                ("auth_server.claim", _) => beside.push("value = 1".to_owned()),
                ("client.groups_claim", "name") => beside.push("filter = { regex = \".*\" }".to_owned()),
                // They name what is not there.
                ("client", "secret") | ("auth_server", "signing_key") => continue,
                _ => {}
            }
            let parent = match section.path {
                path if path.starts_with("auth_server.") => "[[auth_server]]\nid = \"a\"\n",
                path if path.starts_with("client.") => "[[client]]\nid = \"a\"\n",
                _ => "",
            };
            let name = if key.name.starts_with('$') {
                format!("\"{}\"", key.name)
            } else {
                key.name.to_owned()
            };
            let text = format!(
                "{parent}{}\n{}\n{name} = {}\n",
                section.header,
                beside.join("\n"),
                key.example
            );
            if let Err(mistakes) = parse("mock-idp.toml", &text) {
                panic!("{text}\n{mistakes}");
            }
        }
    }
}

#[test]
fn the_reference_in_the_repository_is_the_one_of_the_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFIGURATION.md");
    if std::env::var_os("MOCK_IDP_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written == reference(),
        "{} is not what `mock-idp reference` prints: run this test with MOCK_IDP_WRITE_REFERENCE=1",
        file.display()
    );
}

#[test]
fn what_okta_would_refuse_is_taken_under_lax() {
    let text = "[[auth_server]]\nid = \"default\"\naccess_token_lifetime = 10\n[[client]]\nid = \"w\"\nsecret = \
                \"a-secret-that-is-long-enough\"\nredirect_uris = [\"http://localhost:*/callback\"]\n";
    let told = refused(text);
    assert!(
        told.contains("access tokens cannot live 10 seconds") && told.contains("--lax"),
        "{told}"
    );
    assert!(told.contains("wildcard_ports = true"), "{told}");
    let lax = read::config("mock-idp.toml", Path::new("."), text, Strictness::Lax).unwrap();
    assert_eq!(lax.tenant.servers[0].access_token_lifetime, 10);
    assert!(
        lax.tenant
            .client("w")
            .unwrap()
            .has_redirect("http://localhost:4123/callback")
    );
    let named = parse(
        "mock-idp.toml",
        &text
            .replace("10\n", "300\n")
            .replace("redirect_uris", "wildcard_ports = true\nredirect_uris"),
    );
    let client = named.unwrap().tenant.client("w").unwrap().clone();
    assert!(client.has_redirect("http://localhost:4123/callback"));
    for other in [
        "http://localhost/callback",
        "http://localhost:1/other",
        "http://localhost:@evil.test:1/callback",
        "http://localhost:1x/callback",
    ] {
        assert!(!client.has_redirect(other), "{other}");
    }
}

#[test]
fn claims_of_users_have_the_rules_that_okta_would_need() {
    let text = "[[user]]\nlogin = \"zoe@example.test\"\nclaims = { employee_id = \"E-1\", locale = \"de-DE\" }\n";
    let config = parse("mock-idp.toml", text).unwrap();
    let names: Vec<&str> = config.tenant.servers[0]
        .claims
        .iter()
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["employee_id", "employee_id"],
        "one for ID tokens, one for access tokens; locale has its scope"
    );
    let strict = parse("mock-idp.toml", &format!("claims_need_rules = true\n{text}")).unwrap();
    assert!(strict.tenant.servers[0].claims.is_empty());
    assert!(
        strict.hints[0].contains("the claim `employee_id` reaches no token of `default`"),
        "{:?}",
        strict.hints
    );
}
