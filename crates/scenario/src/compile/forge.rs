//! `forge`, `forge-icmp`: a segment or an ICMP error out of nothing.

use kdl::KdlValue;
use twomsl_sim::spec::{Forged, Forgery, HostIndex, PortSpec, SeqSpec, SeqVariable};
use twomsl_tcp::wire::{Flags, IcmpKind};

use super::trigger::trigger;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::value::{Choice, Host, OneOf, Value, Wrong};
use crate::language::{Names, suggest};

/// What a forged segment announces if nothing is said: the most a header can without scaling.
const DEFAULT_WINDOW: u16 = u16::MAX;

/// The sequence variables of RFC 9293 §3.3.1.
const VARIABLES: &[(&str, SeqVariable)] = &[
    ("iss", SeqVariable::Iss),
    ("snd-una", SeqVariable::SndUna),
    ("snd-nxt", SeqVariable::SndNxt),
    ("irs", SeqVariable::Irs),
    ("rcv-nxt", SeqVariable::RcvNxt),
    ("rcv-end", SeqVariable::RcvEnd),
];

/// The kinds of ICMP errors, as a ladder names them.
const KINDS: &[(&str, IcmpKind)] = &[
    ("net-unreachable", IcmpKind::NetUnreachable),
    ("host-unreachable", IcmpKind::HostUnreachable),
    ("protocol-unreachable", IcmpKind::ProtocolUnreachable),
    ("port-unreachable", IcmpKind::PortUnreachable),
    ("packet-too-big", IcmpKind::PacketTooBig { mtu: 0 }),
    ("source-route-failed", IcmpKind::SourceRouteFailed),
    ("admin-prohibited", IcmpKind::AdminProhibited),
    ("source-quench", IcmpKind::SourceQuench),
    ("time-exceeded", IcmpKind::HopLimitExceeded),
    ("reassembly-time-exceeded", IcmpKind::ReassemblyTimeout),
    ("parameter-problem", IcmpKind::ParameterProblem),
];

/// Everything forged, in the order of the file.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<Forgery> {
    let forged = nodes.iter().filter_map(|node| match node.name() {
        "forge" => segment(node),
        "forge-icmp" => icmp(node),
        _ => None,
    });
    forged.collect()
}

/// One forged segment.
fn segment(node: &Node<'_>) -> Option<Forgery> {
    let trigger = trigger(node);
    let (from, to) = (node.required("from"), node.required("to"));
    let seq: Option<SeqSpec> = node.required("seq");
    let flags: Option<Flags> = node.required("flags");
    let ack: Option<SeqSpec> = node.prop("ack");
    if ack.is_some() && flags.is_some_and(|flags| !flags.contains(Flags::ACK)) {
        let problem = Problem::at(node.prop_span("ack"), "`ack` without the flag ACK".to_owned());
        node.report(problem.label("means nothing").help("add ACK to `flags`"));
    }
    let window = node.prop_or("window", DEFAULT_WINDOW);
    let payload = node.prop("payload").unwrap_or_default();
    Some(Forgery {
        trigger: trigger?,
        from: from.map(|Host(host)| host)?,
        to: to.map(|Host(host)| host)?,
        src_port: node.prop_or("src-port", PortSpec::Live),
        dst_port: node.prop_or("dst-port", PortSpec::Live),
        seq: seq?,
        what: Forged::Segment { ack, flags: flags?, window, payload },
    })
}

/// One forged ICMP error: `to` has sent the segment that it is about to the host `about`. Ports
/// are those of that segment; without `seq` it is the oldest that is not acknowledged.
fn icmp(node: &Node<'_>) -> Option<Forgery> {
    let trigger = trigger(node);
    let (about, to) = (node.required("about"), node.required("to"));
    let to = to.map(|Host(host)| host)?;
    let oldest = SeqSpec::Relative { host: to, variable: SeqVariable::SndUna, offset: 0 };
    Some(Forgery {
        trigger: trigger?,
        from: about.map(|Host(host)| host)?,
        to,
        src_port: node.prop_or("dst-port", PortSpec::Live),
        dst_port: node.prop_or("src-port", PortSpec::Live),
        seq: node.prop_or("seq", oldest),
        what: Forged::Icmp(kind(node)?),
    })
}

/// An MTU of 0 is what routers say that do not know RFC 1191.
fn kind(node: &Node<'_>) -> Option<IcmpKind> {
    let OneOf(kind): OneOf<IcmpKind> = node.arg(0)?;
    let mtu = node.prop("mtu");
    match (kind, mtu) {
        (IcmpKind::PacketTooBig { .. }, mtu) => {
            Some(IcmpKind::PacketTooBig { mtu: mtu.unwrap_or(0) })
        }
        (kind, None) => Some(kind),
        (kind, Some(_)) => {
            node.wrong(node.prop_span("mtu"), "only `packet-too-big` tells an MTU", "not here");
            Some(kind)
        }
    }
}

impl Choice for IcmpKind {
    const WHAT: &'static str = "ICMP error";
    const WORDS: &'static [(&'static str, Self)] = KINDS;
}

impl Value for PortSpec {
    const EXAMPLE: &'static str = "\"live\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        match value.as_string() {
            Some("live") => Ok(Self::Live),
            Some(_) => Err(Wrong::kind("a port", value, "80 or \"live\"")),
            None => u16::read(value, names).map(Self::Number),
        }
    }
}

impl Value for SeqSpec {
    const EXAMPLE: &'static str = "\"client.snd-nxt\"";

    /// A number, or a variable of a host's connection with an offset: `client.rcv-nxt+100`.
    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        let Some(text) = value.as_string() else {
            return u32::read(value, names).map(Self::Absolute);
        };
        let wrong = || Wrong::kind("a sequence number", value, "1000 or \"client.snd-nxt+1\"");
        let (host, rest) = text.split_once('.').ok_or_else(wrong)?;
        let Host(host) = Host::named(host, names)?;
        relative(host, rest).map_err(|help| help.map_or_else(wrong, |help| wrong().help(help)))
    }
}

/// `snd-nxt-1`: the hyphen of the name comes before that of the offset.
fn relative(host: HostIndex, text: &str) -> Result<SeqSpec, Option<String>> {
    let fits = |(name, _): &&(&str, SeqVariable)| text.starts_with(name);
    let hint = || suggest::hint(text, VARIABLES.iter().map(|(name, _)| *name));
    let (name, variable) = VARIABLES.iter().find(fits).ok_or_else(hint)?;
    let offset = text.get(name.len()..).unwrap_or_default().trim();
    let offset = if offset.is_empty() { Some(0) } else { signed(offset) };
    offset.map(|offset| SeqSpec::Relative { host, variable: *variable, offset }).ok_or(None)
}

/// `+100` or `-1`: the sign is needed.
fn signed(text: &str) -> Option<i64> {
    let number = text.strip_prefix('+').or_else(|| text.strip_prefix('-'))?.trim();
    let size = i64::from(number.parse::<u32>().ok()?);
    Some(if text.starts_with('-') { -size } else { size })
}
