//! Scripted apps: what a harness meets when the target is no relying party at all, or a hopeless one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use conformance::runner::{InProcess, Vars};
use futures_util::stream;

/// How the app misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Answers no request at all.
    Hangs,
    /// Closes every connection after reading the request.
    Closes,
    /// 500 for everything.
    Fails,
    /// Redirects in a circle.
    Loops,
    /// A body that never ends.
    Endless,
    /// Starts sign-ins, and refuses every callback.
    RejectsEveryone,
    /// Signs in whoever comes to the callback, as whatever the ID token says, unverified, and as a guest without one.
    AcceptsEveryone,
    /// Shows the last user's address on the protected page to everybody.
    ShowsTheLastUser,
}

#[derive(Clone)]
struct App {
    mode: Mode,
    vars: Arc<Vars>,
    last: Arc<Mutex<Option<String>>>,
}

impl Mode {
    /// The app inside this process.
    pub(crate) fn app(self) -> InProcess {
        InProcess::new(move |listener, vars| async move {
            let app = App {
                mode: self,
                vars: Arc::new(vars),
                last: Arc::default(),
            };
            Ok(async move {
                match self {
                    Mode::Closes => close_everything(listener).await,
                    _ => drop(axum::serve(listener, router(app)).await),
                }
            })
        })
    }
}

async fn close_everything(listener: tokio::net::TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream);
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/signin", get(sign_in))
        .route("/callback", get(callback))
        .route("/me", get(me))
        .route("/signout", get(sign_out))
        .fallback(anything)
        .layer(axum::middleware::from_fn_with_state(app.clone(), misbehave))
        .with_state(app)
}

async fn misbehave(State(app): State<App>, request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    match app.mode {
        Mode::Hangs => std::future::pending().await,
        Mode::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mode::Loops => {
            let turn = request
                .uri()
                .query()
                .and_then(|query| query.parse::<u32>().ok())
                .unwrap_or_default();
            Redirect::to(&format!("/signin?{}", turn + 1)).into_response()
        }
        Mode::Endless => {
            let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b'x'; 16 * 1024])));
            Response::new(Body::from_stream(chunks))
        }
        _ => next.run(request).await,
    }
}

async fn sign_in(State(app): State<App>) -> Redirect {
    let vars = &app.vars;
    let state = format!("{:032x}", rand::random::<u128>());
    let callback = format!("http://localhost:{}/callback", vars["port"]);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", vars["idp.client.id"].as_str()),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", "openid email profile"),
            ("state", &state),
        ])
        .finish();
    Redirect::to(&format!("{}/v1/authorize?{query}", vars["idp.issuer"]))
}

async fn callback(State(app): State<App>, Query(query): Query<HashMap<String, String>>) -> Response {
    if app.mode == Mode::RejectsEveryone {
        return StatusCode::FORBIDDEN.into_response();
    }
    let email = match query.get("code") {
        Some(code) => email_for(&app, code).await,
        None => None,
    };
    let email = email.unwrap_or_else(|| "guest".to_owned());
    *app.last.lock().unwrap() = Some(email.clone());
    let cookie = format!("session={email}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/me")).into_response()
}

/// The address in the ID token that the code is worth, read without a look at anything else.
async fn email_for(app: &App, code: &str) -> Option<String> {
    use base64::Engine;
    let vars = &app.vars;
    let callback = format!("http://localhost:{}/callback", vars["port"]);
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/token", vars["idp.issuer"]))
        .basic_auth(&vars["idp.client.id"], Some(&vars["idp.client.secret"]))
        .form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
        ])
        .send()
        .await
        .ok()?;
    let answer: serde_json::Value = answer.json().await.ok()?;
    let payload = answer["id_token"].as_str()?.split('.').nth(1)?.to_owned();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(claims["email"].as_str()?.to_owned())
}

async fn me(State(app): State<App>, headers: HeaderMap) -> Response {
    let last = app.last.lock().unwrap().clone();
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let session = cookies
        .split("; ")
        .find_map(|pair| pair.strip_prefix("session="))
        .map(str::to_owned);
    let shown = if app.mode == Mode::ShowsTheLastUser {
        last.or(session)
    } else {
        session
    };
    match shown {
        Some(email) => format!("signed in: {email}").into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn sign_out() -> Response {
    ([(header::SET_COOKIE, "session=; Path=/; Max-Age=0")], Redirect::to("/")).into_response()
}

async fn anything() -> &'static str {
    "a page"
}
