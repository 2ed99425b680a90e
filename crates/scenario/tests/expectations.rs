//! Every expectation, holding where it should and failing where it should, on one run.

use twomsl_scenario::{Engine, Outcome, Scenario};
use twomsl_sim::{End, MOST_RECORDS};

/// A close in which the client's FIN is lost once, with all its four segments.
const STORY: &str = r#"scenario "Lost FIN" { question "?"; answer "!"; rfc "9293 §3.6" }
host "client" profile="linux"
host "server" profile="linux" { set "fin-ack" "at-once" }
link "client" "server" delay="10ms"
role "server" { listen 80; accept; read-to-end; close }
role "client" { connect "server:80" from-port=40000; write "hello"; sleep "1s"; close }
fault drop nth=1 from="client" flags="FIN"
"#;

fn run(expectations: &str) -> Outcome {
    run_file(&format!("{STORY}expect {{\n{expectations}\n}}\n"))
}

fn run_file(text: &str) -> Outcome {
    let scenario = Scenario::parse("case.kdl", text);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    scenario.run().unwrap_or_else(|error| panic!("{error}"))
}

/// The expectations of this run that are true.
const TRUE: &str = r#"
path "client" "SYN-SENT" "ESTABLISHED" "..."
path "client" "CLOSED" "SYN-SENT" "ESTABLISHED" "FIN-WAIT-1" "FIN-WAIT-2" "TIME-WAIT" "CLOSED"
path "server" "LISTEN" "SYN-RECEIVED" "ESTABLISHED" "CLOSE-WAIT" "LAST-ACK" "CLOSED"
segments from="client" flags="FIN" { at "1.02s" "1.24s" }
segments from="client" flags="FIN" retransmission=#true at="1.24s"
segments payload="hello" dst-port=80 count=1
segments payload=5 src-port=40000 count=1
segments from="client" acks="SYN" payload=#false since="0.02s" before="1s" count=1
segments from="server" acks="FIN" reason="ack"
segments flags="RST" count=0
timer "client" "time-wait" set=1 restarts=0 fired=1 connection=1
result "client" "connect" ok=#true nth=1 at="20ms"
result "server" "read-to-end" octets=5 by="2s"
result "client" "read" error="ECONNRESET" count=0
read "server" bytes=5
written "client" bytes=5
state "client" "TIME-WAIT" lasts="60s" count=1
state "client" "FIN-WAIT-1" lasts="200ms" within="50ms"
state "server" "ESTABLISHED" at="1s"
state "client" "CLOSING" count=0
state "server" "LISTEN" lasts="forever" count=1
state "server" "LISTEN" at="1s"
state "client" "LISTEN" count=0
sockets "client" at="2s" state="TIME-WAIT" count=1
sockets "server" at="2s" state="LISTEN" count=1
sockets "client" at="2h" count=0
table "client" at="2s" { socket state="TIME-WAIT" local-port=40000 timer="time-wait" holder="orphan" }
drops count=1
drops by="fault" from="client" count=1
drops by="loss" count=0
verdict "server" "old-duplicate" count=0
variable "client" "cwnd" at="500ms" is=10
variable "client" "rtt" at="500ms" min=19000 max=21000 connection=1
variable "server" "mss" at="500ms" is=1448
violation 4 count=0
ends "quiet" after="61s" by="62s"
"#;

/// The same, each a little wrong.
const FALSE: &str = r#"
path "client" "SYN-SENT" "ESTABLISHED"
path "server" "LISTEN" connection=2
segments from="client" flags="FIN" { at "1.02s" "2.02s" }
segments payload="hallo"
segments reason="keepalive" min=2
timer "client" "time-wait" set=2
timer "client" "keepalive" fired=1
result "client" "connect" error="ECONNREFUSED"
result "server" "read-to-end" octets=6
result "server" "read" eof=#true
read "server" bytes=6
written "client" bytes=4
state "client" "TIME-WAIT" lasts="30s"
state "client" "TIME-WAIT" lasts="forever"
state "client" "CLOSING"
state "server" "ESTABLISHED" at="0.5s" connection=3
state "server" "CLOSE-WAIT" at="0.5s"
sockets "client" at="2s" state="ESTABLISHED"
table "client" at="2s" { socket state="ESTABLISHED" }
drops by="loss"
drops count=2
verdict "client" "time-wait-fin" min=1
violation 1
ends "time-up"
ends by="61s"
variable "client" "cwnd" at="500ms" is=11
variable "client" "rto" at="500ms" max=1
variable "client" "cwnd" at="500ms" is=10 connection=2
variable "client" "cwnd" at="2s" is=10
"#;

