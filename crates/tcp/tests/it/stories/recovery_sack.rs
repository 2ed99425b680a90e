//! Losses told by SACK: RFC 6675 by what has arrived, RFC 8985 (RACK) by when. Ten segments are
//! under way, numbered from 0.

use std::time::Duration;

use twomsl_tcp::{Profile, SocketOption, TimerKind};

use super::ms;
use crate::harness::sender::{ROUND_TRIP, Sender};

/// RFC 6675 as it is written: no PRR, half of what is under way.
const BLOCKS: [(&str, &str); 5] = [
    ("timestamps", "off"),
    ("loss-detection", "blocks"),
    ("proportional-rate", "off"),
    ("window-reduction", "flight-size"),
    ("congestion-control", "newreno"),
];

/// RACK with PRR and CUBIC, as Linux has them.
const RACK: [(&str, &str); 1] = [("timestamps", "off")];

fn blocks(segments: u32) -> Sender {
    Sender::flying(Profile::linux(), &BLOCKS, segments)
}

fn rack(segments: u32) -> Sender {
    Sender::flying(Profile::linux(), &RACK, segments)
}

/// What leaves as the blocks grow to these ends, one acknowledgment each.
fn grow(sender: &mut Sender, from: u32, ends: core::ops::RangeInclusive<u32>) -> Vec<Vec<u32>> {
    ends.map(|end| sender.sack(0, &[(from, end)])).collect()
}

#[test]
fn a_segment_is_lost_when_more_than_two_have_arrived_behind_it() {
    let mut sender = blocks(40);
    // RFC 6675 §5, step 3: what is SACKed makes room for new text before that.
    assert_eq!(grow(&mut sender, 1, 2..=4), [[10], [11], [0]]);
    // Step 4.2: half of FlightSize at once; step 4.3: the repair whatever is under way.
    assert_eq!((sender.threshold(), sender.window()), (5, 5));
    // Nine are under way; at four there is room again.
    let sent: [&[u32]; 8] = [&[], &[], &[], &[], &[12], &[13], &[14], &[15]];
    assert_eq!(grow(&mut sender, 1, 5..=12), sent);
    assert_eq!(sender.ack(12), [16]);
    assert_eq!(sender.window(), 5);
}

/// RFC 6298 §5.3 starts the timer over when something new is acknowledged, and RFC 6675 §6 lets each
/// repair do so. Linux does with the first segment, FreeBSD with the recovery.
#[test]
fn whether_a_repair_starts_the_retransmission_timer_over() {
    let none = [("timestamps", "off"), ("sack", "off")];
    for (profile, changes, over) in [
        (Profile::linux(), &BLOCKS[..], ROUND_TRIP),
        (Profile::linux(), &RACK, ROUND_TRIP),
        (Profile::linux(), &none, ROUND_TRIP),
        (Profile::freebsd(), &RACK, ROUND_TRIP),
        (Profile::freebsd(), &none, ROUND_TRIP),
        (Profile::rfc9293(), &BLOCKS, Duration::ZERO),
        (Profile::rfc9293(), &none, Duration::ZERO),
    ] {
        let name = format!("{:?} {changes:?}", profile.lineage);
        let mut sender = Sender::flying(profile, changes, 40);
        let due = |sender: &Sender| sender.lab.timer(TimerKind::Retransmission);
        let before = due(&sender).expect("it runs");
        let sent = grow(&mut sender, 1, 2..=4);
        assert!(sent.concat().contains(&0), "{name}: {sent:?}");
        assert_eq!(due(&sender), Some(before + over), "{name}");
        // What follows is another segment, and changes nothing.
        sender.wait(ms(1));
        grow(&mut sender, 1, 5..=6);
        assert_eq!(due(&sender), Some(before + over), "{name}: again");
    }
}

#[test]
fn when_reordering_was_waited_for_in_vain_the_timeout_counts_from_the_repair() {
    // `tcp_rearm_rto`, `tcp_rto_delta_us`
    let mut sender = rack(10);
    let timeout = sender.lab.timer(TimerKind::Retransmission).expect("it runs");
    let timeout = timeout.since(sender.lab.now) + ROUND_TRIP;
    assert_eq!(sender.sack(0, &[(1, 2)]), [0; 0]);
    let (kind, _, sent) = sender.timeout();
    assert_eq!((kind, sent), (TimerKind::Reordering, vec![0]));
    let due = sender.lab.timer(TimerKind::Retransmission);
    assert_eq!(due, Some(sender.lab.now + timeout));
}

