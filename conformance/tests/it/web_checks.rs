//! Every check of the browser-side groups, on evidence on which it holds and on evidence that was spoilt in one place.

use std::collections::BTreeSet;

use conformance::{
    catalog,
    check::{
        Check, authorization as authz, callback, cookies, crowd, leaks, logout, pages, redirects, session, sign_in,
        token_request as token,
    },
    evidence::{Answer, Evidence, Hop, Leg, Shows},
    outcome::Outcome,
    script::{MAIN, OTHER, Slot},
};
use mock_idp::{
    Fault,
    flow::{
        fault::IdTokenFault,
        record::{Endpoint, Event, Stamp},
        scenario::{FlowId, Point},
    },
};

use crate::made::{
    edited, email, hop, many, nothing, probe, random, received, record, session as sid, sign_in, signed_in, swap,
};

/// A check, evidence on which it holds, and what spoils it.
struct Row {
    check: Check,
    good: fn() -> Evidence,
    spoil: fn(&mut Evidence),
}

fn row(check: Check, good: fn() -> Evidence, spoil: fn(&mut Evidence)) -> Row {
    Row { check, good, spoil }
}

#[test]
fn every_check_holds_on_an_honest_app_and_sees_its_mistake() {
    for Row { check, good, spoil } in rows() {
        let mut evidence = good();
        let outcome = (check.ask)(&evidence);
        assert!(
            matches!(outcome, Outcome::Holds | Outcome::HoldsWith(_)),
            "{check:?} on honest evidence: {outcome:?}"
        );
        spoil(&mut evidence);
        let outcome = (check.ask)(&evidence);
        assert!(
            matches!(outcome, Outcome::Broken(_)),
            "{check:?} on spoilt evidence: {outcome:?}"
        );
    }
}

#[test]
fn what_a_browser_asks_for_a_script_beforehand_is_no_token_request() {
    let mut evidence = signed_in();
    let preflight = received(Endpoint::Token, "OPTIONS", "/oauth2/default/v1/token", &[], "");
    record(&mut evidence, FlowId(1), preflight);
    let outcome = (token::TOKEN_REQUEST_IS_WELL_FORMED.ask)(&evidence);
    assert_eq!(outcome, Outcome::Holds);
}

#[test]
fn a_page_is_judged_as_scripts_have_made_it() {
    let mut evidence = signed_in();
    let shell = "<main>Loading</main><script src=/main.js></script>";
    let last = evidence.hops.len() - 1;
    let page = &mut evidence.hops[last];
    assert!(matches!(page.leg, Leg::AfterCallback | Leg::Probe));
    let Answer::Http { body, .. } = &mut page.response else {
        unreachable!()
    };
    *body = shell.into();
    let marked = format!("<main><img src=x data-x=\"{}\"></main>", email("victim"));
    assert_eq!((sign_in::SHOWS_NO_STRANGER.ask)(&evidence), Outcome::Holds);
    evidence.hops[last].rendered = Some(marked);
    assert!(matches!(
        (sign_in::SHOWS_NO_STRANGER.ask)(&evidence),
        Outcome::Broken(_)
    ));
}

/// What Flask and others do: the cookie holds the session, a clock that counts seconds, and a signature.
#[test]
fn a_cookie_that_is_the_session_may_repeat_within_a_second_and_not_for_ever() {
    let sealed = |second: usize| format!("{}.{second}.{}", "e".repeat(200), random(&second.to_string()));
    // Each sign-in at its millisecond, its cookie sealed in this second.
    let judged = |moments: &[(u64, usize)]| {
        let mut evidence = many();
        for (slot, (at, second)) in (0..20).zip(moments.iter().cycle()) {
            let slot = Slot(slot);
            swap(&mut evidence, &sid(slot), &sealed(*second));
            for hop in evidence.hops.iter_mut().filter(|hop| hop.flow == Some(slot)) {
                (hop.at, hop.done) = (Stamp(at * 1000), Stamp(at * 1000));
            }
        }
        (cookies::SESSION_ID_IS_UNPREDICTABLE.ask)(&evidence)
    };
    let twice = judged(&[(100, 1), (3100, 4)]);
    assert!(
        matches!(&twice, Outcome::HoldsWith(note) if note.contains("no id to guess")),
        "{twice:?}"
    );
    let always = judged(&[(100, 1), (3100, 1)]);
    assert!(matches!(&always, Outcome::Broken(_)), "{always:?}");
    let at_once = judged(&[(100, 1), (700, 1)]);
    assert!(matches!(&at_once, Outcome::CannotTell(_)), "{at_once:?}");
}

