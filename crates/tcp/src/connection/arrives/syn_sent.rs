//! SYN-SENT (RFC 9293 §3.10.7.3).

use core::time::Duration;

use twomsl_wire::{Flags, Segment};

use super::super::Connection;
use super::{Step, Taken};
use crate::event::{Cause, SynTaken, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::Incoming;
use crate::{SendReason, SocketError, Verdict};

/// `TCP_TIMEOUT_MIN`: two ticks of a kernel with 1000 a second.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(2);

impl Connection {
    pub(super) fn arrives_in_syn_sent(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
    ) -> Taken {
        let mut taken = Taken::from(Verdict::Accepted);
        if let Err(verdict) = self.check_syn_sent(cx, segment) {
            taken.verdict = verdict;
            return taken;
        }
        taken.syn = SynTaken::Yes;
        self.synchronize(segment, cx);
        self.learn_cookie(cx, segment);
        segment.seq += 1;
        cx.unscaled = Some(u32::from(segment.window));
        // With a SYN, ECE and CWR are about the agreement and not about congestion (RFC 3168 §6.1.1).
        segment.flags -= Flags::SYN | Flags::ECE | Flags::CWR;
        if segment.has(Flags::ACK) {
            // In this order: `take_ack` forgets whether the SYN had to be sent again.
            self.establish(cx, Cause::SynAck);
            self.take_ack(cx, segment);
            self.repair_text_of_syn();
            self.owe_ack_of_syn(cx);
            // "Continue processing at the sixth step."
            if let Err(verdict) = self.process_text(cx, segment, &mut taken) {
                taken.verdict = verdict;
            }
            if self.may_transmit() {
                self.transmit(cx);
            }
        } else {
            self.cross(cx, segment, &mut taken);
        }
        taken
    }

    /// First the ACK bit, second the RST bit, fourth the SYN bit.
    fn check_syn_sent(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        let ack = segment.has(Flags::ACK);
        let ack_is_bad =
            ack && (segment.ack.at_or_before(self.send.iss) || segment.ack.after(self.send.nxt));
        if ack_is_bad {
            self.hasten_syn(cx);
        }
        if segment.has(Flags::RST) {
            if !ack || ack_is_bad {
                return Err(Verdict::SynSentRst);
            }
            self.finish(cx, Cause::Rst, Some(SocketError::ConnectionRefused));
            return Err(Verdict::Accepted);
        }
        if ack_is_bad {
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynSentBadAck);
        }
        if ack && self.echoes_somebody_else(cx, segment) {
            // PAWSACTIVEREJECTED in `tcp_rcv_synsent_state_process`.
            self.answer_with_reset(cx, segment);
            return Err(Verdict::OldTimestamp);
        }
        if segment.has(Flags::SYN) { Ok(()) } else { Err(Verdict::SynSentNothing) }
    }

    /// What acknowledges something else shows a peer that still has an old connection. Once our reset
    /// has told it so, the SYN is welcome: on Linux it goes again at once, but only once
    /// (`tcp_rcv_synsent_state_process`, since 5.7).
    fn hasten_syn(&mut self, cx: &mut Context<'_>) {
        if cx.profile.incoming == Incoming::Linux && self.retransmissions == 0 {
            self.timers.set(cx, TimerKind::Retransmission, cx.now + SHORTEST_TIMEOUT);
        }
    }

    /// Whether a SYN,ACK echoes a time at which no SYN of this connection was sent.
    fn echoes_somebody_else(&self, cx: &Context<'_>, segment: &Segment) -> bool {
        let (Some(clock), Some((_, echo))) =
            (&self.agreement.timestamps, segment.options.timestamps())
        else {
            return false;
        };
        let early = clock.echoes_before(echo, self.waiting_since);
        let late = clock.round_trip(cx.now, echo).is_none();
        cx.profile.incoming == Incoming::Linux && echo != 0 && (early || late)
    }

    /// The SYNs crossed: a simultaneous open (MUST-10; §3.5, figure 7), or a connection to ourselves.
    fn cross(&mut self, cx: &mut Context<'_>, segment: &Segment, taken: &mut Taken) {
        self.transition(cx, TcpState::SynReceived, Cause::Syn);
        self.send_syn(cx, SendReason::New);
        self.arm_timers(cx);
        // "We could accept data and URG from this segment" (`tcp_rcv_synsent_state_process`).
        if cx.profile.incoming == Incoming::Table6 {
            self.hold_text_of_syn(segment, taken);
        }
    }

    /// "If there are other controls or text in the segment, queue them for processing after the
    /// ESTABLISHED state has been reached." No more than the window that was just offered.
    pub(in super::super) fn hold_text_of_syn(&mut self, segment: &Segment, taken: &mut Taken) {
        let room = self.receive.window() as usize;
        let text = segment.payload.slice(..segment.payload.len().min(room));
        let whole = text.len() == segment.payload.len();
        if !text.is_empty() {
            taken.text = self.receive.reassembly.insert(segment.seq, text).unwrap_or(0);
        }
        if whole && segment.has(Flags::FIN) {
            let fin = segment.seq + segment.payload.len() as u32;
            self.receive.fin = super::super::receive::PeerFin::At(fin);
        }
    }
}
