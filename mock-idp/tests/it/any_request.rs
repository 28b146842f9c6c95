//! Any bytes in any parameter, header or body of any endpoint get a documented answer: never a 5xx, a panic, a hang, or
//! anything reflected unescaped. The endpoints are those of the router's table, so that a new row is covered by itself.

use std::{sync::LazyLock, time::Duration};

use http::{Method, Request, Response};
use mock_idp::{Client, MockIdp, User};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Map, Value, json};

use crate::app::{self, ALICE, Browser};

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// What breaks out of an attribute, of a text and of a script, if it is let.
const MARK: &str = "\"'><zq onload=x>&</script>";
/// No answer takes so long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) const NAMES: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "acr_values",
    "enroll_amr_values",
    "request",
    "request_uri",
    "idp",
    "sessionToken",
    "grant_type",
    "code",
    "code_verifier",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "refresh_token",
    "token",
    "token_type_hint",
    "id_token_hint",
    "post_logout_redirect_uri",
    "stateToken",
    "stateHandle",
    "identifier",
    "username",
    "password",
    "credentials.passcode",
    "access_token",
    "subject_token",
    "subject_token_type",
    "audience",
    "assertion",
    "device_code",
    "user_code",
    "auth_req_id",
    "oob_code",
    "mfa_token",
    "otp",
    "channel_hint",
    "interaction_code",
    "interaction_handle",
    "to",
    "q",
    "search",
    "filter",
    "limit",
    "after",
    "sortBy",
    "activate",
    "sendEmail",
    "fromURI",
    "redirectUrl",
    "okta_key",
    "recoveryToken",
    "rememberMe",
    "remember",
    "newPassword",
    "confirmPassword",
    "oldPassword",
    "answer",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "resource",
    MARK,
];
pub(crate) const VALUES: &[&str] = &[
    "web",
    "service",
    "http://localhost:3000/callback",
    "code",
    "id_token token",
    "none",
    "form_post",
    "okta_post_message",
    "openid",
    "openid offline_access",
    "login",
    "consent",
    "enroll_authenticator",
    "0",
    "-1",
    "99999999999999999999",
    "S256",
    "authorization_code",
    "refresh_token",
    "password",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:id-jag",
    "urn:x-oath:params:oauth:token-type:device-secret",
    "eyJhbGciOiJSUzI1NiIsInR5cCI6Im9hdXRoLWlkLWphZytqd3QifQ.e30.AAAA",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "eyJhbGciOiJub25lIn0.e30.",
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ3ZWIiLCJzdWIiOiJ3ZWIifQ.AAAA",
    "urn:okta:AAAA",
    "status eq \"ACTIVE\"",
    "not (((",
    "true",
    "",
    "alice@example.test",
    "\u{202e}\u{0}\r\n",
    app::SECRET,
    app::CHALLENGE,
    app::VERIFIER,
    MARK,
];
pub(crate) const MEMBERS: &[&str] = &[
    "profile",
    "credentials",
    "settings",
    "oauthClient",
    "conditions",
    "people",
    "users",
    "groups",
    "include",
    "exclude",
    "actions",
    "token",
    "accessTokenLifetimeMinutes",
    "clients",
    "grantTypes",
    "scopes",
    "password",
    "value",
    "hash",
    "firstName",
    "lastName",
    "email",
    "login",
    "name",
    "label",
    "description",
    "audiences",
    "id",
    "groupIds",
    "claimType",
    "valueType",
    "group_filter_type",
    "priority",
    "type",
    "status",
    "client_id",
    "client_secret",
    "client_name",
    "redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "application_type",
    "jwks",
    "keys",
    "refresh_token",
    "rotation_type",
    "leeway",
    "sub_id",
    "format",
    "iss",
    "sub",
    "use",
    "username",
    "options",
    "stateToken",
    "stateHandle",
    "identifier",
    "passCode",
    "sessionToken",
    "oldPassword",
    "newPassword",
    "consent",
    "metadataPublish",
    MARK,
];
pub(crate) const SEGMENTS: &[&str] = &[
    "default",
    "other",
    "v1",
    "web",
    "service",
    "me",
    "alice@example.test",
    "bob%40example.test",
    "activate",
    "deactivate",
    "suspend",
    "00g",
    "%22%27%3E%3Czq%20onload=x%3E",
    "%00",
    "%ff%fe",
    "..",
    "nobody",
];
pub(crate) const AUTHORIZATIONS: &[&str] = &[
    "SSWS mock-api-token",
    "SSWS wrong",
    "Bearer x",
    "DPoP x",
    "Basic d2ViOmEtc2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2gtZm9yLWFsbA==",
    "Basic !",
    "Basic OnNlY3JldA==",
];

