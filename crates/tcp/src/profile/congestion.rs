//! Choices of congestion control.

/// The congestion control algorithms, as `TCP_CONGESTION` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CongestionControl {
    /// RFC 5681: one segment more per round trip, half on a loss. Linux and FreeBSD have it as
    /// `reno` and `newreno`.
    NewReno,
    /// RFC 9438: a cubic function of the time since the last loss, 70 % on a loss.
    Cubic,
}

impl CongestionControl {
    /// The names of all.
    pub const NAMES: &'static [&'static str] = &["newreno", "cubic"];

    /// Its name: `newreno`, `cubic`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewReno => "newreno",
            Self::Cubic => "cubic",
        }
    }

    /// The algorithm of this name; `reno` is `newreno`.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "newreno" | "reno" => Some(Self::NewReno),
            "cubic" => Some(Self::Cubic),
            _ => None,
        }
    }
}

/// What acknowledgments count for when the congestion window grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowCounting {
    /// Octets, in slow start at most so many segments per acknowledgment: the L of appropriate
    /// byte counting (RFC 3465 §2.2). RFC 5681 §3.1 has L = 1.
    Octets {
        /// L, in segments.
        limit: u8,
    },
    /// Whole segments, however many one acknowledgment covers, with the integer arithmetic of
    /// Linux (`tcp_slow_start`, `tcp_cong_avoid_ai`, `bictcp_update`).
    Segments,
}

/// What a congestion event takes its share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowReduction {
    /// The octets under way (RFC 5681 §3.1, equation 4; RFC 9438 §4.6).
    FlightSize,
    /// The congestion window (Linux' `tcp_reno_ssthresh`). RFC 9438 §4.6 allows it to those whose
    /// window does not grow unused.
    Window,
}

/// What happens to the congestion window of a connection that has sent nothing for longer than a
/// retransmission timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdleRestart {
    /// Nothing (Linux with `tcp_slow_start_after_idle` = 0).
    Never,
    /// It is the restart window again: the initial one, if that is smaller (RFC 5681 §4.1).
    AtOnce,
    /// The same, and the threshold remembers three quarters of what it was (FreeBSD's
    /// `newreno_cc_after_idle`).
    AtOnceRemembering,
    /// It is halved for every timeout, down to the restart window; the threshold remembers three
    /// quarters (RFC 2861 §3.1; Linux' `tcp_cwnd_restart`).
    Gradual,
}
