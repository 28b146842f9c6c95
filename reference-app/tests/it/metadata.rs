//! The metadata document: what is believed of it, and what happens while it cannot be had.

use axum::http::StatusCode;
use reference_app::oidc::{SignInError, fetch::FetchError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{
    fake_idp::{FakeIdp, metadata, ok, raw},
    visitor::World,
};

async fn outcome(idp: &FakeIdp, answer: ResponseTemplate) -> Result<String, SignInError> {
    idp.answer_metadata(answer);
    idp.relying_party()
        .begin("/", None)
        .await
        .map(|(url, _)| url.to_string())
}

fn changed(idp: &FakeIdp, name: &str, value: Value) -> ResponseTemplate {
    let mut document = metadata(&idp.issuer());
    document.insert(name.to_owned(), value);
    ok(&document)
}

#[tokio::test]
async fn the_issuer_is_the_configured_one_byte_for_byte() {
    let idp = FakeIdp::start().await;
    let issuer = idp.issuer();
    for other in [
        format!("{issuer}/"),
        format!("{issuer}1"),
        issuer.to_uppercase(),
        String::new(),
    ] {
        let found = outcome(&idp, changed(&idp, "issuer", json!(other))).await;
        let expected = SignInError::MetadataIssuer {
            found: other,
            expected: issuer.clone(),
        };
        assert_eq!(found, Err(expected));
    }
}

#[tokio::test]
async fn endpoints_are_used_as_published() {
    let idp = FakeIdp::start().await;
    let odd = format!("{}/odd/a?tenant=7", idp.issuer());
    let url = outcome(&idp, changed(&idp, "authorization_endpoint", json!(odd)))
        .await
        .unwrap();
    assert!(url.starts_with(&format!("{odd}&response_type=code&")), "{url}");
}

#[tokio::test]
async fn endpoints_elsewhere_are_refused() {
    let idp = FakeIdp::start().await;
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "end_session_endpoint",
    ] {
        for value in [
            json!("http://evil.test/x"),
            json!("javascript:alert(1)"),
            json!("/relative"),
            json!(7),
            json!([]),
        ] {
            let found = outcome(&idp, changed(&idp, name, value.clone())).await;
            assert_eq!(found, Err(SignInError::MetadataEndpoint(name)), "{name} {value}");
        }
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let found = outcome(&idp, changed(&idp, name, json!(null))).await;
        assert_eq!(found, Err(SignInError::MetadataEndpoint(name)));
    }
}

#[tokio::test]
async fn unknown_members_and_weak_offers_change_nothing() {
    let idp = FakeIdp::start().await;
    let mut document = metadata(&idp.issuer());
    for n in 0..40 {
        document.insert(format!("x-{n}"), json!({ "nested": [n] }));
    }
    document.insert(
        "mtls_endpoint_aliases".to_owned(),
        json!({ "token_endpoint": "https://evil.test/" }),
    );
    document.insert("code_challenge_methods_supported".to_owned(), json!(["plain"]));
    document.insert(
        "id_token_signing_alg_values_supported".to_owned(),
        json!(["none", "HS256"]),
    );
    let url = outcome(&idp, ok(&document)).await.unwrap();
    assert!(url.contains("code_challenge_method=S256"));
}

#[tokio::test]
async fn a_document_that_cannot_be_had_is_asked_for_again() {
    let world = World::new().await;
    let mut visitor = world.visitor();
    for answer in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/"),
        raw("{"),
        raw("[]"),
        ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
    ] {
        world.idp.answer_metadata(answer);
        let page = visitor.get("/signin").await;
        assert_eq!(page.status, StatusCode::FAILED_DEPENDENCY);
        assert_eq!(page.text_of("h1"), "The sign-in service does not answer");
        assert!(visitor.cookies.is_empty());
    }
    world.idp.answer_metadata(ok(&metadata(&world.idp.issuer())));
    visitor.sign_in().await;
    // Kept from now on.
    world.idp.answer_metadata(ResponseTemplate::new(503));
    visitor.sign_in().await;
}

#[tokio::test]
async fn a_hanging_server_is_given_up() {
    let idp = FakeIdp::start().await;
    let answer = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(30));
    assert_eq!(
        outcome(&idp, answer).await,
        Err(SignInError::Metadata(FetchError::TimedOut))
    );
}
