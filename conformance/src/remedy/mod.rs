//! What fixes a case, in general and in the frameworks that people use: the "Fix" part of `explain`.
//!
//! Hundreds of cases have a few dozen causes. A [`Remedy`] is one thing that an app has to do; `cases` says which cases
//! it fixes; one file per framework says how it is done there. Each of those is an exhaustive `match`, so that a new
//! remedy compiles only when every framework has an answer.

mod aspnet;
mod cases;
mod django;
mod express;
mod flask;
mod go_oidc;
mod next_auth;
mod oauth2_proxy;
mod passport;
mod rust;
mod spring;

pub use cases::{fixed_by, remedies};

/// How a remedy is applied in one framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What to know: whether the framework does it by itself, and which setting would switch it off.
    pub note: &'static str,
    /// Code or configuration; empty when there is nothing to write.
    pub code: &'static str,
}

/// The framework does it by itself, or cannot do it: there is nothing to write.
const fn says(note: &'static str) -> Snippet {
    Snippet { note, code: "" }
}

/// Something to write.
const fn code(note: &'static str, code: &'static str) -> Snippet {
    Snippet { note, code }
}

macro_rules! remedies {
    ($($id:ident $name:literal, $title:literal, $advice:literal;)*) => {
        /// One thing that an app has to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the title says it")]
        pub enum Remedy { $($id,)* }

        impl Remedy {
            /// Every remedy, in the order of a sign-in.
            pub const ALL: &[Remedy] = &[$(Remedy::$id,)*];

            /// Its name, kebab case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Remedy::$id => $name,)* }
            }

            /// What to do, as a heading.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Remedy::$id => $title,)* }
            }

            /// What to do and why, whatever the framework.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Remedy::$id => $advice,)* }
            }
        }
    };
}

