//! Health, environment, reset, verify, clock and keys.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Control,
    faults::ArmedView,
    input::{Body, Query, Span},
    problem::Problem,
    view::{self, Step},
};
use crate::{clock::iso8601, flow::record::Stamp, idp::Server};

/// Which server this is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// Always `mock-idp`: a stranger on the port is not taken for one.
    name: &'static str,
    version: &'static str,
    status: &'static str,
    /// The issuer of the `default` authorization server.
    issuer: String,
    pid: u32,
    /// Its system's clock, microseconds since 1970.
    now: u64,
    /// Whether the other calls want `authorization: Bearer …`.
    token_required: bool,
}

pub(crate) async fn health(State(control): State<Control>) -> Json<Health> {
    Json(Health {
        name: "mock-idp",
        version: env!("CARGO_PKG_VERSION"),
        status: "ready",
        issuer: control.idp.issuer_of("default"),
        pid: std::process::id(),
        now: Stamp::now().0,
        token_required: control.idp.admin_token.is_some(),
    })
}

/// Variables by name.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Env(BTreeMap<String, String>);

pub(crate) async fn env(State(control): State<Control>) -> Json<Env> {
    Json(Env(control.idp.env().into_iter().collect()))
}

/// Something was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    done: bool,
}

impl Done {
    pub(crate) const fn yes() -> Json<Self> {
        Json(Self { done: true })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetQuery {
    /// What stays: `users`, `clients`, or both with a comma.
    keep: Option<String>,
}

pub(crate) async fn reset(
    State(control): State<Control>,
    Query(query): Query<ResetQuery>,
) -> Result<Json<Done>, Problem> {
    let (mut users, mut clients) = (false, false);
    for word in query
        .keep
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .filter(|word| !word.is_empty())
    {
        match word.trim() {
            "users" => users = true,
            "clients" => clients = true,
            other => {
                let text = format!("`keep={other}` is not known: `users` and `clients` can be kept");
                return Err(Problem::bad(text));
            }
        }
    }
    for server in control.idp.custom_servers() {
        control.misbehave(&server.id, &[]);
    }
    control.misbehave("", &[]);
    control.idp.start_over(|now, fresh| {
        if users {
            fresh.users.clone_from(&now.users);
            fresh.groups.clone_from(&now.groups);
        }
        if clients {
            fresh.clients.clone_from(&now.clients);
        }
    });
    control.enforce();
    Ok(Done::yes())
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VerifyInput {
    /// Refusals that are right here, by rule (`redirect-uri-unregistered`) or error (`access_denied`).
    expected_refusals: Vec<String>,
}

/// Whether everything went as it was meant to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verdict {
    ok: bool,
    /// Armed faults that never fired.
    unfired: Vec<ArmedView>,
    /// Requests that were refused although nothing was armed for them.
    refused: Vec<Step>,
}

pub(crate) async fn verify(
    State(control): State<Control>,
    Body(input): Body<VerifyInput>,
) -> (StatusCode, Json<Verdict>) {
    let arms = control.idp.store.arms.list();
    let unfired: Vec<ArmedView> = arms
        .iter()
        .map(ArmedView::of)
        .filter(|armed| armed.fired == 0)
        .collect();
    let records = control.idp.journal.everything();
    let faulty: BTreeSet<String> = view::flows(&control.idp, &records, 0)
        .into_iter()
        .filter(|flow| !flow.faults.is_empty())
        .map(|flow| flow.id)
        .collect();
    let is_expected = |word: &str| input.expected_refusals.iter().any(|expected| expected == word);
    let refused: Vec<Step> = view::steps(&records)
        .into_iter()
        .filter(|step| {
            let refusal = step.refused.as_ref();
            let is_unexpected =
                refusal.is_some_and(|refusal| !is_expected(&refusal.rule) && !is_expected(&refusal.error));
            is_unexpected && step.flow.as_ref().is_none_or(|flow| !faulty.contains(flow))
        })
        .collect();
    let ok = unfired.is_empty() && refused.is_empty();
    let status = if ok { StatusCode::OK } else { StatusCode::CONFLICT };
    (status, Json(Verdict { ok, unfired, refused }))
}

/// The server's time.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClockView {
    /// ISO 8601.
    now: String,
    /// Seconds since 1970.
    seconds: i64,
    /// How far it runs ahead of the system's, seconds; behind, if negative.
    offset: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockInput {
    /// How far the clock is to run ahead of the system's.
    offset: Span,
}

/// So far the clock may be shifted, seconds: some 30 years.
const FARTHEST: i64 = 1_000_000_000;

fn clock_view(control: &Control) -> Json<ClockView> {
    let seconds = control.idp.clock.now();
    Json(ClockView {
        now: iso8601(seconds),
        seconds,
        offset: control.idp.clock.offset(),
    })
}

pub(crate) async fn clock(State(control): State<Control>) -> Json<ClockView> {
    clock_view(&control)
}

pub(crate) async fn set_clock(
    State(control): State<Control>,
    Body(input): Body<ClockInput>,
) -> Result<Json<ClockView>, Problem> {
    let offset = input.offset.seconds();
    if offset.abs() > FARTHEST {
        return Err(Problem::bad(format!(
            "`offset`: at most {FARTHEST} seconds in either direction"
        )));
    }
    control.idp.shift_clock(offset);
    Ok(clock_view(&control))
}

/// The key set of one authorization server.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServerKeys {
    /// Its id; empty for the org server.
    server: String,
    issuer: String,
    /// The key that signs.
    kid: String,
    /// What it publishes.
    keys: Vec<Value>,
}

impl ServerKeys {
    fn of(server: &Server) -> Self {
        Self {
            server: server.id.clone(),
            issuer: server.issuer.clone(),
            kid: server.keys.kid().to_owned(),
            keys: server.key_set()["keys"].as_array().cloned().unwrap_or_default(),
        }
    }
}

pub(crate) async fn keys(State(control): State<Control>) -> Json<Vec<ServerKeys>> {
    let mut servers = control.idp.custom_servers();
    servers.sort_by(|one, other| one.id.cmp(&other.id));
    servers.extend(control.idp.any_server(""));
    Json(servers.iter().map(|server| ServerKeys::of(server)).collect())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RotateInput {
    /// Whether the old key stays in the key set beside the new one.
    overlap: bool,
    /// Of which authorization server; empty for the org server.
    server: String,
}

impl Default for RotateInput {
    fn default() -> Self {
        Self {
            overlap: false,
            server: "default".to_owned(),
        }
    }
}

pub(crate) async fn rotate_keys(
    State(control): State<Control>,
    Body(input): Body<RotateInput>,
) -> Result<Json<ServerKeys>, Problem> {
    let changed = control.idp.change_server(&input.server, |server| {
        server.rotate(input.overlap);
        ServerKeys::of(server)
    });
    let servers = control.idp.custom_servers();
    changed.map(Json).ok_or_else(|| {
        Problem::unknown(
            "authorization server",
            &input.server,
            servers.iter().map(|server| server.id.as_str()),
        )
    })
}
