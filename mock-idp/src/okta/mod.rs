//! What Okta puts on the wire and other OpenID providers do not: its error texts and shapes, the members of its metadata,
//! the claims of its tokens in its order. Data and words only: which endpoint says them stands in `endpoint`.

pub mod access_token;
pub mod error;
pub mod id_token;
pub mod metadata;
pub mod userinfo;
