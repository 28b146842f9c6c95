//! What the app does with the answers of the token endpoint, and where it keeps tokens.

use mock_idp::flow::record::{Endpoint, Event};

use super::{
    Check,
    facts::header,
    no_flow,
    requests::at_most,
    sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN},
};
use crate::{
    evidence::{Evidence, Hop, Leg, Shows},
    outcome::Outcome::{Broken, CannotTell, Holds},
    script::{AFTER, BEFORE, MAIN},
    text::holds,
};

/// A token of an unknown type is not presented anywhere, neither as a bearer token nor under its own scheme.
pub const NOT_USED_AS_BEARER: Check = Check {
    id: "not-used-as-bearer",
    expects: "no userinfo request with a token whose type is unknown",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        let mut used = evidence.received(Endpoint::Userinfo);
        match used.find(|(record, _)| record.flow == Some(flow.id)) {
            Some((_, request)) => Broken(format!(
                "the token was sent to userinfo with the scheme {}",
                header(request, "authorization")
                    .and_then(|field| field.split(' ').next())
                    .unwrap_or("(none)")
            )),
            None => Holds,
        }
    },
};

/// Whatever life-time a token has, it is not refreshed without end.
pub const NO_REFRESH_LOOP: Check = Check {
    id: "no-refresh-loop",
    expects: "at most ten token requests for one sign-in",
    ask: |evidence| {
        at_most(
            evidence.received(Endpoint::Token).count(),
            10,
            "token requests for one sign-in",
        )
    },
};

/// The client secret stays on the server.
pub const CLIENT_SECRET_STAYS_HIDDEN: Check = Check {
    id: "client-secret-stays-hidden",
    expects: "no page shows the client secret",
    ask: |evidence| {
        let Some(secret) = evidence
            .target
            .client_secret
            .as_deref()
            .filter(|secret| secret.len() >= 8)
        else {
            return Holds;
        };
        match evidence.app_hops().find(|hop| holds(hop.body(), secret)) {
            Some(hop) => Broken(format!("{} shows the client secret", hop.url)),
            None => Holds,
        }
    },
};

/// What the app received is not handed on to scripts, pages and addresses.
pub const TOKENS_STAY_ON_THE_SERVER: Check = Check {
    id: "tokens-stay-on-the-server",
    expects: "no token in a page, a JSON answer, an address or a cookie that scripts can read",
    ask: |evidence| {
        let tokens = issued_tokens(evidence);
        if tokens.is_empty() {
            return CannotTell("no tokens were issued".to_owned());
        }
        evidence
            .app_hops()
            .find_map(|hop| tokens.iter().find_map(|(what, token)| exposed(hop, what, token)))
            .map_or(Holds, Broken)
    },
};

/// An app that declares that it validates access tokens must refuse; of others nothing is asked.
pub const REFUSES_IF_IT_VALIDATES: Check = Check {
    id: "refuses-if-it-validates",
    expects: "refusal, because the target declares `validates_access_token`",
    ask: |evidence| {
        if evidence.target.validates_access_token {
            (REFUSES_SIGN_IN.ask)(evidence)
        } else {
            Holds
        }
    },
};

/// The session lives on after a refresh that is fine.
pub const STILL_SIGNED_IN: Check = Check {
    id: "still-signed-in",
    expects: "the same user, still signed in",
    ask: |evidence| match (shows(evidence, BEFORE), shows(evidence, AFTER)) {
        (Some(Shows::Person(earlier)), Some(Shows::Person(now))) if earlier == now => Holds,
        (Some(Shows::Person(_)), Some(Shows::Nobody)) => {
            Broken("the session ended with a refresh that was fine".to_owned())
        }
        (Some(Shows::Person(_)), Some(Shows::Unclear(what))) => {
            CannotTell(format!("the protected page fits neither pattern: {what}"))
        }
        (Some(Shows::Person(earlier)), Some(other)) => {
            Broken(format!("before the refresh the {earlier}, behind it {other:?}"))
        }
        _ => CannotTell("nobody was signed in before the refresh".to_owned()),
    },
};

/// The session ends, or goes on as the same user.
pub const NEVER_THE_NEW_SUBJECT: Check = Check {
    id: "never-the-new-subject",
    expects: "the refreshed tokens are not used: the session ends or stays the user's",
    ask: |evidence| match shows(evidence, BEFORE) {
        Some(Shows::Person(_)) => (NEVER_AS_SOMEBODY_ELSE.ask)(evidence),
        _ => CannotTell("nobody was signed in before the refresh".to_owned()),
    },
};

fn shows<'e>(evidence: &'e Evidence, label: &str) -> Option<&'e Shows> {
    evidence.probe(label).map(|probe| &probe.shows)
}

/// Issued tokens with their names; short ones would match by chance.
fn issued_tokens(evidence: &Evidence) -> Vec<(&'static str, &str)> {
    let mut tokens = Vec::new();
    for record in &evidence.records {
        if let Event::TokensIssued {
            access_token,
            id_token,
            refresh_token,
        } = &record.event
        {
            tokens.push(("access token", access_token.as_str()));
            tokens.extend(id_token.as_deref().map(|token| ("ID token", token)));
            tokens.extend(refresh_token.as_deref().map(|token| ("refresh token", token)));
        }
    }
    tokens.retain(|(_, token)| token.len() >= 20);
    tokens
}

