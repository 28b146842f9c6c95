//! `/api/v1/authn`, `/api/v1/sessions` and what a session token is good for.

use mock_idp::MockIdp;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use url::Url;

use crate::{
    app::{self, Browser, names, param, part},
    pages::{code, code_of, org},
};

/// The answer to a JSON request.
async fn call(idp: &MockIdp, path: &str, body: Value) -> (u16, Value) {
    app::post_json(idp, &mut Browser::new(), path, &body, "application/json").await
}

#[track_caller]
fn refused(answer: (u16, Value), status: u16, code: &str, summary: &str) {
    assert_eq!(answer.0, status, "{}", answer.1);
    app::is_api_error(&answer.1, code, summary);
}

async fn session_token(idp: &MockIdp) -> String {
    let (status, body) = call(
        idp,
        "/api/v1/authn",
        json!({"username": "ann@acme.test", "password": "right"}),
    )
    .await;
    assert_eq!(status, 200, "{body}");
    body["sessionToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_is_good_for_a_session_token() {
    let idp = org("classic").await;
    let body = json!({
        "username": "ann@acme.test",
        "password": "right",
        "relayState": "/somewhere",
        "options": {"multiOptionalFactorEnroll": false, "warnBeforePasswordExpired": false},
    });
    let (status, body) = call(&idp, "/api/v1/authn", body).await;
    assert_eq!(status, 200);
    assert_eq!(
        names(&body),
        ["expiresAt", "status", "relayState", "sessionToken", "_embedded"]
    );
    assert_eq!(body["status"], "SUCCESS");
    assert_eq!(body["relayState"], "/somewhere");
    let token = body["sessionToken"].as_str().unwrap();
    assert!(token.starts_with("20111") && token.len() == 55, "{token}");
    let expires = body["expiresAt"].as_str().unwrap();
    assert!(expires.ends_with(".000Z") && expires.len() == 24, "{expires}");
    let user = &body["_embedded"]["user"];
    assert_eq!(names(user), ["id", "passwordChanged", "profile"]);
    assert!(user["id"].as_str().unwrap().starts_with("00u"));
    assert_eq!(
        user["profile"],
        json!({
            "login": "ann@acme.test",
            "firstName": "Ann",
            "lastName": "Example",
            "locale": "de_DE",
            "timeZone": "Europe/Berlin",
        })
    );
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_get_the_same_answer() {
    let idp = org("classic").await;
    for (username, password) in [
        ("ann@acme.test", "wrong"),
        ("nobody@acme.test", "x"),
        ("off@acme.test", "x"),
        ("mia@acme.test", "wrong"),
    ] {
        let answer = call(
            &idp,
            "/api/v1/authn",
            json!({"username": username, "password": password}),
        )
        .await;
        refused(answer, 401, "E0000004", "Authentication failed");
    }
    for body in [
        json!({}),
        json!({"username": "ann@acme.test"}),
        json!({"username": 1, "password": []}),
    ] {
        refused(
            call(&idp, "/api/v1/authn", body).await,
            400,
            "E0000001",
            "Api validation failed: {0}",
        );
    }
}

#[tokio::test]
async fn a_second_factor_is_verified_with_a_state_token() {
    let idp = org("classic").await;
    let (status, body) = call(
        &idp,
        "/api/v1/authn",
        json!({"username": "mia@acme.test", "password": "any"}),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(
        names(&body),
        ["stateToken", "expiresAt", "status", "_embedded", "_links"]
    );
    assert_eq!(body["status"], "MFA_REQUIRED");
    let state = body["stateToken"].as_str().unwrap();
    assert!(state.starts_with("00") && state.len() == 42, "{state}");
    let factor = &body["_embedded"]["factors"][0];
    assert_eq!(
        (&factor["factorType"], &factor["provider"], &factor["vendorName"]),
        (&json!("token:software:totp"), &json!("GOOGLE"), &json!("GOOGLE"))
    );
    let id = factor["id"].as_str().unwrap();
    let verify = format!("{}api/v1/authn/factors/{id}/verify", idp.origin());
    assert_eq!(
        factor["_links"]["verify"],
        json!({"href": verify, "hints": {"allow": ["POST"]}})
    );

    let again = call(&idp, "/api/v1/authn", json!({"stateToken": state})).await;
    assert_eq!(again.1["status"], "MFA_REQUIRED");
    let (_, challenge) = call(&idp, &verify, json!({"stateToken": state})).await;
    assert_eq!(challenge["status"], "MFA_CHALLENGE");
    assert_eq!(challenge["_links"]["next"]["href"], json!(verify));
    assert_eq!(challenge["_embedded"]["factor"]["id"], id);
    let (_, previous) = call(&idp, "/api/v1/authn/previous", json!({"stateToken": state})).await;
    assert_eq!(previous["status"], "MFA_REQUIRED");

    let wrong = call(&idp, &verify, json!({"stateToken": state, "passCode": "000000"})).await;
    refused(wrong, 403, "E0000068", "Invalid Passcode/Answer");
    let shown = code();
    let (status, done) = call(&idp, &verify, json!({"stateToken": state, "passCode": shown})).await;
    assert_eq!((status, &done["status"]), (200, &json!("SUCCESS")));
    let stale = call(&idp, &verify, json!({"stateToken": state, "passCode": shown})).await;
    refused(stale, 401, "E0000011", "Invalid token provided");

    let (_, body) = call(
        &idp,
        "/api/v1/authn",
        json!({"username": "mia@acme.test", "password": "any"}),
    )
    .await;
    let state = body["stateToken"].as_str().unwrap();
    refused(
        call(&idp, &verify, json!({"stateToken": state, "passCode": shown})).await,
        403,
        "E0000082",
        "Each code can only be used once. Please wait for a new code and try again.",
    );
    refused(
        call(&idp, "/api/v1/authn/previous", json!({"stateToken": state})).await,
        403,
        "E0000079",
        "This operation is not allowed in the current authentication state.",
    );
    assert_eq!(
        call(&idp, "/api/v1/authn/cancel", json!({"stateToken": state})).await,
        (200, json!({}))
    );
    refused(
        call(&idp, "/api/v1/authn", json!({"stateToken": state})).await,
        401,
        "E0000011",
        "Invalid token provided",
    );
    // What a session token is good for after two factors.
    let url = app::authorization_url(
        &idp.issuer(),
        &[
            ("sessionToken", done["sessionToken"].as_str()),
            ("prompt", Some("none")),
        ],
    );
    let back = app::location(&Browser::new().get(&url).await);
    let tokens: Value = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["amr"],
        json!(["mfa", "otp", "pwd"])
    );
}

#[tokio::test]
async fn an_expired_password_is_changed_before_it_lets_in() {
    let idp = org("classic").await;
    let (_, body) = call(
        &idp,
        "/api/v1/authn",
        json!({"username": "old@acme.test", "password": "stale"}),
    )
    .await;
    assert_eq!(body["status"], "PASSWORD_EXPIRED");
    let next = &body["_links"]["next"];
    assert_eq!(next["name"], "changePassword");
    let path = next["href"].as_str().unwrap();
    let state = &body["stateToken"];
    let wrong = json!({"stateToken": state, "oldPassword": "nonsense", "newPassword": "fresh"});
    refused(
        call(&idp, path, wrong).await,
        403,
        "E0000014",
        "Update of credentials failed",
    );
    let right = json!({"stateToken": state, "oldPassword": "stale", "newPassword": "fresh"});
    assert_eq!(call(&idp, path, right).await.1["status"], "SUCCESS");
    let (_, body) = call(
        &idp,
        "/api/v1/authn",
        json!({"username": "old@acme.test", "password": "fresh"}),
    )
    .await;
    assert_eq!(body["status"], "SUCCESS");
}

#[tokio::test]
async fn a_session_token_signs_in_once_at_authorize() {
    let idp = org("classic").await;
    let token = session_token(&idp).await;
    let url = app::authorization_url(&idp.issuer(), &[("sessionToken", Some(&token))]);
    let mut browser = Browser::new();
    let answer = browser.get(&url).await;
    assert_eq!(answer.status(), 302);
    assert!(param(&app::location(&answer), "code").is_some());
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("sid=102") && !cookie.contains("Max-Age"), "{cookie}");

    let used = Browser::new().get(&url).await;
    assert_eq!(used.status(), 200, "used up: the page is shown");
    let silent = app::authorization_url(
        &idp.issuer(),
        &[("sessionToken", Some(&token)), ("prompt", Some("none"))],
    );
    assert_eq!(
        param(&app::location(&Browser::new().get(&silent).await), "error").as_deref(),
        Some("login_required")
    );
    // With a session already there it is ignored, and stays good.
    let fresh = session_token(&idp).await;
    let url = app::authorization_url(&idp.issuer(), &[("sessionToken", Some(&fresh))]);
    assert_eq!(browser.get(&url).await.status(), 302);
    assert_eq!(Browser::new().get(&url).await.status(), 302);
}

#[tokio::test]
async fn a_session_token_becomes_a_cookie_by_redirect() {
    let idp = org("classic").await;
    let at = |token: &str, to: &str| {
        let base = idp.origin().join("/login/sessionCookieRedirect").unwrap();
        Url::parse_with_params(
            base.as_str(),
            [
                ("checkAccountSetupComplete", "true"),
                ("token", token),
                ("redirectUrl", to),
            ],
        )
        .unwrap()
    };
    let mut browser = Browser::new();
    let answer = browser
        .get(at(&session_token(&idp).await, "http://localhost:4200/home"))
        .await;
    assert_eq!(answer.status(), 302);
    assert_eq!(app::location(&answer).as_str(), "http://localhost:4200/home");
    assert!(
        browser
            .cookies
            .iter()
            .any(|(name, value)| name == "sid" && value.starts_with("102"))
    );
    let url = app::authorization_url(&idp.issuer(), &[]);
    assert!(param(&app::location(&browser.get(&url).await), "code").is_some());

    let bad = Browser::new()
        .get(at("20111nonsense", "http://localhost:4200/home"))
        .await;
    assert!(
        bad.headers().get("set-cookie").is_none(),
        "where it leads to is not known"
    );
    for elsewhere in ["https://evil.test/", "//evil.test/", "http://localhost:4200.evil.test/"] {
        let answer = Browser::new().get(at(&session_token(&idp).await, elsewhere)).await;
        assert_eq!(answer.status(), 400, "{elsewhere}");
        assert!(answer.headers().get("location").is_none());
    }
}

/// The wire flow of the classic page: authorize, authn, sessionCookieRedirect, authorize/redirect.
#[tokio::test]
async fn scripts_walk_the_classic_page_by_its_addresses() {
    let idp = org("classic").await;
    let mut browser = Browser::new();
    let page = browser
        .get(app::authorization_url(&idp.issuer(), &[]))
        .await
        .text()
        .await
        .unwrap();
    let from = app::in_script(&page, "fromUri");
    let resume = idp.origin().join(&from).unwrap();
    assert_eq!(resume.path(), "/oauth2/v1/authorize/redirect");
    assert_eq!(param(&resume, "okta_key").unwrap().len(), 43);
    assert_eq!(browser.get(&resume).await.status(), 200, "no session yet: the page");
    let base = idp.origin().join("/login/sessionCookieRedirect").unwrap();
    let token = session_token(&idp).await;
    let at = Url::parse_with_params(
        base.as_str(),
        [("token", token.as_str()), ("redirectUrl", resume.as_str())],
    )
    .unwrap();
    let answer = browser.get(&at).await;
    assert_eq!(app::location(&answer), resume);
    let back = app::location(&browser.get(&resume).await);
    assert!(
        back.as_str().starts_with("http://localhost:3000/callback?code="),
        "{back}"
    );
    assert_eq!(browser.get(&resume).await.status(), 400, "once");
}

async fn sessions_me(idp: &MockIdp, browser: &mut Browser, method: Method, path: &str) -> Response {
    let url = idp.origin().join("/api/v1/sessions/me").unwrap();
    let origin = [("origin", "http://localhost:4200")];
    browser.request(method, format!("{url}{path}"), &origin, "").await
}

#[tokio::test]
async fn a_browser_can_ask_for_its_session_and_end_it() {
    for style in ["classic", "one-page"] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let none = sessions_me(&idp, &mut browser, Method::GET, "").await;
        assert_eq!(none.headers()["access-control-allow-origin"], "http://localhost:4200");
        let none = (none.status().as_u16(), none.json().await.unwrap());
        refused(none, 404, "E0000007", "Not found: Resource not found: me (Session)");

        let url = app::authorization_url(&idp.issuer(), &[("sessionToken", Some(&session_token(&idp).await))]);
        browser.get(&url).await;
        if style == "one-page" {
            // Either cookie will do.
            browser.cookies.retain(|(name, _)| name == "idx");
        }
        let answer = sessions_me(&idp, &mut browser, Method::GET, "").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
        let session: Value = answer.json().await.unwrap();
        assert_eq!(
            names(&session),
            [
                "id",
                "userId",
                "login",
                "createdAt",
                "expiresAt",
                "status",
                "lastPasswordVerification",
                "lastFactorVerification",
                "amr",
                "idp",
                "mfaActive",
                "_links"
            ]
        );
        assert!(session["id"].as_str().unwrap().starts_with("102"));
        assert_eq!(session["login"], "ann@acme.test");
        assert_eq!(session["status"], "ACTIVE");
        assert_eq!(session["amr"], json!(["pwd"]));
        assert_eq!(session["idp"]["type"], "OKTA");
        assert_eq!(
            (&session["mfaActive"], &session["lastFactorVerification"]),
            (&json!(false), &Value::Null)
        );

        idp.shift_clock(3600);
        let refreshed = sessions_me(&idp, &mut browser, Method::POST, "/lifecycle/refresh").await;
        assert_eq!(refreshed.status(), 200);
        let refreshed: Value = refreshed.json().await.unwrap();
        assert_eq!(refreshed["id"], session["id"]);
        assert!(
            refreshed["expiresAt"].as_str() > session["expiresAt"].as_str(),
            "{refreshed}"
        );

        let ended = sessions_me(&idp, &mut browser, Method::DELETE, "").await;
        assert_eq!(ended.status(), 204);
        let cleared: Vec<&str> = ended
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert!(cleared.contains(&"sid=\"\";Version=1;Path=/;Max-Age=0"), "{cleared:?}");
        let again = sessions_me(&idp, &mut browser, Method::DELETE, "").await;
        assert_eq!(again.status(), 404);
        let url = app::authorization_url(&idp.issuer(), &[]);
        assert_eq!(browser.get(&url).await.status(), 200, "the page is shown again");
    }
}

