//! `/api/v1/apps`: OpenID Connect applications. An application's id is its `client_id`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    cause, done, flag, invalid_field, limited, link, member, moment, not_found, ok, part, status, text, texts,
};
use crate::{
    endpoint::{
        answer::{Answered, Refusal},
        api::{self, assignments, paging, search},
        clients::response_types,
    },
    exchange::Exchange,
    okta::error::{API_APP_DELETE, API_METHOD},
    protocol::random,
    tenant::{ApplicationType, AuthMethod, Client, ConsentMethod, Rotation},
};

const LIMITS: paging::Limits = paging::Limits { usual: 20, most: 200 };
/// Settings of the client that are kept and shown, and change nothing here.
const SHOWN: &[&str] = &[
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "initiate_login_uri",
    "issuer_mode",
    "idp_initiated_login",
    "jwks_uri",
    "network",
];

/// `GET|POST /api/v1/apps`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    if exchange.method == axum::http::Method::POST {
        create(exchange)
    } else {
        list(exchange)
    }
}

/// `GET|PUT|DELETE /api/v1/apps/{id}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => {
            let mut changed = Client::clone(&client);
            read(exchange, &mut changed, false)?;
            changed.times.1 = exchange.idp.clock.now();
            put(exchange, changed.clone());
            ok(document(exchange, &changed))
        }
        "DELETE" if client.active => Err(API_APP_DELETE.into()),
        "DELETE" => {
            exchange
                .idp
                .change_tenant(|tenant| tenant.clients.retain(|known| known.id != client.id));
            done()
        }
        "POST" => Err(API_METHOD.into()),
        _ => ok(document(exchange, &client)),
    }
}

/// `POST /api/v1/apps/{id}/lifecycle/{activate|deactivate}`
pub(crate) fn lifecycle(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "apps")?;
    let client = named(exchange)?;
    let mut changed = Client::clone(&client);
    changed.active = api::wanted_state(exchange, 5)?;
    put(exchange, changed);
    ok(json!({}))
}

/// The application that the path names.
pub(crate) fn named(exchange: &Exchange) -> Result<Arc<Client>, Refusal> {
    let id = part(exchange, 3);
    let tenant = exchange.idp.tenant();
    tenant.client(&id).cloned().ok_or_else(|| not_found(&id, "AppInstance"))
}

/// Puts the application in the place of the one with its id.
pub(crate) fn put(exchange: &Exchange, client: Client) {
    exchange.idp.change_tenant(|tenant| {
        if let Some(known) = tenant.clients.iter_mut().find(|known| known.id == client.id) {
            *known = Arc::new(client);
        }
    });
}

fn list(exchange: &Exchange) -> Answered {
    let query = |name: &str| exchange.query.filled(name);
    let wanted = query("filter").map(search::parse).transpose()?;
    let words = query("q").map(str::to_lowercase);
    let tenant = exchange.idp.tenant();
    let is_wanted = |client: &Client| {
        let Some(wanted) = &wanted else { return true };
        let mut searched = document(exchange, client);
        // `user.id eq "…"` and `group.id eq "…"` ask for assignments.
        searched["user"] = json!({"id": assignments::user_ids(&tenant, client)});
        searched["group"] = json!({"id": assignments::group_ids(&tenant, client)});
        wanted.holds(&searched)
    };
    let clients = tenant
        .clients
        .iter()
        .filter(|client| {
            words
                .as_deref()
                .is_none_or(|words| client.name.to_lowercase().starts_with(words))
        })
        .filter(|client| is_wanted(client));
    paging::page(
        exchange,
        clients.cloned().collect(),
        |client| client.id.clone(),
        |client| document(exchange, client),
        LIMITS,
    )
}

