//! The access token is validated when `OKTA_AUDIENCE` says for whom it must be.

use reference_app::{
    clock::Clock,
    oidc::{RelyingParty, SignInError, jwt::TokenError},
};
use serde_json::{Map, Value, json};

use crate::{
    fake_idp::{FakeIdp, HEADER, at_hash, now, ok, sign_in, text},
    jws,
};

/// A sign-in with this access token and an ID token that fits it.
async fn outcome(idp: &FakeIdp, rp: &RelyingParty, access_token: &str) -> Result<(), SignInError> {
    let identity = sign_in(rp, |attempt| {
        let mut claims = idp.id_claims(&attempt.nonce);
        claims.insert("at_hash".to_owned(), at_hash(access_token).into());
        let id_token = jws::sign(HEADER, &text(&claims), jws::published());
        idp.answer_token(ok(
            &json!({ "token_type": "Bearer", "access_token": access_token, "id_token": id_token }),
        ));
    });
    identity.await.map(|_| ())
}

async fn claim_refused(name: &str, value: Option<Value>, reason: TokenError) {
    let idp = FakeIdp::start().await;
    let mut claims: Map<String, Value> = idp.access_claims();
    match value {
        Some(value) => drop(claims.insert(name.to_owned(), value)),
        None => drop(claims.remove(name)),
    }
    let token = jws::sign(HEADER, &text(&claims), jws::published());
    let found = outcome(&idp, &idp.relying_party(), &token).await;
    assert_eq!(found, Err(SignInError::AccessToken(reason)), "{name}");
}

#[tokio::test]
async fn the_signature_is_by_a_published_key() {
    let idp = FakeIdp::start().await;
    let claims = text(&idp.access_claims());
    let rp = idp.relying_party();
    let forged = jws::sign(HEADER, &claims, jws::other());
    assert_eq!(
        outcome(&idp, &rp, &forged).await,
        Err(SignInError::AccessToken(TokenError::Signature))
    );
    let unknown = jws::sign(r#"{"kid":"x","alg":"RS256"}"#, &claims, jws::other());
    assert_eq!(
        outcome(&idp, &rp, &unknown).await,
        Err(SignInError::AccessToken(TokenError::UnknownKey))
    );
    let honest = jws::sign(
        r#"{"typ":"at+jwt","kid":"current","alg":"RS256"}"#,
        &claims,
        jws::published(),
    );
    assert_eq!(outcome(&idp, &rp, &honest).await, Ok(()));
}

#[tokio::test]
async fn issuer_audience_expiry_and_client_are_checked() {
    claim_refused(
        "iss",
        Some(json!("http://other.test/oauth2/default")),
        TokenError::Issuer,
    )
    .await;
    claim_refused("iss", None, TokenError::Missing("iss")).await;
    claim_refused("aud", Some(json!("api://other")), TokenError::Audience).await;
    claim_refused("aud", None, TokenError::Missing("aud")).await;
    claim_refused("exp", Some(json!(now() - 7200)), TokenError::Expired).await;
    claim_refused("exp", None, TokenError::Missing("exp")).await;
    claim_refused("cid", Some(json!("other")), TokenError::Client).await;
    claim_refused("cid", None, TokenError::Client).await;
}

#[tokio::test]
async fn without_an_audience_it_is_opaque() {
    let idp = FakeIdp::start().await;
    let mut config = idp.config();
    config.audience = None;
    let rp = RelyingParty::new(config, Clock::default()).unwrap();
    for token in ["x", "a.b.c", "eyJ.broken", &"t".repeat(4096), &"t".repeat(12_000)] {
        assert_eq!(outcome(&idp, &rp, token).await, Ok(()));
    }
    let requests = idp.requests("/v1/userinfo").await;
    assert_eq!(requests[0].headers["authorization"], "Bearer x");
    // With one, an opaque token is a refusal.
    let strict = outcome(&idp, &idp.relying_party(), "opaque").await;
    assert_eq!(strict, Err(SignInError::AccessToken(TokenError::Malformed)));
}
