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
    let Chosen::Cubic(cubic) = &congestion.algorithm else { panic!("it is CUBIC") };
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
