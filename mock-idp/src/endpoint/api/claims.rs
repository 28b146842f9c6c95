//! `/api/v1/authorizationServers/{id}/claims`

use axum::http::Method;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    cause, done, expression, invalid_field, limited, link, member, not_found, ok, part, servers, status, text, texts,
};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api,
    },
    exchange::Exchange,
    idp::Server,
    okta::error::{API_METHOD, API_NO_PERMISSION},
    protocol::random,
    tenant::{ClaimRule, ClaimToken, ClaimValue, GroupFilter, stable_id},
};

const KIND: &str = "OAuth2Claim";
/// Longer patterns are refused.
const LONGEST_PATTERN: usize = 1024;
/// Claims that only the server writes.
const RESERVED: &[&str] = &[
    "iss",
    "ver",
    "aud",
    "iat",
    "exp",
    "jti",
    "auth_time",
    "amr",
    "acr",
    "idp",
    "nonce",
    "at_hash",
    "c_hash",
    "cid",
    "uid",
    "scp",
    "cnf",
    "sid",
    "azp",
    "nbf",
    "active",
    "client_id",
    "token_type",
    "username",
];

/// `GET|POST /api/v1/authorizationServers/{id}/claims`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    if exchange.method == Method::POST {
        let claim = read(exchange, random::okta_id("ocl"))?;
        servers::change(exchange, &server.id, |settings| {
            let is_same = |known: &ClaimRule| known.name == claim.name && known.token == claim.token;
            if settings.claims.iter().any(is_same) {
                return Err(invalid_field("name", cause::TAKEN));
            }
            settings.claims.push(claim.clone());
            Ok(())
        })??;
        return Ok(answer::json(201, document(exchange, &server, &claim)));
    }
    let own = server
        .settings
        .claims
        .iter()
        .map(|claim| document(exchange, &server, claim));
    ok([system(exchange, &server)].into_iter().chain(own).collect())
}

/// `GET|PUT|DELETE /api/v1/authorizationServers/{id}/claims/{claim}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let id = part(exchange, 5);
    if id == system_id(&server) {
        return match exchange.method.as_str() {
            "GET" | "HEAD" => ok(system(exchange, &server)),
            _ => Err(API_NO_PERMISSION.into()),
        };
    }
    let is_it = |claim: &ClaimRule| id_of(&server, claim) == id;
    let found = server.settings.claims.iter().find(|claim| is_it(claim)).cloned();
    let claim = found.ok_or_else(|| not_found(&id, KIND))?;
    match exchange.method.as_str() {
        "PUT" => {
            let changed = read(exchange, id.clone())?;
            servers::change(exchange, &server.id, |settings| {
                let is_same = |known: &ClaimRule| known.name == changed.name && known.token == changed.token;
                if settings.claims.iter().any(|known| is_same(known) && !is_it(known)) {
                    return Err(invalid_field("name", cause::TAKEN));
                }
                let known = settings.claims.iter_mut().find(|claim| is_it(claim));
                *known.ok_or_else(|| not_found(&id, KIND))? = changed.clone();
                Ok(())
            })??;
            ok(document(exchange, &server, &changed))
        }
        "DELETE" => {
            servers::change(exchange, &server.id, |settings| {
                settings.claims.retain(|claim| !is_it(claim));
            })?;
            done()
        }
        "POST" => Err(API_METHOD.into()),
        _ => ok(document(exchange, &server, &claim)),
    }
}

fn id_of(server: &Server, claim: &ClaimRule) -> String {
    if claim.id.is_empty() {
        stable_id(
            "ocl",
            &format!("claim {} {:?} of {}", claim.name, claim.token, server.id),
        )
    } else {
        claim.id.clone()
    }
}

