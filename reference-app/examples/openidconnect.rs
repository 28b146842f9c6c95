//! The same sign-in on the `openidconnect` crate instead of this app's own `oidc/`: for those who would rather depend on
//! a library than copy a folder. One file, top to bottom; the suite drives it with `openidconnect.conformance.toml`.
//!
//! What the library leaves to its caller, and what is therefore written out here: the state (who began this sign-in, and
//! is it answered for the first time), the token type, `at_hash`, the age of the token, `azp`, limits of time and size,
//! the fetch of rotated keys, and everything after the identity: sessions, sign-out, where to go next.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{OriginalUri, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreTokenType,
    },
};
use reference_app::{
    config::{CALLBACK_PATH, Config, SIGNED_OUT_PATH},
    secret::{random_token, same, sha256},
    web::return_to,
};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use url::form_urlencoded;

/// The library's client for this provider. Its type names which endpoints are known, which is too long to write down.
macro_rules! client {
    ($app:expr, $provider:expr) => {
        CoreClient::from_provider_metadata(
            $provider.metadata.clone(),
            ClientId::new($app.config.client_id.clone()),
            $app.config
                .client_secret
                .as_ref()
                .map(|secret| ClientSecret::new(secret.expose().to_owned())),
        )
        .set_redirect_uri(RedirectUrl::new($app.config.redirect_uri())?)
    };
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let config = Config::from_env()?;
    let address = (config.host.clone(), config.port);
    let app = Arc::new(App::new(config)?);
    let router = Router::new()
        .route("/", get(home))
        .route("/signin", get(begin))
        // GET only: axum would answer HEAD with the same handler, and spend the code.
        .route(
            CALLBACK_PATH,
            get(finish).head(|| async { StatusCode::METHOD_NOT_ALLOWED }),
        )
        .route("/profile", get(profile))
        .route("/me", get(me))
        .route("/signout", get(ask).post(sign_out))
        .route(
            SIGNED_OUT_PATH,
            get(|| async { page("Signed out", "Your session has ended.", None) }),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(axum::middleware::map_response(set_headers))
        .with_state(app);
    axum::serve(TcpListener::bind(address).await?, router).await?;
    Ok(())
}

struct App {
    config: Config,
    http: reqwest::Client,
    provider: tokio::sync::Mutex<Option<Provider>>,
    /// Sign-ins that have begun, by state.
    pending: Mutex<HashMap<String, Pending>>,
    /// Sessions, by the hash of their cookie.
    sessions: Mutex<HashMap<String, Session>>,
}

/// Metadata and keys; the library fetches them together.
#[derive(Clone)]
struct Provider {
    fetched: Instant,
    metadata: ProviderMetadataWithLogout,
}

struct Pending {
    /// The browser that began it.
    browser: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    return_to: String,
    begun: Instant,
}

#[derive(Clone)]
struct Session {
    subject: String,
    name: Option<String>,
    email: Option<String>,
    id_token: String,
    since: Instant,
}

/// A sign-in was refused. The reason is for the log.
struct Refused(String);

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            reason = format!("{reason}: {next}");
            cause = next.source();
        }
        Self(reason)
    }
}

fn refused<T>(reason: &str) -> Result<T, Refused> {
    Err(Refused(reason.to_owned()))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        tracing::warn!(reason = self.0, "sign-in refused");
        (
            StatusCode::BAD_REQUEST,
            page("You are not signed in", "The sign-in did not pass.", Some("/signin")),
        )
            .into_response()
    }
}

type Shared = State<Arc<App>>;

const PENDING_LIFETIME: Duration = Duration::from_secs(900);
const MAX_PENDING: usize = 10_000;
const PROVIDER_LIFETIME: Duration = Duration::from_secs(900);
const PROVIDER_PAUSE: Duration = Duration::from_secs(4);
const BODY_LIMIT: usize = 512 * 1024;

// Steps 1 and 2: metadata, and the authorization request.

