//! Questions about what must not be seen: secrets in addresses and pages, the inside of the app in its errors.

use std::collections::HashSet;

use mock_idp::flow::record::{Endpoint, Event};
use percent_encoding::percent_decode_str;

use super::{
    Check,
    cookies::{SetCookie, clear_text_holder, set_by},
    facts::{
        AuthorizationRequest, all_authorization_requests, in_short, issued, parameters, path_of, query_of, verifiers,
    },
    needles::Needles,
};
use crate::{
    evidence::{Evidence, Hop, Leg},
    outcome::Outcome::{Broken, CannotTell, Holds},
    text::holds,
};

/// What an ID token is called in findings.
const ID_TOKEN: &str = "an ID token";

/// Traces that only the inside of a program leaves; each is enough by itself.
const TRACES: &[&str] = &[
    "Traceback (most recent call last)",
    "stack backtrace:",
    "RUST_BACKTRACE",
    "goroutine 1 [",
    "node:internal/",
    "at Object.<anonymous>",
    "at processTicksAndRejections",
    "java.lang.",
    "org.springframework.",
    "System.NullReferenceException",
    "Microsoft.AspNetCore.",
    "ActionController::",
    "Whoops\\Exception",
    "Werkzeug Debugger",
    "django.core.exceptions",
];

/// Parts of paths that an answer has no reason to name.
const PATHS: &[&str] = &[
    "/node_modules/",
    "/site-packages/",
    "/vendor/bundle/",
    "/.cargo/registry/",
    "/usr/lib/python",
    "/usr/local/lib/python",
    "/go/pkg/mod/",
    "C:\\Users\\",
    "src/main.rs:",
];

/// The verifier is known to the app alone until the token request.
pub const VERIFIER_IS_HIDDEN: Check = Check {
    id: "verifier-is-hidden",
    expects: "no code_verifier in a URL, a page or a cookie that scripts can read",
    ask: |evidence| {
        let verifiers = verifiers(evidence);
        if verifiers.is_empty() {
            return CannotTell("no code_verifier was seen".to_owned());
        }
        let secrets = needles_of(&verifiers);
        let any = |_: usize| true;
        for hop in evidence.hops.iter().filter(|hop| hop.unedited.is_none()) {
            if let Some(saw) = in_addresses(hop, &secrets, any).or_else(|| in_body(hop, &secrets, any)) {
                return Broken(saw);
            }
            let readable = set_by(hop)
                .filter(SetCookie::is_readable_by_scripts)
                .find(|cookie| secrets.in_text(&cookie.value).next().is_some());
            if let Some(cookie) = readable {
                return Broken(format!(
                    "the cookie `{}` holds the code_verifier and can be read by scripts",
                    cookie.name
                ));
            }
        }
        Holds
    },
};

/// A cookie that holds the verifier is encrypted.
pub const VERIFIER_COOKIE_IS_ENCRYPTED: Check = Check {
    id: "verifier-cookie-is-encrypted",
    expects: "no code_verifier in clear text in any cookie",
    ask: |evidence| {
        let verifiers = verifiers(evidence);
        if verifiers.is_empty() {
            return CannotTell("no code_verifier was seen".to_owned());
        }
        match clear_text_holder(evidence, &needles_of(&verifiers)) {
            Some(cookie) => Broken(format!(
                "the cookie `{}` holds the code_verifier in clear text",
                cookie.name
            )),
            None => Holds,
        }
    },
};

/// Addresses and the pages of the sign-in hold no secret.
pub const NO_SECRET_IN_URLS: Check = Check {
    id: "no-secret-in-urls",
    expects: "no client secret, token or verifier in a URL or in a page of the sign-in",
    ask: |evidence| {
        let mut secrets = secrets(evidence);
        for token in front_channel_tokens(evidence) {
            secrets.add("a token of the front channel", &token);
        }
        if secrets.is_empty() {
            return CannotTell("no secret is known".to_owned());
        }
        // What the harness itself put into a request is no leak when it comes back.
        let put_in: HashSet<usize> = evidence
            .hops
            .iter()
            .filter(|hop| hop.unedited.is_some())
            .flat_map(|hop| [decoded(&hop.request.target), hop.request.body.clone()])
            .flat_map(|text| secrets.in_text(&text).collect::<Vec<_>>())
            .collect();
        for hop in evidence.hops.iter().filter(|hop| hop.unedited.is_none()) {
            // The ID token in a sign-out address is the standard's own hint (RP-Initiated Logout §2).
            let hint = leads_to_sign_out(hop);
            let allowed = |item: usize| hint && secrets.what(item) == ID_TOKEN;
            let counts = |item: usize| !put_in.contains(&item) && !allowed(item);
            if let Some(saw) = in_addresses(hop, &secrets, counts) {
                return Broken(saw);
            }
            let of_sign_in = matches!(hop.leg, Leg::SignInStart | Leg::Callback);
            if let Some(saw) = of_sign_in.then(|| in_body(hop, &secrets, counts)).flatten() {
                return Broken(saw);
            }
        }
        for endpoint in [Endpoint::Authorize, Endpoint::Token] {
            for (_, request) in evidence.received(endpoint) {
                let query = decoded(query_of(&request.target));
                if let Some(item) = secrets.in_text(&query).find(|item| !put_in.contains(item)) {
                    return Broken(format!(
                        "{} in the URL of {}",
                        secrets.what(item),
                        path_of(&request.target)
                    ));
                }
            }
        }
        Holds
    },
};

