//! What all algorithms share, and windows over time.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use twomsl_wire::SeqNum;

use super::*;

pub(super) const MSS: u32 = 1460;

/// A connection of this profile, with so many segments of window.
pub(super) fn with(profile: &Profile, segments: u32) -> Congestion {
    Congestion::new(profile.options.congestion_control, profile, MSS, segments)
}

pub(super) fn segments(octets: u32) -> u32 {
    octets / MSS
}

/// The profile with this algorithm.
fn choosing(control: CongestionControl, mut profile: Profile) -> Profile {
    profile.options.congestion_control = control;
    profile
}

fn ack(now: u64, acked: u32, rtt: u64) -> Ack {
    Ack { now: Instant::from_nanos(now), acked, srtt: rtt, min_rtt: rtt }
}

/// One loss at a window of 100, then rounds of one acknowledgment per segment, spread evenly over
/// the round trip. The windows before the first and after every fifth round, in hundredths of a
/// segment.
fn windows_after_a_loss(profile: &Profile, rtt: u64) -> Vec<u32> {
    let mut congestion = with(profile, 100);
    congestion.enter_recovery(100 * MSS);
    congestion.leave_recovery();
    let (mut now, mut windows) = (0, Vec::new());
    for round in 0..=100 {
        if round % 5 == 0 {
            windows.push(congestion.window() * 100 / MSS);
        }
        let count = u64::from(segments(congestion.window()));
        for _ in 0..count {
            now += rtt / count;
            congestion.on_ack(&ack(now, MSS, rtt));
        }
    }
    windows
}

/// Says where two rows of hundredths are further apart than `tolerance`.
fn differences(actual: &[u32], expected: &[u32], tolerance: u32) -> Vec<String> {
    assert_eq!(actual.len(), expected.len());
    let rows = actual.iter().zip(expected).enumerate();
    rows.filter(|(_, (one, other))| one.abs_diff(**other) > tolerance)
        .map(|(index, (one, other))| format!("round {}: {one}, not {other}", index * 5))
        .collect()
}

/// MAY-18. The RFCs' formulas in real numbers, computed outside this project: cwnd += 1/cwnd, or the
/// larger of `W_est` and cwnd + (target - cwnd)/cwnd, for each acknowledgment. Whole segments
/// lag behind real numbers by less than one, and the estimate that the curve is compared with by
/// one more.
#[test]
fn windows_after_a_loss_are_those_of_the_rfcs() {
    const NEWRENO: [u32; 21] = [
        5000, 5488, 5977, 6467, 6959, 7451, 7945, 8440, 8935, 9430, 9926, 10422, 10919, 11416,
        11913, 12411, 12909, 13406, 13904, 14402, 14901,
    ];
    const CUBIC_100_MS: [u32; 21] = [
        7000, 7937, 8662, 9193, 9560, 9795, 9926, 9984, 9999, 10001, 10020, 10086, 10280, 10774,
        11268, 11763, 12259, 13143, 14377, 15896, 17733,
    ];
    const CUBIC_1_MS: [u32; 21] = [
        7000, 7263, 7525, 7787, 8048, 8311, 8574, 8836, 9098, 9361, 9624, 9886, 10279, 10773,
        11268, 11763, 12258, 12754, 13250, 13747, 14243,
    ];
    let table = [
        (CongestionControl::NewReno, 100, NEWRENO, 100),
        (CongestionControl::NewReno, 1, NEWRENO, 100),
        (CongestionControl::Cubic, 100, CUBIC_100_MS, 200),
        (CongestionControl::Cubic, 1, CUBIC_1_MS, 200),
    ];
    for (control, rtt, expected, tolerance) in table {
        let profile = choosing(control, Profile::rfc9293());
        let actual = windows_after_a_loss(&profile, rtt * 1_000_000);
        let wrong = differences(&actual, &expected, tolerance);
        assert!(wrong.is_empty(), "{control:?} at {rtt} ms: {wrong:?}");
    }
}

