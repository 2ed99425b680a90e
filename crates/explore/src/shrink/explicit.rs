//! What chance did, as explicit faults, and as few of them as possible.

use std::collections::BTreeMap;

use kdl::{KdlDocument, KdlNode};
use twomsl_scenario::{Outcome, Scenario};
use twomsl_tcp::Instant;
use twomsl_trace::{Decider, Event, Fate, PacketId, Trace};

use super::Trial;
use crate::fault::{Befalls, Fault};

/// What links do by chance.
const BY_CHANCE: [&str; 7] =
    ["jitter", "distribution", "loss", "duplicate", "reorder", "corrupt", "mark"];

/// The scenario with as few faults as possible in place of what chance did; none if that does not
/// fail as it does.
pub(super) fn smallest(
    scenario: &Scenario,
    outcome: &Outcome,
    trial: &mut Trial,
) -> Option<String> {
    let hosts: Vec<String> = scenario.spec().hosts.into_iter().map(|host| host.name).collect();
    let faults = faults(&outcome.trace);
    let mut nodes: Vec<String> = faults.iter().map(|fault| fault.node(&hosts)).collect();
    let text = |nodes: &[String]| {
        let mut document: KdlDocument = scenario.written(nodes).parse().ok()?;
        without_chance(&mut document);
        Some(document.to_string())
    };
    if !trial.fails(&text(&nodes)?) {
        return None;
    }
    // Many at a time first, then one by one, until none can be spared.
    let mut size = nodes.len().div_ceil(2);
    while size > 0 {
        let mut place = 0;
        let before = nodes.len();
        while place < nodes.len() {
            let mut fewer = nodes.clone();
            fewer.drain(place..(place + size).min(nodes.len()));
            match text(&fewer) {
                Some(text) if trial.fails(&text) => nodes = fewer,
                _ => place += size,
            }
        }
        size = if size == 1 && nodes.len() == before { 0 } else { (size / 2).max(1) };
    }
    text(&nodes)
}

/// Links do nothing by chance any more.
pub(super) fn without_chance(document: &mut KdlDocument) {
    let links = document.nodes_mut().iter_mut();
    links.filter(|node| node.name().value() == "link").for_each(calm);
}

fn calm(link: &mut KdlNode) {
    link.entries_mut()
        .retain(|entry| entry.name().is_none_or(|name| !BY_CHANCE.contains(&name.value())));
    if let Some(inside) = link.children_mut() {
        inside.nodes_mut().retain(|node| node.name().value() != "gilbert-elliott");
        inside.nodes_mut().iter_mut().for_each(calm);
    }
}

/// What is known of a packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    from: usize,
    nth: u32,
    /// When it arrives.
    at: Option<Instant>,
}

/// What chance did to packets that hosts sent, as faults.
fn faults(trace: &Trace) -> Vec<Fault> {
    let mut packets: BTreeMap<PacketId, Packet> = BTreeMap::new();
    let mut sent: BTreeMap<usize, u32> = BTreeMap::new();
    let mut befell: Vec<(PacketId, Befell)> = Vec::new();
    for record in &trace.records {
        match &record.event {
            Event::Sent { packet, host, .. } => {
                let from = usize::from(host.0);
                let nth = sent.entry(from).or_default();
                *nth += 1;
                packets.insert(*packet, Packet { from, nth: *nth, at: None });
            }
            Event::Fate { packet, fate, by } => {
                let chance = matches!(by, Decider::Impairment(_));
                match fate {
                    Fate::Dropped if chance => befell.push((*packet, Befell::Dropped)),
                    Fate::Corrupted if chance => befell.push((*packet, Befell::Corrupted)),
                    Fate::Duplicated { copy } if chance => {
                        if let Some(original) = packets.get(packet).copied() {
                            packets.insert(*copy, Packet { at: None, ..original });
                        }
                        befell.push((*packet, Befell::Duplicated(*copy)));
                    }
                    Fate::Delivered { at } => {
                        if let Some(packet) = packets.get_mut(packet) {
                            packet.at = Some(*at);
                        }
                        if chance {
                            befell.push((*packet, Befell::Late(*at)));
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    befell.iter().filter_map(|(packet, befell)| befell.fault(*packet, &packets)).collect()
}

/// What befell a packet by chance.
#[derive(Clone, Copy, Debug)]
enum Befell {
    Dropped,
    Corrupted,
    Duplicated(PacketId),
    Late(Instant),
}

impl Befell {
    fn fault(self, packet: PacketId, packets: &BTreeMap<PacketId, Packet>) -> Option<Fault> {
        let Packet { from, nth, at } = *packets.get(&packet)?;
        let befalls = match self {
            Self::Dropped => Befalls::Dropped,
            Self::Corrupted => Befalls::Corrupted,
            Self::Duplicated(copy) => {
                Befalls::Duplicated(packets.get(&copy)?.at?.since(at.unwrap_or_default()))
            }
            Self::Late(at) => Befalls::Late(at),
        };
        Some(Fault::Packet { from, nth, befalls })
    }
}
