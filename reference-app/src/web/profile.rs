//! `/profile` and `/me`: the protected pages.

use askama::Template;
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{error_page::Failure, page};
use crate::{app::App, oidc::Check, session::Session, users::User};

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile {
    user: User,
    claims: Vec<(String, String)>,
    checks: Vec<Check>,
}

/// The profile page; visitors who are not signed in are led to sign-in and come back here.
///
/// # Errors
/// When the database does not answer.
pub async fn show(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(session) = app.session(&headers).await? else {
        return Ok(page::sign_in_first(&uri));
    };
    let claims = for_display(&session);
    let Session { user, checks, .. } = session;
    page::html(StatusCode::OK, &Profile { user, claims, checks })
}

/// Who is signed in, for programs: 200 with the user, or 401.
///
/// # Errors
/// When the database does not answer.
pub async fn me(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    Ok(match app.session(&headers).await? {
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "signed_in": false }))).into_response(),
        Some(Session { user, .. }) => Json(json!({
            "signed_in": true,
            "id": user.id,
            "sub": user.subject,
            "name": user.name,
            "given_name": user.given_name,
            "email": user.email,
            "email_verified": user.email_verified,
        }))
        .into_response(),
    })
}

/// Claims as text, without those that only machines care for.
fn for_display(session: &Session) -> Vec<(String, String)> {
    let shown = session
        .claims
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "nonce" | "at_hash" | "jti"));
    shown
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.clone(), text)
        })
        .collect()
}
