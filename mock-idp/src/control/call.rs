//! One row of the table of calls: who answers, and what the OpenAPI document says of it.

use axum::{
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter, on},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{BASE, Control, problem::Problem};

/// Writes the schema of a type.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A possible answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: String,
    pub(crate) content_type: &'static str,
    /// `None` for text or nothing.
    pub(crate) shape: Option<Shape>,
}

/// See the module.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) query: Option<Shape>,
    /// The shape of the body, and whether there must be one.
    pub(crate) body: Option<(Shape, bool)>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) handler: MethodRouter<Control>,
}

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Call {
    pub(crate) fn new<H, T>(
        method: &Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Control>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        Self {
            method: method.clone(),
            path,
            id,
            summary,
            query: None,
            body: None,
            answers: Vec::new(),
            handler: on(filter, handler),
        }
        .fails(401)
        .fails(403)
    }

    /// Its path in the router.
    pub(crate) fn route(&self) -> String {
        format!("{BASE}{}", self.path)
    }

    pub(crate) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(inline::<T>);
        self
    }

    pub(crate) fn takes<T: JsonSchema>(mut self, required: bool) -> Self {
        self.body = Some((shape::<T>, required));
        self.fails(413).fails(415)
    }

    pub(crate) fn answers<T: JsonSchema>(self, status: u16, description: &str) -> Self {
        self.with(status, description, "application/json", Some(shape::<T>))
    }

    /// A refusal with this status.
    pub(crate) fn fails(self, status: u16) -> Self {
        let description = match status {
            400 => "The request is not as described.",
            401 => "The admin token is missing or wrong.",
            403 => "Not from here: a foreign host or origin, or another machine.",
            404 => "There is no such thing.",
            408 => "It did not come about in time.",
            409 => "It cannot be done now.",
            413 => "The body is larger than one mebibyte.",
            _ => "The body must be JSON.",
        };
        self.with(status, description, "application/json", Some(shape::<Problem>))
    }

    pub(crate) fn text(self, content_type: &'static str, description: &str) -> Self {
        self.with(200, description, content_type, None)
    }

    pub(crate) fn stream(self, description: &str) -> Self {
        self.text("text/event-stream", description)
    }

    /// The 200 may be of this type too.
    pub(crate) fn also(self, content_type: &'static str) -> Self {
        self.with(200, "The same in another form.", content_type, None)
    }

    pub(crate) fn empty(self, status: u16, description: &str) -> Self {
        self.with(status, description, "", None)
    }

    fn with(mut self, status: u16, description: &str, content_type: &'static str, shape: Option<Shape>) -> Self {
        self.answers.push(Answer {
            status,
            description: description.to_owned(),
            content_type,
            shape,
        });
        self
    }
}
