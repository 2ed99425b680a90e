//! Every change of state goes through here.

use super::{Connection, Origin};
use crate::event::{Cause, Event, Readiness, StateChange, TcpState, TimerKind};
use crate::outbox::{Context, TimeWaitTable};
use crate::timers::Timers;
use crate::{Holder, Instant, SocketError, WhatIf};
use TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived,
    SynSent, TimeWait,
};

/// The arrows of the state diagram (RFC 9293 §3.3.2, figure 5), and those that only its text
/// has: resets, timeouts and ABORT lead to CLOSED from everywhere.
const ARROWS: [(TcpState, &[TcpState]); 11] = [
    (Closed, &[Listen, SynSent]),
    (Listen, &[SynReceived, SynSent, Closed]),
    (SynSent, &[SynReceived, Established, Closed]),
    (SynReceived, &[Established, FinWait1, Listen, Closed]),
    (Established, &[FinWait1, CloseWait, Closed]),
    (FinWait1, &[FinWait2, Closing, TimeWait, Closed]),
    (FinWait2, &[TimeWait, Closed]),
    (CloseWait, &[LastAck, Closed]),
    (Closing, &[TimeWait, Closed]),
    (LastAck, &[Closed]),
    (TimeWait, &[Closed]),
];

impl TcpState {
    /// The states that one step can lead to from this one.
    pub const fn successors(self) -> &'static [TcpState] {
        ARROWS[self as usize].1
    }

    /// Whether one step can lead from this state to `to`. Asked at every change of state.
    pub const fn leads_to(self, to: Self) -> bool {
        SUCCESSORS[self as usize] & 1 << to as u16 != 0
    }
}

/// The same arrows as sets: a bit per state.
const SUCCESSORS: [u16; ARROWS.len()] = {
    let mut sets = [0; ARROWS.len()];
    let mut from = 0;
    while from < ARROWS.len() {
        let (state, successors) = ARROWS[from];
        assert!(state as usize == from, "the arrows are in the order of the states");
        let mut to = 0;
        while to < successors.len() {
            sets[from] |= 1 << successors[to] as u16;
            to += 1;
        }
        from += 1;
    }
    sets
};

/// What the stack has to do with a connection that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleanup {
    /// Make a compact record of it.
    TimeWait,
    /// Keep it for the application, which has not closed it yet, or will accept it, but free its
    /// 4-tuple.
    Unlink,
    /// Forget it.
    Forget,
}

impl Connection {
    /// Takes an arrow of the state diagram.
    pub(super) fn transition(&mut self, cx: &mut Context<'_>, to: TcpState, cause: Cause) {
        let from = self.state;
        assert!(from.leads_to(to), "{from} → {to} is in the diagram");
        self.state = to;
        self.since = cx.now;
        cx.out.event(Event::State(StateChange { socket: cx.socket, from, to, cause }));
    }

    /// The connection is over. With an error the application hears why (MUST-12).
    pub(super) fn finish(
        &mut self,
        cx: &mut Context<'_>,
        cause: Cause,
        error: Option<SocketError>,
    ) {
        if self.timers.is_running(TimerKind::Linger) {
            // Whoever waits in close(2) has nothing more to wait for.
            cx.out.ready(cx.socket, Readiness::LingerOver);
        }
        self.timers.stop_all(cx);
        self.transition(cx, TcpState::Closed, cause);
        // "All segments queued for transmission or retransmission should be flushed" (§3.10.5).
        self.send.flush();
        self.error = error;
        self.tell(cx, error.map_or(Readiness::Closed, Readiness::Failed));
    }

    /// A handshake that a listener began came to nothing: the listener never left LISTEN.
    pub(super) fn back_to_listen(&mut self, cx: &mut Context<'_>, cause: Cause) {
        self.timers.stop_all(cx);
        self.transition(cx, TcpState::Listen, cause);
    }

    /// Everything is said both ways; what is left is to wait for old segments to die.
    pub(super) fn enter_time_wait(&mut self, cx: &mut Context<'_>, cause: Cause) {
        if cx.time_wait == TimeWaitTable::Full {
            // Linux' `tcp_time_wait`: "We've got bigger problems than non-graceful socket
            // closings." It is not what MUST-13 says, and old duplicates may find a successor.
            return self.finish(cx, Cause::TimeWaitFull, None);
        }
        if cx.profile.what_ifs.has(WhatIf::NoTimeWait) {
            return self.finish(cx, cause, None);
        }
        self.timers.stop_all(cx);
        self.transition(cx, TcpState::TimeWait, cause);
        self.timers.set(cx, TimerKind::TimeWait, cx.now + cx.profile.time_wait_lasts());
    }

    /// The record that stood for it is gone: only the application still knows it.
    pub(crate) fn end_of_time_wait(&mut self, now: Instant) {
        // The record kept the time; what the connection still has of it must not fire.
        self.timers = Timers::new();
        self.state = TcpState::Closed;
        self.since = now;
    }

    /// What the stack has to do with it now that it is over.
    pub(crate) fn cleanup(&self) -> Cleanup {
        match self.state {
            TcpState::TimeWait => Cleanup::TimeWait,
            TcpState::Closed if self.holder != Holder::Orphan => Cleanup::Unlink,
            _ => Cleanup::Forget,
        }
    }

    /// How it was opened, in SYN-RECEIVED.
    pub(crate) fn origin(&self) -> Option<Origin> {
        (self.state == TcpState::SynReceived).then_some(self.origin)
    }

    /// Whether it is in the SYN queue of a listener.
    pub(super) fn is_half_open(&self) -> bool {
        matches!(self.origin(), Some(Origin::Passive { .. }))
    }
}
