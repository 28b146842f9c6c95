//! `{port}`, `{idp.issuer}` and their like in the texts of `conformance.toml`.

use std::collections::BTreeMap;

/// Names that `[target.start]` and the URLs of `[target]` know.
pub const KNOWN: &[&str] = &[
    "port",
    "folder",
    "idp.issuer",
    "idp.client.id",
    "idp.client.secret",
    "idp.ca",
];

/// A placeholder that nobody fills.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing fills `{{{name}}}`; {}", self.mend())]
pub struct UnknownPlaceholder {
    /// Its name, without braces.
    pub name: String,
}

impl UnknownPlaceholder {
    /// What was meant, or what is known.
    #[must_use]
    pub fn mend(&self) -> String {
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

/// The first placeholder of the text that cannot be filled, if there is one: what a check before the run asks.
#[must_use]
pub fn unknown(text: &str) -> Option<UnknownPlaceholder> {
    names(text)
        .find(|name| is_meant(name) && !KNOWN.contains(name))
        .map(|name| UnknownPlaceholder { name: name.to_owned() })
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
        assert_eq!(unknown("{prot}"), None, "a short word may be anybody's");
        assert_eq!(unknown("{ports}").unwrap().name, "ports");
        assert_eq!(unknown("{port} {idp.ca} {user.email}"), None);
    }

    #[test]
    fn a_known_name_without_a_value_is_an_error() {
        assert_eq!(fill("{idp.ca}", &vars()).unwrap_err().name, "idp.ca");
    }
}
