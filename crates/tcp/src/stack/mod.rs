//! One host's TCP.

mod arrives;
mod calls;
mod crowded;
mod deadlines;
mod fast_open;
mod icmp;
mod isn;
mod kept;
mod listen;
mod listener;
mod look;
mod open;
mod paths;
mod ports;
mod recent;
mod recycle;
mod settle;
mod slots;
mod syn_cookie;
mod time_wait;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;

use twomsl_wire::{Ecn, Packet};

pub use calls::Shutdown;
pub use look::Prospect;

use crate::connection::{Connection, FastOpenCache};
use crate::event::{Event, Output, SendReason, SocketId, TimerKind};
use crate::outbox::{AcceptQueue, ChallengeLimit, Context, Outbox};
use crate::tuple::Tuple;
use crate::{Instant, ParameterError, Profile, SocketError, SocketOptions, Status};
use deadlines::Deadlines;
use kept::Kept;
use listener::Listeners;
use paths::Paths;
use ports::Ports;
use recent::Recent;
use slots::{Slot, Slots};

/// One host's TCP: all its sockets, its demultiplexer, its timers.
///
/// It does no input or output and reads no clock. There are four families of methods:
///
/// - **user calls** ([`listen`](Self::listen), [`connect`](Self::connect),
///   [`accept`](Self::accept), [`send`](Self::send), [`receive`](Self::receive),
///   [`shutdown`](Self::shutdown), [`close`](Self::close), [`abort`](Self::abort),
///   [`status`](Self::status), …): RFC 9293 §3.9.1. None of them waits: they answer
///   [`WouldBlock`](SocketError::WouldBlock), and a [`Ready`](crate::Event::Ready) event says
///   when to try again;
/// - **events**: [`on_packet`](Self::on_packet) and [`on_timeout`](Self::on_timeout);
/// - **effects**: [`poll`](Self::poll), in one total order;
/// - **time**: [`next_deadline`](Self::next_deadline).
///
/// After every call or event the driver takes all effects, then asks for the next deadline. The
/// whole loop, here between a stack and itself, over a network that takes no time:
///
/// ```
/// use twomsl_tcp::{Instant, Output, Profile, SocketError, Stack};
///
/// # fn main() -> Result<(), SocketError> {
/// let mut stack = Stack::new(Profile::linux(), [0; 16]);
/// stack.add_address("10.0.0.1".parse().unwrap());
/// let mut now = Instant::ZERO;
/// let listener = stack.listen(now, "10.0.0.1:80".parse().unwrap(), 16, None)?;
/// let client = stack.connect(now, None, "10.0.0.1:80".parse().unwrap(), None)?;
/// stack.send(now, client, b"hello")?;
/// let server = loop {
///     // Effects first.
///     while let Some(output) = stack.poll() {
///         match output {
///             Output::Transmit(transmit) => {
///                 stack.on_packet(now, transmit.packet);
///             }
///             Output::Event(_) => {} // wake whoever waits for it
///         }
///     }
///     if let Ok(server) = stack.accept(now, listener) {
///         break server;
///     }
///     // Nothing left to do now: time jumps to the next deadline.
///     let (deadline, _) = stack.next_deadline().expect("a connection that waits has a timer");
///     now = deadline;
///     stack.on_timeout(now);
/// };
/// let mut buffer = [0; 16];
/// let octets = stack.receive(now, server, &mut buffer)?;
/// assert_eq!(&buffer[..octets], b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Stack {
    profile: Profile,
    /// Those of the profile, for sockets to share.
    options: Arc<SocketOptions>,
    secret: [u8; 16],
    addresses: Vec<IpAddr>,
    slots: Slots,
    /// The demultiplexer.
    connections: Recent<Tuple, SocketId>,
    listeners: Listeners,
    ports: Ports,
    kept: Kept,
    deadlines: Deadlines,
    out: Outbox,
    challenges: ChallengeLimit,
    /// What ICMP has told about the paths to other hosts.
    paths: Paths,
    /// What servers have given to this host.
    fast_open: FastOpenCache,
    /// Timestamps by host: empty, but for one what-if.
    recycled: recycle::Hosts,
}

impl Stack {
    /// A stack without addresses. The `secret` is what makes its initial sequence numbers
    /// (RFC 6528) and its ports (RFC 6056) its own.
    pub fn new(profile: Profile, secret: [u8; 16]) -> Self {
        Self {
            options: Arc::new(profile.options.clone()),
            profile,
            secret,
            addresses: Vec::with_capacity(1),
            slots: Slots::new(),
            connections: Recent::default(),
            listeners: Listeners::default(),
            ports: Ports::default(),
            kept: Kept::default(),
            deadlines: Deadlines::new(),
            out: Outbox::new(),
            challenges: ChallengeLimit::default(),
            paths: Paths::default(),
            fast_open: FastOpenCache::default(),
            recycled: recycle::Hosts::new(),
        }
    }

