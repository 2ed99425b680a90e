//! Sixth: check the URG bit. Seventh: process the segment text. Eighth: check the FIN bit.

use bytes::Bytes;
use twomsl_wire::{Flags, Segment, SeqNum};

use super::super::Connection;
use super::super::acknowledging::Gap;
use super::super::negotiation::Use;
use super::super::receive::{Owed, PeerFin, Reading, Waiting};
use super::super::sack::Stretch;
use super::{Step, Taken, without_front};
use crate::event::{Cause, Readiness, TcpState, TimerKind};
use crate::mutation::Mutation;
use crate::outbox::Context;
use crate::profile::{DelayedAcks, FinAck, Incoming, Offer};
use crate::{Holder, Linger2, Profile, SocketError, Verdict, WhatIf};

impl Connection {
    /// Whether the peer may still send text in this state.
    fn takes_text(&self) -> bool {
        matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2)
    }

    /// RCV.UP <- max(RCV.UP, SEG.UP); the application hears of it once per stretch of urgent text.
    pub(super) fn take_urgent(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        if !self.takes_text() {
            return;
        }
        let pointer = segment.seq + u32::from(segment.urgent);
        let ahead = pointer.after(self.receive.read_position());
        let moved = self.receive.urgent.is_none_or(|known| pointer.after(known));
        if ahead && moved {
            // MUST-32: told when there was none before, and whenever the pointer advances.
            self.receive.urgent = Some(pointer);
            self.tell(cx, Readiness::Urgent);
        }
    }

    pub(super) fn take_text(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        text: Bytes,
        taken: &mut Taken,
    ) -> Step {
        if !self.takes_text() {
            taken.verdict = Verdict::AfterFin;
            if !segment.has(Flags::FIN) {
                self.answer_old_after_fin(cx, segment);
            }
            return Ok(());
        }
        if !cx.profile.is_bsd() && self.is_lost_on_the_application(segment, &text) {
            return Err(self.reset_for_lost_text(cx, segment));
        }
        let whole = (segment.seq, segment.seq + text.len() as u32);
        let edge = if cx.profile.is_bsd() {
            // What lies beyond was cut off already, and a FIN needs no room.
            self.receive.nxt + self.receive.taken_window() + 1
        } else {
            self.receive.edge
        };
        let (seq, text) = self.trim(cx.profile, segment, text, edge, taken);
        if whole.0.before(self.receive.nxt) {
            self.report_duplicate(cx.profile, whole);
        }
        if text.is_empty() {
            // Its FIN may be new all the same.
            if whole.1.at_or_before(self.receive.nxt) && !segment.has(Flags::FIN) {
                taken.verdict = Verdict::OldDuplicate;
            }
            self.owe_ack();
            self.acknowledge_quickly(cx.profile);
        } else if seq == self.receive.nxt || cx.profile.is_mutated(Mutation::GapIgnored) {
            self.take_in_order(cx, text, segment.flags, taken);
        } else {
            self.take_out_of_order(cx, seq, text, taken);
        }
        Ok(())
    }

    /// After the peer's FIN Linux still acknowledges what begins before RCV.NXT, and only that
    /// (`tcp_rcv_state_process`, step 7; `tcp_data_queue`).
    fn answer_old_after_fin(&mut self, cx: &Context<'_>, segment: &Segment) {
        let old = segment.seq.before(self.receive.nxt);
        if cx.profile.incoming == Incoming::Linux && old {
            self.report_duplicate(cx.profile, (segment.seq, segment.seq_end()));
            self.owe_ack();
            self.acknowledge_quickly(cx.profile);
        }
    }

    /// New text for somebody who will not read it: the application has closed (SHLD-3), or has
    /// shut down both directions.
    fn is_lost_on_the_application(&self, segment: &Segment, text: &Bytes) -> bool {
        let end = segment.seq + text.len() as u32;
        self.receive.reading == Reading::Shut
            && self.state != TcpState::Established
            && end.after(self.receive.nxt)
    }

    /// The reset has the number that the peer expects, as if there were no connection any more.
    fn reset_for_lost_text(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Verdict {
        let error = (self.holder == Holder::Application).then_some(SocketError::ConnectionReset);
        self.finish(cx, Cause::Abort, error);
        self.answer_with_reset(cx, segment);
        Verdict::TextAfterClose
    }

    /// Cuts off what lies outside the window, the FIN included, so that "the idealized segment"
    /// remains.
    fn trim(
        &self,
        profile: &Profile,
        segment: &mut Segment,
        text: Bytes,
        edge: SeqNum,
        taken: &mut Taken,
    ) -> (SeqNum, Bytes) {
        let old = self.receive.nxt.offset_from(segment.seq).max(0).cast_unsigned();
        let (mut seq, mut text) = (segment.seq, text);
        let end = seq + text.len() as u32;
        if old > 0 {
            seq += old.min(text.len() as u32);
            let old = old - u32::from(profile.is_mutated(Mutation::WindowEdge));
            text = without_front(text, old);
        }
        // How far the segment reaches beyond the right edge; a FIN takes one number, too.
        let fin = i32::from(segment.has(Flags::FIN));
        let beyond = end.offset_from(edge);
        if beyond + fin > 0 {
            text.truncate(text.len().saturating_sub(beyond.max(0).cast_unsigned() as usize));
            segment.flags -= Flags::FIN;
            taken.verdict = Verdict::Trimmed;
        }
        // The FIN of this segment stands after its text, wherever that was cut.
        segment.seq = end;
        (seq, text)
    }

    fn take_in_order(
        &mut self,
        cx: &mut Context<'_>,
        text: Bytes,
        flags: Flags,
        taken: &mut Taken,
    ) {
        taken.text = text.len() as u32;
        // MAY-13: what closes a gap is acknowledged at once (RFC 5681 §4.2).
        // A FIN that came before its text is all that a gap may be in front of.
        let waits = !self.receive.reassembly.is_empty() || self.receive.awaits_fin();
        let gap = if waits { Gap::Closed } else { Gap::None };
        self.receive.append(text);
        if cx.profile.is_bsd() {
            self.grow_by_half(cx.now, taken.text);
            if self.receive.reading == Reading::Shut {
                // `SBS_CANTRCVMORE`
                self.receive.discard();
            }
        }
        self.owe_for_text(cx, taken.text, flags, gap);
        self.wake_reader(cx);
    }

    fn take_out_of_order(&mut self, cx: &Context<'_>, seq: SeqNum, text: Bytes, taken: &mut Taken) {
        self.counters.rcv_ooopack += 1;
        // RFC 5681 §4.2: an immediate duplicate ACK.
        self.owe_ack();
        let stretch = (seq, seq + text.len() as u32);
        if self.agreement.sack == Use::Yes
            && cx.profile.dsack == Offer::Yes
            && let Some(known) = self.receive.reassembly.known_part(stretch)
        {
            self.receive.sack.report_duplicate(known);
        }
        match self.receive.reassembly.insert(seq, text) {
            Some(new) => {
                taken.text = new;
                taken.verdict = Verdict::OutOfOrder;
            }
            None => taken.verdict = Verdict::ReassemblyFull,
        }
        if self.agreement.sack == Use::Yes {
            self.receive.report(stretch, cx.profile);
        }
    }

    /// DSACK (RFC 2883 §4): the part of a segment that lies before RCV.NXT came twice. An old
    /// duplicate beyond it (PAWS) did not: `tcp_send_dupack` looks at where it begins, too.
    pub(in super::super) fn report_duplicate(&mut self, profile: &Profile, (left, right): Stretch) {
        let used = self.agreement.sack == Use::Yes && profile.dsack == Offer::Yes;
        if used && left.before(right) && left.before(self.receive.nxt) {
            let end = if right.before(self.receive.nxt) { right } else { self.receive.nxt };
            self.receive.sack.report_duplicate((left, end));
        }
    }

    pub(super) fn wake_reader(&mut self, cx: &mut Context<'_>) {
        if self.receive.waiting == Waiting::Yes {
            self.receive.waiting = Waiting::No;
            self.tell(cx, Readiness::Readable);
        }
    }

    /// The FIN, of this segment or one that waited for the text before it; then what it means
    /// together with the acknowledgment of ours.
    pub(super) fn take_fin(&mut self, cx: &mut Context<'_>, segment: &Segment, taken: &mut Taken) {
        if segment.has(Flags::FIN) && self.receive.fin == PeerFin::Taken {
            // A second FIN cannot be the peer's, but "send an acknowledgment for the FIN" says
            // where we stand; RCV.NXT stays.
            taken.verdict = Verdict::AfterFin;
            if cx.profile.incoming == Incoming::Linux {
                self.answer_old_after_fin(cx, segment);
            } else if !cx.profile.is_bsd() {
                self.owe_ack();
            }
        } else if segment.has(Flags::FIN) {
            // `trim` has moved SEG.SEQ behind the text.
            self.receive.fin = PeerFin::At(segment.seq);
            if cx.profile.is_mutated(Mutation::FinBeforeText) {
                self.receive.fin = PeerFin::At(self.receive.nxt);
            } else if segment.seq != self.receive.nxt {
                taken.verdict = Verdict::OutOfOrder;
                self.owe_ack();
                if self.agreement.sack == Use::Yes && !cx.profile.is_bsd() {
                    self.receive.report_fin(segment.seq);
                }
            }
        }
        if self.receive.take_fin() {
            if cx.profile.is_mutated(Mutation::FinNotCounted) {
                self.receive.nxt -= 1;
            }
            self.owe_for_fin(cx);
            self.on_peer_fin(cx);
        } else if self.state == TcpState::FinWait1 && self.send.fin_acknowledged() {
            self.transition(cx, TcpState::FinWait2, Cause::AckOfFin);
            if self.holder == Holder::Orphan && self.options.linger2 == Linger2::Never {
                // As if nobody were there (`tcp_rcv_state_process`: `linger2 < 0`).
                self.finish(cx, Cause::Abort, None);
                return self.answer_with_reset(cx, segment);
            }
            self.arm_fin_timeout(cx);
        }
    }

    /// "Advance RCV.NXT over the FIN, and send an acknowledgment for the FIN." Linux' `tcp_fin`
    /// lets it wait for what this side still has to say, if that may be something.
    fn owe_for_fin(&mut self, cx: &Context<'_>) {
        let may_wait = cx.profile.fin_ack == FinAck::MayWait;
        if !(may_wait && self.state == TcpState::Established && self.receive.owed < Owed::Now) {
            return self.owe_ack();
        }
        self.receive.owed = Owed::Delayed;
        // The peer has nothing more to send that quick acknowledgments would speed up.
        self.receive.acks.expect_answer();
    }

    fn on_peer_fin(&mut self, cx: &mut Context<'_>) {
        self.wake_reader(cx);
        self.tell(cx, Readiness::EndOfFile);
        match self.state {
            TcpState::Established => {
                self.transition(cx, TcpState::CloseWait, Cause::Fin);
                if cx.profile.what_ifs.has(WhatIf::NoHalfClose) {
                    self.end_writing(cx);
                }
            }
            // The FIN may also acknowledge ours: FIN-WAIT-2 is never seen then.
            TcpState::FinWait1 if self.send.fin_acknowledged() => {
                self.last_ack_to_peer(cx, Cause::FinAndAckOfFin);
            }
            TcpState::FinWait1 => self.transition(cx, TcpState::Closing, Cause::Fin),
            TcpState::FinWait2 => self.last_ack_to_peer(cx, Cause::Fin),
            _ => {}
        }
    }

    fn last_ack_to_peer(&mut self, cx: &mut Context<'_>, cause: Cause) {
        self.enter_time_wait(cx, cause);
        self.send_ack(cx, crate::SendReason::Ack);
    }

    /// Not in the RFC: an orphan whose peer never closes is forgotten (`tcp_fin_timeout`), or reset
    /// at once (`TCP_LINGER2`; "abort on linger" in `tcp_close` and `tcp_rcv_state_process`).
    pub(in super::super) fn arm_fin_timeout(&mut self, cx: &mut Context<'_>) {
        if cx.profile.is_bsd() {
            return self.arm_fin_timeout_of_bsd(cx);
        }
        if (self.state, self.holder) != (TcpState::FinWait2, Holder::Orphan) {
            return;
        }
        let wait = match self.options.linger2 {
            Linger2::Default => cx.profile.fin_timeout,
            Linger2::For(time) => Some(time),
            Linger2::Never => {
                self.finish(cx, Cause::Abort, None);
                return self.send_reset(cx);
            }
        };
        if let Some(wait) = wait {
            // `tcp_fin_time`: enough for the peer to send its FIN again.
            let adaptive = cx.profile.delayed_acks == DelayedAcks::Adaptive;
            let rto = if adaptive { self.rtt.timeout(cx.profile) } else { 0 };
            let least = rto.saturating_mul(4) - rto / 2;
            self.timers.set(cx, TimerKind::FinWait2, (cx.now + wait).max(cx.now.plus_nanos(least)));
        }
    }
}
