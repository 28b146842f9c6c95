//! The management API: what it changes acts at once, and its shapes, pages and refusals are Okta's.

use std::collections::BTreeSet;

use mock_idp::MockIdp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{self, ALICE, Browser, names, param, part};

const TOKEN: &str = "mock-api-token";

/// An answer of the API.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

/// Calls the API with its token.
pub(crate) async fn call(idp: &MockIdp, method: Method, path: &str, body: Option<Value>) -> Answer {
    call_as(idp, &format!("SSWS {TOKEN}"), method, path, body).await
}

async fn call_as(idp: &MockIdp, authorization: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("{}{path}", idp.origin().as_str().trim_end_matches('/'));
    let mut request = http.request(method, url).header("authorization", authorization);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.json().await.unwrap_or(Value::Null),
    }
}

async fn get(idp: &MockIdp, path: &str) -> Answer {
    call(idp, Method::GET, path, None).await
}

async fn post(idp: &MockIdp, path: &str, body: Value) -> Answer {
    call(idp, Method::POST, path, Some(body)).await
}

async fn put(idp: &MockIdp, path: &str, body: Value) -> Answer {
    call(idp, Method::PUT, path, Some(body)).await
}

async fn delete(idp: &MockIdp, path: &str) -> u16 {
    call(idp, Method::DELETE, path, None).await.status
}

/// What Okta answers when it refuses: status, code, summary, as in its published table of errors.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, summary: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    app::is_api_error(&answer.body, code, summary);
}

/// What is said of each thing that is wrong.
fn causes(answer: &Answer) -> Vec<&str> {
    let causes = answer.body["errorCauses"].as_array().unwrap().iter();
    causes.map(|cause| cause["errorSummary"].as_str().unwrap()).collect()
}

fn person(login: &str) -> Value {
    json!({
        "profile": {"firstName": "Carol", "lastName": "Jones", "email": login, "login": login, "nickName": "CJ", "city": "Bonn"},
        "credentials": {"password": {"value": "right-horse"}},
    })
}

/// What comes of an attempt to sign in on the hosted page: the URL back, or the page.
async fn attempt(
    idp: &MockIdp,
    issuer: &str,
    login: &str,
    changes: &[(&str, Option<&str>)],
) -> Result<url::Url, String> {
    let url = app::authorization_url(issuer, changes);
    let mut browser = Browser::new();
    let page = browser.get(&url).await.text().await.unwrap();
    assert!(page.contains("stateToken"), "{page}");
    let _ = idp;
    let fields = [("identifier", login), ("credentials.passcode", "right-horse")];
    let answer = browser.submit(&url, &page, &fields).await;
    if answer.status() == 302 {
        Ok(app::location(&answer))
    } else {
        Err(answer.text().await.unwrap())
    }
}

async fn signs_in(idp: &MockIdp, login: &str) -> bool {
    match attempt(idp, &idp.issuer(), login, &[]).await {
        Ok(back) => param(&back, "code").is_some(),
        Err(page) => {
            assert!(page.contains("Unable to sign in"), "{page}");
            false
        }
    }
}

