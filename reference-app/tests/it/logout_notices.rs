//! Signing out, begun by the authorization server.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{
    fake_idp::{CLIENT_ID, FakeIdp, HEADER, SUBJECT, now, object, text},
    jws,
    visitor::{Page, Visitor, World},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Claims of an honest logout token; the `jti` is fresh each time.
pub(crate) fn claims(idp: &FakeIdp) -> Map<String, Value> {
    let now = now();
    object(json!({
        "iss": idp.issuer(), "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": reference_app::secret::random_token(),
        "events": { EVENT: {} }, "sub": SUBJECT,
    }))
}

/// Signs somebody in with this `sid`.
async fn signed_in<'a>(world: &'a World, sid: &str) -> Visitor<'a> {
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let mut claims = world.idp.id_claims(&begun.nonce);
    claims.insert("sid".to_owned(), sid.into());
    world
        .idp
        .answer_id_token(&jws::sign(HEADER, &text(&claims), jws::published()));
    visitor.deliver(&format!("code=c&state={}", begun.state)).await;
    assert!(visitor.who().await.is_some());
    visitor
}

async fn post(world: &World, token: &str) -> Page {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", token)
        .append_pair("x", "y")
        .finish();
    let page = world.visitor().post("/backchannel-logout", &body).await;
    assert_eq!(page.header("cache-control"), "no-store");
    page
}

async fn refused(world: &World, token: &str) {
    let page = post(world, token).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        serde_json::from_str::<Value>(&page.body).unwrap()["error"],
        "invalid_request"
    );
}

