//! `/api/v1/authorizationServers/{id}/policies`: which clients a server's rules are for. The first rule that fits decides.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{
    cause, done, invalid_field, limited, link, member, moment, not_found, ok, part, servers, status, text, texts,
};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api,
    },
    exchange::Exchange,
    protocol::random,
    tenant::AccessPolicy,
};

pub(crate) const KIND: &str = "Policy";
const ALL_CLIENTS: &str = "ALL_CLIENTS";

/// `GET|POST /api/v1/authorizationServers/{id}/policies`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    if exchange.method == Method::POST {
        let now = exchange.idp.clock.now();
        let mut policy = AccessPolicy {
            id: random::okta_id("00p"),
            active: true,
            times: (now, now),
            ..AccessPolicy::default()
        };
        let place = read(exchange, &mut policy)?;
        let document_of = policy.clone();
        let place = servers::change(exchange, &server.id, |settings| {
            settings.change_policies(|policies| insert(policies, policy, place))
        })?;
        return Ok(answer::json(201, document(exchange, &server.id, &document_of, place)));
    }
    let policies = server.settings.told_policies();
    let documents = policies.iter().enumerate();
    ok(documents
        .map(|(place, policy)| document(exchange, &server.id, policy, place))
        .collect())
}

/// `GET|PUT|DELETE /api/v1/authorizationServers/{id}/policies/{policy}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let (place, policy) = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => {
            let mut changed = policy;
            let wanted = read(exchange, &mut changed)?;
            changed.times.1 = exchange.idp.clock.now();
            let shown = changed.clone();
            let place = servers::change(exchange, &server.id, |settings| {
                settings.change_policies(|policies| {
                    policies.retain(|known| known.id != changed.id);
                    insert(policies, changed, wanted.or(Some(place)))
                })
            })?;
            ok(document(exchange, &server.id, &shown, place))
        }
        "DELETE" => {
            servers::change(exchange, &server.id, |settings| {
                settings.change_policies(|policies| policies.retain(|known| known.id != policy.id));
            })?;
            done()
        }
        "POST" => api::wrong_method(),
        _ => ok(document(exchange, &server.id, &policy, place)),
    }
}

/// `POST /api/v1/authorizationServers/{id}/policies/{policy}/lifecycle/{activate|deactivate}`
pub(crate) fn lifecycle(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let (_, policy) = named(exchange)?;
    let active = api::wanted_state(exchange, 7)?;
    change(exchange, &server.id, &policy.id, |policy| policy.active = active)?;
    done()
}

/// The policy that the path names, and its place.
pub(crate) fn named(exchange: &Exchange) -> Result<(usize, AccessPolicy), Refusal> {
    let server = servers::named(exchange)?;
    let id = part(exchange, 5);
    let policies = server.settings.told_policies();
    let mut found = policies.into_iter().enumerate();
    found
        .find(|(_, policy)| policy.id == id)
        .ok_or_else(|| not_found(&id, KIND))
}

/// Changes a policy; it is in force at once.
pub(crate) fn change<R>(
    exchange: &Exchange,
    server: &str,
    id: &str,
    change: impl FnOnce(&mut AccessPolicy) -> R,
) -> Result<R, Refusal> {
    let changed = servers::change(exchange, server, |settings| {
        settings.change_policies(|policies| policies.iter_mut().find(|policy| policy.id == id).map(change))
    })?;
    changed.ok_or_else(|| not_found(id, KIND))
}

/// Puts it at its place, or last; the place.
pub(crate) fn insert<T>(list: &mut Vec<T>, entry: T, place: Option<usize>) -> usize {
    let place = place.unwrap_or(list.len()).min(list.len());
    list.insert(place, entry);
    place
}

/// `priority`, counted from 1, as a place.
pub(crate) fn place(body: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
    match body.get("priority").filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => match value.as_u64().and_then(|value| usize::try_from(value).ok()) {
            Some(priority) => Ok(Some(priority.saturating_sub(1))),
            None => Err(invalid_field("priority", cause::POSITIVE)),
        },
    }
}

fn read(exchange: &Exchange, policy: &mut AccessPolicy) -> Result<Option<usize>, Refusal> {
    let body = api::object(exchange)?;
    let name = limited(&body, "name", 100)?.filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| invalid_field("name", cause::BLANK))?
        .clone_into(&mut policy.name);
    limited(&body, "description", 255)?
        .unwrap_or_default()
        .clone_into(&mut policy.description);
    if text(&body, "type").is_some_and(|kind| kind != "OAUTH_AUTHORIZATION_POLICY") {
        return Err(invalid_field(
            "type",
            &cause::ONE_OF.replace("{0}", "OAUTH_AUTHORIZATION_POLICY"),
        ));
    }
    let clients = member(&body, "conditions")
        .and_then(|conditions| member(conditions, "clients"))
        .map(|clients| texts(clients, "include"));
    if let Some(clients) = clients.transpose()?.flatten() {
        let all = clients.iter().any(|client| client == ALL_CLIENTS);
        policy.clients = if all { Vec::new() } else { clients };
    }
    if let Some(wanted) = text(&body, "status") {
        policy.active = wanted != "INACTIVE";
    }
    place(&body)
}

fn document(exchange: &Exchange, server: &str, policy: &AccessPolicy, place: usize) -> Value {
    let path = format!("/api/v1/authorizationServers/{server}/policies/{}", policy.id);
    let clients = if policy.clients.is_empty() {
        vec![ALL_CLIENTS.to_owned()]
    } else {
        policy.clients.clone()
    };
    json!({
        "id": policy.id,
        "type": "OAUTH_AUTHORIZATION_POLICY",
        "status": status(policy.active),
        "name": policy.name,
        "description": policy.description,
        "priority": place + 1,
        "system": false,
        "conditions": {"clients": {"include": clients}},
        "created": moment(policy.times.0),
        "lastUpdated": moment(policy.times.1),
        "_links": {
            "self": link(exchange, &path, &["GET", "PUT", "DELETE"]),
            "rules": link(exchange, &format!("{path}/rules"), &["GET"]),
        },
    })
}
