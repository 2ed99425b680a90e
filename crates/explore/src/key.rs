//! What a search has seen, by fingerprints.
//!
//! Fingerprints have 128 bits and a fixed key: among a thousand million states, two that differ
//! look the same with a probability of 10^-21, and it is the same in every run.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use hashbrown::HashSet;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::node::Node;

/// The fingerprint of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) const fn new(number: u128) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> u128 {
        self.0
    }

    /// Of what a node's future depends on.
    pub(crate) fn of(node: &Node) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x7477_6f6d_736c, 0x6578_706c_6f72_6501);
        node.fingerprint(&mut hasher);
        Self(hasher.finish128().as_u128())
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // It is a hash already.
        state.write_u64(self.0 as u64);
    }
}

/// Takes what it is given.
#[derive(Debug, Default)]
pub(crate) struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// What was seen. For look-up only: nothing depends on its order.
pub(crate) type Seen = HashSet<Key, BuildHasherDefault<Taken>>;
