//! RFC 9293 §3.8.6: windows, probes, silly windows, Nagle, and when acknowledgments leave.

use std::time::Duration;

use twomsl_tcp::profile::{Lineage, RtoFloor};
use twomsl_tcp::wire::Segment;
use twomsl_tcp::{Profile, Readiness, SendReason, SocketError, SocketOption, TcpState, TimerKind};

use super::{has, has_text, ms, profiles, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, RST, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::pair::{Client, Fate, Pair, Server};
use crate::harness::scene::{IRS, ISS, Scene, WINDOW, staged};

/// An established connection with nothing in flight, both segment sizes 1000.
fn open(profile: &Profile, window: u16) -> Lab {
    let mut lab = Lab::new(staged(profile.clone()));
    let mut options = lab.stack.profile().options.clone();
    options.set(SocketOption::ReceiveBuffer(8000));
    let opened = lab.stack.connect(lab.now, Some(ours()), theirs(), Some(&options));
    lab.socket = Some(opened.expect("the 4-tuple is free"));
    lab.effects();
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(1000).window(window));
    lab
}

fn write(lab: &mut Lab, octets: usize) -> Vec<String> {
    lab.stack.send(lab.now, lab.socket(), &text(octets)).expect("it is open");
    lab.effects().brief()
}

#[test]
fn a_closed_window_is_probed_ever_more_seldom_as_long_as_the_peer_answers() {
    // MUST-36. SHLD-29: the first after one timeout; SHLD-30: then exponentially; MUST-37: for ever.
    for profile in profiles() {
        let mut lab = open(&profile, 0);
        assert!(write(&mut lab, 100).is_empty());
        let start = lab.now;
        let mut times = Vec::new();
        while times.len() < 12 {
            let (_, effects) = lab.next_timeout().expect("the persist timer runs");
            if effects.reasons() == [SendReason::WindowProbe] {
                times.push(lab.now);
                lab.arrive(segment(ACK, IRS + 1, ISS + 1).window(0));
            }
        }
        // What FreeBSD adds to every timeout is not doubled.
        let slop = match profile.rto_floor {
            RtoFloor::Slop { slop, .. } => slop,
            _ => Duration::ZERO,
        };
        let mut wait = Duration::from_nanos(lab.detail().rto);
        let mut longest = Duration::MAX;
        if profile.lineage == Lineage::Bsd {
            // `tcp_setpersist`: four round trips and eight variations, doubled nine times at most.
            let first = match lab.detail().srtt {
                0 => profile.rto_initial * 2,
                smoothed => Duration::from_nanos(8 * smoothed),
            };
            (wait, longest) = (first + slop, first * 512 + slop);
        }
        let mut at = start;
        for time in times {
            at += wait.clamp(profile.persist_min, profile.persist_max);
            assert_eq!(time, at, "{}", profile.name);
            wait = (wait.saturating_sub(slop) * 2 + slop).min(longest);
        }
        assert_eq!(lab.state(), TcpState::Established);
    }
}

#[test]
fn a_probe_is_one_octet_for_the_textbook_and_an_old_number_for_linux() {
    let probe = |profile: &Profile| {
        let mut lab = open(profile, 0);
        write(&mut lab, 100);
        lab.next_timeout().expect("the persist timer runs").1.only()
    };
    let octet = probe(&Profile::rfc9293());
    assert_eq!((octet.seq.value(), octet.payload.len()), (ISS + 1, 1));
    let empty = probe(&Profile::linux());
    assert_eq!((empty.seq.value(), empty.payload.len()), (ISS, 0));
}

