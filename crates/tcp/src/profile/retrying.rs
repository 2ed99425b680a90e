//! How long what is not answered is repeated.

use core::time::Duration;

/// What keeps a retransmission timeout from becoming too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtoFloor {
    /// The whole of it is at least this (RFC 6298 §2.4).
    Total(Duration),
    /// What is added to the smoothed round-trip time is at least this (Linux).
    Variance(Duration),
    /// Something is added to every timeout after the first of a SYN, and all of it is at least
    /// this (FreeBSD's `TCPT_RANGESET`).
    Slop {
        /// What is added, however often the timeout was doubled.
        slop: Duration,
        /// The smallest timeout.
        least: Duration,
    },
}

/// When repeating something is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryLimit {
    /// After so many repetitions without an answer.
    Count(u32),
    /// When so much time has passed since the first transmission (RFC 9293 §3.8.3's R2).
    Time(Duration),
}

/// What a count of retries stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryCounting {
    /// So many repetitions.
    Each,
    /// As long as so many repetitions would take if the first timeout were the smallest there is
    /// (Linux' `retransmits_timed_out`). A user timeout takes its place and is counted from the first
    /// repetition, too.
    ByTime,
}
