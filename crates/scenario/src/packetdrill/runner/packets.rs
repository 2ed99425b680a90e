//! Events that are packets: `run_packet_event` of the tool.

use twomsl_tcp::wire::{Body, Packet};

use super::config::Segments;
use super::icmp::Message;
use super::outbound::{Field, differences, merge};
use super::time::{Due, seconds};
use super::{Relaxation, Run, Stop, Wrong, icmp, inbound, notation, patience};
use crate::diagnostic::Span;
use crate::packetdrill::script::{
    Action, BodySpec, Direction, IcmpSpec, OptionSpec, OptionsSpec, PacketSpec, Script,
};

impl Run<'_> {
    pub(super) fn packet(
        &mut self,
        packet: &PacketSpec,
        due: &Due,
        span: Span,
    ) -> Result<(), Stop> {
        match packet.direction {
            Direction::Inbound => self.inject(packet, due, span),
            Direction::Outbound => self.expect(packet, due, span),
        }
    }

    fn inject(&mut self, packet: &PacketSpec, due: &Due, span: Span) -> Result<(), Stop> {
        self.wait_until_due(due, span, "the packet")?;
        let socket = self.sockets.find(packet);
        let live = match &packet.body {
            BodySpec::Tcp(tcp) => {
                socket.injects(tcp);
                let full = |_| too_long(packet);
                inbound::packet(&packet.ip, tcp, socket).map_err(full)?
            }
            BodySpec::Icmp(icmp) => match message(icmp, socket, packet.span)? {
                Message::Error(error) => inbound::around(&packet.ip, socket, Body::Icmp(error)),
                Message::OfNoConcern => return Ok(()),
            },
            BodySpec::Other(_) => return Ok(()),
        };
        self.system.inject(live);
        self.collect()
    }

    fn expect(&mut self, packet: &PacketSpec, due: &Due, span: Span) -> Result<(), Stop> {
        self.sockets.find(packet);
        let (latest, late) = patience(due, self.now());
        let next = match self.sniff(latest)? {
            None => self.sniff(late)?,
            found => found,
        };
        let Some((at, mut live)) = next else {
            let got = format!("no packet until {}", seconds(late));
            return Err(Wrong::new(span, expected(packet, due), got).into());
        };
        if let BodySpec::Tcp(tcp) = &packet.body {
            self.join(&mut live, tcp.sequence.length, latest.max(at))?;
        }
        self.compare(packet, due, at, &live, span)
    }

    /// The next packet of the socket under test; those of others are passed over.
    fn sniff(&mut self, limit: u64) -> Result<Option<(u64, Packet)>, Stop> {
        loop {
            while let Some((at, packet)) = self.sent.pop_front() {
                if self.sockets.is_ours(&packet) {
                    return Ok(Some((at, packet)));
                }
            }
            if self.now() >= limit {
                return Ok(None);
            }
            self.step(limit)?;
        }
    }

    /// Adds the segments that follow at once to one that is shorter than that of the script, as
    /// long as they go on where it ends. Its time stays that of the first.
    fn join(&mut self, live: &mut Packet, length: u32, limit: u64) -> Result<(), Stop> {
        let is_short = |live: &Packet| {
            let text = live.segment().map_or(0, |segment| segment.payload.len());
            0 < text && text < length as usize
        };
        while self.config.strict_segments == Segments::Merged && is_short(live) {
            let Some((at, next)) = self.sniff(limit)? else { return Ok(()) };
            if !merge(live, &next, length) {
                self.sent.push_front((at, next));
                return Ok(());
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        packet: &PacketSpec,
        due: &Due,
        at: u64,
        live: &Packet,
        span: Span,
    ) -> Result<(), Stop> {
        let tick = self.tick();
        let socket = self.sockets.find(packet);
        if let (BodySpec::Tcp(tcp), Some(segment)) = (&packet.body, live.segment()) {
            socket.meets(tcp, segment);
        }
        let mut fields = differences(packet, live, socket, tick);
        fields.retain(|field| !relaxation(*field).is_some_and(|kind| self.relaxed(kind)));
        let in_time = due.includes(at) || self.relaxed(Relaxation::Timing);
        if fields.is_empty() && in_time {
            return Ok(());
        }
        let notation = notation::live(live, self.sockets.find(packet), Some(packet));
        let mut names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        if !in_time {
            names.push("time");
        }
        let got = format!("{notation} at {} (other {})", seconds(at), names.join(", "));
        Err(Wrong::new(span, expected(packet, due), got).into())
    }
}

fn expected(packet: &PacketSpec, due: &Due) -> String {
    format!("{} {}", notation::spec(packet), due.describe())
}

/// Who does not mind such a difference.
const fn relaxation(field: Field) -> Option<Relaxation> {
    match field {
        Field::Window => Some(Relaxation::Window),
        Field::Push => Some(Relaxation::Push),
        Field::Options | Field::Timestamp => Some(Relaxation::Options),
        _ => None,
    }
}

fn too_long(packet: &PacketSpec) -> Stop {
    Wrong::new(packet.span, "at most 40 octets of options", "more of them").into()
}

fn message(spec: &IcmpSpec, socket: &super::sockets::Socket, span: Span) -> Result<Message, Stop> {
    let unknown = |icmp::Unknown(name)| Stop::Skipped { span, what: format!("icmp {name}") };
    icmp::message(spec, socket).map_err(unknown)
}

/// The first packet of a script that cannot be made here. It is looked for before anything runs:
/// what a script does before it would often fail for the same reason.
pub(super) fn check(script: &Script) -> Result<(), Stop> {
    let packets = script.events.iter().filter_map(|event| match &event.action {
        Action::Packet(packet) => Some(packet),
        _ => None,
    });
    for packet in packets {
        if let Some(what) = not_supported(packet) {
            return Err(Stop::Skipped { span: packet.span, what });
        }
    }
    Ok(())
}

/// What packets can have in a script, but not here.
fn not_supported(packet: &PacketSpec) -> Option<String> {
    if let Some((src, dst)) = packet.udp_encapsulation {
        return Some(format!("UDP encapsulation /udp({src} > {dst})"));
    }
    if let Some(header) = packet.encapsulation.first() {
        return Some(format!("encapsulation in {header}"));
    }
    if packet.direction == Direction::Outbound && packet.ip.flow_label.is_some() {
        return Some("flow labels of packets that are sent".to_owned());
    }
    match &packet.body {
        BodySpec::Other(text) => Some(text.clone()),
        BodySpec::Icmp(_) => None,
        BodySpec::Tcp(tcp) => match &tcp.options {
            OptionsSpec::Any => None,
            OptionsSpec::List(list) => {
                list.iter().find_map(|option| option_not_supported(option, packet.direction))
            }
        },
    }
}

fn option_not_supported(option: &OptionSpec, direction: Direction) -> Option<String> {
    match option {
        // Digests of keys (RFC 2385), which nobody computes here.
        OptionSpec::Md5(_) if direction == Direction::Outbound => {
            Some("TCP MD5 signatures".to_owned())
        }
        OptionSpec::NotSupported(text) => Some(text.clone()),
        _ => None,
    }
}
