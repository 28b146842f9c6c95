//! The callback: what a browser may bring, and whose it must be.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use reference_app::oidc::{AuthorizationResponse, SignInError, attempt::LIFETIME};
use serde_json::json;

use crate::{
    fake_idp::{FakeIdp, SUBJECT, metadata, ok},
    visitor::{Visitor, World},
};

async fn refused(visitor: &mut Visitor<'_>, query: &str, status: StatusCode, title: &str) {
    let page = visitor.deliver(query).await;
    assert_eq!((page.status, page.text_of("h1").as_str()), (status, title), "{query}");
    assert_eq!(visitor.who().await, None, "{query}");
}

const FOREIGN: &str = "This sign-in was not begun here";
const NOT_SIGNED_IN: &str = "You are not signed in";
const BAD: StatusCode = StatusCode::BAD_REQUEST;

#[tokio::test]
async fn only_the_exact_state_will_do() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let state = &begun.state;
    let flipped: String = state
        .chars()
        .map(|c| {
            if c.is_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    for wrong in [
        String::new(),
        "state=".to_owned(),
        "state=null".to_owned(),
        format!("state={}", &state[..42]),
        format!("state={state}x"),
        format!("state={state}%20"),
        format!("state={flipped}"),
        format!("state[]={state}"),
        format!("state={}", "A".repeat(43)),
    ] {
        refused(&mut visitor, &format!("code=a-code&{wrong}"), BAD, FOREIGN).await;
    }
    refused(
        &mut visitor,
        &format!("code=a-code&state={state}%00"),
        BAD,
        NOT_SIGNED_IN,
    )
    .await;
    assert!(
        world.idp.requests("/v1/token").await.is_empty(),
        "a code was redeemed without its state"
    );
    assert_eq!(
        visitor.finish(&begun).await.status,
        StatusCode::SEE_OTHER,
        "the sign-in itself is still open"
    );
}

#[tokio::test]
async fn the_relying_party_compares_the_state_itself() {
    let idp = FakeIdp::start().await;
    let rp = idp.relying_party();
    for query in [
        "code=a-code",
        "code=a-code&state=",
        "code=a-code&state=x",
        "error=access_denied",
    ] {
        let (_, attempt) = rp.begin("/", None).await.unwrap();
        let response = AuthorizationResponse::parse(query).unwrap();
        assert_eq!(
            rp.finish(response, attempt).await,
            Err(SignInError::UnknownAttempt),
            "{query}"
        );
    }
    assert!(idp.requests("/v1/token").await.is_empty());
}

#[tokio::test]
async fn an_answer_to_somebody_elses_sign_in_is_refused() {
    let world = World::new().await;
    let (mut attacker, mut victim) = (world.visitor(), world.visitor());
    let attackers = attacker.begin("/signin").await;
    let victims = victim.begin("/signin").await;
    world.idp.answer_token(ok(&world.idp.token_response(&attackers.nonce)));
    refused(
        &mut victim,
        &format!("code=a-code&state={}", attackers.state),
        BAD,
        FOREIGN,
    )
    .await;
    assert!(world.idp.requests("/v1/token").await.is_empty());
    assert_eq!(victim.finish(&victims).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_cookie_under_another_states_name_does_not_open() {
    let world = World::new().await;
    let (mut attacker, mut victim) = (world.visitor(), world.visitor());
    let attackers = attacker.begin("/signin").await;
    let victims = victim.begin("/signin").await;
    // The victim's own cookie, renamed to the attacker's state.
    let value = victim.cookies[&format!("signin_{}", victims.state)].clone();
    victim.cookies.insert(format!("signin_{}", attackers.state), value);
    refused(
        &mut victim,
        &format!("code=a-code&state={}", attackers.state),
        BAD,
        FOREIGN,
    )
    .await;
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let state = &begun.state;
    for query in [
        format!("code=c&state={state}&state=x"),
        format!("code=c&state=x&state={state}"),
        format!("code=c&code=d&state={state}"),
        format!("code=c&state={state}&iss=x&iss=x"),
    ] {
        refused(&mut visitor, &query, BAD, NOT_SIGNED_IN).await;
    }
    for query in [
        format!("code=%FF&state={state}"),
        format!("code=c&state={state}&x=%C0%80"),
    ] {
        refused(&mut visitor, &query, BAD, NOT_SIGNED_IN).await;
    }
    assert!(world.idp.requests("/v1/token").await.is_empty());
    let mut rich = begun;
    rich.state = format!("{}&session_state=x&scope=openid&unknown=%F0%9F%98%80", rich.state);
    assert_eq!(
        visitor.finish(&rich).await.status,
        StatusCode::SEE_OTHER,
        "unknown parameters are ignored"
    );
}

#[tokio::test]
async fn an_error_is_an_error_even_beside_a_code() {
    let world = World::new().await;
    for (error, status) in [
        ("access_denied", 403),
        ("login_required", 403),
        ("interaction_required", 403),
        ("consent_required", 403),
        ("temporarily_unavailable", 424),
        ("server_error", 424),
        ("invalid_scope", 424),
        ("made_up", 400),
        ("", 400),
    ] {
        let mut visitor = world.visitor();
        let begun = visitor.begin("/signin").await;
        let query = format!(
            "code=c&error={error}&error_description=%3Cscript%3Ealert(1)%3C/script%3E&error_uri=javascript:alert(1)&state={}",
            begun.state
        );
        let page = visitor.deliver(&query).await;
        assert_eq!(
            (page.status.as_u16(), page.text_of("h1").as_str()),
            (status, NOT_SIGNED_IN),
            "{error}"
        );
        assert!(!page.body.contains("alert(1)"), "what others sent is not repeated");
        assert_eq!(
            page.attribute("#signin-button", "href"),
            "/signin",
            "there is a way to try again"
        );
        assert_eq!(visitor.who().await, None);
        assert!(visitor.cookies.is_empty(), "the attempt is over");
    }
    assert!(world.idp.requests("/v1/token").await.is_empty());
}

#[tokio::test]
async fn without_a_code_there_is_no_sign_in() {
    let world = World::new().await;
    for query in [
        "",
        "&code=",
        "&id_token=a.b.c&access_token=x&token_type=Bearer",
        "&code=a%0Ab",
    ] {
        let mut visitor = world.visitor();
        let begun = visitor.begin("/signin").await;
        refused(
            &mut visitor,
            &format!("state={}{query}", begun.state),
            BAD,
            NOT_SIGNED_IN,
        )
        .await;
    }
    assert!(world.idp.requests("/v1/token").await.is_empty());
}

#[tokio::test]
async fn the_issuer_parameter_is_compared_and_missed() {
    let world = World::new().await;
    let issuer = world.idp.issuer();
    for wrong in [
        "https://evil.test".to_owned(),
        format!("{issuer}1"),
        format!("{issuer}/"),
        String::new(),
    ] {
        let mut visitor = world.visitor();
        let begun = visitor.begin("/signin").await;
        refused(
            &mut visitor,
            &format!("code=c&state={}&iss={wrong}", begun.state),
            BAD,
            NOT_SIGNED_IN,
        )
        .await;
        let begun = visitor.begin("/signin").await;
        refused(
            &mut visitor,
            &format!("error=access_denied&state={}&iss={wrong}", begun.state),
            BAD,
            NOT_SIGNED_IN,
        )
        .await;
    }
    assert!(world.idp.requests("/v1/token").await.is_empty());
    let mut visitor = world.visitor();
    let mut begun = visitor.begin("/signin").await;
    begun.state = format!("{}&iss={issuer}", begun.state);
    assert_eq!(visitor.finish(&begun).await.status, StatusCode::SEE_OTHER);

    let strict = World::new().await;
    let mut document = metadata(&strict.idp.issuer());
    document.insert("authorization_response_iss_parameter_supported".to_owned(), json!(true));
    strict.idp.answer_metadata(ok(&document));
    let mut visitor = strict.visitor();
    let begun = visitor.begin("/signin").await;
    refused(
        &mut visitor,
        &format!("code=c&state={}", begun.state),
        BAD,
        NOT_SIGNED_IN,
    )
    .await;
}

#[tokio::test]
async fn a_state_is_good_for_one_response() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let mut copy = visitor.clone();
    assert_eq!(visitor.finish(&begun).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        visitor.cookies.len(),
        1,
        "only the session cookie is left: {:?}",
        visitor.cookies.keys()
    );

    // Reload, or Back: still signed in, and the code is not sent again.
    let query = format!("code=a-code&state={}", begun.state);
    let again = visitor.deliver(&query).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/profile"));
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
    // Somebody who kept the cookie of the attempt.
    refused(&mut copy, &query, BAD, FOREIGN).await;
    assert_eq!(world.idp.requests("/v1/token").await.len(), 1);
}

#[tokio::test]
async fn a_refused_response_cannot_be_delivered_again() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let mut copy = visitor.clone();
    let mut other_nonce = begun.nonce.clone();
    other_nonce.push('1');
    world.idp.answer_token(ok(&world.idp.token_response(&other_nonce)));
    let query = format!("code=a-code&state={}", begun.state);
    refused(&mut visitor, &query, StatusCode::FORBIDDEN, NOT_SIGNED_IN).await;
    world.idp.answer_token(ok(&world.idp.token_response(&begun.nonce)));
    refused(&mut visitor, &query, BAD, FOREIGN).await;
    refused(&mut copy, &query, BAD, FOREIGN).await;
    assert_eq!(world.idp.requests("/v1/token").await.len(), 1);
}

#[tokio::test]
async fn two_responses_at_once_redeem_one_code() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    world.idp.answer_token(ok(&world.idp.token_response(&begun.nonce)));
    let query = format!("code=a-code&state={}", begun.state);
    let mut twin = visitor.clone();
    let (first, second) = tokio::join!(visitor.deliver(&query), twin.deliver(&query));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
    assert_eq!(world.idp.requests("/v1/token").await.len(), 1);
}

