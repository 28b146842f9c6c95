//! What an honest sign-in looks like, on both sides.

use std::collections::HashMap;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use reference_app::{oidc::Check, secret::sha256};
use url::form_urlencoded;

use crate::{
    fake_idp::{FakeIdp, SUBJECT, ok, sign_in},
    visitor::World,
};

#[tokio::test]
async fn a_person_signs_in_and_is_known() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    assert_eq!(visitor.who().await, None);
    let page = visitor.get("/profile?a=1&b=%2F%26").await;
    assert_eq!(
        (page.status, page.location()),
        (
            StatusCode::SEE_OTHER,
            "/signin?return_to=%2Fprofile%3Fa%3D1%26b%3D%252F%2526"
        )
    );
    let begun = visitor.begin(page.location()).await;
    let page = visitor.finish(&begun).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/profile?a=1&b=%2F%26")
    );
    assert_eq!(visitor.who().await.as_deref(), Some(SUBJECT));
}

#[tokio::test]
async fn the_authorization_request_is_complete_and_holds_nothing_else() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    // None of this may have an effect.
    let injected = "/signin?redirect_uri=https%3A%2F%2Fevil.test&scope=admin&state=x&nonce=x&response_type=token\
                    &client_id=x&code_challenge=x&response_mode=fragment&prompt=none&iss=https%3A%2F%2Fevil.test";
    let begun = visitor.begin(injected).await;
    let pairs: Vec<(String, String)> = begun.url.query_pairs().into_owned().collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
        ]
    );
    let value: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(value["response_type"], "code");
    assert_eq!(value["client_id"], "web-app");
    assert_eq!(
        value["redirect_uri"],
        "http://localhost:3000/authorization-code/callback"
    );
    assert_eq!(value["scope"], "openid profile email");
    assert_eq!(value["code_challenge_method"], "S256");
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(value[name].len(), 43, "256 bits");
    }
    assert!(
        begun
            .url
            .as_str()
            .starts_with(&format!("{}/v1/authorize?", world.idp.issuer()))
    );

    let again = visitor.begin("/signin").await;
    assert_ne!(begun.state, again.state);
    assert_ne!(begun.nonce, again.nonce);
}

#[tokio::test]
async fn the_token_request_is_complete_and_proves_the_challenge() {
    let idp = FakeIdp::start().await;
    let rp = idp.relying_party();
    let (url, attempt) = rp.begin("/", None).await.unwrap();
    idp.answer_token(ok(&idp.token_response(&attempt.nonce)));
    let response = format!("code=a%2Bb%252F%26%3D.-_&state={}", attempt.state);
    let response = reference_app::oidc::AuthorizationResponse::parse(&response).unwrap();
    rp.finish(response, attempt).await.unwrap();

    let requests = idp.requests("/v1/token").await;
    let [request] = &requests[..] else {
        panic!("{} token requests", requests.len())
    };
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.query(), None);
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let form: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(
        pairs.len(),
        4,
        "one method of authentication, and nothing twice: {pairs:?}"
    );
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "a+b%2F&=.-_", "the code comes back verbatim");
    assert_eq!(
        form["redirect_uri"],
        "http://localhost:3000/authorization-code/callback"
    );
    let challenge = url
        .query_pairs()
        .find(|(name, _)| name == "code_challenge")
        .unwrap()
        .1
        .into_owned();
    assert_eq!(sha256(&form["code_verifier"]), challenge);
    let credentials = request.headers["authorization"]
        .to_str()
        .unwrap()
        .strip_prefix("Basic ")
        .unwrap()
        .to_owned();
    let credentials = String::from_utf8(STANDARD.decode(credentials).unwrap()).unwrap();
    assert_eq!(credentials, "web-app:a-secret-of-forty-characters-0123456789");
}

