//! What-ifs: rules of TCP that are switched off on purpose, to see what they are for.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::Profile;
use crate::profile::{BlindAttacks, TimeWaitRst};

/// A rule of TCP that is switched off. Each costs nothing as long as it is not asked for: the
/// question stands where the rule is, and never where every segment passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WhatIf {
    /// Removes TIME-WAIT (RFC 9293 §3.6.1): who closes first forgets the connection with
    /// its last acknowledgment. If that is lost, the peer's FIN meets nobody and is answered with a
    /// reset; and the ports are free for a new incarnation, which takes old segments for its own.
    NoTimeWait,
    /// Makes TIME-WAIT last one MSL instead of two (§3.4.2, §3.6.1). Long enough for the last
    /// acknowledgment to die, but the FIN that is sent again because of it may live as long once more.
    TimeWait1Msl,
    /// Removes the third segment of the handshake (§3.5): who answers a SYN has a connection. An old
    /// duplicate of a SYN makes one, too, that nobody wants.
    TwoWayHandshake,
    /// Removes the clock and the hash of initial sequence numbers (§3.4.1): every connection
    /// begins with the same one. Segments of an earlier incarnation fit into the next.
    FixedIsn,
    /// Removes the retransmission of FINs (§3.8.1, §3.10.8): each is sent once. If it is lost, the
    /// peer waits for the end of the file for ever.
    NoFinRetransmit,
    /// Removes the persist timer (§3.8.6.1): nobody asks whether a closed window has opened.
    /// If the segment that says so is lost, both ends wait for each other for ever.
    NoPersistTimer,
    /// Removes challenge ACKs (RFC 5961 §3.2, §4.2): a RST or SYN anywhere in the window ends the
    /// connection, an old duplicate and a stranger's guess too.
    NoChallengeAck,
    /// Removes the check of timestamps (PAWS, RFC 7323 §5.3): an old duplicate whose sequence number
    /// fits is taken for new text.
    NoPaws,
    /// Removes RFC 1337 §3: a RST ends TIME-WAIT even where the profile has it ignored
    /// (`time-wait-rst`). The answer to an old duplicate is such a RST.
    NoRfc1337,
    /// Removes the rule that timestamps are of one connection (RFC 7323 §5.3): once a host has left
    /// a TIME-WAIT here, its SYNs need later ones whatever their ports (appendix B.2 (b); Linux'
    /// `tcp_tw_recycle`, until 4.12, which cut TIME-WAIT short in return). Of two clients behind one
    /// address one is shut out.
    TwRecyclePerHost,
    /// Removes the half-open close (RFC 9293 §3.6): a FIN closes both directions. What the peer
    /// has not written by then, it cannot write any more.
    NoHalfClose,
    /// Removes the first check of "segment arrives" (§3.10.7.4): text, FINs and RSTs outside the
    /// window are taken for what comes next. A segment that comes twice is read twice.
    AcceptOutsideWindow,
}

/// A word that names no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such what-if")]
pub struct UnknownWhatIf;

