//! What must be checked of an ID token, and whether this app did: by the verdicts of the cases that try it.

use serde_json::Value;

use crate::report::{
    change::jwt,
    document::{Run, Word},
    redact::redact,
};

/// A token, part by part: name, value, what must be checked, whether it was.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) rows: Vec<(String, String, String, String)>,
}

/// Parts of an ID token that a relying party must look at, with the beginnings of the ids of the cases that try it.
const CHECKED: &[(&str, &str, &[&str])] = &[
    (
        "alg",
        "is the registered algorithm (OIDC Core §3.1.3.7 (7))",
        &["id-token/alg-"],
    ),
    (
        "kid",
        "names one of the issuer's published keys",
        &["id-token/kid-", "jwks/"],
    ),
    (
        "signature",
        "verifies with that key (OIDC Core §3.1.3.7 (6))",
        &["id-token/signature", "id-token/sig-"],
    ),
    (
        "iss",
        "equals the issuer byte for byte (OIDC Core §3.1.3.7 (2))",
        &["id-token/iss-"],
    ),
    (
        "aud",
        "contains this client and nobody untrusted (OIDC Core §3.1.3.7 (3))",
        &["id-token/aud-"],
    ),
    (
        "azp",
        "is this client, when present (OIDC Core §3.1.3.7 (5))",
        &["id-token/azp-"],
    ),
    (
        "exp",
        "lies ahead (OIDC Core §3.1.3.7 (9))",
        &["id-token/exp-", "id-token/expired"],
    ),
    (
        "iat",
        "is a number and not ahead (OIDC Core §3.1.3.7 (10))",
        &["id-token/iat-"],
    ),
    (
        "nbf",
        "is not ahead, when present (RFC 7519 §4.1.5)",
        &["id-token/nbf-"],
    ),
    (
        "nonce",
        "equals the one that was sent (OIDC Core §3.1.3.7 (11))",
        &["id-token/nonce-"],
    ),
    (
        "sub",
        "is there, and a non-empty string (OIDC Core §2)",
        &["id-token/sub-"],
    ),
    (
        "at_hash",
        "fits the access token, when present (OIDC Core §3.1.3.8)",
        &["id-token/at-hash", "access-token/at-hash"],
    ),
    (
        "auth_time",
        "is recent enough, when max_age was asked for (OIDC Core §3.1.3.7 (13))",
        &["id-token/auth-time", "id-token/max-age"],
    ),
    (
        "acr",
        "is strong enough, when it was asked for (OIDC Core §3.1.3.7 (12))",
        &["id-token/acr"],
    ),
];

/// An ID token, decoded.
pub(super) fn id_token(name: &str, token: &str, run: &Run) -> Option<Token> {
    let token = jwt(token)?;
    let mut rows = Vec::new();
    for (part, values) in [("header", &token.header), ("claim", &token.claims)] {
        for (key, value) in values {
            let (wanted, was) = asked(key, run);
            rows.push((format!("{part} {key}"), shown(key, value), wanted, was));
        }
    }
    let (wanted, was) = asked("signature", run);
    let size = format!("{} bytes", token.signature.len() * 3 / 4);
    rows.push(("signature".to_owned(), size, wanted, was));
    for missing in ["iss", "aud", "exp", "iat", "sub", "nonce"] {
        if !token.claims.contains_key(missing) {
            let (wanted, was) = asked(missing, run);
            rows.push((format!("claim {missing}"), "(absent)".to_owned(), wanted, was));
        }
    }
    Some(Token {
        name: name.to_owned(),
        rows,
    })
}

fn shown(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = redact(&format!("{name}={text}"));
    let text = line.strip_prefix(&format!("{name}=")).unwrap_or(&line).to_owned();
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// What must be checked of a part, and whether this run has seen that it was.
fn asked(part: &str, run: &Run) -> (String, String) {
    let Some((_, wanted, cases)) = CHECKED.iter().find(|(name, ..)| *name == part) else {
        return (String::new(), String::new());
    };
    let own: Vec<_> = run
        .cases
        .iter()
        .filter(|case| cases.iter().any(|start| case.id.starts_with(start)))
        .collect();
    let failed: Vec<&str> = own
        .iter()
        .filter(|case| case.verdict == Word::Fail)
        .map(|case| case.id.as_str())
        .collect();
    let judged = own
        .iter()
        .filter(|case| matches!(case.verdict, Word::Pass | Word::Warn))
        .count();
    let was = match (failed.as_slice(), judged) {
        ([], 0) => "not judged in this run".to_owned(),
        ([], count) => format!(
            "yes: {count} {} of it refused",
            if count == 1 { "case" } else { "cases" }
        ),
        (failed, _) => format!("NO: {}", failed.join(", ")),
    };
    ((*wanted).to_owned(), was)
}
