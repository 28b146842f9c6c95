//! The management API: what tests of a sign-in set up and take down. One file per resource.
//!
//! Shapes are Okta's, ids too; what is changed here acts at the next request of anybody.

use axum::http::{Method, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    endpoint::answer::{self, Answered, Refusal},
    exchange::Exchange,
    flow::store::TokenKind,
    okta::error::{
        API_BODY_MALFORMED, API_METHOD, API_NO_PERMISSION, API_NOT_FOUND, API_PATH_NOT_FOUND, API_TOKEN_INVALID,
        API_VALIDATION, ApiError,
    },
};

pub(crate) mod apps;
pub(crate) mod assignments;
pub(crate) mod cause;
pub(crate) mod claims;
pub(crate) mod expression;
pub(crate) mod groups;
pub(crate) mod lifecycle;
pub(crate) mod paging;
pub(crate) mod policies;
pub(crate) mod profile;
pub(crate) mod rules;
pub(crate) mod scopes;
pub(crate) mod search;
pub(crate) mod servers;
pub(crate) mod users;

/// `Authorization: SSWS {token}` with one of the org's API tokens. Okta's SDK for Python leaves the space out.
pub(crate) fn require_token(exchange: &Exchange) -> Result<(), Refusal> {
    let given = exchange
        .header(header::AUTHORIZATION)
        .and_then(|value| value.strip_prefix("SSWS"));
    let tenant = exchange.idp.tenant();
    match given {
        Some(token) if tenant.api_tokens.iter().any(|known| known == token.trim()) => Ok(()),
        _ => Err(API_TOKEN_INVALID.into()),
    }
}

/// An API token, or an access token of the org server with the scope `okta.{resource}.read` or `.manage`.
pub(crate) fn require(exchange: &Exchange, resource: &str) -> Result<(), Refusal> {
    let bearer = exchange.header(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let Some(bearer) = bearer else {
        return require_token(exchange);
    };
    let found = exchange.idp.store.tokens.get(bearer);
    let now = exchange.idp.clock.now();
    let token = found.filter(|token| token.kind == TokenKind::Access && token.server.is_empty() && token.is_alive(now));
    let Some(token) = token else {
        return Err(API_TOKEN_INVALID.into());
    };
    let reads = matches!(exchange.method, Method::GET | Method::HEAD);
    let manage = format!("okta.{resource}.manage");
    let read = format!("okta.{resource}.read");
    let allows = |scope: &String| *scope == manage || (reads && *scope == read);
    if token.scopes.iter().any(allows) {
        Ok(())
    } else {
        Err(API_NO_PERMISSION.into())
    }
}

/// The body as a JSON object.
pub(crate) fn object(exchange: &Exchange) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&exchange.body).map_err(|_| API_BODY_MALFORMED.into())
}

/// The body as a JSON object; no body is an empty one.
pub(crate) fn optional_object(exchange: &Exchange) -> Result<Map<String, Value>, Refusal> {
    if exchange.body.is_empty() {
        return Ok(Map::new());
    }
    object(exchange)
}

/// A segment of the path, percent-decoded: logins are written into paths.
pub(crate) fn part(exchange: &Exchange, index: usize) -> String {
    percent_decode_str(exchange.segment(index))
        .decode_utf8_lossy()
        .into_owned()
}

/// A query parameter that is `true` or `false`.
pub(crate) fn flag(exchange: &Exchange, name: &str, otherwise: bool) -> bool {
    match exchange.query.filled(name) {
        Some("true") => true,
        Some("false") => false,
        _ => otherwise,
    }
}

/// `2025-10-09T08:53:20.000Z`
pub(crate) fn moment(seconds: i64) -> Value {
    const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    json!(moment.format(FORMAT).unwrap_or_default())
}

/// As [`moment`], or `null`.
pub(crate) fn perhaps(seconds: Option<i64>) -> Value {
    seconds.map_or(Value::Null, moment)
}

/// `{"href": URL}`, with the methods that it takes.
pub(crate) fn link(exchange: &Exchange, path: &str, methods: &[&str]) -> Value {
    let href = format!("{}{path}", exchange.org());
    if methods.is_empty() {
        json!({ "href": href })
    } else {
        json!({"href": href, "hints": {"allow": methods}})
    }
}

/// 404 for a thing of this kind.
pub(crate) fn not_found(id: &str, kind: &str) -> Refusal {
    API_NOT_FOUND.with(&format!("Resource not found: {id} ({kind})")).into()
}

/// `Api validation failed: {field}` with its causes.
pub(crate) fn invalid(field: &str, causes: &[String]) -> Refusal {
    Refusal::Api(ApiError {
        causes: causes.to_vec(),
        ..API_VALIDATION.with(field)
    })
}

/// As [`invalid`] with one cause, which begins with the name of the field.
pub(crate) fn invalid_field(field: &str, cause: &str) -> Refusal {
    invalid(field, &[format!("{field}: {cause}")])
}

/// An error with a cause.
pub(crate) fn because(error: &ApiError, cause: &str) -> Refusal {
    Refusal::Api(ApiError {
        causes: vec![cause.to_owned()],
        ..error.clone()
    })
}

/// 405, for paths whose methods differ by what they name.
pub(crate) fn wrong_method() -> Answered {
    Err(API_METHOD.into())
}

/// 200.
pub(crate) fn ok(value: Value) -> Answered {
    Ok(answer::json(200, value))
}

/// 204: Okta's answers without a body.
pub(crate) fn done() -> Answered {
    Ok(answer::empty(204))
}

/// A text member, if it is one and not blank.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}

/// A text member of at most so many characters: `Ok(None)` if it is not there, an error if it is no text or too long.
pub(crate) fn limited<'a>(object: &'a Map<String, Value>, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text)),
        Some(Value::String(_)) => Err(invalid_field(name, &cause::TOO_LONG.replace("{0}", &most.to_string()))),
        Some(_) => Err(invalid_field(name, cause::NO_TEXT)),
    }
}

/// A list of texts; `Ok(None)` if it is not there.
pub(crate) fn texts(object: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let list = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list.iter().map(|entry| entry.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    list.map(Some).ok_or_else(|| invalid_field(name, cause::NO_TEXTS))
}

/// A member that is an object; nothing if it is not there.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name).and_then(Value::as_object)
}

/// `ACTIVE` or `INACTIVE`
pub(crate) fn status(active: bool) -> Value {
    json!(if active { "ACTIVE" } else { "INACTIVE" })
}

/// The state that a path ending in `activate` or `deactivate` asks for.
pub(crate) fn wanted_state(exchange: &Exchange, index: usize) -> Result<bool, Refusal> {
    match exchange.segment(index) {
        "activate" => Ok(true),
        "deactivate" => Ok(false),
        _ => Err(API_PATH_NOT_FOUND.into()),
    }
}
