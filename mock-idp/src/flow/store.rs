//! Flows, transactions, codes, tokens and sessions: bounded and expiring, in memory or shared by several processes.
//!
//! A [`Flow`] travels by value (behind an `Arc`) from the authorization request into the code, from there into the grant
//! and its tokens. Forgetting it here only ends look-ups by its id.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    armed::{Arms, NextLogins},
    fault::{Fault, Message},
    journal::Held,
    record::Record,
    scenario::{FlowId, Scenario},
    tamper::Earlier,
    waiting::{Attempt, Pending, Pushed, SessionToken},
    windows::Window,
};
use crate::{
    protocol::{draft::ResponseMode, params::Params, random},
    tenant::Subject,
};

mod attempt;
mod bounded;
mod held;
mod link;
#[cfg(test)]
mod model;
mod remote;
pub(crate) mod stored;
mod table;

pub(crate) use remote::{Away, Recorded, Remote};
pub(crate) use table::Table;

/// The cookie that binds the next authorization request of a browser to a flow.
pub(crate) const FLOW_COOKIE: &str = "mock_idp_flow";

/// Locks, also after a panic elsewhere: every critical section here leaves its data whole.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything between one authorization request and the last use of its tokens.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    /// What its random values are drawn from, where its scenario has a seed.
    pub(crate) seeds: Option<Seeds>,
    /// Begun by the harness: refusals are recorded and the flow goes on where it can.
    pub(crate) watched: bool,
    pub(crate) scenario: Scenario,
    /// The second origin of whoever watches it, where several processes share it.
    pub(crate) second_origin: Option<Url>,
    /// The flow that faults borrow from.
    pub(crate) earlier: Option<Arc<Flow>>,
    /// What this flow leaves behind for later ones.
    pub(crate) memory: Mutex<Earlier>,
    /// The session that its sign-in made or used: what a logout token speaks of.
    pub(crate) session: Mutex<Option<Arc<Session>>>,
    /// Server id and client id of its authorization request.
    pub(crate) party: Mutex<Option<(String, String)>>,
    /// What the login that was signed in with brings: `FAULT@fault.test`.
    pub(crate) brought: Mutex<Option<Fault>>,
    /// What was armed for it, by its number.
    pub(crate) armed: Mutex<Vec<(u64, Fault)>>,
    pub(crate) records: Mutex<Held>,
}

/// The seeds of one flow: one for each request that is bound to it.
#[derive(Debug)]
pub(crate) struct Seeds {
    flow: u64,
    drawn: AtomicU64,
}

impl Seeds {
    const fn new(flow: u64) -> Self {
        Self {
            flow,
            drawn: AtomicU64::new(0),
        }
    }

    /// As [`Seeds::new`], for the `turn`th time that somebody begins to draw.
    fn from(flow: u64, turn: u64) -> Self {
        Self {
            flow,
            drawn: AtomicU64::new((turn + 1) << 32),
        }
    }

    const fn origin(&self) -> u64 {
        self.flow
    }