fn create(exchange: &Exchange) -> Answered {
    let now = exchange.idp.clock.now();
    let mut client = Client {
        assigned: Some(Vec::new()),
        times: (now, now),
        active: flag(exchange, "activate", true),
        grant_types: vec!["authorization_code".to_owned()],
        ..Client::web(&random::okta_id("0oa"))
    };
    client.secret = Some(random::token43());
    read(exchange, &mut client, true)?;
    let client = Arc::new(client);
    exchange.idp.change_tenant(|tenant| {
        if tenant.client(&client.id).is_some() {
            return Err(invalid_field("client_id", cause::TAKEN));
        }
        tenant.clients.push(client.clone());
        Ok(())
    })?;
    ok(document(exchange, &client))
}

/// Puts in what the request says.
fn read(exchange: &Exchange, client: &mut Client, is_new: bool) -> Result<(), Refusal> {
    let body = api::object(exchange)?;
    if text(&body, "name").is_some_and(|name| name != "oidc_client") {
        return Err(invalid_field("name", cause::KIND));
    }
    if text(&body, "signOnMode").is_some_and(|mode| mode != "OPENID_CONNECT") {
        return Err(invalid_field("signOnMode", cause::MODE));
    }
    match limited(&body, "label", 100)?.filter(|label| !label.trim().is_empty()) {
        Some(label) => label.clone_into(&mut client.name),
        None => return Err(invalid_field("label", cause::BLANK)),
    }
    let empty = Map::new();
    let settings = member(&body, "settings").unwrap_or(&empty);
    if let Some(implicit) = settings.get("implicitAssignment").and_then(Value::as_bool)
        && implicit != client.assigned.is_none()
    {
        client.assigned = if implicit { None } else { Some(Vec::new()) };
    }
    for name in ["profile", "visibility", "accessibility"] {
        if let Some(value) = body.get(name).filter(|value| value.is_object()) {
            client.settings.insert(name.to_owned(), value.clone());
        }
    }
    read_settings(client, member(settings, "oauthClient").unwrap_or(&empty))?;
    let credentials = member(&body, "credentials").and_then(|credentials| member(credentials, "oauthClient"));
    read_credentials(client, credentials.unwrap_or(&empty), is_new)?;
    let needs_redirect = ["authorization_code", "implicit"];
    let needs_redirect = client
        .grant_types
        .iter()
        .any(|grant| needs_redirect.contains(&grant.as_str()));
    if needs_redirect && client.redirect_uris.is_empty() && client.application_type != ApplicationType::Service {
        return Err(invalid_field("redirect_uris", cause::REDIRECT_URIS));
    }
    Ok(())
}

