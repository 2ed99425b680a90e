//! The names that TCP's states, timers, flags and verdicts have in a scenario.

use twomsl_tcp::wire::Flags;
use twomsl_tcp::{SendReason, SocketError, TcpState, TimerKind, Verdict};

/// A table of names.
pub(crate) type Table<T> = &'static [(&'static str, T)];

/// The RFC's spelling of the states (RFC 9293 §3.3.2).
pub(crate) fn state(name: &str) -> Option<TcpState> {
    TcpState::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name))
}

/// The timers.
pub(crate) const TIMERS: [TimerKind; TimerKind::COUNT] = [
    TimerKind::LossProbe,
    TimerKind::Reordering,
    TimerKind::Retransmission,
    TimerKind::Persist,
    TimerKind::KeepAlive,
    TimerKind::DelayedAck,
    TimerKind::TimeWait,
    TimerKind::FinWait2,
    TimerKind::UserTimeout,
    TimerKind::Linger,
    TimerKind::Idle,
];

/// The control bits of RFC 9293 §3.1.
pub(crate) const FLAGS: Table<Flags> = &[
    ("SYN", Flags::SYN),
    ("ACK", Flags::ACK),
    ("FIN", Flags::FIN),
    ("RST", Flags::RST),
    ("PSH", Flags::PSH),
    ("URG", Flags::URG),
    ("ECE", Flags::ECE),
    ("CWR", Flags::CWR),
    ("AE", Flags::AE),
];

/// Why a packet is sent.
pub(crate) const REASONS: Table<SendReason> = &[
    ("new", SendReason::New),
    ("retransmission", SendReason::Retransmission),
    ("fast-retransmission", SendReason::FastRetransmission),
    ("loss-probe", SendReason::LossProbe),
    ("syn-cookie", SendReason::SynCookie),
    ("syn-again", SendReason::SynAgain),
    ("window-probe", SendReason::WindowProbe),
    ("keepalive", SendReason::KeepAlive),
    ("ack", SendReason::Ack),
    ("delayed-ack", SendReason::DelayedAck),
    ("duplicate-ack", SendReason::DuplicateAck),
    ("challenge-ack", SendReason::ChallengeAck),
    ("window-update", SendReason::WindowUpdate),
    ("path-mtu", SendReason::PathMtu),
    ("syn-text", SendReason::SynText),
    ("reset", SendReason::Reset),
];

/// The errors of calls, by their POSIX names.
pub(crate) const ERRORS: [SocketError; 19] = [
    SocketError::WouldBlock,
    SocketError::ConnectionRefused,
    SocketError::ConnectionReset,
    SocketError::ConnectionAborted,
    SocketError::TimedOut,
    SocketError::BrokenPipe,
    SocketError::HostUnreachable,
    SocketError::NetworkUnreachable,
    SocketError::AccessDenied,
    SocketError::NoProtocolOption,
    SocketError::ProtocolError,
    SocketError::NotSupported,
    SocketError::MessageTooLong,
    SocketError::AddressInUse,
    SocketError::AddressNotAvailable,
    SocketError::NotConnected,
    SocketError::AlreadyConnected,
    SocketError::InvalidArgument,
    SocketError::BadSocket,
];

/// What a receiver made of a segment.
pub(crate) const VERDICTS: Table<Verdict> = &[
    ("accepted", Verdict::Accepted),
    ("out-of-order", Verdict::OutOfOrder),
    ("no-connection", Verdict::NoConnection),
    ("no-connection-rst", Verdict::NoConnectionRst),
    ("listen-rst", Verdict::ListenRst),
    ("listen-ack", Verdict::ListenAck),
    ("listen-nothing", Verdict::ListenNothing),
    ("syn-queue-full", Verdict::SynQueueFull),
    ("syn-cookie", Verdict::SynCookie),
    ("accept-queue-full", Verdict::AcceptQueueFull),
    ("accept-queue-full-reset", Verdict::AcceptQueueFullReset),
    ("accept-deferred", Verdict::AcceptDeferred),
    ("syn-sent-bad-ack", Verdict::SynSentBadAck),
    ("syn-sent-rst", Verdict::SynSentRst),
    ("syn-sent-nothing", Verdict::SynSentNothing),
    ("old-timestamp", Verdict::OldTimestamp),
    ("old-duplicate", Verdict::OldDuplicate),
    ("outside-window", Verdict::OutsideWindow),
    ("outside-window-rst", Verdict::OutsideWindowRst),
    ("no-timestamps", Verdict::NoTimestamps),
    ("rst-challenged", Verdict::RstChallenged),
    ("syn-challenged", Verdict::SynChallenged),
    ("syn-reset", Verdict::SynReset),
    ("no-ack", Verdict::NoAck),
    ("syn-received-bad-ack", Verdict::SynReceivedBadAck),
    ("ack-too-old", Verdict::AckTooOld),
    ("ack-of-unsent", Verdict::AckOfUnsent),
    ("text-after-close", Verdict::TextAfterClose),
    ("after-fin", Verdict::AfterFin),
    ("trimmed", Verdict::Trimmed),
    ("reassembly-full", Verdict::ReassemblyFull),
    ("spurious-rst", Verdict::SpuriousRst),
    ("time-wait-fin", Verdict::TimeWaitFin),
    ("time-wait-ack", Verdict::TimeWaitAck),
    ("time-wait-rst", Verdict::TimeWaitRst),
    ("time-wait-rst-ignored", Verdict::TimeWaitRstIgnored),
    ("challenge-limited", Verdict::ChallengeLimited),
    ("bad-checksum", Verdict::BadChecksum),
    ("icmp-hard", Verdict::IcmpHard),
    ("icmp-soft", Verdict::IcmpSoft),
    ("icmp-ignored", Verdict::IcmpIgnored),
    ("icmp-stale", Verdict::IcmpStale),
    ("icmp-too-big", Verdict::IcmpTooBig),
    ("not-ours", Verdict::NotOurs),
];

/// The calls of an application whose results can be expected, as the world's trace names them.
pub(crate) const CALLS: &[&str] = &[
    "listen",
    "accept",
    "connect",
    "write",
    "read",
    "read-to-end",
    "echo",
    "relay",
    "shutdown",
    "close",
    "abort",
    "set",
    "wait",
];

/// The value of a name in a table.
pub(crate) fn look_up<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The name of a value in a table.
pub(crate) fn name_of<T: PartialEq>(table: Table<T>, value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("?", |(name, _)| name)
}

/// What a file defines under a name, for looking up and for "did you mean".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// The hosts, in the order of the file.
    pub(crate) hosts: Vec<String>,
    /// What fault rules hold packets under.
    pub(crate) holds: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{CALLS, ERRORS};

    #[test]
    fn the_page_names_every_call_and_every_error() {
        let page = include_str!("../../../../docs/scenario-language.md");
        let (_, section) = page.split_once("### Calls and errors").expect("the section");
        let (section, _) = section.split_once("\n## ").expect("a section behind it");
        let names = CALLS.iter().copied().chain(ERRORS.map(twomsl_tcp::SocketError::name));
        for name in names {
            assert!(section.contains(&format!("`{name}`")), "{name}");
        }
    }
}
