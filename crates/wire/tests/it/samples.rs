//! Packets to test with: a few by hand, and strategies that draw any.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use twomsl_wire::{
    Body, Ecn, Flags, Icmp, IcmpKind, Options, Packet, Quote, SackBlocks, Segment, SeqNum,
    TcpOption,
};

pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
pub(crate) const CLIENT6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
pub(crate) const SERVER6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2));

/// A segment with something in every field.
pub(crate) fn segment() -> Segment {
    let mut options = Options::NONE;
    options.push(TcpOption::MaximumSegmentSize(1460)).unwrap();
    Segment {
        src_port: 49152,
        dst_port: 80,
        seq: SeqNum::new(0xffff_fff0),
        ack: SeqNum::new(1),
        flags: Flags::PSH | Flags::ACK,
        window: 64240,
        urgent: 7,
        options,
        payload: Bytes::from_static(b"hello"),
    }
}

pub(crate) fn v4() -> Packet {
    Packet::tcp(CLIENT, SERVER, segment())
}

pub(crate) fn v6() -> Packet {
    Packet::tcp(CLIENT6, SERVER6, segment())
}

/// An error message about `segment()`, from the server's side back to the client.
pub(crate) fn icmp(kind: IcmpKind, client: IpAddr, server: IpAddr) -> Packet {
    let quote = Quote {
        src: client,
        dst: server,
        src_port: 49152,
        dst_port: 80,
        seq: SeqNum::new(0xffff_fff0),
    };
    Packet { body: Body::Icmp(Icmp { kind, quote }), ..Packet::tcp(server, client, segment()) }
}

/// The kinds of message that ICMP can carry.
pub(crate) const KINDS_V4: [IcmpKind; 11] = [
    IcmpKind::NetUnreachable,
    IcmpKind::HostUnreachable,
    IcmpKind::ProtocolUnreachable,
    IcmpKind::PortUnreachable,
    IcmpKind::PacketTooBig { mtu: 1280 },
    IcmpKind::SourceRouteFailed,
    IcmpKind::AdminProhibited,
    IcmpKind::SourceQuench,
    IcmpKind::HopLimitExceeded,
    IcmpKind::ReassemblyTimeout,
    IcmpKind::ParameterProblem,
];

/// The kinds of message that `ICMPv6` can carry.
pub(crate) const KINDS_V6: [IcmpKind; 9] = [
    IcmpKind::NetUnreachable,
    IcmpKind::HostUnreachable,
    IcmpKind::ProtocolUnreachable,
    IcmpKind::PortUnreachable,
    IcmpKind::PacketTooBig { mtu: 100_000 },
    IcmpKind::AdminProhibited,
    IcmpKind::HopLimitExceeded,
    IcmpKind::ReassemblyTimeout,
    IcmpKind::ParameterProblem,
];

/// Any packet that has bytes. Its options are padded, as they come back from the wire.
pub(crate) fn any_packet() -> impl Strategy<Value = Packet> {
    let v4 = (any_v4(), any_v4(), any_body(any_v4(), KINDS_V4.to_vec()));
    let v6 = (any_v6(), any_v6(), any_body(any_v6(), KINDS_V6.to_vec()));
    (prop_oneof![v4.boxed(), v6.boxed()], any::<u8>(), 0..64_u8, any_ecn()).prop_map(
        |((src, dst, body), hop_limit, dscp, ecn)| Packet { src, dst, hop_limit, dscp, ecn, body },
    )
}

/// Any packet with a segment.
pub(crate) fn any_tcp_packet() -> impl Strategy<Value = Packet> {
    any_packet().prop_filter("carries TCP", |packet| packet.segment().is_some())
}

fn any_body(
    address: impl Strategy<Value = IpAddr> + Clone,
    kinds: Vec<IcmpKind>,
) -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => any_segment().prop_map(Body::Tcp),
        1 => (select(kinds), any_quote(address))
            .prop_map(|(kind, quote)| Body::Icmp(Icmp { kind, quote })),
    ]
}

fn any_quote(address: impl Strategy<Value = IpAddr> + Clone) -> impl Strategy<Value = Quote> {
    (address.clone(), address, any::<u16>(), any::<u16>(), any_seq())
        .prop_map(|(src, dst, src_port, dst_port, seq)| Quote { src, dst, src_port, dst_port, seq })
}

