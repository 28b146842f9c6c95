//! The other grants, and the other ways for a client to ask and to prove itself.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use mock_idp::{MockIdp, config, protocol::totp};
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, param, part};

const KEY: &str = include_str!("../../keys/second.pem");
const EC_KEY: &str = include_str!("../../keys/ec.pem");
const TOTP: &str = "JBSWY3DPEHPK3PXP";
pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";
const OTP: &str = "urn:okta:params:oauth:grant-type:otp";
const OOB: &str = "urn:okta:params:oauth:grant-type:oob";
const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An org whose client `web` may do everything, with a public key, and a user with a second factor.
pub(crate) async fn org(client_lines: &str) -> MockIdp {
    let ring = mock_idp::protocol::keys::KeyRing::of("default", 0);
    let jwk = ring.named_jwk(mock_idp::protocol::draft::NamedKey::SecondRsa);
    let grants = [
        "authorization_code",
        "refresh_token",
        "password",
        "client_credentials",
        "interaction_code",
        DEVICE,
        CIBA,
        OTP,
        OOB,
        MFA_OTP,
        MFA_OOB,
        EXCHANGE,
        BEARER,
        "implicit",
    ];
    let text = format!(
        r#"
        [[auth_server]]
        id = "default"
        scopes = ["api:read"]
        [[auth_server]]
        id = "other"
        audience = "api://other"
        scopes = ["other:read"]
        [[client]]
        id = "web"
        secret = "{secret}"
        redirect_uris = ["{redirect}"]
        grant_types = {grants:?}
        jwks = [{{ kty = "RSA", alg = "RS256", kid = {kid}, use = "sig", e = {e}, n = {n} }}]
        {client_lines}
        [[client]]
        id = "stranger"
        secret = "another-secret-that-is-long-enough"
        redirect_uris = ["{redirect}"]
        [[user]]
        login = "{ALICE}"
        password = "right"
        [[user]]
        login = "mia@example.test"
        password = "right"
        mfa = "totp:{TOTP}"
        "#,
        secret = app::SECRET,
        redirect = app::REDIRECT_URI,
        kid = jwk["kid"],
        e = jwk["e"],
        n = jwk["n"],
    );
    let config = config::parse("mock-idp.toml", &text).unwrap();
    crate::app::builder().tenant(config.tenant).start().await.unwrap()
}

/// A token request of the client `web`; status and body.
pub(crate) async fn token(idp: &MockIdp, params: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![("client_id", "web"), ("client_secret", app::SECRET)];
    all.extend_from_slice(params);
    post(&app::endpoint(&idp.issuer(), "token"), &all).await
}

