//! The words of the standards, the same for every OpenID provider. No I/O, no axum, no faults, nothing of Okta.

pub mod draft;
pub mod jws;
pub mod keys;
pub mod params;
pub mod pkce;
pub mod random;
pub mod totp;
