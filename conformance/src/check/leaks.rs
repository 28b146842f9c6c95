//! Questions about what must not be seen: secrets in addresses and pages, the inside of the app in its errors.

use mock_idp::flow::record::{Endpoint, Event};
use percent_encoding::percent_decode_str;

use super::{
    Check,
    cookies::{clear_text_holder, set_by},
    facts::{in_short, issued, path_of, query_of, verifiers},
};
use crate::{
    evidence::{Evidence, Hop, Leg},
    outcome::Outcome::{Broken, CannotTell, Holds},
};

/// Something that belongs to the app and the authorization server alone.
struct Secret {
    what: &'static str,
    text: String,
}

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
        let secrets: Vec<Secret> = verifiers
            .iter()
            .map(|text| Secret {
                what: "the code_verifier",
                text: text.clone(),
            })
            .collect();
        for hop in evidence.hops.iter().filter(|hop| hop.unedited.is_none()) {
            if let Some(saw) = in_addresses(hop, &secrets).or_else(|| in_body(hop, &secrets)) {
                return Broken(saw);
            }
            let readable = set_by(hop)
                .filter(super::cookies::SetCookie::is_readable_by_scripts)
                .find(|cookie| {
                    verifiers
                        .iter()
                        .any(|verifier| cookie.value.contains(verifier.as_str()))
                });
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
        match clear_text_holder(evidence, &verifiers) {
            Some((_, cookie)) => Broken(format!(
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
        let secrets = secrets(evidence);
        if secrets.is_empty() {
            return CannotTell("no secret is known".to_owned());
        }
        let ours: Vec<&Secret> = secrets
            .iter()
            .filter(|secret| !was_put_in(evidence, &secret.text))
            .collect();
        for hop in evidence.hops.iter().filter(|hop| hop.unedited.is_none()) {
            // The ID token in a sign-out address is the standard's own hint (RP-Initiated Logout §2).
            let address_secrets = ours
                .iter()
                .filter(|secret| !leads_to_sign_out(hop) || secret.what != "an ID token");
            for secret in address_secrets {
                if let Some(saw) = in_addresses(hop, std::slice::from_ref(*secret)) {
                    return Broken(saw);
                }
            }
            if matches!(hop.leg, Leg::SignInStart | Leg::Callback) {
                for secret in &ours {
                    if let Some(saw) = in_body(hop, std::slice::from_ref(*secret)) {
                        return Broken(saw);
                    }
                }
            }
        }
        for endpoint in [Endpoint::Authorize, Endpoint::Token] {
            for (_, request) in evidence.received(endpoint) {
                let query = decoded(query_of(&request.target));
                if let Some(secret) = ours.iter().find(|secret| query.contains(&secret.text)) {
                    return Broken(format!("{} in the URL of {}", secret.what, path_of(&request.target)));
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
        for hop in evidence.app_hops() {
            let body = hop.body();
            let sent = format!("{}{}", hop.request.target, hop.request.body);
            let trace = TRACES
                .iter()
                .chain(PATHS)
                .find(|trace| body.contains(**trace) && !sent.contains(**trace));
            if let Some(trace) = trace {
                return Broken(format!("{} shows `{trace}`", in_short(hop)));
            }
            let refused = hop.status().is_some_and(|status| status >= 400) || hop.unedited.is_some();
            if hop.leg == Leg::Probe || !refused {
                continue;
            }
            // A redirect may repeat its address in its body, and there the ID token is the standard's own hint.
            let hinted = |secret: &Secret| leads_to_sign_out(hop) && secret.what == "an ID token";
            if let Some(secret) = secrets
                .iter()
                .find(|secret| body.contains(&secret.text) && !sent.contains(&secret.text) && !hinted(secret))
            {
                return Broken(format!("{} shows {}", in_short(hop), secret.what));
            }
            if upstream.iter().any(|error| body.contains(error.as_str())) {
                return Broken(format!(
                    "{} shows the raw answer of the authorization server",
                    in_short(hop)
                ));
            }
        }
        Holds
    },
};

/// Client secret, tokens and verifiers of the run. Short ones are left out: they would match by chance.
fn secrets(evidence: &Evidence) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let mut add = |what, text: &str| {
        if text.len() >= 16 {
            secrets.push(Secret {
                what,
                text: text.to_owned(),
            });
        }
    };
    add(
        "the client secret",
        evidence.target.client_secret.as_deref().unwrap_or_default(),
    );
    for tokens in issued(evidence) {
        add("an access token", tokens.access_token);
        add("an ID token", tokens.id_token.unwrap_or_default());
        add("a refresh token", tokens.refresh_token.unwrap_or_default());
    }
    for verifier in verifiers(evidence) {
        add("the code_verifier", &verifier);
    }
    secrets
}

/// Whether the harness itself put this value into a request: what comes back is then no leak.
fn was_put_in(evidence: &Evidence, text: &str) -> bool {
    evidence
        .hops
        .iter()
        .filter(|hop| hop.unedited.is_some())
        .any(|hop| decoded(&hop.request.target).contains(text) || hop.request.body.contains(text))
}

fn leads_to_sign_out(hop: &Hop) -> bool {
    matches!(hop.leg, Leg::SignOut | Leg::EndSession | Leg::AfterSignOut)
}

fn in_addresses(hop: &Hop, secrets: &[Secret]) -> Option<String> {
    let addresses = [hop.url.as_str()]
        .into_iter()
        .chain(hop.header("location"))
        .chain(hop.header("refresh"));
    for address in addresses.map(decoded) {
        if let Some(secret) = secrets.iter().find(|secret| address.contains(&secret.text)) {
            return Some(format!("{} in the URL {}", secret.what, path_of(&address)));
        }
    }
    None
}

fn in_body(hop: &Hop, secrets: &[Secret]) -> Option<String> {
    // The hosted pages are the authorization server's own.
    if matches!(hop.leg, Leg::Idp | Leg::EndSession) {
        return None;
    }
    let secret = secrets.iter().find(|secret| hop.body().contains(&secret.text))?;
    Some(format!("{} in the page of {}", secret.what, in_short(hop)))
}

/// Bodies of error answers that the authorization server gave to the app.
fn upstream_errors(evidence: &Evidence) -> Vec<String> {
    evidence
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Answered {
                endpoint: Endpoint::Token | Endpoint::Userinfo,
                status,
                body,
                ..
            } if *status >= 400 && body.len() >= 24 => Some(body.clone()),
            _ => None,
        })
        .collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
