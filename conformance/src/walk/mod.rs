//! Walks a script: the interpreter of [`crate::script`]. It sends, follows and records; it decides nothing.
//!
//! `driver` is what a browser does, over HTTP or for real; `visit` lets one send and press and writes down what came of
//! it; `sign_in`, `sign_out` and `probe` are the acts; `crowd` lets many people act at once; `editing` changes
//! requests and `cookies` changes jars; `needs` tells before the first step what a script asks of a driver or of a pace.

mod cookies;
mod crowd;
mod driver;
mod editing;
mod fill;
mod learn;
mod navigate;
mod needs;
pub mod pace;
pub mod persona;
mod probe;
mod provision;
mod roles;
mod sign_in;
mod sign_out;
pub mod site;
mod steps;
mod visit;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use mock_idp::{
    Fault, MockIdp,
    flow::{
        fault::{Message, Reach},
        record::{Event, Record, Stamp},
        scenario::{Barrier, FlowId, Point, Scenario},
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use url::Url;

use self::driver::{Driver, Http, Window};
pub use self::{
    needs::{beyond_browsers, beyond_pace},
    pace::Pace,
    site::Site,
};
use crate::{
    browser::{
        http::{Client, Outgoing},
        pool::{Lease, Pool},
    },
    edit::Edit,
    evidence::{Evidence, Flow, Person},
    script::{Act, IdpAct, MAIN, Membership, Pause, Slot, Step, Who},
};

/// The authorization server that the main stage uses, as in every Okta org.
pub const DEFAULT_SERVER: &str = "default";

/// How long an app may wait for an authorization server that does not answer, and a little more, where the configuration
/// does not say.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(65);

/// Everything that a walk happens in: the authorization server, the app, and a way to send requests.
#[derive(Clone)]
pub struct World {
    /// The authorization server.
    pub idp: MockIdp,
    /// Which of its custom authorization servers the app uses.
    pub server: String,
    /// The app.
    pub site: Arc<Site>,
    /// Sends requests.
    pub client: Client,
    /// Real browsers, when they are to walk; `client` then carries what passes their gates.
    pub browsers: Option<Pool>,
    /// How long to leave the app after a key fetch before keys change.
    pub cool_down: Duration,
    /// How long to wait for an app that waits for an authorization server that does not answer.
    pub patience: Duration,
    /// How many people a crowd has at least.
    pub crowd: u16,
    /// How many replies the app waits for at the same time, where those are fewer than a crowd has people.
    pub at_once: Option<u16>,
    /// How fast sign-ins may begin.
    pub pace: Arc<Pace>,
}

/// Walks `script`; the faults ride on the flow in slot `MAIN`. `seed` decides every random value.
pub async fn walk(world: &World, script: &[Step], faults: &[Fault], seed: u64) -> Evidence {
    let patient;
    let world = match patient_with(world, faults) {
        Some(world) => {
            patient = world;
            &patient
        }
        None => world,
    };
    let mut walk = Walk::begin(world, script, faults, seed).await;
    walk.go_on(script.len()).await;
    walk.finish().await
}

/// The world in which a walk with these faults waits as long as the app may; `None` where it need not.
#[must_use]
pub fn patient_with(world: &World, faults: &[Fault]) -> Option<World> {
    let patience = if faults.iter().any(|fault| is_heavy(*fault)) {
        // How long that takes depends on the machine, and not on the time limit that the configuration was set to fit.
        world.patience.max(DEFAULT_PATIENCE)
    } else if faults.iter().any(|fault| fault.delays()) {
        // The app must give up by itself; only then is it the harness that does not wait any longer.
        world.patience
    } else {
        return None;
    };
    Some(World {
        client: world.client.patient(patience),
        ..world.clone()
    })
}

/// A walk that can rest between two steps, while others are made.
pub struct Walk<'w> {
    walker: Walker<'w>,
    script: &'w [Step],
    next: usize,
}

impl<'w> Walk<'w> {
    /// Nothing of the script is walked yet.
    pub async fn begin(world: &'w World, script: &'w [Step], faults: &'w [Fault], seed: u64) -> Self {
        let mut walker = Walker::new(world, faults, seed);
        walker.take_places(script).await;
        Self {
            walker,
            script,
            next: 0,
        }
    }

    /// Walks on to the step of this index, which is not walked.
    pub async fn go_on(&mut self, until: usize) {
        while self.next < until.min(self.script.len()) {
            let step = self.script[self.next];
            self.walker.step = u16::try_from(self.next).unwrap_or(u16::MAX);
            self.walker.act(step.who, step.act).await;
            self.next += 1;
        }
    }

