//! "Segment arrives" in the synchronized states, in the order of `tcp_do_segment`.

use std::time::Duration;

use twomsl_tcp::{Shutdown, SocketError, TcpState};

use super::*;
use crate::harness::packets::{FIN, PSH, RST, Shape as _};

/// The states in which FreeBSD answers alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Established,
    CloseWait,
    FinWait1,
    FinWait2,
    Closing,
    LastAck,
    TimeWait,
}

const ALL: [At; 7] = [
    At::Established,
    At::CloseWait,
    At::FinWait1,
    At::FinWait2,
    At::Closing,
    At::LastAck,
    At::TimeWait,
];

impl At {
    fn with(self, sysctls: &[(&str, &str)]) -> Lab {
        let (mut lab, _) = connected(freebsd_with(sysctls), USUAL);
        let peer_first = matches!(self, Self::CloseWait | Self::LastAck);
        if peer_first {
            lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1));
        }
        if !matches!(self, Self::Established | Self::CloseWait) {
            let socket = lab.socket();
            lab.stack.shutdown(lab.now, socket, Shutdown::Write).expect("it is connected");
            lab.effects();
        }
        match self {
            Self::FinWait2 | Self::TimeWait => {
                lab.arrive(segment(ACK, IRS + 1, ISS + 2));
            }
            Self::Closing => {
                lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1));
            }
            _ => {}
        }
        if self == Self::TimeWait {
            lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 2));
        }
        lab
    }

    /// Whether the peer's FIN is known; whether ours is sent, and acknowledged.
    fn rcv(self) -> u32 {
        let heard =
            matches!(self, Self::CloseWait | Self::Closing | Self::LastAck | Self::TimeWait);
        IRS + 1 + u32::from(heard)
    }

    fn fin_under_way(self) -> bool {
        matches!(self, Self::FinWait1 | Self::Closing | Self::LastAck)
    }

    fn acked(self) -> u32 {
        ISS + 1 + u32::from(matches!(self, Self::FinWait2 | Self::TimeWait))
    }

    /// An ACK by `tcp_output`: with the FIN as long as nobody has acknowledged it.
    fn output(self, rcv: u32) -> String {
        let window = if self == Self::TimeWait { 1026 } else { 1027 };
        let ack = rcv.wrapping_sub(IRS);
        if self.fin_under_way() {
            format!("F. 1:1(0) ack {ack} win {window}")
        } else {
            let seq = self.acked() - ISS;
            format!(". {seq}:{seq}(0) ack {ack} win {window}")
        }
    }

    /// By `tcp_respond`.
    fn response(self) -> String {
        let seq = self.acked() - ISS + u32::from(self.fin_under_way());
        format!(". {seq}:{seq}(0) ack {} win 1026", self.rcv() - IRS)
    }
}

#[test]
fn what_came_before_is_acknowledged_with_the_fin_that_is_under_way() {
    for at in ALL {
        let old = [
            segment(ACK, at.rcv() - 1, at.acked()),
            segment(PSH | ACK, at.rcv() - 1, at.acked()).text(b"x"),
        ];
        for old in old {
            let mut lab = at.with(&[]);
            let length = old.payload.len();
            let mut answer = shown(&lab.arrive(old).1);
            if length > 0 && at != At::TimeWait {
                let options = answer[0].find(" <").expect("a D-SACK");
                let twice = answer[0].split_off(options);
                let (from, to) = (at.rcv() - 1 - IRS, at.rcv() - IRS);
                assert_eq!(twice, format!(" <nop,nop,sack {from}:{to}>"));
            }
            assert_eq!(answer, [at.output(at.rcv())], "{at:?} {length}");
        }
    }
}

