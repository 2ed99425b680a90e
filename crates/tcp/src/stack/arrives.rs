//! A packet arrives: which socket it is for, and the states CLOSED and TIME-WAIT
//! (RFC 9293 §3.10.7.1, §3.10.7.4).

use twomsl_wire::{Body, Flags, Packet, Segment};

use super::Stack;
use super::slots::Slot;
use super::time_wait::Answer;
use crate::connection::Taken;
use crate::event::{Arrival, Cause, SendReason, SocketId};
use crate::profile::{Blackhole, TimeWaitRestart};
use crate::tuple::{Tuple, is_host};
use crate::{Instant, Verdict};

impl Stack {
    /// A packet arrives. Returns what was made of it; what follows from it is put out.
    pub fn on_packet(&mut self, now: Instant, mut packet: Packet) -> Arrival {
        self.on_packet_in_place(now, &mut packet)
    }

    /// The same for a packet that stays where it is: only its text is taken out of it, and what
    /// is left of it afterwards means nothing.
    pub fn on_packet_in_place(&mut self, now: Instant, packet: &mut Packet) -> Arrival {
        let (src, dst, mark) = (packet.src, packet.dst, packet.ecn);
        // MUST-57, MUST-63: neither to nor from what is not one host.
        if !self.addresses.contains(&dst) || !is_host(src) {
            return arrival(None, Verdict::NotOurs.into());
        }
        let segment = match &mut packet.body {
            Body::Tcp(segment) => segment,
            Body::Icmp(icmp) => return self.on_icmp(now, icmp),
        };
        let tuple = Tuple {
            local_addr: dst,
            remote_addr: src,
            local_port: segment.dst_port,
            remote_port: segment.src_port,
        };
        let Some(socket) = self.connections.find(&tuple) else {
            return self.arrives_for_nobody(now, &tuple, segment);
        };
        let taken = self.with_connection(now, socket, |connection, cx| {
            cx.mark = mark;
            connection.segment_arrives(cx, segment)
        });
        match taken {
            Ok(taken) => arrival(Some(socket), taken),
            // All that has a 4-tuple and is not a connection any more.
            Err(_) => self.arrives_in_time_wait(now, socket, &tuple, segment),
        }
    }

    /// LISTEN if somebody listens, else CLOSED.
    fn arrives_for_nobody(
        &mut self,
        now: Instant,
        tuple: &Tuple,
        segment: &mut Segment,
    ) -> Arrival {
        match self.listeners.find(tuple.local_addr, tuple.local_port) {
            Some(listener) => self.arrives_in_listen(now, listener, tuple, segment),
            None => self.arrives_in_closed(tuple, segment),
        }
    }

    /// Whether a segment is not even answered with a reset (`net.inet.tcp.blackhole`).
    pub(super) fn is_swallowed(&self, segment: &Segment, from: Blackhole) -> bool {
        let mode = self.profile.bsd.blackhole;
        mode >= from
            || (mode == Blackhole::Syns && segment.has(Flags::SYN) && from <= Blackhole::Closed)
    }

    /// RFC 9293 §3.10.7.1.
    fn arrives_in_closed(&mut self, tuple: &Tuple, segment: &Segment) -> Arrival {
        if segment.has(Flags::RST) {
            return arrival(None, Verdict::NoConnectionRst.into());
        }
        if self.is_swallowed(segment, Blackhole::Closed) {
            return arrival(None, Verdict::Blackholed.into());
        }
        let reset = segment.answering_reset();
        let packet = self.out.transmit(tuple, reset, None, SendReason::Reset);
        self.profile.options.ip_fields().write(packet);
        arrival(None, Verdict::NoConnection.into())
    }

    fn arrives_in_time_wait(
        &mut self,
        now: Instant,
        socket: SocketId,
        tuple: &Tuple,
        segment: &mut Segment,
    ) -> Arrival {
        let Some(Slot::TimeWait(record)) = self.slots.get_mut(socket) else {
            return arrival(None, Verdict::NoConnection.into());
        };
        let answer = record.segment_arrives(now, segment, &self.profile);
        if self.starts_over(answer, segment) {
            self.restart_time_wait(now, socket);
        }
        let verdict = match answer {
            Answer::Ignore(verdict) => verdict,
            Answer::Acknowledge(verdict) | Answer::Restart(verdict) => {
                self.acknowledge_in_time_wait(now, socket, SendReason::DuplicateAck);
                verdict
            }
            Answer::Challenge(_) if !self.challenges.take(now, &self.profile) => {
                Verdict::ChallengeLimited
            }
            Answer::Challenge(verdict) => {
                self.acknowledge_in_time_wait(now, socket, SendReason::ChallengeAck);
                verdict
            }
            Answer::End(verdict) => {
                self.end_time_wait(now, socket, Cause::Rst);
                verdict
            }
            Answer::Reopen if self.profile.is_bsd() => {
                // `tcp_twcheck`: it is closed, and what comes is for whoever listens, or nobody.
                self.end_time_wait(now, socket, Cause::Reuse);
                return self.arrives_for_nobody(now, tuple, segment);
            }
            Answer::Reopen => {
                let listener = self.listeners.find(tuple.local_addr, tuple.local_port);
                if let Some(listener) = listener {
                    return self.open_from_syn(now, listener, tuple, segment, Some(socket));
                }
                self.acknowledge_in_time_wait(now, socket, SendReason::DuplicateAck);
                Verdict::TimeWaitAck
            }
        };
        arrival(Some(socket), verdict.into())
    }

    /// Whether 2MSL start again: for the peer's FIN by RFC 9293 §3.10.7.4, on Linux for all that
    /// acknowledges something or is an old duplicate by its timestamp, since it shows that old
    /// segments are still about. A SYN may be a new one whose number is not beyond the old ones.
    fn starts_over(&self, answer: Answer, segment: &Segment) -> bool {
        match self.profile.time_wait_restart {
            TimeWaitRestart::Fin => matches!(answer, Answer::Restart(_)),
            TimeWaitRestart::AnyAck => {
                let old = answer == Answer::Acknowledge(Verdict::OldTimestamp);
                let acks = segment.has(Flags::ACK) && !segment.has(Flags::RST);
                old || (acks && answer != Answer::Reopen)
            }
        }
    }

    fn acknowledge_in_time_wait(&mut self, now: Instant, socket: SocketId, reason: SendReason) {
        if let Some(record) = self.slots.time_wait(socket) {
            let (tuple, segment) = (record.tuple, record.acknowledgment(now));
            record.ip.write(self.out.transmit(&tuple, segment, Some(socket), reason));
        }
    }
}

pub(super) const fn arrival(socket: Option<SocketId>, taken: Taken) -> Arrival {
    Arrival { socket, verdict: taken.verdict, text: taken.text, syn: taken.syn }
}
