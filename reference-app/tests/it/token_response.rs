//! What the token endpoint can answer.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use reference_app::oidc::{SignInError, fetch::FetchError};
use serde_json::{Map, Value, json};
use wiremock::ResponseTemplate;

use crate::fake_idp::{FakeIdp, ok, raw, sign_in};

async fn outcome(
    idp: &FakeIdp,
    answer: impl FnOnce(Map<String, Value>) -> ResponseTemplate,
) -> Result<(), SignInError> {
    let rp = idp.relying_party();
    let signed_in = sign_in(&rp, |attempt| {
        idp.answer_token(answer(idp.token_response(&attempt.nonce)));
    });
    signed_in.await.map(|_| ())
}

async fn changed(name: &str, value: Option<Value>) -> Result<(), SignInError> {
    let idp = FakeIdp::start().await;
    outcome(&idp, |mut body| {
        match value {
            Some(value) => drop(body.insert(name.to_owned(), value)),
            None => drop(body.remove(name)),
        }
        ok(&body)
    })
    .await
}

#[tokio::test]
async fn a_refusal_is_a_refusal_whatever_its_status() {
    let idp = FakeIdp::start().await;
    let refused = |code: &str| Err(SignInError::CodeRefused(code.to_owned()));
    for (status, code) in [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (400, "x_unknown"),
        (200, "invalid_grant"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({ "error": code, "error_description": "<b>" }));
        assert_eq!(outcome(&idp, |_| answer).await, refused(code));
    }
    // Tokens beside an error.
    let found = outcome(&idp, |mut body| {
        body.insert("error".to_owned(), json!("invalid_grant"));
        ok(&body)
    });
    assert_eq!(found.await, refused("invalid_grant"));
    // What is logged is a word, not a page.
    let answer = json!({ "error": "a b\nforged line <script>", "error_description": "x" });
    let found = outcome(&idp, |_| ResponseTemplate::new(400).set_body_json(answer)).await;
    assert_eq!(found, refused("abforgedlinescript"));
}

#[tokio::test]
async fn server_errors_and_redirects_are_failures() {
    let idp = FakeIdp::start().await;
    for status in [500, 502, 503, 429, 404] {
        let found = outcome(&idp, |_| ResponseTemplate::new(status).set_body_string("<h1>down</h1>")).await;
        assert_eq!(found, Err(SignInError::TokenEndpoint(FetchError::Status(status))));
    }
    let elsewhere = FakeIdp::start().await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/v1/token", elsewhere.issuer());
        let answer = ResponseTemplate::new(status).insert_header("location", target.as_str());
        let found = outcome(&idp, |_| answer).await;
        assert_eq!(found, Err(SignInError::TokenEndpoint(FetchError::Status(status))));
    }
    assert!(elsewhere.requests("").await.is_empty(), "the code followed a redirect");
}

#[tokio::test]
async fn a_body_that_is_no_token_response_is_refused() {
    let idp = FakeIdp::start().await;
    for body in [
        "",
        "{",
        "[]",
        "\"text\"",
        "<html>",
        "access_token=x&token_type=Bearer",
        "null",
    ] {
        let found = outcome(&idp, |_| raw(body)).await;
        assert!(
            matches!(found, Err(SignInError::TokenEndpoint(FetchError::Malformed(_)))),
            "{body}: {found:?}"
        );
    }
    // An array would fit the struct behind it, member by member.
    let found = outcome(&idp, |body| {
        raw(&json!([null, "Bearer", body["access_token"], body["id_token"]]).to_string())
    });
    assert_eq!(
        found.await,
        Err(SignInError::TokenEndpoint(FetchError::Malformed(
            "no object".to_owned()
        )))
    );
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let found = outcome(&idp, |_| raw(&nested)).await;
    assert!(
        matches!(found, Err(SignInError::TokenEndpoint(FetchError::Malformed(_)))),
        "{found:?}"
    );
    // Also where nobody would have looked.
    let found = outcome(&idp, |body| {
        raw(&serde_json::to_string(&body)
            .unwrap()
            .replacen('{', &format!("{{\"x\":{nested},"), 1))
    });
    let found = found.await;
    assert!(
        matches!(found, Err(SignInError::TokenEndpoint(FetchError::Malformed(_)))),
        "{found:?}"
    );
    let doubled = r#"{"token_type":"Bearer","access_token":"a","access_token":"b","id_token":"c"}"#;
    let found = outcome(&idp, |_| raw(doubled)).await;
    assert!(
        matches!(found, Err(SignInError::TokenEndpoint(FetchError::Malformed(_)))),
        "{found:?}"
    );
    let found = outcome(&idp, |body| {
        ResponseTemplate::new(200).set_body_raw(serde_json::to_vec(&body).unwrap(), "text/html")
    });
    assert_eq!(
        found.await,
        Err(SignInError::TokenEndpoint(FetchError::NotJson("text/html".to_owned())))
    );
}