    /// From now on: what the app's own authorization server was asked earlier does not belong to this walk.
    pub fn count_from_now(&mut self) {
        self.walker.evidence.target.own_since = Some(Stamp::now());
    }

    /// What was seen.
    pub async fn finish(mut self) -> Evidence {
        self.walker.leave().await;
        self.walker.finish()
    }
}

/// Whether a fault gives the app so much to read, unpack or compute that it may take longer than a request usually may.
fn is_heavy(fault: Fault) -> bool {
    use mock_idp::flow::fault::{IdTokenFault, TokenResponseFault};
    matches!(
        fault,
        Fault::TokenResponse(
            TokenResponseFault::GzipBomb
                | TokenResponseFault::HugeJson
                | TokenResponseFault::HugeDots
                | TokenResponseFault::HugeNesting
        ) | Fault::IdToken(IdTokenFault::JweZipBomb | IdTokenFault::JwePbes2 | IdTokenFault::ManyDots)
    )
}

/// Fetches the authorization server's record of these flows anew: late calls are seen.
pub fn refresh_records(idp: &MockIdp, server: &str, evidence: &mut Evidence) {
    let mut records: Vec<Record> = evidence.flows.iter().flat_map(|flow| idp.records(flow.id)).collect();
    // A server of its own has no other app: what was asked of it while the app started belongs here too.
    let since = match evidence.target.own_server {
        false => evidence.hops.first().map_or(Stamp(u64::MAX), |hop| hop.at),
        true => evidence.target.own_since.unwrap_or_default(),
    };
    let until = evidence.hops.last().map_or(Stamp(0), |hop| hop.done);
    let values = marks(evidence);
    let ours = |record: &Record| {
        let same_server = record.server == server;
        match &record.event {
            // Metadata and keys belong to nobody; those of this server while the walk went on may be its doing.
            Event::Received { endpoint, request, .. } => {
                use mock_idp::flow::record::Endpoint::{Jwks, Metadata, SecondOrigin};
                let meanwhile = record.at <= until;
                (matches!(endpoint, Jwks | Metadata) && same_server && meanwhile)
                    || (*endpoint == SecondOrigin && values.iter().any(|value| request.target.contains(value.as_str())))
                    || values.iter().any(|value| request.body.contains(value.as_str()))
            }
            Event::Sent { .. } => same_server,
            _ => false,
        }
    };
    records.extend(idp.unbound(since).into_iter().filter(ours));
    records.sort_by_key(|record| record.at);
    evidence.records = records;
}

/// Values that only this walk sent: codes it made up, canaries. An unbound request that carries one is its doing.
fn marks(evidence: &Evidence) -> Vec<String> {
    let parameters = evidence.hops.iter().flat_map(|hop| {
        let query = hop.request.target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
            .chain(form_urlencoded::parse(hop.request.body.as_bytes()))
            .filter(|(name, value)| name == "code" && value.len() >= 16)
            .map(|(_, value)| value.into_owned())
            .collect::<Vec<_>>()
    });
    let canaries = evidence.people.iter().map(|person| person.persona.sub.clone());
    parameters.chain(canaries).collect()
}

/// One browser with what it holds at the moment.
struct Browser {
    /// What sends for it.
    driver: Box<dyn Driver>,
    /// The document that is open.
    document: Option<Url>,
    /// Cookies that are sent to the app instead of the jar's, after a tampering edit.
    cookies: Option<Vec<(String, Vec<u8>)>>,
    /// Where the last sign-out wants to lead: the request to the end-session endpoint.
    leaving: Option<Outgoing>,
    /// The navigation at which the last visit was held.
    held: Option<visit::Held>,
}

impl Browser {
    fn new(driver: Box<dyn Driver>) -> Self {
        Self {
            driver,
            document: None,
            cookies: None,
            leaving: None,
            held: None,
        }
    }
}

/// A flow on its way.
struct Live {
    id: FlowId,
    enter: Url,
    /// The authorization request as the app made it.
    request: Option<Outgoing>,
    /// The authorization response as the authorization server made it.
    response: Option<Outgoing>,
}

/// The interpreter's state.
struct Walker<'w> {
    world: &'w World,
    faults: &'w [Fault],
    rng: StdRng,
    evidence: Evidence,
    browsers: BTreeMap<String, Browser>,
    flows: BTreeMap<Slot, Live>,
    /// Inside `Repeat`: which slot a slot of the script stands for this time.
    alias: BTreeMap<Slot, Slot>,
    next_slot: u16,
    step: u16,
    /// Whether no pictures are taken at the moment.
    is_unpictured: bool,
    /// The right to open real browsers.
    lease: Option<Arc<Lease>>,
    /// Held by the flows that are begun next (crowds).
    barrier: Option<Barrier>,
    /// Who has an account with the app, by name, where `[target.provision]` makes them.
    provisioned: BTreeSet<String>,
    /// Who is in which groups of `[[target.roles]]`, by name; everybody else is as `[target.people]` says.
    memberships: BTreeMap<String, Membership>,
    /// The group whose page is being opened.
    group: Option<String>,
    /// Whether the last page that was opened had nothing of what was to be pressed there.
    has_missed: bool,
}

