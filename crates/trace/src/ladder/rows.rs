//! From records to rows: what of a trace is worth showing, and in which words.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use twomsl_tcp::wire::{Flags, Packet, Segment};
use twomsl_tcp::{Instant, SendReason, StateChange, TcpState, TimerChange, TimerKind, Verdict};

use super::canvas::Tone;
use super::label::Labels;
use super::row::{Arrow, End, Fold, Kind, Ordinary, Row, Start};
use crate::clock::Clock;
use crate::connections::Connections;
use crate::journeys::{Journey, Journeys, Order, Origin};
use crate::model::{
    Action, Author, Decider, Event, Fate, HostId, PacketId, Record, SocketRef, Trace,
};
use crate::words;

/// A state that lasted this long is left with its duration: one second, in nanoseconds.
const LONG: u128 = 1_000_000_000;

/// More connections than this in one state at the end are counted, not listed.
const LISTED: usize = 4;

/// All rows of a trace.
pub(super) fn rows(trace: &Trace, connections: &Connections, clock: Clock) -> Vec<Row> {
    let mut teller = Teller {
        trace,
        clock,
        connections,
        journeys: Journeys::of(trace),
        labels: Labels::new(connections),
        states: BTreeMap::new(),
        timers: BTreeMap::new(),
        rows: Vec::new(),
    };
    for (index, record) in trace.records.iter().enumerate() {
        teller.record(index, record);
    }
    teller.end();
    teller.rows
}

/// Walks through the records once, with what has to be remembered on the way.
struct Teller<'a> {
    trace: &'a Trace,
    /// Writes the times within texts.
    clock: Clock,
    connections: &'a Connections,
    journeys: Journeys<'a>,
    labels: Labels<'a>,
    /// The state of every socket that is not closed, and since when it is in it.
    states: BTreeMap<SocketRef, (TcpState, Instant)>,
    /// What became last of every timer that was ever set.
    timers: BTreeMap<(SocketRef, TimerKind), TimerChange>,
    rows: Vec<Row>,
}

impl<'a> Teller<'a> {
    /// Fates are told with the sending, tables by `ss`.
    fn record(&mut self, index: usize, record: &'a Record) {
        let at = record.at;
        match &record.event {
            Event::Call { host, call, .. } => {
                let text = format!("{}{call}", self.tag(index, &record.event));
                // Only reads and writes are the ordinary run of things.
                let ordinary = call.starts_with("read") || call.starts_with("write");
                self.say(at, *host, text, Tone::Call, ordinary.then_some(Fold::Silent));
            }
            Event::Returned { host, call, result, .. } => {
                let words = words::result(call, *result);
                let text = format!("{}{words}", self.tag(index, &record.event));
                let fold = matches!(result, Ok(Some(1..))).then_some(Fold::Silent);
                self.say(at, *host, text, Tone::Call, fold);
            }
            Event::Sent { packet, reason, .. } => self.sent(at, *packet, *reason),
            Event::Injected { packet, by, .. } => self.injected(at, *packet, by),
            Event::Arrived { packet, host, verdict, .. } => {
                self.arrived(at, *packet, *host, *verdict);
            }
            Event::State { socket, change } => self.state(index, record, *socket, *change),
            Event::Timer { socket, timer, change } => {
                self.timer(index, record, *socket, *timer, *change);
            }
            Event::Incident { host, action } => self.incident(at, *host, *action),
            Event::Remark { text } => self.push(at, Kind::Remark(text.clone()), None),
            Event::Violation { invariant, text, .. } => {
                let text = format!("INVARIANT {invariant} BROKEN: {text}");
                self.push(at, Kind::Banner(text), None);
            }
            Event::Fate { .. } | Event::Table { .. } => {}
        }
    }

    /// The tag of the connection that a record belongs to.
    fn tag(&self, index: usize, event: &Event) -> String {
        self.labels.tag(self.connections.of_event(index, event))
    }

    /// The arrow of a segment tells its whole future: what becomes of it is known by now.
    fn sent(&mut self, at: Instant, packet: PacketId, reason: SendReason) {
        let Some(journey) = self.journeys.get(packet).cloned() else { return };
        let (label, again) = self.labels.sent(packet, journey.content, reason);
        if journey.dropped().is_some() {
            self.labels.lost(packet);
        }
        let end = self.end_of(&journey);
        let notes = self.notes(packet, &journey);
        let ordinary = end == End::Host || is_merely_late(&journey);
        let octets = ordinary_text(&journey, reason).filter(|_| ordinary && notes.is_empty());
        let (from, to) = self.lanes(&journey);
        let order = journey.order;
        let segment = |octets| Ordinary { packet, from, to, octets, order, again };
        let fold = octets.map(|octets| Fold::Segment(segment(octets)));
        self.arrow(at, &journey, label, (Start::Host, end), notes, fold);
    }

