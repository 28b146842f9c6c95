//! Discovery: what the app does with the document that tells it where everything is.

use mock_idp::flow::{
    fault::Message,
    record::{Endpoint, Event},
};
use serde_json::Value;
use url::Url;

use super::{
    Check,
    requests::count,
    sign_in::{REFUSES_SIGN_IN, SIGNS_IN_AS_USER},
};
use crate::{
    evidence::{Evidence, Leg},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::MAIN,
};

/// With such metadata nobody is signed in; an app that does not even start has refused.
pub const REFUSES_METADATA: Check = Check {
    id: "refuses-metadata",
    expects: "refusal of the metadata: the app does not start, or its sign-in ends with nobody signed in",
    ask: |evidence| match evidence.failed_start() {
        Some(saw) => HoldsWith(saw),
        None => (REFUSES_SIGN_IN.ask)(evidence),
    },
};

/// Nothing in the document is used: no browser is sent anywhere, no code is redeemed.
pub const METADATA_NOT_USED: Check = Check {
    id: "metadata-not-used",
    expects: "no authorization request and no token request with these metadata",
    ask: |evidence| {
        let sent = evidence.flows.iter().any(|flow| flow.authorization_request.is_some());
        let redeemed = count(evidence, Endpoint::Token);
        match (sent, redeemed) {
            (false, 0) => Holds,
            (true, 0) => Broken("the browser was sent to the authorization endpoint".to_owned()),
            (_, 1) => Broken("a token request was made".to_owned()),
            (_, requests) => Broken(format!("{requests} token requests were made")),
        }
    },
};

/// Once the authorization server is back, people can sign in; or the app said at its start that it cannot work.
pub const WORKS_AFTER_REPAIR: Check = Check {
    id: "works-after-repair",
    expects: "sign-in works once the authorization server is back, or the app ends with a clear start failure",
    ask: |evidence| match evidence.failed_start() {
        Some(saw) => HoldsWith(saw),
        None => (SIGNS_IN_AS_USER.ask)(evidence),
    },
};

/// A bad document is no reason to end.
pub const KEEPS_RUNNING: Check = Check {
    id: "keeps-running",
    expects: "the app runs on",
    ask: |evidence| match evidence.failed_start() {
        Some(saw) => Broken(saw),
        None => Holds,
    },
};

/// Every call goes exactly where the document says, with the query that the document gives.
pub const CALLS_PUBLISHED_ENDPOINTS: Check = Check {
    id: "calls-published-endpoints",
    expects: "every request goes to the published URL, its own query kept",
    ask: |evidence| {
        let Some(document) = published(evidence) else {
            return CannotTell("the discovery document was not fetched in this walk".to_owned());
        };
        let places = [
            (Endpoint::Authorize, "authorization_endpoint"),
            (Endpoint::Token, "token_endpoint"),
            (Endpoint::Userinfo, "userinfo_endpoint"),
            (Endpoint::Jwks, "jwks_uri"),
        ];
        for (endpoint, member) in places {
            let Some(wanted) = document[member].as_str().and_then(|url| Url::parse(url).ok()) else {
                continue;
            };
            for (_, request) in evidence.received(endpoint) {
                if !goes_to(&request.target, &wanted) {
                    let path = request.target.split('?').next().unwrap_or_default();
                    return Broken(format!("a request went to {path} where {member} is {wanted}"));
                }
            }
        }
        Holds
    },
};

/// Whatever the first request says about issuers and endpoints, the browser goes to the configured server or nowhere.
pub const GOES_TO_CONFIGURED_SERVER: Check = Check {
    id: "goes-to-configured-server",
    expects: "the browser goes to the configured authorization server, or the request is refused",
    ask: |evidence| {
        if let Some(hop) = evidence.hops.iter().find(|hop| hop.leg == Leg::Elsewhere) {
            let place = hop.url.split('?').next().unwrap_or_default();
            return Broken(format!("the browser was sent to {place}"));
        }
        let request = evidence
            .flow(MAIN)
            .and_then(|flow| flow.authorization_request.as_deref());
        match request.map(Url::parse) {
            None => HoldsWith("the request was refused".to_owned()),
            Some(Ok(url)) if url.origin() == evidence.target.idp.origin() => Holds,
            Some(Ok(url)) => Broken(format!(
                "the browser was sent to {}",
                url.origin().ascii_serialization()
            )),
            Some(Err(error)) => Broken(format!("the authorization request is no URL: {error}")),
        }
    },
};

/// An error of the authorization server is told as such: a gateway error or a plain page, never a crash or silence.
pub const FAILS_POLITELY: Check = Check {
    id: "fails-politely",
    expects: "a 4xx page, or 502, 503 or 504 for a failing authorization server; no crash, no hang",
    ask: fails_politely,
};

fn fails_politely(evidence: &Evidence) -> Outcome {
    if evidence.start_problem.is_none() && evidence.app_hops().next().is_none() {
        return CannotTell("the app gave no answer".to_owned());
    }
    let broken = evidence
        .app_hops()
        .find(|hop| hop.is_server_error() && !matches!(hop.status(), Some(502..=504)));
    match broken {
        Some(hop) => {
            let path = hop.url.split('?').next().unwrap_or_default();
            Broken(match hop.status() {
                Some(status) => format!("{path} was answered with {status}"),
                None => format!("{path} got no answer: {}", hop.response.problem_text()),
            })
        }
        None => Holds,
    }
}

