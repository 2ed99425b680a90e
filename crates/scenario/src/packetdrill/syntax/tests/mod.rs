//! What is read, and what is refused.

mod calls;
mod hostile;
mod mistakes;
mod packets;
mod whole;

use super::{Defines, parse};
use crate::packetdrill::script::{Action, Event, PacketSpec, Script, SystemCall};
use crate::source::Source;

fn read_with(text: &str, defines: &[&str]) -> Script {
    let mut all = Defines::default();
    for definition in defines {
        let (name, value) = definition.split_once('=').unwrap_or((definition, "1"));
        all.set(name, value);
    }
    parse(&Source::new("test.pkt", text), &all).unwrap_or_else(|error| panic!("{error}"))
}

fn read(text: &str) -> Script {
    read_with(text, &[])
}

/// The only event of a script.
fn event(text: &str) -> Event {
    let mut events = read(text).events;
    assert_eq!(events.len(), 1, "{text}: {events:?}");
    events.remove(0)
}

fn packet(text: &str) -> PacketSpec {
    match event(&format!("+0 {text}")).action {
        Action::Packet(packet) => *packet,
        other => panic!("{text}: {other:?}"),
    }
}

fn call(text: &str) -> SystemCall {
    match event(&format!("+0 {text}")).action {
        Action::Call(call) => call,
        other => panic!("{text}: {other:?}"),
    }
}

/// What is said of a script that is none: `line:column: message`, and the hint in parentheses.
fn refused(text: &str) -> Vec<String> {
    let source = Source::new("t", text);
    let error = parse(&source, &Defines::default()).expect_err(text);
    let rendered = error.render(crate::Colour::None);
    let places = rendered.lines().filter_map(|line| line.strip_prefix("t:"));
    let problems = error.problems().iter();
    let lines = places.zip(problems).map(|(line, problem)| match problem.hint() {
        Some(hint) => format!("{} ({hint})", line.replace(" error:", "")),
        None => line.replace(" error:", ""),
    });
    lines.collect()
}
