//! What "segment arrives" made of a segment, in words that cite their source.

/// What was made of a packet. Everything but [`Accepted`](Self::Accepted) has a
/// [`note`](Self::note).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Taken as it came.
    Accepted,
    /// Text beyond RCV.NXT, kept until the gap closes.
    OutOfOrder,
    /// No socket for it: answered with a reset.
    NoConnection,
    /// A RST for no socket: dropped.
    NoConnectionRst,
    /// A RST to a listener: dropped.
    ListenRst,
    /// An ACK to a listener: answered with a reset.
    ListenAck,
    /// Neither SYN, ACK nor RST to a listener: dropped.
    ListenNothing,
    /// The SYN queue is full: dropped.
    SynQueueFull,
    /// The SYN queue is full: answered with a SYN cookie, and forgotten.
    SynCookie,
    /// The accept queue is full: dropped.
    AcceptQueueFull,
    /// The accept queue is full: answered with a reset (`tcp_abort_on_overflow`).
    AcceptQueueFullReset,
    /// The ACK that would end a handshake brings no text, which the listener waits for: dropped
    /// (`TCP_DEFER_ACCEPT`).
    AcceptDeferred,
    /// SYN and FIN in one segment: dropped (`net.inet.tcp.drop_synfin`).
    SynFinDropped,
    /// A segment for no connection, or a listener, that is not even reset (`net.inet.tcp.blackhole`).
    Blackholed,
    /// SYN-SENT: an ACK of something never sent: answered with a reset.
    SynSentBadAck,
    /// SYN-SENT: a RST that does not acknowledge our SYN: dropped.
    SynSentRst,
    /// SYN-SENT: neither SYN nor RST: dropped.
    SynSentNothing,
    /// Its timestamp is older than TS.Recent: an old duplicate (PAWS).
    OldTimestamp,
    /// Before the window: nothing new in it.
    OldDuplicate,
    /// It lacks the timestamps that were agreed on: dropped.
    NoTimestamps,
    /// Beyond the window, or text for a zero window.
    OutsideWindow,
    /// A RST outside the window: dropped.
    OutsideWindowRst,
    /// A RST inside the window but not at RCV.NXT: challenged.
    RstChallenged,
    /// SYN-RECEIVED: the SYN came again, and is answered again.
    SynAgain,
    /// SYN-RECEIVED: another SYN: the connection goes back to LISTEN.
    SynBackToListen,
    /// A SYN on a synchronized connection: challenged.
    SynChallenged,
    /// A SYN in the window of a synchronized connection, under the rules of RFC 793: reset.
    SynReset,
    /// No ACK where one is needed: dropped.
    NoAck,
    /// SYN-RECEIVED: an ACK of something never sent: answered with a reset.
    SynReceivedBadAck,
    /// An acknowledgment older than the largest window we ever saw: challenged.
    AckTooOld,
    /// An acknowledgment of something not sent yet.
    AckOfUnsent,
    /// Text for an application that has closed: answered with a reset.
    TextAfterClose,
    /// Text or FIN after the peer's FIN: ignored.
    AfterFin,
    /// There was room for a part of the text only.
    Trimmed,
    /// Reassembly has no room for another gap: dropped.
    ReassemblyFull,
    /// A RST with flags that no reset of a SYN,ACK has: dropped.
    SpuriousRst,
    /// TIME-WAIT: the FIN came again; it is acknowledged and 2MSL starts over.
    TimeWaitFin,
    /// TIME-WAIT: something else came; it is acknowledged.
    TimeWaitAck,
    /// TIME-WAIT: a RST ended it.
    TimeWaitRst,
    /// TIME-WAIT: a RST is ignored (RFC 1337).
    TimeWaitRstIgnored,
    /// It would have been challenged, but the rate limit is used up: dropped.
    ChallengeLimited,
    /// A bit flipped on the way: the checksum caught it.
    BadChecksum,
    /// An ICMP error that ends the connection attempt.
    IcmpHard,
    /// An ICMP error that is only remembered.
    IcmpSoft,
    /// An ICMP message that means nothing here.
    IcmpIgnored,
    /// An ICMP error about nothing that is under way: perhaps a forgery.
    IcmpStale,
    /// An ICMP error that tells a smaller MTU of the path.
    IcmpTooBig,
    /// The address is not ours, or the sender's names no single host: dropped.
    NotOurs,
}

/// Why a segment was not simply accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// A few words for a ladder: `old duplicate, acknowledged again`.
    pub text: &'static str,
    /// The source: `9293 §3.10.7.4`.
    pub rfc: &'static str,
}

