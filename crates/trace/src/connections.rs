//! Which connection, and which life of it, a segment or a socket belongs to.
//!
//! A trace names packets and sockets. People think in connections: two ends, four numbers,
//! and an initial sequence number (ISN) on either side. This module finds them. It must not
//! confuse two lives ("incarnations") of one 4-tuple, since an old segment landing in a new
//! life is what TIME-WAIT is about (RFC 9293 §3.6.1).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use twomsl_tcp::wire::{Flags, Packet, Scale, Segment, SeqNum, Window};
use twomsl_tcp::{Cause, TcpState};

use crate::model::{Event, Fate, HostId, PacketId, SocketRef, Trace};

/// An offset this far from an ISN, either way, still counts as belonging to it when nothing
/// but the number speaks for it. Segments that no host sent alone are judged like this.
const NEAR: u32 = 1 << 24;

/// No packet, and so no SYN, carries as much text as this.
const MOST_IN_A_SYN: u32 = 1 << 16;

/// All connections of a trace, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    list: Vec<Connection>,
    packets: BTreeMap<PacketId, Place>,
    /// For each socket the records from which on it stands for a connection.
    bindings: BTreeMap<SocketRef, Vec<(usize, usize)>>,
}

/// One life of a 4-tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its two ends; the first is the one that spoke first.
    pub ends: [End; 2],
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Its address and port.
    pub address: SocketAddr,
    /// Its socket; none when no socket of a host ever sent from here.
    pub socket: Option<SocketRef>,
    /// Its initial sequence number; none when it never sent a SYN.
    pub isn: Option<SeqNum>,
    /// The window scale its SYN offered (RFC 7323 §2.2).
    pub scale: Option<Scale>,
}

/// The place of a packet: a connection, by its index, and the end that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// An index into [`Connections::list`].
    pub connection: usize,
    /// 0 for the end that spoke first, else 1.
    pub end: usize,
}

/// A sequence or acknowledgment number as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Counted from the ISN, so that the SYN is 0. Negative before it.
    Relative(i64),
    /// As it stands in the header: there is no ISN to count from.
    Absolute(u32),
}

impl Connections {
    /// Finds the connections of a trace.
    pub fn of(trace: &Trace) -> Self {
        let mut finder = Finder::default();
        for (index, record) in trace.records.iter().enumerate() {
            finder.record(index, &record.event);
        }
        finder.found
    }

    /// The connections, in the order of their first segments.
    pub fn list(&self) -> &[Connection] {
        &self.list
    }

    /// The place of a packet, if it is a segment of a known connection.
    pub fn place(&self, packet: PacketId) -> Option<Place> {
        self.packets.get(&packet).copied()
    }

    /// The connection that a socket stands for at the record of this index.
    pub fn of_socket(&self, socket: SocketRef, record: usize) -> Option<usize> {
        let bindings = self.bindings.get(&socket)?;
        let past = bindings.iter().rev().find(|(from, _)| *from <= record);
        past.or(bindings.first()).map(|(_, connection)| *connection)
    }

    /// The connection that an event belongs to, if it belongs to one.
    pub fn of_event(&self, record: usize, event: &Event) -> Option<usize> {
        match event {
            Event::State { socket, change } if begins(change.from, change.cause) => {
                self.next_of_socket(*socket, record)
            }
            Event::Sent { packet, .. } | Event::Injected { packet, .. } => {
                self.place(*packet).map(|place| place.connection)
            }
            Event::Call { socket: Some(socket), .. }
            | Event::Returned { socket: Some(socket), .. }
            | Event::Arrived { socket: Some(socket), .. }
            | Event::State { socket, .. }
            | Event::Timer { socket, .. } => self.of_socket(*socket, record),
            _ => None,
        }
    }

    /// SEG.SEQ counted from the sender's ISN. Who resets what it knows nothing of has no ISN, and
    /// says 0 (RFC 9293 §3.10.7.1).
    pub fn seq(&self, packet: PacketId, segment: &Segment) -> Number {
        if segment.has(Flags::RST | Flags::ACK) && segment.seq == SeqNum::new(0) {
            return Number::Absolute(0);
        }
        self.count(segment.seq, self.place(packet), Place::sender)
    }

    /// SEG.ACK counted from the other side's ISN; none without the ACK flag.
    pub fn ack(&self, packet: PacketId, segment: &Segment) -> Option<Number> {
        let place = self.place(packet);
        segment.has(Flags::ACK).then(|| self.count(segment.ack, place, Place::receiver))
    }

