//! A scripted authorization server on wiremock, and a relying party that talks to it. Each endpoint answers what the
//! test last said; without a word from the test it answers as Okta does.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest;
use axum_extra::extract::cookie::Key;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reference_app::{
    clock::Clock,
    config::Config,
    oidc::{Attempt, AuthorizationResponse, Identity, RelyingParty, SignInError},
    secret::Secret,
};
use serde_json::{Map, Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::jws;

pub(crate) const CLIENT_ID: &str = "web-app";
pub(crate) const SUBJECT: &str = "00u1a2b3c4d5e6f7g8h9";
pub(crate) const HEADER: &str = r#"{"kid":"current","alg":"RS256"}"#;

/// The authorization server.
pub(crate) struct FakeIdp {
    server: MockServer,
    script: Arc<Mutex<Script>>,
}

#[derive(Clone)]
struct Script {
    metadata: ResponseTemplate,
    keys: ResponseTemplate,
    token: ResponseTemplate,
    userinfo: ResponseTemplate,
}

impl FakeIdp {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let issuer = format!("{}/oauth2/default", server.uri());
        let script = Arc::new(Mutex::new(Script {
            metadata: ok(&metadata(&issuer)),
            keys: ok(&json!({ "keys": [jws::jwk(jws::published(), "current")] })),
            token: ResponseTemplate::new(500),
            userinfo: ok(&userinfo()),
        }));
        let answers = Answers(Arc::clone(&script));
        Mock::given(any()).respond_with(answers).mount(&server).await;
        Self { server, script }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/oauth2/default", self.server.uri())
    }

    /// Settings of an app for this server; calls end after a second.
    pub(crate) fn config(&self) -> Config {
        config(self.issuer())
    }

    pub(crate) fn relying_party(&self) -> RelyingParty {
        RelyingParty::new(self.config(), Clock::default()).unwrap()
    }

    pub(crate) fn answer_metadata(&self, answer: ResponseTemplate) {
        self.script.lock().unwrap().metadata = answer;
    }

    pub(crate) fn answer_keys(&self, answer: ResponseTemplate) {
        self.script.lock().unwrap().keys = answer;
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.answer_keys(ok(&json!({ "keys": keys })));
    }

    pub(crate) fn answer_token(&self, answer: ResponseTemplate) {
        self.script.lock().unwrap().token = answer;
    }

    pub(crate) fn answer_userinfo(&self, answer: ResponseTemplate) {
        self.script.lock().unwrap().userinfo = answer;
    }

    /// Claims of an honest ID token for this nonce.
    pub(crate) fn id_claims(&self, nonce: &str) -> Map<String, Value> {
        let now = now();
        object(json!({
            "sub": SUBJECT, "name": "Ada Example", "email": "ada@example.test", "ver": 1, "iss": self.issuer(),
            "aud": CLIENT_ID, "iat": now, "exp": now + 3600, "jti": "ID.1", "amr": ["pwd"], "nonce": nonce,
            "preferred_username": "ada@example.test", "auth_time": now, "at_hash": at_hash(&self.access_token()),
        }))
    }

    /// Claims of an honest access token.
    pub(crate) fn access_claims(&self) -> Map<String, Value> {
        object(json!({
            "ver": 1, "jti": "AT.1", "iss": self.issuer(), "aud": "api://default", "iat": 1_700_000_000,
            "exp": 4_000_000_000_u64, "cid": CLIENT_ID, "uid": SUBJECT, "scp": ["openid"], "sub": "ada@example.test",
        }))
    }

    /// An honest access token; the same every time.
    pub(crate) fn access_token(&self) -> String {
        jws::sign(HEADER, &text(&self.access_claims()), jws::published())
    }

    /// An honest token response for this nonce.
    pub(crate) fn token_response(&self, nonce: &str) -> Map<String, Value> {
        let id_token = jws::sign(HEADER, &text(&self.id_claims(nonce)), jws::published());
        object(json!({
            "token_type": "Bearer", "expires_in": 3600, "access_token": self.access_token(),
            "scope": "openid profile email", "id_token": id_token,
        }))
    }

    /// An honest token response that holds this ID token.
    pub(crate) fn answer_id_token(&self, id_token: &str) {
        let mut response = self.token_response("");
        response.insert("id_token".to_owned(), id_token.into());
        self.answer_token(ok(&response));
    }

    /// The requests that came to paths with this ending.
    pub(crate) async fn requests(&self, ending: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter()
            .filter(|request| request.url.path().ends_with(ending))
            .collect()
    }
}

/// Settings of an app for this issuer; calls end after a second.
pub(crate) fn config(issuer: String) -> Config {
    Config {
        issuer,
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new("a-secret-of-forty-characters-0123456789")),
        audience: Some("api://default".to_owned()),
        scopes: "openid profile email".to_owned(),
        admin_group: "admins".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 3000,
        base_url: "http://localhost:3000".parse().unwrap(),
        database_url: "sqlite::memory:".to_owned(),
        session_idle: Duration::from_secs(1800),
        session_max: Duration::from_secs(28_800),
        cookie_key: Key::generate(),
        upstream_timeout: Duration::from_secs(1),
        header_timeout: Duration::from_secs(30),
    }
}

struct Answers(Arc<Mutex<Script>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let script = self.0.lock().unwrap().clone();
        match request.url.path() {
            "/oauth2/default/.well-known/openid-configuration" => script.metadata,
            "/oauth2/default/v1/keys" => script.keys,
            "/oauth2/default/v1/token" => script.token,
            "/oauth2/default/v1/userinfo" => script.userinfo,
            _ => ResponseTemplate::new(404),
        }
    }
}

/// Begins and finishes one sign-in with this relying party; `prepare` scripts the answers for the attempt.
pub(crate) async fn sign_in(rp: &RelyingParty, prepare: impl FnOnce(&Attempt)) -> Result<Identity, SignInError> {
    let (_, attempt) = rp.begin("/profile", None).await?;
    prepare(&attempt);
    let response = AuthorizationResponse::parse(&format!("code=a-code&state={}", attempt.state))?;
    rp.finish(response, attempt).await
}

/// A sign-in with an honest ID token, changed by `change` and signed again.
pub(crate) async fn with_id_claims(
    idp: &FakeIdp,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<Identity, SignInError> {
    sign_in(&idp.relying_party(), |attempt| {
        let mut claims = idp.id_claims(&attempt.nonce);
        change(&mut claims);
        idp.answer_id_token(&jws::sign(HEADER, &text(&claims), jws::published()));
    })
    .await
}

/// The document of Okta's custom authorization server, as far as it matters.
pub(crate) fn metadata(issuer: &str) -> Map<String, Value> {
    object(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "userinfo_endpoint": format!("{issuer}/v1/userinfo"),
        "jwks_uri": format!("{issuer}/v1/keys"),
        "end_session_endpoint": format!("{issuer}/v1/logout"),
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

pub(crate) fn userinfo() -> Map<String, Value> {
    object(json!({
        "sub": SUBJECT, "name": "Ada Userinfo", "given_name": "Ada", "email": "ada@example.test", "email_verified": true,
    }))
}

/// 200 with this JSON.
pub(crate) fn ok(body: &impl serde::Serialize) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// 200 with this text as JSON.
pub(crate) fn raw(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

pub(crate) fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, access_token.as_bytes()).as_ref()[..16])
}

pub(crate) fn text(claims: &Map<String, Value>) -> String {
    serde_json::to_string(claims).unwrap()
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
