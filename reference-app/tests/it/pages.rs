//! What the pages say, and what every answer carries.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use crate::{
    fake_idp::{HEADER, SUBJECT, ok, text, userinfo},
    jws,
    visitor::World,
};

#[tokio::test]
async fn the_start_page_offers_one_button() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let page = visitor.get("/").await;
    assert_eq!(page.attribute("#signin-button", "href"), "/signin");
    assert_eq!(page.count("#signout-button"), 0);
    visitor.sign_in().await;
    let page = visitor.get("/").await;
    assert_eq!(page.text_of("h1"), "Hello, Ada");
    assert_eq!(page.attribute("#signout-button", "href"), "/signout");
    assert_eq!(page.count("#signin-button"), 0);
}

#[tokio::test]
async fn the_profile_shows_the_person_the_checks_and_no_token() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let page = visitor.get("/profile").await;
    assert_eq!(
        (page.status, page.text_of("h1").as_str()),
        (StatusCode::OK, "Ada Userinfo")
    );
    assert!(page.body.contains("ada@example.test") && page.body.contains(SUBJECT));
    assert_eq!(page.count("tbody"), 2);
    for case in [
        "id-token/nonce-wrong",
        "callback/state-cross-session",
        "access-token/cid-wrong",
        "userinfo/sub-mismatch",
    ] {
        assert!(page.body.contains(case), "{case}");
    }
    assert!(!page.body.contains(&world.idp.access_token()));
    assert!(!page.body.contains("eyJ"), "a token is on the page");
    let me = visitor.get("/me").await;
    assert!(!me.body.contains("eyJ"));
    assert_eq!(me.header("content-type"), "application/json");
}

#[tokio::test]
async fn the_page_of_a_group_is_for_its_members() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let page = visitor.get("/admin?tab=1").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.location(), "/signin?return_to=%2Fadmin%3Ftab%3D1");
    let stranger = json!(["no-admins", "admins2", "Everyone,admins"]);
    for (groups, is_member) in [
        (json!(["Everyone", "admins"]), true),
        (stranger, false),
        (json!("admins"), false),
        (json!(null), false),
        (json!(["admins"]), true),
        (json!([]), false),
    ] {
        // The same person each time: what an earlier sign-in said is forgotten.
        let begun = visitor.begin("/signin").await;
        let mut info = userinfo();
        info.insert("groups".to_owned(), groups.clone());
        world.idp.answer_userinfo(ok(&info));
        visitor.finish(&begun).await;
        let (page, home) = (visitor.get("/admin").await, visitor.get("/").await);
        assert_eq!(home.count("a[href='/admin']"), usize::from(is_member), "{groups}");
        match is_member {
            true => assert_eq!(
                (page.status, page.text_of("h1").as_str()),
                (StatusCode::OK, "Administration")
            ),
            false => {
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{groups}");
                assert_eq!(page.count("#signin-button"), 0, "{groups}");
            }
        }
    }
    visitor.cookies.insert("groups".to_owned(), "admins".to_owned());
    assert_eq!(visitor.get("/admin?groups=admins").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn claims_are_text_and_nothing_else() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let nasty = "<img src=x onerror=alert(1)>\"'`{{7*7}}</script><script>alert(1)</script>";
    let mut info = userinfo();
    for name in ["name", "given_name", "email", "locale", nasty] {
        info.insert(name.to_owned(), json!(nasty));
    }
    info.insert("picture".to_owned(), json!("http://127.0.0.1:9/x.png"));
    info.insert("website".to_owned(), json!("javascript:alert(1)"));
    world.idp.answer_userinfo(ok(&info));
    let mut claims = world.idp.id_claims(&begun.nonce);
    claims.insert("name".to_owned(), json!(nasty));
    world
        .idp
        .answer_id_token(&jws::sign(HEADER, &text(&claims), jws::published()));
    visitor.deliver(&format!("code=c&state={}", begun.state)).await;
    for path in ["/", "/profile", "/signout"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(
            page.count("script") + page.count("img") + page.count("[onerror]"),
            0,
            "{path}"
        );
        assert_eq!(page.count("a[href^=javascript]"), 0, "{path}");
        assert!(page.text_of("main").contains(nasty), "{path}: the text itself is shown");
    }
}

