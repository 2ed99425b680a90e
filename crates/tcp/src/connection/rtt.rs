//! The round-trip time and the retransmission timeout (RFC 6298).

use core::time::Duration;

use twomsl_wire::SeqNum;

use crate::Instant;
use crate::profile::{Profile, RtoFloor, RttEstimator};
use crate::time::nanos;

/// What every timer that is set again when it fires waits at least, whatever a profile says: time
/// must pass between two timeouts, or they would never end.
pub(super) const LEAST_WAIT: Duration = Duration::from_millis(1);

/// For how long the shortest round trip counts, in nanoseconds (`tcp_min_rtt_wlen`).
const SHORTEST_VALID: u64 = 300_000_000_000;

/// After more timeouts FreeBSD's `tcp_xmit_timer` begins anew: `TCP_RTT_INVALIDATE`.
const INVALIDATED: u32 = 3;

/// No octet is timed.
const NOTHING: (SeqNum, Instant) = (SeqNum::new(0), Instant::MAX);

/// SRTT, RTTVAR and RTO, in nanoseconds (MUST-18).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoundTrip {
    /// SRTT; zero before the first sample.
    pub(crate) smoothed: u64,
    /// RTTVAR.
    pub(crate) variation: u64,
    rto: u64,
    /// How often the timeout was doubled (RFC 6298 §5.5).
    backoff: u32,
    /// The octet that is timed, by the number after it, and when it was sent. One at a time, and
    /// none that was sent twice: Karn's algorithm (RFC 6298 §3).
    /// The moment is `Instant::MAX` while none is timed.
    timed: (SeqNum, Instant),
    /// The shortest round trip, and when it was seen.
    shortest: (u64, Instant),
    deviation: Deviation,
}

/// What Linux knows beside RTTVAR: the mean deviation, its maximum in this round trip, and where
/// that ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Deviation {
    mean: u64,
    most: u64,
    round_end: SeqNum,
}

/// What an acknowledgment may tell of the round-trip time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Samples {
    /// Of the oldest segment that it acknowledges or SACKs, all of them sent once only.
    pub(crate) sent: Option<u64>,
    /// By the timestamp it echoes.
    pub(crate) echo: Option<u64>,
}

impl RoundTrip {
    pub(crate) fn new(profile: &Profile) -> Self {
        Self {
            smoothed: 0,
            variation: 0,
            rto: nanos(profile.rto_initial),
            backoff: 0,
            timed: NOTHING,
            shortest: (u64::MAX, Instant::ZERO),
            deviation: Deviation::default(),
        }
    }

    /// New octets up to `end` are sent.
    #[inline]
    pub(crate) fn on_send(&mut self, end: SeqNum, now: Instant) {
        if self.timed == NOTHING {
            self.timed = (end, now);
        }
    }

    /// Something is sent again: its acknowledgment would say nothing about time.
    pub(crate) fn on_retransmit(&mut self) {
        self.timed = NOTHING;
    }

    /// The shortest round trip lately; zero before the first.
    pub(crate) const fn shortest(&self) -> u64 {
        if self.shortest.0 == u64::MAX { 0 } else { self.shortest.0 }
    }

    /// New octets up to `una` are acknowledged; `nxt` is SND.NXT. Only a sample ends the back-off:
    /// this is the other half of Karn's algorithm (RFC 6298 §5, note after 5.7; Linux'
    /// `tcp_ack_update_rtt`). The sample is returned, in nanoseconds.
    ///
    /// What was sent again gives a sample only by its timestamp, whose echo tells which of the
    /// copies arrived (RFC 7323 §4.1).
    #[inline]
    pub(crate) fn on_ack(
        &mut self,
        (una, nxt): (SeqNum, SeqNum),
        now: Instant,
        samples: Samples,
        profile: &Profile,
    ) -> Option<u64> {
        let sample = match profile.rtt_estimator {
            RttEstimator::OnePerRoundTrip => self.timed_sample(una, now, samples)?,
            RttEstimator::EveryEcho => match samples.echo {
                Some(echo) => echo,
                None => self.timed_sample(una, now, samples)?,
            },
            RttEstimator::EveryAck => samples.sent.or(samples.echo)?,
        };
        let sample = sample.max(1);
        if profile.is_bsd() && self.backoff > INVALIDATED {
            self.smoothed = 0;
        }
        self.backoff = 0;
        if sample <= self.shortest.0 || now.nanos_since(self.shortest.1) > SHORTEST_VALID {
            self.shortest = (sample, now);
        }
        match profile.rtt_estimator {
            RttEstimator::OnePerRoundTrip | RttEstimator::EveryEcho => self.smooth(sample),
            RttEstimator::EveryAck => self.smooth_often(sample, una, nxt, profile),
        }
        let spread = match profile.rtt_estimator {
            RttEstimator::OnePerRoundTrip | RttEstimator::EveryEcho => 4 * self.variation,
            // It is four times the variation already.
            RttEstimator::EveryAck => self.variation,
        };
        self.rto = match profile.rto_floor {
            RtoFloor::Total(floor) => (self.smoothed + spread).max(nanos(floor)),
            RtoFloor::Variance(floor) => self.smoothed + spread.max(nanos(floor)),
            RtoFloor::Slop { least, .. } => (self.smoothed + spread).max(nanos(least)),
        };
        Some(sample)
    }

    fn timed_sample(&mut self, una: SeqNum, now: Instant, samples: Samples) -> Option<u64> {
        match self.timed {
            NOTHING => samples.echo,
            (end, sent) if una.at_or_after(end) => {
                self.timed = NOTHING;
                Some(now.nanos_since(sent))
            }
            _ => None,
        }
    }

