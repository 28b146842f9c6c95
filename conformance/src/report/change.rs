//! What was changed in a message: the valid one beside the one that was sent, part by part.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mock_idp::flow::record::{Event, Request};
use serde_json::{Map, Value};

use super::{document::Change, redact::redact};
use crate::evidence::{Evidence, Hop};

/// Characters of a value that are shown; all of it is in the evidence.
const SHOWN: usize = 120;
/// Parts that are shown; a message with more is another message as a whole.
const PARTS: usize = 6;

/// What a fault changed in the message that it was seen in, by the fault's id.
#[must_use]
pub fn of_fault(id: &str, evidence: &Evidence) -> Vec<Change> {
    let sent = evidence.records.iter().find_map(|record| match &record.event {
        Event::Sent { fault, twin, bytes, .. } if fault.id() == id => Some((twin, bytes)),
        _ => None,
    });
    sent.map(|(twin, bytes)| between(twin, bytes)).unwrap_or_default()
}

/// What the edits of a step changed in its request.
#[must_use]
pub fn of_hop(hop: &Hop) -> Vec<Change> {
    hop.unedited
        .as_ref()
        .map(|plain| between_requests(plain, &hop.request))
        .unwrap_or_default()
}

/// The parts in which two texts differ. JWTs are compared by header and claims, JSON by members, anything else by lines.
#[must_use]
pub fn between(before: &str, after: &str) -> Vec<Change> {
    if let (Some(one), Some(other)) = (jwt(before), jwt(after)) {
        let mut found = members("header", &one.header, &other.header);
        found.extend(members("claim", &one.claims, &other.claims));
        if found.is_empty() && one.signature != other.signature {
            let signature = |own: &str| match own {
                "" => "empty".to_owned(),
                own => format!("{} bytes", own.len() * 3 / 4),
            };
            let (before, after) = (signature(one.signature), signature(other.signature));
            let after = if before == after {
                "of other bytes, or by another key".to_owned()
            } else {
                after
            };
            found.push(change("signature", Some(before), Some(after)));
        }
        return few(found);
    }
    if let (Ok(Value::Object(one)), Ok(Value::Object(other))) =
        (serde_json::from_str(before), serde_json::from_str(after))
    {
        return few(members("member", &one, &other));
    }
    let (one, other) = (lines(before), lines(after));
    let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
    let differ = keys.filter(|key| one.get(*key) != other.get(*key));
    let mut found = Vec::new();
    for key in differ {
        let (before, after) = (one.get(key), other.get(key));
        match (before.map(|text| object(text)), after.map(|text| object(text))) {
            (Some(Some(one)), Some(Some(other))) => found.extend(members("member", &one, &other)),
            _ => found.push(change(key, before.cloned(), after.cloned())),
        }
    }
    few(found)
}

/// The parts in which two requests differ: method, path, parameters of query and form, headers, cookies.
#[must_use]
pub fn between_requests(before: &Request, after: &Request) -> Vec<Change> {
    let mut found = Vec::new();
    if before.method != after.method {
        found.push(change(
            "method",
            Some(before.method.clone()),
            Some(after.method.clone()),
        ));
    }
    let split = |target: &str| match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target.to_owned(), String::new()),
    };
    let ((path, query), (other_path, other_query)) = (split(&before.target), split(&after.target));
    if path != other_path {
        found.push(change("path", Some(path), Some(other_path)));
    }
    found.extend(pairs("parameter", &form(&query), &form(&other_query)));
    if is_form(before) && is_form(after) {
        found.extend(pairs("form field", &form(&before.body), &form(&after.body)));
    } else if before.body != after.body {
        let whole = |request: &Request| (!request.body.is_empty()).then(|| request.body.clone());
        found.push(change("body", whole(before), whole(after)));
    }
    let headers = |request: &Request| {
        let own = request.headers.iter().filter(|(name, _)| name != "content-length");
        own.cloned().collect::<Vec<_>>()
    };
    found.extend(pairs("header", &headers(before), &headers(after)));
    few(found)
}