#[tokio::test]
async fn strangers_origins_may_not_read_and_preflights_are_answered() {
    let idp = org("one-page").await;
    let url = idp.origin().join("/api/v1/sessions/me").unwrap();
    let stranger = Browser::new()
        .request(Method::GET, &url, &[("origin", "https://evil.test")], "")
        .await;
    assert!(stranger.headers().get("access-control-allow-origin").is_none());
    let preflight = Browser::new()
        .request(Method::OPTIONS, &url, &[("origin", "http://localhost:4200")], "")
        .await;
    assert_eq!(preflight.status(), 200);
    let header = |name: &str| preflight.headers()[name].to_str().unwrap();
    assert_eq!(header("access-control-allow-origin"), "http://localhost:4200");
    assert_eq!(header("access-control-allow-credentials"), "true");
    assert_eq!(header("access-control-max-age"), "3600");
    assert!(header("access-control-allow-methods").contains("DELETE"));
}

#[tokio::test]
async fn sessions_have_an_api_for_holders_of_a_token() {
    let idp = org("one-page").await;
    let token = session_token(&idp).await;
    let (status, session) = call(&idp, "/api/v1/sessions", json!({"sessionToken": token})).await;
    assert_eq!(status, 200);
    refused(
        call(&idp, "/api/v1/sessions", json!({"sessionToken": token})).await,
        401,
        "E0000004",
        "Authentication failed",
    );
    let url = idp
        .origin()
        .join(&format!("/api/v1/sessions/{}", session["id"].as_str().unwrap()))
        .unwrap();
    let keyed = [("authorization", "SSWS mock-api-token")];
    assert_eq!(Browser::new().get(&url).await.status(), 401);
    let got = Browser::new().request(Method::GET, &url, &keyed, "").await;
    assert_eq!(got.json::<Value>().await.unwrap()["login"], "ann@acme.test");
    assert_eq!(
        Browser::new().request(Method::DELETE, &url, &keyed, "").await.status(),
        204
    );
    assert_eq!(
        Browser::new().request(Method::GET, &url, &keyed, "").await.status(),
        404
    );
}

