//! Arming faults, and the catalogue of them.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Control,
    input::{Body, Part, Query, Span},
    problem::Problem,
    system::Done,
};
use crate::flow::{
    Arming,
    armed::Armed,
    fault::{Fault, Reach},
    record::Endpoint,
};

/// A fault that was armed, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ArmedView {
    /// Its name for `DELETE /_mock/faults/{number}`.
    number: u64,
    /// The fault.
    id: String,
    description: String,
    when: WhenView,
    /// How many flows get it; as many as come, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    /// Seconds from arming until it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<f64>,
    /// Whether it still waits for flows.
    waiting: bool,
    /// To how many flows it was given.
    given: u32,
    /// How many messages it changed.
    pub(crate) fired: u64,
    /// Those flows, the first hundred.
    flows: Vec<String>,
}

/// Whom it is for.
#[derive(Debug, Serialize, JsonSchema)]
struct WhenView {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    endpoint: Option<Endpoint>,
    /// For faults of metadata, keys and certificate: the authorization server.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
}

impl ArmedView {
    pub(crate) fn of(armed: &Armed) -> Self {
        let given = &armed.given;
        let is_of_server = armed.fault.reach() == Reach::Server;
        Self {
            number: armed.number,
            id: armed.fault.id().to_owned(),
            description: armed.fault.description().to_owned(),
            when: WhenView {
                user: armed.when.user.clone(),
                client: armed.when.client.clone(),
                endpoint: armed.when.endpoint,
                server: is_of_server.then(|| armed.server.clone()),
            },
            times: armed.times,
            ttl: armed.ttl.map(|ttl| ttl.as_secs_f64()),
            waiting: armed.is_waiting(),
            given: given.count,
            fired: given.fired,
            flows: given.flows.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmInput {
    /// The fault's id, as `GET /_mock/faults/catalog` lists them.
    #[schemars(schema_with = "ids")]
    id: String,
    #[serde(default)]
    when: WhenInput,
    /// So many flows get it; as many as come, if left out.
    #[schemars(range(min = 1))]
    times: Option<u32>,
    /// After this time nobody gets it any more.
    ttl: Option<Span>,
}

/// Every id there is.
fn ids(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let ids: Vec<&str> = Fault::all().map(Fault::id).collect();
    schemars::json_schema!({"type": "string", "enum": ids})
}

/// Whom it is for; what is left out fits everybody.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WhenInput {
    /// The login of whoever signs in, ignoring case.
    user: Option<String>,
    /// The client's id.
    client: Option<String>,
    /// Given at the flow's first request to this endpoint: `authorize`, `token`, `userinfo`, `logout`, …
    #[schemars(with = "Option<String>")]
    endpoint: Option<Endpoint>,
    /// For faults of metadata, keys and certificate: the authorization server, `default` if left out.
    server: Option<String>,
}

pub(crate) async fn arm(
    State(control): State<Control>,
    Body(input): Body<ArmInput>,
) -> Result<(StatusCode, Json<ArmedView>), Problem> {
    let fault = known(&input.id)?;
    let ttl = match input.ttl.map(Span::duration) {
        Some(None) => return Err(Problem::bad("`ttl` is not negative")),
        Some(Some(ttl)) => Some(ttl),
        None => None,
    };
    if let Some(client) = &input.when.client {
        control.known_client(client)?;
    }
    let mut arming = Arming::new(fault);
    (arming.user, arming.client, arming.endpoint) = (input.when.user, input.when.client, input.when.endpoint);
    (arming.times, arming.ttl) = (input.times, ttl);
    if let Some(server) = input.when.server {
        arming.server = server;
    }
    let server = arming.server.clone();
    let is_of_server = fault.reach() == Reach::Server;
    if let Some(text) = arming.objection() {
        let problem = Problem::bad(text);
        return Err(if is_of_server {
            problem.fix("leave them out; `ttl` and `when.server` are taken")
        } else {
            problem
        });
    }
    if control.idp.any_server(&server).is_none() {
        let servers = control.idp.custom_servers();
        return Err(Problem::unknown(
            "authorization server",
            &server,
            servers.iter().map(|server| server.id.as_str()),
        ));
    }
    let armed = control.idp.store.arms.arm(&arming);
    let armed = armed.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "too-many",
            "a thousand faults are waiting already",
        )
        .fix("DELETE /_mock/faults")
    })?;
    if is_of_server {
        control.refresh(&server);
        if let Some(ttl) = ttl {
            control.end_later(&server, ttl);
        }
    }
    Ok((StatusCode::CREATED, Json(ArmedView::of(&armed))))
}

