//! What the receiver reports of sequence numbers beyond a gap (RFC 2018).

use twomsl_tcp::Profile;
use twomsl_tcp::wire::{Segment, TcpOption};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, SYN, Shape as _, ours, segment, theirs};
use crate::harness::scene::{IRS, ISS, staged};

/// A connection on which both ends SACK.
fn connected() -> Lab {
    let mut lab =
        Lab::new(staged(Profile { sack: twomsl_tcp::profile::Offer::Yes, ..Profile::rfc9293() }));
    lab.socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None).ok();
    let mut answer = segment(SYN | ACK, IRS, ISS + 1);
    answer.options.push(TcpOption::SackPermitted).expect("there is room");
    lab.arrive(answer);
    lab
}

/// The first block that our answer reports, counted from the peer's first octet.
fn reported(lab: &mut Lab, segment: Segment) -> Option<(u32, u32)> {
    let (_, effects) = lab.arrive(segment);
    let blocks = effects.only().options.sack_blocks()?;
    let (left, right) = blocks.iter().next()?;
    let count = |number: twomsl_tcp::wire::SeqNum| number.value().wrapping_sub(IRS + 1);
    Some((count(left), count(right)))
}

/// A FIN takes a sequence number: if it is not reported, the peer has to send it again.
#[test]
fn a_fin_beyond_a_gap_is_reported() {
    let fin = |seq: u32, text: &[u8]| segment(FIN | ACK, IRS + 1 + seq, ISS + 1).text(text);
    let plain = |seq: u32, text: &[u8]| segment(ACK, IRS + 1 + seq, ISS + 1).text(text);
    let mut lab = connected();
    assert_eq!(reported(&mut lab, fin(10, b"end")), Some((10, 14)), "with its text");
    assert_eq!(reported(&mut lab, plain(5, b"the ")), Some((5, 9)));
    assert_eq!(reported(&mut lab, plain(9, b" ")), Some((5, 14)), "with the text before it");
    assert_eq!(reported(&mut lab, plain(0, b"this ")), None, "all of it is acknowledged");
    let mut lab = connected();
    assert_eq!(reported(&mut lab, fin(10, b"")), Some((10, 11)), "alone");
    assert_eq!(reported(&mut lab, plain(7, b"end")), Some((7, 11)));
    let mut lab = connected();
    assert_eq!(reported(&mut lab, plain(7, b"end")), Some((7, 10)), "text alone");
    assert_eq!(reported(&mut lab, fin(10, b"")), Some((7, 11)), "after its text");
}
