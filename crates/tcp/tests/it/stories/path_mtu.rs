//! How large segments may be on the path (RFC 9293 §3.7.2, RFC 1191, RFC 8201, RFC 4821).

use std::net::SocketAddr;

use twomsl_tcp::profile::{MtuProbing, WindowCounting};
use twomsl_tcp::wire::{IcmpKind, Segment};
use twomsl_tcp::{
    Profile, Readiness, SendReason, SocketError, SocketOption, TcpState, TimerKind, Verdict,
};

use super::{ms, profiles, s};
use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{
    ACK, Ends, FAMILIES, OURS_V6, PEER_PORT, PORT, SYN, Shape as _, segment, text,
};
use crate::harness::scene::{IRS, ISS, staged};

/// The first octet of our text.
const FIRST: u32 = ISS + 1;

/// A connection whose peer takes 1460 octets at once, with nothing sent.
fn connected(profile: Profile, ends: Ends) -> Lab {
    let mut lab = Lab::new(staged(profile));
    lab.stack.add_address(OURS_V6);
    connect(&mut lab, ends);
    lab
}

/// The same on a host that may know the path already.
fn connect(lab: &mut Lab, ends: Ends) {
    let (ours, theirs) =
        (SocketAddr::new(ends.ours, PORT), SocketAddr::new(ends.theirs, PEER_PORT));
    lab.socket = lab.stack.connect(lab.now, Some(ours), theirs, None).ok();
    lab.effects();
    let answer = segment(SYN | ACK, IRS, FIRST).mss(1460).window(u16::MAX);
    lab.arrive_packet(ends.packet(answer));
    assert_eq!(lab.state(), TcpState::Established);
}

fn write(lab: &mut Lab, octets: usize) -> Effects {
    let taken = lab.stack.send(lab.now, lab.socket(), &text(octets));
    assert_eq!(taken, Ok(octets));
    lab.effects()
}

/// Octets of text in each segment.
fn lengths(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|segment| segment.payload.len()).collect()
}

fn too_big(lab: &mut Lab, ends: Ends, mtu: u32, seq: u32) -> (Verdict, Effects) {
    let (arrival, effects) = lab.arrive_packet(ends.icmp(IcmpKind::PacketTooBig { mtu }, seq));
    (arrival.verdict, effects)
}

/// RFC 1191 §6.4, RFC 8201 §5.4: at once, in smaller segments, and congestion has nothing to do
/// with it. The IPv6 header is 20 octets longer.
#[test]
fn what_was_too_large_is_sent_again_at_once() {
    for (profile, (ends, whole, small)) in profiles().into_iter().flat_map(|profile| {
        [(FAMILIES[0], 1460, 1360), (FAMILIES[1], 1440, 1340)].map(|f| (profile.clone(), f))
    }) {
        let mut lab = connected(profile, ends);
        assert_eq!(lengths(&write(&mut lab, 2 * whole).segments()), [whole, whole]);
        let window = lab.detail().congestion_window as usize;
        // Linux counts segments: as many as before, in octets fewer.
        let segments = lab.stack.profile().window_counting == WindowCounting::Segments;
        let window = if segments { window / whole * small } else { window };
        lab.now += ms(20);
        let (verdict, effects) = too_big(&mut lab, ends, 1400, FIRST);
        assert_eq!(verdict, Verdict::IcmpTooBig);
        let again = effects.segments();
        // Each of them becomes two; Nagle holds nothing back of old text.
        let rest = whole - small;
        assert_eq!(lengths(&again), [small, rest, small, rest]);
        assert_eq!(again[0].seq.value(), FIRST);
        assert_eq!(effects.reasons(), [SendReason::PathMtu; 4]);
        let detail = lab.detail();
        assert_eq!((detail.mss as usize, detail.congestion_window as usize), (small, window));
        // RFC 6298 §5.1: the timer runs from now on.
        let deadline = lab.timer(TimerKind::Retransmission).unwrap();
        assert_eq!(deadline.since(lab.now).as_nanos(), u128::from(detail.rto));
    }
}