/// An org of its own: the management API of these requests takes it apart.
fn org() -> MockIdp {
    let mut web: Client = app::client();
    for grant in [
        "password",
        "client_credentials",
        "implicit",
        "interaction_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
    ] {
        web.grant_types.push(grant.to_owned());
    }
    let builder = crate::app::builder()
        .client(web)
        .user(User::with_login(ALICE))
        .user(User::with_login("bob@example.test"));
    RUNTIME.block_on(builder.start()).unwrap()
}

static IDP: LazyLock<MockIdp> = LazyLock::new(org);

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => proptest::sample::select(VALUES).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
        1 => ".{0,60}".prop_map(String::into_bytes),
    ]
}

fn pairs() -> impl Strategy<Value = String> {
    let pair = (proptest::sample::select(NAMES), value());
    proptest::collection::vec(pair, 0..10).prop_map(|pairs| {
        let written = pairs
            .into_iter()
            .map(|(name, value)| format!("{}={}", percent(name.as_bytes()), percent(&value)));
        written.collect::<Vec<_>>().join("&")
    })
}

pub(crate) fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn member() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(VALUES).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((proptest::sample::select(MEMBERS), inner), 0..6).prop_map(|pairs| {
                let members: Map<String, Value> = pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                Value::Object(members)
            }),
        ]
    })
}

/// A body and its type.
fn body() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    prop_oneof![
        4 => pairs().prop_map(|pairs| (FORM, pairs.into_bytes())),
        4 => member().prop_map(|value| (JSON, value.to_string().into_bytes())),
        1 => Just(("", Vec::new())),
        1 => (proptest::sample::select(&[FORM, JSON, "text/plain", "multipart/form-data; boundary=x"][..]),
              proptest::collection::vec(any::<u8>(), 0..300)),
    ]
}

