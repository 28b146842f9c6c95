//! Requests and answers of both legs in one order: what browsers sent, and what the app asked of the authorization server,
//! which no browser tool can record. Redacted; diagrams, HAR and the HTML report are made of them.

use std::collections::HashMap;

use mock_idp::flow::record::{Endpoint, Event, Record, Request, Stamp};

use super::{change, redact::redact, secrets::Secrets};
use crate::evidence::{Answer, Evidence, Hop, Leg};

/// Characters of a body that are shown; all of it is in the evidence.
const BODY: usize = 6_000;

/// Somebody who sends or answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A browser, by its owner.
    Browser(String),
    /// The app under test.
    App,
    /// The authorization server.
    Server,
    /// Neither of them.
    Elsewhere,
}

/// A request with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// When it was sent.
    pub at: Stamp,
    /// When it was answered.
    pub done: Stamp,
    /// Who sent it.
    pub from: Actor,
    /// Who was to answer it.
    pub to: Actor,
    /// What it was for.
    pub purpose: String,
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Fields of the request.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
    /// The status; `None` where there was no HTTP answer.
    pub status: Option<u16>,
    /// What became of it otherwise.
    pub problem: String,
    /// Fields of the answer.
    pub answer_headers: Vec<(String, String)>,
    /// Its body.
    pub answer_body: String,
    /// What was falsified in it; empty where nothing was.
    pub falsified: Vec<String>,
}

/// Everything that was exchanged in a walk, in the order of sending.
#[must_use]
pub fn exchanges(evidence: &Evidence) -> Vec<Exchange> {
    let secrets = Secrets::of(evidence);
    let mut all: Vec<Exchange> = evidence.hops.iter().map(|hop| of_hop(hop, &secrets)).collect();
    all.extend(of_records(&evidence.records, evidence.target.idp.as_str(), &secrets));
    all.sort_by_key(|exchange| exchange.at);
    mark_faults(&mut all, &evidence.records);
    for line in all.iter_mut().flat_map(|exchange| &mut exchange.falsified) {
        *line = secrets.hide(line);
    }
    all
}

impl Exchange {
    /// `GET /callback`: method and path.
    #[must_use]
    pub fn label(&self) -> String {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        format!("{} {}", self.method, path.split(['?', '#']).next().unwrap_or(path))
    }

    /// `302 → /home`, or what became of it.
    #[must_use]
    pub fn outcome(&self) -> String {
        let Some(status) = self.status else {
            return if self.problem.is_empty() {
                "no answer".to_owned()
            } else {
                self.problem.clone()
            };
        };
        let location = self.answer_headers.iter().find(|(name, _)| name == "location");
        match location {
            Some((_, to)) if (300..400).contains(&status) => {
                let to = to.split(['?', '#']).next().unwrap_or(to);
                format!("{status} → {to}")
            }
            _ => status.to_string(),
        }
    }
}

fn of_hop(hop: &Hop, secrets: &Secrets) -> Exchange {
    let browser = Actor::Browser(hop.who.clone());
    let (purpose, to) = match hop.leg {
        Leg::SignInStart => ("starts the sign-in", Actor::App),
        Leg::Idp => ("at the authorization server", Actor::Server),
        Leg::Callback => ("redirection endpoint", Actor::App),
        Leg::AfterCallback => ("after the redirection endpoint", Actor::App),
        Leg::Probe => ("who is signed in?", Actor::App),
        Leg::SignOut => ("sign-out", Actor::App),
        Leg::EndSession => ("end-session endpoint", Actor::Server),
        Leg::AfterSignOut => ("after sign-out", Actor::App),
        Leg::Direct => ("a request of its own", Actor::App),
        Leg::Elsewhere => ("to another origin; not sent", Actor::Elsewhere),
    };
    let (status, answer_headers, answer_body, problem) = match &hop.response {
        Answer::Http {
            status, headers, body, ..
        } => (
            Some(*status),
            fields(headers, secrets),
            cut(body, secrets),
            String::new(),
        ),
        Answer::NotSent { why } => (None, Vec::new(), String::new(), format!("not sent: {}", redact(why))),
        Answer::Broken { text, .. } => (None, Vec::new(), String::new(), redact(text)),
    };
    let falsified = change::of_hop(hop)
        .iter()
        .map(super::document::Change::sentence)
        .collect();
    Exchange {
        at: hop.at,
        done: hop.done,
        from: browser,
        to,
        purpose: purpose.to_owned(),
        method: hop.request.method.clone(),
        url: secrets.hide(&hop.url),
        headers: fields(&hop.request.headers, secrets),
        body: cut(&hop.request.body, secrets),
        status,
        problem,
        answer_headers,
        answer_body,
        falsified: if hop.was_sent() { falsified } else { Vec::new() },
    }
}

