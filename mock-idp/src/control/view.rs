//! What happened, folded from the records: flows, their steps, what each request and answer was.

use std::{collections::HashMap, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    checks::{self, Check},
    decoded::{self, Decoded},
};
use crate::{
    flow::record::{Endpoint, Event, Record, Stamp},
    idp::Idp,
    protocol::params::Params,
};

/// One sign-in: everything between an authorization request and the last use of its tokens.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Flow {
    /// Its name.
    pub(crate) id: String,
    /// When its first request arrived, microseconds since 1970.
    pub(crate) at: u64,
    /// When anything last happened in it.
    pub(crate) last: u64,
    /// How far it came: `started`, `page`, `signed-in`, `code-issued`, `exchanged` or `refused`.
    pub(crate) status: &'static str,
    /// Whether any of its requests was refused.
    pub(crate) refused: bool,
    /// Whether it was signed out.
    pub(crate) signed_out: bool,
    /// The login of whoever signed in.
    pub(crate) user: Option<String>,
    pub(crate) client: Option<String>,
    /// The authorization server's id; empty for the org server.
    pub(crate) server: String,
    /// Faults that it carries or that were given to it.
    pub(crate) faults: Vec<String>,
    /// Those of them that changed a message that was sent.
    pub(crate) delivered: Vec<String>,
    /// How many requests.
    pub(crate) steps: usize,
}

/// A flow with everything that is known of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FlowDetail {
    #[serde(flatten)]
    pub(crate) flow: Flow,
    #[serde(rename = "requests")]
    pub(crate) steps: Vec<Step>,
    /// The tokens that were issued, decoded, in the order of issue.
    pub(crate) tokens: Vec<Decoded>,
    /// What the application was seen to do, and what not.
    pub(crate) checks: Vec<Check>,
}

/// A request and its answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Step {
    /// From 1, within its flow or list.
    pub(crate) number: usize,
    pub(crate) flow: Option<String>,
    pub(crate) at: u64,
    /// How long the answer took, microseconds.
    pub(crate) took: Option<u64>,
    /// `browser`, `app` or `mock-idp`.
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// The endpoint.
    pub(crate) endpoint: String,
    /// What it is, in a few words.
    pub(crate) label: String,
    pub(crate) request: Message,
    pub(crate) response: Option<Message>,
    /// Why it was refused.
    pub(crate) refused: Option<Refused>,
    /// What was sent, what is registered and what differs, where a request led nowhere without a refusal of OAuth: nobody was
    /// signed in, or no endpoint has this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explained: Option<Value>,
    /// What happened at the authorization server meanwhile.
    pub(crate) notes: Vec<Note>,
    /// Faults that changed the answer or a token in it.
    pub(crate) faults: Vec<String>,
}

/// A request, or an answer, as on the wire.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Message {
    /// Of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Of a request: path and query, or for what the server itself sends the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// Of an answer; 0 if nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A refusal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Refused {
    /// A stable word for the rule.
    pub(crate) rule: String,
    /// The `error`.
    pub(crate) error: String,
    /// Okta's text.
    pub(crate) text: String,
    /// What was sent, what is registered, what differs, and what fixes it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near_miss: Option<Value>,
}

/// Something that happened while a request was answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Note {
    /// The kind of event.
    pub(crate) event: String,
    pub(crate) text: String,
    /// Of a fault: what an honest server would have sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) honest: Option<String>,
    /// Of a fault: what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<String>,
}

/// All flows in these records in which something happened after this moment, in the order of their first record.
pub(crate) fn flows(idp: &Idp, records: &[Arc<Record>], since: u64) -> Vec<Flow> {
    let mut flows: HashMap<u64, Flow> = HashMap::new();
    let mut names: Vec<u64> = Vec::new();
    for record in records {
        let Some(id) = record.flow else { continue };
        let flow = flows.entry(id.0).or_insert_with(|| {
            names.push(id.0);
            Flow {
                id: id.to_string(),
                at: record.at.0,
                status: "started",
                ..Flow::default()
            }
        });
        flow.see(record);
    }
    names
        .into_iter()
        .filter_map(|name| flows.remove(&name))
        .filter(|flow| flow.last > since)
        .map(|flow| flow.with_faults(idp))
        .collect()
}

/// How far a flow is, from less to more.
const STATUSES: &[&str] = &["started", "page", "signed-in", "code-issued", "exchanged"];