    /// Forgets everything but its profile and its addresses, as a host does that starts again.
    /// Like a new stack, but in the memory of this one.
    #[inline]
    pub fn restart(&mut self, secret: [u8; 16]) {
        // Field by field, so that a new one is not forgotten here.
        let Self {
            profile: _,
            options: _,
            secret: own_secret,
            addresses: _,
            slots,
            connections,
            listeners,
            ports,
            kept,
            deadlines,
            out,
            challenges,
            paths,
            fast_open,
            recycled,
        } = self;
        *own_secret = secret;
        slots.clear();
        connections.clear();
        listeners.clear();
        ports.clear();
        *kept = Kept::default();
        deadlines.clear();
        out.clear();
        *challenges = ChallengeLimit::default();
        paths.clear();
        fast_open.clear();
        recycled.clear();
    }

    /// Adds an address. The first of a family is the source of connections of that family.
    pub fn add_address(&mut self, address: IpAddr) {
        self.addresses.push(address);
    }

    /// Its addresses, in the order in which they were added.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Its parameters.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Sets a parameter of its profile, as [`Profile::set`] does, in the middle of its life: what
    /// connections ask the profile acts on them at once; the options of sockets are those of the
    /// moment at which they were opened.
    ///
    /// # Errors
    /// Those of [`Profile::set`].
    pub fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        self.profile.set(name, value)?;
        if self.profile.options != *self.options {
            self.options = Arc::new(self.profile.options.clone());
        }
        Ok(())
    }

    /// Forgets what ICMP has told of the paths to other hosts (`ip tcp_metrics flush`, FreeBSD's
    /// `hostcache.purge`). Connections keep what they know.
    pub fn forget_paths(&mut self) {
        self.paths.clear();
    }

    /// Whether [`Event::Timer`](crate::Event::Timer) is put out. Off at first: nobody pays for
    /// what nobody reads.
    pub const fn observe(&mut self, timers: ObserveTimers) {
        self.out.observed = timers;
    }

    /// The next effect. Take all of them after every call and every event.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// Whether there are effects to take.
    #[inline]
    pub fn has_effects(&self) -> bool {
        !self.out.is_empty()
    }

    /// The next effect if it is an event; a packet stays where it is, for [`poll`](Self::poll).
    /// For drivers to whom it matters that events, which are small, need not be moved as packets.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.pop_event()
    }

    /// The next effect if it is a packet, which is put into `place`: whose it is, and why it is
    /// sent. For drivers that keep packets somewhere, so that they need not be moved twice.
    #[inline]
    pub fn poll_packet(
        &mut self,
        place: &mut Option<Packet>,
    ) -> Option<(Option<SocketId>, SendReason)> {
        self.out.pop_packet(place)
    }

    /// The exact next moment at which [`on_timeout`](Self::on_timeout) has something to do, and
    /// the timer that will fire. O(1).
    pub fn next_deadline(&self) -> Option<(Instant, TimerKind)> {
        let (at, index) = self.deadlines.earliest()?;
        let kind = match self.slots.get(self.slots.id_at(index)) {
            Some(Slot::Connection(connection)) => connection.deadline()?.1,
            _ => TimerKind::TimeWait,
        };
        Some((at, kind))
    }

    /// The moment of [`next_deadline`](Self::next_deadline) alone, for drivers that ask after
    /// every call and do not care whose timer it is.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.earliest().map(|(at, _)| at)
    }

    /// STATUS (RFC 9293 §3.10.6). Works for orphans and TIME-WAIT as long as they exist.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket any more.
    pub fn status(&self, socket: SocketId) -> Result<Status, SocketError> {
        self.slots
            .get(socket)
            .and_then(|slot| self.status_of(socket, slot))
            .ok_or(SocketError::BadSocket)
    }

    /// All sockets, in the order of their slots.
    pub fn sockets(&self) -> impl Iterator<Item = Status> + '_ {
        self.slots.iter().filter_map(|(socket, slot)| self.status_of(socket, slot))
    }

    fn status_of(&self, socket: SocketId, slot: &Slot) -> Option<Status> {
        match slot {
            Slot::Free { .. } => None,
            Slot::Listener(listener) => Some(listener.status(socket)),
            Slot::Connection(connection) => Some(connection.status(socket, &self.profile)),
            Slot::TimeWait(record) => Some(record.status(socket, &self.profile)),
        }
    }

    /// Feeds everything that can influence the future into `hasher`.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.slots.hash(hasher);
        self.ports.hash(hasher);
        self.listeners.hash(hasher);
        self.out.hash(hasher);
        self.challenges.hash(hasher);
        self.paths.hash(hasher);
        self.fast_open.hash(hasher);
        self.recycled.hash(hasher);
    }

    /// What a connection sees of its stack.
    fn context(
        &mut self,
        now: Instant,
        socket: SocketId,
        accept_queue: AcceptQueue,
    ) -> (Context<'_>, Option<&mut Connection>) {
        let time_wait = self.time_wait_table();
        let connection = match self.slots.get_mut(socket) {
            Some(Slot::Connection(connection)) => Some(&mut **connection),
            _ => None,
        };
        let cx = Context {
            now,
            socket,
            profile: &self.profile,
            out: &mut self.out,
            challenges: &mut self.challenges,
            accept_queue,
            time_wait,
            fast_open: &mut self.fast_open,
            mark: Ecn::NotEct,
            unscaled: None,
        };
        (cx, connection)
    }
}

/// Whether a stack reports its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObserveTimers {
    /// Every change of a timer is an event.
    On,
    /// That one runs out is an event.
    Fired,
    /// Nothing is.
    Off,
}
