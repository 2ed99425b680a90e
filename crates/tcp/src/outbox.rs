//! Where effects wait, in one total order, until the driver takes them.

use alloc::collections::VecDeque;

use twomsl_wire::{Packet, Segment};

use crate::event::{
    Event, Output, Readiness, SendReason, SocketId, TimerChange, TimerKind, Transmit,
};
use crate::tuple::Tuple;
use crate::{Instant, Profile};

/// Whether timers are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Observed {
    Yes,
    No,
}

/// The effects that wait to be taken.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Outbox {
    pub(crate) queue: VecDeque<Output>,
    pub(crate) observed: Observed,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        // What one event of one connection puts out: it need not grow by steps. Few enough for
        // the small blocks that allocators hand out at once.
        Self { queue: VecDeque::with_capacity(6), observed: Observed::No }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.queue.push_back(Output::Event(event));
    }

    pub(crate) fn ready(&mut self, socket: SocketId, readiness: Readiness) {
        self.event(Event::Ready { socket, readiness });
    }

    pub(crate) fn timer(&mut self, socket: SocketId, timer: TimerKind, change: TimerChange) {
        if self.observed == Observed::Yes {
            self.event(Event::Timer { socket, timer, change });
        }
    }

    pub(crate) fn transmit(
        &mut self,
        tuple: &Tuple,
        segment: Segment,
        socket: Option<SocketId>,
        reason: SendReason,
    ) {
        let packet = Packet::tcp(tuple.local_addr, tuple.remote_addr, segment);
        self.queue.push_back(Output::Transmit(Transmit { packet, socket, reason }));
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
}

/// What the listener of a connection in SYN-RECEIVED has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptQueue {
    Room,
    Full,
    /// The listener was closed.
    Gone,
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