impl Flow {
    /// Takes one record into account.
    fn see(&mut self, record: &Record) {
        self.last = self.last.max(record.at.0);
        if !record.server.is_empty() || self.server.is_empty() {
            self.server.clone_from(&record.server);
        }
        match &record.event {
            Event::Received { endpoint, request, .. } => {
                self.steps += 1;
                if self.client.is_none() {
                    self.client = client_in(&request.target, &request.headers, &request.body);
                }
                if *endpoint == Endpoint::Logout {
                    self.signed_out = true;
                }
            }
            Event::Answered { endpoint, status, .. } if *endpoint == Endpoint::Authorize && *status == 200 => {
                self.reach("page");
            }
            Event::SignedIn { login, .. } => {
                self.user = Some(login.clone());
                self.reach("signed-in");
            }
            Event::CodeIssued { .. } => self.reach("code-issued"),
            Event::TokensIssued { .. } => {
                self.reach("exchanged");
            }
            Event::Refused { .. } => {
                self.refused = true;
                if self.status != "exchanged" {
                    self.status = "refused";
                }
            }
            Event::Sent { fault, twin, bytes, .. } => {
                let id = fault.id().to_owned();
                if (twin != bytes || fault.is_rule()) && !self.delivered.contains(&id) {
                    self.delivered.push(id);
                }
            }
            _ => {}
        }
    }

    /// A later refusal is not undone by an earlier status, but by a later success.
    fn reach(&mut self, status: &'static str) {
        let rank = |status: &str| STATUSES.iter().position(|known| *known == status);
        if self.status == "refused" || rank(status) > rank(self.status) {
            self.status = status;
        }
    }

    fn with_faults(mut self, idp: &Idp) -> Self {
        let flow = self.id.parse().ok().and_then(|id| idp.store.flow(id));
        if let Some(flow) = flow {
            self.faults = flow.all_faults().iter().map(|fault| fault.id().to_owned()).collect();
        }
        for delivered in &self.delivered {
            if !self.faults.contains(delivered) {
                self.faults.push(delivered.clone());
            }
        }
        self
    }
}

/// Requests with their answers, in order, numbered from 1.
pub(crate) fn steps(records: &[Arc<Record>]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open: HashMap<u64, usize> = HashMap::new();
    // Per flow the step that is being answered: what is recorded meanwhile belongs to it.
    let mut current: HashMap<Option<u64>, usize> = HashMap::new();
    for record in records {
        let flow = record.flow.map(|id| id.0);
        match &record.event {
            Event::Received {
                exchange,
                endpoint,
                request,
            } => {
                open.insert(*exchange, steps.len());
                current.insert(flow, steps.len());
                steps.push(Step::received(record, *endpoint, request));
            }
            Event::Answered {
                exchange,
                status,
                headers,
                body,
                ..
            } => {
                let Some(step) = open.remove(exchange).and_then(|at| steps.get_mut(at)) else {
                    continue;
                };
                step.took = Some(record.at.0.saturating_sub(step.at));
                step.response = Some(Message {
                    status: Some(*status),
                    headers: headers
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_string()))
                        .collect(),
                    body: body.clone(),
                    ..Message::default()
                });
            }
            Event::LogoutTokenPosted {
                url,
                token,
                status,
                headers,
                problem,
            } => steps.push(Step {
                from: "mock-idp",
                to: "app",
                label: "logout token".to_owned(),
                request: Message {
                    method: Some("POST".to_owned()),
                    target: Some(url.clone()),
                    body: format!("logout_token={token}"),
                    ..Message::default()
                },
                response: Some(Message {
                    status: *status,
                    headers: headers.clone(),
                    body: problem.clone().unwrap_or_default(),
                    ..Message::default()
                }),
                ..Step::empty(record)
            }),
            other => {
                if let Some(step) = current.get(&flow).and_then(|at| steps.get_mut(*at)) {
                    step.note(other);
                }
            }
        }
    }
    for (index, step) in steps.iter_mut().enumerate() {
        step.number = index + 1;
    }
    steps
}

