//! Stories: build, connect, act, drive, assert.

mod acknowledging;
mod close;
mod congestion;
mod ecn;
mod fast_open;
mod handshake;
mod icmp;
mod keepalive;
mod limits;
mod linux_incoming;
mod linux_writes;
mod listen;
mod looking;
mod negotiation;
mod options;
mod path_mtu;
mod ports;
mod recovery_corners;
mod recovery_newreno;
mod recovery_sack;
mod recovery_timeouts;
mod resets;
mod retransmission;
mod reuse;
mod sack;

mod syn_cookies;
mod time_wait;
mod what_ifs;
mod window;

use std::time::Duration;

use twomsl_tcp::wire::{Flags, Segment};
use twomsl_tcp::{Instant, Profile};

/// A few milliseconds.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A few seconds.
pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds since `start`.
fn since(start: Instant, times: &[Instant]) -> Vec<u128> {
    times.iter().map(|at| at.since(start).as_millis()).collect()
}

/// Whether a segment has all these flags.
fn has(flags: Flags) -> impl Fn(&Segment) -> bool {
    move |segment| segment.has(flags)
}

/// Whether a segment carries text.
fn has_text(segment: &Segment) -> bool {
    !segment.payload.is_empty()
}

/// Both profiles there are.
fn profiles() -> [Profile; 3] {
    [Profile::rfc9293(), Profile::linux(), Profile::freebsd()]
}
