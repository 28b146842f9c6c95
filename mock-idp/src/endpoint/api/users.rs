//! `/api/v1/users`

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{because, cause, done, flag, invalid, invalid_field, member, moment, not_found, ok, part, perhaps, text};
use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api::{self, paging, profile, search},
        universal_logout,
    },
    exchange::Exchange,
    okta::error::{API_CREDENTIALS, API_SEARCH_AND_FILTER, API_STATE},
    protocol::random,
    tenant::{EVERYONE, Tenant, User, UserStatus, UserTimes, stable_id},
};

/// A search by `q` gives ten.
const FOUND: paging::Limits = paging::Limits { usual: 10, most: 200 };
/// Longer passwords are refused.
const LONGEST_PASSWORD: usize = 72;

/// `GET|POST /api/v1/users`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    if exchange.method == axum::http::Method::POST {
        create(exchange)
    } else {
        list(exchange)
    }
}

/// `GET|POST|PUT|DELETE /api/v1/users/{id}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let user = named(exchange)?;
    match exchange.method.as_str() {
        "POST" => update(exchange, &user, false),
        "PUT" => update(exchange, &user, true),
        "DELETE" => delete(exchange, &user),
        _ => ok(document(exchange, &user, true)),
    }
}

/// `GET /api/v1/users/{id}/groups`
pub(crate) fn groups(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let user = named(exchange)?;
    let tenant = exchange.idp.tenant();
    let groups = tenant.groups.iter().filter(|group| user.groups.contains(&group.name));
    paging::page(
        exchange,
        groups.cloned().collect(),
        |group| group.id.clone(),
        |group| api::groups::document(exchange, group),
        paging::USUAL,
    )
}

/// `GET /api/v1/users/{id}/appLinks`
pub(crate) fn app_links(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let user = named(exchange)?;
    let subject = crate::tenant::Subject::of(&user);
    let tenant = exchange.idp.tenant();
    let clients = tenant
        .clients
        .iter()
        .filter(|client| client.active && client.is_assigned(&subject));
    let links = clients.map(|client| {
        json!({
            "id": stable_id("00u", &format!("link {} {}", user.id, client.id)),
            "label": client.name,
            "linkUrl": format!("{}/home/oidc_client/{}/aln177a159h7Zf52X0g8", exchange.org(), client.id),
            "logoUrl": format!("{}/assets/img/logos/default.png", exchange.org()),
            "appName": "oidc_client",
            "appInstanceId": client.id,
            "appAssignmentId": stable_id("0ua", &format!("assignment {} {}", user.id, client.id)),
            "credentialsSetup": false,
            "hidden": false,
            "sortOrder": 0,
        })
    });
    ok(links.collect())
}

/// `DELETE /api/v1/users/{id}/sessions[?oauthTokens=true]`: signs the user out everywhere.
pub(crate) fn sessions(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let user = named(exchange)?;
    if flag(exchange, "oauthTokens", false) {
        exchange.idp.end_everything(&user.id);
        universal_logout::send_later(&exchange.idp, &user);
    } else {
        exchange.idp.end_sessions(&user.id);
    }
    done()
}

/// `POST /api/v1/users/{id}/credentials/change_password`
pub(crate) fn change_password(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "users")?;
    let user = named(exchange)?;
    if !matches!(
        user.status,
        UserStatus::Active | UserStatus::PasswordExpired | UserStatus::Recovery
    ) {
        return Err(API_STATE.into());
    }
    let body = api::object(exchange)?;
    let value = |name: &str| member(&body, name).and_then(|password| text(password, "value"));
    let (Some(old), Some(new)) = (value("oldPassword"), value("newPassword")) else {
        return Err(invalid_field("password", cause::BLANK));
    };
    if !user.accepts(old) {
        return Err(because(&API_CREDENTIALS, cause::OLD_PASSWORD));
    }
    let new = new.to_owned();
    let changed = change(exchange, &user.id, |user, now| {
        user.password = Some(new);
        user.times.password_changed = Some(now);
        set_status(user, UserStatus::Active, now);
    })?;
    ok(credentials(&changed))
}

