//! Packets in the numbers and in the notation of scripts.

use std::collections::BTreeSet;

use super::{open, passes, verdict, verdict_with};
use crate::packetdrill::{Dialect, Relaxation, Settings};

/// What is said of a wrong line in place of a right one, but for the place and the times.
fn complaint(wrong: &str) -> String {
    let verdict = verdict(&open(&format!("+0 write(4, ..., 1000) = 1000\n+0 > {wrong}")));
    let (_, said) = verdict.split_once("expected ").unwrap_or_default();
    said.to_owned()
}

#[test]
fn what_differs_is_said_with_both_packets() {
    let at = "at 0.100000 ± 0.004000, got";
    let is = "> P. 1:1001(1000) ack 1";
    let table = [
        (
            ". 1:1001(1000) ack 1",
            format!("> . 1:1001(1000) ack 1 {at} {is} at 0.100000 (other PSH)"),
        ),
        (
            "FP. 1:1001(1000) ack 1",
            format!("> FP. 1:1001(1000) ack 1 {at} {is} at 0.100000 (other flags)"),
        ),
        (
            "P. 2:1002(1000) ack 1",
            format!("> P. 2:1002(1000) ack 1 {at} {is} at 0.100000 (other sequence number)"),
        ),
        (
            "P. 1:901(900) ack 1",
            format!("> P. 1:901(900) ack 1 {at} {is} at 0.100000 (other length)"),
        ),
        (
            "P. 1:1001(1000) ack 2",
            format!("> P. 1:1001(1000) ack 2 {at} {is} at 0.100000 (other acknowledgment number)"),
        ),
        (
            "P. 1:1001(1000) ack 1 urg 5",
            format!("> P. 1:1001(1000) ack 1 urg 5 {at} {is} at 0.100000 (other urgent pointer)"),
        ),
        (
            "P. 1:1001(1000) ack 1 <nop,nop>",
            format!("> P. 1:1001(1000) ack 1 <nop,nop> {at} {is} at 0.100000 (other options)"),
        ),
        (
            "[ect0] P. 1:1001(1000) ack 1",
            format!(
                "> [ect0] P. 1:1001(1000) ack 1 {at} > [noecn] P. 1:1001(1000) ack 1 at 0.100000 (other ECN field)"
            ),
        ),
        (
            "R 1:1(0)",
            format!(
                "> R 1:1(0) {at} {is} at 0.100000 (other flags, length, acknowledgment number)"
            ),
        ),
    ];
    for (wrong, said) in table {
        assert_eq!(complaint(wrong), said, "{wrong}");
    }
}

#[test]
fn windows_are_compared_raw_when_they_are_given() {
    let said = complaint("P. 1:1001(1000) ack 1 win 1");
    let (_, got) = said.split_once(", got > P. 1:1001(1000) ack 1 win ").unwrap_or_default();
    assert!(got.ends_with("at 0.100000 (other window)"), "{said}");
}

#[test]
fn relaxations_are_off_and_are_noted_where_they_were_needed() {
    let script = open("+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1 win 1");
    let relaxations = BTreeSet::from([Relaxation::Window, Relaxation::Push, Relaxation::Timing]);
    let settings = Settings { relaxations, ..Settings::default() };
    let drill = crate::packetdrill::Drill::parse("a.pkt", &script, &settings).expect("a script");
    let report = drill.run();
    assert!(report.verdict.passed(), "{}", report.verdict);
    assert_eq!(report.relaxed, BTreeSet::from([Relaxation::Window, Relaxation::Push]));
}

#[test]
fn several_segments_may_be_one_in_googles_scripts() {
    let script = |strict: &str, packets: &str| {
        format!("{strict}{}", open(&format!("+0 write(4, ..., 3000) = 3000\n{packets}")))
    };
    let whole = "+0 > P. 1:3001(3000) ack 1";
    let single =
        "+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:2001(1000) ack 1\n+0 > P. 2001:3001(1000) ack 1";
    let mixed = "+0 > P. 1:2001(2000) ack 1\n+0 > P. 2001:3001(1000) ack 1";
    for packets in [whole, single, mixed] {
        passes(&script("", packets));
    }
    passes(&script("--strict_segments\n", single));
    let strict = verdict(&script("--strict_segments\n", whole));
    assert!(
        strict.ends_with("got > . 1:1001(1000) ack 1 at 0.100000 (other PSH, length)"),
        "{strict}"
    );
    let nplab = Settings { dialect: Some(Dialect::Nplab), ..Settings::default() };
    assert_eq!(verdict_with(&script("", single), &nplab), "ok");
    assert!(verdict_with(&script("", whole), &nplab).contains("got > . 1:1001(1000)"));
}

#[test]
fn a_fin_at_the_end_of_segments_is_at_the_end_of_one() {
    passes(&open(
        "
+0 setsockopt(4, IPPROTO_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 900) = 900
+0 write(4, ..., 900) = 900
+0 close(4) = 0
* > FP. 1:1801(1800) ack 1
",
    ));
}

#[test]
fn settings_that_the_stack_does_not_have_are_told() {
    let script = "0 `sysctl -w net.ipv4.tcp_elephants=7 net.ipv4.tcp_ecn=1; ../common/defaults.sh`";
    let drill = crate::packetdrill::Drill::parse("a.pkt", script, &Settings::default());
    let report = drill.expect("a script").run();
    assert!(report.verdict.passed());
    assert_eq!(report.unknown_settings, ["net.ipv4.tcp_elephants=7"]);
}

#[test]
fn what_is_more_than_the_script_has_is_not_merged() {
    let verdict = verdict(&open("+0 write(4, ..., 3000) = 3000\n+0 > . 1:1501(1500) ack 1"));
    assert!(
        verdict.ends_with("got > . 1:1001(1000) ack 1 at 0.100000 (other length)"),
        "{verdict}"
    );
}

#[test]
fn blocks_are_in_script_numbers_both_ways() {
    passes(&open(
        "
+0 < P. 1001:2001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+0 write(4, ..., 1976) = 1976
+0 > . 1:989(988) ack 1 <nop,nop,sack 1001:2001>
+0 > P. 989:1977(988) ack 1 <nop,nop,sack 1001:2001>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,sack 989:1977>
+0 %{ assert tcpi_sacked == 1 }%
",
    ));
    let wrong = verdict(&open(
        "+0 < P. 1001:2001(1000) ack 1 win 257\n+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2002>",
    ));
    assert!(
        wrong.ends_with("> . 1:1(0) ack 1 <nop,nop,sack 1001:2001> at 0.100000 (other options)"),
        "{wrong}"
    );
}

#[test]
fn what_cannot_be_run_is_skipped_with_its_place() {
    let table = [
        ("+0 > . 1:1(0) ack 1 <md5 00112233445566778899aabbccddeeff>", "TCP MD5 signatures"),
        ("+0 < . 1:1(0) ack 1 win 1/udp(9899 > 9899)", "UDP encapsulation /udp(9899 > 9899)"),
        ("+0 `make -C /`", "`make -C /`"),
        ("+0 %{ class A: pass }%", "class"),
    ];
    for (line, what) in table {
        let said = verdict(&open(line));
        assert!(said.starts_with("skip a.pkt:11: not supported: "), "{said}");
        assert!(said.contains(what), "{said}");
    }
}
