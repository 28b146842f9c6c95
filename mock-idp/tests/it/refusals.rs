//! What Okta refuses, with Okta's words. Every text here is a literal from its published table or from the wire.

use mock_idp::{Client, MockIdp, User};
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, param};

/// What a bad authorization request is redirected with: changes, `error`, `error_description`.
type Row = (
    &'static [(&'static str, Option<&'static str>)],
    &'static str,
    &'static str,
);

const REDIRECTED: &[Row] = &[
    (
        &[("state", None)],
        "invalid_request",
        "The authentication request has an invalid 'state' parameter.",
    ),
    (
        &[("state", Some(""))],
        "invalid_request",
        "The authentication request has an invalid 'state' parameter.",
    ),
    (
        &[("response_type", Some("coda"))],
        "unsupported_response_type",
        "The response type is not supported by the authorization server. Configured response types: [code, id_token, \
         token, none].",
    ),
    (
        &[("response_mode", Some("smoke"))],
        "unsupported_response_mode",
        "The response mode is not supported by the authorization server. Valid response modes: [query, fragment, \
         form_post, okta_post_message].",
    ),
    (
        &[("response_type", Some("token"))],
        "unauthorized_client",
        "The client is not authorized to use the provided grant type. Configured grant types: [authorization_code, \
         refresh_token].",
    ),
    (
        &[("prompt", Some("maybe"))],
        "invalid_request",
        "Invalid value for 'prompt' parameter. Supported values: [none, login, consent, login consent, \
         enroll_authenticator]",
    ),
    (
        &[("max_age", Some("-1"))],
        "invalid_request",
        "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.",
    ),
    (
        &[("max_age", Some("2147483648"))],
        "invalid_request",
        "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.",
    ),
    (
        &[("code_challenge_method", Some("plain"))],
        "invalid_request",
        "PKCE code challenge method is not supported. Valid values: [S256]",
    ),
    (
        &[("code_challenge_method", None)],
        "invalid_request",
        "PKCE code challenge method is not supported. Valid values: [S256]",
    ),
    (
        &[("code_challenge", Some("too short"))],
        "invalid_request",
        "PKCE code challenge contains illegal characters.",
    ),
    (
        &[("scope", Some("openid nonsense"))],
        "invalid_scope",
        "One or more scopes are not configured for the authorization server resource.",
    ),
    (
        &[("scope", Some("openid groups"))],
        "invalid_scope",
        "One or more scopes are not configured for the authorization server resource.",
    ),
    (
        &[("scope", None)],
        "invalid_scope",
        "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
    ),
    (
        &[("scope", Some("profile"))],
        "invalid_scope",
        "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.",
    ),
    (
        &[("prompt", Some("none"))],
        "login_required",
        "The client specified not to prompt, but the user is not logged in.",
    ),
    (
        &[("prompt", Some("none")), ("max_age", Some("0"))],
        "login_required",
        "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age.",
    ),
];

#[tokio::test]
async fn a_bad_authorization_request_is_redirected_before_any_page() {
    let idp = app::idp().await;
    for (changes, error, description) in REDIRECTED {
        let answer = Browser::new().get(app::authorization_url(&idp.issuer(), changes)).await;
        assert_eq!(answer.status(), 302, "{changes:?}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        let mut back = app::location(&answer);
        if let Some(fragment) = back.fragment().map(str::to_owned) {
            // Errors travel as the tokens would have.
            back.set_query(Some(&fragment));
        }
        let mut expected = vec![("error".to_owned(), (*error).to_owned())];
        expected.push(("error_description".to_owned(), (*description).to_owned()));
        if !changes.iter().any(|(name, _)| *name == "state") {
            expected.insert(0, ("state".to_owned(), "the-state".to_owned()));
        }
        let pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
        assert_eq!(pairs, expected, "{changes:?}");
    }
}

#[tokio::test]
async fn errors_are_written_in_form_style() {
    let idp = app::idp().await;
    let url = app::authorization_url(&idp.issuer(), &[("scope", Some("openid nonsense"))]);
    let answer = Browser::new().get(url).await;
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?state=the-state&error=invalid_scope&error_description=\
         One+or+more+scopes+are+not+configured+for+the+authorization+server+resource."
    );
}

#[tokio::test]
async fn a_parameter_twice_is_refused() {
    let idp = app::idp().await;
    let url = format!("{}&scope=openid", app::authorization_url(&idp.issuer(), &[]));
    let back = app::location(&Browser::new().get(url).await);
    assert_eq!(
        param(&back, "error_description").unwrap(),
        "The request contained multiple parameters with the same name."
    );
}

#[tokio::test]
async fn a_public_client_must_use_pkce() {
    let idp = MockIdp::builder()
        .client(Client::browser("web").redirect(app::REDIRECT_URI))
        .user(User::with_login(ALICE))
        .start()
        .await
        .unwrap();
    let changes = [("code_challenge", None), ("code_challenge_method", None)];
    let back = app::location(
        &Browser::new()
            .get(app::authorization_url(&idp.issuer(), &changes))
            .await,
    );
    assert_eq!(
        param(&back, "error_description").unwrap(),
        "PKCE code challenge is required by the application."
    );
}

