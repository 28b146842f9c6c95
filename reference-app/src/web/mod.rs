//! Pages and endpoints, one per file, in the order in which a visitor meets them.

pub mod admin;
pub mod attempt_cookies;
pub mod callback;
pub mod error_page;
pub mod home;
pub mod logout_notices;
pub mod page;
pub mod profile;
pub mod return_to;
pub mod sign_in;
pub mod sign_out;