impl Control {
    /// Puts these server-wide faults in force.
    pub(crate) fn misbehave(&self, server: &str, faults: &[Fault]) {
        self.idp.misbehave(server, faults);
        if let Some(tls) = &self.tls {
            tls.misbehave(server, faults);
        }
    }

    /// Puts all server-wide faults in force that are armed, as after the start and after a reset.
    pub(crate) fn enforce(&self) {
        for armed in self.idp.store.arms.list() {
            if armed.fault.reach() == Reach::Server {
                self.refresh(&armed.server);
                if let Some(ttl) = armed.ttl {
                    self.end_later(&armed.server, ttl);
                }
            }
        }
    }

    /// Puts the server-wide faults in force that are armed for this server and not over.
    fn refresh(&self, server: &str) {
        let list = self.idp.store.arms.list();
        let here = list
            .iter()
            .filter(|armed| armed.fault.reach() == Reach::Server && armed.server == server && armed.is_in_time());
        self.misbehave(server, &here.map(|armed| armed.fault).collect::<Vec<_>>());
    }

    fn end_later(&self, server: &str, ttl: Duration) {
        let (control, server) = (self.clone(), server.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(ttl).await;
            control.refresh(&server);
        });
    }
}

pub(crate) fn known(id: &str) -> Result<Fault, Problem> {
    id.parse().map_err(|_| {
        let mut problem = Problem::unknown("fault", id, Fault::all().map(Fault::id));
        problem = problem.with_status(StatusCode::BAD_REQUEST);
        problem.or_fix("GET /_mock/faults/catalog lists them")
    })
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse()
        .map_err(|_| Problem::bad(format!("`{text}` is no number of an armed fault")))
}

pub(crate) async fn list(State(control): State<Control>) -> Json<Vec<ArmedView>> {
    let list = control.idp.store.arms.list();
    Json(list.iter().map(ArmedView::of).collect())
}

pub(crate) async fn one(State(control): State<Control>, Part(text): Part) -> Result<Json<ArmedView>, Problem> {
    let number = number(&text)?;
    let list = control.idp.store.arms.list();
    let found = list.iter().find(|armed| armed.number == number);
    found
        .map(|armed| Json(ArmedView::of(armed)))
        .ok_or_else(|| Problem::not_found(format!("no fault was armed as {number}, or it was taken back")))
}

pub(crate) async fn delete(State(control): State<Control>, Part(text): Part) -> Result<Json<ArmedView>, Problem> {
    let number = number(&text)?;
    let removed = control.idp.store.arms.remove(number);
    let armed =
        removed.ok_or_else(|| Problem::not_found(format!("no fault was armed as {number}, or it was taken back")))?;
    if armed.fault.reach() == Reach::Server {
        control.refresh(&armed.server);
    }
    Ok(Json(ArmedView::of(&armed)))
}

pub(crate) async fn clear(State(control): State<Control>) -> Json<Done> {
    for armed in control.idp.store.arms.clear() {
        if armed.fault.reach() == Reach::Server {
            control.refresh(&armed.server);
        }
    }
    Done::yes()
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogQuery {
    /// Only ids that contain this.
    q: Option<String>,
}

/// One way to go wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FaultView {
    id: &'static str,
    /// What is wrong.
    description: &'static str,
    /// The clause that is broken.
    clause: &'static str,
    /// Which message is changed.
    #[schemars(with = "String")]
    message: crate::flow::fault::Message,
    /// `flow`, or `server` for faults that reach every flow of an authorization server.
    reach: &'static str,
    /// Whoever signs in with this login gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    magic_login: Option<String>,
}

pub(crate) async fn catalog(Query(query): Query<CatalogQuery>) -> Json<Vec<FaultView>> {
    let wanted = query.q.unwrap_or_default();
    let faults = Fault::all().filter(|fault| fault.id().contains(&wanted));
    Json(
        faults
            .map(|fault| {
                let is_of_flow = fault.reach() == Reach::Flow;
                FaultView {
                    id: fault.id(),
                    description: fault.description(),
                    clause: fault.clause(),
                    message: fault.message(),
                    reach: if is_of_flow { "flow" } else { "server" },
                    magic_login: is_of_flow.then(|| format!("{fault}@fault.test")),
                }
            })
            .collect(),
    )
}
