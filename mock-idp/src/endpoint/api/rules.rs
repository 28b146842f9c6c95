//! `/api/v1/authorizationServers/{id}/policies/{policy}/rules`: who gets which scopes by which grant, and for how long.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{
    cause, done, invalid_field, limited, link, member, moment, not_found, ok, part, policies, servers, status, text,
    texts,
};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api,
    },
    exchange::Exchange,
    idp::Server,
    protocol::random,
    tenant::{AccessRule, EVERYONE, PolicyRule},
};

const KIND: &str = "PolicyRule";
const ANY: &str = "*";
const ANYBODY: &str = "EVERYONE";

/// `GET|POST /api/v1/authorizationServers/{id}/policies/{policy}/rules`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let (_, policy) = policies::named(exchange)?;
    if exchange.method == Method::POST {
        let now = exchange.idp.clock.now();
        let mut rule = AccessRule {
            id: random::okta_id("0pr"),
            active: true,
            times: (now, now),
            ..AccessRule::default()
        };
        let place = read(exchange, &mut rule)?;
        let shown = rule.clone();
        let place = policies::change(exchange, &server.id, &policy.id, |policy| {
            policies::insert(&mut policy.rules, rule, place)
        })?;
        return Ok(answer::json(
            201,
            document(exchange, &server, &policy.id, &shown, place),
        ));
    }
    let rules = policy.rules.iter().enumerate();
    ok(rules
        .map(|(place, rule)| document(exchange, &server, &policy.id, rule, place))
        .collect())
}

/// `GET|PUT|DELETE /api/v1/authorizationServers/{id}/policies/{policy}/rules/{rule}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let (policy, place, rule) = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => {
            let mut changed = rule;
            let wanted = read(exchange, &mut changed)?;
            changed.times.1 = exchange.idp.clock.now();
            let shown = changed.clone();
            let place = policies::change(exchange, &server.id, &policy, |policy| {
                policy.rules.retain(|known| known.id != changed.id);
                policies::insert(&mut policy.rules, changed, wanted.or(Some(place)))
            })?;
            ok(document(exchange, &server, &policy, &shown, place))
        }
        "DELETE" => {
            policies::change(exchange, &server.id, &policy, |policy| {
                policy.rules.retain(|known| known.id != rule.id);
            })?;
            done()
        }
        "POST" => api::wrong_method(),
        _ => ok(document(exchange, &server, &policy, &rule, place)),
    }
}

/// `POST …/rules/{rule}/lifecycle/{activate|deactivate}`
pub(crate) fn lifecycle(exchange: &mut Exchange) -> Answered {
    let server = servers::named(exchange)?;
    let (policy, _, rule) = named(exchange)?;
    let active = api::wanted_state(exchange, 9)?;
    policies::change(exchange, &server.id, &policy, |policy| {
        let known = policy.rules.iter_mut().find(|known| known.id == rule.id);
        if let Some(known) = known {
            known.active = active;
        }
    })?;
    done()
}

fn named(exchange: &Exchange) -> Result<(String, usize, AccessRule), Refusal> {
    let (_, policy) = policies::named(exchange)?;
    let id = part(exchange, 7);
    let mut rules = policy.rules.into_iter().enumerate();
    let (place, rule) = rules
        .find(|(_, rule)| rule.id == id)
        .ok_or_else(|| not_found(&id, KIND))?;
    Ok((policy.id, place, rule))
}