#[test]
fn several_holes_are_repaired_in_one_round_trip() {
    let mut sender = blocks(40);
    // Segments 0, 3 and 5 are lost.
    assert_eq!(sender.sack(0, &[(1, 2)]), [10]);
    assert_eq!(sender.sack(0, &[(1, 3)]), [11]);
    assert_eq!(sender.sack(0, &[(4, 5), (1, 3)]), [0]);
    let rest: [(u32, &[u32]); 6] =
        [(7, &[]), (8, &[]), (9, &[3]), (10, &[5]), (11, &[12]), (12, &[13])];
    for (end, sent) in rest {
        assert_eq!(sender.sack(0, &[(6, end), (4, 5), (1, 3)]), sent, "up to {end}");
    }
    // The repairs arrive, and there is nothing left to repair.
    assert_eq!(sender.sack(3, &[(6, 12), (4, 5)]), [14]);
    assert_eq!(sender.sack(5, &[(6, 12)]), [15]);
    assert_eq!(sender.ack(12), [16]);
    assert_eq!((sender.threshold(), sender.window()), (5, 5));
}

#[test]
fn three_duplicates_are_enough_when_segments_are_small() {
    // RFC 6675 §5, step 1: DupAcks counts, even where the octets are fewer than two segments'.
    let mut sender = Sender::new(Profile::linux(), &BLOCKS);
    let (now, socket) = (sender.lab.now, sender.lab.socket());
    sender.lab.stack.set_option(now, socket, SocketOption::NoDelay(true)).unwrap();
    for _ in 0..6 {
        sender.lab.stack.send(now, socket, &[b'x'; 100]).unwrap();
    }
    assert_eq!(sender.lab.effects().brief(), ["ACK 100"; 6]);
    sender.lab.now += ROUND_TRIP;
    for end in [200, 300] {
        let answer = sender.answer(0, &[(100, end)], twomsl_tcp::wire::Flags::empty());
        assert_eq!(sender.lab.arrive(answer).1.brief(), [""; 0]);
    }
    let answer = sender.answer(0, &[(100, 400)], twomsl_tcp::wire::Flags::empty());
    assert_eq!(sender.lab.arrive(answer).1.brief(), ["ACK 100"]);
}

#[test]
fn a_hole_near_the_end_is_filled_when_there_is_nothing_new_to_send() {
    // RFC 6675 §4, NextSeg, rule 3: segment 8 is missing, and only one has arrived behind it.
    let mut sender = blocks(10);
    grow(&mut sender, 1, 2..=8);
    sender.sack(0, &[(9, 10), (1, 8)]);
    assert_eq!(sender.sack(8, &[(9, 10)]), [0; 0], "it was sent again already");
    assert_eq!(sender.ack(10), [0; 0]);
    let (mut sender, mut sent) = (blocks(10), Vec::new());
    for end in 2..=8 {
        sent.extend(sender.sack(0, &[(1, end)]));
    }
    sent.extend(sender.sack(0, &[(9, 10), (1, 8)]));
    assert_eq!(sent, [0, 8], "each once");
}

#[test]
fn a_lost_repair_waits_for_the_timer_without_rack() {
    let mut sender = blocks(40);
    grow(&mut sender, 1, 2..=4);
    for sent in grow(&mut sender, 1, 5..=14) {
        assert!(!sent.contains(&0), "RFC 6675 knows of no lost retransmission");
    }
    let (timer, _, sent) = sender.timeout();
    assert_eq!(timer, TimerKind::Retransmission);
    assert_eq!(sent, [0]);
}

#[test]
fn rack_finds_a_lost_repair() {
    // RFC 8985 §6.2, step 5: what was sent after the retransmission arrives before it.
    let mut sender = rack(40);
    let mut log = Vec::new();
    for end in 2..=10 {
        // Within a millisecond Linux would wait for more acknowledgments (`tcp_tso_should_defer`).
        sender.wait(Duration::from_micros(1001));
        let sent = sender.sack(0, &[(1, end)]);
        log.extend(sent.into_iter().map(|segment| (end, segment)));
    }
    // PRR: seven segments for ten that arrive, of which the repair is one.
    let expected = [(2, 10), (3, 11), (4, 0), (5, 12), (6, 13), (9, 14), (10, 15)];
    assert_eq!(log, expected);
    sender.wait(ms(92));
    for end in [11, 12] {
        assert!(!sender.sack(0, &[(1, end)]).contains(&0), "{end} was sent before the repair");
        sender.wait(ms(1));
    }
    sender.wait(ms(1));
    assert!(sender.sack(0, &[(1, 13)]).contains(&0), "12 was sent after it");
}

