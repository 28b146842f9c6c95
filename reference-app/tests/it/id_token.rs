//! Everything that an ID token can get wrong, and what must be tolerated. Each refusal names its exact reason, so that a
//! token which is refused for another reason does not hide a missing check.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reference_app::oidc::{SignInError, jwt::TokenError};
use serde_json::{Map, Value, json};

use crate::{
    fake_idp::{CLIENT_ID, FakeIdp, HEADER, SUBJECT, now, sign_in, text, with_id_claims},
    jws,
};

/// A sign-in whose ID token is exactly what `make` returns for the honest payload.
async fn outcome(idp: &FakeIdp, make: impl FnOnce(&str) -> String) -> Result<String, SignInError> {
    let rp = idp.relying_party();
    let identity = sign_in(&rp, |attempt| {
        let payload = text(&idp.id_claims(&attempt.nonce));
        idp.answer_id_token(&make(&payload));
    });
    identity.await.map(|identity| identity.subject)
}

async fn refused(idp: &FakeIdp, reason: TokenError, make: impl FnOnce(&str) -> String) {
    assert_eq!(outcome(idp, make).await, Err(SignInError::IdToken(reason)));
}

async fn claim_refused(idp: &FakeIdp, name: &str, value: Option<Value>, reason: TokenError) {
    let found = with_id_claims(idp, |claims| set(claims, name, value.clone())).await;
    assert_eq!(
        found.map(|identity| identity.subject),
        Err(SignInError::IdToken(reason)),
        "{name} = {value:?}"
    );
}

async fn claim_accepted(idp: &FakeIdp, name: &str, value: Option<Value>) {
    let found = with_id_claims(idp, |claims| set(claims, name, value.clone())).await;
    assert_eq!(
        found.map(|identity| identity.subject),
        Ok(SUBJECT.to_owned()),
        "{name} = {value:?}"
    );
}

fn set(claims: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(claims.insert(name.to_owned(), value)),
        None => drop(claims.remove(name)),
    }
}

#[tokio::test]
async fn a_signature_by_anybody_else_is_refused() {
    let idp = FakeIdp::start().await;
    refused(&idp, TokenError::Signature, |payload| {
        jws::sign(HEADER, payload, jws::other())
    })
    .await;
    refused(&idp, TokenError::Signature, |payload| {
        let token = jws::sign(HEADER, payload, jws::published());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[100] ^= 1;
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
    })
    .await;
    // A claim changed after signing.
    refused(&idp, TokenError::Signature, |payload| {
        let token = jws::sign(HEADER, payload, jws::published());
        let changed = payload.replace("ada@example.test", "eve@example.test");
        format!(
            "{}.{}",
            jws::unsigned(HEADER, &changed),
            token.rsplit_once('.').unwrap().1
        )
    })
    .await;
    refused(&idp, TokenError::Signature, |payload| {
        format!("{}.", jws::unsigned(HEADER, payload))
    })
    .await;
}

#[tokio::test]
async fn only_rs256_is_an_algorithm() {
    let idp = FakeIdp::start().await;
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!(""),
        json!(1),
        json!(null),
        json!("RS512"),
        json!("PS256"),
        json!("ES256"),
        json!("rs256"),
        json!("HS256"),
    ] {
        let header = json!({ "kid": "current", "alg": alg }).to_string();
        refused(&idp, TokenError::Algorithm, |payload| {
            jws::sign(&header, payload, jws::published())
        })
        .await;
        refused(&idp, TokenError::Algorithm, |payload| {
            format!("{}.", jws::unsigned(&header, payload))
        })
        .await;
    }
    refused(&idp, TokenError::Algorithm, |payload| {
        jws::sign(r#"{"kid":"current"}"#, payload, jws::published())
    })
    .await;
}

