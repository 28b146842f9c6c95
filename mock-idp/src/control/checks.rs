//! What the application was seen to do in a flow, from what it sent.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::view::{Flow, Step};
use crate::{
    flow::record::{Endpoint, Event, Record, Stamp},
    protocol::params::Params,
};

/// Something that an application must or should do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Check {
    /// What.
    pub(crate) what: &'static str,
    /// `yes`, `no`, or `unseen` where the authorization server cannot see it or it has not come to it yet.
    pub(crate) seen: &'static str,
    /// What was seen, or how to find out.
    pub(crate) detail: String,
    /// The clause that asks for it.
    pub(crate) clause: &'static str,
}

/// The checks of one flow. `records` are those of everybody: keys and metadata belong to no flow; `is_whole` if none of them
/// was forgotten yet.
pub(crate) fn of_flow(
    flow: &Flow,
    steps: &[Step],
    records: &[Arc<Record>],
    since: Stamp,
    is_whole: bool,
) -> Vec<Check> {
    let is = |endpoint: &str| {
        steps
            .iter()
            .filter(move |step| step.endpoint == endpoint)
            .collect::<Vec<_>>()
    };
    let authorize = steps.iter().find(|step| step.label == "authorization request");
    let request = authorize.map(|step| {
        let target = step.request.target.as_deref().unwrap_or_default();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let mut params = Params::parse(query.as_bytes());
        params.0.extend(Params::parse(step.request.body.as_bytes()).0);
        params
    });
    let sent = |name: &str| {
        request
            .as_ref()
            .and_then(|params| params.filled(name))
            .map(str::to_owned)
    };
    let mut checks = Vec::new();
    let mut say = |what, seen, detail: String, clause| {
        checks.push(Check {
            what,
            seen,
            detail,
            clause,
        })
    };
    let presence = |value: &Option<String>| match (&request, value) {
        (None, _) => "unseen",
        (_, Some(_)) => "yes",
        (_, None) => "no",
    };
    let told = |value: &Option<String>, absent: &str| match value {
        Some(value) => value.clone(),
        None => absent.to_owned(),
    };
    let state = sent("state");
    say(
        "sends a state",
        presence(&state),
        told(&state, "the authorization request has none"),
        "RFC 6749 §10.12",
    );
    let nonce = sent("nonce");
    say(
        "sends a nonce",
        presence(&nonce),
        told(&nonce, "the authorization request has none"),
        "OIDC Core §3.1.2.1",
    );
    let challenge = sent("code_challenge");
    let method = sent("code_challenge_method").unwrap_or_else(|| "plain".to_owned());
    let seen = match (&request, &challenge) {
        (None, _) => "unseen",
        (_, Some(_)) if method == "S256" => "yes",
        _ => "no",
    };
    let detail = if challenge.is_some() {
        format!("code_challenge_method={method}")
    } else {
        "no code_challenge".to_owned()
    };
    say("uses PKCE with S256", seen, detail, "RFC 9700 §2.1.1");
    let tokens = is("token");
    let exchange = tokens.iter().find(|step| step.label == "code for tokens");
    let form = exchange.map(|step| Params::parse(step.request.body.as_bytes()));
    let (seen, detail) = match (exchange, &form) {
        (Some(step), Some(form)) => {
            let has_header = step.request.headers.iter().any(|(name, _)| name == "authorization");
            let how = [
                (has_header, "client_secret_basic"),
                (form.has("client_secret"), "client_secret_post"),
                (form.has("client_assertion"), "a signed assertion"),
            ];
            match how.iter().find(|(is_used, _)| *is_used) {
                Some((_, how)) => ("yes", (*how).to_owned()),
                None => ("no", "none: a public client".to_owned()),
            }
        }
        _ => ("unseen", "no code was redeemed".to_owned()),
    };
    say("authenticates at the token endpoint", seen, detail, "RFC 6749 §3.2.1");
    let redeemed = exchange.is_some_and(|step| step.refused.is_none());
    let (seen, detail) = match (exchange, redeemed) {
        (None, _) => ("unseen", "no code was redeemed".to_owned()),
        (Some(_), false) => ("no", "the redemption was refused".to_owned()),
        (Some(_), true) => ("yes", format!("token requests: {}", tokens.len())),
    };
    say("redeems the code", seen, detail, "RFC 6749 §4.1.3");
    let fetched = fetches(records, Endpoint::Jwks);
    let here = fetched.iter().filter(|at| **at >= since).count();
    let (seen, detail) = match (fetched.len(), here) {
        (0, _) if !is_whole => (
            "unseen",
            "not in the records that are kept; earlier ones are forgotten".to_owned(),
        ),
        (0, _) => (
            "no",
            "the key set was never fetched: no signature can have been checked".to_owned(),
        ),
        (all, 0) => ("yes", format!("{} before this flow: it is cached", times(all))),
        (_, here) => ("yes", format!("{} since this flow began", times(here))),
    };
    say("fetches the key set", seen, detail, "OIDC Core §3.1.3.7 (6)");
    let userinfo = is("userinfo").len();
    let (seen, detail) = if userinfo > 0 {
        ("yes", times(userinfo))
    } else {
        ("unseen", "not called, which is allowed".to_owned())
    };
    say("calls userinfo", seen, detail, "OIDC Core §5.3");
    let compared = "compares state, nonce, iss, aud, exp and the signature";
    let (seen, detail) = if flow.delivered.is_empty() {
        (
            "unseen",
            "cannot be seen in a good sign-in: arm a fault, for instance id-token.alg-none, and sign in again"
                .to_owned(),
        )
    } else {
        (
            "unseen",
            format!(
                "{} was delivered: the app's page shows whether it was refused",
                flow.delivered.join(", ")
            ),
        )
    };
    say(compared, seen, detail, "OIDC Core §3.1.3.7");
    let seen = if flow.signed_out { "yes" } else { "unseen" };
    say(
        "signs out at the end-session endpoint",
        seen,
        String::new(),
        "OIDC RP-Initiated Logout §2",
    );
    checks
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// When this endpoint was asked, by anybody.
fn fetches(records: &[Arc<Record>], wanted: Endpoint) -> Vec<Stamp> {
    let asked = records.iter().filter(|record| match &record.event {
        Event::Received { endpoint, .. } => *endpoint == wanted,
        _ => false,
    });
    asked.map(|record| record.at).collect()
}
