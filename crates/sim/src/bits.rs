//! What faults do to the contents of a packet.

use twomsl_tcp::wire::{Body, Packet, SeqNum};

use crate::spec::{Rewrite, StripOptions};

/// The length of the IP packet in octets.
#[inline]
pub(crate) fn length(packet: &Packet) -> usize {
    let network = if packet.dst.is_ipv4() { 20 } else { 40 };
    network
        + match &packet.body {
            Body::Tcp(segment) => {
                // Options are padded to whole words (RFC 9293 §3.1).
                let options = segment.options.as_bytes().len().next_multiple_of(4);
                20 + options + segment.payload.len()
            }
            // Eight octets of its own, and the quoted header with eight octets after it.
            Body::Icmp(_) => 8 + network + 8,
        }
}

/// Changes a packet as a rule says. An ICMP message stays as it is.
pub(crate) fn rewrite(packet: &mut Packet, rewrite: &Rewrite) {
    let Body::Tcp(segment) = &mut packet.body else { return };
    segment.flags = (segment.flags | rewrite.set) - rewrite.clear;
    segment.seq = moved(segment.seq, rewrite.seq);
    segment.ack = moved(segment.ack, rewrite.ack);
    segment.window = rewrite.window.unwrap_or(segment.window);
    packet.ecn = rewrite.ecn.unwrap_or(packet.ecn);
    if rewrite.strip_options == StripOptions::Yes {
        segment.options = twomsl_tcp::wire::Options::NONE;
    }
}

/// A sequence number moved by an offset, modulo 2^32.
pub(crate) fn moved(number: SeqNum, offset: Option<i64>) -> SeqNum {
    number + offset.unwrap_or(0).cast_unsigned() as u32
}

/// The packet as it arrives when one drawn bit of its octets flips on the way. `None` when a
/// checksum catches it, as it does for every bit that TCP depends on; what is left are the
/// traffic class, flow label and hop limit of IPv6, which no checksum covers.
pub(crate) fn flip_one(packet: &Packet, draw: u64) -> Option<Packet> {
    let mut octets = packet.emit().ok()?;
    let bits = octets.len() as u64 * 8;
    // Multiply-shift: the upper half of the draw, scaled to the number of bits.
    let bit = (((draw >> 32) * bits) >> 32) as usize;
    octets[bit / 8] ^= 1 << (bit % 8);
    Packet::parse(&octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use twomsl_tcp::wire::{Ecn, Flags, Options, Segment};

    fn packet() -> Packet {
        let segment = Segment {
            src_port: 1,
            dst_port: 2,
            seq: SeqNum::new(u32::MAX),
            ack: SeqNum::new(1),
            flags: Flags::ACK | Flags::PSH,
            window: 100,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::from_static(b"hello"),
        };
        Packet::tcp([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), segment)
    }

    #[test]
    fn every_single_flipped_bit_is_caught() {
        let bits = packet().emit().unwrap().len() as u64 * 8;
        for bit in 0..bits {
            // The smallest draw that is scaled to this bit.
            let draw = ((bit << 32).div_ceil(bits)) << 32;
            assert_eq!(flip_one(&packet(), draw), None, "bit {bit}");
        }
    }

    #[test]
    fn the_length_is_that_of_the_octets() {
        assert_eq!(length(&packet()), packet().emit().unwrap().len());
    }

    #[test]
    fn a_rewrite_changes_what_it_names_and_wraps_around() {
        let mut packet = packet();
        let change = Rewrite {
            set: Flags::FIN,
            clear: Flags::PSH,
            seq: Some(2),
            ack: Some(-2),
            window: Some(0),
            ecn: Some(Ecn::Ce),
            strip_options: StripOptions::No,
        };
        rewrite(&mut packet, &change);
        assert_eq!(packet.ecn, Ecn::Ce);
        let segment = packet.segment().unwrap();
        assert_eq!(segment.flags, Flags::ACK | Flags::FIN);
        assert_eq!((segment.seq, segment.ack), (SeqNum::new(1), SeqNum::new(u32::MAX)));
        assert_eq!((segment.window, segment.urgent), (0, 0));
    }
}
