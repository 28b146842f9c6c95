//! Kinds of right apps that were accused once, and holes that passed: each as the evidence that such an app leaves behind.

use conformance::{
    case::Case,
    catalog,
    check::{
        authorization as authz, callback, cookies, keys, logout, metadata, pages, redirects, session, sign_in,
        token_request,
    },
    evidence::{Answer, Evidence, Leg, Shows},
    outcome::{Level, Outcome},
    script::{Act, MAIN, OTHER, Slot, Step},
};
use mock_idp::{
    Fault,
    flow::{
        fault::{MetadataFault, TokenResponseFault},
        record::{Endpoint, Event, Stamp},
        scenario::FlowId,
    },
};

use crate::made::{
    edited, hop, many, nothing, probe, random, received, record, session as sid, sign_in, signed_in, swap,
};

fn case(id: &str) -> &'static Case {
    catalog::all().find(|case| case.id == id).unwrap()
}

/// The level at which a variant of a case asks a check.
fn level(id: &str, variant: &str, check: &str) -> Option<Level> {
    let variant = case(id).variants.iter().find(|other| other.name == variant).unwrap();
    let expect = variant.expect.iter().find(|expect| expect.check.id == check);
    expect.map(|expect| expect.level)
}

fn sent(evidence: &mut Evidence, fault: Fault) {
    let message = fault.message();
    let (twin, bytes) = ("valid".to_owned(), "forged".to_owned());
    record(
        evidence,
        FlowId(1),
        Event::Sent {
            fault,
            message,
            twin,
            bytes,
        },
    );
}

/// The callback was answered with this status, and nobody is signed in.
fn refused_with(status: u16, body: &str) -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    evidence.hops.retain(|hop| hop.leg == Leg::SignInStart);
    let mut answer = hop(
        Leg::Callback,
        "user",
        "http://localhost:3000/callback?code=c",
        status,
        &[],
        body,
    );
    answer.flow = Some(MAIN);
    evidence.hops.push(answer);
    probe(&mut evidence, "after", "user", "nobody");
    evidence
}

/// A start that was answered with a page: no authorization request.
fn never_begun(evidence: &mut Evidence, slot: Slot, status: u16) {
    let flow = evidence.flows.iter_mut().find(|flow| flow.slot == slot).unwrap();
    flow.authorization_request = None;
    flow.authorization_response = None;
    let id = flow.id;
    evidence.records.retain(|record| record.flow != Some(id));
    evidence
        .hops
        .retain(|hop| hop.flow != Some(slot) || hop.leg == Leg::SignInStart);
    for hop in evidence.hops.iter_mut().filter(|hop| hop.flow == Some(slot)) {
        if let Answer::Http {
            status: shown, headers, ..
        } = &mut hop.response
        {
            *shown = status;
            headers.clear();
        }
    }
}

#[test]
fn a_gateway_status_is_right_where_the_authorization_server_failed() {
    for status in [502, 503, 504] {
        let mut blamed = refused_with(status, "");
        sent(&mut blamed, Fault::TokenResponse(TokenResponseFault::ErrorIn200));
        assert_eq!((sign_in::STAYS_CLEAN.ask)(&blamed), Outcome::Holds, "{status}");
        // Where the browser brought something wrong, 4xx is due.
        let outcome = (sign_in::STAYS_CLEAN.ask)(&refused_with(status, ""));
        assert!(matches!(outcome, Outcome::Broken(_)), "{status}");
    }
    // These errors are the redirect's words for 500 and 503 (RFC 6749 §4.1.2.1); the others are no outage.
    for (error, holds) in [
        ("temporarily_unavailable", true),
        ("server_error", true),
        ("access_denied", false),
    ] {
        for posted in [false, true] {
            let mut told = refused_with(503, "");
            let callback = told.hops.iter_mut().find(|hop| hop.leg == Leg::Callback).unwrap();
            match posted {
                false => callback.request.target = format!("/callback?state=s&error={error}"),
                true => callback.request.body = format!("error={error}&state=s"),
            }
            let outcome = (sign_in::STAYS_CLEAN.ask)(&told);
            assert_eq!(outcome == Outcome::Holds, holds, "{error}: {outcome:?}");
        }
    }
    let mut crashed = refused_with(500, "");
    sent(&mut crashed, Fault::TokenResponse(TokenResponseFault::ErrorIn200));
    assert!(matches!((sign_in::STAYS_CLEAN.ask)(&crashed), Outcome::Broken(_)));
}