/// Errors tell the user what happened, not how the app is made.
pub const ERRORS_LEAK_NOTHING: Check = Check {
    id: "errors-leak-nothing",
    expects: "no stack trace, file path, token, secret or raw answer of the authorization server in any answer",
    ask: |evidence| {
        let secrets = secrets(evidence);
        let upstream = upstream_errors(evidence);
        for hop in evidence.app_hops().filter(|hop| !hop.body().is_empty()) {
            let body = hop.body();
            let sent = format!("{}{}", hop.request.target, hop.request.body);
            let trace = TRACES
                .iter()
                .chain(PATHS)
                .find(|trace| holds(body, trace) && !sent.contains(**trace));
            if let Some(trace) = trace {
                return Broken(format!("{} shows `{trace}`", in_short(hop)));
            }
            let refused = hop.status().is_some_and(|status| status >= 400) || hop.unedited.is_some();
            if hop.leg == Leg::Probe || !refused {
                continue;
            }
            // A redirect may repeat its address in its body, and there the ID token is the standard's own hint.
            let hinted = |item: usize| leads_to_sign_out(hop) && secrets.what(item) == ID_TOKEN;
            let echoed = |item: usize| secrets.in_text(&sent).any(|sent| sent == item);
            let leaked = secrets.in_text(body).find(|item| !hinted(*item) && !echoed(*item));
            if let Some(item) = leaked {
                return Broken(format!("{} shows {}", in_short(hop), secrets.what(item)));
            }
            if upstream.in_text(body).next().is_some() {
                return Broken(format!(
                    "{} shows the raw answer of the authorization server",
                    in_short(hop)
                ));
            }
        }
        Holds
    },
};

/// Client secret, tokens and verifiers of the run.
fn secrets(evidence: &Evidence) -> Needles {
    let mut secrets = needles_of(&verifiers(evidence));
    let client_secret = evidence.target.client_secret.as_deref();
    secrets.add("the client secret", client_secret.unwrap_or_default());
    for tokens in issued(evidence) {
        secrets.add("an access token", tokens.access_token);
        secrets.add(ID_TOKEN, tokens.id_token.unwrap_or_default());
        secrets.add("a refresh token", tokens.refresh_token.unwrap_or_default());
    }
    secrets
}

/// Tokens that the app had sent through the browser's address (RFC 9700 §2.1.2): it asked for them, and they are in no token
/// response.
fn front_channel_tokens(evidence: &Evidence) -> Vec<String> {
    let asks = |request: &AuthorizationRequest<'_>| {
        let wanted = request.get("response_type").unwrap_or_default();
        wanted.split(' ').any(|token| matches!(token, "id_token" | "token"))
    };
    // What the harness added to the start of a sign-in is not what the app asked for.
    let is_edited = evidence.flows.iter().any(|flow| flow.start_edited);
    if is_edited || !all_authorization_requests(evidence).iter().any(asks) {
        return Vec::new();
    }
    let came_back = |hop: &&Hop| hop.leg == Leg::Callback && hop.unedited.is_none();
    let queries = evidence.hops.iter().filter(came_back);
    queries
        .flat_map(|hop| parameters(query_of(&hop.url)))
        .filter(|(name, _)| matches!(name.as_str(), "id_token" | "access_token"))
        .map(|(_, token)| token)
        .collect()
}

fn needles_of(verifiers: &[String]) -> Needles {
    let mut needles = Needles::new();
    for verifier in verifiers {
        needles.add("the code_verifier", verifier);
    }
    needles
}

fn leads_to_sign_out(hop: &Hop) -> bool {
    matches!(hop.leg, Leg::SignOut | Leg::EndSession | Leg::AfterSignOut)
}

fn in_addresses(hop: &Hop, secrets: &Needles, counts: impl Fn(usize) -> bool) -> Option<String> {
    let addresses = [hop.url.as_str()]
        .into_iter()
        .chain(hop.header("location"))
        .chain(hop.header("refresh"));
    for address in addresses.map(decoded) {
        if let Some(item) = secrets.in_text(&address).find(|item| counts(*item)) {
            return Some(format!("{} in the URL {}", secrets.what(item), path_of(&address)));
        }
    }
    None
}

fn in_body(hop: &Hop, secrets: &Needles, counts: impl Fn(usize) -> bool) -> Option<String> {
    // The hosted pages are the authorization server's own.
    if matches!(hop.leg, Leg::Idp | Leg::EndSession) {
        return None;
    }
    let item = secrets.in_text(hop.body()).find(|item| counts(*item))?;
    Some(format!("{} in the page of {}", secrets.what(item), in_short(hop)))
}

/// Bodies of error answers that the authorization server gave to the app.
fn upstream_errors(evidence: &Evidence) -> Needles {
    let mut errors = Needles::new();
    for record in &evidence.records {
        if let Event::Answered {
            endpoint: Endpoint::Token | Endpoint::Userinfo,
            status: 400..,
            body,
            ..
        } = &record.event
        {
            errors.add("an answer", body.trim());
        }
    }
    errors
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
