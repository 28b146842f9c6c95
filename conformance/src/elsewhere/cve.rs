//! Vulnerabilities that a case would have found.

/// One published vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cve {
    /// Its number.
    pub id: &'static str,
    /// What had it.
    pub product: &'static str,
    /// What could be seen from outside.
    pub symptom: &'static str,
    /// Whether the number was confirmed at an advisory or the project's change log.
    pub confirmed: bool,
}

const fn cve(id: &'static str, product: &'static str, symptom: &'static str) -> Cve {
    Cve {
        id,
        product,
        symptom,
        confirmed: true,
    }
}

const fn unconfirmed(id: &'static str, product: &'static str, symptom: &'static str) -> Cve {
    Cve {
        id,
        product,
        symptom,
        confirmed: false,
    }
}

/// Every vulnerability that a case names, by year.
pub const CVES: &[Cve] = &[
    cve(
        "CVE-2012-6134",
        "omniauth-oauth2 before 1.1.1 (Ruby)",
        "callback accepted without state bound to the session",
    ),
    cve(
        "CVE-2013-4593",
        "omniauth-facebook (Ruby)",
        "access token given to the callback logs its owner in",
    ),
    cve(
        "CVE-2015-9235",
        "jsonwebtoken (Node)",
        "none / RS-to-HS tokens accepted",
    ),
    cve(
        "CVE-2016-11086",
        "oauth gem up to 0.5.4 (Ruby)",
        "bad TLS certificate accepted",
    ),
    cve("CVE-2016-1000001", "flask-oidc up to 0.1.2", "open redirect"),
    unconfirmed(
        "CVE-2017-6059",
        "mod_auth_openidc",
        "attacker text shown on the error page",
    ),
    unconfirmed(
        "CVE-2017-6413",
        "mod_auth_openidc",
        "client-sent OIDC_CLAIM_ headers reach the app",
    ),
    cve(
        "CVE-2017-11424",
        "PyJWT up to 1.5.0",
        "HS256 keyed with PKCS#1 public key accepted",
    ),
    cve("CVE-2018-0114", "node-jose", "key from the jwk header trusted"),
    cve(
        "CVE-2019-10157",
        "keycloak-connect (Node)",
        "forged back-channel logout ends sessions",
    ),
    unconfirmed(
        "CVE-2019-14857",
        "mod_auth_openidc",
        "logout redirects outside (leading slashes)",
    ),
    unconfirmed("CVE-2019-20479", "mod_auth_openidc", "slash + backslash redirect"),
    cve("CVE-2020-5233", "oauth2-proxy", "/\\\\host redirect"),
    cve("CVE-2020-15240", "omniauth-auth0 2.3.0-2.4.0", "bad signature accepted"),
    cve(
        "CVE-2020-26160",
        "dgrijalva/jwt-go",
        "aud array bypasses the audience check",
    ),
    cve(
        "CVE-2020-26244",
        "pyoidc (oic) before 1.2.1",
        "alg not checked, none allowed",
    ),
    cve(
        "CVE-2020-26254",
        "omniauth-apple before 1.0.1",
        "caller-chosen email trusted",
    ),
    cve("CVE-2020-36599", "omniauth before 1.9.2", "error text reflected raw"),
    cve(
        "CVE-2021-21291",
        "oauth2-proxy",
        "suffix match lets other hosts through",
    ),
    cve(
        "CVE-2021-22119",
        "Spring Security OAuth2 client",
        "login starts exhaust memory",
    ),
    unconfirmed(
        "CVE-2021-24214",
        "OpenID Connect Generic Client (WordPress)",
        "login error XSS",
    ),
    cve(
        "CVE-2021-32702",
        "nextjs-auth0 up to 1.4.1",
        "XSS through error on callback",
    ),
    unconfirmed("CVE-2021-32786", "mod_auth_openidc", "logout redirect with backslash"),
    unconfirmed("CVE-2021-39191", "mod_auth_openidc", "target_link_uri open redirect"),
    cve("CVE-2021-41246", "express-openid-connect", "session id kept at login"),
    cve(
        "CVE-2021-41580",
        "passport-oauth2",
        "200 + error body treated as success",
    ),
    cve("CVE-2021-43812", "nextjs-auth0 up to 1.6.1", "returnTo open redirect"),
    cve(
        "CVE-2021-44878",
        "pac4j-oidc before 4.5.5, before 5.3.1",
        "none accepted when advertised",
    ),
    cve("CVE-2021-45325", "Gitea (OpenID)", "raw upstream error shown"),
    cve("CVE-2022-3145", "@okta/oidc-middleware before 5.0.0", "open redirect"),
    unconfirmed("CVE-2022-21449", "Java 15-18 ECDSA", "all-zero signature valid"),
    cve("CVE-2022-23527", "mod_auth_openidc", "/\\t logout redirect"),
    cve("CVE-2022-23540", "jsonwebtoken", "no algorithms given: none accepted"),
    cve("CVE-2022-23541", "jsonwebtoken", "RSA-to-HMAC by key function"),
    cve("CVE-2022-24794", "express-openid-connect", "open redirect after login"),
    cve(
        "CVE-2022-24858",
        "next-auth before 3.29.2, before 4.3.2",
        "callbackUrl open redirect",
    ),
    cve("CVE-2022-24905", "Argo CD", "attacker message on the login page"),
    cve("CVE-2022-25896", "passport", "session id kept at login/logout"),
    cve(
        "CVE-2022-29214",
        "next-auth before 3.29.3, before 4.3.3",
        "open redirect",
    ),
    cve(
        "CVE-2022-29217",
        "PyJWT 1.5-2.3",
        "HS256 keyed with other public key formats",
    ),
    cve("CVE-2022-31034", "Argo CD", "guessable state, nonce, verifier"),
    cve(
        "CVE-2022-31093",
        "next-auth before 3.29.5, before 4.5.0",
        "bad callbackUrl crashes the handler",
    ),
    cve("CVE-2022-31102", "Argo CD", "XSS on the SSO callback page"),
    cve("CVE-2022-31105", "Argo CD", "IdP certificate not checked"),
    cve(
        "CVE-2022-31107",
        "Grafana 5.3-9.0",
        "login as user with equal email/login",
    ),
    cve(
        "CVE-2022-31690",
        "Spring Security OAuth2 client",
        "empty scope list turned into rights",
    ),
    cve(
        "CVE-2022-39387",
        "XWiki OIDC authenticator",
        "provider taken from request parameters",
    ),
    cve(
        "CVE-2023-1584",
        "Quarkus OIDC before 2.13",
        "tokens readable in cookies over http",
    ),
    cve(
        "CVE-2023-20862",
        "Spring Security",
        "logout leaves the security context",
    ),
    unconfirmed(
        "CVE-2023-24426",
        "Jenkins Azure AD plugin",
        "old session valid after login",
    ),
    cve(
        "CVE-2023-27490",
        "next-auth before 4.20.1",
        "refused code usable in another browser",
    ),
    cve(
        "CVE-2023-27496",
        "Envoy OAuth filter",
        "callback without state crashes it",
    ),
    cve("CVE-2023-28625", "mod_auth_openidc", "crafted cookie crashes it"),
    cve(
        "CVE-2023-48309",
        "next-auth before 4.24.5",
        "flow cookie works as session",
    ),
    cve(
        "CVE-2023-50771",
        "Jenkins oic-auth up to 2.6",
        "open redirect after login",
    ),
    cve("CVE-2023-51774", "json-jwt (Ruby)", "JWE taken as signed token"),
    unconfirmed("CVE-2024-10318", "NGINX OIDC reference module", "nonce not checked"),
    cve("CVE-2024-21492", "caddy-security", "session survives logout"),
    cve("CVE-2024-21495", "caddy-security", "weak random values"),
    unconfirmed(
        "CVE-2024-21499",
        "caddy-security",
        "forwarded header steers the redirect",
    ),
    cve(
        "CVE-2024-21632",
        "omniauth-microsoft_graph before 2.0",
        "email as identity (nOAuth)",
    ),
    cve(
        "CVE-2024-24814",
        "mod_auth_openidc",
        "huge chunked cookie exhausts memory",
    ),
    cve("CVE-2024-28180", "go-jose", "JWE bomb"),
    cve(
        "CVE-2024-32879",
        "social-auth-app-django",
        "identifier compared without case",
    ),
    cve("CVE-2024-33663", "python-jose", "HS256 keyed with ECDSA public key"),
    unconfirmed("CVE-2024-33664", "python-jose", "JWE bomb"),
    cve("CVE-2024-37568", "Authlib before 1.3.1", "HMAC with public key"),
    cve("CVE-2024-38351", "PocketBase", "unverified email linked"),
    cve("CVE-2024-39315", "Pomerium", "tokens shown by the user page"),
    cve("CVE-2024-47806", "Jenkins oic-auth up to 4.354", "aud not checked"),
    unconfirmed("CVE-2024-47807", "Jenkins oic-auth up to 4.354", "iss not checked"),
    cve("CVE-2024-52553", "Jenkins oic-auth up to 4.418", "session not renewed"),
    cve("CVE-2024-52801", "SFTPGo", "guessable OIDC session cookie"),
    unconfirmed("CVE-2024-53861", "PyJWT 2.10.0", "iss compared by substring"),
    unconfirmed("CVE-2025-3891", "mod_auth_openidc", "odd POST crashes it"),
    cve("CVE-2025-12419", "Mattermost 10.5-11.0", "state not validated properly"),
    cve("CVE-2025-22868", "golang.org/x/oauth2", "malformed token eats memory"),
    cve(
        "CVE-2025-24399",
        "Jenkins oic-auth up to 4.452",
        "user name compared without case",
    ),
    cve("CVE-2025-24856", "TYPO3 oidc extension", "account takeover"),
    cve("CVE-2025-27144", "go-jose", "token of dots eats CPU"),
    cve("CVE-2025-30204", "golang-jwt", "header parsing eats memory"),
    cve(
        "CVE-2025-31492",
        "mod_auth_openidc",
        "protected body leaks with POST auth method",
    ),
    cve(
        "CVE-2025-46344",
        "nextjs-auth0 4.0-4.5",
        "session token never expires inside",
    ),
    cve("CVE-2025-48947", "nextjs-auth0 4.0-4.6", "session cookies cacheable"),
    cve("CVE-2025-54576", "oauth2-proxy before 7.11", "query string skips auth"),
    cve("CVE-2025-59420", "Authlib before 1.6.4", "unknown crit accepted"),
    cve("CVE-2025-61783", "social-auth-app-django", "unsafe account association"),
    cve("CVE-2025-61920", "Authlib before 1.6.5", "oversized JOSE segments"),
    cve("CVE-2025-62706", "Authlib before 1.6.5", "JWE zip bomb"),
    cve("CVE-2025-64484", "oauth2-proxy", "underscore header smuggling"),
    cve(
        "CVE-2025-65431",
        "django-allauth before 65.13 (Okta provider)",
        "preferred_username used as key",
    ),
    cve("CVE-2025-66001", "NeuVector", "IdP TLS not verified"),
    cve(
        "CVE-2025-67490",
        "nextjs-auth0 4.11-4.12",
        "parallel requests get each other's result",
    ),
    unconfirmed(
        "CVE-2025-68158",
        "Authlib before 1.6.6",
        "state in cache not bound to browser",
    ),
    cve("CVE-2026-13089", "OIDC::Lite (Perl)", "alg taken from the token"),
    cve("CVE-2026-23603", "Gitea", "picture claim fetched (SSRF)"),
    cve("CVE-2026-23990", "Flux Operator UI", "empty claims bypass"),
    cve("CVE-2026-27962", "Authlib before 1.6.9", "jwk header trusted"),
    cve("CVE-2026-28498", "Authlib", "unknown alg makes at_hash check pass"),
    cve("CVE-2026-28789", "OliveTin", "parallel states crash it"),
    cve(
        "CVE-2026-28802",
        "Authlib 1.6.5-1.6.6",
        "none + blank signature accepted",
    ),
    cve("CVE-2026-29000", "pac4j-jwt", "JWE around unsigned JWT accepted"),
    cve("CVE-2026-32597", "PyJWT before 2.12", "unknown crit accepted"),
    cve("CVE-2026-33322", "MinIO", "HS256 under client secret accepted"),
    cve(
        "CVE-2026-33544",
        "tinyauth",
        "two users swap identity in parallel logins",
    ),
    cve("CVE-2026-33668", "Vikunja", "disabled user can sign in"),
    cve("CVE-2026-33679", "Vikunja", "avatar fetch SSRF"),
    cve("CVE-2026-33758", "OpenBao", "XSS in OIDC error"),
    cve("CVE-2026-34454", "oauth2-proxy", "cookies stay after sign-out page"),
    cve("CVE-2026-34969", "Nhost", "refresh token in URL"),
    cve("CVE-2026-40155", "nextjs-auth0 4.12-4.17", "cache mix-up in parallel"),
    cve("CVE-2026-40302", "zrok", "XSS on OAuth callback"),
    cve(
        "CVE-2026-40574",
        "oauth2-proxy before 7.15.2",
        "two-@ email passes domain rule",
    ),
    cve("CVE-2026-40575", "oauth2-proxy before 7.15.2", "X-Forwarded-Uri bypass"),
    cve(
        "CVE-2026-41059",
        "oauth2-proxy before 7.15.2",
        "fragment confusion bypass",
    ),
    cve("CVE-2026-41425", "Authlib before 1.6.11", "no CSRF check with cache"),
    cve("CVE-2026-41571", "Note Mark", "password \"null\" opens SSO accounts"),
    cve("CVE-2026-45363", "ruby-jwt", "empty HMAC key accepted"),
    cve("CVE-2026-48058", "nebula-mesh", "cookies without Secure"),
    cve("CVE-2026-48522", "PyJWT before 2.13", "file:/ftp:/data: key URLs"),
    cve("CVE-2026-48523", "PyJWT 2.9-2.12", "algorithm allow-list bypass"),
    cve("CVE-2026-48525", "PyJWT 2.8-2.12", "b64=false detached DoS"),
    cve("CVE-2026-48526", "PyJWT before 2.13", "public JWK as HMAC key"),
    cve("CVE-2026-49478", "Fulcio", "discovery redirect followed"),
    cve("CVE-2026-53523", "Nezha", "Host header becomes redirect_uri"),
    cve("CVE-2026-54603", "oauth2 gem (Ruby)", "bearer follows //host redirect"),
    cve(
        "CVE-2026-54605",
        "oauth gem (Ruby)",
        "token request follows cross-origin redirect",
    ),
    cve("CVE-2026-55075", "Coder", "email-based user matching"),
    cve("CVE-2026-55076", "Coder", "email_verified \"false\" passes"),
    cve("CVE-2026-55512", "nebula-mesh", "login starts grow memory"),
    cve("CVE-2026-58422", "Gitea", "sign-in re-enables disabled user"),
    cve("CVE-2026-67437", "OliveTin", "state map grows without bound"),
    cve("CVE-2026-73418", "next-auth / @auth/core", "malformed Bearer throws"),
    cve(
        "CVE-2026-73419",
        "next-auth / @auth/core",
        "checks not bound to provider",
    ),
    cve(
        "CVE-2026-73421",
        "next-auth 5 beta",
        "config error makes auth checks pass",
    ),
];
