//! A request as it arrived: bound to its flow, recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::{HeaderMap, Method, header};

use crate::{
    delivery,
    flow::{
        fault::Fault,
        near_miss::{self, NearMiss, Refused},
        record::{self, Endpoint, Event, Stamp},
        scenario::{Barrier, Point},
        store::{FLOW_COOKIE, Flow, locked},
    },
    idp::{Idp, Server},
    okta::error::{API_FEATURE, API_NOT_FOUND, ApiError, OAuthError, SERVER_UNKNOWN},
    protocol::{
        draft::{Delivery, Reply},
        params::Params,
        random,
    },
    tenant::IssuerMode,
    wire::AsReceived,
};

/// A request is refused; how the refusal is shown depends on where it arises.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// `{"error", "error_description"}`.
    OAuth(OAuthError),
    /// The management-style body.
    Api(ApiError),
    /// Okta's error page.
    Page(OAuthError),
    /// As `OAuth`, with the nonce that the next proof must carry where that is what is missing.
    Dpop(OAuthError),
    /// The userinfo endpoint's: an empty body and a challenge.
    Challenge(OAuthError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// What an endpoint answers.
pub(crate) type Answered = Result<Reply, Refusal>;

/// A function that answers.
pub(crate) type Answer = fn(&mut Exchange) -> Answered;

/// A request as it arrived, and what is known of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) idp: Arc<Idp>,
    pub(crate) endpoint: Endpoint,
    /// The id of the authorization server in the path; empty for the org server.
    pub(crate) server_id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Path and query as received.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Params,
    /// The parameters of a form body; empty if the body is something else.
    pub(crate) form: Params,
    pub(crate) body: bytes::Bytes,
    id: u64,
    at: Stamp,
    request: Option<record::Request>,
    flow: Option<Arc<Flow>>,
    /// Events from before the flow was known.
    early: Vec<Event>,
    /// The org's own domain, if that was asked.
    custom_domain: Option<String>,
}

impl Exchange {
    pub(crate) fn new(
        idp: Arc<Idp>,
        endpoint: Endpoint,
        at: Stamp,
        parts: axum::http::request::Parts,
        body: bytes::Bytes,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let target = match parts.extensions.get::<AsReceived>() {
            Some(AsReceived(target)) => target.clone(),
            None => parts
                .uri
                .path_and_query()
                .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string),
        };
        let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| {
            value
                .as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        let request = if idp.journal.is_on() {
            recorded(&parts.method, &target, &parts.headers, &body)
        } else {
            record::Request::default()
        };
        Self {
            idp,
            endpoint,
            server_id: server_in(parts.uri.path()).to_owned(),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: Params::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            form: if is_form {
                Params::parse(&body)
            } else {
                Params::default()
            },
            target,
            headers: parts.headers,
            body,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            at,
            request: Some(request),
            flow: None,
            early: Vec::new(),
            custom_domain: None,
        }
    }

    /// As it arrived, with nothing of what came of it so far.
    pub(crate) fn again(&mut self) {
        let request = match self.idp.journal.is_on() {
            true => recorded(&self.method, &self.target, &self.headers, &self.body),
            false => record::Request::default(),
        };
        self.request = Some(request);
        self.flow = None;
        self.early.clear();
    }

    /// Takes note of the domain that was asked, now that it is known how the org is.
    pub(crate) fn note_domain(&mut self) {
        let host = self.header(header::HOST).unwrap_or_default();
        self.custom_domain = self.idp.custom_domain(host);
    }