#[tokio::test]
async fn text_of_every_script_survives() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let name = "\u{202e}Zo\u{0308}e \u{1f469}\u{200d}\u{1f680} \u{4e2d}\u{6587} \u{10348}";
    let mut info = userinfo();
    info.insert("name".to_owned(), json!(name));
    world.idp.answer_userinfo(ok(&info));
    visitor.finish(&begun).await;
    assert_eq!(visitor.get("/profile").await.text_of("h1"), name);
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let callback = "/authorization-code/callback?code=c&state=x";
    for path in [
        "/",
        "/signin",
        "/profile",
        "/me",
        "/signout",
        "/signed-out",
        "/nowhere",
        "/healthz",
        callback,
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let form_action = format!("form-action 'self' {}", world.app.config().issuer_origin());
        assert!(
            policy.ends_with(&form_action),
            "the sign-out form ends at the authorization server: {policy}"
        );
        assert!(
            !page.body.contains("http://") && !page.body.contains("https://"),
            "{path} loads or links elsewhere"
        );
    }
    let style = visitor.get("/assets/style-1.css").await;
    assert_eq!(
        (style.status, style.header("content-type")),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    assert_eq!(
        visitor.get("/").await.attribute("link[rel=stylesheet]", "href"),
        "/assets/style-1.css"
    );
}

#[tokio::test]
async fn oversized_requests_are_refused() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    for path in ["/", "/signin", "/authorization-code/callback", "/signout"] {
        let long = visitor.get(&format!("{path}?x={}", "a".repeat(60_000))).await;
        assert_eq!(long.status, StatusCode::URI_TOO_LONG, "{path}");
        let request = Request::get(path).header("cookie", format!("x={}", "a".repeat(100_000)));
        let large = visitor.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(large.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{path}");
    }
    let parameters: String = (0..200).map(|n| format!("&p{n}=x")).collect();
    assert_eq!(
        visitor.get(&format!("/signin?{parameters}")).await.status,
        StatusCode::SEE_OTHER
    );
    let body = visitor
        .post("/signout", &format!("csrf_token={}", "a".repeat(1 << 20)))
        .await;
    assert!(body.status.is_client_error() || body.status == StatusCode::SEE_OTHER);
    let begun = visitor.begin("/signin").await;
    world.idp.answer_token(ok(&world.idp.token_response(&begun.nonce)));
    let code = "c".repeat(4096);
    let page = visitor.deliver(&format!("code={code}&state={}", begun.state)).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "a long code is a code");
}

#[tokio::test]
async fn the_address_of_the_app_is_not_the_visitors_word() {
    let world = World::new().await;
    let request = Request::get("/signin")
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "https")
        .header("forwarded", "host=evil.test")
        .body(Body::empty())
        .unwrap();
    let page = world.visitor().send(request).await;
    assert!(
        page.location()
            .contains("redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fauthorization-code%2Fcallback&")
    );
    assert!(!page.location().contains("evil"));
}

#[tokio::test]
async fn targets_outside_the_app_are_not_followed_after_sign_in() {
    let world = World::new().await;
    for target in [
        "https%3A%2F%2Fevil.test",
        "%2F%2Fevil.test",
        "%2F%5Cevil.test",
        "%2F%09%2Fevil.test",
        "javascript%3Aalert(1)",
        "%2F%0D%0ASet-Cookie%3A%20x%3D1",
        "%FF",
        "%",
    ] {
        let mut visitor = world.visitor();
        let query = ["return_to", "next", "redirect", "url"]
            .map(|name| format!("{name}={target}"))
            .join("&");
        let begun = visitor.begin(&format!("/signin?{query}")).await;
        let page = visitor.finish(&begun).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/profile"),
            "{target}"
        );
    }
}

#[tokio::test]
async fn the_older_paths_lead_to_the_same_place() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/login").await;
    visitor.finish(&begun).await;
    assert_eq!(visitor.get("/logout").await.text_of("h1"), "Sign out?");
}

/// The text of a page as a reader meets it, without what differs from run to run.
fn told(page: &crate::visitor::Page) -> String {
    let html = scraper::Html::parse_document(&page.body);
    let main = scraper::Selector::parse("body").unwrap();
    let mut lines: Vec<&str> = html
        .select(&main)
        .flat_map(|body| body.text())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if let Some(at) = lines.iter().position(|line| *line == "Reference") {
        assert_eq!(
            lines[at + 1].len(),
            8,
            "a reference to quote, drawn anew for every page"
        );
        lines[at + 1] = "[reference]";
    }
    format!("{}\n{}", page.status, lines.join("\n"))
}

#[tokio::test]
async fn the_pages_read_well() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    insta::assert_snapshot!("start_signed_out", told(&visitor.get("/").await));
    insta::assert_snapshot!(
        "callback_without_attempt",
        told(&visitor.get("/authorization-code/callback?code=c&state=s").await)
    );
    insta::assert_snapshot!("not_found", told(&visitor.get("/nowhere").await));
    visitor.sign_in().await;
    insta::assert_snapshot!("start_signed_in", told(&visitor.get("/").await));
    insta::assert_snapshot!("sign_out_question", told(&visitor.get("/signout").await));
    insta::assert_snapshot!("signed_out", told(&visitor.get("/signed-out").await));
}
