//! What timers repair: tail loss probes (RFC 8985 §7), timeouts for nothing (F-RTO, RFC 5682; Eifel,
//! RFC 3522). The round trip takes 100 ms, so that the timeout is 300 ms on Linux.

use twomsl_tcp::{Profile, SendReason, TimerKind};

use super::ms;
use crate::harness::packets::{ACK, Shape as _, segment};
use crate::harness::scene::{IRS, ISS};
use crate::harness::sender::{ROUND_TRIP, SEGMENT, Sender};

const PLAIN: (&str, &str) = ("timestamps", "off");
const NO_PROBE: (&str, &str) = ("tail-loss-probe", "off");

fn probing() -> Sender {
    Sender::new(Profile::linux(), &[PLAIN])
}

/// Ten segments of twenty were sent and not acknowledged, until the timer fired.
fn timed_out(changes: &[(&str, &str)]) -> Sender {
    let changes: Vec<_> = changes.iter().copied().chain([NO_PROBE]).collect();
    let mut sender = Sender::flying(Profile::linux(), &changes, 20);
    assert_eq!(sender.timeout(), (TimerKind::Retransmission, 200, vec![0]));
    assert_eq!((sender.window(), sender.threshold()), (1, 7));
    sender
}

#[test]
fn the_last_segment_is_sent_again_after_two_round_trips() {
    // RFC 8985 §7.2; Linux adds TCP_TIMEOUT_MIN.
    let mut sender = probing();
    assert_eq!(sender.write(3), [0, 1, 2]);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 202, vec![2]));
    assert_eq!(sender.reasons(), [SendReason::LossProbe]);
    // §7.3: one probe, then the retransmission timer, which starts over with it.
    assert_eq!(sender.timeout(), (TimerKind::Retransmission, 300, vec![0]));
}

#[test]
fn a_single_segment_leaves_time_for_a_delayed_acknowledgment() {
    // §7.2: two round trips and 200 ms, but not later than the retransmission timer would fire.
    let mut sender = probing();
    assert_eq!(sender.write(1), [0]);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 300, vec![0]));
    assert_eq!(sender.window(), 10, "a probe is no reason to slow down");
    assert_eq!(sender.timeout(), (TimerKind::Retransmission, 300, vec![0]));
}

#[test]
fn a_probe_does_not_wait_for_longer_because_of_new_text() {
    // §7.2: "If Now() + PTO > TCP_RTO_expiration()".
    let mut sender = probing();
    sender.write(1);
    sender.wait(ms(250));
    assert_eq!(sender.write(1), [1]);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 50, vec![1]));
}

#[test]
fn new_text_is_the_better_probe() {
    // §7.3: beyond the congestion window.
    let mut sender = Sender::flying(Profile::linux(), &[PLAIN], 12);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 102, vec![10]));
}

#[test]
fn a_probe_shows_the_hole_before_it() {
    // §7.1: the SACK of the probe starts a recovery, long before the timer.
    let mut sender = probing();
    sender.write(3);
    sender.wait(ROUND_TRIP);
    sender.ack(1);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 202, vec![2]));
    sender.wait(ROUND_TRIP);
    assert_eq!(sender.sack(1, &[(2, 3)]), [1]);
    assert_eq!(sender.reasons(), [SendReason::FastRetransmission]);
}

#[test]
fn the_same_with_timestamps() {
    // What is echoed is older than the probe (RFC 7323 §4.3): that says nothing about it.
    let mut sender = Sender::new(Profile::linux(), &[]);
    sender.write(3);
    sender.echo = sender.stamped();
    sender.wait(ROUND_TRIP);
    sender.ack(1);
    sender.timeout();
    sender.wait(ROUND_TRIP);
    assert_eq!(sender.sack(1, &[(2, 3)]), [1]);
}

#[test]
fn a_loss_that_the_probe_itself_has_repaired_is_a_loss() {
    // §7.4: known when more than the probe is acknowledged, and no D-SACK came.
    let mut sender = probing();
    sender.write(3);
    sender.wait(ROUND_TRIP);
    sender.ack(2);
    sender.timeout();
    sender.wait(ROUND_TRIP);
    sender.ack(3);
    let before = sender.window();
    assert!(before >= 10);
    sender.write(1);
    sender.wait(ROUND_TRIP);
    sender.ack(4);
    assert_eq!(sender.window(), before * 7 / 10);
}