/// The integers of `bictcp_update` and `tcp_cong_avoid_ai`, computed outside this project: whole
/// segments. Linux looks at clocks that tick every millisecond or more seldom: one segment.
#[test]
fn windows_counted_in_segments_are_those_of_linux() {
    const CUBIC_100_MS: [u32; 21] = [
        7000, 8100, 8700, 9300, 9700, 9900, 10000, 10000, 10000, 10000, 10000, 10100, 10200, 10500,
        10900, 11400, 12200, 13200, 14400, 15900, 17800,
    ];
    const CUBIC_1_MS: [u32; 21] = [
        7000, 7200, 7500, 7700, 8000, 8300, 8500, 8800, 9100, 9300, 9600, 9900, 10100, 10400,
        10700, 10900, 11200, 11500, 11700, 12000, 12300,
    ];
    let profile = choosing(CongestionControl::Cubic, in_segments());
    for (rtt, expected) in [(100, CUBIC_100_MS), (1, CUBIC_1_MS)] {
        let actual = windows_after_a_loss(&profile, rtt * 1_000_000);
        let wrong = differences(&actual, &expected, 100);
        assert!(wrong.is_empty(), "at {rtt} ms: {wrong:?}");
    }
}

/// Linux' way of counting.
fn in_segments() -> Profile {
    Profile {
        window_counting: WindowCounting::Segments,
        window_reduction: WindowReduction::Window,
        ..choosing(CongestionControl::NewReno, Profile::linux())
    }
}

#[test]
fn slow_start_counts_octets_or_segments() {
    let octets = |limit| WindowCounting::Octets { limit };
    // (counting, octets acknowledged at once, growth in octets)
    let table = [
        (octets(1), MSS, MSS),
        (octets(1), 2 * MSS, MSS), // RFC 5681 §3.1: L = 1
        (octets(1), 100, 100),
        (octets(2), 2 * MSS, 2 * MSS), // RFC 3465 §2.2: L = 2
        (octets(2), 5 * MSS, 2 * MSS),
        (WindowCounting::Segments, 5 * MSS, 5 * MSS), // tcp_slow_start
        (WindowCounting::Segments, 100, 0),
        (WindowCounting::Segments, MSS + 100, MSS),
    ];
    for (window_counting, acked, growth) in table {
        let mut congestion = with(&Profile { window_counting, ..Profile::rfc9293() }, 10);
        congestion.on_ack(&ack(0, acked, 0));
        assert_eq!(congestion.window() - 10 * MSS, growth, "{acked} by {window_counting:?}");
    }
}

/// `tcp_slow_start` stops at the threshold; the rest of the acknowledgment counts beyond it.
#[test]
fn segments_do_not_overshoot_the_threshold() {
    let mut congestion = with(&in_segments(), 10);
    congestion.window.threshold = 12 * MSS;
    congestion.on_ack(&ack(0, 5 * MSS, 0));
    assert_eq!((congestion.window(), congestion.credit), (12 * MSS, 3 * MSS));
    congestion.on_ack(&ack(0, 9 * MSS, 0));
    assert_eq!((congestion.window(), congestion.credit), (13 * MSS, 0));
}

/// What was saved in congestion avoidance is not spent in the slow start after idleness.
#[test]
fn slow_start_counts_what_it_sees_acknowledged() {
    let mut congestion = with(&in_segments(), 40);
    congestion.window.threshold = 40 * MSS;
    congestion.on_ack(&ack(0, 30 * MSS + 100, 0));
    congestion.window.size = 10 * MSS;
    congestion.on_ack(&ack(0, MSS - 100, 0));
    assert_eq!((congestion.window(), congestion.credit), (11 * MSS, 30 * MSS));
}

/// RFC 5681 §3.1, equation 4, and Linux' `tcp_reno_ssthresh`.
#[test]
fn a_loss_halves_what_the_profile_says() {
    // (profile, window, in flight, threshold), in segments but for the last
    let table = [
        (Profile::rfc9293(), 21, 15, 15 * MSS / 2),
        (Profile::rfc9293(), 21, 3, 2 * MSS),
        (in_segments(), 21, 15, 10 * MSS),
        (in_segments(), 3, 3, 2 * MSS),
    ];
    for (profile, window, in_flight, threshold) in table {
        let mut congestion = with(&profile, window);
        congestion.enter_recovery(in_flight * MSS);
        assert_eq!(congestion.threshold(), threshold, "{window} with {in_flight} under way");
        assert_eq!(congestion.window(), window * MSS, "the window is not touched yet");
        congestion.leave_recovery();
        assert_eq!(congestion.window(), threshold);
    }
}

