//! Whether a file has the keys that it may have, with values of their kind. Every mistake is found at once, and what is
//! wrong is put right in a copy, so that the rest can be checked as well.

use std::{collections::BTreeSet, ops::Range};

use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    Problem,
    keys::{self, Fills, Key, Kind},
};
use crate::{placeholder, suggest::nearest};

/// What was found.
pub(super) struct Shape {
    /// The file with every mistake put right.
    pub(super) table: Table,
    /// Keys whose value is not the author's, as `target.url`.
    pub(super) repaired: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
}

/// Checks a table of a file against the list of keys.
pub(super) fn check(text: &str, table: &DeTable<'_>) -> Shape {
    let mut checker = Checker {
        text,
        repaired: BTreeSet::new(),
        problems: Vec::new(),
    };
    let table = checker.table("", "", table, None);
    Shape {
        table,
        repaired: checker.repaired,
        problems: checker.problems,
    }
}

struct Checker<'t> {
    text: &'t str,
    repaired: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, span: Option<Range<usize>>, message: String, fix: impl Into<String>) {
        self.problems.push(Problem::at(self.text, span, message, fix));
    }

    /// `list` is the list of keys, `path` where the table stands.
    fn table(&mut self, list: &str, path: &str, found: &DeTable<'_>, span: Option<Range<usize>>) -> Table {
        let mut good = Table::new();
        let mut misspelt: BTreeSet<&str> = BTreeSet::new();
        for (name, value) in found.iter() {
            let Some(key) = keys::find(list, name.get_ref()) else {
                let meant = self.unknown(list, name);
                // Whatever it should have said was not read.
                self.repaired.extend(meant.map(|meant| joined(path, meant)));
                misspelt.extend(meant);
                continue;
            };
            let path = joined(path, key.name);
            match self.value(key, &path, value) {
                Some(value) => {
                    good.insert(key.name.to_owned(), value);
                }
                None => {
                    self.repaired.insert(path);
                }
            }
        }
        for key in keys::of(list).filter(|key| key.required) {
            if good.contains_key(key.name) {
                continue;
            }
            let path = joined(path, key.name);
            // What is only misspelt or of the wrong kind was told already.
            if !misspelt.contains(key.name) && !self.repaired.contains(&path) {
                let (message, fix) = missing(key);
                self.report(span.clone(), message, fix);
            }
            self.repaired.insert(path.clone());
            if let Some(value) = example(key) {
                good.insert(key.name.to_owned(), value);
            }
        }
        good
    }

    /// Tells of an unknown key. Returns the one that was meant.
    fn unknown(&mut self, list: &str, name: &Spanned<std::borrow::Cow<'_, str>>) -> Option<&'static str> {
        let wrong = name.get_ref().as_ref();
        if let Some((_, fix)) = keys::GONE.iter().find(|(gone, _)| *gone == wrong) {
            self.report(Some(name.span()), format!("unknown key `{wrong}`"), *fix);
            return None;
        }
        let here: Vec<&'static str> = keys::of(list).map(|key| key.name).collect();
        let meant = nearest(wrong, here.iter().copied());
        let elsewhere = || {
            let is_there = |table: &str| table != list && keys::find(table, wrong).is_some();
            let tables = keys::TABLES.iter().filter(|(table, ..)| is_there(table));
            let headings: Vec<String> = tables
                .map(
                    |(table, heading, _)| match keys::find(table, wrong).map(|key| key.kind) {
                        Some(Kind::Table(list)) if list.contains('.') => format!("write [{list}]"),
                        _ => format!("it belongs to {heading}"),
                    },
                )
                .collect();
            (!headings.is_empty()).then(|| headings.join(", or "))
        };
        let is_exact_elsewhere = keys::KEYS.iter().any(|key| key.name == wrong);
        let fix = match meant {
            Some(name) if !is_exact_elsewhere => format!("did you mean `{name}`?"),
            _ => elsewhere().unwrap_or_else(|| format!("known here: {}", here.join(", "))),
        };
        self.report(Some(name.span()), format!("unknown key `{wrong}`"), fix);
        meant.filter(|_| !is_exact_elsewhere)
    }

    /// A value of a key; `None` after a mistake was told.
    fn value(&mut self, key: &'static Key, path: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let found = value.get_ref();
        let span = value.span();
        match (key.kind, found) {
            (Kind::Table(list), DeValue::Table(table)) => Some(self.table(list, path, table, Some(span)).into()),
            (Kind::OneOf(list), DeValue::Table(table)) => self.one_of(list, path, table, span).map(Value::Table),
            (Kind::OneOf(list), DeValue::String(text)) => {
                let first = keys::of(list).find(|key| key.name == "get" || key.name == "open")?;
                let fix = format!("{} = {{ {} = \"{text}\" }}", key.name, first.name);
                let ways: Vec<_> = keys::of(list).map(|key| key.name).collect();
                self.report(
                    Some(span),
                    format!("`{}` needs a word that says how: {}", key.name, ways.join(", ")),
                    fix,
                );
                None
            }
            (Kind::ListOfOne(list), DeValue::Array(items)) => {
                let mut good: Vec<Value> = Vec::new();
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            good.extend(self.one_of(list, path, table, item.span()).map(Value::Table));
                        }
                        other => self.wrong_kind(key, other, item.span()),
                    }
                }
                self.told_of_items(path, items.len(), good.len());
                Some(good.into())
            }
            (Kind::List(list), DeValue::Array(items)) => {
                let mut good: Vec<Value> = Vec::new();
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Table(table) => good.push(self.table(list, path, table, Some(item.span())).into()),
                        other => self.wrong_kind(key, other, item.span()),
                    }
                }
                self.told_of_items(path, items.len(), good.len());
                Some(good.into())
            }
            (Kind::AnyMap, DeValue::Table(_)) | (Kind::AnyTables, DeValue::Array(_)) => {
                self.texts_inside(key, value);
                Some(plain(found))
            }
            (Kind::TextMap, DeValue::Table(table)) => {
                let mut good = Table::new();
                for (name, value) in table.iter() {
                    match value.get_ref() {
                        DeValue::String(text) => {
                            if self.placeholders(key.fills, text, value.span()) {
                                good.insert(name.get_ref().to_string(), plain(value.get_ref()));
                            }
                        }
                        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                            let message = format!("`{}` is a text, and texts stand in quotes", name.get_ref());
                            let written = &self.text[value.span()];
                            let fix = format!("{} = \"{written}\"", name.get_ref());
                            self.report(Some(value.span()), message, fix);
                        }
                        other => self.wrong_kind(key, other, value.span()),
                    }
                }
                Some(good.into())
            }
            (Kind::Texts, DeValue::Array(items)) => {
                let mut good: Vec<Value> = Vec::new();
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::String(text) => {
                            if self.placeholders(key.fills, text, item.span()) {
                                good.push(plain(item.get_ref()));
                            }
                        }
                        other => self.wrong_kind(key, other, item.span()),
                    }
                }
                self.told_of_items(path, items.len(), good.len());
                Some(good.into())
            }
            (Kind::Text, DeValue::String(text)) => self.placeholders(key.fills, text, span).then(|| plain(found)),
            (Kind::Choice(words), DeValue::String(text)) => {
                if words.contains(&text.as_ref()) {
                    return Some(plain(found));
                }
                let fix = match nearest(text, words.iter().copied()) {
                    Some(word) => format!("did you mean \"{word}\"?"),
                    None => format!("possible: \"{}\"", words.join("\", \"")),
                };
                self.report(Some(span), format!("`{text}` is not possible here"), fix);
                None
            }
            (Kind::Flag, DeValue::Boolean(_)) => Some(plain(found)),
            (Kind::Port, DeValue::String(text)) if text.as_ref() == "auto" || text.parse::<u16>().is_ok() => {
                Some(plain(found))
            }
            (Kind::Port, DeValue::Integer(_)) => self.in_range(key, found, span, 1, 65_535),
            (Kind::Whole(least, most), DeValue::Integer(_)) => self.in_range(key, found, span, least, most),
            (Kind::Seconds(most), DeValue::Integer(_)) => self.in_range(key, found, span, 1, most),
            (Kind::Seconds(most), DeValue::Float(number)) => {
                let seconds: f64 = number.as_str().replace('_', "").parse().unwrap_or(f64::NAN);
                if seconds > 0.0 && seconds <= most as f64 {
                    return Some(plain(found));
                }
                self.out_of_range(key, number.as_str(), span);
                None
            }
            (Kind::Statuses, DeValue::Integer(_)) => self.in_range(key, found, span, 100, 599),
            (Kind::Statuses, DeValue::Array(items)) => {
                let mut good: Vec<Value> = Vec::new();
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Integer(_) => good.extend(self.in_range(key, item.get_ref(), item.span(), 100, 599)),
                        other => self.wrong_kind(key, other, item.span()),
                    }
                }
                self.told_of_items(path, items.len(), good.len());
                Some(good.into())
            }
            (_, other) => {
                self.wrong_kind(key, other, span);
                None
            }
        }
    }

    /// A list of which an item was told of is not checked any further.
    fn told_of_items(&mut self, path: &str, all: usize, good: usize) {
        if good < all {
            self.repaired.insert(path.to_owned());
        }
    }

    fn one_of(&mut self, list: &str, path: &str, table: &DeTable<'_>, span: Range<usize>) -> Option<Table> {
        let before = self.problems.len();
        let good = self.table(list, path, table, Some(span.clone()));
        let names: Vec<&str> = keys::of(list).map(|key| key.name).collect();
        match good.len() {
            1 => Some(good),
            0 => {
                // A misspelt way was told already.
                if self.problems.len() == before {
                    let message = "it is not said how".to_owned();
                    self.report(Some(span), message, format!("one of {}", names.join(", ")));
                }
                None
            }
            _ => {
                let given: Vec<&str> = good.keys().map(String::as_str).collect();
                let message = format!("only one way is possible, and here are {}", given.join(" and "));
                self.report(Some(span), message, "keep one of them");
                None
            }
        }
    }

    fn in_range(&mut self, key: &Key, found: &DeValue<'_>, span: Range<usize>, least: i64, most: i64) -> Option<Value> {
        match plain(found).as_integer() {
            Some(number) if (least..=most).contains(&number) => Some(number.into()),
            _ => {
                let written = self.text[span.clone()].to_owned();
                self.out_of_range(key, &written, span);
                None
            }
        }
    }

    fn out_of_range(&mut self, key: &Key, written: &str, span: Range<usize>) {
        let message = format!("{written} is not possible here: wanted {}", key.kind.words());
        self.report(
            Some(span),
            message,
            format!("for instance {} = {}", key.name, key.example),
        );
    }

    fn wrong_kind(&mut self, key: &Key, found: &DeValue<'_>, span: Range<usize>) {
        let message = format!("`{}` takes {}, and this is {}", key.name, key.kind.words(), what(found));
        self.report(Some(span), message, written(key));
    }

    /// Refuses a placeholder that is known nowhere, or not filled in here. True when all is well.
    fn placeholders(&mut self, fills: Fills, text: &str, span: Range<usize>) -> bool {
        let here = fills.names();
        let claims = matches!(fills, Fills::Person | Fills::UniquePerson);
        let is_filled = |name: &str| here.contains(&name) || (claims && name.starts_with(placeholder::CLAIM));
        let Some(wrong) = placeholder::meant(text).find(|name| !is_filled(name)) else {
            return true;
        };
        let meant = nearest(wrong, here.iter().copied());
        let fix = match (meant, here.as_slice()) {
            (Some(name), _) => format!("did you mean `{{{name}}}`?"),
            (None, []) => "nothing is filled in here".to_owned(),
            (None, names) => format!("filled in here: {{{}}}", names.join("}, {")),
        };
        let message = match placeholder::is_known(wrong) {
            true => format!("`{{{wrong}}}` is not filled in here"),
            false => format!("nothing fills `{{{wrong}}}`"),
        };
        self.report(Some(span), message, fix);
        false
    }

    fn texts_inside(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::String(text) => {
                self.placeholders(key.fills, text, value.span());
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.texts_inside(key, item)),
            DeValue::Table(table) => table.iter().for_each(|(_, item)| self.texts_inside(key, item)),
            _ => {}
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A line that gives a key.
fn written(key: &Key) -> String {
    match key.kind {
        Kind::Table(_) if key.table.is_empty() => format!("for instance [{}] and below it {}", key.name, key.example),
        Kind::Table(list) if list.contains('.') => format!("for instance [{list}] and below it {}", key.example),
        _ => format!("for instance {} = {}", key.name, key.example),
    }
}

/// What is said of a key that has to be given and is not.
pub(super) fn missing(key: &Key) -> (String, String) {
    let message = match key.kind {
        Kind::Table(list) if list == key.name || list.contains('.') => format!("the table [{list}] is missing"),
        _ => format!("the key `{}` is missing", key.name),
    };
    (message, written(key))
}

/// The example of a key, with those of the keys that it needs.
fn example(key: &Key) -> Option<Value> {
    match key.kind {
        Kind::Table(list) if list != "pattern" => {
            let required = keys::of(list).filter(|key| key.required);
            let table: Table = required
                .filter_map(|key| Some((key.name.to_owned(), example(key)?)))
                .collect();
            Some(table.into())
        }
        _ => {
            let line = format!("value = {}", key.example);
            toml::from_str::<Table>(&line).ok()?.remove("value")
        }
    }
}

/// What a value is, in words.
fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value without its places.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            let parsed = i64::from_str_radix(&digits, number.radix());
            Value::Integer(parsed.unwrap_or(i64::MAX))
        }
        DeValue::Float(number) => Value::Float(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(items) => items
            .iter()
            .map(|item| plain(item.get_ref()))
            .collect::<Vec<_>>()
            .into(),
        DeValue::Table(table) => {
            let entries = table.iter();
            let table: Table = entries
                .map(|(name, value)| (name.get_ref().to_string(), plain(value.get_ref())))
                .collect();
            table.into()
        }
    }
}
