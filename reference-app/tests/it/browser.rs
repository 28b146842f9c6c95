//! The app and the hosted page as people see them: a real browser, clicked through. Without a browser these tests fail
//! under `CI=true` and say that they were not run otherwise.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use conformance::browser::webdriver::{Brand, driver::Driver};
use fantoccini::{Client, Locator, elements::Element, key::Key};
use mock_idp::{
    Client as Registration, MockIdp, Tenant, User,
    protocol::totp,
    tenant::{ConsentMethod, Scope, ScopeConsent},
};
use reference_app::{app::App, clock::Clock, config::Config};

const PASSWORD: &str = "Tr0ub4dor&3";
const FACTOR: &str = "JBSWY3DPEHPK3PXP";
/// How long a page may take on a busy machine.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// App, authorization server and browser, all for one test.
struct Stage {
    browser: Client,
    driver: Driver,
    app: String,
    clock: Clock,
    idp: MockIdp,
}

impl Stage {
    async fn set() -> Option<Self> {
        Self::set_with(|client| client).await
    }

    /// `None` where this machine has no browser.
    async fn set_with(adjust: impl FnOnce(Registration) -> Registration) -> Option<Self> {
        if !has_driver() {
            return None;
        }
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = format!("http://localhost:{port}");
        let registration = Registration::web("web")
            .secret("a-secret-of-thirty-two-characters")
            .redirect(&format!("{app}/authorization-code/callback"))
            .post_logout(&format!("{app}/signed-out"));
        let mut ada = User::named("ada@example.test", "Ada", "Lovelace");
        ada.password = Some(PASSWORD.to_owned());
        let mut grace = User::named("grace@example.test", "Grace", "Hopper");
        grace.totp = Some(FACTOR.to_owned());
        let mut org = Tenant::default();
        org.servers[0].scopes.push(Scope {
            name: "reports".to_owned(),
            description: "Read your reports".to_owned(),
            consent: ScopeConsent::Required,
            ..Scope::default()
        });
        org.clients = vec![Arc::new(adjust(registration))];
        org.users = vec![Arc::new(ada), Arc::new(grace)];
        let idp = MockIdp::builder().tenant(org).start().await.unwrap();
        let settings = [
            ("OKTA_ISSUER", idp.issuer()),
            ("OKTA_CLIENT_ID", "web".to_owned()),
            ("OKTA_CLIENT_SECRET", "a-secret-of-thirty-two-characters".to_owned()),
            ("PORT", port.to_string()),
            ("SCOPES", "openid profile email reports".to_owned()),
        ];
        let lookup = |name: &str| {
            settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        };
        let clock = Clock::default();
        let served = App::open(Config::from_lookup(lookup).unwrap(), clock.clone())
            .await
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, served.router()).await });
        let driver = Driver::start(Brand::Chrome, false).await.unwrap();
        let browser = driver.window().await.unwrap();
        Some(Self {
            browser,
            driver,
            app,
            clock,
            idp,
        })
    }

    async fn open(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.app)).await.unwrap();
    }

    /// Waits for an element of this page or of one that is still on its way.
    async fn element(&self, selector: &str) -> Element {
        let waiting = self.browser.wait().at_most(PAGE_TIMEOUT);
        waiting.for_element(Locator::Css(selector)).await.unwrap()
    }

    async fn click(&self, selector: &str) {
        self.element(selector).await.click().await.unwrap();
    }

    async fn text(&self, selector: &str) -> String {
        // A page that is being replaced makes an element stale: what counts is the page that stays.
        for _ in 0..20 {
            let element = self.element(selector).await;
            if let Ok(text) = element.text().await {
                return text;
            }
        }
        panic!("{selector} never stays on {}", self.path().await)
    }

    /// Waits until this text stands there: a page may still be on its way.
    async fn expect(&self, selector: &str, text: &str) {
        let seen = self.text_that(selector, |seen| seen == text).await;
        assert_eq!(seen, text, "on {}", self.path().await);
    }

    /// Waits until these words stand there, whatever stands around them.
    async fn expect_words(&self, selector: &str, words: &str) {
        let seen = self.text_that(selector, |seen| seen.contains(words)).await;
        assert!(seen.contains(words), "{seen} on {}", self.path().await);
    }

    /// The first text that fits, else the last that was seen in time.
    async fn text_that(&self, selector: &str, fits: impl Fn(&str) -> bool) -> String {
        let began = std::time::Instant::now();
        let mut seen = self.text(selector).await;
        while !fits(&seen) && began.elapsed() < PAGE_TIMEOUT {
            seen = self.text(selector).await;
        }
        seen
    }

    async fn type_into(&self, selector: &str, text: &str) {
        let field = self.element(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// On the hosted page: who, the password, and the button.
    async fn submit(&self, login: &str, password: &str) {
        self.type_into("[name=identifier]", login).await;
        self.type_into("[name='credentials.passcode']", password).await;
        self.click("[data-type=save]").await;
    }

    /// Path and query of the open page, when it is the app's.
    async fn path(&self) -> String {
        let url = self.browser.current_url().await.unwrap();
        match url.as_str().strip_prefix(&self.app) {
            Some(path) => path.to_owned(),
            None => url.to_string(),
        }
    }

    /// Waits until the app shows this page, named by path and query.
    async fn expect_path(&self, path: &str) {
        let began = std::time::Instant::now();
        let mut seen = self.path().await;
        while seen != path && began.elapsed() < PAGE_TIMEOUT {
            seen = self.path().await;
        }
        assert_eq!(seen, path);
    }

    /// Waits for the hosted page.
    async fn is_on_hosted_page(&self) -> bool {
        let form = self
            .browser
            .wait()
            .at_most(PAGE_TIMEOUT)
            .for_element(Locator::Css("[name=identifier]"));
        form.await.is_ok() && self.path().await.starts_with(self.idp.origin().as_str())
    }

    async fn sign_in(&self) {
        self.open("/").await;
        self.click("#signin-button").await;
        self.submit("ada@example.test", PASSWORD).await;
    }

    async fn picture(&self, name: &str) {
        picture(&self.browser, name).await;
    }

    async fn end(self) {
        end(self.browser, self.driver).await;
    }
}

/// Whether this machine can drive Chrome; under `CI=true` it must.
pub(crate) fn has_driver() -> bool {
    let has = Brand::Chrome.find_driver().is_some();
    if !has {
        assert!(
            std::env::var_os("CI").is_none(),
            "no chromedriver: `conformance browser install` installs it"
        );
        say_not_run();
    }
    has
}

/// A picture for people, when `SCREENSHOTS` names a folder.
pub(crate) async fn picture(browser: &Client, name: &str) {
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let picture = browser.screenshot().await.unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }
}

