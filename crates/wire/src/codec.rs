//! Bytes → meaning → bytes.
//!
//! Reading is strict where a wrong guess would hide damage (lengths, checksums) and
//! indifferent to fields TCP has no use for: flow label, identification, IPv4
//! options, IPv6 extension headers, and the reserved bits of the TCP header, which
//! "must be ignored in received segments" (RFC 9293 §3.1). Writing leaves all of those zero.
//!
//! A single flipped bit is always noticed, with the exception of the 36 bits of an IPv6
//! header that no checksum covers: traffic class, flow label and hop limit. TCP makes nothing of
//! them but of the ECN field, so it is deceived at most about congestion.

mod icmp;
mod ip;
mod ipv4;
mod ipv6;
mod tcp;

use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;

use crate::checksum::Checksum;
use crate::{Body, EmitError, Packet, ParseError, Part};
use ip::{Addresses, Datagram, Head, Protocol};

impl Packet {
    /// Reads an IP packet. The text of a segment is copied;
    /// [`parse_bytes`](Self::parse_bytes) shares it instead.
    ///
    /// # Errors
    /// [`ParseError`] for anything but a whole, undamaged packet of a kind [`Body`] has.
    pub fn parse(octets: &[u8]) -> Result<Self, ParseError> {
        Self::parse_bytes(&Bytes::copy_from_slice(octets))
    }

    /// Reads an IP packet. The text of a segment is a slice of `octets`, which lives as
    /// long as the segment does: the way for a driver that receives into buffers of its own.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_bytes(octets: &Bytes) -> Result<Self, ParseError> {
        let datagram = parse_ip(octets)?;
        let body = parse_body(&datagram, octets)?;
        let Head { addresses, hop_limit, dscp, ecn, .. } = datagram.head;
        Ok(Self { src: addresses.src(), dst: addresses.dst(), hop_limit, dscp, ecn, body })
    }

    /// The bytes of this packet: no IP options or extension headers, IPv4 with "don't
    /// fragment" set and identification 0 (RFC 6864 §4.1), all checksums right.
    ///
    /// # Errors
    /// [`EmitError`] when the fields contradict each other or exceed a length field.
    pub fn emit(&self) -> Result<Vec<u8>, EmitError> {
        let addresses = Addresses::new(self.src, self.dst)?;
        // One allocation of the right size: captures write every packet of a run.
        let mut out = Vec::with_capacity(self.encoded_len());
        self.emit_ip(addresses, &mut out)?;
        match &self.body {
            Body::Tcp(segment) => tcp::emit(segment, addresses, &mut out),
            Body::Icmp(message) => icmp::emit(message, addresses, &mut out)?,
        }
        Ok(out)
    }

    /// How many octets [`emit`](Self::emit) makes: what the packet weighs on a link.
    pub fn encoded_len(&self) -> usize {
        let header = match self.src {
            IpAddr::V4(_) => ipv4::HEADER,
            IpAddr::V6(_) => ipv6::HEADER,
        };
        header + self.body_len()
    }

    fn body_len(&self) -> usize {
        match &self.body {
            Body::Tcp(segment) => segment.header_len() + segment.payload.len(),
            Body::Icmp(message) => icmp::encoded_len(message),
        }
    }

    fn emit_ip(&self, addresses: Addresses, out: &mut Vec<u8>) -> Result<(), EmitError> {
        let protocol = match (&self.body, addresses) {
            (Body::Tcp(_), _) => Protocol::TCP,
            (Body::Icmp(_), Addresses::V4 { .. }) => Protocol::ICMP,
            (Body::Icmp(_), Addresses::V6 { .. }) => Protocol::ICMPV6,
        };
        let Self { hop_limit, dscp, ecn, .. } = *self;
        let head = Head { addresses, hop_limit, dscp, ecn, protocol };
        head.emit(self.body_len(), out)
    }
}

/// Reads the IP header, whose version decides on everything after it.
fn parse_ip(octets: &[u8]) -> Result<Datagram<'_>, ParseError> {
    match octets.first().map(|first| first >> 4) {
        Some(4) => ipv4::parse(octets),
        Some(6) => ipv6::parse(octets),
        Some(version) => Err(ParseError::Version(version)),
        None => Err(ParseError::Truncated { part: Part::IpHeader, need: 1, have: 0 }),
    }
}

/// Reads what the packet carries.
fn parse_body(datagram: &Datagram<'_>, octets: &Bytes) -> Result<Body, ParseError> {
    // Each family has its own ICMP: number 1 means nothing in an IPv6 packet.
    match (datagram.head.protocol, datagram.head.addresses) {
        (Protocol::TCP, _) => tcp::parse(datagram, octets).map(Body::Tcp),
        (Protocol::ICMP, Addresses::V4 { .. }) => icmp::parse_v4(datagram).map(Body::Icmp),
        (Protocol::ICMPV6, Addresses::V6 { .. }) => icmp::parse_v6(datagram).map(Body::Icmp),
        (Protocol(number), _) => Err(ParseError::Protocol(number)),
    }
}

/// The first `N` octets of a part, and what follows them.
fn split<const N: usize>(octets: &[u8], part: Part) -> Result<(&[u8; N], &[u8]), ParseError> {
    octets.split_first_chunk().ok_or(ParseError::Truncated { part, need: N, have: octets.len() })
}

/// The first `need` octets of a part.
fn prefix(octets: &[u8], need: usize, part: Part) -> Result<&[u8], ParseError> {
    octets.get(..need).ok_or(ParseError::Truncated { part, need, have: octets.len() })
}

/// Writes the checksum of a message into the field at `at`, which is zero so far.
fn seal(message: &mut [u8], at: usize, pseudo_header: Checksum) {
    let checksum = pseudo_header.add(message).finish();
    message[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}
