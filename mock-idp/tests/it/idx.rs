//! The IDX API, as the hosted page's scripts and applications with a sign-in page of their own call it.

use mock_idp::MockIdp;
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    app::{self, Browser, CHALLENGE, VERIFIER, names, param, part},
    pages::{code, code_of, org},
};

const ION: &str = "application/ion+json; okta-version=1.0.0";

async fn call(idp: &MockIdp, browser: &mut Browser, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = app::post_json(idp, browser, &format!("/idp/idx/{path}"), &body, ION).await;
    assert_eq!(body["version"], "1.0.0");
    (status, body)
}

/// Opens the hosted page by its address and takes over from its scripts.
async fn hosted(idp: &MockIdp, browser: &mut Browser, changes: &[(&str, Option<&str>)]) -> Value {
    let page = browser
        .get(app::authorization_url(&idp.issuer(), changes))
        .await
        .text()
        .await
        .unwrap();
    let token = app::in_script(&page, "stateToken");
    assert!(token.starts_with("02.id.") && token.len() == 46, "{token}");
    let (status, body) = call(idp, browser, "introspect", json!({"stateToken": token})).await;
    assert_eq!(status, 200);
    assert!(
        body["stateHandle"].as_str().unwrap().starts_with(&format!("{token}~")),
        "{body}"
    );
    body
}

async fn interact(idp: &MockIdp, changes: &[(&str, Option<&str>)]) -> Response {
    let mut params = vec![
        ("client_id", "spa"),
        ("scope", "openid profile offline_access"),
        ("redirect_uri", "http://localhost:4200/callback"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
    ];
    for (name, value) in changes {
        params.retain(|(known, _)| known != name);
        params.extend(value.map(|value| (*name, value)));
    }
    Browser::new()
        .post(app::endpoint(&idp.issuer(), "interact"), &params)
        .await
}

async fn begun(idp: &MockIdp, browser: &mut Browser, changes: &[(&str, Option<&str>)]) -> Value {
    let answer = interact(idp, changes).await;
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(names(&body), ["interaction_handle"]);
    let handle = &body["interaction_handle"];
    call(idp, browser, "introspect", json!({"interactionHandle": handle}))
        .await
        .1
}

fn remediations(body: &Value) -> Vec<&str> {
    let list = body["remediation"]["value"].as_array();
    list.into_iter()
        .flatten()
        .map(|form| form["name"].as_str().unwrap())
        .collect()
}

fn message(body: &Value) -> (&str, &str, &str) {
    let message = &body["messages"]["value"][0];
    (
        message["message"].as_str().unwrap(),
        message["i18n"]["key"].as_str().unwrap(),
        message["class"].as_str().unwrap(),
    )
}

#[tokio::test]
async fn the_hosted_page_is_walked_by_its_json_calls() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let body = hosted(&idp, &mut browser, &[]).await;
    let state = body["stateHandle"].clone();
    assert_eq!(
        (&body["intent"], remediations(&body)),
        (&json!("LOGIN"), vec!["identify"])
    );
    let form = &body["remediation"]["value"][0];
    assert_eq!(
        names(form),
        ["rel", "name", "href", "method", "produces", "value", "accepts"]
    );
    assert_eq!(form["rel"], json!(["create-form"]));
    assert_eq!(form["href"], json!(format!("{}idp/idx/identify", idp.origin())));
    let fields: Vec<&str> = form["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["identifier", "rememberMe", "stateHandle"]);
    assert_eq!(
        body["app"]["value"],
        json!({"name": "oidc_client", "label": "Expenses", "id": "web"})
    );
    assert_eq!(body["cancel"]["href"], json!(format!("{}idp/idx/cancel", idp.origin())));

    let (status, body) = call(
        &idp,
        &mut browser,
        "identify",
        json!({"identifier": "", "stateHandle": state}),
    )
    .await;
    assert_eq!(status, 400);
    let complaint = &body["remediation"]["value"][0]["value"][0]["messages"]["value"][0];
    assert_eq!(complaint["message"], "This field cannot be left blank");

    let identify = json!({"identifier": "mia@acme.test", "rememberMe": false, "stateHandle": state});
    let (status, body) = call(&idp, &mut browser, "identify", identify).await;
    assert_eq!(status, 200);
    assert_eq!(
        remediations(&body),
        ["challenge-authenticator", "select-authenticator-authenticate"]
    );
    assert_eq!(body["currentAuthenticatorEnrollment"]["value"]["key"], "okta_password");
    assert_eq!(body["user"]["value"], json!({"identifier": "mia@acme.test"}));
    let choice = &body["remediation"]["value"][1]["value"][0]["options"][0]["value"]["form"]["value"];
    let chosen = json!({"id": choice[0]["value"], "methodType": choice[1]["value"]});
    let (status, body) = call(
        &idp,
        &mut browser,
        "challenge",
        json!({"authenticator": chosen, "stateHandle": state}),
    )
    .await;
    assert_eq!((status, remediations(&body)[0]), (200, "challenge-authenticator"));

    let answer = |secret: &str| json!({"credentials": {"passcode": secret}, "stateHandle": state});
    let (status, body) = call(&idp, &mut browser, "challenge/answer", answer("wrong")).await;
    assert_eq!(status, 401);
    assert_eq!(message(&body), ("Password is incorrect", "incorrectPassword", "ERROR"));
    let (status, body) = call(&idp, &mut browser, "challenge/answer", answer("any")).await;
    assert_eq!(status, 200);
    assert_eq!(body["currentAuthenticatorEnrollment"]["value"]["key"], "google_otp");
    let (status, body) = call(&idp, &mut browser, "challenge/answer", answer("000000")).await;
    assert_eq!(status, 401);
    let passcode = &body["remediation"]["value"][0]["value"][0]["form"]["value"][0];
    let complaint = &passcode["messages"]["value"][0];
    assert_eq!(
        (&complaint["message"], &complaint["i18n"]["key"]),
        (
            &json!("Invalid code. Try again."),
            &json!("api.authn.error.PASSCODE_INVALID")
        )
    );
    let (status, body) = call(&idp, &mut browser, "challenge/answer", answer(&code())).await;
    assert_eq!(status, 200);
    assert!(remediations(&body).is_empty());
    assert_eq!(body["success"]["name"], "success-redirect");
    let href = body["success"]["href"].as_str().unwrap().to_owned();
    let token = state.as_str().unwrap().split('~').next().unwrap();
    assert_eq!(href, format!("{}login/token/redirect?stateToken={token}", idp.origin()));
    let done = browser.get(&href).await;
    let back = app::location(&done);
    assert_eq!(param(&back, "state").as_deref(), Some("the-state"));
    let tokens: Value = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["amr"],
        json!(["mfa", "otp", "pwd"])
    );
    assert_eq!(browser.get(&href).await.status(), 400, "once");
}