pub(crate) async fn post(url: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let answer = Browser::new().post(url, params).await;
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

pub(crate) fn refused(answer: (u16, Value), status: u16, error: &str, description: &str) {
    assert_eq!(
        answer,
        (status, json!({"error": error, "error_description": description}))
    );
}

pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Signed by the registered key of the client `web`.
pub(crate) fn signed(idp_claims: Value) -> String {
    let ring = mock_idp::protocol::keys::KeyRing::of("default", 0);
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(ring.named_kid(mock_idp::protocol::draft::NamedKey::SecondRsa));
    encode(
        &header,
        &idp_claims,
        &EncodingKey::from_rsa_pem(KEY.as_bytes()).unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn refresh_tokens_rotate_with_a_grace_and_reuse_ends_everything() {
    let idp = org("refresh_token_rotation = \"rotate\"").await;
    let scope = [("scope", Some("openid offline_access"))];
    let url = app::authorization_url(&idp.issuer(), &scope);
    let page = Browser::new().get(&url).await.text().await.unwrap();
    let fields = [("identifier", ALICE), ("credentials.passcode", "right")];
    let back = app::location(&Browser::new().submit(&url, &page, &fields).await);
    let answer = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[]).await;
    let first: Value = answer.json().await.unwrap();
    let jti = part(first["access_token"].as_str().unwrap(), 1)["jti"]
        .as_str()
        .unwrap()
        .to_owned();
    // `AT.`, 43 characters, `.oar`, 17 characters.
    assert_eq!((jti.len(), &jti[..3], &jti[46..50]), (67, "AT.", ".oar"));
    let old = first["refresh_token"].as_str().unwrap().to_owned();
    let refresh = |text: String| {
        let idp = idp.clone();
        async move { token(&idp, &[("grant_type", "refresh_token"), ("refresh_token", &text)]).await }
    };
    let (status, second) = refresh(old.clone()).await;
    assert_eq!(status, 200);
    let claims = part(second["id_token"].as_str().unwrap(), 1);
    assert_eq!(claims.get("nonce"), None);
    assert_eq!(
        claims["auth_time"],
        part(first["id_token"].as_str().unwrap(), 1)["auth_time"]
    );
    let new = second["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(refresh(old.clone()).await.0, 200, "within the grace");
    idp.shift_clock(31);
    let expected = (400, "invalid_grant", "The refresh token is invalid or expired.");
    refused(refresh(old).await, expected.0, expected.1, expected.2);
    refused(refresh(new).await, expected.0, expected.1, expected.2);
    let info = app::userinfo(&idp.issuer(), second["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 401, "access tokens end too");
}

#[tokio::test]
async fn a_static_refresh_token_stays_and_grants_no_more_than_before() {
    let idp = org("").await;
    let scope = "openid email offline_access";
    let params = [
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "right"),
        ("scope", scope),
    ];
    let (_, first) = token(&idp, &params).await;
    let text = first["refresh_token"].as_str().unwrap();
    let (_, second) = token(&idp, &[("grant_type", "refresh_token"), ("refresh_token", text)]).await;
    assert_eq!(second["refresh_token"], first["refresh_token"]);
    let more = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text),
        ("scope", "openid phone"),
    ];
    refused(
        token(&idp, &more).await,
        400,
        "access_denied",
        "Some of the scopes requested for the refresh request were not granted in the original authorize request. \
         Denied scopes: phone.",
    );
    let endless = "openid ".repeat(600);
    let long = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text),
        ("scope", &endless),
    ];
    refused(
        token(&idp, &long).await,
        400,
        "invalid_scope",
        "One or more scopes are not configured for the authorization server resource.",
    );
    let (_, less) = token(
        &idp,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", text),
            ("scope", "email"),
        ],
    )
    .await;
    assert_eq!(less.get("id_token"), None, "no openid, no ID token");
    idp.shift_clock(8 * 24 * 3600);
    let idle = token(&idp, &[("grant_type", "refresh_token"), ("refresh_token", text)]).await;
    assert_eq!(idle.0, 400, "unused for more than seven days");
}

#[tokio::test]
async fn the_password_grant_works_without_a_second_factor_only() {
    let idp = org("").await;
    let base = [("grant_type", "password"), ("scope", "openid")];
    let as_user =
        |login: &'static str, password: &'static str| [base[0], base[1], ("username", login), ("password", password)];
    let (status, tokens) = token(&idp, &as_user(ALICE, "right")).await;
    assert_eq!(status, 200);
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["amr"], json!(["pwd"]));
    refused(
        token(&idp, &as_user(ALICE, "wrong")).await,
        400,
        "invalid_grant",
        "The credentials provided were invalid.",
    );
    let (status, body) = token(&idp, &as_user("mia@example.test", "right")).await;
    assert_eq!((status, &body["error"]), (403, &json!("mfa_required")));
    assert_eq!(
        body["error_description"],
        "Verify with an additional authenticator to complete the sign-in process."
    );
    let mfa_token = body["mfa_token"].as_str().unwrap();
    let code = totp::code(TOTP, now()).unwrap();
    let wrong = token(
        &idp,
        &[("grant_type", MFA_OTP), ("mfa_token", mfa_token), ("otp", "000000")],
    )
    .await;
    refused(
        wrong,
        400,
        "invalid_grant",
        "The 'otp' provided is either empty or incorrect. Use the correct OTP and try again.",
    );
    let (status, tokens) = token(
        &idp,
        &[("grant_type", MFA_OTP), ("mfa_token", mfa_token), ("otp", &code)],
    )
    .await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["amr"],
        json!(["mfa", "otp", "pwd"])
    );
}

