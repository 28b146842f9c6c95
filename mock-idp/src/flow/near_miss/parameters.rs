//! Refusals about a single parameter or header field: what it must be, and what the application does to send a good one. What
//! is wrong with it is said in Okta's own words. A rule that compares with what is registered has a function in
//! [`super::rules`] instead.

use super::{NearMiss, Row, secret, shortened};
use crate::flow::record::Request;

/// The rule, the parameter or (with a capital letter) the header field, what is expected, what to change in the application.
type Line = (&'static str, &'static str, &'static str, &'static str);

const AUTHORIZATION: &str = "Authorization";
const ANOTHER_TOKEN: &str = "send the access token that this server issued last";
const BEGIN_AGAIN: &str = "begin the sign-in again";

#[rustfmt::skip]
const LINES: &[Line] = &[
    // The authorization endpoint.
    ("enroll", "prompt", "enroll_authenticator, with the parameters that belong to it", "send only what Okta documents for prompt=enroll_authenticator"),
    ("prompt-invalid", "prompt", "none, login, consent or enroll_authenticator", "send one of these, or leave prompt out"),
    ("max-age-invalid", "max_age", "seconds, 0 to 2147483647", "send a whole number, or leave max_age out"),
    ("idp-unknown", "idp", "none: this org has no other identity providers", "leave idp out"),
    ("request-twice", "request_uri", "either request or request_uri", "leave one of them out"),
    ("request-invalid", "client_id", "parameters in the form or in the query", "send them in one place only"),
    ("response-type-unsupported", "response_type", "a response type of OpenID Connect", "send response_type=code"),
    ("response-mode-unsupported", "response_mode", "query, fragment, form_post or okta_post_message", "leave response_mode out, or send one of these"),
    ("response-mode-query", "response_mode", "fragment, form_post or okta_post_message", "leave response_mode out, or send response_type=code"),
    ("groups-many", "response_type", "at most 100 groups in an ID token that the browser carries", "send response_type=code: the ID token then comes from the token endpoint"),
    ("prompt-none-max-age-zero", "max_age", "more than 0 with prompt=none", "leave max_age out, or let the user be asked"),
    ("login-required", "prompt", "a browser in which somebody is signed in", "send the request again without prompt=none"),
    ("reauthentication-required", "prompt", "a sign-in that is recent enough", "send the request again without prompt=none"),
    ("request-expired", "stateToken", "the page of a sign-in that was begun within the last hour and is not finished", BEGIN_AGAIN),
    ("request-object", "request", "a JWT signed by the client for this authorization server", "sign the request object with a key that the client has registered"),
    ("request-uri", "request_uri", "one that the PAR endpoint gave to this client, used once", "push the request and use the request_uri of its answer"),
    ("redirect-url-untrusted", "redirectUrl", "an address of this org, or of a Trusted Origin", "redirect to a registered place"),
    // Client authentication.
    ("client-auth-several", "client_secret", "in one place only", "send the secret in the Authorization header or in the form, not both"),
    ("client-auth-query", "client_secret", "in the Authorization header or in the form", "take the secret out of the URL: URLs are logged"),
    ("client-assertion", "client_assertion", "a JWT with iss and sub = client id, aud = the endpoint, exp and a fresh jti", "make a new assertion for every request"),
    ("browser-grant-type", "grant_type", "authorization_code, from a script in a browser", "call the other grants from a server"),
    ("browser-pkce", "code_verifier", "required of scripts in a browser", "send code_challenge to the authorization endpoint and code_verifier here"),
    ("client-metadata", "redirect_uris", "client metadata as RFC 7591 has it", "correct the member that the text names"),
    ("dpop", "DPoP", "a proof for this method, URL and key, made less than five minutes ago", "make a new proof for every request"),
    ("dpop-nonce", "DPoP", "a proof with the nonce of the DPoP-Nonce header field", "send the request again with that nonce; this answer is the normal first step"),
    ("dpop-scheme", AUTHORIZATION, "the scheme DPoP with a proof, as the token is bound to a key", "send `Authorization: DPoP TOKEN` and a DPoP header field"),
    // The token endpoint.
    ("grant-type-missing", "grant_type", "required", "send grant_type=authorization_code as a form, not as JSON"),
    ("grant-type-unsupported", "grant_type", "one of those that the text names", "send one of them"),
    ("code-other-server", "code", "a code of the authorization server that is asked", "use the same issuer for both endpoints"),
    ("refresh-token-invalid", "refresh_token", "the latest one of this client", "keep the refresh token of the latest answer; begin a sign-in if it is refused"),
    ("refresh-scope", "scope", "scopes that were granted at the sign-in", "leave scope out when refreshing"),
    ("interaction-code-invalid", "interaction_code", "one of this server, good once and for a minute", "redeem it at once, and once"),
    ("password-invalid", "password", "any but `wrong`, unless the user has one in mock-idp.toml", "send the user's login and password"),
    ("password-expired", "password", "one that has not expired", "let the user change it on the sign-in page"),
    ("password-mfa", "username", "a user without a second factor", "use the authorization code flow for users who have one"),
    ("password-consent", "scope", "scopes that need no consent", "ask only for scopes that need no consent"),
    ("exchange-consent", "scope", "scopes that need no consent", "ask only for scopes that need no consent"),
    ("client-credentials-openid", "scope", "scopes of the authorization server: no user signs in", "leave openid and the other user scopes out"),
    ("client-credentials-self", "scope", "scopes that do not end in .self", "ask for okta.* scopes without .self"),
    ("client-credentials-consent", "scope", "scopes that need no consent", "ask only for scopes that need no consent"),
    ("client-credentials-org", "grant_type", "client_credentials from a service client with private_key_jwt", "use a custom authorization server, /oauth2/default"),
    ("device-invalid", "device_code", "one of this server", "use the device_code of the latest answer"),
    ("device-expired", "device_code", "good for ten minutes", BEGIN_AGAIN),
    ("ciba-grant-type", "grant_type", "a grant that the client has", "register the CIBA grant for the client"),
    ("ciba-openid", "scope", "openid", "send scope=openid"),
    ("ciba-expiry", "requested_expiry", "seconds, 0 to 2147483647", "send a whole number, or leave it out"),
    ("ciba-hint", "login_hint", "exactly one of login_hint and id_token_hint, of a user of this client", "send login_hint with the login of a user"),
    ("ciba-expired", "auth_req_id", "the latest one of this client", BEGIN_AGAIN),
    ("otp-wrong", "otp", "the code that the user's authenticator app shows now", "ask the user again"),
    ("oob-rejected", "oob_code", "a push that the user accepts", BEGIN_AGAIN),
    ("mfa-token-expired", "mfa_token", "the latest one, for a few minutes", BEGIN_AGAIN),
    ("challenge-type", "challenge_type", "a type that Okta knows for this user", "send the challenge type that the text of the endpoint lists"),
    ("channel-hint", "channel_hint", "push", "send channel_hint=push"),
    ("login-hint", "login_hint", "the login of one user", "send the login of a registered user"),
    ("subject-token", "subject_token", "a token of this org", "send the token as it was issued"),
    ("subject-token-type", "subject_token_type", "the URN of the kind of token that is sent", "send urn:ietf:params:oauth:token-type:access_token or :id_token"),
    ("subject-token-expired", "subject_token", "one that is still good", BEGIN_AGAIN),
    ("actor-token", "actor_token", "a token of this org", "send the token as it was issued"),
    ("actor-token-type", "actor_token_type", "the URN that belongs to the subject token's", "send urn:x-oath:params:oauth:token-type:device-secret with an ID token"),
    ("native-sso", "client_id", "a native client", "call it from the native application"),
    ("requested-token-type", "requested_token_type", "urn:ietf:params:oauth:token-type:access_token, or another that Okta knows", "send one of these, or leave it out"),
    ("exchange-audience", "audience", "the audience of the authorization server", "send audience=api://default"),
    ("jwt-bearer", "assertion", "a JWT of the client for this authorization server, each jti once", "sign a new assertion for every request"),
    ("id-jag", "assertion", "an ID-JAG of the org authorization server, at most five minutes old, used once", "ask the org authorization server for a new one"),
    ("saml-assertion", "assertion", "nothing: no SAML identity provider is trusted here", "use another grant"),
    ("user-codes", "client_id", "fewer user codes that wait at once", "poll for the codes that wait, or let them expire"),
    // Introspection, revocation, userinfo, sign-out.
    ("token-missing", "token", "required", "send token=… in a form"),
    ("access-token-missing", AUTHORIZATION, "Bearer and the access token", "send `Authorization: Bearer TOKEN`"),
    ("access-token-invalid", AUTHORIZATION, "an access token of this authorization server", ANOTHER_TOKEN),
    ("access-token-expired", AUTHORIZATION, "an access token that has not expired", "refresh the token, or begin a sign-in"),
    ("access-token-revoked", AUTHORIZATION, "an access token that was not revoked", BEGIN_AGAIN),
    ("access-token-issuer", AUTHORIZATION, "an access token of the issuer that is asked", "call the userinfo endpoint of the issuer of the token"),
    ("access-token-in-query", "access_token", "in the Authorization header field", "send `Authorization: Bearer TOKEN`: URLs are logged"),
    ("access-token-twice", "access_token", "in the Authorization header field only", "send it once"),
    ("access-token-scope", AUTHORIZATION, "an access token with profile, email, address or phone", "ask for scope=openid profile email at the sign-in"),
    ("id-token-hint-invalid", "id_token_hint", "an ID token that this server issued, as it was issued", "keep the ID token of the sign-in for the sign-out"),
    ("id-token-hint-user", "id_token_hint", "an ID token of whoever is signed in in this browser", "keep the ID token of the latest sign-in"),
    // Of the management shape.
    ("media-type", "Content-Type", "application/x-www-form-urlencoded at the OAuth endpoints, application/json elsewhere", "set the Content-Type; OAuth requests are forms, not JSON"),
    ("body-malformed", "Content-Type", "a body that can be read whole, as the Content-Type says", "send well-formed JSON"),
    ("api-token", AUTHORIZATION, "SSWS and a token of the key `api_tokens` (mock-api-token), or a Bearer token with okta.* scopes", "send `Authorization: SSWS mock-api-token`"),
];

