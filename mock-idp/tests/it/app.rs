//! A relying party and a browser, as small as can be: they follow the protocol and check nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use mock_idp::{Builder, Client, MockIdp, User};
use reqwest::{
    Response,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use scraper::{Html, Selector};
use serde_json::Value;
use url::Url;

pub(crate) const REDIRECT_URI: &str = "http://localhost:3000/callback";
pub(crate) const SECRET: &str = "a-secret-that-is-long-enough-for-all";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const ALICE: &str = "alice@example.test";

/// Starts a server as [`MockIdp::builder`] does, with a store of its own in Redis where `MOCK_IDP_TEST_STORE` names one: so all
/// tests run against both kinds of store.
pub(crate) fn builder() -> Builder {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let builder = MockIdp::builder();
    match std::env::var("MOCK_IDP_TEST_STORE") {
        Ok(url) if !url.is_empty() => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            builder.store(&format!("{url}?prefix=test-{}-{number}", std::process::id()))
        }
        _ => builder,
    }
}

/// A mock-idp with one web client and Alice.
pub(crate) async fn idp() -> MockIdp {
    idp_of(&[ALICE]).await
}

/// A mock-idp with one web client and these users.
pub(crate) async fn idp_of(logins: &[&str]) -> MockIdp {
    let builder = builder().client(client());
    let users = logins.iter().map(|login| User::with_login(login));
    users
        .fold(builder, |builder, user| builder.user(user))
        .start()
        .await
        .unwrap()
}

pub(crate) fn client() -> Client {
    Client::web("web")
        .secret(SECRET)
        .redirect(REDIRECT_URI)
        .post_logout("http://localhost:3000/")
}

/// A browser that talks to the authorization server only and stops before every other origin.
pub(crate) struct Browser {
    http: reqwest::Client,
    pub(crate) cookies: Vec<(String, String)>,
}

/// Trusts this CA alone: loading the system's roots takes longer than a whole sign-in.
pub(crate) fn http(ca_pem: Option<&str>) -> reqwest::Client {
    let ca = ca_pem.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only(ca)
        .no_proxy()
        .build()
        .unwrap()
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self {
            http: http(None),
            cookies: Vec::new(),
        }
    }

    /// For a mock-idp that serves https.
    pub(crate) fn trusting(ca_pem: &str) -> Self {
        Self {
            http: http(Some(ca_pem)),
            cookies: Vec::new(),
        }
    }

    pub(crate) async fn get(&mut self, url: impl AsRef<str>) -> Response {
        let request = self.http.get(url.as_ref());
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, url: impl AsRef<str>, form: &[(&str, &str)]) -> Response {
        let request = self.http.post(url.as_ref()).form(form);
        self.send(request).await
    }

    /// A JSON body; with the `Origin` that a script of that origin sends.
    pub(crate) async fn post_json(&mut self, url: impl AsRef<str>, body: &Value, origin: Option<&str>) -> Response {
        let mut request = self.http.post(url.as_ref()).json(body);
        if let Some(origin) = origin {
            request = request.header(reqwest::header::ORIGIN, origin);
        }
        self.send(request).await
    }

    /// Any request, with this browser's cookies.
    pub(crate) async fn request(
        &mut self,
        method: reqwest::Method,
        url: impl AsRef<str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = self.http.request(method, url.as_ref()).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().trim_matches('"');
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        response
    }

    /// Fills the form of a page and sends it.
    pub(crate) async fn submit(&mut self, at: &Url, page: &str, fields: &[(&str, &str)]) -> Response {
        let (action, mut values) = form(page);
        for (name, value) in fields {
            values.retain(|(known, _)| known != name);
            values.push(((*name).to_owned(), (*value).to_owned()));
        }
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post(at.join(&action).unwrap(), &values).await
    }
}

/// Action and hidden or filled fields of the first form.
pub(crate) fn form(page: &str) -> (String, Vec<(String, String)>) {
    let page = Html::parse_document(page);
    let form = page.select(&Selector::parse("form").unwrap()).next().expect("a form");
    let fields = form
        .select(&Selector::parse("input[name]").unwrap())
        .filter(|input| !matches!(input.attr("type"), Some("checkbox" | "submit")))
        .map(|input| {
            let name = input.attr("name").unwrap().to_owned();
            (name, input.attr("value").unwrap_or_default().to_owned())
        })
        .collect();
    (form.attr("action").unwrap_or_default().to_owned(), fields)
}

