//! Answers in the classes that Okta has: JSON of the API, cacheable JSON, pages, redirects, errors in the management shape. Their
//! header sets stand here and nowhere else.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::error::ApiError;
use crate::protocol::{
    draft::{Body, Delivery, Reply},
    random,
};

/// JSON of an API call, never cached.
pub(crate) fn json(status: u16, value: Value) -> Reply {
    let mut reply = with_type(status, "application/json", Body::Json(value));
    put(&mut reply, "cache-control", "no-cache, no-store");
    put(&mut reply, "pragma", "no-cache");
    put(&mut reply, "expires", "0");
    put(
        &mut reply,
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'self'",
    );
    rate_limits(&mut reply);
    put(&mut reply, "x-robots-tag", "noindex,nofollow");
    reply
}

/// JSON that may be cached so many seconds: metadata and keys. No rate limits, no cookies.
pub(crate) fn cacheable(value: Value, max_age: u64) -> Reply {
    let mut reply = with_type(200, "application/json", Body::Json(value));
    put(
        &mut reply,
        "cache-control",
        format!("max-age={max_age}, must-revalidate"),
    );
    let expires = SystemTime::now() + Duration::from_secs(max_age);
    put(&mut reply, "expires", httpdate::fmt_http_date(expires));
    put(
        &mut reply,
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'self'",
    );
    put(&mut reply, "vary", "Origin");
    reply
}

/// Takes these cookies of a session away, and what the sign-in page left.
pub(crate) fn clear_cookies(reply: &mut Reply, names: &[&str]) {
    for name in names {
        put(reply, "set-cookie", format!("{name}=\"\";Version=1;Path=/;Max-Age=0"));
    }
    for name in ["autolaunch_triggered", "activate_ca_modal_triggered"] {
        let expired = format!("{name}=\"\"; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/");
        put(reply, "set-cookie", expired);
    }
}

/// A page.
pub(crate) fn page(status: u16, html: String) -> Reply {
    let mut reply = with_type(status, "text/html;charset=utf-8", Body::Bytes(html.into_bytes()));
    put(&mut reply, "cache-control", "no-cache, no-store");
    put(&mut reply, "pragma", "no-cache");
    put(&mut reply, "expires", "0");
    put(&mut reply, "x-frame-options", "SAMEORIGIN");
    put(&mut reply, "x-ua-compatible", "IE=edge");
    put(&mut reply, "content-language", "en");
    put(
        &mut reply,
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    );
    rate_limits(&mut reply);
    put(&mut reply, "x-robots-tag", "noindex,nofollow");
    reply
}

/// A page with one script, which has this nonce.
pub(crate) fn page_with_script(status: u16, html: String, nonce: &str) -> Reply {
    let mut reply = page(status, html);
    for (name, value) in &mut reply.headers {
        if name == "content-security-policy" {
            value.to_mut().push_str(&format!("; script-src 'nonce-{nonce}'"));
        }
    }
    reply
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Reply {
    let mut reply = bare(status);
    put(&mut reply, "location", location.to_owned());
    put(&mut reply, "cache-control", "no-cache, no-store");
    put(&mut reply, "content-language", "en");
    put(&mut reply, "referrer-policy", "no-referrer");
    reply
}

/// Nothing but a status.
pub(crate) fn empty(status: u16) -> Reply {
    let mut reply = bare(status);
    put(&mut reply, "cache-control", "no-cache, no-store");
    reply
}

/// A management-style error.
pub(crate) fn api_error(error: &ApiError) -> Reply {
    let causes: Vec<Value> = error
        .causes
        .iter()
        .map(|cause| json!({"errorSummary": cause}))
        .collect();
    json(
        error.status,
        json!({
            "errorCode": error.code,
            "errorSummary": error.summary,
            "errorLink": error.code,
            "errorId": format!("oae{}", random::token22()),
            "errorCauses": causes,
        }),
    )
}

/// Adds a header field.
pub(crate) fn put(reply: &mut Reply, name: &'static str, value: impl Into<Cow<'static, str>>) {
    reply.headers.push((name.into(), value.into()));
}

fn bare(status: u16) -> Reply {
    Reply {
        status,
        headers: vec![
            ("x-okta-request-id".into(), random::hex(32).into()),
            ("p3p".into(), "CP=\"HONK\"".into()),
        ],
        body: Body::Empty,
        delivery: Delivery::Normal,
    }
}

fn with_type(status: u16, content_type: &'static str, body: Body) -> Reply {
    let mut reply = Reply { body, ..bare(status) };
    put(&mut reply, "content-type", content_type);
    put(&mut reply, "referrer-policy", "strict-origin-when-cross-origin");
    put(&mut reply, "accept-ch", "Sec-CH-UA-Platform-Version");
    put(&mut reply, "x-content-type-options", "nosniff");
    put(&mut reply, "x-xss-protection", "0");
    put(&mut reply, "server", "nginx");
    reply
}

fn rate_limits(reply: &mut Reply) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    put(reply, "x-rate-limit-limit", "1000");
    put(reply, "x-rate-limit-remaining", "999");
    put(reply, "x-rate-limit-reset", (since.as_secs() + 60).to_string());
}
