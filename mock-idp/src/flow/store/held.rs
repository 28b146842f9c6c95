//! Flows while a unit of work holds them: read once, written where they changed.
//!
//! A flow is a hash in Redis. What it began with is one field, what changes is one field each, so that two requests of a flow
//! at the same time do not undo each other; its grants stand in it once for all their tokens.

use std::sync::{Arc, Mutex};

use foldhash::HashMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{
    Flow, Grant, Request, Revocation, Seeds, Session, locked,
    remote::{current, with},
};
use crate::{
    flow::scenario::{Barrier, FlowId, Point, Scenario},
    tenant::Subject,
};

/// A flow of which nothing else is kept is kept so long, seconds.
const LIFETIME: u64 = 3 * 3_600;
/// The field of what a flow began with.
const BEGINNING: &str = "beginning";
/// The field of a flow that is not to be found by its name any more.
pub(super) const FORGOTTEN: &str = "forgotten";
/// The field of a flow whose barrier is open.
pub(super) const RELEASED: &str = "released";
/// The field that counts the processes and requests that draw from the seed of a flow.
const DRAWN: &str = "drawn";

/// A flow that a unit holds.
#[derive(Debug)]
pub(crate) struct Held {
    flow: Arc<Flow>,
    /// As they are in Redis, and what is to be added.
    fields: HashMap<String, String>,
    added: Vec<(String, String)>,
    grants: HashMap<u64, Grant>,
    /// Begun by this unit.
    pub(super) is_new: bool,
    /// Fields that are to be set.
    pub(super) marks: Vec<String>,
    seconds: u64,
    is_kept_longer: bool,
}

#[derive(Serialize, Deserialize)]
struct Beginning {
    watched: bool,
    scenario: Scenario,
    /// Where its barrier is, which is no value.
    holds: Option<Point>,
    second_origin: Option<Url>,
    seed: Option<u64>,
    earlier: Option<FlowId>,
}

/// How entries name a grant.
#[derive(Serialize, Deserialize)]
pub(crate) struct GrantName {
    flow: FlowId,
    number: u64,
    /// Who it is, where the account changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
}

/// A grant as it stands in its flow.
#[derive(Serialize, Deserialize)]
struct GrantForm {
    request: Request,
    session: Session,
    /// If it is another one than the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(fields: &HashMap<String, String>, field: &str) -> Option<T> {
    serde_json::from_str(fields.get(field)?).ok()
}

fn grant_field(number: u64) -> String {
    format!("grant {number}")
}

/// The field that says that a grant is revoked.
pub(super) fn revoked_field(number: u64) -> String {
    format!("revoked {number}")
}

