//! The control API over HTTP, as tests in other languages use it: every call once, and what it changes.

use std::time::Duration;

use mock_idp::{Client, MockIdp, User};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::app::{self, Browser, CHALLENGE, REDIRECT_URI, SECRET, VERIFIER, param, part};

/// A server and whoever calls its control API.
pub(crate) struct Remote {
    pub(crate) idp: MockIdp,
    http: reqwest::Client,
}

impl Remote {
    pub(crate) async fn start() -> Self {
        let idp = crate::app::builder()
            .user(User::from("alice@example.test"))
            .user(User::from("bob@example.test"))
            .client(Client::web("web").secret(SECRET).redirect(REDIRECT_URI))
            .start()
            .await
            .unwrap();
        Self {
            idp,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.idp.origin().join(&format!("/_mock/{path}")).unwrap()
    }

    /// Status and body of a call.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, self.url(path));
        request = match body {
            Some(body) => request.json(&body),
            None => request.header("x-mock-idp", "test"),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A whole sign-in on the page; the answer of the token endpoint.
    async fn sign_in(&self, login: &str) -> Value {
        app::sign_in(&self.idp.issuer(), login, &[]).await
    }

    /// The one flow of this person.
    async fn flow_of(&self, login: &str) -> Value {
        let flows = self.get(&format!("flows?user={login}")).await;
        assert_eq!(flows.as_array().unwrap().len(), 1, "{flows}");
        flows[0].clone()
    }
}

#[tokio::test]
async fn health_tells_which_server_this_is_and_env_what_an_app_needs() {
    let remote = Remote::start().await;
    let health = remote.get("health").await;
    assert_eq!(
        (&health["name"], &health["status"]),
        (&json!("mock-idp"), &json!("ready"))
    );
    assert_eq!(health["issuer"], remote.idp.issuer());
    let env = remote.get("env").await;
    for (name, value) in remote.idp.env() {
        assert_eq!(env[&name], value);
    }
    assert_eq!(env["OKTA_CLIENT_TOKEN"], "mock-api-token");
}

#[tokio::test]
async fn a_user_is_added_changed_and_removed() {
    let remote = Remote::start().await;
    let body = json!({"groups": ["admins"], "given_name": "Carol", "profile": {"locale": "de-DE"}});
    let (status, carol) = remote.call(Method::PUT, "users/carol@example.test", Some(body)).await;
    assert_eq!((status, &carol["groups"]), (201, &json!(["Everyone", "admins"])));
    assert_eq!(carol["profile"]["locale"], "de-DE");
    let body = json!({"password": "correct horse"});
    let (status, carol) = remote.call(Method::PUT, "users/CAROL@example.test", Some(body)).await;
    assert_eq!(
        (status, &carol["given_name"], &carol["has_password"]),
        (200, &json!("Carol"), &json!(true))
    );
    assert_eq!(remote.get("users").await.as_array().unwrap().len(), 3);
    let (status, _) = remote.call(Method::DELETE, "users/carol@example.test", None).await;
    assert_eq!(status, 200);
    let (status, problem) = remote.call(Method::GET, "users/alise@example.test", None).await;
    assert_eq!(
        (status, &problem["fix"]),
        (404, &json!("did you mean `alice@example.test`?"))
    );
}

#[tokio::test]
async fn removing_a_user_ends_what_was_issued_to_him() {
    let remote = Remote::start().await;
    let tokens = remote.sign_in("bob@example.test").await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(app::userinfo(&remote.idp.issuer(), token).await.status(), 200);
    remote.call(Method::DELETE, "users/bob@example.test", None).await;
    assert_eq!(app::userinfo(&remote.idp.issuer(), token).await.status(), 401);
}

#[tokio::test]
async fn a_client_is_registered_and_its_redirect_uri_counts() {
    let remote = Remote::start().await;
    let uri = "http://localhost:4000/cb";
    let body = json!({"redirect_uris": [uri], "public": true});
    let (status, spa) = remote.call(Method::PUT, "clients/spa", Some(body)).await;
    assert_eq!(
        (status, &spa["secret"], &spa["pkce_required"]),
        (201, &Value::Null, &json!(true))
    );
    let changes = [("client_id", Some("spa")), ("redirect_uri", Some(uri))];
    let url = app::authorization_url(&remote.idp.issuer(), &changes);
    assert_eq!(Browser::new().get(url).await.status(), 200);
    let (status, problem) = remote
        .call(Method::PUT, "clients/spa", Some(json!({"redirect_uris": ["/cb"]})))
        .await;
    assert_eq!(status, 400);
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("`/cb` is no absolute URI"),
        "{problem}"
    );
    assert_eq!(remote.call(Method::DELETE, "clients/spa", None).await.0, 200);
    assert_eq!(remote.call(Method::GET, "clients/spa", None).await.0, 404);
}

#[tokio::test]
async fn somebody_is_signed_in_once_without_the_page() {
    let remote = Remote::start().await;
    let (status, _) = remote.post("login", json!({"user": "Alice@example.test"})).await;
    assert_eq!(status, 200);
    let url = app::authorization_url(&remote.idp.issuer(), &[]);
    let back = app::location(&Browser::new().get(&url).await);
    let answer = app::redeem(&remote.idp.issuer(), &param(&back, "code").unwrap(), &[]).await;
    let tokens: Value = answer.json().await.unwrap();
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["name"], "Alice Example");
    assert_eq!(Browser::new().get(&url).await.status(), 200, "the page again");
    assert_eq!(remote.post("login", json!({"user": "nobody"})).await.0, 404);
    let lasting = json!({"user": "bob@example.test", "once": false, "client": "web"});
    assert_eq!(remote.post("login", lasting).await.0, 200);
    for _ in 0..2 {
        assert_eq!(Browser::new().get(&url).await.status(), 302);
    }
    assert_eq!(remote.get("login").await[0]["user"], "bob@example.test");
    assert_eq!(remote.call(Method::DELETE, "login", None).await.0, 200);
    assert_eq!(Browser::new().get(&url).await.status(), 200);
}

