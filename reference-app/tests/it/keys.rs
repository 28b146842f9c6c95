//! The key set: what is used of it, when it is fetched, and when not.

use std::time::Duration;

use reference_app::oidc::{RelyingParty, SignInError, fetch::FetchError, jwt::TokenError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{
    fake_idp::{FakeIdp, HEADER, ok, raw, sign_in, text},
    jws,
};

/// A sign-in whose ID token has this header and is signed with this key. The access token is switched off, so that only
/// the ID token looks for keys.
async fn outcome(idp: &FakeIdp, rp: &RelyingParty, header: &str, key: &rsa::RsaPrivateKey) -> Result<(), SignInError> {
    let identity = sign_in(rp, |attempt| {
        idp.answer_id_token(&jws::sign(header, &text(&idp.id_claims(&attempt.nonce)), key));
    });
    identity.await.map(|_| ())
}

fn relying_party(idp: &FakeIdp) -> RelyingParty {
    let mut config = idp.config();
    config.audience = None;
    RelyingParty::new(config, reference_app::clock::Clock::default()).unwrap()
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

const NO_KID: &str = r#"{"alg":"RS256"}"#;

#[tokio::test]
async fn keys_of_other_kinds_are_passed_over() {
    let idp = FakeIdp::start().await;
    let mut good = jws::jwk(jws::published(), "current");
    good.as_object_mut().unwrap().remove("alg");
    good.as_object_mut().unwrap().remove("use");
    good["key_ops"] = json!(["verify"]);
    good["x5c"] = json!(["AAAA"]);
    good["x-unknown"] = json!({});
    let broken = with(jws::jwk(jws::other(), "current"), "n", json!("!!!"));
    let tiny = with(jws::jwk(jws::other(), "current"), "n", json!("AQAB"));
    idp.publish(&[
        json!(null),
        json!("text"),
        json!({}),
        json!({ "kty": "foo", "kid": "current" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "current" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "current" }),
        json!({ "kty": "oct", "k": "AAAA", "kid": "current" }),
        json!({ "kty": "RSA", "kid": "current" }),
        broken,
        tiny,
        good,
    ]);
    assert_eq!(
        outcome(&idp, &relying_party(&idp), HEADER, jws::published()).await,
        Ok(())
    );
}

#[tokio::test]
async fn keys_that_must_not_verify_do_not() {
    let idp = FakeIdp::start().await;
    let jwk = || jws::jwk(jws::published(), "current");
    for unfit in [
        with(jwk(), "use", json!("enc")),
        with(jwk(), "alg", json!("RS512")),
        with(jwk(), "alg", json!("RSA-OAEP-256")),
        with(jwk(), "key_ops", json!(["encrypt"])),
        jws::jwk(jws::weak(), "current"),
    ] {
        idp.publish(std::slice::from_ref(&unfit));
        let key = if unfit["n"] == jws::jwk(jws::weak(), "current")["n"] {
            jws::weak()
        } else {
            jws::published()
        };
        let found = outcome(&idp, &relying_party(&idp), HEADER, key).await;
        assert_eq!(found, Err(SignInError::IdToken(TokenError::UnknownKey)), "{unfit}");
    }
}

#[tokio::test]
async fn several_keys_of_one_id_are_tried() {
    let idp = FakeIdp::start().await;
    idp.publish(&[jws::jwk(jws::other(), "current"), jws::jwk(jws::published(), "current")]);
    assert_eq!(
        outcome(&idp, &relying_party(&idp), HEADER, jws::published()).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_token_without_key_id_needs_a_single_key() {
    let idp = FakeIdp::start().await;
    let encryption = with(jws::jwk(jws::other(), "enc"), "use", json!("enc"));
    idp.publish(&[encryption, jws::jwk(jws::published(), "current")]);
    assert_eq!(
        outcome(&idp, &relying_party(&idp), NO_KID, jws::published()).await,
        Ok(())
    );
    idp.publish(&[jws::jwk(jws::other(), "next"), jws::jwk(jws::published(), "current")]);
    let found = outcome(&idp, &relying_party(&idp), NO_KID, jws::published()).await;
    assert_eq!(found, Err(SignInError::IdToken(TokenError::NoKeyId)));
}

#[tokio::test]
async fn a_rotation_is_followed_at_once_and_the_old_key_forgotten() {
    let idp = FakeIdp::start().await;
    let rp = relying_party(&idp);
    assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, Ok(()));
    assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, Ok(()));
    assert_eq!(idp.requests("/v1/keys").await.len(), 1, "keys are kept");
    idp.publish(&[jws::jwk(jws::other(), "next")]);
    let next = r#"{"kid":"next","alg":"RS256"}"#;
    assert_eq!(outcome(&idp, &rp, next, jws::other()).await, Ok(()));
    assert_eq!(idp.requests("/v1/keys").await.len(), 2);
    let old = outcome(&idp, &rp, HEADER, jws::published()).await;
    assert_eq!(old, Err(SignInError::IdToken(TokenError::UnknownKey)));
}

#[tokio::test]
async fn forged_key_ids_cause_a_trickle_of_fetches() {
    let idp = FakeIdp::start().await;
    let rp = relying_party(&idp);
    assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, Ok(()));
    for n in 0..60 {
        let header = json!({ "kid": format!("forged-{n}"), "alg": "RS256" }).to_string();
        let found = outcome(&idp, &rp, &header, jws::other()).await;
        assert_eq!(found, Err(SignInError::IdToken(TokenError::UnknownKey)));
    }
    let fetches = idp.requests("/v1/keys").await.len();
    assert!((2..=12).contains(&fetches), "{fetches} fetches for 60 forged key ids");
    assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, Ok(()));
}

