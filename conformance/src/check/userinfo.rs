//! Questions about the userinfo request and what becomes of its answer.

use mock_idp::flow::{
    record::{Endpoint, Event, Request},
    scenario::FlowId,
};

use super::{Check, content::plain, no_flow};
use crate::{
    evidence::{Evidence, Leg, Shows},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, MAIN},
};

/// RFC 6750 §2: the access token travels in the header or in the form body, in one of them, and never in the URL.
pub const BEARER_IN_ONE_SAFE_PLACE: Check = Check {
    id: "bearer-in-one-safe-place",
    expects: "the access token in the Authorization header (or the form body), nowhere else",
    ask: |evidence| {
        let mut requests = evidence.received(Endpoint::Userinfo).peekable();
        if requests.peek().is_none() {
            return CannotTell("no userinfo request was seen".to_owned());
        }
        requests
            .find_map(|(record, request)| misplaced(request, token_type_of(evidence, record.flow).as_deref()))
            .map_or(Holds, Broken)
    },
};

/// A userinfo endpoint that fails is not asked over and over.
pub const USERINFO_ASKED_SPARINGLY: Check = Check {
    id: "userinfo-asked-sparingly",
    expects: "at most three userinfo requests for one sign-in",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        let count = evidence
            .received(Endpoint::Userinfo)
            .filter(|(record, _)| record.flow == Some(flow.id))
            .count();
        super::requests::at_most(count, 3, "userinfo requests for one sign-in")
    },
};

/// Without name and address the user is signed in all the same, or is told why not.
pub const SIGNED_IN_OR_TOLD: Check = Check {
    id: "signed-in-or-told",
    expects: "sign-in with some fallback, or a page that says why not",
    ask: |evidence| match evidence.probe(AFTER).map(|probe| &probe.shows) {
        None => CannotTell("the protected page was not asked".to_owned()),
        Some(Shows::Several(names)) => Broken(format!("the protected page shows {} at once", names.join(" and "))),
        Some(Shows::Person(_) | Shows::Nameless | Shows::Unclear(_)) => Holds,
        Some(Shows::Nobody) => last_page(evidence),
    },
};

fn last_page(evidence: &Evidence) -> Outcome {
    let Some(person) = evidence.flow(MAIN).map(|flow| flow.browser.clone()) else {
        return no_flow();
    };
    let page = evidence
        .hops
        .iter()
        .rev()
        .find(|hop| hop.who == person && matches!(hop.leg, Leg::Callback | Leg::AfterCallback) && hop.was_sent());
    match page {
        Some(page) if plain(page.shown()).trim().len() >= 10 => {
            HoldsWith("refused with a message of its own".to_owned())
        }
        Some(page) => Broken(format!("{} refused without a word", page.url)),
        None => CannotTell("no callback was delivered".to_owned()),
    }
}

/// The `token_type` that the app was last told in this flow.
fn token_type_of(evidence: &Evidence, flow: Option<FlowId>) -> Option<String> {
    let answers = evidence.records.iter().rev().filter(|record| record.flow == flow);
    answers
        .filter_map(|record| match &record.event {
            Event::Answered {
                endpoint: Endpoint::Token,
                body,
                ..
            } => serde_json::from_str::<serde_json::Value>(body).ok(),
            _ => None,
        })
        .find_map(|answer| Some(answer.get("token_type")?.as_str()?.to_owned()))
}