fn read(exchange: &Exchange, rule: &mut AccessRule) -> Result<Option<usize>, Refusal> {
    let body = api::object(exchange)?;
    let name = limited(&body, "name", 100)?.filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| invalid_field("name", cause::BLANK))?
        .clone_into(&mut rule.name);
    if let Some(wanted) = text(&body, "status") {
        rule.active = wanted != "INACTIVE";
    }
    let empty = Map::new();
    if let Some(conditions) = member(&body, "conditions") {
        let list = |name: &str| {
            let condition = member(conditions, name).unwrap_or(&empty);
            texts(condition, "include").map(Option::unwrap_or_default)
        };
        let grant_types = list("grantTypes")?;
        let scopes = list("scopes")?;
        for (name, given) in [("grantTypes", &grant_types), ("scopes", &scopes)] {
            if given.is_empty() {
                return Err(invalid_field(name, cause::BLANK));
            }
        }
        let people = member(conditions, "people").unwrap_or(&empty);
        let side = |kind: &str, side: &str| {
            let condition = member(people, kind).unwrap_or(&empty);
            texts(condition, side).map(Option::unwrap_or_default)
        };
        let groups = side("groups", "include")?;
        let everybody = groups.iter().any(|group| group == ANYBODY);
        rule.rule = PolicyRule {
            grant_types,
            scopes,
            users: if everybody {
                Vec::new()
            } else {
                side("users", "include")?
            },
            groups: if everybody {
                Vec::new()
            } else {
                group_names(exchange, &groups)?
            },
            except_users: side("users", "exclude")?,
            except_groups: group_names(exchange, &side("groups", "exclude")?)?,
            ..std::mem::take(&mut rule.rule)
        };
    }
    if let Some(token) = member(&body, "actions").and_then(|actions| member(actions, "token")) {
        rule.rule.access_token_lifetime = minutes(token, "accessTokenLifetimeMinutes", 5, 1440)?;
        // 0 stands for no limit.
        let forever = 100 * 365 * 24 * 60;
        rule.rule.refresh_token_lifetime = minutes(token, "refreshTokenLifetimeMinutes", 0, forever)?
            .map(|seconds| if seconds == 0 { forever * 60 } else { seconds });
        rule.rule.refresh_token_idle = minutes(token, "refreshTokenWindowMinutes", 10, 2_628_000)?;
    }
    policies::place(&body)
}

/// A number of minutes, as seconds.
fn minutes(token: &Map<String, Value>, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
    match token.get(name).filter(|value| !value.is_null()).map(Value::as_i64) {
        None => Ok(None),
        Some(Some(minutes)) if (least..=most).contains(&minutes) => Ok(Some(minutes * 60)),
        Some(_) => Err(invalid_field(
            name,
            &cause::IN_RANGE.replace("{0}", &format!("{least} - {most}")),
        )),
    }
}

/// Group ids as the names by which users know them.
fn group_names(exchange: &Exchange, ids: &[String]) -> Result<Vec<String>, Refusal> {
    let tenant = exchange.idp.tenant();
    let name = |id: &String| match tenant.group(id) {
        Some(group) => Ok(group.name.clone()),
        None if id == ANYBODY => Ok(EVERYONE.to_owned()),
        None => Err(not_found(id, "UserGroup")),
    };
    ids.iter().map(name).collect()
}

fn document(exchange: &Exchange, server: &Server, policy: &str, rule: &AccessRule, place: usize) -> Value {
    let tenant = exchange.idp.tenant();
    let ids = |names: &[String]| -> Vec<String> {
        let id = |name: &String| {
            let group = tenant.groups.iter().find(|group| group.name == *name);
            group.map_or_else(|| name.clone(), |group| group.id.clone())
        };
        names.iter().map(id).collect()
    };
    let said = &rule.rule;
    let or_any = |list: &[String]| {
        if list.is_empty() {
            vec![ANY.to_owned()]
        } else {
            list.to_vec()
        }
    };
    let anybody = said.users.is_empty() && said.groups.is_empty();
    let groups = if anybody {
        vec![ANYBODY.to_owned()]
    } else {
        ids(&said.groups)
    };
    let settings = &server.settings;
    let (access, refresh, idle) = (
        said.access_token_lifetime.unwrap_or(settings.access_token_lifetime),
        said.refresh_token_lifetime.unwrap_or(settings.refresh_token_lifetime),
        said.refresh_token_idle.unwrap_or(settings.refresh_token_idle),
    );
    let path = format!(
        "/api/v1/authorizationServers/{}/policies/{policy}/rules/{}",
        server.id, rule.id
    );
    let (other, operation) = if rule.active {
        ("deactivate", "deactivate")
    } else {
        ("activate", "activate")
    };
    json!({
        "id": rule.id,
        "status": status(rule.active),
        "name": rule.name,
        "priority": place + 1,
        "created": moment(rule.times.0),
        "lastUpdated": moment(rule.times.1),
        "system": false,
        "conditions": {
            "people": {
                "users": {"include": said.users, "exclude": said.except_users},
                "groups": {"include": groups, "exclude": ids(&said.except_groups)},
            },
            "grantTypes": {"include": or_any(&said.grant_types)},
            "scopes": {"include": or_any(&said.scopes)},
        },
        "actions": {"token": {
            "accessTokenLifetimeMinutes": access / 60,
            "refreshTokenLifetimeMinutes": refresh / 60,
            "refreshTokenWindowMinutes": idle / 60,
        }},
        "type": "RESOURCE_ACCESS",
        "_links": {
            "self": link(exchange, &path, &["GET", "PUT", "DELETE"]),
            other: link(exchange, &format!("{path}/lifecycle/{operation}"), &["POST"]),
        },
    })
}
