//! "Segment arrives" as FreeBSD has it (`tcp_do_segment`): what lies outside the window is cut off,
//! and what is left of the segment, its acknowledgment above all, still counts.

use twomsl_wire::{Flags, Segment, SeqNum};

use crate::connection::arrives::{Step, Taken, without_front};
use crate::connection::negotiation::Use;
use crate::connection::receive::Owed;
use crate::connection::{Connection, Origin};
use crate::event::{Cause, TcpState};
use crate::outbox::Context;
use crate::profile::{MissingTimestamps, Profile, Switch};
use crate::{Holder, SendReason, SocketError, Verdict, WhatIf};

/// Whether segments of a kind are believed without proof (RFC 793).
fn trusts(profile: &Profile, switch: Switch) -> bool {
    switch.is_on() || !profile.challenges()
}

impl Connection {
    pub(in crate::connection) fn process_as_bsd(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        taken: &mut Taken,
    ) -> Step {
        if segment.has(Flags::SYN | Flags::FIN) && cx.profile.bsd.drop_synfin.is_on() {
            return Err(Verdict::SynFinDropped);
        }
        if self.is_half_open() {
            self.arrives_for_request(cx, segment)?;
        }
        self.check_missing_timestamps(cx.profile, segment)?;
        if self.state == TcpState::SynReceived && !segment.has(Flags::RST) {
            self.check_ack_of_syn(cx, segment)?;
        }
        if segment.has(Flags::RST) {
            return Err(self.take_reset(cx, segment));
        }
        if segment.has(Flags::SYN) && self.state != TcpState::SynReceived {
            return Err(self.refuse_syn(cx, segment));
        }
        self.check_age(cx, segment)?;
        if cx.profile.what_ifs.has(WhatIf::AcceptOutsideWindow) && segment.seq_len() > 0 {
            segment.seq = self.receive.nxt;
        }
        if self.state == TcpState::SynReceived && segment.seq.before(self.receive.irs) {
            self.reset_sender(cx, segment);
            return Err(Verdict::OldDuplicate);
        }
        self.cut_what_came_before(cx, segment, taken);
        self.check_reader(cx, segment)?;
        self.cut_what_is_beyond(segment, taken)?;
        self.note_timestamp(cx, segment);
        self.take_acknowledgment(cx, segment)?;
        if self.agreement.ecn == Use::Yes {
            self.ecn.on_arrival(cx.mark, segment.flags);
            if segment.has(Flags::CWR) {
                // `tcp_ecn_input_segment`: what confirms is acknowledged at once, the mark is not.
                self.owe_ack();
            }
        }
        let nxt = self.receive.nxt;
        let done = self.process_text(cx, segment, taken);
        self.counters.bytes_received += u64::from(self.receive.nxt.since(nxt));
        done
    }

    /// Without the timestamps that were agreed on a segment is dropped, but a RST is not.
    pub(super) fn check_missing_timestamps(&self, profile: &Profile, segment: &Segment) -> Step {
        let strict = profile.missing_timestamps == MissingTimestamps::Dropped;
        let missing = self.agreement.timestamps.is_some() && segment.options.timestamps().is_none();
        if missing && strict && !segment.has(Flags::RST) {
            return Err(Verdict::NoTimestamps);
        }
        Ok(())
    }

    /// An ACK of anything but our SYN is reset, whatever its number.
    fn check_ack_of_syn(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        let good = segment.ack.after(self.send.una) && segment.ack.at_or_before(self.send.nxt);
        if segment.has(Flags::ACK) && !good {
            self.reset_sender(cx, segment);
            return Err(Verdict::SynReceivedBadAck);
        }
        Ok(())
    }

