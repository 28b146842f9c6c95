//! `/api/v1/authorizationServers`: custom authorization servers. A new one serves at once, and has no policy yet, so that
//! nobody gets tokens from it.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};

use super::{cause, done, invalid_field, limited, link, moment, not_found, ok, part, status, text, texts};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api::{self, paging},
    },
    exchange::Exchange,
    idp::Server,
    okta::error::{API_FEATURE, API_METHOD},
    protocol::random,
    tenant::{AuthServer, IssuerMode},
};

/// `GET|POST /api/v1/authorizationServers`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    require(exchange)?;
    if exchange.method == Method::POST {
        let now = exchange.idp.clock.now();
        let mut settings = AuthServer {
            policy: Some(Vec::new()),
            times: (now, now),
            ..AuthServer::new(&random::okta_id("aus"), "")
        };
        read(exchange, &mut settings)?;
        let id = settings.id.clone();
        exchange.idp.install(settings);
        let server = exchange.idp.any_server(&id).ok_or_else(|| not_found(&id, KIND))?;
        return Ok(answer::json(201, document(exchange, &server)));
    }
    let words = exchange.query.filled("q").map(str::to_lowercase).unwrap_or_default();
    let mut servers = exchange.idp.custom_servers();
    servers.retain(|server| server.settings.name.to_lowercase().contains(&words));
    paging::page(
        exchange,
        servers,
        |server| server.id.clone(),
        |server| document(exchange, server),
        paging::USUAL,
    )
}

/// `GET|PUT|DELETE /api/v1/authorizationServers/{id}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    let server = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => {
            let mut settings = server.settings.clone();
            read(exchange, &mut settings)?;
            settings.times.1 = exchange.idp.clock.now();
            let changed = change(exchange, &server.id, |known| {
                known.name = settings.name;
                known.description = settings.description;
                known.audience = settings.audience;
                known.times = settings.times;
            });
            changed?;
            let server = named(exchange)?;
            ok(document(exchange, &server))
        }
        "DELETE" => {
            exchange.idp.remove_server(&server.id);
            done()
        }
        "POST" => Err(API_METHOD.into()),
        _ => ok(document(exchange, &server)),
    }
}

/// `POST /api/v1/authorizationServers/{id}/lifecycle/{activate|deactivate}`
pub(crate) fn lifecycle(exchange: &mut Exchange) -> Answered {
    let server = named(exchange)?;
    let active = api::wanted_state(exchange, 5)?;
    change(exchange, &server.id, |settings| settings.active = active)?;
    done()
}

/// `GET /api/v1/authorizationServers/{id}/credentials/keys`
pub(crate) fn keys(exchange: &mut Exchange) -> Answered {
    let server = named(exchange)?;
    ok(json!([key(exchange, &server)]))
}

/// `POST /api/v1/authorizationServers/{id}/credentials/lifecycle/keyRotate`: a new key, the old one withdrawn at once.
pub(crate) fn rotate_keys(exchange: &mut Exchange) -> Answered {
    let server = named(exchange)?;
    let body = api::object(exchange)?;
    if text(&body, "use") != Some("sig") {
        return Err(invalid_field("use", cause::KEY_USE));
    }
    exchange.idp.change_server(&server.id, |server| server.rotate(false));
    let server = named(exchange)?;
    ok(json!([key(exchange, &server)]))
}

const KIND: &str = "AuthorizationServer";

fn require(exchange: &Exchange) -> Result<(), Refusal> {
    api::require(exchange, "authorizationServers")?;
    if exchange.idp.tenant().features.api_access_management {
        Ok(())
    } else {
        Err(API_FEATURE.into())
    }
}

/// The server that the path names, for callers who may.
pub(crate) fn named(exchange: &Exchange) -> Result<Arc<Server>, Refusal> {
    require(exchange)?;
    let id = part(exchange, 3);
    let server = exchange.idp.any_server(&id).filter(|server| !server.id.is_empty());
    server.ok_or_else(|| not_found(&id, KIND))
}

