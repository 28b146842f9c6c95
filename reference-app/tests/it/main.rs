//! The app and its relying party against an authorization server that is scripted word by word: an opinion of its own,
//! independent of mock-idp. `sign_in.rs` is the place to begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so at once"
)]

mod access_token;
mod browser;
mod callback;
mod config;
mod dashboard;
mod fake_idp;
mod hosted_page;
mod id_token;
mod in_process;
mod jws;
mod keys;
mod learnt;
mod logout_notices;
mod metadata;
mod mirror;
mod pages;
mod rejudged;
mod serve;
mod session;
mod sign_in;
mod sign_out;
mod token_response;
mod userinfo;
mod visitor;
