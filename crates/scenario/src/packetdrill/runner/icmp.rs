//! ICMP messages of scripts: their names in both dialects, and what they quote.

use std::net::IpAddr;

use twomsl_tcp::wire::{Icmp, IcmpKind, Quote};

use super::sockets::{Socket, live};
use crate::packetdrill::script::{IcmpSpec, SequenceBase};

/// What a script wants to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// One that TCP is told of.
    Error(Icmp),
    /// One that no TCP hears of: an echo, a redirect.
    OfNoConcern,
}

/// A name that is none of ICMP's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// The types of a family, with their codes.
type Table = &'static [(&'static str, u8, Codes)];
/// The codes of a type.
type Codes = &'static [(&'static str, u8)];

#[rustfmt::skip]
const V4: Table = &[
    ("echo_reply", 0, &[]),
    ("unreachable", 3, &[
        ("net_unreachable", 0), ("host_unreachable", 1), ("protocol_unreachable", 2),
        ("port_unreachable", 3), ("frag_needed", 4), ("source_route_failed", 5),
        ("net_unknown", 6), ("host_unknown", 7), ("source_host_isolated", 8),
        ("net_prohibited", 9), ("host_prohibited", 10), ("net_unreachable_for_tos", 11),
        ("host_unreachable_for_tos", 12), ("packet_filtered", 13),
        ("precedence_violation", 14), ("precedence_cutoff", 15),
    ]),
    ("source_quench", 4, &[]),
    ("redirect", 5, &[
        ("net_redirect", 0), ("host_redirect", 1), ("net_redirect_for_tos", 2), ("host_redirect_for_tos", 3),
    ]),
    ("echo_request", 8, &[]),
    ("time_exceeded", 11, &[("ttl_exceeded", 0), ("exceeded_ttl", 0), ("reassembly_timeout", 1), ("exceeded_fragtime", 1)]),
    ("parameter_problem", 12, &[("pointer", 0), ("missing_option", 1), ("bad_length", 2)]),
];

#[rustfmt::skip]
const V6: Table = &[
    ("unreachable", 1, &[
        ("no_route", 0), ("net_unreachable", 0), ("admin_prohibited", 1), ("beyond_scope", 2), ("not_neighbour", 2),
        ("address_unreachable", 3), ("host_unreachable", 3), ("port_unreachable", 4),
        ("source_address_failed", 5), ("reject_route", 6),
    ]),
    ("packet_too_big", 2, &[]),
    ("time_exceeded", 3, &[("hop_limit_exceeded", 0), ("exceeded_hop_limit", 0), ("reassembly_timeout", 1), ("exceeded_fragtime", 1)]),
    ("parameter_problem", 4, &[("erroneous_header_field", 0), ("header_field", 0), ("unknown_next_header", 1), ("unrecognized_next_header", 1), ("unknown_option", 2)]),
    ("echo_request", 128, &[]),
    ("echo_reply", 129, &[]),
    ("redirect", 137, &[]),
];

/// Type and code, by name or number.
fn numbers(spec: &IcmpSpec, family: IpAddr) -> Result<(u8, u8), Unknown> {
    let table = if family.is_ipv4() { V4 } else { V6 };
    let row = table.iter().find(|(name, ..)| *name == spec.kind);
    let kind = row.map(|(_, number, _)| *number).or_else(|| number(&spec.kind));
    let kind = kind.ok_or_else(|| Unknown(spec.kind.clone()))?;
    let Some(code) = &spec.code else { return Ok((kind, 0)) };
    let codes = row.or_else(|| table.iter().find(|(_, number, _)| *number == kind));
    let named = codes.and_then(|(_, _, codes)| codes.iter().find(|(name, _)| name == code));
    let code = named.map(|(_, code)| *code).or_else(|| number(code));
    Ok((kind, code.ok_or_else(|| Unknown(spec.code.clone().unwrap_or_default()))?))
}

fn number(text: &str) -> Option<u8> {
    let text = text.trim();
    let hexadecimal =
        text.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
    hexadecimal.or_else(|| text.parse().ok())
}

/// What a message says to a TCP. RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1 have the codes.
fn kind(spec: &IcmpSpec, family: IpAddr) -> Result<Option<IcmpKind>, Unknown> {
    let numbers = numbers(spec, family)?;
    let mtu = spec.mtu.unwrap_or(0);
    Ok(if family.is_ipv4() { kind_v4(numbers, mtu) } else { kind_v6(numbers, mtu) })
}

