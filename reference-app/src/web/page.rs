//! What all pages share.

use askama::Template;
use axum::{
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use url::form_urlencoded;

use super::error_page::Failure;

/// Where the style sheet is. Caches keep it for a day: a change takes the next number.
pub const STYLE_PATH: &str = "/assets/style-1.css";

/// The style sheet.
pub async fn style() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::CACHE_CONTROL, "public, max-age=86400"),
        ],
        include_str!("../../static/style.css"),
    )
}

/// A page, rendered. Askama escapes every value: claims and parameters are strangers' words.
///
/// # Errors
/// When the template cannot be rendered.
pub fn html(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    let page = page.render().map_err(|error| {
        tracing::error!(%error, "a template cannot be rendered");
        Failure::Internal
    })?;
    Ok((status, Html(page)).into_response())
}

/// Leads a visitor who is not signed in to sign-in, and back to this address afterwards.
#[must_use]
pub fn sign_in_first(here: &Uri) -> Response {
    let here = here.path_and_query().map_or("/", |target| target.as_str());
    let here: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    see_other(&format!("/signin?return_to={here}"))
}

/// 303: whatever the method was, the next request is a GET.
#[must_use]
pub fn see_other(target: &str) -> Response {
    Redirect::to(target).into_response()
}
