//! ICMP (RFC 792) and ICMPv6 (RFC 4443) error messages.
//!
//! Both have a type, a code, a checksum, four octets whose use depends on the type, and
//! the head of the packet in error.

use alloc::vec::Vec;

use super::ip::{Addresses, Datagram, Head, Protocol};
use super::{ipv4, ipv6, seal, split};
use crate::checksum::Checksum;
use crate::{Ecn, EmitError, Icmp, IcmpKind, Packet, ParseError, Part, Quote, Segment, SeqNum};

/// Octets before the quoted packet.
const HEADER: usize = 8;

/// Where the checksum stands.
const CHECKSUM: usize = 2;

/// The octets of TCP every message repeats (RFC 792): ports and sequence number. RFC 1812
/// §4.3.2.3 and RFC 4443 §3 ask for more, which this crate reads past and does not write.
const QUOTED: usize = 8;

/// Type, code and the four octets whose meaning they fix.
type Said = (u8, u8, [u8; 4]);

/// Reads an ICMP message.
pub(super) fn parse_v4(datagram: &Datagram<'_>) -> Result<Icmp, ParseError> {
    let sum = Checksum::default();
    let (said, quoted) = parse_header(datagram.payload, sum, Part::IcmpMessage)?;
    let kind = kind_v4(said).ok_or_else(|| unknown(said, Part::IcmpMessage))?;
    let (head, tcp) = ipv4::parse_quote(quoted)?;
    Ok(Icmp { kind, quote: parse_quote(&head, tcp)? })
}

/// Reads an ICMPv6 message, whose checksum covers a pseudo header (RFC 4443 §2.3).
pub(super) fn parse_v6(datagram: &Datagram<'_>) -> Result<Icmp, ParseError> {
    let octets = datagram.payload;
    let sum = datagram.head.addresses.pseudo_header(Protocol::ICMPV6, octets.len());
    let (said, quoted) = parse_header(octets, sum, Part::Icmpv6Message)?;
    let kind = kind_v6(said).ok_or_else(|| unknown(said, Part::Icmpv6Message))?;
    let (head, tcp) = ipv6::parse_quote(quoted)?;
    Ok(Icmp { kind, quote: parse_quote(&head, tcp)? })
}

/// Appends a message with its checksum.
pub(super) fn emit(
    message: &Icmp,
    addresses: Addresses,
    out: &mut Vec<u8>,
) -> Result<(), EmitError> {
    let start = out.len();
    let length = encoded_len(message);
    let (said, sum) = match addresses {
        Addresses::V4 { .. } => (said_v4(message.kind), Checksum::default()),
        Addresses::V6 { .. } => {
            (said_v6(message.kind), addresses.pseudo_header(Protocol::ICMPV6, length))
        }
    };
    let (kind, code, rest) = said.ok_or(EmitError::IcmpKind { kind: message.kind })?;
    out.extend_from_slice(&[kind, code, 0, 0]);
    out.extend_from_slice(&rest);
    emit_quote(&message.quote, addresses, out)?;
    seal(&mut out[start..], CHECKSUM, sum);
    Ok(())
}

/// The length of the message in octets.
pub(super) const fn encoded_len(message: &Icmp) -> usize {
    let ip = if message.quote.src.is_ipv4() { ipv4::HEADER } else { ipv6::HEADER };
    HEADER + ip + QUOTED
}

/// The fixed part of a message, once the checksum has shown that it can be believed.
fn parse_header(octets: &[u8], sum: Checksum, part: Part) -> Result<(Said, &[u8]), ParseError> {
    let (&[kind, code, _, _, rest @ ..], quoted) = split::<HEADER>(octets, part)?;
    if !sum.add(octets).is_right() {
        return Err(ParseError::Checksum { part });
    }
    Ok(((kind, code, rest), quoted))
}

/// What finds the connection, from the octets after the quoted IP header.
fn parse_quote(head: &Head, tcp: &[u8]) -> Result<Quote, ParseError> {
    // About UDP, say: of no interest to a TCP, and its octets are no sequence number.
    if head.protocol != Protocol::TCP {
        return Err(ParseError::Quote);
    }
    let (&[s0, s1, d0, d1, seq @ ..], _) = split::<QUOTED>(tcp, Part::Quote)?;
    Ok(Quote {
        src: head.addresses.src(),
        dst: head.addresses.dst(),
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        seq: SeqNum::new(u32::from_be_bytes(seq)),
    })
}

/// Rebuilds the head of the packet in error. A [`Quote`] does not know how long it was or
/// how far it had come, so it is shown as a segment without text, fresh from its sender.
fn emit_quote(quote: &Quote, around: Addresses, out: &mut Vec<u8>) -> Result<(), EmitError> {
    let addresses = Addresses::new(quote.src, quote.dst)?;
    if addresses.src().is_ipv4() != around.src().is_ipv4() {
        return Err(EmitError::QuoteFamily);
    }
    let hop_limit = Packet::DEFAULT_HOP_LIMIT;
    let protocol = Protocol::TCP;
    let head = Head { addresses, hop_limit, dscp: 0, ecn: Ecn::NotEct, protocol };
    head.emit(Segment::FIXED_HEADER, out)?;
    out.extend_from_slice(&quote.src_port.to_be_bytes());
    out.extend_from_slice(&quote.dst_port.to_be_bytes());
    out.extend_from_slice(&quote.seq.value().to_be_bytes());
    Ok(())
}

