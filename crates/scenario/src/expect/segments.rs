//! Expectations about segments on the network.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use twomsl_sim::spec::Acks;
use twomsl_tcp::wire::{Flags, Packet, Segment, SeqNum};
use twomsl_tcp::{Instant, SendReason};
use twomsl_trace::{Decider, Event, Fate, HostId, PacketId, Record};

use super::facts::Facts;
use super::states::Held;
use super::{DropsWanted, PayloadWanted, SegmentsWanted};

/// How many segments a message lists.
const SHOWN: usize = 12;

/// A segment that a host sent.
pub(super) struct Sent<'a> {
    at: Instant,
    host: HostId,
    reason: SendReason,
    packet: &'a Packet,
    segment: &'a Segment,
    acks: Acknowledged,
}

/// What a segment acknowledges of its peer's sequence space.
#[derive(Clone, Copy, Debug, Default)]
struct Acknowledged {
    syn_only: bool,
    fin: bool,
    /// Octets of text.
    text: Option<u32>,
}

/// How many segments match, and when they were sent.
pub(super) fn segments(wanted: &SegmentsWanted, facts: &Facts<'_>) -> Held {
    let sent = sent(facts);
    let hosts = facts.trace.about.hosts.iter().map(|host| host.addresses.as_slice());
    let addresses: Vec<&[IpAddr]> = hosts.collect();
    let fits = |sent: &&Sent<'_>| fits(wanted, sent, &addresses);
    let found: Vec<&Sent<'_>> = sent.iter().filter(fits).collect();
    let times = found.iter().map(|sent| sent.at);
    let on_time = wanted.times.as_ref().is_none_or(|wanted| times.eq(wanted.iter().copied()));
    if wanted.counts.hold(found.len()) && on_time { Ok(()) } else { Err(describe(&found)) }
}

/// Every segment that a host sent, with what it acknowledged at that time. Forged ones and the
/// copies that the network makes were not sent by anybody.
fn sent<'a>(facts: &Facts<'a>) -> Vec<Sent<'a>> {
    let mut spaces = Spaces::default();
    facts.trace.records.iter().filter_map(|record| spaces.sent(record)).collect()
}

/// The sequence spaces of all directions: where each begins and, after a FIN, ends.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Spaces(BTreeMap<(SocketAddr, SocketAddr), Space>);

#[derive(Clone, Copy, Debug, Hash)]
struct Space {
    iss: SeqNum,
    end: Option<SeqNum>,
}

impl Spaces {
    /// The segment that a record says was sent, and what it acknowledged at that time.
    pub(super) fn sent<'a>(&mut self, record: &'a Record) -> Option<Sent<'a>> {
        let Event::Sent { host, reason, content, .. } = &record.event else { return None };
        let segment = content.segment()?;
        let acks = self.note(content, segment);
        let (at, host, reason) = (record.at, *host, *reason);
        Some(Sent { at, host, reason, packet: content, segment, acks })
    }

    /// Learns from a segment, and says what it acknowledges.
    fn note(&mut self, packet: &Packet, segment: &Segment) -> Acknowledged {
        let from = SocketAddr::new(packet.src, segment.src_port);
        let to = SocketAddr::new(packet.dst, segment.dst_port);
        if segment.has(Flags::SYN) {
            // The same SYN again changes nothing; another one is another incarnation.
            let space = self.0.get(&(from, to)).filter(|space| space.iss == segment.seq);
            let space = space.copied().unwrap_or(Space { iss: segment.seq, end: None });
            self.0.insert((from, to), space);
        }
        if let Some(space) = self.0.get_mut(&(from, to)).filter(|_| segment.has(Flags::FIN)) {
            space.end = Some(segment.seq_end());
        }
        let peer = self.0.get(&(to, from)).filter(|_| segment.has(Flags::ACK));
        peer.map_or_else(Acknowledged::default, |space| space.acknowledged(segment.ack))
    }
}

impl Space {
    fn acknowledged(self, ack: SeqNum) -> Acknowledged {
        // The SYN occupies one number (RFC 9293 §3.4).
        // Modulo 2^32: a stream beyond 2 GiB cannot be told from an old acknowledgment (§3.4).
        let text = ack.offset_from(self.iss + 1);
        let fin = self.end == Some(ack);
        let text = u32::try_from(text).ok().map(|text| text - u32::from(fin && text > 0));
        Acknowledged { syn_only: text == Some(0) && !fin, fin, text }
    }
}

