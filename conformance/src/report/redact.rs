//! Secrets in what is shown: replaced by a fingerprint, so that equality stays visible.
//!
//! Stored evidence is not changed. Tokens of the built-in authorization server are worthless elsewhere, but a report may
//! be pasted anywhere, and nobody can see which ones those are.

use aws_lc_rs::digest::{SHA256, digest};

/// Parameters, cookies and headers whose value opens something.
const SECRET: &[&str] = &[
    "code",
    "state",
    "nonce",
    "code_verifier",
    "client_secret",
    "client_assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "id_token_hint",
    "logout_token",
    "password",
    "credentials.passcode",
];

/// The text with secrets replaced: values of secret parameters, JWTs, `Authorization`, `Cookie` and `Set-Cookie` values.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            shown.push('\n');
        }
        shown.push_str(&jwts(&parameters(&headers(line))));
    }
    shown
}

/// The first eight hexadecimal digits of the SHA-256 of a value.
#[must_use]
pub fn fingerprint(value: &str) -> String {
    digest(&SHA256, value.as_bytes())
        .as_ref()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether a parameter, member or field of this name opens something.
pub(super) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<{name}:{}>", fingerprint(value))
}

/// `authorization: Bearer …`, `cookie: a=b; c=d`, `set-cookie: a=b; Path=/`, at the start of a line or after a comma.
fn headers(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("authorization: ") {
        let value = &line[line.len() - rest.len()..];
        return format!("{}{}", &line[..line.len() - rest.len()], hidden("authorization", value));
    }
    let Some(at) = lower
        .find("set-cookie: ")
        .map(|at| at + 12)
        .or_else(|| lower.find("cookie: ").map(|at| at + 8))
    else {
        return line.to_owned();
    };
    let (head, pairs) = line.split_at(at);
    let attribute =
        |name: &str| ["path", "domain", "expires", "max-age", "samesite"].contains(&name.to_ascii_lowercase().as_str());
    let pairs = pairs.split("; ").map(|pair| match pair.split_once('=') {
        Some((name, value)) if !attribute(name) && !value.is_empty() && !value.starts_with('<') => {
            format!("{name}={}", hidden(name, value))
        }
        _ => pair.to_owned(),
    });
    format!("{head}{}", pairs.collect::<Vec<_>>().join("; "))
}

/// `code=…` and its like, in queries, forms and JSON (`"access_token":"…"`).
fn parameters(text: &str) -> String {
    let mut shown = text.to_owned();
    for name in SECRET {
        for (open, close) in [
            (format!("{name}="), &['&', ' ', '"', '\'', '<', '#', ')', ','][..]),
            (format!("\"{name}\":\""), &['"'][..]),
        ] {
            let mut from = 0;
            while let Some(at) = shown[from..].find(&open).map(|at| at + from) {
                let start = at + open.len();
                let before = shown[..at].chars().next_back();
                let end = shown[start..].find(close).map_or(shown.len(), |end| start + end);
                let is_whole_name = before.is_none_or(|c| !c.is_alphanumeric() && !"_-.".contains(c));
                if !is_whole_name || end == start || shown[start..].starts_with('<') {
                    from = start;
                    continue;
                }
                let replacement = hidden(name, &shown[start..end]);
                shown.replace_range(start..end, &replacement);
                from = start + replacement.len();
            }
        }
    }
    shown
}

/// `eyJ….….…` anywhere.
fn jwts(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let token = &rest[at..];
        let end = token
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(token.len());
        shown.push_str(&rest[..at]);
        if token[..end].matches('.').count() >= 2 {
            shown.push_str(&hidden("jwt", &token[..end]));
        } else {
            shown.push_str(&token[..end]);
        }
        rest = &token[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_stay_equal_and_none_stays_readable() {
        let shown = redact(
            "GET /callback?code=abc&state=xyz&x=1\nset-cookie: sid=s3cret; Path=/; HttpOnly\nAuthorization: Basic d2Vi",
        );
        assert!(
            !shown.contains("abc") && !shown.contains("xyz") && !shown.contains("s3cret") && !shown.contains("d2Vi")
        );
        assert!(
            shown.contains(&format!("code=<code:{}>", fingerprint("abc"))),
            "{shown}"
        );
        assert!(
            shown.contains("&x=1") && shown.contains("; Path=/; HttpOnly"),
            "{shown}"
        );
        let json = redact(r#"{"access_token":"t0k","id_token":"eyJhbGciOiJub25lIn0.e30.","expires_in":3600}"#);
        assert!(
            !json.contains("t0k") && !json.contains("eyJ") && json.contains("3600"),
            "{json}"
        );
    }

    #[test]
    fn longer_names_are_no_secrets_and_twice_is_as_good_as_once() {
        assert_eq!(redact("error_code=7&session_state=a"), "error_code=7&session_state=a");
        let once = redact("state=abc");
        assert_eq!(redact(&once), once);
    }
}
