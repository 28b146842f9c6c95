//! Flows and requests: reading, waiting, beginning, entering.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use url::Url;

use super::{
    BASE, Control, export,
    input::{Body, Part, Query, Span},
    problem::Problem,
    view::{self, Flow, Step},
};
use crate::{
    flow::{
        fault::{Fault, Reach},
        record::{Record, Stamp},
        scenario::{FlowId, Scenario},
        store::FLOW_COOKIE,
    },
    tenant::{Persona, Subject},
};

/// So many are listed if the query does not say.
const LISTED: usize = 500;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowsQuery {
    /// Who signed in, ignoring case.
    user: Option<String>,
    client: Option<String>,
    /// `started`, `page`, `signed-in`, `code-issued`, `exchanged` or `refused`.
    status: Option<String>,
    /// A fault that it carries.
    fault: Option<String>,
    /// Whether any of its requests was refused.
    refused: Option<bool>,
    /// Only flows that began after this moment, microseconds since 1970.
    after: Option<u64>,
    /// Only flows in which something happened after this moment, microseconds since 1970.
    since: Option<u64>,
    /// At most so many; 500 if left out.
    limit: Option<u32>,
}

/// The words of [`Flow::status`].
const STATUSES: &[&str] = &["started", "page", "signed-in", "code-issued", "exchanged", "refused"];

fn known_status(status: Option<&str>) -> Result<(), Problem> {
    match status.filter(|status| !STATUSES.contains(status)) {
        None => Ok(()),
        Some(status) => Err(Problem::bad(format!(
            "`status={status}` is none of {}",
            STATUSES.join(", ")
        ))),
    }
}

impl FlowsQuery {
    fn lets_through(&self, flow: &Flow) -> bool {
        let is_user = |wanted: &String| flow.user.as_ref().is_some_and(|user| user.eq_ignore_ascii_case(wanted));
        self.user.as_ref().is_none_or(is_user)
            && self
                .client
                .as_ref()
                .is_none_or(|wanted| flow.client.as_ref() == Some(wanted))
            && self.status.as_ref().is_none_or(|wanted| flow.status == wanted)
            && self.fault.as_ref().is_none_or(|wanted| flow.faults.contains(wanted))
            && self.refused.is_none_or(|wanted| flow.refused == wanted)
            && self.after.is_none_or(|after| flow.at > after)
    }
}

fn limit(given: Option<u32>) -> usize {
    given.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LISTED)
}

pub(crate) async fn list(
    State(control): State<Control>,
    Query(query): Query<FlowsQuery>,
) -> Result<Json<Vec<Flow>>, Problem> {
    known_status(query.status.as_deref())?;
    let mut flows = view::flows(
        &control.idp,
        &control.idp.journal.everything(),
        query.since.unwrap_or(0),
    );
    flows.reverse();
    flows.retain(|flow| query.lets_through(flow));
    flows.truncate(limit(query.limit));
    Ok(Json(flows))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WaitQuery {
    /// Who signed in, ignoring case.
    user: Option<String>,
    client: Option<String>,
    /// How far it is to be; `exchanged` if left out.
    status: Option<String>,
    /// Only flows that began after this moment, microseconds since 1970.
    after: Option<u64>,
    /// How long to wait, 10s if left out, 60s at most.
    timeout: Option<Span>,
}

/// How long a call may wait.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(crate) async fn wait(
    State(control): State<Control>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<Flow>, Problem> {
    known_status(query.status.as_deref())?;
    let timeout = match query.timeout.map(Span::duration) {
        None => DEFAULT_WAIT,
        Some(Some(timeout)) => timeout.min(LONGEST_WAIT),
        Some(None) => return Err(Problem::bad("`timeout` is not negative")),
    };
    let wanted = FlowsQuery {
        status: Some(query.status.unwrap_or_else(|| "exchanged".to_owned())),
        user: query.user,
        client: query.client,
        after: query.after,
        ..FlowsQuery::default()
    };
    // Subscribed before looking, so that nothing falls between.
    let mut news = control.idp.journal.follow();
    let newest = |records: &[Arc<Record>]| {
        let flows = view::flows(&control.idp, records, 0);
        flows.into_iter().rev().find(|flow| wanted.lets_through(flow))
    };
    if let Some(flow) = newest(&control.idp.journal.everything()) {
        return Ok(Json(flow));
    }
    let waiting = async {
        loop {
            let news = news.recv().await;
            control.idp.store.look_again();
            let records = match news {
                Ok(record) => match record.flow {
                    Some(flow) => control.records(flow),
                    None => continue,
                },
                Err(RecvError::Lagged(_)) => control.idp.journal.everything(),
                Err(RecvError::Closed) => std::future::pending().await,
            };
            if let Some(flow) = newest(&records) {
                return flow;
            }
        }
    };
    tokio::time::timeout(timeout, waiting).await.map(Json).map_err(|_| {
        let text = format!("no flow was as wanted within {timeout:?}");
        Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", text).fix("GET /_mock/flows shows how far they are")
    })
}

impl Control {
    /// The records of a flow that are kept.
    fn records(&self, id: FlowId) -> Vec<Arc<Record>> {
        self.idp.journal.of(id, self.idp.store.flow(id).as_ref())
    }
}

pub(crate) async fn one(State(control): State<Control>, Part(name): Part) -> Result<Response, Problem> {
    let (name, form) = ["mmd", "har", "json"]
        .into_iter()
        .find_map(|form| Some((name.strip_suffix(form)?.strip_suffix('.')?, form)))
        .unwrap_or((&name, "json"));
    let id = flow_id(name)?;
    let own = control.records(id);
    let detail = view::detail(&control.idp, &control.idp.journal.everything(), &own);
    let detail = detail.ok_or_else(|| forgotten(name))?;
    Ok(match form {
        "mmd" => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            export::mermaid(&detail),
        )
            .into_response(),
        "har" => Json(export::har(&control.idp.org, &detail)).into_response(),
        _ => Json(detail).into_response(),
    })
}

