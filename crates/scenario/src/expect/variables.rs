//! Variables of connections at a moment, as `ss -i` shows them: windows over time.

use twomsl_sim::spec::HostIndex;
use twomsl_tcp::{Detail, Instant};

use super::facts::Facts;
use super::states::Held;
use super::{Connection, Counts};
use crate::language::names::{Table, name_of};

/// `variable`: one of a connection's numbers at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VariableWanted {
    pub(crate) host: HostIndex,
    pub(crate) variable: Variable,
    pub(crate) connection: Connection,
    pub(crate) at: Instant,
    /// What it may be.
    pub(crate) values: Counts,
}

/// What can be asked of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// In segments, as `ss` has it.
    CongestionWindow,
    /// In segments.
    Threshold,
    /// In octets, without options.
    SegmentSize,
    /// SND.NXT - SND.UNA, in octets.
    FlightSize,
    /// SND.WND, in octets.
    SendWindow,
    /// RCV.WND, in octets.
    ReceiveWindow,
    /// SRTT, in microseconds.
    RoundTrip,
    /// RTO, in microseconds.
    Timeout,
}

/// Their names; those that `ss` has are `ss`'s.
pub(crate) const VARIABLES: Table<Variable> = &[
    ("cwnd", Variable::CongestionWindow),
    ("ssthresh", Variable::Threshold),
    ("mss", Variable::SegmentSize),
    ("flight", Variable::FlightSize),
    ("snd-wnd", Variable::SendWindow),
    ("rcv-wnd", Variable::ReceiveWindow),
    ("rtt", Variable::RoundTrip),
    ("rto", Variable::Timeout),
];

impl Variable {
    fn of(self, detail: &Detail) -> u64 {
        let mss = detail.mss.max(1);
        match self {
            Self::CongestionWindow => (detail.congestion_window / mss).into(),
            Self::Threshold => (detail.slow_start_threshold / mss).into(),
            Self::SegmentSize => detail.mss.into(),
            Self::FlightSize => detail.snd_nxt.wrapping_sub(detail.snd_una).into(),
            Self::SendWindow => detail.snd_wnd.into(),
            Self::ReceiveWindow => detail.rcv_wnd.into(),
            Self::RoundTrip => detail.srtt / 1_000,
            Self::Timeout => detail.rto / 1_000,
        }
    }
}

/// The table of that moment has the connection, and its number is among those that may be.
pub(super) fn variable(wanted: &VariableWanted, facts: &Facts<'_>) -> Held {
    let Some(life) = facts.connection(wanted.host, wanted.connection) else {
        return Err(facts.no_connection(wanted.host, wanted.connection));
    };
    let rows = facts.table(wanted.host, wanted.at)?;
    let row = rows.iter().find(|row| row.socket == life.socket.id);
    let Some(detail) = row.and_then(|row| row.detail) else {
        return Err(format!("at {} the connection had no variables", wanted.at));
    };
    let found = wanted.variable.of(&detail);
    let least = wanted.values.min;
    if found >= least && wanted.values.max.is_none_or(|most| found <= most) {
        return Ok(());
    }
    Err(format!("{} was {found} at {}", name_of(VARIABLES, &wanted.variable), wanted.at))
}
