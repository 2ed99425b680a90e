//! RFC 5681: how much may be under way.

use twomsl_tcp::profile::{CongestionControl, IdleRestart, WindowCounting, WindowReduction};
use twomsl_tcp::{Profile, SocketOption};

use super::{has_text, ms, s};
use crate::harness::packets::text;
use crate::harness::pair::{Client, Fate, Pair, Server};

const MSS: u32 = 1460;

/// A connection whose receiver acknowledges every segment and reads at once.
fn pair(mut profile: Profile) -> Pair {
    profile.quick_acks = u8::MAX;
    profile.options.send_buffer = 1 << 20;
    Pair::connected(&profile)
}

fn congestion_window(pair: &Pair) -> u32 {
    pair.detail(Client).congestion_window
}

#[test]
fn a_connection_starts_with_the_initial_window() {
    // RFC 5681 §3.1, RFC 6928; neither the SYN nor its acknowledgment counts.
    // Timestamps take 12 octets of every segment.
    for (profile, mss, segments) in [(Profile::rfc9293(), MSS, 3), (Profile::linux(), MSS - 12, 10)]
    {
        let mut pair = pair(profile);
        assert_eq!(congestion_window(&pair), segments * mss);
        pair.send(Client, &text(100_000)).unwrap();
        assert_eq!(pair.times(Client, has_text).len(), segments as usize);
    }
}

#[test]
fn slow_start_doubles_the_window_every_round_trip() {
    // MUST-19.
    let mut pair = pair(Profile::rfc9293());
    pair.send(Client, &text(200_000)).unwrap();
    let start = pair.now;
    let mut rounds = Vec::new();
    for _ in 0..4 {
        pair.run(ms(20));
        pair.text(Server);
        let end = pair.now;
        let sent = pair.times(Client, has_text);
        rounds.push(sent.iter().filter(|at| **at <= end).count());
    }
    assert_eq!(rounds, [3 + 6, 9 + 12, 21 + 24, rounds[3]], "since {start}");
}

#[test]
fn a_timeout_halves_the_threshold_and_starts_over_with_one_segment() {
    // MUST-19.
    let mut pair = pair(Profile::rfc9293());
    pair.send(Client, &text(200_000)).unwrap();
    pair.run(ms(20));
    let flight = pair.detail(Client).snd_nxt.wrapping_sub(pair.detail(Client).snd_una);
    assert_eq!(flight, 6 * MSS);
    pair.cut(Client);
    pair.run(s(2));
    let detail = pair.detail(Client);
    assert_eq!(detail.congestion_window, MSS, "the loss window");
    assert!(detail.slow_start_threshold >= 3 * MSS, "half of what was under way");
    assert!(detail.slow_start_threshold <= 6 * MSS);
}

#[test]
fn congestion_avoidance_adds_one_segment_per_window() {
    // MUST-19.
    let mut pair = pair(Profile::rfc9293());
    pair.send(Client, &text(500_000)).unwrap();
    pair.faults(Client, 8, Fate::Dropped, has_text);
    pair.run(ms(10));
    // The threshold is a few segments after the loss: slow start up to it, then one per window.
    let mut windows = Vec::new();
    for _ in 0..400 {
        pair.run(ms(20));
        pair.text(Server);
        windows.push(congestion_window(&pair));
    }
    let threshold = pair.detail(Client).slow_start_threshold;
    let lost = windows.iter().rposition(|window| *window == MSS).expect("a timeout");
    let after = &windows[lost..];
    let beyond: Vec<_> = after.iter().filter(|window| **window > threshold + MSS).collect();
    assert!(beyond.len() > 3, "it got there: {windows:?}");
    for pair in beyond.windows(2) {
        assert!(pair[1] - pair[0] <= MSS, "no more than a segment per round trip");
    }
}

#[test]
fn a_window_that_the_application_does_not_use_does_not_grow() {
    // RFC 9438 §5.8, and Linux' tcp_is_cwnd_limited.
    let mut pair = pair(Profile::rfc9293());
    for _ in 0..20 {
        pair.send(Client, &text(MSS as usize)).unwrap();
        pair.run(ms(50));
        pair.text(Server);
    }
    assert_eq!(congestion_window(&pair), 3 * MSS, "one segment of three each time");
    pair.send(Client, &text(100_000)).unwrap();
    pair.run(ms(100));
    assert!(congestion_window(&pair) > 3 * MSS, "now it is used");
}

#[test]
fn a_socket_may_choose_its_algorithm() {
    let threshold_after_a_timeout = |control: Option<CongestionControl>| {
        let mut pair = pair(Profile::rfc9293());
        if let Some(control) = control {
            pair.option(Client, SocketOption::Congestion(control));
        }
        pair.send(Client, &text(200_000)).unwrap();
        pair.run(ms(20));
        pair.cut(Client);
        pair.run(s(2));
        pair.detail(Client).slow_start_threshold
    };
    // 12 segments are under way: half of them (RFC 5681 §3.1), or seven tenths (RFC 9438 §4.6).
    assert_eq!(threshold_after_a_timeout(None), 6 * MSS);
    assert_eq!(threshold_after_a_timeout(Some(CongestionControl::NewReno)), 6 * MSS);
    assert_eq!(threshold_after_a_timeout(Some(CongestionControl::Cubic)), 12 * MSS * 7 / 10);
}

#[test]
fn the_choices_of_congestion_control_have_names() {
    let mut profile = Profile::rfc9293();
    let table = [
        ("congestion-control", "cubic"),
        ("window-counting", "segments"),
        ("window-reduction", "window"),
        ("idle-restart", "gradual"),
    ];
    for (name, value) in table {
        profile.set(name, value).unwrap();
    }
    assert_eq!(profile.options.congestion_control, CongestionControl::Cubic);
    assert_eq!(profile.window_counting, WindowCounting::Segments);
    assert_eq!(profile.window_reduction, WindowReduction::Window);
    assert_eq!(profile.idle_restart, IdleRestart::Gradual);
    profile.set("window-counting", "2").unwrap();
    assert_eq!(profile.window_counting, WindowCounting::Octets { limit: 2 });
    for (name, value) in [
        ("congestion-control", "vegas"),
        ("window-counting", "0"),
        ("window-counting", "256"),
        ("window-reduction", "half"),
        ("idle-restart", "0"),
    ] {
        assert!(profile.set(name, value).is_err(), "{name} {value}");
    }
    for name in CongestionControl::NAMES {
        assert_eq!(CongestionControl::by_name(name).map(CongestionControl::name), Some(*name));
    }
}
