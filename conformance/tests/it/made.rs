//! Evidence made by hand: what an honest app leaves behind, to be spoilt in one place by a test.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use conformance::{
    evidence::{Answer, Evidence, Flow, Hop, Leg, Person, Probe, Shows, TargetFacts},
    script::{MAIN, Slot},
};
use mock_idp::flow::{
    record::{Endpoint, Event, Record, Request, Stamp},
    scenario::{FlowId, Persona},
};

pub(crate) const SECRET: &str = "a-client-secret-of-more-than-16-characters";

/// Text that looks random, the same for the same seed: 43 base64url characters.
pub(crate) fn random(seed: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// Nothing happened yet; three people and a target are known.
pub(crate) fn nothing() -> Evidence {
    Evidence {
        target: TargetFacts {
            app: "http://localhost:3000/".parse().unwrap(),
            idp: "http://127.0.0.1:9494/".parse().unwrap(),
            issuer: "http://127.0.0.1:9494/oauth2/default".into(),
            second_origin: "http://127.0.0.1:9999/".parse().unwrap(),
            client_id: "client".into(),
            client_secret: Some(SECRET.into()),
            redirect_uri: "http://localhost:3000/callback".into(),
            post_logout: vec!["http://localhost:3000/".into()],
            scopes: vec!["openid".into(), "email".into()],
            protected: vec!["/me".into()],
            session_cookies: vec!["sid".into()],
            flow_cookies: vec!["attempt".into()],
            ..TargetFacts::default()
        },
        people: ["user", "victim", "attacker"].map(person).to_vec(),
        ..Evidence::default()
    }
}

/// One honest sign-in of the user in slot `MAIN`, with the probe and the saved cookies.
pub(crate) fn signed_in() -> Evidence {
    let mut evidence = nothing();
    sign_in(&mut evidence, MAIN, "user", "user");
    probe(&mut evidence, "after", "user", "user");
    evidence
        .saved
        .insert("before".into(), vec![("attempt".into(), random("attempt 0"))]);
    evidence
        .saved
        .insert("after".into(), vec![("sid".into(), session(MAIN))]);
    evidence
}

/// Twenty honest sign-ins, one after the other.
pub(crate) fn many() -> Evidence {
    let mut evidence = nothing();
    for slot in 0..20 {
        sign_in(&mut evidence, Slot(slot), "user", "user");
    }
    evidence
}

/// A sign-in of this person in this browser, from the first request to the page.
pub(crate) fn sign_in(evidence: &mut Evidence, slot: Slot, person: &str, browser: &str) {
    let number = slot.0;
    let verifier = random(&format!("verifier {number}"));
    let (state, nonce) = (random(&format!("state {number}")), random(&format!("nonce {number}")));
    let code = random(&format!("code {number}"));
    let query = format!(
        "client_id=client&response_type=code&scope=openid+email&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback\
         &state={state}&nonce={nonce}&code_challenge={}&code_challenge_method=S256",
        random(&verifier)
    );
    let target = format!("/oauth2/default/v1/authorize?{query}");
    let request = format!("http://127.0.0.1:9494{target}");
    let response = format!("http://localhost:3000/callback?code={code}&state={state}");
    evidence.flows.push(Flow {
        slot,
        id: FlowId(u64::from(number) + 1),
        person: person.into(),
        browser: browser.into(),
        faults: Vec::new(),
        start_edited: false,
        authorization_request: Some(request.clone()),
        authorization_response: Some(response.clone()),
    });
    let attempt = format!(
        "attempt={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600",
        random(&format!("attempt {number}"))
    );
    let session = format!("sid={}; Path=/; HttpOnly; SameSite=Lax", session(slot));
    let page = format!("<p>{}</p><a href=\"/signout\">Sign out</a>", email(person));
    let hops = [
        (
            Leg::SignInStart,
            "http://localhost:3000/login".to_owned(),
            302,
            vec![
                ("location", request),
                ("set-cookie", attempt),
                ("cache-control", "no-store".into()),
            ],
            String::new(),
        ),
        (
            Leg::Callback,
            response,
            303,
            vec![
                ("location", "/me".into()),
                ("set-cookie", session),
                ("set-cookie", "attempt=; Path=/; Max-Age=0".into()),
                ("cache-control", "no-store".into()),
            ],
            String::new(),
        ),
        (
            Leg::AfterCallback,
            "http://localhost:3000/me".to_owned(),
            200,
            vec![
                ("content-type", "text/html".into()),
                ("cache-control", "no-store".into()),
                ("referrer-policy", "no-referrer".into()),
            ],
            page,
        ),
    ];
    for (leg, url, status, headers, body) in hops {
        let mut hop = hop(leg, browser, &url, status, &headers, &body);
        hop.flow = Some(slot);
        evidence.hops.push(hop);
    }
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&code_verifier={verifier}"
    );
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("client:{SECRET}"));
    let id = FlowId(u64::from(number) + 1);
    record(evidence, id, received(Endpoint::Authorize, "GET", &target, &[], ""));
    record(evidence, id, Event::CodeIssued { code });
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("authorization", format!("Basic {basic}")),
    ];
    record(
        evidence,
        id,
        received(Endpoint::Token, "POST", "/oauth2/default/v1/token", &headers, &form),
    );
    record(
        evidence,
        id,
        Event::TokensIssued {
            access_token: format!("eyJ.access.{}", random(&format!("access {number}"))),
            id_token: Some(format!("eyJ.id.{}", random(&format!("id {number}")))),
            refresh_token: None,
        },
    );
}

