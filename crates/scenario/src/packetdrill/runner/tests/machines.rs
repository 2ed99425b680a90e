//! Machines that do what no TCP does.

use twomsl_tcp::wire::{Body, Flags, Options, Packet, Segment, SeqNum, TcpOption};

use super::fake::{Fake, Happens};
use crate::packetdrill::{Drill, Settings};

fn run(script: &str, fake: &mut Fake) -> String {
    let drill = Drill::parse("a.pkt", script, &Settings::default()).expect("a script");
    drill.run_on(fake).verdict.to_string()
}

/// A SYN of `connect`, from this port.
fn syn(port: u16) -> Packet {
    let segment = Segment {
        src_port: port,
        dst_port: 8080,
        seq: SeqNum::new(5_000),
        ack: SeqNum::default(),
        flags: Flags::SYN,
        window: 1_000,
        urgent: 0,
        options: Options::NONE,
        payload: bytes::Bytes::new(),
    };
    Packet::tcp([192, 168, 0, 1].into(), [192, 0, 2, 1].into(), segment)
}

const CONNECTS: &str = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = 0
";

#[test]
fn packets_of_others_are_passed_over() {
    let mut other = syn(1);
    other.dst = [192, 0, 2, 9].into();
    let mut fake = Fake::default().at(0, Happens::Sends(other)).at(1, Happens::Sends(syn(2)));
    assert_eq!(run(&format!("{CONNECTS}+0 > S 0:0(0) win 1000"), &mut fake), "ok");
    let mut fake = Fake::default()
        .at(0, Happens::Sends(syn(1)))
        .at(1, Happens::Sends(syn(2)))
        .at(2, Happens::Sends(syn(1)));
    // Only the first SYN of `connect` tells its port.
    let twice = format!("{CONNECTS}+0 > S 0:0(0) win 1000\n+0 > S 0:0(0) win 1000\n+0 `true`");
    assert_eq!(run(&twice, &mut fake), "ok");
}

#[test]
fn an_exchange_without_end_ends() {
    let mut fake = Fake::default();
    fake.endless = Some(syn(1));
    let said = run("0 `true`\n+1 `true`", &mut fake);
    assert_eq!(said, "FAIL a.pkt:2: expected a script that ends, got an exchange without end");
}

#[test]
fn a_call_may_return_while_another_waits() {
    let script =
        format!("{CONNECTS}+0...0.02 read(3, ..., 10) = 5\n+0 read(3, ..., 10) = 6\n0.03 `true`");
    let both = |first, second| {
        Fake::default().at(first, Happens::Returns(3, 5)).at(second, Happens::Returns(4, 6))
    };
    assert_eq!(run(&script, &mut both(20, 30)), "ok");
    assert_eq!(run(&script, &mut both(20, 20)), "ok");
    let said = run(&script, &mut both(30, 20));
    let expected = "FAIL a.pkt:4: expected the call to return at 0.020000 ± 0.004000, \
                    got its return at 0.030000";
    assert_eq!(said, expected);
}

#[test]
fn a_timestamp_that_is_echoed_is_the_one_that_was_sent() {
    let mut first = syn(1);
    if let Body::Tcp(segment) = &mut first.body {
        segment.options = Options::with_timestamps(77_777, 0);
    }
    let mut fake = Fake::default().at(0, Happens::Sends(first));
    let script = format!(
        "{CONNECTS}+0 > S 0:0(0) <nop,nop,TS val 100 ecr 0>
+0 < S. 0:0(0) ack 1 win 5 <nop,nop,TS val 3 ecr 100>
+0 < . 1:1(0) ack 1 win 5 <nop,nop,TS val 4 ecr 9>"
    );
    assert_eq!(run(&script, &mut fake), "ok");
    let echoes: Vec<Option<(u32, u32)>> = fake
        .injected
        .iter()
        .map(|packet| packet.segment().and_then(|segment| segment.options.timestamps()))
        .collect();
    assert_eq!(echoes, [Some((3, 77_777)), Some((4, 9))]);
    let acks: Vec<u32> = fake
        .injected
        .iter()
        .filter_map(Packet::segment)
        .map(|segment| segment.ack.value())
        .collect();
    assert_eq!(acks, [5_001, 5_001]);
    assert!(matches!(
        fake.injected[0].segment().and_then(|segment| segment.options.iter().next()),
        Some(Ok(TcpOption::NoOperation))
    ));
}
