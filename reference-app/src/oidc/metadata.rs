//! Step 1: what the authorization server says about itself (OpenID Connect Discovery 1.0 §4).
//!
//! Fetched when first needed, not at start: the app comes up although the authorization server is down, and a failure is
//! forgotten as soon as the next visitor asks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{RelyingParty, SignInError};

/// How long a document is used. Okta's own `Cache-Control` says a day; an hour follows a moved endpoint sooner.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The endpoints that a sign-in uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    pub userinfo_endpoint: Option<Url>,
    pub end_session_endpoint: Option<Url>,
    /// Whether authorization responses carry `iss` (RFC 9207 §3).
    pub sends_issuer: bool,
}

/// The members that are read; all others are ignored (Discovery §3).
#[derive(Deserialize)]
struct Document {
    issuer: Option<Value>,
    authorization_endpoint: Option<Value>,
    token_endpoint: Option<Value>,
    jwks_uri: Option<Value>,
    userinfo_endpoint: Option<Value>,
    end_session_endpoint: Option<Value>,
    authorization_response_iss_parameter_supported: Option<Value>,
}

/// The document while it is good.
#[derive(Default)]
pub struct MetadataCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    loaded: Option<(Instant, Arc<Metadata>)>,
    failed: Option<(Instant, SignInError)>,
}

impl RelyingParty {
    /// The metadata, from the cache or the network.
    ///
    /// # Errors
    /// [`SignInError::Metadata`], [`SignInError::MetadataIssuer`], [`SignInError::MetadataEndpoint`].
    pub async fn metadata(&self) -> Result<Arc<Metadata>, SignInError> {
        let asked = Instant::now();
        // Held while fetching: of many visitors at once, one asks and all get the answer.
        let mut state = self.metadata.state.lock().await;
        if let Some((since, metadata)) = &state.loaded
            && since.elapsed() < LIFETIME
        {
            return Ok(Arc::clone(metadata));
        }
        if let Some((at, error)) = &state.failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        match self.fetch_metadata().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                state.loaded = Some((Instant::now(), Arc::clone(&metadata)));
                state.failed = None;
                Ok(metadata)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                match &state.loaded {
                    // A document that was good an hour ago is better than none while the server is away.
                    Some((_, metadata)) if matches!(error, SignInError::Metadata(_)) => Ok(Arc::clone(metadata)),
                    _ => Err(error),
                }
            }
        }
    }

    async fn fetch_metadata(&self) -> Result<Metadata, SignInError> {
        let issuer = &self.config.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| SignInError::MetadataEndpoint("issuer"))?;
        let document: Document = self.fetcher.get_json(&url, None).await.map_err(SignInError::Metadata)?;
        read(document, issuer)
    }
}

fn read(document: Document, expected: &str) -> Result<Metadata, SignInError> {
    // Discovery §4.3: byte for byte. A slash more is another issuer.
    let found = document.issuer.as_ref().and_then(Value::as_str).unwrap_or_default();
    if found != expected {
        return Err(SignInError::MetadataIssuer {
            found: found.chars().take(200).collect(),
            expected: expected.to_owned(),
        });
    }
    let origin = Url::parse(expected)
        .map_err(|_| SignInError::MetadataEndpoint("issuer"))?
        .origin();
    let endpoint = |name, value: Option<Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let url = value.as_str().and_then(|text| Url::parse(text).ok());
            // Okta serves an authorization server's endpoints from one origin. Anything else, and above all plain http
            // behind an https issuer, would send the client secret to somebody whom nobody has named.
            url.filter(|url| url.origin() == origin)
                .map(Some)
                .ok_or(SignInError::MetadataEndpoint(name))
        }
    };
    let required = |name, value| endpoint(name, value)?.ok_or(SignInError::MetadataEndpoint(name));
    Ok(Metadata {
        authorization_endpoint: required("authorization_endpoint", document.authorization_endpoint)?,
        token_endpoint: required("token_endpoint", document.token_endpoint)?,
        jwks_uri: required("jwks_uri", document.jwks_uri)?,
        userinfo_endpoint: endpoint("userinfo_endpoint", document.userinfo_endpoint)?,
        end_session_endpoint: endpoint("end_session_endpoint", document.end_session_endpoint)?,
        sends_issuer: document.authorization_response_iss_parameter_supported == Some(Value::Bool(true)),
    })
}
