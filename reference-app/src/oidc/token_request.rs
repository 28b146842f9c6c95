//! Step 4: the code becomes tokens (RFC 6749 §4.1.3, OpenID Connect Core 1.0 §3.1.3.1 to §3.1.3.3).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::{Attempt, Check, RelyingParty, SignInError, checked::Checked, fetch::FetchError, metadata::Metadata};
use crate::secret::Secret;

/// What the token endpoint gave. Neither token ever reaches the browser, except the ID token as `id_token_hint`.
#[derive(Debug)]
pub struct Tokens {
    /// The ID token, not verified yet.
    pub id_token: String,
    /// The access token, not verified yet.
    pub access_token: String,
}

/// The members that are read. `expires_in`, `scope` and all others are ignored: this app calls one API, at once.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    token_type: Option<Value>,
    #[serde(default)]
    access_token: Option<Value>,
    #[serde(default)]
    id_token: Option<Value>,
}

impl RelyingParty {
    pub(super) async fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        attempt: &Attempt,
        checked: &mut Checked,
    ) -> Result<Tokens, SignInError> {
        let redirect_uri = self.config.redirect_uri();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", attempt.code_verifier.as_str()),
        ];
        let authorization = self
            .config
            .client_secret
            .as_ref()
            .map(|secret| basic(&self.config.client_id, secret));
        if authorization.is_none() {
            form.push(("client_id", &self.config.client_id));
        }
        // Sent once. A code is good for one use, so a retry could only fail or, worse, revoke what the first one gave.
        let answer = self
            .fetcher
            .post_form(&metadata.token_endpoint, authorization.as_deref(), &form)
            .await;
        let answer = answer.map_err(SignInError::TokenEndpoint)?;
        let body: Result<Body, _> = answer.json();
        match (answer.status, body) {
            (200, Ok(body)) => read(body, checked),
            (200, Err(error)) => Err(SignInError::TokenEndpoint(error)),
            (500.., _) => Err(SignInError::TokenEndpoint(FetchError::Status(answer.status))),
            (_, Ok(Body { error: Some(error), .. })) => Err(SignInError::CodeRefused(word(&error))),
            (status, _) => Err(SignInError::TokenEndpoint(FetchError::Status(status))),
        }
    }
}

fn read(body: Body, checked: &mut Checked) -> Result<Tokens, SignInError> {
    // Some servers answer 200 to a refusal; tokens beside an error are not to be trusted either.
    match body.error {
        None | Some(Value::Null) => {}
        Some(error) => return Err(SignInError::CodeRefused(word(&error))),
    }
    checked.held(Check::CodeRedeemed);
    // RFC 6749 §5.1: required, and compared without regard to case.
    match &body.token_type {
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => checked.held(Check::TokenType),
        _ => return Err(SignInError::TokenType),
    }
    let id_token = text(body.id_token).ok_or(SignInError::IdTokenMissing)?;
    let access_token = text(body.access_token).ok_or(SignInError::AccessTokenMissing)?;
    // RFC 6749 Appendix A.12; it will be sent in a header.
    if !access_token.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Err(SignInError::TokenResponse(
            "the access token holds characters that no token has",
        ));
    }
    Ok(Tokens { id_token, access_token })
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// An error code for the log: short, and nothing that could forge a line of it.
fn word(error: &Value) -> String {
    let word = error.as_str().unwrap_or("(no text)");
    word.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(40)
        .collect()
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined, so that a colon in the id cannot end it.
fn basic(id: &str, secret: &Secret) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    format!("Basic {}", STANDARD.encode(pair))
}
