//! Which events connections met in which states.

use std::collections::{BTreeMap, BTreeSet};

use twomsl_tcp::wire::{Body, Flags, Packet};
use twomsl_tcp::{TcpState, TimerChange};
use twomsl_trace::{Event, Fate, PacketId, Record, SocketRef};

/// Which events connections met in which states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// State and event, each by its name.
    reached: BTreeSet<(TcpState, &'static str)>,
}

/// The kinds of segment; what else there is are timers, by their names.
pub const SEGMENTS: [&str; 8] = ["SYN", "SYN,ACK", "ACK", "text", "FIN", "RST", "damaged", "ICMP"];

impl Coverage {
    /// That of one run.
    pub fn of(records: &[Record]) -> Self {
        let mut run = Run::default();
        for record in records {
            run.note(record);
        }
        run.coverage
    }

    /// Together with another one.
    pub fn add(&mut self, other: Self) {
        self.reached.extend(other.reached);
    }

    /// Whether an event was met in a state.
    pub fn has(&self, state: TcpState, event: &str) -> bool {
        self.reached.iter().any(|(of, name)| *of == state && *name == event)
    }

    /// The events that were met at all: segments first, then timers.
    pub fn events(&self) -> Vec<&'static str> {
        let met: BTreeSet<&'static str> = self.reached.iter().map(|(_, event)| *event).collect();
        let segments = SEGMENTS.into_iter().filter(|event| met.contains(event));
        let timers = met.iter().copied().filter(|event| !SEGMENTS.contains(event));
        segments.chain(timers).collect()
    }

    /// How many pairs of state and event were reached.
    pub fn len(&self) -> usize {
        self.reached.len()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }
}

/// One run, as far as it is.
#[derive(Debug, Default)]
struct Run {
    coverage: Coverage,
    states: BTreeMap<SocketRef, TcpState>,
    /// What is on its way.
    packets: BTreeMap<PacketId, &'static str>,
}

impl Run {
    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Sent { packet, content, .. } | Event::Injected { packet, content, .. } => {
                self.packets.insert(*packet, kind(content));
            }
            Event::Fate { packet, fate: Fate::Duplicated { copy }, .. } => {
                if let Some(kind) = self.packets.get(packet).copied() {
                    self.packets.insert(*copy, kind);
                }
            }
            Event::Fate { packet, fate: Fate::Corrupted, .. } => {
                self.packets.insert(*packet, "damaged");
            }
            Event::Arrived { packet, socket, .. } => {
                if let Some(kind) = self.packets.remove(packet) {
                    self.reach(*socket, kind);
                }
            }
            Event::State { socket, change } => {
                self.states.insert(*socket, change.to);
            }
            Event::Timer { socket, timer, change: TimerChange::Fired } => {
                self.reach(Some(*socket), timer.name());
            }
            _ => {}
        }
    }

    /// A socket that nobody knows yet is one that a listener has just made.
    fn reach(&mut self, socket: Option<SocketRef>, event: &'static str) {
        let known = |socket| self.states.get(&socket).copied().unwrap_or(TcpState::Listen);
        let state = socket.map_or(TcpState::Closed, known);
        self.coverage.reached.insert((state, event));
    }
}

fn kind(packet: &Packet) -> &'static str {
    let Body::Tcp(segment) = &packet.body else { return "ICMP" };
    match segment.flags {
        flags if flags.contains(Flags::RST) => "RST",
        flags if flags.contains(Flags::SYN | Flags::ACK) => "SYN,ACK",
        flags if flags.contains(Flags::SYN) => "SYN",
        flags if flags.contains(Flags::FIN) => "FIN",
        _ if !segment.payload.is_empty() => "text",
        _ => "ACK",
    }
}