    /// Where the entries stand that this request will ask for, as far as that can be told from it; for what several processes
    /// share, so that all of them are read at once.
    pub(crate) fn places(&self) -> Vec<String> {
        let store = &self.idp.store;
        let named = |name: &str| self.form.filled(name).or_else(|| self.query.filled(name));
        let bearer = self.header(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let is_token = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("dpop");
            is_token.then(|| token.trim())
        });
        let of_transaction = named("stateToken").and_then(|handle| store.transactions.place(handle));
        let login = named("identifier").map(str::to_lowercase);
        let of_login = login.and_then(|login| store.awaited.place(login.as_str()));
        let of_code = named("code").and_then(|code| store.codes.place(code));
        let tokens = [named("refresh_token"), named("token"), named("id_token_hint"), bearer];
        let of_tokens = tokens
            .into_iter()
            .flatten()
            .filter_map(|token| store.tokens.place(token));
        let cookies = [self.cookie("sid"), self.cookie("idx")];
        let of_sessions = cookies
            .into_iter()
            .flatten()
            .filter_map(|cookie| store.sessions.place(cookie));
        let singles = [of_transaction, of_login, of_code].into_iter().flatten();
        singles.chain(of_tokens).chain(of_sessions).collect()
    }

    /// The authorization server that the path names.
    pub(crate) fn server(&self) -> Result<Arc<Server>, Refusal> {
        let is_custom = !self.server_id.is_empty();
        if is_custom && !self.idp.tenant().features.api_access_management {
            return Err(API_FEATURE.into());
        }
        self.server_of(&self.server_id).ok_or_else(|| {
            let text = format!("Resource not found: {} (AuthorizationServer)", self.server_id);
            API_NOT_FOUND.with(&text).into()
        })
    }

    /// The active authorization server of this id; its issuer may follow the domain that was asked.
    pub(crate) fn server_of(&self, id: &str) -> Option<Arc<Server>> {
        let server = self.idp.server(id)?;
        if self.custom_domain.is_none() || id.is_empty() || server.settings.issuer_mode != IssuerMode::Dynamic {
            return Some(server);
        }
        let mut server = Server::clone(&server);
        server.issuer = format!("{}/oauth2/{id}", self.org());
        Some(Arc::new(server))
    }

    /// The org's URL as whoever asks knows it: the one that is configured, or its own domain; no other Host header counts.
    pub(crate) fn org(&self) -> &str {
        self.custom_domain.as_deref().unwrap_or(&self.idp.org)
    }

    /// From now on this exchange belongs to the flow. The first binding stays.
    pub(crate) fn bind(&mut self, flow: &Arc<Flow>) {
        if self.flow.is_none() {
            self.flow = Some(flow.clone());
            if let Some(seeds) = &flow.seeds {
                random::seed(seeds.next());
            }
            self.receive();
            self.adopt(flow);
        }
    }

    /// Gives the flow what is armed for its user, its client and this endpoint, as far as they are known.
    pub(crate) fn adopt(&self, flow: &Arc<Flow>) {
        let arms = &self.idp.store.arms;
        if arms.is_empty() {
            return;
        }
        let asked = [&self.query, &self.form];
        let asked = asked.into_iter().find_map(|params| params.filled("client_id"));
        let party = locked(&flow.party).as_ref().map(|(_, client)| client.clone());
        let client = party.as_deref().or(asked);
        let session = locked(&flow.session).clone();
        let user = session.as_ref().map(|session| session.subject.persona.login.as_str());
        arms.give(flow, user, client, self.endpoint);
    }

    /// The flow that a test watches, as far as it is known.
    pub(crate) fn flow_is_watched(&self) -> bool {
        self.flow().is_some_and(|flow| flow.watched) || self.cookie(FLOW_COOKIE).is_some()
    }

    pub(crate) fn flow(&self) -> Option<&Arc<Flow>> {
        self.flow.as_ref()
    }

    /// Records what happened; waits for the flow if it is not known yet.
    pub(crate) fn event(&mut self, event: Event) {
        if self.request.is_some() {
            self.early.push(event);
        } else {
            self.append(Stamp::now(), event);
        }
    }

    /// What to do about a violation: `Some` is the refusal to send; `None` means that it was recorded and the flow goes on,
    /// because it is only watched.
    #[must_use]
    pub(crate) fn object(&mut self, error: &OAuthError) -> Option<OAuthError> {
        if self.idp.lax || self.flow().is_some_and(|flow| flow.watched) {
            self.event(Event::WouldRefuse {
                endpoint: self.endpoint,
                rule: error.rule.to_owned(),
                text: error.text.to_string(),
            });
            None
        } else {
            Some(self.refuse(error))
        }
    }

    /// Records that the refusal is really sent.
    #[must_use]
    pub(crate) fn refuse(&mut self, error: &OAuthError) -> OAuthError {
        self.event(Event::Refused {
            endpoint: self.endpoint,
            rule: error.rule.to_owned(),
            error: error.error.to_owned(),
            text: error.text.to_string(),
        });
        if let Some(near_miss) = self.near_miss(error) {
            self.explain(near_miss);
        }
        error.clone()
    }

    /// What was sent beside what is registered; `None` where the refusal is about neither.
    pub(crate) fn near_miss(&self, error: &OAuthError) -> Option<NearMiss> {
        let asked = self.form.get("code").and_then(|code| {
            let codes = &self.idp.store.codes;
            codes.read(code, |code| code.grant.request.as_params())
        });
        let request = recorded(&self.method, &self.target, &self.headers, &self.body);
        let tenant = self.idp.tenant();
        let refused = Refused::new(&tenant, &request, &self.server_id, error.rule, &error.text);
        near_miss::of(refused.asked(asked.as_ref()))
    }

    /// Explains a refusal in the management shape. That of an authorization server that is not there is a refusal like those
    /// of OAuth; the others may be the questions of a browser that looks for an icon.
    pub(crate) fn explain_api(&mut self, error: &ApiError) {
        let is_server_known = self.server_id.is_empty() || self.idp.any_server(&self.server_id).is_some();
        let Some(rule) = error.rule(is_server_known) else {
            return;
        };
        if rule == SERVER_UNKNOWN {
            self.event(Event::Refused {
                endpoint: self.endpoint,
                rule: rule.to_owned(),
                error: error.code.to_owned(),
                text: error.summary.to_string(),
            });
        }
        let request = recorded(&self.method, &self.target, &self.headers, &self.body);
        let tenant = self.idp.tenant();
        let near_miss = near_miss::of(Refused::new(&tenant, &request, &self.server_id, rule, &error.summary));
        if let Some(near_miss) = near_miss {
            self.explain(near_miss);
        }
    }

    /// Records why this request does not lead where it was meant to.
    pub(crate) fn explain(&mut self, near_miss: NearMiss) {
        let exchange = self.id;
        self.event(Event::NearMiss { exchange, near_miss });
    }

    /// Records what a hook wrote for these faults beside what it would have written with the value left valid.
    pub(crate) fn sent(&mut self, faults: &[Fault], twin: &str, bytes: &str) {
        for fault in faults {
            if twin != bytes || fault.is_rule() {
                self.idp.store.arms.fired(*fault, self.flow.as_ref(), &self.server_id);
            }
            self.event(Event::Sent {
                fault: *fault,
                message: fault.message(),
                twin: delivery::cut_text(twin.to_owned()),
                bytes: delivery::cut_text(bytes.to_owned()),
            });
        }
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    }

    /// The URL that was called, as clients know it: without query.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.org(), self.path)
    }

    /// A segment of the path, from 0; empty if there are not so many.
    pub(crate) fn segment(&self, index: usize) -> &str {
        self.path
            .trim_start_matches('/')
            .split('/')
            .nth(index)
            .unwrap_or_default()
    }

    /// A header field's text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn receive(&mut self) {
        let Some(request) = self.request.take() else { return };
        let event = Event::Received {
            exchange: self.id,
            endpoint: self.endpoint,
            request,
        };
        self.append(self.at, event);
        for event in std::mem::take(&mut self.early) {
            self.append(Stamp::now(), event);
        }
    }

    /// The endpoint is done: what was not bound belongs to nobody.
    pub(crate) fn finish(&mut self) {
        self.receive();
    }

    /// What holds the answer to this request.
    pub(crate) fn barrier(&self) -> Option<Barrier> {
        let point = match self.endpoint {
            Endpoint::Token => Point::TokenResponse,
            Endpoint::Userinfo => Point::Userinfo,
            _ => return None,
        };
        let barrier = self.flow.as_ref()?.scenario.barrier.clone();
        barrier.filter(|barrier| barrier.at == point)
    }

    pub(crate) async fn wait_at_barrier(&mut self) {
        if let Some(barrier) = self.barrier() {
            self.event(Event::Held { point: barrier.at });
            barrier.opened().await;
            self.event(Event::Released { point: barrier.at });
        }
    }

    pub(crate) fn record_answer(&mut self, reply: &Reply) {
        if !self.idp.journal.is_on() {
            return;
        }
        let never = reply.delivery == Delivery::Never;
        let (body, length) = if never {
            (String::new(), 0)
        } else {
            delivery::excerpt_and_length(&reply.body)
        };
        self.event(Event::Answered {
            exchange: self.id,
            endpoint: self.endpoint,
            // Nothing is written at all, which is no HTTP status.
            status: if never { 0 } else { reply.status },
            headers: if never { Vec::new() } else { reply.headers.clone() },
            body,
            length,
        });
    }

    fn append(&self, at: Stamp, event: Event) {
        self.idp.journal.append(at, self.flow.as_ref(), &self.server_id, event);
    }
}

/// A request as records keep it.
fn recorded(method: &Method, target: &str, headers: &HeaderMap, body: &[u8]) -> record::Request {
    let mut fields = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        fields.push((name.as_str().to_owned(), delivery::text_of(value.as_bytes())));
    }
    record::Request {
        method: method.to_string(),
        target: target.to_owned(),
        headers: fields,
        body: delivery::cut_text(delivery::text_of(body)),
    }
}

/// `/oauth2/{server}/...` names a custom server, everything else the org server.
fn server_in(path: &str) -> &str {
    let path = path
        .strip_prefix("/.well-known/oauth-authorization-server/")
        .unwrap_or(path.trim_start_matches('/'));
    let mut segments = path.split('/');
    match (segments.next(), segments.next()) {
        (Some("oauth2"), Some(server)) if server != "v1" => server,
        _ => "",
    }
}
