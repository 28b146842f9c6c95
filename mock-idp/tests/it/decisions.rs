//! What stands between the password and the code: second factor, assignment, access policy, consent; and the page's styles.

use mock_idp::{MockIdp, config, protocol::totp};
use serde_json::{Value, json};

use crate::app::{self, Browser, param, part};

const ORG: &str = r#"
[[auth_server]]
id = "default"
scopes = ["api:read"]
[[auth_server.scope]]
name = "money:spend"
description = "Spend your money"
consent = "REQUIRED"
[[auth_server.claim]]
name = "teams"
groups = { regex = "team-.*" }
[[auth_server.claim]]
name = "plan"
value = "gold"
token = "access"
scopes = ["api:read"]
[[auth_server.claim]]
name = "hidden"
attribute = "locale"
always = false
[[auth_server.policy]]
groups = ["Everyone"]
scopes = ["openid", "profile", "email", "api:read", "money:spend"]
[[client]]
id = "web"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
consent_method = "REQUIRED"
assigned = ["ann@acme.test", "mia@acme.test", "out@acme.test"]
[[user]]
login = "ann@acme.test"
password = "right"
groups = ["Everyone", "team-red", "staff"]
claims = { locale = "de-DE" }
[[user]]
login = "mia@acme.test"
mfa = "totp:JBSWY3DPEHPK3PXP"
[[user]]
login = "eve@acme.test"
[[user]]
login = "out@acme.test"
groups = ["Strangers"]
[[user]]
login = "old@acme.test"
status = "SUSPENDED"
"#;

async fn org(page: &str) -> MockIdp {
    let config = config::parse("mock-idp.toml", &format!("page = \"{page}\"\n{ORG}")).unwrap();
    crate::app::builder().tenant(config.tenant).start().await.unwrap()
}

async fn sign_in_page(idp: &MockIdp, browser: &mut Browser, changes: &[(&str, Option<&str>)]) -> (url::Url, String) {
    let url = app::authorization_url(&idp.issuer(), changes);
    let page = browser.get(&url).await.text().await.unwrap();
    (url, page)
}

async fn attempt(idp: &MockIdp, login: &str, password: &str, changes: &[(&str, Option<&str>)]) -> reqwest::Response {
    let mut browser = Browser::new();
    let (url, page) = sign_in_page(idp, &mut browser, changes).await;
    browser
        .submit(
            &url,
            &page,
            &[("identifier", login), ("credentials.passcode", password)],
        )
        .await
}

fn description(answer: &reqwest::Response) -> String {
    param(&app::location(answer), "error_description").unwrap_or_default()
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again() {
    let idp = org("one-page").await;
    for (login, password) in [
        ("ann@acme.test", "wrong"),
        ("mia@acme.test", "wrong"),
        ("nobody@acme.test", "x"),
        ("old@acme.test", "x"),
    ] {
        let answer = attempt(&idp, login, password, &[]).await;
        assert_eq!(answer.status(), 200, "{login}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("Unable to sign in") && page.contains(login), "{page}");
    }
    let answer = attempt(&idp, "ann@acme.test", "right", &[]).await;
    assert!(param(&app::location(&answer), "code").is_some());
}

#[tokio::test]
async fn an_unassigned_user_is_refused_after_the_page() {
    let idp = org("one-page").await;
    let answer = attempt(&idp, "eve@acme.test", "x", &[]).await;
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?state=the-state&error=access_denied&error_description=\
         User+is+not+assigned+to+the+client+application."
    );
}

#[tokio::test]
async fn the_access_policy_decides_over_users_and_scopes() {
    let idp = org("one-page").await;
    let answer = attempt(&idp, "out@acme.test", "x", &[]).await;
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?state=the-state&error=access_denied&error_description=\
         Policy+evaluation+failed+for+this+request%2C+please+check+the+policy+configurations."
    );
    let answer = attempt(&idp, "ann@acme.test", "right", &[("scope", Some("openid phone"))]).await;
    assert_eq!(
        description(&answer),
        "Some of the requested scopes were denied by the policy. Denied scopes: [phone]."
    );
}

