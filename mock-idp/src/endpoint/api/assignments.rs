//! `/api/v1/apps/{id}/users` and `/api/v1/apps/{id}/groups`: who may use an application.
//!
//! An application that everybody may use is assigned to the group Everyone, and stops being open at the first change.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{because, cause, done, invalid_field, link, moment, not_found, ok, part, text};
use crate::{
    endpoint::{
        answer::Answered,
        api::{self, apps, paging, profile},
    },
    exchange::Exchange,
    okta::error::API_UNASSIGN,
    tenant::{Client, EVERYONE, Group, Subject, Tenant, User, UserStatus},
};

/// `GET|POST /api/v1/apps/{id}/users`
pub(crate) fn users(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = apps::named(exchange)?;
    let tenant = exchange.idp.tenant();
    if exchange.method == Method::POST {
        let body = api::object(exchange)?;
        let id = text(&body, "id").ok_or_else(|| invalid_field("id", cause::BLANK))?;
        let user = tenant.user_by_id(id).ok_or_else(|| not_found(id, "User"))?;
        assign(exchange, &client, user.id.clone());
        let client = apps::named(exchange)?;
        return ok(app_user(exchange, &client, user));
    }
    let words = exchange.query.filled("q").map(str::to_lowercase).unwrap_or_default();
    let assigned = tenant.users.iter().filter(|user| {
        let is_found = user.login.to_lowercase().starts_with(&words) || user.email.to_lowercase().starts_with(&words);
        user.status != UserStatus::Deprovisioned && is_found && client.is_assigned(&Subject::of(user))
    });
    let limits = paging::Limits { usual: 50, most: 500 };
    paging::page(
        exchange,
        assigned.cloned().collect(),
        |user| user.id.clone(),
        |user| app_user(exchange, &client, user),
        limits,
    )
}

/// `GET|POST|DELETE /api/v1/apps/{id}/users/{user}`
pub(crate) fn user(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = apps::named(exchange)?;
    let id = part(exchange, 5);
    let tenant = exchange.idp.tenant();
    let found = tenant.user_by_id(&id).or_else(|| tenant.user(&id));
    let user = found.ok_or_else(|| not_found(&id, "User"))?;
    if exchange.method == Method::PUT {
        assign(exchange, &client, user.id.clone());
        let client = apps::named(exchange)?;
        return ok(app_user(exchange, &client, user));
    }
    if !client.is_assigned(&Subject::of(user)) {
        return Err(not_found(&id, "AppUser"));
    }
    if exchange.method != Method::DELETE {
        return ok(app_user(exchange, &client, user));
    }
    let mut changed = Client::clone(&client);
    let remaining = match &client.assigned {
        Some(assigned) => {
            let names_him = |entry: &&String| **entry == user.id || entry.eq_ignore_ascii_case(&user.login);
            assigned.iter().filter(|entry| !names_him(entry)).cloned().collect()
        }
        None => {
            let others = tenant.users.iter().filter(|other| other.id != user.id);
            others.map(|other| other.id.clone()).collect()
        }
    };
    changed.assigned = Some(remaining);
    if changed.is_assigned(&Subject::of(user)) {
        return Err(because(&API_UNASSIGN, cause::BY_GROUP));
    }
    apps::put(exchange, changed);
    done()
}

/// `GET /api/v1/apps/{id}/groups`
pub(crate) fn groups(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = apps::named(exchange)?;
    let tenant = exchange.idp.tenant();
    let assigned = tenant.groups.iter().filter(|group| has_group(&client, group));
    let limits = paging::Limits { usual: 20, most: 200 };
    paging::page(
        exchange,
        assigned.cloned().collect(),
        |group| group.id.clone(),
        |group| app_group(exchange, &client, group),
        limits,
    )
}