#[tokio::test]
async fn an_hmac_with_public_material_is_no_signature() {
    let idp = FakeIdp::start().await;
    let jwk = jws::jwk(jws::published(), "current");
    for key in [
        jwk["n"].as_str().unwrap(),
        "a-secret-of-forty-characters-0123456789",
        "",
        "AQAB",
        &jwk.to_string(),
    ] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.as_bytes());
        refused(&idp, TokenError::Algorithm, |payload| {
            let input = jws::unsigned(r#"{"kid":"current","alg":"HS256"}"#, payload);
            let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
        })
        .await;
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_count_for_nothing() {
    let idp = FakeIdp::start().await;
    let jwk = jws::jwk(jws::other(), "mine");
    let jku = format!("{}/v1/keys?mine", idp.issuer());
    for extra in [
        json!({ "jwk": jwk }),
        json!({ "jku": jku }),
        json!({ "x5u": jku }),
        json!({ "x5c": ["AAAA"] }),
        json!({ "jwk": jku }),
    ] {
        let mut header = json!({ "kid": "mine", "alg": "RS256" });
        header
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        refused(&idp, TokenError::UnknownKey, |payload| {
            jws::sign(&header.to_string(), payload, jws::other())
        })
        .await;
    }
    let fetches = idp.requests("/keys").await;
    assert!(
        fetches.iter().all(|request| request.url.query().is_none()),
        "a URL of the token was fetched"
    );
    for kid in [
        "http://127.0.0.1:9/keys",
        "../../dev/null",
        "' OR 1=1 --",
        "{\"kty\":\"oct\"}",
    ] {
        let header = json!({ "kid": kid, "alg": "RS256" }).to_string();
        refused(&idp, TokenError::UnknownKey, |payload| {
            jws::sign(&header, payload, jws::other())
        })
        .await;
    }
}

#[tokio::test]
async fn the_header_is_understood_as_a_whole_or_refused() {
    let idp = FakeIdp::start().await;
    for crit in [
        json!(["x-unknown"]),
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!("x"),
        json!(null),
    ] {
        let header = json!({ "kid": "current", "alg": "RS256", "crit": crit, "b64": false }).to_string();
        refused(&idp, TokenError::Critical, |payload| {
            jws::sign(&header, payload, jws::published())
        })
        .await;
    }
    for typ in [
        json!("at+jwt"),
        json!("logout+jwt"),
        json!("JOSE"),
        json!("application/okta-internal-at+jwt"),
        json!(1),
    ] {
        let header = json!({ "kid": "current", "alg": "RS256", "typ": typ }).to_string();
        refused(&idp, TokenError::Kind, |payload| {
            jws::sign(&header, payload, jws::published())
        })
        .await;
    }
    for typ in ["JWT", "jwt"] {
        let header = json!({ "typ": typ, "kid": "current", "alg": "RS256" }).to_string();
        let found = outcome(&idp, |payload| jws::sign(&header, payload, jws::published())).await;
        assert_eq!(found, Ok(SUBJECT.to_owned()));
    }
    let doubled = r#"{"kid":"current","alg":"none","alg":"RS256"}"#;
    refused(&idp, TokenError::Malformed, |payload| {
        jws::sign(doubled, payload, jws::published())
    })
    .await;
    // Claims in the header are nobody's claims.
    let header = json!({ "kid": "current", "alg": "RS256", "sub": "00uvictim", "iss": "x" }).to_string();
    let found = outcome(&idp, |payload| jws::sign(&header, payload, jws::published())).await;
    assert_eq!(found, Ok(SUBJECT.to_owned()));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let idp = FakeIdp::start().await;
    let good = |payload: &str| jws::sign(HEADER, payload, jws::published());
    refused(&idp, TokenError::Malformed, |_| "one".to_owned()).await;
    refused(&idp, TokenError::Malformed, |payload| jws::unsigned(HEADER, payload)).await;
    refused(&idp, TokenError::Malformed, |payload| format!("{}.x", good(payload))).await;
    refused(&idp, TokenError::Malformed, |payload| format!("{}.x.y", good(payload))).await;
    refused(&idp, TokenError::Malformed, |_| ".".repeat(10_000)).await;
    refused(&idp, TokenError::Malformed, |payload| {
        format!("\u{feff}{}", good(payload))
    })
    .await;
    refused(&idp, TokenError::Malformed, |payload| format!("!{}", good(payload))).await;
    refused(&idp, TokenError::Malformed, |_| "a".repeat(200_000)).await;
    for payload in ["[]", "\"text\"", "no json", "{\"sub\":\"x\"} trailing", "\u{feff}{}"] {
        refused(&idp, TokenError::Claims, |_| {
            jws::sign(HEADER, payload, jws::published())
        })
        .await;
    }
}

#[tokio::test]
async fn a_claim_that_comes_twice_is_refused() {
    let idp = FakeIdp::start().await;
    for twice in [
        r#""sub":"00uvictim""#,
        r#""aud":"web-app""#,
        r#""nonce":"x""#,
        r#""iss":"x""#,
        r#""email":"x""#,
    ] {
        refused(&idp, TokenError::Claims, |payload| {
            let payload = format!("{{{twice},{}", &payload[1..]);
            jws::sign(HEADER, &payload, jws::published())
        })
        .await;
    }
}

#[tokio::test]
async fn the_issuer_is_exactly_this_one() {
    let idp = FakeIdp::start().await;
    let issuer = idp.issuer();
    let org = issuer.replace("/oauth2/default", "");
    for wrong in [
        format!("{issuer}1"),
        format!("{issuer}/"),
        org,
        issuer.replace("http://", "https://"),
        issuer.to_uppercase(),
        issuer[..issuer.len() - 1].to_owned(),
        format!("{issuer}.evil.test"),
        String::new(),
    ] {
        claim_refused(&idp, "iss", Some(json!(wrong)), TokenError::Issuer).await;
    }
    claim_refused(&idp, "iss", None, TokenError::Missing("iss")).await;
    claim_refused(&idp, "iss", Some(json!(null)), TokenError::Missing("iss")).await;
    claim_refused(&idp, "iss", Some(json!(7)), TokenError::Missing("iss")).await;
    // jsonwebtoken alone would take this one.
    claim_refused(&idp, "iss", Some(json!([issuer])), TokenError::Issuer).await;
}

#[tokio::test]
async fn the_audience_is_this_client_and_nobody_else() {
    let idp = FakeIdp::start().await;
    for wrong in [
        json!("web-app1"),
        json!("web"),
        json!(["other"]),
        json!(""),
        json!([]),
        json!("WEB-APP"),
    ] {
        claim_refused(&idp, "aud", Some(wrong), TokenError::Audience).await;
    }
    for missing in [
        None,
        Some(json!(null)),
        Some(json!(7)),
        Some(json!([["web-app"]])),
        Some(json!({})),
    ] {
        claim_refused(&idp, "aud", missing, TokenError::Missing("aud")).await;
    }
    for extra in [json!([CLIENT_ID, "other"]), json!(["other", CLIENT_ID])] {
        claim_refused(&idp, "aud", Some(extra), TokenError::ExtraAudience).await;
    }
    claim_accepted(&idp, "aud", Some(json!([CLIENT_ID]))).await;
    claim_refused(&idp, "azp", Some(json!("other")), TokenError::AuthorizedParty).await;
    claim_refused(&idp, "azp", Some(json!([CLIENT_ID])), TokenError::AuthorizedParty).await;
    claim_accepted(&idp, "azp", Some(json!(CLIENT_ID))).await;
}

#[tokio::test]
async fn times_are_numbers_within_reason() {
    let idp = FakeIdp::start().await;
    let now = now();
    for past in [3600, 86_400, 365 * 86_400] {
        claim_refused(&idp, "exp", Some(json!(now - past)), TokenError::Expired).await;
    }
    for missing in [
        None,
        Some(json!(null)),
        Some(json!("never")),
        Some(json!(-1)),
        Some(json!("1999999999")),
    ] {
        claim_refused(&idp, "exp", missing, TokenError::Missing("exp")).await;
    }
    claim_refused(&idp, "nbf", Some(json!(now + 3600)), TokenError::NotYetValid).await;
    claim_refused(&idp, "nbf", Some(json!("soon")), TokenError::Missing("nbf")).await;
    claim_refused(&idp, "iat", Some(json!(now + 86_400)), TokenError::IssuedInFuture).await;
    for past in [2, 24, 7 * 24, 365 * 24] {
        claim_refused(&idp, "iat", Some(json!(now - past * 3600)), TokenError::IssuedLongAgo).await;
    }
    for missing in [None, Some(json!(null)), Some(json!("1790000000")), Some(json!([]))] {
        claim_refused(&idp, "iat", missing, TokenError::Missing("iat")).await;
    }
    // Clocks differ a little, and a number may be written in several ways.
    claim_accepted(&idp, "iat", Some(json!(now + 20))).await;
    claim_accepted(&idp, "nbf", Some(json!(now + 20))).await;
    claim_accepted(&idp, "exp", Some(json!(now + 5))).await;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    for name in ["exp", "iat", "nbf"] {
        claim_accepted(&idp, name, Some(json!(now as f64 + 0.25))).await;
    }
    let found = outcome(&idp, |payload| {
        let claims: Map<String, Value> = serde_json::from_str(payload).unwrap();
        let plain = format!("\"exp\":{}", claims["exp"]);
        let exponent = format!("\"exp\":{:e}", claims["exp"].as_f64().unwrap());
        assert!(payload.contains(&plain) && exponent.contains('e'));
        jws::sign(HEADER, &payload.replace(&plain, &exponent), jws::published())
    });
    assert_eq!(found.await, Ok(SUBJECT.to_owned()));
}

#[tokio::test]
async fn a_token_names_a_person() {
    let idp = FakeIdp::start().await;
    for nobody in [
        None,
        Some(json!(null)),
        Some(json!("")),
        Some(json!(7)),
        Some(json!(true)),
        Some(json!("x".repeat(256))),
        Some(json!("a\u{0}b")),
    ] {
        claim_refused(&idp, "sub", nobody, TokenError::Missing("sub")).await;
    }
    claim_refused(&idp, "sub", Some(json!([SUBJECT, "00uvictim"])), TokenError::Claims).await;
}

#[tokio::test]
async fn the_nonce_is_the_one_that_was_sent() {
    let idp = FakeIdp::start().await;
    for wrong in [
        None,
        Some(json!(null)),
        Some(json!("")),
        Some(json!("constant")),
        Some(json!(["x"])),
    ] {
        claim_refused(&idp, "nonce", wrong, TokenError::Nonce).await;
    }
    let found = with_id_claims(&idp, |claims| {
        let nonce = claims["nonce"].as_str().unwrap();
        claims["nonce"] = json!(format!("{nonce}1"));
    });
    assert_eq!(
        found.await.map(|found| found.subject),
        Err(SignInError::IdToken(TokenError::Nonce))
    );
    let found = with_id_claims(&idp, |claims| claims["nonce"] = json!([claims["nonce"]]));
    assert_eq!(
        found.await.map(|found| found.subject),
        Err(SignInError::IdToken(TokenError::Nonce))
    );
}

#[tokio::test]
async fn an_id_token_of_an_earlier_sign_in_is_refused() {
    let idp = FakeIdp::start().await;
    let rp = idp.relying_party();
    let first = sign_in(&rp, |attempt| {
        let token = jws::sign(HEADER, &text(&idp.id_claims(&attempt.nonce)), jws::published());
        idp.answer_id_token(&token);
    });
    let first = first.await.unwrap();
    let second = sign_in(&rp, |_| idp.answer_id_token(&first.id_token)).await;
    assert_eq!(second, Err(SignInError::IdToken(TokenError::Nonce)));
}

#[tokio::test]
async fn at_hash_is_compared_when_it_is_there() {
    let idp = FakeIdp::start().await;
    for wrong in [
        json!("x"),
        json!(""),
        json!(null),
        json!(7),
        json!(crate::fake_idp::at_hash("another token")),
    ] {
        claim_refused(&idp, "at_hash", Some(wrong), TokenError::AccessTokenHash).await;
    }
    claim_accepted(&idp, "at_hash", None).await;
}

#[tokio::test]
async fn other_tokens_of_the_same_server_are_no_id_tokens() {
    let idp = FakeIdp::start().await;
    refused(&idp, TokenError::Audience, |_| idp.access_token()).await;
    refused(&idp, TokenError::Nonce, |payload| {
        let mut claims: Map<String, Value> = serde_json::from_str(payload).unwrap();
        claims.remove("nonce");
        claims.insert(
            "events".to_owned(),
            json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
        );
        jws::sign(HEADER, &text(&claims), jws::published())
    })
    .await;
}

#[tokio::test]
async fn what_is_unknown_or_odd_but_harmless_is_tolerated() {
    let idp = FakeIdp::start().await;
    let found = with_id_claims(&idp, |claims| {
        for n in 0..40 {
            claims.insert(
                format!("https://example.test/claim/{n}"),
                json!({ "nested": [n, null, "\u{1f600}"] }),
            );
        }
        claims.insert(
            "groups".to_owned(),
            json!(vec![
                "a group with a rather long name of some sixty-four characters";
                300
            ]),
        );
    });
    assert_eq!(found.await.map(|found| found.subject), Ok(SUBJECT.to_owned()));
    for (name, odd) in [
        ("email", json!({})),
        ("name", json!(7)),
        ("email", json!(null)),
        ("picture", json!([])),
    ] {
        claim_accepted(&idp, name, Some(odd)).await;
    }
}
