//! Tokens for what somebody else vouches for: other tokens, a device secret, an ID-JAG, an assertion.

use mock_idp::config;
use serde_json::json;

use crate::{
    app::{self, ALICE, part},
    grants::{BEARER, EXCHANGE, now, org, post, refused, signed, token},
};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

#[tokio::test]
async fn a_token_is_exchanged_for_one_of_another_server() {
    let idp = org("").await;
    let params = [
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "right"),
        ("scope", "openid"),
    ];
    let (_, first) = token(&idp, &params).await;
    let subject = first["access_token"].as_str().unwrap();
    let exchange = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("grant_type", EXCHANGE),
        ("subject_token", subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "other:read"),
        ("audience", "api://other"),
    ];
    let url = app::endpoint(&idp.issuer_of("other"), "token");
    let (status, body) = post(&url, &exchange).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    let claims = part(body["access_token"].as_str().unwrap(), 1);
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("api://other"), &json!(ALICE)));
    let mut wrong = exchange;
    wrong[3].1 = "nonsense";
    refused(
        post(&url, &wrong).await,
        400,
        "invalid_request",
        "'subject_token' is invalid.",
    );
    let mut wrong = exchange;
    wrong[6].1 = "api://nowhere";
    refused(
        post(&url, &wrong).await,
        400,
        "invalid_target",
        "Token Exchange requests must include a valid audience of the authorization server.",
    );
}

