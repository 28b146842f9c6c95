//! `/admin`: only for members of one group.

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{error_page::Failure, page};
use crate::{app::App, users};

#[derive(Template)]
#[template(path = "admin.html")]
struct Admin {
    group: String,
    users: i64,
}

/// The page of the administrators. Visitors who are not signed in are led to sign-in. Whoever is signed in and not in the
/// group is told so: signing in again would not make them a member, it would only send them round.
///
/// # Errors
/// [`Failure::NotInGroup`], or when the database does not answer.
pub async fn show(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(session) = app.session(&headers).await? else {
        return Ok(page::sign_in_first(&uri));
    };
    let group = app.config().admin_group.clone();
    if !session.is_in_group(&group) {
        return Err(Failure::NotInGroup);
    }
    let users = users::count(app.db()).await?;
    page::html(StatusCode::OK, &Admin { group, users })
}
