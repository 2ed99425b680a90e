//! `twomsl states` shows every arrow of the state diagram, each with a scenario that takes it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use twomsl::Scenario;
use twomsl::tcp::TcpState;
use twomsl::trace::{Event, Trace};

#[test]
fn every_arrow_has_a_scenario_that_takes_it() {
    let mut missing: BTreeSet<_> = TcpState::ALL
        .into_iter()
        .flat_map(|from| from.successors().iter().map(move |to| (from, *to)))
        .collect();
    let shown = shown();
    let wide = shown.lines().find(|line| line.chars().count() > 90);
    assert_eq!(wide, None, "a terminal of 90 columns is enough");
    let lines: Vec<&str> = shown.lines().collect();
    for lines in lines.windows(3) {
        let Some((from, to, name, variant)) = arrow(lines) else { continue };
        let scenario = Scenario::load(path(name)).expect("a sound scenario");
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

/// `CLOSED → LISTEN  passive OPEN`, below it `twomsl demo NAME`, and perhaps `in its run “…”`.
fn arrow<'a>(lines: &[&'a str]) -> Option<(TcpState, TcpState, &'a str, Option<&'a str>)> {
    let (from, rest) = lines[0].split_once(" → ")?;
    let to = rest.split_whitespace().next()?;
    let state = |name: &str| TcpState::ALL.into_iter().find(|state| state.name() == name.trim());
    let name = lines[1].trim().strip_prefix("twomsl demo ")?;
    let run = lines[2].trim().strip_prefix("in its run “").and_then(|it| it.strip_suffix('”'));
    Some((state(from)?, state(to)?, name, run))
}

/// Where the scenario of a name is.
fn path(name: &str) -> PathBuf {
    let themes = std::fs::read_dir("scenarios").expect("the library").flatten();
    let mut paths = themes.map(|theme| theme.path().join(name).with_extension("kdl"));
    paths.find(|path| path.exists()).unwrap_or_else(|| panic!("there is no scenario {name}"))
}

fn taken(trace: &Trace) -> BTreeSet<(TcpState, TcpState)> {
    let change = |event: &Event| match event {
        Event::State { change, .. } => Some((change.from, change.to)),
        _ => None,
    };
    trace.records.iter().filter_map(|record| change(&record.event)).collect()
}