pub(crate) fn any_segment() -> impl Strategy<Value = Segment> {
    let ports = (any::<u16>(), any::<u16>());
    let numbers = (any_seq(), any_seq(), any::<u16>(), any::<u16>());
    let flags = any::<u16>().prop_map(Flags::from_bits_truncate);
    let payload = vec(any::<u8>(), 0..48).prop_map(Bytes::from);
    (ports, numbers, flags, any_options(), payload).prop_map(
        |((src_port, dst_port), (seq, ack, window, urgent), flags, options, payload)| Segment {
            src_port,
            dst_port,
            seq,
            ack,
            flags,
            window,
            urgent,
            options: options.padded(),
            payload,
        },
    )
}

/// Well-formed options, as many as fit, not padded.
pub(crate) fn any_options() -> impl Strategy<Value = Options> {
    let option = prop_oneof![
        Just(vec![1]),
        any::<u16>().prop_map(|mss| alone(TcpOption::MaximumSegmentSize(mss))),
        any::<u8>().prop_map(|shift| alone(TcpOption::WindowScale(shift))),
        Just(alone(TcpOption::SackPermitted)),
        any_blocks().prop_map(|blocks| alone(TcpOption::Sack(blocks))),
        any::<(u32, u32)>().prop_map(|(value, echo)| alone(TcpOption::Timestamps { value, echo })),
        vec(any::<u8>(), 4).prop_map(|cookie| alone(TcpOption::FastOpen(&cookie))),
        (35..=255_u8, vec(any::<u8>(), 0..6))
            .prop_map(|(kind, data)| alone(TcpOption::Unknown { kind, data: &data })),
    ];
    vec(option, 0..6).prop_map(|options| {
        let mut octets = Vec::new();
        for option in options {
            if octets.len() + option.len() <= Options::MAX {
                octets.extend(option);
            }
        }
        Options::from_bytes(&octets).unwrap()
    })
}

pub(crate) fn any_blocks() -> impl Strategy<Value = SackBlocks> {
    vec((any_seq(), any_seq()), 1..=SackBlocks::MAX)
        .prop_map(|blocks| SackBlocks::new(&blocks).unwrap())
}

/// The bytes of one option.
fn alone(option: TcpOption<'_>) -> Vec<u8> {
    let mut options = Options::NONE;
    options.push(option).unwrap();
    options.as_bytes().to_vec()
}

pub(crate) fn any_seq() -> impl Strategy<Value = SeqNum> {
    any::<u32>().prop_map(SeqNum::new)
}

fn any_v4() -> impl Strategy<Value = IpAddr> + Clone {
    any::<[u8; 4]>().prop_map(IpAddr::from)
}

fn any_v6() -> impl Strategy<Value = IpAddr> + Clone {
    any::<[u8; 16]>().prop_map(IpAddr::from)
}

pub(crate) fn any_ecn() -> impl Strategy<Value = Ecn> {
    select(vec![Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce])
}

/// The checksum by the book, octet pair by octet pair, to make damaged packets look whole.
pub(crate) fn checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u16;
    for pair in octets.chunks(2) {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let (added, carry) = sum.overflowing_add(word);
        sum = added + u16::from(carry);
    }
    !sum
}

/// Sets the IPv4 header checksum right.
pub(crate) fn repair_v4(octets: &mut [u8]) {
    let header = usize::from(octets[0] & 0x0f) * 4;
    octets[10..12].fill(0);
    let right = checksum(&octets[..header.min(octets.len())]);
    octets[10..12].copy_from_slice(&right.to_be_bytes());
}

/// Sets the checksum of the segment right that follows `header` octets of IP header.
pub(crate) fn repair_tcp(octets: &mut [u8], header: usize) {
    let addresses = if octets[0] >> 4 == 4 { 12..20 } else { 8..40 };
    let length = (octets.len() - header) as u32;
    octets[header + 16..header + 18].fill(0);
    let mut summed = octets[addresses].to_vec();
    summed.extend(length.to_be_bytes());
    summed.extend([0, 0, 0, 6]);
    summed.extend(&octets[header..]);
    let right = checksum(&summed);
    octets[header + 16..header + 18].copy_from_slice(&right.to_be_bytes());
}
