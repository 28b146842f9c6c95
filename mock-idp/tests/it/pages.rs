//! The hosted page in its variants, as browsers without JavaScript and end-to-end suites see it.

use mock_idp::{MockIdp, config, protocol::totp};
use reqwest::Response;
use scraper::{Html, Selector};
use serde_json::{Value, json};
use url::Url;

use crate::app::{self, Browser, param, part};

pub(crate) const SECRET: &str = "JBSWY3DPEHPK3PXP";

const ORG: &str = r#"
name = "Acme"
trusted_origins = ["http://localhost:4200"]
[[auth_server]]
id = "default"
[[auth_server.scope]]
name = "money:spend"
description = "Spend your money"
consent = "REQUIRED"
[[client]]
id = "web"
name = "Expenses"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
post_logout_redirect_uris = ["http://localhost:3000/"]
consent_method = "REQUIRED"
[[client]]
id = "closed"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
grant_types = ["authorization_code", "interaction_code"]
assigned = ["mia@acme.test"]
[[client]]
id = "spa"
name = "Timesheets"
redirect_uris = ["http://localhost:4200/callback"]
grant_types = ["authorization_code", "refresh_token", "interaction_code"]
consent_method = "REQUIRED"
[[user]]
login = "ann@acme.test"
password = "right"
claims = { locale = "de-DE", zoneinfo = "Europe/Berlin" }
[[user]]
login = "mia@acme.test"
mfa = "totp:JBSWY3DPEHPK3PXP"
[[user]]
login = "old@acme.test"
password = "stale"
status = "PASSWORD_EXPIRED"
[[user]]
login = "older@acme.test"
password = "stale"
status = "PASSWORD_EXPIRED"
mfa = "totp:JBSWY3DPEHPK3PXP"
[[user]]
login = "new@acme.test"
password = "right"
mfa = "enroll"
[[user]]
login = "soon@acme.test"
password = "right"
password_expires_in = 3
[[user]]
login = "shut@acme.test"
status = "LOCKED_OUT"
[[user]]
login = "off@acme.test"
status = "SUSPENDED"
"#;

/// The org with this style of page.
pub(crate) async fn org(style: &str) -> MockIdp {
    let config = config::parse("mock-idp.toml", &format!("page = \"{style}\"\n{ORG}")).unwrap();
    crate::app::builder().tenant(config.tenant).start().await.unwrap()
}

/// The code that the authenticator app shows now.
pub(crate) fn code() -> String {
    code_of(SECRET)
}

/// The code of an authenticator app with this secret.
pub(crate) fn code_of(secret: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    totp::code(secret, i64::try_from(now.as_secs()).unwrap()).unwrap()
}

pub(crate) async fn first_page(
    idp: &MockIdp,
    browser: &mut Browser,
    changes: &[(&str, Option<&str>)],
) -> (Url, String) {
    let url = app::authorization_url(&idp.issuer(), changes);
    let answer = browser.get(&url).await;
    assert_eq!(answer.status(), 200);
    (url, answer.text().await.unwrap())
}

#[track_caller]
pub(crate) fn has(page: &str, selectors: &[&str]) {
    let html = Html::parse_document(page);
    for selector in selectors {
        let parsed = Selector::parse(selector).unwrap();
        assert!(html.select(&parsed).next().is_some(), "{selector} in {page}");
    }
}

#[track_caller]
pub(crate) fn has_not(page: &str, selectors: &[&str]) {
    let html = Html::parse_document(page);
    for selector in selectors {
        let parsed = Selector::parse(selector).unwrap();
        assert!(html.select(&parsed).next().is_none(), "{selector} in {page}");
    }
}

pub(crate) fn text(page: &str, selector: &str) -> String {
    let html = Html::parse_document(page);
    let element = html.select(&Selector::parse(selector).unwrap()).next();
    let element = element.unwrap_or_else(|| panic!("{selector} in {page}"));
    element.text().collect::<String>().trim().to_owned()
}

/// The sign-in ended at the application.
pub(crate) fn is_done(answer: &Response) -> bool {
    answer.status() == 302 && param(&app::location(answer), "code").is_some()
}