#[tokio::test]
async fn consent_is_asked_once_and_remembered() {
    let idp = org("one-page").await;
    let changes = [("scope", Some("openid money:spend"))];
    let mut browser = Browser::new();
    let (url, page) = sign_in_page(&idp, &mut browser, &changes).await;
    let fields = [("identifier", "ann@acme.test"), ("credentials.passcode", "right")];
    let consent = browser.submit(&url, &page, &fields).await;
    assert_eq!(consent.status(), 200);
    let consent = consent.text().await.unwrap();
    for expected in [
        "consent-required",
        "consent-title",
        "Spend your money",
        "Allow Access",
        "Don't Allow",
    ] {
        assert!(consent.contains(expected), "{expected} in {consent}");
    }
    let refused = browser.submit(&url, &consent, &[("cancel", "Don't Allow")]).await;
    assert_eq!(
        description(&refused),
        "The resource owner or authorization server denied the request."
    );

    let silent = app::authorization_url(&idp.issuer(), &[changes[0], ("prompt", Some("none"))]);
    let answer = browser.get(&silent).await;
    assert_eq!(
        description(&answer),
        "The following scopes require user consent: [money:spend]."
    );

    let consent = browser.get(&url).await.text().await.unwrap();
    let answer = browser.submit(&url, &consent, &[]).await;
    assert!(param(&app::location(&answer), "code").is_some());
    let answer = browser.get(&silent).await;
    assert!(param(&app::location(&answer), "code").is_some(), "remembered");
    let again = app::authorization_url(&idp.issuer(), &[changes[0], ("prompt", Some("consent"))]);
    assert_eq!(
        browser.get(&again).await.status(),
        200,
        "asked because the request says so"
    );
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_is_good_once() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let (url, page) = sign_in_page(&idp, &mut browser, &[]).await;
    assert!(page.contains("value=\"Next\"") && !page.contains("credentials.passcode"));
    let page = browser.submit(&url, &page, &[("identifier", "mia@acme.test")]).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("Verify with your password") && page.contains("input54") && page.contains("form46"));
    let wrong = browser.submit(&url, &page, &[("credentials.passcode", "wrong")]).await;
    assert!(wrong.text().await.unwrap().contains("Password is incorrect"));
    let empty = browser.submit(&url, &page, &[("credentials.passcode", "")]).await;
    assert!(empty.text().await.unwrap().contains("This field cannot be left blank"));
    let page = browser.submit(&url, &page, &[("credentials.passcode", "any")]).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("Verify with Google Authenticator"));
    let wrong = browser.submit(&url, &page, &[("credentials.passcode", "000000")]).await;
    assert!(wrong.text().await.unwrap().contains("Invalid code. Try again."));

    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let code = totp::code("JBSWY3DPEHPK3PXP", i64::try_from(now.as_secs()).unwrap()).unwrap();
    let answer = browser.submit(&url, &page, &[("credentials.passcode", &code)]).await;
    let code = param(&app::location(&answer), "code").unwrap();
    let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert_eq!(claims["amr"], json!(["mfa", "otp", "pwd"]));
}

#[tokio::test]
async fn the_classic_page_has_the_ids_that_suites_know() {
    let idp = org("classic").await;
    let mut browser = Browser::new();
    let (url, page) = sign_in_page(&idp, &mut browser, &[("login_hint", Some("ann@acme.test"))]).await;
    let html = scraper::Html::parse_document(&page);
    for selector in [
        "#signin-container",
        "main#okta-sign-in.auth-container.main-container",
        "form[data-se=o-form]",
        "h2[data-se=o-form-head]",
        "#okta-signin-username[name=username][value='ann@acme.test']",
        "#okta-signin-password[name=password][type=password]",
        "#okta-signin-submit[type=submit][data-type=save][value='Sign In']",
        "[data-se=o-form-error-container]",
        "[data-se=needhelp]",
        "input[name=remember]",
    ] {
        let selector = scraper::Selector::parse(selector).unwrap();
        assert!(html.select(&selector).next().is_some(), "{selector:?} in {page}");
    }
    let answer = browser
        .submit(&url, &page, &[("username", "ann@acme.test"), ("password", "right")])
        .await;
    assert!(param(&app::location(&answer), "code").is_some());
}

#[tokio::test]
async fn identity_engine_pages_have_the_names_that_suites_know() {
    let idp = org("one-page").await;
    let (_, page) = sign_in_page(&idp, &mut Browser::new(), &[]).await;
    let html = scraper::Html::parse_document(&page);
    for selector in [
        "html[lang=en]",
        "main#okta-sign-in[data-se=auth-container]",
        "form.ion-form.o-form#form20[data-se=o-form][method=post]",
        "[data-se=o-form-fieldset-identifier] label[for=input28]",
        "input#input28[name=identifier][autocomplete=username]",
        "input[name='credentials.passcode'][type=password]",
        "input.button.button-primary[type=submit][data-type=save]",
        "input[name=rememberMe]",
    ] {
        let selector = scraper::Selector::parse(selector).unwrap();
        assert!(html.select(&selector).next().is_some(), "{selector:?} in {page}");
    }
}

#[tokio::test]
async fn custom_claims_go_where_their_rules_say() {
    let idp = org("one-page").await;
    let answer = attempt(&idp, "ann@acme.test", "right", &[("scope", Some("openid api:read"))]).await;
    let code = param(&app::location(&answer), "code").unwrap();
    let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
    let id_token = part(tokens["id_token"].as_str().unwrap(), 1);
    let access_token = part(tokens["access_token"].as_str().unwrap(), 1);
    assert_eq!(id_token["teams"], json!(["team-red"]));
    assert_eq!(id_token.get("hidden"), None, "only where no access token stands beside");
    assert_eq!(access_token["plan"], "gold");
    assert_eq!(access_token.get("teams"), None);
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let info: Value = info.json().await.unwrap();
    assert_eq!(
        (&info["teams"], &info["hidden"]),
        (&json!(["team-red"]), &json!("de-DE"))
    );
}
