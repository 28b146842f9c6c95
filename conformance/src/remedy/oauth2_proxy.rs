//! oauth2-proxy 7.15 with the provider `oidc`, as a configuration file (flags have the same names with dashes).

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "Addresses come from discovery. Parameters of /oauth2/start reach the request only where loginURLParameters (alpha configuration) allows them: allow none.",
            "provider = \"oidc\"
oidc_issuer_url = \"https://example.okta.com/oauth2/default\"
client_id = \"...\"
client_secret_file = \"/run/secrets/okta\"
scope = \"openid email profile\"",
        ),
        RedirectUri => code(
            "Without it the address follows the Host header.",
            "redirect_url = \"https://app.example/oauth2/callback\"
reverse_proxy = true
trusted_proxy_ips = [\"10.0.0.0/8\"]",
        ),
        State => code(
            "Always sent and compared with an encrypted cookie. One cookie per browser unless configured otherwise: then tabs work side by side, and the limit keeps headers short.",
            "cookie_csrf_per_request = true
cookie_csrf_per_request_limit = 10
cookie_csrf_expire = \"15m\"",
        ),
        Nonce => code("Skipped by default.", "insecure_oidc_skip_nonce = false"),
        Pkce => code(
            "Off by default; the verifier is kept in the encrypted cookie.",
            "code_challenge_method = \"S256\"",
        ),
        Callback => says(
            "oauth2-proxy reads the callback itself: errors first, then the state's cookie, then the code, then a redirect. It takes the first of repeated parameters and answers HEAD as well: refuse both in the reverse proxy in front.",
        ),
        Issuer => code(
            "Compared with discovery and with tokens by default; the two settings would switch it off. iss of the authorization response is not looked at (there is one issuer).",
            "insecure_oidc_skip_issuer_verification = false
skip_oidc_discovery = false",
        ),
        ClientAuth => says(
            "The token request tries Basic first, and the form after a refusal: register client_secret_basic, and the first try is the only one.",
        ),
        BackChannel => code(
            "Certificates are verified; a private CA has its own setting. Redirects of the token endpoint are followed and cannot be switched off: let an egress rule allow the issuer's host only.",
            "provider_ca_files = [\"/etc/ssl/okta-test-ca.pem\"]
use_system_trust_store = true
ssl_insecure_skip_verify = false",
        ),
        Limits => says(
            "There is no time limit of its own for calls to the issuer, and it ends at its start when discovery fails: let the supervisor start it again, and set the limits in an egress proxy.",
        ),
        TokenResponse => says(
            "Errors, other statuses and a missing ID token are refused (x/oauth2 reads at most 1 MB). An e-mail address is required too, unless user and e-mail claims are configured otherwise.",
        ),
        Signature => says(
            "Always verified by go-oidc with the issuer's jwks_uri. oidc_public_key_files replaces it and does not see rotation. Nothing in the token's header names a key.",
        ),
        Algorithm => code(
            "What discovery advertises, cut down to this list.",
            "oidc_enabled_signing_algs = [\"RS256\"]",
        ),
        KeySet => says(
            "go-oidc caches the set and fetches it again for an unknown kid, one fetch for all who wait, without a pause afterwards: limit the rate of /oauth2/callback in front.",
        ),
        Claims => code(
            "iss and aud are compared. Leave the list of further audiences empty.",
            "oidc_audience_claims = [\"aud\"]
oidc_extra_audiences = []
oidc_email_claim = \"email\"",
        ),
        Times => says(
            "exp is required and compared without tolerance, nbf with five minutes; iat is not compared. There is no setting: keep the clock synchronised.",
        ),
        AccessToken => code(
            "It is opaque to oauth2-proxy, and at_hash is not compared. The app behind gets it only when asked for, and has to validate it then.",
            "pass_access_token = false
skip_jwt_bearer_tokens = false",
        ),
        StepUp => says(
            "acr_values and prompt are sent and the answer is not compared. Check auth_time and acr in the app behind, from the ID token (pass_authorization_header = true), or with a sign-on policy at Okta.",
        ),
        Refresh => code(
            "A refreshed ID token is verified, but not held against the first. A short session limits what that can do.",
            "cookie_refresh = \"15m\"
cookie_expire = \"8h\"",
        ),
        Userinfo => code(
            "Asked only for claims that the ID token lacks, and sub is not compared: put the claims into the ID token and switch it off.",
            "skip_claims_from_profile_url = true",
        ),
        Account => code(
            "The app behind sees sub as X-Forwarded-User, unless the next setting puts the address there: key accounts by it. X-Forwarded-Email is for display.",
            "pass_user_headers = true
prefer_email_to_user = false",
        ),
        Trust => code(
            "An address with email_verified = false is refused by default; one without that claim is taken. Since 7.15.2 the domain is what follows the last @.",
            "insecure_oidc_allow_unverified_email = false
email_domains = [\"corp.example\"]",
        ),
        Role => code(
            "allowed_groups decides for the whole site and answers 403; for one page ask the auth endpoint with allowed_groups in the query. The app behind must see X-Forwarded-Groups from the proxy only.",
            "oidc_groups_claim = \"groups\"
# nginx, for /admin:
#   auth_request /oauth2/auth?allowed_groups=admins;
pass_user_headers = true",
        ),
        Escape => says(
            "Its own pages escape, and show the issuer's error code but not its description while show_debug_on_error is false. The app behind must still escape what the headers carry.",
        ),
        SessionId => says(
            "Every sign-in writes a new session cookie, and a new ticket with Redis; there is nothing to plant. An app behind with a session of its own has to bind it to X-Forwarded-User, or end it when that changes.",
        ),
        SessionStore => code(
            "By default the cookie holds the encrypted session with its tokens, in pieces, and cannot be revoked. Redis leaves a ticket.",
            "session_store_type = \"redis\"
redis_connection_url = \"redis://redis:6379\"
cookie_expire = \"8h\"
cookie_secret_file = \"/run/secrets/cookie\"    # 32 random bytes",
        ),
        Cookies => code(
            "HttpOnly and Secure by default, SameSite is not set. Strict would lose the attempt on the way back.",
            "cookie_name = \"__Host-session\"
cookie_secure = true
cookie_httponly = true
cookie_samesite = \"lax\"",
        ),
        Guard => code(
            "Everything is closed but what is named here: name little, anchored at both ends. The app behind must not be reachable beside the proxy.",
            "skip_auth_routes = [\"GET=^/healthz$\"]
skip_auth_preflight = false
skip_auth_strip_headers = true
trusted_ips = []",
        ),
        Caching => says(
            "Its own answers are not cacheable; those of the app behind pass as they are. Add Cache-Control: no-store and a Referrer-Policy there or in the reverse proxy in front.",
        ),
        ReturnTo => code(
            "rd is checked: local paths, and the domains of this list. Leave it empty.",
            "whitelist_domains = []",
        ),
        SignOut => says(
            "/oauth2/sign_out clears the cookie, and with Redis the session. It answers GET, so any site can sign people out: let the reverse proxy allow POST only, or accept it. With the cookie store a copy of the cookie works on until cookie_expire.",
        ),
        RpLogout => code(
            "Lead sign-out to the issuer with rd; {id_token} is replaced. The issuer's domain has to be allowed for that.",
            "whitelist_domains = [\"example.okta.com\"]
# /oauth2/sign_out?rd=https%3A%2F%2Fexample.okta.com%2Foauth2%2Fdefault
#   %2Fv1%2Flogout%3Fid_token_hint%3D{id_token}
#   %26post_logout_redirect_uri%3Dhttps%253A%252F%252Fapp.example%252F",
        ),
        BackChannelLogout => says(
            "Not supported: there is no endpoint for logout tokens. Keep cookie_refresh and cookie_expire short; a refused refresh ends the session.",
        ),
        FrontChannelLogout => says(
            "Not supported as such. /oauth2/sign_out ends the session of the browser that loads it, without a look at iss and sid, and its cookie reaches a frame only with SameSite=None: do not register it.",
        ),
        Errors => code(
            "Pages of your own, without details.",
            "show_debug_on_error = false
custom_templates_dir = \"/etc/oauth2-proxy/templates\"",
        ),
        Isolation => says(
            "It keeps nothing of a sign-in but the cookie and the session store. Several instances need the same cookie_secret and the same Redis.",
        ),
    }
}
