//! `/signout`: GET asks, POST acts, `/signed-out` is where the browser ends.

use askama::Template;
use axum::{
    Form,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{error_page::Failure, page};
use crate::{
    app::App,
    config::SIGNED_OUT_PATH,
    secret::{random_token, same},
    session,
};

const STATE_COOKIE: &str = "signout_state";

#[derive(Template)]
#[template(path = "sign_out.html")]
struct Question {
    name: String,
    csrf_token: String,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    still_here: bool,
    came_back: bool,
}

/// The form of the question. A missing token is an empty one, which never fits.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    csrf_token: String,
}

/// Asks. Signed-out visitors are led to the start page and its sign-in button: sending them on to the authorization
/// server would sign them in again, without a word, while its session lives.
///
/// # Errors
/// When the database does not answer.
pub async fn ask(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let Some(session) = app.session(&headers).await? else {
        return Ok(page::see_other("/"));
    };
    let question = Question {
        name: session.user.display_name().to_owned(),
        csrf_token: session.csrf_token(),
    };
    page::html(StatusCode::OK, &question)
}

/// Ends the session here, and only then asks the authorization server to end its own: if that is out of reach, or the
/// visitor closes the window there, the visitor is signed out of this app all the same.
///
/// # Errors
/// [`Failure::Forgery`] without the form's token, or when the database does not answer.
pub async fn act(State(app): State<App>, headers: HeaderMap, Form(answer): Form<Answer>) -> Result<Response, Failure> {
    let Some(session) = app.session(&headers).await? else {
        // A form that another site posts brings no cookie (SameSite=Lax). To take the cookie away in the answer would sign
        // the visitor out all the same: browsers heed it.
        let home = page::see_other("/");
        return Ok(match session::came_along(app.config(), &headers) {
            true => (CookieJar::new().add(session::removal(app.config())), home).into_response(),
            false => home.into_response(),
        });
    };
    if !same(&answer.csrf_token, &session.csrf_token()) {
        return Err(Failure::Forgery);
    }
    session::end(app.db(), app.config(), &headers).await?;
    tracing::info!(user = session.user.id, "signed out");

    let state = random_token();
    let jar = CookieJar::new().add(session::removal(app.config()));
    let mut response = match app.oidc().end_session_url(&session.id_token, &state).await {
        Ok(Some(url)) => (jar.add(state_cookie(&app, state)), page::see_other(url.as_str())).into_response(),
        Ok(None) => (jar, page::see_other(SIGNED_OUT_PATH)).into_response(),
        Err(error) => {
            tracing::warn!(%error, "signed out here only");
            (jar, page::see_other(SIGNED_OUT_PATH)).into_response()
        }
    };
    // Seen in Chromium: the back button shows the profile again, from its back/forward cache and in spite of `no-store`.
    let forget = HeaderValue::from_static("\"cache\"");
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), forget);
    Ok(response)
}

/// The last page. What brought the visitor here changes a sentence and nothing else.
///
/// # Errors
/// When the database does not answer.
pub async fn done(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    let returned = states.next().map(|(_, state)| state.into_owned());
    let sent = CookieJar::from_headers(&headers)
        .get(STATE_COOKIE)
        .map(|cookie| cookie.value().to_owned());
    let came_back = matches!((&sent, &returned), (Some(sent), Some(returned)) if same(sent, returned));
    let still_here = app.session(&headers).await?.is_some();
    let page = page::html(StatusCode::OK, &SignedOut { still_here, came_back })?;
    if sent.is_none() {
        return Ok(page);
    }
    let mut gone = state_cookie(&app, String::new());
    gone.make_removal();
    Ok((CookieJar::new().add(gone), page).into_response())
}

fn state_cookie(app: &App, state: String) -> Cookie<'static> {
    Cookie::build((STATE_COOKIE, state))
        .http_only(true)
        .secure(app.config().is_https())
        .same_site(SameSite::Lax)
        .path(SIGNED_OUT_PATH)
        .max_age(time::Duration::minutes(10))
        .build()
}
