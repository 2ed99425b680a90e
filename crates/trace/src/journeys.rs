//! What became of each packet: sending, fates and arrival, brought together by its number.

use std::collections::BTreeMap;

use twomsl_tcp::wire::Packet;
use twomsl_tcp::{Instant, SendReason, Verdict};

use crate::model::{Decider, Event, Fate, HostId, PacketId, Record, Trace};

/// Packets later than the fastest of their direction by this much get an arrival of their own
/// in a ladder, whatever kept them: 200 ms, after which Linux would send them again.
const LATE: u64 = 200_000_000;

/// The journeys of all packets of a trace.
#[derive(Clone, Debug, Default)]
pub struct Journeys<'a> {
    packets: BTreeMap<PacketId, Journey<'a>>,
}

/// One packet's way through the network.
#[derive(Clone, Debug)]
pub struct Journey<'a> {
    /// The index of the record at which it came into being.
    pub record: usize,
    /// When it came into being.
    pub at: Instant,
    /// How it came into being.
    pub origin: Origin,
    /// The host it comes from, or pretends to come from.
    pub from: Option<HostId>,
    /// As it was sent.
    pub content: &'a Packet,
    /// As it became on the way, if something changed it.
    pub rewritten: Option<&'a Packet>,
    /// What befell it, in order, with the time at which it was written down.
    pub fates: Vec<(Instant, &'a Fate, &'a Decider)>,
    /// Its arrival, if it arrived.
    pub arrival: Option<Arrival>,
    /// Whether one that was sent later in the same direction arrived earlier.
    pub order: Order,
}

/// How a packet came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A host sent it.
    Sent(SendReason),
    /// No host did: it was forged, or comes from a middlebox or the network.
    Injected,
    /// The network copied another packet.
    Copy(PacketId),
}

/// The end of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The index of its record.
    pub record: usize,
    /// When.
    pub at: Instant,
    /// Where.
    pub host: HostId,
    /// What the host made of it.
    pub verdict: Verdict,
}

/// The place of a packet among those of its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// None that was sent later came earlier.
    Kept,
    /// One did.
    Overtaken,
    /// It travelled for 200 ms more than the fastest.
    Late,
}

impl<'a> Journeys<'a> {
    /// Follows all packets of a trace.
    pub fn of(trace: &'a Trace) -> Self {
        let mut journeys = Self::default();
        for (index, record) in trace.records.iter().enumerate() {
            journeys.record(index, record);
        }
        journeys.find_order();
        journeys
    }