/// Asks the protected page; `shows` is a person's name, or `nobody`.
pub(crate) fn probe(evidence: &mut Evidence, label: &str, who: &str, shows: &str) {
    let (status, body, shows) = match shows {
        "nobody" => (302, String::new(), Shows::Nobody),
        name => (200, format!("<p>{}</p>", email(name)), Shows::Person(name.into())),
    };
    let headers = [
        ("content-type", "text/html".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    evidence.hops.push(hop(
        Leg::Probe,
        who,
        "http://localhost:3000/me",
        status,
        &headers,
        &body,
    ));
    evidence.probes.push(Probe {
        label: label.into(),
        who: who.into(),
        hop: evidence.hops.len() - 1,
        shows,
    });
}

/// One request and its answer.
pub(crate) fn hop(leg: Leg, who: &str, url: &str, status: u16, headers: &[(&str, String)], body: &str) -> Hop {
    let target = url
        .split_once("//")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    Hop {
        at: Stamp(1_790_000_000_000_000),
        done: Stamp(1_790_000_000_001_000),
        step: 0,
        who: who.into(),
        flow: None,
        leg,
        url: url.into(),
        request: Request {
            method: "GET".into(),
            target: target.unwrap_or("/").into(),
            ..Request::default()
        },
        unedited: None,
        rendered: None,
        response: Answer::Http {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            body: body.into(),
            truncated: false,
        },
    }
}

/// Adds a line to the record.
pub(crate) fn record(evidence: &mut Evidence, flow: FlowId, event: Event) {
    let at = Stamp(1_790_000_000_000_000 + evidence.records.len() as u64);
    evidence.records.push(Record {
        at,
        flow: Some(flow),
        server: "default".into(),
        event,
    });
}

pub(crate) fn received(
    endpoint: Endpoint,
    method: &str,
    target: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Event {
    Event::Received {
        exchange: 1,
        endpoint,
        request: Request {
            method: method.into(),
            target: target.into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            body: body.into(),
        },
    }
}

/// Replaces text wherever it stands in the evidence.
pub(crate) fn swap(evidence: &mut Evidence, from: &str, to: &str) {
    let text = serde_json::to_string(evidence).unwrap();
    assert!(text.contains(from), "the evidence holds no `{from}`");
    *evidence = serde_json::from_str(&text.replace(from, to)).unwrap();
}

/// Says that the last hop of this leg was edited: without the edit it would have gone to `/`.
pub(crate) fn edited(evidence: &mut Evidence, leg: Leg) -> &mut Hop {
    let hop = evidence.hops.iter_mut().rfind(|hop| hop.leg == leg).unwrap();
    let mut plain = hop.request.clone();
    plain.target = plain.target.split('?').next().unwrap_or_default().to_owned();
    hop.unedited = Some(Box::new(plain));
    hop
}

/// The session cookie that a sign-in in this slot leaves.
pub(crate) fn session(slot: Slot) -> String {
    random(&format!("session {}", slot.0))
}

/// An address that occurs nowhere else.
pub(crate) fn email(name: &str) -> String {
    format!("{name}.canary@example.test")
}

fn person(name: &str) -> Person {
    Person {
        name: name.into(),
        persona: Persona {
            sub: format!("00u{name}canary"),
            login: email(name),
            email: email(name),
            given_name: name.into(),
            family_name: format!("Canary{name}"),
            id_token_name: format!("Idtoken {name}"),
            userinfo_name: format!("Userinfo {name}"),
            ..Persona::default()
        },
    }
}
