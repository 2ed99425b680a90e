//! CUBIC against hand-computed values of RFC 9438.

use super::*;
use crate::Profile;
use crate::connection::congestion::tests::MSS;
use crate::connection::congestion::{Chosen, Congestion};
use crate::profile::CongestionControl;

const SECOND: u64 = 1_000_000_000;

fn congestion(counting: WindowCounting, segments: u32) -> Congestion {
    let mut profile = Profile { window_counting: counting, ..Profile::rfc9293() };
    profile.options.congestion_control = CongestionControl::Cubic;
    Congestion::new(CongestionControl::Cubic, &profile, MSS, segments)
}

fn octets(segments: u32) -> Congestion {
    congestion(WindowCounting::Octets { limit: 1 }, segments)
}

fn cubic(congestion: &Congestion) -> &Cubic {
    let Chosen::Cubic(Some(cubic)) = &congestion.algorithm else { panic!("it is CUBIC") };
    cubic
}

fn ack(now: u64, acked: u32, rtt: u64) -> Ack {
    Ack { now: Instant::from_nanos(now), acked, srtt: rtt, min_rtt: rtt }
}

/// A curve that began at 70 segments after a loss at 100.
fn curve() -> Curve {
    let mut congestion = octets(100);
    congestion.enter_recovery(100 * MSS);
    congestion.leave_recovery();
    congestion.on_ack(&ack(0, MSS, SECOND));
    cubic(&congestion).curve.clone()
}

#[test]
fn k_is_the_cube_root_of_the_way_back_over_c() {
    // (octets below W_max, segment, seconds * 2^20 of ((octets / mss) / 0.4)^(1/3))
    let table = [
        (0, MSS, 0),
        (MSS, MSS, 1_423_136),       // 1.357209 s
        (30 * MSS, MSS, 4_422_016),  // 4.217163 s
        (1 << 30, MSS, 128_458_324), // 122.507405 s
        (1 << 30, 1, 1_457_291_861), // 1389.781820 s
    ];
    for (octets, mss, expected) in table {
        let k = time_to_grow(octets, mss);
        assert!(k.abs_diff(expected) <= 1, "{octets} octets in segments of {mss}: {k}");
    }
}

#[test]
fn a_cube_root_is_rounded_down() {
    for root in [0_u32, 1, 2, 999, 1 << 20, u32::MAX] {
        let cube = u128::from(root).pow(3);
        assert_eq!(cube_root(cube), root);
        assert_eq!(cube_root(cube + 1), root.max(u32::from(root == 0)));
        if root > 0 {
            assert_eq!(cube_root(cube - 1), root - 1);
        }
    }
}

/// Equation 1 with `W_max` = 100, K = 4.217163 s: (nanoseconds, segments * 100).
#[test]
fn the_curve_is_concave_then_flat_then_convex() {
    let table = [
        (0, 7000),
        (SECOND, 8668),
        (2 * SECOND, 9564),
        (4 * SECOND, 9999),
        (4_217_163_000, 10_000), // K
        (6 * SECOND, 10_226),
        (8 * SECOND, 12_165),
        (10 * SECOND, 17_735),
    ];
    let curve = curve();
    for (time, expected) in table {
        let window = u64::from(curve.at(time, MSS)) * 100 / u64::from(MSS);
        assert!(window.abs_diff(expected) <= 1, "{window}, not {expected}, after {time} ns");
    }
}

#[test]
fn a_loss_leaves_seven_tenths() {
    let mut congestion = octets(100);
    congestion.enter_recovery(100 * MSS);
    assert_eq!(congestion.threshold(), 70 * MSS);
    assert_eq!(cubic(&congestion).curve.w_max, 100 * MSS);
    // Two segments at least: §4.6.
    let mut congestion = octets(2);
    congestion.enter_recovery(2 * MSS);
    assert_eq!(congestion.threshold(), 2 * MSS);
}

/// §4.7: a flow that lost before it came back to `W_max` goes for less.
#[test]
fn fast_convergence_lowers_the_maximum() {
    let mut congestion = octets(100);
    congestion.enter_recovery(100 * MSS);
    congestion.set_window(80 * MSS);
    congestion.enter_recovery(80 * MSS);
    assert_eq!(cubic(&congestion).curve.w_max, 68 * MSS, "80 * (1 + 0.7) / 2");
    congestion.set_window(90 * MSS);
    congestion.enter_recovery(90 * MSS);
    assert_eq!(cubic(&congestion).curve.w_max, 90 * MSS, "above 68");
}