#[tokio::test]
async fn without_keys_nobody_signs_in_and_the_next_one_does() {
    let idp = FakeIdp::start().await;
    let rp = relying_party(&idp);
    let keys = |error| Err(SignInError::IdToken(TokenError::Keys(error)));
    for (answer, reason) in [
        (ResponseTemplate::new(404), FetchError::Status(404)),
        (ResponseTemplate::new(500), FetchError::Status(500)),
        (ok(&json!({})).set_delay(Duration::from_secs(30)), FetchError::TimedOut),
        (
            ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/"),
            FetchError::Status(302),
        ),
        (
            ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
            FetchError::NotJson("text/html".to_owned()),
        ),
    ] {
        idp.answer_keys(answer);
        assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, keys(reason));
    }
    idp.answer_keys(raw("{\"keys\":7}"));
    let found = outcome(&idp, &rp, HEADER, jws::published()).await;
    assert!(matches!(
        found,
        Err(SignInError::IdToken(TokenError::Keys(FetchError::Malformed(_))))
    ));
    idp.publish(&[]);
    let found = outcome(&idp, &rp, HEADER, jws::published()).await;
    assert_eq!(found, Err(SignInError::IdToken(TokenError::UnknownKey)));
    idp.publish(&[jws::jwk(jws::published(), "current")]);
    assert_eq!(outcome(&idp, &rp, HEADER, jws::published()).await, Ok(()));
}

#[tokio::test]
async fn many_first_visitors_cause_one_fetch() {
    let world = crate::visitor::World::new().await;
    let document = json!({ "keys": [jws::jwk(jws::published(), "current")] });
    world
        .idp
        .answer_keys(ok(&document).set_delay(Duration::from_millis(300)));
    let rp = world.app.oidc();
    // Every logout token asks for the same keys.
    let claims = crate::logout_notices::claims(&world.idp);
    let token = jws::sign(HEADER, &text(&claims), jws::published());
    let all = std::iter::repeat_with(|| rp.verify_logout_token(&token)).take(30);
    let done = futures_util::future::join_all(all).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(world.idp.requests("/v1/keys").await.len(), 1);
    assert_eq!(world.idp.requests("/openid-configuration").await.len(), 1);
}
