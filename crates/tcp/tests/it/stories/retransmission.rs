//! RFC 6298 and RFC 9293 §3.8.1–3.8.3: sending again, and giving up.

use twomsl_tcp::profile::{Offer, RttEstimator};
use twomsl_tcp::{Profile, Readiness, SocketError, SocketOption, TcpState};

use super::{has, has_text, ms, profiles, s, since};
use crate::harness::packets::{ACK, SYN, Shape as _, segment};
use crate::harness::pair::{Client, Fate, Pair, Server};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn a_syn_is_repeated_after_1_3_7_seconds_and_so_on() {
    let before_6_5 = Profile { syn_linear_timeouts: 0, ..Profile::linux() };
    let schedule: [(Profile, &[u128], u128); 3] = [
        // MUST-22, MUST-23: R2 of a SYN is three minutes; the timeout is at most 60 s.
        (Profile::rfc9293(), &[0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000], 183_000),
        // tcp_syn_retries: 6
        (before_6_5, &[0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000], 127_000),
        // The same after four that do not double: "67seconds" and "131seconds" in ip-sysctl.rst.
        (
            Profile::linux(),
            &[0, 1_000, 2_000, 3_000, 4_000, 5_000, 7_000, 11_000, 19_000, 35_000, 67_000],
            131_000,
        ),
    ];
    for (profile, times, end) in schedule {
        let mut pair = Pair::alike(&profile);
        pair.cut(Client);
        let start = pair.now;
        pair.connect();
        pair.run_out();
        assert_eq!(since(start, &pair.times(Client, has(SYN))), times, "{}", profile.name);
        let told = pair.host(Client).told.clone();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1, Readiness::Failed(SocketError::TimedOut));
        assert_eq!(told[0].0.since(start).as_millis(), end, "{}", profile.name);
        assert_eq!(pair.state(Client), TcpState::Closed);
    }
}

#[test]
fn a_syn_ack_is_given_up_without_a_word() {
    let mut pair = Pair::alike(&Profile::linux());
    pair.cut(Server);
    pair.listen();
    pair.connect();
    pair.cut(Client);
    pair.run_out();
    // tcp_synack_retries: 5
    assert_eq!(pair.times(Server, has(SYN | ACK)).len(), 6);
    assert_eq!(pair.told(Server), [], "nobody was waiting for it");
}

#[test]
fn text_is_given_up_by_linux_after_15_retries() {
    let mut profile = Profile::linux();
    profile.quick_acks = u8::MAX;
    // The figures of ip-sysctl.rst know of no tail loss probe, which comes before them.
    profile.tail_loss_probe = Offer::No;
    let mut pair = Pair::connected(&profile);
    pair.delay = ms(1);
    for _ in 0..200 {
        pair.send(Client, b"x").unwrap();
        pair.run(ms(300));
        let _ = pair.text(Server);
    }
    assert_eq!(pair.detail(Client).rto / 1_000_000, 202);
    pair.log.clear();
    pair.cut(Client);
    let start = pair.now;
    pair.send(Client, b"is anybody there?").unwrap();
    pair.run_out();
    let times = since(start, &pair.times(Client, has_text));
    assert_eq!(times.len(), 16);
    assert_eq!(times[..6], [0, 202, 606, 1_414, 3_030, 6_262]);
    let (at, what) = *pair.host(Client).told.last().unwrap();
    assert_eq!(what, Readiness::Failed(SocketError::TimedOut));
    // Documentation/networking/ip-sysctl.rst: 924.6 seconds are "a lower bound for the effective
    // timeout": the first timeout after them, counted from the first repetition.
    assert_eq!(at.since(start).as_millis(), 1023 * 202 + 6 * 120_000);
}

#[test]
fn text_is_given_up_by_the_textbook_after_100_seconds() {
    // MUST-20, SHLD-11: R2.
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.cut(Client);
    let start = pair.now;
    pair.send(Client, b"is anybody there?").unwrap();
    pair.run_out();
    let times = since(start, &pair.times(Client, has_text));
    assert_eq!(times, [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000]);
    let (at, what) = *pair.host(Client).told.last().unwrap();
    assert_eq!(what, Readiness::Failed(SocketError::TimedOut));
    assert!(at.since(start) >= s(100), "R2 is at least 100 seconds");
    assert_eq!(pair.send(Client, b"x"), Err(SocketError::TimedOut), "told once");
    assert_eq!(pair.send(Client, b"x"), Err(SocketError::BrokenPipe));
}

