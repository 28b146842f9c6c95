//! Step 6: further claims about the same person (OpenID Connect Core 1.0 §5.3).
//!
//! Who signed in is settled by now; userinfo only adds a given name and the like. So an endpoint that is down, slow or
//! answers rubbish costs those claims and not the sign-in. One that answers about *somebody else* ends the sign-in: that
//! is no fault of a busy server but a sign that tokens were mixed up (§16.11).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Check, RelyingParty, SignInError, checked::Checked, jwt::ClaimMap, metadata::Metadata, token_request::Tokens,
};

/// The answer. `sub` is read apart: serde refuses an object that has it twice.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    sub: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl RelyingParty {
    pub(super) async fn userinfo(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        subject: &str,
        checked: &mut Checked,
    ) -> Result<ClaimMap, SignInError> {
        let Some(url) = &metadata.userinfo_endpoint else {
            return Ok(ClaimMap::new());
        };
        match self.fetcher.get_json::<Body>(url, Some(&tokens.access_token)).await {
            // §5.3.2: exactly the subject of the ID token, or none of it must be used.
            Ok(body) if body.sub.as_ref().and_then(Value::as_str) == Some(subject) => {
                checked.held(Check::UserinfoSubject);
                Ok(only_about_the_person(body.others))
            }
            Ok(_) => Err(SignInError::UserinfoSubject),
            Err(error) => {
                tracing::warn!(%error, "userinfo is not used");
                Ok(ClaimMap::new())
            }
        }
    }
}

/// Claims about the token itself are the ID token's to make.
fn only_about_the_person(mut claims: ClaimMap) -> ClaimMap {
    for name in [
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "azp",
        "at_hash",
        "auth_time",
        "sid",
    ] {
        claims.remove(name);
    }
    claims.retain(|_, value| !value.is_null());
    claims
}
