//! Faults in words: not what befalls the seventh packet of a host, but what befalls its first FIN. That
//! is how people write them, and it stays true when there are fewer packets.

use kdl::{KdlDocument, KdlEntry, KdlNode};
use twomsl_scenario::Scenario;
use twomsl_tcp::wire::{Flags, Segment};
use twomsl_trace::{Event, Trace};

use super::Best;
use super::trial::Trial;

/// Says of each fault of a packet by its number which packet that is, if it can be said.
pub(super) fn name(best: &mut Best, trial: &mut Trial) {
    let mut place = 0;
    loop {
        let Ok(document) = best.text.parse::<KdlDocument>() else { return };
        let faults = document.nodes().iter().enumerate();
        let mut numbered = faults.filter(|(_, node)| node.entry("packet").is_some());
        let Some((at, node)) = numbered.nth(place) else { return };
        let named = renamed(best, node).is_some_and(|node| {
            let mut document = document.clone();
            document.nodes_mut()[at] = node;
            let ids = best.ids.clone();
            trial.attempt(best, document.to_string(), ids)
        });
        place += usize::from(!named);
    }
}

/// The fault with a description in place of the number.
fn renamed(best: &Best, fault: &KdlNode) -> Option<KdlNode> {
    let scenario = Scenario::parse(super::NAME, &best.text).ok()?;
    let spec = scenario.spec();
    let from = fault.get("from")?.as_string()?;
    let host = spec.hosts.iter().position(|host| host.name == from)?;
    let number = usize::try_from(fault.get("packet")?.as_integer()?).ok()?;
    let outcome = scenario.run().ok()?;
    let sent = sent(&outcome.trace, host);
    let segment = sent.get(number.checked_sub(1)?)?.as_ref()?;
    let kind = Kind::of(segment);
    let alike = sent.iter().take(number).flatten().filter(|other| kind.fits(other)).count();
    let mut named = fault.clone();
    named.entries_mut().retain(|entry| entry.name().is_none_or(|name| name.value() != "packet"));
    for mut entry in kind.entries() {
        entry.autoformat();
        named.entries_mut().push(entry);
    }
    let mut nth = KdlEntry::new_prop("nth", i128::try_from(alike).ok()?);
    nth.autoformat();
    // `nth` in front, as in the reference of the language.
    named.entries_mut().insert(1, nth);
    Some(named)
}

/// What a host sent, in order: segments, and other packets.
fn sent(trace: &Trace, host: usize) -> Vec<Option<Segment>> {
    let packets = trace.records.iter().filter_map(|record| match &record.event {
        Event::Sent { host: from, content, .. } if usize::from(from.0) == host => {
            Some(content.segment().cloned())
        }
        _ => None,
    });
    packets.collect()
}

/// What people call a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One with this flag, which is rare.
    Flag(&'static str, Flags),
    /// One with text.
    Text,
    /// A bare acknowledgment.
    Ack,
}

impl Kind {
    fn of(segment: &Segment) -> Self {
        let flags = [("SYN", Flags::SYN), ("FIN", Flags::FIN), ("RST", Flags::RST)];
        let rare = flags.into_iter().find(|(_, flag)| segment.has(*flag));
        match rare {
            Some((name, flag)) => Self::Flag(name, flag),
            None if segment.payload.is_empty() => Self::Ack,
            None => Self::Text,
        }
    }

    fn fits(self, segment: &Segment) -> bool {
        match self {
            Self::Flag(_, flag) => segment.has(flag),
            // `payload=#true` is also true of a FIN with text.
            Self::Text => !segment.payload.is_empty(),
            Self::Ack => Self::of(segment) == Self::Ack,
        }
    }

    fn entries(self) -> Vec<KdlEntry> {
        match self {
            Self::Flag(name, _) => vec![KdlEntry::new_prop("flags", name)],
            Self::Text => vec![KdlEntry::new_prop("payload", true)],
            Self::Ack => {
                let others = KdlEntry::new_prop("without", "SYN,FIN,RST");
                vec![KdlEntry::new_prop("payload", false), others]
            }
        }
    }
}
