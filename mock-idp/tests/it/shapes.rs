//! The whole of what a client sees, so that a change of a member, an order or a text is a diff that somebody reads.
//! What Okta's documents fix is asserted beside this, as literals.

use serde_json::Value;

use crate::app::{self, ALICE, Browser, part};

/// The document with the free port replaced, so that it is the same in every run.
async fn fetch(idp: &mock_idp::MockIdp, path: &str) -> String {
    let url = idp.origin().join(path).unwrap();
    let document: Value = Browser::new().get(url).await.json().await.unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap();
    text.replace(idp.origin().as_str().trim_end_matches('/'), "http://ORG")
}

#[tokio::test]
async fn metadata_of_a_custom_server() {
    let idp = app::idp().await;
    insta::assert_snapshot!(fetch(&idp, "/oauth2/default/.well-known/openid-configuration").await);
}

#[tokio::test]
async fn metadata_of_the_org_server() {
    let idp = app::idp().await;
    insta::assert_snapshot!(fetch(&idp, "/.well-known/openid-configuration").await);
}

#[tokio::test]
async fn the_key_set_is_stable() {
    let idp = app::idp().await;
    insta::assert_snapshot!(fetch(&idp, "/oauth2/default/v1/keys").await);
}

#[tokio::test]
async fn tokens_of_a_code_flow() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let tokens = app::sign_in(&issuer, ALICE, &[]).await;
    let shown = |name: &str| part(tokens[name].as_str().unwrap(), 1);
    insta::assert_json_snapshot!("id_token", shown("id_token"), {
        ".iss" => "[issuer]", ".iat" => "[now]", ".exp" => "[now + 3600]", ".auth_time" => "[now]",
        ".jti" => "[ID.…]", ".at_hash" => "[hash]",
    });
    insta::assert_json_snapshot!("access_token", shown("access_token"), {
        ".iss" => "[issuer]", ".iat" => "[now]", ".exp" => "[now + 3600]", ".auth_time" => "[now]", ".jti" => "[AT.…]",
    });
    let info: Value = app::userinfo(&issuer, tokens["access_token"].as_str().unwrap())
        .await
        .json()
        .await
        .unwrap();
    insta::assert_json_snapshot!("userinfo", info, { ".updated_at" => "[when]" });
}
