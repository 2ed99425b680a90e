//! Local ports: who uses them, and which ephemeral one comes next (RFC 6056).

use alloc::collections::BTreeMap;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::crowded::{Crowded, Destination};
use super::isn::{keyed_destination, keyed_number};
use super::recent::Recent;
use crate::profile::PortSelection;
use crate::tuple::Tuple;
use crate::{Instant, Profile, SocketError};

/// How many ports in use a search passes over before it asks for an index of the destination.
const PATIENCE: u32 = 64;

/// Counters of algorithm 4: Linux' `INET_TABLE_PERTURB_SIZE` with its default order of 16.
const COUNTERS: u64 = 1 << 16;

/// Linux' `__inet_hash_connect` moves a counter on by one to eight ports of a ring, or more if the
/// search passed over more.
const STRIDES: u64 = 8;

/// How the local ports are used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    /// Connections, TIME-WAIT included, per local port.
    connections: Recent<u16, u32>,
    /// Algorithm 3: goes up with every ephemeral port, so that a search goes on where the last one
    /// ended. Algorithm 1 counts its draws with it.
    counter: u32,
    /// Algorithm 4: a counter for each group of destinations that was connected to so far.
    counters: BTreeMap<u16, u32>,
    /// Destinations for which many ports are in use.
    pub(super) crowded: Crowded,
}

impl Ports {
    pub(crate) fn clear(&mut self) {
        self.connections.clear();
        self.counters.clear();
        self.crowded.clear();
        self.counter = 0;
    }

    /// A connection begins.
    pub(crate) fn take(&mut self, tuple: &Tuple) {
        let count = self.connections.get(&tuple.local_port).unwrap_or(0);
        self.connections.insert(&tuple.local_port, count + 1);
    }

    /// A connection is forgotten.
    pub(crate) fn release(&mut self, tuple: &Tuple) {
        match self.connections.get(&tuple.local_port) {
            Some(count) if count > 1 => self.connections.insert(&tuple.local_port, count - 1),
            _ => self.connections.remove(&tuple.local_port),
        }
    }

    /// Whether any connection, TIME-WAIT included, has this local port.
    pub(crate) fn is_used(&self, port: u16) -> bool {
        self.connections.get(&port).is_some()
    }

    /// A number that nobody can guess and no other draw has: instead of a random one.
    fn draw(&mut self, secret: &[u8; 16]) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        keyed_number(secret, u64::from(self.counter))
    }

    /// The counter of a group of destinations. It begins anywhere, as Linux' table does.
    fn counter_of(&self, group: u16, secret: &[u8; 16]) -> u32 {
        let begin = || keyed_number(secret, 1 << 32 | u64::from(group)) as u32;
        self.counters.get(&group).copied().unwrap_or_else(begin)
    }
}

/// Without the connections, which the sockets are hashed with, and what follows from them.
impl Hash for Ports {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.counter.hash(state);
        self.counters.hash(state);
    }
}

/// The ephemeral ports in the order in which they are tried: by number, or, as Linux has it, those
/// as even or odd as the first before the others, which `bind` prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    first: u16,
    /// How many ports are in a ring, how far apart they are, and how many rings there are.
    length: u32,
    step: u16,
    rings: u32,
}

impl Order {
    pub(super) fn of(profile: &Profile) -> Self {
        let (first, count) = (profile.first_port, profile.ephemeral_ports());
        match profile.port_selection {
            // "remaining &= ~1U": the last port of an odd number of them is never tried.
            PortSelection::DoubleHash if count > 1 => {
                Self { first, length: count / 2, step: 2, rings: 2 }
            }
            _ => Self { first, length: count, step: 1, rings: 1 },
        }
    }

    /// How many places there are: those of the first ring, then those of the second.
    pub(super) const fn places(self) -> u32 {
        self.length * self.rings
    }

    pub(super) fn port(self, place: u32) -> u16 {
        let (ring, index) = (place / self.length, place % self.length);
        // All of it is below `first` plus the number of ports.
        self.first + index as u16 * self.step + ring as u16
    }

    /// The place of a port, if it is one of these.
    pub(super) fn place(self, port: u16) -> Option<u32> {
        let offset = port.checked_sub(self.first)?;
        let (ring, index) = (u32::from(offset % self.step), u32::from(offset / self.step));
        (index < self.length).then_some(ring * self.length + index)
    }
}

/// Where a search begins: a place in the first ring. In the second it begins at the same one.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// RFC 6056 §3.3.3, algorithm 3.
    SimpleHash(u32),
    /// RFC 6056 §3.3.4, algorithm 4, with the counter of this group.
    DoubleHash(u32, u16),
    /// RFC 6056 §3.3.1, algorithm 1.
    Random(u32),
}

impl Start {
    const fn place(self) -> u32 {
        match self {
            Self::SimpleHash(place) | Self::DoubleHash(place, _) | Self::Random(place) => place,
        }
    }
}

