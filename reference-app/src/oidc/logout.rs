//! Step 7: signing out, started here (OpenID Connect RP-Initiated Logout 1.0) or there (Back-Channel Logout 1.0,
//! Front-Channel Logout 1.0).

use serde_json::Value;
use url::Url;

use super::{
    RelyingParty,
    error::SignInError,
    id_token::{subject, verify_only_audience},
    jwt::{self, Expected, TokenError},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Web servers refuse longer request lines.
const MAX_HINT: usize = 6 * 1024;

/// What a logout token asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Whose sessions.
    pub subject: Option<String>,
    /// Which session.
    pub sid: Option<String>,
    /// Names the token; good once.
    pub id: String,
    /// Until when the name must be remembered, in Unix seconds.
    pub expires_at: i64,
}

impl RelyingParty {
    /// Where to send the browser after the local session has ended, or `None` when the authorization server offers no
    /// sign-out.
    ///
    /// # Errors
    /// When the metadata cannot be had.
    pub async fn end_session_url(&self, id_token: &str, state: &str) -> Result<Option<Url>, SignInError> {
        let metadata = self.metadata().await?;
        Ok(metadata.end_session_endpoint.clone().map(|mut url| {
            // RP-Initiated Logout §2: the hint is recommended, and Okta insists on it. An expired ID token will do.
            let (name, value) = if id_token.len() <= MAX_HINT {
                ("id_token_hint", id_token)
            } else {
                ("client_id", self.config.client_id.as_str())
            };
            url.query_pairs_mut()
                .append_pair(name, value)
                .append_pair("post_logout_redirect_uri", &self.config.post_logout_redirect_uri())
                .append_pair("state", state);
            url
        }))
    }

    /// Verifies a logout token (Back-Channel Logout §2.6). Whether its id was seen before is the caller's to know.
    ///
    /// # Errors
    /// [`SignInError::IdToken`] with the first thing that is wrong, or that the metadata cannot be had.
    pub async fn verify_logout_token(&self, token: &str) -> Result<LogoutNotice, SignInError> {
        let metadata = self.metadata().await?;
        let expected = Expected {
            kinds: &["logout+jwt", "application/logout+jwt", "jwt"],
            audience: &self.config.client_id,
            required: &["exp", "iss", "aud"],
        };
        let claims = self
            .verify_token(&metadata, token, &expected)
            .await
            .map_err(SignInError::IdToken)?;
        read(&claims, &self.config.client_id, self.clock.now()).map_err(SignInError::IdToken)
    }
}

fn read(claims: &jwt::ClaimMap, client_id: &str, now: i64) -> Result<LogoutNotice, TokenError> {
    verify_only_audience(claims, client_id)?;
    jwt::verify_issued_at(claims, now)?;
    // §2.4: an object that has the event as a member, whose value is an object.
    if !claims
        .get("events")
        .and_then(|events| events.get(EVENT))
        .is_some_and(Value::is_object)
    {
        return Err(TokenError::NoLogout);
    }
    // Forbidden, so that a logout token can never pass for an ID token.
    if claims.contains_key("nonce") {
        return Err(TokenError::NoLogout);
    }
    let text = |name| match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::Missing(name)),
    };
    let sid = text("sid")?;
    let subject = claims.contains_key("sub").then(|| subject(claims)).transpose()?;
    if sid.is_none() && subject.is_none() {
        return Err(TokenError::Missing("sub"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float cast to an integer saturates")]
    let expires_at = jwt::seconds(claims, "exp")? as i64;
    Ok(LogoutNotice {
        subject,
        sid,
        id: text("jti")?.ok_or(TokenError::Missing("jti"))?,
        expires_at: expires_at.saturating_add(jwt::LEEWAY),
    })
}
