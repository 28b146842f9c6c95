//! Registered applications.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    Control,
    input::{Body, Part},
    problem::Problem,
    system::Done,
};
use crate::tenant::{ApplicationType, AuthMethod, Client, ConsentMethod, Rotation};

/// A registered application.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClientView {
    id: String,
    name: String,
    /// `null` for a public client.
    secret: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    grant_types: Vec<String>,
    /// `client_secret_basic`, `private_key_jwt`, `none`, …
    auth_method: Value,
    /// `web`, `browser`, `native` or `service`.
    application_type: Value,
    pkce_required: bool,
    /// `static` or `rotate`.
    refresh_tokens: Value,
    backchannel_logout_uri: Option<String>,
    active: bool,
}

impl ClientView {
    fn of(client: &Client) -> Self {
        let word = |value: Result<Value, _>| value.unwrap_or_default();
        Self {
            id: client.id.clone(),
            name: client.name.clone(),
            secret: client.secret.clone(),
            redirect_uris: client.redirect_uris.clone(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            grant_types: client.grant_types.clone(),
            auth_method: word(serde_json::to_value(client.auth_method)),
            application_type: word(serde_json::to_value(client.application_type)),
            pkce_required: client.pkce_required,
            refresh_tokens: word(serde_json::to_value(client.rotation)),
            backchannel_logout_uri: client.backchannel_logout_uri.clone(),
            active: client.active,
        }
    }
}

/// What is to change; what is left out stays, or is as for a confidential web application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClientInput {
    name: Option<String>,
    secret: Option<String>,
    /// A public client: no secret, PKCE required.
    public: bool,
    redirect_uris: Option<Vec<String>>,
    post_logout_redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    #[schemars(with = "Option<String>")]
    auth_method: Option<AuthMethod>,
    #[schemars(with = "Option<String>")]
    application_type: Option<ApplicationType>,
    pkce_required: Option<bool>,
    /// `static` or `rotate`.
    #[schemars(with = "Option<String>")]
    refresh_tokens: Option<Rotation>,
    /// `TRUSTED` or `REQUIRED`.
    #[schemars(with = "Option<String>")]
    consent: Option<ConsentMethod>,
    backchannel_logout_uri: Option<String>,
    /// Who may sign in: logins, ids, or `group:NAME`.
    assigned: Option<Vec<String>>,
}

/// Longer ids are refused.
const LONGEST_ID: usize = 100;

pub(crate) async fn list(State(control): State<Control>) -> Json<Vec<ClientView>> {
    let tenant = control.idp.tenant();
    Json(tenant.clients.iter().map(|client| ClientView::of(client)).collect())
}

pub(crate) async fn one(State(control): State<Control>, Part(id): Part) -> Result<Json<ClientView>, Problem> {
    control.known_client(&id)?;
    let tenant = control.idp.tenant();
    let client = tenant.client(&id).map(|client| Json(ClientView::of(client)));
    client.ok_or_else(|| Problem::not_found(format!("there is no client `{id}`")))
}

pub(crate) async fn put(
    State(control): State<Control>,
    Part(id): Part,
    Body(input): Body<ClientInput>,
) -> Result<(StatusCode, Json<ClientView>), Problem> {
    if id.trim().is_empty() || id.chars().count() > LONGEST_ID || !id.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err(Problem::bad(format!(
            "a client id has 1 to {LONGEST_ID} visible ASCII characters"
        )));
    }
    input.check()?;
    let changed = control.idp.change_tenant(|tenant| {
        let known = tenant.clients.iter().position(|client| client.id == id);
        let status = if known.is_some() {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        let at = known.unwrap_or_else(|| {
            tenant.clients.push(Arc::new(Client::web(&id)));
            tenant.clients.len() - 1
        });
        let client = Arc::make_mut(&mut tenant.clients[at]);
        input.apply(client);
        let view = ClientView::of(client);
        tenant.found_groups();
        (status, Json(view))
    });
    Ok(changed)
}

impl ClientInput {
    fn check(&self) -> Result<(), Problem> {
        if self.public && self.secret.is_some() {
            return Err(Problem::bad(
                "a public client has no `secret`: leave one of `public` and `secret` out",
            ));
        }
        let uris = [&self.redirect_uris, &self.post_logout_redirect_uris]
            .into_iter()
            .flatten()
            .flatten();
        for uri in uris.chain(&self.backchannel_logout_uri) {
            let url = Url::parse(uri).map_err(|error| {
                let text = format!("`{uri}` is no absolute URI ({error})");
                Problem::bad(text).fix("write it as http://localhost:3000/callback")
            })?;
            if url.fragment().is_some() {
                return Err(Problem::bad(format!(
                    "`{uri}` has a fragment, which no registered URI may have"
                )));
            }
        }
        Ok(())
    }

    fn apply(self, client: &mut Client) {
        macro_rules! set {
            ($($field:ident),*) => { $(if let Some(value) = self.$field { client.$field = value; })* };
        }
        set!(
            name,
            redirect_uris,
            post_logout_redirect_uris,
            grant_types,
            auth_method,
            application_type,
            consent
        );
        if self.public {
            client.secret = None;
            client.auth_method = AuthMethod::None;
            client.pkce_required = true;
        }
        if let Some(secret) = self.secret {
            client.secret = Some(secret);
            if client.auth_method == AuthMethod::None {
                client.auth_method = AuthMethod::ClientSecretBasic;
            }
        }
        set!(pkce_required);
        if let Some(rotation) = self.refresh_tokens {
            client.rotation = rotation;
        }
        if self.backchannel_logout_uri.is_some() {
            client.backchannel_logout_uri = self.backchannel_logout_uri;
        }
        if self.assigned.is_some() {
            client.assigned = self.assigned;
        }
    }
}

pub(crate) async fn delete(State(control): State<Control>, Part(id): Part) -> Result<Json<Done>, Problem> {
    control.known_client(&id)?;
    control
        .idp
        .change_tenant(|tenant| tenant.clients.retain(|client| client.id != id));
    Ok(Done::yes())
}