#[tokio::test]
async fn a_push_is_answered_at_the_second_poll() {
    let idp = org("").await;
    let url = app::endpoint(&idp.issuer(), "oob-authenticate");
    let credentials = [("client_id", "web"), ("client_secret", app::SECRET)];
    let ask = [
        credentials[0],
        credentials[1],
        ("login_hint", ALICE),
        ("channel_hint", "push"),
    ];
    let (status, body) = post(&url, &ask).await;
    assert_eq!(status, 200);
    assert_eq!(
        app::names(&body),
        ["oob_code", "channel", "binding_method", "expires_in", "interval"]
    );
    let code = body["oob_code"].as_str().unwrap();
    let poll = [("grant_type", OOB), ("oob_code", code), ("scope", "openid")];
    refused(
        token(&idp, &poll).await,
        400,
        "authorization_pending",
        "No user response received on the out-of-band authenticator yet. Continue polling to wait for a response.",
    );
    refused(
        token(&idp, &poll).await,
        400,
        "slow_down",
        "Slow down the polling frequency. Try again later.",
    );
    idp.shift_clock(6);
    assert_eq!(token(&idp, &poll).await.0, 200);
    let wrong = [
        credentials[0],
        credentials[1],
        ("login_hint", ALICE),
        ("channel_hint", "fax"),
    ];
    refused(
        post(&url, &wrong).await,
        400,
        "invalid_request",
        "'fax' is not supported as a 'channel_hint'. Try again with another value.",
    );
}

#[tokio::test]
async fn ciba_polls_until_the_user_has_answered() {
    let idp = org("").await;
    let url = app::endpoint(&idp.issuer(), "bc/authorize");
    let base = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("scope", "openid"),
    ];
    let hint = |login: &'static str| [base[0], base[1], base[2], ("login_hint", login)];
    let (status, body) = post(&url, &hint(ALICE)).await;
    assert_eq!(status, 200);
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(300), &json!(5)));
    let poll = [
        ("grant_type", CIBA),
        ("auth_req_id", body["auth_req_id"].as_str().unwrap()),
    ];
    refused(
        token(&idp, &poll).await,
        400,
        "authorization_pending",
        "The authorization request is still pending as the user hasn't yet been authenticated.",
    );
    idp.shift_clock(6);
    assert_eq!(token(&idp, &poll).await.0, 200);
    let expired = "The 'auth_req_id' is invalid or has expired. Make a new authentication request.";
    refused(token(&idp, &poll).await, 400, "expired_token", expired);
    refused(
        post(&url, &hint("nobody@example.test")).await,
        400,
        "invalid_request",
        "The hint provided in the request did not match a user assigned to the client app.",
    );
}