async fn begin(State(app): Shared, RawQuery(query): RawQuery, jar: CookieJar) -> Result<Response, Refused> {
    let provider = app.provider(PROVIDER_LIFETIME).await?;
    let client = client!(app, provider);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client.authorize_url(
        CoreAuthenticationFlow::AuthorizationCode,
        CsrfToken::new_random,
        Nonce::new_random,
    );
    // The library adds `openid` itself.
    for scope in app.config.scopes.split_whitespace().filter(|scope| *scope != "openid") {
        request = request.add_scope(Scope::new(scope.to_owned()));
    }
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();

    let browser = jar
        .get("browser")
        .map_or_else(random_token, |cookie| cookie.value().to_owned());
    let pending = Pending {
        browser: browser.clone(),
        nonce,
        verifier,
        return_to: return_to::from_query(query.as_deref().unwrap_or_default()),
        begun: Instant::now(),
    };
    app.remember(state.into_secret(), pending);
    Ok((jar.add(app.cookie("browser", browser)), Redirect::to(url.as_str())).into_response())
}

// Steps 3 to 6: the response, the tokens, the person.

async fn finish(
    State(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    jar: CookieJar,
) -> Result<Response, Refused> {
    let purpose = headers.get("sec-purpose").or_else(|| headers.get("purpose"));
    if purpose.is_some_and(|purpose| purpose.as_bytes().to_ascii_lowercase().starts_with(b"prefetch")) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let query = query.unwrap_or_default();
    let parameters = Parameters::read(&query)?;
    let signed_in = app.session(&jar).is_some();
    let browser = jar
        .get("browser")
        .map(|cookie| cookie.value().to_owned())
        .unwrap_or_default();
    let Some(pending) = app.take(parameters.state.as_deref().unwrap_or_default(), &browser) else {
        return if signed_in && parameters.code.is_some() && parameters.error.is_none() {
            Ok(Redirect::to(return_to::DEFAULT).into_response())
        } else {
            refused("this browser has no such sign-in open")
        };
    };
    let target = pending.return_to.clone();
    let session = app.person(parameters, pending).await?;

    if let Some(old) = jar.get(app.session_cookie()) {
        app.sessions().remove(&sha256(old.value()));
    }
    let token = random_token();
    app.sessions().insert(sha256(&token), session);
    Ok((jar.add(app.cookie(app.session_cookie(), token)), Redirect::to(&target)).into_response())
}

impl App {
    async fn person(&self, parameters: Parameters, pending: Pending) -> Result<Session, Refused> {
        let issuer = &self.config.issuer;
        if parameters.issuer.is_some_and(|named| named != *issuer) {
            return refused("the response is of another issuer");
        }
        if parameters.error.is_some() {
            return refused("the authorization server answered with an error");
        }
        let Some(code) = parameters.code.filter(|code| !code.is_empty()) else {
            return refused("there is no code");
        };
        let provider = self.provider(PROVIDER_LIFETIME).await?;
        let client = client!(self, provider);
        let http = |request| fetch(self.http.clone(), request);
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))?
            .set_pkce_verifier(pending.verifier)
            .request_async(&http)
            .await?;
        if *tokens.token_type() != CoreTokenType::Bearer {
            return refused("the token type is not Bearer");
        }
        let Some(id_token) = tokens.id_token() else {
            return refused("there is no ID token");
        };

        let verifier = client.id_token_verifier();
        let (claims, hash) = match verify(id_token, &verifier, &pending.nonce, tokens.access_token()) {
            Ok(verified) => verified,
            // Perhaps the keys were rotated; the library keeps those that it was given.
            Err(_) => {
                let provider = self.provider(PROVIDER_PAUSE).await?;
                let client = client!(self, provider);
                verify(
                    id_token,
                    &client.id_token_verifier(),
                    &pending.nonce,
                    tokens.access_token(),
                )?
            }
        };
        if claims.access_token_hash().is_some_and(|found| *found != hash) {
            return refused("the ID token was issued with another access token");
        }
        if claims
            .authorized_party()
            .is_some_and(|party| party.as_str() != self.config.client_id)
        {
            return refused("the ID token was issued to another party");
        }
        if claims.subject().as_str().is_empty() || claims.subject().as_str().len() > 255 {
            return refused("the ID token names nobody");
        }

        let mut session = Session {
            subject: claims.subject().as_str().to_owned(),
            name: claims
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.as_str().to_owned()),
            email: claims.email().map(|email| email.as_str().to_owned()),
            id_token: id_token.to_string(),
            since: Instant::now(),
        };
        if provider.metadata.userinfo_endpoint().is_some() {
            // The library compares the subject when it is told which one to expect.
            let request = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))?;
            let userinfo: openidconnect::core::CoreUserInfoClaims = request.request_async(&http).await?;
            let name = userinfo
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.as_str().to_owned());
            session.name = name.or(session.name);
            session.email = userinfo
                .email()
                .map(|email| email.as_str().to_owned())
                .or(session.email);
        }
        Ok(session)
    }

    /// Metadata and keys that are not older than this.
    async fn provider(&self, age: Duration) -> Result<Provider, Refused> {
        let mut provider = self.provider.lock().await;
        if let Some(known) = provider.as_ref().filter(|known| known.fetched.elapsed() < age) {
            return Ok(known.clone());
        }
        let http = |request| fetch(self.http.clone(), request);
        let metadata =
            ProviderMetadataWithLogout::discover_async(IssuerUrl::new(self.config.issuer.clone())?, &http).await?;
        let fetched = Provider {
            fetched: Instant::now(),
            metadata,
        };
        *provider = Some(fetched.clone());
        Ok(fetched)
    }
}

