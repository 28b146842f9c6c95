//! Orgs as people write them, and what they get.

use mock_idp::{MockIdp, config};
use reqwest::StatusCode;
use serde_json::json;

use crate::app::{self, Browser, part};

const CLIENT: &str = "[[client]]\nid = \"web\"\nsecret = \"a-secret-that-is-long-enough-for-all\"\nredirect_uris = \
                      [\"http://localhost:3000/callback\"]\n";

async fn org(text: &str) -> MockIdp {
    let config = config::parse("mock-idp.toml", text).unwrap_or_else(|error| panic!("{error}"));
    MockIdp::builder().tenant(config.tenant).start().await.unwrap()
}

#[tokio::test]
async fn claims_of_a_user_reach_every_token_and_userinfo() {
    let text = format!(
        "{CLIENT}[[user]]\nlogin = \"zoe@example.test\"\ngiven_name = \"Zoë 🙂\"\nclaims = {{ employee_id = \"E-1\", tenant = {{ \
         id = 7 }}, \"https://example.test/roles\" = [\"admin\"] }}\n"
    );
    let idp = org(&text).await;
    let tokens = app::sign_in(&idp.issuer(), "zoe@example.test", &[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    let userinfo: serde_json::Value = app::userinfo(&idp.issuer(), access).await.json().await.unwrap();
    for claims in [part(tokens["id_token"].as_str().unwrap(), 1), part(access, 1), userinfo] {
        assert_eq!(claims["employee_id"], "E-1", "{claims}");
        assert_eq!(claims["tenant"], json!({"id": 7}));
        assert_eq!(claims["https://example.test/roles"], json!(["admin"]));
    }
    // As with Okta, where somebody wants that.
    let idp = org(&format!("claims_need_rules = true\n{text}")).await;
    let tokens = app::sign_in(&idp.issuer(), "zoe@example.test", &[]).await;
    assert!(
        part(tokens["id_token"].as_str().unwrap(), 1)
            .get("employee_id")
            .is_none()
    );
}

#[tokio::test]
async fn a_login_that_is_no_address_has_one_only_if_it_is_given() {
    let idp = org(&format!(
        "{CLIENT}[[user]]\nlogin = \"jdoe\"\n[[user]]\nlogin = \"rroe\"\nemail = \"r@example.test\"\n"
    ))
    .await;
    let tokens = app::sign_in(&idp.issuer(), "jdoe", &[]).await;
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert!(claims.get("email").is_none(), "{claims}");
    assert_eq!(claims["preferred_username"], "jdoe");
    let userinfo = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let userinfo: serde_json::Value = userinfo.json().await.unwrap();
    assert!(
        userinfo.get("email").is_none() && userinfo.get("email_verified").is_none(),
        "{userinfo}"
    );
    let tokens = app::sign_in(&idp.issuer(), "rroe", &[]).await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["email"], "r@example.test");
}

#[tokio::test]
async fn logins_of_any_alphabet_ignore_case() {
    let idp = org(&format!("{CLIENT}[[user]]\nlogin = \"zoë@example.test\"\n")).await;
    let tokens = app::sign_in(&idp.issuer(), "ZOË@Example.Test", &[]).await;
    assert_eq!(
        part(tokens["id_token"].as_str().unwrap(), 1)["preferred_username"],
        "zoë@example.test"
    );
}

#[tokio::test]
async fn any_port_of_this_machine_is_good_by_a_setting_or_under_lax() {
    let wanted = [("redirect_uri", Some("http://localhost:4123/callback"))];
    let ask = |idp: MockIdp| async move {
        Browser::new()
            .get(app::authorization_url(&idp.issuer(), &wanted))
            .await
            .status()
    };
    assert_eq!(ask(org(CLIENT).await).await, StatusCode::BAD_REQUEST);
    let any = CLIENT
        .replace(":3000", ":*")
        .replacen("secret", "wildcard_ports = true\nsecret", 1);
    assert_eq!(ask(org(&any).await).await, StatusCode::OK);
    let tenant = config::parse("mock-idp.toml", CLIENT).unwrap().tenant;
    let lax = || MockIdp::builder().tenant(tenant.clone()).lax(true);
    assert_eq!(ask(lax().start().await.unwrap()).await, StatusCode::OK);
    // Another path or another machine is no port.
    let idp = lax().start().await.unwrap();
    for other in ["http://localhost:4123/other", "http://evil.test:3000/callback"] {
        let answer = Browser::new()
            .get(app::authorization_url(&idp.issuer(), &[("redirect_uri", Some(other))]))
            .await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{other}");
    }
}

#[tokio::test]
async fn one_metadata_document_serves_browser_and_container() {
    let idp = org("browser_url = \"http://localhost:9494\"\nbackend_url = \"http://idp:9494\"\n").await;
    let url = format!("{}/.well-known/openid-configuration", idp.issuer());
    let document: serde_json::Value = Browser::new().get(&url).await.json().await.unwrap();
    assert_eq!(document["issuer"], idp.issuer());
    for (member, base) in [
        ("authorization_endpoint", "http://localhost:9494/oauth2/default/v1/"),
        ("end_session_endpoint", "http://localhost:9494/oauth2/default/v1/"),
        ("token_endpoint", "http://idp:9494/oauth2/default/v1/"),
        ("jwks_uri", "http://idp:9494/oauth2/default/v1/"),
        ("userinfo_endpoint", "http://idp:9494/oauth2/default/v1/"),
        ("revocation_endpoint", "http://idp:9494/oauth2/default/v1/"),
        ("registration_endpoint", "http://idp:9494/oauth2/v1/clients"),
    ] {
        assert!(
            document[member].as_str().unwrap().starts_with(base),
            "{member}: {}",
            document[member]
        );
    }
}

#[tokio::test]
async fn users_clients_and_sessions_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.json");
    let started = || async {
        let builder = MockIdp::builder().client(app::client()).user("alice@example.test");
        builder.data(&file).start().await.unwrap()
    };
    let first = started().await;
    let mut browser = Browser::new();
    app::authorize(&mut browser, &app::authorization_url(&first.issuer(), &[]), app::ALICE).await;
    let created = browser
        .request(
            reqwest::Method::POST,
            first.origin().join("/api/v1/users?activate=true").unwrap(),
            &[("authorization", "SSWS mock-api-token"), ("content-type", "application/json")],
            r#"{"profile":{"firstName":"New","lastName":"Comer","email":"new@example.test","login":"new@example.test"},"credentials":{"password":{"value":"Secret-12"}}}"#,
        )
        .await;
    assert_eq!(created.status(), 200, "{}", created.text().await.unwrap());
    first.put_client(mock_idp::Client::browser("later").redirect("http://localhost:3000/callback"));
    first.save();
    drop(first);

    let second = started().await;
    // The browser's session is one still: no page.
    let url = app::authorization_url(&second.issuer(), &[("prompt", Some("none"))]);
    let back = app::location(&browser.get(&url).await);
    assert!(app::param(&back, "code").is_some(), "{back}");
    // The new user has his password, and the new client is registered.
    let url = app::authorization_url(&second.issuer(), &[("client_id", Some("later"))]);
    let mut other = Browser::new();
    let page = other.get(&url).await.text().await.unwrap();
    let fields = [
        ("identifier", "new@example.test"),
        ("credentials.passcode", "Secret-12"),
    ];
    assert_eq!(other.submit(&url, &page, &fields).await.status(), 302);

    std::fs::write(&file, "{\"users\": 7}").unwrap();
    let error = MockIdp::builder().data(&file).start().await.unwrap_err().to_string();
    assert!(error.contains("was not written by mock-idp"), "{error}");
}

