//! Destinations towards which many local ports are in use, and which ports these are.
//!
//! To look for a free port is to look at one 4-tuple after another. That is quick as long as few
//! are in use, and takes long just when a host is busy. So, for a destination where a search took
//! long, the ports in use are kept as a set of bits, and 64 of them are passed over at once.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::vec;
use core::cmp::Reverse;
use core::net::{IpAddr, SocketAddr};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::ports::Order;
use crate::Instant;
use crate::tuple::Tuple;

/// A 4-tuple without the local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Destination(Tuple);

impl Destination {
    pub(super) const fn new(local: IpAddr, remote: SocketAddr) -> Self {
        let (remote_addr, remote_port) = (remote.ip(), remote.port());
        Self(Tuple { local_addr: local, remote_addr, local_port: 0, remote_port })
    }

    /// The 4-tuple with this local port.
    pub(super) const fn tuple(self, local_port: u16) -> Tuple {
        Tuple { local_port, ..self.0 }
    }
}

/// The ports in use, by destination. For look-up only; all of it follows from the connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowded {
    indices: HashMap<Destination, Index, FxBuildHasher>,
}

/// A bit per place in the order in which ports are tried.
#[derive(Clone, Debug)]
pub(super) struct Index {
    order: Order,
    words: Box<[u64]>,
    /// How many bits are set. Without any the index is given up.
    used: u32,
    /// Places in TIME-WAIT, and when `connect` may take them over.
    ripening: BinaryHeap<Reverse<(Instant, u32)>>,
}

impl Crowded {
    pub(super) fn clear(&mut self) {
        self.indices.clear();
    }

    pub(super) fn get_mut(&mut self, destination: &Destination) -> Option<&mut Index> {
        self.indices.get_mut(destination)
    }

    pub(super) fn get(&self, destination: &Destination) -> Option<&Index> {
        self.indices.get(destination)
    }

    /// A new index, without anything in it.
    pub(super) fn begin(&mut self, destination: Destination, order: Order) {
        self.indices.insert(destination, Index::new(order));
    }

    /// A 4-tuple has come into use.
    #[inline]
    pub(super) fn occupy(&mut self, tuple: &Tuple) {
        if !self.indices.is_empty() {
            self.change(tuple, Index::set);
        }
    }

    /// A 4-tuple is free again.
    #[inline]
    pub(super) fn vacate(&mut self, tuple: &Tuple) {
        if !self.indices.is_empty() {
            self.change(tuple, Index::reset);
        }
    }

    /// A 4-tuple in TIME-WAIT may be taken over after this moment.
    #[inline]
    pub(super) fn ripen(&mut self, tuple: &Tuple, at: Instant) {
        if !self.indices.is_empty() {
            self.change(tuple, |index, place| {
                index.set(place);
                index.ripening.push(Reverse((at, place)));
            });
        }
    }

    fn change(&mut self, tuple: &Tuple, change: impl FnOnce(&mut Index, u32)) {
        let destination = Destination(Tuple { local_port: 0, ..*tuple });
        let Some(index) = self.indices.get_mut(&destination) else { return };
        if let Some(place) = index.order.place(tuple.local_port) {
            change(index, place);
        }
        if index.used == 0 {
            self.indices.remove(&destination);
        }
    }
}

impl Index {
    fn new(order: Order) -> Self {
        let words = vec![0; order.places().div_ceil(64) as usize].into_boxed_slice();
        Self { order, words, used: 0, ripening: BinaryHeap::new() }
    }

    /// What may be taken over by now counts as free. If it is not TIME-WAIT any more, or has heard
    /// from its peer since, whoever looks for a port will notice.
    pub(super) fn ripen(&mut self, now: Instant) {
        while let Some(Reverse((at, place))) = self.ripening.peek().copied()
            && at < now
        {
            self.ripening.pop();
            self.reset(place);
        }
    }

    fn set(&mut self, place: u32) {
        let (word, bit) = (&mut self.words[place as usize / 64], 1 << (place % 64));
        self.used += u32::from(*word & bit == 0);
        *word |= bit;
    }

    fn reset(&mut self, place: u32) {
        let (word, bit) = (&mut self.words[place as usize / 64], 1 << (place % 64));
        self.used -= u32::from(*word & bit != 0);
        *word &= !bit;
    }

    /// How many places of the ring that begins at `ring` and has `length` places are in use from
    /// `place` on, before one that is not; `None` when all are.
    pub(super) fn passed_over(&self, ring: u32, length: u32, place: u32) -> Option<u32> {
        let end = ring + length;
        let to_the_end = self.first_free(place, end).map(|free| free - place);
        to_the_end.or_else(|| Some(end - place + self.first_free(ring, place)? - ring))
    }

    /// The first place from `from` up to `end` that is not in use.
    fn first_free(&self, from: u32, end: u32) -> Option<u32> {
        let (first, last) = (from as usize / 64, (end as usize).div_ceil(64));
        let before = (1_u64 << (from % 64)) - 1;
        let words = self.words[first..last].iter().zip(first as u32..);
        // What lies before `from` in its word counts as in use.
        let mut words =
            words.map(|(word, at)| (word | if at == first as u32 { before } else { 0 }, at));
        let (word, at) = words.find(|(word, _)| *word != u64::MAX)?;
        Some(at * 64 + word.trailing_ones()).filter(|place| *place < end)
    }
}

#[cfg(test)]
mod tests {
    use core::ops::Range;

    use super::*;
    use crate::Profile;

    fn index(used: Range<u32>) -> Index {
        let order = Order::of(&Profile::rfc9293());
        let mut index = Index::new(order);
        for place in used {
            index.set(place);
        }
        index
    }

    #[test]
    fn whole_words_in_use_are_passed_over() {
        let mut index = index(0..1000);
        assert_eq!(index.first_free(5, 16_384), Some(1000));
        assert_eq!(index.first_free(5, 1000), None, "not before the end");
        index.reset(640);
        assert_eq!(index.first_free(5, 16_384), Some(640));
        assert_eq!(index.first_free(640, 16_384), Some(640));
        assert_eq!(index.first_free(641, 16_384), Some(1000));
        assert_eq!(index.used, 999);
    }

    #[test]
    fn a_search_goes_round_its_ring_and_no_further() {
        let index = index(100..200);
        assert_eq!(index.passed_over(100, 100, 150), None);
        assert_eq!(index.passed_over(100, 101, 150), Some(50), "the place after them");
        assert_eq!(index.passed_over(99, 101, 150), Some(50), "the place before them");
    }
}
