//! How connections end, and how long that takes.

use std::time::Duration;

use twomsl_tcp::{Shutdown, SocketError, SocketOption, TcpState};

use super::*;
use crate::harness::packets::{FIN, RST, Shape as _};

fn close(lab: &mut Lab) -> Vec<String> {
    let socket = lab.socket();
    lab.stack.close(lab.now, socket).expect("it is held");
    shown(&lab.effects())
}

#[test]
fn fin_wait_2_of_an_orphan_lasts_until_600_seconds_were_silent() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    assert_eq!(close(&mut lab), ["F. 1:1(0) ack 1 win 1027"]);
    lab.arrive(segment(ACK, IRS + 1, ISS + 2));
    let began = lab.now;
    lab.pass(Duration::from_secs(300));
    lab.arrive(segment(ACK, IRS + 1, ISS + 2));
    while lab.state() == TcpState::FinWait2 {
        lab.next_timeout();
    }
    assert_eq!(lab.now.since(began), Duration::from_secs(600 + 5 * 75));
}

#[test]
fn fin_wait_2_may_be_recycled_after_a_minute() {
    let sysctls = [("net.inet.tcp.fast_finwait2_recycle", "1")];
    let (mut lab, _) = connected(freebsd_with(&sysctls), USUAL);
    close(&mut lab);
    lab.arrive(segment(ACK, IRS + 1, ISS + 2));
    lab.pass(Duration::from_secs(59));
    assert_eq!(lab.state(), TcpState::FinWait2);
    assert_eq!(shown(&lab.pass(Duration::from_secs(1))), [""; 0]);
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn who_can_still_read_waits_for_ever() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let socket = lab.socket();
    lab.stack.shutdown(lab.now, socket, Shutdown::Write).expect("it is connected");
    lab.arrive(segment(ACK, IRS + 1, ISS + 2));
    lab.pass(Duration::from_secs(100_000));
    assert_eq!(lab.state(), TcpState::FinWait2);
    lab.stack.shutdown(lab.now, socket, Shutdown::Both).expect("once more");
    lab.pass(Duration::from_secs(675));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn text_for_nobody_is_reset_without_an_ack() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    close(&mut lab);
    let answer = lab.arrive(segment(ACK, IRS + 1, ISS + 2).text(b"late")).1;
    assert_eq!(shown(&answer), ["R 2:2(0) win 0"]);
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn text_after_a_shutdown_of_reading_is_acknowledged_and_thrown_away() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let socket = lab.socket();
    lab.stack.shutdown(lab.now, socket, Shutdown::Both).expect("it is connected");
    lab.effects();
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"late"));
    let sent = shown(&lab.pass(Duration::from_millis(40)));
    assert_eq!(sent, ["F. 1:1(0) ack 5 win 1027"]);
    assert_eq!(lab.stack.receive(lab.now, socket, &mut [0; 8]), Ok(0));
}

#[test]
fn linger_of_no_time_resets_in_every_state_with_an_ack_and_no_window() {
    for closing in [false, true] {
        let (mut lab, _) = connected(freebsd(), USUAL);
        let socket = lab.socket();
        let option = SocketOption::Linger(Some(Duration::ZERO));
        lab.stack.set_option(lab.now, socket, option).expect("it is held");
        if closing {
            lab.stack.shutdown(lab.now, socket, Shutdown::Write).expect("it is connected");
            lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1));
            assert_eq!(lab.state(), TcpState::Closing);
        }
        let n = 1 + u32::from(closing);
        assert_eq!(close(&mut lab), [format!("R. {n}:{n}(0) ack {n} win 0")]);
    }
}

#[test]
fn an_attempt_is_closed_without_a_word() {
    let (mut lab, _) = connecting(freebsd(), None);
    assert_eq!(close(&mut lab), [""; 0]);
    let (mut lab, _) = connecting(freebsd(), None);
    lab.arrive(with_options(segment(SYN, IRS, 0), USUAL));
    assert_eq!(lab.state(), TcpState::SynReceived);
    assert_eq!(close(&mut lab), [""; 0]);
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn after_a_reset_reading_tells_why_and_writing_does_not() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1).text(b"last"));
    lab.arrive(segment(RST, IRS + 6, 0));
    let socket = lab.socket();
    assert_eq!(lab.stack.send(lab.now, socket, b"x"), Err(SocketError::BrokenPipe));
    assert_eq!(lab.stack.receive(lab.now, socket, &mut [0; 8]), Ok(4));
    let error = Err(SocketError::ConnectionReset);
    assert_eq!(lab.stack.receive(lab.now, socket, &mut [0; 8]), error);
    assert_eq!(lab.stack.receive(lab.now, socket, &mut [0; 8]), Ok(0));
}

#[test]
fn text_is_given_up_with_a_reset() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let socket = lab.socket();
    lab.stack.send(lab.now, socket, b"hello").expect("there is room");
    assert_eq!(shown(&lab.effects()), ["P. 1:6(5) ack 1 win 1027"]);
    let mut sent = Vec::new();
    while lab.state() == TcpState::Established {
        sent.extend(shown(&lab.next_timeout().expect("it is tried again").1));
    }
    assert_eq!(sent.len(), 13, "{sent:?}");
    assert_eq!(sent.pop().as_deref(), Some("R. 6:6(0) ack 1 win 0"));
    assert_eq!(lab.stack.take_error(socket), Some(SocketError::TimedOut));
}

#[test]
fn keepalives_are_empty_and_the_last_is_a_reset() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let socket = lab.socket();
    lab.stack.set_option(lab.now, socket, SocketOption::KeepAlive(true)).expect("it is held");
    let began = lab.now;
    let mut sent = Vec::new();
    while lab.state() == TcpState::Established {
        sent.extend(shown(&lab.next_timeout().expect("there is a timer").1));
    }
    assert_eq!(sent.len(), 9);
    assert_eq!(sent[0], ". 0:0(0) ack 1 win 1026");
    assert_eq!(sent[8], "R. 1:1(0) ack 1 win 0");
    assert_eq!(lab.now.since(began), Duration::from_secs(7200 + 8 * 75));
}
