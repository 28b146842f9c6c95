//! Bodies, query parameters and parts of paths, with messages that name what is wrong.

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;
pub(crate) use crate::clock::Span;
use crate::wire::{BodyError, read_body};

/// Larger bodies are refused.
const LIMIT: usize = 1024 * 1024;

/// A JSON body; an empty one is the empty object.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let is_json = content_type.as_ref().is_none_or(|value| {
            let text = value.to_str().unwrap_or_default();
            let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        let bytes = read_body(request.into_body(), LIMIT)
            .await
            .map_err(|error| match error {
                BodyError::TooLarge => {
                    let text = format!("the body is larger than {LIMIT} bytes");
                    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", text)
                }
                BodyError::Unfinished => Problem::bad("the body did not arrive whole within 30 seconds"),
            })?;
        if !is_json && !bytes.is_empty() {
            return Err(
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "the body must be JSON")
                    .fix("send `content-type: application/json`"),
            );
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| Problem::bad(format!("the body: {error}")))
    }
}

/// Query parameters; unknown ones are refused by the type.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|error| {
            let text = error.body_text();
            Problem::bad(format!(
                "the query: {}",
                text.strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text)
            ))
        })
    }
}

/// The one parameter of a path.
#[derive(Debug)]
pub(crate) struct Part(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Part {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::bad(format!("the path: {error}")))?;
        let first = params.iter().next().map(|(_, value)| value.to_owned());
        Ok(Self(first.unwrap_or_default()))
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Either {
            Seconds(i32),
            Text(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Seconds(seconds)) => Ok(Self::of_seconds(i64::from(seconds))),
            Ok(Either::Text(text)) => text.parse().map_err(serde::de::Error::custom),
            Err(_) => Err(serde::de::Error::custom(
                "a duration is expected: a number of seconds, or a text like 90s, 5m, 2h",
            )),
        }
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration: seconds as a number, or a text like `90s`, `5m`, `2h`, `1d`, `500ms`.",
            "oneOf": [
                {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX},
                {"type": "string", "pattern": "^[+-]?[0-9]{1,9} ?(ms|s|m|min|h|d)?$"}
            ]
        })
    }
}
