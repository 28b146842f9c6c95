//! The metadata documents: members, order and headers as Okta sends them.

use mock_idp::{MockIdp, config};
use serde_json::{Value, json};

use crate::app::{self, Browser, names};

async fn document(url: &str) -> Value {
    let answer = Browser::new().get(url).await;
    assert_eq!(answer.status(), 200, "{url}");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn openid_configuration_has_oktas_members_in_oktas_order() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let custom = document(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(
        names(&custom),
        [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "registration_endpoint",
            "jwks_uri",
            "response_types_supported",
            "response_modes_supported",
            "grant_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "id_token_encryption_alg_values_supported",
            "id_token_encryption_enc_values_supported",
            "scopes_supported",
            "token_endpoint_auth_methods_supported",
            "claims_supported",
            "code_challenge_methods_supported",
            "introspection_endpoint",
            "introspection_endpoint_auth_methods_supported",
            "revocation_endpoint",
            "revocation_endpoint_auth_methods_supported",
            "end_session_endpoint",
            "request_parameter_supported",
            "request_object_signing_alg_values_supported",
            "device_authorization_endpoint",
            "pushed_authorization_request_endpoint",
            "backchannel_token_delivery_modes_supported",
            "backchannel_authentication_request_signing_alg_values_supported",
            "dpop_signing_alg_values_supported"
        ]
    );
    assert_eq!(custom["issuer"], json!(issuer));
    assert_eq!(
        custom["registration_endpoint"],
        json!(format!("{org}/oauth2/v1/clients"))
    );
    assert_eq!(custom["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(
        custom["scopes_supported"],
        json!([
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
            "device_sso",
            "interclient_access"
        ])
    );
    let of_org = document(&format!("{org}/.well-known/openid-configuration")).await;
    assert_eq!(of_org["issuer"], json!(org));
    assert_eq!(of_org["token_endpoint"], json!(format!("{org}/oauth2/v1/token")));
    assert_eq!(
        of_org["scopes_supported"],
        json!([
            "openid",
            "email",
            "profile",
            "address",
            "phone",
            "offline_access",
            "groups"
        ])
    );
}

#[tokio::test]
async fn the_oauth_document_answers_on_both_paths() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let after = document(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    let inserted = document(&format!("{org}/.well-known/oauth-authorization-server/oauth2/default")).await;
    assert_eq!(after, inserted);
    assert_eq!(
        names(&after)[..6],
        [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "registration_endpoint",
            "jwks_uri",
            "response_types_supported"
        ]
    );
    assert_eq!(
        after["response_types_supported"],
        json!([
            "code",
            "token",
            "id_token",
            "code id_token",
            "code token",
            "id_token token",
            "code id_token token"
        ])
    );
    assert_eq!(
        after["claims_supported"],
        json!(["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"])
    );
    assert!(
        after["grant_types_supported"]
            .as_array()
            .unwrap()
            .contains(&json!("client_credentials"))
    );
    assert_eq!(after.get("userinfo_endpoint"), None);
    // The org's: no keys, no userinfo, and the scopes of the management API.
    let of_org = document(&format!("{org}/.well-known/oauth-authorization-server")).await;
    assert_eq!((of_org.get("jwks_uri"), of_org.get("userinfo_endpoint")), (None, None));
    let scopes = of_org["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("okta.users.manage")) && scopes.contains(&json!("groups")));
    assert_eq!(
        names(&of_org)[names(&of_org).len() - 4..],
        [
            "dpop_signing_alg_values_supported",
            "frontchannel_logout_supported",
            "frontchannel_logout_session_supported",
            "identity_chaining_requested_token_types_supported"
        ]
    );
}

#[tokio::test]
async fn metadata_and_keys_are_cacheable_and_free_of_limits_and_cookies() {
    let idp = app::idp().await;
    let issuer = idp.issuer();
    for (url, max_age) in [
        (format!("{issuer}/.well-known/openid-configuration"), 86_400),
        (format!("{issuer}/.well-known/oauth-authorization-server"), 86_400),
        (app::endpoint(&issuer, "keys"), 3_885_115),
    ] {
        let answer = Browser::new().get(&url).await;
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/json", "{url}");
        assert_eq!(headers["cache-control"], format!("max-age={max_age}, must-revalidate"));
        assert_eq!(headers["vary"], "Origin");
        assert_eq!(headers["accept-ch"], "Sec-CH-UA-Platform-Version");
        assert_eq!(headers["x-okta-request-id"].len(), 32);
        assert!(headers.contains_key("expires"));
        for name in ["set-cookie", "x-rate-limit-limit", "pragma", "x-robots-tag"] {
            assert!(!headers.contains_key(name), "{url}: {name}");
        }
    }
}

#[tokio::test]
async fn unknown_servers_and_clients_are_refused_in_the_management_shape() {
    let idp = app::idp().await;
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let body = |answer: reqwest::Response| async {
        let status = answer.status().as_u16();
        let mut body: Value = answer.json().await.unwrap();
        body["errorId"] = json!("oae");
        (status, body)
    };
    let summary = "Not found: Resource not found: aus0000000000000none (AuthorizationServer)";
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let url = format!("{org}/oauth2/aus0000000000000none/.well-known/{name}");
        assert_eq!(
            body(Browser::new().get(url).await).await,
            (
                404,
                json!({"errorCode": "E0000007", "errorSummary": summary, "errorLink": "E0000007", "errorId": "oae", "errorCauses": []})
            )
        );
    }
    let url = format!("{org}/.well-known/openid-configuration?client_id=nobody");
    let (status, refusal) = body(Browser::new().get(url).await).await;
    assert_eq!(
        (status, &refusal["errorCode"], &refusal["errorSummary"]),
        (
            400,
            &json!("invalid_client"),
            &json!("Invalid value for `client_id` parameter")
        )
    );
}

async fn org(text: &str) -> MockIdp {
    let config = config::parse("mock-idp.toml", text).unwrap();
    crate::app::builder().tenant(config.tenant).start().await.unwrap()
}

#[tokio::test]
async fn rows_of_features_can_be_switched_off() {
    let idp =
        org("[features]\npar = false\ndpop = false\nciba = false\ndevice = false\nid_token_encryption = false").await;
    let document = document(&format!("{}/.well-known/openid-configuration", idp.issuer())).await;
    for name in [
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
        "backchannel_token_delivery_modes_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
    ] {
        assert_eq!(document.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn several_servers_are_configured_and_have_issuers_of_their_own() {
    let idp = org("[[auth_server]]\nid = \"default\"\n[[auth_server]]\nid = \"aus1\"\naudience = \"api://one\"\nscopes = [\"one:read\"]").await;
    let document = document(&format!("{}/.well-known/openid-configuration", idp.issuer_of("aus1"))).await;
    assert_eq!(document["issuer"], json!(idp.issuer_of("aus1")));
    assert!(
        document["scopes_supported"]
            .as_array()
            .unwrap()
            .contains(&json!("one:read"))
    );
}

#[tokio::test]
async fn without_the_licence_there_are_no_custom_servers() {
    let idp = org("[features]\napi_access_management = false").await;
    let url = format!("{}/.well-known/openid-configuration", idp.issuer());
    let answer = Browser::new().get(url).await;
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["errorCode"], &body["errorSummary"]),
        (
            &json!("E0000015"),
            &json!("You do not have permission to access the feature you are requesting")
        )
    );
    let page = Browser::new().get(app::authorization_url(&idp.issuer(), &[])).await;
    assert_eq!(page.status(), 400);
    let page = page.text().await.unwrap();
    assert!(
        page.contains("server_error") && page.contains("The requested feature is not enabled in this environment.")
    );
    let answer = crate::management::call(&idp, reqwest::Method::GET, "/api/v1/authorizationServers", None).await;
    assert_eq!((answer.status, &answer.body["errorCode"]), (401, &json!("E0000015")));
}

#[tokio::test]
async fn oktas_tools_are_told_which_org_this_is() {
    let idp = app::idp().await;
    let document = document(&format!("{}.well-known/okta-organization", idp.origin())).await;
    assert_eq!(document["pipeline"], "idx");
    assert!(document["id"].as_str().unwrap().starts_with("00o"));
}

#[tokio::test]
async fn an_issuer_is_at_the_orgs_url_at_its_own_domain_or_where_it_is_asked() {
    let text = format!(
        r#"
custom_domain = "https://id.acme.test"
[[auth_server]]
id = "fixed"
issuer_mode = "ORG_URL"
[[auth_server]]
id = "own"
issuer_mode = "CUSTOM_URL"
[[auth_server]]
id = "default"
[[client]]
id = "web"
secret = "{secret}"
grant_types = ["password"]
[[user]]
login = "{login}"
"#,
        secret = app::SECRET,
        login = app::ALICE
    );
    let tenant = mock_idp::config::parse("mock-idp.toml", &text).unwrap().tenant;
    let idp = crate::app::builder().tenant(tenant).start().await.unwrap();
    let org = idp.origin().as_str().trim_end_matches('/').to_owned();
    let issuer = |server: &'static str, host: &'static str| {
        let url = format!("{org}/oauth2/{server}/.well-known/openid-configuration");
        async move {
            let headers: &[(&str, &str)] = if host.is_empty() { &[] } else { &[("host", host)] };
            let answer = Browser::new().request(reqwest::Method::GET, url, headers, "").await;
            let document: Value = answer.json().await.unwrap();
            let issuer = document["issuer"].as_str().unwrap().to_owned();
            assert_eq!(document["token_endpoint"], format!("{issuer}/v1/token"));
            issuer
        }
    };
    let own = "https://id.acme.test";
    for (server, host, base) in [
        ("fixed", "", org.as_str()),
        ("fixed", "id.acme.test", &org),
        ("own", "", own),
        ("own", "id.acme.test", own),
        ("default", "", &org),
        ("default", "ID.acme.test", own),
        ("default", "evil.test", &org),
    ] {
        assert_eq!(issuer(server, host).await, format!("{base}/oauth2/{server}"), "{host}");
    }
    // Tokens say the same.
    let body = format!(
        "grant_type=password&username={}&password=x&scope=openid&client_id=web&client_secret={}",
        app::ALICE,
        app::SECRET
    );
    let headers = [
        ("host", "id.acme.test"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let url = format!("{org}/oauth2/default/v1/token");
    let answer = Browser::new()
        .request(reqwest::Method::POST, url, &headers, &body)
        .await;
    let tokens: Value = answer.json().await.unwrap();
    let claims = app::part(tokens["id_token"].as_str().unwrap(), 1);
    assert_eq!(claims["iss"], "https://id.acme.test/oauth2/default");
}