#[tokio::test]
async fn a_user_is_created_signs_in_and_is_shown_as_okta_shows_him() {
    let idp = app::idp().await;
    let made = post(&idp, "/api/v1/users?activate=true", person("carol@acme.test")).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(
        names(&made.body),
        [
            "id",
            "status",
            "created",
            "activated",
            "statusChanged",
            "lastLogin",
            "lastUpdated",
            "passwordChanged",
            "type",
            "profile",
            "credentials",
            "_links"
        ]
    );
    let id = made.body["id"].as_str().unwrap();
    assert!(id.starts_with("00u") && id.len() == 20);
    assert_eq!(made.body["status"], "ACTIVE");
    assert_eq!(made.body["lastLogin"], Value::Null);
    assert_eq!(
        made.body["profile"],
        json!({
            "firstName": "Carol", "lastName": "Jones", "mobilePhone": null, "secondEmail": null,
            "login": "carol@acme.test", "email": "carol@acme.test", "nickName": "CJ", "city": "Bonn",
        })
    );
    assert_eq!(
        made.body["credentials"],
        json!({
            "password": {},
            "emails": [{"value": "carol@acme.test", "status": "VERIFIED", "type": "PRIMARY"}],
            "provider": {"type": "OKTA", "name": "OKTA"},
        })
    );
    let back = attempt(
        &idp,
        &idp.issuer(),
        "carol@acme.test",
        &[("scope", Some("openid profile address"))],
    )
    .await;
    let code = param(&back.unwrap(), "code").unwrap();
    let tokens: Value = app::redeem(&idp.issuer(), &code, &[]).await.json().await.unwrap();
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["sub"], id);
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let info: Value = info.json().await.unwrap();
    assert_eq!(
        (&info["nickname"], &info["address"]),
        (&json!("CJ"), &json!({"locality": "Bonn"}))
    );
    // By id, by login, and by login in other letters.
    for name in [id, "carol@acme.test", "CAROL%40acme.test"] {
        let read = get(&idp, &format!("/api/v1/users/{name}")).await;
        assert_eq!(read.body["id"], id);
        assert!(read.body["lastLogin"].is_string());
    }
    assert_eq!(idp.client().unwrap().assigned, None);
}

#[tokio::test]
async fn the_states_of_an_account_decide_at_once_who_signs_in() {
    let idp = app::idp().await;
    let made = post(&idp, "/api/v1/users?activate=false", person("carol@acme.test")).await;
    assert_eq!(made.body["status"], "STAGED");
    let path = format!("/api/v1/users/{}", made.body["id"].as_str().unwrap());
    let act = |operation: &str| {
        let (idp, path) = (idp.clone(), format!("{path}/lifecycle/{operation}"));
        async move { call(&idp, Method::POST, &path, None).await }
    };
    let status = || async { get(&idp, &path).await.body["status"].as_str().unwrap().to_owned() };
    assert!(!signs_in(&idp, "carol@acme.test").await, "staged");
    let activated = act("activate?sendEmail=false").await;
    assert_eq!(names(&activated.body), ["activationUrl", "activationToken"]);
    assert_eq!(status().await, "ACTIVE");
    assert!(signs_in(&idp, "carol@acme.test").await);
    refused(
        &act("activate").await,
        403,
        "E0000016",
        "Activation failed because the user is already active",
    );
    refused(&act("unsuspend").await, 400, "E0000001", "Api validation failed: {0}");
    refused(
        &act("unlock").await,
        403,
        "E0000032",
        "Unlock is not allowed for this user.",
    );
    assert_eq!(act("suspend").await.status, 200);
    assert_eq!(status().await, "SUSPENDED");
    assert!(!signs_in(&idp, "carol@acme.test").await, "suspended");
    refused(&act("suspend").await, 400, "E0000001", "Api validation failed: {0}");
    assert_eq!(act("unsuspend").await.status, 200);
    assert!(signs_in(&idp, "carol@acme.test").await);
    let expired = act("expire_password?tempPassword=true").await;
    assert_eq!(names(&expired.body), ["tempPassword"]);
    assert_eq!(status().await, "PASSWORD_EXPIRED");
    let changed = post(
        &idp,
        &path,
        json!({"credentials": {"password": {"value": "right-horse"}}}),
    )
    .await;
    assert_eq!(changed.body["status"], "ACTIVE");
    assert_eq!(act("deactivate").await.status, 200);
    assert_eq!(status().await, "DEPROVISIONED");
    assert!(!signs_in(&idp, "carol@acme.test").await, "deactivated");
    refused(
        &post(&idp, &path, json!({"profile": {"nickName": "x"}})).await,
        403,
        "E0000038",
        "This operation is not allowed in the user's current status.",
    );
    assert_eq!(delete(&idp, &path).await, 204);
    refused(&get(&idp, &path).await, 404, "E0000007", "Not found: {0}");
}

