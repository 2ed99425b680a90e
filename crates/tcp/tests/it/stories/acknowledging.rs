//! RFC 9293 §3.8.6.3 and RFC 5681 §4.2: when text is acknowledged at once, and when that waits.

use std::time::Duration;

use twomsl_tcp::{Profile, SendReason, SocketOption, TcpInfo, TimerKind};

use super::{has_text, ms, profiles};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, PSH, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::pair::{Client, Pair, Server};
use crate::harness::scene::{IRS, ISS, staged};

/// One side of an established connection, and the peer's next sequence number. Segments have
/// 1000 octets at most.
struct Receiver {
    lab: Lab,
    seq: u32,
}

impl Receiver {
    fn new(profile: &Profile, buffer: u32, round_trip: Duration) -> Self {
        let mut lab = Lab::new(staged(profile.clone()));
        let mut options = lab.stack.profile().options.clone();
        options.set(SocketOption::ReceiveBuffer(buffer));
        let opened = lab.stack.connect(lab.now, Some(ours()), theirs(), Some(&options));
        lab.socket = Some(opened.expect("the 4-tuple is free"));
        lab.effects();
        lab.pass(round_trip);
        lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(1000).window(60_000));
        Self { lab, seq: IRS + 1 }
    }

    fn young(profile: &Profile) -> Self {
        Self::new(profile, 65_535, Duration::ZERO)
    }

    /// A connection whose quick acknowledgments are used up.
    fn old(profile: &Profile) -> Self {
        Self::far(profile, Duration::ZERO)
    }

    /// The same with a peer that is far away.
    fn far(profile: &Profile, round_trip: Duration) -> Self {
        let mut profile = profile.clone();
        profile.quick_acks = profile.quick_acks.min(1);
        let mut receiver = Self::new(&profile, 65_535, round_trip);
        receiver.takes(1000);
        receiver.takes(1000);
        receiver.read();
        receiver.lab.pass(ms(100));
        receiver
    }

    /// Text of so many octets arrives; how many segments that draws.
    fn takes(&mut self, octets: u32) -> usize {
        let arrived = segment(PSH | ACK, self.seq, self.lab.detail().snd_nxt);
        self.seq = self.seq.wrapping_add(octets);
        let (_, effects) = self.lab.arrive(arrived.text(&text(octets as usize)));
        effects.sent.len()
    }

    /// The application reads all there is; how many segments that draws.
    fn read(&mut self) -> usize {
        let _ = self.lab.stack.receive(self.lab.now, self.lab.socket(), &mut [0; 10_000]);
        self.lab.effects().sent.len()
    }

    /// The application sends an answer.
    fn answer(&mut self, octets: usize) {
        let sent = self.lab.stack.send(self.lab.now, self.lab.socket(), &text(octets));
        assert_eq!(sent, Ok(octets));
        assert_eq!(self.lab.effects().sent.len(), 1, "with the acknowledgment");
    }

    fn info(&self) -> TcpInfo {
        self.lab.stack.info(self.lab.now, self.lab.socket()).expect("it is there")
    }
}

/// How many segments each of these drew.
fn drawn(receiver: &mut Receiver, sizes: &[u32]) -> Vec<usize> {
    sizes.iter().map(|octets| receiver.takes(*octets)).collect()
}

#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    // SHLD-19, on every profile.
    for profile in profiles() {
        let mut receiver = Receiver::old(&profile);
        assert_eq!(drawn(&mut receiver, &[1000; 6]), [0, 1, 0, 1, 0, 1], "{}", profile.name);
    }
}

#[test]
fn small_segments_are_counted_by_freebsd_and_measured_by_the_others() {
    // `DELAY_ACK`: the timer is running already. Linux: more than one usual segment.
    let expected = [("rfc9293", [0, 0, 0, 0]), ("linux", [0, 0, 0, 0]), ("freebsd", [0, 1, 0, 1])];
    for (profile, (name, at_once)) in profiles().iter().zip(expected) {
        assert_eq!(profile.name, name);
        let mut receiver = Receiver::old(profile);
        assert_eq!(drawn(&mut receiver, &[10; 4]), at_once, "{name}");
    }
}