    /// One packet's journey.
    pub fn get(&self, packet: PacketId) -> Option<&Journey<'a>> {
        self.packets.get(&packet)
    }

    /// All journeys in the order of the packets' numbers.
    pub fn iter(&self) -> impl Iterator<Item = (PacketId, &Journey<'a>)> {
        self.packets.iter().map(|(packet, journey)| (*packet, journey))
    }

    /// When what a journey carries was sent: copies are as old as what they were made from.
    pub fn sending_time(&self, journey: &Journey<'_>) -> Instant {
        match journey.origin {
            Origin::Copy(of) => self.get(of).map_or(journey.at, |of| of.at),
            Origin::Sent(_) | Origin::Injected => journey.at,
        }
    }

    /// Fates come after the sending and before the arrival, so one pass suffices.
    fn record(&mut self, index: usize, record: &'a Record) {
        match &record.event {
            Event::Sent { packet, host, reason, content, .. } => {
                let origin = Origin::Sent(*reason);
                self.begin(*packet, journey(index, record.at, origin, Some(*host), content));
            }
            Event::Injected { packet, from, content, .. } => {
                self.begin(*packet, journey(index, record.at, Origin::Injected, *from, content));
            }
            Event::Fate { packet, fate, by } => self.fate(index, record.at, *packet, fate, by),
            Event::Arrived { packet, host, verdict, .. } => {
                if let Some(journey) = self.packets.get_mut(packet) {
                    let (host, verdict) = (*host, *verdict);
                    let arrival = Arrival { record: index, at: record.at, host, verdict };
                    journey.arrival = Some(arrival);
                }
            }
            _ => {}
        }
    }

    /// Numbers are never used twice; if they were, the later packet would be the one meant.
    fn begin(&mut self, packet: PacketId, journey: Journey<'a>) {
        self.packets.insert(packet, journey);
    }

    /// A copy sets out as what its original is at that moment.
    fn fate(
        &mut self,
        index: usize,
        at: Instant,
        packet: PacketId,
        fate: &'a Fate,
        by: &'a Decider,
    ) {
        let Some(parent) = self.packets.get_mut(&packet) else { return };
        parent.fates.push((at, fate, by));
        match fate {
            Fate::Rewritten { content } => parent.rewritten = Some(content),
            Fate::Duplicated { copy } => {
                let content = parent.rewritten.unwrap_or(parent.content);
                let from = parent.from;
                let origin = Origin::Copy(packet);
                self.begin(*copy, journey(index, at, origin, from, content));
            }
            _ => {}
        }
    }

    /// Walks the arrivals of each direction in order: one that was sent before another that
    /// has already arrived was overtaken.
    fn find_order(&mut self) {
        let mut arrivals: Vec<_> = self
            .packets
            .iter()
            .filter(|(_, journey)| matches!(journey.origin, Origin::Sent(_)))
            .filter_map(|(packet, journey)| Some((journey.arrival?.record, *packet)))
            .collect();
        arrivals.sort_unstable();
        let fastest = self.fastest();
        let mut newest: BTreeMap<(Option<HostId>, HostId), usize> = BTreeMap::new();
        for (_, packet) in arrivals {
            let Some(journey) = self.packets.get_mut(&packet) else { continue };
            let Some((direction, travel)) = journey.travel() else { continue };
            let newest = newest.entry(direction).or_default();
            if journey.record < *newest {
                journey.order = Order::Overtaken;
            } else if travel >= fastest.get(&direction).copied().unwrap_or(0) + LATE {
                journey.order = Order::Late;
            }
            *newest = journey.record.max(*newest);
        }
    }

    /// The shortest travel of each direction, in nanoseconds.
    fn fastest(&self) -> BTreeMap<(Option<HostId>, HostId), u64> {
        let mut fastest = BTreeMap::new();
        for (direction, travel) in self.packets.values().filter_map(Journey::travel) {
            let shortest = fastest.entry(direction).or_insert(travel);
            *shortest = travel.min(*shortest);
        }
        fastest
    }
}

impl Journey<'_> {
    /// Where it went, and how long that took in nanoseconds.
    fn travel(&self) -> Option<((Option<HostId>, HostId), u64)> {
        let arrival = self.arrival?;
        Some(((self.from, arrival.host), arrival.at.as_nanos().saturating_sub(self.at.as_nanos())))
    }

    /// Who dropped it and when, if it was dropped.
    pub fn dropped(&self) -> Option<(Instant, &Decider)> {
        self.fates.iter().find(|(_, fate, _)| **fate == Fate::Dropped).map(|(at, _, by)| (*at, *by))
    }

    /// Who kept it back on purpose, if somebody did. Jitter keeps nothing back: it is how
    /// long that link takes.
    pub fn kept_back(&self) -> Option<&Decider> {
        let kept = |(_, fate, by): &&(Instant, &Fate, &Decider)| {
            matches!(fate, Fate::Held | Fate::Delayed) && !matches!(by, Decider::Impairment(_))
        };
        self.fates.iter().find(kept).map(|(_, _, by)| *by)
    }

    /// Whether it arrived, and not in the plain way, so that a reader must see it land: a copy,
    /// a packet that was kept back or overtaken, or one that is much later than the others.
    pub fn lands_visibly(&self) -> bool {
        let copied = matches!(self.origin, Origin::Copy(_));
        let late = self.order != Order::Kept || self.kept_back().is_some();
        self.arrival.is_some() && (copied || late)
    }

    /// When it should arrive, if that was decided.
    pub fn delivery(&self) -> Option<Instant> {
        self.fates.iter().rev().find_map(|(_, fate, _)| match fate {
            Fate::Delivered { at } => Some(*at),
            _ => None,
        })
    }

    /// What it was when it arrived.
    pub fn final_content(&self) -> &Packet {
        self.rewritten.unwrap_or(self.content)
    }
}

/// A journey at its beginning.
fn journey(
    record: usize,
    at: Instant,
    origin: Origin,
    from: Option<HostId>,
    content: &Packet,
) -> Journey<'_> {
    let (rewritten, fates, arrival) = (None, Vec::new(), None);
    Journey { record, at, origin, from, content, rewritten, fates, arrival, order: Order::Kept }
}
