//! The words of the standards. No I/O, no axum, no faults.

pub mod access_token;
pub mod draft;
pub mod error;
pub mod id_token;
pub mod jws;
pub mod keys;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod random;
pub mod totp;
pub mod userinfo;