#[tokio::test]
async fn the_classic_page_keeps_its_contract() {
    let idp = org("classic").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[]).await;
    has(
        &page,
        &[
            "html[lang=en]",
            "#okta-login-container #signin-container #okta-sign-in.auth-container.main-container",
            "form[data-se=o-form][method=post]",
            "label[for=okta-signin-username]",
            "span[data-se=o-form-input-username] #okta-signin-username[name=username][type=text]",
            "#okta-signin-password[name=password][type=password]",
            "input#okta-signin-submit[type=submit][data-type=save][value='Sign In']",
            "input[name=remember][type=checkbox]",
            "[data-se=o-form-error-container]",
            "[data-se=needhelp]",
            "a[data-se=forgot-password]",
            "a[data-se=unlock]",
        ],
    );
    has_not(&page, &["[name=identifier]", "[role=alert]"]);
    assert_eq!(text(&page, "title"), "Acme - Sign In");
    assert_eq!(text(&page, "h2[data-se=o-form-head]"), "Sign In");

    let empty = browser.submit(&url, &page, &[]).await.text().await.unwrap();
    assert_eq!(
        text(&empty, ".infobox-error[role=alert]"),
        "We found some errors. Please review the form and make corrections."
    );
    let wrong = browser
        .submit(&url, &page, &[("username", "ann@acme.test"), ("password", "wrong")])
        .await;
    assert_eq!(wrong.status(), 200);
    let wrong = wrong.text().await.unwrap();
    assert_eq!(text(&wrong, ".infobox-error[role=alert]"), "Unable to sign in");
    has(&wrong, &["#okta-signin-username[value='ann@acme.test']"]);
    let right = browser.submit(&url, &wrong, &[("password", "right")]).await;
    assert!(is_done(&right));
}

#[tokio::test]
async fn the_identifier_comes_first_and_the_password_on_a_second_page() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[("login_hint", Some("ann@acme.test"))]).await;
    has(
        &page,
        &[
            "main#okta-sign-in[data-se=auth-container]",
            "form.ion-form.o-form#form20[data-se=o-form]",
            "[data-se=o-form-fieldset-identifier] [data-se=o-form-label] label[for=input28]",
            ".o-form-input-name-identifier input#input28[name=identifier][autocomplete=username][value='ann@acme.test']",
            "input.button.button-primary[type=submit][data-type=save][value=Next]",
            "input[name=rememberMe][type=checkbox]",
            "a[data-se=help]",
        ],
    );
    has_not(&page, &["[name='credentials.passcode']"]);
    assert_eq!(
        text(&page, "[data-se=o-form-fieldset-rememberMe] label"),
        "Keep me signed in"
    );

    let empty = browser
        .submit(&url, &page, &[("identifier", " ")])
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        text(&empty, "[data-se=callout][role=alert]"),
        "We found some errors. Please review the form and make corrections."
    );
    assert_eq!(
        text(&empty, "#input28-error[role=alert]"),
        "This field cannot be left blank"
    );

    let second = browser
        .submit(&url, &page, &[("identifier", "ann@acme.test"), ("rememberMe", "on")])
        .await;
    assert_eq!(second.status(), 200, "the address stays");
    let second = second.text().await.unwrap();
    assert_eq!(text(&second, "[data-se=o-form-head]"), "Verify with your password");
    has(
        &second,
        &[
            "form#form46[data-se=o-form]",
            "label[for=input54]",
            "input#input54[name='credentials.passcode'][type=password]",
            "input[type=submit][data-type=save][value=Verify]",
            "a[data-se=forgot-password]",
            "[data-se=identifier][title='ann@acme.test']",
        ],
    );
    assert_eq!(text(&second, "a[data-se=cancel]"), "Back to sign in");

    let wrong = browser
        .submit(&url, &second, &[("credentials.passcode", "guess")])
        .await;
    let wrong = wrong.text().await.unwrap();
    assert_eq!(text(&wrong, "[data-se=callout]"), "Password is incorrect");

    let done = browser
        .submit(&url, &second, &[("credentials.passcode", "right")])
        .await;
    assert!(is_done(&done));
    // "Keep me signed in" was ticked on the first page.
    for name in ["sid=102", "idx=eyJ6aXAiOiJERUYi"] {
        let cookies: Vec<&str> = done
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name)).expect(name);
        assert!(cookie.contains("Max-Age=2592000"), "{cookie}");
        // Those of `idx` are not known.
        let attributes = ";Version=1;Path=/;Secure;HttpOnly;SameSite=None";
        assert!(name.starts_with("idx") || cookie.contains(attributes), "{cookie}");
    }
}

