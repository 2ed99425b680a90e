//! What damage on the way is noticed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use twomsl_wire::{Packet, ParseError};

use crate::samples::{any_packet, any_tcp_packet, repair_tcp, repair_v4};

/// The bits of an IPv6 header that nothing protects: traffic class, flow label, hop limit.
/// IPv4 has none, since its header has a checksum.
fn is_unprotected(packet: &Packet, bit: usize) -> bool {
    packet.src.is_ipv6() && matches!(bit, 4..32 | 56..64)
}

fn flipped(octets: &[u8], bit: usize) -> Vec<u8> {
    let mut octets = octets.to_vec();
    octets[bit / 8] ^= 0x80 >> (bit % 8);
    octets
}

proptest! {
    #[test]
    fn a_flipped_bit_is_noticed_unless_it_is_one_of_36_that_ipv6_leaves_open(packet in any_packet()) {
        let octets = packet.emit().unwrap();
        for bit in 0..octets.len() * 8 {
            let received = Packet::parse(&flipped(&octets, bit));
            if is_unprotected(&packet, bit) {
                // Whatever the flip did to the fields we keep of these, TCP is untouched.
                let received = received.unwrap();
                let Packet { hop_limit, dscp, ecn, .. } = received;
                let expected = Packet { hop_limit, dscp, ecn, ..packet.clone() };
                prop_assert_eq!(received, expected, "bit {}", bit);
            } else {
                prop_assert!(received.is_err(), "bit {} of {:?}", bit, packet);
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_the_text_is_a_bad_checksum(packet in any_tcp_packet(), index: Index) {
        // MUST-3.
        let octets = packet.emit().unwrap();
        let text = packet.segment().unwrap().payload.len();
        prop_assume!(text > 0);
        let bit = (octets.len() - text) * 8 + index.index(text * 8);
        let received = Packet::parse(&flipped(&octets, bit));
        prop_assert!(matches!(received, Err(ParseError::Checksum { .. })), "{received:?}");
    }

    #[test]
    fn a_packet_cut_short_is_an_error(packet in any_packet(), index: Index) {
        let octets = packet.emit().unwrap();
        let cut = &octets[..index.index(octets.len())];
        let received = Packet::parse(cut);
        prop_assert!(matches!(received, Err(ParseError::Truncated { .. })), "{received:?}");
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in vec(any::<u8>(), 0..200)) {
        // 2^-16 of a random checksum leaves nothing to expect but that this returns.
        let _ = Packet::parse(&octets);
    }

    /// Random octets seldom get past the first check, so these are mostly right, and their
    /// checksums are made right again: every deeper path is reached.
    #[test]
    fn damage_behind_right_checksums_never_panics(
        packet in any_packet(),
        changes in vec(any::<(Index, u8)>(), 1..6),
        cut: Index,
    ) {
        let mut octets = packet.emit().unwrap();
        for (place, octet) in changes {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        octets.truncate(40 + cut.index(octets.len() - 39));
        let header = if octets[0] >> 4 == 4 { 20 } else { 40 };
        if header == 20 {
            repair_v4(&mut octets);
        }
        if octets.len() >= header + 20 {
            repair_tcp(&mut octets, header);
        }
        if let Ok(packet) = Packet::parse(&octets) {
            // Whatever was accepted has bytes, and they mean the same.
            prop_assert_eq!(Packet::parse(&packet.emit().unwrap()), Ok(packet));
        }
    }
}
