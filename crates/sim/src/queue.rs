//! The event queue, ordered by (time, sequence number).
//!
//! The sequence number is the order in which entries were made, so a tie never depends on
//! anything else. Most entries are packets that arrive in the order in which their path got
//! them; these wait in the lane of their path, and only the first of each lane stands in the
//! heap. A transfer with thousands of packets in flight keeps a heap of a handful.

use std::collections::VecDeque;

use twomsl_tcp::Instant;

/// What is to happen. Small, so that the heap moves little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// The packet in this place of the slab arrives.
    Arrival(u32),
    /// The timers of this host's stack may be due.
    Timer(u32),
    /// A task's sleep or timeout is over, if its epoch is still this one.
    Task(u32, u32),
    /// A host's roles start, if it has crashed only so often.
    Boot(u32, u32),
    /// A role starts, if its host has crashed only so often.
    Role(u32, u32),
    /// A forged segment is due.
    Forgery(u32),
    /// An incident is due.
    Incident(u32),
    /// Something is to be said.
    Remark(u32),
    /// A middlebox may have flows that were idle for too long.
    Flows(u32),
    /// All socket tables are to be written down.
    Tables,
}

/// An entry: when, in what order, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    sequence: u64,
    /// The lane whose first entry this is; [`NO_LANE`] for a loose one.
    lane: u32,
    pub(crate) what: What,
}

const NO_LANE: u32 = u32::MAX;

impl Entry {
    /// What the queue is ordered by, in one number: it is compared at every step in the heap.
    fn key(&self) -> u128 {
        u128::from(self.at.as_nanos()) << 64 | u128::from(self.sequence)
    }
}

/// A packet that waits behind others of its path.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: Instant,
    sequence: u64,
    packet: u32,
}

/// A lane: what arrives over one path in the order in which it was sent.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// Whether the lane's first packet stands in the heap, and when the last one arrives.
    last: Option<Instant>,
    waiting: VecDeque<Waiting>,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// The earliest entry, if it is known: it stands before the heap. An entry that is due before
    /// all others, as the answer to a packet that has just arrived mostly is, never sees the heap.
    front: Option<Entry>,
    heap: Heap,
    lanes: Vec<Lane>,
    sequence: u64,
}

