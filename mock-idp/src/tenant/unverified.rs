//! What is not known of Okta: a setting each, with the likeliest answer as its default.

use serde::{Deserialize, Serialize};

/// `[unverified]` in `mock-idp.toml`. No test asserts a default but by what it is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Unverified {
    /// A 401 `invalid_client` of the OAuth endpoints carries `WWW-Authenticate` (its value was never seen).
    pub www_authenticate: bool,
    /// Userinfo takes POST, as OpenID Connect wants it.
    pub userinfo_post: bool,
    /// A client set up for one of `client_secret_basic` and `client_secret_post` may use the other.
    pub secret_methods_interchangeable: bool,
    /// A code that is used twice revokes what was issued for it.
    pub code_reuse_revokes: bool,
    /// A client may introspect the tokens of others.
    pub introspect_of_others: bool,
    /// The authorization endpoint refuses `resource` instead of ignoring it.
    pub resource_refused: bool,
    /// A `max_age` that is no number is refused instead of ignored.
    pub max_age_checked: bool,
    /// Every ID token has a `sid`, not only those for clients with a logout URI.
    pub sid_always: bool,
    /// The authorization endpoint takes a `sessionToken` also with Identity Engine.
    pub session_token: bool,
    /// A posted authorization request may have a query, which is ignored.
    pub post_with_query: bool,
    /// An error response has an empty `state` where the request had none.
    pub empty_state: bool,
}

impl Default for Unverified {
    fn default() -> Self {
        Self {
            www_authenticate: true,
            userinfo_post: true,
            secret_methods_interchangeable: true,
            code_reuse_revokes: false,
            introspect_of_others: true,
            resource_refused: false,
            max_age_checked: true,
            sid_always: false,
            session_token: true,
            post_with_query: true,
            empty_state: false,
        }
    }
}
