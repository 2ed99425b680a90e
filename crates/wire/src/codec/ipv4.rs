//! The IPv4 header (RFC 791 §3.1).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::ip::{Addresses, Datagram, Head, Protocol};
use super::{prefix, seal, split};
use crate::checksum::Checksum;
use crate::{Ecn, EmitError, ParseError, Part};

/// Octets of a header without options.
pub(super) const HEADER: usize = 20;

/// Where the header checksum stands.
const CHECKSUM: usize = 10;

// The 16 bits of flags and fragment offset. The highest flag is reserved: ignored.
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Reads a packet. Octets after its total length are the padding of a short Ethernet frame.
pub(super) fn parse(octets: &[u8]) -> Result<Datagram<'_>, ParseError> {
    let (fixed, _) = split::<HEADER>(octets, Part::Ipv4Header)?;
    let header = prefix(octets, header_length(fixed)?, Part::Ipv4Header)?;
    // Before any other field is believed.
    if !Checksum::default().add(header).is_right() {
        return Err(ParseError::Checksum { part: Part::Ipv4Header });
    }
    if word(fixed, 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0 {
        return Err(ParseError::Fragment);
    }
    let total = usize::from(word(fixed, 2));
    let packet = prefix(octets, total, Part::Ipv4Packet)?;
    let payload = packet
        .get(header.len()..)
        .ok_or(ParseError::Length { part: Part::Ipv4Packet, octets: total })?;
    Ok(Datagram { head: head(fixed), payload })
}

/// Reads the head of a packet that an ICMP message repeats: its addresses and what follows
/// its header. Routers may have changed the header, so its checksum says nothing here.
pub(super) fn parse_quote(octets: &[u8]) -> Result<(Head, &[u8]), ParseError> {
    let (fixed, _) = split::<HEADER>(octets, Part::Quote)?;
    // Of a fragmented packet only the first fragment has the ports.
    if fixed[0] >> 4 != 4 || word(fixed, 6) & FRAGMENT_OFFSET != 0 {
        return Err(ParseError::Quote);
    }
    let length = header_length(fixed)?;
    prefix(octets, length, Part::Quote)?;
    Ok((head(fixed), &octets[length..]))
}

/// Appends a header for a payload of `length` octets.
pub(super) fn emit(
    head: &Head,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    length: usize,
    out: &mut Vec<u8>,
) -> Result<(), EmitError> {
    let total = u16::try_from(HEADER + length)
        .map_err(|_| EmitError::TooLong { octets: length })?
        .to_be_bytes();
    let mut header = [0; HEADER];
    header[0] = (4 << 4) | (HEADER / 4) as u8;
    header[1] = head.traffic_class();
    header[2..4].copy_from_slice(&total);
    // Path MTU discovery needs the flag (RFC 9293 §3.7.2), and with it set the
    // identification field at 4..6 has no meaning and may be zero (RFC 6864 §4.1).
    header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
    header[8] = head.hop_limit;
    header[9] = head.protocol.0;
    header[12..16].copy_from_slice(&src.octets());
    header[16..20].copy_from_slice(&dst.octets());
    seal(&mut header, CHECKSUM, Checksum::default());
    out.extend_from_slice(&header);
    Ok(())
}

/// The length of the header in octets, options included.
fn header_length(fixed: &[u8; HEADER]) -> Result<usize, ParseError> {
    let octets = usize::from(fixed[0] & 0x0f) * 4;
    if octets < HEADER {
        return Err(ParseError::Length { part: Part::Ipv4Header, octets });
    }
    Ok(octets)
}

/// The fields we keep; options are behind them and say nothing to TCP (MUST-50).
fn head(fixed: &[u8; HEADER]) -> Head {
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    let addresses =
        Addresses::V4 { src: Ipv4Addr::new(s0, s1, s2, s3), dst: Ipv4Addr::new(d0, d1, d2, d3) };
    Head {
        addresses,
        hop_limit: fixed[8],
        dscp: fixed[1] >> 2,
        ecn: Ecn::from_low_bits(fixed[1]),
        protocol: Protocol(fixed[9]),
    }
}

/// A 16-bit field.
fn word(fixed: &[u8; HEADER], at: usize) -> u16 {
    u16::from_be_bytes([fixed[at], fixed[at + 1]])
}
