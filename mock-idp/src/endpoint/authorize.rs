//! The authorization endpoint (RFC 6749 §4.1.1, OIDC Core §3.1.2): checks the request in Okta's order, then shows the
//! hosted page or answers from a session.

use std::{borrow::Cow, sync::Arc};

use crate::{
    endpoint::{
        answer::{self, Answered, Refusal},
        authn, decide, par, request_object, respond, sessions, sign_in,
    },
    exchange::Exchange,
    flow::{
        fault::PkceRule,
        scenario::Scenario,
        store::{Asker, FLOW_COOKIE, Flow, Request, ResponseType, Session},
        tamper,
    },
    idp::Server,
    okta::{
        error::*,
        metadata::{CUSTOM_SCOPES, ORG_SCOPES},
        page::HANDLE,
    },
    protocol::{
        draft::{Reply, ResponseMode},
        params::Params,
        pkce,
    },
    tenant::{ApplicationType, Client, PageStyle, Persona, Subject, Unverified, UserStatus},
};

/// `GET|POST {as}/v1/authorize`: a new authorization request, or a step of the hosted page, which keeps this URL.
pub(crate) fn begin_or_continue(exchange: &mut Exchange) -> Answered {
    if exchange.form.has(HANDLE) {
        return sign_in::step(exchange);
    }
    if let Some(reply) = sign_in::back_to_start(exchange) {
        return Ok(reply);
    }
    let flow = flow_of(exchange);
    exchange.bind(&flow);
    let mut reply = begin(exchange, &flow)?;
    if exchange.cookie(FLOW_COOKIE).is_some() {
        let attributes = exchange.idp.cookie_attributes();
        answer::put(
            &mut reply,
            "set-cookie",
            format!("{FLOW_COOKIE}=;{attributes};Max-Age=0"),
        );
    }
    Ok(reply)
}

/// The flow that the browser entered; otherwise a new one that nobody watches.
fn flow_of(exchange: &Exchange) -> Arc<Flow> {
    let entered = exchange
        .cookie(FLOW_COOKIE)
        .and_then(|ticket| exchange.idp.store.tickets.take(ticket));
    if let Some(flow) = entered {
        let login = flow.scenario.user.login.to_lowercase();
        exchange.idp.store.awaited.alter(login, |other| {
            if other.as_ref().is_some_and(|other| other.id == flow.id) {
                *other = None;
            }
        });
        return flow;
    }
    let nobody = Scenario::honest(Persona::default());
    exchange.idp.store.begin(false, nobody)
}

fn begin(exchange: &mut Exchange, flow: &Arc<Flow>) -> Answered {
    let server = exchange.server().map_err(|refusal| match refusal {
        Refusal::Api(error) if error.code == API_FEATURE.code => Refusal::Page(FEATURE_DISABLED),
        other => other,
    })?;
    let is_double = !exchange.form.is_empty() && !exchange.query.is_empty();
    if is_double && !exchange.idp.tenant().unverified.post_with_query {
        return Err(Refusal::Page(exchange.refuse(&REQUEST_INVALID)));
    }
    let raw = if exchange.form.is_empty() {
        exchange.query.clone()
    } else {
        exchange.form.clone()
    };
    let params = match unwrapped(exchange, &server, &raw) {
        Ok(params) => params,
        Err(error) => {
            let error = exchange.refuse(&error);
            // Redirected if the parameters outside of the object are enough to know where to.
            let outside = Inputs::read(exchange, &server, &raw).ok();
            let inputs = outside
                .filter(|_| error.error != "invalid_client")
                .ok_or(Refusal::Page(error.clone()))?;
            return Ok(respond::refuse(exchange, &inputs.request, &error));
        }
    };
    let inputs = Inputs::read(exchange, &server, &params).map_err(Refusal::Page)?;
    if let Err(error) = check(exchange, &inputs, flow) {
        return Ok(respond::refuse(exchange, &inputs.request, &error));
    }
    let mut inputs = inputs;
    if is_embedded(&inputs.client) {
        inputs.request.asker = Asker::Interaction;
    }
    Ok(proceed(exchange, flow, inputs))
}

