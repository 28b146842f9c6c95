//! Compares a parsed file with the list of keys: unknown ones, wrong kinds of values, what is missing. Whatever is wrong is
//! noted and taken out, so that the rest can be read, and its mistakes found too.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    keys::{self, Kind, Section},
    mistake::{Notes, suggestion},
};

/// The table without what is wrong in it; `None` if the rest means nothing.
pub(super) fn table<'i>(
    notes: &mut Notes<'_>,
    section: &Section,
    span: Range<usize>,
    table: DeTable<'i>,
) -> Option<DeTable<'i>> {
    let mut good = DeTable::new();
    let mut present: Vec<&str> = Vec::new();
    for (name, entry) in table {
        let Some(key) = section.keys.iter().find(|key| key.name == name.get_ref().as_ref()) else {
            let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
            notes.add(
                name.span(),
                format!("unknown key `{}`", name.get_ref()),
                &suggestion(name.get_ref(), &known),
            );
            continue;
        };
        present.push(key.name);
        if let Some(entry) = value(notes, key.name, key.kind, entry) {
            good.insert(name, entry);
        }
    }
    let is_whole = section.keys.iter().filter(|key| key.kind == Kind::Required).all(|key| {
        let is_present = present.contains(&key.name);
        if !is_present {
            notes.add(
                span.clone(),
                format!("`{}` is missing", key.name),
                &format!("for instance {} = {}", key.name, key.example),
            );
        }
        is_present && good.iter().any(|(name, _)| name.get_ref() == key.name)
    });
    is_whole.then_some(good)
}

fn value<'i>(
    notes: &mut Notes<'_>,
    name: &str,
    kind: Kind,
    given: Spanned<DeValue<'i>>,
) -> Option<Spanned<DeValue<'i>>> {
    let span = given.span();
    let inner = given.into_inner();
    let wrong = |notes: &mut Notes<'_>, given: &DeValue<'_>| {
        notes.add(
            span.clone(),
            format!("`{name}` is {}", article(given.type_str())),
            &format!("expected {}", kind.expected()),
        );
        None
    };
    let good = match (kind, inner) {
        (Kind::Text | Kind::Required, value @ DeValue::String(_))
        | (Kind::Flag, value @ DeValue::Boolean(_))
        | (Kind::Whole, value @ DeValue::Integer(_))
        | (Kind::AnyTable, value @ DeValue::Table(_))
        | (Kind::Any, value) => Some(value),
        (Kind::OneOf(values), DeValue::String(text)) => {
            if values.contains(&text.as_ref()) {
                Some(DeValue::String(text))
            } else {
                notes.add(
                    span.clone(),
                    format!("`{text}` is not one of the values of `{name}`"),
                    &suggestion(&text, values),
                );
                None
            }
        }
        (Kind::Texts, DeValue::Array(items)) => Some(list(notes, name, Kind::Text, items)),
        (Kind::AnyTables, DeValue::Array(items)) => Some(list(notes, name, Kind::AnyTable, items)),
        (Kind::Tables(path), DeValue::Array(items)) => Some(list(notes, name, Kind::Table(path), items)),
        (Kind::Table(path), DeValue::Table(inner)) => {
            let section = keys::section(path)?;
            table(notes, section, span.clone(), inner).map(DeValue::Table)
        }
        (Kind::Tables(path), DeValue::Table(_)) => {
            notes.add(
                span.clone(),
                format!("`{name}` is one table"),
                &format!("there can be several: write [[{path}]] above it"),
            );
            None
        }
        (_, other) => wrong(notes, &other),
    };
    good.map(|good| Spanned::new(span, good))
}

/// The list without the entries that are wrong.
fn list<'i>(notes: &mut Notes<'_>, name: &str, kind: Kind, items: DeArray<'i>) -> DeValue<'i> {
    let mut good = DeArray::new();
    for item in items {
        if let Some(item) = value(notes, name, kind, item) {
            good.push(item);
        }
    }
    DeValue::Array(good)
}

fn article(kind: &str) -> String {
    match kind.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}
