//! What Okta refuses, with Okta's words. Every text here is a literal from its published table or from the wire.

use mock_idp::{Client, User};
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
        "The response type is not supported by the authorization server. Configured response types: [{list}].",
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
        "Invalid value for 'prompt' parameter. Supported values: [{list}]",
    ),
    (
        &[("prompt", Some("idp_refresh"))],
        "invalid_request",
        "The 'prompt' parameter value 'idp_refresh' requires the 'idp' parameter to be specified.",
    ),
    (
        &[("idp", Some("0oaNobody"))],
        "invalid_request",
        "Identity provider is not valid.",
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
        let mut back = app::location(&answer);
        if let Some(fragment) = back.fragment().map(str::to_owned) {
            // Errors travel as the tokens would have.
            back.set_query(Some(&fragment));
        }
        let names: Vec<String> = back.query_pairs().map(|(name, _)| name.into_owned()).collect();
        // Whether an empty `state` is sent where there was none is not known.
        if !changes.iter().any(|(name, _)| *name == "state") {
            assert_eq!(names, ["state", "error", "error_description"], "{changes:?}");
            assert_eq!(param(&back, "state").unwrap(), "the-state");
        }
        assert_eq!(param(&back, "error").unwrap(), *error, "{changes:?}");
        app::says(&param(&back, "error_description").unwrap(), description);
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
    let idp = crate::app::builder()
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
        "The token request must specify a 'grant_type'. Valid values: [{list}]",
    ),
    (
        &[("grant_type", Some("nonsense"))],
        400,
        "unsupported_grant_type",
        "The authorization grant type is not supported by the authorization server. Configured grant types: [{list}].",
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
        let body: Value = answer.json().await.unwrap();
        assert_eq!(app::names(&body), ["error", "error_description"]);
        assert_eq!(body["error"], *error, "{changes:?}");
        app::says(body["error_description"].as_str().unwrap(), description);
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
    // What is said of a hint that is missing was never seen.
    let missing = "Your request resulted in an error.";
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[], missing),
        (&[("client_id", "web")], missing),
        (&[("id_token_hint", "nonsense")], "The id token is invalid."),
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

#[tokio::test]
async fn sign_out_takes_an_expired_hint_and_none_of_another_user() {
    let idp = app::idp_of(&[ALICE, "bob@example.test"]).await;
    let issuer = idp.issuer();
    let of_bob = app::sign_in(&issuer, "bob@example.test", &[]).await;
    let mut browser = Browser::new();
    let url = app::authorization_url(&issuer, &[]);
    let back = app::authorize(&mut browser, &url, ALICE).await;
    let tokens: Value = app::redeem(&issuer, &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    let logout = |tokens: &Value| {
        let hint = tokens["id_token"].as_str().unwrap();
        let params = [
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", "http://localhost:3000/"),
        ];
        url::Url::parse_with_params(&app::endpoint(&issuer, "logout"), params).unwrap()
    };
    let refused = browser.get(logout(&of_bob)).await;
    assert_eq!(refused.status(), 400);
    let page = refused.text().await.unwrap().replace("&#39;", "'");
    assert!(page.contains("id_token_does_not_match_session"), "{page}");
    assert!(
        page.contains("The ID token subject does not match the current session's user."),
        "{page}"
    );
    assert_eq!(browser.get(&url).await.status(), 302, "the session goes on");
    idp.shift_clock(3601);
    let done = browser.get(logout(&tokens)).await;
    assert_eq!(app::location(&done).as_str(), "http://localhost:3000/");
    // Without a session there is nothing to compare the hint with.
    let done = Browser::new().get(logout(&of_bob)).await;
    assert_eq!(app::location(&done).as_str(), "http://localhost:3000/");
}

#[tokio::test]
async fn a_client_of_the_org_server_cannot_use_a_custom_one() {
    let mut client = app::client();
    client.org_server_only = true;
    client.grant_types.push("client_credentials".to_owned());
    let idp = crate::app::builder()
        .client(client)
        .user(User::with_login(ALICE))
        .start()
        .await
        .unwrap();
    let text = "This client cannot use a custom authorization server.";
    let back = app::location(&Browser::new().get(app::authorization_url(&idp.issuer(), &[])).await);
    assert_eq!(param(&back, "error").unwrap(), "unauthorized_client");
    assert_eq!(param(&back, "error_description").unwrap(), text);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "web"),
        ("client_secret", app::SECRET),
    ];
    let answer = Browser::new().post(app::endpoint(&idp.issuer(), "token"), &form).await;
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"error": "unauthorized_client", "error_description": text})
    );
    let org = app::authorization_url(&idp.issuer_of(""), &[]);
    assert_eq!(Browser::new().get(org).await.status(), 200);
}

