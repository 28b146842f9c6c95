//! What several processes share: a connection to Redis, and units of work.
//!
//! A unit is all that one request does. It begins with one question (what changed for everybody since the last one, and what
//! the request will ask for, as far as that can be told from it), holds what it has read, and ends with one transaction that
//! writes what need not be atomic before. What must be decided between
//! processes (who redeems a code, who takes a ticket) is decided by Redis at once, by one script or one command.
//!
//! Whoever asks for something while Redis is away gets nothing, and the unit is broken: what came of it is not shown to
//! anybody, nothing more is written, and the request is answered with 503.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use foldhash::HashMap;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Pipeline, RedisResult};
use tokio::sync::broadcast;
use url::Url;

use super::{
    held::Held,
    link::{Link, reason},
    locked,
};
use crate::{
    flow::{record::Record, scenario::FlowId},
    protocol::{keys::digest43, random},
};

/// All keys begin with it, where the URL says no other word by `?prefix=`.
const PREFIX: &str = "mock-idp";
/// After a failure nobody tries again for so long: a request is answered at once then.
const REST: Duration = Duration::from_millis(100);
/// So many connections are kept open.
const IDLE: usize = 64;
/// Longer names are kept as digests.
const LONGEST_NAME: usize = 64;
/// So often a change is tried again that another process came in between of.
const TRIES: usize = 100;
/// How long one process may change the org alone, milliseconds.
const LOCK: u64 = 10_000;
/// How long another waits for it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// How far a slow reader of records may fall behind.
const BACKLOG: usize = 4_096;