#[tokio::test]
async fn only_a_navigation_takes_the_response() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    let path = format!("/authorization-code/callback?code=a-code&state={}", begun.state);
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "Prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let page = visitor
            .send(Request::get(&path).header(name, value).body(Body::empty()).unwrap())
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    for method in ["HEAD", "OPTIONS", "PUT", "POST", "DELETE"] {
        let page = visitor
            .send(
                Request::builder()
                    .method(method)
                    .uri(&path)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert!(world.idp.requests("/v1/token").await.is_empty());
    assert_eq!(visitor.finish(&begun).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_sign_in_has_to_be_finished_in_time() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let begun = visitor.begin("/signin").await;
    world.clock.advance(LIFETIME + 1);
    world.idp.answer_token(ok(&world.idp.token_response(&begun.nonce)));
    refused(
        &mut visitor,
        &format!("code=a-code&state={}", begun.state),
        BAD,
        "That took too long",
    )
    .await;
    assert!(world.idp.requests("/v1/token").await.is_empty());
}

#[tokio::test]
async fn two_tabs_both_finish_in_any_order() {
    let world = World::new().await;
    for order in [[0, 1], [1, 0]] {
        let mut visitor = world.visitor();
        let tabs = [
            visitor.begin("/signin?return_to=%2Fa").await,
            visitor.begin("/signin?return_to=%2Fb").await,
        ];
        for tab in order {
            assert_eq!(visitor.finish(&tabs[tab]).await.location(), ["/a", "/b"][tab]);
            assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
        }
    }
}

#[tokio::test]
async fn abandoned_sign_ins_do_not_pile_up() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    let longest = format!("/signin?return_to=%2F{}", "a".repeat(511));
    for _ in 0..30 {
        visitor.begin(&longest).await;
        world.clock.advance(1);
    }
    let last = visitor.begin(&longest).await;
    assert_eq!(visitor.cookies.len(), 5);
    let header: usize = visitor
        .cookies
        .iter()
        .map(|(name, value)| name.len() + value.len() + 3)
        .sum();
    assert!(header < 8 * 1024, "{header} bytes of cookies");
    assert_eq!(visitor.finish(&last).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_unsolicited_answer_leaves_everything_as_it_is() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    visitor.sign_in().await;
    let open = visitor.begin("/signin").await;
    for query in [
        "error=access_denied",
        "error=access_denied&state=x",
        "code=c&state=x",
        "",
    ] {
        visitor.deliver(query).await;
        assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT), "{query}");
    }
    assert_eq!(visitor.finish(&open).await.status, StatusCode::SEE_OTHER);
}
