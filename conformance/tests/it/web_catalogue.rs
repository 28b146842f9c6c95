//! The browser-side groups: scripts that can be walked, and checks that never panic.

use std::collections::BTreeSet;

use conformance::{
    case::{Case, Lane, Variant},
    catalog,
    edit::{Change, CookieEdit, Edit, Text},
    evidence::{Answer, Evidence, Flow, Hop, Leg, Person, Probe, Problem, Shows},
    feature::Feature,
    script::{Act, Crowd, Pause, Place, Slot, Step},
    walk::beyond_browsers,
};
use mock_idp::{
    Fault,
    flow::{
        fault::Reach,
        record::{Endpoint, Event, Record, Request, Stamp},
        scenario::{FlowId, Persona},
    },
};
use proptest::prelude::*;

const GROUPS: &[&str] = &[
    "authorization",
    "callback",
    "token-request",
    "roles",
    "session",
    "redirect",
    "logout",
    "robustness",
    "concurrency",
];

fn cases() -> impl Iterator<Item = &'static Case> {
    catalog::GROUPS
        .iter()
        .filter(|(group, _)| GROUPS.contains(group))
        .flat_map(|(_, cases)| cases.iter())
}

fn variants() -> impl Iterator<Item = (&'static Case, &'static Variant)> {
    cases().flat_map(|case| case.variants.iter().map(move |variant| (case, variant)))
}

#[test]
fn the_browser_side_has_122_cases_and_every_variant_a_name_of_its_own() {
    assert_eq!(cases().count(), 122);
    for case in cases() {
        let names: BTreeSet<&str> = case.variants.iter().map(|variant| variant.name).collect();
        assert_eq!(names.len(), case.variants.len(), "{}", case.id);
        assert!(!case.variants.is_empty() && !case.spec.is_empty(), "{}", case.id);
        for text in [
            case.title,
            case.why,
            case.explain.story,
            case.explain.right,
            case.explain.false_alarm,
        ] {
            assert!(text.len() > 10 && !text.contains("  "), "{}: `{text}`", case.id);
        }
        assert!(case.explain.story.lines().count() >= 3, "{}", case.id);
    }
}

#[test]
fn a_case_that_only_watches_has_no_script_and_every_other_one_has() {
    for (case, variant) in variants() {
        assert_eq!(
            case.lane == Lane::Watch,
            variant.script.is_empty(),
            "{} {}",
            case.id,
            variant.name
        );
        assert!(!variant.expect.is_empty(), "{} {}", case.id, variant.name);
    }
}

#[test]
fn the_weightiest_check_weighs_what_the_case_weighs_unless_the_catalogue_says_otherwise() {
    // "FAIL unless ..." in a SHOULD line, and a wrong identity, which fails always.
    let heavier = [
        "authorization/state-present",
        "authorization/nonce-present",
        "authorization/pkce-no-fallback",
        "callback/state-replayed",
        "callback/code-replayed",
        "session/two-tabs",
    ];
    for case in cases() {
        let weight = case
            .variants
            .iter()
            .flat_map(|variant| variant.expect)
            .map(|expect| expect.level)
            .max();
        let fits = weight == Some(case.level) || heavier.contains(&case.id);
        assert!(fits, "{}: {weight:?} in a case of {:?}", case.id, case.level);
    }
}

#[test]
fn lanes_follow_from_the_reach_of_faults_and_the_weight_of_acts() {
    for (case, variant) in variants() {
        let reaches_server = variant.faults.iter().any(|fault| fault.reach() == Reach::Server);
        if reaches_server {
            assert!(
                matches!(case.lane, Lane::Server | Lane::Restart),
                "{} {}",
                case.id,
                variant.name
            );
        }
        let crowded =
            acts(variant.script).any(|act| matches!(act, Act::Crowd(_) | Act::SignOutRace(_) | Act::Flood(100..)));
        assert!(!crowded || case.lane == Lane::Alone, "{} {}", case.id, variant.name);
        let waits = acts(variant.script).any(|act| matches!(act, Act::Wait(pause) if pause != Pause::ClockTick));
        assert!(!waits || case.lane == Lane::Slow, "{} {}", case.id, variant.name);
    }
}

#[test]
fn every_script_can_be_walked() {
    for (case, variant) in variants() {
        let mut walk = Walk::default();
        walk.steps(variant.script, &format!("{} {}", case.id, variant.name));
    }
}

