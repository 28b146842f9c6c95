//! HAR 1.2 of a walk, both legs: browsers to the app and the authorization server, and the app to the authorization server.

use mock_idp::flow::record::Stamp;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    diagram,
    exchange::{Actor, Exchange},
};

/// The log of these exchanges.
#[must_use]
pub fn log(exchanges: &[Exchange], tool: &str) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "conformance", "version": tool },
            "comment": "Secrets are replaced by fingerprints; the whole evidence lies beside run.json.",
            "entries": exchanges.iter().map(entry).collect::<Vec<_>>(),
        }
    })
}

fn entry(exchange: &Exchange) -> Value {
    let took = exchange.done.0.saturating_sub(exchange.at.0) / 1000;
    let pairs = |fields: &[(String, String)]| {
        let all = fields
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }));
        all.collect::<Vec<_>>()
    };
    let media = |fields: &[(String, String)]| {
        let found = fields.iter().find(|(name, _)| name == "content-type");
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let query: Vec<Value> = exchange
        .url
        .split_once('?')
        .map(|(_, query)| form_urlencoded::parse(query.as_bytes()))
        .into_iter()
        .flatten()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&exchange.headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": exchange.body.len(),
    });
    if !exchange.body.is_empty() {
        request["postData"] = json!({ "mimeType": media(&exchange.headers), "text": exchange.body });
    }
    let location = exchange.answer_headers.iter().find(|(name, _)| name == "location");
    json!({
        "startedDateTime": moment(exchange.at),
        "time": took,
        "request": request,
        "response": {
            "status": exchange.status.unwrap_or(0),
            "statusText": exchange.problem,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": pairs(&exchange.answer_headers),
            "content": {
                "size": exchange.answer_body.len(),
                "mimeType": media(&exchange.answer_headers),
                "text": exchange.answer_body,
            },
            "redirectURL": location.map(|(_, to)| to.as_str()).unwrap_or_default(),
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": { "send": 0, "wait": took, "receive": 0 },
        "comment": exchange.purpose,
        "_from": diagram::name(&exchange.from),
        "_to": diagram::name(&exchange.to),
        "_leg": if matches!(exchange.from, Actor::Browser(_)) { "browser" } else { "back-channel" },
        "_falsified": exchange.falsified,
    })
}

fn moment(at: Stamp) -> String {
    let nanoseconds = i128::from(at.0) * 1000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}