/// All that is given must be so. Flags are a minimum, as in fault rules: `SYN` is also in `SYN,ACK`.
pub(super) fn fits(
    wanted: &SegmentsWanted,
    sent: &Sent<'_>,
    addresses: &[impl AsRef<[IpAddr]>],
) -> bool {
    let to = |host: usize| {
        let host = addresses.get(host);
        host.is_some_and(|host| host.as_ref().contains(&sent.packet.dst))
    };
    wanted.from.is_none_or(|host| sent.host == HostId(host as u16))
        && wanted.to.is_none_or(to)
        && sent.segment.has(wanted.flags)
        && !sent.segment.flags.intersects(wanted.without)
        && wanted.acks.is_none_or(|acks| sent.acks.are(acks))
        && wanted.payload.as_ref().is_none_or(|payload| payload.is(sent.segment))
        && wanted.src_port.is_none_or(|port| port == sent.segment.src_port)
        && wanted.dst_port.is_none_or(|port| port == sent.segment.dst_port)
        && wanted.retransmission.is_none_or(|again| again == sent.reason.is_repetition())
        && wanted.reason.is_none_or(|reason| reason == sent.reason)
        && wanted.since.is_none_or(|since| sent.at >= since)
        && wanted.before.is_none_or(|before| sent.at < before)
}

impl Acknowledged {
    fn are(self, wanted: Acks) -> bool {
        match wanted {
            Acks::Syn => self.syn_only,
            Acks::Fin => self.fin,
            Acks::Text(octets) => self.text.is_some_and(|text| text >= octets),
        }
    }
}

impl PayloadWanted {
    fn is(&self, segment: &Segment) -> bool {
        match self {
            Self::Empty => segment.payload.is_empty(),
            Self::Some => !segment.payload.is_empty(),
            Self::Octets(octets) => segment.payload == *octets,
            Self::Length(length) => segment.payload.len() as u64 == *length,
        }
    }
}

fn describe(found: &[&Sent<'_>]) -> String {
    let one = |sent: &&Sent<'_>| {
        let octets = sent.segment.payload.len();
        let text = if octets > 0 { format!(" {octets} octets") } else { String::new() };
        format!("{} {}{text}", sent.at, sent.segment.flags)
    };
    let shown: Vec<String> = found.iter().take(SHOWN).map(one).collect();
    match found.len() {
        0 => "no such segment was sent".to_owned(),
        number if number > SHOWN => format!("{number}: {}, …", shown.join("; ")),
        number => format!("{number}: {}", shown.join("; ")),
    }
}

/// How many packets were dropped, by whom.
pub(super) fn drops(wanted: &DropsWanted, facts: &Facts<'_>) -> Held {
    let senders = senders(facts);
    let from = |packet: &PacketId| senders.get(packet).copied();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    for record in &facts.trace.records {
        let Event::Fate { packet, fate: Fate::Dropped, by } = &record.event else { continue };
        if wanted.from.is_none_or(|host| from(packet) == Some(HostId(host as u16))) {
            *tally.entry(name_of(by)).or_default() += 1;
        }
    }
    let fits = |name: &str| {
        wanted.by.as_ref().is_none_or(|by| {
            name == by || name.strip_prefix(by.as_str()).is_some_and(|rest| rest.starts_with(' '))
        })
    };
    let count = tally.iter().filter(|(name, _)| fits(name)).map(|(_, count)| count).sum();
    if wanted.counts.hold(count) {
        return Ok(());
    }
    let tally: Vec<String> =
        tally.iter().map(|(name, count)| format!("{count} by {name}")).collect();
    let all = if tally.is_empty() { "nothing was dropped".to_owned() } else { tally.join(", ") };
    Err(format!("{count}; {all}"))
}

/// Who sent each packet; a copy that the network made counts as its original's sender's.
fn senders(facts: &Facts<'_>) -> BTreeMap<PacketId, HostId> {
    let mut senders = BTreeMap::new();
    for record in &facts.trace.records {
        match &record.event {
            Event::Sent { packet, host, .. } => {
                senders.insert(*packet, *host);
            }
            Event::Fate { packet, fate: Fate::Duplicated { copy }, .. } => {
                if let Some(host) = senders.get(packet).copied() {
                    senders.insert(*copy, host);
                }
            }
            _ => {}
        }
    }
    senders
}

/// Who decided, as `drops by=` names it.
fn name_of(by: &Decider) -> String {
    match by {
        Decider::Link => "link".to_owned(),
        Decider::Rule { number, .. } => format!("fault {number}"),
        Decider::Impairment(name) => (*name).to_owned(),
        Decider::Middlebox(_) => "middlebox".to_owned(),
        Decider::Down => "down".to_owned(),
        Decider::NoRoute => "no-route".to_owned(),
        Decider::Carrier => "carrier".to_owned(),
    }
}