/// The fields that change while the flow goes on.
fn changing(flow: &Flow) -> [(&'static str, String); 5] {
    [
        ("memory", json(&*locked(&flow.memory))),
        ("session", json(&locked(&flow.session).as_deref())),
        ("party", json(&*locked(&flow.party))),
        ("brought", json(&*locked(&flow.brought))),
        ("armed", json(&*locked(&flow.armed))),
    ]
}

/// Holds a flow that has just begun.
pub(super) fn begun(flow: &Arc<Flow>) {
    with(|unit| unit.flows.insert(flow.id, Held::of(flow.clone(), true)));
}

impl Held {
    fn of(flow: Arc<Flow>, is_new: bool) -> Self {
        Self {
            flow,
            fields: HashMap::default(),
            added: Vec::new(),
            grants: HashMap::default(),
            is_new,
            marks: Vec::new(),
            seconds: LIFETIME,
            is_kept_longer: false,
        }
    }
}

/// A flow, also one that is not to be found by its name any more.
pub(super) fn flow(id: FlowId) -> Option<Arc<Flow>> {
    if let Some(flow) = with(|unit| unit.flows.get(&id).map(|held| held.flow.clone()))? {
        return Some(flow);
    }
    let remote = current()?;
    let fields = remote.flow_fields(id)?;
    let beginning: Beginning = parsed(&fields, BEGINNING)?;
    let mut scenario = beginning.scenario;
    scenario.barrier = beginning.holds.map(Barrier::new);
    let session: Option<Session> = parsed(&fields, "session").flatten();
    let flow = Arc::new(Flow {
        id,
        // Requests of one flow at the same time draw different values.
        seeds: beginning
            .seed
            .map(|seed| Seeds::from(seed, remote.count_flow(id, DRAWN))),
        watched: beginning.watched,
        scenario,
        second_origin: beginning.second_origin,
        earlier: beginning.earlier.and_then(self::flow),
        memory: Mutex::new(parsed(&fields, "memory").unwrap_or_default()),
        session: Mutex::new(session.map(Arc::new)),
        party: Mutex::new(parsed(&fields, "party").flatten()),
        brought: Mutex::new(parsed(&fields, "brought").flatten()),
        armed: Mutex::new(parsed(&fields, "armed").unwrap_or_default()),
        records: Mutex::default(),
    });
    let held = Held {
        fields,
        ..Held::of(flow.clone(), false)
    };
    with(|unit| unit.flows.insert(id, held));
    Some(flow)
}

/// Whether a flow that is held may be found by its name.
pub(super) fn is_forgotten(id: FlowId) -> bool {
    with(|unit| {
        let held = unit.flows.get(&id);
        held.is_some_and(|held| held.fields.contains_key(FORGOTTEN) || held.marks.iter().any(|mark| mark == FORGOTTEN))
    })
    .unwrap_or_default()
}

/// Keeps a flow as long as something that speaks of it.
pub(super) fn keep(id: FlowId, seconds: u64) {
    with(|unit| {
        if let Some(held) = unit.flows.get_mut(&id)
            && held.seconds < seconds
        {
            held.seconds = seconds;
            held.is_kept_longer = true;
        }
    });
}

/// Keeps a grant with its flow; how entries name it.
pub(super) fn keep_grant(grant: &Grant) -> GrantName {
    let (flow, number) = (grant.flow.id, grant.revoked.number);
    let changed = with(|unit| {
        let held = unit
            .flows
            .entry(flow)
            .or_insert_with(|| Held::of(grant.flow.clone(), false));
        if let Some(known) = held.grants.get(&number) {
            let is_same = Arc::ptr_eq(&known.subject, &grant.subject) || known.subject == grant.subject;
            return (!is_same).then(|| Subject::clone(&grant.subject));
        }
        let of_session = Arc::ptr_eq(&grant.session.subject, &grant.subject) || grant.session.subject == grant.subject;
        let form = GrantForm {
            request: Request::clone(&grant.request),
            session: Session::clone(&grant.session),
            subject: (!of_session).then(|| Subject::clone(&grant.subject)),
        };
        held.added.push((grant_field(number), json(&form)));
        held.grants.insert(number, grant.clone());
        None
    });
    GrantName {
        flow,
        number,
        subject: changed.flatten(),
    }
}

/// The grant of this name.
pub(super) fn grant(named: GrantName) -> Option<Grant> {
    let flow = flow(named.flow)?;
    let number = named.number;
    let grant = with(|unit| {
        let held = unit.flows.get_mut(&named.flow)?;
        if let Some(known) = held.grants.get(&number) {
            return Some(known.clone());
        }
        let form: GrantForm = parsed(&held.fields, &grant_field(number))?;
        let session = Arc::new(form.session);
        let grant = Grant {
            flow: flow.clone(),
            request: Arc::new(form.request),
            subject: form.subject.map_or_else(|| session.subject.clone(), Arc::new),
            session,
            revoked: Arc::new(Revocation::known(
                number,
                held.fields.contains_key(&revoked_field(number)),
            )),
        };
        held.grants.insert(number, grant.clone());
        Some(grant)
    });
    let grant = grant.flatten()?;
    Some(match named.subject {
        Some(subject) => Grant {
            subject: Arc::new(subject),
            ..grant
        },
        None => grant,
    })
}

/// What is to be written of a flow.
pub(super) struct Change {
    pub(super) id: FlowId,
    /// Those that changed.
    pub(super) fields: Vec<(String, String)>,
    /// How long it is kept from now on, if it began just now or is to be kept longer than it was.
    pub(super) seconds: u64,
    pub(super) is_kept_longer: bool,
}

/// What changed in the flows that the unit holds.
pub(super) fn changes() -> Vec<Change> {
    let changes = with(|unit| {
        let mut changes = Vec::new();
        for (id, held) in &mut unit.flows {
            let mut fields = std::mem::take(&mut held.added);
            if held.is_new {
                let flow = &held.flow;
                let beginning = Beginning {
                    watched: flow.watched,
                    scenario: flow.scenario.clone(),
                    holds: flow.scenario.barrier.as_ref().map(|barrier| barrier.at),
                    second_origin: flow.second_origin.clone(),
                    seed: flow.seeds.as_ref().map(Seeds::origin),
                    earlier: flow.earlier.as_ref().map(|flow| flow.id),
                };
                fields.push((BEGINNING.to_owned(), json(&beginning)));
            }
            for (name, text) in changing(&held.flow) {
                let is_nothing = matches!(text.as_str(), "null" | "[]");
                let is_as_before = match held.fields.get(name) {
                    Some(known) => *known == text,
                    None => is_nothing,
                };
                if !is_as_before {
                    fields.push((name.to_owned(), text));
                }
            }
            fields.extend(held.marks.drain(..).map(|mark| (mark, "1".to_owned())));
            if !fields.is_empty() || held.is_kept_longer {
                changes.push(Change {
                    id: *id,
                    fields,
                    seconds: held.seconds,
                    is_kept_longer: std::mem::take(&mut held.is_kept_longer),
                });
            }
        }
        changes
    });
    changes.unwrap_or_default()
}