#[test]
fn what_more_than_fills_a_segment_is_enough_for_linux() {
    // `__tcp_ack_snd_check`: more than `rcv_mss`; RFC 9293 §3.8.6.3 wants two segments.
    let expected = [("rfc9293", 0), ("linux", 1), ("freebsd", 1)];
    for (profile, (name, at_once)) in profiles().iter().zip(expected) {
        let mut receiver = Receiver::old(profile);
        assert_eq!(drawn(&mut receiver, &[1000, 1]), [0, at_once], "{name}");
    }
}

#[test]
fn text_out_of_order_and_text_that_closes_a_gap_are_acknowledged_at_once() {
    // RFC 5681 §4.2 (SHLD-31, MAY-13).
    for profile in profiles() {
        let mut receiver = Receiver::old(&profile);
        let first = receiver.seq;
        receiver.seq = first.wrapping_add(10);
        assert_eq!(drawn(&mut receiver, &[10, 10]), [1, 1], "{}: beyond a gap", profile.name);
        receiver.seq = first;
        assert_eq!(receiver.takes(10), 1, "{}: the gap is closed", profile.name);
    }
}

#[test]
fn linux_begins_with_as_many_quick_acknowledgments_as_the_window_holds_pairs_of_segments() {
    // `tcp_incr_quickack`: rcv_wnd / (2 * rcv_mss), 16 at most. What small text says of the peer's
    // segments is 536 octets, a full segment says 1000.
    for (buffer, octets, quick) in [(65_535, 1, 16), (8000, 1, 6), (8000, 1000, 3)] {
        let mut receiver = Receiver::new(&Profile::linux(), buffer, Duration::ZERO);
        let at_once = (0..30).take_while(|_| {
            let drawn = receiver.takes(octets);
            receiver.read();
            drawn == 1
        });
        // With whole segments every second one is acknowledged anyhow, so the count ends at one
        // that comes alone.
        assert_eq!(at_once.count(), quick, "{buffer} octets, segments of {octets}");
    }
}

#[test]
fn linux_acknowledges_quickly_again_after_a_pause() {
    // `tcp_event_data_recv`: longer than the retransmission timeout, which is 200 ms here.
    for (pause, quick) in [(ms(190), 0), (ms(210), 16)] {
        let mut receiver = Receiver::young(&Profile::linux());
        let young = (0..30).take_while(|_| receiver.takes(1) == 1).count();
        assert_eq!(young, 16);
        receiver.lab.pass(pause);
        let again = (0..30).take_while(|_| receiver.takes(1) == 1).count();
        assert_eq!(again, quick, "after {pause:?}");
    }
}

#[test]
fn linux_acknowledges_what_comes_twice_and_what_follows_it_at_once() {
    // `tcp_send_dupack` and `tcp_enter_quickack_mode`: the peer has missed an acknowledgment.
    let mut receiver = Receiver::young(&Profile::linux());
    let mut expected = 0;
    for twice in [false, true] {
        receiver.takes(10);
        receiver.read();
        receiver.answer(10);
        if twice {
            receiver.seq = receiver.seq.wrapping_sub(10);
            assert_eq!(receiver.takes(10), 1);
            expected = 1;
        }
        assert_eq!(receiver.takes(10), expected, "twice: {twice}");
        receiver.read();
    }
}

#[test]
fn when_all_is_read_linux_does_not_wait_unless_the_connection_is_interactive() {
    // `tcp_cleanup_rbuf`: ICSK_ACK_PUSHED in bulk mode, ICSK_ACK_PUSHED2 in either.
    let mut receiver = Receiver::old(&Profile::linux());
    assert_eq!((receiver.takes(10), receiver.read()), (0, 1), "bulk");
    receiver.takes(10);
    receiver.answer(10);
    assert_eq!((receiver.takes(10), receiver.read()), (0, 0), "interactive");
    assert_eq!((receiver.takes(10), receiver.read()), (0, 1), "a second one in a row");
    for profile in [Profile::rfc9293(), Profile::freebsd()] {
        let mut receiver = Receiver::old(&profile);
        assert_eq!((receiver.takes(10), receiver.read()), (0, 0), "{}", profile.name);
    }
}