fn exposed(hop: &Hop, what: &str, token: &str) -> Option<String> {
    // What the harness itself put into the request proves nothing.
    if hop.request.target.contains(token) || hop.request.body.contains(token) {
        return None;
    }
    let place = hop.url.split('?').next().unwrap_or_default();
    // An ID token travels through the browser as `id_token_hint` at sign-out, whoever started it: the standard says so.
    let hinted = hop
        .headers("location")
        .any(|location| location.contains("id_token_hint="));
    let is_hint = what == "ID token" && (hinted || matches!(hop.leg, Leg::SignOut | Leg::AfterSignOut));
    if !is_hint && holds(hop.body(), token) {
        return Some(format!("the answer of {place} holds the {what}"));
    }
    if !is_hint && hop.headers("location").any(|location| location.contains(token)) {
        return Some(format!("a redirect of {place} holds the {what}"));
    }
    let readable = hop
        .headers("set-cookie")
        .find(|cookie| cookie.contains(token) && !cookie.to_ascii_lowercase().contains("httponly"));
    readable.map(|cookie| {
        let name = cookie.split('=').next().unwrap_or_default();
        format!("the cookie `{name}` of {place} holds the {what} and scripts can read it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Page, evidence, probed, received, recorded, request};

    const TOKEN: &str = "an-access-token-of-enough-length";

    fn issued(pages: &[Page]) -> Evidence {
        recorded(
            evidence(pages),
            Event::TokensIssued {
                access_token: TOKEN.to_owned(),
                id_token: Some("an-id-token-of-enough-length".to_owned()),
                refresh_token: None,
            },
        )
    }

    #[test]
    fn tokens_are_found_wherever_scripts_could_read_them() {
        let ask = |page: Page| (TOKENS_STAY_ON_THE_SERVER.ask)(&issued(&[page]));
        assert_eq!(ask(Page::ok("<p>hello</p>")), Holds);
        assert_eq!(
            ask(Page::ok("").with("set-cookie", &format!("t={TOKEN}; HttpOnly"))),
            Holds
        );
        let hint = "http://idp/logout?id_token_hint=an-id-token-of-enough-length";
        assert_eq!(ask(Page::ok("").on(Leg::SignOut).with("location", hint)), Holds);
        assert_eq!(ask(Page::ok("").on(Leg::Direct).with("location", hint)), Holds);
        for page in [
            Page::ok(&format!("{{\"token\":\"{TOKEN}\"}}")),
            Page::ok("").with("set-cookie", &format!("t={TOKEN}")),
            Page::ok("").with("location", &format!("/home#token={TOKEN}")),
        ] {
            assert!(matches!(ask(page), Broken(_)));
        }
        assert!(matches!((TOKENS_STAY_ON_THE_SERVER.ask)(&evidence(&[])), CannotTell(_)));
    }

    #[test]
    fn a_declaration_makes_the_refusal_due() {
        let mut signed_in = probed(evidence(&[]), AFTER, "user", "", Shows::Person("user".to_owned()));
        assert_eq!((REFUSES_IF_IT_VALIDATES.ask)(&signed_in), Holds);
        signed_in.target.validates_access_token = true;
        assert!(matches!((REFUSES_IF_IT_VALIDATES.ask)(&signed_in), Broken(_)));
    }

    #[test]
    fn a_refresh_keeps_or_ends_the_session_but_never_changes_it() {
        let after = |shows| {
            let all = probed(evidence(&[]), BEFORE, "user", "", Shows::Person("user".to_owned()));
            probed(all, AFTER, "user", "", shows)
        };
        let person = |name: &str| Shows::Person(name.to_owned());
        assert_eq!((STILL_SIGNED_IN.ask)(&after(person("user"))), Holds);
        assert!(matches!((STILL_SIGNED_IN.ask)(&after(Shows::Nobody)), Broken(_)));
        assert_eq!((NEVER_THE_NEW_SUBJECT.ask)(&after(Shows::Nobody)), Holds);
        assert!(matches!(
            (NEVER_THE_NEW_SUBJECT.ask)(&after(person("victim"))),
            Broken(_)
        ));
        assert!(matches!((STILL_SIGNED_IN.ask)(&evidence(&[])), CannotTell(_)));
    }

    #[test]
    fn use_and_loops_are_seen() {
        let asked = received(evidence(&[]), Endpoint::Userinfo, request("GET", "/userinfo", &[], ""));
        assert!(matches!((NOT_USED_AS_BEARER.ask)(&asked), Broken(_)));
        assert_eq!((NOT_USED_AS_BEARER.ask)(&evidence(&[])), Holds);
        let many = |count| {
            (0..count).fold(evidence(&[]), |all, _| {
                received(all, Endpoint::Token, request("POST", "/token", &[], ""))
            })
        };
        assert_eq!((NO_REFRESH_LOOP.ask)(&many(10)), Holds);
        assert!(matches!((NO_REFRESH_LOOP.ask)(&many(11)), Broken(_)));
    }

    #[test]
    fn the_client_secret_is_found() {
        let mut all = evidence(&[Page::ok("secret=a-long-client-secret")]);
        assert_eq!((CLIENT_SECRET_STAYS_HIDDEN.ask)(&all), Holds);
        all.target.client_secret = Some("a-long-client-secret".to_owned());
        assert!(matches!((CLIENT_SECRET_STAYS_HIDDEN.ask)(&all), Broken(_)));
    }

    #[test]
    fn an_unclear_page_tells_nothing() {
        let unclear = probed(evidence(&[]), BEFORE, "user", "", Shows::Person("user".to_owned()));
        let unclear = probed(unclear, AFTER, "user", "", Shows::Unclear("500".to_owned()));
        assert!(matches!((STILL_SIGNED_IN.ask)(&unclear), CannotTell(_)));
    }
}
