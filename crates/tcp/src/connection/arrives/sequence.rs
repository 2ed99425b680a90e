//! First: check the sequence number.

use twomsl_wire::{Flags, Segment};

use super::super::{Connection, Origin};
use super::{Step, Taken};
use crate::event::{TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::Incoming;
use crate::{SendReason, Verdict, WhatIf};

impl Connection {
    /// Linux drops what has none of ACK, RST and SYN before it looks at anything else
    /// (`tcp_rcv_established`, `tcp_rcv_state_process`), unless it has no full socket for it.
    pub(super) fn check_flags(&self, cx: &Context<'_>, segment: &Segment) -> Step {
        let none = !segment.flags.intersects(Flags::ACK | Flags::RST | Flags::SYN);
        let full = !self.is_half_open() && !self.is_left_to_time_wait(cx);
        if none && cx.profile.incoming == Incoming::Linux && full {
            return Err(Verdict::NoAck);
        }
        Ok(())
    }

    /// A SYN is looked at before its sequence number: it may be the same one again, the other
    /// half of a simultaneous open, or, on a synchronized connection, something to challenge
    /// "irrespective of the sequence number" (RFC 5961 §4.2).
    pub(super) fn check_syn_first(&mut self, cx: &mut Context<'_>, segment: &mut Segment) -> Step {
        if !segment.has(Flags::SYN) || segment.has(Flags::RST) {
            return Ok(());
        }
        if let Some(origin) = self.origin() {
            return self.syn_in_syn_received(cx, segment, origin);
        }
        if cx.profile.challenges() && !self.is_left_to_time_wait(cx) {
            return Err(self.challenge(cx, Verdict::SynChallenged));
        }
        Ok(())
    }

    fn syn_in_syn_received(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        origin: Origin,
    ) -> Step {
        if segment.seq != self.receive.irs {
            return Ok(());
        }
        if segment.has(Flags::ACK) && cx.profile.incoming == Incoming::Linux && self.is_half_open()
        {
            // `tcp_check_req` looks at the acknowledgment, and then finds it outside of the window.
            if segment.ack == self.send.nxt {
                return Ok(());
            }
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynReceivedBadAck);
        }
        if segment.has(Flags::ACK) {
            // Simultaneous open (§3.5, figure 7): the peer's SYN,ACK repeats the SYN we know.
            // What follows the SYN begins at RCV.NXT.
            cx.unscaled = Some(u32::from(segment.window));
            segment.flags -= Flags::SYN | Flags::ECE | Flags::CWR;
            segment.seq += 1;
            if cx.profile.incoming == Incoming::Linux && origin == Origin::Active {
                // For `tcp_data_queue` the SYN is something that came twice.
                let irs = self.receive.irs;
                self.report_duplicate(cx.profile, (irs, irs + 1));
                self.owe_ack();
            }
            return Ok(());
        }
        if origin != Origin::Active {
            if !self.may_answer(cx, segment) {
                return Err(Verdict::ChallengeLimited);
            }
            // Our SYN,ACK was lost, or is late. The same SYN gets the same answer.
            // Its timer starts over, or both ends would repeat themselves at the same moment.
            self.send_syn(cx, SendReason::SynAgain);
            self.timers.stop(cx, TimerKind::Retransmission);
            self.arm_timers(cx);
            return Err(Verdict::SynAgain);
        }
        Ok(())
    }

    /// The four cases of table 6, and what is done about a segment that fails them.
    pub(super) fn check_sequence(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        taken: &mut Taken,
    ) -> Step {
        let acceptable = match cx.profile.incoming {
            Incoming::Linux if self.origin().is_none() => self.is_acceptable_to_linux(segment),
            _ => self.is_acceptable(segment),
        };
        if acceptable {
            return Ok(());
        }
        if cx.profile.what_ifs.has(WhatIf::AcceptOutsideWindow) && says_something(segment) {
            segment.seq = self.receive.nxt;
            return Ok(());
        }
        if segment.has(Flags::RST) {
            return Err(Verdict::OutsideWindowRst);
        }
        let at_the_edge = self.receive.window() == 0 && segment.seq == self.receive.nxt;
        if at_the_edge && !segment.has(Flags::SYN) {
            // "If the RCV.WND is zero, no segments will be acceptable, but special allowance
            // should be made to accept valid ACKs, URGs, and RSTs." The text is left out, and
            // answered like any unacceptable segment: this is how window probes are answered. RST and
            // URG go on to their steps (MUST-66).
            segment.payload.clear();
            segment.flags -= Flags::FIN;
            taken.verdict = Verdict::OutsideWindow;
            self.owe_ack();
            self.acknowledge_quickly(cx.profile);
            return Ok(());
        }
        // RFC 2883 §4.1: the whole of it came twice.
        self.report_duplicate(cx.profile, (segment.seq, segment.seq_end()));
        if segment.seq_len() > 0 && segment.seq.before(self.receive.nxt) {
            // `tcp_send_dupack`: what comes twice was not acknowledged in time.
            self.acknowledge_quickly(cx.profile);
        }
        if !self.may_answer(cx, segment) {
            return Err(Verdict::ChallengeLimited);
        }
        self.send_ack(cx, SendReason::DuplicateAck);
        let old = segment.seq_end().at_or_before(self.receive.nxt);
        Err(if old { Verdict::OldDuplicate } else { Verdict::OutsideWindow })
    }

    /// Linux answers what has no text only so often, or two stacks could go on for ever
    /// (`tcp_oow_rate_limited`).
    pub(super) fn may_answer(&mut self, cx: &Context<'_>, segment: &Segment) -> bool {
        let has_text = segment.seq_len() > 0 && !segment.has(Flags::SYN);
        if cx.profile.incoming == Incoming::Table6 || has_text {
            return true;
        }
        let may = cx.now >= self.next_challenge;
        if may {
            self.next_challenge = cx.now + cx.profile.challenge_spacing;
        }
        may
    }

    /// `tcp_sequence`: what ends before the last acknowledgment is old, what begins beyond the edge
    /// of the window is not for us. A closed window takes no text.
    fn is_acceptable_to_linux(&self, segment: &Segment) -> bool {
        let receive = &self.receive;
        let text = !segment.payload.is_empty() || segment.has(Flags::FIN);
        let closed = receive.window() == 0 && text && !segment.seq.before(receive.nxt);
        let known_end = segment.has(Flags::RST) && self.is_reset_behind_fin(segment);
        let within =
            !segment.seq_end().before(receive.acknowledged) && !segment.seq.after(receive.edge);
        known_end || (within && !closed)
    }

    /// A peer that has sent its FIN may reset with the number of the FIN (`tcp_reset_check`).
    pub(super) fn is_reset_behind_fin(&self, segment: &Segment) -> bool {
        let over =
            matches!(self.state, TcpState::CloseWait | TcpState::LastAck | TcpState::Closing);
        over && segment.seq + 1 == self.receive.nxt
    }

    /// RFC 9293 §3.10.7.4, table 6.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let (nxt, window, length) = (self.receive.nxt, self.receive.window(), segment.seq_len());
        match (length, window) {
            (0, 0) => segment.seq == nxt,
            (0, _) => segment.seq.is_within(nxt, window),
            (_, 0) => false,
            _ => {
                segment.seq.is_within(nxt, window) || (segment.seq_end() - 1).is_within(nxt, window)
            }
        }
    }
}

/// Whether a segment is more than an acknowledgment. Those, probes among them, are answered as ever.
fn says_something(segment: &Segment) -> bool {
    segment.seq_len() > 0 || segment.has(Flags::RST)
}