#[tokio::test]
async fn an_unusable_redirect_target_is_told_on_a_page() {
    let idp = app::idp().await;
    let admin = format!("{}admin/app/oidc_client/instance/web#tab-general", idp.origin());
    let unregistered =
        format!("The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: {admin}");
    let rows: &[(&str, Option<&str>, &str, &str)] = &[
        (
            "client_id",
            Some("nobody"),
            "invalid_client",
            "Invalid value for 'client_id' parameter.",
        ),
        (
            "client_id",
            None,
            "invalid_client",
            "Invalid value for 'client_id' parameter.",
        ),
        (
            "redirect_uri",
            Some("http://localhost:3000/callback/"),
            "invalid_request",
            &unregistered,
        ),
        (
            "redirect_uri",
            Some("http://127.0.0.1:3000/callback"),
            "invalid_request",
            &unregistered,
        ),
        (
            "redirect_uri",
            Some("http://localhost:3000/Callback"),
            "invalid_request",
            &unregistered,
        ),
        ("redirect_uri", None, "invalid_request", &unregistered),
    ];
    for (name, value, error, description) in rows {
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &[(name, *value)]))
            .await;
        assert_eq!(answer.status(), 400, "{name} {value:?}");
        assert_eq!(answer.headers()["content-type"], "text/html;charset=utf-8");
        let text: String = scraper::Html::parse_document(&answer.text().await.unwrap())
            .select(&scraper::Selector::parse("main").unwrap())
            .flat_map(|main| main.text().collect::<Vec<_>>())
            .collect::<Vec<_>>()
            .join(" ");
        for expected in [
            "400",
            "Bad Request",
            "Your request resulted in an error.",
            "Identity Provider:",
            error,
            description,
        ] {
            assert!(text.contains(expected), "{name} {value:?}: {expected} in {text}");
        }
    }
}

#[tokio::test]
async fn nothing_that_a_client_sends_is_reflected_unescaped() {
    let idp = app::idp().await;
    let attack = "\"'><script>alert(1)</script>";
    for name in ["client_id", "redirect_uri", "login_hint", "state", "scope", "prompt"] {
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &[(name, Some(attack))]))
            .await;
        let body = answer.text().await.unwrap();
        assert!(!body.contains("<script>alert"), "{name}: {body}");
    }
}

/// What a bad token request is answered with: changes, status, `error`, `error_description`.
type TokenRow = (
    &'static [(&'static str, Option<&'static str>)],
    u16,
    &'static str,
    &'static str,
);

