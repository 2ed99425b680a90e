//! What IPv4 and IPv6 have in common.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ipv4, ipv6};
use crate::checksum::Checksum;
use crate::{Ecn, EmitError};

/// The fields of an IP header that twomsl knows, whichever the version.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) addresses: Addresses,
    /// IPv4's time to live.
    pub(super) hop_limit: u8,
    /// The six high bits of IPv4's type of service octet and of IPv6's traffic class.
    pub(super) dscp: u8,
    /// The two low bits of the same.
    pub(super) ecn: Ecn,
    /// The number of what follows the header, in IPv6 of what follows the last one.
    pub(super) protocol: Protocol,
}

/// A received packet without its IP header.
pub(super) struct Datagram<'a> {
    pub(super) head: Head,
    /// Exactly the message inside: no padding, no extension headers.
    pub(super) payload: &'a [u8],
}

/// Two addresses of one family: what IP can send between.
#[derive(Clone, Copy)]
pub(super) enum Addresses {
    V4 { src: Ipv4Addr, dst: Ipv4Addr },
    V6 { src: Ipv6Addr, dst: Ipv6Addr },
}

/// A number from IANA's "Assigned Internet Protocol Numbers".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Protocol(pub(super) u8);

impl Head {
    /// IPv4's type of service octet, IPv6's traffic class. What is more than six bits of a codepoint
    /// falls away.
    pub(super) const fn traffic_class(&self) -> u8 {
        self.dscp << 2 | self.ecn.bits()
    }

    /// Appends an IP header for a payload of `length` octets.
    pub(super) fn emit(&self, length: usize, out: &mut Vec<u8>) -> Result<(), EmitError> {
        match self.addresses {
            Addresses::V4 { src, dst } => ipv4::emit(self, src, dst, length, out),
            Addresses::V6 { src, dst } => ipv6::emit(self, src, dst, length, out),
        }
    }
}

impl Addresses {
    /// The check that makes every later step free of mixed families.
    pub(super) const fn new(src: IpAddr, dst: IpAddr) -> Result<Self, EmitError> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Ok(Self::V4 { src, dst }),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Ok(Self::V6 { src, dst }),
            _ => Err(EmitError::MixedFamilies),
        }
    }

    pub(super) const fn src(self) -> IpAddr {
        match self {
            Self::V4 { src, .. } => IpAddr::V4(src),
            Self::V6 { src, .. } => IpAddr::V6(src),
        }
    }

    pub(super) const fn dst(self) -> IpAddr {
        match self {
            Self::V4 { dst, .. } => IpAddr::V4(dst),
            Self::V6 { dst, .. } => IpAddr::V6(dst),
        }
    }

    /// The sum of the pseudo header before a message of `length` octets (RFC 9293 §3.1,
    /// RFC 8200 §8.1). A sum has no order, so the layouts differ only in the addresses.
    pub(super) fn pseudo_header(self, protocol: Protocol, length: usize) -> Checksum {
        let sum = Checksum::default().add_u32(u32::from(protocol.0)).add_u32(length as u32);
        match self {
            Self::V4 { src, dst } => sum.add(&src.octets()).add(&dst.octets()),
            Self::V6 { src, dst } => sum.add(&src.octets()).add(&dst.octets()),
        }
    }
}

impl Protocol {
    pub(super) const ICMP: Self = Self(1);
    pub(super) const TCP: Self = Self(6);
    pub(super) const ICMPV6: Self = Self(58);
}

impl Ecn {
    /// The field from the octet or half octet whose two lowest bits hold it (RFC 3168 §5).
    pub(super) const fn from_low_bits(octet: u8) -> Self {
        match octet & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits.
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0b00,
            Self::Ect1 => 0b01,
            Self::Ect0 => 0b10,
            Self::Ce => 0b11,
        }
    }
}
