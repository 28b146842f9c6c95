//! What a visitor reads when something fails: what happened and what to do, in this app's own words. What others sent is
//! never repeated, for whoever made the link may have written it.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::page;
use crate::{
    oidc::{SignInError, error::Denial},
    secret::random_token,
};

/// Why there is no ordinary answer.
#[derive(Debug)]
pub enum Failure {
    /// A sign-in failed.
    SignIn(SignInError),
    /// Another site asked for a sign-in at an authorization server that is not this app's.
    ForeignInitiator,
    /// A prefetch of the callback.
    Speculative,
    /// A form without this session's token.
    Forgery,
    /// Signed in, and not in the group whose page this is.
    NotInGroup,
    /// No such page.
    NotFound,
    /// Not by this method.
    MethodNotAllowed,
    /// The request line is too long.
    UriTooLong,
    /// The header section is too large.
    HeadersTooLarge,
    /// Something of our own broke.
    Internal,
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        Self::SignIn(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database does not answer");
        Self::Internal
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: u16,
    title: &'static str,
    text: &'static str,
    /// Offers to sign in again.
    retry: bool,
    /// Finds the line in the log.
    reference: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, text, retry) = words(&self);
        let reference = random_token()[..8].to_owned();
        match &self {
            Self::SignIn(error) => tracing::warn!(reference, status = status.as_u16(), %error, "sign-in refused"),
            other => tracing::debug!(reference, status = status.as_u16(), failure = ?other),
        }
        let page = ErrorPage {
            status: status.as_u16(),
            title,
            text,
            retry,
            reference,
        };
        page::html(status, &page).unwrap_or_else(|_| (status, title).into_response())
    }
}

/// Status, title, text, and whether trying again makes sense.
///
/// What the authorization server got wrong is 424 (Failed Dependency), not 5xx: this app works, nothing in it needs
/// restarting, and whoever watches it by its 5xx rate is not woken by a forged token.
fn words(failure: &Failure) -> (StatusCode, &'static str, &'static str, bool) {
    use SignInError as E;
    const NOT_SIGNED_IN: &str = "You are not signed in";
    let upstream = StatusCode::FAILED_DEPENDENCY;
    match failure {
        Failure::SignIn(E::UnknownAttempt | E::AttemptReplayed) => (
            StatusCode::BAD_REQUEST,
            "This sign-in was not begun here",
            "The answer that arrived belongs to no sign-in that is open in this browser. It may have been finished \
             already, or begun in another browser. If you followed a link to get here, somebody may have tried to sign \
             you in under a name that is not yours.",
            true,
        ),
        Failure::SignIn(E::AttemptExpired(_)) => (
            StatusCode::BAD_REQUEST,
            "That took too long",
            "A sign-in has to be finished within a quarter of an hour. Please start again.",
            true,
        ),
        Failure::SignIn(E::Denied(denial)) => denied(*denial),
        Failure::SignIn(
            E::MalformedResponse(_)
            | E::RepeatedParameter(_)
            | E::ResponseIssuer
            | E::ResponseIssuerMissing
            | E::CodeMissing,
        ) => (
            StatusCode::BAD_REQUEST,
            NOT_SIGNED_IN,
            "The answer that arrived is not one that this app can trust.",
            true,
        ),
        Failure::SignIn(E::Metadata(_) | E::TokenEndpoint(_)) => (
            upstream,
            "The sign-in service does not answer",
            "It may be busy or out of reach. Please try again in a moment.",
            true,
        ),
        Failure::SignIn(E::MetadataIssuer { .. } | E::MetadataEndpoint(_)) => (
            upstream,
            "The sign-in service is not set up properly",
            "What it says about itself does not fit this app's settings. Whoever runs this app has to look into it.",
            false,
        ),
        Failure::SignIn(E::CodeRefused(_)) => (
            StatusCode::BAD_REQUEST,
            NOT_SIGNED_IN,
            "The sign-in service did not confirm this sign-in. It may have been finished already.",
            true,
        ),
        Failure::SignIn(E::TokenResponse(_) | E::TokenType | E::IdTokenMissing | E::AccessTokenMissing) => (
            upstream,
            NOT_SIGNED_IN,
            "The sign-in service gave an answer that this app cannot use.",
            true,
        ),
        Failure::SignIn(E::IdToken(_) | E::UserinfoSubject) => (
            StatusCode::FORBIDDEN,
            NOT_SIGNED_IN,
            "The sign-in service's word about who you are did not pass this app's checks.",
            true,
        ),
        Failure::SignIn(E::AccessToken(_)) => (
            StatusCode::FORBIDDEN,
            NOT_SIGNED_IN,
            "The access token that came with this sign-in did not pass this app's checks.",
            true,
        ),
        Failure::SignIn(E::UserDisabled) => (
            StatusCode::FORBIDDEN,
            "This account is switched off",
            "You have proved who you are, but your account here is switched off.",
            false,
        ),
        Failure::ForeignInitiator => (
            StatusCode::BAD_REQUEST,
            NOT_SIGNED_IN,
            "Another site asked for a sign-in that this app does not offer.",
            true,
        ),
        Failure::Speculative => (
            StatusCode::FORBIDDEN,
            "Not in advance",
            "This address is only answered when somebody really goes there.",
            true,
        ),
        Failure::Forgery => (
            StatusCode::FORBIDDEN,
            "You are still signed in",
            "The request to sign out did not come from this app's own form.",
            false,
        ),
        Failure::NotInGroup => (
            StatusCode::FORBIDDEN,
            "This page is not for you",
            "You are signed in, but you are not in the group that may see this page. If you should be, ask whoever runs \
             this app to add you, and sign in again.",
            false,
        ),
        Failure::NotFound => (
            StatusCode::NOT_FOUND,
            "There is no such page",
            "Check the address.",
            false,
        ),
        Failure::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "Not this way",
            "This address does not take requests of this kind.",
            false,
        ),
        Failure::UriTooLong => (
            StatusCode::URI_TOO_LONG,
            "The address is too long",
            "This app does not read addresses of this length.",
            false,
        ),
        Failure::HeadersTooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The request is too large",
            "Clear this site's cookies and try again.",
            false,
        ),
        Failure::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something broke",
            "It is not your doing. Please try again later.",
            false,
        ),
    }
}

fn denied(denial: Denial) -> (StatusCode, &'static str, &'static str, bool) {
    let (status, text) = match denial {
        Denial::AccessDenied => (
            StatusCode::FORBIDDEN,
            "The sign-in was cancelled, or you are not allowed to use this app.",
        ),
        Denial::LoginRequired | Denial::InteractionRequired | Denial::ConsentRequired => (
            StatusCode::FORBIDDEN,
            "The sign-in service needs something from you first: a fresh sign-in, or your consent.",
        ),
        Denial::TemporarilyUnavailable | Denial::ServerError => (
            StatusCode::FAILED_DEPENDENCY,
            "The sign-in service is busy or has a problem. Please try again in a moment.",
        ),
        Denial::InvalidScope => (
            StatusCode::FAILED_DEPENDENCY,
            "This app asked for something that the sign-in service does not offer. Whoever runs it has to look into it.",
        ),
        Denial::Other => (StatusCode::BAD_REQUEST, "The sign-in service ended the sign-in."),
    };
    (status, "You are not signed in", text, true)
}
