//! The ICMP (RFC 792, 1122, 1191) and ICMPv6 (RFC 4443) errors that TCP reacts to.

use core::net::IpAddr;

use crate::SeqNum;

/// An ICMP or ICMPv6 error about a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// What went wrong.
    pub kind: IcmpKind,
    /// The head of the packet it went wrong with.
    pub quote: Quote,
}

/// What an error message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpKind {
    /// v4 3/0; v6 1/0 "no route". Read also from v4 3/6 and 3/11.
    NetUnreachable,
    /// v4 3/1; v6 1/3 "address unreachable". Read also from v4 3/7, 3/8, 3/12 and v6 1/2.
    HostUnreachable,
    /// v4 3/2; v6 4/1, the parameter problem "unrecognized next header".
    ProtocolUnreachable,
    /// v4 3/3; v6 1/4.
    PortUnreachable,
    /// v4 3/4 with the next hop's MTU (RFC 1191; 0 when an old router did not say); v6 2/0.
    PacketTooBig {
        /// The MTU in octets.
        mtu: u32,
    },
    /// v4 3/5. Not in v6.
    SourceRouteFailed,
    /// v4 3/13; v6 1/1. Read also from v4 3/9, 3/10, 3/14, 3/15 and v6 1/5, 1/6.
    AdminProhibited,
    /// v4 4/0. Deprecated by RFC 6633; TCP must ignore it (MUST-55). Not in v6.
    SourceQuench,
    /// v4 11/0; v6 3/0.
    HopLimitExceeded,
    /// v4 11/1; v6 3/1.
    ReassemblyTimeout,
    /// v4 12; v6 4 but for code 1.
    ParameterProblem,
}

/// What an error message repeats of the packet it is about: enough to find the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// The source of the packet in error: the host that now receives the message.
    pub src: IpAddr,
    /// Its destination.
    pub dst: IpAddr,
    /// Its source port.
    pub src_port: u16,
    /// Its destination port.
    pub dst_port: u16,
    /// Its sequence number, against which RFC 5927 §4.1 checks the message.
    pub seq: SeqNum,
}
