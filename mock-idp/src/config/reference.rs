//! The reference of `mock-idp.toml` and its JSON schema, both from the list of keys.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, SECTIONS, Section, section};

/// Every key of `mock-idp.toml` with type, default and example, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# mock-idp.toml\n\nWritten by `mock-idp reference`; a test compares. Every key may be left away unless it is \
         required. Unknown keys are mistakes, and `mock-idp check` tells all mistakes of a file at once.\n",
    );
    for Section {
        path,
        header,
        about,
        keys,
    } in SECTIONS
    {
        let title = match (header.is_empty(), path.is_empty()) {
            (_, true) => "The top of the file".to_owned(),
            (true, false) => format!("`{path}`"),
            (false, false) => format!("`{header}`"),
        };
        let _ = write!(
            text,
            "\n## {title}\n\n{about}\n\n| key | type | default | example | |\n|---|---|---|---|---|\n"
        );
        for key in *keys {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | `{}` | {} |",
                key.name,
                key.kind.name(),
                default(key),
                key.example,
                key.about
            );
        }
    }
    text
}

/// A default is a value, or words where no value says it.
fn default(key: &Key) -> String {
    let is_value = key.default.starts_with(['"', '[', '{']) && !key.default.contains("\" or ");
    let is_plain = matches!(key.default, "true" | "false") || key.default.parse::<i64>().is_ok();
    if is_value || is_plain {
        format!("`{}`", key.default)
    } else {
        key.default.to_owned()
    }
}

/// A JSON schema (draft 2020-12) of `mock-idp.toml`, for editors: `#:schema ./.mock-idp/schema.json`.
#[must_use]
pub fn schema() -> Value {
    let definitions: Map<String, Value> = SECTIONS
        .iter()
        .filter(|section| !section.path.is_empty())
        .map(|section| (section.path.to_owned(), object(section)))
        .collect();
    let mut schema = section("").map(object).unwrap_or_default();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("mock-idp.toml");
    schema["$defs"] = Value::Object(definitions);
    schema
}

fn object(section: &Section) -> Value {
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|key| {
            let mut property = kind(key.kind);
            property["description"] = json!(key.about);
            (key.name.to_owned(), property)
        })
        .collect();
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| key.kind == Kind::Required)
        .map(|key| key.name)
        .collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Required => json!({"type": "string"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Whole => json!({"type": "integer"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::OneOf(values) => json!({"enum": values}),
        Kind::Table(path) => json!({"$ref": format!("#/$defs/{path}")}),
        Kind::Tables(path) => json!({"type": "array", "items": {"$ref": format!("#/$defs/{path}")}}),
        Kind::AnyTable => json!({"type": "object"}),
        Kind::AnyTables => json!({"type": "array", "items": {"type": "object"}}),
        Kind::Any => json!({}),
    }
}