remedies! {
    SignIn "sign-in", "Build the authorization request from settings alone",
        "Response type, client id and scopes come from the configuration and the addresses from the issuer's metadata; a URL library writes the query. Nothing of the incoming request gets into it.";
    RedirectUri "redirect-uri", "Keep one redirect URI, and take it from the settings",
        "The same registered string goes into the authorization request and the token request. It is never put together from the Host header or from a proxy's headers.";
    State "state", "Bind a fresh state to the browser, compare it, and forget it",
        "At least 128 random bits per attempt, kept where only this browser's requests lead to them (its session, or an encrypted cookie). The callback compares the whole value before it redeems anything, and forgets it whatever happens next. Attempts are kept one by one and bounded in number and age, so that two tabs work and abandoned ones do not pile up.";
    Nonce "nonce", "Send a fresh nonce and require it in the ID token",
        "At least 128 random bits per attempt, kept beside the state; an ID token whose nonce is another one, or is missing, is refused. It is what stops a stolen code or a replayed token.";
    Pkce "pkce", "Use PKCE with S256 in every sign-in",
        "A new verifier of 32 random bytes for every authorization request, its SHA-256 as challenge, the verifier kept on the server (or in an encrypted HttpOnly cookie) until the token request. Servers that do not know PKCE ignore it, so there is no reason to fall back to plain or to nothing.";
    Callback "callback", "Read the callback strictly, once, and leave its address",
        "Only the registered method; every parameter at most once; an error before a code; no token from the front channel; nothing before the state was found. Afterwards a redirect to a clean address, so that the code stays in no history and no Referer.";
    Issuer "issuer", "Compare the issuer wherever it is named",
        "The metadata's issuer equals the configured one byte for byte, or nothing of the document is used. An iss parameter of the authorization response equals it too, before any token request, and must be there when the metadata promises it.";
    ClientAuth "client-auth", "Authenticate the client in one way",
        "The method that is registered and no other; the secret in a header or in the form, never in a URL; id and secret form-encoded before Basic joins them. A public client sends its client_id only.";
    BackChannel "back-channel", "Check TLS and follow no redirects when calling the issuer",
        "Certificates are verified against a trust store (a test CA is added to it, never a reason to switch the check off), endpoints without TLS are refused when the issuer has TLS, and neither codes, secrets nor bearer tokens follow a redirect.";
    Limits "limits", "Bound the time and the size of every call to the issuer",
        "A few seconds for the connection, some ten for the answer, a few hundred kilobytes after decompression; at most one retry, and never of the token request. Then a plain error. Metadata is fetched when needed and fetched again after a failure, so that an issuer that is late does not take the app down.";
    TokenResponse "token-response", "Refuse token answers that are not complete, tolerate what is only unusual",
        "No sign-in without an ID token and an access token of type Bearer (in any case of letters), none when there is an error member or another status than 200. Missing expires_in or scope and unknown members are no reason to refuse.";
    Signature "signature", "Verify the signature with the issuer's published keys and no others",
        "The JWT is three segments around two JSON objects; its kid is looked up as plain text among the keys of the issuer's jwks_uri; jwk, jku, x5u and x5c in the header are ignored, an unknown crit is refused, and so are other kinds of tokens.";
    Algorithm "algorithm", "Pin the algorithm that is registered, RS256 with Okta",
        "An allow-list of one, in code or configuration, compared before the key is chosen. Then none and its spellings, HMAC with a public key and whatever the metadata advertises cannot matter.";
    KeySet "key-set", "Cache the key set, and refetch it once for an unknown kid",
        "Keys are chosen by kid, type and use; entries that are not understood are skipped, RSA below 2048 bits and symmetric keys are not used. An unknown kid leads to one fetch that all waiters share, then to a pause of some seconds, and never to acceptance.";
    Claims "claims", "Require iss, aud and sub of the ID token and compare them",
        "iss equals the configured issuer byte for byte; aud is the client id or a list that contains it and nobody untrusted; azp, where present, is the client id; sub is a non-empty string. A claim of another type is a missing one.";
    Times "times", "Require exp and iat, with a minute or two of tolerance",
        "exp lies ahead, nbf and iat do not, each a JSON number (fractions included). Tolerance is for clocks: a minute or two, five at most.";
    AccessToken "access-token", "Treat the access token as opaque, or validate it like the ID token",
        "at_hash is compared when it is there. An app that uses anything inside the access token verifies its signature, iss, aud, exp and cid; one that only passes it on does not parse it at all.";
    StepUp "step-up", "Check auth_time and acr when a fresh or stronger sign-in was asked for",
        "max_age and acr_values are requests: only the claims of the ID token tell whether they were met. When not, begin a new authorization request or refuse.";
    Refresh "refresh", "Hold a refreshed ID token against the first",
        "Equal iss and sub (and aud), or nothing of the answer is used and the session ends. No new ID token is fine, a new refresh token replaces the old one, invalid_grant means a new sign-in.";
    Userinfo "userinfo", "Use userinfo only when its sub equals the ID token's",
        "sub must be there, as one string, and equal; otherwise none of the answer's claims is used. The token goes into the Authorization header. An answer that fails is no reason to hang, and a signed one is verified before it is believed.";
    Account "account", "Key accounts by issuer and sub",
        "The pair, byte for byte, in a column that holds 255 characters. E-mail address, name and preferred_username are for display: they change, they repeat, and others choose them.";
    Trust "trust", "Believe an e-mail address or a role only as far as this sign-in says so",
        "email_verified counts when it is the JSON value true; a domain is what follows the last @, compared whole. Rights are derived anew at every sign-in, and an account that was disabled here stays disabled.";
    Role "role", "Ask for the group on the server, in every handler of its page",
        "One rule beside the route that looks for the whole name in the groups of this session, which come from this sign-in's verified token and are replaced at the next; never from a cookie, a parameter or a header. Whoever is signed in and not in the group gets 403; only who is not signed in is led to sign-in.";
    Escape "escape", "Treat claims and error texts as what strangers write",
        "Templates that escape by default, for the very place where the text stands; links and pictures only to http and https; no text of the authorization response shown as if it were the app's own. The server does not fetch an address that a claim names.";
    SessionId "session-id", "Begin a new session at sign-in",
        "A new random id, an empty session, the old one deleted on the server: nobody is ever signed in to an id that came from outside, and nothing of an earlier user remains. A refused sign-in changes nothing.";
    SessionStore "session-store", "Keep tokens and sessions on the server, and let them end",
        "The cookie is a random key of at least 128 bits, or an encrypted and authenticated blob with a purpose of its own. Tokens get into no page, script-readable cookie or URL. Idle time and total life are limited on the server's side; a cookie that does not read is no cookie.";
    Cookies "cookies", "Give cookies HttpOnly, Secure and SameSite=Lax",
        "Own host, no Domain, the __Host- prefix where the app has TLS. SameSite=Strict on the cookie of a pending sign-in would lose it on the way back from the issuer. Cookies of pending sign-ins are short-lived and removed by the callback.";
    Guard "guard", "Close every path by default, on the path that is served",
        "One rule before all handlers, for every method, with a short list of exceptions. Identity comes from the app's own session; headers that name a user are stripped at the edge.";
    Caching "caching", "Send Cache-Control: no-store and a Referrer-Policy",
        "On protected pages, on the redirect that starts a sign-in, and on the callback: whatever sets a cookie or shows a person must not be served to the next one.";
    ReturnTo "return-to", "Return to local paths only",
        "The target is kept with the attempt and checked when it is used. Parse it as a browser does, against the app's own origin, and compare origins; a prefix check misses //host, /\\host and their kin. What is not local means the home page, not an error.";
    SignOut "sign-out", "End the session on the server, by POST, before anything else",
        "Delete it in the store, so that no copy of the cookie works and no late request writes it back; expire every cookie with the name, path and domain of its setting; require a token against forged forms; land on a public page. Only then think of the issuer.";
    RpLogout "rp-logout", "Send the browser to the issuer's end-session endpoint",
        "With the ID token of this session as id_token_hint (expired is fine; left out when there is none) and a registered post_logout_redirect_uri, byte for byte. When the metadata have no such endpoint, the local sign-out is all.";
    BackChannelLogout "back-channel-logout", "Verify logout tokens like ID tokens, and end what they name",
        "Signature, algorithm, iss, aud, exp, iat, jti; events has the back-channel member; no nonce; sub or sid. sid ends one session, sub alone all sessions of the user. Answer 200 with no-store, also when there was nothing to end, and 400 for anything wrong.";
    FrontChannelLogout "front-channel-logout", "Let the issuer frame one address, and compare iss and sid there",
        "The page ends the session of the browser that loads it when both parameters are those of the session, sends no-store, and allows framing by the issuer only (frame-ancestors).";
    Errors "errors", "Answer bad requests with your own words and a 4xx",
        "Limits for the length of a request and its parameters, broken encodings and control characters refused before they reach a header, a page of its own for every failure. Details, traces and the issuer's answers go to the log.";
    Isolation "isolation", "Share nothing between sign-ins but the key set",
        "What belongs to one sign-in lives in its own values, not in a client object or module that all use; a shared store takes and deletes an attempt in one step; a session that has ended is not written back by a request that was still running.";
}

