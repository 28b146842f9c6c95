//! Every way in which a sign-in can fail, in the order in which it can happen. The mirror of what an authorization
//! server, or somebody in between, can do wrong.

use super::{fetch::FetchError, jwt::TokenError};

/// Why nobody was signed in. The texts are for the log; what the visitor reads stands in `web::error_page`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    // What the browser brought.
    #[error("the authorization response is not well-formed: {0}")]
    MalformedResponse(&'static str),
    #[error("the authorization response has the parameter `{0}` more than once")]
    RepeatedParameter(String),
    #[error("the authorization response has no state, or one that this browser has no sign-in for")]
    UnknownAttempt,
    #[error("the sign-in was begun more than {0} seconds ago")]
    AttemptExpired(i64),
    #[error("the sign-in was finished before; a state is good for one response")]
    AttemptReplayed,
    #[error("the authorization response names another issuer")]
    ResponseIssuer,
    #[error("the authorization response names no issuer, although the authorization server says that it does")]
    ResponseIssuerMissing,
    #[error("the authorization server answered with the error `{0}`")]
    Denied(Denial),
    #[error("the authorization response has neither code nor error")]
    CodeMissing,

    // What the authorization server said about itself.
    #[error("the metadata cannot be had: {0}")]
    Metadata(FetchError),
    #[error("the metadata is of another issuer: `{found}`, expected `{expected}`")]
    MetadataIssuer { found: String, expected: String },
    #[error("the metadata's `{0}` is missing, no URL, or not on the issuer's origin")]
    MetadataEndpoint(&'static str),

    // What the token endpoint answered.
    #[error("the token endpoint did not answer properly: {0}")]
    TokenEndpoint(FetchError),
    #[error("the token endpoint refused the code: `{0}`")]
    CodeRefused(String),
    #[error("the token response is not well-formed: {0}")]
    TokenResponse(&'static str),
    #[error("the token type is missing or not Bearer")]
    TokenType,
    #[error("the token response holds no ID token")]
    IdTokenMissing,
    #[error("the token response holds no access token")]
    AccessTokenMissing,

    // What the tokens were like.
    #[error("the ID token was refused: {0}")]
    IdToken(TokenError),
    #[error("the access token was refused: {0}")]
    AccessToken(TokenError),

    // What userinfo answered.
    #[error("userinfo is about somebody else, or does not say about whom")]
    UserinfoSubject,

    // What this app decided.
    #[error("the user is disabled here")]
    UserDisabled,
}

/// The `error` of an authorization response (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6). Unknown words stay
/// out: whoever made the link chose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    AccessDenied,
    LoginRequired,
    InteractionRequired,
    ConsentRequired,
    TemporarilyUnavailable,
    ServerError,
    InvalidScope,
    Other,
}

impl Denial {
    /// Reads the parameter.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "access_denied" => Self::AccessDenied,
            "login_required" => Self::LoginRequired,
            "interaction_required" => Self::InteractionRequired,
            "consent_required" => Self::ConsentRequired,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "server_error" => Self::ServerError,
            "invalid_scope" => Self::InvalidScope,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
            Self::InvalidScope => "invalid_scope",
            Self::Other => "(another)",
        })
    }
}
