//! RFC 3168 §6.1: marks in place of losses.

use twomsl_tcp::wire::{Ecn, Flags};
use twomsl_tcp::{Profile, TimerKind};

use crate::harness::packets::{ACK, Shape as _, packet, segment};
use crate::harness::scene::{IRS, ISS};
use crate::harness::sender::{ROUND_TRIP, Sender};

const ECN: [(&str, &str); 3] = [("ecn", "on"), ("timestamps", "off"), ("tail-loss-probe", "off")];

/// A sender whose peer has agreed to ECN, with ten segments of forty under way.
fn flying() -> Sender {
    let sender = Sender::flying(Profile::linux(), &ECN, 40);
    assert_eq!(sender.marks(), [(Ecn::Ect0, false); 10], "new text says that it may be marked");
    sender
}

/// How many of the last segments confirm a reduction.
fn confirmations(sender: &Sender) -> usize {
    sender.marks().iter().filter(|(_, confirms)| *confirms).count()
}

#[test]
fn the_window_comes_down_once_per_window_of_data() {
    // §6.1.2: "at most once per window of data".
    let mut sender = flying();
    let mut confirmed = 0;
    for next in 1..=10 {
        let sent = sender.arrive(next, &[], Flags::ECE);
        assert!(sent.iter().all(|segment| *segment >= 10), "nothing was lost: {sent:?}");
        confirmed += confirmations(&sender);
        assert_eq!(sender.threshold(), 7);
    }
    assert_eq!(confirmed, 1, "CWR on the first new text after it");
    // What was sent since is another window, and a mark in it is news.
    let next = 10 + sender.window();
    for next in 11..next {
        sender.ack(next);
    }
    let window = sender.window();
    assert_eq!(sender.threshold(), 7);
    sender.arrive(next, &[], Flags::ECE);
    assert_eq!(sender.threshold(), window * 7 / 10);
}

#[test]
fn what_is_sent_again_is_never_marked() {
    // §6.1.5.
    let mut sender = flying();
    let (timer, _, sent) = sender.timeout();
    assert_eq!((timer, sent), (TimerKind::Retransmission, vec![0]));
    assert_eq!(sender.marks(), [(Ecn::NotEct, false)]);
}

#[test]
fn every_reduction_is_confirmed() {
    // §6.1.2: "for any reason (because of a retransmit timeout, a Fast Retransmit, or in response to
    // an ECN Notification)".
    let mut sender = flying();
    sender.timeout();
    assert_eq!(sender.ack(1), [10, 11]);
    assert_eq!(sender.marks(), [(Ecn::Ect0, true), (Ecn::Ect0, false)]);

    let mut sender = flying();
    let mut confirmed = Vec::new();
    for end in 2..=10 {
        sender.sack(0, &[(1, end)]);
        confirmed.extend(sender.marks().into_iter().filter(|(_, confirms)| *confirms));
    }
    assert_eq!(confirmed, [(Ecn::Ect0, true)], "on new text, and not on the repair");
}

#[test]
fn a_mark_is_echoed_until_it_is_confirmed() {
    // §6.1.3.
    let mut sender = Sender::new(Profile::linux(), &ECN);
    let mut seq = IRS + 1;
    let mut next = |flags: Flags, mark: Ecn| {
        let text = segment(ACK | flags, seq, ISS.wrapping_add(1)).text(b"text");
        seq = seq.wrapping_add(4);
        let mut packet = packet(text);
        packet.ecn = mark;
        sender.lab.now += ROUND_TRIP;
        let (_, effects) = sender.lab.arrive_packet(packet);
        let marks: Vec<_> = effects.sent.iter().map(|sent| sent.packet.ecn).collect();
        assert_eq!(marks, [Ecn::NotEct], "§6.1.4: a pure acknowledgment cannot be marked");
        effects.only().has(Flags::ECE)
    };
    let story = [
        (Flags::empty(), Ecn::Ect0, false),
        (Flags::empty(), Ecn::Ce, true),
        (Flags::empty(), Ecn::Ect0, true),
        (Flags::empty(), Ecn::Ce, true),
        (Flags::CWR, Ecn::Ect0, false),
        (Flags::empty(), Ecn::Ect0, false),
        (Flags::empty(), Ecn::Ce, true),
        (Flags::CWR, Ecn::Ce, true),
    ];
    for (step, (flags, mark, echoed)) in story.into_iter().enumerate() {
        assert_eq!(next(flags, mark), echoed, "step {step}");
    }
}
