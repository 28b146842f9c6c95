//! What a call that cannot be done answers.

use axum::{
    Json,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::suggest::beginning;

/// Why a call was not done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// A stable word.
    error: &'static str,
    /// What was wrong, and what was expected.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            fix: None,
        }
    }

    /// The request is not as described.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    pub(crate) fn forbidden(error: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// Nobody has this name; the nearest of those that there are is told.
    pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let problem = Self::not_found(format!("there is no {what} `{name}`"));
        let near = known
            .map(|known| (strsim::jaro_winkler(beginning(known), beginning(name)), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        match near {
            Some((_, known)) => problem.fix(format!("did you mean `{known}`?")),
            None => problem,
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        if status == StatusCode::BAD_REQUEST {
            self.error = "bad-request";
        }
        self
    }

    /// As [`Problem::fix`], where nothing better is known.
    pub(crate) fn or_fix(self, fix: &str) -> Self {
        if self.fix.is_some() { self } else { self.fix(fix) }
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

pub(crate) async fn no_such_call(request: Request) -> Problem {
    Problem::not_found(format!("there is no call `{}`", request.uri().path()))
        .fix("GET /_mock/openapi.json lists them all")
}

pub(crate) async fn method_not_allowed(request: Request) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        format!("`{}` does not take {}", request.uri().path(), request.method()),
    )
    .fix("GET /_mock/openapi.json says which methods it takes")
}