fn read_settings(client: &mut Client, sent: &Map<String, Value>) -> Result<(), Refusal> {
    let was_browser = client.application_type;
    if let Some(kind) = one_of(sent, "application_type")? {
        client.application_type = kind;
    }
    if client.application_type != was_browser {
        let is_browser = client.application_type == ApplicationType::Browser;
        client.rotation = if is_browser { Rotation::Rotate } else { Rotation::Static };
        client.pkce_required = matches!(
            client.application_type,
            ApplicationType::Browser | ApplicationType::Native
        );
    }
    if let Some(method) = one_of::<ConsentMethod>(sent, "consent_method")? {
        client.consent = method;
    }
    for (name, field) in [
        ("redirect_uris", &mut client.redirect_uris),
        ("post_logout_redirect_uris", &mut client.post_logout_redirect_uris),
    ] {
        let uris = texts(sent, name)?.unwrap_or_default();
        if let Some(bad) = uris.iter().find(|uri| !is_uri(uri)) {
            return Err(invalid_field(name, &cause::NO_URI.replace("{0}", bad)));
        }
        *field = uris;
    }
    if let Some(grants) = texts(sent, "grant_types")? {
        client.grant_types = grants;
    }
    let flags = [
        ("dpop_bound_access_tokens", &mut client.dpop_bound),
        (
            "frontchannel_logout_session_required",
            &mut client.frontchannel_logout_session_required,
        ),
    ];
    for (name, field) in flags {
        if let Some(value) = sent.get(name).and_then(Value::as_bool) {
            *field = value;
        }
    }
    if let Some(wildcard) = text(sent, "wildcard_redirect") {
        client.wildcard_redirect = wildcard == "SUBDOMAIN";
    }
    if let Some(uri) = text(sent, "frontchannel_logout_uri") {
        client.frontchannel_logout_uri = Some(uri.to_owned());
    }
    if let Some(refresh) = member(sent, "refresh_token") {
        match text(refresh, "rotation_type") {
            Some("ROTATE") => client.rotation = Rotation::Rotate,
            Some("STATIC") => client.rotation = Rotation::Static,
            _ => {
                return Err(invalid_field(
                    "rotation_type",
                    &cause::ONE_OF.replace("{0}", "ROTATE or STATIC"),
                ));
            }
        }
        match refresh.get("leeway").map(Value::as_i64) {
            None => {}
            Some(Some(leeway)) if (0..=60).contains(&leeway) => client.leeway = leeway,
            Some(_) => return Err(invalid_field("leeway", &cause::IN_RANGE.replace("{0}", "0 - 60"))),
        }
    }
    if let Some(keys) = member(sent, "jwks").and_then(|jwks| jwks.get("keys")) {
        client.jwks = keys.as_array().cloned().unwrap_or_default();
    }
    let shown: Map<String, Value> = sent
        .iter()
        .filter(|(name, _)| SHOWN.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    client.settings.insert("oauthClient".to_owned(), Value::Object(shown));
    Ok(())
}

fn read_credentials(client: &mut Client, sent: &Map<String, Value>, is_new: bool) -> Result<(), Refusal> {
    if let Some(id) = text(sent, "client_id") {
        let is_known = id == client.id;
        let is_fine = |id: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.+!*'(),".contains(&byte);
            (6..=100).contains(&id.len()) && id.bytes().all(allowed) && id != "ALL_CLIENTS"
        };
        if !is_known && !is_new {
            return Err(invalid_field("client_id", cause::CLIENT_ID_FIXED));
        }
        if !is_known && !is_fine(id) {
            return Err(invalid_field("client_id", cause::CLIENT_ID));
        }
        id.clone_into(&mut client.id);
    }
    if let Some(method) = one_of(sent, "token_endpoint_auth_method")? {
        client.auth_method = method;
    }
    if let Some(secret) = text(sent, "client_secret") {
        if !(14..=100).contains(&secret.len()) {
            return Err(invalid_field("client_secret", cause::CLIENT_SECRET));
        }
        client.secret = Some(secret.to_owned());
    }
    if let Some(required) = sent.get("pkce_required").and_then(Value::as_bool) {
        client.pkce_required = required;
    }
    match client.auth_method {
        AuthMethod::None => {
            client.secret = None;
            client.pkce_required = true;
        }
        AuthMethod::PrivateKeyJwt => client.secret = None,
        _ => {
            client.secret.get_or_insert_with(random::token43);
        }
    }
    Ok(())
}

/// A member that is one of the names of a type.
fn one_of<T: serde::de::DeserializeOwned>(sent: &Map<String, Value>, name: &str) -> Result<Option<T>, Refusal> {
    match sent.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => match serde_json::from_value(value.clone()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(invalid_field(name, cause::INVALID)),
        },
    }
}

/// An absolute URI without a fragment. Native applications have schemes of their own; wildcards are no URL to a parser.
fn is_uri(uri: &str) -> bool {
    let plain = uri.replace('*', "wildcard");
    url::Url::parse(&plain).is_ok_and(|url| url.fragment().is_none()) && uri.len() <= 1024
}

