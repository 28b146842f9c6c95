//! Step 5d: the access token. To a relying party it is opaque by the standard, but Okta's guide for this kind of app
//! validates it, and an app that passes it on to its own API is glad of that. `OKTA_AUDIENCE=` switches it off.

use serde_json::Value;

use super::{
    Check, RelyingParty, SignInError,
    checked::Checked,
    jwt::{Expected, TokenError},
    metadata::Metadata,
    token_request::Tokens,
};

impl RelyingParty {
    pub(super) async fn verify_access_token(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        checked: &mut Checked,
    ) -> Result<(), SignInError> {
        let Some(audience) = self.config.audience.as_deref() else {
            return Ok(());
        };
        let expected = Expected {
            kinds: &["jwt", "at+jwt", "application/at+jwt"],
            audience,
            required: &["exp", "iss", "aud", "sub"],
        };
        let claims = self.verify_token(metadata, &tokens.access_token, &expected).await;
        let claims = claims.map_err(SignInError::AccessToken)?;
        for check in [
            Check::AccessTokenSignature,
            Check::AccessTokenIssuer,
            Check::AccessTokenAudience,
            Check::AccessTokenNotExpired,
        ] {
            checked.held(check);
        }
        // Okta's name for the client; RFC 9068 calls it `client_id`.
        let client = claims.get("cid").or_else(|| claims.get("client_id"));
        if client.and_then(Value::as_str) != Some(&self.config.client_id) {
            return Err(SignInError::AccessToken(TokenError::Client));
        }
        checked.held(Check::AccessTokenClient);
        Ok(())
    }
}
