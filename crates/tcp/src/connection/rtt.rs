//! The round-trip time and the retransmission timeout (RFC 6298).

use core::time::Duration;

use twomsl_wire::SeqNum;

use crate::Instant;
use crate::profile::{Profile, RtoFloor};
use crate::time::nanos;

/// What every timer that is set again when it fires waits at least, whatever a profile says: time
/// must pass between two timeouts, or they would never end.
pub(super) const LEAST_WAIT: Duration = Duration::from_millis(1);

/// SRTT, RTTVAR and RTO, in nanoseconds (MUST-18).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoundTrip {
    /// SRTT; zero before the first sample.
    pub(crate) smoothed: u64,
    variation: u64,
    rto: u64,
    /// How often the timeout was doubled (RFC 6298 §5.5).
    backoff: u32,
    /// The octet that is timed, by the number after it, and when it was sent. One at a time, and
    /// none that was sent twice: Karn's algorithm (RFC 6298 §3).
    timed: Option<(SeqNum, Instant)>,
}

impl RoundTrip {
    pub(crate) fn new(profile: &Profile) -> Self {
        Self { smoothed: 0, variation: 0, rto: nanos(profile.rto_initial), backoff: 0, timed: None }
    }

    /// New octets up to `end` are sent.
    pub(crate) fn on_send(&mut self, end: SeqNum, now: Instant) {
        if self.timed.is_none() {
            self.timed = Some((end, now));
        }
    }

    /// Something is sent again: its acknowledgment would say nothing about time.
    pub(crate) fn on_retransmit(&mut self) {
        self.timed = None;
    }

    /// New octets up to `ack` are acknowledged. Only a sample ends the back-off: this is the other
    /// half of Karn's algorithm (RFC 6298 §5, note after 5.7; Linux' `tcp_ack_update_rtt`).
    ///
    /// What was sent again gives a sample only by its timestamp, whose `echo` tells which of the
    /// copies arrived (RFC 7323 §4.1).
    pub(crate) fn on_ack(
        &mut self,
        ack: SeqNum,
        now: Instant,
        echo: Option<u64>,
        profile: &Profile,
    ) {
        let sample = match self.timed {
            Some((end, sent)) if ack.at_or_after(end) => now.nanos_since(sent).max(1),
            Some(_) => return,
            None => match echo {
                Some(round_trip) => round_trip,
                None => return,
            },
        };
        self.timed = None;
        self.backoff = 0;
        self.sample(sample, profile);
    }

    /// RFC 6298 §2.2 and §2.3, in integers: alpha is 1/8, beta is 1/4.
    fn sample(&mut self, rtt: u64, profile: &Profile) {
        if self.smoothed == 0 {
            self.smoothed = rtt;
            self.variation = rtt / 2;
        } else {
            let error = self.smoothed.abs_diff(rtt);
            self.variation = self.variation - self.variation / 4 + error / 4;
            self.smoothed = self.smoothed - self.smoothed / 8 + rtt / 8;
        }
        let spread = 4 * self.variation;
        self.rto = match profile.rto_floor {
            RtoFloor::Total(floor) => (self.smoothed + spread).max(nanos(floor)),
            RtoFloor::Variance(floor) => self.smoothed + spread.max(nanos(floor)),
        };
    }

    /// The timeout in nanoseconds, with back-off, at most the profile's largest.
    pub(crate) fn timeout(&self, profile: &Profile) -> u64 {
        self.backed_off(self.backoff, profile)
    }

    /// The timeout doubled `times` times, at most the profile's largest.
    pub(crate) fn backed_off(&self, times: u32, profile: &Profile) -> u64 {
        let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
        self.rto.saturating_mul(factor).min(nanos(profile.rto_max)).max(nanos(LEAST_WAIT))
    }

    /// The timer fired: the next timeout is twice as long (RFC 6298 §5.5, MUST-19).
    pub(crate) fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1);
        self.timed = None;
    }

    /// A SYN had to be sent again: text starts with at least three seconds (RFC 6298 §5.7).
    pub(crate) fn after_lost_syn(&mut self) {
        if self.smoothed == 0 {
            self.rto = self.rto.max(3_000_000_000);
        }
        self.backoff = 0;
    }
}
