//! A flow in other forms: a Mermaid sequence diagram, an HTTP archive.

use serde_json::{Value, json};

use super::view::{FlowDetail, Message, Step};
use crate::{clock::iso8601, protocol::params::Params};

/// A `sequenceDiagram`.
pub(crate) fn mermaid(detail: &FlowDetail) -> String {
    let mut text = String::from(
        "sequenceDiagram\n  participant browser as Browser\n  participant app as App\n  participant idp as mock-idp\n",
    );
    for step in &detail.steps {
        let (from, to) = (participant(step.from), participant(step.to));
        let path = step
            .request
            .target
            .as_deref()
            .unwrap_or_default()
            .split('?')
            .next()
            .unwrap_or_default();
        let method = step.request.method.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "  {from}->>{to}: {}\n",
            escaped(&format!("{}: {method} {path}", step.label))
        ));
        for note in &step.notes {
            text.push_str(&format!("  Note over {to}: {}\n", escaped(&note.text)));
        }
        let answer = match step.response.as_ref().and_then(|response| response.status) {
            Some(0) | None => "no answer".to_owned(),
            Some(status) => status.to_string(),
        };
        text.push_str(&format!("  {to}-->>{from}: {answer}\n"));
    }
    text
}

fn participant(name: &str) -> &'static str {
    match name {
        "browser" => "browser",
        "app" => "app",
        _ => "idp",
    }
}

/// Without what Mermaid would read as its own.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars().take(300) {
        match letter {
            '#' | ';' | '<' | '>' | '"' | '&' | '%' => safe.push_str(&format!("#{};", u32::from(letter))),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// HAR 1.2.
pub(crate) fn har(org: &str, detail: &FlowDetail) -> Value {
    let entries: Vec<Value> = detail.steps.iter().map(|step| entry(org, step)).collect();
    json!({"log": {
        "version": "1.2",
        "creator": {"name": "mock-idp", "version": env!("CARGO_PKG_VERSION")},
        "pages": [],
        "entries": entries,
    }})
}

fn entry(org: &str, step: &Step) -> Value {
    let target = step.request.target.clone().unwrap_or_default();
    let url = if target.starts_with('/') {
        format!("{org}{target}")
    } else {
        target
    };
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let took = f64::from(u32::try_from(step.took.unwrap_or(0)).unwrap_or(u32::MAX)) / 1000.0;
    let seconds = i64::try_from(step.at / 1_000_000).unwrap_or(0);
    let started = iso8601(seconds).replace(".000Z", &format!(".{:03}Z", step.at / 1000 % 1000));
    let response = step.response.clone().unwrap_or_default();
    let mut request = json!({
        "method": step.request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&step.request),
        "queryString": pairs(&Params::parse(query.as_bytes()).0),
        "headersSize": -1,
        "bodySize": step.request.body.len(),
    });
    if !step.request.body.is_empty() {
        request["postData"] = json!({"mimeType": content_type(&step.request), "text": step.request.body});
    }
    json!({
        "startedDateTime": started,
        "time": took,
        "request": request,
        "response": {
            "status": response.status.unwrap_or(0),
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(&response),
            "content": {"size": response.body.len(), "mimeType": content_type(&response), "text": response.body},
            "redirectURL": header(&response, "location"),
            "headersSize": -1,
            "bodySize": response.body.len(),
        },
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "comment": step.label,
    })
}

fn headers(message: &Message) -> Value {
    pairs(&message.headers)
}

fn pairs(pairs: &[(String, String)]) -> Value {
    let list = pairs.iter().map(|(name, value)| json!({"name": name, "value": value}));
    Value::Array(list.collect())
}

fn header(message: &Message, name: &str) -> String {
    let found = message
        .headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn content_type(message: &Message) -> String {
    header(message, "content-type")
}