impl WhatIf {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::NoTimeWait,
        Self::TimeWait1Msl,
        Self::TwoWayHandshake,
        Self::FixedIsn,
        Self::NoFinRetransmit,
        Self::NoPersistTimer,
        Self::NoChallengeAck,
        Self::NoPaws,
        Self::NoRfc1337,
        Self::TwRecyclePerHost,
        Self::NoHalfClose,
        Self::AcceptOutsideWindow,
    ];

    /// As it is written in scenarios and on the command line: `no-time-wait`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoTimeWait => "no-time-wait",
            Self::TimeWait1Msl => "time-wait-1msl",
            Self::TwoWayHandshake => "two-way-handshake",
            Self::FixedIsn => "fixed-isn",
            Self::NoFinRetransmit => "no-fin-retransmit",
            Self::NoPersistTimer => "no-persist-timer",
            Self::NoChallengeAck => "no-challenge-ack",
            Self::NoPaws => "no-paws",
            Self::NoRfc1337 => "no-rfc1337",
            Self::TwRecyclePerHost => "tw-recycle-per-host",
            Self::NoHalfClose => "no-half-close",
            Self::AcceptOutsideWindow => "accept-outside-window",
        }
    }

    /// What is switched off, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::NoTimeWait => "who closes first forgets the connection at once",
            Self::TimeWait1Msl => "TIME-WAIT lasts one MSL instead of two",
            Self::TwoWayHandshake => "a SYN alone makes a connection",
            Self::FixedIsn => "every connection begins with the same sequence number",
            Self::NoFinRetransmit => "a FIN is sent once, lost or not",
            Self::NoPersistTimer => "nobody asks whether a closed window has opened",
            Self::NoChallengeAck => "a RST or SYN anywhere in the window is believed",
            Self::NoPaws => "timestamps do not keep old duplicates out",
            Self::NoRfc1337 => "a RST ends TIME-WAIT, whatever the profile says",
            Self::TwRecyclePerHost => "a SYN must have a later timestamp than its host's last one",
            Self::NoHalfClose => "a FIN closes both directions",
            Self::AcceptOutsideWindow => "sequence numbers outside the window are not refused",
        }
    }

    /// Where the rule is written.
    pub const fn rfc(self) -> &'static str {
        match self {
            Self::NoTimeWait | Self::TimeWait1Msl => "9293 §3.6.1",
            Self::TwoWayHandshake => "9293 §3.5",
            Self::FixedIsn => "9293 §3.4.1",
            Self::NoFinRetransmit => "9293 §3.8.1",
            Self::NoPersistTimer => "9293 §3.8.6.1",
            Self::NoChallengeAck => "5961 §3.2",
            Self::NoPaws => "7323 §5.3",
            Self::NoRfc1337 => "1337 §3",
            Self::TwRecyclePerHost => "7323 appendix B.2",
            Self::NoHalfClose => "9293 §3.6",
            Self::AcceptOutsideWindow => "9293 §3.10.7.4",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for WhatIf {
    type Err = UnknownWhatIf;

    fn from_str(word: &str) -> Result<Self, UnknownWhatIf> {
        Self::ALL.into_iter().find(|rule| rule.name() == word).ok_or(UnknownWhatIf)
    }
}

/// The rules that a profile is without; usually none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WhatIfs(u16);

impl WhatIfs {
    /// No rule is switched off.
    pub const NONE: Self = Self(0);

    /// Whether this rule is switched off.
    #[inline]
    pub const fn has(self, rule: WhatIf) -> bool {
        self.0 & rule.bit() != 0
    }

    /// Switches a rule off.
    pub const fn insert(&mut self, rule: WhatIf) {
        self.0 |= rule.bit();
    }

    /// Whether every rule holds.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules that are switched off, in the order of [`WhatIf::ALL`].
    pub fn iter(self) -> impl Iterator<Item = WhatIf> {
        WhatIf::ALL.into_iter().filter(move |rule| self.has(*rule))
    }
}

impl FromIterator<WhatIf> for WhatIfs {
    fn from_iter<T: IntoIterator<Item = WhatIf>>(rules: T) -> Self {
        let mut set = Self::NONE;
        set.extend(rules);
        set
    }
}

impl Extend<WhatIf> for WhatIfs {
    fn extend<T: IntoIterator<Item = WhatIf>>(&mut self, rules: T) {
        for rule in rules {
            self.insert(rule);
        }
    }
}

/// What a profile says, if no what-if says otherwise.
impl Profile {
    /// How long TIME-WAIT lasts: 2MSL, or half of it.
    pub(crate) fn time_wait_lasts(&self) -> Duration {
        self.time_wait / if self.what_ifs.has(WhatIf::TimeWait1Msl) { 2 } else { 1 }
    }

    /// Whether a RST ends TIME-WAIT.
    pub(crate) const fn honours_rst_in_time_wait(&self) -> bool {
        matches!(self.time_wait_rst, TimeWaitRst::Honoured) || self.what_ifs.has(WhatIf::NoRfc1337)
    }

    /// Whether RST and SYN must prove themselves.
    pub(crate) const fn challenges(&self) -> bool {
        matches!(self.blind_attacks, BlindAttacks::Challenged)
            && !self.what_ifs.has(WhatIf::NoChallengeAck)
    }

    /// Whether timestamps keep old duplicates out.
    pub(crate) const fn has_paws(&self) -> bool {
        !self.what_ifs.has(WhatIf::NoPaws)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_place_of_its_own() {
        let mut set = WhatIfs::NONE;
        for rule in WhatIf::ALL {
            assert_eq!(rule.name().parse(), Ok(rule));
            assert!(!set.has(rule), "{rule} has a bit of its own");
            set.insert(rule);
            assert!(set.has(rule));
        }
        assert_eq!(set, WhatIf::ALL.into_iter().collect());
        assert!(set.iter().eq(WhatIf::ALL));
        assert_eq!("no-such-rule".parse::<WhatIf>(), Err(UnknownWhatIf));
    }
}