#[tokio::test]
async fn nobody_is_told_whether_an_unknown_name_exists_before_the_password() {
    let idp = org("identifier-first").await;
    for login in ["nobody@acme.test", "off@acme.test"] {
        let mut browser = Browser::new();
        let (url, page) = first_page(&idp, &mut browser, &[]).await;
        let second = browser
            .submit(&url, &page, &[("identifier", login)])
            .await
            .text()
            .await
            .unwrap();
        assert_eq!(text(&second, "[data-se=o-form-head]"), "Verify with your password");
        let answer = browser.submit(&url, &second, &[("credentials.passcode", "x")]).await;
        assert_eq!(
            text(&answer.text().await.unwrap(), "[data-se=callout]"),
            "Unable to sign in"
        );
    }
}

#[tokio::test]
async fn both_on_one_page_is_the_default() {
    let idp = crate::app::builder().start().await.unwrap();
    let url = app::authorization_url(
        &idp.issuer(),
        &[
            ("client_id", Some("mock-web-client")),
            ("redirect_uri", Some("http://localhost:3000/callback")),
        ],
    );
    let mut browser = Browser::new();
    let page = browser.get(&url).await.text().await.unwrap();
    has(
        &page,
        &[
            "form#form20 input#input28[name=identifier]",
            "form#form20 input[name='credentials.passcode'][type=password]",
            "input[type=submit][data-type=save][value='Sign in']",
            "a[data-se=forgot-password]",
        ],
    );
    let empty = browser
        .submit(&url, &page, &[("identifier", "alice@example.test")])
        .await;
    let empty = empty.text().await.unwrap();
    assert_eq!(
        text(&empty, "[data-se='o-form-fieldset-credentials.passcode'] [role=alert]"),
        "This field cannot be left blank"
    );
    has(&empty, &["input#input28[value='alice@example.test']"]);
    let done = browser.submit(&url, &empty, &[("credentials.passcode", "any")]).await;
    assert!(is_done(&done));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_in_every_style() {
    for style in ["classic", "one-page", "identifier-first"] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let (url, mut page) = first_page(&idp, &mut browser, &[]).await;
        let (name, field) = if style == "classic" {
            ("username", "answer")
        } else {
            ("identifier", "credentials.passcode")
        };
        let secret = if style == "classic" {
            "password"
        } else {
            "credentials.passcode"
        };
        if style == "identifier-first" {
            page = browser
                .submit(&url, &page, &[(name, "mia@acme.test")])
                .await
                .text()
                .await
                .unwrap();
        }
        let page = browser
            .submit(&url, &page, &[(name, "mia@acme.test"), (secret, "any")])
            .await;
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        has(
            &page,
            &[
                &format!("input[name='{field}'][autocomplete=one-time-code][inputmode=numeric]"),
                "input[type=submit][data-type=save][value=Verify]",
                "a[data-se=cancel]",
            ],
        );
        let wrong = browser
            .submit(&url, &page, &[(field, "000000")])
            .await
            .text()
            .await
            .unwrap();
        if style == "classic" {
            assert_eq!(text(&page, "[data-se=o-form-head]"), "Google Authenticator");
            assert_eq!(text(&wrong, ".infobox-error[role=alert]"), "Invalid Passcode/Answer");
        } else {
            assert_eq!(text(&page, "[data-se=o-form-head]"), "Verify with Google Authenticator");
            assert_eq!(
                text(&wrong, "[data-se='o-form-fieldset-credentials.passcode'] [role=alert]"),
                "Invalid code. Try again."
            );
        }
        let empty = browser.submit(&url, &page, &[(field, "")]).await.text().await.unwrap();
        assert_eq!(text(&empty, ".o-form-input-error"), "This field cannot be left blank");

        let shown = code();
        let done = browser.submit(&url, &page, &[(field, &shown)]).await;
        let tokens: Value = app::redeem(&idp.issuer(), &param(&app::location(&done), "code").unwrap(), &[])
            .await
            .json()
            .await
            .unwrap();
        let claims = part(tokens["id_token"].as_str().unwrap(), 1);
        assert_eq!(claims["amr"], json!(["mfa", "otp", "pwd"]), "{style}");

        // The same code a second time, in another browser.
        let mut other = Browser::new();
        let (url, mut page) = first_page(&idp, &mut other, &[]).await;
        if style == "identifier-first" {
            page = other
                .submit(&url, &page, &[(name, "mia@acme.test")])
                .await
                .text()
                .await
                .unwrap();
        }
        let page = other
            .submit(&url, &page, &[(name, "mia@acme.test"), (secret, "any")])
            .await;
        let page = page.text().await.unwrap();
        let used = other
            .submit(&url, &page, &[(field, &shown)])
            .await
            .text()
            .await
            .unwrap();
        assert_eq!(
            text(&used, ".infobox-error"),
            "Each code can only be used once. Please wait for a new code and try again."
        );
    }
}

