//! Okta's refusals: OAuth errors with their exact texts, one constant each, and the management-style errors.
//!
//! `{0}` in a text stands for an argument. Adding an error is one line.

use std::borrow::Cow;

/// An OAuth error (RFC 6749 §4.1.2.1, §5.2) with Okta's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// A stable word for records; not on the wire.
    pub rule: &'static str,
    /// The status where it is answered directly instead of being redirected.
    pub status: u16,
    /// The `error` code.
    pub error: &'static str,
    /// The `error_description`.
    pub text: Cow<'static, str>,
}

impl OAuthError {
    /// The same error with its `{0}` filled in.
    #[must_use]
    pub fn with(&self, argument: &str) -> Self {
        Self {
            text: Cow::Owned(self.text.replace("{0}", argument)),
            ..self.clone()
        }
    }
}

/// A management-style error body ("E-shape").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: u16,
    /// `errorCode`, repeated in `errorLink`.
    pub code: &'static str,
    /// `errorSummary`.
    pub summary: Cow<'static, str>,
    /// `errorCauses[].errorSummary`.
    pub causes: Vec<String>,
}

impl ApiError {
    /// The same error with its `{0}` filled in.
    #[must_use]
    pub fn with(&self, argument: &str) -> Self {
        Self {
            summary: Cow::Owned(self.summary.replace("{0}", argument)),
            ..self.clone()
        }
    }
}

macro_rules! oauth_errors {
    ($($name:ident = $rule:literal, $status:literal, $error:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: OAuthError = OAuthError {
            rule: $rule, status: $status, error: $error, text: Cow::Borrowed($text),
        };)*

        /// Every OAuth error of this table.
        pub const OAUTH_ERRORS: &[OAuthError] = &[$($name),*];
    };
}

macro_rules! api_errors {
    ($($name:ident = $status:literal, $code:literal, $summary:literal;)*) => {
        $(#[doc = $summary] pub const $name: ApiError = ApiError {
            status: $status, code: $code, summary: Cow::Borrowed($summary), causes: Vec::new(),
        };)*
    };
}

