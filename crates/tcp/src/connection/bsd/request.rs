//! A connection in the SYN cache (`tcp_syncache.c`): SYN-RECEIVED from LISTEN. It knows its SYN, its
//! SYN,ACK and nothing else; text and FIN of the SYN are not kept.

use twomsl_wire::{Flags, Segment};

use crate::Verdict;
use crate::connection::Connection;
use crate::connection::arrives::Step;
use crate::event::{Cause, SendReason, TimerKind};
use crate::outbox::Context;

impl Connection {
    /// Goes on with an ACK of the SYN,ACK alone.
    pub(super) fn arrives_for_request(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
    ) -> Step {
        if segment.has(Flags::RST) {
            return Err(self.reset_request(cx, segment));
        }
        match (segment.has(Flags::SYN), segment.has(Flags::ACK)) {
            (false, true) => self.expand_request(cx, segment),
            (false, false) => Err(Verdict::ListenNothing),
            (true, false) => Err(self.answer_syn_again(cx, segment)),
            // `syncache_badack`
            (true, true) => {
                self.answer_with_reset(cx, segment);
                self.back_to_listen(cx, Cause::Syn);
                Err(Verdict::SynReceivedBadAck)
            }
        }
    }

    /// `syncache_chkrst`. What resets a SYN,ACK acknowledges nothing (RFC 9293 §3.10.7.1): anything
    /// else "is spurious".
    fn reset_request(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Verdict {
        if segment.flags.intersects(Flags::ACK | Flags::SYN | Flags::FIN) {
            return Verdict::SpuriousRst;
        }
        let (next, window) = (self.receive.nxt, self.receive.window());
        if !segment.seq.is_within(next, window) && segment.seq != next {
            return Verdict::OutsideWindowRst;
        }
        let believed = cx.profile.bsd.insecure_rst.is_on() || !cx.profile.challenges();
        if segment.seq != next && !believed {
            return self.challenge(cx, Verdict::RstChallenged);
        }
        self.back_to_listen(cx, Cause::Rst);
        Verdict::Accepted
    }

    /// `syncache_add` for one that is there: any SYN gets the same answer, with its own timestamp.
    fn answer_syn_again(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Verdict {
        match (segment.options.timestamps(), &mut self.agreement.timestamps) {
            (Some((value, _)), Some(own)) => own.begin(cx.now, value),
            _ => self.agreement.timestamps = None,
        }
        if !segment.has(Flags::ECE | Flags::CWR) {
            self.agreement.ecn = crate::connection::negotiation::Use::No;
        }
        self.retransmissions = 0;
        self.rtt.forget_syn();
        self.send_syn(cx, SendReason::SynAgain);
        self.timers.stop(cx, TimerKind::Retransmission);
        self.arm_timers(cx);
        Verdict::SynAgain
    }

    /// `syncache_expand`: what is wrong about the number of the segment is answered with an ACK,
    /// what is wrong about its acknowledgment with a reset.
    fn expand_request(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        self.check_missing_timestamps(cx.profile, segment)?;
        let times = self.agreement.timestamps.as_ref().zip(segment.options.timestamps());
        if times.is_some_and(|(own, (value, _))| own.is_old(cx.now, value)) && cx.profile.has_paws()
        {
            return Err(Verdict::OldTimestamp);
        }
        if segment.ack != self.send.iss + 1 {
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynReceivedBadAck);
        }
        let offset = segment.seq.offset_from(self.receive.irs);
        if offset <= 0 || offset.cast_unsigned() > self.receive.window() {
            return Err(self.challenge(cx, Verdict::OutsideWindow));
        }
        Ok(())
    }
}