#[tokio::test]
async fn suspending_ends_sessions_and_refreshes() {
    let idp = app::idp().await;
    let url = app::authorization_url(&idp.issuer(), &[("scope", Some("openid offline_access"))]);
    let mut browser = Browser::new();
    let back = app::authorize(&mut browser, &url, ALICE).await;
    let tokens: Value = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    let refresh = || async {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("client_id", "web"),
            ("client_secret", app::SECRET),
        ];
        let answer = Browser::new().post(app::endpoint(&idp.issuer(), "token"), &form).await;
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    assert_eq!(refresh().await.0, 200);
    let path = format!("/api/v1/users/{ALICE}/lifecycle");
    assert_eq!(
        call(&idp, Method::POST, &format!("{path}/suspend"), None).await.status,
        200
    );
    assert_eq!(
        refresh().await,
        (
            400,
            json!({"error": "invalid_grant", "error_description": "The refresh token is invalid or expired."})
        )
    );
    assert_eq!(browser.get(&url).await.status(), 200, "the page is shown again");
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status(), 401);
    call(&idp, Method::POST, &format!("{path}/unsuspend"), None).await;
    assert_eq!(refresh().await.0, 200, "a suspension is not the end");
    let sessions = format!("/api/v1/users/{ALICE}/sessions?oauthTokens=true");
    assert_eq!(delete(&idp, &sessions).await, 204);
    assert_eq!(refresh().await.0, 400);
}

#[tokio::test]
async fn users_that_cannot_be_are_refused_with_every_cause() {
    let idp = app::idp().await;
    let answer = post(&idp, "/api/v1/users", json!({"profile": {"crap": "bad"}})).await;
    refused(&answer, 400, "E0000001", "Api validation failed: {0}");
    let fields: BTreeSet<&str> = causes(&answer)
        .into_iter()
        .map(|cause| cause.split(':').next().unwrap())
        .collect();
    assert_eq!(fields, BTreeSet::from(["email", "firstName", "lastName", "login"]));
    refused(
        &post(&idp, "/api/v1/users", person(ALICE)).await,
        400,
        "E0000001",
        "Api validation failed: {0}",
    );
    let url = format!("{}api/v1/users", idp.origin());
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let answer = http
        .post(url)
        .header("authorization", format!("SSWS {TOKEN}"))
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["errorCode"], &body["errorSummary"]),
        (&json!("E0000003"), &json!("The request body was not well-formed."))
    );
}

#[tokio::test]
async fn an_update_changes_what_it_says_and_a_replacement_everything() {
    let idp = app::idp().await;
    let made = post(&idp, "/api/v1/users", person("carol@acme.test")).await;
    let path = format!("/api/v1/users/{}", made.body["id"].as_str().unwrap());
    let changed = post(&idp, &path, json!({"profile": {"lastName": "Smith", "city": null}})).await;
    assert_eq!(changed.body["profile"]["lastName"], "Smith");
    assert_eq!(changed.body["profile"]["nickName"], "CJ");
    assert_eq!(changed.body["profile"].get("city"), None);
    let replaced = put(
        &idp,
        &path,
        json!({"profile": {"firstName": "C", "lastName": "S", "email": "c@acme.test", "login": "c@acme.test"}}),
    )
    .await;
    assert_eq!(replaced.body["profile"].get("nickName"), None);
    assert!(signs_in(&idp, "c@acme.test").await, "the password stays");
    let wrong = json!({"oldPassword": {"value": "no"}, "newPassword": {"value": "other-horse"}});
    refused(
        &post(&idp, &format!("{path}/credentials/change_password"), wrong).await,
        403,
        "E0000014",
        "Update of credentials failed",
    );
    let right = json!({"oldPassword": {"value": "right-horse"}, "newPassword": {"value": "other-horse"}});
    assert_eq!(
        post(&idp, &format!("{path}/credentials/change_password"), right)
            .await
            .status,
        200
    );
    assert!(!signs_in(&idp, "c@acme.test").await, "the old password is gone");
}