#[tokio::test]
async fn bad_bodies_are_refused_with_documented_errors() {
    let idp = org("one-page").await;
    for path in [
        "/api/v1/authn",
        "/api/v1/authn/cancel",
        "/api/v1/authn/previous",
        "/api/v1/authn/factors/x/verify",
        "/api/v1/authn/credentials/change_password",
        "/idp/idx/introspect",
        "/idp/idx/identify",
        "/idp/idx/challenge",
        "/idp/idx/challenge/answer",
        "/idp/idx/consent",
        "/idp/idx/cancel",
    ] {
        let url = idp.origin().join(path).unwrap();
        for (content_type, body, status, code) in [
            ("application/json", "{", 400, "E0000003"),
            ("application/json", "[]", 400, "E0000003"),
            ("application/json", "\"</script>\u{0}\"", 400, "E0000003"),
            (
                "application/x-www-form-urlencoded",
                "username=a&password=b",
                400,
                "E0000021",
            ),
            ("text/plain", "{}", 400, "E0000021"),
        ] {
            let answer = Browser::new()
                .request(Method::POST, &url, &[("content-type", content_type)], body)
                .await;
            assert_eq!(answer.status(), status, "{path} {body}");
            assert_eq!(
                answer.json::<Value>().await.unwrap()["errorCode"],
                code,
                "{path} {body}"
            );
        }
        let other = Browser::new().request(Method::PUT, &url, &[], "").await;
        assert_eq!(
            (
                other.status().as_u16(),
                other.json::<Value>().await.unwrap()["errorCode"].as_str()
            ),
            (405, Some("E0000022"))
        );
    }
    for path in [
        "/api/v1/authn/cancel",
        "/api/v1/authn/previous",
        "/api/v1/authn/factors/x/verify",
    ] {
        for body in [
            json!({}),
            json!({"stateToken": null}),
            json!({"stateToken": {"a": 1}, "passCode": [1]}),
        ] {
            refused(call(&idp, path, body).await, 401, "E0000011", "Invalid token provided");
        }
    }
}