#[test]
fn an_acknowledgment_of_text_sent_twice_says_nothing_about_time() {
    // Karn's algorithm (MUST-18): neither a sample, nor an end of the back-off.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let before = lab.detail();
    let sent = lab.pass(s(3)).brief();
    assert_eq!(sent, ["ACK 300", "ACK 300"], "after 1 and 3 seconds");
    lab.now += ms(500);
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(301)));
    assert_eq!(lab.detail().srtt, before.srtt, "no sample");
    // RFC 6298 §5: the doubled timeout stays until there is one.
    assert_eq!(lab.detail().rto, 4_000_000_000);
    lab.stack.send(lab.now, lab.socket(), b"new").unwrap();
    lab.now += ms(100);
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(304)));
    assert_eq!(lab.detail().rto, 1_000_000_000, "a sample ends it");
}

#[test]
fn progress_starts_the_clock_of_giving_up_over() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.pass(s(90));
    assert!(lab.status().retransmits > 0);
    lab.arrive(segment(ACK, IRS + 1, ISS + 101));
    assert_eq!(lab.status().retransmits, 0);
    lab.pass(s(90));
    assert_eq!(lab.state(), TcpState::Established, "100 seconds without progress, not in all");
    // The timeout is still a minute (Karn): 100 seconds are over after two retransmissions, but
    // three are tried at least (R1, SHLD-10).
    lab.pass(s(60));
    assert_eq!((lab.status().retransmits, lab.state()), (2, TcpState::Established));
    lab.pass(s(90));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn the_timer_restarts_when_something_is_acknowledged() {
    // RFC 6298 §5.3.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    assert!(lab.pass(ms(900)).sent.is_empty());
    lab.arrive(segment(ACK, IRS + 1, ISS + 101));
    assert!(lab.pass(ms(900)).sent.is_empty(), "a whole timeout from the acknowledgment on");
    assert_eq!(lab.pass(ms(100)).brief(), ["ACK 200"]);
}

/// The client's timeout and window after so many lost SYNs.
fn after_lost_syns(profile: &Profile, lost: usize) -> (u64, u32) {
    let mut pair = Pair::alike(profile);
    for _ in 0..lost {
        pair.fault(Client, Fate::Dropped, has(SYN));
    }
    pair.listen();
    pair.connect();
    pair.run(s(5));
    assert_eq!(pair.state(Client), TcpState::Established);
    let detail = pair.detail(Client);
    (detail.rto, detail.congestion_window)
}

#[test]
fn after_a_lost_syn_text_starts_with_three_seconds_or_a_sample_and_a_smaller_window() {
    // RFC 6298 §5.7; RFC 5681 §3.1 wants one segment after a lost SYN, RFC 6928 §2 after two.
    // With timestamps the SYN,ACK tells the round-trip time all the same (RFC 7323 §4.1).
    let measured = 220_000_000;
    let three_seconds = 3_000_000_000;
    assert_eq!(after_lost_syns(&Profile::rfc9293(), 1), (three_seconds, 1460));
    assert_eq!(after_lost_syns(&Profile::linux(), 1), (measured, 10 * 1448));
    assert_eq!(after_lost_syns(&Profile::linux(), 2), (measured, 1448));
}

#[test]
fn the_round_trip_time_sets_the_timeout() {
    // RFC 6298 §2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR.
    let mut profile = Profile::linux();
    profile.quick_acks = 255;
    profile.rtt_estimator = RttEstimator::OnePerRoundTrip;
    let mut pair = Pair::alike(&profile);
    pair.delay = ms(150);
    pair.listen();
    pair.connect();
    pair.run(s(1));
    assert_eq!(pair.detail(Client).srtt, 300_000_000);
    assert_eq!(pair.detail(Client).rto, 900_000_000);
    // §2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R'|.
    pair.accept();
    pair.send(Client, b"x").unwrap();
    pair.run(s(1));
    assert_eq!(pair.detail(Client).srtt, 300_000_000);
    assert_eq!(pair.detail(Client).rto, 750_000_000);
    assert_eq!(pair.text(Server), b"x");
}