macro_rules! frameworks {
    ($($id:ident $name:literal, $title:literal, $version:literal, $fence:literal, $room:ident, [$($alias:literal),*];)*) => {
        /// A framework with snippets for every remedy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the title says it")]
        pub enum Framework { $($id,)* }

        impl Framework {
            /// Every framework, in the order in which they are listed.
            pub const ALL: &[Framework] = &[$(Framework::$id,)*];

            /// What to type after `--framework`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Framework::$id => $name,)* }
            }

            /// What it is called.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Framework::$id => $title,)* }
            }

            /// The versions that the snippets were written for.
            #[must_use]
            pub const fn version(self) -> &'static str {
                match self { $(Framework::$id => $version,)* }
            }

            /// The language of its code, as Markdown names it.
            #[must_use]
            pub const fn fence(self) -> &'static str {
                match self { $(Framework::$id => $fence,)* }
            }

            /// How a remedy is applied in it.
            #[must_use]
            pub const fn snippet(self, remedy: Remedy) -> Snippet {
                match self { $(Framework::$id => $room::snippet(remedy),)* }
            }

            /// By its name, or by another that people use for it.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name.to_ascii_lowercase().as_str() {
                    $($name $(| $alias)* => Some(Framework::$id),)*
                    _ => None,
                }
            }
        }
    };
}

frameworks! {
    Express "express", "Express with openid-client", "express 5, express-session 1.19, openid-client 6", "js", express, ["openid-client", "node"];
    NextAuth "next-auth", "NextAuth.js", "next-auth 4", "ts", next_auth, ["nextauth", "next", "authjs", "auth.js"];
    Passport "passport", "Passport with openid-client", "passport 0.7, openid-client 6", "js", passport, ["passport.js", "passportjs"];
    Spring "spring", "Spring Security", "Spring Security 6.5", "java", spring, ["spring-boot", "spring-security", "okta-spring-boot"];
    Django "django", "Django with Authlib", "Django 5, Authlib 1.9", "python", django, ["authlib"];
    Flask "flask", "Flask with Authlib", "Flask 3, Flask-Session 0.8, Authlib 1.9", "python", flask, [];
    AspNet "aspnet", "ASP.NET Core", "ASP.NET Core 9", "csharp", aspnet, ["asp.net", "aspnetcore", "asp.net-core", "dotnet"];
    OAuth2Proxy "oauth2-proxy", "oauth2-proxy", "oauth2-proxy 7.15", "toml", oauth2_proxy, ["oauth2proxy"];
    GoOidc "go-oidc", "Go with go-oidc", "go-oidc 3, x/oauth2, scs 2", "go", go_oidc, ["go", "golang"];
    Rust "rust", "Rust with openidconnect and axum", "openidconnect 4, axum 0.8, tower-sessions 0.14", "rust", rust, ["axum", "openidconnect"];
}