const REFUSED: &[TokenRow] = &[
    (
        &[("grant_type", None)],
        400,
        "invalid_request",
        "The token request must specify a 'grant_type'. Valid values: [authorization_code, refresh_token, password, client_credentials, interaction_code, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:openid:params:grant-type:ciba, urn:okta:params:oauth:grant-type:otp, urn:okta:params:oauth:grant-type:oob, http://auth0.com/oauth/grant-type/mfa-otp, http://auth0.com/oauth/grant-type/mfa-oob]",
    ),
    (
        &[("grant_type", Some("nonsense"))],
        400,
        "unsupported_grant_type",
        "The authorization grant type is not supported by the authorization server. Configured grant types: [authorization_code, refresh_token, password, client_credentials, interaction_code, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:openid:params:grant-type:ciba, urn:okta:params:oauth:grant-type:otp, urn:okta:params:oauth:grant-type:oob, http://auth0.com/oauth/grant-type/mfa-otp, http://auth0.com/oauth/grant-type/mfa-oob].",
    ),
    (
        &[("client_id", None), ("client_secret", None)],
        401,
        "invalid_client",
        "No client credentials found.",
    ),
    (
        &[("client_secret", Some("wrong"))],
        401,
        "invalid_client",
        "The client secret supplied for a confidential client is invalid.",
    ),
    (
        &[("client_secret", None)],
        401,
        "invalid_client",
        "Client authentication failed. Either the client or the client credentials are invalid.",
    ),
    (
        &[("code", None)],
        400,
        "invalid_request",
        "The required parameter 'code' is missing.",
    ),
    (
        &[("code", Some("nonsense"))],
        400,
        "invalid_grant",
        "The authorization code is invalid or has expired.",
    ),
    (
        &[("redirect_uri", Some("http://localhost:3000/other"))],
        400,
        "invalid_grant",
        "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
    ),
    (
        &[("redirect_uri", None)],
        400,
        "invalid_grant",
        "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
    ),
    (
        &[("code_verifier", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXx"))],
        400,
        "invalid_grant",
        "PKCE verification failed.",
    ),
    (
        &[("code_verifier", None)],
        400,
        "invalid_request",
        "PKCE code verifier is required by the application.",
    ),
];

#[tokio::test]
async fn a_bad_token_request_is_refused_and_the_code_stays_good() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let back = app::authorize(&mut Browser::new(), &app::authorization_url(&issuer, &[]), ALICE).await;
    let code = param(&back, "code").unwrap();
    for (changes, status, error, description) in REFUSED {
        let answer = app::redeem(&issuer, &code, changes).await;
        assert_eq!(answer.status(), *status, "{changes:?}");
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({"error": error, "error_description": description}),
            "{changes:?}"
        );
    }
    assert_eq!(app::redeem(&issuer, &code, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_code_lives_300_seconds() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let back = app::authorize(&mut Browser::new(), &app::authorization_url(&issuer, &[]), ALICE).await;
    idp.shift_clock(301);
    let answer = app::redeem(&issuer, &param(&back, "code").unwrap(), &[]).await;
    assert_eq!(
        answer.json::<Value>().await.unwrap()["error_description"],
        "The authorization code is invalid or has expired."
    );
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let changes = [("code_challenge", None), ("code_challenge_method", None)];
    let back = app::authorize(&mut Browser::new(), &app::authorization_url(&issuer, &changes), ALICE).await;
    let answer = app::redeem(&issuer, &param(&back, "code").unwrap(), &[]).await;
    assert_eq!(
        answer.json::<Value>().await.unwrap()["error_description"],
        "PKCE code challenge should be specified in the authorize request for code verification."
    );
}

/// Method, path (`{I}` the issuer, `{D}` the org), status, code, summary of management-style errors.
#[tokio::test]
async fn some_errors_have_the_management_shape() {
    let idp = app::idp().await;
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let json_body = "Bad request.  Accept and/or Content-Type headers likely do not match supported values.";
    let rows = [
        (
            http.get(format!("{org}/oauth2/ausNobody/.well-known/openid-configuration")),
            404,
            "E0000007",
            "Not found: Resource not found: ausNobody (AuthorizationServer)",
        ),
        (
            http.get(format!("{org}/nowhere")),
            404,
            "E0000008",
            "The requested path was not found",
        ),
        (
            http.get(app::endpoint(&idp.issuer(), "token")),
            405,
            "E0000022",
            "The endpoint does not support the provided HTTP method",
        ),
        (
            http.post(app::endpoint(&idp.issuer(), "token"))
                .json(&json!({"grant_type": "authorization_code"})),
            400,
            "E0000021",
            json_body,
        ),
        (
            http.post(app::endpoint(&idp.issuer(), "token")).form(&[
                ("client_id", "nobody"),
                ("client_secret", "x"),
                ("grant_type", "authorization_code"),
            ]),
            401,
            "invalid_client",
            "Invalid value for 'client_id' parameter.",
        ),
        (
            http.get(format!(
                "{}/.well-known/openid-configuration?client_id=nobody",
                idp.issuer()
            )),
            400,
            "invalid_client",
            "Invalid value for `client_id` parameter",
        ),
    ];
    for (request, status, code, summary) in rows {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{summary}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            app::names(&body),
            ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
        );
        assert_eq!(body["errorCode"], code);
        assert_eq!(body["errorLink"], code);
        assert_eq!(body["errorSummary"], summary);
        assert!(body["errorId"].as_str().unwrap().starts_with("oae"));
    }
}

#[tokio::test]
async fn userinfo_refuses_in_the_header_with_an_empty_body() {
    let idp = app::idp().await;
    let host = idp
        .origin()
        .as_str()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let answer = app::userinfo(&idp.issuer(), "nonsense").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["access-control-expose-headers"], "WWW-Authenticate");
    assert_eq!(
        answer.headers()["www-authenticate"].to_str().unwrap(),
        format!(
            "Bearer authorization_uri=\"http://{host}/oauth2/v1/authorize\", realm=\"http://{host}\", scope=\"openid\", \
             error=\"invalid_token\", error_description=\"The access token is invalid.\", resource=\"/oauth2/v1/userinfo\""
        )
    );
    assert_eq!(answer.text().await.unwrap(), "");
}

#[tokio::test]
async fn sign_out_refuses_on_a_page() {
    let idp = app::idp().await;
    let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let unregistered =
        "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings:";
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[], "The id token is invalid."),
        (&[("id_token_hint", "nonsense")], "The id token is invalid."),
        (&[("client_id", "web")], "The id token is invalid."),
        (
            &[("id_token_hint", hint), ("post_logout_redirect_uri", app::REDIRECT_URI)],
            unregistered,
        ),
        (
            &[
                ("id_token_hint", hint),
                ("post_logout_redirect_uri", "http://localhost:3000"),
            ],
            unregistered,
        ),
    ];
    for (params, expected) in rows {
        let url = url::Url::parse_with_params(&app::endpoint(&idp.issuer(), "logout"), *params).unwrap();
        let answer = Browser::new().get(url).await;
        assert_eq!(answer.status(), 400, "{expected}");
        let body = answer.text().await.unwrap().replace("&#39;", "'");
        assert!(body.contains(expected), "{expected} in {body}");
    }
}