#[test]
fn a_timeout_is_undone_with_the_window_that_was() {
    let mut congestion = with(&Profile::rfc9293(), 20);
    congestion.on_timeout(20 * MSS, Repeated::No);
    assert_eq!((congestion.window(), congestion.threshold()), (MSS, 10 * MSS));
    congestion.on_timeout(MSS, Repeated::Yes);
    assert_eq!(congestion.threshold(), 10 * MSS, "RFC 5681 §3.1: once");
    assert_eq!((congestion.prior_window(), congestion.prior_threshold), (20 * MSS, LARGEST));
    congestion.undo();
    assert_eq!((congestion.window(), congestion.threshold()), (20 * MSS, LARGEST));
}

#[test]
fn an_echoed_mark_counts_as_a_loss() {
    let mut congestion = with(&Profile::rfc9293(), 20);
    congestion.on_ecn_echo(20 * MSS);
    assert_eq!((congestion.window(), congestion.threshold()), (20 * MSS, 10 * MSS));
}

/// So many segments are under way, where there were fewer, and the last round trip is over.
fn send(congestion: &mut Congestion, now: u64, segments: u32) {
    let una = congestion.usage.round_end();
    congestion.on_sent(&Sent {
        now: Instant::from_nanos(now),
        una,
        nxt: una + segments * MSS,
        before: 0,
        in_flight: segments * MSS,
    });
}

/// RFC 9438 §5.8, `tcp_is_cwnd_limited`: (threshold, under way, grows), a window of 10.
#[test]
fn a_window_that_is_not_used_does_not_grow() {
    let table = [
        (LARGEST / MSS, 10, true),
        (LARGEST / MSS, 6, true), // slow start: up to twice what is used
        (LARGEST / MSS, 5, false),
        (10, 10, true),
        (10, 9, false), // congestion avoidance: only when it is full
    ];
    for (threshold, used, grows) in table {
        let mut congestion = with(&in_segments(), 10);
        congestion.window.threshold = threshold * MSS;
        send(&mut congestion, 0, used);
        for _ in 0..11 {
            congestion.on_ack(&ack(0, MSS, 0));
        }
        assert_eq!(congestion.window() > 10 * MSS, grows, "{used} of 10, up to {threshold}");
    }
}

/// RFC 2861 §3.1, `tcp_cwnd_application_limited`.
#[test]
fn a_window_that_is_not_used_for_a_timeout_shrinks_half_way() {
    const RTO: u64 = 200_000_000;
    let mut congestion = with(&in_segments(), 10);
    (congestion.window.size, congestion.window.threshold) = (40 * MSS, 20 * MSS);
    send(&mut congestion, 0, 40);
    congestion.shrink_unused(Instant::from_nanos(2 * RTO), RTO);
    assert_eq!(congestion.window(), 40 * MSS, "it is full");
    send(&mut congestion, 10, 16);
    congestion.shrink_unused(Instant::from_nanos(RTO - 1), RTO);
    assert_eq!(congestion.window(), 40 * MSS, "not a whole timeout");
    congestion.shrink_unused(Instant::from_nanos(RTO), RTO);
    assert_eq!((congestion.window(), congestion.threshold()), (28 * MSS, 30 * MSS));
}

#[test]
fn idleness_is_no_unused_window() {
    const RTO: u64 = 200_000_000;
    let mut congestion = with(&in_segments(), 10);
    (congestion.window.size, congestion.window.threshold) = (40 * MSS, 20 * MSS);
    send(&mut congestion, 1, 12);
    congestion.on_idle(Instant::from_nanos(2 * RTO), Instant::from_nanos(RTO), RTO);
    congestion.shrink_unused(Instant::from_nanos(2 * RTO + 1), RTO);
    assert_eq!(congestion.window(), 40 * MSS, "the clock starts over");
    congestion.shrink_unused(Instant::from_nanos(3 * RTO), RTO);
    assert!(congestion.window() < 40 * MSS);
}

