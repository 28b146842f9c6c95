//! The table of endpoints: methods and path → who answers.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
    middleware,
    routing::any,
};

use crate::{
    control::{self, Control},
    endpoint::{
        activate, api, authn, authorize, clients, cors, global_token_revocation, grant, home, idx, introspect, keys,
        login, logout, metadata, par, revoke, second_origin, serve, sessions, token, userinfo,
    },
    exchange::Answer,
    flow::record::Endpoint,
    idp::Idp,
    okta::error::{API_METHOD, API_PATH_NOT_FOUND},
    tls::Tls,
};

/// One row: methods, path, where it stands in records, who answers. `{as}` stands for `/oauth2/{server}` and `/oauth2`.
struct Row(&'static [Method], &'static str, Endpoint, Answer);

const GET: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const ONE: &[Method] = &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
const ANY: &[Method] = &[Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
const DELETE: &[Method] = &[Method::DELETE];
const CHANGE: &[Method] = &[Method::PUT, Method::DELETE];
const GONE: &[Method] = &[Method::GET, Method::HEAD, Method::DELETE];
const BOTH: &[Method] = &[Method::GET, Method::HEAD, Method::POST];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row(GET,  "/.well-known/openid-configuration",                         Endpoint::Metadata,   metadata::openid_configuration),
    Row(GET,  "/oauth2/{server}/.well-known/openid-configuration",         Endpoint::Metadata,   metadata::openid_configuration),
    Row(GET,  "/.well-known/oauth-authorization-server",                   Endpoint::Metadata,   metadata::oauth_authorization_server),
    Row(GET,  "/.well-known/oauth-authorization-server/oauth2/{server}",   Endpoint::Metadata,   metadata::oauth_authorization_server),
    Row(GET,  "/oauth2/{server}/.well-known/oauth-authorization-server",   Endpoint::Metadata,   metadata::oauth_authorization_server),
    Row(GET,  "/.well-known/okta-organization",                            Endpoint::Metadata,   metadata::organization),
    Row(GET,  "{as}/v1/keys",                                              Endpoint::Jwks,       keys::published),
    Row(BOTH, "{as}/v1/authorize",                                         Endpoint::Authorize,  authorize::begin_or_continue),
    Row(POST, "{as}/v1/token",                                             Endpoint::Token,      token::issue),
    Row(BOTH, "{as}/v1/userinfo",                                          Endpoint::Userinfo,   userinfo::claims),
    Row(POST, "{as}/v1/introspect",                                        Endpoint::Introspect, introspect::describe),
    Row(POST, "{as}/v1/revoke",                                            Endpoint::Revoke,     revoke::revoke),
    Row(BOTH, "{as}/v1/logout",                                            Endpoint::Logout,     logout::end_session),
    Row(POST, "{as}/v1/par",                                               Endpoint::Par,        par::push),
    Row(POST, "{as}/v1/device/authorize",                                  Endpoint::Device,     grant::device_code::authorize),
    Row(BOTH, "/activate",                                                 Endpoint::SignInPage, activate::enter_code),
    Row(POST, "{as}/v1/bc/authorize",                                      Endpoint::Other,      grant::ciba::authorize),
    Row(POST, "{as}/v1/oob-authenticate",                                  Endpoint::Other,      grant::direct::authenticate_out_of_band),
    Row(POST, "{as}/v1/primary-authenticate",                              Endpoint::Other,      grant::direct::authenticate_out_of_band),
    Row(POST, "{as}/v1/challenge",                                         Endpoint::Other,      grant::direct::challenge),
    Row(BOTH, "/oauth2/v1/clients",                                        Endpoint::Other,      clients::collection),
    Row(ONE,  "/oauth2/v1/clients/{id}",                                   Endpoint::Other,      clients::one),
    Row(POST, "/oauth2/v1/clients/{id}/lifecycle/newSecret",               Endpoint::Other,      clients::new_secret),
    Row(POST, "/oauth2/v1/global-token-revocation",                        Endpoint::Other,      global_token_revocation::revoke),
    Row(BOTH, "/api/v1/users",                                             Endpoint::Other,      api::users::collection),
    Row(ANY,  "/api/v1/users/{id}",                                        Endpoint::Other,      api::users::one),
    Row(GET,  "/api/v1/users/{id}/groups",                                 Endpoint::Other,      api::users::groups),
    Row(GET,  "/api/v1/users/{id}/appLinks",                               Endpoint::Other,      api::users::app_links),
    Row(DELETE, "/api/v1/users/{id}/sessions",                             Endpoint::Other,      api::users::sessions),
    Row(POST, "/api/v1/users/{id}/credentials/change_password",            Endpoint::Other,      api::users::change_password),
    Row(POST, "/api/v1/users/{id}/lifecycle/{operation}",                  Endpoint::Other,      api::lifecycle::user),
    Row(BOTH, "/api/v1/groups",                                            Endpoint::Other,      api::groups::collection),
    Row(ONE,  "/api/v1/groups/{id}",                                       Endpoint::Other,      api::groups::one),
    Row(GET,  "/api/v1/groups/{id}/users",                                 Endpoint::Other,      api::groups::members),
    Row(CHANGE, "/api/v1/groups/{id}/users/{user}",                        Endpoint::Other,      api::groups::membership),
    Row(GET,  "/api/v1/groups/{id}/apps",                                  Endpoint::Other,      api::groups::apps),
    Row(BOTH, "/api/v1/apps",                                              Endpoint::Other,      api::apps::collection),
    Row(ONE,  "/api/v1/apps/{id}",                                         Endpoint::Other,      api::apps::one),
    Row(POST, "/api/v1/apps/{id}/lifecycle/{operation}",                   Endpoint::Other,      api::apps::lifecycle),
    Row(BOTH, "/api/v1/apps/{id}/users",                                   Endpoint::Other,      api::assignments::users),
    Row(ANY,  "/api/v1/apps/{id}/users/{user}",                            Endpoint::Other,      api::assignments::user),
    Row(GET,  "/api/v1/apps/{id}/groups",                                  Endpoint::Other,      api::assignments::groups),
    Row(ONE,  "/api/v1/apps/{id}/groups/{group}",                          Endpoint::Other,      api::assignments::group),
    Row(BOTH, "/api/v1/authorizationServers",                              Endpoint::Other,      api::servers::collection),
    Row(ONE,  "/api/v1/authorizationServers/{id}",                         Endpoint::Other,      api::servers::one),
    Row(POST, "/api/v1/authorizationServers/{id}/lifecycle/{operation}",   Endpoint::Other,      api::servers::lifecycle),
    Row(GET,  "/api/v1/authorizationServers/{id}/credentials/keys",        Endpoint::Other,      api::servers::keys),
    Row(POST, "/api/v1/authorizationServers/{id}/credentials/lifecycle/keyRotate", Endpoint::Other, api::servers::rotate_keys),
    Row(BOTH, "/api/v1/authorizationServers/{id}/scopes",                  Endpoint::Other,      api::scopes::collection),
    Row(ONE,  "/api/v1/authorizationServers/{id}/scopes/{scope}",          Endpoint::Other,      api::scopes::one),
    Row(BOTH, "/api/v1/authorizationServers/{id}/claims",                  Endpoint::Other,      api::claims::collection),
    Row(ONE,  "/api/v1/authorizationServers/{id}/claims/{claim}",          Endpoint::Other,      api::claims::one),
    Row(BOTH, "/api/v1/authorizationServers/{id}/policies",                Endpoint::Other,      api::policies::collection),
    Row(ONE,  "/api/v1/authorizationServers/{id}/policies/{policy}",       Endpoint::Other,      api::policies::one),
    Row(POST, "/api/v1/authorizationServers/{id}/policies/{policy}/lifecycle/{operation}", Endpoint::Other, api::policies::lifecycle),
    Row(BOTH, "/api/v1/authorizationServers/{id}/policies/{policy}/rules", Endpoint::Other,      api::rules::collection),
    Row(ONE,  "/api/v1/authorizationServers/{id}/policies/{policy}/rules/{rule}", Endpoint::Other, api::rules::one),
    Row(POST, "/api/v1/authorizationServers/{id}/policies/{policy}/rules/{rule}/lifecycle/{operation}", Endpoint::Other, api::rules::lifecycle),
    Row(POST, "/api/v1/authn",                                             Endpoint::Other,      authn::authenticate),
    Row(POST, "/api/v1/authn/cancel",                                      Endpoint::Other,      authn::cancel),
    Row(POST, "/api/v1/authn/credentials/change_password",                 Endpoint::Other,      authn::change_password),
    Row(POST, "/api/v1/authn/factors",                                     Endpoint::Other,      authn::enroll),
    Row(POST, "/api/v1/authn/factors/{id}/lifecycle/activate",             Endpoint::Other,      authn::activate),
    Row(POST, "/api/v1/authn/factors/{id}/verify",                         Endpoint::Other,      authn::verify),
    Row(POST, "/api/v1/authn/recovery/unlock",                             Endpoint::Other,      authn::unlock),
    Row(POST, "/api/v1/authn/skip",                                        Endpoint::Other,      authn::skip),
    Row(POST, "/api/v1/authn/previous",                                    Endpoint::Other,      authn::previous),
    Row(POST, "/api/v1/sessions",                                          Endpoint::Other,      sessions::create),
    Row(GONE, "/api/v1/sessions/me",                                       Endpoint::Other,      sessions::mine),
    Row(POST, "/api/v1/sessions/me/lifecycle/refresh",                     Endpoint::Other,      sessions::refresh_mine),
    Row(GONE, "/api/v1/sessions/{id}",                                     Endpoint::Other,      sessions::one),
    Row(POST, "/api/v1/sessions/{id}/lifecycle/refresh",                   Endpoint::Other,      sessions::refresh),
    Row(POST, "{as}/v1/interact",                                          Endpoint::Other,      idx::interact),
    Row(POST, "/idp/idx/introspect",                                       Endpoint::SignInPage, idx::introspect),
    Row(POST, "/idp/idx/identify",                                         Endpoint::SignInPage, idx::identify),
    Row(POST, "/idp/idx/challenge",                                        Endpoint::SignInPage, idx::challenge),
    Row(POST, "/idp/idx/challenge/answer",                                 Endpoint::SignInPage, idx::answer_challenge),
    Row(POST, "/idp/idx/consent",                                          Endpoint::SignInPage, idx::consent),
    Row(POST, "/idp/idx/cancel",                                           Endpoint::SignInPage, idx::cancel),
    Row(BOTH, "/",                                                         Endpoint::SignInPage, home::root),
    Row(BOTH, "/login/login.htm",                                          Endpoint::SignInPage, home::login),
    Row(GET,  "/app/UserHome",                                             Endpoint::SignInPage, home::user_home),
    Row(GET,  "/login/signout",                                            Endpoint::SignInPage, home::sign_out),
    Row(GET,  "/signin/forgot-password",                                   Endpoint::SignInPage, home::help),
    Row(GET,  "/signin/unlock",                                            Endpoint::SignInPage, home::help),
    Row(GET,  "/help/login",                                               Endpoint::SignInPage, home::help),
    Row(BOTH, "/login/sessionCookieRedirect",                              Endpoint::SignInPage, login::session_cookie_redirect),
    Row(GET,  "/login/token/redirect",                                     Endpoint::SignInPage, login::token_redirect),
    Row(GET,  "/login/step-up/redirect",                                   Endpoint::SignInPage, login::step_up_redirect),
    Row(GET,  "/oauth2/v1/authorize/redirect",                             Endpoint::SignInPage, login::authorize_redirect),
];

