//! A packet of the stack held against the one that the script expects
//! (`verify_outbound_live_packet` of the tool).

use twomsl_tcp::wire::{Body, Flags, Options, Packet, Segment, TcpOption};

use super::icmp;
use super::inbound::push;
use super::notation::{ecn_bits, script_timestamp};
use super::sockets::Socket;
use crate::packetdrill::script::{
    BodySpec, EcnSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec, SequenceBase, TcpSpec,
};

/// What two packets can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Kind,
    Ecn,
    Tos,
    HopLimit,
    Flags,
    /// The flags differ in PSH only.
    Push,
    Sequence,
    Length,
    Ack,
    Window,
    Urgent,
    Options,
    /// A timestamp is further from the first one than the time that has passed.
    Timestamp,
    Text,
}

impl Field {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind of packet",
            Self::Ecn => "ECN field",
            Self::Tos => "traffic class",
            Self::HopLimit => "time to live",
            Self::Flags => "flags",
            Self::Push => "PSH",
            Self::Sequence => "sequence number",
            Self::Length => "length",
            Self::Ack => "acknowledgment number",
            Self::Window => "window",
            Self::Urgent => "urgent pointer",
            Self::Options => "options",
            Self::Timestamp => "timestamp",
            Self::Text => "text, which is not all zeros",
        }
    }
}

/// How timestamps are compared: `--tcp_ts_tick_usecs`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick {
    pub(super) usecs: u64,
    pub(super) tolerance: u64,
}

/// What differs. The timestamp, if both have one, is learned.
pub(super) fn differences(
    script: &PacketSpec,
    live: &Packet,
    socket: &mut Socket,
    tick: Option<Tick>,
) -> Vec<Field> {
    let mut fields = Vec::new();
    ip(&script.ip, live, &mut fields);
    match (&script.body, &live.body) {
        (BodySpec::Tcp(tcp), Body::Tcp(segment)) => {
            compare(tcp, segment, socket, tick, &mut fields);
        }
        (BodySpec::Icmp(spec), Body::Icmp(message)) => {
            if !icmp::matches(spec, message, socket) {
                fields.push(Field::Kind);
            }
        }
        _ => fields.push(Field::Kind),
    }
    fields
}

fn ip(spec: &IpSpec, live: &Packet, fields: &mut Vec<Field>) {
    let bits = ecn_bits(live.ecn);
    let ecn_is_right = spec.ecn.is_none_or(|ecn| match ecn {
        EcnSpec::NotEct => bits == 0,
        EcnSpec::Ect1 => bits == 1,
        EcnSpec::Ect0 => bits == 2,
        EcnSpec::Ect01 => bits == 1 || bits == 2,
        EcnSpec::Ce => bits == 3,
    });
    let checks = [
        (Field::Ecn, ecn_is_right),
        (Field::Tos, spec.tos.is_none_or(|tos| tos == live.dscp << 2 | bits)),
        (Field::HopLimit, spec.hop_limit.is_none_or(|hops| hops == live.hop_limit)),
    ];
    fields.extend(checks.iter().filter(|(_, right)| !right).map(|(field, _)| *field));
}

fn compare(
    tcp: &TcpSpec,
    live: &Segment,
    socket: &mut Socket,
    tick: Option<Tick>,
    fields: &mut Vec<Field>,
) {
    let flags = live.flags.symmetric_difference(tcp.flags.flags);
    if flags == Flags::PSH {
        fields.push(Field::Push);
    }
    let checks = [
        (Field::Flags, (flags - Flags::PSH).is_empty()),
        (Field::Sequence, sequence_is_right(tcp, live, socket)),
        (Field::Length, live.payload.len() as u64 == u64::from(tcp.sequence.length)),
        (Field::Ack, ack_is_right(tcp, live, socket)),
        (Field::Window, tcp.window.is_none_or(|window| window == live.window)),
        (Field::Urgent, tcp.urgent.unwrap_or(0) == live.urgent),
        (Field::Text, live.payload.iter().all(|octet| *octet == 0)),
    ];
    fields.extend(checks.iter().filter(|(_, right)| !right).map(|(field, _)| *field));
    if let OptionsSpec::List(list) = &tcp.options {
        learn(list, live, socket);
        if !options_are_right(list, live, socket) {
            fields.push(Field::Options);
        }
        if tick.is_some_and(|tick| !tick.allows(list, live, socket)) {
            fields.push(Field::Timestamp);
        }
    }
}

