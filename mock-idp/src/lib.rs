//! A fake Okta authorization server, to develop and test sign-in against without a live Okta org.
//!
//! It is faithful to Okta on the wire and can misbehave on purpose, one flow at a time: a [`Fault`] travels *by value*
//! with the flow it was meant for, so that any number of flows can go wrong in different ways at the same time.
//!
//! The map, from the outside in: [`MockIdp`] starts, begins flows and reads what happened; `router` is the table of
//! endpoints, one file each in `endpoint`; `exchange` is one request on its way through, `delivery` and `wire` put its answer
//! on the wire; [`tenant`] is an Okta org as data; [`flow`] holds what happens between the first request and the last token,
//! and how it can go wrong; [`protocol`] holds the words of the standards and does no I/O.

mod clock;
pub mod config;
mod control;
mod delivery;
mod endpoint;
mod exchange;
pub mod flow;
mod idp;
mod logout_token;
pub mod protocol;
mod router;
mod server;
pub mod tenant;
mod tls;
mod wire;

pub use flow::{fault::Fault, record::Event, scenario::Scenario};
pub use logout_token::LogoutTokenError;
pub use server::{Builder, FlowHandle, MockIdp, StartError};
pub use tenant::{Client, Tenant, User};
