//! Who may call: nobody whom a page in somebody's browser sent.
//!
//! The server usually listens on loopback, where every page that a developer visits can send requests to it. Four walls: the
//! Host must be ours (against DNS rebinding), a request that a browser made must come from our own pages (Fetch Metadata,
//! Origin), a call that changes something needs what a plain form cannot send, and whoever calls from another machine needs
//! the admin token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Control, problem::Problem};
use crate::wire::Peer;

/// A header field that no form can send; its value does not matter.
const CUSTOM: HeaderName = HeaderName::from_static("x-mock-idp");

pub(crate) async fn check(State(control): State<Control>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&control, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(control: &Control, request: &Request) -> Option<Problem> {
    let path = request.uri().path();
    if path == "/_mock/health" {
        return None;
    }
    let headers = request.headers();
    let host = text(headers, &header::HOST);
    if let Some(host) = host
        && !control.idp.is_own_host(host)
    {
        let problem = Problem::forbidden("foreign-host", format!("the Host `{host}` is not this server's"));
        return Some(problem.fix(format!(
            "start it with --issuer {}://{host}, or call 127.0.0.1",
            control.idp.origin.scheme()
        )));
    }
    let is_page = matches!(path, "/_mock" | "/_mock/") && matches!(*request.method(), Method::GET | Method::HEAD);
    // The page shows nothing by itself: a link may lead to it from anywhere.
    if is_page {
        return None;
    }
    if let Some(problem) = foreign(control, headers, host) {
        return Some(problem);
    }
    let is_simple = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE | Method::PUT
    );
    if is_simple && !headers.contains_key(CUSTOM) && !is_json(headers) {
        let text = "a call that changes something must be what no page can send as a form";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", text);
        return Some(problem.fix("send `content-type: application/json` or `x-mock-idp: 1`"));
    }
    if path.starts_with("/_mock/flows/") && path.ends_with("/enter") {
        // Its name is the secret.
        return None;
    }
    stranger(control, request)
}

/// A request that a page of another origin made.
fn foreign(control: &Control, headers: &HeaderMap, host: Option<&str>) -> Option<Problem> {
    let fix = "call it from a program, or open the dashboard at /_mock/";
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if matches!(site, Some("cross-site" | "same-site")) {
        let text = "a page of another origin may not call this";
        return Some(Problem::forbidden("foreign-page", text).fix(fix));
    }
    let origin = headers.get(header::ORIGIN)?;
    let origin = origin.to_str().unwrap_or("null");
    let own = control.idp.origin.origin().ascii_serialization();
    let here = host.map(|host| [format!("http://{host}"), format!("https://{host}")]);
    let is_own = origin == own || here.is_some_and(|here| here.iter().any(|here| here == origin));
    if is_own {
        return None;
    }
    Some(Problem::forbidden("foreign-origin", format!("the origin `{origin}` is not this server's")).fix(fix))
}

/// A caller of another machine, or one without the token.
fn stranger(control: &Control, request: &Request) -> Option<Problem> {
    let Some(token) = &control.idp.admin_token else {
        let peer = request.extensions().get::<Peer>();
        let is_here = peer.is_none_or(|Peer(address)| address.ip().to_canonical().is_loopback());
        return (!is_here).then(|| {
            Problem::forbidden("not-loopback", "without an admin token only this machine may call")
                .fix("start it with --admin-token SECRET and send `authorization: Bearer SECRET`")
        });
    };
    let given = text(request.headers(), &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let is_right = given.is_some_and(|given| {
        aws_lc_rs::constant_time::verify_slices_are_equal(given.trim().as_bytes(), token.as_bytes()).is_ok()
    });
    (!is_right).then(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "admin-token",
            "the admin token is missing or wrong",
        )
        .fix("send `authorization: Bearer …` with the token of --admin-token")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}