#[test]
fn a_late_answer_does_not_make_a_connection_interactive() {
    // `tcp_event_data_sent`: within `ato`, 40 ms here, of what came last.
    for (wait, at_once) in [(39, 0), (40, 1)] {
        let mut receiver = Receiver::young(&Profile::linux());
        receiver.takes(10);
        receiver.read();
        receiver.lab.pass(ms(wait));
        receiver.lab.stack.send(receiver.lab.now, receiver.lab.socket(), b"answer").unwrap();
        receiver.lab.effects();
        assert_eq!(receiver.takes(10), at_once, "after {wait} ms");
    }
}

#[test]
fn requests_and_answers_save_acknowledgments_once_the_connection_is_interactive() {
    let mut pair = Pair::connected(&Profile::linux());
    let mut bare = Vec::new();
    for _ in 0..3 {
        pair.log.clear();
        pair.send(Client, b"request").unwrap();
        pair.run(ms(15));
        assert_eq!(pair.text(Server), b"request");
        pair.send(Server, b"answer").unwrap();
        pair.run(ms(15));
        assert_eq!(pair.text(Client), b"answer");
        bare.push(pair.log.iter().filter(|sent| !has_text(&sent.segment)).count());
    }
    // At first both ends acknowledge at once. Then every acknowledgment rides on text.
    assert_eq!(bare, [2, 0, 0]);
}

#[test]
fn two_small_writes_before_a_read_stall_for_40_ms_on_an_interactive_connection() {
    // Nagle holds the second write back until the first is acknowledged, and the server cannot
    // answer half a request.
    let mut pair = Pair::connected(&Profile::linux());
    let mut waits = Vec::new();
    for _ in 0..3 {
        let start = pair.now;
        pair.send(Client, b"half of").unwrap();
        pair.send(Client, b" a request").unwrap();
        let mut request = Vec::new();
        while request.len() < 17 {
            pair.run(ms(1));
            request.extend(pair.text(Server));
        }
        waits.push(pair.now.since(start).as_millis());
        pair.send(Server, b"answer").unwrap();
        pair.run(ms(11));
        assert_eq!(pair.text(Client), b"answer");
    }
    // One way 10 ms: half a request, its acknowledgment, the other half.
    assert_eq!(waits, [30, 70, 70]);
}

#[test]
fn an_acknowledgment_that_nothing_takes_along_ends_the_interactive_mode() {
    // `tcp_delack_timer_handler`
    let mut receiver = Receiver::young(&Profile::linux());
    receiver.takes(10);
    receiver.read();
    receiver.answer(10);
    assert_eq!(receiver.takes(10), 0, "interactive");
    assert_eq!(receiver.lab.pass(ms(40)).reasons(), [SendReason::DelayedAck]);
    assert_eq!(receiver.takes(10), 1, "and quick again, as a young connection is");
}

#[test]
fn tcp_info_tells_how_long_linux_would_wait() {
    let mut receiver = Receiver::old(&Profile::linux());
    assert_eq!((receiver.info().tcpi_ato, receiver.info().tcpi_rcv_mss), (40_000, 1000));
    // What comes every 30 ms: half of the old value and the gap.
    let mut seen = Vec::new();
    for _ in 0..3 {
        receiver.takes(1000);
        receiver.read();
        seen.push(receiver.info().tcpi_ato);
        receiver.lab.pass(ms(30));
    }
    // The first came after a long pause, which says nothing.
    assert_eq!(seen, [40_000, 50_000, 55_000]);
}

#[test]
fn an_acknowledgment_that_waits_in_vain_waits_longer_the_next_time() {
    // `tcp_delack_timer_handler` doubles it each time that nothing took the acknowledgment along;
    // `tcp_send_delayed_ack` bounds it by the round-trip time, but not below 40 ms, and by
    // TCP_DELACK_MAX.
    let cases = [(0, [40, 40, 40, 40]), (100, [40, 80, 100, 100]), (500, [40, 80, 160, 200])];
    for (round_trip, expected) in cases {
        let mut receiver = Receiver::far(&Profile::linux(), ms(round_trip));
        let waits = expected.map(|_| {
            assert_eq!(receiver.takes(10), 0);
            let start = receiver.lab.now;
            let due = receiver.lab.timer(TimerKind::DelayedAck).expect("it waits");
            let wait = due.since(start);
            assert_eq!(receiver.lab.pass(wait).reasons(), [SendReason::DelayedAck]);
            receiver.lab.pass(ms(90));
            wait.as_millis()
        });
        assert_eq!(waits, expected, "{round_trip} ms there and back");
    }
}
