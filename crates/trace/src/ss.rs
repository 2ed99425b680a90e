//! Socket tables as `ss -tanpo` prints them, one for each moment at which a trace holds some.
//!
//! ```text
//! 0.500  client
//! State      Recv-Q  Send-Q  Local Address:Port  Peer Address:Port  Age    Process  Timer
//! TIME-WAIT       0       0      10.0.0.1:49152        10.0.0.2:80  0.430  orphan   timer:(timewait,59.570s,0)
//! ```
//!
//! `State` is `ss`'s name; `Recv-Q` and `Send-Q` are octets not read and not acknowledged, a FIN or
//! our SYN among them as in Linux' `tcp_diag_get_info`, for a
//! listener the connections waiting and the backlog. `Age` is how long the socket has been in its state, in
//! seconds: `ss` does not tell, and TIME-WAIT is about it. Times are cut as in a ladder. The timer is the earliest one, with the
//! time left and how often something was sent again. `Process` is who holds the socket.

use std::net::SocketAddr;

use twomsl_tcp::{Holder, Instant, Status, TcpState, TimerKind};

use crate::clock::{Clock, cut};
use crate::model::{Event, Trace};

/// `ss`'s headings, with `Age` put in before those that it has at the end of the line.
const HEAD: Head = [
    "State",
    "Recv-Q",
    "Send-Q",
    "Local Address:Port",
    "Peer Address:Port",
    "Age",
    "Process",
    "Timer",
];

/// The same, no wider than what stands below them.
const SHORT: Head = ["State", "Recv-Q", "Send-Q", "Local", "Peer", "Age", "Process", "Timer"];

const COLUMNS: usize = 8;

type Head = [&'static str; COLUMNS];

/// Numbers and addresses stand to the right of their columns, as in `ss`.
const RIGHT: [bool; COLUMNS] = [false, true, true, true, true, true, false, false];

/// All tables of a trace, an empty line between two of them.
pub fn render(trace: &Trace) -> String {
    all(trace, table)
}

/// The same for so many columns: see [`table_within`].
pub fn render_within(trace: &Trace, columns: usize) -> String {
    all(trace, |now, sockets| table_within(now, sockets, columns))
}

fn all(trace: &Trace, table: impl Fn(Instant, &[Status]) -> String) -> String {
    let mut tables = Vec::new();
    for record in &trace.records {
        if let Event::Table { host, sockets } = &record.event {
            let name = trace.about.name(*host);
            let (at, table) = (cut(record.at), table(record.at, sockets));
            let table = format!("{at}  {name}\n{table}");
            // Somebody may have asked twice.
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
    }
    tables.join("\n")
}

/// One table: a line of headings and a line for each socket.
pub fn table(now: Instant, sockets: &[Status]) -> String {
    laid_out(&cells(now, sockets), &LAYOUTS[0])
}

/// The same for so many columns: where they are too few, headings are shorter, and then the last
/// cells of a socket stand below the others.
pub fn table_within(now: Instant, sockets: &[Status], columns: usize) -> String {
    let rows = cells(now, sockets);
    let fits = |table: &String| table.lines().all(|line| line.chars().count() <= columns);
    let mut tables = LAYOUTS.iter().map(|layout| laid_out(&rows, layout));
    tables.clone().find(fits).or_else(|| tables.next_back()).unwrap_or_default()
}

/// How a table is laid out.
struct Layout {
    head: Head,
    /// The lines that a socket takes, and the cells in each.
    lines: &'static [&'static [usize]],
}

/// From the widest to the narrowest. A timer says what it is: it needs no heading.
const LAYOUTS: [Layout; 4] = [
    Layout { head: HEAD, lines: &[&[0, 1, 2, 3, 4, 5, 6, 7]] },
    Layout { head: SHORT, lines: &[&[0, 1, 2, 3, 4, 5, 6, 7]] },
    Layout { head: SHORT, lines: &[&[0, 1, 2, 3, 4, 5, 6], &[7]] },
    Layout { head: SHORT, lines: &[&[0, 3, 4], &[1, 2, 5, 6], &[7]] },
];

/// The cells of each socket.
fn cells(now: Instant, sockets: &[Status]) -> Vec<[String; COLUMNS]> {
    let since = sockets.iter().map(|status| status.since);
    let deadlines = sockets.iter().filter_map(|status| status.timers.first());
    let times = since.chain(deadlines.map(|(_, deadline)| *deadline)).chain([now]);
    let clock = Clock::of(times);
    sockets.iter().map(|status| row(clock, now, status)).collect()
}

fn laid_out(sockets: &[[String; COLUMNS]], layout: &Layout) -> String {
    let mut rows = vec![layout.head.map(str::to_owned)];
    rows.extend_from_slice(sockets);
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    if let ([_, _, ..], Some(head)) = (layout.lines, rows.first_mut()) {
        head[COLUMNS - 1].clear();
    }
    let of_row = |row: &[String; COLUMNS]| -> String {
        let lines = layout.lines.iter().enumerate();
        lines.map(|(place, cells)| line(place, cells, row, &widths)).collect()
    };
    rows.iter().map(of_row).collect()
}

/// Cells padded to the widest of their column, so that every table aligns by itself. Lines behind
/// the first of a socket are set off, and left out if they are empty.
fn line(
    place: usize,
    cells: &[usize],
    row: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
) -> String {
    let cell = |column: &usize| {
        let (text, width) = (&row[*column], widths[*column]);
        if RIGHT[*column] { format!("{text:>width$}") } else { format!("{text:<width$}") }
    };
    let cells: Vec<_> = cells.iter().map(cell).collect();
    let text = cells.join("  ");
    match (place, text.trim()) {
        (0, _) => format!("{}\n", text.trim_end()),
        (_, "") => String::new(),
        _ => format!("    {}\n", text.trim_end()),
    }
}

/// The cells of one socket, in the order of the headings.
fn row(clock: Clock, now: Instant, status: &Status) -> [String; COLUMNS] {
    [
        state(status.state).to_owned(),
        (status.receive_queue + number_of_peer(status.state)).to_string(),
        (status.send_queue + number_of_ours(status.state)).to_string(),
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

/// The peer's FIN has a number, which no application reads.
fn number_of_peer(state: TcpState) -> u32 {
    u32::from(matches!(state, TcpState::CloseWait | TcpState::Closing | TcpState::LastAck))
}

/// Our SYN or FIN has a number, which is not acknowledged yet. That of a SYN,ACK does not count: only
/// in a simultaneous open it would.
fn number_of_ours(state: TcpState) -> u32 {
    u32::from(matches!(
        state,
        TcpState::SynSent | TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck
    ))
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
        | TimerKind::Linger
        | TimerKind::Idle => timer.name(),
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