/// One message for each packet that was too large: the first is enough (RFC 1191 §3: it never
/// makes the MTU larger).
#[test]
fn what_is_known_already_is_no_news() {
    for ends in FAMILIES {
        let mut lab = connected(Profile::linux(), ends);
        write(&mut lab, 10_000);
        assert_eq!(too_big(&mut lab, ends, 1400, FIRST).0, Verdict::IcmpTooBig);
        for mtu in [1400, 1500, 65_535] {
            let (verdict, effects) = too_big(&mut lab, ends, mtu, FIRST.wrapping_add(1460));
            assert_eq!((verdict, effects.segments()), (Verdict::IcmpIgnored, Vec::new()), "{mtu}");
        }
        // A path may have a second narrow place.
        assert_eq!(too_big(&mut lab, ends, 1300, FIRST).0, Verdict::IcmpTooBig);
    }
}

/// RFC 1191 §6.1 and §6.3: other connections to that host begin with what is known, for ten
/// minutes. What this host takes is another matter: the MSS option stays.
#[test]
fn the_next_connection_knows_the_path() {
    for (ends, small) in [(FAMILIES[0], 1360), (FAMILIES[1], 1340)] {
        let mut lab = connected(Profile::linux(), ends);
        write(&mut lab, 1460);
        too_big(&mut lab, ends, 1400, FIRST);
        lab.stack.abort(lab.now, lab.socket()).unwrap();
        lab.effects();
        lab.now += s(599);
        connect(&mut lab, ends);
        assert_eq!(lab.detail().mss, small);
        let two = 2 * small as usize;
        assert_eq!(lengths(&write(&mut lab, two).segments()), [small as usize; 2]);
        // That connection hopes for a wider path when the time is over.
        lab.arrive_packet(
            ends.packet(segment(ACK, IRS + 1, FIRST.wrapping_add(2 * small)).window(u16::MAX)),
        );
        lab.now += s(1);
        assert_eq!(lengths(&write(&mut lab, 1440).segments()), [1440]);
        lab.stack.abort(lab.now, lab.socket()).unwrap();
        lab.effects();
        connect(&mut lab, ends);
        assert_eq!(lab.detail().mss, small + 100);
    }
}

#[test]
fn a_restart_forgets_paths() {
    let ends = FAMILIES[0];
    let mut lab = connected(Profile::linux(), ends);
    write(&mut lab, 1460);
    too_big(&mut lab, ends, 1400, FIRST);
    lab.stack.restart([7; 16]);
    connect(&mut lab, ends);
    assert_eq!(lab.detail().mss, 1460);
}

/// RFC 1191 §5, RFC 8201 §4: routers that do not tell, or tell what cannot be.
#[test]
fn an_mtu_that_cannot_be_right_is_guessed_or_ignored() {
    let mss_after = |profile: Profile, ends, mtu| {
        let mut lab = connected(profile, ends);
        write(&mut lab, 3000);
        let (verdict, _) = too_big(&mut lab, ends, mtu, FIRST);
        (verdict, lab.detail().mss)
    };
    let [v4, v6] = FAMILIES;
    // The next plateau below 1500 is 1492.
    assert_eq!(mss_after(Profile::rfc9293(), v4, 0), (Verdict::IcmpTooBig, 1452));
    // net.ipv4.route.min_pmtu
    assert_eq!(mss_after(Profile::linux(), v4, 0), (Verdict::IcmpTooBig, 512));
    assert_eq!(mss_after(Profile::linux(), v4, 68), (Verdict::IcmpTooBig, 512));
    assert_eq!(mss_after(Profile::rfc9293(), v4, 68), (Verdict::IcmpTooBig, 28));
    for profile in profiles() {
        assert_eq!(mss_after(profile.clone(), v6, 1279), (Verdict::IcmpIgnored, 1440));
        assert_eq!(mss_after(profile, v6, 1280), (Verdict::IcmpTooBig, 1220));
    }
}

/// Nothing gets through a link that is narrower than what is believed: that says more than a
/// timeout.
#[test]
fn a_path_too_narrow_to_believe_is_told_in_the_end() {
    let ends = FAMILIES[0];
    let mut lab = connected(Profile::linux(), ends);
    write(&mut lab, 3000);
    too_big(&mut lab, ends, 296, FIRST);
    let told = lab.pass(s(4000)).told();
    assert_eq!(told, [Readiness::Failed(SocketError::MessageTooLong)]);
}

