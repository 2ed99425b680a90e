//! Windows, to the octet.

use std::time::Duration;

use twomsl_tcp::SocketOption;

use super::*;
use crate::harness::packets::Shape as _;

fn window(sent: &str) -> u32 {
    let (_, rest) = sent.split_once("win ").expect("a segment has a window");
    rest.split_whitespace().next().and_then(|window| window.parse().ok()).expect("a number")
}

#[test]
fn the_buffer_holds_whole_segments_once_the_peer_has_told_its_size() {
    // 45 * 1460 = 65,700 octets; without an MSS option in the SYN,ACK it stays as it is.
    let (_, sent) = connected(freebsd(), USUAL);
    assert_eq!(sent, [". 1:1(0) ack 1 win 1027"]);
    let (_, sent) = connected(freebsd(), Theirs { mss: None, ..USUAL });
    assert_eq!(sent, [". 1:1(0) ack 1 win 1024"]);
    let (_, sent) = connected(freebsd(), PLAIN);
    assert_eq!(sent, [". 1:1(0) ack 1 win 65535"], "not scaled");
    let (_, sent) = connected(freebsd(), Theirs { mss: Some(1000), ..USUAL });
    assert_eq!(sent, [". 1:1(0) ack 1 win 1032"], "66,000 octets");
}

#[test]
fn what_is_not_read_leaves_the_window_and_comes_back_with_the_next_ack() {
    let mut lab = accepted(freebsd(), USUAL);
    let first = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&[0; 1000])).1;
    assert_eq!(shown(&first), [""; 0], "it may wait");
    let sent = shown(&lab.pass(Duration::from_millis(40)));
    // 64,700 octets, rounded up.
    assert_eq!(sent, [". 1:1(0) ack 1001 win 1011"]);
    let mut buffer = [0; 1000];
    let socket = lab.socket();
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(1000));
    assert_eq!(shown(&lab.effects()), [""; 0], "no window update for so little");
    lab.arrive(segment(ACK, IRS + 1001, ISS + 1).text(&[0; 1]));
    let second = lab.arrive(segment(ACK, IRS + 1002, ISS + 1).text(&[0; 1])).1;
    assert_eq!(shown(&second), [". 1:1(0) ack 1003 win 1027"]);
}

#[test]
fn a_window_never_shrinks() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    // 65,728 were offered, so that 64,728 are left when 64,700 are free.
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&[0; 1000]));
    let sent = shown(&lab.pass(Duration::from_millis(40)));
    assert_eq!(sent, [". 1:1(0) ack 1001 win 1012"]);
}

#[test]
fn a_full_buffer_opens_again_when_two_segments_are_free() {
    let mut profile = freebsd();
    profile.options.set(SocketOption::ReceiveBuffer(4000));
    let (mut lab, sent) = connected(profile, PLAIN);
    assert_eq!(sent.iter().map(|sent| window(sent)).collect::<Vec<_>>(), [4380]);
    let mut closed = Vec::new();
    for offset in [0, 1460, 2920] {
        let effects = lab.arrive(segment(ACK, IRS + 1 + offset, ISS + 1).text(&[0; 1460])).1;
        closed.extend(shown(&effects));
    }
    closed.extend(shown(&lab.pass(Duration::from_millis(40))));
    assert_eq!(closed, [". 1:1(0) ack 2921 win 1460", ". 1:1(0) ack 4381 win 0"]);
    let socket = lab.socket();
    let mut updates = Vec::new();
    for _ in 0..3 {
        let mut buffer = [0; 1000];
        assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(1000));
        updates.push(shown(&lab.effects()));
    }
    // Half of the buffer is 2190 octets.
    assert_eq!(updates[..2], [vec![], vec![]] as [Vec<String>; 2]);
    assert_eq!(updates[2], [". 1:1(0) ack 4381 win 3000"]);
}

#[test]
fn the_scale_does_not_follow_the_buffer() {
    let mut profile = freebsd();
    profile.options.set(SocketOption::ReceiveBuffer(20_000));
    let (_, sent) = connecting(profile.clone(), None);
    assert_eq!(sent, ["S 0:0(0) win 20000 <mss 1460,nop,wscale 6,sackOK,TS>"]);
    let (_, sent) = connected(profile, USUAL);
    assert_eq!(sent, [". 1:1(0) ack 1 win 320"], "14 segments are 20,440 octets");
}

#[test]
fn what_tcp_respond_sends_has_its_window_rounded_down() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let challenge = lab.arrive(segment(SYN, IRS + 1, 0)).1;
    assert_eq!(shown(&challenge), [". 1:1(0) ack 1 win 1026"]);
    let old = lab.arrive(segment(ACK, IRS, ISS + 1)).1;
    assert_eq!(shown(&old), [". 1:1(0) ack 1 win 1027"]);
}

#[test]
fn more_is_taken_than_was_offered() {
    // A window that is not scaled offers 65,535 octets of 65,700.
    let (mut lab, _) = connected(freebsd(), PLAIN);
    let beyond = segment(ACK, IRS + 1 + 65_535, ISS + 1).text(&[0; 165]);
    lab.arrive(beyond);
    lab.arrive(segment(ACK, IRS + 1 + 65_700, ISS + 1).text(&[0; 1]));
    let mut sent = Vec::new();
    for offset in (0..65_535).step_by(1285) {
        sent = shown(&lab.arrive(segment(ACK, IRS + 1 + offset, ISS + 1).text(&[0; 1285])).1);
    }
    assert_eq!(sent, [". 1:1(0) ack 65701 win 0"]);
}