#[tokio::test]
async fn back_to_sign_in_begins_again_in_the_same_flow() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[("state", Some("kept"))]).await;
    let second = browser
        .submit(&url, &page, &[("identifier", "wrong@acme.test")])
        .await
        .text()
        .await
        .unwrap();
    let html = Html::parse_document(&second);
    let link = html
        .select(&Selector::parse("a[data-se=cancel]").unwrap())
        .next()
        .unwrap();
    let back = url.join(link.attr("href").unwrap()).unwrap();
    assert_eq!(back.path(), url.path(), "the address stays on authorize");
    let again = browser.get(&back).await.text().await.unwrap();
    assert_eq!(text(&again, "[data-se=o-form-head]"), "Sign In");
    let second = browser
        .submit(&back, &again, &[("identifier", "ann@acme.test")])
        .await
        .text()
        .await
        .unwrap();
    let done = browser
        .submit(&back, &second, &[("credentials.passcode", "right")])
        .await;
    assert_eq!(param(&app::location(&done), "state").as_deref(), Some("kept"));
    assert!(is_done(&done));
    // Once it has ended, the same address is an authorization request like any other.
    let later = browser.get(&back).await;
    assert!(is_done(&later));
}

#[tokio::test]
async fn a_posted_authorization_request_has_a_page_too() {
    let idp = org("identifier-first").await;
    let mut browser = Browser::new();
    let url = app::authorization_url(&idp.issuer(), &[]);
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let at = Url::parse(&app::endpoint(&idp.issuer(), "authorize")).unwrap();
    let page = browser.post(&at, &pairs).await.text().await.unwrap();
    let second = browser
        .submit(&at, &page, &[("identifier", "ann@acme.test")])
        .await
        .text()
        .await
        .unwrap();
    let done = browser.submit(&at, &second, &[("credentials.passcode", "right")]).await;
    assert!(is_done(&done));
}

#[tokio::test]
async fn consent_is_worded_as_each_style_words_it() {
    for (style, title) in [
        ("classic", "Expenses would like to access:"),
        ("one-page", "Expenses would like to:"),
    ] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let (url, page) = first_page(&idp, &mut browser, &[("scope", Some("openid money:spend"))]).await;
        let fields = [
            ("identifier", "ann@acme.test"),
            ("credentials.passcode", "right"),
            ("username", "ann@acme.test"),
            ("password", "right"),
        ];
        let consent = browser.submit(&url, &page, &fields).await.text().await.unwrap();
        has(
            &consent,
            &[
                ".consent-required form[data-se=o-form]",
                ".consent-description[data-se=consent-description]",
                "input[type=submit][data-type=save][value='Allow Access']",
                "input[type=submit][value=\"Don't Allow\"]",
            ],
        );
        assert_eq!(text(&consent, ".consent-title"), title);
        assert_eq!(text(&consent, ".scope-list"), "Spend your money");
        let done = browser.submit(&url, &consent, &[]).await;
        assert!(is_done(&done));
        let again = browser.get(&url).await;
        assert!(is_done(&again), "remembered");
    }
}

#[tokio::test]
async fn dont_allow_has_an_address_of_its_own() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[("scope", Some("openid money:spend"))]).await;
    let fields = [("identifier", "ann@acme.test"), ("credentials.passcode", "right")];
    let consent = browser.submit(&url, &page, &fields).await.text().await.unwrap();
    let (_, hidden) = app::form(&consent);
    let handle = &hidden.iter().find(|(name, _)| name == "stateToken").unwrap().1;
    let away = idp
        .origin()
        .join(&format!("/login/step-up/redirect?stateToken={handle}"))
        .unwrap();
    let refused = browser.get(&away).await;
    assert_eq!(
        refused.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?state=the-state&error=access_denied&error_description=\
         The+resource+owner+or+authorization+server+denied+the+request."
    );
    let twice = browser.get(&away).await;
    assert_eq!(twice.status(), 400);
    assert!(
        twice
            .text()
            .await
            .unwrap()
            .contains("Request expired, please start over and try again.")
    );
}

