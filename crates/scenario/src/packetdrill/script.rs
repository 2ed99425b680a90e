//! A script as it was read: what it says, not yet what it means.
//!
//! The grammar is read into these types (`syntax`), and the runner gives them their meaning
//! (`runner`). Words such as `SO_ERROR` stay words here; `symbols` knows their numbers.

use crate::diagnostic::Span;

/// A whole script.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Script {
    /// `--name=value`, at the top.
    pub(crate) options: Vec<ScriptOption>,
    /// What happens, in the order of the file. A command before the first time stamp is an event
    /// at time 0.
    pub(crate) events: Vec<Event>,
}

/// `--tolerance_usecs=10000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptOption {
    /// Without the two dashes: `tolerance_usecs`.
    pub(crate) name: String,
    /// What follows the `=`, if anything does.
    pub(crate) value: Option<String>,
    pub(crate) span: Span,
}

/// A line of a script: when, and what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) time: Time,
    pub(crate) action: Action,
    /// The whole event with its time.
    pub(crate) span: Span,
}

/// When an event happens. Microseconds; what is finer is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// `1.5`: since the start of the script.
    Absolute(u64),
    /// `+.1`: since the previous event actually finished.
    Relative(u64),
    /// `*`: whenever it comes (outbound packets only).
    Any,
    /// `1~2`: between two moments since the start of the script (outbound packets only).
    AbsoluteRange(u64, u64),
    /// `+1~+2` or `+1~2`: between two moments since the previous event (outbound packets only).
    RelativeRange(u64, u64),
    /// `1...1.5`: a blocking call with its start and its end, both since the start of the script.
    AbsoluteCall(u64, u64),
    /// `+0...0.2`: the same since the previous event; both are counted from there.
    RelativeCall(u64, u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// `< S 0:0(0) win 1000` or `> . 1:1(0) ack 1`.
    Packet(Box<PacketSpec>),
    /// `socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`.
    Call(SystemCall),
    /// What stands in backticks.
    Command(String),
    /// What stands between `%{` and `}%`.
    Code(String),
}

/// A system call with what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SystemCall {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Expression>,
    /// What follows the `=`: an integer, a word, or `...`. `None` where nothing is said.
    pub(crate) result: Option<Expression>,
    /// `EINPROGRESS`.
    pub(crate) errno: Option<String>,
    /// `Operation now in progress`, or what google's strace-like notes say. Not compared.
    pub(crate) note: Option<String>,
    pub(crate) span: Span,
}

/// An argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExpressionKind {
    /// `...`: whatever the runner has, or anything at all.
    Ellipsis,
    /// `NULL`.
    Null,
    /// A number, decimal, hexadecimal or octal, with its sign.
    Integer(i64),
    /// A number with a point, as some structures have.
    Decimal(f64),
    /// `SO_ERROR`.
    Word(String),
    /// `"cubic"`, without its quotes, escapes undone.
    Text(String),
    /// `~O_NONBLOCK`, or a minus before a word.
    Unary(char, Box<Expression>),
    /// `O_RDWR|O_NONBLOCK`, also `+`, `-`, `*`, `&`, `<<`, `>>` by their first character.
    Binary(char, Box<Expression>, Box<Expression>),
    /// `[0]`, `[{fd=4, events=POLLIN}]`.
    List(Vec<Expression>),
    /// `{onoff=1, linger=0}`, `{..., 1000}`.
    Record(Vec<Field>),
    /// `htons(8080)`, `inet_addr("192.0.2.1")`.
    Function(String, Vec<Expression>),
}

/// A member of a structure in braces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// `onoff` in `onoff=1`; `None` in `{..., 1000}`.
    pub(crate) name: Option<String>,
    /// What stands in parentheses behind the name: `msg_iov(2)=[…]`.
    pub(crate) count: Option<Expression>,
    pub(crate) value: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `<`: into the stack under test.
    Inbound,
    /// `>`: out of it.
    Outbound,
}

