//! Signing out, begun here.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use url::Url;
use wiremock::ResponseTemplate;

use crate::{
    fake_idp::{metadata, ok},
    visitor::{Page, Visitor, World},
};

async fn sign_out(visitor: &mut Visitor<'_>) -> Page {
    let question = visitor.get("/signout").await;
    assert_eq!(question.status, StatusCode::OK);
    let token = question.attribute("input[name=csrf_token]", "value");
    visitor.post("/signout", &format!("csrf_token={token}")).await
}

#[tokio::test]
async fn the_session_ends_here_and_then_there() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let mut copy = visitor.clone();
    let page = sign_out(&mut visitor).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let url = Url::parse(page.location()).unwrap();
    assert!(
        page.location()
            .starts_with(&format!("{}/v1/logout?", world.idp.issuer()))
    );
    let sent: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(sent["post_logout_redirect_uri"], "http://localhost:3000/signed-out");
    assert_eq!(sent["id_token_hint"].split('.').count(), 3);
    assert_eq!(copy.who().await, None, "a copy of the cookie is worth nothing");
    assert!(visitor.session().is_none(), "the cookie is taken away");

    let back = visitor.get(&format!("/signed-out?state={}", sent["state"])).await;
    assert_eq!(
        (back.status, back.text_of("h1").as_str()),
        (StatusCode::OK, "You are signed out")
    );
    assert!(back.body.contains("here and at Okta"));
    assert!(visitor.cookies.is_empty());
    for query in ["", "?state=other", "?error=x", &format!("?state={}", sent["state"])] {
        let page = visitor.get(&format!("/signed-out{query}")).await;
        assert_eq!(
            (page.status, page.text_of("h1").as_str()),
            (StatusCode::OK, "You are signed out"),
            "{query}"
        );
        assert!(!page.body.contains("here and at Okta"), "{query}");
    }
    visitor.sign_in().await;
    assert!(visitor.who().await.is_some());
    let page = visitor.get("/signed-out").await;
    assert_eq!(page.text_of("h1"), "You are still signed in");
}

#[tokio::test]
async fn asking_or_forging_ends_nothing() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let mut other = world.visitor();
    visitor.sign_in().await;
    other.sign_in().await;
    let foreign = other.get("/signout").await.attribute("input[name=csrf_token]", "value");
    for path in ["/signout", "/logout"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::OK);
        for form in ["", "csrf_token=", "csrf_token=x", &format!("csrf_token={foreign}")] {
            let page = visitor.post(path, form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{form}");
            assert!(visitor.who().await.is_some());
        }
        let bare = Request::post(path).body(Body::empty()).unwrap();
        assert!(visitor.send(bare).await.status.is_client_error());
    }
    assert!(visitor.who().await.is_some());
    assert!(other.who().await.is_some());
}

#[tokio::test]
async fn whoever_is_signed_out_already_is_led_to_the_start_page() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    for path in ["/signout", "/logout"] {
        let page = visitor.get(path).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"));
        let page = visitor.post(path, "csrf_token=x").await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"));
    }
    visitor.sign_in().await;
    world.clock.advance(100_000);
    let page = visitor.post("/signout", "csrf_token=x").await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/"),
        "an expired session"
    );
}

#[tokio::test]
async fn only_this_browser_is_signed_out() {
    let world = World::new().await;
    let (mut one, mut two) = (world.visitor(), world.visitor());
    one.sign_in().await;
    two.sign_in().await;
    sign_out(&mut one).await;
    assert!(two.who().await.is_some());
}

#[tokio::test]
async fn parameters_do_not_lead_away() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let question = visitor
        .get("/signout?return_to=https%3A%2F%2Fevil.test&post_logout_redirect_uri=https%3A%2F%2Fevil.test")
        .await;
    assert!(!question.body.contains("evil.test"));
    let token = question.attribute("input[name=csrf_token]", "value");
    let page = visitor
        .post(
            "/signout?next=//evil.test",
            &format!("csrf_token={token}&return_to=//evil.test"),
        )
        .await;
    assert!(!page.location().contains("evil.test"));
}

#[tokio::test]
async fn without_an_end_session_endpoint_the_visitor_lands_here() {
    let world = World::new().await;
    let mut document = metadata(&world.idp.issuer());
    document.remove("end_session_endpoint");
    world.idp.answer_metadata(ok(&document));
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let page = sign_out(&mut visitor).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/signed-out"));
    assert_eq!(visitor.who().await, None);
}

#[tokio::test]
async fn a_server_that_is_away_does_not_keep_anybody_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/app.db", folder.path().display());
    let mut world = World::with(|config| config.database_url = url).await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let cookies = visitor.cookies.clone();
    // Started afresh, the app knows no metadata, and cannot have it.
    world.idp.answer_metadata(ResponseTemplate::new(503));
    world.app = reference_app::app::App::open(world.app.config().clone(), world.clock.clone())
        .await
        .unwrap();
    let mut visitor = world.visitor();
    visitor.cookies = cookies;
    assert!(visitor.who().await.is_some());
    let page = sign_out(&mut visitor).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/signed-out"));
    assert_eq!(visitor.who().await, None);
}

#[tokio::test]
async fn a_form_of_another_site_that_brings_no_cookie_takes_none_away() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    // SameSite=Lax: the browser keeps the cookie to itself, and would still heed a Set-Cookie in the answer.
    let page = world.visitor().post("/signout", "").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(!page.headers.contains_key("set-cookie"), "{:?}", page.headers);
    assert!(visitor.who().await.is_some());
}