#[test]
fn the_answer_during_an_outage_is_not_held_against_the_sign_in_after_it() {
    let mut evidence = nothing();
    sign_in(&mut evidence, OTHER, "user", "user");
    for hop in evidence.hops.iter_mut().filter(|hop| hop.flow == Some(OTHER)) {
        if let Answer::Http { status, .. } = &mut hop.response {
            *status = 503;
        }
    }
    sign_in(&mut evidence, MAIN, "user", "user");
    probe(&mut evidence, "after", "user", "user");
    assert_eq!((metadata::WORKS_AFTER_REPAIR.ask)(&evidence), Outcome::Holds);
}

#[test]
fn an_error_page_that_repeats_the_forged_sub_is_a_note() {
    let repeated = refused_with(403, "<p>unexpected sub 00uvictimcanary</p>");
    let outcome = (sign_in::REFUSES_SIGN_IN.ask)(&repeated);
    assert!(
        matches!(&outcome, Outcome::HoldsWith(note) if note.contains("sub")),
        "{outcome:?}"
    );
    // The victim's profile is more than the message.
    let profile = refused_with(403, "<p>00uvictimcanary victim.canary@example.test</p>");
    assert!(matches!((sign_in::REFUSES_SIGN_IN.ask)(&profile), Outcome::Broken(_)));
}

#[test]
fn a_sign_in_that_never_began_refuses_nothing() {
    let mut evidence = refused_with(403, "");
    sign_in(&mut evidence, OTHER, "attacker", "attacker");
    never_begun(&mut evidence, OTHER, 429);
    // What is started only after the question has nothing to do with the answer.
    assert_eq!((sign_in::REFUSES_SIGN_IN.ask)(&evidence), Outcome::Holds);
    probe(&mut evidence, "after", "user", "nobody");
    let outcome = (sign_in::REFUSES_SIGN_IN.ask)(&evidence);
    assert!(
        matches!(&outcome, Outcome::CannotTell(why) if why.contains("attacker")),
        "{outcome:?}"
    );
    // Under bad metadata not to begin is the refusal.
    sent(&mut evidence, Fault::Metadata(MetadataFault::Html));
    assert_eq!((sign_in::REFUSES_SIGN_IN.ask)(&evidence), Outcome::Holds);
}

#[test]
fn an_app_that_does_not_start_has_refused() {
    let mut stopped = nothing();
    stopped.start_problem = Some("it exited with 1".into());
    for check in [
        sign_in::REFUSES_SIGN_IN,
        sign_in::NEVER_AS_SOMEBODY_ELSE,
        authz::NEVER_PLAIN,
    ] {
        assert!(matches!((check.ask)(&stopped), Outcome::HoldsWith(_)), "{check:?}");
    }
}

#[test]
fn a_second_sign_in_that_never_began_accuses_nobody() {
    let mut evidence = signed_in();
    sign_in(&mut evidence, OTHER, "victim", "user");
    probe(&mut evidence, "after", "user", "user");
    probe(&mut evidence, "old", "user", "user");
    never_begun(&mut evidence, OTHER, 200);
    for check in [
        session::SHOWS_SECOND_USER_ONLY,
        session::FIRST_SESSION_IS_DEAD,
        session::SECOND_USER_IS_SIGNED_IN,
        callback::OTHER_TAB_COMPLETES,
    ] {
        assert!(matches!((check.ask)(&evidence), Outcome::CannotTell(_)), "{check:?}");
    }
}