/// One endpoint: what a test of all of them needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointRow {
    /// The methods that it takes, beside `OPTIONS`.
    pub methods: &'static [Method],
    /// Its path; `{name}` stands for any segment.
    pub path: String,
}

/// Every endpoint of the authorization server, from the table that routes.
#[must_use]
pub fn endpoints() -> Vec<EndpointRow> {
    let rows = TABLE.iter().flat_map(|Row(methods, path, ..)| {
        let methods = *methods;
        paths(path).into_iter().map(move |path| EndpointRow { methods, path })
    });
    rows.collect()
}

/// The paths of a row: `{as}` stands for two.
fn paths(path: &str) -> Vec<String> {
    match path.strip_prefix("{as}") {
        Some(rest) => vec![format!("/oauth2{rest}"), format!("/oauth2/{{server}}{rest}")],
        None => vec![path.to_owned()],
    }
}

/// The authorization server.
pub(crate) fn router(idp: &Arc<Idp>, tls: Option<Tls>) -> Router {
    let mut router = Router::new();
    for Row(methods, path, endpoint, handle) in TABLE {
        for path in paths(path) {
            let idp = idp.clone();
            let service = any(move |request: Request<Body>| {
                let handle: Answer = if methods.contains(request.method()) {
                    *handle
                } else if request.method() == Method::OPTIONS {
                    cors::preflight
                } else {
                    |_| Err(API_METHOD.into())
                };
                serve::answer(idp.clone(), *endpoint, handle, request)
            });
            router = router.route(&path, service);
        }
    }
    let mut control = control::router(Control { idp: idp.clone(), tls });
    if idp.store.remote().is_some() {
        control = control.layer(middleware::from_fn_with_state(idp.clone(), serve::call_in_unit));
    }
    let idp = idp.clone();
    router.merge(control).fallback(move |request: Request<Body>| {
        serve::answer(
            idp.clone(),
            Endpoint::Other,
            |_| Err(API_PATH_NOT_FOUND.into()),
            request,
        )
    })
}

/// The second origin: whoever asks it anything.
pub(crate) fn second_origin(idp: &Arc<Idp>) -> Router {
    let idp = idp.clone();
    Router::new().fallback(move |request: Request<Body>| {
        serve::answer(idp.clone(), Endpoint::SecondOrigin, second_origin::anything, request)
    })
}
