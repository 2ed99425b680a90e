//! What chance did, as explicit faults, and as few of them as possible.

use std::collections::BTreeMap;

use kdl::{KdlDocument, KdlNode};
use twomsl_scenario::Scenario;
use twomsl_tcp::Instant;
use twomsl_trace::{Decider, Event, Fate, PacketId, Trace};

use super::trial::Trial;
use super::{Best, smaller};
use crate::fault::{Befalls, Fault};
use crate::plain::plain;

/// What links do by chance.
pub(super) const ALL: &[&str] =
    &["jitter", "distribution", "loss", "duplicate", "reorder", "corrupt", "mark"];

/// The same but for what makes every packet late, each by another time: as a fault of each packet it
/// would be no story. It is tried later to do without.
const BUT_JITTER: &[&str] = &["loss", "duplicate", "reorder", "corrupt", "mark"];

/// Puts the scenario with as few faults as possible in place of what chance did; leaves it as it is if
/// that does not fail as it does.
pub(super) fn smallest(best: &mut Best, trial: &mut Trial) {
    let Ok(scenario) = Scenario::parse(super::NAME, &best.text) else { return };
    let Ok(outcome) = scenario.run() else { return };
    let hosts: Vec<String> = scenario.spec().hosts.into_iter().map(|host| host.name).collect();
    let faults = faults(&outcome.trace);
    let nodes: Vec<String> = faults.iter().map(|fault| fault.node(&hosts)).collect();
    for chance in [ALL, BUT_JITTER] {
        let Some(base) = base(best, chance, trial) else { return };
        let text = |nodes: &[String]| with_nodes(&base, nodes);
        let ids = best.ids.clone();
        if trial.attempt(best, text(&nodes), ids) || nodes.is_empty() {
            fewer(best, nodes, &text, trial);
            return;
        }
    }
}

/// Leaves out faults: many at a time first, then one by one, until none can be spared.
fn fewer(
    best: &mut Best,
    mut nodes: Vec<String>,
    text: &impl Fn(&[String]) -> String,
    trial: &mut Trial,
) {
    let mut size = nodes.len().div_ceil(2);
    while size > 0 {
        let mut place = 0;
        let before = nodes.len();
        while place < nodes.len() {
            let mut fewer = nodes.clone();
            fewer.drain(place..(place + size).min(nodes.len()));
            let ids = best.ids.clone();
            if trial.attempt(best, text(&fewer), ids) {
                nodes = fewer;
            } else {
                place += size;
            }
        }
        size = if size == 1 && nodes.len() == before { 0 } else { (size / 2).max(1) };
    }
}

/// The scenario without chance. What was lost by chance is lost by a fault now, so what is expected of
/// losses is expected of faults; where the file has faults of its own that cannot be told apart, and
/// is not asked for any more.
fn base(best: &Best, chance: &[&str], trial: &mut Trial) -> Option<KdlDocument> {
    let mut document: KdlDocument = best.text.parse().ok()?;
    without_chance(&mut document, chance);
    let own = document.nodes().iter().any(|node| node.name().value() == "fault");
    for (place, node) in smaller::expectations(&mut document).into_iter().enumerate() {
        if node.name().value() != "drops" {
            continue;
        }
        let Some(by) = node.entry_mut("by") else { continue };
        if !by.value().as_string().is_some_and(|by| ALL.contains(&by)) {
            continue;
        }
        if own {
            trial.excuse(*best.ids.get(place)?);
        } else {
            by.set_value("fault");
            by.clear_format();
            by.autoformat();
        }
    }
    Some(document)
}

/// Nodes behind what is there.
fn with_nodes(base: &KdlDocument, nodes: &[String]) -> String {
    let mut text = base.to_string();
    for node in nodes {
        text.push_str(node);
        text.push('\n');
    }
    let Ok(mut document) = text.parse::<KdlDocument>() else { return text };
    // What is expected stands at the end.
    let (mut first, last): (Vec<_>, Vec<_>) = std::mem::take(document.nodes_mut())
        .into_iter()
        .partition(|node| !matches!(node.name().value(), "expect" | "explore"));
    first.extend(last);
    *document.nodes_mut() = first;
    plain(&mut document, 0);
    document.to_string()
}

/// Links do these things by chance no more.
pub(super) fn without_chance(document: &mut KdlDocument, chance: &[&str]) {
    let links = document.nodes_mut().iter_mut();
    links.filter(|node| node.name().value() == "link").for_each(|link| calm(link, chance));
}

fn calm(link: &mut KdlNode, chance: &[&str]) {
    link.entries_mut()
        .retain(|entry| entry.name().is_none_or(|name| !chance.contains(&name.value())));
    if let Some(inside) = link.children_mut() {
        inside.nodes_mut().retain(|node| node.name().value() != "gilbert-elliott");
        inside.nodes_mut().iter_mut().for_each(|node| calm(node, chance));
    }
}

/// What is known of a packet.
#[derive(Clone, Copy, Debug, Default)]
struct Packet {
    from: usize,
    nth: u32,
    /// When it arrives.
    at: Option<Instant>,
    /// What befell it by chance: it was lost, damaged, kept back or overtaken.
    lost: bool,
    corrupted: bool,
    late: bool,
    copy: Option<PacketId>,
}

/// What chance did to packets that hosts sent, as faults: one for each packet, since a packet has one
/// fate.
fn faults(trace: &Trace) -> Vec<Fault> {
    let mut packets: BTreeMap<PacketId, Packet> = BTreeMap::new();
    let mut sent: BTreeMap<usize, u32> = BTreeMap::new();
    // In the order in which they were sent.
    let mut order: Vec<PacketId> = Vec::new();
    for record in &trace.records {
        match &record.event {
            Event::Sent { packet, host, .. } => {
                let from = usize::from(host.0);
                let nth = sent.entry(from).or_default();
                *nth += 1;
                packets.insert(*packet, Packet { from, nth: *nth, ..Packet::default() });
                order.push(*packet);
            }
            Event::Fate { packet, fate, by } => {
                let chance = matches!(by, Decider::Impairment(name) if ALL.contains(name));
                let Some(found) = packets.get_mut(packet) else { continue };
                match fate {
                    Fate::Dropped => found.lost = chance,
                    Fate::Corrupted => found.corrupted |= chance,
                    Fate::Delivered { at } => (found.at, found.late) = (Some(*at), chance),
                    Fate::Duplicated { copy } if chance => {
                        found.copy = Some(*copy);
                        packets.insert(*copy, Packet::default());
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let fault = |id: &PacketId| {
        let packet = packets.get(id)?;
        let copy = packet.copy.and_then(|copy| packets.get(&copy)?.at);
        let Packet { from, nth, .. } = *packet;
        Some(Fault::Packet { from, nth, befalls: packet.befell(copy)? })
    };
    order.iter().filter_map(fault).collect()
}

impl Packet {
    /// What befell it by chance, if its copy arrived then.
    fn befell(&self, copy: Option<Instant>) -> Option<Befalls> {
        match (self.at, copy) {
            // The copy was as good as the original.
            (None, Some(copy)) if self.lost => Some(Befalls::Late(copy)),
            _ if self.lost => Some(Befalls::Dropped),
            _ if self.corrupted => Some(Befalls::Corrupted),
            (Some(at), Some(copy)) if copy >= at => Some(Befalls::Duplicated(copy.since(at))),
            (Some(at), _) if self.late => Some(Befalls::Late(at)),
            _ => None,
        }
    }
}
