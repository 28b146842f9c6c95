//! `/api/v1/groups` and their members.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{cause, done, invalid_field, limited, link, member, moment, not_found, ok, part, text};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        api::{
            self, paging, search,
            users::{self, change},
        },
    },
    exchange::Exchange,
    okta::error::API_NO_PERMISSION,
    protocol::random,
    tenant::{Group, Tenant, User, UserStatus},
};

/// A list of groups may be this long.
const LIMITS: paging::Limits = paging::Limits {
    usual: 10_000,
    most: 10_000,
};

/// `GET|POST /api/v1/groups`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "groups")?;
    if exchange.method == axum::http::Method::POST {
        let now = exchange.idp.clock.now();
        let mut group = Group::named("", now);
        group.id = random::okta_id("00g");
        read(exchange, &mut group)?;
        let group = Arc::new(group);
        exchange.idp.change_tenant(|tenant| {
            is_free(tenant, &group)?;
            tenant.groups.push(group.clone());
            Ok::<(), Refusal>(())
        })?;
        return ok(document(exchange, &group));
    }
    let query = |name: &str| exchange.query.filled(name);
    let wanted = query("search").or(query("filter")).map(search::parse).transpose()?;
    let words = query("q").map(str::to_lowercase);
    let tenant = exchange.idp.tenant();
    let groups = tenant
        .groups
        .iter()
        .filter(|group| {
            words
                .as_deref()
                .is_none_or(|words| group.name.to_lowercase().starts_with(words))
        })
        .map(|group| (group.id.clone(), document(exchange, group)))
        .filter(|(_, document)| wanted.as_ref().is_none_or(|wanted| wanted.holds(document)));
    paging::page(
        exchange,
        groups.collect(),
        |(id, _)| id.clone(),
        |(_, value)| value.clone(),
        LIMITS,
    )
}

/// `GET|PUT|DELETE /api/v1/groups/{id}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "groups")?;
    let group = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => replace(exchange, &group),
        "DELETE" => {
            changeable(&group)?;
            exchange.idp.change_tenant(|tenant| {
                tenant.groups.retain(|known| known.id != group.id);
                rename(tenant, &group.name, None);
            });
            done()
        }
        "POST" => api::wrong_method(),
        _ => ok(document(exchange, &group)),
    }
}

/// `GET /api/v1/groups/{id}/users`
pub(crate) fn members(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "groups")?;
    let group = named(exchange)?;
    let tenant = exchange.idp.tenant();
    let is_member = |user: &&Arc<User>| user.groups.contains(&group.name) && user.status != UserStatus::Deprovisioned;
    let limits = paging::Limits {
        usual: 1000,
        most: 1000,
    };
    paging::page(
        exchange,
        tenant.users.iter().filter(is_member).cloned().collect(),
        |user| user.id.clone(),
        |user| users::document(exchange, user, false),
        limits,
    )
}

/// `PUT|DELETE /api/v1/groups/{id}/users/{user}`
pub(crate) fn membership(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "groups")?;
    let group = named(exchange)?;
    changeable(&group)?;
    let id = part(exchange, 5);
    let user = exchange.idp.tenant().user_by_id(&id).cloned();
    let user = user.ok_or_else(|| not_found(&id, "User"))?;
    let joins = exchange.method == axum::http::Method::PUT;
    change(exchange, &user.id, |user, _| {
        user.groups.retain(|name| *name != group.name);
        if joins {
            user.groups.push(group.name.clone());
        }
    })?;
    let now = exchange.idp.clock.now();
    exchange.idp.change_tenant(|tenant| {
        let group = tenant.groups.iter_mut().find(|known| known.id == group.id);
        if let Some(group) = group {
            Arc::make_mut(group).membership_changed = now;
        }
    });
    done()
}

/// `GET /api/v1/groups/{id}/apps`
pub(crate) fn apps(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "groups")?;
    let group = named(exchange)?;
    let tenant = exchange.idp.tenant();
    let entry = format!("group:{}", group.name);
    let clients = tenant.clients.iter().filter(|client| match &client.assigned {
        Some(assigned) => assigned.contains(&entry),
        None => group.is_built_in(),
    });
    paging::page(
        exchange,
        clients.cloned().collect(),
        |client| client.id.clone(),
        |client| api::apps::document(exchange, client),
        paging::USUAL,
    )
}

