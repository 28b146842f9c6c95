//! Reading the evidence: requests, tokens and addresses as checks want them. Nothing here judges.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mock_idp::flow::{
    fault::{Message, Reach},
    record::{Endpoint, Event, Record, Request},
    scenario::FlowId,
};
use url::Url;

use crate::{
    evidence::{Evidence, Flow, Hop, Leg, Shows},
    script::{AFTER, Slot},
};

/// An authorization request as the app made it.
pub(crate) struct AuthorizationRequest<'e> {
    /// The flow that it started; `None` for one that was seen in a redirect and thrown away.
    pub flow: Option<&'e Flow>,
    /// The whole URL.
    pub url: &'e str,
    /// Its parameters, decoded, in order.
    pub params: Vec<(String, String)>,
}

/// A code redemption as it arrived at the token endpoint.
pub(crate) struct TokenRequest<'e> {
    /// The line of the record.
    pub record: &'e Record,
    /// The request.
    pub request: &'e Request,
    /// The form fields, decoded, in order.
    pub params: Vec<(String, String)>,
}

/// What the token endpoint gave out in one answer.
pub(crate) struct Issued<'e> {
    /// The access token.
    pub access_token: &'e str,
    /// The ID token.
    pub id_token: Option<&'e str>,
    /// The refresh token.
    pub refresh_token: Option<&'e str>,
}

impl<'e> AuthorizationRequest<'e> {
    fn of_flow(flow: &'e Flow) -> Option<Self> {
        let url = flow.authorization_request.as_deref()?;
        Some(Self {
            flow: Some(flow),
            url,
            params: parameters(query_of(url)),
        })
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        first(&self.params, name)
    }

    /// The first value of a parameter, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether it carries a challenge of method `S256`.
    pub(crate) fn has_s256(&self) -> bool {
        self.filled("code_challenge").is_some() && self.get("code_challenge_method") == Some("S256")
    }

    /// Whether its parameters travel elsewhere (RFC 9101, RFC 9126), so that the URL does not show them.
    pub(crate) fn is_by_reference(&self) -> bool {
        self.filled("request_uri").is_some() || self.filled("request").is_some()
    }
}

impl TokenRequest<'_> {
    /// The first value of a form field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        first(&self.params, name)
    }

    /// The first value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.request, name)
    }
}

/// Every authorization request, whatever started it.
pub(crate) fn all_authorization_requests(evidence: &Evidence) -> Vec<AuthorizationRequest<'_>> {
    let of_flows = evidence.flows.iter().filter_map(AuthorizationRequest::of_flow);
    let thrown_away = evidence
        .hops
        .iter()
        .filter(|hop| hop.flow.is_none() && hop.leg == Leg::Direct)
        .filter_map(|hop| hop.header("location"))
        .filter(|location| is_authorization_request(evidence, location))
        .map(|url| AuthorizationRequest {
            flow: None,
            url,
            params: parameters(query_of(url)),
        });
    of_flows.chain(thrown_away).collect()
}

/// The authorization requests that say something about the app itself: their start was not edited, the authorization
/// server's metadata were honest, and the URL holds the parameters.
pub(crate) fn honest_authorization_requests(evidence: &Evidence) -> Vec<AuthorizationRequest<'_>> {
    let mut requests = all_authorization_requests(evidence);
    requests.retain(|request| request.flow.is_some_and(is_honest_start) && !request.is_by_reference());
    requests
}

/// Whether a flow was started as any user starts one.
fn is_honest_start(flow: &Flow) -> bool {
    !flow.start_edited && flow.faults.iter().all(|fault| fault.reach() == Reach::Flow)
}

/// Whether this address is the authorization server's and looks like an authorization request.
pub(crate) fn is_authorization_request(evidence: &Evidence, address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        url.origin() == evidence.target.idp.origin()
            && url.query_pairs().any(|(name, _)| name == "client_id")
            && url
                .query_pairs()
                .any(|(name, _)| name == "response_type" || name == "request_uri")
    })
}

/// Every redemption of a code, in order of arrival.
pub(crate) fn code_redemptions(evidence: &Evidence) -> Vec<TokenRequest<'_>> {
    evidence
        .received(Endpoint::Token)
        .map(|(record, request)| TokenRequest {
            record,
            request,
            params: parameters(&request.body),
        })
        .filter(|request| {
            let grant = request.get("grant_type");
            request.get("code").is_some() || grant.is_none() || grant == Some("authorization_code")
        })
        .collect()
}

