//! The dashboard: one embedded page. It shows nothing by itself; its script asks the control API.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

const PAGE: &str = include_str!("dashboard.html");
const SCRIPT: &str = include_str!("dashboard.js");
const STYLE: &str = include_str!("dashboard.css");

pub(crate) async fn page() -> Response {
    // A nonce lets exactly these two in: whatever else a hostile value might become is neither run nor applied.
    let nonce = crate::protocol::random::token22();
    let html = PAGE
        .replace("{nonce}", &nonce)
        .replace("{style}", STYLE)
        .replace("{script}", SCRIPT);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Relative addresses need the slash; relative itself, so that a path prefix in front stays.
pub(crate) async fn without_slash() -> Redirect {
    Redirect::permanent("_mock/")
}
