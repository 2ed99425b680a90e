//! SYNs, the SYN cache, and what ends an attempt.

use std::time::Duration;

use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Profile, SocketError, TcpState};

use super::*;
use crate::harness::packets::{FIN, RST, Shape as _};

#[test]
fn the_options_of_a_syn_end_with_a_whole_word() {
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[], "<mss 1460,nop,wscale 6,sackOK,TS>"),
        (&[("net.inet.tcp.rfc1323", "0")], "<mss 1460,sackOK,eol,eol>"),
        (&[("net.inet.tcp.rfc1323", "2")], "<mss 1460,nop,wscale 6,sackOK,eol,eol>"),
        (&[("net.inet.tcp.rfc1323", "3")], "<mss 1460,sackOK,TS>"),
        (&[("net.inet.tcp.sack.enable", "0")], "<mss 1460,nop,wscale 6,nop,nop,TS>"),
        (
            &[("net.inet.tcp.sack.enable", "0"), ("net.inet.tcp.rfc1323", "2")],
            "<mss 1460,nop,wscale 6>",
        ),
        (&[("net.inet.tcp.sack.enable", "0"), ("net.inet.tcp.rfc1323", "0")], "<mss 1460>"),
    ];
    for (sysctls, options) in cases {
        let (_, sent) = connecting(freebsd_with(sysctls), None);
        assert_eq!(sent, [format!("S 0:0(0) win 65535 {options}")], "{sysctls:?}");
    }
}

#[test]
fn a_syn_ack_has_what_the_syn_had() {
    let all = Theirs { time: Some(7), ..USUAL };
    let cases = [
        (all, "<mss 1460,nop,wscale 6,sackOK,TS>"),
        (USUAL, "<mss 1460,nop,wscale 6,sackOK,eol,eol>"),
        (Theirs { sack: None, ..all }, "<mss 1460,nop,wscale 6,nop,nop,TS>"),
        (Theirs { scale: None, ..all }, "<mss 1460,sackOK,TS>"),
        (Theirs { scale: None, sack: None, ..all }, "<mss 1460,nop,nop,TS>"),
        (Theirs { scale: None, ..USUAL }, "<mss 1460,sackOK,eol,eol>"),
        (Theirs { sack: None, ..USUAL }, "<mss 1460,nop,wscale 6>"),
        (Theirs::default(), "<mss 1460>"),
    ];
    for (peer, options) in cases {
        let (_, sent) = requested(freebsd(), peer);
        assert_eq!(sent, [format!("S. 0:0(0) ack 1 win 65535 {options}")]);
    }
}

#[test]
fn a_syn_is_sent_again_after_1_then_2_2_then_4_2_seconds_for_75_in_all() {
    let (mut lab, _) = connecting(freebsd(), None);
    let began = lab.now;
    let mut times = Vec::new();
    while lab.state() == TcpState::SynSent
        && let Some((_, effects)) = lab.next_timeout()
    {
        let after = lab.now.since(began).as_millis();
        times.extend(effects.segments().iter().map(|_| after));
    }
    assert_eq!(times, [1000, 3200, 7400, 15_600, 31_800, 64_000]);
    assert_eq!(lab.now.since(began), Duration::from_secs(75));
    assert_eq!(lab.stack.take_error(lab.socket()), Some(SocketError::TimedOut));
}

#[test]
fn options_can_be_left_out_after_three_syns() {
    let (mut lab, _) = connecting(freebsd_with(&[("net.inet.tcp.rexmit_drop_options", "1")]), None);
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.extend(shown(&lab.next_timeout().expect("SYNs are repeated").1));
    }
    let full = "S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS>";
    let bare = "S 0:0(0) win 65535 <mss 1460>";
    assert_eq!(sent, [full, full, bare, bare]);
}

#[test]
fn a_syn_asks_for_ecn_twice() {
    let (mut lab, sent) = connecting(freebsd_with(&[("net.inet.tcp.ecn.enable", "1")]), None);
    let asks = |sent: &[String]| sent[0].starts_with("SEW ");
    assert!(asks(&sent));
    let again: Vec<_> =
        (0..3).map(|_| asks(&shown(&lab.next_timeout().expect("SYNs are repeated").1))).collect();
    assert_eq!(again, [true, false, false]);
}

#[test]
fn a_syn_ack_is_sent_three_times_more_and_a_late_ack_is_reset() {
    let (mut lab, _) = requested(freebsd(), USUAL);
    let began = lab.now;
    let mut times = Vec::new();
    while let Some((_, effects)) = lab.next_timeout() {
        times.extend(effects.segments().iter().map(|_| lab.now.since(began).as_millis()));
    }
    assert_eq!(times, [1000, 3200, 7400]);
    assert_eq!(lab.now.since(began).as_millis(), 15_600, "then it is forgotten");
    let late = lab.arrive(segment(ACK, IRS + 1, ISS + 1)).1;
    assert_eq!(shown(&late), ["R 1:1(0) win 0"]);
}