/// The request, out of its signed object or from where it was pushed to.
fn unwrapped<'a>(exchange: &Exchange, server: &Server, params: &'a Params) -> Result<Cow<'a, Params>, OAuthError> {
    match (params.filled("request"), params.filled("request_uri")) {
        (None, None) => Ok(Cow::Borrowed(params)),
        (Some(_), Some(_)) => Err(REQUEST_AND_REQUEST_URI),
        (Some(object), None) => request_object::unwrap(exchange, server, params, object).map(Cow::Owned),
        (None, Some(handle)) => {
            let pushed = par::pushed(exchange, server, params, handle)?;
            match pushed.filled("request") {
                Some(object) => request_object::unwrap(exchange, server, &pushed, object).map(Cow::Owned),
                None => Ok(Cow::Owned(pushed)),
            }
        }
    }
}

/// Applies the rules; in a watched flow they are recorded only.
fn check(exchange: &mut Exchange, inputs: &Inputs<'_>, flow: &Flow) -> Result<(), OAuthError> {
    for (check, enforced_by_fault) in CHECKS {
        let Some(error) = check(inputs) else { continue };
        let enforced = *enforced_by_fault && pkce_rule(flow) == PkceRule::Enforce;
        let refusal = if enforced {
            Some(exchange.refuse(&error))
        } else {
            exchange.object(&error)
        };
        if let Some(error) = refusal {
            return Err(error);
        }
    }
    Ok(())
}