#[tokio::test]
async fn an_application_gets_an_interaction_code_and_tokens_for_it() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let body = begun(&idp, &mut browser, &[]).await;
    let fields: Vec<&str> = body["remediation"]["value"][0]["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["identifier", "credentials", "rememberMe", "stateHandle"]);
    let identify = |password: &str| {
        json!({
            "identifier": "ann@acme.test",
            "credentials": {"passcode": password},
            "stateHandle": body["stateHandle"],
        })
    };
    let (status, wrong) = call(&idp, &mut browser, "identify", identify("guess")).await;
    assert_eq!(status, 401);
    assert_eq!(message(&wrong), ("Authentication failed", "errors.E0000004", "ERROR"));
    assert_eq!(remediations(&wrong), ["identify"]);
    let (status, done) = call(&idp, &mut browser, "identify", identify("right")).await;
    assert_eq!(status, 200);
    let success = &done["successWithInteractionCode"];
    assert_eq!(success["name"], "issue");
    assert_eq!(success["href"], json!(app::endpoint(&idp.issuer(), "token")));
    let value = |name: &str| {
        let fields = success["value"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(value("grant_type"), "interaction_code");
    assert_eq!(value("client_id"), "spa");
    let interaction_code = value("interaction_code");
    assert_eq!(interaction_code.len(), 43);
    let redeem = |verifier: &'static str| {
        let params = [
            ("grant_type", "interaction_code"),
            ("interaction_code", interaction_code.as_str()),
            ("client_id", "spa"),
            ("code_verifier", verifier),
        ];
        let params: Vec<(String, String)> = params.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let url = app::endpoint(&idp.issuer(), "token");
        async move {
            let params: Vec<(&str, &str)> = params.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let answer = Browser::new().post(url, &params).await;
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let (status, error) = redeem("another-verifier-that-is-long-enough-for-the-rule").await;
    assert_eq!(
        (status, &error["error_description"]),
        (400, &json!("PKCE verification failed."))
    );
    let (status, tokens) = redeem(VERIFIER).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert_eq!((&claims["aud"], &claims["nonce"]), (&json!("spa"), &json!("the-nonce")));
    assert!(tokens["refresh_token"].is_string());
    let (status, again) = redeem(VERIFIER).await;
    assert_eq!(status, 400);
    assert_eq!(again["error"], "invalid_grant");

    // The browser has a session now: the next interaction asks nothing.
    let next = begun(&idp, &mut browser, &[]).await;
    assert!(next["successWithInteractionCode"].is_object(), "{next}");
}

#[tokio::test]
async fn consent_is_asked_for_by_json_too() {
    let idp = org("one-page").await;
    let scope = [("scope", Some("openid money:spend"))];
    let credentials = |state: &Value| json!({"identifier": "ann@acme.test", "credentials": {"passcode": "right"}, "stateHandle": state});
    let mut browser = Browser::new();
    let body = begun(&idp, &mut browser, &scope).await;
    let (_, asked) = call(&idp, &mut browser, "identify", credentials(&body["stateHandle"])).await;
    assert_eq!(remediations(&asked), ["consent"]);
    let option = &asked["remediation"]["value"][0]["value"][0]["options"][0];
    assert_eq!(
        (&option["name"], &option["label"]),
        (&json!("money:spend"), &json!("Spend your money"))
    );
    let refuse = json!({"consent": false, "stateHandle": asked["stateHandle"]});
    let (status, refused) = call(&idp, &mut browser, "consent", refuse).await;
    assert_eq!(status, 403);
    assert!(remediations(&refused).is_empty());

    let mut browser = Browser::new();
    let body = hosted(&idp, &mut browser, &[scope[0], ("prompt", Some("consent"))]).await;
    let (_, asked) = call(&idp, &mut browser, "identify", credentials(&body["stateHandle"])).await;
    let allow = json!({"consent": true, "stateHandle": asked["stateHandle"]});
    let (_, done) = call(&idp, &mut browser, "consent", allow).await;
    let back = browser.get(done["success"]["href"].as_str().unwrap()).await;
    assert!(param(&app::location(&back), "code").is_some());
}

#[tokio::test]
async fn cancel_begins_again() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let body = hosted(&idp, &mut browser, &[]).await;
    let state = &body["stateHandle"];
    let identify = json!({"identifier": "nobody@acme.test", "stateHandle": state});
    let (_, body) = call(&idp, &mut browser, "identify", identify).await;
    assert_eq!(remediations(&body)[0], "challenge-authenticator");
    let (status, body) = call(&idp, &mut browser, "cancel", json!({"stateHandle": state})).await;
    assert_eq!((status, remediations(&body)), (200, vec!["identify"]));
    assert_eq!(body.get("user"), None);
}

#[tokio::test]
async fn what_is_refused_is_refused_with_oktas_messages() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    for path in [
        "introspect",
        "identify",
        "challenge",
        "challenge/answer",
        "consent",
        "cancel",
    ] {
        for body in [
            json!({}),
            json!({"stateHandle": "02.id.nonsense~c.x", "stateToken": "x"}),
            json!({"stateHandle": 7}),
        ] {
            let (status, body) = call(&idp, &mut browser, path, body).await;
            assert_eq!(status, 401);
            assert_eq!(
                message(&body),
                (
                    "You have been logged out due to inactivity. Refresh or return to the sign in screen.",
                    "idx.session.expired",
                    "ERROR"
                )
            );
        }
    }
    let closed = [
        ("client_id", Some("closed")),
        ("client_secret", Some(app::SECRET)),
        ("redirect_uri", Some(app::REDIRECT_URI)),
    ];
    let body = begun(&idp, &mut browser, &closed).await;
    let identify = json!({
        "identifier": "ann@acme.test",
        "credentials": {"passcode": "right"},
        "stateHandle": body["stateHandle"],
    });
    let (status, body) = call(&idp, &mut browser, "identify", identify).await;
    assert_eq!(status, 400);
    assert_eq!(
        message(&body),
        (
            "User is not assigned to this application.",
            "idx.error.user.not.assigned.to.app",
            "ERROR"
        )
    );
    // An answer before there is a question.
    let body = begun(&idp, &mut Browser::new(), &[]).await;
    let url = idp.origin().join("/idp/idx/challenge/answer").unwrap();
    let early = json!({"credentials": {"passcode": "right"}, "stateHandle": body["stateHandle"]});
    let answer = Browser::new().post_json(&url, &early, None).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "E0000079");
}

