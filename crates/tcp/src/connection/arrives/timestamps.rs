//! The timestamps of a segment (RFC 7323 §5.3), before its sequence number is looked at.

use twomsl_wire::{Flags, Segment};

use super::super::Connection;
use super::Step;
use crate::outbox::Context;
use crate::profile::{Incoming, MissingTimestamps};
use crate::{SendReason, Verdict};

/// `TCP_PAWS_WINDOW`: by so many ticks a segment may be too old.
const PAWS_WINDOW: u32 = 1;

impl Connection {
    /// R1: what was sent before the latest we have heard is an old duplicate, even if its sequence
    /// number has come round into the window again. Resets are not held to it (§5.2).
    #[inline]
    pub(super) fn check_timestamps(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if self.agreement.timestamps.is_none() || segment.has(Flags::RST) {
            return Ok(());
        }
        self.check_time(cx, segment)
    }

    fn check_time(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        let Some(timestamps) = &mut self.agreement.timestamps else { return Ok(()) };
        let Some((value, _)) = segment.options.timestamps() else {
            return match cx.profile.missing_timestamps {
                MissingTimestamps::Dropped => Err(Verdict::NoTimestamps),
                MissingTimestamps::Tolerated => Ok(()),
            };
        };
        let tolerance = match cx.profile.incoming {
            Incoming::Table6 => 0,
            Incoming::Linux => PAWS_WINDOW,
        };
        let old = timestamps.is_older(cx.now, value, tolerance) && cx.profile.has_paws();
        if old && !self.is_disordered(cx, segment, value) {
            self.report_duplicate(cx.profile, (segment.seq, segment.seq_end()));
            if !self.may_answer(cx, segment) {
                return Err(Verdict::ChallengeLimited);
            }
            self.send_ack(cx, SendReason::DuplicateAck);
            return Err(Verdict::OldTimestamp);
        }
        let Some(timestamps) = &mut self.agreement.timestamps else { return Ok(()) };
        // R3, and §4.3: only what begins at or before the last acknowledgment sent, so that
        // delayed acknowledgments do not make round trips look shorter. What is not acceptable
        // otherwise must not be echoed: its text has to reach Last.ACK.sent.
        let last_ack = self.receive.acknowledged;
        if segment.seq.at_or_before(last_ack) && segment.seq_end().at_or_after(last_ack) {
            timestamps.take(cx.now, value);
        }
        Ok(())
    }

    /// A bare acknowledgment that says nothing new may have been overtaken, within a timeout
    /// (`tcp_disordered_ack`).
    fn is_disordered(&self, cx: &Context<'_>, segment: &Segment, value: u32) -> bool {
        let Some(timestamps) = &self.agreement.timestamps else { return false };
        let millis = (self.rtt.timeout(cx.profile) / 1_000_000).min(u64::from(u32::MAX)) as u32;
        cx.profile.incoming == Incoming::Linux
            && segment.has(Flags::ACK)
            && segment.seq_len() == 0
            && segment.seq == self.receive.nxt
            && segment.ack == self.send.una
            && !timestamps.is_older(cx.now, value, millis)
    }
}