#[test]
fn every_probe_that_a_check_asks_for_is_made() {
    // Checks name the probe that they miss: on evidence without probes each says which label it wants.
    for (case, variant) in variants().filter(|(case, _)| case.lane != Lane::Watch) {
        let made: BTreeSet<&str> = acts(variant.script)
            .filter_map(|act| match act {
                Act::Probe(label) | Act::ProbeWith(label, _) | Act::ProbeProtected(label, _) => Some(label),
                Act::Crowd(_) => Some("crowd"),
                _ => None,
            })
            .collect();
        for expect in variant.expect {
            let wanted = wanted_probes(expect.check.id);
            for label in wanted {
                assert!(
                    made.contains(label),
                    "{} {}: {} wants `{label}`",
                    case.id,
                    variant.name,
                    expect.check.id
                );
            }
        }
    }
}

#[test]
fn saved_cookies_that_a_check_reads_are_saved() {
    for (case, variant) in variants() {
        let saved: BTreeSet<&str> = acts(variant.script)
            .filter_map(|act| match act {
                Act::Save(name) => Some(name),
                _ => None,
            })
            .collect();
        for expect in variant.expect {
            let wanted: &[&str] = match expect.check.id {
                "session-cookie-changes" => &["before", "after"],
                "flow-cookies-are-gone" => &["after"],
                "session-cookies-are-cleared" => &["live", "after"],
                "next-sign-in-is-fresh" => &["first", "second"],
                _ => &[],
            };
            assert!(
                wanted.iter().all(|name| saved.contains(name)),
                "{} {}",
                case.id,
                variant.name
            );
        }
    }
}

#[test]
fn a_case_needs_the_features_that_its_acts_use() {
    for (case, variant) in variants() {
        let has = |feature: Feature| case.needs.contains(&feature) || variant.needs.contains(&feature);
        for act in acts(variant.script) {
            let needed = match act {
                // What is altered must be a request of the app's own.
                Act::SignOut([]) => Some(Feature::SignsOut),
                Act::SignOut(_) | Act::Request(Place::SignOut, _) => Some(Feature::SignOutRequest),
                Act::SignOutRace(_) => Some(Feature::SignsOut),
                Act::DeepLink(..) => Some(Feature::DeepLinks),
                Act::LogoutToken(_) => Some(Feature::BackChannelLogout),
                Act::FrontChannel(..) => Some(Feature::FrontChannelLogout),
                Act::InitiateLogin(..) => Some(Feature::InitiateLogin),
                Act::Groups(_) | Act::Roles(..) | Act::RoleSignIn(_) => Some(Feature::Roles),
                _ => None,
            };
            assert!(
                needed.is_none_or(has),
                "{} {}: {act:?} without {needed:?}",
                case.id,
                variant.name
            );
        }
    }
}

#[test]
fn two_tabs_are_not_played_in_one_where_scripts_keep_the_sign_in() {
    let beyond: BTreeSet<&str> = variants()
        .filter(|(_, variant)| beyond_browsers(variant.script, true) != beyond_browsers(variant.script, false))
        .map(|(case, _)| case.id)
        .collect();
    assert!(beyond.contains("session/two-tabs"), "{beyond:?}");
    for plain in [
        "callback/state-replayed",
        "callback/happy-control",
        "session/abandoned-flows",
    ] {
        assert!(!beyond.contains(plain), "{plain}");
    }
}

/// Which probe a check asks for by name.
fn wanted_probes(check: &str) -> &'static [&'static str] {
    match check {
        "refuses-sign-in"
        | "signs-in-as-user"
        | "never-as-somebody-else"
        | "refuses-foreign-state"
        | "refuses-when-issuer-is-checked"
        | "keeps-identity"
        | "real-navigation-signs-in"
        | "takes-or-refuses-post"
        | "duplicates-are-harmless"
        | "signed-in-after"
        | "nothing-without-session"
        | "trick-opens-nothing"
        | "not-served-without-session"
        | "second-user-is-signed-in"
        | "signs-in-after-abandoned-starts"
        | "comes-back-signed-in"
        | "anonymous"
        | "shows-second-user-only" => &["after"],
        "session-is-untouched" => &["before", "after"],
        "session-is-dead" | "session-is-alive" | "frame-ends-session" => &["signed-in", "after"],
        "planted-cookies-are-dead" => &["victim", "after"],
        "first-browser-refused" => &["first"],
        "own-flow-survives" => &["own", "restarted"],
        "nobody-during" => &["during"],
        "next-sign-in-works" => &["again"],
        "one-copy-decides" => &["good-first", "bad-first"],
        "old-cookies-are-dead" | "first-session-is-dead" | "withheld-session-is-dead" => &["old"],
        "browser-is-signed-out" => &["jar"],
        "other-session-is-alive" | "other-session-is-dead" => &["other-browser"],
        "stranger-is-untouched" => &["stranger"],
        "last-started-signs-in" => &["last"],
        "first-started-signs-in" => &["first"],
        "each-as-itself" | "exactly-the-good-ones" | "bad-ones-refused" | "nobody-as-another" => &["crowd"],
        _ => &[],
    }
}

