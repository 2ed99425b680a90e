//! Packets in the notation of scripts, for messages.

use std::fmt::Write as _;

use twomsl_tcp::wire::{Body, Ecn, Flags, IcmpKind, Packet, Segment, TcpOption};

use super::inbound::{EXPERIMENTAL, FAST_OPEN_MAGIC, MD5};
use super::sockets::Socket;
use crate::packetdrill::script::{
    BodySpec, Direction, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec,
    SequenceBase, SequenceSpec, TcpSpec,
};

/// The letters of the control bits, in the order in which scripts have them.
const LETTERS: [(Flags, char); 9] = [
    (Flags::SYN, 'S'),
    (Flags::FIN, 'F'),
    (Flags::RST, 'R'),
    (Flags::PSH, 'P'),
    (Flags::URG, 'U'),
    (Flags::ECE, 'E'),
    (Flags::CWR, 'W'),
    (Flags::AE, 'A'),
    (Flags::ACK, '.'),
];

/// What a script says, as it would write it.
pub(super) fn spec(packet: &PacketSpec) -> String {
    let mut out = match packet.direction {
        Direction::Inbound => "< ".to_owned(),
        Direction::Outbound => "> ".to_owned(),
    };
    out.push_str(&ip_spec(&packet.ip));
    match &packet.body {
        BodySpec::Tcp(tcp) => tcp_spec(&mut out, tcp),
        BodySpec::Icmp(icmp) => icmp_spec(&mut out, icmp),
        BodySpec::Other(text) => out.push_str(text),
    }
    out
}

fn ip_spec(ip: &IpSpec) -> String {
    let ecn = ip.ecn.map(|ecn| match ecn {
        EcnSpec::NotEct => "noecn".to_owned(),
        EcnSpec::Ect0 => "ect0".to_owned(),
        EcnSpec::Ect1 => "ect1".to_owned(),
        EcnSpec::Ect01 => "ect01".to_owned(),
        EcnSpec::Ce => "ce".to_owned(),
    });
    let tos = ip.tos.map(|tos| format!("tos 0x{tos:02x}"));
    let label = ip.flow_label.map(|label| format!("flowlabel 0x{label:x}"));
    let hops = ip.hop_limit.map(|hops| format!("ttl {hops}"));
    let parts: Vec<String> = [ecn, tos, label, hops].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("[{}] ", parts.join(", ")) }
}

// Writing to a String cannot fail; what `write!` returns says nothing.

fn tcp_spec(out: &mut String, tcp: &TcpSpec) {
    if let Some((src, dst)) = tcp.ports {
        let _ = write!(out, "{src} > {dst} ");
    }
    match tcp.flags.ace {
        Some(ace) => ace_flags(out, tcp.flags.flags, ace),
        None => letters(out, tcp.flags.flags),
    }
    out.push(' ');
    sequence_spec(out, tcp.sequence);
    if let Some(ack) = tcp.ack {
        let absolute = if ack.base == SequenceBase::Absolute { "!" } else { "" };
        let _ = write!(out, " ack {}{absolute}", ack.number);
    }
    if let Some(window) = tcp.window {
        let _ = write!(out, " win {window}");
    }
    if let Some(urgent) = tcp.urgent {
        let _ = write!(out, " urg {urgent}");
    }
    match &tcp.options {
        OptionsSpec::Any => out.push_str(" <...>"),
        OptionsSpec::List(list) => options_list(out, list.iter().map(option_spec)),
    }
}

fn sequence_spec(out: &mut String, sequence: SequenceSpec) {
    let SequenceSpec { start, base, length } = sequence;
    let absolute = if base == SequenceBase::Absolute { "!" } else { "" };
    let _ = match start {
        None => write!(out, "...({length})"),
        Some(start) => {
            write!(out, "{start}{absolute}:{}{absolute}({length})", start.wrapping_add(length))
        }
    };
}

fn letters(out: &mut String, flags: Flags) {
    if flags.is_empty() {
        out.push('-');
    }
    out.extend(LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| letter));
}

/// The three bits of Accurate ECN as a digit, as in `S1.`.
fn ace_flags(out: &mut String, flags: Flags, ace: u8) {
    let counted = Flags::AE | Flags::CWR | Flags::ECE;
    let rest = flags - counted - Flags::ACK;
    if !rest.is_empty() {
        letters(out, rest);
    }
    let _ = write!(out, "{ace}");
    if flags.contains(Flags::ACK) {
        out.push('.');
    }
}

