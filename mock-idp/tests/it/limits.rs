//! Headers, rate limits, the lax mode, and Universal Logout.

use mock_idp::{Client, Event, MockIdp, config, flow::record::Stamp};
use reqwest::Response;
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, param, part};

async fn org(text: &str) -> MockIdp {
    let text = format!(
        "{text}\n[[client]]\nid = \"web\"\nsecret = \"{}\"\nredirect_uris = [\"{}\"]\ngrant_types = [\"password\", \
         \"authorization_code\", \"{}\"]\n[[client]]\nid = \"other\"\nsecret = \"{}\"\ngrant_types = [\"password\"]\n[[user]]\nlogin \
         = \"{ALICE}\"\n[[user]]\nlogin = \"bob@example.test\"\n",
        app::SECRET,
        app::REDIRECT_URI,
        crate::grants::DEVICE,
        app::SECRET
    );
    let config = config::parse("mock-idp.toml", &text).unwrap();
    crate::app::builder().tenant(config.tenant).start().await.unwrap()
}

async fn password(idp: &MockIdp, client: &str, username: &str) -> Response {
    let form = [
        ("grant_type", "password"),
        ("username", username),
        ("password", "x"),
        ("scope", "openid"),
        ("client_id", client),
        ("client_secret", app::SECRET),
    ];
    Browser::new().post(app::endpoint(&idp.issuer(), "token"), &form).await
}

fn limits(answer: &Response) -> [i64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        let value = answer.headers()[format!("x-rate-limit-{name}")].to_str().unwrap();
        value.parse().unwrap()
    })
}

/// The refusal of somebody who asks too often.
async fn is_limited(answer: Response) {
    assert_eq!(answer.status(), 429);
    assert!(!answer.headers().contains_key("retry-after"));
    assert_eq!(limits(&answer)[1], 0);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["errorCode"], &body["errorSummary"]),
        (
            &json!("E0000047"),
            &json!("API call exceeded rate limit due to too many requests.")
        )
    );
}

#[tokio::test]
async fn a_client_that_asks_too_often_waits_for_the_reset() {
    let idp = org("[rate_limit]\nper_client = 2").await;
    let first = password(&idp, "web", ALICE).await;
    let [limit, remaining, reset] = limits(&first);
    assert_eq!((first.status().as_u16(), limit, remaining), (200, 2, 1));
    assert!(reset > crate::grants::now());
    assert_eq!(limits(&password(&idp, "web", "bob@example.test").await)[1], 0);
    is_limited(password(&idp, "web", ALICE).await).await;
    assert_eq!(password(&idp, "other", ALICE).await.status(), 200, "another client");
    let keys = Browser::new().get(app::endpoint(&idp.issuer(), "keys")).await;
    assert_eq!(keys.status(), 200, "keys are never limited");
    idp.shift_clock(61);
    assert_eq!(password(&idp, "web", ALICE).await.status(), 200);
}

#[tokio::test]
async fn only_so_many_user_codes_wait_for_somebody() {
    let idp = org("[rate_limit]\nuser_codes = 2").await;
    let url = app::endpoint(&idp.issuer(), "device/authorize");
    let form = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("scope", "openid"),
    ];
    let ask = async || Browser::new().post(url.clone(), &form).await;
    assert_eq!([ask().await.status(), ask().await.status()], [200, 200]);
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        (&body["error"], &body["error_description"]),
        (
            &json!("too_many_user_codes"),
            &json!("Too many user codes generated. Please try again later.")
        )
    );
    idp.shift_clock(601);
    assert_eq!(ask().await.status(), 200, "codes that have expired wait for nobody");
}

#[tokio::test]
async fn a_user_is_limited_whatever_the_client() {
    let idp = org("[rate_limit]\nper_user = 2").await;
    assert_eq!(password(&idp, "web", ALICE).await.status(), 200);
    assert_eq!(password(&idp, "other", ALICE).await.status(), 200);
    is_limited(password(&idp, "web", "ALICE@example.test").await).await;
    assert_eq!(password(&idp, "web", "bob@example.test").await.status(), 200);
}

#[tokio::test]
async fn nobody_is_limited_unless_it_is_switched_on() {
    let idp = org("").await;
    for _ in 0..20 {
        let answer = password(&idp, "web", ALICE).await;
        assert_eq!(limits(&answer)[..2], [1000, 999]);
    }
}

