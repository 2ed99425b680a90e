//! How Linux cuts what is written into segments, and which of them carry PSH (`tcp_sendmsg_locked`,
//! `tcp_write_xmit`). The peer takes segments of 1000 octets.

use bytes::Bytes;
use twomsl_tcp::{Ending, Profile, SendReason, SocketOption, TcpInfo, TimerKind};

use super::{ms, s};
use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ACK, FIN, PSH, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::scene::{IRS, ISS};

/// An established connection whose peer offers so many octets.
fn open(window: u16, options: &[SocketOption]) -> Lab {
    open_by(Profile::linux(), window, options)
}

fn open_by(mut profile: Profile, window: u16, options: &[SocketOption]) -> Lab {
    profile.isn = twomsl_tcp::profile::IsnSource::Fixed(ISS);
    let mut lab = Lab::new(profile);
    let mut own = lab.stack.profile().options.clone();
    for option in options {
        own.set(*option);
    }
    let opened = lab.stack.connect(lab.now, Some(ours()), theirs(), Some(&own));
    lab.socket = Some(opened.expect("the 4-tuple is free"));
    lab.effects();
    lab.now += ms(100);
    lab.arrive(segment(SYN | ACK, IRS, ISS.wrapping_add(1)).mss(1000).window(window));
    lab.now += ms(100);
    lab
}

/// Where segments begin and end, counted from the first octet of text, and those with PSH or FIN.
fn shape(effects: &Effects) -> Vec<String> {
    let letters = |flags: twomsl_tcp::wire::Flags| match (flags.contains(PSH), flags.contains(FIN))
    {
        (false, false) => "",
        (true, false) => "P",
        (false, true) => "F",
        (true, true) => "FP",
    };
    let first = ISS.wrapping_add(1);
    let shape = |segment: &twomsl_tcp::wire::Segment| {
        let from = segment.seq.value().wrapping_sub(first);
        let to = from + segment.payload.len() as u32;
        format!("{from}:{to}{}", letters(segment.flags))
    };
    effects.segments().iter().map(shape).collect()
}

fn write(lab: &mut Lab, octets: usize) -> Vec<String> {
    write_as(lab, octets, Ending::Push)
}

fn write_as(lab: &mut Lab, octets: usize, ending: Ending) -> Vec<String> {
    let mut text = Bytes::from(text(octets));
    let taken = lab.stack.send_ending(lab.now, lab.socket(), &mut text, ending);
    assert_eq!(taken, Ok(octets), "the buffer has room");
    shape(&lab.effects())
}

fn acknowledge(lab: &mut Lab, octets: u32, window: u16) -> Vec<String> {
    lab.now += ms(100);
    let ack = segment(ACK, IRS + 1, ISS.wrapping_add(1 + octets)).window(window);
    shape(&lab.arrive(ack).1)
}

fn info(lab: &Lab) -> TcpInfo {
    lab.stack.info(lab.now, lab.socket()).expect("it is there")
}

#[test]
fn the_last_segment_of_a_write_carries_psh() {
    let mut lab = open(60_000, &[]);
    assert_eq!(write(&mut lab, 3000), ["0:1000", "1000:2000P", "2000:3000P"]);
    assert_eq!(write(&mut lab, 100), ["3000:3100P"], "no other small segment is under way");
    assert!(write(&mut lab, 100).is_empty(), "Nagle");
    assert!(write(&mut lab, 50).is_empty());
    // What waits is one part, whose last write ends it.
    assert_eq!(acknowledge(&mut lab, 3100, 60_000), ["3100:3250P"]);
}

#[test]
fn a_write_that_goes_on_with_a_part_takes_its_push_away() {
    let mut lab = open(60_000, &[]);
    assert_eq!(write(&mut lab, 10_000).len(), 10, "the congestion window");
    assert!(write(&mut lab, 500).is_empty());
    assert!(write(&mut lab, 1000).is_empty());
    assert_eq!(acknowledge(&mut lab, 10_000, 60_000), ["10000:11000", "11000:11500P"]);
}

#[test]
fn a_record_shares_no_segment() {
    let mut lab = open(60_000, &[SocketOption::NoDelay(true)]);
    write(&mut lab, 10_000);
    assert!(write_as(&mut lab, 400, Ending::Record).is_empty());
    assert!(write(&mut lab, 400).is_empty());
    assert_eq!(acknowledge(&mut lab, 10_000, 60_000), ["10000:10400P", "10400:10800P"]);
}

#[test]
fn what_more_follows_waits_for_a_full_segment_without_push() {
    let mut lab = open(60_000, &[SocketOption::NoDelay(true)]);
    assert!(write_as(&mut lab, 400, Ending::More).is_empty(), "whatever Nagle says");
    assert_eq!(write_as(&mut lab, 1000, Ending::More), ["0:1000"]);
    assert_eq!(write(&mut lab, 100), ["1000:1500P"]);
}

#[test]
fn what_more_follows_waits_for_200_ms_at_most() {
    let mut lab = open(60_000, &[]);
    assert!(write_as(&mut lab, 400, Ending::More).is_empty());
    let rto = ms(u64::from(info(&lab).tcpi_rto / 1000));
    assert!(lab.pass(rto.saturating_sub(ms(1))).sent.is_empty());
    assert_eq!(shape(&lab.pass(ms(1))), ["0:400P"]);
}