#[tokio::test]
async fn interact_checks_the_client_and_its_request() {
    let idp = org("one-page").await;
    let unknown = interact(&idp, &[("client_id", Some("nobody"))]).await;
    assert_eq!(unknown.status(), 401);
    let unknown: Value = unknown.json().await.unwrap();
    assert_eq!(
        (&unknown["errorCode"], &unknown["errorSummary"]),
        (
            &json!("invalid_client"),
            &json!("Invalid value for 'client_id' parameter.")
        )
    );
    for (changes, error, description) in [
        (
            vec![
                ("client_id", Some("web")),
                ("client_secret", Some(app::SECRET)),
                ("redirect_uri", Some(app::REDIRECT_URI)),
            ],
            "unauthorized_client",
            "The client is not authorized to use the provided grant type. Configured grant types: [authorization_code, refresh_token].",
        ),
        (
            vec![("code_challenge", None), ("code_challenge_method", None)],
            "invalid_request",
            "PKCE code challenge is required by the application.",
        ),
        (
            vec![("code_challenge_method", Some("plain"))],
            "invalid_request",
            "PKCE code challenge method is not supported. Valid values: [S256]",
        ),
        (
            vec![("scope", Some("openid nonsense"))],
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
    ] {
        let answer = interact(&idp, &changes).await;
        assert_eq!(answer.status(), 400, "{description}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["error"], &body["error_description"]),
            (&json!(error), &json!(description))
        );
    }
    let nonsense = json!({"interactionHandle": "nonsense"});
    let (status, _) = call(&idp, &mut Browser::new(), "introspect", nonsense).await;
    assert_eq!(status, 401);
}

/// Opens the one-page sign-in and sends login and password: the state handle, and what is asked next.
async fn identified(idp: &MockIdp, browser: &mut Browser, login: &str, password: &str) -> (Value, Value) {
    let state = hosted(idp, browser, &[]).await["stateHandle"].clone();
    let form = json!({"identifier": login, "credentials": {"passcode": password}, "stateHandle": state});
    let (_, body) = call(idp, browser, "identify", form).await;
    (state, body)
}

#[tokio::test]
async fn an_expired_password_and_a_missing_factor_are_fixed_by_json_too() {
    let idp = org("one-page").await;
    let answer = |secret: &str, state: &Value| json!({"credentials": {"passcode": secret}, "stateHandle": state});
    let mut browser = Browser::new();
    let (state, body) = identified(&idp, &mut browser, "old@acme.test", "stale").await;
    assert_eq!(remediations(&body), ["reenroll-authenticator"]);
    let (status, body) = call(&idp, &mut browser, "challenge/answer", answer("", &state)).await;
    assert_eq!((status, remediations(&body)), (400, vec!["reenroll-authenticator"]));
    let (_, body) = call(&idp, &mut browser, "challenge/answer", answer("fresh", &state)).await;
    assert_eq!(body["success"]["name"], "success-redirect");

    let mut browser = Browser::new();
    let (state, body) = identified(&idp, &mut browser, "new@acme.test", "right").await;
    assert_eq!(remediations(&body), ["enroll-authenticator"]);
    let secret = body["currentAuthenticator"]["value"]["contextualData"]["sharedSecret"]
        .as_str()
        .unwrap();
    let (_, body) = call(&idp, &mut browser, "challenge/answer", answer(&code_of(secret), &state)).await;
    let back = browser.get(body["success"]["href"].as_str().unwrap()).await;
    assert!(param(&app::location(&back), "code").is_some());
}
