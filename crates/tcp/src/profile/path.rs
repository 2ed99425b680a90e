//! What ICMP means for connections, and how large packets may be (RFC 9293 §3.9.2.2, §3.7.2).

/// What an ICMP "destination unreachable" does to a connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreachable {
    /// It is remembered, and told when the attempt times out (RFC 9293 §3.9.2.2, MUST-56).
    Soft,
    /// It ends the attempt at once (Linux; RFC 5461 §4.1).
    EndsAttempt,
    /// It ends the attempt at once if somebody prohibits it; else when it is told again after the
    /// SYN was sent four times (FreeBSD's `tcp_ctlinput` and `tcp_notify`, `icmp_may_rst`).
    Insistent,
}

/// What is tried when a router does not tell the MTU (RFC 1191 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownMtu {
    /// The next smaller one that is common (RFC 1191 §7.1).
    Plateau,
    /// The smallest that is believed (Linux).
    Smallest,
}

/// How a black hole for large packets is found without ICMP (RFC 4821, RFC 2923 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MtuProbing {
    /// It is not.
    Off,
    /// When nothing was acknowledged for three seconds segments are 1024 octets, and with every
    /// further timeout half as large, down to 48 (Linux' `tcp_mtu_probing` = 1).
    Halving,
    /// With the second timeout segments are 1200 octets, with the fourth 536, with the sixth as
    /// large as before; for IPv6 1220 and as before (FreeBSD's `pmtud_blackhole_detection` = 1).
    TwoSteps,
}
