//! Values of the language: from a KDL value to a type of the world, or a reason why not.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use kdl::KdlValue;
use twomsl_sim::spec::{HostIndex, Probability};
use twomsl_tcp::profile::CongestionControl;
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Instant, SendReason, SocketError, TcpState, TimerKind, Verdict, WhatIf};

use super::names::{self, Names, look_up};
use super::{suggest, units};

/// Why a value is not one of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A value of another kind: what was expected, and an example of it.
    pub(crate) fn kind(expected: &str, found: &KdlValue, example: &str) -> Self {
        let label = format!("expected {expected}");
        Self::new(format!("expected {expected}, found {}", describe(found)), label)
            .help(format!("for example {example}"))
    }

    /// A word that is none of a list.
    fn word<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut wrong = Self::new(format!("there is no {what} `{word}`"), format!("no {what}"));
        wrong.help = suggest::hint(word, known);
        wrong
    }
}

/// A type that a scenario can write down.
pub(crate) trait Value: Sized {
    /// How it is written, for hints.
    const EXAMPLE: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong>;
}

/// A value in words, for messages.
pub(crate) fn describe(value: &KdlValue) -> String {
    match value {
        KdlValue::String(text) if text.chars().count() > 40 => "a long text".to_owned(),
        KdlValue::String(text) => format!("the text {text:?}"),
        KdlValue::Integer(number) => format!("the number {number}"),
        KdlValue::Float(_) => "a number with a fraction".to_owned(),
        KdlValue::Bool(truth) => format!("#{truth}"),
        KdlValue::Null => "#null".to_owned(),
    }
}

/// The text of a value that must be one.
fn text<'a>(value: &'a KdlValue, expected: &str, example: &str) -> Result<&'a str, Wrong> {
    value.as_string().ok_or_else(|| Wrong::kind(expected, value, example))
}

/// A word of a table.
fn word<'v, T: Copy>(
    what: &str,
    value: &'v KdlValue,
    find: impl Fn(&'v str) -> Option<T>,
    known: &[&str],
) -> Result<T, Wrong> {
    let example = known.first().copied().unwrap_or_default();
    let text = text(value, &format!("the name of a {what}"), example)?;
    find(text).ok_or_else(|| Wrong::word(what, text, known.iter().copied()))
}

fn table<T: Copy>(
    what: &str,
    value: &KdlValue,
    table: &'static [(&'static str, T)],
) -> Result<T, Wrong> {
    let known: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    word(what, value, |name| look_up(table, name), &known)
}

/// A number that does not fit is told its bounds: silently cut to the width of a header
/// field, it would be another number.
///
/// Implements [`Value`] for integers within the bounds of their type.
macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            const EXAMPLE: &'static str = "1";

            fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
                let expected = "a whole number";
                let number = value.as_integer();
                let number = number.ok_or_else(|| Wrong::kind(expected, value, Self::EXAMPLE))?;
                Self::try_from(number).map_err(|_| {
                    let bounds = format!("between {} and {}", Self::MIN, Self::MAX);
                    Wrong::new(format!("{number} is not {bounds}"), bounds)
                })
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 i64 usize);

impl Value for bool {
    const EXAMPLE: &'static str = "#true";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| Wrong::kind("#true or #false", value, Self::EXAMPLE))
    }
}

impl Value for String {
    const EXAMPLE: &'static str = "\"…\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        text(value, "a text", Self::EXAMPLE).map(ToOwned::to_owned)
    }
}

impl Value for Bytes {
    const EXAMPLE: &'static str = "\"hello\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        String::read(value, names).map(Self::from)
    }
}

impl Value for WhatIf {
    const EXAMPLE: &'static str = "\"no-time-wait\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        word("what-if", value, |name| name.parse().ok(), &Self::ALL.map(Self::name))
    }
}

/// Any value at all: for those who look at its kind themselves.
impl Value for KdlValue {
    const EXAMPLE: &'static str = "…";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        Ok(value.clone())
    }
}

/// The unit is required: a bare number would mean seconds to one reader, milliseconds to another.
impl Value for Duration {
    const EXAMPLE: &'static str = "\"10ms\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let expected = "a duration with its unit";
        let wrong = || Wrong::kind(expected, value, "\"10ms\", \"1.5s\", \"2h\" or \"1m30s\"");
        let text = value.as_string().ok_or_else(wrong)?;
        units::duration(text).ok_or_else(wrong)
    }
}

/// A moment is written as the time since the start of the run.
impl Value for Instant {
    const EXAMPLE: &'static str = "\"1.5s\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        Duration::read(value, names).map(|since_start| Self::ZERO + since_start)
    }
}

/// Percent only: `0.01` could be meant as one percent or as a hundredth of it.
impl Value for Probability {
    const EXAMPLE: &'static str = "\"1%\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        use units::BadProbability::{Fine, Form, Range};
        let form = || Wrong::kind("a probability in percent", value, "\"0.1%\"");
        let text = value.as_string().ok_or_else(form)?;
        units::probability(text).map_err(|bad| match bad {
            Form => form(),
            Range => Wrong::new(format!("{text} is no probability"), "impossible")
                .help("a probability lies between 0% and 100%"),
            Fine => Wrong::new(format!("{text} is too fine"), "too many decimals")
                .help("a percentage has up to seven decimals here"),
        })
    }
}