#[test]
fn every_check_of_these_groups_is_in_the_table() {
    let asked: BTreeSet<&str> = catalog::GROUPS
        .iter()
        .filter(|(group, _)| {
            [
                "authorization",
                "callback",
                "token-request",
                "session",
                "redirect",
                "logout",
                "robustness",
                "concurrency",
            ]
            .contains(group)
        })
        .flat_map(|(_, cases)| cases.iter())
        .flat_map(|case| case.variants)
        .flat_map(|variant| variant.expect)
        .map(|expect| expect.check.id)
        .collect();
    let mut tried: BTreeSet<&str> = rows().iter().map(|row| row.check.id).collect();
    // Never broken: without the sign-in there is nothing to judge.
    tried.insert("signed-in-after");
    assert_eq!(asked.difference(&tried).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn no_check_is_sure_of_anything_when_nothing_was_seen() {
    // Checks that ask whether something bad was seen hold when nothing was; a verdict stands on others beside them.
    let negative = [
        "stays-clean",
        "shows-no-stranger",
        "never-as-somebody-else",
        "no-header-injected",
        "no-empty-hint",
        "errors-leak-nothing",
        "no-token-request",
        "no-second-token-request",
        "at-most-two-token-requests",
        "stops-restarting",
        "shows-no-foreign-message",
        "flow-cookies-have-flags",
        "set-cookie-is-not-public",
        "cookie-header-stays-small",
        "session-cookie-is-secure",
    ];
    let sure: BTreeSet<&str> = rows()
        .iter()
        .filter(|row| !matches!((row.check.ask)(&Evidence::default()), Outcome::CannotTell(_)))
        .map(|row| row.check.id)
        .filter(|id| !negative.contains(id))
        .collect();
    assert_eq!(sure, BTreeSet::new());
}

#[test]
fn what_the_target_declares_is_no_finding() {
    let mut accepted = signed_in();
    assert!(matches!(
        (callback::REFUSES_FOREIGN_STATE.ask)(&accepted),
        Outcome::Broken(_)
    ));
    accepted.target.csrf_by_pkce = true;
    assert!(matches!(
        (callback::REFUSES_FOREIGN_STATE.ask)(&accepted),
        Outcome::HoldsWith(_)
    ));
    // Without PKCE in place the declaration is empty.
    swap(&mut accepted, "code_challenge_method=S256", "x=y");
    assert!(matches!(
        (callback::REFUSES_FOREIGN_STATE.ask)(&accepted),
        Outcome::Broken(_)
    ));

    let mut spoofed = spoofed_start();
    swap(
        &mut spoofed,
        "redirect_uri=http%3A%2F%2Flocalhost%3A3000",
        "redirect_uri=http%3A%2F%2Fevil.example",
    );
    assert!(matches!(
        (authz::REDIRECT_URI_UNMOVED.ask)(&spoofed),
        Outcome::Broken(_)
    ));
    spoofed.target.trusted_headers = vec!["x-forwarded-host".into()];
    assert!(matches!(
        (authz::REDIRECT_URI_UNMOVED.ask)(&spoofed),
        Outcome::HoldsWith(_)
    ));

    let mut injected = injected_start();
    injected.target.login_params = vec!["prompt".into()];
    swap(&mut injected, "state=", "prompt=none&state=");
    assert_eq!((authz::PARAMETERS_NOT_INJECTED.ask)(&injected), Outcome::Holds);
}

#[test]
fn what_the_harness_disturbed_is_not_held_against_the_app() {
    // A replayed code: two token requests for one code, but also two callbacks.
    let mut replayed = signed_in();
    let callback = replayed
        .hops
        .iter()
        .find(|hop| hop.leg == Leg::Callback)
        .cloned()
        .unwrap();
    replayed.hops.push(callback);
    let again = replayed
        .records
        .iter()
        .find(|record| is_token_request(&record.event))
        .cloned()
        .unwrap();
    replayed.records.push(again);
    assert!(matches!(
        (token::ONE_TOKEN_REQUEST_PER_CALLBACK.ask)(&replayed),
        Outcome::CannotTell(_)
    ));

    // An authorization request whose challenge was taken out on the way.
    let mut stripped = signed_in();
    let verifier = random("verifier 0");
    let event = &mut stripped.records[0].event;
    let Event::Received { request, .. } = event else {
        panic!("the first event is the authorization request")
    };
    request.target = request.target.replace("code_challenge", "x");
    assert!(
        matches!((token::VERIFIER_FITS.ask)(&stripped), Outcome::CannotTell(_)),
        "{verifier}"
    );

    // A token that the harness itself put into an address.
    let mut given = signed_in();
    let access = format!("eyJ.access.{}", random("access 0"));
    let hop = edited(&mut given, Leg::Callback);
    hop.url = format!("http://localhost:3000/callback?access_token={access}");
    hop.request.target = format!("/callback?access_token={access}");
    assert_eq!((leaks::NO_SECRET_IN_URLS.ask)(&given), Outcome::Holds);

    // A start with parameters that the harness added.
    let mut edited_start = signed_in();
    edited_start.flows[0].start_edited = true;
    swap(&mut edited_start, "response_type=code", "response_type=token");
    assert!(matches!(
        (authz::RESPONSE_TYPE_IS_CODE.ask)(&edited_start),
        Outcome::CannotTell(_)
    ));
}

/// How many people at once an app serves is its own affair, as long as it says so: 503 with `Retry-After`, or 429.
#[test]
fn whom_an_app_turns_away_from_a_crowd_is_not_held_against_it() {
    let mut crowd = crowded();
    for number in 16..20 {
        turn_away(&mut crowd, &format!("crowd-{number}"));
    }
    for check in [crowd::EACH_AS_ITSELF, crowd::EXACTLY_THE_GOOD_ONES] {
        let outcome = (check.ask)(&crowd);
        assert!(
            matches!(&outcome, Outcome::HoldsWith(note) if note.contains("16 sign-ins; 4 more were turned away")),
            "{check:?}: {outcome:?}"
        );
    }
    assert_eq!((sign_in::STAYS_CLEAN.ask)(&crowd), Outcome::Holds);
    // An app that serves nobody at all has shown nothing.
    for number in 1..16 {
        turn_away(&mut crowd, &format!("crowd-{number}"));
    }
    let outcome = (crowd::EACH_AS_ITSELF.ask)(&crowd);
    assert!(matches!(outcome, Outcome::CannotTell(_)), "{outcome:?}");
    // The same answer without the limit's words is a server error, and one person alone is no crowd.
    set_header(&mut crowd, Leg::Callback, "retry-after", None);
    assert!(matches!((sign_in::STAYS_CLEAN.ask)(&crowd), Outcome::Broken(_)));
    let mut alone = signed_in();
    turn_away(&mut alone, "user");
    assert!(matches!((sign_in::STAYS_CLEAN.ask)(&alone), Outcome::Broken(_)));
}

/// Whoever waits for a held reply is not one of those who had to wait for it.
#[test]
fn several_held_replies_do_not_accuse_one_another() {
    let mut evidence = one_held();
    let point = Point::TokenResponse;
    record(&mut evidence, FlowId(2), Event::Released { point });
    evidence.records.last_mut().unwrap().at = Stamp(u64::MAX);
    sign_in(&mut evidence, Slot(2), "attacker", "attacker");
    assert_eq!((crowd::OTHERS_DO_NOT_WAIT.ask)(&evidence), Outcome::Holds);
}

#[test]
fn a_frame_without_cookies_proves_nothing() {
    let mut framed = framed();
    framed
        .hops
        .iter_mut()
        .filter(|hop| hop.leg == Leg::Direct)
        .for_each(|hop| hop.request.headers.clear());
    framed.probes.last_mut().unwrap().shows = Shows::Person("user".into());
    assert!(matches!(
        (logout::FRAME_ENDS_SESSION.ask)(&framed),
        Outcome::CannotTell(_)
    ));
}

#[test]
fn one_secret_in_clear_is_found_in_every_wrapping() {
    use base64::Engine;
    let verifier = random("verifier 0");
    let wrapped = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"v\":\"{verifier}\"}}"));
    for value in [
        verifier.clone(),
        format!("{wrapped}.signature"),
        format!("%22{verifier}%22"),
    ] {
        let mut evidence = signed_in();
        swap(&mut evidence, "attempt=", &format!("attempt={value}"));
        let outcome = (leaks::VERIFIER_COOKIE_IS_ENCRYPTED.ask)(&evidence);
        assert!(matches!(outcome, Outcome::Broken(_)), "{value}: {outcome:?}");
    }
}

fn is_token_request(event: &Event) -> bool {
    matches!(
        event,
        Event::Received {
            endpoint: Endpoint::Token,
            ..
        }
    )
}

/// Leaves sixteen characters, 96 bits, of this parameter in every request.
fn shorten(evidence: &mut Evidence, name: &str) {
    for flow in &mut evidence.flows {
        let request = flow.authorization_request.as_mut().unwrap();
        let at = request.find(&format!("&{name}=")).unwrap() + name.len() + 2;
        let end = request[at..].find('&').map_or(request.len(), |end| at + end);
        request.replace_range(at + 16..end, "");
    }
}

