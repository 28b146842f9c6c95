//! Step 2: one sign-in that has begun, and its authorization request (RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2.1).

use serde::{Deserialize, Serialize};
use url::Url;

use super::{AuthorizationResponse, Check, SignInError, checked::Checked, metadata::Metadata};
use crate::{
    config::Config,
    secret::{random_token, same, sha256},
};

/// How long a person may take on the hosted page, in seconds.
pub const LIFETIME: i64 = 15 * 60;

/// What this app remembers of a sign-in until the browser comes back. It travels in an encrypted cookie of that browser,
/// one cookie per attempt, so that two tabs can sign in at once and nobody else's answer fits.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Ties the authorization response to this browser (RFC 6749 §10.12).
    #[serde(rename = "s")]
    pub state: String,
    /// Ties the ID token to this attempt (Core §15.5.2).
    #[serde(rename = "n")]
    pub nonce: String,
    /// Ties the code to this app (RFC 7636).
    #[serde(rename = "v")]
    pub code_verifier: String,
    /// The local path to show afterwards; checked before it came here, and out of the visitor's reach since.
    #[serde(rename = "r")]
    pub return_to: String,
    /// Unix seconds.
    #[serde(rename = "t")]
    pub begun_at: i64,
}

impl Attempt {
    /// A new attempt; every value in it is random and used once.
    #[must_use]
    pub fn new(return_to: &str, now: i64) -> Self {
        Self {
            state: random_token(),
            nonce: random_token(),
            code_verifier: random_token(),
            return_to: return_to.to_owned(),
            begun_at: now,
        }
    }

    /// The URL that asks the authorization server to sign this person in. Nothing in it comes from the visitor's
    /// request, except a `login_hint` where the caller passes one on purpose.
    #[must_use]
    pub fn authorization_request(&self, metadata: &Metadata, config: &Config, login_hint: Option<&str>) -> Url {
        let mut url = metadata.authorization_endpoint.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &config.client_id)
            .append_pair("redirect_uri", &config.redirect_uri())
            .append_pair("scope", &config.scopes)
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            // S256 whatever the metadata advertise: `plain` protects nothing (RFC 7636 §7.2).
            .append_pair("code_challenge", &sha256(&self.code_verifier))
            .append_pair("code_challenge_method", "S256");
        if let Some(hint) = login_hint {
            query.append_pair("login_hint", hint);
        }
        drop(query);
        url
    }

    /// Whether this response is the answer to this attempt, in time.
    ///
    /// # Errors
    /// [`SignInError::UnknownAttempt`], [`SignInError::AttemptExpired`].
    pub(super) fn verify(
        &self,
        response: &AuthorizationResponse,
        now: i64,
        checked: &mut Checked,
    ) -> Result<(), SignInError> {
        if !response.state.as_deref().is_some_and(|state| same(state, &self.state)) {
            return Err(SignInError::UnknownAttempt);
        }
        checked.held(Check::StateKnown);
        if now - self.begun_at > LIFETIME {
            return Err(SignInError::AttemptExpired(LIFETIME));
        }
        checked.held(Check::StateFresh);
        Ok(())
    }
}