#[test]
fn what_lies_beyond_is_acknowledged_and_a_bare_ack_at_the_edge_is_not() {
    for at in ALL.into_iter().filter(|at| *at != At::TimeWait) {
        let window = 65_728;
        let at_edge = segment(ACK, at.rcv() + window, at.acked());
        let mut lab = at.with(&[]);
        assert_eq!(shown(&lab.arrive(at_edge.clone()).1), [""; 0], "{at:?}");
        let mut beyond = at_edge.clone();
        beyond.seq += 1;
        assert_eq!(shown(&lab.arrive(beyond).1), [at.output(at.rcv())], "{at:?}");
    }
}

#[test]
fn a_reset_is_believed_challenged_or_dropped() {
    for at in ALL.into_iter().filter(|at| *at != At::TimeWait) {
        for (offset, insecure) in [(0, "0"), (1, "0"), (1, "1"), (70_000, "1")] {
            let mut lab = at.with(&[("net.inet.tcp.insecure_rst", insecure)]);
            let answer = lab.arrive(segment(RST, at.rcv() + offset, 0)).1;
            let (believed, challenged) =
                (offset == 0 || (offset == 1 && insecure == "1"), (offset, insecure) == (1, "0"));
            let expected = if challenged { vec![at.response()] } else { vec![] };
            assert_eq!(shown(&answer), expected, "{at:?} {offset} {insecure}");
            assert_eq!(lab.state() == TcpState::Closed, believed, "{at:?} {offset} {insecure}");
            if believed {
                let error = lab.stack.take_error(lab.socket());
                assert_eq!(error, Some(SocketError::ConnectionReset), "{at:?}");
            }
        }
    }
}

#[test]
fn a_reset_has_to_know_of_the_last_acknowledgment_sent() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"delayed"));
    let early = lab.arrive(segment(RST, IRS + 8, 0)).1;
    assert_eq!(shown(&early), [". 1:1(0) ack 8 win 1026"]);
    let late = lab.arrive(segment(RST, IRS + 8, 0)).1;
    assert_eq!((shown(&late), lab.state()), (vec![], TcpState::Closed));
}

#[test]
fn a_syn_is_challenged_or_resets() {
    for at in ALL.into_iter().filter(|at| *at != At::TimeWait) {
        for (offset, insecure) in [(0, "0"), (0, "1"), (70_000, "1")] {
            let mut lab = at.with(&[("net.inet.tcp.insecure_syn", insecure)]);
            let answer = shown(&lab.arrive(segment(SYN, at.rcv() + offset, 0)).1);
            if (offset, insecure) == (0, "1") {
                let seq = at.acked() - ISS + u32::from(at.fin_under_way());
                let reset = format!("R. {seq}:{seq}(0) ack {} win 0", at.rcv() - IRS);
                assert_eq!((answer, lab.state()), (vec![reset], TcpState::Closed), "{at:?}");
            } else {
                assert_eq!(answer, [at.response()], "{at:?} {offset} {insecure}");
            }
        }
    }
}

#[test]
fn time_wait_answers_all_but_what_it_expects() {
    let answers = |segment: Segment| {
        let mut lab = At::TimeWait.with(&[]);
        let answer = shown(&lab.arrive(segment).1);
        (answer.len(), lab.state())
    };
    let (rcv, snd) = (At::TimeWait.rcv(), At::TimeWait.acked());
    let stays = |answers| (answers, TcpState::TimeWait);
    assert_eq!(answers(segment(ACK, rcv, snd)), stays(0));
    assert_eq!(answers(segment(PSH | ACK, rcv, snd)), stays(1));
    assert_eq!(answers(segment(ACK, rcv + 1, snd)), stays(1));
    assert_eq!(answers(segment(ACK, rcv, snd + 1)), stays(1));
    assert_eq!(answers(segment(SYN | ACK, rcv, snd)), stays(1));
    assert_eq!(answers(segment(FIN | ACK, rcv - 1, snd)), stays(1));
    assert_eq!(answers(segment(FIN, rcv - 1, 0)), stays(0));
    assert_eq!(answers(segment(RST, rcv, 0)), stays(0));
    assert_eq!(answers(segment(SYN, rcv, 0)), stays(0), "not beyond");
    // Nobody listens: the old one is gone, and the SYN is refused.
    assert_eq!(answers(segment(SYN, rcv + 1, 0)), (1, TcpState::Closed));
}