/// Takes the user out: what was a sign-in is now a refusal.
fn refused() -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "after", "user", "nobody");
    evidence.records.retain(|record| !is_token_request(&record.event));
    evidence
}

fn accept(evidence: &mut Evidence) {
    probe(evidence, "after", "user", "user");
}

fn spoofed_start() -> Evidence {
    let mut evidence = signed_in();
    let start = edited(&mut evidence, Leg::SignInStart);
    start
        .request
        .headers
        .push(("x-forwarded-host".into(), "evil.example".into()));
    evidence
}

fn injected_start() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, OTHER, "user", "user");
    sign_in(&mut evidence, MAIN, "user", "user");
    let start = edited(&mut evidence, Leg::SignInStart);
    start.request.target = "/login?prompt=none".into();
    evidence
}

fn two_visitors() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    sign_in(&mut evidence, OTHER, "attacker", "attacker");
    evidence
}

fn labelled(label: &'static str, shows: &'static str) -> Evidence {
    let mut evidence = signed_in();
    probe(&mut evidence, label, "user", shows);
    evidence
}

/// A session that was ended: saved cookies show nobody.
fn signed_out() -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "signed-in", "user", "user");
    let id_token = format!("eyJ.id.{}", random("id 0"));
    let leaving = format!(
        "http://127.0.0.1:9494/oauth2/default/v1/logout?id_token_hint={id_token}\
         &post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F&state=abc"
    );
    evidence.hops.push(hop(
        Leg::SignOut,
        "user",
        "http://localhost:3000/signout",
        303,
        &[
            ("location", leaving.clone()),
            ("set-cookie", "sid=; Path=/; Max-Age=0".into()),
        ],
        "",
    ));
    evidence.hops.push(hop(
        Leg::EndSession,
        "user",
        &leaving,
        302,
        &[("location", "http://localhost:3000/".into())],
        "",
    ));
    evidence.hops.push(hop(
        Leg::AfterSignOut,
        "user",
        "http://localhost:3000/",
        200,
        &[],
        "<a href=/login>Sign in</a>",
    ));
    let target = leaving.trim_start_matches("http://127.0.0.1:9494").to_owned();
    record(
        &mut evidence,
        FlowId(1),
        received(Endpoint::Logout, "GET", &target, &[], ""),
    );
    evidence.saved.insert("live".into(), vec![("sid".into(), sid(MAIN))]);
    evidence.saved.insert("after".into(), Vec::new());
    probe(&mut evidence, "after", "user", "nobody");
    probe(&mut evidence, "jar", "user", "nobody");
    evidence
}

/// Signed in, out, and in again.
fn twice() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, OTHER, "user", "user");
    sign_in(&mut evidence, MAIN, "user", "user");
    evidence.saved.insert("first".into(), vec![("sid".into(), sid(OTHER))]);
    evidence.saved.insert("second".into(), vec![("sid".into(), sid(MAIN))]);
    evidence
}

/// A logout token was posted and answered with 200; the user and two others were signed in.
fn notified() -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "signed-in", "user", "user");
    posted(&mut evidence, Some(200), "no-store");
    probe(&mut evidence, "after", "user", "nobody");
    probe(&mut evidence, "other-browser", "victim", "user");
    probe(&mut evidence, "stranger", "attacker", "attacker");
    evidence
}

/// A logout token was refused.
fn unmoved() -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "signed-in", "user", "user");
    posted(&mut evidence, Some(400), "no-store");
    probe(&mut evidence, "after", "user", "user");
    evidence
}

fn posted(evidence: &mut Evidence, status: Option<u16>, cache_control: &str) {
    record(
        evidence,
        FlowId(1),
        Event::LogoutTokenPosted {
            url: "http://localhost:3000/backchannel-logout".into(),
            token: "eyJ.logout.token".into(),
            status,
            headers: vec![("Cache-Control".into(), cache_control.into())],
            problem: status.is_none().then(|| "connection refused".into()),
        },
    );
}

/// The front-channel logout URI was loaded with cookies.
fn framed() -> Evidence {
    let mut evidence = signed_in();
    evidence.probes.clear();
    probe(&mut evidence, "signed-in", "user", "user");
    let mut frame = hop(
        Leg::Direct,
        "user",
        "http://localhost:3000/frontchannel-logout?iss=x&sid=y",
        200,
        &[
            ("cache-control", "no-store".into()),
            (
                "content-security-policy",
                "frame-ancestors http://127.0.0.1:9494".into(),
            ),
        ],
        "",
    );
    frame.flow = Some(MAIN);
    frame
        .request
        .headers
        .push(("cookie".into(), format!("sid={}", sid(MAIN))));
    evidence.hops.push(frame);
    probe(&mut evidence, "after", "user", "nobody");
    evidence
}

/// Twenty people, each himself.
fn crowded() -> Evidence {
    let mut evidence = nothing();
    for number in 0..20 {
        let name = format!("crowd-{number}");
        let mut person = evidence.people[0].clone();
        person.name.clone_from(&name);
        person.persona.email = email(&name);
        person.persona.login = email(&name);
        person.persona.sub = format!("00u{name}canary");
        person.persona.family_name = format!("Canary{name}");
        person.persona.id_token_name = format!("Idtoken {name}");
        person.persona.userinfo_name = format!("Userinfo {name}");
        evidence.people.push(person);
        sign_in(&mut evidence, Slot(100 + number), &name, &name);
        probe(&mut evidence, crowd::CROWD, &name, &name);
    }
    evidence
}

/// The app answers this member of a crowd with 503 and the time after which it is worth another try.
fn turn_away(evidence: &mut Evidence, name: &str) {
    let busy = [("retry-after".to_owned(), "2".to_owned())];
    for hop in evidence.hops.iter_mut().filter(|hop| hop.who == name) {
        hop.response = Answer::Http {
            status: 503,
            headers: busy.to_vec(),
            body: String::new(),
            truncated: false,
        };
    }
    for probe in evidence.probes.iter_mut().filter(|probe| probe.who == name) {
        probe.shows = Shows::Nobody;
    }
}

/// Two people, the first of whom waits for a held reply.
fn one_held() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    sign_in(&mut evidence, OTHER, "victim", "victim");
    let point = Point::TokenResponse;
    record(&mut evidence, FlowId(1), Event::Held { point });
    record(&mut evidence, FlowId(1), Event::Released { point });
    evidence.records.last_mut().unwrap().at = Stamp(u64::MAX - 1);
    evidence
}

fn mixed_crowd() -> Evidence {
    let mut evidence = crowded();
    evidence.flows[3].faults = vec![Fault::IdToken(IdTokenFault::AudOther)];
    evidence.probes[3].shows = Shows::Nobody;
    evidence
}