    /// A number of the receiver's sequence space, as in a SACK block, counted from its ISN.
    pub(crate) fn received(&self, packet: PacketId, number: SeqNum) -> Number {
        self.count(number, self.place(packet), Place::receiver)
    }

    /// SEG.WND in octets: scaled if both SYNs offered it (RFC 7323 §2.2).
    pub fn window(&self, packet: PacketId, segment: &Segment) -> u32 {
        let field = u32::from(segment.window);
        let Some(place) = self.place(packet) else { return field };
        let connection = &self.list[place.connection];
        match (place.sender(connection).scale, place.receiver(connection).scale) {
            (Some(scale), Some(_)) if !segment.has(Flags::SYN) => {
                Window::from_field(segment.window, scale).0
            }
            _ => field,
        }
    }

    /// State changes that open a life come before the first segment of that life.
    fn next_of_socket(&self, socket: SocketRef, record: usize) -> Option<usize> {
        let bindings = self.bindings.get(&socket)?;
        let next = bindings.iter().find(|(from, _)| *from >= record);
        next.or(bindings.last()).map(|(_, connection)| *connection)
    }

    /// Without an ISN there is nothing to count from, and a wrong one would mislead: the
    /// number of the header is shown then.
    fn count(
        &self,
        number: SeqNum,
        place: Option<Place>,
        end: impl Fn(Place, &Connection) -> &End,
    ) -> Number {
        let isn = place.and_then(|place| end(place, &self.list[place.connection]).isn);
        isn.map_or(Number::Absolute(number.value()), |isn| relative(number, isn))
    }
}

impl Place {
    /// The end that sent the packet.
    fn sender(self, connection: &Connection) -> &End {
        &connection.ends[self.end]
    }

    /// The other end; a connection of a socket with itself has one end only
    /// (RFC 9293 §3.10.1, "self-connect").
    fn receiver(self, connection: &Connection) -> &End {
        if connection.ends[0].address == connection.ends[1].address {
            return &connection.ends[self.end];
        }
        &connection.ends[1 - self.end]
    }
}

/// Whether the change opens a life, so that its segments are still to come.
fn begins(from: TcpState, cause: Cause) -> bool {
    matches!(from, TcpState::Closed | TcpState::Listen) || cause == Cause::Reuse
}

/// Numbers a little before the ISN are negative; all others count forwards around the circle.
fn relative(number: SeqNum, isn: SeqNum) -> Number {
    let (ahead, behind) = (number.since(isn), isn.since(number));
    Number::Relative(if behind < NEAR { -i64::from(behind) } else { i64::from(ahead) })
}

/// Whether a number is plausible for a connection with this ISN.
fn near(number: SeqNum, isn: SeqNum) -> bool {
    number.offset_from(isn).unsigned_abs() < NEAR
}

/// Source and destination of a segment.
type Direction = (SocketAddr, SocketAddr);

/// The state of one pass over the records.
#[derive(Default)]
struct Finder {
    found: Connections,
    /// Connections by their two addresses, the smaller one first; the newest last.
    tuples: BTreeMap<Direction, Vec<usize>>,
    /// What a segment's direction was before a middlebox translated it.
    translations: BTreeMap<Direction, Direction>,
    directions: BTreeMap<PacketId, Direction>,
    /// Forged SYNs that belong to no life yet.
    forged_syns: BTreeMap<Direction, Vec<(PacketId, SeqNum)>>,
    /// The last packet that reached each host: a reset without a socket answers it.
    last_arrival: BTreeMap<HostId, PacketId>,
    /// SEG.ACK of every segment that has one.
    acknowledged: BTreeMap<PacketId, SeqNum>,
}

impl Finder {
    /// Only what travels tells of connections; state changes are placed by their sockets later.
    fn record(&mut self, index: usize, event: &Event) {
        match event {
            Event::Sent { packet, host, socket, content, .. } => {
                let Some((direction, segment)) = self.direction(content) else { return };
                let connection = self.sent(index, *host, *socket, direction, segment);
                self.place(*packet, connection, direction, segment);
            }
            Event::Injected { packet, content, .. } => {
                let Some((direction, segment)) = self.direction(content) else { return };
                let connection = self.forged(*packet, direction, segment);
                self.place(*packet, connection, direction, segment);
            }
            Event::Fate { packet, fate, .. } => self.fate(*packet, fate),
            Event::Arrived { packet, host, .. } => {
                self.last_arrival.insert(*host, *packet);
            }
            _ => {}
        }
    }