/// Compares and swaps: an entry becomes the second text if it still is the first one. The empty text stands for no entry.
const SWAP: &str = "
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return now end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return false
";
/// Writes the org if the lock is still ours, and opens it.
const PUBLISH: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
redis.call('DEL', KEYS[1])
return 1
";
/// Reads entries, and the flows that those after the first three speak of.
const BEGIN: &str = "
local entries = redis.call('MGET', unpack(KEYS, 2))
local flows = {}
for at = 4, #entries do
  local name = entries[at] and string.match(entries[at], '\"flow\":\"(f%-[%w%-]+)\"')
  if name then flows[#flows + 1] = { name, redis.call('HGETALL', KEYS[1] .. name) } end
end
return { entries, flows }
";
thread_local! {
    static UNIT: RefCell<Option<Unit>> = const { RefCell::new(None) };
}

/// Redis did not answer as it should, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Away(pub(crate) String);

/// One field of the stream of records.
#[derive(Debug)]
pub(crate) enum Recorded {
    Record {
        watched: bool,
        record: Box<Record>,
    },
    /// Everything before it is to be forgotten.
    Cleared,
    /// Written by another version.
    Unreadable,
}

/// How the stream of records calls what is in it.
const WATCHED: &str = "watched";
const UNWATCHED: &str = "unwatched";
const CLEARED: &str = "cleared";

/// See the module.
pub(crate) struct Remote {
    pub(super) client: redis::Client,
    /// The connection of those who do not wait.
    pub(super) line: Mutex<Option<MultiplexedConnection>>,
    /// As it is shown: without a password.
    pub(crate) address: String,
    /// All keys begin with it.
    prefix: String,
    idle: Mutex<Vec<Link>>,
    health: Mutex<Health>,
    /// Numbers of flows that were reserved: the next one, and the first that is not ours.
    numbers: Mutex<(u64, u64)>,
    /// How many entries the stream of records has; each holds what a unit recorded.
    entries: usize,
    /// Tells what this process recorded.
    pub(crate) told: broadcast::Sender<Arc<Record>>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Health {
    /// Since when it is away, and when it was last tried.
    away: Option<(Instant, Instant, String)>,
}

/// What becomes of an entry at the end of a unit.
enum Write {
    Put(String, u64),
    Remove,
}

/// The fields of a flow.
pub(super) type Fields = HashMap<String, String>;

/// What a unit begins with: entries, and flows by their names.
pub(super) type Beginning = (Vec<Option<String>>, Vec<(String, Fields)>);

/// See the module.
#[derive(Default)]
pub(crate) struct Unit {
    pub(super) remote: Option<Arc<Remote>>,
    connection: Option<Link>,
    pub(super) broken: Option<String>,
    /// What was read or written so far, by key; `None` for what is not there.
    known: HashMap<String, Option<String>>,
    /// In the order in which they were first written.
    writes: Vec<(String, Write)>,
    pub(super) flows: HashMap<FlowId, Held>,
    /// The fields of flows that were read and are not held yet.
    read: HashMap<FlowId, Fields>,
    records: Vec<(bool, Arc<Record>)>,
    /// Those that are in the stream.
    recorded: Vec<Arc<Record>>,
    /// Which state of the org is in force.
    version: Option<String>,
    /// What this unit holds the lock of the org with.
    lock: Option<String>,
    /// Whether it must not wait: see [`super::attempt`].
    pub(super) is_attempt: bool,
    /// What an attempt took for granted: these entries still have these texts; none, where the text is empty.
    pub(super) granted: Vec<(String, String)>,
}

impl Unit {
    /// A unit that must not wait.
    pub(super) fn attempt(remote: &Arc<Remote>) -> Self {
        Self {
            remote: Some(remote.clone()),
            is_attempt: true,
            ..Self::default()
        }
    }

    /// Takes for granted that this entry is as it was read, unless this unit has written it since.
    fn grant(&mut self, key: &str, text: Option<String>) {
        let is_own = self.writes.iter().any(|(known, _)| known == key);
        if !is_own && !self.granted.iter().any(|(known, _)| known == key) {
            self.granted.push((key.to_owned(), text.unwrap_or_default()));
        }
    }
}

/// Makes this the unit of this thread, until the guard is dropped.
pub(super) fn enter(unit: Unit) -> Leave {
    UNIT.set(Some(unit));
    Leave
}

/// Ends the unit also when something panics.
pub(super) struct Leave;

impl Leave {
    /// The unit as it ended.
    pub(super) fn unit(self) -> Unit {
        UNIT.take().unwrap_or_default()
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        UNIT.take();
    }
}

/// Does something with the unit of this thread; the unit must not be used meanwhile.
pub(super) fn with<R>(body: impl FnOnce(&mut Unit) -> R) -> Option<R> {
    UNIT.with_borrow_mut(|unit| unit.as_mut().map(body))
}

/// The shared store that the unit of this thread works with.
pub(super) fn current() -> Option<Arc<Remote>> {
    with(|unit| unit.remote.clone()).flatten()
}

impl Remote {
    /// One that connects when it is first needed. `bytes` bounds the records that are kept.
    ///
    /// # Errors
    /// When the URL is none of Redis's, as a sentence.
    pub(crate) fn new(url: &str, bytes: usize) -> Result<Arc<Self>, String> {
        /// What the records of a unit take, about.
        const ENTRY: usize = 2_048;
        let wrong = |why: &str| {
            format!(
                "the store `{}` is no URL like redis://127.0.0.1:6379/0: {why}",
                shown(url)
            )
        };
        if !url.starts_with("redis://") {
            return Err(wrong("it must begin with redis://"));
        }
        let mut parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        let (prefixes, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "prefix");
        parsed.set_query(None);
        if !others.is_empty() {
            parsed.query_pairs_mut().extend_pairs(others);
        }
        let prefix = prefixes.into_iter().next().map(|(_, prefix)| prefix);
        let is_word = |prefix: &str| {
            prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !prefix.as_deref().is_none_or(is_word) {
            return Err(wrong("a prefix consists of letters, digits, `-`, `_` and `.`"));
        }
        let client = redis::Client::open(parsed).map_err(|error| wrong(&error.to_string()))?;
        Ok(Arc::new(Self {
            client,
            line: Mutex::default(),
            address: shown(url),
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            idle: Mutex::default(),
            health: Mutex::default(),
            numbers: Mutex::new((0, 0)),
            // As many bytes of watched flows, and of all others.
            entries: 2 * bytes / ENTRY,
            told: broadcast::Sender::new(BACKLOG),
        }))
    }

    /// Runs `work` as one unit, or as a part of the one that is under way.
    ///
    /// # Errors
    /// When Redis is away. What `work` did is not written then, and its result is not to be used.
    pub(crate) fn unit<R>(self: &Arc<Self>, work: impl FnOnce() -> R) -> Result<R, Away> {
        self.unit_with(Vec::new(), work)
    }

    /// As [`Remote::unit`], for work that will ask for the entries with these keys.
    ///
    /// # Errors
    /// As [`Remote::unit`].
    pub(crate) fn unit_with<R>(self: &Arc<Self>, wanted: Vec<String>, work: impl FnOnce() -> R) -> Result<R, Away> {
        match self.run_with(wanted, work) {
            (result, None) => Ok(result),
            (_, Some(away)) => Err(away),
        }
    }

    /// As [`Remote::unit`], with the result of `work` also where Redis is away: there was nothing for it to find then.
    pub(crate) fn run<R>(self: &Arc<Self>, work: impl FnOnce() -> R) -> (R, Option<Away>) {
        self.run_with(Vec::new(), work)
    }

    fn run_with<R>(self: &Arc<Self>, wanted: Vec<String>, work: impl FnOnce() -> R) -> (R, Option<Away>) {
        if UNIT.with_borrow(Option::is_some) {
            let result = work();
            return (result, Self::broken().map(Away));
        }
        let leave = enter(Unit {
            remote: Some(self.clone()),
            ..Unit::default()
        });
        self.begin(wanted);
        let result = work();
        self.commit();
        let unit = leave.unit();
        if let Some(why) = unit.broken {
            return (result, Some(Away(why)));
        }
        if let Some(connection) = unit.connection {
            let mut idle = locked(&self.idle);
            if idle.len() < IDLE {
                idle.push(connection);
            }
        }
        self.tell(unit.recorded);
        (result, None)
    }

    /// Tells what is in the stream.
    pub(super) fn tell(&self, recorded: Vec<Arc<Record>>) {
        for record in recorded {
            // An error means that nobody listens.
            let _ = self.told.send(record);
        }
    }

    /// The key of an entry.
    pub(super) fn key(&self, table: &str, name: &str) -> String {
        if name.len() > LONGEST_NAME {
            format!("{}:{table}:{}", self.prefix, digest43(name))
        } else {
            format!("{}:{table}:{name}", self.prefix)
        }
    }

    fn flow_key(&self, id: FlowId) -> String {
        self.key("flow", &id.to_string())
    }

    /// Why the unit of this thread cannot come to anything, if so.
    pub(crate) fn broken() -> Option<String> {
        with(|unit| unit.broken.clone()).flatten()
    }

    /// The first question of a unit: which org is in force, what waits for whoever comes, and what this unit will ask for.
    fn begin(&self, wanted: Vec<String>) {
        let (keys, question) = self.first_question(wanted);
        // An idle connection may be one to a Redis that is gone. One that does not answer is not asked twice.
        let pooled = locked(&self.idle).pop();
        let first = pooled.map(|mut link| question.query::<Beginning>(&mut link).map(|answer| (link, answer)));
        let answer = match first {
            Some(Ok((link, answer))) => {
                with(|unit| unit.connection = Some(link));
                Some(answer)
            }
            Some(Err(error)) if error.is_timeout() => {
                self.fail(&reason(&error));
                None
            }
            Some(Err(_)) => {
                locked(&self.idle).clear();
                self.ask(&question)
            }
            None => self.ask(&question),
        };
        let Some(answer) = answer else { return };
        self.is_back();
        self.take_up(keys, answer);
    }

    /// What a unit asks first, and the keys of the entries that it asks for.
    pub(super) fn first_question(&self, wanted: Vec<String>) -> (Vec<String>, Cmd) {
        let mut keys = vec![
            self.key("org", "version"),
            self.key("arms", super::ALL),
            self.key("next-logins", super::ALL),
        ];
        keys.extend(wanted);
        let mut question = redis::cmd("EVAL");
        question.arg(BEGIN).arg(keys.len() + 1).arg(self.key("flow", ""));
        question.arg(&keys);
        (keys, question)
    }

    /// The unit of this thread holds what was read for it.
    pub(super) fn take_up(&self, keys: Vec<String>, (entries, flows): Beginning) {
        with(|unit| {
            unit.known = keys.into_iter().zip(entries).collect();
            unit.version = unit.known.remove(&self.key("org", "version")).flatten();
            let named = |(name, fields): (String, Fields)| Some((name.parse().ok()?, fields));
            unit.read = flows.into_iter().filter_map(named).collect();
        });
    }

    /// Writes what waits.
    fn commit(&self) {
        let (commands, records) = self.outstanding();
        if !commands.is_empty() {
            self.ask_all(&transaction(commands));
            with(|unit| unit.recorded.extend(records));
        }
    }

    /// What is to be written at the end of the unit, and the records among it.
    pub(super) fn outstanding(&self) -> (Vec<Cmd>, Vec<Arc<Record>>) {
        let flows = super::held::changes();
        let waiting = with(|unit| (std::mem::take(&mut unit.writes), std::mem::take(&mut unit.records)));
        let (writes, records) = waiting.unwrap_or_default();
        let mut commands = written(writes);
        for change in flows {
            let key = self.flow_key(change.id);
            if !change.fields.is_empty() {
                let mut set = redis::cmd("HSET");
                set.arg(&key).arg(&change.fields);
                commands.push(set);
                // It may have been forgotten meanwhile, and began anew.
                commands.push(expiry(&key, change.seconds, "NX"));
            }
            if change.is_kept_longer {
                commands.push(expiry(&key, change.seconds, "GT"));
            }
        }
        if !records.is_empty() {
            let mut add = redis::cmd("XADD");
            add.arg(self.key("records", super::ALL));
            add.arg("MAXLEN").arg("~").arg(self.entries).arg("*");
            for (watched, record) in &records {
                let kind = if *watched { WATCHED } else { UNWATCHED };
                add.arg(kind).arg(serde_json::to_string(&**record).unwrap_or_default());
            }
            commands.push(add);
        }
        (commands, records.into_iter().map(|(_, record)| record).collect())
    }

    /// Writes what waits now, because something that follows depends on it.
    fn flush(&self) {
        let writes = with(|unit| std::mem::take(&mut unit.writes)).unwrap_or_default();
        if !writes.is_empty() {
            self.ask_all(&transaction(written(writes)));
        }
    }

    fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        self.converse(|connection| command.query(connection))
    }

    fn ask_all(&self, pipe: &Pipeline) {
        self.converse(|connection| pipe.exec(connection));
    }

    /// One question to Redis, with the connection of the unit. `None` if it is away: the unit is broken from then on.
    fn converse<T>(&self, question: impl FnOnce(&mut Link) -> RedisResult<T>) -> Option<T> {
        let (is_broken, link) = with(|unit| {
            if unit.is_attempt && unit.broken.is_none() {
                unit.broken = Some("more is needed than was read".to_owned());
            }
            (unit.broken.is_some(), unit.connection.take())
        })?;
        if is_broken {
            return None;
        }
        let link = match link {
            Some(link) => Ok(link),
            None => self.connect(),
        };
        let answer = link.and_then(|mut link| {
            let answer = question(&mut link).map_err(|error| reason(&error))?;
            Ok((answer, link))
        });
        match answer {
            Ok((answer, link)) => {
                with(|unit| unit.connection = Some(link));
                Some(answer)
            }
            Err(why) => {
                self.fail(&why);
                None
            }
        }
    }

    /// The unit cannot come to anything: Redis is away.
    fn fail(&self, why: &str) {
        self.is_away(why);
        with(|unit| unit.broken = Some(why.to_owned()));
    }

    fn connect(&self) -> Result<Link, String> {
        if let Some((_, tried, why)) = &locked(&self.health).away
            && tried.elapsed() < REST
        {
            return Err(why.clone());
        }
        Link::open(&self.client).map_err(|error| reason(&error))
    }

    /// Whether it did not answer when it was last asked.
    pub(super) fn was_away(&self) -> bool {
        locked(&self.health).away.is_some()
    }

    pub(super) fn is_away(&self, why: &str) {
        let mut health = locked(&self.health);
        let now = Instant::now();
        if health.away.is_none() {
            say(&format!(
                "the store at {} is away ({why}): every request is answered with 503 until it is back",
                self.address
            ));
        }
        let (since, tried) = health
            .away
            .as_ref()
            .map_or((now, now), |(since, tried, _)| (*since, *tried));
        // Who did not try because another had just done so has not tried.
        let tried = if tried.elapsed() < REST { tried } else { now };
        health.away = Some((since, tried, why.to_owned()));
    }

    fn is_back(&self) {
        let away = locked(&self.health).away.take();
        if let Some((since, ..)) = away {
            let seconds = since.elapsed().as_secs_f64();
            say(&format!("the store at {} is back after {seconds:.1} s", self.address));
        }
    }

    /// An entry; `None` if there is none.
    pub(super) fn get(&self, key: &str) -> Option<String> {
        if let Some(known) = with(|unit| unit.known.get(key).cloned())? {
            return known;
        }
        let text: Option<String> = self.ask(redis::cmd("GET").arg(key))?;
        with(|unit| unit.known.insert(key.to_owned(), text.clone()));
        text
    }

    /// Writes an entry when the unit ends.
    pub(super) fn put(&self, key: String, text: String, seconds: u64) {
        with(|unit| {
            unit.known.insert(key.clone(), Some(text.clone()));
            unit.writes.retain(|(known, _)| *known != key);
            unit.writes.push((key, Write::Put(text, seconds)));
        });
    }

    /// Removes an entry when the unit ends.
    pub(super) fn remove(&self, key: String) {
        with(|unit| {
            unit.known.insert(key.clone(), None);
            unit.writes.retain(|(known, _)| *known != key);
            unit.writes.push((key, Write::Remove));
        });
    }

    /// Whether this unit is to write this entry when it ends.
    fn is_waiting(key: &str) -> bool {
        with(|unit| unit.writes.iter().any(|(known, _)| known == key)).unwrap_or_default()
    }

    /// Adds an entry unless there is one; whether it was added.
    pub(super) fn put_new(&self, key: String, text: String, seconds: u64) -> bool {
        if is_attempt() {
            let is_there = with(|unit| unit.known.get(&key).is_some_and(Option::is_some)).unwrap_or_default();
            if !is_there {
                with(|unit| unit.grant(&key, None));
                self.put(key, text, seconds);
            }
            return !is_there;
        }
        if Self::is_waiting(&key) {
            self.flush();
        }
        let mut command = redis::cmd("SET");
        command.arg(&key).arg(&text).arg("EX").arg(seconds).arg("NX");
        let added: Option<Option<String>> = self.ask(&command);
        let is_new = matches!(added, Some(Some(_)));
        with(|unit| match is_new {
            true => unit.known.insert(key, Some(text)),
            false => unit.known.remove(&key),
        });
        is_new
    }

    /// Removes an entry now; what it was.
    pub(super) fn take(&self, key: String) -> Option<String> {
        if is_attempt() {
            let text = self.get(&key)?;
            with(|unit| unit.grant(&key, Some(text.clone())));
            self.remove(key);
            return Some(text);
        }
        if Self::is_waiting(&key) {
            self.flush();
        }
        let text: Option<String> = self.ask(redis::cmd("GETDEL").arg(&key))?;
        with(|unit| unit.known.insert(key, None));
        text
    }

    /// Changes an entry: `change` says what becomes of what is there (`None`: nothing), until no other process came in between.
    pub(super) fn swap<R>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<String>) -> (Option<(String, u64)>, R),
    ) -> Option<R> {
        if is_attempt() || Self::is_waiting(key) {
            // Nobody else knows what this unit has not written yet; an attempt is written only if nobody came in between.
            let old = self.get(key);
            if with(|unit| unit.broken.is_some())? {
                return None;
            }
            let (new, result) = change(old.clone());
            with(|unit| {
                if unit.is_attempt {
                    unit.grant(key, old);
                }
            });
            match new {
                Some((text, seconds)) => self.put(key.to_owned(), text, seconds),
                None => self.remove(key.to_owned()),
            }
            return Some(result);
        }
        for _ in 0..TRIES {
            let old = self.get(key);
            if with(|unit| unit.broken.is_some())? {
                return None;
            }
            let (new, result) = change(old.clone());
            let (text, seconds) = new.unwrap_or_default();
            let old = old.unwrap_or_default();
            if text == old {
                return Some(result);
            }
            let mut command = redis::cmd("EVAL");
            command
                .arg(SWAP)
                .arg(1)
                .arg(key)
                .arg(&old)
                .arg(&text)
                .arg(seconds.max(1));
            let now: Option<String> = self.ask(&command)?;
            let is_done = now.is_none();
            let known = now.unwrap_or(text);
            with(|unit| {
                unit.known
                    .insert(key.to_owned(), Some(known).filter(|text| !text.is_empty()))
            });
            if is_done {
                return Some(result);
            }
        }
        let why = format!("{TRIES} changes of `{key}` by others came in between");
        with(|unit| unit.broken = Some(why));
        None
    }

    /// Every key of a table, or of all (`*`). For what is done seldom.
    pub(super) fn keys(&self, table: &str) -> Vec<String> {
        self.flush();
        let pattern = match table {
            "*" => format!("{}:*", self.prefix),
            table => format!("{}:{table}:*", self.prefix),
        };
        let mut keys = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let Some((next, found)) = self.ask::<(u64, Vec<String>)>(&command) else {
                return Vec::new();
            };
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                keys.sort_unstable();
                keys.dedup();
                return keys;
            }
        }
    }

    /// Entries by their keys.
    pub(super) fn many(&self, keys: &[String]) -> Vec<(String, String)> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(500) {
            let Some(texts) = self.ask::<Vec<Option<String>>>(redis::cmd("MGET").arg(keys)) else {
                return Vec::new();
            };
            let pairs = keys.iter().zip(texts);
            found.extend(pairs.filter_map(|(key, text)| Some((key.clone(), text?))));
        }
        found
    }

    /// Removes every entry, but what counts flows and what is being agreed on of the org.
    pub(super) fn clear(&self) {
        let stays = [self.key("org", ""), self.key("numbers", "")];
        for keys in self.keys("*").chunks(500) {
            let gone: Vec<&String> = keys
                .iter()
                .filter(|key| !stays.iter().any(|prefix| key.starts_with(prefix)))
                .collect();
            if !gone.is_empty() {
                let _: Option<u64> = self.ask(redis::cmd("UNLINK").arg(gone));
            }
        }
        with(|unit| {
            unit.known.clear();
            unit.flows.clear();
            unit.read.clear();
        });
        self.mark_cleared();
    }

    /// Forgets what this unit has read, so that it sees what others wrote since.
    pub(crate) fn look_again(&self) {
        self.commit();
        with(|unit| {
            unit.known.clear();
            unit.flows.clear();
            unit.read.clear();
        });
    }

    /// The fields of a flow.
    pub(super) fn flow_fields(&self, id: FlowId) -> Option<Fields> {
        let fields = match with(|unit| unit.read.remove(&id))? {
            Some(fields) => fields,
            None => self.ask(redis::cmd("HGETALL").arg(self.flow_key(id)))?,
        };
        (!fields.is_empty()).then_some(fields)
    }

    /// Sets a field of a flow now, if the flow is still there.
    pub(super) fn mark_flow(&self, id: FlowId, field: &str) {
        // One that this unit has begun is written when the unit ends.
        let is_new = with(|unit| match unit.flows.get_mut(&id) {
            Some(held) if held.is_new || unit.is_attempt => {
                held.marks.push(field.to_owned());
                true
            }
            _ => {
                unit.read.remove(&id);
                false
            }
        });
        if is_new != Some(true) {
            let script = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], '1') end";
            let mut command = redis::cmd("EVAL");
            command.arg(script).arg(1).arg(self.flow_key(id)).arg(field);
            let _: Option<redis::Value> = self.ask(&command);
        }
    }

    /// Whether a field of a flow is set, or the flow is forgotten.
    pub(super) fn is_marked(&self, id: FlowId, field: &str) -> bool {
        let script = "return redis.call('EXISTS', KEYS[1]) - redis.call('HEXISTS', KEYS[1], ARGV[1])";
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(self.flow_key(id)).arg(field);
        self.ask(&command) == Some(0)
    }

    /// Counts up the field of a flow; what it was before.
    pub(super) fn count_flow(&self, id: FlowId, field: &str) -> u64 {
        let counted: Option<u64> = self.ask(redis::cmd("HINCRBY").arg(self.flow_key(id)).arg(field).arg(1));
        counted.unwrap_or(1) - 1
    }

    /// The number of the next flow. Every process takes some at once.
    pub(super) fn next_number(&self) -> u64 {
        const BLOCK: u64 = 64;
        let mut numbers = locked(&self.numbers);
        if numbers.0 == numbers.1 {
            let name = self.key("numbers", "flows");
            let Some(end) = self.ask::<u64>(redis::cmd("INCRBY").arg(name).arg(BLOCK)) else {
                // Nobody gets to see this flow.
                return 0;
            };
            *numbers = (end - BLOCK, end);
        }
        numbers.0 += 1;
        numbers.0
    }

    /// How often this seed was used before.
    pub(super) fn count_seed(&self, seed: u64) -> u64 {
        let name = self.key("numbers", "seeds");
        self.ask(redis::cmd("HINCRBY").arg(name).arg(seed).arg(1)).unwrap_or(1)
    }

    /// Records when the unit ends.
    pub(crate) fn record(self: &Arc<Self>, watched: bool, record: Arc<Record>) {
        // What cannot be recorded is told by the answer.
        let _ = self.unit(|| with(|unit| unit.records.push((watched, record))));
    }

    /// What was recorded after this place in the stream: what each unit recorded, with its place.
    pub(crate) fn recorded_after(&self, place: &str) -> Vec<(String, Vec<Recorded>)> {
        type Entries = Vec<(String, Vec<(String, String)>)>;
        let mut command = redis::cmd("XRANGE");
        let stream = self.key("records", super::ALL);
        command
            .arg(stream)
            .arg(format!("({place}"))
            .arg("+")
            .arg("COUNT")
            .arg(1_000);
        let Some(entries) = self.ask::<Entries>(&command) else {
            return Vec::new();
        };
        let read = |(kind, text): (String, String)| match kind.as_str() {
            CLEARED => Recorded::Cleared,
            _ => match serde_json::from_str(&text) {
                Ok(record) => Recorded::Record {
                    watched: kind == WATCHED,
                    record: Box::new(record),
                },
                Err(_) => Recorded::Unreadable,
            },
        };
        let entries = entries.into_iter();
        entries
            .map(|(place, fields)| (place, fields.into_iter().map(read).collect()))
            .collect()
    }

    /// The place in the stream of what was recorded last.
    pub(crate) fn last_place(&self) -> String {
        type Entries = Vec<(String, redis::Value)>;
        let mut command = redis::cmd("XREVRANGE");
        command.arg(self.key("records", super::ALL));
        command.arg("+").arg("-").arg("COUNT").arg(1);
        let last = self
            .ask::<Entries>(&command)
            .and_then(|entries| entries.into_iter().next());
        last.map_or_else(|| "0".to_owned(), |(place, _)| place)
    }

    /// Tells every process to forget records.
    pub(crate) fn mark_cleared(&self) {
        let stream = self.key("records", super::ALL);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("DEL").arg(&stream).ignore();
        pipe.cmd("XADD").arg(&stream).arg("*").arg(CLEARED).arg("1").ignore();
        self.ask_all(&pipe);
        with(|unit| unit.records.clear());
    }

    /// Which state of the org is in force; `None` if nobody has said so yet.
    pub(crate) fn org_version(&self) -> Option<String> {
        with(|unit| unit.version.clone()).flatten()
    }

    /// The org as it was last published.
    pub(crate) fn org(&self) -> Option<String> {
        self.ask(redis::cmd("GET").arg(self.key("org", "document")))?
    }

    /// From now on this unit alone changes the org, until [`Remote::publish`]; `false` if it cannot.
    pub(crate) fn lock_org(&self) -> bool {
        let (lock, mine) = (self.key("org", "lock"), random::token22());
        let since = Instant::now();
        loop {
            let mut command = redis::cmd("SET");
            command.arg(&lock).arg(&mine).arg("NX").arg("PX").arg(LOCK);
            match self.ask::<Option<String>>(&command) {
                None => return false,
                Some(Some(_)) => break,
                Some(None) => {}
            }
            if since.elapsed() > LOCK_TIMEOUT {
                with(|unit| unit.broken = Some("another process has been changing the org for too long".to_owned()));
                return false;
            }
            // No event tells when the other one is done.
            std::thread::sleep(Duration::from_millis(5));
        }
        let Some(version) = self.ask(redis::cmd("GET").arg(self.key("org", "version"))) else {
            return false;
        };
        with(|unit| {
            unit.version = version;
            unit.lock = Some(mine);
        });
        true
    }

    /// Publishes the org as it is from now on, and lets others change it; its version, `None` if that did not come about.
    pub(crate) fn publish(&self, document: &str) -> Option<String> {
        let mine = with(|unit| unit.lock.take()).flatten()?;
        let version = random::token22();
        let mut command = redis::cmd("EVAL");
        command.arg(PUBLISH).arg(3);
        command
            .arg(self.key("org", "lock"))
            .arg(self.key("org", "document"))
            .arg(self.key("org", "version"));
        command.arg(&mine).arg(document).arg(&version);
        let is_done = self.ask::<u32>(&command)? == 1;
        with(|unit| match is_done {
            true => unit.version = Some(version.clone()),
            false => unit.broken = Some("another process has changed the org meanwhile".to_owned()),
        });
        is_done.then_some(version)
    }

    /// Whether this unit is changing the org.
    pub(crate) fn is_publishing() -> bool {
        with(|unit| unit.lock.is_some()).unwrap_or_default()
    }
}

/// Whether the unit of this thread must not wait.
fn is_attempt() -> bool {
    with(|unit| unit.is_attempt).unwrap_or_default()
}

/// What writes these entries.
fn written(writes: Vec<(String, Write)>) -> Vec<Cmd> {
    let command = |(key, write): (String, Write)| match write {
        Write::Put(text, seconds) => {
            let mut set = redis::cmd("SET");
            set.arg(key).arg(text).arg("EX").arg(seconds);
            set
        }
        Write::Remove => {
            let mut remove = redis::cmd("DEL");
            remove.arg(key);
            remove
        }
    };
    writes.into_iter().map(command).collect()
}

fn expiry(key: &str, seconds: u64, when: &str) -> Cmd {
    let mut command = redis::cmd("EXPIRE");
    command.arg(key).arg(seconds).arg(when);
    command
}

/// These commands, all or none.
fn transaction(commands: Vec<Cmd>) -> Pipeline {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for command in commands {
        pipe.add_command(command).ignore();
    }
    pipe
}

/// A URL without its user and password.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => url.to_owned(),
    }
}

fn say(text: &str) {
    use std::io::Write as _;
    // Nobody is left to be told that stderr is closed.
    let _ = writeln!(std::io::stderr(), "mock-idp: {text}");
}
