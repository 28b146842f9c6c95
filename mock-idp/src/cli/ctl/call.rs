//! The call of each command.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Command, FlowFilter, Format};

/// A call: method, path below `/_mock`, body.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} /_mock/{}", self.method, self.path)
    }
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
        }
    }

    fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body: Some(body),
        }
    }

    fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            path: path.into(),
            body: None,
        }
    }

    /// The call of a command.
    ///
    /// # Errors
    /// When a claim or a body is none.
    pub(super) fn of(command: &Command) -> anyhow::Result<Self> {
        Ok(match command {
            Command::Health => Self::get("health"),
            Command::Env => Self::get("env"),
            Command::Flows { filter, refused, .. } => {
                let refused = refused.then(|| "true".to_owned());
                Self::get(with_query("flows", filter.pairs([("refused", refused)])))
            }
            Command::Flow { flow, format } => Self::get(match format {
                Format::Mermaid => format!("flows/{flow}.mmd"),
                Format::Har => format!("flows/{flow}.har"),
                Format::Text | Format::Json => format!("flows/{flow}"),
            }),
            Command::Wait { filter, timeout } => {
                let timeout = Some(timeout.clone());
                Self::get(with_query("flows/wait", filter.pairs([("timeout", timeout)])))
            }
            Command::Requests { refused, flow } => {
                let refused = refused.then(|| "true".to_owned());
                Self::get(with_query("requests", [("refused", refused), ("flow", flow.clone())]))
            }
            Command::Faults => Self::get("faults"),
            Command::Arm {
                id,
                user,
                client,
                endpoint,
                server,
                times,
                ttl,
            } => {
                let when = given(json!({"user": user, "client": client, "endpoint": endpoint, "server": server}));
                Self::post(
                    "faults",
                    given(json!({"id": id, "when": when, "times": times, "ttl": ttl})),
                )
            }
            Command::Disarm { number: None } => Self::delete("faults"),
            Command::Disarm { number: Some(number) } => Self::delete(format!("faults/{number}")),
            Command::Login { user: None, .. } => Self::delete("login"),
            Command::Login { user, client, always } => {
                Self::post("login", given(json!({"user": user, "client": client, "once": !always})))
            }
            Command::Users => Self::get("users"),
            Command::Clients => Self::get("clients"),
            Command::Clock { offset: None } => Self::get("clock"),
            Command::Clock { offset } => Self {
                method: Method::PUT,
                ..Self::post("clock", json!({"offset": offset}))
            },
            Command::RotateKeys { overlap, server } => {
                Self::post("keys/rotate", json!({"overlap": overlap, "server": server}))
            }
            Command::Reset { keep } => {
                let keep = (!keep.is_empty()).then(|| keep.join(","));
                Self::post(with_query("reset", [("keep", keep)]), json!({}))
            }
            Command::Verify { expected } => Self::post("verify", json!({"expected_refusals": expected})),
            Command::Token {
                user,
                client,
                scope,
                expires_in,
                claims,
            } => {
                let mut set = Map::new();
                for claim in claims {
                    let (name, value) = claim
                        .split_once('=')
                        .with_context(|| format!("`{claim}` is no claim; expected NAME=VALUE, as in locale=de-DE"))?;
                    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                    set.insert(name.to_owned(), value);
                }
                let body = json!({
                    "user": user, "client": client, "scope": scope, "expires_in": expires_in, "claims": set,
                });
                Self::post("tokens", given(body))
            }
            Command::Explain { token } => Self::post("tokens/explain", json!({"token": token})),
            Command::Events => Self::get("events"),
            Command::Call { method, path, body } => Self {
                method: method.clone(),
                path: path.trim_start_matches('/').trim_start_matches("_mock/").to_owned(),
                body: body
                    .as_deref()
                    .map(|body| serde_json::from_str(body).with_context(|| format!("`{body}` is no JSON")))
                    .transpose()?,
            },
        })
    }
}

impl FlowFilter {
    pub(super) fn pairs<const N: usize>(
        &self,
        more: [(&'static str, Option<String>); N],
    ) -> Vec<(&'static str, Option<String>)> {
        let mut pairs = vec![
            ("user", self.user.clone()),
            ("client", self.client.clone()),
            ("status", self.status.clone()),
        ];
        pairs.extend(more);
        pairs
    }
}

/// The path with the parameters that are given.
pub(super) fn with_query(path: &str, pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    match query.finish().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The object without the members that are null.
fn given(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}
