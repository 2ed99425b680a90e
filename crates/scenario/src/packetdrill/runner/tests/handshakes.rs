//! Connections by every path.

use twomsl_trace::{Event, Record};

use super::{ACCEPTS, LISTENS, open, passes, verdict};
use crate::packetdrill::{Drill, IpVersion, Recording, Settings};

#[test]
fn a_listener_is_reached() {
    passes(&format!("{LISTENS}{ACCEPTS}"));
}

#[test]
fn text_goes_both_ways_in_script_numbers() {
    passes(&open(
        "
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 < P. 1:501(500) ack 1001 win 257
+0 > . 1001:1001(0) ack 501
+0 read(4, ..., 1000) = 500
+0 close(4) = 0
+0 > F. 1001:1001(0) ack 501
",
    ));
}

#[test]
fn a_connection_is_made_with_timestamps_that_are_learned() {
    passes(
        "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,sackOK,TS val 700 ecr 100,nop,wscale 7>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 700>
+.1 < P. 1:101(100) ack 1 win 257 <nop,nop,TS val 800 ecr 200>
+0 > . 1:1(0) ack 101 <nop,nop,TS val 300 ecr 800>
",
    );
}

#[test]
fn a_closed_port_resets_before_there_is_any_socket() {
    passes(
        "
0 < S 100:100(0) win 1000
+0 > R. 0:0(0) ack 1
+.1 < . 1:1(0) ack 5000 win 1000
+0 > R 5000:5000(0)
",
    );
}

#[test]
fn both_connect_at_once() {
    passes(
        "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+.1 < S 900:900(0) win 5792 <mss 1460>
+0 > S. 0:0(0) ack 901 <...>
+.1 < . 1:1(0) ack 1 win 5792
+0 write(3, ..., 10) = 10
+0 > P. 1:11(10) ack 1
",
    );
}

#[test]
fn a_socket_connects_again_after_a_refusal() {
    passes(
        "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = -1 ECONNREFUSED (Connection refused)
+0 > S 0:0(0) <...>
+.1 < R. 0:0(0) ack 1 win 0
+0...0.1 connect(3, ..., ...) = 0
+0 > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1
",
    );
}

#[test]
fn a_listener_takes_one_after_the_other() {
    let second = ACCEPTS
        .replace("= 4", "= 5")
        .replace("< S 0:0", "< S 7:7")
        .replace("ack 1 <...>", "ack 8 <...>");
    passes(&open(&format!(
        "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 6\n+0 close(6) = 0\n{second}"
    )));
}

#[test]
fn a_syn_in_time_wait_makes_a_connection_with_numbers_of_its_own() {
    passes(&open(
        "
+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+.1 < F. 1:1(0) ack 2 win 257
+0 > . 2:2(0) ack 2
+.1 < S 5000:5000(0) win 32792 <mss 1460>
+0 > S. 0:0(0) ack 5001 <mss 1460>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 5
+0 write(5, ..., 10) = 10
+0 > P. 1:11(10) ack 1
",
    ));
}

#[test]
fn ports_say_which_connection_is_meant() {
    passes(&format!(
        "{LISTENS}
+0 < 5001 > 8080 S 0:0(0) win 32792 <mss 1460>
+0 > 8080 > 5001 S. 0:0(0) ack 1 <mss 1460>
+0 < 5002 > 8080 S 0:0(0) win 32792 <mss 1460>
+0 > 8080 > 5002 S. 0:0(0) ack 1 <mss 1460>
+.1 < 5001 > 8080 . 1:1(0) ack 1 win 257
+0 < 5002 > 8080 . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 accept(3, ..., ...) = 5
+0 write(5, ..., 10) = 10
+0 > 8080 > 5002 P. 1:11(10) ack 1
+0 write(4, ..., 10) = 10
+0 > 8080 > 5001 P. 1:11(10) ack 1
"
    ));
}

#[test]
fn a_listener_on_another_port_is_reached_there() {
    passes(&open("+0 close(4) = 0\n+0 > F. 1:1(0) ack 1").replace("bind(3, ..., ...)",
        "bind(3, {sa_family=AF_INET, sin_port=htons(99), sin_addr=inet_addr(\"192.168.0.1\")}, ...)"));
    passes(&format!("--bind_port=99\n{}", open("+0 close(4) = 0\n+0 > F. 1:1(0) ack 1")));
}

#[test]
fn the_same_script_holds_over_ipv6() {
    for version in ["ipv4", "ipv4-mapped-ipv6", "ipv6"] {
        passes(&format!(
            "--ip_version={version}\n{}",
            open("+0 close(4) = 0\n+0 > F. 1:1(0) ack 1")
        ));
    }
    // What the caller says goes before what the script says.
    let settings = Settings { ip_version: Some(IpVersion::V6), ..Settings::default() };
    let script = format!("--ip_version=ipv4\n{}", open(""));
    let drill = Drill::parse("a.pkt", &script, &settings).expect("a script");
    assert!(drill.local_address().is_ipv6());
    assert!(drill.run().verdict.passed());
}

#[test]
fn a_script_that_fails_has_a_trace_when_it_is_recorded() {
    let script = open("+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1");
    let settings = Settings { record: Recording::On, ..Settings::default() };
    let report = Drill::parse("a.pkt", &script, &settings).expect("a script").run();
    assert!(!report.verdict.passed());
    let trace = report.trace.expect("it was recorded");
    assert_eq!(trace.about.title, "a.pkt");
    let sent = |record: &Record| matches!(record.event, Event::Sent { .. });
    // The SYN,ACK and the text, and what the script sent.
    assert_eq!(trace.records.iter().filter(|record| sent(record)).count(), 4);
    let drill = Drill::parse("a.pkt", &script, &Settings::default()).expect("a script");
    assert!(drill.run().trace.is_none());
}

#[test]
fn assertions_are_judged_at_the_end_over_the_variables_of_their_moment() {
    let code = |code: &str| {
        verdict(&open(&format!("+0 %{{ {code} }}%\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1")))
    };
    assert_eq!(code("assert tcpi_state == 1"), "ok");
    let failed = code("assert tcpi_state == 2");
    assert_eq!(failed, "FAIL a.pkt:11: expected tcpi_state == 2, got tcpi_state = 1");
    let early = verdict("0 %{ assert tcpi_state == 1 }%");
    assert_eq!(early, "FAIL a.pkt:1: expected a socket to ask for tcp_info, got none that is open");
}

#[test]
fn unreachable_hosts_are_told_by_icmp() {
    let script = |message: &str, errno: &str| {
        format!(
            "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = -1 {errno}
+0 > S 0:0(0) <...>
+.1 < {message}
"
        )
    };
    let port = "icmp unreachable port_unreachable [0:0(0)]";
    passes(&script(port, "ECONNREFUSED (Connection refused)"));
    // Without a quote it is about the SYN.
    passes(&script("icmp unreachable port_unreachable", "ECONNREFUSED (Connection refused)"));
    let skipped = verdict(&script("icmp elephant", "ECONNREFUSED (Connection refused)"));
    assert_eq!(skipped, "skip a.pkt:5: not supported: icmp elephant");
}

#[test]
fn a_smaller_mtu_makes_smaller_segments() {
    passes(&open(
        "
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < icmp unreachable frag_needed mtu 540 [1:1001(1000)]
+0 > P. 1:1001(1000) ack 1
",
    ));
}