fn deep_linked() -> Evidence {
    let mut evidence = signed_in();
    swap(
        &mut evidence,
        "http://localhost:3000/login",
        "http://localhost:3000/me?a=1&b=%2F%26",
    );
    swap(&mut evidence, "\"/login\"", "\"/me?a=1&b=%2F%26\"");
    landing(&mut evidence).request.target = "/me?a=1&b=%2F%26".into();
    evidence
}

/// The request to the page on which a sign-in ends.
fn landing(evidence: &mut Evidence) -> &mut Hop {
    let mut hops = evidence.hops.iter_mut();
    hops.find(|hop| hop.leg == Leg::AfterCallback).unwrap()
}

fn begun_by_a_portal() -> Evidence {
    let mut evidence = signed_in();
    let mut hops = evidence.hops.iter_mut();
    let start = hops.find(|hop| hop.leg == Leg::SignInStart).unwrap();
    start.request.target = "/initiate?target_link_uri=http%3A%2F%2Flocalhost%3A3000%2F%3Ffrom%3Dportal".into();
    landing(&mut evidence).request.target = "/?from=portal".into();
    evidence
}

fn without_session() -> Evidence {
    let mut evidence = nothing();
    probe(&mut evidence, "after", "attacker", "nobody");
    evidence
}

fn asserted() -> Evidence {
    use base64::Engine;
    let mut evidence = many();
    let mut number = 0;
    for record in &mut evidence.records {
        if let Event::Received {
            endpoint: Endpoint::Token,
            request,
            ..
        } = &mut record.event
        {
            number += 1;
            let exp = record.at.0 / 1_000_000 + 60;
            let claims = format!(
                "{{\"iss\":\"client\",\"sub\":\"client\",\"aud\":\"http://127.0.0.1:9494/oauth2/default/v1/token\",\"exp\":{exp},\"jti\":\"jti-{number}\"}}"
            );
            let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            request.headers.retain(|(name, _)| name != "authorization");
            request.body.push_str(&format!(
                "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=e30.{payload}.sig"
            ));
        }
    }
    evidence
}

fn two_tabs() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    sign_in(&mut evidence, OTHER, "user", "user");
    probe(&mut evidence, "first", "user", "user");
    probe(&mut evidence, "last", "user", "user");
    probe(&mut evidence, "again", "user", "user");
    evidence
}

/// Somebody else signed in over the user's session.
fn second_over_first() -> Evidence {
    let mut evidence = signed_in();
    sign_in(&mut evidence, OTHER, "victim", "user");
    probe(&mut evidence, "after", "user", "victim");
    probe(&mut evidence, "old", "user", "nobody");
    evidence
}

fn callback_body(evidence: &mut Evidence, body: &str) {
    evidence.hops.push(hop(
        Leg::Callback,
        "user",
        "http://localhost:3000/callback",
        400,
        &[("content-type", "text/html".into())],
        body,
    ));
}