#[tokio::test]
async fn a_device_gets_its_tokens_once_somebody_typed_its_code() {
    let idp = org("").await;
    let url = app::endpoint(&idp.issuer(), "device/authorize");
    let ask = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("scope", "openid profile"),
    ];
    let (status, body) = post(&url, &ask).await;
    assert_eq!(status, 200);
    assert_eq!(
        app::names(&body),
        [
            "user_code",
            "device_code",
            "interval",
            "verification_uri_complete",
            "verification_uri",
            "expires_in"
        ]
    );
    let user_code = body["user_code"].as_str().unwrap();
    assert!(user_code.len() == 8 && user_code.bytes().all(|byte| byte.is_ascii_uppercase()));
    assert_eq!(body["device_code"].as_str().unwrap().len(), 36);
    let poll = [
        ("grant_type", DEVICE),
        ("device_code", body["device_code"].as_str().unwrap()),
    ];
    refused(
        token(&idp, &poll).await,
        400,
        "authorization_pending",
        "The device authorization is pending. Please try again later.",
    );

    let mut browser = Browser::new();
    let place = url::Url::parse(body["verification_uri_complete"].as_str().unwrap()).unwrap();
    let page = browser.get(&place).await.text().await.unwrap();
    assert!(page.contains(user_code), "filled in already");
    let wrong = browser.submit(&place, &page, &[("user_code", "XXXXXXXX")]).await;
    assert!(wrong.text().await.unwrap().contains("Invalid code. Try again."));
    let page = browser.submit(&place, &page, &[]).await.text().await.unwrap();
    let fields = [("identifier", ALICE), ("credentials.passcode", "right")];
    let done = browser.submit(&place, &page, &fields).await.text().await.unwrap();
    assert!(done.contains("Device activated"), "{done}");

    refused(
        token(&idp, &poll).await,
        400,
        "slow_down",
        "Slow down the polling frequency. Please try again later.",
    );
    idp.shift_clock(6);
    let (status, tokens) = token(&idp, &poll).await;
    assert_eq!(status, 200);
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["preferred_username"],
        ALICE
    );
    refused(
        token(&idp, &poll).await,
        400,
        "invalid_grant",
        "The device code is invalid or has expired.",
    );
}

#[tokio::test]
async fn a_client_gets_tokens_for_itself() {
    let idp = org("").await;
    let (status, tokens) = token(&idp, &[("grant_type", "client_credentials"), ("scope", "api:read")]).await;
    assert_eq!(status, 200);
    assert_eq!(
        app::names(&tokens),
        ["token_type", "expires_in", "access_token", "scope"]
    );
    let claims = part(tokens["access_token"].as_str().unwrap(), 1);
    assert_eq!(
        app::names(&claims),
        ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "scp", "sub"]
    );
    assert_eq!(claims["sub"], "web");
    refused(
        token(&idp, &[("grant_type", "client_credentials"), ("scope", "openid")]).await,
        400,
        "invalid_scope",
        "Cannot request 'openid' scopes using client credentials.",
    );
    let url = app::endpoint(&idp.issuer_of(""), "token");
    let ask = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("grant_type", "client_credentials"),
        ("scope", "okta.users.read"),
    ];
    refused(
        post(&url, &ask).await,
        401,
        "invalid_client",
        "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org \
         Authorization Server.",
    );
}

