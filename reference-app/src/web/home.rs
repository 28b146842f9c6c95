//! `/`: who is signed in, and a button.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{error_page::Failure, page};
use crate::app::App;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    user: Option<String>,
    /// Only a convenience: the page itself asks for the group.
    shows_admin: bool,
}

/// The start page.
///
/// # Errors
/// When the database does not answer.
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let session = app.session(&headers).await?;
    let shows_admin = session
        .as_ref()
        .is_some_and(|session| session.is_in_group(&app.config().admin_group));
    let user = session.map(|session| session.user.display_name().to_owned());
    page::html(StatusCode::OK, &Home { user, shows_admin })
}
