//! Puts the app together: its parts, its routes, and what holds for every answer.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRef, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::Key;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    clock::Clock,
    config::{CALLBACK_PATH, Config, SIGNED_OUT_PATH},
    db::Database,
    oidc::RelyingParty,
    session::{self, Session},
    web::{admin, callback, error_page::Failure, home, logout_notices, page, profile, sign_in, sign_out},
};

/// Everything that a handler may need. Clones share it.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
}

struct Parts {
    config: Config,
    clock: Clock,
    db: Database,
    oidc: RelyingParty,
}

/// Longer request lines are answered with 414, larger header sections with 431.
const MAX_URI: usize = 16 * 1024;
const MAX_HEADERS: usize = 32 * 1024;
/// The largest honest body is a logout token.
const MAX_BODY: usize = 64 * 1024;

impl App {
    /// Opens the database and prepares the relying party. Asks nothing of the authorization server, which may be down.
    ///
    /// # Errors
    /// When the database cannot be opened or TLS cannot be set up.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        // Process-wide and frozen at first use; whoever was first has chosen the same.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let db = Database::open(&config.database_url).await.with_context(|| {
            // The URL may hold a password.
            let scheme = config.database_url.split(':').next().unwrap_or_default();
            format!("DATABASE_URL: cannot open the {scheme} database\n  for instance: DATABASE_URL=sqlite://app.db")
        })?;
        let oidc = RelyingParty::new(config.clone(), clock.clone()).context("cannot set up TLS")?;
        let parts = Parts {
            config,
            clock,
            db,
            oidc,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.parts.config
    }

    /// The relying party.
    #[must_use]
    pub fn oidc(&self) -> &RelyingParty {
        &self.parts.oidc
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Database {
        &self.parts.db
    }

    /// Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.parts.clock.now()
    }

    /// Who sent this request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
        Ok(session::find(self.db(), self.config(), headers, self.now()).await?)
    }

    /// The whole app.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(home::show))
            .route("/signin", get(sign_in::begin))
            .route("/signin/initiate", get(sign_in::initiated_elsewhere))
            .route(CALLBACK_PATH, get(callback::receive).head(callback::not_by_head))
            .route("/profile", get(profile::show))
            .route("/me", get(profile::me))
            .route("/admin", get(admin::show))
            .route("/signout", get(sign_out::ask).post(sign_out::act))
            .route(SIGNED_OUT_PATH, get(sign_out::done))
            // The paths of Okta's older guides.
            .route("/login", get(sign_in::begin))
            .route("/logout", get(sign_out::ask).post(sign_out::act))
            .route("/backchannel-logout", post(logout_notices::back_channel))
            .route("/frontchannel-logout", get(logout_notices::front_channel))
            .route("/healthz", get(|| async { "ok\n" }))
            .route(page::STYLE_PATH, get(page::style))
            .fallback(|| async { Failure::NotFound })
            .method_not_allowed_fallback(|| async { Failure::MethodNotAllowed })
            .layer(CatchPanicLayer::custom(|_| Failure::Internal.into_response()))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                // Three calls to the authorization server, each at its limit, and a little.
                self.config().upstream_timeout * 4 + Duration::from_secs(5),
            ))
            .layer(middleware::from_fn_with_state(self.clone(), around_every_request))
            .with_state(self.clone())
    }
}

impl FromRef<App> for Key {
    fn from_ref(app: &App) -> Self {
        app.config().cookie_key.clone()
    }
}

/// Refuses oversized requests and sets the headers that every answer has.
async fn around_every_request(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let uri = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let mut response = if uri > MAX_URI {
        Failure::UriTooLong.into_response()
    } else if headers > MAX_HEADERS {
        Failure::HeadersTooLarge.into_response()
    } else {
        next.run(request).await
    };
    set_headers(response.headers_mut(), app.config());
    response
}

fn set_headers(headers: &mut HeaderMap, config: &Config) {
    // Pages differ by visitor and redirects carry fresh secrets: nothing is for a cache unless it says so itself.
    default(headers, header::CACHE_CONTROL, "no-store");
    default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The callback's URL holds code and state; no page must learn where the visitor came from.
    default(headers, header::REFERRER_POLICY, "no-referrer");
    default(
        headers,
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    default(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    if config.is_https() {
        default(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        default(headers, header::X_FRAME_OPTIONS, "DENY");
        // Chromium applies form-action to the redirect that follows a form post as well: the sign-out form ends at the
        // authorization server, so its origin is named here. A browser blocks that redirect under 'self' alone.
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self' {}",
            config.issuer_origin()
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