fn set_header(evidence: &mut Evidence, leg: Leg, name: &str, value: Option<&str>) {
    for hop in evidence.hops.iter_mut().filter(|hop| hop.leg == leg) {
        if let conformance::evidence::Answer::Http { headers, .. } = &mut hop.response {
            headers.retain(|(field, _)| field != name);
            headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
    }
}

fn set_status(evidence: &mut Evidence, wanted: Leg, new: u16) {
    for hop in evidence.hops.iter_mut().filter(|hop| hop.leg == wanted) {
        if let conformance::evidence::Answer::Http { status, .. } = &mut hop.response {
            *status = new;
        }
    }
}

fn redeem_again(evidence: &mut Evidence) {
    let again = evidence
        .records
        .iter()
        .find(|record| is_token_request(&record.event))
        .cloned()
        .unwrap();
    evidence.records.push(again);
}

/// Changes what the probe with this label shows.
fn now_shows(evidence: &mut Evidence, label: &str, shows: Shows) {
    let probe = evidence.probes.iter_mut().rfind(|probe| probe.label == label).unwrap();
    probe.shows = shows;
}

fn rows() -> Vec<Row> {
    let mut rows = authorization_rows();
    rows.extend(token_rows());
    rows.extend(callback_rows());
    rows.extend(session_rows());
    rows.extend(cookie_rows());
    rows.extend(redirect_rows());
    rows.extend(logout_rows());
    rows.extend(crowd_rows());
    rows
}

fn authorization_rows() -> Vec<Row> {
    vec![
        row(authz::RESPONSE_TYPE_IS_CODE, signed_in, |e| {
            swap(e, "response_type=code", "response_type=code+id_token")
        }),
        row(authz::SCOPE_HAS_OPENID, signed_in, |e| {
            swap(e, "scope=openid+email", "scope=openid,email")
        }),
        row(authz::SCOPE_AS_DECLARED, signed_in, |e| {
            swap(e, "scope=openid+email", "scope=openid+email+admin")
        }),
        row(authz::SCOPE_WITHOUT_DUPLICATES, signed_in, |e| {
            swap(e, "scope=openid+email", "scope=openid+email+openid")
        }),
        row(authz::CLIENT_ID_IS_REGISTERED, signed_in, |e| {
            swap(e, "client_id=client", "client_id=Client")
        }),
        row(authz::REDIRECT_URI_IS_REGISTERED, signed_in, |e| {
            swap(e, "3000%2Fcallback&state", "3000%2Fcallback%2F&state")
        }),
        row(authz::REDIRECT_URI_UNMOVED, spoofed_start, |e| {
            swap(
                e,
                "redirect_uri=http%3A%2F%2Flocalhost%3A3000",
                "redirect_uri=http%3A%2F%2Fevil.example",
            );
        }),
        row(authz::STATE_OR_PKCE_AND_NONCE, signed_in, |e| {
            swap(e, "&state=", "&x=");
            swap(e, "&nonce=", "&y=");
        }),
        row(authz::STATE_IS_PRESENT, signed_in, |e| swap(e, "&state=", "&x=")),
        row(authz::STATE_IS_UNPREDICTABLE, many, |e| {
            for (at, flow) in e.flows.iter_mut().enumerate() {
                let request = flow.authorization_request.as_mut().unwrap();
                *request = request.replace("&state=", &format!("&state=state-{at}&x="));
            }
        }),
        row(authz::STATE_IS_LONG, many, |e| shorten(e, "state")),
        row(authz::NONCE_IS_LONG, many, |e| shorten(e, "nonce")),
        row(authz::PKCE_IS_SENT, signed_in, |e| swap(e, "&code_challenge=", "&z=")),
        row(authz::STATE_IS_URL_SAFE, signed_in, |e| {
            swap(e, "&state=", "&state=a%2Bb")
        }),
        row(authz::STATE_HOLDS_NO_SECRET, signed_in, |e| {
            let verifier = random("verifier 0");
            swap(e, "&state=", &format!("&state={verifier}."));
        }),
        row(authz::NONCE_OR_PKCE, signed_in, |e| {
            swap(e, "&nonce=", "&y=");
            swap(e, "code_challenge_method=S256", "code_challenge_method=plain");
        }),
        row(authz::NONCE_IS_PRESENT, signed_in, |e| swap(e, "&nonce=", "&nonce=&y=")),
        row(authz::NONCE_IS_UNPREDICTABLE, many, |e| {
            swap(e, &random("nonce 1"), &random("nonce 2"))
        }),
        row(authz::NONCE_IS_INTEROPERABLE, signed_in, |e| {
            swap(e, &random("nonce 0"), &random("state 0"))
        }),
        row(authz::PKCE_IS_S256, signed_in, |e| {
            swap(e, "code_challenge_method=S256", "code_challenge_method=s256")
        }),
        row(authz::CHALLENGE_IS_NEW, many, |e| {
            swap(e, &random(&random("verifier 7")), &random(&random("verifier 8")));
        }),
        row(authz::NEVER_PLAIN, signed_in, |e| {
            swap(e, "code_challenge_method=S256", "code_challenge_method=plain")
        }),
        row(authz::PKCE_OR_NONCE_REMAINS, signed_in, |e| {
            swap(e, "code_challenge=", "z=");
            swap(e, "&nonce=", "&y=");
        }),
        row(authz::PKCE_IS_KEPT, signed_in, |e| swap(e, "code_challenge=", "z=")),
        row(authz::QUERY_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "&state=", "&scope=twice&state=")
        }),
        row(authz::QUERY_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "scope=openid+email", "scope=openid email")
        }),
        row(authz::QUERY_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "http%3A%2F%2Flocalhost", "http%253A%252F%252Flocalhost")
        }),
        row(authz::QUERY_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "&state=", "&x=%ZZ&state=")
        }),
        row(authz::PARAMETERS_NOT_INJECTED, injected_start, |e| {
            let request = e.flows[1].authorization_request.as_mut().unwrap();
            request.push_str("&prompt=none");
        }),
        row(authz::START_IS_NOT_CACHEABLE, two_visitors, |e| {
            set_header(e, Leg::SignInStart, "cache-control", None)
        }),
        row(authz::STARTS_SHARE_NOTHING, two_visitors, |e| {
            swap(e, &random("state 1"), &random("state 0"))
        }),
        row(authz::STARTS_SHARE_NOTHING, two_visitors, |e| {
            swap(e, &random("attempt 1"), &random("attempt 0"))
        }),
        row(leaks::VERIFIER_IS_HIDDEN, signed_in, |e| {
            let verifier = random("verifier 0");
            callback_body(e, &format!("<script>var v = '{verifier}';</script>"));
        }),
        row(leaks::VERIFIER_IS_HIDDEN, signed_in, |e| {
            let verifier = random("verifier 0");
            swap(e, "attempt=", &format!("x={verifier}; Path=/"));
        }),
        row(leaks::VERIFIER_COOKIE_IS_ENCRYPTED, signed_in, |e| {
            swap(e, &random("attempt 0"), &random("verifier 0"))
        }),
        row(leaks::NO_SECRET_IN_URLS, signed_in, |e| {
            let access = format!("eyJ.access.{}", random("access 0"));
            swap(
                e,
                "http://localhost:3000/me",
                &format!("http://localhost:3000/me?token={access}"),
            );
        }),
        row(leaks::NO_SECRET_IN_URLS, signed_in, |e| {
            swap(
                e,
                "/oauth2/default/v1/token",
                "/oauth2/default/v1/token?client_secret=a-client-secret-of-more-than-16-characters",
            );
        }),
        row(leaks::NO_SECRET_IN_URLS, signed_in, |e| {
            swap(e, "response_type=code", "response_type=code+id_token");
            swap(
                e,
                "/callback?code=",
                "/callback?id_token=eyJ.hybrid.token-of-the-front-channel&code=",
            );
        }),
        row(leaks::ERRORS_LEAK_NOTHING, signed_in, |e| {
            callback_body(e, "Traceback (most recent call last)\n  File x")
        }),
        row(leaks::ERRORS_LEAK_NOTHING, signed_in, |e| {
            callback_body(e, &format!("secret: {}", crate::made::SECRET))
        }),
        row(leaks::ERRORS_LEAK_NOTHING, signed_in, |e| {
            let body = r#"{"error":"invalid_grant","error_description":"The code is gone."}"#;
            record(
                e,
                FlowId(1),
                Event::Answered {
                    exchange: 1,
                    endpoint: Endpoint::Token,
                    status: 400,
                    headers: Vec::new(),
                    body: body.into(),
                    length: body.len() as u64,
                },
            );
            callback_body(e, &format!("The server said: {body}"));
        }),
    ]
}

fn token_rows() -> Vec<Row> {
    vec![
        row(token::TOKEN_REQUEST_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "grant_type=authorization_code", "grant_type=code&grant_type=code")
        }),
        row(token::TOKEN_REQUEST_IS_WELL_FORMED, signed_in, |e| {
            swap(e, "/v1/token", "/v1/token?a=b")
        }),
        row(token::ONE_TOKEN_REQUEST_PER_CALLBACK, signed_in, redeem_again),
        row(token::REDIRECT_URI_IS_REPEATED, signed_in, |e| {
            swap(e, "3000%2Fcallback&code_verifier", "3000%2Fcallback%2F&code_verifier")
        }),
        row(token::REDIRECT_URI_IS_SENT, signed_in, |e| {
            swap(
                e,
                "&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&code_verifier",
                "&code_verifier",
            )
        }),
        row(token::CODE_IS_VERBATIM, signed_in, |e| {
            swap(e, "authorization_code&code=", "authorization_code&code=x")
        }),
        row(token::VERIFIER_FITS, signed_in, |e| {
            swap(e, "code_verifier=", "code_verifier=x")
        }),
        row(token::VERIFIER_FITS, signed_in, |e| {
            swap(e, "code_verifier=", "code_verifier=short&x=")
        }),
        row(token::VERIFIER_IS_UNPREDICTABLE, many, |e| {
            swap(e, &random("verifier 3"), &random("verifier 4"))
        }),
        row(token::ONE_CLIENT_AUTHENTICATION, signed_in, |e| {
            swap(
                e,
                "&code_verifier=",
                "&client_secret=a-client-secret-of-more-than-16-characters&code_verifier=",
            )
        }),
        row(token::ONE_CLIENT_AUTHENTICATION, signed_in, |e| {
            swap(e, "Basic ", "Other ")
        }),
        row(token::SECRET_IS_NOT_IN_TOKEN_URL, signed_in, |e| {
            swap(e, "/v1/token", "/v1/token?client_secret=x")
        }),
        row(token::BASIC_IS_FORM_ENCODED, signed_in, |e| {
            e.target.client_secret = Some("another secret: 100%".into())
        }),
        row(token::ASSERTION_IS_SOUND, asserted, |e| {
            let body = |e: &Evidence, at: usize| {
                let mut bodies = e.records.iter().filter_map(|record| match &record.event {
                    Event::Received {
                        endpoint: Endpoint::Token,
                        request,
                        ..
                    } => Some(request.body.clone()),
                    _ => None,
                });
                let body = bodies.nth(at).unwrap();
                body.split("client_assertion=").last().unwrap().to_owned()
            };
            let (one, other) = (body(e, 0), body(e, 1));
            swap(e, &one, &other);
        }),
        row(token::NO_TOKEN_REQUEST, refused, |e| *e = signed_in()),
        row(token::NO_SECOND_TOKEN_REQUEST, signed_in, |e| {
            sign_in(e, OTHER, "user", "user")
        }),
        row(token::ONE_TOKEN_REQUEST, signed_in, redeem_again),
        row(token::AT_MOST_TWO_TOKEN_REQUESTS, signed_in, |e| {
            redeem_again(e);
            redeem_again(e);
        }),
    ]
}