    /// The seed of the next request.
    pub(crate) fn next(&self) -> u64 {
        mix(self.flow, self.drawn.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// One number of two, so that neighbours have nothing in common (the finalizer of SplitMix64).
const fn mix(seed: u64, count: u64) -> u64 {
    let mut mixed = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Flow {
    fn new(id: FlowId, seeds: Option<Seeds>, watched: bool, scenario: Scenario, earlier: Option<Arc<Self>>) -> Self {
        Self {
            seeds,
            id,
            watched,
            scenario,
            second_origin: None,
            earlier,
            memory: Mutex::default(),
            session: Mutex::default(),
            party: Mutex::default(),
            brought: Mutex::default(),
            armed: Mutex::default(),
            records: Mutex::default(),
        }
    }

    /// Its records, if it is watched.
    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        locked(&self.records).records()
    }

    /// Everything that it carries.
    pub(crate) fn all_faults(&self) -> Vec<Fault> {
        let mut faults = self.scenario.faults.clone();
        faults.extend(*locked(&self.brought));
        faults.extend(locked(&self.armed).iter().map(|(_, fault)| *fault));
        faults
    }

    /// The faults meant for this message.
    pub(crate) fn faults(&self, message: Message) -> impl Iterator<Item = Fault> + '_ {
        let armed: Vec<Fault> = locked(&self.armed).iter().map(|(_, fault)| *fault).collect();
        let brought = *locked(&self.brought);
        let own = self.scenario.faults.iter().copied();
        own.chain(brought)
            .chain(armed)
            .filter(move |fault| fault.message() == message)
    }
}

/// An authorization request that passed its checks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) server: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// Whether `redirect_uri` was sent, and must be sent again to the token endpoint.
    pub(crate) redirect_uri_sent: bool,
    pub(crate) response_type: ResponseType,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// Challenge and method.
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) login_hint: Option<String>,
    pub(crate) prompt: String,
    /// By which grant it came about; empty for the authorization endpoint.
    pub(crate) grant_type: String,
    pub(crate) acr: Option<String>,
    /// The authenticators of which one is to be set up (`enroll_amr_values`).
    pub(crate) enroll: Vec<String>,
    pub(crate) asker: Asker,
}

impl Request {
    /// What of it the token endpoint compares with.
    pub(crate) fn as_params(&self) -> Params {
        let mut params = vec![
            ("client_id".to_owned(), self.client_id.clone()),
            ("redirect_uri".to_owned(), self.redirect_uri.clone()),
        ];
        if let Some((challenge, method)) = &self.challenge {
            params.push(("code_challenge".to_owned(), challenge.clone()));
            params.push(("code_challenge_method".to_owned(), method.clone()));
        }
        Params(params)
    }
}

/// Who waits for the end of a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asker {
    /// The relying party, at its redirect URI.
    #[default]
    RelyingParty,
    /// A device, by its device code.
    Device(String),
    /// An application with a sign-in page of its own: it gets an interaction code.
    Interaction,
    /// Nobody but the person, who goes on to this page.
    Home(String),
}

/// What the authorization endpoint is asked to return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) id_token: bool,
    pub(crate) token: bool,
}

/// A person before the hosted page, or an SDK that asks in his name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transaction {
    #[serde(with = "stored::flow")]
    pub(crate) flow: Arc<Flow>,
    #[serde(with = "stored::shared")]
    pub(crate) request: Arc<Request>,
    /// Path and query of the authorization request, where the page's form goes.
    pub(crate) action: String,
    /// Who this is, as typed or hinted.
    pub(crate) identifier: String,
    /// "Keep me signed in."
    pub(crate) remember: bool,
    pub(crate) stage: Stage,
    pub(crate) expires: i64,
}

/// What is asked next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Who it is (and the password, where both are on one page).
    Identify,
    /// The password.
    Password,
    /// The second factor of somebody whose password was right.
    Passcode {
        #[serde(with = "stored::shared")]
        subject: Arc<Subject>,
        /// Base32.
        secret: String,
    },
    /// A new password of somebody whose old one was right and has expired.
    NewPassword {
        #[serde(with = "stored::shared")]
        subject: Arc<Subject>,
        /// What was proved so far.
        amr: Vec<String>,
    },
    /// A code of the second factor that is being set up.
    Enroll {
        #[serde(with = "stored::shared")]
        subject: Arc<Subject>,
        /// Base32, made for this.
        secret: String,
    },
    /// Whether these scopes may be granted.
    Consent {
        #[serde(with = "stored::shared")]
        session: Arc<Session>,
        scopes: Vec<String>,
    },
    /// Nothing: the browser fetches what comes of it.
    Signed(#[serde(with = "stored::shared")] Arc<Session>),
}

