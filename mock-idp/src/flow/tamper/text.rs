//! Texts that are nearly right.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn base64_line(der: &[u8]) -> Vec<u8> {
    STANDARD.encode(der).into_bytes()
}

pub(super) fn no_last_lf(pem: &str) -> Vec<u8> {
    pem.trim_end_matches('\n').as_bytes().to_vec()
}

pub(super) fn crlf(pem: &str) -> Vec<u8> {
    pem.replace('\n', "\r\n").into_bytes()
}

/// The base64 lines of a PEM text without its header lines.
pub(super) fn pem_body(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

pub(super) fn pem_body_no_lf(pem: &str) -> Vec<u8> {
    let mut body = pem_body(pem);
    body.pop();
    body
}

pub(super) fn drop_last(text: &str, count: usize) -> String {
    let keep = text.chars().count().saturating_sub(count);
    text.chars().take(keep).collect()
}

pub(super) fn drop_first(text: &str, count: usize) -> String {
    text.chars().skip(count).collect()
}

/// For a custom server the organisation's own issuer, for that one the custom server `default`.
pub(super) fn org_or_custom(issuer: &str) -> String {
    match issuer.split_once("/oauth2/") {
        Some((org, _)) => org.to_owned(),
        None => format!("{issuer}/oauth2/default"),
    }
}

pub(super) fn other_scheme(issuer: &str) -> String {
    match issuer.strip_prefix("https://") {
        Some(rest) => format!("http://{rest}"),
        None => format!("https://{}", issuer.trim_start_matches("http://")),
    }
}

/// Scheme and host in upper case, the path as it is.
pub(super) fn upper_case_origin(issuer: &str) -> String {
    let after_scheme = issuer.find("://").map_or(0, |at| at + 3);
    let path = issuer[after_scheme..]
        .find('/')
        .map_or(issuer.len(), |at| after_scheme + at);
    format!("{}{}", issuer[..path].to_ascii_uppercase(), &issuer[path..])
}

/// A JSON object with two members of one name at its beginning.
pub(super) fn twice(
    members: &Map<String, Value>,
    name: &str,
    right: &Value,
    wrong: &Value,
    wrong_first: bool,
) -> String {
    let mut others = members.clone();
    others.shift_remove(name);
    let rest = json!(others).to_string();
    let rest = rest.trim_start_matches('{');
    let comma = if others.is_empty() { "" } else { "," };
    let (first, second) = if wrong_first { (wrong, right) } else { (right, wrong) };
    format!("{{{key}:{first},{key}:{second}{comma}{rest}", key = json!(name))
}

/// A URL without its scheme: `//host/path`.
pub(super) fn protocol_relative(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 1);
    url[after_scheme..].to_owned()
}

/// JSON in which every character of names and strings is a `\u` escape.
pub(super) fn escaped(value: &Value) -> String {
    match value {
        Value::String(text) => escape(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(escaped).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", escape(name), escaped(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn escape(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_a_key_differ_only_as_named() {
        let pem = "-----BEGIN X-----\nAAAA\nBBBB\n-----END X-----\n";
        assert_eq!(pem_body(pem), b"AAAA\nBBBB\n");
        assert_eq!(pem_body_no_lf(pem), b"AAAA\nBBBB");
        assert_eq!(no_last_lf(pem), pem.trim_end().as_bytes());
        assert_eq!(crlf(pem).len(), pem.len() + 4);
    }

    #[test]
    fn issuers_are_bent_where_they_should() {
        assert_eq!(upper_case_origin("http://a.b:1/oauth2/x"), "HTTP://A.B:1/oauth2/x");
        assert_eq!(upper_case_origin("http://a.b"), "HTTP://A.B");
        assert_eq!(other_scheme("http://a/x"), "https://a/x");
        assert_eq!(other_scheme("https://a/x"), "http://a/x");
        assert_eq!(org_or_custom("https://a/oauth2/default"), "https://a");
        assert_eq!(org_or_custom("https://a"), "https://a/oauth2/default");
        assert_eq!(protocol_relative("https://a/x"), "//a/x");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = json!({"a": ["x\"y", 1, null, true, {"é🦀": "\n"}]});
        let text = escaped(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.is_ascii() && !text.contains('x'));
    }

    #[test]
    fn a_member_comes_twice() {
        let members = json!({"a": 1, "b": 2}).as_object().cloned().unwrap();
        let text = twice(&members, "a", &json!(1), &json!(9), true);
        assert_eq!(text, r#"{"a":9,"a":1,"b":2}"#);
        let only = json!({"a": 1}).as_object().cloned().unwrap();
        assert_eq!(twice(&only, "a", &json!(1), &json!(9), false), r#"{"a":1,"a":9}"#);
    }
}