#[test]
fn an_acknowledgment_may_be_old_but_not_older_than_the_syn() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let ghost = lab.arrive(segment(ACK, IRS + 1, ISS)).1;
    assert_eq!(shown(&ghost), [". 1:1(0) ack 1 win 1026"]);
    let (mut lab, _) = connected(freebsd_with(&[("net.inet.tcp.insecure_ack", "1")]), USUAL);
    assert_eq!(shown(&lab.arrive(segment(ACK, IRS + 1, ISS)).1), [""; 0]);
    let unsent = lab.arrive(segment(ACK, IRS + 1, ISS + 2)).1;
    assert_eq!(shown(&unsent), [". 1:1(0) ack 1 win 1027"]);
}

#[test]
fn an_old_timestamp_is_answered_if_there_is_text() {
    let timed = |mut segment: Segment, value| {
        segment.options.push(TcpOption::Timestamps { value, echo: 0 }).expect("there is room");
        segment
    };
    let (mut lab, sent) = connected(freebsd(), Theirs { time: Some(100), ..USUAL });
    assert_eq!(sent, [". 1:1(0) ack 1 win 1027 <nop,nop,TS>"]);
    let bare = segment(ACK, IRS + 1, ISS + 1);
    assert_eq!(shown(&lab.arrive(timed(bare.clone(), 99)).1), [""; 0]);
    assert_eq!(shown(&lab.arrive(timed(bare.clone().text(b"x"), 99)).1).len(), 1);
    assert_eq!(lab.detail().rcv_nxt, IRS + 1);
    // Without timestamps it is dropped, but a reset is not.
    assert_eq!(shown(&lab.arrive(bare.text(b"x")).1), [""; 0]);
    lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn an_old_segment_still_acknowledges() {
    let mut lab = At::FinWait1.with(&[]);
    lab.arrive(segment(ACK, IRS, ISS + 2));
    assert_eq!(lab.state(), TcpState::FinWait2);
}

#[test]
fn a_fin_needs_no_room_and_text_beyond_it_no_answer() {
    let mut profile = freebsd();
    profile.options.set(twomsl_tcp::SocketOption::ReceiveBuffer(100));
    let (mut lab, _) = connected(profile, PLAIN);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&[0; 100]));
    lab.pass(Duration::from_millis(50));
    let fin = lab.arrive(segment(FIN | ACK, IRS + 101, ISS + 1)).1;
    assert_eq!((shown(&fin).len(), lab.state()), (1, TcpState::CloseWait));
    let more = lab.arrive(segment(FIN | ACK, IRS + 102, ISS + 1)).1;
    assert_eq!(shown(&more), [""; 0]);
}

#[test]
fn a_fin_beyond_a_gap_is_no_part_of_a_block() {
    let (mut lab, _) = connected(freebsd(), USUAL);
    let last = segment(FIN | ACK, IRS + 101, ISS + 1).text(&[0; 10]);
    let sent = shown(&lab.arrive(last).1);
    assert_eq!(sent, [". 1:1(0) ack 1 win 1027 <nop,nop,sack 101:111>"]);
}

#[test]
fn challenges_are_five_a_second() {
    let mut lab = At::Established.with(&[]);
    let mut sent = 0;
    for _ in 0..7 {
        sent += lab.arrive(segment(SYN, IRS + 1, 0)).1.segments().len();
    }
    assert_eq!(sent, 5);
    lab.pass(Duration::from_millis(1001));
    assert_eq!(lab.arrive(segment(SYN, IRS + 1, 0)).1.segments().len(), 1);
}
