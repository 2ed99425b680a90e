//! The TCP header (RFC 9293 §3.1).

use alloc::vec::Vec;

use bytes::Bytes;

use super::ip::{Addresses, Datagram, Protocol};
use super::{prefix, seal, split};
use crate::{Flags, Options, ParseError, Part, Segment, SeqNum};

/// Where the checksum stands.
const CHECKSUM: usize = 16;

/// Reads a segment whose text becomes a slice of `whole`, the packet around it.
pub(super) fn parse(datagram: &Datagram<'_>, whole: &Bytes) -> Result<Segment, ParseError> {
    let octets = datagram.payload;
    let (fixed, _) = split::<{ Segment::FIXED_HEADER }>(octets, Part::TcpHeader)?;
    let header = prefix(octets, header_length(fixed)?, Part::TcpHeader)?;
    // MUST-3. The pseudo header has the length, so that a cut segment does not pass either.
    let sum = datagram.head.addresses.pseudo_header(Protocol::TCP, octets.len());
    if !sum.add(octets).is_right() {
        return Err(ParseError::Checksum { part: Part::TcpSegment });
    }
    let payload = whole.slice_ref(&octets[header.len()..]);
    Ok(segment(fixed, &header[fixed.len()..], payload))
}

/// Appends a segment with its checksum (MUST-2).
pub(super) fn emit(segment: &Segment, addresses: Addresses, out: &mut Vec<u8>) {
    let start = out.len();
    // The data offset in words, and the flags, of which the highest is in its octet.
    let offset = (segment.header_len() / 4) as u16;
    let offset_and_flags = (offset << 12) | segment.flags.bits() & Flags::all().bits();
    out.extend_from_slice(&segment.src_port.to_be_bytes());
    out.extend_from_slice(&segment.dst_port.to_be_bytes());
    out.extend_from_slice(&segment.seq.value().to_be_bytes());
    out.extend_from_slice(&segment.ack.value().to_be_bytes());
    out.extend_from_slice(&offset_and_flags.to_be_bytes());
    out.extend_from_slice(&segment.window.to_be_bytes());
    // The checksum, zero while it is computed.
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&segment.urgent.to_be_bytes());
    out.extend_from_slice(segment.options.as_padded_bytes());
    out.extend_from_slice(&segment.payload);
    // The text is in place, so that header and text are summed in one pass.
    let message = &mut out[start..];
    let sum = addresses.pseudo_header(Protocol::TCP, message.len());
    seal(message, CHECKSUM, sum);
}

/// The data offset in octets.
fn header_length(fixed: &[u8; Segment::FIXED_HEADER]) -> Result<usize, ParseError> {
    let octets = usize::from(fixed[12] >> 4) * 4;
    if octets < fixed.len() {
        return Err(ParseError::Length { part: Part::TcpHeader, octets });
    }
    Ok(octets)
}

/// The fields of the header. They are taken as they are, whatever the control bits make of
/// them: it is up to the TCP not to look at SEG.ACK without ACK or at SEG.UP without URG. Options
/// may come in any segment (MUST-5).
fn segment(fixed: &[u8; Segment::FIXED_HEADER], options: &[u8], payload: Bytes) -> Segment {
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, f0, f1, w0, w1, _, _, u0, u1] = fixed;
    Segment {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        seq: SeqNum::new(u32::from_be_bytes([q0, q1, q2, q3])),
        ack: SeqNum::new(u32::from_be_bytes([a0, a1, a2, a3])),
        // The three reserved bits between data offset and AE fall away here as
        // RFC 9293 §3.1 asks: "must be ignored in received segments".
        flags: Flags::from_bits_truncate(u16::from_be_bytes([f0, f1])),
        window: u16::from_be_bytes([w0, w1]),
        urgent: u16::from_be_bytes([u0, u1]),
        // A data offset of 15 words leaves 40 octets, so this cannot be too much.
        options: Options::from_bytes(options).unwrap_or_default(),
        payload,
    }
}
