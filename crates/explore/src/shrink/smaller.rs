//! Everything else of a scenario, smaller.

use std::time::Duration;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use twomsl_tcp::Instant;

use super::trial::Trial;
use super::{Best, named, tidy};
use crate::sizes;

/// What is not touched: what the story is, and what is expected of it.
const KEPT: [&str; 6] = ["scenario", "expect", "explore", "seed", "host", "what-if"];

/// Numbers that name something.
const NAMES: [&str; 6] = ["packet", "nth", "from-port", "src-port", "dst-port", "connection"];

/// Properties without which a reader would know less, not more.
const TELLING: [&str; 4] = ["profile", "delay", "from", "bytes"];

/// Leaves out and makes smaller what can be, until nothing can.
pub(super) fn smallest(best: &mut Best, trial: &mut Trial) {
    named::name(best, trial);
    loop {
        let before = best.text.clone();
        for pass in [octets, hosts, nodes, properties, earlier, numbers] {
            pass(best, trial);
        }
        if best.text == before {
            break;
        }
    }
    named::name(best, trial);
    without_seed(best, trial);
    tidy::again(best, trial);
}

/// Tries a document in place of the best text.
fn attempt(document: &KdlDocument, best: &mut Best, trial: &mut Trial) -> bool {
    let ids = best.ids.clone();
    trial.attempt(best, document.to_string(), ids)
}

/// The same for a document with fewer packets: what the faults befall may have smaller numbers there.
fn attempt_fewer(
    document: &KdlDocument,
    ids: &[usize],
    best: &mut Best,
    trial: &mut Trial,
) -> bool {
    if trial.attempt(best, document.to_string(), ids.to_vec()) {
        return true;
    }
    let count = ordinals(&mut document.clone()).len();
    // With many faults, which of them is which is anybody's guess.
    if count > 3 {
        return false;
    }
    (0..count).any(|place| {
        let number = ordinals(&mut document.clone()).get(place).and_then(|one| number_of(one));
        let number = number.unwrap_or_default();
        let near = number.saturating_sub(8)..number;
        near.rev().chain(1..number.saturating_sub(8).min(8)).filter(|fewer| *fewer > 0).any(
            |fewer| {
                let mut document = document.clone();
                if let Some(entry) = ordinals(&mut document).into_iter().nth(place) {
                    set(entry, KdlValue::Integer(fewer));
                }
                trial.attempt(best, document.to_string(), ids.to_vec())
            },
        )
    })
}

/// Which packet each fault befalls: `packet=4`, `nth=2`.
fn ordinals(document: &mut KdlDocument) -> Vec<&mut KdlEntry> {
    let faults = document.nodes_mut().iter_mut().filter(|node| node.name().value() == "fault");
    let entries = faults.flat_map(|fault| fault.entries_mut().iter_mut());
    let ordinal = |entry: &&mut KdlEntry| {
        entry.name().is_some_and(|name| matches!(name.value(), "packet" | "nth"))
            && number_of(entry).is_some()
    };
    entries.filter(ordinal).collect()
}

fn number_of(entry: &KdlEntry) -> Option<i128> {
    entry.value().as_integer()
}

fn set(entry: &mut KdlEntry, value: KdlValue) {
    entry.set_value(value);
    entry.clear_format();
    entry.autoformat();
}

fn parse(best: &Best) -> KdlDocument {
    // It was parsed when it was tried.
    best.text.parse().unwrap_or_default()
}

/// All that is expected, in the order in which scenarios judge it: of the run, then of every schedule.
pub(super) fn expectations(document: &mut KdlDocument) -> Vec<&mut KdlNode> {
    let (mut run, mut always) = (Vec::new(), Vec::new());
    for node in document.nodes_mut() {
        match node.name().value() {
            "expect" => run.extend(inside(node)),
            "explore" => always.extend(inside(node).into_iter().flat_map(inside)),
            _ => {}
        }
    }
    run.extend(always);
    run
}

fn inside(node: &mut KdlNode) -> Vec<&mut KdlNode> {
    node.children_mut().as_mut().map_or(Vec::new(), |it| it.nodes_mut().iter_mut().collect())
}

/// Fewer octets are written and read, and expected.
fn octets(best: &mut Best, trial: &mut Trial) {
    for divisor in [1000, 100, 10, 2] {
        let mut fewer = parse(best);
        for size in sizes::written(&fewer).into_iter().rev() {
            resize(&mut fewer, size, (size / divisor).max(1));
        }
        let ids = best.ids.clone();
        attempt_fewer(&fewer, &ids, best, trial);
    }
    for size in sizes::written(&parse(best)) {
        let mut size = size;
        while let Some(smaller) = smaller_size(size, best, trial) {
            size = smaller;
        }
    }
}

fn smaller_size(size: u64, best: &mut Best, trial: &mut Trial) -> Option<u64> {
    let values = simpler(&KdlValue::Integer(size.into()));
    let smaller = values.iter().filter_map(|value| u64::try_from(value.as_integer()?).ok());
    smaller.into_iter().find(|smaller| {
        let mut fewer = parse(best);
        resize(&mut fewer, size, *smaller);
        let ids = best.ids.clone();
        attempt_fewer(&fewer, &ids, best, trial)
    })
}

fn resize(document: &mut KdlDocument, old: u64, new: u64) {
    sizes::replace(document, old, new);
    sizes::replace_expected(document, old, new);
}