/// What is wrong with how the token travels. The scheme is Bearer, or that which the token answer named: whether an app
/// may use a token of such a type is asked by `token-response/token-type-unusable`.
fn misplaced(request: &Request, token_type: Option<&str>) -> Option<String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let names = |text: &str| form_urlencoded::parse(text.as_bytes()).any(|(name, _)| name == "access_token");
    if names(query) {
        return Some("the access token stood in the query of the userinfo request".to_owned());
    }
    let headers: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, _)| name == "authorization")
        .map(|(_, value)| value.as_str())
        .collect();
    match (headers.len(), names(&request.body)) {
        (1, true) => Some("the access token stood in the header and in the body".to_owned()),
        (0, false) => Some("the userinfo request carried no access token".to_owned()),
        (1, false)
            if !has_scheme(headers[0], "bearer") && !token_type.is_some_and(|own| has_scheme(headers[0], own)) =>
        {
            Some("the Authorization header of the userinfo request is not of scheme Bearer".to_owned())
        }
        (more, _) if more > 1 => Some(format!("the userinfo request carried {more} Authorization headers")),
        _ => None,
    }
}

fn has_scheme(field: &str, scheme: &str) -> bool {
    field
        .split_once(' ')
        .is_some_and(|(found, _)| found.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Page, evidence, probed, received, recorded, request};

    fn asked(headers: &[(&str, &str)], target: &str, body: &str) -> Outcome {
        let all = received(evidence(&[]), Endpoint::Userinfo, request("GET", target, headers, body));
        (BEARER_IN_ONE_SAFE_PLACE.ask)(&all)
    }

    #[test]
    fn one_safe_place_holds() {
        assert_eq!(asked(&[("authorization", "Bearer a")], "/userinfo", ""), Holds);
        assert_eq!(asked(&[("authorization", "bearer a")], "/userinfo", ""), Holds);
        assert_eq!(asked(&[], "/userinfo", "access_token=a"), Holds);
        assert!(matches!((BEARER_IN_ONE_SAFE_PLACE.ask)(&evidence(&[])), CannotTell(_)));
    }

    #[test]
    fn other_places_are_broken() {
        for outcome in [
            asked(&[], "/userinfo?access_token=a", ""),
            asked(&[("authorization", "Bearer a")], "/userinfo", "access_token=a"),
            asked(&[("authorization", "Basic a")], "/userinfo", ""),
            asked(&[], "/userinfo", ""),
        ] {
            assert!(matches!(outcome, Broken(_)), "{outcome:?}");
        }
    }

    #[test]
    fn the_scheme_that_the_token_answer_named_is_no_wrong_place() {
        let told = |token_type: &str| {
            let answer = Event::Answered {
                exchange: 1,
                endpoint: Endpoint::Token,
                status: 200,
                headers: Vec::new(),
                body: format!(r#"{{"access_token":"a","token_type":"{token_type}"}}"#),
                length: 0,
            };
            let asked = request("GET", "/userinfo", &[("authorization", "DPoP a")], "");
            let all = received(recorded(evidence(&[]), answer), Endpoint::Userinfo, asked);
            (BEARER_IN_ONE_SAFE_PLACE.ask)(&all)
        };
        assert_eq!(told("DPoP"), Holds);
        assert!(matches!(told("Bearer"), Broken(_)));
    }

    #[test]
    fn four_requests_are_too_many() {
        let ask = |count| {
            let all = (0..count).fold(evidence(&[]), |all, _| {
                received(all, Endpoint::Userinfo, request("GET", "/userinfo", &[], ""))
            });
            (USERINFO_ASKED_SPARINGLY.ask)(&all)
        };
        assert_eq!(ask(3), Holds);
        assert!(matches!(ask(4), Broken(_)));
    }

    #[test]
    fn a_refusal_needs_a_word() {
        let told = evidence(&[Page::status(400)
            .on(Leg::Callback)
            .saying("Your account has no e-mail address.")]);
        let ask = |evidence| (SIGNED_IN_OR_TOLD.ask)(&probed(evidence, AFTER, "user", "", Shows::Nobody));
        assert!(matches!(ask(told), HoldsWith(_)));
        assert!(matches!(
            ask(evidence(&[Page::status(400).on(Leg::Callback)])),
            Broken(_)
        ));
        let signed_in = probed(evidence(&[]), AFTER, "user", "", Shows::Nameless);
        assert_eq!((SIGNED_IN_OR_TOLD.ask)(&signed_in), Holds);
    }
}