fn options_list(out: &mut String, options: impl Iterator<Item = String>) {
    let options: Vec<String> = options.collect();
    if !options.is_empty() {
        let _ = write!(out, " <{}>", options.join(","));
    }
}

fn option_spec(option: &OptionSpec) -> String {
    let number = |number: Option<u32>| number.map_or("...".to_owned(), |number| number.to_string());
    match option {
        OptionSpec::Nop => "nop".to_owned(),
        OptionSpec::Eol => "eol".to_owned(),
        OptionSpec::Mss(mss) => format!("mss {mss}"),
        OptionSpec::WindowScale(shift) => format!("wscale {shift}"),
        OptionSpec::SackPermitted => "sackOK".to_owned(),
        OptionSpec::Sack(blocks) => sack(blocks.iter().copied()),
        OptionSpec::Timestamps { value, echo } => {
            format!("TS val {} ecr {}", number(*value), number(*echo))
        }
        OptionSpec::FastOpen(cookie) => cookie_spec("FO", cookie.as_deref()),
        OptionSpec::FastOpenExperimental(cookie) => cookie_spec("FOEXP", cookie.as_deref()),
        OptionSpec::Md5(digest) => cookie_spec("md5", digest.as_deref()),
        OptionSpec::Other { kind, data } => unknown(*kind, data),
        OptionSpec::NotSupported(text) => text.clone(),
    }
}

fn sack(blocks: impl Iterator<Item = (u32, u32)>) -> String {
    blocks.fold("sack".to_owned(), |mut out, (left, right)| {
        let _ = write!(out, " {left}:{right}");
        out
    })
}

fn cookie_spec(name: &str, cookie: Option<&[u8]>) -> String {
    match cookie {
        None => format!("{name} ..."),
        Some([]) => name.to_owned(),
        Some(cookie) => format!("{name} {}", hex(cookie)),
    }
}

fn unknown(kind: u8, data: &[u8]) -> String {
    if data.is_empty() { format!("{kind}") } else { format!("{kind} 0x{}", hex(data)) }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}

fn icmp_spec(out: &mut String, icmp: &IcmpSpec) {
    let _ = write!(out, "icmp {}", icmp.kind);
    if let Some(code) = &icmp.code {
        let _ = write!(out, " {code}");
    }
    if let Some(mtu) = icmp.mtu {
        let _ = write!(out, " mtu {mtu}");
    }
    if let Some(about) = icmp.about {
        out.push_str(" [");
        sequence_spec(out, about);
        out.push(']');
    }
}

/// A packet of the stack in the script's numbers. `like` is what was expected: where it says nothing
/// of the window or of ECN, those are left out.
pub(super) fn live(packet: &Packet, socket: &Socket, like: Option<&PacketSpec>) -> String {
    let mut out = "> ".to_owned();
    if like.is_some_and(|like| like.ip.ecn.is_some()) {
        let _ = write!(out, "[{}] ", ecn(packet.ecn));
    }
    if like.is_some_and(|like| like.ip.tos.is_some()) {
        let _ = write!(out, "[tos 0x{:02x}] ", packet.dscp << 2 | ecn_bits(packet.ecn));
    }
    if like.is_some_and(|like| like.ip.hop_limit.is_some()) {
        let _ = write!(out, "[ttl {}] ", packet.hop_limit);
    }
    let tcp = like.and_then(|like| match &like.body {
        BodySpec::Tcp(tcp) => Some(tcp),
        _ => None,
    });
    match &packet.body {
        Body::Tcp(segment) => live_tcp(&mut out, segment, socket, tcp),
        Body::Icmp(icmp) => {
            let _ = write!(out, "icmp {}", icmp_kind(icmp.kind));
        }
    }
    out
}

fn live_tcp(out: &mut String, segment: &Segment, socket: &Socket, like: Option<&TcpSpec>) {
    let digits = like.and_then(|like| like.flags.ace);
    match digits {
        Some(_) => ace_flags(out, segment.flags, ace(segment.flags)),
        None => letters(out, segment.flags),
    }
    let absolute = like.is_some_and(|like| like.sequence.base == SequenceBase::Absolute);
    let offset = if absolute { 0 } else { socket.local_isn.offset(segment.flags) };
    let mark = if absolute { "!" } else { "" };
    let start = segment.seq.value().wrapping_sub(offset);
    let length = segment.payload.len() as u32;
    let _ = write!(out, " {start}{mark}:{}{mark}({length})", start.wrapping_add(length));
    let acks = socket.remote_isn.offset(segment.flags);
    if segment.has(Flags::ACK) {
        let _ = write!(out, " ack {}", segment.ack.value().wrapping_sub(acks));
    } else if segment.ack.value() != 0 {
        let _ = write!(out, " ack {}", segment.ack.value());
    }
    if like.is_none_or(|like| like.window.is_some()) {
        let _ = write!(out, " win {}", segment.window);
    }
    if segment.urgent != 0 {
        let _ = write!(out, " urg {}", segment.urgent);
    }
    let padding = segment.options.padded();
    let options = padding.iter().map(|option| match option {
        Ok(option) => live_option(option, acks, socket),
        Err(error) => format!("[{error}]"),
    });
    let padded = trailing_octets(padding.as_bytes());
    options_list(out, options.chain(std::iter::repeat_n("eol".to_owned(), padded)));
}