/// Leaves out hosts with everything that speaks of them, and what is expected of them.
fn hosts(best: &mut Best, trial: &mut Trial) {
    let document = parse(best);
    let hosts = document.nodes().iter().filter(|node| node.name().value() == "host");
    let names: Vec<String> =
        hosts.filter_map(|node| Some(node.get(0)?.as_string()?.to_owned())).collect();
    for name in names {
        let mut fewer = parse(best);
        fewer.nodes_mut().retain(|node| !speaks_of(node, &name) || is_expectation(node));
        let expected = expectations(&mut fewer).into_iter().zip(&best.ids);
        let (gone, kept): (Vec<_>, Vec<_>) = expected.partition(|(node, _)| speaks_of(node, &name));
        if gone.iter().any(|(_, id)| trial.is_reason(**id)) {
            continue;
        }
        let ids: Vec<usize> = kept.into_iter().map(|(_, id)| *id).collect();
        without_expectations(&mut fewer, &|node| speaks_of(node, &name));
        attempt_fewer(&fewer, &ids, best, trial);
    }
}

fn without_expectations(document: &mut KdlDocument, gone: &impl Fn(&KdlNode) -> bool) {
    for node in document.nodes_mut() {
        let name = node.name().value().to_owned();
        match (name.as_str(), node.children_mut()) {
            ("expect", Some(inside)) => inside.nodes_mut().retain(|node| !gone(node)),
            ("explore", Some(inside)) => without_expectations(inside, gone),
            _ => {}
        }
    }
}

fn speaks_of(node: &KdlNode, name: &str) -> bool {
    node.entries().iter().any(|entry| entry.value().as_string() == Some(name))
}

fn is_expectation(node: &KdlNode) -> bool {
    matches!(node.name().value(), "scenario" | "expect" | "explore")
}

/// Leaves out nodes, at the top and between braces, the last first.
fn nodes(best: &mut Best, trial: &mut Trial) {
    let mut place = paths(&parse(best)).len();
    while place > 0 {
        place -= 1;
        let mut fewer = parse(best);
        let Some(path) = paths(&fewer).get(place).cloned() else { continue };
        remove(&mut fewer, &path);
        let ids = best.ids.clone();
        attempt_fewer(&fewer, &ids, best, trial);
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

/// Leaves out properties, and names of sockets wherever they stand.
fn properties(best: &mut Best, trial: &mut Trial) {
    let mut names: Vec<String> = Vec::new();
    let mut look = |entry: &mut KdlEntry| {
        if entry.name().is_some_and(|name| name.value() == "as") {
            names.extend(entry.value().as_string().map(ToOwned::to_owned));
        }
        false
    };
    entries(&mut parse(best), &mut look);
    for name in names {
        let mut fewer = parse(best);
        entries(&mut fewer, &mut |entry| {
            let property = entry.name().is_some_and(|it| matches!(it.value(), "as" | "on"));
            property && entry.value().as_string() == Some(&name)
        });
        attempt(&fewer, best, trial);
    }
    let mut place = 0;
    loop {
        let mut seen = 0;
        let mut found = false;
        let mut fewer = parse(best);
        entries(&mut fewer, &mut |entry| {
            let spare = entry.name().is_some_and(|name| !TELLING.contains(&name.value()));
            let it = spare && seen == place;
            seen += usize::from(spare);
            found |= it;
            it
        });
        if !found {
            return;
        }
        place += usize::from(!attempt(&fewer, best, trial));
    }
}

/// Leaves out the entries that `gone` is true for, of all nodes but faults and expectations.
fn entries(document: &mut KdlDocument, gone: &mut impl FnMut(&mut KdlEntry) -> bool) {
    for node in document.nodes_mut() {
        if is_expectation(node) || matches!(node.name().value(), "seed" | "fault") {
            continue;
        }
        node.entries_mut().retain_mut(|entry| !gone(entry));
        if let Some(inside) = node.children_mut() {
            entries(inside, gone);
        }
    }
}

/// Lets faults befall earlier packets.
fn earlier(best: &mut Best, trial: &mut Trial) {
    for place in 0..ordinals(&mut parse(best)).len() {
        let number = ordinals(&mut parse(best)).get(place).and_then(|one| number_of(one));
        let earlier = 1..number.unwrap_or_default().min(9);
        let _ = earlier.into_iter().any(|earlier| {
            let mut document = parse(best);
            if let Some(entry) = ordinals(&mut document).into_iter().nth(place) {
                set(entry, KdlValue::Integer(earlier));
            }
            attempt(&document, best, trial)
        });
    }
}

/// Where nothing is drawn, the seed says nothing.
fn without_seed(best: &mut Best, trial: &mut Trial) {
    let mut document = parse(best);
    document.nodes_mut().retain(|node| node.name().value() != "seed");
    attempt(&document, best, trial);
}

/// Makes numbers smaller and times rounder.
fn numbers(best: &mut Best, trial: &mut Trial) {
    let mut place = 0;
    while let Some(value) = value_at(best, place) {
        let found = simpler(&value).into_iter().any(|simpler| {
            let mut document = parse(best);
            let mut change = |entry: &mut KdlEntry| set(entry, simpler.clone());
            visit(&mut document, &mut place.clone(), &mut change);
            attempt(&document, best, trial)
        });
        place += usize::from(!found);
    }
}

/// The value that stands at a place among all that may be changed.
fn value_at(best: &Best, place: usize) -> Option<KdlValue> {
    let mut value = None;
    let mut look = |entry: &mut KdlEntry| value = Some(entry.value().clone());
    visit(&mut parse(best), &mut place.clone(), &mut look);
    value
}

/// Shows the entry at a place among all that may be changed; true once it was found.
fn visit(
    document: &mut KdlDocument,
    place: &mut usize,
    look: &mut impl FnMut(&mut KdlEntry),
) -> bool {
    for node in document.nodes_mut() {
        // A parameter has the value that makes the story, or none.
        if is_expectation(node) || matches!(node.name().value(), "seed" | "set") {
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