impl Stack {
    /// An ephemeral port that makes a new 4-tuple with this remote end, chosen as the profile says.
    ///
    /// # Errors
    /// `AddressNotAvailable` when every one is in use for this destination.
    pub(super) fn ephemeral_port(
        &mut self,
        now: Instant,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Result<u16, SocketError> {
        let order = Order::of(&self.profile);
        let start = self.start_of_search(order, local, remote);
        for ring in 0..order.rings {
            if let Some(passed) =
                self.free_in_ring(now, order, ring, start.place(), Destination::new(local, remote))
            {
                let index = (start.place() + passed) % order.length;
                self.search_ended(start, passed);
                return Ok(order.port(ring * order.length + index));
            }
        }
        Err(SocketError::AddressNotAvailable)
    }

    fn start_of_search(&mut self, order: Order, local: IpAddr, remote: SocketAddr) -> Start {
        let keyed = || keyed_destination(&self.secret, local, remote);
        let length = u64::from(order.length);
        match self.profile.port_selection {
            PortSelection::SimpleHash => {
                let offset = keyed() % length + u64::from(self.ports.counter);
                Start::SimpleHash((offset % length) as u32)
            }
            PortSelection::DoubleHash => {
                let hash = keyed();
                let group = (hash % COUNTERS) as u16;
                let counter = u64::from(self.ports.counter_of(group, &self.secret));
                let offset = (hash >> 32) + counter;
                Start::DoubleHash((offset / u64::from(order.step) % length) as u32, group)
            }
            PortSelection::Random => Start::Random((self.ports.draw(&self.secret) % length) as u32),
        }
    }

    /// How many ports of a ring, from the place where the search begins, are in use before one that
    /// is not; `None` when all are.
    fn free_in_ring(
        &mut self,
        now: Instant,
        order: Order,
        ring: u32,
        start: u32,
        destination: Destination,
    ) -> Option<u32> {
        let place = |passed| ring * order.length + (start + passed) % order.length;
        let tuple = |passed| destination.tuple(order.port(place(passed)));
        let mut from = 0;
        if self.ports.crowded.get(&destination).is_none() {
            from = order.length.min(PATIENCE);
            let near = (0..from).find(|passed| self.obstacle(now, &tuple(*passed)).is_none());
            if near.is_some() || from == order.length {
                return near;
            }
            self.index_destination(order, destination);
        }
        let index = self.ports.crowded.get_mut(&destination)?;
        index.ripen(now);
        loop {
            let index = self.ports.crowded.get_mut(&destination)?;
            from += index.passed_over(ring * order.length, order.length, place(from))?;
            if from >= order.length {
                return None;
            }
            // What the index does not know: listeners, which are few, and TIME-WAITs that have
            // heard from their peer again.
            match self.obstacle(now, &tuple(from)) {
                None => return Some(from),
                Some(Obstacle::Until(ripe)) => self.ports.crowded.ripen(&tuple(from), ripe),
                Some(Obstacle::Connection) => self.ports.crowded.occupy(&tuple(from)),
                Some(Obstacle::Listener) => {}
            }
            from += 1;
        }
    }

    /// Remembers where the next search is to begin.
    fn search_ended(&mut self, start: Start, passed: u32) {
        match start {
            Start::Random(_) => {}
            Start::SimpleHash(_) => {
                self.ports.counter = self.ports.counter.wrapping_add(passed + 1);
            }
            Start::DoubleHash(_, group) => {
                let counter = self.ports.counter_of(group, &self.secret);
                // "We use a max() with a random here so that on low contention the randomness is
                // maximal and on high contention it may be inexistent."
                let seed = 1 << 63 | u64::from(group) << 32 | u64::from(counter);
                let stride = (keyed_number(&self.secret, seed) % STRIDES) as u32;
                let counter = counter.wrapping_add(2 * (passed.max(stride) + 1));
                self.ports.counters.insert(group, counter);
            }
        }
    }

    /// What keeps `connect` from using this 4-tuple, if anything does.
    fn obstacle(&self, now: Instant, tuple: &Tuple) -> Option<Obstacle> {
        if self.listeners.find(tuple.local_addr, tuple.local_port).is_some() {
            return Some(Obstacle::Listener);
        }
        let record = self.slots.time_wait(self.connections.get(tuple)?);
        match record.and_then(|record| record.ripe_at(&self.profile)) {
            // "More than one second has passed."
            Some(ripe) if ripe < now => None,
            Some(ripe) => Some(Obstacle::Until(ripe)),
            None => Some(Obstacle::Connection),
        }
    }

    /// Begins to keep an index of a destination. What it costs once, all the searches save that
    /// come after it.
    fn index_destination(&mut self, order: Order, destination: Destination) {
        self.ports.crowded.begin(destination, order);
        for tuple in (0..order.places()).map(|place| destination.tuple(order.port(place))) {
            let Some(socket) = self.connections.get(&tuple) else { continue };
            self.ports.crowded.occupy(&tuple);
            let record = self.slots.time_wait(socket);
            if let Some(ripe) = record.and_then(|record| record.ripe_at(&self.profile)) {
                self.ports.crowded.ripen(&tuple, ripe);
            }
        }
    }
}

/// What keeps `connect` from using a 4-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Connection,
    Listener,
    /// A connection in TIME-WAIT that may be taken over after this moment.
    Until(Instant),
}
