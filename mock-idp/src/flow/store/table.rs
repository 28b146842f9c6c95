//! One kind of thing that the authorization server remembers, by its key.
//!
//! Few operations, each atomic: whoever redeems, rotates or counts says in one closure what becomes of the entry.

use std::{borrow::Borrow, hash::Hash, sync::Mutex};

use super::{bounded::Bounded, locked};

/// See the module.
#[derive(Debug)]
pub(crate) struct Table<K, V>(Mutex<Bounded<K, V>>);

impl<K: Clone + Eq + Hash, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Table<K, V> {
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.read(key, V::clone)
    }

    /// A part of an entry.
    pub(crate) fn read<Q, R>(&self, key: &Q, part: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        locked(&self.0).get(key).map(part)
    }

    /// Adds an entry, in the place of one with the same key.
    pub(crate) fn put(&self, key: K, value: V) {
        locked(&self.0).insert(key, value);
    }

    /// Adds an entry unless there is one of this key; whether it was added. Of two that try at the same moment one succeeds.
    pub(crate) fn insert_new(&self, key: K, value: V) -> bool {
        let mut entries = locked(&self.0);
        let is_new = entries.get(&key).is_none();
        if is_new {
            entries.insert(key, value);
        }
        is_new
    }

    /// Removes an entry. Of two that try at the same moment one gets it.
    pub(crate) fn take<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        locked(&self.0).remove(key)
    }

    /// Changes an entry, if there is one; nobody sees it half changed or changes it meanwhile.
    pub(crate) fn change<Q, R>(&self, key: &Q, change: impl FnMut(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        locked(&self.0).get_mut(key).map(change)
    }

    /// Changes, adds or removes an entry: `change` gets what is there, and what it leaves is there afterwards.
    pub(crate) fn alter<R>(&self, key: K, change: impl FnMut(&mut Option<V>) -> R) -> R {
        locked(&self.0).alter(key, change)
    }

    /// Shows every entry, in no order. For what is done seldom.
    pub(crate) fn each(&self, show: impl FnMut(&V)) {
        locked(&self.0).values().for_each(show);
    }

    /// Keeps the entries that pass. For what is done seldom.
    pub(crate) fn retain(&self, keep: impl FnMut(&V) -> bool) {
        locked(&self.0).retain(keep);
    }

    pub(crate) fn clear(&self) {
        *locked(&self.0) = Bounded::default();
    }
}
