//! `/_mock/*`: what people and tests say to the mock itself, over HTTP, and its dashboard.
//!
//! [`calls`] is the table from which both the router and the OpenAPI document are made. [`guard`] stands before every call.

use std::sync::Arc;

use axum::{Router, http::Method, middleware};

use crate::{idp::Idp, tls::Tls};

mod call;
mod checks;
mod clients;
mod dashboard;
mod decoded;
mod events;
mod export;
mod faults;
mod flows;
mod guard;
mod input;
mod openapi;
mod people;
mod problem;
mod system;
mod tokens;
mod view;

use call::Call;

/// What every call sees.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) idp: Arc<Idp>,
    pub(crate) tls: Option<Tls>,
}

/// The path below which everything here lives.
pub(crate) const BASE: &str = "/_mock";

/// The control API and the dashboard.
pub(crate) fn router(control: Control) -> Router {
    let mut router = Router::new();
    for call in calls() {
        router = router.route(&call.route(), call.handler);
    }
    router
        .route(BASE, axum::routing::get(dashboard::without_slash))
        .route("/_mock/{*rest}", axum::routing::any(problem::no_such_call))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(control.clone(), guard::check))
        .with_state(control)
}

/// Every call, in the order of the document.
#[rustfmt::skip]
fn calls() -> Vec<Call> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    vec![
        Call::new(&get, "/", "dashboard", "The dashboard, one page.", dashboard::page)
            .text("text/html", "The page."),
        Call::new(&get, "/health", "health", "Whether it is ready, and which server this is. Answered to everybody.", system::health)
            .answers::<system::Health>(200, "It is ready."),
        Call::new(&get, "/openapi.json", "openapi", "This document.", openapi::document)
            .text("application/json", "OpenAPI 3.1."),
        Call::new(&get, "/env", "env", "The variables that an application needs in its environment, and those of Okta's management SDKs.", system::env)
            .answers::<system::Env>(200, "By name."),
        Call::new(&post, "/reset", "reset", "Back to the org as it was at start: sessions, tokens, flows, faults, the clock, keys, users and clients.", system::reset)
            .query::<system::ResetQuery>()
            .answers::<system::Done>(200, "It starts over.").fails(400),
        Call::new(&post, "/verify", "verify", "Whether every armed fault has fired and no request was refused that should not have been.", system::verify)
            .takes::<system::VerifyInput>(false)
            .answers::<system::Verdict>(200, "As it should be.").answers::<system::Verdict>(409, "A fault never fired, or a request was refused unexpectedly.").fails(400),
        Call::new(&get, "/clock", "clock", "The server's time.", system::clock)
            .answers::<system::ClockView>(200, "Its time."),
        Call::new(&put, "/clock", "set-clock", "Shifts the server's clock against the system's.", system::set_clock)
            .takes::<system::ClockInput>(true)
            .answers::<system::ClockView>(200, "Its time from now on.").fails(400),
        Call::new(&get, "/keys", "keys", "The key sets of the authorization servers.", system::keys)
            .answers::<Vec<system::ServerKeys>>(200, "By server, the current key first."),
        Call::new(&post, "/keys/rotate", "rotate-keys", "A new signing key; with `overlap` the old one stays in the key set.", system::rotate_keys)
            .takes::<system::RotateInput>(false)
            .answers::<system::ServerKeys>(200, "The key set from now on.").fails(400).fails(404),
        Call::new(&get, "/users", "users", "People who can sign in.", people::list)
            .answers::<Vec<people::Person>>(200, "All of them."),
        Call::new(&get, "/users/{login}", "user", "One of them.", people::one)
            .answers::<people::Person>(200, "That one.").fails(404),
        Call::new(&put, "/users/{login}", "put-user", "Adds somebody, or changes what the body names.", people::put)
            .takes::<people::PersonInput>(false)
            .answers::<people::Person>(200, "Changed.").answers::<people::Person>(201, "Added.").fails(400),
        Call::new(&delete, "/users/{login}", "delete-user", "Removes somebody with all sessions and tokens.", people::delete)
            .answers::<system::Done>(200, "Removed.").fails(404),
        Call::new(&get, "/login", "next-logins", "Who is signed in next without the page.", people::next_logins)
            .answers::<Vec<people::LoginView>>(200, "Those who wait."),
        Call::new(&post, "/login", "login", "Signs somebody in without the page: at the next sign-in, or at every one.", people::login)
            .takes::<people::LoginInput>(true)
            .answers::<people::LoginView>(200, "Waits for the next authorization request that would show the page.").fails(400).fails(404),
        Call::new(&delete, "/login", "clear-logins", "From now on the page is shown again.", people::clear_logins)
            .answers::<system::Done>(200, "Nobody waits."),
        Call::new(&get, "/clients", "clients", "Registered applications.", clients::list)
            .answers::<Vec<clients::ClientView>>(200, "All of them."),
        Call::new(&get, "/clients/{id}", "client", "One of them.", clients::one)
            .answers::<clients::ClientView>(200, "That one.").fails(404),
        Call::new(&put, "/clients/{id}", "put-client", "Registers an application, or changes what the body names.", clients::put)
            .takes::<clients::ClientInput>(false)
            .answers::<clients::ClientView>(200, "Changed.").answers::<clients::ClientView>(201, "Registered.").fails(400),
        Call::new(&delete, "/clients/{id}", "delete-client", "Removes a registration.", clients::delete)
            .answers::<system::Done>(200, "Removed.").fails(404),
        Call::new(&get, "/faults", "faults", "What is armed, and what of it has fired in which flows.", faults::list)
            .answers::<Vec<faults::ArmedView>>(200, "In the order of arming."),
        Call::new(&post, "/faults", "arm", "Arms a fault for flows to come.", faults::arm)
            .takes::<faults::ArmInput>(true)
            .answers::<faults::ArmedView>(201, "Armed.").fails(400).fails(404).fails(409),
        Call::new(&delete, "/faults", "disarm-all", "Disarms everything. Flows that have a fault already keep it.", faults::clear)
            .answers::<system::Done>(200, "Nothing is armed."),
        Call::new(&get, "/faults/catalog", "fault-catalog", "Everything that can go wrong on purpose.", faults::catalog)
            .query::<faults::CatalogQuery>()
            .answers::<Vec<faults::FaultView>>(200, "By message.").fails(400),
        Call::new(&get, "/faults/{number}", "armed", "One armed fault.", faults::one)
            .answers::<faults::ArmedView>(200, "As it stands.").fails(400).fails(404),
        Call::new(&delete, "/faults/{number}", "disarm", "Disarms one. Flows that have it already keep it.", faults::delete)
            .answers::<faults::ArmedView>(200, "As it stood.").fails(400).fails(404),
        Call::new(&get, "/flows", "flows", "Sign-ins, the latest first.", flows::list)
            .query::<flows::FlowsQuery>()
            .answers::<Vec<view::Flow>>(200, "Those that the filters let through.").fails(400),
        Call::new(&post, "/flows", "begin", "Begins a flow: a browser that visits `enter` gets these faults at its next sign-in.", flows::begin)
            .takes::<flows::BeginInput>(false)
            .answers::<flows::Begun>(201, "Begun.").fails(400).fails(404),
        Call::new(&get, "/flows/wait", "wait", "Waits until a flow is as the filters say.", flows::wait)
            .query::<flows::WaitQuery>()
            .answers::<view::Flow>(200, "There is one.").fails(400).fails(408),
        Call::new(&get, "/flows/{flow}", "flow", "One flow with its steps, tokens and checks. The name may end in `.json`, `.mmd` (Mermaid) or `.har`.", flows::one)
            .answers::<view::FlowDetail>(200, "The flow.").also("text/plain").fails(404),
        Call::new(&get, "/flows/{flow}/enter", "enter", "Visited by a browser: sets a cookie that binds its next authorization request to the flow.", flows::enter)
            .query::<flows::EnterQuery>()
            .empty(204, "The cookie is set.").empty(302, "As 204, on the way to `to`.").fails(400).fails(404),
        Call::new(&get, "/requests", "requests", "Requests and their answers, the latest first; with `refused=true` those that were refused, and why.", flows::requests)
            .query::<flows::RequestsQuery>()
            .answers::<Vec<view::Step>>(200, "Those that the filters let through.").fails(400),
        Call::new(&post, "/tokens", "mint", "Tokens without a sign-in, good or wrong on purpose.", tokens::mint)
            .takes::<tokens::MintInput>(true)
            .answers::<tokens::Minted>(200, "Signed.").fails(400).fails(404),
        Call::new(&post, "/tokens/explain", "explain", "What a token says, whether its signature holds, and what an application must check.", tokens::explain)
            .takes::<tokens::ExplainInput>(true)
            .answers::<decoded::Decoded>(200, "Explained.").fails(400),
        Call::new(&get, "/events", "events", "Everything that happens from now on, as server-sent events; `data` is a record as in the journal.", events::stream)
            .query::<events::EventsQuery>()
            .stream("Records.").fails(400),
    ]
}