#[tokio::test]
async fn lists_are_found_filtered_and_paged_by_link() {
    let idp = app::idp().await;
    for number in 0..7 {
        let mut user = person(&format!("user-{number}@acme.test"));
        user["profile"]["department"] = json!(if number < 3 { "red" } else { "blue" });
        assert_eq!(post(&idp, "/api/v1/users", user).await.status, 200);
    }
    let logins = |answer: &Answer| -> Vec<String> {
        let users = answer.body.as_array().expect("a list").iter();
        users
            .map(|user| user["profile"]["login"].as_str().unwrap().to_owned())
            .collect()
    };
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let search = encoded("profile.department eq \"red\" and status eq \"ACTIVE\"");
    let found = get(
        &idp,
        &format!("/api/v1/users?search={search}&sortBy=profile.login&sortOrder=desc"),
    )
    .await;
    assert_eq!(
        logins(&found),
        ["user-2@acme.test", "user-1@acme.test", "user-0@acme.test"]
    );
    let filter = encoded("profile.login eq \"user-5@acme.test\"");
    assert_eq!(
        logins(&get(&idp, &format!("/api/v1/users?filter={filter}")).await),
        ["user-5@acme.test"]
    );
    assert_eq!(logins(&get(&idp, "/api/v1/users?q=user-6").await), ["user-6@acme.test"]);
    // The next page is there although everybody of this one is deleted meanwhile.
    let mut seen = Vec::new();
    let mut next = Some("/api/v1/users?limit=3".to_owned());
    while let Some(path) = next {
        let page = get(&idp, &path).await;
        let links: Vec<&str> = page
            .headers
            .get_all("link")
            .iter()
            .map(|link| link.to_str().unwrap())
            .collect();
        let origin = idp.origin().as_str().trim_end_matches('/');
        assert_eq!(links[0], format!("<{origin}{path}>; rel=\"self\""));
        next = links.get(1).map(|link| {
            let url = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            url.strip_prefix(origin).unwrap().to_owned()
        });
        assert!(page.body.as_array().unwrap().len() <= 3);
        seen.extend(logins(&page));
        for user in page.body.as_array().unwrap() {
            for _ in 0..2 {
                delete(&idp, &format!("/api/v1/users/{}", user["id"].as_str().unwrap())).await;
            }
        }
    }
    seen.sort();
    assert_eq!(seen.len(), 8);
    assert_eq!(seen[0], ALICE);
    refused(
        &get(&idp, "/api/v1/users?search=status+is+x").await,
        400,
        "E0000031",
        "Invalid search criteria.",
    );
    refused(
        &get(&idp, "/api/v1/users?limit=none").await,
        400,
        "E0000029",
        "Invalid paging request.",
    );
}