impl Change {
    /// `claim aud: "web" → "another-client"`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let value = |value: &Option<String>| value.as_deref().map_or("(absent)".to_owned(), shown);
        format!("{}: {} → {}", self.what, value(&self.before), value(&self.after))
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() {
        "(empty)".to_owned()
    } else {
        value.to_owned()
    }
}

/// A JWT as far as it can be read.
pub(super) struct Jwt<'t> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) signature: &'t str,
}

/// Reads a JWT; no signature is looked at.
pub(super) fn jwt(text: &str) -> Option<Jwt<'_>> {
    let mut parts = text.trim().splitn(3, '.');
    let mut part = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
    };
    let (header, claims) = (part()?, part()?);
    Some(Jwt {
        header,
        claims,
        signature: parts.next().unwrap_or_default(),
    })
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn members(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Change> {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let mut found = Vec::new();
    for name in names {
        let (one, other) = (before.get(name), after.get(name));
        if one == other {
            continue;
        }
        // A token inside an answer is told by its claims.
        if let (Some(Value::String(one)), Some(Value::String(other))) = (one, other)
            && jwt(one).is_some()
            && jwt(other).is_some()
        {
            found.extend(between(one, other));
            continue;
        }
        let text = |value: Option<&Value>| {
            // A secret member is hidden under its own name.
            value.map(|value| hidden(name, &value.to_string()))
        };
        found.push(change(&format!("{kind} {name}"), text(one), text(other)));
    }
    found
}

/// `name: value` lines of an answer, its status line and its body, by name.
fn lines(text: &str) -> BTreeMap<String, String> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut found = BTreeMap::new();
    for (number, line) in head.lines().enumerate() {
        let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '"');
        match line.split_once(": ") {
            Some((name, value)) if is_name(name) => _ = found.insert(format!("header {name}"), value.to_owned()),
            _ if number == 0 => _ = found.insert("answer".to_owned(), line.to_owned()),
            _ => _ = found.insert(format!("line {}", number + 1), line.to_owned()),
        }
    }
    if !body.is_empty() {
        found.insert("body".to_owned(), body.to_owned());
    }
    found
}

/// A request without a body has a form without fields.
fn is_form(request: &Request) -> bool {
    let kind = request.headers.iter().find(|(name, _)| name == "content-type");
    request.body.is_empty() || kind.is_some_and(|(_, kind)| kind.starts_with("application/x-www-form-urlencoded"))
}

fn form(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn pairs(kind: &str, before: &[(String, String)], after: &[(String, String)]) -> Vec<Change> {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in before.iter().chain(after) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let values = |all: &[(String, String)], name: &String| {
        let own: Vec<String> = all
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| hidden(name, value))
            .collect();
        (!own.is_empty()).then(|| own.join(" and "))
    };
    names
        .into_iter()
        .map(|name| (name, values(before, name), values(after, name)))
        .filter(|(_, one, other)| one != other)
        .map(|(name, one, other)| change(&format!("{kind} {name}"), one, other))
        .collect()
}

/// A value as it may be shown: a secret by its fingerprint.
fn hidden(name: &str, value: &str) -> String {
    let (head, is_header) = match name {
        "cookie" | "set-cookie" | "authorization" => (format!("{name}: "), true),
        name => (format!("{name}="), false),
    };
    let text = redact(&format!("{head}{value}"));
    match text.strip_prefix(&head) {
        Some(rest) if is_header || !value.contains(['&', ' ', '"', '\'', '<', '#', ')', ',']) => rest.to_owned(),
        // A value with such characters ends early for `redact`: it is hidden as a whole.
        _ if super::redact::is_secret(name) => super::redact::hidden(name, value),
        _ => redact(value),
    }
}

