//! One kind of thing that the authorization server remembers, by its key: in memory, or shared by several processes.
//!
//! Few operations, each atomic: whoever redeems, rotates or counts says in one closure what becomes of the entry. With Redis
//! such a closure may run several times, until no other process changed the entry meanwhile.

use std::{
    borrow::{Borrow, Cow},
    hash::Hash,
    sync::{Arc, Mutex},
};

use super::{bounded::Bounded, locked, remote::Remote, stored::Stored};
use crate::flow::scenario::FlowId;

/// See the module.
#[derive(Debug)]
pub(crate) struct Table<K, V>(Place<K, V>);

#[derive(Debug)]
enum Place<K, V> {
    Memory(Mutex<Bounded<K, V>>),
    Shared {
        remote: Arc<Remote>,
        /// Its keys begin with it.
        name: &'static str,
        /// How long an entry is kept that does not say so itself.
        seconds: u64,
    },
}

/// What names an entry.
pub(crate) trait Key: Eq + Hash {
    fn text(&self) -> Cow<'_, str>;
}

impl Key for str {
    fn text(&self) -> Cow<'_, str> {
        self.into()
    }
}

impl Key for String {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Key for Arc<str> {
    fn text(&self) -> Cow<'_, str> {
        (&**self).into()
    }
}

impl Key for FlowId {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Key for (String, String) {
    fn text(&self) -> Cow<'_, str> {
        format!("{}\n{}", self.0, self.1).into()
    }
}

impl Key for (String, u64) {
    fn text(&self) -> Cow<'_, str> {
        format!("{}\n{}", self.0, self.1).into()
    }
}

impl<K: Clone + Key, V: Stored> Table<K, V> {
    /// An empty table in memory, or the one of this name that others share.
    pub(crate) fn new(remote: Option<&Arc<Remote>>, name: &'static str, seconds: u64) -> Self {
        Self(match remote {
            None => Place::Memory(Mutex::default()),
            Some(remote) => Place::Shared {
                remote: remote.clone(),
                name,
                seconds,
            },
        })
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        self.read(key, V::clone)
    }

    /// Where an entry stands in what several processes share; `None` in memory.
    pub(crate) fn place<Q>(&self, key: &Q) -> Option<String>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        match &self.0 {
            Place::Memory(_) => None,
            Place::Shared { remote, name, .. } => Some(remote.key(name, &key.text())),
        }
    }

    /// A part of an entry.
    pub(crate) fn read<Q, R>(&self, key: &Q, part: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        match &self.0 {
            Place::Memory(entries) => locked(entries).get(key).map(part),
            Place::Shared { remote, name, .. } => {
                let found = remote.unit(|| V::read(&remote.get(&remote.key(name, &key.text()))?));
                found.ok().flatten().as_ref().map(part)
            }
        }
    }

    /// Adds an entry, in the place of one with the same key.
    pub(crate) fn put(&self, key: K, value: V) {
        match &self.0 {
            Place::Memory(entries) => locked(entries).insert(key, value),
            Place::Shared { remote, name, seconds } => {
                // A unit that is broken is answered for by whoever began it.
                let _ = remote.unit(|| {
                    if let Some(text) = value.write() {
                        remote.put(remote.key(name, &key.text()), text, value.seconds().unwrap_or(*seconds));
                    }
                });
            }
        }
    }

    /// Adds an entry unless there is one of this key; whether it was added. Of two that try at the same moment one succeeds.
    pub(crate) fn insert_new(&self, key: K, value: V) -> bool {
        match &self.0 {
            Place::Memory(entries) => {
                let mut entries = locked(entries);
                let is_new = entries.get(&key).is_none();
                if is_new {
                    entries.insert(key, value);
                }
                is_new
            }
            Place::Shared { remote, name, seconds } => {
                let added = remote.unit(|| {
                    let seconds = value.seconds().unwrap_or(*seconds);
                    let key = remote.key(name, &key.text());
                    value.write().is_some_and(|text| remote.put_new(key, text, seconds))
                });
                added.unwrap_or_default()
            }
        }
    }

    /// Removes an entry. Of two that try at the same moment one gets it.
    pub(crate) fn take<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        match &self.0 {
            Place::Memory(entries) => locked(entries).remove(key),
            Place::Shared { remote, name, .. } => {
                let taken = remote.unit(|| V::read(&remote.take(remote.key(name, &key.text()))?));
                taken.ok().flatten()
            }
        }
    }

    /// Changes an entry, if there is one; nobody sees it half changed or changes it meanwhile.
    pub(crate) fn change<Q, R>(&self, key: &Q, mut change: impl FnMut(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        match &self.0 {
            Place::Memory(entries) => locked(entries).get_mut(key).map(change),
            Place::Shared { .. } => self.swap(&key.text(), |slot| slot.as_mut().map(&mut change)).flatten(),
        }
    }

    /// Changes, adds or removes an entry: `change` gets what is there, and what it leaves is there afterwards.
    pub(crate) fn alter<R>(&self, key: K, mut change: impl FnMut(&mut Option<V>) -> R) -> R {
        match &self.0 {
            Place::Memory(entries) => locked(entries).alter(key, change),
            // What a broken unit concludes is shown to nobody.
            Place::Shared { .. } => self.swap(&key.text(), &mut change).unwrap_or_else(|| change(&mut None)),
        }
    }

    fn swap<R>(&self, key: &str, mut change: impl FnMut(&mut Option<V>) -> R) -> Option<R> {
        let Place::Shared { remote, name, seconds } = &self.0 else {
            return None;
        };
        let swapped = remote.unit(|| {
            remote.swap(&remote.key(name, key), |text| {
                let mut slot = text.as_deref().and_then(V::read);
                let was_there = slot.is_some();
                let result = change(&mut slot);
                let new = match slot {
                    Some(value) => {
                        let seconds = value.seconds().unwrap_or(*seconds);
                        value.write().map(|text| (text, seconds))
                    }
                    // What could not be read stays as it is.
                    None if !was_there => text.map(|text| (text, *seconds)),
                    None => None,
                };
                (new, result)
            })
        });
        swapped.ok().flatten()
    }

    /// Shows every entry, in no order. For what is done seldom.
    pub(crate) fn each(&self, mut show: impl FnMut(&V)) {
        match &self.0 {
            Place::Memory(entries) => locked(entries).values().for_each(show),
            Place::Shared { remote, name, .. } => {
                let _ = remote.unit(|| {
                    let keys = remote.keys(name);
                    let texts = remote.many(&keys);
                    texts
                        .iter()
                        .filter_map(|(_, text)| V::read(text))
                        .for_each(|value| show(&value));
                });
            }
        }
    }

    /// Keeps the entries that pass. For what is done seldom.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&V) -> bool) {
        match &self.0 {
            Place::Memory(entries) => locked(entries).retain(keep),
            Place::Shared { remote, name, .. } => {
                let _ = remote.unit(|| {
                    let keys = remote.keys(name);
                    for (key, text) in remote.many(&keys) {
                        if V::read(&text).is_some_and(|value| !keep(&value)) {
                            remote.take(key);
                        }
                    }
                });
            }
        }
    }

    /// Forgets what is kept in memory; what is shared is cleared at once for all tables.
    pub(crate) fn clear(&self) {
        if let Place::Memory(entries) = &self.0 {
            *locked(entries) = Bounded::default();
        }
    }
}
