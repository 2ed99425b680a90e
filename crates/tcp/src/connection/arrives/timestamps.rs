//! The timestamps of a segment (RFC 7323 §5.3), before its sequence number is looked at.

use twomsl_wire::{Flags, Segment};

use super::super::Connection;
use super::Step;
use crate::outbox::Context;
use crate::profile::MissingTimestamps;
use crate::{SendReason, Verdict};

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
        if timestamps.is_old(cx.now, value) && cx.profile.has_paws() {
            self.report_duplicate((segment.seq, segment.seq_end()));
            self.send_ack(cx, SendReason::DuplicateAck);
            return Err(Verdict::OldTimestamp);
        }
        // R3, and §4.3: only what begins at or before the last acknowledgment sent, so that
        // delayed acknowledgments do not make round trips look shorter. What is not acceptable
        // otherwise must not be echoed: its text has to reach Last.ACK.sent.
        let last_ack = self.receive.acknowledged;
        if segment.seq.at_or_before(last_ack) && segment.seq_end().at_or_after(last_ack) {
            timestamps.take(cx.now, value);
        }
        Ok(())
    }
}