/// `GET|PUT|DELETE /api/v1/apps/{id}/groups/{group}`
pub(crate) fn group(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = apps::named(exchange)?;
    let id = part(exchange, 5);
    let tenant = exchange.idp.tenant();
    let group = tenant.group(&id).ok_or_else(|| not_found(&id, "UserGroup"))?;
    if exchange.method == Method::PUT {
        api::optional_object(exchange)?;
        assign(exchange, &client, format!("group:{}", group.name));
        return ok(app_group(exchange, &client, group));
    }
    if !has_group(&client, group) {
        return Err(not_found(&id, "ApplicationGroupAssignment"));
    }
    if exchange.method == Method::DELETE {
        let mut changed = Client::clone(&client);
        let entry = format!("group:{}", group.name);
        let assigned = changed.assigned.get_or_insert_default();
        assigned.retain(|known| *known != entry);
        apps::put(exchange, changed);
        return done();
    }
    ok(app_group(exchange, &client, group))
}

/// The ids of those who may use the application.
pub(crate) fn user_ids(tenant: &Tenant, client: &Client) -> Vec<String> {
    let users = tenant
        .users
        .iter()
        .filter(|user| client.is_assigned(&Subject::of(user)));
    users.map(|user| user.id.clone()).collect()
}

/// The ids of its groups.
pub(crate) fn group_ids(tenant: &Tenant, client: &Client) -> Vec<String> {
    let groups = tenant.groups.iter().filter(|group| has_group(client, group));
    groups.map(|group| group.id.clone()).collect()
}

fn has_group(client: &Client, group: &Group) -> bool {
    match &client.assigned {
        None => group.name == EVERYONE,
        Some(assigned) => assigned
            .iter()
            .any(|entry| entry.strip_prefix("group:") == Some(&group.name)),
    }
}

/// Adds the entry, unless it is there or everybody is.
fn assign(exchange: &Exchange, client: &Arc<Client>, entry: String) {
    exchange.idp.change_tenant(|tenant| {
        let Some(known) = tenant.clients.iter_mut().find(|known| known.id == client.id) else {
            return;
        };
        if let Some(assigned) = &mut Arc::make_mut(known).assigned
            && !assigned.contains(&entry)
        {
            assigned.push(entry);
        }
    });
}

fn app_user(exchange: &Exchange, client: &Client, user: &User) -> Value {
    let is_direct = |entry: &String| *entry == user.id || entry.eq_ignore_ascii_case(&user.login);
    let direct = client.assigned.iter().flatten().any(is_direct);
    let since = moment(client.times.1.max(user.times.created));
    let mut shown = Map::new();
    if let Value::Object(all) = profile::written(user) {
        let name = format!("{} {}", user.given_name, user.family_name);
        shown.insert("name".to_owned(), json!(name));
        for (from, to) in [
            ("firstName", "given_name"),
            ("lastName", "family_name"),
            ("email", "email"),
        ] {
            if let Some(value) = all.get(from) {
                shown.insert(to.to_owned(), value.clone());
            }
        }
    }
    json!({
        "id": user.id,
        "externalId": null,
        "created": since,
        "lastUpdated": since,
        "scope": if direct { "USER" } else { "GROUP" },
        "status": "ACTIVE",
        "statusChanged": since,
        "passwordChanged": null,
        "syncState": "DISABLED",
        "credentials": {"userName": user.login},
        "profile": shown,
        "_links": {
            "app": link(exchange, &format!("/api/v1/apps/{}", client.id), &[]),
            "user": link(exchange, &format!("/api/v1/users/{}", user.id), &[]),
        },
    })
}

fn app_group(exchange: &Exchange, client: &Client, group: &Group) -> Value {
    let entry = |known: &String| known.strip_prefix("group:") == Some(&group.name);
    let priority = client
        .assigned
        .iter()
        .flatten()
        .filter(|known| known.starts_with("group:"));
    let priority = priority.into_iter().position(entry).unwrap_or_default();
    let app = format!("/api/v1/apps/{}", client.id);
    json!({
        "id": group.id,
        "lastUpdated": moment(client.times.1),
        "priority": priority,
        "profile": {},
        "_links": {
            "app": link(exchange, &app, &[]),
            "self": link(exchange, &format!("{app}/groups/{}", group.id), &[]),
            "group": link(exchange, &format!("/api/v1/groups/{}", group.id), &[]),
        },
    })
}