#[tokio::test]
async fn groups_have_members_and_claims_follow_them() {
    let idp = app::idp().await;
    let made = post(
        &idp,
        "/api/v1/groups",
        json!({"profile": {"name": "team-red", "description": "Reds"}}),
    )
    .await;
    assert_eq!(made.status, 200);
    assert_eq!(
        names(&made.body),
        [
            "id",
            "created",
            "lastUpdated",
            "lastMembershipUpdated",
            "objectClass",
            "type",
            "profile",
            "_links"
        ]
    );
    assert_eq!(made.body["objectClass"], json!(["okta:user_group"]));
    assert_eq!(made.body["type"], "OKTA_GROUP");
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("00g") && id.len() == 20);
    let alice = get(&idp, &format!("/api/v1/users/{ALICE}")).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let membership = format!("/api/v1/groups/{id}/users/{alice}");
    assert_eq!(call(&idp, Method::PUT, &membership, None).await.status, 204);
    let members = get(&idp, &format!("/api/v1/groups/{id}/users")).await;
    assert_eq!(members.body[0]["id"], json!(alice));
    let groups = get(&idp, &format!("/api/v1/users/{alice}/groups")).await;
    let mut of_alice: Vec<&str> = groups
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["profile"]["name"].as_str().unwrap())
        .collect();
    of_alice.sort_unstable();
    assert_eq!(of_alice, ["Everyone", "team-red"]);
    let claim = json!({
        "name": "teams", "claimType": "IDENTITY", "valueType": "GROUPS", "group_filter_type": "STARTS_WITH",
        "value": "team-", "status": "ACTIVE", "alwaysIncludeInToken": true, "conditions": {"scopes": []},
    });
    assert_eq!(
        post(&idp, "/api/v1/authorizationServers/default/claims", claim)
            .await
            .status,
        201
    );
    let teams = || async {
        let tokens = app::sign_in(&idp.issuer(), ALICE, &[]).await;
        part(tokens["id_token"].as_str().unwrap(), 1)["teams"].clone()
    };
    assert_eq!(teams().await, json!(["team-red"]));
    let renamed = put(
        &idp,
        &format!("/api/v1/groups/{id}"),
        json!({"profile": {"name": "team-blue"}}),
    )
    .await;
    assert_eq!(
        renamed.body["profile"],
        json!({"name": "team-blue", "description": null})
    );
    assert_eq!(teams().await, json!(["team-blue"]));
    assert_eq!(delete(&idp, &membership).await, 204);
    assert_eq!(teams().await, json!([]));
    refused(
        &post(&idp, "/api/v1/groups", json!({"profile": {"name": "Team-Blue"}})).await,
        400,
        "E0000001",
        "Api validation failed: {0}",
    );
    refused(
        &post(&idp, "/api/v1/groups", json!({"profile": {}})).await,
        400,
        "E0000001",
        "Api validation failed: {0}",
    );
    let everyone = get(&idp, "/api/v1/groups?q=Everyone").await;
    assert_eq!(everyone.body[0]["type"], "BUILT_IN");
    refused(
        &call(
            &idp,
            Method::DELETE,
            &format!("/api/v1/groups/{}", everyone.body[0]["id"].as_str().unwrap()),
            None,
        )
        .await,
        403,
        "E0000006",
        "You do not have permission to perform the requested action",
    );
    assert_eq!(delete(&idp, &format!("/api/v1/groups/{id}")).await, 204);
    refused(
        &get(&idp, &format!("/api/v1/groups/{id}")).await,
        404,
        "E0000007",
        "Not found: {0}",
    );
}

/// An application as a script sets it up.
fn application() -> Value {
    json!({
        "name": "oidc_client", "label": "Orders", "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {
            "client_id": "orders-client", "client_secret": app::SECRET, "token_endpoint_auth_method": "client_secret_post",
        }},
        "settings": {"oauthClient": {
            "redirect_uris": [app::REDIRECT_URI], "post_logout_redirect_uris": ["http://localhost:3000/"],
            "response_types": ["code"], "grant_types": ["authorization_code", "refresh_token"],
            "application_type": "web", "client_uri": "http://localhost:3000",
            "refresh_token": {"rotation_type": "ROTATE", "leeway": 0},
        }},
    })
}