/// Rules that say how things stand and not that something was sent wrongly: the protocol's way to say "not yet" or "no".
pub(super) const WITHOUT: &[&str] = &[
    "ciba-pending",
    "ciba-slow-down",
    "consent-denied",
    "device-pending",
    "device-slow-down",
    "interaction-required",
    "mfa-required",
    "oob-pending",
    "server-error",
];

/// Values that are shown by their first characters and their length.
const TOKENS: &[&str] = &[
    AUTHORIZATION,
    "DPoP",
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "id_token_hint",
    "mfa_token",
    "otp",
    "password",
    "refresh_token",
    "request",
    "subject_token",
    "token",
];

/// The row of this rule; `text` is what the refusal said.
pub(super) fn explain(rule: &str, request: &Request, sent: Option<&str>, text: &str) -> Option<NearMiss> {
    let (_, name, expected, app) = LINES.iter().find(|(known, ..)| *known == rule)?;
    let sent = if name.starts_with(char::is_uppercase) {
        request.header(&name.to_ascii_lowercase())
    } else {
        sent
    };
    Some(NearMiss::new(rule, vec![row(name, sent, expected, text)]).app(*app))
}

/// The parameter of this rule.
pub(super) fn name_of(rule: &str) -> Option<&'static str> {
    let line = LINES.iter().find(|(known, ..)| *known == rule);
    line.map(|(_, name, ..)| *name)
}

fn row(name: &str, sent: Option<&str>, expected: &str, text: &str) -> Row {
    let shown = match sent {
        Some(sent) if TOKENS.contains(&name) => Some(secret::masked(sent)),
        sent => sent.map(shortened),
    };
    Row {
        sent: shown,
        ..Row::bad(name, None, expected, text)
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES, WITHOUT};

    #[test]
    fn every_rule_stands_once() {
        let mut seen: Vec<&str> = LINES
            .iter()
            .map(|(rule, ..)| *rule)
            .chain(WITHOUT.iter().copied())
            .collect();
        seen.sort_unstable();
        let all = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
