//! Everything else of a scenario, smaller.

use std::time::Duration;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use twomsl_tcp::Instant;

use super::Trial;

/// What is not touched: what the story is, and what is expected of it.
const KEPT: [&str; 6] = ["scenario", "expect", "explore", "seed", "host", "what-if"];

/// Numbers that name something.
const NAMES: [&str; 6] = ["packet", "nth", "from-port", "src-port", "dst-port", "connection"];

/// The smallest text that still fails.
pub(super) fn smallest(text: &str, trial: &mut Trial) -> String {
    let mut best = text.to_owned();
    loop {
        let before = best.clone();
        for pass in [hosts, nodes, numbers] {
            pass(&mut best, trial);
        }
        if best == before {
            return best;
        }
    }
}

/// Tries a document in place of the best text.
fn attempt(document: &KdlDocument, best: &mut String, trial: &mut Trial) -> bool {
    let text = document.to_string();
    let fails = text != *best && trial.fails(&text);
    if fails {
        *best = text;
    }
    fails
}

/// The same for a document with fewer packets: what the only fault befalls may have a smaller number
/// there.
fn attempt_fewer(document: &KdlDocument, best: &mut String, trial: &mut Trial) {
    if attempt(document, best, trial) {
        return;
    }
    let mut document = document.clone();
    let mut faults: Vec<&mut KdlEntry> =
        document.nodes_mut().iter_mut().filter_map(|node| node.entry_mut("packet")).collect();
    let [entry] = faults.as_mut_slice() else { return };
    let Some(number) = entry.value().as_integer() else { return };
    for fewer in (1..number).rev().take(8) {
        if let Some(entry) =
            document.nodes_mut().iter_mut().find_map(|node| node.entry_mut("packet"))
        {
            entry.set_value(KdlValue::Integer(fewer));
            entry.clear_format();
            entry.autoformat();
        }
        if attempt(&document, best, trial) {
            return;
        }
    }
}

fn parse(text: &str) -> KdlDocument {
    // It was parsed when it was tried.
    text.parse().unwrap_or_default()
}

/// Leaves out hosts with everything that speaks of them.
fn hosts(best: &mut String, trial: &mut Trial) {
    let document = parse(best);
    let hosts = document.nodes().iter().filter(|node| node.name().value() == "host");
    let names: Vec<String> =
        hosts.filter_map(|node| Some(node.get(0)?.as_string()?.to_owned())).collect();
    for name in names {
        let mut fewer = parse(best);
        fewer.nodes_mut().retain(|node| !speaks_of(node, &name) || is_expectation(node));
        attempt_fewer(&fewer, best, trial);
    }
}

fn speaks_of(node: &KdlNode, name: &str) -> bool {
    node.entries().iter().any(|entry| entry.value().as_string() == Some(name))
}

fn is_expectation(node: &KdlNode) -> bool {
    matches!(node.name().value(), "scenario" | "expect" | "explore")
}

/// Leaves out nodes, at the top and between braces, the last first.
fn nodes(best: &mut String, trial: &mut Trial) {
    let mut place = paths(&parse(best)).len();
    while place > 0 {
        place -= 1;
        let mut fewer = parse(best);
        let Some(path) = paths(&fewer).get(place).cloned() else { continue };
        remove(&mut fewer, &path);
        attempt_fewer(&fewer, best, trial);
    }
}

/// The way to every node that may be left out: a place for each level.
fn paths(document: &KdlDocument) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for (place, node) in document.nodes().iter().enumerate() {
        if !KEPT.contains(&node.name().value()) {
            all.push(vec![place]);
        }
        if !is_expectation(node)
            && let Some(inside) = node.children()
        {
            let below = paths(inside).into_iter();
            all.extend(below.map(|path| [vec![place], path].concat()));
        }
    }
    all
}

fn remove(document: &mut KdlDocument, path: &[usize]) {
    match path {
        [] => {}
        [last] => {
            document.nodes_mut().remove(*last);
        }
        [first, rest @ ..] => {
            let node = document.nodes_mut().get_mut(*first);
            if let Some(inside) = node.and_then(|node| node.children_mut().as_mut()) {
                remove(inside, rest);
            }
        }
    }
}

/// Makes numbers smaller and times rounder.
fn numbers(best: &mut String, trial: &mut Trial) {
    let mut place = 0;
    while let Some(value) = value_at(best, place) {
        let found = simpler(&value).into_iter().any(|simpler| {
            let mut document = parse(best);
            let mut change = |entry: &mut KdlEntry| {
                entry.set_value(simpler.clone());
                entry.clear_format();
                entry.autoformat();
            };
            visit(&mut document, &mut place.clone(), &mut change);
            attempt(&document, best, trial)
        });
        place += usize::from(!found);
    }
}

/// The value that stands at a place among all that may be changed.
fn value_at(text: &str, place: usize) -> Option<KdlValue> {
    let mut value = None;
    let mut look = |entry: &mut KdlEntry| value = Some(entry.value().clone());
    visit(&mut parse(text), &mut place.clone(), &mut look);
    value
}

/// Shows the entry at a place among all that may be changed; true once it was found.
fn visit(
    document: &mut KdlDocument,
    place: &mut usize,
    look: &mut impl FnMut(&mut KdlEntry),
) -> bool {
    for node in document.nodes_mut() {
        if is_expectation(node) || node.name().value() == "seed" {
            continue;
        }
        for entry in node.entries_mut() {
            if entry.name().is_some_and(|name| NAMES.contains(&name.value())) {
                continue;
            }
            if *place == 0 {
                look(entry);
                return true;
            }
            *place -= 1;
        }
        if let Some(inside) = node.children_mut()
            && visit(inside, place, look)
        {
            return true;
        }
    }
    false
}

/// Simpler values in place of one, the simplest first.
fn simpler(value: &KdlValue) -> Vec<KdlValue> {
    match value {
        KdlValue::Integer(number) if *number > 1 => {
            let digits = 10_i128.pow(number.ilog10());
            let less = [1, number / 10, number / 2, number / digits * digits, number / 4 * 3];
            let smaller = less.into_iter().filter(|less| less < number && *less > 0);
            smaller.map(KdlValue::Integer).collect()
        }
        KdlValue::String(text) => match twomsl_scenario::duration(text) {
            Some(time) => rounder(time, text),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Rounder times: those that are written with fewer characters.
fn rounder(time: Duration, text: &str) -> Vec<KdlValue> {
    let units = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 1_000];
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let rounded = units.into_iter().map(|unit: u64| (nanos + unit / 2) / unit * unit);
    let written = rounded.filter(|nanos| *nanos > 0).map(written);
    written.filter(|round| round.len() < text.len()).map(KdlValue::String).collect()
}

/// A time with the unit that suits it.
fn written(nanos: u64) -> String {
    match nanos {
        _ if nanos.is_multiple_of(1_000_000_000) => format!("{}s", nanos / 1_000_000_000),
        _ if nanos < 1_000_000_000 && nanos.is_multiple_of(1_000_000) => {
            format!("{}ms", nanos / 1_000_000)
        }
        _ => format!("{}s", Instant::from_nanos(nanos)),
    }
}