fn callback_rows() -> Vec<Row> {
    vec![
        row(sign_in::SIGNS_IN_AS_USER, signed_in, |e| {
            probe(e, "after", "user", "nobody")
        }),
        row(sign_in::REFUSES_SIGN_IN, refused, accept),
        row(sign_in::STAYS_CLEAN, signed_in, |e| set_status(e, Leg::Callback, 500)),
        row(sign_in::NEVER_AS_SOMEBODY_ELSE, signed_in, |e| {
            probe(e, "after", "user", "victim")
        }),
        row(sign_in::SHOWS_NO_STRANGER, signed_in, |e| {
            callback_body(e, &email("victim"))
        }),
        row(callback::REFUSES_FOREIGN_STATE, refused, accept),
        row(callback::REFUSES_WHEN_ISSUER_IS_CHECKED, refused, |e| {
            e.target.checks_response_issuer = true;
            accept(e);
        }),
        row(callback::RETURN_ENDS_SIGNED_IN, signed_in, |e| {
            let url = e.flows[0].authorization_request.clone().unwrap();
            let mut again = hop(Leg::Idp, "user", &url, 0, &[], "");
            again.flow = Some(MAIN);
            again.response = Answer::NotSent {
                why: "the app starts a new sign-in".into(),
            };
            e.hops.push(again);
        }),
        row(
            callback::KEEPS_IDENTITY,
            || {
                let mut evidence = signed_in();
                probe(&mut evidence, "before", "user", "user");
                evidence
            },
            |e| probe(e, "after", "user", "attacker"),
        ),
        row(
            callback::FIRST_BROWSER_REFUSED,
            || labelled("first", "nobody"),
            |e| probe(e, "first", "user", "user"),
        ),
        row(
            callback::OWN_FLOW_SURVIVES,
            || labelled("own", "victim"),
            |e| probe(e, "own", "victim", "nobody"),
        ),
        row(
            callback::NOBODY_DURING,
            || labelled("during", "nobody"),
            |e| probe(e, "during", "user", "user"),
        ),
        row(callback::REAL_NAVIGATION_SIGNS_IN, signed_in, |e| {
            probe(e, "after", "user", "nobody")
        }),
        row(callback::REAL_NAVIGATION_IS_NO_ERROR, signed_in, |e| {
            set_status(e, Leg::Callback, 400)
        }),
        row(callback::NEXT_SIGN_IN_WORKS, two_tabs, |e| {
            probe(e, "again", "user", "nobody")
        }),
        row(callback::OFFERS_ANOTHER_TRY, signed_in, |e| {
            callback_body(e, "<p>access denied</p>");
            e.hops.last_mut().unwrap().flow = Some(MAIN);
        }),
        row(callback::STOPS_RESTARTING, signed_in, |e| {
            let request = e.flows[0].authorization_request.clone().unwrap();
            for _ in 0..4 {
                e.hops.push(hop(
                    Leg::Callback,
                    "user",
                    "http://localhost:3000/callback",
                    302,
                    &[("location", request.clone())],
                    "",
                ));
            }
        }),
        row(
            callback::SESSION_IS_UNTOUCHED,
            || labelled("before", "user"),
            |e| probe(e, "after", "user", "nobody"),
        ),
        row(callback::OTHER_TAB_COMPLETES, two_tabs, |e| {
            e.records.retain(|record| record.flow != Some(FlowId(2)));
        }),
        row(callback::TAKES_OR_REFUSES_POST, refused, |e| {
            set_status(e, Leg::Callback, 500)
        }),
        row(callback::DUPLICATES_ARE_HARMLESS, signed_in, redeem_again),
        row(
            callback::ONE_COPY_DECIDES,
            || {
                let mut evidence = labelled("good-first", "user");
                probe(&mut evidence, "bad-first", "user", "nobody");
                evidence
            },
            |e| probe(e, "bad-first", "user", "user"),
        ),
        row(callback::FINAL_URL_IS_CLEAN, signed_in, |e| {
            let code = random("code 0");
            swap(
                e,
                "\"http://localhost:3000/me\"",
                &format!("\"http://localhost:3000/me?code={code}\""),
            );
        }),
        row(callback::CALLBACK_LOADS_NOTHING_FOREIGN, signed_in, |e| {
            callback_body(e, "<img src=\"https://tracker.example/pixel\">");
            e.hops.last_mut().unwrap().flow = Some(MAIN);
        }),
        row(callback::REFERRER_POLICY_IS_SET, signed_in, |e| {
            set_header(e, Leg::AfterCallback, "referrer-policy", None)
        }),
        row(pages::PAYLOAD_STAYS_TEXT, signed_in, |e| {
            callback_body(e, "<p><cfmx-element>cfmx</cfmx-element></p>")
        }),
        row(pages::SHOWS_NO_FOREIGN_MESSAGE, signed_in, |e| {
            let text = "Your account was locked for your own safety. Please call 0800 123456 now.";
            let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let hop = edited(e, Leg::Callback);
            hop.request.target = format!("/callback?error_description={query}");
            callback_body(e, &format!("<p>{text}</p>"));
        }),
    ]
}

