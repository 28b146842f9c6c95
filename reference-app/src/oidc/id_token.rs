//! Step 5c: the ID token (OpenID Connect Core 1.0 §3.1.3.7). The signature is verified first, although the list there
//! begins with the issuer: before that, the claims are anybody's words.

use serde_json::Value;

use super::{
    Check, RelyingParty, SignInError,
    checked::Checked,
    jwt::{self, ClaimMap, Expected, TokenError},
    metadata::Metadata,
    token_request::Tokens,
};
use crate::secret::{left_half_of_sha256, same};

/// Claims that were verified.
#[derive(Debug)]
pub struct VerifiedClaims {
    /// `sub`.
    pub subject: String,
    /// All of them.
    pub all: ClaimMap,
}

impl RelyingParty {
    pub(super) async fn verify_id_token(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        nonce: &str,
        checked: &mut Checked,
    ) -> Result<VerifiedClaims, SignInError> {
        let expected = Expected {
            kinds: &["jwt"],
            audience: &self.config.client_id,
            required: &["exp", "iss", "aud", "sub"],
        };
        let claims = self
            .verify_token(metadata, &tokens.id_token, &expected)
            .await
            .map_err(SignInError::IdToken)?;
        for check in [
            Check::Algorithm,
            Check::TokenKind,
            Check::Signature,
            Check::Issuer,
            Check::NotExpired,
        ] {
            checked.held(check);
        }
        let subject = self
            .verify_claims(&claims, nonce, &tokens.access_token, checked)
            .map_err(SignInError::IdToken)?;
        Ok(VerifiedClaims { subject, all: claims })
    }

    /// What jsonwebtoken does not ask; returns the subject.
    fn verify_claims(
        &self,
        claims: &ClaimMap,
        nonce: &str,
        access_token: &str,
        checked: &mut Checked,
    ) -> Result<String, TokenError> {
        verify_only_audience(claims, &self.config.client_id)?;
        checked.held(Check::Audience);
        if let Some(party) = claims.get("azp") {
            if party.as_str() != Some(&self.config.client_id) {
                return Err(TokenError::AuthorizedParty);
            }
            checked.held(Check::AuthorizedParty);
        }
        jwt::verify_issued_at(claims, self.clock.now())?;
        checked.held(Check::IssuedRecently);
        let subject = subject(claims)?;
        checked.held(Check::Subject);
        // A nonce was sent, so it must come back (item 11). Without this a code that was stolen elsewhere would do.
        if !claims
            .get("nonce")
            .and_then(Value::as_str)
            .is_some_and(|found| same(found, nonce))
        {
            return Err(TokenError::Nonce);
        }
        checked.held(Check::Nonce);
        // §3.1.3.8: optional in the code flow, and worth nothing unless it is compared when it is there.
        if let Some(hash) = claims.get("at_hash") {
            if hash.as_str() != Some(&left_half_of_sha256(access_token)) {
                return Err(TokenError::AccessTokenHash);
            }
            checked.held(Check::AccessTokenHash);
        }
        Ok(subject)
    }
}

/// Item 3: this client, and no audience that it does not trust. It trusts nobody else.
pub(super) fn verify_only_audience(claims: &ClaimMap, client_id: &str) -> Result<(), TokenError> {
    match claims.get("aud") {
        Some(Value::Array(list)) if !list.is_empty() && list.iter().all(|audience| audience == client_id) => Ok(()),
        Some(audience) if audience == client_id => Ok(()),
        // jsonwebtoken has refused every token that is not for this client as well.
        _ => Err(TokenError::ExtraAudience),
    }
}

/// Core §2: at most 255 characters. Kept as it is: no trimming, no case folding, no normal form. Control characters are
/// refused, since no server that follows the standard sends them and not every database can keep them.
pub(super) fn subject(claims: &ClaimMap) -> Result<String, TokenError> {
    match claims.get("sub") {
        Some(Value::String(subject))
            if !subject.is_empty() && subject.chars().count() <= 255 && !subject.contains(char::is_control) =>
        {
            Ok(subject.clone())
        }
        _ => Err(TokenError::Missing("sub")),
    }
}
