//! Which error each kind of malformed packet gives, and what is tolerated.

use twomsl_wire::{Packet, ParseError, Part};

use crate::samples::{repair_tcp, repair_v4, v4, v6};

/// Our IPv4 packet with some octets overwritten and the header checksum made right.
fn v4_with(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = with(&v4(), changes);
    repair_v4(&mut octets);
    octets
}

fn with(packet: &Packet, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = packet.emit().unwrap();
    for &(at, octet) in changes {
        octets[at] = octet;
    }
    octets
}

/// Our IPv6 packet with extension headers, the first of the given kind.
fn v6_with_extensions(first: u8, extensions: &[u8]) -> Vec<u8> {
    let mut octets = v6().emit().unwrap();
    octets.splice(40..40, extensions.iter().copied());
    let length = (octets.len() - 40) as u16;
    octets[4..6].copy_from_slice(&length.to_be_bytes());
    octets[6] = first;
    octets
}

#[test]
fn malformed_ipv4_packets_say_what_is_wrong() {
    use ParseError::{Checksum, Fragment, Length, Protocol, Truncated, Version};
    let header = Part::Ipv4Header;
    let whole = v4().emit().unwrap();
    let table = [
        (vec![], Truncated { part: Part::IpHeader, need: 1, have: 0 }),
        (vec![0x55; 40], Version(5)),
        (whole[..19].to_vec(), Truncated { part: header, need: 20, have: 19 }),
        (whole[..48].to_vec(), Truncated { part: Part::Ipv4Packet, need: 49, have: 48 }),
        (v4_with(&[(0, 0x44)]), Length { part: header, octets: 16 }),
        (v4_with(&[(0, 0x4f)]), Truncated { part: header, need: 60, have: 49 }),
        (v4_with(&[(3, 19)]), Length { part: Part::Ipv4Packet, octets: 19 }),
        (v4_with(&[(3, 20)]), Truncated { part: Part::TcpHeader, need: 20, have: 0 }),
        (v4_with(&[(6, 0x20)]), Fragment),
        (v4_with(&[(7, 0x01)]), Fragment),
        (v4_with(&[(9, 17)]), Protocol(17)),
        (v4_with(&[(9, 58)]), Protocol(58)),
        (with(&v4(), &[(8, 63)]), Checksum { part: header }),
        (with(&v4(), &[(48, b'0')]), Checksum { part: Part::TcpSegment }),
    ];
    for (octets, error) in table {
        assert_eq!(Packet::parse(&octets), Err(error), "{octets:x?}");
    }
}

#[test]
fn malformed_ipv6_packets_say_what_is_wrong() {
    use ParseError::{Checksum, Fragment, Protocol, SourceRouted, Trailing, Truncated};
    let whole = v6().emit().unwrap();
    let extension = Part::Ipv6Extension;
    let table = [
        (whole[..39].to_vec(), Truncated { part: Part::Ipv6Header, need: 40, have: 39 }),
        (whole[..68].to_vec(), Truncated { part: Part::Ipv6Packet, need: 69, have: 68 }),
        ([&whole[..], &[0, 0]].concat(), Trailing(2)),
        (with(&v6(), &[(6, 17)]), Protocol(17)),
        (with(&v6(), &[(6, 1)]), Protocol(1)),
        (with(&v6(), &[(6, 59)]), Protocol(59)),
        (with(&v6(), &[(68, b'0')]), Checksum { part: Part::TcpSegment }),
        (v6_with_extensions(44, &[6, 0, 0, 0, 0, 0, 0, 9]), Fragment),
        (v6_with_extensions(43, &[6, 0, 4, 1, 0, 0, 0, 0]), SourceRouted { segments_left: 1 }),
        (v6_with_extensions(60, &[6, 9]), Truncated { part: extension, need: 80, have: 31 }),
    ];
    for (octets, error) in table {
        assert_eq!(Packet::parse(&octets), Err(error), "{octets:x?}");
    }
}

#[test]
fn malformed_segments_say_what_is_wrong() {
    let part = Part::TcpHeader;
    let table = [
        (0x40, ParseError::Length { part, octets: 16 }),
        (0x80, ParseError::Truncated { part, need: 32, have: 29 }),
    ];
    for (offset, error) in table {
        let mut octets = with(&v4(), &[(32, offset)]);
        repair_tcp(&mut octets, 20);
        assert_eq!(Packet::parse(&octets), Err(error));
    }
}

#[test]
fn fields_tcp_has_no_use_for_are_tolerated() {
    // Identification, the reserved flag bit and a clear "don't fragment".
    for change in [(4, 0x12), (6, 0xc0), (6, 0x00)] {
        assert_eq!(Packet::parse(&v4_with(&[change])), Ok(v4()), "{change:?}");
    }
    // The flow label.
    for change in [(1, 0x0f), (3, 0x12)] {
        assert_eq!(Packet::parse(&with(&v6(), &[change])), Ok(v6()), "{change:?}");
    }
}

#[test]
fn the_codepoint_is_the_six_high_bits_of_the_traffic_class() {
    // In IPv6 the traffic class stands across two octets.
    let parsed = |octets: &[u8]| Packet::parse(octets).unwrap().dscp;
    assert_eq!(parsed(&v4_with(&[(1, 0xb8)])), 46);
    assert_eq!(parsed(&with(&v6(), &[(0, 0x6b), (1, 0x80)])), 46);
    // More than six bits have no place.
    let packet = Packet { dscp: 0xff, ..v6() };
    assert_eq!(parsed(&packet.emit().unwrap()), 63);
}

#[test]
fn ipv4_options_are_skipped_and_ethernet_padding_is_cut_off() {
    // MUST-50.
    let mut octets = v4().emit().unwrap();
    octets.splice(20..20, [0x94, 4, 0, 0]);
    (octets[0], octets[3]) = (0x46, 53);
    repair_v4(&mut octets);
    octets.extend([0; 6]);
    assert_eq!(Packet::parse(&octets), Ok(v4()));
}

#[test]
fn ipv6_extension_headers_are_skipped() {
    let hop_by_hop = [60, 0, 5, 2, 0, 0, 1, 0];
    let destination = [43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let routing_used_up = [6, 0, 4, 0, 0, 0, 0, 0];
    let all = [&hop_by_hop[..], &destination, &routing_used_up].concat();
    assert_eq!(Packet::parse(&v6_with_extensions(0, &all)), Ok(v6()));
}

#[test]
fn errors_read_as_sentences() {
    let table = [
        (
            ParseError::Truncated { part: Part::TcpHeader, need: 20, have: 7 },
            "TCP header needs 20 octets; there are 7",
        ),
        (ParseError::Checksum { part: Part::TcpSegment }, "TCP segment has a bad checksum"),
        (
            ParseError::IcmpMessage { part: Part::IcmpMessage, kind: 8, code: 0 },
            "ICMP message of type 8, code 0 is not one TCP reacts to",
        ),
    ];
    for (error, sentence) in table {
        assert_eq!(error.to_string(), sentence);
    }
}