/// §4.3: `W_est` gains 9/17 of a segment per window, and a whole one from the prior window on.
#[test]
fn the_reno_friendly_window_grows_by_alpha() {
    let mut congestion = octets(100);
    congestion.enter_recovery(100 * MSS);
    congestion.leave_recovery();
    // Very short round trips: the curve stays where it is.
    for index in 0..70 * 17 {
        congestion.on_ack(&ack(index, MSS, 1));
        let window = congestion.window();
        let estimate = cubic(&congestion).curve.estimate;
        assert_eq!(window, estimate.max(70 * MSS), "the window is the estimate");
    }
    // Some more than 70 segments per window: 17 windows are not over yet, 9 segments nearly.
    assert_eq!(congestion.window(), 78 * MSS);
    let mut curve = cubic(&congestion).curve.clone();
    let window = &mut congestion.window;
    (curve.estimate, curve.credit, window.size) = (100 * MSS, 0, 100 * MSS);
    curve.grow_estimate(window, 100 * MSS);
    assert_eq!(curve.estimate, 101 * MSS, "alpha is 1 from cwnd_prior on");
}

/// §4.2: a target of more than half as much again is cut.
#[test]
fn the_window_grows_by_half_per_round_trip_at_most() {
    let mut congestion = octets(10);
    congestion.window.threshold = 10 * MSS;
    congestion.on_ack(&ack(0, MSS, SECOND));
    // The curve is far above after 100 s.
    for _ in 0..10 {
        congestion.on_ack(&ack(100 * SECOND, MSS, SECOND));
    }
    let windows = congestion.window() / MSS;
    assert!((14..=15).contains(&windows), "{windows} of at most 15");
}

/// §4.8: after a timeout, the curve begins flat at the window of that moment.
#[test]
fn a_timeout_forgets_the_maximum() {
    let mut congestion = octets(100);
    congestion.on_timeout(100 * MSS, crate::connection::congestion::Repeated::No);
    assert_eq!((congestion.window(), congestion.threshold()), (MSS, 70 * MSS));
    congestion.set_window(70 * MSS);
    congestion.on_ack(&ack(SECOND, MSS, SECOND));
    let curve = &cubic(&congestion).curve;
    assert_eq!((curve.k, curve.origin), (0, 70 * MSS));
}

/// §4.9.2: everything is as it was before.
#[test]
fn an_undo_brings_window_threshold_and_curve_back() {
    let mut congestion = octets(100);
    congestion.enter_recovery(100 * MSS);
    congestion.leave_recovery();
    for index in 0..500 {
        congestion.on_ack(&ack(index * SECOND / 100, MSS, SECOND));
    }
    let before = congestion.clone();
    congestion.enter_recovery(60 * MSS);
    congestion.leave_recovery();
    congestion.on_ack(&ack(6 * SECOND, MSS, SECOND));
    assert_ne!(cubic(&congestion).curve, cubic(&before).curve);
    congestion.undo();
    assert_eq!(cubic(&congestion).curve, cubic(&before).curve);
    assert_eq!(congestion.window(), before.window());
    assert!(congestion.threshold() >= before.threshold());
}

/// §4.2 and §5.8: time in which the window was not used does not count.
#[test]
fn the_curve_stands_still_while_nothing_is_sent() {
    for counting in [WindowCounting::Octets { limit: 1 }, WindowCounting::Segments] {
        let mut congestion = congestion(counting, 100);
        congestion.enter_recovery(100 * MSS);
        congestion.leave_recovery();
        congestion.on_ack(&ack(SECOND, MSS, SECOND));
        let (sent, now) = (Instant::from_millis(2000), Instant::from_millis(32_000));
        congestion.on_idle(now, sent, u64::MAX);
        congestion.on_ack(&ack(now.as_nanos(), MSS, SECOND));
        let epoch = cubic(&congestion).curve.epoch;
        assert_eq!(epoch, Instant::from_millis(31_000), "30 s later: {counting:?}");
    }
}

/// §4.2: nor does time in which the application had little to send. Linux counts it.
#[test]
fn the_curve_stands_still_while_the_window_is_not_used() {
    for (counting, seconds) in [(WindowCounting::Octets { limit: 1 }, 31), (SEGMENTS, 1)] {
        let mut congestion = congestion(counting, 100);
        congestion.enter_recovery(100 * MSS);
        congestion.leave_recovery();
        congestion.on_ack(&ack(SECOND, MSS, SECOND));
        congestion.algorithm.get().on_unused(&congestion.window, Instant::from_millis(2000));
        congestion.algorithm.get().on_unused(&congestion.window, Instant::from_millis(9000));
        congestion.on_ack(&ack(32 * SECOND, MSS, SECOND));
        let epoch = cubic(&congestion).curve.epoch;
        assert_eq!(epoch, Instant::from_millis(seconds * 1000), "{counting:?}");
    }
}

const SEGMENTS: WindowCounting = WindowCounting::Segments;

