//! What a refusal tells the developer: what was sent, what is registered, what differs, what fixes it.

use mock_idp::{Client, Event, MockIdp, flow::near_miss::NearMiss, flow::record::Stamp};
use reqwest::Response;

use crate::{
    app::{self, ALICE, Browser, REDIRECT_URI, SECRET, VERIFIER},
    pages::text,
};

/// The near misses that were recorded, the latest last.
fn recorded(idp: &MockIdp) -> Vec<NearMiss> {
    let records = idp.unbound(Stamp::default()).into_iter();
    let misses = records.filter_map(|record| match record.event {
        Event::NearMiss { near_miss, .. } => Some(near_miss),
        _ => None,
    });
    misses.collect()
}

#[track_caller]
fn latest(idp: &MockIdp) -> NearMiss {
    recorded(idp).pop().expect("a near miss")
}

/// What is wrong, in a sentence each.
fn differences(miss: &NearMiss) -> Vec<&str> {
    miss.rows.iter().filter_map(|row| row.differs.as_deref()).collect()
}

async fn asked(idp: &MockIdp, changes: &[(&str, Option<&str>)]) -> Response {
    Browser::new().get(app::authorization_url(&idp.issuer(), changes)).await
}

async fn code(idp: &MockIdp) -> String {
    let mut browser = Browser::new();
    let back = app::authorize(&mut browser, &app::authorization_url(&idp.issuer(), &[]), ALICE).await;
    app::param(&back, "code").unwrap()
}

#[tokio::test]
async fn a_wrong_redirect_uri_is_compared_with_the_nearest_registered_one() {
    let idp = app::idp().await;
    let answer = asked(&idp, &[("redirect_uri", Some("http://127.0.0.1:3000/callback"))]).await;
    assert_eq!(answer.status(), 400);
    let page = answer.text().await.unwrap();
    let shown = text(&page, ".what-was-sent");
    for part in [
        "http://127.0.0.1:3000/callback",
        REDIRECT_URI,
        "It differs in the host only. localhost and 127.0.0.1 have separate cookies: pick one.",
        "# under [[client]] id = \"web\"",
        "redirect_uris = [\"http://localhost:3000/callback\", \"http://127.0.0.1:3000/callback\"]",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let miss = latest(&idp);
    assert_eq!(miss.rule, "redirect-uri-unregistered");
    assert_eq!(
        miss.to_string(),
        "  client_id     web                             ok\n  \
           redirect_uri  http://127.0.0.1:3000/callback  <- registered: http://localhost:3000/callback\n                \
           It differs in the host only. localhost and 127.0.0.1 have separate cookies: pick one.\n                \
           in mock-idp.toml:\n                  # under [[client]] id = \"web\"\n                  \
           redirect_uris = [\"http://localhost:3000/callback\", \"http://127.0.0.1:3000/callback\"]\n"
    );
}

/// The lines that a near miss gives are lines that make the request a good one.
#[tokio::test]
async fn the_lines_for_the_file_fix_what_was_refused() {
    let idp = app::idp().await;
    for changes in [
        [("client_id", Some("wbe")), ("scope", Some("openid"))],
        [
            ("redirect_uri", Some("http://localhost:3000/other")),
            ("scope", Some("openid")),
        ],
        [("scope", Some("openid orders:read")), ("client_id", Some("web"))],
    ] {
        assert_ne!(asked(&idp, &changes).await.status(), 200, "{changes:?}");
        let miss = latest(&idp);
        let lines: String = miss
            .toml
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| [line, "\n"])
            .collect();
        let base = "redirect_uris = [\"http://localhost:3000/callback\"]\n";
        let text = match miss.rule.as_str() {
            "client-unknown" => lines,
            "redirect-uri-unregistered" => format!("[[client]]\nid = \"web\"\n{lines}"),
            _ => format!("[[client]]\nid = \"web\"\n{base}[[auth_server]]\nid = \"default\"\n{lines}"),
        };
        let tenant = mock_idp::config::parse("mock-idp.toml", &text)
            .unwrap_or_else(|error| panic!("{error}"))
            .tenant;
        let fixed = crate::app::builder().tenant(tenant).start().await.unwrap();
        assert_eq!(asked(&fixed, &changes).await.status(), 200, "{text}");
    }
}

#[tokio::test]
async fn an_unknown_client_hears_of_the_nearest_one() {
    let idp = app::idp().await;
    asked(&idp, &[("client_id", Some("wbe"))]).await;
    assert_eq!(
        differences(&latest(&idp)),
        ["No client has this id; the nearest is `web`."]
    );
    let answer = app::redeem(&idp.issuer(), "c", &[("client_id", Some("wbe"))]).await;
    assert_eq!(answer.status(), 401);
    let miss = latest(&idp);
    assert!(
        miss.toml.contains("secret = \"env:OKTA_CLIENT_SECRET\""),
        "{}",
        miss.toml
    );
}

