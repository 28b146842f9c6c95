//! Any request to any endpoint of the router's table: never a 5xx, a panic or a hang.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use http::Request;
use libfuzzer_sys::fuzz_target;
use mock_idp::MockIdp;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built")
});
static IDP: LazyLock<MockIdp> = LazyLock::new(|| {
    let idp = RUNTIME.block_on(MockIdp::start());
    idp.expect("a free port on loopback")
});

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"];
const TYPES: &[&str] = &["application/x-www-form-urlencoded", "application/json", "text/plain"];
const HEADERS: &[&str] = &["authorization", "cookie", "dpop", "origin", "accept", "host"];

/// A request as libFuzzer makes it up.
#[derive(Debug, Arbitrary)]
struct Asked {
    row: usize,
    method: usize,
    segments: Vec<String>,
    query: String,
    content_type: usize,
    authorized: bool,
    headers: Vec<(usize, Vec<u8>)>,
    body: Vec<u8>,
}

fn pick<'a, T>(list: &'a [T], index: usize) -> &'a T {
    &list[index % list.len()]
}

fuzz_target!(|asked: Asked| {
    let table = mock_idp::endpoints();
    let mut segments = asked.segments.iter();
    let path: Vec<String> = pick(&table, asked.row)
        .path
        .split('/')
        .map(|part| match part.starts_with('{') {
            true => segments.next().cloned().unwrap_or_else(|| "default".to_owned()),
            false => part.to_owned(),
        })
        .collect();
    let method = *pick(METHODS, asked.method);
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}?{}", path.join("/"), asked.query))
        .header("content-type", *pick(TYPES, asked.content_type));
    if asked.authorized {
        request = request.header("authorization", "SSWS mock-api-token");
    }
    for (name, value) in &asked.headers {
        request = request.header(*pick(HEADERS, *name), value.as_slice());
    }
    // What is no URI or no header field cannot be sent.
    let Ok(request) = request.body(asked.body) else {
        return;
    };
    let answer = RUNTIME.block_on(IDP.answer(request));
    assert!(answer.status().as_u16() < 500, "{}", answer.status());
    let kind = answer.headers().get("content-type").map(|value| value.as_bytes().to_vec());
    if kind.as_deref() == Some(b"application/json") && method != "HEAD" {
        let body: Result<serde_json::Value, _> = serde_json::from_slice(answer.body());
        assert!(body.is_ok(), "no JSON");
    }
});
