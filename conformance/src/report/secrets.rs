//! The secrets of a walk by their values. What names a secret is hidden by [`redact`]; a page or a log may repeat the value
//! in words of its own, in a table of claims for instance, and is searched for it.

use std::collections::BTreeMap;

use mock_idp::flow::record::{Event, Request};

use super::redact::{hidden, is_secret, redact};
use crate::evidence::Evidence;

/// Shorter values are words of the protocol, and would be found everywhere.
const LEAST: usize = 12;

/// What opens something in a walk: codes, states, nonces, tokens, cookies, passwords, client secrets.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// Those of this walk: whatever was sent under the name of a secret, by either leg, and what the authorization server
    /// issued.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut take = |name: &str, value: &str| {
            if value.len() >= LEAST {
                found.entry(value.to_owned()).or_insert_with(|| hidden(name, value));
            }
        };
        if let Some(secret) = &evidence.target.client_secret {
            take("client_secret", secret);
        }
        for hop in &evidence.hops {
            of_request(&hop.request, &mut take);
            for line in hop.headers("set-cookie") {
                let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
                pair.into_iter().for_each(|(name, value)| take(name.trim(), value));
            }
        }
        for record in &evidence.records {
            match &record.event {
                Event::Received { request, .. } => of_request(request, &mut take),
                Event::CodeIssued { code } => take("code", code),
                Event::TokensIssued {
                    access_token,
                    id_token,
                    refresh_token,
                } => {
                    take("access_token", access_token);
                    id_token.iter().for_each(|token| take("id_token", token));
                    refresh_token.iter().for_each(|token| take("refresh_token", token));
                }
                _ => {}
            }
        }
        // A value may be a part of another.
        let mut all: Vec<(String, String)> = found.into_iter().collect();
        all.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self(all)
    }

    /// The text without secrets, whether they are named or not.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(redact(text), |text, (value, shown)| {
            if text.contains(value.as_str()) {
                text.replace(value.as_str(), shown)
            } else {
                text
            }
        })
    }
}

fn of_request(request: &Request, take: &mut impl FnMut(&str, &str)) {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    for text in [query, request.body.as_str()] {
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if is_secret(&name) {
                take(&name, &value);
            }
        }
    }
    for (name, value) in &request.headers {
        match name.to_ascii_lowercase().as_str() {
            "authorization" => take("authorization", value.split_once(' ').map_or(value, |(_, value)| value)),
            "cookie" => {
                let pairs = value.split("; ").filter_map(|pair| pair.split_once('='));
                pairs.for_each(|(name, value)| take(name, value));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_wherever_it_is_repeated() {
        let mut evidence = Evidence::default();
        let hop = serde_json::json!({
            "at": 1, "done": 2, "step": 0, "who": "user", "flow": 0, "leg": "callback",
            "url": "http://localhost:3000/callback",
            "request": {
                "method": "GET",
                "target": "/callback?nonce=kQzO6t7vhjQZhfvhpTZtdP&prompt=login-login-login",
                "headers": [["cookie", "sid=0123456789abcdef"]],
            },
            "response": { "kind": "http", "status": 200, "headers": [], "body": "", "truncated": false },
        });
        evidence.hops.push(serde_json::from_value(hop).unwrap());
        let secrets = Secrets::of(&evidence);
        let shown = secrets.hide("<td>nonce</td><td>kQzO6t7vhjQZhfvhpTZtdP</td> 0123456789abcdef login-login-login");
        assert!(shown.starts_with("<td>nonce</td><td><nonce:"), "{shown}");
        assert!(
            shown.contains(" <sid:") && shown.ends_with(" login-login-login"),
            "{shown}"
        );
    }
}
