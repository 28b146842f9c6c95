//! The ten-line test of the library: a whole app, a fault, and whether it was refused.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect},
    routing::get,
};
use mock_idp::{Client, Fault, MockIdp, Scenario, VisitError, flow::fault::IdTokenFault};
use serde_json::Value;

use crate::app::{CHALLENGE, VERIFIER, part};

/// An app that looks at nothing but the `aud` of its ID token.
#[derive(Clone)]
struct App {
    issuer: String,
    redirect_uri: String,
    secret: String,
    form_post: bool,
    signed_in: Arc<Mutex<String>>,
}

async fn app_of(idp: &MockIdp, form_post: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let redirect_uri = format!("{url}/callback");
    let client = Client::web("web").redirect(&redirect_uri);
    idp.set_clients(vec![client.clone()]);
    let app = App {
        issuer: idp.issuer(),
        redirect_uri,
        secret: client.secret.unwrap(),
        form_post,
        signed_in: Arc::default(),
    };
    let router = Router::new()
        .route("/login", get(login))
        .route("/callback", get(callback).post(posted))
        .route(
            "/me",
            get(|State(app): State<App>| async move { app.signed_in.lock().unwrap().clone() }),
        )
        .with_state(app);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn login(State(app): State<App>) -> impl IntoResponse {
    let mode = if app.form_post { "&response_mode=form_post" } else { "" };
    let to = format!(
        "{}/v1/authorize?client_id=web&response_type=code&scope=openid+email&state=s&code_challenge={CHALLENGE}&\
         code_challenge_method=S256&redirect_uri={}{mode}",
        app.issuer, app.redirect_uri
    );
    ([("set-cookie", "state=s; Path=/")], Redirect::to(&to))
}

async fn callback(
    state: State<App>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> axum::response::Response {
    finish(state, &headers, query).await
}

async fn posted(state: State<App>, headers: HeaderMap, form: String) -> axum::response::Response {
    let pairs = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    finish(state, &headers, pairs).await
}

async fn finish(State(app): State<App>, headers: &HeaderMap, query: Vec<(String, String)>) -> axum::response::Response {
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default();
    assert!(
        cookie.contains("state=s"),
        "the browser keeps the app's cookies: {cookie}"
    );
    let code = query
        .iter()
        .find(|(name, _)| name == "code")
        .map(|(_, value)| value.as_str());
    let Some(code) = code else {
        return (StatusCode::BAD_REQUEST, "no code").into_response();
    };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", &app.secret),
    ];
    let answer = crate::app::http(None)
        .post(format!("{}/v1/token", app.issuer))
        .form(&form)
        .send()
        .await
        .unwrap();
    let tokens: Value = answer.json().await.unwrap();
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    if claims["aud"] != "web" {
        return (StatusCode::BAD_REQUEST, "Please sign in again.").into_response();
    }
    *app.signed_in.lock().unwrap() = claims["email"].as_str().unwrap().to_owned();
    Redirect::to("/me").into_response()
}

#[tokio::test]
async fn an_app_is_signed_in_to_in_ten_lines() {
    let idp = MockIdp::builder().user("alice@example.test").start().await.unwrap();
    let app = app_of(&idp, false).await;
    let mut visit = idp.sign_in(format!("{app}/login")).await.unwrap();
    assert!(visit.shows("alice@example.test"));
    assert!(visit.get("/me").await.unwrap().shows("alice@example.test"));

    let flow = idp.begin(Scenario::fault(Fault::IdToken(IdTokenFault::AudOther)));
    let visit = flow.sign_in(format!("{app}/login")).await.unwrap();
    assert!(flow.delivered());
    assert_eq!(
        (visit.status, visit.body.as_str()),
        (StatusCode::BAD_REQUEST, "Please sign in again.")
    );
}

#[tokio::test]
async fn a_fault_that_never_arrived_is_not_delivered() {
    let idp = MockIdp::start().await.unwrap();
    let app = app_of(&idp, true).await;
    let flow = idp.begin(Scenario::fault(Fault::IdToken(IdTokenFault::AudOther)));
    assert!(!flow.delivered(), "nobody has signed in");
    let visit = idp.sign_in(format!("{app}/login")).await.unwrap();
    assert!(visit.shows("alice@example.test"), "by form_post too: {}", visit.body);
    assert!(!flow.delivered(), "somebody else signed in");
    // A magic login needs no flow.
    let visit = idp
        .sign_in_as("id-token.aud-wrong.other@fault.test", format!("{app}/login"))
        .await
        .unwrap();
    assert_eq!(visit.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_no_sign_in_is_told() {
    let idp = MockIdp::start().await.unwrap();
    let app = app_of(&idp, false).await;
    assert!(matches!(idp.sign_in("/login").await, Err(VisitError::Address(_))));
    let told = idp.sign_in(format!("{app}/me")).await.unwrap_err();
    assert!(matches!(told, VisitError::NoSignIn { .. }), "{told}");
    assert!(matches!(
        idp.sign_in("http://127.0.0.1:9/").await,
        Err(VisitError::Unreachable { .. })
    ));
    let told = idp
        .sign_in_as("nobody@example.test", format!("{app}/login"))
        .await
        .unwrap_err();
    assert!(told.to_string().contains("Unable to sign in"), "{told}");
}
