//! One request and its answer: read whole, bound to its flow, recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    body::{Body as HttpBody, to_bytes},
    http::{HeaderMap, Method, Request, Response, header},
};

use crate::{
    control::FLOW_COOKIE,
    delivery,
    endpoint::{
        answer::{self, Answered, Refusal},
        cors, dpop, limits, page, userinfo,
    },
    flow::{
        fault::Fault,
        record::{self, Endpoint, Event, Stamp},
        scenario::Point,
        store::Flow,
    },
    idp::{Idp, Server},
    protocol::{
        draft::{Delivery, Reply},
        error::{API_BODY_MALFORMED, API_FEATURE, API_NOT_FOUND, API_REQUEST_TOO_LARGE, OAuthError},
        params::Params,
    },
    router::AsReceived,
    tenant::IssuerMode,
    wire::Cutter,
};

/// Larger bodies are refused.
const BODY_LIMIT: usize = 1024 * 1024;

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

/// Answers one request.
pub(crate) async fn answer(
    idp: Arc<Idp>,
    endpoint: Endpoint,
    handle: Answer,
    request: Request<HttpBody>,
) -> Response<HttpBody> {
    let at = Stamp::now();
    let (parts, body) = request.into_parts();
    let cutter = parts.extensions.get::<Cutter>().cloned();
    let accepts_gzip = parts
        .headers
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|value| value.to_str().is_ok_and(|value| value.contains("gzip")));
    let body = to_bytes(body, BODY_LIMIT).await;
    let is_whole = body.is_ok();
    let mut exchange = Exchange::new(idp, endpoint, at, parts, body.unwrap_or_default());
    let left = limits::count(&exchange);
    let answered = if !is_whole {
        Err(API_BODY_MALFORMED.into())
    } else if left.is_some_and(|left| left.exceeded) {
        Err(limits::refusal(&exchange))
    } else if exchange.query.is_excessive() || exchange.form.is_excessive() {
        Err(API_REQUEST_TOO_LARGE.into())
    } else {
        handle(&mut exchange)
    };
    let mut reply = answered.unwrap_or_else(|refusal| match refusal {
        Refusal::OAuth(error) => answer::oauth_error(&exchange, &error),
        Refusal::Api(error) => answer::api_error(&error),
        Refusal::Page(error) => page::error(&exchange, &error),
        Refusal::Dpop(error) => {
            let mut reply = answer::oauth_error(&exchange, &error);
            if error.error == "use_dpop_nonce" {
                answer::put(&mut reply, "dpop-nonce", dpop::nonce(&exchange));
            }
            reply
        }
        Refusal::Challenge(error) => userinfo::challenge(&exchange, &error),
    });
    answer::complete(&exchange, &mut reply, left);
    cors::allow(&exchange, &mut reply);
    exchange.finish();
    exchange.wait_at_barrier().await;
    let reply = delivery::serialised(reply);
    exchange.record_answer(&reply);
    delivery::write(reply, accepts_gzip, cutter.as_ref()).await
}

impl Exchange {
    fn new(
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
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let custom_domain = idp.custom_domain(host.unwrap_or_default());
        let mut headers = Vec::with_capacity(parts.headers.len());
        for (name, value) in &parts.headers {
            headers.push((name.as_str().to_owned(), delivery::text_of(value.as_bytes())));
        }
        let request = record::Request {
            method: parts.method.to_string(),
            target: target.clone(),
            headers,
            body: delivery::cut_text(delivery::text_of(&body)),
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
            custom_domain,
        }
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
            self.receive();
        }
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
            error: error.error.to_owned(),
            text: error.text.to_string(),
        });
        error.clone()
    }

    /// Records what a hook wrote for these faults beside what it would have written with the value left valid.
    pub(crate) fn sent(&mut self, faults: &[Fault], twin: &str, bytes: &str) {
        for fault in faults {
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
    fn finish(&mut self) {
        self.receive();
    }

    async fn wait_at_barrier(&mut self) {
        let point = match self.endpoint {
            Endpoint::Token => Point::TokenResponse,
            Endpoint::Userinfo => Point::Userinfo,
            _ => return,
        };
        let barrier = self.flow.as_ref().and_then(|flow| flow.scenario.barrier.clone());
        if let Some(barrier) = barrier.filter(|barrier| barrier.at == point) {
            self.event(Event::Held { point });
            barrier.opened().await;
            self.event(Event::Released { point });
        }
    }

    fn record_answer(&mut self, reply: &Reply) {
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