#[tokio::test]
async fn an_armed_fault_goes_to_the_flows_that_fit_and_tells_what_fired() {
    let remote = Remote::start().await;
    let body = json!({"id": "id-token.alg-none", "when": {"user": "alice@example.test"}, "times": 1});
    let (status, armed) = remote.post("faults", body).await;
    assert_eq!(
        (status, &armed["fired"], &armed["waiting"]),
        (201, &json!(0), &json!(true))
    );
    let alg = |tokens: &Value| part(tokens["id_token"].as_str().unwrap(), 0)["alg"].clone();
    assert_eq!(alg(&remote.sign_in("bob@example.test").await), "RS256");
    assert_eq!(alg(&remote.sign_in("alice@example.test").await), "none");
    assert_eq!(alg(&remote.sign_in("alice@example.test").await), "RS256", "only once");
    let path = format!("faults/{}", armed["number"]);
    let armed = remote.get(&path).await;
    assert_eq!(
        (&armed["fired"], &armed["given"], &armed["waiting"]),
        (&json!(1), &json!(1), &json!(false))
    );
    let flow = armed["flows"][0].as_str().unwrap();
    let flow = remote.get(&format!("flows/{flow}")).await;
    assert_eq!(flow["delivered"], json!(["id-token.alg-none"]));
    assert_eq!(remote.call(Method::DELETE, &path, None).await.0, 200);
    assert_eq!(remote.call(Method::GET, &path, None).await.0, 404);
    assert_eq!(remote.get("faults").await, json!([]));
}

