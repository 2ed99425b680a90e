//! RFC 9293 §3.7 and §3.9.1.2: what text becomes on its way.

use std::net::{IpAddr, SocketAddr};

use twomsl_tcp::wire::{Packet, Segment};
use twomsl_tcp::{Profile, SocketOption};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, PORT, PSH, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::scene::{IRS, ISS, staged};

/// An established connection with nothing in flight, to a peer that takes so much.
fn open(profile: Profile, peer_mss: u16) -> Lab {
    let mut lab = Lab::new(staged(profile));
    lab.socket = Some(lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap());
    lab.effects();
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(peer_mss).window(60_000));
    lab
}

/// The lengths of the segments that were sent.
fn lengths(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|sent| sent.payload.len()).collect()
}

#[test]
fn a_segment_is_no_larger_than_both_ends_of_the_path_take() {
    // MUST-16: the peer's size, or ours.
    for (ours, theirs, expected) in [(1460, 1000, 1000), (1000, 1460, 1000), (700, 536, 536)] {
        let mut profile = Profile::rfc9293();
        profile.mss = ours;
        let mut lab = open(profile, theirs);
        lab.stack.send(lab.now, lab.socket(), &text(3000)).unwrap();
        assert_eq!(lengths(&lab.effects().segments())[0], expected);
    }
}

#[test]
fn without_the_option_an_ipv6_peer_takes_1220_octets() {
    // MUST-15.
    let (local, remote): (IpAddr, IpAddr) =
        ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let mut lab = Lab::new(staged(Profile::rfc9293()));
    lab.stack.add_address(local);
    let local_end = Some(SocketAddr::new(local, PORT));
    let remote_end = SocketAddr::new(remote, theirs().port());
    lab.socket = Some(lab.stack.connect(lab.now, local_end, remote_end, None).unwrap());
    lab.effects();
    let answer = segment(SYN | ACK, IRS, ISS + 1).window(60_000);
    lab.arrive_packet(Packet::tcp(remote, local, answer));
    lab.stack.send(lab.now, lab.socket(), &text(3000)).unwrap();
    assert_eq!(lengths(&lab.effects().segments())[0], 1220);
}

#[test]
fn no_more_is_announced_than_can_be_received() {
    // MUST-67: what a packet of the path's size has room for, however much an application asks.
    let announced = |option: Option<SocketOption>| {
        let mut lab = Lab::new(Profile::rfc9293());
        let mut options = lab.stack.profile().options.clone();
        if let Some(option) = option {
            options.set(option);
        }
        lab.stack.connect(lab.now, None, theirs(), Some(&options)).unwrap();
        lab.effects().only().options.mss()
    };
    assert_eq!(announced(None), Some(1460));
    assert_eq!(announced(Some(SocketOption::MaxSegment(9000))), Some(1460));
    assert_eq!(announced(Some(SocketOption::MaxSegment(600))), Some(600));
}

#[test]
fn small_writes_are_put_together_to_the_largest_segments_and_pushed_once() {
    // SHLD-27, SHLD-28, MAY-16.
    let mut lab = open(Profile::rfc9293(), 1000);
    let whole = text(2500);
    let (first, rest) = whole.split_at(10);
    lab.stack.send(lab.now, lab.socket(), first).unwrap();
    assert_eq!(lengths(&lab.effects().segments()), [10]);
    for piece in rest.chunks(83) {
        lab.stack.send(lab.now, lab.socket(), piece).unwrap();
    }
    let mut sent = lab.effects().segments();
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 11).window(60_000));
    sent.extend(effects.segments());
    // What is left is small, and waits for the acknowledgment of these.
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(2011)).window(60_000));
    sent.extend(effects.segments());
    assert_eq!(lengths(&sent), [1000, 1000, 490]);
    let joined: Vec<u8> = sent.iter().flat_map(|sent| sent.payload.to_vec()).collect();
    assert_eq!(joined, rest);
    let pushed: Vec<bool> = sent.iter().map(|sent| sent.has(PSH)).collect();
    assert_eq!(pushed.iter().filter(|pushed| **pushed).count(), 1, "{pushed:?}");
    assert!(pushed[2], "the last one");
}

#[test]
fn ordinary_text_is_never_urgent() {
    // SHLD-13: only those who ask for it by a call of its own have urgent text.
    let mut lab = open(Profile::rfc9293(), 1000);
    lab.stack.send(lab.now, lab.socket(), &text(2500)).unwrap();
    let sent = lab.effects().segments();
    assert!(!sent.is_empty());
    assert!(sent.iter().all(|sent| sent.urgent == 0 && !sent.has(twomsl_tcp::wire::Flags::URG)));
}
