//! Small evidence, made by hand, for the tests of checks.

use mock_idp::flow::{
    record::{Endpoint, Event, Record, Request, Stamp},
    scenario::{FlowId, Persona},
};

use crate::{
    evidence::{Answer, Evidence, Flow, Hop, Leg, Person, Probe, Shows},
    script::{MAIN, OTHER, Slot},
};

/// One answer of the app.
pub(crate) struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    leg: Leg,
}

impl Page {
    pub(crate) fn ok(body: &str) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.to_owned(),
            leg: Leg::AfterCallback,
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::ok("") }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn saying(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn on(mut self, leg: Leg) -> Self {
        self.leg = leg;
        self
    }
}

/// The user's main flow `f-1`, the victim's other flow `f-2`, and these answers to the user's browser.
pub(crate) fn evidence(pages: &[Page]) -> Evidence {
    let flow = |slot: Slot, id: u64, person: &str| Flow {
        slot,
        id: FlowId(id),
        person: person.to_owned(),
        browser: person.to_owned(),
        faults: Vec::new(),
        start_edited: false,
        authorization_request: None,
        authorization_response: None,
    };
    Evidence {
        people: vec![
            person("user", "Ada"),
            person("victim", "Bob"),
            person("attacker", "Eve"),
        ],
        flows: vec![flow(MAIN, 1, "user"), flow(OTHER, 2, "victim")],
        hops: pages.iter().map(hop).collect(),
        ..Evidence::default()
    }
}

/// Adds what the probe with this label found.
pub(crate) fn probed(mut evidence: Evidence, label: &str, who: &str, body: &str, shows: Shows) -> Evidence {
    let mut answer = hop(&Page::ok(body).on(Leg::Probe));
    who.clone_into(&mut answer.who);
    evidence.hops.push(answer);
    evidence.probes.push(Probe {
        label: label.to_owned(),
        who: who.to_owned(),
        hop: evidence.hops.len() - 1,
        shows,
    });
    evidence
}

/// Adds a request that reached the authorization server in flow `f-1`.
pub(crate) fn received(evidence: Evidence, endpoint: Endpoint, request: Request) -> Evidence {
    recorded(
        evidence,
        Event::Received {
            exchange: 1,
            endpoint,
            request,
        },
    )
}

/// Adds an event of flow `f-1`, a millisecond after the last one.
pub(crate) fn recorded(mut evidence: Evidence, event: Event) -> Evidence {
    let at = evidence.records.last().map_or(0, |record| record.at.0) + 1000;
    evidence.records.push(Record {
        at: Stamp(at),
        flow: Some(FlowId(1)),
        server: "default".to_owned(),
        event,
    });
    evidence
}

/// A request with a body and headers.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

fn person(name: &str, first: &str) -> Person {
    Person {
        name: name.to_owned(),
        persona: Persona {
            sub: format!("00u{name}canary"),
            login: format!("{name}.canary@example.test"),
            email: format!("{name}.canary@example.test"),
            given_name: first.to_owned(),
            family_name: format!("{first}Canaryname"),
            id_token_name: format!("{first} Idtoken"),
            userinfo_name: format!("{first} Userinfo"),
            claims: serde_json::Map::new(),
        },
    }
}

fn hop(page: &Page) -> Hop {
    Hop {
        at: Stamp(1),
        done: Stamp(2),
        step: 0,
        who: "user".to_owned(),
        flow: Some(MAIN),
        leg: page.leg,
        url: "http://localhost:3000/page".to_owned(),
        request: request("GET", "/page", &[], ""),
        unedited: None,
        rendered: None,
        response: Answer::Http {
            status: page.status,
            headers: page.headers.clone(),
            body: page.body.clone(),
            truncated: false,
        },
    }
}