fn change(what: &str, before: Option<String>, after: Option<String>) -> Change {
    let cut = |text: String| {
        let text = redact(&text);
        match text.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
            None => text,
        }
    };
    Change {
        what: what.to_owned(),
        before: before.map(cut),
        after: after.map(cut),
    }
}

fn few(mut found: Vec<Change>) -> Vec<Change> {
    found.retain(|change| change.before != change.after);
    if found.len() > PARTS {
        found.truncate(PARTS);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str, signature: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", part(r#"{"alg":"RS256"}"#), part(claims))
    }

    fn sentences(before: &str, after: &str) -> Vec<String> {
        between(before, after).iter().map(Change::sentence).collect()
    }

    #[test]
    fn a_token_is_compared_by_its_claims() {
        let honest = token(r#"{"aud":"web","sub":"a"}"#, "c2ln");
        assert_eq!(
            sentences(&honest, &token(r#"{"aud":"another","sub":"a"}"#, "b3Ro")),
            [r#"claim aud: "web" → "another""#]
        );
        assert_eq!(
            sentences(&honest, &token(r#"{"aud":"web"}"#, "b3Ro")),
            [r#"claim sub: "a" → (absent)"#]
        );
        assert_eq!(
            sentences(&honest, &token(r#"{"aud":"web","sub":"a"}"#, "")),
            ["signature: 3 bytes → empty"]
        );
    }

    #[test]
    fn an_answer_is_compared_by_status_headers_and_members() {
        let before = "200\ncontent-type: application/json\n\n{\"sub\":\"a\",\"email\":\"b\"}";
        let after = "200\ncontent-type: text/html\n\n{\"sub\":\"x\",\"email\":\"b\"}";
        assert_eq!(
            sentences(before, after),
            [
                r#"member sub: "a" → "x""#,
                "header content-type: application/json → text/html"
            ]
        );
    }

    #[test]
    fn a_post_is_compared_by_the_fields_of_its_form_and_another_body_as_a_whole() {
        let post = |kind: &str, body: &str| Request {
            method: "POST".to_owned(),
            target: "/callback".to_owned(),
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.to_owned(),
        };
        const FORM: &str = "application/x-www-form-urlencoded";
        let told = |after: &Request| -> Vec<String> {
            let before = post(FORM, "code=abcdef&state=one&iss=a");
            between_requests(&before, after).iter().map(Change::sentence).collect()
        };
        let [state] = told(&post(FORM, "code=abcdef&state=two&iss=a")).try_into().unwrap();
        assert!(
            state.starts_with("form field state: <state:") && state.contains("> → <state:"),
            "{state}"
        );
        assert_eq!(
            told(&post(FORM, "code=abcdef&state=one")),
            ["form field iss: a → (absent)"]
        );
        let json = told(&post("application/json", "{\"code\":\"abcdef\"}"));
        assert!(
            json.iter()
                .any(|own| own.starts_with("body: code=<code:") && own.contains("{\"code\":\"<code:")),
            "{json:?}"
        );
    }

    #[test]
    fn a_request_is_compared_by_its_parameters_and_shows_no_secret() {
        let request = |target: &str| Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: vec![("cookie".to_owned(), "sid=topsecret".to_owned())],
            body: String::new(),
        };
        let found = between_requests(
            &request("/callback?code=abc&state=right-one"),
            &request("/callback?code=abc&state=wr%26ong"),
        );
        assert_eq!(found.len(), 1);
        let sentence = found[0].sentence();
        assert!(
            sentence.starts_with("parameter state: <state:"),
            "equality stays visible: {sentence}"
        );
        assert!(
            !sentence.contains("right-one") && !sentence.contains("ong"),
            "{sentence}"
        );
        let none = Request {
            headers: Vec::new(),
            ..request("/callback")
        };
        let text = format!("{:?}", between_requests(&request("/callback"), &none));
        assert!(!text.contains("topsecret") && text.contains("<sid:"), "{text}");
    }
}
