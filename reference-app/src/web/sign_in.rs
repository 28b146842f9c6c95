//! `/signin`: off to the authorization server.

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

use super::{attempt_cookies, error_page::Failure, page, return_to};
use crate::app::App;

/// Begins a sign-in. Of the query only `return_to` is read: nobody who makes a link to this page gets to choose a scope,
/// a redirect URI or an authorization server.
///
/// # Errors
/// When the authorization server's metadata cannot be had.
pub async fn begin(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Failure> {
    let target = return_to::from_query(query.as_deref().unwrap_or_default());
    leave(&app, &headers, &target, None).await
}

/// `/signin/initiate`: another site, usually the Okta dashboard, asks this app to sign its visitor in (OpenID Connect
/// Core 1.0 §4). Register it as the initiate login URI.
///
/// # Errors
/// [`Failure::ForeignInitiator`] when the request is for another issuer, or as [`begin`].
pub async fn initiated_elsewhere(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(Some(value.into_owned())),
            (None, _) => Ok(None),
            _ => Err(Failure::ForeignInitiator),
        }
    };
    if parameter("iss")?.as_deref() != Some(&app.config().issuer) {
        return Err(Failure::ForeignInitiator);
    }
    let target = parameter("target_link_uri")?;
    let target = target.map_or(return_to::DEFAULT.to_owned(), |target| {
        return_to::from_absolute(&target, &app.config().base_url)
    });
    // Only pre-fills the form over there.
    let hint = parameter("login_hint")?.filter(|hint| hint.len() <= 255);
    leave(&app, &headers, &target, hint.as_deref()).await
}

async fn leave(app: &App, headers: &HeaderMap, target: &str, hint: Option<&str>) -> Result<Response, Failure> {
    let (url, attempt) = app.oidc().begin(target, hint).await?;
    Ok((
        attempt_cookies::add(app, headers, &attempt),
        page::see_other(url.as_str()),
    )
        .into_response())
}
