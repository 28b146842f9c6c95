//! What happens between the first request and the last token.

pub(crate) mod armed;
mod arming;
pub mod fault;
pub(crate) mod journal;
pub mod near_miss;
pub mod record;
pub mod scenario;
pub(crate) mod store;
pub mod tamper;
pub(crate) mod waiting;
pub(crate) mod windows;

pub use arming::Arming;
