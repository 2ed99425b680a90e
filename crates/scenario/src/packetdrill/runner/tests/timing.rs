//! When things happen, and when they should.

use crate::packetdrill::{Drill, Settings};

use super::{LISTENS, open, passes, verdict};

#[test]
fn the_first_event_is_at_zero() {
    let said = verdict("0.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
    assert_eq!(said, "FAIL a.pkt:1: expected the first event at time 0, got one at 0.100000");
}

#[test]
fn time_does_not_go_backward() {
    let said = verdict("0 `true`\n0.5 `true`\n0.4 `true`");
    assert_eq!(said, "FAIL a.pkt:3: expected a time not before 0.500000, got 0.400000");
}

#[test]
fn packets_have_their_own_times() {
    // An acknowledgment that waits 40 ms at most.
    let text = "+0 < P. 1:101(100) ack 1 win 257\n";
    let table = [
        ("+0.3 `true`\n* > . 1:1(0) ack 101", "ok"),
        ("0.1~0.15 > . 1:1(0) ack 101", "ok"),
        (
            "+0.3 `true`\n+0 > . 1:1(0) ack 101",
            "FAIL a.pkt:13: expected > . 1:1(0) ack 101 at 0.400000 ± 0.004000, \
             got > . 1:1(0) ack 101 at 0.100000 (other time)",
        ),
        (
            "0.05 > . 1:1(0) ack 101",
            "FAIL a.pkt:12: expected a time not before 0.100000, got 0.050000",
        ),
        (
            "0.2~0.3 > . 1:1(0) ack 101",
            "FAIL a.pkt:12: expected > . 1:1(0) ack 101 at 0.200000~0.300000 ± 0.012500, \
             got > . 1:1(0) ack 101 at 0.100000 (other time)",
        ),
    ];
    for (rest, expected) in table {
        assert_eq!(verdict(&open(&format!("{text}{rest}"))), expected, "{rest}");
    }
}

#[test]
fn a_packet_that_never_comes_is_missed_in_bounded_time() {
    let said = verdict(&open("+0 > . 1:1(0) ack 1"));
    let expected = "FAIL a.pkt:11: expected > . 1:1(0) ack 1 at 0.100000 ± 0.004000, \
                    got no packet until 120.104000";
    assert_eq!(said, expected);
    let said = verdict(&open("* > . 1:1(0) ack 1"));
    let expected = "FAIL a.pkt:11: expected > . 1:1(0) ack 1 at any time, \
                    got no packet until 14400.100000";
    assert_eq!(said, expected);
}

#[test]
fn what_comes_late_is_told_in_place_of_what_was_expected() {
    // The first retransmission takes 200 ms at least.
    let said = verdict(&open(
        "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+.1 > P. 1:101(100) ack 1",
    ));
    let head = "FAIL a.pkt:13: expected > P. 1:101(100) ack 1 at 0.200000 ± 0.012500, got > P. 1:101(100) ack 1 at 0.";
    assert!(said.starts_with(head) && said.ends_with("(other time)"), "{said}");
}

#[test]
fn blocking_calls_return_at_their_time() {
    let script = |times: &str, arrives: &str| {
        open(&format!(
            "+{times} read(4, ..., 1000) = 100\n{arrives} < P. 1:101(100) ack 1 win 257\n* > . 1:1(0) ack 101"
        ))
    };
    passes(&script("0...0.2", "+.2"));
    let late = verdict(&script("0...0.2", "+.3"));
    let expected = "FAIL a.pkt:11: expected the call to return at 0.300000 ± 0.025000, \
                    got its return at 0.400000";
    assert_eq!(late, expected);
    let never = verdict(&open("+0...0.2 read(4, ..., 1000) = 100"));
    let expected = "FAIL a.pkt:11: expected read(4, ..., 1000) = 100 to return at 0.300000, \
                    got no return until 5.100000";
    assert_eq!(never, expected);
    let early =
        verdict(&open("+0 < P. 1:101(100) ack 1 win 257\n+0...0.2 read(4, ..., 1000) = 100"));
    let expected = "FAIL a.pkt:12: expected the call to return at 0.300000 ± 0.025000, \
                    got its return at 0.100000";
    assert_eq!(early, expected);
}

#[test]
fn a_call_that_blocks_where_the_script_does_not_say_so_fails() {
    let said = verdict(&open("+0 read(4, ..., 1000) = 100\n+.1 < P. 1:101(100) ack 1 win 257"));
    let expected = "FAIL a.pkt:11: expected read(4, ..., 1000) = 100, got a call that blocks \
                    (one that may has the time of its return, as in `+0...0.2`)";
    assert_eq!(said, expected);
}

#[test]
fn a_call_that_a_timer_ends_takes_its_time() {
    passes(&format!(
        "{LISTENS}+0 poll([{{fd=3, events=POLLIN, revents=0}}], 1, 1000) = 0\n1.0 `true`\n"
    ));
}

#[test]
fn sleeping_takes_time_of_the_script() {
    passes("0 `sleep 1.5`\n1.5 `true`");
    let said = verdict("0 `sleep 1.5`\n1.2 `true`");
    let expected = "FAIL a.pkt:2: expected the command at 1.200000 ± 0.150000, got it at 1.500000";
    assert_eq!(said, expected);
}

#[test]
fn absurd_times_are_refused() {
    let said = verdict("0 `true`\n+99999999 `true`");
    let expected = "FAIL a.pkt:2: expected a script of some days at most, got 99999999.000000";
    assert_eq!(said, expected);
}

#[test]
fn a_failed_command_is_a_failed_script() {
    let said = verdict(&format!("{LISTENS}+0 `sockstat -4 | grep -q ESTABLISHED`"));
    let expected = "FAIL a.pkt:6: expected `sockstat -4 | grep -q ESTABLISHED` to succeed, \
                    got exit status 1";
    assert_eq!(said, expected);
    passes(&open("+0 `sockstat -4 | grep -q ESTABLISHED && sockstat | grep LISTEN`"));
}

#[test]
fn failures_that_a_script_tolerates_are_counted() {
    let script = format!(
        "--non_fatal=packet,syscall\n{}",
        open("+0 read(4, ..., 10) = 10\n+0 write(4, ..., 5) = 7\n+0 > . 1:6(5) ack 1")
    );
    let drill = Drill::parse("a.pkt", &script, &Settings::default());
    let report = drill.expect("a script").run();
    assert!(report.verdict.passed(), "{}", report.verdict);
    assert_eq!(report.tolerated.len(), 3);
}
