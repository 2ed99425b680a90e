//! A segment in words: `FIN,ACK seq=1 ack=7 (again: retransmission timeout)`.

use std::collections::BTreeMap;

use twomsl_tcp::wire::{Body, Ecn, Flags, Icmp, Packet, Segment, SeqNum};
use twomsl_tcp::{SendReason, Verdict};

use super::options;
use super::row::Again;
use crate::connections::{Connections, Number, Place};
use crate::model::PacketId;
use crate::words;

/// Text up to this length is shown as it is, if it can be printed.
const PREVIEW: usize = 16;

/// The longest text whose beginning is shown: a line of a protocol's header, not a file.
const LINE: usize = 128;

/// Makes labels, and remembers what each side has shown already: a window is told when it
/// changes, and numbers sent for the second time are marked.
pub(super) struct Labels<'a> {
    connections: &'a Connections,
    sides: BTreeMap<(usize, usize), Side>,
    numbering: Numbering,
}

/// What one side of a connection has sent so far.
#[derive(Clone, Copy, Default)]
struct Side {
    window: Option<u32>,
    /// The window before the last segment.
    before: Option<u32>,
    /// The sequence number after the last one sent.
    end: Option<SeqNum>,
}

/// Whether connections are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// There is only one.
    None,
    /// `#2`
    Tags,
}

impl<'a> Labels<'a> {
    /// Tags are noise while there is only one connection.
    pub(super) fn new(connections: &'a Connections) -> Self {
        let many = connections.list().len() > 1;
        let numbering = if many { Numbering::Tags } else { Numbering::None };
        Self { connections, sides: BTreeMap::new(), numbering }
    }

    /// `#2 ` in front of everything about the second of several connections.
    pub(super) fn tag(&self, connection: Option<usize>) -> String {
        match (self.numbering, connection) {
            (Numbering::Tags, Some(connection)) => format!("#{} ", connection + 1),
            _ => String::new(),
        }
    }

    /// The label of a packet that sets out, with why it does in brackets.
    pub(super) fn sent(
        &mut self,
        id: PacketId,
        packet: &Packet,
        reason: SendReason,
    ) -> (String, Again) {
        let Body::Tcp(segment) = &packet.body else {
            return (self.passing(id, packet), Again::No);
        };
        let again = match self.is_repeated(id, segment) {
            // In a simultaneous open the SYN,ACK repeats the SYN, but it is no repetition
            // (RFC 9293 §3.5, figure 7).
            _ if segment.has(Flags::SYN) && reason == SendReason::New => Again::No,
            again => again,
        };
        let window = self.window(id, segment, reason);
        let marks = match (mark(reason, segment), again) {
            (Some(mark), Again::Yes) => format!(" (again: {mark})"),
            (Some(mark), Again::No) => format!(" ({mark})"),
            (None, Again::Yes) => " (again)".to_owned(),
            (None, Again::No) => String::new(),
        };
        (format!("{}{marks}", self.words(id, packet.ecn, segment, window)), again)
    }

    /// The packet that was labelled last is lost and told its receiver nothing: if its window was
    /// news, it still is.
    pub(super) fn lost(&mut self, id: PacketId) {
        if let Some(side) = self.side(id) {
            side.window = side.before;
        }
    }

    /// The label of a packet that is no news: a copy, an arrival, a forgery.
    pub(super) fn passing(&self, id: PacketId, packet: &Packet) -> String {
        match &packet.body {
            Body::Tcp(segment) => self.words(id, packet.ecn, segment, self.syn_window(id, segment)),
            Body::Icmp(icmp) => icmp_words(icmp),
        }
    }

    /// The label with everything in it, to compare one with another.
    pub(super) fn whole(&self, id: PacketId, packet: &Packet) -> String {
        match &packet.body {
            Body::Tcp(segment) => {
                let window = self.connections.window(id, segment);
                self.words(id, packet.ecn, segment, Some(window))
            }
            Body::Icmp(icmp) => icmp_words(icmp),
        }
    }

    /// A few words that say which segment is meant: `FIN,ACK seq=1`.
    pub(super) fn brief(&self, id: PacketId, packet: &Packet, verdict: Verdict) -> String {
        match &packet.body {
            Body::Tcp(segment) => {
                let seq = number(self.connections.seq(id, segment));
                let stamp = options::judged_timestamp(segment, verdict).unwrap_or_default();
                format!("{}{} seq={seq}{stamp}", self.tag_of(id), segment.flags)
            }
            // Its own arrow says which connection it is about.
            Body::Icmp(icmp) => format!("ICMP {}", words::icmp(icmp.kind)),
        }
    }

    /// The parts in the order in which a header has them, text, options and the mark of the IP
    /// header last.
    fn words(&self, id: PacketId, ecn: Ecn, segment: &Segment, window: Option<u32>) -> String {
        let mut words = vec![format!("{}{}", self.tag_of(id), segment.flags)];
        words.extend(self.ports(id, segment));
        words.push(format!("seq={}", number(self.connections.seq(id, segment))));
        let ack = self.connections.ack(id, segment);
        words.extend(ack.map(|ack| format!("ack={}", number(ack))));
        words.extend(window.map(|window| format!("win={window}")));
        if !segment.payload.is_empty() {
            words.push(format!("len={}", segment.payload.len()));
        }
        if segment.has(Flags::URG) {
            words.push(format!("urg={}", segment.urgent));
        }
        words.extend(preview(&segment.payload));
        words.extend(options::words(self.connections, id, segment));
        words.extend(options::ecn(ecn).map(str::to_owned));
        words.join(" ")
    }