/// The requests of the app itself. What browsers ask of the authorization server is among the hops.
fn of_records(records: &[Record], origin: &str, secrets: &Secrets) -> Vec<Exchange> {
    let mut open: HashMap<u64, usize> = HashMap::new();
    let mut found: Vec<Exchange> = Vec::new();
    for record in records {
        match &record.event {
            Event::Received {
                exchange,
                endpoint,
                request,
            } if is_back_channel(*endpoint) => {
                open.insert(*exchange, found.len());
                found.push(asked(record.at, *endpoint, request, origin, secrets));
            }
            Event::Answered {
                exchange,
                status,
                headers,
                body,
                ..
            } => {
                if let Some(own) = open.get(exchange).and_then(|at| found.get_mut(*at)) {
                    let headers: Vec<(String, String)> = headers
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_string()))
                        .collect();
                    own.done = record.at;
                    own.status = Some(*status);
                    own.answer_headers = fields(&headers, secrets);
                    own.answer_body = cut(body, secrets);
                }
            }
            Event::LogoutTokenPosted {
                url,
                status,
                headers,
                problem,
                ..
            } => found.push(Exchange {
                at: record.at,
                done: record.at,
                from: Actor::Server,
                to: Actor::App,
                purpose: "back-channel logout".to_owned(),
                method: "POST".to_owned(),
                url: redact(url),
                headers: Vec::new(),
                body: "logout_token=<logout_token>".to_owned(),
                status: *status,
                problem: problem.as_deref().map(redact).unwrap_or_default(),
                answer_headers: fields(headers, secrets),
                answer_body: String::new(),
                falsified: Vec::new(),
            }),
            _ => {}
        }
    }
    found
}

fn asked(at: Stamp, endpoint: Endpoint, request: &Request, origin: &str, secrets: &Secrets) -> Exchange {
    let purpose = match endpoint {
        Endpoint::Metadata => "metadata",
        Endpoint::Jwks => "key set",
        Endpoint::Token => "token request",
        Endpoint::Userinfo => "userinfo",
        Endpoint::Introspect => "introspection",
        Endpoint::Revoke => "revocation",
        _ => "request to the authorization server",
    };
    Exchange {
        at,
        done: at,
        from: Actor::App,
        to: Actor::Server,
        purpose: purpose.to_owned(),
        method: request.method.clone(),
        url: secrets.hide(&format!("{}{}", origin.trim_end_matches('/'), request.target)),
        headers: fields(&request.headers, secrets),
        body: cut(&request.body, secrets),
        status: None,
        problem: String::new(),
        answer_headers: Vec::new(),
        answer_body: String::new(),
        falsified: Vec::new(),
    }
}

const fn is_back_channel(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Metadata
            | Endpoint::Jwks
            | Endpoint::Token
            | Endpoint::Userinfo
            | Endpoint::Introspect
            | Endpoint::Revoke
            | Endpoint::Par
    )
}

/// Marks the answers in which the authorization server lied: those that were being written when the fault was.
fn mark_faults(all: &mut [Exchange], records: &[Record]) {
    for record in records {
        let Event::Sent { fault, twin, bytes, .. } = &record.event else {
            continue;
        };
        if twin == bytes && !fault.is_rule() {
            continue;
        }
        let own = |exchange: &&mut Exchange| {
            (exchange.to == Actor::Server || exchange.from == Actor::Server)
                && (exchange.at..=exchange.done).contains(&record.at)
        };
        // The shortest one that fits: a browser's hop may wait while the app asks.
        let fitting = all
            .iter_mut()
            .filter(own)
            .min_by_key(|exchange| exchange.done.0 - exchange.at.0);
        if let Some(exchange) = fitting {
            let changes = change::between(twin, bytes);
            let id = fault.id().to_owned();
            let sentences: Vec<String> = changes.iter().map(super::document::Change::sentence).collect();
            exchange.falsified.push(if sentences.is_empty() {
                format!("{id}: {}", fault.description())
            } else {
                format!("{id}: {}", sentences.join("; "))
            });
        }
    }
}

fn fields(headers: &[(String, String)], secrets: &Secrets) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let line = secrets.hide(&format!("{name}: {value}"));
            let shown = line.strip_prefix(&format!("{name}: ")).unwrap_or(&line).to_owned();
            (name, shown)
        })
        .collect()
}

fn cut(body: &str, secrets: &Secrets) -> String {
    let body = secrets.hide(body);
    match body.char_indices().nth(BODY) {
        Some((at, _)) => format!(
            "{}\n… {} characters more, in the evidence",
            &body[..at],
            body.len() - at
        ),
        None => body,
    }
}
