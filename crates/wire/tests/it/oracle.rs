//! `etherparse` as a second opinion: it reads what we write, and we read what it writes.

use std::net::IpAddr;

use etherparse::{
    Icmpv4Type, Icmpv6Slice, Icmpv6Type, IpHeaders, IpNumber, Ipv4Header, Ipv6FlowLabel,
    Ipv6Header, NetHeaders, PacketBuilder, PacketHeaders, TcpHeader, TcpOptionElement,
    TcpOptionReadError, TransportHeader, icmpv4, icmpv6,
};
use proptest::prelude::*;
use twomsl_wire::{Ecn, Flags, IcmpKind, Options, Packet, Segment, TcpOption};

use crate::samples::{
    CLIENT, CLIENT6, KINDS_V4, KINDS_V6, SERVER, SERVER6, any_tcp_packet, icmp, v4, v6,
};

/// Where `etherparse` sees the ECN field.
fn ecn_bits(ecn: Ecn) -> u8 {
    match ecn {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    }
}

/// The header that `etherparse` would write for our segment.
fn tcp_header(segment: &Segment) -> TcpHeader {
    let mut header =
        TcpHeader::new(segment.src_port, segment.dst_port, segment.seq.value(), segment.window);
    header.acknowledgment_number = segment.ack.value();
    header.urgent_pointer = segment.urgent;
    header.fin = segment.has(Flags::FIN);
    header.syn = segment.has(Flags::SYN);
    header.rst = segment.has(Flags::RST);
    header.psh = segment.has(Flags::PSH);
    header.ack = segment.has(Flags::ACK);
    header.urg = segment.has(Flags::URG);
    header.ece = segment.has(Flags::ECE);
    header.cwr = segment.has(Flags::CWR);
    // Once the ECN nonce of RFC 3540, now accurate ECN.
    header.ns = segment.has(Flags::AE);
    header.set_options_raw(segment.options.as_bytes()).unwrap();
    header
}

fn ip_headers(packet: &Packet) -> IpHeaders {
    match (packet.src, packet.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header =
                Ipv4Header::new(0, packet.hop_limit, IpNumber::TCP, src.octets(), dst.octets())
                    .unwrap();
            header.dscp = packet.dscp.try_into().unwrap();
            header.ecn = ecn_bits(packet.ecn).try_into().unwrap();
            IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default())
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let header = Ipv6Header {
                traffic_class: packet.dscp << 2 | ecn_bits(packet.ecn),
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: 0,
                next_header: IpNumber::TCP,
                hop_limit: packet.hop_limit,
                source: src.octets(),
                destination: dst.octets(),
            };
            IpHeaders::Ipv6(header, etherparse::Ipv6Extensions::default())
        }
        _ => unreachable!("the samples do not mix families"),
    }
}

/// The bytes that `etherparse` makes for our packet.
fn theirs(packet: &Packet) -> Vec<u8> {
    let segment = packet.segment().expect("a packet with TCP");
    let mut octets = Vec::new();
    PacketBuilder::ip(ip_headers(packet))
        .tcp_header(tcp_header(segment))
        .write(&mut octets, &segment.payload)
        .unwrap();
    octets
}

/// Asserts that what `etherparse` read are the fields of our packet, checksums right.
fn assert_same_segment(read: &PacketHeaders<'_>, segment: &Segment) {
    let Some(TransportHeader::Tcp(tcp)) = &read.transport else {
        panic!("no TCP header in {read:?}");
    };
    let checksum = match &read.net {
        Some(NetHeaders::Ipv4(ip, _)) => {
            assert_eq!(ip.header_checksum, ip.calc_header_checksum());
            assert!(ip.dont_fragment && !ip.more_fragments);
            tcp.calc_checksum_ipv4(ip, &segment.payload).unwrap()
        }
        Some(NetHeaders::Ipv6(ip, _)) => tcp.calc_checksum_ipv6(ip, &segment.payload).unwrap(),
        net => panic!("neither IPv4 nor IPv6: {net:?}"),
    };
    assert_eq!(*tcp, TcpHeader { checksum, ..tcp_header(segment) });
    assert_eq!(read.payload.slice(), &segment.payload[..]);
}

/// Our options in the terms of `etherparse`, as far as it goes: it stops at kinds it does not
/// know and lets us see their number.
fn their_options(options: &Options) -> Vec<Result<TcpOptionElement, TcpOptionReadError>> {
    let mut all = Vec::new();
    for option in options {
        all.push(match option.expect("well-formed") {
            TcpOption::EndOfList => break,
            TcpOption::NoOperation => Ok(TcpOptionElement::Noop),
            TcpOption::MaximumSegmentSize(mss) => Ok(TcpOptionElement::MaximumSegmentSize(mss)),
            TcpOption::WindowScale(shift) => Ok(TcpOptionElement::WindowScale(shift)),
            TcpOption::SackPermitted => Ok(TcpOptionElement::SelectiveAcknowledgementPermitted),
            TcpOption::Sack(blocks) => {
                let mut edges = blocks.iter().map(|(left, right)| (left.value(), right.value()));
                let first = edges.next().expect("at least one block");
                let more = [edges.next(), edges.next(), edges.next()];
                Ok(TcpOptionElement::SelectiveAcknowledgement(first, more))
            }
            TcpOption::Timestamps { value, echo } => Ok(TcpOptionElement::Timestamp(value, echo)),
            TcpOption::FastOpen(_) => Err(TcpOptionReadError::UnknownId(34)),
            TcpOption::Unknown { kind, .. } => Err(TcpOptionReadError::UnknownId(kind)),
        });
        if matches!(all.last(), Some(Err(_))) {
            break;
        }
    }
    all
}