/// Redemptions of codes that were issued in this flow.
pub(crate) fn redemptions_of(evidence: &Evidence, slot: Slot) -> Vec<TokenRequest<'_>> {
    let Some(flow) = evidence.flow(slot) else {
        return Vec::new();
    };
    let mut requests = code_redemptions(evidence);
    requests.retain(|request| request.record.flow == Some(flow.id));
    requests
}

/// Redemptions in flows where nothing was wrong: no edit between start and callback, no fault, one delivery. These say
/// what the app does by itself. The second value is the authorization request.
pub(crate) fn honest_redemptions(evidence: &Evidence) -> Vec<(TokenRequest<'_>, AuthorizationRequest<'_>)> {
    let flows: HashMap<FlowId, &Flow> = evidence.flows.iter().map(|flow| (flow.id, flow)).collect();
    let deliveries = deliveries_by_code(evidence);
    let changed = flows_with_changed_requests(evidence, &flows);
    code_redemptions(evidence)
        .into_iter()
        .filter_map(|request| {
            let flow = *flows.get(&request.record.flow?)?;
            let [one] = deliveries.get(&response_code(flow)?)?.as_slice() else {
                return None;
            };
            let undisturbed = flow.faults.iter().all(|fault| fault.is_twin())
                && is_honest_start(flow)
                && one.unedited.is_none()
                && one.who == flow.browser
                && !changed.contains(&flow.id);
            let authorization = AuthorizationRequest::of_flow(flow)?;
            (undisturbed && !authorization.is_by_reference()).then_some((request, authorization))
        })
        .collect()
}

/// The code of the response that a flow received.
fn response_code(flow: &Flow) -> Option<String> {
    let response = parameters(query_of(flow.authorization_response.as_deref()?));
    first(&response, "code").map(str::to_owned)
}

/// Requests to the redirection endpoint, by the code that they carried.
fn deliveries_by_code(evidence: &Evidence) -> HashMap<String, Vec<&Hop>> {
    let mut deliveries: HashMap<String, Vec<&Hop>> = HashMap::new();
    for hop in evidence
        .hops
        .iter()
        .filter(|hop| hop.leg == Leg::Callback && hop.was_sent())
    {
        let code = [query_of(&hop.request.target), &hop.request.body]
            .into_iter()
            .find_map(|part| first(&parameters(part), "code").map(str::to_owned));
        if let Some(code) = code {
            deliveries.entry(code).or_default().push(hop);
        }
    }
    deliveries
}

/// Flows whose authorization request reached the authorization server otherwise than the app had made it.
fn flows_with_changed_requests(evidence: &Evidence, flows: &HashMap<FlowId, &Flow>) -> HashSet<FlowId> {
    evidence
        .received(Endpoint::Authorize)
        .filter(|(_, request)| request.method == "GET")
        .filter_map(|(record, request)| {
            let id = record.flow?;
            let made = flows.get(&id)?.authorization_request.as_deref().map(query_of)?;
            (query_of(&request.target) != made).then_some(id)
        })
        .collect()
}

/// Every set of tokens that was issued.
pub(crate) fn issued(evidence: &Evidence) -> impl Iterator<Item = Issued<'_>> {
    evidence.records.iter().filter_map(|record| match &record.event {
        Event::TokensIssued {
            access_token,
            id_token,
            refresh_token,
        } => Some(Issued {
            access_token,
            id_token: id_token.as_deref(),
            refresh_token: refresh_token.as_deref(),
        }),
        _ => None,
    })
}

/// The verifiers that were sent to the token endpoint; short ones are left out, they would match by chance.
pub(crate) fn verifiers(evidence: &Evidence) -> Vec<String> {
    let mut verifiers: Vec<String> = code_redemptions(evidence)
        .iter()
        .filter_map(|request| request.get("code_verifier"))
        .filter(|verifier| verifier.len() >= 16)
        .map(str::to_owned)
        .collect();
    verifiers.sort();
    verifiers.dedup();
    verifiers
}

/// The challenge that belongs to a verifier (RFC 7636 §4.2, `S256`).
pub(crate) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The claims of a compact token, unverified.
pub(crate) fn claims_of(token: &str) -> Option<serde_json::Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Whether the authorization server failed the app in this walk: it sent a wrong or late answer to a request of the app, or
/// none, or its authorization response says that it is out of order. Any other response that a browser brought wrong, or a
/// code that the server rightly refused, is no such failure.
pub(crate) fn upstream_failed(evidence: &Evidence) -> bool {
    let answered_wrong = evidence.records.iter().any(|record| match &record.event {
        Event::Sent { fault, message, .. } => !fault.is_twin() && is_answer_to_the_app(*message),
        _ => false,
    });
    answered_wrong || evidence.hops.iter().any(tells_of_an_outage)
}