    /// The direction of a segment as its first sender knows it.
    fn direction<'a>(&self, packet: &'a Packet) -> Option<(Direction, &'a Segment)> {
        let (direction, segment) = direction(packet)?;
        Some((self.translations.get(&direction).copied().unwrap_or(direction), segment))
    }

    /// A socket stands for one connection, so after its first segment it decides by itself.
    fn sent(
        &mut self,
        index: usize,
        host: HostId,
        socket: Option<SocketRef>,
        direction: Direction,
        segment: &Segment,
    ) -> Option<usize> {
        let Some(socket) = socket else { return self.answered(host, direction) };
        if let Some(connection) = self.found.of_socket(socket, usize::MAX)
            && !self.starts_anew(connection, direction, segment)
        {
            let answered = self.answers_another(host, direction, segment);
            return answered.or(Some(connection));
        }
        // A listener that resets stands for no connection of its own.
        if segment.has(Flags::RST) {
            return self.answered(host, direction);
        }
        let joined = self.joined(direction, segment);
        let connection = joined.unwrap_or_else(|| self.begin(direction, segment));
        self.found.bindings.entry(socket).or_default().push((index, connection));
        self.end_mut(connection, direction).socket = Some(socket);
        Some(connection)
    }

    /// A reset takes its number from the acknowledgment it answers. In SYN-SENT that can be one
    /// of an earlier life (RFC 9293 §3.5, figure 8), and then it counts in the numbers of that life.
    fn answers_another(&self, host: HostId, way: Direction, segment: &Segment) -> Option<usize> {
        let packet = self.last_arrival.get(&host)?;
        let reset = segment.has(Flags::RST) && !segment.has(Flags::ACK);
        let fits = reset && self.acknowledged.get(packet) == Some(&segment.seq);
        fits.then(|| self.answered(host, way)).flatten()
    }

    /// A socket in TIME-WAIT that a new SYN takes over sends a SYN of its own with another ISN.
    fn starts_anew(&self, connection: usize, direction: Direction, segment: &Segment) -> bool {
        let isn = self.end(connection, direction).isn;
        segment.has(Flags::SYN) && isn.is_some_and(|isn| isn != segment.seq)
    }

    /// The life of which this is the other end: a SYN,ACK tells by what it acknowledges. After a
    /// SYN,ACK with a cookie, which no socket sent (RFC 4987 §3.6), it is the number that tells.
    fn joined(&self, direction: Direction, segment: &Segment) -> Option<usize> {
        let continues = |isn| !segment.has(Flags::SYN) && near(segment.seq, isn);
        let open = |connection: &&usize| {
            let end = self.end(**connection, direction);
            end.socket.is_none() && end.isn.is_none_or(continues)
        };
        let acknowledged = |connection: &&usize| {
            let peer = self.end(**connection, (direction.1, direction.0));
            // It may acknowledge text of the SYN, too (RFC 7413).
            let fits = |isn| segment.ack.since(isn + 1) < MOST_IN_A_SYN;
            !segment.has(Flags::SYN | Flags::ACK) || peer.isn.is_some_and(fits)
        };
        self.lives(direction).iter().rev().filter(open).find(acknowledged).copied()
    }

    /// The connection of the packet that a reset without a socket answers.
    fn answered(&self, host: HostId, direction: Direction) -> Option<usize> {
        let newest = self.lives(direction).last().copied();
        let Some(packet) = self.last_arrival.get(&host) else { return newest };
        if self.directions.get(packet) != Some(&(direction.1, direction.0)) {
            return newest;
        }
        self.found.place(*packet).map(|place| place.connection).or(newest)
    }

    /// A forged segment belongs to the newest life in which its number makes sense. A SYN that
    /// belongs to none may still begin one: the SYN,ACK that answers it will tell.
    fn forged(&mut self, packet: PacketId, way: Direction, segment: &Segment) -> Option<usize> {
        let fits = |connection: &&usize| {
            self.end(**connection, way).isn.is_some_and(|isn| near(segment.seq, isn))
        };
        let fitting = self.lives(way).iter().rev().find(fits).copied();
        if fitting.is_none() && segment.has(Flags::SYN) {
            self.forged_syns.entry(way).or_default().push((packet, segment.seq));
        }
        fitting
    }

    /// Copies belong where their originals do: an old duplicate keeps its own life.
    fn fate(&mut self, packet: PacketId, fate: &Fate) {
        match fate {
            Fate::Duplicated { copy } => {
                if let Some(place) = self.found.place(packet) {
                    self.found.packets.insert(*copy, place);
                }
                if let Some(direction) = self.directions.get(&packet) {
                    self.directions.insert(*copy, *direction);
                }
                if let Some(ack) = self.acknowledged.get(&packet) {
                    self.acknowledged.insert(*copy, *ack);
                }
            }
            Fate::Rewritten { content } => self.translate(packet, content),
            _ => {}
        }
    }

    /// A middlebox that replaced addresses: both directions are known under both names.
    fn translate(&mut self, packet: PacketId, content: &Packet) {
        let Some((after, _)) = direction(content) else { return };
        let Some(before) = self.directions.get(&packet).copied() else { return };
        if after != before {
            self.translations.insert(after, before);
            self.translations.insert((after.1, after.0), (before.1, before.0));
        }
    }

    /// Writes down where a packet belongs, and what its SYN tells about that end.
    fn place(
        &mut self,
        packet: PacketId,
        connection: Option<usize>,
        direction: Direction,
        segment: &Segment,
    ) {
        self.directions.insert(packet, direction);
        if segment.has(Flags::ACK) {
            self.acknowledged.insert(packet, segment.ack);
        }
        let Some(connection) = connection else { return };
        if segment.has(Flags::SYN) {
            let end = self.end_mut(connection, direction);
            end.isn.get_or_insert(segment.seq);
            end.scale = end.scale.or(segment.options.window_scale());
        }
        let end = usize::from(self.found.list[connection].ends[0].address != direction.0);
        self.found.packets.insert(packet, Place { connection, end });
    }

    /// A life that begins with a SYN,ACK answers a forged SYN, or an old one whose own life is
    /// over: what it acknowledges tells the ISN that it believes in.
    fn begin(&mut self, direction: Direction, segment: &Segment) -> usize {
        let connection = self.create(direction);
        if !segment.has(Flags::SYN.union(Flags::ACK)) {
            return connection;
        }
        let (peer, isn) = ((direction.1, direction.0), segment.ack - 1);
        self.end_mut(connection, peer).isn = Some(isn);
        let forged = self.forged_syns.get(&peer).map_or(&[][..], Vec::as_slice);
        let answered = forged.iter().filter(|(_, seq)| *seq == isn);
        let place = Place { connection, end: 1 };
        self.found.packets.extend(answered.map(|(packet, _)| (*packet, place)));
        connection
    }

    /// A new life, of which nothing is known but its addresses.
    fn create(&mut self, direction: Direction) -> usize {
        let end = |address| End { address, socket: None, isn: None, scale: None };
        let connection = self.found.list.len();
        self.found.list.push(Connection { ends: [end(direction.0), end(direction.1)] });
        self.tuples.entry(sorted(direction)).or_default().push(connection);
        connection
    }

    /// All lives of a 4-tuple so far, the newest last.
    fn lives(&self, direction: Direction) -> &[usize] {
        self.tuples.get(&sorted(direction)).map_or(&[], Vec::as_slice)
    }

    /// The end that sends in this direction.
    fn end(&self, connection: usize, direction: Direction) -> &End {
        let [first, second] = &self.found.list[connection].ends;
        if first.address == direction.0 { first } else { second }
    }

    /// The end that sends in this direction, to be filled in.
    fn end_mut(&mut self, connection: usize, direction: Direction) -> &mut End {
        let [first, second] = &mut self.found.list[connection].ends;
        if first.address == direction.0 { first } else { second }
    }
}

/// Where a segment comes from and goes to; ICMP messages have no ports of their own.
fn direction(packet: &Packet) -> Option<(Direction, &Segment)> {
    let segment = packet.segment()?;
    let source = SocketAddr::new(packet.src, segment.src_port);
    Some(((source, SocketAddr::new(packet.dst, segment.dst_port)), segment))
}

/// Both directions of a 4-tuple share one key.
fn sorted((a, b): Direction) -> Direction {
    if a <= b { (a, b) } else { (b, a) }
}