#[tokio::test]
async fn a_wrong_secret_is_explained_and_never_said() {
    let idp = app::idp().await;
    for (sent, expected) in [
        (
            format!("{SECRET}\n"),
            "It has white space before or after it, perhaps the end of a line.",
        ),
        (SECRET.to_uppercase(), "It differs in upper and lower case only."),
        (
            SECRET[..12].to_owned(),
            "It is the beginning of it: the end was cut off.",
        ),
        ("something-else-altogether".to_owned(), "It is a different secret."),
    ] {
        let answer = app::redeem(&idp.issuer(), "c", &[("client_secret", Some(&sent))]).await;
        assert_eq!(answer.status(), 401);
        let miss = latest(&idp);
        assert_eq!(differences(&miss), [expected]);
        let told = serde_json::to_string(&miss).unwrap() + &miss.to_string();
        assert!(!told.contains(SECRET) && !told.contains(sent.trim()), "{told}");
    }
    app::redeem(&idp.issuer(), "c", &[("client_secret", None)]).await;
    assert_eq!(
        differences(&latest(&idp)),
        ["The client has a secret, and none was sent."]
    );
}

#[tokio::test]
async fn a_wrong_verifier_is_compared_with_the_challenge() {
    let idp = app::idp().await;
    let other = VERIFIER.replace('d', "e");
    app::redeem(&idp.issuer(), &code(&idp).await, &[("code_verifier", Some(&other))]).await;
    let miss = latest(&idp);
    assert!(
        differences(&miss)[0].contains("it belongs to another request"),
        "{miss}"
    );
    assert!(miss.to_string().contains(app::CHALLENGE), "{miss}");
    app::redeem(&idp.issuer(), &code(&idp).await, &[("code_verifier", None)]).await;
    assert_eq!(latest(&idp).rule, "verifier-missing");
    let code = code(&idp).await;
    app::redeem(
        &idp.issuer(),
        &code,
        &[("redirect_uri", Some("http://localhost:3000/callback/"))],
    )
    .await;
    assert_eq!(
        differences(&latest(&idp)),
        ["It differs in the path only. It is a slash at the end."]
    );
    app::redeem(&idp.issuer(), &code, &[]).await;
    app::redeem(&idp.issuer(), &code, &[]).await;
    assert_eq!(latest(&idp).rule, "code-reused");
}

#[tokio::test]
async fn what_only_the_app_can_fix_says_so() {
    let idp = crate::app::builder()
        .client(Client::browser("web").redirect(REDIRECT_URI))
        .start()
        .await
        .unwrap();
    for (changes, rule) in [
        ([("state", None), ("scope", Some("openid"))], "state-missing"),
        (
            [("code_challenge", None), ("code_challenge_method", None)],
            "pkce-missing",
        ),
        (
            [("code_challenge_method", None), ("scope", Some("openid"))],
            "pkce-plain",
        ),
        (
            [("code_challenge", Some("short")), ("scope", Some("openid"))],
            "pkce-malformed",
        ),
        (
            [("scope", Some("profile")), ("state", Some("s"))],
            "scope-openid-missing",
        ),
    ] {
        asked(&idp, &changes).await;
        let miss = latest(&idp);
        assert_eq!(miss.rule, rule);
        assert!(!miss.app.is_empty(), "{miss}");
    }
}

#[tokio::test]
async fn a_magic_login_without_a_fault_hears_of_the_nearest_one() {
    let idp = app::idp().await;
    let mut browser = Browser::new();
    let url = app::authorization_url(&idp.issuer(), &[]);
    let page = browser.get(&url).await.text().await.unwrap();
    let fields = [
        ("identifier", "id-token.alg-nonne@fault.test"),
        ("credentials.passcode", "x"),
    ];
    assert_eq!(browser.submit(&url, &page, &fields).await.status(), 200);
    let miss = latest(&idp);
    assert_eq!(
        miss.rows[0].registered.as_deref(),
        Some("did you mean id-token.alg-none?")
    );
}

#[tokio::test]
async fn what_was_sent_cannot_write_to_a_terminal_or_a_page() {
    let idp = app::idp().await;
    let evil = "http://localhost:3000/\u{1b}[31m<script>alert(1)</script>\u{202e}";
    let page = asked(&idp, &[("redirect_uri", Some(evil))]).await.text().await.unwrap();
    assert!(!page.contains("<script>alert"), "{page}");
    let told = latest(&idp).to_string();
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told:?}");
    let long = "a".repeat(5_000);
    asked(&idp, &[("client_id", Some(&long))]).await;
    assert!(latest(&idp).to_string().len() < 2_000);
}

