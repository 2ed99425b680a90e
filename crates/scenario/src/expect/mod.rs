//! Expectations: what should come of a run, and what came instead.

mod check;
mod facts;
mod manner;
mod monitors;
mod segments;
mod states;
mod variables;

use std::time::Duration;

use bytes::Bytes;
use twomsl_sim::End;
use twomsl_sim::spec::{Acks, HostIndex};
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Holder, Instant, SendReason, SocketError, TcpState, TimerKind, Verdict};

use crate::diagnostic::Span;

pub(crate) use check::check_all;
pub(crate) use facts::Facts;
pub use monitors::{Broken, Monitors};
pub(crate) use variables::{VARIABLES, Variable, VariableWanted};

/// One expectation of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Where it stands.
    pub(crate) span: Span,
    /// What it says.
    pub(crate) wanted: Wanted,
}

impl Expected {
    /// The moment whose socket tables must be in the trace for it.
    pub(crate) fn needs_table(&self) -> Option<Instant> {
        match &self.wanted {
            Wanted::Table(table) => Some(table.at),
            Wanted::Variable(variable) => Some(variable.at),
            _ => None,
        }
    }
}

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it stands: `file:line:column`.
    pub place: String,
    /// The expectation as it is written there.
    pub expectation: String,
    /// What happened instead, with times.
    pub instead: String,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `path`
    Path(PathWanted),
    /// `segments`
    Segments(SegmentsWanted),
    /// `timer`
    Timer(TimerWanted),
    /// `result`
    Result(ResultWanted),
    Read {
        host: HostIndex,
        octets: u64,
    },
    Written {
        host: HostIndex,
        octets: u64,
    },
    /// `state`
    State(StateWanted),
    /// `table`: the details of sockets need a table in the trace.
    Table(TableWanted),
    Sockets {
        host: HostIndex,
        at: Instant,
        state: Option<TcpState>,
        counts: Counts,
    },
    /// `ends`
    Ends(EndsWanted),
    /// `variable`: needs a table, too.
    Variable(VariableWanted),
    /// `drops`
    Drops(DropsWanted),
    Verdict {
        host: HostIndex,
        verdict: Verdict,
        counts: Counts,
    },
    Violation {
        invariant: u8,
        counts: Counts,
    },
}

/// The states of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathWanted {
    pub(crate) host: HostIndex,
    pub(crate) connection: Connection,
    pub(crate) states: Vec<TcpState>,
    /// `"..."` at the end: more may follow.
    pub(crate) open_end: bool,
}

/// A connection of a host, counted from 1 in the order in which they came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection(pub(crate) u64);

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
}

impl Counts {
    /// One or more.
    pub(crate) const SOME: Self = Self { min: 1, max: None };

    /// Whether a number is among them.
    pub(crate) fn hold(self, number: usize) -> bool {
        let number = number as u64;
        number >= self.min && self.max.is_none_or(|max| number <= max)
    }
}

/// Segments that hosts sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentsWanted {
    pub(crate) from: Option<HostIndex>,
    pub(crate) to: Option<HostIndex>,
    pub(crate) flags: Flags,
    pub(crate) without: Flags,
    /// What it acknowledges of its peer, as fault rules see it (RFC 9293 §3.4: SYN and FIN occupy a
    /// sequence number each).
    pub(crate) acks: Option<Acks>,
    /// What it carries.
    pub(crate) payload: Option<PayloadWanted>,
    pub(crate) src_port: Option<u16>,
    pub(crate) dst_port: Option<u16>,
    /// Whether it was sent before: a retransmission, or the answer to a SYN that came again.
    pub(crate) retransmission: Option<bool>,
    pub(crate) reason: Option<SendReason>,
    pub(crate) since: Option<Instant>,
    pub(crate) before: Option<Instant>,
    /// When each of them was sent. Compared as a list: one segment too many is a difference.
    pub(crate) times: Option<Vec<Instant>>,
    pub(crate) counts: Counts,
}

/// What a segment carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PayloadWanted {
    Empty,
    Some,
    Octets(Bytes),
    Length(u64),
}

/// What a timer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimerWanted {
    pub(crate) host: HostIndex,
    pub(crate) timer: TimerKind,
    pub(crate) connection: Option<Connection>,
    pub(crate) set: Option<u64>,
    pub(crate) restarts: Option<u64>,
    pub(crate) stopped: Option<u64>,
    pub(crate) fired: Option<u64>,
}

/// What calls of an application returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultWanted {
    pub(crate) host: HostIndex,
    pub(crate) call: String,
    pub(crate) answer: Answer,
    /// The result of this call of the name, from 1; without it, of any.
    pub(crate) nth: Option<u64>,
    pub(crate) at: Option<Instant>,
    pub(crate) by: Option<Instant>,
    pub(crate) counts: Counts,
}

/// What a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok,
    Octets(u64),
    EndOfFile,
    Error(SocketError),
}

/// A state that a connection was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateWanted {
    pub(crate) host: HostIndex,
    pub(crate) state: TcpState,
    pub(crate) connection: Option<Connection>,
    pub(crate) lasts: Option<Lasting>,
    /// By how much the duration may differ.
    pub(crate) within: Duration,
    pub(crate) at: Option<Instant>,
    pub(crate) counts: Option<Counts>,
}

/// How long a state lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    Exactly(Duration),
    /// To the end of the run.
    Forever,
}

/// Sockets in a table at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableWanted {
    pub(crate) host: HostIndex,
    pub(crate) at: Instant,
    pub(crate) sockets: Vec<SocketWanted>,
}

/// A socket in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketWanted {
    pub(crate) span: Span,
    pub(crate) state: Option<TcpState>,
    pub(crate) local_port: Option<u16>,
    pub(crate) remote_port: Option<u16>,
    pub(crate) receive_queue: Option<u32>,
    pub(crate) send_queue: Option<u32>,
    pub(crate) timer: Option<TimerKind>,
    pub(crate) retransmits: Option<u32>,
    pub(crate) holder: Option<Holder>,
}

/// How and when the run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndsWanted {
    pub(crate) how: Option<End>,
    pub(crate) at: Option<Instant>,
    pub(crate) by: Option<Instant>,
    pub(crate) after: Option<Instant>,
}

/// Packets that were dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DropsWanted {
    pub(crate) from: Option<HostIndex>,
    pub(crate) by: Option<String>,
    pub(crate) counts: Counts,
}