/// The user that the path names: by id, or by login.
pub(crate) fn named(exchange: &Exchange) -> Result<Arc<User>, Refusal> {
    let id = part(exchange, 3);
    let tenant = exchange.idp.tenant();
    // API tokens belong to somebody: here to the first user.
    let found = match id.as_str() {
        "me" => tenant.users.first(),
        id => tenant.user_by_id(id).or_else(|| tenant.user(id)),
    };
    found.cloned().ok_or_else(|| not_found(&id, "User"))
}

/// Changes a user; the user as he is then.
pub(crate) fn change(exchange: &Exchange, id: &str, change: impl FnOnce(&mut User, i64)) -> Result<Arc<User>, Refusal> {
    let now = exchange.idp.clock.now();
    let changed = exchange.idp.change_tenant(|tenant| {
        let user = tenant.users.iter_mut().find(|user| user.id == id)?;
        change(Arc::make_mut(user), now);
        Arc::make_mut(user).times.changed = now;
        Some(user.clone())
    });
    changed.ok_or_else(|| not_found(id, "User"))
}

/// Puts the account into this status.
pub(crate) fn set_status(user: &mut User, status: UserStatus, now: i64) {
    if user.status != status {
        user.status = status;
        user.times.status_changed = Some(now);
    }
    if status == UserStatus::Active {
        user.times.activated.get_or_insert(now);
    }
}

fn list(exchange: &Exchange) -> Answered {
    let query = |name: &str| exchange.query.filled(name);
    if query("search").is_some() && query("filter").is_some() {
        return Err(API_SEARCH_AND_FILTER.into());
    }
    let wanted = query("search").or(query("filter")).map(search::parse).transpose()?;
    let words = query("q").map(str::to_lowercase);
    let tenant = exchange.idp.tenant();
    let mut users: Vec<(Arc<User>, Value)> = tenant
        .users
        .iter()
        .filter(|user| wanted.is_some() || user.status != UserStatus::Deprovisioned)
        .filter(|user| words.as_deref().is_none_or(|words| is_found(user, words)))
        .map(|user| (user.clone(), document(exchange, user, false)))
        .collect();
    if let Some(wanted) = wanted {
        users.retain(|(_, document)| wanted.holds(document));
    }
    let limits = if words.is_some() { FOUND } else { paging::USUAL };
    let Some(sort_by) = query("sortBy").filter(|_| query("search").is_some()) else {
        return paging::page(
            exchange,
            users,
            |(user, _)| user.id.clone(),
            |(_, value)| value.clone(),
            limits,
        );
    };
    let sort_key = |value: &Value| {
        let found = sort_by.split('.').try_fold(value, |value, name| value.get(name));
        found.map_or_else(String::new, ToString::to_string).to_lowercase()
    };
    users.sort_by_cached_key(|(user, value)| (sort_key(value), user.id.clone()));
    if query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
        users.reverse();
    }
    let ranked: Vec<(usize, Value)> = users.into_iter().map(|(_, value)| value).enumerate().collect();
    paging::page(
        exchange,
        ranked,
        |(rank, _)| format!("{rank:08}"),
        |(_, value)| value.clone(),
        limits,
    )
}

/// `q`: the beginning of a name, an e-mail address or a login.
fn is_found(user: &User, words: &str) -> bool {
    let name = format!("{} {}", user.given_name, user.family_name);
    [&user.given_name, &user.family_name, &user.email, &user.login, &name]
        .into_iter()
        .any(|field| field.to_lowercase().starts_with(words))
}

