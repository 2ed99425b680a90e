//! RFC 9293 §3.8.2: explicit congestion notification, as RFC 3168 §6.1 describes it.

use twomsl_tcp::Profile;
use twomsl_tcp::wire::{Ecn, Flags, Packet, Segment};

use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ACK, SYN, Shape as _, ours, packet, segment, text, theirs};
use crate::harness::scene::{IRS, ISS, staged};

/// The bits of ECN in the TCP header.
const BITS: Flags = Flags::ECE.union(Flags::CWR);

/// A connection that has asked for ECN, and whose peer agrees or not.
fn asked(agreed: Flags) -> Lab {
    let mut profile = staged(Profile::rfc9293());
    profile.set("ecn", "on").unwrap();
    let mut lab = Lab::new(profile);
    lab.socket = Some(lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap());
    assert_eq!(lab.effects().only().flags, SYN | BITS, "the SYN asks");
    lab.arrive(segment(SYN | ACK | agreed, IRS, ISS + 1).mss(100).window(60_000));
    lab
}

/// What the application writes, as it leaves: the mark of the IP header, the bits of TCP's.
fn write(lab: &mut Lab, octets: usize) -> Vec<(Ecn, Flags)> {
    lab.stack.send(lab.now, lab.socket(), &text(octets)).unwrap();
    marks(&lab.effects())
}

fn marks(effects: &Effects) -> Vec<(Ecn, Flags)> {
    let mark = |packet: &Packet| {
        (packet.ecn, packet.segment().map_or(Flags::empty(), |segment| segment.flags & BITS))
    };
    effects.sent.iter().map(|sent| mark(&sent.packet)).collect()
}

/// A segment of the peer's that a router has marked.
fn marked(segment: Segment) -> Packet {
    Packet { ecn: Ecn::Ce, ..packet(segment) }
}

#[test]
fn text_may_be_marked_only_if_both_ends_have_agreed() {
    // SHLD-8.
    assert_eq!(write(&mut asked(Flags::ECE), 100), [(Ecn::Ect0, Flags::empty())]);
    assert_eq!(write(&mut asked(Flags::empty()), 100), [(Ecn::NotEct, Flags::empty())]);
}

#[test]
fn an_echoed_mark_makes_the_window_smaller_and_is_confirmed_once() {
    // SHLD-8: as if a segment had been lost, but nothing is sent again.
    let mut lab = asked(Flags::ECE);
    let before = lab.detail().congestion_window;
    write(&mut lab, 400);
    let echo = segment(ACK | Flags::ECE, IRS + 1, ISS + 101).window(60_000);
    let (_, effects) = lab.arrive(echo);
    assert!(effects.segments().iter().all(|sent| sent.seq.value() != ISS + 101));
    assert!(lab.detail().congestion_window < before);
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(401)).window(60_000));
    let mut bits: Vec<_> = marks(&effects).into_iter().map(|(_, bits)| bits).collect();
    bits.extend(write(&mut lab, 100).into_iter().map(|(_, bits)| bits));
    bits.extend(write(&mut lab, 100).into_iter().map(|(_, bits)| bits));
    assert_eq!(bits.iter().filter(|bits| **bits == Flags::CWR).count(), 1, "{bits:?}");
}

#[test]
fn a_mark_is_echoed_until_the_peer_says_that_it_knows() {
    // SHLD-8.
    let mut lab = asked(Flags::ECE);
    let nxt = ISS + 1;
    let (_, effects) = lab.arrive_packet(marked(segment(ACK, IRS + 1, nxt).text(&text(10))));
    assert_eq!(marks(&effects), [(Ecn::NotEct, Flags::ECE)], "at once");
    lab.arrive(segment(ACK, IRS + 11, nxt).text(&text(10)));
    let again = lab.pass(std::time::Duration::from_secs(1));
    assert_eq!(marks(&again), [(Ecn::NotEct, Flags::ECE)], "until it is confirmed");
    lab.arrive(segment(ACK | Flags::CWR, IRS + 21, nxt).text(&text(10)));
    let quiet = lab.pass(std::time::Duration::from_secs(1));
    assert_eq!(marks(&quiet), [(Ecn::NotEct, Flags::empty())]);
}
