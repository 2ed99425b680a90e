//! Bytes → meaning → bytes, and meaning → bytes → meaning.

use bytes::Bytes;
use proptest::prelude::*;
use twomsl_wire::{Body, EmitError, Flags, IcmpKind, Options, Packet, TcpOption};

use crate::samples::{
    CLIENT, CLIENT6, KINDS_V4, KINDS_V6, SERVER, SERVER6, any_packet, icmp, segment, v4, v6,
};

#[test]
fn an_ipv4_packet_has_these_bytes() {
    #[rustfmt::skip]
    let expected = [
        // Version and header length, DSCP and ECN, total length 49; identification, "don't fragment".
        0x45, 0x00, 0x00, 0x31, 0x00, 0x00, 0x40, 0x00,
        // TTL, TCP, checksum; 10.0.0.1, 10.0.0.2.
        0x40, 0x06, 0x26, 0xc5, 10, 0, 0, 1, 10, 0, 0, 2,
        // Ports, sequence number, acknowledgment.
        0xc0, 0x00, 0x00, 0x50, 0xff, 0xff, 0xff, 0xf0, 0x00, 0x00, 0x00, 0x01,
        // Data offset 6 words, PSH and ACK; window, checksum, urgent pointer.
        0x60, 0x18, 0xfa, 0xf0, 0x84, 0xfc, 0x00, 0x07,
        // MSS 1460; "hello".
        0x02, 0x04, 0x05, 0xb4, b'h', b'e', b'l', b'l', b'o',
    ];
    assert_eq!(v4().emit().unwrap(), expected);
}

#[test]
fn text_is_shared_with_the_bytes_it_was_read_from() {
    let octets = Bytes::from(v6().emit().unwrap());
    let packet = Packet::parse_bytes(&octets).unwrap();
    let text = &packet.segment().unwrap().payload;
    assert_eq!(text.as_ptr_range().end, octets.as_ptr_range().end);
}

#[test]
fn options_of_odd_length_come_back_padded() {
    let mut packet = v4();
    let Body::Tcp(segment) = &mut packet.body else { unreachable!("v4() carries TCP") };
    segment.options = Options::NONE;
    segment.options.push(TcpOption::WindowScale(7)).unwrap();
    let back = Packet::parse(&packet.emit().unwrap()).unwrap();
    assert_eq!(back.segment().unwrap().options.as_bytes(), [3, 3, 7, 0]);
}

#[test]
fn the_reserved_bits_of_the_tcp_header_are_ignored() {
    for packet in [v4(), v6()] {
        let mut octets = packet.emit().unwrap();
        let header = octets.len() - segment().header_len() - segment().payload.len();
        octets[header + 12] |= 0b1110;
        crate::samples::repair_tcp(&mut octets, header);
        assert_eq!(Packet::parse(&octets), Ok(packet));
    }
}

#[test]
fn accurate_ecn_is_the_bit_next_to_the_data_offset() {
    let mut packet = v4();
    let Body::Tcp(segment) = &mut packet.body else { unreachable!("v4() carries TCP") };
    segment.flags = Flags::AE;
    let octets = packet.emit().unwrap();
    assert_eq!(octets[32..34], [0x61, 0x00]);
    assert_eq!(Packet::parse(&octets), Ok(packet));
}

#[test]
fn every_icmp_message_of_each_family_survives() {
    let v4 = KINDS_V4.map(|kind| icmp(kind, CLIENT, SERVER));
    let v6 = KINDS_V6.map(|kind| icmp(kind, CLIENT6, SERVER6));
    for packet in v4.into_iter().chain(v6) {
        assert_eq!(Packet::parse(&packet.emit().unwrap()), Ok(packet));
    }
}

#[test]
fn contradictory_packets_have_no_bytes() {
    let too_big = IcmpKind::PacketTooBig { mtu: 65_536 };
    let quench = IcmpKind::SourceQuench;
    let route = IcmpKind::SourceRouteFailed;
    let mut mixed_quote = icmp(quench, CLIENT, SERVER);
    if let Body::Icmp(message) = &mut mixed_quote.body {
        message.quote.src = CLIENT6;
    }
    let mut other_quote = icmp(quench, CLIENT6, SERVER6);
    (other_quote.src, other_quote.dst) = (SERVER, CLIENT);
    let table = [
        (Packet { dst: SERVER6, ..v4() }, EmitError::MixedFamilies),
        (mixed_quote, EmitError::MixedFamilies),
        (other_quote, EmitError::QuoteFamily),
        (icmp(too_big, CLIENT, SERVER), EmitError::IcmpKind { kind: too_big }),
        (icmp(quench, CLIENT6, SERVER6), EmitError::IcmpKind { kind: quench }),
        (icmp(route, CLIENT6, SERVER6), EmitError::IcmpKind { kind: route }),
    ];
    for (packet, error) in table {
        assert_eq!(packet.emit(), Err(error), "{packet:?}");
    }
}

#[test]
fn a_packet_is_as_long_as_its_length_field_can_say_and_no_longer() {
    // IPv4 counts its own header of 20 octets; the TCP header takes 24 in both.
    for (packet, most) in [(v4(), 65_535 - 44), (v6(), 65_535 - 24)] {
        let with = |length: usize| {
            let mut packet = packet.clone();
            if let Body::Tcp(segment) = &mut packet.body {
                segment.payload = Bytes::from(vec![0x5a; length]);
            }
            packet
        };
        let longest = with(most);
        assert_eq!(Packet::parse(&longest.emit().unwrap()), Ok(longest));
        let error = EmitError::TooLong { octets: most + 25 };
        assert_eq!(with(most + 1).emit(), Err(error));
    }
}

proptest! {
    #[test]
    fn a_packet_comes_back_from_its_bytes(packet in any_packet()) {
        let octets = packet.emit().unwrap();
        prop_assert_eq!(octets.len(), packet.encoded_len());
        prop_assert_eq!(Packet::parse(&octets), Ok(packet));
    }

    #[test]
    fn bytes_come_back_from_their_packet(packet in any_packet()) {
        let octets = packet.emit().unwrap();
        let again = Packet::parse_bytes(&Bytes::from(octets.clone())).unwrap().emit();
        prop_assert_eq!(again, Ok(octets));
    }
}
