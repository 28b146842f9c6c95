//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0 §2): makes a logout token and posts it.
//!
//! Okta offers none; it is a setting here, for applications that have an endpoint for it.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    endpoint::tokens,
    flow::{
        fault::{Fault, LogoutRequest, Message},
        record::{Event, Stamp},
        scenario::FlowId,
        store::{Flow, locked},
        tamper,
    },
    idp::{Idp, Server, with_context},
    protocol::{keys::SignError, params::Params, random},
    tenant::Client,
};

/// How long a relying party may take to answer.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The problem of a logout token that was not answered in time.
pub const TIMED_OUT: &str = "the relying party did not answer in time";
/// How long a logout token is good for, seconds (§2.4 recommends two minutes at most).
const LIFETIME: i64 = 120;

/// Why no logout token was posted.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenError {
    /// There is no flow of this id.
    #[error("there is no flow {0}")]
    UnknownFlow(FlowId),
    /// Nobody signed in in this flow.
    #[error("nobody has signed in in flow {0}, so there is no session to end")]
    NoSession(FlowId),
    /// The client has no back-channel logout URI.
    #[error("the client of flow {0} has no back-channel logout URI")]
    NoUri(FlowId),
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Posts the token; the status of the answer, `None` if there was none.
pub(crate) async fn send(idp: &Arc<Idp>, http: &reqwest::Client, id: FlowId) -> Result<Option<u16>, LogoutTokenError> {
    let flow = idp.store.flow(id).ok_or(LogoutTokenError::UnknownFlow(id))?;
    let (server, client) = parties(idp, &flow).ok_or(LogoutTokenError::NoSession(id))?;
    let url = client
        .backchannel_logout_uri
        .clone()
        .ok_or(LogoutTokenError::NoUri(id))?;
    let token = make(idp, &server, &client, &flow)?;
    let carriers = flow.faults(Message::LogoutToken).map(tamper::logout_request);
    let carrier = carriers.into_iter().find(|carrier| *carrier != LogoutRequest::Form);
    let request = request(
        http,
        &url,
        &token,
        carrier.unwrap_or(LogoutRequest::Form),
        &server.issuer,
    );
    let (status, headers, problem) = match request.send().await {
        Ok(answer) => {
            let headers = answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect();
            (Some(answer.status().as_u16()), headers, None)
        }
        Err(error) if error.is_timeout() => (None, Vec::new(), Some(TIMED_OUT.to_owned())),
        Err(error) => (None, Vec::new(), Some(error.without_url().to_string())),
    };
    let event = Event::LogoutTokenPosted {
        url,
        token,
        status,
        headers,
        problem,
    };
    idp.journal.append(Stamp::now(), Some(&flow), &server.id, event);
    Ok(status)
}

fn parties(idp: &Idp, flow: &Flow) -> Option<(Arc<Server>, Arc<Client>)> {
    let (server, client) = locked(&flow.party).clone()?;
    Some((idp.server(&server)?, idp.client(&client)?))
}

fn make(idp: &Arc<Idp>, server: &Server, client: &Client, flow: &Arc<Flow>) -> Result<String, LogoutTokenError> {
    let session = locked(&flow.session)
        .clone()
        .ok_or(LogoutTokenError::NoSession(flow.id))?;
    let now = idp.clock.now();
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(server.issuer)),
        ("sub", json!(session.subject.persona.sub)),
        ("aud", json!(client.id)),
        ("iat", json!(now)),
        ("exp", json!(now + LIFETIME)),
        ("jti", json!(random::token43())),
        (
            "events",
            json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
        ),
        ("sid", json!(session.sid)),
    ] {
        claims.insert(name.to_owned(), value);
    }
    let mut header: Map<String, Value> = tokens::header(&server.keys);
    header.insert("typ".to_owned(), json!("logout+jwt"));
    let mut draft = tokens::draft(header, claims);
    let faults: Vec<Fault> = flow.faults(Message::LogoutToken).collect();
    if faults.is_empty() {
        return Ok(server.keys.sign(&draft)?);
    }
    let twin = server.keys.sign(&draft)?;
    with_context(idp, server, Some(flow), Some(client), |context| {
        for fault in &faults {
            tamper::logout_token(&mut draft, *fault, context);
        }
    });
    let token = server.keys.sign(&draft)?;
    for fault in faults {
        // Where only the request is odd, the carrier is named, so that the bytes differ from the twin's.
        let carrier = tamper::logout_request(fault);
        let name = if carrier == LogoutRequest::Form {
            String::new()
        } else {
            format!("\n[request: {carrier:?}]")
        };
        let event = Event::Sent {
            fault,
            message: Message::LogoutToken,
            twin: twin.clone(),
            bytes: crate::delivery::cut_text(format!("{token}{name}")),
        };
        idp.journal.append(Stamp::now(), Some(flow), &server.id, event);
    }
    Ok(token)
}

fn request(
    http: &reqwest::Client,
    url: &str,
    token: &str,
    carrier: LogoutRequest,
    issuer: &str,
) -> reqwest::RequestBuilder {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = |pairs: &[(String, String)]| {
        http.post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Params::write(pairs))
    };
    match carrier {
        LogoutRequest::Form => form(&[field("logout_token", token)]),
        LogoutRequest::FormWithUnknownField => form(&[field("logout_token", token), field("x_unknown", "1")]),
        LogoutRequest::Get => http.get(url).query(&[("logout_token", token)]),
        LogoutRequest::Empty => form(&[]),
        LogoutRequest::Json => http.post(url).json(&json!({"logout_token": token})),
        LogoutRequest::Twice => form(&[field("logout_token", token), field("logout_token", token)]),
        LogoutRequest::Options => http
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", issuer)
            .header("access-control-request-method", "POST"),
    }
}
