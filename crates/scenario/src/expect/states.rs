//! Expectations about states, tables and timers.

use std::time::Duration;

use twomsl_tcp::{Instant, Status, TcpState, TimerChange};
use twomsl_trace::{Event, HostId};

use super::facts::{Facts, Life};
use super::{Counts, Lasting, PathWanted, SocketWanted, StateWanted, TableWanted, TimerWanted};
use crate::language::units;

/// What happened instead; `Ok` when the expectation holds.
pub(super) type Held = Result<(), String>;

/// The states of one connection, in order. Where it came from need not be said.
pub(super) fn path(wanted: &PathWanted, facts: &Facts<'_>) -> Held {
    let Some(life) = facts.connection(wanted.host, wanted.connection) else {
        return Err(facts.no_connection(wanted.host, wanted.connection));
    };
    let entered: Vec<TcpState> = life.entered.iter().map(|(_, state)| *state).collect();
    let whole: Vec<TcpState> = std::iter::once(life.start).chain(entered.clone()).collect();
    let fits = |states: &[TcpState]| {
        if wanted.open_end { states.starts_with(&wanted.states) } else { states == wanted.states }
    };
    if fits(&entered) || fits(&whole) { Ok(()) } else { Err(life.describe()) }
}

/// How often, how long or when a connection is in a state.
pub(super) fn state(wanted: &StateWanted, facts: &Facts<'_>) -> Held {
    let lives: Vec<&Life> = match wanted.connection {
        Some(nth) => match facts.connection(wanted.host, nth) {
            Some(life) => vec![life],
            None => return Err(facts.no_connection(wanted.host, nth)),
        },
        // A listener is no connection, but LISTEN is its state.
        None if wanted.state == TcpState::Listen => facts.sockets(wanted.host).collect(),
        None => facts.connections(wanted.host).collect(),
    };
    if let Some(at) = wanted.at {
        state_at(wanted, &lives, at)?;
    }
    let visits = visits(&lives, wanted.state);
    let counts = wanted.counts.unwrap_or(Counts::SOME);
    if !counts.hold(visits.len()) {
        return Err(describe_visits(&visits, wanted.state, facts.ended_at));
    }
    match (wanted.lasts, visits.first()) {
        (Some(lasts), Some(visit)) if !visit.lasts(lasts, wanted.within) => {
            Err(describe_visits(&visits, wanted.state, facts.ended_at))
        }
        _ => Ok(()),
    }
}

/// Whether some connection is in the state at a moment.
fn state_at(wanted: &StateWanted, lives: &[&Life], at: Instant) -> Held {
    let states: Vec<TcpState> = lives.iter().filter_map(|life| life.state_at(at)).collect();
    if states.contains(&wanted.state) {
        return Ok(());
    }
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    let states = if names.is_empty() { "no connection".to_owned() } else { names.join(", ") };
    Err(format!("at {at} there was {states}"))
}

/// One stay in a state.
struct Visit {
    from: Instant,
    to: Option<Instant>,
}

impl Visit {
    /// A stay that the end of the run cut off has no duration: it only lasted "forever".
    fn lasts(&self, wanted: Lasting, within: Duration) -> bool {
        match (wanted, self.to) {
            (Lasting::Forever, None) => true,
            (Lasting::Exactly(time), Some(to)) => to.since(self.from).abs_diff(time) <= within,
            _ => false,
        }
    }
}

/// Every stay of these connections in a state, a connection after the other.
fn visits(lives: &[&Life], state: TcpState) -> Vec<Visit> {
    let of_life = |life: &&Life| {
        let places = life.entered.iter().enumerate().filter(|(_, (_, entered))| *entered == state);
        let visits = places.map(|(place, (from, _))| Visit { from: *from, to: life.left(place) });
        visits.collect::<Vec<_>>()
    };
    lives.iter().flat_map(of_life).collect()
}

fn describe_visits(visits: &[Visit], state: TcpState, end: Instant) -> String {
    let one = |visit: &Visit| match visit.to {
        Some(to) => format!("{} (from {} to {to})", units::show(to.since(visit.from)), visit.from),
        None => format!("from {} to the end of the run at {end}", visit.from),
    };
    match visits {
        [] => format!("no connection was in {state}"),
        [visit] => format!("once in {state}: {}", one(visit)),
        [first, ..] => {
            format!("{} times in {state}, the first time {}", visits.len(), one(first))
        }
    }
}

/// How many sockets a host has at a moment.
pub(super) fn sockets(
    host: usize,
    at: Instant,
    state: Option<TcpState>,
    counts: Counts,
    facts: &Facts<'_>,
) -> Held {
    let alive: Vec<TcpState> = facts.sockets(host).filter_map(|life| life.state_at(at)).collect();
    let fitting = alive.iter().filter(|found| state.is_none_or(|state| state == **found)).count();
    if counts.hold(fitting) {
        Ok(())
    } else {
        Err(format!("{fitting}; at {at}: {}", tally(&alive)))
    }
}

