//! Questions that expectations and tests ask of a trace.
//!
//! A [`Query`] brings a trace in order once; every answer is a plain list, and the first record
//! comes first in it.

use std::collections::BTreeMap;
use std::time::Duration;

use twomsl_tcp::wire::{Flags, Segment};
use twomsl_tcp::{
    Cause, Instant, SendReason, SocketError, StateChange, Status, TcpState, TimerChange, TimerKind,
};

use crate::connections::{Connections, Number};
use crate::journeys::{Journey, Journeys};
use crate::model::{Author, Decider, Event, Fate, HostId, PacketId, SocketRef, Trace};

/// A trace that can be asked.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    trace: &'a Trace,
    connections: Connections,
    journeys: Journeys<'a>,
}

/// The life of one socket, state by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The socket.
    pub socket: SocketRef,
    /// The connection it stands for at its end, an index into [`Connections::list`]; none for a
    /// listener.
    pub connection: Option<usize>,
    /// The state before the first change: CLOSED, or LISTEN for what a listener makes.
    pub first: TcpState,
    /// Every change in order.
    pub steps: Vec<Step>,
}

/// One change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// Into which state.
    pub to: TcpState,
    /// Why.
    pub cause: Cause,
}

/// A stay in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Whose.
    pub socket: SocketRef,
    /// The state.
    pub state: TcpState,
    /// Since when.
    pub since: Instant,
    /// Until when; none if it lasted to the end of the trace.
    pub until: Option<Instant>,
}

/// A segment that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Its number.
    pub packet: PacketId,
    /// When.
    pub at: Instant,
    /// By whom.
    pub host: HostId,
    /// Why.
    pub reason: SendReason,
    /// The segment.
    pub segment: &'a Segment,
}

/// Which segments are asked for; [`Default`] asks for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Segments {
    /// Sent by this host.
    pub from: Option<HostId>,
    /// Addressed to this host.
    pub to: Option<HostId>,
    /// With all of these flags.
    pub flags: Flags,
    /// With none of these.
    pub without: Flags,
}

/// How often something happened to timers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TimerCounts {
    /// They were set.
    pub set: u32,
    /// They were set while they ran.
    pub restarted: u32,
    /// They were stopped.
    pub stopped: u32,
    /// They ran out.
    pub fired: u32,
}

/// Something that befell a packet other than a plain delivery.
#[derive(Clone, Copy, Debug)]
pub struct Mishap<'a> {
    /// Which packet.
    pub packet: PacketId,
    /// When that was decided.
    pub at: Instant,
    /// What.
    pub fate: &'a Fate,
    /// Who decided.
    pub by: &'a Decider,
}

/// What a call of an application came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When.
    pub at: Instant,
    /// On which host.
    pub host: HostId,
    /// Which of its tasks.
    pub task: u32,
    /// The call's name.
    pub call: &'static str,
    /// Octets where there are any, or the error.
    pub result: Result<Option<u64>, SocketError>,
}

/// A socket table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table<'a> {
    /// When.
    pub at: Instant,
    /// On which host.
    pub host: HostId,
    /// Its sockets.
    pub sockets: &'a [Status],
}

impl<'a> Query<'a> {
    /// Brings a trace in order.
    pub fn new(trace: &'a Trace) -> Self {
        Self { trace, connections: Connections::of(trace), journeys: Journeys::of(trace) }
    }

