//! mock-idp through its public surface: HTTP and the front door of the library.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

mod answers;
mod any_request;
mod app;
mod authn;
mod command;
mod control;
mod control_abuse;
mod cors;
mod credentials;
mod ctl;
mod decisions;
mod endurance;
mod exchanges;
mod faults;
mod grants;
mod idx;
mod inputs;
mod limits;
mod management;
mod metadata;
mod near_miss;
mod openidconnect;
mod pages;
mod raw_bytes;
mod readme;
mod redis;
mod refusals;
mod replicas;
mod resource;
mod robustness;
mod rooms;
mod shapes;
mod sign_in;
mod ten_lines;
mod tls;
mod unverified;