/// `2 TIME-WAIT, 1 LISTEN`.
fn tally(states: &[TcpState]) -> String {
    let count = |state: TcpState| states.iter().filter(|other| **other == state).count();
    let counted = TcpState::ALL.into_iter().map(|state| (count(state), state));
    let some = counted.filter(|(count, _)| *count > 0);
    let words: Vec<String> = some.map(|(count, state)| format!("{count} {state}")).collect();
    if words.is_empty() { "no sockets".to_owned() } else { words.join(", ") }
}

/// Sockets with their details; each description needs a socket of its own.
pub(super) fn table(
    wanted: &TableWanted,
    facts: &Facts<'_>,
    text: impl Fn(&SocketWanted) -> String,
) -> Held {
    let rows = facts.table(wanted.host, wanted.at)?;
    let mut left: Vec<&Status> = rows.iter().collect();
    for socket in &wanted.sockets {
        let Some(place) = left.iter().position(|row| fits(socket, row)) else {
            return Err(format!("no `{}` in {}", text(socket), describe_rows(rows)));
        };
        left.remove(place);
    }
    Ok(())
}

/// All that is given must be so.
fn fits(wanted: &SocketWanted, row: &Status) -> bool {
    let remote = row.remote.map(|remote| remote.port());
    wanted.state.is_none_or(|state| state == row.state)
        && wanted.local_port.is_none_or(|port| port == row.local.port())
        && wanted.remote_port.is_none_or(|port| Some(port) == remote)
        && wanted.receive_queue.is_none_or(|octets| octets == row.receive_queue)
        && wanted.send_queue.is_none_or(|octets| octets == row.send_queue)
        && wanted.retransmits.is_none_or(|count| count == row.retransmits)
        && wanted.holder.is_none_or(|holder| holder == row.holder)
        && wanted.timer.is_none_or(|timer| row.timers.iter().any(|(kind, _)| *kind == timer))
}

/// The first rows of a table, shorter than `ss` has them: a failure is one line.
fn describe_rows(rows: &[Status]) -> String {
    let one = |row: &Status| {
        let remote = row.remote.map_or("*".to_owned(), |remote| remote.port().to_string());
        let queues = format!("recv-q {} send-q {}", row.receive_queue, row.send_queue);
        let timers = row.timers.iter().map(|(timer, at)| format!(" {} at {at}", timer.name()));
        format!(
            "{} {}:{remote} {queues}{}",
            row.state,
            row.local.port(),
            timers.collect::<String>()
        )
    };
    let rows: Vec<String> = rows.iter().take(8).map(one).collect();
    if rows.is_empty() { "an empty table".to_owned() } else { rows.join("; ") }
}

/// How often a timer was set, restarted, stopped or fired.
pub(super) fn timer(wanted: &TimerWanted, facts: &Facts<'_>) -> Held {
    let socket = match wanted.connection {
        Some(nth) => match facts.connection(wanted.host, nth) {
            Some(life) => Some(life.socket),
            None => return Err(facts.no_connection(wanted.host, nth)),
        },
        None => None,
    };
    let changes: Vec<(Instant, TimerChange)> = changes(wanted, socket, facts);
    let count = |kind: fn(&TimerChange) -> bool| {
        changes.iter().filter(|(_, change)| kind(change)).count() as u64
    };
    let found = [
        (wanted.set, count(|change| matches!(change, TimerChange::Set(_)))),
        (wanted.restarts, count(|change| matches!(change, TimerChange::Restarted(_)))),
        (wanted.stopped, count(|change| matches!(change, TimerChange::Stopped))),
        (wanted.fired, count(|change| matches!(change, TimerChange::Fired))),
    ];
    if found.iter().all(|(wanted, found)| wanted.is_none_or(|wanted| wanted == *found)) {
        return Ok(());
    }
    Err(describe_changes(&changes))
}

/// What became of a timer, on all sockets of a host or on one.
fn changes(
    wanted: &TimerWanted,
    only: Option<twomsl_trace::SocketRef>,
    facts: &Facts<'_>,
) -> Vec<(Instant, TimerChange)> {
    let of_host = HostId(wanted.host as u16);
    let events = facts.trace.records.iter().filter_map(|record| match &record.event {
        Event::Timer { socket, timer, change }
            if socket.host == of_host
                && *timer == wanted.timer
                && only.is_none_or(|only| only == *socket) =>
        {
            Some((record.at, *change))
        }
        _ => None,
    });
    events.collect()
}

fn describe_changes(changes: &[(Instant, TimerChange)]) -> String {
    let word = |change: &TimerChange| match change {
        TimerChange::Set(until) => format!("set until {until}"),
        TimerChange::Restarted(until) => format!("restarted until {until}"),
        TimerChange::Stopped => "stopped".to_owned(),
        TimerChange::Fired => "fired".to_owned(),
    };
    let shown = changes.iter().take(12).map(|(at, change)| format!("{} ({at})", word(change)));
    let shown: Vec<String> = shown.collect();
    let more = changes.len().saturating_sub(shown.len());
    match (shown.is_empty(), more) {
        (true, _) => "it never ran".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{}, and {more} more", shown.join(", ")),
    }
}