/// The discovery document as it was really written last: by its fault's hook, or without one.
fn published(evidence: &Evidence) -> Option<Value> {
    evidence.records.iter().rev().find_map(|record| match &record.event {
        Event::Sent {
            message: Message::Metadata,
            bytes,
            ..
        } => {
            // Status line and headers come first, as on the wire.
            let (_, body) = bytes.split_once("\n\n")?;
            serde_json::Deserializer::from_str(body).into_iter().next()?.ok()
        }
        Event::Answered {
            endpoint: Endpoint::Metadata,
            status: 200,
            body,
            ..
        } => serde_json::from_str(body).ok(),
        _ => None,
    })
}

/// Whether a request target is this URL's path, with its query first among the parameters.
fn goes_to(target: &str, wanted: &Url) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has = |pair: &str| query.split('&').any(|sent| sent == pair);
    path == wanted.path() && wanted.query().is_none_or(|own| own.split('&').all(has))
}

#[cfg(test)]
mod tests {
    use mock_idp::{Fault, flow::fault::MetadataFault};

    use super::*;
    use crate::{
        check::fixture::{Page, evidence, probed, received, recorded, request},
        evidence::Shows,
        script::AFTER,
    };

    #[test]
    fn an_app_that_does_not_start_has_refused() {
        let mut stopped = evidence(&[]);
        stopped.start_problem = Some("exited with 1".to_owned());
        assert!(matches!((REFUSES_METADATA.ask)(&stopped), HoldsWith(_)));
        assert!(matches!((WORKS_AFTER_REPAIR.ask)(&stopped), HoldsWith(_)));
        assert!(matches!((KEEPS_RUNNING.ask)(&stopped), Broken(_)));
        let signed_in = probed(evidence(&[]), AFTER, "user", "", Shows::Person("user".to_owned()));
        assert!(matches!((REFUSES_METADATA.ask)(&signed_in), Broken(_)));
        assert_eq!((KEEPS_RUNNING.ask)(&signed_in), Holds);
    }

    #[test]
    fn using_the_document_is_seen() {
        assert_eq!((METADATA_NOT_USED.ask)(&evidence(&[])), Holds);
        let mut sent = evidence(&[]);
        sent.flows[0].authorization_request = Some("http://127.0.0.1:9/authorize?x=1".to_owned());
        assert!(matches!((METADATA_NOT_USED.ask)(&sent), Broken(_)));
        let redeemed = received(evidence(&[]), Endpoint::Token, request("POST", "/token", &[], ""));
        assert!(matches!((METADATA_NOT_USED.ask)(&redeemed), Broken(_)));
    }

    #[test]
    fn calls_are_compared_with_the_document() {
        let document = r#"{"token_endpoint":"http://h/odd/token?tenant=7"}"#;
        let sent = Event::Sent {
            fault: Fault::Metadata(MetadataFault::UnusualPaths),
            message: Message::Metadata,
            twin: String::new(),
            bytes: format!("HTTP 200\ncontent-type: application/json\n\n{document}"),
        };
        let answered = Event::Answered {
            exchange: 1,
            endpoint: Endpoint::Metadata,
            status: 200,
            headers: Vec::new(),
            body: document.to_owned(),
            length: 0,
        };
        for published in [sent, answered] {
            let with = |target: &str| {
                let all = recorded(evidence(&[]), published.clone());
                (CALLS_PUBLISHED_ENDPOINTS.ask)(&received(all, Endpoint::Token, request("POST", target, &[], "")))
            };
            assert_eq!(with("/odd/token?tenant=7"), Holds);
            assert!(matches!(with("/odd/token"), Broken(_)));
            assert!(matches!(with("/token?tenant=7"), Broken(_)));
        }
        assert!(matches!((CALLS_PUBLISHED_ENDPOINTS.ask)(&evidence(&[])), CannotTell(_)));
    }

    #[test]
    fn only_the_configured_server_is_gone_to() {
        let to = |url: &str| {
            let mut all = evidence(&[]);
            all.target.idp = Url::parse("http://127.0.0.1:9494").unwrap();
            all.flows[0].authorization_request = Some(url.to_owned());
            (GOES_TO_CONFIGURED_SERVER.ask)(&all)
        };
        assert_eq!(to("http://127.0.0.1:9494/oauth2/default/v1/authorize?x"), Holds);
        assert!(matches!(to("http://127.0.0.1:9595/authorize?x"), Broken(_)));
        assert!(matches!((GOES_TO_CONFIGURED_SERVER.ask)(&evidence(&[])), HoldsWith(_)));
        let elsewhere = evidence(&[Page::ok("").on(Leg::Elsewhere)]);
        assert!(matches!((GOES_TO_CONFIGURED_SERVER.ask)(&elsewhere), Broken(_)));
    }

    #[test]
    fn gateway_errors_are_polite_and_crashes_are_not() {
        for status in [200, 400, 502, 503, 504] {
            assert_eq!(fails_politely(&evidence(&[Page::status(status)])), Holds, "{status}");
        }
        assert!(matches!(fails_politely(&evidence(&[Page::status(500)])), Broken(_)));
    }
}
