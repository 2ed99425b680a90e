//! Corners of loss recovery: what looks like a loss and is none, what looks needless and is not,
//! and what an earlier recovery leaves behind. Segments are numbered from 0.

use bytes::Bytes;
use twomsl_tcp::profile::{IsnSource, Lineage, WindowScaling};
use twomsl_tcp::wire::{Flags, TcpOption};
use twomsl_tcp::{Profile, SendReason, SocketOption, TimerKind};

use super::{ms, profiles};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, SYN, Shape as _, ours, segment, theirs};
use crate::harness::scene::{IRS, ISS};
use crate::harness::sender::{ROUND_TRIP, SEGMENT, Sender};

const PLAIN: (&str, &str) = ("timestamps", "off");
const NO_PROBE: (&str, &str) = ("tail-loss-probe", "off");
/// RFC 6675 in place of RACK.
const BLOCKS: (&str, &str) = ("loss-detection", "blocks");

/// A sender by time and one by blocks, with ten segments under way.
fn both() -> [Sender; 2] {
    [&[PLAIN][..], &[PLAIN, BLOCKS]].map(|changes| Sender::flying(Profile::linux(), changes, 10))
}

/// Segments arrive behind the missing `una`, up to these ends. What leaves.
fn gap(sender: &mut Sender, una: u32, ends: core::ops::RangeInclusive<u32>) -> Vec<u32> {
    ends.flat_map(|end| sender.sack(una, &[(una + 1, end)])).collect()
}

/// Writes so many small segments.
fn write_small(sender: &mut Sender, octets: usize, count: usize) {
    let (now, socket) = (sender.lab.now, sender.lab.socket());
    sender.lab.stack.set_option(now, socket, SocketOption::NoDelay(true)).expect("it is open");
    for _ in 0..count {
        sender.lab.stack.send(now, socket, &vec![b'x'; octets]).expect("there is room");
    }
    assert_eq!(sender.lab.effects().brief(), vec![format!("ACK {octets}"); count]);
}

#[test]
fn an_echo_from_before_the_gap_takes_no_recovery_back() {
    // RFC 7323 §4.3: a duplicate echoes the last segment in order, which is always older than the
    // copy. RFC 3522 §3.2 asks about an acknowledgment of new data.
    let mut sender = Sender::flying(Profile::linux(), &[], 10);
    let syn = sender.echo;
    assert_eq!(gap(&mut sender, 0, 2..=4), [0]);
    let copy = sender.stamped();
    assert_eq!((sender.threshold(), sender.echo), (7, syn));
    // The network has doubled segment 2: its D-SACK is not about the copy (RFC 2883 §4).
    sender.sack(0, &[(2, 3), (1, 4)]);
    assert_eq!(sender.threshold(), 7);
    assert_eq!(gap(&mut sender, 0, 5..=10), [0; 0]);
    sender.wait(ROUND_TRIP);
    sender.echo = copy;
    sender.ack(10);
    assert_eq!((sender.threshold(), sender.window()), (7, 7), "the loss was real");
}

#[test]
fn each_recovery_has_its_own_first_copy() {
    // RFC 3522 §3.2: RetransmitTS is of this recovery, not of one that was right.
    let mut sender = Sender::flying(Profile::linux(), &[], 10);
    assert_eq!(gap(&mut sender, 0, 2..=4), [0]);
    sender.echo = sender.stamped();
    gap(&mut sender, 0, 5..=10);
    sender.wait(ROUND_TRIP);
    sender.ack(10);
    assert_eq!((sender.window(), sender.threshold()), (7, 7));

    assert_eq!(sender.write(7), [10, 11, 12, 13, 14, 15, 16]);
    let original = sender.stamped();
    sender.wait(ROUND_TRIP);
    assert_eq!(gap(&mut sender, 10, 12..=14), [10]);
    assert_eq!(sender.threshold(), 4);
    sender.wait(ms(5));
    sender.echo = original;
    sender.ack(17);
    assert_eq!(sender.threshold(), 7, "segment 10 was only late");
    assert!(sender.window() >= 7);
}

#[test]
fn answers_to_window_probes_are_no_duplicates() {
    // RFC 9293 §3.8.6.1: they tell of the window; nothing was lost, and nothing is slowed down.
    for profile in profiles() {
        let name = profile.name;
        if profile.lineage == Lineage::Bsd {
            // A window that shrinks without an acknowledgment is not believed.
            continue;
        }
        let mut sender = Sender::new(profile, &[PLAIN]);
        sender.offer(0);
        sender.ack(0);
        assert_eq!(sender.write(10), [0; 0]);
        let before = (sender.window(), sender.lab.detail().slow_start_threshold);
        for probe in 1..=5 {
            assert_eq!(sender.timeout().0, TimerKind::Persist, "{name}: probe {probe}");
            sender.wait(ms(100));
            assert_eq!(sender.ack(0), [0; 0]);
            assert!(sender.last.is_empty(), "{name}: {:?} after probe {probe}", sender.last);
        }
        assert_eq!((sender.window(), sender.lab.detail().slow_start_threshold), before, "{name}");
        sender.offer(60);
        assert_eq!(sender.ack(0).first(), Some(&0), "{name}");
        sender.wait(ROUND_TRIP);
        sender.ack(10);
        assert!(sender.window() >= before.0, "{name}");
        assert_eq!(sender.lab.detail().slow_start_threshold, before.1, "{name}");
    }
}

