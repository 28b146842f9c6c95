//! What the target can do, as seen in its control sign-in: a case whose feature is missing is skipped with that reason.

use serde::Serialize;

/// Something that not every relying party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is explained by `reason`")]
pub enum Feature {
    SendsState,
    SendsNonce,
    SendsPkce,
    /// Neither nonce nor PKCE is checked by anything else: used by cases that need at least one.
    SendsNonceOrPkce,
    FetchesDiscovery,
    FetchesJwks,
    CallsUserinfo,
    ConfidentialClient,
    UsesClientAssertion,
    UsesClientSecretBasic,
    SignsOut,
    RpInitiatedLogout,
    SendsLogoutState,
    /// The target does not declare `local_sign_out_only`.
    PromisesSingleSignOut,
    BackChannelLogout,
    FrontChannelLogout,
    InitiateLogin,
    RefreshesTokens,
    ValidatesAccessTokens,
    OpaqueAccessTokensAllowed,
    SendsStepUp,
    /// The protected page starts a sign-in by itself.
    DeepLinks,
    /// The state or a flow cookie of a deep link holds the return target in clear ([`crate::check::redirects::carries_target`]).
    CarriesTarget,
    /// The target declares `session_idle`.
    DeclaresSessionIdle,
    /// The target declares `session_lifetime`.
    DeclaresSessionLifetime,
    /// The harness can start the app itself.
    StartCommand,
    /// The issuer is served over TLS.
    TlsIssuer,
    /// The app filters users by mail domain.
    FiltersMailDomain,
    /// Issuer metadata advertises RFC 9207.
    SessionCookie,
}

/// Whether the target has a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It does.
    Yes,
    /// It does not; the sentence says what was observed, for instance "no userinfo request in the control sign-in".
    No(String),
    /// The control could not tell.
    Unknown(String),
}
