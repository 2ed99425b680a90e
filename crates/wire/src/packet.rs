//! IP packets: what travels over a link.

use core::net::IpAddr;

use crate::{Icmp, Segment};

/// An IP packet with what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// The source address. Of the same family as `dst`.
    pub src: IpAddr,
    /// The destination address.
    pub dst: IpAddr,
    /// IPv4's time to live, IPv6's hop limit.
    pub hop_limit: u8,
    /// The DiffServ codepoint (RFC 2474 §3): six bits.
    pub dscp: u8,
    /// The ECN field of the IP header.
    pub ecn: Ecn,
    /// What is inside.
    pub body: Body,
}

/// The transport message in a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// An ICMP or ICMPv6 error message.
    Icmp(Icmp),
}

/// The ECN field (RFC 3168 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct,
    /// ECT(1).
    Ect1,
    /// ECT(0).
    Ect0,
    /// Congestion experienced.
    Ce,
}

impl Packet {
    /// The hop limit that hosts send with (RFC 1700, and Linux' `ip_default_ttl`).
    pub const DEFAULT_HOP_LIMIT: u8 = 64;

    /// A packet around a segment, with ordinary header fields.
    pub const fn tcp(src: IpAddr, dst: IpAddr, segment: Segment) -> Self {
        Self {
            src,
            dst,
            hop_limit: Self::DEFAULT_HOP_LIMIT,
            dscp: 0,
            ecn: Ecn::NotEct,
            body: Body::Tcp(segment),
        }
    }

    /// The segment inside, if it is one.
    pub const fn segment(&self) -> Option<&Segment> {
        match &self.body {
            Body::Tcp(segment) => Some(segment),
            Body::Icmp(_) => None,
        }
    }
}