#[tokio::test]
async fn an_armed_fault_can_be_for_a_client_or_an_endpoint_and_be_over() {
    let remote = Remote::start().await;
    let body = json!({"id": "userinfo.sub-mismatch", "when": {"client": "web", "endpoint": "userinfo"}});
    let (status, armed) = remote.post("faults", body).await;
    assert_eq!(status, 201, "{armed}");
    let tokens = remote.sign_in("alice@example.test").await;
    let given = |armed: Value| armed["given"].clone();
    let path = format!("faults/{}", armed["number"]);
    assert_eq!(given(remote.get(&path).await), 0, "not before userinfo");
    app::userinfo(&remote.idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(given(remote.get(&path).await), 1);
    let (_, over) = remote
        .post("faults", json!({"id": "id-token.alg-none", "ttl": "0s"}))
        .await;
    assert_eq!(over["waiting"], false);
    assert_eq!(remote.call(Method::DELETE, "faults", None).await.0, 200);
    assert_eq!(remote.get("faults").await, json!([]));
    for (wrong, says) in [
        (json!({"id": "id-token.alg-nine"}), "alg-nine"),
        (json!({"id": "id-token.alg-none", "times": 0}), "times"),
        (json!({"id": "id-token.alg-none", "ttl": "-1s"}), "ttl"),
        (json!({"id": "id-token.alg-none", "ttl": "soon"}), "not a duration"),
        (json!({"id": "id-token.alg-none", "wen": {}}), "wen"),
        (json!({"id": "metadata.slow", "when": {"user": "a"}}), "metadata"),
    ] {
        let (status, problem) = remote.post("faults", wrong.clone()).await;
        assert_eq!(status, 400, "{wrong} {problem}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{problem}");
    }
}

#[tokio::test]
async fn a_fault_of_the_key_set_reaches_everybody_until_it_is_taken_back() {
    let remote = Remote::start().await;
    let keys = || async {
        let answer = Browser::new().get(app::endpoint(&remote.idp.issuer(), "keys")).await;
        answer.text().await.unwrap()
    };
    let honest = keys().await;
    let catalog = remote.get("faults/catalog?q=jwks.").await;
    let id = catalog
        .as_array()
        .unwrap()
        .iter()
        .find(|fault| fault["id"].as_str().unwrap().contains("no-keys"));
    let id = id.expect("a fault that empties the set")["id"].clone();
    let (status, armed) = remote.post("faults", json!({ "id": id })).await;
    assert_eq!((status, &armed["when"]["server"]), (201, &json!("default")));
    assert_ne!(keys().await, honest);
    let path = format!("faults/{}", armed["number"]);
    assert_eq!(remote.get(&path).await["fired"], 1);
    remote.call(Method::DELETE, &path, None).await;
    assert_eq!(keys().await, honest);
}

#[tokio::test]
async fn a_flow_is_begun_entered_and_read_in_every_form() {
    let remote = Remote::start().await;
    let body = json!({"faults": ["id-token.exp-past.1h"], "user": "alice@example.test"});
    let (status, begun) = remote.post("flows", body).await;
    assert_eq!(status, 201, "{begun}");
    let mut browser = Browser::new();
    let enter = begun["enter"].as_str().unwrap();
    assert_eq!(browser.get(enter).await.status(), 204);
    let url = app::authorization_url(&remote.idp.issuer(), &[]);
    let back = app::location(&browser.get(&url).await);
    app::redeem(&remote.idp.issuer(), &param(&back, "code").unwrap(), &[]).await;
    let id = begun["id"].as_str().unwrap();
    let flow = remote.get(&format!("flows/{id}")).await;
    assert_eq!(
        (&flow["status"], &flow["user"]),
        (&json!("exchanged"), &json!("alice@example.test"))
    );
    assert_eq!(flow["client"], "web");
    let labels: Vec<&str> = flow["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["authorization request", "code for tokens"]);
    let id_token = &flow["tokens"][0];
    assert_eq!(
        (&id_token["kind"], &id_token["signature"]["state"]),
        (&json!("id"), &json!("good"))
    );
    let exp = id_token["claims"]
        .as_array()
        .unwrap()
        .iter()
        .find(|claim| claim["name"] == "exp")
        .unwrap();
    assert_eq!(exp["finding"]["state"], "bad", "{exp}");
    let check = |what: &str| {
        flow["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["what"] == what)
            .unwrap()["seen"]
            .clone()
    };
    assert_eq!(
        (check("sends a nonce"), check("fetches the key set")),
        (json!("yes"), json!("no"))
    );
    let mermaid = remote.get(&format!("flows/{id}.mmd")).await;
    assert!(mermaid.as_str().unwrap().starts_with("sequenceDiagram\n"), "{mermaid}");
    let har = remote.get(&format!("flows/{id}.har")).await;
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 2);
    assert_eq!(remote.get(&format!("flows/{id}.json")).await["id"], id);
    assert_eq!(remote.call(Method::GET, "flows/f-1-aaaaaaa", None).await.0, 404);
    let wrong = json!({"faults": ["jwks.nonsense"]});
    assert_eq!(remote.post("flows", wrong).await.0, 400);
}

#[tokio::test]
async fn enter_leads_only_to_registered_places() {
    let remote = Remote::start().await;
    let (_, begun) = remote.post("flows", json!({})).await;
    let enter = begun["enter"].as_str().unwrap().to_owned();
    let to = |to: &str| Url::parse_with_params(&enter, [("to", to)]).unwrap();
    let answer = Browser::new().get(to("http://localhost:3000/login?next=/")).await;
    assert_eq!(app::location(&answer).as_str(), "http://localhost:3000/login?next=/");
    for elsewhere in [
        "https://evil.test/",
        "//evil.test",
        "javascript:alert(1)",
        "http://localhost:3001/",
        "\\\\evil.test",
    ] {
        let answer = Browser::new().get(to(elsewhere)).await;
        assert_eq!(answer.status(), 400, "{elsewhere}");
        assert!(answer.headers().get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn flows_are_filtered_and_waited_for() {
    let remote = Remote::start().await;
    remote.sign_in("alice@example.test").await;
    let flow = remote.flow_of("alice@example.test").await;
    assert_eq!((&flow["status"], &flow["client"]), (&json!("exchanged"), &json!("web")));
    assert_eq!(remote.get("flows?user=bob@example.test").await, json!([]));
    assert_eq!(
        remote
            .get("flows?status=exchanged&client=web&refused=false")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let after = flow["at"].as_u64().unwrap();
    assert_eq!(remote.get(&format!("flows?after={after}")).await, json!([]));
    let wait = "flows/wait?user=bob@example.test&status=exchanged&timeout=20s";
    let (waited, _) = tokio::join!(remote.get(wait), remote.sign_in("bob@example.test"));
    assert_eq!(waited["user"], "bob@example.test");
    let (status, problem) = remote
        .call(Method::GET, "flows/wait?user=nobody&timeout=20ms", None)
        .await;
    assert_eq!((status, &problem["error"]), (408, &json!("timeout")));
    assert_eq!(remote.call(Method::GET, "flows?status=done", None).await.0, 400);
    assert_eq!(remote.call(Method::GET, "flows?usr=x", None).await.0, 400);
}

#[tokio::test]
async fn refused_requests_are_told_and_fail_the_verification() {
    let remote = Remote::start().await;
    assert_eq!(remote.post("verify", json!({})).await.0, 200);
    let url = app::authorization_url(
        &remote.idp.issuer(),
        &[("redirect_uri", Some("http://127.0.0.1:3000/callback"))],
    );
    assert_eq!(Browser::new().get(&url).await.status(), 400);
    let refused = remote.get("requests?refused=true").await;
    let step = &refused[0];
    assert_eq!(step["refused"]["rule"], "redirect-uri-unregistered");
    assert!(
        step["request"]["target"].as_str().unwrap().contains("127.0.0.1"),
        "{step}"
    );
    let (status, verdict) = remote.post("verify", json!({})).await;
    assert_eq!((status, verdict["refused"].as_array().unwrap().len()), (409, 1));
    let expected = json!({"expected_refusals": ["redirect-uri-unregistered"]});
    assert_eq!(remote.post("verify", expected.clone()).await.0, 200);
    remote.post("faults", json!({"id": "id-token.alg-none"})).await;
    let (status, verdict) = remote.post("verify", expected).await;
    assert_eq!(
        (status, &verdict["unfired"][0]["id"]),
        (409, &json!("id-token.alg-none"))
    );
}

#[tokio::test]
async fn reset_starts_over_and_keeps_what_is_to_be_kept() {
    let remote = Remote::start().await;
    let before = remote.get("keys").await;
    remote
        .call(Method::PUT, "users/carol@example.test", Some(json!({})))
        .await;
    remote.call(Method::PUT, "clients/other", Some(json!({}))).await;
    remote.call(Method::PUT, "clock", Some(json!({"offset": "2h"}))).await;
    remote.post("keys/rotate", json!({})).await;
    remote
        .post("faults", json!({"id": "id-token.alg-none", "when": {"user": "x"}}))
        .await;
    let tokens = remote.sign_in("alice@example.test").await;
    assert_eq!(remote.call(Method::POST, "reset?keep=users", None).await.0, 200);
    assert_eq!(remote.get("users").await.as_array().unwrap().len(), 3);
    assert_eq!(remote.get("clients").await.as_array().unwrap().len(), 1);
    assert_eq!(remote.get("clock").await["offset"], 0);
    assert_eq!(remote.get("faults").await, json!([]));
    assert_eq!(remote.get("flows").await, json!([]));
    assert_eq!(remote.get("keys").await, before);
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(app::userinfo(&remote.idp.issuer(), token).await.status(), 401);
    assert_eq!(remote.call(Method::POST, "reset", None).await.0, 200);
    assert_eq!(remote.get("users").await.as_array().unwrap().len(), 2);
    assert_eq!(remote.call(Method::POST, "reset?keep=all", None).await.0, 400);
    remote.sign_in("alice@example.test").await;
}

#[tokio::test]
async fn what_is_armed_at_the_start_is_armed_again_at_each_reset() {
    let mut arming = mock_idp::flow::Arming::new("id-token.alg-none".parse().unwrap());
    arming.user = Some("alice@example.test".to_owned());
    let everybody = mock_idp::flow::Arming::new("jwks.fetch-fails.no-keys".parse().unwrap());
    let idp = MockIdp::builder()
        .client(Client::web("web").secret(SECRET).redirect(REDIRECT_URI))
        .arm(arming)
        .arm(everybody)
        .auto_login("bob@example.test")
        .start()
        .await
        .unwrap();
    let remote = Remote {
        idp,
        http: app::http(None),
    };
    for _ in 0..2 {
        let armed = remote.get("faults").await;
        assert_eq!(armed[0]["id"], "id-token.alg-none");
        assert_eq!(armed[0]["when"], json!({"user": "alice@example.test"}));
        let keys = app::endpoint(&remote.idp.issuer(), "keys");
        let keys: Value = remote.http.get(keys).send().await.unwrap().json().await.unwrap();
        assert_eq!(keys, json!({"keys": []}));
        assert_eq!(remote.get("login").await[0]["user"], "bob@example.test");
        assert_eq!(remote.call(Method::DELETE, "faults", None).await.0, 200);
        assert_eq!(remote.get("faults").await, json!([]));
        assert_eq!(remote.call(Method::DELETE, "login", None).await.0, 200);
        assert_eq!(remote.call(Method::POST, "reset", None).await.0, 200);
    }
}

#[tokio::test]
async fn the_clock_moves_and_tokens_expire() {
    let remote = Remote::start().await;
    let tokens = remote.sign_in("alice@example.test").await;
    let token = tokens["access_token"].as_str().unwrap();
    let (status, clock) = remote.call(Method::PUT, "clock", Some(json!({"offset": "+2h"}))).await;
    assert_eq!((status, &clock["offset"]), (200, &json!(7200)));
    assert_eq!(app::userinfo(&remote.idp.issuer(), token).await.status(), 401);
    let (_, clock) = remote.call(Method::PUT, "clock", Some(json!({"offset": -60}))).await;
    assert_eq!(clock["offset"], -60);
    let (status, _) = remote
        .call(Method::PUT, "clock", Some(json!({"offset": "100000000d"})))
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn keys_rotate_with_overlap_and_without() {
    let remote = Remote::start().await;
    let published = || async {
        let answer = Browser::new().get(app::endpoint(&remote.idp.issuer(), "keys")).await;
        let keys: Value = answer.json().await.unwrap();
        keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].clone())
            .collect::<Vec<_>>()
    };
    let first = published().await;
    let (_, keys) = remote.post("keys/rotate", json!({"overlap": true})).await;
    assert_eq!(published().await, [keys["kid"].clone(), first[0].clone()]);
    let tokens = remote.sign_in("alice@example.test").await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 0)["kid"], keys["kid"]);
    let (_, keys) = remote.post("keys/rotate", json!({})).await;
    assert_eq!(published().await, [keys["kid"].clone()]);
    assert_eq!(remote.post("keys/rotate", json!({"server": "other"})).await.0, 404);
}

#[tokio::test]
async fn tokens_are_minted_good_and_wrong_and_explained() {
    let remote = Remote::start().await;
    let body = json!({"user": "alice@example.test", "nonce": "n", "claims": {"role": "boss", "ver": null}});
    let (status, tokens) = remote.post("tokens", body).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert_eq!(
        (&claims["nonce"], &claims["role"], claims.get("ver")),
        (&json!("n"), &json!("boss"), None)
    );
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(app::userinfo(&remote.idp.issuer(), token).await.status(), 200);
    let explain = |token: &Value| remote.post("tokens/explain", json!({ "token": token }));
    let (_, said) = explain(&tokens["id_token"]).await;
    assert_eq!(
        (&said["kind"], &said["signature"]["state"], &said["standing"]["state"]),
        (&json!("id"), &json!("good"), &json!("good"))
    );
    let wrong = json!({"user": "alice@example.test", "signed_by": "other", "expires_in": "-1h"});
    let (_, tokens) = remote.post("tokens", wrong).await;
    let (_, said) = explain(&tokens["id_token"]).await;
    assert_eq!(
        (&said["signature"]["state"], &said["standing"]["state"]),
        (&json!("bad"), &json!("open"))
    );
    assert!(
        said["claims"]
            .as_array()
            .unwrap()
            .iter()
            .any(|claim| claim["name"] == "exp" && claim["finding"]["state"] == "bad")
    );
    let (_, unsigned) = remote
        .post("tokens", json!({"user": "alice@example.test", "signed_by": "none"}))
        .await;
    assert_eq!(
        explain(&unsigned["id_token"]).await.1["signature"]["text"],
        "nobody signed it"
    );
    let (status, said) = explain(&json!("no token")).await;
    assert_eq!((status, &said["kind"]), (200, &json!("unknown")));
    assert_eq!(remote.post("tokens", json!({"user": "nobody"})).await.0, 404);
    assert_eq!(remote.post("tokens/explain", json!({"token": " "})).await.0, 400);
}

#[tokio::test]
async fn events_arrive_as_they_happen() {
    let remote = Remote::start().await;
    let mut answer = remote.http.get(remote.url("events")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    remote.sign_in("alice@example.test").await;
    let mut seen = String::new();
    while !seen.contains("tokens-issued") {
        let piece = tokio::time::timeout(Duration::from_secs(20), answer.chunk()).await;
        seen.push_str(&String::from_utf8_lossy(
            &piece.expect("in time").unwrap().expect("more"),
        ));
    }
    let record = seen.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(
        (&record["event"]["event"], &record["server"]),
        (&json!("received"), &json!("default"))
    );
    assert!(record["flow"].as_str().unwrap().starts_with("f-1-"), "{record}");
    assert_eq!(remote.call(Method::GET, "events?flow=x", None).await.0, 400);
}

#[tokio::test]
async fn the_document_names_every_call_and_the_page_is_served() {
    let remote = Remote::start().await;
    let document = remote.get("openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "/_mock/health",
        "/_mock/flows/wait",
        "/_mock/faults/{number}",
        "/_mock/users/{login}",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    let page = remote.http.get(remote.url("")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(page.text().await.unwrap().contains("<title>mock-idp</title>"));
    let (status, problem) = remote.call(Method::GET, "flowz", None).await;
    assert_eq!((status, &problem["error"]), (404, &json!("not-found")));
    assert_eq!(remote.call(Method::PATCH, "users", Some(json!({}))).await.0, 405);
}

/// PKCE's constants belong to the shared authorization request.
#[test]
fn the_shared_request_uses_pkce() {
    let url = app::authorization_url("http://127.0.0.1/oauth2/default", &[]);
    assert_eq!(param(&url, "code_challenge").as_deref(), Some(CHALLENGE));
    assert_eq!(mock_idp::protocol::pkce::s256(VERIFIER), CHALLENGE);
}

#[tokio::test]
async fn the_manual_names_every_call() {
    let remote = Remote::start().await;
    let document = remote.get("openapi.json").await;
    let manual = include_str!("../../CONTROL.md");
    for (path, methods) in document["paths"].as_object().unwrap() {
        let rows = manual.lines().filter(|line| line.starts_with('|'));
        let row = rows
            .filter(|row| row.contains(&format!(" {path}`")))
            .collect::<String>();
        for method in methods.as_object().unwrap().keys() {
            assert!(
                row.contains(&method.to_uppercase()),
                "{method} {path} is not in CONTROL.md"
            );
        }
    }
}
