//! Requests of the app to the authorization server: how many, how fresh, where to.

use std::collections::HashSet;

use mock_idp::flow::record::Endpoint;

use super::Check;
use crate::{
    evidence::Evidence,
    outcome::Outcome::{self, Broken, Holds},
};

/// Whenever the app starts again, state, nonce and challenge are new.
pub const RESTARTS_ARE_FRESH: Check = Check {
    id: "restarts-are-fresh",
    expects: "every authorization request has a state, nonce and challenge of its own",
    ask: |evidence| {
        for name in ["state", "nonce", "code_challenge"] {
            let mut seen = HashSet::new();
            for request in authorization_requests(evidence) {
                if let Some(value) = parameter(&request, name)
                    && !seen.insert(value)
                {
                    return Broken(format!("two authorization requests carry the same `{name}`"));
                }
            }
        }
        Holds
    },
};

/// The authorization requests that the app's redirects named, sent or not, each once.
fn authorization_requests(evidence: &Evidence) -> Vec<String> {
    let mut seen = HashSet::new();
    let arrived = evidence
        .received(Endpoint::Authorize)
        .map(|(_, request)| request.target.clone());
    let noted = evidence
        .hops
        .iter()
        .filter(|hop| hop.leg != crate::evidence::Leg::Idp)
        .flat_map(|hop| hop.headers("location"))
        .filter(|location| location.contains("response_type="))
        .map(|location| match location.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned()),
            None => location.to_owned(),
        });
    arrived
        .chain(noted)
        .filter(|target| seen.insert(target.clone()))
        .collect()
}

/// A query parameter, decoded.
fn parameter(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// How many requests arrived at an endpoint.
pub(crate) fn count(evidence: &Evidence, endpoint: Endpoint) -> usize {
    evidence.received(endpoint).count()
}

/// `Holds` when a count is within a limit.
pub(crate) fn at_most(count: usize, limit: usize, what: &str) -> Outcome {
    if count <= limit {
        Holds
    } else {
        Broken(format!("{count} {what}, at most {limit} expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{evidence, received, request};

    #[test]
    fn a_restart_with_an_old_value_is_seen() {
        let ask = |targets: &[&str]| {
            let start = evidence(&[]);
            let all = targets.iter().fold(start, |all, target| {
                received(all, Endpoint::Authorize, request("GET", target, &[], ""))
            });
            (RESTARTS_ARE_FRESH.ask)(&all)
        };
        assert_eq!(ask(&["/a?state=1&nonce=x", "/a?state=2&nonce=y"]), Holds);
        assert_eq!(
            ask(&["/a?state=1&nonce=x", "/a?state=1&nonce=x"]),
            Holds,
            "one request, asked twice"
        );
        assert!(matches!(ask(&["/a?state=1&nonce=x", "/a?state=2&nonce=x"]), Broken(_)));
    }
}
