//! Tail loss probes (RFC 8985 §7): when the last segments of a flight are lost, nothing behind
//! them tells. So one more segment is sent before the retransmission timer would fire.

use twomsl_wire::SeqNum;

use super::super::Connection;
use super::{Method, News, Phase, Progress};
use crate::Profile;
use crate::event::{SendReason, TimerKind};
use crate::outbox::Context;
use crate::profile::{Offer, RtoFloor};
use crate::time::nanos;

/// A probe that was sent and not acknowledged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Probe {
    /// `TLP.end_seq`: SND.NXT when it was sent.
    end: SeqNum,
    content: Content,
}

/// What a probe carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Content {
    /// Text that was never sent.
    New,
    /// The last segment again (`TLP.is_retrans`).
    Copy,
}

/// What the probe waits beyond two round trips at least: Linux' `TCP_TIMEOUT_MIN_US`.
pub(super) const MARGIN: u64 = 2_000_000;

/// What a delayed acknowledgment of a single segment may take: Linux adds `tcp_rto_min`.
const fn least_timeout(profile: &Profile) -> u64 {
    match profile.rto_floor {
        RtoFloor::Variance(floor) => nanos(floor),
        RtoFloor::Total(_) | RtoFloor::Slop { .. } => 200_000_000,
    }
}

impl Connection {
    /// Starts the probe timer, when a probe may be sent (`TLP_calc_PTO`, §7.2); stops it else.
    pub(in super::super) fn arm_probe(&mut self, cx: &mut Context<'_>) {
        let allowed = cx.profile.tail_loss_probe == Offer::Yes
            && matches!(self.recovery.phase, Phase::Open | Phase::Reduction)
            && self.recovery.probe.is_none()
            && !self.send.is_idle()
            && !self.send.is_opening()
            && self.send.wnd > 0
            && self.send.board.sacked().segments == 0
            && self.method(cx.profile) == Method::Time;
        if !allowed {
            return self.timers.stop(cx, TimerKind::LossProbe);
        }
        let single = self.send.board.len() == 1;
        let wait = match self.rtt.smoothed {
            // TCP_TIMEOUT_INIT
            0 => nanos(cx.profile.rto_initial),
            smoothed => 2 * smoothed + if single { least_timeout(cx.profile) } else { MARGIN },
        };
        // Not later than the retransmission timer would fire: it may run since before this segment.
        let latest = self
            .timers
            .deadline(TimerKind::Retransmission)
            .unwrap_or_else(|| cx.now.plus_nanos(self.rtt.timeout(cx.profile)));
        self.timers.set(cx, TimerKind::LossProbe, cx.now.plus_nanos(wait).min(latest));
    }

    /// `TLP_send_probe` (§7.3): new text if there is some, else the last segment again.
    pub(in super::super) fn on_probe_timeout(&mut self, cx: &mut Context<'_>) {
        if self.send.is_idle() {
            return;
        }
        let content = if self.send_new_probe(cx) {
            Content::New
        } else {
            let Some(last) = self.send.board.len().checked_sub(1) else { return };
            if self.send.wnd == 0 || !self.send_again(cx, last, SendReason::LossProbe) {
                return;
            }
            Content::Copy
        };
        self.recovery.probe = Some(Probe { end: self.send.nxt, content });
        self.rtt.on_retransmit();
        // §7.3: the retransmission timer starts over, so that the probe can be answered before it.
        self.start_retransmission_timer(cx);
        self.arm_timers(cx);
    }

    /// One segment beyond the congestion window, if there is text and the peer has room.
    fn send_new_probe(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.send.nxt;
        self.send_one_beyond_window(cx, SendReason::New);
        self.send.nxt != before
    }

    /// `TLP_process_ack` (§7.4): if the probe repaired a loss nobody noticed, the window comes down
    /// as for any other.
    pub(super) fn judge_probe(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        let Some(probe) = self.recovery.probe else { return };
        if self.send.una.before(probe.end) {
            return;
        }
        // The original came, and then the probe: a D-SACK says so, or an acknowledgment that says
        // nothing else.
        let reported = progress.twice.is_some_and(|(_, end)| end == probe.end);
        if probe.content == Content::New || reported || progress.news != News::Some {
            self.recovery.probe = None;
        } else if self.send.una.after(probe.end) {
            // Neither came while something behind the probe did: the probe was a repair.
            self.recovery.probe = None;
            if self.recovery.phase == Phase::Open {
                self.begin_reduction(cx);
                self.end_reduction();
            }
        }
    }

    /// Probes say nothing once something else is going on.
    pub(super) fn forget_probe(&mut self) {
        self.recovery.probe = None;
    }
}