impl Queue {
    /// A queue with this many lanes.
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            front: None,
            heap: Heap(Vec::with_capacity(8)),
            lanes: vec![Lane::default(); lanes],
            sequence: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.front = None;
        self.heap.0.clear();
        for lane in &mut self.lanes {
            lane.last = None;
            lane.waiting.clear();
        }
        self.sequence = 0;
    }

    /// Puts something in, after everything of the same time.
    #[inline(never)]
    pub(crate) fn push(&mut self, at: Instant, what: What) {
        let sequence = self.next_sequence();
        self.insert(Entry { at, sequence, lane: NO_LANE, what });
    }

    /// The same for timers, which come and go with every packet: a host fits into a register, and
    /// where there is room already, there is nothing to save for a call.
    #[inline(never)]
    pub(crate) fn push_timer(&mut self, at: Instant, host: u32) {
        if self.heap.is_full() {
            return self.push(at, What::Timer(host));
        }
        let sequence = self.next_sequence();
        self.insert(Entry { at, sequence, lane: NO_LANE, what: What::Timer(host) });
    }

    /// Puts in a packet that travels over the path of this lane.
    pub(crate) fn push_arrival(&mut self, at: Instant, lane: usize, packet: u32) {
        let sequence = self.next_sequence();
        let entry = &mut self.lanes[lane];
        let what = What::Arrival(packet);
        match entry.last {
            // It overtakes: jitter, reordering or a rule. The order of the lane stays intact.
            Some(last) if at < last => self.insert(Entry { at, sequence, lane: NO_LANE, what }),
            Some(_) => {
                entry.last = Some(at);
                entry.waiting.push_back(Waiting { at, sequence, packet });
            }
            None => {
                entry.last = Some(at);
                self.insert(Entry { at, sequence, lane: lane as u32, what });
            }
        }
    }

    #[expect(
        clippy::inline_always,
        reason = "an entry handed over in memory is read there at once"
    )]
    #[inline(always)]
    fn insert(&mut self, entry: Entry) {
        match self.front {
            Some(front) if entry.key() < front.key() => {
                self.heap.push(front);
                self.front = Some(entry);
            }
            None if self.heap.0.first().is_none_or(|top| entry.key() < top.key()) => {
                self.front = Some(entry);
            }
            _ => self.heap.push(entry),
        }
    }

    /// When the next entry is due, and what it is.
    pub(crate) fn peek(&mut self) -> Option<(Instant, What)> {
        if self.front.is_none() {
            self.front = self.heap.pop();
        }
        self.front.map(|entry| (entry.at, entry.what))
    }

    /// Takes out what is next.
    pub(crate) fn pop(&mut self) -> Option<(Instant, What)> {
        self.take().map(|entry| (entry.at, entry.what))
    }

    /// Takes the next entry out, so that it can be put back.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Entry> {
        let popped = match self.front {
            Some(front) => {
                self.front = None;
                front
            }
            None => self.heap.pop()?,
        };
        if popped.lane != NO_LANE {
            self.advance(popped.lane);
        }
        Some(popped)
    }

    /// Puts back what was the next entry. Its lane has gone on, so it is a loose one now.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.insert(Entry { lane: NO_LANE, ..entry });
    }

    /// The first packet of a lane has left the queue: the next one takes its place.
    fn advance(&mut self, number: u32) {
        let lane = &mut self.lanes[number as usize];
        match lane.waiting.pop_front() {
            Some(Waiting { at, sequence, packet }) => {
                self.insert(Entry { at, sequence, lane: number, what: What::Arrival(packet) });
            }
            None => lane.last = None,
        }
    }

    /// Everything that waits, in order: for fingerprints. Costs as much as there is.
    pub(crate) fn in_order(&self) -> Vec<(Instant, What)> {
        let loose = self.front.iter().chain(&self.heap.0);
        let loose = loose.map(|entry| (entry.at, entry.sequence, entry.what));
        let lanes = self.lanes.iter().flat_map(|lane| &lane.waiting);
        let lanes = lanes.map(|packet| (packet.at, packet.sequence, What::Arrival(packet.packet)));
        let mut all: Vec<_> = loose.chain(lanes).collect();
        all.sort_unstable_by_key(|&(at, sequence, _)| (at, sequence));
        all.into_iter().map(|(at, _, what)| (at, what)).collect()
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

/// A binary heap, the earliest on top. That of std moves an entry through memory several times,
/// and the first of those reads comes before the entry has quite been written.
#[derive(Clone, Debug, Default)]
struct Heap(Vec<Entry>);

impl Heap {
    fn is_full(&self) -> bool {
        self.0.len() == self.0.capacity()
    }

    /// From the bottom up, as far as it is earlier than what stands above.
    #[inline]
    fn push(&mut self, entry: Entry) {
        let mut place = self.0.len();
        self.0.push(entry);
        while place > 0 {
            let above = (place - 1) / 2;
            if self.0[above].key() < entry.key() {
                break;
            }
            self.0[place] = self.0[above];
            place = above;
        }
        self.0[place] = entry;
    }

    /// The last takes the place of the first, and sinks as far as something earlier is below.
    #[inline]
    fn pop(&mut self) -> Option<Entry> {
        let last = self.0.pop()?;
        let Some(&first) = self.0.first() else { return Some(last) };
        let mut place = 0;
        while let Some(below) = self.below(place)
            && self.0[below].key() < last.key()
        {
            self.0[place] = self.0[below];
            place = below;
        }
        self.0[place] = last;
        Some(first)
    }

    /// The earlier of the two places below one.
    fn below(&self, place: usize) -> Option<usize> {
        let (left, right) = (2 * place + 1, 2 * place + 2);
        let earliest = self.0.get(left)?.key();
        match self.0.get(right) {
            Some(entry) if entry.key() < earliest => Some(right),
            _ => Some(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Queue) -> Vec<(u64, u32)> {
        let entries = std::iter::from_fn(|| queue.pop());
        let entries = entries.map(|(at, what)| match what {
            What::Arrival(packet) => (at.as_nanos(), packet),
            What::Timer(host) => (at.as_nanos(), 100 + host),
            _ => unreachable!("the tests put in nothing else"),
        });
        entries.collect()
    }

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn ties_go_by_the_order_of_making_across_lanes_and_heap() {
        let mut queue = Queue::new(2);
        queue.push_arrival(at(5), 1, 0);
        queue.push(at(5), What::Timer(0));
        queue.push_arrival(at(5), 0, 1);
        queue.push_arrival(at(5), 1, 2);
        queue.push(at(4), What::Timer(1));
        assert_eq!(drain(&mut queue), [(4, 101), (5, 0), (5, 100), (5, 1), (5, 2)]);
    }

    #[test]
    fn a_packet_that_overtakes_leaves_the_lane_in_order() {
        let mut queue = Queue::new(1);
        queue.push_arrival(at(10), 0, 0);
        queue.push_arrival(at(20), 0, 1);
        queue.push_arrival(at(5), 0, 2);
        queue.push_arrival(at(15), 0, 3);
        queue.push_arrival(at(20), 0, 4);
        assert_eq!(drain(&mut queue), [(5, 2), (10, 0), (15, 3), (20, 1), (20, 4)]);
    }

    #[test]
    fn a_lane_that_ran_empty_is_used_again() {
        let mut queue = Queue::new(1);
        queue.push_arrival(at(1), 0, 0);
        assert_eq!(drain(&mut queue), [(1, 0)]);
        queue.push_arrival(at(3), 0, 1);
        queue.push_arrival(at(2), 0, 2);
        assert_eq!(drain(&mut queue), [(2, 2), (3, 1)]);
    }

    #[test]
    fn the_listing_is_in_the_order_of_popping() {
        let mut queue = Queue::new(2);
        for (n, time) in [7, 3, 9, 3, 8, 1].into_iter().enumerate() {
            queue.push_arrival(at(time), n % 2, n as u32);
        }
        let listed = queue.in_order();
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(listed, popped);
    }

    #[test]
    fn what_is_put_back_comes_next_again() {
        let mut queue = Queue::new(1);
        queue.push_arrival(at(1), 0, 0);
        queue.push_arrival(at(2), 0, 1);
        let first = queue.take().unwrap();
        queue.put_back(first);
        queue.push_arrival(at(1), 0, 2);
        assert_eq!(drain(&mut queue), [(1, 0), (1, 2), (2, 1)]);
    }

    /// Thousands of entries with many ties, put in and taken out in turns: each one that comes
    /// out is the earliest of those that are in.
    #[test]
    fn a_large_heap_stays_in_order() {
        let mut queue = Queue::new(0);
        let mut model = std::collections::BTreeSet::new();
        let mut random = 1_u64;
        for n in 0..5_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let time = random >> 33 & 1023;
            queue.push(at(time), What::Arrival(n));
            model.insert((time, n));
            if random >> 62 == 0 {
                let (time, n) = model.pop_first().unwrap();
                assert_eq!(queue.pop(), Some((at(time), What::Arrival(n))));
            }
        }
        assert_eq!(drain(&mut queue), model.into_iter().collect::<Vec<_>>());
    }
}
