//! The second origin, which must never receive anything it is not meant to.

use mock_idp::flow::record::{Endpoint, Request};

use super::Check;
use crate::{
    evidence::Evidence,
    outcome::Outcome::{self, Broken, Holds},
    text::holds,
};

/// The app sends no request at all to an address that an attacker named.
pub const NOTHING_AT_SECOND_ORIGIN: Check = Check {
    id: "nothing-at-second-origin",
    expects: "no request arrives at the foreign origin",
    ask: |evidence| match from_server(evidence).next() {
        Some(request) => Broken(format!("the app sent {} to the foreign origin", in_short(request))),
        None => Holds,
    },
};

/// Whatever the app sends there, no code, secret, verifier or token is in it.
pub const NO_SECRET_AT_SECOND_ORIGIN: Check = Check {
    id: "no-secret-at-second-origin",
    expects: "no code, client secret, verifier or token arrives at the foreign origin",
    ask: no_secret,
};

/// The app may send a request to a public address, but nothing internal must be asked for.
pub const NO_INTERNAL_FETCH: Check = Check {
    id: "no-internal-fetch",
    expects: "the server fetches no internal address that a claim names",
    ask: |evidence| {
        if let Some(request) = from_server(evidence).find(|request| request.target.contains("/internal")) {
            return Broken(format!("the app sent {} to the loopback address", in_short(request)));
        }
        let passwd = evidence.app_hops().find(|hop| holds(hop.body(), "root:x:0:0:"));
        match passwd {
            Some(hop) => Broken(format!("{} shows a file of the server", hop.url)),
            None => Holds,
        }
    },
};

fn no_secret(evidence: &Evidence) -> Outcome {
    for request in from_server(evidence) {
        if let Some((_, value)) = request.headers.iter().find(|(name, _)| name == "authorization") {
            let scheme = value.split(' ').next().unwrap_or_default();
            return Broken(format!(
                "{} arrived at the foreign origin with an Authorization header ({scheme})",
                in_short(request)
            ));
        }
        let sent = format!("{}\n{}", request.target, request.body);
        let secret = [
            "code=",
            "code_verifier=",
            "client_secret=",
            "refresh_token=",
            "access_token=",
        ]
        .into_iter()
        .find(|field| sent.contains(field));
        if let Some(field) = secret {
            return Broken(format!(
                "{} arrived at the foreign origin with `{}`",
                in_short(request),
                field.trim_end_matches('=')
            ));
        }
    }
    Holds
}

/// Requests of the app itself. A browser that loads a page's sub-resources says so in fetch metadata.
fn from_server(evidence: &Evidence) -> impl Iterator<Item = &Request> {
    evidence
        .received(Endpoint::SecondOrigin)
        .map(|(_, request)| request)
        .filter(|request| !request.headers.iter().any(|(name, _)| name.starts_with("sec-fetch-")))
}

fn in_short(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let path: String = path.chars().take(60).collect();
    format!("{} {path}", request.method)
}

#[cfg(test)]
mod tests {
    use mock_idp::flow::record::{Event, Record, Stamp};

    use super::*;

    fn hit(target: &str, headers: &[(&str, &str)], body: &str) -> Evidence {
        let request = Request {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.to_owned(),
        };
        let event = Event::Received {
            exchange: 1,
            endpoint: Endpoint::SecondOrigin,
            request,
        };
        Evidence {
            records: vec![Record {
                at: Stamp(1),
                flow: None,
                server: String::new(),
                event,
            }],
            ..Evidence::default()
        }
    }

    #[test]
    fn a_hit_is_seen_unless_a_browser_made_it() {
        assert_eq!((NOTHING_AT_SECOND_ORIGIN.ask)(&Evidence::default()), Holds);
        assert!(matches!(
            (NOTHING_AT_SECOND_ORIGIN.ask)(&hit("/echo/x", &[], "")),
            Broken(_)
        ));
        let by_browser = hit("/picture.png", &[("sec-fetch-dest", "image")], "");
        assert_eq!((NOTHING_AT_SECOND_ORIGIN.ask)(&by_browser), Holds);
    }

    #[test]
    fn secrets_are_seen_in_header_and_body() {
        assert_eq!((NO_SECRET_AT_SECOND_ORIGIN.ask)(&hit("/token", &[], "")), Holds);
        for evidence in [
            hit("/token", &[("authorization", "Basic YTpi")], ""),
            hit("/token", &[], "grant_type=authorization_code&code=abc"),
            hit("/userinfo?access_token=abc", &[], ""),
        ] {
            assert!(matches!((NO_SECRET_AT_SECOND_ORIGIN.ask)(&evidence), Broken(_)));
        }
    }

    #[test]
    fn an_internal_fetch_is_told_from_a_public_one() {
        assert_eq!((NO_INTERNAL_FETCH.ask)(&hit("/f-1/picture.png", &[], "")), Holds);
        assert!(matches!(
            (NO_INTERNAL_FETCH.ask)(&hit("/f-1/internal.png", &[], "")),
            Broken(_)
        ));
    }
}