#[tokio::test]
async fn a_change_is_written_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.json");
    let idp = MockIdp::builder()
        .client(app::client())
        .user("alice@example.test")
        .data(&file)
        .start()
        .await
        .unwrap();
    let mut browser = Browser::new();
    app::authorize(&mut browser, &app::authorization_url(&idp.issuer(), &[]), app::ALICE).await;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("\"sid\"")) {
        assert!(std::time::Instant::now() < until, "the session is not in the file");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn tokens_are_signed_by_ones_own_key_and_certificate_is_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let jwk = mock_idp::protocol::keys::KeyRing::of("another", 3)
        .private_jwk()
        .unwrap();
    let mut own = jwk.clone();
    own["kid"] = json!("my-own-key");
    std::fs::write(folder.path().join("key.json"), own.to_string()).unwrap();
    let file = folder.path().join("mock-idp.toml");
    std::fs::write(
        &file,
        format!("{CLIENT}[[auth_server]]\nid = \"default\"\nsigning_key = \"key.json\"\n"),
    )
    .unwrap();
    let config = config::load(&file, config::Strictness::Okta).unwrap_or_else(|error| panic!("{error}"));
    let idp = MockIdp::builder().tenant(config.tenant).start().await.unwrap();
    let tokens = app::sign_in(&idp.issuer(), "alice@example.test", &[]).await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 0)["kid"], "my-own-key");
    let keys: serde_json::Value = Browser::new()
        .get(app::endpoint(&idp.issuer(), "keys"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(keys["keys"][0]["n"], jwk["n"]);
    assert!(keys["keys"][0].get("d").is_none());
    std::fs::write(folder.path().join("key.json"), "{}").unwrap();
    let told = config::load(&file, config::Strictness::Okta).unwrap_err().to_string();
    assert!(
        told.contains("holds no signing key") && told.contains("mock-idp.toml:7:"),
        "{told}"
    );

    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let idp = MockIdp::builder().certificate(&chain, &key).start().await.unwrap();
    let answer = Browser::trusting(&chain)
        .get(format!("{}/.well-known/openid-configuration", idp.issuer()))
        .await;
    assert_eq!(answer.status(), 200);
    assert!(MockIdp::builder().certificate("nonsense", &key).start().await.is_err());
}