/// By form post a Lax session cookie stays behind: the app is not told of the session that it should end.
#[test]
fn a_session_whose_cookie_stayed_behind_is_a_warning_to_whoever_leaves_it_alive() {
    let cookie = |name: &str, value: String| ("cookie".to_owned(), format!("{name}={value}"));
    let mut evidence = signed_in();
    evidence.target.session_cookies = vec!["sid".into()];
    sign_in(&mut evidence, OTHER, "victim", "user");
    let delivered = evidence
        .hops
        .iter()
        .position(|hop| hop.leg == Leg::Callback && hop.flow == Some(OTHER))
        .unwrap();
    evidence.hops[delivered].request.method = "POST".into();
    evidence.hops[delivered].request.headers = vec![cookie("attempt", random("attempt"))];
    probe(&mut evidence, "old", "user", "user");
    evidence.hops.last_mut().unwrap().request.headers = vec![cookie("sid", sid(MAIN))];
    let asked = |evidence: &Evidence| {
        let must = (session::FIRST_SESSION_IS_DEAD.ask)(evidence);
        (must, (session::WITHHELD_SESSION_IS_DEAD.ask)(evidence))
    };
    let outcome = asked(&evidence);
    assert!(
        matches!(outcome, (Outcome::HoldsWith(_), Outcome::Broken(_))),
        "{outcome:?}"
    );
    for (check, wanted) in [
        ("first-session-is-dead", Level::Must),
        ("withheld-session-is-dead", Level::Should),
    ] {
        assert_eq!(level("session/relogin-other-user", "same-browser", check), Some(wanted));
    }

    // A page that leads on brings the cookie that the callback has just set: that of the new session.
    let page = evidence
        .hops
        .iter()
        .position(|hop| hop.leg == Leg::AfterCallback && hop.flow == Some(OTHER))
        .unwrap();
    evidence.hops[page].request.headers = vec![cookie("sid", sid(OTHER))];
    let outcome = asked(&evidence);
    assert!(
        matches!(outcome, (Outcome::HoldsWith(_), Outcome::Broken(_))),
        "{outcome:?}"
    );

    // Told of it, the app must end it, also when its cookie was written anew in between, as Flask does when a sign-in starts.
    for value in [sid(MAIN), random("the same session, written anew")] {
        evidence.hops[delivered].request.headers = vec![cookie("sid", value)];
        let outcome = asked(&evidence);
        assert!(
            matches!(outcome, (Outcome::Broken(_), Outcome::CannotTell(_))),
            "{outcome:?}"
        );
    }

    probe(&mut evidence, "old", "user", "nobody");
    assert_eq!(asked(&evidence), (Outcome::Holds, Outcome::Holds));
}

/// Apps that allow one session per user end the other one at sign-in; the logout token has nothing to do with it.
#[test]
fn a_session_that_a_second_sign_in_ended_was_not_ended_by_the_logout_token() {
    let ended = |before: &str| {
        let mut evidence = signed_in();
        probe(&mut evidence, "other-before", "victim", before);
        probe(&mut evidence, "other-browser", "victim", "nobody");
        (session::OTHER_SESSION_IS_ALIVE.ask)(&evidence)
    };
    assert!(
        matches!(ended("nobody"), Outcome::HoldsWith(_)),
        "{:?}",
        ended("nobody")
    );
    assert!(matches!(ended("user"), Outcome::Broken(_)), "{:?}", ended("user"));
}

/// Whoever starts a sign-in while he is signed in needs an app that begins one then.
#[test]
fn cases_with_a_second_sign_in_in_one_browser_need_an_app_that_begins_one() {
    use conformance::feature::Feature::SignsInOverSession;
    for case in catalog::all() {
        for variant in case.variants {
            let has = case.needs.contains(&SignsInOverSession) || variant.needs.contains(&SignsInOverSession);
            assert!(
                has || !starts_over_a_session(variant.script),
                "{} {} starts a sign-in over a session",
                case.id,
                variant.name
            );
        }
    }
}

/// Such an app is one whose protected page starts the sign-in, or one that offers none to somebody who is signed in.
#[test]
fn the_control_shows_whether_a_sign_in_begins_over_a_session() {
    use conformance::{
        feature::{Feature::SignsInOverSession, Seen},
        script::FOURTH,
    };
    let mut target: conformance::target::Target = toml::from_str(
        r#"
            url = "http://localhost:3000"
            sign_in = { get = "/login" }
            callback = "/callback"
            session = { probe = "/me", signed_in = { status = 200 }, signed_out = { status = 401 } }
        "#,
    )
    .unwrap();
    let mut control = signed_in();
    sign_in(&mut control, FOURTH, "user", "user");
    assert_eq!(SignsInOverSession.seen(&control, &target), Seen::Yes);
    never_begun(&mut control, FOURTH, 200);
    assert!(matches!(SignsInOverSession.seen(&control, &target), Seen::No(why) if why.contains("begins no sign-in")));
    target.sign_in = conformance::target::SignIn::Protected("/me".into());
    assert!(matches!(SignsInOverSession.seen(&control, &target), Seen::No(why) if why.contains("protected page")));
}

/// Whether somebody starts a sign-in in a browser in which another one was completed.
fn starts_over_a_session(script: &[Step]) -> bool {
    let mut signed_in = Vec::new();
    for step in script {
        match step.act {
            Act::NewBrowser | Act::SignOut(_) | Act::Cookies(_) => signed_in.retain(|who| *who != step.who),
            Act::SignIn(_) | Act::SignInAs(..) | Act::SignInWith(..) | Act::Start(..)
                if signed_in.contains(&step.who) =>
            {
                return true;
            }
            Act::SignIn(_) | Act::SignInAs(..) | Act::SignInWith(..) => signed_in.push(step.who),
            _ => {}
        }
    }
    false
}

