//! Where effects wait, in one total order, until the driver takes them.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use twomsl_wire::{Ecn, Packet, Segment};

use crate::connection::FastOpenCache;
use crate::event::{
    Event, Output, Readiness, SendReason, SocketId, TimerChange, TimerKind, Transmit,
};
use crate::stack::ObserveTimers;
use crate::tuple::Tuple;
use crate::{Instant, Profile};

/// The effects that wait to be taken. Packets, which are large, stand apart, so that events and
/// the order of both move little.
///
/// Lists and not rings: the driver takes everything before it does anything else, and then both
/// begin at the front again.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    effects: Vec<Effect>,
    /// How many of them were taken.
    taken: usize,
    /// The packets of [`Effect::Transmit`], in the same order: those from `packets_taken` up to
    /// `packets_put` wait. The other places are empty, and there to be used again.
    packets: Vec<Option<Packet>>,
    packets_put: usize,
    packets_taken: usize,
    pub(crate) observed: ObserveTimers,
}

/// An effect without its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Effect {
    Transmit(Option<SocketId>, SendReason),
    Event(Event),
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            // What one event of one connection puts out: it need not grow by steps.
            effects: Vec::with_capacity(8),
            taken: 0,
            packets: Vec::with_capacity(4),
            packets_put: 0,
            packets_taken: 0,
            observed: ObserveTimers::Off,
        }
    }

    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Takes the next effect.
    pub(crate) fn pop(&mut self) -> Option<Output> {
        if let Some(event) = self.pop_event() {
            return Some(Output::Event(event));
        }
        let mut packet = None;
        let (socket, reason) = self.pop_packet(&mut packet)?;
        Some(Output::Transmit(Transmit { packet: packet?, socket, reason }))
    }

    /// Takes the next effect if it is an event.
    #[inline]
    pub(crate) fn pop_event(&mut self) -> Option<Event> {
        let Effect::Event(event) = *self.effects.get(self.taken)? else { return None };
        self.advance();
        Some(event)
    }

    /// Takes the next effect if it is a packet, which moves once: into `place`.
    #[inline]
    pub(crate) fn pop_packet(
        &mut self,
        place: &mut Option<Packet>,
    ) -> Option<(Option<SocketId>, SendReason)> {
        let Effect::Transmit(socket, reason) = *self.effects.get(self.taken)? else { return None };
        if let Some(packet) = self.packets.get_mut(self.packets_taken) {
            core::mem::swap(place, packet);
            self.packets_taken += 1;
        }
        self.advance();
        Some((socket, reason))
    }

    #[inline]
    fn advance(&mut self) {
        self.taken += 1;
        if self.taken == self.effects.len() {
            self.effects.clear();
            (self.taken, self.packets_put, self.packets_taken) = (0, 0, 0);
        }
    }

    /// The packet that was put out last belongs to no socket.
    pub(crate) fn disown_newest(&mut self) {
        if let Some(Effect::Transmit(socket, _)) = self.effects.last_mut() {
            *socket = None;
        }
    }

    #[inline]
    pub(crate) fn event(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    pub(crate) fn ready(&mut self, socket: SocketId, readiness: Readiness) {
        self.event(Event::Ready { socket, readiness });
    }

    #[inline]
    pub(crate) fn timer(&mut self, socket: SocketId, timer: TimerKind, change: TimerChange) {
        if self.observed != ObserveTimers::Off {
            self.report(socket, timer, change);
        }
    }

    /// Out of line: timers are set with every segment, and seldom reported.
    #[cold]
    #[inline(never)]
    fn report(&mut self, socket: SocketId, timer: TimerKind, change: TimerChange) {
        if self.observed == ObserveTimers::On || change == TimerChange::Fired {
            self.event(Event::Timer { socket, timer, change });
        }
    }

    /// Puts a packet out, and shows where it waits.
    #[expect(clippy::inline_always, reason = "a segment is to be made where it will stay")]
    #[inline(always)]
    pub(crate) fn transmit(
        &mut self,
        tuple: &Tuple,
        segment: Segment,
        socket: Option<SocketId>,
        reason: SendReason,
    ) -> &mut Packet {
        self.effects.push(Effect::Transmit(socket, reason));
        if self.packets_put == self.packets.len() {
            self.packets.push(None);
        }
        let packet = Packet::tcp(tuple.local_addr, tuple.remote_addr, segment);
        self.packets_put += 1;
        // An empty place: nothing is overwritten.
        self.packets[self.packets_put - 1].get_or_insert(packet)
    }
}

/// Only what waits: two outboxes are alike whatever went through them before.
impl Hash for Outbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.effects[self.taken..].hash(state);
        self.packets[self.packets_taken..self.packets_put].hash(state);
        self.observed.hash(state);
    }
}

/// What a connection sees of its stack while it handles one event.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) socket: SocketId,
    pub(crate) profile: &'a Profile,
    pub(crate) out: &'a mut Outbox,
    pub(crate) challenges: &'a mut ChallengeLimit,
    pub(crate) accept_queue: AcceptQueue,
    pub(crate) time_wait: TimeWaitTable,
    pub(crate) fast_open: &'a mut FastOpenCache,
    /// The ECN field of the packet that arrived.
    pub(crate) mark: Ecn,
    /// The window of a segment whose SYN has been dealt with: with a SYN it is not scaled
    /// (RFC 7323 §2.2).
    pub(crate) unscaled: Option<u32>,
}

/// What the listener of a connection in SYN-RECEIVED has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptQueue {
    Room,
    Full,
    /// The listener was closed.
    Gone,
}

/// Whether there may be another connection in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeWaitTable {
    Room,
    Full,
}

/// The challenge ACKs the whole stack has sent in the current period (RFC 5961 §7).
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct ChallengeLimit {
    period_start: Instant,
    sent: u32,
}

impl ChallengeLimit {
    /// Takes one from the allowance; false when it is used up.
    pub(crate) fn take(&mut self, now: Instant, profile: &Profile) -> bool {
        if now.since(self.period_start) >= profile.challenge_period {
            self.period_start = now;
            self.sent = 0;
        }
        let allowed = self.sent < profile.challenge_limit;
        self.sent += u32::from(allowed);
        allowed
    }
}
