//! Rust with openidconnect 4, axum 0.8, reqwest and tower-sessions 0.14.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "The builder writes the query and adds the scope openid. Extra parameters come from your own values only.",
            "let (url, state, nonce) = client
    .authorize_url(
        CoreAuthenticationFlow::AuthorizationCode,
        CsrfToken::new_random,
        Nonce::new_random,
    )
    .add_scope(Scope::new(\"profile\".to_owned()))
    .set_pkce_challenge(challenge)
    .url();",
        ),
        RedirectUri => code(
            "One RedirectUrl in the client serves both requests. Never build it from the Host header.",
            "let client = CoreClient::from_provider_metadata(metadata, id, secret)
    .set_redirect_uri(RedirectUrl::new(config.redirect_uri.clone())?);",
        ),
        State => code(
            "The library draws it and does no more: keep it in the browser's session and take it out before the exchange. Bound the list.",
            "session.insert(&format!(\"attempt:{}\", state.secret()), attempt).await?;
// callback
let Some(attempt) = session
    .remove::<Attempt>(&format!(\"attempt:{}\", query.state))
    .await?
else {
    return Err(Refused::UnknownState);
};",
        ),
        Nonce => code(
            "claims() compares it with the one that it is given.",
            "let claims = id_token.claims(&client.id_token_verifier(), &attempt.nonce)?;",
        ),
        Pkce => code(
            "S256 only, but you have to ask.",
            "let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
// callback
let tokens = client
    .exchange_code(AuthorizationCode::new(code))?
    .set_pkce_verifier(attempt.verifier)
    .request_async(&http)
    .await?;",
        ),
        Callback => code(
            "axum answers HEAD with the handler of GET. serde refuses repeated parameters of a struct: take Query<Callback>, not a map.",
            "#[derive(Deserialize)]
struct Callback {
    state: String,
    code: Option<String>,
    error: Option<String>,
}
let callback = get(finish)
    .head(|| async { StatusCode::METHOD_NOT_ALLOWED });",
        ),
        Issuer => code(
            "discover_async() compares the issuer of the metadata. iss of the response is yours.",
            "let metadata =
    CoreProviderMetadata::discover_async(issuer.clone(), &http).await?;
if query.iss.as_deref().is_some_and(|iss| iss != issuer.as_str()) {
    return Err(Refused::OtherIssuer);
}",
        ),
        ClientAuth => code(
            "Basic by default, with form-encoded parts.",
            "let client = client.set_auth_type(AuthType::BasicAuth);",
        ),
        BackChannel => code(
            "reqwest follows redirects unless configured otherwise, and verifies certificates: never danger_accept_invalid_certs().",
            "let http = reqwest::Client::builder()
    .redirect(reqwest::redirect::Policy::none())
    .https_only(true)
    .build()?;",
        ),
        Limits => code(
            "Neither time nor size is limited by default. Discover when it is needed, and again after a failure.",
            "let http = reqwest::Client::builder()
    .connect_timeout(Duration::from_secs(3))
    .timeout(Duration::from_secs(10))
    .build()?;
// in the closure that openidconnect calls:
while let Some(chunk) = response.chunk().await? {
    body.extend_from_slice(&chunk);
    if body.len() > 512 * 1024 {
        return Err(TooBig);
    }
}",
        ),
        TokenResponse => code(
            "Errors and a missing access token or type are refused. The rest is yours.",
            "if *tokens.token_type() != CoreTokenType::Bearer {
    return Err(Refused::TokenType);
}
let id_token = tokens.id_token().ok_or(Refused::NoIdToken)?;",
        ),
        Signature => says(
            "claims() verifies it with the keys of the metadata, always; insecure_disable_signature_check() and into_claims on an unverified token would switch it off. jwk and jku in the header are not used.",
        ),
        Algorithm => code(
            "What the metadata advertise, unless you say otherwise.",
            "let verifier = client
    .id_token_verifier()
    .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256]);",
        ),
        KeySet => code(
            "Keys are fetched by discover_async() and never again: that is yours. One lock, so that those who wait share the fetch, and a pause after it.",
            "let mut known = self.metadata.lock().await;
if known.fetched.elapsed() > PAUSE {
    known.value =
        CoreProviderMetadata::discover_async(issuer, &http).await?;
    known.fetched = Instant::now();
}",
        ),
        Claims => code(
            "iss and aud are compared, further audiences refused; require_issuer_match(false) and require_audience_match(false) would switch that off. azp is yours.",
            "if claims
    .authorized_party()
    .is_some_and(|party| party != client.client_id())
{
    return Err(Refused::OtherParty);
}",
        ),
        Times => code(
            "exp is compared without tolerance; iat is required and only compared when you say how.",
            "let verifier = client
    .id_token_verifier()
    .set_time_fn(|| Utc::now() - TimeDelta::seconds(60))
    .set_issue_time_verifier_fn(|iat| {
        if iat > Utc::now() + TimeDelta::seconds(60) {
            return Err(\"issued in the future\".to_owned());
        }
        Ok(())
    });",
        ),
        AccessToken => code(
            "at_hash is compared only when you do it. To read the access token, validate it with jsonwebtoken, and require the claims: absent ones pass otherwise.",
            "let hash = AccessTokenHash::from_token(
    tokens.access_token(),
    id_token.signing_alg()?,
    id_token.signing_key(&verifier)?,
)?;
if claims.access_token_hash().is_some_and(|found| *found != hash) {
    return Err(Refused::AccessTokenHash);
}
validation.set_required_spec_claims(&[\"exp\", \"iss\", \"aud\"]);",
        ),
        StepUp => code(
            "set_max_age() sends it; the verifier compares what you tell it to.",
            "let verifier = verifier
    .set_auth_time_verifier_fn(|at| match at {
        Some(at) if at > Utc::now() - TimeDelta::seconds(360) => Ok(()),
        _ => Err(\"stale\".to_owned()),
    })
    .set_auth_context_verifier_fn(|acr| match acr {
        Some(acr) if acr.as_str() == WANTED => Ok(()),
        _ => Err(\"too weak\".to_owned()),
    });",
        ),
        Refresh => code(
            "A refreshed ID token has no nonce to compare: verify it with a check of your own, and compare sub.",
            "let request = client.exchange_refresh_token(&old)?;
let fresh = request.request_async(&http).await?;
if let Some(token) = fresh.id_token() {
    let claims = token.claims(&verifier, |_: Option<&Nonce>| Ok(()))?;
    if claims.subject() != &user.subject {
        return Err(Refused::OtherSubject);
    }
}",
        ),
        Userinfo => code(
            "The second argument is the sub that is expected; None would skip the comparison.",
            "let info: CoreUserInfoClaims = client
    .user_info(
        tokens.access_token().clone(),
        Some(claims.subject().clone()),
    )?
    .request_async(&http)
    .await?;",
        ),
        Account => code(
            "A unique pair, byte for byte.",
            "sqlx::query(
    \"INSERT INTO users (iss, sub, email) VALUES (?, ?, ?)
     ON CONFLICT (iss, sub) DO UPDATE SET email = excluded.email\",
)
.bind(claims.issuer().as_str())
.bind(claims.subject().as_str())
.bind(email)",
        ),
        Trust => code(
            "email_verified() reads a string as well for the sake of one provider, when that feature (accept-string-booleans) is on: leave it off.",
            "let verified = claims.email_verified() == Some(true);
let domain = email.rsplit_once('@').map(|(_, domain)| domain);
let allowed = verified
    && domain.is_some_and(|d| d.eq_ignore_ascii_case(\"corp.example\"));",
        ),
        Role => code(
            "An extractor or a line at the top of the handler; groups are an additional claim type of the token.",
            "#[derive(Debug, Deserialize, Serialize)]
struct Groups { #[serde(default)] groups: Vec<String> }
impl AdditionalClaims for Groups {}

async fn admin(user: SignedIn) -> Result<Html<String>, StatusCode> {
    if !user.groups.iter().any(|group| group == \"admins\") {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(admin_page())
}",
        ),
        Escape => code(
            "askama escapes in .html templates; |safe and format!() do not. Addresses need a look at their scheme.",
            "let picture = Url::parse(claim)
    .ok()
    .filter(|url| matches!(url.scheme(), \"http\" | \"https\"));",
        ),
        SessionId => code(
            "tower-sessions keeps the id until it is configured otherwise.",
            "session.flush().await?;                  // nothing of an earlier user
session.insert(\"user\", user).await?;
session.cycle_id().await?;",
        ),
        SessionStore => code(
            "The cookie is a random id of 128 bits; the store holds the rest. The total life is yours to check.",
            "let sessions = SessionManagerLayer::new(store)
    .with_name(\"__Host-session\")
    .with_expiry(Expiry::OnInactivity(time::Duration::minutes(30)));",
        ),
        Cookies => code(
            "HttpOnly and Secure by default. SameSite is Strict by default, which loses the attempt on the way back.",
            "let sessions = SessionManagerLayer::new(store)
    .with_secure(true)
    .with_http_only(true)
    .with_same_site(SameSite::Lax);",
        ),
        Guard => code(
            "Two routers, and the middleware on the one that is not public. route_layer() would let unknown paths pass: take layer().",
            "let private = Router::new()
    .route(\"/profile\", get(profile))
    .layer(middleware::from_fn(require_user));
let app = Router::new().merge(public).merge(private);",
        ),
        Caching => code(
            "One layer around everything.",
            "let app = app
    .layer(SetResponseHeaderLayer::overriding(
        header::CACHE_CONTROL,
        HeaderValue::from_static(\"no-store\"),
    ))
    .layer(SetResponseHeaderLayer::overriding(
        header::REFERRER_POLICY,
        HeaderValue::from_static(\"same-origin\"),
    ));",
        ),
        ReturnTo => code(
            "The url crate parses as browsers do.",
            "fn local(base: &Url, target: &str) -> String {
    match base.join(target) {
        Ok(url) if url.origin() == base.origin() => {
            url[url::Position::BeforePath..].to_owned()
        }
        _ => \"/\".to_owned(),
    }
}",
        ),
        SignOut => code(
            "flush() deletes the entry in the store. By POST, and with a token or a look at Sec-Fetch-Site.",
            "async fn sign_out(session: Session, headers: HeaderMap) -> Response {
    let site = headers.get(\"sec-fetch-site\");
    if site.is_some_and(|site| site == \"cross-site\") {
        return StatusCode::FORBIDDEN.into_response();
    }
    match session.flush().await {
        Ok(()) => Redirect::to(\"/signed-out\").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}",
        ),
        RpLogout => code(
            "The endpoint is in ProviderMetadataWithLogout.",
            "let Some(end) = metadata
    .additional_metadata()
    .end_session_endpoint
    .clone()
else {
    return Redirect::to(\"/signed-out\");
};
let url = LogoutRequest::from(end)
    .set_id_token_hint(&id_token)
    .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back)?)
    .http_get_url();",
        ),
        BackChannelLogout => code(
            "Nothing built in: verify it with jsonwebtoken and delete the sessions in the store.",
            "let mut rules = Validation::new(Algorithm::RS256);
rules.set_issuer(&[ISSUER]);
rules.set_audience(&[CLIENT_ID]);
rules.set_required_spec_claims(&[\"exp\", \"iss\", \"aud\"]);
let token = decode::<LogoutClaims>(&form.logout_token, &key, &rules)?;
let claims = token.claims;       // iat and jti are not Option
if claims.nonce.is_some() || !claims.events[EVENT].is_object()
    || (claims.sub.is_none() && claims.sid.is_none()) {
    return StatusCode::BAD_REQUEST;
}",
        ),
        FrontChannelLogout => code(
            "The session has to remember the sid of its ID token. The cookie reaches a frame only with SameSite=None.",
            "let sid: Option<String> = session.get(\"sid\").await?;
if query.iss != ISSUER || sid.as_deref() != Some(&query.sid) {
    return Ok(StatusCode::BAD_REQUEST.into_response());
}
session.flush().await?;
let policy = format!(\"frame-ancestors {issuer_origin}\");
Ok(([(header::CACHE_CONTROL, \"no-store\".to_owned()),
     (header::CONTENT_SECURITY_POLICY, policy)], ()).into_response())",
        ),
        Errors => code(
            "An error type with one IntoResponse: the text for people there, the source into the log.",
            "impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        tracing::warn!(error = ?self, \"sign-in refused\");
        (StatusCode::BAD_REQUEST, Html(SIGN_IN_FAILED)).into_response()
    }
}
let app = app.layer(DefaultBodyLimit::max(64 * 1024));",
        ),
        Isolation => says(
            "State<Arc<App>> holds settings, the HTTP client and the metadata. What belongs to one sign-in is a value that is moved through the functions; no static, no Mutex around a current user.",
        ),
    }
}