oauth_errors! {
    // The shape of any request.
    DUPLICATE_PARAMETERS = "parameter-duplicate", 400, "invalid_request", "The request contained multiple parameters with the same name.";
    PARAMETER_MISSING = "parameter-missing", 400, "invalid_request", "The required parameter '{0}' is missing.";
    SERVER_ERROR = "server-error", 500, "server_error", "The authorization server encountered an unexpected condition that prevented it from fulfilling the request.";

    // The authorization endpoint, shown as a page.
    CLIENT_UNKNOWN = "client-unknown", 400, "invalid_client", "Invalid value for 'client_id' parameter.";
    REDIRECT_URI_UNREGISTERED = "redirect-uri-unregistered", 400, "invalid_request", "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: {0}";
    SERVICE_CLIENT = "service-client", 400, "invalid_request", "Clients with 'application_type' of 'service' are not allowed to access the 'authorize' endpoint.";

    // The authorization endpoint, redirected.
    STATE_INVALID = "state-missing", 400, "invalid_request", "The authentication request has an invalid 'state' parameter.";
    NONCE_REQUIRED = "nonce-missing", 400, "invalid_request", "The 'nonce' parameter is required for authorize requests with either the 'id_token' or 'token' response types..";
    PROMPT_INVALID = "prompt-invalid", 400, "invalid_request", "Invalid value for 'prompt' parameter. Supported values: [{0}]";
    MAX_AGE_INVALID = "max-age-invalid", 400, "invalid_request", "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.";
    PKCE_REQUIRED = "pkce-missing", 400, "invalid_request", "PKCE code challenge is required by the application.";
    PKCE_CHARACTERS = "pkce-malformed", 400, "invalid_request", "PKCE code challenge contains illegal characters.";
    PKCE_METHOD = "pkce-plain", 400, "invalid_request", "PKCE code challenge method is not supported. Valid values: [S256]";
    IDP_INVALID = "idp-unknown", 400, "invalid_request", "Identity provider is not valid.";
    REQUEST_AND_REQUEST_URI = "request-twice", 400, "invalid_request", "The authorize request must not contain both a request object and a request uri.";
    RESPONSE_TYPE_UNSUPPORTED = "response-type-unsupported", 400, "unsupported_response_type", "The response type is not supported by the authorization server. Configured response types: [{0}].";
    RESPONSE_MODE_UNSUPPORTED = "response-mode-unsupported", 400, "unsupported_response_mode", "The response mode is not supported by the authorization server. Valid response modes: [query, fragment, form_post, okta_post_message].";
    RESPONSE_MODE_QUERY = "response-mode-query", 400, "unsupported_response_mode", "'query' response mode cannot be used with either the 'id_token' or 'token' response types.";
    GRANT_TYPE_NOT_ALLOWED = "grant-type-not-allowed", 400, "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: [{0}].";
    SCOPE_UNKNOWN = "scope-unknown", 400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.";
    SCOPE_MISSING = "scope-missing", 400, "invalid_scope", "No scopes were requested.";
    SCOPE_NO_DEFAULT = "scope-missing", 400, "invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided.";
    SCOPE_OPENID_REQUIRED = "scope-openid-missing", 400, "invalid_scope", "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.";
    USER_NOT_ASSIGNED = "user-not-assigned", 400, "access_denied", "User is not assigned to the client application.";
    POLICY_FAILED = "policy-denied", 401, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.";
    POLICY_ALL_SCOPES_DENIED = "policy-scopes", 400, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.";
    POLICY_SCOPES_DENIED = "policy-scopes", 400, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: [{0}].";
    CONSENT_DENIED = "consent-denied", 403, "access_denied", "The resource owner or authorization server denied the request.";
    CONSENT_REQUIRED = "consent-required", 400, "consent_required", "The following scopes require user consent: [{0}].";
    LOGIN_REQUIRED = "login-required", 400, "login_required", "The client specified not to prompt, but the user is not logged in.";
    REAUTHENTICATION_REQUIRED = "reauthentication-required", 400, "login_required", "The client specified not to prompt, but the client app requires re-authentication or MFA.";
    PROMPT_NONE_MAX_AGE_ZERO = "prompt-none-max-age-zero", 400, "login_required", "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age.";
    REQUEST_EXPIRED = "request-expired", 400, "login_required", "Request expired, please start over and try again.";

    // Client authentication.
    CREDENTIALS_MISSING = "client-auth", 401, "invalid_client", "No client credentials found.";
    CREDENTIALS_UNREADABLE = "client-auth", 401, "invalid_client", "Found Authentication header but was not valid client credentials.";
    CREDENTIALS_SEVERAL = "client-auth-several", 401, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.";
    CREDENTIALS_IN_QUERY = "client-auth-query", 400, "invalid_request", "Client credentials cannot be supplied via query parameters.";
    CLIENT_SECRET_WRONG = "client-auth", 401, "invalid_client", "The client secret supplied for a confidential client is invalid.";
    CLIENT_AUTH_FAILED = "client-auth", 401, "invalid_client", "Client authentication failed. Either the client or the client credentials are invalid.";

    // The token endpoint.
    GRANT_TYPE_MISSING = "grant-type-missing", 400, "invalid_request", "The token request must specify a 'grant_type'. Valid values: [{0}]";
    GRANT_TYPE_UNSUPPORTED = "grant-type-unsupported", 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [{0}].";
    CODE_INVALID = "code-invalid", 400, "invalid_grant", "The authorization code is invalid or has expired.";
    CODE_REUSED = "code-reused", 400, "invalid_grant", "The authorization code is invalid or has expired.";
    CODE_EXPIRED = "code-expired", 400, "invalid_grant", "The authorization code is invalid or has expired.";
    CODE_OTHER_CLIENT = "code-other-client", 400, "invalid_grant", "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request.";
    CODE_OTHER_SERVER = "code-other-server", 400, "invalid_request", "The grant was issued for another authorization server.";
    REDIRECT_URI_MISMATCH = "redirect-uri-mismatch", 400, "invalid_grant", "The 'redirect_uri' does not match the redirection URI used in the authorization request.";
    PKCE_FAILED = "verifier-mismatch", 400, "invalid_grant", "PKCE verification failed.";
    VERIFIER_MISSING = "verifier-missing", 400, "invalid_request", "PKCE code verifier is required by the application.";
    VERIFIER_UNEXPECTED = "verifier-unexpected", 400, "invalid_request", "PKCE code challenge should be specified in the authorize request for code verification.";
    REFRESH_TOKEN_INVALID = "refresh-token-invalid", 400, "invalid_grant", "The refresh token is invalid or expired.";
    REFRESH_SCOPES_DENIED = "refresh-scope", 400, "access_denied", "Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: {0}.";

    // Introspection and revocation.
    TOKEN_REQUIRED = "token-missing", 400, "invalid_request", "The 'token' parameter is required.";

    // Userinfo.
    ACCESS_TOKEN_INVALID = "access-token-invalid", 401, "invalid_token", "The access token is invalid.";
    ACCESS_TOKEN_EXPIRED = "access-token-expired", 401, "invalid_token", "The token has expired.";
    ACCESS_TOKEN_REVOKED = "access-token-revoked", 401, "invalid_token", "The access token has been revoked.";
    ACCESS_TOKEN_MISSING = "access-token-missing", 401, "invalid_request", "The access token is missing.";
    ACCESS_TOKEN_IN_QUERY = "access-token-in-query", 400, "invalid_request", "The access token cannot be presented in a query string.";
    ACCESS_TOKEN_TWICE = "access-token-twice", 400, "invalid_request", "The access token cannot be specified in both the Authorization header and the request-body.";
    ACCESS_TOKEN_ISSUER = "access-token-issuer", 401, "invalid_token", "The access token provided has an invalid issuer.";
    SCOPE_INSUFFICIENT = "access-token-scope", 403, "insufficient_scope", "The access token must provide access to at least one of these scopes - profile, email, address or phone";

    // The end-session endpoint, shown as a page.
    HINT_INVALID = "id-token-hint-invalid", 400, "invalid_token", "The id token is invalid.";
    HINT_OTHER_USER = "id-token-hint-user", 400, "id_token_does_not_match_session", "The ID token subject does not match the current session's user.";
    POST_LOGOUT_UNREGISTERED = "post-logout-uri-unregistered", 400, "invalid_request", "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings: {0}";
}

api_errors! {
    API_VALIDATION = 400, "E0000001", "Api validation failed: {0}";
    API_BODY_MALFORMED = 400, "E0000003", "The request body was not well-formed.";
    API_AUTHENTICATION_FAILED = 401, "E0000004", "Authentication failed";
    API_NO_PERMISSION = 403, "E0000006", "You do not have permission to perform the requested action";
    API_NOT_FOUND = 404, "E0000007", "Not found: {0}";
    API_PATH_NOT_FOUND = 404, "E0000008", "The requested path was not found";
    API_INTERNAL = 500, "E0000009", "Internal Server Error";
    API_TOKEN_INVALID = 401, "E0000011", "Invalid token provided";
    API_MEDIA_TYPE = 400, "E0000021", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.";
    API_METHOD = 405, "E0000022", "The endpoint does not support the provided HTTP method";
    API_RATE_LIMIT = 429, "E0000047", "API call exceeded rate limit due to too many requests.";
    API_CLIENT_UNKNOWN = 401, "invalid_client", "Invalid value for 'client_id' parameter.";
    API_CLIENT_UNKNOWN_IN_METADATA = 400, "invalid_client", "Invalid value for `client_id` parameter";
}