type Verifier<'a> = openidconnect::core::CoreIdTokenVerifier<'a>;

/// The claims, and the hash that this access token would have.
fn verify(
    id_token: &CoreIdToken,
    verifier: &Verifier<'_>,
    nonce: &Nonce,
    access_token: &openidconnect::AccessToken,
) -> Result<(CoreIdTokenClaims, AccessTokenHash), Refused> {
    let verifier = verifier
        .clone()
        // Only what is registered, whatever the metadata offer.
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
        .set_issue_time_verifier_fn(|issued| {
            let age = time::OffsetDateTime::now_utc().unix_timestamp() - issued.timestamp();
            if (-120..=86_520).contains(&age) {
                Ok(())
            } else {
                Err("issued in the future or long ago".to_owned())
            }
        });
    let claims = id_token.claims(&verifier, nonce)?.clone();
    let hash = AccessTokenHash::from_token(access_token, id_token.signing_alg()?, id_token.signing_key(&verifier)?)?;
    Ok((claims, hash))
}

/// The parameters of the authorization response; each at most once.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match name.as_ref() {
                "state" => &mut found.state,
                "code" => &mut found.code,
                "error" => &mut found.error,
                "iss" => &mut found.issuer,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return refused("a parameter comes twice");
            }
        }
        Ok(found)
    }
}

