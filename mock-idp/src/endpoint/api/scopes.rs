//! `/api/v1/authorizationServers/{id}/scopes`

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{cause, done, invalid_field, limited, link, not_found, ok, part, servers};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api::{self, paging},
    },
    exchange::Exchange,
    idp::Server,
    okta::{
        error::{API_METHOD, API_NO_PERMISSION},
        metadata::CUSTOM_SCOPES,
    },
    protocol::random,
    tenant::{Scope, ScopeConsent, stable_id},
};

const KIND: &str = "OAuth2Scope";

/// `GET|POST /api/v1/authorizationServers/{id}/scopes`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    if exchange.method == Method::POST {
        let scope = Scope {
            id: random::okta_id("scp"),
            ..Scope::default()
        };
        let scope = read(exchange, scope)?;
        servers::change(exchange, &server.id, |settings| {
            let is_taken = CUSTOM_SCOPES.contains(&scope.name.as_str()) || settings.scope(&scope.name).is_some();
            if is_taken {
                return Err(invalid_field("name", cause::TAKEN));
            }
            settings.scopes.push(scope.clone());
            Ok(())
        })??;
        return Ok(answer::json(201, document(exchange, &server, &scope, false)));
    }
    let built_in = CUSTOM_SCOPES.iter().map(|name| (built_in(name), true));
    let own = server.settings.scopes.iter().map(|scope| (scope.clone(), false));
    let words = exchange.query.filled("q").unwrap_or_default();
    let scopes = built_in.chain(own).filter(|(scope, _)| scope.name.contains(words));
    paging::page(
        exchange,
        scopes.collect(),
        |(scope, _)| id_of(&server, scope),
        |(scope, system)| document(exchange, &server, scope, *system),
        paging::USUAL,
    )
}

/// `GET|PUT|DELETE /api/v1/authorizationServers/{id}/scopes/{scope}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let id = part(exchange, 5);
    let is_it = |scope: &Scope| id_of(&server, scope) == id;
    let mut built_in = CUSTOM_SCOPES.iter().map(|name| built_in(name));
    if let Some(scope) = built_in.find(is_it) {
        return match exchange.method.as_str() {
            "GET" | "HEAD" => ok(document(exchange, &server, &scope, true)),
            _ => Err(API_NO_PERMISSION.into()),
        };
    }
    let found = server.settings.scopes.iter().find(|scope| is_it(scope)).cloned();
    let scope = found.ok_or_else(|| not_found(&id, KIND))?;
    match exchange.method.as_str() {
        "PUT" => {
            let known = Scope {
                id: id.clone(),
                ..scope
            };
            let changed = read(exchange, known)?;
            servers::change(exchange, &server.id, |settings| {
                let taken = settings.scope(&changed.name).is_some_and(|other| !is_it(other));
                if taken || CUSTOM_SCOPES.contains(&changed.name.as_str()) {
                    return Err(invalid_field("name", cause::TAKEN));
                }
                let known = settings.scopes.iter_mut().find(|scope| is_it(scope));
                *known.ok_or_else(|| not_found(&id, KIND))? = changed.clone();
                Ok(())
            })??;
            ok(document(exchange, &server, &changed, false))
        }
        "DELETE" => {
            servers::change(exchange, &server.id, |settings| {
                settings.scopes.retain(|scope| !is_it(scope));
            })?;
            done()
        }
        "POST" => Err(API_METHOD.into()),
        _ => ok(document(exchange, &server, &scope, false)),
    }
}

fn built_in(name: &str) -> Scope {
    Scope {
        name: name.to_owned(),
        published: true,
        ..Scope::default()
    }
}

fn id_of(server: &Server, scope: &Scope) -> String {
    if scope.id.is_empty() {
        stable_id("scp", &format!("scope {} of {}", scope.name, server.id))
    } else {
        scope.id.clone()
    }
}

fn read(exchange: &Exchange, mut scope: Scope) -> Result<Scope, Refusal> {
    let body = api::object(exchange)?;
    let name = limited(&body, "name", 255)?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid_field("name", cause::BLANK))?;
    if name.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || "\"\\".contains(c)) {
        return Err(invalid_field("name", cause::SCOPE_NAME));
    }
    name.clone_into(&mut scope.name);
    let text = |name: &str| {
        limited(&body, name, 255)
            .map(Option::unwrap_or_default)
            .map(str::to_owned)
    };
    scope.description = text("description")?;
    scope.display_name = text("displayName")?;
    let is = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or_default();
    scope.default = is("default");
    scope.optional = is("optional");
    scope.consent = consent(&body)?;
    scope.published = match body.get("metadataPublish").and_then(Value::as_str) {
        Some("ALL_CLIENTS") => true,
        None | Some("NO_CLIENTS") => false,
        Some(_) => {
            return Err(invalid_field(
                "metadataPublish",
                &cause::ONE_OF.replace("{0}", "ALL_CLIENTS or NO_CLIENTS"),
            ));
        }
    };
    Ok(scope)
}

fn consent(body: &Map<String, Value>) -> Result<ScopeConsent, Refusal> {
    match body.get("consent").filter(|value| !value.is_null()) {
        None => Ok(ScopeConsent::Implicit),
        Some(value) => serde_json::from_value(value.clone()).map_err(|_| {
            invalid_field(
                "consent",
                &cause::ONE_OF.replace("{0}", "IMPLICIT, REQUIRED or FLEXIBLE"),
            )
        }),
    }
}

fn document(exchange: &Exchange, server: &Server, scope: &Scope, system: bool) -> Value {
    let id = id_of(server, scope);
    let path = format!("/api/v1/authorizationServers/{}/scopes/{id}", server.id);
    let display_name = if scope.display_name.is_empty() {
        Value::Null
    } else {
        json!(scope.display_name)
    };
    json!({
        "id": id,
        "name": scope.name,
        "displayName": display_name,
        "description": scope.description,
        "system": system,
        "metadataPublish": if scope.published { "ALL_CLIENTS" } else { "NO_CLIENTS" },
        "consent": scope.consent,
        "default": scope.default,
        "optional": scope.optional,
        "_links": {"self": link(exchange, &path, if system { &["GET"] } else { &["GET", "PUT", "DELETE"] })},
    })
}