/// The authorization request that a good relying party sends, with these parameters changed (`None` takes one away).
pub(crate) fn authorization_url(issuer: &str, changes: &[(&str, Option<&str>)]) -> Url {
    let mut params: Vec<(&str, &str)> = vec![
        ("client_id", "web"),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid profile email"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        params.retain(|(known, _)| known != name);
        params.extend(value.map(|value| (*name, value)));
    }
    Url::parse_with_params(&endpoint(issuer, "authorize"), params).unwrap()
}

pub(crate) fn endpoint(issuer: &str, name: &str) -> String {
    if issuer.contains("/oauth2/") {
        format!("{issuer}/v1/{name}")
    } else {
        format!("{issuer}/oauth2/v1/{name}")
    }
}

/// Signs in on the hosted page; the URL that the browser is sent back to.
pub(crate) async fn authorize(browser: &mut Browser, url: &Url, login: &str) -> Url {
    let page = browser.get(url).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let answer = browser
        .submit(
            url,
            &page,
            &[("identifier", login), ("credentials.passcode", "any password")],
        )
        .await;
    assert_eq!(answer.status(), 302, "{}", answer.text().await.unwrap());
    location(&answer)
}

pub(crate) fn location(answer: &Response) -> Url {
    let text = answer.headers().get(LOCATION).expect("a redirect").to_str().unwrap();
    Url::parse(text).unwrap()
}

pub(crate) fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Redeems a code with these parameters changed.
pub(crate) async fn redeem(issuer: &str, code: &str, changes: &[(&str, Option<&str>)]) -> Response {
    let mut params: Vec<(&str, &str)> = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", SECRET),
    ];
    for (name, value) in changes {
        params.retain(|(known, _)| known != name);
        params.extend(value.map(|value| (*name, value)));
    }
    Browser::new().post(endpoint(issuer, "token"), &params).await
}

/// A whole sign-in; the token response.
pub(crate) async fn sign_in(issuer: &str, login: &str, changes: &[(&str, Option<&str>)]) -> Value {
    let mut browser = Browser::new();
    let back = authorize(&mut browser, &authorization_url(issuer, changes), login).await;
    let code = param(&back, "code").expect("a code");
    let answer = redeem(issuer, &code, &[]).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

pub(crate) async fn userinfo(issuer: &str, access_token: &str) -> Response {
    Browser::new()
        .http
        .get(endpoint(issuer, "userinfo"))
        .bearer_auth(access_token)
        .send()
        .await
        .unwrap()
}

/// One part of a JWT: 0 the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Posts JSON with this browser's cookies; status and body, which is of this type.
pub(crate) async fn post_json(
    idp: &MockIdp,
    browser: &mut Browser,
    path: &str,
    body: &Value,
    content_type: &str,
) -> (u16, Value) {
    let answer = browser.post_json(idp.origin().join(path).unwrap(), body, None).await;
    assert_eq!(answer.headers()["content-type"], content_type);
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What the script of a hosted page says by this name, without its escapes.
pub(crate) fn in_script(page: &str, name: &str) -> String {
    let text = page
        .split(&format!("var {name} = '"))
        .nth(1)
        .expect("the script has it");
    let mut parts = text.split("';").next().unwrap().split("\\x");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        plain.push_str(&part[2..]);
    }
    plain
}

/// An error body of the management shape. `{0}` at the end of the summary stands for an argument. Okta's tables have no causes:
/// they are shown only with their shape.
#[track_caller]
pub(crate) fn is_api_error(body: &Value, code: &str, summary: &str) {
    assert_eq!(
        names(body),
        ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
    );
    assert_eq!((&body["errorCode"], &body["errorLink"]), (&code.into(), &code.into()));
    let given = body["errorSummary"].as_str().unwrap();
    match summary.strip_suffix("{0}") {
        Some(beginning) => assert!(given.starts_with(beginning) && given.len() > beginning.len(), "{given}"),
        None => assert_eq!(given, summary),
    }
    let id = body["errorId"].as_str().unwrap();
    assert!(id.starts_with("oae") && id.len() == 25, "{id}");
    for cause in body["errorCauses"].as_array().unwrap() {
        assert_eq!(names(cause), ["errorSummary"]);
        assert!(
            cause["errorSummary"].as_str().is_some_and(|text| !text.is_empty()),
            "{body}"
        );
    }
}

/// Whether this is what Okta says, where `{list}` stands for a list whose members are not known.
#[track_caller]
pub(crate) fn says(given: &str, expected: &str) {
    match expected.split_once("{list}") {
        Some((before, after)) => assert!(
            given.starts_with(before) && given.ends_with(after),
            "{given}\n{expected}"
        ),
        None => assert_eq!(given, expected),
    }
}

pub(crate) fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
