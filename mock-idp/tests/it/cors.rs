//! Calls from scripts: preflights, and what the token endpoint asks of browsers, which are known by their `Origin`.

use mock_idp::{Client, MockIdp, User};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, param};

const FORM: &str = "application/x-www-form-urlencoded";

/// A confidential client, a public one at another origin, and Alice.
async fn org() -> MockIdp {
    let mut web = app::client();
    web.grant_types.push("password".to_owned());
    crate::app::builder()
        .client(web)
        .client(Client::browser("spa").redirect("http://localhost:4200/callback"))
        .user(User::with_login(ALICE))
        .start()
        .await
        .unwrap()
}

/// A token request that a script of this origin sends.
async fn ask(idp: &MockIdp, origin: &str, params: &[(&str, &str)]) -> Response {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    let headers = [("origin", origin), ("content-type", FORM)];
    let url = app::endpoint(&idp.issuer(), "token");
    Browser::new().request(Method::POST, url, &headers, &body).await
}

async fn refused(answer: Response, status: u16, error: &str, description: &str) {
    assert_eq!(answer.status(), status, "{description}");
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"error": error, "error_description": description})
    );
}

#[tokio::test]
async fn a_preflight_of_the_token_endpoint_always_says_yes_to_the_asking_origin() {
    let idp = org().await;
    for name in ["token", "par"] {
        let headers = [
            ("origin", "https://anywhere.test"),
            ("access-control-request-method", "POST"),
        ];
        let url = app::endpoint(&idp.issuer(), name);
        let answer = Browser::new().request(Method::OPTIONS, url, &headers, "").await;
        assert_eq!(answer.status(), 204);
        for (name, value) in [
            ("access-control-allow-origin", "https://anywhere.test"),
            ("access-control-allow-methods", "POST"),
            ("access-control-max-age", "3600"),
            ("vary", "Origin"),
        ] {
            assert_eq!(answer.headers()[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_script_gets_tokens_from_the_origin_of_its_redirect_uri_only() {
    let idp = org().await;
    let url = app::authorization_url(
        &idp.issuer(),
        &[
            ("client_id", Some("spa")),
            ("redirect_uri", Some("http://localhost:4200/callback")),
        ],
    );
    let code = param(&app::authorize(&mut Browser::new(), &url, ALICE).await, "code").unwrap();
    let params = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost:4200/callback"),
        ("code_verifier", app::VERIFIER),
    ];
    refused(
        ask(&idp, "http://localhost:9999", &params).await,
        400,
        "invalid_request",
        "Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.",
    )
    .await;
    let answer = ask(&idp, "http://localhost:4200", &params).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://localhost:4200");
}

#[tokio::test]
async fn a_script_of_a_confidential_client_must_use_pkce_and_the_code() {
    let idp = org().await;
    let credentials = [("client_id", "web"), ("client_secret", app::SECRET)];
    let without = [
        credentials[0],
        credentials[1],
        ("grant_type", "authorization_code"),
        ("code", "x"),
    ];
    refused(
        ask(&idp, "http://localhost:3000", &without).await,
        401,
        "invalid_client",
        "Browser requests to the token endpoint must use Proof Key for Code Exchange.",
    )
    .await;
    let password = [
        credentials[0],
        credentials[1],
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "x"),
        ("scope", "openid"),
    ];
    refused(
        ask(&idp, "http://localhost:3000", &password).await,
        400,
        "unauthorized_client",
        "Browser requests to the token endpoint may only use the authorization_code grant_type.",
    )
    .await;
}