/// Changes a server's settings; they are in force at once.
pub(crate) fn change<R>(
    exchange: &Exchange,
    id: &str,
    change: impl FnOnce(&mut AuthServer) -> R,
) -> Result<R, Refusal> {
    let changed = exchange.idp.change_server(id, |server| change(&mut server.settings));
    changed.ok_or_else(|| not_found(id, KIND))
}

fn read(exchange: &Exchange, settings: &mut AuthServer) -> Result<(), Refusal> {
    let body = api::object(exchange)?;
    let name = limited(&body, "name", 100)?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| invalid_field("name", cause::BLANK))?;
    let is_other = |server: &Arc<Server>| server.id != settings.id && server.settings.name == name;
    if exchange.idp.custom_servers().iter().any(is_other) {
        return Err(invalid_field("name", cause::TAKEN));
    }
    name.clone_into(&mut settings.name);
    if let Some(mode) = body.get("issuerMode").filter(|value| !value.is_null()) {
        settings.issuer_mode = serde_json::from_value(mode.clone()).map_err(|_| {
            let cause = cause::ONE_OF.replace("{0}", "ORG_URL, CUSTOM_URL or DYNAMIC");
            invalid_field("issuerMode", &cause)
        })?;
    }
    limited(&body, "description", 255)?
        .unwrap_or_default()
        .clone_into(&mut settings.description);
    match texts(&body, "audiences")?.as_deref() {
        Some([audience]) if !audience.trim().is_empty() => audience.clone_into(&mut settings.audience),
        None | Some([] | [_]) => return Err(invalid_field("audiences", cause::BLANK)),
        Some(_) => return Err(invalid_field("audiences", cause::ONE_AUDIENCE)),
    }
    Ok(())
}

fn key(exchange: &Exchange, server: &Server) -> Value {
    let mut key = server.keys.jwk();
    let kid = key.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(members) = key.as_object_mut() {
        members.insert("status".to_owned(), json!("ACTIVE"));
        let path = format!("/api/v1/authorizationServers/{}/credentials/keys/{kid}", server.id);
        members.insert("_links".to_owned(), json!({"self": link(exchange, &path, &["GET"])}));
    }
    key
}

fn document(exchange: &Exchange, server: &Server) -> Value {
    let settings = &server.settings;
    let path = format!("/api/v1/authorizationServers/{}", server.id);
    let at = |rest: &str, methods: &[&str]| link(exchange, &format!("{path}{rest}"), methods);
    let metadata = |name: &str| json!({"name": name, "href": format!("{}/.well-known/{name}", server.issuer), "hints": {"allow": ["GET"]}});
    let (other, operation) = if settings.active {
        ("deactivate", "/lifecycle/deactivate")
    } else {
        ("activate", "/lifecycle/activate")
    };
    let issuer_mode = match exchange.idp.tenant().custom_domain {
        Some(_) => settings.issuer_mode,
        None => IssuerMode::OrgUrl,
    };
    json!({
        "id": server.id,
        "name": settings.name,
        "description": settings.description,
        "audiences": [settings.audience],
        "issuer": server.issuer,
        "issuerMode": issuer_mode,
        "status": status(settings.active),
        "created": moment(settings.times.0),
        "lastUpdated": moment(settings.times.1),
        "credentials": {"signing": {
            "kid": server.keys.kid(),
            "rotationMode": "AUTO",
            "lastRotated": moment(settings.times.0),
            "nextRotation": moment(settings.times.0 + 90 * 24 * 3600),
        }},
        "_links": {
            "self": at("", &["GET", "DELETE", "PUT"]),
            "scopes": at("/scopes", &["GET"]),
            "claims": at("/claims", &["GET"]),
            "policies": at("/policies", &["GET"]),
            "rotateKey": at("/credentials/lifecycle/keyRotate", &["POST"]),
            "metadata": [metadata("oauth-authorization-server"), metadata("openid-configuration")],
            other: at(operation, &["POST"]),
        },
    })
}