/// The largest text of each retransmission until the connection is given up.
fn retransmitted(profile: Profile, ends: Ends) -> Vec<usize> {
    let mut lab = connected(profile, ends);
    write(&mut lab, 20_000);
    let mut sizes = Vec::new();
    while let Some((kind, effects)) = lab.next_timeout() {
        assert_eq!(kind, TimerKind::Retransmission);
        sizes.extend(lengths(&effects.segments()));
    }
    sizes
}

/// Linux' `tcp_mtu_probing` = 1: 1024 octets once nothing was acknowledged for three seconds since
/// the first retransmission, then half of it each time, and not less than 48.
#[test]
fn a_black_hole_is_found_by_halving() {
    for ends in FAMILIES {
        let profile = Profile { mtu_probing: MtuProbing::Halving, ..Profile::linux() };
        let whole = if ends.ours.is_ipv4() { 1460 } else { 1440 };
        // Round trips take no time: retransmissions at 0.2, 0.6, 1.4, 3.0 and 6.2 s.
        let sizes = retransmitted(profile, ends);
        assert_eq!(sizes[..10], [whole, whole, whole, whole, 1024, 512, 256, 128, 64, 48]);
        assert!(sizes[10..].iter().all(|size| *size == 48), "{sizes:?}");
        let never = retransmitted(Profile::linux(), ends);
        assert!(never.iter().all(|size| *size == whole), "tcp_mtu_probing is 0 by default");
    }
}

/// FreeBSD's `pmtud_blackhole_detection`: two tries for each size, then back to the first.
#[test]
fn a_black_hole_is_found_in_two_steps() {
    let profile = || Profile { mtu_probing: MtuProbing::TwoSteps, ..Profile::linux() };
    let [v4, v6] = FAMILIES;
    let sizes = retransmitted(profile(), v4);
    assert_eq!(sizes[..8], [1460, 1200, 1200, 536, 536, 1460, 1460, 1460]);
    let sizes = retransmitted(profile(), v6);
    assert_eq!(sizes[..6], [1440, 1220, 1220, 1440, 1440, 1440]);
}

/// Only what was too large is lost: small segments that are under way need not go again. What is
/// lost of what is sent again is a loss like any other.
#[test]
fn what_was_not_too_large_is_not_sent_again() {
    for (profile, ends) in profiles().into_iter().flat_map(|p| FAMILIES.map(|e| (p.clone(), e))) {
        let mut lab = connected(profile, ends);
        let no_delay = SocketOption::NoDelay(true);
        lab.stack.set_option(lab.now, lab.socket(), no_delay).expect("it can be set");
        lab.effects();
        let whole = lab.detail().mss as usize;
        assert_eq!(lengths(&write(&mut lab, 700).segments()), [700]);
        assert_eq!(lengths(&write(&mut lab, whole).segments()), [whole]);
        let (_, effects) = too_big(&mut lab, ends, 1300, FIRST.wrapping_add(700));
        let again = effects.segments();
        assert_eq!(again[0].seq.value(), FIRST.wrapping_add(700));
        assert_eq!(lengths(&again).iter().sum::<usize>(), whole);
        let (kind, effects) = lab.next_timeout().expect("it waits");
        assert_eq!(kind, TimerKind::Retransmission);
        assert_eq!(lengths(&effects.segments())[0], 700, "from the first on");
        assert_eq!(effects.reasons()[0], SendReason::Retransmission);
    }
}

/// What got through stays: the segments after it are as small.
#[test]
fn a_size_that_got_through_is_kept() {
    for probing in [MtuProbing::Halving, MtuProbing::TwoSteps] {
        for ends in FAMILIES {
            let profile = Profile { mtu_probing: probing, ..Profile::linux() };
            let mut lab = connected(profile, ends);
            write(&mut lab, 20_000);
            let through = loop {
                let (_, effects) = lab.next_timeout().expect("it is not given up yet");
                let size = lengths(&effects.segments())[0];
                if size < 1400 {
                    break size;
                }
            };
            let acknowledged = FIRST.wrapping_add(through as u32);
            let ack = segment(ACK, IRS + 1, acknowledged).window(u16::MAX);
            let (_, effects) = lab.arrive_packet(ends.packet(ack));
            let sizes = lengths(&effects.segments());
            assert!(!sizes.is_empty() && sizes.iter().all(|size| *size == through), "{sizes:?}");
        }
    }
}
