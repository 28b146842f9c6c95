//! What happens between the first request and the last token.

pub mod fault;
pub mod record;
pub mod scenario;
pub mod tamper;