#[tokio::test]
async fn a_second_factor_is_set_up_by_its_api() {
    let idp = org("classic").await;
    let login = json!({"username": "new@acme.test", "password": "right"});
    let (_, body) = call(&idp, "/api/v1/authn", login.clone()).await;
    assert_eq!(body["status"], "MFA_ENROLL");
    let state = body["stateToken"].as_str().unwrap();
    let factor = &body["_embedded"]["factors"][0];
    let enroll = factor["_links"]["enroll"]["href"].as_str().unwrap();
    let other = json!({"stateToken": state, "factorType": "sms", "provider": "OKTA"});
    refused(
        call(&idp, enroll, other).await,
        400,
        "E0000001",
        "Api validation failed: {0}",
    );
    let wanted = json!({
        "stateToken": state, "factorType": factor["factorType"], "provider": factor["provider"],
    });
    let (_, body) = call(&idp, enroll, wanted).await;
    assert_eq!(body["status"], "MFA_ENROLL_ACTIVATE");
    let secret = body["_embedded"]["factor"]["_embedded"]["activation"]["sharedSecret"]
        .as_str()
        .unwrap();
    let activate = body["_links"]["next"]["href"].as_str().unwrap();
    let wrong = json!({"stateToken": state, "passCode": "000000"});
    refused(
        call(&idp, activate, wrong).await,
        403,
        "E0000068",
        "Invalid Passcode/Answer",
    );
    let right = json!({"stateToken": state, "passCode": code_of(secret)});
    assert_eq!(call(&idp, activate, right).await.1["status"], "SUCCESS");
    assert_eq!(call(&idp, "/api/v1/authn", login).await.1["status"], "MFA_REQUIRED");
}

