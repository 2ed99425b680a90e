//! `twomsl states` shows every arrow of the state diagram, each with a scenario that takes it.

use std::collections::BTreeSet;
use std::process::Command;

use twomsl::Scenario;
use twomsl::tcp::TcpState;
use twomsl::trace::{Event, Trace};

/// What no role can do: a listening socket that connects. Sockets have no such call (Linux and
/// FreeBSD refuse it); RFC 9293 §3.10.1 has it, and `Stack::connect_listener`, which its own tests hold.
const NO_SCENARIO: (TcpState, TcpState) = (TcpState::Listen, TcpState::SynSent);

#[test]
fn every_arrow_has_a_scenario_that_takes_it() {
    let mut missing: BTreeSet<_> = TcpState::ALL
        .into_iter()
        .flat_map(|from| from.successors().iter().map(move |to| (from, *to)))
        .collect();
    assert!(missing.remove(&NO_SCENARIO));
    for line in shown().lines() {
        let Some((from, to, name, variant)) = arrow(line) else { continue };
        let scenario = Scenario::load(format!("scenarios/{name}.kdl")).expect("a sound scenario");
        let scenario = match variant {
            Some(variant) => scenario.variant(variant).expect("a variant of it"),
            None => scenario,
        };
        let trace = scenario.run().expect("a world").trace;
        assert!(taken(&trace).contains(&(from, to)), "{name} does not go {from} → {to}");
        missing.remove(&(from, to));
    }
    assert!(missing.is_empty(), "no scenario is shown for {missing:?}");
}

fn shown() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_twomsl")).arg("states").output();
    let output = output.expect("the command runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

/// `CLOSED → LISTEN  passive OPEN  handshake/three-way-handshake`, perhaps with `(variant)`.
fn arrow(line: &str) -> Option<(TcpState, TcpState, &str, Option<&str>)> {
    let (from, rest) = line.split_once(" → ")?;
    let to = rest.split_whitespace().next()?;
    let state = |name: &str| TcpState::ALL.into_iter().find(|state| state.name() == name.trim());
    let (head, variant) =
        match line.trim_end().strip_suffix(')').and_then(|it| it.rsplit_once(" (")) {
            Some((head, variant)) => (head, Some(variant)),
            None => (line, None),
        };
    Some((state(from)?, state(to)?, head.split_whitespace().next_back()?, variant))
}

fn taken(trace: &Trace) -> BTreeSet<(TcpState, TcpState)> {
    let change = |event: &Event| match event {
        Event::State { change, .. } => Some((change.from, change.to)),
        _ => None,
    };
    trace.records.iter().filter_map(|record| change(&record.event)).collect()
}