#[tokio::test]
async fn all_three_members_are_needed() {
    for value in [
        None,
        Some(json!(null)),
        Some(json!("")),
        Some(json!(7)),
        Some(json!(["a.b.c"])),
    ] {
        assert_eq!(
            changed("id_token", value.clone()).await,
            Err(SignInError::IdTokenMissing)
        );
        assert_eq!(
            changed("access_token", value).await,
            Err(SignInError::AccessTokenMissing)
        );
    }
    for value in [
        None,
        Some(json!(null)),
        Some(json!("mac")),
        Some(json!("DPoP")),
        Some(json!("N_A")),
        Some(json!(1)),
    ] {
        assert_eq!(changed("token_type", value).await, Err(SignInError::TokenType));
    }
    let line_feed = changed("access_token", Some(json!("a\nb"))).await;
    assert!(matches!(line_feed, Err(SignInError::TokenResponse(_))));
}

#[tokio::test]
async fn what_does_not_matter_is_tolerated() {
    for kind in ["bearer", "BEARER", "bEARER"] {
        assert_eq!(changed("token_type", Some(json!(kind))).await, Ok(()));
    }
    for odd in [
        json!("3600"),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(3600.5),
        json!(null),
        json!([]),
    ] {
        assert_eq!(changed("expires_in", Some(odd)).await, Ok(()));
    }
    assert_eq!(changed("scope", Some(json!(""))).await, Ok(()));
    assert_eq!(changed("error", Some(json!(null))).await, Ok(()));
    let idp = FakeIdp::start().await;
    let found = outcome(&idp, |mut body| {
        body.remove("expires_in");
        body.remove("scope");
        for n in 0..20 {
            body.insert(format!("member-{n}"), json!({ "nested": ["\u{1f600}"] }));
        }
        ok(&body)
    });
    assert_eq!(found.await, Ok(()));
    let found = outcome(&idp, |body| {
        let pretty = format!("\n{}\n", serde_json::to_string_pretty(&body).unwrap());
        ResponseTemplate::new(200).set_body_raw(pretty, "Application/JSON; charset=UTF-8")
    });
    assert_eq!(found.await, Ok(()));
}

#[tokio::test]
async fn a_large_answer_is_cut_off() {
    let idp = FakeIdp::start().await;
    let huge = format!("{{\"x\":\"{}\"}}", "a".repeat(1 << 20));
    let found = outcome(&idp, |_| raw(&huge)).await;
    assert_eq!(found, Err(SignInError::TokenEndpoint(FetchError::TooLarge)));
}

#[tokio::test]
async fn compression_is_not_asked_for_and_not_unpacked() {
    let idp = FakeIdp::start().await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let answer = ResponseTemplate::new(200).insert_header("content-encoding", "gzip");
    let found = outcome(&idp, |_| answer.set_body_raw(bomb, "application/json")).await;
    assert!(
        matches!(found, Err(SignInError::TokenEndpoint(FetchError::Malformed(_)))),
        "{found:?}"
    );
    assert!(
        !idp.requests("/v1/token").await[0]
            .headers
            .contains_key("accept-encoding")
    );
}

#[tokio::test]
async fn a_slow_answer_is_given_up_and_the_code_not_sent_again() {
    let idp = FakeIdp::start().await;
    let found = outcome(&idp, |body| ok(&body).set_delay(Duration::from_secs(30))).await;
    assert_eq!(found, Err(SignInError::TokenEndpoint(FetchError::TimedOut)));
    assert_eq!(idp.requests("/v1/token").await.len(), 1);
    let found = outcome(&idp, |body| ok(&body).set_delay(Duration::from_millis(200))).await;
    assert_eq!(found, Ok(()));
}
