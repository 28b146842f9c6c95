//! `/authorization-code/callback`: back from the authorization server. Only by GET: `form_post` would come without this
//! app's `SameSite=Lax` cookies.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{attempt_cookies, error_page::Failure, page, return_to};
use crate::{
    app::App,
    oidc::{Attempt, AuthorizationResponse, SignInError, attempt::LIFETIME},
    secret::sha256,
    session, users,
};

/// Takes the authorization response and signs the person in.
///
/// # Errors
/// Every [`SignInError`]; somebody who is signed in already stays so.
pub async fn receive(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // A code is good for one use, so it must not be spent on a page that the browser fetches on the chance.
    if is_speculative(&headers) {
        return Err(Failure::Speculative);
    }
    let response = AuthorizationResponse::parse(query.as_deref().unwrap_or_default())?;
    let state = response.state.clone().unwrap_or_default();
    let Some(attempt) = attempt_cookies::find(&app, &headers, &state) else {
        return without_attempt(&app, &headers).await;
    };
    // From here on the attempt is used up, whatever comes of it.
    let forget = attempt_cookies::remove(&app, &headers, &state);
    match sign_in(&app, &headers, response, attempt).await {
        Ok(signed_in) => Ok((forget, signed_in).into_response()),
        Err(failure) => Ok((forget, failure).into_response()),
    }
}

/// HEAD asks about the callback without taking it.
pub async fn not_by_head() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn sign_in(
    app: &App,
    headers: &HeaderMap,
    response: AuthorizationResponse,
    attempt: Attempt,
) -> Result<Response, Failure> {
    let now = app.now();
    // The browser is asked to forget the cookie, but a copy of it may exist: a state is good once, here too.
    if !app
        .db()
        .first_time(&format!("state {}", sha256(&attempt.state)), now + LIFETIME, now)
        .await?
    {
        return match app.session(headers).await? {
            Some(_) => Ok(page::see_other(&attempt.return_to)),
            None => Err(SignInError::AttemptReplayed.into()),
        };
    }
    let target = attempt.return_to.clone();
    let identity = app.oidc().finish(response, attempt).await?;
    let user = users::find_or_create(app.db(), &identity, app.now()).await?;
    if user.disabled {
        return Err(SignInError::UserDisabled.into());
    }
    // Whoever was signed in before is so no longer: the old cookie must not live on beside the new one.
    session::end(app.db(), app.config(), headers).await?;
    let cookie = session::start(app.db(), app.config(), &user, &identity, app.now()).await?;
    tracing::info!(user = user.id, "signed in");
    let jar = axum_extra::extract::CookieJar::new().add(cookie);
    Ok((jar, page::see_other(&target)).into_response())
}

/// A response to a sign-in that this browser did not begin, or has finished.
async fn without_attempt(app: &App, headers: &HeaderMap) -> Result<Response, Failure> {
    // Somebody who reloads the callback or goes back to it is signed in already, and sees that.
    if app.session(headers).await?.is_some() {
        return Ok(page::see_other(return_to::DEFAULT));
    }
    Err(SignInError::UnknownAttempt.into())
}

fn is_speculative(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let values = headers.get_all(*name).iter().filter_map(|value| value.to_str().ok());
        values
            .map(str::to_ascii_lowercase)
            .any(|value| value.contains("prefetch") || value.contains("preview"))
    })
}