fn flow_id(name: &str) -> Result<FlowId, Problem> {
    name.parse().map_err(|_| forgotten(name))
}

fn forgotten(name: &str) -> Problem {
    Problem::not_found(format!("the flow `{name}` was never begun, or it is forgotten"))
        .fix("GET /_mock/flows lists those that are kept")
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BeginInput {
    /// Ids of faults that it carries.
    faults: Vec<String>,
    /// Signs this person of the org in without the page.
    user: Option<String>,
    /// Whether refusals are only recorded, and the sign-in goes on where it can, as in the conformance harness.
    watched: bool,
}

/// A flow that a browser can enter.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Begun {
    id: String,
    /// Where to send the browser first; `?to=` leads on to a registered place.
    enter: String,
}

pub(crate) async fn begin(
    State(control): State<Control>,
    Body(input): Body<BeginInput>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    let mut faults = Vec::new();
    for id in &input.faults {
        let fault: Fault = super::faults::known(id)?;
        if fault.reach() == Reach::Server {
            let text = format!("`{fault}` reaches every flow of an authorization server");
            return Err(Problem::bad(text).fix("arm it by POST /_mock/faults"));
        }
        faults.push(fault);
    }
    let tenant = control.idp.tenant();
    let mut scenario = Scenario::honest(Persona::default()).with_faults(faults);
    if let Some(login) = &input.user {
        let user = tenant.user(login).ok_or_else(|| control.no_user(login))?;
        scenario.user = Subject::of(user).persona;
        scenario.auto = true;
    }
    let flow = control.idp.store.begin(input.watched, scenario);
    let begun = Begun {
        id: flow.id.to_string(),
        enter: format!("{}{BASE}/flows/{}/enter", control.idp.org, flow.id),
    };
    Ok((StatusCode::CREATED, Json(begun)))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnterQuery {
    /// Where to go on: a page of an application whose redirect URI is registered, or of this server.
    to: Option<String>,
}

pub(crate) async fn enter(
    State(control): State<Control>,
    Part(name): Part,
    Query(query): Query<EnterQuery>,
) -> Result<Response, Problem> {
    let flow = control
        .idp
        .store
        .flow(flow_id(&name)?)
        .ok_or_else(|| forgotten(&name))?;
    let to = query.to.map(|to| control.registered(&to)).transpose()?;
    let ticket = control.idp.store.ticket(&flow);
    let cookie = format!("{FLOW_COOKIE}={ticket};{}", control.idp.cookie_attributes());
    let mut response = match to.as_ref().and_then(|to| HeaderValue::from_str(to.as_str()).ok()) {
        Some(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

impl Control {
    /// The URL, if its origin is that of a registered redirect URI, a Trusted Origin or this server.
    fn registered(&self, to: &str) -> Result<Url, Problem> {
        let url = self
            .idp
            .origin
            .join(to)
            .map_err(|error| Problem::bad(format!("`to={to}` is no URL ({error})")))?;
        let tenant = self.idp.tenant();
        let uris = tenant
            .clients
            .iter()
            .flat_map(|client| client.redirect_uris.iter().chain(&client.post_logout_redirect_uris));
        let origin = url.origin();
        let is_known = origin == self.idp.origin.origin()
            || uris
                .filter_map(|uri| Url::parse(uri).ok())
                .any(|known| known.origin() == origin)
            || tenant.trusted_origins.contains(&origin.ascii_serialization());
        if is_known && matches!(url.scheme(), "http" | "https") {
            return Ok(url);
        }
        let text = format!("`to={to}` leads to no registered place");
        Err(Problem::bad(text).fix("register a redirect URI of that origin"))
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestsQuery {
    /// Only those that were refused, or were not.
    refused: Option<bool>,
    /// By endpoint: `metadata`, `jwks`, `authorize`, `token`, `userinfo`, …
    endpoint: Option<String>,
    client: Option<String>,
    /// Only those of this flow.
    flow: Option<String>,
    /// Only those that arrived after this moment, microseconds since 1970.
    after: Option<u64>,
    /// At most so many; 500 if left out.
    limit: Option<u32>,
}

pub(crate) async fn requests(State(control): State<Control>, Query(query): Query<RequestsQuery>) -> Json<Vec<Step>> {
    let mut records = control.idp.journal.everything();
    if let Some(after) = query.after {
        records.retain(|record| record.at > Stamp(after));
    }
    let mut steps = view::steps(&records);
    steps.reverse();
    steps.retain(|step| {
        let client = || {
            let request = &step.request;
            view::client_in(
                request.target.as_deref().unwrap_or_default(),
                &request.headers,
                &request.body,
            )
        };
        query.refused.is_none_or(|wanted| step.refused.is_some() == wanted)
            && query.endpoint.as_ref().is_none_or(|wanted| step.endpoint == *wanted)
            && query
                .flow
                .as_ref()
                .is_none_or(|wanted| step.flow.as_ref() == Some(wanted))
            && query
                .client
                .as_ref()
                .is_none_or(|wanted| client().as_ref() == Some(wanted))
    });
    steps.truncate(limit(query.limit));
    Json(steps)
}