#[test]
fn a_lost_window_update_is_found_by_a_probe() {
    for profile in profiles() {
        let mut profile = profile;
        profile.options.set(SocketOption::ReceiveBuffer(4000));
        let mut pair = Pair::connected(&profile);
        let sent = text(10_000);
        pair.send(Client, &sent).unwrap();
        // FreeBSD holds the last text, which is no whole segment, back for 5 s.
        pair.run(s(8));
        assert_eq!(pair.detail(Client).snd_wnd, 0, "{}: the server's buffer is full", profile.name);
        // The update is lost; only the probe can find out.
        pair.fault(Server, Fate::Dropped, |segment: &Segment| segment.window > 0);
        let mut got = pair.text(Server);
        for _ in 0..100 {
            pair.run(s(1));
            got.extend(pair.text(Server));
        }
        assert_eq!(got, sent, "{}", profile.name);
    }
}

#[test]
fn a_peer_that_does_not_answer_probes_is_given_up() {
    let mut lab = open(&Profile::rfc9293(), 0);
    write(&mut lab, 100);
    lab.pass(s(1000));
    assert_eq!(lab.state(), TcpState::Closed);
    assert_eq!(lab.stack.take_error(lab.socket()), Some(SocketError::TimedOut));
}

#[test]
fn text_for_a_closed_window_is_answered_but_not_taken() {
    let mut lab = open(&Profile::rfc9293(), 1000);
    for piece in 0..8 {
        let at = (IRS + 1).wrapping_add(piece * 1000);
        lab.arrive(segment(ACK, at, ISS + 1).text(&text(1000)));
    }
    assert_eq!(lab.detail().rcv_wnd, 0);
    let nxt = (IRS + 1).wrapping_add(8000);
    let (arrival, effects) = lab.arrive(segment(ACK, nxt, ISS + 1).text(b"x"));
    assert_eq!(arrival.text, 0);
    assert_eq!(effects.only().ack.value(), nxt);
    // "Special allowance should be made to accept valid ACKs, URGs, and RSTs."
    write(&mut lab, 10);
    lab.arrive(segment(ACK, nxt, ISS + 11));
    assert_eq!(lab.detail().snd_una, ISS + 11);
    lab.arrive(segment(RST, nxt, 0));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn the_window_is_reopened_in_steps_that_are_worth_it() {
    // §3.8.6.2.2 (MUST-39): a segment, or half of the buffer.
    let mut lab = open(&Profile::rfc9293(), 1000);
    for piece in 0..8 {
        let at = (IRS + 1).wrapping_add(piece * 1000);
        lab.arrive(segment(ACK, at, ISS + 1).text(&text(1000)));
    }
    let mut buffer = [0; 999];
    lab.stack.receive(lab.now, lab.socket(), &mut buffer).unwrap();
    assert!(lab.effects().sent.is_empty(), "999 octets are not worth a word");
    lab.stack.receive(lab.now, lab.socket(), &mut buffer[..1]).unwrap();
    let effects = lab.effects();
    assert_eq!(effects.reasons(), [SendReason::WindowUpdate]);
    assert_eq!(effects.only().window, 1000, "room for a segment where there was none");
    lab.stack.receive(lab.now, lab.socket(), &mut [0; 1500]).unwrap();
    assert!(lab.effects().sent.is_empty(), "from then on it takes two segments");
    lab.stack.receive(lab.now, lab.socket(), &mut [0; 500]).unwrap();
    assert_eq!(lab.effects().only().window, 3000);
}

#[test]
fn the_right_edge_never_moves_back() {
    // SHLD-14.
    let mut lab = open(&Profile::rfc9293(), 1000);
    let small = SocketOption::ReceiveBuffer(100);
    lab.stack.set_option(lab.now, lab.socket(), small).unwrap();
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&text(2000)));
    assert_eq!(effects.only().window, 6000);
}

#[test]
fn a_peer_that_takes_its_window_back_is_survived() {
    // MUST-34: a sender must be robust against a shrinking window.
    let mut pair = Scene::Established.with(staged(Profile::rfc9293()));
    pair.arrive(segment(ACK, IRS + 1, ISS + 1).window(100));
    let again = pair.pass(s(1)).only();
    assert_eq!(again.payload.len(), 100, "no more than the window allows");
    pair.arrive(segment(ACK, IRS + 1, ISS + 101).window(1000));
    pair.pass(s(10));
    assert_eq!(pair.detail().snd_nxt, ISS.wrapping_add(301));
}