/// The application as Okta shows it.
pub(crate) fn document(exchange: &Exchange, client: &Client) -> Value {
    let path = format!("/api/v1/apps/{}", client.id);
    let of = |name: &str, otherwise: Value| client.settings.get(name).cloned().unwrap_or(otherwise);
    let shown_links = json!({"oidc_client_link": true});
    let mut document = json!({
        "id": client.id,
        "orn": format!("orn:okta:idp:{}:apps:oidc_client:{}", exchange.idp.tenant().id, client.id),
        "name": "oidc_client",
        "label": client.name,
        "status": status(client.active),
        "lastUpdated": moment(client.times.1),
        "created": moment(client.times.0),
        "accessibility": of("accessibility", json!({"selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null})),
        "visibility": of("visibility", json!({
            "autoLaunch": false,
            "autoSubmitToolbar": false,
            "hide": {"iOS": true, "web": true},
            "appLinks": shown_links,
        })),
        "features": [],
        "signOnMode": "OPENID_CONNECT",
        "credentials": credentials(client),
        "settings": {
            "app": {},
            "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": null, "helpUrl": null}},
            "manualProvisioning": false,
            "implicitAssignment": client.assigned.is_none(),
            "notes": {"admin": null, "enduser": null},
            "oauthClient": settings(client),
        },
        "_links": {
            "users": link(exchange, &format!("{path}/users"), &[]),
            "groups": link(exchange, &format!("{path}/groups"), &[]),
            "self": link(exchange, &path, &[]),
            "deactivate": link(exchange, &format!("{path}/lifecycle/deactivate"), &[]),
            "activate": link(exchange, &format!("{path}/lifecycle/activate"), &[]),
            "logo": [{"name": "medium", "href": format!("{}/assets/img/logos/default.png", exchange.org()), "type": "image/png"}],
        },
    });
    if let (Some(profile), Some(members)) = (client.settings.get("profile"), document.as_object_mut()) {
        members.insert("profile".to_owned(), profile.clone());
    }
    if let Some(links) = document.get_mut("_links").and_then(Value::as_object_mut) {
        links.shift_remove(if client.active { "activate" } else { "deactivate" });
    }
    document
}

fn credentials(client: &Client) -> Value {
    let mut oauth = Map::new();
    oauth.insert("autoKeyRotation".to_owned(), json!(true));
    oauth.insert("client_id".to_owned(), json!(client.id));
    if let Some(secret) = &client.secret {
        oauth.insert("client_secret".to_owned(), json!(secret));
    }
    oauth.insert("token_endpoint_auth_method".to_owned(), json!(client.auth_method));
    oauth.insert("pkce_required".to_owned(), json!(client.pkce_required));
    json!({
        "userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"},
        "signing": {},
        "oauthClient": oauth,
    })
}

fn settings(client: &Client) -> Value {
    let mut members = json!({
        "client_uri": null,
        "logo_uri": null,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "response_types": response_types(client),
        "grant_types": client.grant_types,
        "initiate_login_uri": null,
        "application_type": client.application_type,
        "consent_method": client.consent,
        "issuer_mode": "ORG_URL",
        "idp_initiated_login": {"mode": "DISABLED", "default_scope": []},
        "wildcard_redirect": if client.wildcard_redirect { "SUBDOMAIN" } else { "DISABLED" },
        "dpop_bound_access_tokens": client.dpop_bound,
    });
    if let Some(members) = members.as_object_mut() {
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        if client.grant_types.iter().any(|grant| grant == "refresh_token") {
            let rotates = client.rotation == Rotation::Rotate;
            let kind = if rotates { "ROTATE" } else { "STATIC" };
            put("refresh_token", json!({"rotation_type": kind, "leeway": client.leeway}));
        }
        if !client.jwks.is_empty() {
            put("jwks", json!({"keys": client.jwks}));
        }
        if let Some(uri) = &client.frontchannel_logout_uri {
            put("frontchannel_logout_uri", json!(uri));
            let required = client.frontchannel_logout_session_required;
            put("frontchannel_logout_session_required", json!(required));
        }
        if let Some(shown) = client.settings.get("oauthClient").and_then(Value::as_object) {
            members.extend(shown.clone());
        }
    }
    members
}
