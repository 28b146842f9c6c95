//! Sessions and users.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use reference_app::{
    app::App,
    clock::Clock,
    oidc::{Check, Identity},
    users,
};
use serde_json::{Value, json};

use crate::{
    fake_idp::{SUBJECT, ok},
    visitor::World,
};

fn identity(subject: &str, claims: Value) -> Identity {
    Identity {
        issuer: "https://idp.test/oauth2/default".to_owned(),
        subject: subject.to_owned(),
        claims: crate::fake_idp::object(claims),
        sid: None,
        id_token: "a.b.c".to_owned(),
        checks: vec![Check::Nonce],
    }
}

#[tokio::test]
async fn the_session_is_new_at_every_sign_in() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    // An attacker plants a name of his own, of the right shape.
    visitor.cookies.insert("reference_session".to_owned(), "A".repeat(43));
    visitor.sign_in().await;
    let first = visitor.session().unwrap().clone();
    assert_ne!(first, "A".repeat(43));
    let mut old = visitor.clone();
    visitor.sign_in().await;
    assert_ne!(visitor.session(), Some(&first));
    assert_eq!(old.who().await, None, "the session before is dead");
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
}

#[tokio::test]
async fn cookies_are_out_of_reach_for_scripts_and_other_sites() {
    for (base, name, secure) in [
        ("http://localhost:3000", "reference_session", false),
        ("https://app.test", "__Host-reference_session", true),
    ] {
        let world = World::with(|config| config.base_url = base.parse().unwrap()).await;
        let mut visitor = world.visitor();
        let start = visitor.get("/signin").await;
        let prefix = if secure { "__Host-signin_" } else { "signin_" };
        assert!(
            start.header("set-cookie").starts_with(prefix),
            "{}",
            start.header("set-cookie")
        );
        let url = url::Url::parse(start.location()).unwrap();
        let find = |wanted: &str| {
            url.query_pairs()
                .find(|(name, _)| name == wanted)
                .unwrap()
                .1
                .into_owned()
        };
        world.idp.answer_token(ok(&world.idp.token_response(&find("nonce"))));
        let page = visitor.deliver(&format!("code=c&state={}", find("state"))).await;
        let lines: Vec<_> = page
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|line| line.to_str().unwrap())
            .collect();
        let session = lines.iter().find(|line| line.starts_with(&format!("{name}="))).unwrap();
        for line in [*session, start.header("set-cookie")] {
            assert!(
                line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"),
                "{line}"
            );
            assert!(!line.contains("Domain"), "{line}");
            assert_eq!(line.contains("; Secure"), secure, "{line}");
        }
        let hsts = page.headers.contains_key(header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(hsts, secure);
        assert!(
            start.header("set-cookie").contains("Max-Age=900"),
            "the attempt's cookie is short-lived"
        );
    }
}

#[tokio::test]
async fn damaged_cookies_are_nobody() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let token = visitor.session().unwrap().clone();
    let mut damaged: Vec<Vec<u8>> = [
        String::new(),
        token[..42].to_owned(),
        format!("{token}x"),
        format!("x{}", &token[1..]),
        "x".repeat(20_000),
        format!("{token}; reference_session={token}"),
        format!("x; reference_session={token}"),
    ]
    .map(String::into_bytes)
    .to_vec();
    damaged.push(vec![0xff; 43]);
    for value in damaged {
        let mut line = b"reference_session=".to_vec();
        line.extend(&value);
        let request = Request::get("/me")
            .header(header::COOKIE, line)
            .body(Body::empty())
            .unwrap();
        let page = world.visitor().send(request).await;
        assert_eq!(
            page.status,
            StatusCode::UNAUTHORIZED,
            "{:?}",
            String::from_utf8_lossy(&value)
        );
    }
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
}

#[tokio::test]
async fn cookies_of_an_unfinished_sign_in_are_no_session() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let value = visitor.cookies[&format!("signin_{}", begun.state)].clone();
    for planted in [value, begun.state.clone(), begun.nonce.clone()] {
        visitor.cookies.insert("reference_session".to_owned(), planted);
        assert_eq!(visitor.who().await, None);
    }
}