    /// No host sent it, so it has neither a reason nor a place in what a side has sent.
    fn injected(&mut self, at: Instant, packet: PacketId, by: &Author) {
        let Some(journey) = self.journeys.get(packet).cloned() else { return };
        let (label, by) = (self.labels.passing(packet, journey.content), words::author(by));
        let label = format!("{label} ({by})");
        let ends = (Start::Nothing, self.end_of(&journey));
        self.arrow(at, &journey, label, ends, Vec::new(), None);
    }

    /// An arrival is part of its arrow unless it did not come the plain way.
    fn arrived(&mut self, at: Instant, packet: PacketId, host: HostId, verdict: Verdict) {
        let Some(journey) = self.journeys.get(packet).cloned() else { return };
        let lands = journey.lands_visibly();
        if lands {
            let label = self.labels.passing(packet, journey.final_content());
            let copy = if matches!(journey.origin, Origin::Copy(_)) { "copy, " } else { "" };
            let sent = self.clock.time(self.journeys.sending_time(&journey));
            let label = format!("{label} ({copy}sent at {sent})");
            // Counted with its sending, if that is folded.
            let fold = is_merely_late(&journey).then_some(Fold::Part(packet));
            self.arrow(at, &journey, label, (Start::Underway, End::Host), Vec::new(), fold);
        }
        let Some(note) = words::verdict(verdict) else { return };
        let brief = self.labels.brief(packet, journey.final_content(), verdict);
        // The arrow right above says which segment is meant.
        let text = if lands { format!("⇒ {note}") } else { format!("{brief} ⇒ {note}") };
        let part = Some(Fold::Part(packet));
        let (tone, fold) = match verdict {
            Verdict::OutOfOrder => (Tone::Plain, part),
            Verdict::OldDuplicate if is_merely_late(&journey) => (Tone::Odd, part),
            _ => (Tone::Odd, None),
        };
        self.say(at, host, text, tone, fold);
    }

    /// Where an arrow ends, and who saw to it.
    fn end_of(&self, journey: &Journey<'_>) -> End {
        if let Some((when, by)) = journey.dropped() {
            // Queues and lifetimes drop later than at the sending. When a carrier outside lost
            // something only it knows: what is written down is when that was noticed.
            let noticed = *by == Decider::Carrier;
            let by = words::decider(by);
            let late =
                (when > journey.at && !noticed).then(|| format!(", at {}", self.clock.time(when)));
            return End::Lost(format!("{by}{}", late.unwrap_or_default()));
        }
        let Some(arrival) = journey.arrival else {
            let by = journey.kept_back().map(|by| format!("{}, ", words::decider(by)));
            return End::Later(format!("{}{}", by.unwrap_or_default(), self.missing(journey)));
        };
        if !journey.lands_visibly() {
            return End::Host;
        }
        let why = match journey.kept_back() {
            Some(by) => words::decider(by),
            None if journey.order == Order::Overtaken => "overtaken".to_owned(),
            None => "late".to_owned(),
        };
        End::Later(format!("{why}, arrives at {}", self.clock.time(arrival.at)))
    }

