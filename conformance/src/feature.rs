//! What the target can do, as seen in its control sign-in: a case whose feature is missing is skipped with that reason.

use mock_idp::flow::record::Endpoint;
use serde::Serialize;
use url::Url;

use crate::{
    evidence::{Evidence, Hop, Leg, ResponseMode},
    script::{FOURTH, MAIN, THIRD},
    target::{SignIn, SignOut, Target},
};

/// Something that not every relying party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is explained by the sentence of its absence")]
pub enum Feature {
    SendsState,
    /// Authorization responses stand in an address: nothing can fetch a form post ahead of time.
    ResponseInAddress,
    SendsNonce,
    SendsPkce,
    SendsNonceOrPkce,
    FetchesDiscovery,
    FetchesJwks,
    CallsUserinfo,
    ConfidentialClient,
    /// The token requests of the control allow gzip in Accept-Encoding.
    AcceptsGzip,
    UsesClientAssertion,
    UsesClientSecretBasic,
    SignsOut,
    SignOutRequest,
    RpInitiatedLogout,
    SendsLogoutState,
    PromisesSingleSignOut,
    BackChannelLogout,
    FrontChannelLogout,
    InitiateLogin,
    RefreshesTokens,
    ValidatesAccessTokens,
    OpaqueAccessTokensAllowed,
    SendsStepUp,
    SendsMaxAge,
    SendsAcrValues,
    DeepLinks,
    /// The state of a deep link holds the return target in clear.
    StateCarriesTarget,
    /// A cookie of a deep link holds it in clear.
    CookieCarriesTarget,
    DeclaresSessionIdle,
    /// Long enough that a session can be used again before it ends, and beyond it.
    OutlastsSessionIdle,
    DeclaresSessionLifetime,
    StartCommand,
    TlsIssuer,
    FiltersMailDomain,
    SessionCookie,
    /// A second sign-in can begin while somebody is signed in.
    SignsInOverSession,
    AsksForEmail,
    AsksForProfile,
    /// The configuration names a page for a group.
    Roles,
}

/// Whether the target has a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It does.
    Yes,
    /// It does not; the sentence says what was observed.
    No(String),
    /// The control could not tell.
    Unknown(String),
}