impl Step {
    fn empty(record: &Record) -> Self {
        Self {
            number: 0,
            flow: record.flow.map(|flow| flow.to_string()),
            at: record.at.0,
            took: None,
            from: "app",
            to: "mock-idp",
            endpoint: String::new(),
            label: String::new(),
            request: Message::default(),
            response: None,
            refused: None,
            explained: None,
            notes: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn received(record: &Record, endpoint: Endpoint, request: &crate::flow::record::Request) -> Self {
        let has = |name: &str| request.headers.iter().any(|(known, _)| known == name);
        let is_of_browser = has("sec-fetch-mode") || has("sec-fetch-dest") || has("upgrade-insecure-requests");
        let is_front = matches!(endpoint, Endpoint::Authorize | Endpoint::SignInPage | Endpoint::Logout);
        Self {
            from: if is_front || is_of_browser { "browser" } else { "app" },
            to: if endpoint == Endpoint::SecondOrigin {
                "second origin"
            } else {
                "mock-idp"
            },
            endpoint: word(endpoint),
            label: label(endpoint, request),
            request: Message {
                method: Some(request.method.clone()),
                target: Some(request.target.clone()),
                headers: request.headers.clone(),
                body: request.body.clone(),
                ..Message::default()
            },
            ..Self::empty(record)
        }
    }

    fn note(&mut self, event: &Event) {
        let mut note = Note {
            event: String::new(),
            text: String::new(),
            honest: None,
            sent: None,
        };
        match event {
            Event::Refused { rule, error, text, .. } => {
                self.refused = Some(Refused {
                    rule: rule.clone(),
                    error: error.clone(),
                    text: text.clone(),
                    near_miss: None,
                });
                (note.event, note.text) = ("refused".to_owned(), format!("{error}: {text}"));
            }
            Event::WouldRefuse { rule, text, .. } => {
                (note.event, note.text) = ("would-refuse".to_owned(), format!("{rule}: {text}"));
            }
            Event::SignedIn { login, sso } => {
                let how = if *sso { " by an existing session" } else { "" };
                (note.event, note.text) = ("signed-in".to_owned(), format!("{login} signed in{how}"));
            }
            Event::CodeIssued { .. } => {
                (note.event, note.text) = ("code-issued".to_owned(), "a code was issued".to_owned())
            }
            Event::TokensIssued { refresh_token, .. } => {
                let more = if refresh_token.is_some() {
                    ", with a refresh token"
                } else {
                    ""
                };
                (note.event, note.text) = ("tokens-issued".to_owned(), format!("tokens were issued{more}"));
            }
            Event::Sent { fault, twin, bytes, .. } => {
                let id = fault.id().to_owned();
                (note.event, note.text) = ("fault".to_owned(), format!("{id}: {}", fault.description()));
                if twin != bytes {
                    (note.honest, note.sent) = (Some(twin.clone()), Some(bytes.clone()));
                }
                self.faults.push(id);
            }
            other => {
                // Events that were added since: their own JSON tells most.
                let value = serde_json::to_value(other).unwrap_or_default();
                let kind = value
                    .get("event")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                if let Some(near_miss) = value.get("near_miss") {
                    match &mut self.refused {
                        Some(refused) => refused.near_miss = Some(near_miss.clone()),
                        None => self.explained = Some(near_miss.clone()),
                    }
                }
                (note.text, note.event) = (kind.replace('-', " "), kind);
            }
        }
        self.notes.push(note);
    }
}

/// The endpoint's name in records.
pub(crate) fn word(endpoint: Endpoint) -> String {
    let value = serde_json::to_value(endpoint).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn label(endpoint: Endpoint, request: &crate::flow::record::Request) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let form = Params::parse(request.body.as_bytes());
    let text = match endpoint {
        Endpoint::Metadata => "discovery document",
        Endpoint::Jwks => "key set",
        Endpoint::Authorize if request.method == "POST" && form.has("stateToken") => "sign-in form",
        Endpoint::Authorize => "authorization request",
        Endpoint::SignInPage => "sign-in page",
        Endpoint::Token => match form.filled("grant_type") {
            Some("authorization_code") => "code for tokens",
            Some("refresh_token") => "refresh",
            Some(_) | None => "token request",
        },
        Endpoint::Userinfo => "userinfo",
        Endpoint::Introspect => "introspection",
        Endpoint::Revoke => "revocation",
        Endpoint::Logout => "sign-out",
        Endpoint::Device => "device authorization",
        Endpoint::Par => "pushed authorization request",
        Endpoint::SecondOrigin | Endpoint::Other => return format!("{} {path}", request.method),
    };
    text.to_owned()
}

/// The client that a request names: in the query, in the form, or by Basic authentication.
pub(crate) fn client_in(target: &str, headers: &[(String, String)], body: &str) -> Option<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let named = |text: &str| Params::parse(text.as_bytes()).filled("client_id").map(str::to_owned);
    named(query).or_else(|| named(body)).or_else(|| {
        let (_, value) = headers.iter().find(|(name, _)| name == "authorization")?;
        let bytes = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(text.split_once(':')?.0.to_owned())
    })
}

/// One flow in full.
pub(crate) fn detail(idp: &Idp, records: &[Arc<Record>], own: &[Arc<Record>]) -> Option<FlowDetail> {
    let flow = flows(idp, own, 0).into_iter().next()?;
    let steps = steps(own);
    let tokens = own
        .iter()
        .filter_map(|record| match &record.event {
            Event::TokensIssued {
                access_token, id_token, ..
            } => Some((access_token, id_token)),
            _ => None,
        })
        .flat_map(|(access_token, id_token)| {
            let id_token = id_token.iter().map(|token| decoded::explain(idp, token));
            id_token.chain(std::iter::once(decoded::explain(idp, access_token)))
        })
        .collect();
    let since = Stamp(flow.at);
    let checks = checks::of_flow(&flow, &steps, records, since, !idp.journal.has_forgotten());
    Some(FlowDetail {
        flow,
        steps,
        tokens,
        checks,
    })
}
