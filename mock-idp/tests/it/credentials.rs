//! Credentials that are made on the hosted page: a new password for an expired one, a second factor.

use mock_idp::MockIdp;
use url::Url;

use crate::{
    app::{self, Browser, param},
    pages::{code, code_of, first_page, has, has_not, is_done, org, text},
};

/// From the first page to the one after the password.
async fn after_password(
    idp: &MockIdp,
    browser: &mut Browser,
    style: &str,
    login: &str,
    password: &str,
) -> (Url, String) {
    let (url, mut page) = first_page(idp, browser, &[]).await;
    if style == "identifier-first" {
        let named = browser.submit(&url, &page, &[("identifier", login)]).await;
        page = named.text().await.unwrap();
    }
    let fields = [
        ("identifier", login),
        ("credentials.passcode", password),
        ("username", login),
        ("password", password),
    ];
    let answer = browser.submit(&url, &page, &fields).await;
    assert_eq!(answer.status(), 200, "{style} {login}");
    (url, answer.text().await.unwrap())
}

#[tokio::test]
async fn an_expired_password_is_changed_on_a_page_of_its_own() {
    for style in ["classic", "one-page", "identifier-first"] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let (url, page) = after_password(&idp, &mut browser, style, "old@acme.test", "stale").await;
        let name = if style == "classic" {
            "newPassword"
        } else {
            "credentials.passcode"
        };
        has(
            &page,
            &[
                &format!("input[name='{name}'][type=password][autocomplete=new-password]"),
                "input[name=confirmPassword][type=password]",
                "input[type=submit][data-type=save]",
                "a[data-se=cancel]",
            ],
        );
        has_not(&page, &["[role=alert]"]);
        let mut fields = vec![(name, "fresh"), ("confirmPassword", "fresh")];
        if style == "classic" {
            fields.push(("oldPassword", "stale"));
            let wrong = [("oldPassword", "x"), (name, "fresh"), ("confirmPassword", "fresh")];
            let wrong = browser.submit(&url, &page, &wrong).await.text().await.unwrap();
            assert_eq!(
                text(&wrong, ".infobox-error[role=alert]"),
                "Update of credentials failed"
            );
        }
        let mut differ = fields.clone();
        differ[1].1 = "other";
        let differ = browser.submit(&url, &page, &differ).await.text().await.unwrap();
        has(&differ, &["#input111-error[role=alert]"]);
        let mut empty = fields.clone();
        empty[0].1 = "";
        let empty = browser.submit(&url, &page, &empty).await.text().await.unwrap();
        assert_eq!(text(&empty, "#input103-error"), "This field cannot be left blank");
        assert!(is_done(&browser.submit(&url, &page, &fields).await), "{style}");
        // From now on it is the new one.
        let mut other = Browser::new();
        let (_, page) = after_password(&idp, &mut other, style, "old@acme.test", "stale").await;
        has(&page, &[".infobox-error[role=alert]"]);
    }
}

#[tokio::test]
async fn the_second_factor_comes_before_a_new_password() {
    let idp = org("one-page").await;
    let mut browser = Browser::new();
    let (url, page) = after_password(&idp, &mut browser, "one-page", "older@acme.test", "stale").await;
    has(&page, &["input[autocomplete=one-time-code]"]);
    let page = browser.submit(&url, &page, &[("credentials.passcode", &code())]).await;
    let page = page.text().await.unwrap();
    has(&page, &["input[name=confirmPassword]"]);
    let fields = [("credentials.passcode", "fresh"), ("confirmPassword", "fresh")];
    assert!(is_done(&browser.submit(&url, &page, &fields).await));
}

#[tokio::test]
async fn a_second_factor_is_set_up_where_it_must_be() {
    for style in ["classic", "one-page"] {
        let idp = org(style).await;
        let mut browser = Browser::new();
        let (url, page) = after_password(&idp, &mut browser, style, "new@acme.test", "right").await;
        let secret = text(&page, "[data-se=shared-secret]").replace(' ', "");
        let field = if style == "classic" {
            "answer"
        } else {
            "credentials.passcode"
        };
        let wrong = browser
            .submit(&url, &page, &[(field, "000000")])
            .await
            .text()
            .await
            .unwrap();
        assert_eq!(text(&wrong, "[data-se=shared-secret]").replace(' ', ""), secret);
        has(&wrong, &["[role=alert]"]);
        let done = browser.submit(&url, &page, &[(field, &code_of(&secret))]).await;
        assert!(is_done(&done), "{style}");
        let (_, page) = after_password(&idp, &mut Browser::new(), style, "new@acme.test", "right").await;
        has(&page, &["input[autocomplete=one-time-code]"]);
        has_not(&page, &["[data-se=shared-secret]"]);
    }
}

#[tokio::test]
async fn a_request_can_have_an_authenticator_set_up() {
    let idp = org("one-page").await;
    let request = |methods: &'static str| {
        let changes = [
            ("response_type", Some("none")),
            ("prompt", Some("enroll_authenticator")),
            ("acr_values", Some("urn:okta:loa:2fa:any:ifpossible")),
            ("max_age", Some("0")),
            ("enroll_amr_values", Some(methods)),
            ("scope", None),
            ("nonce", None),
            ("code_challenge", None),
            ("code_challenge_method", None),
        ];
        app::authorization_url(&idp.issuer(), &changes)
    };
    let fields = [("identifier", "ann@acme.test"), ("credentials.passcode", "right")];
    let mut browser = Browser::new();
    let url = request("google_otp");
    let page = browser.get(&url).await.text().await.unwrap();
    let page = browser.submit(&url, &page, &fields).await.text().await.unwrap();
    let secret = text(&page, "[data-se=shared-secret]").replace(' ', "");
    let done = browser
        .submit(&url, &page, &[("credentials.passcode", &code_of(&secret))])
        .await;
    assert_eq!(
        app::location(&done).as_str(),
        "http://localhost:3000/callback?state=the-state"
    );
    // What this org does not have cannot be set up.
    let url = request("yubikey");
    let mut browser = Browser::new();
    let page = browser.get(&url).await.text().await.unwrap();
    let fields = [("identifier", "soon@acme.test"), ("credentials.passcode", "right")];
    let refused = browser.submit(&url, &page, &fields).await;
    assert_eq!(
        param(&app::location(&refused), "error_description").unwrap(),
        "Authenticator enrollment is not allowed at this time. Please contact support for assistance."
    );
}