#[test]
fn a_probe_that_came_twice_is_no_loss() {
    // §7.4: the D-SACK of the probe, or without D-SACK a duplicate acknowledgment.
    for answer in [&[(2, 3)][..], &[]] {
        let mut sender = probing();
        sender.write(3);
        sender.timeout();
        sender.ack(3);
        sender.sack(3, answer);
        sender.write(1);
        sender.wait(ROUND_TRIP);
        sender.ack(4);
        assert!(sender.window() >= 10, "{answer:?}");
    }
}

#[test]
fn text_of_the_peer_says_nothing_about_a_probe() {
    let mut sender = probing();
    sender.write(3);
    sender.timeout();
    sender.ack(3);
    let before = sender.window();
    let ack = |next| ISS.wrapping_add(1 + next * SEGMENT);
    sender.lab.arrive(segment(ACK, IRS + 1, ack(3)).window(u16::MAX).text(b"hello"));
    sender.write(1);
    sender.wait(ROUND_TRIP);
    sender.lab.arrive(segment(ACK, IRS + 6, ack(4)).window(u16::MAX));
    assert_eq!(sender.window(), before * 7 / 10);
}

#[test]
fn after_a_timeout_new_text_tells_whether_it_was_for_nothing() {
    // RFC 5682 §3.1, step 2b.
    let mut sender = timed_out(&[PLAIN]);
    assert_eq!(sender.ack(1), [10, 11]);
    // Step 3b: segment 1 was sent once, and it is here.
    let sent = sender.ack(2);
    assert!(sent.iter().all(|segment| *segment >= 12), "{sent:?}");
    assert!(sender.window() >= 10 && sender.threshold() > 10, "as before");
}

#[test]
fn the_first_acknowledgment_may_tell_already() {
    let mut sender = timed_out(&[PLAIN]);
    let sent = sender.ack(3);
    assert!(sent.iter().all(|segment| *segment >= 10), "{sent:?}");
    assert!(sender.window() >= 10 && sender.threshold() > 10);
}

#[test]
fn a_timeout_that_was_right_is_followed_by_slow_start() {
    let mut sender = timed_out(&[PLAIN]);
    assert_eq!(sender.ack(1), [10, 11]);
    // Step 3a: only the new text arrives.
    assert_eq!(sender.sack(1, &[(10, 11)]), [1]);
    assert_eq!(sender.threshold(), 7);
    assert_eq!(sender.sack(2, &[(10, 12)])[0], 2);
}

#[test]
fn a_sender_that_does_not_look_sends_everything_again() {
    let mut sender = timed_out(&[PLAIN, ("spurious-timeouts", "believed")]);
    assert_eq!(sender.ack(1), [1, 2]);
    assert_eq!(sender.ack(2), [3, 4]);
}

#[test]
fn without_sack_a_repair_may_acknowledge_what_was_there_for_long() {
    // Only segment 0 was lost, and all duplicates with it: not a timeout for nothing.
    let mut sender = timed_out(&[PLAIN, ("sack", "off")]);
    sender.ack(10);
    assert_eq!(sender.threshold(), 7);
    assert!(sender.window() <= 7);
}

#[test]
fn an_echo_older_than_the_copy_takes_the_timeout_back() {
    // RFC 3522 §3.2.
    let changes = [NO_PROBE];
    let mut sender = Sender::flying(Profile::linux(), &changes, 20);
    let original = sender.stamped();
    sender.timeout();
    assert_eq!(sender.window(), 1);
    let copy = sender.stamped();
    for (echo, spurious) in [(original, true), (copy, false)] {
        let mut sender = Sender::flying(Profile::linux(), &changes, 20);
        sender.timeout();
        sender.echo = echo;
        let sent = sender.ack(1);
        assert!(sent.iter().all(|segment| *segment >= 10), "{sent:?}");
        assert_eq!(sender.window() >= 10, spurious);
        assert_eq!(sender.threshold() > 10, spurious);
    }
}

#[test]
fn a_timeout_within_a_recovery_is_not_another_congestion_event() {
    // RFC 5681 §3.1: the threshold stays when a retransmission is lost.
    let mut sender = Sender::flying(Profile::linux(), &[PLAIN, NO_PROBE], 10);
    for end in 2..=4 {
        sender.sack(0, &[(1, end)]);
    }
    assert_eq!(sender.threshold(), 7);
    let (timer, _, sent) = sender.timeout();
    assert_eq!((timer, sent), (TimerKind::Retransmission, vec![0]));
    assert_eq!((sender.window(), sender.threshold()), (1, 7));
}