/// `tcp_cwnd_validate` keeps the largest flight of a round trip, and a look that sends nothing is
/// none.
#[test]
fn the_largest_flight_of_a_round_trip_is_what_was_used() {
    let look = |before: u32, in_flight: u32, una: u32| Sent {
        now: Instant::ZERO,
        una: SeqNum::new(una * MSS),
        nxt: SeqNum::new((una + in_flight) * MSS),
        before: before * MSS,
        in_flight: in_flight * MSS,
    };
    let mut congestion = with(&in_segments(), 10);
    for sent in [look(0, 4, 0), look(4, 6, 0), look(3, 4, 3)] {
        congestion.on_sent(&sent);
    }
    congestion.on_ack(&ack(0, MSS, 0));
    assert_eq!(congestion.window(), 11 * MSS, "6 of 10 in slow start");
    congestion.on_sent(&look(0, 11, 20));
    congestion.on_sent(&look(0, 0, 31));
    congestion.on_ack(&ack(0, MSS, 0));
    assert_eq!(congestion.window(), 12 * MSS, "it was full");
}

/// Linux remembers three quarters of the window (`tcp_current_ssthresh`), the RFC the threshold.
#[test]
fn an_undo_brings_the_threshold_back() {
    for (profile, expected) in [(Profile::rfc9293(), 10), (in_segments(), 15)] {
        let mut congestion = with(&profile, 20);
        congestion.window.threshold = 10 * MSS;
        congestion.enter_recovery(12 * MSS);
        congestion.leave_recovery();
        congestion.undo();
        assert_eq!(segments(congestion.threshold()), expected, "{:?}", profile.name);
        assert_eq!(segments(congestion.window()), 20);
    }
}

/// HyStart ends the slow start of Linux' CUBIC, and of nothing else.
#[test]
fn longer_round_trips_end_the_slow_start_of_linux_only() {
    let table = [
        (CongestionControl::Cubic, in_segments(), true),
        (CongestionControl::NewReno, in_segments(), false),
        (CongestionControl::Cubic, Profile::rfc9293(), false),
    ];
    for (control, profile, ends) in table {
        let mut congestion = with(&choosing(control, profile), 20);
        for index in 0..40 {
            let rtt = if index < 20 { 20_000_000 } else { 40_000_000 };
            let now = Instant::from_nanos(index);
            let una = SeqNum::new(index as u32 / 20 * 30_000 + 1);
            congestion.on_sample(&Sample { now, rtt, shortest: rtt, una, nxt: una + 20 * MSS });
        }
        assert_eq!(congestion.threshold() == 20 * MSS, ends, "{control:?}");
    }
}

#[test]
fn another_algorithm_takes_the_window_over() {
    let mut congestion = with(&Profile::rfc9293(), 20);
    congestion.choose(CongestionControl::Cubic);
    assert_eq!(congestion.window(), 20 * MSS);
    congestion.enter_recovery(20 * MSS);
    assert_eq!(congestion.threshold(), 14 * MSS, "seven tenths");
    let before = congestion.clone();
    congestion.choose(CongestionControl::Cubic);
    assert_eq!(congestion, before, "the same again changes nothing");
    congestion.choose(CongestionControl::NewReno);
    congestion.enter_recovery(20 * MSS);
    assert_eq!(congestion.threshold(), 10 * MSS, "half");
}

#[test]
fn smaller_segments_leave_as_many_octets_or_as_many_segments() {
    let mut congestion = with(&Profile::rfc9293(), 10);
    congestion.resize(1000);
    assert_eq!(congestion.window(), 10 * MSS);
    congestion.on_ack(&ack(0, 1000, 0));
    assert_eq!(congestion.window(), 10 * MSS + 1000);
    let mut congestion = with(&in_segments(), 10);
    congestion.resize(1000);
    assert_eq!(congestion.window(), 10_000);
}

/// A connection is to stay small: this is a part of its kilobyte.
#[test]
fn congestion_control_takes_few_octets() {
    assert!(size_of::<Congestion>() <= 80, "{}", size_of::<Congestion>());
}