#[test]
fn the_syn_cache_answers() {
    let again = "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6,sackOK,eol,eol>";
    let challenge = ". 1:1(0) ack 1 win 1024";
    let cases: [(&str, Segment, &[&str], usize); 12] = [
        ("the SYN again", with_options(segment(SYN, IRS, 0), USUAL), &[again], 1),
        ("another SYN", with_options(segment(SYN, IRS + 77, 0), USUAL), &[again], 1),
        ("nothing", segment(Flags::empty(), IRS + 1, 0), &[], 1),
        ("a FIN alone", segment(FIN, IRS + 1, 0), &[], 1),
        ("a RST", segment(RST, IRS + 1, 0), &[], 0),
        ("a RST in the window", segment(RST, IRS + 2, 0), &[challenge], 1),
        ("a RST outside of it", segment(RST, IRS, 0), &[], 1),
        ("a wrong ACK", segment(ACK, IRS + 1, ISS + 2), &["R 2:2(0) win 0"], 1),
        ("an old ACK", segment(ACK, IRS + 1, ISS), &["R 0:0(0) win 0"], 1),
        ("an ACK left of the window", segment(ACK, IRS, ISS + 1), &[challenge], 1),
        ("an ACK right of it", segment(ACK, IRS + 70_000, ISS + 1), &[challenge], 1),
        ("a SYN,ACK", segment(SYN | ACK, IRS, ISS + 1), &["R 1:1(0) win 0"], 0),
    ];
    for (what, segment, answer, left) in cases {
        let (mut lab, _) = requested(freebsd(), USUAL);
        let effects = lab.arrive(segment).1;
        assert_eq!(shown(&effects), answer, "{what}");
        assert_eq!(lab.stack.sockets().count(), 1 + left, "{what}");
    }
}

#[test]
fn the_syn_cache_keeps_neither_text_nor_fin() {
    let (mut lab, _) = requested(freebsd(), PLAIN);
    let syn = with_options(segment(SYN | FIN, IRS, 0), PLAIN).text(b"early");
    assert_eq!(shown(&lab.arrive(syn).1), ["S. 0:0(0) ack 1 win 65535 <mss 1460>"]);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    assert_eq!((lab.state(), lab.detail().rcv_nxt), (TcpState::Established, IRS + 1));
}

#[test]
fn listeners_know_drop_synfin_and_blackholes() {
    let to_listener = |sysctls: &[(&str, &str)], segment: Segment| {
        let mut lab = Lab::new(freebsd_with(sysctls));
        lab.stack.listen(lab.now, ours(), 16, None).expect("the port is free");
        lab.effects();
        shown(&lab.arrive(segment).1).len()
    };
    let both = segment(SYN | FIN, IRS, 0);
    assert_eq!(to_listener(&[], both.clone()), 1);
    assert_eq!(to_listener(&[("net.inet.tcp.drop_synfin", "1")], both), 0);
    let stray = segment(ACK, IRS, ISS);
    assert_eq!(to_listener(&[("net.inet.tcp.blackhole", "2")], stray.clone()), 1);
    assert_eq!(to_listener(&[("net.inet.tcp.blackhole", "3")], stray.clone()), 0);
    let to_nobody = |mode: &str, segment: Segment| {
        let mut lab = Lab::new(freebsd_with(&[("net.inet.tcp.blackhole", mode)]));
        shown(&lab.arrive(segment).1).len()
    };
    let syn = segment(SYN, IRS, 0);
    let answers = |mode| [to_nobody(mode, syn.clone()), to_nobody(mode, stray.clone())];
    assert_eq!(["0", "1", "2", "3"].map(answers), [[1, 1], [0, 1], [0, 0], [0, 0]]);
}

#[test]
fn a_syn_that_was_lost_leaves_one_segment_for_a_start() {
    let (mut lab, _) = connecting(freebsd(), None);
    lab.next_timeout();
    lab.arrive(with_options(segment(SYN | ACK, IRS, ISS + 1), PLAIN));
    assert_eq!(lab.detail().congestion_window, 1460);
    let (lab, _) = connected(freebsd(), PLAIN);
    assert_eq!(lab.detail().congestion_window, 14_600);
}

#[test]
fn a_shutdown_in_syn_sent_waits_for_the_handshake() {
    let (mut lab, _) = connecting(freebsd(), None);
    let socket = lab.socket();
    lab.stack.shutdown(lab.now, socket, twomsl_tcp::Shutdown::Write).expect("it is connecting");
    assert_eq!((lab.state(), shown(&lab.effects())), (TcpState::SynSent, vec![]));
    let effects = lab.arrive(with_options(segment(SYN | ACK, IRS, ISS + 1), PLAIN)).1;
    assert_eq!(shown(&effects), ["F. 1:1(0) ack 1 win 65535"]);
    assert_eq!(lab.state(), TcpState::FinWait1);
}

#[test]
fn the_segment_size_has_a_least_and_a_default() {
    let size = |peer: Theirs| {
        let lab = accepted(freebsd(), peer);
        lab.detail().mss
    };
    let sizes = [None, Some(0), Some(1), Some(216), Some(536), Some(9000)];
    let sizes = sizes.map(|mss| size(Theirs { mss, ..PLAIN }));
    assert_eq!(sizes, [536, 536, 216, 216, 536, 1460]);
    assert_ne!(Profile::freebsd().mss, 0);
}
