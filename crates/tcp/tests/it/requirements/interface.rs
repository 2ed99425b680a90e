//! RFC 9293 §3.9.1.8, §3.9.1.9 and §3.9.2: reports, fields of the IP header, ICMP.

use std::net::SocketAddr;
use std::time::Duration;

use twomsl_tcp::wire::{Body, Ecn, Icmp, IcmpKind, Packet, Quote, SeqNum};
use twomsl_tcp::{
    ErrorReports, Event, Profile, Readiness, Report, SocketError, SocketOption, TcpState, Verdict,
};

use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{
    ACK, OURS, PEER_PORT, PORT, Shape as _, THEIRS, icmp, ours, segment, theirs,
};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn an_icmp_error_is_for_the_connection_that_it_quotes() {
    // MUST-54.
    let mut lab = Lab::new(staged(Profile::linux()));
    let other = SocketAddr::new(THEIRS, PEER_PORT + 1);
    let sockets = [theirs(), other]
        .map(|remote| lab.stack.connect(lab.now, Some(ours()), remote, None).unwrap());
    lab.effects();
    let quote = Quote {
        src: OURS,
        dst: THEIRS,
        src_port: PORT,
        dst_port: PEER_PORT + 1,
        seq: SeqNum::new(ISS),
    };
    let body = Body::Icmp(Icmp { kind: IcmpKind::PortUnreachable, quote });
    let (arrival, _) = lab.arrive_packet(Packet { body, ..icmp(IcmpKind::PortUnreachable, ISS) });
    assert_eq!(arrival.socket, Some(sockets[1]));
    let states = sockets.map(|socket| lab.stack.status(socket).unwrap().state);
    assert_eq!(states, [TcpState::SynSent, TcpState::Closed]);
}

#[test]
fn a_hard_icmp_error_ends_an_attempt() {
    // SHLD-26; a connection that is synchronized stays, as RFC 5461 and RFC 5927 have it.
    for kind in [IcmpKind::PortUnreachable, IcmpKind::ProtocolUnreachable] {
        let mut lab = Scene::SynSent.with(staged(Profile::rfc9293()));
        let (arrival, effects) = lab.arrive_packet(icmp(kind, ISS));
        assert_eq!(arrival.verdict, Verdict::IcmpHard);
        assert_eq!(effects.told(), [Readiness::Failed(SocketError::ConnectionRefused)]);
    }
}

/// Time to live and codepoint of the packets that were sent.
fn ip_fields(effects: &Effects) -> Vec<(u8, u8)> {
    effects.sent.iter().map(|sent| (sent.packet.hop_limit, sent.packet.dscp)).collect()
}

#[test]
fn the_fields_of_the_ip_header_are_the_applications() {
    // MUST-48, MUST-49, SHLD-22: from the SYN to the last acknowledgment in TIME-WAIT.
    let mut profile = staged(Profile::rfc9293());
    profile.set("hop-limit", "255").unwrap();
    profile.set("traffic-class", "184").unwrap(); // expedited forwarding, 46
    let expected = (255, 46);
    for scene in [Scene::SynSent, Scene::SynReceivedPassive, Scene::Established] {
        let mut lab = scene.with(profile.clone());
        let (_, again) = lab.next_timeout().expect("something is sent again");
        assert_eq!(ip_fields(&again), [expected], "{scene:?}");
        let (_, answer) = lab.arrive(segment(ACK, IRS.wrapping_sub(5000), ISS - 5));
        assert_eq!(ip_fields(&answer), [expected], "{scene:?}");
    }
    let mut lab = Scene::Established.with(profile.clone());
    lab.stack.abort(lab.now, lab.socket()).unwrap();
    assert_eq!(ip_fields(&lab.effects()), [expected], "the reset");
    let mut lab = Scene::TimeWait.with(profile.clone());
    let (_, answer) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"old"));
    assert_eq!(ip_fields(&answer), [expected]);
    // Nobody's segment has what the host has.
    let mut lab = Lab::new(profile);
    let (_, reset) = lab.arrive(segment(ACK, 1, 1));
    assert_eq!(ip_fields(&reset), [expected]);
}

#[test]
fn the_codepoint_changes_while_the_connection_lives() {
    // SHLD-21. The bits of ECN are not the application's.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    for (class, codepoint) in [(0b0010_1011, 0b00_1010), (0, 0)] {
        let option = SocketOption::TrafficClass(class);
        lab.stack.set_option(lab.now, lab.socket(), option).unwrap();
        lab.effects();
        let (_, effects) = lab.next_timeout().unwrap();
        assert_eq!(ip_fields(&effects), [(64, codepoint)]);
        assert_eq!(effects.sent[0].packet.ecn, Ecn::NotEct);
    }
    let nowhere = lab.stack.set_option(lab.now, lab.socket(), SocketOption::HopLimit(0));
    assert_eq!(nowhere, Err(SocketError::InvalidArgument));
}

/// What was reported.
fn reports(effects: &Effects) -> Vec<Report> {
    let report = |event: &Event| match event {
        Event::Report { report, .. } => Some(*report),
        _ => None,
    };
    effects.events.iter().filter_map(report).collect()
}

#[test]
fn soft_errors_are_reported_unless_they_are_switched_off() {
    // MUST-47, SHLD-25, SHLD-20.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive_packet(icmp(IcmpKind::HostUnreachable, ISS + 1));
    assert_eq!(reports(&effects), [Report::Icmp(SocketError::HostUnreachable)]);
    assert_eq!(lab.state(), TcpState::Established);
    let off = SocketOption::ErrorReports(ErrorReports::Off);
    lab.stack.set_option(lab.now, lab.socket(), off).unwrap();
    lab.effects();
    let (_, effects) = lab.arrive_packet(icmp(IcmpKind::HostUnreachable, ISS + 1));
    assert!(reports(&effects).is_empty());
    assert!(reports(&lab.pass(Duration::from_secs(1000))).is_empty(), "of R1 neither");
}

#[test]
fn trouble_is_reported_at_r1_before_the_connection_is_given_up_at_r2() {
    // MUST-20, SHLD-9, SHLD-10, MUST-22: for text and for a SYN, to the IP layer and to the
    // application, with the third retransmission.
    for scene in [Scene::Established, Scene::SynSent] {
        let mut lab = scene.with(staged(Profile::rfc9293()));
        let mut reported = Vec::new();
        let mut tries = 0;
        while lab.state() != TcpState::Closed {
            let (_, effects) = lab.next_timeout().expect("a timer runs");
            tries += effects.sent.len();
            let advice = effects.events.iter();
            let advised = advice.filter(|e| matches!(e, Event::NegativeAdvice { .. })).count();
            assert_eq!(advised, reports(&effects).len());
            reported.extend(reports(&effects).into_iter().map(|report| (tries, report)));
        }
        assert_eq!(reported, [(3, Report::Retransmissions(3))], "{scene:?}");
        assert!(tries > 3, "{scene:?}: R2 comes later");
    }
}