/// A browser session at the authorization server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The value of the `sid` cookie.
    #[serde(with = "stored::text")]
    pub(crate) cookie: Arc<str>,
    /// The value of the `idx` cookie; empty with the classic page.
    #[serde(with = "stored::text")]
    pub(crate) idx: Arc<str>,
    /// The `sid` claim.
    pub(crate) sid: String,
    #[serde(with = "stored::shared")]
    pub(crate) subject: Arc<Subject>,
    pub(crate) auth_time: i64,
    pub(crate) amr: Vec<String>,
    pub(crate) expires: i64,
    /// "Keep me signed in."
    pub(crate) remembered: bool,
}

/// What a user granted to a client: the origin of codes and tokens.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) flow: Arc<Flow>,
    pub(crate) request: Arc<Request>,
    pub(crate) subject: Arc<Subject>,
    pub(crate) session: Arc<Session>,
    /// Set once everything that was issued under this grant is revoked.
    pub(crate) revoked: Arc<Revocation>,
}

impl Grant {
    /// Whether everything that was issued under it is revoked.
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.is_revoked.load(Ordering::Acquire)
    }
}

/// Whether a grant is revoked.
#[derive(Debug)]
pub(crate) struct Revocation {
    /// Tells the grants of a flow apart.
    number: u64,
    is_revoked: AtomicBool,
}

impl Revocation {
    /// Of a grant that just came about.
    pub(crate) fn new() -> Self {
        // Several processes may give grants of one flow.
        static FIRST: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let first = FIRST.get_or_init(rand::random);
        Self::known(first.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)), false)
    }

    fn known(number: u64, is_revoked: bool) -> Self {
        Self {
            number,
            is_revoked: AtomicBool::new(is_revoked),
        }
    }
}

/// A code: issued, then redeemed once. Redeemed codes are remembered, so that a second use can be told from an unknown code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) expires: i64,
    pub(crate) redeemed: bool,
}

/// A token that was written, by its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) server: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    /// `None` for client_credentials.
    pub(crate) grant: Option<Grant>,
    /// The honest claims as JSON: read seldom, and a map of them would be most of what a sign-in keeps.
    #[serde(with = "stored::text")]
    pub(crate) claims: Arc<str>,
    pub(crate) expires: i64,
    pub(crate) revoked: bool,
    /// For a rotated refresh token: until when it is still good.
    pub(crate) grace_until: Option<i64>,
    /// For refresh tokens.
    pub(crate) last_used: i64,
    /// After so many seconds without use it is dead.
    pub(crate) idle: i64,
    /// The thumbprint of the key to which it is bound.
    pub(crate) jkt: Option<String>,
}

impl Token {
    /// Claims as they are kept.
    pub(crate) fn claims_text(claims: &serde_json::Map<String, serde_json::Value>) -> Arc<str> {
        serde_json::to_string(claims).unwrap_or_default().into()
    }

    /// The honest claims.
    pub(crate) fn claims(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(&self.claims).unwrap_or_default()
    }

