//! Whether a call has answered what the script expects.

use std::net::SocketAddr;

use super::super::script::{Expression, ExpressionKind, SystemCall};
use super::super::setup::Setup;
use super::super::symbols::{self, POLL_BITS};
use super::super::system::{ControlMessage, EpollEvent, Errno, Reply, ReplyOutput, Request};
use super::arguments::{Arguments, field, number, record};
use super::options::{Expected, Member};
use super::{CallProblem, Descriptors, addresses};

/// Holds a reply against what the script says, and learns which descriptors the script now has.
/// What differs is told in the script's words.
pub(crate) fn check(
    call: &SystemCall,
    setup: &Setup,
    descriptors: &mut Descriptors,
    request: &Request,
    reply: &Reply,
) -> Result<(), String> {
    let told = Arguments { call, setup, descriptors };
    let result = told.result(reply).and_then(|()| told.output(reply));
    learn(call, descriptors, request, reply)?;
    result.map_err(|text| format!("{}: {text}", call.name))
}

/// Descriptors that were opened have the numbers that the script expects; those that were closed
/// are gone.
fn learn(
    call: &SystemCall,
    descriptors: &mut Descriptors,
    request: &Request,
    reply: &Reply,
) -> Result<(), String> {
    match (request, &reply.result, &reply.output) {
        (Request::Close { fd }, Ok(_), _) => descriptors.closed(*fd),
        (_, Ok(_), ReplyOutput::Pipe(read, write)) => {
            let Some(ExpressionKind::List(items)) = call.arguments.first().map(|list| &list.kind)
            else {
                return Ok(());
            };
            for (item, live) in items.iter().zip([*read, *write]) {
                open(call, descriptors, number(item).ok(), live)?;
            }
        }
        (
            Request::Socket { .. }
            | Request::Accept { .. }
            | Request::Open { .. }
            | Request::EpollCreate { .. },
            Ok(live),
            _,
        ) => {
            let script = call.result.as_ref().and_then(|result| number(result).ok());
            open(call, descriptors, script.filter(|script| *script >= 0), *live as i32)?;
        }
        _ => {}
    }
    Ok(())
}

/// Where the script does not say which number it expects, it is that of the machine.
fn open(
    call: &SystemCall,
    descriptors: &mut Descriptors,
    script: Option<i64>,
    live: i32,
) -> Result<(), String> {
    let script = script.unwrap_or_else(|| live.into());
    if descriptors.is_open(script) {
        return Err(format!("{}: the script has a descriptor {script} already", call.name));
    }
    descriptors.opened(script, live);
    Ok(())
}