#[tokio::test]
async fn a_token_response_has_oktas_headers() {
    let idp = org("").await;
    let answer = password(&idp, "web", ALICE).await;
    for (name, value) in [
        ("accept-ch", "Sec-CH-UA-Platform-Version"),
        ("cache-control", "no-cache, no-store"),
        ("content-type", "application/json"),
        ("expires", "0"),
        ("p3p", "CP=\"HONK\""),
        ("pragma", "no-cache"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("server", "nginx"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex,nofollow"),
        ("x-xss-protection", "0"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    assert!(answer.headers().contains_key("content-security-policy"));
    assert!(
        !answer.headers().contains_key("strict-transport-security"),
        "only over https"
    );
    let cookies: Vec<&str> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(
        cookies[..4],
        [
            "sid=\"\";Version=1;Path=/;Max-Age=0",
            "xids=\"\";Version=1;Path=/;Max-Age=0",
            "autolaunch_triggered=\"\"; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/",
            "activate_ca_modal_triggered=\"\"; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/",
        ]
    );
    assert!(cookies[4].starts_with("JSESSIONID=") && cookies[4].ends_with("; Path=/; HttpOnly"));
}

#[tokio::test]
async fn the_lax_mode_accepts_and_says_so_on_every_answer() {
    let idp = crate::app::builder()
        .client(app::client())
        .lax(true)
        .start()
        .await
        .unwrap();
    let strict = app::idp().await;
    let url = |idp: &MockIdp| app::authorization_url(&idp.issuer(), &[("state", None), ("nonce", None)]);
    assert_eq!(Browser::new().get(url(&strict)).await.status(), 302, "refused");
    let page = Browser::new().get(url(&idp)).await;
    assert_eq!(page.status(), 200);
    assert!(page.headers().contains_key("x-mock-idp-lax"));
    assert!(
        page.text()
            .await
            .unwrap()
            .contains("Lax mode: what Okta would refuse is accepted here.")
    );
    let keys = Browser::new().get(app::endpoint(&idp.issuer(), "keys")).await;
    assert!(keys.headers().contains_key("x-mock-idp-lax"));
    let keys = Browser::new().get(app::endpoint(&strict.issuer(), "keys")).await;
    assert!(!keys.headers().contains_key("x-mock-idp-lax"));
}

#[tokio::test]
async fn universal_logout_tells_the_applications_of_the_user() {
    let idp = app::idp().await;
    let place = idp.second_origin().join("/global-token-revocation").unwrap();
    let mut client: Client = app::client();
    client.global_token_revocation_uri = Some(place.to_string());
    idp.put_client(client);
    let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
    let since = Stamp::now();
    let told = idp.universal_logout(ALICE).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].client_id.as_str(), told[0].url.as_str(), told[0].status),
        ("web", place.as_str(), Some(200))
    );
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 401, "the tokens are revoked");
    let request = idp.unbound(since).into_iter().find_map(|record| match record.event {
        Event::Received { request, .. } if request.target == "/global-token-revocation" => Some(request),
        _ => None,
    });
    let request = request.expect("it was posted");
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let sub = part(tokens["id_token"].as_str().unwrap(), 1)["sub"].clone();
    assert_eq!(body, json!({"sub_id": {"format": "iss_sub", "iss": org, "sub": sub}}));
    let bearer = request
        .headers
        .iter()
        .find(|(name, _)| name == "authorization")
        .unwrap()
        .1
        .clone();
    let token = bearer.strip_prefix("Bearer ").unwrap();
    assert_eq!(part(token, 0)["typ"], "global-token-revocation+jwt");
    let claims = part(token, 1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(org), &json!(place.as_str())));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
}

#[tokio::test]
async fn forms_only_are_taken_by_the_oauth_endpoints() {
    let idp = app::idp().await;
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    for name in [
        "token",
        "introspect",
        "revoke",
        "par",
        "device/authorize",
        "bc/authorize",
        "challenge",
    ] {
        let url = app::endpoint(&idp.issuer(), name);
        let answer = http.post(url).json(&json!({"client_id": "web"})).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{name}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["errorCode"], &body["errorSummary"]),
            (
                &json!("E0000021"),
                &json!("Bad request.  Accept and/or Content-Type headers likely do not match supported values.")
            ),
            "{name}"
        );
    }
}

#[tokio::test]
async fn enrollment_has_parameters_of_its_own() {
    let idp = app::idp().await;
    let whole = [
        ("response_type", Some("none")),
        ("prompt", Some("enroll_authenticator")),
        ("acr_values", Some("urn:okta:loa:2fa:any:ifpossible")),
        ("max_age", Some("0")),
        ("enroll_amr_values", Some("okta_verify")),
        ("scope", None),
        ("nonce", None),
        ("code_challenge", None),
        ("code_challenge_method", None),
    ];
    let page = Browser::new().get(app::authorization_url(&idp.issuer(), &whole)).await;
    assert_eq!(page.status(), 200);
    for (name, value, text) in [
        (
            "response_type",
            Some("code"),
            "Authenticator enrollment requires 'none' response_type.",
        ),
        (
            "prompt",
            None,
            "'prompt' parameter must have the value 'enroll_authenticator' for request with 'none' as response_type.",
        ),
        (
            "acr_values",
            None,
            "'acr_values' parameter must have the value 'urn:okta:loa:2fa:any:ifpossible' for request with \
             'enroll_authenticator' as prompt.",
        ),
        (
            "max_age",
            Some("1"),
            "'max_age' parameter must have the value '0' for request with 'enroll_authenticator' as prompt.",
        ),
        (
            "enroll_amr_values",
            Some("telepathy"),
            "'enroll_amr_values' parameter must have valid space delimited authenticators list for request with 'none' as \
             response_type.",
        ),
        (
            "scope",
            Some("openid"),
            "'scope' parameter is not supported for request with 'none' as response_type.",
        ),
        (
            "nonce",
            Some("n"),
            "'nonce' parameter is not supported for request with 'none' as response_type.",
        ),
        (
            "resource",
            Some("api://x"),
            "'resource' parameter is not supported for request with 'none' as response_type.",
        ),
    ] {
        let mut changes: Vec<(&str, Option<&str>)> =
            whole.iter().filter(|(known, _)| *known != name).copied().collect();
        changes.push((name, value));
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &changes))
            .await;
        let back = app::location(&answer);
        assert_eq!(param(&back, "error_description").as_deref(), Some(text), "{name}");
    }
}

#[tokio::test]
async fn who_asks_twice_from_whom_is_told_on_a_page() {
    let idp = app::idp().await;
    for double in ["client_id=web", "redirect_uri=http://localhost:3000/callback"] {
        let url = format!("{}&{double}", app::authorization_url(&idp.issuer(), &[]));
        let page = Browser::new().get(url).await;
        assert_eq!(page.status(), 400);
        let page = page.text().await.unwrap();
        assert!(
            page.contains("The request contained multiple parameters with the same name."),
            "{page}"
        );
    }
}