const fn kind_v4(numbers: (u8, u8), mtu: u32) -> Option<IcmpKind> {
    Some(match numbers {
        (3, 0 | 6 | 11) => IcmpKind::NetUnreachable,
        (3, 1 | 7 | 8 | 12) => IcmpKind::HostUnreachable,
        (3, 2) => IcmpKind::ProtocolUnreachable,
        (3, 3) => IcmpKind::PortUnreachable,
        (3, 4) => IcmpKind::PacketTooBig { mtu },
        (3, 5) => IcmpKind::SourceRouteFailed,
        (3, 9 | 10 | 13..=15) => IcmpKind::AdminProhibited,
        (4, 0) => IcmpKind::SourceQuench,
        (11, 0) => IcmpKind::HopLimitExceeded,
        (11, 1) => IcmpKind::ReassemblyTimeout,
        (12, _) => IcmpKind::ParameterProblem,
        _ => return None,
    })
}

/// RFC 4443 §3.
const fn kind_v6(numbers: (u8, u8), mtu: u32) -> Option<IcmpKind> {
    Some(match numbers {
        (1, 0) => IcmpKind::NetUnreachable,
        (1, 1 | 5 | 6) => IcmpKind::AdminProhibited,
        (1, 2 | 3) => IcmpKind::HostUnreachable,
        (1, 4) => IcmpKind::PortUnreachable,
        (2, _) => IcmpKind::PacketTooBig { mtu },
        (3, 0) => IcmpKind::HopLimitExceeded,
        (3, 1) => IcmpKind::ReassemblyTimeout,
        (4, 1) => IcmpKind::ProtocolUnreachable,
        (4, _) => IcmpKind::ParameterProblem,
        _ => return None,
    })
}

/// The message about a segment of the stack. Without a quote in the script, it is one that begins
/// at the initial sequence number.
pub(super) fn message(spec: &IcmpSpec, socket: &Socket) -> Result<Message, Unknown> {
    let Some(kind) = kind(spec, socket.local.ip())? else { return Ok(Message::OfNoConcern) };
    if spec.about_other.is_some() {
        return Ok(Message::OfNoConcern);
    }
    let (start, base) =
        spec.about.map_or((0, SequenceBase::Live), |about| (about.start.unwrap_or(0), about.base));
    let offset = match base {
        SequenceBase::Live => socket.local_isn.live,
        SequenceBase::Absolute => 0,
    };
    let quote = Quote {
        src: socket.local.ip(),
        dst: socket.remote.ip(),
        src_port: socket.local.port(),
        dst_port: socket.remote.port(),
        seq: live(start, offset),
    };
    Ok(Message::Error(Icmp { kind, quote }))
}

/// Whether the stack sent the message that the script expects.
pub(super) fn matches(spec: &IcmpSpec, message: &Icmp, socket: &Socket) -> bool {
    kind(spec, socket.local.ip()) == Ok(Some(message.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: &str, code: Option<&str>) -> IcmpSpec {
        IcmpSpec {
            kind: kind.to_owned(),
            code: code.map(str::to_owned),
            mtu: Some(1200),
            about: None,
            about_other: None,
        }
    }

    #[test]
    fn names_and_numbers_mean_the_same() {
        let v4: IpAddr = [192, 0, 2, 1].into();
        let v6: IpAddr = std::net::Ipv6Addr::LOCALHOST.into();
        let table = [
            (v4, "unreachable", Some("port_unreachable"), Some(IcmpKind::PortUnreachable)),
            (v4, "unreachable", Some("frag_needed"), Some(IcmpKind::PacketTooBig { mtu: 1200 })),
            (v4, "3", Some("13"), Some(IcmpKind::AdminProhibited)),
            (v4, "source_quench", None, Some(IcmpKind::SourceQuench)),
            (v4, "echo_request", None, None),
            (v6, "packet_too_big", None, Some(IcmpKind::PacketTooBig { mtu: 1200 })),
            (v6, "unreachable", Some("address_unreachable"), Some(IcmpKind::HostUnreachable)),
            (v6, "1", Some("port_unreachable"), Some(IcmpKind::PortUnreachable)),
        ];
        for (family, name, code, expected) in table {
            assert_eq!(kind(&spec(name, code), family), Ok(expected), "{name} {code:?}");
        }
        assert_eq!(kind(&spec("elephant", None), v4), Err(Unknown("elephant".to_owned())));
        let code = kind(&spec("unreachable", Some("packet_too_big")), v6);
        assert_eq!(code, Err(Unknown("packet_too_big".to_owned())));
    }
}
