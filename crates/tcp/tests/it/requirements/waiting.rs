//! RFC 9293 §3.8 and §3.10.7.4: probes, windows, and when acknowledgments leave.

use std::time::Duration;

use twomsl_tcp::{
    Instant, Profile, Readiness, SendReason, SocketOption, TcpState, TimerKind, Verdict,
};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, Shape as _, segment, text};
use crate::harness::scene::{IN_FLIGHT, IRS, ISS, Scene, WINDOW, staged};

const HOUR: Duration = Duration::from_secs(3600);

/// An established connection in which everything is acknowledged.
fn idle(options: &[SocketOption]) -> Lab {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(ACK, IRS + 1, nxt));
    for option in options {
        lab.stack.set_option(lab.now, lab.socket(), *option).unwrap();
    }
    lab
}

#[test]
fn keepalive_is_off_until_it_is_asked_for_and_can_be_switched_off_again() {
    // MUST-24, MUST-25, MUST-28: two hours.
    let mut lab = idle(&[]);
    assert_eq!(lab.timer(TimerKind::KeepAlive), None);
    lab.stack.set_option(lab.now, lab.socket(), SocketOption::KeepAlive(true)).unwrap();
    assert_eq!(lab.timer(TimerKind::KeepAlive), Some(lab.now + 2 * HOUR));
    lab.stack.set_option(lab.now, lab.socket(), SocketOption::KeepAlive(false)).unwrap();
    assert!(lab.pass(24 * HOUR).sent.is_empty());
}

#[test]
fn a_keepalive_probe_is_an_old_number_without_text() {
    // SHLD-12, MUST-27: after as long as was asked for.
    let idle_for = Duration::from_secs(100);
    let mut lab = idle(&[SocketOption::KeepIdle(idle_for), SocketOption::KeepAlive(true)]);
    let (start, nxt) = (lab.now, lab.detail().snd_nxt);
    let (_, effects) = lab.next_timeout().unwrap();
    let probe = effects.only();
    assert_eq!((lab.now, effects.reasons()), (start + idle_for, vec![SendReason::KeepAlive]));
    assert_eq!((probe.seq.value(), probe.payload.len()), (nxt.wrapping_sub(1), 0));
}

#[test]
fn keepalive_waits_for_silence_and_for_what_is_outstanding() {
    // MUST-26: whatever comes starts the interval over; text under way is its own probe.
    let idle_for = Duration::from_secs(100);
    let options = [SocketOption::KeepIdle(idle_for), SocketOption::KeepAlive(true)];
    let mut lab = idle(&options);
    let heard = lab.now + Duration::from_secs(60);
    lab.pass(Duration::from_secs(60));
    lab.arrive(segment(ACK, IRS + 1, lab.detail().snd_nxt));
    while lab.timer(TimerKind::KeepAlive) != Some(heard + idle_for) {
        let (_, effects) = lab.next_timeout().expect("the timer runs");
        assert!(effects.sent.is_empty());
    }
    let mut lab = idle(&options);
    lab.stack.send(lab.now, lab.socket(), b"hello").unwrap();
    lab.effects();
    let reasons = lab.pass(Duration::from_secs(250)).reasons();
    assert!(reasons.len() > 2 && !reasons.contains(&SendReason::KeepAlive), "{reasons:?}");
}

#[test]
fn what_lies_beyond_a_window_that_has_shrunk_waits_without_giving_up() {
    // SHLD-15, SHLD-16, SHLD-17, MUST-34, MUST-35: 300 octets are under way when the window becomes
    // 100, then nothing. The peer answers what is sent, and nothing else.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).window(100));
    lab.stack.send(lab.now, lab.socket(), b"new").unwrap();
    assert!(lab.effects().sent.is_empty(), "nothing new");
    let (_, effects) = lab.next_timeout().unwrap();
    assert_eq!(effects.brief(), ["ACK 100"], "what lies within, as usual");
    lab.arrive(segment(ACK, IRS + 1, ISS + 101).window(0));
    let start = lab.now;
    let mut probes = 0;
    while lab.now.since(start) < HOUR {
        let (_, effects) = lab.next_timeout().expect("a probe is due");
        assert_eq!(effects.reasons(), [SendReason::WindowProbe]);
        probes += 1;
        lab.arrive(segment(ACK, IRS + 1, ISS + 101).window(0));
    }
    assert_eq!((lab.state(), probes > 10), (TcpState::Established, true));
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 101).window(1000));
    let sent: usize = effects.segments().iter().map(|sent| sent.payload.len()).sum();
    assert_eq!(sent, IN_FLIGHT as usize - 100 + "new".len());
}

#[test]
fn a_window_that_nobody_reads_stays_closed_as_long_as_it_takes() {
    // MAY-8: every probe is answered with the same window.
    let mut lab = idle(&[]);
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(ACK, IRS + 1, nxt).text(&text(WINDOW as usize)));
    lab.pass(Duration::from_secs(1));
    for _ in 0..100 {
        lab.pass(HOUR);
        let probe = segment(ACK, IRS.wrapping_add(1 + WINDOW), nxt).text(b"x");
        let (arrival, effects) = lab.arrive(probe);
        assert_eq!((arrival.text, effects.only().window), (0, 0));
    }
    assert_eq!(lab.state(), TcpState::Established);
}

#[test]
fn urgent_text_is_announced_through_a_closed_window() {
    // MUST-66; a story of the window has the RST.
    let mut lab = idle(&[]);
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(ACK, IRS + 1, nxt).text(&text(WINDOW as usize)));
    assert_eq!(lab.detail().rcv_wnd, 0);
    let urgent = segment(ACK, IRS.wrapping_add(1 + WINDOW), nxt).urgent(5);
    let (_, effects) = lab.arrive(urgent);
    assert_eq!(effects.told(), [Readiness::Urgent]);
}

#[test]
fn one_acknowledgment_answers_all_that_a_gap_held_back() {
    // MUST-58, MUST-59: the segments that were queued are all processed before anything is sent.
    let mut lab = idle(&[]);
    let nxt = lab.detail().snd_nxt;
    for place in [3, 1, 4, 2] {
        let (arrival, _) = lab.arrive(segment(ACK, IRS + 1 + 10 * place, nxt).text(&text(10)));
        assert_eq!((arrival.verdict, arrival.text), (Verdict::OutOfOrder, 10));
    }
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, nxt).text(&text(10)));
    assert_eq!(effects.only().ack.value(), IRS + 1 + 50);
}

#[test]
fn an_application_may_wait_longer_for_its_peer_than_the_profile_would() {
    // MUST-21: R2 of one connection, shorter or longer than the others'.
    let given_up_after = |wait: Option<Duration>| {
        let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
        let start: Instant = lab.now;
        if let Some(wait) = wait {
            let option = SocketOption::UserTimeout(wait);
            lab.stack.set_option(lab.now, lab.socket(), option).unwrap();
        }
        while lab.state() != TcpState::Closed {
            lab.next_timeout().expect("a timer runs");
        }
        lab.now.since(start)
    };
    for wait in [Duration::from_secs(5), HOUR] {
        assert_eq!(given_up_after(Some(wait)), wait);
    }
    assert!(given_up_after(None) < HOUR);
}

#[test]
fn acknowledgments_that_are_too_old_are_challenged() {
    // MAY-12: older than the largest window the peer ever offered.
    let mut lab = idle(&[]);
    let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS - 2000).text(b"forged"));
    assert_eq!((arrival.verdict, arrival.text), (Verdict::AckTooOld, 0));
    assert_eq!(effects.reasons(), [SendReason::ChallengeAck]);
}
