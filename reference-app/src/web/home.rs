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
}

/// The start page.
///
/// # Errors
/// When the database does not answer.
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let session = app.session(&headers).await?;
    let user = session.map(|session| session.user.display_name().to_owned());
    page::html(StatusCode::OK, &Home { user })
}