/// Linux' `tcp_rtt_estimator`: the variation is the largest deviation of a round trip, and comes
/// down by a quarter of the difference in each.
#[test]
fn linux_takes_its_time_to_shorten_the_timeout() {
    let mut profile = Profile::linux();
    profile.quick_acks = 255;
    let mut pair = Pair::alike(&profile);
    pair.delay = ms(150);
    pair.listen();
    pair.connect();
    pair.run(s(1));
    pair.accept();
    let mut timeouts = vec![pair.detail(Client).rto];
    for _ in 0..3 {
        pair.send(Client, b"x").unwrap();
        pair.run(s(1));
        timeouts.push(pair.detail(Client).rto);
    }
    // 300 + 600 at first; the deviation is 450, 337.5 and 253.125 then.
    assert_eq!(timeouts, [900_000_000, 900_000_000, 834_375_000, 764_062_500]);
}

#[test]
fn the_textbook_never_waits_less_than_a_second() {
    // RFC 6298 §2.4.
    let pair = Pair::connected(&Profile::rfc9293());
    assert_eq!(pair.detail(Client).rto, 1_000_000_000);
}

#[test]
fn everything_after_a_loss_is_sent_again_as_the_acknowledgments_come() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    let text = crate::harness::packets::text(10_000);
    pair.fault(Client, Fate::Dropped, has_text);
    pair.send(Client, &text).unwrap();
    pair.run(s(10));
    assert_eq!(pair.text(Server), text);
    assert_eq!(pair.detail(Client).snd_una, pair.detail(Client).snd_nxt);
}

#[test]
fn a_user_timeout_ends_a_connection_that_makes_no_progress() {
    // RFC 5482; RFC 9293 §3.8.3.
    // Linux counts from the first repetition, which a tail loss probe precedes, 220 ms each.
    for (profile, millis) in [(Profile::rfc9293(), 10_000), (Profile::linux(), 10_440)] {
        let mut pair = Pair::connected(&profile);
        pair.option(Client, SocketOption::UserTimeout(s(10)));
        pair.cut(Client);
        let start = pair.now;
        pair.send(Client, b"x").unwrap();
        pair.run(ms(millis - 1));
        assert_eq!(pair.state(Client), TcpState::Established, "{}", profile.name);
        pair.run(ms(1));
        assert_eq!(pair.state(Client), TcpState::Closed, "{}", profile.name);
        let (at, what) = *pair.host(Client).told.last().unwrap();
        let expected = (ms(millis), Readiness::Failed(SocketError::TimedOut));
        assert_eq!((at.since(start), what), expected, "{}", profile.name);
    }
}

#[test]
fn a_user_timeout_leaves_an_idle_connection_alone() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::UserTimeout(s(10)));
    pair.send(Client, b"x").unwrap();
    pair.run(s(1000));
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
}

#[test]
fn a_shorter_answer_than_the_segment_acknowledges_part_of_it() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(ACK, IRS + 1, ISS + 11).window(900));
    let again = lab.pass(s(1)).only();
    assert_eq!(again.seq.value(), ISS + 11);
    assert_eq!(again.payload.len(), 290);
}

#[test]
fn a_timeout_of_nothing_still_lets_time_pass() {
    let mut profile = Profile::rfc9293();
    for name in ["rto-initial", "rto-min", "rto-max"] {
        profile.set(name, "0s").expect("it is a duration");
    }
    profile.set("syn-retries", "1s").expect("it is a duration");
    let mut pair = Pair::alike(&profile);
    pair.cut(Client);
    pair.connect();
    pair.run_out();
    assert_eq!(pair.told(Client), [Readiness::Failed(SocketError::TimedOut)]);
}

#[test]
fn an_outage_is_survived_when_it_ends_in_time() {
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        for side in [Client, Server] {
            pair.cut(side);
            pair.send(side, b"through the dark").unwrap();
        }
        pair.run(s(40));
        pair.mend();
        pair.run(s(40));
        assert_eq!(pair.text(Client), b"through the dark", "{}", profile.name);
        assert_eq!(pair.text(Server), b"through the dark", "{}", profile.name);
    }
}