#[test]
fn etherparse_finds_our_icmp_messages_valid() {
    for kind in KINDS_V4 {
        let octets = icmp(kind, CLIENT, SERVER).emit().unwrap();
        let read = PacketHeaders::from_ip_slice(&octets).unwrap();
        let Some(TransportHeader::Icmpv4(header)) = read.transport else {
            panic!("no ICMP header for {kind:?}");
        };
        let checksum = header.icmp_type.calc_checksum(read.payload.slice());
        assert_eq!(header.checksum, checksum, "{kind:?}");
        let (quoted, _) = Ipv4Header::from_slice(read.payload.slice()).unwrap();
        assert_eq!(quoted.header_checksum, quoted.calc_header_checksum());
    }
    for kind in KINDS_V6 {
        let octets = icmp(kind, CLIENT6, SERVER6).emit().unwrap();
        let (header, message) = Ipv6Header::from_slice(&octets).unwrap();
        let message = Icmpv6Slice::from_slice(message).unwrap();
        assert!(message.is_checksum_valid(header.source, header.destination), "{kind:?}");
        let known = !matches!(message.icmp_type(), Icmpv6Type::Unknown { .. });
        assert!(known, "{kind:?}");
    }
}

#[test]
fn the_icmp_messages_of_etherparse_are_read() {
    use icmpv4::DestUnreachableHeader as Unreachable;
    let table = [
        (Icmpv4Type::DestinationUnreachable(Unreachable::Host), IcmpKind::HostUnreachable),
        (
            Icmpv4Type::DestinationUnreachable(Unreachable::FragmentationNeeded {
                next_hop_mtu: 1400,
            }),
            IcmpKind::PacketTooBig { mtu: 1400 },
        ),
        (
            Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit),
            IcmpKind::HopLimitExceeded,
        ),
        (
            Icmpv4Type::ParameterProblem(icmpv4::ParameterProblemHeader::BadLength),
            IcmpKind::ParameterProblem,
        ),
    ];
    let quoted = v4().emit().unwrap();
    for (theirs, kind) in table {
        let mut octets = Vec::new();
        let ip = PacketBuilder::ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64);
        ip.icmpv4(theirs).write(&mut octets, &quoted).unwrap();
        assert_eq!(Packet::parse(&octets), Ok(icmp(kind, CLIENT, SERVER)));
    }
}

#[test]
fn the_icmpv6_messages_of_etherparse_are_read() {
    let table = [
        (
            Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port),
            IcmpKind::PortUnreachable,
        ),
        (Icmpv6Type::PacketTooBig { mtu: 1300 }, IcmpKind::PacketTooBig { mtu: 1300 }),
        (
            Icmpv6Type::TimeExceeded(icmpv6::TimeExceededCode::HopLimitExceeded),
            IcmpKind::HopLimitExceeded,
        ),
    ];
    let (IpAddr::V6(client), IpAddr::V6(server)) = (CLIENT6, SERVER6) else {
        unreachable!("both constants are IPv6");
    };
    let quoted = v6().emit().unwrap();
    for (theirs, kind) in table {
        let mut octets = Vec::new();
        let ip = PacketBuilder::ipv6(server.octets(), client.octets(), 64);
        ip.icmpv6(theirs).write(&mut octets, &quoted).unwrap();
        assert_eq!(Packet::parse(&octets), Ok(icmp(kind, CLIENT6, SERVER6)));
    }
}

proptest! {
    #[test]
    fn etherparse_reads_the_same_fields_from_our_bytes(packet in any_tcp_packet()) {
        let octets = packet.emit().unwrap();
        let read = PacketHeaders::from_ip_slice(&octets).unwrap();
        let segment = packet.segment().unwrap();
        assert_same_segment(&read, segment);
        let Some(TransportHeader::Tcp(tcp)) = &read.transport else { unreachable!() };
        let options: Vec<_> = tcp.options_iterator().collect();
        prop_assert_eq!(options, their_options(&segment.options));
    }

    /// MUST-2.
    /// The strongest form: octet for octet what another implementation writes.
    #[test]
    fn etherparse_writes_the_same_bytes(packet in any_tcp_packet()) {
        let theirs = theirs(&packet);
        prop_assert_eq!(&packet.emit().unwrap(), &theirs);
        prop_assert_eq!(Packet::parse(&theirs), Ok(packet));
    }

    #[test]
    fn packets_of_etherparse_with_fields_we_ignore_are_read(
        packet in any_tcp_packet(),
        label in 0..1_u32 << 20,
        identification: u16,
    ) {
        let mut ip = ip_headers(&packet);
        match &mut ip {
            IpHeaders::Ipv4(header, _) => {
                header.identification = identification;
                header.dont_fragment = false;
                header.options = [0x94, 4, 0, 0].into();
            }
            IpHeaders::Ipv6(header, _) => {
                header.flow_label = label.try_into().unwrap();
            }
        }
        let segment = packet.segment().unwrap();
        let mut octets = Vec::new();
        PacketBuilder::ip(ip)
            .tcp_header(tcp_header(segment))
            .write(&mut octets, &segment.payload)
            .unwrap();
        prop_assert_eq!(Packet::parse(&octets), Ok(packet));
    }
}