    /// Whether it still stands for something.
    pub(crate) fn is_alive(&self, now: i64) -> bool {
        !self.revoked
            && self.expires > now
            && self.grace_until.is_none_or(|until| until >= now)
            && !self.grant.as_ref().is_some_and(Grant::is_revoked)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TokenKind {
    Access,
    Id,
    Refresh,
    /// What the applications of one device prove themselves by to each other (native SSO).
    DeviceSecret,
}

/// All stores of one mock-idp.
#[derive(Debug)]
pub(crate) struct Store {
    /// What several processes share; `None` in memory.
    remote: Option<Arc<Remote>>,
    /// Where this process listens as the attacker's origin.
    second_origin: Url,
    next_flow: AtomicU64,
    /// How often each seed was given to a flow.
    seeds: Mutex<HashMap<u64, u64>>,
    flows: Table<FlowId, Arc<Flow>>,
    /// One-shot cookie value → flow.
    pub(crate) tickets: Table<String, Arc<Flow>>,
    /// Login → the flow last begun for it that was not entered yet.
    pub(crate) awaited: Table<String, Arc<Flow>>,
    /// `stateToken` → transaction.
    pub(crate) transactions: Table<String, Transaction>,
    pub(crate) codes: Table<Arc<str>, Code>,
    pub(crate) tokens: Table<Arc<str>, Token>,
    /// `sid` or `idx` cookie → session.
    pub(crate) sessions: Table<Arc<str>, Arc<Session>>,
    /// The `sid` claim → server and client ids that the session went to.
    pub(crate) visited: Table<String, Vec<(String, String)>>,
    /// `stateToken` of the authentication API → how far it is.
    pub(crate) attempts: Table<String, Attempt>,
    /// `sessionToken` → who may have a session for it, once.
    pub(crate) session_tokens: Table<String, SessionToken>,
    /// `interaction_handle` → the transaction that it opens.
    pub(crate) interactions: Table<String, String>,
    /// User id and client id → scopes that the user consented to.
    pub(crate) consents: Table<(String, String), Vec<String>>,
    /// Second-factor codes that were used: user id and time step.
    pub(crate) used_passcodes: Table<(String, u64), ()>,
    /// Grants that wait for somebody, by device code, `auth_req_id`, `oob_code` or `mfa_token`.
    pub(crate) pendings: Table<String, Pending>,
    /// What a person types → device code.
    pub(crate) user_codes: Table<String, String>,
    /// Pushed authorization requests by handle.
    pub(crate) pushed: Table<String, Pushed>,
    /// Who asked how often, where the org limits that.
    pub(crate) windows: Table<String, Window>,
    /// User id → when he last signed in, seconds since 1970.
    pub(crate) last_logins: Table<String, i64>,
    /// `jti`s of what clients signed.
    used_once: Table<String, ()>,
    pub(crate) arms: Arms,
    pub(crate) next_logins: NextLogins,
}

/// An hour and a day, seconds: how long shared entries are kept that do not say so themselves. What they stand for ends
/// earlier.
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The name of the only entry of a table.
const ALL: &str = "all";

impl Store {
    /// An empty store in memory, or the one that several processes share.
    pub(crate) fn new(remote: Option<Arc<Remote>>, second_origin: Url) -> Self {
        macro_rules! tables {
            ($($field:ident: $seconds:expr),* $(,)?) => {
                Self {
                    next_flow: AtomicU64::new(0),
                    seeds: Mutex::default(),
                    flows: Table::new(None, "", 0),
                    $($field: Table::new(remote.as_ref(), stringify!($field), $seconds),)*
                    arms: Arms::new(remote.as_ref()),
                    next_logins: NextLogins::new(remote.as_ref()),
                    second_origin,
                    remote,
                }
            };
        }
        tables! {
            tickets: DAY, awaited: DAY, transactions: DAY, codes: HOUR, tokens: DAY, sessions: DAY, visited: 30 * DAY,
            attempts: HOUR, session_tokens: HOUR, interactions: DAY, consents: 30 * DAY, used_passcodes: HOUR,
            pendings: DAY, user_codes: DAY, pushed: HOUR, windows: HOUR, last_logins: 30 * DAY, used_once: DAY,
        }
    }

    /// What several processes share.
    pub(crate) fn remote(&self) -> Option<&Arc<Remote>> {
        self.remote.as_ref()
    }

    /// Forgets what the request that is under way has read, so that it sees what others wrote since.
    pub(crate) fn look_again(&self) {
        if let Some(remote) = &self.remote {
            remote.look_again();
        }
    }

    /// A new flow. What its scenario borrows from an earlier one is resolved here.
    pub(crate) fn begin(&self, watched: bool, scenario: Scenario) -> Arc<Flow> {
        match &self.remote {
            None => self.begun(watched, scenario),
            // With a store that is away nobody gets to see this flow.
            Some(remote) => remote.run(|| self.begun(watched, scenario)).0,
        }
    }

    fn begun(&self, watched: bool, scenario: Scenario) -> Arc<Flow> {
        let earlier = scenario.earlier.and_then(|id| self.flow(id));
        let seeds = scenario.seed.map(|seed| self.seeds_of(seed));
        let id = {
            let scope = random::scope();
            let _scope = match &seeds {
                Some(seeds) => scope.seeded(seeds.next()),
                None => scope,
            };
            FlowId::random(self.next_number())
        };
        let mut flow = Flow::new(id, seeds, watched, scenario, earlier);
        if watched && self.remote.is_some() {
            flow.second_origin = Some(self.second_origin.clone());
        }
        let flow = Arc::new(flow);
        match &self.remote {
            None => self.flows.put(id, flow.clone()),
            Some(_) => held::begun(&flow),
        }
        let login = flow.scenario.user.login.to_lowercase();
        if watched && !login.is_empty() {
            self.awaited.put(login, flow.clone());
        }
        flow
    }

    /// The seeds of a flow. Whoever begins another flow with the same seed gets others.
    fn seeds_of(&self, seed: u64) -> Seeds {
        if let Some(remote) = &self.remote {
            return Seeds::new(mix(seed, remote.count_seed(seed)));
        }
        let mut used = locked(&self.seeds);
        let count = used.entry(seed).or_insert(0_u64);
        *count += 1;
        Seeds::new(mix(seed, *count))
    }

    fn next_number(&self) -> u64 {
        match &self.remote {
            None => self.next_flow.fetch_add(1, Ordering::Relaxed) + 1,
            Some(remote) => remote.next_number(),
        }
    }

    pub(crate) fn flow(&self, id: FlowId) -> Option<Arc<Flow>> {
        let Some(remote) = &self.remote else {
            return self.flows.get(&id);
        };
        let found = remote.unit(|| held::flow(id).filter(|_| !held::is_forgotten(id)));
        found.ok().flatten()
    }

    /// Whether this is the first time that this text is used.
    pub(crate) fn use_once(&self, text: String) -> bool {
        self.used_once.insert_new(text, ())
    }

    /// Ends everything that was issued under this grant.
    pub(crate) fn revoke(&self, grant: &Grant) {
        grant.revoked.is_revoked.store(true, Ordering::Release);
        if let Some(remote) = &self.remote {
            let _ = remote.unit(|| remote.mark_flow(grant.flow.id, &held::revoked_field(grant.revoked.number)));
        }
    }

    /// Forgets everything but the count of flows.
    pub(crate) fn clear(&self) {
        if let Some(remote) = &self.remote {
            let _ = remote.unit(|| remote.clear());
        }
        macro_rules! clear {
            ($($field:ident)*) => { $(self.$field.clear();)* };
        }
        clear! {
            flows tickets awaited transactions codes tokens sessions visited attempts session_tokens interactions consents
            used_passcodes pendings user_codes pushed windows last_logins used_once
        }
        self.arms.clear();
        self.next_logins.clear();
    }

    /// Ends look-ups of this flow; its memory is freed when its last token is.
    pub(crate) fn forget(&self, id: FlowId) {
        self.flows.take(&id);
        if let Some(remote) = &self.remote {
            let _ = remote.unit(|| remote.mark_flow(id, held::FORGOTTEN));
        }
    }

    /// Opens the barrier of a flow for every process.
    pub(crate) fn release(&self, id: FlowId) {
        if let Some(remote) = &self.remote {
            // With a store that is away, its answers are 503 anyhow.
            let _ = remote.unit(|| remote.mark_flow(id, held::RELEASED));
        }
    }

    /// Whether the barrier of a flow was opened, by whatever process.
    pub(crate) fn is_released(&self, id: FlowId) -> bool {
        let released = self.remote.as_ref().map(|remote| remote.is_marked(id, held::RELEASED));
        released.unwrap_or_default()
    }

    /// The value of a one-shot cookie that binds the next authorization request to this flow.
    pub(crate) fn ticket(&self, flow: &Arc<Flow>) -> String {
        let ticket = random::token22();
        self.tickets.put(ticket.clone(), flow.clone());
        ticket
    }
}
