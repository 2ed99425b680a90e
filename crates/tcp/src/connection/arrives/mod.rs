//! "Segment arrives" (RFC 9293 §3.10.7.3 and §3.10.7.4), split by its steps.
//!
//! A step that ends the processing of a segment returns its [`Verdict`] as `Err`.

mod ack;
mod defer_accept;
mod reset;
mod sequence;
mod syn_sent;
mod text;
mod timestamps;

pub(crate) use defer_accept::Deferred;

use bytes::Bytes;
use twomsl_wire::{Flags, Segment};

use super::ecn::FirstMark;
use super::negotiation::Use;
use super::{Connection, Owed};
use crate::event::{SynTaken, TcpState};
use crate::outbox::Context;
use crate::profile::DelayedAcks;
use crate::{SendReason, Verdict};

/// Whether processing goes on with the next step.
pub(super) type Step = Result<(), Verdict>;

/// What was taken of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) verdict: Verdict,
    /// Octets of text, in order or kept for later.
    pub(crate) text: u32,
    pub(crate) syn: SynTaken,
}

impl From<Verdict> for Taken {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, text: 0, syn: SynTaken::No }
    }
}

impl Connection {
    /// A segment for this connection arrives.
    pub(crate) fn segment_arrives(&mut self, cx: &mut Context<'_>, segment: &mut Segment) -> Taken {
        self.heard = cx.now;
        self.counters.on_arrival(segment);
        self.keepalive_probes = 0;
        self.arm_idle(cx);
        match self.state {
            TcpState::SynSent => self.arrives_in_syn_sent(cx, segment),
            TcpState::Closed | TcpState::Listen | TcpState::TimeWait => {
                unreachable!("the stack holds no connection in these states")
            }
            _ => self.arrives_in_other_states(cx, segment),
        }
    }

    /// RFC 9293 §3.10.7.4, in its order.
    fn arrives_in_other_states(&mut self, cx: &mut Context<'_>, segment: &mut Segment) -> Taken {
        let mut taken = Taken::from(Verdict::Accepted);
        let steps = if cx.profile.is_bsd() {
            self.process_as_bsd(cx, segment, &mut taken)
        } else {
            self.process(cx, segment, &mut taken)
        };
        if let Err(verdict) = steps {
            taken.verdict = verdict;
        }
        if self.may_transmit() {
            if cx.profile.is_bsd() {
                self.answer_as_duplicate(cx, taken.verdict);
            }
            self.transmit(cx);
            if self.send.low_water != u32::MAX {
                // What was sent now makes room below the low-water mark.
                self.wake_writer(cx);
            }
        } else if cx.profile.is_bsd() && self.origin().is_some() {
            self.answer_in_syn_received(cx);
        } else if self.receive.owed == Owed::Now && self.origin().is_some() {
            // SYN-RECEIVED with a closed window: what was left out is answered all the same.
            self.send_ack(cx, SendReason::DuplicateAck);
        }
        taken
    }

    fn process(&mut self, cx: &mut Context<'_>, segment: &mut Segment, taken: &mut Taken) -> Step {
        self.check_flags(cx, segment)?;
        self.check_syn_first(cx, segment)?;
        self.check_timestamps(cx, segment)?;
        self.check_sequence(cx, segment, taken)?;
        self.check_reset(cx, segment)?;
        self.check_syn(cx, segment)?;
        self.check_ack(cx, segment)?;
        if self.agreement.ecn == Use::Yes {
            self.take_mark(cx, segment);
        }
        let nxt = self.receive.nxt;
        let done = self.process_text(cx, segment, taken);
        self.counters.bytes_received += u64::from(self.receive.nxt.since(nxt));
        done
    }

    /// RFC 3168 §6.1.3. The first mark is acknowledged at once, since its sender may have little
    /// under way (Linux' `__tcp_ecn_check_ce`).
    fn take_mark(&mut self, cx: &Context<'_>, segment: &Segment) {
        if self.ecn.on_arrival(cx.mark, segment.flags) == FirstMark::Yes {
            self.acknowledge_mark(cx.profile);
        }
        let adaptive = cx.profile.delayed_acks == DelayedAcks::Adaptive;
        if adaptive && segment.has(Flags::CWR) && !segment.payload.is_empty() {
            // "Its cwnd may be very low, so we should ACK immediately" (`tcp_ecn_accept_cwr`).
            self.owe_ack();
        }
    }

    /// Steps six to eight: URG, text, FIN.
    pub(super) fn process_text(
        &mut self,
        cx: &mut Context<'_>,
        segment: &mut Segment,
        taken: &mut Taken,
    ) -> Step {
        if segment.has(Flags::URG) {
            self.take_urgent(cx, segment);
        }
        if !segment.payload.is_empty() {
            let payload = core::mem::take(&mut segment.payload);
            self.take_text(cx, segment, payload, taken)?;
        }
        self.take_fin(cx, segment, taken);
        Ok(())
    }

    /// RFC 5961: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless the limits are used up.
    pub(super) fn challenge(&mut self, cx: &mut Context<'_>, verdict: Verdict) -> Verdict {
        if cx.now < self.next_challenge || !cx.challenges.take(cx.now, cx.profile) {
            return Verdict::ChallengeLimited;
        }
        self.next_challenge = cx.now + cx.profile.challenge_spacing;
        self.send_ack(cx, SendReason::ChallengeAck);
        verdict
    }
}

/// Text of a segment without its first `cut` octets.
pub(super) fn without_front(mut text: Bytes, cut: u32) -> Bytes {
    let _ = text.split_to((cut as usize).min(text.len()));
    text
}
