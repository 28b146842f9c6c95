//! The relying party of OpenID Connect's authorization code flow with PKCE, one step per file, in reading order:
//!
//! 1. [`metadata`]: what the authorization server says about itself;
//! 2. [`attempt`]: one sign-in that has begun, and the authorization request;
//! 3. [`callback`]: the authorization response;
//! 4. [`token_request`]: the code becomes tokens;
//! 5. [`jwt`], [`keys`], [`id_token`], [`access_token`]: what a token must be like to be believed;
//! 6. [`userinfo`]: further claims about the same person;
//! 7. [`logout`]: signing out, started here or there.
//!
//! [`error`] lists every way in which a sign-in can fail; [`checked`] every check that a sign-in has passed.

pub mod access_token;
pub mod attempt;
pub mod callback;
pub mod checked;
pub mod error;
pub mod fetch;
pub mod id_token;
pub mod jwt;
pub mod keys;
pub mod logout;
pub mod metadata;
pub mod token_request;
pub mod userinfo;

use serde_json::{Map, Value};
use url::Url;

pub use self::{attempt::Attempt, callback::AuthorizationResponse, checked::Check, error::SignInError};
use self::{checked::Checked, fetch::Fetcher, keys::Keys, metadata::MetadataCache};
use crate::{clock::Clock, config::Config};

/// This app as the authorization server knows it, and what it knows about the authorization server.
pub struct RelyingParty {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) fetcher: Fetcher,
    pub(crate) metadata: MetadataCache,
    pub(crate) keys: Keys,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The issuer: half of the user's key.
    pub issuer: String,
    /// The subject: the other half. Compared byte for byte.
    pub subject: String,
    /// Claims of the ID token, overlaid with those of userinfo. For display; nothing here is a key.
    pub claims: Map<String, Value>,
    /// The authorization server's name for its session, when it sends one.
    pub sid: Option<String>,
    /// The ID token as it came, for `id_token_hint`.
    pub id_token: String,
    /// Every check that this sign-in passed, in order.
    pub checks: Vec<Check>,
}

impl RelyingParty {
    /// A relying party with these settings. Asks nothing of the network yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built, for instance because the system's root certificates are unreadable.
    pub fn new(config: Config, clock: Clock) -> Result<Self, reqwest::Error> {
        Ok(Self {
            fetcher: Fetcher::new(config.upstream_timeout)?,
            metadata: MetadataCache::default(),
            keys: Keys::default(),
            config,
            clock,
        })
    }

    /// Begins a sign-in: where to send the browser, and what to remember until it comes back.
    ///
    /// # Errors
    /// [`SignInError::Metadata`] when the authorization server's metadata cannot be had or must not be used.
    pub async fn begin(&self, return_to: &str, login_hint: Option<&str>) -> Result<(Url, Attempt), SignInError> {
        let metadata = self.metadata().await?;
        let attempt = Attempt::new(return_to, self.clock.now());
        let url = attempt.authorization_request(&metadata, &self.config, login_hint);
        Ok((url, attempt))
    }

    /// Finishes a sign-in: every check between the authorization response and a person with a name.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn finish(&self, response: AuthorizationResponse, attempt: Attempt) -> Result<Identity, SignInError> {
        let mut checked = Checked::default();
        attempt.verify(&response, self.clock.now(), &mut checked)?;
        let metadata = self.metadata().await?;
        let code = response.into_code(&self.config.issuer, metadata.sends_issuer, &mut checked)?;

        let tokens = self.redeem(&metadata, &code, &attempt, &mut checked).await?;
        let claims = self
            .verify_id_token(&metadata, &tokens, &attempt.nonce, &mut checked)
            .await?;
        self.verify_access_token(&metadata, &tokens, &mut checked).await?;
        let userinfo = self.userinfo(&metadata, &tokens, &claims.subject, &mut checked).await?;

        let mut all = claims.all;
        all.extend(userinfo);
        Ok(Identity {
            issuer: self.config.issuer.clone(),
            subject: claims.subject,
            sid: all.get("sid").and_then(Value::as_str).map(str::to_owned),
            claims: all,
            id_token: tokens.id_token,
            checks: checked.into_list(),
        })
    }
}