fn named(exchange: &Exchange) -> Result<Arc<Group>, Refusal> {
    let id = part(exchange, 3);
    exchange
        .idp
        .tenant()
        .group(&id)
        .cloned()
        .ok_or_else(|| not_found(&id, "UserGroup"))
}

fn replace(exchange: &Exchange, group: &Group) -> Answered {
    changeable(group)?;
    let mut changed = group.clone();
    read(exchange, &mut changed)?;
    changed.changed = exchange.idp.clock.now();
    let changed = Arc::new(changed);
    exchange.idp.change_tenant(|tenant| {
        is_free(tenant, &changed)?;
        let known = tenant.groups.iter_mut().find(|known| known.id == changed.id);
        *known.ok_or_else(|| not_found(&changed.id, "UserGroup"))? = changed.clone();
        if changed.name != group.name {
            rename(tenant, &group.name, Some(&changed.name));
        }
        Ok::<(), Refusal>(())
    })?;
    if changed.name != group.name {
        rename_in_policies(exchange, &group.name, &changed.name);
    }
    ok(document(exchange, &changed))
}

fn changeable(group: &Group) -> Result<(), Refusal> {
    if group.is_built_in() {
        return Err(API_NO_PERMISSION.into());
    }
    Ok(())
}

fn read(exchange: &Exchange, group: &mut Group) -> Result<(), Refusal> {
    let body = api::object(exchange)?;
    let empty = serde_json::Map::new();
    let profile = member(&body, "profile").unwrap_or(&empty);
    let Some(name) = limited(profile, "name", 255)?.and_then(|_| text(profile, "name")) else {
        return Err(invalid_field("name", cause::BLANK));
    };
    name.trim().clone_into(&mut group.name);
    limited(profile, "description", 1024)?
        .unwrap_or_default()
        .clone_into(&mut group.description);
    Ok(())
}

fn is_free(tenant: &Tenant, group: &Group) -> Result<(), Refusal> {
    let is_other = |known: &Arc<Group>| known.id != group.id && known.name.eq_ignore_ascii_case(&group.name);
    if tenant.groups.iter().any(is_other) {
        return Err(invalid_field("name", cause::TAKEN));
    }
    Ok(())
}

/// Users and assignments name groups by name: they follow, or lose it.
fn rename(tenant: &mut Tenant, old: &str, new: Option<&str>) {
    for user in &mut tenant.users {
        if user.groups.iter().any(|name| name == old) {
            let groups = &mut Arc::make_mut(user).groups;
            groups.retain(|name| name != old);
            groups.extend(new.map(str::to_owned));
        }
    }
    let entry = format!("group:{old}");
    for client in &mut tenant.clients {
        if client.assigned.iter().flatten().any(|known| *known == entry)
            && let Some(assigned) = &mut Arc::make_mut(client).assigned
        {
            assigned.retain(|known| *known != entry);
            assigned.extend(new.map(|name| format!("group:{name}")));
        }
    }
}

fn rename_in_policies(exchange: &Exchange, old: &str, new: &str) {
    for server in exchange.idp.custom_servers() {
        if server.settings.policy.is_none() {
            continue;
        }
        exchange.idp.change_server(&server.id, |server| {
            server.settings.change_policies(|policies| {
                let rules = policies.iter_mut().flat_map(|policy| &mut policy.rules);
                let lists = rules.flat_map(|rule| [&mut rule.rule.groups, &mut rule.rule.except_groups]);
                let names = lists.flatten().filter(|name| name.as_str() == old);
                names.for_each(|name| new.clone_into(name));
            });
        });
    }
}

/// The group as Okta shows it.
pub(crate) fn document(exchange: &Exchange, group: &Group) -> Value {
    let path = format!("/api/v1/groups/{}", group.id);
    let built_in = group.is_built_in();
    let description = if group.description.is_empty() {
        Value::Null
    } else {
        json!(group.description)
    };
    json!({
        "id": group.id,
        "created": moment(group.created),
        "lastUpdated": moment(group.changed),
        "lastMembershipUpdated": moment(group.membership_changed),
        "objectClass": ["okta:user_group"],
        "type": if built_in { "BUILT_IN" } else { "OKTA_GROUP" },
        "profile": {"name": group.name, "description": description},
        "_links": {
            "self": link(exchange, &path, &[]),
            "users": link(exchange, &format!("{path}/users"), &[]),
            "apps": link(exchange, &format!("{path}/apps"), &[]),
        },
    })
}