    /// The connections.
    pub const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// One packet's way through the network.
    pub fn journey(&self, packet: PacketId) -> Option<&Journey<'a>> {
        self.journeys.get(packet)
    }

    /// The host of this name.
    pub fn host(&self, name: &str) -> Option<HostId> {
        let host = self.trace.about.hosts.iter().position(|host| host.name == name)?;
        u16::try_from(host).ok().map(HostId)
    }

    /// The lives of a host's sockets, in the order in which they began.
    pub fn paths(&self, host: HostId) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        // There can be as many sockets as ports: no search through all of them for each change.
        let mut known: BTreeMap<SocketRef, usize> = BTreeMap::new();
        for (at, socket, change) in self.changes().filter(|(_, socket, _)| socket.host == host) {
            let index = *known.entry(socket).or_insert_with(|| {
                let connection = self.connections.of_socket(socket, usize::MAX);
                paths.push(Path { socket, connection, first: change.from, steps: Vec::new() });
                paths.len() - 1
            });
            paths[index].steps.push(Step { at, to: change.to, cause: change.cause });
        }
        paths
    }

    /// All stays of a host's sockets in `state`, in the order in which they began.
    pub fn stays(&self, host: HostId, state: TcpState) -> Vec<Stay> {
        self.paths(host).iter().flat_map(Path::stays).filter(|stay| stay.state == state).collect()
    }

    /// Segments that hosts sent; forged ones and copies are not among them.
    pub fn segments(&self, which: Segments) -> Vec<Sent<'a>> {
        let sent = |record: &'a crate::model::Record| match &record.event {
            Event::Sent { packet, host, reason, content, .. } => {
                let segment = content.segment()?;
                let sent =
                    Sent { packet: *packet, at: record.at, host: *host, reason: *reason, segment };
                let to = self.trace.about.host_of(content.dst);
                which.matches(&sent, to).then_some(sent)
            }
            _ => None,
        };
        self.trace.records.iter().filter_map(sent).collect()
    }

    /// SEG.SEQ and SEG.ACK of a segment, counted from the ISNs as in a ladder.
    pub fn numbers(&self, packet: PacketId, segment: &Segment) -> (Number, Option<Number>) {
        (self.connections.seq(packet, segment), self.connections.ack(packet, segment))
    }

    /// What happened to a host's timers of a kind.
    pub fn timers(&self, host: HostId, kind: TimerKind) -> TimerCounts {
        let mut counts = TimerCounts::default();
        for record in &self.trace.records {
            match &record.event {
                Event::Timer { socket, timer, change } if socket.host == host && *timer == kind => {
                    counts.count(*change);
                }
                _ => {}
            }
        }
        counts
    }

    /// Everything that befell packets, plain deliveries aside.
    pub fn mishaps(&self) -> Vec<Mishap<'a>> {
        let mishap = |record: &'a crate::model::Record| match &record.event {
            Event::Fate { fate: Fate::Delivered { .. }, .. } => None,
            Event::Fate { packet, fate, by } => {
                Some(Mishap { packet: *packet, at: record.at, fate, by })
            }
            _ => None,
        };
        self.trace.records.iter().filter_map(mishap).collect()
    }

    /// The packets that were lost.
    pub fn drops(&self) -> Vec<Mishap<'a>> {
        self.mishaps().into_iter().filter(|mishap| *mishap.fate == Fate::Dropped).collect()
    }

    /// Packets that no host sent, and who made them: forged ones, resets of middleboxes, ICMP
    /// errors of the network.
    pub fn injected(&self) -> Vec<(PacketId, &'a Author)> {
        let injected = |record: &'a crate::model::Record| match &record.event {
            Event::Injected { packet, by, .. } => Some((*packet, by)),
            _ => None,
        };
        self.trace.records.iter().filter_map(injected).collect()
    }

    /// What the calls of a host's applications came to.
    pub fn outcomes(&self, host: HostId) -> Vec<Outcome> {
        let all = self.trace.records.iter().filter_map(|record| match &record.event {
            Event::Returned { host, task, call, result, .. } => {
                let (host, task, result) = (*host, *task, *result);
                Some(Outcome { at: record.at, host, task, call, result })
            }
            _ => None,
        });
        all.filter(|outcome| outcome.host == host).collect()
    }

    /// The socket tables of a host.
    pub fn tables(&self, host: HostId) -> Vec<Table<'a>> {
        let all = self.trace.records.iter().filter_map(|record| match &record.event {
            Event::Table { host, sockets } => Some(Table { at: record.at, host: *host, sockets }),
            _ => None,
        });
        all.filter(|table| table.host == host).collect()
    }

    /// Broken invariants: their numbers and what is wrong.
    pub fn violations(&self) -> Vec<(Instant, u8, &'a str)> {
        let violation = |record: &'a crate::model::Record| match &record.event {
            Event::Violation { invariant, text, .. } => {
                Some((record.at, *invariant, text.as_str()))
            }
            _ => None,
        };
        self.trace.records.iter().filter_map(violation).collect()
    }

    /// When the last record was written.
    pub fn end(&self) -> Instant {
        self.trace.records.last().map_or(Instant::ZERO, |record| record.at)
    }

    /// Every change of state on any host, in order.
    fn changes(&self) -> impl Iterator<Item = (Instant, SocketRef, StateChange)> {
        self.trace.records.iter().filter_map(|record| match &record.event {
            Event::State { socket, change } => Some((record.at, *socket, *change)),
            _ => None,
        })
    }
}

impl Path {
    /// All states of this life, the one before the first change included.
    pub fn states(&self) -> Vec<TcpState> {
        std::iter::once(self.first).chain(self.steps.iter().map(|step| step.to)).collect()
    }

    /// The state at the end of the trace.
    pub fn last(&self) -> TcpState {
        self.steps.last().map_or(self.first, |step| step.to)
    }

    /// How long each state lasted, that before the first change and CLOSED aside.
    pub fn stays(&self) -> Vec<Stay> {
        let stay = |(index, step): (usize, &Step)| Stay {
            socket: self.socket,
            state: step.to,
            since: step.at,
            until: self.steps.get(index + 1).map(|next| next.at),
        };
        let stays = self.steps.iter().enumerate().map(stay);
        stays.filter(|stay| stay.state != TcpState::Closed).collect()
    }
}

impl Stay {
    /// How long it lasted, if it is over.
    pub fn duration(&self) -> Option<Duration> {
        self.until.map(|until| until.since(self.since))
    }
}

impl Segments {
    /// All conditions hold. A packet to an address of no host goes to none.
    fn matches(&self, sent: &Sent<'_>, to: Option<HostId>) -> bool {
        self.from.is_none_or(|from| from == sent.host)
            && (self.to.is_none() || self.to == to)
            && sent.segment.has(self.flags)
            && !sent.segment.flags.intersects(self.without)
    }
}

impl TimerCounts {
    /// Every change is one of the four.
    const fn count(&mut self, change: TimerChange) {
        match change {
            TimerChange::Set(_) => self.set += 1,
            TimerChange::Restarted(_) => self.restarted += 1,
            TimerChange::Stopped => self.stopped += 1,
            TimerChange::Fired => self.fired += 1,
        }
    }
}
