//! Which packets a fault rule is about, chained.

use std::fmt::Write as _;
use std::time::Duration;

use twomsl_tcp::wire::{Ecn, Flags};
use twomsl_tcp::{Instant, TcpState};

use super::Names;
use crate::spec::{Acks, FaultVerdict, Matcher, Nth, PayloadMatch, Repeated};

/// Collects what a packet must be for a fault rule to be about it: all of it must hold.
#[derive(Debug)]
pub struct Packets<'a> {
    names: &'a mut Names,
    matcher: Matcher,
    nth: Option<Nth>,
}

impl<'a> Packets<'a> {
    pub(super) fn new(names: &'a mut Names) -> Self {
        Self { names, matcher: Matcher::default(), nth: None }
    }

    pub(super) fn into_parts(self) -> (Matcher, Option<Nth>) {
        (self.matcher, self.nth)
    }

    /// Sent by this host.
    #[must_use]
    pub fn from(mut self, host: &str) -> Self {
        self.matcher.from = Some(self.names.place(host));
        self
    }

    /// Sent to this host.
    #[must_use]
    pub fn to(mut self, host: &str) -> Self {
        self.matcher.to = Some(self.names.place(host));
        self
    }

    /// With all of these flags.
    #[must_use]
    pub fn flags(mut self, flags: Flags) -> Self {
        self.matcher.flags = flags;
        self
    }

    /// With none of these flags.
    #[must_use]
    pub fn without(mut self, flags: Flags) -> Self {
        self.matcher.without = flags;
        self
    }

    /// Acknowledging this of the peer's.
    #[must_use]
    pub fn acks(mut self, acks: Acks) -> Self {
        self.matcher.acks = Some(acks);
        self
    }

    /// Carrying this.
    #[must_use]
    pub fn payload(mut self, payload: PayloadMatch) -> Self {
        self.matcher.payload = Some(payload);
        self
    }

    /// With this mark in the IP header.
    #[must_use]
    pub fn ecn(mut self, ecn: Ecn) -> Self {
        self.matcher.ecn = Some(ecn);
        self
    }

    /// A repetition, or not.
    #[must_use]
    pub fn repeated(mut self, repeated: Repeated) -> Self {
        self.matcher.repeated = Some(repeated);
        self
    }

    /// While the connection is in this state at that host.
    #[must_use]
    pub fn in_state(mut self, host: &str, state: TcpState) -> Self {
        self.matcher.state = Some((self.names.place(host), state));
        self
    }

    /// Sent so long after the start, or later.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.matcher.after = Some(Instant::ZERO + time);
        self
    }

    /// Sent earlier than so long after the start.
    #[must_use]
    pub fn before(mut self, time: Duration) -> Self {
        self.matcher.before = Some(Instant::ZERO + time);
        self
    }

    /// Only the nth of them, from 1.
    #[must_use]
    pub fn nth(self, nth: u32) -> Self {
        self.nth_range(nth, nth)
    }

    /// Only from the `first` to the `last` of them, from 1.
    #[must_use]
    pub fn nth_range(mut self, first: u32, last: u32) -> Self {
        self.nth = Some(Nth { first, last });
        self
    }
}

/// A rule in words: `drop ACK of FIN from client, 1st`.
pub(super) fn text(
    names: &Names,
    verdict: &FaultVerdict,
    matcher: &Matcher,
    nth: Option<Nth>,
) -> String {
    let mut text = verb(verdict).to_owned();
    match matcher.acks {
        Some(Acks::Syn) => text.push_str(" ACK of SYN"),
        Some(Acks::Fin) => text.push_str(" ACK of FIN"),
        Some(Acks::Text(octets)) => {
            let _ = write!(text, " ACK of {octets} octets");
        }
        None => {}
    }
    if !matcher.flags.is_empty() {
        let _ = write!(text, " {}", matcher.flags);
    }
    match matcher.payload {
        Some(PayloadMatch::Empty) => text.push_str(" without text"),
        Some(PayloadMatch::Some) => text.push_str(" with text"),
        Some(PayloadMatch::Octet(place)) => {
            let _ = write!(text, " with octet {place}");
        }
        None if matcher.flags == Flags::empty() && matcher.acks.is_none() => {
            text.push_str(" packet");
        }
        None => {}
    }
    if let Some(host) = matcher.from {
        let _ = write!(text, " from {}", names.of(host));
    }
    if let Some(host) = matcher.to {
        let _ = write!(text, " to {}", names.of(host));
    }
    if let Some(nth) = nth {
        let _ = write!(text, ", {}", ordinals(nth));
    }
    text
}

const fn verb(verdict: &FaultVerdict) -> &'static str {
    match verdict {
        FaultVerdict::Pass => "pass",
        FaultVerdict::Drop => "drop",
        FaultVerdict::Delay(_) | FaultVerdict::DelayUntil(_) => "delay",
        FaultVerdict::Duplicate { .. } => "duplicate",
        FaultVerdict::Corrupt => "corrupt",
        FaultVerdict::Rewrite(_) => "rewrite",
        FaultVerdict::Hold(_) => "hold",
    }
}

/// `1st`, `2nd to 4th`, `3rd and later`.
fn ordinals(nth: Nth) -> String {
    match (nth.first, nth.last) {
        (first, last) if first == last => ordinal(first),
        (first, u32::MAX) => format!("{} and later", ordinal(first)),
        (first, last) => format!("{} to {}", ordinal(first), ordinal(last)),
    }
}

fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}