fn create(exchange: &Exchange) -> Answered {
    let body = api::object(exchange)?;
    let now = exchange.idp.clock.now();
    let mut user = User {
        id: random::okta_id("00u"),
        groups: vec![EVERYONE.to_owned()],
        times: UserTimes {
            created: now,
            activated: None,
            status_changed: None,
            changed: now,
            password_changed: None,
        },
        ..User::default()
    };
    let empty = Map::new();
    profile::read(&mut user, member(&body, "profile").unwrap_or(&empty), true)?;
    let credentials = member(&body, "credentials").unwrap_or(&empty);
    read_password(&mut user, credentials, now)?;
    let is_federated = member(credentials, "provider")
        .and_then(|provider| text(provider, "type"))
        .is_some_and(|kind| kind != "OKTA");
    let status = match (flag(exchange, "activate", true), &user.password) {
        (false, _) => UserStatus::Staged,
        (true, Some(_)) if exchange.query.get("nextlogin") == Some("changePassword") => UserStatus::PasswordExpired,
        (true, Some(_)) => UserStatus::Active,
        (true, None) if is_federated => UserStatus::Active,
        (true, None) => UserStatus::Provisioned,
    };
    set_status(&mut user, status, now);
    if status != UserStatus::Staged {
        user.times.activated = Some(now);
    }
    let wanted = api::texts(&body, "groupIds")?.unwrap_or_default();
    let tenant = exchange.idp.tenant();
    for id in &wanted {
        let group = tenant.group(id).ok_or_else(|| not_found(id, "UserGroup"))?;
        if !user.groups.contains(&group.name) {
            user.groups.push(group.name.clone());
        }
    }
    let user = Arc::new(user);
    exchange.idp.change_tenant(|tenant| {
        is_free(tenant, &user)?;
        tenant.users.push(user.clone());
        Ok::<(), Refusal>(())
    })?;
    ok(document(exchange, &user, true))
}

fn update(exchange: &Exchange, user: &User, replace: bool) -> Answered {
    if user.status == UserStatus::Deprovisioned {
        return Err(API_STATE.into());
    }
    let body = api::object(exchange)?;
    let now = exchange.idp.clock.now();
    let mut changed = user.clone();
    if let Some(sent) = member(&body, "profile") {
        profile::read(&mut changed, sent, replace)?;
    } else if replace {
        return Err(invalid("profile", &[format!("profile: {}", cause::BLANK)]));
    }
    if let Some(credentials) = member(&body, "credentials") {
        read_password(&mut changed, credentials, now)?;
        let waits = matches!(
            user.status,
            UserStatus::Provisioned | UserStatus::Recovery | UserStatus::PasswordExpired
        );
        if changed.password != user.password && waits {
            set_status(&mut changed, UserStatus::Active, now);
        }
    }
    changed.times.changed = now;
    let changed = Arc::new(changed);
    exchange.idp.change_tenant(|tenant| {
        is_free(tenant, &changed)?;
        let known = tenant.users.iter_mut().find(|known| known.id == changed.id);
        *known.ok_or_else(|| not_found(&changed.id, "User"))? = changed.clone();
        if changed.login != user.login {
            rename(tenant, &user.login, &changed.id);
        }
        Ok::<(), Refusal>(())
    })?;
    ok(document(exchange, &changed, true))
}

/// Assignments that name the old login name the id from now on.
fn rename(tenant: &mut Tenant, old: &str, id: &str) {
    for client in &mut tenant.clients {
        let names_him = |entry: &String| entry.eq_ignore_ascii_case(old);
        if client.assigned.iter().flatten().any(names_him) {
            let entries = Arc::make_mut(client).assigned.iter_mut().flatten();
            entries
                .filter(|entry| names_him(entry))
                .for_each(|entry| id.clone_into(entry));
        }
    }
}

/// The first time a user is deactivated, the second time he is gone.
fn delete(exchange: &Exchange, user: &User) -> Answered {
    exchange.idp.end_everything(&user.id);
    if user.status != UserStatus::Deprovisioned {
        change(exchange, &user.id, |user, now| {
            set_status(user, UserStatus::Deprovisioned, now)
        })?;
        return done();
    }
    exchange
        .idp
        .change_tenant(|tenant| tenant.users.retain(|known| known.id != user.id));
    done()
}