/// All acts of a script, those inside `Repeat` too.
fn acts(script: &'static [Step]) -> Box<dyn Iterator<Item = Act>> {
    Box::new(script.iter().flat_map(|step| {
        let inner: Box<dyn Iterator<Item = Act>> = match step.act {
            Act::Repeat(_, steps) => acts(steps),
            _ => Box::new(std::iter::empty()),
        };
        std::iter::once(step.act).chain(inner)
    }))
}

/// What is known at a point of a script.
#[derive(Default)]
struct Walk {
    started: BTreeSet<Slot>,
    authorized: BTreeSet<Slot>,
    signed_in: BTreeSet<Slot>,
    saved: BTreeSet<&'static str>,
}

impl Walk {
    fn steps(&mut self, script: &'static [Step], at: &str) {
        for step in script {
            self.step(step, at);
        }
    }

    fn step(&mut self, step: &Step, at: &str) {
        for edit in step.act.edits_of() {
            self.edit(edit, at);
        }
        match step.act {
            Act::Start(slot, _) | Act::DeepLink(slot, _) | Act::InitiateLogin(slot, _) | Act::RoleSignIn(slot) => {
                self.started.insert(slot);
                self.authorized.remove(&slot);
            }
            Act::Authorize(slot, _) => {
                assert!(
                    self.started.contains(&slot),
                    "{at}: {slot:?} is authorized before it is started"
                );
                self.authorized.insert(slot);
            }
            Act::Deliver(slot, _) | Act::Insist(slot, ..) | Act::DeliverTwice(slot) => {
                assert!(
                    self.authorized.contains(&slot),
                    "{at}: {slot:?} is delivered before it is authorized"
                );
                self.signed_in.insert(slot);
            }
            Act::SignIn(slot) | Act::SignInAs(_, slot) | Act::SignInWith(slot, _) => {
                self.started.insert(slot);
                self.authorized.insert(slot);
                self.signed_in.insert(slot);
            }
            Act::LogoutToken(slot) | Act::FrontChannel(slot, _) => {
                assert!(self.signed_in.contains(&slot), "{at}: {slot:?} has no session to end");
            }
            Act::Save(name) => {
                self.saved.insert(name);
            }
            Act::ProbeWith(_, name) | Act::Cookies(CookieEdit::Load(name) | CookieEdit::Borrow(name)) => {
                assert!(self.saved.contains(name), "{at}: no cookies were saved as `{name}`");
            }
            Act::Cookies(CookieEdit::Plant(text) | CookieEdit::Add(_, text)) => self.text(text, at),
            Act::Repeat(times, steps) => {
                assert!(times > 0 && !steps.is_empty(), "{at}: an empty repetition");
                // The engine numbers flows anew per round; a second level would mix them up.
                assert!(
                    !steps.iter().any(|step| matches!(step.act, Act::Repeat(..))),
                    "{at}: a repetition inside another"
                );
                self.steps(steps, at);
            }
            Act::Crowd(Crowd { size, rounds, .. }) => assert!(size > 1 && rounds > 0, "{at}: no crowd"),
            _ => {}
        }
    }

    fn edit(&self, edit: &Edit, at: &str) {
        match edit {
            Edit::Query(_, change) | Edit::Form(_, change) => match change {
                Change::Set(text) | Change::TwiceWrongFirst(text) | Change::TwiceWrongLast(text) => {
                    self.text(*text, at)
                }
                _ => {}
            },
            Edit::Header(_, text) | Edit::Body(_, text) | Edit::Path(text) => self.text(*text, at),
            _ => {}
        }
    }

