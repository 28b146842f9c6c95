//! What Okta puts on the wire and other OpenID providers do not: its error texts and shapes, its header sets, the members of
//! its metadata, the claims of its tokens in its order, its pages. Data, words and templates only: which endpoint says them
//! stands in `endpoint`.

pub mod access_token;
pub(crate) mod answer;
pub mod error;
pub mod id_token;
pub mod metadata;
pub(crate) mod page;
pub(crate) mod problem;
pub mod userinfo;
