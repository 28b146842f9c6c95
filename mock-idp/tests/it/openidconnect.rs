//! The `openidconnect` crate as a strict judge, over TLS: it takes what is honest, and refuses ID tokens that are wrong in
//! one way.

use mock_idp::{Fault, MockIdp, User};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndSessionUrl, EndpointMaybeSet, EndpointSet, HttpClientError, HttpRequest, HttpResponse,
    IntrospectionUrl, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PostLogoutRedirectUrl,
    ProviderMetadata, RedirectUrl, ResourceOwnerPassword, ResourceOwnerUsername, RevocationUrl, Scope,
    TokenIntrospectionResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
        CoreDeviceAuthorizationResponse, CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use serde::{Deserialize, Serialize};

use crate::app::{self, ALICE, Browser, REDIRECT_URI, SECRET, location, param};

/// The endpoints that the library's own metadata leave out.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Endpoints {
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: RevocationUrl,
    device_authorization_endpoint: DeviceAuthorizationUrl,
    end_session_endpoint: EndSessionUrl,
}

impl AdditionalProviderMetadata for Endpoints {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Library = CoreClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

struct Judge {
    idp: MockIdp,
    http: reqwest::Client,
    metadata: Metadata,
    library: Library,
}

async fn fetch(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpClientError<reqwest::Error>> {
    let response = http
        .execute(request.try_into().map_err(Box::new)?)
        .await
        .map_err(Box::new)?;
    let mut builder = openidconnect::http::Response::builder().status(response.status());
    *builder.headers_mut().unwrap() = response.headers().clone();
    let body = response.bytes().await.map_err(Box::new)?.to_vec();
    builder.body(body).map_err(HttpClientError::Http)
}

impl Judge {
    /// A mock-idp with a client that may use every grant the library knows, and the library set up from its metadata.
    async fn new(server: &str) -> Self {
        let mut client = app::client();
        client.grant_types = [
            "authorization_code",
            "refresh_token",
            "password",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]
        .map(str::to_owned)
        .to_vec();
        let idp = MockIdp::builder()
            .client(client)
            .user(User::with_login(ALICE))
            .tls(true)
            .start()
            .await
            .unwrap();
        let http = app::http(Some(&idp.ca_pem().unwrap()));
        let issuer = IssuerUrl::new(idp.issuer_of(server)).unwrap();
        let metadata = Metadata::discover_async(issuer, &|request| fetch(http.clone(), request))
            .await
            .unwrap();
        let more = metadata.additional_metadata().clone();
        let library = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new("web".to_owned()),
            Some(ClientSecret::new(SECRET.to_owned())),
        )
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap())
        .set_introspection_url(more.introspection_endpoint)
        .set_revocation_url(more.revocation_endpoint)
        .set_device_authorization_url(more.device_authorization_endpoint);
        Self {
            idp,
            http,
            metadata,
            library,
        }
    }

    fn browser(&self) -> Browser {
        Browser::trusting(&self.idp.ca_pem().unwrap())
    }

    /// A whole sign-in, every check that the library has included.
    async fn sign_in(&self, login: &str) -> Result<(CoreTokenResponse, CoreIdTokenClaims), String> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .library
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let back = app::authorize(&mut self.browser(), &url, login).await;
        assert_eq!(param(&back, "state").as_ref(), Some(state.secret()));
        let code = AuthorizationCode::new(param(&back, "code").expect("a code"));
        let tokens = self
            .library
            .exchange_code(code)
            .unwrap()
            .set_pkce_verifier(verifier)
            .request_async(&|request| fetch(self.http.clone(), request))
            .await
            .map_err(|error| format!("{error:?}"))?;
        let claims = self.verified(&tokens, &nonce)?;
        Ok((tokens, claims))
    }

    fn verified(&self, tokens: &CoreTokenResponse, nonce: &Nonce) -> Result<CoreIdTokenClaims, String> {
        let id_token = tokens.id_token().ok_or("no ID token")?;
        let verifier = self
            .library
            .id_token_verifier()
            .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256]);
        let claims = id_token
            .claims(&verifier, nonce)
            .map_err(|error| format!("{error:?}"))?;
        let hash = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg().map_err(|error| format!("{error:?}"))?,
            id_token.signing_key(&verifier).map_err(|error| format!("{error:?}"))?,
        )
        .map_err(|error| format!("{error:?}"))?;
        match claims.access_token_hash() {
            Some(said) if *said == hash => Ok(claims.clone()),
            said => Err(format!("at_hash is {said:?}")),
        }
    }
}

#[tokio::test]
async fn the_crate_signs_in_at_both_kinds_of_server() {
    for server in ["default", ""] {
        let judge = Judge::new(server).await;
        let (tokens, claims) = judge.sign_in(ALICE).await.unwrap();
        assert_eq!(claims.issuer().as_str(), judge.idp.issuer_of(server));
        assert_eq!(claims.preferred_username().unwrap().as_str(), ALICE);
        assert_eq!(tokens.expires_in().unwrap().as_secs(), 3600);
        let userinfo: CoreUserInfoClaims = judge
            .library
            .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
            .unwrap()
            .request_async(&|request| fetch(judge.http.clone(), request))
            .await
            .unwrap();
        assert_eq!(userinfo.email().unwrap().as_str(), ALICE);
        assert_eq!(userinfo.email_verified(), Some(true));
    }
}