/// The integers of `tcp_cubic.c`: (window, the maximum so far, threshold, new maximum).
#[test]
fn linux_multiplies_by_717_and_divides_by_1024() {
    let table = [
        (1024, 0, 717, 1024),
        (1024, 1024, 717, 1024),
        (1024, 1025, 717, 870), // 1024 * 1741 / 2048
        (10, 0, 7, 10),
        (2, 0, 2, 2),
    ];
    for (size, maximum, threshold, expected) in table {
        let mut congestion = congestion(SEGMENTS, size);
        let mut cubic_before = Cubic::new();
        cubic_before.curve.w_max = maximum * MSS;
        congestion.algorithm = Chosen::Cubic(Some(alloc::boxed::Box::new(cubic_before)));
        congestion.enter_recovery(size * MSS);
        assert_eq!(congestion.threshold(), threshold * MSS, "{size}");
        assert_eq!(cubic(&congestion).curve.w_max, expected * MSS, "{size} after {maximum}");
    }
}

/// `bictcp_update` rounds the distance from the maximum, not the window.
#[test]
fn linux_rounds_towards_the_maximum() {
    let curve = curve();
    assert_eq!(curve.at_in_segments(SECOND, MSS), 87, "100 - 13.3");
    assert_eq!(curve.at_in_segments(10 * SECOND, MSS), 177, "100 + 77.4");
}

/// The bounds of `cnt` in `bictcp_update`, in segments.
#[test]
fn linux_bounds_the_growth() {
    let price = |maximum: u32, size: u32, time: u64| {
        let mut congestion = congestion(SEGMENTS, size);
        let mut curve = Cubic::new().curve;
        curve.w_max = maximum * MSS;
        curve.begin(&congestion.window, Instant::ZERO);
        congestion.window.size = size * MSS;
        let ack = ack(time, MSS, SECOND / 1000);
        match curve.growth_in_segments(&congestion.window, &ack, 0) {
            Growth::SegmentPer(octets) => octets / MSS,
            Growth::To(octets) => panic!("to {octets}"),
        }
    };
    assert_eq!(price(0, 100, 0), 20, "no loss yet: 5 %");
    assert_eq!(price(0, 100, 100 * SECOND), 2, "half at most");
    assert_eq!(price(100, 100, 0), 100 * 100, "on the flat part");
    assert_eq!(price(100, 70, 2 * SECOND), 70 / (96 - 70), "half-way up: 100 - 4.4");
}

/// `while (ack_cnt > delta)`: the sixteenth, where 8 * 15 / 8 are 15.
#[test]
fn linux_estimate_waits_for_one_more() {
    let congestion = congestion(SEGMENTS, 8);
    let mut curve = Cubic::new().curve;
    curve.begin(&congestion.window, Instant::ZERO);
    for acked in 1..=31 {
        curve.grow_estimate_in_segments(8, MSS, MSS);
        let expected = if acked < 16 {
            8
        } else if acked < 31 {
            9
        } else {
            10
        };
        assert_eq!(curve.estimate / MSS, expected, "after {acked}");
    }
}

/// `cubictcp_acked`: round trips of the first second of a congestion avoidance stage say nothing.
#[test]
fn hystart_does_not_look_right_after_a_recovery() {
    for (milliseconds, ends) in [(999, false), (1000, true)] {
        let mut congestion = congestion(SEGMENTS, 20);
        congestion.enter_recovery(20 * MSS);
        congestion.leave_recovery();
        congestion.on_ack(&ack(0, MSS, SECOND));
        (congestion.window.size, congestion.window.threshold) = (20 * MSS, 40 * MSS);
        let una = twomsl_wire::SeqNum::new(1);
        for index in 0..40 {
            let now = Instant::from_millis(milliseconds);
            let rtt = if index == 0 { SECOND / 100 } else { SECOND / 10 };
            let una = una + if index == 0 { 0 } else { 2000 };
            congestion.on_sample(&Sample { now, rtt, shortest: rtt, una, nxt: una + 1000 });
        }
        assert_eq!(congestion.threshold() == 20 * MSS, ends, "after {milliseconds} ms");
    }
}

#[test]
fn after_hours_the_curve_is_past_every_window() {
    for time in [8000 * SECOND, 1 << 53, u64::MAX] {
        assert_eq!(curve().at(time, MSS), LARGEST);
        assert_eq!(curve().at(time, 1), LARGEST);
    }
}

#[test]
fn nothing_overflows_at_the_largest_window_and_after_days() {
    for counting in [WindowCounting::Octets { limit: 255 }, WindowCounting::Segments] {
        for mss in [1, 64, MSS, 65_495] {
            let mut congestion = congestion(counting, 100);
            congestion.start(mss, LARGEST / mss);
            congestion.enter_recovery(u32::MAX);
            congestion.leave_recovery();
            for days in 0..10 {
                let now = days * 86_400 * SECOND;
                for acked in [1, mss, LARGEST, u32::MAX] {
                    congestion.on_ack(&ack(now, acked, 100 * SECOND));
                    congestion.on_ack(&ack(now, acked, u64::MAX));
                }
                assert!(congestion.window() <= LARGEST);
            }
            assert_eq!(congestion.window() / mss, LARGEST / mss, "{counting:?} with {mss}");
        }
    }
}