#[test]
fn the_first_tab_signed_in_and_the_second_refused_breaks_nothing() {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    sign_in(&mut evidence, OTHER, "user", "user");
    probe(&mut evidence, "first", "user", "user");
    probe(&mut evidence, "last", "user", "user");
    evidence.records.retain(|record| record.flow != Some(FlowId(2)));
    let outcome = (session::LAST_STARTED_SIGNS_IN.ask)(&evidence);
    assert!(matches!(outcome, Outcome::HoldsWith(_)), "{outcome:?}");
    assert_eq!(
        level("session/two-tabs", "first-then-second", "last-started-signs-in"),
        Some(Level::Should)
    );
}

#[test]
fn a_limit_of_unfinished_sign_ins_is_the_apps_own_affair() {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "after", "user", "nobody");
    never_begun(&mut evidence, MAIN, 503);
    let outcome = (session::SIGNS_IN_AFTER_ABANDONED_STARTS.ask)(&evidence);
    assert!(
        matches!(&outcome, Outcome::HoldsWith(note) if note.contains("503")),
        "{outcome:?}"
    );
    never_begun(&mut evidence, MAIN, 500);
    let outcome = (session::SIGNS_IN_AFTER_ABANDONED_STARTS.ask)(&evidence);
    assert!(matches!(outcome, Outcome::Broken(_)), "{outcome:?}");
}

/// Forged callbacks use up the attempt of the browser in which they arrive, so that none is asked to finish later.
#[test]
fn no_forged_callback_arrives_in_a_browser_whose_sign_in_must_work_later() {
    let variant = &case("concurrency/state-store").variants[0];
    let mut forged_for = Vec::new();
    for step in variant.script {
        match step.act {
            Act::Repeat(_, inner) => {
                assert!(
                    matches!(inner[0].act, Act::NewBrowser),
                    "each round has a browser of its own"
                );
                let forgers = inner.iter().filter(|step| matches!(step.act, Act::Callback(_)));
                forged_for.extend(forgers.map(|step| step.who));
            }
            Act::Deliver(..) => assert!(!forged_for.contains(&step.who), "{:?}", step.who),
            _ => {}
        }
    }
    assert!(!forged_for.is_empty());
}

#[test]
fn one_page_for_all_addresses_opens_nothing() {
    let shell = "<div id=root></div><script src=/bundle.js></script><p>Please wait</p>";
    let asked = |page: &str| {
        let mut evidence = nothing();
        for (leg, url) in [
            (Leg::Direct, "http://localhost:3000/no-such-page"),
            (Leg::Probe, "http://localhost:3000/me;x"),
        ] {
            let body = if leg == Leg::Probe { page } else { shell };
            evidence.hops.push(hop(leg, "attacker", url, 200, &[], body));
        }
        evidence.probes.push(conformance::evidence::Probe {
            label: "after".into(),
            who: "attacker".into(),
            hop: 1,
            shows: Shows::Nameless,
        });
        evidence
    };
    assert_eq!((session::TRICK_OPENS_NOTHING.ask)(&asked(shell)), Outcome::Holds);
    assert_eq!((session::NOT_SERVED_WITHOUT_SESSION.ask)(&asked(shell)), Outcome::Holds);
    let other = asked("<h1>Your profile</h1>");
    assert!(matches!(
        (session::TRICK_OPENS_NOTHING.ask)(&other),
        Outcome::HoldsWith(_)
    ));
    assert!(matches!(
        (session::NOT_SERVED_WITHOUT_SESSION.ask)(&other),
        Outcome::Broken(_)
    ));
    assert_eq!((session::NOTHING_WITHOUT_SESSION.ask)(&other), Outcome::Holds);
}

#[test]
fn what_the_harness_sent_twice_is_not_the_apps_duplicate() {
    let mut evidence = signed_in();
    edited(&mut evidence, Leg::Callback);
    for record in &mut evidence.records {
        if let Event::Received {
            endpoint: Endpoint::Token,
            request,
            ..
        } = &mut record.event
        {
            request.body.push_str("&code=once-more");
        }
    }
    let outcome = (token_request::TOKEN_REQUEST_IS_WELL_FORMED.ask)(&evidence);
    assert!(matches!(outcome, Outcome::CannotTell(_)), "{outcome:?}");
    // Without the edit it is the app's own.
    evidence.hops.iter_mut().for_each(|hop| hop.unedited = None);
    let outcome = (token_request::TOKEN_REQUEST_IS_WELL_FORMED.ask)(&evidence);
    assert!(matches!(outcome, Outcome::Broken(_)), "{outcome:?}");
}