/// Octets behind the first end of the list: a script writes `eol` for each of them.
fn trailing_octets(octets: &[u8]) -> usize {
    let mut at = 0;
    while let Some(kind) = octets.get(at) {
        at += match kind {
            0 => return octets.len() - at - 1,
            1 => 1,
            _ => octets.get(at + 1).map_or(1, |length| usize::from(*length).max(1)),
        };
    }
    0
}

/// Accurate ECN's counter in the three bits (RFC 9768 §3.1.2): AE, CWR, ECE.
fn ace(flags: Flags) -> u8 {
    let bit = |flag, value| if flags.contains(flag) { value } else { 0 };
    bit(Flags::AE, 4) | bit(Flags::CWR, 2) | bit(Flags::ECE, 1)
}

fn live_option(option: TcpOption<'_>, acks: u32, socket: &Socket) -> String {
    match option {
        TcpOption::EndOfList => "eol".to_owned(),
        TcpOption::NoOperation => "nop".to_owned(),
        TcpOption::MaximumSegmentSize(mss) => format!("mss {mss}"),
        TcpOption::WindowScale(shift) => format!("wscale {shift}"),
        TcpOption::SackPermitted => "sackOK".to_owned(),
        TcpOption::Sack(blocks) => {
            let number = |edge: twomsl_tcp::wire::SeqNum| edge.value().wrapping_sub(acks);
            sack(blocks.iter().map(|(left, right)| (number(left), number(right))))
        }
        TcpOption::Timestamps { value, echo } => {
            format!("TS val {} ecr {echo}", script_timestamp(value, socket))
        }
        TcpOption::FastOpen(cookie) => cookie_spec("FO", Some(cookie)),
        TcpOption::Unknown { kind: EXPERIMENTAL, data } if data.starts_with(&FAST_OPEN_MAGIC) => {
            cookie_spec("FOEXP", data.get(FAST_OPEN_MAGIC.len()..))
        }
        TcpOption::Unknown { kind: MD5, data } => cookie_spec("md5", Some(data)),
        TcpOption::Unknown { kind, data } => unknown(kind, data),
    }
}

/// A timestamp counted from the first one, which the script knows.
pub(super) fn script_timestamp(value: u32, socket: &Socket) -> u32 {
    let (script, live) = socket.first_timestamp.unwrap_or_default();
    script.wrapping_add(value.wrapping_sub(live))
}

const fn ecn(ecn: Ecn) -> &'static str {
    match ecn {
        Ecn::NotEct => "noecn",
        Ecn::Ect0 => "ect0",
        Ecn::Ect1 => "ect1",
        Ecn::Ce => "ce",
    }
}

/// The ECN field of the IP header (RFC 3168 §5).
pub(super) const fn ecn_bits(ecn: Ecn) -> u8 {
    match ecn {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    }
}

fn icmp_kind(kind: IcmpKind) -> String {
    match kind {
        IcmpKind::NetUnreachable => "unreachable net_unreachable".to_owned(),
        IcmpKind::HostUnreachable => "unreachable host_unreachable".to_owned(),
        IcmpKind::ProtocolUnreachable => "unreachable protocol_unreachable".to_owned(),
        IcmpKind::PortUnreachable => "unreachable port_unreachable".to_owned(),
        IcmpKind::PacketTooBig { mtu } => format!("unreachable frag_needed mtu {mtu}"),
        IcmpKind::SourceRouteFailed => "unreachable source_route_failed".to_owned(),
        IcmpKind::AdminProhibited => "unreachable packet_filtered".to_owned(),
        IcmpKind::SourceQuench => "source_quench".to_owned(),
        IcmpKind::HopLimitExceeded => "time_exceeded ttl_exceeded".to_owned(),
        IcmpKind::ReassemblyTimeout => "time_exceeded reassembly_timeout".to_owned(),
        IcmpKind::ParameterProblem => "parameter_problem".to_owned(),
    }
}
