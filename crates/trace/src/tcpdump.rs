//! Lines as tcpdump writes them, at the sender's side of the network.
//!
//! ```text
//! 0.000000000 client IP 10.0.0.1.49152 > 10.0.0.2.80: Flags [S], seq 123, win 64240, options [mss 1460], length 0
//! ```
//!
//! Like tcpdump without `-S`, numbers are absolute on a SYN and relative to the ISNs after it;
//! unlike tcpdump, which sees one point of a wire, the lives of one 4-tuple are told apart, so
//! that an old duplicate keeps the numbers of its own life. Without an ISN numbers stay absolute. `win` is
//! the field of the header, not scaled, as tcpdump prints it. Time counts seconds from the start.
//!
//! What tcpdump could not know stands behind a `;`: ` ; dropped by fault 1: …`. The arrival of a
//! copy has a line of its own, and so has an arrival that came out of its order.

use std::fmt::Write as _;

use twomsl_tcp::Instant;
use twomsl_tcp::wire::{Body, Ecn, Flags, Icmp, Packet, Segment, SeqNum, TcpOption};

use crate::connections::{Connections, Number};
use crate::journeys::{Journey, Journeys, Origin};
use crate::model::{Event, Fate, HostId, PacketId, Trace};
use crate::words;

/// All packets of a trace, a line each.
pub fn render(trace: &Trace) -> String {
    let dump = Dump { trace, connections: Connections::of(trace), journeys: Journeys::of(trace) };
    let mut text = String::new();
    for record in &trace.records {
        if let Some(line) = dump.line(record.at, &record.event) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// What a line needs to know about the rest of the trace.
struct Dump<'a> {
    trace: &'a Trace,
    connections: Connections,
    journeys: Journeys<'a>,
}

impl Dump<'_> {
    /// The line of a record; most records are no packets.
    fn line(&self, at: Instant, event: &Event) -> Option<String> {
        match event {
            Event::Sent { packet, host, content, .. } => {
                let fate = self.fates(*packet);
                Some(self.with_host(at, Some(*host), *packet, content, &fate))
            }
            Event::Injected { packet, by, from, content } => {
                let fate = format!(" ; {}{}", words::author(by), self.fates(*packet));
                Some(self.with_host(at, *from, *packet, content, &fate))
            }
            Event::Arrived { packet, host, .. } => {
                let journey = self.journeys.get(*packet)?;
                let sent = self.landing(journey)?;
                let content = journey.final_content();
                Some(self.with_host(at, Some(*host), *packet, content, &sent))
            }
            _ => None,
        }
    }

    /// tcpdump runs on one host; here each line says on which one it would have been seen.
    fn with_host(
        &self,
        at: Instant,
        host: Option<HostId>,
        id: PacketId,
        packet: &Packet,
        more: &str,
    ) -> String {
        let host = host.map_or_else(|| "?".to_owned(), |host| self.trace.about.name(host));
        format!("{} {host} {}{more}", nanoseconds(at), self.packet(id, packet))
    }

    /// Only what did not come the plain way: an ordinary arrival is the line of its sending.
    fn landing(&self, journey: &Journey<'_>) -> Option<String> {
        journey.lands_visibly().then(|| {
            let copy = if matches!(journey.origin, Origin::Copy(_)) { "copy of " } else { "" };
            format!(" ; arrival of {copy}the one sent at {}", self.journeys.sending_time(journey))
        })
    }

    /// Everything that befell a packet, in order; nothing for a plain delivery.
    fn fates(&self, id: PacketId) -> String {
        let mut text = String::new();
        let Some(journey) = self.journeys.get(id) else { return text };
        for (_, fate, by) in &journey.fates {
            let did = match fate {
                Fate::Dropped => "dropped",
                Fate::Held => "held",
                Fate::Duplicated { .. } => "duplicated",
                Fate::Rewritten { content } if words::is_mark(journey.content, content) => {
                    "marked CE"
                }
                Fate::Rewritten { .. } => "rewritten",
                Fate::Corrupted => "corrupted",
                Fate::Delayed => "delayed",
                Fate::Delivered { .. } => continue,
            };
            // Writing into a string cannot fail.
            _ = write!(text, " ; {did} by {}", words::decider(by));
        }
        text
    }

    /// Addresses and content, in the order of tcpdump.
    fn packet(&self, id: PacketId, packet: &Packet) -> String {
        let family = family(packet);
        match &packet.body {
            Body::Tcp(segment) => {
                let (src, dst) = (segment.src_port, segment.dst_port);
                let from = format!("{}.{src} > {}.{dst}", packet.src, packet.dst);
                format!("{family} {from}: {}", self.segment(id, segment))
            }
            Body::Icmp(icmp) => {
                format!("{family} {} > {}: {}", packet.src, packet.dst, icmp_words(icmp))
            }
        }
    }

    /// tcpdump's fields and its order: flags, seq, ack, win, urg, options, length.
    fn segment(&self, id: PacketId, segment: &Segment) -> String {
        let mut parts = vec![format!("Flags [{}]", flags(segment.flags))];
        parts.extend(self.seq(id, segment));
        parts.extend(self.ack(id, segment).map(|ack| format!("ack {ack}")));
        parts.push(format!("win {}", segment.window));
        if segment.has(Flags::URG) {
            parts.push(format!("urg {}", segment.urgent));
        }
        let options = segment.options.iter().filter_map(Result::ok);
        let options: Vec<_> = options.map(|option| self.option(id, segment, option)).collect();
        if !options.is_empty() {
            parts.push(format!("options [{}]", options.join(",")));
        }
        parts.push(format!("length {}", segment.payload.len()));
        parts.join(", ")
    }

    /// tcpdump leaves the sequence number of a bare ACK out.
    fn seq(&self, id: PacketId, segment: &Segment) -> Option<String> {
        let length = i64::from(segment.payload.len() as u32);
        let controls = Flags::SYN.union(Flags::FIN).union(Flags::RST);
        if length == 0 && !segment.flags.intersects(controls) {
            return None;
        }
        let first = match self.connections.seq(id, segment) {
            Number::Relative(offset) if !segment.has(Flags::SYN) => offset,
            _ => i64::from(segment.seq.value()),
        };
        Some(match length {
            0 => format!("seq {first}"),
            _ => format!("seq {first}:{}", first + length),
        })
    }

    /// The acknowledgment number, where the ACK flag gives it a meaning.
    fn ack(&self, id: PacketId, segment: &Segment) -> Option<String> {
        let ack = self.connections.ack(id, segment)?;
        Some(match ack {
            Number::Relative(offset) if !segment.has(Flags::SYN) => offset.to_string(),
            _ => segment.ack.value().to_string(),
        })
    }

    /// Names as tcpdump prints them; kinds it knows and we do not are `unknown`, as there.
    fn option(&self, id: PacketId, segment: &Segment, option: TcpOption<'_>) -> String {
        match option {
            TcpOption::NoOperation => "nop".to_owned(),
            TcpOption::EndOfList => "eol".to_owned(),
            TcpOption::MaximumSegmentSize(mss) => format!("mss {mss}"),
            TcpOption::WindowScale(shift) => format!("wscale {shift}"),
            TcpOption::SackPermitted => "sackOK".to_owned(),
            TcpOption::Sack(blocks) => {
                let edge = |edge| self.sack_edge(id, segment, edge);
                let block = |(left, right)| format!("{{{}:{}}}", edge(left), edge(right));
                let count = blocks.iter().len();
                format!("sack {count} {}", blocks.iter().map(block).collect::<String>())
            }
            TcpOption::Timestamps { value, echo } => format!("TS val {value} ecr {echo}"),
            TcpOption::FastOpen([]) => "tfo cookiereq".to_owned(),
            TcpOption::FastOpen(cookie) => format!("tfo cookie of {}", cookie.len()),
            TcpOption::Unknown { kind, data } => format!("unknown-{kind} of {}", data.len()),
        }
    }

    /// Edges of SACK blocks count like SEG.ACK.
    fn sack_edge(&self, id: PacketId, segment: &Segment, edge: SeqNum) -> String {
        match self.connections.received(id, edge) {
            Number::Relative(offset) if !segment.has(Flags::SYN) => offset.to_string(),
            _ => edge.value().to_string(),
        }
    }
}