#[tokio::test]
async fn acr_values_ask_for_a_second_factor_or_fail() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let two = [("acr_values", Some("urn:okta:loa:2fa:any"))];
    let (url, page) = first_page(&idp, &mut browser, &two).await;
    let fields = [("identifier", "ann@acme.test"), ("credentials.passcode", "right")];
    let answer = browser.submit(&url, &page, &fields).await;
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?state=the-state&error=unmet_authentication_requirements&error_description=\
         Unable+to+meet+the+authentication+requirements+imposed+by+%27acr_values%27+parameter."
    );
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &two).await;
    let fields = [("identifier", "mia@acme.test"), ("credentials.passcode", "any")];
    let page = browser.submit(&url, &page, &fields).await.text().await.unwrap();
    let done = browser.submit(&url, &page, &[("credentials.passcode", &code())]).await;
    let code = param(&app::location(&done), "code").unwrap();
    let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["acr"],
        "urn:okta:loa:2fa:any"
    );
}

#[tokio::test]
async fn the_page_tells_scripts_where_they_are_and_lets_no_other_script_run() {
    for style in ["classic", "identifier-first"] {
        let idp = org(style).await;
        let url = app::authorization_url(&idp.issuer(), &[("login_hint", Some("</script><script>alert(1)//"))]);
        let answer = Browser::new().get(&url).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'self'"),
            "{policy}"
        );
        let page = answer.text().await.unwrap();
        let html = Html::parse_document(&page);
        let scripts: Vec<_> = html.select(&Selector::parse("script").unwrap()).collect();
        assert_eq!(scripts.len(), 1, "{page}");
        let nonce = scripts[0].attr("nonce").unwrap();
        assert!(policy.contains(&format!("script-src 'nonce-{nonce}'")), "{policy}");
        let token = page
            .split("var stateToken = '")
            .nth(1)
            .unwrap()
            .split("';")
            .next()
            .unwrap();
        if style == "classic" {
            assert_eq!(token, "");
            let from = r"var fromUri = '\x2Foauth2\x2Fv1\x2Fauthorize\x2Fredirect\x3Fokta_key\x3D";
            assert!(page.contains(from), "{page}");
        } else {
            assert!(token.starts_with("02.id."), "{token}");
        }
    }
}

#[tokio::test]
async fn what_somebody_types_is_never_reflected_unescaped() {
    let attack = "\"'><img src=x onerror=alert(1)>";
    for style in ["classic", "one-page", "identifier-first"] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let (url, page) = first_page(&idp, &mut browser, &[("login_hint", Some(attack))]).await;
        let mut pages = vec![page.clone()];
        for name in ["identifier", "username"] {
            let answer = browser
                .submit(&url, &page, &[(name, attack), ("password", attack)])
                .await;
            pages.push(answer.text().await.unwrap());
        }
        for token in [attack, "02.id.nonsense"] {
            let answer = browser.post(&url, &[("stateToken", token)]).await;
            assert_eq!(answer.status(), 400);
            pages.push(answer.text().await.unwrap());
        }
        for path in [
            "/",
            "/login/login.htm?fromURI=",
            "/help/login?",
            "/login/sessionCookieRedirect?redirectUrl=",
        ] {
            let at = idp
                .origin()
                .join(&format!("{path}%22'%3E%3Cimg+src=x+onerror=alert(1)%3E"))
                .unwrap();
            pages.push(browser.get(&at).await.text().await.unwrap());
        }
        for page in pages {
            assert!(!page.contains("<img"), "{style}: {page}");
        }
    }
}

#[tokio::test]
async fn the_org_has_a_sign_in_page_of_its_own() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let root = browser.get(idp.origin()).await;
    assert_eq!(
        (root.status().as_u16(), &root.headers()["location"]),
        (302, &"_mock/".parse().unwrap())
    );
    let home = idp.origin().join("/login/login.htm").unwrap();
    let page = browser.get(&home).await.text().await.unwrap();
    let done = browser
        .submit(
            &home,
            &page,
            &[("identifier", "ann@acme.test"), ("credentials.passcode", "right")],
        )
        .await;
    assert_eq!(app::location(&done).path(), "/app/UserHome");
    let page = browser.get(app::location(&done)).await.text().await.unwrap();
    assert!(page.contains("ann@acme.test"), "{page}");
    let out = browser.get(idp.origin().join("/login/signout").unwrap()).await;
    assert_eq!(app::location(&out).path(), "/login/login.htm");
    assert_eq!(browser.get(&home).await.status(), 200, "the page is shown again");
    // Nobody is led away by the address of the page.
    for elsewhere in [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
    ] {
        let at = Url::parse_with_params(
            home.join("/login/login.htm").unwrap().as_str(),
            [("fromURI", elsewhere)],
        )
        .unwrap();
        let mut browser = Browser::new();
        let page = browser.get(&at).await.text().await.unwrap();
        let done = browser
            .submit(
                &at,
                &page,
                &[("identifier", "ann@acme.test"), ("credentials.passcode", "right")],
            )
            .await;
        assert_eq!(app::location(&done).origin(), idp.origin().origin(), "{elsewhere}");
    }
    for path in ["/signin/forgot-password", "/signin/unlock", "/help/login"] {
        assert_eq!(browser.get(idp.origin().join(path).unwrap()).await.status(), 200);
    }
}