#[test]
fn what_leaves_as_more_than_one_segment_is_pushed() {
    // At this rate two segments make a packet for the network device (`tcp_tso_autosize`), and since
    // 5.4 such a packet carries PSH, whose last segment has it on the wire (`__tcp_transmit_skb`).
    let mut lab = open(32_896, &[]);
    let sent = write(&mut lab, 40_000);
    assert_eq!(sent.len(), 10);
    let is_pushed = |segment: &String| segment.ends_with('P');
    assert!(sent.iter().step_by(2).all(|segment| !is_pushed(segment)), "{sent:?}");
    assert!(sent.iter().skip(1).step_by(2).all(is_pushed), "{sent:?}");
}

#[test]
fn a_segment_is_no_larger_than_half_of_the_peers_window() {
    for (window, mss) in [(60_000, 1000), (1000, 500), (537, 268), (536, 536), (10, 48)] {
        let lab = open(window, &[]);
        assert_eq!(info(&lab).tcpi_snd_mss, mss, "{window}");
    }
}

#[test]
fn a_window_is_filled_if_the_first_segment_fits() {
    // `tcp_snd_wnd_test` looks at the first segment, `tcp_mss_split_point` at the rest.
    let mut lab = open(60_000, &[]);
    write(&mut lab, 1000);
    acknowledge(&mut lab, 1000, 1500);
    assert_eq!(write(&mut lab, 5000), ["1000:2000", "2000:2500P"]);
    let mut lab = open(60_000, &[]);
    write(&mut lab, 1000);
    acknowledge(&mut lab, 1000, 900);
    assert!(write(&mut lab, 5000).is_empty(), "not even one fits");
    // Then the timer of the probes sends what fits, pushed (`tcp_write_wakeup`).
    let (timer, effects) = lab.next_timeout().expect("it runs");
    assert_eq!((timer, shape(&effects)), (TimerKind::Persist, vec!["1000:1900P".to_owned()]));
}

#[test]
fn a_fin_needs_room_in_the_window_together_with_its_text() {
    let mut lab = open(60_000, &[]);
    write(&mut lab, 1000);
    lab.stack.set_option(lab.now, lab.socket(), SocketOption::Cork(true)).unwrap();
    write(&mut lab, 400);
    acknowledge(&mut lab, 1000, 400);
    lab.stack.shutdown(lab.now, lab.socket(), twomsl_tcp::Shutdown::Write).unwrap();
    assert!(lab.effects().sent.is_empty());
    assert_eq!(acknowledge(&mut lab, 1000, 401), ["1000:1400FP"]);
}

#[test]
fn a_window_gets_smaller_only_with_something_new() {
    // `tcp_may_update_window`
    let mut lab = open(60_000, &[]);
    write(&mut lab, 1000);
    acknowledge(&mut lab, 1000, 50_000);
    let mut seen = Vec::new();
    for window in [40_000, 60_000, 0, 30_000] {
        acknowledge(&mut lab, 1000, window);
        seen.push(info(&lab).tcpi_snd_wnd);
    }
    assert_eq!(seen, [50_000, 60_000, 0, 30_000]);
}

#[test]
fn a_segment_that_is_sent_again_has_the_push_it_had() {
    let mut lab = open(60_000, &[]);
    write(&mut lab, 2000);
    let (_, effects) = lab.next_timeout().expect("a timer runs");
    assert_eq!(shape(&effects), ["0:1000"]);
    lab.now += ms(10);
    assert_eq!(acknowledge(&mut lab, 1000, 60_000), ["1000:2000P"]);
}

#[test]
fn what_is_under_way_when_the_window_closes_is_sent_again_as_ever() {
    // "Our retransmits become zero probes" (`tcp_retransmit_timer`).
    let mut lab = open(60_000, &[]);
    write(&mut lab, 2000);
    acknowledge(&mut lab, 1000, 0);
    for _ in 0..3 {
        let (timer, effects) = lab.next_timeout().expect("a timer runs");
        assert_eq!(
            (timer, shape(&effects)),
            (TimerKind::Retransmission, vec!["1000:2000P".into()])
        );
    }
}

#[test]
fn every_answer_starts_the_wait_for_the_next_probe_over() {
    // `tcp_ack_probe`
    let mut lab = open(60_000, &[]);
    write(&mut lab, 1000);
    acknowledge(&mut lab, 1000, 0);
    write(&mut lab, 1000);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let start = lab.now;
        let (timer, effects) = lab.next_timeout().expect("the probes have a timer");
        assert_eq!((timer, effects.reasons()), (TimerKind::Persist, vec![SendReason::WindowProbe]));
        waits.push(lab.now.since(start).as_millis());
        assert_eq!(effects.only().seq.value(), ISS.wrapping_add(1000), "SND.UNA - 1");
        lab.now += ms(50);
        lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1001)).window(0));
    }
    let rto = u128::from(info(&lab).tcpi_rto / 1000);
    assert_eq!(waits, [rto, 2 * rto, 4 * rto, 8 * rto]);
    assert_eq!(info(&lab).tcpi_probes, 0, "it answers");
    let sent = acknowledge(&mut lab, 1000, 60_000);
    assert_eq!(sent, ["1000:2000P"]);
    lab.pass(s(1));
}
