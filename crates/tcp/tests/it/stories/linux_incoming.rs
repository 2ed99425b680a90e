//! Which segments Linux accepts, answers, or drops without a word (`tcp_validate_incoming`,
//! `tcp_ack`), where that is not what RFC 9293 §3.10.7.4 says.

use twomsl_tcp::wire::{Flags, Segment, TcpOption};
use twomsl_tcp::{Profile, SendReason, TcpInfo, TcpState, TimerKind, Verdict};

use super::ms;
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, PSH, RST, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::scene::{IRS, ISS};
use crate::harness::sender::Sender;

/// An established connection with SACK and timestamps; the peer's clock says 1000.
fn open(changes: &[(&str, &str)]) -> Lab {
    let mut profile = Profile::linux();
    profile.isn = twomsl_tcp::profile::IsnSource::Fixed(ISS);
    for (name, value) in changes {
        profile.set(name, value).expect("the parameter exists");
    }
    let mut lab = Lab::new(profile);
    let opened = lab.stack.connect(lab.now, Some(ours()), theirs(), None);
    lab.socket = Some(opened.expect("the 4-tuple is free"));
    let syn = lab.effects().only();
    let mut answer = segment(SYN | ACK, IRS, ISS.wrapping_add(1)).mss(1000).window(60_000);
    for option in syn.options.iter().flatten() {
        match option {
            TcpOption::SackPermitted => answer.options.push(option).expect("there is room"),
            TcpOption::Timestamps { value, .. } => {
                let stamp = TcpOption::Timestamps { value: 1000, echo: value };
                answer.options.push(stamp).expect("there is room");
            }
            _ => {}
        }
    }
    lab.arrive(answer);
    assert_eq!(lab.state(), TcpState::Established);
    lab
}

fn plain() -> Lab {
    open(&[("timestamps", "off")])
}

/// From the peer's first octet on.
fn at(flags: Flags, offset: u32) -> Segment {
    segment(flags, (IRS + 1).wrapping_add(offset), ISS.wrapping_add(1))
}

fn stamped(mut segment: Segment, value: u32) -> Segment {
    segment.options.push(TcpOption::Timestamps { value, echo: 0 }).expect("there is room");
    segment
}

#[test]
fn an_acknowledgment_of_what_was_never_sent_is_dropped_without_a_word() {
    let ahead = || segment(ACK, IRS + 1, ISS.wrapping_add(2));
    let mut lab = plain();
    let (arrival, effects) = lab.arrive(ahead());
    assert_eq!((arrival.verdict, effects.sent.len()), (Verdict::AckOfUnsent, 0));
    // In other states it is challenged.
    let mut lab = plain();
    lab.arrive(at(FIN | ACK, 0));
    lab.pass(ms(100));
    let mut bad = ahead();
    bad.seq += 1;
    let (_, effects) = lab.arrive(bad);
    assert_eq!(effects.reasons(), [SendReason::ChallengeAck]);
}

/// A peer that still has an old connection: our reset ends it, and the SYN follows at once, but once
/// only (`tcp_rcv_synsent_state_process`).
#[test]
fn after_a_bad_acknowledgment_the_syn_goes_again_at_once() {
    for (profile, flags, waits) in [
        (Profile::linux(), ACK, [2, 1000]),
        (Profile::linux(), RST | ACK, [2, 1000]),
        (Profile::rfc9293(), ACK, [1000, 2000]),
    ] {
        let mut lab =
            Lab::new(Profile { isn: twomsl_tcp::profile::IsnSource::Fixed(ISS), ..profile });
        lab.socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None).ok();
        lab.effects();
        for wait in waits {
            let (_, effects) = lab.arrive(segment(flags, IRS, ISS));
            let resets: &[SendReason] =
                if flags.contains(RST) { &[] } else { &[SendReason::Reset] };
            assert_eq!(effects.reasons(), resets);
            let before = lab.now;
            let (kind, effects) = lab.next_timeout().expect("the SYN is not acknowledged");
            assert_eq!((kind, lab.now.since(before)), (TimerKind::Retransmission, ms(wait)));
            assert_eq!(effects.only().flags & !(Flags::ECE | Flags::CWR), SYN);
        }
    }
}

