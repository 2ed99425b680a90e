//! A look-up table whose newest entry stands before it.
//!
//! Connections come and go one after another, and segments come in trains: most look-ups are for
//! the entry that was put in or found last. To compare one key is less work than to hash it, and
//! what goes before it is in anybody's way need not get into the table at all.

use core::hash::Hash;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// Values by key. For look-up only: nothing depends on the order of the table.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    newest: Option<Entry<K, V>>,
    /// All entries, but that the newest may be missing here, or have an older value.
    table: HashMap<K, V, FxBuildHasher>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    table: Below,
}

/// Whether the table below has the newest entry as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    Same,
    Other,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { newest: None, table: HashMap::default() }
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Recent<K, V> {
    pub(crate) fn clear(&mut self) {
        self.newest = None;
        self.table.clear();
    }

    /// The value of a key.
    #[inline]
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        match &self.newest {
            Some(newest) if newest.key == *key => Some(newest.value),
            _ => self.table.get(key).copied(),
        }
    }

    /// The value of a key that is likely to be asked for again.
    #[inline]
    pub(crate) fn find(&mut self, key: &K) -> Option<V> {
        match &self.newest {
            Some(newest) if newest.key == *key => Some(newest.value),
            _ => self.search(key),
        }
    }

    #[inline(never)]
    fn search(&mut self, key: &K) -> Option<V> {
        let value = *self.table.get(key)?;
        self.make_way(key);
        self.newest = Some(Entry { key: *key, value, table: Below::Same });
        Some(value)
    }

    /// Sets the value of a key.
    #[inline]
    pub(crate) fn insert(&mut self, key: &K, value: V) {
        self.make_way(key);
        self.newest = Some(Entry { key: *key, value, table: Below::Other });
    }

    /// Puts the newest entry into the table, unless it is about to be overwritten.
    #[inline]
    fn make_way(&mut self, key: &K) {
        if let Some(newest) = &self.newest
            && newest.table == Below::Other
            && newest.key != *key
        {
            self.table.insert(newest.key, newest.value);
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if self.newest.as_ref().is_some_and(|newest| newest.key == *key) {
            self.newest = None;
        }
        if !self.table.is_empty() {
            self.table.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    /// Against the obvious: an ordinary map.
    #[test]
    fn it_is_an_ordinary_map() {
        let mut recent = Recent::default();
        let mut map = BTreeMap::new();
        let mut random: u64 = 1;
        for value in 0..5_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (random >> 33) as u32 % 5;
            match random >> 50 & 3 {
                0 => {
                    recent.insert(&key, value);
                    map.insert(key, value);
                }
                1 => {
                    recent.remove(&key);
                    map.remove(&key);
                }
                2 => assert_eq!(recent.find(&key), map.get(&key).copied()),
                _ => {}
            }
            assert!((0..5).all(|key| recent.get(&key) == map.get(&key).copied()));
        }
    }
}