#[tokio::test]
async fn a_client_proves_itself_by_a_signed_assertion() {
    let idp = org("token_endpoint_auth_method = \"private_key_jwt\"").await;
    let url = app::endpoint(&idp.issuer(), "token");
    let endpoint = url.clone();
    let claims = |name: &str, value: Value| {
        let mut claims = json!({"iss": "web", "sub": "web", "aud": endpoint, "exp": now() + 60, "jti": name});
        claims[name] = value;
        claims
    };
    let ask = |assertion: String| {
        let url = url.clone();
        async move {
            let params = [
                ("grant_type", "client_credentials"),
                ("scope", "api:read"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
            ];
            post(&url, &params).await
        }
    };
    let good = signed(claims("jti", json!("fine")));
    assert_eq!(ask(good.clone()).await.0, 200);
    let rows = [
        (good, "The client_assertion token has already been used."),
        ("nonsense".to_owned(), "The parsing of the client_assertion failed."),
        (
            signed(claims("iss", json!("x"))),
            "The issuer claim for client_assertion is not a valid client_id.",
        ),
        (
            signed(claims("sub", json!("x"))),
            "The subject claim for client_assertion is not a valid client_id.",
        ),
        (
            signed(claims("aud", json!("x"))),
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
        ),
        (
            signed(claims("exp", json!(null))),
            "The client_assertion must contain the 'exp' claim as seconds since epoch.",
        ),
        (
            signed(claims("exp", json!(now() - 1))),
            "The client_assertion token is expired.",
        ),
        (
            signed(claims("exp", json!(now() + 4000))),
            "The client_assertion token has an expiration too far into the future.",
        ),
        (
            signed(claims("iat", json!(now() + 100))),
            "The client_assertion token must be issued before the current time.",
        ),
        (
            format!("{}AAAA", signed(claims("jti", json!("broken")))),
            "The client_assertion signature is invalid.",
        ),
    ];
    for (assertion, description) in rows {
        refused(ask(assertion).await, 401, "invalid_client", description);
    }
}

#[tokio::test]
async fn a_pushed_request_is_named_by_a_handle() {
    let idp = org("").await;
    let url = app::endpoint(&idp.issuer(), "par");
    let inner = app::authorization_url(&idp.issuer(), &[]);
    let mut params: Vec<(String, String)> = inner.query_pairs().into_owned().collect();
    params.push(("client_secret".to_owned(), app::SECRET.to_owned()));
    let pairs: Vec<(&str, &str)> = params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (status, body) = post(&url, &pairs).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["expires_in"], 3600);
    let handle = body["request_uri"].as_str().unwrap();
    let tail = handle.strip_prefix("urn:okta:").unwrap();
    assert_eq!(tail.len(), 59);
    assert!(B64.decode(tail).unwrap().ends_with(b":"));

    let at = |client: &str, issuer: String| {
        let pairs = [("client_id", client), ("request_uri", handle)];
        url::Url::parse_with_params(&app::endpoint(&issuer, "authorize"), pairs).unwrap()
    };
    let page = Browser::new().get(at("web", idp.issuer())).await;
    assert_eq!(page.status(), 200);
    let rows = [
        (
            at("web", idp.issuer_of("other")),
            "The request_uri was issued for another authorization server.",
        ),
        (
            at("stranger", idp.issuer()),
            "The 'client_id' parameter does not match the expected value for the provided request_uri.",
        ),
    ];
    for (url, expected) in rows {
        let answer = Browser::new().get(url).await;
        assert_eq!(answer.status(), 400);
        let body = answer.text().await.unwrap().replace("&#39;", "'");
        assert!(body.contains(expected), "{body}");
    }
    let bad: Vec<(&str, &str)> = pairs.iter().copied().filter(|(name, _)| *name != "state").collect();
    refused(
        post(&url, &bad).await,
        400,
        "invalid_request",
        "The authentication request has an invalid 'state' parameter.",
    );
}

#[tokio::test]
async fn a_signed_request_wins_over_its_query() {
    let idp = org("").await;
    let object = |changes: Value| {
        let mut claims = json!({"iss": "web", "aud": idp.issuer(), "exp": now() + 60, "state": "signed-state"});
        claims
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        signed(claims)
    };
    let at = |object: &str| app::authorization_url(&idp.issuer(), &[("request", Some(object))]);
    let url = at(&object(json!({"prompt": "none"})));
    let back = app::location(&Browser::new().get(url).await);
    assert_eq!(param(&back, "state").unwrap(), "signed-state");
    assert_eq!(param(&back, "error").unwrap(), "login_required");
    let rows = [
        (json!({"aud": "x"}), "The audience of the request object is invalid."),
        (json!({"exp": now() - 1}), "The request object is expired."),
        (
            json!({"exp": now() + 4000}),
            "The request object expires too far in the future.",
        ),
    ];
    for (changes, expected) in rows {
        let back = app::location(&Browser::new().get(at(&object(changes))).await);
        assert_eq!(param(&back, "error").unwrap(), "invalid_request_object");
        assert_eq!(param(&back, "error_description").unwrap(), expected);
    }
    let broken = app::location(&Browser::new().get(at("x.y.z")).await);
    assert_eq!(
        param(&broken, "error_description").unwrap(),
        "The request object cannot be parsed."
    );
}