#[tokio::test]
async fn applications_of_one_device_share_a_sign_in_by_its_secret() {
    let idp = org("").await;
    let password = [
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "right"),
        ("scope", "openid device_sso"),
    ];
    let (_, first) = token(&idp, &password).await;
    let id_token = first["id_token"].as_str().unwrap();
    let secret = first["device_secret"].as_str().expect("a device secret");
    let base = [
        ("grant_type", EXCHANGE),
        ("subject_token", id_token),
        ("subject_token_type", ID_TOKEN),
        ("actor_token", secret),
        ("actor_token_type", "urn:x-oath:params:oauth:token-type:device-secret"),
        ("scope", "openid offline_access"),
    ];
    let changed = |name: &str, value: &'static str| {
        let mut params = base.to_vec();
        for pair in &mut params {
            if pair.0 == name {
                pair.1 = value;
            }
        }
        params
    };
    let (status, second) = token(&idp, &base).await;
    assert_eq!(status, 200, "{second}");
    let claims = part(second["id_token"].as_str().unwrap(), 1);
    assert_eq!(claims["sub"], part(id_token, 1)["sub"]);
    assert_eq!(claims["auth_time"], part(id_token, 1)["auth_time"]);
    assert!(second["refresh_token"].is_string());
    assert_eq!(second.get("device_secret"), None, "without device_sso there is none");
    for (params, text) in [
        (changed("actor_token", "nonsense"), "'actor_token' is invalid."),
        (
            changed("actor_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            "'actor_token_type' is invalid or not supported.",
        ),
        (changed("subject_token", "nonsense"), "'subject_token' is invalid."),
        (
            changed("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
            "'subject_token_type' is invalid or not supported.",
        ),
    ] {
        refused(token(&idp, &params).await, 400, "invalid_request", text);
    }
    let mut mixed = changed("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
    mixed[1].1 = first["access_token"].as_str().unwrap();
    refused(
        token(&idp, &mixed).await,
        400,
        "invalid_request",
        "When 'actor_token_type' is 'urn:x-oath:params:oauth:token-type:device-secret', 'subject_token_type' must be \
         'urn:ietf:params:oauth:token-type:id_token'.",
    );
    let revoke = [
        ("client_id", "web"),
        ("client_secret", app::SECRET),
        ("token", secret),
        ("token_type_hint", "device_secret"),
    ];
    assert_eq!(post(&app::endpoint(&idp.issuer(), "revoke"), &revoke).await.0, 200);
    refused(
        token(&idp, &base).await,
        400,
        "invalid_request",
        "'actor_token' is invalid.",
    );
    idp.shift_clock(3601);
    refused(
        token(&idp, &base).await,
        400,
        "invalid_grant",
        "The 'subject_token' either expired or the session associated with it was terminated.",
    );
}

#[tokio::test]
async fn an_id_token_becomes_an_id_jag_and_that_an_access_token() {
    let idp = org("").await;
    let org_token = app::endpoint(&idp.issuer_of(""), "token");
    let credentials = [("client_id", "web"), ("client_secret", app::SECRET)];
    let password = [
        credentials[0],
        credentials[1],
        ("grant_type", "password"),
        ("username", ALICE),
        ("password", "right"),
        ("scope", "openid"),
    ];
    let (_, tokens) = post(&org_token, &password).await;
    let audience = idp.issuer_of("other");
    let ask = |audience: &str, scope: &str| {
        let form: Vec<(String, String)> = [
            credentials[0],
            credentials[1],
            ("grant_type", EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("subject_token", tokens["id_token"].as_str().unwrap()),
            ("subject_token_type", ID_TOKEN),
            ("audience", audience),
            ("scope", scope),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let url = org_token.clone();
        async move {
            let form: Vec<(&str, &str)> = form
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            post(&url, &form).await
        }
    };
    let (status, made) = ask(&audience, "other:read").await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        (&made["token_type"], &made["expires_in"], &made["issued_token_type"]),
        (&json!("N_A"), &json!(300), &json!(ID_JAG))
    );
    let id_jag = made["access_token"].as_str().unwrap().to_owned();
    refused(
        ask("https://elsewhere.test", "other:read").await,
        400,
        "invalid_target",
        "Token Exchange requests must include a valid audience of the authorization server.",
    );

    let url = app::endpoint(&audience, "token");
    let redeem = |assertion: String, more: &[(&'static str, &'static str)]| {
        let (url, more) = (url.clone(), more.to_vec());
        async move {
            let mut form = vec![
                credentials[0],
                credentials[1],
                ("grant_type", BEARER),
                ("assertion", assertion.as_str()),
            ];
            form.extend(more);
            post(&url, &form).await
        }
    };
    refused(
        redeem(id_jag.clone(), &[("scope", "other:read")]).await,
        400,
        "invalid_request",
        "The id-jag request must not include a 'scope' parameter.",
    );
    refused(
        redeem(id_jag.clone(), &[("resource", "https://elsewhere.test")]).await,
        400,
        "invalid_grant",
        "The 'resource' claim in the id-jag does not match the 'resource' parameter in the request.",
    );
    refused(
        redeem(format!("{id_jag}AAAA"), &[]).await,
        400,
        "invalid_grant",
        "The signature of the id-jag is invalid.",
    );
    let here = [
        credentials[0],
        credentials[1],
        ("grant_type", BEARER),
        ("assertion", id_jag.as_str()),
    ];
    refused(
        post(&app::endpoint(&idp.issuer(), "token"), &here).await,
        400,
        "invalid_grant",
        "The audience of the JWT Bearer Grant must match the the issuer of the authorization server.",
    );
    let (status, body) = redeem(id_jag.clone(), &[]).await;
    assert_eq!(status, 200, "{body}");
    let claims = part(body["access_token"].as_str().unwrap(), 1);
    assert_eq!(
        (&claims["aud"], &claims["sub"], &claims["scp"]),
        (&json!("api://other"), &json!(ALICE), &json!(["other:read"]))
    );
    refused(
        redeem(id_jag, &[]).await,
        400,
        "invalid_grant",
        "The id-jag was already used.",
    );
    let (_, made) = ask(&audience, "other:read").await;
    idp.shift_clock(301);
    refused(
        redeem(made["access_token"].as_str().unwrap().to_owned(), &[]).await,
        400,
        "invalid_grant",
        "The id-jag is expired.",
    );
}

#[tokio::test]
async fn a_signed_bearer_grant_is_good_once() {
    let idp = org("").await;
    let claims =
        |audience: &str, jti: &str| json!({"iss": "web", "sub": ALICE, "aud": audience, "exp": now() + 60, "jti": jti});
    let ask = |assertion: String| {
        let idp = idp.clone();
        async move {
            token(
                &idp,
                &[("grant_type", BEARER), ("assertion", &assertion), ("scope", "openid")],
            )
            .await
        }
    };
    let good = signed(claims(&idp.issuer(), "one"));
    assert_eq!(ask(good.clone()).await.0, 200);
    refused(
        ask(good).await,
        400,
        "invalid_grant",
        "The jti of the JWT Bearer Grant was already used.",
    );
    refused(
        ask(signed(claims("elsewhere", "two"))).await,
        400,
        "invalid_grant",
        "The audience of the JWT Bearer Grant must match the the issuer of the authorization server.",
    );
}

#[tokio::test]
async fn saml_assertions_are_refused_as_each_engine_refuses_them() {
    const SAML: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
    for (style, text) in [
        ("one-page", "SAML Assertion Bearer Grant is not supported by OIE."),
        ("classic", "'assertion' is not a valid SAML 2.0 Assertion."),
    ] {
        let text_of_org = format!(
            "page = \"{style}\"\n[[client]]\nid = \"web\"\nsecret = \"{}\"\ngrant_types = [\"{SAML}\"]\n",
            app::SECRET
        );
        let tenant = config::parse("mock-idp.toml", &text_of_org).unwrap().tenant;
        let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
        let params = [("grant_type", SAML), ("assertion", "PHNhbWw+"), ("scope", "openid")];
        refused(token(&idp, &params).await, 400, "invalid_grant", text);
        refused(
            token(&idp, &params[..1]).await,
            400,
            "invalid_request",
            "The required parameter 'assertion' is missing.",
        );
    }
}