/// golang.org/x/oauth2 tries the other way to authenticate after a refusal.
#[test]
fn another_try_after_a_refusal_is_no_second_way_to_authenticate() {
    let mut evidence = many();
    evidence.flows[3].faults = vec![Fault::TokenResponse(TokenResponseFault::InvalidClient)];
    let posted = format!(
        "grant_type=authorization_code&code=c&client_id=client&client_secret={}",
        crate::made::SECRET
    );
    let headers = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    let again = received(Endpoint::Token, "POST", "/oauth2/default/v1/token", &headers, &posted);
    record(&mut evidence, FlowId(4), again.clone());
    assert_eq!(
        (token_request::ONE_CLIENT_AUTHENTICATION.ask)(&evidence),
        Outcome::Holds
    );
    record(&mut evidence, FlowId(5), again);
    let outcome = (token_request::ONE_CLIENT_AUTHENTICATION.ask)(&evidence);
    assert!(matches!(outcome, Outcome::Broken(_)), "{outcome:?}");
}

#[test]
fn no_link_puts_a_query_on_the_post_of_a_form() {
    // What a link cannot do is not edited: see `walk::sign_in`. Here: only what breaks a clause fails.
    for (variant, wanted) in [
        ("state", Level::Must),
        ("code-challenge", Level::Must),
        ("prompt", Level::Should),
    ] {
        let asked = level(
            "authorization/params-not-injectable",
            variant,
            "parameters-not-injected",
        );
        assert_eq!(asked, Some(wanted), "{variant}");
    }
}

#[test]
fn levels_say_what_the_clause_says() {
    let should = [
        ("jwks/unknown-keys", "null-entry", "signs-in-as-user"),
        ("jwks/unknown-keys", "other-types", "signs-in-as-user"),
        ("token-response/error-in-200", "with-tokens", "refuses-sign-in"),
        ("authorization/state-unique", "fifty-starts", "state-is-long"),
        ("authorization/nonce-unique", "fifty-starts", "nonce-is-long"),
        ("concurrency/state-store", "two-hundred-starts", "stays-clean"),
        ("concurrency/n-users", "twenty-users", "each-as-itself"),
        ("redirect/malformed-target", "percent", "stays-clean"),
        ("userinfo/missing-optional", "absent", "signed-in-or-told"),
        ("userinfo/jwt-response", "wrong-aud", "never-as-somebody-else"),
        ("id-token/iat-missing", "absent", "refuses-sign-in"),
        ("id-token/duplicate-claims", "aud-wrong-last", "refuses-sign-in"),
    ];
    for (id, variant, check) in should {
        assert_eq!(level(id, variant, check), Some(Level::Should), "{id} {variant} {check}");
    }
    let must = [
        ("jwks/unknown-keys", "decorated", "signs-in-as-user"),
        ("token-response/error-in-200", "alone", "refuses-sign-in"),
        ("concurrency/n-users", "twenty-users", "nobody-as-another"),
        ("concurrency/state-store", "two-hundred-starts", "bad-ones-refused"),
        ("userinfo/jwt-response", "bad-signature", "never-as-somebody-else"),
        ("userinfo/redirect", "302", "no-secret-at-second-origin"),
    ];
    for (id, variant, check) in must {
        assert_eq!(level(id, variant, check), Some(Level::Must), "{id} {variant} {check}");
    }
    // Of two claims of one name a parser may take the last (RFC 7519 §4).
    for variant in [
        "sub-victim-last",
        "sub-victim-first",
        "aud-wrong-first",
        "nonce-wrong-first",
        "iss-wrong-first",
    ] {
        let asked = level("id-token/duplicate-claims", variant, "refuses-sign-in");
        assert_eq!(asked, Some(Level::May), "{variant}");
    }
    // That a client follows no redirect is a verification requirement, and no MUST of OAuth's.
    let asked = level("token-response/redirect", "307", "no-secret-at-second-origin");
    assert_eq!(asked, Some(Level::MustStar));
}

#[test]
fn ninety_five_bits_are_a_warning() {
    let mut evidence = many();
    for flow in &mut evidence.flows {
        let request = flow.authorization_request.as_mut().unwrap();
        let at = request.find("&state=").unwrap() + 7;
        let end = request[at..].find('&').map_or(request.len(), |end| at + end);
        request.replace_range(at + 16..end, "");
    }
    assert_eq!((authz::STATE_IS_UNPREDICTABLE.ask)(&evidence), Outcome::Holds);
    assert!(matches!((authz::STATE_IS_LONG.ask)(&evidence), Outcome::Broken(_)));
}

