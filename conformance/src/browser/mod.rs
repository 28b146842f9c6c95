//! What a browser is to the walk: a jar of cookies and a way to send one request at a time, redirects in plain sight.

pub mod coding;
pub mod cookie_jar;
pub mod http;
pub mod page;
pub mod pool;
pub mod webdriver;
