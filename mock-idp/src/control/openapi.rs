//! The OpenAPI 3.1 document, from the table of calls and the types of their bodies.

use axum::{Json, extract::State};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Control, call::Call};

pub(crate) async fn document(State(control): State<Control>) -> Json<Value> {
    Json(made(&control.idp.org))
}

/// The document of a server at this address.
fn made(org: &str) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for call in super::calls() {
        let operation = operation(&call, &mut generator);
        let entry = paths.entry(call.route()).or_insert_with(|| json!({}));
        if let Value::Object(methods) = entry {
            methods.insert(call.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mock-idp control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What people and tests say to the mock itself. It answers to this machine only, or to whoever has \
                            the admin token; never to a page of another origin. A call that changes something is sent as JSON, \
                            or with a header field `x-mock-idp`.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
        },
        "servers": [{"url": org}],
        "security": [{}, {"admin-token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"admin-token": {"type": "http", "scheme": "bearer"}}
        }
    })
}

fn operation(call: &Call, generator: &mut schemars::SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for name in call
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    {
        let schema = match name {
            "number" => json!({"type": "integer", "minimum": 1}),
            _ => json!({"type": "string", "minLength": 1}),
        };
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    if let Some(shape) = call.query {
        let schema = shape(generator).to_value();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        for (name, schema) in properties {
            let mut parameter = json!({"name": name, "in": "query", "required": false});
            if let Some(text) = schema.get("description") {
                parameter["description"] = text.clone();
            }
            parameter["schema"] = without_null(schema);
            parameters.push(parameter);
        }
    }
    let mut responses: Map<String, Value> = Map::new();
    for answer in &call.answers {
        let entry = responses
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({"description": answer.description}));
        if answer.content_type.is_empty() {
            continue;
        }
        let schema = answer
            .shape
            .map_or_else(|| json!({}), |shape| shape(generator).to_value());
        if let Value::Object(entry) = entry
            && let Value::Object(content) = entry.entry("content").or_insert_with(|| json!({}))
        {
            content.insert(answer.content_type.to_owned(), json!({"schema": schema}));
        }
    }
    let mut operation = json!({
        "operationId": call.id,
        "summary": call.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some((shape, required)) = call.body {
        let schema = shape(generator).to_value();
        operation["requestBody"] = json!({"required": required, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

/// A query parameter is there or not; it is never `null`.
fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_an_id_of_its_own_and_says_what_it_answers() {
        let document = made("http://127.0.0.1:9494");
        let mut ids = std::collections::HashSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id), "{method} {path}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(
                    responses.keys().any(|status| status.starts_with('2')),
                    "{method} {path}"
                );
            }
        }
        assert!(ids.len() > 35, "{}", ids.len());
    }
}