#[test]
fn a_confidential_client_with_a_nonce_may_do_without_pkce() {
    let mut evidence = signed_in();
    swap(&mut evidence, "&code_challenge=", "&x=");
    swap(&mut evidence, "&code_challenge_method=S256", "");
    assert_eq!((authz::PKCE_IS_S256.ask)(&evidence), Outcome::Holds);
    assert!(matches!((authz::PKCE_IS_SENT.ask)(&evidence), Outcome::Broken(_)));
    evidence.target.client_secret = None;
    assert!(
        matches!((authz::PKCE_IS_S256.ask)(&evidence), Outcome::Broken(_)),
        "a public client must"
    );
}

#[test]
fn another_port_of_the_apps_host_is_not_foreign() {
    let leads_to = |url: &str| {
        let mut evidence = signed_in();
        let page = hop(
            Leg::Direct,
            "user",
            "http://localhost:3000/next",
            302,
            &[("location", url.to_owned())],
            "",
        );
        evidence.hops.push(page);
        (redirects::STAYS_INSIDE.ask)(&evidence)
    };
    assert_eq!(leads_to("http://localhost:5173/home"), Outcome::Holds);
    assert!(matches!(leads_to("http://127.0.0.1:9999/landing"), Outcome::Broken(_)));
    assert!(matches!(leads_to("http://evil.example/"), Outcome::Broken(_)));
    let loads = |from: &str| {
        let mut evidence = signed_in();
        let body = format!("<script src=\"{from}/x.js\"></script>");
        let mut page = hop(
            Leg::Callback,
            "user",
            "http://localhost:3000/callback",
            200,
            &[("content-type", "text/html".to_owned())],
            &body,
        );
        page.flow = Some(MAIN);
        evidence.hops.push(page);
        (callback::CALLBACK_LOADS_NOTHING_FOREIGN.ask)(&evidence)
    };
    assert_eq!(loads("http://localhost:5173"), Outcome::Holds);
    assert!(matches!(loads("https://cdn.example"), Outcome::Broken(_)));
}

#[test]
fn the_first_fetch_of_the_keys_is_not_counted() {
    let fetched = |count: usize| {
        let mut evidence = nothing();
        for _ in 0..count {
            record(
                &mut evidence,
                FlowId(1),
                received(Endpoint::Jwks, "GET", "/keys", &[], ""),
            );
        }
        (keys::FETCHES_STAY_BOUNDED.ask)(&evidence)
    };
    assert_eq!(fetched(21), Outcome::Holds);
    assert!(matches!(fetched(22), Outcome::Broken(_)));
}

/// With several keys in the set the issuer owes a kid (OIDC Core §10.1): the variant that must be accepted adds none to the
/// one that a fresh issuer publishes.
#[test]
fn one_key_means_one_key() {
    let case = case("id-token/kid-absent-one-key");
    let variant = case.variants.iter().find(|variant| variant.name == "one-key").unwrap();
    assert!(!variant.faults.iter().any(|fault| matches!(fault, Fault::Jwks(_))));
    // No clause makes a client accept a token without kid: OIDC Core §10.1 binds who writes it.
    for (variant, wanted) in [("one-key", Level::Should), ("one-usable-key", Level::May)] {
        let found = level("id-token/kid-absent-one-key", variant, "signs-in-as-user");
        assert_eq!(found, Some(wanted), "{variant}");
    }
}

/// A client that may rely on TLS instead of the signature accepts a token whatever key its header names: profile `core` warns.
#[test]
fn a_key_in_the_header_is_not_held_against_whoever_may_rely_on_tls() {
    for id in [
        "id-token/kid-injection",
        "id-token/header-jwk",
        "id-token/header-jku",
        "id-token/header-x5u-x5c",
    ] {
        for variant in case(id).variants {
            assert_eq!(
                level(id, variant.name, "refuses-sign-in"),
                Some(Level::MustStar),
                "{id} {}",
                variant.name
            );
            let fetched = level(id, variant.name, "nothing-at-second-origin");
            assert_eq!(fetched, Some(Level::Must), "{id} {}", variant.name);
        }
    }
}

#[test]
fn a_page_after_sign_out_that_was_never_seen_passes_nothing() {
    let mut evidence = signed_in();
    let leaving = "http://127.0.0.1:9494/oauth2/default/v1/logout?id_token_hint=x&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F";
    evidence.hops.push(hop(Leg::EndSession, "user", leaving, 500, &[], ""));
    let outcome = (logout::RETURN_PAGE_IS_PUBLIC.ask)(&evidence);
    assert!(matches!(outcome, Outcome::CannotTell(_)), "{outcome:?}");
    swap(&mut evidence, "post_logout_redirect_uri", "x");
    let outcome = (logout::RETURN_PAGE_IS_PUBLIC.ask)(&evidence);
    assert!(matches!(outcome, Outcome::Absent(_)), "{outcome:?}");
}

