//! End-to-end scripts for Okta's hosted page, as suites have them: the selectors are theirs, word for word, and nothing else
//! tells them that this is no Okta. Without a browser these tests fail under `CI=true` and say that they were not run
//! otherwise.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use conformance::browser::webdriver::{Brand, driver::Driver};
use fantoccini::{Client, Locator};
use mock_idp::{
    Client as Registration, MockIdp, Tenant, User,
    protocol::totp,
    tenant::{ConsentMethod, PageStyle, Scope, ScopeConsent},
};
use url::Url;

const LOGIN: &str = "ada@example.test";
const PASSWORD: &str = "Tr0ub4dor&3";
const FACTOR: &str = "JBSWY3DPEHPK3PXP";
/// How long a page may take on a busy machine.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// One line of a script.
enum Do {
    Fill(&'static str, &'static str),
    Click(&'static str),
    /// The code that the authenticator app shows.
    FillCode(&'static str),
    /// This text stands in this element.
    See(&'static str, &'static str),
    /// Nothing led away from the authorization endpoint so far.
    StillHere,
    /// A picture for people, when `SCREENSHOTS` names a folder.
    Picture(&'static str),
}
use Do::{Click, Fill, FillCode, Picture, See, StillHere};

/// The selectors that recordings have: the numbers are those of Okta's widget.
const BY_NUMBER: &[Do] = &[
    Picture("identifier"),
    Fill("#input28", LOGIN),
    Click("#form20 input.button-primary"),
    StillHere,
    Picture("password"),
    Fill("#input54", PASSWORD),
    Click("#form46 input.button-primary"),
];

/// The selectors that people write.
const BY_NAME: &[Do] = &[
    Fill("input[name=\"identifier\"]", LOGIN),
    Click("input[value=\"Next\"]"),
    StillHere,
    See("[data-se=\"o-form-head\"]", "Verify with your password"),
    Fill("input[name=\"credentials.passcode\"]", "guess"),
    Click("input[value=\"Verify\"]"),
    See("[data-se=\"callout\"]", "Password is incorrect"),
    Picture("password-wrong"),
    StillHere,
    Click("[data-se=\"cancel\"]"),
    See("[data-se=\"o-form-head\"]", "Sign In"),
    StillHere,
    Click("input[type=\"submit\"]"),
    See("#input28-error", "This field cannot be left blank"),
    Picture("identifier-blank"),
    Fill("input[name=\"identifier\"]", LOGIN),
    Click("input[type=\"submit\"]"),
    Fill("input[name=\"credentials.passcode\"]", PASSWORD),
    Click("input[type=\"submit\"]"),
];

/// okta-oidc-middleware's page object: it takes either style, with both fields on one page.
const EITHER_STYLE: &[Do] = &[
    Picture("first"),
    Fill("#okta-signin-username, [name=\"identifier\"]", LOGIN),
    Fill("#okta-signin-password, [name=\"credentials.passcode\"]", PASSWORD),
    Click("#okta-signin-submit, [data-type=\"save\"]"),
];

const CLASSIC: &[Do] = &[
    Click("#okta-signin-submit"),
    See(
        ".infobox-error",
        "We found some errors. Please review the form and make corrections.",
    ),
    Picture("classic-blank"),
    Fill("#okta-signin-username", LOGIN),
    Fill("#okta-signin-password", "guess"),
    Click("#okta-signin-submit"),
    See(".infobox-error", "Unable to sign in"),
    StillHere,
    Picture("classic-wrong"),
    Click("[data-se=\"needhelp\"]"),
    See("[data-se=\"forgot-password\"]", "Forgot password?"),
    Picture("classic-help"),
    Fill("#okta-signin-username", LOGIN),
    Fill("#okta-signin-password", PASSWORD),
    Click("#okta-signin-submit"),
];

const SECOND_FACTOR: &[Do] = &[
    Fill("input[name=\"identifier\"]", "grace@example.test"),
    Fill("input[name=\"credentials.passcode\"]", "any"),
    Click("[data-type=\"save\"]"),
    See("[data-se=\"o-form-head\"]", "Verify with Google Authenticator"),
    Picture("passcode"),
    Fill("input[name=\"credentials.passcode\"]", "000000"),
    Click("input[value=\"Verify\"]"),
    See(
        "[data-se=\"o-form-fieldset-credentials.passcode\"] [role=\"alert\"]",
        "Invalid code. Try again.",
    ),
    Picture("passcode-wrong"),
    StillHere,
    FillCode("input[name=\"credentials.passcode\"]"),
    Click("input[value=\"Verify\"]"),
];

const CONSENT: &[Do] = &[
    Fill("[name=\"identifier\"]", LOGIN),
    Fill("[name=\"credentials.passcode\"]", PASSWORD),
    Click("[data-type=\"save\"]"),
    See(".consent-required .consent-title", "My Web App would like to:"),
    Picture("consent"),
    Click("input[data-type=\"save\"]"),
];

/// An application that shows the address to which it was sent back.
async fn application() -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = axum::Router::new().fallback(|| async { "signed in" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// Plays a script in a window of its own, as wide as told; the application got a code with its state.
async fn play(driver: &Driver, style: PageStyle, width: u32, scopes: &str, script: &[Do]) {
    let port = application().await;
    let callback = format!("http://localhost:{port}/callback");
    let mut client = Registration::web("web").redirect(&callback);
    client.consent = ConsentMethod::Required;
    let mut ada = User::named(LOGIN, "Ada", "Lovelace");
    ada.password = Some(PASSWORD.to_owned());
    let mut grace = User::named("grace@example.test", "Grace", "Hopper");
    grace.totp = Some(FACTOR.to_owned());
    let mut org = Tenant {
        name: "Acme".to_owned(),
        page: style,
        clients: vec![Arc::new(client)],
        users: vec![Arc::new(ada), Arc::new(grace)],
        ..Tenant::default()
    };
    for (name, description) in [
        ("reports:read", "Read your reports"),
        ("reports:send", "Send reports to your colleagues in your name"),
    ] {
        org.servers[0].scopes.push(Scope {
            name: name.to_owned(),
            description: description.to_owned(),
            consent: ScopeConsent::Required,
            ..Scope::default()
        });
    }
    let idp = MockIdp::builder().tenant(org).start().await.unwrap();
    let url = Url::parse_with_params(
        &format!("{}/v1/authorize", idp.issuer()),
        [
            ("client_id", "web"),
            ("response_type", "code"),
            ("redirect_uri", &callback),
            ("scope", scopes),
            ("state", "a-state"),
        ],
    )
    .unwrap();
    let browser = driver.window().await.unwrap();
    browser.set_window_size(width, 820).await.unwrap();
    browser.goto(url.as_str()).await.unwrap();
    for line in script {
        perform(&browser, &idp, &format!("{style:?}-{width}"), line).await;
    }
    let began = std::time::Instant::now();
    let mut seen = browser.current_url().await.unwrap();
    while !seen.as_str().starts_with(&callback) && began.elapsed() < PAGE_TIMEOUT {
        seen = browser.current_url().await.unwrap();
    }
    let names: Vec<String> = seen.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(
        (seen.path(), names),
        ("/callback", vec!["code".to_owned(), "state".to_owned()]),
        "{seen}"
    );
    browser.close().await.unwrap();
}

async fn perform(browser: &Client, idp: &MockIdp, suffix: &str, line: &Do) {
    match line {
        Fill(selector, text) => fill(browser, selector, text).await,
        FillCode(selector) => {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            let code = totp::code(FACTOR, i64::try_from(now.as_secs()).unwrap()).unwrap();
            fill(browser, selector, &code).await;
        }
        Click(selector) => {
            let before = browser.find(Locator::Css("html")).await.unwrap();
            let element = browser.wait().at_most(PAGE_TIMEOUT).for_element(Locator::Css(selector));
            element.await.unwrap().click().await.unwrap();
            // A click that sends a form or follows a link replaces the page; the driver may return before.
            let is_link = selector.contains("needhelp");
            let began = std::time::Instant::now();
            while !is_link && before.tag_name().await.is_ok() && began.elapsed() < PAGE_TIMEOUT {}
        }
        See(selector, text) => {
            let element = browser.wait().at_most(PAGE_TIMEOUT).for_element(Locator::Css(selector));
            assert_eq!(element.await.unwrap().text().await.unwrap(), *text, "{selector}");
        }
        StillHere => {
            let here = browser.current_url().await.unwrap();
            assert_eq!(here.origin(), idp.origin().origin());
            assert_eq!(here.path(), "/oauth2/default/v1/authorize");
        }
        Picture(name) => {
            if let Some(folder) = std::env::var_os("SCREENSHOTS") {
                let picture = browser.screenshot().await.unwrap();
                std::fs::write(
                    std::path::Path::new(&folder).join(format!("{name}-{suffix}.png")),
                    picture,
                )
                .unwrap();
            }
        }
    }
}

async fn fill(browser: &Client, selector: &str, text: &str) {
    let field = browser.wait().at_most(PAGE_TIMEOUT).for_element(Locator::Css(selector));
    let field = field.await.unwrap();
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_for_oktas_hosted_page_sign_in_unchanged() {
    if Brand::Chrome.find_driver().is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no chromedriver: `conformance browser install` installs it"
        );
        return say_not_run();
    }
    let driver = Driver::start(Brand::Chrome, false).await.unwrap();
    let scripts = [
        (PageStyle::IdentifierFirst, "openid", BY_NUMBER),
        (PageStyle::IdentifierFirst, "openid", BY_NAME),
        (PageStyle::OnePage, "openid", EITHER_STYLE),
        (PageStyle::Classic, "openid", EITHER_STYLE),
        (PageStyle::Classic, "openid", CLASSIC),
        (PageStyle::OnePage, "openid", SECOND_FACTOR),
        (PageStyle::OnePage, "openid reports:read reports:send", CONSENT),
    ];
    for (style, scopes, script) in scripts {
        for width in [1024, 500] {
            // A narrow window changes nothing but the pictures: one script each is enough without them.
            if width == 1024 || std::env::var_os("SCREENSHOTS").is_some() {
                play(&driver, style, width, scopes, script).await;
            }
        }
    }
    driver.stop().await;
}

#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
fn say_not_run() {
    eprintln!("NOT RUN: this machine has no chromedriver (`conformance browser install`)");
}