/// A proof by the stored P-256 key.
fn proof(method: &str, url: &str, changes: Value) -> String {
    let ring = mock_idp::protocol::keys::KeyRing::of("default", 0);
    let mut jwk = ring.named_jwk(mock_idp::protocol::draft::NamedKey::EcP256);
    for name in ["kid", "alg", "use"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(serde_json::from_value::<Jwk>(jwk).unwrap());
    let jti = format!("{method} {url} {changes} {:?}", std::time::Instant::now());
    let mut claims = json!({"htm": method, "htu": url, "iat": now(), "jti": jti});
    claims
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    encode(&header, &claims, &EncodingKey::from_ec_pem(EC_KEY.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn dpop_binds_tokens_to_a_key() {
    let idp = org("dpop_bound = true").await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let url = app::endpoint(&idp.issuer(), "token");
    let ask = |proof: Option<String>| {
        let params = [
            ("client_id", "web"),
            ("client_secret", app::SECRET),
            ("grant_type", "password"),
            ("username", ALICE),
            ("password", "right"),
            ("scope", "openid"),
        ];
        let request = http.post(&url).form(&params);
        match proof {
            Some(proof) => request.header("dpop", proof).send(),
            None => request.send(),
        }
    };
    let missing: Value = ask(None).await.unwrap().json().await.unwrap();
    assert_eq!(missing["error_description"], "The DPoP proof JWT header is missing.");
    let first = ask(Some(proof("POST", &url, json!({})))).await.unwrap();
    assert_eq!(first.status(), 400);
    let nonce = first.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(
        first.json::<Value>().await.unwrap(),
        json!({"error": "use_dpop_nonce", "error_description": "Authorization server requires nonce in DPoP proof."})
    );
    let rows = [
        (
            proof("GET", &url, json!({})),
            "'htm' claim in the DPoP proof JWT is invalid.",
        ),
        (
            proof("POST", "http://x/", json!({})),
            "'htu' claim in the DPoP proof JWT is invalid.",
        ),
        (
            proof("POST", &url, json!({"iat": now() - 400})),
            "The DPoP proof JWT is issued more than five minutes in the past.",
        ),
    ];
    for (proof, expected) in rows {
        let answer: Value = ask(Some(proof)).await.unwrap().json().await.unwrap();
        assert_eq!(
            answer,
            json!({"error": "invalid_dpop_proof", "error_description": expected})
        );
    }
    let good = proof("POST", &url, json!({"nonce": nonce}));
    let answer = ask(Some(good.clone())).await.unwrap();
    assert_eq!(answer.status(), 200);
    let tokens: Value = answer.json().await.unwrap();
    assert_eq!(tokens["token_type"], "DPoP");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(part(access_token, 1)["cnf"]["jkt"].as_str().unwrap().len(), 43);
    let again: Value = ask(Some(good)).await.unwrap().json().await.unwrap();
    assert_eq!(again["error_description"], "The DPoP proof JWT has already been used.");

    let info = app::endpoint(&idp.issuer(), "userinfo");
    let ath = mock_idp::protocol::pkce::s256(access_token);
    let with = |scheme: &str, proof: Option<String>| {
        let request = http
            .get(&info)
            .header("authorization", format!("{scheme} {access_token}"));
        match proof {
            Some(proof) => request.header("dpop", proof).send(),
            None => request.send(),
        }
    };
    let good = with("DPoP", Some(proof("GET", &info, json!({"ath": ath}))))
        .await
        .unwrap();
    assert_eq!(good.status(), 200);
    let bearer = with("Bearer", None).await.unwrap();
    assert_eq!(bearer.status(), 400);
    let challenge = bearer.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge
            .contains("The resource request must use the DPoP authentication scheme when using a DPoP bound token."),
        "{challenge}"
    );
}

#[tokio::test]
async fn hybrid_and_implicit_responses_carry_tokens_in_the_fragment() {
    let idp = org("").await;
    let changes = [("response_type", Some("code id_token token"))];
    let url = app::authorization_url(&idp.issuer(), &changes);
    let page = Browser::new().get(&url).await.text().await.unwrap();
    let fields = [("identifier", ALICE), ("credentials.passcode", "right")];
    let mut back = app::location(&Browser::new().submit(&url, &page, &fields).await);
    let fragment = back.fragment().unwrap().to_owned();
    back.set_query(Some(&fragment));
    // Their order is not known.
    let names: BTreeSet<String> = back.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let expected = [
        "access_token",
        "code",
        "expires_in",
        "id_token",
        "scope",
        "state",
        "token_type",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
    let claims = part(&param(&back, "id_token").unwrap(), 1);
    assert!(claims.get("c_hash").is_some() && claims.get("at_hash").is_some());
    assert_eq!(claims.get("given_name"), None, "thin beside an access token");

    let url = app::authorization_url(
        &idp.issuer(),
        &[
            ("response_type", Some("id_token")),
            ("response_mode", Some("form_post")),
        ],
    );
    let page = Browser::new().get(&url).await.text().await.unwrap();
    let answer = Browser::new().submit(&url, &page, &fields).await;
    assert_eq!(answer.status(), 200);
    let (action, params) = app::form(&answer.text().await.unwrap());
    assert_eq!(action, app::REDIRECT_URI);
    let id_token = &params.iter().find(|(name, _)| name == "id_token").unwrap().1;
    assert_eq!(part(id_token, 1)["given_name"], "Alice", "fat without an access token");
}

#[tokio::test]
async fn clients_are_registered_with_an_api_token() {
    let idp = org("").await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let url = idp.origin().join("/oauth2/v1/clients").unwrap();
    let metadata = json!({
        "client_name": "Fresh", "application_type": "web", "redirect_uris": ["http://localhost:9/cb"],
        "grant_types": ["authorization_code"], "response_types": ["code"],
    });
    let refused = http.post(url.clone()).json(&metadata).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["errorCode"], "E0000011");
    let with_token = |request: reqwest::RequestBuilder| request.header("authorization", "SSWS mock-api-token").send();
    let created = with_token(http.post(url.clone()).json(&metadata)).await.unwrap();
    assert_eq!(created.status(), 201);
    let created: Value = created.json().await.unwrap();
    assert_eq!(
        app::names(&created),
        [
            "client_id",
            "client_secret",
            "client_id_issued_at",
            "client_secret_expires_at",
            "client_name",
            "client_uri",
            "logo_uri",
            "application_type",
            "redirect_uris",
            "post_logout_redirect_uris",
            "response_types",
            "grant_types",
            "token_endpoint_auth_method",
            "initiate_login_uri"
        ]
    );
    assert_eq!(created["client_secret"].as_str().unwrap().len(), 40);
    assert!(created["client_id"].as_str().unwrap().starts_with("0oa"));
    assert_eq!(created["client_secret_expires_at"], 0);
    let nameless = with_token(http.post(url.clone()).json(&json!({"client_name": ""})))
        .await
        .unwrap();
    assert_eq!(
        nameless.json::<Value>().await.unwrap(),
        json!({
            "error": "invalid_client_metadata",
            "error_description": "`client_name`: The field can't be left blank.",
        })
    );
    let one = url
        .join(&format!(
            "/oauth2/v1/clients/{}",
            created["client_id"].as_str().unwrap()
        ))
        .unwrap();
    assert_eq!(with_token(http.get(one.clone())).await.unwrap().status(), 200);
    assert_eq!(with_token(http.delete(one.clone())).await.unwrap().status(), 204);
    assert_eq!(with_token(http.get(one)).await.unwrap().status(), 404);
}

#[tokio::test]
async fn global_revocation_ends_sessions_and_tokens() {
    let idp = app::idp().await;
    let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let url = idp.origin().join("/oauth2/v1/global-token-revocation").unwrap();
    let body = json!({"sub_id": {"format": "email", "email": ALICE}});
    assert_eq!(http.post(url.clone()).json(&body).send().await.unwrap().status(), 403);
    let request = http
        .post(url)
        .header("authorization", "SSWS mock-api-token")
        .json(&body);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let challenge = info.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("The access token has been revoked."), "{challenge}");
}

/// A service that proves itself by a signed assertion, as the org server wants it for scopes of the APIs.
pub(crate) fn put_service(idp: &MockIdp) {
    let mut service = mock_idp::Client::web("service");
    service.grant_types = vec!["client_credentials".to_owned()];
    service.application_type = mock_idp::tenant::ApplicationType::Service;
    service.auth_method = mock_idp::tenant::AuthMethod::PrivateKeyJwt;
    let ring = mock_idp::protocol::keys::KeyRing::of("default", 0);
    service.jwks = vec![ring.named_jwk(mock_idp::protocol::draft::NamedKey::SecondRsa)];
    idp.put_client(service);
}

/// The `Authorization` header of that service, for this scope.
pub(crate) async fn bearer_of_service(idp: &MockIdp, scope: &str) -> String {
    let url = idp.origin().join("/oauth2/v1/token").unwrap();
    let assertion = signed(json!({"iss": "service", "sub": "service", "aud": url, "exp": now() + 60}));
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", &assertion),
    ];
    let (_, tokens) = post(url.as_str(), &form).await;
    let token = tokens["access_token"].as_str();
    format!("Bearer {}", token.unwrap_or_else(|| panic!("{tokens}")))
}

#[tokio::test]
async fn registration_and_revocation_are_open_to_services_with_their_scopes() {
    let idp = app::idp().await;
    put_service(&idp);
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let bearer = |scope: &'static str| bearer_of_service(&idp, scope);
    let call = |path: &'static str, authorization: String, body: Value| {
        let url = format!("{org}{path}");
        async move {
            let headers = [
                ("authorization", authorization.as_str()),
                ("content-type", "application/json"),
            ];
            let answer = Browser::new()
                .request(reqwest::Method::POST, url, &headers, &body.to_string())
                .await;
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or(Value::Null);
            (status, body["errorCode"].as_str().unwrap_or_default().to_owned())
        }
    };
    let client = json!({"client_name": "Fresh", "redirect_uris": ["http://localhost:9/cb"]});
    let everything = json!({"sub_id": {"format": "email", "email": ALICE}});
    let forbidden = (403, "E0000006".to_owned());
    let clients = "/oauth2/v1/clients";
    assert_eq!(
        call(clients, bearer("okta.clients.read").await, client.clone()).await,
        forbidden
    );
    assert_eq!(call(clients, bearer("okta.clients.manage").await, client).await.0, 201);
    let revocation = "/oauth2/v1/global-token-revocation";
    let other = bearer("okta.clients.manage").await;
    assert_eq!(call(revocation, other, everything.clone()).await, forbidden);
    let right = bearer("okta.universalLogout.manage").await;
    assert_eq!(call(revocation, right, everything).await.0, 204);
}

#[tokio::test]
async fn scopes_that_want_consent_are_not_granted_where_nobody_can_be_asked() {
    let text = format!(
        r#"
[[auth_server]]
id = "default"
[[auth_server.scope]]
name = "money:spend"
consent = "REQUIRED"
[[client]]
id = "web"
secret = "{}"
grant_types = ["password", "client_credentials"]
consent_method = "REQUIRED"
[[user]]
login = "{ALICE}"
"#,
        app::SECRET
    );
    let tenant = config::parse("mock-idp.toml", &text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    let password = [
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "x"),
        ("scope", "openid money:spend"),
    ];
    refused(
        token(&idp, &password).await,
        400,
        "consent_required",
        "The following scopes require user consent: [money:spend]. To access protected scopes using the resource owner \
         password grant type, please uncheck 'Require consent' in the app settings or set the 'consent_method' to \
         'TRUSTED' through the apps API.",
    );
    refused(
        token(&idp, &[("grant_type", "client_credentials"), ("scope", "money:spend")]).await,
        400,
        "consent_required",
        "The following scopes require user consent and cannot be granted for the client credentials grant type: \
         [money:spend].",
    );
}