/// Applies the rules to a request that is pushed: refusals are answered, not redirected.
pub(crate) fn judge(exchange: &mut Exchange, server: &Arc<Server>, params: &Params) -> Result<(), OAuthError> {
    let inputs = Inputs::read(exchange, server, params)?;
    for (check, _) in CHECKS {
        if let Some(error) = check(&inputs)
            && let Some(error) = exchange.object(&error)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Applies the rules to a request that begins an interaction: it has no response type, and needs PKCE.
pub(crate) fn interaction(
    exchange: &mut Exchange,
    server: &Arc<Server>,
    client: &Client,
    params: &Params,
) -> Result<Request, OAuthError> {
    let mut params = params.clone();
    params
        .0
        .retain(|(name, _)| name != "client_id" && name != "response_type");
    params.0.push(("client_id".to_owned(), client.id.clone()));
    params.0.push(("response_type".to_owned(), "code".to_owned()));
    let mut inputs = Inputs::read(exchange, server, &params)?;
    inputs.is_interaction = true;
    for (check, _) in CHECKS {
        if let Some(error) = check(&inputs)
            && let Some(error) = exchange.object(&error)
        {
            return Err(error);
        }
    }
    inputs.request.asker = Asker::Interaction;
    Ok(inputs.request)
}

/// From here on only prompt, session and the person decide.
fn proceed(exchange: &mut Exchange, flow: &Arc<Flow>, inputs: Inputs<'_>) -> Reply {
    let now = exchange.idp.clock.now();
    let prompt = inputs.params.filled("prompt").unwrap_or_default();
    let max_age: Option<i64> = inputs.params.filled("max_age").and_then(|text| text.parse().ok());
    let session = session_for(exchange, flow);
    let tenant = exchange.idp.tenant();
    let takes_token = tenant.unverified.session_token || tenant.page == PageStyle::Classic;
    if session.is_none()
        && takes_token
        && let Some(token) = inputs.params.filled("sessionToken")
        && let Some(redeemed) = authn::redeem(exchange, token)
    {
        let flow = redeemed.flow.unwrap_or_else(|| flow.clone());
        return decide::signed_in(exchange, &flow, Arc::new(inputs.request), redeemed.session, false);
    }
    let is_fresh =
        |session: &Session| max_age.is_none_or(|limit| limit > 0 && now.saturating_sub(session.auth_time) <= limit);
    if prompt == "none" && max_age == Some(0) {
        let error = exchange.refuse(&PROMPT_NONE_MAX_AGE_ZERO);
        return respond::refuse(exchange, &inputs.request, &error);
    }
    match session {
        Some(session) if is_fresh(&session) && !prompt.contains("login") => {
            decide::signed_in(exchange, flow, Arc::new(inputs.request), session, true)
        }
        _ if inputs.request.asker == Asker::Interaction => {
            let error = exchange.refuse(&INTERACTION_REQUIRED);
            respond::refuse(exchange, &inputs.request, &error)
        }
        session if prompt == "none" => {
            let error = if session.is_some() {
                &REAUTHENTICATION_REQUIRED
            } else {
                &LOGIN_REQUIRED
            };
            let error = exchange.refuse(error);
            respond::refuse(exchange, &inputs.request, &error)
        }
        _ => match without_page(exchange, flow, &inputs.request.client_id) {
            Some(subject) => {
                let session = sessions::open(exchange, subject, &["pwd"], false);
                decide::signed_in(exchange, flow, Arc::new(inputs.request), session, false)
            }
            None => sign_in::first_page(exchange, flow, inputs.request),
        },
    }
}

/// Who is signed in without the hosted page: the scenario says so, or somebody was announced by the control API.
fn without_page(exchange: &Exchange, flow: &Flow, client: &str) -> Option<Arc<Subject>> {
    let tenant = exchange.idp.tenant();
    let of_org = |login: &str| {
        let user = tenant.user(login).filter(|user| user.status == UserStatus::Active);
        user.map(|user| Arc::new(Subject::of(user)))
    };
    if flow.scenario.auto {
        let persona = &flow.scenario.user;
        return of_org(&persona.login).or_else(|| Some(Arc::new(Subject::from_persona(persona))));
    }
    if flow.watched {
        return None;
    }
    of_org(&exchange.idp.store.next_logins.take(client)?)
}

/// Whether the client gets interaction codes and no others: it has a sign-in page of its own, and the hosted one is not for
/// its users.
fn is_embedded(client: &Client) -> bool {
    let allows = |grant: &str| client.grant_types.iter().any(|known| known == grant);
    allows("interaction_code") && !allows("authorization_code")
}

/// The browser's session, unless the flow is one that must not see it.
pub(crate) fn session_for(exchange: &Exchange, flow: &Flow) -> Option<Arc<Session>> {
    if flow.watched && !flow.scenario.sso {
        return None;
    }
    sessions::current(exchange)
}

/// A request whose client and redirect URI are good enough to answer to.
struct Inputs<'a> {
    params: &'a Params,
    server: Arc<Server>,
    client: Arc<Client>,
    request: Request,
    /// `response_type` named nothing but known words.
    response_type_is_known: bool,
    /// `response_mode` as sent.
    mode_is_known: bool,
    /// Whether an interaction code is to come of it.
    is_interaction: bool,
    unverified: Unverified,
}

impl<'a> Inputs<'a> {
    /// Reads the request. What stands before a usable redirect URI is refused with a page, also in watched flows.
    fn read(exchange: &mut Exchange, server: &Arc<Server>, params: &'a Params) -> Result<Self, OAuthError> {
        // Who asks and where the answer goes must be certain before anything can be redirected.
        let duplicates = params.duplicates();
        if duplicates
            .iter()
            .any(|name| ["client_id", "redirect_uri"].contains(name))
        {
            return Err(exchange.refuse(&DUPLICATE_PARAMETERS));
        }
        let id = params.filled("client_id").unwrap_or_default();
        let Some(client) = exchange.idp.client(id) else {
            return Err(exchange.refuse(&CLIENT_UNKNOWN));
        };
        let redirect_uri = redirect_uri(exchange, &client, params)?;
        let (response_type, response_type_is_known) = response_type(params.filled("response_type").unwrap_or_default());
        let (mode, mode_is_known) = response_mode(params.filled("response_mode"), response_type);
        let challenge = params.filled("code_challenge").map(|challenge| {
            let method = params.filled("code_challenge_method").unwrap_or("plain");
            (challenge.to_owned(), method.to_owned())
        });
        let mut scopes: Vec<String> = Vec::new();
        for scope in params.filled("scope").unwrap_or_default().split_whitespace() {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        if scopes.is_empty() {
            let defaults = server.settings.scopes.iter().filter(|scope| scope.default);
            scopes = defaults.map(|scope| scope.name.clone()).collect();
        }
        // `offline_access` is dropped silently when no code is asked for.
        scopes.retain(|scope| scope != "offline_access" || response_type.code);
        let text = |name: &str| params.filled(name).map(str::to_owned);
        Ok(Self {
            params,
            server: server.clone(),
            request: Request {
                server: server.id.clone(),
                client_id: client.id.clone(),
                redirect_uri,
                redirect_uri_sent: params.filled("redirect_uri").is_some(),
                response_type,
                mode,
                state: text("state"),
                nonce: text("nonce"),
                scopes,
                challenge,
                login_hint: text("login_hint"),
                prompt: text("prompt").unwrap_or_default(),
                grant_type: String::new(),
                asker: Asker::RelyingParty,
                enroll: enrolled(params),
                acr: text("acr_values").and_then(|values| values.split_whitespace().next().map(str::to_owned)),
            },
            client,
            response_type_is_known,
            mode_is_known,
            is_interaction: false,
            unverified: exchange.idp.tenant().unverified,
        })
    }
}

/// The authenticators of which one is to be set up.
fn enrolled(params: &Params) -> Vec<String> {
    let enrolls = params.filled("prompt") == Some("enroll_authenticator");
    let methods = params.filled("enroll_amr_values").filter(|_| enrolls);
    let methods = methods.unwrap_or_default().split_whitespace();
    methods.map(str::to_owned).collect()
}

fn redirect_uri(exchange: &mut Exchange, client: &Client, params: &Params) -> Result<String, OAuthError> {
    let given = params.filled("redirect_uri").unwrap_or_default();
    if client.application_type == ApplicationType::Service {
        return Err(exchange.refuse(&SERVICE_CLIENT));
    }
    if client.has_redirect(given) {
        return Ok(given.to_owned());
    }
    let admin = format!(
        "{}/admin/app/oidc_client/instance/{}#tab-general",
        exchange.org(),
        client.id
    );
    let error = REDIRECT_URI_UNREGISTERED.with(&admin);
    if exchange.idp.lax && client.has_redirect_on_another_port(given) && exchange.object(&error).is_none() {
        return Ok(given.to_owned());
    }
    if exchange.flow().is_some_and(|flow| flow.watched) {
        let near = if given.is_empty() {
            client.redirect_uris.first().cloned()
        } else {
            client.knows_host_of(given).then(|| given.to_owned())
        };
        if let Some(uri) = near
            && exchange.object(&error).is_none()
        {
            return Ok(uri);
        }
    }
    Err(exchange.refuse(&error))
}

fn response_type(text: &str) -> (ResponseType, bool) {
    let mut wanted = ResponseType::default();
    let mut known = !text.is_empty();
    for word in text.split_whitespace() {
        match word {
            "code" => wanted.code = true,
            "id_token" => wanted.id_token = true,
            "token" => wanted.token = true,
            "none" => {}
            _ => known = false,
        }
    }
    (wanted, known)
}

fn response_mode(text: Option<&str>, response_type: ResponseType) -> (ResponseMode, bool) {
    let default = if response_type.id_token || response_type.token {
        ResponseMode::Fragment
    } else {
        ResponseMode::Query
    };
    match text {
        None => (default, true),
        Some("query") => (ResponseMode::Query, true),
        Some("fragment") => (ResponseMode::Fragment, true),
        Some("form_post") => (ResponseMode::FormPost, true),
        Some("okta_post_message") => (ResponseMode::PostMessage, true),
        Some(_) => (default, false),
    }
}

/// A rule: `Some` is what Okta answers when it is broken.
type Check = fn(&Inputs<'_>) -> Option<OAuthError>;

/// The rules that end in a redirect, in Okta's order; the second column tells which a strict-PKCE fault enforces in
/// watched flows.
const CHECKS: &[(Check, bool)] = &[
    (no_duplicates, false),
    (server_is_allowed, false),
    (resource_is_ignored, false),
    (identity_provider_is_known, false),
    (response_type_is_supported, false),
    (enrollment_is_whole, false),
    (grant_type_is_allowed, false),
    (response_mode_is_supported, false),
    (query_carries_no_tokens, false),
    (state_is_there, false),
    (nonce_is_there, false),
    (prompt_is_known, false),
    (max_age_is_a_number, false),
    (challenge_method_is_s256, true),
    (challenge_is_well_formed, true),
    (challenge_is_there, true),
    (scope_is_short, false),
    (scopes_are_known, false),
];

fn no_duplicates(inputs: &Inputs<'_>) -> Option<OAuthError> {
    (!inputs.params.duplicates().is_empty()).then_some(DUPLICATE_PARAMETERS)
}

fn server_is_allowed(inputs: &Inputs<'_>) -> Option<OAuthError> {
    (inputs.client.org_server_only && !inputs.server.id.is_empty()).then_some(ORG_SERVER_ONLY)
}

fn resource_is_ignored(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let resource = inputs.params.filled("resource")?;
    inputs
        .unverified
        .resource_refused
        .then(|| RESOURCE_REFUSED.with(resource))
}

fn identity_provider_is_known(inputs: &Inputs<'_>) -> Option<OAuthError> {
    inputs.params.filled("idp").map(|_| IDP_INVALID)
}

fn response_type_is_supported(inputs: &Inputs<'_>) -> Option<OAuthError> {
    (!inputs.response_type_is_known).then(|| RESPONSE_TYPE_UNSUPPORTED.with("code, id_token, token, none"))
}

fn grant_type_is_allowed(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let wanted = inputs.request.response_type;
    let allows = |grant: &str| inputs.client.grant_types.iter().any(|known| known == grant);
    let for_code = if inputs.is_interaction || is_embedded(&inputs.client) {
        "interaction_code"
    } else {
        "authorization_code"
    };
    let refused = (wanted.code && !allows(for_code)) || ((wanted.id_token || wanted.token) && !allows("implicit"));
    refused.then(|| GRANT_TYPE_NOT_ALLOWED.with(&inputs.client.grant_types.join(", ")))
}

fn response_mode_is_supported(inputs: &Inputs<'_>) -> Option<OAuthError> {
    (!inputs.mode_is_known).then_some(RESPONSE_MODE_UNSUPPORTED)
}

fn query_carries_no_tokens(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let wanted = inputs.request.response_type;
    (inputs.request.mode == ResponseMode::Query && (wanted.id_token || wanted.token)).then_some(RESPONSE_MODE_QUERY)
}

fn state_is_there(inputs: &Inputs<'_>) -> Option<OAuthError> {
    inputs.request.state.is_none().then_some(STATE_INVALID)
}

fn nonce_is_there(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let wanted = inputs.request.response_type;
    ((wanted.id_token || wanted.token) && inputs.request.nonce.is_none()).then_some(NONCE_REQUIRED)
}

fn prompt_is_known(inputs: &Inputs<'_>) -> Option<OAuthError> {
    const KNOWN: &[&str] = &[
        "none",
        "login",
        "consent",
        "login consent",
        "consent login",
        "enroll_authenticator",
    ];
    let prompt = inputs.params.filled("prompt")?;
    if prompt == "idp_refresh" && inputs.params.filled("idp").is_none() {
        return Some(PROMPT_IDP_REFRESH);
    }
    (!KNOWN.contains(&prompt)).then(|| PROMPT_INVALID.with("none, login, consent, login consent, enroll_authenticator"))
}

fn max_age_is_a_number(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let max_age = inputs.params.filled("max_age")?;
    let is_number = max_age.parse::<i32>().is_ok_and(|seconds| seconds >= 0);
    (inputs.unverified.max_age_checked && !is_number).then_some(MAX_AGE_INVALID)
}

/// `prompt=enroll_authenticator` and `response_type=none` go together, with parameters of their own and no others.
fn enrollment_is_whole(inputs: &Inputs<'_>) -> Option<OAuthError> {
    const METHODS: &[&str] = &[
        "pwd",
        "kba",
        "email",
        "sms",
        "tel",
        "duo",
        "symantec",
        "google_otp",
        "okta_verify",
        "pop",
        "oath_otp",
        "rsa",
        "yubikey",
        "otp",
        "fed",
    ];
    let given = |name: &str| inputs.params.filled(name).unwrap_or_default();
    let is_none = given("response_type") == "none";
    let enrolls = given("prompt") == "enroll_authenticator";
    let methods = given("enroll_amr_values");
    let are_known = !methods.is_empty() && methods.split_whitespace().all(|method| METHODS.contains(&method));
    match (enrolls, is_none) {
        (false, false) => None,
        (true, false) => Some(ENROLL_RESPONSE_TYPE),
        (false, true) => Some(ENROLL_PROMPT),
        _ if given("acr_values") != "urn:okta:loa:2fa:any:ifpossible" => Some(ENROLL_ACR),
        _ if given("max_age") != "0" => Some(ENROLL_MAX_AGE),
        _ if !are_known => Some(ENROLL_METHODS),
        _ if inputs.params.filled("scope").is_some() => Some(ENROLL_SCOPE),
        _ if inputs.params.filled("nonce").is_some() => Some(ENROLL_NONCE),
        _ if inputs.params.filled("resource").is_some() => Some(ENROLL_RESOURCE),
        _ => None,
    }
}

/// At most 1024 characters.
fn scope_is_short(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let scope = inputs.params.filled("scope")?;
    (scope.chars().count() > 1024).then_some(SCOPE_UNKNOWN)
}

fn challenge_method_is_s256(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let (_, method) = inputs.request.challenge.as_ref()?;
    (method != "S256").then_some(PKCE_METHOD)
}

fn challenge_is_well_formed(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let (challenge, _) = inputs.request.challenge.as_ref()?;
    (!pkce::is_well_formed(challenge)).then_some(PKCE_CHARACTERS)
}

fn challenge_is_there(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let required = inputs.client.pkce_required || inputs.client.secret.is_none() || inputs.is_interaction;
    (required && inputs.request.response_type.code && inputs.request.challenge.is_none()).then_some(PKCE_REQUIRED)
}

fn scopes_are_known(inputs: &Inputs<'_>) -> Option<OAuthError> {
    let scopes = &inputs.request.scopes;
    let is_org = inputs.server.id.is_empty();
    let enrolls = inputs.params.filled("prompt") == Some("enroll_authenticator");
    if enrolls && scopes.is_empty() {
        return None;
    }
    if scopes.is_empty() {
        return Some(if is_org { SCOPE_MISSING } else { SCOPE_NO_DEFAULT });
    }
    let built_in = if is_org { ORG_SCOPES } else { CUSTOM_SCOPES };
    let is_known = |scope: &String| built_in.contains(&scope.as_str()) || inputs.server.settings.scope(scope).is_some();
    if !scopes.iter().all(is_known) {
        return Some(SCOPE_UNKNOWN);
    }
    let needs_openid = ["profile", "email", "address", "phone"];
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    let needs = inputs.request.response_type.id_token || needs_openid.into_iter().any(has);
    (needs && !has("openid")).then_some(SCOPE_OPENID_REQUIRED)
}

/// What the server does about PKCE in this flow, where it is a watched one.
pub(crate) fn pkce_rule(flow: &Flow) -> PkceRule {
    tamper::pkce_rule(&flow.scenario.faults)
}