fn read(exchange: &Exchange, id: String) -> Result<ClaimRule, Refusal> {
    let body = api::object(exchange)?;
    let name = limited(&body, "name", 255)?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| invalid_field("name", cause::BLANK))?;
    if RESERVED.contains(&name) {
        return Err(invalid_field("name", cause::CLAIM_NAME));
    }
    let token = match text(&body, "claimType") {
        Some("IDENTITY") => ClaimToken::Id,
        Some("RESOURCE") => ClaimToken::Access,
        None => return Err(invalid_field("claimType", cause::BLANK)),
        Some(_) => {
            return Err(invalid_field(
                "claimType",
                &cause::ONE_OF.replace("{0}", "IDENTITY or RESOURCE"),
            ));
        }
    };
    let scopes = member(&body, "conditions").map(|conditions| texts(conditions, "scopes"));
    Ok(ClaimRule {
        name: name.to_owned(),
        value: value(&body)?,
        token,
        always: token == ClaimToken::Access
            || body
                .get("alwaysIncludeInToken")
                .and_then(Value::as_bool)
                .unwrap_or(true),
        scopes: scopes.transpose()?.flatten().unwrap_or_default(),
        id,
        active: text(&body, "status") != Some("INACTIVE"),
    })
}

fn value(body: &Map<String, Value>) -> Result<ClaimValue, Refusal> {
    let value = text(body, "value").ok_or_else(|| invalid_field("value", cause::BLANK))?;
    match text(body, "valueType") {
        None | Some("EXPRESSION") => expression::read(value).ok_or_else(|| invalid_field("value", cause::EXPRESSION)),
        Some("GROUPS") => {
            let value = value.to_owned();
            Ok(ClaimValue::Groups(match text(body, "group_filter_type") {
                Some("STARTS_WITH") => GroupFilter::StartsWith(value),
                Some("EQUALS") => GroupFilter::Equals(value),
                Some("CONTAINS") => GroupFilter::Contains(value),
                Some("REGEX") if value.len() <= LONGEST_PATTERN && Regex::new(&value).is_ok() => {
                    GroupFilter::Regex(value)
                }
                Some("REGEX") => return Err(invalid_field("value", cause::PATTERN)),
                _ => return Err(invalid_field("group_filter_type", cause::INVALID)),
            }))
        }
        Some(_) => Err(invalid_field(
            "valueType",
            &cause::ONE_OF.replace("{0}", "EXPRESSION or GROUPS"),
        )),
    }
}

fn document(exchange: &Exchange, server: &Server, claim: &ClaimRule) -> Value {
    let id = id_of(server, claim);
    let path = format!("/api/v1/authorizationServers/{}/claims/{id}", server.id);
    let (kind, value, filter) = match &claim.value {
        ClaimValue::Groups(GroupFilter::StartsWith(value)) => ("GROUPS", value.clone(), Some("STARTS_WITH")),
        ClaimValue::Groups(GroupFilter::Equals(value)) => ("GROUPS", value.clone(), Some("EQUALS")),
        ClaimValue::Groups(GroupFilter::Contains(value)) => ("GROUPS", value.clone(), Some("CONTAINS")),
        ClaimValue::Groups(GroupFilter::Regex(value)) => ("GROUPS", value.clone(), Some("REGEX")),
        value => ("EXPRESSION", expression::written(value), None),
    };
    let mut document = json!({
        "id": id,
        "name": claim.name,
        "status": status(claim.active),
        "claimType": if claim.token == ClaimToken::Id { "IDENTITY" } else { "RESOURCE" },
        "valueType": kind,
        "value": value,
        "conditions": {"scopes": claim.scopes},
        "system": false,
        "alwaysIncludeInToken": claim.always,
        "_links": {"self": link(exchange, &path, &["GET", "PUT", "DELETE"])},
    });
    if let Some(filter) = filter {
        document["group_filter_type"] = json!(filter);
    }
    document
}

fn system_id(server: &Server) -> String {
    stable_id("ocl", &format!("claim sub of {}", server.id))
}

/// The claim that every server has: `sub` of access tokens.
fn system(exchange: &Exchange, server: &Server) -> Value {
    let id = system_id(server);
    let path = format!("/api/v1/authorizationServers/{}/claims/{id}", server.id);
    json!({
        "id": id,
        "name": "sub",
        "status": "ACTIVE",
        "claimType": "RESOURCE",
        "valueType": "EXPRESSION",
        "value": "(appuser != null) ? appuser.userName : app.clientId",
        "conditions": {"scopes": []},
        "system": true,
        "alwaysIncludeInToken": true,
        "_links": {"self": link(exchange, &path, &["GET"])},
    })
}
