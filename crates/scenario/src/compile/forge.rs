//! `forge`: a segment out of nothing.

use kdl::KdlValue;
use twomsl_sim::spec::{Forgery, HostIndex, PortSpec, SeqSpec, SeqVariable};
use twomsl_tcp::wire::Flags;

use super::trigger::trigger;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::value::{Host, Value, Wrong};
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

/// One forged segment.
pub(super) fn one(node: &Node<'_>) -> Option<Forgery> {
    let trigger = trigger(node);
    let (from, to) = (node.required("from"), node.required("to"));
    let seq: Option<SeqSpec> = node.required("seq");
    let flags: Option<Flags> = node.required("flags");
    let ack: Option<SeqSpec> = node.prop("ack");
    if ack.is_some() && flags.is_some_and(|flags| !flags.contains(Flags::ACK)) {
        let problem = Problem::at(node.prop_span("ack"), "`ack` without the flag ACK".to_owned());
        node.report(problem.label("means nothing").help("add ACK to `flags`"));
    }
    Some(Forgery {
        trigger: trigger?,
        from: from.map(|Host(host)| host)?,
        to: to.map(|Host(host)| host)?,
        src_port: node.prop_or("src-port", PortSpec::Live),
        dst_port: node.prop_or("dst-port", PortSpec::Live),
        seq: seq?,
        ack,
        flags: flags?,
        window: node.prop_or("window", DEFAULT_WINDOW),
        payload: node.prop("payload").unwrap_or_default(),
    })
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