#[test]
fn a_probe_restarts_the_retransmission_timer() {
    // RFC 8985 §7.3: or the timer would fire before the probe could be answered.
    let mut sender = Sender::new(Profile::linux(), &[PLAIN]);
    sender.write(1);
    sender.wait(ms(250));
    sender.write(1);
    assert_eq!(sender.timeout(), (TimerKind::LossProbe, 50, vec![1]));
    assert_eq!(sender.timeout(), (TimerKind::Retransmission, 300, vec![0]));
}

#[test]
fn the_order_of_blocks_is_no_reordering() {
    // RFC 2018 §4: the newest comes first. The acknowledgment that had it alone was lost.
    for mut sender in both() {
        assert_eq!(sender.sack(0, &[(3, 4), (1, 2)]), [0; 0]);
        let sent = sender.sack(0, &[(3, 5), (1, 2)]);
        assert_eq!(sent.first(), Some(&0), "the third that has arrived behind it");
        assert_eq!(sender.reasons().first(), Some(&SendReason::FastRetransmission));
    }
}

#[test]
fn a_block_over_part_of_a_segment_counts_when_the_rest_has_come() {
    // RFC 2018 §3: blocks are octets, and need not end where our segments do.
    for mut sender in both() {
        let half = sender.answer(0, &[(SEGMENT, 2 * SEGMENT + 500)], Flags::empty());
        assert_eq!(sender.lab.arrive(half).1.brief(), [""; 0]);
        assert_eq!(gap(&mut sender, 0, 4..=10), [0], "segment 2 is there");
    }
}

#[test]
fn holes_among_small_segments_wait_for_no_timer() {
    // RFC 6675 §4, NextSeg, rule 3: segment 1 is missing, though the octets behind it are few.
    for profile in [Profile::linux(), Profile::freebsd()] {
        let mut sender = Sender::new(profile, &[PLAIN, BLOCKS]);
        write_small(&mut sender, 100, 10);
        sender.wait(ROUND_TRIP);
        let mut sent = Vec::new();
        let mut arrive = |next: u32, end: u32| {
            let answer = sender.answer(next, &[(200, end)], Flags::empty());
            let segments = sender.lab.arrive(answer).1.segments();
            sent.extend(segments.iter().map(|segment| segment.seq.value().wrapping_sub(ISS + 1)));
        };
        for end in 3..=10 {
            arrive(0, 100 * end);
        }
        arrive(100, 1000);
        assert_eq!(sent, [0, 100]);
    }
}

#[test]
fn a_timeout_after_progress_is_another_congestion_event() {
    // RFC 5681 §3.1, (4): "has not yet been resent by way of the retransmission timer"; Linux'
    // `tcp_enter_loss` asks whether anything was acknowledged since.
    for profile in [Profile::rfc9293(), Profile::linux()] {
        let name = profile.name;
        let changes = [PLAIN, NO_PROBE, ("spurious-timeouts", "believed")];
        let mut sender = Sender::flying(profile, &changes, 10);
        assert_eq!(sender.timeout().2, [0]);
        let first = sender.threshold();
        for next in 1..=4 {
            sender.wait(ms(20));
            sender.ack(next);
        }
        assert_eq!((sender.window(), sender.threshold()), (5, first), "{name}: slow start");
        assert_eq!(sender.timeout().2, [4]);
        assert_eq!((sender.window(), sender.threshold()), (1, 3), "{name}");
        // The same segment again: "the value of ssthresh is held constant".
        assert_eq!(sender.timeout().2, [4]);
        assert_eq!((sender.window(), sender.threshold()), (1, 3), "{name}");
    }
}

/// Octets of a segment where only their number counts.
const LARGE: u32 = 60_000;

/// A sender of large segments with a scaled window, for text in gibibytes.
fn endless() -> Lab {
    let mut profile = Profile { mss: LARGE as u16, ..Profile::rfc9293() };
    profile.window_scaling = WindowScaling::Shift(10);
    profile.isn = IsnSource::Fixed(ISS);
    profile.options.send_buffer = 8 << 20;
    profile.options.send_buffer_max = 8 << 20;
    let mut lab = Lab::new(profile);
    let socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None);
    lab.socket = Some(socket.expect("the 4-tuple is free"));
    lab.effects();
    let mut answer = segment(SYN | ACK, IRS, ISS + 1).window(u16::MAX).mss(LARGE as u16);
    answer.options.push(TcpOption::WindowScale(10)).expect("there is room");
    lab.arrive(answer);
    lab
}

#[test]
fn a_duplicate_is_a_duplicate_after_gibibytes_too() {
    // RFC 6582 §3.2, step 2: `recover` must not come to lie ahead again, half the space later.
    let mut lab = endless();
    let text = Bytes::from(vec![b'x'; 4 << 20]);
    let mut done = 0_u64;
    while done < 9 << 28 {
        let _ = lab.stack.send_bytes(lab.now, lab.socket(), &mut text.clone());
        lab.effects();
        lab.now += ms(50);
        let (una, nxt) = (lab.detail().snd_una, lab.detail().snd_nxt);
        done += u64::from(nxt.wrapping_sub(una));
        if done < 9 << 28 {
            lab.arrive(segment(ACK, IRS + 1, nxt).window(u16::MAX));
        }
    }
    let una = lab.detail().snd_una;
    let reasons =
        (0..3).flat_map(|_| lab.arrive(segment(ACK, IRS + 1, una).window(u16::MAX)).1.reasons());
    assert!(reasons.collect::<Vec<_>>().contains(&SendReason::FastRetransmission));
}