#[test]
fn a_long_session_id_is_judged_like_a_short_one() {
    let judged = |make: &dyn Fn(u16) -> String| {
        let mut evidence = many();
        for slot in 0..20 {
            swap(&mut evidence, &sid(Slot(slot)), &make(slot));
            for hop in evidence.hops.iter_mut().filter(|hop| hop.flow == Some(Slot(slot))) {
                hop.done = Stamp(1_790_000_000_000_000 + u64::from(slot) * 3_000_000);
            }
        }
        (cookies::SESSION_ID_IS_UNPREDICTABLE.ask)(&evidence)
    };
    let counted = judged(&|slot| format!("{}{:08}", "0".repeat(150), 4000 + slot));
    assert!(
        matches!(&counted, Outcome::Broken(why) if why.contains("count")),
        "{counted:?}"
    );
    let drawn = judged(&|slot| {
        format!(
            "{}{}",
            random(&format!("a{slot}")).repeat(4),
            random(&format!("b{slot}"))
        )
    });
    assert_eq!(drawn, Outcome::Holds);
}

#[test]
fn a_foreign_message_in_a_form_post_is_seen() {
    let text = "Your account was locked for your own safety. Please call 0800 123456 at once.";
    let mut evidence = signed_in();
    let body = format!("<p>{text}</p>");
    let mut page = hop(
        Leg::Callback,
        "user",
        "http://localhost:3000/callback",
        400,
        &[("content-type", "text/html".to_owned())],
        &body,
    );
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("error_description", text)
        .finish();
    page.request.method = "POST".into();
    page.unedited = Some(Box::new(page.request.clone()));
    page.request.body = form;
    evidence.hops.push(page);
    let outcome = (pages::SHOWS_NO_FOREIGN_MESSAGE.ask)(&evidence);
    assert!(matches!(outcome, Outcome::Broken(_)), "{outcome:?}");
}

#[test]
fn a_visit_that_got_no_answer_is_not_polite() {
    let outcome = (metadata::FAILS_POLITELY.ask)(&nothing());
    assert!(matches!(outcome, Outcome::CannotTell(_)), "{outcome:?}");
}

/// State, device, language and flash cookies are no session, whatever they are called.
#[test]
fn only_cookies_that_were_found_to_carry_a_session_are_one() {
    let mut evidence = signed_in();
    let state = random("state 0");
    let callback = evidence.hops.iter_mut().find(|hop| hop.leg == Leg::Callback).unwrap();
    if let Answer::Http { headers, .. } = &mut callback.response {
        headers.push(("set-cookie".into(), format!("last_state={state}; Path=/")));
        headers.push((
            "set-cookie".into(),
            format!("device={}; Path=/; Domain=example.test", random("device")),
        ));
    }
    for check in [
        cookies::SESSION_COOKIE_IS_HTTP_ONLY,
        cookies::SESSION_COOKIE_IS_NARROW,
        cookies::SESSION_ID_IS_NOT_IN_URLS,
        cookies::FLOW_COOKIES_HAVE_FLAGS,
        authz::STATE_HOLDS_NO_SECRET,
    ] {
        assert_eq!((check.ask)(&evidence), Outcome::Holds, "{check:?}");
    }
    evidence.target.session_cookies.push("last_state".into());
    assert!(matches!(
        (cookies::SESSION_ID_IS_NOT_IN_URLS.ask)(&evidence),
        Outcome::Broken(_)
    ));
}

/// A language, a consent, a design: whatever is the same for everybody and has nothing to do with signing in.
#[test]
fn two_visitors_may_share_a_cookie_that_is_not_of_the_sign_in() {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    sign_in(&mut evidence, OTHER, "attacker", "attacker");
    for start in evidence.hops.iter_mut().filter(|hop| hop.leg == Leg::SignInStart) {
        let Answer::Http { headers, .. } = &mut start.response else {
            panic!("a start was answered")
        };
        headers.push(("set-cookie".into(), "language=c%3Den%7Cuic%3Den; Path=/".into()));
    }
    assert_eq!((authz::STARTS_SHARE_NOTHING.ask)(&evidence), Outcome::Holds);
    // The same cookie once a sign-in depends on it.
    evidence.target.flow_cookies = vec!["lang*".into()];
    assert!(matches!(
        (authz::STARTS_SHARE_NOTHING.ask)(&evidence),
        Outcome::Broken(_)
    ));
}

