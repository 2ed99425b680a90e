//! Losses told by duplicate acknowledgments alone: RFC 5681 §3.2, RFC 6582, RFC 3042. Ten segments
//! are under way, numbered from 0, and thirty more wait.

use twomsl_tcp::{Profile, SendReason, TimerKind};

use crate::harness::sender::Sender;

fn flying(changes: &[(&str, &str)]) -> Sender {
    Sender::flying(Profile::rfc9293(), changes, 40)
}

/// What each of so many duplicate acknowledgments lets out.
fn duplicates(sender: &mut Sender, next: u32, count: u32) -> Vec<Vec<u32>> {
    (0..count).map(|_| sender.ack(next)).collect()
}

#[test]
fn the_third_duplicate_sends_again_and_each_further_one_inflates_the_window() {
    let mut sender = flying(&[]);
    // Segment 0 is lost. The first two duplicates let a new segment out each (RFC 3042).
    assert_eq!(duplicates(&mut sender, 0, 3), [[10], [11], [0]]);
    assert_eq!(sender.reasons(), [SendReason::FastRetransmission]);
    // RFC 5681 §3.2, step 2: half of FlightSize, limited transmit not included; step 3: and three.
    assert_eq!((sender.threshold(), sender.window()), (5, 8));
    // Step 4 and 5: segments 4 to 11 arrive; 12 are under way, and the window grows to 16.
    let sent: [&[u32]; 8] = [&[], &[], &[], &[], &[12], &[13], &[14], &[15]];
    assert_eq!(duplicates(&mut sender, 0, 8), sent);
    // Step 6: the window falls back to the threshold; four are under way.
    assert_eq!(sender.ack(12), [16]);
    assert_eq!((sender.threshold(), sender.window()), (5, 5));
}

#[test]
fn each_partial_acknowledgment_repairs_one_hole() {
    let mut sender = flying(&[]);
    // Segments 0 and 3 are lost.
    assert_eq!(duplicates(&mut sender, 0, 3), [[10], [11], [0]]);
    let sent: [&[u32]; 7] = [&[], &[], &[], &[], &[12], &[13], &[14]];
    assert_eq!(duplicates(&mut sender, 0, 7), sent);
    assert_eq!(sender.window(), 15);
    // RFC 6582 §3.2, step 3: the next hole at once, the window less the three that were
    // acknowledged and more by one: 13, with 12 under way.
    assert_eq!(sender.ack(3), [3, 15]);
    assert_eq!(sender.window(), 13);
    assert_eq!(duplicates(&mut sender, 3, 3), [[16], [17], [18]]);
    // All that was sent before recovery began is there: the full acknowledgment.
    assert_eq!(sender.ack(15), [19]);
    assert_eq!(sender.window(), 5);
}

#[test]
fn a_full_acknowledgment_lets_no_burst_out_when_little_is_under_way() {
    // RFC 6582 §3.2, step 3, option 1: min(ssthresh, max(FlightSize, SMSS) + SMSS).
    let mut sender = Sender::flying(Profile::rfc9293(), &[], 10);
    duplicates(&mut sender, 0, 9);
    assert_eq!(sender.ack(10), [0; 0]);
    assert_eq!(sender.window(), 2);
}

#[test]
fn a_lost_repair_waits_for_the_timer() {
    let mut sender = flying(&[]);
    assert_eq!(duplicates(&mut sender, 0, 3), [[10], [11], [0]]);
    for sent in duplicates(&mut sender, 0, 8) {
        assert!(!sent.contains(&0), "duplicates do not tell of it");
    }
    let (timer, _, sent) = sender.timeout();
    assert_eq!((timer, sent), (TimerKind::Retransmission, vec![0]));
    assert_eq!((sender.threshold(), sender.window()), (5, 1), "it is the same congestion event");
}

#[test]
fn duplicates_that_a_timeout_caused_start_no_recovery() {
    let mut sender = flying(&[]);
    let (_, _, sent) = sender.timeout();
    assert_eq!((sent, sender.threshold()), (vec![0], 5));
    // Only segment 0 was lost, but its duplicates, too: what follows is sent again in vain.
    assert_eq!(sender.ack(1), [1, 2]);
    assert_eq!(sender.ack(10), [10, 11, 12]);
    // RFC 6582 §3.2, step 2: they do not cover more than `recover`.
    assert_eq!(duplicates(&mut sender, 10, 3), [vec![13], vec![14], vec![]]);
    assert_eq!(sender.threshold(), 5);
}

#[test]
fn two_duplicates_are_reordering() {
    let mut sender = flying(&[("limited-transmit", "off")]);
    assert_eq!(duplicates(&mut sender, 0, 2), [[0; 0]; 2]);
    let sent = sender.ack(10);
    assert!(sent.iter().all(|segment| *segment >= 10), "nothing is sent again: {sent:?}");
    assert!(sender.window() > 10);
}

#[test]
fn without_limited_transmit_the_first_duplicates_let_nothing_out() {
    let mut sender = flying(&[("limited-transmit", "off")]);
    assert_eq!(duplicates(&mut sender, 0, 3), [vec![], vec![], vec![0]]);
    assert_eq!((sender.threshold(), sender.window()), (5, 8));
}

#[test]
fn what_carries_a_new_window_is_no_duplicate() {
    // RFC 5681 §2, condition e.
    let mut sender = flying(&[("limited-transmit", "off")]);
    for offer in [60, 50, 40, 30] {
        sender.offer(offer);
        assert_eq!(sender.ack(0), [0; 0]);
    }
    assert_eq!(sender.window(), 10);
}

#[test]
fn a_window_that_shrinks_during_recovery_is_respected() {
    let mut sender = flying(&[]);
    assert_eq!(duplicates(&mut sender, 0, 3), [[10], [11], [0]]);
    // Four segments from 3 on: the repair of 3 fits, and nothing new (MUST-34).
    sender.offer(4);
    assert_eq!(sender.ack(3), [3]);
    for sent in duplicates(&mut sender, 3, 8) {
        assert_eq!(sent, [0; 0]);
    }
    sender.offer(20);
    assert!(sender.ack(12).first().is_some_and(|first| *first == 12));
}