#[tokio::test]
async fn id_and_secret_are_form_encoded_before_they_are_joined() {
    let idp = FakeIdp::start().await;
    let mut config = idp.config();
    config.client_secret = Some(reference_app::secret::Secret::new("a:b+c%d&e=f g"));
    let rp = reference_app::oidc::RelyingParty::new(config, reference_app::clock::Clock::default()).unwrap();
    sign_in(&rp, |attempt| idp.answer_token(ok(&idp.token_response(&attempt.nonce))))
        .await
        .unwrap();
    let request = &idp.requests("/v1/token").await[0];
    let credentials = request.headers["authorization"]
        .to_str()
        .unwrap()
        .strip_prefix("Basic ")
        .unwrap()
        .to_owned();
    assert_eq!(
        STANDARD.decode(credentials).unwrap(),
        b"web-app:a%3Ab%2Bc%25d%26e%3Df+g"
    );
}

#[tokio::test]
async fn a_public_client_sends_its_id_and_no_secret() {
    let idp = FakeIdp::start().await;
    let mut config = idp.config();
    config.client_secret = None;
    let rp = reference_app::oidc::RelyingParty::new(config, reference_app::clock::Clock::default()).unwrap();
    sign_in(&rp, |attempt| idp.answer_token(ok(&idp.token_response(&attempt.nonce))))
        .await
        .unwrap();
    let request = &idp.requests("/v1/token").await[0];
    assert!(!request.headers.contains_key("authorization"));
    assert!(String::from_utf8_lossy(&request.body).ends_with("&client_id=web-app"));
}

#[tokio::test]
async fn every_check_is_noted_in_order() {
    let idp = FakeIdp::start().await;
    let rp = idp.relying_party();
    let identity = sign_in(&rp, |attempt| idp.answer_token(ok(&idp.token_response(&attempt.nonce))))
        .await
        .unwrap();
    assert_eq!(
        identity.checks,
        [
            Check::StateKnown,
            Check::StateFresh,
            Check::CodeRedeemed,
            Check::TokenType,
            Check::Algorithm,
            Check::TokenKind,
            Check::Signature,
            Check::Issuer,
            Check::NotExpired,
            Check::Audience,
            Check::IssuedRecently,
            Check::Subject,
            Check::Nonce,
            Check::AccessTokenHash,
            Check::AccessTokenSignature,
            Check::AccessTokenIssuer,
            Check::AccessTokenAudience,
            Check::AccessTokenNotExpired,
            Check::AccessTokenClient,
            Check::UserinfoSubject,
        ]
    );
    assert_eq!(
        identity.claims["name"], "Ada Userinfo",
        "userinfo has the richer claims"
    );
    assert_eq!(identity.claims["iss"], idp.issuer(), "the token's own claims are kept");
}

#[tokio::test]
async fn the_login_hint_of_another_site_is_passed_on() {
    let world = World::new().await;
    let issuer: String = form_urlencoded::byte_serialize(world.idp.issuer().as_bytes()).collect();
    let mut visitor = world.visitor();
    let begun = visitor
        .begin(&format!(
            "/signin/initiate?iss={issuer}&login_hint=ada&target_link_uri=http%3A%2F%2Flocalhost%3A3000%2Fme"
        ))
        .await;
    assert!(begun.url.query().unwrap().contains("login_hint=ada"));
    assert_eq!(visitor.finish(&begun).await.location(), "/me");
}

#[tokio::test]
async fn another_site_cannot_choose_the_issuer_or_lead_away() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    for query in ["", "iss=https%3A%2F%2Fevil.test", "login_hint=ada"] {
        let page = visitor.get(&format!("/signin/initiate?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let issuer: String = form_urlencoded::byte_serialize(world.idp.issuer().as_bytes()).collect();
    let twice = visitor
        .get(&format!("/signin/initiate?iss={issuer}&iss={issuer}"))
        .await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    let away = format!("/signin/initiate?iss={issuer}&target_link_uri=https%3A%2F%2Fevil.test%2Fme");
    let begun = visitor.begin(&away).await;
    assert_eq!(visitor.finish(&begun).await.location(), "/profile");
}