#[tokio::test]
async fn sign_out_tells_the_other_applications_in_frames() {
    let text = r#"
[[client]]
id = "web"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
post_logout_redirect_uris = ["http://localhost:3000/"]
frontchannel_logout_uri = "http://localhost:3000/front"
[[client]]
id = "other"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
frontchannel_logout_uri = "http://localhost:4000/bye?now=1"
frontchannel_logout_session_required = true
[[client]]
id = "unvisited"
secret = "a-secret-that-is-long-enough-for-all"
redirect_uris = ["http://localhost:3000/callback"]
frontchannel_logout_uri = "http://localhost:5000/bye"
[[user]]
login = "alice@example.test"
"#;
    let tenant = config::parse("mock-idp.toml", text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    let mut browser = Browser::new();
    let issuer = idp.issuer();
    let back = app::authorize(&mut browser, &app::authorization_url(&issuer, &[]), app::ALICE).await;
    let tokens = app::redeem(&issuer, &param(&back, "code").unwrap(), &[]).await;
    let tokens: Value = tokens.json().await.unwrap();
    let sid = part(tokens["id_token"].as_str().unwrap(), 1)["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    let silent = browser
        .get(app::authorization_url(&issuer, &[("client_id", Some("other"))]))
        .await;
    assert!(is_done(&silent));
    let logout = Url::parse_with_params(
        &app::endpoint(&issuer, "logout"),
        [
            ("id_token_hint", tokens["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", "http://localhost:3000/"),
            ("state", "bye"),
        ],
    )
    .unwrap();
    let answer = browser.get(&logout).await;
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.unwrap();
    let html = Html::parse_document(&page);
    let frames: Vec<&str> = html
        .select(&Selector::parse("iframe").unwrap())
        .map(|frame| frame.attr("src").unwrap())
        .collect();
    let expected = Url::parse_with_params(
        "http://localhost:4000/bye?now=1",
        [("iss", issuer.as_str()), ("sid", &sid)],
    )
    .unwrap();
    assert_eq!(frames, [expected.as_str()]);
    has(&page, &["a#continue[href='http://localhost:3000/?state=bye']"]);
    // The session is over: the next sign-out has nobody to tell.
    let again = browser.get(&logout).await;
    assert_eq!(app::location(&again).as_str(), "http://localhost:3000/?state=bye");
}

#[tokio::test]
async fn a_message_is_posted_to_the_window_that_opened_the_page() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let mode = ("response_mode", Some("okta_post_message"));
    let (url, page) = first_page(&idp, &mut browser, &[mode, ("state", Some("</script>"))]).await;
    let fields = [("identifier", "ann@acme.test"), ("credentials.passcode", "right")];
    let answer = browser.submit(&url, &page, &fields).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("content-security-policy").is_none());
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("onWindowLoadHandler") && page.contains("\"http://localhost:3000\""),
        "{page}"
    );
    assert!(
        page.contains("\"code\":") && !page.contains("\"state\":\"</script>"),
        "{page}"
    );
    let silent = app::authorization_url(&idp.issuer(), &[mode, ("prompt", Some("none"))]);
    let page = Browser::new().get(&silent).await.text().await.unwrap();
    assert!(page.contains("\"error\":\"login_required\""), "{page}");
}