impl<'w> Walker<'w> {
    fn new(world: &'w World, faults: &'w [Fault], seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let people = [Who::User, Who::Victim, Who::Attacker]
            .map(|who| Person {
                name: who.name().to_owned(),
                persona: persona::fresh(&mut rng, &world.site.people),
            })
            .to_vec();
        let evidence = Evidence {
            target: world.site.facts.clone(),
            people,
            ..Evidence::default()
        };
        Self {
            world,
            faults,
            rng,
            evidence,
            browsers: BTreeMap::new(),
            flows: BTreeMap::new(),
            alias: BTreeMap::new(),
            next_slot: 100,
            step: 0,
            is_unpictured: false,
            lease: None,
            barrier: None,
            provisioned: BTreeSet::new(),
            memberships: BTreeMap::new(),
            group: None,
            has_missed: false,
        }
    }

    fn finish(mut self) -> Evidence {
        refresh_records(&self.world.idp, &self.world.server, &mut self.evidence);
        self.evidence
    }

    /// Does one act. Boxed because `Repeat` holds acts.
    fn act(&mut self, who: Who, act: Act) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let name = who.name();
            match act {
                Act::Start(slot, edits) => self.start(name, name, slot, edits).await,
                Act::Authorize(slot, edits) => self.authorize(name, slot, edits).await,
                Act::Deliver(slot, edits) => self.deliver(name, slot, edits).await,
                Act::SignIn(slot) => self.sign_in(name, name, slot, &[]).await,
                Act::SignInAs(person, slot) => self.sign_in(name, person.name(), slot, &[]).await,
                Act::SignInWith(slot, edits) => self.sign_in(name, name, slot, edits).await,
                Act::Insist(slot, edits, times) => self.insist(name, slot, edits, times).await,
                Act::InitiateLogin(slot, edits) => self.initiate_login(name, slot, edits).await,
                Act::Wait(pause) => self.wait(pause).await,
                Act::Callback(edits) => self.bare_callback(name, edits).await,
                Act::Probe(label) => self.probe(name, label).await,
                Act::ProbeWith(label, saved) => self.probe_with(name, label, saved).await,
                Act::ProbeProtected(label, edits) => self.probe_protected(name, label, edits).await,
                Act::Save(label) => self.save(name, label).await,
                Act::Cookies(edit) => self.edit_cookies(name, edit).await,
                Act::SignOut(edits) => self.sign_out(name, edits).await,
                Act::FollowSignOut(edits) => self.follow_sign_out(name, edits).await,
                Act::DeepLink(slot, suffix) => self.deep_link(name, slot, suffix).await,
                Act::Request(place, edits) => self.request(name, place, edits).await,
                Act::RawBytes(bytes) => self.raw_bytes(name, bytes).await,
                Act::LogoutToken(slot) => self.logout_token(slot).await,
                Act::FrontChannel(slot, edits) => self.front_channel(name, slot, edits).await,
                Act::NewBrowser => self.new_browser(name).await,
                Act::Groups(membership) => _ = self.memberships.insert(name.to_owned(), membership),
                Act::Roles(label, edits) => self.open_roles(name, label, edits).await,
                Act::RoleSignIn(slot) => self.role_sign_in(name, slot).await,
                Act::StartAgain(slot) => self.start_again(name, slot).await,
                Act::LearnCookies => self.learn_cookies(name).await,
                Act::Idp(act) => self.idp_act(act).await,
                Act::Repeat(times, steps) => self.repeat(times, steps).await,
                Act::Crowd(crowd) => self.crowd(crowd).await,
                Act::HoldTokens => self.barrier = Some(Barrier::new(Point::TokenResponse)),
                Act::DeliverTwice(slot) => self.deliver_twice(name, slot).await,
                Act::SignOutRace(requests) => self.sign_out_race(name, requests).await,
                Act::Flood(starts) => self.flood(name, starts).await,
            }
        })
    }

    /// Waits until this script's people may have a browser each.
    async fn take_places(&mut self, script: &[Step]) {
        if let Some(pool) = &self.world.browsers {
            let wanted = needs::browsers(script, self.world.site.javascript);
            self.lease = pool.lease(wanted).await.map(Arc::new);
        }
    }

    /// Closes every browser.
    async fn leave(&mut self) {
        let browsers = std::mem::take(&mut self.browsers).into_values();
        futures_util::future::join_all(browsers.map(|browser| browser.driver.close())).await;
        self.lease = None;
    }

    async fn new_browser(&mut self, name: &str) {
        if let Some(old) = self.browsers.remove(name) {
            old.driver.close().await;
        }
    }

    async fn repeat(&mut self, times: u16, steps: &'static [Step]) {
        let outer = self.alias.clone();
        for round in 0..times {
            // The first round keeps the names of the script, so that checks find `MAIN`.
            if round > 0 {
                for slot in steps.iter().filter_map(|step| step.act.slot()) {
                    let fresh = self.fresh_slot();
                    self.alias.insert(slot, fresh);
                }
            }
            // A hundred pictures of the same page tell no more than the first and the last of them.
            self.is_unpictured = 0 < round && round + 1 < times;
            for step in steps {
                self.act(step.who, step.act).await;
            }
        }
        self.is_unpictured = false;
        self.alias = outer;
    }

    fn fresh_slot(&mut self) -> Slot {
        self.next_slot += 1;
        Slot(self.next_slot)
    }

    /// The slot that a slot of the script stands for at the moment.
    fn slot(&self, slot: Slot) -> Slot {
        self.alias.get(&slot).copied().unwrap_or(slot)
    }

    fn browser(&mut self, name: &str) -> &mut Browser {
        let (world, lease) = (self.world, &self.lease);
        self.browsers
            .entry(name.to_owned())
            .or_insert_with(|| Browser::new(driver(world, lease.clone())))
    }

    /// Begins a flow at the authorization server for `person`, to be started in `browser`'s browser.
    fn begin(&mut self, browser: &str, person: &str, scripted: Slot) -> Slot {
        let slot = self.slot(scripted);
        let faults: Vec<Fault> = match scripted {
            MAIN => self
                .faults
                .iter()
                .copied()
                .filter(|fault| fault.reach() == Reach::Flow)
                .collect(),
            _ => Vec::new(),
        };
        let identity = |name: &str| self.evidence.person(name).map(|person| person.persona.clone());
        let mut user = identity(person).unwrap_or_default();
        if let Some(membership) = self.memberships.get(person) {
            roles::join(&mut user, *membership, &self.world.site.roles);
        }
        let victim = if person == Who::Victim.name() {
            Who::Attacker
        } else {
            Who::Victim
        };
        let scenario = Scenario {
            victim: identity(victim.name()),
            earlier: self.evidence.flows.last().map(|flow| flow.id),
            barrier: self.barrier.clone(),
            seed: Some(self.rng.random()),
            ..Scenario::honest(user).with_faults(faults.iter().copied())
        };
        let begun = self.world.idp.begin(scenario);
        self.evidence.flows.retain(|flow| flow.slot != slot);
        self.evidence.flows.push(Flow {
            slot,
            id: begun.id,
            person: person.to_owned(),
            browser: browser.to_owned(),
            faults,
            start_edited: false,
            authorization_request: None,
            authorization_response: None,
        });
        self.flows.insert(
            slot,
            Live {
                id: begun.id,
                enter: begun.enter,
                request: None,
                response: None,
            },
        );
        slot
    }

    fn obstacle(&mut self, text: impl Into<String>) {
        self.evidence.obstacles.push(text.into());
    }

    async fn logout_token(&mut self, slot: Slot) {
        let slot = self.slot(slot);
        match self.flows.get(&slot).map(|live| live.id) {
            Some(id) => {
                let _ = self.world.idp.send_logout_token(id).await;
            }
            None => self.obstacle("a logout token was to be sent for a flow that was never begun"),
        }
    }

    /// Lets a session's or a token's time run out: this is what the case is about, not synchronisation.
    async fn wait(&mut self, pause: Pause) {
        let declares = &self.world.site.declares;
        let more = Duration::from_secs(2);
        let time = match pause {
            // Longer than a token of one second lives, and than any second.
            Pause::TokenLife | Pause::ClockTick => Some(more),
            Pause::SessionIdle => declares.session_idle.map(|idle| Duration::from_secs(idle) + more),
            Pause::WithinSessionIdle => declares.session_idle.map(|idle| Duration::from_secs(idle) * 2 / 3),
            Pause::SessionLifetime => declares.session_lifetime.map(|life| Duration::from_secs(life) + more),
        };
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => self.obstacle(format!("the target declares no time for {pause:?}")),
        }
    }

    async fn idp_act(&mut self, act: IdpAct) {
        let World {
            idp, server, cool_down, ..
        } = self.world;
        match act {
            IdpAct::RotateKeys => idp.rotate_keys(server),
            IdpAct::Misbehave => idp.misbehave(server, &server_faults(self.faults)),
            IdpAct::Behave => idp.behave(server),
            // The stage was raised with these credentials before the app was started.
            IdpAct::OddClient => {
                if !self.world.site.facts.client_id.contains(ODD) {
                    self.obstacle("the app could not be started with the odd client id and secret");
                }
            }
            IdpAct::CoolDown => {
                let fetched = idp.unbound(Stamp(0)).into_iter().rev().find(|record| {
                    let keys = matches!(&record.event, Event::Received { endpoint, .. }
                        if *endpoint == mock_idp::flow::record::Endpoint::Jwks);
                    keys && record.server == *server
                });
                let Some(fetched) = fetched else { return };
                let since = Duration::from_micros(Stamp::now().0.saturating_sub(fetched.at.0));
                // Not synchronisation: the app's library refuses to fetch keys again before this time has passed.
                tokio::time::sleep(cool_down.saturating_sub(since)).await;
            }
        }
    }
}

