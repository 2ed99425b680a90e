//! Fault rules: what they match, and what becomes of packets.

use twomsl_sim::spec::{Acks, FaultVerdict, PayloadMatch, Repeated, Rewrite};
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{SocketError, TcpState};
use twomsl_trace::{Decider, Event, Fate};

use crate::support::{
    CLIENT, MS, SECOND, SERVER, assert_done, failure, fates, hello, pair, run, sent,
};

fn rule(number: u32) -> impl Fn(&Decider) -> bool {
    move |by| matches!(by, Decider::Rule { number: n, .. } if *n == number)
}

#[test]
fn the_last_acknowledgment_is_lost() {
    let world = run(hello(pair())
        .fault(FaultVerdict::Drop, |packets| packets.from("client").acks(Acks::Fin).nth(1)));
    assert_done(&world);
    let fins = sent(&world, SERVER, Flags::FIN | Flags::ACK);
    assert_eq!(fins.len(), 2);
    assert_eq!(fates(&world, |fate| *fate == Fate::Dropped, rule(1)), 1);
    let text = world.trace().records.iter().find_map(|record| match &record.event {
        Event::Fate { by: Decider::Rule { text, .. }, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(text.as_deref(), Some("drop ACK of FIN from client, 1st"));
    // TIME-WAIT begins anew when the FIN comes again.
    assert!(world.now() > fins[1] + 60 * SECOND);
}

#[test]
fn a_lost_syn_comes_again_after_a_second() {
    let world = run(hello(pair())
        .fault(FaultVerdict::Drop, |packets| packets.flags(Flags::SYN).without(Flags::ACK).nth(1)));
    let syns = sent(&world, CLIENT, Flags::SYN);
    assert_eq!(syns.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.000", "1.000"]);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let builder = hello(pair())
        .fault(FaultVerdict::Pass, |packets| packets.flags(Flags::SYN))
        .fault(FaultVerdict::Drop, |packets| packets.flags(Flags::SYN));
    let world = run(builder);
    assert_done(&world);
    assert_eq!(world.matched(), [2, 0]);
}

#[test]
fn everything_lost_times_out() {
    let world = run(hello(pair()).fault(FaultVerdict::Drop, |packets| packets.from("client")));
    assert_eq!(failure(&world, CLIENT), Some(("connect", SocketError::TimedOut)));
}

#[test]
fn a_delayed_segment_arrives_later_and_one_delayed_until_then() {
    let delay = FaultVerdict::Delay(50 * MS);
    let world = run(hello(pair()).fault(delay, |packets| packets.flags(Flags::SYN).nth(1)));
    assert_eq!(world.paths(SERVER)[1][0], TcpState::Listen);
    assert_eq!(sent(&world, SERVER, Flags::SYN | Flags::ACK)[0].to_string(), "0.060");
    let until = FaultVerdict::DelayUntil(twomsl_tcp::Instant::from_millis(400));
    let world = run(hello(pair()).fault(until, |packets| packets.flags(Flags::SYN).nth(1)));
    assert_eq!(sent(&world, SERVER, Flags::SYN | Flags::ACK)[0].to_string(), "0.400");
}

#[test]
fn an_old_duplicate_text_is_thrown_away() {
    let verdict = FaultVerdict::Duplicate { copies: 2, delay: 5 * MS };
    let world = run(hello(pair())
        .fault(verdict, |packets| packets.payload(PayloadMatch::Octet(3)).from("client")));
    assert_done(&world);
    assert_eq!(world.totals(SERVER).read, 5);
    assert_eq!(fates(&world, |fate| matches!(fate, Fate::Duplicated { .. }), rule(1)), 2);
}

#[test]
fn a_corrupt_segment_is_caught_by_its_checksum() {
    let world = run(hello(pair()).fault(FaultVerdict::Corrupt, |packets| {
        packets.payload(PayloadMatch::Some).repeated(Repeated::No)
    }));
    assert_done(&world);
    let caught = world.trace().records.iter().filter(|record| {
        matches!(record.event, Event::Arrived { verdict: twomsl_tcp::Verdict::BadChecksum, .. })
    });
    assert_eq!(caught.count(), 1);
    assert_eq!(world.totals(SERVER).read, 5);
}

#[test]
fn a_rewritten_window_is_believed() {
    let zero = FaultVerdict::Rewrite(Rewrite { window: Some(0), ..Rewrite::default() });
    let world = run(hello(pair()).fault(zero, |packets| packets.from("server").flags(Flags::SYN)));
    assert_done(&world);
    let rewritten = fates(&world, |fate| matches!(fate, Fate::Rewritten { .. }), rule(1));
    assert_eq!(rewritten, 1);
    // Nothing is sent into a window of zero until it is probed.
    assert!(world.now() > twomsl_tcp::Instant::from_millis(60_100));
}

#[test]
fn what_is_held_goes_on_when_it_is_released() {
    let world = run(hello(pair())
        .fault(FaultVerdict::Hold("syn".to_owned()), |packets| packets.flags(Flags::SYN).nth(1))
        .release(500 * MS, "syn"));
    assert_done(&world);
    assert_eq!(sent(&world, SERVER, Flags::SYN | Flags::ACK)[0].to_string(), "0.510");
}

#[test]
fn a_rule_can_ask_for_the_state_of_either_end() {
    let world = run(hello(pair())
        .fault(FaultVerdict::Drop, |packets| {
            packets.in_state("server", TcpState::SynReceived).from("client").nth(1)
        })
        .fault(FaultVerdict::Drop, |packets| {
            packets.in_state("client", TcpState::FinWait1).from("client").nth(1)
        })
        .fault(FaultVerdict::Drop, |packets| {
            packets.in_state("server", TcpState::Listen).from("client").flags(Flags::SYN).nth(2)
        }));
    assert_done(&world);
    // The first: ACK (dropped), text and FIN. The second: that FIN (dropped), and again.
    assert_eq!(world.matched(), [3, 2, 1]);
}