fn sequence_is_right(tcp: &TcpSpec, live: &Segment, socket: &Socket) -> bool {
    let offset = match tcp.sequence.base {
        SequenceBase::Live => socket.local_isn.offset(live.flags),
        SequenceBase::Absolute => 0,
    };
    tcp.sequence.start.is_none_or(|start| start.wrapping_add(offset) == live.seq.value())
}

/// A field that means nothing without ACK is not counted from anywhere, and has to be zero where the
/// script does not say more.
fn ack_is_right(tcp: &TcpSpec, live: &Segment, socket: &Socket) -> bool {
    let (number, base) = tcp.ack.map_or((0, SequenceBase::Live), |ack| (ack.number, ack.base));
    let offset = match base {
        SequenceBase::Live if live.has(Flags::ACK) => socket.remote_isn.offset(live.flags),
        _ => 0,
    };
    number.wrapping_add(offset) == live.ack.value()
}

/// The script's name for a timestamp of the stack.
fn learn(list: &[OptionSpec], live: &Segment, socket: &mut Socket) {
    let Some((actual, _)) = live.options.timestamps() else { return };
    if let Some(script) = timestamp(list) {
        socket.learn_timestamp(script, actual);
    }
}

fn timestamp(list: &[OptionSpec]) -> Option<u32> {
    list.iter().find_map(|option| match option {
        OptionSpec::Timestamps { value, .. } => *value,
        _ => None,
    })
}

/// The same options in the same order with the same padding. Timestamps are not compared.
fn options_are_right(list: &[OptionSpec], live: &Segment, socket: &Socket) -> bool {
    let acks = socket.remote_isn.offset(live.flags);
    let mut expected = Options::NONE;
    for option in list {
        let pushed = match option {
            OptionSpec::Timestamps { .. } => {
                let (value, echo) = live.options.timestamps().unwrap_or_default();
                expected.push(TcpOption::Timestamps { value, echo })
            }
            OptionSpec::FastOpen(None) => {
                expected.push(TcpOption::FastOpen(live_cookie(&live.options).unwrap_or_default()))
            }
            option => push(&mut expected, option, acks, |echo| echo),
        };
        if pushed.is_err() {
            return false;
        }
    }
    expected.as_padded_bytes() == live.options.as_padded_bytes()
}

fn live_cookie(options: &Options) -> Option<&[u8]> {
    options.iter().find_map(|option| match option {
        Ok(TcpOption::FastOpen(cookie)) => Some(cookie),
        _ => None,
    })
}

impl Tick {
    /// Whether the time between two timestamps is about that of the script.
    fn allows(&self, list: &[OptionSpec], live: &Segment, socket: &Socket) -> bool {
        let (Some(script), Some((actual, _))) = (timestamp(list), live.options.timestamps()) else {
            return true;
        };
        let off = script_timestamp(actual, socket).wrapping_sub(script).cast_signed();
        u64::from(off.unsigned_abs()).saturating_mul(self.usecs) <= self.tolerance
    }
}

/// Puts `next` behind `first`, if it goes on where that ended: what the stack sent in several
/// segments may be one in the script.
pub(super) fn merge(first: &mut Packet, next: &Packet, most: u32) -> bool {
    let (Body::Tcp(segment), Some(next)) = (&mut first.body, next.segment()) else { return false };
    let odd = Flags::SYN | Flags::RST | Flags::FIN;
    let length = segment.payload.len() + next.payload.len();
    let goes_on = next.seq == segment.seq + segment.payload.len() as u32
        && !segment.flags.intersects(odd)
        && !next.flags.intersects(Flags::SYN | Flags::RST)
        && !next.payload.is_empty()
        && length <= most as usize;
    if goes_on {
        segment.flags |= next.flags;
        segment.payload = [&segment.payload[..], &next.payload[..]].concat().into();
    }
    goes_on
}
