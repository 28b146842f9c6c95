//! What access tokens are good for after they were issued: userinfo, introspection, revocation.

use mock_idp::MockIdp;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, names};

/// Like [`app::idp`]; the client may use the password grant and be given scopes without `openid`.
async fn org() -> MockIdp {
    let text = format!(
        r#"
[[auth_server]]
id = "default"
scopes = ["api:read"]
[[auth_server]]
id = "other"
[[client]]
id = "web"
secret = "{secret}"
grant_types = ["password", "refresh_token", "client_credentials"]
[[client]]
id = "stranger"
secret = "{secret}"
[[user]]
login = "{ALICE}"
"#,
        secret = app::SECRET
    );
    let tenant = mock_idp::config::parse("mock-idp.toml", &text).unwrap().tenant;
    crate::app::builder().tenant(tenant).start().await.unwrap()
}

async fn tokens(idp: &MockIdp, scope: &str) -> Value {
    let (_, tokens) = post(
        idp,
        "token",
        &[
            ("grant_type", "password"),
            ("username", ALICE),
            ("password", "x"),
            ("scope", scope),
        ],
    )
    .await;
    tokens
}

/// A call of the client `web`; status and body.
async fn post(idp: &MockIdp, name: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![("client_id", "web"), ("client_secret", app::SECRET)];
    for (name, value) in params {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let answer = Browser::new().post(app::endpoint(&idp.issuer(), name), &all).await;
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// The challenge of a refusal, whose body is empty.
async fn challenge(answer: Response, status: u16) -> String {
    assert_eq!(answer.status(), status);
    let text = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert_eq!(answer.text().await.unwrap(), "");
    text
}

#[tokio::test]
async fn userinfo_says_in_its_challenge_why_a_token_is_no_good() {
    let idp = org().await;
    let issuer = idp.issuer();
    let url = app::endpoint(&issuer, "userinfo");
    let both = tokens(&idp, "openid email").await;
    let good = both["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {good}");
    let form = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = format!("access_token={good}");
    let without = tokens(&idp, "api:read").await;
    let without = format!("Bearer {}", without["access_token"].as_str().unwrap());
    let other = app::endpoint(&idp.issuer_of("other"), "userinfo");
    let in_query = format!("{url}?access_token={good}");
    type Row<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let rows: &[Row<'_>] = &[
        (
            Method::GET,
            &url,
            &[],
            "",
            401,
            "error=\"invalid_request\", error_description=\"The access token is missing.\"",
        ),
        (
            Method::GET,
            &in_query,
            &[],
            "",
            400,
            "error=\"invalid_request\", error_description=\"The access token cannot be presented in a query string.\"",
        ),
        (
            Method::POST,
            &url,
            &form,
            &body,
            400,
            "error=\"invalid_request\", error_description=\"The access token cannot be specified in both the \
             Authorization header and the request-body.\"",
        ),
        (
            Method::GET,
            &url,
            &[("authorization", &without)],
            "",
            403,
            "error=\"insufficient_scope\", error_description=\"The access token must provide access to at least one of \
             these scopes - profile, email, address or phone\"",
        ),
        (
            Method::GET,
            &other,
            &[("authorization", &bearer)],
            "",
            401,
            "error=\"invalid_token\", error_description=\"The access token provided has an invalid issuer.\"",
        ),
    ];
    for (method, url, headers, body, status, expected) in rows {
        let answer = Browser::new().request(method.clone(), url, headers, body).await;
        let text = challenge(answer, *status).await;
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!(app::userinfo(&issuer, good).await.status(), 200);
    assert_eq!(post(&idp, "revoke", &[("token", good)]).await.0, 200);
    let revoked = challenge(app::userinfo(&issuer, good).await, 401).await;
    assert!(
        revoked.contains("error_description=\"The access token has been revoked.\""),
        "{revoked}"
    );
    let fresh = tokens(&idp, "openid").await;
    idp.shift_clock(3601);
    let expired = app::userinfo(&issuer, fresh["access_token"].as_str().unwrap()).await;
    let expired = challenge(expired, 401).await;
    assert!(
        expired.contains("error_description=\"The token has expired.\""),
        "{expired}"
    );
}

#[tokio::test]
async fn introspection_has_oktas_members_or_says_inactive_and_nothing_else() {
    let idp = org().await;
    let all = tokens(&idp, "openid api:read offline_access").await;
    let introspect = |token: &str| {
        let (idp, token) = (idp.clone(), token.to_owned());
        async move { post(&idp, "introspect", &[("token", &token)]).await }
    };
    let access_token = all["access_token"].as_str().unwrap();
    let (status, access) = introspect(access_token).await;
    assert_eq!(status, 200);
    assert_eq!(
        names(&access),
        [
            "active",
            "scope",
            "username",
            "exp",
            "iat",
            "sub",
            "aud",
            "iss",
            "jti",
            "token_type",
            "client_id",
            "uid"
        ]
    );
    assert_eq!(
        (&access["token_type"], &access["sub"], &access["aud"]),
        (&json!("Bearer"), &json!(ALICE), &json!("api://default"))
    );
    let (_, refresh) = introspect(all["refresh_token"].as_str().unwrap()).await;
    assert_eq!(
        names(&refresh),
        [
            "active",
            "token_type",
            "scope",
            "client_id",
            "username",
            "exp",
            "sub",
            "device_id"
        ]
    );
    let (_, id_token) = introspect(all["id_token"].as_str().unwrap()).await;
    assert_eq!((&id_token["active"], &id_token["aud"]), (&json!(true), &json!("web")));
    // Of the client itself there is no user.
    let machine = [("grant_type", "client_credentials"), ("scope", "api:read")];
    let (_, machine) = post(&idp, "token", &machine).await;
    let (_, machine) = introspect(machine["access_token"].as_str().unwrap()).await;
    assert_eq!((machine.get("uid"), &machine["sub"]), (None, &json!("web")));

    let inactive = (200, json!({"active": false}));
    assert_eq!(introspect("nonsense").await, inactive);
    let other = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("token", access_token),
    ];
    let elsewhere = app::endpoint(&idp.issuer_of("other"), "introspect");
    let answer = Browser::new().post(elsewhere, &other).await;
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        inactive.1,
        "of another authorization server"
    );
    assert_eq!(post(&idp, "revoke", &[("token", access_token)]).await.0, 200);
    assert_eq!(introspect(access_token).await, inactive);

    assert_eq!(
        post(&idp, "introspect", &[]).await,
        (
            400,
            json!({"error": "invalid_request", "error_description": "The 'token' parameter is required."})
        )
    );
    let nobody = Browser::new()
        .post(app::endpoint(&idp.issuer(), "introspect"), &[("token", access_token)])
        .await;
    assert_eq!(nobody.status(), 401);
    assert_eq!(
        nobody.json::<Value>().await.unwrap(),
        json!({"error": "invalid_client", "error_description": "No client credentials found."})
    );
}

#[tokio::test]
async fn revocation_answers_200_with_nothing_and_touches_only_ones_own() {
    let idp = org().await;
    let url = app::endpoint(&idp.issuer(), "revoke");
    let all = tokens(&idp, "openid offline_access").await;
    let (access_token, refresh_token) = (
        all["access_token"].as_str().unwrap(),
        all["refresh_token"].as_str().unwrap(),
    );
    let active = |token: &str| {
        let (idp, token) = (idp.clone(), token.to_owned());
        async move { post(&idp, "introspect", &[("token", &token)]).await.1["active"] == true }
    };
    let unproved = Browser::new().post(&url, &[("token", access_token)]).await;
    assert_eq!(unproved.status(), 401, "the client must prove itself");
    let stranger = [
        ("client_id", "stranger"),
        ("client_secret", app::SECRET),
        ("token", access_token),
    ];
    assert_eq!(Browser::new().post(&url, &stranger).await.status(), 200);
    assert!(active(access_token).await, "another client's token stays");
    for token in [refresh_token, refresh_token, "never-issued"] {
        let params = [("client_id", "web"), ("client_secret", app::SECRET), ("token", token)];
        let answer = Browser::new().post(&url, &params).await;
        assert_eq!(answer.status(), 200, "{token}");
        assert_eq!(answer.text().await.unwrap(), "");
    }
    assert!(!active(refresh_token).await);
    assert!(
        !active(access_token).await,
        "a refresh token takes its access tokens along"
    );
    // Not the other way round.
    let all = tokens(&idp, "openid offline_access").await;
    post(&idp, "revoke", &[("token", all["access_token"].as_str().unwrap())]).await;
    assert!(active(all["refresh_token"].as_str().unwrap()).await);
}
