//! The IPv6 header and its extension headers (RFC 8200 §3, §4).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::ip::{Addresses, Datagram, Head, Protocol};
use super::{prefix, split};
use crate::{Ecn, EmitError, ParseError, Part};

/// Octets of the fixed header.
pub(super) const HEADER: usize = 40;

// The next header numbers of RFC 8200 §4 that lead to more headers.
// Encryption and authentication (50, 51) lead on too, but not to anything we could read.
const HOP_BY_HOP: Protocol = Protocol(0);
const ROUTING: Protocol = Protocol(43);
const FRAGMENT: Protocol = Protocol(44);
const DESTINATION_OPTIONS: Protocol = Protocol(60);

/// Reads a packet.
///
/// The payload length has to match the octets there are exactly. No checksum covers the
/// field but through the length of the message, so a flipped bit that shortens the packet
/// could otherwise go unnoticed. A packet with TCP is longer than the shortest Ethernet
/// frame, so that unlike with IPv4 there is no padding to be lenient about.
pub(super) fn parse(octets: &[u8]) -> Result<Datagram<'_>, ParseError> {
    let (fixed, rest) = split::<HEADER>(octets, Part::Ipv6Header)?;
    let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    prefix(octets, HEADER + length, Part::Ipv6Packet)?;
    if rest.len() > length {
        return Err(ParseError::Trailing(rest.len() - length));
    }
    let mut head = head(fixed);
    let payload = skip_extensions(&mut head.protocol, rest)?;
    Ok(Datagram { head, payload })
}

/// Reads the head of a packet that an ICMPv6 message repeats: its addresses and what
/// follows its headers.
pub(super) fn parse_quote(octets: &[u8]) -> Result<(Head, &[u8]), ParseError> {
    let (fixed, rest) = split::<HEADER>(octets, Part::Quote)?;
    if fixed[0] >> 4 != 6 {
        return Err(ParseError::Quote);
    }
    let mut head = head(fixed);
    let payload = skip_extensions(&mut head.protocol, rest)?;
    Ok((head, payload))
}

/// Appends a header for a payload of `length` octets.
pub(super) fn emit(
    head: &Head,
    src: Ipv6Addr,
    dst: Ipv6Addr,
    length: usize,
    out: &mut Vec<u8>,
) -> Result<(), EmitError> {
    let payload_length =
        u16::try_from(length).map_err(|_| EmitError::TooLong { octets: length })?.to_be_bytes();
    // The traffic class straddles the first two octets: its low half is the high half of
    // the second. The flow label after it stays zero, "unlabelled" (RFC 6437 §2).
    let class = head.traffic_class();
    out.extend_from_slice(&[6 << 4 | class >> 4, class << 4, 0, 0]);
    out.extend_from_slice(&payload_length);
    out.extend_from_slice(&[head.protocol.0, head.hop_limit]);
    out.extend_from_slice(&src.octets());
    out.extend_from_slice(&dst.octets());
    Ok(())
}

/// The fields we keep. `protocol` is so far the number of the next header, whatever it is.
fn head(fixed: &[u8; HEADER]) -> Head {
    let class = fixed[0] << 4 | fixed[1] >> 4;
    Head {
        addresses: Addresses::V6 { src: address(fixed, 8), dst: address(fixed, 24) },
        hop_limit: fixed[7],
        dscp: class >> 2,
        ecn: Ecn::from_low_bits(class),
        protocol: Protocol(fixed[6]),
    }
}

fn address(fixed: &[u8; HEADER], at: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&fixed[at..at + 16]);
    Ipv6Addr::from_octets(octets)
}

/// What follows the extension headers; `next` becomes the number of that.
///
/// None of them changes what TCP sees, with two exceptions: a routing header that is not
/// yet used up, and a fragment header, which even on a whole packet ("atomic fragment",
/// RFC 6946) is more than this network has a use for. Every turn takes 8 octets at least.
/// RFC 8200 §4.1 recommends an order of the headers; receivers take them in any.
fn skip_extensions<'a>(next: &mut Protocol, mut rest: &'a [u8]) -> Result<&'a [u8], ParseError> {
    while matches!(*next, HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS) {
        let (&[number, units, _, segments_left, ..], _) = split::<8>(rest, Part::Ipv6Extension)?;
        if *next == ROUTING && segments_left != 0 {
            return Err(ParseError::SourceRouted { segments_left });
        }
        // In units of 8 octets, the first of which does not count.
        let length = (usize::from(units) + 1) * 8;
        prefix(rest, length, Part::Ipv6Extension)?;
        rest = &rest[length..];
        *next = Protocol(number);
    }
    if *next == FRAGMENT { Err(ParseError::Fragment) } else { Ok(rest) }
}
