//! The reference of `conformance.toml`, and its JSON schema, from the list of keys.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{
    keys::{self, Fills, Key, Kind, TABLES},
    shape,
};

/// Where `init` writes the schema, beside the file: its first line names it.
pub const SCHEMA_PATH: &str = ".conformance/schema.json";

/// The whole reference as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# conformance.toml\n\n\
         Every key, what it takes, and what happens without it. This page is what `conformance explain config --md` prints; \
         `conformance schema` prints the same as a JSON schema for editors, `conformance init` writes a file to begin with.\n",
    );
    for (table, heading, about) in TABLES {
        let _ = write!(page, "\n## {}\n\n{about}\n", heading_of(heading));
        for key in keys::of(table) {
            let _ = write!(page, "\n### `{}`\n\n{}\n\n", key.name, key.about);
            for (label, value) in facts(key) {
                let _ = writeln!(page, "- {label}: {value}");
            }
        }
    }
    page
}

fn heading_of(heading: &str) -> String {
    match heading.starts_with('[') {
        true => format!("`{heading}`"),
        false => heading.to_owned(),
    }
}

/// The reference for a terminal: all of it, or the part about one key or table.
#[must_use]
pub fn text(about: Option<&str>) -> Option<String> {
    let mut page = String::new();
    for (table, heading, intro) in TABLES {
        let wanted: Vec<&Key> = keys::of(table).filter(|key| is_about(key, heading, about)).collect();
        if wanted.is_empty() {
            continue;
        }
        let _ = writeln!(page, "{heading}\n  {intro}\n");
        for key in wanted {
            let _ = writeln!(page, "  {}\n      {}", key.name, key.about);
            for (label, value) in facts(key) {
                let _ = writeln!(page, "      {label}: {}", value.replace('`', ""));
            }
            page.push('\n');
        }
    }
    (!page.is_empty()).then_some(page)
}

fn is_about(key: &Key, heading: &str, about: Option<&str>) -> bool {
    let Some(about) = about else { return true };
    let bare = heading.trim_matches(['[', ']']);
    about == key.name || about == bare || about == format!("{bare}.{}", key.name)
}

/// Names that [`text`] can be asked for.
#[must_use]
pub fn topics() -> Vec<&'static str> {
    let headings = TABLES.iter().map(|(_, heading, _)| heading.trim_matches(['[', ']']));
    headings.chain(keys::KEYS.iter().map(|key| key.name)).collect()
}

/// Type, default, example, placeholders, and what one sees without it.
fn facts(key: &Key) -> Vec<(&'static str, String)> {
    let mut facts = vec![("takes", kind(key))];
    if key.required {
        facts.push(("required", "yes".to_owned()));
    }
    if !key.default.is_empty() {
        facts.push(("default", format!("`{}`", key.default)));
    }
    let example = match key.kind {
        Kind::Table(list) if list != "pattern" => format!("`[{list}]`, and below it `{}`", key.example),
        _ => format!("`{} = {}`", key.name, key.example),
    };
    facts.push(("example", example));
    let names = key.fills.names();
    if !names.is_empty() {
        let mut names: Vec<String> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
        if matches!(key.fills, Fills::Person | Fills::UniquePerson) {
            names.push("`{user.claims.NAME}`".to_owned());
        }
        facts.push(("filled in", names.join(", ")));
    }
    if key.required {
        let (message, fix) = shape::missing(key);
        facts.push(("without it", format!("\"{message}\"; {fix}")));
    } else if !key.without.is_empty() {
        facts.push(("without it", key.without.to_owned()));
    }
    facts
}

fn kind(key: &Key) -> String {
    match key.kind {
        Kind::Table(list) => {
            let heading = TABLES.iter().find(|(table, ..)| *table == list);
            format!("a table: see {}", heading.map_or("below", |(_, heading, _)| *heading))
        }
        other => other.words(),
    }
}

/// The JSON schema (draft 2020-12) of a file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table_schema("");
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "conformance.toml",
        "description": "The app whose sign-in is judged, and how.",
    });
    if let (Value::Object(schema), Value::Object(head)) = (&mut schema, head) {
        for (name, value) in head {
            schema.insert(name, value);
        }
    }
    schema
}

fn table_schema(list: &str) -> Value {
    let properties: Map<String, Value> = keys::of(list)
        .map(|key| (key.name.to_owned(), key_schema(key)))
        .collect();
    let required: Vec<&str> = keys::of(list).filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn one_of_schema(list: &str) -> Value {
    let mut schema = table_schema(list);
    schema["minProperties"] = json!(1);
    schema["maxProperties"] = json!(1);
    schema
}

fn key_schema(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Seconds(most) => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": most }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Statuses => {
            let code = json!({ "type": "integer", "minimum": 100, "maximum": 599 });
            json!({ "anyOf": [code, { "type": "array", "items": code }] })
        }
        Kind::Port => json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": "^(auto|[0-9]{1,5})$" },
        ] }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::AnyMap => json!({ "type": "object" }),
        Kind::AnyTables => json!({ "type": "array", "items": { "type": "object" } }),
        Kind::Table(list) => table_schema(list),
        Kind::OneOf(list) => one_of_schema(list),
        Kind::ListOfOne(list) => json!({ "type": "array", "items": one_of_schema(list) }),
        Kind::List(list) => json!({ "type": "array", "items": table_schema(list) }),
    };
    schema["description"] = json!(key.about);
    schema
}