#[tokio::test]
async fn a_session_ends_when_unused_and_when_old() {
    let world = World::with(|config| {
        config.session_idle = Duration::from_secs(100);
        config.session_max = Duration::from_secs(1000);
    })
    .await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    for _ in 0..12 {
        world.clock.advance(80);
        assert!(visitor.who().await.is_some(), "in use");
    }
    world.clock.advance(50);
    assert_eq!(visitor.who().await, None, "older than the limit, although in use");

    let mut visitor = world.visitor();
    visitor.sign_in().await;
    world.clock.advance(101);
    assert_eq!(visitor.who().await, None, "unused");
    let page = visitor.get("/profile").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn protected_pages_need_a_session_by_every_method() {
    let world = World::new().await;
    for path in ["/profile", "/me"] {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT"] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("x-forwarded-user", "admin");
            let page = world.visitor().send(request.body(Body::empty()).unwrap()).await;
            assert!(
                [303, 401, 405].contains(&page.status.as_u16()),
                "{method} {path}: {}",
                page.status
            );
        }
    }
    for path in ["//profile", "/profile;x", "/Profile", "/%70rofile/", "/profile/."] {
        let page = world.visitor().get(path).await;
        assert_ne!(page.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_user_is_an_issuer_and_a_subject() {
    let world = World::new().await;
    let db = world.app.db();
    let make = async |subject: &str, claims| users::find_or_create(db, &identity(subject, claims), 1).await.unwrap();
    let first = make("00u1", json!({ "email": "ada@example.test", "name": "Ada" })).await;
    let changed = make("00u1", json!({ "email": "new@example.test", "name": "Ada B" })).await;
    assert_eq!(first.id, changed.id, "the same person under a new address");
    assert_eq!(
        (changed.email.as_deref(), changed.name.as_deref()),
        (Some("new@example.test"), Some("Ada B"))
    );
    for other in [
        "00U1",
        "00u1 ",
        "00u2",
        "\u{e9}",
        "e\u{301}",
        "null",
        "0",
        "' OR 1=1 --",
    ] {
        let user = make(other, json!({ "email": "ada@example.test", "email_verified": true })).await;
        assert_ne!(user.id, first.id, "{other:?}");
        assert_eq!(user.subject, other);
    }
    let mut elsewhere = identity("00u1", json!({}));
    elsewhere.issuer.push('x');
    assert_ne!(users::find_or_create(db, &elsewhere, 1).await.unwrap().id, first.id);
}

#[tokio::test]
async fn only_true_is_verified_and_odd_claims_are_none() {
    let world = World::new().await;
    let db = world.app.db();
    for (value, expected) in [
        (json!(true), true),
        (json!("true"), false),
        (json!(1), false),
        (json!(false), false),
        (json!(null), false),
    ] {
        let user = users::find_or_create(db, &identity("00u1", json!({ "email_verified": value })), 1)
            .await
            .unwrap();
        assert_eq!(user.email_verified, expected);
        assert_eq!(user.email, None);
    }
    for odd in [json!({}), json!(7), json!(""), json!("  "), json!(null), json!(["a"])] {
        let claims = json!({ "email": odd, "name": odd, "given_name": odd });
        let user = users::find_or_create(db, &identity("00u9", claims), 1).await.unwrap();
        assert_eq!(
            (user.email.as_deref(), user.display_name(), user.full_name()),
            (None, "00u9", "00u9")
        );
    }
}

#[tokio::test]
async fn a_user_who_is_switched_off_stays_out() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/app.db", folder.path().display());
    let world = World::with(|config| config.database_url = url.clone()).await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    sqlx::any::install_default_drivers();
    let admin = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query("UPDATE users SET disabled = 1")
        .execute(&admin)
        .await
        .unwrap();
    assert_eq!(visitor.who().await, None, "the session is dead at once");
    let begun = visitor.begin("/signin").await;
    let page = visitor.finish(&begun).await;
    assert_eq!(
        (page.status, page.text_of("h1").as_str()),
        (StatusCode::FORBIDDEN, "This account is switched off")
    );
    assert_eq!(visitor.who().await, None);
}

#[tokio::test]
async fn a_file_keeps_sessions_over_a_restart_and_no_cookie_value() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/app.db", folder.path().display());
    let mut world = World::with(|config| config.database_url = url.clone()).await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let cookies = visitor.cookies.clone();
    let token = visitor.session().unwrap().clone();
    world.app = App::open(world.app.config().clone(), Clock::default()).await.unwrap();
    let mut visitor = world.visitor();
    visitor.cookies = cookies;
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "whoever reads the database can sign in with it");
    }
}

#[tokio::test]
async fn a_failed_sign_in_leaves_the_one_before() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let begun = visitor.begin("/signin").await;
    world.idp.answer_token(ok(&world.idp.token_response("another nonce")));
    let page = visitor.deliver(&format!("code=c&state={}", begun.state)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
}
