//! What the authorization server is about to write, while it can still be changed.
//!
//! An endpoint builds the honest draft; [`crate::flow::tamper`] may turn it into a wrong one; only then is it written.

use std::{borrow::Cow, time::Duration};

use serde_json::{Map, Value};

/// A JSON Web Token before it is signed (RFC 7519, RFC 7515).
#[derive(Clone, Debug, PartialEq)]
pub struct TokenDraft {
    /// The JOSE header, in the order in which it is written. `alg` is what the header *says*; [`Signing`] is what is done.
    pub header: Map<String, Value>,
    /// The claims, in the order in which they are written.
    pub claims: Map<String, Value>,
    /// How the signature segment is made.
    pub signing: Signing,
    /// What is done to the token text after signing; applied in order.
    pub mangle: Vec<Mangle>,
    /// Payload text that replaces the serialised `claims`, for duplicate members and other things a map cannot hold.
    pub raw_payload: Option<Vec<u8>>,
    /// Header text that replaces the serialised `header`.
    pub raw_header: Option<Vec<u8>>,
}

/// How the signature of a token is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Signing {
    /// RS256 by the key that the authorization server publishes at present.
    Current,
    /// By another of the named keys that every mock-idp holds.
    With(NamedKey),
    /// HMAC-SHA-256 with these bytes as the key (RFC 7518 §3.2).
    Hmac(Vec<u8>),
    /// These bytes are the signature.
    Bytes(Vec<u8>),
    /// The signature segment is empty, the second dot stays (RFC 7515 §6, `alg` none).
    Empty,
}

/// Signing keys beside the published one. All of them are test keys, made once and stored with the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamedKey {
    /// RSA 2048, never published by the authorization server; served only at the second origin.
    Attacker,
    /// RSA 2048, published next to the current key when a JWKS fault says so (`PS256`, `RS512`, second signing key).
    SecondRsa,
    /// EC P-256 for `ES256`, published when a JWKS fault says so.
    EcP256,
    /// RSA 1024, published when a JWKS fault says so.
    WeakRsa,
    /// RSA 512, published when a JWKS fault says so.
    TinyRsa,
    /// RSA 2048 published with `"use":"enc"` when a JWKS fault says so.
    Encryption,
}

/// A change to the compact serialisation after signing.
#[derive(Clone, Debug, PartialEq)]
pub enum Mangle {
    /// Flip one bit of the last signature byte.
    FlipSignatureBit,
    /// Replace one claim after signing, the signature stays that of the honest payload.
    ReplaceClaim(String, Value),
    /// Drop the last segment together with its dot.
    DropSignatureSegment,
    /// Replace the whole token by this text.
    Replace(String),
    /// Append this text.
    Append(String),
    /// Prepend this text.
    Prepend(String),
}

/// An authorization response before it is written: the redirect (or form) that brings the browser back to the relying
/// party.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationDraft {
    /// The status of the redirect, 302 with Okta. Without meaning for `form_post`.
    pub status: u16,
    /// The redirection endpoint.
    pub redirect_uri: String,
    /// The parameters in the order in which they are written.
    pub params: Vec<(String, String)>,
    /// How they travel.
    pub mode: ResponseMode,
}

/// How an authorization response travels (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ResponseMode {
    /// In the query.
    #[default]
    Query,
    /// In the fragment.
    Fragment,
    /// As a form that posts itself.
    FormPost,
    /// By `window.postMessage`, Okta's own.
    PostMessage,
}

/// An HTTP answer before it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header fields in order; names in lower case. Most are the same in every answer, and borrowed.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The body.
    pub body: Body,
    /// How and when the bytes are put on the wire.
    pub delivery: Delivery,
}

/// The body of a [`Reply`].
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON value, written without spaces.
    Json(Value),
    /// Any bytes; the content type stands in the headers.
    Bytes(Vec<u8>),
    /// `count` times `unit`, produced while writing, so that huge bodies cost no memory here.
    Repeat {
        /// What comes before.
        head: Vec<u8>,
        /// The repeated unit.
        unit: Vec<u8>,
        /// How often.
        count: u64,
        /// What comes after.
        tail: Vec<u8>,
    },
}

/// How and when the bytes of a [`Reply`] are put on the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// At once, with a content length.
    Normal,
    /// After a pause.
    After(Duration),
    /// Never: the connection stays open and silent until the client gives up.
    Never,
    /// One byte at each interval.
    Trickle(Duration),
    /// The connection is reset at this point.
    Cut(Cut),
    /// Chunked transfer coding.
    Chunked,
    /// `Connection: close`, HTTP/1.0 style, no content length.
    CloseDelimited,
    /// As `Normal`, with header names in upper case.
    UpperCaseHeaders,
    /// Content-Encoding gzip, when the client accepts it.
    Gzip,
    /// Content-Encoding gzip of this many zero bytes after decoding.
    GzipBomb(u64),
}

/// Where a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the status line.
    BeforeHeaders,
    /// Inside the header section.
    MidHeaders,
    /// Half-way through the body.
    MidBody,
}