#[test]
fn reordering_alone_sends_nothing_again_under_rack() {
    let mut sender = rack(10);
    // Segment 0 is overtaken by two.
    assert_eq!(grow(&mut sender, 1, 2..=3), [[0; 0]; 2]);
    sender.wait(ms(10));
    assert_eq!(sender.ack(3), [0; 0]);
    // Reordering was seen: now even four do not hurry it (RFC 8985 §6.2, step 4).
    for end in 5..=8 {
        assert_eq!(sender.sack(3, &[(4, end)]), [0; 0]);
    }
    sender.wait(ms(10));
    assert_eq!(sender.ack(10), [0; 0]);
    assert!(sender.window() >= 10);
}

#[test]
fn rack_waits_a_quarter_of_a_round_trip() {
    // And two milliseconds: TCP_TIMEOUT_MIN_US.
    let mut sender = rack(10);
    assert_eq!(sender.sack(0, &[(1, 2)]), [0; 0]);
    assert_eq!(sender.timeout(), (TimerKind::Reordering, 27, vec![0]));
    assert_eq!(sender.threshold(), 7);
}

#[test]
fn three_that_have_arrived_end_the_patience_of_rack() {
    let mut sender = rack(10);
    assert_eq!(grow(&mut sender, 1, 2..=4), [vec![], vec![], vec![0]]);
}

#[test]
fn an_acknowledgment_with_a_first_block_is_no_reordering() {
    // The delayed acknowledgment of segment 0 leaves with the news that 1 is missing.
    let mut sender = rack(10);
    assert_eq!(sender.sack(1, &[(2, 3)]), [0; 0]);
    assert_eq!(sender.sack(1, &[(2, 4)]), [0; 0]);
    assert_eq!(sender.sack(1, &[(2, 5)]), [1], "nobody waits for what was not overtaken");
}

#[test]
fn what_a_receiver_throws_away_is_sent_again() {
    // RFC 2018 §8: SACKed text must be kept until it is acknowledged.
    for mut sender in [blocks(10), rack(10)] {
        grow(&mut sender, 1, 2..=4);
        // It had no room, and says so by leaving the blocks out.
        assert_eq!(sender.ack(1), [0; 0]);
        let mut sent = Vec::new();
        for _ in 0..40 {
            if sender.lab.detail().snd_una == sender.lab.detail().snd_nxt {
                break;
            }
            let (_, _, again) = sender.timeout();
            sent.extend(again.clone());
            if let Some(last) = again.last() {
                sender.ack(last + 1);
            }
        }
        assert!([1, 2, 3].iter().all(|segment| sent.contains(segment)), "{sent:?}");
    }
}

#[test]
fn a_d_sack_after_the_recovery_takes_it_back() {
    // RFC 3708; Linux' `tcp_try_undo_dsack`. Segment 0 was late by more than three.
    let mut sender = rack(10);
    assert_eq!(grow(&mut sender, 1, 2..=4), [vec![], vec![], vec![0]]);
    assert_eq!(sender.threshold(), 7);
    assert_eq!(sender.ack(10), [0; 0]);
    assert!(sender.window() < 10, "so far it looks like a loss");
    sender.sack(10, &[(0, 1)]);
    assert!(sender.window() >= 10, "the copy came, too");
    assert!(sender.threshold() >= 10);
}

#[test]
fn a_repair_that_was_needed_is_not_taken_back() {
    let mut sender = rack(10);
    grow(&mut sender, 1, 2..=10);
    assert_eq!(sender.ack(10), [0; 0]);
    assert_eq!((sender.window(), sender.threshold()), (7, 7));
}

#[test]
fn a_d_sack_of_something_else_takes_nothing_back() {
    let mut sender = rack(10);
    sender.ack(1);
    for end in 3..=5 {
        sender.sack(1, &[(2, end)]);
    }
    assert_eq!(sender.ack(10), [0; 0]);
    let reduced = sender.window();
    // Segment 0 was doubled by the network, before the recovery.
    sender.sack(10, &[(0, 1)]);
    assert_eq!(sender.window(), reduced);
}