#[tokio::test]
async fn a_password_that_expires_soon_is_warned_of_on_request() {
    let idp = org("classic").await;
    let login = |warn: bool| {
        json!({
            "username": "soon@acme.test", "password": "right", "options": {"warnBeforePasswordExpired": warn},
        })
    };
    assert_eq!(call(&idp, "/api/v1/authn", login(false)).await.1["status"], "SUCCESS");
    let (_, body) = call(&idp, "/api/v1/authn", login(true)).await;
    assert_eq!(body["status"], "PASSWORD_WARN");
    let state = &body["stateToken"];
    let skip = body["_links"]["skip"]["href"].as_str().unwrap();
    assert_eq!(
        call(&idp, skip, json!({"stateToken": state})).await.1["status"],
        "SUCCESS"
    );
    let (_, body) = call(&idp, "/api/v1/authn", login(true)).await;
    let next = body["_links"]["next"]["href"].as_str().unwrap();
    let change = json!({
        "stateToken": body["stateToken"], "oldPassword": "right", "newPassword": "right-again",
    });
    assert_eq!(call(&idp, next, change).await.1["status"], "SUCCESS");
    refused(
        call(&idp, "/api/v1/authn", login(true)).await,
        401,
        "E0000004",
        "Authentication failed",
    );
}