#[tokio::test]
async fn an_application_takes_only_whom_it_was_assigned_to() {
    let idp = app::idp().await;
    let made = post(&idp, "/api/v1/apps", application()).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let oauth = &made.body["credentials"]["oauthClient"];
    assert_eq!(
        oauth,
        &json!({
            "autoKeyRotation": true, "client_id": "orders-client", "client_secret": app::SECRET,
            "token_endpoint_auth_method": "client_secret_post", "pkce_required": false,
        })
    );
    let settings = &made.body["settings"]["oauthClient"];
    assert_eq!(
        settings["refresh_token"],
        json!({"rotation_type": "ROTATE", "leeway": 0})
    );
    assert_eq!(settings["client_uri"], "http://localhost:3000");
    assert_eq!(settings["consent_method"], "TRUSTED");
    assert_eq!(
        (&made.body["status"], &made.body["name"]),
        (&json!("ACTIVE"), &json!("oidc_client"))
    );
    let path = format!("/api/v1/apps/{}", made.body["id"].as_str().unwrap());
    for login in ["carol@acme.test", "dave@acme.test"] {
        post(&idp, "/api/v1/users", person(login)).await;
    }
    let change = [("client_id", Some("orders-client"))];
    let outcome = |login: &'static str| {
        let idp = idp.clone();
        async move {
            let back = attempt(&idp, &idp.issuer(), login, &change).await.expect("a redirect");
            let parts = ["code", "error", "error_description"].map(|name| param(&back, name));
            match parts {
                [Some(_), _, _] => "code".to_owned(),
                [None, error, text] => format!("{}: {}", error.unwrap(), text.unwrap()),
            }
        }
    };
    let unassigned = "access_denied: User is not assigned to the client application.";
    assert_eq!(outcome("carol@acme.test").await, unassigned);
    let carol = get(&idp, "/api/v1/users/carol@acme.test").await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let assigned = post(&idp, &format!("{path}/users"), json!({"id": carol, "scope": "USER"})).await;
    assert_eq!(assigned.status, 200);
    assert_eq!(
        (
            &assigned.body["scope"],
            &assigned.body["status"],
            &assigned.body["credentials"]
        ),
        (
            &json!("USER"),
            &json!("ACTIVE"),
            &json!({"userName": "carol@acme.test"})
        )
    );
    assert_eq!(outcome("carol@acme.test").await, "code");
    assert_eq!(delete(&idp, &format!("{path}/users/{carol}")).await, 204);
    assert_eq!(outcome("carol@acme.test").await, unassigned);
    // By group.
    let group = post(&idp, "/api/v1/groups", json!({"profile": {"name": "buyers"}})).await;
    let group = group.body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        put(&idp, &format!("{path}/groups/{group}"), json!({})).await.status,
        200
    );
    assert_eq!(outcome("dave@acme.test").await, unassigned);
    let dave = get(&idp, "/api/v1/users/dave@acme.test").await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    call(&idp, Method::PUT, &format!("/api/v1/groups/{group}/users/{dave}"), None).await;
    assert_eq!(outcome("dave@acme.test").await, "code");
    let listed = get(&idp, &format!("{path}/users")).await;
    assert_eq!(
        (listed.body[0]["id"].clone(), listed.body[0]["scope"].clone()),
        (json!(dave), json!("GROUP"))
    );
    refused(
        &call(&idp, Method::DELETE, &format!("{path}/users/{dave}"), None).await,
        403,
        "E0000046",
        "Deactivate application for user forbidden.",
    );
    let filter = url::form_urlencoded::byte_serialize(format!("user.id eq \"{dave}\"").as_bytes()).collect::<String>();
    let of_dave = get(&idp, &format!("/api/v1/apps?filter={filter}")).await;
    let ids: Vec<&str> = of_dave
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|app| app["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["orders-client", "web"], "the open application is everybody's");
    assert_eq!(delete(&idp, &format!("{path}/groups/{group}")).await, 204);
    assert_eq!(outcome("dave@acme.test").await, unassigned);
    refused(
        &get(&idp, &format!("{path}/users/{dave}")).await,
        404,
        "E0000007",
        "Not found: {0}",
    );
}

#[tokio::test]
async fn an_open_application_closes_when_somebody_is_unassigned() {
    let idp = app::idp_of(&[ALICE, "bob@example.test"]).await;
    let bob = get(&idp, "/api/v1/users/bob@example.test").await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let groups = get(&idp, "/api/v1/apps/web/groups").await;
    assert_eq!(groups.body.as_array().unwrap().len(), 1, "Everyone");
    assert_eq!(delete(&idp, &format!("/api/v1/apps/web/users/{bob}")).await, 204);
    let back = attempt(&idp, &idp.issuer(), "bob@example.test", &[]).await.unwrap();
    assert_eq!(
        param(&back, "error_description").unwrap(),
        "User is not assigned to the client application."
    );
    assert!(signs_in(&idp, ALICE).await);
}

#[tokio::test]
async fn an_inactive_application_is_unknown_and_can_be_deleted() {
    let idp = app::idp().await;
    refused(
        &call(&idp, Method::DELETE, "/api/v1/apps/web", None).await,
        403,
        "E0000056",
        "Delete application forbidden.",
    );
    let deactivated = call(&idp, Method::POST, "/api/v1/apps/web/lifecycle/deactivate", None).await;
    assert_eq!((deactivated.status, deactivated.body), (200, json!({})));
    let page = Browser::new().get(app::authorization_url(&idp.issuer(), &[])).await;
    assert_eq!(page.status(), 400);
    assert!(
        page.text()
            .await
            .unwrap()
            .contains("Invalid value for &#39;client_id&#39; parameter.")
    );
    assert_eq!(delete(&idp, "/api/v1/apps/web").await, 204);
    refused(&get(&idp, "/api/v1/apps/web").await, 404, "E0000007", "Not found: {0}");
}

