//! ICMP and ICMPv6: which messages are read as what, and which are refused.

use twomsl_wire::{Body, IcmpKind, Packet, ParseError, Part};

use crate::samples::{CLIENT, CLIENT6, SERVER, SERVER6, checksum, icmp, repair_v4};

/// An ICMP message with octets overwritten (counted from its type field), checksums right.
fn v4_with(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = icmp(IcmpKind::PortUnreachable, CLIENT, SERVER).emit().unwrap();
    for &(at, octet) in changes {
        octets[20 + at] = octet;
    }
    octets[22..24].fill(0);
    let right = checksum(&octets[20..]);
    octets[22..24].copy_from_slice(&right.to_be_bytes());
    octets
}

/// The same for `ICMPv6`, whose checksum covers a pseudo header.
fn v6_with(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = icmp(IcmpKind::PortUnreachable, CLIENT6, SERVER6).emit().unwrap();
    for &(at, octet) in changes {
        octets[40 + at] = octet;
    }
    octets[42..44].fill(0);
    let length = (octets.len() - 40) as u8;
    let summed = [&octets[8..40], &[0, 0, 0, length, 0, 0, 0, 58], &octets[40..]].concat();
    octets[42..44].copy_from_slice(&checksum(&summed).to_be_bytes());
    octets
}

fn kind(octets: &[u8]) -> Result<IcmpKind, ParseError> {
    match Packet::parse(octets)?.body {
        Body::Icmp(message) => Ok(message.kind),
        Body::Tcp(_) => unreachable!("the protocol field says ICMP"),
    }
}

#[test]
fn every_code_of_icmp_is_read_as_what_tcp_makes_of_it() {
    use IcmpKind::{
        AdminProhibited, HopLimitExceeded, HostUnreachable, NetUnreachable, PacketTooBig,
        ParameterProblem, PortUnreachable, ProtocolUnreachable, ReassemblyTimeout, SourceQuench,
        SourceRouteFailed,
    };
    let table: [(u8, &[u8], IcmpKind); 12] = [
        (3, &[0, 6, 11], NetUnreachable),
        (3, &[1, 7, 8, 12], HostUnreachable),
        (3, &[2], ProtocolUnreachable),
        (3, &[3], PortUnreachable),
        (3, &[4], PacketTooBig { mtu: 0 }),
        (3, &[5], SourceRouteFailed),
        (3, &[9, 10, 13, 14, 15], AdminProhibited),
        (4, &[0], SourceQuench),
        (11, &[0], HopLimitExceeded),
        (11, &[1], ReassemblyTimeout),
        (12, &[0], ParameterProblem),
        (12, &[1, 2], ParameterProblem),
    ];
    for (number, codes, expected) in table {
        for &code in codes {
            assert_eq!(kind(&v4_with(&[(0, number), (1, code)])), Ok(expected), "{number}/{code}");
        }
    }
}

#[test]
fn every_code_of_icmpv6_is_read_as_what_tcp_makes_of_it() {
    use IcmpKind::{
        AdminProhibited, HopLimitExceeded, HostUnreachable, NetUnreachable, PacketTooBig,
        ParameterProblem, PortUnreachable, ProtocolUnreachable, ReassemblyTimeout,
    };
    let table: [(u8, &[u8], IcmpKind); 9] = [
        (1, &[0], NetUnreachable),
        (1, &[1, 5, 6], AdminProhibited),
        (1, &[2, 3], HostUnreachable),
        (1, &[4], PortUnreachable),
        (2, &[0, 9], PacketTooBig { mtu: 0 }),
        (3, &[0], HopLimitExceeded),
        (3, &[1], ReassemblyTimeout),
        (4, &[1], ProtocolUnreachable),
        (4, &[0, 2, 3], ParameterProblem),
    ];
    for (number, codes, expected) in table {
        for &code in codes {
            assert_eq!(kind(&v6_with(&[(0, number), (1, code)])), Ok(expected), "{number}/{code}");
        }
    }
}

#[test]
fn messages_tcp_has_no_use_for_are_refused_by_name() {
    // Echo, redirect, codes from nowhere; neighbour discovery.
    for (number, code) in [(8, 0), (0, 0), (5, 1), (3, 16), (11, 2), (4, 1)] {
        let error = ParseError::IcmpMessage { part: Part::IcmpMessage, kind: number, code };
        assert_eq!(kind(&v4_with(&[(0, number), (1, code)])), Err(error));
    }
    for (number, code) in [(128, 0), (135, 0), (1, 7), (3, 2)] {
        let error = ParseError::IcmpMessage { part: Part::Icmpv6Message, kind: number, code };
        assert_eq!(kind(&v6_with(&[(0, number), (1, code)])), Err(error));
    }
}

#[test]
fn a_quote_of_anything_but_the_start_of_a_segment_is_refused() {
    // Version, fragment offset, protocol of the quoted IPv4 header.
    for change in [(8, 0x65), (15, 0x01), (17, 17)] {
        assert_eq!(kind(&v4_with(&[change])), Err(ParseError::Quote), "{change:?}");
    }
    // Version and next header of the quoted IPv6 header.
    for change in [(8, 0x40), (14, 17)] {
        assert_eq!(kind(&v6_with(&[change])), Err(ParseError::Quote), "{change:?}");
    }
    assert_eq!(kind(&v6_with(&[(14, 44)])), Err(ParseError::Fragment));
}

#[test]
fn a_quote_whose_header_a_router_changed_is_read() {
    // The quoted TTL ran out, which is why the message was sent; its checksum is stale.
    assert_eq!(kind(&v4_with(&[(16, 0)])), Ok(IcmpKind::PortUnreachable));
}

#[test]
fn a_quote_too_short_to_name_a_connection_is_an_error() {
    // A quoted header of 24 octets, as far as its length field goes, leaves 4 of TCP.
    let error = ParseError::Truncated { part: Part::Quote, need: 8, have: 4 };
    assert_eq!(kind(&v4_with(&[(8, 0x46)])), Err(error));

    let whole = v4_with(&[]);
    for length in 20..56 {
        let mut cut = whole[..length].to_vec();
        cut[3] = length as u8;
        if length >= 24 {
            cut[22..24].fill(0);
            let right = checksum(&cut[20..]);
            cut[22..24].copy_from_slice(&right.to_be_bytes());
        }
        repair_v4(&mut cut);
        assert!(matches!(kind(&cut), Err(ParseError::Truncated { .. })), "{length}");
    }
}