    /// The ports, where a SYN introduces one of several connections.
    fn ports(&self, id: PacketId, segment: &Segment) -> Option<String> {
        let known = self.connections.place(id).is_some();
        let opens = segment.has(Flags::SYN) && !segment.has(Flags::ACK);
        let shown = !known || (self.numbering == Numbering::Tags && opens);
        shown.then(|| format!("{}→{}", segment.src_port, segment.dst_port))
    }

    /// The tag of a packet's connection.
    fn tag_of(&self, id: PacketId) -> String {
        self.tag(self.connections.place(id).map(|place| place.connection))
    }

    /// The window if it is news. A reset has none: the field means nothing there.
    fn window(&mut self, id: PacketId, segment: &Segment, reason: SendReason) -> Option<u32> {
        if segment.has(Flags::RST) {
            return None;
        }
        let window = self.connections.window(id, segment);
        let Some(side) = self.side(id) else { return Some(window) };
        side.before = side.window;
        let told = side.window.replace(window) == Some(window);
        let news = !told || window == 0 || reason == SendReason::WindowUpdate;
        (news || segment.has(Flags::SYN)).then_some(window)
    }

    /// What is no news needs no window, but a SYN without one would look odd.
    fn syn_window(&self, id: PacketId, segment: &Segment) -> Option<u32> {
        segment.has(Flags::SYN).then(|| self.connections.window(id, segment))
    }

    /// Judged by numbers alone, since a segment can be sent again for other reasons than a
    /// timeout. A bare ACK occupies no numbers and is never repeated.
    fn is_repeated(&mut self, id: PacketId, segment: &Segment) -> Again {
        let Some(side) = self.side(id) else { return Again::No };
        let end = segment.seq_end();
        let repeated = side.end.is_some_and(|last| segment.seq_len() > 0 && !end.after(last));
        side.end = Some(side.end.map_or(end, |last| last.later(end)));
        if repeated { Again::Yes } else { Again::No }
    }

    /// What the sender of a packet has shown so far.
    fn side(&mut self, id: PacketId) -> Option<&mut Side> {
        let Place { connection, end } = self.connections.place(id)?;
        Some(self.sides.entry((connection, end)).or_default())
    }
}

/// The reason of a segment that the application or the peer did not ask for just now.
fn mark(reason: SendReason, segment: &Segment) -> Option<&'static str> {
    Some(match reason {
        // Linux probes with an old number and no text: what comes back is all it wants.
        SendReason::WindowProbe if segment.payload.is_empty() => "empty window probe",
        SendReason::SynCookie => "SYN cookie",
        SendReason::Retransmission => "retransmission timeout",
        SendReason::FastRetransmission => "fast retransmit",
        SendReason::LossProbe => "tail loss probe",
        SendReason::SynText => "not taken with the SYN",
        SendReason::PathMtu => "smaller, for the path's MTU",
        SendReason::SynAgain => "the SYN came again",
        SendReason::WindowProbe => "window probe",
        SendReason::KeepAlive => "keepalive",
        SendReason::DuplicateAck => "duplicate ACK",
        SendReason::ChallengeAck => "challenge ACK",
        SendReason::WindowUpdate => "window update",
        SendReason::DelayedAck => "delayed ACK",
        SendReason::New | SendReason::Ack | SendReason::Reset => {
            return None;
        }
    })
}

/// Relative or absolute, the reader tells by the size.
pub(super) fn number(number: Number) -> String {
    match number {
        Number::Relative(offset) => offset.to_string(),
        Number::Absolute(value) => value.to_string(),
    }
}

/// Short text that can be printed, in quotes; the beginning of a longer one if it has lines, as
/// requests of protocols have: `"GET / HTTP/1.1\r\n"…`. The ends of lines are escaped.
fn preview(payload: &[u8]) -> Option<String> {
    let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    let printable = |octet: &u8| octet.is_ascii_graphic() || *octet == b' ' || is_end(octet);
    let lines = payload.len() <= LINE && payload.iter().any(is_end);
    let shown = !payload.is_empty() && (payload.len() <= PREVIEW || lines);
    (shown && payload.iter().all(printable)).then(|| {
        let beginning = &payload[..payload.len().min(PREVIEW)];
        let more = if beginning.len() < payload.len() { "…" } else { "" };
        format!("{:?}{more}", String::from_utf8_lossy(beginning))
    })
}

/// An ICMP message names the connection by the ports it quotes.
fn icmp_words(icmp: &Icmp) -> String {
    let quote = icmp.quote;
    let kind = words::icmp(icmp.kind);
    format!("ICMP {kind}, about {}→{}", quote.src_port, quote.dst_port)
}