/// What a new browser is made of: a real one where real ones walk.
fn driver(world: &World, lease: Option<Arc<Lease>>) -> Box<dyn Driver> {
    let (client, site) = (world.client.clone(), Arc::clone(&world.site));
    match &world.browsers {
        Some(_) => Box::new(Window::new(lease, client, site)),
        None => Box::new(Http::new(client, site)),
    }
}

/// Characters that a client id or secret may hold and that form encoding changes (RFC 6749 §2.3.1).
pub const ODD: &str = ":+%&= ";

/// Whether a script wants the app to be started with an odd client id and secret.
#[must_use]
pub fn wants_odd_client(script: &[Step]) -> bool {
    script.iter().any(|step| step.act == Act::Idp(IdpAct::OddClient))
}

/// Those of a variant's faults that reach the whole authorization server.
#[must_use]
pub fn server_faults(faults: &[Fault]) -> Vec<Fault> {
    faults
        .iter()
        .copied()
        .filter(|fault| fault.reach() == Reach::Server)
        .collect()
}

/// Whether a script decides by itself when the server-wide faults begin.
#[must_use]
pub fn begins_misbehaviour(script: &[Step]) -> bool {
    script.iter().any(|step| step.act == Act::Idp(IdpAct::Misbehave))
}

/// The messages that a variant's faults change.
#[must_use]
pub fn messages(faults: &[Fault]) -> Vec<Message> {
    faults.iter().map(|fault| fault.message()).collect()
}

impl Act {
    /// The flow that this act is about.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        match *self {
            Act::Start(slot, _)
            | Act::Authorize(slot, _)
            | Act::Deliver(slot, _)
            | Act::SignIn(slot)
            | Act::SignInAs(_, slot)
            | Act::SignInWith(slot, _)
            | Act::DeepLink(slot, _)
            | Act::InitiateLogin(slot, _)
            | Act::RoleSignIn(slot)
            | Act::StartAgain(slot)
            | Act::Insist(slot, _, _)
            | Act::LogoutToken(slot)
            | Act::FrontChannel(slot, _)
            | Act::DeliverTwice(slot) => Some(slot),
            _ => None,
        }
    }

    /// The edits that stand on this act.
    #[must_use]
    pub fn edits(&self) -> &'static [Edit] {
        match *self {
            Act::Start(_, edits)
            | Act::Authorize(_, edits)
            | Act::Deliver(_, edits)
            | Act::SignInWith(_, edits)
            | Act::InitiateLogin(_, edits)
            | Act::Insist(_, edits, _)
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
