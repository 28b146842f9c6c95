//! A fake Okta authorization server, to develop and test sign-in against without a live Okta org.
//!
//! It is faithful to Okta on the wire and can misbehave on purpose, one flow at a time: a [`Fault`] travels *by value*
//! with the flow it was meant for, so that any number of flows can go wrong in different ways at the same time.
//!
//! ```
//! use mock_idp::{Client, Fault, MockIdp, Scenario, flow::fault::IdTokenFault};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), mock_idp::StartError> {
//! // One for each test: it takes a free port, is ready when this returns, and stops when it is dropped.
//! let idp = MockIdp::builder()
//!     .user("alice@example.test")
//!     .client(Client::web("web").redirect("http://localhost:3000/callback"))
//!     .start()
//!     .await?;
//!
//! // What the application under test needs: OKTA_ISSUER, OKTA_CLIENT_ID, OKTA_CLIENT_SECRET.
//! let env = idp.env();
//! assert_eq!(env[0], ("OKTA_ISSUER".to_owned(), format!("{}oauth2/default", idp.origin())));
//! assert_eq!(env[1], ("OKTA_CLIENT_ID".to_owned(), "web".to_owned()));
//!
//! // Visit `enter` in a browser, and its next sign-in ends with an ID token that nobody signed.
//! let flow = idp.begin(Scenario::fault(Fault::IdToken(IdTokenFault::AlgNone)));
//! assert!(flow.enter.path().ends_with("/enter"));
//! // `records` tells what the application asked for since then, and what it was sent.
//! assert!(idp.records(flow.id).is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! A whole test: an app, a sign-in, a fault, and whether the app refused.
//!
//! ```
//! # use axum::{Router, extract::Query, http::StatusCode, response::Redirect, routing::get};
//! # /// An app that compares the issuer of the response, where there is one (RFC 9207), and nothing else.
//! # async fn my_app(idp: &mock_idp::MockIdp) -> String {
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! #     let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
//! #     idp.set_clients(vec![mock_idp::Client::web("web").redirect(&format!("{url}/callback"))]);
//! #     let (issuer, callback) = (idp.issuer(), format!("{url}/callback"));
//! #     let to = format!(
//! #         "{issuer}/v1/authorize?client_id=web&response_type=code&scope=openid&state=s&redirect_uri={callback}"
//! #     );
//! #     let finish = move |Query(query): Query<Vec<(String, String)>>| async move {
//! #         let is_ours = query.iter().all(|(name, value)| name != "iss" || *value == issuer);
//! #         if is_ours { (StatusCode::OK, "Hello, Alice") } else { (StatusCode::BAD_REQUEST, "Please sign in again") }
//! #     };
//! #     let login = move || async move { Redirect::to(&to) };
//! #     let router = Router::new().route("/login", get(login)).route("/callback", get(finish));
//! #     tokio::spawn(async move { axum::serve(listener, router).await });
//! #     url
//! # }
//! use mock_idp::{MockIdp, Scenario};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idp = MockIdp::builder().user("alice@example.test").start().await?;
//! let app = my_app(&idp).await;
//! let visit = idp.sign_in(format!("{app}/login")).await?;
//! assert!(visit.shows("Hello, Alice"));
//!
//! let flow = idp.begin(Scenario::fault("authorization-response.iss-wrong.other".parse()?));
//! let visit = flow.sign_in(format!("{app}/login")).await?;
//! assert!(flow.delivered(), "without that a refusal proves nothing");
//! assert_eq!(visit.status, 400);
//! # Ok(())
//! # }
//! ```
//!
//! The map, from the outside in: [`MockIdp`] starts, begins flows and reads what happened; `router` is the table of
//! endpoints, one file each in `endpoint`; `exchange` is one request on its way through, `delivery` and `wire` put its answer
//! on the wire; [`tenant`] is an Okta org as data; [`flow`] holds what happens between the first request and the last token,
//! and how it can go wrong; [`protocol`] holds the words of the standards and does no I/O.

mod clock;
pub mod config;
mod control;
mod data;
mod delivery;
pub mod display;
mod endpoint;
mod exchange;
pub mod flow;
mod idp;
pub mod okta;
pub mod protocol;
mod router;
mod server;
mod suggest;
pub mod tenant;
mod tls;
mod wire;

/// The version of this crate, which [`MockIdp`] tells at `/_mock/health`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use clock::Span;
pub use endpoint::{
    logout_token::{LogoutTokenError, TIMED_OUT},
    universal_logout::UniversalLogout,
};
pub use flow::{fault::Fault, record::Event, scenario::Scenario};
pub use router::{EndpointRow, endpoints};
pub use server::{Builder, FlowHandle, MockIdp, StartError, Visit, VisitError};
pub use tenant::{Client, Tenant, User};