/// A number of octets: a number, or a text with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl Value for Size {
    const EXAMPLE: &'static str = "\"64KiB\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        let Some(text) = value.as_string() else { return u64::read(value, names).map(Self) };
        let wrong = || Wrong::kind("a number of octets", value, "1460 or \"64KiB\"");
        units::size(text).map(Self).ok_or_else(wrong)
    }
}

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u64);

impl Value for Rate {
    const EXAMPLE: &'static str = "\"10Mbit\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let wrong = || Wrong::kind("a rate with its unit", value, Self::EXAMPLE);
        let rate = value.as_string().and_then(units::rate).ok_or_else(wrong)?;
        let nothing = Wrong::new("a rate of nothing never ends", "zero").help("leave `rate` out");
        if rate == 0 { Err(nothing) } else { Ok(Self(rate)) }
    }
}

/// A host that the file defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) HostIndex);

impl Host {
    /// The host of a name.
    pub(crate) fn named(name: &str, names: &Names) -> Result<Self, Wrong> {
        let known = names.hosts.iter().map(String::as_str);
        let found = names.hosts.iter().position(|host| host == name).map(Self);
        found.ok_or_else(|| Wrong::word("host", name, known))
    }
}

impl Value for Host {
    const EXAMPLE: &'static str = "\"client\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        Self::named(text(value, "the name of a host", Self::EXAMPLE)?, names)
    }
}

/// A port. RFC 9293 §3.1 gives it 16 bits; 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port(pub(crate) u16);

const PORTS: &str = "ports are 1 to 65535";

fn port_number(number: i128) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}

impl Value for Port {
    const EXAMPLE: &'static str = "80";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let number = value.as_integer();
        let number = number.ok_or_else(|| Wrong::kind("a port", value, Self::EXAMPLE))?;
        let no_port = || Wrong::new(format!("{number} is no port"), PORTS);
        port_number(number).map(Self).ok_or_else(no_port)
    }
}

/// A port of a host: `server:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) host: HostIndex,
    pub(crate) port: u16,
}

impl Value for HostPort {
    const EXAMPLE: &'static str = "\"server:80\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        let wrong = || Wrong::kind("a host and a port", value, Self::EXAMPLE);
        let text = value.as_string().ok_or_else(wrong)?;
        // From the right, as in URLs.
        let (name, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let Host(host) = Host::named(name, names)?;
        let number = port.parse::<i128>().ok().and_then(port_number);
        let no_port = || {
            Wrong::new(format!("`{port}` is no port"), PORTS)
                .help(format!("for example {}", Self::EXAMPLE))
        };
        Ok(Self { host, port: number.ok_or_else(no_port)? })
    }
}

/// States are spelt as in RFC 9293 §3.3.2; capitals do not matter.
impl Value for TcpState {
    const EXAMPLE: &'static str = "\"TIME-WAIT\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let known: Vec<&str> = Self::ALL.iter().map(|state| state.name()).collect();
        word("state", value, names::state, &known)
    }
}

impl Value for TimerKind {
    const EXAMPLE: &'static str = "\"time-wait\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let known = names::TIMERS.map(Self::name);
        let find = |name: &str| names::TIMERS.into_iter().find(|timer| timer.name() == name);
        word("timer", value, find, &known)
    }
}

impl Value for CongestionControl {
    const EXAMPLE: &'static str = "\"cubic\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        word("congestion control algorithm", value, Self::by_name, Self::NAMES)
    }
}

/// Errors have their POSIX names: those are what an application sees.
impl Value for SocketError {
    const EXAMPLE: &'static str = "\"ECONNRESET\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let known = names::ERRORS.map(Self::name);
        let find = |name: &str| names::ERRORS.into_iter().find(|error| error.name() == name);
        word("error", value, find, &known)
    }
}

/// What "segment arrives" made of a segment (RFC 9293 §3.10.7).
impl Value for Verdict {
    const EXAMPLE: &'static str = "\"old-duplicate\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        table("verdict", value, names::VERDICTS)
    }
}

impl Value for SendReason {
    const EXAMPLE: &'static str = "\"retransmission\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        table("reason", value, names::REASONS)
    }
}

impl Value for Flags {
    const EXAMPLE: &'static str = "\"SYN,ACK\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        flags(text(value, "flags", Self::EXAMPLE)?)
    }
}

/// Flags, separated by commas.
pub(crate) fn flags(text: &str) -> Result<Flags, Wrong> {
    let mut set = Flags::empty();
    for name in text.split(',').map(str::trim) {
        let known = names::FLAGS.iter().map(|(flag, _)| *flag);
        set |= look_up(names::FLAGS, name).ok_or_else(|| Wrong::word("flag", name, known))?;
    }
    Ok(set)
}

impl Value for IpAddr {
    const EXAMPLE: &'static str = "\"10.0.0.1\"";

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        let wrong = || Wrong::kind("an IPv4 or IPv6 address", value, Self::EXAMPLE);
        value.as_string().and_then(|text| text.parse().ok()).ok_or_else(wrong)
    }
}

/// One word of a small list.
pub(crate) trait Choice: Sized + Copy + 'static {
    /// What the list is of.
    const WHAT: &'static str;
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];
}

/// A value that is one word of a small list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OneOf<T>(pub(crate) T);

impl<T: Choice> Value for OneOf<T> {
    const EXAMPLE: &'static str = match T::WORDS.first() {
        Some((word, _)) => word,
        None => "",
    };

    fn read(value: &KdlValue, _: &Names) -> Result<Self, Wrong> {
        table(T::WHAT, value, T::WORDS).map(Self)
    }
}
