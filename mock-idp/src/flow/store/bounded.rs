//! A map that forgets its oldest entry when it is full.

use std::collections::VecDeque;

use foldhash::{HashMap, HashMapExt};

/// So many entries each table has; the oldest are forgotten first.
const ENTRIES: usize = 20_000;

/// A map that forgets its oldest entry when it is full. Keys are kept twice: long ones are an `Arc<str>`.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
    capacity: usize,
}

impl<K: Clone + Eq + std::hash::Hash, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self::new(ENTRIES)
    }
}

impl<K: Clone + Eq + std::hash::Hash, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            capacity,
        }
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.entries.len() > self.capacity {
            let Some(oldest) = self.order.pop_front() else { break };
            self.entries.remove(&oldest);
        }
        // Keys of removed entries stay in `order` until they are met; do not let them pile up.
        if self.order.len() > 2 * self.capacity.max(64) {
            let entries = &self.entries;
            self.order.retain(|key| entries.contains_key(key));
        }
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        self.entries.get(key)
    }

    pub(crate) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        self.entries.get_mut(key)
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        self.entries.remove(key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values()
    }

    /// Changes, adds or removes one entry. One that stays keeps its place in the order.
    pub(crate) fn alter<R>(&mut self, key: K, change: impl FnOnce(&mut Option<V>) -> R) -> R {
        let mut slot = self.entries.remove(&key);
        let was_there = slot.is_some();
        let result = change(&mut slot);
        match slot {
            Some(value) if was_there => {
                self.entries.insert(key, value);
            }
            Some(value) => self.insert(key, value),
            None => {}
        }
        result
    }

    /// Keeps those that pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.entries.retain(|_, value| keep(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_forgets_the_oldest_and_never_grows() {
        let mut map = Bounded::new(3);
        for number in 0..1_000 {
            map.insert(number, ());
            if number % 2 == 0 {
                map.remove(&number);
            }
        }
        assert!(map.get(&999).is_some() && map.get(&997).is_some() && map.get(&991).is_none());
        assert!(map.order.len() <= 129, "{}", map.order.len());
    }
}