#[test]
fn small_text_waits_while_something_is_under_way() {
    // Nagle, §3.7.4 (SHLD-7).
    let mut lab = open(&Profile::rfc9293(), 8000);
    assert_eq!(write(&mut lab, 10), ["ACK 10"]);
    assert!(write(&mut lab, 10).is_empty());
    assert_eq!(write(&mut lab, 980), Vec::<String>::new(), "990 is less than a segment");
    assert_eq!(write(&mut lab, 10), ["ACK 1000"]);
    assert!(write(&mut lab, 1).is_empty());
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1011)).window(8000));
    assert_eq!(effects.brief(), ["ACK 1"]);
}

#[test]
fn no_delay_switches_nagle_off() {
    // MUST-17.
    let mut lab = open(&Profile::rfc9293(), 8000);
    assert_eq!(write(&mut lab, 10), ["ACK 10"]);
    assert!(write(&mut lab, 10).is_empty());
    let option = SocketOption::NoDelay(true);
    lab.stack.set_option(lab.now, lab.socket(), option).unwrap();
    assert_eq!(lab.effects().brief(), ["ACK 10"], "what was held back leaves at once");
    assert_eq!(write(&mut lab, 10), ["ACK 10"]);
}

#[test]
fn a_fin_sends_held_back_text_along() {
    let mut lab = open(&Profile::rfc9293(), 8000);
    write(&mut lab, 10);
    write(&mut lab, 10);
    lab.stack.close(lab.now, lab.socket()).unwrap();
    assert_eq!(lab.effects().brief(), ["FIN,ACK 10"]);
}

#[test]
fn a_sender_does_not_fill_a_small_window_at_once() {
    // MUST-60, and §3.8.6.2.1 (MUST-38): neither a segment, nor half of the largest window, nor all there is.
    let mut lab = open(&Profile::rfc9293(), 8000);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).window(100));
    assert!(write(&mut lab, 500).is_empty());
    assert!(lab.timer(TimerKind::Persist).is_some(), "the override timer runs");
    let (_, effects) = lab.next_timeout().unwrap();
    assert_eq!(effects.brief(), ["ACK 100"], "after a while it has to do");
}

#[test]
fn the_first_segment_waits_for_a_second_one_before_it_is_acknowledged() {
    // §3.8.6.3, SHLD-19: every second full-sized segment.
    let mut lab = open(&Profile::rfc9293(), 1000);
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&text(1000)));
    assert!(effects.sent.is_empty());
    let second = segment(ACK, (IRS + 1).wrapping_add(1000), ISS + 1).text(&text(1000));
    let (_, effects) = lab.arrive(second);
    assert_eq!(effects.only().ack.value(), (IRS + 1).wrapping_add(2000));
}

#[test]
fn an_acknowledgment_waits_no_longer_than_the_profile_says() {
    // SHLD-18, MUST-40: less than half a second.
    let mut profiles = profiles();
    profiles[1].quick_acks = 0;
    for (profile, wait) in profiles.iter().zip([200, 40]) {
        let mut lab = open(profile, 1000);
        let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"x"));
        assert!(effects.sent.is_empty());
        assert!(lab.pass(ms(wait - 1)).sent.is_empty());
        assert_eq!(lab.pass(ms(1)).reasons(), [SendReason::DelayedAck], "{}", profile.name);
    }
}

#[test]
fn an_acknowledgment_rides_on_text() {
    let mut lab = open(&Profile::rfc9293(), 1000);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"x"));
    lab.stack.send(lab.now, lab.socket(), b"y").unwrap();
    assert_eq!(lab.effects().only().ack.value(), IRS + 2);
    assert!(lab.timer(TimerKind::DelayedAck).is_none(), "nothing is owed any more");
}