fn session_rows() -> Vec<Row> {
    vec![
        row(
            session::OLD_COOKIES_ARE_DEAD,
            || labelled("old", "nobody"),
            |e| probe(e, "old", "user", "user"),
        ),
        row(
            session::PLANTED_COOKIES_ARE_DEAD,
            || {
                let mut evidence = nothing();
                probe(&mut evidence, "victim", "victim", "victim");
                probe(&mut evidence, "after", "attacker", "nobody");
                evidence
            },
            |e| probe(e, "after", "attacker", "victim"),
        ),
        row(session::SESSION_IS_DEAD, signed_out, |e| {
            probe(e, "after", "user", "user")
        }),
        row(session::BROWSER_IS_SIGNED_OUT, signed_out, |e| {
            probe(e, "jar", "user", "user")
        }),
        row(session::SESSION_IS_ALIVE, unmoved, |e| {
            probe(e, "after", "user", "nobody")
        }),
        row(session::OTHER_SESSION_IS_ALIVE, notified, |e| {
            probe(e, "other-browser", "victim", "nobody")
        }),
        row(
            session::OTHER_SESSION_IS_DEAD,
            || labelled("other-browser", "nobody"),
            |e| probe(e, "other-browser", "victim", "user"),
        ),
        row(session::STRANGER_IS_UNTOUCHED, notified, |e| {
            probe(e, "stranger", "attacker", "nobody")
        }),
        row(session::NOTHING_WITHOUT_SESSION, without_session, |e| {
            probe(e, "after", "attacker", "victim")
        }),
        row(session::NOT_SERVED_WITHOUT_SESSION, without_session, |e| {
            probe(e, "after", "attacker", "victim");
            now_shows(e, "after", Shows::Unclear("status 200 without anybody's data".into()));
        }),
        row(session::TRICK_OPENS_NOTHING, without_session, |e| {
            probe(e, "after", "attacker", "victim")
        }),
        row(session::ANONYMOUS, without_session, |e| {
            probe(e, "after", "attacker", "user")
        }),
        row(session::ANONYMOUS, without_session, |e| {
            probe(e, "after", "attacker", "user");
            now_shows(e, "after", Shows::Nameless);
        }),
        row(
            session::SHOWS_SECOND_USER_ONLY,
            || {
                let mut evidence = signed_in();
                sign_in(&mut evidence, OTHER, "victim", "user");
                probe(&mut evidence, "after", "user", "victim");
                evidence
            },
            |e| probe(e, "after", "user", "user"),
        ),
        row(session::SECOND_USER_IS_SIGNED_IN, second_over_first, |e| {
            probe(e, "after", "user", "nobody")
        }),
        row(session::FIRST_SESSION_IS_DEAD, second_over_first, |e| {
            probe(e, "old", "user", "user")
        }),
        row(session::WITHHELD_SESSION_IS_DEAD, second_over_first, |e| {
            probe(e, "old", "user", "user");
            let asked = e.hops.last_mut().unwrap();
            asked.request.headers = vec![("cookie".into(), "sid=first".into())];
        }),
        row(session::SIGNS_IN_AFTER_ABANDONED_STARTS, signed_in, |e| {
            probe(e, "after", "user", "nobody")
        }),
        row(session::LAST_STARTED_SIGNS_IN, two_tabs, |e| {
            e.records.retain(|record| record.flow != Some(FlowId(2)));
            probe(e, "last", "user", "nobody");
        }),
        row(session::FIRST_STARTED_SIGNS_IN, two_tabs, |e| {
            e.records.retain(|record| record.flow != Some(FlowId(1)));
            probe(e, "first", "user", "nobody");
        }),
    ]
}

fn cookie_rows() -> Vec<Row> {
    let https = || {
        let mut evidence = signed_in();
        swap(&mut evidence, "http://localhost:3000", "https://localhost:3000");
        swap(
            &mut evidence,
            "; HttpOnly; SameSite=Lax",
            "; HttpOnly; Secure; SameSite=Lax",
        );
        evidence
    };
    let host_prefixed = || {
        let mut evidence = signed_in();
        swap(&mut evidence, "sid", "__Host-sid");
        swap(
            &mut evidence,
            "; HttpOnly; SameSite=Lax",
            "; HttpOnly; Secure; SameSite=Lax",
        );
        evidence
    };
    vec![
        row(cookies::SESSION_COOKIE_IS_HTTP_ONLY, signed_in, |e| {
            swap(e, "; HttpOnly; SameSite=Lax\"", "; SameSite=Lax\"")
        }),
        row(cookies::SESSION_COOKIE_IS_SAME_SITE, signed_in, |e| {
            swap(e, "SameSite=Lax", "SameSite=None")
        }),
        row(cookies::SESSION_COOKIE_SAYS_SAME_SITE, signed_in, |e| {
            swap(e, "; SameSite=Lax", "")
        }),
        row(cookies::SESSION_COOKIE_IS_NARROW, signed_in, |e| {
            swap(e, "; SameSite=Lax\"", "; SameSite=Lax; Domain=example.com\"")
        }),
        row(cookies::SESSION_COOKIE_IS_SECURE, https, |e| swap(e, "; Secure", "")),
        row(cookies::SESSION_COOKIE_SECURE_NOTE, host_prefixed, |e| {
            swap(e, "; Secure", "")
        }),
        row(cookies::FLOW_COOKIES_HAVE_FLAGS, signed_in, |e| {
            swap(e, "SameSite=Lax; Max-Age=600", "SameSite=Strict; Max-Age=600")
        }),
        row(cookies::FLOW_COOKIES_HAVE_FLAGS, signed_in, |e| {
            swap(e, "Max-Age=600", "Max-Age=31536000")
        }),
        row(cookies::FLOW_COOKIES_HAVE_FLAGS, signed_in, |e| {
            swap(e, "Max-Age=600", "Expires=Sat, 01 Jan 2028 00:00:00 GMT")
        }),
        row(cookies::FLOW_COOKIES_ARE_GONE, signed_in, |e| {
            let left = ("attempt".to_owned(), random("attempt 0"));
            e.saved.get_mut("after").unwrap().push(left);
        }),
        row(cookies::SESSION_ID_IS_UNPREDICTABLE, many, |e| {
            swap(e, &sid(Slot(3)), &sid(Slot(4)))
        }),
        row(cookies::SESSION_ID_IS_UNPREDICTABLE, many, |e| {
            for number in 0..20 {
                swap(e, &sid(Slot(number)), &format!("session-{number:04}"));
            }
        }),
        row(cookies::SESSION_ID_IS_NOT_IN_URLS, signed_in, |e| {
            let session = sid(MAIN);
            swap(e, "\"/me\"", &format!("\"/me?s={session}\""));
        }),
        row(cookies::SESSION_ID_IS_NOT_IN_URLS, signed_in, |e| {
            swap(e, "[\"location\",\"/me\"]", "[\"location\",\"/me;jsessionid=1\"]")
        }),
        row(cookies::COOKIE_HEADER_STAYS_SMALL, signed_in, |e| {
            e.hops[1].request.headers.push(("cookie".into(), "x".repeat(9000)));
        }),
        row(cookies::SESSION_COOKIE_CHANGES, signed_in, |e| {
            let after = e.saved["after"].clone();
            e.saved.insert("before".into(), after);
        }),
        row(cookies::PROTECTED_PAGE_IS_NO_STORE, signed_in, |e| {
            set_header(e, Leg::Probe, "cache-control", Some("private"))
        }),
        row(cookies::SET_COOKIE_IS_NOT_PUBLIC, signed_in, |e| {
            set_header(e, Leg::Callback, "cache-control", Some("public, max-age=60"))
        }),
        row(cookies::SESSION_COOKIES_ARE_CLEARED, signed_out, |e| {
            let live = e.saved["live"].clone();
            e.saved.insert("after".into(), live);
        }),
    ]
}