#[test]
fn expectations_that_are_true_hold() {
    assert_eq!(run(TRUE).report(), "");
}

#[test]
fn each_expectation_that_is_false_says_what_happened_instead() {
    let outcome = run(FALSE);
    assert_eq!(outcome.failures.len(), FALSE.trim().lines().count(), "{}", outcome.report());
    insta::assert_snapshot!(outcome.report());
}

#[test]
fn the_command_that_shows_it_again_has_the_seed_and_the_settings() {
    let text = format!("{STORY}expect {{ read \"server\" bytes=6 }}\n");
    let scenario = Scenario::parse("case.kdl", &text).unwrap_or_else(|error| panic!("{error}"));
    let scenario = scenario.with_seed(7).set("client.time-wait", "1.5s");
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        scenario.command(Engine::Sim),
        "twomsl run case.kdl --seed 7 --set client.time-wait=1.5s"
    );
    let outcome = scenario.run().unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.report().ends_with(&format!("{}\n", scenario.command(Engine::Sim))));
}

/// RFC 9293 §3.10.1 lets a listener connect; the sockets of systems refuse it, each in its own way.
#[test]
fn only_the_rfc_lets_a_listener_connect() {
    let answers = [
        ("rfc9293", "ok=#true at=\"30ms\""),
        ("linux", "error=\"EISCONN\" at=\"10ms\""),
        ("freebsd", "error=\"EOPNOTSUPP\" at=\"10ms\""),
    ];
    for (profile, answer) in answers {
        let outcome = run_file(&format!(
            "scenario \"A listener\"\nhost \"a\" profile=\"{profile}\"\nhost \"b\" profile=\"{profile}\"\n\
             link \"a\" \"b\" delay=\"10ms\"\nrole \"b\" {{ listen 80 }}\n\
             role \"a\" {{ listen 90 as=\"door\"; sleep \"10ms\"; connect \"b:80\" on=\"door\" }}\n\
             expect {{ result \"a\" \"connect\" {answer} }}\n"
        ));
        assert_eq!(outcome.report(), "", "{profile}");
    }
    let both = "scenario \"A\"\nhost \"a\"\nhost \"b\"\nlink \"a\" \"b\"\n\
                role \"a\" { listen 90 as=\"door\"; connect \"b:80\" on=\"door\" from-port=5 }\n";
    let error = Scenario::parse("case.kdl", both).expect_err("both").to_string();
    assert!(error.contains("`on` and `from-port` exclude each other"), "{error}");
}

/// As the page says: `EAGAIN` in a `read` lets the role go on, in an `accept` it ends it.
#[test]
fn a_timeout_ends_a_role_in_accept_but_not_in_read() {
    let outcome = run_file(
        r#"scenario "Timeouts"
host "client" profile="linux"
host "server" profile="linux"
link "client" "server" delay="10ms"
role "server" { listen 90; accept timeout="1s"; listen 80 }
role "server" { listen 70; accept; sleep "1m" }
role "client" {
    connect "server:70"
    read timeout="100ms"
    repeat { read timeout="200ms"; write "never" }
    write "on"
    connect "server:80"
}
expect {
    result "server" "accept" error="EAGAIN" count=1
    result "client" "read" error="EAGAIN" count=2
    written "client" bytes=2
    result "client" "connect" error="ECONNREFUSED" count=1
}
"#,
    );
    assert_eq!(outcome.report(), "");
}

/// The server has taken forged text, and the client knows nothing of it: each tells the other that its
/// numbers are wrong (RFC 1337 §1, hazard H2).
const WAR: &str = r#"scenario "War of acknowledgments"
host "client" profile="rfc9293"
host "server" profile="rfc9293"
link "client" "server" delay="1ms"
role "server" { listen 80; accept; sleep "1m" }
role "client" { connect "server:80"; sleep "1m" }
forge at="1s" from="client" to="server" flags="ACK" seq="server.rcv-nxt" ack="server.snd-nxt" payload="forged"
"#;

#[test]
fn a_run_without_an_end_is_given_up_and_says_what_goes_on() {
    let outcome = run_file(&format!("{WAR}expect {{ violation 4 min=1 }}\n"));
    assert_eq!(outcome.end, End::TooMuch);
    assert!((MOST_RECORDS..MOST_RECORDS + 100).contains(&outcome.trace.records.len()));
    let [failure] = &outcome.failures[..] else { panic!("{}", outcome.report()) };
    assert!(failure.instead.contains("500 times ACK from client, 500 times ACK from server"));
    let expected = format!("{WAR}expect {{ violation 4 min=1; ends \"too-much\" }}\n");
    assert_eq!(run_file(&expected).report(), "");
}