#[tokio::test]
async fn the_third_generation_has_elements_of_its_own() {
    let config = config::parse(
        "mock-idp.toml",
        &format!("third_generation = true\npage = \"identifier-first\"\n{ORG}"),
    );
    let idp = crate::app::builder()
        .tenant(config.unwrap().tenant)
        .start()
        .await
        .unwrap();
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[("scope", Some("openid money:spend"))]).await;
    has(
        &page,
        &[
            "main#okta-sign-in[data-se='auth-container main-container']",
            "form[data-se=o-form]",
            "h1[data-se=o-form-head]",
            "label[for=identifier]",
            "input#identifier[name=identifier][data-se=identifier]",
            "button[data-se=save][type=submit]",
            "input[name=rememberMe]",
        ],
    );
    let headings = Html::parse_document(&page);
    assert_eq!(headings.select(&Selector::parse("h1").unwrap()).count(), 1);
    assert_eq!(text(&page, "button[data-se=save]"), "Next");
    let blank = browser
        .submit(&url, &page, &[("identifier", "")])
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        text(&blank, ".infobox-error[role=alert]"),
        "We found some errors. Please review the form and make corrections."
    );
    has_not(&blank, &["[data-se=callout]"]);
    let second = browser.submit(&url, &page, &[("identifier", "ann@acme.test")]).await;
    let second = second.text().await.unwrap();
    has(
        &second,
        &["input[id='credentials.passcode'][data-se='credentials.passcode'][type=password]"],
    );
    assert_eq!(text(&second, "button[data-se=save]"), "Verify");
    let wrong = browser
        .submit(&url, &second, &[("credentials.passcode", "guess")])
        .await;
    let wrong = wrong.text().await.unwrap();
    assert_eq!(
        text(&wrong, "[data-se=infobox-error] [data-se=callout]"),
        "Password is incorrect"
    );
    let consent = browser
        .submit(&url, &second, &[("credentials.passcode", "right")])
        .await;
    let consent = consent.text().await.unwrap();
    has(&consent, &["[data-se=consent-description]"]);
    assert_eq!(text(&consent, "button[data-se=save]"), "Allow Access");
    assert!(is_done(&browser.submit(&url, &consent, &[]).await));
}

#[tokio::test]
async fn the_companion_page_signs_somebody_in_by_a_button_and_makes_it_fail_on_request() {
    let idp = org("companion").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[]).await;
    has(
        &page,
        &[
            "form#people button[data-user='ann@acme.test'][name=person][type=submit]",
            "details.fail:not([open]) select[name=fault] option[value='id-token.alg-none']",
            "form[data-se=o-form] input[name=identifier]",
            "form[data-se=o-form] input[data-type=save]",
        ],
    );
    // Who cannot sign in has no button, and what reaches everybody cannot be chosen for one.
    has_not(
        &page,
        &[
            "[data-user='shut@acme.test']",
            "[data-user='off@acme.test']",
            "option[value^='jwks.']",
        ],
    );
    // Ann has a password of her own, which her button knows.
    let done = browser.submit(&url, &page, &[("person", "ann@acme.test")]).await;
    assert!(is_done(&done));

    let mut other = Browser::new();
    let (url, page) = first_page(&idp, &mut other, &[]).await;
    let done = other
        .submit(
            &url,
            &page,
            &[("person", "ann@acme.test"), ("fault", "id-token.alg-none")],
        )
        .await;
    let code = param(&app::location(&done), "code").unwrap();
    let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
    let token = tokens["id_token"].as_str().unwrap();
    assert_eq!(part(token, 0)["alg"], "none");
    assert_eq!(part(token, 1)["preferred_username"], "ann@acme.test");

    // A second factor is asked for all the same, and nobody's button is nobody.
    let (url, page) = first_page(&idp, &mut Browser::new(), &[]).await;
    let asked = Browser::new()
        .submit(&url, &page, &[("person", "mia@acme.test")])
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        text(&asked, "[data-se=o-form-head]"),
        "Verify with Google Authenticator"
    );
    let nobody = Browser::new()
        .submit(&url, &page, &[("person", "nobody@acme.test")])
        .await;
    assert_eq!(nobody.status(), 200);
}

#[tokio::test]
async fn no_style_but_the_companion_takes_a_button() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let (url, page) = first_page(&idp, &mut browser, &[]).await;
    has_not(&page, &["[data-user]", "[name=fault]"]);
    let answer = browser.submit(&url, &page, &[("person", "ann@acme.test")]).await;
    assert_eq!(answer.status(), 200, "nobody is signed in without a password");
}