/// Whatever Okta refuses is explained, unless nothing was sent wrongly.
#[test]
fn every_refusal_is_explained_or_says_how_things_stand() {
    use mock_idp::{
        flow::{
            near_miss::{Refused, is_without, of},
            record::Request,
        },
        okta::error::OAUTH_ERRORS,
        protocol::params::Params,
    };
    let tenant = mock_idp::Tenant {
        clients: vec![std::sync::Arc::new(Client::web("web").redirect(REDIRECT_URI))],
        ..mock_idp::Tenant::default()
    };
    let request = Request {
        method: "POST".to_owned(),
        target: "/oauth2/default/v1/token".to_owned(),
        headers: vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )],
        body: "client_id=web&client_secret=wrong&grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2Fh%2F"
            .to_owned(),
    };
    let asked = Params(vec![("redirect_uri".to_owned(), REDIRECT_URI.to_owned())]);
    for error in OAUTH_ERRORS {
        let refused = Refused::new(&tenant, &request, "default", error.rule, &error.text).asked(Some(&asked));
        match of(refused) {
            Some(miss) => {
                assert!(!is_without(error.rule), "{}", error.rule);
                assert_eq!(miss.rule, error.rule);
                assert!(!differences(&miss).is_empty(), "{}: nothing differs", error.rule);
                assert!(
                    !(miss.app.is_empty() && miss.toml.is_empty()) || error.rule == "post-logout-uri-unregistered",
                    "{}: nothing fixes it",
                    error.rule
                );
            }
            None => assert!(is_without(error.rule), "{} is not explained", error.rule),
        }
    }
}

#[tokio::test]
async fn an_unknown_authorization_server_hears_of_the_registered_ones() {
    let idp = app::idp().await;
    for path in [
        "v1/authorize",
        "v1/token",
        "v1/keys",
        ".well-known/openid-configuration",
    ] {
        let url = idp.origin().join(&format!("/oauth2/nope/{path}")).unwrap();
        let http = reqwest::Client::new();
        let request = if path == "v1/token" {
            http.post(url)
        } else {
            http.get(url)
        };
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
        let miss = latest(&idp);
        assert_eq!(
            (miss.rule.as_str(), miss.rows[0].sent.as_deref()),
            ("server-unknown", Some("nope"))
        );
        assert_eq!(miss.rows[0].registered.as_deref(), Some("registered: default"));
        assert_eq!(miss.toml, "[[auth_server]]\nid = \"nope\"");
    }
}

#[tokio::test]
async fn what_no_endpoint_takes_is_explained_and_what_browsers_ask_of_all_servers_is_not() {
    let idp = app::idp().await;
    let http = reqwest::Client::new();
    let url = |path: &str| idp.origin().join(path).unwrap();
    assert_eq!(http.get(url("/favicon.ico")).send().await.unwrap().status(), 404);
    assert_eq!(recorded(&idp), []);
    assert_eq!(
        http.get(url("/oauth2/default/authorize"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let miss = latest(&idp);
    assert_eq!(miss.rule, "path-unknown");
    assert_eq!(miss.rows[0].registered.as_deref(), Some("/oauth2/default/v1/authorize"));
    assert_eq!(
        http.get(url("/oauth2/default/v1/token")).send().await.unwrap().status(),
        405
    );
    assert_eq!(latest(&idp).app, "send POST /oauth2/default/v1/token");
    let json = http
        .post(url("/oauth2/default/v1/token"))
        .header("content-type", "application/json");
    assert_eq!(json.body("{}").send().await.unwrap().status(), 400);
    assert_eq!(latest(&idp).rule, "media-type");
}

#[tokio::test]
async fn why_nobody_is_signed_in_is_told_to_the_developer_and_not_on_the_page() {
    let mut locked = mock_idp::User::with_login("locked@example.test");
    locked.status = mock_idp::tenant::UserStatus::LockedOut;
    let idp = MockIdp::builder()
        .user(ALICE)
        .user(locked)
        .client(Client::web("web").redirect(REDIRECT_URI))
        .start()
        .await
        .unwrap();
    for (login, password, rule, differs) in [
        (
            "alcie@example.test",
            "x",
            "user-unknown",
            "No user has this login; the nearest is `alice@example.test`.",
        ),
        (
            ALICE,
            "wrong",
            "password-wrong",
            "The password `wrong` is always refused, so that a test can be refused.",
        ),
        (
            "locked@example.test",
            "x",
            "user-inactive",
            "The account is LOCKED_OUT.",
        ),
    ] {
        let mut browser = Browser::new();
        let url = app::authorization_url(&idp.issuer(), &[]);
        let page = browser.get(&url).await.text().await.unwrap();
        let fields = [("identifier", login), ("credentials.passcode", password)];
        let page = browser.submit(&url, &page, &fields).await.text().await.unwrap();
        assert!(page.contains("Unable to sign in") && !page.contains(differs), "{login}");
        let miss = latest(&idp);
        assert_eq!(
            (miss.rule.as_str(), differences(&miss)),
            (rule, vec![differs]),
            "{login}"
        );
    }
}
