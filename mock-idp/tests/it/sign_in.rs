//! An honest sign-in, from the authorization request to sign-out.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, names, param, part};

#[tokio::test]
async fn a_sign_in_ends_with_oktas_tokens() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let mut browser = Browser::new();
    let back = app::authorize(&mut browser, &app::authorization_url(&issuer, &[]), ALICE).await;
    // Code first, then state.
    let pairs: Vec<String> = back.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(pairs, ["code", "state"]);
    assert_eq!(param(&back, "state").unwrap(), "the-state");
    let code = param(&back, "code").unwrap();
    assert_eq!(code.len(), 43);

    let answer = app::redeem(&issuer, &code, &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-cache, no-store");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let tokens: Value = answer.json().await.unwrap();
    assert_eq!(
        names(&tokens),
        ["token_type", "expires_in", "access_token", "scope", "id_token"]
    );
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);

    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(names(&part(id_token, 0)), ["kid", "alg"]);
    let claims = part(id_token, 1);
    assert_eq!(
        names(&claims),
        [
            "sub",
            "name",
            "email",
            "ver",
            "iss",
            "aud",
            "iat",
            "exp",
            "jti",
            "amr",
            "idp",
            "nonce",
            "preferred_username",
            "auth_time",
            "at_hash"
        ]
    );
    assert_eq!(claims["nonce"], "the-nonce");
    assert_eq!(claims["aud"], "web");
    assert_eq!(claims["iss"], json!(issuer));
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert!(claims["sub"].as_str().unwrap().starts_with("00u"));

    let access_token = tokens["access_token"].as_str().unwrap();
    let access = part(access_token, 1);
    assert_eq!(
        names(&access),
        [
            "ver",
            "jti",
            "iss",
            "aud",
            "iat",
            "exp",
            "cid",
            "uid",
            "scp",
            "auth_time",
            "sub"
        ]
    );
    assert_eq!(access["aud"], "api://default");
    assert_eq!(access["sub"], ALICE);
    assert_eq!(access["uid"], claims["sub"]);

    let keys: JwkSet = browser.get(app::endpoint(&issuer, "keys")).await.json().await.unwrap();
    let key = keys
        .find(part(id_token, 0)["kid"].as_str().unwrap())
        .expect("the key is published");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["web"]);
    rules.set_issuer(&[&issuer]);
    decode::<Value>(id_token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap();

    let info = app::userinfo(&issuer, access_token).await;
    assert_eq!(info.status(), 200);
    let info: Value = info.json().await.unwrap();
    assert_eq!(
        names(&info),
        [
            "sub",
            "name",
            "locale",
            "email",
            "preferred_username",
            "given_name",
            "family_name",
            "zoneinfo",
            "updated_at",
            "email_verified"
        ]
    );
    assert_eq!(info["sub"], claims["sub"]);
}

#[tokio::test]
async fn the_second_visit_needs_no_page_and_sign_out_ends_that() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let mut browser = Browser::new();
    let url = app::authorization_url(&issuer, &[]);
    let back = app::authorize(&mut browser, &url, ALICE).await;
    let answer = browser.get(&url).await;
    assert_eq!(answer.status(), 302);
    assert!(param(&app::location(&answer), "code").is_some());

    let tokens: Value = app::redeem(&issuer, &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    let logout = url::Url::parse_with_params(
        &app::endpoint(&issuer, "logout"),
        [
            ("id_token_hint", tokens["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", "http://localhost:3000/"),
            ("state", "bye"),
        ],
    )
    .unwrap();
    let answer = browser.get(&logout).await;
    assert_eq!(answer.status(), 302);
    assert_eq!(app::location(&answer).as_str(), "http://localhost:3000/?state=bye");
    assert_eq!(browser.get(&url).await.status(), 200, "the page is shown again");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let idp = app::idp().await;
    let mut browser = Browser::new();
    let back = app::authorize(&mut browser, &app::authorization_url(&idp.issuer(), &[]), ALICE).await;
    let code = param(&back, "code").unwrap();
    assert_eq!(app::redeem(&idp.issuer(), &code, &[]).await.status(), 200);
    let again = app::redeem(&idp.issuer(), &code, &[]).await;
    assert_eq!(again.status(), 400);
    let error: Value = again.json().await.unwrap();
    assert_eq!(error["error"], "invalid_grant");
    assert_eq!(
        error["error_description"],
        "The authorization code is invalid or has expired."
    );
}