/// A packet that a script injects or expects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PacketSpec {
    pub(crate) direction: Direction,
    pub(crate) ip: IpSpec,
    /// `ipv4 1.2.3.4 > 5.6.7.8:`, `gre:`, `mpls …:` before the packet itself, each as written.
    pub(crate) encapsulation: Vec<String>,
    /// `/udp(9899 > 9899)`: source and destination port.
    pub(crate) udp_encapsulation: Option<(u16, u16)>,
    pub(crate) body: BodySpec,
    pub(crate) span: Span,
}

/// What stands in brackets before the flags: `[ect0]`, `[tos 0x10, ttl 64]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct IpSpec {
    pub(crate) ecn: Option<EcnSpec>,
    /// The whole octet.
    pub(crate) tos: Option<u8>,
    pub(crate) flow_label: Option<u32>,
    pub(crate) hop_limit: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EcnSpec {
    /// `noecn`
    NotEct,
    /// `ect0`
    Ect0,
    /// `ect1`
    Ect1,
    /// `ect01`: either.
    Ect01,
    /// `ce`
    Ce,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BodySpec {
    Tcp(TcpSpec),
    Icmp(IcmpSpec),
    /// `udp (length)` and whatever else is no TCP; as written. Parsed, never run.
    Other(String),
}

/// `S. 0:0(0) ack 1 win 32792 <mss 1460>`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TcpSpec {
    /// `8080 > 53055`, where ports are given.
    pub(crate) ports: Option<(u16, u16)>,
    pub(crate) flags: FlagSpec,
    pub(crate) sequence: SequenceSpec,
    pub(crate) ack: Option<AckSpec>,
    /// `win 1000`, the raw field. `None`: not given, or `win ...`.
    pub(crate) window: Option<u16>,
    pub(crate) urgent: Option<u16>,
    pub(crate) options: OptionsSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlagSpec {
    /// The bits that letters and ACE digits stand for.
    pub(crate) flags: twomsl_tcp::wire::Flags,
    /// An ACE field was written as a digit (0 to 7): AE, CWR and ECE are in `flags`.
    pub(crate) ace: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequenceSpec {
    /// `None` for `...`.
    pub(crate) start: Option<u32>,
    /// `seq!`: counted from zero, not from the initial sequence number.
    pub(crate) base: SequenceBase,
    /// Octets of text, from the parentheses. It has been checked against `start:end`.
    pub(crate) length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AckSpec {
    pub(crate) number: u32,
    pub(crate) base: SequenceBase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceBase {
    /// Relative to the live initial sequence number (absolute in segments with a SYN).
    Live,
    /// As it stands.
    Absolute,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OptionsSpec {
    /// `<...>`: not looked at.
    Any,
    /// In this order; nothing written is an empty list.
    List(Vec<OptionSpec>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OptionSpec {
    Nop,
    Eol,
    Mss(u16),
    WindowScale(u8),
    SackPermitted,
    /// Blocks in script numbers.
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 50`; `None` for `...`.
    Timestamps {
        value: Option<u32>,
        echo: Option<u32>,
    },
    /// `FO 0123456789abcdef`, its cookie as bytes; empty asks for one. `None` for `FO ...`.
    FastOpen(Option<Vec<u8>>),
    /// The experimental kind 254 with the magic 0xF989.
    FastOpenExperimental(Option<Vec<u8>>),
    Md5(Option<Vec<u8>>),
    /// Any other kind with its octets.
    Other {
        kind: u8,
        data: Vec<u8>,
    },
    /// One of a protocol that is not here (MPTCP, TCP-AO, …), as written.
    NotSupported(String),
}

/// `icmp unreachable frag_needed mtu 1200 [1:1001(1000)]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IcmpSpec {
    /// `unreachable`, or a number as written.
    pub(crate) kind: String,
    /// `frag_needed`.
    pub(crate) code: Option<String>,
    pub(crate) mtu: Option<u32>,
    /// The segment it is about, in script numbers. `None`: one that begins at the initial sequence
    /// number, as a SYN does.
    pub(crate) about: Option<SequenceSpec>,
    /// What is quoted is no TCP.
    pub(crate) about_other: Option<String>,
}