    /// RFC 6298 §2.2 and §2.3, in integers: alpha is 1/8, beta is 1/4.
    fn smooth(&mut self, rtt: u64) {
        if self.smoothed == 0 {
            self.smoothed = rtt;
            self.variation = rtt / 2;
        } else {
            let error = self.smoothed.abs_diff(rtt);
            self.variation = self.variation - self.variation / 4 + error / 4;
            self.smoothed = self.smoothed - self.smoothed / 8 + rtt / 8;
        }
    }

    /// With a sample per acknowledgment RFC 6298 would forget too fast. So the variation is four
    /// times the largest mean deviation of the last round trip, goes up at once, and comes down
    /// by a quarter of the difference per round trip. A sample that is shorter than expected by
    /// more than the deviation counts for an eighth, since shorter round trips are no reason to
    /// wait longer.
    fn smooth_often(&mut self, rtt: u64, una: SeqNum, nxt: SeqNum, profile: &Profile) {
        let floor = match profile.rto_floor {
            RtoFloor::Variance(floor) => nanos(floor),
            RtoFloor::Total(_) | RtoFloor::Slop { .. } => 0,
        };
        let state = &mut self.deviation;
        if self.smoothed == 0 {
            self.smoothed = rtt;
            state.mean = 2 * rtt;
            self.variation = state.mean.max(floor);
            (state.most, state.round_end) = (self.variation, nxt);
            return;
        }
        let error = self.smoothed.abs_diff(rtt);
        let (quarter, shorter) = (state.mean / 4, rtt < self.smoothed);
        state.mean = match error.checked_sub(quarter) {
            Some(more) if shorter => state.mean + more / 8,
            Some(more) => state.mean + more,
            None => state.mean - (quarter - error),
        };
        self.smoothed = self.smoothed - self.smoothed / 8 + rtt / 8;
        if state.mean > state.most {
            state.most = state.mean;
            self.variation = self.variation.max(state.most);
        }
        if una.after(state.round_end) {
            if state.most < self.variation {
                self.variation -= (self.variation - state.most) / 4;
            }
            (state.round_end, state.most) = (nxt, floor);
        }
    }

    /// How often the timeout is doubled.
    pub(crate) const fn doublings(&self) -> u32 {
        self.backoff
    }

    /// RTTVAR of RFC 6298, in nanoseconds, whatever this estimator keeps of it.
    pub(crate) const fn variation_by_rfc(&self, profile: &Profile) -> u64 {
        match profile.rtt_estimator {
            RttEstimator::OnePerRoundTrip | RttEstimator::EveryEcho => self.variation,
            RttEstimator::EveryAck => self.variation / 4,
        }
    }

    /// The timeout in nanoseconds, with back-off, at most the profile's largest.
    pub(crate) fn timeout(&self, profile: &Profile) -> u64 {
        self.backed_off(self.backoff, profile)
    }

    /// The timeout doubled `times` times, at most the profile's largest.
    pub(crate) fn backed_off(&self, times: u32, profile: &Profile) -> u64 {
        let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
        let timeout = self.rto.saturating_mul(factor).saturating_add(self.slop(times, profile));
        timeout.min(nanos(profile.rto_max)).max(nanos(LEAST_WAIT))
    }

    /// What is added whatever the round-trip time; not to the first timeout of a SYN.
    fn slop(&self, times: u32, profile: &Profile) -> u64 {
        match profile.rto_floor {
            RtoFloor::Slop { slop, .. } if self.smoothed > 0 || times > 0 => nanos(slop),
            _ => 0,
        }
    }

    /// How long to wait for the next zero-window probe, after `times` of them.
    pub(crate) fn persist_wait(&self, times: u32, profile: &Profile) -> u64 {
        if profile.is_bsd() {
            return self.persist_wait_of_bsd(times, profile);
        }
        let wait = self.backed_off(times, profile).max(nanos(profile.persist_min));
        wait.min(nanos(profile.persist_max)).max(nanos(LEAST_WAIT))
    }

    /// `tcp_setpersist`, whose fixed-point numbers make it four times as long as was once meant.
    fn persist_wait_of_bsd(&self, times: u32, profile: &Profile) -> u64 {
        let wait = match self.smoothed {
            0 => 2 * nanos(profile.rto_initial),
            smoothed => 4 * smoothed + 8 * self.variation,
        };
        let slop = match profile.rto_floor {
            RtoFloor::Slop { slop, .. } => nanos(slop),
            _ => 0,
        };
        let wait = wait.saturating_mul(1 << times.min(9)).saturating_add(slop);
        wait.max(nanos(profile.persist_min)).min(nanos(profile.persist_max)).max(nanos(LEAST_WAIT))
    }

    /// The timer fired: the next timeout is twice as long (RFC 6298 §5.5, MUST-19).
    pub(crate) fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1);
        self.timed = NOTHING;
    }

    /// The SYN,ACK is not what is timed, and how often it was sent does not matter.
    pub(crate) fn forget_syn(&mut self) {
        (self.timed, self.backoff) = (NOTHING, 0);
    }

    /// The next timeout is half as long.
    pub(crate) const fn take_doubling_back(&mut self) {
        self.backoff = self.backoff.saturating_sub(1);
    }

    /// A SYN had to be sent again: text starts with at least three seconds (RFC 6298 §5.7).
    pub(crate) fn after_lost_syn(&mut self) {
        if self.smoothed == 0 {
            self.rto = self.rto.max(3_000_000_000);
        }
        self.backoff = 0;
    }
}
