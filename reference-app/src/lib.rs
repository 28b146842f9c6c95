//! A small web app that signs people in with Okta, to read and to copy.
//!
//! The rooms, in reading order:
//!
//! - [`config`]: settings from the environment.
//! - [`oidc`]: the relying party. One step of the sign-in per file; knows no web framework and no database.
//! - [`session`], [`users`], [`db`]: who is signed in, kept in SQLite or PostgreSQL.
//! - [`web`]: one page or endpoint per file.
//! - [`app`]: puts them together; [`app::App::router`] is what the tests drive.
//! - [`serve`]: the connections under it, with their limits; what `main.rs` runs.
//!
//! [`oidc::RelyingParty`] is the heart: `begin` makes the authorization request, `finish` turns the authorization
//! response into an [`oidc::Identity`] or says with [`oidc::SignInError`] which of its checks refused it.

pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod oidc;
pub mod secret;
pub mod serve;
pub mod session;
pub mod users;
pub mod web;
