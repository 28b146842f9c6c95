//! Dynamic client registration (`/oauth2/v1/clients`), for holders of an API token.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        api::{self, paging},
    },
    exchange::Exchange,
    okta::error::*,
    protocol::random,
    tenant::{ApplicationType, AuthMethod, Client, ConsentMethod},
};

/// `GET|POST /oauth2/v1/clients`
pub(crate) fn collection(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "clients")?;
    if exchange.method == axum::http::Method::POST {
        let metadata = api::object(exchange)?;
        let mut client = Client {
            consent: ConsentMethod::Required,
            ..Client::web(&random::okta_id("0oa"))
        };
        client.secret = Some(random::alphanumeric(40));
        read(&mut client, &metadata)?;
        exchange
            .idp
            .change_tenant(|tenant| tenant.clients.push(Arc::new(client.clone())));
        return Ok(answer::json(201, body(exchange, &client, true)));
    }
    let words = exchange.query.filled("q").unwrap_or_default();
    let mut clients = exchange.idp.tenant().clients.clone();
    clients.retain(|client| client.name.contains(words));
    let limits = paging::Limits { usual: 50, most: 200 };
    let key = |client: &Arc<Client>| client.id.clone();
    paging::page(exchange, clients, key, |client| body(exchange, client, false), limits)
}

/// `GET|PUT|DELETE /oauth2/v1/clients/{id}`
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "clients")?;
    let client = named(exchange)?;
    match exchange.method.as_str() {
        "PUT" => {
            let metadata = api::object(exchange)?;
            let mut changed = Client::clone(&client);
            read(&mut changed, &metadata)?;
            put(exchange, changed.clone());
            Ok(answer::json(200, body(exchange, &changed, true)))
        }
        "DELETE" => {
            exchange
                .idp
                .change_tenant(|tenant| tenant.clients.retain(|known| known.id != client.id));
            Ok(answer::empty(204))
        }
        _ => Ok(answer::json(200, body(exchange, &client, false))),
    }
}

/// `POST /oauth2/v1/clients/{id}/lifecycle/newSecret`
pub(crate) fn new_secret(exchange: &mut Exchange) -> Answered {
    api::require(exchange, "clients")?;
    let client = named(exchange)?;
    let changed = Client {
        secret: Some(random::alphanumeric(40)),
        ..Client::clone(&client)
    };
    put(exchange, changed.clone());
    Ok(answer::json(200, body(exchange, &changed, true)))
}

fn named(exchange: &Exchange) -> Result<Arc<Client>, Refusal> {
    let id = exchange.segment(3);
    exchange.idp.client(id).ok_or_else(|| {
        API_NOT_FOUND
            .with(&format!("Resource not found: {id} (PublicClientApp)"))
            .into()
    })
}

fn put(exchange: &Exchange, client: Client) {
    exchange.idp.change_tenant(|tenant| {
        if let Some(known) = tenant.clients.iter_mut().find(|known| known.id == client.id) {
            *known = Arc::new(client);
        }
    });
}

/// Takes over what the metadata says (RFC 7591 §2).
fn read(client: &mut Client, metadata: &Map<String, Value>) -> Result<(), Refusal> {
    let invalid = |text: &str| Refusal::OAuth(CLIENT_METADATA.with(text));
    let name = metadata.get("client_name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(invalid("`client_name`: The field can't be left blank."));
    }
    name.clone_into(&mut client.name);
    let texts = |name: &str| -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = metadata.get(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let list = value
            .as_array()
            .map(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        match list.flatten_some() {
            Some(list) => Ok(Some(list)),
            None => Err(invalid(&format!("`{name}`: The field must be an array of strings."))),
        }
    };
    if let Some(uris) = texts("redirect_uris")? {
        client.redirect_uris = uris;
    }
    if let Some(uris) = texts("post_logout_redirect_uris")? {
        client.post_logout_redirect_uris = uris;
    }
    if let Some(grants) = texts("grant_types")? {
        client.grant_types = grants;
    }
    if let Some(method) = metadata
        .get("token_endpoint_auth_method")
        .filter(|value| !value.is_null())
    {
        client.auth_method = serde_json::from_value::<AuthMethod>(method.clone())
            .map_err(|_| invalid("`token_endpoint_auth_method`: The value is invalid."))?;
    }
    if let Some(kind) = metadata.get("application_type").filter(|value| !value.is_null()) {
        client.application_type = serde_json::from_value::<ApplicationType>(kind.clone())
            .map_err(|_| invalid("`application_type`: The value is invalid."))?;
    }
    if let Some(keys) = metadata.pointer_keys() {
        client.jwks = keys;
    }
    client.frontchannel_logout_uri = metadata
        .get("frontchannel_logout_uri")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let needs_redirect = client
        .grant_types
        .iter()
        .any(|grant| grant == "authorization_code" || grant == "implicit");
    if needs_redirect && client.redirect_uris.is_empty() {
        return Err(invalid(
            "`redirect_uris`: 'redirect_uris' must have at least 1 item for the requested grant types.",
        ));
    }
    if client.auth_method == AuthMethod::None {
        client.secret = None;
        client.pkce_required = true;
    }
    Ok(())
}

/// The response types that its grants imply.
pub(crate) fn response_types(client: &Client) -> Vec<&'static str> {
    let implied = client.grant_types.iter().filter_map(|grant| match grant.as_str() {
        "authorization_code" => Some("code"),
        "implicit" => Some("id_token"),
        "client_credentials" => Some("token"),
        _ => None,
    });
    implied.collect()
}

/// The members in Okta's order; the secret only where it was just made or changed.
fn body(exchange: &Exchange, client: &Client, with_secret: bool) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    put("client_id", json!(client.id));
    if let Some(secret) = client.secret.as_ref().filter(|_| with_secret) {
        put("client_secret", json!(secret));
    }
    put("client_id_issued_at", json!(exchange.idp.clock.now()));
    if client.secret.is_some() {
        put("client_secret_expires_at", json!(0));
    }
    put("client_name", json!(client.name));
    put("client_uri", Value::Null);
    put("logo_uri", Value::Null);
    put("application_type", json!(client.application_type));
    put("redirect_uris", json!(client.redirect_uris));
    put("post_logout_redirect_uris", json!(client.post_logout_redirect_uris));
    put("response_types", json!(response_types(client)));
    put("grant_types", json!(client.grant_types));
    put("token_endpoint_auth_method", json!(client.auth_method));
    put("initiate_login_uri", Value::Null);
    if let Some(uri) = &client.frontchannel_logout_uri {
        put("frontchannel_logout_uri", json!(uri));
        put(
            "frontchannel_logout_session_required",
            json!(client.frontchannel_logout_session_required),
        );
    }
    if !client.jwks.is_empty() {
        put("jwks", json!({"keys": client.jwks}));
    }
    Value::Object(members)
}

/// `[Some(a), Some(b)]` → `Some([a, b])`.
trait FlattenSome {
    fn flatten_some(self) -> Option<Vec<String>>;
}

impl FlattenSome for Option<Vec<Option<String>>> {
    fn flatten_some(self) -> Option<Vec<String>> {
        self?.into_iter().collect()
    }
}

trait Keys {
    fn pointer_keys(&self) -> Option<Vec<Value>>;
}

impl Keys for Map<String, Value> {
    /// `jwks.keys`
    fn pointer_keys(&self) -> Option<Vec<Value>> {
        self.get("jwks")?.get("keys")?.as_array().cloned()
    }
}