#[test]
fn text_out_of_order_is_acknowledged_at_once_and_so_is_what_closes_the_gap() {
    // SHLD-31, MAY-13; RFC 5681 §4.2.
    let mut lab = open(&Profile::rfc9293(), 1000);
    let (arrival, effects) = lab.arrive(segment(ACK, IRS + 6, ISS + 1).text(b"world"));
    assert_eq!((arrival.text, effects.only().ack.value()), (5, IRS + 1));
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello"));
    assert_eq!(effects.only().ack.value(), IRS + 11);
    let mut buffer = [0; 16];
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(10));
    assert_eq!(&buffer[..10], b"helloworld");
}

#[test]
fn text_that_overlaps_the_edges_of_the_window_is_trimmed() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&text(100)));
    // 50 old octets, 50 new ones.
    let (arrival, _) = lab.arrive(segment(ACK, IRS + 51, ISS + 1).text(&text(100)));
    assert_eq!(arrival.text, 50);
    // All the rest of the window and 500 octets beyond; the FIN goes with them.
    let rest = WINDOW - 150;
    let long = segment(ACK | FIN, IRS + 151, ISS + 1).text(&text(rest as usize + 500));
    let (arrival, _) = lab.arrive(long);
    assert_eq!(arrival.text, rest);
    assert_eq!(lab.state(), TcpState::Established);
    assert_eq!(lab.detail().rcv_wnd, 0);
}

#[test]
fn a_full_send_buffer_says_so_and_says_when_there_is_room_again() {
    let mut profile = Profile::rfc9293();
    profile.options.set(SocketOption::SendBuffer(3000));
    let mut pair = Pair::connected(&profile);
    assert_eq!(pair.send(Client, &text(5000)), Ok(3000));
    assert_eq!(pair.send(Client, b"x"), Err(SocketError::WouldBlock));
    pair.run(s(1));
    assert_eq!(pair.told(Client).last(), Some(&Readiness::Writable));
    assert_eq!(pair.send(Client, &text(5000)), Ok(3000));
}

#[test]
fn a_reader_that_waits_is_told_of_text_and_of_the_end() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    assert_eq!(pair.text(Server), b"", "it waits now");
    pair.send(Client, b"x").unwrap();
    pair.run(s(1));
    assert_eq!(pair.told(Server).last(), Some(&Readiness::Readable));
    pair.text(Server);
    pair.close(Client);
    pair.run(s(1));
    assert_eq!(pair.told(Server)[2..], [Readiness::Readable, Readiness::EndOfFile]);
}

#[test]
fn the_last_text_there_is_carries_psh() {
    // MUST-61.
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.send(Client, &text(3000)).unwrap();
    pair.run(s(1));
    let pushed: Vec<_> = pair
        .log
        .iter()
        .filter(|sent| has_text(&sent.segment))
        .map(|sent| has(crate::harness::packets::PSH)(&sent.segment))
        .collect();
    assert_eq!(pushed, [false, false, true]);
}

#[test]
fn a_buffer_smaller_than_a_segment_still_takes_text_and_fin() {
    for profile in profiles() {
        let mut profile = profile;
        profile.options.set(SocketOption::ReceiveBuffer(500));
        let mut pair = Pair::connected(&profile);
        pair.send(Client, &text(2000)).unwrap();
        pair.shutdown(Client);
        let mut got = Vec::new();
        for _ in 0..60 {
            pair.run(s(1));
            got.extend(pair.text(Server));
        }
        assert_eq!(got.len(), 2000, "{}: {:?}", profile.name, pair.ladder());
        assert_eq!(
            pair.state(Server),
            TcpState::CloseWait,
            "{}: {:?}",
            profile.name,
            pair.ladder()
        );
    }
}
