//! What userinfo can answer. Who signed in is settled before: rubbish costs claims, another subject the sign-in.

use std::time::Duration;

use reference_app::oidc::{Check, Identity, SignInError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::fake_idp::{FakeIdp, SUBJECT, metadata, ok, raw, sign_in, userinfo};

async fn outcome(idp: &FakeIdp, answer: ResponseTemplate) -> Result<Identity, SignInError> {
    idp.answer_userinfo(answer);
    sign_in(&idp.relying_party(), |attempt| {
        idp.answer_token(ok(&idp.token_response(&attempt.nonce)))
    })
    .await
}

#[tokio::test]
async fn the_token_travels_in_the_header_only() {
    let idp = FakeIdp::start().await;
    outcome(&idp, ok(&userinfo())).await.unwrap();
    let request = &idp.requests("/v1/userinfo").await[0];
    assert_eq!(
        request.headers["authorization"],
        format!("Bearer {}", idp.access_token()).as_str()
    );
    assert_eq!(request.url.query(), None);
    assert!(request.body.is_empty());
}

#[tokio::test]
async fn another_subject_ends_the_sign_in() {
    let idp = FakeIdp::start().await;
    for subject in [
        json!("00uvictim"),
        json!(null),
        json!(""),
        json!(7),
        json!([SUBJECT, "00uvictim"]),
        json!([SUBJECT]),
        json!(SUBJECT.to_uppercase()),
        json!(format!("{SUBJECT} ")),
    ] {
        let mut body = userinfo();
        body.insert("sub".to_owned(), subject);
        assert_eq!(outcome(&idp, ok(&body)).await, Err(SignInError::UserinfoSubject));
    }
    let mut body = userinfo();
    body.remove("sub");
    assert_eq!(outcome(&idp, ok(&body)).await, Err(SignInError::UserinfoSubject));
}

#[tokio::test]
async fn two_subjects_are_none() {
    let idp = FakeIdp::start().await;
    for body in [
        format!(r#"{{"sub":"{SUBJECT}","sub":"00uvictim","name":"Victim"}}"#),
        format!(r#"{{"sub":"00uvictim","sub":"{SUBJECT}","name":"Victim"}}"#),
    ] {
        let identity = outcome(&idp, raw(&body)).await.unwrap();
        assert_eq!(
            (identity.subject.as_str(), &identity.claims["name"]),
            (SUBJECT, &json!("Ada Example"))
        );
        assert!(!identity.checks.contains(&Check::UserinfoSubject));
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_costs_only_its_claims() {
    let idp = FakeIdp::start().await;
    let victim = json!({ "sub": SUBJECT, "name": "Not used" });
    let elsewhere = FakeIdp::start().await;
    let target = format!("{}/v1/userinfo", elsewhere.issuer());
    for answer in [
        ResponseTemplate::new(401),
        ResponseTemplate::new(403),
        ResponseTemplate::new(429),
        ResponseTemplate::new(500),
        ResponseTemplate::new(500).set_body_json(&victim),
        raw(""),
        raw("{"),
        raw("[]"),
        raw("<html>"),
        ResponseTemplate::new(200).set_body_raw(victim.to_string(), "text/html"),
        ResponseTemplate::new(200).set_body_raw(victim.to_string(), "application/jwt"),
        ResponseTemplate::new(302).insert_header("location", target.as_str()),
        ok(&victim).set_delay(Duration::from_secs(30)),
        raw(&format!("{{\"sub\":\"{SUBJECT}\",\"x\":\"{}\"}}", "a".repeat(1 << 20))),
    ] {
        let identity = outcome(&idp, answer).await.unwrap();
        assert_eq!(
            (identity.subject.as_str(), &identity.claims["name"]),
            (SUBJECT, &json!("Ada Example"))
        );
        assert!(!identity.checks.contains(&Check::UserinfoSubject));
    }
    assert!(
        elsewhere.requests("").await.is_empty(),
        "the access token followed a redirect"
    );
}

#[tokio::test]
async fn claims_about_the_token_are_the_id_tokens() {
    let idp = FakeIdp::start().await;
    let mut body = userinfo();
    for (name, value) in [
        ("iss", json!("x")),
        ("sid", json!("x")),
        ("exp", json!(1)),
        ("email", Value::Null),
    ] {
        body.insert(name.to_owned(), value);
    }
    let identity = outcome(&idp, ok(&body)).await.unwrap();
    assert_eq!(identity.claims["iss"], idp.issuer());
    assert_eq!(identity.sid, None);
    assert_eq!(identity.claims["email"], "ada@example.test", "a null is no claim");
}

#[tokio::test]
async fn a_server_without_userinfo_is_fine() {
    let idp = FakeIdp::start().await;
    let mut document = metadata(&idp.issuer());
    document.remove("userinfo_endpoint");
    idp.answer_metadata(ok(&document));
    assert_eq!(
        outcome(&idp, ok(&userinfo())).await.unwrap().claims["name"],
        "Ada Example"
    );
    assert!(idp.requests("/v1/userinfo").await.is_empty());
}
