//! `[unverified]`: what is not known of Okta can be either way.

use mock_idp::{MockIdp, config};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, param, part};

/// The same org twice: by default, and with this setting the other way.
async fn both(setting: &str) -> [MockIdp; 2] {
    let org = format!(
        "[[client]]\nid = \"web\"\nsecret = \"{0}\"\nredirect_uris = [\"{1}\"]\ngrant_types = [\"authorization_code\", \
         \"password\"]\n[[client]]\nid = \"other\"\nsecret = \"{0}\"\n[[user]]\nlogin = \"{ALICE}\"\n",
        app::SECRET,
        app::REDIRECT_URI
    );
    let start = |text: String| async move {
        let tenant = config::parse("mock-idp.toml", &text).unwrap().tenant;
        crate::app::builder().tenant(tenant).start().await.unwrap()
    };
    let other = format!("[unverified]\n{setting}\n{org}");
    [start(org).await, start(other).await]
}

async fn error_of(idp: &MockIdp, changes: &[(&str, Option<&str>)]) -> Option<String> {
    let answer = Browser::new().get(app::authorization_url(&idp.issuer(), changes)).await;
    (answer.status() == 302).then(|| param(&app::location(&answer), "error_description").unwrap())
}

async fn code(idp: &MockIdp) -> String {
    let url = app::authorization_url(&idp.issuer(), &[]);
    let back = app::authorize(&mut Browser::new(), &url, ALICE).await;
    param(&back, "code").unwrap()
}

#[tokio::test]
async fn authorization_requests_are_read_either_way() {
    let [usual, other] = both("resource_refused = true").await;
    let resource = [("resource", Some("api://x"))];
    assert_eq!(error_of(&usual, &resource).await, None);
    assert_eq!(
        error_of(&other, &resource).await.as_deref(),
        Some("The authorization server has rejected the 'resource' parameter: api://x")
    );
    let [usual, other] = both("max_age_checked = false").await;
    for max_age in ["-1", "2147483648", "soon"] {
        let max_age = [("max_age", Some(max_age))];
        assert_eq!(
            error_of(&usual, &max_age).await.as_deref(),
            Some("Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.")
        );
        assert_eq!(error_of(&other, &max_age).await, None);
    }
    for (idp, sent) in both("empty_state = true").await.iter().zip([None, Some("")]) {
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &[("state", None)]))
            .await;
        assert_eq!(param(&app::location(&answer), "state").as_deref(), sent);
    }
    for (idp, status) in both("post_with_query = false").await.iter().zip([200, 400]) {
        let url = app::authorization_url(&idp.issuer(), &[]);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(Browser::new().post(&url, &pairs).await.status(), status);
    }
    for (idp, status) in both("session_token = false").await.iter().zip([302, 200]) {
        let url = idp.origin().join("/api/v1/authn").unwrap();
        let login = json!({"username": ALICE, "password": "x"});
        let body: Value = Browser::new().post_json(url, &login, None).await.json().await.unwrap();
        let url = app::authorization_url(&idp.issuer(), &[("sessionToken", body["sessionToken"].as_str())]);
        assert_eq!(Browser::new().get(url).await.status(), status);
    }
}

#[tokio::test]
async fn clients_are_authenticated_either_way() {
    let refuse = [("client_secret", Some("wrong"))];
    for (idp, is_sent) in both("www_authenticate = false").await.iter().zip([true, false]) {
        let answer = app::redeem(&idp.issuer(), "x", &refuse).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers().contains_key("www-authenticate"), is_sent);
    }
    // The client is set up for `client_secret_basic`, and posts its secret.
    let [usual, other] = both("secret_methods_interchangeable = false").await;
    assert_eq!(
        app::redeem(&usual.issuer(), &code(&usual).await, &[]).await.status(),
        200
    );
    let refused = app::redeem(&other.issuer(), &code(&other).await, &[]).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.json::<Value>().await.unwrap(),
        json!({
            "error": "invalid_client",
            "error_description": "Client authentication failed. Either the client or the client credentials are invalid.",
        })
    );
}

#[tokio::test]
async fn tokens_are_kept_either_way() {
    for (idp, status) in both("code_reuse_revokes = true").await.iter().zip([200, 401]) {
        let code = code(idp).await;
        let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
        assert_eq!(app::redeem(&idp.issuer(), &code, &[]).await.status(), 400);
        let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(info.status(), status);
    }
    for (idp, is_active) in both("introspect_of_others = false").await.iter().zip([true, false]) {
        let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
        let form = [
            ("client_id", "other"),
            ("client_secret", app::SECRET),
            ("token", tokens["access_token"].as_str().unwrap()),
        ];
        let answer = Browser::new()
            .post(app::endpoint(&idp.issuer(), "introspect"), &form)
            .await;
        assert_eq!(answer.json::<Value>().await.unwrap()["active"], is_active);
    }
    for (idp, has_sid) in both("sid_always = true").await.iter().zip([false, true]) {
        let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
        let claims = part(tokens["id_token"].as_str().unwrap(), 1);
        assert_eq!(claims.get("sid").is_some(), has_sid);
    }
    for (idp, status) in both("userinfo_post = false").await.iter().zip([200, 405]) {
        let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let url = app::endpoint(&idp.issuer(), "userinfo");
        let headers = [("authorization", bearer.as_str())];
        let answer = Browser::new().request(Method::POST, url, &headers, "").await;
        assert_eq!(answer.status(), status);
    }
}