impl Arguments<'_> {
    /// The value, and the error.
    fn result(&self, reply: &Reply) -> Result<(), String> {
        let Some(expected) = self.call.result.as_ref().filter(|result| !result.is_ellipsis())
        else {
            return Ok(());
        };
        let value = number(expected).map_err(text_of)?;
        let opens = value >= 0 && self.opens();
        let same = match reply.result {
            Ok(_) if opens => true,
            Ok(got) => got == value,
            Err(errno) => value == -1 && self.is_expected(errno),
        };
        if same && (value != -1 || reply.result.is_err() || self.call.errno.is_none()) {
            return Ok(());
        }
        Err(format!("expected {}, got {}", self.expectation(value), told(reply)))
    }

    /// Whether its result is a descriptor, whose number is the machine's business.
    fn opens(&self) -> bool {
        let name = self.name();
        matches!(name, "socket" | "accept" | "accept4" | "open" | "epoll_create" | "epoll_create1")
    }

    fn is_expected(&self, errno: Errno) -> bool {
        let Some(name) = &self.call.errno else { return true };
        Errno::by_name(name) == Some(errno)
    }

    fn expectation(&self, value: i64) -> String {
        match &self.call.errno {
            Some(name) => match Errno::by_name(name) {
                Some(errno) => format!("{value} {errno}"),
                None => format!("{value} {name}"),
            },
            None => value.to_string(),
        }
    }

    /// What the call wrote into its arguments. A call that failed wrote nothing.
    fn output(&self, reply: &Reply) -> Result<(), String> {
        if reply.result.is_err() {
            return Ok(());
        }
        match &reply.output {
            ReplyOutput::Nothing | ReplyOutput::Pipe(..) => Ok(()),
            ReplyOutput::Octets(octets) => self.option(octets),
            ReplyOutput::Integer(got) => self.integer(*got),
            ReplyOutput::Address(address) => self.name_of(*address),
            ReplyOutput::Polled(revents) => self.polled(revents),
            ReplyOutput::Ready(events) => self.ready(events),
            ReplyOutput::Message { flags, control, name: _ } => self.received(*flags, control),
        }
    }

    fn option(&self, octets: &[u8]) -> Result<(), String> {
        match self.expected_value().map_err(text_of)? {
            Expected::Anything => Ok(()),
            Expected::Text(text) => {
                let length = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
                let got = String::from_utf8_lossy(&octets[..length]);
                let length = text.find('\0').unwrap_or(text.len());
                same(&format!("\"{}\"", &text[..length]), &format!("\"{got}\""))
            }
            Expected::Numbers(members) => {
                members.iter().try_for_each(|member| compare_member(member, octets))
            }
        }
    }

    fn integer(&self, got: i32) -> Result<(), String> {
        let Some(expected) = self.argument(2).filter(|value| !value.is_ellipsis()) else {
            return Ok(());
        };
        if expected.is_null() {
            return Ok(());
        }
        let expected = Self::inner_number(expected).map_err(text_of)?;
        same(&format!("[{expected}]"), &format!("[{got}]"))
    }

    /// The address that `accept` or `getsockname` tells, where the script says which.
    fn name_of(&self, got: Option<SocketAddr>) -> Result<(), String> {
        let place = if self.name() == "recvfrom" { 4 } else { 1 };
        let (Some(value), Some(got)) = (self.argument(place), got) else { return Ok(()) };
        if !matches!(value.kind, ExpressionKind::Record(_)) {
            return Ok(());
        }
        let expected = addresses::explicit(value, got).map_err(text_of)?;
        same(&expected.to_string(), &got.to_string())
    }

    fn polled(&self, got: &[i16]) -> Result<(), String> {
        let entries = self.poll_entries(0).map_err(text_of)?;
        for ((entry, expected), got) in entries.iter().zip(got) {
            let Some(expected) = expected else { continue };
            let got = i64::from(got.cast_unsigned());
            if *expected != got {
                let fd = self.descriptors.script(entry.fd).unwrap_or_else(|| entry.fd.into());
                let expected = symbols::bits(*expected, POLL_BITS);
                let got = symbols::bits(got, POLL_BITS);
                return Err(format!("of {fd} expected revents={expected}, got {got}"));
            }
        }
        Ok(())
    }

    fn ready(&self, got: &[EpollEvent]) -> Result<(), String> {
        let Some(expected) = self.epoll_events(1).map_err(text_of)? else { return Ok(()) };
        // Room for events that did not come is no expectation.
        let expected = &expected[..expected.len().min(got.len())];
        for (expected, got) in expected.iter().zip(got) {
            if expected != got {
                return Err(format!("expected {}, got {}", event(expected), event(got)));
            }
        }
        Ok(())
    }

    /// `msg_flags` and `msg_control`, where the script says something about them.
    fn received(&self, flags: i32, control: &[ControlMessage]) -> Result<(), String> {
        let fields = record(self.at(1).map_err(text_of)?).map_err(text_of)?;
        if let Some(expected) = field(fields, &["msg_flags"]).filter(|value| !value.is_ellipsis()) {
            let expected = number(expected).map_err(text_of)?;
            same(&format!("msg_flags={expected:#x}"), &format!("msg_flags={flags:#x}"))?;
        }
        match field(fields, &["msg_control"]).filter(|value| !value.is_ellipsis()) {
            Some(expected) => Self::control(expected, control),
            None => Ok(()),
        }
    }

    fn control(expected: &Expression, got: &[ControlMessage]) -> Result<(), String> {
        let expected = Self::control_messages(expected).map_err(text_of)?;
        if expected.len() != got.len() {
            let (expected, got) = (expected.len(), got.len());
            return Err(format!("expected {expected} control messages, got {got}: {got:?}"));
        }
        for (expected, got) in expected.iter().zip(got) {
            let heading = |message: &ControlMessage| {
                format!("cmsg_level={}, cmsg_type={}", message.level, message.kind)
            };
            same(&heading(expected), &heading(got))?;
            if is_close_stamp(expected, got) {
                continue;
            }
            let length = expected.data.len();
            if !got.data.starts_with(&expected.data) {
                let got = got.data.get(..length).unwrap_or(&got.data);
                same(&format!("cmsg_data={:?}", expected.data), &format!("cmsg_data={got:?}"))?;
            }
        }
        Ok(())
    }
}

/// Whether both are time stamps, and as close as times of a script are held to.
fn is_close_stamp(expected: &ControlMessage, got: &ControlMessage) -> bool {
    /// The usual tolerance, in nanoseconds.
    const TOLERANCE: u64 = 4_000_000;
    let stamp = (symbols::SOL_SOCKET, symbols::SCM_TIMESTAMPING);
    let nanos = |message: &ControlMessage| {
        let word = |place: usize| {
            let octets = message.data.get(place..place + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(octets))
        };
        word(0)?.checked_mul(1_000_000_000)?.checked_add(word(8)?)
    };
    (i64::from(expected.level), i64::from(expected.kind)) == stamp
        && nanos(expected).zip(nanos(got)).is_some_and(|(a, b)| a.abs_diff(b) <= TOLERANCE)
}

fn compare_member(member: &Member, octets: &[u8]) -> Result<(), String> {
    let end = (member.offset + member.length).min(octets.len());
    let octets = octets.get(member.offset..end).unwrap_or_default();
    let got = signed(octets);
    // 32 bits may be meant with or without a sign.
    if got == member.number || unsigned(octets) == member.number {
        return Ok(());
    }
    let name = if member.name.is_empty() { String::new() } else { format!("{}=", member.name) };
    same(&format!("{name}{}", member.number), &format!("{name}{got}"))
}

fn unsigned(octets: &[u8]) -> i64 {
    let mut whole = [0; 8];
    whole[..octets.len()].copy_from_slice(octets);
    i64::from_le_bytes(whole)
}

fn signed(octets: &[u8]) -> i64 {
    let free = 64 - 8 * octets.len() as u32;
    if octets.is_empty() { 0 } else { unsigned(octets) << free >> free }
}

fn same(expected: &str, got: &str) -> Result<(), String> {
    if expected == got { Ok(()) } else { Err(format!("expected {expected}, got {got}")) }
}

fn told(reply: &Reply) -> String {
    match reply.result {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}

fn event(event: &EpollEvent) -> String {
    let events = symbols::bits(event.events.into(), symbols::EPOLL_BITS);
    format!("{{events={events}, data={}}}", event.data)
}

fn text_of(problem: CallProblem) -> String {
    match problem {
        CallProblem::NotSupported { text, .. } => format!("not supported: {text}"),
        CallProblem::Wrong { text, .. } => text,
    }
}