fn redirect_rows() -> Vec<Row> {
    vec![
        row(redirects::LANDS_ON_DEEP_LINK, deep_linked, |e| {
            e.hops
                .iter_mut()
                .filter(|hop| hop.leg == Leg::AfterCallback)
                .for_each(|hop| hop.request.target = "/".into());
        }),
        row(redirects::LANDS_ON_TARGET_LINK, begun_by_a_portal, |e| {
            landing(e).request.target = "/me".into();
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            set_header(e, Leg::Callback, "location", Some("//evil.example/"))
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            set_header(e, Leg::Callback, "location", Some("/\\evil.example/"))
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            set_header(e, Leg::Callback, "location", Some("/\t/evil.example/"))
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            set_header(
                e,
                Leg::Callback,
                "location",
                Some("http://localhost:3000@evil.example/"),
            )
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            set_header(e, Leg::Callback, "location", Some("http://127.0.0.1:9999/landing"))
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            callback_body(e, "<meta http-equiv=refresh content=\"0;url=https://evil.example\">")
        }),
        row(redirects::STAYS_INSIDE, signed_in, |e| {
            callback_body(e, "<script>window.location = 'https://evil.example';</script>")
        }),
        row(redirects::NO_HEADER_INJECTED, signed_in, |e| {
            set_header(e, Leg::Callback, "x-crlf-probe", Some("yes"))
        }),
        row(redirects::NO_HEADER_INJECTED, signed_in, |e| {
            set_header(e, Leg::Callback, "set-cookie", Some("crlf-probe=yes"))
        }),
        row(
            redirects::WRONG_ISSUER_STARTS_NOTHING,
            || {
                let mut evidence = nothing();
                evidence.hops.push(hop(
                    Leg::SignInStart,
                    "user",
                    "http://localhost:3000/initiate?iss=x",
                    400,
                    &[],
                    "",
                ));
                edited(&mut evidence, Leg::SignInStart);
                evidence
            },
            |e| sign_in(e, MAIN, "user", "user"),
        ),
        row(
            redirects::START_IS_NOT_FRAMED,
            || {
                let mut evidence = signed_in();
                set_header(&mut evidence, Leg::SignInStart, "x-frame-options", Some("DENY"));
                evidence
            },
            |e| set_header(e, Leg::SignInStart, "x-frame-options", None),
        ),
    ]
}

fn logout_rows() -> Vec<Row> {
    vec![
        row(logout::REACHES_END_SESSION, signed_out, |e| {
            e.hops.retain(|hop| hop.leg != Leg::EndSession);
            e.records.retain(|record| {
                !matches!(
                    record.event,
                    Event::Received {
                        endpoint: Endpoint::Logout,
                        ..
                    }
                )
            });
        }),
        row(logout::HINTS_AT_THE_SESSION, signed_out, |e| {
            swap(e, "id_token_hint=", "x=")
        }),
        row(logout::HINTS_AT_THE_SESSION, signed_out, |e| {
            swap(e, "id_token_hint=eyJ", "id_token_hint=xyz")
        }),
        row(logout::RETURN_URI_IS_REGISTERED, signed_out, |e| {
            swap(e, "3000%2F&state", "3000&state")
        }),
        row(logout::RETURN_PAGE_IS_PUBLIC, signed_out, |e| {
            set_status(e, Leg::AfterSignOut, 401)
        }),
        row(logout::NO_EMPTY_HINT, signed_out, |e| {
            swap(e, "id_token_hint=", "id_token_hint=null&x=")
        }),
        row(logout::NEXT_SIGN_IN_IS_FRESH, twice, |e| {
            swap(e, &random("nonce 0"), &random("nonce 1"))
        }),
        row(logout::NEXT_SIGN_IN_IS_FRESH, twice, |e| {
            let first = e.saved["first"].clone();
            e.saved.insert("second".into(), first);
        }),
        row(logout::NO_SILENT_RETURN, signed_out, |e| {
            let request = e.flows[0].authorization_request.clone().unwrap();
            set_header(e, Leg::AfterSignOut, "location", Some(&request));
        }),
        row(logout::LOGOUT_TOKEN_ACCEPTED, notified, |e| {
            posted(e, Some(400), "no-store")
        }),
        row(logout::LOGOUT_TOKEN_REFUSED, unmoved, |e| {
            posted(e, Some(200), "no-store")
        }),
        row(logout::LOGOUT_TOKEN_REFUSED_WITH_400, unmoved, |e| {
            posted(e, Some(401), "no-store")
        }),
        row(logout::LOGOUT_TOKEN_CLEAN, unmoved, |e| posted(e, None, "no-store")),
        row(logout::LOGOUT_ANSWER_IS_NO_STORE, notified, |e| {
            posted(e, Some(200), "private")
        }),
        row(logout::FRAME_ENDS_SESSION, framed, |e| {
            probe(e, "after", "user", "user")
        }),
        row(logout::FRAME_IS_ALLOWED, framed, |e| {
            swap(e, "frame-ancestors http://127.0.0.1:9494", "frame-ancestors 'none'")
        }),
        row(logout::FRAME_IS_NO_STORE, framed, |e| {
            set_header(e, Leg::Direct, "cache-control", None)
        }),
    ]
}

fn crowd_rows() -> Vec<Row> {
    vec![
        row(crowd::EACH_AS_ITSELF, crowded, |e| {
            e.probes[5].shows = Shows::Person("crowd-6".into())
        }),
        row(crowd::EACH_AS_ITSELF, crowded, |e| e.probes[5].shows = Shows::Nobody),
        row(crowd::EXACTLY_THE_GOOD_ONES, mixed_crowd, |e| {
            e.probes[3].shows = Shows::Person("crowd-3".into())
        }),
        row(crowd::EXACTLY_THE_GOOD_ONES, mixed_crowd, |e| {
            e.probes[4].shows = Shows::Nobody
        }),
        row(crowd::BAD_ONES_REFUSED, mixed_crowd, |e| {
            e.probes[3].shows = Shows::Person("crowd-3".into())
        }),
        row(crowd::BAD_ONES_REFUSED, mixed_crowd, |e| {
            e.probes[4].shows = Shows::Person("crowd-5".into())
        }),
        row(crowd::OTHERS_DO_NOT_WAIT, one_held, |e| {
            e.hops.last_mut().unwrap().done = Stamp(u64::MAX);
        }),
        row(crowd::NOBODY_AS_ANOTHER, crowded, |e| {
            e.probes[5].shows = Shows::Person("crowd-6".into())
        }),
    ]
}