#[tokio::test]
async fn a_new_server_serves_at_once_and_its_policy_decides() {
    let idp = app::idp().await;
    let servers = "/api/v1/authorizationServers";
    let made = post(
        &idp,
        servers,
        json!({"name": "Orders", "description": "d", "audiences": ["api://orders"]}),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("aus") && id.len() == 20);
    let issuer = idp.issuer_of(&id);
    assert_eq!(
        (&made.body["issuer"], &made.body["status"], &made.body["audiences"]),
        (&json!(issuer), &json!("ACTIVE"), &json!(["api://orders"]))
    );
    let path = format!("{servers}/{id}");
    let scope = json!({"name": "orders:read", "description": "Read", "metadataPublish": "ALL_CLIENTS"});
    let scope = post(&idp, &format!("{path}/scopes"), scope).await;
    assert_eq!(scope.status, 201);
    assert_eq!(
        names(&scope.body),
        [
            "id",
            "name",
            "displayName",
            "description",
            "system",
            "metadataPublish",
            "consent",
            "default",
            "optional",
            "_links"
        ]
    );
    let claim = json!({
        "name": "who", "claimType": "RESOURCE", "valueType": "EXPRESSION",
        "value": "user.firstName + \"/\" + user.lastName", "conditions": {"scopes": ["orders:read"]},
    });
    let claim = post(&idp, &format!("{path}/claims"), claim).await;
    assert_eq!(claim.body["value"], "user.firstName + \"/\" + user.lastName");
    let metadata = Browser::new()
        .get(format!("{issuer}/.well-known/openid-configuration"))
        .await;
    let metadata: Value = metadata.json().await.unwrap();
    assert_eq!(metadata["issuer"], json!(issuer));
    assert!(
        metadata["scopes_supported"]
            .as_array()
            .unwrap()
            .contains(&json!("orders:read"))
    );
    // Nobody gets anything before there is a policy.
    let change = [("scope", Some("openid orders:read"))];
    let back = attempt(&idp, &issuer, ALICE, &change).await.unwrap();
    assert_eq!(
        param(&back, "error_description").unwrap(),
        "Policy evaluation failed for this request, please check the policy configurations."
    );
    let policy = json!({
        "type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "name": "All", "description": "All clients", "priority": 1,
        "conditions": {"clients": {"include": ["ALL_CLIENTS"]}},
    });
    let policy = post(&idp, &format!("{path}/policies"), policy).await;
    assert_eq!(policy.status, 201);
    let rules = format!("{path}/policies/{}/rules", policy.body["id"].as_str().unwrap());
    let rule = json!({
        "type": "RESOURCE_ACCESS", "name": "Everybody", "priority": 1,
        "conditions": {
            "people": {"groups": {"include": ["EVERYONE"]}}, "grantTypes": {"include": ["authorization_code"]},
            "scopes": {"include": ["*"]},
        },
        "actions": {"token": {"accessTokenLifetimeMinutes": 10, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 30}},
    });
    let rule = post(&idp, &rules, rule).await;
    assert_eq!(rule.status, 201, "{}", rule.body);
    assert_eq!(rule.body["actions"]["token"]["accessTokenLifetimeMinutes"], 10);
    let tokens = app::sign_in(&issuer, ALICE, &change).await;
    assert_eq!(tokens["expires_in"], 600);
    let access = part(tokens["access_token"].as_str().unwrap(), 1);
    assert_eq!(
        (&access["aud"], &access["who"]),
        (&json!("api://orders"), &json!("Alice/Example"))
    );
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 600);
    // A rule that leaves Alice out.
    let mut without = rule.body.clone();
    without["conditions"]["people"]["users"]["exclude"] =
        json!([get(&idp, &format!("/api/v1/users/{ALICE}")).await.body["id"]]);
    assert_eq!(
        put(&idp, &format!("{rules}/{}", rule.body["id"].as_str().unwrap()), without)
            .await
            .status,
        200
    );
    let back = attempt(&idp, &issuer, ALICE, &change).await.unwrap();
    assert_eq!(param(&back, "error").unwrap(), "access_denied");
    // Rotation, deactivation, deletion.
    let before = get(&idp, &format!("{path}/credentials/keys")).await.body[0]["kid"].clone();
    let after = post(
        &idp,
        &format!("{path}/credentials/lifecycle/keyRotate"),
        json!({"use": "sig"}),
    )
    .await;
    assert_ne!(after.body[0]["kid"], before);
    assert_eq!(
        call(&idp, Method::POST, &format!("{path}/lifecycle/deactivate"), None)
            .await
            .status,
        204
    );
    let gone = Browser::new()
        .get(format!("{issuer}/.well-known/openid-configuration"))
        .await;
    assert_eq!(gone.status(), 404);
    assert_eq!(delete(&idp, &path).await, 204);
    refused(
        &get(&idp, &path).await,
        404,
        "E0000007",
        &format!("Not found: Resource not found: {id} (AuthorizationServer)"),
    );
}

