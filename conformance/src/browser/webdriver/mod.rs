//! One real browser with a fresh profile, driven through WebDriver, all of whose requests pass a [`gate`].
//!
//! [`driver`] starts and ends the driver's process (`running.rs`), [`install`] brings it onto a machine; how a [`Brand`] is
//! started stands in `chrome.rs` and `firefox.rs`. A [`Process`] is one browser that makes fresh profiles, and a [`Session`]
//! one person's use of it. What it can do beyond WebDriver goes over its `wire.rs` (`devtools.rs`, `bidi.rs`) and is said in
//! `reach.rs`; the scripts of `script.rs` are what is asked of an open page.

mod bidi;
mod brand;
mod chrome;
mod cookie;
mod devtools;
pub mod driver;
pub mod error;
mod firefox;
pub mod gate;
pub mod install;
mod passage;
mod path;
mod process;
mod proxy;
mod reach;
mod running;
mod script;
mod session;
mod socket;
mod tunnel;
mod wire;

pub(crate) use self::session::Idle;
pub use self::{
    brand::Brand,
    cookie::HeldCookie,
    error::BrowserError,
    gate::Gate,
    process::Process,
    session::{Document, Session},
};
pub use super::rule::{Hold, Kind, Owner, Owners, Rule, Seen};
