//! A cookie as a browser tells of it.

use serde::Deserialize;

/// A cookie that the browser holds, as far as it tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HeldCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host it is for; with a leading dot also for hosts below it.
    pub domain: String,
    /// The path it is for.
    pub path: String,
}