#[tokio::test]
async fn what_the_configuration_says_is_told_and_changed_by_the_api() {
    let idp = app::idp().await;
    let servers = get(&idp, "/api/v1/authorizationServers").await;
    assert_eq!(servers.body[0]["id"], "default");
    let path = "/api/v1/authorizationServers/default";
    let policies = get(&idp, &format!("{path}/policies")).await;
    assert_eq!(policies.body[0]["name"], "Default Policy");
    let policy = format!("{path}/policies/{}", policies.body[0]["id"].as_str().unwrap());
    let rules = get(&idp, &format!("{policy}/rules")).await;
    assert_eq!(
        rules.body[0]["conditions"]["people"]["groups"]["include"],
        json!(["EVERYONE"])
    );
    assert_eq!(
        call(&idp, Method::POST, &format!("{policy}/lifecycle/deactivate"), None)
            .await
            .status,
        204
    );
    let back = attempt(&idp, &idp.issuer(), ALICE, &[]).await.unwrap();
    assert_eq!(param(&back, "error").unwrap(), "access_denied");
    let scopes = get(&idp, &format!("{path}/scopes?q=openid")).await;
    assert_eq!(
        (&scopes.body[0]["name"], &scopes.body[0]["system"]),
        (&json!("openid"), &json!(true))
    );
    let id = scopes.body[0]["id"].as_str().unwrap();
    assert_eq!(delete(&idp, &format!("{path}/scopes/{id}")).await, 403, "built in");
    let claims = get(&idp, &format!("{path}/claims")).await;
    assert_eq!(
        (&claims.body[0]["name"], &claims.body[0]["system"]),
        (&json!("sub"), &json!(true))
    );
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let idp = app::idp().await;
    for authorization in ["", "SSWS wrong", "Bearer nonsense", "Basic d2ViOng="] {
        let answer = call_as(&idp, authorization, Method::GET, "/api/v1/users", None).await;
        refused(&answer, 401, "E0000011", "Invalid token provided");
    }
    // An access token of the org server with the scope for reading reads, and changes nothing.
    crate::grants::put_service(&idp);
    let bearer = crate::grants::bearer_of_service(&idp, "okta.users.read").await;
    let read = call_as(&idp, &bearer, Method::GET, "/api/v1/users", None).await;
    assert_eq!(read.status, 200);
    let refusal = ("E0000006", "You do not have permission to perform the requested action");
    let write = call_as(
        &idp,
        &bearer,
        Method::POST,
        "/api/v1/users",
        Some(person("x@acme.test")),
    )
    .await;
    refused(&write, 403, refusal.0, refusal.1);
    let other = call_as(&idp, &bearer, Method::GET, "/api/v1/groups", None).await;
    refused(&other, 403, refusal.0, refusal.1);
}
