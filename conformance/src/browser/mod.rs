//! What browsers are made of: requests, cookies, pages and rules that the walk's two drivers share, and real browsers.

pub mod coding;
pub mod cookie_jar;
pub mod http;
pub mod page;
pub mod pool;
pub mod rule;
pub mod webdriver;