#[tokio::test]
async fn a_locked_account_is_like_an_unknown_one_unless_it_may_be_told() {
    let login = json!({"username": "shut@acme.test", "password": "x"});
    let idp = org("classic").await;
    refused(
        call(&idp, "/api/v1/authn", login.clone()).await,
        401,
        "E0000004",
        "Authentication failed",
    );
    let text = "[features]\nshow_lockout = true\n[[user]]\nlogin = \"shut@acme.test\"\nstatus = \"LOCKED_OUT\"\n";
    let tenant = mock_idp::config::parse("mock-idp.toml", text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    let (status, body) = call(&idp, "/api/v1/authn", login).await;
    assert_eq!((status, &body["status"]), (200, &json!("LOCKED_OUT")));
    assert!(body.get("stateToken").is_none() && body.get("sessionToken").is_none());
    let unlock = body["_links"]["next"]["href"].as_str().unwrap();
    refused(
        call(
            &idp,
            unlock,
            json!({"username": "shut@acme.test", "factorType": "EMAIL"}),
        )
        .await,
        403,
        "E0000032",
        "Unlock is not allowed for this user.",
    );
}

#[tokio::test]
async fn a_second_factor_by_email_is_told_as_such() {
    let org = "[[client]]\nid = \"web\"\n[[user]]\nlogin = \"mail@acme.test\"\nmfa = \"email:123456\"\n";
    let tenant = mock_idp::config::parse("mock-idp.toml", org).unwrap().tenant;
    let idp = MockIdp::builder().tenant(tenant).start().await.unwrap();
    let who = json!({"username": "mail@acme.test", "password": "any"});
    let (_, body) = call(&idp, "/api/v1/authn", who).await;
    assert_eq!(body["status"], "MFA_REQUIRED");
    let factor = &body["_embedded"]["factors"][0];
    assert_eq!(
        (&factor["factorType"], &factor["provider"]),
        (&json!("email"), &json!("OKTA"))
    );
    assert_eq!(factor["profile"], json!({"email": "m***l@acme.test"}));
    let verify = format!("/api/v1/authn/factors/{}/verify", factor["id"].as_str().unwrap());
    let state = &body["stateToken"];
    let wrong = call(&idp, &verify, json!({"stateToken": state, "passCode": "000000"})).await;
    refused(wrong, 403, "E0000068", "Invalid Passcode/Answer");
    let (_, body) = call(&idp, &verify, json!({"stateToken": state, "passCode": "123456"})).await;
    assert_eq!(body["status"], "SUCCESS");
}