    /// RFC 5961 §3.2, measured from the last acknowledgment sent (`last_ack_sent`): the peer cannot
    /// know of one that waits.
    fn take_reset(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Verdict {
        let (last, window) = (self.receive.acknowledged, self.receive.taken_window());
        let exact = segment.seq == last;
        if !(exact || segment.seq.is_within(last, window)) {
            return Verdict::OutsideWindowRst;
        }
        if !exact && !trusts(cx.profile, cx.profile.bsd.insecure_rst) {
            return self.challenge(cx, Verdict::RstChallenged);
        }
        let error = match self.state {
            TcpState::SynReceived => SocketError::ConnectionRefused,
            _ => SocketError::ConnectionReset,
        };
        self.finish(cx, Cause::Rst, Some(error));
        Verdict::Accepted
    }

    /// RFC 5961 §4.2.
    fn refuse_syn(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Verdict {
        let within = segment.seq.is_within(self.receive.acknowledged, self.receive.taken_window());
        if !within || !trusts(cx.profile, cx.profile.bsd.insecure_syn) {
            return self.challenge(cx, Verdict::SynChallenged);
        }
        self.finish(cx, Cause::Syn, Some(SocketError::ConnectionReset));
        self.send_reset(cx);
        Verdict::SynReset
    }

    /// PAWS: only text is worth an answer.
    fn check_age(&mut self, cx: &Context<'_>, segment: &Segment) -> Step {
        let times = self.agreement.timestamps.as_ref().zip(segment.options.timestamps());
        let old = times.is_some_and(|(own, (value, _))| own.is_old(cx.now, value));
        if !old || !cx.profile.has_paws() {
            return Ok(());
        }
        if !segment.payload.is_empty() {
            self.owe_ack();
        }
        Err(Verdict::OldTimestamp)
    }

    /// What lies before RCV.NXT goes, and is acknowledged again.
    fn cut_what_came_before(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        taken: &mut Taken,
    ) {
        let mut before = self.receive.nxt.offset_from(segment.seq);
        if before <= 0 {
            return;
        }
        if segment.has(Flags::SYN) {
            cx.unscaled = Some(u32::from(segment.window));
            segment.flags -= Flags::SYN | Flags::ECE | Flags::CWR;
            segment.seq += 1;
            before -= 1;
        }
        let length = (segment.payload.len() as u32).cast_signed();
        if before > length || (before == length && !segment.has(Flags::FIN)) {
            // Its FIN, if there is one, was taken before.
            segment.flags -= Flags::FIN;
            before = length;
            taken.verdict = Verdict::OldDuplicate;
            self.owe_ack();
        }
        if before > 0 {
            let octets = before.cast_unsigned();
            self.report_duplicate(cx.profile, (segment.seq, segment.seq + octets));
            if self.agreement.sack == Use::Yes {
                // The D-SACK would be gone with the next segment in order.
                self.owe_ack();
            }
            segment.payload = without_front(core::mem::take(&mut segment.payload), octets);
            segment.seq += octets;
        }
    }

    /// Text for a connection that nobody holds any more is reset.
    fn check_reader(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        let gone = self.holder == Holder::Orphan
            && !matches!(
                self.state,
                TcpState::SynReceived | TcpState::Established | TcpState::CloseWait
            );
        if gone && !segment.payload.is_empty() {
            self.finish(cx, Cause::Abort, None);
            self.answer_with_reset(cx, segment);
            return Err(Verdict::TextAfterClose);
        }
        Ok(())
    }

    /// What lies beyond the window goes. A FIN needs no room.
    fn cut_what_is_beyond(&mut self, segment: &mut Segment, taken: &mut Taken) -> Step {
        let length = segment.payload.len() as u32;
        let edge = self.receive.nxt + self.receive.taken_window();
        let beyond = (segment.seq + length).offset_from(edge);
        if beyond <= 0 {
            return Ok(());
        }
        let beyond = beyond.cast_unsigned();
        if beyond >= length {
            let probe = self.receive.taken_window() == 0 && segment.seq == self.receive.nxt;
            self.owe_ack();
            taken.verdict = Verdict::OutsideWindow;
            if !probe {
                return Err(Verdict::OutsideWindow);
            }
        } else {
            taken.verdict = Verdict::Trimmed;
        }
        segment.payload.truncate(length.saturating_sub(beyond) as usize);
        segment.flags -= Flags::PSH | Flags::FIN;
        Ok(())
    }

    fn note_timestamp(&mut self, cx: &Context<'_>, segment: &Segment) {
        let last = self.receive.acknowledged;
        let end = segment.seq_end();
        if let Some(own) = &mut self.agreement.timestamps
            && let Some((value, _)) = segment.options.timestamps()
            && segment.seq.at_or_before(last)
            && last.at_or_before(end)
        {
            own.take(cx.now, value);
        }
    }

    fn take_acknowledgment(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if !segment.has(Flags::ACK) {
            return Err(Verdict::NoAck);
        }
        if !trusts(cx.profile, cx.profile.bsd.insecure_ack)
            && segment.ack.before(self.oldest_acknowledgment())
        {
            return Err(self.challenge(cx, Verdict::AckTooOld));
        }
        if let Some(origin) = self.origin() {
            if matches!(origin, Origin::Passive { .. }) {
                self.check_accept_queue(cx, segment)?;
            }
            self.send.set_window(segment.seq - 1, segment.ack, self.window_of(cx, segment));
            self.establish(cx, Cause::AckOfSyn);
        }
        if segment.ack.after(self.send.nxt) {
            self.owe_ack();
            return Err(Verdict::AckOfUnsent);
        }
        self.take_ack_in_its_state(cx, segment)
    }

    /// RFC 5961 §5.2, and "ghost" acknowledgments of what was before our SYN.
    fn oldest_acknowledgment(&self) -> SeqNum {
        let send = &self.send;
        let oldest = send.una - send.max_wnd;
        let young = send.una.since(send.iss) < 65_535 << self.agreement.send_scale.shift();
        if young && (send.iss + 1).after(oldest) { send.iss + 1 } else { oldest }
    }

    /// `tcp_dropwithreset`: the reset has the timestamps that were agreed on.
    pub(super) fn reset_sender(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let mut reset = segment.answering_reset();
        if let Some(timestamps) = &self.agreement.timestamps {
            let (value, echo) = timestamps.stamp(cx.now);
            reset.options = twomsl_wire::Options::with_timestamps(value, echo);
        }
        let packet = cx.out.transmit(&self.tuple, reset, Some(cx.socket), SendReason::Reset);
        self.options.ip_fields().write(packet);
    }

    /// What was of no use is acknowledged with a reason of its own, if nothing else is to be sent.
    pub(in crate::connection) fn answer_as_duplicate(
        &mut self,
        cx: &mut Context<'_>,
        verdict: Verdict,
    ) {
        let useless = matches!(
            verdict,
            Verdict::OldDuplicate
                | Verdict::OldTimestamp
                | Verdict::OutsideWindow
                | Verdict::AckOfUnsent
        );
        if useless && self.receive.owed == Owed::Now && !self.send.has_more() {
            self.send_ack(cx, SendReason::DuplicateAck);
        }
    }

    /// A segment was dealt with before the handshake is over: what is owed is the SYN,ACK.
    pub(in crate::connection) fn answer_in_syn_received(&mut self, cx: &mut Context<'_>) {
        if self.receive.owed == Owed::Now {
            self.send_syn(cx, SendReason::SynAgain);
            self.timers.stop(cx, crate::event::TimerKind::Retransmission);
            self.arm_timers(cx);
        }
    }
}