    /// Why nothing is known of an arrival.
    fn missing(&self, journey: &Journey<'_>) -> &'static str {
        let end = self.trace.records.last().map_or(Instant::ZERO, |record| record.at);
        match journey.delivery() {
            Some(at) if at <= end => "never arrives",
            Some(_) => "still on its way at the end",
            None if journey.kept_back().is_some() => "never released",
            None => "its fate is not known",
        }
    }

    /// What else the network did with it.
    fn notes(&self, packet: PacketId, journey: &Journey<'_>) -> Vec<String> {
        let note = |(_, fate, by): &(Instant, &Fate, &Decider)| {
            let by = doer(by);
            match fate {
                Fate::Duplicated { copy } => {
                    Some(format!("duplicated by {by}; {}", self.copy(*copy)))
                }
                Fate::Rewritten { content } if words::is_mark(journey.content, content) => {
                    Some(format!("marked CE by {by}"))
                }
                Fate::Rewritten { content } => {
                    let became = self.rewritten(packet, journey.content, content)?;
                    Some(format!("rewritten by {by}; now {became}"))
                }
                Fate::Corrupted => Some(format!("corrupted by {by}")),
                _ => None,
            }
        };
        journey.fates.iter().filter_map(note).collect()
    }

    /// A copy that arrives has a row of its own; the others end here.
    fn copy(&self, copy: PacketId) -> String {
        let Some(journey) = self.journeys.get(copy) else { return String::new() };
        match (journey.dropped(), journey.arrival) {
            (Some((_, by)), _) => format!("the copy is lost: {}", words::decider(by)),
            (None, Some(arrival)) => {
                format!("the copy arrives at {}", self.clock.time(arrival.at))
            }
            (None, None) => "the copy never arrives".to_owned(),
        }
    }

    /// What a packet became. A translation of addresses is told with the SYN only: it is the same
    /// for all that follow.
    fn rewritten(&self, packet: PacketId, before: &Packet, after: &Packet) -> Option<String> {
        let label = self.labels.whole(packet, after);
        if label != self.labels.whole(packet, before) {
            return Some(label);
        }
        let segment = after.segment().filter(|segment| segment.has(Flags::SYN))?;
        let from = SocketAddr::new(after.src, segment.src_port);
        let to = SocketAddr::new(after.dst, segment.dst_port);
        Some(format!("{from} → {to}"))
    }

    /// Durations stand where they are the point: TIME-WAIT always, other states when a person
    /// would notice. A listener's age says nothing about the connection it makes.
    fn state(&mut self, index: usize, record: &Record, socket: SocketRef, change: StateChange) {
        let at = record.at;
        let before = self.states.get(&socket).copied();
        if change.to == TcpState::Closed {
            self.states.remove(&socket);
        } else {
            self.states.insert(socket, (change.to, at));
        }
        let lasted = before.map(|(_, since)| at.since(since));
        let lasted = lasted.filter(|lasted| {
            change.from == TcpState::TimeWait
                || (change.from != TcpState::Listen && lasted.as_nanos() >= LONG)
        });
        let text = words::change(change, lasted);
        let text = format!("{}{text}", self.tag(index, &record.event));
        self.say(at, socket.host, text, Tone::Strong, None);
    }

    /// Only timers whose running is the story. A retransmission timeout, a window probe and a
    /// keepalive are told by the segments they send.
    fn timer(
        &mut self,
        index: usize,
        record: &Record,
        socket: SocketRef,
        timer: TimerKind,
        change: TimerChange,
    ) {
        let before = self.timers.insert((socket, timer), change);
        let text = match (timer, change) {
            (TimerKind::TimeWait, TimerChange::Set(end)) => {
                format!("2MSL started, until {}", self.clock.time(end))
            }
            (TimerKind::TimeWait, TimerChange::Restarted(end)) => {
                format!("2MSL restarted, until {}", self.clock.time(end))
            }
            // Probes that follow the first one tell by themselves that it goes on.
            (TimerKind::Persist, TimerChange::Set(end)) if before != Some(TimerChange::Fired) => {
                format!("persist timer started, until {}", self.clock.time(end))
            }
            _ => return,
        };
        let text = format!("{}{text}", self.tag(index, &record.event));
        self.say(record.at, socket.host, text, Tone::Plain, None);
    }

    /// A crash takes all sockets with it: they have no state at the end.
    fn incident(&mut self, at: Instant, host: HostId, action: Action) {
        if action == Action::Crashed {
            self.states.retain(|socket, _| socket.host != host);
        }
        let text = format!("■ {}", words::action(action));
        self.say(at, host, text, Tone::Bad, None);
    }

    /// What is still open when the run ends, listeners aside.
    fn end(&mut self) {
        let last = self.trace.records.last().map(|record| record.at);
        let Some(at) = last.max(self.trace.about.cut_at) else { return };
        let last = self.trace.records.len();
        let mut open: BTreeMap<(HostId, TcpState), Vec<(SocketRef, Instant)>> = BTreeMap::new();
        for (socket, (state, since)) in &self.states {
            if *state != TcpState::Listen {
                open.entry((socket.host, *state)).or_default().push((*socket, *since));
            }
        }
        for ((host, state), sockets) in open {
            if sockets.len() > LISTED {
                self.remains(at, host, &format!("{} in {state}", sockets.len()));
                continue;
            }
            for (socket, since) in sockets {
                let tag = self.labels.tag(self.connections.of_socket(socket, last));
                let since = self.clock.time(since);
                self.remains(at, host, &format!("{tag}{state} since {since}"));
            }
        }
    }

    /// Apart from what happened at that moment.
    fn remains(&mut self, at: Instant, host: HostId, what: &str) {
        let (lane, text) = (self.lane(host), format!("at the end: {what}"));
        self.push(at, Kind::Remains { lane, text }, None);
    }

    /// A row with a segment.
    fn arrow(
        &mut self,
        at: Instant,
        journey: &Journey<'_>,
        label: String,
        (start, end): (Start, End),
        notes: Vec<String>,
        fold: Option<Fold>,
    ) {
        let (from, to) = self.lanes(journey);
        self.push(at, Kind::Arrow(Arrow { from, to, label, start, end, notes }), fold);
    }

    /// Where a packet comes from and goes to. One to nowhere is drawn towards the neighbour.
    fn lanes(&self, journey: &Journey<'_>) -> (usize, usize) {
        let about = &self.trace.about;
        let lane = |host: HostId| usize::from(host.0);
        let last = about.hosts.len().saturating_sub(1);
        let addressed = || about.host_of(journey.final_content().dst);
        let to = journey.arrival.map(|arrival| arrival.host).or_else(addressed).map(lane);
        let neighbour = |lane: usize| if lane < last { lane + 1 } else { lane.saturating_sub(1) };
        match (journey.from.map(lane), to) {
            (Some(from), Some(to)) => (from.min(last), to.min(last)),
            (Some(from), None) => (from.min(last), neighbour(from.min(last))),
            (None, Some(to)) => (neighbour(to.min(last)), to.min(last)),
            (None, None) => (0, neighbour(0)),
        }
    }

    /// Never beyond the last lane, whatever a trace says.
    fn lane(&self, host: HostId) -> usize {
        usize::from(host.0).min(self.trace.about.hosts.len().saturating_sub(1))
    }

    /// A row of text on a host's side.
    fn say(&mut self, at: Instant, host: HostId, text: String, tone: Tone, fold: Option<Fold>) {
        let lane = self.lane(host);
        self.push(at, Kind::Text { lane, text, tone }, fold);
    }

    fn push(&mut self, at: Instant, kind: Kind, fold: Option<Fold>) {
        self.rows.push(Row { at, kind, fold });
    }
}

/// Octets of text in a segment that came through with nothing to say about it.
fn ordinary_text(journey: &Journey<'_>, reason: SendReason) -> Option<u64> {
    use SendReason::{Ack, DelayedAck, DuplicateAck, New, WindowUpdate};
    let segment = journey.content.segment()?;
    let verdict = journey.arrival?.verdict;
    let plain = Flags::ACK.union(Flags::PSH).contains(segment.flags)
        && segment.window > 0
        && !reports_a_copy(segment)
        && (matches!(verdict, Verdict::Accepted | Verdict::OutOfOrder)
            // What others overtook is old when it comes: nothing else went wrong.
            || (verdict == Verdict::OldDuplicate && is_merely_late(journey)))
        && matches!(reason, New | Ack | DelayedAck | DuplicateAck | WindowUpdate);
    plain.then_some(segment.payload.len() as u64)
}

/// Whether a SACK block says that something came twice (RFC 2883 §4): it tells of a segment that was
/// sent in vain, and its sender may take back what it did because of it.
fn reports_a_copy(segment: &Segment) -> bool {
    let first = segment.options.sack_blocks().and_then(|blocks| blocks.iter().next());
    first.is_some_and(|(left, _)| left.before(segment.ack))
}

/// Whether nothing but the network's ordinary jitter or queue made it come late.
fn is_merely_late(journey: &Journey<'_>) -> bool {
    let sent = matches!(journey.origin, Origin::Sent(_));
    // Fates other than the delivery are told, and so are what they did.
    let plain = |fate: &Fate| matches!(fate, Fate::Delivered { .. } | Fate::Delayed);
    sent && journey.order != Order::Kept
        && journey.kept_back().is_none()
        && journey.fates.iter().all(|(_, fate, _)| plain(fate))
}

/// Who did something to a packet. An impairment's name says what was done, not who did it.
fn doer(by: &Decider) -> String {
    match by {
        Decider::Impairment(_) => "the link".to_owned(),
        _ => words::decider(by),
    }
}