pub(crate) async fn end(browser: Client, driver: Driver) {
    browser.close().await.unwrap();
    driver.stop().await;
}

#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
fn say_not_run() {
    eprintln!("NOT RUN: this machine has no chromedriver (`conformance browser install`)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_sees_the_profile_and_signs_out() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/").await;
    stage.expect("#signin-button", "Sign in").await;
    stage.picture("home").await;
    stage.click("#signin-button").await;
    assert!(stage.is_on_hosted_page().await);
    stage.expect("h2", "Sign In").await;
    stage.picture("hosted-page").await;
    stage.submit("ada@example.test", PASSWORD).await;

    stage.expect_path("/profile").await;
    stage.expect("h1", "Ada Lovelace").await;
    assert!(stage.text(".facts").await.contains("ada@example.test"));
    stage.picture("profile").await;
    stage.open("/").await;
    stage.expect("h1", "Hello, Ada").await;
    stage.expect("#signout-button", "Sign out").await;
    stage.picture("home-signed-in").await;

    stage.click("#signout-button").await;
    stage.expect("h1", "Sign out?").await;
    stage.picture("sign-out").await;
    stage.click("button#signout-button").await;
    stage.expect("h1", "You are signed out").await;
    assert_eq!(stage.path().await.split('?').next().unwrap(), "/signed-out");
    assert!(
        stage.text("main").await.contains("here and at Okta"),
        "{}",
        stage.text("main").await
    );
    stage.picture("signed-out").await;

    // The session over there has ended too: the next sign-in asks for the password.
    stage.click("#signin-button").await;
    assert!(stage.is_on_hosted_page().await);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_on_the_hosted_page_and_the_right_one_still_works() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/signin").await;
    stage.submit("ada@example.test", "guess").await;
    assert!(stage.is_on_hosted_page().await);
    stage.expect_words("[role=alert]", "Unable to sign in").await;
    stage.picture("wrong-password").await;
    stage.submit("ada@example.test", PASSWORD).await;
    stage.expect_path("/profile").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/signin").await;
    stage.submit("grace@example.test", "any password").await;
    let asks = |seen: &str| seen.starts_with("Verify with");
    let title = stage.text_that("h2", asks).await;
    assert!(asks(&title), "{title}");
    stage.picture("second-factor").await;
    stage.type_into("[name='credentials.passcode']", "000000").await;
    stage.click("[data-type=save]").await;
    // The fields of the page before are there until this one is.
    stage.expect_words("[role=alert]", "Please review the form").await;
    assert!(
        stage.path().await.starts_with("http://127.0.0.1"),
        "a wrong code lets nobody in"
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let code = totp::code(FACTOR, i64::try_from(now).unwrap()).unwrap();
    stage.type_into("[name='credentials.passcode']", &code).await;
    stage.click("[data-type=save]").await;
    stage.expect_path("/profile").await;
    stage.expect("h1", "Grace Hopper").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_asked_for_once_and_can_be_denied() {
    let consent = |mut client: Registration| {
        client.consent = ConsentMethod::Required;
        client
    };
    let Some(stage) = Stage::set_with(consent).await else {
        return;
    };
    stage.open("/signin").await;
    stage.submit("ada@example.test", PASSWORD).await;
    let question = stage.text("h2.consent-title").await;
    assert!(question.contains("would like to"), "{question}");
    stage.picture("consent").await;
    stage.click("[data-type=cancel]").await;
    assert_eq!(stage.text("[role=alert] h1").await, stage.text("h1").await);
    assert!(
        stage.path().await.starts_with("/authorization-code/callback"),
        "{}",
        stage.path().await
    );
    stage.picture("consent-denied").await;
    stage.open("/me").await;
    assert!(!stage.text("body").await.contains("ada@example.test"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_was_given_is_not_asked_for_again() {
    let consent = |mut client: Registration| {
        client.consent = ConsentMethod::Required;
        client
    };
    let Some(stage) = Stage::set_with(consent).await else {
        return;
    };
    stage.open("/signin").await;
    stage.submit("ada@example.test", PASSWORD).await;
    let question = stage.text("h2.consent-title").await;
    assert!(question.contains("would like to"), "{question}");
    stage.click("[data-type=save]").await;
    stage.expect_path("/profile").await;
    stage.expect("h1", "Ada Lovelace").await;

    // The app forgets its visitor; the authorization server remembers visitor and consent.
    stage.browser.delete_all_cookies().await.unwrap();
    stage.open("/signin").await;
    stage.expect_path("/profile").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/").await;
    let press = async |selector: &str, keys: &str| {
        stage.element(selector).await.send_keys(keys).await.unwrap();
    };
    let enter = char::from(Key::Enter).to_string();
    press("#signin-button", &enter).await;
    assert!(stage.is_on_hosted_page().await);
    press("[name=identifier]", "ada@example.test").await;
    press("[name='credentials.passcode']", &format!("{PASSWORD}{enter}")).await;
    stage.expect_path("/profile").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_in_one_tab_signs_the_other_one_out() {
    let Some(stage) = Stage::set().await else { return };
    stage.sign_in().await;
    stage.expect_path("/profile").await;
    let first = stage.browser.window().await.unwrap();
    let second = stage.browser.new_window(true).await.unwrap().handle;
    stage.browser.switch_to_window(second).await.unwrap();
    stage.open("/profile").await;
    stage.expect("h1", "Ada Lovelace").await;
    stage.click("#signout-button").await;
    stage.click("button#signout-button").await;
    stage.expect("h1", "You are signed out").await;
    stage.browser.switch_to_window(first).await.unwrap();
    stage.browser.refresh().await.unwrap();
    assert!(
        stage.is_on_hosted_page().await,
        "the profile asks for a new sign-in: {}",
        stage.path().await
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_link_leads_back_to_itself() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/profile?tab=1&q=a%2Fb").await;
    assert!(stage.is_on_hosted_page().await);
    stage.submit("ada@example.test", PASSWORD).await;
    stage.expect_path("/profile?tab=1&q=a%2Fb").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_visit_needs_no_password_unless_it_is_asked_for() {
    let Some(stage) = Stage::set().await else { return };
    stage.sign_in().await;
    stage.expect_path("/profile").await;
    // The app has forgotten its visitor; the authorization server has not.
    stage.open("/").await;
    stage.browser.delete_all_cookies().await.unwrap();
    stage.open("/").await;
    stage.click("#signin-button").await;
    stage.expect_path("/profile").await;

    let again = format!(
        "{}/v1/authorize?client_id=web&response_type=code&scope=openid&state=abc&nonce=def&prompt=login&redirect_uri={}",
        stage.idp.issuer(),
        "http%3A%2F%2Flocalhost".to_owned()
            + &stage.app["http://localhost".len()..].replace(':', "%3A")
            + "%2Fauthorization-code%2Fcallback",
    );
    stage.browser.goto(&again).await.unwrap();
    assert!(
        stage.is_on_hosted_page().await,
        "prompt=login asks again: {}",
        stage.path().await
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_can_sign_in_one_after_the_other() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("/signin").await;
    let first = stage.browser.window().await.unwrap();
    let second = stage.browser.new_window(true).await.unwrap().handle;
    stage.browser.switch_to_window(second.clone()).await.unwrap();
    stage.open("/signin").await;
    stage.browser.switch_to_window(first).await.unwrap();
    stage.submit("ada@example.test", PASSWORD).await;
    stage.expect_path("/profile").await;
    stage.browser.switch_to_window(second).await.unwrap();
    stage.submit("ada@example.test", PASSWORD).await;
    stage.expect_path("/profile").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_button_after_sign_out_shows_nothing() {
    let Some(stage) = Stage::set().await else { return };
    stage.sign_in().await;
    stage.expect_path("/profile").await;
    stage.click("#signout-button").await;
    stage.click("button#signout-button").await;
    stage.expect("h1", "You are signed out").await;
    for _ in 0..5 {
        stage.browser.back().await.unwrap();
        let page = stage.browser.source().await.unwrap();
        assert!(!page.contains("Lovelace"), "{} shows her again", stage.path().await);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_asks_for_a_new_sign_in() {
    let Some(stage) = Stage::set().await else { return };
    stage.sign_in().await;
    stage.expect_path("/profile").await;
    let day = i64::try_from(Duration::from_secs(24 * 3600).as_secs()).unwrap();
    stage.clock.advance(day);
    stage.open("/").await;
    stage.expect("#signin-button", "Sign in").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_pages_say_what_to_do_next() {
    let Some(stage) = Stage::set().await else { return };
    for path in [
        "/authorization-code/callback?code=x&state=never-made",
        "/authorization-code/callback",
        "/nowhere",
    ] {
        stage.open(path).await;
        assert!(!stage.text("main").await.is_empty(), "{path} is an empty page");
        stage.picture(&format!("error-{}", path.len())).await;
    }
    stage
        .open("/authorization-code/callback?error=access_denied&state=never-made")
        .await;
    assert!(!stage.text("h1").await.is_empty());
    stage.click("#signin-button").await;
    assert!(stage.is_on_hosted_page().await);
    stage.end().await;
}