#[tokio::test]
async fn password_fields_have_an_eye_in_every_style() {
    for style in ["classic", "one-page", "companion"] {
        let idp = org(style).await;
        let (_, page) = first_page(&idp, &mut Browser::new(), &[]).await;
        has(
            &page,
            &[
                "input[type=password].password-with-toggle",
                ".password-toggle[hidden] button.button-show[aria-label='Show password'][type=button]",
            ],
        );
        let look = if style == "one-page" { "gen2" } else { style };
        has(&page, &[&format!("body.look-{look}")]);
    }
}

#[tokio::test]
async fn the_list_of_security_methods_leads_on_in_the_same_flow() {
    for (third, selectors) in [
        (
            "",
            [
                ".authenticator-list [data-se=google_otp] .select-factor",
                ".authenticator-label",
                ".authenticator-button",
            ],
        ),
        (
            "third_generation = true\n",
            [
                "[data-se=authenticator-button]",
                "[data-se=authenticator-button-label]",
                "a[aria-label='Select Google Authenticator.']",
            ],
        ),
    ] {
        let config = config::parse("mock-idp.toml", &format!("{third}page = \"one-page\"\n{ORG}")).unwrap();
        let idp = crate::app::builder().tenant(config.tenant).start().await.unwrap();
        let mut browser = Browser::new();
        let (url, page) = first_page(&idp, &mut browser, &[]).await;
        let fields = [("identifier", "mia@acme.test"), ("credentials.passcode", "any")];
        let page = browser.submit(&url, &page, &fields).await.text().await.unwrap();
        let list = browser
            .get(url.join(&href(&page, "[data-se=switchAuthenticator]")).unwrap())
            .await;
        let list = list.text().await.unwrap();
        has(&list, &selectors);
        assert_eq!(text(&list, ".authenticator-label"), "Google Authenticator");
        let page = browser
            .get(url.join(&href(&list, ".select-factor")).unwrap())
            .await
            .text()
            .await
            .unwrap();
        let done = browser.submit(&url, &page, &[("credentials.passcode", &code())]).await;
        assert!(is_done(&done));
    }
}

#[tokio::test]
async fn a_code_by_email_is_typed_by_those_who_ask_for_it() {
    let user = "[[user]]\nlogin = \"mail@acme.test\"\nmfa = \"email:123456\"\n";
    for (style, heading, link) in [
        ("one-page", "Verify with your email", true),
        ("companion", "Verify with your email", true),
        ("classic", "Verify with Email Authentication", false),
    ] {
        let config = config::parse("mock-idp.toml", &format!("page = \"{style}\"\n{ORG}{user}")).unwrap();
        let idp = MockIdp::builder().tenant(config.tenant).start().await.unwrap();
        let mut browser = Browser::new();
        let (url, page) = first_page(&idp, &mut browser, &[]).await;
        let (name, password) = match style {
            "classic" => ("username", "password"),
            _ => ("identifier", "credentials.passcode"),
        };
        let fields = [
            (name, "mail@acme.test"),
            (password, "any"),
            ("person", "mail@acme.test"),
        ];
        let page = browser.submit(&url, &page, &fields).await.text().await.unwrap();
        assert_eq!(text(&page, ".o-form-head"), heading);
        assert!(text(&page, ".o-form-explain").contains("m***l@acme.test"), "{page}");
        let field = if link { "credentials.passcode" } else { "answer" };
        has(&page, &[&format!("input[name='{field}']")]);
        if link {
            // A script shows it, and the field only then; without one the field is there from the start.
            assert_eq!(
                text(&page, "button[type=button][hidden].enter-auth-code-instead-link"),
                "Enter a verification code instead"
            );
            let list = url.join(&href(&page, "[data-se=switchAuthenticator]")).unwrap();
            let list = browser.get(list).await.text().await.unwrap();
            has(&list, &[".authenticator-list [data-se=okta_email] .select-factor"]);
            assert_eq!(text(&list, ".authenticator-label"), "Email");
        } else {
            has_not(&page, &[".enter-auth-code-instead-link"]);
        }
        let page = browser
            .submit(&url, &page, &[(field, "000000")])
            .await
            .text()
            .await
            .unwrap();
        has(&page, &[".o-form-has-errors"]);
        assert!(
            is_done(&browser.submit(&url, &page, &[(field, "123456")]).await),
            "{style}"
        );
    }
}

fn href(page: &str, selector: &str) -> String {
    let html = Html::parse_document(page);
    let element = html.select(&Selector::parse(selector).unwrap()).next().expect(selector);
    element.attr("href").unwrap().to_owned()
}