/// Some apps lead on by a `Refresh` header and a page instead of a redirect.
#[test]
fn a_start_that_leads_on_by_a_page_is_seen() {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    let start = evidence
        .hops
        .iter_mut()
        .find(|hop| hop.leg == Leg::SignInStart)
        .unwrap();
    if let Answer::Http { status, headers, .. } = &mut start.response {
        *status = 200;
        let location = headers.iter_mut().find(|(name, _)| name == "location").unwrap();
        *location = ("refresh".into(), format!("0;URL={}", location.1));
    }
    assert_eq!((authz::START_IS_NOT_CACHEABLE.ask)(&evidence), Outcome::Holds);
    swap(&mut evidence, "no-store", "max-age=60");
    assert!(matches!(
        (authz::START_IS_NOT_CACHEABLE.ask)(&evidence),
        Outcome::Broken(_)
    ));
}

/// Five seconds are the default of many clients: an answer after five is a race.
#[test]
fn a_slow_answer_is_quicker_than_the_usual_time_limit() {
    let pause = mock_idp::Scenario::honest(mock_idp::flow::scenario::Persona::default()).pause;
    assert!(pause < std::time::Duration::from_secs(5), "{pause:?}");
}

/// A pattern stands for cookies that are named after their attempt.
#[test]
fn a_flow_cookie_may_have_another_name_in_every_attempt() {
    let mut evidence = signed_in();
    swap(&mut evidence, "attempt=", "tx.0815=");
    evidence.target.flow_cookies = vec!["tx.*".into()];
    assert_eq!((cookies::FLOW_COOKIES_HAVE_FLAGS.ask)(&evidence), Outcome::Holds);
    swap(
        &mut evidence,
        "; HttpOnly; SameSite=Lax; Max-Age=600",
        "; SameSite=Lax; Max-Age=600",
    );
    assert!(matches!(
        (cookies::FLOW_COOKIES_HAVE_FLAGS.ask)(&evidence),
        Outcome::Broken(_)
    ));
}

/// Every case that can fail names what it stands on, and every deviation its reason.
#[test]
fn cases_that_fail_stand_on_a_clause_and_deviations_on_a_reason() {
    for case in catalog::all() {
        let fails = |expect: &conformance::case::Expect| expect.level >= Level::MustStar;
        let can_fail = case.variants.iter().flat_map(|variant| variant.expect).any(fails);
        // "A robust app does so" is no clause.
        let clauses = case
            .spec
            .iter()
            .filter(|clause| clause.standard.name != "robustness")
            .count();
        assert!(
            !can_fail || clauses > 0 || only_guards_identity(case),
            "{} fails without a clause",
            case.id
        );
        if let Some(reason) = case.deviation {
            assert!(reason.len() > 20 && reason.ends_with('.'), "{}: `{reason}`", case.id);
        }
    }
}

/// Whether all that fails is that somebody is signed in, or shown, who should not be.
fn only_guards_identity(case: &Case) -> bool {
    let guards = [
        "shows-no-stranger",
        "never-as-somebody-else",
        "nobody-as-another",
        "bad-ones-refused",
        "refuses-sign-in",
    ];
    let mut fails = case.variants.iter().flat_map(|variant| variant.expect);
    fails.all(|expect| expect.level < Level::MustStar || guards.contains(&expect.check.id))
}

/// No verdict is a warning whose checks all hold: what the judge counts stands among the checks.
#[test]
fn every_refusal_is_asked_whether_it_was_clean() {
    for case in catalog::all().filter(|case| !case.positive && case.level > Level::May) {
        for variant in case.variants.iter().filter(|variant| !variant.script.is_empty()) {
            let asks = case.asks(variant);
            let measured = ["stays-clean", "fails-politely", "signs-in-as-user"];
            let asked = asks
                .iter()
                .any(|expect| measured.contains(&expect.check.id) || expect.check.id.starts_with("logout-token"));
            assert!(asked, "{} {}", case.id, variant.name);
        }
    }
}

/// That the sign-in of a case did not work decides nothing about what comes after it.
#[test]
fn a_sign_in_that_failed_leaves_nothing_to_judge() {
    let mut evidence = signed_in();
    assert_eq!((session::SIGNED_IN_AFTER.ask)(&evidence), Outcome::Holds);
    probe(&mut evidence, "after", "user", "nobody");
    let outcome = (session::SIGNED_IN_AFTER.ask)(&evidence);
    assert!(matches!(outcome, Outcome::CannotTell(_)), "{outcome:?}");
}