#[tokio::test]
async fn who_has_a_sign_in_page_of_its_own_is_told_that_it_is_needed() {
    let mut client = app::client();
    client.grant_types = vec!["interaction_code".to_owned()];
    let mut hosted = app::client();
    hosted.id = "hosted".to_owned();
    let idp = crate::app::builder()
        .client(client)
        .client(hosted)
        .user(User::with_login(ALICE))
        .start()
        .await
        .unwrap();
    let mut browser = Browser::new();
    for changes in [vec![], vec![("prompt", Some("none"))]] {
        let url = app::authorization_url(&idp.issuer(), &changes);
        let back = app::location(&browser.get(url).await);
        assert_eq!(param(&back, "error").unwrap(), "interaction_required");
        assert_eq!(
            param(&back, "error_description").unwrap(),
            "Your client is configured to use the interaction code flow and user interaction is required to complete the \
             request."
        );
    }
    // With a session nothing is asked.
    let hosted = app::authorization_url(&idp.issuer(), &[("client_id", Some("hosted"))]);
    app::authorize(&mut browser, &hosted, ALICE).await;
    let back = app::location(&browser.get(app::authorization_url(&idp.issuer(), &[])).await);
    assert!(param(&back, "interaction_code").is_some(), "{back}");
}

#[tokio::test]
async fn an_id_token_needs_the_scope_openid() {
    let text = format!(
        r#"
[[auth_server]]
id = "default"
scopes = ["api:read"]
[[client]]
id = "web"
secret = "{secret}"
redirect_uris = ["{redirect}"]
grant_types = ["authorization_code", "implicit"]
"#,
        secret = app::SECRET,
        redirect = app::REDIRECT_URI,
    );
    let tenant = mock_idp::config::parse("mock-idp.toml", &text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    for (kind, is_refused) in [("id_token", true), ("code id_token", true), ("code", false)] {
        let changes = [("response_type", Some(kind)), ("scope", Some("api:read"))];
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &changes))
            .await;
        assert_eq!(answer.status() == 302, is_refused, "{kind}");
        if is_refused {
            let location = answer.headers()["location"].to_str().unwrap();
            let text = "error=invalid_scope&error_description=Requests+for+ID+tokens+or+access+tokens+with+OpenID+scopes+\
                        require+the+%27openid%27+scope.";
            assert!(location.ends_with(text), "{location}");
        }
    }
}

#[tokio::test]
async fn more_than_a_hundred_groups_are_too_many_for_the_front_channel() {
    let groups: Vec<String> = (0..101).map(|number| format!("team-{number}")).collect();
    let text = format!(
        r#"
[[auth_server]]
id = "default"
[[auth_server.claim]]
name = "teams"
groups = {{ starts_with = "team-" }}
[[client]]
id = "web"
secret = "{secret}"
redirect_uris = ["{redirect}"]
grant_types = ["authorization_code", "implicit"]
[[user]]
login = "{ALICE}"
groups = {groups:?}
"#,
        secret = app::SECRET,
        redirect = app::REDIRECT_URI,
    );
    let tenant = mock_idp::config::parse("mock-idp.toml", &text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    let url = app::authorization_url(&idp.issuer(), &[("response_type", Some("id_token"))]);
    let mut back = app::authorize(&mut Browser::new(), &url, ALICE).await;
    let fragment = back.fragment().map(str::to_owned);
    back.set_query(fragment.as_deref());
    assert_eq!(param(&back, "error").unwrap(), "server_error");
    assert_eq!(
        param(&back, "error_description").unwrap(),
        "The groups claim matched too many groups and must be configured to match fewer groups."
    );
    let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
    assert!(tokens["id_token"].is_string(), "no error for the code");
}