#[tokio::test]
async fn a_sid_ends_its_session_and_no_other() {
    let world = World::new().await;
    let (mut one, mut two) = (signed_in(&world, "s1").await, signed_in(&world, "s2").await);
    let mut token = claims(&world.idp);
    token.insert("sid".to_owned(), json!("s1"));
    token.insert("x-unknown".to_owned(), json!({}));
    token.remove("sub");
    let header = r#"{"typ":"logout+jwt","kid":"current","alg":"RS256"}"#;
    assert_eq!(
        post(&world, &jws::sign(header, &text(&token), jws::published()))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(one.who().await, None);
    assert!(two.who().await.is_some());
    // With both, the session must be the subject's.
    let mut token = claims(&world.idp);
    token.insert("sid".to_owned(), json!("s2"));
    token.insert("sub".to_owned(), json!("00uother"));
    assert_eq!(
        post(&world, &jws::sign(HEADER, &text(&token), jws::published()))
            .await
            .status,
        StatusCode::OK
    );
    assert!(two.who().await.is_some());
}

#[tokio::test]
async fn a_subject_ends_all_its_sessions_and_nobody_elses() {
    let world = World::new().await;
    let (mut one, mut two) = (signed_in(&world, "s1").await, signed_in(&world, "s2").await);
    let mut token = claims(&world.idp);
    token.insert("sub".to_owned(), json!("00uother"));
    let foreign = jws::sign(HEADER, &text(&token), jws::published());
    assert_eq!(
        post(&world, &foreign).await.status,
        StatusCode::OK,
        "nobody to sign out is success"
    );
    assert!(one.who().await.is_some());
    for kind in ["JWT", "logout+jwt", "application/logout+jwt"] {
        let header = json!({ "typ": kind, "kid": "current", "alg": "RS256" }).to_string();
        let token = jws::sign(&header, &text(&claims(&world.idp)), jws::published());
        assert_eq!(post(&world, &token).await.status, StatusCode::OK, "{kind}");
    }
    assert_eq!(one.who().await, None);
    assert_eq!(two.who().await, None);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_logout_token_ends_nothing() {
    let world = World::new().await;
    let mut visitor = signed_in(&world, "s1").await;
    let now = now();
    let changes: Vec<(&str, Option<Value>)> = vec![
        ("iss", None),
        ("iss", Some(json!("https://other.test"))),
        ("aud", None),
        ("aud", Some(json!("other"))),
        ("aud", Some(json!([CLIENT_ID, "other"]))),
        ("events", None),
        ("events", Some(json!({}))),
        ("events", Some(json!([EVENT]))),
        ("events", Some(json!(EVENT))),
        ("events", Some(json!({ EVENT: true }))),
        ("events", Some(json!({ "http://schemas.openid.net/event/other": {} }))),
        ("nonce", Some(json!("x"))),
        ("nonce", Some(json!(null))),
        ("sub", None),
        ("sub", Some(json!(""))),
        ("sub", Some(json!(["x"]))),
        ("sid", Some(json!(7))),
        ("iat", None),
        ("iat", Some(json!(now - 2 * 86_400))),
        ("iat", Some(json!(now + 3600))),
        ("jti", None),
        ("jti", Some(json!(""))),
        ("exp", None),
        ("exp", Some(json!(now - 3600))),
        ("nbf", Some(json!(now + 3600))),
    ];
    for (name, value) in changes {
        let mut token = claims(&world.idp);
        match value.clone() {
            Some(value) => drop(token.insert(name.to_owned(), value)),
            None => drop(token.remove(name)),
        }
        refused(&world, &jws::sign(HEADER, &text(&token), jws::published())).await;
        assert!(visitor.who().await.is_some(), "{name} = {value:?}");
    }
    let payload = text(&claims(&world.idp));
    for token in [
        jws::sign(HEADER, &payload, jws::other()),
        format!("{}.", jws::unsigned(r#"{"alg":"none"}"#, &payload)),
        jws::sign(r#"{"kid":"current","alg":"RS512"}"#, &payload, jws::published()),
        jws::sign(
            r#"{"kid":"current","alg":"RS256","crit":["x"]}"#,
            &payload,
            jws::published(),
        ),
        jws::sign(
            r#"{"typ":"at+jwt","kid":"current","alg":"RS256"}"#,
            &payload,
            jws::published(),
        ),
        jws::sign(HEADER, &text(&world.idp.id_claims("n")), jws::published()),
        world.idp.access_token(),
        "x".to_owned(),
    ] {
        refused(&world, &token).await;
        assert!(visitor.who().await.is_some());
    }
}

#[tokio::test]
async fn a_logout_token_is_good_once() {
    let world = World::new().await;
    let token = jws::sign(HEADER, &text(&claims(&world.idp)), jws::published());
    assert_eq!(post(&world, &token).await.status, StatusCode::OK);
    let mut visitor = signed_in(&world, "s1").await;
    refused(&world, &token).await;
    assert!(visitor.who().await.is_some(), "a kept copy ends no later session");
}

#[tokio::test]
async fn what_is_no_logout_request_is_refused() {
    let world = World::new().await;
    let mut visitor = signed_in(&world, "s1").await;
    let token = jws::sign(HEADER, &text(&claims(&world.idp)), jws::published());
    let form = "application/x-www-form-urlencoded";
    let requests = [
        ("POST", form, String::new()),
        ("POST", form, "x=y".to_owned()),
        ("POST", form, "logout_token=".to_owned()),
        ("POST", form, format!("logout_token={token}&logout_token={token}")),
        ("POST", "application/json", json!({ "logout_token": token }).to_string()),
        ("POST", "text/plain", format!("logout_token={token}")),
        ("POST", form, format!("logout_token={}", "a".repeat(1 << 20))),
        ("GET", form, String::new()),
        ("OPTIONS", form, String::new()),
        ("PUT", form, format!("logout_token={token}")),
    ];
    for (method, content_type, body) in requests {
        let request = Request::builder()
            .method(method)
            .uri(format!("/backchannel-logout?logout_token={token}"));
        let request = request
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .unwrap();
        let page = world.visitor().send(request).await;
        assert!(
            page.status.is_client_error(),
            "{method} {content_type}: {}",
            page.status
        );
        assert!(visitor.who().await.is_some());
    }
}

#[tokio::test]
async fn the_front_channel_finds_the_session_without_its_cookie() {
    let world = World::new().await;
    let (mut one, mut two) = (signed_in(&world, "s1").await, signed_in(&world, "s2").await);
    let issuer: String = form_urlencoded::byte_serialize(world.idp.issuer().as_bytes()).collect();
    let fix = "frontchannel_logout_session_required";
    for (query, reason) in [
        (String::new(), fix),
        ("sid=s1".to_owned(), fix),
        (format!("iss={issuer}"), fix),
        (format!("iss={issuer}&sid="), fix),
        (format!("iss={issuer}&sid=s1&sid=s2"), fix),
        ("iss=https%3A%2F%2Fother.test&sid=s1".to_owned(), "not the issuer"),
    ] {
        // With the visitor's own cookies, as a link on a foreign page would be followed.
        let page = one.get(&format!("/frontchannel-logout?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.body.contains(reason), "{query}: {}", page.body);
        assert!(one.who().await.is_some(), "{query}");
    }
    let page = one.get(&format!("/frontchannel-logout?iss={issuer}&sid=unknown")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(one.who().await.is_some());
    let page = world
        .visitor()
        .get(&format!("/frontchannel-logout?iss={issuer}&sid=s1"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-store");
    let origin = world.app.config().issuer_origin();
    assert!(
        page.header("content-security-policy")
            .contains(&format!("frame-ancestors {origin}"))
    );
    assert!(!page.headers.contains_key("x-frame-options"));
    assert_eq!(one.who().await, None);
    assert!(two.who().await.is_some());
}