    fn text(&self, text: Text, at: &str) {
        match text {
            Text::ResponseOf(slot, _) => assert!(self.authorized.contains(&slot), "{at}: {slot:?} has no response yet"),
            Text::RequestOf(slot, _) => assert!(self.started.contains(&slot), "{at}: {slot:?} has no request yet"),
            Text::IdTokenOf(slot) | Text::AccessTokenOf(slot) => {
                assert!(self.signed_in.contains(&slot), "{at}: {slot:?} has no tokens yet");
            }
            _ => {}
        }
    }
}

/// The edits of an act.
trait Edits {
    fn edits_of(&self) -> &'static [Edit];
}

impl Edits for Act {
    fn edits_of(&self) -> &'static [Edit] {
        match *self {
            Act::Start(_, edits)
            | Act::Authorize(_, edits)
            | Act::Deliver(_, edits)
            | Act::Insist(_, edits, _)
            | Act::SignInWith(_, edits)
            | Act::InitiateLogin(_, edits)
            | Act::Callback(edits)
            | Act::ProbeProtected(_, edits)
            | Act::Roles(_, edits)
            | Act::SignOut(edits)
            | Act::FollowSignOut(edits)
            | Act::Request(_, edits)
            | Act::FrontChannel(_, edits) => edits,
            _ => &[],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_check_panics_on_any_evidence(evidence in evidence()) {
        for case in catalog::all() {
            for variant in case.variants {
                for expect in variant.expect {
                    let _ = (expect.check.ask)(&evidence);
                }
            }
        }
        let _ = conformance::check::redirects::state_carries_target(&evidence);
        let _ = conformance::check::redirects::cookie_carries_target(&evidence);
    }
}

/// Text as it stands in evidence: right, wrong, odd, empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "/", "/me", "http://localhost:3000/callback?code=c&state=s", "http://127.0.0.1:9494/authorize?client_id=c&response_type=code&state=%ZZ",
            "sid=abcdefghijklmnopqrstuvwxyz; Path=/; HttpOnly; Expires=x; Max-Age=-", "=;=", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "Basic %%%", "Basic", "basic é",
            "grant_type=authorization_code&code=c&code_verifier=abcdefghijklmnopqrstuvwxyz&client_assertion=x.y.z", "<html><script>cfmx('", "<a href=javascript:cfmx()>",
            "0;url=", "url=é", "frame-ancestors", "no-store", "text/html", "id_token_hint=null&post_logout_redirect_uri=x", "{\"a\":", "💥\u{0}\u{feff}",
        ]).prop_map(str::to_owned),
        2 => "\\PC{0,40}",
        1 => prop::collection::vec(any::<char>(), 0..20).prop_map(|letters| letters.into_iter().collect()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["user", "victim", "attacker", "crowd-1", "nobody"]).prop_map(str::to_owned)
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let header = prop_oneof![
        prop::sample::select(vec![
            "location",
            "set-cookie",
            "cache-control",
            "content-type",
            "refresh",
            "cookie",
            "authorization",
            "content-security-policy",
            "sid",
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    prop::collection::vec((header, text()), 0..4)
}

fn request() -> impl Strategy<Value = Request> {
    (
        prop::sample::select(vec!["GET", "POST", "HEAD", ""]),
        text(),
        pairs(),
        text(),
    )
        .prop_map(|(method, target, headers, body)| Request {
            method: method.to_owned(),
            target,
            headers,
            body,
        })
}

fn slot() -> impl Strategy<Value = Slot> {
    (0..4_u16).prop_map(Slot)
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => (0..700_u16, pairs(), text()).prop_map(|(status, headers, body)| Answer::Http { status, headers, body, truncated: false }),
        1 => text().prop_map(|why| Answer::NotSent { why }),
        1 => text().prop_map(|text| Answer::Broken { problem: Problem::Loop, text }),
    ]
}

fn hop() -> impl Strategy<Value = Hop> {
    let legs = prop::sample::select(vec![
        Leg::SignInStart,
        Leg::Idp,
        Leg::Callback,
        Leg::AfterCallback,
        Leg::Probe,
        Leg::SignOut,
        Leg::EndSession,
        Leg::AfterSignOut,
        Leg::Direct,
        Leg::Elsewhere,
    ]);
    (
        legs,
        name(),
        prop::option::of(slot()),
        text(),
        request(),
        prop::option::of(request()),
        answer(),
        any::<u64>(),
    )
        .prop_map(|(leg, who, flow, url, request, unedited, response, at)| Hop {
            at: Stamp(at),
            done: Stamp(at),
            step: 0,
            who,
            flow,
            leg,
            url,
            request,
            unedited: unedited.map(Box::new),
            rendered: None,
            response,
        })
}

fn flow() -> impl Strategy<Value = Flow> {
    let faults: Vec<Fault> = Fault::all().collect();
    (
        slot(),
        0..5_u64,
        name(),
        name(),
        prop::collection::vec(prop::sample::select(faults), 0..2),
        any::<bool>(),
        prop::option::of(text()),
        prop::option::of(text()),
    )
        .prop_map(
            |(slot, id, person, browser, faults, start_edited, authorization_request, authorization_response)| Flow {
                slot,
                id: FlowId(id),
                person,
                browser,
                faults,
                start_edited,
                authorization_request,
                authorization_response,
            },
        )
}

fn event() -> impl Strategy<Value = Event> {
    let endpoint = prop::sample::select(vec![
        Endpoint::Metadata,
        Endpoint::Jwks,
        Endpoint::Authorize,
        Endpoint::Token,
        Endpoint::Userinfo,
        Endpoint::Logout,
        Endpoint::SecondOrigin,
    ]);
    prop_oneof![
        3 => (endpoint.clone(), request()).prop_map(|(endpoint, request)| Event::Received { exchange: 1, endpoint, request }),
        1 => (endpoint, 0..700_u16, pairs(), text()).prop_map(|(endpoint, status, headers, body)| Event::Answered {
            exchange: 1, endpoint, status, headers: headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            length: body.len() as u64, body,
        }),
        1 => (text(), prop::option::of(text()), prop::option::of(text())).prop_map(|(access_token, id_token, refresh_token)| Event::TokensIssued {
            access_token, id_token, refresh_token,
        }),
        1 => text().prop_map(|code| Event::CodeIssued { code }),
        1 => (text(), prop::option::of(0..700_u16), pairs()).prop_map(|(token, status, headers)| Event::LogoutTokenPosted {
            url: String::new(), token, status, headers, problem: None,
        }),
    ]
}

fn shows() -> impl Strategy<Value = Shows> {
    prop_oneof![
        Just(Shows::Nobody),
        name().prop_map(Shows::Person),
        prop::collection::vec(name(), 0..3).prop_map(Shows::Several),
        Just(Shows::Nameless),
        text().prop_map(Shows::Unclear),
    ]
}

fn probe() -> impl Strategy<Value = Probe> {
    let labels = prop::sample::select(vec![
        "after",
        "before",
        "signed-in",
        "jar",
        "first",
        "last",
        "crowd",
        "old",
        "victim",
        "own",
        "other-browser",
    ]);
    (labels, name(), 0..8_usize, shows()).prop_map(|(label, who, hop, shows)| Probe {
        label: label.to_owned(),
        who,
        hop,
        shows,
    })
}

fn person() -> impl Strategy<Value = Person> {
    (name(), text(), text()).prop_map(|(name, sub, email)| Person {
        name,
        persona: Persona {
            sub,
            email,
            ..Persona::default()
        },
    })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let records = (prop::option::of(0..5_u64), any::<u64>(), event()).prop_map(|(flow, at, event)| Record {
        at: Stamp(at),
        flow: flow.map(FlowId),
        server: "default".to_owned(),
        event,
    });
    let saved = prop::collection::btree_map(
        prop::sample::select(vec!["before", "after", "live", "first", "second"]).prop_map(str::to_owned),
        pairs(),
        0..4,
    );
    (
        prop::collection::vec(person(), 0..3),
        prop::collection::vec(flow(), 0..5),
        prop::collection::vec(hop(), 0..8),
        prop::collection::vec(probe(), 0..5),
        prop::collection::vec(records, 0..8),
        saved,
        prop::option::of(text()),
        prop::collection::vec(text(), 0..2),
    )
        .prop_map(|(people, flows, hops, probes, records, saved, secret, names)| {
            let mut evidence = Evidence {
                people,
                flows,
                hops,
                probes,
                records,
                saved,
                ..Evidence::default()
            };
            evidence.target.client_secret = secret;
            evidence.target.session_cookies = vec!["sid".to_owned()];
            evidence.target.session_cookies.extend(names.clone());
            evidence.target.protected = names;
            evidence
        })
}
