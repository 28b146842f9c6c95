//! The part of Okta's expression language that claims of sign-in tests use: literals, `user.attribute`, `appuser.attribute`,
//! and `+` between them.

use serde_json::Value;

use crate::tenant::ClaimValue;

/// Longer expressions are refused.
const LONGEST: usize = 1024;

/// Reads an expression; `None` if it is none of those.
pub(crate) fn read(text: &str) -> Option<ClaimValue> {
    if text.len() > LONGEST {
        return None;
    }
    let mut terms = Vec::new();
    let mut rest = text.trim();
    loop {
        let (value, after) = term(rest)?;
        terms.push(value);
        let after = after.trim_start();
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix('+')?.trim_start();
    }
    Some(if terms.len() == 1 {
        terms.remove(0)
    } else {
        ClaimValue::Joined(terms)
    })
}

/// The first term and what follows it.
fn term(text: &str) -> Option<(ClaimValue, &str)> {
    let first = text.chars().next()?;
    if first == '\'' || first == '"' {
        let inner = &text[1..];
        let end = inner.find(first)?;
        return Some((ClaimValue::Static(Value::from(&inner[..end])), &inner[end + 1..]));
    }
    let end = text.find(|c: char| c == '+' || c.is_whitespace()).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let attribute = word.strip_prefix("user.").or_else(|| word.strip_prefix("appuser."));
    if let Some(name) = attribute {
        let name = name.strip_prefix("profile.").unwrap_or(name);
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return is_name.then(|| (ClaimValue::Attribute(name.to_owned()), after));
    }
    let literal: Value = serde_json::from_str(word).ok()?;
    (literal.is_number() || literal.is_boolean()).then_some((ClaimValue::Static(literal), after))
}

/// The expression of a value; a list of groups has none.
pub(crate) fn written(value: &ClaimValue) -> String {
    match value {
        ClaimValue::Static(Value::String(text)) if text.contains('"') => format!("'{text}'"),
        ClaimValue::Static(value) => value.to_string(),
        ClaimValue::Attribute(name) => format!("user.{name}"),
        ClaimValue::Groups(_) => String::new(),
        ClaimValue::Joined(parts) => {
            let parts: Vec<String> = parts.iter().map(written).collect();
            parts.join(" + ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_and_written_again() {
        for text in [
            "\"gold\"",
            "user.email",
            "user.firstName + \" \" + user.lastName",
            "'say \"hi\"'",
            "7",
            "true",
        ] {
            let value = read(text).unwrap_or_else(|| panic!("{text} is an expression"));
            assert_eq!(written(&value), text);
        }
        assert_eq!(
            read("appuser.userName"),
            Some(ClaimValue::Attribute("userName".to_owned()))
        );
    }

    #[test]
    fn what_mock_idp_cannot_evaluate_is_refused() {
        let long = format!("\"{}\"", "x".repeat(2000));
        for text in [
            "",
            "+",
            "user.",
            "user.a-b",
            "\"open",
            "Groups.contains('x')",
            "a + b",
            "user.a user.b",
            "{}",
            &long,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
