//! Step 3: the authorization response (RFC 6749 §4.1.2, RFC 9207).

use std::collections::HashSet;

use url::form_urlencoded;

use super::{Check, SignInError, checked::Checked, error::Denial};

/// The query of a request to the callback, taken apart but not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// `state`.
    pub state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

impl AuthorizationResponse {
    /// Reads a query string. Unknown parameters are ignored.
    ///
    /// # Errors
    /// [`SignInError::RepeatedParameter`] when any parameter comes twice (RFC 6749 §3.1): of two values one is wrong, and
    /// which one would be checked and which one used is nothing to leave to chance.
    /// [`SignInError::MalformedResponse`] when it is no text.
    pub fn parse(query: &str) -> Result<Self, SignInError> {
        let mut seen = HashSet::new();
        let mut response = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // The parser puts U+FFFD for bytes that are no UTF-8. No honest value holds it.
            let is_text = |text: &str| !text.contains(['\u{FFFD}', '\0']);
            if !is_text(&name) || !is_text(&value) {
                return Err(SignInError::MalformedResponse("it holds bytes that are no text"));
            }
            if !seen.insert(name.clone()) {
                return Err(SignInError::RepeatedParameter(name.chars().take(40).collect()));
            }
            let field = match name.as_ref() {
                "state" => &mut response.state,
                "code" => &mut response.code,
                "error" => &mut response.error,
                "iss" => &mut response.issuer,
                _ => continue,
            };
            *field = Some(value.into_owned());
        }
        Ok(response)
    }

    /// The code, if everything else allows it.
    ///
    /// # Errors
    /// [`SignInError::ResponseIssuer`], [`SignInError::ResponseIssuerMissing`], [`SignInError::Denied`],
    /// [`SignInError::CodeMissing`], [`SignInError::MalformedResponse`].
    pub(super) fn into_code(
        self,
        issuer: &str,
        server_sends_issuer: bool,
        checked: &mut Checked,
    ) -> Result<String, SignInError> {
        // RFC 9207 §2.4, before anything else: an error of another server is not an answer either.
        match self.issuer.as_deref() {
            Some(named) if named != issuer => return Err(SignInError::ResponseIssuer),
            Some(_) => checked.held(Check::ResponseIssuer),
            None if server_sends_issuer => return Err(SignInError::ResponseIssuerMissing),
            None => {}
        }
        // An error wins over a code beside it.
        if let Some(error) = self.error.as_deref() {
            return Err(SignInError::Denied(Denial::parse(error)));
        }
        let code = self
            .code
            .filter(|code| !code.is_empty())
            .ok_or(SignInError::CodeMissing)?;
        // RFC 6749 Appendix A.11: visible characters and the space.
        if !code.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(SignInError::MalformedResponse("the code holds control characters"));
        }
        Ok(code)
    }
}
