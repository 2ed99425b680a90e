//! The words that several renderings share.

use std::fmt::Debug;
use std::net::IpAddr;
use std::time::Duration;

use twomsl_tcp::wire::{Ecn, IcmpKind, Packet};
use twomsl_tcp::{Cause, SocketError, StateChange, TimerKind, Verdict};

use crate::clock::seconds;
use crate::model::{About, Action, Author, Decider, HostId};

/// `61,320`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 segment`, `42 segments`
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// The name of an enum's variant without its fields: `OldDuplicate` as `old-duplicate`.
pub(crate) fn kebab(variant: &impl Debug) -> String {
    let name = format!("{variant:?}");
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Who decided about a packet: `fault 1: drop FIN`, `loss`.
pub(crate) fn decider(by: &Decider) -> String {
    match by {
        Decider::Link => "link".to_owned(),
        Decider::Rule { number, text } => format!("fault {number}: {text}"),
        Decider::Impairment(name) => (*name).to_owned(),
        Decider::Middlebox(text) => text.clone(),
        Decider::Down => "host or link is down".to_owned(),
        Decider::NoRoute => "no route".to_owned(),
        Decider::Carrier => "lost in turmoil".to_owned(),
    }
}

/// Where a packet comes from that no host sent. Only what pretends is forged: a reset of a
/// middlebox is no attack.
pub(crate) fn author(by: &Author) -> String {
    match by {
        Author::Forger => "forged".to_owned(),
        Author::Middlebox(name) => format!("from {name}"),
        Author::Network => "from the network".to_owned(),
    }
}

/// Whether all that was done to a packet is the mark of a congested queue (RFC 3168 §5).
pub(crate) fn is_mark(before: &Packet, after: &Packet) -> bool {
    let marked = after.ecn == Ecn::Ce && before.ecn != Ecn::Ce;
    marked && before.hop_limit == after.hop_limit && before.body == after.body
}

/// What befell a host.
pub(crate) const fn action(action: Action) -> &'static str {
    match action {
        Action::Crashed => "crashed",
        Action::Rebooted => "rebooted",
        Action::Paused => "paused",
        Action::Resumed => "resumed",
        Action::LinkDown => "link down",
        Action::LinkUp => "link up",
    }
}

/// What a receiver made of a packet, with its source; none when it simply accepted it.
pub(crate) fn verdict(verdict: Verdict) -> Option<String> {
    let note = verdict.note()?;
    // Sources that are no RFC are manual pages and sysctls: they speak for themselves.
    let rfc = if note.rfc.starts_with(|c: char| c.is_ascii_digit()) { "RFC " } else { "" };
    Some(format!("{} ({rfc}{})", note.text, note.rfc))
}

/// `read → 5`, `read → end of file`, `connect → ECONNREFUSED`
pub(crate) fn result(call: &str, result: Result<Option<u64>, SocketError>) -> String {
    match result {
        Ok(Some(0)) if call.starts_with("read") => format!("{call} → end of file"),
        Ok(Some(octets)) => format!("{call} → {}", grouped(octets)),
        Ok(None) => format!("{call} → ok"),
        Err(error) => format!("{call} → {}", error.name()),
    }
}

/// `SYN-SENT → CLOSED: no answer`; the cause only where the segments do not show it.
pub(crate) fn change(change: StateChange, lasted: Option<Duration>) -> String {
    let after = lasted.map(|lasted| format!(" after {}", seconds(lasted))).unwrap_or_default();
    let cause = cause(change.cause).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{} → {}{after}{cause}", change.from, change.to)
}

/// Causes that no arrow of a ladder explains by itself.
fn cause(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Abort => "aborted",
        Cause::Rst => "reset",
        Cause::Icmp => "ICMP error",
        Cause::SynCookie => "its SYN cookie came back",
        Cause::Reuse => "a new SYN takes over",
        Cause::TimeWaitFull => "TIME-WAIT table full",
        Cause::TooManyOrphans => "too many orphans",
        Cause::Timeout(timer) => timeout(timer),
        _ => return None,
    })
}

/// What a timer that ran out means for the connection it ended.
const fn timeout(timer: TimerKind) -> &'static str {
    match timer {
        TimerKind::LossProbe => "tail loss probe",
        TimerKind::Reordering => "reordering window over",
        TimerKind::Retransmission => "retransmissions used up",
        TimerKind::Persist => "window probes used up",
        TimerKind::KeepAlive => "keepalives used up",
        TimerKind::DelayedAck => "delayed ACK",
        TimerKind::TimeWait => "2MSL over",
        TimerKind::FinWait2 => "FIN-WAIT-2 timer over",
        TimerKind::UserTimeout => "user timeout over",
        TimerKind::Linger => "linger time over",
        TimerKind::Idle => "idle for too long",
    }
}

/// An ICMP error in tcpdump's words.
pub(crate) fn icmp(kind: IcmpKind) -> String {
    match kind {
        IcmpKind::NetUnreachable => "net unreachable".to_owned(),
        IcmpKind::HostUnreachable => "host unreachable".to_owned(),
        IcmpKind::ProtocolUnreachable => "protocol unreachable".to_owned(),
        IcmpKind::PortUnreachable => "port unreachable".to_owned(),
        IcmpKind::PacketTooBig { mtu } => format!("packet too big, mtu {mtu}"),
        IcmpKind::SourceRouteFailed => "source route failed".to_owned(),
        IcmpKind::AdminProhibited => "admin prohibited".to_owned(),
        IcmpKind::SourceQuench => "source quench".to_owned(),
        IcmpKind::HopLimitExceeded => "time exceeded in-transit".to_owned(),
        IcmpKind::ReassemblyTimeout => "reassembly time exceeded".to_owned(),
        IcmpKind::ParameterProblem => "parameter problem".to_owned(),
    }
}

impl About {
    /// The name of a host; a number stands in for one that the heading does not list.
    pub fn name(&self, host: HostId) -> String {
        match self.hosts.get(usize::from(host.0)) {
            Some(info) => info.name.clone(),
            None => format!("host {}", host.0),
        }
    }

    /// The host that has an address.
    pub(crate) fn host_of(&self, address: IpAddr) -> Option<HostId> {
        let host = self.hosts.iter().position(|host| host.addresses.contains(&address))?;
        u16::try_from(host).ok().map(HostId)
    }
}