fn method() -> impl Strategy<Value = Method> {
    proptest::sample::select(&["GET", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"][..])
        .prop_map(|name| name.parse().unwrap())
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let text = || proptest::collection::vec(prop_oneof![0x20..0x7fu8, 0x80..=0xffu8], 0..40);
    let header = prop_oneof![
        3 => proptest::sample::select(AUTHORIZATIONS).prop_map(|text| ("authorization", text.as_bytes().to_vec())),
        1 => text().prop_map(|text| ("authorization", text)),
        1 => text().prop_map(|text| ("cookie", text)),
        1 => text().prop_map(|text| ("dpop", text)),
        1 => Just(("origin", b"http://localhost:3000".to_vec())),
        1 => text().prop_map(|text| ("origin", text)),
        1 => text().prop_map(|text| ("accept", text)),
        1 => text().prop_map(|text| ("host", text)),
    ];
    proptest::collection::vec(header, 0..4)
}

/// The pattern with something in the place of its parameters.
pub(crate) fn path(pattern: &str, segments: &[&str]) -> String {
    let mut given = segments.iter().cycle();
    let filled = pattern.split('/').map(|part| match part.starts_with('{') {
        true => given.next().copied().unwrap_or_default(),
        false => part,
    });
    filled.collect::<Vec<_>>().join("/")
}

/// What any answer must be.
fn is_documented(asked: &str, answer: &Response<Vec<u8>>) -> Result<(), TestCaseError> {
    let status = answer.status().as_u16();
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let text = String::from_utf8_lossy(answer.body());
    prop_assert!(status < 500, "{} {}: {}", asked, status, text);
    if asked.starts_with("HEAD ") {
        return Ok(());
    }
    let kind = header("content-type");
    if kind.starts_with("text/html") {
        prop_assert!(!text.contains("<zq"), "{asked}: {text}");
        prop_assert!(
            status < 400 || text.contains("Error Code:") || text.contains("error"),
            "{}: {}",
            asked,
            text
        );
    } else if kind.contains("json") {
        prop_assert_eq!(header("x-content-type-options"), "nosniff", "{}", asked);
        let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else {
            return Err(TestCaseError::fail(format!("{asked}: no JSON: {text}")));
        };
        let is_error = ["errorCode", "error"]
            .into_iter()
            .any(|name| body.get(name).is_some_and(Value::is_string));
        prop_assert!(
            status < 400 || is_error || body.get("messages").is_some(),
            "{}: {}",
            asked,
            text
        );
    } else {
        prop_assert!(answer.body().is_empty(), "{asked}: {kind}: {text}");
        let is_explained = status < 400 || !header("www-authenticate").is_empty();
        prop_assert!(is_explained, "{}: {} without a reason", asked, status);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_request_to_any_endpoint_gets_a_documented_answer(
        row in any::<prop::sample::Index>(),
        segments in proptest::collection::vec(proptest::sample::select(SEGMENTS), 1..4),
        method in method(),
        query in prop_oneof![Just(String::new()), pairs()],
        headers in headers(),
        (kind, body) in body(),
    ) {
        let idp = &*IDP;
        let table = mock_idp::endpoints();
        let path = path(&table[row.index(table.len())].path, &segments);
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let asked = format!("{method} {target} {kind} {}", String::from_utf8_lossy(&body));
        let mut request = Request::builder().method(method).uri(&target);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // What cannot be written as a request at all cannot be sent.
        let Ok(request) = request.body(body) else { return Ok(()) };
        let answer = RUNTIME.block_on(async { tokio::time::timeout(ANSWER_TIMEOUT, idp.answer(request)).await });
        let Ok(answer) = answer else { return Err(TestCaseError::fail(format!("no answer to {asked}"))) };
        is_documented(&asked, &answer)?;
    }
}

#[test]
fn every_endpoint_refuses_the_wrong_method_and_none_is_forgotten() {
    let table = mock_idp::endpoints();
    assert!(table.len() > 60, "{}", table.len());
    for row in table {
        let target = path(&row.path, &["default", "web"]);
        let request = Request::builder()
            .method("PATCH")
            .uri(&target)
            .body(Vec::new())
            .unwrap();
        let answer = RUNTIME.block_on(IDP.answer(request));
        assert_eq!(answer.status(), 405, "{target}");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            (&body["errorCode"], &body["errorSummary"]),
            (
                &json!("E0000022"),
                &json!("The endpoint does not support the provided HTTP method")
            ),
            "{target}"
        );
    }
    let request = Request::builder().uri("/no/such/path").body(Vec::new()).unwrap();
    let answer = RUNTIME.block_on(IDP.answer(request));
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        (answer.status().as_u16(), &body["errorCode"], &body["errorSummary"]),
        (404, &json!("E0000008"), &json!("The requested path was not found"))
    );
}

#[tokio::test]
async fn bodies_headers_and_parameters_have_limits() {
    let idp = app::idp().await;
    let url = app::endpoint(&idp.issuer(), "token");
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let form = |body: String| {
        http.post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    for (body, code) in [
        (format!("a={}", "x".repeat(1024 * 1024)), "E0000003"),
        ("a=1&".repeat(201), "E0000020"),
        (format!("a={}", "x".repeat(128 * 1024 + 1)), "E0000020"),
        (format!("{}=1", "x".repeat(257)), "E0000020"),
    ] {
        let answer = form(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], code);
    }
    // A hundred thousand parameters take no time worth noticing: they are counted, not compared with each other.
    let many = (0..100_000)
        .map(|number| format!("p{number}="))
        .collect::<Vec<_>>()
        .join("&");
    assert_eq!(form(many).send().await.unwrap().status(), 400);
    let mut request = http.get(app::endpoint(&idp.issuer(), "keys"));
    for number in 0..101 {
        request = request.header(format!("x-many-{number}"), "1");
    }
    assert_eq!(request.send().await.unwrap().status(), 431);
    assert_eq!(
        Browser::new().get(app::endpoint(&idp.issuer(), "keys")).await.status(),
        200
    );
}
