//! `{port}`, `{idp.issuer}`, `{user.email}` and their like in the texts of `conformance.toml`.

use std::collections::BTreeMap;

use mock_idp::flow::scenario::Persona;
use serde_json::Value;

/// Names that `[target.start]` knows.
pub const KNOWN: &[&str] = &[
    "port",
    "folder",
    "scratch",
    "idp.issuer",
    "idp.org",
    "idp.host",
    "idp.port",
    "idp.backend",
    "idp.client.id",
    "idp.client.secret",
    "idp.ca",
    "idp.root_ca",
];

/// Names that stand for something of the person who signs in.
pub const OF_PERSON: &[&str] = &[
    "user.email",
    "user.email_name",
    "user.email_domain",
    "user.login",
    "user.name",
    "user.given_name",
    "user.family_name",
    "user.sub",
];

/// Claims of the person who signs in: `{user.claims.employee_id}`.
pub const CLAIM: &str = "user.claims.";

/// What the names of [`OF_PERSON`] and [`CLAIM`] stand for. A person has two full names, one in the ID token and one in
/// userinfo: `name` says which.
#[must_use]
pub fn of_person(persona: &Persona, name: &str) -> BTreeMap<String, String> {
    let (email_name, email_domain) = persona.email.rsplit_once('@').unwrap_or((&persona.email, ""));
    let values = [
        persona.email.as_str(),
        email_name,
        email_domain,
        &persona.login,
        name,
        &persona.given_name,
        &persona.family_name,
        &persona.sub,
    ];
    let fixed = OF_PERSON.iter().zip(values);
    let claims = persona.claims.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (format!("{CLAIM}{name}"), text)
    });
    fixed
        .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
        .chain(claims)
        .collect()
}

/// The text with every name that has a value replaced by it; all else stays as it is.
#[must_use]
pub fn replace(text: &str, vars: &BTreeMap<String, String>) -> String {
    let put = |part: Part<'_>| match part {
        Part::Text(text) => text.to_owned(),
        Part::Name(name) => vars.get(name).cloned().unwrap_or_else(|| format!("{{{name}}}")),
    };
    parts(text).map(put).collect()
}

/// [`replace`] in every text of a JSON value.
#[must_use]
pub fn replace_in(value: &Value, vars: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(replace(text, vars)),
        Value::Array(list) => list.iter().map(|value| replace_in(value, vars)).collect(),
        Value::Object(object) => {
            let filled = object
                .iter()
                .map(|(name, value)| (name.clone(), replace_in(value, vars)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}

/// A placeholder that nobody fills.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing fills `{{{name}}}`; {}", self.fix())]
pub struct UnknownPlaceholder {
    /// Its name, without braces.
    pub name: String,
}

impl UnknownPlaceholder {
    /// What was meant, or what is known.
    #[must_use]
    pub fn fix(&self) -> String {
        let known = || {
            KNOWN
                .iter()
                .map(|name| format!("{{{name}}}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match nearest(&self.name) {
            Some(name) => format!("did you mean `{{{name}}}`?"),
            None => format!("known are {}", known()),
        }
    }
}

/// The text with every known placeholder replaced by its value.
///
/// Only words of lower-case letters, digits, `.`, `_` and `-` between braces count, and never those after a `$`: JSON,
/// `${HOME}` and shell braces pass through unchanged. So does any other word (`awk '{print}'`), unless it is a known one
/// misspelt: that is an error.
///
/// # Errors
/// [`UnknownPlaceholder`] for a misspelt name, an `{idp.…}` that does not exist, and a known one without a value.
pub fn fill(text: &str, vars: &BTreeMap<String, String>) -> Result<String, UnknownPlaceholder> {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Name(name) => match vars.get(name) {
                Some(value) => filled.push_str(value),
                None if is_meant(name) => return Err(UnknownPlaceholder { name: name.to_owned() }),
                None => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
            },
        }
    }
    Ok(filled)
}

/// The names of a text that its author meant to be filled in: those that are known somewhere, and those that look like it.
pub fn meant(text: &str) -> impl Iterator<Item = &str> {
    let is_ours = |name: &&str| is_known(name) || name.starts_with("user.") || is_meant(name);
    names(text).filter(is_ours)
}

/// Whether this name is filled in somewhere.
#[must_use]
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || OF_PERSON.contains(&name) || name == "unique" || name.starts_with(CLAIM)
}

/// The names between braces, in order.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    parts(text).filter_map(|part| match part {
        Part::Name(name) => Some(name),
        Part::Text(_) => None,
    })
}

/// A piece of a text.
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(open) = rest[from..].find('{').map(|at| at + from) {
            let after = &rest[open + 1..];
            let end = after.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c)));
            match end {
                Some(end) if end > 0 && after[end..].starts_with('}') && !rest[..open].ends_with('$') => {
                    if open > 0 {
                        let text = &rest[..open];
                        rest = &rest[open..];
                        return Some(Part::Text(text));
                    }
                    rest = &after[end + 1..];
                    return Some(Part::Name(&after[..end]));
                }
                _ => from = open + 1,
            }
        }
        Some(Part::Text(std::mem::take(&mut rest)))
    })
}

/// Whether the author of the text meant one of ours.
fn is_meant(name: &str) -> bool {
    KNOWN.contains(&name) || name.starts_with("idp.") || nearest(name).is_some()
}

/// A stricter likeness than for keys: a short word between braces may be anybody's.
fn nearest(name: &str) -> Option<&'static str> {
    crate::suggest::nearest(name, KNOWN.iter().copied())
        .filter(|known| strsim::jaro_winkler(name, known) >= 0.85 && name.len() >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars() -> BTreeMap<String, String> {
        [("port", "4001"), ("idp.client.id", "web")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    }

    #[test]
    fn known_names_are_filled_and_everything_else_passes() {
        let text = r#"http://localhost:{port}/ ${port} {"a":1} {a,b} awk '{print}' {} {idp.client.id}{port"#;
        assert_eq!(
            fill(text, &vars()).unwrap(),
            r#"http://localhost:4001/ ${port} {"a":1} {a,b} awk '{print}' {} web{port"#
        );
    }

    #[test]
    fn a_misspelt_name_is_named_with_its_likely_meaning() {
        let error = fill("{idp.isuer}", &vars()).unwrap_err();
        assert!(error.to_string().contains("did you mean `{idp.issuer}`?"), "{error}");
        let meant = |text| meant(text).collect::<Vec<_>>();
        assert!(meant("{prot} {a} {print}").is_empty(), "a short word may be anybody's");
        assert_eq!(meant("{ports} {port} {user.mail}"), ["ports", "port", "user.mail"]);
    }

    #[test]
    fn a_known_name_without_a_value_is_an_error() {
        assert_eq!(fill("{idp.ca}", &vars()).unwrap_err().name, "idp.ca");
    }
}
