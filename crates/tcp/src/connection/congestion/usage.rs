//! Whether the congestion window is what limits the sender. A window that was not used up says
//! nothing about what the network can carry, and does not grow (RFC 9438 §4.2 and §5.8, RFC 7661
//! §4.3; Linux' `tcp_cwnd_validate` and `tcp_is_cwnd_limited`).

use twomsl_wire::SeqNum;

use super::Window;
use crate::Instant;
use crate::profile::IdleRestart;

/// What kept the sender from sending more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Limited {
    /// The congestion window.
    ByWindow,
    /// The application, or the peer's window.
    ByApplication,
}

/// What is known of the use of the window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Usage {
    /// Whether the window was used up since the last round trip began.
    limited: Limited,
    /// The most octets under way in that time (`max_packets_out`).
    most: u32,
    /// SND.NXT when it began (`cwnd_usage_seq`).
    round_end: SeqNum,
    /// The most octets under way since the window was last used up (`snd_cwnd_used`).
    used: u32,
    /// When that was (`snd_cwnd_stamp`).
    since: Instant,
}

/// What is under way after sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) now: Instant,
    /// SND.UNA.
    pub(crate) una: SeqNum,
    /// SND.NXT.
    pub(crate) nxt: SeqNum,
    /// Octets under way before.
    pub(crate) before: u32,
    /// Octets under way now.
    pub(crate) in_flight: u32,
}

impl Usage {
    pub(super) fn new() -> Self {
        Self {
            limited: Limited::ByWindow,
            most: 0,
            round_end: SeqNum::new(0),
            used: 0,
            since: Instant::ZERO,
        }
    }

    /// In slow start the window may become twice what was used (Linux' `tcp_is_cwnd_limited`):
    /// it doubles every round trip, and what an application sends does not.
    pub(super) fn limited(&self, window: &Window) -> Limited {
        let doubles = window.is_in_slow_start() && window.size < self.most.saturating_mul(2);
        if doubles { Limited::ByWindow } else { self.limited }
    }

    /// After every attempt to send. The window is used up when it has no room for a segment.
    pub(super) fn on_sent(&mut self, window: &Window, sent: &Sent) {
        let full = sent.in_flight.saturating_add(window.mss) > window.size;
        if sent.in_flight <= sent.before && !full {
            return;
        }
        let state = if full { Limited::ByWindow } else { Limited::ByApplication };
        let more = self.limited == Limited::ByApplication && sent.in_flight > self.most;
        let first = self.most == 0;
        if full || more || first || sent.una.at_or_after(self.round_end) {
            self.limited = state;
            self.most = sent.in_flight;
            self.round_end = sent.nxt;
        }
        if self.limited(window) == Limited::ByWindow {
            self.start_over(sent.now);
        } else {
            self.used = self.used.max(sent.in_flight);
        }
    }

    #[cfg(test)]
    pub(super) fn round_end(&self) -> SeqNum {
        self.round_end
    }

    /// The window counts as used from now on.
    pub(super) fn start_over(&mut self, now: Instant) {
        self.used = 0;
        self.since = now;
    }

    /// `tcp_cwnd_application_limited` (RFC 2861 §3.1): half-way down to what was used.
    pub(super) fn shrink(&mut self, window: &mut Window, now: Instant, rto: u64) {
        if window.idle != IdleRestart::Gradual
            || self.limited(window) == Limited::ByWindow
            || now.nanos_since(self.since) < rto
        {
            return;
        }
        let used = self.used.max(window.initial);
        if used < window.size {
            window.threshold = window.remembered_threshold();
            window.size = window.fraction(window.size + used, 1, 2);
        }
        self.start_over(now);
    }
}
