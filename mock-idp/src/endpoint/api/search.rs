//! Filter expressions as Okta's lists take them (a part of RFC 7644 §3.4.2.2), asked of rendered objects.

use serde_json::Value;

use crate::{endpoint::answer::Refusal, okta::error::API_SEARCH};

/// Parentheses deeper than this are refused.
const DEEPEST: usize = 32;
/// Longer expressions are refused.
const LONGEST: usize = 4096;

/// What must hold of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// The attribute at this path has a value.
    Present(String),
    Compare(String, Operator, Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    StartsWith,
    EndsWith,
    Contains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("sw", Operator::StartsWith),
    ("ew", Operator::EndsWith),
    ("co", Operator::Contains),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Filter, Refusal> {
    let wrong = || Refusal::from(API_SEARCH);
    if text.len() > LONGEST {
        return Err(wrong());
    }
    let tokens = tokens(text).ok_or_else(wrong)?;
    let mut reader = Reader { tokens, at: 0 };
    let filter = reader.any(0).ok_or_else(wrong)?;
    if reader.at == reader.tokens.len() {
        Ok(filter)
    } else {
        Err(wrong())
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' => {
                // A JSON string, escapes included.
                let mut read = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let text = read.next()?.ok()?;
                (Token::Text(text), read.byte_offset())
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()\"".contains(c));
                let word = &rest[..end.unwrap_or(rest.len())];
                (Token::Word(word.to_owned()), word.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn any(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Some(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Filter::Any(parts)
        })
    }

    fn all(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Some(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Filter::All(parts)
        })
    }

    fn one(&mut self, depth: usize) -> Option<Filter> {
        if depth > DEEPEST {
            return None;
        }
        if self.takes("not") {
            return Some(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.any(depth + 1)?;
                (self.next()? == Token::Close).then_some(inner)
            }
            Token::Word(path) => {
                let Token::Word(operator) = self.next()? else {
                    return None;
                };
                if operator.eq_ignore_ascii_case("pr") {
                    return Some(Filter::Present(path));
                }
                let known = OPERATORS.iter().find(|(name, _)| operator.eq_ignore_ascii_case(name));
                let (_, operator) = known?;
                let value = match self.next()? {
                    Token::Text(text) => Value::String(text),
                    Token::Word(word) => serde_json::from_str(&word).ok()?,
                    _ => return None,
                };
                Some(Filter::Compare(path, *operator, value))
            }
            _ => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned()?;
        self.at += 1;
        Some(token)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        if is {
            self.at += 1;
        }
        is
    }
}

impl Filter {
    /// Whether it holds of this object.
    pub(crate) fn holds(&self, object: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(object)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(object)),
            Self::Not(part) => !part.holds(object),
            Self::Present(path) => at(object, path).is_some_and(|value| !value.is_null()),
            Self::Compare(path, operator, wanted) => match at(object, path) {
                // Of a list one entry is enough.
                Some(Value::Array(list)) => list.iter().any(|value| compare(value, *operator, wanted)),
                Some(value) => compare(value, *operator, wanted),
                None => *operator == Operator::NotEqual,
            },
        }
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, name| value.get(name))
}

/// Texts without regard to case; moments compare as texts.
fn compare(value: &Value, operator: Operator, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            let (value, wanted) = (value.to_lowercase(), wanted.to_lowercase());
            match operator {
                Operator::StartsWith => return value.starts_with(&wanted),
                Operator::EndsWith => return value.ends_with(&wanted),
                Operator::Contains => return value.contains(&wanted),
                _ => Some(value.cmp(&wanted)),
            }
        }
        (Value::Number(value), Value::Number(wanted)) => {
            value.as_f64().zip(wanted.as_f64()).and_then(|(a, b)| a.partial_cmp(&b))
        }
        _ if value == wanted => Some(Equal),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Equal),
        Operator::NotEqual => order != Some(Equal),
        Operator::Greater => order == Some(Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        Operator::Less => order == Some(Less),
        Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
        Operator::StartsWith | Operator::EndsWith | Operator::Contains => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> bool {
        let user = json!({
            "status": "ACTIVE", "lastUpdated": "2025-10-09T08:53:20.000Z",
            "profile": {"login": "Ann@acme.test", "level": 7, "boss": null, "teams": ["red", "blue"]},
        });
        let filter = parse(text).unwrap_or_else(|_| panic!("{text} is an expression"));
        filter.holds(&user)
    }

    #[test]
    fn expressions_hold_or_do_not() {
        for text in [
            r#"status eq "ACTIVE""#,
            r#"profile.login eq "ann@acme.test" and status eq "ACTIVE""#,
            r#"profile.login sw "ann" or status eq "STAGED""#,
            r#"(status eq "STAGED" or profile.login co "acme") and profile.level gt 6"#,
            r#"lastUpdated gt "2025-10-09T00:00:00.000Z""#,
            r#"profile.teams eq "blue""#,
            r#"not (status eq "STAGED")"#,
            "profile.login pr",
            r#"profile.level le 7"#,
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            r#"status eq "STAGED""#,
            r#"profile.login ew "nobody""#,
            "profile.boss pr",
            r#"nothing.there eq "x""#,
            r#"status eq "ACTIVE" and profile.level lt 7"#,
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = "(".repeat(1000);
        let negated = "not ".repeat(1000);
        let long = format!("status eq \"{}\"", "x".repeat(5000));
        for text in [
            "",
            "status",
            "status eq",
            "eq",
            "status is \"x\"",
            "status eq \"x",
            "status eq x",
            "()",
            "a pr b",
            &deep,
            &negated,
            &long,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
