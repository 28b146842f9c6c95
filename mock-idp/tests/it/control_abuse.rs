//! What no page in somebody's browser may do with the control API, and no stranger in the network.

use std::net::{IpAddr, UdpSocket};

use mock_idp::MockIdp;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::control::Remote;

/// A raw request; status and body.
async fn send(remote: &Remote, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .request(method, remote.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

const JSON: (&str, &str) = ("content-type", "application/json");
const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "env", ""),
    ("GET", "users", ""),
    ("GET", "flows", ""),
    ("GET", "events", ""),
    ("GET", "openapi.json", ""),
    ("POST", "reset", "{}"),
    ("POST", "login", r#"{"user": "alice@example.test"}"#),
    ("POST", "faults", r#"{"id": "id-token.alg-none"}"#),
    ("PUT", "users/eve@evil.test", "{}"),
    ("DELETE", "users/bob@example.test", ""),
];

/// What must not have changed.
async fn is_untouched(remote: &Remote) {
    for (path, expected) in [("users", 2), ("faults", 0), ("login", 0)] {
        let (_, list) = remote.call(Method::GET, path, None).await;
        assert_eq!(list.as_array().unwrap().len(), expected, "{path}: {list}");
    }
}

#[tokio::test]
async fn a_name_of_somebody_else_that_leads_here_is_refused() {
    let remote = Remote::start().await;
    for host in [
        "evil.test",
        "evil.test:80",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "",
        "a b",
    ] {
        for (method, path, body) in CALLS {
            let method = method.parse().unwrap();
            let (status, problem) = send(&remote, method, path, &[("host", host), JSON], body).await;
            assert!(matches!(status, 400 | 403), "{host} {path}: {status} {problem}");
        }
        let answer = reqwest::Client::new()
            .get(remote.idp.origin().join("/api/v1/users").unwrap())
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, "SSWS mock-api-token")
            .send()
            .await
            .unwrap();
        assert!(
            matches!(answer.status().as_u16(), 400 | 403),
            "{host}: {}",
            answer.status()
        );
    }
    for host in ["127.0.0.1", "localhost:9494", "[::1]:80", "app.localhost", "LOCALHOST"] {
        let (status, problem) = send(&remote, Method::GET, "users", &[("host", host)], "").await;
        assert_eq!(status, 200, "{host}: {problem}");
    }
    is_untouched(&remote).await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let remote = Remote::start().await;
    let own = remote.idp.origin().origin().ascii_serialization();
    let foreign: &[&[(&str, &str)]] = &[
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", "http://localhost:3000")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
    ];
    for headers in foreign {
        for (method, path, body) in CALLS {
            let headers: Vec<_> = headers.iter().copied().chain([JSON]).collect();
            let (status, problem) = send(&remote, method.parse().unwrap(), path, &headers, body).await;
            assert_eq!(status, 403, "{headers:?} {path}: {problem}");
        }
    }
    let (status, _) = send(
        &remote,
        Method::GET,
        "users",
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        "",
    )
    .await;
    assert_eq!(status, 200);
    is_untouched(&remote).await;
}

#[tokio::test]
async fn what_a_form_can_send_changes_nothing() {
    let remote = Remote::start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for (path, body) in [
            ("reset", ""),
            ("login", r#"{"user": "alice@example.test"}"#),
            ("faults", r#"{"id": "id-token.alg-none"}"#),
        ] {
            let (status, problem) = send(&remote, Method::POST, path, &[("content-type", content_type)], body).await;
            assert_eq!(status, 415, "{content_type} {path}: {problem}");
        }
    }
    assert_eq!(send(&remote, Method::POST, "reset", &[], "").await.0, 415);
    for (path, wrong) in [("reset", 405), ("verify", 405), ("keys/rotate", 405)] {
        assert_eq!(send(&remote, Method::GET, path, &[], "").await.0, wrong, "{path}");
    }
    is_untouched(&remote).await;
}

#[tokio::test]
async fn a_page_cannot_make_a_browser_enter_a_flow() {
    let remote = Remote::start().await;
    let (_, begun) = remote.call(Method::POST, "flows", Some(json!({}))).await;
    let path = format!("flows/{}/enter", begun["id"].as_str().unwrap());
    for site in ["cross-site", "same-site"] {
        assert_eq!(
            send(&remote, Method::GET, &path, &[("sec-fetch-site", site)], "")
                .await
                .0,
            403
        );
    }
    for site in ["none", "same-origin"] {
        assert_eq!(
            send(&remote, Method::GET, &path, &[("sec-fetch-site", site)], "")
                .await
                .0,
            204
        );
    }
    assert_eq!(
        send(&remote, Method::GET, "flows/f-1/enter", &[], "").await.0,
        404,
        "the count alone is no name"
    );
}

#[tokio::test]
async fn with_an_admin_token_nobody_calls_without_it() {
    let idp = crate::app::builder().admin_token("s3cret").start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| idp.origin().join(&format!("/_mock/{path}")).unwrap();
    for authorization in ["", "Bearer wrong", "Bearer s3cre", "Basic s3cret", "Bearer "] {
        let answer = http
            .get(url("users"))
            .header(header::AUTHORIZATION, authorization)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let right = http.get(url("users")).bearer_auth("s3cret").send().await.unwrap();
    assert_eq!(right.status(), StatusCode::OK);
    for open in ["health", ""] {
        assert_eq!(
            http.get(url(open)).send().await.unwrap().status(),
            StatusCode::OK,
            "{open}"
        );
    }
}

/// This machine's address in a network, by which it is a stranger to itself; `None` where it has none. Nothing is sent.
fn outside() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // TEST-NET-1 (RFC 5737): an address that only says which way out would be taken.
    socket.connect("192.0.2.1:9").ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_loopback())
}

#[tokio::test]
async fn without_an_admin_token_no_other_machine_calls() {
    let Some(outside) = outside() else { return };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (token, expected) in [(None, StatusCode::FORBIDDEN), (Some("s3cret"), StatusCode::OK)] {
        let mut builder = MockIdp::builder().host(IpAddr::from([0, 0, 0, 0]));
        if let Some(token) = token {
            builder = builder.admin_token(token);
        }
        let idp = builder.start().await.unwrap();
        let ask = |from: IpAddr| {
            let url = format!("http://{from}:{}/_mock/users", idp.port());
            let request = http.get(url).header(header::HOST, "localhost");
            request.bearer_auth(token.unwrap_or_default()).send()
        };
        let here = ask(IpAddr::from([127, 0, 0, 1])).await.unwrap();
        assert_eq!(here.status(), StatusCode::OK, "{token:?}");
        let answer = ask(outside).await.unwrap();
        assert_eq!(answer.status(), expected, "{token:?}");
        if token.is_none() {
            let problem: Value = answer.json().await.unwrap();
            assert!(
                problem["message"]
                    .as_str()
                    .unwrap()
                    .contains("only this machine may call"),
                "{problem}"
            );
        }
    }
}

#[tokio::test]
async fn nonsense_is_named_and_never_an_error_of_the_server() {
    let remote = Remote::start().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"user\": 7}",
        "{\"usr\": \"x\"}",
        "\u{0}",
        "{\"user\": \"\u{fffd}\"}",
    ] {
        for path in [
            "login",
            "faults",
            "tokens",
            "tokens/explain",
            "flows",
            "verify",
            "keys/rotate",
            "users/x",
            "clients/x",
            "clock",
        ] {
            for method in [Method::POST, Method::PUT] {
                let (status, problem) = send(&remote, method.clone(), path, &[JSON], body).await;
                assert!(status < 500, "{method} {path} {body}: {problem}");
                if status >= 400 {
                    assert!(
                        problem["message"].is_string(),
                        "{method} {path} {body}: {status} {problem}"
                    );
                }
            }
        }
    }
    let large = format!("{{\"token\": \"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(
        send(&remote, Method::POST, "tokens/explain", &[JSON], &large).await.0,
        413
    );
}