#[test]
fn what_has_no_text_is_answered_twice_a_second() {
    // `tcp_oow_rate_limited`
    let mut lab = plain();
    let old = || at(ACK, u32::MAX);
    let mut answers = Vec::new();
    for wait in [0, 499, 1] {
        lab.pass(ms(wait));
        answers.push(lab.arrive(old()).1.sent.len());
    }
    assert_eq!(answers, [1, 0, 1]);
    let old_text = || at(PSH | ACK, u32::MAX - 10).text(b"0123456789");
    assert_eq!(lab.arrive(old_text()).1.sent.len(), 1, "text is always answered");
    assert_eq!(lab.arrive(old_text()).1.sent.len(), 1);
}

#[test]
fn a_reset_may_have_the_number_behind_the_last_block_that_was_sacked() {
    // RFC 5961 §3.2 wants RCV.NXT; the peer may have gone on.
    for (offset, state) in [(2000, TcpState::Closed), (1999, TcpState::Established)] {
        let mut lab = plain();
        lab.arrive(at(PSH | ACK, 1000).text(&text(1000)));
        lab.arrive(at(RST, offset));
        assert_eq!(lab.state(), state, "{offset}");
    }
}

#[test]
fn a_reset_may_have_the_number_of_the_fin() {
    // `tcp_reset_check`: some stacks do not count their FIN.
    for (offset, state) in [(0, TcpState::Closed), (u32::MAX, TcpState::CloseWait)] {
        let mut lab = plain();
        lab.arrive(at(FIN | ACK, 0));
        lab.arrive(at(RST, offset));
        assert_eq!(lab.state(), state, "{offset}");
    }
}

#[test]
fn a_segment_may_be_a_tick_too_old_and_a_bare_acknowledgment_more() {
    // TCP_PAWS_WINDOW, `tcp_disordered_ack`.
    let lab = open(&[]);
    let arrives = |lab: &Lab, value| {
        let late = stamped(at(PSH | ACK, 0).text(b"x"), value);
        lab.clone().arrive(late).0.verdict
    };
    assert_eq!(arrives(&lab, 999), Verdict::Accepted);
    assert_eq!(arrives(&lab, 998), Verdict::OldTimestamp);
    let bare = |lab: &Lab, value, window| {
        let late = stamped(at(ACK, 0).window(window), value);
        lab.clone().arrive(late).0.verdict
    };
    assert_eq!(bare(&lab, 900, 60_000), Verdict::Accepted, "within a timeout");
    assert_eq!(bare(&lab, 1, 60_000), Verdict::OldTimestamp);
}

fn info(sender: &Sender) -> TcpInfo {
    sender.lab.stack.info(sender.lab.now, sender.lab.socket()).expect("it is there")
}

#[test]
fn tcp_info_tells_how_far_segments_overtake_each_other() {
    // `tcp_check_sack_reordering`
    let mut sender = Sender::flying(Profile::linux(), &[("timestamps", "off")], 10);
    assert_eq!(info(&sender).tcpi_reordering, 3);
    sender.sack(0, &[(5, 6)]);
    assert_eq!(info(&sender).tcpi_reordering, 3, "nothing has come late yet");
    // Segment 0 comes after segment 5: six from the first to the last.
    sender.sack(1, &[(5, 6)]);
    assert_eq!((info(&sender).tcpi_reordering, info(&sender).tcpi_reord_seen), (6, 1));
    let mut few = Sender::flying(
        Profile::linux(),
        &[("timestamps", "off"), ("net.ipv4.tcp_max_reordering", "4")],
        10,
    );
    few.sack(0, &[(5, 6)]);
    few.sack(1, &[(5, 6)]);
    assert_eq!(info(&few).tcpi_reordering, 4);
}
