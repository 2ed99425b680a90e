//! Faults: what befalls packets and hosts.

use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::wire::{Ecn, Flags, IcmpKind};
use twomsl_tcp::{Instant, TcpState};

use super::{HostIndex, Trigger};

/// A fault rule: which packets, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FaultRule {
    /// In the words of who wrote it: `drop FIN from client, 1st`.
    pub text: String,
    /// Which packets.
    pub matcher: Matcher,
    /// Which of those that match, counted from 1. `None` means all.
    pub nth: Option<Nth>,
    /// What becomes of them.
    pub verdict: FaultVerdict,
}

/// What befalls one packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// In words: `drop the 3rd packet of client`.
    pub text: String,
    /// The host that sends it.
    pub from: HostIndex,
    /// Which of all packets that the host sends, from 1, across its sockets and reboots. What is
    /// forged in its name, and copies that the network makes, do not count.
    pub packet: u32,
    /// What becomes of it: `Drop`, `Corrupt`, `Duplicate`, `Delay` or `DelayUntil`.
    pub verdict: FaultVerdict,
}

/// A range of ordinals, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nth {
    /// The first.
    pub first: u32,
    /// The last; `u32::MAX` for no end.
    pub last: u32,
}

/// Which packets a rule is about: all that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Matcher {
    /// Sent by this host.
    pub from: Option<HostIndex>,
    /// Sent to this host.
    pub to: Option<HostIndex>,
    /// Every one of these flags is set.
    pub flags: Flags,
    /// None of these is.
    pub without: Flags,
    /// What it acknowledges.
    pub acks: Option<Acks>,
    /// Whether it carries text.
    pub payload: Option<PayloadMatch>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// The mark of the IP header (RFC 3168 §5).
    pub ecn: Option<Ecn>,
    /// Whether the same octets were sent before.
    pub repeated: Option<Repeated>,
    /// Sent at this time or later.
    pub after: Option<Instant>,
    /// Sent before this time.
    pub before: Option<Instant>,
    /// The connection of this packet is in this state at that host.
    pub state: Option<(HostIndex, TcpState)>,
}

/// What a segment acknowledges of the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// The SYN, and nothing more.
    Syn,
    /// The FIN.
    Fin,
    /// At least this many octets of text.
    Text(u32),
}

/// Whether a segment carries text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadMatch {
    /// It carries none.
    Empty,
    /// It carries some.
    Some,
    /// It carries the octet at this place of the stream, from 0.
    Octet(u64),
}

/// Whether a segment is a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeated {
    /// It was sent before.
    Yes,
    /// It is new.
    No,
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FaultVerdict {
    /// It goes on, and no later rule sees it.
    Pass,
    /// It is dropped.
    Drop,
    /// It arrives so much later.
    Delay(Duration),
    /// It arrives at this time.
    DelayUntil(Instant),
    /// It goes on, and so many copies follow, each so long after the one before.
    Duplicate {
        /// How many copies.
        copies: u32,
        /// How long after.
        delay: Duration,
    },
    /// A bit is flipped.
    Corrupt,
    /// It is changed.
    Rewrite(Rewrite),
    /// It waits until the release of this name.
    Hold(String),
}

/// Changes to a segment. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rewrite {
    /// Flags to set.
    pub set: Flags,
    /// Flags to clear.
    pub clear: Flags,
    /// Added to SEG.SEQ.
    pub seq: Option<i64>,
    /// Added to SEG.ACK.
    pub ack: Option<i64>,
    /// SEG.WND.
    pub window: Option<u16>,
    /// The mark of the IP header, whatever it was: an honest router only turns ECT into CE.
    pub ecn: Option<Ecn>,
    /// All options removed.
    pub strip_options: StripOptions,
}

/// Whether a rewrite removes the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum StripOptions {
    /// Yes.
    Yes,
    /// No.
    #[default]
    No,
}

/// A segment or an ICMP error out of nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forgery {
    /// When.
    pub trigger: Trigger,
    /// The host it pretends to come from. An ICMP error is about a segment to this host.
    pub from: HostIndex,
    /// The host it goes to. An ICMP error is about a segment that this host has sent. It arrives after the link's delay, untouched by faults and impairments.
    pub to: HostIndex,
    /// The port at `from`.
    pub src_port: PortSpec,
    /// The port at `to`.
    pub dst_port: PortSpec,
    /// SEG.SEQ, of the segment itself or of the one that an ICMP error is about.
    pub seq: SeqSpec,
    /// What it is.
    pub what: Forged,
}

/// What is forged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Forged {
    /// A segment.
    Segment {
        /// SEG.ACK; without it the ACK flag decides: zero.
        ack: Option<SeqSpec>,
        /// The flags.
        flags: Flags,
        /// SEG.WND.
        window: u16,
        /// The text.
        payload: Bytes,
    },
    /// An ICMP error.
    Icmp(IcmpKind),
}

/// A port of a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortSpec {
    /// This one.
    Number(u16),
    /// That of the newest connection between the two hosts.
    Live,
}

/// A sequence number of a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqSpec {
    /// This number.
    Absolute(u32),
    /// A variable of the newest connection between the two hosts, and an offset.
    Relative {
        /// At which end it is looked up.
        host: HostIndex,
        /// Which variable.
        variable: SeqVariable,
        /// Added to it.
        offset: i64,
    },
}

/// A sequence variable (RFC 9293 §3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqVariable {
    /// ISS.
    Iss,
    /// SND.UNA.
    SndUna,
    /// SND.NXT.
    SndNxt,
    /// IRS.
    Irs,
    /// RCV.NXT.
    RcvNxt,
    /// RCV.NXT + RCV.WND: the first number beyond the window.
    RcvEnd,
}

/// Something that befalls a host, or a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Incident {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: IncidentAction,
}

/// What is said about a moment: it goes into the trace, and changes nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remark {
    /// When.
    pub trigger: Trigger,
    /// In sentences.
    pub text: String,
    /// Whose socket tables belong to it.
    pub tables: Vec<HostIndex>,
}

/// What befalls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IncidentAction {
    /// The host loses power.
    Crash(HostIndex),
    /// It starts again; its roles start from the beginning.
    Reboot(HostIndex),
    /// It stands still.
    Pause(HostIndex),
    /// It goes on.
    Resume(HostIndex),
    /// Its link goes down.
    LinkDown(HostIndex),
    /// Its link comes back.
    LinkUp(HostIndex),
    /// What a rule holds under this name goes on its way.
    Release(String),
}
