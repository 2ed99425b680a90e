//! Socket tables as `ss -tanpo` prints them, one for each moment at which a trace holds some.
//!
//! ```text
//! 0.500  client
//! State      Recv-Q  Send-Q  Local Address:Port  Peer Address:Port  Age    Process  Timer
//! TIME-WAIT       0       0      10.0.0.1:49152        10.0.0.2:80  0.430  orphan   timer:(timewait,59.570s,0)
//! ```
//!
//! `State` is `ss`'s name; `Recv-Q` and `Send-Q` are octets not read and not acknowledged, for a
//! listener the connections waiting and the backlog. `Age` is how long the socket has been in its state, in
//! seconds: `ss` does not tell, and TIME-WAIT is about it. Times are cut as in a ladder. The timer is the earliest one, with the
//! time left and how often something was sent again. `Process` is who holds the socket.

use std::net::SocketAddr;

use twomsl_tcp::{Holder, Instant, Status, TcpState, TimerKind};

use crate::clock::{Clock, cut};
use crate::model::{Event, Trace};

/// `ss`'s headings, with `Age` put in before those that it has at the end of the line.
const HEAD: [&str; COLUMNS] = [
    "State",
    "Recv-Q",
    "Send-Q",
    "Local Address:Port",
    "Peer Address:Port",
    "Age",
    "Process",
    "Timer",
];

const COLUMNS: usize = 8;

/// Numbers and addresses stand to the right of their columns, as in `ss`.
const RIGHT: [bool; COLUMNS] = [false, true, true, true, true, true, false, false];

/// All tables of a trace, an empty line between two of them.
pub fn render(trace: &Trace) -> String {
    let mut tables = Vec::new();
    for record in &trace.records {
        if let Event::Table { host, sockets } = &record.event {
            let name = trace.about.name(*host);
            let (at, table) = (cut(record.at), table(record.at, sockets));
            tables.push(format!("{at}  {name}\n{table}"));
        }
    }
    tables.join("\n")
}

/// One table: a line of headings and a line for each socket.
pub fn table(now: Instant, sockets: &[Status]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    let since = sockets.iter().map(|status| status.since);
    let deadlines = sockets.iter().filter_map(|status| status.timers.first());
    let times = since.chain(deadlines.map(|(_, deadline)| *deadline)).chain([now]);
    let clock = Clock::of(times);
    rows.extend(sockets.iter().map(|status| row(clock, now, status)));
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Cells padded to the widest of their column, so that every table aligns by itself.
fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let cell = |column: usize| {
        let (text, width) = (&row[column], widths[column]);
        if RIGHT[column] { format!("{text:>width$}") } else { format!("{text:<width$}") }
    };
    let cells: Vec<_> = (0..COLUMNS).map(cell).collect();
    format!("{}\n", cells.join("  ").trim_end())
}

/// The cells of one socket, in the order of the headings.
fn row(clock: Clock, now: Instant, status: &Status) -> [String; COLUMNS] {
    [
        state(status.state).to_owned(),
        status.receive_queue.to_string(),
        status.send_queue.to_string(),
        status.local.to_string(),
        status.remote.map_or_else(|| anyone(status.local), |remote| remote.to_string()),
        clock.long(now.since(status.since)),
        holder(status.holder).to_owned(),
        status
            .timers
            .first()
            .map_or_else(String::new, |timer| self::timer(clock, now, *timer, status)),
    ]
}

/// `timer:(keepalive,7199.990s,0)`
fn timer(
    clock: Clock,
    now: Instant,
    (kind, deadline): (TimerKind, Instant),
    status: &Status,
) -> String {
    let left = clock.long(deadline.since(now));
    format!("timer:({},{left}s,{})", timer_name(kind), status.retransmits)
}

/// The peer of a listener.
fn anyone(local: SocketAddr) -> String {
    if local.is_ipv4() { "0.0.0.0:*".to_owned() } else { "[::]:*".to_owned() }
}

/// `ss`'s names differ from the RFC's for three states.
const fn state(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "UNCONN",
        TcpState::SynReceived => "SYN-RECV",
        TcpState::Established => "ESTAB",
        other => other.name(),
    }
}

/// `ss` says `on` for retransmissions and names the timers of Linux; those it does not have
/// keep our names.
const fn timer_name(timer: TimerKind) -> &'static str {
    match timer {
        TimerKind::Retransmission => "on",
        TimerKind::Persist => "persist",
        TimerKind::KeepAlive => "keepalive",
        TimerKind::TimeWait | TimerKind::FinWait2 => "timewait",
        TimerKind::LossProbe
        | TimerKind::Reordering
        | TimerKind::DelayedAck
        | TimerKind::UserTimeout
        | TimerKind::Linger => timer.name(),
    }
}

/// `ss -p` names processes; a world has roles, and what matters is whether one is left.
const fn holder(holder: Holder) -> &'static str {
    match holder {
        Holder::Application => "app",
        Holder::Listener => "listener",
        Holder::Orphan => "orphan",
    }
}
