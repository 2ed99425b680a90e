//! LISTEN (RFC 9293 §3.10.7.2), and what becomes of a SYN when the queues are full.

use twomsl_wire::{Flags, Segment};

use super::Stack;
use super::arrives::arrival;
use super::isn::initial_sequence;
use super::listener::Room;
use crate::connection::{Connection, FastOpen, Origin};
use crate::event::{Arrival, Readiness, SendReason, SocketId};
use crate::profile::{Blackhole, Incoming};
use crate::tuple::Tuple;
use crate::{Holder, Instant, Verdict, WhatIf};

impl Stack {
    /// RFC 9293 §3.10.7.2.
    pub(super) fn arrives_in_listen(
        &mut self,
        now: Instant,
        listener: SocketId,
        tuple: &Tuple,
        segment: &mut Segment,
    ) -> Arrival {
        let verdict = if segment.has(Flags::RST) {
            Verdict::ListenRst
        } else if segment.has(Flags::ACK) {
            return self.ack_arrives_in_listen(now, listener, tuple, segment);
        } else if segment.has(Flags::SYN | Flags::FIN) && self.drops_syn_fin() {
            Verdict::SynFinDropped
        } else if segment.has(Flags::SYN) && self.is_behind_its_host(now, tuple, segment) {
            Verdict::OldTimestamp
        } else if segment.has(Flags::SYN) {
            return self.open_from_syn(now, listener, tuple, segment, None);
        } else {
            Verdict::ListenNothing
        };
        arrival(Some(listener), verdict.into())
    }

    /// `drop_synfin` of FreeBSD, and Linux' `tcp_rcv_state_process` always.
    fn drops_syn_fin(&self) -> bool {
        self.profile.bsd.drop_synfin.is_on() || self.profile.incoming == Incoming::Linux
    }

    /// "Any acknowledgment is bad if it arrives on a connection still in the LISTEN state", unless
    /// it brings a SYN cookie back.
    fn ack_arrives_in_listen(
        &mut self,
        now: Instant,
        listener: SocketId,
        tuple: &Tuple,
        segment: &mut Segment,
    ) -> Arrival {
        if let Some(arrival) = self.open_from_cookie(now, listener, tuple, segment) {
            return arrival;
        }
        if self.is_swallowed(segment, Blackhole::Everything) {
            return arrival(Some(listener), Verdict::Blackholed.into());
        }
        let (reset, reason) = (segment.answering_reset(), SendReason::Reset);
        let packet = self.out.transmit(tuple, reset, Some(listener), reason);
        if let Some(listener) = self.slots.listener(listener) {
            listener.options.ip_fields().write(packet);
        }
        arrival(Some(listener), Verdict::ListenAck.into())
    }

    /// LISTEN → SYN-RECEIVED, if the queues have room.
    pub(super) fn open_from_syn(
        &mut self,
        now: Instant,
        listener: SocketId,
        tuple: &Tuple,
        segment: &Segment,
        supersedes: Option<SocketId>,
    ) -> Arrival {
        let Some(queue) = self.slots.listener(listener) else {
            return arrival(None, Verdict::NoConnection.into());
        };
        match queue.room_for_syn(supersedes, &self.profile) {
            Room::Yes => {}
            Room::Cookie => return self.answer_with_cookie(now, listener, tuple, segment),
            Room::No(verdict) => return arrival(Some(listener), verdict.into()),
        }
        let options = queue.options.clone();
        let fast = match self.fast_open_for(queue, tuple, segment) {
            // What is in TIME-WAIT under this 4-tuple lives until the handshake is over (MAY-2).
            FastOpen::Early if supersedes.is_some() => FastOpen::Off,
            fast => fast,
        };
        let origin = match fast {
            FastOpen::Early => Origin::Fast { listener },
            _ => Origin::Passive { listener, supersedes },
        };
        let mut iss = initial_sequence(now, tuple, &self.secret, &self.profile);
        if let Some(record) = supersedes.and_then(|old| self.slots.time_wait(old))
            && !self.profile.what_ifs.has(WhatIf::FixedIsn)
        {
            iss = iss.later(record.next_iss());
        }
        let holder = Holder::Listener;
        let clock = self.timestamp_clock(tuple);
        let connection = Connection::new(now, *tuple, iss, clock, options, holder, &self.profile);
        let socket = self.link(connection);
        let taken = self.with_connection(now, socket, |connection, cx| {
            connection.open_for_syn(cx, segment, origin, fast)
        });
        self.enter_queue(listener, socket, origin);
        if self.profile.what_ifs.has(WhatIf::TwoWayHandshake) {
            let _ = self.with_connection(now, socket, Connection::establish_at_once);
        }
        arrival(Some(socket), taken.unwrap_or_else(|_| Verdict::NoConnection.into()))
    }

    /// A connection begins in the SYN queue, or, with TCP Fast Open, in the accept queue at once.
    fn enter_queue(&mut self, listener: SocketId, socket: SocketId, origin: Origin) {
        let Some(queue) = self.slots.listener_mut(listener) else { return };
        if let Origin::Fast { .. } = origin {
            queue.opening_fast += 1;
            queue.established.push_back(socket);
            self.out.ready(listener, Readiness::Acceptable);
        } else {
            queue.opening += 1;
        }
    }
}