#[tokio::test]
async fn the_crate_refreshes_introspects_and_revokes() {
    let judge = Judge::new("default").await;
    let http = |request| fetch(judge.http.clone(), request);
    let (tokens, claims) = judge.sign_in(ALICE).await.unwrap();
    let refresh_token = tokens.refresh_token().unwrap();
    let fresh = judge
        .library
        .exchange_refresh_token(refresh_token)
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    let again = fresh
        .id_token()
        .unwrap()
        // A refreshed ID token has no nonce.
        .claims(
            &judge.library.id_token_verifier(),
            |nonce: Option<&Nonce>| match nonce {
                None => Ok(()),
                Some(nonce) => Err(format!("{nonce:?}")),
            },
        )
        .unwrap();
    assert_eq!(
        (again.subject(), again.auth_time()),
        (claims.subject(), claims.auth_time())
    );

    let described = judge
        .library
        .introspect(fresh.access_token())
        .request_async(&http)
        .await
        .unwrap();
    assert!(described.active());
    assert_eq!(described.username(), Some(ALICE));
    assert_eq!(described.client_id().unwrap().as_str(), "web");
    assert_eq!(described.aud().unwrap(), &["api://default".to_owned()]);
    judge
        .library
        .revoke_token(refresh_token.into())
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    let described = judge
        .library
        .introspect(fresh.access_token())
        .request_async(&http)
        .await
        .unwrap();
    assert!(!described.active());
}

#[tokio::test]
async fn the_crate_gets_tokens_without_a_browser() {
    let judge = Judge::new("default").await;
    let http = |request| fetch(judge.http.clone(), request);
    let tokens = judge
        .library
        .exchange_password(
            &ResourceOwnerUsername::new(ALICE.to_owned()),
            &ResourceOwnerPassword::new("any password".to_owned()),
        )
        .unwrap()
        .add_scope(Scope::new("openid".to_owned()))
        .request_async(&http)
        .await
        .unwrap();
    assert!(tokens.id_token().is_some());
    let refused = judge
        .library
        .exchange_client_credentials()
        .unwrap()
        .add_scope(Scope::new("openid".to_owned()))
        .request_async(&http)
        .await
        .unwrap_err();
    assert!(
        format!("{refused:?}").contains("Cannot request 'openid' scopes using client credentials."),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_crate_gets_tokens_for_a_device() {
    let judge = Judge::new("default").await;
    let http = |request| fetch(judge.http.clone(), request);
    let details: CoreDeviceAuthorizationResponse = judge
        .library
        .exchange_device_code()
        .add_scope(Scope::new("openid".to_owned()))
        .request_async(&http)
        .await
        .unwrap();
    let place: url::Url = details.verification_uri_complete().unwrap().secret().parse().unwrap();
    let mut browser = judge.browser();
    let page = browser.get(&place).await.text().await.unwrap();
    let page = browser.submit(&place, &page, &[]).await.text().await.unwrap();
    let done = browser
        .submit(
            &place,
            &page,
            &[("identifier", ALICE), ("credentials.passcode", "any password")],
        )
        .await;
    assert_eq!(done.status(), 200);
    let tokens = judge
        .library
        .exchange_device_access_token(&details)
        .unwrap()
        .request_async(&http, tokio::time::sleep, None)
        .await
        .unwrap();
    assert!(tokens.id_token().is_some());
}

#[tokio::test]
async fn the_crate_signs_out() {
    let judge = Judge::new("default").await;
    let (tokens, _) = judge.sign_in(ALICE).await.unwrap();
    let url = LogoutRequest::from(judge.metadata.additional_metadata().end_session_endpoint.clone())
        .set_id_token_hint(tokens.id_token().unwrap())
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new("http://localhost:3000/".to_owned()).unwrap())
        .set_state(CsrfToken::new("bye".to_owned()))
        .http_get_url();
    let answer = judge.browser().get(url).await;
    assert_eq!(location(&answer).as_str(), "http://localhost:3000/?state=bye");
}

/// What the library itself refuses; `exp` and the like are judged by the machine's clock.
const REFUSED: &[&str] = &[
    "id-token.sig-corrupt.flipped",
    "id-token.sig-corrupt.claim-changed",
    "id-token.sig-corrupt.empty",
    "id-token.sig-other-key.known-kid",
    "id-token.sig-other-key.own-kid",
    "id-token.alg-none",
    "id-token.alg-none-variants.upper-case",
    "id-token.hs256-public-key.spki-pem",
    "id-token.hs256-client-secret",
    "id-token.alg-not-registered.ps256",
    "id-token.header-jwk.rsa",
    "id-token.malformed-structure.two-segments",
    "id-token.malformed-structure.not-json",
    "id-token.iss-wrong.suffix",
    "id-token.iss-wrong.other-tenant",
    "id-token.iss-missing.absent",
    "id-token.aud-wrong.suffix",
    "id-token.aud-missing.absent",
    "id-token.aud-untrusted-extra.no-azp",
    "id-token.exp-past.1h",
    "id-token.exp-missing.absent",
    "id-token.sub-missing.absent",
    "id-token.nonce-wrong.suffix",
    "id-token.nonce-missing.absent",
    "id-token.at-hash-wrong.value",
    "token-response.missing-id-token.absent",
];

#[tokio::test]
async fn the_crate_refuses_wrong_id_tokens() {
    let judge = Judge::new("default").await;
    for id in REFUSED {
        let fault: Fault = id.parse().unwrap();
        let verdict = judge.sign_in(&format!("{fault}@fault.test")).await;
        assert!(verdict.is_err(), "{fault} was accepted");
    }
    // The same way in with nothing wrong, so that it is the fault that was refused.
    judge.sign_in("id-token.resigned@fault.test").await.unwrap();
}