fn is_free(tenant: &Tenant, user: &User) -> Result<(), Refusal> {
    let other = tenant.user(&user.login).filter(|other| other.id != user.id);
    match other {
        Some(_) => Err(invalid_field("login", cause::TAKEN)),
        None => Ok(()),
    }
}

fn read_password(user: &mut User, credentials: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    let Some(password) = member(credentials, "password") else {
        return Ok(());
    };
    if password.contains_key("hash") || password.contains_key("hook") {
        return Err(invalid_field("password", cause::PLAIN_PASSWORD));
    }
    match password.get("value") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(value)) if !value.is_empty() && value.chars().count() <= LONGEST_PASSWORD => {
            user.password = Some(value.clone());
            user.times.password_changed = Some(now);
            Ok(())
        }
        Some(_) => Err(invalid_field("password", cause::PASSWORD)),
    }
}

fn credentials(user: &User) -> Value {
    let mut members = Map::new();
    if user.password.is_some() || user.status == UserStatus::Active {
        members.insert("password".to_owned(), json!({}));
    }
    members.insert(
        "emails".to_owned(),
        json!([{"value": user.email, "status": "VERIFIED", "type": "PRIMARY"}]),
    );
    members.insert("provider".to_owned(), json!({"type": "OKTA", "name": "OKTA"}));
    Value::Object(members)
}

/// The user as Okta shows it; alone with links to what can be done.
pub(crate) fn document(exchange: &Exchange, user: &User, alone: bool) -> Value {
    let times = user.times;
    let last_login = exchange.idp.store.last_logins.get(&user.id);
    json!({
        "id": user.id,
        "status": user.status,
        "created": moment(times.created),
        "activated": perhaps(times.activated),
        "statusChanged": perhaps(times.status_changed),
        "lastLogin": perhaps(last_login),
        "lastUpdated": moment(times.changed),
        "passwordChanged": perhaps(times.password_changed),
        "type": {"id": stable_id("oty", "user type")},
        "profile": profile::written(user),
        "credentials": credentials(user),
        "_links": links(exchange, user, alone),
    })
}

fn links(exchange: &Exchange, user: &User, alone: bool) -> Value {
    let path = format!("/api/v1/users/{}", user.id);
    let mut links = Map::new();
    let operations: &[(&str, &str)] = match user.status {
        _ if !alone => &[],
        UserStatus::Active => &[
            ("suspend", "lifecycle/suspend"),
            ("resetPassword", "lifecycle/reset_password"),
            ("expirePassword", "lifecycle/expire_password"),
            ("changePassword", "credentials/change_password"),
            ("deactivate", "lifecycle/deactivate"),
        ],
        UserStatus::Suspended => &[
            ("unsuspend", "lifecycle/unsuspend"),
            ("deactivate", "lifecycle/deactivate"),
        ],
        UserStatus::LockedOut => &[("unlock", "lifecycle/unlock"), ("deactivate", "lifecycle/deactivate")],
        UserStatus::Staged | UserStatus::Deprovisioned => &[("activate", "lifecycle/activate")],
        UserStatus::Provisioned => &[
            ("reactivate", "lifecycle/reactivate"),
            ("deactivate", "lifecycle/deactivate"),
        ],
        UserStatus::PasswordExpired | UserStatus::Recovery => &[
            ("resetPassword", "lifecycle/reset_password"),
            ("deactivate", "lifecycle/deactivate"),
        ],
    };
    for (name, operation) in operations {
        let href = format!("{}{path}/{operation}", exchange.org());
        links.insert((*name).to_owned(), json!({"href": href, "method": "POST"}));
    }
    links.insert("self".to_owned(), api::link(exchange, &path, &[]));
    Value::Object(links)
}

/// An answer with a link that would have been sent by mail.
pub(crate) fn mailed(exchange: &Exchange, members: Value) -> Answered {
    let shown = !flag(exchange, "sendEmail", true);
    Ok(answer::json(200, if shown { members } else { json!({}) }))
}