/// One call to the authorization server: no redirects, a limit of time (the client's) and of size.
async fn fetch(
    http: reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, openidconnect::HttpClientError<reqwest::Error>> {
    let mut response = http
        .execute(request.try_into().map_err(Box::new)?)
        .await
        .map_err(Box::new)?;
    let mut builder = openidconnect::http::Response::builder().status(response.status());
    if let Some(headers) = builder.headers_mut() {
        *headers = response.headers().clone();
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Box::new)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(openidconnect::HttpClientError::Other(
                "the answer is too large".to_owned(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    builder.body(body).map_err(openidconnect::HttpClientError::Http)
}

// Pages.

async fn home(State(app): Shared, jar: CookieJar) -> Response {
    match app.session(&jar) {
        Some(session) => page(
            "Hello",
            session.name.as_deref().unwrap_or(&session.subject),
            Some("/profile"),
        ),
        None => page("Welcome", "Nobody is signed in.", Some("/signin")),
    }
}

async fn profile(State(app): Shared, OriginalUri(uri): OriginalUri, jar: CookieJar) -> Response {
    let Some(session) = app.session(&jar) else {
        let here: String = form_urlencoded::byte_serialize(uri.to_string().as_bytes()).collect();
        return Redirect::to(&format!("/signin?return_to={here}")).into_response();
    };
    let text = [session.name, session.email, Some(session.subject)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    page("Your profile", &text.join(", "), Some("/signout"))
}

async fn me(State(app): Shared, jar: CookieJar) -> Response {
    match app.session(&jar) {
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "signed_in": false }))).into_response(),
        Some(session) => {
            Json(json!({ "signed_in": true, "sub": session.subject, "name": session.name, "email": session.email }))
                .into_response()
        }
    }
}

// Sign-out.

async fn ask(State(app): Shared, jar: CookieJar) -> Response {
    match (app.session(&jar), jar.get(app.session_cookie())) {
        (Some(_), Some(cookie)) => SignOut {
            token: csrf(cookie.value()),
        }
        .render()
        .map_or_else(
            |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            |html| Html(html).into_response(),
        ),
        _ => Redirect::to("/").into_response(),
    }
}

#[derive(Deserialize)]
struct SignOutForm {
    #[serde(default)]
    csrf_token: String,
}

async fn sign_out(State(app): Shared, jar: CookieJar, Form(form): Form<SignOutForm>) -> Response {
    let (Some(session), Some(cookie)) = (app.session(&jar), jar.get(app.session_cookie())) else {
        return Redirect::to("/").into_response();
    };
    if !same(&form.csrf_token, &csrf(cookie.value())) {
        return (
            StatusCode::FORBIDDEN,
            page("Still signed in", "That was not this app's form.", Some("/")),
        )
            .into_response();
    }
    app.sessions().remove(&sha256(cookie.value()));
    let target = app
        .end_session_url(&session)
        .await
        .unwrap_or_else(|| SIGNED_OUT_PATH.to_owned());
    let mut gone = app.cookie(app.session_cookie(), String::new());
    gone.make_removal();
    (jar.add(gone), Redirect::to(&target)).into_response()
}

impl App {
    async fn end_session_url(&self, session: &Session) -> Option<String> {
        let provider = self.provider(PROVIDER_LIFETIME).await.ok()?;
        let endpoint = provider.metadata.additional_metadata().end_session_endpoint.clone()?;
        let id_token = session.id_token.parse::<CoreIdToken>().ok()?;
        let back = PostLogoutRedirectUrl::new(self.config.post_logout_redirect_uri()).ok()?;
        let request = LogoutRequest::from(endpoint)
            .set_id_token_hint(&id_token)
            .set_post_logout_redirect_uri(back);
        Some(request.http_get_url().to_string())
    }
}

// The small things.

impl App {
    fn new(config: Config) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.upstream_timeout)
            .build()?;
        Ok(Self {
            config,
            http,
            provider: tokio::sync::Mutex::default(),
            pending: Mutex::default(),
            sessions: Mutex::default(),
        })
    }

    fn remember(&self, state: String, pending: Pending) {
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_PENDING {
            all.retain(|_, pending| pending.begun.elapsed() < PENDING_LIFETIME);
        }
        if all.len() >= MAX_PENDING {
            let oldest = all
                .iter()
                .min_by_key(|(_, pending)| pending.begun)
                .map(|(state, _)| state.clone());
            oldest.and_then(|state| all.remove(&state));
        }
        all.insert(state, pending);
    }

    /// Takes the sign-in of this state out, if this browser began it, and not too long ago.
    fn take(&self, state: &str, browser: &str) -> Option<Pending> {
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.get(state).is_some_and(|pending| same(&pending.browser, browser)) {
            return None;
        }
        all.remove(state)
            .filter(|pending| pending.begun.elapsed() < PENDING_LIFETIME)
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, jar: &CookieJar) -> Option<Session> {
        let cookie = jar.get(self.session_cookie())?;
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.since.elapsed() < self.config.session_max);
        sessions.get(&sha256(cookie.value())).cloned()
    }

    fn session_cookie(&self) -> &'static str {
        if self.config.is_https() {
            "__Host-library_session"
        } else {
            "library_session"
        }
    }

    fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        let cookie = Cookie::build((name, value))
            .http_only(true)
            .secure(self.config.is_https());
        cookie.same_site(SameSite::Lax).path("/").build()
    }
}

fn csrf(session: &str) -> String {
    sha256(&format!("csrf {session}"))
}

#[derive(Template)]
#[template(
    ext = "html",
    source = "<!doctype html><html lang=en><meta charset=utf-8><title>{{ title }}</title><h1>{{ title }}</h1><p>{{ text }}</p>
{% if let Some(next) = next %}<p><a href=\"{{ next }}\">Continue</a></p>{% endif %}</html>"
)]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
    next: Option<&'a str>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = "<!doctype html><html lang=en><meta charset=utf-8><title>Sign out?</title><h1>Sign out?</h1>
<form method=post action=\"/signout\"><input type=hidden name=csrf_token value=\"{{ token }}\"><button>Sign out</button></form></html>"
)]
struct SignOut {
    token: String,
}

fn page(title: &str, text: &str, next: Option<&str>) -> Response {
    match (Page { title, text, next }).render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn set_headers(mut response: Response) -> Response {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
