//! Okta's refusals: OAuth errors with their exact texts, one constant each, and the management-style errors.
//!
//! `{0}` in a text stands for an argument. Adding an error is one line.

#![allow(rustdoc::broken_intra_doc_links, reason = "the texts are Okta's, brackets and all")]

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

/// The rule of a request for an authorization server that is not there.
pub const SERVER_UNKNOWN: &str = "server-unknown";

impl ApiError {
    /// The stable word of the rule that refused, as [`OAuthError::rule`], where the error is about how the request was sent
    /// and not about the resource that it names.
    pub(crate) fn rule(&self, is_server_known: bool) -> Option<&'static str> {
        match self.code {
            "E0000007" if !is_server_known => Some(SERVER_UNKNOWN),
            "E0000008" => Some("path-unknown"),
            "E0000022" => Some("method-wrong"),
            "E0000021" => Some("media-type"),
            "E0000003" => Some("body-malformed"),
            "E0000011" => Some("api-token"),
            "E0000015" => Some("feature-disabled"),
            "E0000047" => Some("rate-limit"),
            "invalid_client" => Some("client-unknown"),
            _ => None,
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

    FEATURE_DISABLED = "feature-disabled", 400, "server_error", "The requested feature is not enabled in this environment.";

    // The authorization endpoint, redirected.
    USER_RATE_LIMITED = "rate-limit", 429, "invalid_grant", "API call exceeded rate limit due to too many requests.";
    ENROLL_RESPONSE_TYPE = "enroll", 400, "invalid_request", "Authenticator enrollment requires 'none' response_type.";
    ENROLL_PROMPT = "enroll", 400, "invalid_request", "'prompt' parameter must have the value 'enroll_authenticator' for request with 'none' as response_type.";
    ENROLL_ACR = "enroll", 400, "invalid_request", "'acr_values' parameter must have the value 'urn:okta:loa:2fa:any:ifpossible' for request with 'enroll_authenticator' as prompt.";
    ENROLL_MAX_AGE = "enroll", 400, "invalid_request", "'max_age' parameter must have the value '0' for request with 'enroll_authenticator' as prompt.";
    ENROLL_METHODS = "enroll", 400, "invalid_request", "'enroll_amr_values' parameter must have valid space delimited authenticators list for request with 'none' as response_type.";
    ENROLL_SCOPE = "enroll", 400, "invalid_request", "'scope' parameter is not supported for request with 'none' as response_type.";
    ENROLL_NONCE = "enroll", 400, "invalid_request", "'nonce' parameter is not supported for request with 'none' as response_type.";
    ENROLL_RESOURCE = "enroll", 400, "invalid_request", "'resource' parameter is not supported for request with 'none' as response_type.";
    ENROLL_NOT_ALLOWED = "enroll", 403, "access_denied", "Authenticator enrollment is not allowed at this time. Please contact support for assistance.";
    STATE_INVALID = "state-missing", 400, "invalid_request", "The authentication request has an invalid 'state' parameter.";
    NONCE_REQUIRED = "nonce-missing", 400, "invalid_request", "The 'nonce' parameter is required for authorize requests with either the 'id_token' or 'token' response types..";
    PROMPT_INVALID = "prompt-invalid", 400, "invalid_request", "Invalid value for 'prompt' parameter. Supported values: [{0}]";
    PROMPT_IDP_REFRESH = "prompt-invalid", 400, "invalid_request", "The 'prompt' parameter value 'idp_refresh' requires the 'idp' parameter to be specified.";
    MAX_AGE_INVALID = "max-age-invalid", 400, "invalid_request", "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.";
    PKCE_REQUIRED = "pkce-missing", 400, "invalid_request", "PKCE code challenge is required by the application.";
    PKCE_CHARACTERS = "pkce-malformed", 400, "invalid_request", "PKCE code challenge contains illegal characters.";
    PKCE_METHOD = "pkce-plain", 400, "invalid_request", "PKCE code challenge method is not supported. Valid values: [S256]";
    IDP_INVALID = "idp-unknown", 400, "invalid_request", "Identity provider is not valid.";
    REQUEST_AND_REQUEST_URI = "request-twice", 400, "invalid_request", "The authorize request must not contain both a request object and a request uri.";
    ORG_SERVER_ONLY = "org-server-only", 400, "unauthorized_client", "This client cannot use a custom authorization server.";
    RESOURCE_REFUSED = "resource", 400, "invalid_target", "The authorization server has rejected the 'resource' parameter: {0}";
    REQUEST_INVALID = "request-invalid", 400, "invalid_request", "Invalid request";
    INTERACTION_REQUIRED = "interaction-required", 400, "interaction_required", "Your client is configured to use the interaction code flow and user interaction is required to complete the request.";
    TOO_MANY_GROUPS = "groups-many", 400, "server_error", "The groups claim matched too many groups and must be configured to match fewer groups.";
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
    ACR_UNMET = "acr-unmet", 400, "unmet_authentication_requirements", "Unable to meet the authentication requirements imposed by 'acr_values' parameter.";
    REQUEST_EXPIRED = "request-expired", 400, "login_required", "Request expired, please start over and try again.";

    // Client authentication.
    CREDENTIALS_MISSING = "client-auth", 401, "invalid_client", "No client credentials found.";
    CREDENTIALS_UNREADABLE = "client-auth", 401, "invalid_client", "Found Authentication header but was not valid client credentials.";
    CREDENTIALS_SEVERAL = "client-auth-several", 401, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.";
    CREDENTIALS_IN_QUERY = "client-auth-query", 400, "invalid_request", "Client credentials cannot be supplied via query parameters.";
    CLIENT_SECRET_WRONG = "client-auth", 401, "invalid_client", "The client secret supplied for a confidential client is invalid.";
    CLIENT_AUTH_FAILED = "client-auth", 401, "invalid_client", "Client authentication failed. Either the client or the client credentials are invalid.";

    ASSERTION_TYPE = "client-assertion", 400, "invalid_request", "The client_assertion_type is invalid.";
    ASSERTION_UNREADABLE = "client-assertion", 401, "invalid_client", "The parsing of the client_assertion failed.";
    ASSERTION_ISSUER = "client-assertion", 401, "invalid_client", "The issuer claim for client_assertion is not a valid client_id.";
    ASSERTION_SUBJECT = "client-assertion", 401, "invalid_client", "The subject claim for client_assertion is not a valid client_id.";
    ASSERTION_AUDIENCE = "client-assertion", 401, "invalid_client", "The audience claim for client_assertion must be the endpoint invoked for the request.";
    ASSERTION_NO_EXP = "client-assertion", 401, "invalid_client", "The client_assertion must contain the 'exp' claim as seconds since epoch.";
    ASSERTION_EXPIRED = "client-assertion", 401, "invalid_client", "The client_assertion token is expired.";
    ASSERTION_EXP_FAR = "client-assertion", 401, "invalid_client", "The client_assertion token has an expiration too far into the future.";
    ASSERTION_FUTURE = "client-assertion", 401, "invalid_client", "The client_assertion token must be issued before the current time.";
    ASSERTION_REPLAYED = "client-assertion", 401, "invalid_client", "The client_assertion token has already been used.";
    ASSERTION_SIGNATURE = "client-assertion", 401, "invalid_client", "The client_assertion signature is invalid.";
    ASSERTION_ALGORITHM = "client-assertion", 401, "invalid_client", "The client_assertion JWT signature algorithm is invalid.";
    ASSERTION_KID = "client-assertion", 401, "invalid_client", "The client_assertion JWT kid is invalid.";
    ASSERTION_SECRET_SHORT = "client-assertion", 401, "invalid_client", "The client secret is too short to verify a JWT HMAC.";
    ASSERTION_NO_KEYS = "client-assertion", 401, "invalid_client", "The client does not have a JWKSet configured, but the client_assertion requires one.";
    CLIENT_METADATA = "client-metadata", 400, "invalid_client_metadata", "{0}";

    // Calls from browsers.
    BROWSER_ORIGIN = "browser-origin", 400, "invalid_request", "Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.";
    BROWSER_GRANT_TYPE = "browser-grant-type", 400, "unauthorized_client", "Browser requests to the token endpoint may only use the authorization_code grant_type.";
    BROWSER_WITHOUT_PKCE = "browser-pkce", 401, "invalid_client", "Browser requests to the token endpoint must use Proof Key for Code Exchange.";

    // Request objects and pushed requests.
    OBJECT_UNREADABLE = "request-object", 400, "invalid_request_object", "The request object cannot be parsed.";
    OBJECT_ALGORITHM = "request-object", 400, "invalid_request_object", "The JWT signature algorithm of the request object is invalid.";
    OBJECT_KID = "request-object", 400, "invalid_request_object", "The JWT kid of the request object is invalid.";
    OBJECT_NO_KEYS = "request-object", 401, "invalid_client", "The client does not have a JWKSet configured, but the request object requires one.";
    OBJECT_SECRET_SHORT = "request-object", 400, "invalid_request_object", "The JWT signature secret length is too short.";
    OBJECT_SIGNATURE = "request-object", 400, "invalid_request_object", "The signature of the request object is invalid.";
    OBJECT_ISSUER = "request-object", 401, "invalid_client", "The issuer of the request object is invalid.";
    OBJECT_AUDIENCE = "request-object", 400, "invalid_request_object", "The audience of the request object is invalid.";
    OBJECT_EXPIRED = "request-object", 400, "invalid_request_object", "The request object is expired.";
    OBJECT_EXP_FAR = "request-object", 400, "invalid_request_object", "The request object expires too far in the future.";
    OBJECT_FUTURE = "request-object", 400, "invalid_request_object", "The request object is issued in the future.";
    OBJECT_REPLAYED = "request-object", 400, "invalid_request_object", "The request object has already been used.";
    REQUEST_URI_INVALID = "request-uri", 400, "invalid_request_uri", "The authorize request_uri is invalid.";
    REQUEST_URI_OTHER_SERVER = "request-uri", 400, "invalid_request_uri", "The request_uri was issued for another authorization server.";
    REQUEST_URI_OTHER_CLIENT = "request-uri", 401, "invalid_client", "The 'client_id' parameter does not match the expected value for the provided request_uri.";
    REQUEST_URI_PRESENT = "request-uri", 400, "invalid_request", "The 'request_uri' parameter must not be present in the request.";

    // Proofs of possession.
    DPOP_NONCE = "dpop-nonce", 400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.";
    DPOP_INVALID = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT is invalid.";
    DPOP_MISSING = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.";
    DPOP_SEVERAL = "dpop", 400, "invalid_dpop_proof", "Multiple DPoP proof JWT headers are not allowed.";
    DPOP_TYP = "dpop", 400, "invalid_dpop_proof", "'typ' must be 'dpop+jwt' in the DPoP proof JWT.";
    DPOP_ALGORITHM = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT signature algorithm is invalid.";
    DPOP_UNREADABLE = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT cannot be parsed.";
    DPOP_SIGNATURE = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT signature is invalid.";
    DPOP_HTM = "dpop", 400, "invalid_dpop_proof", "'htm' claim in the DPoP proof JWT is invalid.";
    DPOP_HTU = "dpop", 400, "invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid.";
    DPOP_IAT = "dpop", 400, "invalid_dpop_proof", "'iat' claim in the DPoP proof JWT is invalid.";
    DPOP_FUTURE = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT is issued in the future.";
    DPOP_OLD = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT is issued more than five minutes in the past.";
    DPOP_EXPIRED = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT is expired.";
    DPOP_JTI = "dpop", 400, "invalid_dpop_proof", "'jti' claim in the DPoP proof JWT is invalid.";
    DPOP_REPLAYED = "dpop", 400, "invalid_dpop_proof", "The DPoP proof JWT has already been used.";
    DPOP_ATH = "dpop", 400, "invalid_dpop_proof", "'ath' claim in the DPoP proof does not match the presented access_token.";
    DPOP_NOT_BOUND = "dpop", 400, "invalid_dpop_proof", "The access_token is not bound to the provided DPoP proof.";
    DPOP_REFRESH_BINDING = "dpop", 400, "invalid_dpop_proof", "Invalid DPoP Public Key binding in refresh token";
    DPOP_SCHEME = "dpop-scheme", 400, "invalid_request", "The resource request must use the DPoP authentication scheme when using a DPoP bound token.";
    DPOP_PROOF_REQUIRED = "dpop-scheme", 400, "invalid_request", "The resource request requires a DPoP proof.";

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

    INTERACTION_CODE_INVALID = "interaction-code-invalid", 400, "invalid_grant", "The interaction code is invalid or has expired.";
    PASSWORD_INVALID = "password-invalid", 400, "invalid_grant", "The credentials provided were invalid.";
    PASSWORD_EXPIRED = "password-expired", 400, "invalid_grant", "Password has expired.";
    PASSWORD_WITH_MFA = "password-mfa", 400, "invalid_grant", "Resource owner password credentials cannot be used with MFA enabled.";
    PASSWORD_CONSENT = "password-consent", 400, "consent_required", "The following scopes require user consent: [{0}]. To access protected scopes using the resource owner password grant type, please uncheck 'Require consent' in the app settings or set the 'consent_method' to 'TRUSTED' through the apps API.";
    EXCHANGE_CONSENT = "exchange-consent", 400, "consent_required", "The following scopes require user consent: [{0}]. To access protected scopes using the token_exchange password grant type, please uncheck 'Require consent' in the app settings or set the apps 'consent_method' to 'TRUSTED'.";
    CLIENT_CREDENTIALS_OPENID = "client-credentials-openid", 400, "invalid_scope", "Cannot request 'openid' scopes using client credentials.";
    CLIENT_CREDENTIALS_SELF = "client-credentials-self", 400, "client_credentials_self_scope_requested", "The 'client_credentials' grant type may not request .self scopes.";
    CLIENT_CREDENTIALS_CONSENT = "client-credentials-consent", 400, "consent_required", "The following scopes require user consent and cannot be granted for the client credentials grant type: [{0}].";
    ORG_CLIENT_CREDENTIALS_SERVICE = "client-credentials-org", 401, "invalid_client", "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server.";
    ORG_CLIENT_CREDENTIALS_METHOD = "client-credentials-org", 401, "invalid_client", "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.";
    DEVICE_PENDING = "device-pending", 400, "authorization_pending", "The device authorization is pending. Please try again later.";
    DEVICE_SLOW_DOWN = "device-slow-down", 400, "slow_down", "Slow down the polling frequency. Please try again later.";
    DEVICE_EXPIRED = "device-expired", 400, "expired_token", "The device code has expired.";
    DEVICE_INVALID = "device-invalid", 400, "invalid_grant", "The device code is invalid or has expired.";
    USER_CODES_TOO_MANY = "user-codes", 429, "too_many_user_codes", "Too many user codes generated. Please try again later.";
    CIBA_PENDING = "ciba-pending", 400, "authorization_pending", "The authorization request is still pending as the user hasn't yet been authenticated.";
    CIBA_SLOW_DOWN = "ciba-slow-down", 400, "slow_down", "Slow down the polling frequency. Try again later.";
    CIBA_EXPIRED = "ciba-expired", 400, "expired_token", "The 'auth_req_id' is invalid or has expired. Make a new authentication request.";
    CIBA_GRANT_TYPE = "ciba-grant-type", 401, "invalid_client", "The client doesn't have the 'urn:openid:params:grant-type:ciba' grant type configured.";
    CIBA_OPENID = "ciba-openid", 400, "invalid_scope", "The Client-Initiated Backchannel Authentication Flow must contain 'openid' scope.";
    CIBA_EXPIRY = "ciba-expiry", 400, "invalid_request", "Invalid value for 'requested_expiry' parameter. It should be within range 0 - 2^31-1.";
    CIBA_TWO_HINTS = "ciba-hint", 400, "invalid_request", "The Client-Initiated Backchannel Authentication Flow must contain only one of 'id_token_hint' or 'login_hint'.";
    CIBA_NO_HINT = "ciba-hint", 400, "invalid_request", "The Client-Initiated Backchannel Authentication Flow is missing 'id_token_hint'.";
    CIBA_HINT = "ciba-hint", 400, "invalid_request", "The hint provided in the request did not match a user assigned to the client app.";
    OTP_WRONG = "otp-wrong", 400, "invalid_grant", "The 'otp' provided is either empty or incorrect. Use the correct OTP and try again.";
    OOB_PENDING = "oob-pending", 400, "authorization_pending", "No user response received on the out-of-band authenticator yet. Continue polling to wait for a response.";
    OOB_REJECTED = "oob-rejected", 400, "invalid_grant", "User rejected out-of-band authentication prompt.";
    MFA_REQUIRED = "mfa-required", 403, "mfa_required", "Verify with an additional authenticator to complete the sign-in process.";
    MFA_TOKEN_EXPIRED = "mfa-token-expired", 403, "access_denied", "'{0}' has expired. Use a new '{0}' and try again.";
    CHALLENGE_TYPE = "challenge-type", 400, "invalid_request", "{0} is not supported as a 'challenge_type'. Try again with another value.";
    CHANNEL_HINT = "channel-hint", 400, "invalid_request", "'{0}' is not supported as a 'channel_hint'. Try again with another value.";
    LOGIN_HINT_REQUIRED = "login-hint", 400, "invalid_request", "A 'login_hint' is required for the request.";
    LOGIN_HINT_UNKNOWN = "login-hint", 400, "invalid_grant", "The 'login_hint' does not uniquely identify a user.";
    SUBJECT_TOKEN = "subject-token", 400, "invalid_request", "'subject_token' is invalid.";
    SUBJECT_TOKEN_TYPE = "subject-token-type", 400, "invalid_request", "'subject_token_type' is invalid or not supported.";
    SUBJECT_TOKEN_EXPIRED = "subject-token-expired", 400, "invalid_grant", "The 'subject_token' either expired or the session associated with it was terminated.";
    ACTOR_TOKEN = "actor-token", 400, "invalid_request", "'actor_token' is invalid.";
    ACTOR_TOKEN_TYPE = "actor-token-type", 400, "invalid_request", "'actor_token_type' is invalid or not supported.";
    SUBJECT_ACTOR_MATCH = "actor-token-type", 400, "invalid_request", "When 'actor_token_type' is '{0}', 'subject_token_type' must be '{1}'.";
    NATIVE_SSO_SERVICE = "native-sso", 400, "invalid_request", "A service client may not use the native sso flow.";
    REQUESTED_TOKEN_TYPE = "requested-token-type", 400, "invalid_request", "'requested_token_type' is invalid or not supported.";
    EXCHANGE_AUDIENCE = "exchange-audience", 400, "invalid_target", "Token Exchange requests must include a valid audience of the authorization server.";
    BEARER_INVALID = "jwt-bearer", 401, "invalid_token", "The token is invalid.";
    BEARER_ISSUER = "jwt-bearer", 401, "invalid_token", "The issuer of the token is not permitted to use the JWT Bearer Grant.";
    BEARER_AUDIENCE = "jwt-bearer", 400, "invalid_grant", "The audience of the JWT Bearer Grant must match the the issuer of the authorization server.";
    BEARER_REPLAYED = "jwt-bearer", 400, "invalid_grant", "The jti of the JWT Bearer Grant was already used.";
    ID_JAG_NOT_GENERATED = "id-jag", 500, "server_error", "Failed to create the id assertion authorization grant.";
    ID_JAG_SCOPES_IN_REQUEST = "id-jag", 400, "invalid_request", "The id-jag request must not include a 'scope' parameter.";
    ID_JAG_CLIENT = "id-jag", 400, "invalid_grant", "The 'client_id' in the JWT Bearer Grant must match the 'client_id' used to authenticate the client.";
    ID_JAG_ISSUER = "id-jag", 400, "invalid_grant", "The issuer of the id-jag is not a trusted authorization server.";
    ID_JAG_EXPIRED = "id-jag", 400, "invalid_grant", "The id-jag is expired.";
    ID_JAG_FUTURE = "id-jag", 400, "invalid_grant", "The id-jag is issued in the future.";
    ID_JAG_LONG = "id-jag", 400, "invalid_grant", "The lifetime of the id-jag must not exceed 5 minutes.";
    ID_JAG_SIGNATURE = "id-jag", 400, "invalid_grant", "The signature of the id-jag is invalid.";
    ID_JAG_REPLAYED = "id-jag", 400, "invalid_grant", "The id-jag was already used.";
    ID_JAG_SUBJECT = "id-jag", 400, "invalid_grant", "The 'sub' claim in the id-jag is invalid.";
    ID_JAG_NO_SCOPES = "id-jag", 400, "invalid_grant", "The id-jag must include at least one scope.";
    ID_JAG_RESOURCE = "id-jag", 400, "invalid_grant", "The 'resource' claim in the id-jag does not match the 'resource' parameter in the request.";
    SAML_INVALID = "saml-assertion", 400, "invalid_grant", "'assertion' is not a valid SAML 2.0 Assertion.";
    SAML_UNSUPPORTED = "saml-assertion", 400, "invalid_grant", "SAML Assertion Bearer Grant is not supported by OIE.";

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

    // Shown as a page.
    REDIRECT_URL_UNTRUSTED = "redirect-url-untrusted", 400, "invalid_request", "The 'redirectUrl' parameter must be within this org or a Trusted Origin.";

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
    API_UNAVAILABLE = 503, "E0000010", "Service is in read only mode";
    API_INTERNAL = 500, "E0000009", "Internal Server Error";
    API_TOKEN_INVALID = 401, "E0000011", "Invalid token provided";
    API_CREDENTIALS = 403, "E0000014", "Update of credentials failed";
    API_FEATURE = 401, "E0000015", "You do not have permission to access the feature you are requesting";
    API_ALREADY_ACTIVE = 403, "E0000016", "Activation failed because the user is already active";
    API_REQUEST_TOO_LARGE = 400, "E0000020", "Bad request.";
    API_MEDIA_TYPE = 400, "E0000021", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.";
    API_METHOD = 405, "E0000022", "The endpoint does not support the provided HTTP method";
    API_PAGING = 400, "E0000029", "Invalid paging request.";
    API_SEARCH = 400, "E0000031", "Invalid search criteria.";
    API_UNLOCK = 403, "E0000032", "Unlock is not allowed for this user.";
    API_SEARCH_AND_FILTER = 400, "E0000033", "Bad request. Can't specify a search query and filter in the same request.";
    API_STATE = 403, "E0000038", "This operation is not allowed in the user's current status.";
    API_UNASSIGN = 403, "E0000046", "Deactivate application for user forbidden.";
    API_PASSCODE_WRONG = 403, "E0000068", "Invalid Passcode/Answer";
    API_AUTHN_STATE = 403, "E0000079", "This operation is not allowed in the current authentication state.";
    API_PASSCODE_USED = 403, "E0000082", "Each code can only be used once. Please wait for a new code and try again.";
    API_RATE_LIMIT = 429, "E0000047", "API call exceeded rate limit due to too many requests.";
    API_APP_DELETE = 403, "E0000056", "Delete application forbidden.";
    API_CLIENT_UNKNOWN = 401, "invalid_client", "Invalid value for 'client_id' parameter.";
    API_CLIENT_UNKNOWN_IN_METADATA = 400, "invalid_client", "Invalid value for `client_id` parameter";
}