impl Verdict {
    /// The words and the source; `None` for a segment that was simply accepted.
    pub const fn note(self) -> Option<Note> {
        let (text, rfc) = match self {
            Self::Accepted => return None,
            Self::OutOfOrder => ("out of order, kept", "9293 §3.10.7.4"),
            Self::NoConnection => ("no connection: reset", "9293 §3.10.7.1"),
            Self::NoConnectionRst => ("RST for no connection, dropped", "9293 §3.10.7.1"),
            Self::ListenRst => ("RST to a listener, dropped", "9293 §3.10.7.2"),
            Self::ListenAck => ("ACK to a listener: reset", "9293 §3.10.7.2"),
            Self::ListenNothing => ("no SYN, dropped", "9293 §3.10.7.2"),
            Self::SynQueueFull => ("SYN queue full, dropped", "4987 §2"),
            Self::SynCookie => ("answered with a SYN cookie", "4987 §3.6"),
            Self::AcceptQueueFull => ("accept queue full, dropped", "listen(2)"),
            Self::AcceptQueueFullReset => ("accept queue full: reset", "tcp_abort_on_overflow"),
            Self::AcceptDeferred => ("bare ACK dropped: text is waited for", "TCP_DEFER_ACCEPT"),
            Self::SynFinDropped => ("SYN and FIN, dropped", "drop_synfin"),
            Self::Blackholed => ("dropped without a reset", "blackhole(4)"),
            Self::SynSentBadAck => ("ACK of nothing we sent: reset", "9293 §3.10.7.3"),
            Self::SynSentRst => ("RST without our SYN's ACK, dropped", "9293 §3.10.7.3"),
            Self::SynSentNothing => ("neither SYN nor RST, dropped", "9293 §3.10.7.3"),
            Self::OldTimestamp => ("PAWS: old timestamp", "7323 §5.3"),
            Self::OldDuplicate => ("old duplicate", "9293 §3.10.7.4"),
            Self::NoTimestamps => ("no timestamps, dropped", "7323 §3.2"),
            Self::OutsideWindow => ("outside the window", "9293 §3.10.7.4"),
            Self::OutsideWindowRst => ("RST outside the window, dropped", "9293 §3.10.7.4"),
            Self::RstChallenged => ("RST not at RCV.NXT: challenged", "5961 §3.2"),
            Self::SynAgain => ("SYN again: answered again", "9293 §3.8.1"),
            Self::SynBackToListen => ("another SYN: back to LISTEN", "9293 §3.10.7.4"),
            Self::SynChallenged => ("SYN on a live connection: challenged", "5961 §4.2"),
            Self::SynReset => ("SYN in the window: reset", "9293 §3.10.7.4"),
            Self::NoAck => ("no ACK, dropped", "9293 §3.10.7.4"),
            Self::SynReceivedBadAck => ("ACK of nothing we sent: reset", "9293 §3.10.7.4"),
            Self::AckTooOld => ("ACK too old: challenged", "5961 §5.2"),
            Self::AckOfUnsent => ("ACK of something not sent yet", "9293 §3.10.7.4"),
            Self::TextAfterClose => ("text after close: reset", "9293 §3.6.1"),
            Self::AfterFin => ("after the peer's FIN, ignored", "9293 §3.10.7.4"),
            Self::Trimmed => ("trimmed to the window", "9293 §3.10.7.4"),
            Self::ReassemblyFull => ("no room to reassemble, dropped", "9293 §3.10.7.4"),
            Self::SpuriousRst => ("RST with ACK, SYN or FIN, dropped", "syncache_chkrst"),
            Self::TimeWaitFin => ("FIN again: 2MSL restarted", "9293 §3.10.7.4"),
            Self::TimeWaitAck => ("TIME-WAIT: acknowledged again", "9293 §3.10.7.4"),
            Self::TimeWaitRst => ("RST ends TIME-WAIT", "9293 §3.10.7.4"),
            Self::TimeWaitRstIgnored => ("RST ignored in TIME-WAIT", "1337 §3"),
            Self::ChallengeLimited => ("challenge limit used up, dropped", "5961 §7"),
            Self::BadChecksum => ("bad checksum, dropped", "9293 §3.1"),
            Self::IcmpHard => ("ICMP error: attempt ended", "5461 §4"),
            Self::IcmpSoft => ("ICMP error, remembered", "9293 §3.9.2.2"),
            Self::IcmpIgnored => ("ICMP message, ignored", "9293 §3.9.2.2"),
            Self::IcmpStale => ("ICMP about nothing under way, ignored", "5927 §4.1"),
            Self::IcmpTooBig => ("smaller segments from now on", "9293 §3.7.2"),
            Self::NotOurs => ("not our address, dropped", "9293 §3.9.2.3"),
        };
        Some(Note { text, rfc })
    }
}
