//! The record of a flow: what was asked of the authorization server and what bytes were really sent.

use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    fault::{Fault, Message},
    near_miss::NearMiss,
    scenario::{FlowId, Point},
};
use crate::protocol::params::Params;

/// A moment, in microseconds since 1970. The harness and the authorization server share this clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Stamp,
    /// Whose flow; `None` where a request belongs to nobody (metadata, keys, an unknown code).
    pub flow: Option<FlowId>,
    /// The authorization server's id: `default`, `aus…`, or empty for the org server.
    pub server: String,
    /// What happened.
    pub event: Event,
}

/// An endpoint of the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the endpoints'")]
pub enum Endpoint {
    Metadata,
    Jwks,
    Authorize,
    SignInPage,
    Token,
    Userinfo,
    Introspect,
    Revoke,
    Logout,
    Device,
    Par,
    Other,
    /// The second origin, which must never receive anything it is not meant to.
    SecondOrigin,
}

/// An HTTP request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query exactly as received.
    pub target: String,
    /// Header fields in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, with replacement characters where it was no UTF-8.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

impl Request {
    /// The first header field of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The parameters of the query, then those of a form body.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let mut params = Params::parse(query.as_bytes()).0;
        let kind = self.header("content-type").unwrap_or_default();
        if kind
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
        {
            params.extend(Params::parse(self.body.as_bytes()).0);
        }
        params
    }

    /// Client id and secret of a Basic `Authorization` header.
    #[must_use]
    pub fn basic_credentials(&self) -> Option<(String, String)> {
        let value = self.header("authorization")?;
        let (scheme, text) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
        text.split_once(':')
            .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }

    /// The client that it names, in the header or as a parameter.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        let basic = self.basic_credentials().map(|(id, _)| id);
        basic.or_else(|| {
            let mut params = self.parameters().into_iter();
            params
                .find(|(name, value)| name == "client_id" && !value.is_empty())
                .map(|(_, value)| value)
        })
    }
}

/// What happened at the authorization server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A request arrived. `exchange` ties the answer to it.
    Received {
        exchange: u64,
        endpoint: Endpoint,
        request: Request,
    },
    /// It was answered; `body` is cut after 64 KiB, `length` is the whole.
    Answered {
        exchange: u64,
        endpoint: Endpoint,
        status: u16,
        headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
        body: String,
        length: u64,
    },
    /// Standalone this request would have been refused; in a flow of the harness it went on where it could.
    /// `rule` is a stable word such as `state-missing`, `pkce-plain`; `text` is what Okta would have said.
    WouldRefuse {
        endpoint: Endpoint,
        rule: String,
        text: String,
    },
    /// Okta's refusal was really sent; `rule` as in `WouldRefuse`.
    Refused {
        endpoint: Endpoint,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        rule: String,
        error: String,
        text: String,
    },
    /// Why the request of this exchange was refused: what was sent, beside what is registered.
    NearMiss { exchange: u64, near_miss: NearMiss },
    /// The user proved who he is on the hosted page (or a session did).
    SignedIn { login: String, sso: bool },
    /// A code was issued for this authorization request.
    CodeIssued { code: String },
    /// The code was redeemed; the tokens as they were really written.
    TokensIssued {
        access_token: String,
        id_token: Option<String>,
        refresh_token: Option<String>,
    },
    /// A hook was passed: what it wrote, and what the same hook writes with the value left valid.
    /// A fault counts as delivered only if `bytes` differs from `twin` and the answer was written.
    /// `bytes` and `twin` are cut after 64 KiB and name the delivery where that is what was changed.
    Sent {
        fault: Fault,
        message: Message,
        twin: String,
        bytes: String,
    },
    /// A barrier holds this exchange.
    Held { point: Point },
    /// The barrier was opened.
    Released { point: Point },
    /// A logout token was posted to the relying party; `status` is its answer, absent when there was none.
    LogoutTokenPosted {
        url: String,
        token: String,
        status: Option<u16>,
        headers: Vec<(String, String)>,
        problem: Option<String>,
    },
}

impl Record {
    /// About how much memory it takes, bytes: what bounds are counted in.
    pub(crate) fn weight(&self) -> usize {
        /// A text beside its own bytes: what the allocator keeps for it.
        const TEXT: usize = 16;
        let own = std::mem::size_of::<Self>() + TEXT + self.server.len();
        let texts = |texts: &[&str]| -> usize { texts.iter().map(|text| text.len() + TEXT).sum() };
        own + match &self.event {
            Event::Received { request, .. } => {
                let pair = std::mem::size_of::<(String, String)>();
                let headers = request.headers.iter();
                let headers: usize = headers.map(|(name, value)| pair + texts(&[name, value])).sum();
                headers + texts(&[&request.method, &request.target, &request.body])
            }
            Event::Answered { headers, body, .. } => {
                let pair = std::mem::size_of::<(Cow<'_, str>, Cow<'_, str>)>();
                let owned = |text: &Cow<'_, str>| match text {
                    Cow::Borrowed(_) => 0,
                    Cow::Owned(text) => text.len() + TEXT,
                };
                let headers = headers.iter();
                let headers: usize = headers.map(|(name, value)| pair + owned(name) + owned(value)).sum();
                headers + texts(&[body])
            }
            Event::WouldRefuse { rule, text, .. } => texts(&[rule, text]),
            Event::Refused { rule, error, text, .. } => texts(&[rule, error, text]),
            Event::NearMiss { near_miss, .. } => near_miss.weight(TEXT),
            Event::SignedIn { login, .. } => texts(&[login]),
            Event::CodeIssued { code } => texts(&[code]),
            Event::TokensIssued {
                access_token,
                id_token,
                refresh_token,
            } => {
                let others = [id_token, refresh_token].into_iter().flatten();
                texts(&[access_token]) + others.map(|token| texts(&[token])).sum::<usize>()
            }
            Event::Sent { twin, bytes, .. } => texts(&[twin, bytes]),
            Event::Held { .. } | Event::Released { .. } => 0,
            Event::LogoutTokenPosted {
                url,
                token,
                headers,
                problem,
                ..
            } => {
                let pair = std::mem::size_of::<(String, String)>();
                let headers = headers.iter();
                let headers: usize = headers.map(|(name, value)| pair + texts(&[name, value])).sum();
                headers + texts(&[url, token, problem.as_deref().unwrap_or_default()])
            }
        }
    }
}