impl Feature {
    /// Whether the control shows this feature. `control` is the evidence of the control walk; metadata and key fetches
    /// that the app made at its start belong to it too.
    #[must_use]
    pub fn seen(self, control: &Evidence, target: &Target) -> Seen {
        let yes = |condition: bool, reason: &str| {
            if condition {
                Seen::Yes
            } else {
                Seen::No(reason.to_owned())
            }
        };
        let request = |name: &str| authorization_parameter(control, name);
        let asks_for = |wanted: &str| request("scope").is_some_and(|scope| scope.split(' ').any(|word| word == wanted));
        let reached = |endpoint| control.received(endpoint).next().is_some();
        let declares = &target.declares;
        match self {
            Feature::SendsState => yes(request("state").is_some(), "the app sends no state"),
            Feature::ResponseInAddress => yes(
                control.target.response_mode == ResponseMode::Query,
                "the app takes its responses by form post: no address holds one that could be fetched ahead of time",
            ),
            Feature::SendsNonce => yes(request("nonce").is_some(), "the app sends no nonce"),
            Feature::SendsPkce => yes(request("code_challenge").is_some(), "the app sends no code_challenge"),
            Feature::SendsNonceOrPkce => {
                let either = request("nonce").is_some() || request("code_challenge").is_some();
                yes(either, "the app sends neither nonce nor code_challenge")
            }
            Feature::FetchesDiscovery => yes(
                reached(Endpoint::Metadata),
                "the app never fetched the discovery document: its endpoints are configured",
            ),
            Feature::FetchesJwks => yes(
                reached(Endpoint::Jwks),
                "the app never fetched the key set: it does not verify signatures itself",
            ),
            Feature::CallsUserinfo => yes(
                reached(Endpoint::Userinfo),
                "no userinfo request in the control sign-in",
            ),
            Feature::ConfidentialClient => yes(!declares.public_client, "the target declares a public client"),
            Feature::AcceptsGzip => {
                let accepts = control.received(Endpoint::Token).any(|(_, request)| {
                    request
                        .headers
                        .iter()
                        .any(|(name, value)| name == "accept-encoding" && value.contains("gzip"))
                });
                yes(accepts, "the app's token requests do not allow gzip")
            }
            Feature::UsesClientAssertion => {
                let used = token_bodies(control).any(|body| body.contains("client_assertion="));
                yes(used, "the app authenticates without a client assertion")
            }
            Feature::UsesClientSecretBasic => {
                let used = control.received(Endpoint::Token).any(|(_, request)| {
                    request
                        .headers
                        .iter()
                        .any(|(name, value)| name == "authorization" && value.starts_with("Basic "))
                });
                yes(used, "the app does not use client_secret_basic")
            }
            Feature::SignsOut => yes(target.sign_out.is_some(), "the configuration names no sign_out"),
            Feature::SignOutRequest => match &target.sign_out {
                None => Seen::No("the configuration names no sign_out".to_owned()),
                Some(SignOut::Click(_)) => {
                    // The page with the button is the first; what the click sends to the app by navigating is the second.
                    let answered = |hop: &&Hop| hop.leg == Leg::SignOut && hop.status().is_some();
                    let steps = control.app_hops().filter(answered).count();
                    let reason = "a script of the app signs out: there is no link and no form that could be altered";
                    yes(steps > 1, reason)
                }
                Some(_) => Seen::Yes,
            },
            Feature::RpInitiatedLogout => {
                let led = control.hops.iter().any(|hop| hop.leg == Leg::EndSession);
                let reason = "sign-out never led to the end-session endpoint";
                if declares.local_sign_out_only {
                    Seen::No("the target declares local sign-out only".to_owned())
                } else {
                    yes(led, reason)
                }
            }
            Feature::SendsLogoutState => {
                let sent = control
                    .hops
                    .iter()
                    .filter(|hop| hop.leg == Leg::EndSession)
                    .any(|hop| hop.request.target.contains("state=") || hop.request.body.contains("state="));
                yes(sent, "the app sends no state to the end-session endpoint")
            }
            Feature::PromisesSingleSignOut => {
                yes(!declares.local_sign_out_only, "the target declares local sign-out only")
            }
            Feature::BackChannelLogout => yes(
                target.backchannel_logout.is_some(),
                "no back-channel logout URI is registered (`backchannel_logout`)",
            ),
            Feature::FrontChannelLogout => yes(
                target.frontchannel_logout.is_some(),
                "no front-channel logout URI is registered (`frontchannel_logout`)",
            ),
            Feature::InitiateLogin => yes(target.initiate_login.is_some(), "no `initiate_login` URI is configured"),
            Feature::RefreshesTokens => yes(
                asks_for("offline_access"),
                "the app never asks for offline_access: it does not refresh tokens",
            ),
            Feature::ValidatesAccessTokens => yes(
                declares.validates_access_token,
                "the target does not declare `validates_access_token`",
            ),
            Feature::OpaqueAccessTokensAllowed => yes(
                !declares.validates_access_token,
                "the target declares that it validates access tokens",
            ),
            Feature::SendsStepUp => {
                let step_up = ["max_age", "acr_values"].iter().any(|name| request(name).is_some())
                    || request("prompt").is_some_and(|prompt| prompt.contains("login"));
                yes(step_up, "the app sends neither max_age, prompt=login nor acr_values")
            }
            // `auth_time` is promised only to those who send `max_age` (OIDC Core §2), `acr` to those who send `acr_values`.
            Feature::SendsMaxAge => yes(request("max_age").is_some(), "the app sends no max_age"),
            Feature::SendsAcrValues => yes(request("acr_values").is_some(), "the app sends no acr_values"),
            Feature::DeepLinks => {
                let began = control
                    .flow(THIRD)
                    .is_some_and(|flow| flow.authorization_request.is_some());
                yes(
                    began,
                    "the protected page does not lead to a sign-in when asked by nobody",
                )
            }
            Feature::StateCarriesTarget => yes(
                crate::check::redirects::state_carries_target(control),
                "the state of a deep link does not hold the return target in clear",
            ),
            Feature::CookieCarriesTarget => yes(
                crate::check::redirects::cookie_carries_target(control),
                "no cookie of a deep link holds the return target in clear",
            ),
            Feature::DeclaresSessionIdle => {
                yes(declares.session_idle.is_some(), "the target declares no `session_idle`")
            }
            // Apps that count whole seconds make of a shorter time something else; the walk lasts four thirds of it.
            Feature::OutlastsSessionIdle => yes(
                declares.session_idle.is_some_and(|idle| {
                    idle >= 4
                        && declares
                            .session_lifetime
                            .is_none_or(|lifetime| lifetime >= idle * 4 / 3 + 3)
                }),
                "the target declares no `session_idle` of four seconds or more and well below its `session_lifetime`",
            ),
            Feature::DeclaresSessionLifetime => yes(
                declares.session_lifetime.is_some(),
                "the target declares no `session_lifetime`",
            ),
            Feature::StartCommand => yes(
                control.target.restartable,
                "the configuration has no [target.start]: the app cannot be restarted",
            ),
            Feature::TlsIssuer => yes(
                control.target.issuer.starts_with("https:"),
                "the issuer is not served over TLS (`https_issuer`)",
            ),
            Feature::FiltersMailDomain => yes(declares.mail_domain.is_some(), "the target declares no `mail_domain`"),
            Feature::SessionCookie => yes(
                !control.target.session_cookies.is_empty(),
                "no cookie carries the session: without any of them the page shows the same",
            ),
            Feature::SignsInOverSession if matches!(target.sign_in, SignIn::Protected(_)) => Seen::No(
                "sign-ins start at the protected page, which shows who is signed in instead of starting a second one"
                    .to_owned(),
            ),
            Feature::SignsInOverSession => {
                let tried = control.flow(FOURTH);
                let began = tried.is_none_or(|flow| flow.authorization_request.is_some());
                yes(began, "the app begins no sign-in while somebody is signed in")
            }
            Feature::Roles => yes(
                !target.roles.is_empty(),
                "no page of a group is configured: add `[[target.roles]]` with group = \"admins\" and page = \"/admin\"",
            ),
            Feature::AsksForEmail => yes(asks_for("email"), "the app does not ask for the scope `email`"),
            Feature::AsksForProfile => yes(asks_for("profile"), "the app does not ask for the scope `profile`"),
        }
    }
}

/// A parameter of the main flow's authorization request.
fn authorization_parameter(control: &Evidence, name: &str) -> Option<String> {
    let url = Url::parse(control.flow(MAIN)?.authorization_request.as_deref()?).ok()?;
    let (_, value) = url.query_pairs().find(|(found, _)| found == name)?;
    Some(value.into_owned())
}

fn token_bodies(control: &Evidence) -> impl Iterator<Item = &str> {
    control
        .received(Endpoint::Token)
        .map(|(_, request)| request.body.as_str())
}