/// An authorization response whose error stands for the status 500 or 503, which a redirect cannot have (RFC 6749 §4.1.2.1).
fn tells_of_an_outage(hop: &Hop) -> bool {
    hop.leg == Leg::Callback
        && [query_of(&hop.request.target), &hop.request.body].iter().any(|text| {
            let error = parameters(text);
            matches!(first(&error, "error"), Some("server_error" | "temporarily_unavailable"))
        })
}

/// Whether a message is an answer that the app itself asks for.
const fn is_answer_to_the_app(message: Message) -> bool {
    matches!(
        message,
        Message::TokenResponse
            | Message::IdToken
            | Message::AccessToken
            | Message::Identity
            | Message::Userinfo
            | Message::RefreshResponse
            | Message::Metadata
            | Message::Jwks
            | Message::Tls
    )
}

/// Whether an answer is a server error of the app's own making: not a gateway status that blames an authorization server
/// which really failed.
pub(crate) fn is_own_server_error(hop: &Hop, upstream_failed: bool) -> bool {
    hop.is_server_error() && !(upstream_failed && matches!(hop.status(), Some(502..=504)))
}

/// The sign-in that the app never began, although its start was an ordinary one: then there was nothing to refuse. Under
/// metadata or keys that are out of order, not to begin is the refusal. What was started only after the script had asked who
/// is signed in has nothing to do with the answer.
pub(crate) fn never_began(evidence: &Evidence) -> Option<String> {
    let server_wide = evidence.records.iter().any(|record| match &record.event {
        Event::Sent { fault, .. } => !fault.is_twin() && fault.reach() == Reach::Server,
        _ => false,
    });
    if server_wide || evidence.start_problem.is_some() {
        return None;
    }
    let asked = evidence.probe(AFTER).map_or(evidence.hops.len(), |probe| probe.hop);
    let before = &evidence.hops[..asked.min(evidence.hops.len())];
    let stuck = |flow: &&Flow| {
        let started = |hop: &Hop| hop.flow == Some(flow.slot) && hop.leg == Leg::SignInStart;
        !flow.start_edited && flow.authorization_request.is_none() && before.iter().any(started)
    };
    let flow = evidence.flows.iter().find(stuck)?;
    let answer = evidence
        .hops
        .iter()
        .rfind(|hop| hop.flow == Some(flow.slot) && hop.leg == Leg::SignInStart)?;
    let status = answer.status().map_or_else(
        || answer.response.problem_text().to_owned(),
        |status| status.to_string(),
    );
    Some(format!(
        "the sign-in of the {} never began: {} was answered with {status} and no authorization request",
        flow.person,
        in_short(answer)
    ))
}

/// The probe's answer with this label, or why there is none.
pub(crate) fn shows<'e>(evidence: &'e Evidence, label: &str) -> Result<&'e Shows, String> {
    let probe = evidence
        .probe(label)
        .ok_or_else(|| format!("the protected page was not asked (probe `{label}`)"))?;
    match &probe.shows {
        Shows::Unclear(what) => Err(format!("the protected page fits neither pattern: {what}")),
        shows => Ok(shows),
    }
}

/// An answer of the protected page in words.
pub(crate) fn in_words(shows: &Shows) -> String {
    match shows {
        Shows::Nobody => "nobody".to_owned(),
        Shows::Person(name) => format!("the {name}"),
        Shows::Several(names) => format!("{} at once", names.join(" and ")),
        Shows::Nameless => "somebody without a name".to_owned(),
        Shows::Unclear(what) => what.clone(),
    }
}

/// A hop in words, without the query: it holds codes and states.
pub(crate) fn in_short(hop: &Hop) -> String {
    format!("{} {}", hop.request.method, path_of(&hop.url))
}

/// Parameters of a query or a form, decoded, in order.
pub(crate) fn parameters(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The first value of a parameter.
pub(crate) fn first<'p>(params: &'p [(String, String)], name: &str) -> Option<&'p str> {
    params
        .iter()
        .find(|(candidate, _)| candidate == name)
        .map(|(_, value)| value.as_str())
}

/// The first value of a request header; the name in lower case.
pub(crate) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request
        .headers
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, value)| value.as_str())
}

/// What stands between `?` and `#`.
pub(crate) fn query_of(url: &str) -> &str {
    let before = url.split('#').next().unwrap_or_default();
    before.split_once('?').map_or("", |(_, query)| query)
}

/// The path of a URL.
pub(crate) fn path_of(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// The first characters of a value, for findings.
pub(crate) fn shortened(value: &str) -> String {
    let mut start: String = value.chars().take(40).collect();
    if start.len() < value.len() {
        start.push('…');
    }
    start
}
