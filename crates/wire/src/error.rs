//! What can be wrong with bytes, and with a packet that should become bytes.

use core::fmt;

use crate::IcmpKind;

/// Why bytes are not a packet this crate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The octets end too early.
    #[error("{part} needs {need} octets; there are {have}")]
    Truncated {
        /// Where.
        part: Part,
        /// How many octets it needs, as far as can be told.
        need: usize,
        /// How many there are.
        have: usize,
    },
    /// The version field of the IP header is neither 4 nor 6.
    #[error("IP version {0} is neither 4 nor 6")]
    Version(u8),
    /// A length field says less than the header it stands in takes.
    #[error("{part} says it is {octets} octets long, less than its fixed fields take")]
    Length {
        /// Where.
        part: Part,
        /// What the length field says, in octets.
        octets: usize,
    },
    /// Octets follow the end of an IPv6 packet.
    #[error("{0} octets follow the end of the packet")]
    Trailing(usize),
    /// The checksum does not match.
    #[error("{part} has a bad checksum")]
    Checksum {
        /// Whose.
        part: Part,
    },
    /// The packet is a fragment. With path MTU discovery TCP sends none (RFC 9293 §3.7.2),
    /// and nothing reassembles here.
    #[error("the packet is a fragment")]
    Fragment,
    /// An IPv6 routing header with addresses still to visit: the packet is not at its
    /// destination, and the checksum is made for another one (RFC 8200 §8.1).
    #[error("the routing header has {segments_left} segments left")]
    SourceRouted {
        /// The routing header's field of that name.
        segments_left: u8,
    },
    /// The packet carries neither TCP nor its family's ICMP, but this protocol number.
    #[error("protocol {0} is neither TCP nor ICMP of the same family")]
    Protocol(u8),
    /// An ICMP message that is not an error, or not one about TCP.
    #[error("{part} of type {kind}, code {code} is not one TCP reacts to")]
    IcmpMessage {
        /// ICMP or ICMPv6.
        part: Part,
        /// Its type field.
        kind: u8,
        /// Its code field.
        code: u8,
    },
    /// The packet an ICMP message quotes is of the other IP version, not TCP, or a later fragment.
    #[error("the quoted packet is not the start of a TCP segment")]
    Quote,
}

/// A part of a packet, to say where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// An IP header before its version is known.
    IpHeader,
    /// An IPv4 header.
    Ipv4Header,
    /// What an IPv4 header announces: itself and its payload.
    Ipv4Packet,
    /// An IPv6 header.
    Ipv6Header,
    /// What an IPv6 header announces: itself and its payload.
    Ipv6Packet,
    /// An IPv6 extension header.
    Ipv6Extension,
    /// The header of a TCP segment.
    TcpHeader,
    /// A TCP segment, header and text.
    TcpSegment,
    /// An ICMP message.
    IcmpMessage,
    /// An ICMPv6 message.
    Icmpv6Message,
    /// The head of a packet inside an ICMP or ICMPv6 message.
    Quote,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IpHeader => "IP header",
            Self::Ipv4Header => "IPv4 header",
            Self::Ipv4Packet => "IPv4 packet",
            Self::Ipv6Header => "IPv6 header",
            Self::Ipv6Packet => "IPv6 packet",
            Self::Ipv6Extension => "IPv6 extension header",
            Self::TcpHeader => "TCP header",
            Self::TcpSegment => "TCP segment",
            Self::IcmpMessage => "ICMP message",
            Self::Icmpv6Message => "ICMPv6 message",
            Self::Quote => "quoted packet",
        })
    }
}

/// Why a packet has no bytes: its fields say something that IP cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// One address is IPv4, the other IPv6.
    #[error("source and destination address are of different families")]
    MixedFamilies,
    /// An ICMP message quotes a packet of the other family.
    #[error("the quoted packet is of another family than the packet around it")]
    QuoteFamily,
    /// The packet is longer than the length field of its IP header can say.
    #[error("a payload of {octets} octets is more than an IP packet can carry")]
    TooLong {
        /// The length of what follows the IP header.
        octets: usize,
    },
    /// The family's ICMP has no such message, or not with this MTU.
    #[error("{kind:?} cannot be said in the ICMP of this family")]
    IcmpKind {
        /// The message.
        kind: IcmpKind,
    },
}
