//! The authorization server says that somebody signed out elsewhere: `/backchannel-logout`, from server to server
//! (OpenID Connect Back-Channel Logout 1.0), and `/frontchannel-logout`, in a frame of its page (Front-Channel Logout 1.0).

use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;
use url::form_urlencoded;

use super::error_page::Failure;
use crate::{app::App, session};

/// Ends the sessions that a logout token names (§2.7). Sessions that are gone already count as success.
///
/// # Errors
/// When the database does not answer; everything that is wrong with the request is a 400 with a JSON body (§2.8).
pub async fn back_channel(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let Some(token) = logout_token(&headers, &body) else {
        return Ok(refused("the request is no form with one logout_token"));
    };
    let notice = match app.oidc().verify_logout_token(&token).await {
        Ok(notice) => notice,
        Err(error) => {
            tracing::warn!(%error, "a logout token was refused");
            return Ok(refused("the logout token is not valid"));
        }
    };
    // §2.6, item 8: whoever kept a copy must not end later sessions with it.
    if !app
        .db()
        .first_time(&format!("logout {}", notice.id), notice.expires_at, app.now())
        .await?
    {
        return Ok(refused("the logout token was used before"));
    }
    let issuer = &app.config().issuer;
    let ended = session::end_for(app.db(), issuer, notice.subject.as_deref(), notice.sid.as_deref()).await?;
    tracing::info!(ended, "signed out by the authorization server");
    Ok(StatusCode::OK.into_response())
}

/// Ends the session of this issuer and `sid`. It works although browsers withhold this app's cookies in a frame of
/// another site: the session is found by its `sid`, not by a cookie. §2 leaves both parameters optional; this app requires
/// them, or any page could sign its visitors out here with a bare link. Register it with
/// `frontchannel_logout_session_required`.
///
/// # Errors
/// When the database does not answer.
pub async fn front_channel(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let only = |wanted: &str| match pairs.iter().filter(|(name, _)| name == wanted).collect::<Vec<_>>()[..] {
        [(_, value)] if !value.is_empty() => Some(value.as_ref()),
        _ => None,
    };
    let config = app.config();
    let mut response = match (only("iss"), only("sid")) {
        (Some(issuer), Some(sid)) if issuer == config.issuer => {
            let ended = session::end_for(app.db(), issuer, None, Some(sid)).await?;
            tracing::info!(ended, "signed out by the authorization server's page");
            Html("<!doctype html><title>Signed out</title>").into_response()
        }
        (Some(_), Some(_)) => not_signed_out("<code>iss</code> is not the issuer that this app signs in with."),
        _ => not_signed_out(
            "<code>iss</code> and <code>sid</code> are required, once each. Register this address with \
             <code>frontchannel_logout_session_required</code>.",
        ),
    };
    // The one page that may be framed, and only by the authorization server.
    let policy = format!("default-src 'none'; frame-ancestors {}", config.issuer_origin());
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// A front-channel notice is refused for this reason, which is HTML.
fn not_signed_out(reason: &'static str) -> Response {
    tracing::warn!(reason, "a front-channel logout was refused");
    let page = format!("<!doctype html><title>Not signed out</title><p>Not signed out: {reason}");
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

/// The one `logout_token` of a form. Other fields are ignored (§2.5).
fn logout_token(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next()?.trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    let mut tokens = form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Some(token.into_owned()),
        _ => None,
    }
}

fn refused(description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