/// The family and, as with `-v`, the octet of the IP header that holds the ECN field, unless it
/// is 0. tcpdump knows the names of RFC 3168 §5 for IPv4 only.
fn family(packet: &Packet) -> String {
    let (field, name) = match packet.ecn {
        Ecn::NotEct => return if packet.src.is_ipv4() { "IP" } else { "IP6" }.to_owned(),
        Ecn::Ect1 => (1, "ECT(1)"),
        Ecn::Ect0 => (2, "ECT(0)"),
        Ecn::Ce => (3, "CE"),
    };
    if packet.src.is_ipv4() {
        format!("IP (tos 0x{field:x},{name})")
    } else {
        format!("IP6 (class 0x{field:02x})")
    }
}

/// All nine decimals, so that the lines align.
fn nanoseconds(at: Instant) -> String {
    format!("{}.{:09}", at.as_nanos() / 1_000_000_000, at.as_nanos() % 1_000_000_000)
}

/// tcpdump's letters, in its order; `none` when there is none.
fn flags(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 9] = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ACK, '.'),
        (Flags::URG, 'U'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
        (Flags::AE, 'e'),
    ];
    let letters: String =
        LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, c)| *c).collect();
    if letters.is_empty() { "none".to_owned() } else { letters }
}

/// The message, and the connection that it quotes.
fn icmp_words(icmp: &Icmp) -> String {
    let quote = icmp.quote;
    let kind = words::icmp(icmp.kind);
    format!(
        "ICMP {kind}, about {}.{} > {}.{}",
        quote.src, quote.src_port, quote.dst, quote.dst_port
    )
}