/// The error for a message TCP has no use for: echo, redirect, neighbour discovery.
const fn unknown((kind, code, _): Said, part: Part) -> ParseError {
    ParseError::IcmpMessage { part, kind, code }
}

/// What an ICMP message says. The codes that RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1 add to
/// RFC 792's are refinements of the others, and TCP treats them alike.
const fn kind_v4((kind, code, rest): Said) -> Option<IcmpKind> {
    let [_, _, m0, m1] = rest;
    Some(match (kind, code) {
        (3, 0 | 6 | 11) => IcmpKind::NetUnreachable,
        (3, 1 | 7 | 8 | 12) => IcmpKind::HostUnreachable,
        (3, 2) => IcmpKind::ProtocolUnreachable,
        (3, 3) => IcmpKind::PortUnreachable,
        (3, 4) => IcmpKind::PacketTooBig { mtu: u16::from_be_bytes([m0, m1]) as u32 },
        (3, 5) => IcmpKind::SourceRouteFailed,
        // 13 is what RFC 1812 §5.2.7.1 has routers send; 9 and 10 are older, for networks and hosts.
        (3, 9 | 10 | 13..=15) => IcmpKind::AdminProhibited,
        (4, 0) => IcmpKind::SourceQuench,
        (11, 0) => IcmpKind::HopLimitExceeded,
        (11, 1) => IcmpKind::ReassemblyTimeout,
        (12, _) => IcmpKind::ParameterProblem,
        _ => return None,
    })
}

/// The ICMP message that says `kind`; `None` for an MTU its 16 bits cannot say.
fn said_v4(kind: IcmpKind) -> Option<Said> {
    let (kind, code) = match kind {
        IcmpKind::NetUnreachable => (3, 0),
        IcmpKind::HostUnreachable => (3, 1),
        IcmpKind::ProtocolUnreachable => (3, 2),
        IcmpKind::PortUnreachable => (3, 3),
        IcmpKind::PacketTooBig { mtu } => {
            let [m0, m1] = u16::try_from(mtu).ok()?.to_be_bytes();
            return Some((3, 4, [0, 0, m0, m1]));
        }
        IcmpKind::SourceRouteFailed => (3, 5),
        IcmpKind::AdminProhibited => (3, 13),
        IcmpKind::SourceQuench => (4, 0),
        IcmpKind::HopLimitExceeded => (11, 0),
        IcmpKind::ReassemblyTimeout => (11, 1),
        // The pointer to the octet in error, here 0, is nothing TCP could act on.
        IcmpKind::ParameterProblem => (12, 0),
    };
    Some((kind, code, [0; 4]))
}

/// What an ICMPv6 message says (RFC 4443 §3). Beyond scope (2) is read as an address that
/// cannot be reached, failed policy and reject route (5, 6) as prohibited.
const fn kind_v6((kind, code, rest): Said) -> Option<IcmpKind> {
    Some(match (kind, code) {
        (1, 0) => IcmpKind::NetUnreachable,
        (1, 1 | 5 | 6) => IcmpKind::AdminProhibited,
        (1, 2 | 3) => IcmpKind::HostUnreachable,
        (1, 4) => IcmpKind::PortUnreachable,
        // "The Code field [...] is ignored by the receiver" (RFC 4443 §3.2).
        (2, _) => IcmpKind::PacketTooBig { mtu: u32::from_be_bytes(rest) },
        (3, 0) => IcmpKind::HopLimitExceeded,
        (3, 1) => IcmpKind::ReassemblyTimeout,
        // An unrecognized next header: the host has no TCP.
        (4, 1) => IcmpKind::ProtocolUnreachable,
        (4, _) => IcmpKind::ParameterProblem,
        _ => return None,
    })
}

/// The ICMPv6 message that says `kind`; `None` if there is none.
const fn said_v6(kind: IcmpKind) -> Option<Said> {
    let (kind, code) = match kind {
        IcmpKind::NetUnreachable => (1, 0),
        IcmpKind::AdminProhibited => (1, 1),
        IcmpKind::HostUnreachable => (1, 3),
        IcmpKind::PortUnreachable => (1, 4),
        IcmpKind::PacketTooBig { mtu } => return Some((2, 0, mtu.to_be_bytes())),
        IcmpKind::HopLimitExceeded => (3, 0),
        IcmpKind::ReassemblyTimeout => (3, 1),
        IcmpKind::ProtocolUnreachable => (4, 1),
        IcmpKind::ParameterProblem => (4, 0),
        IcmpKind::SourceRouteFailed | IcmpKind::SourceQuench => return None,
    };
    Some((kind, code, [0; 4]))
}
